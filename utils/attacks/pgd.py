"""Projected gradient descent: many small steps of the fast gradient method inside a ball, from random starts."""
import numpy as np

from utils.attacks.ball import onto_ball, random_in_ball, steepest
from utils.attacks.descent import each, finite
from utils.attacks.inputs import Model, check_inputs, check_numbers, chunks, warn_without_gradient
from utils.attacks.losses import attack_loss, margin
from utils.attacks.norms import PIXELS, named
from utils.attacks.result import Result, judged
from utils.quiet import tf


def pgd(model: Model, x: np.ndarray, labels: np.ndarray, *, epsilon: float, norm: str = "Linf", targeted: bool = False,
        steps: int = 40, restarts: int = 1, step_size: float | None = None, seed: int = 0) -> Result:
    """The dx in the ball ||dx|| <= epsilon, 0 <= x + dx <= 1, at which the attacker's loss is smallest.

    model    images [N, H, W, C] in [0, 1] -> logits [N, classes]
    x        images [N, H, W, C] in [0, 1]
    labels   [N]: the true ones, or the wanted ones when `targeted`
    epsilon  the radius, 0 or more, by `norm`: "Linf", "L2" or "L1", in pixel values
    steps    in each restart, of size step_size (by `norm`); None is 2.5 * epsilon / steps, enough to cross the ball, and twice
             that for L1
    restarts each from another point, uniform in the ball and the same for all images; drawn from `seed`

    Each step goes along the steepest direction (`ball.steepest`), then to the nearest point of the ball and the box
    (`ball.onto_ball`). Of all points of all restarts, that with the lowest margin is returned: an image that is fooled once
    stays fooled. Madry et al. 2018, section 2.1; their loss is -log p(label), and the gradient of the course's has the same
    direction. history has, for each of restarts * (steps + 1) points, the mean "loss" and the "success" so far.

    Where the gradient vanishes or is not finite an image stays until the next restart, and a warning says for how many images
    that did not help. Raises ValueError for inputs that cannot be meant (see `inputs.check_inputs`).
    """
    x, labels = check_inputs(model, x, labels, targeted)
    check_numbers(epsilon=epsilon, step_size=step_size)
    if epsilon < 0 or steps < 1 or restarts < 1:
        raise ValueError(f"epsilon is {epsilon:g}, steps {steps} and restarts {restarts}: "
                         "expected a radius of 0 or more, and one step and one restart or more.")
    step_size = (5 if norm == "L1" else 2.5) * epsilon / steps if step_size is None else step_size
    numbers = [tf.constant(steps), tf.constant(restarts), tf.constant(np.float32(epsilon)), tf.constant(np.float32(step_size)),
               tf.constant(seed)]
    found = [_descend(model, tf.constant(x[part]), tf.constant(labels[part]), named(norm).name, targeted, *numbers)
             for part in chunks(x)]
    dx, blind = (np.concatenate(arrays) for arrays in list(zip(*found))[:2])
    history = {name: np.sum([one[name] * len(some) / len(x) for some, _, one in found], axis=0) for name in found[0][2]}
    result = judged(model, x, dx, labels, targeted, history)
    warn_without_gradient(blind & ~result.success)
    return result


@tf.function(reduce_retracing=True)
def _descend(model: Model, x: tf.Tensor, labels: tf.Tensor, norm: str, targeted: bool, steps: tf.Tensor, restarts: tf.Tensor,
             epsilon: tf.Tensor, step_size: tf.Tensor, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, dict[str, tf.Tensor]]:
    """The loop of `pgd`, compiled whole: dx [N, H, W, C]; blind, bool [N]; the history, each [restarts * (steps + 1)].

    x [N, H, W, C], labels [N]. An image is blind if its gradient vanished at a point where it had fooled nobody.
    """
    points = restarts * (steps + 1)  # the last step of each restart is judged too
    dx = best = tf.zeros_like(x)
    best_margin = margin(model(x), labels, targeted)
    fooled_before = best_margin < 0
    blind = tf.zeros_like(fooled_before)
    followed = tf.TensorArray(tf.float32, size=points, element_shape=[2])
    for point in tf.range(points):
        if point % (steps + 1) == 0:
            start = random_in_ball(tf.shape(x)[1:], epsilon, norm, tf.stack([seed, point]))
            dx = onto_ball(tf.zeros_like(x) + start, x, epsilon, norm)

        # 1. The gradient of the attacker's loss, [N, H, W, C].
        with tf.GradientTape() as tape:
            modified = x + dx
            tape.watch(modified)
            logits = model(modified)
            loss = attack_loss(logits, labels, targeted)
        gradient = tape.gradient(loss, modified, unconnected_gradients=tf.UnconnectedGradients.ZERO)
        gradient = finite(gradient)

        # 2. Keep the point with the lowest margin.
        now = margin(logits, labels, targeted)
        better = (now < best_margin) & ~fooled_before
        best = tf.where(each(better), dx, best)
        best_margin = tf.where(better, now, best_margin)
        blind |= (best_margin >= 0) & tf.reduce_all(gradient == 0, PIXELS)
        followed = followed.write(point, tf.stack([tf.reduce_mean(loss), tf.reduce_mean(tf.cast(best_margin < 0, tf.float32))]))

        # 3. A step down, and back into the ball.
        room = tf.where(gradient > 0, modified, 1 - modified)
        dx = onto_ball(dx + steepest(-gradient, room, step_size, norm), x, epsilon, norm)
    history = tf.transpose(followed.stack())
    return best, blind, {"loss": history[0], "success": history[1]}
