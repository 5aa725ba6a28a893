"""Who fools whom in the tournament, and the ranks that follow from it."""
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.stats import rankdata

from utils.data.images import WHITE

ACCURACY = 0.85  # on the hidden faces, to be ranked as a detector
LARGEST = 2.0  # L2 of DX, to be ranked as an attack


class Team(NamedTuple):
    """A submission that plays: its code on the page, its name (a code unless it agreed to be shown), grey levels and label."""

    code: str
    shown: str
    source: Path
    pictures: dict[str, np.ndarray]
    label: str
    consent: bool = False


class Row(NamedTuple):
    """What a team or a course's detector did: shares and how many they are of, NaN where nothing counts; ranks, 0 for none; for
    how many images its script gave no answer, and why."""

    team: str
    accuracy: float
    fooled_by: float
    of_images: int
    robust_rank: int
    fools: float
    of_detectors: int
    transfer_rank: int
    L2: float
    L2_rank: int
    without_answer: int = 0
    why: str = ""


def fooled(labels: np.ndarray, said: np.ndarray) -> np.ndarray:
    """Who fools whom, [images, detectors]: 1 fooled, 0 not, NaN where the detector is not right for the original.

    A modified image without an answer fools: a detector that is silent where it sees an attack would be the most robust one.

    labels  of the originals, [images]: 0 or 1, -1 where it is not known
    said    of the originals and the modified images, [2, images, detectors]: 0, 1, or -1 for no answer
    """
    original, modified = said
    counts = (original == labels[:, None]) & (labels[:, None] >= 0)
    return np.where(counts, (modified != original).astype(float), np.nan)


def majority(said: np.ndarray) -> np.ndarray:
    """What is said of more than half of the images that are nearly the same, [N, copies] -> [N]; -1, no answer,
    where nothing is.
    """
    return np.select([np.mean(said == label, axis=1) > 0.5 for label in (0, 1)], [0, 1], -1)


def shares(who_fools: np.ndarray, own: Sequence[int | None], axis: int) -> tuple[np.ndarray, np.ndarray]:
    """The mean over the images (axis 0) or the detectors (axis 1) of what counts, without a team's own, and how many those are.

    own  for each image the place of its team's detector among the columns, or None
    """
    counted = who_fools.copy()
    for image, detector in enumerate(own):
        if detector is not None:
            counted[image, detector] = np.nan
    number = np.isfinite(counted).sum(axis)
    return np.where(number > 0, np.nansum(counted, axis) / np.maximum(number, 1), np.nan), number


def ranks(values: Sequence[float]) -> list[int]:
    """1 for the smallest; equal values share a rank and the next one is left out; 0 for NaN."""
    values = np.asarray(values, float)
    found = np.zeros(len(values), int)
    found[np.isfinite(values)] = rankdata(values[np.isfinite(values)], method="min")
    return found.tolist()


def table(teams: Sequence[Team], others: Sequence[str], who_fools: np.ndarray, accuracy: np.ndarray) -> list[Row]:
    """A row for each detector: those of the teams that have a script, in the order of the columns, then the course's `others`."""
    own = list(range(len(teams)))
    fooled_by, of_images = shares(who_fools, own, 0)
    fools, of_detectors = shares(who_fools, own, 1)
    sizes = np.array([_l2(team) if who_fools[place, place] == 1 else np.nan for place, team in enumerate(teams)]
                     + [np.nan] * len(others))
    padded = np.concatenate([fools, np.full(len(others), np.nan)])
    small = np.array([_l2(team) <= LARGEST for team in teams] + [False] * len(others))
    robust = ranks(np.where(accuracy > ACCURACY, fooled_by, np.nan))
    transfer = ranks(np.where(small, -padded, np.nan))
    smallest = ranks(sizes)
    counts = [*of_detectors.tolist(), *[0] * len(others)]
    names = [*(team.shown for team in teams), *others]
    return [Row(*row)
            for row in zip(names, accuracy.tolist(), fooled_by.tolist(), of_images.tolist(), robust, padded.tolist(), counts,
                           transfer, sizes.tolist(), smallest)]


def images_of(teams: Sequence[Team]) -> dict[str, np.ndarray]:
    """{code: original and modified image, uint8 [2, 48, 48]} of the teams that have both."""
    return {team.code: np.stack([team.pictures["ori"], team.pictures["mod"]])
            for team in teams if {"ori", "mod"} <= team.pictures.keys()}


def _l2(team: Team) -> float:
    """The L2 norm of a team's DX, NaN without both images."""
    if not {"ori", "mod"} <= team.pictures.keys():
        return float("nan")
    return float(np.linalg.norm((team.pictures["mod"].astype(float) - team.pictures["ori"]) / WHITE))
