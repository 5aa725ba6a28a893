"""Every picture the course draws. `show(fig, alt=...)` puts it into the notebook together with its description.

The functions give a figure, so that a notebook can add to it before it shows it. Images are [H, W], [H, W, 1] or
[H, W, 3] in [0, 1].
"""
from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import display
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter, ScalarFormatter

COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00"]  # Okabe and Ito: safe for colour-blind readers
MADE = COLOURS[3]  # what a generator made, beside black data
plt.rcParams.update({"axes.prop_cycle": plt.cycler(color=COLOURS), "figure.dpi": 80, "axes.grid": False,
                     "axes.spines.top": False, "axes.spines.right": False, "font.size": 11})


def show(fig: Figure, alt: str) -> None:
    """Show the figure in the notebook, with `alt` as the text for those who cannot see it, and close it."""
    if not alt.strip():
        raise ValueError("The figure has no alt text: say in a sentence what is to be seen in it.")
    for axis in fig.axes:
        if axis.axison and axis.get_label() != "<colorbar>" and not (axis.get_xlabel() and axis.get_ylabel()):
            raise ValueError("An axis has no label: use axis.set(xlabel=..., ylabel=...), or axis.axis('off').")
    if not (fig.get_suptitle() or all(axis.get_title() for axis in fig.axes)):
        raise ValueError("The figure has no title: use fig.suptitle(...) or axis.set(title=...).")
    display(fig, metadata={"image/png": {"alt": alt}})
    plt.close(fig)


