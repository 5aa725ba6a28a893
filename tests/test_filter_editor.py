"""The filter editor, on its real widgets: what its picture shows is what SciPy's correlation gives."""
import io

import numpy as np
import pytest
from PIL import Image
from scipy.signal import correlate
from sklearn.datasets import load_sample_image

from utils.plot.filter_editor import INSTEAD, PRESETS, editor, filtered

COLOUR = load_sample_image("china.jpg")[100:220, 200:380] / 255
GREY = COLOUR.mean(axis=2)
ZERO_SUM = ("vertical edges", "horizontal edges", "Sobel, vertical", "Sobel, horizontal", "all edges")


def shown(box) -> np.ndarray:
    """The picture on the screen, [H,W] or [H,W,3] in 0..255."""
    return np.asarray(Image.open(io.BytesIO(box.image.value)), float)


def expected(picture: np.ndarray, kernel: np.ndarray, zero_sum: bool) -> np.ndarray:
    planes = picture[:, :, None] if picture.ndim == 2 else picture
    response = np.stack([correlate(plane, kernel, mode="valid") for plane in np.moveaxis(planes, 2, 0)], axis=2)
    response = response if picture.ndim == 3 else response[:, :, 0]
    grey = 0.5 + 0.5 * response / np.percentile(np.abs(response), 99) if zero_sum else response / kernel.sum()
    return 255 * np.clip(grey, 0, 1)


@pytest.mark.parametrize("picture", [GREY, COLOUR], ids=["grey", "colour"])
@pytest.mark.parametrize("name", PRESETS)
def test_each_preset_shows_the_correlation(name, picture):
    box = editor(picture)
    box.preset.value = name
    kernel = np.array(PRESETS[name], float)
    np.testing.assert_array_equal([slider.value for slider in box.weights], kernel.ravel())
    np.testing.assert_allclose(shown(box), expected(picture, kernel, name in ZERO_SUM), atol=0.51)


@pytest.mark.parametrize("seed", range(6))
def test_any_position_of_the_sliders_shows_the_correlation(seed):
    box, kernel = editor(GREY), np.random.default_rng(seed).integers(-3, 8, [3, 3]) / 2.0
    kernel = kernel - kernel[::-1] if seed >= 3 else kernel  # the rows cancel
    for slider, weight in zip(box.weights, kernel.ravel()):
        slider.value = weight
    zero_sum = abs(kernel.sum()) < 0.1 * np.abs(kernel).sum()
    assert zero_sum or seed < 3
    assert box.preset.value == "your own"
    np.testing.assert_allclose(shown(box), expected(GREY, kernel, zero_sum), atol=0.51)
    assert ("middle grey" in box.note.value) == zero_sum


def test_a_slider_after_a_preset_and_a_preset_after_a_slider():
    box = editor(GREY)
    box.preset.value = "sharpen"
    box.weights[4].value = 7
    assert box.preset.value == "your own"
    np.testing.assert_allclose(shown(box), expected(GREY, np.array([[0, -1, 0], [-1, 7, -1], [0, -1, 0]]), False), atol=0.51)
    box.preset.value = "sharpen"
    assert box.weights[4].value == 5
    np.testing.assert_allclose(shown(box), expected(GREY, np.array(PRESETS["sharpen"]), False), atol=0.51)


def test_weights_that_are_all_zero_show_middle_grey():
    box = editor(GREY)
    box.weights[4].value = 0
    assert set(np.unique(shown(box))) == {128}


def test_a_large_picture_is_shown_coarser_and_is_not_changed():
    picture = np.random.default_rng(0).random([700, 1000, 3])
    before = picture.copy()
    box = editor(picture)
    np.testing.assert_allclose(shown(box), 255 * before[::3, ::3][1:-1, 1:-1], atol=0.51)
    np.testing.assert_array_equal(picture, before)


def test_one_channel_is_grey():
    np.testing.assert_array_equal(shown(editor(GREY[:, :, None])), shown(editor(GREY)))


@pytest.mark.parametrize("picture, words", [
    (np.zeros([5]), "shape"), (np.zeros([5, 5, 4]), "shape"), (np.zeros([2, 9]), "3x3"),
    (np.full([5, 5], 200), "0 to 1"), (np.full([5, 5], np.nan), "0 to 1"), (np.full([5, 5], -0.1), "0 to 1")])
def test_what_is_no_picture_is_refused(picture, words):
    with pytest.raises(ValueError, match=words):
        editor(picture)


def test_filtered_keeps_the_range():
    rng = np.random.default_rng(3)
    for _ in range(50):
        values = filtered(rng.random([8, 9]), rng.normal(size=[3, 3]))
        assert values.shape == (6, 7) and values.min() >= 0 and values.max() <= 1


def test_what_a_notebook_stores(monkeypatch):
    """Where nobody watches the output is one stable sentence; in a front end it is the widget itself."""
    monkeypatch.setenv("TQDM_DISABLE", "1")
    assert editor(GREY)._repr_mimebundle_() == {"text/plain": INSTEAD}
    monkeypatch.delenv("TQDM_DISABLE")
    box = editor(GREY)
    data = box._repr_mimebundle_()
    assert data["application/vnd.jupyter.widget-view+json"]["model_id"] == box.model_id
    assert data["text/plain"] == INSTEAD
