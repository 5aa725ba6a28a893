"""How the defences are trained: only the loss differs from one to the other."""
from collections.abc import Callable

import numpy as np

from utils import training
from utils.augment import Augment
from utils.quiet import tf
from utils.steps import descend

# (images [N, H, W, C] in [0, 1], labels [N], how much of the training is done in [0, 1), random numbers) -> loss, a scalar
Loss = Callable[[tf.Tensor, tf.Tensor, tf.Tensor, tf.random.Generator], tf.Tensor]
BATCH = 64


def train(network: tf.Module, x: np.ndarray, labels: np.ndarray, loss: Loss, *, steps: int, augment: Augment | None = None,
          learning_rate: float = 2e-3, seed: int = 0) -> None:
    """Train the variables of `network` on `loss`: Adam, its learning rate falls to 0 along half a cosine.

    x, labels  images, float32 [N, H, W, C] in [0, 1], and their labels, int [N]
    loss       as the functions `..._loss` of this folder give it
    steps      of BATCH images each
    augment    such as `augment.digits`, applied to the images before the loss sees them
    seed       of the order and of all random numbers
    """
    epochs = range(-(-steps * BATCH // len(labels)))
    batches = tf.concat([training.epoch_batches(len(labels), BATCH, seed, epoch)[0] for epoch in epochs], axis=0)
    images, classes, generator = tf.constant(x), tf.constant(labels), tf.random.Generator.from_seed(seed)

    def of_step(step: tf.Tensor) -> tf.Tensor:
        some = tf.gather(images, batches[step])
        some = augment(some, generator) if augment else some
        return loss(some, tf.gather(classes, batches[step]), tf.cast(step, tf.float32) / steps, generator)

    descend(network, of_step, steps=steps, learning_rate=learning_rate)


def clean_loss(network: tf.Module) -> Loss:
    """The cross-entropy of the images as they are: no defence, the baseline for the others."""
    return lambda x, labels, done, generator: mean_cross_entropy(labels, network(x, training=True))


def mean_cross_entropy(labels: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """The mean of -log p(label), in nats: labels [N], logits [N, classes] -> a scalar."""
    return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits))


def grown(final: float, done: tf.Tensor) -> tf.Tensor:
    """A size that grows from 0 to `final` during the first half of the training: `done` [] is the part that is over, in [0, 1).

    A small network that meets the full size at once gives one class to all images.
    """
    return final * tf.minimum(2 * done, 1.0)
