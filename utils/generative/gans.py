"""Generative adversarial networks for images: the two networks of a DCGAN, and their training.

Images are float32 [N, side, side, channels] in [0, 1], by default [N, 28, 28, 1]; latent vectors z [N, latent] are standard
normal. The networks are Keras models; `train` trains both.
"""
import os

import numpy as np
from tqdm import tqdm

from utils import training
from utils.augment import Augment
from utils.generative.gan_inputs import check_options, checked, one_hot
from utils.quiet import tf

keras = tf.keras.layers

STEPS_PER_CALL = 100  # training steps for one number of the history, and between two checkpoints
EVERY = 8  # steps between two gradient penalties
MOMENTUM = 0.9  # of batch norm's moving moments, as in utils.layers: .99 lags behind a fast generator


def small() -> tf.keras.initializers.Initializer:
    """Weights N(0, .02). A new one for each layer: one object would give the same weights to all."""
    return tf.keras.initializers.RandomNormal(stddev=0.02)


def generator(latent: int = 32, width: int = 32, side: int = 28, channels: int = 1) -> tf.keras.Model:
    """Latent vectors [N, latent] -> images [N, side, side, channels] in [0, 1]; `side` is a multiple of 4.

    DCGAN for small images (Radford et al. 2016, section 3): a dense layer to a quarter of the side, two transposed convolutions
    of stride 2, batch norm and ReLU between them, tanh at the end (moved here from [-1, 1] to [0, 1]);
    weights N(0, .02). A conditional generator has a one-hot label behind z: `latent` counts both.
    """
    start = side // 4
    return tf.keras.Sequential([
        tf.keras.Input([latent]),
        keras.Dense(start * start * 2 * width, use_bias=False, kernel_initializer=small()),
        keras.BatchNormalization(momentum=MOMENTUM), keras.ReLU(), keras.Reshape([start, start, 2 * width]),
        keras.Conv2DTranspose(width, 4, 2, "same", use_bias=False, kernel_initializer=small()),
        keras.BatchNormalization(momentum=MOMENTUM), keras.ReLU(),  # [N, side / 2, side / 2, width]
        keras.Conv2DTranspose(channels, 4, 2, "same", activation="tanh", kernel_initializer=small()),
        keras.Rescaling(0.5, 0.5),
    ])


def discriminator(channels: int = 1, width: int = 32, side: int = 28, batch_norm: bool = True) -> tf.keras.Model:
    """Images [N, side, side, channels] in [0, 1] -> one logit [N, 1], positive for "real".

    DCGAN for small images (Radford et al. 2016, section 3): convolutions of stride 2, leaky ReLU of slope .2,
    batch norm in all but the first; weights N(0, .02). A conditional discriminator sees more channels, one-hot label maps.
    Without `batch_norm` the weights are He's, and each image is judged alone, as a gradient penalty needs it.
    """
    first = small if batch_norm else tf.keras.initializers.HeNormal
    normalised = [keras.BatchNormalization(momentum=MOMENTUM)] if batch_norm else []
    return tf.keras.Sequential([
        tf.keras.Input([side, side, channels]), keras.Rescaling(2.0, -1.0),
        keras.Conv2D(width, 4, 2, "same", kernel_initializer=first()), keras.LeakyReLU(0.2),
        keras.Conv2D(2 * width, 4, 2, "same", use_bias=not batch_norm, kernel_initializer=first()),
        *normalised, keras.LeakyReLU(0.2),  # [N, side / 4, side / 4, 2 width]
        keras.Flatten(), keras.Dense(1, kernel_initializer=first()),
    ])


