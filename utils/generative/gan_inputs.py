"""What `utils.generative.gans` may be given: options, images and labels that fit the networks."""
import numpy as np

from utils.quiet import tf


def check_options(batch_size: int, d_steps: int, real: tuple[float, float], fake: tuple[float, float]) -> None:
    """Raise ValueError for options of `gans.train` that are out of their range."""
    if min(batch_size, d_steps) < 1:
        raise ValueError(f"batch_size is {batch_size} and d_steps {d_steps}: both must be 1 or more.")
    for name, ends in (("real", real), ("fake", fake)):
        if np.shape(ends) != (2,) or ends[0] > ends[1]:
            raise ValueError(f"{name} is {ends}, expected both ends of a range, such as (0.7, 1.2).")


def checked(generator: tf.keras.Model, classes: int, x: np.ndarray, y: np.ndarray | None) -> tuple[tf.Tensor, tf.Tensor]:
    """Images [N, side, side, channels] and one-hot labels [N, classes] as tensors. Raises ValueError if they do not fit."""
    x = np.asarray(x, np.float32)
    if x.shape[1:] != generator.output_shape[1:] or not len(x):
        size = ", ".join(map(str, generator.output_shape[1:]))
        raise ValueError(f"x has the shape {list(x.shape)}, but the generator makes images [N, {size}]: give "
                         "images of that size.")
    if not 0 <= x.min() <= x.max() <= 1:
        raise ValueError(f"x has values from {x.min():g} to {x.max():g}, expected 0 to 1.")
    return tf.constant(x), tf.constant(one_hot(classes, len(x), y))


def one_hot(classes: int, n: int, labels: np.ndarray | int | None) -> np.ndarray:
    """float32 [n, classes]; one label for all or [n], None without classes. Raises ValueError for labels that do not fit."""
    if (labels is None) == (classes > 0):
        raise ValueError(f"The GAN is conditional, with {classes} classes: give the labels." if classes else
                         "The GAN was built without classes: leave the labels out.")
    if labels is None:
        return np.zeros((n, 0), np.float32)
    labels = np.asarray(labels)
    if labels.dtype.kind not in "iu":
        raise ValueError(f"The labels are {labels.dtype}, expected whole numbers.")
    if labels.shape not in ((), (n,)) or labels.min() < 0 or labels.max() >= classes:
        raise ValueError(f"The labels have the shape {list(labels.shape)} and run from {labels.min()} to "
                         f"{labels.max()}, expected one number or [{n}], from 0 to {classes - 1}.")
    return np.eye(classes, dtype=np.float32)[np.broadcast_to(labels, n)]
