"""The checks of lab 04: the parts of a detector, its training, and the way from a picture to an answer."""
import dis
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from PIL import Image, ImageOps

from utils import layers, networks
from utils.checks import call, check, equal, inputs, own, require, results, seeded, written_out
from utils.checks.trained import logits_of, without_test_set
from utils.data import Dataset
from utils.data.images import FACE_CLASSES
from utils.quiet import tf

JOIN = (
    ("filter depth", "A convolution gets fewer or more channels than its weights expect: concatenate features and input, go on with that."),
    ("Dimension 3 in both", "Concatenate along the channels, which are the last axis."),
    ("in both shapes", "The features have another height than their input: the convolution is \"SAME\", and the pooling comes after the loop."),
    ("Incompatible shapes", "Concatenate the features to their input with tf.concat, do not add them."))
SLOPE = (
    ("None", "A gradient is None: compute the loss inside `with`, and take the gradients for trainable_variables alone."),
    ("logits.shape", "The loss takes first the labels, then the logits."),
    ("singleton tf.Variable", "An optimizer creates variables, and a compiled function must not create any: use assign_sub."))


@check
def parameters(function: Callable) -> None:
    """Task 1: the number of parameters of three DenseNets; the first is that of the slides, the second the example."""
    for blocks, filters in inputs(((4, 16), (1, 2), (3, 8)), lambda rng: rng.integers((2, 3), (5, 16), (3, 2)).tolist()):
        right, side, later = networks.count_parameters(networks.DenseNet(blocks, filters)), 48 // 2**blocks, blocks - 1
        channel = 18 * filters + 32  # the weights that one more channel into a block costs
        reduced = 32 * (1 + 32 * later + 2 * filters * blocks)  # the weights of all reductions
        equal(f"dense_net_parameters({blocks}, {filters})", call(function, blocks, filters), right, [
            ("The biases are missing: one for each filter and each output.", lambda: right - blocks * (2 * filters + 32) - 52),
            ("The second convolution gets its input with the output of the first behind it: more channels.", lambda: right - blocks * 9 * filters**2),
            ("The reduction gets all channels: the output of the second convolution is missing.", lambda: right - blocks * 32 * filters),
            ("The reduction gets all channels, not only the output of the second convolution.", lambda: right - reduced + blocks * 32 * filters),
            ("The reduction has 1x1 windows: one weight for each channel, not 9.", lambda: right + 8 * reduced),
            ("The reduction of each block, a convolution to 32 channels, is missing.", lambda: right - reduced - 32 * blocks),
            ("The first block gets 1 channel, only the others get 32.", lambda: right + 31 * channel),
            ("Only the first block gets 1 channel, the others get the 32 of the block before.", lambda: right - later * 31 * channel),
            ("After the reduction there are 32 channels again, they do not grow from block to block.",
             lambda: right + channel * sum(2 * filters * block - 31 for block in range(1, blocks))),
            ("A window of 3x3 has 9 weights for each channel, not 3.", lambda: right - 6 * filters * (1 + 1 + filters + later * (64 + filters))),
            ("The hidden and the output layer are missing.", lambda: right - (side**2 * 32 + 1) * 50 - 102),
            ("The output layer, from 50 numbers to 2, is missing.", lambda: right - 102),
            ("The hidden layer gets width times height times 32 numbers.", lambda: right - (side**2 - side) * 32 * 50),
            ("Each block halves the image: the hidden layer gets fewer numbers.", lambda: right + (48**2 - side**2) * 32 * 50),
            ("This is the number for 4 blocks of 16 filters: use the arguments.", lambda: 59160)], tolerance=1e-9)


