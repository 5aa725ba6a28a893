"""The checks of the mini-project (unit 06). Each raises `checks.CheckFailed` with one sentence, or gives nothing."""
import contextlib
import io
import os
import runpy
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from PIL import Image

from utils import checks, training
from utils.checks.lab04 import mirrored  # noqa: F401, the hidden part of task 1
from utils.data import Dataset
from utils.quiet import tf


@dataclass(frozen=True)
class WithoutTest:
    """What a training may see of a `Dataset`, so that `dataclasses.replace` works on it too. Images float32 [N, H, W, 1] in
    [0, 1], labels int64 [N]. Asked for its test images or their labels it raises CheckFailed."""

    name: str
    x_train: np.ndarray
    y_train: np.ndarray
    x_val: np.ndarray
    y_val: np.ndarray
    class_names: tuple[str, ...]
    source: str
    factors: dict[str, dict[str, np.ndarray]]

    def __getattr__(self, name: str) -> None:  # asked only for what is not there
        if name in ("x_test", "y_test"):
            raise checks.CheckFailed(f"The training looks at {name}. The test faces are for the check alone: train with "
                                     "x_train, and choose with x_val.")
        raise AttributeError(f"The data set has no {name}: it has {', '.join(field.name for field in fields(self))}.")


def without_test(dataset: Dataset) -> WithoutTest:
    """The training and validation part of a data set."""
    kept = {field.name: getattr(dataset, field.name) for field in fields(WithoutTest)}
    return WithoutTest(**kept | {"factors": {split: dataset.factors[split] for split in ("train", "val")}})


@checks.check
def trained(train: Callable, faces: Dataset) -> Callable:
    """Task 1, the training: what `train` gives. It sees no test faces, in its argument or in the notebook's variables."""
    notebook = getattr(train, "__globals__", {})
    complete = {name: value for name, value in notebook.items() if isinstance(value, Dataset)}
    notebook.update({name: without_test(value) for name, value in complete.items()})
    try:
        model = checks.run(train, without_test(faces))
    finally:
        notebook.update(complete)
    checks.require(callable(model),
                   f"train gives a {type(model).__name__}: return the network, not what training.fit returns.")
    return model


@checks.check
def accurate(detector: Callable, practice: Callable, faces: Dataset) -> None:
    """Task 1, the accuracy: logits for two classes, right for more than 85 % of the test faces."""
    checks.require(detector is not practice, "This is the practice detector: train one of your own.")
    logits = training.predict(detector, faces.x_test)
    checks.require(logits.shape == (len(faces.x_test), 2),
                   f"The network gives {logits.shape[1]} numbers for a face, expected logits for 2 classes.")
    checks.require(not np.allclose(logits.sum(axis=1), 1, atol=1e-3),
                   "The network ends in softmax: return one that gives logits.")
    accuracy = float(np.mean(logits.argmax(axis=1) == faces.y_test))
    checks.require(accuracy > 0.5, "The network is right less often than a coin: are the labels mixed up?")
    checks.require(accuracy > 0.85, f"The network is right for {100 * accuracy:.1f} % of the test faces, more than 85 % is "
                   "required: train it longer, or choose another.")


def script_part(start: Path, part: Path, function: str) -> dict:
    """The names that two parts of the script define, with `function` among them; parts are run, not imported."""
    for path in (start, part):
        checks.require(path.exists(), f"There is no file {path}: run the cell that begins with %%writefile {path}.")
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "infer.py"
        script.write_text(start.read_text(encoding="utf-8") + "\n\n" + part.read_text(encoding="utf-8"), encoding="utf-8")
        try:
            names = runpy.run_path(str(script))
        except Exception as error:
            raise checks.CheckFailed(f"{part} stops with {type(error).__name__}: {error}") from None
    checks.require(function in names, f"{part} has no function {function}: keep the line that begins with def.")
    return names


