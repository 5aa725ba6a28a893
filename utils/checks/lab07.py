"""The checks of lab 07: attacks from one step along the gradient to the reading of a benchmark."""
from collections.abc import Callable

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit, softmax

from utils.attacks.inputs import Model
from utils.checks import call, check, equal, require, results, seeded, shaped, written_out
from utils.quiet import tf

SLACK = 0.05  # of the images: by so much the numbers of task 7 may differ without a rule being broken
NO_WAY = ("the tape has no way from the images to the loss: a tensor needs tape.watch, and all of the way goes inside `with`, with "
          "TensorFlow's functions.")
TAPE = (("NoneType", "The gradient is None: " + NO_WAY), ("gives None", "does it end with return? If so, " + NO_WAY))


def _boxed(x: np.ndarray, dx: np.ndarray) -> np.ndarray:
    return np.clip(x + dx, 0, 1) - x


def _length(d: np.ndarray) -> np.ndarray:
    """The L2 norm of each image of a batch, in the shape [N, 1, 1, 1]."""
    return np.sqrt(np.sum(d**2, (1, 2, 3), keepdims=True))


@check
def fast(function: Callable) -> None:
    """Task 1: on logits that are linear in the image, whose gradient is known; two pixels have no influence."""
    rng = seeded(1)
    x, w = rng.uniform(0, 1, [4, 4, 4, 1]).astype(np.float32), rng.normal(scale=0.6, size=[16, 5]).astype(np.float32)
    w[[3, 7]] = 0
    labels = rng.integers(0, 5, 4)
    logits, place = x.reshape(4, 16) @ w + 8, np.eye(5)[labels]
    p = softmax(logits, 1)
    of_p = softmax(p, 1) - place  # the gradient for p, where p is taken for logits
    g, bare, twice = ((change @ w.T).reshape(x.shape) for change in (p - place, -place, p * (of_p - np.sum(p * of_p, 1, keepdims=True))))

    def step(g: np.ndarray, norm: str, epsilon: float) -> np.ndarray:
        return epsilon * (np.sign(g) if norm == "Linf" else g / _length(g))

    def model(images: tf.Tensor, training: bool = False) -> tf.Tensor:
        shaped("What the model gets", images, x.shape)
        return tf.reshape(tf.cast(images, tf.float32), [-1, 16]) @ w + 8

    got = {(norm, aim): call(function, model, tf.constant(x), labels, epsilon, norm, aim, hints=TAPE)
           for norm, epsilon in (("Linf", 0.2), ("L2", 0.7)) for aim in (False, True)}
    for (norm, aim), dx in got.items():
        epsilon, way = (0.2 if norm == "Linf" else 0.7), -1 if aim else 1
        right = way * step(g, norm, epsilon)
        one = "fast_gradient(..., {}, targeted={})".format(norm, aim)
        same = np.array_equal(got[norm, True], got[norm, False])
        wrong_way = ("targeted makes no difference: the step towards a wanted label lowers the loss, the one away from the true label raises it."
                     if same else f"The step goes the wrong way for targeted={aim}: untargeted, the loss of the true label rises; targeted, "
                     "that of the wanted label falls.")
        mistakes = [
            (wrong_way, lambda: _boxed(x, -right)), ("X + DX leaves the box: clip it to [0, 1] at the end.", lambda: right),
            ("This is X + DX, expected DX.", lambda: x + _boxed(x, right)), ("This is X + DX, expected DX, and it leaves the box.", lambda: x + right),
            ("DX is clipped to [0, 1]: clip the image X + DX.", lambda: np.clip(right, 0, 1)),
            ("The gradient is that of the label's logit: take the cross-entropy, softmax first.", lambda: _boxed(x, way * step(bare, norm, epsilon))),
            ("The gradient is 0: a cross-entropy that takes logits for probabilities cuts them off at 1. Say from_logits=True.", lambda: 0 * x),
            ("Softmax is taken twice: the cross-entropy from logits has its own.", lambda: _boxed(x, way * step(twice, norm, epsilon)))]
        scaled = {"It is the other norm's step": step(g, "L2" if norm == "Linf" else "Linf", epsilon)} | ({
            "The gradient is divided by its largest value, expected its sign": epsilon * g / np.abs(g).max((1, 2, 3), keepdims=True),
            "A value without influence moves: where the gradient is 0 so is its sign": epsilon * np.where(g > 0, 1, -1)} if norm == "Linf" else {
            "The length is that of the whole batch: each image has its own": epsilon * g / np.sqrt(np.sum(g**2)),
            "The gradient is divided by the square of its length: take the root": epsilon * g / _length(g)**2,
            "The gradient is divided by the root of its mean square: of the sum": epsilon * 4 * g / _length(g),
            "The gradient is divided by the sum of its absolute values: by its L2 length": epsilon * g / np.abs(g).sum((1, 2, 3), keepdims=True)})
        scaled["The gradient has not been normalised"] = epsilon * g
        mistakes += [(f"{sentence}, for {norm}.", lambda d=d: _boxed(x, way * d)) for sentence, d in scaled.items()]
        equal(one, dx, _boxed(x, right), mistakes, tolerance=1e-4)
    for norm, right in (("Linf", [0.05, -0.2, 0]), ("L2", [0.05, -0.16, 0])):
        example = call(function, lambda images, training=False: tf.concat([tf.zeros([1, 1]), tf.reshape(tf.cast(images, tf.float32), [1, 3]) @ [[3.0], [-4], [0]]], 1),
                       tf.constant([[[[0.95], [0.5], [0.5]]]]), np.array([0]), 0.2, norm, False, hints=TAPE)
        equal(f"DX of the example for {norm}", np.ravel(example), right, tolerance=1e-4)


