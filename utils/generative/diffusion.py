"""A denoising diffusion model for images of 28x28 pixels: noise an image step by step, and learn to undo it (unit 11).

Outside, images are float32 [N, 28, 28, 1] in [0, 1]; inside they are x_0 in [-1, 1]. A time t in [0, 1] says how noisy x_t is:
0 is the image, 1 is noise. At time t the forward process has

    x_t = sqrt(a) x_0 + sqrt(1 - a) noise,    a = signal(t),    noise ~ N(0, I)

(Ho et al. 2020, equation 4; their T steps are the times 1/T, 2/T ... 1, their alpha-bar is `signal`). A network is a Keras model
(x_t [N, 28, 28, 1], t [N]) -> the noise in it [N, 28, 28, 1].
"""
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from utils.quiet import tf
from utils.steps import descend

keras = tf.keras.layers
Network = Callable[[tuple[tf.Tensor, tf.Tensor]], tf.Tensor]

LEAST = 0.02  # sqrt(signal) at t = 1: so little of the image that sampling may start from pure noise
WIDTHS = (24, 64)  # channels at 14x14 and 7x7
FREQUENCIES = 2 ** np.arange(6, dtype=np.float32) * np.pi / 2  # half a wave over t in [0, 1], then twice as fast, ...
AVERAGED = 0.99  # the part of the averaged weights that is kept in a step: a memory of about 100 steps
IMAGES_PER_CALL = 128  # that are sampled at a time: bounds the memory


# the forward process ---------------------------------------------------------------------------------------

def signal(t: tf.Tensor) -> tf.Tensor:
    """The variance of an image that is left at time t, alpha-bar: a cosine squared, from 1 at t = 0 to .0004 at t = 1.

    Nichol and Dhariwal 2021, equation 17, whose offset is left out and which ends at LEAST instead. t of any shape.
    """
    return tf.cos(tf.cast(t, tf.float32) * math.acos(LEAST)) ** 2


def noised(x: tf.Tensor, kept: tf.Tensor, noise: tf.Tensor) -> tf.Tensor:
    """sqrt(kept) x + sqrt(1 - kept) noise: x [N, ...] with the part `kept` of its variance, and noise in the place of the rest.

    kept = signal(t) leads from x_0 to x_t in one step, kept = signal(t) / signal(s) from x_s to x_t (Ho et al. 2020,
    equations 2 and 4). A number, or a tensor that multiplies images.
    """
    return tf.sqrt(kept) * x + tf.sqrt(1 - kept) * noise


def simple_loss(network: Network, x_0: tf.Tensor, random: tf.random.Generator) -> tf.Tensor:
    """The square error of the noise that the network sees in x_t, divided by signal(t), at a random time for each image.

    x_0 [N, 28, 28, 1] -> a scalar. Ho et al. 2020, equation 14, without the division. With it, it is the error of the velocity in
    `unet`, which counts each time equally for the image (Salimans and Ho 2022, section 4).
    """
    t = random.uniform([tf.shape(x_0)[0]])
    noise = random.normal(tf.shape(x_0))
    a = signal(t)[:, None, None, None]
    return tf.reduce_mean((network((noised(x_0, a, noise), t)) - noise) ** 2 / a)


# the way back ----------------------------------------------------------------------------------------------

def denoised(x_t: tf.Tensor, a: tf.Tensor, noise: tf.Tensor) -> tf.Tensor:
    """The image x_0 in [-1, 1] that is left of x_t [N, 28, 28, 1] without this noise; a = signal(t).

    Clipped: no image is outside.
    """
    return tf.clip_by_value((x_t - tf.sqrt(1 - a) * noise) / tf.sqrt(a), -1.0, 1.0)


