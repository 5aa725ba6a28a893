"""Every figure the course draws. `plot.show(fig, alt=...)` puts it into the notebook together with its description.

The functions give a figure, so that a notebook can add to it before it shows it. Images are [H, W], [H, W, 1] or [H, W, 3]
in [0, 1]. `pictures` and `charts` are for all units, `hidden_units` and `playground` for unit 02, `digits`, `digit_explorer` and
`digit_drawing` for 03, `densenet` and `study` for 04, `attacks` for 05, `boundaries` for 07, `black_box` and `defences` for 08,
`moments` and `noise_maps` for 09, `explain` for 12, the others for the unit whose name they have.
"""
from utils import other_versions_names
from utils.plot.attacks import against, attack, fooled_within, tradeoff
from utils.plot.autoencoders import maps, tradeoffs
from utils.plot.black_box import rates, roc, shaded
from utils.plot.boundaries import benchmark, gaps, planes, pocket, robustness, vulnerability
from utils.plot.charts import bars, dots, histogram, histograms, lines, panels, scores
from utils.plot.classifiers import by_group, confusion, differences, history
from utils.plot.defences import certificates, withstood
from utils.plot.densenet import by_depth, dense_block, tensorboard
from utils.plot.digits import accuracies, tuning
from utils.plot.explain import heat
from utils.plot.fields import fields
from utils.plot.filters import channels, classifier, cone, covered, directions, mark, traces, windows
from utils.plot.gans import games, players
from utils.plot.hidden_units import accuracy_tables, decision_grid, units
from utils.plot.moments import gaussians, mean_and_std, rectified, with_errors
from utils.plot.neural_networks import decisions, graph, landscapes, paths, small_net
from utils.plot.noise_maps import noise_maps, noisy_answers
from utils.plot.pictures import boxes, images, matrix, mosaic, strips, tables
from utils.plot.study import study_cell, study_rows, study_table
from utils.plot.style import COLOURS, MADE, leave_empty, show, stored

__getattr__ = other_versions_names(__name__)

__all__ = ["COLOURS", "MADE", "accuracies", "accuracy_tables", "against", "attack", "bars", "benchmark", "boxes", "by_depth",
           "by_group", "certificates", "channels", "classifier", "cone", "confusion", "covered", "decision_grid", "decisions",
           "dense_block", "differences", "directions", "dots", "fields", "fooled_within", "games", "gaps", "gaussians",
           "graph", "heat", "histogram", "histograms", "history", "images", "landscapes", "leave_empty", "lines", "maps",
           "mark", "matrix", "mean_and_std", "mosaic", "noise_maps", "noisy_answers", "panels", "paths", "planes", "players",
           "pocket", "rates", "rectified", "robustness", "roc", "scores", "shaded", "show", "small_net", "stored", "strips",
           "study_cell", "study_rows", "study_table", "tables", "tensorboard", "traces", "tradeoff", "tradeoffs", "tuning",
           "units", "vulnerability", "windows", "with_errors", "withstood"]
