"""The crop of a photograph: eyes where the data set has them, no false patterns, clear errors."""
import re

import numpy as np
import pytest
from matplotlib.backend_bases import MouseEvent
from PIL import Image

from utils.data.images import EYES
from utils.data.photo import click_eyes, crop_face

GRID_Y, GRID_X = np.mgrid[:48, :48]


def photograph(shape, eyes, sigma):
    """A dark picture with a bright round blob on each eye."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    return sum(np.exp(-((x - ex) ** 2 + (y - ey) ** 2) / (2 * sigma**2)) for ex, ey in eyes)


def centre(face, left):
    """The centre of gravity of the brightness in the left or the right half, (x, y)."""
    half = (GRID_X < 23.25) == left
    weight = face[:, :, 0] * half
    return np.array([(GRID_X * weight).sum(), (GRID_Y * weight).sum()]) / weight.sum()


@pytest.mark.parametrize("eyes", [
    ((13.5, 13.5), (33.0, 13.5)),  # as it is
    ((300.0, 200.0), (420.0, 200.0)),  # shrunk six times
    ((310.0, 190.0), (385.0, 260.0)),  # turned by 43 degrees
    ((390.0, 300.0), (470.0, 190.0)),  # turned the other way
    ((40.0, 45.0), (50.0, 44.0)),  # enlarged twice
])
def test_the_eyes_land_where_the_data_set_has_them(eyes):
    apart = np.hypot(eyes[1][0] - eyes[0][0], eyes[1][1] - eyes[0][1])
    face = crop_face(photograph((480, 640), eyes, sigma=0.1 * apart), eyes)
    assert face.shape == (48, 48, 1) and face.dtype == np.float32
    np.testing.assert_allclose(centre(face, left=True), EYES[0], atol=0.5)
    np.testing.assert_allclose(centre(face, left=False), EYES[1], atol=0.5)


def test_a_picture_that_is_already_right_stays_as_it_is():
    photo = np.random.default_rng(0).integers(0, 256, (48, 48), dtype=np.uint8)
    np.testing.assert_allclose(crop_face(photo, EYES)[:, :, 0], photo / 255, atol=1e-6)


def test_turning_and_enlarging_the_photograph_changes_nothing():
    blobs = photograph((48, 48), [(13, 14), (34, 12), (22, 36)], 5)
    face = Image.fromarray((blobs.clip(0, 1) * 255).astype(np.uint8))
    expected = crop_face(np.asarray(face), EYES)
    large = face.resize((480, 480), Image.BICUBIC)  # pixel x goes to 10 x + 4.5
    eyes = [(10 * x + 4.5, 10 * y + 4.5) for x, y in EYES]
    np.testing.assert_allclose(crop_face(np.asarray(large), eyes), expected, atol=0.03)
    turned = np.rot90(np.asarray(large))  # anticlockwise: (x, y) goes to (y, 479 - x)
    eyes = [(y, 479 - x) for x, y in eyes]
    np.testing.assert_allclose(crop_face(turned, eyes), expected, atol=0.03)


def test_colour_becomes_grey_as_in_pillow():
    colour = np.random.default_rng(1).integers(0, 256, (48, 48, 3), dtype=np.uint8)
    grey = np.asarray(Image.fromarray(colour).convert("L")) / 255
    alpha = np.concatenate([colour, np.full((48, 48, 1), 7, np.uint8)], axis=2)
    for photo in (colour, alpha, colour / 255):
        np.testing.assert_allclose(crop_face(photo, EYES)[:, :, 0], grey, atol=1.01 / 255)


def test_a_fine_checkerboard_becomes_grey():
    y, x = np.mgrid[:1600, :1600]
    board = (((x // 3) + (y // 3)) % 2).astype(float)
    face = crop_face(board, ((500, 500), (1100, 500)))  # 31 pixels of the photograph to one
    np.testing.assert_allclose(face, 0.5, atol=0.02)


def test_values_are_those_of_an_8_bit_picture():
    photo = np.random.default_rng(2).random((300, 300))
    levels = crop_face(photo, ((90.0, 100.0), (200.0, 120.0))) * 255
    np.testing.assert_allclose(levels, np.round(levels), atol=1e-4)
    assert levels.min() >= 0 and levels.max() <= 255


def test_a_file_is_turned_upright(tmp_path):
    upright = (photograph((90, 120), [(40, 30), (80, 30)], 6) * 255).clip(0, 255).astype(np.uint8)
    exif = Image.Exif()
    exif[0x0112] = 6  # "turn by 90 degrees clockwise to see it upright"
    file = tmp_path / "turned.png"
    Image.fromarray(np.rot90(upright)).save(file, exif=exif)
    eyes = ((40, 30), (80, 30))
    np.testing.assert_array_equal(crop_face(file, eyes), crop_face(upright, eyes))
    np.testing.assert_array_equal(crop_face(str(file), eyes), crop_face(upright, eyes))


@pytest.mark.parametrize("eyes, sentence", [
    (((10, 10),), "expected two points"),
    ("left", "expected two points"),
    (((10, 10), (np.nan, 10)), "expected two points"),
    (((20, 20), (20, 20)), "Both eyes are at [20.0, 20.0]"),
    (((20, 20), (24, 20)), "4.0 pixels apart"),
    (((20, 20), (200, 20)), "not both inside"),
    (((-1, 20), (30, 20)), "not both inside"),
    (((20, 90), (40, 95)), "100 pixels wide and 80 high"),
    (((40, 20), (20, 20)), "left of the picture first"),
])
def test_wrong_eyes_are_refused(eyes, sentence):
    with pytest.raises(ValueError, match=re.escape(sentence)):
        crop_face(np.zeros((80, 100)), eyes)


@pytest.mark.parametrize("photo, sentence", [
    (np.zeros(100), "shape (100,)"),
    (np.zeros((50, 50, 2)), "shape (50, 50, 2)"),
    (np.zeros((0, 50)), "shape (0, 50)"),
    (np.full((50, 50), 200.0), "expected 0 to 1"),
    (np.full((50, 50), np.nan), "expected 0 to 1"),
    (np.full((50, 50), 300), "expected 0 to 255"),
    (np.full((50, 50), "a"), "type <U1"),
])
def test_wrong_arrays_are_refused(photo, sentence):
    with pytest.raises(ValueError, match=re.escape(sentence)):
        crop_face(photo, EYES)


def test_wrong_files_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="There is no file"):
        crop_face(tmp_path / "missing.jpg", EYES)
    (tmp_path / "text.jpg").write_text("not a picture", encoding="utf-8")
    with pytest.raises(ValueError, match="cannot be read as a picture"):
        crop_face(tmp_path / "text.jpg", EYES)
    whole, cut = tmp_path / "whole.png", tmp_path / "cut.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (90, 90), dtype=np.uint8)).save(whole)
    cut.write_bytes(whole.read_bytes()[:3000])
    with pytest.raises(ValueError, match="cannot be read as a picture"):
        crop_face(cut, EYES)


def test_two_clicks_in_any_order_give_the_eyes():
    chosen = click_eyes(np.zeros((80, 100)))
    axes = chosen.figure.axes[0]
    chosen.figure.canvas.draw()

    def click(x, y):
        x, y = axes.transData.transform((x, y))
        MouseEvent("button_press_event", chosen.figure.canvas, x, y, button=1)._process()

    click(70, 33)
    assert chosen.eyes is None
    click(30, 35)
    np.testing.assert_allclose(chosen.eyes, ((30, 35), (70, 33)), atol=1e-6)
    click(31, 35)
    assert chosen.eyes is None  # a third click starts again
