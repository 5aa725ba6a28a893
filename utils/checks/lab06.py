"""The checks of the mini-project (unit 06): the script, sizes of DX, the attack, the three images, a hardened detector."""
import contextlib
import io
import linecache
import os
import tempfile
import time
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from functools import wraps
from pathlib import Path
from unittest.mock import patch

import numpy as np
from PIL import Image

from utils import attacks, other_versions_names, training
from utils.checks import CheckFailed, call, check, equal, inputs, own, require, run, seeded, shaped
from utils.checks.alone import of_course
from utils.checks.trained import without_test
from utils.data import Dataset
from utils.data.images import FACE_CLASSES, FACE_SIZE, WHITE, to_float, to_levels
from utils.quiet import tf
from utils.training import predict

__getattr__ = other_versions_names(__name__)

# what np.stack says of no image
EMPTY = [("at least one array", "Perhaps no file of a batch can be read: then do not call the model.")]


def script_part(start: Path, part: Path, function: str) -> Callable:
    """The function that two parts of the script define, run one after the other."""
    names = {"__name__": "infer", "__file__": str(part)}
    for path in (start, part):
        require(path.exists(), f"There is no file {path}: run the cell that begins with %%writefile {path}.")
        linecache.checkcache(str(path))
        source = path.read_text(encoding="utf-8")
        line = of_course(source)
        require(not line, f"{path} imports utils in line {line}. The script must be stand-alone: whoever calls it has your "
                "folder and not the course's package. Write the code yourself, that is the task.")
        try:
            exec(compile(source, str(path), "exec"), names)
        except Exception as error:
            raise CheckFailed(f"{part} stops with {type(error).__name__}: {error}") from None
    require(function in names, f"{part} has no function {function}: keep the line that begins with def.")
    return names[function]


@check
def answering(start: Path, part: Path) -> None:
    """Task 1: 601 files in no order, one of them twice, two bad, with a model that counts its calls; a bad one; the example."""
    answer, asked, read = script_part(start, part, "answer"), [], []
    # so that no gap is near 0
    bad, slope = inputs(({"new/face-003", "new/face-300"}, 4),
                        lambda rng: ({"new/face-077", "new/face-412"}, round(rng.uniform(3, 5), 1)))

    def read_face(path: str) -> np.ndarray:
        if path in bad:
            raise ValueError("not an image")
        read.append(path)
        return np.full((48, 48, 1), int(path[-3:]) / 1000, np.float32)

    def model(images: np.ndarray) -> tf.Tensor:
        images = np.asarray(images)
        require(images.dtype == np.float32 and images.shape[1:] == (48, 48, 1),
                f"The model gets {images.dtype} {list(images.shape)}, expected float32 [N, 48, 48, 1].")
        require(len(read) - sum(asked) <= 256,
                f"answer holds {len(read) - sum(asked)} images: read BATCH of them, call the model, and go on.")
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
    paths = [f"new/face-{7 * number % 600:03}" for number in range(601)]
    status, out, err = printed(paths)
    lines, good = [line.split("\t") for line in out.splitlines()], [path for path in paths if path not in bad]
    for line in lines or [["It prints nothing"]]:
        require(len(line) == 3, f"A line does not have the form FILE<TAB>LABEL<TAB>PROBABILITY: {' '.join(line)}.")
    named = [line[0] for line in lines]
    require(named != [Path(path).name for path in good],
            f"A line begins with {named[0]}, expected {good[0]}: the file as it was given, with its folder.")
    require(sorted(named) != sorted(good) or named == good,
            "The lines are in another order than paths: print them as the files were given.")
    require(sorted(named) != sorted(set(good)), "One file was given twice and has one line: print one for each entry of paths.")
    require(named == good, f"{len(lines)} lines for {len(good)} readable files: print one for each, beginning with the file as "
            "it was given.")
    require(len(asked) <= 6, f"The model is called {len(asked)} times for {len(paths)} files: call it once for a batch.")
    require("nan" not in out, "A probability is nan: subtract the largest logit of each image before np.exp.")
    for path, one, text in lines:
        gap = slope * int(path[-3:]) / 1000 - 1.0002  # logit of "woman" - logit of "man"
        label, expected = FACE_CLASSES[int(gap > 0)], f"{1 / (1 + np.exp(-abs(gap))):.4f}"
        require(one == label,
                f"The label of {path} is {one!r}, expected {label!r}: that of the larger logit, 0 is man, 1 is woman.")
        require(text.replace(".", "", 1).isdigit() and abs(float(text) - float(expected)) < 2e-4,
                f"The probability of {path} is {text}, expected "
                f"{expected}: that of the label, by a softmax over the two logits of each image.")
        require(len(text) == 6, f"The probability {text} does not have four digits after the decimal point.")
    require(all(f"{path}: " in err for path in bad), "A bad file gets no line FILE: reason on standard error.")
    require(status == 1, f"The exit status is {status} although two files are bad, expected 1.")
    printed([min(bad)])
    status, out, _ = printed(["face-001"], lambda images: tf.constant([[0, 1.0986]]))
    require(out == "face-001\twoman\t0.7500\n", f"For logits (0, 1.0986) answer prints {out!r}, expected woman and 0.7500.")
    require(status == 0, f"The exit status is {status} although all files are good, expected 0.")


