"""A rendered face painted from its factors, from the back to the front: background, shoulders, hair, head, hair, glasses."""
import numpy as np

from utils.data import face_beard, face_features, face_geometry, face_hair, face_light
from utils.data.face_geometry import LOWER, MOUTH, UPPER
from utils.data.face_light import Light, lit
from utils.data.face_tools import Factors, Geometry, bump, drawn_out, either, enlarge, inside, mix
from utils.data.images import FACE_SIZE


def paint(factors: dict[str, np.ndarray]) -> np.ndarray:
    """Pictures float32 [b, 48, 48] in [0, 1] from factors [b], the table in rendered.py."""
    f = {name: np.asarray(values, np.float32)[:, None, None] for name, values in factors.items()}
    streams = [np.random.default_rng(int(seed)) for seed in factors["texture"]]
    grain = np.stack([stream.standard_normal((FACE_SIZE, FACE_SIZE), np.float32) for stream in streams])
    dice = np.stack([stream.random(24, np.float32) for stream in streams])[:, :, None, None]
    coarse = np.stack([stream.standard_normal((7, 7), np.float32) for stream in streams])
    strands, hair, strokes = _textures(f, grain)

    f["grey"] = np.clip((f["age"] - 52 + 30 * (dice[:, 0] - 0.5)) / 30, 0, 1)  # of the hair
    f["old"] = np.clip((f["age"] - 30) / 55, 0, 1)  # of the skin
    f["shorn"] = either(dice[:, 20] < 0.6, 1, 0)  # of hair style 0: shorn, else the hair recedes
    f["iris"] = 0.02 + 0.07 * dice[:, 21] ** 2  # reflectance
    f["slant"] = 1.2 * dice[:, 22] - 0.6  # of the strands that are combed forward
    f["nose"] = np.maximum(1 + 1.5 * (f["nose_width"] - 1), 0.4)  # exaggerated, to be seen in 48 pixels
    hair_tone = mix(f["hair_tone"], 0.36, 0.9 * f["grey"])
    g, light = face_geometry.head(f), face_light.direction(f)

    picture = _background(f, dice, coarse)
    picture = _shoulders(picture, f, g, light)
    picture = face_hair.behind(picture, f, g, light, hair_tone, hair)
    picture = _head(picture, f, g, light, hair_tone, strands, strokes, grain, coarse)
    picture = face_hair.in_front(picture, f, g, light, hair_tone, hair)
    picture = face_features.glasses(picture, f, g)
    return face_light.captured(picture, f, grain)


