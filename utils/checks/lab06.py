"""The checks of the mini-project (unit 06): the detector, the parts of the script, DX, eight bits, the three images."""
import contextlib
import io
import linecache
import os
import tempfile
from collections.abc import Callable
from functools import wraps
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.optimize import brentq
from scipy.special import expit

from utils.checks import CheckFailed, call, check, equal, inputs, own, require, run, seeded, shaped
from utils.checks import lab04
from utils.checks.lab04 import mirrored  # noqa: F401, the hidden part of task 1
from utils.checks.trained import without_test_set as trained  # noqa: F401, the training of task 1
from utils.data import Dataset
from utils.data.images import FACE_CLASSES
from utils.quiet import tf

EMPTY = [("at least one array", "Perhaps no file of a batch can be read: then do not call the model.")]  # what np.stack says of no image


@check
def accurate(detector: Callable, practice: Callable, faces: Dataset) -> None:
    """Task 1, the accuracy: logits for two classes, right for more than 85 % of the test faces."""
    require(detector is not practice, "This is the practice detector: train one of your own.")
    lab04.accurate(detector, faces)


def script_part(start: Path, part: Path, function: str) -> Callable:
    """The function that two parts of the script define, run one after the other."""
    names = {"__name__": "infer", "__file__": str(part)}
    for path in (start, part):
        require(path.exists(), f"There is no file {path}: run the cell that begins with %%writefile {path}.")
        linecache.checkcache(str(path))
        try:
            exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), names)
        except Exception as error:
            raise CheckFailed(f"{part} stops with {type(error).__name__}: {error}") from None
    require(function in names, f"{part} has no function {function}: keep the line that begins with def.")
    return names[function]


