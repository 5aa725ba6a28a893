"""k-winners-take-all: in each layer only the largest activations survive, so that the output jumps as the image changes."""
from utils.attacks.inputs import Model
from utils.defences.affine import with_activation
from utils.quiet import tf


def k_winners(z: tf.Tensor, share: float) -> tf.Tensor:
    """Each example's largest values of z [N, ...], ceil(share * values) of them, and 0 for the others.

    Xiao, Zhong and Zheng 2020, section 2. Values that equal the last winner survive too. share in (0, 1];
    negative winners stay negative.
    """
    flat = tf.reshape(z, [tf.shape(z)[0], -1])
    count = tf.cast(tf.math.ceil(share * tf.cast(tf.shape(flat)[1], tf.float64) - 1e-9), tf.int32)  # .15 * 100 is 15
    last = tf.math.top_k(flat, count).values[:, -1:]
    return tf.reshape(tf.where(flat >= last, flat, 0.0), tf.shape(z))


def with_k_winners(model: Model, share: float) -> Model:
    """`model`, a Keras Sequential or a `networks.Chain`, with k-winners in the place of each ReLU; it shares the weights."""
    return with_activation(model, lambda z: k_winners(z, share))
