"""The smallest adversarial perturbation of a small ReLU network, proven: a mixed-integer linear program.

A ReLU network is piecewise linear. With one binary variable for each unit, which says on which piece the unit is, "the image
fools the network" becomes a set of linear inequalities, and a solver (HiGHS, in SciPy) finds the smallest perturbation among
all pieces and proves that no other is smaller. Time grows exponentially with the number of undecided units.
"""
import contextlib
import os
import time
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp

from utils.attacks.inputs import check_inputs, check_numbers
from utils.attacks.intervals import Layer, dense_layers, first_layer, further
from utils.quiet import tf

GAP = 1e-5  # how far the solver may leave the proven bound below the norm, as a fraction of it
SLACK = 1e-3  # the ball is larger than `upper` by this fraction, for the attack's image fools the network in float32


class Minimum(NamedTuple):
    """What is known of the smallest perturbation.

    norm     of the smallest found, in pixel values; infinite where there is none (not even as long as `upper`)
    dx       float64 [H, W, C]: that perturbation; NaN where there is none
    lower    no adversarial perturbation is smaller than this
    proven   whether every program was solved, so that `norm` is the minimum, or there is none up to `lower`
    seconds  how long it took
    """

    norm: float
    dx: np.ndarray
    lower: float
    proven: bool
    seconds: float


def exact_minimum(model: tf.keras.Model, image: np.ndarray, label: int, *, norm: str = "Linf", targeted: bool = False,
                  upper: float = np.inf, time_limit: float = 60.0) -> Minimum:
    """min ||dx||  such that  0 <= image + dx <= 1  and another logit is as high as that of the label.

    model       a Keras Sequential of Flatten, Dense layers with ReLU and a last Dense; some dozens of units
    image       [H, W, C] in [0, 1], with its true label; with `targeted`, the label that the attacker wants
    norm        "Linf" or "L1"
    upper       the norm of an adversarial perturbation that is known. It bounds the units, so that the solver has less to decide
    time_limit  in seconds, for all programs together; the Minimum is then what was found until then, with a valid `lower`

    One program for each wrong class, the one with the highest logit first; each has to beat the best so far. With `targeted`
    one in all. At image + dx two logits are equal, up to the solver's tolerance of about 1e-5, and rounding decides what the
    model says. Tjeng, Xiao and Tedrake 2019, section 4. Raises ValueError for a model of other layers, and for inputs that
    cannot be meant; RuntimeError where the solver itself fails.
    """
    started = time.perf_counter()
    layers, label = _checked(model, image, label, norm, targeted, upper, time_limit)
    x = np.asarray(image, np.float32).ravel().astype(float)
    best, dx, lower, proven = np.inf, np.full(x.size, np.nan), np.inf, True
    for goal in goals(x, layers, label, targeted):
        radius = min(best, (1 + SLACK) * upper)
        seconds = time_limit - (time.perf_counter() - started)
        found, change, bound, solved = smallest_in_ball(x, layers[:-1] + [goal], norm, radius, seconds)
        if found < best:
            best, dx = found, change
        lower, proven = min(lower, bound), proven and solved
    return Minimum(best, dx.reshape(np.shape(image)), min(lower, best), proven, time.perf_counter() - started)


def goals(x: np.ndarray, layers: list[Layer], label: int, targeted: bool) -> list[Layer]:
    """Last layers in the place of the network's own: the image is adversarial if all outputs of one of them are <= 0.

    Untargeted, one for each wrong class, with one output: the label's logit minus that of the class. The class with the
    highest logit comes first. Targeted, one, with an output for each other class: its logit minus that of the wanted label.
    x is the image as a vector [n]; each layer is (kernel [units, outputs], bias [outputs]).
    """
    logits = x
    for kernel, bias in layers:
        logits = np.maximum(logits, 0) @ kernel + bias  # the image is not negative: ReLU leaves it as it is
    kernel, bias = layers[-1]
    others = [other for other in np.argsort(-logits) if other != label]
    differences = kernel[:, [label]] - kernel[:, others], bias[label] - bias[others]  # [units, classes - 1], [classes - 1]
    if targeted:
        return [(-differences[0], -differences[1])]
    return [(differences[0][:, [i]], differences[1][[i]]) for i in range(len(others))]


