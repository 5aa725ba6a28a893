"""Convolutional sparse coding: images as sums of a few small filters, put wherever they are needed.

Images are float32 [N, H, W, 1], filters [h, w, 1, M], maps [N, H, W, M]: map m of an image says where, and how strongly,
filter m is added to it. The codes of an image are not computed by an encoder but searched, by the monotone FISTA; the filters
are learnt by projected gradient steps in between. Source: M. D. Zeiler et al., Deconvolutional networks (2010); A. Beck and
M. Teboulle, Fast gradient-based algorithms for constrained total variation image denoising and deblurring problems (2009),
which has the monotone FISTA.
"""
from collections.abc import Callable

import numpy as np

from utils.quiet import tf

POWER_STEPS = 10  # of the power method; MARGIN covers what it is still below the largest eigenvalue
MARGIN = 1.1


def synthesis(maps: tf.Tensor, filters: tf.Tensor) -> tf.Tensor:
    """The images [N, H, W, 1] of maps [N, H, W, M]: each number of a map adds its filter, times the number, around its pixel.

    What would lie outside of the image is cut off. The filters' sides are odd, so that each has a centre.
    """
    turned = tf.transpose(filters[::-1, ::-1], [0, 1, 3, 2])  # conv2d correlates; a convolution turns by 180 degrees
    return tf.nn.conv2d(maps, turned, 1, "SAME")


def analysis(images: tf.Tensor, filters: tf.Tensor) -> tf.Tensor:
    """How much each filter resembles the image around each pixel, [N, H, W, M]: the transpose of `synthesis`."""
    return tf.nn.conv2d(images, filters, 1, "SAME")


def objective(images: tf.Tensor, filters: tf.Tensor, maps: tf.Tensor, penalty: tf.Tensor | float) -> tf.Tensor:
    """Half the squared error of each image plus `penalty` times the sum of the absolute values of its maps, [N]."""
    return _objective(images, synthesis(maps, filters), maps, penalty)


def _objective(images: tf.Tensor, drawn: tf.Tensor, maps: tf.Tensor, penalty: tf.Tensor | float) -> tf.Tensor:
    """`objective` of maps whose synthesis is `drawn`."""
    error = tf.reduce_sum(tf.square(images - drawn), [1, 2, 3])
    return error / 2 + penalty * tf.reduce_sum(tf.abs(maps), [1, 2, 3])


def soft_threshold(maps: tf.Tensor, threshold: tf.Tensor) -> tf.Tensor:
    """Maps of any shape, each number moved towards 0 by `threshold`, and 0 where it would cross it.

    It is the proximal step of the absolute value.
    """
    return tf.sign(maps) * tf.nn.relu(tf.abs(maps) - threshold)


@tf.function
def search(images: tf.Tensor, filters: tf.Tensor, penalty: tf.Tensor, maps: tf.Tensor, steps: tf.Tensor) -> tf.Tensor:
    """Maps with a small `objective`, from `maps` in `steps` steps of the monotone FISTA: that of no image ever rises.

    images [N, H, W, 1], filters [h, w, 1, M] and maps [N, H, W, M], as they are returned too. A step is a gradient step of the
    squared error and a soft threshold, at a point that runs ahead in the direction of the last change. What it gives is taken
    only for the images whose objective it does not raise.
    """
    rate = 1 / _largest_eigenvalue(maps[:1], lambda z: analysis(synthesis(z, filters), filters))
    best_drawn = ahead_drawn = synthesis(maps, filters)  # synthesis is linear: that of `ahead` needs no convolution of its own
    best, ahead, speed, value = maps, maps, 1.0, _objective(images, best_drawn, maps, penalty)
    for _ in tf.range(steps):
        tried = soft_threshold(ahead - rate * analysis(ahead_drawn - images, filters), rate * penalty)
        drawn = synthesis(tried, filters)
        reached = _objective(images, drawn, tried, penalty)
        better = (reached <= value)[:, None, None, None]
        new, new_drawn = tf.where(better, tried, best), tf.where(better, drawn, best_drawn)
        following = (1 + tf.sqrt(1 + 4 * speed**2)) / 2
        a, b = speed / following, (speed - 1) / following
        ahead = new + a * (tried - new) + b * (new - best)
        ahead_drawn = new_drawn + a * (drawn - new_drawn) + b * (new_drawn - best_drawn)
        best, best_drawn, speed, value = new, new_drawn, following, tf.minimum(reached, value)
    return best


