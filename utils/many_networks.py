"""Many small networks trained side by side, as one: how an experiment gets its seeds, sizes and settings in seconds.

M networks of the same depth are stacked: layer l has the weights [M, inputs, outputs] and the bias [M, 1, outputs], and one
batched product of matrices serves them all. Narrower networks are as wide as the widest, and a mask keeps the units that they
lack at 0. Each has its own start, its own batches and, where wanted, its own data and settings.
"""
from collections.abc import Callable, Sequence

import numpy as np

from utils import backprop, other_versions_names
from utils.quiet import tf

__getattr__ = other_versions_names(__name__)

EPSILON = 1e-8  # in the denominator of Adam


# the rules of descent: (gradient, memory m, memory s, number t of the step) -> (step, m, s); all but t have one shape ---

def sgd_step(g: tf.Tensor, m: tf.Tensor, s: tf.Tensor, t: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """The gradient itself, of any shape."""
    return g, m, s


def adam_step(g: tf.Tensor, m: tf.Tensor, s: tf.Tensor, t: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Running means of the gradient, of any shape, and its square, corrected for their start at 0.

    Source: Kingma and Ba 2015, algorithm 1.
    """
    m, s = 0.9 * m + 0.1 * g, 0.999 * s + 0.001 * g**2
    return m / (1 - 0.9**t) / (tf.sqrt(s / (1 - 0.999**t)) + EPSILON), m, s


def lion_step(g: tf.Tensor, m: tf.Tensor, s: tf.Tensor, t: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """The sign of a running mean of the gradient, of any shape. Source: Chen et al. 2023, arXiv:2302.06675, algorithm 2."""
    return tf.sign(0.9 * m + 0.1 * g), 0.99 * m + 0.01 * g, s


# the networks ------------------------------------------------------------------------------------------------------------------

class Networks(tf.Module):
    """M networks from sizes[0] inputs to sizes[-1] logits, one for each seed.

    sizes       inputs, hidden units of each layer, classes
    seeds       [M], one for each network: its start and its batches. Dropout masks depend on the step and the place among the M
    widths      [M], how many of the hidden units of each layer a network has; all of them without it
    sigmoid     whether the hidden units are sigmoids, not ReLU
    variance    of the first weights, as in `backprop.initialise`; one for all, or [M]
    rule, rate  how to descend and how far in a step
    dropout     the probability with which a hidden unit is set to 0 in training
    decay       lambda of the penalty lambda / 2 times the sum of the squared weights (biases are free)
    normalised  whether batch norm stands before each activation. Its scale is 1: the next layer's weights can take its place

    sigmoid, rate, dropout, decay and normalised are one value for all, or [M].
    """

    def __init__(self, sizes: Sequence[int], seeds: Sequence[int], *, widths: Sequence[int] | None = None,
                 sigmoid: bool | Sequence[bool] = False, variance: Callable[[int, int], float] | Sequence[Callable] = backprop.he,
                 rule: Callable = adam_step, rate: float | Sequence[float] = 0.01, dropout: float | Sequence[float] = 0.0,
                 decay: float | Sequence[float] = 0.0, normalised: bool | Sequence[bool] = False) -> None:
        count = len(seeds)
        widths = np.broadcast_to(max(sizes[1:-1], default=0) if widths is None else widths, count)
        self.seeds, self.rule = list(seeds), rule
        self.some = {"dropout": np.any(dropout), "normalised": np.any(normalised)}  # what no network has is not computed
        self.exist = [tf.constant((np.arange(units) < widths[:, None])[:, None], tf.float32)  # [M, 1, units]
                      for units in sizes[1:-1]]
        self.sigmoid, self.normalised = (tf.constant(_each(value, count)) for value in (sigmoid, normalised))  # [M, 1, 1]
        self.rate, self.dropout, self.decay = (tf.constant(_each(value, count), tf.float32) for value in (rate, dropout, decay))
        starts = [backprop.initialise([sizes[0], *(min(units, width) for units in sizes[1:-1]), sizes[-1]], seed, of_one)
                  for seed, width, of_one in zip(seeds, widths, np.broadcast_to(variance, count))]
        self.weights, self.biases = [], []
        for layer, (inputs, outputs) in enumerate(zip(sizes, sizes[1:])):
            padded = np.zeros((count, inputs, outputs), np.float32)
            for number, start in enumerate(starts):
                found = start[layer][0]
                padded[number, :found.shape[0], :found.shape[1]] = found
            self.weights.append(tf.Variable(padded))
            self.biases.append(tf.Variable(tf.zeros([count, 1, outputs])))
        self.memories = [[tf.Variable(tf.zeros_like(v)) for v in self.parameters] for _ in range(2)]
        self.steps = tf.Variable(0)

    @property
    def parameters(self) -> list[tf.Variable]:
        """Weights [M, inputs, units] and biases [M, 1, units] of all layers, as an optimiser takes them."""
        return [*self.weights, *self.biases]

    def outputs(self, x: tf.Tensor, training: bool = False) -> list[tf.Tensor]:
        """What goes into each layer, and last the logits, each [M, N, units]; x [N, inputs] for all, or [M, N, inputs].

        Batch norm takes mean and variance over the N examples: those of the batch in training, all that are given otherwise.
        """
        a, found = tf.cast(x, tf.float32), []
        for layer, (weights, bias) in enumerate(zip(self.weights, self.biases)):
            found.append(a)
            z = a @ weights
            if layer == len(self.exist):
                return [*found, z + bias]
            if self.some["normalised"]:
                mean, variance = tf.nn.moments(z, axes=[1], keepdims=True)
                z = tf.where(self.normalised, (z - mean) * tf.math.rsqrt(variance + 1e-3), z)
            z += bias
            a = tf.where(self.sigmoid, tf.sigmoid(z), tf.nn.relu(z)) * self.exist[layer]
            if training and self.some["dropout"]:  # inverted: what is kept is divided by its probability
                dice = tf.random.stateless_uniform(tf.shape(a), [self.steps, layer])
                a = tf.where(dice < self.dropout, 0.0, a / (1 - self.dropout))

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        """The logits [M, N, classes] of x [N, inputs] or [M, N, inputs]."""
        return self.outputs(x)[-1]

    def alone(self, number: int) -> list[backprop.Layer]:
        """Network `number` in its own width, as `utils.backprop` has it (without batch norm, which is none of its layers)."""
        kept = [np.ones(self.weights[0].shape[1], bool), *(exist[number, 0].numpy() > 0 for exist in self.exist),
                np.ones(self.biases[-1].shape[2], bool)]
        return [(w[number].numpy()[a][:, b].astype(float), bias[number, 0].numpy()[b].astype(float))
                for w, bias, a, b in zip(self.weights, self.biases, kept, kept[1:])]

    def fit(self, x: np.ndarray, y: np.ndarray, *, epochs: int, batch_size: int = 32,
            importance: np.ndarray | None = None) -> np.ndarray:
        """Train on x [N, inputs], labels y [N], or on [M, N, inputs], [M, N]: the mean loss of each epoch, [epochs, M].

        importance  [N], a factor for the loss of each example; 1 without it. Called again, it goes on where it stopped.
        """
        own = np.ndim(x) == 3
        count, examples = len(self.seeds), np.shape(x)[-2]
        batch_size = min(batch_size, examples)
        each = examples // batch_size  # in an epoch; what is left over waits for the next order
        rngs = [np.random.default_rng([seed, int(self.steps)]) for seed in self.seeds]
        order = np.stack([[rng.permutation(examples)[:each * batch_size] for _ in range(epochs)] for rng in rngs])
        order = order.reshape(count, epochs * each, batch_size).swapaxes(0, 1)  # [steps, M, batch]
        order = order + examples * np.arange(count)[:, None] if own else order
        ones = np.ones(examples) if importance is None else importance
        factors = np.tile(ones, count) if own else ones
        rows, labels = tf.constant(np.reshape(x, [-1, np.shape(x)[-1]]), tf.float32), tf.constant(np.reshape(y, [-1]), tf.int32)
        losses = self._descend(rows, labels, tf.constant(factors, tf.float32), tf.constant(order, tf.int32))
        return losses.numpy().reshape(epochs, each, count).mean(axis=1)

    @tf.function(reduce_retracing=True)
    def _descend(self, x: tf.Tensor, y: tf.Tensor, factors: tf.Tensor, order: tf.Tensor) -> tf.Tensor:
        """The loss of each step [steps, M]; order [steps, M, batch] says which rows of x a network sees in which step."""
        losses = tf.TensorArray(tf.float32, tf.shape(order)[0])
        for step in tf.range(tf.shape(order)[0]):
            batch = order[step]
            with tf.GradientTape() as tape:
                logits = self.outputs(tf.gather(x, batch), training=True)[-1]
                each = tf.nn.sparse_softmax_cross_entropy_with_logits(tf.gather(y, batch), logits) * tf.gather(factors, batch)
                loss = tf.reduce_mean(each, axis=1)  # [M]: the gradient of the sum is that of each
            gradients = tape.gradient(loss, self.parameters)
            self.steps.assign_add(1)
            self._step(gradients)
            losses = losses.write(step, loss)
        return losses.stack()

    def _step(self, gradients: list[tf.Tensor]) -> None:
        """One step of all networks by the rule; a gradient for each of `parameters`, of its shape."""
        t = tf.cast(self.steps, tf.float32)
        for number, (variable, gradient, first, second) in enumerate(zip(self.parameters, gradients, *self.memories)):
            if number < len(self.weights):
                gradient += self.decay * variable
            step, m, s = self.rule(gradient, first, second, t)
            first.assign(m)
            second.assign(s)
            variable.assign_sub(self.rate * step)

    def accuracy(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """The fraction of right answers of each network, [M]; x [N, inputs], y [N], or [M, N, inputs], [M, N]."""
        return np.mean(np.argmax(self(x).numpy(), axis=-1) == y, axis=-1)

    def loss(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """The cross-entropy of each network, [M], in nats."""
        logits = self(x)
        labels = np.broadcast_to(y, logits.shape[:2])
        return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits), axis=1).numpy()


def _each(value: float | Sequence[float], count: int) -> np.ndarray:
    """One value for each network, [M, 1, 1]."""
    return np.broadcast_to(value, count).reshape(count, 1, 1)
