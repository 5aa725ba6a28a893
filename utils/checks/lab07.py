"""The checks of lab 07: attacks from one step along the gradient to the reading of a benchmark."""
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit, softmax

from utils import other_versions_names
from utils.attacks.inputs import Model
from utils.checks import call, check, equal, require, results, seeded, shaped, slips, written_out
from utils.quiet import tf

__getattr__ = other_versions_names(__name__)

SLACK = 0.05  # of the images: by so much the accuracies of task 7 may differ without a rule being broken
ROUNDING = 0.01  # and by so much the logits of the same images
TAPE = (("attribute 'predict'", "Call the model itself, model(x): predict gives an array, which has no gradient."),
        ("a tuple of 2 unique integers", "tf.norm takes two axes at most: take the sum of the squares over the axes 1, 2 and "
                                         "3, and its root."),
        ("must equal `logits.shape", "The labels come first, then the logits: are they exchanged?"),
        *slips.tape("the tape cannot follow the computation from the images to the loss. Call tape.watch on the images, and "
                    "compute everything inside `with`, using TensorFlow's functions."))
IMAGE = (1, 2, 3)  # the axes of one image


def _boxed(x: np.ndarray, dx: np.ndarray) -> np.ndarray:
    return np.clip(x + dx, 0, 1) - x


def _total(values: np.ndarray) -> np.ndarray:
    """The sum over each image, [N, 1, 1, 1]."""
    return np.sum(values, IMAGE, keepdims=True)


def _step(g: np.ndarray, norm: str) -> np.ndarray:
    """The step of size 1 along gradients g [N, H, W, C]."""
    return np.sign(g) if norm == "Linf" else g / np.sqrt(_total(g**2))


def _other_steps(g: np.ndarray) -> dict[str, dict[str, np.ndarray]]:
    """{norm: {what is wrong: the step}} along gradients g [N, H, W, C], of 40 values each."""
    length = np.sqrt(_total(g**2))
    return {
        "Linf": {"The gradient is divided by its largest value, expected its sign": g / np.abs(g).max(IMAGE, keepdims=True),
                 "A value without influence moves. Where the gradient is 0, its sign is 0 too, so the value stays":
                 np.where(g > 0, 1, -1)},
        "L2": {"The length is that of the whole batch. Divide the gradient of each image by its own length":
               g / np.sqrt(np.sum(g**2)),
               "The gradient is divided by the square of its length: take the root": g / length**2,
               "The gradient is divided by the root of its mean square. Divide by the root of the sum of the squares":
               np.sqrt(40) * g / length,
               "The length is that of each pixel's channels. Take the sum of the squares over the axes 1, 2 and 3":
               g / np.linalg.norm(g, axis=3, keepdims=True).clip(1e-12),
               "The length is that of each channel. Take the sum of the squares over the axes 1, 2 and 3":
               g / np.sqrt(np.sum(g**2, (1, 2), keepdims=True)),
               "It is the sign, divided by its length. Divide the gradient itself": np.sign(g) / np.sqrt(_total(np.sign(g) ** 2)),
               "The gradient is divided by the sum of its absolute values. Divide by its L2 length": g / _total(np.abs(g))}}


