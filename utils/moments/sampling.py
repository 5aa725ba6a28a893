"""Moments by sampling: what every formula is compared with."""
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from utils.moments.gaussian import checked_noise
from utils.quiet import tf

CHUNK_VALUES = 2**20  # values of noisy images at once
DISTRIBUTIONS = ("gaussian", "uniform", "laplace", "cauchy")


class Sampled(NamedTuple):
    """Mean and variance of each logit of N noisy images, and the standard error of both: float64 [N, classes]."""

    mean: np.ndarray
    variance: np.ndarray
    mean_error: np.ndarray
    variance_error: np.ndarray


def noise(shape: tf.Tensor, distribution: str, seed: tf.Tensor) -> tf.Tensor:
    """Independent values of any shape, of mean 0 and standard deviation 1, float32; "cauchy", which has neither, of scale 1.

    distribution  one of DISTRIBUTIONS; "uniform" is on [-sqrt 3, sqrt 3]
    seed          two integers

    Raises ValueError for another distribution.
    """
    if distribution not in DISTRIBUTIONS:
        raise ValueError(f"distribution is {distribution!r}, expected one of {', '.join(map(repr, DISTRIBUTIONS))}.")
    if distribution == "gaussian":
        return tf.random.stateless_normal(shape, seed)
    uniform = tf.random.stateless_uniform(shape, seed, -1, 1)
    if distribution == "uniform":
        return 3**0.5 * uniform
    if distribution == "laplace":  # float32 gives -1 itself too: its logarithm would be infinite
        return -tf.sign(uniform) * tf.math.log1p(-tf.minimum(tf.abs(uniform), 1 - 1e-7)) / 2**0.5
    return tf.tan(np.pi / 2 * uniform)


def sample_moments(model: Callable, mean: tf.Tensor, std: tf.Tensor | float, samples: int, seed: int = 0,
                   distribution: str = "gaussian") -> Sampled:
    """Mean and variance of model(mean + std * noise) over `samples` draws for each image, in chunks.

    mean  images [N, ...]; std  of each value, a number or a shape that broadcasts to that of `mean`. The same seed gives the same
    noise. Standard errors come from the second and fourth sampled moments; of Cauchy noise no result converges.
    Raises ValueError for fewer than 2 samples, another distribution and another shape.
    """
    if samples < 2:
        raise ValueError(f"samples is {samples}, expected 2 or more: one sample has no variance.")
    mean, variance = checked_noise(mean, std, None)
    scale = tf.reshape(tf.sqrt(variance), tf.shape(mean))
    size = max(1, min(samples, CHUNK_VALUES // int(np.prod(mean.shape[1:]))))

    @tf.function
    def sums(image: tf.Tensor, scale: tf.Tensor, clean: tf.Tensor, seed: tf.Tensor, count: tf.Tensor) -> tf.Tensor:
        """Sums of the first four powers of (logit - clean logit)."""
        drawn = noise(tf.concat([[count], tf.shape(image)], 0), distribution, seed)
        difference = tf.cast(model(image + scale * drawn) - clean, tf.float64)
        return tf.stack([tf.reduce_sum(difference**power, 0) for power in (1, 2, 3, 4)])

    rows = []
    for number, (image, one_scale) in enumerate(zip(mean, scale)):
        clean = model(image[None])[0]
        counts = [size] * (samples // size) + [samples % size] * (samples % size > 0)
        total = sum(sums(image, one_scale, clean, tf.constant([seed, number * len(counts) + i]), tf.constant(count)).numpy()
                    for i, count in enumerate(counts))
        rows.append(_from_sums(total / samples, np.asarray(clean, np.float64), samples))
    return Sampled(*(np.stack(column) for column in zip(*rows)))


def _from_sums(powers: np.ndarray, clean: np.ndarray, samples: int) -> tuple[np.ndarray, ...]:
    """The four fields of Sampled, from the means of the first four powers of the difference from the clean logits."""
    first, second, third, fourth = powers
    variance = (second - first**2) * samples / (samples - 1)
    central = fourth - 4 * first * third + 6 * first**2 * second - 3 * first**4
    return (clean + first, variance, np.sqrt(variance / samples),
            np.sqrt(np.maximum(central - variance**2 * (samples - 3) / (samples - 1), 0) / samples))
