"""The boundary between pictures and numbers: levels, floats, grey, PNG; each direction against the other and against Pillow."""
import io
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from utils import attacks
from utils.data import images, load
from utils.data.images import to_float, to_grey, to_levels, to_png

LEVELS = np.arange(256, dtype=np.uint8)
PICTURE = np.random.default_rng(0).integers(0, 256, (6, 8, 3), np.uint8)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_level_survives_the_way_to_floats_and_back(dtype):
    there = to_float(LEVELS, dtype)
    assert there.dtype == dtype and there[0] == 0 and there[-1] == 1
    np.testing.assert_allclose(there, np.arange(256) / 255, rtol=1e-7)
    back = to_levels(there)
    assert back.dtype == np.uint8
    np.testing.assert_array_equal(back, LEVELS)


def test_floats_are_float32_by_default():
    assert to_float(LEVELS).dtype == np.float32


@pytest.mark.parametrize("shape", [(), (5,), (4, 3), (2, 4, 3, 1), (0, 4, 3)])
def test_any_shape_is_kept(shape):
    assert to_float(np.full(shape, 51, np.uint8)).shape == shape
    levels = to_levels(np.full(shape, 0.2, np.float32))
    assert levels.shape == shape and (levels == 51).all()


def test_levels_are_clipped_before_they_are_rounded():
    values = np.array([-np.inf, -0.3, -1e-9, 1 + 1e-6, 1.7, 300, np.inf])
    assert to_levels(values).tolist() == [0, 0, 0, 255, 255, 255, 255]


def test_levels_are_the_nearest():
    values = np.array([0.49, 0.51, 99.6, 100.4, 254.49, 254.51]) / 255
    assert to_levels(values).tolist() == [0, 1, 100, 100, 254, 255]


def test_the_argument_is_not_changed():
    values = np.array([-1.0, 0.4, 2.0])
    to_levels(values)
    assert values.tolist() == [-1.0, 0.4, 2.0]


@pytest.mark.parametrize("function, value, words", [
    (to_float, np.zeros(3), "The levels are float64, expected uint8"),
    (to_float, np.zeros(3, np.int64), "The levels are int64, expected uint8"),
    (to_levels, LEVELS, "The images are uint8, expected floats from 0 to 1"),
    (to_levels, np.zeros(3, bool), "The images are bool, expected floats"),
    (to_levels, np.array([0.5, np.nan]), "The images hold NaN"),
])
def test_other_values_are_refused(function, value, words):
    with pytest.raises(ValueError, match=words):
        function(value)


def test_rounding_to_8_bits_is_there_and_back():
    values = np.random.default_rng(1).normal(0.5, 0.4, (3, 5, 5, 1))
    rounded = attacks.round_to_8bit(values)
    assert rounded.dtype == np.float32
    np.testing.assert_array_equal(rounded, to_float(to_levels(values)))
    np.testing.assert_array_equal(attacks.round_to_8bit(rounded), rounded)


def test_grey_is_pillows():
    expected = np.asarray(Image.fromarray(PICTURE).convert("L")).astype(int)
    ours = to_grey(to_float(PICTURE))
    assert ours.shape == (6, 8) and ours.dtype == np.float32 and to_grey(PICTURE / 255, np.float64).dtype == np.float64
    assert np.abs(255 * ours - expected).max() < 0.51  # Pillow rounds
    np.testing.assert_array_equal(to_grey(to_float(np.stack([PICTURE, PICTURE]))), np.stack([ours, ours]))


@pytest.mark.parametrize("levels", [PICTURE, PICTURE[..., 0]], ids=["colour", "grey"])
def test_png_keeps_every_level(levels):
    with Image.open(io.BytesIO(to_png(levels))) as opened:
        assert opened.format == "PNG"
        np.testing.assert_array_equal(np.asarray(opened), levels)


@pytest.mark.parametrize("name, classes, size", [
    ("digits", images.DIGIT_CLASSES, 28), ("faces", images.FACE_CLASSES, images.FACE_SIZE)])
def test_data_sets_use_these_names(name, classes, size):
    dataset = load(name, train=10)
    assert dataset.class_names == classes and dataset.x_train.shape[1:3] == (size, size)
    assert dataset.y_test.max() == len(classes) - 1


def test_pictures_need_no_tensorflow():
    """Whoever only looks at pictures does not wait for it."""
    code = ("import sys, utils; from utils import data, groups, plot; "
            "from utils.data import images, photo, pictures, rendered, scenes, sounds, toy; "
            "print([name for name in ('tensorflow', 'keras') if name in sys.modules])")
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True)
    assert run.stdout.strip() == "[]"