@check
def fast(function: Callable) -> None:
    """Task 1: on logits that are linear in the image, whose gradient is known; two values have no influence. And the example."""
    rng, shape = seeded(1), (3, 5, 4, 2)  # no two lengths are equal: a sum over a wrong axis does not fit, or is another
    x, w = rng.uniform(0, 1, shape).astype(np.float32), rng.normal(scale=0.4, size=[40, 6]).astype(np.float32)
    w[[3, 7]] = 0
    labels = rng.integers(0, 6, 3)
    logits = x.reshape(3, 40) @ w
    labels[0] = np.argmin(logits[0])  # one that is not the predicted class
    p, place, top = softmax(logits, 1), np.eye(6)[labels], np.eye(6)[logits.argmax(1)]
    of_p = softmax(p, 1) - place  # the gradient for p, where p is taken for logits
    g, bare, twice, predicted = ((change @ w.T).reshape(shape) for change in (
        p - place, -place, p * (of_p - np.sum(p * of_p, 1, keepdims=True)), p - top))

    def model(images: tf.Tensor, training: bool = False) -> tf.Tensor:
        shaped("What the model gets", images, x.shape)
        return tf.reshape(tf.cast(images, tf.float32), [-1, 40]) @ w + 8

    cases = [(norm, epsilon, targeted) for norm, epsilon in (("Linf", 0.2), ("L2", 0.7)) for targeted in (False, True)]
    answers = [call(function, model, tf.constant(x), labels, epsilon, norm, targeted, hints=TAPE)
               for norm, epsilon, targeted in cases]
    for (norm, epsilon, targeted), dx in zip(cases, answers):
        way, ignored = -epsilon if targeted else epsilon, np.array_equal(answers[0], answers[1])
        right, other = way * _step(g, norm), _step(g, "L2" if norm == "Linf" else "Linf")
        steps = _other_steps(g)[norm] | {"It is the other norm's step": other, "The gradient has not been normalised": g}
        equal(f"fast_gradient(..., {norm!r}, targeted={targeted})", dx, _boxed(x, right), [
            ("targeted makes no difference: the step towards a wanted label lowers the loss, the one away from the true label "
             "raises it." if ignored else
             f"The step goes the wrong way for targeted={targeted}: untargeted, the loss of the true label rises; targeted, "
             "that of the wanted one falls.", lambda: _boxed(x, -right)),
            ("X + DX leaves the box: clip it to [0, 1] at the end.", lambda: right),
            ("This is X + DX, expected DX.", lambda: x + _boxed(x, right)),
            ("This is X + DX, expected DX, and it leaves the box.", lambda: x + right),
            ("DX has the length epsilon again after the clip: after it DX may be shorter, and stays so.",
             lambda: epsilon * _step(_boxed(x, right), "L2")),
            ("DX is clipped to [0, 1]: clip the image X + DX.", lambda: np.clip(right, 0, 1)),
            ("The gradient is that of the label's logit. Take the gradient of the cross-entropy, which applies softmax first.",
             lambda: _boxed(x, way * _step(bare, norm))),
            ("The loss is that of the predicted class, expected that of `labels`.",
             lambda: _boxed(x, way * _step(predicted, norm))),
            (("The gradient is 0: the cross-entropy takes the logits for probabilities and clips them at 1. Pass "
              "from_logits=True."),
             lambda: 0 * x),
            ("Softmax is taken twice. The cross-entropy from logits applies it already.",
             lambda: _boxed(x, way * _step(twice, norm))),
            *((f"{sentence}, for {norm}.", lambda d=d: _boxed(x, way * d)) for sentence, d in steps.items())], tolerance=1e-4)
    for norm, right in (("Linf", [0.05, -0.2, 0]), ("L2", [0.05, -0.16, 0])):
        given = (lambda images, training=False: tf.reshape(tf.cast(images, tf.float32), [1, 3]) @ [[0.0, 3], [0, -4], [0, 0]],
                 tf.constant([[[[0.95], [0.5], [0.5]]]]), np.array([0]), 0.2, norm, False)
        equal(f"DX of the example for {norm}", np.ravel(call(function, *given, hints=TAPE)), right, tolerance=1e-4)


