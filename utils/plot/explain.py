"""Figures of unit 12: maps of what a network looks at, beside the images."""
from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from utils.plot.style import COLOURS


def heat(images: np.ndarray, maps: dict[str, np.ndarray], *, title: str, rows: Sequence[str] = (),
         masks: np.ndarray | None = None, width: float = 1.15) -> Figure:
    """A row for each image: the image [H, W, C], then each map [H, W] of it, blue negative, red positive, each on its own scale.

    A map that is nowhere negative is drawn from white to red. `rows` are names at the left; `masks` [N, H, W] are outlined.
    """
    fig, axes = plt.subplots(len(images), 1 + len(maps), squeeze=False, layout="constrained",
                             figsize=(width * (1 + len(maps)) + 0.9 * bool(rows), (width + 0.05) * len(images) + 0.75))
    for i, (line, image) in enumerate(zip(axes, images)):
        line[0].imshow(np.squeeze(image), cmap="gray", vmin=0, vmax=1)
        for axis, values in zip(line[1:], maps.values()):
            limit = max(np.abs(values[i]).max(), 1e-12)
            axis.imshow(values[i], cmap="RdBu_r", vmin=-limit, vmax=limit, interpolation="nearest")
        for axis in line:
            axis.axis("off")
            if masks is not None and masks[i].any():
                axis.contour(masks[i], [0.5], colors=[COLOURS[2]], linewidths=1)
        if rows:
            line[0].text(-0.1, 0.5, rows[i], transform=line[0].transAxes, ha="right", va="center", fontsize=9)
    for axis, name in zip(axes[0], ("image", *maps)):
        axis.set_title(name, fontsize=9)
    fig.suptitle(title)
    return fig
