"""Attacks: one pure function each. attack(model, x, labels, *, targeted=False, ...) -> Result.

`model` is any callable, Keras or tf.Module, that maps images [N, H, W, C] in [0, 1] to logits [N, classes].
"""
from utils.attacks import masks, transformations
from utils.attacks.decision import hop_skip_jump
from utils.attacks.deepfool import deepfool, superdeepfool
from utils.attacks.dx import dx_attack
from utils.attacks.eight_bit import round_to_8bit, smallest_8bit
from utils.attacks.eot import eot, survival
from utils.attacks.exact import exact_minimum
from utils.attacks.fgsm import fgsm, gradient_step, step_ll
from utils.attacks.fooling import Fooling, fooling_evolution, fooling_gradient
from utils.attacks.jsma import jsma
from utils.attacks.losses import attack_loss, margin
from utils.attacks.masking import masking
from utils.attacks.minimal import minimal
from utils.attacks.norms import NORMS, total_variation
from utils.attacks.one_pixel import one_pixel
from utils.attacks.patch import Patch, apply_patch, patch, place_at_random
from utils.attacks.pgd import pgd
from utils.attacks.result import Result
from utils.attacks.substitute import augmented, substitute
from utils.attacks.tradeoff import tradeoff
from utils.attacks.universal import transfer_matrix, universal

__all__ = ["NORMS", "Fooling", "Patch", "Result", "apply_patch", "attack_loss", "augmented", "deepfool", "dx_attack", "eot",
           "exact_minimum", "fgsm", "fooling_evolution", "fooling_gradient", "gradient_step", "hop_skip_jump", "jsma", "margin",
           "masking", "masks", "minimal", "one_pixel", "patch", "pgd", "place_at_random", "round_to_8bit", "smallest_8bit",
           "step_ll", "substitute", "superdeepfool", "survival", "total_variation", "tradeoff", "transfer_matrix",
           "transformations", "universal"]
