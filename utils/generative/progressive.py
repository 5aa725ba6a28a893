"""A GAN that grows: 7x7 pixels first, then 14x14, then 28x28 (Karras, Aila, Laine and Lehtinen 2018, arXiv:1710.10196).

Each stage adds a block to both networks. A new block would upset what was learnt, so it fades in (their figure 2): the images of
a stage are (1 - fade) times the enlarged images of the stage before plus fade times its own, and the discriminator mixes the two
resolutions in the same way.
"""
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from utils.generative import gans
from utils.quiet import tf

keras = tf.keras.layers
SIDES = (7, 14, 28)


class Fade(keras.Layer):
    """(1 - fade) old + fade new, where `fade` in [0, 1] is a variable that is not trained; 1 at first."""

    def build(self, shapes: list) -> None:
        """Make the weight of the new path, which starts at 1 and is set from outside."""
        self.fade = self.add_weight(shape=(), initializer="ones", trainable=False, name="fade")

    def call(self, old: tf.Tensor, new: tf.Tensor) -> tf.Tensor:
        """Two tensors of any shape, both of the same -> their mixture."""
        return (1 - self.fade) * old + self.fade * new


class Stage(NamedTuple):
    """Both networks at one resolution, and how far their newest blocks have faded in; the first stage has nothing to fade."""

    generator: tf.keras.Model
    discriminator: tf.keras.Model
    fades: list[Fade]


def stages(latent: int = 32, width: int = 16) -> list[Stage]:
    """The three stages; each shares the layers of the one before.

    generator      z [N, latent] -> images [N, side, side, 1] in [0, 1], side 7, 14 or 28
    discriminator  such images -> logits [N, 1], without batch norm
    """
    z = tf.keras.Input([latent])
    maps = _normalised(keras.Reshape([7, 7, 2 * width])(keras.Dense(98 * width, use_bias=False)(z)))
    images, grown = _to_image()(maps), []
    blocks = [keras.Conv2D(2 * width, 3, padding="same"), keras.Conv2D(2 * width, 4, 2, "same"),
              keras.Conv2D(width, 4, 2, "same")]
    readers = [keras.Conv2D(channels, 1) for channels in (2 * width, width, width)]
    verdict = keras.Dense(1)
    for number, side in enumerate(SIDES):
        fades = []
        if number:
            maps = _normalised(keras.Conv2DTranspose(2 * width // 2**number, 4, 2, "same", use_bias=False)(maps))
            fades = [Fade(), Fade()]
            images = fades[0](keras.UpSampling2D()(images), _to_image()(maps))
        seen = tf.keras.Input([side, side, 1])
        x = blocks[number](keras.LeakyReLU(0.2)(readers[number](seen)))
        if number:
            x = fades[1](readers[number - 1](keras.AveragePooling2D(2)(seen)), x)
        for block in blocks[number - 1::-1] if number else []:
            x = block(keras.LeakyReLU(0.2)(x))
        logits = verdict(keras.Flatten()(keras.LeakyReLU(0.2)(x)))
        grown.append(Stage(tf.keras.Model(z, images), tf.keras.Model(seen, logits), fades))
    return grown


def grow(images: np.ndarray, *, steps: int, batch_size: int = 32, learning_rate: float = 1e-3, width: int = 16,
         seed: int = 0) -> Iterator[tuple[str, tf.keras.Model]]:
    """Train the stages one after the other on images [N, 28, 28, 1] in [0, 1]; (where it stands, generator) after each phase.

    Each of the phases "7x7", "14x14 fading in", "14x14", "28x28 fading in" and "28x28" has `steps` steps. While a block fades in,
    `fade` is 1/8, 3/8, 5/8, 7/8; the generator of a fading phase is handed over in its middle, at 3/8. It is trained on.
    """
    for side, stage in zip(SIDES, stages(width=width)):
        real = reduced(images, side)
        gan = gans.GAN(stage.generator, stage.discriminator, learning_rate, seed)
        for part in (1, 3, 5, 7) if stage.fades else ():
            _fade(stage, part / 8)
            gans.train(gan, real, steps=steps // 4, batch_size=batch_size)
            if part == 3:
                yield f"{side}x{side} fading in", stage.generator
        _fade(stage, 1.0)
        gans.train(gan, real, steps=steps, batch_size=batch_size)
        yield f"{side}x{side}", stage.generator


def reduced(images: np.ndarray, side: int) -> np.ndarray:
    """Images [N, H, W, C] -> [N, side, side, C]: means over blocks; `side` divides H = W."""
    n, height, _, channels = images.shape
    return images.reshape(n, side, height // side, side, height // side, channels).mean(axis=(2, 4))


def _fade(stage: Stage, value: float) -> None:
    for layer in stage.fades:
        layer.fade.assign(value)


def _normalised(maps: tf.Tensor) -> tf.Tensor:
    return keras.ReLU()(keras.BatchNormalization(momentum=gans.MOMENTUM)(maps))


def _to_image() -> tf.keras.Sequential:
    return tf.keras.Sequential([keras.Conv2D(1, 3, padding="same", activation="tanh"), keras.Rescaling(0.5, 0.5)])
