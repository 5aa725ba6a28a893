"""What lab 12 is checked with: a network whose gradient is known, the ascent of task 6 on it, and faces with a planted cue."""
from collections.abc import Callable

import numpy as np
from scipy.special import softmax

from utils.checks import require
from utils.data import Dataset
from utils.data.images import FACE_CLASSES
from utils.data.rendered import rendered_faces
from utils.quiet import tf

CORNER, MARK = (39, 4), np.kron([[1, 0, 1], [0, 1, 0]], np.ones([2, 2]))[..., None]  # row and column of the cue, and how it looks
AMOUNT = 0.8  # how opaque it is
IMAGE = (1, 2, 3)  # the axes of one image


class Net:
    """tanh(x W) V for images of `shape` [H, W, C], whose gradient is known: float32 [N, H, W, C] -> logits [N, classes]."""

    def __init__(self, rng: np.random.Generator, shape: tuple[int, ...], classes: int, scale: float = 1.0):
        self.shape, self.calls = shape, 0
        self.w = rng.normal(scale=scale, size=[int(np.prod(shape)), 6]).astype(np.float32)
        self.v = rng.normal(size=[6, classes]).astype(np.float32)

    def __call__(self, images: tf.Tensor, training: bool = False) -> tf.Tensor:
        batch_of("The images that the model gets", images, self.shape)
        self.calls += 1
        return tf.tanh(tf.reshape(tf.cast(images, tf.float32), [-1, len(self.w)]) @ self.w) @ self.v

    def logits(self, images: np.ndarray) -> np.ndarray:
        """The logits [N, classes] in float64."""
        return np.tanh(images.reshape(-1, len(self.w)) @ self.w.astype(float)) @ self.v

    def gradient(self, images: np.ndarray, pull: np.ndarray) -> np.ndarray:
        """The gradient [N, H, W, C] of the sum of pull [N, classes] times the logits."""
        hidden = np.tanh(images.reshape(-1, len(self.w)) @ self.w.astype(float))
        return (((pull @ self.v.T) * (1 - hidden**2)) @ self.w.T).reshape(-1, *self.shape)


class Waves:
    """The sum of sin(x W) for images of `shape` [H, W, C]: float32 [N, H, W, C] -> [N]."""

    def __init__(self, rng: np.random.Generator, shape: tuple[int, ...]):
        self.shape, self.w = shape, rng.normal(size=[int(np.prod(shape)), 5]).astype(np.float32)

    def __call__(self, images: tf.Tensor) -> tf.Tensor:
        batch_of("The images that value gets", images, self.shape)
        return tf.reduce_sum(tf.sin(tf.reshape(tf.cast(images, tf.float32), [-1, len(self.w)]) @ self.w), 1)

    def exact(self, image: np.ndarray) -> float:
        """The value for one image [H, W, C] in float64."""
        return np.sin(image.reshape(-1) @ self.w.astype(float)).sum()

    def gradient(self, images: np.ndarray) -> np.ndarray:
        """The gradients [N, H, W, C] in float64."""
        return (np.cos(images.reshape(-1, len(self.w)) @ self.w.astype(float)) @ self.w.T).reshape(-1, *self.shape)


def batch_of(name: str, images: tf.Tensor, shape: tuple[int, ...]) -> None:
    """Raise CheckFailed unless `images` are [N, *shape]."""
    require(np.ndim(images) == 1 + len(shape) and tuple(np.shape(images)[1:]) == shape,
            f"{name} have shape {list(np.shape(images))}, expected [N, {', '.join(map(str, shape))}].")


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


def path_with_gap(rng: np.random.Generator, sign: int) -> tuple[Waves, np.ndarray, np.ndarray, float]:
    """Waves, image, baseline and the change between them; with four steps, the attributions add up to more than it (sign 1) or to
    less (-1).
    """
    midpoints = (np.arange(4) + 0.5) / 4
    while True:
        waves = Waves(rng, (3, 4, 2))
        x, b = (rng.uniform(low, low + 0.5, waves.shape).astype(np.float32) for low in (0.5, 0))
        change = float(waves.exact(x) - waves.exact(b))
        total = np.sum((x - b) * waves.gradient(b + midpoints[:, None, None, None] * (x - b)).mean(0))
        if 0.1 < sign * (total / change - 1) < 1:
            return waves, x, b, change


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
    given = tf.constant(images, tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(given)
        chosen = tf.gather(model(given), labels, batch_dims=1)
    return tape.gradient(chosen, given).numpy()[..., 0]


def roughness(x: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
    """The gradient of the total variation: the sum of the absolute differences of neighbours along `axes`."""
    total = np.zeros_like(x)
    for axis in axes:
        edge = [(0, 0)] * x.ndim
        edge[axis] = (1, 1)
        total -= np.diff(np.pad(np.sign(np.diff(x, axis=axis)), edge), axis=axis)
    return total


def unit(g: np.ndarray) -> np.ndarray:
    """Each image [N, H, W, C] divided by its L2 length."""
    return g / np.sqrt(np.sum(g**2, IMAGE, keepdims=True))


def ascent(net: Net, start: np.ndarray, pull: Callable, rate: float, decay: float, weight: float, steps: int, *,
           way: Callable = unit,
           axes: tuple[int, ...] = (1, 2), box: Callable = lambda x: np.clip(x, 0, 1),
           shrink: Callable = lambda x: 2 * x) -> np.ndarray:
    """Task 6 in NumPy, and with one thing changed into a mistake: pull(p) says by how much each logit [N, classes] is raised."""
    x = start.astype(float)
    for _ in range(steps):
        g = net.gradient(x, pull(softmax(net.logits(x), 1))) - decay * shrink(x) - weight * roughness(x, axes)
        x = box(x + rate * way(g))
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
