"""Figures of unit 01: signals over time, a framed window, directions of edges, a linear classifier."""
from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import hsv_to_rgb
from matplotlib.figure import Figure

from utils.plot.style import COLOURS


def traces(time: np.ndarray, signals: dict[str, np.ndarray], *, title: str, xlabel: str, marks: Sequence[float] = (),
           height: float = 1.2) -> Figure:
    """Signals below one another over the same time, each with its name; grey lines at the times `marks`."""
    fig, axes = plt.subplots(len(signals), 1, squeeze=False, sharex=True, layout="constrained",
                             figsize=(9, height * len(signals) + 0.7))
    for axis, (name, values), colour in zip(axes.flat, signals.items(), COLOURS * len(signals)):
        axis.plot(time[:len(values)], values, color=colour, linewidth=1)
        for moment in marks:
            axis.axvline(moment, color="0.8", linewidth=5, zorder=0)
        axis.set(xlabel=xlabel, ylabel=name, xlim=(time[0], time[-1]))
        axis.xaxis.label.set_visible(axis is axes[-1, 0])
    fig.suptitle(title)
    return fig


def mark(axis: plt.Axes, corner: tuple[float, float], shape: tuple[int, int], text: str = "", colour: str = "white") -> None:
    """Frame a window of a picture, [height, width] pixels from its top left corner (row, column) on; the text stands above."""
    row, column = corner
    axis.add_patch(plt.Rectangle((column - 0.5, row - 0.5), shape[1], shape[0], fill=False, edgecolor=colour, linewidth=2))
    if text:
        axis.text(column - 0.5, row - 4, text, fontsize=10, bbox=dict(facecolor="white", edgecolor=colour, pad=2))


def directions(magnitude: np.ndarray, direction: np.ndarray) -> np.ndarray:
    """A picture [H, W, 3] in [0, 1] of edges: the hue says where it gets brighter (red: to the right), the brightness how much.

    magnitude [H, W] is at least 0; direction [H, W] is in radians, 0 to the right, pi/2 downwards
    """
    strength = np.clip(magnitude / np.percentile(magnitude, 99), 0, 1)
    return hsv_to_rgb(np.stack([direction / (2 * np.pi) % 1, np.ones_like(strength), strength], axis=-1))


def classifier(points: dict[str, np.ndarray], weights: np.ndarray, *, title: str, xlabel: str, ylabel: str) -> Figure:
    """Points [N, 2] of each class, and the line where the answer of a linear classifier changes: (x, y, 1) @ weights = 0."""
    fig, axis = plt.subplots(figsize=(5.5, 4), layout="constrained")
    for (name, values), marker in zip(points.items(), "osv^"):
        axis.plot(*values.T, marker, label=name, alpha=0.8)
    x, limits = np.array(axis.get_xlim()), axis.get_ylim()
    axis.plot(x, -(weights[0] * x + weights[2]) / weights[1], color="black", linewidth=1)
    axis.set(title=title, xlabel=xlabel, ylabel=ylabel, xlim=x, ylim=limits)
    axis.locator_params(nbins=5)
    axis.legend(frameon=False)
    return fig
