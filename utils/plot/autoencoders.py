"""Figures of unit 10: where images lie in a latent space of two dimensions."""
from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure


def maps(codes: dict[str, np.ndarray], labels: np.ndarray, names: Sequence[str], *, title: str) -> Figure:
    """Codes [N, 2], in percentiles, as names in the plane, a panel for each entry, a colour for each label.

    labels  [N], the place of each point's name in `names`: short names, such as digits. A larger one stands where its points are
            densest, in a circle of their colour
    """
    fig, axes = plt.subplots(1, len(codes), squeeze=False, layout="constrained",
                             figsize=(5.2 * len(codes), 4.6))
    for axis, (panel, points) in zip(axes.flat, codes.items()):
        places = []
        for label, name in enumerate(names):
            own = points[labels == label]
            axis.scatter(*own.T, marker=f"$\\mathrm{{{name}}}$", s=64, color=plt.cm.tab10(label), linewidths=0)
            crowd = np.sum(np.linalg.norm(own[:, None] - own, axis=2) < 10, axis=1)  # at the median there may be none of them
            free = [all(np.linalg.norm(point - other) > 8 for other in places) for point in own]  # no name covers another
            places.append(own[np.argmax(np.where(free, crowd, 0))])
            axis.text(*places[-1], name, ha="center", va="center", fontsize=13,
                      bbox=dict(boxstyle="circle,pad=0.15", facecolor="white", edgecolor=plt.cm.tab10(label), linewidth=2,
                                alpha=0.85))
        axis.set(title=panel, xlabel="first code (percentile)", ylabel="second code (percentile)")
    fig.suptitle(title)
    return fig
