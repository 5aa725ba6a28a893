"""What rendered faces are painted with: soft edges, bumps, mixtures, averages, slopes. No shape has a hard edge.

Pictures are float32 [b, 48, 48], one for each of b faces; what belongs to a face as a whole is [b, 1, 1].
"""
import numpy as np

from utils.data.images import FACE_SIZE

Factors = dict[str, np.ndarray]  # name: float32 [b, 1, 1]; the table is in rendered.py, `face_painting.paint` adds a few
Geometry = dict[str, np.ndarray]  # name: float32 [b, 48, 48] or [b, 1, 1], as in `face_geometry`


def inside(distance: np.ndarray) -> np.ndarray:
    """0 outside and 1 inside of an edge that is one pixel wide; `distance`, of any shape, in pixels, positive inside."""
    return np.clip(distance + 0.5, 0, 1)


def either(condition: np.ndarray, yes: np.ndarray | float, no: np.ndarray | float = 0.0) -> np.ndarray:
    """`yes` where the condition holds, else `no`, in float32, where Python numbers alone would give float64.

    Arrays of any shape that broadcast.
    """
    return np.where(condition, np.float32(yes), np.float32(no))


def bump(squared_radius: np.ndarray) -> np.ndarray:
    """A smooth bump, of any shape: 1 in the middle, 0 from radius 1 on."""
    height = np.maximum(1 - squared_radius, 0)
    height *= height
    return height


def mix(below: np.ndarray, above: np.ndarray | float, share: np.ndarray) -> np.ndarray:
    """`above` painted on `below`, which it covers by `share`, 0 to 1: arrays of any shape that broadcast."""
    mixed = share * (above - below)
    mixed += below
    return mixed


def smooth(image: np.ndarray, share: np.ndarray, axis: int) -> np.ndarray:
    """Three-point average along an axis with weights share, 1 - 2 share, share; the border is repeated.

    image  [b, 48, 48], or of any other shape; share is a number, or an array that broadcasts to it, [b, 1, 1]
    """
    moved = np.moveaxis(image, axis, 0)
    neighbours = np.empty_like(moved)
    neighbours[1:-1] = moved[2:] + moved[:-2]
    neighbours[0] = moved[0] + moved[1]
    neighbours[-1] = moved[-1] + moved[-2]
    share = np.moveaxis(share, axis, 0) if np.ndim(share) else share
    return np.moveaxis(moved + share * (neighbours - 2 * moved), 0, axis)


def drawn_out(noise: np.ndarray, step: int, axis: int) -> np.ndarray:
    """Noise [b, 48, 48] plus itself `step` pixels further along axis 1 or 2, round the border, over the square root of 2."""
    return (noise + np.concatenate(np.split(noise, [step], axis)[::-1], axis)) * np.float32(0.5**0.5)


def slope(z: np.ndarray, axis: int) -> np.ndarray:
    """Central difference of z [b, H, W] along an axis, per pixel; 0 on the border."""
    difference = np.zeros_like(z)
    within, after, before = [slice(None)] * 3, [slice(None)] * 3, [slice(None)] * 3
    within[axis], after[axis], before[axis] = slice(1, -1), slice(2, None), slice(None, -2)
    difference[tuple(within)] = 0.5 * (z[tuple(after)] - z[tuple(before)])
    return difference


def enlarge(coarse: np.ndarray) -> np.ndarray:
    """[b, 7, 7] -> [b, 48, 48] by smooth interpolation, as two matrix products."""
    place = np.linspace(0, 6, FACE_SIZE, dtype=np.float32)[:, None] - np.arange(7, dtype=np.float32)
    weight = np.maximum(1 - np.abs(place), 0)
    weight = weight * weight * (3 - 2 * weight)
    return weight @ coarse @ weight.T
