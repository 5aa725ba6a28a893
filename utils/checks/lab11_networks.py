"""The networks that lab 11 asks for in tasks 5 and 6, and those that a student may build in their place."""
from collections.abc import Callable, Iterable

import numpy as np

from utils.checks import attempt, equal, require, seeded, shaped
from utils.quiet import tf

layers = tf.keras.layers
SCALE = 0.02  # deviation of the first weights
ONE_Z = "The shape of one z is [latent], of one image [28, 28, 1]; how many there are is not named."


def _built(features: int | list, *parts: tf.keras.Layer | None) -> tf.keras.Model:
    """A network of those of the layers that are not None."""
    return tf.keras.Sequential([tf.keras.Input([features] if isinstance(features, int) else features), *filter(None, parts)])


def generator(latent: int, width: int, *, maps: tuple[int, int] = (2, 1), kernel: int = 4, end: str | None = "tanh",
              norm: bool = True, bias: bool = False, momentum: float = 0.9, slope: float = 0, early: bool = False,
              flat: bool = False, outer: bool = False) -> tf.keras.Model:
    """The generator of task 5, or with other options what a student may write.

    early  the activation before batch norm, flat  batch norm before the reshape, outer  batch norm at the images too
    """
    def between() -> list:
        pair = [layers.BatchNormalization(momentum=momentum) if norm else None, layers.LeakyReLU(slope)]
        return pair[::-1] if early else pair

    (first, second), shape = (width * n for n in maps), layers.Reshape([7, 7, width * maps[0]])
    return _built(latent, layers.Dense(49 * first, use_bias=bias), *([*between(), shape] if flat else [shape, *between()]),
                  layers.Conv2DTranspose(second, kernel, 2, "same", use_bias=bias), *between(),
                  layers.Conv2DTranspose(1, kernel, 2, "same"), layers.BatchNormalization(momentum=momentum) if outer else None,
                  layers.Activation(end))


def discriminator(width: int, *, maps: tuple[int, int] = (1, 2), kernel: int = 4, end: str | None = None,
                  norms: tuple[bool, bool] = (False, True), bias: tuple[bool, bool] = (True, False), momentum: float = 0.9,
                  slope: float = 0.2, pool: bool = False, average: bool = False) -> tf.keras.Model:
    """The discriminator of task 6, or with other options what a student may write.

    norms  batch norm after each convolution, bias  one in each, pool  max pooling in the place of the strides, average  over the
           positions, in the place of Flatten
    """
    parts = [part for n, norm, with_bias in zip(maps, norms, bias) for part in (
        layers.Conv2D(n * width, kernel, 1 if pool else 2, "same", use_bias=with_bias),
        layers.BatchNormalization(momentum=momentum) if norm else None, layers.LeakyReLU(slope),
        layers.MaxPooling2D() if pool else None)]
    return _built([28, 28, 1], *parts, layers.GlobalAveragePooling2D() if average else layers.Flatten(), layers.Dense(1),
                  layers.Activation(end))


def _answers(model: tf.keras.Model, weights: list[np.ndarray], x: np.ndarray) -> np.ndarray:
    """What a network says with these weights: in inference, in training, and again, which shows the running statistics."""
    for variable, value in zip(model.weights, weights):
        variable.assign(value)
    return np.stack([np.asarray(model(x, training=training)) for training in (False, True, False)])


def _shapes(model: tf.keras.Model) -> list[tuple]:
    return [tuple(weight.shape) for weight in model.weights]


def drawn_weights(network: tf.keras.Model, random: np.random.Generator, mean: float, deviation: float) -> list[np.ndarray]:
    """Weights unlike those of a start, for a network with batch norm."""
    return [random.uniform(0.5, 2, weight.shape) if "variance" in weight.name else random.normal(mean, deviation, weight.shape)
            for weight in network.weights]


def network_like(name: str, model: tf.keras.Model, build: Callable, x: np.ndarray, mistakes: Iterable[tuple]) -> None:
    """Compares a student's network with build(), both with the same weights, and tells one like build(**options) by its sentence,
    for the `mistakes` (sentence, options, other options, ...).
    """
    require(isinstance(model, tf.keras.Model),
            f"{name} gives a {type(model).__name__}: return a Keras model, such as tf.keras.Sequential.")
    got = np.shape(attempt(lambda: model(x), f"The model of {name} stops with {{}} {ONE_Z}"))
    reference = build()

    def none_is(same: Callable) -> None:
        for sentence, *several in mistakes:
            for other in (build(**options) for options in several):
                require(_shapes(other) != _shapes(model) or not same(other), sentence)

    fresh, weights = [weight.numpy().copy() for weight in model.weights], drawn_weights(reference, seeded(9), 0.1, 0.4)
    other_shapes = _shapes(model) != _shapes(reference)
    if other_shapes:
        none_is(lambda other: other.output_shape[1:] == got[1:])
    shaped(f"What the model of {name} gives", np.zeros(got), reference(x).shape)
    kernels, expected = ([shape for shape in _shapes(one) if len(shape) > 1] for one in (model, reference))
    require(kernels == expected, f"{name}: the kernels have the shapes {kernels}, expected {expected}.")
    require(not other_shapes, f"{name}: the model has {model.count_params()} parameters, expected {reference.count_params()}: "
            "compare model.summary() with the table.")
    right, said = _answers(reference, weights, x), _answers(model, weights, x)
    for weight, start in zip(model.weights, fresh):  # whoever looks at the network again finds it as it was built
        weight.assign(start)
    if not np.allclose(said, right, atol=1e-4):
        none_is(lambda other: np.allclose(_answers(other, weights, x), said, atol=1e-4))
    equal(f"The model of {name}, with the weights of the check,", said[0], right[0], tolerance=1e-3)
    equal(f"The model of {name} with training=True", said[1], right[1], tolerance=1e-3)
    equal(f"The model of {name} after a call with training=True", said[2], right[2], tolerance=1e-3)
    for start in fresh:
        require(start.ndim == 1 or abs(start.std() / SCALE - 1) < 4 / np.sqrt(2 * start.size),
                f"{name}: the first weights of a kernel {list(start.shape)} have the deviation {start.std():.3g}, expected "
                f"{SCALE}: give each layer with a kernel kernel_initializer=tf.keras.initializers.RandomNormal(stddev=0.02).")
