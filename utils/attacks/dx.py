"""The attack of the course: train a variable DX so that the network is wrong about X + DX, and keep DX small."""
from typing import NamedTuple

import numpy as np

from utils.attacks import adam, norms
from utils.attacks.descent import each, finite, random_signs
from utils.attacks.inputs import Model, check_inputs, check_numbers, chunks, warn_without_gradient
from utils.attacks.losses import attack_loss, margin
from utils.attacks.result import Result, judged
from utils.quiet import tf

# Where a learnt lambda starts: for the smallest DX of the built-in digits and faces, lambda * penalty is then between a tenth
# and ten times the loss. Where the start was 100 times too large, the attack failed on 81 % of the digits (L2).
FIRST_LAM = {"L1": 3e2, "L2": 1e4, "Linf": 3e1}
# The logarithm of lambda moves by this much in a step, as long as the cosine is near 1.
LAM_RATE_UNTIL_FOOLED = 0.3  # until the network is fooled for the first time: a lambda 1000 times too large takes 23 steps
LAM_RATE = 0.1  # then, around the boundary: with .3 the median L2 was 8 % longer (digits), with .03 27 % (faces)


def dx_attack(model: Model, x: np.ndarray, labels: np.ndarray, *, targeted: bool = False, norm: str = "L2",
              lam: float | None = None, steps: int = 100, learning_rate: float = 0.005,
              mask: np.ndarray | float = 1.0, smoothness: float = 0.0, last: bool = False) -> Result:
    """Minimise, for each image x, over dx:  loss(model(x + dx)) + lam * (penalty(dx) + smoothness * TV(dx)),  0 <= x + dx <= 1.

    model   images [N, H, W, C] in [0, 1] -> logits [N, classes]
    x       images [N, H, W, C] in [0, 1]
    labels  [N]: the true labels; with `targeted`, the wrong ones that the attacker wants
    norm    "L2" (penalty: mean square), "L1" (mean absolute value) or "Linf" (largest absolute value)
    lam     weight of the penalty. None learns one for each image: it grows while the network is fooled and shrinks while
            it is not, which leads to the boundary between the two, where the smallest DX is
    learning_rate  the first step size, in pixel values
    mask    1 where dx may act and 0 where not, of a shape that multiplies x, e.g. [H, W, 1]
    smoothness  weight of the total variation beside the penalty: it makes dx smooth, in patches
    last    return the dx of the last step, whether it fools the network or not: for a given lam that is where the objective is
            smallest. Otherwise, of all steps, the dx with the smallest penalty + smoothness * TV that fools the network; where
            none does, the last

    The optimiser is Adam (Kingma and Ba 2015), with a step size that falls to 0 on a cosine. The penalties of L1 and Linf have
    corners, on which a gradient goes to and fro: there Adam follows the loss, and a proximal step the penalty (`norms.Norm`;
    Matyasko and Chau 2021). history has, for each step, the means over the images of "loss", "penalty" and "success". The idea is
    Szegedy et al. 2014, section 4.1; the learnt weight is a dual ascent on the sign of the margin. Where the gradient of the loss
    vanishes or is not finite, dx takes random steps, and a warning says for how many images that did not help. Raises ValueError
    for inputs that cannot be meant (see `inputs.check_inputs`), no steps or a rate that is not above 0.
    """
    x, labels = check_inputs(model, x, labels, targeted)
    check_numbers(lam=lam, learning_rate=learning_rate, mask=mask, smoothness=smoothness)
    if steps < 1 or learning_rate <= 0:
        raise ValueError(f"steps is {steps} and learning_rate {learning_rate:g}: expected 1 or more steps and a rate above 0.")
    mask = np.broadcast_to(np.asarray(mask, np.float32), x.shape)
    settings = Settings(norms.named(norm), targeted, learn_lam=lam is None, last=last, steps=tf.constant(steps), **{
        name: tf.constant(np.float32(value)) for name, value in
        {"lam": FIRST_LAM[norm] if lam is None else lam, "learning_rate": learning_rate, "smoothness": smoothness}.items()})
    trained = [_train_dx(model, *map(tf.constant, (x[part], labels[part], mask[part])), settings) for part in chunks(x)]
    dx, blind = (np.concatenate(arrays) for arrays in list(zip(*trained))[:2])
    history = {name: np.sum([one[name] * len(some) / len(x) for some, _, one in trained], axis=0) for name in trained[0][2]}
    result = judged(model, x, dx, labels, targeted, history)
    warn_without_gradient(blind & ~result.success)
    return result