def smallest_in_ball(x: np.ndarray, layers: list[Layer], norm: str, radius: float,
                     seconds: float) -> tuple[float, np.ndarray | None, float, bool]:
    """The smallest dx [n] in the ball of that radius for which all outputs of the last of `layers` are <= 0, for x [n].

    Returns its norm (infinite, and dx None, if there is none or none was found in time), a lower bound of the
    norm, and whether the program was solved. Raises RuntimeError where the solver itself fails.
    """
    *bounds, (outputs, _) = further(first_layer(x, layers[0], norm, radius), layers[1:])
    if outputs.max() > 0:  # an output is positive in the whole ball
        return np.inf, None, radius, True
    if seconds <= 0:
        return np.inf, None, 0.0, False
    with _silence():
        solution = milp(**program(x, layers, norm, radius, bounds), options={"time_limit": seconds, "mip_rel_gap": GAP})
    if solution.status not in (0, 1, 2):  # solved, out of time, infeasible
        raise RuntimeError(f"The solver stopped: {solution.message}")
    if solution.status == 2:
        return np.inf, None, radius, True
    lower = max(solution.mip_dual_bound or 0.0, 0.0)
    if solution.x is None:
        return np.inf, None, lower, False
    rises, falls = solution.x[:x.size], solution.x[x.size:2 * x.size]
    return solution.fun, rises - falls, lower, solution.status == 0


def program(x: np.ndarray, layers: list[Layer], norm: str, radius: float, bounds: list) -> dict:
    """The arguments of `milp` for the smallest dx with outputs <= 0.

    bounds  those of the pre-activations of each hidden layer, from `intervals`

    The variables are, in this order: how much each pixel rises and falls, both [n]; the norm; for each hidden layer its
    activations and its switches, 1 where a unit is active. A row of the matrices below is a linear function of all of them.
    """
    hidden = [bias.size for _, bias in layers[:-1]]
    sizes = [x.size, x.size, 1, *np.repeat(hidden, 2)]
    rises, falls, length, *units = np.split(np.eye(sum(sizes)), np.cumsum(sizes)[:-1])  # each picks its own variables
    lowest, highest, whole = np.zeros(sum(sizes)), np.full(sum(sizes), np.inf), np.zeros(sum(sizes))
    highest[:2 * x.size + 1] = np.minimum(np.concatenate([1 - x, x, [np.inf]]), radius)

    # The norm is at least the change of each pixel (Linf), or the sum of all changes (L1).
    changes = rises + falls
    rows = [(changes if norm == "Linf" else changes.sum(0, keepdims=True)) - length]
    most = [np.zeros(len(rows[0]))]  # rows @ variables <= most
    inputs, constant = rises - falls, x  # of a layer: inputs @ variables + constant
    for (kernel, bias), (lower, upper), activation, switch in zip(layers, bounds, units[::2], units[1::2]):
        z, constant = kernel.T @ inputs, constant @ kernel + bias  # the pre-activations, z @ variables + constant
        lower, upper = np.minimum(lower, 0), np.maximum(upper, 0)
        # activation = max(z, 0): at least z, and at least 0 by its bounds; at most z if the switch is 1, at most 0 if it is 0.
        rows += [z - activation, activation - z - lower[:, None] * switch, activation - upper[:, None] * switch]
        most += [-constant, constant - lower, np.zeros(bias.size)]
        places, switches = activation.argmax(1), switch.argmax(1)
        highest[places], lowest[switches], highest[switches], whole[switches] = upper, lower == 0, upper > 0, 1
        inputs, constant = activation, np.zeros(bias.size)
    kernel, bias = layers[-1]
    rows.append(kernel.T @ inputs)
    most.append(-(constant @ kernel + bias))
    return {"c": length[0], "integrality": whole, "bounds": Bounds(lowest, highest),
            "constraints": LinearConstraint(np.concatenate(rows), -np.inf, np.concatenate(most))}


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Nothing goes to standard output: HiGHS 1.12 leaves a line of its own debugging there, whatever its options say."""
    kept, silence = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
        os.close(silence)


def _checked(model: tf.keras.Model, image: np.ndarray, label: int, norm: str, targeted: bool, upper: float,
             time_limit: float) -> tuple[list[Layer], int]:
    """The model's dense layers and the label, or ValueError with one sentence that says what is wrong."""
    layers = dense_layers(model)
    if np.ndim(image) != 3:
        raise ValueError(f"The image has shape {list(np.shape(image))}, expected [H, W, C]: give one image, as x[0].")
    if np.size(image) != len(layers[0][0]):
        raise ValueError(f"The image has {np.size(image)} values, but the network takes {len(layers[0][0])}.")
    check_inputs(model, np.asarray(image)[None], np.array([label]), targeted)
    if norm not in ("L1", "Linf"):
        raise ValueError(f"The norm is {norm!r}, expected 'L1' or 'Linf': others are not linear in the pixels.")
    check_numbers(time_limit=time_limit, upper=None if upper == np.inf else upper)
    if upper < 0 or time_limit <= 0:
        raise ValueError(f"upper is {upper:g} and time_limit {time_limit:g}: expected a norm, 0 or more, and seconds above 0.")
    return layers, int(label)
