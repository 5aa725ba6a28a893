"""The one-pixel attack: differential evolution looks for the pixel, and its new value, that fool the model."""
import numpy as np

from utils.attacks.descent import each
from utils.attacks.inputs import Model, check_inputs, chunks, most_at_once
from utils.attacks.losses import margin
from utils.attacks.result import Result, judged
from utils.quiet import tf

SCALE = 0.5  # F of differential evolution, as in the paper


def one_pixel(model: Model, x: np.ndarray, labels: np.ndarray, *, targeted: bool = False, pixels: int = 1,
              population: int = 400, generations: int = 40, seed: int = 0) -> Result:
    """Give `pixels` pixels of each image new values, found by differential evolution from the logits alone, without gradients.

    x            images [N, H, W, C] in [0, 1]
    labels       [N]: the true labels; with `targeted`, the wrong ones that the attacker wants
    pixels       how many pixels may change, all their channels
    population   candidates for each image, 4 or more
    generations  how often each candidate has a child

    A candidate holds for each pixel its row, its column and the C new values. Its child is another candidate plus half the
    difference of two more, clipped to the box, and takes its place if it has a lower margin. An image is done when a candidate
    fools the model; otherwise its best candidate is returned. Su, Vargas and Sakurai 2019, section III: DE/rand/1, F = .5,
    no crossover, values drawn first from a normal distribution; they go on for up to 100 generations, where on digits (LeNet, 19
    images) the last 35 of 75 lowered no margin. Their fitness is a probability. Where it is 1 in 32 bits for all candidates
    it cannot tell the better one; the margin in logits can.

    history has, for each generation, the means over the images of "margin" (the best candidate's) and "success"; an image
    that fools the model from the start has the margin it has. Raises ValueError for numbers out of range, and for inputs that
    cannot be meant (see `inputs.check_inputs`).
    """
    x, labels = check_inputs(model, x, labels, targeted)
    if not 1 <= pixels <= x[0, :, :, 0].size:
        raise ValueError(f"pixels is {pixels}, expected 1 to {x[0, :, :, 0].size}, the number of pixels of an image.")
    if population < 4 or generations < 1:
        raise ValueError(f"{population} candidates for {generations} generations: expected 4 or more (a child has three "
                         "parents that are not its rival), for 1 or more.")
    numbers = (tf.constant(value) for value in (population, generations, seed, most_at_once(x)))
    settings = (targeted, pixels, *numbers)
    parts = [(_evolve(model, *map(tf.constant, (x[part], labels[part])), *settings), len(x[part])) for part in chunks(x)]
    dx = np.concatenate([found[0] for found, _ in parts])
    history = {name: sum(found[1][name].numpy() * n for found, n in parts) / len(x) for name in ("margin", "success")}
    return judged(model, x, dx, labels, targeted, history)


@tf.function(reduce_retracing=True)
def _evolve(model: Model, x: tf.Tensor, labels: tf.Tensor, targeted: bool, pixels: int, population: tf.Tensor,
            generations: tf.Tensor, seed: tf.Tensor, batch: tf.Tensor) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
    """The dx [N, H, W, C] of the best candidates, and the history; x [N, H, W, C], labels [N], numbers int32 [].

    Candidates are float32 [N, population, pixels, 2 + C], all in [0, 1]: row / H, column / W, values.
    """
    n, channels = tf.shape(x)[0], tf.shape(x)[3]
    clean = margin(model(x), labels, targeted)
    # What is drawn is the same for all images, so that the batch changes no result.
    position = tf.random.stateless_uniform([population, pixels, 2], seed=[seed, 0])
    values = tf.random.stateless_normal([population, pixels, channels], seed=[seed, 1], mean=0.5, stddev=0.5)
    first = tf.clip_by_value(tf.concat([position, values], 2), 0.0, 1.0)
    candidates = tf.tile(first[None], [n, 1, 1, 1])
    margins = _margins(model, x, labels, targeted, pixels, candidates, clean >= 0, batch)
    followed = tf.TensorArray(tf.float32, size=generations, element_shape=[2])
    for generation in tf.range(generations):
        # 1. A child for each candidate, from three others: those with the highest random numbers, never itself.
        drawn = tf.random.stateless_uniform([population, population], seed=[seed, generation + 2])
        parents = tf.math.top_k(tf.linalg.set_diag(drawn, -tf.ones([population])), 3).indices
        one, two, three = (tf.gather(candidates, parents[:, i], axis=1) for i in range(3))
        children = tf.clip_by_value(one + SCALE * (two - three), 0.0, 1.0)

        # 2. A child that is better takes the candidate's place. Images that fool the model stay as they are.
        active = (clean >= 0) & (tf.reduce_min(margins, 1) >= 0)
        margins_of_children = _margins(model, x, labels, targeted, pixels, children, active, batch)
        better = margins_of_children < margins
        candidates = tf.where(better[:, :, None, None], children, candidates)
        margins = tf.where(better, margins_of_children, margins)
        lowest = tf.where(clean < 0, clean, tf.reduce_min(margins, 1))
        followed = followed.write(generation, tf.stack([tf.reduce_mean(lowest), tf.reduce_mean(tf.cast(lowest < 0, tf.float32))]))
    best = tf.gather(candidates, tf.argmin(margins, 1), batch_dims=1)
    dx = tf.where(each(clean < 0), 0.0, _painted(x, best, pixels) - x)
    history = followed.stack()
    return dx, {"margin": history[:, 0], "success": history[:, 1]}


def _margins(model: Model, x: tf.Tensor, labels: tf.Tensor, targeted: bool, pixels: int, candidates: tf.Tensor,
             active: tf.Tensor, batch: tf.Tensor) -> tf.Tensor:
    """The margin of each candidate, [N, population], infinite for images that are not `active` [N]; `batch` images at a time."""
    n, population = tf.shape(candidates)[0], tf.shape(candidates)[1]
    flat = tf.reshape(candidates, tf.concat([[n * population], tf.shape(candidates)[2:]], 0))
    which = tf.cast(tf.where(tf.repeat(active, population))[:, 0], tf.int32)
    margins = tf.fill([n * population], np.inf)
    for start in tf.range(0, tf.size(which), batch):
        part = which[start:start + batch]
        image = part // population
        logits = model(_painted(tf.gather(x, image), tf.gather(flat, part), pixels))
        margins = tf.tensor_scatter_nd_update(margins, part[:, None], margin(logits, tf.gather(labels, image), targeted))
    return tf.reshape(margins, [n, population])


def _painted(x: tf.Tensor, candidates: tf.Tensor, pixels: int) -> tf.Tensor:
    """x [N, H, W, C] with the pixels of a candidate each, [N, pixels, 2 + C]; of two at one place the later counts."""
    n, sides = tf.shape(x)[0], tf.shape(x)[1:3]
    for i in range(pixels):
        place = tf.cast(candidates[:, i, :2] * tf.cast(sides, tf.float32), tf.int32)
        place = tf.concat([tf.range(n)[:, None], tf.minimum(place, sides - 1)], 1)
        x = tf.tensor_scatter_nd_update(x, place, candidates[:, i, 2:])
    return x