@checks.check
def reading(start: Path, part: Path) -> None:
    """Task 2: read_face on files of each kind, and on files that are none."""
    read_face = script_part(start, part, "read_face")["read_face"]
    levels = checks.generator(0).integers(0, 256, (48, 48), np.uint8)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "face.raw").write_bytes(levels.tobytes())
        Image.fromarray(levels).save(folder / "face.png")
        colour = np.stack([levels, levels, levels], -1)
        Image.fromarray(colour).save(folder / "colour.png")
        _same_face(read_face, folder / "face.raw", levels, "a raw file")
        _same_face(read_face, folder / "face.png", levels, "a grey png of 48x48")
        _same_face(read_face, folder / "colour.png", levels, "a colour png of 48x48")
        _same_face(read_face, _saved(Image.fromarray(levels.astype(np.uint16) * 257), folder / "deep.png"), levels,
                   "a png of 16 bits")
        wide = np.zeros((480, 960), np.uint8)
        wide[:, 240:720] = 200
        _same_face(read_face, _saved(Image.fromarray(wide), folder / "wide.png"), np.full((48, 48), 200, np.uint8),
                   "a wide picture (crop the middle, do not squeeze it)", tolerance=0.1)
        _same_face(read_face, _turned(folder / "turned.jpg"), np.repeat([[0] * 24 + [255] * 24], 48, 0).astype(np.uint8),
                   "a jpg that the camera held on its side (EXIF)", tolerance=0.2)
        (folder / "cut.png").write_bytes((folder / "face.png").read_bytes()[:600])
        (folder / "short.raw").write_bytes(b"\x00" * 2303)
        (folder / "words.txt").write_text("no image", encoding="utf-8")
        for path, what in (("cut.png", "a damaged png"), ("short.raw", "a raw file with a byte too few"),
                           ("words.txt", "a text file")):
            _refused(read_face, folder / path, what)


def _saved(image: Image.Image, path: Path) -> Path:
    image.save(path)
    return path


def _turned(path: Path) -> Path:
    """A jpg that is dark on its left half when it is shown upright, stored turned by 90 degrees."""
    upright = Image.fromarray(np.repeat([[0] * 60 + [255] * 60], 120, 0).astype(np.uint8))
    note = Image.Exif()
    note[0x0112] = 6  # to be turned by 90 degrees clockwise
    upright.rotate(90).save(path, exif=note, quality=95)
    return path


def _same_face(read_face: Callable, path: Path, levels: np.ndarray, what: str, tolerance: float = 1e-6) -> None:
    face = np.asarray(checks.run(read_face, str(path)))
    checks.require(face.shape == (48, 48, 1), f"read_face gives shape {list(face.shape)} for {what}, expected [48, 48, 1].")
    checks.require(face.dtype == np.float32, f"read_face gives {face.dtype} for {what}, expected float32.")
    checks.require(face.max() <= 1, f"read_face gives values up to {face.max():g} for {what}, expected [0, 1]: divide by 255.")
    worst = float(np.abs(face[..., 0] - levels / 255).max())
    checks.require(worst <= tolerance, f"read_face is wrong for {what}: a pixel is off by {worst:.3f}.")


def _refused(read_face: Callable, path: Path, what: str) -> None:
    try:
        read_face(str(path))
    except ValueError:
        return
    except Exception as error:
        raise checks.CheckFailed(f"read_face raises {type(error).__name__} for {what}, expected ValueError.") from None
    raise checks.CheckFailed(f"read_face accepts {what}, it should raise ValueError.")


@checks.check
def answering(start: Path, part: Path) -> None:
    """Task 3: answer on 600 files, two of them bad, with a model that counts its calls."""
    names = script_part(start, part, "answer")
    answer, asked, read = names["answer"], [], []
    bad, slope = checks.inputs(({"face-003", "face-300"}, 4), lambda rng: ({"face-077", "face-412"}, rng.uniform(3, 5)))

    def read_face(path):
        if path in bad:
            raise ValueError("not an image")
        read.append(path)
        return np.full((48, 48, 1), int(path[-3:]) / 1000, np.float32)

    def model(images):
        images = np.asarray(images)
        checks.require(images.dtype == np.float32 and images.shape[1:] == (48, 48, 1),
                       f"The model is asked about {images.dtype} {list(images.shape)}, expected float32 [N, 48, 48, 1].")
        asked.append(len(images))
        return tf.constant(np.stack([np.full(len(images), 99.0002), 98.0 + slope * images[:, 0, 0, 0]], 1).astype(np.float32))

    answer.__globals__["read_face"] = read_face
    paths = [f"face-{number:03}" for number in range(600)]
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = checks.run(answer, paths, model)
    lines = [line.split("\t") for line in out.getvalue().splitlines()]
    checks.require(all(len(line) == 3 for line in lines) and bool(lines),
                   "A line has not the form FILE<TAB>LABEL<TAB>PROBABILITY.")
    good = [path for path in paths if path not in bad]
    checks.require([line[0] for line in lines] == good,
                   f"{len(lines)} lines for {len(good)} readable files, or in another order: one for each, as in paths.")
    checks.require(max(asked) <= 256, f"The model is asked about {max(asked)} images at one time: at most BATCH.")
    checks.require(len(asked) <= 6, f"The model is asked {len(asked)} times for 600 files: once for a batch.")
    shares = np.array([1 / (1 + np.exp(1.0002 - slope * int(path[-3:]) / 1000)) for path in good])  # the probability of "woman"
    labels = ["woman" if share > 0.5 else "man" for share in shares]
    said = [line[1] for line in lines]
    checks.require(said != ["man" if label == "woman" else "woman" for label in labels],
                   "The labels are swapped: 0 is man, 1 is woman.")
    checks.require(said == labels, f"A label is wrong: the first lines say {said[:3]}, expected {labels[:3]}.")
    for line, share in zip(lines, shares):
        expected = f"{max(share, 1 - share):.4f}"
        checks.require(abs(_number(line[2]) - float(expected)) < 2e-4,
                       f"The probability of {line[0]} is {line[2]}, expected {expected}: the softmax of the logits, "
                       f"for the label that is printed.")
        checks.require(len(line[2]) == 6, f"The probability {line[2]} has not four digits after the point.")
    checks.require(all(name in err.getvalue() for name in bad), "A bad file gets no line on standard error.")
    checks.require(status == 1, f"The exit status is {status} although two files are bad, expected 1.")
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        status = checks.run(answer, paths[:1], model)
        checks.run(answer, [min(bad)], model)
    checks.require(status == 0, f"The exit status is {status} although all files are good, expected 0.")


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise checks.CheckFailed(f"{text!r} is not a number.") from None


