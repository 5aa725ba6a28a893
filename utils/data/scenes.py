"""Drawn scenes in which a pattern is to be found: a street with a stop sign, a ladybird on the grass, a page with text.

Pictures are float32 [H, W, 3] in [0, 1]. What is drawn is drawn larger and then reduced, so that its lines
are smooth.
"""
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from utils.data.images import WHITE, to_float
from utils.data.pictures import houses, picture

RED, BLUE = (200, 30, 35), (30, 84, 190)  # as bright as one another, so that a grey picture shows them alike
SIGN = 33  # pixels, the side of a sign
TEXT = ("A filter that is a letter finds its letter wherever it is printed. Where many letters are found close together, "
        "there is text. The bricks beside these lines have edges as well, but no letter.")
BUG = (17, 25)  # pixels, height and width of the ladybird with the grass around it


def stop_sign() -> np.ndarray:
    """The pattern, [33, 33, 3]: a stop sign in front of middle grey."""
    card = Image.new("RGBA", (8 * SIGN, 8 * SIGN), (128, 128, 128, 255))
    card.alpha_composite(_sign(RED))
    return _reduced(card, 8)


def street() -> tuple[np.ndarray, tuple[int, int], tuple[int, int]]:
    """A street [240, 360, 3] with a stop sign and a blue sign of the same form.

    Returns the picture, and the row and column of the top left pixel of the stop sign and of the blue one.
    """
    scale, stop, other = 8, (118, 252), (126, 78)
    scene = _enlarged(houses(3, 240, 360), scale)
    draw = ImageDraw.Draw(scene)
    for (row, column), colour in ((stop, RED), (other, BLUE)):
        middle = scale * (column + SIGN / 2)
        draw.rectangle([middle - 8, scale * (row + SIGN), middle + 8, scale * 222], fill=(150, 150, 150))
        scene.alpha_composite(_sign(colour), (scale * column, scale * row))
    return _reduced(scene, scale), stop, other


def ladybird(frames: int = 24, turn: float = 0) -> tuple[np.ndarray, np.ndarray]:
    """A ladybird walks to the right over grass while a cloud covers the sun: [frames, 120, 240, 3].

    Also returns where it is: [frames, 2], row and column of the top left corner of a window of BUG with it in
    the middle. The light falls to 40 % in the middle of the walk. During the walk the ladybird turns by `turn`
    degrees, clockwise.
    """
    scale = 4
    grass = picture("grass", grey=True)[200:320, 100:340, None] * np.array([0.75, 1.0, 0.45])
    meadow = _enlarged(grass, scale)
    time = np.linspace(0, 1, frames)
    places = np.stack([52 + 30 * np.sin(5 * time), 8 + 200 * time], axis=1)
    pictures = np.empty((frames, 120, 240, 3), np.float32)
    bug = _bug(scale)
    for shown, (row, column), light, part in zip(pictures, places, 1 - 0.6 * np.sin(np.pi * time) ** 2, time):
        scene, turned = meadow.copy(), bug.rotate(-turn * part, Image.Resampling.BICUBIC, expand=True) if turn else bug
        left, top = ((small - large) // 2 for small, large in zip(bug.size, turned.size))  # the same middle
        scene.alpha_composite(turned, (round(scale * column) + left, round(scale * row) + top))
        shown[:] = light * _reduced(scene, scale)
    return pictures, places


def page(font_size: int = 15) -> np.ndarray:
    """A grey page [230, 360] in [0, 1]: lines of text on the left, a photograph of bricks on the right."""
    scene = Image.new("L", (360, 230), 245)
    draw, font = ImageDraw.Draw(scene), ImageFont.load_default(font_size)
    words, line, row = TEXT.split(), "", 12
    for word in [*words, ""]:
        if word and draw.textlength(f"{line} {word}", font) < 200:
            line = f"{line} {word}".strip()
            continue
        if row < 218 - font_size:
            draw.text((12, row), line, fill=25, font=font)
        line, row = word, row + round(1.35 * font_size)
    bricks = picture("brick", grey=True, width=128)[:120, :120]
    scene.paste(Image.fromarray((WHITE * bricks).astype(np.uint8)), (228, 55))
    return to_float(np.asarray(scene))


def letter(character: str, font_size: int = 15) -> np.ndarray:
    """One letter of the page as a pattern [h, w] in [0, 1]: dark on light, with a border of one pixel."""
    font = ImageFont.load_default(font_size)
    left, top, right, bottom = (round(value) for value in font.getbbox(character))
    card = Image.new("L", (right - left + 2, bottom - top + 2), 245)
    ImageDraw.Draw(card).text((1 - left, 1 - top), character, fill=25, font=font)
    return to_float(np.asarray(card))


def _sign(colour: tuple[int, int, int]) -> Image.Image:
    """An octagon of `colour` with a white border and STOP on it, eight times as large as in the scene."""
    size = 8 * SIGN
    card = Image.new("RGBA", (size, size))
    draw, middle = ImageDraw.Draw(card), size / 2
    for fill, radius in (((245, 245, 245), 1.06), (colour, 0.97)):
        angles = np.pi * (np.arange(8) + 0.5) / 4
        corners = middle + radius * middle * np.stack([np.cos(angles), np.sin(angles)], axis=1)
        draw.polygon([tuple(corner) for corner in corners], fill=fill)
    draw.text((middle, middle), "STOP", fill=(245, 245, 245), font=ImageFont.load_default(size * 0.32),
              anchor="mm", stroke_width=3, stroke_fill=(245, 245, 245))
    return card


def _bug(scale: int) -> Image.Image:
    """The ladybird, seen from above, its head to the right."""
    height, width = BUG
    card = Image.new("RGBA", (scale * width, scale * height))
    draw = ImageDraw.Draw(card)

    def oval(x: float, y: float, rx: float, ry: float, fill: tuple[int, int, int]) -> None:
        draw.ellipse([scale * (x - rx), scale * (y - ry), scale * (x + rx), scale * (y + ry)], fill=fill)

    black, red = (25, 22, 20), (205, 45, 25)
    oval(19, 8, 3.5, 3.5, black)
    oval(12, 8, 8, 6.5, red)
    draw.line([scale * 4, scale * 8, scale * 20, scale * 8], fill=black, width=scale // 2)
    for x, y in ((8, 5), (8, 11), (13, 4.5), (13, 11.5), (17, 8)):
        oval(x, y, 1.5, 1.5, black)
    return card


def _enlarged(picture: np.ndarray, scale: int) -> Image.Image:
    """The picture as an image to draw on, with `scale` times as many pixels on each side."""
    image = Image.fromarray((WHITE * picture).astype(np.uint8))  # cut off, not rounded: the stored outputs have it so
    return image.resize((scale * image.width, scale * image.height)).convert("RGBA")


def _reduced(image: Image.Image, scale: int) -> np.ndarray:
    """The drawn image as a picture, float32 [H, W, 3], each pixel the mean of `scale` x `scale` drawn ones."""
    small = image.convert("RGB").resize((image.width // scale, image.height // scale), Image.Resampling.BOX)
    return to_float(np.asarray(small))
