"""The attack of unit 05 under your fingers: choose an image, a norm, lambda and the steps;
`explorer(model, x, labels, names)`.
"""
from collections.abc import Sequence

import ipywidgets as widgets
import numpy as np

from utils.attacks.dx import dx_attack
from utils.attacks.inputs import Model, check_inputs
from utils.attacks.result import Result
from utils.plot.attack_explorer import AMPLIFIED, three_images
from utils.plot.live import Live
from utils.quiet import tf

RATES = {"L1": 0.01, "L2": 0.005, "Linf": 0.002}  # the first step size of each norm, in pixel values
LAMS = {"L1": 2.5, "L2": 4, "Linf": 1.5}  # log10 of lambda at the start: near the boundary for the built-in faces
INSTEAD = "The DX explorer, live in JupyterLab: choose a face, a norm, lambda and the number of steps."


def explorer(model: Model, x: np.ndarray, labels: np.ndarray, names: Sequence[str]) -> "Explorer":
    """Lists of images and norms, sliders for lambda and the steps; original, modified image and amplified |DX|; the verdict.

    model   images [N, H, W, C] in [0, 1] -> logits [N, classes]
    x       images [N, H, W, C] in [0, 1], C 1 or 3, with their true labels [N]
    names   of the classes

    DX is the last of `attacks.dx_attack`, with one lambda that does not change. It is computed when a slider is let go, and kept.
    Raises ValueError for inputs that cannot be meant (see `inputs.check_inputs`).
    """
    return Explorer(model, *check_inputs(model, x, labels), names)


class Explorer(Live):
    """The box on the screen: `image` and `norm` are lists, `lam` (its log10) and `steps` sliders, `note` the verdict."""

    instead = INSTEAD

    def __init__(self, model: Model, x: np.ndarray, labels: np.ndarray, names: Sequence[str]) -> None:
        self.model, self.x, self.labels, self.names = model, x, labels, names
        self.results = {}  # (image, norm, log10 of lambda, steps): Result
        self.image = widgets.Dropdown(options=[(f"{i}: {names[label]}", i) for i, label in enumerate(labels)],
                                      description="Image")
        self.norm = widgets.Dropdown(options=list(RATES), value="L2", description="Norm")
        self.lam = widgets.FloatSlider(value=LAMS["L2"], min=-1, max=7, step=0.25, description="log10 lambda",
                                       continuous_update=False)
        self.steps = widgets.IntSlider(value=100, min=1, max=300, description="Steps", continuous_update=False)
        self.pictures, self.note = widgets.Image(format="png"), widgets.HTML()
        self.norm.observe(lambda change: setattr(self.lam, "value", LAMS[change["new"]]), "value")
        for part in (self.image, self.norm, self.lam, self.steps):
            part.observe(self._draw, "value")
        super().__init__([widgets.HBox([self.image, self.norm]), widgets.HBox([self.lam, self.steps]), self.pictures, self.note])
        self._draw()

    def found(self) -> Result:
        """The attack with what is chosen, on one image."""
        i, norm, lam, steps = key = self.image.value, self.norm.value, self.lam.value, self.steps.value
        if key not in self.results:
            self.results[key] = dx_attack(self.model, self.x[i:i + 1], self.labels[i:i + 1], norm=norm, lam=10**lam, steps=steps,
                                          learning_rate=RATES[norm], last=True)
        return self.results[key]

    def _draw(self, change: dict | None = None) -> None:
        """Show X, X + DX and |DX|, and what the network says, for what the widgets say now."""
        i, one = self.image.value, self.found()
        self.pictures.value = three_images(self.x[i], one.modified[0])
        p = tf.nn.softmax(self.model(tf.constant(one.modified))[0]).numpy()
        sizes = ", ".join(f"{norm} {one.norms[norm][0]:.3g}" for norm in RATES)
        verdict = "fooled" if one.success[0] else "not fooled"
        self.note.value = (f"X, X + DX, {AMPLIFIED} |DX|. The network says {self.names[int(p.argmax())]} "
                           f"({100 * p.max():.0f} %): <b>{verdict}</b>. Size of DX: {sizes}.")
