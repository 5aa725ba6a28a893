"""DeepFool: step onto the nearest of the linearised boundaries, until the model is fooled; and its successor SuperDeepFool."""
import numpy as np

from utils.attacks import norms
from utils.attacks.descent import each, finite, shortened
from utils.attacks.inputs import Model, check_inputs, check_numbers, chunks, warn_without_gradient
from utils.attacks.losses import without_label
from utils.attacks.result import Result, judged
from utils.quiet import tf

LEAST_GAP = 1e-4  # logits: a step aims at a change of this at least, for exactly on a boundary nobody is fooled


def deepfool(model: Model, x: np.ndarray, labels: np.ndarray, *, norm: str = "L2", targeted: bool = False, steps: int = 50,
             overshoot: float = 0.02, classes: int = 10) -> Result:
    """A small dx, by `norm`, that fools the model: the sum of steps onto the nearest linearised boundary.

    model      images [N, H, W, C] in [0, 1] -> logits [N, K]
    x          images [N, H, W, C] in [0, 1]
    labels     [N]: the true ones, or the wanted ones when `targeted`
    norm       "L2" or "Linf"
    steps      at most so many; an image that is fooled stops moving
    overshoot  each step is longer by this fraction, so that it ends behind the boundary
    classes    only the boundaries to the most likely `classes` - 1 other classes are looked at, anew in each step

    With g = f_other - f_label, linear around the current point, the step to the boundary of that class is
    |g| / ||w||_2^2 * w (L2) or |g| / ||w||_1 * sign(w) (Linf), w the gradient of g; the nearest has the smallest
    |g| / ||w||_q, q the dual norm. Moosavi-Dezfooli, Fawzi and Frossard 2016, algorithm 2. Two differences: overshoot and the
    clipping to the box come in each step, not at the end. Targeted, the steps go to the boundary between the wanted class and
    the highest other.

    Where no step fools, the last dx is returned. Where all gradients vanish or are not finite, an image stays, and a warning
    says for how many that was so. Raises ValueError for inputs that cannot be meant (see `inputs.check_inputs`).
    """
    return _attack(model, x, labels, norm, targeted, steps, overshoot, classes, shorten=False)


def superdeepfool(model: Model, x: np.ndarray, labels: np.ndarray, *, targeted: bool = False, steps: int = 50,
                  overshoot: float = 0.02, classes: int = 10) -> Result:
    """A smaller dx [N, H, W, C], by L2, than that of `deepfool`: behind the boundary, dx is projected onto the gradient there.

    The smallest dx ends orthogonal to the boundary, so along the gradient w of f_other - f_label at its end. DeepFool does not
    see to that. Here each step takes an image that is not fooled by DeepFool's step, and one that is by
    dx <- (dx . w) / ||w||_2^2 * w, which is shorter. Of all steps, the smallest dx that fools is kept, and shortened by bisection
    as long as it fools. Abdolahpourrostam, Abroshan and Moosavi-Dezfooli 2024, SDF(infinity, 1), which ends when the model is
    still fooled after the projection; this one goes on.

    Arguments and errors as in `deepfool`.
    """
    return _attack(model, x, labels, "L2", targeted, steps, overshoot, classes, shorten=True)


def _attack(model: Model, x: np.ndarray, labels: np.ndarray, norm: str, targeted: bool, steps: int, overshoot: float,
            classes: int, shorten: bool) -> Result:
    """`deepfool`, and `superdeepfool` with `shorten`."""
    x, labels = check_inputs(model, x, labels, targeted)
    check_numbers(overshoot=overshoot)
    if norm not in ("L2", "Linf"):
        raise ValueError(f"There is no DeepFool for the norm {norm!r}: choose 'L2' or 'Linf'.")
    if classes < 2 or steps < 1:
        raise ValueError(f"classes is {classes} and steps {steps}: expected 2 classes or more, as a boundary lies between two, "
                         "and one step or more.")
    others = 1 if targeted else min(classes, model(tf.constant(x[:1])).shape[1]) - 1
    found = [_cross(model, tf.constant(x[part]), tf.constant(labels[part]), norm, targeted, others, shorten,
                    tf.constant(steps), tf.constant(np.float32(overshoot))) for part in chunks(x)]
    dx, blind = (np.concatenate(arrays) for arrays in zip(*found))
    result = judged(model, x, dx, labels, targeted, {})
    warn_without_gradient(blind & ~result.success)
    return result


