"""Grad-CAM: which feature maps of a layer speak for a class, and where they are active (Selvaraju et al. 2017, section 3)."""
import numpy as np

from utils.attacks.inputs import Model, check_inputs
from utils.explain.relu import feature_maps, recorded
from utils.explain.scores import Score, logit, slices
from utils.quiet import tf


def grad_cam(model: Model, x: np.ndarray, labels: np.ndarray, score: Score = logit, *, layer: int = -1) -> np.ndarray:
    """ReLU of the feature maps, each weighted by the mean gradient of the score by it, enlarged to the image: [N, H, W], >= 0.

    layer  among the ReLUs that give feature maps, in the order of evaluation; -1 is the last. (In `units`, `response` and
           `visualise` a layer is counted among all ReLUs, those of dense layers too.)

    One forward pass and half a backward pass. Raises ValueError for a layer that is not there and inputs that cannot be meant.
    """
    x, labels = check_inputs(model, x, labels)
    return np.concatenate([_grad_cam(model, tf.constant(x[part]), tf.constant(labels[part]), score, layer).numpy()
                           for part in slices(x)])


@tf.function(reduce_retracing=True)
def _grad_cam(model: Model, x: tf.Tensor, labels: tf.Tensor, score: Score, layer: int) -> tf.Tensor:
    with tf.GradientTape() as tape:
        tape.watch(x)
        logits, seen = recorded(model, x)
        total = tf.reduce_sum(score(logits, labels))
    found = feature_maps(seen)
    if not -len(found) <= layer < len(found):
        raise ValueError(f"The model has {len(found)} layers of feature maps, so there is no layer {layer}.")
    features = found[layer].after
    weights = tf.reduce_mean(tape.gradient(total, features), [1, 2], keepdims=True)
    together = tf.nn.relu(tf.reduce_sum(weights * features, -1, keepdims=True))
    return tf.image.resize(together, x.shape[1:3])[..., 0]
