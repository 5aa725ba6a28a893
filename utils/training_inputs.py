"""What `training.fit` looks at before it starts: the settings, the network, the images and the labels."""
from collections.abc import Callable

import numpy as np

from utils.data import Dataset
from utils.quiet import tf


def check(model: tf.Module, dataset: Dataset, epochs: int, batch_size: int, learning_rate: float) -> None:
    """Raise TypeError or ValueError for what `fit` cannot train, before TensorFlow sees it."""
    _check_settings(epochs, batch_size, learning_rate)
    _check_network(model)
    for split in ("train", "val"):
        images = getattr(dataset, f"x_{split}")
        _check_images(f"x_{split}", images, model)
        check_labels(f"y_{split}", getattr(dataset, f"y_{split}"), len(images))
    _check_outputs(model, dataset)


def _check_settings(epochs: int, batch_size: int, learning_rate: float) -> None:
    for name, value in (("epochs", epochs), ("batch_size", batch_size)):
        if not isinstance(value, (int, np.integer)) or value < 1:
            raise ValueError(f"{name} is {value!r}, expected a whole number of at least 1.")
    if not (np.isfinite(learning_rate) and learning_rate > 0):
        raise ValueError(f"learning_rate is {learning_rate}, expected a number above 0, such as 1e-3.")


def check_labels(name: str, labels: np.ndarray, count: int) -> None:
    """Raise ValueError for labels of another form than [count], a whole number for each image."""
    labels = np.asarray(labels)
    whole = np.issubdtype(labels.dtype, np.integer)
    if labels.shape == (count,) and whole:
        return
    hint = "each image needs its label."
    if labels.ndim == 2:
        hint = "they are one-hot, take their argmax(axis=1)." if labels.shape[1] > 1 else "take their first column, [:, 0]."
    elif labels.shape == (count,):
        hint = "convert them with astype(int)."
    raise ValueError(f"{name} is {labels.dtype} of shape {list(labels.shape)}, expected {count} whole numbers, "
                     f"one for each image: {hint}")


def _check_images(name: str, images: np.ndarray, model: tf.Module) -> None:
    if not len(images):
        raise ValueError(f"{name} holds no images: fit needs some to train and some to validate.")
    check_shape(model, images)
    if np.ndim(images) != 4:
        raise ValueError(f"{name} has shape {list(np.shape(images))}, expected [N, H, W, C]: "
                         "add the channel of grey images with x[..., None].")
    if np.issubdtype(np.asarray(images).dtype, np.integer):
        raise ValueError(f"{name} holds {images.dtype}, expected float32 from 0 to 1: divide by 255.")


def _check_network(model: tf.Module) -> None:
    if isinstance(model, tf.keras.Model):
        raise TypeError("This is a Keras model, and training.fit trains a tf.Module: use model.fit.")
    if not isinstance(model, tf.Module) or not model.trainable_variables:
        raise TypeError(f"A {type(model).__name__} has no trainable variables, expected a tf.Module such "
                        "as those of utils.networks.")
    if not all(np.isfinite(variable.numpy()).all() for variable in model.variables if variable.dtype.is_floating):
        raise ValueError("The weights of the network hold NaN or infinity: build it again, "
                         "training cannot go on from there.")


def _check_outputs(model: tf.Module, dataset: Dataset) -> None:
    classes = model(tf.constant(dataset.x_train[:1], tf.float32)).shape[-1]
    if classes == 1:
        raise ValueError("The model has one output, but the cross-entropy needs a logit for each class: "
                         "give the last layer 2 outputs for 2 classes.")
    labels = np.concatenate([dataset.y_train, dataset.y_val])
    if labels.min() < 0 or labels.max() >= classes:
        raise ValueError(f"The labels run from {labels.min()} to {labels.max()}, but the model has {classes} "
                         f"outputs: use labels 0 to {classes - 1} or more outputs.")


def check_shape(model: Callable, x: np.ndarray) -> None:
    """Raise ValueError unless images x have the [N, H, W, C] that the model takes.

    One whose `input_shape` is not known is not asked, nor a Keras model with inputs of another form, which Keras brings into it.
    """
    given, expected = np.shape(x), getattr(model, "input_shape", None) or ()
    if isinstance(model, tf.keras.Model):
        expected = expected[1:] if model.built and isinstance(expected, tuple) and len(expected) == 4 else ()
    if not expected or _fits(given[1:], expected):
        return
    hint = "give images of that size, or build a network for these."
    if _fits(given, expected):
        hint = "use x[None] for one image."
    elif _fits(given[1:], expected[:-1]):
        hint = "add the channel with x[..., None]."
    raise ValueError(f"The images have shape {list(given)}, but the network takes "
                     f"[N, {', '.join('any' if side is None else str(side) for side in expected)}]: {hint}")


def _fits(given: tuple[int, ...], expected: tuple[int | None, ...]) -> bool:
    """Whether a shape is the expected one; None stands for any length, as in Keras."""
    return len(given) == len(expected) and all(side in (None, length) for length, side in zip(given, expected))