@check
def pgd(function: Callable) -> None:
    """Task 2: a loss whose gradient turns from place to place, a start that leaves the box, six steps; and the example."""
    rng, epsilon, size, steps = seeded(2), 0.25, 0.07, 6
    x = rng.uniform(0, 1, [3, 3, 3, 1]).astype(np.float32)
    start = rng.uniform(-epsilon, epsilon, x.shape).astype(np.float32)
    a, w = rng.normal(size=[9, 9]), rng.normal(scale=0.4, size=9)
    a[:, 4], w[4] = 0, 0  # a value without influence

    def gradient(images: np.ndarray) -> np.ndarray:
        shaped("What gradient gets", images, x.shape)
        return ((np.asarray(images, float).reshape(-1, 9) - 0.5) @ a + w).reshape(x.shape).astype(np.float32)

    def both(dx: np.ndarray, epsilon: float = epsilon, low: np.ndarray = -x, high: np.ndarray = 1 - x) -> np.ndarray:
        return np.clip(np.clip(dx, -epsilon, epsilon), low, high)

    def free(dx: np.ndarray) -> np.ndarray:
        return dx

    def walk(into=both, first=both, at=lambda dx: x + dx, move=np.sign, begin=start, count=steps, last=free,
             size=size) -> np.ndarray:
        dx = first(begin)
        for _ in range(count):
            dx = into(dx + size * move(gradient(at(dx))))
        return last(dx)

    ball, box, minus = partial(both, low=-1, high=1), partial(both, epsilon=1), partial(both, low=0, high=1)
    late = "DX is projected into the ball and the box only at the end. Project it after each step."
    outside = "X + DX leaves the box: clip x + DX to [0, 1], after each step and at the start."
    boxed_late = "X + DX is brought into the box only at the end. Project DX into the ball and the box after each step."
    equal("pgd(...)", call(function, gradient, x, start, epsilon, size, steps), walk(), [
        ("This is X + DX, expected DX.", lambda: x + walk()),
        ("DX starts at 0. Begin with the argument `start`.", lambda: walk(begin=0 * x)),
        ("The steps go down. The attacker raises this loss, so add the step along the sign.",
         lambda: walk(move=lambda g: -np.sign(g))),
        ("The gradient is always taken at x. Compute it at the current image, x + DX.", lambda: walk(at=lambda dx: x)),
        ("The gradient is taken at DX: take it at the image x + DX.", lambda: walk(at=free)),
        ("The start is not brought back into the box before the first gradient.", lambda: walk(first=free)),
        ("The gradient is computed once, before the loop. Compute it at x + DX in each step.",
         lambda: walk(at=lambda dx: x + both(start))),
        ("A value whose gradient is 0 moves: its sign is 0, so it stays.", lambda: walk(move=lambda g: np.where(g >= 0, 1, -1))),
        ("A value whose gradient is 0 moves: its sign is 0, so it stays.", lambda: walk(move=lambda g: np.where(g > 0, 1, -1))),
        ("Each step is epsilon long: it is step_size.", lambda: walk(size=epsilon)),
        ("This is DX after one step: does the return stand inside the loop?", lambda: walk(count=1)),
        (boxed_late, lambda: walk(into=ball, last=both)), (boxed_late, lambda: walk(into=ball, first=ball, last=both)),
        (late, lambda: walk(into=free, last=both)), (late, lambda: walk(into=free, first=free, last=both)),
        (outside, lambda: walk(into=ball, first=ball)), (outside, lambda: walk(into=ball)),
        ("DX is clipped to [0, 1]: clip the image x + DX.", lambda: walk(into=minus, first=minus)),
        ("DX leaves the ball. After each step clip the whole of DX, measured from x, to [-epsilon, epsilon].",
         lambda: walk(into=box, first=box)),
        ("DX leaves both the ball and the box: bring it back after each step.", lambda: walk(into=free, first=free)),
        ("DX is scaled to the ball. Clip each value that is too large, and leave the others unchanged.",
         lambda: walk(into=lambda dx: box(dx * np.minimum(1, epsilon / np.abs(dx).max(IMAGE, keepdims=True))))),
        ("The step follows the gradient itself, expected its sign, for Linf.", lambda: walk(move=free)),
        ("The last step is not projected: first the step, then back into ball and box.",
         lambda: walk(count=steps - 1, last=lambda dx: dx + size * np.sign(gradient(x + dx)))),
        ("There is one step too many.", lambda: walk(count=steps + 1)),
        ("There is one step too few.", lambda: walk(count=steps - 1))], tolerance=1e-4)
    image, begin, slope = (np.array(pair, np.float32).reshape(1, 1, 2, 1) for pair in ((0.1, 0.5), (0.05, 0.15), (-2, 5)))
    got = call(function, lambda images: slope, image, begin, 0.2, 0.1, 2)
    equal("DX of the example", np.ravel(got), [-0.1, 0.2], tolerance=1e-4)


def least_step(x: np.ndarray, g: np.ndarray, c: float, weight: np.ndarray | None = None,
               room: np.ndarray | None = None) -> np.ndarray:
    """The smallest d [n] by L2 with g . d = c and 0 <= x + d <= 1, from the root of a function of tau; weight: |g|,
    or 1 for Linf.
    """
    a, way = np.abs(g), np.sign(g) * np.sign(c)
    room = np.where(way > 0, 1 - x, np.where(way < 0, x, 0)) if room is None else room * (way != 0)
    weight = a if weight is None else weight
    if a @ room <= abs(c):
        return way * room
    edge = 1e-9 + max(room / np.where(a > 0, weight, 1))
    tau = brentq(lambda tau: a @ np.minimum(tau * weight, room) - abs(c), 0, edge, xtol=1e-15, rtol=1e-14)
    return way * np.minimum(tau * weight, room)


