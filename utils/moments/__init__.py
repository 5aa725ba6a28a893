"""What noise on the input does to a network's output: means, variances and covariances in closed form, and by sampling.

`relu` has the formulas for one layer. `propagate` goes through a network layer by layer, `two_stage` is exact at one ReLU and
linear elsewhere, `sample_moments` draws. `fooling` and `noise_attack` use them: how often noise fools a classifier, and which
noise does so most. All take any callable images [N, ...] -> logits [N, classes], Keras or `tf.Module`.
"""
from utils.moments.fooling import (fooling_map, mixed_moments, rival_probabilities, sampled_fooling_map, sampled_fooling_rate,
                                   window_stds)
from utils.moments.gaussian import Gaussian
from utils.moments.noise_attack import AdversarialNoise, adversarial_noise, random_support
from utils.moments.propagate import propagate
from utils.moments.relu import (relu_atom, relu_covariance, relu_density, relu_mean, relu_second_moment, relu_variance,
                                series_covariance, zero_mean_covariance)
from utils.moments.sampling import Sampled, noise, sample_moments
from utils.moments.two_stage import count_relus, cut, two_stage

__all__ = ["AdversarialNoise", "Gaussian", "Sampled", "adversarial_noise", "count_relus", "cut", "fooling_map", "mixed_moments",
           "noise", "propagate", "random_support", "relu_atom", "relu_covariance", "relu_density", "relu_mean",
           "relu_second_moment", "relu_variance", "rival_probabilities", "sample_moments", "sampled_fooling_map",
           "sampled_fooling_rate", "series_covariance", "two_stage", "window_stds", "zero_mean_covariance"]
