"""Attacks: one pure function each. attack(model, x, labels, *, targeted=False, ...) -> Result.

`model` is any callable, Keras or tf.Module, that maps images [N, H, W, C] in [0, 1] to logits [N, classes].
"""
from utils.attacks.deepfool import deepfool, superdeepfool
from utils.attacks.dx import dx_attack
from utils.attacks.eight_bit import round_to_8bit, smallest_8bit
from utils.attacks.fgsm import fgsm, step_ll
from utils.attacks.losses import attack_loss, margin
from utils.attacks.masking import masking
from utils.attacks.norms import NORMS, total_variation
from utils.attacks.pgd import pgd
from utils.attacks.result import Result
from utils.attacks.tradeoff import tradeoff

__all__ = ["NORMS", "Result", "attack_loss", "deepfool", "dx_attack", "fgsm", "margin", "masking", "pgd", "round_to_8bit",
           "smallest_8bit", "step_ll", "superdeepfool", "total_variation", "tradeoff"]