@check
def pgd(function: Callable) -> None:
    """Task 2: a loss whose gradient turns from place to place, a start that leaves the box, six steps."""
    rng, epsilon, size, steps = seeded(2), 0.25, 0.07, 6
    x = rng.uniform(0, 1, [3, 3, 3, 1]).astype(np.float32)
    start = rng.uniform(-epsilon, epsilon, x.shape).astype(np.float32)
    a, w = rng.normal(size=[9, 9]), rng.normal(scale=0.4, size=9)

    def gradient(images: np.ndarray) -> np.ndarray:
        shaped("What gradient gets", images, x.shape)
        flat = np.asarray(images, float).reshape(-1, 9)
        return ((flat - 0.5) @ a + w).reshape(x.shape).astype(np.float32)

    def ball(dx: np.ndarray) -> np.ndarray:
        return np.clip(dx, -epsilon, epsilon)

    def both(dx: np.ndarray) -> np.ndarray:
        return _boxed(x, ball(dx))

    def walk(into=both, first=both, at=lambda dx: x + dx, move=np.sign, begin=start, count=steps, last=lambda dx: dx) -> np.ndarray:
        dx = first(begin)
        for _ in range(count):
            dx = into(dx + size * move(gradient(at(dx))))
        return last(dx)

    def free(dx: np.ndarray) -> np.ndarray:
        return dx

    def projected_first(dx: np.ndarray = start) -> np.ndarray:
        for _ in range(steps):
            dx = both(dx)
            dx = dx + size * np.sign(gradient(x + dx))
        return dx

    got = call(function, gradient, x, start, epsilon, size, steps)
    equal("pgd(...)", got, walk(), [
        ("This is X + DX, expected DX.", lambda: x + walk()),
        ("The steps go down: the gradient is that of a loss which the attacker raises.", lambda: walk(move=lambda g: -np.sign(g))),
        ("The gradient is always taken at x: take it where you are, at x + DX.", lambda: walk(at=lambda dx: x)),
        ("The gradient is taken at DX: take it at the image x + DX.", lambda: walk(at=free)),
        ("DX starts at 0: start at start.", lambda: walk(begin=0 * x)),
        ("The start is not brought back into the box before the first gradient.", lambda: walk(first=free)),
        ("DX goes back into the ball and the box only at the end: after each step.", lambda: walk(into=free, last=both)),
        ("DX goes back into the ball and the box only at the end: after each step.", lambda: walk(into=free, first=free, last=both)),
        ("X + DX leaves the box: after each step clip x + DX to [0, 1].", lambda: walk(into=ball)),
        ("X + DX leaves the box: after each step clip x + DX to [0, 1], the start too.", lambda: walk(into=ball, first=ball)),
        ("DX is clipped to [0, 1]: clip the image x + DX.", lambda: walk(into=lambda dx: np.clip(ball(dx), 0, 1), first=lambda dx: np.clip(ball(dx), 0, 1))),
        ("DX leaves the ball: after each step clip all of DX, the way from x, to +-epsilon.", lambda: walk(into=lambda dx: _boxed(x, dx), first=lambda dx: _boxed(x, dx))),
        ("DX leaves both the ball and the box: bring it back after each step.", lambda: walk(into=free, first=free)),
        ("DX is scaled to the ball: cut off each value that is too large, and leave the others.",
         lambda: walk(into=lambda dx: _boxed(x, dx * np.minimum(1, epsilon / np.abs(dx).max((1, 2, 3), keepdims=True))))),
        ("The step follows the gradient itself: its sign, for Linf.", lambda: walk(move=free)),
        ("The last step is not projected: first the step, then back into ball and box.", projected_first),
        ("There is one step too many.", lambda: walk(count=steps + 1)), ("There is one step too few.", lambda: walk(count=steps - 1))], tolerance=1e-4)
    one = call(function, lambda images: np.full(np.shape(images), [[[-2.0], [5.0]]], np.float32), np.array([[[[0.1], [0.5]]]], np.float32),
               np.array([[[[0.05], [0.15]]]], np.float32), 0.2, 0.1, 2)
    equal("DX of the example", np.ravel(one), [-0.1, 0.2], tolerance=1e-4)


