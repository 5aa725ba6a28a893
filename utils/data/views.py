"""Rendered views of towns and of the country: what unit 01 tells apart with two filters.

`town(seed)` is a street in perspective, houses with windows on both sides; `country(seed)` is hills, stony meadows and trees with
trunks, which are long upright lines too. Every picture is float32 in [0, 1], [H, W, 3] in colour or [H, W] in grey.

The camera stands 1.7 m above the ground and looks straight ahead: a point x metres to the right, y above the ground and z ahead
is seen `focal * x / z` pixels right of the middle and `focal * (y - 1.7) / z` above the horizon. So upright lines stay upright.
"""
import numpy as np
from PIL import Image, ImageDraw

from utils.data.images import to_float, to_grey
from utils.data.pictures import natural_noise

EYE, NEAR = 1.7, 2.0  # metres: the height of the camera, and the nearest thing that it shows
SCALE = 2  # drawn larger, then reduced, so that lines are smooth


class Canvas:
    """A picture to draw on in metres, [SCALE * height, SCALE * width, 3].

    background  [height, width, 3] in [0, 1]; `horizon` is its row, in pixels from the top. `random` is for those who draw on it.
    """

    def __init__(self, random: np.random.Generator, background: np.ndarray, horizon: float):
        self.height, self.width = background.shape[:2]
        self.focal, self.horizon = 0.8 * SCALE * self.width, SCALE * horizon
        large = Image.fromarray((255 * background.clip(0, 1)).astype(np.uint8))
        self.image = large.resize((SCALE * self.width, SCALE * self.height))
        self.draw, self.random = ImageDraw.Draw(self.image), random

    def seen(self, x: float, y: float, z: float) -> tuple[float, float]:
        """The column and row of a point in metres."""
        return SCALE * self.width / 2 + self.focal * x / z, self.horizon - self.focal * (y - EYE) / z

    def polygon(self, points: list[tuple[float, float, float]], colour: np.ndarray) -> None:
        """Fill a polygon, given in metres, with a colour [3] in [0, 1], mixed with haze where it is far away."""
        haze = 1 - np.exp(-np.mean([z for _, _, z in points]) / 250)
        colour = (1 - haze) * np.asarray(colour) + haze * np.array([0.72, 0.78, 0.85])
        self.draw.polygon([self.seen(*point) for point in points], fill=tuple((255 * colour.clip(0, 1)).astype(int)))

    def wall(self, start: np.ndarray, end: np.ndarray, low: float, high: float, colour: np.ndarray) -> None:
        """An upright rectangle over the line from `start` to `end`, (x, z) [2] each, as far as it is before the camera.

        low, high  metres above the ground; colour  [3] in [0, 1]
        """
        if max(start[1], end[1]) <= NEAR:
            return
        if min(start[1], end[1]) < NEAR:
            near, far = (start, end) if start[1] < end[1] else (end, start)
            near = far + (near - far) * (far[1] - NEAR) / (far[1] - near[1])
            start, end = (near, far) if start[1] < end[1] else (far, near)
        self.polygon([(start[0], low, start[1]), (start[0], high, start[1]), (end[0], high, end[1]), (end[0], low, end[1])],
                     colour)

    def finished(self, seed: int, grain: float, grey: bool) -> np.ndarray:
        """The picture, float32 [height, width, 3] or grey [height, width], with natural noise as the texture of all surfaces."""
        x = to_float(np.asarray(self.image.resize((self.width, self.height), Image.Resampling.BOX)), np.float64)
        x = (x * (1 + grain * natural_noise(seed + 5000, self.height, self.width, slope=0.7)[..., None])).clip(0, 1)
        return to_grey(x.astype(np.float32)) if grey else x.astype(np.float32)


