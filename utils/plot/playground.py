"""A small network under your fingers: data, width, depth, activation and noise; it is trained anew at each change."""
import io

import ipywidgets as widgets
import matplotlib.pyplot as plt
import numpy as np

from utils import backprop
from utils.data import toy
from utils.plot.hidden_units import decision_grid
from utils.plot.live import Live

DATA = {"disc": toy.rings, "moons": toy.moons, "spiral": toy.spiral}
ACTIVATIONS = {"ReLU": (backprop.RELU, backprop.he), "sigmoid": (backprop.SIGMOID, backprop.xavier)}
EXAMPLES, EPOCHS, RATE, BATCH = 300, 80, 0.02, 50
INSTEAD = "The playground, live in JupyterLab: choose data, width, depth, activation and noise, and a network is trained at once."


def playground() -> "Playground":
    """Lists and sliders, the decision of the network that they describe, and its accuracy on other points."""
    return Playground()


class Playground(Live):
    """The box on the screen: controls `data`, `activation`, `width`, `depth`, `noise`, `seed`; the answer `image`, `note`."""

    instead = INSTEAD

    def __init__(self) -> None:
        slow = dict(continuous_update=False)  # a network is trained when a slider is let go
        self.data = widgets.Dropdown(options=list(DATA), description="Data")
        self.activation = widgets.Dropdown(options=list(ACTIVATIONS), description="Activation")
        self.width = widgets.IntSlider(value=4, min=1, max=32, description="Width", **slow)
        self.depth = widgets.IntSlider(value=1, min=1, max=3, description="Depth", **slow)
        self.noise = widgets.FloatSlider(value=0.1, min=0, max=0.6, step=0.05, description="Noise", **slow)
        self.seed = widgets.IntSlider(value=0, min=0, max=9, description="Seed", **slow)
        self.image, self.note = widgets.Image(format="png"), widgets.Label()
        for part in (self.data, self.activation, self.width, self.depth, self.noise, self.seed):
            part.observe(self._draw, "value")
        super().__init__([widgets.HBox([self.data, self.activation]), widgets.HBox([self.width, self.depth]),
                          widgets.HBox([self.noise, self.seed]), self.image, self.note])
        self._draw()

    def trained(self) -> tuple[list, np.ndarray, np.ndarray, list[float]]:
        """The network of the controls after training, its examples [N, 2] and labels [N], and the loss of each batch."""
        activation, variance = ACTIVATIONS[self.activation.value]
        x, y = DATA[self.data.value](EXAMPLES, self.seed.value, self.noise.value)
        start = backprop.initialise([2] + [self.width.value] * self.depth.value + [2], self.seed.value, variance)
        net, losses = backprop.train(start, x, y, rate=RATE, epochs=EPOCHS, batch_size=BATCH, seed=self.seed.value,
                                     rule=backprop.adam, activation=activation)
        return net, x, y, losses

    def _draw(self, change: dict | None = None) -> None:
        """Train a network with the settings of the widgets, and show what it learnt."""
        net, x, y, losses = self.trained()
        activation = ACTIVATIONS[self.activation.value][0]
        other, labels = DATA[self.data.value](1000, 1000, self.noise.value)
        side = np.linspace(-3, 3, 90)
        plane = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
        p = backprop.softmax(backprop.forward(net, plane, activation)[-1])[:, 1].reshape(90, 90)
        fig = decision_grid({"": [p]}, [""], [(x, y)], limit=3, title="Probability of label 1")
        fig.set_size_inches(4.4, 4.4)
        self.image.value = _png(fig)
        right = [100 * backprop.accuracy(net, *points, activation) for points in ((x, y), (other, labels))]
        self.note.value = (f"loss {np.mean(losses[-6:]):.2f}, accuracy {right[0]:.0f} % of the points shown, "
                           f"{right[1]:.0f} % of 1,000 others")


def _png(fig: plt.Figure) -> bytes:
    memory = io.BytesIO()
    fig.savefig(memory, format="png")
    plt.close(fig)
    return memory.getvalue()
