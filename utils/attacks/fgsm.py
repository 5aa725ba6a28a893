"""The fast gradient method: one step, as far as epsilon allows, along the gradient."""
import numpy as np

from utils.attacks.inputs import Model, check_inputs, check_numbers, chunks, warn_without_gradient
from utils.attacks.losses import attack_loss, margin
from utils.attacks.norms import PIXELS, named
from utils.attacks.result import Result, judged
from utils.quiet import tf


def fgsm(model: Model, x: np.ndarray, labels: np.ndarray, *, epsilon: float, norm: str = "Linf",
         targeted: bool = False) -> Result:
    """The dx of size epsilon that lowers the linearised loss of the attacker most, clipped so that x + dx stays in [0, 1].

    x        images [N, H, W, C] in [0, 1]
    labels   [N]: the true ones, or the wanted ones when `targeted`
    epsilon  the size of dx in pixel values, by `norm`; 1 is from black to white
    norm     "Linf": -epsilon * sign(gradient). Goodfellow, Shlens and Szegedy 2015, section 4
             "L2":   -epsilon * gradient / ||gradient||_2. Miyato et al. 2017
             "L1":   the value with the largest |gradient| moves by epsilon; if the box ends before, the next one moves by the
                     rest, and so on

    With Linf and L1 no other dx in the box lowers the linearised loss more; the dx of L2 is clipped, and then shorter. A value
    whose gradient is 0, NaN or infinite stays as it is. An image without any other value comes back unchanged, and a warning
    says for how many images that was so. An image that fools the model already gets dx = 0; `gradient_step` moves it too.
    Raises ValueError for inputs that cannot be meant (see `inputs.check_inputs`).
    """
    x, labels = check_inputs(model, x, labels, targeted)
    dx, blind, fools = _step(model, x, labels, targeted, epsilon, norm)
    result = judged(model, x, np.where(fools[:, None, None, None], 0, dx), labels, targeted, {})
    warn_without_gradient(blind & ~result.success)
    return result


def gradient_step(model: Model, x: np.ndarray, labels: np.ndarray, *, epsilon: float, norm: str = "Linf",
                  targeted: bool = False) -> np.ndarray:
    """The dx of `fgsm` for every image, also for those that fool the model already: float32 [N, H, W, C], x + dx in [0, 1].

    For another model than the one whose gradient it follows: that one may be right where this one is wrong. Images, numbers,
    warnings and errors as for `fgsm`.
    """
    x, labels = check_inputs(model, x, labels, targeted)
    dx, blind, _ = _step(model, x, labels, targeted, epsilon, norm)
    result = judged(model, x, dx, labels, targeted, {})
    warn_without_gradient(blind & ~result.success)
    return result.dx


def step_ll(model: Model, x: np.ndarray, *, epsilon: float, norm: str = "Linf") -> Result:
    """One step towards the class that the model finds least likely: `fgsm` with that class as the wanted one.

    x        images [N, H, W, C] in [0, 1]
    epsilon  the size of dx in pixel values, by `norm`

    No labels are needed, and none leak into dx: an adversarially trained model cannot learn to read the true label from it.
    success says whether the model gives another class than before, which need not be the least likely one. Kurakin, Goodfellow
    and Bengio 2017, section 2; Tramer et al. 2018 train and attack with it at epsilon = 16/256. Raises ValueError as `fgsm`.
    """
    x, _ = check_inputs(model, x, np.zeros(len(x), int))
    logits = np.concatenate([np.asarray(model(tf.constant(x[part]))) for part in chunks(x)])
    dx, blind, _ = _step(model, x, logits.argmin(1), True, epsilon, norm)
    result = judged(model, x, dx, logits.argmax(1), False, {})
    warn_without_gradient(blind & ~result.success)
    return result


def _step(model: Model, x: np.ndarray, labels: np.ndarray, targeted: bool, epsilon: float,
          norm: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """dx [N, H, W, C], and twice bool [N]: does the image have no gradient, and does it fool the model already?"""
    check_numbers(epsilon=epsilon)
    found = [_gradient(model, tf.constant(x[part]), tf.constant(labels[part]), targeted) for part in chunks(x)]
    gradient, fools = (np.concatenate(arrays) for arrays in zip(*found))
    gradient = np.where(np.isfinite(gradient), gradient, 0)
    signs = np.sign(gradient)
    blind = ~signs.any(axis=PIXELS)
    if named(norm).name == "Linf":
        return -epsilon * signs, blind, fools
    if norm == "L2":
        # Divided by its largest value first: the square of a tiny gradient would be 0.
        scaled = gradient / np.where(blind, 1, np.abs(gradient).max(PIXELS))[:, None, None, None]
        return -epsilon * scaled / np.maximum(np.sqrt(np.sum(scaled**2, PIXELS, keepdims=True)), 1), blind, fools
    # L1: one value after the other, by falling |gradient|, moves as far as the box and what is left of epsilon allow.
    slope = np.abs(gradient).reshape(len(x), -1)
    room = np.where(signs > 0, x, np.where(signs < 0, 1 - x, 0)).reshape(slope.shape)
    order = np.argsort(-slope, axis=1, kind="stable")
    room = np.take_along_axis(room, order, 1)
    moved = np.clip(epsilon - (np.cumsum(room, axis=1) - room), 0, room)
    return -signs * np.take_along_axis(moved, np.argsort(order, axis=1), 1).reshape(x.shape), blind, fools


@tf.function(reduce_retracing=True)
def _gradient(model: Model, x: tf.Tensor, labels: tf.Tensor, targeted: bool) -> tuple[tf.Tensor, tf.Tensor]:
    """The gradient of the attacker's loss for x [N, H, W, C], of the same shape; is the model fooled, bool [N]. labels [N]."""
    with tf.GradientTape() as tape:
        tape.watch(x)
        logits = model(x)
        loss = attack_loss(logits, labels, targeted)
    gradient = tape.gradient(loss, x, unconnected_gradients=tf.UnconnectedGradients.ZERO)
    return gradient, margin(logits, labels, targeted) < 0
