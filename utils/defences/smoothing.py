"""Randomised smoothing: the class that a model gives most often to an image with Gaussian noise, and a radius around it.

Cohen, Rosenfeld and Kolter 2019. If the class has a probability of at least p > 1/2 under noise of standard deviation sigma, then
it stays the most frequent one for every image within L2 sigma * Phi^-1(p). p is not known: it is bounded from samples, so the
certificate is wrong with probability of at most alpha for each image.
"""
import numpy as np
from scipy import stats

from utils.attacks.inputs import Model
from utils.defences.training import Loss, mean_cross_entropy
from utils.quiet import tf

BATCH = 512  # noisy copies at once


def noise_loss(network: tf.Module, sigma: float) -> Loss:
    """The cross-entropy of images with Gaussian noise of deviation `sigma`, not clipped: how the base model is trained."""
    def loss(x: tf.Tensor, labels: tf.Tensor, done: tf.Tensor, generator: tf.random.Generator) -> tf.Tensor:
        return mean_cross_entropy(labels, network(x + sigma * generator.normal(tf.shape(x)), training=True))

    return loss


def sampled_counts(model: Model, x: np.ndarray, sigma: float, samples: int, seed: int = 0) -> np.ndarray:
    """How often the model gives each class to noisy copies of each image: int64 [N, classes], rows sum to `samples`.

    x [N, H, W, C] in [0, 1]; the noise is not clipped, and is the same for all images.
    """
    batches = [(first, min(BATCH, samples - first)) for first in range(0, samples, BATCH)]
    return np.stack([sum(_votes(model, tf.constant(image), tf.constant(np.float32(sigma)), tf.constant(size),
                                tf.constant([seed, first])).numpy() for first, size in batches) for image in x])


@tf.function(reduce_retracing=True)
def _votes(model: Model, image: tf.Tensor, sigma: tf.Tensor, size: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """How often each class comes, int64 [classes], in `size` noisy copies of an image [H, W, C]."""
    noise = tf.random.stateless_normal(tf.concat([[size], tf.shape(image)], 0), seed)
    logits = model(image + sigma * noise)
    return tf.math.bincount(tf.argmax(logits, 1, tf.int32), minlength=logits.shape[1], dtype=tf.int64)


def lower_bound(successes: np.ndarray, trials: int, alpha: float = 0.001) -> np.ndarray:
    """A lower bound of a probability, larger than it with probability alpha at most: one-sided (Clopper and Pearson 1934).

    successes  integers of any shape, from 0 to `trials`. Returns bounds of that shape, 0 where there was no success.
    """
    successes = np.asarray(successes)
    return np.where(successes > 0, stats.beta.ppf(alpha, np.maximum(successes, 1), trials - successes + 1), 0.0)


def certify(selection: np.ndarray, estimation: np.ndarray, sigma: float, alpha: float = 0.001) -> tuple[np.ndarray, np.ndarray]:
    """The class of each image and its certified L2 radius, both [N]; class -1 and radius 0 where the method abstains.

    selection   counts [N, classes] of few samples, which choose the class
    estimation  counts [N, classes] of other, many samples, which bound its probability: the same samples for both would not do,
                as the class was chosen because it came often

    Cohen et al. 2019, section 3.2.2: with probability 1 - alpha or more the smoothed model gives that class everywhere in the
    ball. Every row of `estimation` has the same sum.
    """
    chosen = selection.argmax(1)
    bound = lower_bound(estimation[np.arange(len(chosen)), chosen], int(estimation[0].sum()), alpha)
    radius = sigma * stats.norm.ppf(np.maximum(bound, 0.5))
    return np.where(bound > 0.5, chosen, -1), radius


def soft_vote(model: Model, sigma: float, samples: int, seed: int = 0) -> Model:
    """What an attacker follows: the log of the mean probabilities of `samples` noisy copies, the same noise at each call.

    Images [N, H, W, C] -> [N, classes], differentiable (Salman et al. 2019, section 2.2): a soft version of the vote, so that the
    gradient is that of an expectation over the noise.
    """
    return lambda x: tf.math.log(tf.reduce_mean(tf.nn.softmax(over_draws(model, x, sigma, samples, seed)), 0) + 1e-9)


def over_draws(model: Model, x: tf.Tensor, sigma: float, samples: int, seed: int = 0) -> tf.Tensor:
    """The logits of `samples` noisy copies of each image x [N, H, W, C]: [samples, N, classes]; the same noise at each call."""
    noise = tf.random.stateless_normal(tf.concat([[samples, 1], tf.shape(x)[1:]], 0), [seed, samples])
    logits = model(tf.reshape(x + sigma * noise, [-1, *x.shape[1:]]))
    return tf.reshape(logits, [samples, -1, logits.shape[-1]])
