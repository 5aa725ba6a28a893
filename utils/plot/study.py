"""The tables of the meta-parameter study (unit 04): data/results/meta_parameters.json, which `course.py study` writes,
as figures.
"""
import itertools
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from utils.groups import wilson_interval

STORED = Path(__file__).resolve().parents[2] / "data" / "results" / "meta_parameters.json"
# The settings of a run, and what they are unless a table varies them: the DenseNet of the slides.
SLIDES = {"data": "real", "net": "dense", "blocks": 4, "convolutions": 2, "filters": 16, "batch": 64, "dropout": 0.0,
          "batch_norm": False, "faces": 1000, "epochs": 20}
WORDS = {"data": "{} faces", "net": "{} net", "blocks": "{} blocks", "convolutions": "{} convolutions", "filters": "{} filters",
         "batch": "batch of {}", "dropout": "dropout {}", "batch_norm": "batch norm {}", "faces": "{} faces",
         "epochs": "{} epochs"}
Row = dict[str, object]


class Cell(NamedTuple):
    """What is known of one combination of settings; accuracies are shares of the test faces, NaN where there are none."""

    kind: str  # "trained", "chance" (all seeds are at chance), "KO" (the run failed: loss not finite, or an error) or "not run"
    mean: float  # over the seeds
    low: float
    high: float
    seeds: int
    at_chance: int = 0  # seeds whose own interval holds 50 %


def study_rows(path: Path = STORED) -> list[Row]:
    """The rows of the file, one for each run: its settings (SLIDES and "seed"), and what came out.

    "outcome" is "trained" or "KO". With "trained" come "train_accuracy", "val_accuracy", "test_accuracy" (shares), "tested"
    (how many faces), with "KO" comes "why". All have "parameters" (but a net that could not be built), "seconds",
    "processor_seconds", "commit", "date".
    """
    return json.loads(path.read_text(encoding="utf-8"))["rows"]


def study_cell(rows: list[Row], **settings: object) -> Cell:
    """All seeds of one combination; settings that are not given are as in SLIDES.

    With one seed the interval is Wilson's for the number of faces (95 %); with more it is that of their mean, and widened to hold
    each seed. Seeds of which one fails and one trains count as trained; `seeds` counts those that trained, or failed. So do seeds
    of which one is at chance and one learns: `at_chance` counts the first kind. Raises ValueError for a setting that is not in
    SLIDES.
    """
    if unknown := settings.keys() - SLIDES.keys():
        raise ValueError(f"There is no setting {', '.join(sorted(unknown))}: choose among {', '.join(SLIDES)}.")
    wanted = SLIDES | settings
    found = [row for row in rows if all(row[name] == value for name, value in wanted.items())]
    trained = [row for row in found if row["outcome"] == "trained"]
    if not trained:
        return Cell("KO" if found else "not run", np.nan, np.nan, np.nan, len(found))
    accuracies, people = [row["test_accuracy"] for row in trained], trained[0]["tested"]
    mean = float(np.mean(accuracies))
    low, high = wilson_interval(round(mean * people), people)
    low, high = min(low, *accuracies), max(high, *accuracies)
    own = [wilson_interval(round(accuracy * people), people) for accuracy in accuracies]
    at_chance = sum(below <= 0.5 <= above for below, above in own)
    return Cell("chance" if at_chance == len(trained) else "trained", mean, low, high, len(trained), at_chance)


