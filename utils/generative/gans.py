"""Generative adversarial networks for images of 28x28 pixels: the two networks of a DCGAN, and their training.

Images are float32 [N, 28, 28, 1] in [0, 1], latent vectors z [N, latent] are standard normal. The networks are Keras models;
`train` trains both.
"""
import os

import numpy as np
from tqdm import tqdm

from utils import training
from utils.quiet import tf

keras = tf.keras.layers

STEPS_PER_CALL = 100  # training steps for one number of the history, and between two checkpoints
MOMENTUM = 0.9  # of batch norm's moving moments, as in utils.layers: .99 lags behind a fast generator


def small() -> tf.keras.initializers.Initializer:
    """Weights N(0, .02). A new one for each layer: one object would give the same weights to all."""
    return tf.keras.initializers.RandomNormal(stddev=0.02)


def generator(latent: int = 32, width: int = 32) -> tf.keras.Model:
    """Latent vectors [N, latent] -> images [N, 28, 28, 1] in [0, 1].

    DCGAN for 28x28 pixels (Radford et al. 2016, section 3): a dense layer to 7x7, two transposed convolutions
    of stride 2, batch norm and ReLU between them, tanh at the end (moved here from [-1, 1] to [0, 1]);
    weights N(0, .02). A conditional generator has a one-hot label behind z: `latent` counts both.
    """
    return tf.keras.Sequential([
        tf.keras.Input([latent]),
        keras.Dense(7 * 7 * 2 * width, use_bias=False, kernel_initializer=small()),
        keras.BatchNormalization(momentum=MOMENTUM), keras.ReLU(), keras.Reshape([7, 7, 2 * width]),
        keras.Conv2DTranspose(width, 4, 2, "same", use_bias=False, kernel_initializer=small()),
        keras.BatchNormalization(momentum=MOMENTUM), keras.ReLU(),  # [N, 14, 14, width]
        keras.Conv2DTranspose(1, 4, 2, "same", activation="tanh", kernel_initializer=small()),
        keras.Rescaling(0.5, 0.5),
    ])


def discriminator(channels: int = 1, width: int = 32) -> tf.keras.Model:
    """Images [N, 28, 28, channels] in [0, 1] -> one logit [N, 1], positive for "real".

    DCGAN for 28x28 pixels (Radford et al. 2016, section 3): convolutions of stride 2, leaky ReLU of slope .2,
    batch norm in all but the first; weights N(0, .02). A conditional discriminator sees ten more channels,
    one-hot label maps.
    """
    return tf.keras.Sequential([
        tf.keras.Input([28, 28, channels]), keras.Rescaling(2.0, -1.0),
        keras.Conv2D(width, 4, 2, "same", kernel_initializer=small()), keras.LeakyReLU(0.2),
        keras.Conv2D(2 * width, 4, 2, "same", use_bias=False, kernel_initializer=small()),
        keras.BatchNormalization(momentum=MOMENTUM), keras.LeakyReLU(0.2),  # [N, 7, 7, 2 width]
        keras.Flatten(), keras.Dense(1, kernel_initializer=small()),
    ])


