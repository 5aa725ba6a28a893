"""The sanity check of Adebayo et al. 2018: a map that stays the same when the weights are destroyed does not explain them."""
import contextlib
from collections.abc import Callable, Iterator

import numpy as np
from scipy import ndimage
from scipy.stats import spearmanr
from skimage.metrics import structural_similarity

from utils.quiet import tf


def kernels(model: tf.Module) -> list[tf.Variable]:
    """The weights of the layers, first to last: every variable of two or more axes.

    A `tf.Module` lists them by the names of its attributes, which in the course's networks is the order of the layers.
    """
    return [variable for variable in getattr(model, "weights", model.variables) if len(variable.shape) > 1]


@contextlib.contextmanager
def randomised(model: tf.Module, last: int, seed: int = 0) -> Iterator[None]:
    """Until the block ends, the `last` layers of the model, the output first, have new weights.

    They are normal, with the mean and standard deviation that the layer's weights had, so that the size of the activations stays
    about the same. Raises ValueError for more layers than there are.
    """
    found = kernels(model)
    if not 0 <= last <= len(found):
        raise ValueError(f"The model has {len(found)} layers with weights, but {last} are to be randomised.")
    chosen = found[len(found) - last:]
    before, random = [variable.numpy() for variable in chosen], np.random.default_rng(seed)
    try:
        for variable, values in zip(chosen, before):
            variable.assign(random.normal(values.mean(), values.std(), values.shape).astype(np.float32))
        yield
    finally:
        for variable, values in zip(chosen, before):
            variable.assign(values)


def cascade(model: tf.Module, method: Callable[[], np.ndarray], seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """How like the maps of the trained model those of randomised ones are: SSIM and rank correlation, [layers + 1, N] each.

    method  computes maps [N, H, W], not negative, with the model as it is at that moment

    Row k has k layers randomised, from the output on, so row 0 is 1 (but the rank correlation of a constant map is 0).
    """
    original = method()
    rows = []
    for last in range(len(kernels(model)) + 1):
        with randomised(model, last, seed):
            now = method()
        rows.append([(ssim(a, b), _ranks(a, b)) for a, b in zip(original, now)])
    return tuple(np.moveaxis(np.array(rows), 2, 0))


def ssim(a: np.ndarray, b: np.ndarray) -> float:
    """The structural similarity of two maps [H, W], each divided by its largest value; 1 for equal ones."""
    a, b = (one / max(one.max(), 1e-12) for one in (a, b))
    return float(structural_similarity(a, b, data_range=1.0))


def smoothed(maps: np.ndarray, sigma: float = 1.0) -> np.ndarray:
    """Maps [N, H, W], each blurred with standard deviation `sigma` pixels."""
    return ndimage.gaussian_filter(maps, (0, sigma, sigma))


def _ranks(a: np.ndarray, b: np.ndarray) -> float:
    """Spearman's correlation; 0 where a map is constant."""
    return float(spearmanr(a, b, axis=None).statistic) if np.ptp(a) and np.ptp(b) else 0.0
