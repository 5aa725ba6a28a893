"""Moments of Gaussian variables after a ReLU, in closed form: what one layer of a network does to Gaussian noise.

X is normal with mean m and standard deviation s, h = m / s, X+ = max(X, 0); phi and Phi are the density and the distribution
function of the standard normal. All functions take float32 or float64, any leading dimensions, and can be differentiated once.
They stay finite, and so do their gradients, for s = 0, for |h| of any size and for correlations of 1 and -1. float64 for 1e-10.
"""
import math

import numpy as np

from utils.quiet import tf

FAR = 40.0  # where |h| is larger, phi(h) is 0 even in float64, and X+ is X or 0
NODES, WEIGHTS = np.polynomial.legendre.leggauss(32)  # exact to 1.3e-12 on the integral of `relu_covariance`


def phi(h: tf.Tensor) -> tf.Tensor:
    """The density of the standard normal at h, of any shape."""
    return tf.exp(-h * h / 2) / math.sqrt(2 * math.pi)


def Phi(h: tf.Tensor) -> tf.Tensor:
    """The probability that a standard normal variable is below h, of any shape; exact in its left tail too."""
    return tf.math.erfc(-h / math.sqrt(2)) / 2


def standard_deviation(variance: tf.Tensor) -> tf.Tensor:
    """The square root of variances of any shape, with a finite gradient at 0."""
    variance = tf.convert_to_tensor(variance)
    return tf.sqrt(tf.maximum(variance, _smallest(variance.dtype)**2))


def standardised(mean: tf.Tensor, std: tf.Tensor) -> tf.Tensor:
    """h = mean / std, of any shape, cut at -40 and 40, where nothing changes any more; mean 0 and std 0 give 0."""
    return tf.clip_by_value(mean / tf.maximum(std, _smallest(mean.dtype)), -FAR, FAR)


def relu_mean(mean: tf.Tensor, std: tf.Tensor) -> tf.Tensor:
    """E[X+] = m Phi(h) + s phi(h), for each unit: theorem 1 of Bibi, Alfadly and Ghanem 2018 for one unit.

    mean, std  of X, of any shape, the same or shapes that broadcast
    """
    mean, std = _tensors(mean, std)
    h = standardised(mean, std)
    return mean * Phi(h) + std * phi(h)


def relu_second_moment(mean: tf.Tensor, std: tf.Tensor) -> tf.Tensor:
    """E[X+^2] = (m^2 + s^2) Phi(h) + m s phi(h), for each unit, of any shape."""
    mean, std = _tensors(mean, std)
    h = standardised(mean, std)
    return (mean**2 + std**2) * Phi(h) + mean * std * phi(h)


def relu_variance(mean: tf.Tensor, std: tf.Tensor) -> tf.Tensor:
    """var(X+) for each unit, of any shape: the second moment minus the squared mean, without subtracting large numbers."""
    mean, std = _tensors(mean, std)
    h = standardised(mean, std)
    above, below = Phi(h), Phi(-h)
    return std**2 * tf.maximum(above + h * h * above * below + h * phi(h) * (below - above) - phi(h)**2, 0)


def relu_atom(mean: tf.Tensor, std: tf.Tensor) -> tf.Tensor:
    """P(X+ = 0) = Phi(-h) for each unit, of any shape: the part of the distribution of X+ that lies in the one point 0."""
    return Phi(-standardised(*_tensors(mean, std)))


def relu_density(x: tf.Tensor, mean: tf.Tensor, std: tf.Tensor) -> tf.Tensor:
    """The density of X+ at x > 0; 0 elsewhere. With `relu_atom` at 0 it is the whole distribution.

    x, mean, std  of any shape, the same or shapes that broadcast; std > 0
    """
    mean, std = _tensors(mean, std)
    x = tf.cast(x, mean.dtype)
    return tf.where(x > 0, phi((x - mean) / std) / std, 0)


