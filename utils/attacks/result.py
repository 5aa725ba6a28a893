"""What an attack gives: the perturbation, the image with it, whether it fools the model, and its size in every norm."""
from typing import NamedTuple

import numpy as np

from utils.attacks.inputs import Model, chunks
from utils.attacks.losses import margin
from utils.attacks.norms import NORMS, PIXELS
from utils.quiet import tf


class Result(NamedTuple):
    """What an attack gives for N images. All arrays are NumPy.

    dx        float32 [N, H, W, C]: the perturbation
    modified  float32 [N, H, W, C] in [0, 1]: the image with it
    success   bool [N]: does the model say what the attacker wants?
    norms     {"L0", "L1", "L2", "Linf"}, each [N]: size of dx, with pixel values in [0, 1]; L0 counts changed values
    history   one array [steps] for each thing followed over the steps, empty for attacks of one step
    """

    dx: np.ndarray
    modified: np.ndarray
    success: np.ndarray
    norms: dict[str, np.ndarray]
    history: dict[str, np.ndarray]


def judged(model: Model, x: np.ndarray, dx: np.ndarray, labels: np.ndarray, targeted: bool,
           history: dict[str, np.ndarray]) -> Result:
    """The Result of a perturbation dx of x, both [N, H, W, C]: x + dx is clipped to the box [0, 1], then judged by the model."""
    modified = np.clip(x + np.asarray(dx, np.float32), 0, 1)
    dx = modified - x
    success = np.concatenate([margin(model(tf.constant(modified[part])), labels[part], targeted) < 0
                              for part in chunks(x)])
    sizes = {name: norm.size(tf.constant(dx)).numpy() for name, norm in NORMS.items()}
    return Result(dx, modified, success, {"L0": np.count_nonzero(dx, PIXELS)} | sizes, history)
