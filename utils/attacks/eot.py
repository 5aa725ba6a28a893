"""Expectation over transformation: a perturbation that still fools when the picture is turned, shifted or photographed."""
from typing import NamedTuple

import numpy as np

from utils.attacks import adam, norms
from utils.attacks.descent import each, finite, random_signs
from utils.attacks.dx import FIRST_LAM, LAM_RATE, LAM_RATE_UNTIL_FOOLED
from utils.attacks.inputs import Model, check_inputs, check_numbers, chunks, warn_without_gradient
from utils.attacks.losses import attack_loss, margin
from utils.attacks.result import Result, judged
from utils.attacks.transformations import Transform
from utils.quiet import tf

GOAL = 0.9  # the share of transformed copies that a learnt lambda wants to fool
# Weight of the last step in the mean share of fooled copies: about the last three steps count, three times `samples` copies.
RECENT = 0.5
BEFORE = 100  # copies that decide whether an image fools the model without an attack


def eot(model: Model, x: np.ndarray, labels: np.ndarray, *, transform: Transform, targeted: bool = True, norm: str = "L2",
        lam: float | None = None, steps: int = 200, samples: int = 10, learning_rate: float = 0.02, seed: int = 0) -> Result:
    """Minimise, for each image x, over dx:  E_t[loss(model(t(x + dx)))] + lam * penalty(dx),  0 <= x + dx <= 1.

    x          images [N, H, W, C] in [0, 1]
    labels     [N]: the wanted labels; the true ones if not `targeted`
    transform  (images, seed) -> images: a random transformation t, such as those in `transformations`
    norm       "L2", "L1" or "Linf", with the penalties of `dx_attack`
    lam        weight of the penalty. None learns one for each image: it grows while more than GOAL of the transformed copies
               fool the network and shrinks while fewer do
    samples    transformed copies of each image in each step, over which the expectation is estimated
    learning_rate  the first step size of Adam, in pixel values; it falls to 0 on a cosine

    With a given lam, the dx where it ends is returned. With a learnt one it is, of all steps, the smallest dx (by `norm`) for
    which GOAL of the recent copies fooled the network, and 0 for an image that does so without; where no dx does, the last.
    `success` is that of x + dx untransformed; `survival` measures the rest. history as in `dx_attack`, with the share of copies
    as "success". Athalye et al. 2018 ("Synthesizing robust adversarial examples", section 2.1), with distances in pixel values
    instead of LAB colours. Where the loss has no gradient, dx takes random steps as in `dx_attack`. Raises ValueError for inputs
    that cannot be meant (see `inputs.check_inputs`).
    """
    x, labels = check_inputs(model, x, labels, targeted)
    check_numbers(lam=lam, learning_rate=learning_rate)
    settings = Settings(norms.named(norm), targeted, transform, lam is None, *map(tf.constant, (
        steps, samples, seed, np.float32(FIRST_LAM[norm] if lam is None else lam), np.float32(learning_rate))))
    trained = [_train(model, tf.constant(x[part]), tf.constant(labels[part]), settings) for part in chunks(x)]
    dx, blind = (np.concatenate(arrays) for arrays in list(zip(*trained))[:2])
    followed = np.sum([one.numpy() * len(some) / len(x) for some, _, one in trained], axis=0)
    result = judged(model, x, dx, labels, targeted, dict(zip(("loss", "penalty", "success"), followed.T)))
    warn_without_gradient(blind & ~result.success)
    return result


def survival(model: Model, images: np.ndarray, labels: np.ndarray, transform: Transform, *, targeted: bool = True,
             samples: int = 100, seed: int = 0) -> np.ndarray:
    """The share of `samples` transformed copies of each image that fool the model: float32 [N], 0 to 1.

    Images [N, H, W, C] in [0, 1] with labels [N], `transform` and `targeted` as in `eot`. No copy is one that `eot` was trained
    on, whatever both seeds. Raises ValueError for inputs that cannot be meant (see `inputs.check_inputs`).
    """
    images, labels = check_inputs(model, images, labels)  # that all images have their wanted labels is welcome here
    return np.concatenate([_share(model, tf.constant(images[part]), tf.constant(labels[part]), transform, targeted,
                                  tf.constant(samples), tf.constant(seed)) for part in chunks(images)])


class Settings(NamedTuple):
    """What is the same for all images of an attack. Scalars are tensors: with another value nothing is compiled again."""

    norm: norms.Norm
    targeted: bool
    transform: Transform
    learn_lam: bool
    steps: tf.Tensor  # int32 []
    samples: tf.Tensor  # int32 []
    seed: tf.Tensor  # int32 []
    lam: tf.Tensor  # float32 []: the weight of the penalty, or where the learnt one starts
    learning_rate: tf.Tensor  # float32 [], pixel values


