"""The exact smallest step onto a linearised boundary, inside the box of pixel values: the core of `minimal`."""
from utils.quiet import tf

ROUNDING = 1e-6  # what may be missing of the change: sums of float32 are not more exact


def onto_boundary(x: tf.Tensor, gradient: tf.Tensor, change: tf.Tensor, norm: str) -> tf.Tensor:
    """The smallest d, by `norm`, with sum(gradient * d) = change and 0 <= x + d <= 1, for each image.

    x, gradient  float32 [N, H, W, C]; x in [0, 1]
    change       float32 [N]: how much the linear function has to change
    norm         "L0", "L1", "L2" or "Linf"

    Returns d [N, H, W, C]. Where the box does not allow so much change, d goes to the box's edge in every value that helps.
    Each value moves in the direction that helps, by t in [0, u], u the room up to the box's edge; it then contributes |g| t.
      L1    the values with the largest |g| move first, as far as they can: the fractional knapsack (Dantzig 1957)
      L0    those with the largest contribution |g| u move first, which takes the fewest values
      L2    t = min(tau |g|, u), and Linf  t = min(tau, u): the conditions of Karush, Kuhn and Tucker. The sum of |g| t grows
            with tau, linearly between the points where another value reaches its edge (`_together`)
    If no edge is reached, the size of d is |change| / ||gradient||_q, q the dual norm. As in the projection of Croce and Hein
    2020 (FAB, section 3.1), which is for L1, L2 and Linf.
    """
    flat = [tf.shape(x)[0], -1]
    direction = tf.sign(gradient) * tf.sign(change)[:, None, None, None]
    room = tf.where(direction > 0, 1 - x, tf.where(direction < 0, x, 0.0))
    slope, room = tf.reshape(tf.abs(gradient), flat), tf.reshape(room, flat)
    largest = tf.reduce_max(slope, 1, keepdims=True)  # divided by it: the square of a tiny slope would be 0
    slope, needed = tf.math.divide_no_nan(slope, largest), tf.math.divide_no_nan(tf.abs(change)[:, None], largest)
    moved = _in_order(slope, room, needed, norm) if norm in ("L0", "L1") else _together(slope, room, needed, norm)
    return direction * tf.reshape(moved, tf.shape(x))


def _in_order(slope: tf.Tensor, room: tf.Tensor, needed: tf.Tensor, norm: str) -> tf.Tensor:
    """One value after the other moves to its edge until sum(slope * t) is `needed` [N, 1]; the last one stops before. [N, D]."""
    gain = slope * room
    order = tf.argsort(slope if norm == "L1" else gain, direction="DESCENDING", stable=True)
    gain = tf.gather(gain, order, batch_dims=1)
    left = needed - tf.cumsum(gain, axis=1, exclusive=True)
    fraction = tf.clip_by_value(tf.math.divide_no_nan(left, gain), 0.0, 1.0)
    return tf.gather(fraction, places(order), batch_dims=1) * room


def places(order: tf.Tensor) -> tf.Tensor:
    """The inverse of each row's permutation `order`, int32 [N, D]: the place of each value in the order. Faster than a sort."""
    count = tf.shape(order)[1]
    first = count * tf.range(tf.shape(order)[0])[:, None]  # of each row, when all rows are one permutation
    return tf.reshape(tf.math.invert_permutation(tf.reshape(order + first, [-1])), tf.shape(order)) - first


def _together(slope: tf.Tensor, room: tf.Tensor, needed: tf.Tensor, norm: str) -> tf.Tensor:
    """t = min(tau * weight, room), [N, D], tau such that sum(slope * t) is `needed` [N, 1]; weight: slope (L2) or 1 (Linf).

    Newton's method from tau = 0: the sum grows more slowly from edge to edge, so no step goes too far, and the last is exact.
    """
    weight = tf.where(slope > 0, slope if norm == "L2" else 1.0, 0.0)
    tau, more = tf.zeros_like(needed), needed > 0
    while tf.reduce_any(more):
        moved = tf.math.multiply_no_nan(weight, tau)
        missing = needed - tf.reduce_sum(slope * tf.minimum(moved, room), 1, keepdims=True)
        rate = tf.reduce_sum(tf.where(moved < room, slope * weight, 0.0), 1, keepdims=True)
        more &= (missing > ROUNDING * needed) & (rate > 0)  # none where everything is at its edge: the box is too small
        tau = tf.where(more, tau + tf.math.divide_no_nan(missing, rate), tau)
    return tf.minimum(tf.math.multiply_no_nan(weight, tau), room)
