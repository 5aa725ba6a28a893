"""Where each pixel of a picture is on a rendered head, where the features are, and how far they stand out.

Everything is in pixels at scale 1, from the point between the eyes: to the right of the picture, down, towards the viewer. The
shape is [b, 48, 48], or [b, 1, 1] for what belongs to a face as a whole; values are float32.
"""
import numpy as np

from utils.data.face_light import RADIANS
from utils.data.face_tools import Factors, Geometry, bump, either, inside, slope, smooth
from utils.data.images import EYES, FACE_SIZE

EYE = (EYES[1][0] - EYES[0][0]) / 2  # pixels from the point between the eyes to an eye
UPPER, LOWER, MOUTH = slice(0, 28), slice(15, FACE_SIZE), slice(21, FACE_SIZE)  # rows where eyes and brows can be; beard; lips


def head(f: Factors) -> Geometry:
    """The head, a stack of ellipses, turned and nodding, seen from far away.

    x, y          [b, 48, 48]  place in the picture, after roll, scale and shift are undone
    v             [b, 48, 48]  down the face: y after nodding is undone
    X, A          [b, 48, 48]  across the face: x after turning is undone, and its absolute value
    z             [b, 48, 48]  how far the surface of the bare head is towards the viewer
    on_head       [b, 48, 48]  share of the pixel that the head covers, 0..1
    x_head        [b, 48, 48]  x from the axis of the head, which turning moves
    half          [b, 48, 48]  half the width of the turned head at this height
    width         [b, 1, 1]    half the width of the head where it is widest, seen from the front
    chin          [b, 1, 1]    v of the chin
    sin_yaw, tan_yaw, sin_pitch  [b, 1, 1]  of the angles of turning and nodding
    """
    x, y = _upright(f)
    yaw, pitch = f["yaw"] * RADIANS, f["pitch"] * RADIANS
    depth = np.maximum(3 - 0.02 * x * x - 0.012 * (y - 6) ** 2, -15)  # against the eyes, for nodding
    v = y - depth * np.sin(pitch)

    width = 18.8 * f["head_width"]
    chin = 31.5 * f["face_length"] + 1.5 * f["mouth_open"]
    t = np.clip((v - 2) / either(v > 2, chin - 2, -25), 0, 1)  # 0 at the eyes, 1 at the chin and at the top
    t = t * t
    square = np.clip(1.05 * f["jaw_width"], -0.9, 0.95)
    narrow = t * (1 - square * (1 - t) * (v > 2))
    profile = np.sqrt(np.maximum(1 - narrow, 1e-4))  # width at this height, as a share of `width`
    w, d = width * profile, 20 * np.sqrt(profile)  # half axes of the ellipse at this height: across, and front to back
    cos, sin = np.cos(yaw), np.sin(yaw)
    x_head = x + 16 * sin  # the eyes stay where they are
    half = np.sqrt((w * cos) ** 2 + (d * sin) ** 2)
    u = np.clip(x_head / half, -1, 1)
    rest = np.sqrt(1 - u * u)
    along, across = w * cos / half, d * sin / half
    X = w * (u * along - rest * across)
    z = d * (rest * along + u * across) * cos - X * sin
    on_head = inside((half - np.abs(x_head)) * f["scale"] * np.maximum(profile, 0.25))
    return dict(x=x, y=y, v=v, X=X, A=np.abs(X), z=z, on_head=on_head, x_head=x_head, half=half, width=width, chin=chin,
                sin_yaw=sin, tan_yaw=sin / cos, sin_pitch=np.sin(pitch))


def _upright(f: Factors) -> tuple[np.ndarray, np.ndarray]:
    """x and y of `head`."""
    row = np.arange(FACE_SIZE, dtype=np.float32)[None, :, None]
    column = np.arange(FACE_SIZE, dtype=np.float32)[None, None, :]
    across = column - (EYES[0][0] + EYES[1][0]) / 2 - f["shift_x"]
    down = row - EYES[0][1] - f["shift_y"]
    c, s = np.cos(f["roll"] * RADIANS) / f["scale"], np.sin(f["roll"] * RADIANS) / f["scale"]
    return across * c + down * s, down * c - across * s


def facial_features(f: Factors, g: Geometry) -> Geometry:
    """Nose, mouth and eyes on the head `g`. The nose stands out, so it moves when the head turns.

    eye             [b, 48, 48]  outwards from the nearer eye
    nose_tip        [b, 1, 1]    v of the tip of the nose
    nose_ramp       [b, 48, 48]  0 at the root of the nose, 1 from its tip on down
    nose_out        [b, 48, 48]  how far its ridge stands out at this height
    nose_x, nose_v  [b, 48, 48]  X and v from the ridge as it is seen
    cheer           [b, 1, 1]    the smile, 0 where the corners of the mouth are down, else 0..1
    mouth_half      [b, 1, 1]    half the width of the mouth
    taper           [b, 48, 48]  1 in the middle of the mouth, 0 from its corners on
    mouth_v         [b, 48, 48]  down from the line where the lips meet
    gap             [b, 48, 48]  between the lips of an open mouth
    lips            [b, 1, 1]    their fullness, 1 is average
    """
    X, v = g["X"], g["v"]
    tip = 12.6 * f["nose_length"]
    ramp = np.clip((v + 3) / (tip + 3), 0, 1)
    out = 4.0 * ramp * ramp + 0.8 * ramp
    cheer = np.maximum(f["smile"], 0)
    mouth_half = 6.8 + 2.8 * cheer
    share = (X / mouth_half) ** 2
    taper = np.maximum(1 - share, 0)
    line = 19.7 * (0.5 + 0.5 * f["face_length"]) - np.clip(2 * f["smile"] * (share - 0.35), -2.5, 3)
    return dict(eye=g["A"] - EYE, nose_tip=tip, nose_ramp=ramp, nose_out=out, nose_x=X - out * g["tan_yaw"],
                nose_v=v - 0.6 * out * g["sin_pitch"], cheer=cheer, mouth_half=mouth_half, taper=taper, mouth_v=v - line,
                gap=5.0 * f["mouth_open"] * taper, lips=np.clip(f["lip_fullness"], 0.2, 2.2))


