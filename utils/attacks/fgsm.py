"""The fast gradient sign method: one step, along the sign of the gradient."""
import numpy as np

from utils.attacks.inputs import CHUNK, Model, check_inputs, check_numbers
from utils.attacks.losses import attack_loss
from utils.attacks.result import Result, result
from utils.quiet import tf


def fgsm(model: Model, x: np.ndarray, labels: np.ndarray, *, epsilon: float, targeted: bool = False) -> Result:
    """dx = -epsilon * sign(gradient of the attacker's loss at x), clipped so that x + dx stays in [0, 1].

    x [N, H, W, C] in [0, 1]; labels [N]: the right ones, or the wanted ones when `targeted`; epsilon: the largest change
    of a pixel, 1 is from black to white. On a linear model this is the best that any dx of that Linf norm can do.
    Goodfellow, Shlens and Szegedy 2015, section 4.
    """
    x, labels = check_inputs(model, x, labels, targeted)
    check_numbers(epsilon=epsilon)
    found = []
    for start in range(0, len(x), CHUNK):
        part = slice(start, start + CHUNK)
        gradient = _gradient(model, tf.constant(x[part]), tf.constant(labels[part]), targeted)
        found.append(-epsilon * np.sign(gradient.numpy()))
    return result(model, x, np.concatenate(found), labels, targeted, {})


@tf.function(reduce_retracing=True)
def _gradient(model, x, labels, targeted):
    with tf.GradientTape() as tape:
        tape.watch(x)
        loss = attack_loss(model(x), labels, targeted)
    return tape.gradient(loss, x)