def posterior(x_0: tf.Tensor, x_t: tf.Tensor, a: tf.Tensor, before: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Mean and variance of x_s, one step before x_t, if the image is x_0: q(x_s | x_t, x_0) (Ho et al. 2020, equation 7).

    a = signal(t) and before = signal(s), s < t: numbers, or [N, 1, 1, 1] for images [N, 28, 28, 1].
    """
    kept = a / before
    mean = (tf.sqrt(before) * (1 - kept) * x_0 + tf.sqrt(kept) * (1 - before) * x_t) / (1 - a)
    return mean, (1 - before) / (1 - a) * (1 - kept)


def ancestral_step(x_t: tf.Tensor, noise: tf.Tensor, a: tf.Tensor, before: tf.Tensor, fresh: tf.Tensor) -> tf.Tensor:
    """x_s from x_t: a point of `posterior`, with the image that the network sees in x_t (Ho et al. 2020, algorithm 2).

    noise  what the network sees in x_t, [N, 28, 28, 1]
    fresh  standard normal, of the shape of x_t
    """
    mean, variance = posterior(denoised(x_t, a, noise), x_t, a, before)
    return mean + tf.sqrt(variance) * fresh


def ddim_step(x_t: tf.Tensor, noise: tf.Tensor, a: tf.Tensor, before: tf.Tensor, fresh: tf.Tensor, eta: float = 0.0) -> tf.Tensor:
    """x_s from x_t: the image that the network sees, with less of the noise that it sees (Song et al. 2021, equations 12 and 16).

    All images and noises are [N, 28, 28, 1]. As `ancestral_step`, where eta = 1. With eta = 0 no fresh noise comes in:
    x_s follows from x_t.
    """
    x_0 = denoised(x_t, a, noise)
    noise = (x_t - tf.sqrt(a) * x_0) / tf.sqrt(1 - a)  # what is noise after the clipping
    variance = eta**2 * (1 - before) / (1 - a) * (1 - a / before)
    return tf.sqrt(before) * x_0 + tf.sqrt(1 - before - variance) * noise + tf.sqrt(variance) * fresh


def sample(network: Network, n: int, *, steps: int, step: Callable = ddim_step, shape: tuple[int, ...] = (28, 28, 1),
           seed: int = 0) -> np.ndarray:
    """n images [n, *shape] in [0, 1]: from noise at t = 1 to t = 0 in `steps` steps of equal length, each by `step`.

    step  `ddim_step` or `ancestral_step`

    The same images for the same seed. Raises ValueError for no images or steps.
    """
    if min(n, steps) < 1:
        raise ValueError(f"{n} images in {steps} steps: both must be 1 or more.")
    start = np.random.default_rng(seed).standard_normal((n, *shape), np.float32)
    firsts = range(0, n, IMAGES_PER_CALL)
    parts = [_back(network, tf.constant(start[first:first + IMAGES_PER_CALL]), tf.constant(steps), step,
                   tf.constant([seed, first * steps])) for first in firsts]
    return np.clip(np.concatenate(parts) / 2 + 0.5, 0, 1)


@tf.function(reduce_retracing=True)
def _back(network: Network, x: tf.Tensor, steps: tf.Tensor, step: Callable, seed: tf.Tensor) -> tf.Tensor:
    """x_0 [N, ...] of x at t = 1: `sample`, compiled whole. Step i has the noise of `seed` + [0, i + 1]."""
    times = tf.linspace(1.0, 0.0, steps + 1)
    levels = signal(times)
    for i in tf.range(steps):
        noise = network((x, tf.fill([tf.shape(x)[0]], times[i])))
        fresh = tf.random.stateless_normal(tf.shape(x), seed + [0, i + 1])
        x = tf.ensure_shape(step(x, noise, levels[i], levels[i + 1], fresh), x.shape)
    return x


# the network and its training ------------------------------------------------------------------------------

def unet(widths: tuple[int, int] = WIDTHS) -> tf.keras.Model:
    """A small U-Net, (x_t [N, 28, 28, 1], t [N]) -> the noise in x_t [N, 28, 28, 1], with the time in each block.

    Down to 7x7 and back: what the network knows at 14x14 on the way down it sees again on the way up (Ronneberger et al. 2015,
    section 2; Ho et al. 2020, appendix B). Only the first and the last layer work at 28x28, where layers are most expensive.

    Inside, the network gives the velocity v = sqrt(a) noise - sqrt(1 - a) x_0, from which the noise follows (Salimans and Ho
    2022, appendix D). Near t = 1 the noise is almost x_t itself, and any error in it would be a fiftyfold error in the image.
    """
    x_t, t = tf.keras.Input([28, 28, 1]), tf.keras.Input([])
    angles = t[:, None] * FREQUENCIES
    waves = keras.Concatenate()([t[:, None], tf.keras.ops.sin(angles), tf.keras.ops.cos(angles)])
    time = keras.Dense(64, activation="silu")(waves)

    fine = _block(keras.Conv2D(widths[0], 4, 2, padding="same")(x_t), time)
    coarse = _block(_conv(widths[1], strides=2)(fine), time)
    back = keras.UpSampling2D()(keras.Conv2D(widths[0], 1)(coarse))
    x = _block(_conv(widths[0])(keras.Concatenate()([back, fine])), time)
    x = keras.Activation("silu")(keras.GroupNormalization(8)(x))
    v = keras.Conv2DTranspose(1, 4, 2, padding="same", kernel_initializer="zeros")(x)
    root, other = (keras.Reshape([1, 1, 1])(f(t * math.acos(LEAST))) for f in (tf.keras.ops.cos, tf.keras.ops.sin))
    return tf.keras.Model((x_t, t), other * x_t + root * v)


def _conv(width: int, **options: Any) -> tf.keras.layers.Layer:
    """A convolution of 3x3 that keeps the size."""
    return keras.Conv2D(width, 3, padding="same", **options)


def _block(x: tf.Tensor, time: tf.Tensor) -> tf.Tensor:
    """Two convolutions around what the time adds to each channel, and past them a connection (a residual block)."""
    width = x.shape[-1]
    h = _conv(width)(keras.Activation("silu")(keras.GroupNormalization(8)(x)))
    h = keras.Add()([h, keras.Reshape([1, 1, width])(keras.Dense(width)(time))])
    h = _conv(width, kernel_initializer="zeros")(keras.Activation("silu")(keras.GroupNormalization(8)(h)))
    return keras.Add()([x, h])


def train(network: tf.keras.Model, x: np.ndarray, *, steps: int, batch_size: int = 64, learning_rate: float = 2e-3,
          seed: int = 0) -> list[float]:
    """Train `network` on images x [N, 28, 28, 1] in [0, 1]; at the end it has the moving average of its weights.

    Adam, whose step size falls to 0 on a cosine (Ho et al. 2020, algorithm 1; they keep the step size). Without the average the
    samples would show the last batches. Returns the mean of `simple_loss` for each 100 steps.
    """
    images, random = tf.constant(2 * x - 1, tf.float32), tf.random.Generator.from_seed(seed)

    def loss(step: tf.Tensor) -> tf.Tensor:
        chosen = random.uniform([batch_size], 0, len(x), tf.int32)
        return simple_loss(network, tf.gather(images, chosen), random)

    return descend(network, loss, steps=steps, learning_rate=learning_rate, use_ema=True, ema_momentum=AVERAGED)
