"""Which pixels of a rendered face a factor has drawn: the truth that an explanation can be compared with."""
import numpy as np

from utils.attacks.inputs import Model
from utils.data.rendered import MEASURED, render
from utils.explain.scores import Score, class_scores, log_odds

PARTS = {"hair": ("hair_length",), "brows": ("brow_thickness", "brow_distance"), "lashes": ("lashes",), "lips": ("lip_fullness",),
         "nose": ("nose_width",)}  # local ones: a new jaw or length of the face moves all pixels


def drawn_by(factors: dict[str, np.ndarray], least: float = 0.05, **without: float | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The pixels that change by `least` or more with other factors: masks [N, H, W], and those faces, [N, H, W, 1].

    factors  arrays [N] as `rendered_faces` gives them; everything else of the picture, its noise too, stays the same
    without  such as beard=0, moustache=0; numbers or arrays [N]. Raises ValueError for a factor that does not exist.
    """
    if unknown := sorted(without.keys() - factors.keys()):
        raise ValueError(f"There is no factor {unknown[0]!r}: see the table in utils/data/rendered.py.")
    changed = factors | {name: np.broadcast_to(value, factors[name].shape) for name, value in without.items()}
    other = render(changed)
    return (np.abs(render(factors) - other) >= least).any(-1), other


def exchanged(model: Model, factors: dict[str, np.ndarray], score: Score = log_odds) -> tuple[np.ndarray, np.ndarray]:
    """What each of PARTS does: the face is drawn again with that part as it is on average for the other label.

    Returns the fall of the score of the label, [parts, N], and the masks of the pixels that were drawn anew, [parts, N, H, W].
    It is the network's answer to a question about the picture's cause, so an explanation can be compared with it.
    """
    labels, faces = factors["label"].astype(np.int64), render(factors)
    before, falls, masks = class_scores(model, faces, labels, score), [], []
    for names in PARTS.values():
        other = {name: np.where(labels == 0, MEASURED[name][1], MEASURED[name][0]) for name in names}
        mask, drawn = drawn_by(factors, **other)
        falls.append(before - class_scores(model, drawn, labels, score))
        masks.append(mask)
    return np.stack(falls), np.stack(masks)
