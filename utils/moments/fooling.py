"""How often noise fools a classifier: from the moments of its logits, and by sampling; and maps of where on an image it does."""
from collections.abc import Callable

import numpy as np
from scipy.special import ndtr

from utils.moments.gaussian import Gaussian, checked_noise
from utils.moments.propagate import propagate
from utils.moments.sampling import CHUNK_VALUES
from utils.moments.state import flat
from utils.quiet import tf

AT_ONCE = 128  # images in one pass through the formulas, or in one backward pass for all classes


def mixed_moments(model: Callable, x: tf.Tensor, stds: tf.Tensor) -> Gaussian:
    """Moments of the logits under K kinds of noise: means layer by layer, covariances by the tangent at the image.

    x     one image [H, W, C], or one for each kind of noise [K, H, W, C]
    stds  standard deviations [K, H, W, C] of independent noise in each pixel

    The means are those of `propagate(method="diagonal")`, which has the bias of all layers; its variances are far too small on
    a trained convolutional network. The covariances are J diag(std^2) J^T with the Jacobian J at the clean image, which for one
    image is the same for all K. So the whole costs about two passes for each kind of noise, and a backward pass for each class
    and image. Returns mean [K, classes] and covariance [K, classes, classes] as a Gaussian.
    """
    x, stds = tf.cast(x, tf.float32), tf.cast(stds, tf.float32)
    images, points = tf.reshape(x, [-1, *stds.shape[1:]]), tf.broadcast_to(x, tf.shape(stds))
    mean = tf.concat([_diagonal_mean(model, points[i:i + AT_ONCE], stds[i:i + AT_ONCE])
                      for i in range(0, stds.shape[0], AT_ONCE)], 0)
    jacobian = tf.concat([_jacobian(model, images[i:i + AT_ONCE]) for i in range(0, images.shape[0], AT_ONCE)], 0)
    scaled = flat(jacobian, 2) * tf.reshape(stds, [stds.shape[0], 1, -1])
    return Gaussian(mean, tf.matmul(scaled, scaled, transpose_b=True))


@tf.function(reduce_retracing=True, autograph=False)
def _diagonal_mean(model: Callable, x: tf.Tensor, stds: tf.Tensor) -> tf.Tensor:
    return propagate(model, x, stds, method="diagonal").mean


@tf.function(reduce_retracing=True, autograph=False)
def _jacobian(model: Callable, x: tf.Tensor) -> tf.Tensor:
    """Of the logits by the pixels: [N, classes, ...]."""
    with tf.GradientTape() as tape:
        tape.watch(x)
        logits = model(x)
    return tape.batch_jacobian(logits, x)


def rival_probabilities(logits: Gaussian, labels: np.ndarray) -> np.ndarray:
    """For each class the probability that its logit exceeds that of the label, for Gaussian logits: [N, classes], 0 at the label.

    logits  mean [N, classes], covariance [N, classes, classes]; labels [N]

    The margin of the label over class j is Gaussian with mean m_label - m_j and variance S_ll + S_jj - 2 S_lj. The label loses if
    one of these margins is negative: the probability of that lies between the largest of a row and its sum.
    """
    mean, covariance = (np.asarray(part, np.float64) for part in logits)  # float32 has no number for 10 standard deviations
    labels = np.asarray(labels)
    rows = np.arange(len(labels))
    margin = mean[rows, labels][:, None] - mean
    own = covariance[rows, labels]  # [N, classes]: with each class
    variance = own[rows, labels][:, None] + np.diagonal(covariance, axis1=1, axis2=2) - 2 * own
    found = ndtr(-margin / np.sqrt(np.maximum(variance, np.finfo(np.float64).tiny)))
    found[rows, labels] = 0
    return found


