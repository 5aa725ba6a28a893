"""Poisoning: training data that an attacker inserts or changes, what one image of it does to a linear model, and how to see it.

The linear model is logistic regression for two classes, with its own Newton solver: the Hessian, of which the influence needs the
inverse, is that of the training. Images are rows [N, D] here, with values in [0, 1]; labels are 0 or 1.
"""
import numpy as np
from scipy.special import expit
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA

NEWTON_STEPS, TOLERANCE = 30, 1e-8  # at most, and the largest value of the gradient at the end


def fit_logistic(x: np.ndarray, y: np.ndarray, decay: float = 0.01, start: np.ndarray | None = None) -> np.ndarray:
    """The weights [D + 1], the bias last, that minimise  mean cross-entropy + decay / 2 * ||weights||^2.

    x [N, D], y [N] of 0 and 1. By Newton's method from `start` (0 without it), until no part of the gradient exceeds TOLERANCE
    or NEWTON_STEPS are done: the objective is strictly convex, as the bias counts in the penalty, too.
    """
    inputs = _with_one(x)
    weights = np.zeros(inputs.shape[1]) if start is None else start
    for _ in range(NEWTON_STEPS):
        gradient = inputs.T @ (expit(inputs @ weights) - y) / len(y) + decay * weights
        if np.abs(gradient).max() < TOLERANCE:
            break
        weights = weights - np.linalg.solve(hessian(x, weights, decay), gradient)
    return weights


def margins(x: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The logit of class 1 for x [N, D]: [N]."""
    return _with_one(x) @ weights


def losses(x: np.ndarray, y: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The cross-entropy of each row, [N], in nats: log(1 + exp(-margin of the true class))."""
    return np.logaddexp(0, -(2 * y - 1) * margins(x, weights))


def hessian(x: np.ndarray, weights: np.ndarray, decay: float) -> np.ndarray:
    """The second derivatives [D + 1, D + 1] of what `fit_logistic` minimises: mean of p (1 - p) x x', plus decay."""
    inputs = _with_one(x)
    p = expit(inputs @ weights)
    return (inputs * (p * (1 - p))[:, None]).T @ inputs / len(x) + decay * np.eye(len(weights))


def sensitivity(x: np.ndarray, weights: np.ndarray, decay: float, x_held: np.ndarray, y_held: np.ndarray) -> np.ndarray:
    """H^-1 times the gradient of the mean loss on held-out rows, [D + 1]; H the Hessian of the training on x [N, D]."""
    gradient = _with_one(x_held).T @ (expit(margins(x_held, weights)) - y_held) / len(y_held)
    return np.linalg.solve(hessian(x, weights, decay), gradient)


def influence(x: np.ndarray, y: np.ndarray, weights: np.ndarray, decay: float, x_held: np.ndarray,
              y_held: np.ndarray) -> np.ndarray:
    """For each training row, [N], how much the mean loss on held-out rows grows if that row is left out of the training.

    To first order, from the trained weights, without training again: grad L(held)' H^-1 grad l(row) / N (Koh and Liang 2017,
    section 2.1, equation 2). Exact in the limit of many rows; the test compares with training N times. Negative: the model is
    better without it.
    """
    rows = _with_one(x) * (expit(margins(x, weights)) - y)[:, None]  # the gradient of each row's loss
    return rows @ sensitivity(x, weights, decay, x_held, y_held) / len(y)


def flip_gain(x: np.ndarray, y: np.ndarray, weights: np.ndarray, decay: float, x_held: np.ndarray,
              y_held: np.ndarray) -> np.ndarray:
    """For each training row, [N], how much the mean loss on held-out rows grows, to first order, if its label is flipped.

    A flip from y to 1 - y changes the gradient of the row's loss by (2 y - 1) x, which moves the weights by -H^-1 of it / N.
    """
    change = _with_one(x) * (2 * y - 1)[:, None]
    return -change @ sensitivity(x, weights, decay, x_held, y_held) / len(y)


def crafted(x: np.ndarray, y: np.ndarray, start: np.ndarray, labels: np.ndarray, decay: float, x_held: np.ndarray,
            y_held: np.ndarray, steps: int = 30, step: float = 0.05) -> np.ndarray:
    """Rows to insert, [K, D] in [0, 1], that raise the loss on held-out rows most: gradient ascent on their influence.

    x, y           the training rows [N, D] and labels that the attacker cannot change
    start, labels  [K, D] in [0, 1] and [K]: where the ascent starts, and the labels that the rows will have
    x_held, y_held rows of the attacker's own, on which the damage is computed (not those on which it is measured)
    step           how far each value goes along the sign of its gradient, in each of `steps`

    After each step the model is trained again with the rows in it, and the influence is taken from there (Koh and Liang 2017,
    section 5.2; for support vector machines Biggio et al. 2012).
    """
    rows, weights = start.copy(), None
    for _ in range(steps):
        everything, all_labels = np.concatenate([x, rows]), np.concatenate([y, labels])
        weights = fit_logistic(everything, all_labels, decay, start=weights)
        s = sensitivity(everything, weights, decay, x_held, y_held)
        p = expit(margins(rows, weights))
        # Inserting a row changes the held-out loss by -s' (p - label) (x, 1) / N; this is its derivative in x.
        slope = -((p * (1 - p) * margins(rows, s))[:, None] * weights[:-1] + (p - labels)[:, None] * s[:-1])
        rows = np.clip(rows + step * np.sign(slope), 0, 1)
    return rows


def add_trigger(images: np.ndarray, size: int = 4) -> np.ndarray:
    """Images [N, H, W, C] in [0, 1] with a checkerboard of size x size pixels near the lower right corner."""
    marked = images.copy()
    marked[:, -size - 1:-1, -size - 1:-1] = (np.indices([size, size]).sum(0) % 2)[..., None]
    return marked


def backdoor(images: np.ndarray, labels: np.ndarray, target: int, count: int,
             random: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The training set with `count` images of other classes that have the trigger, and the label `target`.

    images [N, H, W, C] in [0, 1], labels [N]. Returns images, labels and bool [N]: which are poisoned. Gu, Dolan-Gavitt and Garg
    2017 (BadNets), section 3. Raises ValueError if there are not as many images of other classes.
    """
    others = np.flatnonzero(labels != target)
    if count > len(others):
        raise ValueError(f"count is {count}, but only {len(others)} images have another label than {target}.")
    poisoned = np.isin(np.arange(len(labels)), random.permutation(others)[:count])
    images, labels = images.copy(), labels.copy()
    images[poisoned], labels[poisoned] = add_trigger(images[poisoned]), target
    return images, labels, poisoned


def smaller_cluster(activations: np.ndarray, seed: int = 0) -> np.ndarray:
    """bool [N]: the smaller of two clusters of the activations [N, D] of all training images with one label.

    Ten principal components (or D, if less), then 2-means (Chen et al. 2018, algorithm 2, with PCA in the place of ICA). In a
    clean class both clusters hold about half; a much smaller one is suspicious.
    """
    reduced = PCA(min(10, *activations.shape), random_state=seed).fit_transform(activations)
    second = KMeans(2, n_init=5, random_state=seed).fit_predict(reduced) == 1
    return second if second.mean() <= 0.5 else ~second


def _with_one(x: np.ndarray) -> np.ndarray:
    """Rows [N, D] with a 1 at the end, for the bias: [N, D + 1]."""
    return np.concatenate([x, np.ones([len(x), 1])], axis=1)
