"""A digit under your fingers: noise, rotation and shift, and what a network says; `explorer(model, x, labels)`."""
import ipywidgets as widgets
import numpy as np

from utils import augment
from utils.attacks.inputs import Model, check_inputs
from utils.plot.live import Live, enlarged_png
from utils.quiet import tf

ENLARGED = 8  # screen pixels for each pixel of an image
INSTEAD = "The digit explorer, live in JupyterLab: choose a digit, and change noise, rotation and shift."


def changed(image: np.ndarray, *, noise: float = 0.0, angle: float = 0.0, right: float = 0.0, down: float = 0.0) -> np.ndarray:
    """The image [H, W, 1] in [0, 1], turned and shifted (`augment.moved`), then with noise, cut to [0, 1].

    noise  the standard deviation of normal noise, always from the same seed: only its strength changes
    """
    moved = augment.moved(image[None], right=right, down=down, angle=angle)[0].numpy()
    return np.clip(moved + noise * np.random.default_rng(0).normal(size=moved.shape), 0, 1).astype(np.float32)


def explorer(model: Model, x: np.ndarray, labels: np.ndarray) -> "Explorer":
    """A list of digits; sliders for noise, rotation and shift; the changed digit, and the probability of each class.

    model   images [N, 28, 28, 1] in [0, 1] -> logits [N, 10]
    x       images [N, 28, 28, 1] in [0, 1], with their true labels [N]

    Raises ValueError for inputs that cannot be meant (see `inputs.check_inputs`).
    """
    return Explorer(model, *check_inputs(model, x, labels))


class Explorer(Live):
    """The box on the screen: `digit` is a list, `noise`, `angle`, `right` and `down` are sliders, `bars` the probabilities."""

    instead = INSTEAD

    def __init__(self, model: Model, x: np.ndarray, labels: np.ndarray) -> None:
        self.model, self.x, self.labels = model, x, labels
        self.digit = widgets.Dropdown(options=[(f"{i}: a {label}", i) for i, label in enumerate(labels)], description="Digit")
        self.noise = widgets.FloatSlider(value=0, min=0, max=1, step=0.05, description="Noise")
        self.angle = widgets.IntSlider(value=0, min=-180, max=180, step=5, description="Rotation (°)")
        self.right = widgets.IntSlider(value=0, min=-12, max=12, description="Right (px)")
        self.down = widgets.IntSlider(value=0, min=-12, max=12, description="Down (px)")
        self.picture, self.note = widgets.Image(format="png"), widgets.HTML()
        self.bars = ten_bars()
        sliders = [self.noise, self.angle, self.right, self.down]
        for part in (self.digit, *sliders):
            part.observe(self._draw, "value")
        super().__init__([widgets.HBox([widgets.VBox([self.digit, *sliders]), self.picture, widgets.VBox(self.bars)]), self.note])
        self._draw()

    def image(self) -> np.ndarray:
        """The digit on the screen, float32 [28, 28, 1] in [0, 1]."""
        return changed(self.x[self.digit.value], noise=self.noise.value, angle=self.angle.value, right=self.right.value,
                       down=self.down.value)

    def _draw(self, change: dict | None = None) -> None:
        """Show the changed digit and what the network says, for what the widgets say now."""
        image = self.image()
        self.picture.value = enlarged_png(image, ENLARGED)
        self.note.value = show_answer(self.model, image, self.bars) + f" It was written as a {self.labels[self.digit.value]}."


def ten_bars() -> list[widgets.FloatProgress]:
    """A bar from 0 to 1 for the probability of each digit."""
    return [widgets.FloatProgress(min=0, max=1, description=str(k), layout=widgets.Layout(width="260px")) for k in range(10)]


def show_answer(model: Model, image: np.ndarray, bars: list[widgets.FloatProgress]) -> str:
    """Set the bars to the probabilities that the model gives the image [28, 28, 1]; its answer as a sentence."""
    p = tf.nn.softmax(model(tf.constant(image[None]))[0]).numpy()
    for bar, value in zip(bars, p):
        bar.value = float(value)
    return f"The network reads a <b>{p.argmax()}</b> ({100 * p.max():.0f} %)."
