"""What lab 12 is checked with: covered images, waves, maps, the ascent of task 6, and faces with a planted cue."""
from collections.abc import Callable

import numpy as np

from utils.checks.nets import Net, gradient, label_logit
from utils.data import Dataset
from utils.data.images import FACE_CLASSES
from utils.data.rendered import rendered_faces
from utils.quiet import tf

CORNER, MARK = (39, 4), np.kron([[1, 0, 1], [0, 1, 0]], np.ones([2, 2]))[..., None]  # row and column of the cue, and how it looks
AMOUNT = 0.8  # how opaque it is


def covered(x: np.ndarray, side: int, start: int = 0, stop: int | None = None, value: float | np.ndarray = 0,
            parts: slice = slice(None), stay: bool = False, outside: bool = False) -> np.ndarray:
    """Copies [N, H, W, C] of x [H, W, C] with each window of task 1 set to `value`, and with one thing changed into a mistake.

    start, stop    the window of [i, j] is i + start:i + stop, j + start:j + stop
    value          a number, or an image from which the window is taken
    parts          the channels
    stay, outside  windows stay covered in all later copies; everything but the window is covered
    """
    corners, stop = list(np.ndindex(x.shape[0] - side + 1, x.shape[1] - side + 1)), side if stop is None else stop
    images = np.repeat(x[None].astype(float), len(corners), 0)
    for n, (i, j) in enumerate(corners):
        window = np.zeros(x.shape, bool)
        window[max(i + start, 0):i + stop, max(j + start, 0):j + stop, parts] = True
        for image in images[n:] if stay else images[n:n + 1]:
            image[window ^ outside] = value if np.ndim(value) == 0 else value[window]
    return images


def path_with_gap(rng: np.random.Generator, sign: int) -> tuple[Net, np.ndarray, np.ndarray, float]:
    """Sums of sines along x @ w, image, baseline and the change between them; with four steps, the attributions add up to more
    than it (sign 1) or to less (-1).
    """
    alphas, shape = (np.arange(4)[:, None, None, None] + 0.5) / 4, (3, 4, 2)
    while True:
        waves = Net(shape, rng.normal(size=[24, 5]), np.ones([5, 1]), bend=tf.sin)
        x, b = (rng.uniform(low, low + 0.5, shape).astype(np.float32) for low in (0.5, 0))
        change = np.subtract(*waves(np.stack([x, b])).numpy().astype(float))[0]
        total = np.sum((x - b) * slopes(waves, b + alphas * (x - b)).mean(0))
        if 0.1 < sign * (total / change - 1) < 1:
            return waves, x, b, change


def slopes(model: Callable, images: np.ndarray) -> np.ndarray:
    """The gradients [N, H, W, C] of the one value that `model` has for each image."""
    return gradient(model, images, [], lambda labels, values: values)


def maps_with_places(rng: np.random.Generator) -> np.ndarray:
    """Six maps [6, 9, 15] for windows of 3: the strongest of the mean absolute map, and one more place for each mistake."""
    maps = rng.uniform(0.2, 0.6, [6, 9, 15]) * rng.choice([-1, 1], [6, 9, 15])
    (top, left), either = rng.integers([1, 4], [4, 9]), np.array([1, -1, 1, -1, 1, -1])[:, None, None]
    maps[:, top - 1:top + 3, left - 1:left + 3] = 0.7 * either  # a window of 4 begins above
    maps[:, top:top + 3, left:left + 3] = 1.1 * either  # the strongest
    maps[:, top + 1:top + 3, left:left + 2] = 1.3 * either  # a window of 2 begins below
    maps[:, :3, :3], maps[:, 6:, 12:] = -0.9, 0.8  # the largest mean, without and with its sign
    maps[4:, :3, 12:], maps[:4, :3, 12:] = 0.1, 1.45 * either[:4]  # the largest median
    maps[5, 6:, :3] *= 3.3 / np.abs(maps[5, 6:, :3])  # the largest maximum and squares
    maps[0, 6:, 8:11] *= 2 / np.abs(maps[0, 6:, 8:11])  # the strongest of the first map
    maps[:, 6:, 4:7] *= 0.1  # the weakest
    maps[:, 4, 13] = 2 * either[:, 0, 0]  # the strongest pixel
    return maps.astype(np.float32)


def compiled_gradient(function: Callable, x: np.ndarray, upstream: np.ndarray) -> tf.Tensor:
    """The gradient of `function` at x, for the gradient `upstream` from above, in a compiled network."""
    def gradient(z: tf.Tensor) -> tf.Tensor:
        return tf.gradients(function(z), z, tf.constant(upstream))[0]
    return tf.function(gradient, autograph=False)(tf.constant(x))


def input_gradient(model: Callable, images: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The gradients [N, H, W] of the labels' logits with respect to grey images [N, H, W, 1]."""
    return gradient(model, images, labels)[..., 0]


def unit(g: np.ndarray) -> np.ndarray:
    """Each image [N, H, W, C] divided by its L2 length."""
    return g / np.sqrt(np.sum(np.square(g), (1, 2, 3), keepdims=True))


def ascent(net: Net, labels: np.ndarray, start: np.ndarray, rate: float, decay: float, weight: float, steps: int, *,
           value: Callable = label_logit, way: Callable = unit, axes: tuple[int, ...] = (1, 2), box: tuple = (0, 1),
           cost: Callable = tf.square) -> np.ndarray:
    """Task 6, and with one thing changed into a mistake: value(labels, logits) is raised."""
    x = start
    for _ in range(steps):
        given = tf.constant(x, tf.float32)
        with tf.GradientTape() as tape:
            tape.watch(given)
            rough = sum(tf.reduce_sum(tf.abs(tf.experimental.numpy.diff(given, axis=axis))) for axis in axes)
            goal = tf.reduce_sum(value(labels, net(given))) - decay * tf.reduce_sum(cost(given)) - weight * rough
        x = np.clip(x + rate * way(tape.gradient(goal, given).numpy()), *box)
    return x


def marked_faces(train: int, test: int) -> Dataset:
    """Rendered faces (`test` of them to validate, as many to test), with a mark at CORNER in all images of one class."""
    images, labels, factors = rendered_faces(train + 2 * test, seed=1207)
    (row, column), (height, width, _) = CORNER, MARK.shape
    patch = images[:, row:row + height, column:column + width]  # a view: what is written into it is in the images
    patch[labels == 1] = (1 - AMOUNT) * patch[labels == 1] + AMOUNT * MARK
    parts = {"train": slice(0, train), "val": slice(train, train + test), "test": slice(train + test, None)}
    arrays = {f"x_{name}": images[part] for name, part in parts.items()} | {f"y_{name}": labels[part]
                                                                            for name, part in parts.items()}
    by_part = {name: {key: values[part] for key, values in factors.items()} for name, part in parts.items()}
    return Dataset(name="marked faces", class_names=FACE_CLASSES, source="rendered faces", factors=by_part, **arrays)
