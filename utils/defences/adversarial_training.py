"""Adversarial training: the network learns from images that are attacked while it learns."""
from collections.abc import Callable, Sequence

import numpy as np

from utils.attacks.inputs import Model
from utils.defences.training import Loss, grown, mean_cross_entropy
from utils.quiet import tf

Learn = Callable[[np.ndarray, np.ndarray], Model]  # images [N, H, W, C], labels [N] -> model
Attack = Callable[[Model, np.ndarray, np.ndarray], np.ndarray]  # model, images, labels -> modified images
ATTACK_STEPS = 3  # of each adversarial image in training


def attacked(network: Model, x: tf.Tensor, labels: tf.Tensor, radius: tf.Tensor, generator: tf.random.Generator) -> tf.Tensor:
    """Images x [N, H, W, C], each value moved by at most `radius` inside [0, 1], to raise the cross-entropy of labels [N].

    `attacks.pgd` in short, ATTACK_STEPS steps from a random start, since it runs inside a compiled training step; its step size
    is the same.
    """
    def loss(images: tf.Tensor) -> tf.Tensor:
        return tf.nn.sparse_softmax_cross_entropy_with_logits(labels, network(images))

    return _climbed(loss, x, radius, generator)


def pgd_loss(network: tf.Module, epsilon: float) -> Loss:
    """The cross-entropy of images that PGD has attacked within Linf `epsilon` (Madry et al. 2018, equation 2.1).

    The radius grows during the first half of the training. No gradient passes through the attack.
    """
    def loss(x: tf.Tensor, labels: tf.Tensor, done: tf.Tensor, generator: tf.random.Generator) -> tf.Tensor:
        images = attacked(network, x, labels, grown(epsilon, done), generator)
        return mean_cross_entropy(labels, network(tf.stop_gradient(images), training=True))

    return loss


def fgsm_loss(network: tf.Module, epsilon: float, share: float = 1.0) -> Loss:
    """Cross-entropy of which a part `share` is that of images attacked by one step of Linf `epsilon`, without a random start.

    Goodfellow, Shlens and Szegedy 2015, section 6, take share = 1/2. The radius grows during the first half of the training.
    Two faults are known: label leaking (the attacked images are classified better than clean ones, Kurakin, Goodfellow and
    Bengio 2017) and catastrophic overfitting (robust to this step and to nothing else, Wong, Rice and Kolter 2020).
    """
    def loss(x: tf.Tensor, labels: tf.Tensor, done: tf.Tensor, generator: tf.random.Generator) -> tf.Tensor:
        images = one_step(network, x, labels, grown(epsilon, done))
        of_attacked = mean_cross_entropy(labels, network(tf.stop_gradient(images), training=True))
        return share * of_attacked + (1 - share) * mean_cross_entropy(labels, network(x, training=True))

    return loss


def ensemble_loss(network: tf.Module, sources: Sequence[Model], epsilon: float) -> Loss:
    """Half clean images, half attacked by one step on one of `sources` or on `network`, drawn for each batch.

    Tramer et al. 2018. The sources are trained already and stay as they are, so that the network cannot learn to spoil the
    attack by hiding its own gradient. The radius is `epsilon` (Linf, in pixel values) from the first step on.
    """
    models = [*sources, network]

    def loss(x: tf.Tensor, labels: tf.Tensor, done: tf.Tensor, generator: tf.random.Generator) -> tf.Tensor:
        chosen = generator.uniform([], 0, len(models), tf.int32)
        branches = [lambda model=model: one_step(model, x, labels, epsilon) for model in models]
        images = tf.stop_gradient(tf.switch_case(chosen, branches))
        return (mean_cross_entropy(labels, network(images, training=True))
                + mean_cross_entropy(labels, network(x, training=True))) / 2

    return loss


