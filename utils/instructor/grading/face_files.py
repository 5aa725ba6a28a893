"""The 48x48 pictures in strangers' files, read without trusting them."""
import io
import struct
import unicodedata
from pathlib import Path

import numpy as np
from PIL import Image

from utils.data.images import FACE_SIZE
from utils.instructor.grading.clean_copy import plain

PICTURE_BYTES = 1 << 20  # of one file
MOST_PICTURES = 4  # files for one of the three images: a png, a raw file, and what was forgotten
PNG = b"\x89PNG\r\n\x1a\n"
PICTURE_CHUNKS = {b"IHDR", b"PLTE", b"tRNS", b"acTL", b"IDAT", b"IEND"}  # what the picture is; texts and profiles are not read


def find_picture(folder: Path, kind: str) -> tuple[np.ndarray | None, str, str]:
    """(grey levels, names, "") of adv_NAMES_KIND, or (None, "", what is wrong). A png and a raw file must hold the same."""
    found = sorted(path for path in folder.glob(f"adv_*_{kind}*") if path.is_file()
                   and path.name.lower().removesuffix(".png").removesuffix(".raw").endswith(f"_{kind}"))
    name = f"adv_NAME1_NAME2_{kind}"
    if not found:
        return None, "", f"There is no image {name}: save it as png or as 2,304 raw bytes."
    if len(found) > MOST_PICTURES:
        return None, "", f"There are {len(found)} files for the image {name}: keep one."
    levels = []
    for path in found:
        try:
            levels.append(read_levels(path))
        except ValueError as error:
            return None, "", f"{plain(path.name)} {error}"
    stems = {unicodedata.normalize("NFC",
                                   path.name.removesuffix(path.suffix) if path.suffix.lower() in (".png", ".raw") else path.name)
             for path in found}
    if len(stems) > 1 or any(not np.array_equal(levels[0], other) for other in levels[1:]):
        shown = ", ".join(plain(path.name) for path in found[:3])
        return None, "", f"There are {len(found)} different images {name} ({shown}): keep one."
    return levels[0], stems.pop()[len("adv_"):-len(kind) - 1], ""


def read_levels(path: Path) -> np.ndarray:
    """The grey levels uint8 [48, 48] of a png of 48x48 pixels or of 2,304 raw bytes. Raises ValueError with half a sentence.

    The size is read before any pixel is, so a huge picture costs nothing, and texts and colour profiles in a png are not
    unpacked.
    """
    length = path.stat().st_size
    if length > PICTURE_BYTES:
        raise ValueError(f"has {length:,} bytes, expected a png of {FACE_SIZE}x{FACE_SIZE} grey pixels: save the small image.")
    content = path.read_bytes()
    if length == FACE_SIZE * FACE_SIZE and not content.startswith(PNG[:4]):  # a png may be as long
        return np.frombuffer(content, np.uint8).reshape(FACE_SIZE, FACE_SIZE)
    try:
        with Image.open(io.BytesIO(picture_alone(content)), formats=["PNG"]) as image:
            if image.size != (FACE_SIZE, FACE_SIZE):
                width, height = image.size
                raise ValueError(f"is {width}x{height}, expected {FACE_SIZE}x{FACE_SIZE}: do not resize it when you save it.")
            if getattr(image, "n_frames", 1) != 1:
                raise ValueError("is an animation, expected one picture.")
            if image.mode not in ("L", "RGB", "RGBA", "LA", "P", "1"):
                raise ValueError(f"has the mode {image.mode}, expected 8 bits of grey (mode L).")
            return np.asarray(image.convert("L"))
    except Image.DecompressionBombError:
        raise ValueError(f"is far larger than {FACE_SIZE}x{FACE_SIZE}: do not resize it when you save it.") from None
    except Image.UnidentifiedImageError:
        raise ValueError(f"is neither a png nor {FACE_SIZE * FACE_SIZE:,} raw bytes: it has {length:,} bytes.") from None
    except MemoryError:
        raise
    except Exception as error:  # each kind of damage has an exception of its own
        if isinstance(error, ValueError) and str(error).startswith(("is ", "has ")):
            raise
        raise ValueError("is a damaged png: save it again and open it before you hand it in.") from None


def picture_alone(content: bytes) -> bytes:
    """A png without the chunks that are not the picture (W3C, PNG specification, section 5); what is no png, as it is."""
    if not content.startswith(PNG):
        return content
    kept, place = [PNG], len(PNG)
    while place < len(content):
        length, kind = struct.unpack(">I4s", content[place:place + 8].ljust(8, b"\0"))
        end = place + 12 + length
        if kind in PICTURE_CHUNKS:
            kept.append(content[place:end])
        place = end
    return b"".join(kept)
