"""Layer by layer: the moments of a noisy input through a whole network."""
from collections.abc import Callable

from utils.moments.gaussian import Gaussian, checked_noise
from utils.moments.graph import operations, outputs_on, traced, variables
from utils.moments.rules import through
from utils.moments.state import NoisyTensor, Sources
from utils.quiet import tf

METHODS = ("full", "first_order", "diagonal")


def propagate(model: Callable, mean: tf.Tensor, std: tf.Tensor | float | None = None, covariance: tf.Tensor | None = None,
              method: str = "full") -> Gaussian:
    """Mean and covariance of the logits when the images are Gaussian: [N, classes] and [N, classes, classes].

    model       images [N, ...] -> logits [N, classes], Keras or `tf.Module`, of dense layers, convolutions, batch norm, ReLU,
                ReLU6, average and max pooling, additions and concatenations
    mean, std, covariance  of the images, as in `gaussian.checked_noise`
    method      what is kept of the covariances behind a ReLU:
                "full"         all, exact (`relu_covariance`). Needs D^2 values for a layer of D units
                "first_order"  the first term of the series, cov Phi Phi, and exact variances. Needs D values for each of the
                               image's
                "diagonal"     variances only, as if the units of each layer were independent. As cheap as two passes

    Each layer's input is taken for Gaussian. Exact for an affine network and, with "full", for the mean and covariance behind a
    first layer of ReLUs. Can be differentiated by mean, std, covariance and the model's variables. In a loop over images of the
    same shape, wrap it in a `tf.function`. Raises ValueError for an operation without a rule (`rules.through`).
    """
    if method not in METHODS:
        raise ValueError(f"method is {method!r}, expected one of {', '.join(map(repr, METHODS))}.")
    mean, noise = checked_noise(mean, std, covariance)
    zeros = tf.zeros_like(mean)
    if method == "diagonal":
        variance = noise if std is not None else tf.linalg.diag_part(noise)
        sources, x = [], NoisyTensor(mean, {}, tf.reshape(variance, tf.shape(mean)))
    else:
        values = noise.shape[-1]
        directions = tf.eye(values, batch_shape=[tf.shape(mean)[0]])
        sources, x = [noise], NoisyTensor(mean, {0: tf.reshape(directions, [-1, values, *mean.shape[1:]])}, zeros)
    return _through_network(model, x, sources, method == "full").gaussian(sources)


def _through_network(model: Callable, x: NoisyTensor, sources: Sources, full: bool) -> NoisyTensor:
    concrete = traced(model, tuple(x.mean.shape[1:]))
    known: dict[str, object] = {concrete.inputs[0].name: x} | variables(concrete)
    for operation in operations(concrete):
        if operation.type == "Placeholder":
            continue
        inputs = [known[tensor.name] for tensor in operation.inputs]
        if any(isinstance(one, NoisyTensor) for one in inputs):
            known[operation.outputs[0].name] = through(operation, inputs, sources, full)
        else:
            known |= dict(zip([tensor.name for tensor in operation.outputs], outputs_on(operation, inputs)))
    return known[concrete.outputs[0].name]
