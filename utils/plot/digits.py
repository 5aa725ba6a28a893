"""Figures of unit 03: accuracy as digits change, orientation tuning."""
from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from utils.groups import wilson_interval
from utils.plot.style import COLOURS, leave_empty


def accuracies(charts: Sequence[dict], images: int, *, title: str, columns: int = 3) -> Figure:
    """Accuracy over the strength of a change, a panel for each change, a curve for each network with its 95 % interval.

    charts  dictionaries with title, xlabel, x (K strengths) and correct {network: [K] numbers of correct answers}
    images  of how many
    """
    rows = -(-len(charts) // columns)
    fig, axes = plt.subplots(rows, columns, squeeze=False, sharey=True, layout="constrained",
                             figsize=(3.5 * columns, 0.5 + 2.6 * rows))
    for axis, chart in zip(axes.flat, charts):
        for (name, correct), colour, marker in zip(chart["correct"].items(), COLOURS, "os^D"):
            low, high = zip(*(wilson_interval(int(count), images) for count in correct))
            axis.fill_between(chart["x"], 100 * np.array(low), 100 * np.array(high), color=colour, alpha=0.2, linewidth=0)
            axis.plot(chart["x"], 100 * np.array(correct) / images, marker=marker, markersize=4, color=colour, label=name)
        axis.set(title=chart["title"], xlabel=chart["xlabel"], ylabel="accuracy (%)", ylim=(0, 102))
    leave_empty(axes.flat[len(charts):])
    handles, names = axes[0, 0].get_legend_handles_labels()
    fig.legend(handles, names, loc="outside lower center", ncols=len(names), frameon=False)
    fig.suptitle(title)
    return fig


def tuning(curves: dict[str, np.ndarray], angles: np.ndarray, *, title: str) -> Figure:
    """Orientation tuning: the response to gratings of each orientation, a panel for each entry, a line for each channel.

    curves  responses [channels, angles], each line is shown relative to its largest value
    angles  degrees in [0, 180), the direction in which a grating changes: 0 to the right, 90 downwards
    """
    fig, axes = plt.subplots(1, len(curves), squeeze=False, sharey=True, layout="constrained", figsize=(3.6 * len(curves), 3.1))
    for axis, (name, responses) in zip(axes.flat, curves.items()):
        for line, colour in zip(responses, COLOURS * len(responses)):
            axis.plot([*angles, 180], [*(line / line.max()), line[0] / line.max()], color=colour, linewidth=1.5)
        axis.set(title=name, xlabel="direction of the grating (°)", ylabel="response / largest", ylim=(0, 1.05),
                 xticks=range(0, 181, 45))
    fig.suptitle(title)
    return fig