@tf.function(reduce_retracing=True)
def _train(model: Model, x: tf.Tensor, labels: tf.Tensor, settings: Settings) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """The loop of `eot`, compiled whole: dx [N, H, W, C]; blind, bool [N]; [steps, 3]: loss, penalty and success.

    x [N, H, W, C], labels [N]. An image is blind if its gradient vanished in a step in which no copy fooled the model.
    """
    norm, targeted, transform, learn_lam, steps, samples, seed, lam, learning_rate = settings
    dx, moments = tf.zeros_like(x), adam.first_moments(x)
    recent = _share(model, x, labels, transform, targeted, BEFORE, seed)
    best, best_size = tf.zeros_like(x), tf.where(recent >= GOAL, 0.0, np.inf)
    blind = tf.zeros([tf.shape(x)[0]], tf.bool)
    lam = tf.fill([tf.shape(x)[0]], lam)
    followed = tf.TensorArray(tf.float32, size=steps, element_shape=[3])
    for step in tf.range(steps):
        done = tf.cast(step, tf.float32)
        fall = adam.cosine(done, tf.cast(steps, tf.float32))

        # 1. The gradient of the expected loss, and of the penalty.
        loss, share, of_loss = _expected(model, x + dx, labels, transform, targeted, samples, tf.stack([2 * seed, step]))
        with tf.GradientTape() as tape:
            tape.watch(dx)
            penalty = norm.penalty(dx)
        gradient = of_loss + each(lam) * finite(tape.gradient(penalty, dx))

        # 2. Keep the smallest dx so far that survives.
        recent += RECENT * (share - recent)
        size = norm.size(dx)
        better = (recent >= GOAL) & (size < best_size)
        best = tf.where(each(better), dx, best)
        best_size = tf.where(better, size, best_size)
        followed = followed.write(step, tf.stack([tf.reduce_mean(values) for values in (loss, penalty, share)]))

        # 3. Adapt lambda: by how far the share of fooled copies is from the goal.
        if learn_lam:
            rate = tf.where(tf.math.is_finite(best_size), LAM_RATE, LAM_RATE_UNTIL_FOOLED)
            lam *= tf.exp(rate * fall * tf.clip_by_value((share - GOAL) / (1 - GOAL), -1.0, 1.0))

        # 4. A step of Adam, or a random one as long where the model gives no direction and no copy fools it; back into the box.
        change, moments = adam.step(gradient, moments, done, learning_rate * fall)
        stuck = (share == 0) & tf.reduce_all(of_loss == 0, norms.PIXELS)
        blind |= stuck
        dx -= tf.where(each(stuck), learning_rate * fall * random_signs(x, step), change)
        dx = tf.clip_by_value(x + dx, 0.0, 1.0) - x
    if learn_lam:
        dx = tf.where(each(tf.math.is_finite(best_size)), best, dx)
    return dx, blind, followed.stack()


def _expected(model: Model, images: tf.Tensor, labels: tf.Tensor, transform: Transform, targeted: bool, samples: tf.Tensor,
              seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Means over `samples` transformations: the loss [N], the share that fools the model [N], the gradient [N, H, W, C]."""
    loss = share = tf.zeros_like(images[:, 0, 0, 0])
    gradient = tf.zeros_like(images)
    for sample in tf.range(samples):  # one after the other: the memory does not grow with `samples`
        with tf.GradientTape() as tape:
            tape.watch(images)
            logits = model(transform(images, tf.random.fold_in(seed, sample)))
            one = attack_loss(logits, labels, targeted)
        loss += one
        share += tf.cast(margin(logits, labels, targeted) < 0, tf.float32)
        gradient += finite(tape.gradient(one, images, unconnected_gradients=tf.UnconnectedGradients.ZERO))
    count = tf.cast(samples, tf.float32)
    return loss / count, share / count, gradient / count


@tf.function(reduce_retracing=True)
def _share(model: Model, images: tf.Tensor, labels: tf.Tensor, transform: Transform, targeted: bool, samples: tf.Tensor,
           seed: tf.Tensor) -> tf.Tensor:
    """The share of transformed copies that fool the model, [N]. Its seeds are odd where those of the training are even."""
    fooled = tf.zeros_like(images[:, 0, 0, 0])
    for sample in tf.range(samples):
        logits = model(transform(images, tf.stack([2 * seed + 1, sample])))
        fooled += tf.cast(margin(logits, labels, targeted) < 0, tf.float32)
    return fooled / tf.cast(samples, tf.float32)
