"""Accuracy by group of people, differences of accuracies, means of a few seeds, and how far each can be trusted.

A detector that is correct for 95 % of all people can be correct for 99 % of one group and 80 % of another. An accuracy measured
on few people is uncertain, so each comes with the number of people and a 95 % interval, and below FEWEST it is not reported.

To compare two groups, or two detectors, take the interval of the difference: two intervals that overlap do not mean that the
difference may be zero. Two groups are different people (`difference`). Two detectors answer for the same people, so only those
count for whom exactly one of the two is correct (`paired_difference`, `mcnemar`).
"""
from math import comb
from typing import NamedTuple

import numpy as np
from scipy import stats

FEWEST = 30  # people; with fewer the interval is too wide to say anything
Z = 1.959964  # 95 % of a standard normal distribution lie between -Z and Z


class Group(NamedTuple):
    """One row of `accuracy_by_group`; accuracy, low and high are NaN for a group of fewer than FEWEST people."""

    name: str
    people: int
    accuracy: float
    low: float
    high: float


def wilson_interval(correct: int, people: int) -> tuple[float, float]:
    """The 95 % interval (low, high) for the true accuracy, when `correct` of `people` answers were correct.

    It holds the values p for which `correct` is not surprising: |correct / people - p| <= Z sqrt(p (1 - p) / people), solved
    for p (Wilson 1927, doi.org/10.1080/01621459.1927.10502953). Raises ValueError unless 0 <= correct <= people and people >= 1.
    """
    if not 0 <= correct <= people or people < 1:
        raise ValueError(f"{correct} of {people} answers cannot be correct: expected 0 <= correct <= people and people >= 1.")
    p, z = correct / people, Z**2 / people
    centre = (p + z / 2) / (1 + z)
    half = np.sqrt(p * (1 - p) * z + z**2 / 4) / (1 + z)
    return float(max(0, centre - half)), float(min(1, centre + half))


def difference(correct_1: int, people_1: int, correct_2: int, people_2: int) -> tuple[float, float, float]:
    """Accuracy of group 1 minus that of group 2, two sets of different people, with its 95 % interval: (difference, low, high).

    The distances from each accuracy to the ends of its Wilson interval are added as squares (Newcombe 1998, method 10,
    https://doi.org/10.1002/(SICI)1097-0258(19980430)17:8%3C873::AID-SIM779%3E3.0.CO;2-I). Raises ValueError as
    `wilson_interval`.
    """
    (low_1, high_1), (low_2, high_2) = wilson_interval(correct_1, people_1), wilson_interval(correct_2, people_2)
    p_1, p_2 = correct_1 / people_1, correct_2 / people_2
    below, above = np.hypot(p_1 - low_1, high_2 - p_2), np.hypot(high_1 - p_1, p_2 - low_2)
    return p_1 - p_2, float(p_1 - p_2 - below), float(p_1 - p_2 + above)


