"""The generators that the course has trained and `utils.pretrained` loads: how each is built.

All GANs have what makes a training steady: a moving average of the generator's weights, the gradient penalty R1 and a
discriminator that sees shifted images. `utils/instructor/generators.py` has the rest of each recipe.
"""
from collections.abc import Callable

from utils.generative import diffusion, dynamics, gans, ivi
from utils.generative.gans import GAN
from utils.quiet import tf

keras = tf.keras.layers

STEADY = dict(decay=0.998, penalty=0.1, augment=gans.shifted, beta_2=0.99)
Rate = float | tf.keras.optimizers.schedules.LearningRateSchedule


def deeper_generator(latent: int, width: int) -> tf.keras.Model:
    """`gans.generator` with one more convolution, 3x3 at 14x14 pixels: [N, latent] -> [N, 28, 28, 1] in [0, 1]."""
    *layers, last, rescaling = gans.generator(latent, width).layers
    extra = [keras.Conv2D(width, 3, padding="same", use_bias=False, kernel_initializer=gans.small()),
             keras.BatchNormalization(momentum=gans.MOMENTUM), keras.ReLU()]
    return tf.keras.Sequential([tf.keras.Input([latent]), *layers, *extra, last, rescaling])


def deeper_discriminator(channels: int, width: int) -> tf.keras.Model:
    """`gans.discriminator` without batch norm, with one more convolution of stride 2: [N, 28, 28, channels] -> logits [N, 1]."""
    first = tf.keras.initializers.HeNormal
    convolutions = [layer for filters in (width, 2 * width, 4 * width)  # [N, 14, 14, .], [N, 7, 7, .], [N, 4, 4, .]
                    for layer in (keras.Conv2D(filters, 4, 2, "same", kernel_initializer=first()), keras.LeakyReLU(0.2))]
    return tf.keras.Sequential([tf.keras.Input([28, 28, channels]), keras.Rescaling(2.0, -1.0), *convolutions,
                                keras.Flatten(), keras.Dense(1, kernel_initializer=first())])


def digits_gan(seed: int = 0, learning_rate: Rate = 2e-4) -> GAN:
    """An unconditional GAN, z of dimension 32; both networks have a convolution more than a DCGAN."""
    return GAN(deeper_generator(32, 32), deeper_discriminator(1, 32), learning_rate, seed, **STEADY | dict(penalty=1.0))


def digits_conditional_gan(seed: int = 0, learning_rate: Rate = 2e-4) -> GAN:
    """A GAN that generates the digit of a given label: z of dimension 32, ten classes."""
    return GAN(gans.generator(32 + 10, 32), deeper_discriminator(1 + 10, 32), learning_rate, seed, **STEADY)


def digits_ivi(seed: int = 0, learning_rate: Rate = 2e-4) -> GAN:
    """An IVI-GAN of `ivi.training_set`: z of dimension 16, whose last entry is the slant; class 0 upright, 1 with a slant."""
    return GAN(ivi.generator(16, 1, 16), gans.discriminator(1 + 2, 24, batch_norm=False), learning_rate, seed, **STEADY)


def towns_gan(seed: int = 0, learning_rate: Rate = 2e-4) -> GAN:
    """A GAN in colour: z of dimension 16 -> streets [N, 32, 32, 3] like those of `views.town`."""
    return GAN(gans.generator(16, 24, 32, 3), gans.discriminator(3, 24, 32, batch_norm=False), learning_rate, seed, **STEADY)


BUILD: dict[str, Callable] = {"digits_gan": digits_gan, "digits_conditional_gan": digits_conditional_gan,
                              "digits_ivi": digits_ivi, "towns_gan": towns_gan,
                              "digits_diffusion": diffusion.unet, "digits_films": dynamics.motion}
