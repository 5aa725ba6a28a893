"""The training loop of the defences: only the loss differs from one to the other."""
from collections.abc import Callable

import numpy as np

from utils import training
from utils.quiet import tf

# (images [N, H, W, C] in [0, 1], labels [N], how much of the training is done in [0, 1), random numbers) -> loss, a scalar
Loss = Callable[[tf.Tensor, tf.Tensor, tf.Tensor, tf.random.Generator], tf.Tensor]
Augment = Callable[[tf.Tensor, tf.random.Generator], tf.Tensor]
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
    generator = tf.random.Generator.from_seed(seed)
    optimizer = tf.keras.optimizers.Adam(tf.keras.optimizers.schedules.CosineDecay(learning_rate, steps))
    optimizer.build(network.trainable_variables)
    images, classes = tf.constant(x), tf.constant(labels)

    @tf.function(reduce_retracing=True)
    def run(batches: tf.Tensor, first: tf.Tensor) -> None:
        """A step for each row of image indices [S, BATCH]; `first` is the number of the first step."""
        for step in tf.range(tf.shape(batches)[0]):
            some = tf.gather(images, batches[step])
            some = augment(some, generator) if augment else some
            done = tf.cast(first + step, tf.float32) / steps
            with tf.GradientTape() as tape:
                value = loss(some, tf.gather(classes, batches[step]), done, generator)
            optimizer.apply(tape.gradient(value, network.trainable_variables), network.trainable_variables)

    taken = epoch = 0
    while taken < steps:
        batches = training.epoch_batches(len(labels), BATCH, seed, epoch)[0][:steps - taken]
        run(batches, tf.constant(taken))
        taken, epoch = taken + len(batches), epoch + 1


def clean_loss(network: tf.Module) -> Loss:
    """The cross-entropy of the images as they are: no defence, the baseline for the others."""
    return lambda x, labels, done, generator: cross_entropy(labels, network(x, training=True))


def cross_entropy(labels: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """The mean of -log p(label), in nats: labels [N], logits [N, classes] -> a scalar."""
    return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits))


def grown(final: float, done: tf.Tensor) -> tf.Tensor:
    """A size that grows from 0 to `final` during the first half of the training: `done` is the part that is over, in [0, 1).

    A small network that meets the full size at once gives one class to all images.
    """
    return final * tf.minimum(2 * done, 1.0)
