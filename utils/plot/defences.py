"""Figures of unit 08: what a defence withstands, and how far what is proven lies below what is found."""
from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from utils.groups import wilson_interval
from utils.plot.style import COLOURS

MARKS = (("clean", "no attack", "|"), ("published", "attack as published", "s"),
         ("adaptive", "attackers who know the defence", "o"), ("certified", "certified", "^"))


def withstood(rows: dict[str, dict[str, int]], *, title: str) -> Figure:
    """For each defence a row of marks: the accuracy without attack, under both kinds of attack, and certified.

    rows  {defence: {"images": how many, "clean", "published", "adaptive": how many of them are right, and maybe "certified"}};
          bars are 95 % intervals of Wilson
    """
    fig, axis = plt.subplots(figsize=(9.5, 1.5 + 0.36 * len(rows)), layout="constrained")
    for line, row in enumerate(rows.values()):
        for place, (key, _, mark) in enumerate(MARKS):
            if key in row:
                low, high = wilson_interval(row[key], row["images"])
                height = line + 0.16 * (place - 1.5)
                axis.plot([100 * low, 100 * high], [height, height], color=COLOURS[place], linewidth=1.5)
                axis.plot(100 * row[key] / row["images"], height, mark, color=COLOURS[place], markersize=7)
        axis.axhline(line + 0.5, color="0.9", linewidth=1)
    for place, (_, name, mark) in enumerate(MARKS):
        axis.plot([], [], mark, color=COLOURS[place], label=name)
    axis.set_yticks(range(len(rows)), list(rows))
    axis.set(title=title, xlabel="accuracy (%)", ylabel="defence", xlim=(-2, 102), ylim=(len(rows) - 0.5, -0.5))
    axis.legend(loc="upper center", bbox_to_anchor=(0.45, -0.14), ncols=4, frameon=False, fontsize=9)
    return fig


def certificates(panels: dict[str, dict[str, Sequence[float]]], accuracy: dict[str, float], *, title: str) -> Figure:
    """Accuracy against the radius, a panel for each defence: certified, and under an attack that makes perturbations small.

    panels    {title: {"certified": a radius for each image, 0 without; "found": the smallest perturbation, infinite without}};
              images that the network gets wrong have 0 in both
    accuracy  {title: 0..1, without an attack}, a dotted line
    """
    fig, axes = plt.subplots(1, len(panels), squeeze=False, layout="constrained", figsize=(4.6 * len(panels), 3.5))
    for axis, (name, radii) in zip(axes.flat, panels.items()):
        finite = np.concatenate([np.asarray(one)[np.isfinite(one)] for one in radii.values()])
        grid = np.linspace(0, 1.05 * finite.max(), 300)
        curves = {key: 100 * np.mean(np.asarray(one)[None] > grid[:, None], axis=1) for key, one in radii.items()}
        axis.fill_between(grid, curves["certified"], np.maximum(curves["certified"], curves["found"]), color="0.9",
                          label="neither fooled nor proven")
        axis.plot(grid, curves["found"], color=COLOURS[1], label="under attack")
        axis.plot(grid, curves["certified"], color=COLOURS[2], label="certified")
        axis.axhline(100 * accuracy[name], color="black", linestyle=":", linewidth=1)
        axis.set(title=name, xlabel="radius", ylabel="accuracy (%)", ylim=(0, 102), xlim=(0, grid[-1]))
    fig.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False, fontsize=9)
    fig.suptitle(title)
    return fig
