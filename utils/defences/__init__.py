"""Defences against adversarial examples, one idea a file. Each gives a callable `model(x) -> logits`, or a loss to train one.

Trained ones are a loss for `train`: `adversarial_training` (FGSM, PGD, TRADES, ensemble; and `retrain`, for any way to learn),
`gradient_penalty`, `distillation`, `denoiser`, `interval_bounds`, `smoothing`. `jump_relu` and `k_winners` change the activation
of a network, after or before its training. `bpda` is not a defence: it is how an attacker goes through one. `interval_bounds` and
`smoothing` certify. What looks into the layers (`affine`) takes a Keras Sequential or a `networks.Chain`, all else any callable.
"""
from utils import other_versions_names
from utils.defences.adversarial_training import (attacked, ensemble_loss, fgsm_loss, pgd_loss, retrain, trades_loss)
from utils.defences.affine import with_activation
from utils.defences.bpda import bpda
from utils.defences.denoiser import denoising_network, logit_loss, pixel_loss, with_denoiser
from utils.defences.distillation import at_temperature, distillation_loss, log_of_probabilities
from utils.defences.gradient_penalty import gradient_penalty_loss
from utils.defences.interval_bounds import certified_radius, interval_loss, output_bounds, worst_margins
from utils.defences.jump_relu import jump_relu, with_jump_relu
from utils.defences.k_winners import k_winners, with_k_winners
from utils.defences.smoothing import certify, lower_bound, noise_loss, sampled_counts, soft_vote
from utils.defences.training import clean_loss, train

__getattr__ = other_versions_names(__name__)

__all__ = ["at_temperature", "attacked", "bpda", "certified_radius", "certify", "clean_loss", "denoising_network",
           "distillation_loss", "ensemble_loss", "fgsm_loss", "gradient_penalty_loss", "interval_loss", "jump_relu",
           "k_winners", "log_of_probabilities", "logit_loss", "lower_bound", "noise_loss", "output_bounds", "pgd_loss",
           "pixel_loss", "retrain", "sampled_counts", "soft_vote", "trades_loss", "train", "with_activation", "with_denoiser",
           "with_jump_relu", "with_k_winners", "worst_margins"]
