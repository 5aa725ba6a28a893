"""Figures of unit 02: what a network decides in the plane, its units and their deltas, the cost and the way down."""
from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MultipleLocator

from utils.plot.hidden_units import POINTS
from utils.plot.style import COLOURS


def decisions(surfaces: dict[str, np.ndarray], x: np.ndarray, y: np.ndarray, *, limit: float,
              title: str) -> Figure:
    """The plane from -limit to limit, coloured by the probability of label 1, a panel for each entry of `surfaces`.

    surfaces  [H, W] in 0..1, rows from below to above
    x, y      examples [N, 2] and their labels [N], 0 or 1, drawn in each panel
    """
    fig, axes = plt.subplots(1, len(surfaces), squeeze=False, layout="constrained",
                             figsize=(3 * len(surfaces), 3.4))
    for axis, (name, p) in zip(axes.flat, surfaces.items()):
        square = (-limit, limit, -limit, limit)
        axis.imshow(p, cmap="RdBu_r", vmin=-0.2, vmax=1.2, origin="lower", extent=square)
        axis.contour(p, [0.5], colors="black", linewidths=1, extent=square)
        for label, colour in enumerate(POINTS):
            axis.plot(*x[y == label].T, ".", color=colour, markersize=2)
        axis.set(title=name, xlabel="$x_1$", ylabel="$x_2$", xlim=(-limit, limit), ylim=(-limit, limit))
    fig.suptitle(title)
    return fig


def small_net(net: Sequence, outputs: Sequence[np.ndarray], deltas: Sequence[np.ndarray], *,
              title: str) -> Figure:
    """A small net for one example: weights on the lines, in each unit what it gives, below it its delta.

    net as in `utils.backprop`; outputs [1, size] of each layer; deltas [size] of each layer but the first
    """
    fig, axis = plt.subplots(figsize=(7.5, 3.2), layout="constrained")
    places = [[(3 * layer, -1.6 * (unit - (a.size - 1) / 2)) for unit in range(a.size)]
              for layer, a in enumerate(outputs)]
    for layer, (weights, _) in enumerate(net):
        for (i, j), value in np.ndenumerate(weights):
            (x0, y0), (x1, y1) = places[layer][i], places[layer + 1][j]
            axis.plot([x0, x1], [y0, y1], color="0.6", zorder=1)
            share = 0.3 if weights.shape[1] > 1 else 0.5
            axis.text(x0 + share * (x1 - x0), y0 + share * (y1 - y0), f"{value:g}", ha="center", va="center",
                      backgroundcolor="white", fontsize=10)
    for layer, row in enumerate(places):
        for unit, (x, y) in enumerate(row):
            axis.plot(x, y, "o", markersize=34, markerfacecolor="white", markeredgecolor=COLOURS[0], zorder=2)
            centred = dict(ha="center", va="center")
            axis.text(x, y, f"{outputs[layer].flat[unit]:g}", color=COLOURS[0], fontsize=13, **centred)
            if layer:
                axis.text(x, y - 0.62, f"δ = {deltas[layer - 1].flat[unit]:g}", color=COLOURS[1], **centred)
    axis.set(xlim=(-0.7, 3 * len(net) + 0.7), ylim=(-1.8, 1.4))
    axis.axis("off")
    axis.set_title(title)
    return fig


def paths(cost: np.ndarray, extent: tuple[float, float, float, float], walks: dict[str, np.ndarray], *,
          title: str) -> Figure:
    """Contours of a cost [H, W], evenly spaced in its logarithm, and on them walks, points [steps, 2].

    extent is (left, right, bottom, top) of the cost, whose minimum is at (0, 0): a star is drawn there.
    """
    fig, axis = plt.subplots(figsize=(7.5, 3.8), layout="constrained")
    axis.contour(np.log10(cost + 1e-3), 14, cmap="Greys", extent=extent, linewidths=0.8)
    for (name, points), marker in zip(walks.items(), ("o", "s", "^", "v")):
        label = f"{name}, {len(points) - 1} steps"
        axis.plot(*points.T, marker=marker, markersize=4, linewidth=1.2, label=label)
    axis.plot(0, 0, "k*", markersize=12)
    axis.set(title=title, xlabel="$w_1$", ylabel="$w_2$", xlim=extent[:2], ylim=extent[2:])
    axis.legend(frameon=False, ncols=3, loc="upper center", bbox_to_anchor=(0.5, -0.16))
    return fig


def landscapes(costs: dict[str, np.ndarray], *, reach: float, title: str) -> Figure:
    """The cost [H, W], above 0, on planes through a minimum, which lies in the middle of each; one scale for all.

    reach  how far each plane goes from the minimum, in lengths of its directions (Li et al. 2018, arXiv:1712.09913)
    """
    logs = {name: np.log10(cost) for name, cost in costs.items()}
    levels = np.linspace(min(map(np.min, logs.values())), max(map(np.max, logs.values())), 30)
    fig, axes = plt.subplots(1, len(costs), squeeze=False, layout="constrained",
                             figsize=(4.2 * len(costs) + 0.8, 3.9))
    square = (-reach, reach, -reach, reach)
    for axis, (name, log) in zip(axes.flat, logs.items()):
        filled = axis.contourf(log, levels, cmap="viridis", extent=square)
        axis.contour(log, levels[::2], colors="white", linewidths=0.4, linestyles="solid", extent=square)
        axis.plot(0, 0, "w*", markersize=12)
        axis.set(title=name, xlabel="along direction 1", ylabel="along direction 2", aspect="equal")
    fig.colorbar(filled, ax=axes, label="log10 of the loss", ticks=MultipleLocator(0.5))
    fig.suptitle(title)
    return fig


def graph(nodes: dict[str, tuple[float, float, str]], edges: dict[tuple[str, str], str], backward: dict[str, str], *,
          title: str) -> Figure:
    """A computational graph: values in the nodes, local derivatives on the edges, derivatives of the last node below each.

    nodes     {name: (x, y, what stands in the node)}, x and y in units of a node's distance
    edges     {(from, to): the derivative of `to` for `from`}
    backward  {name: the derivative of the last node for this one}
    """
    places = np.array([(x, y) for x, y, _ in nodes.values()])
    fig, axis = plt.subplots(figsize=(1.2 + 1.5 * np.ptp(places[:, 0]), 1.6 + 1.3 * np.ptp(places[:, 1])), layout="constrained")
    for (start, end), derivative in edges.items():
        (x0, y0, _), (x1, y1, _) = nodes[start], nodes[end]
        axis.annotate("", (x1, y1), (x0, y0), arrowprops=dict(arrowstyle="->", color="0.45", shrinkA=24, shrinkB=24))
        axis.text((x0 + x1) / 2, (y0 + y1) / 2 + 0.13, derivative, ha="center", color="0.25", fontsize=10,
                  bbox=dict(facecolor="white", edgecolor="none", pad=0.5))
    for name, (x, y, value) in nodes.items():
        axis.plot(x, y, "o", markersize=42, markerfacecolor="white", markeredgecolor=COLOURS[0], markeredgewidth=1.5)
        axis.text(x, y, f"{name}\n{value}", ha="center", va="center", color=COLOURS[0], fontsize=11)
        axis.text(x, y - 0.42, backward[name], ha="center", va="top", color=COLOURS[1], fontsize=11)
    low, high = places.min(axis=0) - [0.5, 0.8], places.max(axis=0) + [0.5, 0.5]
    axis.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]))
    axis.axis("off")
    axis.set_title(title)
    return fig
