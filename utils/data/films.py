"""Short films of digits that move at a constant velocity and bounce off the border: data whose motion is known (unit 11)."""
import numpy as np

from utils import augment, other_versions_names
from utils.data.images import halved
from utils.quiet import tf

__getattr__ = other_versions_names(__name__)

FRAMES, SIDE = 8, 16
SPEEDS = (0.5, 1.5)  # pixels from frame to frame
RANGE = 3.0  # how far the centre of a digit, 10 pixels wide, goes from that of the frame


def films(digits: np.ndarray, seed: int = 0, frames: int = FRAMES) -> np.ndarray:
    """A film of each digit: digits float32 [N, 28, 28, 1] -> [N, frames, 16, 16], frames of 16x16 pixels, all in [0, 1].

    The digit is shrunk to half its size, where its ink is 10 pixels wide. It starts somewhere in the frame, moves in a random
    direction, and turns back at the border. Its speed, .5 to 1.5 pixels a frame, stays the same. A longer film begins as a
    shorter one of the same seed.
    """
    rng, n = np.random.default_rng(seed), len(digits)
    angle, speed = rng.uniform(0, 2 * np.pi, n), rng.uniform(*SPEEDS, n)
    start = rng.uniform(-RANGE, RANGE, (n, 2))
    velocity = speed[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    place = bounced(start[:, None] + np.arange(frames)[:, None] * velocity[:, None])  # [N, frames, 2]
    small = np.pad(halved(np.asarray(digits, np.float32)), ((0, 0), (1, 1), (1, 1), (0, 0)))  # [N, 16, 16, 1]
    moved = augment.moved(tf.constant(np.repeat(small, frames, axis=0)), right=place[..., 0].ravel(), down=place[..., 1].ravel())
    return moved.numpy().reshape(n, frames, SIDE, SIDE)


def bounced(place: np.ndarray) -> np.ndarray:
    """Coordinates of a straight walk, of any shape, folded into [-RANGE, RANGE], as a ball between two walls."""
    return RANGE - np.abs((place + RANGE) % (4 * RANGE) - 2 * RANGE)


def centres_of_mass(films: np.ndarray) -> np.ndarray:
    """The centre of mass (x, y) of each frame, in pixels from the middle: films [N, T, H, W] -> [N, T, 2]; 0 if black."""
    height, width = films.shape[2:]
    ink = films.sum(axis=(2, 3)) + 1e-9
    across, down = np.arange(width) - (width - 1) / 2, np.arange(height) - (height - 1) / 2
    return np.stack([films.sum(axis=2) @ across / ink, films.sum(axis=3) @ down / ink], axis=-1)


def speeds(films: np.ndarray) -> np.ndarray:
    """How far the centre of mass moves from each frame to the next, in pixels: films [N, T, H, W] -> [N, T - 1]."""
    return np.linalg.norm(np.diff(centres_of_mass(films), axis=1), axis=-1)
