"""From an attack in real numbers to one that survives being saved: a file holds 256 grey levels."""
import numpy as np

from utils.attacks.inputs import CHUNK, Model, check_inputs, check_numbers
from utils.attacks.losses import margin
from utils.attacks.result import Result, result
from utils.data.images import to_float, to_levels
from utils.quiet import tf

SCALES = np.geomspace(0.85, 8.5, 90).astype(np.float32)  # what DX is multiplied with, 2.6 % apart
SAFETY = 1e-2  # margin in logits, above what another batch size or processor changes


def round_to_8bit(x: np.ndarray) -> np.ndarray:
    """Images in [0, 1], each value rounded to the nearest multiple of 1/255: what a png file gives back."""
    return to_float(to_levels(x))


def smallest_8bit(model: Model, x: np.ndarray, labels: np.ndarray, dx: np.ndarray, *, targeted: bool = False) -> Result:
    """For each image, the smallest t * dx for which x + t * dx, rounded to 8 bits, still fools the model.

    Rounding sets most values of a smallest perturbation to 0 or a whole step, and undoes it for most images; a longer
    one in the same direction survives. Tries the t of SCALES, all images at one time, and keeps for each image the
    smallest rounded DX by L2 that fools with SAFETY; where no t does, the rounded x + dx.

    x [N, H, W, C] in [0, 1] must be 8-bit itself (ValueError if not), labels [N] and `targeted` as in `dx_attack`,
    dx [N, H, W, C] from an attack.
    """
    x, labels = check_inputs(model, x, labels, targeted)
    check_numbers(dx=dx)
    if np.abs(x - round_to_8bit(x)).max() > 1e-4:
        raise ValueError("The images are not multiples of 1/255, so saving would change them too: "
                         "give round_to_8bit(x) to the attack.")
    kept = np.concatenate([_search(model, *map(tf.constant, (x[part], labels[part], dx[part])), targeted).numpy()
                           for part in (slice(start, start + CHUNK) for start in range(0, len(x), CHUNK))])
    return result(model, x, round_to_8bit(x + kept) - x, labels, targeted, {})


@tf.function(reduce_retracing=True)
def _search(model, x, labels, dx, targeted):
    """t * dx [N, H, W, C] with the t that `smallest_8bit` describes."""
    scales = tf.constant(SCALES)
    best, best_size = dx, tf.fill([tf.shape(x)[0]], np.inf)
    for i in tf.range(len(SCALES)):
        modified = tf.round(tf.clip_by_value(x + scales[i] * dx, 0.0, 1.0) * 255) / 255
        size = tf.norm(tf.reshape(modified - x, [tf.shape(x)[0], -1]), axis=1)
        better = (margin(model(modified), labels, targeted) < -SAFETY) & (size < best_size)
        best = tf.where(better[:, None, None, None], scales[i] * dx, best)
        best_size = tf.where(better, size, best_size)
    return best
