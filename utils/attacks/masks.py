"""Where a patch may act: the shapes of things that can be stuck on, worn or painted.

Each is float32 [side, side, 1], 1 inside and 0 outside.
"""
import numpy as np

from utils.data.images import EYES, FACE_SIZE

(LEFT, EYE_ROW), (RIGHT, _) = EYES


def disc(side: int) -> np.ndarray:
    """A round sticker that fills a square of `side` pixels, [side, side, 1]."""
    x, y = _grid(side)
    return _mask(np.hypot(x - (side - 1) / 2, y - (side - 1) / 2) <= side / 2)


def glasses(side: int = FACE_SIZE) -> np.ndarray:
    """The frame of a pair of glasses for an aligned face of side x side pixels: two rims around the eyes, bridge and temples.

    [side, side, 1]. Sharif et al. 2016 ("Accessorize to a crime") impersonate others with a printed frame.
    """
    x, y = _face_grid(side)
    frame = np.zeros(x.shape, bool)
    for eye in (LEFT, RIGHT):
        across, down = (x - eye) / 8.0, (y - EYE_ROW) / 6.0
        inner = (1.35 * across) ** 4 + (1.45 * down) ** 4 < 1  # power 4: between an ellipse and a rectangle
        frame |= (across**4 + down**4 <= 1) & ~inner
    between = (x > LEFT) & (x < RIGHT)
    bridge = between & (np.abs(x - (LEFT + RIGHT) / 2) < 4) & (np.abs(y - EYE_ROW + 1.5) < 1.3)
    temples = ((x < LEFT - 7) | (x > RIGHT + 7)) & (np.abs(y - EYE_ROW + 1.5) < 1.3)
    return _mask(frame | bridge | temples)


def dazzle(side: int = FACE_SIZE) -> np.ndarray:
    """Slanted stripes of make-up on the cheeks and the brow of an aligned face of side x side pixels.

    [side, side, 1]. After CV Dazzle (Harvey 2010), which hides faces from a detector. Eyes, nose and mouth stay free.
    """
    x, y = _face_grid(side)
    middle = (LEFT + RIGHT) / 2
    out = np.abs(x - middle)  # from the middle of the face: the stripes are mirrored
    cheeks = ((out - 11.5) / 6.5) ** 2 + ((y - EYE_ROW - 13) / 7.5) ** 2 < 1
    brow = ((x - middle) / 16) ** 2 + ((y - 4.5) / 4.5) ** 2 < 1
    stripes = (out - y) % 6 < 3
    return _mask((cheeks | brow) & stripes)


def _grid(side: int) -> tuple[np.ndarray, np.ndarray]:
    """x and y of each pixel, both [side, side]."""
    y, x = np.mgrid[:side, :side].astype(float)
    return x, y


def _face_grid(side: int) -> tuple[np.ndarray, np.ndarray]:
    """x and y of each pixel of a side x side picture in a face of FACE_SIZE pixels, for which the eyes are known."""
    scale = FACE_SIZE / side
    x, y = _grid(side)
    return (x + 0.5) * scale - 0.5, (y + 0.5) * scale - 0.5


def _mask(inside: np.ndarray) -> np.ndarray:
    return inside[..., None].astype(np.float32)
