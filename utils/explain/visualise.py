"""Images that a class or a hidden unit prefers, by gradient ascent on the pixels (Erhan et al. 2009; Simonyan et al. 2014).

Without a regulariser the result is noise that the network likes. Each regulariser of `visualise` removes something that natural
images do not have (Yosinski et al. 2015; Mahendran and Vedaldi 2015; Olah, Mordvintsev and Schubert 2017).
"""
from collections.abc import Callable

import numpy as np

from utils.attacks import adam
from utils.attacks.inputs import Model
from utils.attacks.transformations import gaussian_blur
from utils.explain.relu import recorded
from utils.explain.scores import Score, logit
from utils.quiet import tf

Objective = Callable[[tf.Tensor], tf.Tensor]  # images [N, H, W, C] -> [N]
BLUR_EVERY = 4  # steps between two blurs


def of_class(model: Model, labels: np.ndarray, score: Score = logit) -> Objective:
    """The score of each image for its label [N]."""
    return lambda images: score(model(images), tf.constant(labels))


def of_unit(model: Model, layer: int, units: np.ndarray) -> Objective:
    """|h(x)|: how much goes into a hidden unit, its mean over the positions of a feature map.

    layer  the ReLU, in the order of evaluation. What goes *into* it is taken: a unit that is silent at the start has no gradient
           behind its ReLU
    units  [N], for each image the feature map (or the unit of a dense layer)
    """
    def objective(images: tf.Tensor) -> tf.Tensor:
        before = recorded(model, images)[1][layer].before
        each = tf.reduce_mean(before, [1, 2]) if len(before.shape) == 4 else before
        return tf.abs(tf.gather(each, units, batch_dims=1))
    return objective


def visualise(objective: Objective, start: np.ndarray, *, steps: int = 200, learning_rate: float = 0.02, decay: float = 0.0,
              blur: float = 0.0, clip: float = 0.0, jitter: int = 0, variation: float = 0.0, fourier: bool = False,
              seed: int = 0) -> np.ndarray:
    """Images [N, H, W, C] in [0, 1] for which the objective is high, found by Adam from `start` [N, H, W, C] in [0, 1].

    decay      L2 decay: weight of the mean square of the distance from grey, 0.5
    blur       every BLUR_EVERY steps the image is blurred with this standard deviation, in pixels
    clip       share, in [0, 1), of the values, those nearest to grey, that are set to grey after each step (clipping of small
               pixels)
    jitter     before each step the image is shifted by up to so many pixels, at random
    variation  weight of the total variation: the sum of the absolute differences of neighbours, divided by the number of values
    fourier    the coefficients of the Fourier transform are trained in the place of the pixels, each divided by its frequency,
               so that all frequencies of a natural image are equally easy to reach (Olah et al. 2017); `blur` and `clip` are
               of no effect then

    After the last step the image is clipped to the box. Raises ValueError for a start outside [0, 1].
    """
    if not (np.ndim(start) == 4 and start.min() >= 0 and start.max() <= 1):
        raise ValueError(f"start has shape {list(np.shape(start))}, expected images [N, H, W, C] with values from 0 to 1.")
    to_images, trained = _fourier(start) if fourier else (tf.identity, tf.constant(start, tf.float32))

    def cost(parameters: tf.Tensor, shift: tf.Tensor) -> tf.Tensor:
        images = to_images(parameters)
        penalty = decay * tf.reduce_mean((images - 0.5) ** 2, [1, 2, 3])
        if variation:
            penalty += variation * tf.image.total_variation(images) / images[0].shape.num_elements()
        return tf.reduce_sum(penalty - objective(tf.roll(images, shift, [1, 2])))

    @tf.function
    def step(parameters: tf.Tensor, moments: adam.Moments, done: tf.Tensor, shift: tf.Tensor) -> tuple[tf.Tensor, adam.Moments]:
        with tf.GradientTape() as tape:
            tape.watch(parameters)
            total = cost(parameters, shift)
        change, moments = adam.step(tape.gradient(total, parameters), moments, done, learning_rate)
        parameters -= change
        return (parameters if fourier else _in_box(parameters, clip)), moments

    random, moments = np.random.default_rng(seed), adam.first_moments(trained)
    for done in range(steps):
        shift = tf.constant(random.integers(-jitter, jitter + 1, 2), tf.int32)
        trained, moments = step(trained, moments, tf.constant(float(done)), shift)
        if blur and not fourier and done % BLUR_EVERY == 0 and done < steps - 1:
            trained = gaussian_blur(trained, tf.constant(blur), radius=max(1, round(3 * blur)))
    return np.clip(to_images(trained).numpy(), 0, 1)


def _in_box(images: tf.Tensor, clip: float) -> tf.Tensor:
    """Images clipped to [0, 1], and the share `clip` of their values that is nearest to grey set to grey."""
    images = tf.clip_by_value(images, 0, 1)
    if clip:
        away = tf.reshape(tf.abs(images - 0.5), [tf.shape(images)[0], -1])
        least = tf.sort(away, axis=1)[:, int(clip * away.shape[1])]
        images = tf.where(tf.abs(images - 0.5) < tf.reshape(least, [-1, 1, 1, 1]), 0.5, images)
    return images


def _fourier(start: np.ndarray) -> tuple[Callable, tf.Tensor]:
    """(to_images, parameters [2, N, C, H, W // 2 + 1]): real and imaginary parts of the start before a sigmoid."""
    height, width = start.shape[1:3]
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width))
    scale = (1 / np.maximum(frequency, 1 / max(height, width)) * np.sqrt(height * width) / 50).astype(np.float32)
    inside = np.clip(start, 0.01, 0.99)
    spectrum = np.fft.rfft2(np.moveaxis(np.log(inside / (1 - inside)), 3, 1)) / scale

    def to_images(parameters: tf.Tensor) -> tf.Tensor:
        values = tf.signal.irfft2d(tf.complex(parameters[0] * scale, parameters[1] * scale), [height, width])
        return tf.sigmoid(tf.transpose(values, [0, 2, 3, 1]))
    return to_images, tf.constant(np.stack([spectrum.real, spectrum.imag]), tf.float32)
