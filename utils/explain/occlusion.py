"""Occlusion: cover a window of the image, and see how the network's answer changes (Zeiler and Fergus 2014, section 4.2)."""
import numpy as np

from utils.attacks.inputs import Model, check_inputs
from utils.attacks.transformations import gaussian_blur
from utils.explain.scores import Score, class_scores, probability, slices
from utils.quiet import tf

FILLS = ("grey", "mean", "blur")


def filling(x: np.ndarray, fill: str, size: int) -> np.ndarray:
    """What shows in the window, [N, H, W, C]: grey (0.5), the mean of each image, or the image blurred by half the window.

    Raises ValueError for another `fill`.
    """
    if fill not in FILLS:
        raise ValueError(f"fill is {fill!r}, expected one of {', '.join(FILLS)}.")
    if fill == "blur":
        radius = min(2 * size, *(side - 1 for side in x.shape[1:3]))
        return gaussian_blur(tf.constant(x), tf.constant(size / 2), radius).numpy()
    return np.broadcast_to(0.5 if fill == "grey" else x.mean((1, 2), keepdims=True), x.shape).astype(np.float32)


def occlusion(model: Model, x: np.ndarray, labels: np.ndarray, *, size: int = 7, stride: int = 1, fill: str = "grey",
              score: Score = probability) -> np.ndarray:
    """The score of each image with a window covered, for all positions of the window: [N, rows, columns].

    model   images [N, H, W, C] in [0, 1] -> logits [N, classes]
    x       images [N, H, W, C] in [0, 1], with the labels [N] whose score is wanted
    size    of the square window, in pixels; `stride` from one position to the next
    fill    of the window: see `filling`

    rows = (H - size) // stride + 1. All positions of all images go through the model in large batches, with memory that does not
    grow with their number. Raises ValueError for a window that does not fit and inputs that cannot be meant (`check_inputs`).
    """
    x, labels = check_inputs(model, x, labels)
    if not (0 < size <= min(x.shape[1:3]) and stride > 0):
        raise ValueError(f"The window has size {size} and stride {stride}, expected 1 to {min(x.shape[1:3])} and at least 1.")
    tops, lefts = (np.arange(0, side - size + 1, stride) for side in x.shape[1:3])
    places = np.stack(np.meshgrid(np.arange(len(x)), tops, lefts, indexing="ij"), axis=-1).reshape(-1, 3).astype(np.int32)
    images, fills, answers = tf.constant(x), tf.constant(filling(x, fill, size)), tf.constant(labels)
    found = [_covered(model, images, fills, answers, tf.constant(places[part]), tf.constant(size), score).numpy()
             for part in slices(x, len(places))]
    return np.concatenate(found).reshape(len(x), len(tops), len(lefts))


@tf.function(reduce_retracing=True)
def _covered(model: Model, x: tf.Tensor, fills: tf.Tensor, labels: tf.Tensor, places: tf.Tensor, size: tf.Tensor,
             score: Score) -> tf.Tensor:
    """The scores [k] for places [k, 3]: image, first row and first column of the window."""
    image, *corner = tf.unstack(places, axis=1)
    rows, columns = ((tf.range(side) >= start[:, None]) & (tf.range(side) < start[:, None] + size)
                     for side, start in zip(x.shape[1:3], corner))
    window = (rows[:, :, None] & columns[:, None, :])[..., None]
    covered = tf.where(window, tf.gather(fills, image), tf.gather(x, image))
    return score(model(covered), tf.gather(labels, image))


def drop(model: Model, x: np.ndarray, labels: np.ndarray, *, size: int = 7, stride: int = 1, fill: str = "grey",
         score: Score = probability) -> np.ndarray:
    """How much the score falls when a pixel is covered, [N, H, W]: the mean over the windows on it; arguments as `occlusion`.

    0 for a pixel that no window covers: a stride can leave some out, at the right and lower border or between windows.
    """
    covered = occlusion(model, x, labels, size=size, stride=stride, fill=fill, score=score)
    falls = class_scores(model, x, labels, score)[:, None, None] - covered
    rows, columns = falls.shape[1:]
    total, count = np.zeros(x.shape[:3]), np.zeros(x.shape[1:3])
    for down in range(size):
        for right in range(size):
            part = slice(down, down + stride * (rows - 1) + 1, stride), slice(right, right + stride * (columns - 1) + 1, stride)
            total[:, *part] += falls
            count[part] += 1
    return total / np.maximum(count, 1)
