"""Explanations by the gradient: one number for each value of the image, [N, H, W, C], positive where more of it raises the score.

All methods take any callable images [N, H, W, C] in [0, 1] -> logits [N, classes], and the labels [N] whose score is explained,
and raise ValueError for inputs that cannot be meant (`attacks.inputs.check_inputs`). `completeness` and `per_pixel` work on what
they return, and check nothing.
"""
from collections.abc import Callable

import numpy as np

from utils.attacks.inputs import Model, check_inputs
from utils.explain.relu import deconvolution, guided
from utils.explain.scores import Score, class_scores, gradients, logit, score_gradient, slices
from utils.quiet import tf


def saliency(model: Model, x: np.ndarray, labels: np.ndarray, score: Score = logit) -> np.ndarray:
    """The gradient [N, H, W, C] of the score by the pixels (Simonyan et al. 2014, section 3): one forward and backward pass."""
    return gradients(model, *check_inputs(model, x, labels), score)


def gradient_times_input(model: Model, x: np.ndarray, labels: np.ndarray, score: Score = logit) -> np.ndarray:
    """Gradient times pixel, [N, H, W, C]: the linear part of what the pixel adds, measured from black."""
    return x * saliency(model, x, labels, score)


def smooth_grad(model: Model, x: np.ndarray, labels: np.ndarray, score: Score = logit, *, samples: int = 32,
                sigma: float = 0.1, seed: int = 0) -> np.ndarray:
    """The mean gradient [N, H, W, C] over images with Gaussian noise (Smilkov et al. 2017): `samples` passes.

    sigma  the standard deviation of the noise, in pixel values
    """
    x, labels = check_inputs(model, x, labels)
    noise = np.random.default_rng(seed).standard_normal((samples, 1, *x.shape[1:]), np.float32)
    return _mean_gradient(model, lambda i, part: x[i] + np.float32(sigma) * noise[part, 0], samples, x, labels, score)


def integrated_gradients(model: Model, x: np.ndarray, labels: np.ndarray, score: Score = logit, *,
                         baseline: np.ndarray | float = 0.0, steps: int = 64, tolerance: float = 0.01,
                         most: int = 4096) -> np.ndarray:
    """(x - baseline) times the mean gradient on the straight line from the baseline to x (Sundararajan et al. 2017, equation 1).

    Complete: the values of an image add up to score(x) - score(baseline), but for the error of the midpoint rule with `steps`
    points. Images whose relative error (`completeness`) is above `tolerance` are done again with four times the points, up to
    `most`. baseline is a number or images [N, H, W, C].
    """
    x, labels = check_inputs(model, x, labels)
    start = np.broadcast_to(np.asarray(baseline, np.float32), x.shape)
    found, again = np.zeros_like(x), np.arange(len(x))
    while len(again):
        share = ((np.arange(steps, dtype=np.float32) + 0.5) / steps).reshape(-1, 1, 1, 1)
        first, way = start[again], (x - start)[again]
        found[again] = way * _mean_gradient(model, lambda i, part: first[i] + share[part] * way[i], steps, way, labels[again],
                                            score)
        error = completeness(model, x[again], labels[again], found[again], score, baseline=first)
        again, steps = again[error > tolerance], 4 * steps
        if steps > most:
            break
    return found


def completeness(model: Model, x: np.ndarray, labels: np.ndarray, attributions: np.ndarray, score: Score = logit, *,
                 baseline: np.ndarray | float = 0.0) -> np.ndarray:
    """|sum of the attributions - (score(x) - score(baseline))| / |score(x) - score(baseline)|, [N]: 0 if they are complete."""
    start = np.broadcast_to(np.asarray(baseline, np.float32), x.shape)
    change = class_scores(model, x, labels, score) - class_scores(model, start, labels, score)
    return np.abs(attributions.sum((1, 2, 3), dtype=np.float64) - change) / np.maximum(np.abs(change), 1e-12)


def guided_backprop(model: Model, x: np.ndarray, labels: np.ndarray, score: Score = logit) -> np.ndarray:
    """The gradient [N, H, W, C] with every ReLU replaced by `relu.guided` (Springenberg et al. 2015): one pass each way."""
    return gradients(model, *check_inputs(model, x, labels), score, guided)


def deconvnet(model: Model, x: np.ndarray, labels: np.ndarray, score: Score = logit) -> np.ndarray:
    """The gradient [N, H, W, C] with every ReLU replaced by `relu.deconvolution` (Zeiler and Fergus 2014): one pass each way."""
    return gradients(model, *check_inputs(model, x, labels), score, deconvolution)


def per_pixel(attributions: np.ndarray) -> np.ndarray:
    """How important each pixel is, whatever the sign: the largest |value| of its channels, [N, H, W, C] -> [N, H, W]."""
    return np.abs(attributions).max(-1)


def _mean_gradient(model: Model, points: Callable[[int, slice], np.ndarray], count: int, x: np.ndarray, labels: np.ndarray,
                   score: Score) -> np.ndarray:
    """The mean gradient [N, H, W, C] over `count` points for each image, a batch at a time so that memory is bounded.

    points(i, part) are those of image i in the slice `part`, float32 [k, H, W, C]; x [N, H, W, C] has their size
    """
    found = []
    for i, label in enumerate(labels):
        some = (tf.constant(points(i, part)) for part in slices(x, count))
        total = sum(tf.reduce_sum(score_gradient(model, one, tf.fill([len(one)], label), score), 0) for one in some)
        found.append(total.numpy() / count)
    return np.stack(found)
