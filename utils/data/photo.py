"""A face in a photograph of one's own, cropped as the faces of the data set are: `crop_face(photo, eyes)`.

A detector has only seen faces whose eyes are at EYES. The crop is the one similarity transform (turn, scale
and shift, no stretching) that puts the two given eyes there.
"""
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np
from skimage.filters import gaussian
from skimage.transform import SimilarityTransform, warp

from utils.data.images import EYES, FACE_SIZE, WHITE, open_picture, to_float, to_grey, to_levels

if TYPE_CHECKING:  # only for the annotation: most who crop a face draw nothing
    from matplotlib.backend_bases import MouseEvent

CLOSEST_EYES = 6  # pixels; with less the face is only a blur of 48x48


def read_photo(photo: str | Path | np.ndarray) -> np.ndarray:
    """A photograph in grey, [H,W] in [0,1], from a file or from an array: float64, float32 only from a grey float32 array.

    An array is [H,W], [H,W,3] or [H,W,4] (the alpha is dropped), integers in 0..255 or floats in [0,1]. A
    file is turned upright as its EXIF orientation says. Grey is that of `images.to_grey`. Raises
    FileNotFoundError, or ValueError for a file that is no picture and for an array of another shape or range.
    """
    if isinstance(photo, (str, Path)):
        photo = np.asarray(open_picture(photo))
    photo = np.asarray(photo)
    if photo.ndim not in (2, 3) or (photo.ndim == 3 and photo.shape[2] not in (3, 4)) or 0 in photo.shape:
        raise ValueError(f"The photograph has shape {photo.shape}, expected (H, W), (H, W, 3) or (H, W, 4).")
    if photo.dtype.kind not in "uif":
        raise ValueError(f"The photograph has type {photo.dtype}, expected integers 0..255 or floats 0..1.")
    top = 1 if photo.dtype.kind == "f" else WHITE
    if not (photo.min() >= 0 and photo.max() <= top):  # written so that NaN is refused too
        raise ValueError(f"The photograph has values {photo.min()} to {photo.max()}, expected 0 to {top}.")
    if photo.dtype.kind != "f":
        photo = to_float(photo.astype(np.uint8), np.float64)
    return photo if photo.ndim == 2 else to_grey(photo[:, :, :3], np.float64)


def crop_face(photo: str | Path | np.ndarray, eyes: tuple[tuple[float, float], ...]) -> np.ndarray:
    """The face [48,48,1], float32 in [0,1] in steps of 1/255, with the eyes at EYES.

    `photo`: file or array, see `read_photo`. `eyes`: ((x, y), (x, y)) in pixels of the photograph, the eye
    on the left of the picture first. What lies outside of the photograph repeats its border. Raises
    ValueError for eyes that cannot be right.
    """
    grey = read_photo(photo)
    eyes = _checked(eyes, grey.shape)
    shrink = np.hypot(*(eyes[1] - eyes[0])) / (EYES[1][0] - EYES[0][0])  # pixels of the photo in one of the crop
    # Only what is near the face is blurred: the time does not depend on the size of the photograph.
    reach = int(np.ceil(shrink * 1.5 * FACE_SIZE))
    x0, y0 = np.maximum(eyes.mean(axis=0).astype(int) - reach, 0)
    grey = grey[y0 : y0 + 2 * reach, x0 : x0 + 2 * reach]
    if shrink > 1:  # what 48 pixels cannot show would turn up as false patterns
        grey = gaussian(grey, sigma=0.5 * np.sqrt(shrink**2 - 1), mode="nearest")
    crop_to_photo = SimilarityTransform.from_estimate(np.array(EYES), eyes - (x0, y0))
    face = warp(grey, crop_to_photo, output_shape=(FACE_SIZE, FACE_SIZE), order=1, mode="edge")
    return to_float(to_levels(face))[:, :, None]


def _checked(eyes: tuple[tuple[float, float], ...], shape: tuple[int, int]) -> np.ndarray:
    """`eyes` as float [2, 2], (x, y) of each; ValueError unless both lie in a photograph of this shape (height, width)."""
    try:
        eyes = np.asarray(eyes, float)
    except (TypeError, ValueError):
        raise ValueError(f"eyes is {eyes!r}, expected two points ((x, y), (x, y)) in pixels.") from None
    if eyes.shape != (2, 2) or not np.isfinite(eyes).all():
        raise ValueError(f"eyes is {eyes.tolist()}, expected two points ((x, y), (x, y)) in pixels.")
    height, width = shape
    if (eyes < 0).any() or (eyes > (width - 1, height - 1)).any():
        raise ValueError(f"The eyes {eyes.tolist()} are not both inside of the photograph, which is "
                         f"{width} pixels wide and {height} high: give x first, then y.")
    apart = np.hypot(*(eyes[1] - eyes[0]))
    if apart == 0:
        raise ValueError(f"Both eyes are at {eyes[0].tolist()}: give one point for each eye.")
    if apart < CLOSEST_EYES:
        raise ValueError(f"The eyes are {apart:.1f} pixels apart, expected at least {CLOSEST_EYES}, "
                         "better 20: take a larger photograph.")
    if eyes[0, 0] > eyes[1, 0]:
        raise ValueError(f"The first eye, x = {eyes[0, 0]:g}, is to the right of the second, "
                         f"x = {eyes[1, 0]:g}: give the eye on the left of the picture first.")
    return eyes


def click_eyes(photo: str | Path | np.ndarray) -> SimpleNamespace:
    """Show the photograph for a click on each eye, in any order. Needs `%matplotlib widget` (ipympl).

    `photo`: file, or array [H, W] or [H, W, 3], see `read_photo`, whose errors it raises.
    Returns at once an object with `figure` and `eyes`. `eyes` is None until both eyes are clicked, then it
    is what `crop_face` takes. A third click starts again.
    """
    import matplotlib.pyplot as plt

    grey = read_photo(photo)
    figure, axes = plt.subplots(figsize=(6, 6))
    axes.imshow(grey, cmap="gray", vmin=0, vmax=1)
    axes.set(title="Click on both eyes", xlabel="x (pixels)", ylabel="y (pixels)")
    (marks,) = axes.plot([], [], "+", color="tab:orange", markersize=14, markeredgewidth=2)
    chosen = SimpleNamespace(figure=figure, eyes=None)
    clicks = []

    def clicked(event: "MouseEvent") -> None:
        if event.inaxes is not axes:
            return
        if len(clicks) == 2:
            clicks.clear()
        clicks.append((float(event.xdata), float(event.ydata)))
        chosen.eyes = tuple(sorted(clicks)) if len(clicks) == 2 else None
        marks.set_data(*zip(*clicks))
        axes.set_title("Both eyes chosen; click again to start over" if chosen.eyes else "Now the other eye")
        figure.canvas.draw_idle()

    figure.canvas.mpl_connect("button_press_event", clicked)
    return chosen
