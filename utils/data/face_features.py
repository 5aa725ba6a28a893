"""The colours of a rendered face, before the light falls on them: skin, nostrils, eyes, mouth; and the glasses in front."""
import numpy as np

from utils.data.face_geometry import EYE
from utils.data.face_light import Light
from utils.data.face_tools import Factors, Geometry, bump, either, enlarge, inside, mix


def skin(f: Factors, g: Geometry, coarse: np.ndarray, grain: np.ndarray) -> np.ndarray:
    """Bare skin with blotches (the noise `coarse` [b, 7, 7]), pores (`grain` [b, 48, 48]), and the nostrils."""
    tone = f["skin"] * (1 + 0.05 * enlarge(coarse[:, ::-1]) + 0.03 * grain * f["old"])
    nostril_x, nostril_v = np.abs(g["nose_x"]) - 2.2 * f["nose"], g["nose_v"] - g["nose_tip"] - 1.2
    return tone * (1 - 0.7 * bump((nostril_x / 1.7) ** 2 + (nostril_v / 1.4) ** 2))


def mouth(tone: np.ndarray, f: Factors, g: Geometry) -> np.ndarray:
    """`tone` with lips, the dark of an open mouth, teeth, and the line between the lips."""
    X, A, down, gap, taper, half, lips = (g[name] for name in ("X", "A", "mouth_v", "gap", "taper", "mouth_half", "lips"))
    upper, lower = (0.3 + 1.3 * lips) * taper, (0.4 + 1.9 * lips) * np.sqrt(taper)
    upper = upper * (1 - 0.25 * bump((X / 2) ** 2))
    red = inside(np.minimum(down + upper, gap + lower - down)) * (taper > 0)
    tone = mix(tone, f["skin"] * (0.6 - 0.55 * np.clip(lips - 1, -0.6, 0.7)), 0.9 * red)
    tone = mix(tone, 0.02, inside(np.minimum(down, gap - down) - 0.15) * (taper > 0))
    teeth = inside(np.minimum(down, np.minimum(gap, 3.2) - down) - 0.1) * (A < half - 1)
    tone = mix(tone, 0.35 + 0.4 * f["skin"], teeth)
    line = bump((down / 0.9) ** 2) * np.clip((half + 0.8 - A) * 0.7, 0, 1)
    tone = tone * (1 - 0.65 * line * (1 - f["mouth_open"]))
    return tone * (1 - 0.35 * bump(((A - half) / 1.6) ** 2 + ((down + 0.1) / 1.3) ** 2))


def eyes(tone: np.ndarray, f: Factors, g: Geometry, light: Light, lit: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """`tone` with eyeballs, lids and lashes; and the glint, which is light and not colour."""
    side, eye, v = np.sign(g["X"]), g["eye"], g["v"]
    half = 4.7 * f["eye_size"]
    arc = np.maximum(1 - (eye / half) ** 2, 0)
    opening = np.clip(f["eye_open"] - 0.15 * g["cheer"], 0.05, 1.5) * f["eye_size"]
    below = v - 0.7 + 0.06 * eye  # the outer corner is a little higher; lid and iris together are at EYES
    from_top, from_low = below + 2.0 * opening * arc, 1.5 * opening * arc - below
    ball = inside(np.minimum(from_top, from_low) * 1.2) * (arc > 0)
    iris_x = eye - side * f["gaze"]
    iris = inside(2.2 - np.sqrt(iris_x * iris_x + below * below))
    white = (0.2 + 0.42 * f["skin"]) * (0.6 + 0.4 * np.minimum(lit, 1.2))
    tone = mix(tone, mix(white, 0.02, iris), ball)
    lash = np.clip(f["lashes"], 0, 1.4)
    rim = bump(((from_top + 0.3) / (1.0 + 0.6 * lash)) ** 2)
    rim = rim * np.clip((half + 0.9 - np.abs(eye)) * 0.8, 0, 1)
    tone = tone * (1 - np.minimum(0.25 + 0.7 * lash, 0.97) * rim)
    tone = tone * (1 - np.minimum(0.1 + 0.5 * lash, 0.9) * bump(((from_low + 0.2) / 0.9) ** 2) * (arc > 0))
    tone = tone * (1 - 0.5 * lash * bump((eye / 6) ** 2 + ((from_top + 1.9) / 1.9) ** 2))
    tone = tone * (1 - 0.25 * bump(((from_top + 2.0) / 0.8) ** 2) * (arc > 0))
    glint = bump(((iris_x * side - 0.8 * np.sign(light[0])) / 1.2) ** 2 + ((below + 0.8) / 1.2) ** 2)
    return tone, (0.1 + 0.3 * f["skin"]) * glint * ball


def glasses(picture: np.ndarray, f: Factors, g: Geometry) -> np.ndarray:
    """The picture with glasses on those faces that wear some."""
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
