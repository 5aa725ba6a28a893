"""Pictures for filters: `picture(name)` from the wheels of scikit-image and scikit-learn, or your own file.

`houses(seed)` draws a row of houses. Every picture is float32 in [0, 1], [H, W, 3] in
colour or [H, W] in grey; nothing is downloaded.
"""
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw

from utils import other_versions_names
from utils.data.images import open_picture, to_float, to_grey

__getattr__ = other_versions_names(__name__)

LARGEST = 640  # pixels; the longer side of a file of one's own is made no larger than this


class Source(NamedTuple):
    """Where a picture comes from: package, file in it, who made it, licence."""

    package: str
    file: str
    author: str
    licence: str


PICTURES = {  # none shows a person: no figure of one may be stored in the course
    "brick": Source("skimage", "data/brick.png", "CC0Textures, Bricks25", "CC0"),
    "chelsea": Source("skimage", "data/chelsea.png", "Stefan van der Walt", "CC0"),
    "china": Source("sklearn", "datasets/images/china.jpg", "danielbuechele (Flickr)", "CC BY 2.0"),
    "coffee": Source("skimage", "data/coffee.png", "Rachel Michetti", "CC0"),
    "flower": Source("sklearn", "datasets/images/flower.jpg", "vultilion (Flickr)", "CC BY 2.0"),
    "grass": Source("skimage", "data/grass.png", "linolafett (DeviantArt)", "CC0"),
    "gravel": Source("skimage", "data/gravel.png", "CC0Textures, Gravel04", "CC0"),
    "rocket": Source("skimage", "data/rocket.jpg", "SpaceX", "public domain"),
}


def picture(name: str, grey: bool = False, width: int | None = None) -> np.ndarray:
    """The picture `name`, one of PICTURES or a file of your own: [H, W, 3], or [H, W] with `grey`.

    A file (PNG, JPEG, of 8 or 16 bits) is turned upright as its EXIF orientation says, and reduced to at
    most 640 pixels on its longer side. With `width`, any picture is resized to that many pixels. Raises ValueError, with a
    sentence, for a name that is neither, and for a file that is not a picture.
    """
    source = PICTURES.get(str(name))
    try:
        image = open_picture(Path(find_spec(source.package).origin).parent / source.file if source else name)
    except FileNotFoundError:
        raise ValueError(f"There is no file {str(name)!r}: check its name and folder, or choose one of "
                         f"{', '.join(PICTURES)}.") from None
    if not source:
        image.thumbnail((LARGEST, LARGEST))
    if width:
        image = image.resize((width, round(image.height * width / image.width)), Image.Resampling.LANCZOS)
    colour = to_float(np.asarray(image))
    return to_grey(colour) if grey else colour


def natural_noise(seed: int, height: int, width: int, slope: float = 1.0) -> np.ndarray:
    """Noise [height, width] whose amplitude falls as 1 / frequency**slope; mean 0, standard deviation 1.

    Natural images have a slope near 1 (Field, Relations between the statistics of natural images and the
    response properties of cortical cells, 1987).
    """
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width))
    frequency[0, 0] = np.inf
    white = np.random.default_rng(seed).standard_normal((height, width))
    white -= white.mean()
    noise = np.fft.irfft2(np.fft.rfft2(white) / frequency**slope, s=(height, width))
    return noise / noise.std()


def _sky(seed: int, height: int, width: int) -> np.ndarray:
    up = np.linspace(1, 0, height)[:, None, None] ** 1.5
    blue = up * np.array([0.30, 0.50, 0.80]) + (1 - up) * np.array([0.80, 0.86, 0.93])
    cloud = np.clip(natural_noise(seed + 2000, height, width, slope=1.7) - 0.3, 0, 1)[..., None]
    return blue + 0.5 * cloud * (0.95 - blue)


def houses(seed: int, height: int = 427, width: int = 640, grey: bool = False) -> np.ndarray:
    """A row of houses that does not exist, with trees and a sky: [H, W, 3], or [H, W] with `grey`."""
    random = np.random.default_rng(seed)
    image = Image.new("RGBA", (2 * width, 2 * height))  # drawn twice as large, so that its lines are smooth
    draw, left, street = ImageDraw.Draw(image), -random.uniform(0, 0.1) * width, 1.82 * height
    windows = random.uniform(0.2, 0.8)  # how dark the glass is against the wall
    while left < 2 * width:
        wide, roof = random.uniform(0.25, 0.5) * width, street - random.uniform(0.75, 1.4) * height
        _house(draw, random, windows, left, roof, left + wide, street)
        left += wide + random.choice([0, 0, 0.12 * width])
    draw.rectangle([0, street, 2 * width, 2 * height], fill=(118, 116, 112))
    drawn = to_float(np.asarray(image.resize((width, height), Image.Resampling.BOX)), np.float64)
    rough = 1 + 0.03 * natural_noise(seed + 3000, height, width, slope=0.7)[..., None]
    opaque = drawn[..., 3:]
    colour = opaque * (0.75 * drawn[..., :3] * rough + 0.12) + (1 - opaque) * _sky(seed, height, width)
    colour = _trees(seed, random, colour).clip(0, 1).astype(np.float32)
    return to_grey(colour) if grey else colour


def _house(draw: ImageDraw.ImageDraw, random: np.random.Generator, contrast: float, left: float, top: float, right: float,
           bottom: float) -> None:
    """Draw walls, most often a roof, and windows: glass has `contrast` times the brightness of the wall."""
    wall = np.array([205, 185, 155]) + random.uniform(-60, 30) + random.uniform(-20, 20, 3)
    frame, glass = np.minimum(wall + 20, 255), contrast * wall + [0, 3, 10]
    wall, frame, glass = (tuple(int(value) for value in colour) for colour in (wall, frame, glass))
    wide = right - left
    if random.random() < 0.7:
        draw.polygon([(left, top), ((left + right) / 2, top - 0.3 * wide), (right, top)], fill=(128, 80, 64))
    draw.rectangle([left, top, right, bottom], fill=wall)
    columns, step = random.integers(2, 5), random.uniform(0.2, 0.28) * wide
    half = 0.2 * wide / columns
    for y in np.arange(top + 0.6 * step, bottom - step, 1.8 * step):
        for x in left + wide * (np.arange(columns) + 0.5) / columns:
            draw.rectangle([x - half - 4, y - 4, x + half + 4, y + step + 4], fill=frame)
            draw.rectangle([x - half, y, x + half, y + step], fill=glass)


def _trees(seed: int, random: np.random.Generator, picture: np.ndarray) -> np.ndarray:
    """The picture with two or three trees in front."""
    height, width, _ = picture.shape
    y, x = np.mgrid[:height, :width]
    leaves = natural_noise(seed + 4000, height, width, slope=0.8)
    for place in random.uniform(0, width, random.integers(2, 4)):
        size = random.uniform(0.10, 0.17) * height
        crown = np.hypot((x - place) / 1.2, y - (0.88 * height - size)) < size * (1 + 0.25 * leaves)
        colour = np.clip(0.8 + 0.4 * leaves, 0.15, 1.5)[..., None] * np.array([0.26, 0.34, 0.15])
        picture = np.where(crown[..., None], colour, picture)
    return picture