def _textures(f: Factors, grain: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Noise of standard deviation 1: single hairs downwards, hair in locks or curls, strokes aslant as a pencil hatches."""
    strands = drawn_out(drawn_out(drawn_out(grain[:, ::-1], 1, 1), 2, 1), 4, 1)
    locks = drawn_out(drawn_out(drawn_out(strands, 1, 2), 2, 2), 2, 1)
    curls = grain[:, :, ::-1]
    for axis in (1, 2, 1, 2, 1, 2):
        curls = drawn_out(curls, 1, axis)
    strokes = grain[:, ::-1, ::-1].copy()
    for _ in range(2):
        strokes[:, 1:-1, 1:-1] += strokes[:, 2:, :-2] + strokes[:, :-2, 2:]
    return strands, either(f["hair_style"] == 6, 0.37 * curls, 0.6 * strands + 0.45 * locks), strokes / 4.1


def _background(f: Factors, dice: np.ndarray, coarse: np.ndarray) -> np.ndarray:
    """What is behind the person, by kind; `dice` [b, 24, 1, 1] are random numbers in 0..1."""
    grid = np.linspace(-1, 1, FACE_SIZE, dtype=np.float32)
    row, column = grid[None, :, None], grid[None, None, :]
    tone = f["background_tone"]
    kind = f["background"][:, 0, 0].astype(int)
    picture = np.broadcast_to(tone, (len(kind), FACE_SIZE, FACE_SIZE)).copy()
    k = kind == 1
    angle = 2 * np.pi * dice[k, 1]
    picture[k] = tone[k] * (1 + 0.6 * (np.cos(angle) * row + np.sin(angle) * column))
    k = kind == 2
    picture[k] = tone[k] * (1 + 0.4 * np.clip(enlarge(coarse[k]), -2, 2))
    k = kind == 3
    for i in range(2, 14, 3):
        radius = 0.2 + 0.3 * dice[k, i]
        away = np.hypot(row - 2 * dice[k, i + 1] + 1, column - 2 * dice[k, i + 2] + 1)
        disc = np.clip((radius - away) * 8 + 0.5, 0, 1)
        picture[k] = mix(picture[k], dice[k, i + 4] ** 2, 0.7 * disc)
    k = kind == 4
    for i in (2, 5, 8):
        stripe = np.clip((0.1 + 0.3 * dice[k, i] - np.abs(column - 2 * dice[k, i + 1] + 1)) * 7 + 0.5, 0, 1)
        picture[k] = mix(picture[k], dice[k, i + 2] ** 2, 0.8 * stripe)
    shelf = np.clip((row - 1.6 * dice[k, 12] + 0.8) * 6, 0, 1)
    picture[k] = picture[k] * (1 - 0.5 * shelf)
    return np.clip(picture, 0.003, 1)


def _shoulders(picture: np.ndarray, f: Factors, g: Geometry, light: Light) -> np.ndarray:
    """The picture with neck and clothes."""
    x, y = g["x"] + 6 * g["sin_yaw"], g["y"]
    neck_half = 10.8 + 2.5 * np.clip(f["jaw_width"], -1, 1.5)
    across = np.clip(x / neck_half, -1, 1)
    bright = lit(f, light, across, -0.1, np.sqrt(1 - across * across))
    shadow = 0.35 + 0.4 * np.clip((y - g["chin"] + 2) / 14, 0, 1)
    picture = mix(picture, f["skin"] * bright * shadow, inside(neck_half - np.abs(x)) * inside(y - 12))
    collar = 38 - 0.05 * x * x * (np.abs(x) < 11) + either(np.abs(x) > 11, 0.28 * np.abs(x) - 11)
    across = np.clip(x / 40, -1, 1)
    bright = lit(f, light, across, -0.5, 0.8)
    return mix(picture, f["clothes_tone"] * bright, inside(0.7 * (y - collar)))


def _head(picture: np.ndarray, f: Factors, g: Geometry, light: Light, hair_tone: np.ndarray, strands: np.ndarray,
          strokes: np.ndarray, grain: np.ndarray, coarse: np.ndarray) -> np.ndarray:
    """The picture with the head: colours are painted on the surface, whose normals give the light."""
    picture = _ears(picture, f, g, light)
    g = g | face_geometry.facial_features(f, g)
    low, high = face_geometry.at_rows(g, LOWER), face_geometry.at_rows(g, UPPER)
    normal = face_geometry.normals(f, g, grain)
    bright = _light_on_skin(f, g, light, normal)

    tone = face_features.skin(f, g, coarse, grain)
    tone[:, LOWER] = face_beard.beard(tone[:, LOWER], f, low, hair_tone, strands[:, LOWER], strokes[:, LOWER])
    tone[:, MOUTH] = face_features.mouth(tone[:, MOUTH], f, face_geometry.at_rows(g, MOUTH))
    tone[:, UPPER], glint = face_features.eyes(tone[:, UPPER], f, high, light, bright[:, UPPER])
    tone[:, UPPER] = face_beard.brows(tone[:, UPPER], f, high, strokes[:, UPPER])
    shine = face_light.shine(light, *normal)
    tone = tone * (1 + strokes * np.clip(0.08 - 0.05 * bright, 0.02, 1))  # hatched in the shade
    skin = tone * np.maximum(bright, 0.03) + (0.04 + 0.12 * f["skin"]) * shine * f["light_strength"]
    skin[:, UPPER] += glint
    picture = mix(picture, skin, g["on_head"])
    picture[:, LOWER] = face_beard.hanging_beard(picture[:, LOWER], f, low, light, hair_tone, strands[:, LOWER])
    return picture


def _ears(picture: np.ndarray, f: Factors, g: Geometry, light: Light) -> np.ndarray:
    x, v = g["x_head"], g["v"]
    ear_x, ear_v = (np.abs(x) - g["half"] - 0.5) / 2.6, (v - 4) / 6.5
    ear = inside(2.2 * (1 - ear_x * ear_x - ear_v * ear_v))
    fold = bump((ear_x * 2) ** 2 + (ear_v * 1.6) ** 2)
    return mix(picture, f["skin"] * lit(f, light, np.sign(x) * 0.5, 0.0, 0.8) * (0.75 - 0.3 * fold), ear)


def _light_on_skin(f: Factors, g: Geometry, light: Light, normal: tuple[np.ndarray, np.ndarray, np.ndarray]) -> np.ndarray:
    """The light [b, 48, 48] on each pixel of the head; sockets are darker, and the nose throws a shadow."""
    v = g["v"]
    bright = lit(f, light, *normal)
    bright[:, UPPER] *= 1 - 0.3 * bump((g["eye"][:, UPPER] / 7) ** 2 + ((v[:, UPPER] + 1.5) / 4.5) ** 2)
    beside = g["nose_x"] + 4 * light[0]
    nose_shadow = bump((beside / 4.2) ** 2 + ((v - g["nose_tip"] - 2.4) / 3.0) ** 2)
    return bright * (1 - 0.45 * f["light_strength"] * nose_shadow)
