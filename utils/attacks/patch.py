"""An adversarial patch: a sticker that fools the network wherever it lies, on whatever picture."""
from typing import NamedTuple

import numpy as np

from utils.attacks import adam
from utils.attacks.descent import finite
from utils.attacks.inputs import Model, check_inputs, check_numbers, most_at_once, warn_without_gradient
from utils.attacks.losses import attack_loss, margin
from utils.attacks.transformations import Transform, identity, similarity, warp
from utils.attacks.universal import minibatch
from utils.quiet import tf


class Patch(NamedTuple):
    """A sticker: what `patch` gives instead of a `Result`, since it has no image of its own that it changes by a dx.

    image  float32 [h, w, C] in [0, 1]; grey (.5) where the mask is 0
    mask   float32 [h, w, 1] in [0, 1]: how far it covers what is under it
    """

    image: np.ndarray | tf.Tensor
    mask: np.ndarray | tf.Tensor


def patch(model: Model, x: np.ndarray, labels: np.ndarray, *, mask: np.ndarray, targeted: bool = True, angle: float = 20.0,
          zoom: float = 1.2, transform: Transform = identity, steps: int = 300, batch: int = 32, learning_rate: float = 0.05,
          seed: int = 0) -> Patch:
    """Minimise over the patch's pixels the mean of the attacker's loss over the images, random placements and transformations.

    x       images [N, H, W, C] in [0, 1]: the set that the patch is made from
    labels  [N]: the wanted labels, the same for all in most uses; the true ones if not `targeted`
    mask    [h, w, 1] in [0, 1], at most as large as an image: the shape. A small one, such as `masks.disc(14)`, is placed
            anywhere; one as large as the image, such as `masks.glasses(48)`, stays where it is but for `angle` and `zoom`
    angle, zoom  the largest rotation (degrees) and scaling, as in `place_at_random`
    transform    what happens to the picture with the patch, such as `transformations.camera`
    batch   images in each step, drawn by `seed`, each with a placement of its own. Of large images fewer, so that memory does
            not grow with their size

    Adam, with a step size (in pixel values) that falls to 0 on a cosine, from grey. Brown et al. 2017, section 2. What it is
    worth, `survival` measures on other images, with `partial(place_at_random, patch=...)` as the transformation. Where the
    gradient vanishes or is not finite the patch stays as it is, and a warning says for how many images it was so in the end.
    Raises ValueError for a mask that does not fit and for inputs that cannot be meant (see `inputs.check_inputs`).
    """
    x, labels = check_inputs(model, x, labels, targeted)
    check_numbers(mask=mask, angle=angle, zoom=zoom, learning_rate=learning_rate)
    mask = np.asarray(mask, np.float32)
    if mask.ndim != 3 or mask.shape[2] != 1 or mask.shape[0] > x.shape[1] or mask.shape[1] > x.shape[2]:
        raise ValueError(f"The mask has shape {list(mask.shape)}, "
                         f"expected [h, w, 1] with h and w at most {x.shape[1]} and {x.shape[2]}.")
    if mask.min() < 0 or mask.max() > 1 or not mask.any():
        raise ValueError(f"The mask goes from {mask.min():g} to {mask.max():g}, expected 0 to 1, and more than 0 somewhere.")
    numbers = (tf.constant(np.float32(number)) for number in (angle, zoom, learning_rate))
    counts = map(tf.constant, (steps, min(batch, len(x), most_at_once(x)), seed))
    image, blind = _train(model, tf.constant(x), tf.constant(labels), tf.constant(mask), targeted, transform, *numbers, *counts)
    warn_without_gradient(blind.numpy())
    return Patch(image.numpy(), mask)


