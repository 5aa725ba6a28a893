"""How the moments of a tensor go through each elementary operation of a network.

Affine operations are exact. ReLU takes its input for Gaussian: exact in the first layer, and behind it as good as the central
limit theorem is for sums of many values. max(a, b) = b + ReLU(a - b), so a max pooling is ReLUs too; so is ReLU6.
"""
from collections.abc import Callable
from typing import Any

import numpy as np

from utils.moments import relu
from utils.moments.graph import outputs_on
from utils.moments.state import NoisyTensor, Sources, flat
from utils.quiet import tf

# Outputs are sums of products of the first input with the weights.
WEIGHTED = {"Conv2D", "DepthwiseConv2dNative", "MatMul"}
# Outputs are inputs, at other positions or added zeros.
MOVED = {"ConcatV2", "Identity", "Pad", "Squeeze", "ExpandDims", "Reshape", "StridedSlice", "Slice", "StopGradient"}
MEANS = {"AvgPool", "Mean"}
HANDLED = WEIGHTED | MOVED | MEANS | {"Add", "AddV2", "BiasAdd", "MaxPool", "Mul", "Neg", "RealDiv", "Relu", "Relu6", "Shape",
                                      "Sub"}


def through(operation: Any, inputs: list, sources: Sources, full: bool) -> NoisyTensor | tf.Tensor:
    """What comes out of an operation, of which at least one input is a NoisyTensor [N, ...]; ReLU adds to `sources` where `full`.

    inputs  the others are tensors of any shape that the operation takes. "Shape" gives a tensor, all others a NoisyTensor

    Raises ValueError for an operation without a rule.
    """
    kind = operation.type
    random = [one for one in inputs if isinstance(one, NoisyTensor)]
    product = kind in WEIGHTED | {"Mul", "RealDiv"}  # of noisy values with others, never of two that are noisy
    if kind not in HANDLED or product and (len(random) > 1 or kind != "Mul" and random[0] is not inputs[0]):
        raise ValueError(f"The model has an operation {kind} ({operation.name}) on noisy values, for which there is no rule: "
                         "use two_stage, which linearises it, or sample_moments.")
    if kind == "Shape":
        return tf.shape(inputs[0].mean)
    if kind in WEIGHTED | MOVED | MEANS:
        return _linear(operation, inputs)
    if kind == "Relu":
        return _rectified(inputs[0], sources, full)
    if kind == "Relu6":
        return _rectified(inputs[0], sources, full, cut=6.0)
    if kind == "MaxPool":
        return _maxpool(operation, inputs[0], sources, full)
    if kind == "Neg":
        return inputs[0].scaled(tf.constant(-1.0))
    if kind in ("Mul", "RealDiv"):
        factor = next(one for one in inputs if not isinstance(one, NoisyTensor))
        return random[0].scaled(factor if kind == "Mul" else 1 / factor)
    first, second = inputs
    if kind == "Sub":
        second = second.scaled(tf.constant(-1.0)) if isinstance(second, NoisyTensor) else -second
    return first.plus(second) if isinstance(first, NoisyTensor) else second.plus(first)


def _linear(operation: Any, inputs: list) -> NoisyTensor:
    """A linear operation: the responses go through it as the mean does, the rest with squared weights."""
    def run(part: Callable[[NoisyTensor], tf.Tensor], shape: tf.Tensor | None = None,
            weights: Callable = lambda w: w) -> tf.Tensor:
        tensors = [part(one) if isinstance(one, NoisyTensor) else weights(one) for one in inputs]
        if operation.type == "Reshape":
            return tf.reshape(tensors[0], tf.concat([tf.shape(tensors[0])[:1], shape], 0))
        return outputs_on(operation, tensors)[0]

    if operation.type == "Reshape":
        mean = outputs_on(operation, [inputs[0].mean, inputs[1]])[0]
    else:
        mean = run(lambda one: one.mean)
    shape = tf.shape(mean)[1:]
    response = {}
    for number in sorted({number for one in inputs if isinstance(one, NoisyTensor) for number in one.response}):
        count = next(tf.shape(one.response[number])[1]
                     for one in inputs if isinstance(one, NoisyTensor) and number in one.response)

        def directions(one: NoisyTensor, number: int = number, count: tf.Tensor = count) -> tf.Tensor:
            """All directions of all images as one batch; a branch that does not depend on the source has zeros."""
            if number in one.response:
                return _as_batch(one.response[number])
            return tf.zeros(tf.concat([[count * tf.shape(one.mean)[0]], tf.shape(one.mean)[1:]], 0))

        found = run(directions, shape)
        response[number] = tf.reshape(found, tf.concat([[tf.shape(mean)[0], count], shape], 0))
    squared = (lambda w: w**2) if operation.type in WEIGHTED else (lambda w: w)
    rest = run(lambda one: one.rest, shape, squared)
    if operation.type in MEANS:
        rest /= tf.cast(_averaged(operation, inputs[0].mean, mean), rest.dtype)
    return NoisyTensor(mean, response, rest)


def _as_batch(response: tf.Tensor) -> tf.Tensor:
    shape = tf.shape(response)
    return tf.reshape(response, tf.concat([[shape[0] * shape[1]], shape[2:]], 0))


