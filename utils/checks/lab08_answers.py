"""What tasks 4, 6 and 7 of lab 08 must give, and what well-known mistakes give."""
from collections.abc import Callable
from functools import partial

import numpy as np
from scipy.special import softmax
from scipy.stats import beta, norm

Wrong = list[tuple[str, Callable[[], np.ndarray]]]  # (sentence, function that gives the wrong values)
Layers = list[tuple[np.ndarray, np.ndarray]]  # (W [inputs, outputs], b [outputs])
LOSSES = {"softmax": "Softmax is applied twice: this cross-entropy takes the logits as they are.",  # kind of `pull`: what it says
          "probabilities": "The cross-entropy takes the logits for probabilities: Keras's needs from_logits=True."}


def part_of(mistakes: Wrong, part: int) -> Wrong:
    """The mistakes in one of the values that belong together."""
    return [(sentence, lambda wrong=wrong: wrong()[part]) for sentence, wrong in mistakes]


def pull(z: np.ndarray, y: np.ndarray, kind: str = "logits") -> np.ndarray:
    """The gradient of the sum of the cross-entropies with respect to the logits z [N, classes], for labels y [N].

    kind  "softmax": softmax is applied before; "probabilities": the logits are taken for probabilities, as Keras takes them
    """
    one, p = np.eye(z.shape[1])[y], softmax(z, 1)
    if kind == "softmax":
        outer = softmax(p, 1) - one
        return p * (outer - np.sum(p * outer, 1, keepdims=True))
    if kind == "probabilities":
        c = np.clip(z, 1e-7, 1 - 1e-7)
        return (c / c.sum(1, keepdims=True) - one) / c * (c == z)
    return p - one


