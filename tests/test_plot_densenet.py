"""The figures of unit 04 show the numbers that they are given."""
import matplotlib.pyplot as plt
import numpy as np
import pytest

from utils import plot
from utils.groups import Group
from utils.plot.style import COLOURS


@pytest.fixture(autouse=True)
def shown():
    """Each figure made in a test can be shown, and is closed."""
    yield
    for number in plt.get_fignums():
        plot.show(plt.figure(number), alt="A figure.")


def test_dense_block_is_as_high_as_its_channels():
    fig = plot.dense_block(8, 4, 3, 32, title="t")
    heights = {}
    for bar in fig.axes[0].patches:
        place = round(bar.get_x() + bar.get_width() / 2)
        heights[place] = heights.get(place, 0) + bar.get_height()
    assert list(heights.values()) == [8, 12, 16, 20, 20, 32]


def test_by_depth_draws_each_seed_and_the_mean():
    rows = [{"net": net, "depth": depth, "e": value} for net, depth, value in
            [("plain", 6, 1.0), ("plain", 6, 3.0), ("plain", 18, 7.0), ("dense", 6, 4.0), ("dense", 18, 2.0)]]
    fig = plot.by_depth(rows, "e", title="t", ylabel="y")
    drawn = {line.get_label(): line for line in fig.axes[0].lines if not line.get_label().startswith("_")}
    assert {name: list(line.get_ydata()) for name, line in drawn.items()} == {"plain": [2, 7], "dense": [4, 2]}
    dots = [value for line in fig.axes[0].lines if line not in drawn.values() for value in line.get_ydata()]
    assert sorted(dots) == [1, 2, 3, 4, 7]


def test_tensorboard_draws_every_run_and_every_histogram_up_from_its_step():
    buckets = np.array([[-1.0, 0.0, 2.0], [0.0, 1.0, 4.0]])
    fig = plot.tensorboard({"loss": {"a": ([1, 2], [3.0, 2.0]), "b": ([2, 3], [1.0, 0.5])}},
                           {"w": [(10, buckets), (20, 2 * buckets)]}, title="t")
    assert [list(line.get_ydata()) for line in fig.axes[0].lines] == [[3, 2], [1, 0.5]]
    corners = [area.get_paths()[0].vertices[:, 1] for area in fig.axes[1].collections]
    assert [points.max() for points in corners] == [10, 20] and np.ptp(corners[1]) == pytest.approx(2 * np.ptp(corners[0]))


def test_differences_colours_those_that_are_not_zero():
    rows = [Group("a", 100, 0.01, -0.02, 0.04), Group("b", 100, -0.05, -0.08, -0.01), Group("few", 3, *[np.nan] * 3)]
    fig = plot.differences({"f": rows}, title="t", xlabel="x")
    dots = [line for line in fig.axes[0].lines if line.get_marker() == "o"]
    assert [line.get_xdata()[0] for line in dots[:2]] == [1, -5] and np.isnan(dots[2].get_xdata()[0])
    assert [line.get_color() for line in dots[:2]] == ["0.3", COLOURS[1]]
