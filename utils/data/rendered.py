"""Rendered faces: 48x48 grey pictures of invented people, of whom everything is known.

    images, labels, factors = rendered_faces(n, seed)

The label (0 "man", 1 "woman") is a rule that we made up: it is drawn first, evenly, and then the factors of
the first two groups below are drawn from densities that depend on it and overlap. It says nothing about
people. All other factors, skin and age among them, are drawn without looking at the label.

depends on the label, normal with the same standard deviation for both labels (`MEASURED`)
    hair_length       where the hair ends, pixels below the eyes (at most 3 is drawn when bald on top)
    jaw_width         0 is an ellipse, 1 is square
    brow_thickness    pixels
    brow_distance     from the eyes up to the brows, pixels
    lip_fullness      1 is average
    lashes            darkness of the lash line, 0..1
    face_length       1 is average
    nose_width        1 is average
depends on the label, a choice (`CHOSEN`)
    hair_style        0 bald on top, 1 cap, 2 side parting, 3 fringe, 4 middle parting, 5 peak, 6 curly
    beard             0 none, 1 stubble, 2 short, 3 long, 4 chin only
    moustache         0 or 1
does not depend on the label (`FREE`)
    skin              reflectance, 0.1 dark to 0.65 light
    age               years, 18..90: wrinkles, grey hair
    yaw, pitch, roll  pose in degrees: turned to the right of the picture, nodding down, tilted clockwise
    scale             1 puts the eyes 19.5 pixels apart
    shift_x, shift_y  pixels right, down
    head_width        1 is average
    nose_length       1 is average
    eye_size          1 is average
    eye_open          1 is average, 0 is closed
    gaze              pixels, to the right of the picture
    smile             -0.4 corners down .. 1 broad
    mouth_open        0..1, shows teeth
    hair_tone         reflectance before greying, 0.015 black to 0.35 fair
    hair_volume       pixels beyond the skull
    hairline          height of the hairline above the eyes, pixels
    parting           -1 or 1, the side of a parting
    glasses           0 none, 1 thin round, 2 thick, 3 dark
    light_azimuth     degrees, positive comes from the right of the picture
    light_elevation   degrees above the horizon
    light_strength    share of the directed light, 0..1; the rest comes from everywhere
    exposure          brightness of the photograph, 1 is average
    background        0 plain, 1 gradient, 2 blotchy, 3 discs out of focus, 4 a room out of focus
    background_tone   reflectance, 0..1
    clothes_tone      reflectance, 0..1
    blur              standard deviation, pixels
    noise             standard deviation, grey levels of 1
    texture           seed of everything that is random inside the picture

Positions on the face, (X, v) in the code, are in pixels at scale 1 from the point between the eyes: X to the
right of the picture, v down.
"""
import itertools

import joblib
import numpy as np
from scipy.special import ndtr  # the distribution function of the standard normal

EYES = ((13.5, 13.5), (33.0, 13.5))  # (x, y) of the eyes, on average, in pixels; as in the real faces
SIZE = 48
CHUNK = 32  # images rendered at once: their arrays stay in the cache
EYE = (EYES[1][0] - EYES[0][0]) / 2  # from the point between the eyes to an eye

MEASURED = {  # factor: (mean of label 0, mean of label 1, standard deviation)
    "hair_length": (5.0, 16.0, 12.0),
    "jaw_width": (0.62, -0.08, 0.30),
    "brow_thickness": (2.8, 1.5, 0.55),
    "brow_distance": (4.5, 5.9, 0.8),
    "lip_fullness": (0.72, 1.34, 0.26),
    "lashes": (0.24, 0.81, 0.24),
    "face_length": (1.035, 0.965, 0.05),
    "nose_width": (1.12, 0.92, 0.14),
}
CHOSEN = {  # factor: (probabilities given label 0, probabilities given label 1)
    "hair_style": ((0.12, 0.28, 0.18, 0.08, 0.08, 0.14, 0.12), (0.01, 0.15, 0.18, 0.18, 0.20, 0.14, 0.14)),
    "beard": ((0.64, 0.14, 0.10, 0.06, 0.06), (0.99, 0.01, 0.0, 0.0, 0.0)),
    "moustache": ((0.80, 0.20), (1.0, 0.0)),
}


def _normal(mean, sd, low, high):
    return lambda rng, n: np.clip(rng.normal(mean, sd, n), low, high)


def _uniform(low, high):
    return lambda rng, n: rng.uniform(low, high, n)


def _choice(*probabilities):
    return lambda rng, n: np.searchsorted(np.cumsum(probabilities)[:-1], rng.random(n), side="right")


