"""A denoiser in front of the network: it removes the perturbation before the network sees the image."""
from utils.attacks.inputs import Model
from utils.defences.adversarial_training import attacked
from utils.defences.training import Loss
from utils.quiet import tf


def denoising_network(filters: int = 8) -> tf.keras.Model:
    """Three convolutions whose output is subtracted from the image: [N, H, W, 1] in [0, 1] -> the same shape, not clipped."""
    keras = tf.keras.layers
    images = tf.keras.Input([None, None, 1])
    x = images
    for _ in range(2):
        x = keras.Conv2D(filters, 3, padding="same", activation="relu")(x)
    noise = keras.Conv2D(1, 3, padding="same", kernel_initializer="zeros")(x)
    return tf.keras.Model(images, keras.Subtract()([images, noise]))


def with_denoiser(model: Model, denoiser: Model) -> Model:
    """The defended model: it sees what the denoiser makes of an image, clipped to [0, 1]."""
    return lambda x: model(tf.clip_by_value(denoiser(x), 0.0, 1.0))


def pixel_loss(denoiser: tf.keras.Model, model: Model, epsilon: float) -> Loss:
    """The mean |denoised - clean| of the pixels, for images that PGD attacks on `model` within Linf `epsilon`.

    Liao et al. 2018, section 3.2, the pixel guided denoiser. What is left in the pixels is small, and the network's layers
    amplify it.
    """
    def loss(x: tf.Tensor, labels: tf.Tensor, done: tf.Tensor, generator: tf.random.Generator) -> tf.Tensor:
        images = attacked(model, x, labels, tf.constant(epsilon), generator)
        return tf.reduce_mean(tf.abs(denoiser(tf.stop_gradient(images), training=True) - x))

    return loss


def logit_loss(denoiser: tf.keras.Model, model: Model, epsilon: float) -> Loss:
    """The mean |difference| of the logits of `model` for denoised and clean images: HGD (Liao et al. 2018, section 3.3)."""
    def loss(x: tf.Tensor, labels: tf.Tensor, done: tf.Tensor, generator: tf.random.Generator) -> tf.Tensor:
        images = attacked(model, x, labels, tf.constant(epsilon), generator)
        return tf.reduce_mean(tf.abs(with_denoiser(model, denoiser)(tf.stop_gradient(images)) - model(x)))

    return loss
