"""Orientation tuning: which direction of stripes a unit prefers, as Hubel and Wiesel asked the cells of the visual cortex.

A unit, or a channel of a convolution, is shown gratings of all directions and several wavelengths. Directions are in degrees,
those in which the brightness changes: 0 to the right, 90 downwards; a grating of 180 degrees is that of 0.
"""
from collections.abc import Callable, Sequence

import numpy as np

from utils.quiet import tf

PHASES = 4  # gratings of each direction and wavelength, moved by a quarter of a wavelength


def gratings(side: int, wavelength: float, angles: Sequence[float]) -> np.ndarray:
    """Stripes [angles, PHASES, side, side], float32 in [0, 1]; the wavelength is in pixels, angles in degrees."""
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    turn = np.deg2rad(np.asarray(angles, float))[:, None, None, None]
    phase = (2 * np.pi * np.arange(PHASES) / PHASES)[:, None, None]
    wave = np.cos(2 * np.pi * (x * np.cos(turn) + y * np.sin(turn)) / wavelength - phase)
    return (0.5 + 0.5 * wave).astype(np.float32)


def curves(maps: Callable, side: int, angles: Sequence[float], wavelengths: Sequence[float], channels: int = 1) -> np.ndarray:
    """The response of each feature map to gratings of each direction: [maps, angles], at the wavelength that it likes best.

    maps      images [N, side, side, channels] in [0, 1] -> feature maps [N, h, w, maps]
    channels  of an image; all get the same grating

    The response is how strongly the stripes modulate a map: its standard deviation after a ReLU, over all phases and over the
    positions in its middle (a quarter of the map is left out on each side, as zeros may have come in there). So it does not count
    how large a map is without any stripes.
    """
    measured = []
    for wavelength in wavelengths:
        images = np.repeat(gratings(side, wavelength, angles).reshape(-1, side, side, 1), channels, axis=3)
        answers = np.concatenate([np.asarray(maps(tf.constant(part))) for part in np.array_split(images, -(-len(images) // 64))])
        rows, columns = (np.arange(size // 4, size - size // 4) for size in answers.shape[1:3])
        middle = np.maximum(answers[:, rows[:, None], columns], 0)
        measured.append(middle.reshape(len(angles), -1, middle.shape[-1]).std(axis=1).T)
    measured = np.stack(measured)  # [wavelengths, maps, angles]
    return measured[measured.max(axis=2).argmax(axis=0), np.arange(measured.shape[1])]


def selectivity(responses: np.ndarray, angles: Sequence[float]) -> np.ndarray:
    """How selective tuning curves [maps, angles] are: 0 all directions alike, 1 one direction only; 0 without any response.

    The length of the mean of exp(2 i angle), weighted by the response: one minus the circular variance (Ringach, Shapley and
    Hawken 2002, doi.org/10.1523/JNEUROSCI.22-13-05639.2002). The angles are spread evenly over [0, 180).
    """
    total = responses.sum(axis=1)
    length = np.abs(responses @ np.exp(2j * np.deg2rad(np.asarray(angles, float))))
    return np.divide(length, total, out=np.zeros_like(total), where=total > 0)