class GAN(tf.Module):
    """Generator and discriminator with what training changes: weights, Adam's memories, random state, step.

    Adam with the learning rate 2e-4, beta_1 = .5 (Radford et al. 2016, section 4) and Keras' own `beta_2`. The GAN is conditional
    when the discriminator takes more channels than the generator makes: one for each of `classes`. The generator's input is then
    z of dimension `latent` and, behind it, a one-hot label.

    decay    of the moving average of the generator's weights, 0 for none: `averaged` is the generator with the average, and what
             `sample` takes (Yazici et al. 2019). In the first steps, t, the decay is at most 1 - 10 / (10 + t)
    penalty  gamma of R1: gamma / 2 times the mean of |gradient of the logit|^2 at real images is added to D's loss (Mescheder et
             al. 2018, equation 9), on every eighth step and eight times as much (Karras et al. 2020, appendix B). 0 for none
    augment  images, tf.random.Generator -> images: what D sees of all images, real and generated (Zhao et al. 2020)
    """

    def __init__(self, generator: tf.keras.Model, discriminator: tf.keras.Model,
                 learning_rate: float | tf.keras.optimizers.schedules.LearningRateSchedule = 2e-4,
                 seed: int = 0, *, decay: float = 0.0, penalty: float = 0.0, augment: Augment | None = None,
                 beta_2: float = 0.999):
        super().__init__()
        self.generator, self.discriminator, self.averaged = generator, discriminator, generator
        self.decay, self.penalty, self.augment = decay, penalty, augment
        if decay:
            self.averaged = tf.keras.models.clone_model(generator)
            self.averaged.set_weights(generator.get_weights())
        self.classes = discriminator.input_shape[-1] - generator.output_shape[-1]
        self.latent = generator.input_shape[1] - self.classes
        self.optimizers = [tf.keras.optimizers.Adam(learning_rate, beta_1=0.5, beta_2=beta_2) for _ in range(2)]
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
                self.move_average()
        return total / tf.cast(count, tf.float32)

    def one_step(self, x: tf.Tensor, y: tf.Tensor, batch_size: tf.Tensor, real: tf.Tensor, fake: tf.Tensor,
                 noise: tf.Tensor, train_generator: tf.Tensor) -> tf.Tensor:
        """An update of D and, if `train_generator`, of G: [4], the loss of D, the loss of G, D(real), D(fake).

        x, y        images [N, side, side, channels] and their labels [N, classes], of which a batch is drawn
        real, fake  [2], the range of the label of each kind of image
        """
        chosen = self.random.uniform([batch_size], 0, tf.shape(x)[0], tf.int32)
        images, labels = tf.gather(x, chosen), tf.gather(y, chosen)
        real_labels = self.random.uniform([batch_size, 1], real[0], real[1])
        fake_labels = self.random.uniform([batch_size, 1], fake[0], fake[1])
        with tf.GradientTape() as g_tape, tf.GradientTape() as d_tape:
            z = self.random.normal([batch_size, self.latent])
            made = self.generator(tf.concat([z, labels], 1), training=True)
            on_real = self.judge(images, labels, noise)  # apart: batch norm must not mix real and generated images
            on_made = self.judge(made, labels, noise)
            d_loss = tf.reduce_mean(binary_cross_entropy(on_real, real_labels) + binary_cross_entropy(on_made, fake_labels))
            if self.penalty:
                if self.step % EVERY == 0:
                    d_loss += EVERY * self.penalty / 2 * self.steepness(images, labels)
            g_loss = tf.reduce_mean(binary_cross_entropy(on_made, tf.ones_like(on_made)))
        weights = self.discriminator.trainable_variables
        self.optimizers[1].apply(d_tape.gradient(d_loss, weights), weights)
        if train_generator:
            weights = self.generator.trainable_variables
            self.optimizers[0].apply(g_tape.gradient(g_loss, weights), weights)
        d_real, d_fake = tf.reduce_mean(tf.sigmoid(on_real)), tf.reduce_mean(tf.sigmoid(on_made))
        return tf.stack([d_loss, g_loss, d_real, d_fake])

    def judge(self, images: tf.Tensor, labels: tf.Tensor, noise: tf.Tensor) -> tf.Tensor:
        """The discriminator's logits [N, 1] on augmented images with Gaussian noise and with label maps, if any."""
        if self.augment:
            images = self.augment(images, self.random)
        maps = tf.ones_like(images[..., :1]) * labels[:, None, None]  # [N, side, side, classes]
        images += noise * self.random.normal(tf.shape(images))
        return self.discriminator(tf.concat([images, maps], -1), training=True)

    def steepness(self, images: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        """The mean of |gradient of the logit with respect to the image|^2, of images [N, side, side, channels]: of R1."""
        with tf.GradientTape() as tape:
            tape.watch(images)
            logits = tf.reduce_sum(self.judge(images, labels, tf.constant(0.0)))
        return tf.reduce_mean(tf.reduce_sum(tape.gradient(logits, images) ** 2, axis=[1, 2, 3]))

    def move_average(self) -> None:
        """After a step: the averaged weights (and moments of batch norm) move a little towards those of the generator."""
        if self.decay:
            t = tf.cast(self.step, tf.float32)
            keep = tf.minimum(self.decay, t / (10 + t))
            for average, weight in zip(self.averaged.weights, self.generator.weights):
                average.assign(keep * average + (1 - keep) * weight)


def shifted(images: tf.Tensor, random: tf.random.Generator, most: int = 2) -> tf.Tensor:
    """Each image [N, side, side, channels] moved by up to `most` pixels in both directions, black where nothing comes in.

    The translation of differentiable augmentation (Zhao et al. 2020, section 3): gradients go through it to the generator.
    """
    n, side = tf.shape(images)[0], images.shape[1]
    rows, columns = (random.uniform([n, 1], 0, 2 * most + 1, tf.int32) + tf.range(side) for _ in range(2))
    wider = tf.pad(images, [[0, 0], [most, most], [most, most], [0, 0]])
    return tf.gather(tf.gather(wider, rows, axis=1, batch_dims=1), columns, axis=2, batch_dims=1)


def binary_cross_entropy(logits: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
    """-(y log D + (1 - y) log(1 - D)), D = sigmoid(logits), for labels y in [0, 1] or beyond; any shape, the same for both."""
    return tf.nn.sigmoid_cross_entropy_with_logits(labels, logits)


def train(gan: GAN, x: np.ndarray, y: np.ndarray | None = None, *, steps: int, batch_size: int = 64,
          d_steps: int = 1, real: tuple[float, float] = (1.0, 1.0), fake: tuple[float, float] = (0.0, 0.0),
          noise: float = 0.0, checkpoint: str | os.PathLike | None = None) -> dict[str, list[float]]:
    """Train both networks for `steps` steps, G with the non-saturating loss.

    Source: Goodfellow et al. 2014, section 3. Unlike their algorithm 1, a step takes the gradients of both
    networks from one batch, before either moves.

    x        float32 [N, side, side, channels] in [0, 1]
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
    check_options(batch_size, d_steps, real, fake)
    images, labels = checked(gan.generator, gan.classes, x, y)
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


def sample(gan_or_generator: GAN | tf.keras.Model, n: int, seed: int = 0,
           label: int | np.ndarray | None = None) -> np.ndarray:
    """n images [n, side, side, channels] in [0, 1] of standard normal z, the same for the same `seed`; made in batches.

    A conditional GAN needs `label`, one for all images or [n]; a generator alone must not be conditional.
    Raises ValueError for labels that do not fit.
    """
    network, classes = gan_or_generator, 0
    if isinstance(network, GAN):
        network, classes = network.averaged, network.classes
    z = np.random.default_rng(seed).standard_normal((n, network.input_shape[1] - classes), np.float32)
    return training.predict(network, np.concatenate([z, one_hot(classes, n, label)], axis=1))