@check
def block(function: Callable) -> None:
    """Task 2: against `layers.DenseBlock` with the same random weights and biases; the second has the channels of the example."""
    random, relu = tf.random.Generator.from_seed(inputs(2, lambda rng: int(rng.integers(3, 1000)))), tf.nn.relu
    for channels, filters in ((3, 5), (1, 16)):
        reference, x = layers.DenseBlock(inputs=channels, filters=filters), random.normal([3, 9, 6, channels])
        for variable in reference.trainable_variables:
            variable.assign(random.normal(variable.shape, stddev=0.4))
        *convolutions, reduction = [(layer.weights, layer.bias) for layer in (*reference.convolutions, reference.reduction)]

        def pooled(y: tf.Tensor, stride: int = 2, padding: str = "VALID", kind: str = "MAX") -> tf.Tensor:
            return tf.nn.pool(y, [2, 2], kind, [stride, stride], padding)

        def wrong(rule=lambda y, bias: relu(y + bias), last=None, join=lambda x, new: [x, new], before=tf.identity, pool=pooled, after=tf.identity):
            image = before(x)
            for weights, bias in convolutions:
                image = tf.concat(join(image, rule(tf.nn.conv2d(image, weights, 1, "SAME"), bias)), -1)
            return after((last or rule)(tf.nn.conv2d(pool(image), reduction[0], 1, "SAME"), reduction[1]))

        equal("dense_block(x, convolutions, reduction)", call(function, x, convolutions, reduction, hints=JOIN), reference(x), [
            ("The biases are missing.", lambda: wrong(lambda y, bias: relu(y))),
            ("The bias is added after ReLU: add it before ReLU.", lambda: wrong(lambda y, bias: relu(y) + bias)),
            ("ReLU is missing.", lambda: wrong(lambda y, bias: y + bias)),
            ("ReLU is missing after the reduction.", lambda: wrong(last=tf.add)),
            ("ReLU is missing in the loop: it comes after each convolution.", lambda: wrong(tf.add, lambda y, bias: relu(y + bias))),
            ("ReLU is applied to the input too: apply it to the new features only, then concatenate.", lambda: wrong(join=lambda x, new: [relu(x), new])),
            ("The features are put before the input: concatenate them behind it.", lambda: wrong(join=lambda x, new: [new, x])),
            ("The pooling is done before the convolutions: do it after them.", lambda: wrong(before=pooled, pool=tf.identity)),
            ("The pooling is done after the reduction: do it before.", lambda: wrong(pool=tf.identity, after=pooled)),
            ("The pooling is missing.", lambda: wrong(pool=tf.identity)),
            ("The pooling takes the mean, expected the largest value.", lambda: wrong(pool=lambda y: pooled(y, kind="AVG"))),
            ("The pooling has stride 1: give it stride 2.", lambda: wrong(pool=lambda y: pooled(y, 1))),
            ("The pooling turns 9 rows into 5: use padding \"VALID\", which gives 4.", lambda: wrong(pool=lambda y: pooled(y, padding="SAME")))], tolerance=1e-4)


@check
def loss(cross_entropy: Callable, accuracy: Callable) -> None:
    """Task 3: against the logarithm of the softmax, on moderate and on large logits, and the example of the statement."""
    labels = inputs(np.array([0, 1, 2, 2, 1, 0, 0]), lambda rng: rng.integers(0, 3, 31))
    logits = seeded(0).normal(scale=2, size=(len(labels), 3))
    powers, own_logits = np.exp(logits), logits[np.arange(len(labels)), labels]
    logs = np.log(powers / powers.sum(axis=1, keepdims=True))
    each = np.log(powers.sum(axis=1)) - own_logits
    written_out(cross_entropy)
    equal("cross_entropy(logits, labels)", call(cross_entropy, logits, labels), each.mean(), [
        ("cross_entropy gives the sum over the images, expected the mean.", each.sum),
        ("This is the mean over images and classes: sum over the classes, then take the mean over the images.", lambda: each.mean() / 3),
        ("This is the mean over all classes: only the class of the label counts.", lambda: -logs.mean()),
        ("logits[:, labels] takes all labels for each image: pick one logit for each with two lists.", lambda: -logs[:, labels].mean()),
        ("m is subtracted in one place only: add it again, or subtract it from z_y too.", lambda: np.mean(each - logits.max(axis=1))),
        ("The logarithm is missing: this is minus the mean probability.", lambda: -np.exp(-each).mean()),
        ("The sum goes over the classes of an image (axis 1), not over the images.", lambda: np.mean(np.log(powers.sum(0))[labels] - own_logits)),
        ("The sum goes over the classes of an image (axis 1), not over all.", lambda: np.log(powers.sum()) - own_logits.mean())])
    large = call(cross_entropy, 1000 * logits, labels)
    require(bool(np.isfinite(large).all()), f"With logits in the thousands cross_entropy is {large}: subtract the largest logit of each image before "
            "np.exp, and take no logarithm of a probability, which may be 0.")
    right = 1000 * np.mean(logits.max(axis=1) - own_logits)
    equal("With logits in the thousands (take no logarithm of a probability) cross_entropy", large, right, tolerance=1e-4)
    equal("cross_entropy of the example, logits (0, 0),", call(cross_entropy, np.zeros([1, 2]), np.array([1])), np.log(2))
    written_out(accuracy)
    hits = logits.argmax(axis=1) == labels
    equal("accuracy(logits, labels)", call(accuracy, logits, labels), hits.mean(), [
        ("accuracy gives the number of right answers: divide by the number of images.", hits.sum),
        ("accuracy is in percent, expected a fraction between 0 and 1.", lambda: 100 * hits.mean()),
        ("accuracy takes the largest logit of all images: the largest of each, axis=1.", lambda: np.mean(logits.argmax() == labels)),
        ("accuracy looks at the smallest logit: the largest one is the answer.", lambda: np.mean(logits.argmin(axis=1) == labels))])