NORMS = {"L1": 1, "L2": 2, "Linf": np.inf}


@check
def sizes(function: Callable) -> None:
    """Task 2: three pairs of images with a few changed pixels, lighter and darker, in each norm; first the example."""
    original = seeded(1).integers(30, 220, (3, FACE_SIZE, FACE_SIZE)).astype(np.uint8)
    modified, rng = original.copy(), seeded(2)
    for image in modified:
        image[rng.integers(0, 48, 9), rng.integers(0, 48, 9)] -= np.uint8(rng.integers(20, 30))
        image[rng.integers(0, 48, 5), rng.integers(0, 48, 5)] += np.uint8(rng.integers(1, 20))
    example = np.zeros([1, FACE_SIZE, FACE_SIZE], np.uint8)
    other = example.copy()
    example[0, 0, 0], other[0, 0, 1] = 153, 204
    for name, pair in (("the example", (example, other)), ("three faces", (original, modified))):
        first, second = (levels.astype(float).reshape(len(levels), -1) for levels in pair)
        grey, wrapped = second - first, ((pair[1] - pair[0]) / 255).reshape(len(first), -1)
        for norm in NORMS:
            def measure(change: np.ndarray, norm: str = norm, axis: int = 1) -> np.ndarray:
                return np.linalg.norm(change, NORMS[norm], axis)

            right = measure(grey / 255)
            equal(f"sizes of {name} in {norm}", call(function, *pair, norm), right, [
                *((f'This is the norm {other}, where norm is "{norm}".', measure(grey / 255, other))
                  for other in NORMS if other != norm),
                ("uint8 has no negative numbers, 100 - 102 is 254 there: make the images float before you subtract.",
                 measure(wrapped)),
                ("This is in grey levels: divide by 255.", measure(grey)),
                ("This is the mean over the pixels, a penalty of unit 05; the norm has the sum.", right / 2304),
                ("The root is missing.", right**2),
                ("This is the root of the mean square; the L2 norm has the sum of the squares.", right / 48),
                ("This is one number for each row or column of pixels: all pixels of an image belong together.",
                 *(measure((grey / 255).reshape(pair[0].shape), axis=axis) for axis in (1, 2))),
                ("This is one number for all images: return one for each, [N].", measure((grey / 255).ravel(), axis=0)),
                ("The largest change may be a darker pixel: take the absolute value.", (grey / 255).max(axis=1))])


SPEED = 20  # seconds for the faces of the check; the grader gives 60 for 50 faces
LIMIT = 1.5  # times the median of the course's attack before tuning, on the same faces
FIRST = "Write images that the network takes for the other label"


