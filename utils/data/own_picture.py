"""A picture of the student's own, which lab 01 is made from."""
import numpy as np

from utils.data import pictures

SMALLEST = 200  # pixels: the lab looks at every third one, and for lines that are 61 pixels long


def own_picture(file: str) -> np.ndarray:
    """The picture of a student, [H,W,3] in [0,1]; the built-in one for "", and, with a sentence, in place of a bad file."""
    try:
        picture = pictures.picture(str(file).strip() or "china")
        if min(picture.shape[:2]) < SMALLEST:
            raise ValueError(f"{str(file)!r} has {picture.shape[0]} rows and {picture.shape[1]} columns (the longer "
                             f"side is reduced to {pictures.LARGEST}): at least {SMALLEST} rows and columns are needed.")
        if np.ptp(picture) < 0.1:
            raise ValueError(f"{str(file)!r} has only one brightness: a filter finds nothing in it.")
        return picture
    except ValueError as reason:
        print(f"{reason} Until then the built-in picture is used.")
        return pictures.picture("china")