def relu_covariance(mean: tf.Tensor, covariance: tf.Tensor) -> tf.Tensor:
    """cov(X+) of a Gaussian vector X with any mean, exact: [..., d] and [..., d, d] -> [..., d, d].

    Price's theorem (1958) says that the derivative of cov(X+, Y+) by cov(X, Y) is P(X > 0, Y > 0), and that of P(X > 0, Y > 0) is
    the density of (X, Y) at 0. Integrated twice from correlation 0, with r = sin t:
    cov(X+, Y+) = cov(X, Y) Phi(hx) Phi(hy)
                  + sx sy / (2 pi) * integral from 0 to asin(rho) of
                    (rho - sin t) exp(-(hx^2 - 2 hx hy sin t + hy^2) / (2 cos^2 t)) dt.
    The integral is a sum over 32 Gauss-Legendre points; the diagonal is `relu_variance`.
    """
    mean, covariance = _tensors(mean, covariance)
    std = standard_deviation(tf.linalg.diag_part(covariance))
    h, rho = standardised(mean, std), _correlation(covariance, std)
    difference, sum_ = (h[..., :, None] - h[..., None, :])**2 / 4, (h[..., :, None] + h[..., None, :])**2 / 4
    # The integrand is 0 at the upper end, so the end itself adds nothing to the gradient, though asin has none at 1.
    end = tf.stop_gradient(tf.asin(rho))
    found = covariance * _outer(Phi(h)) + _outer(std) * _integral(end, rho, difference, sum_) / (2 * math.pi)
    return tf.linalg.set_diag(found, relu_variance(mean, std))


def _integral(end: tf.Tensor, rho: tf.Tensor, difference: tf.Tensor, sum_: tf.Tensor) -> tf.Tensor:
    """The integral from t = 0 to `end` of (rho - sin t) exp(-difference / (1 - sin t) - sum_ / (1 + sin t)), all [..., d, d]."""
    total = tf.zeros_like(rho)
    end, rho, difference, sum_ = (tensor[..., None] for tensor in (end, rho, difference, sum_))
    for nodes, weights in zip(np.split((NODES + 1) / 2, 4), np.split(WEIGHTS / 2, 4)):  # eight at once: memory
        t = end * tf.constant(nodes, end.dtype)
        below, above = 2 * tf.sin(math.pi / 4 - t / 2)**2, 2 * tf.sin(math.pi / 4 + t / 2)**2  # 1 - sin t, 1 + sin t
        values = (rho - tf.sin(t)) * tf.exp(-difference / below - sum_ / above)
        total += tf.linalg.matvec(values, tf.constant(weights, end.dtype))
    return end[..., 0] * total


def zero_mean_covariance(covariance: tf.Tensor) -> tf.Tensor:
    """cov(X+) of a Gaussian vector X with mean 0: [..., d, d] -> [..., d, d] (Bibi, Alfadly and Ghanem 2018, theorem 2).

    sx sy / (2 pi) * (rho acos(-rho) + sqrt(1 - rho^2) - 1).
    """
    covariance = tf.convert_to_tensor(covariance)
    std = standard_deviation(tf.linalg.diag_part(covariance))
    rho = _correlation(covariance, std)
    # The gradients of acos and of the root cancel, and at 1 both are infinite: neither is followed.
    angle, root = tf.stop_gradient(tf.acos(-rho)), tf.stop_gradient(tf.sqrt(1 - rho**2))
    return _outer(std) * (rho * angle + root - 1) / (2 * math.pi)


def series_covariance(mean: tf.Tensor, covariance: tf.Tensor, order: int) -> tf.Tensor:
    """`relu_covariance` as a power series in the correlation, up to rho^order: [..., d], [..., d, d] -> [..., d, d].

    sx sy * sum over n of rho^n / n! * a_n(hx) a_n(hy), with a_1 = Phi and a_n the derivative of order n - 2 of phi: by Price's
    theorem these are the derivatives of cov(X+, Y+) at correlation 0. Order 1 keeps cov(X, Y) Phi(hx) Phi(hy) only.
    """
    mean, covariance = _tensors(mean, covariance)
    std = standard_deviation(tf.linalg.diag_part(covariance))
    h, rho = standardised(mean, std), _correlation(covariance, std)
    total = rho * _outer(Phi(h))
    hermite, before = tf.ones_like(h), tf.zeros_like(h)
    for n in range(2, order + 1):  # phi's derivative of order k is (-1)^k He_k phi, and in the product the sign is lost
        total += rho**n / math.factorial(n) * _outer(hermite * phi(h))
        hermite, before = h * hermite - (n - 2) * before, hermite
    return _outer(std) * total


def _tensors(mean: tf.Tensor, other: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    mean = tf.convert_to_tensor(mean)
    return mean, tf.cast(other, mean.dtype)


def _smallest(dtype: tf.DType) -> float:
    """The smallest standard deviation: mean / std^2 does not overflow."""
    return float(np.finfo(dtype.as_numpy_dtype).tiny) ** (1 / 3)


def _outer(vector: tf.Tensor) -> tf.Tensor:
    return vector[..., :, None] * vector[..., None, :]


def _correlation(covariance: tf.Tensor, std: tf.Tensor) -> tf.Tensor:
    """The correlations, in [-1, 1]; where rounding went beyond, the gradient is kept."""
    rho = covariance / _outer(std)
    return rho + tf.stop_gradient(tf.clip_by_value(rho, -1, 1) - rho)
