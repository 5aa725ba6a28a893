"""The exact smallest step onto a linearised boundary, inside the box of pixel values: the core of `minimal`."""
import numpy as np

from utils.quiet import tf


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
            with tau, linearly between the points where another value reaches its edge: sort them, and interpolate
    If no edge is reached, the size of d is |change| / ||gradient||_q, q the dual norm. As in the projection of Croce and Hein
    2020 (FAB, section 3.1), which is for L1, L2 and Linf.
    """
    flat = [tf.shape(x)[0], -1]
    direction = tf.sign(gradient) * tf.sign(change)[:, None, None, None]
    room = tf.where(direction > 0, 1 - x, tf.where(direction < 0, x, 0.0))
    slope, room = tf.reshape(tf.abs(gradient), flat), tf.reshape(room, flat)
    needed = tf.abs(change)[:, None]
    moved = _in_order(slope, room, needed, norm) if norm in ("L0", "L1") else _together(slope, room, needed, norm)
    return direction * tf.reshape(moved, tf.shape(x))


def _in_order(slope: tf.Tensor, room: tf.Tensor, needed: tf.Tensor, norm: str) -> tf.Tensor:
    """One value after the other moves to its edge until sum(slope * t) is `needed` [N, 1]; the last one stops before. [N, D]."""
    gain = slope * room
    order = tf.argsort(slope if norm == "L1" else gain, direction="DESCENDING", stable=True)
    gain = tf.gather(gain, order, batch_dims=1)
    left = needed - tf.cumsum(gain, axis=1, exclusive=True)
    fraction = tf.clip_by_value(tf.math.divide_no_nan(left, gain), 0.0, 1.0)
    return tf.gather(fraction, tf.argsort(order), batch_dims=1) * room


def _together(slope: tf.Tensor, room: tf.Tensor, needed: tf.Tensor, norm: str) -> tf.Tensor:
    """t = min(tau * weight, room), [N, D], tau such that sum(slope * t) is `needed` [N, 1]; weight: slope (L2) or 1 (Linf)."""
    weight = slope if norm == "L2" else tf.ones_like(slope)
    edge = tf.where(slope > 0, tf.math.divide_no_nan(room, weight), np.inf)  # the tau at which a value reaches its edge
    order = tf.argsort(edge, stable=True)
    edge, gain, rate = (tf.gather(values, order, batch_dims=1) for values in (edge, slope * room, slope * weight))
    done = tf.cumsum(gain, axis=1, exclusive=True)  # what the values before contribute: they are at their edges
    growing = tf.cumsum(rate, axis=1, reverse=True)  # how fast the others contribute: this one and those after it
    tau = tf.math.divide_no_nan(needed - done, growing)  # if exactly those before are at their edges
    # The first tau that its own value still follows. Where there is none, the box is too small: everything to its edge.
    fits = (tau <= edge) & (growing > 0)
    tau = tf.where(tf.reduce_any(fits, 1), tf.gather(tau, tf.argmax(fits, 1), batch_dims=1), np.inf)[:, None]
    return tf.where(slope > 0, tf.minimum(tau * weight, room), 0.0)
