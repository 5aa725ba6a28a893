"""Figures of vector fields in the plane: where a denoiser moves each point (unit 11)."""
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from utils.plot.style import MADE


def fields(arrows: dict[str, np.ndarray], points: np.ndarray, data: np.ndarray, *, limit: float, title: str) -> Figure:
    """A panel for each entry: arrows from points of the plane, to scale, and the data in black.

    arrows  for each panel [N, 2]
    points  [N, 2], where the arrows start
    data    [M, 2]
    """
    fig, axes = plt.subplots(1, len(arrows), squeeze=False, layout="constrained", figsize=(3.6 * len(arrows), 3.9))
    for axis, (name, arrow) in zip(axes.flat, arrows.items()):
        axis.quiver(*points.T, *arrow.T, color=MADE, angles="xy", scale_units="xy", scale=1, width=0.006)
        axis.plot(*data.T, ".", color="black", markersize=2)
        axis.set(title=name, xlabel="$x_1$", ylabel="$x_2$", xlim=(-limit, limit), ylim=(-limit, limit), aspect="equal")
    fig.suptitle(title)
    return fig
