"""Colours that stand together in a figure can be told apart by readers who lack one of the three cones.

What they see is simulated by the matrices of Machado, Oliveira and Fernandes 2009 (https://doi.org/10.1109/TVCG.2009.113,
severity 1), which hold for linear RGB. Distances are CIEDE2000 (1 can just be noticed);
all pairs of the six line colours have 10 or more.
"""
import itertools

import numpy as np
import pytest
from matplotlib import colormaps
from matplotlib import pyplot as plt
from matplotlib.colors import to_rgb
from skimage.color import deltaE_ciede2000, rgb2lab

from utils import plot

DISTANCE = 10
SEEN = {
    "three cones": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]}
TOGETHER = {
    "lines": plot.COLOURS,
    "data and what was made": ["black", plot.MADE],
    "intervals with 0 and without": ["0.3", plot.COLOURS[1]],
    "one line before grey ones": [plot.COLOURS[0], "0.75"],
    "two areas of a network": ["#c6dbef", "#fdd0a2"],
    "red and blue pixels on a face": [(0.9, 0.2, 0.1), (0.1, 0.4, 0.9)],
    "a signed picture": [*colormaps["RdBu_r"]([0.2, 0.5, 0.8])],
    "what a discriminator says": [*colormaps["PuOr"]([0.2, 0.5, 0.8])]}


def lab(colours: list, matrix: list) -> np.ndarray:
    """n colours as seen through `matrix`, in CIELAB: [n, 3]."""
    rgb = np.array([to_rgb(colour) for colour in colours])
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)  # IEC 61966-2-1
    seen = np.clip(linear @ np.transpose(matrix), 0, 1)
    return rgb2lab(np.where(seen <= 0.0031308, 12.92 * seen, 1.055 * seen ** (1 / 2.4) - 0.055))


def distances(colours: list, matrix: list) -> np.ndarray:
    """CIEDE2000 between each two of n colours as seen through `matrix`: [n (n - 1) / 2]."""
    return np.array([deltaE_ciede2000(a, b) for a, b in itertools.combinations(lab(colours, matrix), 2)])


@pytest.mark.parametrize("eyes", SEEN)
@pytest.mark.parametrize("figure", TOGETHER)
def test_colours_of_a_figure_can_be_told_apart(figure, eyes):
    nearest = distances(TOGETHER[figure], SEEN[eyes]).min()
    assert nearest >= DISTANCE, f"{figure}, {eyes}: two colours are only {nearest:.1f} apart"


def test_the_simulation_knows_a_pair_that_is_mixed_up():
    """An orange and an olive of one lightness."""
    assert distances(["#b45000", "#6b7600"], SEEN["three cones"])[0] > 30 > DISTANCE > distances(
        ["#b45000", "#6b7600"], SEEN["deuteranopia"])[0]
    assert distances(["white", "0.5"], SEEN["protanopia"])[0] > 30  # grey stays grey
    assert np.allclose(np.sum(list(SEEN.values()), axis=2), 1, atol=1e-5)


@pytest.mark.parametrize("name", ["viridis", "gray", "YlGn", "Oranges", "Greys"])
def test_maps_of_amounts_are_ordered_by_lightness(name):
    for matrix in SEEN.values():
        steps = np.diff(lab(colormaps[name](np.linspace(0, 1, 16)), matrix)[:, 0])
        assert np.all(steps > 0) or np.all(steps < 0)


def test_ten_classes_have_their_names_in_the_figure():
    """Ten colours cannot be told apart, so each class is written where it is."""
    names = [f"class {n}" for n in range(10)]
    angle = np.linspace(0, 6, 10)
    codes = np.repeat(np.stack([np.cos(angle), np.sin(angle)], axis=1), 3, axis=0)
    drawn = [plot.maps({"codes": codes}, np.repeat(np.arange(10), 3), names, title="codes"),
             plot.planes({"plane": np.repeat(np.arange(10), 100).reshape(10, 100).repeat(10, axis=0)}, 1.0, names=names,
                         marks=[[]], title="plane", axes=[("x", "y")])]
    for fig in drawn:
        assert set(names) <= {text.get_text() for axis in fig.axes for text in axis.texts}
        plt.close(fig)