@tf.function
def improve(images: tf.Tensor, filters: tf.Tensor, maps: tf.Tensor, steps: tf.Tensor) -> tf.Tensor:
    """Filters [h, w, 1, M] that make the squared error of `maps` smaller: `steps` gradient steps, each back `in_unit_ball`.

    A step that would raise the error is not taken, and the following ones are half as long.
    """
    rate = 1 / _largest_eigenvalue(filters, lambda f: _towards_filters(synthesis(maps, f), maps, f))
    missing = synthesis(maps, filters) - images
    for _ in tf.range(steps):
        tried = in_unit_ball(filters - rate * _towards_filters(missing, maps, filters))
        left = synthesis(maps, tried) - images
        if tf.norm(left) <= tf.norm(missing):
            filters, missing = tried, left
        else:
            rate = rate / 2
    return filters


def in_unit_ball(filters: tf.Tensor) -> tf.Tensor:
    """Filters [h, w, 1, M] longer than 1 are made as long as 1: else small maps and long filters would cheat the penalty."""
    return filters / tf.maximum(tf.sqrt(tf.reduce_sum(tf.square(filters), [0, 1, 2])), 1)


def learn(images: np.ndarray, filters: np.ndarray, penalty: float, *, rounds: int,
          steps: int = 10) -> tuple[tf.Tensor, tf.Tensor, list[float]]:
    """Filters and maps for `images`, from `filters` on: in each round `search`, then `improve`, `steps` steps each.

    images [N, H, W, 1], filters [h, w, 1, M], maps [N, H, W, M].
    The third result is the mean objective before the first half round and after each, 1 + 2 * rounds numbers that never rise.
    Raises ValueError for a penalty that is not above 0: then there is no reason for a code to be sparse.
    """
    if not penalty > 0:
        raise ValueError(f"penalty is {penalty}, expected a number above 0.")
    images = tf.constant(images, tf.float32)
    filters = in_unit_ball(tf.constant(filters, tf.float32))
    maps = tf.zeros([*images.shape[:3], filters.shape[3]])
    penalty = tf.constant(penalty, tf.float32)

    def mean_objective() -> float:
        return float(tf.reduce_mean(objective(images, filters, maps, penalty)))

    history = [mean_objective()]
    for _ in range(rounds):
        maps = search(images, filters, penalty, maps, tf.constant(steps))
        history.append(mean_objective())
        filters = improve(images, filters, maps, tf.constant(steps))
        history.append(mean_objective())
    return filters, maps, history


def _towards_filters(images: tf.Tensor, maps: tf.Tensor, filters: tf.Tensor) -> tf.Tensor:
    """The transpose of `synthesis` as a function of the filters, [h, w, 1, M]: images correlated with the maps."""
    return tf.raw_ops.Conv2DBackpropFilter(input=images, filter_sizes=tf.shape(filters), out_backprop=maps, strides=[1, 1, 1, 1],
                                           padding="SAME")


def _largest_eigenvalue(like: tf.Tensor, operator: Callable[[tf.Tensor], tf.Tensor]) -> tf.Tensor:
    """Of a symmetric, positive linear operator on tensors of the shape of `like`, times MARGIN: by the power method."""
    vector = tf.random.stateless_normal(tf.shape(like), seed=[0, 0])
    length = tf.norm(vector)
    for _ in tf.range(POWER_STEPS):
        vector = operator(vector / length)
        length = tf.norm(vector)
    return MARGIN * length
