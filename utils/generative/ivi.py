"""One block of the latent vector for one variation, and nothing else: intra-class variation isolation (IVI-GAN).

Marriott, Romdhani and Chen 2018, arXiv:1811.11296. The training set has two classes: images without the variation (0) and with
it (1). How much of it an image has, nobody says. The block is multiplied by the class: images of class 0 have to do without it,
so the rest of the vector learns everything but the variation.

The variation here is the slant of a digit: how many pixels a stroke moves to the right for each pixel up. Images are float32
[N, H, W, 1] in [0, 1].
"""
import numpy as np

from utils.generative import gans
from utils.quiet import tf


def generator(latent: int = 16, block: int = 1, width: int = 16) -> tf.keras.Model:
    """[N, latent + 2] -> images [N, 28, 28, 1]: z, of which the last `block` entries are the block, then the one-hot class.

    The DCGAN generator of `gans.generator` behind a layer that multiplies the block by the class, 0 or 1.
    """
    inputs = tf.keras.Input([latent + 2])
    rest, isolated, varied = inputs[:, :latent - block], inputs[:, latent - block:latent], inputs[:, latent + 1:]
    x = tf.keras.layers.Concatenate()([rest, isolated * varied])
    for layer in gans.generator(latent, width).layers:
        x = layer(x)
    return tf.keras.Model(inputs, x)


def training_set(images: np.ndarray, most: float = 0.7, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """(images [2 N, H, W, 1], classes [2 N]): each digit upright (class 0), and with a slant uniform in [-most, most] (1)."""
    slants = np.random.default_rng(seed).uniform(-most, most, len(images))
    upright, varied = (sheared(images, wanted - slant(images)) for wanted in (0, slants))
    return np.concatenate([upright, varied]), np.repeat([0, 1], len(images))


def slant(images: np.ndarray) -> np.ndarray:
    """The slant [N] of each image: the slope of the line x(y) with the least square error, each pixel weighted by its brightness.

    It is 0 for an upright stroke, positive for one that leans to the right, and covariance(x, y) / variance(y) with y upwards.
    """
    weight = images[..., 0].astype(float)
    up, right = np.mgrid[weight.shape[1] - 1:-1:-1, :weight.shape[2]].astype(float)
    total = np.maximum(weight.sum(axis=(1, 2)), 1e-9)
    x, y = (place - ((weight * place).sum(axis=(1, 2)) / total)[:, None, None] for place in (right, up))
    return (weight * x * y).sum(axis=(1, 2)) / np.maximum((weight * y * y).sum(axis=(1, 2)), 1e-9)


def sheared(images: np.ndarray, change: np.ndarray) -> np.ndarray:
    """Each image sheared around its centre of mass, so that its slant grows by `change` [N]; bilinear, black beyond the frame."""
    from scipy.ndimage import affine_transform, center_of_mass

    result = np.empty_like(images)
    for new, image, slope in zip(result, images, change):
        row, _ = center_of_mass(image[..., 0] + 1e-9)
        matrix = [[1, 0], [slope, 1]]  # the column in the old image that a pixel is taken from
        new[..., 0] = affine_transform(image[..., 0], matrix, [0, -slope * row], order=1)
    return result
