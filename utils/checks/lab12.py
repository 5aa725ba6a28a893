"""The checks of lab 12: maps of what a network looks at, an image of a class, and a planted cue."""
from collections.abc import Callable
from functools import partial

import numpy as np
from scipy.special import softmax

from utils import other_versions_names
from utils.checks import CheckFailed, call, check, equal, message_of, require, results, run, seeded, slips
from utils.checks.lab12_inputs import Net, ascent, batch_of, compiled_gradient, covered, maps_with_places, path_with_gap, unit
from utils.checks.tapes import BACK, TENSORS, under_decorator
from utils.quiet import tf

__getattr__ = other_versions_names(__name__)

UNWATCHED = ("the tape cannot follow the computation. Call tape.watch on the images, and compute everything from the images to "
             "the value inside `with`, using TensorFlow's functions.")
TAPE = (*TENSORS, *slips.tape(UNWATCHED), ("out of bounds for array of dimension 0", "The gradient is None: " + UNWATCHED))


@check
def occlusion(function: Callable) -> None:
    """Task 1: 5 x 7 pixels of two channels, a window of 3, three classes; and the example."""
    rng, side, fill = seeded(6), 3, 0.3
    net, label = Net(rng, (5, 7, 2), 3), int(rng.integers(1, 3))  # not 0
    x = rng.uniform(0.4, 1, net.shape).astype(np.float32)
    clean = softmax(net.logits(x[None]))[0, label]

    def maps(label: int = label, of: Callable = partial(softmax, axis=1), **changed) -> np.ndarray:
        return of(net.logits(covered(x, side, **{"value": fill} | changed)))[:, label].reshape(3, 5)

    got = call(function, net, x, label, side, fill, hints=TENSORS)
    require(net.calls <= 4, f"The model is called {net.calls} times for 15 windows: put the covered copies into one array [15, "
            "H, W, C], and call it once. That is what makes it fast.")
    equal("occlusion(...)", got, maps(), [
        ("These are logits: softmax over the classes makes probabilities of them.", lambda: maps(of=lambda z: z)),
        ("Softmax goes over the windows, expected over the classes: axis 1.", lambda: maps(of=partial(softmax, axis=0))),
        ("The exponentials are not divided by their sum over the classes.", lambda: maps(of=np.exp)),
        *[(f"This is the probability of class {k}, expected that of class {label}.", lambda k=k: maps(k))
          for k in range(3) if k != label],
        ("This is the probability of the most probable class, expected that of `label`.",
         lambda: maps(of=lambda z: np.repeat(softmax(z, 1).max(1, keepdims=True), 3, 1))),
        *[("This is the change of the probability, expected the probability itself.", lambda way=way: way * (maps() - clean))
          for way in (1, -1)],
        ("This is the probability divided by that of the whole image, expected the probability itself.", lambda: maps() / clean),
        ("The windows are filled with 0, expected with `fill`.", lambda: maps(value=0)),
        ("The windows are filled with the mean of the image, expected with `fill`.", lambda: maps(value=x.mean())),
        ("The windows are multiplied by `fill`, expected set to it.", lambda: maps(value=fill * x)),
        ("`fill` is added to the windows, expected set.", lambda: maps(value=fill + x)),
        ("Everything but the window is covered: cover the window.", lambda: maps(outside=True)),
        *[(f"The window is one pixel too {word}: i:i + side has side rows.", lambda stop=stop: maps(stop=stop))
          for word, stop in (("small", 2), ("large", 4))],
        ("The window is shifted by one pixel: [i, j] is its upper left corner.", lambda: maps(start=1, stop=side + 1)),
        ("The window has [i, j] in its middle, expected as its upper left corner.", lambda: maps(start=-1, stop=side - 1)),
        ("Only the first channel is covered: cover all of them.", lambda: maps(parts=slice(0, 1))),
        ("The windows of earlier positions stay covered: each copy begins with x as it was given.", lambda: maps(stay=True)),
        ("The map is filled column by column: reshape reads row by row.", lambda: maps().ravel().reshape(3, 5, order="F")),
        ("The map is a list of values, expected [H - side + 1, W - side + 1].", lambda: maps().ravel())], tolerance=1e-4)

    def seen(images: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Two logits, 0 and the mean of the pixels that entry [0, 2] of the example covers."""
        return tf.reduce_mean(tf.cast(images, tf.float32)[:, :7, 2:9], [1, 2]) * [[0.0, 1]]

    left = 1 - np.outer(np.maximum(7 - np.arange(42), 0), np.maximum(7 - np.abs(np.arange(42) - 2), 0)) / 49
    equal("The map of the example", call(function, seen, np.ones([48, 48, 1], np.float32), 1, 7, 0.0, hints=TENSORS),
          1 / (1 + np.exp(-left)))


@check
def saliency(function: Callable) -> None:
    """Task 2: three images of three channels, four classes; the labels are not those of the highest logits."""
    rng = seeded(2)
    net = Net(rng, (4, 5, 3), 4, 0.3)
    x = rng.uniform(0, 1, [3, *net.shape]).astype(np.float32)
    z = net.logits(x)
    labels, p = np.argsort(z, 1)[[0, 1, 2], [0, 1, 2]], softmax(z, 1)
    one, top = np.eye(4)[labels], np.eye(4)[z.argmax(1)]
    g = net.gradient(x, one)
    own_p = np.sum(p * one, 1, keepdims=True)

    def map_of(pull: np.ndarray) -> np.ndarray:
        return np.abs(net.gradient(x, pull)).max(3)

    right = map_of(one)
    equal("saliency(model, x, labels)", call(function, net, tf.constant(x), labels, hints=TAPE), right, [
        ("The absolute value is missing: a pixel that lowers the logit matters too.", lambda: g.max(3)),
        ("The absolute value comes after the maximum: take it first, or a large negative derivative is lost.",
         lambda: np.abs(g.max(3))),
        *[(f"The channels are {word}, expected their maximum.", lambda of=of: of(np.abs(g), 3))
          for word, of in (("added up", np.sum), ("averaged", np.mean))],
        ("The signed channels are added up, so that they cancel: take the maximum of the absolute values.",
         lambda: np.abs(g.sum(3))),
        ("This is the length over the channels, expected the maximum of the absolute values.", lambda: np.linalg.norm(g, axis=3)),
        ("This is the minimum over the channels, expected the maximum.", lambda: np.abs(g).min(3)),
        ("Only the first channel counts, expected the maximum over all.", lambda: np.abs(g)[..., 0]),
        ("This is the derivative of a probability: where softmax is nearly 1 it is nearly 0. Take the logit.",
         lambda: map_of(own_p * (one - p))),
        ("This is the derivative of the cross-entropy, where the other classes take part: take the label's logit.",
         lambda: map_of(one - p)),
        ("This is the derivative of the sum of all logits: pick out the one of the label.", lambda: map_of(np.ones([3, 4]))),
        ("This is the logit of the class that the model chooses, expected that of `labels`.", lambda: map_of(top)),
        ("The label of the first image is used for all.", lambda: map_of(one[[0, 0, 0]])),
        ("Each image gets the logits of all labels: z[n, labels[n]] is its own. tf.gather needs batch_dims=1.",
         lambda: map_of(one.sum(0) + 0 * p)),
        ("The logits are averaged over the batch: take their sum, whose gradient is that of each image.", lambda: right / 3),
        ("The gradient is multiplied by the image, expected the gradient alone.", lambda: np.abs(g * x).max(3)),
        *[("The map is divided by its largest value, expected as it is.",
           lambda axes=axes: right / right.max(axes, keepdims=True)) for axes in ((1, 2), None)],
        ("The channels are still there, and signed: take the absolute value and the maximum over axis 3.", lambda: g)],
          tolerance=1e-4)
    pixels = tf.constant(0.5, shape=[2, 1, 1, 3])
    example = call(function, lambda images, training=False: tf.reshape(images, [-1, 3]) @ [[3.0, 0], [-5, 0], [0, 1]], pixels,
                   np.array([0, 1]), hints=TAPE)
    equal("The maps of the example", np.ravel(example), [5, 1])


@check
def smooth(function: Callable) -> None:
    """Task 3: a gradient with waves, five draws of noise."""
    rng, shape = seeded(3), (4, 3, 2)
    net = Net(rng, shape, 1, 0.8)
    x, noise = rng.uniform(0, 1, shape).astype(np.float32), rng.normal(scale=0.4, size=[5, *shape]).astype(np.float32)

    def gradient(images: np.ndarray) -> np.ndarray:
        batch_of("The images that gradient gets", images, shape)
        return net.gradient(np.asarray(images, float), np.ones([len(images), 1])).astype(np.float32)

    each, at = gradient(x + noise), gradient(x[None])
    equal("smooth_gradient(...)", call(function, gradient, x, noise), each.mean(0), [
        ("This is the sum over the noisy images, expected the mean.", lambda: each.sum(0)),
        ("The absolute values are averaged: average the gradients with their signs, so that noise cancels.",
         lambda: np.abs(each).mean(0)),
        ("The absolute value is taken, expected the signed mean.", lambda: np.abs(each.mean(0))),
        ("The noisy images are clipped: the noise is meant to be symmetric, so leave them.",
         lambda: gradient(np.clip(x + noise, 0, 1)).mean(0)),
        ("This is the gradient at the mean of the noisy images, expected the mean of the gradients.",
         lambda: gradient((x + noise).mean(0)[None])[0]),
        ("This is the gradient at x alone: the noise is missing.", lambda: at[0]),
        ("This is the gradient at the noise alone: add x.", lambda: gradient(noise).mean(0)),
        ("The noise is subtracted, expected added.", lambda: gradient(x - noise).mean(0)),
        ("The image is multiplied by the noise, expected noise added.", lambda: gradient(x * noise).mean(0)),
        ("The gradient at x itself is averaged in: only the noisy images count.", lambda: np.concatenate([each, at]).mean(0)),
        ("This is the difference from the gradient at x, expected the mean itself.", lambda: each.mean(0) - at[0]),
        ("The mean is multiplied by the image, expected the gradient alone.", lambda: x * each.mean(0)),
        *[("Only one of the noisy images counts: average over all.", lambda one=one: one) for one in each],
        ("This is the median, expected the mean.", lambda: np.median(each, 0)),
        ("The mean goes over all axes: average over axis 0, the noisy images.", lambda: each.mean()),
        *[(f"The mean goes over axis {axis}: average over axis 0, the noisy images.", lambda axis=axis: each.mean(axis))
          for axis in (1, 2, 3)],
        ("The gradients are not averaged yet: take the mean over axis 0.", lambda: each)], tolerance=1e-4)
    example = call(function, lambda images: images**2, np.full([1, 1, 1], 0.5, np.float32),
                   np.float32([0.1, -0.1]).reshape(2, 1, 1, 1))
    equal("The result of the example", np.ravel(example), [0.26])


@check
def integrated(function: Callable) -> None:
    """Task 4: twice, since a gap without its absolute value can be positive; then the example."""
    rng = seeded(4)
    for sign in (1, -1):
        integrated_once(function, rng, sign)
    x = np.float32([1, 2]).reshape(1, 2, 1)
    example = call(function, lambda images: tf.reduce_prod(tf.cast(images, tf.float32), [1, 2, 3]), x, 0 * x, 1, hints=TAPE)
    equal("attribution and gap of the example", np.append(*results(function, example, "attribution", "gap")), [1, 1, 0])


def integrated_once(function: Callable, rng: np.random.Generator, sign: int) -> None:
    """Waves along the path, so that the rules of integration differ, a baseline that is not 0, and a gap of that sign."""
    steps, midpoints, (waves, x, b, change) = 4, (np.arange(4) + 0.5) / 4, path_with_gap(rng, sign)

    def of(alphas: np.ndarray = midpoints, path: Callable = lambda a: b + a * (x - b), factor: object = x - b,
           reduce: Callable = lambda g: g.mean(0)) -> np.ndarray:
        return factor * reduce(waves.gradient(path(np.asarray(alphas, float).reshape(-1, 1, 1, 1))))

    ends, right = np.linspace(0, 1, steps + 1), of()
    found, gap = results(function, call(function, waves, x, b, steps, hints=TAPE), "attribution", "gap")
    late = "The gradients are taken at the ends of the steps: the midpoint rule takes them in the middle, at (k + 1/2) / steps."
    equal("The attribution", found, right, [
        (late, lambda: of(ends[1:])), (late, lambda: of(ends[:-1])), (late, lambda: of(np.linspace(0, 1, steps))),
        (late, lambda: of(ends)),
        ("This is the trapezoidal rule, expected the midpoint rule.", lambda: (of(ends[1:]) + of(ends[:-1])) / 2),
        ("The midpoints are one step too far: they are (k + 1/2) / steps for k = 0, 1, ..., steps - 1.",
         lambda: of(midpoints + 1 / steps)),
        ("The factor x - baseline is missing.", lambda: of(factor=1)),
        ("The factor is x, expected x - baseline: the baseline is not black here.", lambda: of(factor=x)),
        ("The factor is baseline - x, expected x - baseline.", lambda: of(factor=b - x)),
        ("The path begins at a black image, and the factor is x: it begins at the baseline.",
         lambda: of(path=lambda a: a * x, factor=x)),
        ("The path begins at a black image: it begins at the baseline.", lambda: of(path=lambda a: a * x)),
        ("The path is a * (x - baseline): add the baseline.", lambda: of(path=lambda a: a * (x - b))),
        ("The path leads away from the baseline, beyond x: baseline + a * (x - baseline).",
         lambda: of(path=lambda a: x + a * (x - b))),
        ("The path is baseline + a * x: it goes beyond x.", lambda: of(path=lambda a: b + a * x)),
        ("This is the gradient at x times x - baseline: average it over the path.", lambda: of([1])),
        ("This is the gradient at the baseline: average it over the path.", lambda: of([0])),
        ("This is the gradient in the middle of the path alone: average it over `steps` midpoints.", lambda: of([0.5])),
        ("The gradients are added up, expected their mean: each step has the length 1 / steps.",
         lambda: of(reduce=lambda g: g.sum(0))),
        ("Only the last midpoint counts: average over all of them.", lambda: of(reduce=lambda g: g[-1])),
        ("The absolute values are averaged: then the sum is no longer the change of f.",
         lambda: of(reduce=lambda g: np.abs(g).mean(0))),
        ("The attribution lacks its sign: leave out the absolute value.", lambda: np.abs(right)),
        ("The channels are added up: the attribution has the shape of x.", lambda: right.sum(2))], tolerance=1e-4)
    total = right.sum()
    equal("gap", gap, abs(total - change) / abs(change), [
        *[("gap is signed, expected its absolute value.", lambda way=way: way * (total - change) / change) for way in (1, -1)],
        ("gap is not divided by the change |f(x) - f(baseline)|.", lambda: abs(total - change)),
        ("gap is divided by the sum of the attribution, expected by the change |f(x) - f(baseline)|.",
         lambda: abs(total - change) / abs(total)),
        ("f(baseline) is missing: the change is f(x) - f(baseline).", lambda: abs(total - waves.exact(x)) / abs(waves.exact(x))),
        ("The sum goes over absolute values: add up the attribution with its signs.",
         lambda: abs(np.abs(right).sum() - change) / abs(change)),
        ("gap uses the mean of the attribution, expected its sum.", lambda: abs(right.mean() - change) / abs(change)),
        ("gap is in percent, expected a share.", lambda: 100 * abs(total - change) / abs(change)),
        ("This is the share that is explained, expected the one that is missing.", lambda: total / change)], tolerance=1e-3)


@check
def guided(function: Callable) -> None:
    """Task 5: all signs of value and gradient, zeros among them; then the same compiled."""
    rng, shape = seeded(5), (4, 3, 2)
    x = (rng.uniform(0.2, 2, shape) * rng.choice([-1, 1, 1], shape)).astype(np.float32)
    upstream = (rng.uniform(0.2, 2, shape) * rng.choice([-1, 1], shape)).astype(np.float32)
    x[0, 0], x[1, 0], upstream[0, 0] = 0, [1.5, -1.5], [0.7, 1.3]  # on the kink
    on, up = x > 0, upstream > 0
    decorated = ("Write @tf.custom_gradient in the line above def: the function then gives the value, and TensorFlow calls the "
                 "other one.")
    under = under_decorator(function, tf.constant(x), tf.constant(upstream))
    with tf.GradientTape() as tape:
        given = tf.constant(x)
        tape.watch(given)
        y = run(function, given) if under else call(function, given)
    require(not isinstance(y, tuple | list), decorated)
    equal("The value of guided_relu(x)", y, np.maximum(x, 0), [
        ("The value is x itself: the value is that of a ReLU, only the gradient differs.", lambda: x),
        ("The value is 1 where x is positive, expected x there.", lambda: on)])

    def gradient() -> tf.Tensor:
        slope = tape.gradient(y, given, output_gradients=tf.constant(upstream))
        require(slope is not None, "The gradient is None: " + decorated)
        return slope

    found = run(gradient, hints=BACK)
    equal("The gradient that guided_relu passes on", found, upstream * on * up, [
        ("This is the gradient of a plain ReLU: a negative gradient has to be stopped too.", lambda: upstream * on),
        ("Only the negative gradients are stopped: stop those too that come where x was not positive.", lambda: upstream * up),
        ("The gradient passes unchanged: stop it where x or it itself is not positive.", lambda: upstream),
        ("The gradient is 1 where it passes, expected the incoming one.", lambda: on & up),
        ("The incoming gradient is ignored: pass it on where it and x are positive.", lambda: on),
        ("The gradient is multiplied by x, expected by 0 or 1.", lambda: x * upstream * on * up),
        ("It passes where x or the gradient is positive, expected where both are.", lambda: upstream * (on | up)),
        ("The negative gradients pass, expected the positive ones.", lambda: upstream * on * ~up),
        ("It passes where x is negative, expected where x is positive.", lambda: upstream * ~on * up),
        ("The gradient passes where x is 0: only where x > 0.", lambda: upstream * (x >= 0) * up),
        ("The absolute value of the gradient passes: a negative one is stopped.", lambda: np.abs(upstream) * on)])
    try:
        again = compiled_gradient(function, x, upstream)
    except Exception as error:
        raise CheckFailed(f"In a compiled network guided_relu stops with {message_of(error).rstrip('.')}. "
                          "Use TensorFlow's functions, not NumPy's.") from None
    equal("The gradient in a compiled network", again, upstream * on * up)
    x, upstream = np.float32([2, 2, -2]), np.float32([3, -3, 3])
    equal("The value of the example", run(function, tf.constant(x)), [2, 2, 0])
    equal("What is passed on in the example", compiled_gradient(function, x, upstream), [3, 0, 0])


@check
def visualise(function: Callable) -> None:
    """Task 6: two images of two classes, six steps, some values at the edge of the box."""
    rng = seeded(6)
    net, labels = Net(rng, (4, 5, 1), 3, 0.6), rng.permutation(3)[:2]
    start, one, settings = rng.uniform(0, 1, [2, *net.shape]).astype(np.float32), np.eye(3)[labels], (0.5, 0.2, 0.05, 6)

    def run(pull: Callable = lambda p: one, rate: float = 0.5, decay: float = 0.2, weight: float = 0.05, steps: int = 6,
            **changed) -> np.ndarray:
        return ascent(net, start, pull, rate, decay, weight, steps, **changed)

    equal("visualise(...)", call(function, net, labels, tf.constant(start), *settings, hints=TAPE), run(), [
        *[(sentence, partial(run, **changed)) for sentence, changed in (
            ("The objective falls: it has to rise, so the step is added (ascent, not descent).", {"rate": -0.5}),
            ("The image leaves the box: clip it to [0, 1] after each step.", {"box": lambda x: x}),
            ("The gradient is not divided by its length.", {"way": lambda g: g}),
            ("All images are for the first label.", {"pull": lambda p: one[[0, 0]]}),
            ("The step is the sign of the gradient, expected the gradient divided by its length.", {"way": np.sign}),
            ("The length is that of the whole batch: each image has its own.", {"way": lambda g: g / np.linalg.norm(g)}),
            ("The gradient is divided by the square of its length: take the root.", {"way": lambda g: unit(g)**2 / g}),
            ("The gradient is divided by its largest value, expected by its length.",
             {"way": lambda g: g / np.abs(g).max((1, 2, 3), keepdims=True)}),
            ("The decay is missing: decay times the sum of the squares is subtracted.", {"decay": 0}),
            ("The decay is added: it is subtracted, so that large values cost.", {"decay": -0.2}),
            ("The decay takes the sum of the values, expected that of their squares.", {"shrink": np.ones_like}),
            ("The decay takes the root of the sum of the squares, expected the sum.", {"shrink": unit}),
            ("The decay has half of its gradient: the derivative of x^2 is 2x.", {"decay": 0.1}),
            ("The total variation is missing.", {"weight": 0}), ("Both penalties are missing.", {"weight": 0, "decay": 0}),
            ("The total variation is added: it is subtracted, so that the image gets smooth.", {"weight": -0.05}),
            ("Both penalties are added: they are subtracted.", {"weight": -0.05, "decay": -0.2}),
            ("The total variation compares pixels of a column only: neighbours in a row count too.", {"axes": (1,)}),
            ("The total variation compares pixels of a row only: neighbours in a column count too.", {"axes": (2,)}),
            ("The objective has the probability, expected the logit.",
             {"pull": lambda p: np.sum(p * one, 1, keepdims=True) * (one - p)}),
            ("The objective has the logarithm of the probability, expected the logit.", {"pull": lambda p: one - p}),
            ("All logits are raised: pick out the one of each label.", {"pull": np.ones_like}),
            ("Each image is for all labels: z[n, labels[n]], one logit for each.", {"pull": lambda p: one[:1] + one[1:] + 0 * p}),
            ("There is one step too few.", {"steps": 5}), ("There is one step too many.", {"steps": 7}),
            ("Only one step is taken: the next one begins at the new image.", {"steps": 1}),
            ("No step is taken: return the new image.", {"steps": 0}))],
        ("The image is clipped at the end only: clip it after each step.", lambda: np.clip(run(box=lambda x: x), 0, 1)),
        ("This is the change of the image, expected the image.", lambda: run() - start)], tolerance=1e-3)
    for steps, expected in ((1, 0.7), (2, 1)):
        pixel = tf.constant(0.2, shape=[1, 1, 1, 1])
        got = call(function, lambda images, training=False: 2 * tf.reshape(images, [-1, 1]), np.array([0]), pixel, 0.5, 0.5, 0.0,
                   steps, hints=TAPE)
        equal(f"The pixel of the example after {steps} step{'s' * (steps > 1)}", np.ravel(got), [expected])


@check
def cue(window: Callable, accuracy: Callable) -> None:
    """Task 7: six maps in which each mistake finds another place, maps whose last window is the strongest, the example,
    and 200 images.
    """
    rng, side = seeded(7), 3
    maps = maps_with_places(rng)

    def best(of: Callable = lambda m: np.abs(m).mean(0), pick: Callable = np.argmax, side: int = side) -> np.ndarray:
        sums = np.lib.stride_tricks.sliding_window_view(of(maps), (side, side)).sum((2, 3))
        return np.array(np.unravel_index(pick(sums), sums.shape))

    got = results(window, call(window, maps, side), "row", "column")
    equal("strongest_window(maps, side)", np.asarray(got), best(), [
        ("The signed maps are averaged, so that they cancel: take the absolute values first.", lambda: best(lambda m: m.mean(0))),
        ("The absolute value comes after the mean: take it first.", lambda: best(lambda m: np.abs(m.mean(0)))),
        ("One strong map decides here: take the mean of the absolute values, not their maximum or their squares.",
         lambda: best(lambda m: np.abs(m).max(0))),
        ("This is the median of the absolute values, expected their mean.", lambda: best(lambda m: np.median(np.abs(m), 0))),
        ("This is the strongest pixel, expected the window with the largest sum.", lambda: best(side=1)),
        ("This is the first window with the strongest pixel, expected that with the largest sum.",
         lambda: np.maximum(best(side=1) - side + 1, 0)),
        ("The window is one pixel too small.", lambda: best(side=side - 1)),
        ("The window is one pixel too large.", lambda: best(side=side + 1)),
        ("Row and column are swapped.", lambda: best()[::-1]),
        ("This is the middle of the window, expected its upper left corner.", lambda: best() + 1),
        ("This is the window with the smallest sum.", lambda: best(pick=np.argmin)),
        ("Only the first map counts: average over all of them.", lambda: best(lambda m: np.abs(m[0])))])
    corner = (rng.uniform(0.8, 1, [4, 6, 7]) * rng.choice([-1, 1], [4, 6, 7])).astype(np.float32)
    corner[:, -side:, -side:] *= 10
    found = results(window, call(window, corner, side), "row", "column")
    require(np.array_equal(found, [3, 4]), "The last row or column of windows is left out: "
            "in H rows there are H - side + 1 places for a window, in W columns W - side + 1.")
    example = np.float32([[[1, 0, 2], [0, 1, 2]], [[-1, 0, 2], [0, 1, -2]]])
    equal("strongest_window of the example", np.asarray(results(window, call(window, example, 2), "row", "column")), [0, 1])
    net, (row, column), fill = Net(rng, (5, 7, 2), 3, 1.5), rng.permutation([0, 1, 2])[:2], 0.35
    x = rng.uniform(0, 1, [200, *net.shape]).astype(np.float32)

    def said(row: int = row, column: int = column, side: int = side, fill: float = fill, outside: bool = False,
             parts: slice = slice(None)) -> np.ndarray:
        there = np.zeros(net.shape, bool)
        there[row:row + side, column:column + side, parts] = True
        return net.logits(np.where(there ^ outside, fill, x)).argmax(1)

    labels = np.where(rng.random(200) < 0.7, said(), rng.integers(0, 3, 200))

    def share(**changed) -> float:
        return np.mean(said(**changed) == labels)

    equal("accuracy_without(...)", call(accuracy, net, x, labels, int(row), int(column), side, fill, hints=TENSORS), share(), [
        ("Only the first channel is covered: cover all of them.", lambda: share(parts=slice(0, 1))),
        ("This is the accuracy with the window as it was: cover it.", lambda: share(side=0)),
        ("This is the share of wrong answers.", lambda: 1 - share()),
        *[("This is a number or a percentage, expected the share of right answers.", lambda n=n: n * share())
          for n in (100, 200)],
        *[("This is the change of the accuracy, expected the accuracy without the window.",
           lambda way=way: way * (share() - share(side=0))) for way in (1, -1)],
        ("The answers are compared with those before, expected with the labels.", lambda: np.mean(said() == said(side=0))),
        ("Row and column are swapped in the window.", lambda: share(row=column, column=row)),
        ("The window is filled with 0, expected with `fill`.", lambda: share(fill=0)),
        ("Everything but the window is covered.", lambda: share(outside=True)),
        *[(f"The window is one pixel too {word}.", lambda n=n: share(side=side + n))
          for word, n in (("small", -1), ("large", 1))],
        ("The window is shifted by one pixel.", lambda: share(row=row + 1, column=column + 1))])
