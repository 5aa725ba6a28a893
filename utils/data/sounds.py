"""Sounds for filters, all rendered: float64 [samples] in [-1, 1], RATE samples per second.

    IPython.display.Audio(sound, rate=RATE, normalize=False)   plays one in a notebook
"""
import numpy as np

from utils.data.pictures import natural_noise

RATE = 8000  # samples per second, as on the telephone


def whistle(start: float, end: float, seconds: float) -> np.ndarray:
    """A whistle [samples] that glides from the frequency `start` to `end`, in hertz; soft at both ends, at most 1."""
    time = np.arange(round(seconds * RATE)) / RATE
    phase = 2 * np.pi * (start * time + (end - start) * time**2 / (2 * seconds))
    return np.sin(phase) * np.sin(np.pi * time / seconds) ** 2


def call() -> np.ndarray:
    """The call of an invented bird: up, and down again, 0.2 seconds, [1600]."""
    return np.concatenate([whistle(1500, 2600, 0.12), whistle(2400, 1800, 0.08)])


def forest(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Four seconds of a forest: wind, other birds, a falling branch, and the call of `call()` four times.

    Returns the sound [32000] and the samples at which the calls begin, int [4]. They differ in loudness by a factor of five.
    """
    sound = 0.045 * natural_noise(seed, 1, 4 * RATE, slope=0.6)[0]
    starts = np.round(np.array([0.40, 1.25, 2.30, 3.45]) * RATE).astype(int)
    for start, loudness in zip(starts, (0.30, 0.12, 0.60, 0.20)):
        _add(sound, start, loudness * call())
    for second, other in ((0.80, whistle(2900, 2100, 0.25)), (1.70, whistle(1200, 1250, 0.30)),
                          (2.75, whistle(2600, 1500, 0.20)), (3.05, whistle(3300, 3400, 0.10))):
        _add(sound, round(second * RATE), 0.45 * other)
    crack = np.random.default_rng(seed).standard_normal(round(0.3 * RATE))
    _add(sound, round(1.95 * RATE), 0.35 * crack * np.exp(-np.arange(len(crack)) / (0.05 * RATE)))
    return np.clip(sound, -1, 1), starts


def melody() -> np.ndarray:
    """Eight soft notes on a scale of five, 2.4 seconds, [19200], between 220 and 440 hertz; at most 0.5."""
    notes = 220 * 2.0 ** (np.array([0, 3, 5, 7, 12, 7, 5, 0]) / 12)
    time = np.arange(round(0.3 * RATE)) / RATE
    fade = np.minimum(1, time / 0.02) * np.exp(-4 * time) * np.minimum(1, (0.3 - time) / 0.02)
    return np.concatenate([0.5 * fade * np.sin(2 * np.pi * note * time) for note in notes])


def _add(sound: np.ndarray, start: int, part: np.ndarray) -> None:
    """Add `part` to `sound`, in place, from the sample `start` on."""
    sound[start:start + len(part)] += part
