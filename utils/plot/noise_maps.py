"""Figures of unit 09, part 2: where noise fools a classifier, and what is drawn of an attack by noise."""
from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure


def noise_maps(rows: dict[str, np.ndarray], pictures: np.ndarray, names: Sequence[str], *, title: str, label: str) -> Figure:
    """A row of maps for each entry of `rows`, one map for each class, over the outline of a picture; all on one colour scale.

    rows      {name: maps [classes, rows, columns] of values from 0 up, of any resolution}
    pictures  [classes, H, W] in [0, 1]: their outline is drawn at half of their largest value
    label     of the colour bar
    """
    classes, height, width = pictures.shape
    fig, axes = plt.subplots(len(rows), classes, squeeze=False, layout="constrained",
                             figsize=(1.9 + 1.12 * classes, 0.7 + 1.25 * len(rows)))
    highest = max(maps.max() for maps in rows.values())
    for line, (name, maps) in zip(axes, rows.items()):
        for axis, one, picture in zip(line, maps, pictures):
            shown = axis.imshow(one, cmap="magma", vmin=0, vmax=highest, extent=(-0.5, width - 0.5, height - 0.5, -0.5),
                                interpolation="nearest")
            axis.contour(picture, [picture.max() / 2], colors="white", linewidths=0.8)
            axis.axis("off")
        line[0].text(-0.15, 0.5, name, transform=line[0].transAxes, ha="right", va="center")
    for axis, name in zip(axes[0], names):
        axis.set_title(name, fontsize=10)
    fig.colorbar(shown, ax=axes, label=label, shrink=0.9)
    fig.suptitle(title)
    return fig


def noisy_answers(rows: dict[str, Sequence[np.ndarray]], captions: Sequence[Sequence[str]], *, title: str) -> Figure:
    """A row of pictures [H, W, 1] in [0, 1] for each entry of `rows`, with its name on the left and a caption above each."""
    columns = max(map(len, rows.values()))
    fig, axes = plt.subplots(len(rows), columns, squeeze=False, layout="constrained",
                             figsize=(2.0 + 1.1 * columns, 0.5 + 1.3 * len(rows)))
    for line, (name, pictures), texts in zip(axes, rows.items(), captions):
        for axis, picture, text in zip(line, pictures, texts):
            axis.imshow(np.squeeze(picture), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
            axis.set_title(text, fontsize=9)
        for axis in line:
            axis.axis("off")
        line[0].text(-0.15, 0.5, name, transform=line[0].transAxes, ha="right", va="center")
    fig.suptitle(title)
    return fig
