"""The norms that measure a perturbation, and the penalties that keep it small while it is trained.

A `Norm` holds `size(dx)`, which is reported, and `penalty(dx)`, which the attack adds to its loss; for a penalty with corners
also its `proximal` step. Size and penalty map
dx, float32 [N, H, W, C], to one number for each image, float32 [N], at least 0. A value of dx is a difference of two pixel
values in [0, 1]: 1 is from black to white, 1/255 is one grey level of a file. A penalty is a mean over the H * W * C values
of an image where its size is a sum, so that the same lambda suits images of any size.
"""
from collections.abc import Callable
from typing import NamedTuple

from utils.quiet import tf

PIXELS = (1, 2, 3)  # the axes of one image in a batch


class Norm(NamedTuple):
    """A norm.

    name     "L1", "L2" or "Linf"
    size     dx [N, H, W, C] -> the norm of each image [N], in pixel values
    penalty  dx [N, H, W, C] -> what lambda multiplies, [N]: in pixel values for L1 and Linf, in their squares for L2
    proximal the step that follows a penalty with corners, where its gradient leads to and fro: dx and weight [N, H, W, C] and
             lam [N] -> [N, H, W, C] (`towards_zero`, `largest_down`). None for L2, which has a gradient everywhere
    """

    name: str
    size: Callable[[tf.Tensor], tf.Tensor]
    penalty: Callable[[tf.Tensor], tf.Tensor]
    proximal: Callable[[tf.Tensor, tf.Tensor, tf.Tensor], tf.Tensor] | None = None


def total_absolute(dx: tf.Tensor) -> tf.Tensor:
    """The L1 norm, the sum of the absolute values: [N, H, W, C] -> [N], 0 to H * W * C."""
    return tf.reduce_sum(tf.abs(dx), PIXELS)


def mean_absolute(dx: tf.Tensor) -> tf.Tensor:
    """The L1 norm divided by the number of values: [N, H, W, C] -> [N], 0 to 1."""
    return tf.reduce_mean(tf.abs(dx), PIXELS)


def euclidean(dx: tf.Tensor) -> tf.Tensor:
    """The L2 norm, the root of the sum of squares: [N, H, W, C] -> [N], 0 to sqrt(H * W * C).

    Its gradient at 0 is NaN, so it is reported and not trained.
    """
    return tf.sqrt(tf.reduce_sum(dx**2, PIXELS))


def mean_square(dx: tf.Tensor) -> tf.Tensor:
    """The square of the L2 norm divided by the number of values: [N, H, W, C] -> [N], 0 to 1."""
    return tf.reduce_mean(dx**2, PIXELS)


def largest_absolute(dx: tf.Tensor) -> tf.Tensor:
    """The Linf norm, the largest absolute value: [N, H, W, C] -> [N], 0 to 1."""
    return tf.reduce_max(tf.abs(dx), PIXELS)


def towards_zero(dx: tf.Tensor, weight: tf.Tensor, lam: tf.Tensor) -> tf.Tensor:
    """The y that minimises  sum(weight * (y - dx)^2) / 2 + lam * mean_absolute(y): each value moves towards 0.

    dx, y [N, H, W, C] in pixel values; weight, of the same shape, above 0; lam [N], at least 0. The soft threshold, the
    proximal operator of L1 (Parikh and Boyd 2014, section 6.5.2).
    """
    values = tf.cast(tf.reduce_prod(tf.shape(dx)[1:]), dx.dtype)
    return tf.sign(dx) * tf.maximum(tf.abs(dx) - lam[:, None, None, None] / (values * weight), 0.0)


def largest_down(dx: tf.Tensor, weight: tf.Tensor, lam: tf.Tensor) -> tf.Tensor:
    """The y that minimises  sum(weight * (y - dx)^2) / 2 + lam * largest_absolute(y): the largest values go down to one height.

    dx, y [N, H, W, C] in pixel values; weight, of the same shape, above 0; lam [N], at least 0. The height tau is where
    sum(weight * max(|dx| - tau, 0)) = lam, or 0. If exactly the k largest values are above it, it is (sum of weight * |dx| over
    these - lam) / (sum of their weights); for any other k that is smaller, so the largest of all is the right one. The
    proximal operator of Linf (Parikh and Boyd 2014, section 6.5.2, there with equal weights).
    """
    flat = [tf.shape(dx)[0], -1]
    height, weight = tf.reshape(tf.abs(dx), flat), tf.reshape(weight, flat)
    order = tf.argsort(height, direction="DESCENDING", stable=True)
    height, weight = tf.gather(height, order, batch_dims=1), tf.gather(weight, order, batch_dims=1)
    tau = tf.reduce_max((tf.cumsum(weight * height, 1) - lam[:, None]) / tf.cumsum(weight, 1), 1)
    tau = tf.maximum(tau, 0.0)[:, None, None, None]
    return tf.clip_by_value(dx, -tau, tau)


NORMS = {
    "L1": Norm("L1", size=total_absolute, penalty=mean_absolute, proximal=towards_zero),
    "L2": Norm("L2", size=euclidean, penalty=mean_square),
    "Linf": Norm("Linf", size=largest_absolute, penalty=largest_absolute, proximal=largest_down),
}


def named(norm: str) -> Norm:
    """The norm of that name: "L1", "L2" or "Linf". Raises ValueError for another."""
    if norm not in NORMS:
        raise ValueError(f"There is no norm {norm!r}: choose one of {', '.join(map(repr, NORMS))}.")
    return NORMS[norm]


def total_variation(dx: tf.Tensor) -> tf.Tensor:
    """Sum of the absolute differences of neighbouring pixels, down and across, divided by the number of values.

    dx [N, H, W, C] -> [N], in pixel values. Anisotropic total variation (Rudin, Osher and Fatemi 1992, there with the
    Euclidean length of the gradient): small for a smooth DX.
    """
    count = tf.cast(tf.reduce_prod(tf.shape(dx)[1:]), dx.dtype)
    down = tf.reduce_sum(tf.abs(dx[:, 1:] - dx[:, :-1]), PIXELS)
    across = tf.reduce_sum(tf.abs(dx[:, :, 1:] - dx[:, :, :-1]), PIXELS)
    return (down + across) / count
