"""Lab 01: the example is that of the paper; a picture of one's own never stops the lab."""
import numpy as np
import pytest
from PIL import Image

from utils import filters
from utils.checks import lab01
from utils.data.own_picture import own_picture


def test_the_example_is_that_of_the_paper():
    np.testing.assert_array_equal(filters.convolve(*lab01.example()), [[12, 12, 17], [10, 17, 19], [9, 6, 14]])


def picture_file(path, high=300, wide=400, mode="RGB"):
    values = np.random.default_rng(0).integers(0, 256, [high, wide, 3], np.uint8)
    Image.fromarray(values).convert(mode).save(path)
    return str(path)


@pytest.mark.parametrize("name, mode", [("mine.png", "RGB"), ("mine.png", "RGBA"), ("mine.png", "L"), ("mine.png", "P"),
                                        ("mine.jpg", "RGB"), ("mine.jpg", "CMYK"), ("my own picture.PNG", "RGB")])
def test_a_picture_of_ones_own(tmp_path, capsys, name, mode):
    picture = own_picture(picture_file(tmp_path / name, mode=mode))
    assert picture.shape == (300, 400, 3) and 0 <= picture.min() < picture.max() <= 1
    assert capsys.readouterr().out == ""


def test_a_large_picture_is_reduced(tmp_path):
    assert own_picture(picture_file(tmp_path / "a.jpg", 1500, 2000)).shape == (480, 640, 3)


def test_without_a_file_the_built_in_picture_is_used(capsys):
    assert own_picture("").shape == own_picture(" ").shape == (427, 640, 3)
    assert capsys.readouterr().out == ""


def no_file(folder):
    return "holiday.jpg"


def no_picture(folder):
    (folder / "holiday.jpg").write_text("this is a text", encoding="utf-8")
    return str(folder / "holiday.jpg")


def half_a_picture(folder):
    data = (folder / picture_file(folder / "whole.png")).read_bytes()
    (folder / "half.png").write_bytes(data[:len(data) // 2])
    return str(folder / "half.png")


def a_folder(folder):
    return str(folder)


def small(folder):
    return picture_file(folder / "small.png", 100, 150)


def a_strip(folder):
    return picture_file(folder / "strip.png", 300, 3000)


def black(folder):
    Image.new("RGB", (400, 300)).save(folder / "black.png")
    return str(folder / "black.png")


@pytest.mark.parametrize("make, words", [
    (no_file, "There is no file 'holiday.jpg'"), (no_picture, "cannot be read as a picture"),
    (half_a_picture, "cannot be read as a picture"), (a_folder, "There is no file"), (small, "100 rows and 150 columns"),
    (small, "at least 200 rows and columns are needed"),
    (a_strip, "64 rows and 640 columns"), (black, "only one brightness")])
def test_a_file_that_does_not_do_gets_a_sentence(tmp_path, capsys, make, words):
    picture = own_picture(make(tmp_path))
    assert picture.shape == (427, 640, 3)
    said = capsys.readouterr().out
    assert words in said and "built-in picture is used" in said and said.count("\n") == 1