def least_step(x: np.ndarray, g: np.ndarray, c: float, weight: np.ndarray | None = None, room: np.ndarray | None = None) -> np.ndarray:
    """The smallest d [n] by L2 with g . d = c and 0 <= x + d <= 1, by the root of a function of tau; weight: |g|, or 1 for Linf."""
    a, way = np.abs(g), np.sign(g) * np.sign(c)
    room = np.where(way > 0, 1 - x, np.where(way < 0, x, 0)) if room is None else room * (way != 0)
    weight = a if weight is None else weight
    if a @ room <= abs(c):
        return way * room
    edge = 1e-9 + max(room / np.where(a > 0, weight, 1))
    return way * np.minimum(brentq(lambda tau: a @ np.minimum(tau * weight, room) - abs(c), 0, edge, xtol=1e-15, rtol=1e-14) * weight, room)


@check
def projection(function: Callable) -> None:
    """Task 3: a slack box, where the closed form holds; a tight one, up and down; one too small; the example."""
    written_out(function, {"scipy"}, "the search for tau")
    rng = seeded(3)
    x, g = rng.uniform(0.3, 0.7, 10), rng.normal(size=10)
    tight, slope = rng.uniform(0, 1, 12), rng.normal(size=12) * rng.choice([0.3, 1, 3], 12)
    slope[4] = 0
    most = {way: np.abs(slope) @ np.where(way * slope > 0, 1 - tight, tight * (slope != 0)) for way in (1, -1)}
    cases = {"a box that is far away": (x, g, 0.1 * np.linalg.norm(g)), "a box that stops some values": (tight, slope, 0.6 * most[1]),
             "a negative c": (tight, slope, -0.7 * most[-1]), "a box that is too small": (tight, slope, 1.3 * most[1]),
             "the example": (np.array([0.9, 0.5, 0.5]), np.array([3.0, 4, 0]), 1.5)}
    for name, (x, g, c) in cases.items():
        right, plain = least_step(x, g, c), c * g / (g @ g)

        def spread(x=x, g=g, c=c, plain=plain) -> np.ndarray:
            """What the cut values lack, shared once among the others."""
            cut = _boxed(x, plain)
            free = cut == plain
            return np.where(free, cut + (c - g @ cut) * g / (g[free] @ g[free]), cut)

        def greedy(x=x, g=g, c=c) -> np.ndarray:
            """The smallest step by L1: the steepest values first."""
            d, way = np.zeros_like(x), np.sign(g) * np.sign(c)
            for i in np.argsort(-np.abs(g)):
                left = abs(c) - np.abs(g) @ np.abs(d)
                d[i] = way[i] * min(max(left, 0) / max(abs(g[i]), 1e-12), 1 - x[i] if way[i] > 0 else x[i])
            return d

        got = call(function, x, g, c, hints=[("gives None", "does it return d also when the box is too small?")])
        equal(f"d for {name}", got, right, [
            ("This is x + d, expected d.", lambda: x + right),
            ("The step that ignores the box is clipped: then g . d is no longer c. The values that still can must go further.", lambda: _boxed(x, plain)),
            ("x + d leaves the box: no value may go further than its u.", lambda: plain),
            ("The sign of c is ignored: where c is negative, each value moves against its g.", lambda: least_step(x, g, abs(c))),
            ("d goes the wrong way: value i moves along the sign of g_i times the sign of c.", lambda: -right),
            ("What the cut values lack is shared among the others once, and then some are cut again: repeat it, or search for tau.",
             lambda: _boxed(x, spread())),
            ("What the cut values lack is shared among the others once, and then some leave the box: repeat it, or search for tau.", spread),
            ("This is the smallest step by L1, the steepest values first: for L2 all move together, t = min(tau a, u).", greedy),
            ("This is the smallest step by Linf, t = min(tau, u): for L2 it is t = min(tau a, u).", lambda: least_step(x, g, c, np.ones_like(x))),
            ("The room u is 1 - x for all values: one that moves down has the room x.", lambda: least_step(x, g, c, room=1 - x)),
            ("The room u depends on the direction: 1 - x up, x down.", lambda: least_step(x, g, c, room=np.minimum(x, 1 - x))),
            ("Without the box, tau is c / ||g||^2: the square of the length, as g . g is.", lambda: c * g / np.sqrt(g @ g)),
            ("A value whose gradient is 0 moves to the edge: it changes nothing, so it stays.", lambda: np.where(g == 0, 1 - x, right)),
            ("A value whose gradient is 0 moves to the edge: it changes nothing, so it stays.", lambda: np.where(g == 0, -x, right)),
            ("When the box is too small all values that help go to their edge; d is 0 here.", lambda: 0 * x if abs(c) > most[1] else right)],
              tolerance=1e-4)


