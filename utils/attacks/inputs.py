"""What every attack looks at before it starts: the images, the labels, the model, the numbers."""
import warnings
from collections.abc import Callable, Iterable

import numpy as np
from tqdm import tqdm

from utils.quiet import tf
from utils.training_inputs import check_shape

# One batch has at most so many images, and so many values in all, so that memory does not grow with either.
CHUNK = 128
CHUNK_VALUES = 2**20  # seven colour images of 224x224
Model = Callable[[tf.Tensor], tf.Tensor]  # images [N, H, W, C] in [0, 1] -> logits [N, classes]


def check_inputs(model: Model, x: np.ndarray, labels: np.ndarray, targeted: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """x as float32 [N, H, W, C] and labels as int64 [N], or ValueError with one sentence that says what is wrong.

    x       N >= 1 images with values in [0, 1]
    labels  integers from 0 to classes - 1
    model   gives finite logits [N, classes] for them, 2 classes or more, without softmax

    With `targeted`, some images may have their wanted label already: a table of all pairs of classes has such images, and an
    attack leaves them as they are. If all have, the true labels were given in the place of the wanted ones: ValueError.
    """
    x, labels = np.asarray(x, np.float32), np.asarray(labels)
    if x.ndim != 4 or not len(x):
        raise ValueError(f"The images have shape {list(x.shape)}, expected [N, H, W, C]: use x[None] for one image.")
    if np.isnan(x).any():
        raise ValueError(f"{np.isnan(x).any(axis=(1, 2, 3)).sum()} of {len(x)} images hold NaN, expected values from 0 to 1: "
                         "look for a division by 0 where they were made.")
    if not (x.min() >= 0 and x.max() <= 1):
        raise ValueError(f"The images go from {x.min():g} to {x.max():g}, expected 0 to 1: divide by 255.")
    if labels.shape != (len(x),) or not np.issubdtype(labels.dtype, np.integer):
        raise ValueError(f"The labels are {labels.dtype} of shape {list(labels.shape)}, "
                         f"expected {len(x)} whole numbers, one for each image.")
    check_shape(model, x)
    logits = np.concatenate([np.asarray(model(tf.constant(x[part]))) for part in chunks(x)])
    if logits.ndim != 2:
        raise ValueError(f"The model gives shape {list(logits.shape)}, expected logits [N, classes].")
    if logits.shape[1] == 1:
        raise ValueError("The model has one output, but an attack needs a logit for each class: give it as "
                         "lambda x: tf.concat([tf.zeros_like(model(x)), model(x)], 1) if that output is the logit of class 1.")
    if not np.isfinite(logits).all():
        raise ValueError("The model gives NaN or infinity for these images: its weights are broken, load or train it again.")
    if labels.min() < 0 or labels.max() >= logits.shape[1]:
        raise ValueError(f"The labels go from {labels.min()} to {labels.max()}, "
                         f"but the model has the classes 0 to {logits.shape[1] - 1}.")
    if logits.min() >= 0 and np.allclose(logits.sum(1), 1, atol=1e-3):
        raise ValueError("The model ends in softmax, which flattens the gradients that an attack follows: "
                         "give it as networks.without_softmax(model).")
    if targeted and (logits.argmax(1) == labels).all():
        raise ValueError("The model gives the images their wanted labels without an attack, so there is nothing to do: with "
                         "targeted=True, labels are the wrong ones that the attacker wants.")
    return x, labels.astype(np.int64)


def check_numbers(**numbers: np.ndarray | float | None) -> None:
    """Raise ValueError for a number, or an array of any shape, with NaN or infinity; None stands for one that is chosen later."""
    for name, value in numbers.items():
        if value is not None and not np.isfinite(value).all():
            raise ValueError(f"{name} holds {'NaN' if np.isnan(value).any() else 'infinity'}, expected finite numbers.")


def chunks(x: np.ndarray) -> Iterable[slice]:
    """Slices of x [N, H, W, C] that together are all images, each small enough for a batch; a bar if there are several."""
    size = min(CHUNK, most_at_once(x))
    parts = [slice(start, start + size) for start in range(0, len(x), size)]
    return tqdm(parts, desc="images", leave=False) if len(parts) > 1 else parts


def most_at_once(x: np.ndarray) -> int:
    """How many images of the size of those in x [N, H, W, C] a batch may have, 1 or more: fewer the larger they are."""
    return max(1, CHUNK_VALUES // x[0].size)


def warn_without_gradient(blind: np.ndarray) -> None:
    """Warn when an attack failed on images, True in `blind` [N], for which the model gave it no gradient."""
    if blind.any():
        warnings.warn(f"The attack failed on {blind.sum()} of {len(blind)} images where the gradient of its loss is 0 or not "
                      "finite, so it had no direction to go. That does not show a robust model: look for a saturated or "
                      "rounded output, dead ReLUs, or a mask where the model does not look.", stacklevel=3)
