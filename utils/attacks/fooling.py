"""Fooling images: they mean nothing to a person, and the model is sure of them (Nguyen, Yosinski and Clune 2015)."""
from typing import NamedTuple

import numpy as np

from utils.attacks import adam
from utils.attacks.descent import finite
from utils.attacks.encodings import ENCODINGS, Shape
from utils.attacks.inputs import Model, check_inputs, check_numbers, chunks, most_at_once, warn_without_gradient
from utils.attacks.losses import attack_loss, margin
from utils.attacks.norms import PIXELS, mean_square
from utils.quiet import tf


class Fooling(NamedTuple):
    """Images for N labels: what both searches give instead of a `Result`, since they start from no image. All arrays are NumPy.

    images      float32 [N, H, W, C] in [0, 1]
    confidence  float32 [N]: the probability that the model gives the label of each
    history     {"confidence": [steps or generations, N]}
    """

    images: np.ndarray
    confidence: np.ndarray
    history: dict[str, np.ndarray]


def fooling_gradient(model: Model, shape: Shape, labels: np.ndarray, *, steps: int = 100, learning_rate: float = 0.05,
                     penalty: float = 1.0, seed: int = 0) -> Fooling:
    """From grey with some noise, minimise  -log p(label) + penalty * mean square of (image - .5)  over the image.

    model    images [N, H, W, C] in [0, 1] -> logits [N, classes]
    shape    (H, W, C) of an image
    labels   [N]: the class of which the model shall be sure, for each image
    penalty  weight of the L2 regularisation, 0 or more: how strongly values are drawn to grey

    All images start from the same noise, so that what differs comes from the label. Adam with a step size that falls from
    learning_rate (in pixel values) to 0 on a cosine; the box is kept in each step. Nguyen, Yosinski and Clune 2015, the
    third kind of image there. Where the model's gradient is 0 or not finite only the penalty moves an image, and a warning says
    for how many images it was so in the end. Raises ValueError for inputs that cannot be meant (see `inputs.check_inputs`).
    """
    check_numbers(learning_rate=learning_rate, penalty=penalty)
    noise = np.random.default_rng(seed).normal(0.5, 0.1, shape).clip(0, 1)
    start, labels = check_inputs(model, np.tile(noise, [np.size(labels), 1, 1, 1]), labels)
    numbers = tf.constant(steps), *(tf.constant(value, tf.float32) for value in (learning_rate, penalty))
    parts = [_ascend(model, tf.constant(start[part]), tf.constant(labels[part]), *numbers) for part in chunks(start)]
    images, confidence, blind = (np.concatenate(arrays, axis) for arrays, axis in zip(zip(*parts), (0, 1, 0)))
    warn_without_gradient(blind)
    return Fooling(images, confidence[-1], {"confidence": confidence})


