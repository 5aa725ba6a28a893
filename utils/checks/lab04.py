"""The checks of lab 04. Each raises `checks.CheckFailed` with one sentence, or gives nothing (`trained` gives the model)."""
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from utils import checks, layers, networks, training
from utils.data import Dataset
from utils.quiet import tf


@checks.check
def parameters(dense_net_parameters: Callable) -> None:
    """Task 1: the number of parameters of three DenseNets."""
    for blocks, filters in checks.inputs(((4, 16), (1, 2), (3, 8)),
                                         lambda rng: rng.integers((2, 3), (5, 16), (3, 2)).tolist()):
        count, hidden = networks.count_parameters(networks.DenseNet(blocks, filters)), (48 // 2**blocks)**2 * 32
        checks.same(f"dense_net_parameters({blocks}, {filters})", checks.call(dense_net_parameters, blocks, filters), count, {
            "The biases are missing: one for each filter and each output.": count - blocks * (2 * filters + 32) - 52,
            "The second convolution of a block gets its input with the output of the first behind it: more channels.":
                count - blocks * 9 * filters**2,
            "The reduction gets all channels of the block: the output of the second convolution is missing.":
                count - blocks * 32 * filters,
            "The reduction gets all channels of the block, not only the output of the second convolution.":
                count - 32 * (filters + 1 + (blocks - 1) * (filters + 32)),
            "The first block gets 1 channel, only the others get 32.": count + 31 * (18 * filters + 32),
            "Only the first block gets 1 channel, the others get the 32 of the block before.":
                count - (blocks - 1) * 31 * (18 * filters + 32),
            "The hidden and the output layer are missing.": count - (hidden + 1) * 50 - 102,
            "Each block halves the image: the hidden layer gets fewer numbers.": count + (48 * 48 * 32 - hidden) * 50,
        }, tolerance=1e-9)


@checks.check
def block(dense_block: Callable) -> None:
    """Task 2: against `layers.DenseBlock` with the same random weights and biases."""
    generator = tf.random.Generator.from_seed(checks.inputs(2, lambda rng: int(rng.integers(3, 1000))))
    reference, x = layers.DenseBlock(inputs=3, filters=5), generator.normal([4, 12, 12, 3])
    for variable in reference.trainable_variables:
        variable.assign(generator.normal(variable.shape, stddev=0.4))
    *convolutions, reduction = [(layer.weights, layer.bias) for layer in (*reference.convolutions, reference.reduction)]

    def mistaken(relu=True, bias=True, last_relu=True, behind=True, pool="middle", joined=True):
        """The block with one mistake."""
        def convolved(image, weights, offset, relu=relu):
            image = tf.nn.conv2d(image, weights, 1, "SAME") + offset * bias
            return tf.nn.relu(image) if relu else image

        image = layers.maxpool(x) if pool == "first" else x
        for weights, offset in convolutions:
            features = convolved(image, weights, offset)
            image = tf.concat([image, features] if behind else [features, image], axis=-1)
        image = layers.maxpool(image) if pool == "middle" else image
        image = convolved(image, *reduction, relu=relu and last_relu)
        return layers.maxpool(image) if pool == "last" else image

    try:
        got = checks.call(dense_block, x, convolutions, reduction)
    except checks.CheckFailed as failure:
        checks.require("depth" not in str(failure), "A convolution gets fewer channels than its weights expect: concatenate "
                       "the features to the input, and give the next convolution the result.")
        raise
    checks.same("dense_block(x, convolutions, reduction)", got, reference(x), {
        "The biases are missing.": mistaken(bias=False),
        "ReLU is missing.": mistaken(relu=False),
        "ReLU is missing after the reduction.": mistaken(last_relu=False),
        "The features go behind the input, not before it.": mistaken(behind=False),
        "The pooling comes after the convolutions, not before them.": mistaken(pool="first"),
        "The pooling comes before the reduction, not after it.": mistaken(pool="last"),
        "The pooling is missing.": mistaken(pool="none"),
    }, tolerance=1e-4)


@checks.check
def loss(cross_entropy: Callable, accuracy: Callable) -> None:
    """Task 3: against TensorFlow, on moderate and on large logits."""
    labels = checks.inputs(np.array([0, 1, 2, 2, 1, 0, 0]), lambda rng: rng.integers(0, 3, 31))
    images = len(labels)
    logits = checks.generator(0).normal(scale=2, size=(images, 3))
    each = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits).numpy()
    checks.same("cross_entropy(logits, labels)", checks.call(cross_entropy, logits, labels), each.mean(), {
        "cross_entropy gives the sum over the images: the mean was asked.": each.sum(),
        "cross_entropy gives one number for each image: their mean was asked.": each,
        "The sign is wrong: a cross-entropy is never negative.": -each.mean(),
        "This is the logarithm to base 2: np.log is the natural one.": each.mean() / np.log(2),
        "This is the mean over all classes: only the class of the label counts.":
            -tf.nn.log_softmax(logits).numpy().mean(),
        "The sum of the exponentials goes over the classes of one image (axis 1), not over the images.":
            -tf.nn.log_softmax(logits, axis=0).numpy()[np.arange(images), labels].mean()})
    with np.errstate(all="ignore"):
        large = np.asarray(checks.call(cross_entropy, 1000 * logits, labels))
    checks.require(bool(np.isfinite(large).all()), "With logits of some thousands it is not finite: subtract the largest logit "
                   "of each image before np.exp, and take no logarithm of a probability that has become 0.")
    checks.same("cross_entropy(1000 * logits, labels)", large,
                tf.nn.sparse_softmax_cross_entropy_with_logits(labels, 1000 * logits).numpy().mean())
    hits = int((logits.argmax(axis=1) == labels).sum())
    checks.same("accuracy(logits, labels)", checks.call(accuracy, logits, labels), hits / images, {
        "accuracy gives the number of right answers: divide by the number of images.": hits,
        "accuracy gives the fraction of wrong answers.": 1 - hits / images,
        "accuracy gives percent: a fraction between 0 and 1 was asked.": 100 * hits / images,
        "accuracy looks at the smallest logit: the largest one is the answer.": np.mean(logits.argmin(axis=1) == labels)})


