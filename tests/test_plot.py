"""Figures: each shows what it is given, with names that can be read; `show` refuses those that cannot; no figure is left out."""
import inspect
from importlib import import_module
from pkgutil import iter_modules

import matplotlib.pyplot as plt
import numpy as np
import pytest
from scipy.stats import binomtest
from test_plot_moments import FIGURES as OF_MOMENTS

from utils import plot

PICTURES = np.random.default_rng(0).random((5, 28, 28, 1))
POINTS = np.random.default_rng(1).normal(size=(20, 2))
SAYS = (np.linspace(0, 1, 11)[:, None] > 0.7 * np.ones(11)).astype(int)
GAME = {"made": POINTS, "d_real": [0.9, 0.5], "d_made": [0.1, 0.5]}
FIGURES = {
    "strips": lambda: plot.strips({"above": PICTURES, "below": PICTURES[:2]}, title="t", titles="abcde"),
    "maps": lambda: plot.maps({"a": POINTS, "b": POINTS}, np.arange(20) % 2, ["0", "1"], title="t"),
    "maps of names": lambda: plot.maps({"a": POINTS}, np.arange(20) % 2, ["first", "second"], title="t"),
    "tradeoffs": lambda: plot.tradeoffs(
        {"a": ([1, 10], 1 + np.arange(6.0).reshape(2, 3)), "b": ([3, 5], 2 + np.arange(8.0).reshape(2, 4))},
                                        title="t", xlabel="x", ylabel="y"),
    "histograms": lambda: plot.histograms({"a": [1.0, 2.0], "b": [3.0, 40.0]}, title="t", xlabel="error"),
    "scores": lambda: plot.scores({"a": (0.5, 0.4, 0.6), "b": (0.2, 0.1, 0.3)}, title="t", xlabel="x", level=0.4),
    "scores on a logarithmic axis": lambda: plot.scores({"a": (1.0, 0.8, 1.3), "b": (0.6, 0.4, 0.9)}, title="t",
                                                        xlabel="x", logx=True),
    "dots": lambda: plot.dots({"a": [12.0, 15.0], "b": [140.0]}, title="t", xlabel="x", ylabel="y"),
    "players": lambda: plot.players({"a": (None, POINTS), "b": (np.eye(9), POINTS)}, POINTS, limit=3,
                                    title="t"),
    "games": lambda: plot.games({"a": GAME, "b": GAME}, POINTS, title="t"),
    "fields": lambda: plot.fields({"a": POINTS, "b": -POINTS}, POINTS, GAME["made"], limit=3, title="t"),
    "pocket": lambda: plot.pocket(SAYS, lambda x: 0.5 + 0 * x, POINTS[:4], np.arange(4) % 2, [[(0.2, 0.2), (0.3, 0.5)]],
                                  title="t"),
    "planes": lambda: plot.planes({"p": np.full((11, 11), 3), "q": SAYS}, 2.0, names="abcd", title="t",
                                  axes=[("right", "up")] * 2, marks=[[], [(1.0, 0.5)]]),
    "robustness": lambda: plot.robustness({"L2": {"a": [2.0, 1.0, 4.0, 3.0]}, "Linf": {"a": [0.1]}}, {"a": 0.8}, title="t"),
    "benchmark": lambda: plot.benchmark({"L1": {"a": (1.0, 5.0), "b": (20.0, 4.0), "c": (3.0, 9.0), "d": (4.0, 8.0),
                                                "e": (2.0, 7.0), "f": (0.5, 10.0)},
                                         "L2": {"a": (1.0, 2.0)}}, ["a"], title="t"),
    "vulnerability": lambda: plot.vulnerability({"a": ((0.9, 0.8, 0.95), (2.0, 1.0, 4.0))}, title="t", xlabel="x", ylabel="y"),
    "against": lambda: plot.against({"p": {"a": ([1.0, 2.0], [1.0, 3.0]), "b": ([4.0], [4.0])}, "q": {"a": ([0.1], [0.2])}},
                                    title="t", xlabel="x", ylabel="y", log=True),
    "windows": lambda: plot.windows(7, 3, (1, 2, 3), padding=1),
    "channels": lambda: plot.channels(["red", "green"], 3, ["tab:red", "tab:green"]),
    "cone": lambda: plot.cone([3, 2], [1, 2], [3, 4]),
    "withstood": lambda: plot.withstood({"a": {"images": 50, "clean": 49, "published": 30, "adaptive": 5, "certified": 2},
                                         "b": {"images": 50, "clean": 48, "published": 20, "adaptive": 0}}, title="t"),
    "certificates": lambda: plot.certificates({"p": {"certified": [0.1, 0.0, 0.2], "found": [0.2, 0.0, np.inf]}}, {"p": 0.67},
                                              title="t"),
    "rates": lambda: plot.rates(np.array([[0.9, 0.1, 0.0], [0.2, 1.0, 0.3]]), ["a", "b"], ["a", "b", "noise"], title="t"),
    "shaded": lambda: plot.shaded([1, 2, 3], {"a": ([1, 2, 3], [0, 1, 2], [2, 3, 4])}, title="t", xlabel="x", ylabel="y",
                                  level=("floor", 0.5)),
    "roc": lambda: plot.roc({"a": ([0, 0.5, 1], [0, 0.9, 1])}, title="t", xlabel="x", ylabel="y"),
    "decision_grid": lambda: plot.decision_grid({"a": [SAYS, 0.2 * SAYS]}, ["p", "q"], [(POINTS, np.arange(20) % 2)],
                                                limit=3, title="t", texts=[["9 %", "5 %"]]),
    "units": lambda: plot.units({"a": ([(SAYS - 0.5, SAYS)], SAYS), "b": ([(SAYS, SAYS)] * 2, SAYS)}, POINTS, np.arange(20) % 2,
                                limit=3, title="t"),
    "accuracy_tables": lambda: plot.accuracy_tables({name: np.ones((1, 2, 3)) for name in "abc"}, ["r"], ["1", "2"], title="t",
                                                    xlabel="x", ylabel="y"),
    "graph": lambda: plot.graph({"x": (0, 0, "2"), "L": (1, 1, "4")}, {("x", "L"): "4"}, {"x": "4", "L": "1"}, title="t"),
    "gaps": lambda: plot.gaps({"a": [1.0, 1.5, 8.0], "b": [1.1]}, title="t", xlabel="x", ylabel="y"),
}


