"""Figures of unit 05: what an attack changed, and what it costs to fool a network."""
from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from utils.plot.pictures import images


def attack(x: np.ndarray, modified: np.ndarray, said: Sequence[tuple[str, str]], *, title: str = "",
           amplification: float = 50, width: float = 1.7) -> Figure:
    """For each image a row: the original, the modified one, and `amplification` * |DX|, with what the network says.

    x, modified  [N, H, W, C] in [0, 1]
    said         for each image, what the network says of the original and of the modified one
    width        of each picture, in inches
    """
    amplified = np.clip(amplification * np.abs(modified - x), 0, 1)
    pictures = [picture for row in zip(x, modified, amplified) for picture in row]
    titles = [text for before, after in said for text in (before, after, f"{amplification:g} |DX|")]
    return images(pictures, titles, columns=3, title=title, width=width)


def tradeoff(curves: dict[str, dict[str, np.ndarray]], *, title: str, ylabel: str) -> Figure:
    """Success and size of the perturbation against lambda, for each entry of `curves`.

    curves  as `attacks.tradeoff` returns them: arrays [K] for K values of lambda. lam, success (share of the images that fool the
            network, 0..1) and size (median, in the norm that `ylabel` names)
    """
    fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    for name, curve in curves.items():
        left.plot(curve["lam"], 100 * curve["success"], marker=".", label=name)
        right.plot(curve["lam"], curve["size"], marker=".", label=name)
    left.set(xscale="log", xlabel="lambda", ylabel="images that fool the network (%)", ylim=(-3, 103), title="Success")
    right.set(xscale="log", yscale="log", xlabel="lambda", ylabel=ylabel, title="Size of DX")
    if len(curves) > 1:
        left.legend(frameon=False)
    fig.suptitle(title)
    return fig


def against(panels: dict[str, dict[str, tuple[np.ndarray, np.ndarray]]], *, title: str, xlabel: str, ylabel: str,
            log: bool = False) -> Figure:
    """For each panel the points (x, y) of each entry, and the diagonal on which x = y.

    panels  {title of the panel: {name: (x, y)}}, x and y [N]; with `log` all above 0, on logarithmic axes
    """
    fig, axes = plt.subplots(1, len(panels), squeeze=False, layout="constrained", figsize=(2.4 + 3.2 * len(panels), 4))
    for axis, (name, entries) in zip(axes.flat, panels.items()):
        values = np.concatenate([np.ravel(pair) for pair in entries.values()])
        ends = [values.min() if log else 0, values.max()]
        axis.plot(ends, ends, color="black", linewidth=1)
        for label, (x, y) in entries.items():
            axis.plot(x, y, "o", markersize=5, alpha=0.7, label=label)
        axis.set(title=name, xlabel=xlabel, ylabel=ylabel, xscale="log" if log else "linear", yscale="log" if log else "linear")
        if len(entries) > 1:
            axis.legend(frameon=False, fontsize=9)
    fig.suptitle(title)
    return fig


def fooled_within(sizes: dict[str, np.ndarray], *, title: str, xlabel: str, ylabel: str = "images that are fooled (%)") -> Figure:
    """For each entry the share of its images that are fooled by a perturbation of at most a given size.

    sizes  [N], the size of the perturbation of each image, infinite where none fools the network: failures count as failures
    """
    largest = 1.05 * max(values[np.isfinite(values)].max() for values in sizes.values())
    fig, axis = plt.subplots(figsize=(6.5, 3.6), layout="constrained")
    for name, values in sizes.items():
        found = np.sort(values[np.isfinite(values)])
        share = 100 * np.arange(1, len(found) + 1) / len(values)
        axis.step(np.r_[0, found, largest], np.r_[0, share, share[-1]], where="post", label=name)
    axis.set(title=title, xlabel=xlabel, ylabel=ylabel, ylim=(-3, 103))
    axis.legend(frameon=False)
    return fig
