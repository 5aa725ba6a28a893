"""A DX that changes the explanation and not the answer (Ghorbani et al. 2019; Dombrowski et al. 2019, section 3)."""
import numpy as np

from utils.attacks import adam
from utils.attacks.inputs import Model, check_inputs
from utils.explain.relu import replaced, softplus
from utils.explain.scores import Score, logit
from utils.quiet import tf


def manipulate(model: Model, x: np.ndarray, labels: np.ndarray, wanted: np.ndarray, *, epsilon: float = 8 / 255, steps: int = 100,
               keep: float = 1.0, score: Score = logit) -> np.ndarray:
    """Images [N, H, W, C] within Linf `epsilon` of x whose saliency map is like `wanted`, and whose logits are like those of x.

    wanted  maps [N, H, W], not negative, of any scale: the |gradient| that is to be seen
    keep    weight of the square change of the logits, against the mean square difference of the maps, each divided by its mean

    The gradient of a ReLU network is constant in pieces, so that its own gradient is 0: ReLU is replaced by softplus while the
    attack runs. Judge the result with the network as it is. All N images are attacked at once, so memory grows with N. Raises
    ValueError for maps of another shape and for inputs that cannot be meant (`check_inputs`).
    """
    x, labels = check_inputs(model, x, labels)
    if np.shape(wanted) != x.shape[:3]:
        raise ValueError(f"Maps have shape {list(np.shape(wanted))}, expected {list(x.shape[:3])}: one number for each pixel.")
    original, goal, before = tf.constant(x), _shares(tf.constant(wanted, tf.float32)), model(tf.constant(x))

    @tf.function
    def step(images: tf.Tensor, moments: adam.Moments, done: tf.Tensor) -> tuple[tf.Tensor, adam.Moments]:
        with tf.GradientTape() as outer:
            outer.watch(images)
            with replaced(softplus), tf.GradientTape() as inner:
                inner.watch(images)
                logits = model(images)
                total = tf.reduce_sum(score(logits, labels))
            seen = _shares(tf.reduce_max(tf.abs(inner.gradient(total, images)), -1))
            pixels = seen.shape[1] * seen.shape[2]
            cost = tf.reduce_sum((pixels * (seen - goal)) ** 2) / pixels + keep * tf.reduce_sum((logits - before) ** 2)
        change, moments = adam.step(outer.gradient(cost, images), moments, done, epsilon / 20)
        return tf.clip_by_value(tf.clip_by_value(images - change, original - epsilon, original + epsilon), 0, 1), moments

    images, moments = original, adam.first_moments(original)
    for done in range(steps):
        images, moments = step(images, moments, tf.constant(float(done)))
    return images.numpy()


def _shares(maps: tf.Tensor) -> tf.Tensor:
    """Maps [N, H, W], not negative, each divided by its sum."""
    return maps / tf.maximum(tf.reduce_sum(maps, [1, 2], keepdims=True), 1e-12)
