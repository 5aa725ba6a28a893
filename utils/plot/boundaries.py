"""Figures of unit 07: where the boundary of a network is, and how near."""
from collections.abc import Callable, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import FormatStrFormatter, LogLocator, NullFormatter

from utils.groups import wilson_interval
from utils.plot.style import COLOURS, leave_empty

CLASSES = ListedColormap(plt.get_cmap("tab20").colors[1::2])  # ten pale colours, the text of a class can be read on each


def pocket(says: np.ndarray, task: Callable[[np.ndarray], np.ndarray], points: np.ndarray, labels: np.ndarray,
           moves: np.ndarray, *, title: str) -> Figure:
    """The unit square as a network divides it, the boundary of the task, examples, and arrows to the network's boundary.

    says    [H, W]: 0 or 1, what the network says, rows from below to above
    task    x in [0, 1], [N] -> y of the task's boundary, [N]: label 1 is above it
    points  [N, 2] examples that it was trained on, in [0, 1], with their labels [N]
    moves   [M, 2, 2]: for each arrow where it starts and where it ends
    """
    fig, axis = plt.subplots(figsize=(7, 5.8), layout="constrained")
    square, line = (0, 1, 0, 1), np.linspace(0, 1, says.shape[1])
    axis.imshow(says, cmap=ListedColormap(["#c6dbef", "#fdd0a2"]), origin="lower", extent=square, aspect="auto")
    wrong = says != (np.linspace(0, 1, len(says))[:, None] > task(line)[None])
    axis.contourf(wrong, [0.5, 1], hatches=["////"], colors="none", extent=square)
    axis.plot(line, task(line), color="black", linestyle="--", label="boundary of the task")
    for label, colour in enumerate(COLOURS[:2]):
        axis.plot(*points[labels == label].T, "o", color=colour, markersize=5, label=f"training examples of class {label}")
    for start, end in moves:
        axis.annotate("", end, start, arrowprops=dict(arrowstyle="->", linewidth=1.6))
        axis.plot(*start, "s", color="black", markersize=4)
    axis.set(title=title, xlabel="$x_1$", ylabel="$x_2$", xlim=(0, 1), ylim=(0, 1))
    axis.legend(loc="upper center", bbox_to_anchor=(0.5, -0.12), ncols=3, fontsize=9, frameon=False)
    return fig


def planes(maps: dict[str, np.ndarray], radius: float, *, names: Sequence[str], title: str, axes: Sequence[tuple[str, str]],
           marks: Sequence[Sequence[tuple[float, float]]] = ()) -> Figure:
    """Planes through an image, which is in their middle, coloured by the class that a network gives to each of their points.

    maps   {what the plane is: classes [H, W], at most ten, rows from below to above}
    radius how far each plane reaches, L2
    names  of the classes, written into the largest region of each
    axes   for each plane what its two axes are
    marks  for each plane points (right, up) to be marked
    """
    fig, panels = plt.subplots(1, len(maps), squeeze=False, layout="constrained", figsize=(4.4 * len(maps), 4.9))
    square = (-radius, radius, -radius, radius)
    for k, (axis, (name, classes)) in enumerate(zip(panels.flat, maps.items())):
        axis.imshow(classes, cmap=CLASSES, vmin=-0.5, vmax=9.5, origin="lower", extent=square, interpolation="nearest")
        grid = np.linspace(-radius, radius, len(classes))
        for label in np.unique(classes):
            rows, columns = np.nonzero(classes == label)
            if len(rows) > 0.01 * classes.size:
                aside = grid[rows] ** 2 + grid[columns] ** 2 > (radius / 5) ** 2  # not under the dot in the middle
                if aside.any():
                    rows, columns = rows[aside], columns[aside]
                middle = np.argmin((rows - rows.mean()) ** 2 + (columns - columns.mean()) ** 2)
                axis.text(grid[columns[middle]], grid[rows[middle]], names[label], ha="center", va="center", fontsize=15)
        axis.plot(0, 0, "o", color="black")
        for right, up in marks[k] if k < len(marks) else ():
            axis.plot([0, right], [0, up], color="black", linewidth=1.2, marker="x", markevery=[1])
        axis.set(title=name, xlabel=axes[k][0], ylabel=axes[k][1])
    fig.suptitle(title)
    return fig


