"""Figures that show pictures, or arrays as pictures: side by side, in rows, in a table, with frames and numbers on them."""
from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from utils.plot.style import COLOURS


def images(pictures: Sequence[np.ndarray], titles: Sequence[str] | None = None, *, columns: int = 8, title: str = "",
           width: float = 1.3, signed: bool = False) -> Figure:
    """Pictures side by side in rows of `columns`, each `width` inches wide.

    A picture is [H, W], [H, W, 1] or [H, W, 3] in [0, 1]. With `signed`, values are around 0 and shown from blue (negative) over
    white to red, all on one scale. A picture whose pixels get two or more of the screen is drawn pixel by pixel; a larger one is
    resampled.
    """
    columns = min(columns, len(pictures))
    rows = -(-len(pictures) // columns)
    height = width * max(np.squeeze(picture).shape[0] / np.squeeze(picture).shape[1] for picture in pictures)
    fig, axes = plt.subplots(rows, columns, squeeze=False, layout="constrained",
                             figsize=(columns * width, rows * (height + (0.28 if titles else 0)) + (0.4 if title else 0)))
    limit = max(np.abs(picture).max() for picture in pictures) if signed else 1
    for axis, picture in zip(axes.flat, pictures):
        drawn_whole = 2 * np.squeeze(picture).shape[1] <= width * fig.dpi
        axis.imshow(np.squeeze(picture), cmap="RdBu_r" if signed else "gray", vmin=-limit if signed else 0, vmax=limit,
                    interpolation="nearest" if drawn_whole else "auto")  # a filter would blur what a network drew
        axis.add_patch(plt.Rectangle((0, 0), 1, 1, transform=axis.transAxes, fill=False, edgecolor="0.7", linewidth=0.8,
                                     clip_on=False))  # white pixels at the border would merge with the page
    for axis in axes.flat:
        axis.axis("off")
    longest = max((len(line) for text in titles or [] for line in text.splitlines()), default=1)
    for axis, text in zip(axes.flat, titles or []):
        axis.set_title(text, fontsize=np.clip(125 * width / longest, 9, 12))  # as large as fits above a picture
    fig.suptitle(title)
    return fig


def strips(rows: dict[str, Sequence[np.ndarray]], *, title: str, titles: Sequence[str] | None = None,
           signed: bool = False) -> Figure:
    """A row of pictures for each entry of `rows`, with its name on the left; `titles` stand above the first.

    Pictures are [H, W] or [H, W, 1] in [0, 1]; a row may be shorter than the others.
    With `signed`, values are around 0 and shown from blue (negative) over white to red, all on one scale.
    """
    columns = max(map(len, rows.values()))
    fig, axes = plt.subplots(len(rows), columns, squeeze=False, layout="constrained",
                             figsize=(1.6 + 1.12 * columns, 0.5 + 0.3 * bool(titles) + 1.15 * len(rows)))
    limit = max(np.abs(picture).max() for pictures in rows.values() for picture in pictures) if signed else 1
    for line, (name, pictures) in zip(axes, rows.items()):
        for axis, picture in zip(line, pictures):
            axis.imshow(np.squeeze(picture), cmap="RdBu_r" if signed else "gray",
                        vmin=-limit if signed else 0, vmax=limit, interpolation="nearest")
        for axis in line:
            axis.axis("off")
        line[0].text(-0.15, 0.5, name, transform=line[0].transAxes, ha="right", va="center", fontsize=13)
    for axis, text in zip(axes[0], titles or []):
        axis.set_title(text, fontsize=12)
    fig.suptitle(title)
    return fig


def mosaic(pictures: np.ndarray, rows: Sequence[str], columns: Sequence[str], *, title: str, xlabel: str,
           ylabel: str) -> Figure:
    """Pictures [rows, columns, H, W] as one table, two screen pixels for each of theirs, with a name for each row and column."""
    count, width, high, wide = pictures.shape
    fig = plt.figure()
    inches = 2 * np.array([width * wide, count * high]) / fig.dpi
    margin = np.array([1.2, 0.8])  # for the names
    fig.set_size_inches(inches + 2 * margin)
    axis = fig.add_axes((*margin / (inches + 2 * margin), *inches / (inches + 2 * margin)))
    axis.imshow(pictures.transpose(0, 2, 1, 3).reshape(count * high, width * wide), cmap="gray", vmin=0, vmax=1,
                interpolation="nearest")
    axis.set_xticks(wide * (np.arange(width) + 0.5), columns)
    axis.set_yticks(high * (np.arange(count) + 0.5), rows)
    axis.set(title=title, xlabel=xlabel, ylabel=ylabel)
    return fig


def matrix(values: np.ndarray, *, title: str, xlabel: str, ylabel: str) -> Figure:
    """A large matrix [rows, columns] as a picture: blue is negative, white zero, red positive."""
    limit = np.abs(values).max()
    fig, axis = plt.subplots(figsize=(6.5, 5), layout="constrained")
    axis.imshow(values, cmap="RdBu_r", vmin=-limit, vmax=limit, interpolation="nearest", aspect="auto")
    axis.set(title=title, xlabel=xlabel, ylabel=ylabel)
    return fig


def tables(arrays: Sequence[np.ndarray], titles: Sequence[str], *, title: str,
           windows: Sequence[tuple[int, int, int, int] | None] = ()) -> Figure:
    """Small matrices [rows, columns] side by side, with their numbers in the cells.

    arrays   a vector [columns] is shown as one row
    windows  for each matrix a window (row, column, height, width) that gets a frame, or None
    """
    arrays = [np.atleast_2d(array) for array in arrays]
    rows, columns = max(array.shape[0] for array in arrays), [array.shape[1] for array in arrays]
    fig, axes = plt.subplots(1, len(arrays), squeeze=False, layout="constrained", width_ratios=columns,
                             figsize=(0.48 * sum(columns) + 0.4 * len(arrays), 0.48 * rows + 0.9))
    for place, (axis, array, name) in enumerate(zip(axes.flat, arrays, titles)):
        largest = np.abs(array).max()
        axis.imshow(array, cmap="RdBu_r", vmin=-2.5 * largest, vmax=2.5 * largest)
        for (row, column), value in np.ndenumerate(array):
            axis.text(column, row, f"{value:g}", ha="center", va="center")
        if place < len(windows) and windows[place]:
            row, column, high, wide = windows[place]
            axis.add_patch(plt.Rectangle((column - 0.5, row - 0.5), wide, high, fill=False, edgecolor="black", linewidth=3,
                                         clip_on=False))
        axis.axis("off")
        axis.set_title(name, fontsize=10)
    fig.suptitle(title)
    return fig


def boxes(picture: np.ndarray, corners: Sequence[tuple[float, float]], side: float, texts: Sequence[str], *,
          title: str) -> Figure:
    """A picture [H, W] or [H, W, 3] in [0, 1] with a square of `side` pixels for each corner (row, column), and a text in it."""
    height, width = np.squeeze(picture).shape[:2]
    fig, axis = plt.subplots(figsize=(7.5, 0.4 + 7.5 * height / width), layout="constrained")
    axis.imshow(np.squeeze(picture), cmap="gray", vmin=0, vmax=1)
    for (row, column), text, colour in zip(corners, texts, COLOURS * len(corners)):
        axis.add_patch(plt.Rectangle((column - 0.5, row - 0.5), side, side, fill=False, edgecolor=colour, linewidth=1.5))
        axis.text(column + 0.5, row + 2.5, text, color="white", fontsize=11)
    axis.axis("off")
    axis.set_title(title)
    return fig
