"""Attacks: one pure function each. attack(model, x, labels, *, targeted=False, ...) -> Result.

`model` is any callable, Keras or tf.Module, that maps images [N, H, W, C] in [0, 1] to logits [N, classes].
"""
from utils.attacks import masks, transformations
from utils.attacks.dx import dx_attack
from utils.attacks.eight_bit import round_to_8bit, smallest_8bit
from utils.attacks.eot import eot, survival
from utils.attacks.fgsm import fgsm
from utils.attacks.losses import attack_loss, margin
from utils.attacks.norms import NORMS, total_variation
from utils.attacks.patch import Patch, apply_patch, patch, place_at_random
from utils.attacks.result import Result
from utils.attacks.tradeoff import tradeoff
from utils.attacks.universal import transfer_matrix, universal

__all__ = ["NORMS", "Patch", "Result", "apply_patch", "attack_loss", "dx_attack", "eot", "fgsm", "margin", "masks", "patch",
           "place_at_random", "round_to_8bit", "smallest_8bit", "survival", "total_variation", "tradeoff", "transfer_matrix",
           "transformations", "universal"]