def _shared(x: np.ndarray, g: np.ndarray, c: float) -> Iterator[np.ndarray]:
    """What the clipped values cannot contribute, shared among the others in 2 to 6 rounds."""
    d, free = np.zeros(len(x)), g != 0
    for count in range(7):
        cut = _boxed(x, np.where(free, (c - g[~free] @ d[~free]) * g / max(g[free] @ g[free], 1e-30), d))
        free, d = free & (cut > -x) & (cut < 1 - x), cut
        if count:
            yield d


@check
def projection(function: Callable) -> None:
    """Task 3: a box that stops no value, where the closed form holds; one that does, up and down; one too small; the example;
    one that stops value after value; a large tau.
    """
    written_out(function, {"scipy"}, "the search for tau")
    rng = seeded(3)
    x, g = rng.uniform(0.3, 0.7, 10), rng.normal(size=10)
    tight, slope = rng.uniform(0, 1, 12), rng.normal(size=12) * rng.choice([0.3, 1, 3], 12)
    slope[4] = 0
    # as far as the box allows
    up, down = (np.abs(slope) @ np.where(way * slope > 0, 1 - tight, tight * (slope != 0)) for way in (1, -1))
    again = ("What the clipped values cannot contribute is shared among the others only once, and then some of these leave the "
             "box or are clipped too: repeat it, or search for tau.")
    still = "A value whose gradient is 0 moves to the edge: it changes nothing, so it stays."
    for name, x, g, c in (("a box that is far away", x, g, 0.1 * np.linalg.norm(g)),
                          ("a box that stops some values", tight, slope, 0.6 * up),
                          ("a negative c", tight, slope, -0.7 * down), ("a box that is too small", tight, slope, 1.3 * up),
                          ("the example", np.array([0.9, 0.5, 0.5]), np.array([3.0, 4, 0]), 1.5),
                          ("a box that stops one value after another", 1 - 0.7 * 0.95 ** np.arange(8), 0.5 ** np.arange(8),
                           1.325),  # five rounds of redistribution
                          ("a small gradient", np.array([0.5, 0.5]), np.array([5e-6, 2.5e-6]), 1.5e-6)):
        right, plain, way = least_step(x, g, c), c * g / (g @ g), np.sign(g) * np.sign(c)
        cut = _boxed(x, plain)
        free = cut == plain
        spread = np.where(free, cut + (c - g @ cut) * g / max(g[free] @ g[free], 1e-12), cut)
        shared = list(_shared(x, g, c))
        order, room = np.argsort(-np.abs(g)), np.where(way > 0, 1 - x, x)
        gain = (np.abs(g) * room)[order]
        steepest = np.zeros_like(x)  # the smallest step by L1
        steepest[order] = (way * room)[order] * np.clip((abs(c) - np.cumsum(gain) + gain) / np.maximum(gain, 1e-12), 0, 1)
        got = call(function, x, g, c, hints=[("gives None", "does it return d also when the box is too small?")])
        require(not (isinstance(got, np.ndarray) and got.dtype.kind == "f" and np.isnan(got).any()),
                f"d for {name} holds NaN: where g is 0, u / a divides by 0.")
        near = (np.shape(got) == x.shape and np.abs(np.subtract(got, right)).max() < 0.05 * np.abs(right).max()
                and not np.isclose(np.dot(g, got), c, rtol=1e-5))
        equal(f"d for {name}", got, right, [
            ("This is x + d, expected d.", lambda: x + right),
            (("The step that ignores the box is clipped: then g . d is no longer c. The values that still have room must go "
              "further."), lambda: cut),
            ("The clipped step is scaled until g . d is c, and then it is no longer the shortest, and may leave the box: a value "
             "at its limit stays there, the others go further.", lambda: cut * c / (g @ cut)),
            ("x + d leaves the box: no value may go further than its u.", lambda: plain),
            ("The sign of c is ignored: where c is negative, each value moves against its g.", lambda: least_step(x, g, abs(c))),
            ("d goes the wrong way: value i moves along the sign of g_i times the sign of c.", lambda: -right),
            (again, lambda: _boxed(x, spread)), (again, lambda: spread), (again, *shared),
            ("This is the smallest step by L1, the steepest values first: for L2 all move together, t = min(tau a, u).",
             lambda: steepest),
            ("This is the smallest step by Linf, t = min(tau, u): for L2 it is t = min(tau a, u).",
             lambda: least_step(x, g, c, np.ones_like(x))),
            ("The room u is 1 - x for all values: one that moves down has the room x.", lambda: least_step(x, g, c, room=1 - x)),
            ("The room u depends on the direction: 1 - x up, x down.", lambda: least_step(x, g, c, room=np.minimum(x, 1 - x))),
            ("Without the box, tau is c / ||g||^2: the square of the length, as g . g is.", lambda: c * g / np.sqrt(g @ g)),
            ("The room u depends on the direction, the sign of g times that of c: 1 - x up, x down.",
             lambda: least_step(x, g, c, room=np.where(g > 0, 1 - x, x))),
            ("The room u is exchanged: 1 - x if a value moves up, x if it moves down.",
             lambda: least_step(x, g, c, room=np.where(way > 0, x, 1 - x))),
            (still, lambda: np.where(g == 0, 1 - x, right)), (still, lambda: np.where(g == 0, -x, right)),
            ("All values are at their limit, though a part of the way is enough: which half does the search for tau keep?",
             lambda: np.abs(way) * way * room),
            *(("The upper limit of the search for tau is too small: where a is small, tau is large.",
               lambda top=top: way * np.minimum(top * np.abs(g), room))
              for top in (1, 10, 100, 1e3, 1e4, np.min((room / np.maximum(np.abs(g), 1e-12))[g != 0]))),
            ("c is negative here, and d is 0: compare the sum with |c|." if c < 0 else
             "When the box is too small all values that help go to their edge; d is 0 here." if name == "a box that is too small"
             else "d is 0: which half does the search for tau keep?", lambda: 0 * x),
            ((f"g . d is {np.dot(g, got) if near else 0:.6g} where c is {c:.6g}: does the search for tau stop too early? 0.01 % "
              "is required."),
             lambda: got if near else np.nan)], tolerance=1e-4)


