"""A penalty on the gradient of the loss by the image: the loss is to change little when the image does."""
from utils.defences.training import Loss
from utils.quiet import tf


def gradient_penalty_loss(network: tf.Module, weight: float) -> Loss:
    """Cross-entropy plus weight * the mean of its squared input gradient (Ross and Doshi-Velez 2018, equation 4).

    With ||dx||_2 = r the loss rises by r * ||gradient||_2 to first order: a smoother loss is harder to raise by one step.
    """
    def loss(x: tf.Tensor, labels: tf.Tensor, done: tf.Tensor, generator: tf.random.Generator) -> tf.Tensor:
        with tf.GradientTape() as tape:
            tape.watch(x)
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, network(x, training=True))
        gradient = tape.gradient(losses, x)
        return tf.reduce_mean(losses) + weight * tf.reduce_mean(tf.reduce_sum(gradient**2, [1, 2, 3]))

    return loss
