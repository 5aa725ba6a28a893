"""The slider and the canvas of unit 03, on their real widgets; the canvas also in JupyterLab, in a real browser, with a mouse."""
import io
import re
from collections.abc import Iterator
from types import SimpleNamespace

import matplotlib
import nbformat
import numpy as np
import pytest
from browser import chromium
from PIL import Image
from scipy import ndimage
from test_lab_in_browser import IDLE, run_all, running_lab

from utils import pretrained, session
from utils.plot import digit_drawing, digit_explorer
from utils.quiet import tf

X = np.random.default_rng(0).random([3, 28, 28, 1]).astype(np.float32)
WEIGHTS = np.random.default_rng(1).normal(size=(784, 10)).astype(np.float32)


def linear(images: tf.Tensor) -> tf.Tensor:
    return tf.reshape(images, [-1, 784]) @ WEIGHTS


def shown(picture) -> np.ndarray:
    """The picture of a widget, [28, 28] in 0..255: each pixel is enlarged to the same square."""
    large = np.asarray(Image.open(io.BytesIO(picture.value)), float)
    return large[digit_explorer.ENLARGED // 2::digit_explorer.ENLARGED, digit_explorer.ENLARGED // 2::digit_explorer.ENLARGED]


def test_the_sliders_change_the_digit_and_the_network_reads_it():
    session.start(0)
    box = digit_explorer.explorer(linear, X, np.array([4, 5, 6]))
    box.digit.value, box.angle.value = 1, 90
    expected = np.rot90(X[1], -1)
    np.testing.assert_allclose(shown(box.picture), 255 * expected[..., 0], atol=0.6)
    box.angle.value, box.right.value, box.down.value = 0, 3, -2
    expected = np.zeros([28, 28, 1], np.float32)
    expected[:-2, 3:] = X[1][2:, :-3]
    np.testing.assert_allclose(box.image(), expected, atol=1e-6)
    logits = linear(expected[None]).numpy()[0]
    p = np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()
    np.testing.assert_allclose([bar.value for bar in box.bars], p, atol=1e-4)
    assert f"<b>{logits.argmax()}</b>" in box.note.value and "written as a 5" in box.note.value


def test_noise_has_its_strength_and_stays_the_same():
    grey = np.full([28, 28, 1], 0.5, np.float32)
    weak, strong = (digit_explorer.changed(grey, noise=s) - 0.5 for s in (0.05, 0.1))
    assert weak.std() == pytest.approx(0.05, rel=0.1)
    np.testing.assert_allclose(strong, 2 * weak, atol=1e-5)
    assert digit_explorer.changed(grey, noise=2.0).min() == 0


def test_a_stroke_is_a_line_with_round_ends():
    drawn = digit_drawing.stroke(digit_drawing.blank(), [(30, 40), (80, 40)])
    assert drawn[40, 30:81].min() == 1 and drawn[50, 55] == 0
    assert drawn.sum() == pytest.approx(50 * 2 * digit_drawing.PEN + np.pi * digit_drawing.PEN**2, rel=0.01)
    np.testing.assert_array_equal(drawn, digit_drawing.stroke(digit_drawing.blank(), [(80, 40), (30, 40)]))


@pytest.mark.parametrize("points", [[(10, 10), (10, 40)], [(60, 70), (100, 70), (80, 105)], [(5, 5), (50, 5)]])
def test_a_drawing_becomes_a_digit_as_mnist_has_them(points):
    canvas = digit_drawing.stroke(digit_drawing.blank(), points)
    digit = digit_drawing.as_mnist(canvas)[..., 0]
    rows, columns = (np.flatnonzero(digit.max(axis=axis) > 0) for axis in (1, 0))
    sides = rows[-1] - rows[0] + 1, columns[-1] - columns[0] + 1
    assert max(sides) == 20 and digit.min() >= 0 and 0.9 < digit.max() <= 1
    np.testing.assert_allclose(ndimage.center_of_mass(digit), [13.5, 13.5], atol=0.51)
    spread = [np.ptp(np.flatnonzero(canvas.max(axis=axis) > 0)) + 1 for axis in (1, 0)]
    assert sides[0] / sides[1] == pytest.approx(spread[0] / spread[1], rel=0.15)  # its proportions


def test_a_drawing_in_a_corner_is_read_as_in_the_middle():
    corner, middle = (digit_drawing.stroke(digit_drawing.blank(), [(20 + d, 20 + d), (50 + d, 20 + d), (30 + d, 60 + d)])
                      for d in (0, 40))
    np.testing.assert_allclose(digit_drawing.as_mnist(corner), digit_drawing.as_mnist(middle), atol=1e-6)


def test_an_empty_canvas_is_refused():
    with pytest.raises(ValueError, match="draw a digit first"):
        digit_drawing.as_mnist(digit_drawing.blank())


def test_the_pen_draws_while_the_button_is_down_and_the_network_reads_when_it_is_up():
    box = digit_drawing.drawing(pretrained.load("digits_lenet"))

    def event(name: str, x: float, y: float, inside: bool = True) -> None:
        what = SimpleNamespace(name=name, xdata=x, ydata=y, inaxes=box.canvas.figure.axes[0] if inside else None)
        (box.lift if name == "button_release_event" else box.move)(what)

    event("motion_notify_event", 50, 50)
    assert not box.strokes.any()  # the button is not down
    assert "ipympl" not in matplotlib.get_backend()  # the other figures stay as they are
    event("button_press_event", 56, 15)
    event("motion_notify_event", 56, 95)
    event("motion_notify_event", 200, 95, inside=False)
    np.testing.assert_array_equal(box.strokes, digit_drawing.stroke(digit_drawing.blank(), [(56, 15), (56, 95)]))
    event("button_release_event", 56, 95)
    assert "<b>1</b>" in box.note.value and sum(bar.value for bar in box.bars) == pytest.approx(1, abs=1e-5)
    np.testing.assert_allclose(shown(box.picture), 255 * digit_drawing.as_mnist(box.strokes)[..., 0], atol=0.6)
    event("motion_notify_event", 20, 20)
    assert box.strokes[20, 20] == 0  # the pen is lifted
    box.clear.click()
    assert not box.strokes.any() and sum(bar.value for bar in box.bars) == 0


def test_where_outputs_are_stored_only_a_sentence_is_put_out(monkeypatch):
    for box, instead in ((digit_explorer.explorer(linear, X, np.arange(3)), digit_explorer.INSTEAD),
                         (digit_drawing.drawing(linear), digit_drawing.INSTEAD)):
        monkeypatch.setenv("TQDM_DISABLE", "1")
        assert box._repr_mimebundle_() == {"text/plain": instead}
        monkeypatch.delenv("TQDM_DISABLE")
        assert "application/vnd.jupyter.widget-view+json" in box._repr_mimebundle_()


@pytest.fixture
def address(tmp_path) -> Iterator[str]:
    """The address that `course.py lab` prints, while it runs, for a course with one notebook in work/."""
    (tmp_path / "labs").mkdir()
    (tmp_path / "work").mkdir()
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}  # without it JupyterLab asks for one
    notebook = nbformat.v4.new_notebook(metadata={"kernelspec": kernel})
    notebook.cells.append(nbformat.v4.new_code_cell(
        "from utils import pretrained\nfrom utils.plot import digit_drawing\n"
        "digit_drawing.drawing(pretrained.load('digits_lenet'))"))
    nbformat.write(notebook, tmp_path / "work" / "drawing.ipynb")
    with running_lab(tmp_path, kernels=1) as found:
        yield found


def test_a_digit_is_drawn_with_the_mouse_in_jupyterlab(address):
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 1400, "height": 1000})
        page.set_default_timeout(60_000)
        page.goto(re.sub(r"/lab/tree/[^?]+", "/lab/tree/work/drawing.ipynb", address) + "&reset")
        run_all(page)
        canvas = page.locator(".jupyter-matplotlib canvas").last  # the upper one takes the mouse
        canvas.wait_for()
        page.locator(IDLE).wait_for()
        frame = canvas.bounding_box()
        x, top, bottom = frame["x"] + frame["width"] / 2, frame["y"] + 0.15 * frame["height"], frame["y"] + 0.85 * frame["height"]
        page.mouse.move(x, top)
        page.mouse.down()
        page.mouse.move(x, bottom, steps=8)
        page.mouse.up()
        page.get_by_text("The network reads a 1").wait_for()
