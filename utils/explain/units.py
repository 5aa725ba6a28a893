"""What a hidden unit responds to: the images and crops that excite it most (Zeiler and Fergus 2014, figure 2)."""
from collections.abc import Callable

import numpy as np

from utils.attacks.inputs import Model
from utils.explain.relu import activations, replaced
from utils.explain.scores import slices
from utils.quiet import tf


def strongest(model: Model, x: np.ndarray, layer: int, unit: int, count: int = 9) -> tuple[np.ndarray, np.ndarray]:
    """The `count` images of x [N, H, W, C] that excite a unit most, and where: indices [count], rows and columns [count, 2].

    layer  the ReLU, in the order of evaluation, of feature maps [N, h, w, channels]; `unit` is the channel. One position for
           each image: that of the largest value of the map.
    """
    found = np.concatenate([activations(model, x[part])[layer].after[..., unit].numpy() for part in slices(x)])
    flat = found.reshape(len(x), -1)
    best = np.argsort(-flat.max(1), kind="stable")[:count]
    return best, np.stack(np.unravel_index(flat[best].argmax(1), found.shape[1:]), axis=1)


def receptive_region(model: Model, shape: tuple[int, int, int], layer: int, place: tuple[int, int]) -> tuple[slice, slice]:
    """The rows and columns of an image of `shape` that a unit at `place` of a layer depends on.

    Measured, for any network: where the gradient of the unit is not 0 for at least one of 8 images of noise. The ReLUs are
    replaced by the identity, so that none stands in the way.
    """
    noise = tf.constant(np.random.default_rng(0).uniform(size=(8, *shape)).astype(np.float32))
    with tf.GradientTape() as tape:
        tape.watch(noise)
        found: list[tf.Tensor] = []
        with replaced(lambda before: found.append(before) or before):
            model(noise)
        total = tf.reduce_sum(found[layer][:, place[0], place[1]] ** 2)
    used = np.any(tape.gradient(total, noise).numpy() != 0, axis=(0, 3))
    return tuple(slice(int(where[0]), int(where[-1]) + 1) for where in (np.flatnonzero(used.any(1)), np.flatnonzero(used.any(0))))


def crops(model: Model, x: np.ndarray, layer: int, unit: int, count: int = 9) -> list[np.ndarray]:
    """The parts [h, w, C] of the images x that excite a unit most: what is in its receptive field at the most active position."""
    best, places = strongest(model, x, layer, unit, count)
    return [x[i][receptive_region(model, x.shape[1:], layer, tuple(place))] for i, place in zip(best, places)]


def unit_gradient(model: Model, x: np.ndarray, layer: int, unit: int, relu: Callable) -> np.ndarray:
    """The gradient [N, H, W, C] of the largest value of a feature map by the pixels, with `relu` in the place of ReLU."""
    images = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(images)
        found: list[tf.Tensor] = []
        with replaced(lambda before: found.append(relu(before)) or found[-1]):
            model(images)
        total = tf.reduce_sum(tf.reduce_max(found[layer][..., unit], [1, 2]))
    return tape.gradient(total, images).numpy()
