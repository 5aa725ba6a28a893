"""Noise as an attack: its mean and its standard deviation are optimised through the formulas, not through samples."""
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from utils.attacks import adam
from utils.attacks.inputs import check_inputs, check_numbers
from utils.attacks.losses import margin
from utils.attacks.norms import total_variation, towards_zero
from utils.moments.propagate import propagate
from utils.quiet import tf

LEAST = 0.01  # of sigma: above 0
MOST = 2**0.5  # sigma^2 <= 2


class AdversarialNoise(NamedTuple):
    """Noise of mean `mean` and standard deviation `std` (0 outside of the support), float32 [N, H, W, C].

    margin  [N]: of the expected logits with this noise, by formula; below 0 the attack has reached its goal
    """

    mean: np.ndarray
    std: np.ndarray
    margin: np.ndarray


def random_support(shape: tuple[int, ...], alpha: float, seed: int = 0) -> np.ndarray:
    """1 in a share `alpha` of the pixels of each image of shape [N, H, W, C], drawn by `seed`, else 0: float32 [N, H, W, 1].

    Raises ValueError unless 0 < alpha <= 1.
    """
    if not 0 < alpha <= 1:
        raise ValueError(f"alpha is {alpha}, expected a share of the pixels: above 0, at most 1.")
    count, height, width = shape[:3]
    ranks = np.random.default_rng(seed).random([count, height * width]).argsort(1).argsort(1)
    return (ranks < round(alpha * height * width)).astype(np.float32).reshape(count, height, width, 1)


def adversarial_noise(model: Callable, x: np.ndarray, labels: np.ndarray, *, beta: float, targeted: bool = False,
                      support: np.ndarray | float = 1.0, sparse: float = 0.0, smooth: float = 0.0, highest: float = MOST,
                      steps: int = 40) -> AdversarialNoise:
    """Minimise over mu and sigma the margin of the expected logits of x + mu + sigma n, |mu| <= beta, LEAST <= sigma <= highest.

    All in pixel values. The noisy images are not held inside [0, 1]: neither x + mu nor x + mu + sigma n is clipped.

    x, labels  images [N, H, W, C] and their true classes, or with `targeted` the wanted ones
    support    [H, W, 1] or [N, H, W, 1]: 1 where there may be noise, 0 where not
    sparse     weight of the mean absolute value of mu (L1), which sets values of mu to exactly 0
    smooth     weight of the total variation of mu, which makes neighbours alike
    highest    the largest sigma; sigma is one number for each image

    The problems of Bibi, Alfadly and Ghanem 2018 (targeted, and non-targeted with support alpha), with the margin as
    `attacks.margin`. The expected logits are those of `propagate(method="diagonal")`. Adam; then the L1's proximal step; then
    both are clipped. What it is worth, `sampled_fooling_rate` measures. Raises ValueError as `inputs.check_inputs` does, and for
    beta below 0 or `highest` below LEAST.
    """
    x, labels = check_inputs(model, x, labels, targeted)
    check_numbers(beta=beta, sparse=sparse, smooth=smooth, highest=highest)
    if beta < 0 or not LEAST <= highest:
        raise ValueError(f"beta is {beta} and highest {highest}, expected beta >= 0 and highest >= {LEAST}.")
    support = np.broadcast_to(np.float32(support), [len(x), *x.shape[1:3], 1])
    numbers = np.float32([-1 if targeted else 1, beta, sparse, smooth, highest])
    mean, sigma, reached = _optimise(model, *map(tf.constant, (x, labels, support, *numbers, steps)))
    return AdversarialNoise(mean.numpy(), (sigma * support * tf.ones_like(x)).numpy(), reached.numpy())


@tf.function(reduce_retracing=True)
def _optimise(model: Callable, x: tf.Tensor, labels: tf.Tensor, support: tf.Tensor, sign: tf.Tensor, beta: tf.Tensor,
              sparse: tf.Tensor, smooth: tf.Tensor, highest: tf.Tensor, steps: tf.Tensor) -> tuple[tf.Tensor, ...]:
    @tf.autograph.experimental.do_not_convert  # there is nothing to convert in it, and looking for it takes ten seconds
    def expected(mean: tf.Tensor, sigma: tf.Tensor) -> tf.Tensor:
        logits = propagate(model, x + mean, sigma * support * tf.ones_like(x), method="diagonal").mean
        return sign * margin(logits, labels, False)  # a target's margin is the same with the sign flipped

    mean, sigma = tf.zeros_like(x), tf.fill([tf.shape(x)[0], 1, 1, 1], tf.minimum(0.1, highest))
    mean_moments, sigma_moments = adam.first_moments(mean), adam.first_moments(sigma)
    for step in tf.range(steps):
        done = tf.cast(step, tf.float32)
        with tf.GradientTape() as tape:
            tape.watch([mean, sigma])
            loss = expected(mean, sigma) + smooth * total_variation(mean)
        by_mean, by_sigma = tape.gradient(loss, [mean, sigma], unconnected_gradients="zero")  # linear: none by sigma
        rate = adam.cosine(done, tf.cast(steps, tf.float32))
        size = 0.2 * beta * rate
        change, mean_moments = adam.step(by_mean, mean_moments, done, size)
        weight = adam.scale(mean_moments, done) / tf.maximum(size, 1e-8)
        mean = towards_zero(mean - change, weight, tf.fill([tf.shape(x)[0]], sparse))
        mean = support * tf.clip_by_value(mean, -beta, beta)
        change, sigma_moments = adam.step(by_sigma, sigma_moments, done, 0.1 * highest * rate)
        sigma = tf.clip_by_value(sigma - change, LEAST, highest)
    return mean, sigma, expected(mean, sigma)
