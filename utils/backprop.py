"""A fully connected network of any depth, forward and backward, in NumPy.

A network is a list of layers, a layer a pair (weights [inputs, outputs], bias [outputs]). An image, or any
other example, is a row: a layer maps x [N, inputs] to f(x W + b) [N, outputs]. The last layer has no
activation: it gives the logits.
Source: Goodfellow, Bengio and Courville 2016, Deep Learning, section 6.5, algorithms 6.3 and 6.4.
"""
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from utils import other_versions_names

__getattr__ = other_versions_names(__name__)

Layer = tuple[np.ndarray, np.ndarray]


# the network -----------------------------------------------------------------------------------------------

class Activation(NamedTuple):
    """A function f that is applied to each number z, and its derivative f'(z), computed from a = f(z)."""
    value: Callable[[np.ndarray], np.ndarray]
    slope: Callable[[np.ndarray], np.ndarray]


RELU = Activation(lambda z: np.maximum(z, 0), lambda a: (a > 0).astype(a.dtype))
SIGMOID = Activation(lambda z: np.exp(-np.logaddexp(0, -z)), lambda a: a * (1 - a))
TANH = Activation(np.tanh, lambda a: 1 - a**2)
LINEAR = Activation(lambda z: z, np.ones_like)  # a deep linear network: what depth alone does


def he(inputs: int, outputs: int) -> float:
    """The variance of weights before a ReLU. Source: He et al. 2015, section 2.2, equation 10."""
    return 2 / inputs


def xavier(inputs: int, outputs: int) -> float:
    """The variance of weights before an activation that is linear around 0.

    Source: Glorot and Bengio 2010, section 4.2.1, equation 12.
    """
    return 2 / (inputs + outputs)


def initialise(sizes: list[int], seed: int, variance: Callable[[int, int], float] = he) -> list[Layer]:
    """A net from sizes[0] inputs to sizes[-1] logits: normal weights of that variance, biases 0."""
    rng = np.random.default_rng(seed)
    return [(rng.normal(scale=np.sqrt(variance(inputs, outputs)), size=(inputs, outputs)), np.zeros(outputs))
            for inputs, outputs in zip(sizes, sizes[1:])]


def forward(net: list[Layer], x: np.ndarray, activation: Activation = RELU) -> list[np.ndarray]:
    """What goes into each layer, and last the logits: the list x, a_1, a_2, ..., logits.

    x is [N, inputs] of the first layer, each a is [N, outputs] of a layer, the logits are [N, classes].
    """
    outputs = [x]
    for number, (weights, bias) in enumerate(net, start=1):
        z = outputs[-1] @ weights + bias
        outputs.append(z if number == len(net) else activation.value(z))
    return outputs


def backward(net: list[Layer], outputs: list[np.ndarray], delta: np.ndarray,
             activation: Activation = RELU) -> list[Layer]:
    """The gradient of the loss for the weights and the bias of each layer, first layer first.

    outputs  what `forward` gave
    delta    the gradient for the logits [N, classes], as `cross_entropy` and `mean_square_error` give it
    """
    gradients = []
    for (weights, _), a in zip(reversed(net), reversed(outputs[:-1])):
        gradients.append((a.T @ delta, delta.sum(axis=0)))  # outer products, summed over the batch
        delta = delta @ weights.T * activation.slope(a)
    return gradients[::-1]


def finite_differences(loss: Callable[[], float], w: np.ndarray, h: float = 1e-5) -> np.ndarray:
    """The gradient of `loss()` for the array w of any shape, by two evaluations for each entry; in the end w is as it was.

    loss  computes the loss with the present values of w. The error is about h^2 from the curve, and 1e-16 / h from rounding.
    """
    gradient = np.zeros(w.shape)
    for place in np.ndindex(w.shape):
        kept = w[place]
        w[place] = kept + h
        above = loss()
        w[place] = kept - h
        gradient[place] = (above - loss()) / (2 * h)
        w[place] = kept
    return gradient


# the loss --------------------------------------------------------------------------------------------------