def study_table(rows: list[Row], down: dict[str, Sequence], across: dict[str, Sequence], *, title: str,
                **settings: object) -> Figure:
    """A table of the slides: a cell for each combination, coloured by accuracy, with its interval in %.

    down, across  the settings that vary, with their values, such as {"convolutions": (1, 2, 4)}; the first of `across` is the
                  topmost line of the head
    settings      those that differ from SLIDES in the whole table

    In brackets: how many seeds, where there are several. A cell of which all seeds stay at chance is hatched, one of which some
    do says how many. One that failed is black with "KO", a combination that was not run is empty; a row or column in which
    nothing was run is left out.
    """
    lines, columns = (list(itertools.product(*side.values())) for side in (down, across))
    cells = {(line, column): study_cell(rows, **settings | dict(zip(down, line)) | dict(zip(across, column)))
             for line in lines for column in columns}
    run = [place for place, cell in cells.items() if cell.kind != "not run"]
    lines = [line for line in lines if line in {one for one, _ in run}]
    columns = [column for column in columns if column in {one for _, one in run}]
    size = max(5.6, 0.95 * len(columns) + 1.4 * len(down)), 0.5 + 0.45 * (len(lines) + len(across))  # wide enough for the title
    fig, axis = plt.subplots(figsize=size, layout="constrained")
    for y, line in enumerate(lines):
        for x, column in enumerate(columns):
            _draw(axis, x, y, cells[line, column])
    _head(axis, list(across), columns, lambda middle, level: (middle, level - len(across) + 0.5), "center")
    _head(axis, list(down), lines, lambda middle, level: (-0.1 - 1.4 * (len(down) - 1 - level), middle), "right")
    axis.set(xlim=(-1.4 * len(down), len(columns) + 0.05), ylim=(len(lines) + 0.05, -len(across)))
    axis.axis("off")
    axis.set_title(title, fontsize=11)
    return fig


def _draw(axis: Axes, x: int, y: int, cell: Cell) -> None:
    """The cell with its upper left corner at (x, y)."""
    shade = np.clip((cell.mean - 0.5) / 0.45, 0, 1)
    colours = {"KO": "black", "chance": "0.9", "not run": "white", "trained": plt.get_cmap("YlGn")(shade)}
    ink = "white" if cell.kind == "trained" and shade > 0.7 else "black"
    axis.add_patch(Rectangle((x, y), 1, 1, facecolor=colours[cell.kind], edgecolor="0.8" if cell.kind == "not run" else "white"))
    if cell.kind == "KO":
        axis.text(x + 0.5, y + 0.5, "KO", ha="center", va="center", color="white")
    elif cell.kind != "not run":
        if cell.kind == "chance":
            axis.add_patch(Rectangle((x, y), 1, 1, fill=False, hatch="///", edgecolor="0.8", linewidth=0))
        seeds = f" ({cell.seeds})" if cell.seeds > 1 else ""
        lines = [(f"{100 * cell.mean:.1f}", 10), (f"{100 * cell.low:.0f}-{100 * cell.high:.0f}{seeds}", 8)]
        if cell.kind == "trained" and cell.at_chance:
            lines.append((f"{cell.at_chance} at chance", 8))
        for middle, (text, size) in zip((0.35, 0.75) if len(lines) == 2 else (0.22, 0.53, 0.82), lines):
            axis.text(x + 0.5, y + middle, text, ha="center", va="center", fontsize=size, color=ink)


def _head(axis: Axes, settings: list[str], combinations: list[tuple], place: Callable, align: str) -> None:
    """The settings on one side of the table, each written once for the cells it holds for.

    place  place(middle, level) -> (x, y) of the text for the cells around `middle`, on the line of the head that `level` counts
    """
    for level, setting in enumerate(settings):
        for _, group in itertools.groupby(range(len(combinations)), key=lambda i: combinations[i][:level + 1]):
            cells = list(group)
            value = combinations[cells[0]][level]
            text = f"{value:,}" if isinstance(value, int) else value
            if isinstance(value, bool):
                text = "on" if value else "off"
            text = WORDS[setting].format(text)
            if value == 1 and not isinstance(value, bool):
                text = text.removesuffix("s")
            if align == "center" and len(cells) == 1:
                text = "\n".join(text.rsplit(" ", 1))  # as narrow as the cell
            axis.text(*place((cells[0] + cells[-1] + 1) / 2, level), text, ha=align, va="center", fontsize=9.5)