class GAN(tf.Module):
    """Generator and discriminator with what training changes: weights, Adam's memories, random state, step.

    Adam with the learning rate 2e-4 and beta_1 = .5 of DCGAN (Radford et al. 2016, section 4). The GAN is
    conditional when the discriminator takes more channels than the generator makes: one for each of
    `classes`. The generator's input is then z of dimension `latent` and, behind it, a one-hot label.
    """

    def __init__(self, generator: tf.keras.Model, discriminator: tf.keras.Model,
                 learning_rate: float | tf.keras.optimizers.schedules.LearningRateSchedule = 2e-4,
                 seed: int = 0):
        super().__init__()
        self.generator, self.discriminator = generator, discriminator
        self.classes = discriminator.input_shape[-1] - generator.output_shape[-1]
        self.latent = generator.input_shape[1] - self.classes
        self.optimizers = [tf.keras.optimizers.Adam(learning_rate, beta_1=0.5) for _ in range(2)]
        for optimizer, network in zip(self.optimizers, (generator, discriminator)):
            optimizer.build(network.trainable_variables)
        self.random = tf.random.Generator.from_seed(seed)
        self.step = tf.Variable(0, dtype=tf.int64, trainable=False)
        inputs = [([None, *generator.output_shape[1:]], tf.float32), ([None, self.classes], tf.float32),
                  ([], tf.int32), ([], tf.int32), ([], tf.int32), ([2], tf.float32), ([2], tf.float32),
                  ([], tf.float32)]  # x, y; count, batch_size, d_steps, real, fake; noise
        self.steps = tf.function(self._steps, input_signature=[tf.TensorSpec(*one) for one in inputs])

    def _steps(self, x: tf.Tensor, y: tf.Tensor, count: tf.Tensor, batch_size: tf.Tensor, d_steps: tf.Tensor,
               real: tf.Tensor, fake: tf.Tensor, noise: tf.Tensor) -> tf.Tensor:
        """`count` steps as one compiled loop: means of what `one_step` gives. See `train`; y is one-hot."""
        total = tf.zeros([4])
        for number in tf.range(count * d_steps):
            last = number % d_steps == d_steps - 1
            measured = self.one_step(x, y, batch_size, real, fake, noise, train_generator=last)
            if last:
                total += measured
                self.step.assign_add(1)
        return total / tf.cast(count, tf.float32)

    def one_step(self, x: tf.Tensor, y: tf.Tensor, batch_size: tf.Tensor, real: tf.Tensor, fake: tf.Tensor,
                 noise: tf.Tensor, train_generator: tf.Tensor) -> tf.Tensor:
        """An update of D and, if `train_generator`, of G: [loss of D, loss of G, D(real), D(fake)]."""
        chosen = self.random.uniform([batch_size], 0, tf.shape(x)[0], tf.int32)
        images, labels = tf.gather(x, chosen), tf.gather(y, chosen)
        real_labels = self.random.uniform([batch_size, 1], real[0], real[1])
        fake_labels = self.random.uniform([batch_size, 1], fake[0], fake[1])
        with tf.GradientTape() as g_tape, tf.GradientTape() as d_tape:
            z = self.random.normal([batch_size, self.latent])
            made = self.generator(tf.concat([z, labels], 1), training=True)
            on_real = self.judge(images, labels, noise)  # apart: batch norm must not mix real and generated images
            on_made = self.judge(made, labels, noise)
            d_loss = tf.reduce_mean(cross_entropy(on_real, real_labels) + cross_entropy(on_made, fake_labels))
            g_loss = tf.reduce_mean(cross_entropy(on_made, tf.ones_like(on_made)))
        weights = self.discriminator.trainable_variables
        self.optimizers[1].apply(d_tape.gradient(d_loss, weights), weights)
        if train_generator:
            weights = self.generator.trainable_variables
            self.optimizers[0].apply(g_tape.gradient(g_loss, weights), weights)
        d_real, d_fake = tf.reduce_mean(tf.sigmoid(on_real)), tf.reduce_mean(tf.sigmoid(on_made))
        return tf.stack([d_loss, g_loss, d_real, d_fake])

    def judge(self, images: tf.Tensor, labels: tf.Tensor, noise: tf.Tensor) -> tf.Tensor:
        """The discriminator's logits [N, 1] on images with Gaussian noise and with label maps, if any."""
        maps = tf.ones_like(images) * labels[:, None, None]  # [N, 28, 28, classes]
        images += noise * self.random.normal(tf.shape(images))
        return self.discriminator(tf.concat([images, maps], -1), training=True)


