"""What does a network look at? Methods that answer, each with what it costs, and measures of how far they can be believed.

`occlusion`, `gradients` and `cam` explain the answer for one image by a map; `units`, `visualise` and `response` explain what a
unit or a class responds to. `measures`, `sanity`, `manipulate` and `truth` test the explanations. All take any callable images
[N, H, W, C] in [0, 1] -> logits [N, classes], Keras or `tf.Module`; `relu` exchanges the ReLUs of one without copying it.
"""
from utils.explain.cam import grad_cam
from utils.explain.gradients import (completeness, deconvnet, gradient_times_input, guided_backprop, integrated_gradients,
                                     per_pixel, saliency, smooth_grad)
from utils.explain.manipulate import manipulate
from utils.explain.measures import area, bootstrap, deletion, edges, pointing, random_maps
from utils.explain.occlusion import drop, occlusion
from utils.explain.relu import activations
from utils.explain.response import response
from utils.explain.sanity import cascade, randomised, smoothed, ssim
from utils.explain.scores import log_odds, logit, probability
from utils.explain.truth import PARTS, drawn_by, exchanged
from utils.explain.units import crops, receptive_region, strongest, unit_gradient
from utils.explain.visualise import of_class, of_unit, visualise

__all__ = ["PARTS", "activations", "area", "bootstrap", "cascade", "completeness", "crops", "deconvnet", "deletion",
           "drawn_by", "drop", "edges", "exchanged", "grad_cam", "gradient_times_input", "guided_backprop",
           "integrated_gradients", "log_odds", "logit", "manipulate", "occlusion", "of_class", "of_unit", "per_pixel",
           "pointing", "probability", "random_maps", "randomised", "receptive_region", "response", "saliency", "smooth_grad",
           "smoothed", "ssim", "strongest", "unit_gradient", "visualise"]