@check
def reading(start: Path, part: Path) -> None:
    """Task 2: read_face on files of each kind, and on files that are none."""
    read_face = script_part(start, part, "read_face")
    levels, turn = seeded(0).integers(0, 256, (48, 48), np.uint8), Image.Exif()
    middle, halves = (np.repeat(np.repeat(np.uint8([row]), 480 // len(row), axis=1), 480, axis=0) for row in ([0, 200, 200, 0], [0, 255]))
    middle, even, turn[0x0112] = np.repeat(middle, 2, axis=1), np.full((48, 48), 200), 6  # to be turned by 90 degrees clockwise
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "face.raw").write_bytes(levels.tobytes())
        for file, what, picture, expected, tolerance in (
                ("face.raw", "a raw file", None, levels, 1e-6),
                ("face.png", "a grey png of 48x48", levels, levels, 1e-6),
                ("colour.png", "a colour png of 48x48", np.stack([levels] * 3, -1), levels, 1e-6),
                ("deep.png", "a png of 16 bits", levels.astype(np.uint16) * 257, levels, 1e-6),
                ("wide.png", "a wide picture (crop the middle, do not squeeze it)", middle, even, 0.1),
                ("tall.png", "a tall picture (crop the middle, do not squeeze it)", middle.T, even, 0.1),
                ("turned.jpg", "a jpg that the camera held on its side (EXIF)", np.rot90(halves), halves[:48, ::10], 0.2)):
            if picture is not None:
                Image.fromarray(np.ascontiguousarray(picture)).save(folder / file, **{"exif": turn, "quality": 95} if file == "turned.jpg" else {})
            face = call(read_face, str(folder / file), hints=[("", f"The file was {what}.")])
            equal(f"read_face of {what}", face, expected[..., None] / 255, [
                (f"read_face gives the grey levels 0 to 255 for {what}, expected [0, 1]: divide by 255.", lambda: expected[..., None]),
                (f"read_face gives a transposed image for {what}: the file holds it row by row.", lambda: expected.T[..., None] / 255),
                ("A png of 16 bits is cut off at 255: divide its values by 257.", lambda: np.minimum(expected[..., None] * 257.0, 255) / 255)],
                tolerance=tolerance)
            require(np.asarray(face).dtype == np.float32, f"read_face gives {np.asarray(face).dtype} for {what}, expected float32.")
        (folder / "cut.png").write_bytes((folder / "face.png").read_bytes()[:600])
        (folder / "short.raw").write_bytes(b"\x00" * 2303)
        (folder / "words.txt").write_text("no image", encoding="utf-8")
        Image.fromarray(halves).save(folder / "face.bmp")
        for file, what in (("cut.png", "a damaged png"), ("short.raw", "a raw file with a byte too few"), ("words.txt", "a text file"),
                           ("face.bmp", "a bmp image"), ("none.png", "a file that does not exist")):
            _refuses(read_face, what, str(folder / file))


def _refuses(function: Callable, what: str, *given) -> None:
    """Raise CheckFailed unless the function raises ValueError."""
    try:
        function(*given)
    except ValueError:
        return
    except Exception as error:
        raise CheckFailed(f"{function.__name__} raises {type(error).__name__} for {what}, expected ValueError.") from None
    raise CheckFailed(f"{function.__name__} accepts {what}, it should raise ValueError.")


@check
def answering(start: Path, part: Path) -> None:
    """Task 3: answer on 600 files, two of them bad, with a model that counts its calls; on a bad file alone; and the example."""
    answer, asked, read = script_part(start, part, "answer"), [], []
    bad, slope = inputs(({"face-003", "face-300"}, 4), lambda rng: ({"face-077", "face-412"}, rng.uniform(3, 5)))

    def read_face(path: str) -> np.ndarray:
        if path in bad:
            raise ValueError("not an image")
        read.append(path)
        return np.full((48, 48, 1), int(path[-3:]) / 1000, np.float32)

    def model(images: np.ndarray) -> tf.Tensor:
        images = np.asarray(images)
        require(images.dtype == np.float32 and images.shape[1:] == (48, 48, 1),
                f"The model gets {images.dtype} {list(images.shape)}, expected float32 [N, 48, 48, 1].")
        require(len(read) - sum(asked) <= 256, f"answer holds {len(read) - sum(asked)} images: read BATCH of them, call the model, and go on.")
        asked.append(len(images))
        return tf.constant(np.stack([np.full(len(images), 99.0002), 98.0 + slope * images[:, 0, 0, 0]], 1).astype(np.float32))

    def printed(paths: list[str], model: Callable = model) -> tuple[int, str, str]:
        with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
            try:
                return run(answer, paths, model, hints=EMPTY), out.getvalue(), err.getvalue()
            except SystemExit:
                raise CheckFailed("answer ends the script with sys.exit: return the status.") from None

    own(answer)
    answer.__globals__["read_face"] = read_face
    paths = [f"face-{number:03}" for number in range(600)]
    status, out, err = printed(paths)
    lines, good = [line.split("\t") for line in out.splitlines()], [path for path in paths if path not in bad]
    for line in lines or [["It prints nothing"]]:
        require(len(line) == 3, f"A line does not have the form FILE<TAB>LABEL<TAB>PROBABILITY: {' '.join(line)}.")
    require([line[0] for line in lines] == good, f"{len(lines)} lines for {len(good)} readable files, or in another order: print one for each file, in the order of paths.")
    require(len(asked) <= 6, f"The model is called {len(asked)} times for 600 files: call it once for a batch.")
    require("nan" not in out, "A probability is nan: subtract the largest logit of each image before np.exp.")
    for path, one, text in lines:
        gap = slope * int(path[-3:]) / 1000 - 1.0002  # logit of "woman" - logit of "man"
        label, expected = FACE_CLASSES[int(gap > 0)], f"{1 / (1 + np.exp(-abs(gap))):.4f}"
        require(one == label, f"The label of {path} is {one!r}, expected {label!r}: that of the larger logit, 0 is man, 1 is woman.")
        require(text.replace(".", "", 1).isdigit() and abs(float(text) - float(expected)) < 2e-4, f"The probability of {path} is {text}, expected "
                f"{expected}: that of the label, by a softmax over the two logits of each image.")
        require(len(text) == 6, f"The probability {text} does not have four digits after the decimal point.")
    require(all(f"{path}: " in err for path in bad), "A bad file gets no line FILE: reason on standard error.")
    require(status == 1, f"The exit status is {status} although two files are bad, expected 1.")
    printed([min(bad)])
    status, out, _ = printed(["face-001"], lambda images: tf.constant([[0, 1.0986]]))
    require(out == "face-001\twoman\t0.7500\n", f"For logits (0, 1.0986) answer prints {out!r}, expected woman and 0.7500.")
    require(status == 0, f"The exit status is {status} although all files are good, expected 0.")


@check
def training_dx(function: Callable, model: tf.Module, x: np.ndarray, labels: np.ndarray) -> None:
    """Task 4: on logits (0, w . (X - 0.5)), where the best DX is along w, and on a face of x [N, 48, 48, 1] that `model` gets right."""
    w = seeded(1).normal(size=48 * 48).astype(np.float32)
    w *= 6 / np.linalg.norm(w)

    def linear(images: tf.Tensor, training: bool = False) -> tf.Tensor:
        score = tf.linalg.matvec(tf.reshape(images - 0.5, [-1, 48 * 48]), w) * (0.5 if training else 1.0)
        return tf.stack([tf.zeros_like(score), score], 1)

    def best(lam: float, slope: float = 6.0) -> float:
        """The length s along w at which -slope / (1 + e^(slope s)) + 2 lam s / 2304 = 0."""
        return brentq(lambda s: 2 * lam * s / 2304 - slope * expit(-slope * s), 0, 1e6)

    def attacked(network: Callable, image: np.ndarray, wrong: int, lam: float) -> np.ndarray:
        dx = call(function, network, tf.constant(image), wrong, lam, hints=[("len is not", "An optimizer takes two lists: apply([gradient], [dx]).")])
        shaped("DX", dx, image.shape)
        require(bool(np.isfinite(dx).all()), "DX holds NaN: the penalty is the mean of DX^2, without a root.")
        return np.asarray(dx)

    dx = attacked(linear, np.full([1, 48, 48, 1], 0.5, np.float32), 1, 2000.0)
    require(np.abs(dx).max() > 0, "DX is 0 everywhere: is it changed by the optimizer?")
    require(abs(dx.mean() - 0.5) > 0.05, "train_dx gives the modified image X + DX, expected DX.")
    require(np.vdot(dx, w) > 0, "DX goes away from the wrong label: the loss is the cross-entropy towards it, and it is minimised.")
    size = np.linalg.norm(dx)
    require(size > best(2000) / 20, "DX is far smaller than it should be: the penalty is the mean of the squares, not the sum.")
    require(size < 3 * best(2000), "DX is far larger than it should be: add lam * mean(DX^2) to the cross-entropy.")
    equal("The L2 norm of DX on a linear network", size, best(2000), [
        ("The model is called with training=True: leave it in inference.", lambda: best(2000, 3.0)),
        ("DX moves by one step of 0.005 only: make all steps.", lambda: 0.005 * 48)], tolerance=0.1)
    most = 1 + float(attacked(linear, np.ones([1, 48, 48, 1], np.float32), 1, 10.0).max())
    require(most <= 1 + 1e-6, f"X + DX goes up to {most:.3f} for a white image: put it back into the box after each step.")
    right = np.flatnonzero(np.argmax(model(tf.constant(x)), 1) == labels)[inputs(0, lambda rng: int(rng.integers(1, 9)))]
    face, wrong, before = x[right:right + 1], int(1 - labels[right]), [variable.numpy() for variable in model.variables]
    dx = attacked(model, face, wrong, 1000.0)
    changed = not all(np.array_equal(old, new) for old, new in zip(before, model.variables))
    for old, variable in zip(before, model.variables):
        variable.assign(old)
    require(not changed, "The weights of the network changed: give the optimizer DX alone.")
    require(int(np.argmax(model(tf.constant(face + dx)))) == wrong, "With lam = 1000 the network still gives X + DX the old label: take more steps.")


@check
def surviving(function: Callable) -> None:
    """Task 5: on a network that looks at the first pixel, 0.2 above a grey level; the DX of each pixel is another one."""
    level, lengths = inputs(100, lambda rng: int(rng.integers(101, 180))), np.arange(1, 4.01, 0.05)
    x, dx = (np.linspace(*ends, 2304).reshape(1, 48, 48, 1).astype(np.float32) / 255 for ends in ((level + 0.2, 254), (0.21, 3)))

    def model(images: np.ndarray) -> np.ndarray:
        """Logits [1, 2]: label 1 if the first pixel is more than 0.25 above the level."""
        images = np.asarray(images)
        require(images.dtype == np.float32, f"The network gets {images.dtype}, expected float32: astype(np.float32).")
        shaped("What the network gets", images, x.shape)
        return np.array([[0, 255 * images[0, 0, 0, 0] - level - 0.25]])

    def saved(t: float, whole: Callable = np.round) -> np.ndarray:
        return whole(255 * np.clip(x + t * dx, 0, 1)) / 255

    def first(picture: Callable, ts: np.ndarray = lengths) -> np.ndarray:
        return next((one for one in map(picture, ts) if 255 * one[0, 0, 0, 0] > level + 0.25), saved(4))

    got = call(function, model, x, dx, 1, hints=[("ValueError", "It should find t = 1.45: is the rounded image given to the network, and its label compared with `wrong`?")])
    equal("The image", got, saved(1.45), [
        ("The image has values between the grey levels: return the rounded one.", lambda: np.clip(x + 1.45 * dx, 0, 1)),
        ("The image is in the grey levels 0 to 255: divide by 255.", lambda: 255 * saved(1.45)),
        ("The network must judge the rounded image: with t = 1 the rounded one does not fool it.", lambda: saved(1)),
        ("The image is not rounded but cut off.", lambda: first(lambda t: saved(t, np.trunc))),
        ("This is the image for t = 4: take the smallest t that works.", lambda: saved(4)),
        ("t grows by 0.05, not by 0.1.", lambda: saved(1.5)),
        ("The image leaves [0, 1]: clip it.", lambda: np.round(255 * (x + 1.45 * dx)) / 255),
        ("This is X + (1 + t) DX, expected X + t DX.", lambda: first(lambda t: saved(1 + t))),
        ("Each t multiplies the DX of the t before: it multiplies the dx that is given.", lambda: first(saved, np.cumprod(lengths))),
        ("X and t DX are rounded apart, not their sum.", lambda: first(lambda t: np.minimum((255 * x).round() + (255 * t * dx).round(), 255) / 255))])
    _refuses(function, "a DX of 0, which fools no network,", model, x, np.zeros_like(x), 1)


@check
def saving(function: Callable) -> None:
    """Task 6: the six files for two known images, in a folder of their own; the first pixel is that of the example."""
    x = ((seeded(2).integers(10, 240, (1, 48, 48, 1)) - 0.3) / 255).astype(np.float32)  # -0.3: rounding matters
    modified = np.clip(x + seeded(3).integers(-3, 8, x.shape) / np.float32(255), 0, 1).astype(np.float32)
    x[0, 0, 0], modified[0, 0, 0] = np.float32(100 / 255), np.float32(102 / 255)

    @wraps(function)
    def saved(*given) -> bool:
        function(*given)
        return True

    saved.python_function = function  # whose line is shown
    here = os.getcwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            call(saved, x, modified, ("ada", "grace"), hints=[("Cannot handle this data type", "Pillow wants np.uint8 [48, 48].")])
            written = {path.name: path.read_bytes() for path in Path().iterdir() if path.is_file()}
        finally:
            os.chdir(here)
    change = 255 * (modified - x)[0, :, :, 0]
    for kind, levels in (("ori", 255 * x[0, :, :, 0]), ("mod", 255 * modified[0, :, :, 0]), ("amp", np.minimum(50 * np.abs(change), 255))):
        raw, png = f"adv_ada_grace_{kind}.raw", f"adv_ada_grace_{kind}.png"
        for name in (raw, png):
            require(name in written, f"There is no file {name}, there are: {', '.join(sorted(written)) or 'none'}.")
        require(len(written[raw]) == 2304, f"{raw} has {len(written[raw])} bytes, expected 2,304: np.uint8 before tobytes().")
        image = Image.open(io.BytesIO(written[png]))
        require(image.size == (48, 48) and image.mode == "L", f"{png} is {list(image.size)} in mode {image.mode}, expected 48x48 grey (L).")
        for name, picture in ((raw, np.frombuffer(written[raw], np.uint8).reshape(48, 48)), (png, np.asarray(image))):
            equal(name, picture.astype(float), np.round(levels), [
                (f"{name} is one grey level too dark in places: round before np.uint8.", lambda: np.trunc(levels)),
                (f"{name} is black where DX is negative: take 50 |DX|.", lambda: np.clip(np.round(50 * change), 0, 255)),
                (f"{name} wraps around at 256: clip 50 |DX| to [0, 1] before np.uint8.", lambda: np.round(50 * np.abs(change)) % 256),
                (f"{name} is |DX|, expected 50 |DX|.", lambda: np.round(np.abs(change))),
                (f"{name} is the other image: ori is x, mod is modified.", lambda: np.round(255 * (modified if kind == "ori" else x)[0, :, :, 0]))],
                tolerance=(1.01 if kind == "amp" else 0.01) / 255)
