"""Importers of real data sets from a folder: each file is checked when it is read, and a fault is named in one sentence.

mnist.npz  uint8 images `x_train` and `x_test` [N, 28, 28], their digits `y_train` and `y_test` [N].
faces.npz  uint8 images `x_train`, `x_val` and `x_test` [N, 48, 48]; `y_*` 0 = man, 1 = woman; and, of the annotators,
           `age_*` in years and `race_*` 0 White, 1 Black, 2 Asian, 3 Indian, 4 other.
"""
import zipfile
import zlib
from pathlib import Path

import numpy as np

from utils.data.dataset import Dataset
from utils.data.images import DIGIT_CLASSES, FACE_CLASSES, FACE_SIZE, to_float

OF_FACES = {"y": (0, 1), "age": (0, 120), "race": (0, 4)}  # what is known of each face, with its lowest and highest value


def read_digits(folder: Path) -> Dataset:
    """MNIST (LeCun et al. 1998) from `folder`/mnist.npz; the last twelfth of its training digits, 5,000, is for validation.

    Raises ValueError with one sentence for a file that is missing, damaged or of another form.
    """
    path = folder / "mnist.npz"
    _check_folder(folder)
    arrays = _read(path, [f"{array}_{split}" for split in ("train", "test") for array in "xy"])
    for split in ("train", "test"):
        _check_images(path, arrays, split, (28, 28))
        _check_integers(path, arrays, f"y_{split}", len(arrays[f"x_{split}"]), 0, 9)
    if len(arrays["x_train"]) < 2:
        raise ValueError(f"{path.name}: x_train holds 1 image, expected at least 2: the last is held out for validation.")
    held = max(1, len(arrays["x_train"]) // 12)
    for array in "xy":
        arrays[f"{array}_val"] = arrays[f"{array}_train"][-held:]
        arrays[f"{array}_train"] = arrays[f"{array}_train"][:-held]
    return Dataset("digits", **_as_course(arrays), class_names=DIGIT_CLASSES, source=f"MNIST from {path.name}",
                   factors={"train": {}, "val": {}, "test": {}})


def read_faces(folder: Path) -> Dataset:
    """Real faces from `folder`/faces.npz, with the annotators' age and race as factors.

    Raises ValueError with one sentence for a file that is missing, damaged or of another form.
    """
    path = folder / "faces.npz"
    _check_folder(folder)
    splits = ("train", "val", "test")
    arrays = _read(path, [f"{array}_{split}" for split in splits for array in ("x", *OF_FACES)])
    for split in splits:
        _check_images(path, arrays, split, (FACE_SIZE, FACE_SIZE))
        for array, (lowest, highest) in OF_FACES.items():
            _check_integers(path, arrays, f"{array}_{split}", len(arrays[f"x_{split}"]), lowest, highest)
    factors = {split: {name: arrays.pop(f"{name}_{split}").astype(np.int64) for name in ("age", "race")}
               for split in splits}
    return Dataset("faces", **_as_course(arrays), class_names=FACE_CLASSES, source=f"real faces from {path.name}",
                   factors=factors)


def read_test_faces(path: Path) -> dict[str, np.ndarray]:
    """The test faces of a file as they are: "x" uint8 [N, 48, 48], "y" [N], and "age" and "race" [N] where the file has them.

    Raises ValueError for a file that is missing, damaged or of another form.
    """
    if not path.is_file():
        raise ValueError(f"There is no file {path.name}: name an NPZ file with x_test and y_test.")
    arrays = _read(path, ["x_test", "y_test"], ("age_test", "race_test"))
    _check_images(path, arrays, "test", (FACE_SIZE, FACE_SIZE))
    for name in arrays.keys() - {"x_test"}:
        _check_integers(path, arrays, name, len(arrays["x_test"]), *OF_FACES[name.removesuffix("_test")])
    return {name.removesuffix("_test"): array for name, array in arrays.items()}


def _check_folder(folder: Path) -> None:
    if not folder.is_dir():
        raise ValueError(f"COURSE_DATA names {str(folder)!r}, and there is no such folder: name the one that holds mnist.npz "
                         f"and faces.npz, or remove the environment variable COURSE_DATA to use the built-in data.")


def _read(path: Path, names: list[str], optional: tuple[str, ...] = ()) -> dict[str, np.ndarray]:
    """The arrays `names`, and of `optional` those that are there, of an NPZ file as they are.

    Raises ValueError if the file or an array cannot be read.
    """
    if not path.is_file():
        raise ValueError(f"COURSE_DATA has no file {path.name}: put it into that folder, "
                         f"or remove the environment variable COURSE_DATA to use the built-in data.")
    broken = f"{path.name} cannot be read, it is truncated or not an NPZ file: copy it again."
    if not zipfile.is_zipfile(path):
        raise ValueError(broken)
    try:
        with np.load(path, allow_pickle=False) as archive:
            missing = [name for name in names if name not in archive.files]
            if missing:
                raise ValueError(f"{path.name} has no array {', '.join(missing)}: it must hold {', '.join(names)}.")
            chosen = [*names, *(name for name in optional if name in archive.files)]
            return {name: _array(path, archive, name) for name in chosen}
    except (OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(broken) from error


def _array(path: Path, archive: np.lib.npyio.NpzFile, name: str) -> np.ndarray:
    try:
        return archive[name]
    except ValueError as error:  # NumPy would have to run code of the file
        raise ValueError(f"{path.name}: {name} holds Python objects, expected numbers.") from error


def _check_images(path: Path, arrays: dict[str, np.ndarray], split: str, size: tuple[int, int]) -> None:
    images = arrays[f"x_{split}"]
    if images.dtype != np.uint8:
        raise ValueError(f"{path.name}: x_{split} holds {images.dtype}, expected uint8 grey values from 0 to 255.")
    if images.ndim != 3 or images.shape[1:] != size or not len(images):
        raise ValueError(f"{path.name}: x_{split} has shape {list(images.shape)}, "
                         f"expected [N, {size[0]}, {size[1]}] with at least one image.")
    if images.max() <= 1:
        raise ValueError(f"{path.name}: x_{split} has no value above 1, expected grey values from 0 to 255: "
                         f"multiply by 255 before you save it.")


def _check_integers(path: Path, arrays: dict[str, np.ndarray], name: str, count: int, lowest: int, highest: int) -> None:
    values = arrays[name]
    if values.shape != (count,):
        raise ValueError(f"{path.name}: {name} has shape {list(values.shape)}, expected [{count}], one for each image.")
    if not np.issubdtype(values.dtype, np.integer):
        raise ValueError(f"{path.name}: {name} holds {values.dtype}, expected whole numbers.")
    if values.min() < lowest or values.max() > highest:
        raise ValueError(f"{path.name}: {name} goes from {values.min()} to {values.max()}, "
                         f"expected {lowest} to {highest}.")


def _as_course(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """uint8 [N, H, W] images to float32 [N, H, W, 1] in [0, 1], labels to int64."""
    return {name: to_float(values[..., None]) if name.startswith("x_") else values.astype(np.int64)
            for name, values in arrays.items()}
