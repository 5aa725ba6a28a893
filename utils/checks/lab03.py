"""The checks of lab 03: a CNN that reads digits. `trained` gives the model."""
import warnings
from collections.abc import Callable
from functools import partial

import numpy as np
from scipy.special import softmax

from utils import augment, networks, other_versions_names
from utils.checks import (attempt, call, check, equal, inputs, names_used, own, python_function, require, results, seeded,
                          shaped, written_out)
from utils.checks.trained import logits_of, own_training, without_test_set
from utils.data import Dataset
from utils.quiet import tf
from utils.training import evaluate

__getattr__ = other_versions_names(__name__)

layers = tf.keras.layers
RELU = ["relu"] * 4 + ["linear"]  # the activations of LeNet
EVEN = "Cut x to an even number of rows and columns first: 2 * (H // 2) and 2 * (W // 2)."
ONE_IMAGE = "The shape of one image is [28, 28, 1], with its channel last; the number of images is not named."
FRAME = "Is each window H rows and W columns long, and the frame as wide as the largest shift, whatever its sign (np.abs)?"
SLICES = "[:-d] is empty for d = 0, and for d < 0 it counts from the other side: treat these apart, or use a frame (np.pad)."


@check
def parameters(function: Callable) -> None:
    """Task 1: what Keras counts; for the locally connected layer, one small dense layer for each position. Last the example."""
    for side, k, maps in [*inputs(((28, 5, 1), (12, 5, 16), (9, 2, 3)),
                                  lambda rng: rng.integers((8, 2, 2), (16, 6, 9), (3, 3)).tolist()), (3, 2, 1)]:
        out, name, got = side - k + 1, f"count_parameters({side}, {k}, {maps})", call(function, side, k, maps)
        got = results(function, got.tolist() if isinstance(got, np.ndarray) else got, "dense", "local", "shared")
        dense, local, shared = (tf.keras.Sequential([tf.keras.Input(shape), layer]).count_params() for shape, layer in (
            ([side * side], layers.Dense(out * out * maps)), ([k * k], layers.Dense(maps)),
            ([side, side, 1], layers.Conv2D(maps, k))))
        expected = [dense, local * out**2, shared]
        require(sorted(map(str, got)) != sorted(map(str, expected)) or list(got) == expected,
                "The order is dense, locally connected, shared.")
        for n, (kind, size, places) in enumerate((("dense", side, out**2), ("locally connected", k, out**2), ("shared", k, 1))):
            unit = size**2 + 1  # the weights and the bias of one unit
            places_apart = (
                ("a map has (side - k + 1)^2 positions, rows times columns.", unit * out * maps),
                ("the output has side - k + 1 rows, one more than side - k.", unit * (side - k)**2 * maps),
                ("without padding the output is smaller than the image: side - k + 1 rows.", unit * side**2 * maps),
                ("each position of each map has a bias of its own, nothing is shared here.", size**2 * places * maps + maps))
            places_alike = (
                ("a map has one bias, not one for each position.", (k * k + out**2) * maps),
                ("each map has a bias, not one for all maps together.", k * k * maps + 1),
                ("do not multiply by the number of positions, all of them share one set of weights.", shared * out**2))
            equal(f"{kind} in {name}", got[n], expected[n], [(f"{kind}: {words}", count) for words, count in (
                ("the biases are missing.", size**2 * places * maps),
                ("this is the count for one map only.", unit * places),
                ("a square has as many pixels as its side, squared.", (size + 1) * places * maps),
                *(places_apart if places > 1 else places_alike))], tolerance=1e-9)


