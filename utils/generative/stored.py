"""The GANs that the course has trained and `utils.pretrained` loads: how each is built.

All have what makes a training steady: a moving average of the generator's weights, the gradient penalty R1 and a discriminator
that sees shifted images. `utils/instructor/generators.py` has the rest of each recipe.
"""
from collections.abc import Callable

from utils.generative import gans, ivi
from utils.generative.gans import GAN
from utils.quiet import tf

STEADY = dict(decay=0.998, penalty=1.0, augment=gans.shifted, beta_2=0.99)
Rate = float | tf.keras.optimizers.schedules.LearningRateSchedule


def digits_gan(seed: int = 0, learning_rate: Rate = 2e-4) -> GAN:
    """An unconditional GAN, z of dimension 32."""
    return GAN(gans.generator(32, 32), gans.discriminator(1, 32, batch_norm=False), learning_rate, seed, **STEADY)


def digits_conditional_gan(seed: int = 0, learning_rate: Rate = 2e-4) -> GAN:
    """A GAN that generates the digit of a given label: z of dimension 32, ten classes."""
    return GAN(gans.generator(32 + 10, 32), gans.discriminator(1 + 10, 32, batch_norm=False), learning_rate, seed, **STEADY)


def digits_ivi(seed: int = 0, learning_rate: Rate = 2e-4) -> GAN:
    """An IVI-GAN of `ivi.training_set`: z of dimension 16, whose last entry is the slant; class 0 upright, 1 with a slant."""
    return GAN(ivi.generator(16, 1, 16), gans.discriminator(1 + 2, 24, batch_norm=False), learning_rate, seed, **STEADY)


def towns_gan(seed: int = 0, learning_rate: Rate = 2e-4) -> GAN:
    """A GAN in colour: z of dimension 16 -> streets [N, 32, 32, 3] like those of `views.town`."""
    return GAN(gans.generator(16, 24, 32, 3), gans.discriminator(3, 24, 32, batch_norm=False), learning_rate, seed, **STEADY)


BUILD: dict[str, Callable[..., GAN]] = {"digits_gan": digits_gan, "digits_conditional_gan": digits_conditional_gan,
                                        "digits_ivi": digits_ivi, "towns_gan": towns_gan}