def step(x: np.ndarray, labels: np.ndarray, start: np.ndarray, epsilon: float, size: float, a: np.ndarray, b: np.ndarray,
         rate: float) -> tuple[tuple[np.ndarray, Wrong], tuple[np.ndarray, Wrong]]:
    """The attacked images of x [N, H, W, 1] and the weights after a step, in one row, each with the mistakes; task 4.

    The network is tanh(images @ a) @ b. `rate` is that of gradient descent, for the sum of the cross-entropies.
    """
    n, around = len(x), np.clip(x + start, 0, 1)

    def hidden(images: np.ndarray) -> np.ndarray:
        return np.tanh(images.reshape(n, -1) @ a)

    def slopes(images: np.ndarray, y: np.ndarray = labels, kind: str = "logits") -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The gradient of the sum of the cross-entropies for the images, a and b."""
        h = hidden(images)
        out = pull(h @ b, y, kind)
        inner = out @ b.T * (1 - h**2)
        return (inner @ a.T).reshape(images.shape), images.reshape(n, -1).T @ inner, h.T @ out

    def attack(first: np.ndarray = around, at: np.ndarray | None = None, size: float = size,
               move: Callable = np.sign, kind: str = "logits",
               ball: Callable = lambda images: np.clip(images, x - epsilon, x + epsilon),
               box: Callable = lambda images: np.clip(images, 0, 1)) -> np.ndarray:
        return box(ball(first + size * move(slopes(first if at is None else at, kind=kind)[0])))

    def weights(images: np.ndarray = attack(), y: np.ndarray = labels, rate: float = rate,
                kind: str = "logits") -> np.ndarray:
        return np.concatenate([np.ravel(w - rate * slope) for w, slope in zip((a, b), slopes(images, y, kind)[1:])])

    both = "The loss is that of clean and attacked images together: train on the attacked ones alone."
    return (attack(), [
        ("These are the attacked images without the random start: the step begins at x + start.", partial(attack, x)),
        ("The start leaves the box before the gradient is taken: clip x + start to [0, 1].", partial(attack, x + start)),
        ("The step begins at x, expected at the start: it is X0 + step_size sign(g).", partial(attack, x, at=around)),
        *[(sentence, partial(attack, kind=kind)) for kind, sentence in LOSSES.items()],
        ("The gradient is taken at x, expected at the start, x + start.", partial(attack, at=x)),
        ("The images are farther than epsilon from x: after the step clip to [x - epsilon, x + epsilon].",
         partial(attack, ball=lambda images: images)),
        ("The ball is around x + start, expected around x.",
         partial(attack, ball=lambda images: np.clip(images, around - epsilon, around + epsilon))),
        ("The images leave the box: clip them to [0, 1] after the step.", partial(attack, box=lambda images: images)),
        ("The step is epsilon long, expected step_size.", partial(attack, size=epsilon)),
        ("The step lowers the loss: the attack raises it.", partial(attack, move=lambda g: -np.sign(g))),
        ("The sign is missing: the step is step_size times the sign of the gradient.", partial(attack, move=lambda g: g)),
        ("The sign is missing, and the loss is averaged.", partial(attack, move=lambda g: g / n)),
        ("A value whose gradient is 0 moves: its sign is 0, so it stays.",
         partial(attack, move=lambda g: np.where(g > 0, 1, -1))),
        ("A value whose gradient is 0 moves: its sign is 0, so it stays.",
         partial(attack, move=lambda g: np.where(g < 0, -1, 1))),
        ("These are the images at the start, expected those after the step.", lambda: around),
        ("These are the clean images, expected the attacked ones.", lambda: x),
        ("This is DX, expected the attacked images x + DX.", lambda: attack() - x)]), (weights(), [
            ("The weights are as before: optimizer.apply(gradients, model.trainable_variables) changes them.",
             partial(weights, rate=0)),
            ("The loss is that of the clean images: train on the attacked ones.", partial(weights, x)),
            ("The loss is that of the images at the random start: train on those after the step.", partial(weights, around)),
            (both, lambda: (weights() + weights(x)) / 2), (both, lambda: weights() + weights(x) - weights(rate=0)),
            *[(sentence, partial(weights, kind=kind)) for kind, sentence in LOSSES.items()],
            ("The losses are added up, expected their mean over the batch.", partial(weights, rate=n * rate)),
            ("The weights go up the gradient: an optimizer subtracts it by itself.", partial(weights, rate=-rate)),
            ("The weights make two steps, expected one.", partial(weights, rate=2 * rate)),
            ("The labels are those that the network predicts, expected the true ones.",
             lambda: weights(y=(hidden(attack()) @ b).argmax(1)))])


def radii(first: np.ndarray, second: np.ndarray, sigma: float, alpha: float) -> tuple[np.ndarray, Wrong]:
    """Classes and radii, [2, N], and the mistakes, for counts [N, classes] whose rows have the same sum; task 6."""
    rows, place, winner = np.arange(len(first)), first.argmax(1), second.argmax(1)
    k, n, few = second[rows, place], second[0].sum(), first[0].sum()

    def certified(k: np.ndarray = k, n: int = n, bound: Callable = lambda k, n: np.where(
            k > 0, beta.ppf(alpha, np.maximum(k, 1), n - k + 1), 0), far: Callable = lambda p: sigma * norm.ppf(p),
                  chosen: np.ndarray = place) -> np.ndarray:
        low = bound(k, n)
        return np.stack([np.where(low > 0.5, chosen, -1), np.where(low > 0.5, far(np.clip(low, 0.5, 1 - 1e-12)), 0)])

    def end(q: float, extra: int = 0) -> Callable:
        return lambda k, n: np.where(k + extra > 0, np.where(k < n + 1 - extra, beta.ppf(
            q, np.maximum(k + extra, 1), np.maximum(n - k + 1 - extra, 1)), 1), 0)

    def without_rest(p: np.ndarray) -> np.ndarray:
        return sigma * norm.ppf(np.clip(p, 1e-12, 1))

    low, right = end(alpha)(k, n), certified()
    by_share, z = np.where(k / n > 0.5, place, -1), norm.ppf(1 - alpha)
    abstains = "It abstains by k / n, not by the lower bound: at 1/2 the bound decides."
    upper = "This is the upper bound: the probability may be lower, and then the certificate does not hold. Take the other end."
    return right, [
        ("sigma is left out: the radius is sigma times the quantile.", partial(certified, far=norm.ppf)),
        ("sigma is squared: the radius is sigma times the quantile.", partial(certified, far=lambda p: sigma**2 * norm.ppf(p))),
        ("The bound is that of a two-sided interval, with alpha / 2 at each end. Only the lower end counts: it has all of alpha.",
         partial(certified, bound=end(alpha / 2))),
        (abstains, lambda: np.stack([by_share, right[1]])),
        (abstains, lambda: np.stack([by_share, np.where(by_share >= 0, without_rest(low), 0)])),
        (upper, partial(certified, bound=end(1 - alpha))), (upper, partial(certified, bound=end(1 - alpha, 1))),
        ("The share k / n of the sample is taken for the probability: use its lower bound at confidence 1 - alpha.",
         partial(certified, bound=lambda k, n: k / n)),
        ("This is the normal approximation of the bound (Wald's), which is too high near 1: use Clopper and Pearson's.",
         partial(certified, bound=lambda k, n: k / n - z * np.sqrt(k / n * (1 - k / n) / n))),
        ("This is Phi, expected its inverse: norm.ppf, not norm.cdf.",
         partial(certified, far=lambda p: sigma * norm.cdf(p))),
        ("A bound of 1/2 or less gives no class and no radius: class -1, radius 0.",
         lambda: np.stack([place, without_rest(low)])),
        ("The class is that of the second sample. Chosen and counted in the same draws, it looks too good: choose it by `first`.",
         partial(certified, second.max(1), chosen=winner)),
        ("The beta distribution has k + 1 and n - k, the parameters of the upper bound: those of the lower are k and n - k + 1.",
         partial(certified, bound=lambda k, n: np.where(k < n, beta.ppf(alpha, k + 1, np.maximum(n - k, 1)), 0))),
        ("Both samples are counted together: choose by `first`, count in `second` alone.",
         partial(certified, (first + second)[rows, place], n + few)),
        ("The counts are those of the first sample, expected those of the second.", partial(certified, first[rows, place], few))]


def bounds(x: np.ndarray, epsilon: float, layers: Layers) -> tuple[np.ndarray, Wrong]:
    """Low and high of the logits, [2, N, classes], for images x [N, D], and the mistakes; task 7."""
    def through(centre: Callable = lambda m, r, w: m @ w, radius: Callable = lambda m, r, w: r @ np.abs(w),
                bias: Callable = lambda b: (b, 0), relu: Callable = lambda v: np.maximum(v, 0),
                begin: Callable = lambda v: np.clip(v, 0, 1), end: Callable = lambda v: v, size: float = epsilon) -> np.ndarray:
        low, high = begin(x - size), begin(x + size)
        for number, (w, b) in enumerate(layers):
            low, high = (relu(low), relu(high)) if number else (low, high)
            given = (low + high) / 2, (high - low) / 2, w
            middle, reach = centre(*given) + bias(b)[0], radius(*given) + bias(b)[1]
            low, high = middle - reach, middle + reach
        return np.stack([end(low), end(high)])

    return through(), [(sentence, partial(through, **changed)) for sentence, changed in (
        ("The bounds are multiplied by W as they are: a negative weight swaps low and high. The radius goes with |W|.",
         {"radius": lambda m, r, w: r @ w}),
        ("Centre and radius are swapped: the centre (low + high) / 2 goes with W and b, the radius (high - low) / 2 with |W|.",
         {"centre": lambda m, r, w: r @ w, "radius": lambda m, r, w: m @ np.abs(w)}),
        ("The bounds are multiplied by |W|: the centre goes with W itself, the radius alone with |W|.",
         {"centre": lambda m, r, w: m @ np.abs(w)}),
        ("The radius is high - low, expected half of it.", {"radius": lambda m, r, w: 2 * r @ np.abs(w)}),
        ("The bias is in the radius: it moves the centre only.", {"bias": lambda b: (0, b)}),
        ("The bias is missing.", {"bias": lambda b: (0, 0)}), ("There is no ReLU between the layers.", {"relu": lambda v: v}),
        ("A ReLU stands behind the last layer too: the logits have none.", {"end": lambda v: np.maximum(v, 0)}),
        ("The first bounds leave the box: pixels stay in [0, 1], so clip x - epsilon and x + epsilon.", {"begin": lambda v: v}),
        ("The images move by epsilon / 2, expected epsilon to each side.", {"size": epsilon / 2}))]


def proofs(low: np.ndarray, high: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, Wrong]:
    """Which of N images are proven, 0 or 1 each, for bounds [N, classes], and the mistakes; task 7."""
    own = np.eye(low.shape[1], dtype=bool)[labels]
    lowest, rest = low[own], np.where(own, -np.inf, high).max(1)
    first = np.eye(low.shape[1], dtype=bool)[low.argmax(1)]
    return 1.0 * (lowest > rest), [(sentence, lambda wrong=wrong: 1.0 * wrong) for sentence, wrong in (
        ("proven has the label's upper bound: the worst case for the label is its lower bound.", high[own] > rest),
        ("The label's lower bound is compared with the others' lower bounds: in the worst case they are at their upper bounds.",
         lowest > np.where(own, -np.inf, low).max(1)),
        ("The label's own upper bound is left out as 0 or -1, which can be above the others' bounds: use minus infinity.",
         lowest > np.where(own, -1, high).max(1)),
        ("The label's lower bound is compared with all upper bounds, its own among them: leave that one out.",
         lowest > high.max(1)),
        ("proven is about the class with the highest lower bound, expected about the label.",
         low.max(1) > np.where(first, -np.inf, high).max(1)),
        ("One class that cannot win is not enough: the label must beat all others.", lowest > np.where(own, np.inf, high).min(1)),
        ("The middles of the bounds are compared, expected low of the label with high of the others.",
         (low + high).argmax(1) == labels))]
