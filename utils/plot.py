"""Every picture the course draws. `show(fig, alt=...)` puts it into the notebook together with its description.

The functions give a figure, so that a notebook can add to it before it shows it. Images are [H, W], [H, W, 1] or
[H, W, 3] in [0, 1].
"""
from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import display
from matplotlib.figure import Figure

COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00"]  # Okabe and Ito: safe for colour-blind readers
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
    fig, axes = plt.subplots(rows, columns, squeeze=False, layout="constrained",
                             figsize=(columns * width, rows * (width + (0.28 if titles else 0)) + (0.4 if title else 0)))
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
