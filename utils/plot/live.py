"""What a notebook shows of a widget: live, or one sentence where outputs are stored; and its pictures."""
import os

import ipywidgets as widgets
import numpy as np

from utils.data.images import to_levels, to_png


class Live(widgets.VBox):
    """A box of widgets that is `instead`, a sentence, where it cannot be shown.

    A widget is named by a number that changes from run to run, and a stored notebook cannot show it. Where the course stores or
    compares outputs nobody can move a slider: there only the sentence is put out. Those runs (`execute.environment`,
    conftest.py) have TQDM_DISABLE=1: no progress bars either.
    """

    instead: str

    def _repr_mimebundle_(self, **options) -> dict:
        """What Jupyter shows: the widget and the sentence, or the sentence alone where outputs are stored."""
        text = {"text/plain": self.instead}
        return text if os.environ.get("TQDM_DISABLE") == "1" else super()._repr_mimebundle_(**options) | text


def enlarged_png(image: np.ndarray, times: int) -> bytes:
    """The image [H, W, 1] or [H, W, 3] in [0, 1] as a PNG file, `times` screen pixels for each of its own."""
    larger = to_levels(image).repeat(times, 0).repeat(times, 1)
    return to_png(larger[..., 0] if larger.shape[2] == 1 else larger)
