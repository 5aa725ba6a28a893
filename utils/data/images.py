"""Where pictures become numbers and numbers pictures: files, grey levels 0..255, floats in [0, 1], colour to grey, class names.

    file -> open_picture -> levels, uint8 [...] -> to_float -> images, float [...] in [0, 1] -> to_levels -> levels -> to_png

Networks and attacks work on images; files hold levels. The students' shelf converts only here, and inside of compiled graphs.
"""
import io
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

WHITE = 255  # the highest of the 256 grey levels of 8 bits
DIGIT_CLASSES = tuple("0123456789")
FACE_CLASSES = ("man", "woman")  # names of the labels 0 and 1
FACE_SIZE = 48  # pixels, height and width of a face
EYES = ((13.5, 13.5), (33.0, 13.5))  # (x, y) of the eyes in a face, on average, in pixels; as in the real faces


def to_float(levels: np.ndarray, dtype: type = np.float32) -> np.ndarray:
    """Levels uint8 [...] as an image of floats [...] in [0, 1]: level / 255. Raises ValueError for another type than uint8."""
    levels = np.asarray(levels)
    if levels.dtype != np.uint8:
        raise ValueError(f"The levels are {levels.dtype}, expected uint8 from 0 to {WHITE}.")
    return levels / dtype(WHITE)


def to_levels(images: np.ndarray) -> np.ndarray:
    """Images of floats [...] as levels uint8 [...]: clipped to [0, 1], then rounded to the nearest of the 256 levels.

    Raises ValueError for integers, which are levels already, and for NaN.
    """
    images = np.asarray(images)
    if images.dtype.kind != "f":
        raise ValueError(f"The images are {images.dtype}, expected floats from 0 to 1.")
    if np.isnan(images).any():
        raise ValueError("The images hold NaN, which is no grey level.")
    return np.round(np.clip(images, 0, 1) * WHITE).astype(np.uint8)


def to_grey(colour: np.ndarray, dtype: type = np.float32) -> np.ndarray:
    """The luma [...] of colour [..., 3]: 0.299 red + 0.587 green + 0.114 blue, as in ITU-R BT.601 (section 2.5.1) and Pillow."""
    return (colour @ np.array([0.299, 0.587, 0.114])).astype(dtype)


def halved(images: np.ndarray) -> np.ndarray:
    """Images [N, H, W, C] at half the size, [N, H / 2, W / 2, C]: the mean of each 2x2 pixels. H and W are even."""
    n, height, width, channels = images.shape
    return images.reshape(n, height // 2, 2, width // 2, 2, channels).mean((2, 4))


def to_png(levels: np.ndarray) -> bytes:
    """The bytes of a PNG file with these levels, uint8 [H, W] or [H, W, 3]."""
    file = io.BytesIO()
    Image.fromarray(levels).save(file, format="png", compress_level=1)  # fast: few bytes are saved by more
    return file.getvalue()


def open_picture(path: str | Path) -> Image.Image:
    """A file (PNG, JPEG, of 8 or 16 bits) in RGB, upright as its EXIF orientation says; `~` is the home folder.

    Every path that a student gives is opened here. Raises FileNotFoundError, or ValueError for a file that is not a picture.
    """
    file = Path(path).expanduser()
    if not file.is_file():
        raise FileNotFoundError(f"There is no file {str(path)!r}: check the name and the folder.")
    try:
        with Image.open(file) as opened:
            image = ImageOps.exif_transpose(opened)
            if image.mode.startswith("I"):  # grey of 16 bits: convert would cut it off at 255
                image = Image.fromarray(np.round(np.asarray(image) / 257).astype(np.uint8))
            return image.convert("RGB")
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        raise ValueError(f"{str(path)!r} cannot be read as a picture: save it as PNG or JPEG.") from None