@check(seconds=10)
def attacking(start: Path, part: Path, model: Callable, faces: Dataset) -> None:
    """Task 3: modify on 16 test faces (hidden: 13 others) that `model` gets right, and on one alone."""
    modify = script_part(start, part, "modify")
    many, first = inputs((16, 0), lambda rng: (13, int(rng.integers(100, 400))))
    right = first + np.flatnonzero(predict(model, faces.x_test[first:first + 100])
                                   .argmax(1) == faces.y_test[first:first + 100])[:many]
    x, labels = faces.x_test[right], faces.y_test[right]
    levels = to_levels(x[..., 0])

    def network(images: tf.Tensor) -> tf.Tensor:
        require(getattr(images, "dtype", None) == tf.float32 or getattr(images, "dtype", None) == np.float32,
                f"The model gets {getattr(images, 'dtype', type(images).__name__)}, expected float32: images / 255, np.float32.")
        require(len(images.shape) == 4 and tuple(images.shape[1:]) == (FACE_SIZE, FACE_SIZE, 1),
                f"The model gets shape {list(images.shape)}, expected [N, 48, 48, 1]: add the axis of the channel.")
        return model(images)

    started = time.monotonic()
    made = call(modify, network, levels, labels, hints=EMPTY)
    seconds = time.monotonic() - started
    require(isinstance(made, np.ndarray) and made.dtype == np.uint8,
            (f"modify gives {getattr(made, 'dtype', type(made).__name__)}, expected an array of np.uint8: np.round before "
             "np.uint8."))
    shaped("What modify gives", made, levels.shape)
    require(not np.array_equal(made, levels), f"All images come back as they were. {FIRST}.")
    require(made.max() > 1, "The images are black: no grey level is above 1. Multiply images in [0, 1] by 255 before np.uint8.")
    require(seconds < SPEED, (f"modify takes {seconds:.0f} s for {many} faces: work on all of them in one array. The grader "
                              "stops attack.py after 60 s."))
    logits = predict(model, to_float(made[..., None]))
    fooled = logits.argmax(1) != labels
    before = predict(model, x)
    surer = np.mean((logits - before)[np.arange(many), labels] > (logits - before)[np.arange(many), 1 - labels])
    require(fooled.any() or surer < 0.9,
            "The network is surer of the right label than before: DX goes the wrong way, change its sign.")
    require(fooled.mean() >= 0.9, f"{fooled.sum()} of {many} saved images get the other label, {int(np.ceil(0.9 * many))} are "
            "required. Ask the network about the rounded image, and keep only what fools it; take more steps, or let DX "
            "grow where it does not yet.")
    median = float(np.median(np.linalg.norm(((made.astype(float) - levels) / WHITE).reshape(many, -1), axis=1)))
    given = attacks.dx_attack(model, x, labels, steps=60)
    most = LIMIT * float(np.median(attacks.smallest_8bit(model, x, labels, given.dx).norms["L2"]))
    require(median <= most, f"The median L2 norm of DX is {median:.2f}, at most {most:.2f} is required (the course's attack "
            f"before tuning needs {most / LIMIT:.2f}): make DX shorter where the network is fooled already, and keep the "
            "shortest that fools it.")
    alone = call(modify, network, levels[:1], labels[:1], hints=[("", "It was given one face alone.")])
    shaped("What modify gives for one face", alone, levels[:1].shape)


FGSM = 4 / 255  # how far each pixel of the modified faces of task 5 moves
GIVEN, EPOCHS = 80, 8
SHARE = (0.15, 0.4)  # of the training images are modified ones: "about a quarter"
# of the others that the hardened network has to be right about; one that saw no modified image, or wrong labels, is right
# about 2 %
HELD = 0.2


@check(seconds=5)
def hardened(function: Callable, practice: tf.Module, faces: Dataset) -> None:
    """Task 5: a copy of the practice network gets GIVEN modified faces; it is judged on others, modified in the same way,
    and on faces as they are.
    """
    network, small = deepcopy(practice), without_test(replace(faces, x_train=faces.x_train[:1000], y_train=faces.y_train[:1000]))
    x, y = faces.x_test[:500], faces.y_test[:500]
    moved = x + attacks.gradient_step(practice, x, y, epsilon=FGSM)
    fooling = predict(practice, moved).argmax(1) != y
    images, labels = to_levels(moved[fooling][..., 0]), y[fooling]
    given, other = slice(GIVEN), slice(GIVEN, None)
    before = [variable.numpy() for variable in practice.variables]
    fit, fitted = training.fit, []

    @wraps(fit)  # so that an error names it
    def watched(model: tf.Module, dataset: Dataset, **settings) -> dict:
        require(model is network, "harden trains another network than the one that it was given: that one knows much already, "
                "and is to be trained on.")
        fitted.append((dataset, settings.get("epochs")))
        in_order(dataset, small, images[given], labels[given])
        return fit(model, dataset, **settings)

    with patch.object(training, "fit", watched):
        result = run(function, network, small, images[given], labels[given], EPOCHS, hints=[
            (f"no attribute '{name}'", "The network is a tf.Module, not a Keras model: train it with training.fit.")
            for name in ("compile", "fit")])
    require(callable(result), f"harden gives a {type(result).__name__}: return the network.")
    require(result is not practice and all(map(np.array_equal, before, [variable.numpy() for variable in practice.variables])),
            "harden changes the notebook's variable practice: train the network that is given.")
    require(result is network, "harden gives another network than the one that it was given: train that one, and return it.")
    trained = sum(epochs for _, epochs in fitted if isinstance(epochs, int))
    require(not fitted or trained == EPOCHS,
            f"harden trains for {trained} epochs, expected {EPOCHS}: pass on the argument epochs.")
    logits = predict(result, x)
    plain = float(np.mean(logits.argmax(1) == y))
    require(plain > 0.8, f"After harden the network is right about {100 * plain:.0f} % of the faces as they are, more than 80 % "
            "is required: it forgets what it could. Train on the faces and the modified images together.")
    known, new = (float(np.mean(predict(result, to_float(images[part][..., None])).argmax(1) == labels[part]))
                  for part in (given, other))
    require(new >= HELD, f"The network is right about {100 * known:.0f} % of the modified images that it was given, and about "
            f"{100 * new:.0f} % of others, modified in the same way; {100 * HELD:.0f} % of these are required. Do the modified "
            "images stand in the training set, with their right labels, as float in [0, 1], and often enough to count among "
            f"{len(small.y_train):,} faces?")
    # so few that each modified image counts once
    small = replace(small, x_train=small.x_train[:200], y_train=small.y_train[:200])
    with patch.object(training, "fit", watched):
        run(function, network, small, images[given], labels[given], 1)


