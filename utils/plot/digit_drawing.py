"""A digit of your own, drawn with the mouse in the notebook, and what a network reads; `drawing(model)`.

The network knows digits as MNIST shows them. `as_mnist` brings a drawing into that form (LeCun et al. 1998, section III.A):
scaled to fit into 20x20 pixels, its centre of mass in the middle of 28x28.
"""
from collections.abc import Sequence

import ipywidgets as widgets
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.backend_bases import MouseEvent
from matplotlib.figure import Figure
from PIL import Image

from utils.attacks.inputs import Model
from utils.plot.digit_explorer import ENLARGED, show_answer, ten_bars
from utils.plot.live import Live, enlarged_png

SIDE = 112  # pixels of the canvas, four for each of 28
PEN = 4.5  # half of the width of a stroke, in pixels of the canvas
INSTEAD = "A canvas, live in JupyterLab: draw a digit with the mouse, and read what the network makes of it."


def blank() -> np.ndarray:
    """An empty canvas, float32 [112, 112]."""
    return np.zeros([SIDE, SIDE], np.float32)


def stroke(canvas: np.ndarray, points: Sequence[tuple[float, float]]) -> np.ndarray:
    """The canvas [H, W] in [0, 1] with a white line through the points (x, y), in pixels: a new array."""
    y, x = np.indices(canvas.shape)
    drawn = canvas.copy()
    for (x0, y0), (x1, y1) in zip(points, [*points[1:], points[-1]]):
        length = max((x1 - x0)**2 + (y1 - y0)**2, 1e-9)
        along = np.clip(((x - x0) * (x1 - x0) + (y - y0) * (y1 - y0)) / length, 0, 1)  # the nearest point of the segment
        distance = np.hypot(x - x0 - along * (x1 - x0), y - y0 - along * (y1 - y0))
        drawn = np.maximum(drawn, np.clip(PEN + 0.5 - distance, 0, 1))
    return drawn.astype(np.float32)


def as_mnist(canvas: np.ndarray) -> np.ndarray:
    """The drawing [H, W] in [0, 1] as the network knows digits: float32 [28, 28, 1] in [0, 1].

    Scaled, with its proportions, so that its longer side has 20 pixels, then placed with its centre of mass in the middle, to
    whole pixels. Raises ValueError for an empty canvas.
    """
    rows, columns = np.flatnonzero(canvas.max(axis=1) > 0), np.flatnonzero(canvas.max(axis=0) > 0)
    if not len(rows):
        raise ValueError("The canvas is empty: draw a digit first.")
    digit = canvas[rows[0]:rows[-1] + 1, columns[0]:columns[-1] + 1]
    height, width = (max(1, round(20 * side / max(digit.shape))) for side in digit.shape)
    small = np.asarray(Image.fromarray(np.float32(digit)).resize((width, height), Image.Resampling.BILINEAR))
    y, x = np.indices(small.shape)
    top, left = (round(13.5 - float((place * small).sum() / small.sum())) for place in (y, x))
    top, left = np.clip(top, 0, 28 - height), np.clip(left, 0, 28 - width)  # a lopsided one would leave the frame
    image = np.zeros([28, 28, 1], np.float32)
    image[top:top + height, left:left + width, 0] = np.clip(small, 0, 1)
    return image


def drawing(model: Model) -> "Drawing":
    """A canvas for the mouse; when the button is let go, the digit as the network gets it, and the probability of each class.

    model  images [N, 28, 28, 1] in [0, 1] -> logits [N, 10]
    """
    return Drawing(model)


def live_canvas(figure: Figure) -> widgets.DOMWidget:
    """The figure as a widget that hears the mouse, without toolbar and frame. Other figures of the notebook stay as they are."""
    backend = plt.get_backend()
    plt.switch_backend(backend)  # loads it, if nothing was drawn yet
    from ipympl.backend_nbagg import Canvas, FigureManager  # makes itself the backend of all figures

    plt.switch_backend(backend)
    canvas = Canvas(figure)
    canvas.manager = FigureManager(canvas, 0)
    canvas.toolbar_visible = canvas.header_visible = canvas.footer_visible = canvas.resizable = False
    return canvas


class Drawing(Live):
    """The box on the screen: `canvas` is where the mouse draws, `strokes` [112, 112] what it drew, `note` the answer."""

    instead = INSTEAD

    def __init__(self, model: Model) -> None:
        self.model, self.strokes, self.last = model, blank(), None  # last: where the pen was, None while it is lifted
        fig = Figure(figsize=(2.8, 2.8))
        self.canvas = live_canvas(fig)
        axis = fig.add_axes((0, 0, 1, 1))
        axis.axis("off")
        self.shown = axis.imshow(self.strokes, cmap="gray", vmin=0, vmax=1)
        for event, reaction in (("button_press_event", self.move), ("motion_notify_event", self.move),
                                ("button_release_event", self.lift)):
            self.canvas.mpl_connect(event, reaction)
        self.picture, self.note = widgets.Image(format="png"), widgets.HTML()
        self.clear = widgets.Button(description="Clear")
        self.clear.on_click(lambda button: self.begin())
        self.bars = ten_bars()
        super().__init__([widgets.HBox([widgets.VBox([self.canvas, self.clear]), self.picture, widgets.VBox(self.bars)]),
                          self.note])
        self.begin()

    def begin(self) -> None:
        """An empty canvas."""
        self.strokes, self.last = blank(), None
        self.picture.value = enlarged_png(np.zeros([28, 28, 1], np.float32), ENLARGED)
        for bar in self.bars:
            bar.value = 0
        self.note.value = "Draw a digit in the left frame with the mouse."
        self._redraw()

    def move(self, event: MouseEvent) -> None:
        """With the button down, the pen draws a line from where it was."""
        if event.inaxes is None or (event.name == "motion_notify_event" and self.last is None):
            return
        point = event.xdata, event.ydata
        self.strokes = stroke(self.strokes, [self.last or point, point])
        self.last = point
        self._redraw()

    def lift(self, event: MouseEvent) -> None:
        """When the button is let go, the network reads."""
        self.last = None
        if self.strokes.any():
            image = as_mnist(self.strokes)
            self.picture.value = enlarged_png(image, ENLARGED)
            self.note.value = show_answer(self.model, image, self.bars)

    def _redraw(self) -> None:
        """Show the strokes as they are now."""
        self.shown.set_data(self.strokes)
        self.canvas.draw_idle()
