"""Rendered traffic signs: 32x32 colour pictures of six kinds of signs, photographed by the roadside.

    images, labels = signs(count, seed)

A sign is a card, float32 [64, 64, 4]: red, green, blue, and how far it covers what is behind it (1 on the sign, 0 around it).
`card(name)` draws one seen from the front; `by_the_roadside` shows cards in a random pose and light, before a random background.
So a card with a sticker on it can be photographed as well.
"""
import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from utils import other_versions_names
from utils.data.images import to_float, to_levels

__getattr__ = other_versions_names(__name__)

SIDE, CARD = 32, 64  # pixels: a photograph, a card
CLASS_NAMES = ("stop", "yield", "no entry", "speed limit", "priority", "ahead only")
RED, WHITE, BLUE, YELLOW, BLACK = (190, 20, 35), (245, 245, 245), (20, 80, 170), (250, 200, 20), (25, 25, 25)
# corners [n, 2], each -1 to 1 to the right and down, or a text; its colour
ColouredShape = tuple[np.ndarray | str, tuple[int, int, int]]
DRAWN = 8  # a card is drawn so many times as large, and reduced
DISTANCE = 3.0  # from the camera to the sign, in half sides of a card: how strong the perspective is
POSE = {  # the lowest and the highest value; each is uniform between them
    "yaw": (-35, 35), "pitch": (-20, 20), "roll": (-12, 12),  # degrees
    "radius": (0.55, 0.9),  # half the side of the card, in halves of the picture
    "right": (-0.12, 0.12), "down": (-0.12, 0.12),  # in halves of the picture
}
LIGHT = {
    "exposure": (0.5, 1.2),  # what the picture is multiplied with
    "warmth": (-0.1, 0.1),  # share by which red grows and blue falls
    "side": (-0.25, 0.25),  # share by which one side is brighter than the middle
    "blur": (0.0, 0.8), "noise": (0.0, 0.03),  # standard deviations: in pixels, in pixel values
}


def polygon(corners: int, radius: float, turned: float = 0.0) -> np.ndarray:
    """The corners [n, 2] of a regular polygon around the middle, the first of them `turned` degrees clockwise from the right."""
    angles = 2 * np.pi * np.arange(corners) / corners + np.radians(turned)
    return radius * np.stack([np.cos(angles), np.sin(angles)], 1)


def disc(radius: float) -> np.ndarray:
    """A circle around the middle, as the corners [120, 2] of a polygon."""
    return polygon(120, radius)


_ARROW = np.array([[0, -0.7], [0.45, -0.2], [0.16, -0.2], [0.16, 0.6], [-0.16, 0.6], [-0.16, -0.2], [-0.45, -0.2]])
_LAYERS: dict[str, list[ColouredShape]] = {  # what is painted over one another
    "stop": [(polygon(8, 1.0, 22.5), WHITE), (polygon(8, 0.92, 22.5), RED), ("STOP", WHITE)],
    "yield": [(polygon(3, 1.0, 90), RED), (polygon(3, 0.6, 90), WHITE)],
    "no entry": [(disc(0.97), RED), (0.65 * np.array([[-1, -0.3], [1, -0.3], [1, 0.3], [-1, 0.3]]), WHITE)],
    "speed limit": [(disc(0.97), RED), (disc(0.74), WHITE), ("50", BLACK)],
    "priority": [(polygon(4, 1.0), WHITE), (polygon(4, 0.75), YELLOW)],
    "ahead only": [(disc(0.97), BLUE), (_ARROW, WHITE)],
}


