"""How all figures of the course look, and `show`, which puts one into the notebook together with its description."""
from collections.abc import Iterable
from pathlib import Path

import matplotlib.pyplot as plt
from IPython.display import Image, display
from matplotlib.axes import Axes
from matplotlib.figure import Figure

FIGURES = Path(__file__).parents[2] / "data" / "figures"
COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00"]  # Okabe and Ito: safe for colour-blind readers
MADE = COLOURS[3]  # what a generator made, beside black data
plt.rcParams.update({"axes.prop_cycle": plt.cycler(color=COLOURS), "figure.dpi": 80, "axes.grid": False,
                     "axes.spines.top": False, "axes.spines.right": False, "font.size": 11})


def show(fig: Figure, alt: str) -> None:
    """Show the figure in the notebook, with `alt` as the text for those who cannot see it, and close it.

    Raises ValueError for an empty `alt`, a figure without a title and an axis without labels.
    """
    if not alt.strip():
        raise ValueError("The figure has no alt text: say in a sentence what is to be seen in it.")
    for axis in fig.axes:
        if axis.axison and axis.get_label() != "<colorbar>" and not (axis.get_xlabel() and axis.get_ylabel()):
            raise ValueError("An axis has no label: use axis.set(xlabel=..., ylabel=...), or axis.axis('off').")
    if not (fig.get_suptitle() or all(axis.get_title() for axis in fig.axes)):
        raise ValueError("The figure has no title: use fig.suptitle(...) or axis.set(title=...).")
    display(fig, metadata={"image/png": {"alt": alt}})
    plt.close(fig)


def stored(name: str, alt: str) -> None:
    """Show the figure data/figures/NAME.png, which `course.py figures` drew, with `alt` as the text for those who cannot see it.

    Raises ValueError for an empty `alt` and a figure that is not stored.
    """
    if not alt.strip():
        raise ValueError("The figure has no alt text: say in a sentence what is to be seen in it.")
    if not (FIGURES / f"{name}.png").is_file():
        raise ValueError(f"data/figures has no {name}.png: draw it with `python3 course.py figures {name}`.")
    display(Image((FIGURES / f"{name}.png").read_bytes()), metadata={"image/png": {"alt": alt}})


def leave_empty(axes: Iterable[Axes]) -> None:
    """Hide the axes of a grid in which nothing is drawn; the blank title keeps their place as high as that of the others."""
    for axis in axes:
        axis.axis("off")
        axis.set_title(" ")
