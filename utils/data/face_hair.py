"""The hair on a rendered head: its outline, its hairline, the strands as they are combed, the light on them.

`strands` [b, 48, 48] is noise of mean 0 and standard deviation 1, drawn out downwards: single hairs in broad locks.
"""
from typing import NamedTuple

import numpy as np

from utils.data.face_light import Light, lit
from utils.data.face_tools import Factors, Geometry, bump, either, inside, mix
from utils.data.images import FACE_SIZE

COMBED = slice(0, 24)  # rows where strands follow the comb; further down they hang
ROOTS, TIPS = slice(4, 5), slice(40, 41)  # rows whose strands say how far each hangs over the forehead, and where it ends


class Outline(NamedTuple):
    """The outer edge of the hair on the head, in pixels as in `face_geometry`.

    end    [b, 1, 1]    v where it ends
    long   [b, 1, 1]    0 short, 1 long: long hair stands off and covers the cheeks
    half   [b, 48, 48]  half its width at this height, without the round top
    above  [b, 48, 48]  0 from a little above the eyes on down, -1 at the top of the hair
    reach  [b, 48, 48]  half its width at this height
    wave   [b, 48, 48]  what the strands add to its edges
    """

    end: np.ndarray
    long: np.ndarray
    half: np.ndarray
    above: np.ndarray
    reach: np.ndarray
    wave: np.ndarray


def _outline(f: Factors, g: Geometry, strands: np.ndarray) -> Outline:
    style, v = f["hair_style"], g["v"]
    wave = strands * either(style == 6, 0.6, 0.2)
    volume = f["hair_volume"] * either(style == 6, 1.9, either(style == 0, 0.1, 1.0))
    end = either(style == 0, np.minimum(f["hair_length"], 3), f["hair_length"])
    long = np.clip((end - 2) / 14, 0, 1)
    hang = mix(np.clip((end + 3 - v) / 12, 0, 1), 1.0, long)  # short hair gets thinner downwards
    half = g["width"] * (0.97 + 0.03 * np.abs(g["sin_yaw"])) + volume * (0.55 + 0.65 * long) * hang
    above = np.minimum(v + 3, 0) / (21 + volume)
    reach = half * np.sqrt(np.maximum(1 - above * above, 0)) + np.clip(v, 0, 25) * 0.14 * long
    return Outline(end, long, half, above, reach, wave)


def behind(picture: np.ndarray, f: Factors, g: Geometry, light: Light, tone: np.ndarray, strands: np.ndarray) -> np.ndarray:
    """The picture [b, 48, 48] with the hair, of the colour `tone` [b, 1, 1], behind the head, which is painted over it later."""
    style, hair, v = f["hair_style"], _outline(f, g, strands), g["v"]
    mask = inside(np.minimum(hair.reach + hair.wave - np.abs(g["x_head"]), 0.35 * (hair.end + 1.5 * strands[:, TIPS] - v)))
    mask = mask * either((style == 0) & (v < -9), 0, 1)
    return mix(picture, _colour(f, g, light, tone, strands, hair, 0.5), mask)  # dark: little light gets there


def in_front(picture: np.ndarray, f: Factors, g: Geometry, light: Light, tone: np.ndarray, strands: np.ndarray) -> np.ndarray:
    """The picture [b, 48, 48] with the hair, of the colour `tone` [b, 1, 1], in front of the head; and with its shadow.

    It covers the head above the hairline, on the forehead and at the sides.
    """
    style, A, v, x = f["hair_style"], g["A"], g["v"], g["x_head"]
    strands = np.concatenate([_combed(f, g, strands), strands[:, COMBED.stop:]], axis=1)
    hair = _outline(f, g, strands)
    inner = 17.0 - 3.0 * hair.long + 0.006 * np.maximum(v - 4, 0) ** 2  # inner edge of the hair beside the face
    inner = inner + 0.22 * np.maximum(v + 5, 0) * (1 - hair.long)
    parted, top = (style == 2) | (style == 4), strands[:, COMBED]
    fall = either(parted, 0.5 * top, either(style == 6, 1.2 * top, 0.8 * strands[:, ROOTS]))  # strands end at different heights
    edge = np.minimum(A - inner + 0.4 * strands, 0.35 * (hair.end + 1.5 * strands[:, TIPS] - v))
    edge[:, COMBED] = np.maximum(edge[:, COMBED], _hairline(f, g["X"][:, COMBED]) + fall - v[:, COMBED])
    beyond = inside(hair.reach + hair.wave - np.abs(x)) * either(v < -6, 1, hair.long)  # of the outline of the head
    mask = np.clip(0.55 * edge + 0.5, 0, 1)
    thin = either(f["shorn"] > 0, 0.7, np.clip(0.45 + 0.12 * (A - 12), 0.2, 0.9)) + 0.1 * np.clip(strands, -1, 1)
    mask = mask * either(style == 0, thin, 1)
    shadow = np.clip(0.35 * edge + 0.9, 0, 1) * either(style == 0, 0.12, 0.3)
    picture = picture * (1 - shadow * g["on_head"])
    mask = mask * np.maximum(g["on_head"], beyond)
    root = 0.6 + 0.4 * np.clip(0.3 * edge, 0, 1)  # darker near the skin
    colour = _colour(f, g, light, tone, strands, hair, root)
    return mix(picture, either(style == 0, np.minimum(colour, (0.75 - 0.1 * f["shorn"]) * picture), colour), mask)