@tf.function(reduce_retracing=True)
def _ascend(model: Model, images: tf.Tensor, labels: tf.Tensor, steps: tf.Tensor, learning_rate: tf.Tensor,
            penalty: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """The loop of `fooling_gradient`: images [N, H, W, C]; their confidence after each step, [steps, N]; blind, bool [N].

    An image is blind if in the end the model gives another class, and gave no gradient in the last step.
    """
    blind = tf.zeros([tf.shape(images)[0]], tf.bool)
    moments = adam.first_moments(images)
    followed = tf.TensorArray(tf.float32, size=steps)
    for step in tf.range(steps):
        with tf.GradientTape() as tape:
            tape.watch(images)
            loss = attack_loss(model(images), labels, True)
        of_loss = finite(tape.gradient(loss, images, unconnected_gradients=tf.UnconnectedGradients.ZERO))
        with tf.GradientTape() as tape:
            tape.watch(images)
            held = penalty * mean_square(images - 0.5)
        gradient, done = of_loss + tape.gradient(held, images), tf.cast(step, tf.float32)
        change, moments = adam.step(gradient, moments, done, learning_rate * adam.cosine(done, tf.cast(steps, tf.float32)))
        images = tf.clip_by_value(images - change, 0.0, 1.0)
        logits = model(images)
        followed = followed.write(step, tf.exp(-attack_loss(logits, labels, True)))
        blind = (margin(logits, labels, True) >= 0) & tf.reduce_all(of_loss == 0, PIXELS)
    return images, followed.stack(), blind


def fooling_evolution(model: Model, shape: Shape, labels: np.ndarray, *, encoding: str = "direct",
                      generations: int = 200, population: int = 100, seed: int = 0) -> Fooling:
    """Evolve a champion for each class of the model at once, from its logits alone; those of `labels` [N] are returned.

    model       images [N, H, W, C] in [0, 1] -> logits [N, classes]
    shape       (H, W, C) of an image
    encoding    "direct": the genes are the pixels, which gives noise. "cppn": they are the weights and functions of a small
                network that paints the image from the position of a pixel, which gives smooth patterns
    population  children in a generation, in one batch unless their images are large. Each is a mutation of the champion of a
                class drawn at random, and becomes champion of every class of which the model is more confident than of the
                champion there

    MAP-Elites (Mouret and Clune 2015) as in Nguyen, Yosinski and Clune 2015: a child of the champion of one class is often
    the start of another's. The first generation is drawn at random. With the LeNet of the digits all ten classes are above 99 %
    after 127 to 166 generations of pixels, 8 to 25 of CPPNs (three seeds). What makes up an encoding is in `encodings`. Raises
    ValueError for another encoding, and for inputs that cannot be meant (see `inputs.check_inputs`).
    """
    if encoding not in ENCODINGS:
        raise ValueError(f"There is no encoding {encoding!r}: choose one of {', '.join(map(repr, ENCODINGS))}.")
    if population < 1 or generations < 1:
        raise ValueError(f"{population} children in {generations} generations: expected at least one of each.")
    grey, labels = check_inputs(model, np.full([np.size(labels), *shape], 0.5), labels)
    numbers = (tf.constant(value) for value in (generations, population, seed, most_at_once(grey)))
    images, confidence = (array.numpy() for array in _map_elites(model, tuple(map(int, shape)), encoding, *numbers))
    return Fooling(images[labels], confidence[-1, labels], {"confidence": confidence[:, labels]})


@tf.function(reduce_retracing=True)
def _map_elites(model: Model, shape: Shape, encoding: str, generations: tf.Tensor, population: tf.Tensor, seed: tf.Tensor,
                batch: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The champions' images [classes, H, W, C], and their confidence after each generation, [generations, classes].

    The model is given at most `batch` images at once.
    """
    def log_p_of(genes: tf.Tensor) -> tf.Tensor:  # [population, classes]
        parts = tf.TensorArray(tf.float32, size=0, dynamic_size=True, infer_shape=False, element_shape=[None, None])
        for start in tf.range(0, population, batch):
            logits = model(decode(genes[start:start + batch], shape))
            parts = parts.write(start // batch, tf.nn.log_softmax(logits))
        return parts.concat()

    first, mutate, decode = ENCODINGS[encoding]
    champions = first(population, shape, [seed, 0])
    log_p = log_p_of(champions)  # ranks also where p is below the least 32-bit number
    champions, best = tf.gather(champions, tf.argmax(log_p)), tf.reduce_max(log_p, 0)
    followed = tf.TensorArray(tf.float32, size=generations)
    for generation in tf.range(generations):
        parents = tf.random.stateless_uniform([population], [seed, 2 * generation + 1], 0, tf.size(best), tf.int32)
        children = mutate(tf.gather(champions, parents), generation, tf.stack([seed, 2 * generation + 2]))
        log_p = log_p_of(children)
        better = tf.reduce_max(log_p, 0) > best
        champions = tf.where(better[:, None], tf.gather(children, tf.argmax(log_p)), champions)
        best = tf.maximum(best, tf.reduce_max(log_p, 0))
        followed = followed.write(generation, tf.exp(best))
    return decode(champions, shape), followed.stack()
