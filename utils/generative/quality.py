"""How good generated images are, without an eye: distances and shares between the features of real and of generated images."""
from collections.abc import Callable

import numpy as np

from utils import training
from utils.quiet import tf


def features(lenet: tf.keras.Model) -> Callable[[np.ndarray], np.ndarray]:
    """A function images [N, 28, 28, 1] -> float32 [N, 84], what the last layer of a `networks.lenet` sees."""
    network = tf.keras.Model(lenet.inputs, lenet.layers[-1].input)
    return lambda images: training.predict(network, images)


def frechet_distance(a: np.ndarray, b: np.ndarray) -> float:
    """The Fréchet distance of two normal distributions with the moments of features a [N, d] and b [M, d].

    |mean_a - mean_b|^2 + tr(A + B - 2 (A^1/2 B A^1/2)^1/2), a squared distance, 0 for equal moments (Heusel
    et al. 2017, equation 6, written with a symmetric root). It falls with more samples: compare sets of equal
    size only. Raises ValueError for sets of fewer than two or of different features.
    """
    a, b = _pair(a, b, at_least=2)
    covariance_a, covariance_b = (np.atleast_2d(np.cov(x, rowvar=False)) for x in (a, b))
    values, vectors = np.linalg.eigh(covariance_a)
    root = vectors * np.sqrt(np.maximum(values, 0)) @ vectors.T  # rounding may leave eigenvalues just below 0
    both = np.linalg.eigvalsh(root @ covariance_b @ root)
    distance = np.sum((a.mean(axis=0) - b.mean(axis=0)) ** 2) + np.trace(covariance_a + covariance_b)
    return float(max(0.0, distance - 2 * np.sqrt(np.maximum(both, 0)).sum()))


def precision_recall(real: np.ndarray, made: np.ndarray, k: int = 3) -> tuple[float, float]:
    """How many of the generated images are like real ones, and how many of the real ones the generator can make.

    Features real [N, d], made [M, d]. A point lies in a set when it is within the distance of one of the
    set's points from its k-th nearest neighbour in the set. Precision is the fraction of `made` that lies in
    `real`, recall that of `real` in `made` (Kynkaanniemi et al. 2019, section 2, equations 1 and 2). Raises
    ValueError for k below 1, and for sets of k or fewer, or of different features.
    """
    if k < 1:
        raise ValueError(f"k is {k}, expected 1 or more.")
    real, made = _pair(real, made, at_least=k + 1)
    return float(_lies_in(made, real, k).mean()), float(_lies_in(real, made, k).mean())


def scores(real: np.ndarray, made: np.ndarray, p: np.ndarray) -> tuple[float, float, float, float, float]:
    """Of generated images: mean confidence, share of the rarest class, Fréchet distance, precision and recall.

    real, made  features [N, d] and [M, d], such as `features` gives
    p           the probabilities [M, classes] that a classifier gives the generated images

    Raises ValueError as `precision_recall`.
    """
    classes = np.bincount(p.argmax(axis=1), minlength=p.shape[1]) / len(p)
    precision, recall = precision_recall(real, made)
    return float(p.max(axis=1).mean()), float(classes.min()), frechet_distance(real, made), precision, recall


def _lies_in(points: np.ndarray, cloud: np.ndarray, k: int) -> np.ndarray:
    """bool [N]: whether points [N, d] lie in a ball of cloud [M, d] that reaches to the k-th neighbour."""
    from sklearn.metrics import pairwise_distances_chunked as distances

    def kth(rows: np.ndarray, _) -> np.ndarray:
        return np.partition(rows, k, axis=1)[:, k]  # the smallest is the distance of a point from itself

    def inside(rows: np.ndarray, _) -> np.ndarray:
        return (rows <= radii).any(axis=1)

    radii = np.concatenate(list(distances(cloud, reduce_func=kth, working_memory=64)))  # megabytes
    return np.concatenate(list(distances(points, cloud, reduce_func=inside, working_memory=64)))


def _pair(a: np.ndarray, b: np.ndarray, at_least: int) -> tuple[np.ndarray, np.ndarray]:
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[1] or min(len(a), len(b)) < at_least:
        raise ValueError(f"Features of shape {list(a.shape)} and {list(b.shape)}, expected [N, d] and [M, d] "
                         f"with the same d and at least {at_least} rows each.")
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise ValueError("The features hold NaN or infinity: did the training of the generator diverge?")
    return a, b
