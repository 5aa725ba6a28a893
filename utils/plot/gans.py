"""Figures of unit 11: a generator and a discriminator that play in the plane."""
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from utils.plot.style import MADE


def players(states: dict[str, tuple[np.ndarray | None, np.ndarray]], real: np.ndarray, *, limit: float,
            title: str) -> Figure:
    """The plane from -limit to limit during a game: what the discriminator says, and the generator's points.

    states  for each panel D on the plane, [H, W] in 0..1 or None, and the generator's points [N, 2]
    real    [N, 2] points of the data, drawn in each
    """
    fig, axes = plt.subplots(1, len(states), squeeze=False, layout="constrained",
                             figsize=(2.7 * len(states), 3.5))
    square = (-limit, limit, -limit, limit)
    for axis, (name, (surface, points)) in zip(axes.flat, states.items()):
        if surface is not None:
            axis.imshow(surface, cmap="PuOr", vmin=0.1, vmax=0.9, origin="lower", extent=square)
        axis.plot(*real.T, ".", color="black", markersize=2, label="data")
        axis.plot(*points.T, ".", color=MADE, markersize=2, label="generated")
        axis.set(title=name, xlabel="$x_1$", ylabel="$x_2$", xlim=(-limit, limit), ylim=(-limit, limit),
                 aspect="equal")
    fig.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", frameon=False, markerscale=4, ncols=2,
               handletextpad=0.1)  # in a panel it would hide data
    fig.suptitle(title)
    return fig


def games(played: dict[str, dict], real: np.ndarray, *, title: str) -> Figure:
    """GANs in the plane side by side: above, the generator's points over the data; below, what D says by step.

    played  for each GAN "made" [N, 2], the generator's points, and "d_real", "d_made" [steps], the mean of D (0..1) on the data
            and on the generator's points
    real    [N, 2] points of the data
    """
    fig, axes = plt.subplots(2, len(played), squeeze=False, layout="constrained", height_ratios=[3, 2],
                             figsize=(2.5 * len(played), 4.8))
    for (above, below), (name, game) in zip(axes.T, played.items()):
        limit = max(3.0, 1.05 * np.abs(game["made"]).max())
        above.plot(*real.T, ".", color="black", markersize=2, label="data")
        above.plot(*game["made"].T, ".", color=MADE, markersize=2, label="generated")
        above.set(title=name, xlabel="$x_1$", ylabel="$x_2$", xlim=(-limit, limit), ylim=(-limit, limit),
                  aspect="equal")
        for key, colour, label in (("d_real", "black", "D, real"), ("d_made", MADE, "D, generated")):
            below.plot(game[key], color=colour, linewidth=1, label=label)
        below.set(xlabel="step", ylabel="mean of D", ylim=(-0.05, 1.05))
    fig.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper right", frameon=False, fontsize=9, markerscale=4,
               ncols=2, handletextpad=0.1)  # in a panel it would hide data
    axes[1, 0].legend(frameon=False, fontsize=9)
    fig.suptitle(title)
    return fig