@checks.check
def training_dx(train_dx: Callable, model: tf.Module, x: np.ndarray, labels: np.ndarray) -> None:
    """Task 4: on a face of x [N, 48, 48, 1] that `model` gets right, and on a linear model whose best DX is known."""
    number = checks.inputs(0, lambda rng: int(rng.integers(1, 9)))
    right = np.flatnonzero(np.argmax(model(tf.constant(x)), 1) == labels)[number]
    face, wrong = tf.constant(x[right:right + 1]), int(1 - labels[right])
    before = [variable.numpy() for variable in model.variables]
    dx = np.asarray(checks.call(train_dx, model, face, wrong, 1000.0))
    changed = not all(np.array_equal(old, new) for old, new in zip(before, model.variables))
    for old, variable in zip(before, model.variables):
        variable.assign(old)
    checks.require(not changed, "The weights of the network changed: give the optimiser DX alone.")
    checks.require(dx.shape == face.shape, f"DX has shape {list(dx.shape)}, expected {face.shape.as_list()}.")
    modified = face.numpy() + dx
    checks.require(np.abs(dx).max() > 0, "DX is 0 everywhere: is it changed by the optimiser?")
    checks.require(int(np.argmax(model(modified))) == wrong,
                   "The network still gives the old label for X + DX: is the loss the cross-entropy towards the wrong label?")
    tight = np.linalg.norm(checks.call(train_dx, model, face, wrong, 1e6))
    checks.require(tight < 0.7 * np.linalg.norm(dx),
                   "DX is hardly smaller with a thousand times the lambda: add lam * mean(DX^2) to the loss.")
    _linear_dx(train_dx)


def _linear_dx(train_dx: Callable) -> None:
    """On logits (0, w . x) and x = 0.5, the best DX is along w, and its length solves a scalar equation."""
    w = checks.generator(1).normal(size=48 * 48).astype(np.float32)
    w *= 6 / np.linalg.norm(w)

    def model(images):
        score = tf.linalg.matvec(tf.reshape(images - 0.5, [-1, 48 * 48]), w)
        return tf.stack([tf.zeros_like(score), score], 1)

    white = 1 + np.asarray(checks.call(train_dx, model, tf.ones([1, 48, 48, 1]), 1, 10.0))
    checks.require(white.max() <= 1 + 1e-6,
                   f"X + DX goes up to {white.max():.3f} for a white image: put it back into the box after each step.")
    dx = np.asarray(checks.call(train_dx, model, tf.fill([1, 48, 48, 1], 0.5), 1, 2000.0)).ravel()
    low, high = 0.0, 10.0  # length s along w: -|w| / (1 + e^(|w| s)) + 2 lam s / 2304 = 0
    for _ in range(60):
        s = (low + high) / 2
        low, high = (s, high) if 6 / (1 + np.exp(6 * s)) > 2 * 2000 * s / 2304 else (low, s)
    along = float(dx @ w / 6)
    checks.require(along > 0, "DX goes away from the wrong label: is the sign of the loss right?")
    off = abs(np.linalg.norm(dx) / s - 1)
    checks.require(off < 0.1, f"On a linear network the best DX has the L2 norm {s:.3f}, yours has {np.linalg.norm(dx):.3f}: is the "
                              f"penalty the mean of the squares, and are there enough steps?")