def town(seed: int, height: int = 171, width: int = 256, grey: bool = False) -> np.ndarray:
    """A street that does not exist, in perspective, with houses, windows, lamps and trees: [H, W, 3], or [H, W] with `grey`."""
    random = np.random.default_rng([seed, 1])
    horizon = random.uniform(0.55, 0.7) * height
    canvas = Canvas(random, _sky(seed, height, width), horizon)
    ground = random.uniform(0.35, 0.5) * np.array([1, 0.99, 0.97])
    canvas.polygon([(-400, 0, 400), (400, 0, 400), (9, 0, NEAR), (-9, 0, NEAR)], ground)
    yaw, half = random.uniform(-0.45, 0.45), random.uniform(5, 22)
    ahead, right = np.array([np.sin(yaw), np.cos(yaw)]), np.array([np.cos(yaw), -np.sin(yaw)])  # (x, z)
    things = []
    for side in (-1, 1):
        along = random.uniform(-12, 0)
        while along < 90:
            wide = random.uniform(7, 16)
            front = [side * half * right + place * ahead for place in (along, along + wide)]
            things.append((front[1] @ front[1], _house, (front, side * right, random.uniform(4, 17))))
            along += wide + random.choice([0, 0, 0, 4])
        for place in random.uniform(6, 50, random.integers(0, 4)):
            spot = side * (half - 1.5) * right + place * ahead
            things.append((spot @ spot, _tree if random.random() < 0.5 else _lamp, (spot,)))
    for _, draw, arguments in sorted(things, key=lambda thing: -thing[0]):  # the farthest first
        draw(canvas, *arguments)
    return canvas.finished(seed, 0.03, grey)


def country(seed: int, height: int = 171, width: int = 256, grey: bool = False, trees: int | None = None) -> np.ndarray:
    """A landscape that does not exist: hills, stony meadows, trees with trunks: [H, W, 3], or [H, W] with `grey`.

    trees  how many; up to 29, drawn at random, if it is not said. With 30 it is a wood.
    """
    random = np.random.default_rng([seed, 2])
    horizon = random.uniform(0.35, 0.55) * height
    picture, rows = _sky(seed, height, width), np.arange(height)[:, None]
    rough = natural_noise(int(random.integers(10**6)), height, width, slope=0.9)[..., None]
    ridges = natural_noise(int(random.integers(10**6)), 1, 4 * width, slope=1.3)[0].reshape(4, width)
    for ridge, distance in zip(ridges, (4, 2.5, 1.5)):  # the farthest first
        top = horizon - height * (0.03 * distance + 0.03 * ridge)
        green = np.array([0.36, 0.42, 0.27]) / distance**0.3 + 0.05 * distance
        picture = np.where((rows > top)[..., None], green * (1 + 0.25 * rough / distance), picture)
    picture = _meadow(random, picture, horizon)
    canvas = Canvas(random, picture, horizon)
    for z in sorted(random.uniform(7, 70, random.integers(0, 30) if trees is None else trees), reverse=True):
        _tree(canvas, np.array([random.uniform(-0.65, 0.65) * z, z]))
    return canvas.finished(seed, 0.03, grey)


def _sky(seed: int, height: int, width: int) -> np.ndarray:
    up = np.linspace(1, 0, height)[:, None, None] ** 1.5
    cloud = np.clip(natural_noise(seed + 6000, height, width, slope=1.7) - 0.3, 0, 1)[..., None]
    blue = up * np.array([0.35, 0.53, 0.80]) + (1 - up) * np.array([0.80, 0.86, 0.93])
    return blue + 0.5 * cloud * (0.95 - blue)