@check
def pooling(function: Callable) -> None:
    """Task 2: even and odd sizes and negative numbers, against TensorFlow, and the example of the statement."""
    written_out(function)
    example = np.array([1, 5, 0, 2, 3, 4, 8, 1], np.float32).reshape(1, 2, 4, 1)
    for x in (*(seeded(0).normal(-1, 1, shape).astype(np.float32) for shape in ((2, 4, 6, 3), (2, 5, 7, 1), (2, 6, 4, 3))),
              example):
        (n, h, w, c), pooled = x.shape, tf.nn.max_pool2d(x, 2, 2, "VALID").numpy()
        got = call(function, x, hints=[(words, EVEN) for words in ("reshape", "broadcast", "inhomogeneous")] * (h % 2))
        h, w = h // 2, w // 2
        even = x[:, :2 * h, :2 * w]
        four, moving = even.reshape(n, h, 2, w, 2, c), tf.nn.max_pool2d(x, 2, 1, "VALID")
        three = np.pad(x, [(0, 0), (0, 1), (0, 1), (0, 0)], "edge")
        equal(f"max_pool of shape {list(x.shape)}", got, pooled, [
            ("This is the mean of the four: the largest is required.", four.mean((2, 4))),
            ("Negative numbers are lost: do not start from 0.", np.maximum(pooled, 0)),
            ("This is the smallest of the four.", four.min((2, 4))),
            ("The window moves by one pixel: move it by two, so that windows do not overlap.", moving),
            ("The window moves by one pixel: window i begins at row 2 * i.", moving[:, :h, :w]),
            ("The windows overlap: each is 2x2, rows 2 * i and 2 * i + 1.", tf.nn.max_pool2d(three, 3, 2, "VALID")[:, :h, :w]),
            ("This is one pixel of each window, not the largest of the four.", *(four[:, :, n // 2, :, n % 2] for n in range(4))),
            ("Only two of the four pixels are compared.",
             *(np.maximum(four[:, :, 0, :, i], four[:, :, 1, :, 1 - i]) for i in (0, 1))),
            ("A last row or column without a partner is kept: drop it, the result has H // 2 rows and W // 2 columns.",
             tf.nn.max_pool2d(x, 2, 2, "SAME")),
            ("The four are not neighbours: [H, W] becomes [H // 2, 2, W // 2, 2] in this order.",
             even.reshape(n, 2, h, 2, w, c).max((1, 3))),
            ("The rows are pooled, the columns are not.", even.reshape(n, h, 2, 2 * w, c).max(2)),
            ("The columns are pooled, the rows are not.", even.reshape(n, 2 * h, w, 2, c).max(3)),
            ("The largest is taken over the channels too: pool each channel by itself.", pooled.max(-1)),
            ("The largest is taken over the channels too.", pooled.max(-1, keepdims=True) + 0 * pooled)], given={"x": x[..., 0]})


@check
def architecture(function: Callable) -> None:
    """Task 3: the shapes of the weights, which are all different, then the function: `networks.lenet` with the same weights."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Keras warns of input_shape in the first layer, which is no mistake here
        model = call(function,
                     hints=[(words, ONE_IMAGE) for words in ("found ndim=", "same length as input", "zero or negative")])
    require(isinstance(model, tf.keras.Model), f"build_lenet gives a {type(model).__name__}: return a Keras model.")
    seen, x = tuple(getattr(model, "input_shape", (None, 28, 28, 1))[1:]), seeded(1).random([8, 28, 28, 1]).astype(np.float32)
    require(seen == (28, 28, 1), f"The images have shape {list(seen)}, expected [28, 28, 1]. {ONE_IMAGE}")
    attempt(lambda: model(x), "Your model stops with {}")
    shapes = [tuple(weight.shape) for weight in model.weights]
    filters, units, biases = ([one for one in shapes if len(one) == axes] for axes in (4, 2, 1))
    for kind, word, found, expected in (("convolutions", "filters", filters, [6, 16]),
                                        ("dense layers", "units", units, [120, 84, 10])):
        found = [one[-1] for one in found]
        require(sorted(found) == sorted(expected), f"The {kind} have {found} {word}, expected {expected}.")
    require({one[:2] for one in filters} == {(5, 5)}, f"The kernels have shapes {filters}: are the filters 5x5?")
    flat = next(rows for rows, columns in units if columns == 120)
    require(flat != 84, "The dense layers have 84, then 120 units, expected 120, then 84.")
    require(flat == 256, f"{flat} numbers go into the first dense layer, expected 4 * 4 * 16 = 256. " + {
        400: "The first maps are 28x28: leave the padding out.", 784: "Leave the padding of both convolutions out.",
        1024: "There is no second pooling.", 16: "Flatten gives it all of [4, 4, 16]."}.get(flat, "See model.summary()."))
    require(len(biases) >= 5, "A bias is missing: all five layers have one.")
    require(model.count_params() == 44_426,
            f"The model has {model.count_params():,} parameters, expected 44,426: it has a layer too many.")
    reference = networks.lenet(padding="valid")
    weights = [seeded(n).normal(0, 0.15, weight.shape).astype(np.float32) for n, weight in enumerate(reference.get_weights())]
    reference.set_weights(weights)
    for variable in model.weights:
        variable.assign(next(weight for weight in weights if weight.shape == tuple(variable.shape)))

    def answer(activations: list[str] = RELU, pool: str = "MAX") -> tf.Tensor:
        y = x
        for n, activation in enumerate(activations):
            y = tf.nn.conv2d(y, weights[2 * n], 1, "VALID") if n < 2 else tf.reshape(y, [len(y), -1]) @ weights[2 * n]
            y = tf.keras.activations.get(activation)(y + weights[2 * n + 1])
            y = tf.nn.pool(y, [2, 2], pool, [2, 2], "VALID") if n < 2 else y
        return y

    require(np.allclose(model(x, training=True), model(x), rtol=1e-3, atol=1e-3),
            "Your network behaves differently in training, as with dropout: the table has no such layer.")
    linear, relu = ["linear"], ["relu"]
    faults = (
        ("The last layer has a softmax: logits are required, leave its activation out.", RELU[:4] + ["softmax"]),
        ("The last layer has a ReLU: a logit may be negative.", 5 * relu),
        ("The convolutions have no ReLU.", 2 * linear + 2 * relu + linear),
        ("The dense layers have no ReLU.", 2 * relu + 3 * linear),
        ("There is no ReLU at all: without it the whole network is one affine map, but for the pooling.", 5 * linear),
        *((f"The activation is {name}: ReLU is required.", 4 * [name] + linear) for name in ("sigmoid", "tanh", "elu")),
        ("The pooling takes means: the largest is required.", RELU, "AVG"),
        *((f"The {layer} has no ReLU.", RELU[:n] + linear + RELU[n + 1:]) for n, layer in enumerate((
            "first convolution", "second convolution", "first dense layer", "second dense layer"))))
    equal("Your network, with the weights of the check,", model(x), reference(x),
          [(said, partial(answer, *how)) for said, *how in faults], tolerance=1e-4)


@check
def shifting(function: Callable) -> None:
    """Task 4: against `augment.moved`, which is exact for whole pixels; small shifts, large ones, negative ones; the example."""
    written_out(function)
    hints = ([(words, FRAME) for words in ("same shape", "zero-size", "negative values")]
             + [("could not broadcast", f"{SLICES} {FRAME}")])
    many, row = seeded(0).random([5, 9, 7, 1]).astype(np.float32), np.array([1, 2, 3, 4], np.float32).reshape(1, 1, 4, 1)
    for x, down, right in ((many, [2, -1, 0, 3, 0], [1, 2, -3, 0, 0]), (many, [2, -1, 0, 8, 0], [1, 2, 6, 0, 0]),
                           (many, [-2, -1, -3, -1, -2], [-1, -4, -1, -2, -1]),
                           (many, [0, -4, 0, 1, 1], [1, 0, -1, 2, 0]), (row, [0], [1]), (row, [0], [-2])):
        (n, h, w, _), down, right = x.shape, np.array(down), np.array(right)
        largest, got = max(abs(down).max(), abs(right).max()), call(function, x, down, right, hints=hints)
        exact = partial(augment.moved, tf.constant(x))

        def padded(mode: str) -> np.ndarray:
            framed = np.pad(x, [(0, 0), (8, 8), (8, 8), (0, 0)], mode)
            return np.stack([image[8 - d:8 - d + h, 8 - r:8 - r + w] for image, d, r in zip(framed, down, right)])

        def rolled(black: Callable) -> np.ndarray:
            images = [np.roll(image, shifts, axis=(0, 1)) for image, *shifts in zip(x, down, right)]
            for image, d, r in zip(images, down, right):
                image[black(d)], image[:, black(r)] = 0, 0
            return np.stack(images)

        require(np.shape(got) != (n, h + 2 * largest, w + 2 * largest, 1),
                "The frame is still there: cut a window of H rows and W columns.")
        moves = [
            ("down and right are swapped: the first axis of an image is down.", right, down),
            ("The images move the other way: down = 2 moves them down, their first two rows become black.", -down, -right),
            ("Up and down are swapped; left and right are correct.", -down, right),
            ("Right and left are swapped; up and down are correct.", down, -right),
            ("A negative shift moves as a positive one: keep its sign.", abs(down), abs(right)),
            ("Negative shifts are ignored: they move up and left.", down.clip(0), right.clip(0)),
            ("All images move as the first one: each has its own shift.", down[0] + 0 * down, right[0] + 0 * right)]
        equal(f"shift(images, {down.tolist()}, {right.tolist()})", got, exact(down=down, right=right), [
            ("What leaves on one side comes back on the other: black has to come in (np.roll does not do it).", padded("wrap")),
            ("After np.roll, what comes in is [:d] for d > 0, but [d:] for d < 0: make these black.", rolled(slice)),
            ("What leaves comes back when a shift is negative: make [d:] black.", rolled(lambda d: slice(max(d, 0)))),
            *((said, partial(exact, down=below, right=beside)) for said, below, beside in moves),
            ("The edge is repeated: black, 0, has to come in.", padded("edge"), padded("symmetric")),
            ("The images did not move.", x), *[(FRAME, got)] * bool(largest > 3)], given={"images": x[..., 0], "right": right})


@check
def preparing(prepare: Callable, batches: Callable) -> None:
    """Task 5: the loss of known logits and the rate at four steps of a compiled network; then two epochs of numbered images."""
    rng = seeded(6)
    steps, labels, logits = 4 * int(rng.integers(20, 200)), rng.integers(0, 10, 8), rng.normal(0, 2, [8, 10]).astype(np.float32)
    given = tf.keras.Sequential([tf.keras.Input([28, 28, 1]), layers.Flatten(), layers.Dense(10)])
    _arguments_only(prepare, batches)
    own(batches)
    network = call(prepare, given, steps, hints=[("gives None", "compile gives nothing back: end with return network.")])
    require(network is given, "prepare gives something else than the network that it got: compile that one, and return it.")
    require(network.compiled, "The network is not compiled: call network.compile with an optimiser and a loss.")
    loss = attempt(lambda: float(network.compute_loss(y=tf.constant(labels), y_pred=tf.constant(logits))), "The loss stops with "
                   "{} The labels are whole numbers [N], the logits [N, 10]: take the sparse cross-entropy.")
    right = softmax(logits.astype(float), axis=1)[np.arange(8), labels]
    equal("The loss of 8 images", loss, -np.log(right).mean(), [
        ("The loss takes logits for probabilities: it needs from_logits=True.",
         tf.keras.losses.sparse_categorical_crossentropy(labels, tf.constant(logits)).numpy().mean())], tolerance=1e-4)
    optimizer, seen = network.optimizer, (0, steps // 4, steps // 2, steps)
    adam = isinstance(optimizer, tf.keras.optimizers.Adam) and not isinstance(optimizer, tf.keras.optimizers.AdamW)
    require(adam, f"The optimiser is {type(optimizer).__name__}, Adam is required.")
    rates = []
    for step in seen:
        optimizer.iterations.assign(step)
        rates.append(float(optimizer.learning_rate))
    optimizer.iterations.assign(0)
    rates = np.array(rates)
    require(not np.allclose(rates, rates[0]),
            f"The learning rate is {rates[0]:g} at every step: give Adam a schedule in the place of a rate.")
    require(bool(np.isfinite(rates).all()),
            "The learning rate is NaN: CosineDecay takes the first rate, then the number of steps.")
    require(rates[-1] < 1e-6, f"The learning rate is still {rates[-1]:.2g} after all {steps} steps: it must fall to 0 along half "
            "a cosine, which CosineDecay does over all of them, without alpha.")
    require(rates[2] > 1e-6, f"The learning rate is 0 after {steps // 2} of {steps} steps already: the schedule takes the number "
            "of steps, not that of epochs.")
    require(np.isclose(rates[0], 0.002, rtol=1e-4), f"The rate begins at {rates[0]:g}, expected 0.002.")
    part = np.array(seen) / steps
    equal(f"The learning rate at the steps {', '.join(map(str, seen))}", rates, 0.001 * (1 + np.cos(np.pi * part)), [
        ("The rate falls along a straight line: half a cosine is required.", 0.002 * (1 - part))], tolerance=1e-4)
    _batches(batches, int(rng.integers(2000, 2400)), int(rng.integers(30, 60)))
    example = call(batches, np.zeros([130, 28, 28, 1], np.float32), np.zeros(130, int), lambda x: x, 64)
    equal("The sizes of the batches of the example", [len(labels) for _, labels in example.take(9)], [64, 64, 2])


def _arguments_only(*functions: Callable) -> None:
    """Raise CheckFailed if a function uses a data set of the notebook."""
    for function in map(python_function, functions):
        for name, value in names_used(function):
            require(not isinstance(value, Dataset),
                    f"{function.__name__} uses the variable {name} of the notebook: use its arguments.")


def _batches(batches: Callable, count: int, size: int) -> None:
    """Images whose pixels say which they are: an epoch has each once, in another order, with its label, and changed."""
    numbers, shapes, generator = np.arange(count), [], tf.random.Generator.from_seed(1)
    images, labels = np.full([count, 28, 28, 1], numbers[:, None, None, None], np.float32), (7 * numbers + 3) % 10

    def change(x: tf.Tensor) -> tf.Tensor:
        shapes.append(len(x.shape))
        return x + generator.uniform([], 0.1, 0.19)  # applied twice it adds more than 0.19

    pipeline = call(batches, images, labels, change, size, hints=[
        ("truth value", "from_tensor_slices takes one argument: a pair in brackets, from_tensor_slices((..., ...)).")])
    require(isinstance(pipeline, tf.data.Dataset), f"batches gives a {type(pipeline).__name__}: return the tf.data.Dataset.")
    require(isinstance(pipeline.element_spec, tuple) and len(pipeline.element_spec) == 2,
            "A batch is a pair of images and labels: the function in map gets both and gives both back.")
    (x, y), (x2, _) = (_epoch(pipeline, 2 * count, size) for _ in range(2))
    order, added = np.floor(x + 1e-3).astype(int), x % 1
    require(bool(shapes) and added.max() > 0.05, "`change` is not applied to the images: that is what map is for.")
    require(added.max() < 0.195, "`change` is applied more than once to an image: call it once, in one map.")
    require(set(shapes) == {4}, "`change` gets single images: call batch before map, then it gets a batch.")
    require(len(order) == count and set(order) == set(numbers),
            f"An epoch of {count} images has {len(order)}, {len(set(order))} different ones: each comes once, also those of the "
            "last, smaller batch, and repeat is not needed.")
    require(np.array_equal(y, labels[order]), "Images and labels do not belong together any more: shuffle pairs of both.")
    require(np.abs(np.diff(order)).mean() > count / 8,
            "The images come nearly in their old order: shuffle single images, before batch, with a buffer that holds all of "
            "them: len(images).")
    require((order - numbers).max() > 0.8 * count, f"The buffer of shuffle does not hold all {count} images, so that the last "
            "ones never come early: it must have len(images) places.")
    require(not np.array_equal(x2, x), "The second epoch is the first one again, its order and its changes: is there a cache "
            "behind shuffle and map? It keeps the first epoch.")
    require(not np.array_equal(np.floor(x2 + 1e-3), order),
            "The second epoch has the order of the first: shuffle again each time.")
    require(not np.array_equal(np.sort(x2), np.sort(x)), "The second epoch has the changes of the first: call `change` in "
            "map, so that each epoch is changed anew.")


def _epoch(pipeline: tf.data.Dataset, most: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    """A pixel of each image [N] of an epoch, of at most `most` batches, and the labels [N]."""
    parts = [(part.numpy(), labels.numpy()) for part, labels in pipeline.take(most)]
    shape, of_labels = (list(part.shape) for part in parts[0]) if parts else ([], [])
    require(len(of_labels) != 4, "Images and labels are swapped: a pair is images, labels.")
    require(len(shape) != 5, "from_tensors makes one element of all images: take from_tensor_slices, which makes one of each.")
    require(shape == [size, 28, 28, 1],
            f"The first batch has images of shape {shape}, expected {[size, 28, 28, 1]}: call batch with the size.")
    shaped("The first batch of labels", parts[0][1], [size])
    return np.concatenate([part[:, 14, 14, 0] for part, _ in parts]), np.concatenate([labels for _, labels in parts])


@check(seconds=20)
def trained(train: Callable, digits: Dataset, floor: float) -> tf.keras.Model:
    """Task 6: `train` does not see the test digits; `floor` of them are right, and 85 % of them moved by 2 pixels each way."""
    own_training(train)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Keras warns that fit does not shuffle a tf.data.Dataset
        model = without_test_set(train, digits)
    right = 100 * float(np.mean(logits_of(model, digits.x_test, 10).argmax(axis=1) == digits.y_test))
    said = f"The accuracy on the test digits is {right:.2f} %, {100 * floor:.1f} % is required"
    require(right >= 100 * floor or 100 * evaluate(model, 255 * digits.x_test, digits.y_test) < max(70, right + 8),
            f"{said}: the model was trained on images from 0 to 255, leave them in [0, 1].")
    require(right > 20,
            f"{said}, and this is close to chance: was fit called, with from_logits=True, and with a learning rate near 0.001?")
    require(right >= 90, f"{said}: does the rate fall over all steps, not epochs? Has the loss from_logits=True? "
            "Are the images still in [0, 1]?")
    require(right >= 100 * floor,
            f"{said}: train for more epochs, change every batch by a small shift, or let the learning rate fall.")
    moved = 100 * evaluate(model, augment.moved(tf.constant(digits.x_test), right=2, down=-2).numpy(), digits.y_test)
    require(moved >= 85, f"The accuracy is {right:.1f} % on the test digits, but {moved:.1f} % on the same digits 2 pixels away, "
            "85 % is required: shift the training images at random, another way in each epoch.")
    return model


@check
def shifted(model: tf.keras.Model, digits: Dataset) -> None:
    """The hidden part of task 6: the test digits in another order, each moved its own way by up to 2 pixels."""
    rng, count = seeded(5), len(digits.y_test)
    order, (down, right) = rng.permutation(count), rng.integers(-2, 3, (2, count))
    accuracy = evaluate(model, augment.moved(tf.constant(digits.x_test[order]), down=down, right=right).numpy(),
                        digits.y_test[order])
    require(accuracy >= 0.88, f"The accuracy is {100 * accuracy:.1f} % when each test digit is moved its own way by up to 2 "
            "pixels, 88 % is required: shift the training images in all directions.")


@check
def exciting(function: Callable) -> None:
    """Task 7: random maps with negative numbers, in which mean, absolute value and maximum disagree, and the example."""
    written_out(function)
    maps = seeded(0).normal(size=(30, 4, 3, 5)).astype(np.float32)
    maps[7, ..., 2] = -9  # large, but not exciting
    for maps, count in ((maps, 4), (np.array([3, 1, 2, 5], np.float32).reshape(2, 1, 1, 2), 1)):
        peaks, flat, size = maps.max((1, 2)), maps.reshape(-1, maps.shape[-1]), maps[0, ..., 0].size
        got = call(function, maps, count)

        def first(values: np.ndarray) -> np.ndarray:
            """The positions of the largest `count` values of each column, [C, count]."""
            return np.argsort(-values, axis=0, kind="stable")[:count].T

        expected, largest = first(peaks), -np.sort(-peaks, 0)[:count].T
        equal(f"most_exciting(maps, {count})", got, expected, [
            ("The least excited images are listed: the largest response comes first.", first(-peaks)),
            ("Within a row the strongest does not come first.",
             lambda: got if np.array_equal(np.sort(got), np.sort(expected)) else 0),
            ("This takes the mean over the positions: the excitation of a unit is its largest response.",
             first(maps.mean((1, 2)))),
            ("The positions are the axes 1 and 2 of [N, h, w, C]: take the maximum over these two.",
             *(first(maps.max(axes)) for axes in ((2, 3), (1, 3)))),
            ("This takes the largest absolute value: a large negative response does not excite.",
             first(np.abs(maps).max((1, 2)))),
            ("These are positions in all maps one after the other: take the maximum over the positions of each image first.",
             first(flat)),
            ("An image comes twice: take the maximum over the positions of each image first.", first(flat) // size),
            ("The result has one column for each channel: one row is expected.", expected.T),
            ("The sorting goes over the channels of one image (axis 1), expected over the images.",
             np.argsort(-peaks, axis=1)[:, :count]),
            ("The sorting goes over the channels of one image: np.argsort needs axis=0, that of the images.",
             np.argsort(-peaks)[:count].T),
            ("These are the responses, expected the numbers of the images.", largest, -largest)],
            tolerance=1e-6, given={"maps": flat} if size == 1 else None)


@check
def mistakes(confusion: Callable, worst: Callable) -> None:
    """Task 8: labels and logits made for it, and the examples."""
    _arguments_only(confusion, worst)
    written_out(confusion)
    written_out(worst)
    rng = seeded(1)
    labels, answers = rng.integers(0, 4, (2, 600))
    labels[:300], answers[:300] = 3, 1
    for labels, answers, classes in ((labels, answers, 4), (labels % 3, answers % 3, 4),
                                     (np.array([0, 1, 1]), np.array([0, 0, 0]), 2)):
        table, seen = np.histogram2d(labels, answers, bins=[np.arange(classes + 1)] * 2)[0], max(labels.max(), answers.max()) + 1
        got = call(confusion, labels, answers, classes,
                   hints=[("out of bounds", "The matrix is [classes, classes], and the classes begin with 0.")])
        equal(f"confusion(labels, answers, {classes})", got, table, [
            ("Rows and columns are swapped: a row is a true class, a column an answer.", table.T),
            ("Each pair is counted once, however often it comes: matrix[labels, answers] += 1 does that, np.add.at counts.",
             table > 0),
            ("These are fractions, expected counts.", lambda: table / table.sum(axis=1, keepdims=True)),
            ("Counts above 255 do not fit into uint8: take int.", table % 256),
            ("The right answers are missing on the diagonal.", table - np.diag(np.diag(table))),
            ("Only the right answers are counted: the mistakes belong beside the diagonal.", np.diag(np.diag(table))),
            ("The size is `classes`, also when the last class does not occur among the labels.", table[:seen, :seen])],
            given={"labels": labels, "answers": answers})
    logits = (rng.normal(size=(40, 4)) * rng.uniform(0.3, 4, [40, 1]) + 3).astype(np.float32)
    labels = np.where(rng.random(40) < 0.5, logits.argmax(axis=1), rng.integers(0, 4, 40))
    few, zeros = np.array([[0.2, 0, 0, 0],  # right, with p = 0.29
                           [0, 0.2, -9, -9],  # a mistake with p = 0.45
                           [0, 1, -9, -9], [0, 0.9, 0.9, 0.9],  # p = 0.27 and 0.12, margins -1 and -0.9
                           [998.5, 1000, 0, 0]], np.float32), np.zeros(5, int)  # p = 0.18
    example = np.array([[4, 1], [1, 4], [2, 4]], np.float32)
    for logits, labels, count in ((logits, labels, 6), (few, zeros, 6), (few, zeros, 4), (example, zeros[:3], 2)):
        wrong, rows = np.flatnonzero(logits.argmax(axis=1) != labels), np.arange(len(labels))
        true, p = logits[rows, labels], softmax(logits.astype(float), axis=1)
        largest, p = p.max(axis=1), p[rows, labels]

        def by(values: np.ndarray, numbers: np.ndarray = wrong) -> list[int]:
            return sorted(numbers, key=lambda n: np.nan_to_num(values[n], nan=np.inf))[:count]

        got = call(worst, logits, labels, count)
        equal(f"worst(logits, labels, {count})" + f", with {len(wrong)} mistakes," * (len(wrong) < count), got, by(p), [
            ("The best of the mistakes come first: begin with the smallest probability of the true class.", by(-p)),
            ("Images that were answered right are among them: with fewer mistakes than `count`, fewer numbers come back.",
             by(p, rows)),
            ("Images that were answered right are among them.", by(-largest, rows)),
            ("The first `count` are taken before the right answers are left out: leave these out first.",
             [n for n in by(p, rows) if n in wrong]),
            ("These are ordered by the logit of the true class: logits of two images cannot be compared, probabilities can.",
             by(true)),
            ("The mistakes with the largest probability of the answer come first: order by the probability of the true class.",
             by(-largest)),
            ("These are ordered by the distance to the largest logit: the probability depends on all logits of the "
             "image, its exponential is divided by the sum of its own row.", by(true - logits.max(axis=1))),
            ("The softmax goes over the images (axis 0), expected over the classes.", by(softmax(logits, axis=0)[rows, labels])),
            ("The mistakes are not ordered: the smallest probability comes first.", wrong[:count]),
            ("These are positions in a list of the mistakes: give their numbers among all images.", np.argsort(p[wrong])[:count]),
            ("exp(1000) is infinite, and logits may be that large: subtract the largest logit of the image first.",
             lambda: by(np.exp(true) / np.exp(logits).sum(axis=1))),
            ("The largest logit of all images is subtracted: subtract the largest of each image.",
             lambda: by(np.exp(true - logits.max()) / np.exp(logits - logits.max()).sum(axis=1))),
            ("These are probabilities, expected the numbers of the images.", np.sort(p[wrong])[:count])],
            tolerance=1e-6, given={"labels": labels, "logits": logits})


@check
def sliding(function: Callable) -> None:
    """Task 9: one dense layer on each window, by a loop over the windows, for windows of 3x3 and of 1x1; the example."""
    rng = seeded(0)
    kernels = "The kernel of a convolution has the shape [side, side, channels in, channels out]: reshape the matrix."
    drawn = [[rng.normal(size=shape) for shape in ((2, 6, 5, 4), (side * side * 4, 7), [7])] for side in (3, 1)]
    example = [np.array([[1, -2], [0.5, 3]])[None, ..., None], np.array([[2.0]]), np.array([1.0])]
    for side, given in zip((3, 1, 1), (*drawn, example)):
        maps, kernel, bias = (part.astype(np.float32) for part in given)
        outputs = kernel.shape[1]

        def windows(cube: np.ndarray, x: np.ndarray = maps) -> np.ndarray:
            return np.einsum("nhwcij,ijco->nhwo", np.lib.stride_tricks.sliding_window_view(x, (side, side), (1, 2)), cube) + bias

        cube, margin = kernel.reshape(side, side, -1, outputs), [(0, 0), *[((side - 1) // 2, side // 2)] * 2, (0, 0)]
        expected = windows(cube)
        got = call(function, tf.constant(maps), tf.constant(kernel), tf.constant(bias), side,
                   hints=[("depth", kernels), ("dimensional", kernels)])
        equal(f"sliding_dense with windows of {side}x{side}", got, expected, [
            ("The bias is missing.", expected - bias),
            ("With padding SAME there are windows that reach over the border: use VALID.", windows(cube, np.pad(maps, margin))),
            ("There is a ReLU: the dense layer alone is required.", np.maximum(expected, 0)),
            ("In Flatten's order the channel varies fastest: reshape to [side, side, channels, outputs].",
             windows(kernel.reshape(-1, side, side, outputs).transpose(1, 2, 0, 3)),
             windows(kernel.reshape(side, side, outputs, -1).swapaxes(2, 3))),
            ("Rows and columns of the kernel are swapped.", windows(cube.swapaxes(0, 1))),
            ("The kernel is flipped: tf.nn.conv2d does not flip, and neither may you.", windows(cube[::-1, ::-1])),
            ("The windows move by their own size: move them by one pixel.", expected[:, ::side, ::side]),
            ("The axes of the positions are gone: [N, h, w, outputs] is expected.", expected[:, 0, 0])],
            given={"maps": maps[..., 0], "kernel": kernel, "bias": bias})
