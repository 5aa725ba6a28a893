"""The perturbation that changes the fewest values: the L0 part of `minimal`."""
import numpy as np

from utils.attacks import adam
from utils.attacks.descent import each, falling, margin_and_gradient, size
from utils.attacks.inputs import Model
from utils.attacks.losses import margin
from utils.attacks.norms import largest_absolute
from utils.attacks.projection import onto_boundary, places
from utils.quiet import tf

# Settings of sigma-zero (section 3.2 of its paper, and its code).
SMOOTH = 1e-3  # the penalty counts a value v as v^2 / (v^2 + SMOOTH): about 0 below .01, about 1 above .1
THRESHOLD, THRESHOLD_STEP = 0.3, 0.01
RATE = 1.0, 0.1  # the step size, in pixel values, at the start and at the end
BETA_2 = 0.999  # Adam's
LONGER = 5  # times `steps`: values come and go, so that the search needs 200 steps
# The local search after it. The best of a few settings that were tried on other digits than those of the benchmark.
EXCHANGES = (2, 1), (1, 1), (3, 2), (4, 3)  # in turn: so many values go back to 0, and so many others may change
PART = 0.1  # of the values: an exchange takes so many at once, 1 at least; less after each failure
DOUBT = 3.0  # a value counts up to 1 + DOUBT times as much, at random, so that each round tries other values
MOVES = 1.0, 0.3  # steps, in pixel values, that the values which may change take to fool the model again


@tf.function(reduce_retracing=True)
def fewest_values(model: Model, x: tf.Tensor, labels: tf.Tensor, targeted: bool, nearest: tf.Tensor,
                  steps: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """dx [N, H, W, C] that changes few values and fools the model, or the last one, and whether the gradient vanished on the
    way, [N].

    Gradient steps (Adam) on the margin and a smooth count of the values, with a threshold under which values go back to 0,
    which rises while the model is fooled and falls while it is not: sigma-zero (Cina et al. 2025, algorithm 1).
    The first candidate is the exact answer for the linearised margin to the class `nearest` [N], so that a linear model is
    done at once.
    """
    first, steps = margin(model(x), nearest, True), LONGER * steps
    best, best_count = tf.zeros_like(x), tf.fill(tf.shape(first), np.inf)
    threshold, blind = tf.fill(tf.shape(first), THRESHOLD), first < -np.inf
    values = tf.cast(tf.reduce_prod(tf.shape(x)[1:]), tf.float32)
    _, gradient, _ = margin_and_gradient(model, x, tf.zeros_like(x), nearest, 0)
    dx = onto_boundary(x, gradient, -1.001 * tf.abs(first) - 1e-6, "L0")
    moments = adam.first_moments(x)
    for step in tf.range(steps):
        distance, gradient, stuck = margin_and_gradient(model, x, dx, labels, step, targeted)
        blind |= stuck
        fooled, counted = distance < 0, size(dx, "L0")
        better = fooled & (counted < best_count)
        best, best_count = tf.where(each(better), dx, best), tf.where(better, counted, best_count)
        if step == 0:  # the first dx was only a candidate: the search itself starts at x, as in the paper
            dx = tf.zeros_like(x)
            distance, gradient, _ = margin_and_gradient(model, x, dx, labels, step, targeted)
            fooled = distance < 0
        penalty = 2 * SMOOTH * dx / (dx**2 + SMOOTH) ** 2 / values
        gradient = tf.where(each(fooled), 0.0, gradient) + penalty
        rate = falling(step, steps, *RATE)
        threshold = tf.clip_by_value(threshold + THRESHOLD_STEP * rate * tf.where(fooled, 1.0, -1.0), 0.0, 1.0)
        gradient = tf.math.divide_no_nan(gradient, each(largest_absolute(gradient)))
        move, moments = adam.step(gradient, moments, tf.cast(step, tf.float32), rate, BETA_2)
        dx -= move
        dx = tf.clip_by_value(x + dx, 0.0, 1.0) - x
        dx = tf.where(tf.abs(dx) < each(threshold), 0.0, dx)
    return tf.where(each(tf.math.is_finite(best_count)), best, dx), blind


@tf.function(reduce_retracing=True)
def with_exchanges(model: Model, x: tf.Tensor, labels: tf.Tensor, targeted: bool, dx: tf.Tensor, rounds: tf.Tensor) -> tf.Tensor:
    """dx [N, H, W, C], which fools the model, with fewer values where that can be found by a local search.

    In each round the values that, by the gradient, matter least go back to 0, and of the others those may change that, by the
    gradient and their room in the box, help most. All that may change move towards the edges of the box, which costs nothing
    in L0. What fools the model with fewer values is kept, or with as many and by more.
    """
    part, exchanges = tf.fill([tf.shape(x)[0]], PART), tf.constant(EXCHANGES, tf.float32)
    distance, gradient, _ = margin_and_gradient(model, x, dx, labels, 0, targeted)
    for step in tf.range(rounds):
        count, unit = size(dx, "L0"), tf.maximum(1.0, tf.floor(part * size(dx, "L0")))
        back, new = tf.unstack(exchanges[step % len(EXCHANGES)])
        weight = 1 + DOUBT * tf.random.stateless_uniform(tf.shape(x)[1:], seed=tf.stack([1, step]))
        removed = _lowest(tf.where(dx != 0, -gradient * dx * weight, np.inf), back * unit)
        tried, before = tf.where(removed, 0.0, dx), dx
        for place, move in enumerate((*MOVES, 0.0)):
            here, slope, _ = margin_and_gradient(model, x, tried, labels, 0, targeted)
            if place == 0:
                gain = tf.abs(slope) * tf.where(slope < 0, 1 - x, x)
                added = _lowest(tf.where(before != 0, np.inf, -gain), new * unit)
                free = (before != 0) & ~removed | added
            fewer, least = size(tried, "L0"), size(dx, "L0")
            better = (here < 0) & ((fewer < least) | (fewer == least) & (here < distance))
            dx, distance = tf.where(each(better), tried, dx), tf.where(better, here, distance)
            gradient = tf.where(each(better), slope, gradient)
            tried = tf.where(free, tf.clip_by_value(x + tried - move * tf.sign(slope), 0.0, 1.0) - x, 0.0)
        part = tf.where(size(dx, "L0") < count, part, 0.6 * part)
    return dx


def _lowest(score: tf.Tensor, count: tf.Tensor) -> tf.Tensor:
    """Which values of each image have the `count` [N] lowest scores, bool [N, H, W, C]; an infinite score never has."""
    order = tf.argsort(tf.reshape(score, [tf.shape(score)[0], -1]), stable=True)
    rank = tf.reshape(places(order), tf.shape(score))
    return (tf.cast(rank, tf.float32) < each(count)) & tf.math.is_finite(score)
