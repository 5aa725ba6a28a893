"""A 3x3 filter under your fingers: `editor(picture)` shows nine sliders and, live, the filtered picture."""
from types import MappingProxyType

import ipywidgets as widgets
import numpy as np

from utils.data.images import to_levels, to_png
from utils.plot.live import Live

PRESETS = MappingProxyType({  # weights, row by row
    "identity": [[0, 0, 0], [0, 1, 0], [0, 0, 0]],
    "blur": [[1, 1, 1], [1, 1, 1], [1, 1, 1]],
    "Gaussian blur": [[1, 2, 1], [2, 4, 2], [1, 2, 1]],
    "sharpen": [[0, -1, 0], [-1, 5, -1], [0, -1, 0]],
    "vertical edges": [[0, 0, 0], [0, 1, -1], [0, 0, 0]],
    "horizontal edges": [[0, 0, 0], [0, 1, 0], [0, -1, 0]],
    "Sobel, vertical": [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]],
    "Sobel, horizontal": [[-1, -2, -1], [0, 0, 0], [1, 2, 1]],
    "all edges": [[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]],
    "emboss": [[-2, -1, 0], [-1, 1, 1], [0, 1, 2]],
})
OWN = "your own"
LARGEST = 480  # pixels of the longer side: more would not follow the sliders live
INSTEAD = "The filter editor: run this cell in JupyterLab to move its nine sliders."


def filtered(picture: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """What the 3x3 `kernel` makes of the picture, as a picture to look at: [H-2,W-2] or [H-2,W-2,3] in [0,1].

    Each colour of the picture, [H,W] or [H,W,3] in [0,1], is filtered by itself (no flip). If the weights have a
    sum, the response is divided by it, so that brightness is kept, and clipped. If they nearly cancel, it is
    around 0: then 0 is shown as middle grey, and the strongest hundredth of the responses as black or white.
    """
    kernel = np.asarray(kernel, float)
    height, width = picture.shape[0] - 2, picture.shape[1] - 2
    response = sum(kernel[i, j] * picture[i:i + height, j:j + width] for i in range(3) for j in range(3))
    if keeps_brightness(kernel):
        return np.clip(response / kernel.sum(), 0, 1)
    return np.clip(0.5 + 0.5 * response / max(np.percentile(np.abs(response), 99), 1e-9), 0, 1)


def keeps_brightness(kernel: np.ndarray) -> bool:
    """Whether the weights [k, k] have a sum to divide by: at least a tenth of the sum of their absolute values."""
    return abs(np.sum(kernel)) >= 0.1 * np.abs(kernel).sum() > 0


def editor(picture: np.ndarray) -> "Editor":
    """Sliders, presets, the picture and the filtered picture.

    picture  [H,W], [H,W,1] or [H,W,3] in [0,1], at least 3x3; shown coarser if a side has more than 480 pixels

    Raises ValueError for another shape or range.
    """
    picture = np.asarray(picture, float)
    if picture.ndim == 3 and picture.shape[2] == 1:
        picture = picture[:, :, 0]
    grey_or_colour = picture.ndim == 2 or picture.ndim == 3 and picture.shape[2] == 3
    if not grey_or_colour or min(picture.shape[:2]) < 3:
        raise ValueError(f"The picture has shape {list(picture.shape)}, expected [H, W] or [H, W, 3], "
                         f"at least 3x3.")
    if not (picture.min() >= 0 and picture.max() <= 1):  # written so that NaN is refused too
        raise ValueError(f"The picture has values {picture.min():g} to {picture.max():g}, expected 0 to 1.")
    step = -(-max(picture.shape[:2]) // LARGEST)
    return Editor(picture[::step, ::step])


class Editor(Live):
    """The box on the screen: `preset` is the list, `weights` the sliders row by row, `image` what is filtered."""

    instead = INSTEAD

    def __init__(self, picture: np.ndarray) -> None:
        self.picture = picture
        self.preset = widgets.Dropdown(options=[*PRESETS, OWN], description="Filter")
        self.weights = [widgets.FloatSlider(min=-8, max=8, step=0.5, readout_format=".1f",
                                            layout=widgets.Layout(width="230px")) for _ in range(9)]
        self.image, self.note = widgets.Image(format="png"), widgets.Label()
        self._moving = False  # the list moves the sliders: one new picture, not nine
        self.preset.observe(self._choose, "value")
        for slider in self.weights:
            slider.observe(self._slide, "value")
        grid = widgets.GridBox(self.weights, layout=widgets.Layout(grid_template_columns="repeat(3, 240px)"))
        pictures = widgets.HBox([widgets.Image(format="png", value=png(picture)), self.image])
        super().__init__([self.preset, grid, self.note, pictures])
        self._choose()

    def kernel(self) -> np.ndarray:
        """The weights of the sliders, [3,3]."""
        return np.array([slider.value for slider in self.weights]).reshape(3, 3)

    def _choose(self, change: dict | None = None) -> None:
        """Move the sliders to the weights of the filter that was chosen."""
        if self.preset.value == OWN:
            return
        self._moving = True
        for slider, weight in zip(self.weights, np.ravel(PRESETS[self.preset.value])):
            slider.value = weight
        self._moving = False
        self._draw()

    def _slide(self, change: dict) -> None:
        """A slider was moved: the filter is one of your own now."""
        if not self._moving:
            self.preset.value = OWN
            self._draw()

    def _draw(self) -> None:
        """Show the picture filtered with the weights of the sliders."""
        kernel = self.kernel()
        self.image.value = png(filtered(self.picture, kernel))
        self.note.value = "Left the picture, right the filtered one" + (
            f", divided by the sum of the weights, {kernel.sum():g}." if keeps_brightness(kernel) else
            ": middle grey is 0, darker is negative.")


def png(picture: np.ndarray) -> bytes:
    """The picture, [H,W] or [H,W,3] in [0,1], as a PNG file of 8 bits."""
    return to_png(to_levels(picture))
