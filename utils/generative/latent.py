"""Latent vectors that are found by search: of an image that is given (`invert`), and of images that a network prefers.

`generator` is a Keras model of `utils.generative.gans` that is not conditional: z [N, latent] -> images [N, 28, 28, 1] in [0, 1].
"""
from collections.abc import Callable

import numpy as np

from utils.attacks.inputs import check_inputs
from utils.quiet import tf

IMAGES_PER_CALL = 512  # images, counting restarts, that an inversion works on at a time: bounds the memory


def invert(generator: Callable, images: np.ndarray, *, restarts: int = 8, steps: int = 200,
           learning_rate: float = 0.05, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """The z [N, latent] whose images G(z) [N, 28, 28, 1] are nearest to `images`, and those images.

    Minimises the mean square of G(z) - x over z, from `restarts` standard normal starting points for each
    image, and keeps the best one of each (Defense-GAN: Samangouei et al. 2018, section 3), with Adam and a
    step size that falls to 0 on a cosine. The first starting points of an image are the same for any number
    of restarts. `generator` is a Keras model that is not conditional. Raises ValueError for images of another
    size than it makes, and for no images, restarts or steps.
    """
    images = np.asarray(images, np.float32)
    if images.shape[1:] != generator.output_shape[1:] or not len(images) or min(restarts, steps) < 1:
        size = ", ".join(map(str, generator.output_shape[1:]))
        raise ValueError(f"images have the shape {list(images.shape)}, with {restarts} restarts of {steps} "
                         f"steps: expected [N, {size}] and at least one of each.")
    starts = np.stack([np.random.default_rng([seed, restart]).standard_normal(
        (len(images), generator.input_shape[1]), np.float32) for restart in range(restarts)], axis=1)
    found = []
    size = max(1, IMAGES_PER_CALL // restarts)
    for first in range(0, len(images), size):
        part = slice(first, first + size)
        found.append(_invert(generator, tf.constant(images[part]), tf.constant(starts[part]),
                             tf.constant(steps), tf.constant(learning_rate, tf.float32)))
    z, made = (np.concatenate(parts) for parts in zip(*found))
    return z, made


@tf.function(reduce_retracing=True)
def _invert(generator, images, starts, steps, learning_rate):
    """`invert` for a few images [N, ...] from starting points [N, restarts, latent], all at once."""
    n, restarts, latent = tf.unstack(tf.shape(starts))
    wanted = tf.repeat(images, restarts, axis=0)

    def error(z: tf.Tensor) -> tf.Tensor:
        return tf.reduce_mean((generator(z) - wanted) ** 2, axis=[1, 2, 3])

    z = _minimise(error, tf.reshape(starts, [n * restarts, starts.shape[2]]), steps, learning_rate)
    best = tf.argmin(tf.reshape(error(z), [n, restarts]), axis=1)
    z = tf.gather(tf.reshape(z, [n, restarts, latent]), best, batch_dims=1)
    return z, generator(z)


def preferred(generator: Callable, model: Callable, label: int | np.ndarray, *, n: int = 16, steps: int = 200,
              learning_rate: float = 0.05, penalty: float = 1.0, seed: int = 0) -> np.ndarray:
    """n images [n, 28, 28, 1] of the generator that `model` takes for the class `label`, one for all or [n], most of all.

    Maximises logit - penalty |z|^2 / 2 over z, from n standard normal starting points (Nguyen et al. 2016):
    the generator keeps the image like a digit, the penalty keeps z where the generator was trained. `model`
    maps images to logits [N, classes], and need not know the generator. Raises ValueError for a label that it
    does not have, and for a model that ends in softmax, whose flat ends stop the search.
    """
    start = np.random.default_rng(seed).standard_normal((n, generator.input_shape[1]), np.float32)
    labels = np.broadcast_to(label, n)
    check_inputs(model, np.clip(generator(start), 0, 1), labels)
    return _preferred(generator, model, tf.constant(labels), tf.constant(start), tf.constant(steps),
                      tf.constant(learning_rate, tf.float32), tf.constant(penalty, tf.float32)).numpy()


@tf.function(reduce_retracing=True)
def _preferred(generator, model, labels, start, steps, learning_rate, penalty):
    def cost(z: tf.Tensor) -> tf.Tensor:
        return penalty / 2 * tf.reduce_sum(z**2, axis=1) - tf.gather(model(generator(z)), labels, batch_dims=1)

    return generator(_minimise(cost, start, steps, learning_rate))


def _minimise(cost: Callable, z: tf.Tensor, steps: tf.Tensor, learning_rate: tf.Tensor) -> tf.Tensor:
    """z [N, latent] after `steps` of Adam (Kingma and Ba 2015, algorithm 1) on cost(z) [N]; for graphs.

    beta_2 = .99: gradients become small fast, and a longer memory of the large ones would make steps short.
    """
    mean, square = tf.zeros_like(z), tf.zeros_like(z)
    for step in tf.range(steps):
        with tf.GradientTape() as tape:
            tape.watch(z)
            total = tf.reduce_sum(cost(z))
        gradient, done = tape.gradient(total, z), tf.cast(step, tf.float32)
        mean = 0.9 * mean + 0.1 * gradient
        square = 0.99 * square + 0.01 * gradient**2
        fall = 0.5 + 0.5 * tf.cos(np.pi * done / tf.cast(steps, tf.float32))
        unbiased = mean / (1 - 0.9 ** (done + 1)), square / (1 - 0.99 ** (done + 1))
        z -= learning_rate * fall * unbiased[0] / (tf.sqrt(unbiased[1]) + 1e-8)
    return z