@check
def smallest(function: Callable) -> None:
    """Task 4: a margin with waves, where the shortest d is neither the first nor the last, or is that of the last round; a linear
    one, the example, exact after one round; two not fooled, one of which reaches 0 and not less."""
    # of the eight d on the waves all but the third fool, and the fourth is the shortest by L2, the fifth by L1, Linf
    rng = seeded(980)
    x, w, k = rng.uniform(0.05, 0.95, 8), rng.normal(size=8), rng.normal(scale=6, size=8)
    w *= 2 / np.linalg.norm(w)
    for name, waves, above, count, least in (
            ("a margin with waves", 0.1, 0.6, 8, -9), ("four rounds", 0.1, 0.6, 4, -9), ("a linear margin", 0, 0.9, 3, -9),
            ("two rounds that do not fool", 0.1, 1.4, 2, -9), ("a margin that falls to 0 and no further", 0, 0.9, 3, 0)):
        def margin(image: np.ndarray) -> tuple[float, np.ndarray]:
            shaped("What margin gets", image, [8])
            d = np.asarray(image, float) - x
            return np.maximum(above - w @ d + waves * np.sin(k @ d), least), waves * k * np.cos(k @ d) - w

        def rounds(count=count, c=lambda f, g, d: g @ d - f - 0.02, keep=np.linalg.norm, begin=lambda d: x,
                   onto=lambda d, step: step, at=lambda d: x + d, fools=lambda f: f < 0) -> np.ndarray:
            """The d of these rounds for which `keep` is lowest; with a whole number that one, and with None the last."""
            d, kept = np.zeros(8), []
            f, g = margin(at(d))
            for _ in range(count):
                d = onto(d, least_step(begin(d), g, c(f, g, d)))
                f, g = margin(at(d))
                kept += [d] * bool(fools(f))
            return d if not kept or keep is None else kept[keep] if isinstance(keep, int) else min(kept, key=keep)

        right, start = rounds(), margin(x)
        got = call(function, margin, least_step, x, count, 0.02,
                   hints=[("gives None", "where no d fools the model, return the last one.")])
        other = "This is the shortest by another norm: the L2 length counts."
        low = ("A d counts from f < 0 on, not only from f < -beyond; and not the one with the lowest margin is wanted, but the "
               "shortest.")
        equal(f"d for {name}", got, right, [
            ("This is x + d, expected d.", lambda: x + right),
            ("Where f is 0 the model is not fooled: only d with f < 0 count.", lambda: rounds(fools=lambda f: f <= 0)),
            ("The plane is the tangent at x + d, but d counts from x, so c = g . d - f - beyond.",
             lambda: rounds(c=lambda f, g, d: -f - 0.02)),
            ("c takes g . (x + d): d counts from x, so g . d.", lambda: rounds(c=lambda f, g, d: g @ (x + d) - f - 0.02)),
            ("Steps of several rounds are added up: each projection starts at x again, and gives all of d.",
             lambda: rounds(c=lambda f, g, d: -f - 0.02, begin=lambda d: x + d, onto=lambda d, step: d + step)),
            ("The projection starts at x + d: it starts at x.", lambda: rounds(begin=lambda d: x + d)),
            ("The projection gets d: give it the image x.", lambda: rounds(begin=lambda d: d)),
            ("The steps are half as long: the check expects whole ones.", lambda: rounds(onto=lambda d, step: (d + step) / 2)),
            ("beyond is left out: without it d ends on the boundary, where the model is not fooled yet.",
             lambda: rounds(c=lambda f, g, d: g @ d - f)),
            ("beyond has the wrong sign: the goal lies behind the boundary, where f = -beyond.",
             lambda: rounds(c=lambda f, g, d: g @ d - f + 0.02)),
            ("beyond is added to f, not multiplied by it.", lambda: rounds(c=lambda f, g, d: g @ d - 1.02 * f)),
            *(("c has the wrong sign: f + g . (new d - d) must be -beyond.", lambda sign=sign, way=way: rounds(
                c=lambda f, g, d: way * (g @ d) + f + sign * 0.02)) for sign in (1, -1) for way in (1, -1)),
            ("c has the wrong sign: f + g . (new d - d) must be -beyond.", lambda: least_step(x, start[1], start[0] + 0.02)),
            ("The margin is always linearised at x. Linearise it again at x + d in each round.", lambda: rounds(at=lambda d: x)),
            ("margin is called with d: give it the image x + d.", lambda: rounds(at=lambda d: d)),
            ("This is the first d that fools the model, or the longest: go on, and keep the shortest. If you do: has g . d the "
             "right sign in c, and are f and g computed again in each round?",
             lambda: rounds(keep=0)),
            *(("This is the last d, or the last d that fools the model: keep the shortest. If you do keep it: is it the same "
               "array as d, written over later?", lambda keep=keep: rounds(keep=keep)) for keep in (None, -1)),
            ("g . d has the wrong sign in c: f + g . (new d - d) must be -beyond.",
             lambda: rounds(c=lambda f, g, d: -g @ d - f - 0.02)),
            ("There is one round too few, or the d of the last round is never tested with margin.", lambda: rounds(count - 1)),
            ("There is one round too many.", lambda: rounds(count + 1)),
            (other, lambda: rounds(keep=lambda d: np.abs(d).max())), (other, lambda: rounds(keep=lambda d: np.abs(d).sum())),
            (low, lambda: rounds(fools=lambda f: f < -0.02)), (low, lambda: rounds(keep=lambda d: margin(x + d)[0])),
            ("This is the shortest of all d: only those with f < 0 at x + d count, with the f of the new d.",
             lambda: rounds(fools=lambda f: True)),
            ("Where no d fools the model the last one is required; this one is 0.", lambda: np.zeros(8))], tolerance=1e-4)