def _toy(weights: np.ndarray, bias: np.ndarray) -> Callable:
    """An affine map, in training of half the input (as batch norm and dropout change it too), with one untrained variable."""
    def model(x: tf.Tensor, training: bool = False) -> tf.Tensor:
        return tf.matmul(x * (0.5 if training else 1.0), model.weights) + model.bias

    model.weights, model.bias = model.trainable_variables = tf.Variable(weights), tf.Variable(bias)
    model.variables = [*model.trainable_variables, tf.Variable(0.0, trainable=False)]
    return model


@check
def step(function: Callable) -> None:
    """Task 4: on `_toy`, whose gradient is x^T (p - onehot) / N for the weights and the sum of (p - onehot) / N for the bias."""
    x, y = inputs(np.float32([[1, 2], [3, -1], [0.5, 0.5]]), lambda rng: rng.normal(0, 2, (3, 2)).astype(np.float32)), np.array([0, 1, 1])
    before = {"weights": np.float32([[1, -1], [0.5, 0.2]]), "bias": np.float32([0.1, 0])}
    model = _toy(*before.values())

    def change(scale: float) -> tuple[dict, np.ndarray]:
        logits = scale * x @ before["weights"] + before["bias"]
        error = (tf.nn.softmax(logits).numpy() - np.eye(2)[y]) / 3
        return {"weights": 0.1 * scale * x.T @ error, "bias": 0.1 * error.sum(axis=0)}, tf.nn.sparse_softmax_cross_entropy_with_logits(y, logits)

    got = call(function, model, tf.constant(x), tf.constant(y), 0.1, hints=SLOPE)
    (right, losses), (without, inference) = change(0.5), change(1.0)
    for name, start in before.items():
        by = right[name]
        equal(f"The {name} after the step", getattr(model, name), start - by, [
            (f"The {name} did not change: every trainable variable takes a step, by assign_sub.", lambda: start),
            (f"The {name} went up the slope: subtract the gradient.", lambda: start + by),
            ("This is the step in inference mode: call model(x, training=True).", lambda: start - without[name]),
            ("The loss is the sum over the batch: take the mean.", lambda: start - 3 * by),
            ("The mean over the batch is taken twice.", lambda: start - by / 3),
            ("The learning rate is missing: each gradient is multiplied by it.", lambda: start - by / 0.1),
            ("The variables became the step itself: assign_sub subtracts it, assign replaces.", lambda: by),
            ("This is a step of Adam: subtract the learning rate times the gradient.", lambda: start - 0.1 * np.sign(by))], tolerance=1e-4)
    equal("The loss that train_step returns", got, np.mean(losses), [
        ("train_step returns the loss in inference mode: call model(x, training=True).", lambda: np.mean(inference)),
        ("train_step returns the loss after the step, expected the one before.",
         lambda: np.mean(tf.nn.sparse_softmax_cross_entropy_with_logits(y, model(tf.constant(x), training=True))))])
    small = _toy(np.zeros([1, 2], np.float32), np.zeros(2, np.float32))
    compiled = function if hasattr(function, "python_function") else tf.function(function)
    got = call(compiled, small, tf.zeros([1, 1]), tf.constant([1]), 0.1, hints=SLOPE)
    equal("The loss of the example, compiled,", got, np.log(2))
    equal("The bias of the example after the step, compiled,", small.bias, [-0.05, 0.05])


