"""Every figure the course draws. `plot.show(fig, alt=...)` puts it into the notebook together with its description.

The functions give a figure, so that a notebook can add to it before it shows it. Images are [H, W], [H, W, 1] or
[H, W, 3] in [0, 1]. `pictures` and `charts` are for all units, `attacks` is for unit 05, `boundaries` for 07, the others for the unit whose name
they have.
"""
from utils.plot.attacks import against, attack, fooled_within, tradeoff
from utils.plot.autoencoders import maps
from utils.plot.boundaries import benchmark, gaps, planes, pocket, robustness, vulnerability
from utils.plot.charts import bars, dots, histogram, histograms, lines, panels
from utils.plot.classifiers import by_group, confusion, history
from utils.plot.filters import classifier, directions, mark, traces
from utils.plot.gans import games, players
from utils.plot.neural_networks import decisions, landscapes, paths, small_net
from utils.plot.pictures import boxes, images, matrix, mosaic, strips, tables
from utils.plot.style import COLOURS, MADE, show, stored

__all__ = ["COLOURS", "MADE", "against", "attack", "bars", "benchmark", "boxes", "by_group", "classifier", "confusion",
           "decisions", "directions", "dots", "fooled_within", "games", "gaps", "histogram", "histograms", "history", "images",
           "landscapes", "lines", "maps", "mark", "matrix", "mosaic", "panels", "paths", "planes", "players", "pocket",
           "robustness", "show", "small_net", "stored", "strips", "tables", "traces", "tradeoff", "vulnerability"]
