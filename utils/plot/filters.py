"""Figures of unit 01: signals, windows and strides, many channels, receptive fields, directions of edges, a linear classifier."""
from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import hsv_to_rgb, to_rgb
from matplotlib.figure import Figure

from utils.plot.style import COLOURS


def traces(time: np.ndarray, signals: dict[str, np.ndarray], *, title: str, xlabel: str, marks: Sequence[float] = (),
           height: float = 1.2) -> Figure:
    """Signals [samples] below one another over the same time [samples], each with its name; grey lines at the times `marks`."""
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
    """Points [N, 2] of each class, and the line where the decision of a linear classifier changes: (x, y, 1) @ weights = 0."""
    fig, axis = plt.subplots(figsize=(5.5, 4), layout="constrained")
    for (name, values), marker in zip(points.items(), "osv^"):
        axis.plot(*values.T, marker, label=name, alpha=0.8)
    x, limits = np.array(axis.get_xlim()), axis.get_ylim()
    axis.plot(x, -(weights[0] * x + weights[2]) / weights[1], color="black", linewidth=1)
    axis.set(title=title, xlabel=xlabel, ylabel=ylabel, xlim=x, ylim=limits)
    axis.locator_params(nbins=5)
    axis.legend(frameon=False)
    return fig


def covered(picture: np.ndarray, response: np.ndarray, shape: tuple[int, int], threshold: float) -> np.ndarray:
    """The picture [H, W, 3]; windows whose response is beyond the threshold are coloured, orange above it, blue below -threshold.

    picture [H, W] in [0, 1]; response [H - h + 1, W - w + 1] of a filter of shape (h, w): each value belongs to the window that
    begins at its position
    """
    shown = np.repeat(0.6 * picture[..., None] + 0.4, 3, axis=2)
    for fires, colour in ((response > threshold, COLOURS[1]), (response < -threshold, COLOURS[0])):
        inside = np.zeros(picture.shape, bool)
        for row, column in np.argwhere(fires):
            inside[row:row + shape[0], column + shape[1] // 2] = True  # the middle column: the line itself
        shown[inside] = to_rgb(colour)
    return shown


def windows(d: int, k: int, strides: Sequence[int], padding: int = 0) -> Figure:
    """The positions of a filter of k weights on d values with `padding` zeros on each side, a panel for each stride."""
    fig, axes = plt.subplots(1, len(strides), squeeze=False, layout="constrained", figsize=(3.7 * len(strides), 2.7))
    for axis, stride in zip(axes.flat, strides):
        for place in range(d + 2 * padding):
            zero = not padding <= place < d + padding
            axis.add_patch(plt.Rectangle((place, 0), 1, 1, facecolor="white" if zero else "0.85", edgecolor="0.4"))
            axis.text(place + 0.5, 0.5, "0" if zero else f"$x_{{{place - padding}}}$", ha="center", va="center", fontsize=9)
        starts = range(0, d + 2 * padding - k + 1, stride)
        for line, start in enumerate(starts):
            axis.add_patch(plt.Rectangle((start, -line - 1.35), k, 0.7, facecolor=COLOURS[line % 2], alpha=0.75))
            axis.text(start + k / 2, -line - 1, f"$y_{{{line}}}$", ha="center", va="center", color="white", fontsize=9)
        axis.set(xlim=(-0.3, d + 2 * padding + 0.3), ylim=(-(d + 2 * padding - k + 1) - 0.6, 1.3))
        axis.axis("off")
        axis.set_title(f"stride {stride}: {len(starts)} result{'s' * (len(starts) > 1)}", fontsize=10)
    fig.suptitle(f"d = {d}, k = {k}, p = {padding}")
    return fig


def channels(names: Sequence[str], maps: int, colours: Sequence[str]) -> Figure:
    """The tensor of a picture with named channels, one filter over all of them, and the tensor of `maps` results."""
    fig, axis = plt.subplots(figsize=(8.6, 3.3), layout="constrained")
    step = 0.35  # how far a sheet lies behind the one before it

    def sheets(left: float, low: float, side: float, count: int, colours: Sequence[str], alpha: float = 1) -> None:
        for place in reversed(range(count)):
            corner, colour = (left + step * place, low + step * place), colours[place % len(colours)]
            axis.add_patch(plt.Rectangle(corner, side, side, facecolor=colour, edgecolor="black", alpha=alpha))

    sheets(0, 0, 3, len(names), colours)
    sheets(0.5, 1.2, 0.9, len(names), ["white"], 0.85)
    sheets(5.4, 1.2, 0.9, len(names), colours)
    sheets(9, 0.25, 2.4, maps, ["0.75", "0.85"])
    axis.add_patch(plt.Rectangle((9.35, 1.35), 0.25, 0.25, facecolor="black"))
    for start, end in ((4.0, 5.2), (7.4, 8.7)):
        axis.annotate("", (end, 1.7), (start, 1.7), arrowprops=dict(arrowstyle="->", linewidth=1.5))
    count = len(names)
    for x, text in ((1.5, f"x: H x W x {count}\n({', '.join(names)})"),
                    (6.0, f"one filter: k x k x {count},\none sum over all of it"),
                    (10.6, f"y: H' x W' x {maps}\n({maps} filters, {maps} maps)")):
        axis.text(x, -0.25, text, ha="center", va="top", fontsize=10)
    axis.text(9.5, 1.75, "one value", fontsize=8)
    axis.set(xlim=(-0.2, 9.6 + 2.4 + step * maps), ylim=(-1.4, 3.2 + step * (max(count, maps) - 1)), aspect="equal")
    axis.axis("off")
    fig.suptitle("Many channels: each filter is as deep as its input, and makes one map")
    return fig


def cone(sizes: Sequence[int], strides: Sequence[int], fields: Sequence[int]) -> Figure:
    """What one result of the last layer depends on in each layer below, along one axis; `fields` are the receptive fields."""
    reach = [1]
    for k, s in zip(reversed(sizes), reversed(strides)):
        reach.append((reach[-1] - 1) * s + k)
    fig, axis = plt.subplots(figsize=(8, 0.75 * len(reach) + 0.9), layout="constrained")
    jumps = np.cumprod([1, *strides])[::-1]  # the last layer first
    for line, (count, jump) in enumerate(zip(reach, jumps)):
        centre = (np.arange(count) - (count - 1) / 2) * jump
        axis.plot(centre, np.full(count, -line), "s", color=COLOURS[0], markersize=7)
        layer = len(sizes) - line
        told = f"layer {layer}: k = {sizes[layer - 1]}, s = {strides[layer - 1]}" if layer else "input"
        axis.text(-fields[-1] / 2 - 1.5, -line, told, ha="right", va="center", fontsize=10)
        axis.text(fields[-1] / 2 + 1.5, -line, f"{count} value{'s' * (count > 1)}", ha="left", va="center", fontsize=10)
        if line < len(sizes):
            k, below = sizes[layer - 1], jumps[line + 1]
            for place in centre:
                axis.plot([place - (k - 1) / 2 * below, place, place + (k - 1) / 2 * below], [-line - 1, -line, -line - 1],
                          color="0.75", zorder=0, linewidth=0.8)
    axis.set(xlim=(-fields[-1] / 2 - 11, fields[-1] / 2 + 6),
             title=f"One value of the last layer depends on {fields[-1]} of the input")
    axis.axis("off")
    return fig