FREE = {
    "skin": _uniform(0.1, 0.65),
    "age": _uniform(18, 90),
    "yaw": _normal(0, 8.5, -25, 25),
    "pitch": _normal(0, 5, -13, 13),
    "roll": _normal(0, 4, -12, 12),
    "scale": _normal(1, 0.06, 0.85, 1.15),
    "shift_x": _normal(0, 1.25, -3.2, 3.2),
    "shift_y": _normal(0, 1.4, -3.2, 3.2),
    "head_width": _normal(1, 0.04, 0.9, 1.1),
    "nose_length": _normal(1, 0.07, 0.8, 1.2),
    "eye_size": _normal(1, 0.09, 0.75, 1.25),
    "eye_open": _normal(1, 0.14, 0.4, 1.4),
    "gaze": _normal(0, 0.7, -1.6, 1.6),
    "smile": _normal(0.35, 0.45, -0.4, 1.0),
    "mouth_open": lambda rng, n: np.maximum(0, rng.uniform(-0.7, 1, n)),
    "hair_tone": lambda rng, n: 0.012 + 0.3 * rng.random(n) ** 3.5,
    "hair_volume": _normal(2.5, 1.0, 0.5, 5.0),
    "hairline": _normal(11.5, 1.2, 8.5, 15.0),
    "parting": lambda rng, n: rng.choice([-1, 1], n),
    "glasses": _choice(0.86, 0.07, 0.05, 0.02),
    "light_azimuth": _normal(0, 40, -80, 80),
    "light_elevation": _normal(35, 15, 0, 75),
    "light_strength": _uniform(0.3, 0.85),
    "exposure": _normal(1, 0.15, 0.6, 1.4),
    "background": _choice(0.2, 0.2, 0.2, 0.2, 0.2),
    "background_tone": _uniform(0.02, 0.9),
    "clothes_tone": lambda rng, n: 0.03 + 0.7 * rng.random(n) ** 2,
    "blur": lambda rng, n: 0.3 + 0.3 * rng.random(n) ** 2,
    "noise": lambda rng, n: 0.003 + 0.012 * rng.random(n) ** 3,
    "texture": lambda rng, n: rng.integers(0, 2**32, n),
}


