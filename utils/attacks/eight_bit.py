"""From an attack in real numbers to one that survives being saved: a file holds 256 grey levels."""
import numpy as np

from utils.attacks.descent import each
from utils.attacks.inputs import Model, check_inputs, check_numbers, chunks
from utils.attacks.losses import margin
from utils.attacks.result import Result, judged
from utils.data.images import to_float, to_levels
from utils.quiet import tf

# What DX is multiplied with. A little below 1, for rounding also lengthens some values of DX. Up to 8.5, for a smallest DX far
# below a grey level has to grow until enough values reach half of one: of 100 built-in digits and 100 faces, attacked with the
# three-convolution network, half needed less than 1 and 1.05, the longest 1.13 and 1.75. Steps of 2.6 %: the saved DX is longer
# than need be by that at most, as far as rounding is even.
SCALES = np.geomspace(0.85, 8.5, 90).astype(np.float32)
# The margin, in logits, that is left when the image is read again: with another batch size or processor, sums in another order
# change logits of up to 22 by 1e-5 (digits); the short multiplications of a graphics card (TF32), by about 1e-3 of a logit.
SAFETY = 1e-2


def round_to_8bit(x: np.ndarray) -> np.ndarray:
    """Images of any shape, each value clipped to [0, 1] and rounded to the nearest multiple of 1/255: what a PNG file gives back.

    Returns float32 of the same shape.
    """
    return to_float(to_levels(x))


def smallest_8bit(model: Model, x: np.ndarray, labels: np.ndarray, dx: np.ndarray, *, targeted: bool = False) -> Result:
    """For each image, the smallest t * dx for which x + t * dx, rounded to 8 bits, still fools the model.

    Rounding sets most values of a small perturbation to 0 or a whole grey level, and often undoes it; a longer one in the
    same direction survives. Tries each t of SCALES on all images in one batch, and keeps for each image the smallest
    rounded DX by L2 that fools the model by SAFETY; where no t does, the rounded x + dx.

    x       images [N, H, W, C] in [0, 1], multiples of 1/255 themselves
    labels  [N], with `targeted` as in `dx_attack`
    dx      [N, H, W, C], from an attack. An image whose dx is 0 comes back unchanged

    Raises ValueError for an x that is not 8-bit, and for inputs that cannot be meant (see `inputs.check_inputs`).
    """
    x, labels = check_inputs(model, x, labels, targeted)
    check_numbers(dx=dx)
    if np.abs(x - round_to_8bit(x)).max() > 1e-4:
        raise ValueError("The images are not multiples of 1/255, so saving would change them too: "
                         "give round_to_8bit(x) to the attack.")
    kept = np.concatenate([_search(model, *map(tf.constant, (x[part], labels[part], dx[part])), targeted).numpy()
                           for part in chunks(x)])
    return judged(model, x, round_to_8bit(x + kept) - x, labels, targeted, {})


@tf.function(reduce_retracing=True)
def _search(model: Model, x: tf.Tensor, labels: tf.Tensor, dx: tf.Tensor, targeted: bool) -> tf.Tensor:
    """t * dx [N, H, W, C] with the t that `smallest_8bit` describes; x and dx [N, H, W, C], labels [N]."""
    scales = tf.constant(SCALES)
    best, best_size = dx, tf.fill([tf.shape(x)[0]], np.inf)
    for i in tf.range(len(SCALES)):
        modified = tf.round(tf.clip_by_value(x + scales[i] * dx, 0.0, 1.0) * 255) / 255
        size = tf.norm(tf.reshape(modified - x, [tf.shape(x)[0], -1]), axis=1)
        better = (margin(model(modified), labels, targeted) < -SAFETY) & (size < best_size)
        best = tf.where(each(better), scales[i] * dx, best)
        best_size = tf.where(better, size, best_size)
    return best
