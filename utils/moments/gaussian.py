"""Gaussian vectors: what goes into a network as noise, and what the methods say about its outputs."""
from typing import NamedTuple

import numpy as np

from utils.quiet import tf


class Gaussian(NamedTuple):
    """Mean [N, D] and covariance [N, D, D] of N random vectors, such as the logits of N noisy images."""

    mean: tf.Tensor
    covariance: tf.Tensor

    @property
    def variance(self) -> tf.Tensor:
        """Of each value: [N, D]."""
        return tf.linalg.diag_part(self.covariance)


def checked_noise(mean: tf.Tensor, std: tf.Tensor | float | None, covariance: tf.Tensor | None) -> tuple[tf.Tensor, tf.Tensor]:
    """The mean [N, ...] as float32, and the noise as variances [N, D] or as covariances [N, D, D], D values an image.

    mean        the images [N, ...] in the middle of the noise (an image, plus the mean of the noise where it is not 0)
    std         of each value, independent of the others: a number, or an array that broadcasts to the shape of `mean`
    covariance  in the place of std: [D, D] for all images, or [N, D, D]

    Raises ValueError unless exactly one of both is given, in one of these shapes, finite, std >= 0.
    """
    mean = tf.cast(tf.convert_to_tensor(mean), tf.float32)
    if mean.shape.rank is None or mean.shape.rank < 2:
        raise ValueError(f"The mean has shape {mean.shape}, expected [N, ...]: use image[None] for one image.")
    if (std is None) == (covariance is None):
        raise ValueError("Give std or covariance, one of the two: they say how strong the noise is.")
    values = int(np.prod(mean.shape[1:]))
    if std is not None:
        std = tf.cast(std, tf.float32)
        if tf.executing_eagerly() and not bool(tf.reduce_all(tf.math.is_finite(std) & (std >= 0))):
            raise ValueError("std holds a number below 0 or one that is not finite: a standard deviation is 0 or more.")
        try:
            return mean, tf.reshape(tf.broadcast_to(std**2, tf.shape(mean)), [-1, values])
        except (ValueError, tf.errors.InvalidArgumentError):
            raise ValueError(f"std has shape {std.shape}, expected one that broadcasts to {mean.shape}.") from None
    covariance = tf.cast(covariance, tf.float32)
    if covariance.shape[-2:] != (values, values) or covariance.shape.rank > 3:
        raise ValueError(f"The covariance has shape {covariance.shape}, expected [D, D] or [N, D, D] with D = {values} values "
                         "an image.")
    return mean, tf.broadcast_to(covariance, [tf.shape(mean)[0], values, values])
