"""One perturbation for all images of a set, which also fools the network on images that it was not made from."""
from collections.abc import Sequence

import numpy as np

from utils.attacks.ball import steepest
from utils.attacks.descent import each, finite
from utils.attacks.inputs import Model, check_inputs, check_numbers, chunks, most_at_once, warn_without_gradient
from utils.attacks.losses import attack_loss, margin
from utils.attacks.norms import named
from utils.attacks.result import Result, judged
from utils.quiet import tf

MOMENTUM = 0.9  # of the gradient: the mean over about ten batches
# The first step, as a share of epsilon. Falling linearly to 0 over 100 steps, that is a way of five times epsilon.
FIRST_STEP = 0.1


def universal(model: Model, x: np.ndarray, labels: np.ndarray, *, epsilon: float, norm: str = "Linf", targeted: bool = False,
              steps: int = 100, batch: int = 128, seed: int = 0) -> Result:
    """Minimise over one dx the mean of the attacker's loss at clip(x + dx, 0, 1), with ||dx|| <= epsilon.

    x        images [N, H, W, C] in [0, 1]: the set that dx is made from
    labels   [N]: the true ones, or the wanted ones when `targeted`
    epsilon  the largest size of dx, in pixel values
    norm     "Linf" or "L2"
    batch    images in each step, drawn by `seed`; N or more takes all of them each time. Of large images fewer, so that memory
             does not grow with their size

    Returns a Result whose dx is [1, H, W, C], the perturbation itself, since it is one for all images; modified, success and
    norms say what it does to each of the N images, after the box. What it is worth, `transfer_matrix` measures on other images.
    history has, for each step, the means over the batch of "loss" and "success".

    The idea is Moosavi-Dezfooli et al. 2017, who add up DeepFool's steps for one image after the other. Here it is stochastic
    gradient descent with a projection onto the ball (Shafahi et al. 2020, section 3). They clip the cross-entropy, so that images
    that are fooled for long do not pull any more; `attack_loss` falls to 0 for those, and needs no threshold. Each step goes
    along the steepest descent of its norm: the gradient's sign (Linf) or direction (L2). Raises ValueError for another norm and
    for inputs that cannot be meant (see `inputs.check_inputs`).
    """
    x, labels = check_inputs(model, x, labels, targeted)
    check_numbers(epsilon=epsilon)
    if norm not in ("Linf", "L2"):
        raise ValueError(f"There is no universal attack with the norm {norm!r}: choose 'Linf' or 'L2'.")
    dx, followed = _train(model, tf.constant(x), tf.constant(labels), targeted, norm, tf.constant(np.float32(epsilon)),
                          tf.constant(steps), tf.constant(min(batch, len(x), most_at_once(x))), tf.constant(seed))
    history = dict(zip(("loss", "success"), followed.numpy().T))
    result = judged(model, x, dx.numpy(), labels, targeted, history)._replace(dx=dx.numpy())
    warn_without_gradient(~result.dx.any() & ~result.success)
    return result


def transfer_matrix(models: Sequence[Model], x: np.ndarray, labels: np.ndarray, dxs: Sequence[np.ndarray]) -> np.ndarray:
    """[i, j]: the fooling rate on models[i] of dxs[j], a universal perturbation that was made for models[j]; 0 to 1.

    x       images [N, H, W, C] in [0, 1] that no dx was made from, with their true labels [N]
    dxs     each [1, H, W, C] or [N, H, W, C]

    The fooling rate is the share of the images that the model says right without dx and wrong with it, among those it says right
    (NaN if it says none right). Moosavi-Dezfooli et al. 2017, table 2, draw the same for six architectures, transposed.
    Raises ValueError for inputs that cannot be meant (see `inputs.check_inputs`).
    """
    x, labels = check_inputs(models[0], x, labels)

    def right(model: Model, images: np.ndarray) -> np.ndarray:
        return np.concatenate([margin(model(tf.constant(images[part])), labels[part], False) >= 0 for part in chunks(images)])

    rates = np.full([len(models), len(dxs)], np.nan)
    for row, model in enumerate(models):
        known = right(model, x)
        for column, dx in enumerate(dxs):
            still = right(model, np.clip(x + np.asarray(dx, np.float32), 0, 1))
            rates[row, column] = (known & ~still).sum() / known.sum() if known.any() else np.nan
    return rates


def minibatch(n: int | tf.Tensor, batch: int | tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """`batch` different ones of 0, .., n - 1, drawn by `seed`, int32 [2]: int32 [batch]; if batch is n, all in a random order."""
    return tf.argsort(tf.random.stateless_uniform([n], seed))[:batch]


@tf.function(reduce_retracing=True)
def _train(model: Model, x: tf.Tensor, labels: tf.Tensor, targeted: bool, norm: str, epsilon: tf.Tensor, steps: tf.Tensor,
           batch: tf.Tensor, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The loop of `universal`, compiled whole: dx [1, H, W, C], and [steps, 2], loss and success."""
    dx = tf.zeros_like(x[:1])
    mean = tf.zeros_like(dx)
    followed = tf.TensorArray(tf.float32, size=steps, element_shape=[2])
    for step in tf.range(steps):
        chosen = minibatch(tf.shape(x)[0], batch, tf.stack([seed, step]))
        wanted = tf.gather(labels, chosen)
        moved = tf.gather(x, chosen) + dx
        with tf.GradientTape() as tape:
            tape.watch(moved)
            logits = model(tf.clip_by_value(moved, 0.0, 1.0))
            loss = attack_loss(logits, wanted, targeted)
        gradient = tape.gradient(loss, moved, unconnected_gradients=tf.UnconnectedGradients.ZERO)
        gradient = finite(gradient)  # an image with NaN leaves the others alone
        mean = MOMENTUM * mean + (1 - MOMENTUM) * tf.reduce_mean(gradient, 0, keepdims=True)
        size = FIRST_STEP * epsilon * (1 - tf.cast(step, tf.float32) / tf.cast(steps, tf.float32))
        dx = _projected(dx - steepest(mean, tf.ones_like(mean), size, norm), norm, epsilon)
        fooled = tf.cast(margin(logits, wanted, targeted) < 0, tf.float32)
        followed = followed.write(step, tf.stack([tf.reduce_mean(loss), tf.reduce_mean(fooled)]))
    return dx, followed.stack()


def _projected(dx: tf.Tensor, norm: str, epsilon: tf.Tensor) -> tf.Tensor:
    """The nearest dx with ||dx|| <= epsilon, [1, H, W, C]."""
    if norm == "Linf":
        return tf.clip_by_value(dx, -epsilon, epsilon)
    size = each(named(norm).size(dx))
    return dx * tf.where(size > epsilon, tf.math.divide_no_nan(epsilon, size), 1.0)