class Toy(tf.Module):
    """An affine map, in training of half the input (as batch norm and dropout change it too), with one untrained variable."""

    def __init__(self):
        super().__init__()
        self.weights = tf.Variable([[1.0, -1.0], [0.5, 0.2]])
        self.bias = tf.Variable([0.1, 0.0])
        self.calls = tf.Variable(0.0, trainable=False)

    def __call__(self, x: tf.Tensor, training: bool = False) -> tf.Tensor:
        return tf.matmul(x * (0.5 if training else 1.0), self.weights) + self.bias


@checks.check
def step(train_step: Callable) -> None:
    """Task 4: on `Toy`, whose gradient is x^T (p - onehot) / N for the weights and the sum of (p - onehot) / N for the bias."""
    x = checks.inputs(np.float32([[1, 2], [3, -1], [0.5, 0.5]]), lambda rng: rng.normal(0, 2, (3, 2)).astype(np.float32))
    y, rate = np.array([0, 1, 1]), np.float32(0.1)
    model = Toy()
    before = {"weights": model.weights.numpy(), "bias": model.bias.numpy()}

    def change(scale: float) -> tuple[dict, np.ndarray]:
        logits = scale * x @ before["weights"] + before["bias"]
        error = (tf.nn.softmax(logits).numpy() - np.eye(2)[y]) / 3
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(y, logits).numpy()
        return {"weights": rate * scale * x.T @ error, "bias": rate * error.sum(axis=0)}, losses

    got = checks.call(train_step, model, tf.constant(x), tf.constant(y), 0.1)
    (right, losses), (without, _) = change(0.5), change(1.0)
    for name in ("weights", "bias"):
        start, by = before[name], right[name]
        checks.same(f"The {name} after the step", getattr(model, name), start - by, {
            f"The {name} did not change: every trainable variable takes a step.": start,
            f"The {name} went up the slope: subtract the gradient.": start + by,
            "This is the step in inference: call model(x, training=True).": start - without[name],
            "The loss is the mean over the batch, not the sum.": start - 3 * by,
            "The learning rate is missing: each gradient is multiplied by it.": start - by / rate,
            "The variables became the step itself: assign_sub subtracts it, assign replaces.": by})
    checks.same("The loss that train_step returns", got, losses.mean(), {
        "train_step returns one loss for each image: return their mean.": losses,
        "train_step returns the loss after the step: return the one before.":
            tf.nn.sparse_softmax_cross_entropy_with_logits(y, model(tf.constant(x), training=True)).numpy().mean()})