def signs(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """`count` photographs of signs: images [count, 32, 32, 3] float32 in [0, 1], in steps of 1/255; labels int64 [count].

    The labels number CLASS_NAMES, each as frequent as the others, or one more. The same seed gives the same photographs.
    """
    labels = np.random.default_rng([seed, 0]).permutation(np.arange(count) % len(CLASS_NAMES))
    cards = np.stack([card(name) for name in CLASS_NAMES])
    return by_the_roadside(cards[labels], seed), labels.astype(np.int64)


def card(name: str) -> np.ndarray:
    """The sign of that name, one of CLASS_NAMES, from the front: float32 [64, 64, 4]. Raises ValueError for another name."""
    if name not in CLASS_NAMES:
        raise ValueError(f"There is no sign {name!r}: choose one of {', '.join(map(repr, CLASS_NAMES))}.")
    return paint(_LAYERS[name])


def paint(layers: list[ColouredShape]) -> np.ndarray:
    """A card of your own, float32 [64, 64, 4]: shapes or texts painted over one another, in colours of 0 to 255."""
    middle = CARD * DRAWN / 2
    image = Image.new("RGBA", (CARD * DRAWN, CARD * DRAWN))
    draw = ImageDraw.Draw(image)
    for shape, colour in layers:
        if isinstance(shape, str):
            font = ImageFont.load_default(middle * 1.5 / len(shape) ** 0.7)
            draw.text((middle, middle), shape, fill=colour, font=font, anchor="mm", stroke_width=DRAWN, stroke_fill=colour)
        else:
            draw.polygon([tuple(corner) for corner in middle * (1 + shape)], fill=colour)
    return to_float(np.asarray(image.reduce(DRAWN)))


def by_the_roadside(cards: np.ndarray, seed: int) -> np.ndarray:
    """Cards [N, 64, 64, 4] in [0, 1], each in a pose, a light and before a background of its own: [N, 32, 32, 3] in [0, 1].

    What is drawn at random depends on `seed` and the place in the batch, not on the cards. Raises ValueError for another shape.
    """
    cards = np.asarray(cards)
    if cards.ndim != 4 or cards.shape[1:] != (CARD, CARD, 4):
        raise ValueError(f"The cards have shape {list(cards.shape)}, expected [N, {CARD}, {CARD}, 4].")
    random = np.random.default_rng([seed, 1])
    return to_float(np.stack([_photo(levels, random) for levels in to_levels(cards)]))


def _photo(levels: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """One card, uint8 [64, 64, 4], as levels uint8 [32, 32, 3]. The picture is made twice as large, and reduced."""
    size, pose, light = (2 * SIDE, 2 * SIDE), _drawn(POSE, random), _drawn(LIGHT, random)
    colours = random.uniform(0.1, 0.8) + random.uniform(-0.15, 0.15, 3) + random.normal(0, 0.08, (4, 4, 3))
    scene = Image.fromarray(to_levels(colours)).resize(size, Image.Resampling.BICUBIC)
    way_back = _way_back(**pose)
    # Pillow multiplies colours by their cover before it interpolates, so that nothing dark comes in at the edge.
    sign = Image.fromarray(levels).transform(size, Image.Transform.PERSPECTIVE, (way_back / way_back[2, 2]).ravel()[:8],
                                              Image.Resampling.BILINEAR)
    scene.paste(sign, mask=sign.getchannel("A"))
    picture = to_float(np.asarray(scene.reduce(2).filter(ImageFilter.GaussianBlur(light["blur"]))))
    tint = light["exposure"] * np.array([1 + light["warmth"], 1, 1 - light["warmth"]])
    shade = 1 + light["side"] * np.linspace(-1, 1, SIDE)[None, :, None]
    return to_levels(picture * tint * shade + random.normal(0, light["noise"], picture.shape))


def _drawn(ranges: dict[str, tuple[float, float]], random: np.random.Generator) -> dict[str, float]:
    return {name: random.uniform(*ends) for name, ends in ranges.items()}


def _way_back(yaw: float, pitch: float, roll: float, radius: float, right: float, down: float) -> np.ndarray:
    """The homography [3, 3] from pixels of the picture (2 * SIDE on a side) to those of a card that is turned in space."""
    (a, b), (d, e), (g, h) = ((np.cos(angle), np.sin(angle)) for angle in np.radians([yaw, pitch, roll]))
    about_y = np.array([[a, 0, b], [0, 1, 0], [-b, 0, a]])
    about_x = np.array([[1, 0, 0], [0, d, -e], [0, e, d]])
    about_z = np.array([[g, -h, 0], [h, g, 0], [0, 0, 1]])
    turned = about_z @ about_y @ about_x
    # A point (u, v) of the card, -1 to 1, lies at turned @ (u, v, 0), DISTANCE in front of the camera.
    seen = np.column_stack([turned[:, 0], turned[:, 1], [0, 0, DISTANCE]])
    camera = SIDE * np.array([[radius * DISTANCE, 0, 1 + right], [0, radius * DISTANCE, 1 + down], [0, 0, 1 / SIDE]])
    to_card = CARD / 2 * np.array([[1, 0, 1], [0, 1, 1], [0, 0, 2 / CARD]])
    return to_card @ np.linalg.inv(camera @ seen)