def apply_patch(images: np.ndarray | tf.Tensor, patch: Patch, *, right: tf.Tensor | float = 0.0, down: tf.Tensor | float = 0.0,
                angle: tf.Tensor | float = 0.0, zoom: tf.Tensor | float = 1.0) -> tf.Tensor:
    """Images [N, H, W, C] in [0, 1] with the patch on them: the same shape, in [0, 1].

    right, down  where the patch's centre is, in pixels from the image's
    angle, zoom  turned clockwise in degrees, and enlarged

    Each is one number for all images or [N]. Bilinear; what the mask covers by half shows through by half.
    """
    # The image times its mask: what lies outside of the mask must not come in by interpolation.
    layers = tf.concat([patch.image * patch.mask, patch.mask], -1)
    layers = tf.pad(layers, [[1, 1], [1, 1], [0, 0]])[None]  # nothing around it, as `warp` repeats the edge
    placed = warp(layers, similarity(right, down, angle, zoom), tf.shape(images)[1:3])
    return images * (1 - placed[..., -1:]) + placed[..., :-1]


def place_at_random(images: np.ndarray | tf.Tensor, seed: tf.Tensor, patch: Patch, *, angle: tf.Tensor | float = 20.0,
                    zoom: tf.Tensor | float = 1.2) -> tf.Tensor:
    """`apply_patch` with numbers drawn by `seed` for each image; the patch's square, not turned, lies within the image.

    images [N, H, W, C] -> the same shape; seed int32 [2]
    angle  the largest rotation in degrees, each way
    zoom   the largest factor, 1 or more; the smallest is 1 / zoom (uniform in its logarithm)
    """
    turn, size, across, down = tf.unstack(tf.random.stateless_uniform([4, tf.shape(images)[0]], seed, -1.0, 1.0))
    size = zoom**size
    rooms = [tf.maximum(tf.cast(all_of_it, tf.float32) - size * tf.cast(part, tf.float32), 0.0) / 2
             for all_of_it, part in zip(tf.unstack(tf.shape(images)[1:3]), tf.unstack(tf.shape(patch.mask)[:2]))]
    return apply_patch(images, patch, right=rooms[1] * across, down=rooms[0] * down, angle=angle * turn, zoom=size)


@tf.function(reduce_retracing=True)
def _train(model: Model, x: tf.Tensor, labels: tf.Tensor, mask: tf.Tensor, targeted: bool, transform: Transform, angle: tf.Tensor,
           zoom: tf.Tensor, learning_rate: tf.Tensor, steps: tf.Tensor, batch: tf.Tensor,
           seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The loop of `patch`, compiled whole: its image [h, w, C], and blind, bool [N].

    An image is blind if, when it was last drawn, it did not fool the model and no image of its batch gave a gradient.
    """
    blind = tf.zeros([tf.shape(x)[0]], tf.bool)
    image = tf.fill(tf.stack([tf.shape(mask)[0], tf.shape(mask)[1], tf.shape(x)[3]]), 0.5)
    moments = adam.first_moments(image)
    for step in tf.range(steps):
        done = tf.cast(step, tf.float32)
        for_batch, for_place, for_transform = tf.unstack(tf.random.split(tf.stack([2 * seed, step]), 3))  # even, as in `eot`
        chosen = minibatch(tf.shape(x)[0], batch, for_batch)
        with tf.GradientTape() as tape:
            tape.watch(image)
            worn = place_at_random(tf.gather(x, chosen), for_place, Patch(image, mask), angle=angle, zoom=zoom)
            logits, wanted = model(transform(worn, for_transform)), tf.gather(labels, chosen)
            loss = tf.reduce_mean(attack_loss(logits, wanted, targeted))
        gradient = tape.gradient(loss, image, unconnected_gradients=tf.UnconnectedGradients.ZERO)
        gradient = finite(gradient)
        stuck = (margin(logits, wanted, targeted) >= 0) & tf.reduce_all(gradient == 0)
        blind = tf.tensor_scatter_nd_update(blind, chosen[:, None], stuck)
        change, moments = adam.step(gradient, moments, done, learning_rate * adam.cosine(done, tf.cast(steps, tf.float32)))
        image = tf.clip_by_value(image - change, 0.0, 1.0)
    return image, blind
