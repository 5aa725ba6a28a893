"""The colours of a rendered face, before the light falls on them: skin, nostrils, eyes, mouth; and the glasses in front."""
import numpy as np

from utils.data.face_geometry import EYE, LOWER
from utils.data.face_light import Light
from utils.data.face_tools import Factors, Geometry, bump, either, enlarge, inside, mix


def skin(f: Factors, g: Geometry, coarse: np.ndarray, grain: np.ndarray) -> np.ndarray:
    """Bare skin with blotches (the noise `coarse` [b, 7, 7]), pores (`grain` [b, 48, 48]), nostrils and outline of the nose."""
    tone = f["skin"] * (1 + 0.05 * enlarge(coarse[:, ::-1]) + 0.03 * grain * f["old"])
    out, down = np.abs(g["nose_x"][:, LOWER]), g["nose_v"][:, LOWER] - g["nose_tip"]
    nostril = bump(((out - 2.1 * f["nose"]) / 1.8) ** 2 + ((down - 1.3 + 0.2 * out) / 1.2) ** 2)
    wing = bump(((out - 4.4 * f["nose"]) / 1.3) ** 2 + ((down + 0.2) / 2.6) ** 2)
    tone[:, LOWER] *= (1 - 0.65 * nostril) * (1 - 0.22 * wing)
    return tone


def mouth(tone: np.ndarray, f: Factors, g: Geometry) -> np.ndarray:
    """The colours `tone` [b, rows, 48] with lips, the dark of an open mouth, the upper teeth, and the line between the lips."""
    X, A, down, gap, taper, half, lips = (g[name] for name in ("X", "A", "mouth_v", "gap", "taper", "mouth_half", "lips"))
    upper, lower = (0.3 + 1.3 * lips) * taper, (0.4 + 1.9 * lips) * np.sqrt(taper)
    upper = upper * (1 - 0.25 * bump((X / 2) ** 2))
    red = inside(np.minimum(down + upper, gap + lower - down)) * np.minimum(3 * taper, 1)
    light = 0.12 * bump((X / 4) ** 2 + ((down - gap - 0.5 * lower) / (0.3 + 0.5 * lower)) ** 2) - 0.06 * (down < 0)
    tone = mix(tone, f["skin"] * (0.62 - 0.5 * np.clip(lips - 1, -0.6, 0.7) + light), 0.9 * red)
    tone = mix(tone, 0.03, inside(np.minimum(down, gap - down) - 0.15) * (taper > 0))
    rim = np.minimum(0.68 * gap, 2.6) - 0.25  # the lower edge of the teeth: where the lips are hardly apart, there are none
    teeth = np.clip(rim - 0.4, 0, 1) * inside(np.minimum(down - 0.35, rim - down)) * np.clip(2 * taper - 0.2, 0, 1)
    tone = mix(tone, (0.22 + 0.45 * f["skin"]) * (0.55 + 0.45 * taper), teeth)
    line = bump(((down - 0.2 * gap) / (0.9 + 0.2 * gap)) ** 2) * np.clip((half + 0.8 - A) * 0.5, 0, 1)
    tone = tone * (1 - 0.7 * line * np.clip(1 - 0.6 * gap, 0, 1))
    below = bump((X / 5.5) ** 2 + ((down - gap - lower - 1.4) / 1.7) ** 2)
    return tone * (1 - 0.14 * below) * (1 - 0.4 * bump(((A - half) / 1.5) ** 2 + ((down + 0.1) / 1.3) ** 2))


