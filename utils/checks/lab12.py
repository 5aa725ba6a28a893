"""The checks of lab 12: maps of what a network looks at, an image of a class, and a planted cue."""
from collections.abc import Callable
from functools import partial

import numpy as np
from scipy.special import softmax

from utils import other_versions_names
from utils.checks import CheckFailed, call, check, equal, message_of, own, require, results, run, seeded
from utils.checks.lab12_inputs import ascent, compiled_gradient, covered, maps_with_places, path_with_gap, slopes, unit
from utils.checks.nets import batch_of, cross_entropy, gradient, label_logit, tanh_net
from utils.checks.tapes import TAPE, TENSORS, passed_back, under_decorator
from utils.quiet import tf

__getattr__ = other_versions_names(__name__)


@check
def occlusion(function: Callable) -> None:
    """Task 1: 5 x 7 pixels of two channels, a window of 3, three classes; and the example."""
    rng, side, fill = seeded(6), 3, 0.3
    net, label = tanh_net(rng, (5, 7, 2), 3), int(rng.integers(1, 3))  # not 0
    x = rng.uniform(0.4, 1, net.shape).astype(np.float32)

    def maps(label: int = label, of: Callable = partial(softmax, axis=1), **changed) -> np.ndarray:
        return of(net(covered(x, side, **{"value": fill} | changed)).numpy())[:, label].reshape(3, 5)

    got, asked = call(function, net, x, label, side, fill, hints=TENSORS), net.calls
    require(asked <= 4, f"The model is called {asked} times for 15 windows: put the covered copies into one array [15, H, W, C], "
            "and call it once. That is what makes it fast.")
    right, clean = maps(), softmax(net(x[None]).numpy())[0, label]
    equal("occlusion(...)", got, right, [
        ("These are logits: softmax over the classes makes probabilities of them.", maps(of=np.positive)),
        ("Softmax goes over the windows, expected over the classes: axis 1.", maps(of=partial(softmax, axis=0))),
        ("The exponentials are not divided by their sum over the classes.", maps(of=np.exp)),
        *((f"This is the probability of class {k}, expected that of class {label}.", maps(k)) for k in range(3) if k != label),
        ("This is the probability of the most probable class, expected that of `label`.",
         maps(of=lambda z: np.repeat(softmax(z, 1).max(1, keepdims=True), 3, 1))),
        ("This is the change of the probability, expected the probability itself.", right - clean, clean - right),
        ("This is the probability divided by that of the whole image, expected the probability itself.", right / clean),
        ("The windows are filled with 0, expected with `fill`.", maps(value=0)),
        ("The windows are filled with the mean of the image, expected with `fill`.", maps(value=x.mean())),
        ("The windows are multiplied by `fill`, expected set to it.", maps(value=fill * x)),
        ("`fill` is added to the windows, expected set.", maps(value=fill + x)),
        ("Everything but the window is covered: cover the window.", maps(outside=True)),
        ("The window is one pixel too small: i:i + side has side rows.", maps(stop=2)),
        ("The window is one pixel too large: i:i + side has side rows.", maps(stop=4)),
        ("The window is shifted by one pixel: [i, j] is its upper left corner.", maps(start=1, stop=side + 1)),
        ("The window has [i, j] in its middle, expected as its upper left corner.", maps(start=-1, stop=side - 1)),
        ("Only the first channel is covered: cover all of them.", maps(parts=slice(0, 1))),
        ("The windows of earlier positions stay covered: each copy begins with x as it was given.", maps(stay=True)),
        ("The map is filled column by column: reshape reads row by row.", right.ravel().reshape(3, 5, order="F")),
        ("The map is a list of values, expected [H - side + 1, W - side + 1].", right.ravel())], tolerance=1e-4)

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
    net = tanh_net(rng, (4, 5, 3), 4, 0.3)
    x = rng.uniform(0, 1, [3, *net.shape]).astype(np.float32)
    labels = np.argsort(net(x).numpy(), 1)[[0, 1, 2], [0, 1, 2]]
    g = gradient(net, x, labels)

    def map_of(value: Callable, labels: np.ndarray = labels) -> np.ndarray:
        return np.abs(gradient(net, x, labels, value)).max(3)

    got, right = call(function, net, tf.constant(x), labels, hints=TAPE), np.abs(g).max(3)
    equal("saliency(model, x, labels)", got, right, [
        ("The absolute value is missing: a pixel that lowers the logit matters too.", g.max(3)),
        ("The absolute value comes after the maximum: take it first, or a large negative derivative is lost.", np.abs(g.max(3))),
        ("The channels are added up, expected their maximum.", np.abs(g).sum(3)),
        ("The channels are averaged, expected their maximum.", np.abs(g).mean(3)),
        ("The signed channels are added up, so that they cancel: take the maximum of the absolute values.", np.abs(g.sum(3))),
        ("This is the length over the channels, expected the maximum of the absolute values.", np.linalg.norm(g, axis=3)),
        ("This is the minimum over the channels, expected the maximum.", np.abs(g).min(3)),
        ("Only the first channel counts, expected the maximum over all.", np.abs(g)[..., 0]),
        ("This is the derivative of a probability: where softmax is nearly 1 it is nearly 0. Take the logit.",
         map_of(lambda y, z: label_logit(y, tf.nn.softmax(z)))),
        ("This is the derivative of the cross-entropy, with all classes in it: take the label's logit.", map_of(cross_entropy)),
        ("This is the derivative of the sum of all logits: pick out the one of the label.", map_of(lambda y, z: z)),
        ("This is the logit of the class that the model chooses, not of the label's.", map_of(lambda y, z: tf.reduce_max(z, 1))),
        ("The label of the first image is used for all.", map_of(label_logit, labels[[0, 0, 0]])),
        ("Each image gets the logits of all labels: z[n, labels[n]] is its own. tf.gather needs batch_dims=1.",
         map_of(lambda y, z: tf.gather(z, y, axis=1))),
        ("The gradient is multiplied by the image, expected the gradient alone.", np.abs(g * x).max(3)),
        ("The map is divided by its maximum, expected as it is.", right / right.max(), right / right.max((1, 2), keepdims=True)),
        ("The channels are still there, and signed: take the absolute value and the maximum over axis 3.", g)], tolerance=1e-4)
    pixels = tf.constant(0.5, shape=[2, 1, 1, 3])
    example = call(function, lambda images, training=False: tf.reshape(images, [-1, 3]) @ [[3.0, 0], [-5, 0], [0, 1]], pixels,
                   np.array([0, 1]), hints=TAPE)
    equal("The maps of the example", np.ravel(example), [5, 1])


