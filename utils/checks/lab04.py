"""The checks of lab 04: the parts of a detector, its training with an interruption, and the way from a picture to an answer."""
import inspect
import sys
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import permutations
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image, ImageOps

from utils import networks, other_versions_names
from utils.checks import call, check, equal, inputs, own, require, results, run, seeded, shaped, slips, written_out
from utils.checks.interrupted import practice, process, saved_in
from utils.checks.nets import cross_entropy
from utils.checks.trained import logits_of, own_training, without_test_set
from utils.data import Dataset
from utils.data.images import FACE_CLASSES
from utils.quiet import tf

__getattr__ = other_versions_names(__name__)

JOIN = (
    ("filter depth", "A convolution gets too few or too many channels: concatenate features and input, go on with that."),
    ("Dimension 3 in both", "Concatenate along the channels, which are the last axis."),
    ("in both shapes", "The features have another height than their input: convolve with \"SAME\", pool after the loop."),
    ("Incompatible shapes", "Concatenate the features to their input with tf.concat, do not add them."),
    ("required broadcastable shapes", "Concatenate the features to their input with tf.concat, do not add them."),
    ("singleton tf.Variable", "__call__ creates variables, which a compiled function must not do: create them in __init__."))
TWICE = "HeNormal()(shape): the first call makes the initializer, the second one the tensor."
SLOPE = (
    ("None", "A gradient is None: compute the loss inside `with`, and take the gradients for trainable_variables alone."),
    ("logits.shape", "The loss takes first the labels, then the logits."),
    ("singleton tf.Variable", "An optimizer creates variables, and a compiled function must not create any: use assign_sub."))