@check
def smallest(function: Callable) -> None:
    """Task 4: a linear margin, exact after one round; one with waves, where the shortest d is neither the first nor the last; one that stays positive."""
    rng = seeded(104)  # of the eight d on the waves the third, fifth and seventh fool, the fifth is the shortest
    x, w, k = rng.uniform(0.05, 0.95, 8), rng.normal(size=8), rng.normal(scale=6, size=8)
    w *= 2 / np.linalg.norm(w)

    def margin_of(waves: float, above: float) -> Callable:
        def margin(image: np.ndarray) -> tuple[float, np.ndarray]:
            shaped("What margin gets", image, [8])
            z = np.asarray(image, float)
            return above - w @ (z - x) + waves * np.sin(k @ (z - x)), waves * k * np.cos(k @ (z - x)) - w
        return margin

    def rounds(margin: Callable, count: int, beyond: float = 0.02, keep="shortest", plane=lambda g, d: g @ d, accumulate=False, origin=False,
               at=lambda d: x + d) -> np.ndarray:
        d, kept = np.zeros(8), []
        f, g = margin(at(d))
        for _ in range(count):
            step = least_step(x + d if accumulate or origin else x, g, plane(g, d) - f - beyond)
            d = d + step if accumulate else step
            f, g = margin(at(d))
            kept += [d] * bool(f < 0)
        choose = {"shortest": lambda: min(kept, key=np.linalg.norm), "first": lambda: kept[0], "last": lambda: d,
                  "last fooled": lambda: kept[-1]}
        return choose[keep]() if kept else d

    for name, margin, count in (("a linear margin", margin_of(0, 1.2), 3), ("a margin with waves", margin_of(0.1, 0.6), 8), ("two rounds that do not fool", margin_of(0.1, 1.4), 2)):
        right = rounds(margin, count)
        got = call(function, margin, least_step, x, count, 0.02, hints=[("gives None", "where no d fools the model, return the last one.")])
        equal(f"d for {name}", got, right, [
            ("This is x + d, expected d.", lambda: x + right),
            ("The plane is the tangent at x + d, and d counts from x: c = g . d - f - beyond.", lambda: rounds(margin, count, plane=lambda g, d: 0)),
            ("Steps of several rounds are added up: each projection starts at x again, and gives all of d.",
             lambda: rounds(margin, count, plane=lambda g, d: 0, accumulate=True)),
            ("The projection starts at x + d: it starts at x.", lambda: rounds(margin, count, origin=True)),
            ("beyond is left out: without it d ends on the boundary, where the model is not fooled yet.", lambda: rounds(margin, count, beyond=0)),
            ("beyond has the wrong sign: the goal lies behind the boundary, where f = -beyond.", lambda: rounds(margin, count, beyond=-0.02)),
            ("c has the wrong sign: f + g . (new d - d) shall be -beyond.", lambda: least_step(x, margin(x)[1], margin(x)[0] + 0.02)),
            ("The margin is always linearised at x: do it anew at x + d.", lambda: rounds(margin, count, at=lambda d: x)),
            ("margin is called with d: give it the image x + d.", lambda: rounds(margin, count, at=lambda d: d)),
            ("This is the first d that fools the model: go on, and keep the shortest.", lambda: rounds(margin, count, keep="first")),
            ("This is the last d: keep the shortest that fools the model.", lambda: rounds(margin, count, keep="last")),
            ("This is the last d that fools the model: keep the shortest.", lambda: rounds(margin, count, keep="last fooled")),
            ("There is one round too few, or the d of the last one is not looked at.", lambda: rounds(margin, count - 1)),
            ("There is one round too many.", lambda: rounds(margin, count + 1)),
            ("Where no d fools the model the last one is required; this one is 0.", lambda: np.zeros(8))], tolerance=1e-4)