@check
def smooth(function: Callable) -> None:
    """Task 3: a gradient with waves, five draws of noise."""
    rng, shape = seeded(3), (4, 3, 2)
    net = tanh_net(rng, shape, 1, 0.8)
    x, noise = rng.uniform(0, 1, shape).astype(np.float32), rng.normal(scale=0.4, size=[5, *shape]).astype(np.float32)

    def of(images: np.ndarray) -> np.ndarray:
        batch_of("The images that gradient gets", images, shape)
        return slopes(net, images)

    each, at = of(x + noise), of(x[None])
    mean = each.mean(0)
    equal("smooth_gradient(...)", call(function, of, x, noise), mean, [
        ("The absolute values are averaged: average the gradients with their signs, so noise cancels.", np.abs(each).mean(0)),
        ("The absolute value is taken, expected the signed mean.", np.abs(mean)),
        ("The noisy images are clipped: the noise is to be symmetric, so leave them.", of(np.clip(x + noise, 0, 1)).mean(0)),
        ("This is the gradient at the mean of the noisy images: take the mean of the gradients.", of(x + noise.mean(0)[None])[0]),
        ("This is the gradient at x alone: the noise is missing.", at[0]),
        ("This is the gradient at the noise alone: add x.", of(noise).mean(0)),
        ("The noise is subtracted, expected added.", of(x - noise).mean(0)),
        ("The image is multiplied by the noise, expected noise added.", of(x * noise).mean(0)),
        ("The gradient at x itself is averaged in: only the noisy images count.", np.concatenate([each, at]).mean(0)),
        ("This is the difference from the gradient at x, expected the mean itself.", mean - at[0]),
        ("The mean is multiplied by the image, expected the gradient alone.", x * mean),
        ("Only one of the noisy images counts: average over all.", *each),
        ("This is the median, expected the mean.", np.median(each, 0)),
        ("The mean goes over all axes: average over axis 0, the noisy images.", each.mean()),
        *((f"The mean goes over axis {axis}: average over axis 0, the noisy images.", each.mean(axis)) for axis in (1, 2, 3))],
          tolerance=1e-4)
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
    alphas, (waves, x, b, change) = (np.arange(4) + 0.5) / 4, path_with_gap(rng, sign)

    def of(alphas: np.ndarray = alphas, start: np.ndarray = b, way: np.ndarray = x - b, factor: np.ndarray | float = x - b,
           reduce: Callable = partial(np.mean, axis=0)) -> np.ndarray:
        return factor * reduce(slopes(waves, start + np.reshape(alphas, [-1, 1, 1, 1]) * way))

    def value(images: tf.Tensor) -> tf.Tensor:
        batch_of("The images that value gets", images, waves.shape)
        return waves(images)[:, 0]

    ends, right = np.linspace(0, 1, 5), of()
    total = right.sum()
    found, gap = results(function, call(function, value, x, b, 4, hints=TAPE), "attribution", "gap")
    equal("The attribution", found, right, [
        ("The gradients are taken at the ends of the steps: the midpoint rule takes them in the middle, at (k + 1/2) / steps.",
         of(ends[1:]), of(ends[:-1]), of(np.linspace(0, 1, 4)), of(ends)),
        ("This is the trapezoidal rule, expected the midpoint rule.", (of(ends[1:]) + of(ends[:-1])) / 2),
        ("The midpoints are one step too far: they are (k + 1/2) / steps for k = 0, 1, ..., steps - 1.", of(alphas + 1 / 4)),
        ("The factor x - baseline is missing.", of(factor=1)),
        ("The factor is x, expected x - baseline: the baseline is not black here.", of(factor=x)),
        ("The factor is baseline - x, expected x - baseline.", -right),
        ("The path begins at a black image, and the factor is x: it begins at the baseline.", of(start=0, way=x, factor=x)),
        ("The path begins at a black image: it begins at the baseline.", of(start=0, way=x)),
        ("The path is a * (x - baseline): add the baseline.", of(start=0)),
        ("The path leads away from the baseline, beyond x: baseline + a * (x - baseline).", of(start=x)),
        ("The path is baseline + a * x: it goes beyond x.", of(way=x)),
        ("This is the gradient at x times x - baseline: average it over the path.", of([1])),
        ("This is the gradient at the baseline: average it over the path.", of([0])),
        ("This is the gradient in the middle of the path alone: average it over `steps` midpoints.", of([0.5])),
        ("Only the last midpoint counts: average over all of them.", of(alphas[3:])),
        ("The absolute values are averaged: then the sum is no longer the change of f.", of(reduce=lambda g: np.abs(g).mean(0))),
        ("The channels are added up: the attribution has the shape of x.", right.sum(2))], tolerance=1e-4)

    def missing(total: float, change: float = change) -> float:
        return abs(total - change) / abs(change)

    equal("gap", gap, missing(total), [
        ("gap is signed, expected its absolute value.", -missing(total)),
        ("gap is not divided by the change |f(x) - f(baseline)|.", abs(total - change)),
        ("gap is divided by the sum of the attribution, expected by the change |f(x) - f(baseline)|.", missing(change, total)),
        ("f(baseline) is missing: the change is f(x) - f(baseline).", missing(total, float(waves(x[None]).numpy()[0, 0]))),
        ("The sum goes over absolute values: add up the attribution with its signs.", missing(np.abs(right).sum())),
        ("gap uses the mean of the attribution, expected its sum.", missing(right.mean())),
        ("This is the share that is explained, expected the one that is missing.", total / change)], tolerance=1e-3)


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
    if not under_decorator(function, tf.constant(x), tf.constant(upstream)):
        own(function)
    y, gradient = passed_back(function, x, upstream, decorated)
    require(not isinstance(y, tuple | list), decorated)
    equal("The value of guided_relu(x)", y, np.maximum(x, 0), [
        ("The value is x itself: the value is that of a ReLU, only the gradient differs.", x),
        ("The value is 1 where x is positive, expected x there.", on)])
    equal("The gradient that guided_relu passes on", gradient(), upstream * on * up, [
        ("This is the gradient of a plain ReLU: a negative gradient has to be stopped too.", upstream * on),
        ("Only the negative gradients are stopped: stop those too that come where x was not positive.", upstream * up),
        ("The gradient passes unchanged: stop it where x or it itself is not positive.", upstream),
        ("The gradient is 1 where it passes, expected the incoming one.", on & up),
        ("The incoming gradient is ignored: pass it on where it and x are positive.", on),
        ("The gradient is multiplied by x, expected by 0 or 1.", x * upstream * on * up),
        ("It passes where x or the gradient is positive, expected where both are.", upstream * (on | up)),
        ("The negative gradients pass, expected the positive ones.", upstream * on * ~up),
        ("It passes where x is negative, expected where x is positive.", upstream * ~on * up),
        ("The gradient passes where x is 0: only where x > 0.", upstream * (x >= 0) * up),
        ("The absolute value of the gradient passes: a negative one is stopped.", np.abs(upstream) * on)])
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
    net, labels = tanh_net(rng, (4, 5, 1), 3, 0.6), rng.permutation(3)[:2]
    start = rng.uniform(0, 1, [2, *net.shape]).astype(np.float32)
    settings = {"rate": 0.5, "decay": 0.2, "weight": 0.05, "steps": 6}

    def run(labels: np.ndarray = labels, **changed) -> np.ndarray:
        return ascent(net, labels, start, **settings | changed)

    got, free = call(function, net, labels, tf.constant(start), *settings.values(), hints=TAPE), (-9, 9)
    equal("visualise(...)", got, run(), [
        *[(sentence, partial(run, **changed)) for sentence, changed in (
            ("The objective falls: it has to rise, so the step is added (ascent, not descent).", {"rate": -0.5}),
            ("The image leaves the box: clip it to [0, 1] after each step.", {"box": free}),
            ("The gradient is not divided by its length.", {"way": np.positive}),
            ("All images are for the first label.", {"labels": labels[[0, 0]]}),
            ("The step is the sign of the gradient, expected the gradient divided by its length.", {"way": np.sign}),
            ("The length is that of the whole batch: each image has its own.", {"way": lambda g: g / np.linalg.norm(g)}),
            ("The gradient is divided by the square of its length: take the root.", {"way": lambda g: unit(g)**2 / g}),
            ("The gradient is divided by its largest value, expected by its length.",
             {"way": lambda g: g / np.abs(g).max((1, 2, 3), keepdims=True)}),
            ("The decay is missing: decay times the sum of the squares is subtracted.", {"decay": 0}),
            ("The decay is added: it is subtracted, so that large values cost.", {"decay": -0.2}),
            ("The decay takes the sum of the values, expected that of their squares.", {"cost": tf.identity}),
            ("The decay takes the root of the sum of squares, expected the sum.", {"cost": lambda x: tf.norm(x, axis=[1, 2])}),
            ("The decay has half of its gradient: the derivative of x^2 is 2x.", {"decay": 0.1}),
            ("The total variation is missing.", {"weight": 0}), ("Both penalties are missing.", {"weight": 0, "decay": 0}),
            ("The total variation is added: it is subtracted, so that the image gets smooth.", {"weight": -0.05}),
            ("Both penalties are added: they are subtracted.", {"weight": -0.05, "decay": -0.2}),
            ("The total variation compares pixels of a column only: neighbours in a row count too.", {"axes": (1,)}),
            ("The total variation compares pixels of a row only: neighbours in a column count too.", {"axes": (2,)}),
            ("The objective has the probability, expected the logit.", {"value": lambda y, z: label_logit(y, tf.nn.softmax(z))}),
            ("The objective has the logarithm of a probability, not the logit.", {"value": lambda y, z: -cross_entropy(y, z)}),
            ("All logits are raised: pick out the one of each label.", {"value": lambda y, z: z}),
            ("Each image is for all labels: z[n, labels[n]] is its own.", {"value": lambda y, z: tf.gather(z, y, axis=1)}),
            ("There is one step too few.", {"steps": 5}), ("There is one step too many.", {"steps": 7}),
            ("Only one step is taken: the next one begins at the new image.", {"steps": 1}),
            ("No step is taken: return the new image.", {"steps": 0}))],
        ("The image is clipped at the end only: clip it after each step.", np.clip(run(box=free), 0, 1)),
        ("This is the change of the image, expected the image.", run() - start)], tolerance=1e-3)
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
        ("The signed maps are averaged, so that they cancel: take the absolute values first.", best(lambda m: m.mean(0))),
        ("The absolute value comes after the mean: take it first.", best(lambda m: np.abs(m.mean(0)))),
        ("One strong map decides here: take the mean of the absolute values, not their maximum or their squares.",
         best(lambda m: np.abs(m).max(0))),
        ("This is the median of the absolute values, expected their mean.", best(lambda m: np.median(np.abs(m), 0))),
        ("This is the strongest pixel, expected the window with the largest sum.", best(side=1)),
        ("This is the first window with the strongest pixel, not that with the largest sum.", np.maximum(best(side=1) - 2, 0)),
        ("The window is one pixel too small.", best(side=side - 1)),
        ("The window is one pixel too large.", best(side=side + 1)),
        ("Row and column are swapped.", best()[::-1]),
        ("This is the middle of the window, expected its upper left corner.", best() + 1),
        ("This is the window with the smallest sum.", best(pick=np.argmin)),
        ("Only the first map counts: average over all of them.", best(lambda m: np.abs(m[0])))])
    corner = (rng.uniform(0.8, 1, [4, 6, 7]) * rng.choice([-1, 1], [4, 6, 7])).astype(np.float32)
    corner[:, -side:, -side:] *= 10
    found = results(window, call(window, corner, side), "row", "column")
    require(np.array_equal(found, [3, 4]), "The last row or column of windows is left out: "
            "in H rows there are H - side + 1 places for a window, in W columns W - side + 1.")
    example = np.float32([[[1, 0, 2], [0, 1, 2]], [[-1, 0, 2], [0, 1, -2]]])
    equal("strongest_window of the example", np.asarray(results(window, call(window, example, 2), "row", "column")), [0, 1])
    net, (row, column), fill = tanh_net(rng, (5, 7, 2), 3, 1.5), rng.permutation([0, 1, 2])[:2], 0.35
    x = rng.uniform(0, 1, [200, *net.shape]).astype(np.float32)

    def said(row: int = row, column: int = column, side: int = side, fill: float = fill, outside: bool = False,
             parts: slice = slice(None)) -> np.ndarray:
        there = np.zeros(net.shape, bool)
        there[row:row + side, column:column + side, parts] = True
        return net(np.where(there ^ outside, fill, x)).numpy().argmax(1)

    labels = np.where(rng.random(200) < 0.7, said(), rng.integers(0, 3, 200))

    def share(**changed) -> float:
        return np.mean(said(**changed) == labels)

    right, before = share(), share(side=0)
    equal("accuracy_without(...)", call(accuracy, net, x, labels, int(row), int(column), side, fill, hints=TENSORS), right, [
        ("Only the first channel is covered: cover all of them.", share(parts=slice(0, 1))),
        ("This is the accuracy with the window as it was: cover it.", before), ("This is the share of wrong answers.", 1 - right),
        ("This is the number of right answers, expected their share.", 200 * right),
        ("This is the change of the accuracy, expected the accuracy without the window.", right - before, before - right),
        ("The answers are compared with those before, expected with the labels.", np.mean(said() == said(side=0))),
        ("Row and column are swapped in the window.", share(row=column, column=row)),
        ("The window is filled with 0, expected with `fill`.", share(fill=0)),
        ("Everything but the window is covered.", share(outside=True)),
        ("The window is one pixel too small.", share(side=2)), ("The window is one pixel too large.", share(side=4)),
        ("The window is shifted by one pixel.", share(row=row + 1, column=column + 1))])
