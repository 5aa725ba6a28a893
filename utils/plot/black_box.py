"""Figures of unit 08, part 1: fooling rates between models, measurements with their intervals, ROC curves."""
from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from utils.plot.style import COLOURS


def rates(values: np.ndarray, victims: Sequence[str], sources: Sequence[str], *, title: str) -> Figure:
    """Fooling rates [victims, sources], 0 to 1, as a table of per cent: the darker, the more images fool the victim."""
    fig, axis = plt.subplots(figsize=(1.6 + 0.85 * len(sources), 1.4 + 0.42 * len(victims)), layout="constrained")
    axis.imshow(values, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for row, column in np.ndindex(*np.shape(values)):
        share = values[row][column]
        axis.text(column, row, f"{100 * share:.0f}", ha="center", va="center", color="white" if share > 0.6 else "black")
    axis.set_xticks(range(len(sources)), [name.replace(" ", "\n") for name in sources], fontsize=9)
    axis.set_yticks(range(len(victims)), victims)
    axis.set(title=title, xlabel="made on", ylabel="tried on")
    return fig


def shaded(x: Sequence[float], curves: dict[str, tuple[Sequence[float], Sequence[float], Sequence[float]]], *, title: str,
           xlabel: str, ylabel: str, level: tuple[str, float] | None = None, logx: bool = False) -> Figure:
    """A line in a band for each entry of `curves`, {name: (middle, low, high)}, as long as x; a thin line at a named `level`."""
    fig, axis = plt.subplots(figsize=(6.8, 3.7), layout="constrained")
    for colour, (name, (middle, low, high)) in zip(COLOURS, curves.items()):
        axis.plot(x[:len(middle)], middle, marker=".", color=colour, label=name)
        axis.fill_between(x[:len(middle)], low, high, color=colour, alpha=0.2, linewidth=0)
    if level is not None:
        axis.axhline(level[1], color="black", linewidth=1, linestyle="--", label=level[0])
    axis.set(title=title, xlabel=xlabel, ylabel=ylabel, xscale="log" if logx else "linear")
    axis.legend(frameon=False, fontsize=9)
    return fig


def roc(curves: dict[str, tuple[np.ndarray, np.ndarray]], *, title: str, xlabel: str, ylabel: str) -> Figure:
    """For each entry (false positive rate [K], true positive rate [K]), from 0 to 1, and the diagonal of a guess."""
    fig, axis = plt.subplots(figsize=(4.8, 4.2), layout="constrained")
    axis.plot([0, 1], [0, 1], color="black", linewidth=1, linestyle="--", label="a guess")
    for name, (false, true) in curves.items():
        axis.plot(false, true, label=name)
    axis.set(title=title, xlabel=xlabel, ylabel=ylabel)
    axis.legend(frameon=False, fontsize=9)
    return fig