@check
def evolution(function: Callable) -> None:
    """Task 5: two images, seven candidates each, one generation; and the example."""
    rng = seeded(5)
    now, parents = rng.uniform(0, 1, [2, 7, 3]), np.stack([rng.permutation(np.delete(np.arange(7), i))[:3] for i in range(7)])
    goal, asked = rng.uniform(0.2, 0.8, [2, 1, 3]), []

    def score(candidates: np.ndarray) -> np.ndarray:
        shaped("What score gets", candidates, now.shape)
        asked.append(np.asarray(candidates, float))
        return np.abs(asked[-1] - goal).sum(2)

    before = np.abs(now - goal).sum(2) * rng.uniform(0.6, 1.4, [2, 7])
    one, two, three = (now[:, parents[:, i]] for i in range(3))
    child = np.clip(one + 0.5 * (two - three), 0, 1)

    def after(child: np.ndarray, wins: Callable = lambda new: new < before, at: np.ndarray | None = None) -> np.ndarray:
        """The candidates and their margins in one array [2, 7, 4]; what does not win stays, or `at`."""
        new = np.abs(child - goal).sum(2)
        candidates = np.where(wins(new)[..., None], child, now if at is None else at)
        return np.concatenate([candidates, np.where(wins(new), new, before)[..., None]], 2)

    got, margins = results(function, call(function, now, before, parents, score), "candidates", "margins")
    shaped("The first result, candidates,", got, now.shape)
    shaped("The second result, margins,", margins, before.shape)
    require(len(asked) == 1, f"score is called {len(asked)} times: once, with the children of all images together.")
    for name, both, part in (("The candidates", got, slice(0, 3)), ("The margins", margins, 3)):
        equal(name, both, after(child)[..., part], [
            ("A child is first + half of (second - third): the half is missing.", lambda: after(np.clip(one + two - three, 0, 1))[..., part]),
            ("A child is first + half of (second - third), clipped to [0, 1]: it leaves the box.", lambda: after(one + 0.5 * (two - three))[..., part]),
            ("A child is first + half of (second - third): second and third are exchanged.", lambda: after(np.clip(one - 0.5 * (two - three), 0, 1))[..., part]),
            ("A child begins at the first of its parents, not at the candidate itself.", lambda: after(np.clip(now + 0.5 * (two - three), 0, 1))[..., part]),
            ("The children with the higher margin survive: those with the lower one are better.", lambda: after(child, lambda new: new > before)[..., part]),
            ("All children survive: only one with a lower margin than its candidate does.", lambda: after(child, lambda new: new < np.inf)[..., part]),
            ("The child competes with its first parent: with the candidate of its own position.",
             lambda: after(child, lambda new: new < before[:, parents[:, 0]])[..., part]),
            ("One decision is taken for a whole image: each candidate competes with its own child.",
             lambda: after(child, lambda new: np.repeat(new.min(1, keepdims=True) < before.min(1, keepdims=True), 7, 1))[..., part]),
            ("The candidates change, the margins stay: the child's margin takes its place too." if part == 3 else "The candidates stay as they were.",
             lambda: before if part == 3 else now)])
    small = call(function, np.array([[[0.2, 0.5, 0.9], [0, 0, 0.5], [0.4, 1, 0.1], [0, 0.2, 0]]]), np.full((1, 4), -1.0) + np.arange(4) * [2, 0, 0, 0] + [[1.5, 0, 0, 0]],
                 np.array([[1, 2, 3], [0, 2, 3], [0, 1, 3], [0, 1, 2]]), lambda c: np.full((1, 4), 0.25))
    equal("The first candidate of the example", np.asarray(small[0])[0, 0], [0.2, 0.4, 0.55])


