"""The checks of lab 03. Each raises `checks.CheckFailed` with one sentence; `trained` gives the model."""
import warnings
from collections.abc import Callable

import numpy as np

from utils import augment, checks, networks, training
from utils.data import Dataset
from utils.quiet import tf

layers = tf.keras.layers
RIGHT = ["relu"] * 4 + ["linear"]  # the activations of LeNet
HIDDEN = ["first convolution", "second convolution", "first dense layer", "second dense layer"]


@checks.check
def parameters(count_parameters: Callable) -> None:
    """Task 1: against what Keras counts; for the locally connected layer, one small dense layer for each place."""
    for side, k, maps in checks.inputs(((28, 5, 1), (12, 5, 16), (9, 2, 3)),
                                       lambda rng: rng.integers((8, 2, 2), (16, 6, 9), (3, 3)).tolist()):
        out = side - k + 1
        kinds = (
            ("dense", [side * side], layers.Dense(out * out * maps), 1),
            ("locally connected", [k * k], layers.Dense(maps), out * out),
            ("shared", [side, side, 1], layers.Conv2D(maps, k), 1))
        expected = [times * _count(shape, layer) for _, shape, layer, times in kinds]
        name = f"count_parameters({side}, {k}, {maps})"
        got = checks.call(count_parameters, side, k, maps)
        checks.require(np.asarray(got, dtype=object).shape == (3,),
                       f"{name} gives {got!r}, expected three numbers: return dense, local, shared.")
        checks.require(list(got) != expected[::-1],
                       "The order is dense, locally connected, shared: the most parameters first.")
        inputs = (side * side, k * k, k * k)
        weights = (out * out * maps, out * out * maps, maps)
        others = {"The output has side - k + 1 rows, one more than side - k.": side - k,
                  "Without padding the output is smaller than the image: side - k + 1 rows.": side}
        for place, (kind, *_) in enumerate(kinds):
            mistakes = {f"{kind}: the biases are missing.": inputs[place] * weights[place]}
            if place == 2:
                mistakes |= {"shared: a map has one bias, not one for each place.": k * k * maps + out * out * maps,
                             "shared: each map has a bias, not one for all maps together.": k * k * maps + 1,
                             "shared: the number of places does not count, that is the point of sharing.":
                                 (k * k + 1) * out * out * maps}
            else:
                mistakes |= {sentence: (inputs[place] + 1) * wrong**2 * maps for sentence, wrong in others.items()}
                mistakes |= {f"{kind}: each place of each map has a bias of its own, nothing is shared here.":
                             inputs[place] * weights[place] + maps}
            if maps > 1:
                mistakes |= {f"{kind}: this is the count for one map only.": expected[place] // maps}
            checks.same(f"{kind} in {name}", got[place], expected[place], mistakes, tolerance=1e-9)


def _count(shape: list[int], layer: tf.keras.layers.Layer) -> int:
    return tf.keras.Sequential([tf.keras.Input(shape), layer]).count_params()


@checks.check
def pooling(max_pool: Callable) -> None:
    """Task 2: against TensorFlow, on even and odd sizes and on negative numbers."""
    checks.written_out(max_pool)
    for shape in ((2, 4, 6, 3), (2, 5, 7, 1)):
        x = checks.generator(0).normal(size=shape).astype(np.float32) - 1
        n, h, w, c = shape[0], shape[1] // 2, shape[2] // 2, shape[3]
        even = x[:, :2 * h, :2 * w]
        pooled = tf.nn.max_pool2d(x, 2, 2, "VALID").numpy()
        checks.same(f"max_pool of shape {list(shape)}", checks.call(max_pool, x), pooled, {
            "This is the mean of the four: the largest was asked.": tf.nn.avg_pool2d(x, 2, 2, "VALID"),
            "Negative numbers are lost: do not start from 0.": np.maximum(pooled, 0),
            "This is the smallest of the four.": -tf.nn.max_pool2d(-x, 2, 2, "VALID").numpy(),
            "The window moves by one pixel: it moves by two, so that windows do not overlap.":
                tf.nn.max_pool2d(x, 2, 1, "VALID"),
            "This is one pixel of each window, not the largest of the four.": even[:, ::2, ::2],
            "A last row or column without partner is dropped: H // 2 rows, W // 2 columns.":
                tf.nn.max_pool2d(x, 2, 2, "SAME"),
            "The four are no neighbours: reshape made [2, H // 2, 2, W // 2] of [H, W], turn each pair round.":
                even.reshape(n, 2, h, 2, w, c).max(axis=(1, 3)),
            "The rows are pooled, the columns are not.": even.reshape(n, h, 2, 2 * w, c).max(axis=2),
            "The columns are pooled, the rows are not.": even.reshape(n, 2 * h, w, 2, c).max(axis=3),
            "The largest is taken over the channels too: each channel is pooled by itself.": pooled.max(axis=-1),
            "The largest is taken over the channels too: each channel has its own maximum.":
                np.repeat(pooled.max(axis=-1, keepdims=True), c, axis=-1)})


def _answers(x: tf.Tensor, weights: list[np.ndarray], activations: list[str] = RIGHT, pooling: str = "MAX") -> tf.Tensor:
    """The logits [N, 10] of LeNet with these weights (kernel, bias, kernel, ...), an activation for each of its five layers."""
    for place, (kernel, bias, activation) in enumerate(zip(weights[::2], weights[1::2], activations)):
        x = tf.nn.conv2d(x, kernel, 1, "VALID") if place < 2 else tf.reshape(x, [len(x), -1]) @ kernel
        x = tf.keras.activations.get(activation)(x + bias)
        if place < 2:
            x = tf.nn.pool(x, [2, 2], pooling, [2, 2], "VALID")
    return x


@checks.check
def architecture(build_lenet: Callable) -> None:
    """Task 3: shapes and number of parameters, then the function itself: `networks.lenet` with the same weights."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Keras warns of input_shape in the first layer, which is no mistake here
        model = checks.call(build_lenet)
    checks.require(isinstance(model, tf.keras.Model),
                   f"build_lenet gives a {type(model).__name__}: return a Keras model.")
    checks.require(model.built, "The model does not know the shape of its images yet: begin with "
                   "tf.keras.Input([28, 28, 1]).")
    checks.require(tuple(model.input_shape[1:]) == (28, 28, 1), "The images have shape "
                   f"{list(model.input_shape[1:])}, expected [28, 28, 1]: the number of images is not named.")
    reference = networks.lenet(padding="valid")
    count, expected = model.count_params(), reference.count_params()
    checks.require(count != expected + (5 * 5 - 4 * 4) * 16 * 120,
                   "The first maps are 28x28: leave the padding out, 24x24 was asked.")
    checks.require(count != expected + (8 * 8 - 4 * 4) * 16 * 120,
                   "There is no second pooling: [8, 8, 16] goes into the dense layers instead of [4, 4, 16].")
    convolutions = [layer.filters for layer in model.layers if isinstance(layer, layers.Conv2D)]
    checks.require(convolutions == [6, 16], f"The convolutions have {convolutions} filters, expected [6, 16].")
    units = [layer.units for layer in model.layers if isinstance(layer, layers.Dense)]
    checks.require(units == [120, 84, 10], f"The dense layers have {units} units, expected [120, 84, 10].")
    checks.require(count == expected, f"The model has {count:,} parameters, expected {expected:,}: are the filters "
                   "5x5, with biases?")
    rng = checks.generator(1)
    x = rng.random([8, 28, 28, 1]).astype(np.float32)
    # The biases too, which start at 0.
    weights = [rng.normal(0, 0.15, weight.shape).astype(np.float32) for weight in reference.get_weights()]
    for network in (model, reference):
        network.set_weights(weights)
    linear, relu = ["linear"], ["relu"]
    mistakes = {
        "The last layer has a softmax: logits were asked, leave its activation out.": (RIGHT[:4] + ["softmax"],),
        "The last layer has a ReLU: a logit may be negative.": (RIGHT[:4] + relu,),
        "The convolutions have no ReLU.": (2 * linear + 2 * relu + linear,),
        "The dense layers have no ReLU.": (2 * relu + 3 * linear,),
        "There is no ReLU at all: without it the whole network is one affine map, but for the pooling.": (5 * linear,),
        "The activation is a sigmoid: ReLU was asked.": (4 * ["sigmoid"] + linear,),
        "The activation is tanh, as in 1998: ReLU was asked.": (4 * ["tanh"] + linear,),
        "The pooling takes means: the largest was asked.": (RIGHT, "AVG")}
    mistakes |= {f"The {name} has no ReLU.": (RIGHT[:place] + linear + RIGHT[place + 1:],)
                 for place, name in enumerate(HIDDEN)}
    checks.same("Your network, with the weights of the check,", model(x), reference(x),
                {sentence: _answers(x, weights, *what) for sentence, what in mistakes.items()}, tolerance=1e-4)


@checks.check
def shifting(shift: Callable) -> None:
    """Task 4: against `augment.moved`, which is exact for whole pixels."""
    checks.written_out(shift)
    x = checks.generator(0).random([5, 9, 7, 1]).astype(np.float32)
    down, right = np.array([2, -1, 0, 3, 0]), np.array([1, 2, -3, 0, 0])

    def reference(down: np.ndarray, right: np.ndarray) -> np.ndarray:
        return augment.moved(tf.constant(x), down=down, right=right).numpy()

    before, got = x.copy(), checks.call(shift, x, down, right)
    checks.require(np.array_equal(x, before),
                   "shift changes the images that it is given: write the result into a new array.")
    size = max(np.abs(down).max(), np.abs(right).max())
    edge = np.pad(x, [(0, 0), (size, size), (size, size), (0, 0)], "edge")
    repeated = [image[size - d:size - d + 9, size - r:size - r + 7] for image, d, r in zip(edge, down, right)]
    checks.same("shift(images, down, right)", got, reference(down, right), {
        "What leaves on one side comes back on the other: black has to come in (np.roll does not do it).":
            np.stack([np.roll(image, (d, r), axis=(0, 1)) for image, d, r in zip(x, down, right)]),
        "down and right are swapped: the first axis of an image is down.": reference(right, down),
        "The images move the other way: down = 2 moves them down, their first two rows become black.":
            reference(-down, -right),
        "Up and down are swapped, right and left are right.": reference(-down, right),
        "Right and left are swapped, up and down are right.": reference(down, -right),
        "The edge is repeated: black, 0, has to come in.": np.stack(repeated),
        "All images move as the first one: each has its own shift.":
            reference(np.repeat(down[:1], 5), np.repeat(right[:1], 5)),
        "The images did not move.": x})
    for down, right in (([2, -1, 0, 5, 0], [1, 2, 6, 0, 0]), ([-2, -1, -3, -1, -2], [-1, -4, -1, -2, -1])):
        down, right = np.array(down), np.array(right)
        try:
            checks.same("shift(images, down, right)", checks.call(shift, x, down, right), reference(down, right))
        except checks.CheckFailed as failure:
            raise checks.CheckFailed(
                "Is the frame at least as wide as the largest shift, whatever its sign (np.abs)? With down = "
                f"{down.tolist()} and right = {right.tolist()}, {failure}") from None


class WithoutTest:
    """A data set that does not give its test images away."""

    def __init__(self, digits: Dataset):
        self._digits = digits

    def __getattr__(self, name: str):
        if name in ("x_test", "y_test"):
            raise checks.CheckFailed(f"The training looks at {name}. Test digits are for the end: train with x_train, and "
                                     "choose with x_val.")
        return getattr(self._digits, name)


@checks.check
def trained(train: Callable, digits: Dataset, floor: float) -> tf.keras.Model:
    """Task 5: `train` does not see the test digits; `floor` of them are right, and 85 % of them moved by 2 pixels each way."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Keras warns that fit does not shuffle a tf.data.Dataset
        model = checks.run(train, WithoutTest(digits))
    checks.require(callable(model), f"train gives a {type(model).__name__}: return the model, not what fit returns.")
    logits = training.predict(model, digits.x_test)
    checks.require(logits.shape == (len(digits.y_test), 10), f"The model gives shape {list(logits.shape)} for "
                   f"{len(digits.y_test)} digits, expected ten logits for each.")
    checks.require(not np.allclose(logits.sum(axis=1), 1, atol=1e-4),
                   "The model gives probabilities: take the softmax off, and train with from_logits=True.")

    def accuracy(images: np.ndarray) -> float:
        return 100 * training.evaluate(model, images, digits.y_test)

    right = accuracy(digits.x_test)
    if right < 100 * floor:
        checks.require(accuracy(255 * digits.x_test) < max(70, right + 8), "The model was trained on images from 0 to "
                       "255: leave them as they are, from 0 to 1.")
    checks.require(right > 20, f"The model is right for {right:.1f} % of the test digits, about as chance: was fit "
                   "called, with from_logits=True, and with a learning rate near 0.001?")
    checks.require(right >= 90, f"The model is right for {right:.1f} % of the test digits, {100 * floor:.1f} % is "
                   "required: does the rate fall over all steps, not epochs? Are the images still in [0, 1]?")
    checks.require(right >= 100 * floor, f"The model is right for {right:.2f} % of the test digits, "
                   f"{100 * floor:.1f} % is required: train for more epochs, change every batch by a small shift, or let "
                   "the learning rate fall.")
    moved = accuracy(augment.moved(tf.constant(digits.x_test), right=2, down=-2).numpy())
    checks.require(moved >= 85, f"Right for {right:.1f} % of the test digits, but for {moved:.1f} % of the "
                   "same digits 2 pixels away: shift the training images at random, another way in each epoch.")
    return model


@checks.check
def shifted(model: tf.keras.Model, digits: Dataset) -> None:
    """The hidden part of task 5: the test digits in another order, each moved its own way by up to 2 pixels."""
    rng, count = checks.generator(5), len(digits.y_test)
    order, (down, right) = rng.permutation(count), rng.integers(-2, 3, (2, count))
    images = augment.moved(tf.constant(digits.x_test[order]), down=down, right=right).numpy()
    accuracy = training.evaluate(model, images, digits.y_test[order])
    checks.require(accuracy >= 0.88, f"Right for {100 * accuracy:.1f} % of the test digits when each is moved its own way by up "
                   "to 2 pixels, 88 % is required: shift the training images in all directions.")


@checks.check
def exciting(most_exciting: Callable) -> None:
    """Task 6: on random maps with negative numbers, in which mean, size and maximum disagree."""
    checks.written_out(most_exciting)
    maps = checks.generator(0).normal(size=(30, 4, 3, 5)).astype(np.float32)
    maps[7, ..., 2] = -9  # large, but not exciting
    count, places = 4, range(30)

    def by(key: Callable) -> np.ndarray:
        return np.array([sorted(places, key=lambda n: -key(maps[n, ..., c]))[:count] for c in range(5)])

    expected = by(np.max)
    checks.same(f"most_exciting(maps, {count})", checks.call(most_exciting, maps, count), expected, {
        "The least excited images are listed: the largest response comes first.": by(lambda m: -m.max()),
        "The order within a row is turned round: the strongest comes first.": expected[:, ::-1],
        "This takes the mean over the places: how much a unit is excited is its largest response.": by(np.mean),
        "This takes the largest size: a large negative response does not excite.": by(lambda m: np.abs(m).max()),
        "The result has one column for each channel: one row was asked.": expected.T,
        "The sorting goes over the channels of one image (axis 1), not over the images of one channel.":
            np.argsort(-maps.max(axis=(1, 2)), axis=1)[:, :count],
        "The sorting goes over the channels of one image: np.argsort needs axis=0, the axis of the images.":
            np.argsort(-maps.max(axis=(1, 2)))[:count].T,
        "These are the responses with a minus: the numbers of the images were asked, np.argsort gives them.":
            np.sort(-maps.max(axis=(1, 2)), axis=0)[:count].T,
        "These are the responses: the numbers of the images were asked.":
            -np.sort(-maps.max(axis=(1, 2)), axis=0)[:count].T,
    }, tolerance=1e-6)


@checks.check
def mistakes(confusion: Callable, worst: Callable) -> None:
    """Task 7: on labels and logits made for it."""
    checks.written_out(confusion)
    checks.written_out(worst)
    rng = checks.generator(1)
    labels, answers = rng.integers(0, 4, 60), rng.integers(0, 4, 60)
    labels[:5], answers[:5] = 3, 1
    table = np.histogram2d(labels, answers, bins=[np.arange(5)] * 2)[0]
    checks.same("confusion(labels, answers, 4)", checks.call(confusion, labels, answers, 4), table, {
        "Rows and columns are swapped: a row is a true class, a column an answer.": table.T,
        "Each pair is counted once, however often it comes: matrix[labels, answers] += 1 does that, np.add.at counts.":
            table > 0,
        "These are fractions: counts were asked.": table / table.sum(axis=1, keepdims=True),
        "These are fractions: counts of images were asked.": table / table.sum(),
        "The right answers are missing on the diagonal.": table - np.diag(np.diag(table))})

    got = checks.call(confusion, labels % 3, answers % 3, 4)
    checks.same("confusion(labels, answers, 4), in which class 3 does not occur,", got,
                np.histogram2d(labels % 3, answers % 3, bins=[np.arange(5)] * 2)[0],
                {"The size is `classes`, also when the last class does not occur among the labels.":
                 np.histogram2d(labels % 3, answers % 3, bins=[np.arange(4)] * 2)[0]})

    logits = rng.normal(size=(40, 4)).astype(np.float32) * rng.uniform(0.3, 4, [40, 1]).astype(np.float32) + 3
    labels = np.where(rng.random(40) < 0.5, logits.argmax(axis=1), rng.integers(0, 4, 40))
    p = tf.nn.softmax(logits).numpy()[np.arange(40), labels]
    wrong = np.flatnonzero(logits.argmax(axis=1) != labels)

    def ordered(values: np.ndarray, numbers: np.ndarray = wrong) -> np.ndarray:
        return np.array(sorted(numbers, key=lambda n: values[n]))[:6]

    order = ordered(p)
    checks.same("worst(logits, labels, 6)", checks.call(worst, logits, labels, 6), order, {
        "The best of the mistakes come first: begin with the smallest probability of the true class.": ordered(-p),
        "Images that were answered right are among them.":
            ordered(-tf.nn.softmax(logits).numpy().max(axis=1), np.arange(40)),
        "These are ordered by the logit of the true class: logits of two images do not compare, probabilities do.":
            ordered(logits[np.arange(40), labels]),
        "These are numbers in a list of the mistakes: give their numbers among all images.":
            np.argsort(p[wrong], kind="stable")[:6],
        "These are probabilities: the numbers of the images were asked.": p[order]}, tolerance=1e-6)
    few = np.array([[0.2, 0, 0, 0],  # right, with p = 0.29
                    [0, 0.2, -9, -9],  # a mistake with p = 0.45
                    [0, 1, -9, -9], [0, 0.9, 0.9, 0.9],  # p = 0.27 and 0.12, margins -1 and -0.9
                    [998.5, 1000, 0, 0]], np.float32)  # p = 0.18
    with np.errstate(all="ignore"):
        got = checks.call(worst, few, np.zeros(5, int), 6)
    checks.same("worst(logits, labels, 6), with four mistakes,", got, [3, 4, 2, 1], {
        "Images that were answered right are among them: with fewer mistakes than `count`, fewer numbers come back.":
            [3, 4, 2, 0, 1],
        "These are ordered by the distance to the largest logit: the probability depends on all logits.": [4, 2, 3, 1],
        "The exponential of a logit of 1000 is infinite: subtract the largest logit of the image first.": [3, 2, 1, 4]})


@checks.check
def sliding(sliding_dense: Callable) -> None:
    """Task 8: one dense layer on each window, by a loop over the windows, for a window of 3x3 and one of 1x1."""
    rng = checks.generator(0)
    for side in (3, 1):
        maps = rng.normal(size=(2, 6, 5, 4)).astype(np.float32)
        kernel = rng.normal(size=(side * side * 4, 7)).astype(np.float32)
        bias = rng.normal(size=7).astype(np.float32)

        def windows(weights: np.ndarray, rows: int = 6, columns: int = 5, x: np.ndarray = maps) -> np.ndarray:
            each = [x[:, i:i + side, j:j + side].reshape(len(x), -1) @ weights
                    for i in range(rows - side + 1) for j in range(columns - side + 1)]
            return np.stack(each, axis=1).reshape(len(x), rows - side + 1, columns - side + 1, -1)

        cube = kernel.reshape(side, side, 4, 7)
        expected = windows(kernel) + bias
        margin = [(0, 0), *[((side - 1) // 2, side // 2)] * 2, (0, 0)]
        try:
            got = checks.call(sliding_dense, tf.constant(maps), tf.constant(kernel), tf.constant(bias), side)
        except checks.CheckFailed as failure:
            checks.require("depth" not in str(failure) and "dimensional" not in str(failure), "The kernel of a "
                           "convolution has the shape [side, side, channels in, channels out]: reshape the matrix.")
            raise
        checks.same(f"sliding_dense with windows of {side}x{side}", got, expected, {
            "The bias is missing.": expected - bias,
            "With padding SAME there are windows that reach over the border: use VALID.":
                windows(kernel, 6 + side - 1, 5 + side - 1, np.pad(maps, margin)) + bias,
            "There is a ReLU: the dense layer alone was asked.": np.maximum(expected, 0),
            "Flatten goes through the channels last: reshape to [side, side, channels, outputs], in this order.":
                windows(kernel.reshape(4, side, side, 7).transpose(1, 2, 0, 3).reshape(-1, 7)) + bias,
            "Rows and columns of the kernel are swapped.": windows(cube.transpose(1, 0, 2, 3).reshape(-1, 7)) + bias,
            "The kernel is flipped: tf.nn.conv2d does not flip, and neither may you.":
                windows(cube[::-1, ::-1].reshape(-1, 7)) + bias,
            "The windows move by their own size: they move by one.": expected[:, ::side, ::side],
            "The axes of the places are gone: [N, h, w, outputs] was asked.": expected[:, 0, 0]})