def eyes(tone: np.ndarray, f: Factors, g: Geometry, light: Light, lit: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The colours `tone` [b, rows, 48] with eyeballs, lids and lashes; and the glint, which is light and not colour.

    lit  of the shape of `tone`, the light on it, as `face_light.lit` gives it; the glint has this shape too
    """
    side, eye, v = np.sign(g["X"]), g["eye"], g["v"]
    half = 4.7 * f["eye_size"]
    arc = np.maximum(1 - (eye / half) ** 2, 0)
    opening = np.clip(f["eye_open"] - 0.15 * g["cheer"], 0.05, 1.5) * f["eye_size"]
    below = v - 0.7 + 0.06 * eye  # the outer corner is a little higher; lid and iris together are at EYES
    from_top, from_low = below + 1.9 * opening * arc, 1.6 * opening * np.sqrt(arc) * arc - below
    ball = inside(np.minimum(from_top, from_low) * 1.2) * (arc > 0)
    iris_x = eye - side * f["gaze"]
    away = np.sqrt(iris_x * iris_x + (below + 0.2) ** 2)
    white = (0.18 + 0.42 * f["skin"]) * (0.6 + 0.4 * np.minimum(lit, 1.2)) * np.clip(0.55 + 0.25 * from_top, 0, 1)
    iris = mix(f["iris"], 0.015, inside(1.1 - away) + inside(away - 1.9) * (away < 2.6))  # the pupil and the rim are dark
    tone = mix(tone, mix(white, np.minimum(iris, 0.6 * white), inside(2.3 - away)), ball)
    lash = np.clip(f["lashes"], 0, 1.4)
    rim = bump(((from_top + 0.3) / (1.0 + 0.6 * lash)) ** 2)
    rim = rim * np.clip((half + 0.9 - np.abs(eye)) * 0.8, 0, 1)
    tone = tone * (1 - np.minimum(0.3 + 0.65 * lash, 0.97) * rim)
    tone = tone * (1 - np.minimum(0.1 + 0.4 * lash, 0.8) * bump(((from_low + 0.2) / 0.9) ** 2) * (arc > 0))
    tone = tone * (1 - 0.4 * lash * bump((eye / 6) ** 2 + ((from_top + 1.9) / 1.9) ** 2))
    tone = tone * (1 - 0.3 * bump(((from_top + 2.2) / 0.9) ** 2) * (arc > 0))
    glint = bump(((iris_x * side - 0.8 * np.sign(light[0])) / 1.2) ** 2 + ((below + 0.9) / 1.2) ** 2)
    return tone, (0.1 + 0.3 * f["skin"]) * glint * ball


def glasses(picture: np.ndarray, f: Factors, g: Geometry) -> np.ndarray:
    """The picture [b, 48, 48] with glasses on those faces that wear some; it is painted in place."""
    wearing = f["glasses"][:, 0, 0] > 0
    if not wearing.any():
        return picture
    kind = f["glasses"][wearing]
    X, A, v, on_head = g["X"][wearing], g["A"][wearing], g["v"][wearing] - 0.8, g["on_head"][wearing]
    thin = kind == 1
    ex, ey = (A - EYE) / 7.0, v / either(thin, 5.6, 4.8)
    power = either(thin, ex * ex + ey * ey, (ex * ex) ** 2 + (ey * ey) ** 2)  # thin ones are round, others nearly square
    radius = either(thin, np.sqrt(power), np.sqrt(np.sqrt(power)))
    width = either(kind == 2, 0.75, 0.4)
    rim = inside(width - np.abs(radius - 1) * 5.4)
    bridge = inside(width - np.abs(v + 1.2)) * (A < 3.2)
    arm = inside(width - np.abs(v + 1.5)) * (A > EYE + 6.5)
    frame = np.maximum(rim, np.maximum(bridge, arm)) * on_head
    view = picture[wearing]
    lens = inside((1 - radius) * 5)
    seen_through = 0.02 + 0.12 * view + 0.04 * np.clip(-v / 5, 0, 1)
    view = mix(view, seen_through, 0.93 * lens * either(kind == 3, on_head))
    view = view + 0.05 * lens * bump(((X - v) / 3) ** 2) * either(kind < 3, 1)
    picture[wearing] = mix(view, either(thin, 0.12, 0.02), either(thin, 0.75, 0.95) * frame)
    return picture
