"""Small data on which a network trains in a fraction of a second: unit 02 breaks and mends it on them."""
import numpy as np


def rings(examples: int, seed: int, noise: float = 0.25) -> tuple[np.ndarray, np.ndarray]:
    """Points x [N, 2] of a disc (label 0, radius about 0.8) and of a ring round it (label 1, about 2)."""
    rng = np.random.default_rng(seed)
    angle, labels = rng.uniform(0, 2 * np.pi, examples), rng.integers(0, 2, examples)
    radius = np.where(labels == 1, 2, 0.8) + noise * rng.normal(size=examples)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1), labels


def lamps(examples: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Hours since the year began [N], 0 to 8760, and whether a street lamp is on (label 1: 20 h to 6 h)."""
    hours = np.random.default_rng(seed).uniform(0, 8760, examples)
    return hours, ((hours % 24 >= 20) | (hours % 24 < 6)).astype(np.int64)


def waves(examples: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Numbers x [N, 1] from -3 to 3 and 2 sin(x) [N, 1]: to be predicted, not classified."""
    x = np.random.default_rng(seed).uniform(-3, 3, (examples, 1))
    return x, 2 * np.sin(x)


def digits() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """scikit-learn's digits, 8x8 pixels from 0 to 16: x [1000, 64], y [1000], then 797 of each to test."""
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(y))
    x, y = x[order], y[order]
    return x[:1000], y[:1000], x[1000:], y[1000:]
