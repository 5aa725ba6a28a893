"""What every attack shares: the goal, the checks of its inputs, and its result."""
import warnings
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from utils.attacks.norms import NORMS, PIXELS
from utils.networks import check_shape
from utils.quiet import tf

CHUNK = 128  # images put through the model at one time, so that memory does not grow with their number
Model = Callable[[tf.Tensor], tf.Tensor]  # images [N, H, W, C] in [0, 1] -> logits [N, classes]


class Result(NamedTuple):
    """What an attack found for N images. All arrays are NumPy.

    dx        float32 [N, H, W, C]: the perturbation
    modified  float32 [N, H, W, C] in [0, 1]: the image with it
    success   bool [N]: does the model say what the attacker wants?
    norms     {"L0", "L1", "L2", "Linf"}, each [N]: size of dx, with pixel values in [0, 1]; L0 counts changed values
    history   one array [steps] for each thing followed over the steps, empty for attacks of one step
    """

    dx: np.ndarray
    modified: np.ndarray
    success: np.ndarray
    norms: dict[str, np.ndarray]
    history: dict[str, np.ndarray]


def margin(logits: tf.Tensor, labels: tf.Tensor, targeted: bool) -> tf.Tensor:
    """How far each image is from fooling the model, [N]: below 0 it is fooled.

    Untargeted, `labels` are the right ones: their logit less the highest of the others. Targeted, `labels` are the wanted
    ones, and the sign turns. This is the function f of Carlini and Wagner 2017 (section IV-A, f6) before it is clipped.
    """
    own = tf.one_hot(labels, tf.shape(logits)[-1], on_value=True, off_value=False, dtype=tf.bool)
    label = tf.reduce_sum(tf.where(own, logits, 0.0), -1)
    others = tf.reduce_max(tf.where(own, -np.inf, logits), -1)
    return others - label if targeted else label - others


def attack_loss(logits: tf.Tensor, labels: tf.Tensor, targeted: bool) -> tf.Tensor:
    """The loss that an attacker makes small, [N]: -log p(label) when targeted, -log(1 - p(label)) when not.

    The first is the cross-entropy towards the wanted label; the second is the same towards "any other label". Both are
    softplus of (log sum exp of the logits to lower) - (of those to raise), so that none ever takes the log of 0.
    """
    own = tf.one_hot(labels, tf.shape(logits)[-1], on_value=True, off_value=False, dtype=tf.bool)
    label = tf.reduce_sum(tf.where(own, logits, 0.0), -1)
    others = tf.reduce_logsumexp(tf.where(own, -1e9, logits), -1)
    return tf.nn.softplus(others - label if targeted else label - others)


def check_inputs(model: Model, x: np.ndarray, labels: np.ndarray, targeted: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """x as float32 and labels as int64, or ValueError with one sentence that says what was wrong with them or the model.

    Warns when the model says the wanted labels without an attack. It is no error: a table of all pairs of classes has such images.
    """
    x, labels = np.asarray(x, np.float32), np.asarray(labels)
    if x.ndim != 4 or not len(x):
        raise ValueError(f"The images have shape {list(x.shape)}, expected [N, H, W, C]: use x[None] for one image.")
    if not (x.min() >= 0 and x.max() <= 1):
        raise ValueError(f"The images go from {x.min():g} to {x.max():g}, expected 0 to 1: divide by 255.")
    if labels.shape != (len(x),) or not np.issubdtype(labels.dtype, np.integer):
        raise ValueError(f"The labels are {labels.dtype} of shape {list(labels.shape)}, "
                         f"expected {len(x)} whole numbers, one for each image.")
    check_shape(model, x)
    logits = np.asarray(model(tf.constant(x[:CHUNK])))
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
                         "give it as networks.logits(model).")
    if targeted and (logits.argmax(1) == labels[:CHUNK]).all():
        warnings.warn("The model gives the images their wanted labels without an attack, so there is nothing to find: with "
                      "targeted=True, labels are the wrong ones that the attacker wants.", stacklevel=3)
    return x, labels.astype(np.int64)


def check_numbers(**numbers: np.ndarray | float | None) -> None:
    """Raise ValueError for a number or array that holds NaN or infinity; None stands for one that is chosen later."""
    for name, value in numbers.items():
        if value is not None and not np.isfinite(value).all():
            raise ValueError(f"{name} holds {'NaN' if np.isnan(value).any() else 'infinity'}, expected finite numbers.")


def result(model: Model, x: np.ndarray, dx: np.ndarray, labels: np.ndarray, targeted: bool,
           history: dict[str, np.ndarray]) -> Result:
    """The Result of a perturbation: x + dx is judged by the model, in the box [0, 1]."""
    modified = np.clip(x + np.asarray(dx, np.float32), 0, 1)
    dx = modified - x
    parts = [slice(start, start + CHUNK) for start in range(0, len(x), CHUNK)]
    success = np.concatenate([margin(model(tf.constant(modified[part])), labels[part], targeted) < 0 for part in parts])
    sizes = {name: norm.size(tf.constant(dx)).numpy() for name, norm in NORMS.items()}
    return Result(dx, modified, success, {"L0": np.count_nonzero(dx, PIXELS)} | sizes, history)
