"""Figures of unit 09: what a network makes of Gaussian noise."""
from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from utils.plot.style import COLOURS, leave_empty


def rectified(units: dict[str, tuple[np.ndarray, np.ndarray, np.ndarray, float]], *, title: str) -> Figure:
    """For each unit the distribution of its output after a ReLU: samples in grey, the density as a curve, the atom at 0 as a bar.

    units  {name: (samples [N], values x > 0 [K], the density at x [K], the probability of the value 0)}
    """
    fig, axes = plt.subplots(1, len(units), squeeze=False, layout="constrained", figsize=(3.4 * len(units), 3.2), sharey=True)
    for axis, (name, (samples, x, density, atom)) in zip(axes.flat, units.items()):
        edges = np.linspace(0, x.max(), 41)
        above = samples[samples > 0]
        axis.hist(above, edges, weights=np.full(len(above), 1 / (len(samples) * edges[1])), color="0.8", label="samples above 0")
        axis.plot(x, density, color=COLOURS[0], linewidth=2, label="density")
        axis.bar(0, np.mean(samples == 0), width=0.16, color="0.6")
        axis.plot(0, atom, "o", color=COLOURS[1], markersize=8, label="probability of 0", clip_on=False)
        axis.set(title=name, xlabel="output of the unit", ylabel="density; at 0 a probability")
    axes[0, -1].legend(frameon=False, fontsize=9)
    fig.suptitle(title)
    return fig


def with_errors(x: Sequence[float], curves: dict[str, tuple[Sequence[float], Sequence[float]]], *, title: str, xlabel: str,
                ylabel: str, level: float | None = None, logx: bool = False) -> Figure:
    """A line with error bars for each entry of `curves`, {name: (values, bars)}; a thin line at `level`.

    bars are half lengths, or [2, len(x)], the lengths below and above. Markers, widths and dashes differ, so that lines that
    coincide are both seen. x may be names, which then stand at equal distances.
    """
    fig, axis = plt.subplots(figsize=(6.5, 4), layout="constrained")
    if level is not None:
        axis.axhline(level, color="black", linewidth=1)
    for k, (name, (values, bars)) in enumerate(curves.items()):
        axis.errorbar(x, values, yerr=bars, marker="os^D"[k % 4], markersize=5, linewidth=3 if k == 0 else 1.5,
                      linestyle=("-", "--", "-", ":")[k % 4], elinewidth=1, capsize=3, label=name)
    axis.set(title=title, xlabel=xlabel, ylabel=ylabel, xscale="log" if logx else "linear")
    if logx:
        axis.set_xticks(x, [f"{value:g}" for value in x])
        axis.minorticks_off()
    if len(curves) > 1:
        fig.legend(loc="outside lower center", ncols=2, frameon=False, fontsize=9)
    return fig


def gaussians(samples: np.ndarray, mean: Sequence[float], std: Sequence[float], names: Sequence[str], *, title: str,
              xlabel: str) -> Figure:
    """A panel for each column of `samples` [N, K]: its histogram, and the Gaussian with that mean and standard deviation."""
    columns = min(5, len(names))
    fig, axes = plt.subplots(-(-len(names) // columns), columns, squeeze=False, layout="constrained",
                             figsize=(2.3 * columns, 0.5 + 1.9 * -(-len(names) // columns)))
    for axis, values, m, s, name in zip(axes.flat, samples.T, mean, std, names):
        x = np.linspace(m - 4 * s, m + 4 * s, 100)
        axis.hist(values, 40, density=True, color="0.8", label="samples")
        axis.plot(x, np.exp(-((x - m) / s) ** 2 / 2) / (s * np.sqrt(2 * np.pi)), color=COLOURS[0], label="formula")
        axis.set_title(name, fontsize=10)
        axis.set_xlabel(xlabel, fontsize=9)
        axis.set_ylabel("density", fontsize=9)
    leave_empty(axes.flat[len(names):])
    fig.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=2, frameon=False, fontsize=9)
    fig.suptitle(title)
    return fig


def mean_and_std(x: Sequence[float], logits: dict[str, tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]], *, title: str,
                 xlabel: str, ylabel: str) -> Figure:
    """Mean and standard deviation of some quantities against x: by formula as a line in a band, sampled as dots with bars.

    logits  {name: (mean, std by formula; mean, std sampled)}, each [N], as long as x
    """
    fig, axis = plt.subplots(figsize=(8.5, 3.9), layout="constrained")
    shift = 0.1 * (x[1] - x[0])  # bars that would cover each other stand side by side
    for k, (colour, (name, (mean, std, sampled, sampled_std))) in enumerate(zip(COLOURS, logits.items())):
        axis.plot(x, mean, color=colour, label=name)
        axis.fill_between(x, mean - std, mean + std, color=colour, alpha=0.2, linewidth=0)
        axis.errorbar(np.add(x, (k - 1) * shift), sampled, yerr=sampled_std, fmt="o", color=colour, markersize=4, capsize=3)
    axis.plot([], [], color="0.4", label="line and band: formula")
    axis.errorbar([], [], yerr=[], fmt="o", color="0.4", markersize=4, capsize=3, label="dots and bars: sampled")
    axis.set(title=title, xlabel=xlabel, ylabel=ylabel)
    fig.legend(loc="outside right upper", frameon=False, fontsize=9)
    return fig
