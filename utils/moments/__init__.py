"""What noise on the input does to a network's output: means, variances and covariances in closed form, and by sampling.

`relu` has the formulas for one layer. `propagate` goes through a network layer by layer, `two_stage` is exact at one ReLU and
linear elsewhere, `sample_moments` draws. All take any callable images [N, ...] -> logits [N, classes], Keras or `tf.Module`.
"""
from utils.moments.gaussian import Gaussian
from utils.moments.propagate import propagate
from utils.moments.relu import (relu_atom, relu_covariance, relu_density, relu_mean, relu_second_moment, relu_variance,
                                series_covariance, zero_mean_covariance)
from utils.moments.sampling import Sampled, noise, sample_moments
from utils.moments.two_stage import count_relus, cut, two_stage

__all__ = ["Gaussian", "Sampled", "count_relus", "cut", "noise", "propagate", "relu_atom", "relu_covariance", "relu_density",
           "relu_mean", "relu_second_moment", "relu_variance", "sample_moments", "series_covariance", "two_stage",
           "zero_mean_covariance"]
