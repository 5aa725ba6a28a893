"""The attack of the course: train a variable DX so that the network is wrong about X + DX, and keep DX small."""
import numpy as np

from utils.attacks import norms
from utils.attacks.inputs import CHUNK, Model, check_inputs, check_numbers
from utils.attacks.losses import attack_loss, margin
from utils.attacks.result import Result, result
from utils.quiet import tf

FIRST_LAM = {"L1": 3e2, "L2": 1e4, "Linf": 3e1}  # where a learnt lambda starts: the loss and the penalty weigh about the same


def dx_attack(model: Model, x: np.ndarray, labels: np.ndarray, *, targeted: bool = False, norm: str = "L2",
              lam: float | None = None, steps: int = 100, learning_rate: float = 0.005,
              mask: np.ndarray | float = 1.0, smoothness: float = 0.0) -> Result:
    """Minimise, for each image x, over dx:  loss(model(x + dx)) + lam * penalty(dx) + smoothness * TV(dx),  0 <= x + dx <= 1.

    model   images [N, H, W, C] in [0, 1] -> logits [N, classes]
    x       images [N, H, W, C] in [0, 1]
    labels  [N]: the right labels; with `targeted`, the wrong ones that the attacker wants
    norm    "L2" (penalty: mean square), "L1" (mean absolute value) or "Linf" (largest absolute value)
    lam     weight of the penalty. None learns one for each image: it grows while the network is fooled and shrinks while
            it is not, which leads to the boundary between the two, where the smallest DX is
    mask    1 where dx may act and 0 where not, of a shape that multiplies x, e.g. [H, W, 1]

    The optimiser is Adam (Kingma and Ba 2015), with a step size that falls to 0 on a cosine. With a given lam, the dx where
    it ends is returned, whether it fools the network or not. With a learnt one it is, of all steps, the smallest dx (by
    `norm`) that fools the network; where none does, the last. history has, for each step, the means over the images of
    "loss", "penalty" and "success". The idea is Szegedy et al. 2014, section 4.1; the learnt weight is a dual
    ascent on the sign of the margin. Raises ValueError for inputs that cannot be meant (see `inputs.check_inputs`).
    """
    x, labels = check_inputs(model, x, labels, targeted)
    check_numbers(lam=lam, learning_rate=learning_rate, mask=mask, smoothness=smoothness)
    chosen = norms.named(norm)
    mask = np.broadcast_to(np.asarray(mask, np.float32), x.shape)
    learn = lam is None
    first = np.float32(FIRST_LAM[norm] if learn else lam)
    found, histories = [], []
    for start in range(0, len(x), CHUNK):
        part = slice(start, start + CHUNK)
        dx, history = _train_dx(model, tf.constant(x[part]), tf.constant(labels[part]), tf.constant(mask[part]), chosen,
                                targeted, learn, tf.constant(first), tf.constant(np.float32(learning_rate)),
                                tf.constant(np.float32(smoothness)), tf.constant(steps))
        found.append(result(model, x[part], dx.numpy(), labels[part], targeted, {}))
        histories.append({name: values.numpy() * len(x[part]) / len(x) for name, values in history.items()})
    return Result(*(np.concatenate([getattr(one, field) for one in found]) for field in ("dx", "modified", "success")),
                  norms={name: np.concatenate([one.norms[name] for one in found]) for name in found[0].norms},
                  history={name: np.sum([one[name] for one in histories], 0) for name in histories[0]})


@tf.function(reduce_retracing=True)
def _train_dx(model, x, labels, mask, norm, targeted, learn, first_lam, learning_rate, smoothness, steps):
    """The loop of `dx_attack`, compiled whole. Gives dx [N, H, W, C] and the history."""
    count = tf.shape(x)[0]
    dx, mean, square = tf.zeros_like(x), tf.zeros_like(x), tf.zeros_like(x)
    best, best_size = tf.zeros_like(x), tf.fill([count], np.inf)
    lam = tf.fill([count], first_lam)
    followed = tf.TensorArray(tf.float32, size=steps, element_shape=[3])
    for step in tf.range(steps):
        with tf.GradientTape() as tape:
            tape.watch(dx)
            logits = model(x + dx)
            loss = attack_loss(logits, labels, targeted)
            penalty = norm.penalty(dx)
            total = loss + lam * penalty + smoothness * norms.total_variation(dx)
        gradient = tape.gradient(total, dx) * mask

        fooled = margin(logits, labels, targeted) < 0
        size = norm.size(dx)
        better = fooled & (size < best_size)
        best = tf.where(better[:, None, None, None], dx, best)
        best_size = tf.where(better, size, best_size)
        means = [tf.reduce_mean(values) for values in (loss, penalty, tf.cast(fooled, tf.float32))]
        followed = followed.write(step, tf.stack(means))

        done = tf.cast(step, tf.float32)
        fall = 0.5 + 0.5 * tf.cos(np.pi * done / tf.cast(steps, tf.float32))
        if learn:
            rate = tf.where(tf.math.is_finite(best_size), 0.1, 0.3)  # faster until it was fooled for the first time
            lam *= tf.exp(rate * fall * tf.where(fooled, 1.0, -1.0))
        mean = 0.9 * mean + 0.1 * gradient
        square = 0.99 * square + 0.01 * gradient**2
        unbiased = mean / (1 - 0.9 ** (done + 1)), square / (1 - 0.99 ** (done + 1))
        dx -= learning_rate * fall * unbiased[0] / (tf.sqrt(unbiased[1]) + 1e-8)
        dx = tf.clip_by_value(x + dx, 0.0, 1.0) - x
    if learn:
        dx = tf.where(tf.math.is_finite(best_size)[:, None, None, None], best, dx)
    history = tf.transpose(followed.stack())
    return dx, {"loss": history[0], "penalty": history[1], "success": history[2]}
