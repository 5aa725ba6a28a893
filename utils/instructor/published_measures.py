"""What `published.py` trains and measures: the networks of the papers, and numbers of any model under an attack."""
from collections.abc import Callable
from typing import Any

import numpy as np

from utils import attacks, session, training
from utils.attacks.inputs import Model
from utils.data import Dataset
from utils.layers import Conv, DenseBlock, FullyConnected, flat, maxpool
from utils.networks import Chain
from utils.quiet import tf

SHAPE = (28, 28, 1)
Numbers = dict[str, float]


# Networks: images [N, *shape] in [0, 1] -> logits ---------------------------------------------------------------------

def softmax_regression(classes: int = 10, shape: tuple[int, int, int] = SHAPE) -> Chain:
    """One affine map; with two classes it is logistic regression."""
    return Chain([flat, FullyConnected(int(np.prod(shape)), classes, relu=False)], shape)


def dense(*hidden: int, shape: tuple[int, int, int] = SHAPE) -> Chain:
    """Hidden layers of these widths, then 10 logits."""
    widths = [int(np.prod(shape)), *hidden]
    return Chain([flat, *map(FullyConnected, widths, hidden), FullyConnected(widths[-1], 10, relu=False)], shape)


def lenet(first: int = 6, second: int = 16) -> Chain:
    """LeNet-5 with ReLU and max pooling: `first` and `second` filters of 5x5 (SAME), then 120 and 84 hidden units."""
    return Chain([Conv(1, first, 5), maxpool, Conv(first, second, 5), maxpool, flat, FullyConnected(49 * second, 120),
                  FullyConnected(120, 84), FullyConnected(84, 10, relu=False)], SHAPE)


def madry() -> Chain:
    """The network of Madry et al. 2018 for MNIST: 32 and 64 filters of 5x5, each with pooling, then 1,024 hidden units."""
    return Chain([Conv(1, 32, 5), maxpool, Conv(32, 64, 5), maxpool, flat, FullyConnected(49 * 64, 1024),
                  FullyConnected(1024, 10, relu=False)], SHAPE)


def three_convolutions() -> Chain:
    """The three small convolutions of `networks.three_convolutions`, for digits."""
    return Chain([Conv(1, 3), maxpool, Conv(3, 6), maxpool, Conv(6, 12), maxpool, flat,
                  FullyConnected(108, 10, relu=False)], SHAPE)


def small_densenet() -> Chain:
    """Two dense blocks of two convolutions of 8 filters, then 10 logits."""
    return Chain([DenseBlock(1, 8, outputs=16), DenseBlock(16, 8, outputs=16), flat, FullyConnected(784, 10, relu=False)], SHAPE)


def trained(build: Callable[[], Chain], digits: Dataset, seed: int, **recipe: Any) -> Chain:
    """A network of `build`, trained by `training.fit` with `recipe`: first weights and order are drawn from `seed`."""
    session.start(seed)
    network = build()
    training.fit(network, digits, seed=seed, **recipe)
    return network


# Measures -------------------------------------------------------------------------------------------------------------

