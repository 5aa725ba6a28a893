"""Accuracy by group: the interval against SciPy's and against simulation, few people, balanced accuracy against scikit-learn."""
import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.metrics import balanced_accuracy_score

from utils import groups


@pytest.mark.parametrize("correct, people", [(0, 30), (30, 30), (1, 1), (17, 40), (950, 1000), (1499, 1500), (3, 7)])
def test_wilson_interval_is_scipys(correct, people):
    expected = binomtest(correct, people).proportion_ci(confidence_level=0.95, method="wilson")
    assert groups.wilson_interval(correct, people) == pytest.approx((expected.low, expected.high), abs=1e-7)


def test_interval_holds_the_true_accuracy_in_95_of_100_experiments():
    correct = np.random.default_rng(0).binomial(60, 0.9, 4000)
    intervals = np.array([groups.wilson_interval(int(k), 60) for k in correct])
    held = np.mean((intervals[:, 0] <= 0.9) & (0.9 <= intervals[:, 1]))
    assert 0.93 < held < 0.98


@pytest.mark.parametrize("correct, people", [(5, 4), (-1, 4), (0, 0)])
def test_impossible_counts_are_refused(correct, people):
    with pytest.raises(ValueError, match="cannot be correct"):
        groups.wilson_interval(correct, people)


def test_rows_by_name_with_people_and_interval():
    group = np.repeat(["old", "young", "few"], [100, 40, 29])
    correct = np.r_[np.arange(100) < 80, np.arange(40) < 39, np.ones(29)]
    few, old, young = groups.accuracy_by_group(correct, group)
    assert (few.name, few.people) == ("few", 29) and np.isnan([few.accuracy, few.low, few.high]).all()
    assert (old.name, old.people, old.accuracy) == ("old", 100, 0.8) and old.low < 0.8 < old.high
    assert (young.name, young.people, young.accuracy) == ("young", 40, 0.975)
    assert young[3:] == groups.wilson_interval(39, 40)


def test_from_thirty_people_on_a_group_is_reported():
    row, = groups.accuracy_by_group(np.ones(30), np.zeros(30, int))
    assert row.name == "0" and row.accuracy == 1 and 0.88 < row.low < row.high == 1


def test_different_lengths_are_refused():
    with pytest.raises(ValueError, match=r"shape \(3,\) and group \(4,\)"):
        groups.accuracy_by_group(np.ones(3), np.ones(4))


def test_bands():
    ages = np.array([18, 29.9, 30, 49, 50, 90, 5, 90.5])
    names = groups.bands(ages, [18, 30, 50, 90], " years")
    assert list(names) == ["18-30 years", "18-30 years", "30-50 years", "30-50 years", "50-90 years", "50-90 years", "under 18 years", "over 90 years"]


def test_balanced_accuracy_is_scikit_learns():
    rng = np.random.default_rng(0)
    labels = (rng.random(300) < 0.1).astype(int)
    answers = np.where(rng.random(300) < 0.2, 1 - labels, labels)
    assert groups.balanced_accuracy(labels, answers) == pytest.approx(balanced_accuracy_score(labels, answers))
    assert groups.balanced_accuracy(labels, np.zeros(300, int)) == 0.5