def images(pictures: Sequence[np.ndarray], titles: Sequence[str] | None = None, *, columns: int = 8, title: str = "",
           width: float = 1.3, signed: bool = False) -> Figure:
    """Pictures side by side in rows of `columns`, each `width` inches wide.

    With `signed`, values are around 0 and shown from blue (negative) over white to red, all on one scale.
    """
    columns = min(columns, len(pictures))
    rows = -(-len(pictures) // columns)
    height = width * max(np.squeeze(picture).shape[0] / np.squeeze(picture).shape[1] for picture in pictures)
    fig, axes = plt.subplots(rows, columns, squeeze=False, layout="constrained",
                             figsize=(columns * width, rows * (height + (0.28 if titles else 0)) + (0.4 if title else 0)))
    limit = max(np.abs(picture).max() for picture in pictures) if signed else 1
    for axis, picture in zip(axes.flat, pictures):
        axis.imshow(np.squeeze(picture), cmap="RdBu_r" if signed else "gray", vmin=-limit if signed else 0, vmax=limit)
    for axis in axes.flat:
        axis.axis("off")
    for axis, text in zip(axes.flat, titles or []):
        axis.set_title(text, fontsize=9)
    fig.suptitle(title)
    return fig


def attack(x: np.ndarray, modified: np.ndarray, said: Sequence[tuple[str, str]], *, title: str = "",
           amplification: float = 50) -> Figure:
    """For each image a row: the original, the modified one, and `amplification` * |DX|, with what the network says.

    x, modified  [N, H, W, C] in [0, 1]
    said         for each image, what the network says of the original and of the modified one
    """
    amplified = np.clip(amplification * np.abs(modified - x), 0, 1)
    pictures = [picture for row in zip(x, modified, amplified) for picture in row]
    titles = [text for before, after in said for text in (before, after, f"{amplification:g} |DX|")]
    return images(pictures, titles, columns=3, title=title, width=1.7)


def lines(x: Sequence[float], curves: dict[str, Sequence[float]], *, title: str, xlabel: str, ylabel: str,
          logx: bool = False, logy: bool = False) -> Figure:
    """One line for each entry of `curves` over x."""
    fig, axis = plt.subplots(figsize=(6.5, 3.6), layout="constrained")
    for name, values in curves.items():
        axis.plot(x, values, marker="." if len(x) < 30 else "", label=name)
    axis.set(title=title, xlabel=xlabel, ylabel=ylabel, xscale="log" if logx else "linear",
             yscale="log" if logy else "linear")
    if len(curves) > 1:
        axis.legend(frameon=False)
    return fig


def bars(values: dict[str, float], *, title: str, ylabel: str, intervals: dict[str, tuple[float, float]] | None = None,
         lowest: float = 0, xlabel: str = "") -> Figure:
    """One bar for each entry of `values`, from `lowest` up, with an interval (low, high) on those that have one."""
    fig, axis = plt.subplots(figsize=(max(4.5, 0.9 * len(values) + 1.5), 3.6), layout="constrained")
    axis.bar(range(len(values)), [value - lowest for value in values.values()], bottom=lowest, width=0.65)
    for place, name in enumerate(values):
        if intervals and name in intervals:
            low, high = intervals[name]
            axis.vlines(place, low, high, color="black", linewidth=1.5)
    axis.set_xticks(range(len(values)), list(values))
    axis.set(title=title, xlabel=xlabel, ylabel=ylabel)
    return fig


def tradeoff(curves: dict[str, dict[str, np.ndarray]], *, title: str, ylabel: str) -> Figure:
    """Success and size of the perturbation against lambda, for each of the curves made by `attacks.tradeoff`."""
    fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    for name, curve in curves.items():
        left.plot(curve["lam"], 100 * curve["success"], marker=".", label=name)
        right.plot(curve["lam"], curve["size"], marker=".", label=name)
    left.set(xscale="log", xlabel="lambda", ylabel="images that fool the network (%)", ylim=(-3, 103), title="Success")
    right.set(xscale="log", yscale="log", xlabel="lambda", ylabel=ylabel, title="Size of DX where it succeeds")
    if len(curves) > 1:
        left.legend(frameon=False)
    fig.suptitle(title)
    return fig


def history(measured: dict[str, Sequence[float]], *, title: str) -> Figure:
    """Loss and accuracy by epoch, on training and validation images, as `training.fit` returns them."""
    fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
    epochs = range(1, len(measured["loss"]) + 1)
    for axis, name, factor in ((left, "loss", 1), (right, "accuracy", 100)):
        for key, label in ((name, "training"), (f"val_{name}", "validation")):
            axis.plot(epochs, [factor * value for value in measured[key]], marker=".", label=label)
        axis.xaxis.get_major_locator().set_params(integer=True)
    left.set(xlabel="epoch", ylabel="cross-entropy", title="Loss")
    right.set(xlabel="epoch", ylabel="right answers (%)", title="Accuracy")
    left.legend(frameon=False)
    fig.suptitle(title)
    return fig


def by_group(tables: dict[str, Sequence], *, title: str) -> Figure:
    """Accuracy of each group with its 95 % interval and the number of people, a panel for each factor in `tables`.

    tables  rows of `groups.accuracy_by_group` for each factor; groups without an accuracy (too few people) are left blank
    """
    fig, axes = plt.subplots(1, len(tables), squeeze=False, sharex=True, layout="constrained",
                             figsize=(4.6 * len(tables), 1.2 + 0.42 * max(map(len, tables.values()))))
    for axis, (factor, rows) in zip(axes.flat, tables.items()):
        for place, row in enumerate(rows):
            axis.plot([100 * row.low, 100 * row.high], [place, place], color=COLOURS[0])
            axis.plot(100 * row.accuracy, place, "o", color=COLOURS[0])
        axis.set_yticks(range(len(rows)), [f"{row.name} ({row.people})" for row in rows])
        axis.set(xlabel="right answers (%)", ylabel="group (people)", title=factor, ylim=(len(rows) - 0.5, -0.5))
    fig.suptitle(title)
    return fig


def mosaic(pictures: np.ndarray, rows: Sequence[str], columns: Sequence[str], *, title: str, xlabel: str,
           ylabel: str) -> Figure:
    """Pictures [rows, columns, H, W] as one table, with a name for each row and column."""
    count, width, high, wide = pictures.shape
    fig, axis = plt.subplots(figsize=(6, 6), layout="constrained")
    axis.imshow(pictures.transpose(0, 2, 1, 3).reshape(count * high, width * wide), cmap="gray", vmin=0, vmax=1)
    axis.set_xticks(wide * (np.arange(width) + 0.5), columns)
    axis.set_yticks(high * (np.arange(count) + 0.5), rows)
    axis.set(title=title, xlabel=xlabel, ylabel=ylabel)
    return fig


def confusion(matrices: dict[str, np.ndarray], names: Sequence[str], *, title: str) -> Figure:
    """How many images [true class, answer] got which answer, a panel for each matrix; only mistakes are coloured."""
    fig, axes = plt.subplots(1, len(matrices), squeeze=False, layout="constrained", figsize=(5 * len(matrices), 5))
    for axis, (panel, matrix) in zip(axes.flat, matrices.items()):
        mistakes = np.where(np.eye(len(matrix), dtype=bool), 0, matrix)
        axis.imshow(np.ma.masked_equal(mistakes, 0), cmap="Oranges", vmin=0, vmax=max(1, 1.5 * mistakes.max()))
        for row, column in np.argwhere(matrix):
            axis.text(column, row, str(matrix[row, column]), ha="center", va="center", fontsize=9)
        axis.set_xticks(range(len(names)), names)
        axis.set_yticks(range(len(names)), names)
        axis.set(title=panel, xlabel="answer of the network", ylabel="true class")
    fig.suptitle(title)
    return fig


def boxes(picture: np.ndarray, corners: Sequence[tuple[float, float]], side: float, texts: Sequence[str], *,
          title: str) -> Figure:
    """A picture with a square of `side` pixels for each corner (row, column), and a text in it."""
    height, width = np.squeeze(picture).shape[:2]
    fig, axis = plt.subplots(figsize=(7.5, 0.4 + 7.5 * height / width), layout="constrained")
    axis.imshow(np.squeeze(picture), cmap="gray", vmin=0, vmax=1)
    for (row, column), text, colour in zip(corners, texts, COLOURS * len(corners)):
        axis.add_patch(plt.Rectangle((column - 0.5, row - 0.5), side, side, fill=False, edgecolor=colour, linewidth=1.5))
        axis.text(column + 0.5, row + 2.5, text, color=colour, fontsize=11)
    axis.axis("off")
    axis.set_title(title)
    return fig


def matrix(values: np.ndarray, *, title: str, xlabel: str, ylabel: str) -> Figure:
    """A large matrix [rows, columns] as a picture: blue is negative, white zero, red positive."""
    limit = np.abs(values).max()
    fig, axis = plt.subplots(figsize=(6.5, 5), layout="constrained")
    axis.imshow(values, cmap="RdBu_r", vmin=-limit, vmax=limit, interpolation="nearest", aspect="auto")
    axis.set(title=title, xlabel=xlabel, ylabel=ylabel)
    return fig


def classifier(points: dict[str, np.ndarray], weights: np.ndarray, *, title: str, xlabel: str, ylabel: str) -> Figure:
    """Points [N, 2] of each class, and the line where a linear classifier changes its mind: (x, y, 1) @ weights = 0."""
    fig, axis = plt.subplots(figsize=(5.5, 4), layout="constrained")
    for (name, values), marker in zip(points.items(), "osv^"):
        axis.plot(*values.T, marker, label=name, alpha=0.8)
    x, limits = np.array(axis.get_xlim()), axis.get_ylim()
    axis.plot(x, -(weights[0] * x + weights[2]) / weights[1], color="black", linewidth=1)
    axis.set(title=title, xlabel=xlabel, ylabel=ylabel, xlim=x, ylim=limits)
    axis.locator_params(nbins=5)
    axis.legend(frameon=False)
    return fig


def tables(arrays: Sequence[np.ndarray], titles: Sequence[str], *, title: str,
           windows: Sequence[tuple[int, int, int, int] | None] = ()) -> Figure:
    """Small matrices side by side, with their numbers in the cells; in each a framed window (row, column, height, width)."""
    arrays = [np.atleast_2d(array) for array in arrays]
    rows, columns = max(array.shape[0] for array in arrays), [array.shape[1] for array in arrays]
    fig, axes = plt.subplots(1, len(arrays), squeeze=False, layout="constrained", width_ratios=columns,
                             figsize=(0.48 * sum(columns) + 0.4 * len(arrays), 0.48 * rows + 0.9))
    for place, (axis, array, name) in enumerate(zip(axes.flat, arrays, titles)):
        largest = np.abs(array).max()
        axis.imshow(array, cmap="RdBu_r", vmin=-2.5 * largest, vmax=2.5 * largest)
        for (row, column), value in np.ndenumerate(array):
            axis.text(column, row, f"{value:g}", ha="center", va="center")
        if place < len(windows) and windows[place]:
            row, column, high, wide = windows[place]
            axis.add_patch(plt.Rectangle((column - 0.5, row - 0.5), wide, high, fill=False, edgecolor="black", linewidth=3,
                                         clip_on=False))
        axis.axis("off")
        axis.set_title(name, fontsize=10)
    fig.suptitle(title)
    return fig


def traces(time: np.ndarray, signals: dict[str, np.ndarray], *, title: str, xlabel: str, marks: Sequence[float] = (),
           height: float = 1.2) -> Figure:
    """Signals below one another over the same time, each with its name; grey lines at the times `marks`."""
    fig, axes = plt.subplots(len(signals), 1, squeeze=False, sharex=True, layout="constrained",
                             figsize=(9, height * len(signals) + 0.7))
    for axis, (name, values), colour in zip(axes.flat, signals.items(), COLOURS * len(signals)):
        axis.plot(time[:len(values)], values, color=colour, linewidth=1)
        for mark in marks:
            axis.axvline(mark, color="0.8", linewidth=5, zorder=0)
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
    """A picture [H, W, 3] in [0, 1] of edges: the hue says where it gets brighter (red: right), the brightness how strongly.

    magnitude [H, W] is at least 0; direction [H, W] is in radians, 0 to the right, pi/2 downwards
    """
    from matplotlib.colors import hsv_to_rgb

    strength = np.clip(magnitude / np.percentile(magnitude, 99), 0, 1)
    return hsv_to_rgb(np.stack([direction / (2 * np.pi) % 1, np.ones_like(strength), strength], axis=-1))


def panels(charts: Sequence[dict], *, title: str, columns: int = 3) -> Figure:
    """Small line charts side by side.

    charts  dictionaries with title, xlabel, ylabel, curves (name: values), and if wanted x, ylim, logy
    """
    rows = -(-len(charts) // columns)
    fig, axes = plt.subplots(rows, columns, squeeze=False, layout="constrained",
                             figsize=(3.6 * columns, 0.4 + 2.7 * rows))
    for axis, chart in zip(axes.flat, charts):
        for name, values in chart["curves"].items():
            x = chart.get("x", range(1, len(values) + 1))
            axis.plot(x, values, marker="." if len(values) < 40 else "", label=name)
        axis.set(title=chart["title"], xlabel=chart["xlabel"], ylabel=chart["ylabel"],
                 yscale="log" if chart.get("logy") else "linear")
        if "x" not in chart:
            axis.xaxis.set_major_locator(MaxNLocator(steps=[1, 2, 5, 10], integer=True))  # x counts
        if "ylim" in chart:
            axis.set_ylim(*chart["ylim"])
        if len(chart["curves"]) > 1:
            axis.legend(frameon=False, fontsize=9)
    for axis in axes.flat[len(charts):]:
        axis.axis("off")
        axis.set_title(" ")
    fig.suptitle(title)
    return fig


def decisions(surfaces: dict[str, np.ndarray], x: np.ndarray, y: np.ndarray, *, limit: float,
              title: str) -> Figure:
    """The plane from -limit to limit, coloured by the probability [H, W] of label 1, and examples x, y."""
    fig, axes = plt.subplots(1, len(surfaces), squeeze=False, layout="constrained",
                             figsize=(3 * len(surfaces), 3.4))
    for axis, (name, p) in zip(axes.flat, surfaces.items()):
        square = (-limit, limit, -limit, limit)
        axis.imshow(p, cmap="RdBu_r", vmin=-0.2, vmax=1.2, origin="lower", extent=square)
        axis.contour(p, [0.5], colors="black", linewidths=1, extent=square)
        for label, colour in ((0, "#08306b"), (1, "#67000d")):
            axis.plot(*x[y == label].T, ".", color=colour, markersize=2)
        axis.set(title=name, xlabel="$x_1$", ylabel="$x_2$", xlim=(-limit, limit), ylim=(-limit, limit))
    fig.suptitle(title)
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


def landscapes(costs: dict[str, np.ndarray], *, reach: float, title: str) -> Figure:
    """The cost [H, W] on planes through a minimum, which lies in the middle of each; one scale for all."""
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
    fig.colorbar(filled, ax=axes, label="log10 of the loss", format="%.1f")
    fig.suptitle(title)
    return fig


def histogram(values: Sequence[float], marks: dict[str, float], *, title: str, xlabel: str) -> Figure:
    """How often which value occurs, with a vertical line for each entry of `marks`."""
    fig, axis = plt.subplots(figsize=(6.5, 3.4), layout="constrained")
    axis.hist(values, bins=30, color="0.7")
    for (name, place), colour in zip(marks.items(), COLOURS):
        axis.axvline(place, color=colour, linewidth=2, label=name)
    axis.set(title=title, xlabel=xlabel, ylabel="how many")
    axis.legend(frameon=False)
    return fig


def players(states: dict[str, tuple[np.ndarray | None, np.ndarray]], real: np.ndarray, *, limit: float,
            title: str) -> Figure:
    """The plane from -limit to limit during a game: what the discriminator says, and the generator's points.

    states  (surface [H, W] or None, points [N, 2]) for each panel
    real    [N, 2] points of the data, drawn in each
    """
    fig, axes = plt.subplots(1, len(states), squeeze=False, layout="constrained",
                             figsize=(2.7 * len(states), 3.1))
    square = (-limit, limit, -limit, limit)
    for axis, (name, (surface, points)) in zip(axes.flat, states.items()):
        if surface is not None:
            axis.imshow(surface, cmap="PuOr", vmin=0.1, vmax=0.9, origin="lower", extent=square)
        axis.plot(*real.T, ".", color="black", markersize=2, label="data")
        axis.plot(*points.T, ".", color=MADE, markersize=2, label="made")
        axis.set(title=name, xlabel="$x_1$", ylabel="$x_2$", xlim=(-limit, limit), ylim=(-limit, limit),
                 aspect="equal")
    axes.flat[0].legend(loc="upper right", fontsize=8, markerscale=4, borderpad=0.2, handletextpad=0.1)
    fig.suptitle(title)
    return fig


def dots(values: dict[str, Sequence[float]], *, title: str, xlabel: str, ylabel: str) -> Figure:
    """A column of dots for each entry of `values`, such as one dot for each seed, over a logarithmic axis."""
    fig, axis = plt.subplots(figsize=(max(4.5, 1.15 * len(values) + 1.5), 3.4), layout="constrained")
    for place, measured in enumerate(values.values()):
        axis.plot([place] * len(measured), measured, "o", color=COLOURS[0], alpha=0.7)
    axis.set_xticks(range(len(values)), list(values))
    axis.set(title=title, xlabel=xlabel, ylabel=ylabel, xlim=(-0.5, len(values) - 0.5), yscale="log")
    axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.yaxis.set_major_formatter(ScalarFormatter())  # 100, not 10^2
    axis.yaxis.set_minor_formatter(NullFormatter())
    return fig


def games(played: dict[str, dict], real: np.ndarray, *, title: str) -> Figure:
    """GANs in the plane side by side: points "made" [N, 2] over data; below, "d_real", "d_made" by step."""
    fig, axes = plt.subplots(2, len(played), squeeze=False, layout="constrained", height_ratios=[3, 2],
                             figsize=(2.5 * len(played), 4.8))
    for (above, below), (name, game) in zip(axes.T, played.items()):
        limit = max(3.0, 1.05 * np.abs(game["made"]).max())
        above.plot(*real.T, ".", color="black", markersize=2, label="data")
        above.plot(*game["made"].T, ".", color=MADE, markersize=2, label="made")
        above.set(title=name, xlabel="$x_1$", ylabel="$x_2$", xlim=(-limit, limit), ylim=(-limit, limit),
                  aspect="equal")
        for label, colour in (("d_real", "black"), ("d_made", MADE)):
            below.plot(game[label], color=colour, linewidth=1, label=label.replace("d_", "D, "))
        below.set(xlabel="step", ylabel="mean of D", ylim=(-0.05, 1.05))
    axes[0, 0].legend(loc="upper right", fontsize=8, markerscale=4, borderpad=0.2, handletextpad=0.1)
    axes[1, 0].legend(frameon=False, fontsize=9)
    fig.suptitle(title)
    return fig


def strips(rows: dict[str, Sequence[np.ndarray]], *, title: str, titles: Sequence[str] | None = None,
           signed: bool = False) -> Figure:
    """A row of pictures for each entry of `rows`, with its name on the left; `titles` stand above the first.

    Pictures are [H, W] or [H, W, 1] in [0, 1]; a row may be shorter than the others.
    With `signed`, values are around 0 and shown from blue (negative) over white to red, all on one scale.
    """
    columns = max(map(len, rows.values()))
    fig, axes = plt.subplots(len(rows), columns, squeeze=False, layout="constrained",
                             figsize=(1.6 + 0.95 * columns, 0.5 + 0.3 * bool(titles) + 0.98 * len(rows)))
    limit = max(np.abs(picture).max() for pictures in rows.values() for picture in pictures) if signed else 1
    for line, (name, pictures) in zip(axes, rows.items()):
        for axis, picture in zip(line, pictures):
            axis.imshow(np.squeeze(picture), cmap="RdBu_r" if signed else "gray",
                        vmin=-limit if signed else 0, vmax=limit)
        for axis in line:
            axis.axis("off")
        line[0].text(-0.15, 0.5, name, transform=line[0].transAxes, ha="right", va="center")
    for axis, text in zip(axes[0], titles or []):
        axis.set_title(text, fontsize=10)
    fig.suptitle(title)
    return fig


def maps(codes: dict[str, np.ndarray], labels: np.ndarray, names: Sequence[str], *, title: str) -> Figure:
    """Codes [N, 2], in percentiles, as points in the plane, a panel for each entry, a colour for each label.

    labels  [N], the place of each point's name in `names`, which stands in the middle of its points
    """
    fig, axes = plt.subplots(1, len(codes), squeeze=False, layout="constrained",
                             figsize=(5.2 * len(codes), 4.6))
    for axis, (panel, points) in zip(axes.flat, codes.items()):
        axis.scatter(*points.T, c=labels, cmap="tab10", s=16, alpha=0.8, linewidths=0)
        for label, name in enumerate(names):
            place = np.median(points[labels == label], axis=0)
            axis.text(*place, name, ha="center", va="center", fontsize=13,
                      bbox=dict(boxstyle="circle,pad=0.15", facecolor="white", edgecolor="0.6", alpha=0.85))
        axis.set(title=panel, xlabel="first code (percentile)", ylabel="second code (percentile)")
    fig.suptitle(title)
    return fig


def histograms(values: dict[str, np.ndarray], *, title: str, xlabel: str) -> Figure:
    """How often which value occurs, as a share of each entry, over a logarithmic axis: all over one another.

    values  for each entry numbers, all above 0
    """
    everything = np.concatenate(list(values.values()))
    edges = np.geomspace(everything.min(), everything.max(), 40)
    fig, axis = plt.subplots(figsize=(6.5, 3.4), layout="constrained")
    for name, measured in values.items():
        axis.hist(measured, edges, weights=np.full(len(measured), 100 / len(measured)), alpha=0.6, label=name)
    axis.set(title=title, xlabel=xlabel, ylabel="share of the images (%)", xscale="log")
    axis.legend(frameon=False)
    return fig