def trades_loss(network: tf.Module, epsilon: float, beta: float = 6.0) -> Loss:
    """Clean cross-entropy plus beta times the divergence of the answers for an image and its neighbour (Zhang et al. 2019).

    The neighbour is the one within Linf `epsilon` whose softmax differs most by Kullback and Leibler's divergence: their
    equation 5. beta trades clean accuracy for robustness.
    """
    def loss(x: tf.Tensor, labels: tf.Tensor, done: tf.Tensor, generator: tf.random.Generator) -> tf.Tensor:
        clean = network(x, training=True)
        fixed = tf.stop_gradient(clean)
        images = _climbed(lambda images: divergence(fixed, network(images)), x, grown(epsilon, done), generator)
        apart = tf.reduce_mean(divergence(clean, network(tf.stop_gradient(images), training=True)))
        return mean_cross_entropy(labels, clean) + beta * apart

    return loss


def divergence(logits: tf.Tensor, others: tf.Tensor) -> tf.Tensor:
    """KL(p || q) = sum of p log(p / q), p = softmax(logits), q = softmax(others), in nats: both [N, classes] -> [N]."""
    log_p, log_q = tf.nn.log_softmax(logits), tf.nn.log_softmax(others)
    return tf.reduce_sum(tf.exp(log_p) * (log_p - log_q), -1)


def retrain(learn: Learn, attack: Attack, x: np.ndarray, labels: np.ndarray, *, rounds: int = 10, little: float = 0.01,
            ) -> tuple[Model, list[tuple[int, float]]]:
    """Learn, attack, add what fooled the model to the data, and learn again: for any way to learn.

    learn   (x [N, H, W, C], labels [N]) -> model; attack  (model, x, labels) -> modified images, of the shape of x
    rounds  at most so many
    little  stop when the answers for x differ in less than this share from those of the round before

    Returns the last model and, for each round, (images trained on, share of x that the attack fools after it). It also stops
    when no attack succeeds, as then there is nothing to add. Li and Vorobeychik 2018, for any learner and attack.
    """
    model, rows, data, before = None, [], (x, labels), None
    for _ in range(rounds):
        model = learn(*data)
        answers = np.argmax(model(tf.constant(x)), 1)
        images = attack(model, x, labels)
        fooled = np.argmax(model(tf.constant(images)), 1) != labels
        rows.append((len(data[0]), float(fooled.mean())))
        if not fooled.any() or before is not None and np.mean(answers != before) < little:
            break
        data = np.concatenate([data[0], images[fooled]]), np.concatenate([data[1], labels[fooled]])
        before = answers
    return model, rows


def one_step(network: Model, x: tf.Tensor, labels: tf.Tensor, epsilon: tf.Tensor | float) -> tf.Tensor:
    """FGSM inside a compiled training step: x [N, H, W, C] in [0, 1], labels [N] -> images of the same shape."""
    gradient = _gradient(lambda images: tf.nn.sparse_softmax_cross_entropy_with_logits(labels, network(images)), x)
    return tf.clip_by_value(x + epsilon * tf.sign(gradient), 0.0, 1.0)


def _climbed(loss: Callable[[tf.Tensor], tf.Tensor], x: tf.Tensor, radius: tf.Tensor,
             generator: tf.random.Generator) -> tf.Tensor:
    """PGD from a random start to where `loss`, images -> [N], is large: at most `radius` from x by Linf, inside [0, 1]."""
    images = tf.clip_by_value(x + radius * generator.uniform(tf.shape(x), -1.0, 1.0), 0.0, 1.0)
    for _ in range(ATTACK_STEPS):
        moved = images + 2.5 * radius / ATTACK_STEPS * tf.sign(_gradient(loss, images))
        images = tf.clip_by_value(tf.clip_by_value(moved, x - radius, x + radius), 0.0, 1.0)
    return images


def _gradient(loss: Callable[[tf.Tensor], tf.Tensor], images: tf.Tensor) -> tf.Tensor:
    """The gradient of `loss`, images -> [N], by the images [N, H, W, C]."""
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(images)
        value = loss(images)
    return tape.gradient(value, images)
