"""How good is an explanation? Deletion and insertion (Petsiuk et al. 2018), pointing at a known place, and intervals."""
from collections.abc import Sequence

import numpy as np
from scipy import ndimage

from utils.attacks.inputs import Model, check_inputs
from utils.explain.occlusion import filling
from utils.explain.scores import Score, class_scores, probability

BLUR = 8  # the window whose `filling` "blur" deletes pixels: a standard deviation of half of it


def deletion(model: Model, x: np.ndarray, labels: np.ndarray, maps: np.ndarray, *, points: int = 20, insertion: bool = False,
             score: Score = probability) -> np.ndarray:
    """The score as the most important pixels are blurred, more and more of them: [N, points + 1], the first with none of them.

    maps       [N, H, W], higher where a pixel is more important
    insertion  the other way: from the blurred image, the most important pixels come back

    A good map makes deletion fall at once and insertion rise at once: compare the means of the curves. points + 1 forward
    passes. Raises ValueError for maps of another shape and inputs that cannot be meant (`check_inputs`).
    """
    x, labels = check_inputs(model, x, labels)
    if np.shape(maps) != x.shape[:3]:
        raise ValueError(f"The maps have shape {list(np.shape(maps))}, expected {list(x.shape[:3])}: one number for each pixel.")
    flat = np.reshape(maps, [len(x), -1])
    rank = np.argsort(np.argsort(-flat, axis=1, kind="stable"), axis=1).reshape(x.shape[:3])[..., None]
    first, last = (filling(x, "blur", BLUR), x) if insertion else (x, filling(x, "blur", BLUR))
    return np.stack([class_scores(model, np.where(rank < share * flat.shape[1], last, first), labels, score)
                     for share in np.linspace(0, 1, points + 1)], axis=1)


def area(curves: np.ndarray) -> np.ndarray:
    """The area under each curve [N, points + 1] over the share of pixels from 0 to 1, by the trapezoidal rule: [N]."""
    return np.trapezoid(curves, dx=1 / (curves.shape[1] - 1), axis=1)


def bootstrap(values: np.ndarray, draws: int = 2000, seed: int = 0) -> tuple[float, float, float]:
    """The mean of values [N] and its 95 % interval (mean, low, high), by drawing the N values again with replacement."""
    again = np.random.default_rng(seed).integers(0, len(values), (draws, len(values)))
    return float(np.mean(values)), *(float(end) for end in np.quantile(values[again].mean(1), [0.025, 0.975]))


def pointing(maps: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """Whether the highest value of each map [N, H, W] lies in its mask, [N, H, W] (pointing game, Zhang et al. 2018): [N]."""
    highest = maps.reshape(len(maps), -1).argmax(1)
    return masks.reshape(len(masks), -1)[np.arange(len(maps)), highest]


def edges(x: np.ndarray) -> np.ndarray:
    """A map that knows nothing of the network: Sobel's gradient magnitude of the mean channel, [N, H, W, C] -> [N, H, W]."""
    return np.stack([np.hypot(ndimage.sobel(grey, axis=0), ndimage.sobel(grey, axis=1)) for grey in x.mean(-1)])


def random_maps(shape: Sequence[int], seed: int = 0) -> np.ndarray:
    """Maps that know nothing at all: uniform noise of `shape`, such as [N, H, W], in [0, 1)."""
    return np.random.default_rng(seed).uniform(size=shape)
