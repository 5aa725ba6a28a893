"""An attack under your fingers: choose an image, a class, a norm, and epsilon; `explorer(model, x, labels, names)`."""
from collections.abc import Sequence

import ipywidgets as widgets
import numpy as np

from utils.attacks.descent import size as distance_of
from utils.attacks.inputs import Model, check_inputs
from utils.attacks.minimal import minimal
from utils.plot.live import Live, enlarged_png
from utils.quiet import tf

NORMS = ("L2", "Linf", "L1", "L0")
ANY = "any other"
ENLARGED = 7  # screen pixels for each pixel of an image of 28x28; less for larger ones
AMPLIFIED = 50
INSTEAD = "The attack explorer, live in JupyterLab: choose an image, a class and a norm, and move epsilon."


def explorer(model: Model, x: np.ndarray, labels: np.ndarray, names: Sequence[str]) -> "Explorer":
    """Lists of images, wanted classes and norms; epsilon; original, modified image and amplified |DX|; probabilities.

    model   images [N, H, W, C] in [0, 1] -> logits [N, classes]
    x       images [N, H, W, C] in [0, 1], C 1 or 3, with their true labels [N]
    names   of the classes, all different

    DX is the smallest that `attacks.minimal` finds, made longer or shorter until its size is epsilon; for L0 it is the epsilon
    largest of its changes. It is computed when a choice is made for the first time. Raises ValueError for inputs that
    cannot be meant (see `inputs.check_inputs`).
    """
    return Explorer(model, *check_inputs(model, x, labels), names)


def three_images(original: np.ndarray, modified: np.ndarray) -> bytes:
    """Original, modified image and AMPLIFIED |DX| side by side and enlarged, as a PNG; both [H, W, C] in [0, 1]."""
    amplified = np.clip(AMPLIFIED * np.abs(modified - original), 0, 1)
    larger = max(1, ENLARGED * 28 // max(original.shape[:2]))
    return enlarged_png(np.concatenate([original, modified, amplified], axis=1), larger)


class Explorer(Live):
    """The box on the screen: `image`, `wanted` and `norm` are lists, `epsilon` is the slider, up to twice the smallest DX."""

    instead = INSTEAD

    def __init__(self, model: Model, x: np.ndarray, labels: np.ndarray, names: Sequence[str]) -> None:
        self.model, self.x, self.labels, self.names = model, x, labels, names
        self.found = {}  # (image, wanted, norm): the smallest dx, its size and whether it fools
        self.image = widgets.Dropdown(options=[(f"{i}: {names[label]}", i) for i, label in enumerate(labels)],
                                      description="Image")
        self.wanted = widgets.Dropdown(options=[ANY, *names], description="Wanted")
        self.norm = widgets.Dropdown(options=NORMS, description="Norm")
        self.epsilon = widgets.FloatSlider(min=0, description="epsilon", readout_format=".3g")
        self.pictures, self.note = widgets.Image(format="png"), widgets.Label()
        self.bars = [widgets.FloatProgress(min=0, max=1, description=name, layout=widgets.Layout(width="260px"))
                     for name in names]
        for part in (self.image, self.wanted, self.norm):
            part.observe(self._chosen, "value")
        self.epsilon.observe(self._draw, "value")
        super().__init__([widgets.HBox([self.image, self.wanted, self.norm]), self.epsilon, self.note,
                          widgets.HBox([self.pictures, widgets.VBox(self.bars)])])
        self._chosen()

    def dx(self) -> tuple[np.ndarray, float, bool]:
        """The smallest dx [H, W, C] of what is chosen, its size, and whether it leads to the wanted class."""
        key = self.image.value, self.wanted.value, self.norm.value
        if key not in self.found:
            i, targeted = self.image.value, self.wanted.value != ANY
            label = list(self.names).index(self.wanted.value) if targeted else self.labels[i]
            if targeted and label == int(np.argmax(self.model(tf.constant(self.x[i:i + 1])))):
                self.found[key] = np.zeros_like(self.x[i]), 0.0, True
            else:
                one = minimal(self.model, self.x[i:i + 1], np.array([label]), norm=self.norm.value, targeted=targeted)
                self.found[key] = one.dx[0], float(one.norms[self.norm.value][0]), bool(one.success[0])
        return self.found[key]

    def modified(self) -> np.ndarray:
        """The modified image on the screen, [H, W, C] in [0, 1]."""
        (dx, size, _), epsilon = self.dx(), self.epsilon.value
        if self.norm.value == "L0":
            largest = np.argsort(-np.abs(dx), axis=None)[:round(epsilon)]
            dx = np.where(np.isin(np.arange(dx.size), largest).reshape(dx.shape), dx, 0)
        elif size:
            dx = epsilon / size * dx
        return np.clip(self.x[self.image.value] + dx, 0, 1)

    def _chosen(self, change: dict | None = None) -> None:
        """Another DX: epsilon is its size, and can go from 0 to twice that, or for L0 to all of it."""
        _, size, _ = self.dx()
        counts = self.norm.value == "L0"
        largest = (size if counts else 2 * size) or 1.0
        with self.epsilon.hold_trait_notifications():
            self.epsilon.max, self.epsilon.step, self.epsilon.value = largest, 1 if counts else largest / 100, size
        self._draw()

    def _draw(self, change: dict | None = None) -> None:
        """Show both images, the probabilities and the size of the perturbation, for what the widgets say now."""
        (_, size, fooled), original, modified = self.dx(), self.x[self.image.value], self.modified()
        self.pictures.value = three_images(original, modified)
        probabilities = tf.nn.softmax(self.model(tf.constant(modified[None]))[0]).numpy()
        for bar, p in zip(self.bars, probabilities):
            bar.value = float(p)
        found = f"the smallest DX that was found: {size:.3g}" if fooled else "no DX was found"
        now = float(distance_of(tf.constant((modified - original)[None]), self.norm.value)[0])
        self.note.value = (f"Original, modified, {AMPLIFIED} |DX|. {self.norm.value} of DX: {now:.3g} "
                           f"({found}). Read as {self.names[int(probabilities.argmax())]}.")