@checks.check
def batches(epoch_batches: Callable) -> None:
    """Task 5: sizes, each image once, shuffled, reproducible, another order for another epoch and seed."""
    images = checks.inputs(100, lambda rng: int(rng.integers(101, 127)))

    def order(seed: int, epoch: int) -> list[np.ndarray]:
        return [np.asarray(batch) for batch in checks.call(epoch_batches, images, 32, seed, epoch)]

    parts = order(1, 0)
    sizes, flat, left = [len(part) for part in parts], np.concatenate(parts), images - 96
    checks.require(sizes != [32, 32, 32], f"The last batch is missing: the {left} images that are left make a smaller one.")
    checks.require(sizes == [32, 32, 32, left],
                   f"The batches of {images} images have the sizes {sizes}, expected {[32, 32, 32, left]}.")
    checks.require(np.array_equal(np.sort(flat), np.arange(images)), "Some images come twice and others never: draw a "
                   f"permutation, in which each number from 0 to {images - 1} comes once.")
    checks.require(not np.array_equal(flat, np.arange(images)), "The images are not shuffled.")
    checks.require(np.ptp(parts[0]) > 40, "Only images that are neighbours come together in a batch: shuffle the images, "
                   "then cut.")
    checks.require(np.array_equal(flat, np.concatenate(order(1, 0))), "Called twice with the same seed and epoch it gives "
                   "two orders: make a generator of your own from seed and epoch.")
    for sentence, other in (("Epoch 1 has the same order as epoch 0.", (1, 1)),
                            ("Seed 2 gives the same order as seed 1.", (2, 0))):
        checks.require(not np.array_equal(flat, np.concatenate(order(*other))), sentence)
    checks.require(not np.array_equal(np.concatenate(order(1, 2)), np.concatenate(order(2, 1))),
                   "Seed 1 in epoch 2 gives the order of seed 2 in epoch 1: give the generator both numbers, as a list.")


@checks.check
def trained(train: Callable, faces: Dataset) -> Callable:
    """Task 6: `train` gets the faces without the test images; its model must be right for more than 85 % of those."""
    model = checks.run(train, replace(faces, x_test=faces.x_test[:0], y_test=faces.y_test[:0]))
    checks.require(callable(model), f"train gives a {type(model).__name__}: return the model, not what training.fit returns.")
    logits = training.predict(model, faces.x_test)
    checks.require(logits.shape == (len(faces.y_test), 2),
                   f"The model gives shape {list(logits.shape)} for {len(faces.y_test)} faces, expected two logits for each.")
    checks.require(not np.allclose(logits.sum(axis=1), 1, atol=1e-4), "The model gives probabilities: take the softmax off.")
    answers = logits.argmax(axis=1)
    accuracy = np.mean(answers == faces.y_test)
    checks.require(0.02 < answers.mean() < 0.98, f"The model gives the same answer for nearly all faces ({100 * accuracy:.1f} % "
                   "right): is it trained, for long enough?")
    checks.require(accuracy > 0.85, f"The model is right for {100 * accuracy:.1f} % of the test faces, more than 85 % is asked: "
                   "train for more epochs, or change the network or the learning rate.")
    return model


@checks.check
def mirrored(model: Callable, faces: Dataset) -> None:
    """The hidden part of task 6: the test faces in another order, every second one mirrored."""
    order = checks.generator(6).permutation(len(faces.y_test))
    images, labels = faces.x_test[order].copy(), faces.y_test[order]
    images[::2] = images[::2, :, ::-1]
    accuracy = training.evaluate(model, images, labels)
    checks.require(accuracy > 0.8, f"The model is right for {100 * accuracy:.1f} % of the test faces when every second one is "
                   "mirrored, more than 80 % is asked: it has learned these images, not faces.")


