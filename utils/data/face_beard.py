"""Brows, stubble, beard and moustache of a rendered face.

`strands` and `strokes` [b, h, 48] are noise of mean 0 and standard deviation 1, drawn out downwards, and from the left below to
the right above.
"""
import numpy as np

from utils.data.face_light import Light, lit
from utils.data.face_tools import Factors, Geometry, bump, either, inside, mix


def brows(tone: np.ndarray, f: Factors, g: Geometry, strokes: np.ndarray) -> np.ndarray:
    """The colours `tone` [b, rows, 48] with the brows: strokes up and outwards, dense at the inner end and thin at the outer."""
    X, A, v = g["X"], g["A"], g["v"]
    strokes = either(X > 0, strokes, strokes[:, :, ::-1])
    thick = np.maximum(f["brow_thickness"], 0.3)
    middle = 0.5 - f["brow_distance"] - 1.4 * bump(((A - 11.5) / 9) ** 2)
    ends = np.clip((A - 3.0) * 0.4, 0, 1) * np.clip((17 - A) * 0.2, 0, 1)
    half = (0.65 * thick - 0.3) * (0.35 + 0.65 * ends)
    brow = np.clip(half - np.abs(v - middle) + 0.4 + 0.13 * strokes, 0, 1) * ends
    colour = np.minimum(mix(f["hair_tone"], 0.3, 0.5 * f["grey"]), 0.35 * f["skin"])
    return mix(tone, colour, np.clip(0.88 + 0.1 * strokes, 0.5, 1) * brow)


def beard(tone: np.ndarray, f: Factors, g: Geometry, hair_tone: np.ndarray, strands: np.ndarray,
          strokes: np.ndarray) -> np.ndarray:
    """The colours `tone` [b, rows, 48] with stubble, beard and moustache.

    It is thin at the edge and dense along the jaw, and the lips are free.

    hair_tone  [b, 1, 1], in [0, 1]; strands and strokes are noise of the shape of `tone`
    """
    kind, X, A, v, down, gap = f["beard"], g["X"], g["A"], g["v"], g["mouth_v"], g["gap"]
    strands = 0.8 * strands + 0.5 * strokes
    fringe = 0.1 * strands
    cheek = 17.0 - 0.085 * np.maximum(A - 6, 0) ** 2
    area = np.clip((v - cheek) * 0.22 + 0.3 + fringe, 0, 1)
    tuft = np.clip(1.15 - 1.15 * ((X / 8) ** 2 + ((v - g["chin"] + 4) / 8) ** 2) + 1.3 * fringe, 0, 1)
    area = either(kind == 4, tuft, area)
    lips = bump((X / (g["mouth_half"] + 1.5)) ** 2 + ((down - 0.6 - gap * 0.6) / (3.6 + 0.6 * gap)) ** 2)
    area = area * (1 - np.minimum(1.6 * lips, 1))
    dense = either(kind == 1, 0.42, either(kind == 0, 0.0, 0.85))
    colour = _beard_tone(f, hair_tone, strands)
    tone = mix(tone, colour, area * np.clip(dense * (1 + 0.12 * strands), 0, 0.92))
    height = 2.1 * np.clip(1.1 - (A / (g["mouth_half"] + 2.5)) ** 2, 0, 1)
    middle = 0.5 * (v - down + g["nose_tip"]) + 0.8 + 0.02 * X * X  # between nose and mouth, drooping at the ends
    lip = np.clip((height - np.abs(v - middle)) * 0.6 + 0.2 + fringe, 0, 1) * np.minimum(height, 1)
    lip = lip * (1 - 0.35 * bump((X / 1.6) ** 2))
    has = np.maximum(f["moustache"], either(kind == 1, 0.4, either(kind >= 2, either(kind == 4, 0.6, 0.9))))
    return mix(tone, np.minimum(colour, 0.7 * f["skin"]), 0.85 * has * lip)


def hanging_beard(picture: np.ndarray, f: Factors, g: Geometry, light: Light, hair_tone: np.ndarray,
                  strands: np.ndarray) -> np.ndarray:
    """The picture [b, rows, 48] with what of a long beard hangs below the chin; hair_tone [b, 1, 1], strands as the picture."""
    x, below = g["x"] / 13, (g["v"] - 25) / (g["chin"] - 17)
    hang = inside(4 * (1 - x * x - below * below) + 0.8 * strands)
    hang = hang * np.clip(0.25 * (g["v"] - 25), 0, 1)
    colour = _beard_tone(f, hair_tone, strands) * lit(f, light, 0.7 * x, -0.3, 0.7)
    return mix(picture, colour, hang * either(f["beard"] == 3, 1))


def _beard_tone(f: Factors, hair_tone: np.ndarray, strands: np.ndarray) -> np.ndarray:
    darker_than_skin = 0.42 * f["skin"]
    grey = np.minimum(0.28 * f["grey"], 1.5 * f["skin"]) * (f["skin"] < 0.2)  # on dark skin a grey beard is lighter than it
    return np.maximum(np.minimum(hair_tone, darker_than_skin), grey) * (1 + 0.28 * np.clip(strands, -2, 2)) + 0.012
