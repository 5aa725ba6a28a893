"""A walk through the latent space under your fingers: two vectors, how far between them, how far from 0;
`explorer(generator, model)`.
"""
import ipywidgets as widgets
import numpy as np

from utils.attacks.inputs import Model
from utils.generative import latent
from utils.plot.live import Live, enlarged_png
from utils.quiet import tf

ENLARGED = 8  # screen pixels for each pixel of an image
VECTORS = 100  # to choose from
INSTEAD = "The latent explorer, live in JupyterLab: choose two latent vectors, and move between them and towards 0."


def explorer(generator: tf.keras.Model, model: Model, seed: int = 0) -> "Explorer":
    """Sliders for two latent vectors, the way between them and its length; the image, and what a classifier says of it.

    generator  z [N, latent] -> images [N, H, W, C] in [0, 1], not conditional
    model      such images -> logits [N, classes]
    seed       of the VECTORS standard normal latent vectors
    """
    return Explorer(generator, model, seed)


class Explorer(Live):
    """The box on the screen.

    `first` and `second` number the vectors, `t` in [0, 1] lies between, `scale` multiplies the result.
    """

    instead = INSTEAD

    def __init__(self, generator: tf.keras.Model, model: Model, seed: int = 0) -> None:
        self.generator, self.model = generator, model
        self.vectors = np.random.default_rng(seed).standard_normal((VECTORS, generator.input_shape[1]), np.float32)
        self.first, self.second = (widgets.IntSlider(value=value, max=VECTORS - 1, description=name)
                                   for value, name in ((0, "First"), (1, "Second")))
        self.t = widgets.FloatSlider(value=0.5, max=1, step=0.02, description="t")
        self.scale = widgets.FloatSlider(value=1, max=2, step=0.05, description="Scale")
        self.pictures, self.note = widgets.Image(format="png"), widgets.HTML()
        for part in (self.first, self.second, self.t, self.scale):
            part.observe(self._draw, "value")
        super().__init__([widgets.HBox([self.first, self.second]), widgets.HBox([self.t, self.scale]), self.pictures, self.note])
        self._draw()

    def z(self) -> np.ndarray:
        """The latent vectors [3, latent] of the first image, the one between, and the second."""
        a, b = self.vectors[[self.first.value]], self.vectors[[self.second.value]]
        between = latent.on_shell(a, b, self.t.value)
        return np.concatenate([a, self.scale.value * between, b]).astype(np.float32)

    def _draw(self, change: dict | None = None) -> None:
        """Show the three generated images and what the classifier says, for what the widgets say now."""
        z = self.z()
        images = self.generator(z).numpy()
        self.pictures.value = enlarged_png(np.concatenate(list(images), axis=1), ENLARGED)
        p = tf.nn.softmax(self.model(tf.constant(images[1:2]))[0]).numpy()
        self.note.value = (f"First, between, second. |z| between: {np.linalg.norm(z[1]):.2f}. The classifier says "
                           f"<b>{p.argmax()}</b> ({100 * p.max():.0f} %).")