def sampled_fooling_rate(model: Callable, mean: np.ndarray, std: np.ndarray | float, labels: np.ndarray, samples: int, *,
                         targeted: bool = False, seed: int = 0) -> np.ndarray:
    """The share of `samples` noisy copies of each image whose highest logit is not that of its label: [N].

    mean     images [N, ...], with the mean of the noise added; std  a number, or an array that broadcasts to their shape
    labels   the true classes [N], or with `targeted` the wanted ones: then the share whose highest logit is the wanted one

    All copies of an image go through the model at once: memory grows with `samples`. Raises ValueError for fewer than 1 sample
    and as `checked_noise` does.
    """
    if samples < 1:
        raise ValueError(f"samples is {samples}, expected 1 or more.")
    mean, variance = checked_noise(mean, std, None)
    scale = tf.reshape(tf.sqrt(variance), tf.shape(mean))
    size = max(1, CHUNK_VALUES // (samples * int(np.prod(mean.shape[1:]))))
    found = [_answers(model, mean[i:i + size], scale[i:i + size], *map(tf.constant, (samples, (seed, i)))).numpy()
             for i in range(0, len(mean), size)]
    agrees = (np.concatenate(found, 1) == np.asarray(labels)).mean(0)
    return agrees if targeted else 1 - agrees


@tf.function(reduce_retracing=True, autograph=False)
def _answers(model: Callable, mean: tf.Tensor, scale: tf.Tensor, samples: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """The classes of noisy copies: [samples, N]."""
    drawn = tf.random.stateless_normal(tf.concat([[samples], tf.shape(mean)], 0), seed)
    logits = model(tf.reshape(mean + scale * drawn, tf.concat([[-1], tf.shape(mean)[1:]], 0)))
    return tf.reshape(tf.argmax(logits, 1), [samples, -1])


def window_stds(shape: tuple[int, int, int], std: float, radius: int, stride: int) -> np.ndarray:
    """`std` in square windows and 0 elsewhere: [rows, columns, H, W, C] for centres every `stride` pixels.

    A window holds all pixels at most `radius` rows and columns from its centre; at the border of the image it is cut off.
    """
    height, width, channels = shape

    def near(size: int) -> np.ndarray:
        return np.abs(np.arange(stride // 2, size, stride)[:, None] - np.arange(size)) <= radius

    windows = near(height)[:, None, :, None] & near(width)[None, :, None, :]
    return np.repeat(windows[..., None], channels, -1).astype(np.float32) * np.float32(std)


def fooling_map(model: Callable, x: np.ndarray, labels: np.ndarray, std: float, *, radius: int, stride: int) -> np.ndarray:
    """How often noise in a window around each pixel fools the model, by formula: [N, rows, columns].

    x  images [N, H, W, C] with true labels [N]; std, radius, stride as in `window_stds`

    The largest of `rival_probabilities` with `mixed_moments`: an approximation in three ways (means layer by layer, covariances
    by the tangent, Gaussian logits), and the probability of the most dangerous rival only.
    """
    windows = window_stds(x.shape[1:], std, radius, stride)
    kinds = windows.reshape(-1, *x.shape[1:])
    found = [rival_probabilities(mixed_moments(model, image, kinds), np.full(len(kinds), label)).max(1)
             for image, label in zip(x, labels)]
    return np.reshape(found, [len(x), *windows.shape[:2]])


def sampled_fooling_map(model: Callable, x: np.ndarray, labels: np.ndarray, std: float, samples: int, *, radius: int, stride: int,
                        seed: int = 0) -> np.ndarray:
    """The same as `fooling_map`, by `samples` noisy copies for each window of each image: [N, rows, columns]."""
    windows = window_stds(x.shape[1:], std, radius, stride)
    kinds = windows.reshape(-1, *x.shape[1:])
    found = [sampled_fooling_rate(model, np.broadcast_to(image, kinds.shape), kinds, np.full(len(kinds), label), samples,
                                  seed=seed + number) for number, (image, label) in enumerate(zip(x, labels))]
    return np.reshape(found, [len(x), *windows.shape[:2]])