@check
def evolution(function: Callable) -> None:
    """Task 5: two images, seven candidates each, one generation; and the example."""
    rng = seeded(6)
    parents = np.stack([rng.permutation(np.delete(np.arange(7), i))[:3] for i in range(7)])
    now, goal, asked = rng.integers(0, 65, [2, 7, 3]) / 64, rng.integers(13, 52, [2, 1, 3]) / 64, []  # sums of them are exact

    def score(children: np.ndarray) -> np.ndarray:
        shaped("What score gets", children, now.shape)
        asked.append(np.asarray(children, float))
        return np.abs(asked[-1] - goal).sum(2)

    before = np.abs(now - goal).sum(2) * rng.uniform(0.6, 1.4, [2, 7])
    one, two, three = (now[:, parents[:, i]] for i in range(3))

    def after(child: np.ndarray, wins: Callable = lambda new: new < before) -> np.ndarray:
        """The candidates and their margins in one array [2, 7, 4]; the unclipped child is given."""
        new = np.abs(child - goal).sum(2)
        return np.where(wins(new)[..., None], np.dstack([child, new]), np.dstack([now, before]))

    child = np.clip(one + 0.5 * (two - three), 0, 1)
    before[0, 2] = np.abs(child - goal).sum(2)[0, 2]  # a tie
    got, margins = results(function, call(function, now, before, parents, score), "candidates", "margins")
    require(len(asked) < 2, f"score is called {len(asked)} times. Call it once, with the children of all images together.")
    for name, values, part in (("The array candidates", got, slice(0, 3)), ("The array margins", margins, 3)):
        equal(name, values, after(child)[..., part], [(sentence, lambda wrong=wrong: wrong[..., part]) for sentence, wrong in (
            ("A child is first + half of (second - third): the half is missing.", after(np.clip(one + two - three, 0, 1))),
            ("A child is first + half of (second - third), clipped to [0, 1]: it leaves the box.",
             after(one + 0.5 * (two - three))),
            ("A child is first + half of (second - third): second and third are swapped.",
             after(np.clip(one - 0.5 * (two - three), 0, 1))),
            ("A child begins at the first of its parents, not at the candidate itself.",
             after(np.clip(now + 0.5 * (two - three), 0, 1))),
            ("The children with the higher margin survive: those with the lower one are better.",
             after(child, lambda new: new > before)),
            ("A child with the same margin replaces its candidate: only one with a lower margin does.",
             after(child, lambda new: new <= before)),
            ("All children survive: only one with a lower margin than its candidate does.",
             after(child, lambda new: new < np.inf)),
            ("The child competes with its first parent. Compare it with the candidate at its own position j.",
             after(child, lambda new: new < before[:, parents[:, 0]])),
            ("One decision is taken for a whole image: each candidate competes with its own child.",
             after(child, lambda new: np.repeat(new.min(1, keepdims=True) < before.min(1, keepdims=True), 7, 1))),
            ("The candidates change, but the margins stay. The margin of the child has to replace that of the candidate."
             if part == 3 else
             "The candidates stay as they were. If the margins are replaced first: compare with those of before.",
             np.dstack([now, before])))])
    four = np.array([[[0.2, 0.5, 0.9], [0, 0, 0.5], [0.4, 1, 0.1], [0, 0.2, 0]]])
    parents = np.array([[1, 2, 3], [0, 2, 3], [0, 1, 3], [0, 1, 2]])
    small, _ = call(function, four, np.array([[0.5, 0, 1, 2]]), parents, lambda children: np.full((1, 4), 0.25))
    equal("The first candidate of the example", np.asarray(small)[0, 0], [0.2, 0.4, 0.55])


