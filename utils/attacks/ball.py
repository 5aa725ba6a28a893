"""The ball of a norm around an image, inside the box of pixel values: projection onto it, random points, the steepest step."""
from utils.attacks import norms
from utils.attacks.descent import each
from utils.attacks.norms import PIXELS
from utils.quiet import tf

BISECTIONS = 32  # halve [0, 1] down to 2e-10, below the precision of float32


def onto_ball(dx: tf.Tensor, x: tf.Tensor, epsilon: tf.Tensor, norm: str) -> tf.Tensor:
    """The d nearest to dx (Euclidean) with size(d) <= epsilon, by `norm`, and 0 <= x + d <= 1, for each image.

    dx, x    float32 [N, H, W, C]; x in [0, 1]
    epsilon  float32 []: the radius, 0 or more
    norm     "L1", "L2" or "Linf"

    Linf: clip to both. With a = |dx| and u the room up to the box's edge, the others are, by the conditions of Karush, Kuhn and
    Tucker,
      L2  min(s a, u)              s in [0, 1]: without a box the scaling of dx to the length epsilon
      L1  min(max(a - tau, 0), u)  tau >= 0: without a box the projection of Duchi et al. 2008, figure 1; with it, that of
                                   Croce and Hein 2021 ("Mind the box")
    The size grows with s and falls with tau, so bisection finds the one for which it is epsilon; the answer is never outside.
    """
    if norm == "Linf":
        return tf.clip_by_value(tf.clip_by_value(x + dx, 0.0, 1.0) - x, -epsilon, epsilon)
    size, room = tf.abs(dx), tf.where(dx > 0, 1 - x, x)
    largest = tf.reduce_max(size, PIXELS, keepdims=True)
    low, high = tf.zeros_like(largest), tf.ones_like(largest)  # how much is kept: nothing, and everything
    for _ in tf.range(BISECTIONS):
        middle = (low + high) / 2
        inside = norms.NORMS[norm].size(_kept(size, room, largest, middle, norm)) <= epsilon
        inside = each(inside)
        low, high = tf.where(inside, middle, low), tf.where(inside, high, middle)
    everything = _kept(size, room, largest, tf.ones_like(low), norm)
    is_inside = norms.NORMS[norm].size(everything) <= epsilon
    return tf.sign(dx) * tf.where(each(is_inside), everything, _kept(size, room, largest, low, norm))


def _kept(size: tf.Tensor, room: tf.Tensor, largest: tf.Tensor, part: tf.Tensor, norm: str) -> tf.Tensor:
    """The formulas of `onto_ball` for s = part (L2) or tau = (1 - part) * largest (L1); all [N, H, W, C] or [N, 1, 1, 1]."""
    smaller = part * size if norm == "L2" else tf.maximum(size - (1 - part) * largest, 0.0)
    return tf.minimum(smaller, room)


def random_in_ball(shape: tf.Tensor, epsilon: tf.Tensor, norm: str, seed: tf.Tensor) -> tf.Tensor:
    """A point of that shape, uniform in the ball of radius epsilon around 0; seed int32 [2].

    L2: a Gaussian direction, and the radius epsilon * u^(1 / D) for a uniform u. L1: Laplace numbers divided by the sum of
    their sizes and one more (Barthe et al. 2005, theorem 1).
    """
    uniform = tf.random.stateless_uniform(shape, seed, minval=-1.0, maxval=1.0)
    if norm == "Linf":
        return epsilon * uniform
    one = tf.random.stateless_uniform([], seed + tf.constant([1, 0]), minval=1e-7)
    if norm == "L2":
        direction = tf.random.stateless_normal(shape, seed)
        return epsilon * one ** (1 / tf.cast(tf.size(direction), tf.float32)) * direction / tf.norm(direction)
    laplace = -tf.math.log(tf.maximum(tf.abs(uniform), 1e-7))
    return epsilon * tf.sign(uniform) * laplace / (tf.reduce_sum(laplace) - tf.math.log(one))


def steepest(gradient: tf.Tensor, room: tf.Tensor, size: tf.Tensor, norm: str) -> tf.Tensor:
    """The step of that size, by `norm`, along which a linear function with that gradient grows most.

    gradient, room  [N, H, W, C]; room is how far a value can go in the direction of its gradient. Without room it stays
    size            float32 []

    Linf: size * sign(gradient). L2: size * gradient / ||gradient||_2. L1: one value after the other, by falling |gradient|,
    goes to the end of its room, until the step has its size (Croce and Hein 2021, "Mind the box"). Where the gradient is 0,
    so is the step.
    """
    gradient = tf.where(room > 0, gradient, 0.0)
    if norm == "Linf":
        return size * tf.sign(gradient)
    if norm == "L2":
        # Divided by its largest value first: the square of a tiny gradient would be 0.
        gradient = tf.math.divide_no_nan(gradient, tf.reduce_max(tf.abs(gradient), PIXELS, keepdims=True))
        return size * tf.math.divide_no_nan(gradient, norms.euclidean(gradient)[:, None, None, None])
    flat = [tf.shape(gradient)[0], -1]
    slope, room = tf.reshape(tf.abs(gradient), flat), tf.reshape(tf.where(gradient == 0, 0.0, room), flat)
    order = tf.argsort(slope, direction="DESCENDING", stable=True)
    room = tf.gather(room, order, batch_dims=1)
    moved = tf.clip_by_value(size - tf.cumsum(room, axis=1, exclusive=True), 0.0, room)
    return tf.sign(gradient) * tf.reshape(tf.gather(moved, tf.argsort(order), batch_dims=1), tf.shape(gradient))
