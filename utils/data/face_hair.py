"""The hair of a rendered face: on the head, brows, beard. `strands` [b, 48, 48] is noise drawn out downwards."""
from typing import NamedTuple

import numpy as np

from utils.data.face_light import Light, lit
from utils.data.face_tools import Factors, Geometry, bump, either, inside, mix


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
    wave = 0.9 * strands * either(style == 6, 2.2, 1.0)
    volume = f["hair_volume"] * either(style == 6, 1.9, either(style == 0, 0.1, 1.0))
    end = either(style == 0, np.minimum(f["hair_length"], 3), f["hair_length"])
    long = np.clip((end - 2) / 14, 0, 1)
    hang = mix(np.clip((end + 3 - v) / 12, 0, 1), 1.0, long)  # short hair gets thinner downwards
    half = g["width"] * (0.97 + 0.03 * np.abs(g["sin_yaw"])) + volume * (0.55 + 0.65 * long) * hang
    above = np.minimum(v + 3, 0) / (21 + volume)
    reach = half * np.sqrt(np.maximum(1 - above * above, 0)) + np.clip(v, 0, 25) * 0.14 * long
    return Outline(end, long, half, above, reach, wave)


def behind(picture: np.ndarray, f: Factors, g: Geometry, light: Light, tone: np.ndarray, strands: np.ndarray) -> np.ndarray:
    """The picture with the hair behind the head, down to hair_length; the head is painted over it later."""
    style, hair, v = f["hair_style"], _outline(f, g, strands), g["v"]
    mask = inside(np.minimum(hair.reach + hair.wave - np.abs(g["x_head"]), 0.35 * (hair.end + 3 * hair.wave - v)))
    mask = mask * either((style == 0) & (v < -9), 0, 1)
    return mix(picture, tone * _shade(f, g, light, strands, hair, 0.45), mask)  # dark: no light gets there


def in_front(picture: np.ndarray, f: Factors, g: Geometry, light: Light, tone: np.ndarray, strands: np.ndarray) -> np.ndarray:
    """The picture with the hair in front of the head: above the hairline and at the sides."""
    style, hair, A, v, x = f["hair_style"], _outline(f, g, strands), g["A"], g["v"], g["x_head"]
    inner = 17.0 - 3.0 * hair.long + 0.006 * np.maximum(v - 4, 0) ** 2  # inner edge of the hair beside the face
    inner = inner + 0.22 * np.maximum(v + 5, 0) * (1 - hair.long)
    edge = np.maximum(_hairline(f, g) - v, np.minimum(A - inner, 0.35 * (hair.end - v)))
    beyond = inside(hair.reach - np.abs(x)) * either(v < -6, 1, hair.long)  # of the outline of the head
    mask = inside(0.7 * edge + hair.wave) * np.maximum(g["on_head"], beyond)
    mask = mask * either((style == 0) & (v < -10 + 0.1 * A), 0, 1)
    arch = (v + 12.5 + 0.025 * x * x) / 4.5
    shine = bump(arch * arch) * 0.22 * f["light_strength"]
    root = 0.6 + 0.4 * np.clip(0.3 * edge, 0, 1)  # darker near the skin
    colour = tone * _shade(f, g, light, strands, hair, root) + (0.03 + 0.35 * tone) * shine * (1 + strands)
    return mix(picture, colour, mask)


def _hairline(f: Factors, g: Geometry) -> np.ndarray:
    """v of the hairline at each pixel, by style."""
    style, X, A = f["hair_style"], g["X"], g["A"]
    side, temple = f["parting"] * X, (A / 14) ** 2
    line = -f["hairline"] + 2.5 * temple * temple
    line = either(style == 0, -40, line)
    swept = -f["hairline"] - 1 + np.maximum(0.35 * (side + 7), -1.1 * (side + 7))
    line = either(style == 2, swept, line)
    line = either(style == 3, -7.5 + 0.02 * A * A + 0.08 * side, line)
    line = either(style == 4, -f["hairline"] - 4 + 0.75 * A, line)
    return either(style == 5, -f["hairline"] - 2.5 + 2.5 * bump((X / 5) ** 2), line)


