"""The smallest perturbation that fools the model, for each image and each of four norms."""
import numpy as np

from utils.attacks import norms
from utils.attacks.descent import each, falling, margin_and_gradient, unit
from utils.attacks.inputs import Model, check_inputs, check_numbers, chunks, warn_without_gradient
from utils.attacks.losses import margin
from utils.attacks.minimal_l0 import fewest_values
from utils.attacks.projection import onto_boundary
from utils.attacks.result import Result, judged
from utils.quiet import tf

# A step of the first phase changes the length of dx by this factor, up or down (DDN's gamma, section 4 of its paper).
GAMMA = 0.05
# The linearised boundary is taken a little behind the true one, by `beyond` times the first margin. That grows while the model
# is not fooled and shrinks while it is, as the weight of the penalty in `dx_attack`: without it dx stops before the boundary.
BEYOND, GROW, SHRINK, LEAST = 0.03, 1.5, 0.7, 1e-5
MEMORY = 0.8  # of the running mean of gradients: the gradient of a ReLU network jumps from step to step (L1: 4 % shorter)
BLEND = 0.5, 0.01  # how far dx goes towards the projection, in the first step and in the last one
HALVINGS = 12  # of the line to the original image, at the end


def minimal(model: Model, x: np.ndarray, labels: np.ndarray, *, norm: str = "L2", targeted: bool = False,
            steps: int = 150) -> Result:
    """The smallest dx, by `norm`, for which the model is fooled by x + dx and 0 <= x + dx <= 1, for each image x.

    model   images [N, H, W, C] in [0, 1] -> logits [N, classes]
    x       images [N, H, W, C] in [0, 1]
    labels  [N]: the true labels; with `targeted`, the wrong ones that the attacker wants
    norm    "L0" (the number of values that change), "L1", "L2" or "Linf"
    steps   gradients for each image; L0 takes as many again to remove values

    1. A third of the steps finds a first adversarial image near the boundary, as DDN (Rony et al. 2019, algorithm 1).
    2. The others: linearise the margin at x + dx, find the smallest step from x onto that plane inside the box
       (`onto_boundary`, exact), and go there by a part of the way that falls on a cosine (Croce and Hein 2020, section 3).
    3. The smallest dx that was met, shortened on the line to x.
    L0 has a search of its own (`fewest_values`). On a linear model the answer is exact. An image that fools the model already
    gets dx = 0. Where the gradient vanishes or is not finite, dx takes random steps, and a warning says for how many images
    that did not help; without success, dx is the last one. Raises ValueError for inputs that cannot be meant (see
    `inputs.check_inputs`).
    """
    x, labels = check_inputs(model, x, labels, targeted)
    check_numbers(steps=steps)
    if norm != "L0":
        norms.named(norm)
    search = fewest_values if norm == "L0" else _smallest
    found = [search(model, tf.constant(x[part]), tf.constant(labels[part]), targeted, norm, tf.constant(steps))
             for part in chunks(x)]
    dx, blind = (np.concatenate(arrays) for arrays in zip(*found))
    result = judged(model, x, dx, labels, targeted, {})
    warn_without_gradient(blind & ~result.success)
    return result


@tf.function(reduce_retracing=True)
def _smallest(model: Model, x: tf.Tensor, labels: tf.Tensor, targeted: bool, norm: str,
              steps: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The search of `minimal` for L1, L2 and Linf: dx [N, H, W, C], and whether the gradient vanished where it failed, [N]."""
    size = norms.NORMS[norm].size
    dx = best = tf.zeros_like(x)
    first = margin(model(x), labels, targeted)
    best_size = tf.where(first < 0, 0.0, np.inf)
    length, blind = tf.ones_like(first), first < -np.inf
    beyond, mean = tf.fill(tf.shape(first), BEYOND), tf.zeros_like(x)
    start = steps // 3
    for step in tf.range(steps):
        distance, gradient, stuck = margin_and_gradient(model, x, dx, labels, targeted, step)
        fooled, of_dx = distance < 0, size(dx)
        better = fooled & (of_dx < best_size)
        best, best_size = tf.where(each(better), dx, best), tf.where(better, of_dx, best_size)
        blind |= stuck
        if step < start:  # 1. a step of falling size down the margin, then a length that depends on whether the model is fooled
            length *= tf.where(step == 0, 1.0, tf.where(fooled, 1 - GAMMA, 1 + GAMMA))
            dx -= falling(step, start, 1.0, 0.01) * unit(gradient)
            dx = each(length) * unit(dx)
            if step == start - 1:
                dx = tf.where(each(tf.math.is_finite(best_size)), best, dx)
        else:  # 2. towards the projection of x onto the linearised boundary
            beyond = tf.clip_by_value(beyond * tf.where(fooled, SHRINK, GROW), LEAST, 1.0)
            mean = MEMORY * mean + (1 - MEMORY) * gradient
            plane = mean / (1 - MEMORY ** tf.cast(step - start + 1, tf.float32))
            change = tf.reduce_sum(plane * dx, norms.PIXELS) - distance - beyond * first
            blend = falling(step - start, steps - start, *BLEND)
            dx += blend * (onto_boundary(x, plane, change, norm) - dx)
        dx = tf.clip_by_value(x + dx, 0.0, 1.0) - x
    found = tf.math.is_finite(best_size)
    return tf.where(each(found), shortened(model, x, best, labels, targeted), dx), blind


def shortened(model: Model, x: tf.Tensor, dx: tf.Tensor, labels: tf.Tensor, targeted: bool) -> tf.Tensor:
    """The end of dx [N, H, W, C], where x + dx fools the model, moved towards x to the boundary, by bisection of the line."""
    low, high = tf.zeros([tf.shape(x)[0]]), tf.ones([tf.shape(x)[0]])
    for _ in tf.range(HALVINGS):
        middle = (low + high) / 2
        fooled = margin(model(x + each(middle) * dx), labels, targeted) < 0
        low, high = tf.where(fooled, low, middle), tf.where(fooled, middle, high)
    return each(high) * dx