def _meadow(random: np.random.Generator, picture: np.ndarray, horizon: float) -> np.ndarray:
    """The picture with a stony meadow below the horizon, whose texture becomes coarser towards the camera."""
    from scipy.ndimage import map_coordinates

    height, width, _ = picture.shape
    first = int(horizon) + 2
    z = 0.8 * width * EYE / (np.arange(first, height) - horizon)[:, None]  # metres ahead that each row shows
    stones = natural_noise(int(random.integers(10**6)), 256, 256, slope=0.6)
    places = np.broadcast_arrays(50 * np.log(z), (np.arange(width) - width / 2) * 0.11 * z**0.5)  # finer where it is far away
    texture = map_coordinates(stones, places, order=1, mode="grid-wrap")
    light = (0.85 + random.uniform(0.15, 0.45) * texture)[..., None].clip(0.15, 1.8)
    rock = np.clip(texture - 0.4, 0, 1)[..., None]
    picture = picture.copy()
    picture[first:] = light * ((1 - rock) * np.array([0.36, 0.42, 0.20]) + rock * np.array([0.55, 0.52, 0.48]))
    return picture


def _house(canvas: Canvas, front: list[np.ndarray], outwards: np.ndarray, high: float) -> None:
    """Draw a house: two walls, most often a roof, and windows in rows. `front` are the two ends of its facade, (x, z)."""
    random = canvas.random
    colour = np.array([0.75, 0.68, 0.58]) + random.uniform(-0.25, 0.15) + random.uniform(-0.08, 0.08, 3)
    for end in front:  # the side walls, seen where the next house is lower or a gap is
        canvas.wall(end, end + 8 * outwards, 0, high, 0.72 * colour)
    canvas.wall(*front, 0, high, colour)
    if random.random() < 0.5:
        back = [end + 4 * outwards for end in front]
        if min(end[1] for end in front) > NEAR:
            canvas.polygon([(front[0][0], high, front[0][1]), (back[0][0], high + 3, back[0][1]),
                            (back[1][0], high + 3, back[1][1]), (front[1][0], high, front[1][1])], np.array([0.45, 0.30, 0.25]))
    glass = random.uniform(0.3, 0.8) * colour + [0, 0.01, 0.04]
    columns = int(np.hypot(*(front[1] - front[0])) / random.uniform(2.3, 3.5))
    for floor in np.arange(1, high - 2.2, 3.1):
        for column in range(columns):
            left, right = (front[0] + (front[1] - front[0]) * (column + part) / columns for part in (0.3, 0.7))
            canvas.wall(left, right, floor - 0.1, floor + 1.7, np.minimum(colour + 0.1, 1))
            canvas.wall(left + 0.08 * (right - left), right - 0.08 * (right - left), floor, floor + 1.6, glass)


def _lamp(canvas: Canvas, spot: np.ndarray) -> None:
    x, z = spot
    if z > NEAR:
        canvas.polygon([(x - 0.07, 0, z), (x - 0.05, 4.5, z), (x + 0.05, 4.5, z), (x + 0.07, 0, z)], np.array([0.2, 0.21, 0.22]))


def _tree(canvas: Canvas, spot: np.ndarray) -> None:
    """Draw a tree: a trunk that leans a little and tapers, and a crown of boughs of small leaves."""
    (x, z), random = spot, canvas.random
    if z <= NEAR:
        return
    trunk, thick, lean = random.uniform(2, 6), random.uniform(0.12, 0.3), random.normal(0, 0.06)
    bark = random.uniform(0.5, 1) * np.array([0.36, 0.28, 0.22])
    top = trunk + random.uniform(1, 4)
    canvas.polygon([(x - thick, 0, z), (x + lean * top - 0.3 * thick, top, z), (x + lean * top + 0.3 * thick, top, z),
                    (x + thick, 0, z)], bark)
    column, row = canvas.seen(x + lean * top, top, z)
    radius, green = canvas.focal * random.uniform(1.1, 2.4) / z, random.uniform(0.7, 1.2) * np.array([61, 87, 38])
    for boughs in random.normal(0, 0.45 * radius, (int(random.integers(5, 10)), 2)):
        leaves = [column, row] + boughs + random.normal(0, 0.28 * radius, (45, 2))
        for (across, down), size, light in zip(leaves, radius * random.uniform(0.03, 0.12, 45), random.uniform(0.5, 1.5, 45)):
            canvas.draw.ellipse([across - size, down - size, across + size, down + size], fill=tuple((green * light).astype(int)))
