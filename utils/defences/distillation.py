"""Defensive distillation: a second network learns the probabilities of a first one, both at a high temperature."""
from utils.attacks.inputs import Model
from utils.defences.training import Loss, mean_cross_entropy
from utils.quiet import tf


def at_temperature(model: Model, temperature: float) -> Model:
    """The model with its logits divided by the temperature: the softmax of this one is softer, the order of classes the same."""
    return lambda x: model(x) / temperature


def log_of_probabilities(model: Model) -> Model:
    """What an attacker has who gets probabilities only: log(softmax(logits) + 1e-30), images -> [N, classes].

    Where the softmax is 0 or 1 to the last digit, the gradient is 0.
    """
    return lambda x: tf.math.log(tf.nn.softmax(model(x)) + 1e-30)


def teacher_loss(network: tf.keras.Model, temperature: float) -> Loss:
    """The cross-entropy of softmax(logits / temperature) and the labels: how the first network is trained."""
    return lambda x, labels, done, generator: mean_cross_entropy(labels, network(x, training=True) / temperature)


def distillation_loss(network: tf.keras.Model, teacher: Model, temperature: float) -> Loss:
    """The cross-entropy of softmax(logits / T) of the student and of the teacher (Papernot, McDaniel, Wu, Jha and Swami 2016).

    After training T is 1, and the student's logits are about T times as large as those of another network. Its softmax is then
    0 or 1 to the last digit, and the gradient of any loss that goes through it vanishes.
    """
    def loss(x: tf.Tensor, labels: tf.Tensor, done: tf.Tensor, generator: tf.random.Generator) -> tf.Tensor:
        wanted = tf.nn.softmax(teacher(x) / temperature)
        losses = tf.nn.softmax_cross_entropy_with_logits(tf.stop_gradient(wanted), network(x, training=True) / temperature)
        return tf.reduce_mean(losses)

    return loss