@check
def parameters(function: Callable) -> None:
    """Task 1: the number of parameters of four DenseNets; the first is that of the lecture, the second the example."""
    for blocks, filters in inputs(((4, 16), (1, 2), (3, 8), (5, 4)),
                                  lambda rng: [*rng.integers((2, 3), (5, 16), (3, 2)).tolist(), (5, 7)]):
        right, side, later = networks.count_parameters(networks.DenseNet(blocks, filters)), 48 // 2**blocks, blocks - 1
        channel = 18 * filters + 32  # the weights that one more channel into a block costs
        reduced = 32 * (1 + 32 * later + 2 * filters * blocks)  # the weights of all reductions
        wrong = {
            "The biases are missing: one for each filter and each output.": -blocks * (2 * filters + 32) - 52,
            "The second convolution gets the input concatenated with the output of the first: `filters` channels more.":
            -blocks * 9 * filters**2,
            "The second convolution gets the input of the block too, not only the output of the first.":
            -9 * filters * (1 + 32 * later),
            "The reduction gets all channels: the output of the second convolution is missing.": -blocks * 32 * filters,
            "The reduction gets all channels, not only the output of the second convolution.": blocks * 32 * filters - reduced,
            "The reduction has 1x1 windows: one weight for each channel, not 9.": 8 * reduced,
            "The reduction of each block, a convolution to 32 channels, is missing.": -reduced - 32 * blocks,
            "The first block gets 1 channel, only the others get 32.": 31 * channel,
            "Only the first block gets 1 channel, the others get the 32 of the block before.": -later * 31 * channel,
            "After the reduction there are 32 channels again, they do not grow from block to block.":
            channel * sum(2 * filters * block - 31 for block in range(1, blocks)),
            "A window of 3x3 has 9 weights for each channel, not 3.": -6 * filters * (1 + 1 + filters + later * (64 + filters)),
            "The hidden and the output layer are missing.": -(side**2 * 32 + 1) * 50 - 102,
            "The output layer, from 50 numbers to 2, is missing.": -102,
            "The output layer has (50 + 1) * 2 parameters: its biases are missing.": -2,
            "The biases of the hidden layer are missing.": -50,
            "One block is missing: range(blocks) has `blocks` numbers.": -(channel * 32 + 9 * filters**2 + 2 * filters
                                                                           + 32 * (1 + 2 * filters)),
            f"With {blocks} blocks the image is {side} pixels wide: 48 // {2**blocks}, not 48 / {2**blocks}.":
            ((48 / 2**blocks)**2 - side**2) * 32 * 50,
            f"With {blocks} blocks the image is {side} pixels wide: 48 // 2**{blocks}, not 48 // (2 * {blocks}).":
            ((48 // (2 * blocks))**2 - side**2) * 32 * 50,
            "The hidden layer gets width times height times 32 numbers.": -(side**2 - side) * 32 * 50,
            "Each block halves the image: the hidden layer gets fewer numbers.": (48**2 - side**2) * 32 * 50,
            "This is the number for 4 blocks of 16 filters: use the arguments.": 59160 - right}
        equal(f"dense_net_parameters({blocks}, {filters})", call(function, blocks, filters), right,
              [(sentence, right + error) for sentence, error in wrong.items()], tolerance=1e-9)


@check
def batches(function: Callable) -> None:
    """Task 2: sizes, each image once, shuffled, reproducible, another order for another epoch and seed; and the example."""
    def parts(images: int, size: int, seed: int, epoch: int) -> list[np.ndarray]:
        got = call(function, images, size, seed, epoch)
        require(isinstance(got, list | tuple), f"epoch_batches gives a {type(got).__name__}, expected a list of arrays.")
        got = [np.asarray(part) for part in got]
        whole = all(part.ndim == 1 and part.dtype.kind in "iu" for part in got)
        require(whole, "A batch is not an array of integers: cut the order into pieces.")
        return got

    images = inputs(100, lambda rng: int(rng.integers(101, 127)))
    for count, size in ((images, 32), (5, 2), (96, 32)):
        first = parts(count, size, 1, 0)
        sizes, flat, whole = [len(part) for part in first], np.concatenate(first), [size] * (count // size)
        left = count % size
        require(sizes != whole or not left, f"The last batch is missing: the {left} images that are left make a smaller one.")
        require(0 not in sizes,
                f"With {count} images and batches of {size} one batch is empty, and the mean of its losses is not a number.")
        right = [*whole, left] if left else whole
        require(sizes == right, f"The batches of {count} images have the sizes {sizes}, expected {right}.")
        require(np.array_equal(np.sort(flat), np.arange(count)), "Some images come twice and others never, the numbers go from "
                f"{flat.min()} to {flat.max()}: draw a permutation, with each of 0 to {count - 1} once.")
    pairs = [*((seed, epoch) for seed in range(4) for epoch in range(25)), (0, 100), (0, 1000)]
    every = {pair: np.concatenate(parts(images, 32, *pair)) for pair in pairs}
    first, known = every[1, 0], {}
    require(np.ptp(first[:32]) > 40, "Only images that are neighbours come together in a batch: shuffle the images, then cut.")
    again = np.concatenate(parts(images, 32, 1, 0))
    require(np.array_equal(first, again), "Called twice with the same seed and epoch it gives two orders: make a new "
            "generator from seed and epoch in each call.")
    for (seed, epoch), flat in every.items():
        other = known.setdefault(flat.tobytes(), (seed, epoch))
        require(other == (seed, epoch),
                f"Seed {seed} in epoch {epoch} gives the order of seed {other[0]} in epoch {other[1]}: give the generator both, "
                "as a list.")
    require(set(every[1, 0][:32]) not in [set(every[1, 1][start:start + 32]) for start in range(0, images, 32)],
            "Epoch 1 has the same batches as epoch 0, in another order: shuffle the images for each epoch.")


def _variables(cls: type, sizes: tuple[int, int, int, int]) -> tf.Module:
    """A new block of `sizes`. Raises CheckFailed unless it has the right trainable variables, with the right first values."""
    (c, f, n, o), block = sizes, run(cls, *sizes, hints=[("HeNormal", TWICE), ("`seed` argument", TWICE)])
    channels, call_it = [c + i * f for i in range(n)], f"{cls.__name__}({', '.join(map(str, sizes))})"
    require(callable(block), f"{cls.__name__} has no method __call__(self, x, training=False).")
    found = list(block.trainable_variables)
    frozen = len(block.variables) - len(found)
    require(not found or not frozen, f"{frozen} of the variables are made with trainable=False: training does not change them.")
    if not found:
        kept = [one for one in tf.nest.flatten(list(vars(block).values())) if isinstance(one, tf.Tensor | np.ndarray)]
        require(not kept, f"{call_it} keeps tensors or arrays, which training cannot change: put each into a tf.Variable.")
        require(not block.variables, "The variables are made with trainable=False.")
        call(cls.__call__, block, tf.zeros([1, 6, 6, c]), hints=JOIN)
        require(not block.variables, "The variables are created in __call__: create them in __init__, for all calls.")
        require(False, f"tf.Module finds no variables in {call_it}. It looks for tf.Variable in the attributes, self.name = ..., "
                "also in lists, tuples, dictionaries and other tf.Modules there; not in Keras layers and not in local names.")

    def shapes(kernels: list[tuple[int, int]], biases: int = n, last: tuple = (1, 1, c + n * f, o)) -> list[tuple]:
        return sorted([(3, 3, *pair) for pair in kernels] + biases * [(f,)] + ([last, last[-1:]] if last else []))

    pairs, got = [(into, f) for into in channels], sorted(tuple(variable.shape) for variable in found)
    for sentence, *wrong in (
            ("The biases are missing: one variable of zeros for each convolution, as long as it has filters.",
             [shape for shape in shapes(pairs) if len(shape) > 1]),
            ("Convolutions share a bias: make a new variable for each.", shapes(pairs, 1)),
            ("All convolutions share one kernel: make a new variable for each.", shapes(pairs[:1], 1), shapes(pairs[:1], n)),
            ("Only the last convolution is kept: collect them in a list.", shapes(pairs[-1:], 1)),
            ("The reduction is missing.", shapes(pairs, last=())),
            ("The reduction has 1x1 windows.", shapes(pairs, last=(3, 3, c + n * f, o))),
            ("The reduction gets the input and all features: inputs + convolutions * filters channels.",
             *(shapes(pairs, last=(1, 1, into, o)) for into in (f, c, n * f, channels[-1]))),
            ("Each convolution gets the input and all features before it, so each one more channels than the one before.",
             *(shapes([(into, f) for into in chain], last=(1, 1, last, o)) for chain in ([c] * n, [c] + [f] * (n - 1))
               for last in (c + n * f, f, c, n * f, c + f))),
            ("A kernel of tf.nn.conv2d is [height, width, channels in, channels out].",
             sorted((*shape[:-2], *shape[:-3:-1]) for shape in shapes(pairs))),
            ("There are always 2 convolutions: use the argument.", shapes(pairs[:2], 2, (1, 1, c + 2 * f, o))),
            ("The reduction always gives 32 channels: use the argument.", shapes(pairs, last=(1, 1, c + n * f, 32)))):
        require(got == shapes(pairs) or got not in [sorted(one) for one in wrong], sentence)
    require(got == shapes(pairs),
            f"The trainable variables of {call_it} have the shapes {got}, expected {shapes(pairs)}, in any order.")
    kernels = [variable.numpy() for variable in found if len(variable.shape) == 4]
    scaled = np.concatenate([kernel.ravel() * np.sqrt(kernel[..., 0].size / 2) for kernel in kernels])  # of deviation 1
    require(bool(scaled.any()), "The kernels start at 0, so all features are 0, and nearly all gradients: draw them at random.")
    require(all(np.ptp(kernel, axis=-1).any() for kernel in kernels),
            "All filters of a convolution start equal, and stay equal: draw them at random.")
    require(0.8 < scaled.std() < 1.25, f"The kernels start {scaled.std():.2g} times as large as expected: HeNormal()(shape) of "
            "the statement has variance 2 / (height * width * channels in).")
    require(not any(variable.numpy().any() for variable in found if len(variable.shape) == 1), "The biases do not start at 0.")
    return block


def block_features(x: tf.Tensor, convolutions: Sequence[tuple], reduction: tuple) -> tuple[tf.Tensor, list[tuple]]:
    """What the block of task 3 gives for images x [N, H, W, C] with these (weights, bias), and the mistakes."""
    relu = tf.nn.relu

    def pooled(y: tf.Tensor, stride: int = 2, padding: str = "VALID", kind: str = "MAX") -> tf.Tensor:
        return tf.nn.pool(y, [2, 2], kind, [stride, stride], padding)

    def full(y: tf.Tensor, bias: tf.Tensor) -> tf.Tensor:
        return relu(y + bias)

    def features(rule=full, last=full, join=lambda x, new: [x, new], before=tf.identity, pool=pooled,
                 after=tf.identity) -> tf.Tensor:
        image = before(x)
        for weights, bias in convolutions:
            image = tf.concat(join(image, rule(tf.nn.conv2d(image, weights, 1, "SAME"), bias)), -1)
        return after(last(tf.nn.conv2d(pool(image), reduction[0], 1, "SAME"), reduction[1]))

    return features(), [
        *((f"{where} {what}", features(rule if "loop" in where else full, rule if "reduction" in where else full))
          for where in ("In the loop and in the reduction", "In the loop", "In the reduction")
          for what, rule in (("the bias is not added.", lambda y, bias: relu(y)),
                             ("the bias is added after ReLU: add it before.", lambda y, bias: relu(y) + bias),
                             ("ReLU is missing: it comes after each convolution.", tf.add))),
        ("ReLU is applied to the input too: apply it to the new features only, then concatenate.",
         features(join=lambda x, new: [relu(x), new])),
        ("The features are put before the input: concatenate them behind it.", features(join=lambda x, new: [new, x])),
        ("The pooling is done before the convolutions: do it after them.", features(before=pooled, pool=tf.identity)),
        ("The pooling is done after the reduction: do it before.", features(pool=tf.identity, after=pooled)),
        ("The pooling is missing.", features(pool=tf.identity)),
        ("The pooling takes the mean, expected the largest value.", features(pool=lambda y: pooled(y, kind="AVG"))),
        ("The pooling has stride 1: give it stride 2.", features(pool=lambda y: pooled(y, 1))),
        ('The pooling makes 5 rows of 9: with padding "VALID" it makes 4.', features(pool=lambda y: pooled(y, padding="SAME")))]


@check
def block(cls: type) -> None:
    """Task 3: against `block_features` with the same random weights and biases, also compiled; and the example."""
    require(isinstance(cls, type), "DenseBlock is not a class: define it with class DenseBlock(tf.Module).")
    require(issubclass(cls, tf.Module), f"{cls.__name__} is not a tf.Module: class {cls.__name__}(tf.Module).")
    require(not any(base.__module__.startswith("utils") for base in cls.__mro__),
            "DenseBlock comes from utils: write your own, that is the task.")
    written_out(cls, set())
    c, f, n, o = sizes = inputs((3, 5, 3, 7), lambda rng: (2, 6, 4, 9))
    new, random, shapes = _variables(cls, sizes), seeded(3), [*((3, 3, c + i * f, f) for i in range(n)), (1, 1, c + n * f, o)]
    x = tf.constant(random.normal(size=[3, 9, 6, c]), tf.float32)
    kernels, biases = ([random.normal(scale=0.4, size=shape[first:]).astype(np.float32) for shape in shapes] for first in (0, 3))
    *convolutions, reduction = zip(kernels, biases)
    expected, mistakes = block_features(x, convolutions, reduction)

    def answer(order: tuple[int, ...]) -> tf.Tensor:
        """What the student's block gives; `order` says to which convolution each bias belongs: their shapes do not."""
        left = [*kernels, *(biases[i] for i in order), biases[-1]]
        for variable in new.trainable_variables:
            place = next(i for i, value in enumerate(left) if value.shape == variable.shape)
            variable.assign(left.pop(place))
        return call(cls.__call__, new, x, hints=JOIN)

    got = answer(tuple(range(n)))
    if getattr(got, "shape", ()) == expected.shape and not slips.close(np.asarray(got), expected.numpy(), 1e-4):
        others = (answer(order) for order in permutations(range(n)))
        got = next((other for other in others if slips.close(np.asarray(other), expected.numpy(), 1e-4)), got)
    equal("block(x)", got, expected, mistakes, tolerance=1e-4)
    compiled = call(tf.function(cls.__call__), new, x, training=True, hints=JOIN)
    equal("block(x), compiled and in training,", compiled, got, tolerance=1e-4)
    example = _variables(cls, (1, 16, 2, 32))
    equal("The number of parameters of the example", networks.count_parameters(example), 3712)
    shaped("What the block of the example gives", example(tf.zeros([2, 48, 48, 1])), [2, 24, 24, 32])


def _toy(weights: np.ndarray, bias: np.ndarray) -> Callable:
    """An affine map, in training of half the input (as batch norm and dropout change it too), with one untrained variable.

    Its `calls` count how often it was called in training mode, outside of compiled functions.
    """
    def model(x: tf.Tensor, training: bool = False) -> tf.Tensor:
        model.calls += bool(training) and tf.executing_eagerly()
        return tf.matmul(x * (0.5 if training else 1.0), model.weights) + model.bias

    model.calls = 0
    model.weights, model.bias = model.trainable_variables = tf.Variable(weights), tf.Variable(bias)
    model.variables = [*model.trainable_variables, tf.Variable(0.0, trainable=False)]
    return model


@check
def step(function: Callable) -> None:
    """Task 4: a step of `_toy`, whose loss counts as in training; and the example, compiled."""
    x = inputs(np.float32([[4, 9], [8, -3], [0.5, 0.5]]), lambda rng: rng.normal(0, 8, (3, 2)).astype(np.float32))
    y, rate = np.array([0, 1, 1]), 0.25
    before = np.float32([[1, -1], [0.5, 0.2]]), np.float32([0.1, 0])

    def change(loss: Callable = cross_entropy, weights: np.ndarray = before[0], training: bool = True) -> tuple:
        """What a step subtracts from the weights and from the bias, and the mean loss."""
        toy = _toy(weights, before[1])
        with tf.GradientTape() as tape:
            mean = tf.reduce_mean(loss(y, toy(tf.constant(x), training)))
        return *(rate * slope.numpy() for slope in tape.gradient(mean, toy.trainable_variables)), mean

    model, right, inference = _toy(*before), change(), change(training=False)
    loss = call(function, model, tf.constant(x), tf.constant(y), rate, hints=SLOPE)
    for i, name in enumerate(("weights", "bias")):
        start, by = before[i], right[i]
        equal(f"What the step subtracts from the {name}", start - model.trainable_variables[i].numpy(), by, [
            (f"The {name} did not change: each trainable variable takes a step, by assign_sub; is `return` in the loop?", 0 * by),
            (f"The {name} went up the slope: subtract the gradient.", -by),
            ("This is the step in inference mode: call model(x, training=True).", inference[i]),
            ("The mean over the batch is taken twice.", by / 3),
            ("The learning rate is missing: each gradient is multiplied by it.", by / rate),
            ("The learning rate is always 0.1: use the argument.", 0.1 * by / rate),
            ("The variables became the step itself: assign_sub subtracts it, assign replaces.", start - by),
            ("This is a step of Adam: subtract the learning rate times the gradient.", rate * np.sign(by)),
            ("The loss takes the logits, and softmax is part of it: give it what the model gives.",
             change(lambda y, z: cross_entropy(y, tf.nn.softmax(z)))[i]),
            ("The loss takes the logits for probabilities: set from_logits=True.",
             change(tf.keras.losses.sparse_categorical_crossentropy)[i]),
            ("This is the sigmoid cross-entropy: with one label of two, take the softmax cross-entropy.",
             change(lambda y, z: tf.nn.sigmoid_cross_entropy_with_logits(tf.one_hot(y, 2), z))[i]),
            ("The gradient for the bias is taken after the weights have changed: take all gradients first.",
             change(weights=before[0] - right[0])[i])], tolerance=1e-4)
    equal("The loss that train_step returns", loss, right[2], [
        ("train_step returns the loss in inference mode: call model(x, training=True).", inference[2]),
        ("train_step returns the loss after the step, expected the one before.",
         lambda: np.mean(cross_entropy(y, model(tf.constant(x), training=True))))])
    require(model.calls <= 1, f"model(x, training=True) is called {model.calls} times in one step: call it once, or batch norm "
            "moves its averages each time.")
    small = _toy(np.zeros([1, 2], np.float32), np.zeros(2, np.float32))
    got = call(tf.function(function), small, tf.zeros([1, 1]), tf.constant([1]), 0.1, hints=SLOPE)
    equal("The loss of the example, compiled,", got, np.log(2))
    equal("The bias of the example after the step, compiled,", small.bias, [-0.05, 0.05])


@check
def resumed(train_to: Callable) -> None:
    """Task 5: a training with two interruptions, one that is done and one that goes on, against one without any; the example."""
    steps, every, (first, second) = inputs((11, 4, (6, 10)), lambda rng: (10, 3, (5, 8)))
    model, _, take_step, right = practice(1)
    for number in range(steps + 3):
        take_step(number)
    with TemporaryDirectory() as whole, TemporaryDirectory() as folder:
        process(train_to, whole, steps, every, 0, right)
        require(bool(saved_in(whole)), "`folder` is empty after a training: save the checkpoints there.")
        process(train_to, folder, steps, every, 0, right, first)
        require(bool(saved_in(folder)),
                f"With every = {every}, `folder` is empty after {first} steps: save after each `every` steps.")
        for stop, start in ((second, first - first % every), (None, second - second % every)):
            process(train_to, folder, steps, every, start, right, stop)
        for more in (0, 2):
            process(train_to, folder, steps + more, every, steps, right)
    with TemporaryDirectory() as folder:
        for steps, start, stop in ((6, 0, 5), (6, 4, None), (6, 6, None), (8, 6, None)):
            process(train_to, folder, steps, 4, start, right, stop)


@check(seconds=10)
def trained(train: Callable, faces: Dataset) -> Callable:
    """Task 6: the network that `train` gives without seeing a test face."""
    own_training(train)
    model = without_test_set(train, faces)
    accurate(model, faces)
    return model


def accurate(model: Callable, faces: Dataset, least: int = 85, which: str = "") -> None:
    """Raise CheckFailed unless `model` is right for more than `least` percent of the test faces."""
    answers = logits_of(model, faces.x_test, 2).argmax(axis=1)
    percent = 100 * float(np.mean(answers == faces.y_test))
    right = f"accuracy of {percent:.1f} % on the test faces{which}"
    require(0.02 < answers.mean() < 0.98,
            f"The network gives the same answer for nearly all faces ({right}): was it trained, and for long enough?")
    require(percent > 40, f"The network has an {right}, worse than chance: are the labels swapped?")
    require(percent > least, f"The network has an {right}, more than {least} % is required: train for more epochs, or change the "
            "network or the rate.")


@check
def mirrored(model: Callable, faces: Dataset) -> None:
    """The hidden part of task 6: the test faces in another order, every second one mirrored."""
    order = seeded(6).permutation(len(faces.y_test))
    images = faces.x_test[order]
    images[::2] = images[::2, :, ::-1]
    accurate(model, replace(faces, x_test=images, y_test=faces.y_test[order]), 80, ", every second one mirrored")


def _stands_alone(function: Callable, *arguments) -> None:
    """Raise CheckFailed if the function needs a name of the notebook that the script at the end does not have."""
    own(function)
    names = {"np": np, "tf": tf, "Image": Image, "sys": sys, "Path": Path}
    names |= {name: value for name, value in function.__globals__.items() if name in ("prepare", "answer")}
    try:
        exec(textwrap.dedent(inspect.getsource(function)), names)  # annotations and defaults too, as the script reads them
        with np.errstate(all="ignore"):
            names[function.__name__](*arguments)
    except NameError as error:
        require(error.name not in function.__globals__,
                f"{function.__name__} uses {error.name}, which the script at the end does "
                "not have: put it inside the function.")
    except Exception:
        pass  # whatever else stops it is told where its answer is checked


def _scene(height: int, width: int) -> np.ndarray:
    """A smooth picture that can be sampled at any size: [height, width, 3] in 0..255, different in each direction and colour."""
    down, across = np.meshgrid((np.arange(height) + 0.5) / height, (np.arange(width) + 0.5) / width, indexing="ij")
    down, across = inputs((down, across), lambda rng: (1 - down, 1 - across))  # upside down
    wave = np.sin(2 * np.pi * across) * np.sin(np.pi * down)
    return np.stack([60 + 150 * down, 40 + 120 * across + 50 * wave, 210 - 170 * down * across], axis=-1)


@check
def preparing(function: Callable) -> None:
    """Task 7, first part: pictures sampled from a smooth scene at four sizes, against it sampled at 48x48; and the example."""
    _stands_alone(function, np.uint8(_scene(60, 50)))
    shares, small = np.array([0.299, 0.587, 0.114]), _scene(48, 48) / 255
    expected = (small @ shares)[None, :, :, None]
    for picture in [_scene(*size) @ mix for size in ((48, 48), (120, 90), (60, 200), (36, 42)) for mix in (np.eye(3), shares)]:
        colour, picture = picture.ndim == 3, np.round(picture).astype(np.uint8)
        kind = f"a {'colour' if colour else 'grey'} picture {list(picture.shape)}"
        grey = Image.fromarray(picture).convert("L")
        got = call(function, picture, hints=[("", f"It got {kind}" + ("." if colour else ", without an axis of colours."))])
        equal(f"prepare of {kind}", got, expected, [
            ("The picture is cropped: scale the whole picture instead.",
             *(np.asarray(part)[None, ..., None] / 255 for part in (grey.crop((0, 0, 48, 48)), ImageOps.fit(grey, (48, 48))))),
            ("The picture is padded with bars: scale the whole picture to 48x48 instead.",
             np.asarray(ImageOps.pad(grey, (48, 48)))[None, ..., None] / 255),
            ("Divide by 255: the network was trained on values in [0, 1].", 255 * expected),
            ("The values go from -1 to 1, expected 0 to 1.", 2 * expected - 1),
            ("The contrast is stretched: divide by 255, whatever is in the picture.",
             (expected - expected.min()) / np.ptp(expected), expected / expected.max()),
            ("The picture is transposed: PIL sizes are (width, height), arrays [height, width].", expected.transpose(0, 2, 1, 3)),
            ("Grey is 0.299 red + 0.587 green + 0.114 blue: here red and blue are swapped.",
             (small @ shares[::-1])[None, ..., None]),
            ("Grey is 0.299 red + 0.587 green + 0.114 blue, not their mean.", small.mean(-1)[None, ..., None]),
            ("Grey is 0.299 red + 0.587 green + 0.114 blue, this is red alone.", small[None, ..., :1]),
            ("The picture is dark where it should be light: do not invert it.", 1 - expected)],
            tolerance=0.025)  # taking the nearest pixel, which is right too, errs by 0.0203
        require(np.asarray(got).dtype == np.float32, f"prepare of {kind} has type {np.asarray(got).dtype}, expected float32.")
    equal("prepare of a white picture", call(function, np.full([30, 70], 255, np.uint8)), np.ones([1, 48, 48, 1]))


@check
def answering(function: Callable) -> None:
    """Task 7, second part: label and probability, the logistic function of the difference of the logits; first the example."""
    _stands_alone(function, np.array([[2.0, 0.5]], np.float32))
    for first, second in inputs(((2.0, 0.5), (0.0, np.log(3)), (-1.0, 1.0), (0.3, 0.4), (900.0, 1000.0), (1000.0, -1000.0)),
                                lambda rng: [*rng.normal(size=(4, 2)), (1000.0, 950.0), (-990.0, 1000.0)]):
        label, got = results(function, call(function, np.array([[first, second]], np.float32)), "label", "probability")
        high, p, name = max(first, second), 1 / (1 + np.exp(-abs(first - second))), f"answer([[{first:.4g}, {second:.4g}]])"
        require(isinstance(label, str) and label in FACE_CLASSES, f'{name} gives the label {label!r}, expected "man" or "woman".')
        require(not isinstance(got, str), f"{name} gives the probability as a text, expected a number.")
        require(not np.isnan(np.sum(got)),
                f"{name} gives a probability that is not a number: subtract the largest logit before np.exp.")
        require(label == FACE_CLASSES[int(second > first)], f'{name} says {label!r}: '
                + ("logits of this size must keep their difference: subtract the largest one before np.exp, do not clip them."
                   if high > 500 else 'index 0 is "man", 1 is "woman", and the larger logit wins.'))
        equal(f"The probability of {name}", got, p, [
            ("This is the logit, not a probability: take the softmax.", high),
            ("This is the probability of the other label.", 1 - p),
            ("This is the logistic function of one logit: take the softmax of both.", 1 / (1 + np.exp(-high))),
            ("This is the logit divided by the sum of the logits: take np.exp of both first.", lambda: high / (first + second)),
            ("The probabilities do not add up to 1: the sum goes over the two logits, axis 1.", 1),
            ("These are both probabilities: return that of the label.", [p, 1 - p], [1 - p, p])],
            tolerance=1e-4)