def cross_entropy(logits: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
    """-(y log D + (1 - y) log(1 - D)), D = sigmoid(logits), for labels y in [0, 1] or beyond; same shapes."""
    return tf.nn.sigmoid_cross_entropy_with_logits(labels, logits)


def train(gan: GAN, x: np.ndarray, y: np.ndarray | None = None, *, steps: int, batch_size: int = 64,
          d_steps: int = 1, real: tuple[float, float] = (1.0, 1.0), fake: tuple[float, float] = (0.0, 0.0),
          noise: float = 0.0, checkpoint: str | os.PathLike | None = None) -> dict[str, list[float]]:
    """Train both networks for `steps` steps, G with the non-saturating loss.

    Source: Goodfellow et al. 2014, section 3. Unlike their algorithm 1, a step takes the gradients of both
    networks from one batch, before either moves.

    x        float32 [N, 28, 28, 1] in [0, 1]
    y        int [N], for a conditional GAN only: G takes them one-hot behind z, D as label maps
    d_steps  updates of the discriminator for one of the generator
    real     the label of each real image is drawn uniformly from this range: (.7, 1.2) is soft and noisy
    fake     the same for the images of the generator, in the discriminator's loss only
    noise    standard deviation of the Gaussian noise on all images that the discriminator sees
    checkpoint  a folder, where everything is saved every hundred steps. `steps` is then the total: a run that
             was interrupted goes on from there, to the same weights as without the interruption

    Returns lists of `d_loss`, `g_loss`, `d_real`, `d_fake` (the discriminator's mean probabilities, all
    at the last update of each step), one number for each hundred steps, and for what is left. Raises
    ValueError for images, labels or a checkpoint that do not fit the GAN, and for options out of their range.
    """
    _check_options(batch_size, d_steps, real, fake)
    images, labels = _checked(gan, x, y)
    numbers = [tf.constant(number, tf.int32) for number in (batch_size, d_steps)]
    options = [tf.constant(option, tf.float32) for option in (real, fake, noise)]
    measured = tf.Variable(tf.zeros([0, 4]), shape=[None, 4], trainable=False)
    manager = training.resume(checkpoint, gan=gan, measured=measured)
    rows = measured.numpy().tolist()
    done = int(gan.step) if manager else 0
    with tqdm(total=steps, initial=done, unit="step", leave=False) as bar:
        while done < steps:
            count = min(STEPS_PER_CALL, steps - done)
            rows.append(gan.steps(images, labels, tf.constant(count), *numbers, *options).numpy().tolist())
            done += count
            bar.update(count)
            bar.set_postfix_str("D(real) {2:.2f}, D(fake) {3:.2f}".format(*rows[-1]))
            if manager:
                measured.assign(rows)
                manager.save()
    return {name: [row[i] for row in rows] for i, name in enumerate(("d_loss", "g_loss", "d_real", "d_fake"))}


def _check_options(batch_size: int, d_steps: int, real: tuple[float, float], fake: tuple[float, float]) -> None:
    if min(batch_size, d_steps) < 1:
        raise ValueError(f"batch_size is {batch_size} and d_steps {d_steps}: both must be 1 or more.")
    for name, ends in (("real", real), ("fake", fake)):
        if np.shape(ends) != (2,) or ends[0] > ends[1]:
            raise ValueError(f"{name} is {ends}, expected both ends of a range, such as (0.7, 1.2).")


def _checked(gan: GAN, x: np.ndarray, y: np.ndarray | None) -> tuple[tf.Tensor, tf.Tensor]:
    """Images and one-hot labels [N, classes] as tensors, after a look at whether they fit the GAN."""
    x = np.asarray(x, np.float32)
    if x.shape[1:] != gan.generator.output_shape[1:] or not len(x):
        size = ", ".join(map(str, gan.generator.output_shape[1:]))
        raise ValueError(f"x has the shape {list(x.shape)}, but the generator makes images [N, {size}]: give "
                         "images of that size.")
    if not 0 <= x.min() <= x.max() <= 1:
        raise ValueError(f"x has values from {x.min():g} to {x.max():g}, expected 0 to 1.")
    return tf.constant(x), tf.constant(_one_hot(gan.classes, len(x), y))


def _one_hot(classes: int, n: int, labels: np.ndarray | int | None) -> np.ndarray:
    """float32 [n, classes]; one label for all or [n], None when there are no classes."""
    if (labels is None) == (classes > 0):
        raise ValueError(f"The GAN is conditional, with {classes} classes: give the labels." if classes else
                         "The GAN was built without classes: leave the labels out.")
    if labels is None:
        return np.zeros((n, 0), np.float32)
    labels = np.asarray(labels)
    if labels.dtype.kind not in "iu":
        raise ValueError(f"The labels are {labels.dtype}, expected whole numbers.")
    if labels.shape not in ((), (n,)) or labels.min() < 0 or labels.max() >= classes:
        raise ValueError(f"The labels have the shape {list(labels.shape)} and run from {labels.min()} to "
                         f"{labels.max()}, expected one number or [{n}], from 0 to {classes - 1}.")
    return np.eye(classes, dtype=np.float32)[np.broadcast_to(labels, n)]


def sample(gan_or_generator: GAN | tf.keras.Model, n: int, seed: int = 0,
           label: int | np.ndarray | None = None) -> np.ndarray:
    """n images [n, 28, 28, 1] in [0, 1] of standard normal z, the same for the same `seed`; made in batches.

    A conditional GAN needs `label`, one for all images or [n]; a generator alone must not be conditional.
    Raises ValueError for labels that do not fit.
    """
    network, classes = gan_or_generator, 0
    if isinstance(network, GAN):
        network, classes = network.generator, network.classes
    z = np.random.default_rng(seed).standard_normal((n, network.input_shape[1] - classes), np.float32)
    return training.predict(network, np.concatenate([z, _one_hot(classes, n, label)], axis=1))


