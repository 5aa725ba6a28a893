"""What an attacker makes small: the loss that is trained, and the margin that tells whether the model is fooled."""
import numpy as np

from utils.quiet import tf


def margin(logits: tf.Tensor, labels: tf.Tensor, targeted: bool) -> tf.Tensor:
    """How far each image is from fooling the model, [N], in logits: below 0 the model is fooled.

    From logits [N, classes] and integer labels [N]. Untargeted, `labels` are the true ones: their logit minus the highest
    of the others. Targeted, `labels` are the wanted ones, and the sign is flipped. This is the function f of Carlini and
    Wagner 2017 (section IV-A, f6) before it is clipped.
    """
    own = tf.one_hot(labels, tf.shape(logits)[-1], on_value=True, off_value=False, dtype=tf.bool)
    label = tf.reduce_sum(tf.where(own, logits, 0.0), -1)
    others = tf.reduce_max(tf.where(own, -np.inf, logits), -1)
    return others - label if targeted else label - others


def without_label(logits: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
    """Logits [N, classes] with -infinity for the class of `labels` [N], so that it is never the highest of the others."""
    return tf.where(tf.one_hot(labels, tf.shape(logits)[1], on_value=True, off_value=False, dtype=tf.bool), -np.inf, logits)


def attack_loss(logits: tf.Tensor, labels: tf.Tensor, targeted: bool) -> tf.Tensor:
    """The loss that an attacker makes small, [N], in nats: -log p(label) when targeted, -log(1 - p(label)) when not.

    From logits [N, classes] and integer labels [N]; finite and at least 0 for logits up to 1e8.
    The first is the cross-entropy towards the wanted label; the second is the same towards "any other label". Both are
    softplus of (log sum exp of the logits to lower) - (of those to raise), so that none ever takes the log of 0.
    """
    own = tf.one_hot(labels, tf.shape(logits)[-1], on_value=True, off_value=False, dtype=tf.bool)
    label = tf.reduce_sum(tf.where(own, logits, 0.0), -1)
    others = tf.reduce_logsumexp(tf.where(own, -1e9, logits), -1)
    return tf.nn.softplus(others - label if targeted else label - others)