def _shade(f: Factors, g: Geometry, light: Light, strands: np.ndarray, hair: Outline, root: np.ndarray | float) -> np.ndarray:
    """The light on the strands, times `root`, which says how much of it gets there."""
    across = np.clip(g["x_head"] / (hair.half + 2), -0.98, 0.98)
    up = np.clip(hair.above * 0.95, -0.98, 0)
    ahead = np.sqrt(np.maximum(1 - across * across - up * up, 0.02))
    return lit(f, light, across, up, ahead) * (1 + 0.7 * np.clip(strands, -1, 1)) * root


def brows(tone: np.ndarray, f: Factors, g: Geometry, strands: np.ndarray) -> np.ndarray:
    """The colours `tone` with the brows."""
    A, v = g["A"], g["v"]
    thick = np.maximum(f["brow_thickness"], 0.3)
    middle = 0.5 - f["brow_distance"] - 1.4 * bump(((A - 11.5) / 9) ** 2)
    ends = np.clip((A - 3.0) * 0.4, 0, 1) * np.clip((16.5 - A) * 0.25, 0, 1)
    brow = np.clip((0.65 * thick - 0.3) * (0.35 + 0.65 * ends) - np.abs(v - middle) + 0.4, 0, 1) * ends
    colour = np.minimum(mix(f["hair_tone"], 0.3, 0.5 * f["grey"]), 0.35 * f["skin"])
    return mix(tone, colour, np.clip(0.85 + 0.25 * strands, 0, 1) * brow)


def beard(tone: np.ndarray, f: Factors, g: Geometry, hair_tone: np.ndarray, strands: np.ndarray, grain: np.ndarray) -> np.ndarray:
    """The colours `tone` with stubble, beard and moustache."""
    kind, X, A, v, down, gap = f["beard"], g["X"], g["A"], g["v"], g["mouth_v"], g["gap"]
    cheek = 15.5 - 0.05 * np.maximum(A - 7.5, 0) ** 2
    lips = bump((X / 6.5) ** 2 + ((down - 1 - gap * 0.5) / 4.0) ** 2)
    area = np.clip((v - cheek) * 0.4 + 0.5, 0, 1) * (1 - lips)
    area = either(kind == 4, area * np.clip((8 - A) * 0.6, 0, 1) * np.clip(down, 0, 1), area)
    dense = either(kind == 1, 0.5, either(kind == 0, 0.0, 0.9))
    colour = _beard_tone(f, hair_tone, strands)
    tone = mix(tone, colour, area * dense * np.clip(1 + 0.15 * grain, 0.5, 1.05))
    lip = bump((X / 10.5) ** 2 + ((down + 2.7 - 0.025 * X * X) / 2.7) ** 2)
    has = np.maximum(f["moustache"], either(kind == 1, 0.4, either((kind == 2) | (kind == 3), 0.9)))
    return mix(tone, colour, np.minimum(3.5 * lip, 0.95) * has)


def hanging_beard(picture: np.ndarray, f: Factors, g: Geometry, light: Light, hair_tone: np.ndarray,
                  strands: np.ndarray) -> np.ndarray:
    """The picture with what of a long beard hangs below the chin."""
    x, below = g["x"] / 11, (g["v"] - 25) / (g["chin"] - 18)
    hang = inside(4 * (1 - x * x - below * below) + 0.5 * strands)
    hang = hang * np.clip(0.4 * (g["v"] - 25), 0, 1)
    colour = _beard_tone(f, hair_tone, strands) * lit(f, light, 0.7 * x, -0.3, 0.7)
    return mix(picture, colour, hang * either(f["beard"] == 3, 1))


def _beard_tone(f: Factors, hair_tone: np.ndarray, strands: np.ndarray) -> np.ndarray:
    darker_than_skin = 0.42 * f["skin"]
    grey = 0.45 * f["grey"] * (f["skin"] < 0.3)  # on dark skin a grey beard is lighter than the skin
    return np.maximum(np.minimum(hair_tone, darker_than_skin), grey) * (1 + 0.4 * np.clip(strands, -1, 1))
