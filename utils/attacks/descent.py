"""What attacks that follow a gradient share: a gradient that is always of use, and small functions of a batch."""
from utils.attacks import adam
from utils.attacks.inputs import Model
from utils.attacks.losses import margin
from utils.attacks.norms import NORMS, PIXELS, euclidean
from utils.quiet import tf

# In `shortened`, and in `minimal` but for L0, a dx counts if it fools the model by more than this part of the margin that x has:
# another batch or processor rounds logits in another way, and an image exactly on the boundary is then not fooled any more.
CLEAR = 1e-4
HALVINGS = 12  # of the line to the original image: a dx as short as its direction allows, within .03 %


def margin_and_gradient(model: Model, x: tf.Tensor, dx: tf.Tensor, labels: tf.Tensor, step: tf.Tensor,
                        targeted: bool = True) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """At x + dx [N, H, W, C]: the margin to the classes `labels` [N], its gradient [N, H, W, C], and where that is useless [N].

    Without `targeted` the margin is that to the likeliest other class. NaN and infinity count as 0. Where an image is not fooled
    and nothing is left, the gradient is -1 and 1 at random, the same for all images of a step, so that the search goes on and
    the batch changes no result.
    """
    modified = x + dx
    with tf.GradientTape() as tape:
        tape.watch(modified)
        distance = margin(model(modified), labels, targeted)
    gradient = finite(tape.gradient(distance, modified, unconnected_gradients=tf.UnconnectedGradients.ZERO))
    stuck = (distance >= 0) & tf.reduce_all(gradient == 0, PIXELS)
    return distance, tf.where(each(stuck), random_signs(x, step), gradient), stuck


def finite(gradient: tf.Tensor) -> tf.Tensor:
    """The gradient, of any shape, with 0 for NaN and infinity, which moments and means would carry into all later steps."""
    return tf.where(tf.math.is_finite(gradient), gradient, 0.0)


def random_signs(x: tf.Tensor, step: tf.Tensor) -> tf.Tensor:
    """-1 or 1 for each value of an image, [H, W, C]: the same for all images, so that the batch changes no result."""
    return tf.sign(tf.random.stateless_uniform(tf.shape(x)[1:], seed=tf.stack([0, step]), minval=-1.0, maxval=1.0))


def size(dx: tf.Tensor, norm: str) -> tf.Tensor:
    """The norm of dx [N, H, W, C], float32 [N]: "L1", "L2", "Linf", or "L0", the number of values that are not 0."""
    return tf.cast(tf.math.count_nonzero(dx, PIXELS), tf.float32) if norm == "L0" else NORMS[norm].size(dx)


def each(values: tf.Tensor) -> tf.Tensor:
    """One value for each image, [N], in a shape that multiplies images: [N, 1, 1, 1]."""
    return values[:, None, None, None]


def unit(dx: tf.Tensor) -> tf.Tensor:
    """dx [N, H, W, C] divided by its L2 norm; 0 stays 0."""
    return tf.math.divide_no_nan(dx, each(euclidean(dx)))


def falling(step: tf.Tensor, steps: tf.Tensor, first: float, last: float) -> tf.Tensor:
    """From `first` at step 0 to `last` at `steps` along half a cosine; all are numbers, []."""
    return last + (first - last) * adam.cosine(tf.cast(step, tf.float32), tf.cast(steps, tf.float32))


def shortened(model: Model, x: tf.Tensor, dx: tf.Tensor, labels: tf.Tensor, targeted: bool) -> tf.Tensor:
    """dx [N, H, W, C], with which the model is fooled, shortened by bisection until x + dx lies CLEAR of the boundary.

    labels [N]. Where no part of dx fools the model it stays as it is.
    """
    low, high = tf.zeros([tf.shape(x)[0]]), tf.ones([tf.shape(x)[0]])
    enough = -CLEAR * tf.abs(margin(model(x), labels, targeted))
    for _ in tf.range(HALVINGS):
        middle = (low + high) / 2
        fooled = margin(model(x + each(middle) * dx), labels, targeted) < enough
        low, high = tf.where(fooled, low, middle), tf.where(fooled, middle, high)
    return each(high) * dx