def _scene(height: int, width: int) -> np.ndarray:
    """A smooth picture that can be sampled at any size: [height, width, 3] in 0..255, different in each direction and colour."""
    down, across = np.meshgrid((np.arange(height) + 0.5) / height, (np.arange(width) + 0.5) / width, indexing="ij")
    down, across = checks.inputs((down, across), lambda rng: (1 - down, 1 - across))  # upside down
    wave = np.sin(2 * np.pi * across) * np.sin(np.pi * down)
    return np.stack([60 + 150 * down, 40 + 120 * across + 50 * wave, 210 - 170 * down * across], axis=-1)


@checks.check
def preparing(prepare: Callable) -> None:
    """Task 7, first part: pictures sampled from one smooth scene at four sizes, against the scene sampled at 48x48."""
    shares, small = np.array([0.299, 0.587, 0.114]), _scene(48, 48) / 255
    expected = (small @ shares)[None, :, :, None]
    for height, width in ((48, 48), (120, 90), (60, 200), (36, 42)):
        picture = np.round(_scene(height, width)).astype(np.uint8)
        grey = np.round(_scene(height, width) @ shares).astype(np.uint8)
        for kind, given in (("colour", picture), ("grey", grey)):
            got = checks.call(prepare, given)
            name = f"prepare of a {kind} picture of {height}x{width}"
            checks.same(name, got, expected, {
                "Divide by 255: the network was trained on values in [0, 1].": 255 * expected,
                "The picture is turned over: PIL sizes are (width, height), arrays are [height, width].":
                    expected.transpose(0, 2, 1, 3),
                "Grey is 0.299 red + 0.587 green + 0.114 blue: here red and blue are swapped.":
                    (small @ shares[::-1])[None, :, :, None],
                "Grey is 0.299 red + 0.587 green + 0.114 blue, not the plain mean of the colours.":
                    small.mean(axis=-1)[None, :, :, None],
                "The axes of batch and channel are missing: [48, 48] becomes [1, 48, 48, 1].": expected[0, :, :, 0],
                "The axis of the batch is missing: [48, 48, 1] becomes [1, 48, 48, 1].": expected[0],
                "The picture is dark where it should be light: do not invert it.": 1 - expected},
                tolerance=0.025)  # taking the nearest pixel, which is right too, errs by 0.0203
            checks.require(np.asarray(got).dtype == np.float32, f"{name} has type {np.asarray(got).dtype}, expected float32.")


@checks.check
def answering(answer: Callable) -> None:
    """Task 7, second part: label and probability, by the logistic function of the difference of the logits."""
    for first, second in checks.inputs(((2.0, 0.5), (-1.0, 1.0), (0.3, 0.4), (900.0, 1000.0)),
                                       lambda rng: [*rng.normal(size=(4, 2)), (1000.0, 950.0)]):
        with np.errstate(all="ignore"):
            got = checks.call(answer, np.array([[first, second]], np.float32))
        checks.require(isinstance(got, tuple) and len(got) == 2, "answer gives two things: return label, probability.")
        label, probability = got
        high, low = max(first, second), min(first, second)
        p = 1 / (1 + np.exp(low - high))
        name = f"answer([[{first:g}, {second:g}]])"
        checks.require(label in ("man", "woman"), f'{name} gives the label {label!r}, expected "man" or "woman".')
        checks.require(label == ("man", "woman")[int(second > first)],
                       f'{name} says {label!r}: logit 0 belongs to "man", logit 1 to "woman", and the larger one wins.')
        finite = np.isfinite(np.asarray(probability, float)).all()
        checks.require(finite, f"{name} gives a probability that is not a number: subtract the largest logit before np.exp.")
        checks.same(f"The probability of {name}", probability, p, {
            "This is the logit, not a probability: take the softmax.": high,
            "This is the probability of the other label.": 1 - p,
            "The probabilities of the two labels do not add up to 1: the sum goes over the two logits of one image.": 1.0,
            "The probability is one number, not an array.": [p]}, tolerance=1e-4)
