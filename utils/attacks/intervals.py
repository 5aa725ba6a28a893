"""How far the units of a dense ReLU network can go when the image may be anything inside a box: interval arithmetic."""
import numpy as np

from utils.quiet import tf

Layer = tuple[np.ndarray, np.ndarray]  # kernel [inputs, units] and bias [units] of a dense layer, float64
Interval = tuple[np.ndarray, np.ndarray]  # smallest and largest value of each unit, both [units]


def dense_layers(model: tf.keras.Model) -> list[Layer]:
    """Kernel and bias of each layer of a Keras Sequential of Flatten, Dense with ReLU (none or more) and a last Dense without.

    The flattened image is the input of the first, the logits [classes] are the output of the last. Raises ValueError for
    another model.
    """
    expected = "expected a Keras Sequential of Flatten, Dense layers with ReLU and a last Dense without activation."
    if not isinstance(model, tf.keras.Sequential):
        raise ValueError(f"The model is a {type(model).__name__}, {expected}")
    flatten, *dense = model.layers or [None]
    if not isinstance(flatten, tf.keras.layers.Flatten) or not dense:
        raise ValueError(f"The model starts with {getattr(flatten, 'name', 'no layer')}, {expected}")
    for layer in dense:
        activation = "linear" if layer is dense[-1] else "relu"
        if not isinstance(layer, tf.keras.layers.Dense) or layer.activation is not tf.keras.activations.get(activation):
            raise ValueError(f"The layer {layer.name} is no Dense with activation {activation!r}, {expected}")
    kernels = [layer.kernel.numpy().astype(float) for layer in dense]
    return [(kernel, layer.bias.numpy().astype(float) if layer.use_bias else np.zeros(kernel.shape[1]))
            for kernel, layer in zip(kernels, dense)]


def through_dense(lower: np.ndarray, upper: np.ndarray, layer: Layer) -> Interval:
    """The bounds of x @ kernel + bias, both [units], for lower <= x <= upper, both [inputs].

    A unit is largest where inputs with a positive weight are at their upper bound and the others at their lower one. Exact
    for each unit alone; through several layers the bounds are valid but loose, for they forget that the units share
    their inputs (Moore 1966; for networks Gowal et al. 2018, equation 6).
    """
    kernel, bias = layer
    centre, radius = (upper + lower) / 2, (upper - lower) / 2
    middle, reach = centre @ kernel + bias, radius @ np.abs(kernel)
    return middle - reach, middle + reach


def further(first: Interval, layers: list[Layer]) -> list[Interval]:
    """The bounds before the activation of every layer: `first`, those of the first, then of each of `layers` after a ReLU."""
    bounds = [first]
    for layer in layers:
        lower, upper = bounds[-1]
        bounds.append(through_dense(np.maximum(lower, 0), np.maximum(upper, 0), layer))
    return bounds


def first_layer(x: np.ndarray, layer: Layer, norm: str, radius: float) -> Interval:
    """The exact bounds of x' @ kernel + bias, both [units], for images x' in [0, 1] with a distance of at most `radius` to x.

    x [inputs] in [0, 1]; norm "Linf" or "L1". In Linf each value moves alone. In L1 they share the radius: it is spent first
    where the weight is largest, until that value is at 0 or 1, then where it is second largest (a fractional knapsack).
    """
    if norm == "Linf":
        return through_dense(np.maximum(x - radius, 0), np.minimum(x + radius, 1), layer)
    kernel, bias = layer

    def rise(kernel: np.ndarray) -> np.ndarray:
        order = np.argsort(-np.abs(kernel), axis=0)
        room = np.take_along_axis(np.where(kernel > 0, 1 - x[:, None], x[:, None]), order, axis=0)
        spent = np.clip(radius - (np.cumsum(room, axis=0) - room), 0, room)
        return np.sum(spent * np.take_along_axis(np.abs(kernel), order, axis=0), axis=0)
    middle = x @ kernel + bias
    return middle - rise(-kernel), middle + rise(kernel)
