"""Lab 01: right answers that are written another way than the solution pass; a picture of one's own never stops the lab."""
import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view
from PIL import Image
from scipy import ndimage
from scipy.stats import multivariate_normal

from utils import filters
from utils.checks import lab01

SOBEL = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]) / 8


def convolved(x, w):
    return np.einsum("ijkl,kl->ij", sliding_window_view(x, w.shape), w)


def line_of_slices(x, w):
    return [sum(x[i:i + len(w)] * w) for i in range(len(x) - len(w) + 1)]


def line_of_shifts(x, w):
    n = len(x) - len(w) + 1
    y = np.zeros(n)
    for j, weight in enumerate(w):
        y = y + weight * x[j:j + n]
    return y


def four_loops(x, w):
    y = np.zeros([x.shape[0] - w.shape[0] + 1, x.shape[1] - w.shape[1] + 1])
    for i in range(y.shape[0]):
        for j in range(y.shape[1]):
            for a in range(w.shape[0]):
                for b in range(w.shape[1]):
                    y[i, j] += w[a, b] * x[i + a, j + b]
    return y


def rows_of_lists(x, w):
    return [[np.vdot(x[i:i + len(w), j:j + len(w[0])], w) for j in range(len(x[0]) - len(w[0]) + 1)]
            for i in range(len(x) - len(w) + 1)]


def with_tensordot(x, w):
    return np.tensordot(sliding_window_view(x, w.shape), w, axes=w.ndim)


def with_ndindex(x, w):
    y = np.empty([d - k + 1 for d, k in zip(x.shape, w.shape)])
    for place in np.ndindex(y.shape):
        y[place] = (x[tuple(slice(i, i + k) for i, k in zip(place, w.shape))] * w).sum()
    return y


def convolve(x, w):
    """Calls itself, and has the name of NumPy's: both are the student's own work."""
    places = range(len(x) - len(w) + 1)
    if x.ndim == 1:
        return np.array([x[i:i + len(w)] @ w for i in places])
    return np.array([sum(convolve(x[i + a], w[a]) for a in range(len(w))) for i in places])


def rows_by_ones_own(x, w):
    return [sum(convolve(x[i + a], w[a]) for a in range(len(w))) for i in range(len(x) - len(w) + 1)]


def into_the_middle(x, w):
    a, b = w.shape[0] // 2, w.shape[1] // 2
    larger = np.zeros([len(x) + 2 * a, len(x[0]) + 2 * b])
    larger[a:a + len(x), b:b + len(x[0])] = x
    return larger


def stacked(x, w):
    a, b = int((w.shape[0] - 1) / 2), int((w.shape[1] - 1) / 2)
    x = np.hstack([np.zeros([len(x), b]), x, np.zeros([len(x), b])])
    return np.vstack([np.zeros([a, x.shape[1]]), x, np.zeros([a, x.shape[1]])])


