"""Figures of unit 02: what networks decide in the plane, and what each of their hidden units computes there."""
from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

POINTS = ("#08306b", "#67000d")  # dark blue and dark red, on the colours of the map


def decision_grid(surfaces: dict[str, Sequence[np.ndarray]], columns: Sequence[str],
                  data: Sequence[tuple[np.ndarray, np.ndarray]], *, limit: float, title: str,
                  texts: Sequence[Sequence[str]] | None = None) -> Figure:
    """The plane from -limit to limit, coloured by the probability of label 1: a row for each entry of `surfaces`.

    surfaces  for each row and column [H, W] in 0..1, rows of the plane from below to above
    columns   a name above each column
    data      for each row examples [N, 2] and labels [N], 0 or 1
    texts     for each row and column what stands in the corner, such as the accuracy
    """
    fig, axes = plt.subplots(len(surfaces), len(columns), squeeze=False, layout="constrained",
                             figsize=(1.2 + 1.62 * len(columns), 0.7 + 1.62 * len(surfaces)))
    for row, ((name, line), (x, y)) in enumerate(zip(surfaces.items(), data)):
        for column, p in enumerate(line):
            axis = axes[row, column]
            _plane(axis, p, limit)
            _examples(axis, x, y, limit)
            if texts:
                axis.text(-0.95 * limit, -0.93 * limit, texts[row][column], fontsize=10, va="bottom",
                          bbox=dict(facecolor="white", edgecolor="none", pad=1.5))
            axis.set(xticks=[], yticks=[], xlabel="$x_1$", ylabel="$x_2$")
            axis.xaxis.label.set_visible(row == len(surfaces) - 1)
            axis.yaxis.label.set_visible(column == 0)
            if column == 0:
                axis.set_ylabel(f"{name}\n$x_2$")
            if row == 0:
                axis.set_title(columns[column], fontsize=11)
    fig.suptitle(title)
    return fig


def units(rows: dict[str, tuple[Sequence[np.ndarray], np.ndarray]], x: np.ndarray, y: np.ndarray, *, limit: float,
          title: str) -> Figure:
    """What each hidden unit gives over the plane, with the line where its sum is 0, and last the decision of the network.

    rows   {name: (maps, p)}: maps [units, 2, H, W] hold for each unit the sum that goes in and the output; p [H, W] in 0..1
    x, y   examples [N, 2] and labels [N], 0 or 1
    """
    most = max(len(maps) for maps, _ in rows.values())
    fig, axes = plt.subplots(len(rows), most + 1, squeeze=False, layout="constrained",
                             figsize=(1.2 + 1.7 * (most + 1), 0.7 + 1.85 * len(rows)))
    square = (-limit, limit, -limit, limit)
    for line, (name, (maps, p)) in zip(axes, rows.items()):
        for axis in line[len(maps):-1]:
            axis.axis("off")
        for number, (z, a) in enumerate(maps, start=1):
            axis = line[number - 1]
            axis.imshow(a, cmap="Greys", origin="lower", extent=square, vmin=0, vmax=max(2 * a.max(), 1e-9))
            _line(axis, z, square, f"C{(number - 1) % 6}")
            _line(line[-1], z, square, f"C{(number - 1) % 6}")
            axis.set_title(f"unit {number}", fontsize=10)
        _plane(line[-1], p, limit)
        line[-1].set_title("network and all lines", fontsize=10)
        for axis in line:
            _examples(axis, x, y, limit)
            axis.set(xticks=[], yticks=[], xlabel="$x_1$", ylabel="$x_2$")
        line[0].set_ylabel(f"{name}\n$x_2$")
    fig.suptitle(title)
    return fig


def accuracy_tables(panels: dict[str, np.ndarray], rows: Sequence[str], columns: Sequence[str], *, title: str, xlabel: str,
               ylabel: str) -> Figure:
    """Tables of accuracies over seeds: in each cell the mean, below it the lowest and the highest, in per cent.

    panels  for each table [rows, columns, seeds], from 0 to 1
    """
    wide = -(-len(panels) // 2)
    fig, axes = plt.subplots(2, wide, squeeze=False, layout="constrained", figsize=(0.6 + 3.5 * wide, 0.5 + 2.1 * 2))
    for axis in list(axes.T.flat)[len(panels):]:
        axis.axis("off")
        axis.set_title(" ")
    for axis, (name, values) in zip(axes.T.flat, panels.items()):
        mean = 100 * values.mean(axis=-1)
        axis.imshow(mean, cmap="Blues", vmin=40, vmax=130, aspect="auto")
        for (row, column), value in np.ndenumerate(mean):
            low, high = 100 * values[row, column].min(), 100 * values[row, column].max()
            axis.text(column, row, f"{value:.0f}\n", ha="center", va="center", fontsize=11)
            axis.text(column, row, f"\n{low:.0f}–{high:.0f}", ha="center", va="center", fontsize=8)
        axis.set(title=name, xticks=range(len(columns)), xticklabels=columns, yticks=range(len(rows)), yticklabels=rows,
                 xlabel=xlabel, ylabel=ylabel)
    fig.suptitle(title)
    return fig


def _plane(axis: Axes, p: np.ndarray, limit: float) -> None:
    square = (-limit, limit, -limit, limit)
    axis.imshow(p, cmap="RdBu_r", vmin=-0.2, vmax=1.2, origin="lower", extent=square)
    if p.min() < 0.5 < p.max():
        axis.contour(p, [0.5], colors="black", linewidths=1, extent=square)


def _line(axis: Axes, z: np.ndarray, square: tuple[float, float, float, float], colour: str) -> None:
    """Where z [H, W] is 0, if it is anywhere."""
    if z.min() < 0 < z.max():
        axis.contour(z, [0], colors=colour, linewidths=2, extent=square)


def _examples(axis: Axes, x: np.ndarray, y: np.ndarray, limit: float) -> None:
    for label, colour in enumerate(POINTS):
        axis.plot(*x[y == label].T, "o^"[label], color=colour, markersize=1.6)
    axis.set(xlim=(-limit, limit), ylim=(-limit, limit))
