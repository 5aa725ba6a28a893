"""The number that an explanation explains: a score of each image for its class, and the gradient of that score.

A score maps logits [N, classes] and labels [N] to [N]. `logit` is the usual one; `probability` is what a person reads, but its
gradient vanishes where the network is certain; `log_odds` also counts what speaks against the other classes.
"""
from collections.abc import Callable, Iterator

import numpy as np

from utils.attacks.inputs import CHUNK, Model, most_at_once
from utils.attacks.losses import without_label
from utils.explain.relu import RELU, replaced
from utils.quiet import tf

Score = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]  # logits [N, classes], labels [N] -> [N]


def logit(logits: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
    """The logit [N] of each label."""
    return tf.gather(logits, labels, batch_dims=1)


def probability(logits: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
    """The probability p [N] of each label, by softmax."""
    return tf.gather(tf.nn.softmax(logits), labels, batch_dims=1)


def log_odds(logits: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
    """log(p / (1 - p)) of each label, [N]: its logit minus the log-sum-exp of the others, with two classes minus the other."""
    return logit(logits, labels) - tf.reduce_logsumexp(without_label(logits, labels), axis=1)


def class_scores(model: Model, x: np.ndarray, labels: np.ndarray, score: Score = logit) -> np.ndarray:
    """The score [N] of each image x [N, H, W, C] for its label [N]."""
    return np.concatenate([_score(model, tf.constant(x[part]), tf.constant(labels[part]), score).numpy() for part in slices(x)])


def gradients(model: Model, x: np.ndarray, labels: np.ndarray, score: Score = logit, relu: Callable = RELU) -> np.ndarray:
    """The gradient [N, H, W, C] of each image's score by its pixels; `relu` takes the place of the network's own ReLU."""
    return np.concatenate([score_gradient(model, tf.constant(x[part]), tf.constant(labels[part]), score, relu).numpy()
                           for part in slices(x)])


@tf.function(reduce_retracing=True)
def score_gradient(model: Model, x: tf.Tensor, labels: tf.Tensor, score: Score, relu: Callable = RELU) -> tf.Tensor:
    """`gradients` [N, H, W, C] of one batch, compiled."""
    with replaced(relu), tf.GradientTape() as tape:
        tape.watch(x)
        total = tf.reduce_sum(score(model(x), labels))
    return tape.gradient(total, x, unconnected_gradients="zero")


@tf.function(reduce_retracing=True)
def _score(model: Model, x: tf.Tensor, labels: tf.Tensor, score: Score) -> tf.Tensor:
    return score(model(x), labels)


def slices(x: np.ndarray, count: int | None = None) -> Iterator[slice]:
    """Slices of `count` images like those of x [N, H, W, C] (N by default), each small enough for the memory."""
    count = len(x) if count is None else count
    size = min(CHUNK, most_at_once(x))
    return (slice(start, start + size) for start in range(0, count, size))
