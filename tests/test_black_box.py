"""Attacks that see labels only, and what they need: against linear models, scikit-learn's own answers and counted queries."""
import re

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.svm import SVC

from utils import attacks, session
from utils.attacks import classical
from utils.attacks.substitute import reservoir_sample
from utils.data import fonts, mails
from utils.quiet import tf

SHAPE = (6, 5, 1)
KERNEL = np.random.default_rng(3).normal(size=[30, 3]).astype(np.float32)
BIAS = (-0.5 * KERNEL.sum(0)).astype(np.float32)
IMAGES = np.random.default_rng(7).uniform(size=[120, *SHAPE]).astype(np.float32)
LABELS = (IMAGES.reshape(120, -1) @ KERNEL + BIAS).argmax(1)


@pytest.fixture(autouse=True)
def seeds():
    session.start(0)


class Counted:
    """A linear black box that counts what it is asked."""

    def __init__(self):
        self.asked = []

    def __call__(self, images):
        self.asked.extend(images)
        assert images.min() >= 0 and images.max() <= 1
        return (images.reshape(len(images), -1) @ KERNEL + BIAS).argmax(1)


def linear_net() -> tf.keras.Model:
    return tf.keras.Sequential([tf.keras.Input(SHAPE), tf.keras.layers.Flatten(), tf.keras.layers.Dense(3)])


# substitute ------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("step", [0.1, -0.3])
def test_augmented_images_move_along_the_weights_of_their_label(step):
    found = attacks.augmented(lambda x: tf.reshape(x, [-1, 30]) @ KERNEL + BIAS, IMAGES, LABELS, step)
    expected = np.clip(IMAGES + step * np.sign(KERNEL.T[LABELS]).reshape(IMAGES.shape), 0, 1)
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("reservoir, sizes", [(None, [60, 120, 240, 480]), (100, [60, 120, 220, 320])])
def test_substitute_counts_its_queries_and_learns(reservoir, sizes):
    box, net = Counted(), linear_net()
    agreement, counts = [], []
    for queries in attacks.substitute(box, IMAGES[:60], net, rounds=3, reservoir=reservoir, epochs=60, learning_rate=0.02):
        counts.append(queries)
        assert queries == len(box.asked)
        agreement.append(np.mean(net(IMAGES[60:]).numpy().argmax(1) == LABELS[60:]))
    assert counts == sizes and agreement[-1] > 0.6  # the most frequent label has 0.38


@pytest.mark.parametrize("images, box, words", [(IMAGES[:0], lambda x: np.zeros(len(x), int), "start images"),
                                                (255 * IMAGES[:4], lambda x: np.zeros(len(x), int),
                                                 "expected 0 to 1: divide by 255"),
                                                (np.nan * IMAGES[:4], lambda x: np.zeros(len(x), int), "expected 0 to 1"),
                                                (IMAGES[:4], lambda x: np.zeros([len(x), 3]), "whole number")])
def test_substitute_refuses_what_cannot_be_meant(images, box, words):
    with pytest.raises(ValueError, match=words):
        list(attacks.substitute(box, images, linear_net()))


def test_the_reservoir_is_uniform():
    random = np.random.default_rng(0)
    draws = [reservoir_sample(20, 5, random) for _ in range(4000)]
    assert all(len(set(draw)) == 5 for draw in draws)
    counts = np.bincount(np.concatenate(draws), minlength=20)
    assert np.abs(counts - 1000).max() < 4 * np.sqrt(4000 * 0.25 * 0.75)


# scikit-learn's models -------------------------------------------------------------------------------------------------

def test_models_of_scikit_learn_keep_their_answers():
    rows = classical.rows(IMAGES)
    logistic = LogisticRegression().fit(rows, LABELS)
    machines = OneVsRestClassifier(SVC(kernel="rbf", gamma=0.3)).fit(rows, LABELS)
    forest = RandomForestClassifier(5, random_state=0).fit(rows, LABELS)
    for fitted, model in ((logistic, classical.linear(logistic)), (machines, classical.radial(machines))):
        np.testing.assert_allclose(model(tf.constant(IMAGES)), fitted.decision_function(rows), atol=1e-4)
    np.testing.assert_array_equal(np.asarray(classical.votes(forest)(tf.constant(IMAGES))).argmax(1), forest.predict(rows))
    np.testing.assert_array_equal(classical.labels_only(forest)(IMAGES), forest.predict(rows))
    np.testing.assert_array_equal(classical.labels_only(classical.linear(logistic))(IMAGES), logistic.predict(rows))


# decision --------------------------------------------------------------------------------------------------------------

def test_hop_skip_jump_comes_near_the_exact_distance():
    """Images in the middle of the box, where the nearest point of the boundary of a linear model lies inside."""
    x = (0.5 + 0.3 * (IMAGES[:6] - 0.5)).astype(np.float32)
    box = Counted()
    logits = x.reshape(6, -1) @ KERNEL + BIAS
    labels = logits.argmax(1)
    exact = [min((row[label] - row[other]) / np.linalg.norm(KERNEL[:, label] - KERNEL[:, other])
                 for other in range(3) if other != label) for row, label in zip(logits, labels)]
    found = attacks.hop_skip_jump(box, x, labels, starts=IMAGES[20:], steps=12, directions=60)
    asked = len(box.asked)
    assert found.success.all() and (found.norms["L2"] > np.array(exact) * 0.999).all()
    assert np.median(found.norms["L2"] / exact) < 1.25
    assert found.history["queries"][-1] * 6 == pytest.approx(asked - 6)  # the last six are the Result's own check
    assert (np.diff(found.history["L2"]) <= 0).all()


@pytest.mark.parametrize("labels, starts, words", [(1 - LABELS[:3] % 2, IMAGES, "other labels"),
                                                   (LABELS[:3], IMAGES[:1], "No start")])
def test_hop_skip_jump_refuses_what_cannot_be_meant(labels, starts, words):
    with pytest.raises(ValueError, match=words):
        attacks.hop_skip_jump(Counted(), IMAGES[:3], labels, starts=starts, steps=1)


# data and figures ------------------------------------------------------------------------------------------------------

def test_mails_follow_the_grammar():
    texts, labels = mails.mails(200, seed=4)
    assert len(texts) == 200 and labels.sum() == 100
    assert not any(re.search(r"\b[A-Z]{2,}\b", text) for text in texts)  # every word of the grammar is expanded
    assert all(3 <= len(text.split(". ")) <= 8 for text in texts)
    in_spam = np.mean(["click" in text or "pills" in text for text, label in zip(texts, labels) if label])
    assert in_spam > 0.3 and not any("pills" in text for text, label in zip(texts, labels) if not label)
    assert mails.mails(200, seed=4)[0] == texts != mails.mails(200, seed=5)[0]
    with pytest.raises(ValueError, match="2 mails"):
        mails.mails(1)


def test_printed_digits_can_be_read():
    images, labels = fonts.font_digits(400, seed=1)
    assert images.shape == (400, 28, 28, 1) and images.min() == 0 and 0.9 < images.max() <= 1
    means = np.stack([images[:300][labels[:300] == digit].mean(0) for digit in range(10)])
    nearest = ((images[300:, None] - means) ** 2).sum((2, 3, 4)).argmin(1)
    assert np.mean(nearest == labels[300:]) > 0.4  # by chance 0.1
    np.testing.assert_array_equal(fonts.font_digits(400, seed=1)[0], images)