@pytest.mark.parametrize("name", FIGURES | OF_MOMENTS)
def test_figure_can_be_shown(name):
    fig = (FIGURES | OF_MOMENTS)[name]()
    fig.draw_without_rendering()
    plot.show(fig, alt="A figure.")  # refuses a figure without labels or title
    assert not plt.fignum_exists(fig.number)


def test_rates_writes_per_cent():
    fig = FIGURES["rates"]()
    assert [text.get_text() for text in fig.axes[0].texts] == ["90", "10", "0", "20", "100", "30"]
    plt.close(fig)


def test_strips_shows_every_picture_and_names_every_row():
    fig = FIGURES["strips"]()
    shown = [image.get_array() for axis in fig.axes for image in axis.images]
    np.testing.assert_array_equal(shown, np.squeeze(np.concatenate([PICTURES, PICTURES[:2]])))
    assert [text.get_text() for axis in fig.axes for text in axis.texts] == ["above", "below"]
    assert [axis.get_title() for axis in fig.axes[:5]] == list("abcde")
    plt.close(fig)


@pytest.mark.parametrize("fig", [lambda: plot.images(PICTURES, width=1), FIGURES["strips"],
                                 lambda: plot.mosaic(PICTURES.reshape(1, 5, 28, 28), "r", "abcde", title="t", xlabel="x",
                                                     ylabel="y")])
def test_digits_are_drawn_pixel_by_pixel(fig):
    fig = fig()
    fig.draw_without_rendering()
    for image in [image for axis in fig.axes for image in axis.images]:
        height, width = np.shape(image.get_array())
        size = image.get_window_extent().width / width
        assert image.get_interpolation() == "nearest" and (size == pytest.approx(2) if width > 28 else 2.5 < size < 4)
    plt.close(fig)


def test_large_pictures_are_resampled():
    fig = plot.images([np.zeros((300, 400))], width=3)
    assert fig.axes[0].images[0].get_interpolation() == "auto"
    plt.close(fig)


