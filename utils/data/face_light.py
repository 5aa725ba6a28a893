"""The light on a rendered face, and the camera that takes its picture."""
import numpy as np

from utils.data.face_tools import Factors, smooth
from utils.data.images import WHITE, to_levels

RADIANS = np.float32(np.pi / 180)  # of a degree
Light = tuple[np.ndarray, np.ndarray, np.ndarray]  # unit vector [b, 1, 1] towards the lamp: right, down, towards the viewer


def direction(f: Factors) -> Light:
    """Where the directed light comes from."""
    azimuth, elevation = f["light_azimuth"] * RADIANS, f["light_elevation"] * RADIANS
    return np.sin(azimuth) * np.cos(elevation), -np.sin(elevation), np.cos(azimuth) * np.cos(elevation)


def lit(f: Factors, light: Light, nx: np.ndarray, ny: np.ndarray, nz: np.ndarray) -> np.ndarray:
    """Light [b, rows, 48] on a surface of unit normal (nx, ny, nz): directed, soft where shadow begins, and from everywhere.

    Each component of the normal is [b, rows, 48], or a number for all.
    """
    facing = np.maximum(0.12 + 0.88 * (nx * light[0] + ny * light[1] + nz * light[2]), 0)
    return f["light_strength"] * 1.15 * facing + (1 - f["light_strength"]) * (0.75 - 0.2 * ny)


def shine(light: Light, nx: np.ndarray, ny: np.ndarray, nz: np.ndarray) -> np.ndarray:
    """The mirrored light on oily skin, 0..1: Blinn and Phong's, cosine between normal and half-way vector to the power 16.

    The components of the normal are [b, 48, 48], and so is the result.
    """
    size = np.sqrt(light[0] ** 2 + light[1] ** 2 + (light[2] + 1) ** 2)
    mirrored = np.maximum((nx * light[0] + ny * light[1] + nz * (light[2] + 1)) / size, 0)
    for _ in range(4):
        mirrored = mirrored * mirrored
    return mirrored


def captured(scene: np.ndarray, f: Factors, grain: np.ndarray) -> np.ndarray:
    """What the camera makes of the light from a scene: exposure, tone curve, blur, noise, 8 bits; float32 [b, 48, 48] in [0, 1].

    scene, grain  [b, 48, 48]: light, and noise of standard deviation 1
    """
    gain = 0.85 * f["exposure"] / (0.25 + 1.3 * f["skin"])
    picture = np.sqrt(np.clip(gain * scene, 0, 1))
    share = 0.5 * np.minimum(f["blur"] ** 2 / 2, 0.6)
    for _ in range(2):
        picture = smooth(smooth(picture, share, 1), share, 2)
    picture = picture * (0.62 + picture * (1.2 - 0.8 * picture)) + f["noise"] * grain
    # Not to_float, which divides and so differs in the last bit: stored weights and outputs come from these very values.
    return to_levels(picture) * np.float32(1 / WHITE)
