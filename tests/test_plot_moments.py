"""Figures of unit 09 draw the numbers that they are given; test_plot shows each of FIGURES."""
import matplotlib.pyplot as plt
import numpy as np
import pytest

from utils import plot

SAMPLES = np.array([0.0, 0.0, 0.0, 1.0])
X = np.array([0.5, 1.0, 2.0])
PICTURES = np.eye(6)[None].repeat(3, 0)
FIGURES = {
    "rectified": lambda: plot.rectified({"unit": (SAMPLES, X, 0.1 * X, 0.7)}, title="t"),
    "with_errors": lambda: plot.with_errors(X, {"a": (X, 0.1), "b": (2 * X, 0.2 * X)}, title="t", xlabel="x", ylabel="y",
                                            level=1),
    "panels": lambda: plot.panels([dict(x=X, title="p", xlabel="x", ylabel="y", curves={"a": X, "b": 2 * X},
                                        errors={"a": 0.1 * X})], title="t"),
    "gaussians": lambda: plot.gaussians(np.eye(6), np.zeros(6), np.ones(6), "abcdef", title="t", xlabel="x"),
    "mean_and_std": lambda: plot.mean_and_std(X, {"a": (X, 0.5 * X, X + 1, X)}, title="t", xlabel="x", ylabel="y"),
    "noise_maps": lambda: plot.noise_maps({"a": np.full([3, 2, 2], 0.2), "b": np.full([3, 4, 4], 0.5)}, PICTURES, "012",
                                          title="t", label="rate"),
    "noisy_answers": lambda: plot.noisy_answers({"clean": PICTURES, "noisy": PICTURES[:2]}, ["012", "12"], title="t"),
}


def test_panels_have_bars_where_errors_are_known():
    axis = FIGURES["panels"]().axes[0]
    [bars] = [one for one in axis.collections if hasattr(one, "get_segments")]
    assert np.allclose([segment[:, 1] for segment in bars.get_segments()], np.stack([0.9 * X, 1.1 * X], 1))
    plt.close("all")


def test_rectified_draws_shares():
    axis = FIGURES["rectified"]().axes[0]
    *bars, atom = axis.patches
    assert sum(bar.get_height() * bar.get_width() for bar in bars) == pytest.approx(0.25)  # one sample of four is above 0
    assert atom.get_height() == 0.75 and axis.lines[-1].get_ydata() == [0.7]
    plt.close("all")


def test_gaussians_are_densities():
    for axis in FIGURES["gaussians"]().axes[:6]:
        x, density = axis.lines[0].get_data()
        assert np.trapezoid(density, x) == pytest.approx(1, abs=1e-3)
    plt.close("all")


def test_noise_maps_share_one_colour_scale_and_lie_under_the_outline():
    fig = FIGURES["noise_maps"]()
    shown = [axis.images[0] for axis in fig.axes if axis.images]
    assert len(shown) == 6 and {one.get_clim() for one in shown} == {(0, 0.5)}
    assert {tuple(one.get_extent()) for one in shown} == {(-0.5, 5.5, 5.5, -0.5)}
    assert fig.axes[-1].get_ylabel() == "rate"
    plt.close("all")


def test_noisy_answers_have_their_captions():
    fig = FIGURES["noisy_answers"]()
    assert [axis.get_title() for axis in fig.axes] == ["0", "1", "2", "1", "2", ""]
    plt.close("all")