def gradient_sign(model: Model, x: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The sign of the gradient of the cross-entropy, [N, H, W, C]: FGSM moves along it (Goodfellow et al. 2015, section 4)."""
    images = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(images)
        loss = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, model(images))
    return np.sign(tape.gradient(loss, images).numpy())


def fooled(model: Model, x: np.ndarray, labels: np.ndarray) -> Numbers:
    """The fraction of images with a wrong class, "error", and the mean probability of that class among them, "confidence"."""
    p = tf.nn.softmax(training.predict(model, x)).numpy()
    wrong = p.argmax(1) != labels
    return {"error": float(wrong.mean()), "confidence": float(p.max(1)[wrong].mean()) if wrong.any() else 0.0}


def fgsm_both(model: Model, x: np.ndarray, labels: np.ndarray, epsilon: float) -> Numbers:
    """Error and confidence without attack and under FGSM of Linf size `epsilon`, not clipped and clipped to [0, 1]."""
    moved = x + epsilon * gradient_sign(model, x, labels)
    tried = {"no attack": x, "not clipped": moved, "clipped": np.clip(moved, 0, 1)}
    return {f"{what}, {name}": value for name, images in tried.items() for what, value in fooled(model, images, labels).items()}


def fgsm_epsilon(model: Model, x: np.ndarray, labels: np.ndarray, share: float = 0.9) -> float:
    """The smallest epsilon of .02 to 5, in steps of 2 %, at which FGSM, not clipped, fools `share` of the images; or infinity."""
    sign = gradient_sign(model, x, labels)
    return next((float(epsilon) for epsilon in np.geomspace(0.02, 5, 280)
                 if fooled(model, x + epsilon * sign, labels)["error"] >= share), float("inf"))


@tf.function(reduce_retracing=True)
def deepfool_of_the_paper(model: Model, x: tf.Tensor, labels: tf.Tensor, norm: str, steps: int = 50,
                          overshoot: float = 0.02) -> tf.Tensor:
    """DeepFool without a box, which goes `overshoot` beyond the boundary only at the end: dx for x, both [N, H, W, C].

    Moosavi-Dezfooli et al. 2016, algorithm 2; norm "L2", or "Linf" with their general form. An image is done as soon as
    (1 + overshoot) times the sum of its steps changes its class; labels [N] are those that the model gives x.
    """
    dx = tf.zeros_like(x)
    for _ in tf.range(steps):
        done = tf.argmax(model(x + (1 + overshoot) * dx), 1) != labels
        if tf.reduce_all(done):
            break
        with tf.GradientTape() as tape:
            moved = x + dx
            tape.watch(moved)
            logits = model(moved)
        w = tf.reshape(tape.batch_jacobian(logits, moved), [tf.shape(x)[0], tf.shape(logits)[1], -1])
        w -= tf.gather(w, labels, batch_dims=1)[:, None]
        f = logits - tf.gather(logits, labels, batch_dims=1)[:, None]
        length = tf.reduce_sum(tf.abs(w), 2) if norm == "Linf" else tf.norm(w, axis=2)  # 0 for the label itself
        distance = tf.where(length > 0, tf.abs(f) / length, np.inf)
        nearest = tf.argmin(distance, 1)
        distance, length, w = (tf.gather(values, nearest, batch_dims=1) for values in (distance, length, w))
        direction = tf.sign(w) if norm == "Linf" else w / length[:, None]
        step = tf.reshape(distance[:, None] * direction, tf.shape(x))
        dx += tf.where(done[:, None, None, None], 0.0, step)
    return (1 + overshoot) * dx


def relative(size: np.ndarray, x: np.ndarray, norm: str) -> float:
    """The mean over images x [N, H, W, C] of ||dx|| / ||x|| by `norm`, where `size` is ||dx|| [N] or one number for all."""
    return float(np.mean(size / attacks.NORMS[norm].size(tf.constant(x)).numpy()))


def smallest(model: Model, x: np.ndarray, labels: np.ndarray, norms: tuple[str, ...] = ("L2", "Linf")) -> Numbers:
    """The median size of the smallest perturbation, `attacks.minimal`, for each norm; a failure counts as inf."""
    found = {norm: attacks.minimal(model, x, labels, norm=norm) for norm in norms}
    return {norm: float(np.median(np.where(one.success, one.norms[norm], np.inf))) for norm, one in found.items()}


def of_each(networks: list[Chain], measure: Callable[[Chain], Numbers]) -> list[Numbers]:
    """`measure` of networks of one architecture, the weights of each in turn in the first: an attack is compiled once for all."""
    shell, weights = networks[0], [[variable.numpy() for variable in network.variables] for network in networks]
    rows = []
    for values in weights:
        for variable, value in zip(shell.variables, values, strict=True):
            variable.assign(value)
        rows.append(measure(shell))
    for variable, value in zip(shell.variables, weights[0]):
        variable.assign(value)
    return rows


def read_by_all(predictions: list[np.ndarray], labels: np.ndarray, count: int) -> np.ndarray:
    """Indices of the first `count` images to which each network gives the label; predictions [N] of each, labels [N]."""
    chosen = np.flatnonzero(np.all([one == labels for one in predictions], axis=0))
    if len(chosen) < count:
        raise ValueError(f"{len(chosen)} images are read correctly by all networks, {count} are needed: train them longer.")
    return chosen[:count]


def over_seeds(rows: list[Numbers]) -> dict[str, list[float]]:
    """[mean, lowest, highest] over rows, one a seed, of each number in them."""
    return {name: [float(one([row[name] for row in rows])) for one in (np.mean, min, max)] for name in rows[0]}
