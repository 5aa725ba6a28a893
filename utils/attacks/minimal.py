"""The smallest perturbation that fools the model, for each image and each of four norms."""
import numpy as np

from utils.attacks import norms
from utils.attacks.descent import each, falling, margin_and_gradient, shortened, size, unit
from utils.attacks.inputs import Model, check_inputs, check_numbers, chunks, warn_without_gradient
from utils.attacks.losses import margin, without_label
from utils.attacks.minimal_l0 import fewest_values
from utils.attacks.projection import onto_boundary
from utils.attacks.result import Result, judged
from utils.quiet import tf

# A step of the first phase changes the length of dx by this factor, up or down (DDN's gamma, section 4 of its paper).
GAMMA = 0.05
# The linearised boundary is taken a little behind the true one, by `beyond` times the first margin. That grows while the model
# is not fooled and shrinks while it is, as the weight of the penalty in `dx_attack`: without it dx stops before the boundary.
BEYOND, GROW, SHRINK, LEAST = 0.03, 1.5, 0.7, 1e-5
# Of the running mean of gradients, as the gradient of a ReLU network jumps from step to step: median L1 of 40 digits 4 % shorter.
MEMORY = 0.8
BLEND = 0.5, 0.01  # how far dx goes towards the projection, in the first step and in the last one
MOST_LIKELY = 10  # classes whose boundary may be the nearest


def minimal(model: Model, x: np.ndarray, labels: np.ndarray, *, norm: str = "L2", targeted: bool = False,
            steps: int = 60, classes: int = 4) -> Result:
    """The smallest dx, by `norm`, for which the model is fooled by x + dx and 0 <= x + dx <= 1, for each image x.

    model   images [N, H, W, C] in [0, 1] -> logits [N, classes]
    x       images [N, H, W, C] in [0, 1]
    labels  [N]: the true labels; with `targeted`, the wrong ones that the attacker wants
    norm    "L0" (the number of values that change), "L1", "L2" or "Linf"
    steps   gradients for each image and class; L0 takes as many again to remove values
    classes how many of the wrong classes are tried, the nearest first: the boundary to each has a nearest point of its own

    For each class:
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
    if steps < 1 or classes < 1:
        raise ValueError(f"steps is {steps} and classes {classes}: expected 1 or more of each.")
    if norm not in ("L0", *norms.NORMS):
        raise ValueError(f"There is no norm {norm!r}: choose one of 'L0', {', '.join(map(repr, norms.NORMS))}.")
    found = [_of_chunk(model, tf.constant(x[part]), tf.constant(labels[part]), targeted, norm, steps, classes)
             for part in chunks(x)]
    dx, blind = (np.concatenate(arrays) for arrays in zip(*found))
    result = judged(model, x, dx, labels, targeted, {})
    warn_without_gradient(blind & ~result.success)
    return result


def _of_chunk(model: Model, x: tf.Tensor, labels: tf.Tensor, targeted: bool, norm: str, steps: int,
              classes: int) -> tuple[np.ndarray, np.ndarray]:
    """`minimal` for images of one batch: dx [N, H, W, C], and whether the gradient vanished on the way, [N]."""
    search = fewest_values if norm == "L0" else smallest_towards
    wanted = labels[:, None] if targeted else nearest_classes(model, x, labels, norm)[:, :classes]
    best, best_size, blind = tf.zeros_like(x), tf.fill([len(x)], np.inf), tf.zeros([len(x)], tf.bool)
    for j in range(wanted.shape[1]):
        dx, fooled, stuck = search(model, x, wanted[:, j], norm, tf.constant(steps))
        of_dx = tf.where(fooled, size(dx, norm), np.inf)
        best = tf.where(each((of_dx < best_size) | (j == 0)), dx, best)
        best_size, blind = tf.minimum(best_size, of_dx), blind | stuck
    already = margin(model(x), labels, targeted) < 0
    return tf.where(each(already), 0.0, best).numpy(), blind.numpy()


@tf.function(reduce_retracing=True)
def nearest_classes(model: Model, x: tf.Tensor, labels: tf.Tensor, norm: str) -> tf.Tensor:
    """The wrong classes of each image, the nearest boundary first, int64 [N, at most MOST_LIKELY].

    By the distance of the linearised margin inside the box: DeepFool's choice (Moosavi-Dezfooli et al. 2016, equation 8), with
    the box. Only the MOST_LIKELY classes are looked at: each takes a gradient.
    """
    logits = model(x)
    count = min(MOST_LIKELY, logits.shape[1] - 1)
    others = tf.argsort(without_label(logits, labels), direction="DESCENDING")[:, :count]
    distances = tf.TensorArray(tf.float32, size=count)
    for j in tf.range(count):
        distance, gradient, _ = margin_and_gradient(model, x, tf.zeros_like(x), others[:, j], 0)
        distances = distances.write(j, size(onto_boundary(x, gradient, -distance, norm), norm))
    order = tf.argsort(tf.transpose(distances.stack()), stable=True)
    return tf.gather(others, order, batch_dims=1)


@tf.function(reduce_retracing=True)
def smallest_towards(model: Model, x: tf.Tensor, wanted: tf.Tensor, norm: str,
                     steps: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """The search of `minimal` for L1, L2 and Linf: dx [N, H, W, C]; whether it leads to the class `wanted`, and whether the
    gradient vanished on the way, each [N].
    """
    first = margin(model(x), wanted, True)
    dx = best = mean = tf.zeros_like(x)
    best_size, blind = tf.fill(tf.shape(first), np.inf), first < -np.inf
    length, beyond = tf.ones_like(first), tf.fill(tf.shape(first), BEYOND)
    start = steps // 3
    for step in tf.range(steps):
        distance, gradient, stuck = margin_and_gradient(model, x, dx, wanted, step)
        fooled, of_dx = distance < 0, size(dx, norm)
        better, blind = fooled & (of_dx < best_size), blind | stuck
        best, best_size = tf.where(each(better), dx, best), tf.where(better, of_dx, best_size)
        if step < start:
            # 1. A step down the margin that becomes smaller, then a length that grows until the model is fooled.
            length *= tf.where(step == 0, 1.0, tf.where(fooled, 1 - GAMMA, 1 + GAMMA))
            dx = each(length) * unit(dx - falling(step, start, 1.0, 0.01) * unit(gradient))
        else:
            # 2. From the best so far, towards the projection of x onto the linearised boundary.
            if step == start:
                dx = tf.where(each(tf.math.is_finite(best_size)), best, dx)
                distance, gradient, _ = margin_and_gradient(model, x, dx, wanted, step)
            beyond = tf.clip_by_value(beyond * tf.where(distance < 0, SHRINK, GROW), LEAST, 1.0)
            mean = MEMORY * mean + (1 - MEMORY) * gradient
            plane = mean / (1 - MEMORY ** tf.cast(step - start + 1, tf.float32))
            change = tf.reduce_sum(plane * dx, norms.PIXELS) - distance - beyond * tf.abs(first)
            dx += falling(step - start, steps - start, *BLEND) * (onto_boundary(x, plane, change, norm) - dx)
        dx = tf.clip_by_value(x + dx, 0.0, 1.0) - x
    found = tf.math.is_finite(best_size)
    return tf.where(each(found), shortened(model, x, best, wanted, True), dx), found, blind
