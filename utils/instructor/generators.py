"""How unit 11's stored generators are trained. Called by `weights`."""
from collections.abc import Callable

import numpy as np

from utils import pretrained
from utils.data import Dataset, views
from utils.data.films import films
from utils.generative import diffusion, dynamics, gans, ivi
from utils.generative.gans import GAN
from utils.quiet import tf

TOWNS = 1000  # rendered for the GAN in colour, and as many mirrored


def trained(name: str, images: np.ndarray, labels: np.ndarray | None = None, *, steps: int, rate: float = 1e-3,
            seed: int = 0) -> GAN:
    """The GAN `name` of `pretrained.BUILD` after `steps` steps of 64 images, the rate falling to 0 along half a cosine.

    Its generator has the averaged weights: they are what is stored.
    """
    network = pretrained.build(name, seed=seed, learning_rate=tf.keras.optimizers.schedules.CosineDecay(rate, steps))
    gans.train(network, images, labels, steps=steps)
    network.generator.set_weights(network.averaged.get_weights())
    return network


def diffusion_model(digits: Dataset, seed: int = 0) -> tf.keras.Model:
    """The U-Net that sees noise, after 10,000 steps of 64 images."""
    network = pretrained.build("digits_diffusion")
    diffusion.train(network, digits.x_train, steps=10_000, seed=seed)
    return network


def film_network(digits: Dataset, seed: int = 0) -> tf.keras.Model:
    """What goes on with films, after 3,600 steps of 32 films; each training digit has five films."""
    network = pretrained.build("digits_films")
    dynamics.train(network, np.concatenate([films(digits.x_train, number) for number in range(5)]), steps=3600, seed=seed)
    return network


def towns() -> np.ndarray:
    """Rendered streets and their mirror images, [2 TOWNS, 32, 32, 3]."""
    images = np.stack([views.town(seed, 32, 32) for seed in range(TOWNS)])
    return np.concatenate([images, images[:, :, ::-1]])


TRAINED: dict[str, Callable[[Dataset | None, int], tf.Module | GAN]] = {  # of the data and the seed
    "digits_gan": lambda digits, seed: trained("digits_gan", digits.x_train, steps=5600, seed=seed),
    "digits_conditional_gan": lambda digits, seed: trained("digits_conditional_gan", digits.x_train, digits.y_train, steps=6000,
                                                           seed=seed),
    "digits_ivi": lambda digits, seed: trained("digits_ivi", *ivi.training_set(digits.x_train), steps=1600, seed=seed),
    "digits_diffusion": diffusion_model,
    "digits_films": film_network,
    "towns_gan": lambda _, seed: trained("towns_gan", towns(), steps=3000, seed=seed),
}