def at_rows(g: Geometry, part: slice) -> Geometry:
    """The same with these rows of all that is [b, 48, 48]."""
    return {name: a[:, part] if np.ndim(a) == 3 and a.shape[1] == FACE_SIZE else a for name, a in g.items()}


def normals(f: Factors, g: Geometry, grain: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The unit normal of the skin at each pixel, three times [b, 48, 48], from how far the surface is towards the viewer."""
    z = _nose_and_cheeks(g["z"], f, g)
    z[:, UPPER] = _around_the_eyes(z[:, UPPER], f, at_rows(g, UPPER))
    z[:, LOWER] = _around_the_mouth(z[:, LOWER], f, at_rows(g, LOWER))
    z += (0.02 * (0.2 + f["old"])) * grain
    z = smooth(smooth(z, np.float32(0.25), 1), np.float32(0.25), 2)
    zx = np.clip(f["scale"] * slope(z, 2), -2.2, 2.2)
    zy = np.clip(f["scale"] * slope(z, 1), -2.2, 2.2)
    nz = 1 / np.sqrt(1 + zx * zx + zy * zy)
    return -zx * nz, -zy * nz, nz


def _nose_and_cheeks(z: np.ndarray, f: Factors, g: Geometry) -> np.ndarray:
    A, v, tip, ramp, cheer = (g[name] for name in ("A", "v", "nose_tip", "nose_ramp", "cheer"))
    nose_half = (2.8 + 2.4 * ramp * ramp) * f["nose"]
    under = np.clip((tip + 2.2 - g["nose_v"]) / 2.8, 0, 1) * (v > -5)
    z = z + g["nose_out"] * bump((g["nose_x"] / nose_half) ** 2 * 0.5) * under
    wing = ((np.abs(g["nose_x"]) - 3.3 * f["nose"]) / 2.3) ** 2 + ((g["nose_v"] - tip + 0.3) / 2.6) ** 2
    z += 1.4 * bump(wing)
    z += (1.0 + 1.2 * cheer) * bump(((A - 10.5) / 8) ** 2 + ((v - 8.5 + 1.5 * cheer) / 7) ** 2)
    return z


def _around_the_eyes(z: np.ndarray, f: Factors, g: Geometry) -> np.ndarray:
    """Sockets, eyeballs, ridge of the brows; with age, bags under the eyes and lines on the forehead."""
    v, eye = g["v"], g["eye"]
    z = z - 2.4 * bump((eye / 7.5) ** 2 + ((v + 0.3) / 5.2) ** 2)
    z += 1.5 * bump((eye / 5.2) ** 2 + ((v - 0.2) / 3.3) ** 2)
    z += (0.6 + 0.4 * f["jaw_width"]) * bump(((eye + 1.75) / 11) ** 2 + ((v + 6.5) / 3.8) ** 2)
    z -= 0.9 * f["old"] * bump((eye / 5) ** 2 + ((v - 4.6) / 1.6) ** 2)
    lines = np.sin(2.1 * v + 0.03 * eye * eye) * np.clip((-6.5 - v) / 2, 0, 1) * np.clip(4 - eye, 0, 1)
    z += 0.35 * f["old"] * lines
    return z


def _around_the_mouth(z: np.ndarray, f: Factors, g: Geometry) -> np.ndarray:
    """Lips, the hollow below them, chin; with age and a smile, the creases from the nose to the mouth."""
    X, A, v, down, gap, taper = (g[name] for name in ("X", "A", "v", "mouth_v", "gap", "taper"))
    z = z + 1.4 * bump((X / 10) ** 2 + (down / 6) ** 2)
    upper, lower = bump(((down + 1.3) / 2.2) ** 2), bump(((down - gap - 1.7) / 2.4) ** 2)
    z += 1.1 * g["lips"] * taper * (upper + 1.2 * lower)
    z -= 1.0 * bump((X / 8) ** 2 + ((down - gap - 4.6) / 2.2) ** 2)
    z += 1.8 * bump((X / 7) ** 2 + ((v - g["chin"] + 5) / 5) ** 2)
    crease = (A - 5.2 - 0.46 * (v - 12.5) - 1.2 * g["cheer"]) / 1.8
    crease = bump(crease * crease) * np.clip((v - 10) / 3, 0, 1) * np.clip((23 - v) / 4, 0, 1)
    z -= (0.15 + 0.8 * f["old"] + 0.6 * g["cheer"]) * crease
    return z
