"""Adam on inputs instead of weights: what an attack, and the search for a latent vector, take in each step."""
from typing import NamedTuple

import numpy as np

from utils.quiet import tf

BETA_1 = 0.9  # the default of Kingma and Ba 2015
# Their default is .999, a memory of 1000 steps, for trainings of many thousands. These searches take 100 to 200 steps, and
# lambda changes the size of the gradient on the way: a memory of 100 steps follows it.
BETA_2 = 0.99
EPSILON = 1e-8  # their default: makes 0 / 0 a step of 0, and is far below the root of any other square here


class Moments(NamedTuple):
    """Running means of the gradient and of its square, each of the shape of the variable."""

    mean: tf.Tensor
    square: tf.Tensor


def first_moments(variable: tf.Tensor) -> Moments:
    """The moments before the first step: 0, of the shape of the variable, which is any shape."""
    return Moments(tf.zeros_like(variable), tf.zeros_like(variable))


def step(gradient: tf.Tensor, moments: Moments, done: tf.Tensor, size: tf.Tensor,
         beta_2: float = BETA_2) -> tuple[tf.Tensor, Moments]:
    """What the variable loses, size * mean / sqrt(square), and the new moments (Kingma and Ba 2015, algorithm 1).

    gradient  of the shape of the variable
    done      float32 []: how many steps were taken before. Both moments start at 0, which the division by 1 - beta^(done + 1)
              corrects
    size      float32 []: the step size, about the largest change of a value
    beta_2    the part of the mean square that is kept in a step
    """
    moments = Moments(BETA_1 * moments.mean + (1 - BETA_1) * gradient, beta_2 * moments.square + (1 - beta_2) * gradient**2)
    mean_unbiased = moments.mean / (1 - BETA_1 ** (done + 1))
    return size * mean_unbiased / scale(moments, done, beta_2), moments


def scale(moments: Moments, done: tf.Tensor, beta_2: float = BETA_2) -> tf.Tensor:
    """What Adam divides by, the typical size of each gradient, of the shape of the variable.

    moments as `step` returns them, done as it was given
    """
    return tf.sqrt(moments.square / (1 - beta_2 ** (done + 1))) + EPSILON


def cosine(done: tf.Tensor, steps: tf.Tensor) -> tf.Tensor:
    """From 1 to 0 along half a cosine: what multiplies the step size after `done` of `steps` steps, all float32 [].

    Adam's steps do not become shorter at a minimum: with a constant step size the variable goes to and fro around it (the
    median L2 of DX on built-in faces: 7 to 11 % longer). A cosine stays near 1 while there is far to go (Loshchilov and
    Hutter 2017, equation 5).
    """
    return 0.5 + 0.5 * tf.cos(np.pi * done / steps)