def outer_product(k, sigma):
    bell = np.exp(-0.5 * ((np.arange(k) - k // 2) / sigma)**2)
    return np.outer(bell, bell) / bell.sum()**2


def with_loops(k, sigma):
    w = [[np.exp(-((a - k // 2)**2 + (b - k // 2)**2) / (2 * sigma**2)) for b in range(k)] for a in range(k)]
    return np.array(w) / np.sum(w)


def with_density(k, sigma):
    places = np.moveaxis(np.mgrid[:k, :k], 0, -1) - k // 2
    w = multivariate_normal(cov=sigma**2 * np.eye(2)).pdf(places)
    return w / w.sum()


def best_by_root(clean, blurred, sigmas):
    rmse = np.sqrt(((blurred - clean)**2).mean(axis=(1, 2)))
    return sigmas[rmse.argmin()], -20 * np.log10(rmse.min())


def best_by_max(clean, blurred, sigmas):
    psnr, sigma = max((-10 * np.log10(np.square(clean - picture).mean()), sigma) for picture, sigma in zip(blurred, sigmas))
    return [sigma, psnr]


def with_corrcoef(x, pattern):
    h, w = pattern.shape
    return np.array([[np.corrcoef(x[i:i + h, j:j + w].ravel(), pattern.ravel())[0, 1]
                      if x[i:i + h, j:j + w].var() * pattern.size > 1e-9 else 0
                      for j in range(x.shape[1] - w + 1)] for i in range(x.shape[0] - h + 1)])


def with_windows(x, pattern):
    a = sliding_window_view(x, pattern.shape)
    a = a - a.mean(axis=(2, 3), keepdims=True)
    p, squares = pattern - pattern.mean(), (a**2).sum(axis=(2, 3))
    return np.where(squares < 1e-9, 0, (a * p).sum(axis=(2, 3)) / np.sqrt(np.maximum(squares, 1e-9) * (p**2).sum()))


def with_complex_numbers(x):
    gradient = convolved(x, SOBEL) + 1j * convolved(x, SOBEL.T)
    return np.abs(gradient), np.angle(gradient)


def direction_from_0(x):
    right = ndimage.sobel(x, axis=1)[1:-1, 1:-1] / 8
    down = ndimage.sobel(x, axis=0)[1:-1, 1:-1] / 8
    return (right**2 + down**2)**0.5, np.arctan2(down, right) % (2 * np.pi)


def verticals_in_one_filter(x, length):
    both = np.array([np.sum([SOBEL[i - j] for j in range(length) if 0 <= i - j < 3], axis=0) for i in range(length + 2)])
    return np.mean(np.abs(convolved(x, both / length)))


def verticals_by_means(x, length):
    e = convolved(x, SOBEL)
    return np.mean([np.abs(e[i:i + length].mean(axis=0)) for i in range(len(e) - length + 1)])


def line_by_normal_equations(features, labels):
    a = np.c_[features, np.ones(len(features))]
    return np.linalg.inv(a.T @ a) @ a.T @ labels


def line_by_pseudoinverse(features, labels):
    a = np.append(features, np.ones([len(features), 1]), axis=1)
    return list(np.linalg.pinv(a) @ labels)


@pytest.mark.parametrize("check, answer", [
    (lab01.convolve_1d, line_of_slices), (lab01.convolve_1d, line_of_shifts),
    (lab01.convolve_2d, four_loops), (lab01.convolve_2d, rows_of_lists),
    (lab01.convolve, with_tensordot), (lab01.convolve, with_ndindex),
    (lab01.convolve, convolve), (lab01.convolve_2d, rows_by_ones_own),
    (lab01.zero_padded, into_the_middle), (lab01.zero_padded, stacked),
    (lab01.gaussian, outer_product), (lab01.gaussian, with_loops), (lab01.gaussian, with_density),
    (lab01.best_sigma, best_by_root), (lab01.best_sigma, best_by_max),
    (lab01.normalised_match, with_corrcoef), (lab01.normalised_match, with_windows),
    (lab01.edges, with_complex_numbers), (lab01.edges, direction_from_0),
    (lab01.long_verticals, verticals_in_one_filter), (lab01.long_verticals, verticals_by_means),
    (lab01.line, line_by_normal_equations), (lab01.line, line_by_pseudoinverse),
], ids=lambda value: value.__name__)
def test_right_answers_written_another_way_pass(check, answer):
    check(answer)


def test_the_example_is_that_of_the_paper():
    np.testing.assert_array_equal(filters.convolve(*lab01.example()), [[12, 12, 17], [10, 17, 19], [9, 6, 14]])


def picture_file(path, high=300, wide=400, mode="RGB"):
    values = np.random.default_rng(0).integers(0, 256, [high, wide, 3], np.uint8)
    Image.fromarray(values).convert(mode).save(path)
    return str(path)


@pytest.mark.parametrize("name, mode", [("mine.png", "RGB"), ("mine.png", "RGBA"), ("mine.png", "L"), ("mine.png", "P"),
                                        ("mine.jpg", "RGB"), ("mine.jpg", "CMYK"), ("my own picture.PNG", "RGB")])
def test_a_picture_of_ones_own(tmp_path, capsys, name, mode):
    picture = lab01.own_picture(picture_file(tmp_path / name, mode=mode))
    assert picture.shape == (300, 400, 3) and 0 <= picture.min() < picture.max() <= 1
    assert capsys.readouterr().out == ""


def test_a_large_picture_is_reduced(tmp_path):
    assert lab01.own_picture(picture_file(tmp_path / "a.jpg", 1500, 2000)).shape == (480, 640, 3)


def test_without_a_file_the_built_in_picture_is_used(capsys):
    assert lab01.own_picture("").shape == lab01.own_picture(" ").shape == (427, 640, 3)
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
    picture = lab01.own_picture(make(tmp_path))
    assert picture.shape == (427, 640, 3)
    said = capsys.readouterr().out
    assert words in said and "built-in picture is used" in said and said.count("\n") == 1
