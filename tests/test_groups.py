"""Accuracy by group: intervals against SciPy's, published ones and simulation, McNemar's test against SciPy's binomial test,
few people.
"""
import numpy as np
import pytest
from scipy.stats import binomtest, ttest_1samp
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


@pytest.mark.parametrize("level", [0.95, 0.99])
def test_the_interval_of_a_mean_is_scipys(level):
    values = np.random.default_rng(0).normal(3, 2, (2, 9))
    mean, half = groups.mean_interval(values, level)
    expected = ttest_1samp(values, 0, axis=1).confidence_interval(level)
    np.testing.assert_allclose([mean - half, mean + half], expected)


@pytest.mark.parametrize("correct, people", [(5, 4), (-1, 4), (0, 0)])
def test_impossible_counts_are_refused(correct, people):
    with pytest.raises(ValueError, match="cannot be correct"):
        groups.wilson_interval(correct, people)


@pytest.mark.parametrize("counts, interval", [((56, 70, 48, 80), (0.0524, 0.3339)), ((9, 10, 3, 10), (0.1705, 0.8090)),
                                              ((6, 7, 2, 7), (0.0582, 0.8062)), ((5, 56, 0, 29), (-0.0381, 0.1926))])
def test_interval_of_a_difference_is_newcombes(counts, interval):
    """Table II of Newcombe 1998, method 10."""
    found, low, high = groups.difference(*counts)
    assert found == pytest.approx(counts[0] / counts[1] - counts[2] / counts[3])
    assert (low, high) == pytest.approx(interval, abs=6e-5)
    assert groups.difference(*counts[2:], *counts[:2]) == pytest.approx((-found, -high, -low))


def test_intervals_that_overlap_can_belong_to_groups_that_differ():
    (_, high), (low, _) = groups.wilson_interval(270, 300), groups.wilson_interval(285, 300)
    assert high > low and groups.difference(285, 300, 270, 300)[1] > 0


@pytest.mark.parametrize("only_first, only_second", [(0, 0), (1, 0), (5, 5), (12, 3), (3, 12), (0, 20), (80, 45)])
def test_mcnemar_is_the_binomial_test_of_the_disagreements(only_first, only_second):
    first = np.repeat([1, 0, 1, 0], [only_first, only_second, 50, 10])
    second = np.repeat([0, 1, 1, 0], [only_first, only_second, 50, 10])
    n = only_first + only_second
    assert groups.mcnemar(first, second) == pytest.approx(binomtest(only_first, n, 0.5).pvalue if n else 1)
    found, low, high = groups.paired_difference(first, second)
    assert found == pytest.approx(first.mean() - second.mean()) and low < found < high


def test_paired_interval_holds_the_true_difference_in_95_of_100_experiments():
    """The detectors agree on most people, so an interval for two sets of different people would be far too wide."""
    rng = np.random.default_rng(0)
    drawn = rng.choice(4, size=(2000, 200), p=[0.85, 0.08, 0.03, 0.04])  # both, only the first, only the second, none
    found = np.array([groups.paired_difference(row < 2, (row == 0) | (row == 2)) for row in drawn])
    assert 0.93 < np.mean((found[:, 1] <= 0.05) & (0.05 <= found[:, 2])) < 0.98
    assert np.mean(found[:, 2] - found[:, 1]) < 0.1


def test_detectors_that_answered_for_different_people_are_refused():
    for compare in (groups.mcnemar, groups.paired_difference):
        with pytest.raises(ValueError, match=r"answered for \(3,\) and \(4,\) people"):
            compare(np.ones(3), np.ones(4))


def test_a_group_against_the_rest():
    group = np.repeat([0, 1, 2], [100, 40, 29])
    correct = np.r_[np.arange(100) < 80, np.arange(40) < 39, np.ones(29)]
    first, second, few = groups.against_the_rest(correct, group)
    assert first == ("0", 100, *groups.difference(80, 100, 68, 69)) and first.high < 0
    assert second == ("1", 40, *groups.difference(39, 40, 109, 129))
    assert (few.name, few.people) == ("2", 29) and np.isnan(few[2:]).all()


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
    assert list(names) == ["18-30 years", "18-30 years", "30-50 years", "30-50 years", "50-90 years", "50-90 years",
                           "under 18 years", "over 90 years"]


def test_balanced_accuracy_is_scikit_learns():
    rng = np.random.default_rng(0)
    labels = (rng.random(300) < 0.1).astype(int)
    answers = np.where(rng.random(300) < 0.2, 1 - labels, labels)
    assert groups.balanced_accuracy(labels, answers) == pytest.approx(balanced_accuracy_score(labels, answers))
    assert groups.balanced_accuracy(labels, np.zeros(300, int)) == 0.5