@checks.check
def surviving(survive: Callable) -> None:
    """Task 5: on a network that looks at the mean grey level, for which the right t is known."""
    def model(images):
        score = 1e4 * (tf.reduce_mean(tf.cast(images, tf.float32), [1, 2, 3]) - (level + 0.25) / 255)
        return tf.stack([-score, score], 1)

    level = checks.inputs(100, lambda rng: int(rng.integers(101, 180)))
    x = np.full((1, 48, 48, 1), level / 255, np.float32)
    dx = np.full_like(x, 0.2 / 255)
    dx[:, :24] = 0.4 / 255  # from t = 1.30 on, the upper half is rounded up; without rounding t = 1 would be enough
    expected = np.full_like(x, level)
    expected[:, :24] = level + 1
    modified = np.asarray(checks.call(survive, model, x, dx, 1))
    checks.require(modified.shape == x.shape, f"The image has shape {list(modified.shape)}, expected {list(x.shape)}.")
    levels = modified * 255
    checks.require(np.abs(levels - np.round(levels)).max() < 1e-3, "The image has values between the grey levels: round it.")
    checks.require(modified.max() <= 1 and modified.min() >= 0, "The image leaves [0, 1]: clip it.")
    checks.require(np.abs(levels - level).max() > 0.5,
                   "The image is the original, no DX is left: it is the rounded image that must get the wrong label.")
    checks.require(np.abs(levels - expected).max() < 1e-3,
                   f"The grey levels go up to {levels.max():.0f}, expected {level + 1}: take the shortest t that works.")
    edge = np.asarray(checks.call(survive, model, np.full_like(x, 254 / 255), np.full_like(x, 10 / 255), 1))
    checks.require(edge.max() <= 1, f"The image goes up to {edge.max():.3f}: clip it to [0, 1] before rounding.")
    try:
        survive(model, x, np.zeros_like(x), 1)
    except ValueError:
        return
    raise checks.CheckFailed("No length of DX = 0 fools the network, so survive should raise ValueError.")


@checks.check
def saving(save_images: Callable) -> None:
    """Task 6: the six files for two known images, in a folder of their own."""
    generator = checks.generator(2)
    x = ((generator.integers(10, 240, (1, 48, 48, 1)) - 0.3) / 255).astype(np.float32)  # -0.3: rounding matters
    step = generator.integers(-3, 8, x.shape) / np.float32(255)
    modified = np.clip(x + step, 0, 1).astype(np.float32)
    here = os.getcwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            checks.own(save_images)
            try:
                save_images(x, modified, ("ada", "grace"))
            except NotImplementedError:
                raise checks.CheckFailed("save_images is not written yet: replace the line that raises "
                                         "NotImplementedError, and run that cell.") from None
            except Exception as error:
                raise checks.CheckFailed(f"save_images stops with {type(error).__name__}: {error}") from None
        finally:
            os.chdir(here)
        levels = {kind: np.round(255 * image[0, :, :, 0]).astype(int) for kind, image in (("ori", x), ("mod", modified))}
        levels["amp"] = np.clip(50 * np.abs(levels["mod"] - levels["ori"]), 0, 255)
        for kind, expected in levels.items():
            _saved_levels(Path(folder) / f"adv_ada_grace_{kind}", kind, expected)


def _saved_levels(stem: Path, kind: str, expected: np.ndarray) -> None:
    raw, png = stem.with_suffix(".raw"), stem.with_suffix(".png")
    for path in (raw, png):
        checks.require(path.exists(), f"There is no file {path.name}.")
    content = raw.read_bytes()
    checks.require(len(content) == 2304, f"{raw.name} has {len(content)} bytes, expected 2,304: np.uint8 before tobytes().")
    with Image.open(png) as image:
        checks.require(image.size == (48, 48) and image.mode == "L",
                       f"{png.name} is {image.size[0]}x{image.size[1]} in mode {image.mode}, expected 48x48 grey (L).")
        pictures = {png.name: np.asarray(image).astype(int)}
    pictures[raw.name] = np.frombuffer(content, np.uint8).reshape(48, 48).astype(int)
    for name, picture in pictures.items():
        off = np.abs(picture - expected).max()
        checks.require(kind == "amp" or off != 1, f"{name} is one grey level too dark in places: round before np.uint8.")
        hint = " Is it 50 |DX|, clipped to [0, 1] before it becomes np.uint8?" if kind == "amp" else ""
        checks.require(off <= (1 if kind == "amp" else 0), f"{name} is off by up to {off} grey levels.{hint}")
