"""Poisoning: the linear model against scikit-learn, the influence against training again, triggers and clusters by hand."""
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from utils import poisoning

DECAY = 0.05


@pytest.fixture(scope="module")
def rows():
    """Two overlapping classes in [0, 1]: 40 rows to train on, 60 held out, and their labels."""
    random = np.random.default_rng(3)
    y = random.integers(0, 2, 100)
    x = np.clip(0.5 + 0.15 * (2 * y - 1)[:, None] * np.array([1, -1, 0.5, 0, 0]) + 0.25 * random.normal(size=[100, 5]), 0, 1)
    return x[:40], y[:40], x[40:], y[40:]


def theirs(x, y, decay):
    """The weights of scikit-learn, whose penalty is summed over the rows."""
    model = LogisticRegression(C=1 / (decay * len(y)), fit_intercept=False, tol=1e-10, max_iter=5000)
    return model.fit(with_one(x), y).coef_[0]


def held_loss(x, y, x_held, y_held, decay=DECAY):
    weights = theirs(x, y, decay)
    return np.mean(np.log1p(np.exp(-(2 * y_held - 1) * (with_one(x_held) @ weights))))


def with_one(x):
    return np.c_[x, np.ones(len(x))]


def test_newton_finds_the_weights_of_scikit_learn(rows):
    x, y, x_held, y_held = rows
    weights = poisoning.fit_logistic(x, y, DECAY)
    np.testing.assert_allclose(weights, theirs(x, y, DECAY), atol=1e-5)
    assert poisoning.losses(x_held, y_held, weights).mean() == pytest.approx(held_loss(x, y, x_held, y_held), abs=1e-6)


@pytest.mark.parametrize("what", ["left out", "flipped"])
def test_influence_against_training_again(rows, what):
    """With 30 copies of each row one copy is a small change, so that the first order is nearly all of it."""
    x, y, x_held, y_held = rows
    many, labels = np.tile(x, [30, 1]), np.tile(y, 30)
    weights, base = poisoning.fit_logistic(many, labels, DECAY), held_loss(many, labels, x_held, y_held)
    function = poisoning.influence if what == "left out" else poisoning.flip_gain
    found = function(many, labels, weights, DECAY, x_held, y_held)[:40:4]
    changes = []
    for i in range(0, 40, 4):
        if what == "left out":
            left = np.arange(1200) != i
            changes.append(held_loss(many[left], labels[left], x_held, y_held, DECAY * 1200 / 1199) - base)
        else:
            flipped = labels.copy()
            flipped[i] = 1 - flipped[i]
            changes.append(held_loss(many, flipped, x_held, y_held) - base)
    np.testing.assert_allclose(found, changes, rtol=0.03, atol=2e-7 if what == "left out" else 4e-6)


def test_a_crafted_row_moves_along_the_slope_of_the_held_out_loss(rows):
    """One small step against finite differences of the loss after training again with the row in it."""
    x, y, x_held, y_held = rows
    start, label = np.full([1, 5], 0.5), np.array([1])
    moved = poisoning.crafted(np.tile(x, [20, 1]), np.tile(y, 20), start, label, DECAY, x_held, y_held, steps=1, step=0.01)
    slope = []
    for i in range(5):
        ends = [held_loss(np.r_[np.tile(x, [20, 1]), start + change * np.eye(5)[[i]]], np.r_[np.tile(y, 20), label], x_held,
                          y_held) for change in (-0.2, 0.2)]
        slope.append(ends[1] - ends[0])
    np.testing.assert_array_equal(np.sign(moved - start)[0], np.sign(slope))


def test_crafted_rows_do_more_harm_than_where_they_start(rows):
    x, y, x_held, y_held = rows
    start, labels = x_held[:4], 1 - y_held[:4]
    made = poisoning.crafted(x, y, start, labels, DECAY, x_held, y_held, steps=10, step=0.1)
    assert made.min() >= 0 and made.max() <= 1
    before, after = (held_loss(np.r_[x, some], np.r_[y, labels], x_held, y_held) for some in (start, made))
    assert after > before + 0.01


def test_backdoor_marks_images_of_other_classes_only():
    images, labels = np.full([30, 12, 12, 1], 0.5, np.float32), np.arange(30) % 3
    marked, given, poisoned = poisoning.backdoor(images, labels, 2, 5, np.random.default_rng(0))
    assert poisoned.sum() == 5 and (labels[poisoned] != 2).all() and (given[poisoned] == 2).all()
    np.testing.assert_array_equal(given[~poisoned], labels[~poisoned])
    np.testing.assert_array_equal(marked[~poisoned], images[~poisoned])
    window = marked[poisoned][:, 7:11, 7:11]
    assert set(np.unique(window)) == {0, 1} and window.mean() == 0.5
    marked[:, 7:11, 7:11] = 0.5
    np.testing.assert_array_equal(marked, images)
    with pytest.raises(ValueError, match="only 20 images"):
        poisoning.backdoor(images, labels, 2, 21, np.random.default_rng(0))


def test_the_smaller_cluster_is_found():
    random = np.random.default_rng(0)
    other = np.arange(100) % 10 == 3
    points = random.normal(size=[100, 20]) + 8 * other[:, None]
    np.testing.assert_array_equal(poisoning.smaller_cluster(points), other)
