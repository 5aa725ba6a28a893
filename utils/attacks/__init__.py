"""Attacks: one pure function each. attack(model, x, labels, *, targeted=False, ...) -> Result.

`model` is any callable, Keras or tf.Module, that maps images [N, H, W, C] in [0, 1] to logits [N, classes].
"""
from utils.attacks.dx import dx_attack
from utils.attacks.eight_bit import round_to_8bit, smallest_8bit
from utils.attacks.fgsm import fgsm
from utils.attacks.fooling import Fooling, fooling_evolution, fooling_gradient
from utils.attacks.jsma import jsma
from utils.attacks.losses import attack_loss, margin
from utils.attacks.norms import NORMS, total_variation
from utils.attacks.one_pixel import one_pixel
from utils.attacks.result import Result
from utils.attacks.tradeoff import tradeoff

__all__ = ["NORMS", "Fooling", "Result", "attack_loss", "dx_attack", "fgsm", "fooling_evolution", "fooling_gradient", "jsma",
           "margin", "one_pixel", "round_to_8bit", "smallest_8bit", "total_variation", "tradeoff"]
