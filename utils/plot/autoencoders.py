"""Figures of unit 10: where images and texts lie in a latent space of two dimensions, and what a code costs."""
from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from utils.groups import mean_interval
from utils.plot.style import COLOURS

SHOWN = (1, 99)  # percentiles of the codes between which a map reaches


def maps(codes: dict[str, np.ndarray], labels: np.ndarray, names: Sequence[str], *, title: str) -> Figure:
    """Codes [N, 2] in the plane, a panel for each entry, a colour and a marker for each label.

    labels  [N], the index of each point's name in `names`. A name of one letter is its own marker. Each name also stands, larger,
            where its points are densest

    Each axis reaches from the 1st to the 99th percentile of all points, so that a few far ones do not press the others together.
    """
    fig, axes = plt.subplots(1, len(codes), squeeze=False, layout="constrained", figsize=(5.2 * len(codes), 4.6))
    for axis, (panel, points) in zip(axes.flat, codes.items()):
        low, high = np.percentile(points, SHOWN, axis=0)
        margin = 0.04 * (high - low)
        axis.set(title=panel, xlabel="first latent dimension", ylabel="second latent dimension",
                 xlim=(low[0] - margin[0], high[0] + margin[0]), ylim=(low[1] - margin[1], high[1] + margin[1]))
        inside = np.all((points >= low) & (points <= high), axis=1)
        places: list[np.ndarray] = []
        for label, name in enumerate(names):
            own = points[(labels == label) & inside]
            axis.scatter(*own.T, marker=f"$\\mathrm{{{name}}}$" if len(name) == 1 else "osD^vPX*<>"[label % 10],
                         s=64 if len(name) == 1 else 14, color=plt.cm.tab10(label % 10), linewidths=0)
            _name(axis, name, plt.cm.tab10(label % 10), own, 100 / (high - low), places)
    fig.suptitle(title)
    return fig


def _name(axis: Axes, name: str, colour: tuple, points: np.ndarray, scale: np.ndarray, places: list[np.ndarray]) -> None:
    """Write a name where its points [N, 2] are densest, on none of the `places` that have one, to which its own is added.

    scale  [2], makes percent of the map of the points' units
    """
    if not len(points):
        return
    scaled = points * scale
    crowd = np.sum(np.linalg.norm(scaled[:, None] - scaled, axis=2) < 10, axis=1)  # at the median there may be none of them
    wide = np.array([1 / max(1, 0.7 * len(name)), 1])  # a long name covers more of the first axis
    free = [all(np.linalg.norm((point - other * scale) * wide) > 8 for other in places) for point in scaled]
    places.append(points[np.argmax(np.where(free, crowd, 0))])
    axis.text(*places[-1], name, ha="center", va="center", fontsize=13 if len(name) == 1 else 11,
              bbox=dict(boxstyle="circle,pad=0.15" if len(name) == 1 else "round,pad=0.2", facecolor="white", edgecolor=colour,
                        linewidth=2, alpha=0.85))


def tradeoffs(curves: dict[str, tuple[Sequence[float], np.ndarray]], *, title: str, xlabel: str, ylabel: str) -> Figure:
    """For each entry a line through means with their 95 % intervals, over places of its own; both axes are logarithmic.

    curves  {name: (x [K], one value for each of K places and N images [K, N])}; the interval is that of the mean over the images
    """
    fig, axis = plt.subplots(figsize=(6.8, 4.2), layout="constrained")
    for k, (name, (x, values)) in enumerate(curves.items()):
        mean, half = mean_interval(values)
        axis.errorbar(x, mean, yerr=half, marker="osD^vP"[k % 6], markersize=5, capsize=3,
                      color=COLOURS[k % 6], linestyle=("-", "--", "-.", ":")[k % 4], label=name)
    axis.set(title=title, xlabel=xlabel, ylabel=ylabel, xscale="log", yscale="log")
    for side, values in ((axis.xaxis, [1, 2, 5, 10, 20, 40, 100, 200, 400]), (axis.yaxis, [1, 2, 5, 10, 20, 40])):
        low, high = side.get_view_interval()
        inside = [value for value in values if low <= value <= high]
        side.set_ticks(inside, map(str, inside))
    axis.minorticks_off()
    axis.legend(frameon=False)
    return fig
