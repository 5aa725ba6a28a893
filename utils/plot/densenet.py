"""Figures of unit 04: a dense block, training error against depth, a training log as TensorBoard shows it."""
from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from utils.plot.style import COLOURS


def dense_block(inputs: int, filters: int, convolutions: int, outputs: int, *, title: str) -> Figure:
    """The channels at each stage of a dense block, as columns.

    What the block was given is grey, and what each convolution adds has a colour of its own.
    """
    fig, axis = plt.subplots(figsize=(9, 3.9), layout="constrained")
    total = inputs + convolutions * filters
    names = ["input", *(f"concatenated\nwith the output of\nconvolution {i + 1}" for i in range(convolutions)), "2x2 max pooling",
             "1x1 convolution:\nreduction"]
    stages = [inputs + i * filters for i in range(convolutions + 1)] + [total, outputs]
    block = [("input of the block", inputs, "0.7"),
             *((f"output of convolution {i + 1}", filters, COLOURS[i]) for i in range(convolutions))]
    for place, channels in enumerate(stages):
        last = place == len(stages) - 1
        parts = [("output of the reduction", outputs, COLOURS[4])] if last else block[:1 + (channels - inputs) // filters]
        bottom = 0
        for name, height, colour in parts:
            width = 0.5 if place <= convolutions else 0.25  # half the side after pooling
            axis.bar(place, height, width, bottom, color=colour, edgecolor="white", label=name)
            bottom += height
        axis.text(place, channels + 0.02 * total, str(channels), ha="center")
        if not last:
            height = 0.5 * inputs + 0.3
            axis.annotate("", (place + 0.68, height), (place + 0.32, height), arrowprops={"arrowstyle": "->"})
    handles = dict(zip(*axis.get_legend_handles_labels()[::-1]))  # each name once
    axis.legend(handles.values(), handles, frameon=False, loc="upper left")
    axis.set_xticks(range(len(stages)), names, fontsize=9)
    axis.set(title=title, xlabel="step", ylabel="channels", ylim=(0, 1.12 * total))
    return fig


def by_depth(rows: Sequence[dict], measure: str, *, title: str, ylabel: str) -> Figure:
    """A line through the means over the seeds for each kind of network, against depth, and a dot for each seed.

    rows  dictionaries with net, depth, and the number called `measure`
    """
    fig, axis = plt.subplots(figsize=(6.5, 3.6), layout="constrained")
    for colour, net in zip(COLOURS, dict.fromkeys(row["net"] for row in rows)):
        depths = sorted({row["depth"] for row in rows if row["net"] == net})
        found = [[row[measure] for row in rows if (row["net"], row["depth"]) == (net, depth)] for depth in depths]
        axis.plot(depths, [np.mean(values) for values in found], color=colour, label=net)
        for depth, values in zip(depths, found):
            axis.plot([depth] * len(values), values, "o", color=colour, alpha=0.5, markersize=5)
    axis.set_xticks(sorted({row["depth"] for row in rows}))
    axis.set(title=title, xlabel="3x3 convolutions", ylabel=ylabel, ylim=(0, None))
    axis.legend(frameon=False)
    return fig


def tensorboard(curves: dict[str, dict[str, tuple[Sequence[float], Sequence[float]]]],
                histograms: dict[str, list[tuple[int, np.ndarray]]], *, title: str) -> Figure:
    """What TensorBoard shows of a log: a panel with the lines of all runs for each scalar, one for each histogram.

    curves      {scalar: {run: (steps, values)}}
    histograms  {name: [(step, buckets)]}, buckets [K, 3] with left edge, right edge and count; early steps are at the back
    """
    panels = len(curves) + len(histograms)
    fig, axes = plt.subplots(1, panels, squeeze=False, layout="constrained", figsize=(4.6 * panels, 3.8))
    for axis, (name, runs) in zip(axes.flat, curves.items()):
        for run, (steps, values) in runs.items():
            axis.plot(steps, values, label=run, linewidth=1.2)
        axis.set(title=name, xlabel="step", ylabel="value")
        axis.legend(frameon=False, fontsize=11)
    for axis, (name, drawn) in zip(axes.flat[len(curves):], histograms.items()):
        tallest = max(buckets[:, 2].max() for _, buckets in drawn)
        spacing = max(1, drawn[-1][0] - drawn[0][0]) / max(1, len(drawn) - 1)
        for number, (step, buckets) in enumerate(drawn):
            height = 2.5 * spacing * buckets[:, 2] / tallest
            shade = 0.35 + 0.65 * number / max(1, len(drawn) - 1)
            axis.fill_between(buckets[:, :2].mean(axis=1), step, step - height, zorder=number, linewidth=0.8, edgecolor="white",
                              color=(*plt.matplotlib.colors.to_rgb(COLOURS[1]), shade))
        axis.invert_yaxis()  # as TensorBoard does: later steps are in front
        axis.set(title=name, xlabel="value", ylabel="step")
    fig.suptitle(title)
    return fig