def softmax(logits: np.ndarray) -> np.ndarray:
    """Probabilities [N, classes] from logits [N, classes]: positive, and with the sum 1 in each row."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def cross_entropy(logits: np.ndarray, labels: np.ndarray) -> tuple[float, np.ndarray]:
    """The mean of -log softmax(logits)[label], and its gradient for the logits [N, classes].

    labels  integers [N] from 0 to classes - 1
    """
    rows = np.arange(len(labels))
    shifted = logits - logits.max(axis=1, keepdims=True)
    loss = np.mean(np.log(np.exp(shifted).sum(axis=1)) - shifted[rows, labels])
    delta = softmax(logits)
    delta[rows, labels] -= 1
    return float(loss), delta / len(labels)


def mean_square_error(outputs: np.ndarray, targets: np.ndarray) -> tuple[float, np.ndarray]:
    """The mean of (outputs - targets)^2 over all entries, and its gradient for the outputs.

    Both arrays have the same shape, which may be any shape.
    """
    error = outputs - targets
    return float(np.mean(error**2)), 2 * error / error.size


# the descent -----------------------------------------------------------------------------------------------
# Each rule gives the new weights and what it remembers for the next step; before the first it remembers None. Weights, gradient
# and what is remembered of them have one shape, whichever.

def sgd(w: np.ndarray, gradient: np.ndarray, memory: None, rate: float) -> tuple[np.ndarray, None]:
    """w - rate * gradient, for weights of any shape."""
    return w - rate * gradient, None


def momentum(w: np.ndarray, gradient: np.ndarray, memory: np.ndarray | None, rate: float,
             beta: float = 0.9) -> tuple[np.ndarray, np.ndarray]:
    """velocity <- beta * velocity + gradient; w - rate * velocity, for weights of any shape. Source: Polyak 1964."""
    velocity = gradient if memory is None else beta * memory + gradient
    return w - rate * velocity, velocity


def adam(w: np.ndarray, gradient: np.ndarray, memory: tuple | None, rate: float, beta1: float = 0.9,
         beta2: float = 0.999, epsilon: float = 1e-8) -> tuple[np.ndarray, tuple]:
    """Running means m of the gradient and s of its square (v in the paper), corrected for their start at 0.

    Weights of any shape. Source: Kingma and Ba 2015, algorithm 1.
    """
    m, s, steps = (0.0, 0.0, 0) if memory is None else memory
    m = beta1 * m + (1 - beta1) * gradient
    s = beta2 * s + (1 - beta2) * gradient**2
    steps += 1
    step = m / (1 - beta1**steps) / (np.sqrt(s / (1 - beta2**steps)) + epsilon)
    return w - rate * step, (m, s, steps)


def batches(examples: int, batch_size: int, epochs: int, seed: int) -> Iterator[np.ndarray]:
    """The indices of the examples of each batch, int [batch_size] or fewer.

    In each epoch every example comes once, in a new order.
    """
    rng = np.random.default_rng(seed)
    for _ in range(epochs):
        order = rng.permutation(examples)
        yield from (order[start:start + batch_size] for start in range(0, examples, batch_size))


def train(net: list[Layer], x: np.ndarray, y: np.ndarray, *, rate: float, epochs: int, batch_size: int = 32,
          seed: int = 0, rule: Callable = sgd,
          activation: Activation = RELU) -> tuple[list[Layer], list[float]]:
    """The net after training with cross-entropy on x [N, inputs], y [N], and the loss of each batch, in nats.

    rule  `sgd`, `momentum`, `adam` or another function (w, gradient, memory, rate) -> (new w, new memory)

    The `net` that was given stays as it is.
    """
    net, memories, losses = list(net), [(None, None)] * len(net), []
    for batch in batches(len(x), batch_size, epochs, seed):
        # forward
        outputs = forward(net, x[batch], activation)
        loss, delta = cross_entropy(outputs[-1], y[batch])
        losses.append(loss)

        # backward
        gradients = backward(net, outputs, delta, activation)

        # update
        for i, (weights, bias) in enumerate(net):
            weights, of_weights = rule(weights, gradients[i][0], memories[i][0], rate)
            bias, of_bias = rule(bias, gradients[i][1], memories[i][1], rate)
            net[i], memories[i] = (weights, bias), (of_weights, of_bias)
    return net, losses


def accuracy(net: list[Layer], x: np.ndarray, y: np.ndarray, activation: Activation = RELU) -> float:
    """The fraction of the examples x [N, inputs] whose largest logit is that of their label, y [N]."""
    return float(np.mean(forward(net, x, activation)[-1].argmax(axis=1) == y))
