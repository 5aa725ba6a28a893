"""A substitute for a model that only gives labels: trained on the answers to queries, then attacked in the model's place."""
from collections.abc import Iterator

import numpy as np

from utils.attacks.classical import Labels
from utils.attacks.inputs import Model, chunks
from utils.quiet import tf


def substitute(black_box: Labels, x: np.ndarray, network: tf.keras.Model, *, rounds: int = 6, step: float = 0.1, period: int = 3,
               reservoir: int | None = None, epochs: int = 10, learning_rate: float = 2e-3, seed: int = 0) -> Iterator[int]:
    """Train `network` to answer as `black_box`; after each of rounds + 1 trainings, the number of queries so far.

    black_box  images [N, H, W, C] in [0, 1] -> labels [N]: all that the attacker sees of the model
    x          [n, H, W, C] in [0, 1]: the images with which the attacker starts, without labels
    network    images -> logits, with its first weights; it is trained in place
    rounds     in each the set is labelled, the network is trained on all of it, and the set grows by `augmented` images
    step       how far these are moved, in pixel values; its sign changes every `period` rounds
    reservoir  at most so many images of the set are augmented in a round, drawn uniformly; None: all, and the set doubles
    epochs     of each training, in batches of 64, with Adam

    Papernot et al. 2017, algorithm 1; the alternating sign and the reservoir are those of Papernot, McDaniel and Goodfellow
    2016, section 5. They train for 10 epochs with step 0.1, too. Each image is asked about once: queries are n 2^rounds without
    reservoir. Raises ValueError, when the first number is asked for, if there is no start image, one is not in [0, 1], or the
    labels are not one whole number for each image.
    """
    if np.ndim(x) != 4 or not len(x):
        raise ValueError(f"The start images have shape {list(np.shape(x))}, expected [n, H, W, C] with n of 1 or more.")
    images = new = np.asarray(x, np.float32)
    if not (images.min() >= 0 and images.max() <= 1):  # NaN neither
        raise ValueError(f"The start images go from {images.min():g} to {images.max():g}, expected 0 to 1: divide by 255.")
    labels = np.empty(0, np.int64)
    random = np.random.default_rng(seed)
    optimizer = tf.keras.optimizers.Adam(learning_rate)
    optimizer.build(network.trainable_variables)
    train = _trainer(network, optimizer)
    for one in range(rounds + 1):
        answers = np.asarray(black_box(new))
        if answers.shape != (len(new),) or answers.dtype.kind not in "iu":
            raise ValueError(f"The black box gives {answers.dtype} of shape {list(answers.shape)} for {len(new)} images, "
                             "expected a whole number for each: use classical.labels_only(model).")
        labels = np.concatenate([labels, answers])
        batches = [random.permutation(len(images)) for _ in range(epochs)]
        train(tf.constant(images), tf.constant(labels), tf.constant(np.stack([_filled(order) for order in batches])))
        yield len(labels)
        if one == rounds:
            return
        chosen = np.arange(len(images))
        if reservoir is not None and reservoir < len(images):
            chosen = reservoir_sample(len(images), reservoir, random)
        sign = -1 if one // period % 2 else 1
        new = augmented(network, images[chosen], labels[chosen], sign * step)
        images = np.concatenate([images, new])


def augmented(model: Model, x: np.ndarray, labels: np.ndarray, step: float) -> np.ndarray:
    """Images x [N, H, W, C] moved by `step` along the sign of the gradient of their label's logit, inside the box [0, 1].

    labels [N] are the black box's answers. The gradient is the row of the substitute's Jacobian that belongs to the label: along
    it the substitute's answer changes most, so the black box's answer there tells most about where it differs (Papernot et
    al. 2017, section 4.2).
    """
    moves = [np.sign(_of_logit(model, tf.constant(x[part]), tf.constant(labels[part]))) for part in chunks(x)]
    return np.clip(x + np.float32(step) * np.concatenate(moves), 0, 1)


def reservoir_sample(stream: int, size: int, random: np.random.Generator) -> np.ndarray:
    """`size` different ones of 0, .., stream - 1, each with the same probability, in one pass: int [size].

    The first `size` are kept; the i-th after that (counted from 1) replaces a random kept one with probability
    size / (size + i). Nobody has to know the length of the stream in advance (Vitter 1985, algorithm R).
    """
    kept = np.arange(size)
    for i, place in enumerate(random.integers(0, np.arange(size, stream) + 1), start=size):
        if place < size:
            kept[place] = i
    return kept


def _filled(order: np.ndarray, batch: int = 64) -> np.ndarray:
    """An order of n images as batches [S, batch], int32; the last is filled up from the start."""
    return np.resize(order, -(-len(order) // batch) * batch).reshape(-1, batch).astype(np.int32)


def _trainer(network: tf.keras.Model, optimizer: tf.keras.optimizers.Optimizer) -> tf.types.experimental.PolymorphicFunction:
    """A compiled function that trains `network` on images [N, H, W, C], labels [N], in the order [epochs, S, batch]."""
    def train(images: tf.Tensor, labels: tf.Tensor, order: tf.Tensor) -> None:
        batches = tf.reshape(order, [-1, tf.shape(order)[2]])
        for i in tf.range(tf.shape(batches)[0]):
            x, y = tf.gather(images, batches[i]), tf.gather(labels, batches[i])
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(y, network(x, training=True)))
            optimizer.apply(tape.gradient(loss, network.trainable_variables), network.trainable_variables)
    shape = [None, *network.input_shape[1:]]
    return tf.function(train, input_signature=[tf.TensorSpec(shape), tf.TensorSpec([None], tf.int64),
                                               tf.TensorSpec([None, None, None], tf.int32)])


@tf.function(reduce_retracing=True)
def _of_logit(model: Model, x: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
    """The gradient of the label's logit for x [N, H, W, C], of the same shape; labels [N]."""
    with tf.GradientTape() as tape:
        tape.watch(x)
        logits = model(x)
        own = tf.reduce_sum(logits * tf.one_hot(labels, tf.shape(logits)[1]))
    return tape.gradient(own, x)