def _averaged(operation: Any, before: tf.Tensor, after: tf.Tensor) -> int | tf.Tensor:
    """How many values each mean is of."""
    if operation.type != "AvgPool":
        return tf.size(before) // tf.size(after)
    window, steps, sides = (list(values)[1:3]
                            for values in (operation.get_attr("ksize"), operation.get_attr("strides"), operation.inputs[0].shape))
    if operation.get_attr("padding") == b"SAME" and (window != steps or any(side % step for side, step in zip(sides, steps))):
        raise ValueError("The model has an average pooling with SAME padding that adds a border: there is a rule only for VALID.")
    return int(np.prod(window))


def _rectified(x: NoisyTensor, sources: Sources, full: bool, cut: float | None = None) -> NoisyTensor:
    """ReLU(x), or ReLU(x) - ReLU(x - cut).

    The output is the gate Phi(h) times the input (Bussgang's theorem) plus noise that is uncorrelated with the input. In full,
    this noise is a new source with its exact covariances; else only its variances are kept, in the rest.
    """
    variance = x.variance(sources)
    std = relu.standard_deviation(variance)
    mean, gate = relu.relu_mean(x.mean, std), relu.Phi(relu.standardised(x.mean, std))
    after = relu.relu_variance(x.mean, std)
    if cut is not None:
        second = x.mean - cut
        upper = relu.relu_mean(second, std)
        # X+ (X - c)+ = (X - c)+^2 + c (X - c)+
        product = relu.relu_second_moment(second, std) + cut * upper
        after += relu.relu_variance(second, std) - 2 * (product - mean * upper)
        mean, gate = mean - upper, gate - relu.Phi(relu.standardised(second, std))
    passed = x.scaled(gate)
    if not full:
        rest = tf.maximum(after - gate**2 * (variance - x.rest), 0)
        return NoisyTensor(mean, passed.response, rest)
    covariance = x.covariance(sources)
    exact = _covariance(flat(x.mean, 1), covariance, cut)
    gates = flat(gate, 1)
    sources.append(exact - gates[:, :, None] * gates[:, None, :] * covariance)
    values = tf.shape(exact)[1]
    identity = tf.eye(values, batch_shape=[tf.shape(mean)[0]])
    identity = tf.reshape(identity, tf.concat([tf.shape(mean)[:1], [values], tf.shape(mean)[1:]], 0))
    return NoisyTensor(mean, passed.response | {len(sources) - 1: identity}, tf.zeros_like(mean))


def _covariance(mean: tf.Tensor, covariance: tf.Tensor, cut: float | None) -> tf.Tensor:
    if cut is None:
        return relu.relu_covariance(mean, covariance)
    both = tf.concat([mean, mean - cut], 1)
    doubled = relu.relu_covariance(both, tf.tile(covariance, [1, 2, 2]))
    size = tf.shape(mean)[1]
    across = doubled[:, :size, size:]
    return doubled[:, :size, :size] + doubled[:, size:, size:] - across - tf.linalg.matrix_transpose(across)


def _maxpool(operation: Any, x: NoisyTensor, sources: Sources, full: bool) -> NoisyTensor:
    """The largest of each window, in pairs: max(a, b) = b + ReLU(a - b)."""
    (_, height, width, _), (_, down, right, _) = operation.get_attr("ksize"), operation.get_attr("strides")
    rows, columns = (int(size) for size in x.mean.shape[1:3])
    if operation.get_attr("padding") == b"SAME" and (rows % down or columns % right or (height, width) != (down, right)):
        raise ValueError("The model has a max pooling with SAME padding that adds a border: there is a rule only for VALID.")
    ends = (rows - height) // down * down + 1, (columns - width) // right * right + 1

    def part(tensor: tf.Tensor, i: int, j: int) -> tf.Tensor:
        return tensor[..., i:i + ends[0]:down, j:j + ends[1]:right, :]

    values = [NoisyTensor(part(x.mean, i, j), {number: part(one, i, j) for number, one in x.response.items()}, part(x.rest, i, j))
              for i in range(height) for j in range(width)]
    while len(values) > 1:
        pairs = list(zip(values[::2], values[1::2]))
        values = [_larger(a, b, sources, full) for a, b in pairs] + values[2 * len(pairs):]
    return values[0]


def _larger(a: NoisyTensor, b: NoisyTensor, sources: Sources, full: bool) -> NoisyTensor:
    """max(a, b) = b + ReLU(a - b), whose rest is gate^2 rest_a + (1 - gate)^2 rest_b and what the ReLU adds (Clark 1961)."""
    opposite = b.scaled(tf.constant(-1.0))
    difference = a.plus(opposite)
    rectified = _rectified(difference, sources, full)
    larger = b.plus(rectified)
    if full:
        return larger
    std = relu.standard_deviation(difference.variance(sources))
    gate = relu.Phi(relu.standardised(difference.mean, std))
    # b is in both terms of the sum, so their rests are not independent, as `plus` takes them for.
    return larger._replace(rest=tf.maximum(rectified.rest + (1 - 2 * gate) * b.rest, 0))
