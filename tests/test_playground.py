"""The playground on its real widgets: it says what the same network, trained by hand, does; and the figures of hidden units."""
import io

import matplotlib.pyplot as plt
import numpy as np
import pytest
from PIL import Image

from utils import backprop, plot
from utils.data import toy
from utils.plot.playground import BATCH, EPOCHS, EXAMPLES, INSTEAD, RATE, playground


@pytest.fixture(scope="module")
def box():
    return playground()


def picture(box) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(box.image.value)))


@pytest.mark.parametrize("data, make, name, activation, variance, width, depth, noise, seed", [
    ("disc", toy.rings, "ReLU", backprop.RELU, backprop.he, 3, 1, 0.25, 1),
    ("moons", toy.moons, "sigmoid", backprop.SIGMOID, backprop.xavier, 5, 2, 0.1, 2),
    ("spiral", toy.spiral, "ReLU", backprop.RELU, backprop.he, 8, 3, 0, 0)])
def test_it_trains_the_network_of_the_controls(box, data, make, name, activation, variance, width, depth, noise, seed):
    box.data.value, box.activation.value, box.width.value, box.depth.value = data, name, width, depth
    box.noise.value, box.seed.value = noise, seed
    x, y = make(EXAMPLES, seed, noise)
    start = backprop.initialise([2] + [width] * depth + [2], seed, variance)
    net, losses = backprop.train(start, x, y, rate=RATE, epochs=EPOCHS, batch_size=BATCH, seed=seed, rule=backprop.adam,
                                 activation=activation)
    other = make(1000, 1000, noise)
    assert f"loss {np.mean(losses[-6:]):.2f}" in box.note.value
    assert f"accuracy {100 * backprop.accuracy(net, x, y, activation):.0f} % of the points shown" in box.note.value
    assert f"{100 * backprop.accuracy(net, *other, activation):.0f} % of 1,000 others" in box.note.value
    shown, *_ = box.trained()
    assert [weights.shape for weights, _ in shown] == [weights.shape for weights, _ in net]


def test_a_slider_changes_the_picture(box):
    before = picture(box)
    box.width.value = 32 if box.width.value != 32 else 1
    assert before.shape == picture(box).shape and not np.array_equal(before, picture(box))


def test_what_a_notebook_stores(box, monkeypatch):
    monkeypatch.setenv("TQDM_DISABLE", "1")
    assert box._repr_mimebundle_() == {"text/plain": INSTEAD}
    monkeypatch.delenv("TQDM_DISABLE")
    assert box._repr_mimebundle_()["application/vnd.jupyter.widget-view+json"]["model_id"] == box.model_id


@pytest.mark.parametrize("make", [toy.moons, toy.spiral])
def test_moons_and_spiral_are_two_classes_that_only_a_bent_border_separates(make):
    x, y = make(600, seed=0, noise=0)
    assert x.shape == (600, 2) and set(y) == {0, 1} and np.abs(x).max() < 3
    apart = np.linalg.norm(x[y == 0][:, None] - x[y == 1], axis=-1).min(axis=1)
    assert apart.min() > 0.1  # without noise the classes do not touch
    affine, _ = backprop.train(backprop.initialise([2, 2], 0), x, y, rate=0.1, epochs=20)
    assert backprop.accuracy(affine, x, y) < 0.95
    np.testing.assert_array_equal(make(50, 3)[0], make(50, 3)[0])


def test_a_unit_has_its_line_where_its_sum_is_zero():
    side = np.linspace(-3, 3, 61)
    z = np.tile(side - 1, (61, 1))  # 0 at x1 = 1
    maps = np.stack([[z, np.maximum(z, 0)], [z - 10, 0 * z]])  # the second unit has no line in this square
    fig = plot.units({"layer": (maps, 0 * z + 0.3)}, np.zeros((1, 2)), np.array([0]), limit=3, title="one line")
    first, second, network = fig.axes
    for axis, count in ((first, 1), (second, 0), (network, 1)):
        lines = [path.vertices for contour in axis.collections for path in contour.get_paths() if len(path.vertices)]
        assert len(lines) == count and all(np.allclose(line[:, 0], 1, atol=0.06) for line in lines)
    plt.close(fig)


def test_the_table_has_mean_lowest_and_highest():
    fig = plot.accuracy_tables({"disc": np.array([[[0.5, 0.6, 1.0]]]), "moons": np.ones((1, 1, 3))}, ["1"], ["4"], title="t",
                          xlabel="x", ylabel="y")
    assert [text.get_text().strip() for text in fig.axes[0].texts] == ["70", "50–100"]
    plt.close(fig)


def test_a_graph_has_every_node_edge_and_derivative():
    fig = plot.graph({"x": (0, 0, "2"), "L": (1, 0, "4")}, {("x", "L"): "2x = 4"}, {"x": "4", "L": "1"}, title="a square")
    said = {text.get_text() for text in fig.axes[0].texts}
    assert {"x\n2", "L\n4", "2x = 4", "4", "1"} <= said
    plt.close(fig)
