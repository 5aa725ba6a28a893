"""The perturbation that changes the fewest values: the L0 part of `minimal`."""
import numpy as np

from utils.attacks import adam
from utils.attacks.descent import each, falling, margin_and_gradient, size
from utils.attacks.inputs import Model
from utils.attacks.losses import margin
from utils.attacks.norms import largest_absolute
from utils.attacks.projection import onto_boundary
from utils.quiet import tf

# Settings of sigma-zero (section 3.2 of its paper, and its code).
SMOOTH = 1e-3  # the penalty counts a value v as v^2 / (v^2 + SMOOTH): about 0 below .01, about 1 above .1
THRESHOLD, THRESHOLD_STEP = 0.3, 0.01
RATE = 1.0, 0.1  # the step size, in pixel values, at the start and at the end
BETA_2 = 0.999  # Adam's
LONGER = 7  # times `steps`: values come and go, so that the search needs 200 to 300 steps
DROP = 0.2  # the part of the values that is removed at once; less after each failure
REPAIRS = (1.0, 0.5, 0.3, 0.2)  # steps, in pixel values, that the values left take to fool the model again


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
def without_needless(model: Model, x: tf.Tensor, wanted: tf.Tensor, dx: tf.Tensor, steps: tf.Tensor) -> tf.Tensor:
    """dx [N, H, W, C], which leads to the class `wanted` [N], with fewer values where that can be found.

    Remove the values that, by the gradient, matter least, and let those that are left move to the edges of the box, which
    costs nothing in L0, until the model is fooled again. Where that fails, dx stays as it was, and fewer are removed.
    """
    part = tf.fill([tf.shape(x)[0]], DROP)
    for _ in tf.range(steps // len(REPAIRS)):
        _, gradient, _ = margin_and_gradient(model, x, dx, wanted, 0)
        help_of = tf.reshape(tf.where(dx != 0, -gradient * dx, np.inf), [tf.shape(x)[0], -1])
        rank = tf.reshape(tf.argsort(tf.argsort(help_of, stable=True), stable=True), tf.shape(x))
        removed = tf.cast(rank, tf.float32) < each(tf.maximum(1.0, tf.floor(part * size(dx, "L0"))))
        kept, tried = (dx != 0) & ~removed, tf.where(removed, 0.0, dx)
        done = tf.zeros([tf.shape(x)[0]], tf.bool)
        for length in (*REPAIRS, 0.0):
            distance, gradient, _ = margin_and_gradient(model, x, tried, wanted, 0)
            now = (distance < 0) & ~done
            dx, done = tf.where(each(now), tried, dx), done | now
            tried = tf.where(kept, tf.clip_by_value(x + tried - length * tf.sign(gradient), 0.0, 1.0) - x, 0.0)
        part = tf.where(done, part, 0.6 * part)
    return dx
