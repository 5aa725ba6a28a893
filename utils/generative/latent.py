"""Latent vectors: between two others, and found by search, of an image that is given (`invert`) or that a network prefers.

`generator` is a Keras model of `utils.generative.gans` that is not conditional: z [N, latent] -> images [N, 28, 28, 1] in [0, 1].
"""
from collections.abc import Callable

import numpy as np

from utils.attacks import adam
from utils.attacks.inputs import check_inputs
from utils.quiet import tf

Function = Callable[[tf.Tensor], tf.Tensor]
IMAGES_PER_CALL = 512  # images, counting restarts, that an inversion works on at a time: bounds the memory


def straight(a: np.ndarray, b: np.ndarray, t: float) -> np.ndarray:
    """The vectors [N, latent] at t in [0, 1] on the straight line from a to b [N, latent]."""
    return (1 - t) * a + t * b


def on_shell(a: np.ndarray, b: np.ndarray, t: float) -> np.ndarray:
    """`straight`, [N, latent], moved outwards or inwards, so that the norm runs evenly from that of a to that of b.

    The arc is that of spherical interpolation (Shoemake 1985); only the speed along it is not quite even.
    """
    between = straight(a, b, t)
    norm, norm_a, norm_b = (np.linalg.norm(vectors, axis=1, keepdims=True) for vectors in (between, a, b))
    return between / np.maximum(norm, 1e-9) * straight(norm_a, norm_b, t)


def invert(generator: tf.keras.Model, images: np.ndarray, *, restarts: int = 8, steps: int = 200,
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
    parts = []
    size = max(1, IMAGES_PER_CALL // restarts)
    for first in range(0, len(images), size):
        part = slice(first, first + size)
        parts.append(_invert(generator, tf.constant(images[part]), tf.constant(starts[part]),
                             tf.constant(steps), tf.constant(learning_rate, tf.float32)))
    z, samples = (np.concatenate(arrays) for arrays in zip(*parts))
    return z, samples


def projection(generator: tf.keras.Model, *, restarts: int = 1, steps: int = 50, learning_rate: float = 0.1,
               seed: int = 0) -> Function:
    """The defence of Defense-GAN as a function for graphs: images [N, 28, 28, 1] -> G(z*) of the same shape.

    As `invert`, from new starting points at each call: an attack that calls it at each step does not rely on one of them. No
    useful gradient comes through it; `defences.bpda` gives it one.
    """
    random = tf.random.Generator.from_seed(seed)

    def project(images: tf.Tensor) -> tf.Tensor:
        starts = random.normal([tf.shape(images)[0], restarts, generator.input_shape[1]])
        return _invert(generator, images, starts, tf.constant(steps), tf.constant(learning_rate))[1]
    return project


@tf.function(reduce_retracing=True)
def _invert(generator: tf.keras.Model, images: tf.Tensor, starts: tf.Tensor, steps: tf.Tensor,
            learning_rate: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """`invert` for a few images [N, ...] from starting points [N, restarts, latent], in one batch."""
    n, restarts, latent = tf.unstack(tf.shape(starts))
    wanted = tf.repeat(images, restarts, axis=0)

    def error(z: tf.Tensor) -> tf.Tensor:
        return tf.reduce_mean((generator(z) - wanted) ** 2, axis=[1, 2, 3])

    z = _minimise(error, tf.reshape(starts, [n * restarts, starts.shape[2]]), steps, learning_rate)
    best = tf.argmin(tf.reshape(error(z), [n, restarts]), axis=1)
    z = tf.gather(tf.reshape(z, [n, restarts, latent]), best, batch_dims=1)
    return z, generator(z)


def preferred(generator: tf.keras.Model, model: Callable, label: int | np.ndarray, *, n: int = 16, steps: int = 200,
              learning_rate: float = 0.05, penalty: float = 1.0, seed: int = 0) -> np.ndarray:
    """n images [n, 28, 28, 1] of the generator to which `model` gives the highest logit of class `label`.

    label  the class, one for all images or [n]

    Maximises logit - penalty |z|^2 / 2 over z, from n standard normal starting points (Nguyen et al. 2016):
    the generator keeps the image like a digit, the penalty keeps z where the generator was trained. `model`
    maps images to logits [N, classes], and need not know the generator. Raises ValueError for a label that it
    does not have, and for a model that ends in softmax: where it saturates, its gradient is nearly 0 and the search stops.
    """
    start = np.random.default_rng(seed).standard_normal((n, generator.input_shape[1]), np.float32)
    labels = np.broadcast_to(label, n)
    check_inputs(model, np.clip(generator(start), 0, 1), labels)
    return _preferred(generator, model, tf.constant(labels), tf.constant(start), tf.constant(steps),
                      tf.constant(learning_rate, tf.float32), tf.constant(penalty, tf.float32)).numpy()


@tf.function(reduce_retracing=True)
def _preferred(generator: tf.keras.Model, model: Callable, labels: tf.Tensor, start: tf.Tensor, steps: tf.Tensor,
               learning_rate: tf.Tensor, penalty: tf.Tensor) -> tf.Tensor:
    """`preferred`, compiled, from starting points [n, latent]."""
    def cost(z: tf.Tensor) -> tf.Tensor:
        return penalty / 2 * tf.reduce_sum(z**2, axis=1) - tf.gather(model(generator(z)), labels, batch_dims=1)

    return generator(_minimise(cost, start, steps, learning_rate))


def _minimise(cost: Callable, z: tf.Tensor, steps: tf.Tensor, learning_rate: tf.Tensor) -> tf.Tensor:
    """z [N, latent] after `steps` of Adam on cost(z) [N], with a step size that falls to 0 on a cosine; for graphs."""
    moments = adam.first_moments(z)
    for step in tf.range(steps):
        with tf.GradientTape() as tape:
            tape.watch(z)
            total = tf.reduce_sum(cost(z))
        gradient, done = tape.gradient(total, z), tf.cast(step, tf.float32)
        fall = adam.cosine(done, tf.cast(steps, tf.float32))
        change, moments = adam.step(gradient, moments, done, learning_rate * fall)
        z -= change
    return z
