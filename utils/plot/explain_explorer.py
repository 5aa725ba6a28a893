"""Occlusion under your fingers, beside any other map: `explorer(model, x, labels, names)`."""
from collections.abc import Sequence

import ipywidgets as widgets
import numpy as np

from utils import explain
from utils.attacks.inputs import Model, check_inputs
from utils.explain.occlusion import FILLS, filling
from utils.plot.live import Live, enlarged_png
from utils.quiet import tf

METHODS = {"occlusion": lambda *given: explain.drop(*given, stride=2), "gradient": explain.saliency,
           "gradient x input": explain.gradient_times_input, "SmoothGrad": explain.smooth_grad,
           "integrated gradients": explain.integrated_gradients, "guided backprop": explain.guided_backprop,
           "Grad-CAM": explain.grad_cam}
ENLARGED = 5  # screen pixels for each pixel of a 48x48 image
INSTEAD = ("The explanation explorer: run this cell in JupyterLab to choose an image and a method, and to move a window over "
           "the image.")


def explorer(model: Model, x: np.ndarray, labels: np.ndarray, names: Sequence[str]) -> "Explorer":
    """An image with a window that two sliders move, the probability of its label, and beside it the map of a method.

    model   images [N, H, W, C] in [0, 1] -> logits [N, classes]
    x       images [N, H, W, C] in [0, 1], C 1 or 3, with their labels [N]
    names   of the classes

    A map is computed when it is chosen for the first time. Raises ValueError for inputs that cannot be meant (`check_inputs`).
    """
    return Explorer(model, *check_inputs(model, x, labels), names)


class Explorer(Live):
    """The box on the screen: `image`, `method` and `fill` are lists, `row`, `column` and `side` the window, `note` the answer."""

    instead = INSTEAD

    def __init__(self, model: Model, x: np.ndarray, labels: np.ndarray, names: Sequence[str]) -> None:
        self.model, self.x, self.labels, self.names = model, x, labels, names
        self.maps = {}  # (image, method): [H, W] from 0 to 1
        height, width = x.shape[1:3]
        self.image = widgets.Dropdown(description="Image",
                                      options=[(f"{i}: {names[label]}", i) for i, label in enumerate(labels)])
        self.method = widgets.Dropdown(options=list(METHODS), description="Method")
        self.fill = widgets.Dropdown(options=FILLS, description="Fill")
        self.row = widgets.IntSlider(value=height // 2, max=height - 1, description="Row")
        self.column = widgets.IntSlider(value=width // 2, max=width - 1, description="Column")
        self.side = widgets.IntSlider(value=7, min=1, max=min(height, width), description="Side")
        self.pictures, self.note = widgets.Image(format="png"), widgets.Label()
        for part in (self.image, self.method, self.fill, self.row, self.column, self.side):
            part.observe(self._draw, "value")
        super().__init__([widgets.HBox([self.image, self.method, self.fill]), widgets.HBox([self.row, self.column, self.side]),
                          self.pictures, self.note])
        self._draw()

    def covered(self) -> np.ndarray:
        """The image on the screen, [H, W, C] in [0, 1]: the window is centred on the row and column of the sliders."""
        one = self.x[self.image.value:self.image.value + 1]
        top, left = (max(0, slider.value - self.side.value // 2) for slider in (self.row, self.column))
        window = slice(top, top + self.side.value), slice(left, left + self.side.value)
        image = one[0].copy()
        image[window] = filling(one, self.fill.value, self.side.value)[0][window]
        return image

    def map(self) -> np.ndarray:
        """The size of the map of what is chosen, [H, W] from 0 to 1."""
        key = i, method = self.image.value, self.method.value
        if key not in self.maps:
            values = np.abs(METHODS[method](self.model, self.x[i:i + 1], self.labels[i:i + 1])[0])
            values = values.max(-1) if values.ndim == 3 else values
            self.maps[key] = values / max(values.max(), 1e-12)
        return self.maps[key]

    def _draw(self, change: dict | None = None) -> None:
        """Show the covered image beside its map, and the probability, for what the widgets say now."""
        i, image = self.image.value, self.covered()
        heat = np.broadcast_to(self.map()[..., None], image.shape)
        larger = max(1, ENLARGED * 48 // max(image.shape[:2]))
        self.pictures.value = enlarged_png(np.concatenate([image, heat], axis=1), larger)
        before, now = tf.nn.softmax(self.model(tf.constant(np.stack([self.x[i], image])))).numpy()[:, self.labels[i]]
        self.note.value = (f"The image with its window, and the map of {self.method.value}. "
                           f"Probability of {self.names[self.labels[i]]}: {100 * now:.1f} % "
                           f"(without the window {100 * before:.1f} %).")