@check
def eot(function: Callable) -> None:
    """Task 6: two layers, images shifted (by one column, as in the example) and dimmed, another label for some;
    by the chain rule.
    """
    rng = seeded(6)
    x = rng.uniform(0.1, 0.9, [3, 4, 4, 1]).astype(np.float32)
    w, v = rng.normal(size=[16, 6]).astype(np.float32), rng.normal(size=[6, 2]).astype(np.float32)
    moves = [(1, 0, 1.0), (0, -1, 0.5), (-1, 1, 0.8), (2, 2, 0.6)]  # down, right, brightness
    chain = [(*np.sum(moves[:n], 0)[:2].astype(int), np.prod(moves[:n], 0)[2]) for n in (1, 2, 3, 4)]  # one after the other
    transformations = [lambda images, move=move: move[2] * tf.roll(tf.cast(images, tf.float32), move[:2], [1, 2])
                       for move in moves]

    def model(images: tf.Tensor, training: bool = False) -> tf.Tensor:
        shaped("One image that the model gets", images[0], x.shape[1:])
        return tf.tanh(tf.reshape(tf.cast(images, tf.float32), [-1, 16]) @ w) @ v

    way = np.array([1, -1, -1], np.float32)

    def loss(logits: tf.Tensor) -> tf.Tensor:
        require(np.shape(logits) == (3, 2),
                f"loss gets {list(np.shape(logits))}, expected [3, 2]: loss gets the logits of all N images "
                "of one transformation, in their order.")
        return tf.nn.softplus(way * (logits[:, 1] - logits[:, 0]))

    def slope(at: np.ndarray, gap: np.ndarray | None = None) -> np.ndarray:
        """The gradient of softplus(way * (logit 1 - logit 0)) for what the model gets."""
        hidden, along = np.tanh(at.reshape(-1, 16) @ w), v @ [-1, 1]
        outer = way * expit(way * (hidden @ along if gap is None else gap))
        return (outer[:, None] * (along * (1 - hidden**2)) @ w.T).reshape(at.shape)

    def moved(images: np.ndarray, move: tuple, way: int = 1) -> np.ndarray:
        return move[2] * np.roll(images, (way * move[0], way * move[1]), (1, 2))

    def back(gradients: list[np.ndarray], moves: list[tuple] = moves) -> np.ndarray:
        return np.stack([moved(g, move, -1) for g, move in zip(gradients, moves)])

    copies = [moved(x, move) for move in moves]
    gap = np.mean([np.tanh(copy.reshape(-1, 16) @ w) @ v @ [-1, 1] for copy in copies], 0)  # of the mean logits
    seen = [slope(copy) for copy in copies]
    last = "Only the last transformation counts. Add up the gradients of all of them, then divide by their number."
    each = back(seen)
    got = call(function, model, loss, tf.constant(x), transformations, hints=TAPE)
    equal("eot_gradient(...)", got, each.mean(0), [
        ("This is the sum over the transformations, expected the mean.", lambda: each.sum(0)),
        ("The sum is divided by the number of images, expected the number of transformations.", lambda: each.sum(0) / 3),
        ("The losses are averaged over the batch too, but each image has its own mean.", lambda: each.mean(0) / 3),
        ("No transformation is applied: the model must see t(x).", lambda: slope(x)),
        ("The gradient is the one with respect to t(x), whose pixels are at other positions. Compute the gradient with "
         "respect to x, with t inside the tape.", lambda: np.mean(seen, 0)),
        ("The model sees the mean of the transformed images. Compute the loss of each copy, and average the losses.",
         lambda: back([slope(np.mean(copies, 0))] * 4).mean(0)),
        ("The logits are averaged, then the loss is taken: average the losses.",
         lambda: back([slope(copy, gap) for copy in copies]).mean(0)),
        (last, lambda: each[-1]), (last, lambda: each[-1] / 4),
        ("Only the first transformation counts: does the return stand inside the loop?", lambda: each[0], lambda: each[0] / 4),
        ("The signs are averaged: average the gradients.", lambda: np.mean(np.sign(each), 0)),
        ("The transformations follow one another: each is applied to x itself.",
         lambda: back([slope(moved(x, move)) for move in chain], chain).mean(0))], tolerance=1e-4)