@check
def eot(function: Callable) -> None:
    """Task 6: two layers, images shifted, dimmed and clipped; the gradient follows from the chain rule."""
    rng = seeded(6)
    x = rng.uniform(0.1, 0.9, [3, 4, 4, 1]).astype(np.float32)
    w, v = rng.normal(size=[16, 6]).astype(np.float32), rng.normal(size=[6, 2]).astype(np.float32)
    moves = [(1, 0, 1.0), (0, -1, 0.5), (-1, 1, 0.8), (2, 2, 0.6)]  # down, right, brightness
    transformations = [lambda images, down=down, right=right, light=light: light * tf.roll(tf.cast(images, tf.float32), [down, right], [1, 2])
                       for down, right, light in moves]

    def model(images: tf.Tensor, training: bool = False) -> tf.Tensor:
        shaped("What the model gets", images[0], x.shape[1:])
        return tf.tanh(tf.reshape(tf.cast(images, tf.float32), [-1, 16]) @ w) @ v

    def slope(at: np.ndarray, logits: np.ndarray | None = None) -> np.ndarray:
        """The gradient of softplus(logit 1 - logit 0) with respect to the model's input."""
        hidden = np.tanh(at.reshape(-1, 16) @ w)
        gap = (hidden @ v if logits is None else logits) @ [-1, 1]
        return (expit(gap)[:, None] * (v @ [-1, 1] * (1 - hidden**2)) @ w.T).reshape(at.shape)

    def moved(images: np.ndarray, down: int, right: int, light: float) -> np.ndarray:
        return light * np.roll(images, (down, right), (1, 2))

    copies = [moved(x, *move) for move in moves]
    mean_logits = np.mean([np.tanh(copy.reshape(-1, 16) @ w) @ v for copy in copies], 0)
    seen, chain = [slope(copy) for copy in copies], [(*np.sum(moves[:k], 0)[:2].astype(int), np.prod(moves[:k], 0)[2]) for k in (1, 2, 3, 4)]
    back = [moved(g, -down, -right, light) for g, (down, right, light) in zip(seen, moves)]
    expected = np.mean(back, 0)
    got = call(function, model, lambda logits: tf.nn.softplus(logits[..., 1] - logits[..., 0]), tf.constant(x), transformations, hints=TAPE)
    equal("eot_gradient(...)", got, expected, [
        ("This is the sum over the transformations, expected the mean.", lambda: 4 * expected),
        ("The losses are averaged over the batch too: each image has its own.", lambda: expected / 3),
        ("No transformation is applied: the model must see t(x).", lambda: slope(x)),
        ("The gradient is the one with respect to t(x), and its pixels lie elsewhere: ask for that with respect to x, with t inside the tape.",
         lambda: np.mean(seen, 0)),
        ("The model sees the mean of the transformed images: each copy has its own loss.", lambda: np.mean([moved(slope(np.mean(copies, 0)), -d, -r, q)
                                                                                                  for d, r, q in moves], 0)),
        ("The logits are averaged, then the loss is taken: average the losses.",
         lambda: np.mean([moved(slope(copy, mean_logits), -d, -r, q) for copy, (d, r, q) in zip(copies, moves)], 0)),
        ("Only the last transformation counts: add up all, then divide by their number.", lambda: back[-1]),
        ("Only the last transformation counts: add up all, then divide by their number.", lambda: back[-1] / 4),
        ("Only the first transformation counts.", lambda: back[0]), ("The signs are averaged: average the gradients.", lambda: np.mean(np.sign(back), 0)),
        ("The transformations follow one another: each is applied to x itself.", lambda: np.mean(
            [moved(slope(moved(x, *move)), -move[0], -move[1], move[2]) for move in chain], 0))], tolerance=1e-4)


