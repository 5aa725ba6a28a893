"""The smallest perturbation that fools the model, for each image and each of four norms."""
import numpy as np

from utils.attacks import norms
from utils.attacks.descent import CLEAR, each, falling, margin_and_gradient, shortened, size
from utils.attacks.inputs import Model, check_inputs, check_numbers, chunks, warn_without_gradient
from utils.attacks.losses import margin, without_label
from utils.attacks.minimal_l0 import fewest_values, with_exchanges
from utils.attacks.projection import onto_boundary
from utils.attacks.result import Result, judged
from utils.quiet import tf

# The settings of `smallest_towards` for its two uses, the best of a few that were tried on 100 digits in L2:
#   blend    how far dx goes towards the projection, in the first step and in the last one
#   inertia  the part of the last step that is made again: dx crosses small valleys, as with momentum in training
#   memory   of the running mean of gradients, as the gradient of a ReLU network jumps from step to step
#   beyond   the linearised boundary is taken behind the true one, by `beyond` times the first margin: the start of that, and
#            its change while the model is fooled. It grows by GROW while it is not, as the weight of the penalty in `dx_attack`
EXPLORE = {"blend": (0.3, 0.05), "inertia": 0.7, "memory": 0.0, "beyond": (1.0, 0.9)}
REFINE = {"blend": (0.5, 0.02), "inertia": 0.0, "memory": 0.9, "beyond": (0.01, 0.8)}
GROW = 1.5
SETTLE = 2  # times the steps of a search has the one that refines
STEPS = {"L0": 40, "L1": 40, "L2": 75, "Linf": 75}
# For each image. Three from FAR made the median on other, adversarially trained digits 7 % smaller (L2; L1: 16 %) than none;
# with two, which the three classes of `minimal` leave, it is 1 % larger (L2) than with three.
SEARCHES = 5
FAR = 3.0  # where a search starts that does not start at x, in lengths (L2) of the smallest dx so far; 1 gained less than half
MOST_LIKELY = 10  # classes whose boundary may be the nearest


def minimal(model: Model, x: np.ndarray, labels: np.ndarray, *, norm: str = "L2", targeted: bool = False,
            steps: int | None = None, classes: int = 3) -> Result:
    """The smallest dx, by `norm`, for which the model is fooled by x + dx and 0 <= x + dx <= 1, for each image x.

    model   images [N, H, W, C] in [0, 1] -> logits [N, classes]
    x       images [N, H, W, C] in [0, 1]
    labels  [N]: the true labels; with `targeted`, the wrong ones that the attacker wants
    norm    "L0" (the number of values that change), "L1", "L2" or "Linf"
    steps   gradients for each image and search, of which there are SEARCHES, and SETTLE times as many to refine; L0 takes about
            12 times as many in all. By default 75 in L2 and Linf, else 40. With 1 no search tests where its step ended
    classes how many of the wrong classes are tried, the nearest first: the boundary to each has a nearest point of its own

    1. For each class: linearise the margin at x + dx, find the smallest step from x onto that plane inside the box
       (`onto_boundary`, exact), and go there by a part of the way that falls on a cosine (Croce and Hein 2020, section 3).
       With inertia, and from behind the boundary, so that dx passes by small valleys. Then the same from random places, for
       the class with the smallest dx so far: a network's boundary has many nearest points.
    2. From the smallest dx, without inertia and with a mean of gradients: dx settles.
    3. The smallest dx that was met, shortened on the line to x.
    L0 has a search of its own (`fewest`). On a linear model the answer is exact but for CLEAR. An image that fools the model
    already gets dx = 0. Where the gradient vanishes or is not finite, dx takes random steps, and a warning says for how many
    images that did not help; without success, dx is the last one. Raises ValueError for inputs that cannot be meant (see
    `inputs.check_inputs`).
    """
    x, labels = check_inputs(model, x, labels, targeted)
    if norm not in STEPS:
        raise ValueError(f"There is no norm {norm!r}: choose one of {', '.join(map(repr, STEPS))}.")
    steps = STEPS[norm] if steps is None else steps
    check_numbers(steps=steps)
    if steps < 1 or classes < 1:
        raise ValueError(f"steps is {steps} and classes {classes}: expected 1 or more of each.")
    found = [_of_chunk(model, tf.constant(x[part]), tf.constant(labels[part]), targeted, norm, steps, classes)
             for part in chunks(x)]
    dx, blind = (np.concatenate(arrays) for arrays in zip(*found))
    result = judged(model, x, dx, labels, targeted, {})
    warn_without_gradient(blind & ~result.success)
    return result


def _of_chunk(model: Model, x: tf.Tensor, labels: tf.Tensor, targeted: bool, norm: str, steps: int,
              classes: int) -> tuple[np.ndarray, np.ndarray]:
    """`minimal` for images of one batch: dx [N, H, W, C], and whether the gradient vanished on the way, [N]."""
    wanted = labels[:, None] if targeted else nearest_classes(model, x, labels, norm)[:, :classes]
    steps = tf.constant(steps)
    if norm == "L0":
        best, blind = fewest(model, x, labels, targeted, wanted, steps)
    else:
        best, blind = smallest(model, x, wanted, norm, steps)
    already = margin(model(x), labels, targeted) < 0
    return tf.where(each(already), 0.0, best).numpy(), blind.numpy()


