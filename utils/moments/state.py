"""What is known about one tensor inside a network when its input is noisy: mean, and where its variance comes from."""
from typing import NamedTuple

from utils.moments.gaussian import Gaussian
from utils.quiet import tf

Sources = list[tf.Tensor]  # independent noise: variances [N, K] or covariances [N, K, K] of each


class NoisyTensor(NamedTuple):
    """x = mean + sum over sources s of response_s^T noise_s + a rest, which is independent from value to value.

    mean      [N, ...]
    response  {number of the source: [N, K, ...]}, the derivative of x by each of the K values of its noise
    rest      variances [N, ...]; 0 where all is in the sources

    Two tensors that depend on the same source are correlated, which is what an addition of branches needs.
    """

    mean: tf.Tensor
    response: dict[int, tf.Tensor]
    rest: tf.Tensor

    def variance(self, sources: Sources) -> tf.Tensor:
        """Of each value: [N, ...]."""
        total = self.rest
        for number, response in self.response.items():
            total += tf.reduce_sum(response * _weighted(sources[number], response), 1)
        return total

    def covariance(self, sources: Sources) -> tf.Tensor:
        """Of all values with each other: [N, D, D]."""
        total = tf.linalg.diag(flat(self.rest, 1))
        for number, response in self.response.items():
            total += tf.matmul(flat(response, 2), flat(_weighted(sources[number], response), 2), transpose_a=True)
        return total

    def gaussian(self, sources: Sources) -> Gaussian:
        """Mean [N, d] and covariance [N, d, d] of the values, taken for Gaussian."""
        return Gaussian(flat(self.mean, 1), self.covariance(sources))

    def scaled(self, factor: tf.Tensor) -> "NoisyTensor":
        """The moments of factor * x, for a factor that broadcasts to [N, ...] and is no random number."""
        response = {number: one * _behind(factor, self.mean) for number, one in self.response.items()}
        return NoisyTensor(self.mean * factor, response, self.rest * factor**2)

    def plus(self, other: "NoisyTensor | tf.Tensor") -> "NoisyTensor":
        """The moments of x + other: of another tensor [N, ...] of the network, or of a constant, which moves the mean only."""
        if not isinstance(other, NoisyTensor):
            return self._replace(mean=self.mean + other)
        response = dict(self.response)
        for number, one in other.response.items():
            response[number] = response[number] + one if number in response else one
        return NoisyTensor(self.mean + other.mean, response, self.rest + other.rest)


def flat(x: tf.Tensor, axes: int) -> tf.Tensor:
    """x of any shape with all axes after the first `axes` as one: with axes=1 [N, ...] -> [N, D]."""
    shape = tf.shape(x)
    return tf.reshape(x, tf.concat([shape[:axes], [tf.reduce_prod(shape[axes:])]], 0))


def _weighted(source: tf.Tensor, response: tf.Tensor) -> tf.Tensor:
    """The covariance of a source times the response: [N, K, ...]."""
    if source.shape.rank == 3:
        return tf.reshape(tf.matmul(source, flat(response, 2)), tf.shape(response))
    return response * tf.reshape(source, tf.concat([tf.shape(source), tf.ones([tf.rank(response) - 2], tf.int32)], 0))


def _behind(factor: tf.Tensor, mean: tf.Tensor) -> tf.Tensor:
    """A factor with as many axes as the mean [N, ...], for a response [N, K, ...]; others broadcast as they are."""
    return tf.expand_dims(factor, 1) if factor.shape.rank == mean.shape.rank else factor
