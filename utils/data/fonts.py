"""Printed digits, rendered from fonts of matplotlib and Pillow: a task similar to that of the handwritten ones."""
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from utils.data.images import to_float

FONTS = ("DejaVuSans", "DejaVuSans-Bold", "DejaVuSans-Oblique", "DejaVuSerif", "DejaVuSerif-Italic", "DejaVuSansMono",
         "STIXGeneral", "STIXGeneralItalic")  # and Pillow's own


def font_digits(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """`count` printed digits, float32 [count, 28, 28, 1] in [0, 1], white on black as MNIST, and their labels int64 [count].

    Font, size (18 to 26 pixels), place (up to 2 pixels off the middle) and angle (up to 12 degrees) are random.
    """
    random = np.random.default_rng(seed)
    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    labels = random.integers(0, 10, count)
    images = np.empty([count, 28, 28], np.uint8)
    for i, label in enumerate(labels):
        size, font = int(random.integers(18, 27)), int(random.integers(len(FONTS) + 1))
        chosen = ImageFont.load_default(size) if font == len(FONTS) else ImageFont.truetype(folder / f"{FONTS[font]}.ttf", size)
        picture = Image.new("L", (28, 28))
        ImageDraw.Draw(picture).text(tuple(14 + random.uniform(-2, 2, 2)), str(label), fill=255, font=chosen, anchor="mm")
        images[i] = np.asarray(picture.rotate(random.uniform(-12, 12), Image.Resampling.BILINEAR))
    return to_float(images[..., None]), labels
