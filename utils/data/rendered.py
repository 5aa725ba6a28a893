"""Rendered faces: 48x48 grey pictures of invented people, of whom everything is known.

    images, labels, factors = rendered_faces(n, seed)

The label (0 "man", 1 "woman") is a rule that we made up: it is drawn first, evenly, and then the factors of
the first two groups below are drawn from densities that depend on it and overlap. It says nothing about
people. All other factors, skin and age among them, are drawn without looking at the label.

depends on the label, normal with the same standard deviation for both labels (`MEASURED`)
    hair_length       where the hair ends, pixels below the eyes (at most 3 is drawn in style 0)
    jaw_width         0 is an ellipse, 1 is square
    brow_thickness    pixels
    brow_distance     from the eyes up to the brows, pixels
    lip_fullness      1 is average
    lashes            darkness of the lash line, 0..1
    face_length       1 is average
    nose_width        1 is average
depends on the label, a choice (`CHOSEN`)
    hair_style        0 shorn or receding, 1 cap, 2 side parting, 3 fringe, 4 middle parting, 5 peak, 6 curly
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
    hair_tone         reflectance before greying, 0.012 black to 0.31 fair
    hair_volume       pixels beyond the skull
    hairline          height above the eyes from which hair falls over the forehead, pixels
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

How a face is painted from its factors is in `face_painting.py`, which calls `face_geometry`, `face_features`,
`face_beard`, `face_hair` and `face_light`.
"""
import itertools
from collections.abc import Callable

import joblib
import numpy as np
from scipy.special import ndtr  # the distribution function of the standard normal

from utils.data.face_painting import paint
from utils.data.images import FACE_SIZE

Draw = Callable[[np.random.Generator, int], np.ndarray]  # n values [n] of a factor

CHUNK = 32  # images rendered at once: their arrays stay in the cache

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


def _normal(mean: float, sd: float, low: float, high: float) -> Draw:
    return lambda rng, n: np.clip(rng.normal(mean, sd, n), low, high)


def _uniform(low: float, high: float) -> Draw:
    return lambda rng, n: rng.uniform(low, high, n)


def _choice(*probabilities: float) -> Draw:
    return lambda rng, n: np.searchsorted(np.cumsum(probabilities)[:-1], rng.random(n), side="right")


FREE: dict[str, Draw] = {
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
    images = np.empty((n, FACE_SIZE, FACE_SIZE, 1), np.float32)

    def draw(start: int) -> None:
        part = slice(start, start + CHUNK)
        images[part, :, :, 0] = paint({name: values[part] for name, values in factors.items()})

    joblib.Parallel(threads, backend="threading")(joblib.delayed(draw)(start) for start in range(0, n, CHUNK))
    return images
