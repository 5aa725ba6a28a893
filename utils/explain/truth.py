"""Which pixels of a rendered face a factor has drawn: the truth that an explanation can be compared with."""
import numpy as np

from utils.data.rendered import render


def drawn_by(factors: dict[str, np.ndarray], least: float = 0.05, **without: float) -> tuple[np.ndarray, np.ndarray]:
    """The pixels that change by `least` or more when factors have another value: masks [N, H, W], and the faces without, [N, H, W, 1].

    factors  arrays [N] as `rendered_faces` gives them; everything else of the picture, its noise too, stays the same
    without  such as beard=0, moustache=0. Raises ValueError for a factor that does not exist.
    """
    if unknown := sorted(without.keys() - factors.keys()):
        raise ValueError(f"There is no factor {unknown[0]!r}: see the table in utils/data/rendered.py.")
    changed = factors | {name: np.full_like(factors[name], value) for name, value in without.items()}
    other = render(changed)
    return (np.abs(render(factors) - other) >= least).any(-1), other
