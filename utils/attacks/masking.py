"""Gradient masking: does a model withstand attacks, or does it only hide the gradient that they follow?"""
import warnings
from typing import NamedTuple

import numpy as np

from utils.attacks.ball import random_in_ball
from utils.attacks.fgsm import fgsm
from utils.attacks.inputs import Model, check_inputs, check_numbers, chunks
from utils.attacks.norms import PIXELS, named
from utils.attacks.pgd import pgd
from utils.quiet import tf

STEPS = 20
DRAWS = 20  # of noise
SLACK = 0.02  # of the images: so many may differ by chance
STILL_HELPS = 0.05  # of the images: so many more may be fooled by four times as many steps


class Check(NamedTuple):
    """One line of the report.

    name     what an honest model does
    passed   does this one?
    figure   what was measured
    meaning  what the figure is, and where to look if the check failed
    """

    name: str
    passed: bool
    figure: float
    meaning: str


def masking(model: Model, x: np.ndarray, labels: np.ndarray, *, epsilon: float, norm: str = "Linf",
            substitute: Model | None = None, seed: int = 0) -> list[Check]:
    """The signs of a masked gradient (Athalye, Carlini and Wagner 2018, section 3.1), each checked.

    model       images [N, H, W, C] in [0, 1] -> logits [N, classes]. One that ends in softmax is reported, not refused
    x, labels   images [N, H, W, C] in [0, 1] and their true labels [N]; those that the model gets wrong are left out
    epsilon     the radius of the attacks, by `norm`: one at which some images withstand shows most
    substitute  another model for the same task: images that fool it are tried on `model`

    A failed check shows that attacks along the gradient underestimate how vulnerable the model is. A passed one proves
    nothing: an attack made for this model may still be stronger. Raises ValueError for inputs that cannot be meant (see
    `inputs.check_inputs`), and if the model is wrong about all images.
    """
    x = np.asarray(x, np.float32)
    check_numbers(epsilon=epsilon)
    probabilities = _ends_in_softmax(model, x)
    # As if the probabilities were logits, which is the mistake. Without the 1, the attacks would refuse them.
    attacked = (lambda images: model(images) - 1.0) if probabilities else model
    x, labels = check_inputs(attacked, x, labels)
    right = _says(model, x) == labels
    if not right.any():
        raise ValueError("The model is wrong about all images without an attack: give the true labels, or a trained model.")
    x, labels = x[right], labels[right]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The attack failed")  # a check of its own reports it
        return [_logits(probabilities), _gradient(attacked, x, labels), _same_twice(model, x),
                *_against_pgd(attacked, x, labels, epsilon, named(norm).name, substitute, seed)]


def _against_pgd(model: Model, x: np.ndarray, labels: np.ndarray, epsilon: float, norm: str, substitute: Model | None,
                 seed: int) -> list[Check]:
    """The checks that compare PGD with what should be weaker, and with more of itself. x [N, H, W, C], labels [N]."""
    def fooled(epsilon: float, more: int = 1) -> np.ndarray:
        return pgd(model, x, labels, epsilon=epsilon, norm=norm, steps=more * STEPS, restarts=more, seed=seed).success

    # Half the box: all images can be turned into the same grey one, about which no classifier can be right for all.
    grey = named(norm).size(tf.fill([1, *x.shape[1:]], 0.5)).numpy().item()
    radii = sorted([epsilon / 2, epsilon, 2 * epsilon, max(2 * epsilon, grey)])
    by_radius = [fooled(radius) for radius in radii]
    accuracy = [1 - one.mean() for one in by_radius]
    base = by_radius[1]
    one_step = fgsm(model, x, labels, epsilon=epsilon, norm=norm).success
    more = fooled(epsilon, 2) | base
    noise = _fooled_by_noise(model, x, labels, epsilon, norm, seed)
    checks = [
        _at_most("accuracy falls with epsilon", max(np.diff(accuracy)), SLACK, "largest rise of the accuracy from a radius to "
                 f"the next, of {', '.join(f'{radius:.3g}' for radius in radii)}: the attack gets lost in a larger ball"),
        _at_most("accuracy is 0 at a large epsilon", accuracy[-1], SLACK, f"accuracy at radius {radii[-1]:.3g}, where all images "
                 "can become the same grey one: the attack is broken or has no gradient to follow"),
        _at_most("many steps are as strong as one", one_step.mean() - base.mean(), SLACK, "success of FGSM minus that of PGD: "
                 "the gradient is of no use beyond the first step"),
        _at_most("noise never beats the gradient", (noise & ~base).mean(), SLACK, f"fraction of images that fool with one of "
                 f"{DRAWS} draws of noise in the ball, and not with PGD: the gradient leads away from adversarial images"),
        _at_most("more steps and restarts stop helping", more.mean() - base.mean(), STILL_HELPS,
                 f"fraction of images that 2 restarts of {2 * STEPS} steps fool and 1 of {STEPS} does not: the attack has not "
                 "converged, so the accuracy that it shows is too high")]
    if substitute is not None:
        transferred = pgd(substitute, x, labels, epsilon=epsilon, norm=norm, steps=STEPS, seed=seed).modified
        success = (_says(model, transferred) != labels).mean()
        checks.append(_at_most("white box is as strong as transfer", success - base.mean(), SLACK, "success of the substitute's "
                               "adversarial images minus that of PGD on the model itself: its own gradient is hidden"))
    return checks


