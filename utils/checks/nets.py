"""Small networks that checks put in the place of trained ones, and the gradients of any network."""
from collections.abc import Callable

import numpy as np

from utils.checks import require
from utils.quiet import tf


class Net(tf.Module):
    """x @ w, or bend(x @ w) @ v, for images x [N, *shape]: logits float32 [N, classes]. It counts its calls."""

    def __init__(self, shape: tuple[int, ...], *kernels: np.ndarray, bend: Callable = tf.tanh):
        super().__init__()
        self.shape, self.bend, self.calls = shape, bend, 0
        self.kernels = [tf.Variable(kernel, dtype=tf.float32) for kernel in kernels]

    def __call__(self, images: tf.Tensor, training: bool = False) -> tf.Tensor:
        batch_of("The images that the model gets", images, self.shape)
        self.calls += 1
        values = tf.reshape(tf.cast(images, tf.float32), [-1, self.kernels[0].shape[0]]) @ self.kernels[0]
        for kernel in self.kernels[1:]:
            values = self.bend(values) @ kernel
        return values

    @property
    def trainable_weights(self) -> tuple[tf.Variable, ...]:
        """Keras's other name for trainable_variables."""
        return self.trainable_variables


def tanh_net(rng: np.random.Generator, shape: tuple[int, ...], classes: int, scale: float = 1.0) -> Net:
    """One with six hidden units, whose first kernel has the standard deviation `scale`."""
    return Net(shape, rng.normal(scale=scale, size=[int(np.prod(shape)), 6]), rng.normal(size=[6, classes]))


def batch_of(name: str, images: tf.Tensor, shape: tuple[int, ...]) -> None:
    """Raise CheckFailed unless `images` are [N, *shape]."""
    require(tuple(np.shape(images))[1:] == shape,
            f"{name} have shape {list(np.shape(images))}, expected [N, {', '.join(map(str, shape))}].")


def label_logit(labels: np.ndarray, logits: tf.Tensor) -> tf.Tensor:
    return tf.gather(logits, labels, batch_dims=1)


def cross_entropy(labels: np.ndarray, logits: tf.Tensor) -> tf.Tensor:
    return tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)


def gradient(model: Callable, images: np.ndarray, labels: np.ndarray, loss: Callable = label_logit) -> np.ndarray:
    """The gradient of the sum of loss(labels, logits) for images, of their shape."""
    given = tf.constant(images, tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(given)
        losses = loss(labels, model(given))
    return tape.gradient(losses, given).numpy()