@check
def batches(function: Callable) -> None:
    """Task 5: sizes, each image once, shuffled, reproducible, another order for another epoch and seed; and the example."""
    def parts(images: int, size: int, seed: int, epoch: int) -> list[np.ndarray]:
        got = call(function, images, size, seed, epoch)
        require(isinstance(got, list | tuple), f"epoch_batches gives a {type(got).__name__}, expected a list of arrays.")
        got = [np.asarray(part) for part in got]
        require(all(part.ndim == 1 and part.dtype.kind in "iu" for part in got), "A batch is not an array of integers: cut the order into pieces.")
        return got

    images = inputs(100, lambda rng: int(rng.integers(101, 127)))
    for count, size in ((images, 32), (5, 2)):
        first = parts(count, size, 1, 0)
        sizes, flat, whole = [len(part) for part in first], np.concatenate(first), [size] * (count // size)
        require(sizes != whole, f"The last batch is missing: the {count % size} images that are left make a smaller one.")
        require(sizes == [*whole, count % size], f"The batches of {count} images have the sizes {sizes}, expected {[*whole, count % size]}.")
        require(np.array_equal(np.sort(flat), np.arange(count)), f"Some images come twice and others never, the numbers go from {flat.min()} to "
                f"{flat.max()}: draw a permutation, with each of 0 to {count - 1} once.")
    every = {(seed, epoch): np.concatenate(parts(images, 32, seed, epoch)) for seed in range(4) for epoch in range(25)}
    first, known = every[1, 0], {}
    require(np.ptp(first[:32]) > 40, "Only images that are neighbours come together in a batch: shuffle the images, then cut.")
    again = np.concatenate(parts(images, 32, 1, 0))
    require(np.array_equal(first, again), "Called twice with the same seed and epoch it gives two orders: make a new generator from seed and epoch in each call.")
    for (seed, epoch), flat in every.items():
        other = known.setdefault(flat.tobytes(), (seed, epoch))
        require(other == (seed, epoch),
                f"Seed {seed} in epoch {epoch} gives the order of seed {other[0]} in epoch {other[1]}: give the generator both, as a list.")
    require(set(every[1, 0][:32]) not in [set(every[1, 1][start:start + 32]) for start in range(0, images, 32)],
            "Epoch 1 has the same batches as epoch 0, in another order: shuffle the images for each epoch.")


@check
def trained(train: Callable, faces: Dataset) -> Callable:
    """Task 6: the network that `train` gives without seeing a test face."""
    model = without_test_set(train, faces)
    accurate(model, faces)
    return model


def accurate(model: Callable, faces: Dataset, least: int = 85, which: str = "") -> None:
    """Raise CheckFailed unless `model` is right for more than `least` percent of the test faces."""
    answers = logits_of(model, faces.x_test, 2).argmax(axis=1)
    percent = 100 * float(np.mean(answers == faces.y_test))
    right = f"accuracy of {percent:.1f} % on the test faces{which}"
    require(0.02 < answers.mean() < 0.98, f"The network gives the same answer for nearly all faces ({right}): is it trained, for long enough?")
    require(percent > 40, f"The network has an {right}, worse than chance: are the labels swapped?")
    require(percent > least, f"The network has an {right}, more than {least} % is required: train for more epochs, or change the network or the rate.")


@check
def mirrored(model: Callable, faces: Dataset) -> None:
    """The hidden part of task 6: the test faces in another order, every second one mirrored."""
    order = seeded(6).permutation(len(faces.y_test))
    images = faces.x_test[order]
    images[::2] = images[::2, :, ::-1]
    accurate(model, replace(faces, x_test=images, y_test=faces.y_test[order]), 80, ", every second one mirrored")


def _stands_alone(function: Callable) -> None:
    """Raise CheckFailed if the function needs a name of the notebook that the script at the end does not have."""
    own(function)
    used = {step.argval for step in dis.get_instructions(function) if step.opname == "LOAD_GLOBAL"} & function.__globals__.keys()
    used -= {"np", "tf", "Image", "sys", "Path", "prepare", "answer"}
    require(not used, f"{function.__name__} uses {', '.join(used)}, which the script at the end does not have: put it inside of the function.")


def _scene(height: int, width: int) -> np.ndarray:
    """A smooth picture that can be sampled at any size: [height, width, 3] in 0..255, different in each direction and colour."""
    down, across = np.meshgrid((np.arange(height) + 0.5) / height, (np.arange(width) + 0.5) / width, indexing="ij")
    down, across = inputs((down, across), lambda rng: (1 - down, 1 - across))  # upside down
    wave = np.sin(2 * np.pi * across) * np.sin(np.pi * down)
    return np.stack([60 + 150 * down, 40 + 120 * across + 50 * wave, 210 - 170 * down * across], axis=-1)


@check
def preparing(function: Callable) -> None:
    """Task 7, first part: pictures sampled from one smooth scene at four sizes, against the scene sampled at 48x48; and the example."""
    _stands_alone(function)
    shares, small = np.array([0.299, 0.587, 0.114]), _scene(48, 48) / 255
    expected = (small @ shares)[None, :, :, None]
    for picture in [_scene(*size) @ mix for size in ((48, 48), (120, 90), (60, 200), (36, 42)) for mix in (np.eye(3), shares)]:
        picture, kind = np.round(picture).astype(np.uint8), f"a {'colour' if picture.ndim == 3 else 'grey'} picture {list(picture.shape)}"
        grey = Image.fromarray(picture).convert("L")
        got = call(function, picture, hints=[("", f"It got {kind}" + ("." if picture.ndim == 3 else ", without an axis of colours."))])
        equal(f"prepare of {kind}", got, expected, [
            ("The picture is cropped: scale the whole picture instead.", lambda: np.asarray(ImageOps.fit(grey, (48, 48)))[None, ..., None] / 255),
            ("The picture is padded with bars: scale the whole picture to 48x48 instead.", lambda: np.asarray(ImageOps.pad(grey, (48, 48)))[None, ..., None] / 255),
            ("Divide by 255: the network was trained on values in [0, 1].", lambda: 255 * expected),
            ("The values go from -1 to 1, expected 0 to 1.", lambda: 2 * expected - 1),
            ("The contrast is stretched: divide by 255, whatever is in the picture.", lambda: (expected - expected.min()) / np.ptp(expected)),
            ("The contrast is stretched: divide by 255, whatever is in the picture.", lambda: expected / expected.max()),
            ("The picture is transposed: PIL sizes are (width, height), arrays are [height, width].", lambda: expected.transpose(0, 2, 1, 3)),
            ("Grey is 0.299 red + 0.587 green + 0.114 blue: here red and blue are swapped.", lambda: (small @ shares[::-1])[None, ..., None]),
            ("Grey is 0.299 red + 0.587 green + 0.114 blue, not their mean.", lambda: small.mean(-1)[None, ..., None]),
            ("Grey is 0.299 red + 0.587 green + 0.114 blue, this is red alone.", lambda: small[None, ..., :1]),
            ("The picture is dark where it should be light: do not invert it.", lambda: 1 - expected)],
            tolerance=0.025)  # taking the nearest pixel, which is right too, errs by 0.0203
        require(np.asarray(got).dtype == np.float32, f"prepare of {kind} has type {np.asarray(got).dtype}, expected float32.")
    equal("prepare of a white picture", call(function, np.full([30, 70], 255, np.uint8)), np.ones([1, 48, 48, 1]))


@check
def answering(function: Callable) -> None:
    """Task 7, second part: label and probability, by the logistic function of the difference of the logits; the first is the example."""
    _stands_alone(function)
    for first, second in inputs(((0.0, np.log(3)), (2.0, 0.5), (-1.0, 1.0), (0.3, 0.4), (900.0, 1000.0)),
                                lambda rng: [*rng.normal(size=(4, 2)), (1000.0, 950.0)]):
        label, got = results(function, call(function, np.array([[first, second]], np.float32)), "label", "probability")
        high, p, name = max(first, second), 1 / (1 + np.exp(-abs(first - second))), f"answer([[{first:.4g}, {second:.4g}]])"
        require(isinstance(label, str) and label in FACE_CLASSES, f'{name} gives the label {label!r}, expected "man" or "woman".')
        require(label == FACE_CLASSES[int(second > first)], f'{name} says {label!r}: index 0 is "man", 1 is "woman", and the larger logit wins.')
        require(not np.isnan(np.sum(got)), f"{name} gives a probability that is not a number: subtract the largest logit before np.exp.")
        equal(f"The probability of {name}", got, p, [
            ("This is the logit, not a probability: take the softmax.", lambda: high),
            ("This is the probability of the other label.", lambda: 1 - p),
            ("The probability is in percent, expected 0 to 1.", lambda: 100 * p),
            ("This is the logistic function of one logit: take the softmax of both.", lambda: 1 / (1 + np.exp(-high))),
            ("The probabilities do not add up to 1: the sum goes over the two logits, axis 1.", lambda: 1.0),
            ("These are both probabilities: return that of the label.", lambda: [p, 1 - p][::1 if first > second else -1])], tolerance=1e-4)