def suspects(network: Model) -> dict[str, Model]:
    """The three models of task 7, images [N, 28, 28, 1] -> what they call logits [N, 10]."""
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
    """Task 7: which of the five rules each model of the table breaks, and whose gradient is masked. The truth is computed from the table."""
    broken, masked = results(function, call(function), "broken", "masked")
    require(isinstance(broken, dict) and broken.keys() == table.keys() and all(isinstance(rules, set | frozenset) and rules <= {1, 2, 3, 4, 5}
            for rules in broken.values()), 'broken is a dictionary from "A", "B", "C" to sets of numbers 1 to 5: {2, 3}, and set() for none.')
    require(isinstance(masked, str) and masked in table, 'masked is one of the letters "A", "B", "C".')
    truth = {letter: {number for number, is_broken in enumerate((
        row["asked twice"] > 0.01, row["no gradient"] > SLACK, row["PGD"] > row["FGSM"] + SLACK, row["PGD"] > row["transfer"] + SLACK,
        row["PGD, large radius"] > SLACK), 1) if is_broken} for letter, row in table.items()}
    hidden = max(table, key=lambda letter: table[letter]["no gradient"])
    require(broken == truth and masked == hidden, "Not all of it fits the table. Take one model after the other, and for each rule the two "
            "numbers that it compares; a rule may be kept by a model that hides its gradient, and broken by one that does not.")
