"""Small data on which a network trains in a fraction of a second: unit 02 breaks and fixes it on them."""
import numpy as np

from utils.data import mnist_rows


def rings(examples: int, seed: int, noise: float = 0.25) -> tuple[np.ndarray, np.ndarray]:
    """Points x [N, 2] of a disc (label 0, radius about 0.8) and of a ring round it (label 1, about 2)."""
    rng = np.random.default_rng(seed)
    angle, labels = rng.uniform(0, 2 * np.pi, examples), rng.integers(0, 2, examples)
    radius = np.where(labels == 1, 2, 0.8) + noise * rng.normal(size=examples)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1), labels


def moons(examples: int, seed: int, noise: float = 0.25) -> tuple[np.ndarray, np.ndarray]:
    """Points x [N, 2] of two half circles of radius 1.5 that interlock, with their labels [N], 0 above and 1 below."""
    rng = np.random.default_rng(seed)
    angle, labels = rng.uniform(0, np.pi, examples), rng.integers(0, 2, examples)
    sign = 1 - 2 * labels
    x = np.stack([sign * (1.5 * np.cos(angle) - 0.75), sign * (1.5 * np.sin(angle) - 0.4)], axis=1)
    return x + noise * rng.normal(size=x.shape), labels


def spiral(examples: int, seed: int, noise: float = 0.08) -> tuple[np.ndarray, np.ndarray]:
    """Points x [N, 2] of two opposite arms that wind one and a half times round the origin, with their labels [N]."""
    rng = np.random.default_rng(seed)
    along, labels = np.sqrt(rng.uniform(0.02, 1, examples)), rng.integers(0, 2, examples)  # evenly along the arms, nearly
    angle, radius = 3 * np.pi * along + np.pi * labels, 2.6 * along
    x = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    return x + noise * rng.normal(size=x.shape), labels


def lamps(examples: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Hours since the year began [N], 0 to 8760, and whether a street lamp is on (label 1: 20 h to 6 h)."""
    hours = np.random.default_rng(seed).uniform(0, 8760, examples)
    return hours, ((hours % 24 >= 20) | (hours % 24 < 6)).astype(np.int64)


def waves(examples: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Numbers x [N, 1] from -3 to 3 and 2 sin(x) [N, 1]: to be predicted, not classified."""
    x = np.random.default_rng(seed).uniform(-3, 3, (examples, 1))
    return x, 2 * np.sin(x)


def digits() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """MNIST digits averaged over blocks of 2x2 pixels to 14x14, grey levels from 0 to 255, as rows of 196.

    x [2000, 196] and y [2000] to train, then 1,000 others of each to test.
    """
    rows = mnist_rows()[np.random.default_rng(0).permutation(5000)[:3000]]
    x = rows[:, :-1].reshape(-1, 14, 2, 14, 2).mean(axis=(2, 4)).reshape(-1, 196)
    y = rows[:, -1].astype(np.int64)
    return x[:2000], y[:2000], x[2000:], y[2000:]
