"""Interval bound propagation: for all images of a ball at once, bounds of every unit, from the pixels to the logits.

The interval of `attacks.intervals`, as tensors, so that it can be trained, and through convolutions and pooling too. A network
whose worst case is still right cannot be fooled inside the ball, by no attack. (The bounds are rounded to float32 as the logits
are: they are no proof for margins below about 1e-5.)
"""
import numpy as np

from utils.attacks.inputs import Model, chunks
from utils.attacks.losses import without_label
from utils.defences.affine import Step, steps
from utils.defences.training import Loss, grown, mean_cross_entropy
from utils.quiet import tf


def bounds_behind(step: Step, lower: tf.Tensor, upper: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The bounds behind one layer, for inputs from `lower` to `upper`, both [N, ...] (Gowal et al. 2018, equations 6, 7)."""
    if step.kernel is not None:
        centre, radius = (upper + lower) / 2, (upper - lower) / 2
        middle, reach = step.operation(centre, step.kernel) + step.bias, step.operation(radius, tf.abs(step.kernel))
        lower, upper = middle - reach, middle + reach
    else:  # pooling and flattening keep the order
        lower, upper = step.operation(lower), step.operation(upper)
    return (tf.nn.relu(lower), tf.nn.relu(upper)) if step.relu else (lower, upper)


def output_bounds(model: Model, x: tf.Tensor, epsilon: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The smallest and largest logits, both [N, classes], of images in [0, 1] within Linf `epsilon` of x [N, H, W, C].

    epsilon is a scalar or [N, 1, 1, 1]. `model` is a Keras Sequential or a `networks.Chain` (see `affine.steps`).
    """
    lower, upper = _ball(x, epsilon)
    for step in steps(model):
        lower, upper = bounds_behind(step, lower, upper)
    return lower, upper


def worst_margins(model: Model, x: tf.Tensor, labels: tf.Tensor, epsilon: tf.Tensor) -> tf.Tensor:
    """For each class the most by which its logit can exceed that of the label inside the ball: [N, classes], 0 for the label.

    Where all others are below 0 no image of the ball fools the model. The last affine map and the difference of two logits are
    one affine map, which is tighter than the difference of two bounds (Gowal et al. 2018, section 3). Arguments as in
    `output_bounds`; the last layer is dense, with a bias and without ReLU.
    """
    *hidden, last = steps(model)
    lower, upper = _ball(x, epsilon)
    for step in hidden:
        lower, upper = bounds_behind(step, lower, upper)
    own = tf.gather(tf.transpose(last.kernel), labels)  # [N, units]
    kernels = last.kernel[None] - own[:, :, None]  # [N, units, classes]
    biases = last.bias[None] - tf.gather(last.bias, labels)[:, None]
    centre, radius = (upper + lower) / 2, (upper - lower) / 2
    return tf.einsum("nu,nuc->nc", centre, kernels) + tf.einsum("nu,nuc->nc", radius, tf.abs(kernels)) + biases


def interval_loss(network: tf.keras.Model, epsilon: float, share: float = 0.5) -> Loss:
    """Clean cross-entropy, and a part `share` of that of the worst margins within Linf `epsilon`.

    Gowal et al. 2018, equation 12. During the first half of the training the radius grows from 0, and so does that part.
    """
    def loss(x: tf.Tensor, labels: tf.Tensor, done: tf.Tensor, generator: tf.random.Generator) -> tf.Tensor:
        worst = mean_cross_entropy(labels, worst_margins(network, x, labels, grown(epsilon, done)))
        part = grown(share, done)
        return (1 - part) * mean_cross_entropy(labels, network(x, training=True)) + part * worst

    return loss


def certified_radius(model: Model, x: np.ndarray, labels: np.ndarray, largest: float = 0.5, halvings: int = 16) -> np.ndarray:
    """For each image a Linf radius, 0 to `largest`, within which interval bounds prove that none fools the model: float32 [N].

    x [N, H, W, C] in [0, 1], labels [N]. Bounds widen with the radius, so bisection finds it; 0 for an image that the model
    gets wrong, and the value returned was always verified itself.
    """
    return np.concatenate([_bisected(model, tf.constant(x[part]), tf.constant(labels[part]), largest, halvings).numpy()
                           for part in chunks(x)])


@tf.function(reduce_retracing=True)
def _bisected(model: Model, x: tf.Tensor, labels: tf.Tensor, largest: float, halvings: int) -> tf.Tensor:
    low = tf.zeros([tf.shape(x)[0]])
    high = tf.fill([tf.shape(x)[0]], largest)
    for _ in tf.range(halvings):
        middle = (low + high) / 2
        worst = worst_margins(model, x, labels, middle[:, None, None, None])
        safe = tf.reduce_max(without_label(worst, labels), 1) < 0
        low, high = tf.where(safe, middle, low), tf.where(safe, high, middle)
    return low


def _ball(x: tf.Tensor, epsilon: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The smallest and largest value of each pixel."""
    return tf.maximum(x - epsilon, 0.0), tf.minimum(x + epsilon, 1.0)