@tf.function(reduce_retracing=True)
def nearest_classes(model: Model, x: tf.Tensor, labels: tf.Tensor, norm: str) -> tf.Tensor:
    """The wrong classes of each image, the nearest boundary first, int64 [N, at most MOST_LIKELY].

    By the distance of the linearised margin inside the box: DeepFool's choice (Moosavi-Dezfooli et al. 2016, equation 8), with
    the box. Only the MOST_LIKELY classes are looked at: each takes a gradient.
    """
    logits = model(x)
    count = min(MOST_LIKELY, logits.shape[1] - 1)
    others = tf.argsort(without_label(logits, labels), direction="DESCENDING")[:, :count]
    distances = tf.TensorArray(tf.float32, size=count)
    for j in tf.range(count):
        distance, gradient, _ = margin_and_gradient(model, x, tf.zeros_like(x), others[:, j], 0)
        distances = distances.write(j, size(onto_boundary(x, gradient, -distance, norm), norm))
    order = tf.argsort(tf.transpose(distances.stack()), stable=True)
    return tf.gather(others, order, batch_dims=1)


def smallest(model: Model, x: tf.Tensor, wanted: tf.Tensor, norm: str, steps: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Steps 1 to 3 of `minimal`, over the classes `wanted` [N, K]: dx [N, H, W, C], and whether the gradient vanished, [N]."""
    best, best_size, towards = tf.zeros_like(x), tf.fill([len(x)], np.inf), wanted[:, 0]
    blind = tf.zeros([len(x)], tf.bool)
    for j in range(max(SEARCHES, wanted.shape[1])):
        aim, start = (wanted[:, j], tf.zeros_like(x)) if j < wanted.shape[1] else (towards, somewhere(x, best, j))
        dx, of_dx, stuck = smallest_towards(model, x, aim, start, norm, steps, **EXPLORE)
        better, blind = (of_dx < best_size) | (j == 0), blind | stuck
        best, best_size = tf.where(each(better), dx, best), tf.minimum(best_size, of_dx)
        towards = tf.where(better, aim, towards)
    dx, of_dx, stuck = smallest_towards(model, x, towards, best, norm, SETTLE * steps, **REFINE)
    short = shortened(model, x, dx, towards, True)
    return tf.where(each(tf.math.is_finite(of_dx)), short, dx), blind | stuck


def fewest(model: Model, x: tf.Tensor, labels: tf.Tensor, targeted: bool, wanted: tf.Tensor,
           steps: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The same in L0, dx [N, H, W, C] and [N]: the local search from two places, what `fewest_values` finds and the smallest in
    L1, which has few values too. Each is the better one on many images.
    """
    found, blind = zip(fewest_values(model, x, labels, targeted, wanted[:, 0], steps),
                       smallest(model, x, wanted, "L1", steps // 2))
    one, two = (with_exchanges(model, x, labels, targeted, dx, tf.maximum(1, steps // 2)) for dx in found)
    count_one, count_two = (tf.where(margin(model(x + dx), labels, targeted) < 0, size(dx, "L0"), np.inf) for dx in (one, two))
    return tf.where(each(count_two < count_one), two, one), blind[0] | blind[1]


def somewhere(x: tf.Tensor, dx: tf.Tensor, seed: int) -> tf.Tensor:
    """Noise [N, H, W, C] whose L2 norm is about FAR times that of dx, cut off at the box; the same direction for all images."""
    noise = tf.random.stateless_normal(tf.shape(x)[1:], seed=[2, seed]) / np.sqrt(np.prod(x.shape[1:]))
    return tf.clip_by_value(x + FAR * each(norms.euclidean(dx)) * noise, 0.0, 1.0) - x


@tf.function(reduce_retracing=True)
def smallest_towards(model: Model, x: tf.Tensor, wanted: tf.Tensor, dx: tf.Tensor, norm: str, steps: tf.Tensor,
                     blend: tuple[float, float], inertia: float, memory: float,
                     beyond: tuple[float, float]) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """The search of `minimal` for L1, L2 and Linf, from dx: the smallest that leads to the class `wanted`, or the last one,
    [N, H, W, C]; its size, infinite without success, and whether the gradient vanished on the way, each [N].
    """
    first = margin(model(x), wanted, True)
    best = mean = move = tf.zeros_like(x)
    best_size, blind = tf.fill(tf.shape(first), np.inf), first < -np.inf
    behind = tf.fill(tf.shape(first), beyond[0])
    for step in tf.range(steps):
        distance, gradient, stuck = margin_and_gradient(model, x, dx, wanted, step)
        fooled, of_dx = distance < -CLEAR * tf.abs(first), size(dx, norm)
        better, blind = fooled & (of_dx < best_size), blind | stuck
        best, best_size = tf.where(each(better), dx, best), tf.where(better, of_dx, best_size)
        behind = tf.clip_by_value(behind * tf.where(fooled, beyond[1], GROW), CLEAR, 1.0)
        mean = memory * mean + (1 - memory) * gradient
        plane = mean / (1 - memory ** tf.cast(step + 1, tf.float32))
        change = tf.reduce_sum(plane * dx, norms.PIXELS) - distance - behind * tf.abs(first)
        move = inertia * move + falling(step, steps, *blend) * (onto_boundary(x, plane, change, norm) - dx)
        dx = tf.clip_by_value(x + dx + move, 0.0, 1.0) - x
    return tf.where(each(tf.math.is_finite(best_size)), best, dx), best_size, blind