def sample_factors(n: int, seed: int) -> dict[str, np.ndarray]:
    """Draw the factors of `n` faces: arrays [n], float64 or int64, "label" among them (table in the module).

    The first k of n faces are the same for every n: each factor has a random stream of its own. Labels come
    in pairs of one 0 and one 1 in random order, so that any even number of first faces is balanced.
    """
    names = ["label", *MEASURED, *CHOSEN, *FREE]
    streams = {name: np.random.default_rng([seed, number]) for number, name in enumerate(names)}
    first = streams["label"].integers(0, 2, (n + 1) // 2)
    label = np.stack([first, 1 - first], axis=1).reshape(-1)[:n]
    factors = {"label": label}
    for name, (mean_0, mean_1, sd) in MEASURED.items():
        factors[name] = np.where(label == 0, mean_0, mean_1) + sd * streams[name].standard_normal(n)
    for name, (given_0, given_1) in CHOSEN.items():
        u = streams[name].random(n)
        edges = np.where(label[:, None] == 0, np.cumsum(given_0)[:-1], np.cumsum(given_1)[:-1])
        factors[name] = (u[:, None] >= edges).sum(axis=1)
    return factors | {name: draw(streams[name], n) for name, draw in FREE.items()}


def log_odds(factors: dict[str, np.ndarray]) -> np.ndarray:
    """log p(factors | label 1) - log p(factors | label 0), [n]: best is to say 1 where this is positive."""
    total = np.zeros(len(factors["label"]))
    for name, (mean_0, mean_1, sd) in MEASURED.items():
        total += (mean_1 - mean_0) / sd**2 * (factors[name] - (mean_0 + mean_1) / 2)
    with np.errstate(divide="ignore"):  # some choices never come with label 1
        for name, (given_0, given_1) in CHOSEN.items():
            total += (np.log(given_1) - np.log(given_0))[factors[name]]
    return total


def best_possible() -> float:
    """Accuracy of the best possible rule (Bayes), which knows every factor: 0.998.

    Exact: to the log odds b of the choices come those of the measured factors, which are normal with mean
    -D^2/2 (label 0) or D^2/2 (label 1) and variance D^2, the sum of (difference of means / standard
    deviation)^2.
    """
    d = np.sqrt(sum(((mean_1 - mean_0) / sd) ** 2 for mean_0, mean_1, sd in MEASURED.values()))
    correct = 0.0
    with np.errstate(divide="ignore"):
        for choice in itertools.product(*(zip(*pair) for pair in CHOSEN.values())):
            p_0, p_1 = np.prod(choice, axis=0)
            b = np.log(p_1) - np.log(p_0)
            correct += 0.5 * p_0 * ndtr(d / 2 - b / d) + 0.5 * p_1 * ndtr(d / 2 + b / d)
    return float(correct)


def rendered_faces(n: int, seed: int) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """`n` faces: images [n,48,48,1] float32 in [0,1] in steps of 1/255, labels [n] int64, and factors.

    The same seed gives the same faces, and the first k of n are the same for every n.
    """
    factors = sample_factors(n, seed)
    return render(factors), factors["label"].astype(np.int64), factors


def render(factors: dict[str, np.ndarray], threads: int = 2) -> np.ndarray:
    """Draw the faces with these factors, arrays [n]: images [n,48,48,1] float32 in [0,1], in steps of 1/255.

    A picture depends on its own factors only, "label" not among them, and not on the number of threads.
    """
    n = len(factors["texture"])
    images = np.empty((n, SIZE, SIZE, 1), np.float32)

    def draw(start: int) -> None:
        part = slice(start, start + CHUNK)
        images[part, :, :, 0] = _chunk({name: values[part] for name, values in factors.items()})

    joblib.Parallel(threads, backend="threading")(joblib.delayed(draw)(start) for start in range(0, n, CHUNK))
    return images


# Tools. Everything below works on [b,48,48] float32; a factor is [b,1,1].


def _step(distance):
    """0 outside and 1 inside of an edge that is one pixel wide; `distance` in pixels, positive inside."""
    return np.clip(distance + 0.5, 0, 1)


def _either(condition, yes, no=0.0):
    """`yes` where the condition holds, else `no`, in float32; Python numbers alone would give float64."""
    return np.where(condition, np.float32(yes), np.float32(no))


def _bump(squared_radius):
    """A smooth bump: 1 in the middle, 0 from radius 1 on."""
    bump = np.maximum(1 - squared_radius, 0)
    bump *= bump
    return bump


def _mix(below, above, share):
    mixed = share * (above - below)
    mixed += below
    return mixed


def _smooth(image, share, axis):
    """Three-point average along an axis with weights share, 1 - 2 share, share; the border is repeated."""
    moved = np.moveaxis(image, axis, 0)
    neighbours = np.empty_like(moved)
    neighbours[1:-1] = moved[2:] + moved[:-2]
    neighbours[0] = moved[0] + moved[1]
    neighbours[-1] = moved[-1] + moved[-2]
    share = np.moveaxis(share, axis, 0) if np.ndim(share) else share
    return np.moveaxis(moved + share * (neighbours - 2 * moved), 0, axis)


def _slope(z, axis):
    """Central difference of z along an axis, 0 on the border."""
    slope = np.zeros_like(z)
    inside, after, before = [slice(None)] * 3, [slice(None)] * 3, [slice(None)] * 3
    inside[axis], after[axis], before[axis] = slice(1, -1), slice(2, None), slice(None, -2)
    slope[tuple(inside)] = 0.5 * (z[tuple(after)] - z[tuple(before)])
    return slope


def _chunk(factors: dict[str, np.ndarray]) -> np.ndarray:
    """Images [b,48,48] from factors [b], painted from the back to the front."""
    f = {name: np.asarray(values, np.float32)[:, None, None] for name, values in factors.items()}
    streams = [np.random.default_rng(int(seed)) for seed in factors["texture"]]
    grain = np.stack([stream.standard_normal((SIZE, SIZE), np.float32) for stream in streams])
    dice = np.stack([stream.random(24, np.float32) for stream in streams])[:, :, None, None]
    coarse = np.stack([stream.standard_normal((7, 7), np.float32) for stream in streams])

    g = _geometry(f)
    f["grey"] = np.clip((f["age"] - 52 + 30 * (dice[:, 0] - 0.5)) / 30, 0, 1)
    hair_tone = _mix(f["hair_tone"], 0.36, 0.9 * f["grey"])
    strands = grain[:, ::-1]
    for axis in (1, 1, 1, 2):
        strands = _smooth(strands, np.float32(1 / 3), axis)
    light = _light(f)

    picture = _background(f, dice, coarse)
    picture = _shoulders(picture, f, g, light)
    picture = _hair(picture, f, g, light, hair_tone, strands, behind=True)
    picture = _head(picture, f, g, light, hair_tone, strands, grain, coarse)
    picture = _hair(picture, f, g, light, hair_tone, strands, behind=False)
    picture = _glasses(picture, f, g)
    return _camera(picture, f, grain)


def _geometry(f):
    """Where each pixel is on the head: a stack of ellipses, turned and nodding, seen from far away."""
    row = np.arange(SIZE, dtype=np.float32)[None, :, None]
    column = np.arange(SIZE, dtype=np.float32)[None, None, :]
    rad = np.float32(np.pi / 180)
    right = column - (EYES[0][0] + EYES[1][0]) / 2 - f["shift_x"]
    down = row - EYES[0][1] - f["shift_y"]
    c, s = np.cos(f["roll"] * rad) / f["scale"], np.sin(f["roll"] * rad) / f["scale"]
    x, y = right * c + down * s, down * c - right * s
    yaw, pitch = f["yaw"] * rad, f["pitch"] * rad
    depth = np.maximum(3 - 0.02 * x * x - 0.012 * (y - 6) ** 2, -15)  # against the eyes, for nodding
    v = y - depth * np.sin(pitch)

    width = 18.8 * f["head_width"]
    chin = 31.0 * f["face_length"] + 1.5 * f["mouth_open"]
    t = np.clip((v - 2) / _either(v > 2, chin - 2, -25), 0, 1)
    t = t * t
    square = np.clip(1.05 * f["jaw_width"], -0.9, 0.95)
    narrow = t * (1 - square * (1 - t) * (v > 2))
    profile = np.sqrt(np.maximum(1 - narrow, 1e-4))
    w, d = width * profile, 20 * np.sqrt(profile)
    cos, sin = np.cos(yaw), np.sin(yaw)
    x_head = x + 16 * sin  # from the axis of the head; the eyes stay where they are
    half = np.sqrt((w * cos) ** 2 + (d * sin) ** 2)
    u = np.clip(x_head / half, -1, 1)
    rest = np.sqrt(1 - u * u)
    along, across = w * cos / half, d * sin / half
    X = w * (u * along - rest * across)
    z = d * (rest * along + u * across) * cos - X * sin
    head = _step((half - np.abs(x_head)) * f["scale"] * np.maximum(profile, 0.25))
    return dict(x=x, y=y, v=v, X=X, A=np.abs(X), z=z, head=head, x_head=x_head, half=half, width=width,
                chin=chin, sin=sin, tan=sin / cos, pitch=np.sin(pitch))


def _light(f):
    rad = np.float32(np.pi / 180)
    azimuth, elevation = f["light_azimuth"] * rad, f["light_elevation"] * rad
    return np.sin(azimuth) * np.cos(elevation), -np.sin(elevation), np.cos(azimuth) * np.cos(elevation)


def _lit(f, light, nx, ny, nz):
    """Light on a surface with this unit normal: directed, soft where shadow begins, and from everywhere."""
    facing = np.maximum(0.12 + 0.88 * (nx * light[0] + ny * light[1] + nz * light[2]), 0)
    return f["light_strength"] * 1.15 * facing + (1 - f["light_strength"]) * (0.75 - 0.2 * ny)


def _background(f, dice, coarse):
    grid = np.linspace(-1, 1, SIZE, dtype=np.float32)
    row, column = grid[None, :, None], grid[None, None, :]
    tone = f["background_tone"]
    kind = f["background"][:, 0, 0].astype(int)
    picture = np.broadcast_to(tone, (len(kind), SIZE, SIZE)).copy()
    k = kind == 1
    angle = 2 * np.pi * dice[k, 1]
    picture[k] = tone[k] * (1 + 0.6 * (np.cos(angle) * row + np.sin(angle) * column))
    k = kind == 2
    picture[k] = tone[k] * (1 + 0.4 * np.clip(_enlarge(coarse[k]), -2, 2))
    k = kind == 3
    for i in range(2, 14, 3):
        radius = 0.2 + 0.3 * dice[k, i]
        away = np.hypot(row - 2 * dice[k, i + 1] + 1, column - 2 * dice[k, i + 2] + 1)
        disc = np.clip((radius - away) * 8 + 0.5, 0, 1)
        picture[k] = _mix(picture[k], dice[k, i + 4] ** 2, 0.7 * disc)
    k = kind == 4
    for i in (2, 5, 8):
        stripe = np.clip((0.1 + 0.3 * dice[k, i] - np.abs(column - 2 * dice[k, i + 1] + 1)) * 7 + 0.5, 0, 1)
        picture[k] = _mix(picture[k], dice[k, i + 2] ** 2, 0.8 * stripe)
    shelf = np.clip((row - 1.6 * dice[k, 12] + 0.8) * 6, 0, 1)
    picture[k] = picture[k] * (1 - 0.5 * shelf)
    return np.clip(picture, 0.003, 1)


def _enlarge(coarse):
    """[b,7,7] -> [b,48,48] by smooth interpolation, as two matrix products."""
    place = np.linspace(0, 6, SIZE, dtype=np.float32)[:, None] - np.arange(7, dtype=np.float32)
    weight = np.maximum(1 - np.abs(place), 0)
    weight = weight * weight * (3 - 2 * weight)
    return weight @ coarse @ weight.T


def _shoulders(picture, f, g, light):
    x, y = g["x"] + 6 * g["sin"], g["y"]
    neck_half = 10.8 + 2.5 * np.clip(f["jaw_width"], -1, 1.5)
    across = np.clip(x / neck_half, -1, 1)
    lit = _lit(f, light, across, -0.1, np.sqrt(1 - across * across))
    shadow = 0.35 + 0.4 * np.clip((y - g["chin"] + 2) / 14, 0, 1)
    picture = _mix(picture, f["skin"] * lit * shadow, _step(neck_half - np.abs(x)) * _step(y - 12))
    collar = 38 - 0.05 * x * x * (np.abs(x) < 11) + _either(np.abs(x) > 11, 0.28 * np.abs(x) - 11)
    across = np.clip(x / 40, -1, 1)
    lit = _lit(f, light, across, -0.5, 0.8)
    return _mix(picture, f["clothes_tone"] * lit, _step(0.7 * (y - collar)))


def _hair(picture, f, g, light, tone, strands, behind):
    """Hair behind the head (down to hair_length), or in front (above the hairline, at the sides)."""
    style, X, A, v, x = f["hair_style"], g["X"], g["A"], g["v"], g["x_head"]
    wave = 0.9 * strands * _either(style == 6, 2.2, 1.0)
    volume = f["hair_volume"] * _either(style == 6, 1.9, _either(style == 0, 0.1, 1.0))
    end = _either(style == 0, np.minimum(f["hair_length"], 3), f["hair_length"])
    long = np.clip((end - 2) / 14, 0, 1)  # long hair stands off and covers the cheeks
    hang = _mix(np.clip((end + 3 - v) / 12, 0, 1), 1.0, long)  # short hair gets thinner downwards
    half = g["width"] * (0.97 + 0.03 * np.abs(g["sin"])) + volume * (0.55 + 0.65 * long) * hang
    above = np.minimum(v + 3, 0) / (21 + volume)
    reach = half * np.sqrt(np.maximum(1 - above * above, 0)) + np.clip(v, 0, 25) * 0.14 * long
    if behind:
        mask = _step(np.minimum(reach + wave - np.abs(x), 0.35 * (end + 3 * wave - v)))
        mask = mask * _either((style == 0) & (v < -9), 0, 1)
    else:
        side, temple = f["parting"] * X, (A / 14) ** 2
        line = -f["hairline"] + 2.5 * temple * temple
        line = _either(style == 0, -40, line)
        swept = -f["hairline"] - 1 + np.maximum(0.35 * (side + 7), -1.1 * (side + 7))
        line = _either(style == 2, swept, line)
        line = _either(style == 3, -7.5 + 0.02 * A * A + 0.08 * side, line)
        line = _either(style == 4, -f["hairline"] - 4 + 0.75 * A, line)
        line = _either(style == 5, -f["hairline"] - 2.5 + 2.5 * _bump((X / 5) ** 2), line)
        inner = 17.0 - 3.0 * long + 0.006 * np.maximum(v - 4, 0) ** 2
        inner = inner + 0.22 * np.maximum(v + 5, 0) * (1 - long)
        edge = np.maximum(line - v, np.minimum(A - inner, 0.35 * (end - v)))
        beyond = _step(reach - np.abs(x)) * _either(v < -6, 1, long)  # of the outline of the head
        mask = _step(0.7 * edge + wave) * np.maximum(g["head"], beyond)
        mask = mask * _either((style == 0) & (v < -10 + 0.1 * A), 0, 1)
    across = np.clip(x / (half + 2), -0.98, 0.98)
    up = np.clip(above * 0.95, -0.98, 0)
    ahead = np.sqrt(np.maximum(1 - across * across - up * up, 0.02))
    lit = _lit(f, light, across, up, ahead)
    arch = (v + 12.5 + 0.025 * x * x) / 4.5
    shine = _bump(arch * arch) * 0.22 * f["light_strength"] if not behind else 0
    root = 0.45 if behind else 0.6 + 0.4 * np.clip(0.3 * edge, 0, 1)  # darker behind and near the skin
    shade = lit * (1 + 0.7 * np.clip(strands, -1, 1)) * root
    return _mix(picture, tone * shade + (0.03 + 0.35 * tone) * shine * (1 + strands), mask)


UPPER, LOWER = slice(0, 28), slice(15, SIZE)  # rows where eyes and brows can be in any pose; mouth and beard


def _rows(arrays, rows):
    """The same dictionary with these rows of all that is a picture."""
    return {name: a[:, rows] if np.ndim(a) == 3 and a.shape[1] == SIZE else a for name, a in arrays.items()}


def _head(picture, f, g, light, hair_tone, strands, grain, coarse):
    """The shaded head: the heights of the features give the normals, colours are painted on the surface."""
    x, v = g["x_head"], g["v"]
    side = np.sign(x)
    ear_x, ear_v = (np.abs(x) - g["half"] - 0.5) / 2.6, (v - 4) / 6.5
    ear = _step(2.2 * (1 - ear_x * ear_x - ear_v * ear_v))
    fold = _bump((ear_x * 2) ** 2 + (ear_v * 1.6) ** 2)
    picture = _mix(picture, f["skin"] * _lit(f, light, side * 0.5, 0.0, 0.8) * (0.75 - 0.3 * fold), ear)

    g = g | _nose_and_mouth_lines(f, g)
    z = _heights(f, g, grain)
    zx = np.clip(f["scale"] * _slope(z, 2), -2.2, 2.2)
    zy = np.clip(f["scale"] * _slope(z, 1), -2.2, 2.2)
    nz = 1 / np.sqrt(1 + zx * zx + zy * zy)
    nx, ny = -zx * nz, -zy * nz
    lit = _lit(f, light, nx, ny, nz)
    lit[:, UPPER] *= 1 - 0.3 * _bump((g["eye"][:, UPPER] / 7) ** 2 + ((v[:, UPPER] + 1.5) / 4.5) ** 2)
    beside = g["nose_x"] + 4 * light[0]
    nose_shadow = _bump((beside / 4.2) ** 2 + ((v - g["tip"] - 2.4) / 3.0) ** 2)
    lit = lit * (1 - 0.45 * f["light_strength"] * nose_shadow)
    size = np.sqrt(light[0] ** 2 + light[1] ** 2 + (light[2] + 1) ** 2)
    shine = np.maximum((nx * light[0] + ny * light[1] + nz * (light[2] + 1)) / size, 0)
    for _ in range(4):
        shine = shine * shine

    old = f["old"]
    tone = f["skin"] * (1 + 0.05 * _enlarge(coarse[:, ::-1]) + 0.03 * grain * old)
    nostril_x, nostril_v = np.abs(g["nose_x"]) - 2.2 * f["nose"], g["nose_v"] - g["tip"] - 1.2
    tone = tone * (1 - 0.7 * _bump((nostril_x / 1.7) ** 2 + (nostril_v / 1.4) ** 2))
    low, high = _rows(g, LOWER), _rows(g, UPPER)
    tone[:, LOWER] = _beard(tone[:, LOWER], f, low, hair_tone, strands[:, LOWER], grain[:, LOWER])
    tone[:, LOWER] = _mouth(tone[:, LOWER], f, low)
    tone[:, UPPER], glint = _eyes(tone[:, UPPER], f, high, light, lit[:, UPPER])
    tone[:, UPPER] = _brows(tone[:, UPPER], f, high, strands[:, UPPER])
    skin = tone * np.maximum(lit, 0.03) + (0.04 + 0.12 * f["skin"]) * shine * f["light_strength"]
    skin[:, UPPER] += glint
    picture = _mix(picture, skin, g["head"])

    x, below = g["x"][:, LOWER] / 11, (v[:, LOWER] - 25) / (g["chin"] - 18)
    hang = _step(4 * (1 - x * x - below * below) + 0.5 * strands[:, LOWER])
    hang = hang * np.clip(0.4 * (v[:, LOWER] - 25), 0, 1)
    colour = _beard_tone(f, hair_tone, strands[:, LOWER]) * _lit(f, light, 0.7 * x, -0.3, 0.7)
    picture[:, LOWER] = _mix(picture[:, LOWER], colour, hang * _either(f["beard"] == 3, 1))
    return picture


def _beard_tone(f, hair_tone, strands):
    darker_than_skin = 0.42 * f["skin"]
    grey = 0.45 * f["grey"] * (f["skin"] < 0.3)  # on dark skin a grey beard is lighter than the skin
    return np.maximum(np.minimum(hair_tone, darker_than_skin), grey) * (1 + 0.4 * np.clip(strands, -1, 1))


def _nose_and_mouth_lines(f, g):
    """Coordinates that several features share. The nose stands out, so it moves when the head turns."""
    X, v = g["X"], g["v"]
    tip = 12.2 * f["nose_length"]
    ramp = np.clip((v + 3) / (tip + 3), 0, 1)
    out = 4.0 * ramp * ramp + 0.8 * ramp
    cheer = np.maximum(f["smile"], 0)
    m = 6.8 + 2.8 * cheer  # half the width of the mouth
    share = (X / m) ** 2
    taper = np.maximum(1 - share, 0)
    line = 19.0 * (0.5 + 0.5 * f["face_length"]) - np.clip(2 * f["smile"] * (share - 0.35), -2.5, 3)
    f["nose"] = np.maximum(1 + 1.5 * (f["nose_width"] - 1), 0.4)  # exaggerated, to be seen in 48 pixels
    f["old"] = np.clip((f["age"] - 30) / 55, 0, 1)
    return dict(tip=tip, ramp=ramp, out=out, nose_x=X - out * g["tan"], nose_v=v - 0.6 * out * g["pitch"],
                cheer=cheer, m=m, taper=taper, b=v - line, gap=5.0 * f["mouth_open"] * taper,
                full=np.clip(f["lip_fullness"], 0.2, 2.2), eye=g["A"] - EYE)


def _heights(f, g, grain):
    """Distance of the surface towards the viewer, pixels."""
    X, A, v, eye, tip, ramp = (g[name] for name in ("X", "A", "v", "eye", "tip", "ramp"))
    old, cheer, b, gap = f["old"], g["cheer"], g["b"], g["gap"]
    nose_half = (2.8 + 2.4 * ramp * ramp) * f["nose"]
    under = np.clip((tip + 2.2 - g["nose_v"]) / 2.8, 0, 1) * (v > -5)
    z = g["z"] + g["out"] * _bump((g["nose_x"] / nose_half) ** 2 * 0.5) * under
    wing = ((np.abs(g["nose_x"]) - 3.3 * f["nose"]) / 2.3) ** 2 + ((g["nose_v"] - tip + 0.3) / 2.6) ** 2
    z += 1.4 * _bump(wing)
    z += (1.0 + 1.2 * cheer) * _bump(((A - 10.5) / 8) ** 2 + ((v - 8.5 + 1.5 * cheer) / 7) ** 2)

    w, e = v[:, UPPER], eye[:, UPPER]
    z[:, UPPER] -= 2.4 * _bump((e / 7.5) ** 2 + ((w + 0.3) / 5.2) ** 2)
    z[:, UPPER] += 1.5 * _bump((e / 5.2) ** 2 + ((w - 0.2) / 3.3) ** 2)
    z[:, UPPER] += (0.6 + 0.4 * f["jaw_width"]) * _bump(((e + 1.75) / 11) ** 2 + ((w + 6.5) / 3.8) ** 2)
    z[:, UPPER] -= 0.9 * old * _bump((e / 5) ** 2 + ((w - 4.6) / 1.6) ** 2)
    lines = np.sin(2.1 * w + 0.03 * e * e) * np.clip((-6.5 - w) / 2, 0, 1) * np.clip(4 - e, 0, 1)
    z[:, UPPER] += 0.35 * old * lines

    w, x, a, b, gap, taper = (part[:, LOWER] for part in (v, X, A, b, gap, g["taper"]))
    z[:, LOWER] += 1.4 * _bump((x / 10) ** 2 + (b / 6) ** 2)
    upper, lower = _bump(((b + 1.3) / 2.2) ** 2), _bump(((b - gap - 1.7) / 2.4) ** 2)
    z[:, LOWER] += 1.1 * g["full"] * taper * (upper + 1.2 * lower)
    z[:, LOWER] -= 1.0 * _bump((x / 8) ** 2 + ((b - gap - 4.6) / 2.2) ** 2)
    z[:, LOWER] += 1.8 * _bump((x / 7) ** 2 + ((w - g["chin"] + 5) / 5) ** 2)
    crease = (a - 5.2 - 0.46 * (w - 12.5) - 1.2 * cheer) / 1.8
    crease = _bump(crease * crease) * np.clip((w - 10) / 3, 0, 1) * np.clip((23 - w) / 4, 0, 1)
    z[:, LOWER] -= (0.15 + 0.8 * old + 0.6 * cheer) * crease
    z += (0.02 * (0.2 + old)) * grain
    return _smooth(_smooth(z, np.float32(0.25), 1), np.float32(0.25), 2)


def _mouth(tone, f, g):
    X, A, b, gap, taper, m, full = (g[name] for name in ("X", "A", "b", "gap", "taper", "m", "full"))
    upper, lower = (0.3 + 1.3 * full) * taper, (0.4 + 1.9 * full) * np.sqrt(taper)
    upper = upper * (1 - 0.25 * _bump((X / 2) ** 2))
    lips = _step(np.minimum(b + upper, gap + lower - b)) * (taper > 0)
    tone = _mix(tone, f["skin"] * (0.6 - 0.55 * np.clip(full - 1, -0.6, 0.7)), 0.9 * lips)
    tone = _mix(tone, 0.02, _step(np.minimum(b, gap - b) - 0.15) * (taper > 0))
    teeth = _step(np.minimum(b, np.minimum(gap, 3.2) - b) - 0.1) * (A < m - 1)
    tone = _mix(tone, 0.35 + 0.4 * f["skin"], teeth)
    line = _bump((b / 0.9) ** 2) * np.clip((m + 0.8 - A) * 0.7, 0, 1)
    tone = tone * (1 - 0.65 * line * (1 - f["mouth_open"]))
    return tone * (1 - 0.35 * _bump(((A - m) / 1.6) ** 2 + ((b + 0.1) / 1.3) ** 2))


def _eyes(tone, f, g, light, lit):
    """Eyeballs, lids and lashes; returns the colours and the glint, which is light and not colour."""
    side, eye, v = np.sign(g["X"]), g["eye"], g["v"]
    half = 4.7 * f["eye_size"]
    arc = np.maximum(1 - (eye / half) ** 2, 0)
    opening = np.clip(f["eye_open"] - 0.15 * g["cheer"], 0.05, 1.5) * f["eye_size"]
    below = v - 0.7 + 0.06 * eye  # the outer corner is a little higher; lid and iris together are at EYES
    from_top, from_low = below + 2.0 * opening * arc, 1.5 * opening * arc - below
    ball = _step(np.minimum(from_top, from_low) * 1.2) * (arc > 0)
    iris_x = eye - side * f["gaze"]
    iris = _step(2.2 - np.sqrt(iris_x * iris_x + below * below))
    white = (0.2 + 0.42 * f["skin"]) * (0.6 + 0.4 * np.minimum(lit, 1.2))
    tone = _mix(tone, _mix(white, 0.02, iris), ball)
    lash = np.clip(f["lashes"], 0, 1.4)
    rim = _bump(((from_top + 0.3) / (1.0 + 0.6 * lash)) ** 2)
    rim = rim * np.clip((half + 0.9 - np.abs(eye)) * 0.8, 0, 1)
    tone = tone * (1 - np.minimum(0.25 + 0.7 * lash, 0.97) * rim)
    tone = tone * (1 - np.minimum(0.1 + 0.5 * lash, 0.9) * _bump(((from_low + 0.2) / 0.9) ** 2) * (arc > 0))
    tone = tone * (1 - 0.5 * lash * _bump((eye / 6) ** 2 + ((from_top + 1.9) / 1.9) ** 2))
    tone = tone * (1 - 0.25 * _bump(((from_top + 2.0) / 0.8) ** 2) * (arc > 0))
    glint = _bump(((iris_x * side - 0.8 * np.sign(light[0])) / 1.2) ** 2 + ((below + 0.8) / 1.2) ** 2)
    return tone, (0.1 + 0.3 * f["skin"]) * glint * ball


def _brows(tone, f, g, strands):
    A, v = g["A"], g["v"]
    thick = np.maximum(f["brow_thickness"], 0.3)
    middle = 0.5 - f["brow_distance"] - 1.4 * _bump(((A - 11.5) / 9) ** 2)
    ends = np.clip((A - 3.0) * 0.4, 0, 1) * np.clip((16.5 - A) * 0.25, 0, 1)
    brow = np.clip((0.65 * thick - 0.3) * (0.35 + 0.65 * ends) - np.abs(v - middle) + 0.4, 0, 1) * ends
    colour = np.minimum(_mix(f["hair_tone"], 0.3, 0.5 * f["grey"]), 0.35 * f["skin"])
    return _mix(tone, colour, np.clip(0.85 + 0.25 * strands, 0, 1) * brow)


def _beard(tone, f, g, hair_tone, strands, grain):
    beard, X, A, v, b, gap = f["beard"], g["X"], g["A"], g["v"], g["b"], g["gap"]
    cheek = 15.5 - 0.05 * np.maximum(A - 7.5, 0) ** 2
    lips = _bump((X / 6.5) ** 2 + ((b - 1 - gap * 0.5) / 4.0) ** 2)
    area = np.clip((v - cheek) * 0.4 + 0.5, 0, 1) * (1 - lips)
    area = _either(beard == 4, area * np.clip((8 - A) * 0.6, 0, 1) * np.clip(b, 0, 1), area)
    dense = _either(beard == 1, 0.5, _either(beard == 0, 0.0, 0.9))
    colour = _beard_tone(f, hair_tone, strands)
    tone = _mix(tone, colour, area * dense * np.clip(1 + 0.15 * grain, 0.5, 1.05))
    lip = _bump((X / 10.5) ** 2 + ((b + 2.7 - 0.025 * X * X) / 2.7) ** 2)
    has = np.maximum(f["moustache"], _either(beard == 1, 0.4, _either((beard == 2) | (beard == 3), 0.9)))
    return _mix(tone, colour, np.minimum(3.5 * lip, 0.95) * has)


def _glasses(picture, f, g):
    kind = f["glasses"]
    wearing = kind[:, 0, 0] > 0
    if not wearing.any():
        return picture
    kind = kind[wearing]
    X, A, v, head = g["X"][wearing], g["A"][wearing], g["v"][wearing] - 0.8, g["head"][wearing]
    thin = kind == 1
    ex, ey = (A - EYE) / 7.0, v / _either(thin, 5.6, 4.8)
    power = _either(thin, ex * ex + ey * ey, (ex * ex) ** 2 + (ey * ey) ** 2)
    radius = _either(thin, np.sqrt(power), np.sqrt(np.sqrt(power)))
    width = _either(kind == 2, 0.75, 0.4)
    rim = _step(width - np.abs(radius - 1) * 5.4)
    bridge = _step(width - np.abs(v + 1.2)) * (A < 3.2)
    arm = _step(width - np.abs(v + 1.5)) * (A > EYE + 6.5)
    frame = np.maximum(rim, np.maximum(bridge, arm)) * head
    view = picture[wearing]
    lens = _step((1 - radius) * 5)
    seen_through = 0.02 + 0.12 * view + 0.04 * np.clip(-v / 5, 0, 1)
    view = _mix(view, seen_through, 0.93 * lens * _either(kind == 3, head))
    view = view + 0.05 * lens * _bump(((X - v) / 3) ** 2) * _either(kind < 3, 1)
    picture[wearing] = _mix(view, _either(thin, 0.12, 0.02), _either(thin, 0.75, 0.95) * frame)
    return picture


def _camera(picture, f, grain):
    """Exposure, tone curve, blur, noise, 8 bits."""
    gain = 0.85 * f["exposure"] / (0.25 + 1.3 * f["skin"])
    picture = np.sqrt(np.clip(gain * picture, 0, 1))
    share = 0.5 * np.minimum(f["blur"] ** 2 / 2, 0.6)
    for _ in range(2):
        picture = _smooth(_smooth(picture, share, 1), share, 2)
    picture = picture * (0.62 + picture * (1.2 - 0.8 * picture)) + f["noise"] * grain
    return np.round(np.clip(picture, 0, 1) * 255) * np.float32(1 / 255)