def test_a_name_on_a_map_stands_among_its_points_and_on_no_other_name():
    # class 0 is in two corners
    points = np.repeat([[10.0, 90.0], [90.0, 90.0], [91.0, 90.0], [50.0, 10.0]], [5, 8, 6, 3], axis=0)
    fig = plot.maps({"a": points}, np.repeat([0, 1], [13, 9]), ["0", "1"], title="t")
    assert [text.get_position() for text in fig.axes[0].texts] == [(90, 90), (50, 10)]
    plt.close(fig)


def test_windows_are_as_many_as_results():
    fig = FIGURES["windows"]()
    assert [axis.get_title() for axis in fig.axes] == ["stride 1: 7 results", "stride 2: 4 results", "stride 3: 3 results"]
    plt.close(fig)


def test_the_cone_shows_what_one_value_depends_on():
    fig = plot.cone([3, 3, 2, 3], [1, 1, 2, 1], [3, 5, 6, 10])
    squares = [line.get_xdata() for line in fig.axes[0].lines if line.get_marker() == "s"]
    assert [len(row) for row in squares] == [1, 3, 6, 8, 10]
    assert np.diff(squares[1]) == pytest.approx(2) and np.diff(squares[-1]) == pytest.approx(1)  # a step of layer 3 is two pixels
    plt.close(fig)


def test_what_is_covered_lies_where_the_filter_read():
    picture, response = np.full((9, 8), 0.5), np.zeros((5, 6))
    response[2, 3], response[0, 0] = 1, -1  # windows of 5 x 3 from (2, 3) and from (0, 0)
    shown = plot.covered(picture, response, (5, 3), threshold=0.5)
    coloured = np.ptp(shown, axis=2) > 0
    assert np.argwhere(coloured[:, 4]).ravel().tolist() == [2, 3, 4, 5, 6]
    assert np.argwhere(coloured[:, 1]).ravel().tolist() == [0, 1, 2, 3, 4]
    assert coloured.sum() == 10 and (shown[2, 4] != shown[0, 1]).any()


@pytest.mark.parametrize("values", [[12.0, 140.0], [2.3, 4.6], [60.0, 95.0]])
def test_numbers_beside_dots_can_be_read(values):
    fig = plot.dots({"a": values}, title="t", xlabel="x", ylabel="y")
    fig.draw_without_rendering()
    axis = fig.axes[0].yaxis
    low, high = fig.axes[0].get_ylim()
    labels = zip(axis.get_majorticklocs(), axis.get_majorticklabels())
    named = [label.get_window_extent() for place, label in labels
             if low <= place <= high and label.get_text()]
    assert len(named) >= 1 and all(a.y1 < b.y0 for a, b in zip(named, named[1:]))
    assert not any(label.get_text() for label in axis.get_minorticklabels())
    plt.close(fig)


def test_made_points_have_one_colour():
    colours = [line.get_color() for name in ("players", "games") for axis in FIGURES[name]().axes
               for line in axis.lines if line.get_label() == "generated"]
    assert len(colours) == 4 and set(colours) == {plot.MADE}
    plt.close("all")


@pytest.mark.parametrize("alt, labels, words", [
    (" ", dict(title="t", xlabel="x", ylabel="y"), "no alt text"), ("A line.", dict(title="t", xlabel="x"), "axis has no label"),
    ("A line.", dict(xlabel="x", ylabel="y"), "no title")])
def test_a_figure_without_words_is_refused(alt, labels, words):
    fig, axis = plt.subplots()
    axis.set(**labels)
    with pytest.raises(ValueError, match=words):
        plot.show(fig, alt=alt)
    plt.close(fig)


def test_every_public_function_of_the_files_can_be_called_as_plots():
    files = [import_module(f"utils.plot.{module.name}") for module in iter_modules(plot.__path__)
             if module.name not in ("live", "filter_editor", "playground", "digit_drawing")
             and not module.name.endswith("explorer")]
    functions = [(name, function) for file in files for name, function in inspect.getmembers(file, inspect.isfunction)
                 if function.__module__ == file.__name__ and not name.startswith("_")]
    # no name in two files
    assert sorted(name for name, _ in functions) == sorted(set(plot.__all__) - {"COLOURS", "MADE"}) and len(functions) > 25
    assert all(getattr(plot, name) is function for name, function in functions)


