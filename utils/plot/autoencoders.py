"""Figures of unit 10: where images lie in a latent space of two dimensions."""
from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure


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