def _at_most(name: str, figure: float, limit: float, meaning: str) -> Check:
    """The Check that passes up to the limit."""
    return Check(name, bool(figure <= limit + 1e-6), float(figure), f"{meaning} (if above {limit:g})")


def _logits(probabilities: bool) -> Check:
    """Does the model give logits?"""
    return _at_most("the model gives logits", probabilities, 0, "1 if the outputs are probabilities: attacks take the softmax of "
                    "a softmax, which has hardly a gradient; give networks.without_softmax(model)")


def _gradient(model: Model, x: np.ndarray, labels: np.ndarray) -> Check:
    """Has the loss that most attacks follow, the cross-entropy, a gradient? x [N, H, W, C], labels [N]."""
    gradient = np.concatenate([_of_cross_entropy(model, tf.constant(x[part]), tf.constant(labels[part]))
                               for part in chunks(x)])
    useless = ~np.isfinite(gradient).all(PIXELS) | ~gradient.any(PIXELS)
    return _at_most("the loss has a gradient", useless.mean(), SLACK, "fraction of images where the gradient of the "
                    "cross-entropy is 0 or not finite: a saturated softmax, a rounded value, a stopped gradient")


@tf.function(reduce_retracing=True)
def _of_cross_entropy(model: Model, x: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
    """The gradient of -log p(label) for x [N, H, W, C], of the same shape; labels [N]."""
    with tf.GradientTape() as tape:
        tape.watch(x)
        loss = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, model(x))
    return tape.gradient(loss, x, unconnected_gradients=tf.UnconnectedGradients.ZERO)


def _same_twice(model: Model, x: np.ndarray) -> Check:
    """Does the model give the same answer when asked again? x [N, H, W, C]."""
    first, second = _outputs(model, x), _outputs(model, x)
    difference = np.abs(first - second).max() / np.abs(first).max()
    return _at_most("the same image twice gives the same logits", difference, 1e-4, "largest difference of two runs, divided by "
                    "the largest logit: the model draws random numbers, so attack its mean over many draws (EOT)")


def _fooled_by_noise(model: Model, x: np.ndarray, labels: np.ndarray, epsilon: float, norm: str, seed: int) -> np.ndarray:
    """bool [N]: does one of DRAWS points of the ball around an image fool the model? x [N, H, W, C], labels [N]."""
    draws = [random_in_ball(x.shape[1:], np.float32(epsilon), norm, tf.constant([seed, draw])).numpy() for draw in range(DRAWS)]
    return np.any([_says(model, np.clip(x + noise, 0, 1)) != labels for noise in draws], axis=0)


def _outputs(model: Model, x: np.ndarray) -> np.ndarray:
    """What the model gives for x [N, H, W, C]: [N, classes]."""
    return np.concatenate([np.asarray(model(tf.constant(x[part]))) for part in chunks(x)])


def _says(model: Model, x: np.ndarray) -> np.ndarray:
    """The classes [N] that the model gives to x [N, H, W, C]."""
    return _outputs(model, x).argmax(1)


def _ends_in_softmax(model: Model, x: np.ndarray) -> bool:
    """Are the outputs probabilities? x [N, H, W, C]."""
    outputs = _outputs(model, x)
    return bool(outputs.min() >= 0 and np.allclose(outputs.sum(1), 1, atol=1e-3))