def _hairline(f: Factors, X: np.ndarray) -> np.ndarray:
    """v to which the hair reaches down at each X, by style: from the hairline it falls over the forehead."""
    style, A = f["hair_style"], np.abs(X)
    root, side, temple = -f["hairline"], f["parting"] * X, (A / 14) ** 2
    temple = temple * temple
    line = root + 2.3 + 2.0 * temple
    receding = root + 0.5 + 2 * bump((X / 7) ** 2) - 3 * bump(((A - 10) / 5) ** 2) + 2 * temple
    line = either((style == 0) & (f["shorn"] == 0), receding, line)
    swept = root + 1.2 + np.maximum(0.3 * (side + 7), -1.0 * (side + 7))
    line = either(style == 2, swept, line)
    line = either(style == 3, -7.6 + 0.015 * A * A + 0.1 * side, line)
    line = either(style == 4, root - 2.5 + 0.5 * A + 0.012 * A * A, line)
    return either(style == 5, root + 1.2 + 2.8 * bump((X / 8) ** 2) + 2.0 * temple, line)


def _combed(f: Factors, g: Geometry, strands: np.ndarray) -> np.ndarray:
    """`strands` as they lie in the rows COMBED: from a parting in arcs, else fanned out from the crown; curls as they are."""
    style, x, v = f["hair_style"], g["x_head"][:, COMBED], g["v"][:, COMBED]
    parted = (style == 2) | (style == 4)
    away = x + either(style == 2, 7 * f["parting"], 0)
    across = either(parted, 0.8 * v - 0.05 * away * away, (x + f["slant"] * (v + 10)) * 30 / (v + 42))
    along = either(parted, x + 24, v + 14)
    column = np.floor(across)
    share = across - column
    start = np.arange(len(x))[:, None, None] * FACE_SIZE**2 + np.clip(along, 0, FACE_SIZE - 1).astype(np.int32) * FACE_SIZE
    left, right = start + column.astype(np.int32) % FACE_SIZE, start + (column + 1).astype(np.int32) % FACE_SIZE
    combed = mix(strands.take(left), strands.take(right), share)
    return either(style == 6, strands[:, COMBED], combed)


def _colour(f: Factors, g: Geometry, light: Light, tone: np.ndarray, strands: np.ndarray, hair: Outline,
            root: np.ndarray | float) -> np.ndarray:
    """The light from the strands; `root` says how much light gets there. A band of shine lies across them above the forehead."""
    across = np.clip(g["x_head"] / (hair.half + 2), -0.98, 0.98)
    up = np.clip(hair.above * 0.95, -0.98, 0)
    ahead = np.sqrt(np.maximum(1 - across * across - up * up, 0.02))
    relief = np.clip(strands, -2, 2)
    colour = tone + 0.3 * tone * relief
    colour += 0.02 * np.maximum(relief, 0)
    x, v = g["x_head"][:, COMBED], g["v"][:, COMBED]
    shine = bump(((v + 11.5 + 0.02 * x * x) / 4) ** 2) * (f["light_strength"] * (0.02 + 0.15 * tone))
    colour[:, COMBED] += shine * (1 + 0.5 * relief[:, COMBED])
    colour *= root
    return colour * lit(f, light, across, up, ahead)
