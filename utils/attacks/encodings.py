"""Two ways to write an image as genes that evolution can change: its pixels themselves, or a small network that paints it."""
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from utils.quiet import tf

Shape = tuple[int, int, int]  # of an image: H, W, C
INDEX = 15.0  # of the polynomial mutation; the higher, the smaller the changes. As in Nguyen, Yosinski and Clune 2015
HIDDEN = (8, 8)  # nodes of the hidden layers of a CPPN
FUNCTIONS = (tf.sin, lambda z: tf.exp(-z**2), tf.sigmoid, tf.identity)


class Encoding(NamedTuple):
    """Genes float32 [N, G] of N images.

    first   (n, shape, seed) -> genes, drawn at random
    mutate  (genes, generation, seed) -> genes
    decode  (genes, shape) -> images [N, H, W, C] in [0, 1]

    A seed is int32 [2], for tf.random.stateless_*; generation is int32 [].
    """

    first: Callable[[tf.Tensor, Shape, tf.Tensor], tf.Tensor]
    mutate: Callable[[tf.Tensor, tf.Tensor, tf.Tensor], tf.Tensor]
    decode: Callable[[tf.Tensor, Shape], tf.Tensor]


def uniform_pixels(n: tf.Tensor, shape: Shape, seed: tf.Tensor) -> tf.Tensor:
    """Pixels between 0 and 1, each as likely: [n, H * W * C]."""
    return tf.random.stateless_uniform([n, int(np.prod(shape))], seed)


def polynomial_mutation(genes: tf.Tensor, generation: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """One gene of ten moves, by the polynomial mutation of Deb: [N, G] -> [N, G], in [0, 1].

    The rate halves every 1000 generations.

    The change has the density (INDEX + 1) / 2 (1 - |change|)^INDEX on [-1, 1]: mostly near 0, and seldom far. Both as in
    Nguyen, Yosinski and Clune 2015.
    """
    rate = 0.1 * 0.5 ** tf.cast(generation // 1000, tf.float32)
    u, v = tf.unstack(tf.random.stateless_uniform(tf.concat([[2], tf.shape(genes)], 0), seed))
    size = 1 - (1 - tf.abs(2 * u - 1)) ** (1 / (INDEX + 1))
    return tf.clip_by_value(tf.where(v < rate, genes + tf.sign(u - 0.5) * size, genes), 0.0, 1.0)


def random_network(n: tf.Tensor, shape: Shape, seed: tf.Tensor) -> tf.Tensor:
    """Standard normal genes [n, G] of a CPPN.

    First come its weights, layer by layer, then four genes for each hidden node, which choose its function.
    """
    sizes = (3, *HIDDEN, shape[2])
    weights = sum((before + 1) * after for before, after in zip(sizes, sizes[1:]))
    return tf.random.stateless_normal([n, weights + len(FUNCTIONS) * sum(HIDDEN)], seed)


def gaussian_mutation(genes: tf.Tensor, generation: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """One gene of ten moves, by a normal number of deviation 1, which is that of the first genes: [N, G] -> [N, G].

    The same in each generation.
    """
    change, choice = tf.random.stateless_normal(tf.shape(genes), seed), tf.random.stateless_uniform(tf.shape(genes), seed + 1)
    return tf.where(choice < 0.1, genes + change, genes)


def paint(genes: tf.Tensor, shape: Shape) -> tf.Tensor:
    """What compositional pattern-producing networks (Stanley 2007) paint: x, y, r -> values, for each pixel: [N, H, W, C].

    x and y go from -1 to 1, r is the distance to the middle. Each of two hidden layers has 8 nodes; a node's function is
    that of FUNCTIONS whose gene is highest. A sigmoid makes the output a pixel value. Neighbours differ little, for the
    functions are smooth, and r and the Gaussian bring symmetry. The topology is fixed; that of Nguyen et al. grows.
    """
    y, x = (tf.reshape(axis, [-1]) for axis in tf.meshgrid(*(tf.linspace(-1.0, 1.0, side) for side in shape[:2]), indexing="ij"))
    values = tf.stack([x, y, tf.sqrt(x**2 + y**2)])[None]  # [1, 3, H * W], later [N, nodes, H * W]
    sizes, at = (3, *HIDDEN, shape[2]), 0
    chosen = tf.reshape(genes[:, -len(FUNCTIONS) * sum(HIDDEN):], [-1, sum(HIDDEN), len(FUNCTIONS)])
    nodes = tf.split(tf.argmax(chosen, 2, tf.int32), HIDDEN, axis=1)
    for layer, (before, after) in enumerate(zip(sizes, sizes[1:])):
        kernel = tf.reshape(genes[:, at:at + (before + 1) * after], [-1, after, before + 1])
        at += (before + 1) * after
        values = kernel[:, :, :-1] @ values + kernel[:, :, -1:]  # the last column is the bias
        if layer < len(HIDDEN):
            values = _activated(values, nodes[layer])
    return tf.reshape(tf.transpose(tf.sigmoid(values), [0, 2, 1]), [-1, *shape])


def _activated(values: tf.Tensor, nodes: tf.Tensor) -> tf.Tensor:
    """values [N, nodes, H * W], each node through its own function, a number into FUNCTIONS in `nodes` [N, nodes]."""
    rows, which = tf.reshape(values, [-1, tf.shape(values)[2]]), tf.reshape(nodes, [-1])
    parts = tf.dynamic_partition(rows, which, len(FUNCTIONS))
    places = tf.dynamic_partition(tf.range(tf.size(which)), which, len(FUNCTIONS))
    return tf.reshape(tf.dynamic_stitch(places, [function(part) for function, part in zip(FUNCTIONS, parts)]), tf.shape(values))


ENCODINGS = {
    "direct": Encoding(uniform_pixels, polynomial_mutation, lambda genes, shape: tf.reshape(genes, [-1, *shape])),
    "cppn": Encoding(random_network, gaussian_mutation, paint),
}