@tf.function(reduce_retracing=True)
def _cross(model: Model, x: tf.Tensor, labels: tf.Tensor, norm: str, targeted: bool, others: int, shorten: bool,
           steps: tf.Tensor, overshoot: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The loop, compiled whole: dx [N, H, W, C]; blind, bool [N]: had an image, not fooled yet, no gradient at all?

    x [N, H, W, C], labels [N]. The last round only looks at where the last step ended.
    """
    dx = best = tf.zeros_like(x)
    best_size = tf.fill([tf.shape(x)[0]], np.inf)
    blind = tf.zeros([tf.shape(x)[0]], tf.bool)
    goal = -1.0 if targeted else 1.0  # a step raises g, or lowers it
    for step in tf.range(steps + 1):
        g, w = _boundaries(model, x + dx, labels, others)
        fooled = goal * g[:, 0] > 0  # the highest of the others comes first

        # 1. Keep the smallest dx so far that fools.
        size = norms.euclidean(dx)
        better = fooled & (size < best_size)
        best = tf.where(each(better), dx, best)
        best_size = tf.where(better, size, best_size)
        if step == steps or tf.reduce_all(fooled) and not shorten:
            break

        # 2. DeepFool: onto the nearest boundary, and a little further.
        length = tf.reduce_sum(tf.abs(w), 2) if norm == "Linf" else tf.norm(w, axis=2)  # the dual norm, [N, others]
        gap = tf.maximum(tf.abs(g), LEAST_GAP)
        distance = tf.where(length > 0, gap / length, np.inf)
        nearest = tf.argmin(distance, 1)
        distance, length, toward = (tf.gather(values, nearest, batch_dims=1) for values in (distance, length, w))
        blind |= ~fooled & ~tf.math.is_finite(distance)
        direction = tf.sign(toward) if norm == "Linf" else tf.math.divide_no_nan(toward, length[:, None])
        distance = each(finite(distance))
        onward = dx + goal * (1 + overshoot) * distance * tf.reshape(direction, tf.shape(x))

        # 3. Who is fooled stays, or takes the part of dx along the gradient.
        back = dx
        if shorten:
            flat = tf.reshape(dx, tf.shape(w[:, 0]))
            part = tf.math.divide_no_nan(tf.reduce_sum(flat * w[:, 0], 1), tf.reduce_sum(w[:, 0] ** 2, 1))
            back = tf.reshape(part[:, None] * w[:, 0], tf.shape(x))
        dx = tf.clip_by_value(x + tf.where(each(fooled), back, onward), 0.0, 1.0) - x
    best = tf.where(each(tf.math.is_finite(best_size)), best, dx)
    return shortened(model, x, best, labels, targeted) if shorten else best, blind


def _boundaries(model: Model, x: tf.Tensor, labels: tf.Tensor, others: int) -> tuple[tf.Tensor, tf.Tensor]:
    """f_other - f_label [N, others], the highest first, and its gradients [N, others, H * W * C], 0 where not finite."""
    with tf.GradientTape() as tape:
        tape.watch(x)
        logits = model(x)
        highest = tf.math.top_k(without_label(logits, labels), others).indices
        g = tf.gather(logits, highest, batch_dims=1) - tf.gather(logits, labels, batch_dims=1)[:, None]
    w = tf.reshape(tape.batch_jacobian(g, x), [tf.shape(x)[0], others, -1])
    return g, finite(w)