def test_certificates_count_the_images_beyond_a_radius():
    fig = FIGURES["certificates"]()
    found, certified, _ = fig.axes[0].lines
    at = np.argmin(np.abs(found.get_xdata() - 0.15))
    assert found.get_ydata()[at] == pytest.approx(200 / 3) and certified.get_ydata()[at] == pytest.approx(100 / 3)
    plt.close(fig)


def test_pocket_hatches_where_the_network_contradicts_the_task():
    fig = FIGURES["pocket"]()  # the network says 1 above .7, the task above .5
    [hatched] = [one for one in fig.axes[0].collections if getattr(one, "hatches", None)]
    heights = np.concatenate([path.vertices for path in hatched.get_paths()])[:, 1]
    assert 0.4 < heights.min() < 0.6 < heights.max() < 0.75
    plt.close(fig)


def test_planes_names_each_region_beside_the_image():
    fig = FIGURES["planes"]()
    texts = [[(text.get_text(), np.hypot(*text.get_position())) for text in axis.texts] for axis in fig.axes]
    assert [[name for name, _ in named] for named in texts] == [["d"], ["a", "b"]]
    assert all(distance > 0.3 for named in texts for _, distance in named)
    plt.close(fig)


def test_robustness_steps_down_at_each_image():
    fig = FIGURES["robustness"]()
    line = fig.axes[0].lines[0]
    epsilons, accuracy = line.get_xdata(), line.get_ydata()
    assert line.get_drawstyle() == "steps-post"
    np.testing.assert_allclose(epsilons[:5], [0, 1, 2, 3, 4])
    np.testing.assert_allclose(accuracy[:5], [80, 60, 40, 20, 0])
    band = fig.axes[0].collections[0].get_paths()[0].vertices
    within = binomtest(2, 4).proportion_ci(method="wilson")  # from 2 on, two of the four images are left
    between = band[(band[:, 0] > 1.99) & (band[:, 0] < 3.01), 1]
    assert all(np.isclose(between, 80 * bound).any() for bound in within)
    plt.close(fig)


def test_scores_draws_the_intervals():
    fig = FIGURES["scores"]()
    assert [list(line.get_xdata()) for line in fig.axes[0].lines[1::2]] == [[0.4, 0.6], [0.1, 0.3]]
    plt.close(fig)


def test_gaps_marks_the_median():
    fig = FIGURES["gaps"]()
    bars = [line.get_xdata()[0] for line in fig.axes[0].lines if line.get_linewidth() == 3]
    np.testing.assert_allclose(bars, [1.5, 1.1])
    plt.close(fig)


def test_benchmark_names_ours_the_smallest_other_and_who_is_not_beaten():
    fig = FIGURES["benchmark"]()
    assert [{text.get_text() for text in axis.texts} for axis in fig.axes] == [{"a", "b", "f"}, {"a"}]
    plt.close(fig)


def test_vulnerability_draws_the_range_of_the_seeds():
    fig = FIGURES["vulnerability"]()
    across, up = (arm.get_segments()[0] for arm in fig.axes[0].collections)
    np.testing.assert_allclose([across, up], [[[80, 2], [95, 2]], [[90, 1], [90, 4]]])
    plt.close(fig)


def test_robustness_leaves_an_image_that_nothing_fools():
    fig = plot.robustness({"L2": {"a": [2.0, np.inf, 1.0]}}, {"a": 0.9}, title="t")
    line = fig.axes[0].lines[0]
    np.testing.assert_allclose(line.get_xdata(), [0, 1, 2, 2.2])
    np.testing.assert_allclose(line.get_ydata(), [90, 60, 30, 30])
    plt.close(fig)


def test_planes_names_a_region_that_is_only_in_the_middle():
    line = np.linspace(-3, 3, 41)
    fig = plot.planes({"p": (line[:, None] ** 2 + line**2 < 0.55**2).astype(int)}, 3.0, names="ab", title="t", axes=[("x", "y")])
    assert {text.get_text() for text in fig.axes[0].texts} == {"a", "b"}
    plt.close(fig)


def test_fooled_within_counts_failures_as_failures():
    axis = plot.fooled_within({"a": np.array([0.3, np.inf, 0.1, np.inf])}, title="t", xlabel="L2").axes[0]
    (line,) = axis.lines
    heights = dict(zip(np.round(line.get_xdata(), 3), line.get_ydata()))
    assert heights[0.1] == 25 and heights[0.3] == 50 and max(line.get_ydata()) == 50
