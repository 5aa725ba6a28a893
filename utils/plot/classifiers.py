"""Figures of units 03 and 04: how a classifier trained, which classes it confuses, how accurate it is for whom."""
from collections.abc import Callable, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from utils.groups import Group
from utils.plot.style import COLOURS


def history(measured: dict[str, Sequence[float]], *, title: str) -> Figure:
    """Loss and accuracy by epoch, on training and validation images.

    measured  as `training.fit` returns it: loss, val_loss (cross-entropy), accuracy, val_accuracy (0..1), a value for each epoch
    """
    fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
    epochs = range(1, len(measured["loss"]) + 1)
    for axis, name, factor in ((left, "loss", 1), (right, "accuracy", 100)):
        for key, label in ((name, "training"), (f"val_{name}", "validation")):
            axis.plot(epochs, [factor * value for value in measured[key]], marker=".", label=label)
        axis.xaxis.get_major_locator().set_params(integer=True)
    left.set(xlabel="epoch", ylabel="cross-entropy", title="Loss")
    right.set(xlabel="epoch", ylabel="accuracy (%)", title="Accuracy")
    left.legend(frameon=False)
    fig.suptitle(title)
    return fig


def confusion(matrices: dict[str, np.ndarray], names: Sequence[str], *, title: str) -> Figure:
    """How many images got which answer, a panel for each matrix [classes, classes]: true class, answer.

    Only mistakes are coloured, on one scale.
    """
    most = max(1, *(np.max(matrix * (1 - np.eye(len(matrix)))) for matrix in matrices.values()))
    fig, axes = plt.subplots(1, len(matrices), squeeze=False, layout="constrained", figsize=(5 * len(matrices), 5))
    for axis, (panel, matrix) in zip(axes.flat, matrices.items()):
        mistakes = np.where(np.eye(len(matrix), dtype=bool), 0, matrix)
        axis.imshow(np.ma.masked_equal(mistakes, 0), cmap="Oranges", vmin=0, vmax=1.5 * most)
        for row, column in np.argwhere(matrix):
            axis.text(column, row, str(matrix[row, column]), ha="center", va="center", fontsize=12)
        axis.set_xticks(range(len(names)), names)
        axis.set_yticks(range(len(names)), names)
        axis.set(title=panel, xlabel="answer of the network", ylabel="true class")
    fig.suptitle(title)
    return fig


def by_group(tables: dict[str, Sequence[Group]], *, title: str) -> Figure:
    """Accuracy of each group with its 95 % interval and the number of people, a panel for each factor in `tables`.

    tables  rows of `groups.accuracy_by_group` for each factor; groups without an accuracy (too few people) are left blank
    """
    return _rows_of_groups(tables, lambda row: COLOURS[0], title, "accuracy (%)")


def differences(tables: dict[str, Sequence[Group]], *, title: str, xlabel: str) -> Figure:
    """Differences of accuracy with their 95 % intervals and a line at 0, a panel for each entry of `tables`.

    tables  rows of `groups.against_the_rest`, or other differences in that form; those without a number are left blank
    """
    fig = _rows_of_groups(tables, lambda row: "0.3" if row.low <= 0 <= row.high else COLOURS[1], title, xlabel)
    for axis in fig.axes:
        axis.axvline(0, color="0.6", linewidth=1, zorder=1)
    return fig


def _rows_of_groups(tables: dict[str, Sequence[Group]], colour: Callable[[Group], str], title: str, xlabel: str) -> Figure:
    """A panel for each entry of `tables`, with a row for each group: 100 times its number, with the interval.

    The row has the colour `colour(group)`.
    """
    fig, axes = plt.subplots(1, len(tables), squeeze=False, sharex=True, layout="constrained",
                             figsize=(4.6 * len(tables), 1.4 + 0.5 * max(map(len, tables.values()))))
    for axis, (factor, rows) in zip(axes.flat, tables.items()):
        for place, row in enumerate(rows):
            axis.plot([100 * row.low, 100 * row.high], [place, place], color=colour(row))
            axis.plot(100 * row.accuracy, place, "o", color=colour(row))
        axis.set_yticks(range(len(rows)), [f"{row.name} ({row.people})" for row in rows])
        axis.tick_params(labelsize=13)
        axis.set(xlabel=xlabel, ylabel="group (people)", title=factor, ylim=(len(rows) - 0.5, -0.5))
    fig.suptitle(title)
    return fig
