"""Another ReLU in the place of the one that a network was written with, while a `with` block runs.

Every network of the course, Keras or `tf.Module`, calls `tf.nn.relu` (MobileNetV2 `tf.nn.relu6`). `replaced` exchanges these two
functions: no network is copied, and no line of it changes. A compiled network keeps the ReLU that it was compiled with: give
the model itself, not a `tf.function` of it.
"""
import contextlib
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from utils.attacks.inputs import Model
from utils.quiet import tf

RELU, RELU6 = tf.nn.relu, tf.nn.relu6


class ReluValues(NamedTuple):
    """A ReLU of a network: the values that went in and those that came out, [N, H, W, channels] or [N, units].

    Of a ReLU6, those that came out before they were cut off at 6.
    """

    before: tf.Tensor
    after: tf.Tensor


@contextlib.contextmanager
def replaced(relu: Callable[[tf.Tensor], tf.Tensor]) -> Iterator[None]:
    """Until the block ends, networks call relu(x) in the place of ReLU, and min(relu(x), 6) in the place of ReLU6.

    relu takes and gives a tensor of any shape. In the whole process: not for two threads at once.
    """
    before = tf.nn.relu, tf.nn.relu6
    keep = tf.autograph.experimental.do_not_convert  # AutoGraph cannot read the source of a lambda
    if relu is not RELU:
        tf.nn.relu = keep(lambda x, name=None: relu(x))
        tf.nn.relu6 = keep(lambda x, name=None: tf.minimum(relu(x), 6))
    try:
        yield
    finally:
        tf.nn.relu, tf.nn.relu6 = before


@tf.autograph.experimental.do_not_convert
@tf.custom_gradient
def guided(x: tf.Tensor) -> tuple[tf.Tensor, Callable]:
    """ReLU, x of any shape; back go only positive gradients, where the input was positive.

    Springenberg et al. 2015, figure 1.
    """
    return RELU(x), lambda dy: tf.where((x > 0) & (dy > 0), dy, 0.0)


@tf.autograph.experimental.do_not_convert
@tf.custom_gradient
def deconvolution(x: tf.Tensor) -> tuple[tf.Tensor, Callable]:
    """ReLU, x of any shape; backwards the gradient itself goes through a ReLU (Zeiler and Fergus 2014, section 2.1)."""
    return RELU(x), lambda dy: RELU(dy)


def softplus(x: tf.Tensor, beta: float = 20.0) -> tf.Tensor:
    """log(1 + exp(beta x)) / beta, x of any shape: a smooth ReLU, which has second derivatives.

    Dombrowski et al. 2019, section 3.
    """
    return tf.nn.softplus(beta * x) / beta


def activations(model: Model, x: np.ndarray | tf.Tensor) -> list[ReluValues]:
    """What goes into and comes out of each ReLU of the model for images [N, H, W, C], in the order of evaluation.

    Raises ValueError for a model without ReLU.
    """
    return recorded(model, tf.convert_to_tensor(x))[1]


def recorded(model: Model, x: tf.Tensor) -> tuple[tf.Tensor, list[ReluValues]]:
    """model(x) for images [N, H, W, C], and its `activations`, for use inside a `tf.GradientTape`.

    Raises ValueError for a model without ReLU.
    """
    seen: list[ReluValues] = []

    def relu(before: tf.Tensor) -> tf.Tensor:
        seen.append(ReluValues(before, RELU(before)))
        return seen[-1].after

    with replaced(relu):
        output = model(x)
    if not seen:
        raise ValueError("The model calls no ReLU: give the model itself, not a tf.function or a saved copy of it.")
    return output, seen


def feature_maps(seen: list[ReluValues]) -> list[ReluValues]:
    """Those activations that are feature maps [N, H, W, channels]."""
    return [one for one in seen if len(one.after.shape) == 4]
