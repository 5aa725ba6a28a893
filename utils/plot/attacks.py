"""Figures of unit 05: what an attack changed, and what it costs to fool a network."""
from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from utils.plot.pictures import images


def attack(x: np.ndarray, modified: np.ndarray, said: Sequence[tuple[str, str]], *, title: str = "",
           amplification: float = 50, width: float = 1.7) -> Figure:
    """For each image a row: the original, the modified one, and `amplification` * |DX|, with what the network says.

    x, modified  [N, H, W, C] in [0, 1]
    said         for each image, what the network says of the original and of the modified one
    width        of each picture, in inches
    """
    amplified = np.clip(amplification * np.abs(modified - x), 0, 1)
    pictures = [picture for row in zip(x, modified, amplified) for picture in row]
    titles = [text for before, after in said for text in (before, after, f"{amplification:g} |DX|")]
    return images(pictures, titles, columns=3, title=title, width=width)


def tradeoff(curves: dict[str, dict[str, np.ndarray]], *, title: str, ylabel: str) -> Figure:
    """Success and size of the perturbation against lambda, for each entry of `curves`.

    curves  as `attacks.tradeoff` returns them: arrays lam, success (share of the images that fool the network, 0..1) and size
            (median over these, in the norm that `ylabel` names), a value for each lambda
    """
    fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    for name, curve in curves.items():
        left.plot(curve["lam"], 100 * curve["success"], marker=".", label=name)
        right.plot(curve["lam"], curve["size"], marker=".", label=name)
    left.set(xscale="log", xlabel="lambda", ylabel="images that fool the network (%)", ylim=(-3, 103), title="Success")
    right.set(xscale="log", yscale="log", xlabel="lambda", ylabel=ylabel, title="Size of DX where it succeeds")
    if len(curves) > 1:
        left.legend(frameon=False)
    fig.suptitle(title)
    return fig
