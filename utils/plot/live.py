"""What a notebook shows of a widget: live, or one sentence where outputs are stored."""
import os

import ipywidgets as widgets


class Live(widgets.VBox):
    """A box of widgets that is `instead`, a sentence, where it cannot be shown.

    A widget is named by a number that changes from run to run, and a stored notebook cannot show it. Where the course stores or
    compares outputs nobody can move a slider: there only the sentence is put out. Those runs (`execute.environment`,
    conftest.py) have TQDM_DISABLE=1: no progress bars either.
    """

    instead: str

    def _repr_mimebundle_(self, **options) -> dict:
        text = {"text/plain": self.instead}
        return text if os.environ.get("TQDM_DISABLE") == "1" else super()._repr_mimebundle_(**options) | text
