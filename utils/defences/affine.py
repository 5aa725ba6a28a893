"""A network taken apart into its affine maps, so that a defence can change what lies between them."""
from collections.abc import Callable
from typing import NamedTuple

from utils import layers
from utils.attacks.inputs import Model
from utils.networks import Chain
from utils.quiet import tf


class Step(NamedTuple):
    """One layer: operation(x, kernel) + bias, then ReLU if `relu`; or, where `kernel` is None, operation(x) alone."""

    operation: Callable[..., tf.Tensor]
    kernel: tf.Tensor | None = None
    bias: tf.Tensor | None = None
    relu: bool = False


def steps(model: Model) -> list[Step]:
    """The layers of a Keras Sequential (Conv2D, Dense, MaxPooling2D, Flatten, Dropout) or of a `networks.Chain`.

    Raises ValueError for another model, another layer or another activation than ReLU or none.
    """
    if not isinstance(model, (tf.keras.Sequential, Chain)):
        raise ValueError(f"The model is a {type(model).__name__}: expected a Keras Sequential or a networks.Chain, whose layers "
                         "can be taken one by one.")
    return [_step(layer) for layer in model.layers]


def with_activation(model: Model, activation: Callable[[tf.Tensor], tf.Tensor]) -> Model:
    """`model` with `activation`, z [N, ...] -> the same shape, in the place of each ReLU. It shares the weights, so that it can
    be trained; dropout is off, in training too. Raises ValueError as `steps` does.
    """
    parts = steps(model)

    def changed(x: tf.Tensor, training: bool = False) -> tf.Tensor:
        for step in parts:
            x = step.operation(x) if step.kernel is None else step.operation(x, step.kernel) + step.bias
            x = activation(x) if step.relu else x
        return x

    return changed


def _step(layer: Callable) -> Step:
    keras = tf.keras.layers
    if isinstance(layer, layers.Conv):
        return Step(lambda x, kernel: tf.nn.conv2d(x, kernel, layer.stride, "SAME"), layer.weights, layer.bias, layer.relu)
    if isinstance(layer, layers.FullyConnected):
        return Step(tf.matmul, layer.weights, layer.bias, layer.relu)
    if layer in (layers.flat, layers.maxpool) or isinstance(layer, (keras.Flatten, keras.MaxPooling2D, keras.Dropout)):
        return Step(layer)
    activation = getattr(getattr(layer, "activation", None), "__name__", "")
    if not isinstance(layer, (keras.Conv2D, keras.Dense)) or activation not in ("relu", "linear"):
        raise ValueError(f"The model has a layer {type(layer).__name__} {activation}: expected convolutions and dense layers "
                         "with ReLU or without activation, max pooling, Flatten and Dropout.")
    bias = layer.bias if layer.use_bias else tf.zeros(layer.kernel.shape[-1:])
    if isinstance(layer, keras.Dense):
        return Step(tf.matmul, layer.kernel, bias, activation == "relu")
    strides, padding, dilations = layer.strides, layer.padding.upper(), layer.dilation_rate
    return Step(lambda x, kernel: tf.nn.conv2d(x, kernel, strides, padding, dilations=dilations), layer.kernel, bias,
                activation == "relu")