def in_order(dataset: Dataset, faces: Dataset, images: np.ndarray, labels: np.ndarray) -> None:
    """Raise CheckFailed unless `dataset` has faces and modified images, uint8 [M, 48, 48] with labels [M], as task 5 asks."""
    x, y = np.asarray(dataset.x_train), np.asarray(dataset.y_train)
    require(x.ndim == 4 and x.max() <= 1, f"The training images have the shape {list(x.shape)} and go up to {x.max():.4g}, "
            "expected [N, 48, 48, 1] in [0, 1]: divide the modified ones by 255.")
    require(len(x) == len(y), f"There are {len(x)} training images and {len(y)} labels: one for each.")
    originals = {level.tobytes(): label for level, label in zip(to_levels(faces.x_train[..., 0]), faces.y_train)}
    modified = {level.tobytes(): label for level, label in zip(images, labels)}
    found = [level.tobytes() for level in to_levels(x[..., 0])]
    share = np.mean([key in modified for key in found])
    often = "less often" if share > SHARE[1] else "often enough to count, and at least once"
    require(SHARE[0] <= share <= SHARE[1],
            f"With {len(faces.y_train):,} faces and {len(images)} modified images, {100 * share:.0f} % of the training "
            f"images are modified ones, about a quarter is expected: repeat them {often}, and keep the original faces.")
    known = originals | modified
    wrong = np.mean([known.get(key, label) != label for key, label in zip(found, y)])
    require(wrong == 0, f"{100 * wrong:.0f} % of the training images do not have their right labels: labels are repeated and "
            "joined in the same order as images, and those of the modified ones are right as they are given.")
    require(np.array_equal(dataset.x_val, faces.x_val), "The validation images are others: replace x_train and y_train only.")


TEAM = ("emmy", "kurt")  # other names than those in the notebook


@check
def saving(function: Callable) -> None:
    """Task 4: the six files for two known images, in a folder of their own; the first pixel is that of the example."""
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
            call(saved, x, modified, TEAM, hints=[("Cannot handle this data type", "Pillow wants np.uint8 [48, 48].")])
            written = {path.name: path.read_bytes() for path in Path().iterdir() if path.is_file()}
        finally:
            os.chdir(here)
    change = 255 * (modified - x)[0, :, :, 0]
    for kind, levels in (("ori", 255 * x[0, :, :, 0]), ("mod", 255 * modified[0, :, :, 0]),
                         ("amp", np.minimum(50 * np.abs(change), 255))):
        raw, png = (f"adv_{TEAM[0]}_{TEAM[1]}_{kind}.{ending}" for ending in ("raw", "png"))
        for name in (raw, png):
            require(name in written, f"There is no file {name}, there are: {', '.join(sorted(written)) or 'none'}.")
        require(len(written[raw]) == 2304, f"{raw} has {len(written[raw])} bytes, expected 2,304: np.uint8 before tobytes().")
        image = Image.open(io.BytesIO(written[png]))
        require(image.size == (48, 48) and image.mode == "L",
                f"{png} is {list(image.size)} in mode {image.mode}, expected 48x48 grey (L).")
        for name, picture in ((raw, np.frombuffer(written[raw], np.uint8).reshape(48, 48)), (png, np.asarray(image))):
            equal(name, picture.astype(float), np.round(levels), [
                (f"{name} is one grey level too dark in places: round before np.uint8.", np.trunc(levels)),
                (f"{name} is black where DX is negative: take 50 |DX|.", np.clip(np.round(50 * change), 0, 255)),
                (f"{name} wraps around at 256: clip 50 |DX| to [0, 1] before np.uint8.", np.round(50 * np.abs(change)) % 256),
                (f"{name} is |DX|, expected 50 |DX|.", np.round(np.abs(change))),
                (f"{name} is the other image: ori is x, mod is modified.",
                 np.round(255 * (modified if kind == "ori" else x)[0, :, :, 0]))],
                tolerance=(1.01 if kind == "amp" else 0.01) / 255)
