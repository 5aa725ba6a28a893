"""Figures of numbers: lines, bars, dots and histograms, for any unit."""
from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter, ScalarFormatter

from utils.plot.style import COLOURS, leave_empty


def lines(x: Sequence[float], curves: dict[str, Sequence[float]], *, title: str, xlabel: str, ylabel: str,
          logx: bool = False, logy: bool = False) -> Figure:
    """One line for each entry of `curves`, values as many as x has."""
    fig, axis = plt.subplots(figsize=(6.5, 3.6), layout="constrained")
    for name, values in curves.items():
        axis.plot(x, values, marker="." if len(x) < 30 else "", label=name)
    axis.set(title=title, xlabel=xlabel, ylabel=ylabel, xscale="log" if logx else "linear",
             yscale="log" if logy else "linear")
    if len(curves) > 1:
        axis.legend(frameon=False)
    return fig


def panels(charts: Sequence[dict], *, title: str, columns: int = 3) -> Figure:
    """Small line charts side by side.

    charts  dictionaries with title, xlabel, ylabel and curves {name: values}; if wanted x (1, 2, 3 ... without it), errors
            {name: half lengths of the bars}, ylim (low, high), logy (True for a logarithmic axis)
    """
    rows = -(-len(charts) // columns)
    fig, axes = plt.subplots(rows, columns, squeeze=False, layout="constrained",
                             figsize=(3.6 * columns, 0.4 + 2.7 * rows))
    for axis, chart in zip(axes.flat, charts):
        for name, values in chart["curves"].items():
            x = chart.get("x", range(1, len(values) + 1))
            [line] = axis.plot(x, values, marker="." if len(values) < 40 else "", label=name)
            if name in chart.get("errors", {}):
                axis.errorbar(x, values, chart["errors"][name], fmt="none", ecolor=line.get_color(), capsize=3, elinewidth=1)
        axis.set(title=chart["title"], xlabel=chart["xlabel"], ylabel=chart["ylabel"],
                 yscale="log" if chart.get("logy") else "linear")
        if "x" not in chart:
            axis.xaxis.set_major_locator(MaxNLocator(steps=[1, 2, 5, 10], integer=True))  # x counts
        if "ylim" in chart:
            axis.set_ylim(*chart["ylim"])
        if len(chart["curves"]) > 1:
            axis.legend(frameon=False, fontsize=9)
    leave_empty(axes.flat[len(charts):])
    fig.suptitle(title)
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


def dots(values: dict[str, Sequence[float]], *, title: str, xlabel: str, ylabel: str) -> Figure:
    """A column of dots for each entry of `values`, such as one dot for each seed, over a logarithmic axis."""
    fig, axis = plt.subplots(figsize=(max(4.5, 1.15 * len(values) + 1.5), 3.4), layout="constrained")
    for place, measured in enumerate(values.values()):
        axis.plot([place] * len(measured), measured, "o", color=COLOURS[0], alpha=0.7)
    axis.set_xticks(range(len(values)), list(values))
    axis.set(title=title, xlabel=xlabel, ylabel=ylabel, xlim=(-0.5, len(values) - 0.5), yscale="log")
    _write_out(axis.yaxis)
    return fig


def scores(rows: dict[str, tuple[float, float, float]], *, title: str, xlabel: str, ylabel: str = "method",
           level: float | None = None, logx: bool = False) -> Figure:
    """A dot with its interval for each row {name: (value, low, high)}, and a thin line at `level`."""
    fig, axis = plt.subplots(figsize=(6.5, 1.2 + 0.3 * len(rows)), layout="constrained")
    if level is not None:
        axis.axvline(level, color="black", linewidth=1)
    for place, (value, low, high) in enumerate(rows.values()):
        axis.plot([low, high], [place, place], color=COLOURS[0])
        axis.plot(value, place, "o", color=COLOURS[0])
    axis.set_yticks(range(len(rows)), list(rows))
    axis.invert_yaxis()
    axis.set(title=title, xlabel=xlabel, ylabel=ylabel)
    if logx:
        axis.set_xscale("log")
        _write_out(axis.xaxis)
    return fig


def _write_out(axis: Axis) -> None:
    """Put the numbers 1, 2, 5, 10, 20 ... on a logarithmic axis."""
    axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter(ScalarFormatter())  # 100, not 10^2
    axis.set_minor_formatter(NullFormatter())


def histogram(values: Sequence[float], marks: dict[str, float], *, title: str, xlabel: str) -> Figure:
    """How often which value occurs, with a vertical line for each entry of `marks`."""
    fig, axis = plt.subplots(figsize=(6.5, 3.4), layout="constrained")
    axis.hist(values, bins=30, color="0.7")
    for (name, place), colour in zip(marks.items(), COLOURS):
        axis.axvline(place, color=colour, linewidth=2, label=name)
    axis.set(title=title, xlabel=xlabel, ylabel="how many")
    axis.legend(frameon=False)
    return fig


def histograms(values: dict[str, np.ndarray], *, title: str, xlabel: str) -> Figure:
    """How often which value occurs, as a share of each entry, over a logarithmic axis: all over one another.

    values  for each entry numbers [N], all above 0
    """
    everything = np.concatenate(list(values.values()))
    edges = np.geomspace(everything.min(), everything.max(), 40)
    fig, axis = plt.subplots(figsize=(6.5, 3.4), layout="constrained")
    for name, measured in values.items():
        axis.hist(measured, edges, weights=np.full(len(measured), 100 / len(measured)), alpha=0.6, label=name)
    axis.set(title=title, xlabel=xlabel, ylabel="share of the images (%)", xscale="log")
    axis.legend(frameon=False)
    return fig