def suspects(network: Model) -> dict[str, Model]:
    """The three models of task 7, images [N, 28, 28, 1] -> what they call logits [N, 10].

    They are here, and not in the lab, so that the lab does not show what each of them does.
    """
    draw = tf.random.Generator.from_seed(7)

    def first(images: tf.Tensor) -> tf.Tensor:
        low, high = tf.sigmoid(-4.0), tf.sigmoid(4.0)
        return network((tf.sigmoid(8 * (images - 0.5)) - low) / (high - low))

    def second(images: tf.Tensor) -> tf.Tensor:
        return tf.round(100 * tf.nn.softmax(network(images))) / 100 - 1

    def third(images: tf.Tensor) -> tf.Tensor:
        return first(images + draw.normal(tf.shape(images), 0, 0.1))

    return {"A": first, "B": second, "C": third}


@check
def reading(function: Callable, table: dict[str, dict[str, float]]) -> None:
    """Task 7: which of the five rules each model of the table breaks, and whose gradient is masked.

    The truth is computed from the table.
    """
    broken, masked = results(function, call(function), "broken", "masked")
    require(isinstance(broken, dict) and broken.keys() == table.keys()
            and all(isinstance(rules, set | frozenset) and rules <= {1, 2, 3, 4, 5} for rules in broken.values()),
            'broken is a dictionary from "A", "B", "C" to sets of numbers 1 to 5: {2, 3}, and set() for none.')
    require(isinstance(masked, str) and masked in table, 'masked is one of the letters "A", "B", "C".')
    truth = {letter: {number for number, is_broken in enumerate((
        row["asked twice"] > ROUNDING, row["no gradient"] > SLACK, row["PGD"] > row["FGSM"] + SLACK,
        row["PGD"] > row["transfer"] + SLACK, row["PGD, large radius"] > SLACK), 1) if is_broken}
             for letter, row in table.items()}
    hidden = max(table, key=lambda letter: table[letter]["no gradient"])
    require(broken != truth or masked == hidden,
            "The rules fit. Look again which model's accuracy under PGD says nothing about it.")
    require(broken == truth, "Not all of it fits the table. Take one model after the other, and for each rule the two "
            "numbers that it compares; a rule may be kept by a model that hides its gradient, and broken by one that does not.")