class Settings(NamedTuple):
    """What is the same for all images of an attack. Scalars are tensors: with another value nothing is compiled again."""

    norm: norms.Norm
    targeted: bool
    learn_lam: bool
    last: bool
    steps: tf.Tensor  # int32 []
    lam: tf.Tensor  # float32 []: the weight of the penalty, or where the learnt one starts
    learning_rate: tf.Tensor  # float32 [], pixel values
    smoothness: tf.Tensor  # float32 []


@tf.function(reduce_retracing=True)
def _train_dx(model: Model, x: tf.Tensor, labels: tf.Tensor, mask: tf.Tensor,
              settings: Settings) -> tuple[tf.Tensor, tf.Tensor, dict[str, tf.Tensor]]:
    """The loop of `dx_attack`, compiled whole: dx [N, H, W, C]; blind, bool [N]; the history, each [steps].

    x and mask [N, H, W, C], labels [N]. An image is blind if its gradient vanished in a step in which it fooled nobody.
    """
    norm, targeted, learn_lam, last, steps, lam, learning_rate, smoothness = settings
    dx, moments = tf.zeros_like(x), adam.first_moments(x)
    best, best_size = tf.zeros_like(x), tf.fill([tf.shape(x)[0]], np.inf)
    blind = tf.zeros([tf.shape(x)[0]], tf.bool)
    lam = tf.fill([tf.shape(x)[0]], lam)
    followed = tf.TensorArray(tf.float32, size=steps, element_shape=[3])
    for step in tf.range(steps):
        done = tf.cast(step, tf.float32)
        fall = adam.cosine(done, tf.cast(steps, tf.float32))

        # 1. The gradient of the objective, [N, H, W, C]. That for x + dx is the part of the loss alone.
        with tf.GradientTape() as tape:
            tape.watch(dx)
            modified = x + dx
            logits = model(modified)
            loss = attack_loss(logits, labels, targeted)
            penalty, roughness = norm.penalty(dx), smoothness * norms.total_variation(dx)
            total = loss + lam * roughness
            if norm.proximal is None:
                total += lam * penalty
        gradient, of_loss = tape.gradient(total, [dx, modified], unconnected_gradients=tf.UnconnectedGradients.ZERO)
        gradient, of_loss = finite(gradient * mask), finite(of_loss * mask)

        # 2. Keep the smallest dx so far that fools the model.
        fooled = margin(logits, labels, targeted) < 0
        size = penalty + roughness
        better = fooled & (size < best_size)
        best = tf.where(each(better), dx, best)
        best_size = tf.where(better, size, best_size)
        means = [tf.reduce_mean(values) for values in (loss, penalty, tf.cast(fooled, tf.float32))]
        followed = followed.write(step, tf.stack(means))

        # 3. Adapt lambda: more weight for the penalty while the model is fooled, less while it is not.
        if learn_lam:
            lam_rate = tf.where(tf.math.is_finite(best_size), LAM_RATE, LAM_RATE_UNTIL_FOOLED)
            lam *= tf.exp(lam_rate * fall * tf.where(fooled, 1.0, -1.0))

        # 4. A step of Adam, and for a penalty with corners its proximal step, in which each value weighs what Adam divides by.
        #    Where the model gives no direction and is not fooled, a random step, as long.
        rate = learning_rate * fall
        change, moments = adam.step(gradient, moments, done, rate)
        trained = dx - change
        if norm.proximal is not None:
            trained = norm.proximal(trained, adam.scale(moments, done), rate * lam)
        stuck = ~fooled & tf.reduce_all(of_loss == 0, norms.PIXELS)
        blind |= stuck
        dx = tf.where(each(stuck), dx - rate * random_signs(x, step) * mask, trained)

        # 5. Back into the box: the nearest dx for which x + dx is an image.
        dx = tf.clip_by_value(x + dx, 0.0, 1.0) - x
    if not last:
        dx = tf.where(each(tf.math.is_finite(best_size)), best, dx)
    history = tf.transpose(followed.stack())
    return dx, blind, {"loss": history[0], "penalty": history[1], "success": history[2]}
