"""Accuracy by group of people, with how far it can be trusted.

A detector that is correct for 95 % of all people can be correct for 99 % of one group and 80 % of another. An accuracy measured
on few people is uncertain, so each comes with the number of people and a 95 % interval, and below FEWEST it is not reported.
"""
from typing import NamedTuple

import numpy as np

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
