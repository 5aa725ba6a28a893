"""The variational autoencoder: a decoder of random latent vectors, trained together with an encoder that says which ones.

Images are float32 [N, 28, 28, 1] in [0, 1]; the encoder gives the mean and the logarithm of the variance of a Gaussian for
each latent dimension, [N, code] each. Source: D. P. Kingma, M. Welling, Auto-encoding variational Bayes (2014), section 2.4 and
appendix B.
"""
from collections.abc import Sequence

from utils.generative import autoencoders
from utils.quiet import tf


def kl(mean: tf.Tensor, log_variance: tf.Tensor) -> tf.Tensor:
    """The Kullback-Leibler divergence of N(mean, exp(log_variance)) from N(0, 1), in nats, for each number: [...] -> [...].

    0 where the mean is 0 and the variance 1, above 0 elsewhere. Kingma and Welling (2014), appendix B.
    """
    return (tf.square(mean) + tf.exp(log_variance) - log_variance - 1) / 2


def draw(mean: tf.Tensor, log_variance: tf.Tensor, noise: tf.Tensor) -> tf.Tensor:
    """Latent vectors mean + standard deviation * noise, with `noise` drawn from N(0, 1): all are [N, code].

    So written, mean and variance are inputs of a differentiable function, and gradients reach the encoder (reparametrisation).
    """
    return mean + tf.exp(log_variance / 2) * noise


class Variational(tf.keras.Model):
    """A variational autoencoder x -> decoder(mean of the code), whose `fit` minimises squared error + beta * KL.

    code    the number of latent dimensions
    hidden  the units of the encoder's dense ELU layers; the decoder has the same in the reverse order
    beta    twice the variance of a pixel around what the decoder draws. With it the loss is, but for constants and the factor
            beta, the negative evidence lower bound of a Gaussian decoder
    """

    def __init__(self, code: int, hidden: Sequence[int], beta: float):
        super().__init__()
        self.code, self.beta = code, beta
        self.encoder = autoencoders.encoder(2 * code, tuple(hidden))
        self.decoder = autoencoders.decoder(code, tuple(hidden)[::-1])
        self.seeds = tf.keras.random.SeedGenerator(0)

    def encode(self, x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Images [N, 28, 28, 1] -> mean and logarithm of the variance, [N, code] each."""
        mean, log_variance = tf.split(self.encoder(x), 2, axis=1)
        return mean, log_variance

    def call(self, x: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Images [N, 28, 28, 1] -> images drawn from the mean code.

        In training they are drawn from a random code, and the divergence is added to the losses.
        """
        mean, log_variance = self.encode(x)
        if not training:
            return self.decoder(mean)
        self.add_loss(self.beta * tf.reduce_mean(tf.reduce_sum(kl(mean, log_variance), axis=1)))
        noise = tf.keras.random.normal(tf.shape(mean), seed=self.seeds)
        return self.decoder(draw(mean, log_variance, noise))
