"""The fast gradient sign method: one step, along the sign of the gradient."""
import numpy as np

from utils.attacks.inputs import Model, check_inputs, check_numbers, chunks, warn_without_gradient
from utils.attacks.losses import attack_loss
from utils.attacks.norms import PIXELS
from utils.attacks.result import Result, judged
from utils.quiet import tf


def fgsm(model: Model, x: np.ndarray, labels: np.ndarray, *, epsilon: float, targeted: bool = False) -> Result:
    """dx = -epsilon * sign(gradient of the attacker's loss at x), clipped so that x + dx stays in [0, 1].

    x        images [N, H, W, C] in [0, 1]
    labels   [N]: the true ones, or the wanted ones when `targeted`
    epsilon  the largest change of a pixel; 1 is from black to white

    A pixel whose gradient is 0, NaN or infinite stays as it is. An image without any other pixel comes back unchanged, and a
    warning says for how many images that was so. On a linear model no other dx of that Linf norm lowers the loss more.
    Goodfellow, Shlens and Szegedy 2015, section 3. Raises ValueError for inputs that cannot be meant (see
    `inputs.check_inputs`).
    """
    x, labels = check_inputs(model, x, labels, targeted)
    check_numbers(epsilon=epsilon)
    gradient = np.concatenate([_gradient(model, tf.constant(x[part]), tf.constant(labels[part]), targeted)
                               for part in chunks(x)])
    signs = np.sign(np.where(np.isfinite(gradient), gradient, 0))
    result = judged(model, x, -epsilon * signs, labels, targeted, {})
    warn_without_gradient(~signs.any(axis=PIXELS) & ~result.success)
    return result


@tf.function(reduce_retracing=True)
def _gradient(model: Model, x: tf.Tensor, labels: tf.Tensor, targeted: bool) -> tf.Tensor:
    """The gradient of the attacker's loss for x [N, H, W, C], of the same shape; labels [N]."""
    with tf.GradientTape() as tape:
        tape.watch(x)
        loss = attack_loss(model(x), labels, targeted)
    return tape.gradient(loss, x, unconnected_gradients=tf.UnconnectedGradients.ZERO)