def mean_interval(values: np.ndarray, level: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
    """The mean of values [..., N], such as one for each seed or image, and half the width of its interval; both [...].

    By Student's t, for two values or more that are independent and about normal. `level` is the probability that such an
    interval holds the true mean.
    """
    values = np.asarray(values, float)
    n = values.shape[-1]
    half = stats.t.ppf(0.5 + level / 2, n - 1) * values.std(axis=-1, ddof=1) / np.sqrt(n)
    return values.mean(axis=-1), half


def paired_difference(first: np.ndarray, second: np.ndarray) -> tuple[float, float, float]:
    """Accuracy of detector 1 minus that of detector 2 on the same people, with its 95 % interval: (difference, low, high).

    first, second  bool [N]: for whom each is correct. With b people for whom only the first is correct and c for whom only the
    second is, the difference is (b - c) / N. The interval is Wald's after half a person was added to each of the four cells
    (Agresti and Min 2005, https://doi.org/10.1002/sim.1781). Raises ValueError if the lengths differ.
    """
    only_first, only_second = _disagreements(first, second)
    n = len(first) + 2
    centre = (only_first - only_second) / n
    half = Z * np.sqrt((only_first + only_second + 1) / n - centre**2) / np.sqrt(n)
    return (only_first - only_second) / len(first), float(max(-1, centre - half)), float(min(1, centre + half))


def mcnemar(first: np.ndarray, second: np.ndarray) -> float:
    """How often two equally good detectors would differ at least as much as these two on the same people: a p-value in [0, 1].

    first, second  bool [N]: for whom each is correct. If both are equally good, each of the n people for whom exactly one is
    correct is a toss of a fair coin: the p-value is twice the probability of min(b, c) heads or fewer (McNemar 1947,
    https://doi.org/10.1007/BF02295996, in the exact form). Raises ValueError if the lengths differ.
    """
    only_first, only_second = _disagreements(first, second)
    tosses = only_first + only_second
    ways = sum(comb(tosses, heads) for heads in range(min(only_first, only_second) + 1))
    return min(1.0, 2 * ways / 2**tosses)


def _disagreements(first: np.ndarray, second: np.ndarray) -> tuple[int, int]:
    """For how many people only the first and only the second is correct."""
    first, second = np.asarray(first, bool), np.asarray(second, bool)
    if first.shape != second.shape or first.ndim != 1 or not len(first):
        raise ValueError(f"The detectors answered for {first.shape} and {second.shape} people, expected the same [N].")
    return int((first & ~second).sum()), int((second & ~first).sum())


def accuracy_by_group(correct: np.ndarray, group: np.ndarray) -> list[Group]:
    """One row for each value in `group` [N] (names or numbers), in sorted order; `correct` [N] is True where the answer is.

    Raises ValueError if the lengths differ.
    """
    correct, group = np.asarray(correct, bool), np.asarray(group)
    if correct.shape != group.shape or correct.ndim != 1:
        raise ValueError(f"correct has shape {correct.shape} and group {group.shape}, expected both to be [N].")
    rows = []
    for name in np.unique(group):
        answers = correct[group == name]
        enough = len(answers) >= FEWEST
        low, high = wilson_interval(int(answers.sum()), len(answers)) if enough else (np.nan, np.nan)
        rows.append(Group(str(name), len(answers), float(answers.mean()) if enough else np.nan, low, high))
    return rows


def against_the_rest(correct: np.ndarray, group: np.ndarray) -> list[Group]:
    """As `accuracy_by_group`, for the difference: the accuracy of each group minus that of all other people.

    correct and group are [N]; `accuracy`, `low` and `high` of a row are of the difference, in [-1, 1]. Errors as there.
    """
    correct, group = np.asarray(correct, bool), np.asarray(group)
    rows = []
    for name, people, *_ in accuracy_by_group(correct, group):
        inside, outside = correct[group.astype(str) == name], correct[group.astype(str) != name]
        enough = min(len(inside), len(outside)) >= FEWEST
        counts = int(inside.sum()), len(inside), int(outside.sum()), len(outside)
        rows.append(Group(name, people, *(difference(*counts) if enough else (np.nan,) * 3)))
    return rows


def bands(values: np.ndarray, edges: list[float], unit: str = "") -> np.ndarray:
    """The name of the band of each value [N]: with edges 18, 30, 50 the names are "18-30" and "30-50" (upper edge excluded).

    The last edge belongs to the last band; what lies outside is "under 18" or "over 50".
    """
    inside = [f"{low:g}-{high:g}{unit}" for low, high in zip(edges[:-1], edges[1:])]
    names = np.array([f"under {edges[0]:g}{unit}", *inside, f"over {edges[-1]:g}{unit}"])
    return names[np.where(np.asarray(values) == edges[-1], len(inside), np.digitize(values, edges))]


def balanced_accuracy(labels: np.ndarray, answers: np.ndarray) -> float:
    """The mean over the classes in `labels` of the accuracy in each: 0.5 for a detector of two classes that always says the same.

    Both are int [N].
    """
    labels, answers = np.asarray(labels), np.asarray(answers)
    return float(np.mean([(answers[labels == label] == label).mean() for label in np.unique(labels)]))
