"""The norms that measure a perturbation, and the penalties that keep it small while it is trained.

A norm is a small object with `size(dx)`, which is reported, and `penalty(dx)`, which the attack adds to its loss. Both
take dx [N, H, W, C] and give one number for each image, [N].
"""
from collections.abc import Callable
from typing import NamedTuple

from utils.quiet import tf

PIXELS = (1, 2, 3)  # the axes of one image in a batch


class Norm(NamedTuple):
    """A norm: its name, its value for each image [N], and the penalty of the course for each image [N]."""

    name: str
    size: Callable[[tf.Tensor], tf.Tensor]
    penalty: Callable[[tf.Tensor], tf.Tensor]


def total_absolute(dx: tf.Tensor) -> tf.Tensor:
    return tf.reduce_sum(tf.abs(dx), PIXELS)


def mean_absolute(dx: tf.Tensor) -> tf.Tensor:
    return tf.reduce_mean(tf.abs(dx), PIXELS)


def euclidean(dx: tf.Tensor) -> tf.Tensor:
    return tf.sqrt(tf.reduce_sum(dx**2, PIXELS))


def mean_square(dx: tf.Tensor) -> tf.Tensor:
    return tf.reduce_mean(dx**2, PIXELS)


def largest_absolute(dx: tf.Tensor) -> tf.Tensor:
    return tf.reduce_max(tf.abs(dx), PIXELS)


NORMS = {
    "L1": Norm("L1", size=total_absolute, penalty=mean_absolute),
    "L2": Norm("L2", size=euclidean, penalty=mean_square),
    "Linf": Norm("Linf", size=largest_absolute, penalty=largest_absolute),
}


def named(norm: str) -> Norm:
    """The norm of that name: "L1", "L2" or "Linf". Raises ValueError for another."""
    if norm not in NORMS:
        raise ValueError(f"There is no norm {norm!r}: choose one of {', '.join(map(repr, NORMS))}.")
    return NORMS[norm]


def total_variation(dx: tf.Tensor) -> tf.Tensor:
    """Sum of the absolute differences of neighbouring pixels, down and across, divided by the number of values.

    dx [N, H, W, C] -> [N]. Anisotropic total variation (Rudin, Osher and Fatemi 1992): small for a smooth DX.
    """
    count = tf.cast(tf.reduce_prod(tf.shape(dx)[1:]), dx.dtype)
    down = tf.reduce_sum(tf.abs(dx[:, 1:] - dx[:, :-1]), PIXELS)
    across = tf.reduce_sum(tf.abs(dx[:, :, 1:] - dx[:, :, :-1]), PIXELS)
    return (down + across) / count