def robustness(smallest: dict[str, dict[str, Sequence[float]]], accuracy: dict[str, float], *, title: str) -> Figure:
    """Accuracy against epsilon, a panel for each norm: a line for each network that falls at each image's smallest perturbation.

    smallest  {norm: {network: the smallest perturbation of each image that it classifies correctly, [N]}}; infinite where none
              was found
    accuracy  {network: 0..1, without an attack}

    The band is the 95 % interval of the share of the images that withstand each epsilon (`wilson_interval`), times `accuracy`.
    """
    rows, columns = -(-len(smallest) // 2), min(2, len(smallest))
    fig, axes = plt.subplots(rows, columns, squeeze=False, layout="constrained", figsize=(4.4 * columns, 0.5 + 2.9 * rows))
    for axis, (norm, networks) in zip(axes.flat, smallest.items()):
        largest = 1.1 * max(size for sizes in networks.values() for size in sizes if np.isfinite(size))
        for name, sizes in networks.items():
            falls = np.linspace(100 * accuracy[name], 0, len(sizes) + 1)
            within = np.sort(sizes)[:np.isfinite(sizes).sum()]
            at = [*range(len(within) + 1), len(within)]  # how many images are fooled at each step of the line
            line, = axis.step([0, *within, largest], falls[at], where="post", label=name)
            low, high = np.transpose([wilson_interval(len(sizes) - fooled, len(sizes)) for fooled in at])
            axis.fill_between(line.get_xdata(), 100 * accuracy[name] * low, 100 * accuracy[name] * high, step="post",
                              color=line.get_color(), alpha=0.2, linewidth=0)
        axis.set(title=norm, xlabel=f"epsilon ({norm})", ylabel="accuracy (%)", xlim=(0, largest), ylim=(0, 102))
    leave_empty(axes.flat[len(smallest):])
    fig.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=2, frameon=False)
    fig.suptitle(title)
    return fig


def gaps(ratios: dict[str, Sequence[float]], *, title: str, xlabel: str, ylabel: str) -> Figure:
    """For each entry, {name: numbers above 0}, a row of dots over a logarithmic axis.

    A bar stands at the median, and a line at 1.
    """
    fig, axis = plt.subplots(figsize=(7, 0.9 + 0.55 * len(ratios)), layout="constrained")
    for row, values in enumerate(ratios.values()):
        axis.plot(values, np.full(len(values), row), "o", color=COLOURS[0], alpha=0.5)
        axis.plot([np.median(values)] * 2, [row - 0.3, row + 0.3], color=COLOURS[1], linewidth=3)
    axis.axvline(1, color="black", linewidth=1)
    axis.set_yticks(range(len(ratios)), list(ratios))
    axis.invert_yaxis()
    axis.set(title=title, xlabel=xlabel, ylabel=ylabel, xscale="log")
    largest = max(map(max, ratios.values()))
    numbers = (1, 1.2, 1.5, 2, 3, 5, 10, 20) if largest < 20 else (1, 2, 5, 10, 20, 50, 100)  # so that none touches the next
    ticks = [tick for tick in numbers if tick <= 1.05 * largest]
    axis.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axis.set_xticks([], minor=True)
    return fig


def benchmark(rows: dict[str, dict[str, tuple[float, float]]], ours: Sequence[str], *, title: str) -> Figure:
    """A panel for each norm: the median perturbation of each attack against its time, those of `ours` in another colour.

    rows  {norm: {attack: (seconds, above 0; median norm)}}; the names of `ours`, of the smallest of the others, and of those
          that no other attack beats in both numbers are written
    """
    fig, axes = plt.subplots(2, -(-len(rows) // 2), squeeze=False, layout="constrained", figsize=(11, 7.6))
    for axis, (norm, attacks) in zip(axes.flat, rows.items()):
        best = sorted(attacks, key=lambda name: attacks[name][1])
        written = [name for name in best if name in ours] + [name for name in best if name not in ours][:1]
        beaten = {name for name in best for other in best if other != name
                  and all(np.less_equal(attacks[other], attacks[name]))}
        written += [name for name in reversed(best) if name not in written and name not in beaten]
        for name, (seconds, median) in attacks.items():
            axis.plot(seconds, median, "o", color=COLOURS[1] if name in ours else COLOURS[0])
        for name in written:
            axis.annotate(name, attacks[name], (6, -13 if name in ours else 5), textcoords="offset points", fontsize=12)
        axis.set(title=norm, xlabel="processor seconds", ylabel=f"median {norm}", xscale="log")
        axis.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.xaxis.set_major_formatter(FormatStrFormatter("%g"))
        axis.xaxis.set_minor_formatter(NullFormatter())
        axis.margins(x=0.15, y=0.12)  # room for the names
    for axis in axes.flat[len(rows):]:
        axis.axis("off")
    fig.suptitle(title)
    return fig


def vulnerability(networks: dict[str, tuple[Sequence[float], Sequence[float]]], *, title: str, xlabel: str,
                  ylabel: str, on_left: Sequence[str] = ()) -> Figure:
    """A cross for each network, named: accuracy (0..1, drawn in %) and size of its smallest perturbations.

    networks  {name: (accuracy, size)}, each (mean, lowest, highest) of some seeds: the arms of the cross
    on_left   the names that stand on the left of their cross, where they would cover another one on the right
    """
    fig, axis = plt.subplots(figsize=(7.5, 4.6), layout="constrained")
    for place, (name, (accuracy, size)) in enumerate(networks.items()):
        x, left, right = (100 * value for value in accuracy)
        y, low, high = size
        axis.errorbar(x, y, xerr=[[x - left], [right - x]], yerr=[[y - low], [high - y]], fmt="o", markersize=4,
                      color=COLOURS[place % len(COLOURS)])
        side = (-6, "right") if name in on_left else (6, "left")
        axis.annotate(name, (x, y), (side[0], 5), textcoords="offset points", ha=side[1], fontsize=11)
    axis.set(title=title, xlabel=xlabel, ylabel=ylabel)
    return fig
