"""How a network's answer and its features change when the image is moved (Zeiler and Fergus 2014, figure 5)."""
from collections.abc import Sequence

import numpy as np

from utils.attacks.inputs import Model, check_inputs
from utils.augment import moved
from utils.explain.relu import recorded
from utils.explain.scores import probability
from utils.quiet import tf

MOVES = {"shift": "right", "scale": "zoom", "rotation": "angle"}  # how `augment.moved` names them


def response(model: Model, x: np.ndarray, labels: np.ndarray, move: str, amounts: Sequence[float],
             layers: Sequence[int] = (0, -1)) -> tuple[np.ndarray, np.ndarray]:
    """The probability of the label, and the distance of the features from those of the image as it is, for each amount.

    move     "shift" (pixels to the right), "scale" (factor) or "rotation" (degrees clockwise), about the centre
    layers   ReLUs in the order of evaluation: their outputs are the features

    Returns probabilities [amounts, N] and distances [layers, amounts, N]: L2, divided by the mean L2 distance of the features of
    two different images of x, so that 1 is as far as to another image (by 1 if x is one image). Raises ValueError for another
    move and for inputs that cannot be meant (`check_inputs`). All N images go through the model at once.
    """
    if move not in MOVES:
        raise ValueError(f"move is {move!r}, expected one of {', '.join(MOVES)}.")
    x, labels = check_inputs(model, x, labels)
    own, probabilities, distances = _features(model, tf.constant(x), labels, layers)[1], [], []
    others = range(1, len(x))
    far = [np.mean([np.linalg.norm(one - np.roll(one, k, axis=0), axis=1).mean() for k in others]) if others else 1.0
           for one in own]
    for amount in amounts:
        p, features = _features(model, moved(tf.constant(x), **{MOVES[move]: float(amount)}), labels, layers)
        probabilities.append(p)
        distances.append([np.linalg.norm(one - before, axis=1) / max(scale, 1e-12)
                          for one, before, scale in zip(features, own, far)])
    return np.stack(probabilities), np.stack(distances, axis=1)


def _features(model: Model, x: tf.Tensor, labels: np.ndarray, layers: Sequence[int]) -> tuple[np.ndarray, list[np.ndarray]]:
    logits, seen = recorded(model, x)
    return probability(logits, labels).numpy(), [seen[layer].after.numpy().reshape(len(x), -1) for layer in layers]
