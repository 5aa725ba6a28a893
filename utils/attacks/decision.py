"""An attack that sees labels only and needs no substitute: it walks along the decision boundary towards the image."""
import numpy as np

from utils.attacks.classical import Labels
from utils.attacks.norms import NORMS, PIXELS
from utils.attacks.result import Result
from utils.quiet import tf


def hop_skip_jump(black_box: Labels, x: np.ndarray, labels: np.ndarray, *, starts: np.ndarray, steps: int = 10,
                  directions: int = 100, seed: int = 0) -> Result:
    """A small dx, in L2, for which the black box gives x + dx another label than `labels`, from its answers alone.

    black_box   images [N, H, W, C] in [0, 1] -> labels [N]
    x, labels   images [N, H, W, C] in [0, 1] and the labels [N] that the black box gives them
    starts      [M, H, W, C] in [0, 1], images of the attacker: each x starts from the nearest one with another answer
    steps       each: estimate the gradient, jump, and go back to the boundary on the line to x
    directions  random ones, asked about in the first step; in step t sqrt(t) times as many

    Chen, Jordan and Wainwright 2020, algorithms 1 and 2 for L2 (HopSkipJump). At a point on the boundary, the share of random
    directions after which the answer is still another one than the label grows with the direction: their mean, weighted with +1
    and -1, estimates the direction of the gradient of the margin. The length of the jump is ||dx|| / sqrt(t), halved until the
    answer is wrong.

    The Result's history has for 0, .., steps "queries", the mean over the images so far, and "L2", the median of the smallest dx
    so far. Raises ValueError if the black box gives an image another label than `labels`, or no start has another label.
    """
    x, labels, starts = np.asarray(x, np.float32), np.asarray(labels), np.asarray(starts, np.float32)
    if not np.array_equal(black_box(x), labels):
        raise ValueError("The black box gives some images other labels than `labels`: leave out those that it gets wrong.")
    random, n, values = np.random.default_rng(seed), len(x), x[0].size
    threshold = values**-1.5  # how exactly the boundary is met, as a share of the line
    point = _bisected(black_box, x, labels, _nearest_starts(black_box, x, labels, starts), threshold)
    bisections = int(np.ceil(np.log2(1 / threshold)))
    queries, best = np.full(n, 1 + len(starts) / n + bisections), point
    followed = [(queries.mean(), np.median(_length(best - x)))]
    for t in range(1, steps + 1):
        count, length = int(directions * np.sqrt(t)), _length(point - x)
        gradient = _estimated(black_box, point, labels, length / values, count, random)
        jumped, tries = _jumped(black_box, point, labels, gradient, length / np.sqrt(t))
        point = _bisected(black_box, x, labels, jumped, threshold)
        queries += count + tries + bisections
        best = np.where(_each(_length(point - x) < _length(best - x)), point, best)
        followed.append((queries.mean(), np.median(_length(best - x))))
    dx = best - x
    sizes = {name: norm.size(tf.constant(dx)).numpy() for name, norm in NORMS.items()}
    history = dict(zip(("queries", "L2"), np.transpose(followed)))
    return Result(dx, best, black_box(best) != labels, {"L0": np.count_nonzero(dx, PIXELS)} | sizes, history)


def _length(dx: np.ndarray) -> np.ndarray:
    """The L2 norm [N] of dx [N, H, W, C]."""
    return np.sqrt(np.sum(dx**2, PIXELS))


def _each(numbers: np.ndarray) -> np.ndarray:
    """Numbers [N] as [N, 1, 1, 1]."""
    return numbers[:, None, None, None]


def _nearest_starts(black_box: Labels, x: np.ndarray, labels: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """For each image x [N, H, W, C] the nearest of `starts` whose answer is another one than its label."""
    answers = black_box(starts)
    distance = np.stack([_length(image - starts) for image in x])  # [N, M]
    distance = np.where(answers[None] != labels[:, None], distance, np.inf)
    if not np.isfinite(distance.min(1)).all():
        raise ValueError("No start has another label than some of the images: give start images of two classes or more.")
    return starts[distance.argmin(1)]


def _bisected(black_box: Labels, x: np.ndarray, labels: np.ndarray, wrong: np.ndarray, threshold: float) -> np.ndarray:
    """The point on the line from x to `wrong`, both [N, H, W, C], just behind the boundary: its answer is wrong, too."""
    low, high = np.zeros(len(x), np.float32), np.ones(len(x), np.float32)
    for _ in range(int(np.ceil(np.log2(1 / threshold)))):
        middle = (low + high) / 2
        is_wrong = black_box(x + _each(middle) * (wrong - x)) != labels
        low, high = np.where(is_wrong, low, middle), np.where(is_wrong, middle, high)
    return np.clip(x + _each(high) * (wrong - x), 0, 1)


def _estimated(black_box: Labels, point: np.ndarray, labels: np.ndarray, radius: np.ndarray, count: int,
               random: np.random.Generator) -> np.ndarray:
    """The direction [N, H, W, C], of length 1, into the region of wrong answers; `count` queries at a distance of radius [N].

    One image at a time, so that memory does not grow with N.
    """
    gradient = np.empty_like(point)
    for i, (one, label) in enumerate(zip(point, labels)):
        u = random.normal(size=[count, *one.shape]).astype(np.float32)
        u /= np.sqrt(np.sum(u**2, PIXELS, keepdims=True))
        asked = np.clip(one + radius[i] * u, 0, 1)
        signs = np.where(black_box(asked) != label, 1.0, -1.0)
        weights = signs if np.abs(signs.mean()) == 1 else signs - signs.mean()  # less variance
        gradient[i] = np.einsum("b,bhwc->hwc", weights.astype(np.float32), asked - one)
    return gradient / _each(np.maximum(_length(gradient), 1e-12))


def _jumped(black_box: Labels, point: np.ndarray, labels: np.ndarray, direction: np.ndarray,
            size: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """`point` moved along `direction`, by `size` [N] halved until the answer is wrong; and how many were asked about, [N]."""
    jumped, tries, open_ = point.copy(), np.zeros(len(point)), np.arange(len(point))
    for _ in range(20):  # after that the point stays
        candidates = np.clip(point[open_] + _each(size[open_]) * direction[open_], 0, 1).astype(np.float32)
        tries[open_] += 1
        is_wrong = black_box(candidates) != labels[open_]
        jumped[open_[is_wrong]] = candidates[is_wrong]
        open_ = open_[~is_wrong]
        if not len(open_):
            break
        size = size / 2
    return jumped, tries
