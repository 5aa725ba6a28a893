"""What the formulas are compared with in bench_moments.py: the linearised network, and the method of the paper."""
from collections.abc import Callable

import numpy as np

from utils import moments
from utils.moments.two_stage import _covariances, _pulled_back
from utils.quiet import tf


def linearised(model: Callable, x: tf.Tensor, relu: int, sigma: float) -> tuple[Callable, tf.Tensor]:
    """The network that `two_stage` has the moments of: only this ReLU is one, and around x [1, D] all else is its tangent.

    As (function, its input without noise): for U units the function takes the U coordinates of the noise that they depend on.
    With J^T = Q R, noise n moves the units by R^T (Q^T n), and Q^T n is again independent noise: the same distribution.
    """
    before, after = moments.cut(model, tuple(x.shape[1:]), relu)
    with tf.GradientTape() as tape:
        tape.watch(x)
        start = before(x)
    slope = tape.jacobian(start, x)[0, :, 0]
    output = middle(start, slope, sigma)
    logits, _, by_output = _pulled_back(after, x, output)
    by_noise = tf.linalg.qr(tf.transpose(slope)).r

    def tangent(noisy: tf.Tensor) -> tf.Tensor:
        units = tf.nn.relu(start + tf.matmul(noisy, by_noise))
        return logits + tf.matmul(units - output, by_output, transpose_b=True)
    return tangent, tf.zeros([1, by_noise.shape[0]])


def middle(start: tf.Tensor, slope: tf.Tensor, sigma: float) -> tf.Tensor:
    """The mean of the ReLU's output: what follows is linearised there, as `two_stage` does."""
    return moments.relu_mean(start, sigma * tf.norm(slope, axis=1))


def paper(model: Callable, x: tf.Tensor, sigma: float, relu: int) -> moments.Gaussian:
    """Bibi, Alfadly and Ghanem 2018 for one image x [1, ...]: two-stage, both tangents at the image itself.

    The mean is theorem 1; the variances are theorem 2, which takes the input of the ReLU for one of mean 0.
    """
    before, after = moments.cut(model, tuple(x.shape[1:]), relu)
    start = before(x)
    covariance = _covariances(before, x, tf.fill([int(np.prod(x.shape[1:]))], sigma**2))
    rectified = tf.nn.relu(start)
    logits, _, by_output = _pulled_back(after, x, rectified)
    std = tf.sqrt(tf.linalg.diag_part(covariance))
    shift = moments.relu_mean(tf.reshape(start, [-1]), std) - tf.reshape(rectified, [-1])
    variance = tf.reduce_sum(tf.matmul(by_output, moments.zero_mean_covariance(covariance)) * by_output, 1)
    return moments.Gaussian(logits + tf.linalg.matvec(by_output, shift), tf.linalg.diag(variance)[None])
