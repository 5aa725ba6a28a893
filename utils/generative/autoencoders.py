"""Autoencoders: the networks, principal components to compare with, the squared error, the Jacobian of an encoder.

Images are float32 [N, 28, 28, 1] in [0, 1] with d = 784 pixels, codes float32 [N, code]. `encoder` and `decoder` are dense,
`conv_encoder` and `conv_decoder` convolutional; `fit` trains them, by that of Keras.
"""
from collections.abc import Callable, Sequence

import numpy as np

from utils.quiet import tf

keras = tf.keras.layers


def pca(x: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The mean [d] of x [N, d], its first k principal components [k, d], and all singular values [min(N, d)].

    Components are orthonormal rows, the direction of the largest variance first, their signs arbitrary. With
    `codes = (x - mean) @ components.T` the reconstruction `mean + codes @ components` has the least squared
    error of all of rank k: per row, the sum of the squared singular values but the first k, divided by N
    (Eckart and Young 1936). The variance along component i is the square of singular value i divided by N.

    Raises ValueError if k is not a whole number in 1 ... min(N, d), or x holds NaN or infinity.
    """
    x = np.asarray(x, np.float64)
    if not (x.ndim == 2 and isinstance(k, (int, np.integer)) and 1 <= k <= min(x.shape)
            and np.isfinite(x).all()):
        raise ValueError(f"x has shape {list(x.shape)} and k is {k}: expected [N, d], all finite, and k "
                         f"from 1 to the smaller of both; make rows of images with x.reshape(len(x), -1).")
    mean = x.mean(axis=0)
    triangle = np.linalg.qr(x - mean, mode="r")  # [min(N, d), d], its s and V are those of x - mean
    _, singular, directions = np.linalg.svd(triangle, full_matrices=False)
    return mean, directions[:k], singular


def project(x: np.ndarray, mean: np.ndarray, components: np.ndarray) -> np.ndarray:
    """The rows of x [N, d] rebuilt from their codes by `components` [k, d]: the nearest points of the subspace through `mean`."""
    return mean + (x - mean) @ components.T @ components


def fit(model: tf.keras.Model, x: np.ndarray, y: np.ndarray, *, epochs: int, rate: float, batch_size: int = 32,
        callbacks: Sequence[tf.keras.callbacks.Callback] = ()) -> tf.keras.Model:
    """Make the squared error of model(x) and y [N, ...] small by Adam, whose rate falls to 0 along half a cosine; the model."""
    falling = tf.keras.optimizers.schedules.CosineDecay(rate, epochs * -(-len(x) // batch_size))
    model.compile(tf.keras.optimizers.Adam(falling), squared_error, steps_per_execution=10)
    model.fit(x, y, batch_size=batch_size, epochs=epochs, verbose=0, callbacks=list(callbacks))
    return model


def squared_error(x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
    """The squared error of each image: the sum of (x - y)^2 over its pixels, [N, ...], [N, ...] -> [N].

    On pixels in [0, 1]. Also a loss for Keras, which takes the mean over the batch. This is the scale of the
    13.87 of PCA and the 3.00 of a deep autoencoder in Hinton and Salakhutdinov (2006).

    Raises ValueError for images of different shapes.
    """
    x, y = tf.convert_to_tensor(x), tf.convert_to_tensor(y)
    if not x.shape.is_compatible_with(y.shape):
        raise ValueError(f"x has shape {x.shape} and y {y.shape}: expected the same shape for both.")
    number = x.dtype if x.dtype.is_floating else tf.float32
    square = tf.square(tf.cast(x, number) - tf.cast(y, number))
    return tf.reduce_sum(tf.reshape(square, [tf.shape(square)[0], -1]), axis=1)


def jacobian(encoder: Callable, x: tf.Tensor) -> tf.Tensor:
    """The Jacobian dh/dx of h = encoder(x) [N, code] at each of the images x [N, ...]: [N, code, d], exact.

    For N images, N * code * d numbers are held: take some hundred at a time. Each code must depend on its own
    image only (no batch norm in training mode). Raises ValueError if the encoder does not give [N, code].
    """
    x = tf.convert_to_tensor(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        code = encoder(x)
    if len(code.shape) != 2:
        raise ValueError(f"The encoder gives the shape {list(code.shape)}, expected [N, code]: end it with "
                         f"Flatten or Dense.")
    rows = tape.batch_jacobian(code, x)
    return tf.reshape(rows, [tf.shape(code)[0], code.shape[1], int(np.prod(x.shape[1:]))])


def contraction(encoder: Callable, x: tf.Tensor) -> tf.Tensor:
    """The mean over images x [N, ...] of ||dh/dx||_F^2, the sum of all squared entries of the Jacobian: a scalar.

    Source: Rifai et al., Contractive auto-encoders (2011). Differentiable, to train with. Errors as in `jacobian`.
    """
    return tf.reduce_mean(tf.reduce_sum(tf.square(jacobian(encoder, x)), axis=[1, 2]))


class Contractive(tf.keras.Model):
    """One layer h = activation(x W + b) and, as its decoder, the same weights transposed: x -> h W^T + c.

    Images are [N, 28, 28, 1]. To its loss `fit` adds `weight` * contraction(encoder, x). With weights of its own a decoder
    could undo any shrinking of the code, and the penalty could come as close to 0 as one likes; with tied ones it cannot
    (Rifai et al. 2011).
    The penalty is that of the first `images` of each batch: `fit` shuffles, so they speak for all, and the Jacobian of
    a whole batch takes longer than everything else together.
    """

    def __init__(self, units: int, weight: float, activation: str | None = "sigmoid", images: int = 8):
        super().__init__()
        self.layer = keras.Dense(units, activation)
        self.encoder = tf.keras.Sequential([tf.keras.Input([28, 28, 1]), keras.Flatten(), self.layer])
        self.constant = self.add_weight(shape=[784], initializer="zeros", name="constant")
        self.weight, self.images = weight, images

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """Images [N, 28, 28, 1] -> the same, drawn from their codes with the encoder's own weights."""
        drawn = tf.matmul(self.encoder(x), self.layer.kernel, transpose_b=True) + self.constant
        return tf.reshape(drawn, [-1, 28, 28, 1])

    def compute_loss(self, x: tf.Tensor = None, y: tf.Tensor = None, y_pred: tf.Tensor = None,
                     sample_weight: tf.Tensor | None = None, training: bool = True) -> tf.Tensor:
        """The loss of `compile` plus the penalty, a scalar, for images x [N, 28, 28, 1]. Keras calls it."""
        loss = super().compute_loss(x, y, y_pred, sample_weight, training)
        return loss + self.weight * contraction(self.encoder, x[:self.images]) if self.weight else loss


def contracted(variances: np.ndarray, k: int, weight: float) -> tuple[np.ndarray, float]:
    """The least loss of a linear `Contractive` with k units, and the squared singular values [k] of its W, the largest first.

    variances  of all principal components, the largest first: squared singular values of `pca`, divided by N

    W spans the first k components. Along component i of variance v a square s of a singular value costs v (1 - s)^2 + weight * s,
    which is least for s = 1 - weight / (2 v), or 0 where v is smaller than weight / 2.
    """
    squares = np.maximum(0, 1 - weight / (2 * np.maximum(variances[:k], 1e-12)))
    loss = np.sum(variances[:k] * (1 - squares)**2 + weight * squares) + np.sum(variances[k:])
    return squares, float(loss)


def encoder(code: int, hidden: tuple[int, ...] = (256, 64)) -> tf.keras.Model:
    """Images [N, 28, 28, 1] -> codes [N, code], through dense ELU layers of `hidden` units; the code is linear."""
    return tf.keras.Sequential([tf.keras.Input([28, 28, 1]), keras.Flatten(),
                                *(keras.Dense(units, "elu") for units in hidden), keras.Dense(code)])


def decoder(code: int, hidden: tuple[int, ...] = (64, 256)) -> tf.keras.Model:
    """Codes [N, code] -> images [N, 28, 28, 1] in [0, 1], through dense ELU layers of `hidden` units and a sigmoid."""
    return tf.keras.Sequential([tf.keras.Input([code]), *(keras.Dense(units, "elu") for units in hidden),
                                keras.Dense(784, "sigmoid"), keras.Reshape([28, 28, 1])])


def conv_encoder(code: int, channels: tuple[int, int] = (8, 16)) -> tf.keras.Model:
    """Images [N, 28, 28, 1] -> codes [N, code], through two 3x3 ELU convolutions of stride 2; the code is linear."""
    return tf.keras.Sequential([tf.keras.Input([28, 28, 1]), *(keras.Conv2D(n, 3, 2, "same", activation="elu") for n in channels),
                                keras.Flatten(), keras.Dense(code)])


def conv_decoder(code: int, channels: tuple[int, int] = (16, 8)) -> tf.keras.Model:
    """Codes [N, code] -> images [N, 28, 28, 1] in [0, 1]: a dense layer to 7x7, then two transposed convolutions of stride 2."""
    wide, narrow = channels
    return tf.keras.Sequential([tf.keras.Input([code]), keras.Dense(49 * wide, "elu"), keras.Reshape([7, 7, wide]),
                                keras.Conv2DTranspose(narrow, 3, 2, "same", activation="elu"),
                                keras.Conv2DTranspose(1, 3, 2, "same", activation="sigmoid")])
