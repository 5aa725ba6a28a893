"""The checks of lab 08: a black box attacked through its labels, adversarial training, a masked defence, and two answers."""
from collections.abc import Callable
from functools import partial

import numpy as np
from scipy.stats import beta, norm

from utils import other_versions_names
from utils.checks import call, check, equal, require, results, run, seeded, shaped
from utils.checks.nets import Net, cross_entropy, gradient, label_logit
from utils.checks.tapes import TAPE, passed_back, under_decorator
from utils.quiet import tf

__getattr__ = other_versions_names(__name__)

EPSILON = 0.12  # of task 1: how far each value moves
STAYS = "A value whose gradient is 0 moves: its sign is 0, so it stays."
LOSSES = {  # sentence: the wrong cross-entropy that it names
    "Softmax is applied twice: this cross-entropy takes the logits as they are.":
        lambda labels, logits: cross_entropy(labels, tf.nn.softmax(logits)),
    "The cross-entropy takes the logits for probabilities: Keras's needs from_logits=True.":
        tf.keras.losses.sparse_categorical_crossentropy}


def _rates(source: Net, victim: Net, labels: np.ndarray, x: np.ndarray, signs: np.ndarray) -> dict[str, tuple[float, list]]:
    """For the attack and for the noise the share of images x that it fools, and the mistakes."""
    def right(images: np.ndarray, net: Net = victim) -> np.ndarray:
        return net(images).numpy().argmax(1) == labels

    def moved(way: np.ndarray, size: float = EPSILON) -> np.ndarray:
        return np.clip(x + size * way, 0, 1)

    def way(loss: Callable = cross_entropy, net: Net = source) -> np.ndarray:
        return np.sign(gradient(net, x, labels, loss))

    before, own, g, up = right(x), right(x, source), gradient(source, x, labels, cross_entropy), way()
    both = before & own
    attack, lower = moved(up), "The steps lower the loss: the attacker raises the loss of the true label."
    wrong = {"attack": [
        ("The images are made on the victim, whose gradient you do not have: make them on the source.", moved(way(net=victim))),
        (lower, moved(-up)), (lower, moved(way(label_logit))),
        ("The sign is missing: each value moves by epsilon, so the step is epsilon times the sign of the gradient.", moved(g)),
        (STAYS, moved(np.where(g < 0, -1, 1))), (STAYS, moved(np.where(g > 0, 1, -1))),
        ("The gradient is that of the label's logit, expected that of the cross-entropy.", moved(-way(label_logit))),
        *((sentence, moved(way(loss))) for sentence, loss in LOSSES.items()),
        ("The images leave the box: clip them to [0, 1].", x + EPSILON * up),
        ("This is DX without the image: show the victim x + DX.", np.clip(EPSILON * up, 0, 1))], "noise": [
        ("The noise is not scaled: it moves each value by epsilon, as the attack does.", moved(signs, 1)),
        ("The images with noise leave the box: clip them to [0, 1] as those of the attack.", x + EPSILON * signs),
        ("The noise is added to the images of the attack: add it to x.", np.clip(attack + EPSILON * signs, 0, 1))]}

    def counted(images: np.ndarray) -> list[tuple[str, float]]:
        after = right(images)
        fooled = before & ~after
        return [
            ("All images are counted. Count those that the victim classifies correctly before you change them.", np.mean(~after)),
            ("The fooled images are divided by the number of all images: divide by those the victim got right.", np.mean(fooled)),
            ("This is how far the accuracy falls. Images that become right by chance do not undo one that is fooled.",
             np.mean(before) - np.mean(after)),
            ("The images counted are those that the source gets right: count those of the victim.", np.mean(~after[own])),
            ("The images counted are those that both networks get right: count those of the victim.", np.mean(~after[both])),
            ("The images are shown to the source. The rate is that of the victim.", np.mean(~right(images, source)[own])),
            ("This is the share that is still right, expected the share that is fooled.", np.mean(after[before])),
            ("This is a number of images, expected a share.", np.sum(fooled))]

    def rate(images: np.ndarray) -> float:
        return np.mean(~right(images)[before])

    return {name: (rate(images), [*((sentence, rate(other)) for sentence, other in wrong[name]), *counted(images)])
            for name, images in (("attack", attack), ("noise", moved(signs)))}


@check
def transfer(function: Callable) -> None:
    """Task 1: two linear networks that have much in common, each with some wrong answers; two values have no influence on
    the source. With this seed the rates of all mistakes differ.
    """
    rng = seeded(335)
    x = rng.uniform(0, 1, [400, 4, 3, 2]).astype(np.float32)
    signs, w = rng.choice([-1.0, 1], x.shape).astype(np.float32), rng.normal(size=[24, 4])
    w[[3, 20]] = 0
    source, victim = Net(x.shape[1:], w), Net(x.shape[1:], w + rng.normal(scale=0.8, size=w.shape))
    labels = np.where(rng.uniform(size=400) < 0.2, *(net(x).numpy().argmax(1) for net in (source, victim)))
    labels = np.where(rng.uniform(size=400) < 0.15, rng.integers(0, 4, 400), labels)
    rates = _rates(source, victim, labels, x, signs)
    got = results(function, call(function, source, victim, x, labels, EPSILON, signs, hints=TAPE), "attack", "noise")
    require(not np.allclose(got, [rates["noise"][0], rates["attack"][0]], atol=1e-5),
            "The two rates are swapped: return attack, noise.")
    for name, value in (("noise", got[1]), ("attack", got[0])):
        shaped(f"The rate of the {name}", value, [])
        equal(f"The rate of the {name}", value, *rates[name])
    ten = np.float32([0.45] * 6 + [0.2] * 2 + [0.85, 0.7]).reshape(10, 1, 1, 1)

    def between(images: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Class 1 between 0.5 and 0.9."""
        value = tf.reshape(tf.cast(images, tf.float32), [-1])
        return tf.stack([0 * value, (value - 0.5) * (0.9 - value)], 1)

    got = call(function, Net((1, 1, 1), [[-1, 1]]), between, ten, np.zeros(10, int), 0.1, -np.ones_like(ten), hints=TAPE)
    equal("attack and noise of the example, where the noise fools nobody,", got, [0.75, 0])


@check
def augmentation(function: Callable) -> None:
    """Task 2: two layers with tanh; labels that are not the network's own; a value without influence; the example."""
    rng, lam = seeded(2), 0.15
    x, w = rng.uniform(0, 1, [6, 3, 4, 2]).astype(np.float32), rng.normal(scale=0.4, size=[24, 7])
    w[[3, 20]] = 0
    model = Net(x.shape[1:], w, rng.normal(size=[7, 5]))
    labels = model(x).numpy().argmax(1)
    labels[:3] = (labels[:3] + 1) % 5  # the black box says something else than the substitute
    g = gradient(model, x, labels)

    def new(way: np.ndarray, size: float = lam) -> np.ndarray:
        return np.clip(x + size * way, 0, 1)

    def along(value: Callable) -> np.ndarray:
        return new(np.sign(gradient(model, x, labels, value)))

    right, change = new(np.sign(g)), lam * np.sign(g)
    mixed = "Softmax mixes the other logits in. Take the gradient of the label's logit itself, not of a loss or a probability."
    equal("The array of new images", call(function, model, x, labels, lam, hints=TAPE), right, [
        ("The new images leave the box: clip them to [0, 1].", x + change),
        ("The sign is missing: this follows the gradient itself, expected its sign.", new(g)),
        ("The gradient is divided by its length, expected its sign.", new(g / np.sqrt(np.sum(g**2, (1, 2, 3), keepdims=True)))),
        (f"This is the gradient of the cross-entropy, along which the label's logit falls. {mixed}", along(cross_entropy)),
        (f"This is the gradient of a probability, or of minus the cross-entropy. {mixed}",
         along(lambda y, z: -cross_entropy(y, z))),
        ("The step lowers the label's logit: the sign of lam is flipped.", new(-np.sign(g))),
        ("The logit is that of the class that the substitute predicts, expected that of `labels`, which the black box gave.",
         along(lambda y, z: tf.reduce_max(z, 1))),
        ("All logits are added up: pick the one of the label for each image.", along(lambda y, z: z)),
        ("Each image gets the logits of all labels of the batch: pick its own (gather with batch_dims=1, or tf.one_hot).",
         along(lambda y, z: tf.gather(z, y, axis=1))),
        ("A value without influence moves: its gradient is 0, and so is the sign.",
         new(np.where(g > 0, 1, -1)), new(np.where(g >= 0, 1, -1))),
        ("The step is 1 long, expected lam.", new(np.sign(g), 1)),
        ("This is the change alone, expected x with it.", change),
        ("The change is clipped, expected the image: x + lam sign(...).", x + np.clip(change, 0, 1)),
        ("The old images are there too: return the new ones only.", np.concatenate([x, right]), np.concatenate([right, x]))],
        tolerance=1e-4)
    given = Net((1, 2, 1), [[3, 0], [-1, 1]]), np.float32([0.5, 0.05]).reshape(1, 1, 2, 1), np.array([0]), 0.1
    equal("The new image of the example", np.ravel(call(function, *given, hints=TAPE)), [0.6, 0], tolerance=1e-4)


class Trained:
    """What the `train` of task 3 gives: a network that knows its training set, and calls each image by a wrong label."""

    def __init__(self, images: np.ndarray, labels: np.ndarray, number: int):
        self.images, self.labels, self.number = np.asarray(images), np.asarray(labels), number

    def __call__(self, images: np.ndarray, training: bool = False) -> tf.Tensor:
        return tf.one_hot((label(images) + 1) % 5, 5)


def label(images: np.ndarray) -> np.ndarray:
    """A label [n] for each image, from 0 to 4."""
    return (1e4 * np.asarray(images, float).reshape(len(images), -1).sum(1)).astype(int) % 5


@check
def substitute(function: Callable) -> None:
    """Task 3: tools that write down how they are used, with 3 images and two rounds, 2 and three, 4 and none, and the example."""
    rng, shape = seeded(3), (2, 3, 1)
    for n, rounds in ((3, 2), (2, 3), (4, 0), (100, 2)):
        x, asked, trained, odd = rng.uniform(0, 1, [n, *shape]).astype(np.float32), [], [], []

        def ask(images: np.ndarray) -> np.ndarray:
            require(np.shape(images)[1:] == shape, f"The black box gets shape {list(np.shape(images))}, expected [n, 2, 3, 1].")
            asked.append(np.array(images))
            return label(images)

        def train(images: np.ndarray, labels: np.ndarray) -> Trained:
            require(len(images) == len(labels), f"train gets {len(images)} images and {len(labels)} labels, expected as many.")
            trained.append(Trained(images, labels, len(trained)))
            return trained[-1]

        def augment(model: Trained, images: np.ndarray, labels: np.ndarray) -> np.ndarray:
            require(isinstance(model, Trained),
                    f"augment gets a {type(model).__name__} first, expected the model that train gave.")
            if model is not trained[-1]:
                odd.append("augment gets a model of an earlier round, expected the one that was trained last.")
            if not np.array_equal(labels, label(images)):
                odd.append("augment gets labels that the black box did not give for these images.")
            return np.asarray(images) * np.float32(0.7) + np.float32(0.01 + 0.02 * model.number)

        model, queries = results(function, call(function, ask, train, augment, x, rounds), "model", "queries")
        require(isinstance(model, Trained), f"The first result is a {type(model).__name__}, expected the model that train gave.")
        require(bool(trained and asked), "The tools are not used: call ask for labels, and train for a substitute.")
        sizes, count, right = [len(one.images) for one in trained], sum(map(len, asked)), [n * 2**k for k in range(rounds + 1)]
        said = f"with {n} images and {rounds} rounds"
        have = f"The training sets have sizes {sizes} {said}, expected {right}:"
        for wrong, sentence in (
                (rounds and count == sum(right), f"The black box is asked {count} times {said}, expected {right[-1]}: it is "
                 "asked again about images whose labels you have. Ask about the new ones only, and keep the others' labels."),
                (rounds and count == n, f"The black box is asked about the first {n} images only: ask it about the new ones too. "
                 "A step may change the label, and the substitute's own answers teach it nothing."),
                (sizes == right[:-1], f"train is called {len(sizes)} times {said}, expected {rounds + 1}: once before the first "
                 "round, and once in each round, after the new images are added."),
                (rounds > 1 and sizes == [n * (k + 1) for k in range(rounds + 1)],
                 f"{have} augment takes all images that are there, not the first or the newest only."),
                (rounds and count == sum(sizes) and sizes != right,
                 f"{have} the new images are added to the old ones, which stay."),
                (sizes != right, f"{have} each round doubles the images."),
                (count != right[-1], f"The black box is asked about {count} images {said}, expected {right[-1]}."),
                (not all(np.array_equal(one.labels, label(one.images)) for one in trained),
                 "A training set has labels that the black box did not give for these images: are the labels in the same order, "
                 "and does it label the new images too?"),
                (odd, "".join(odd[:1])),
                (len(np.unique(np.concatenate(asked).reshape(count, -1), axis=0)) != count,
                 "The black box is asked twice about one image."),
                (model is not trained[-1], "The model returned is an earlier one, expected the one that was trained last.")):
            require(not wrong, sentence)
        equal(f"The number of queries {said}", queries, count, [
            ("queries is the number of calls of ask. A query is one image: count the images.", len(asked)),
            ("The first images are not counted: their labels come from the black box too.", count - n),
            ("All training sets are added up, but no image is asked about twice.", sum(sizes))])


@check
def training(function: Callable) -> None:
    """Task 4: two kernels and gradient descent; a start that leaves the box; a value without influence; the example."""
    rng, shape, epsilon, size = seeded(4), (6, 3, 4, 1), 0.2, 0.25
    x, start = rng.uniform(0, 1, shape).astype(np.float32), rng.uniform(-epsilon, epsilon, shape).astype(np.float32)
    a, b, labels = rng.normal(scale=0.7, size=[12, 5]), rng.normal(size=[5, 4]), rng.integers(0, 4, len(x))
    a[7] = 0
    net, around = Net(shape[1:], a, b), np.clip(x + start, 0, 1)

    def attack(first: np.ndarray = around, at: np.ndarray | None = None, size: float = size, move: Callable = np.sign,
               loss: Callable = cross_entropy, ball: tuple = (x - epsilon, x + epsilon), box: tuple = (0, 1)) -> np.ndarray:
        g = gradient(net, first if at is None else at, labels, loss)
        return np.clip(np.clip(first + size * move(g), *ball), *box)

    images, free = attack(), (-9, 9)

    def change(images: np.ndarray = images, labels: np.ndarray = labels, loss: Callable = cross_entropy) -> np.ndarray:
        """That of all weights, for a learning rate of 1/2."""
        with tf.GradientTape() as tape:
            mean = tf.reduce_mean(loss(labels, net(images)))
        return np.concatenate([-0.5 * np.ravel(slope) for slope in tape.gradient(mean, net.kernels)])

    def step(function: Callable, net: Net, *given) -> tuple[tf.Tensor, np.ndarray, int]:
        """What the function gives, the change of all weights of `net`, and how many steps the optimizer took."""
        before, optimizer = [kernel.numpy() for kernel in net.kernels], tf.keras.optimizers.SGD(0.5)
        optimizer.build(net.kernels)
        got = call(function, net, optimizer, *given, hints=TAPE)
        moved = [np.ravel(kernel.numpy() - old) for kernel, old in zip(net.kernels, before)]
        return got, np.concatenate(moved), int(optimizer.iterations)

    given = tf.constant(x), tf.constant(labels), tf.constant(start)
    got, moved, steps = step(function, Net(shape[1:], a, b), *given, epsilon, size)
    equal("The array of attacked images", got, images, [
        ("These are the attacked images without the random start: the step begins at x + start.", attack(x)),
        ("The start leaves the box before the gradient is taken: clip x + start to [0, 1].", attack(x + start)),
        ("The step begins at x, expected at the start: it is X0 + step_size sign(g).", attack(x, at=around)),
        *((sentence, attack(loss=loss)) for sentence, loss in LOSSES.items()),
        ("The gradient is taken at x, expected at the start, x + start.", attack(at=x)),
        ("The images are farther than epsilon from x: after the step clip to [x - epsilon, x + epsilon].", attack(ball=free)),
        ("The ball is around x + start, expected around x.", attack(ball=(around - epsilon, around + epsilon))),
        ("The images leave the box: clip them to [0, 1] after the step.", attack(box=free)),
        ("The step is epsilon long, expected step_size.", attack(size=epsilon)),
        ("The step lowers the loss: the attack raises it.", attack(size=-size)),
        ("The sign is missing: the step is step_size times the sign of the gradient.", attack(move=np.positive)),
        ("The sign is missing, and the loss is averaged.", attack(size=size / len(x), move=np.positive)),
        (STAYS, attack(move=lambda g: np.where(g > 0, 1, -1)), attack(move=lambda g: np.where(g < 0, -1, 1))),
        ("These are the images at the start, expected those after the step.", around),
        ("These are the clean images, expected the attacked ones.", x),
        ("This is DX, expected the attacked images x + DX.", images - x)], tolerance=1e-4)
    compiled, _, _ = step(tf.function(function), Net(shape[1:], a, b), *given, tf.constant(epsilon), tf.constant(size))
    equal("What the compiled function gives", compiled, images, tolerance=1e-4)
    require(steps > 0 or not moved.any(),
            "The weights change, but the optimizer is not used: optimizer.apply(gradients, variables) changes them.")
    equal("The change of the weights", moved, change(), [
        ("The weights are as before: optimizer.apply(gradients, model.trainable_variables) changes them.", 0 * moved),
        ("The loss is that of the clean images: train on the attacked ones.", change(x)),
        ("The loss is that of the images at the random start: train on those after the step.", change(around)),
        ("The loss is that of clean and attacked images together: train on the attacked ones alone.",
         (change() + change(x)) / 2, change() + change(x)),
        *((sentence, change(loss=loss)) for sentence, loss in LOSSES.items()),
        ("The weights go up the gradient: an optimizer subtracts it by itself.", -change()),
        ("The weights make two steps, expected one.", 2 * change()),
        ("The labels are those that the network predicts, expected the true ones.",
         change(labels=net(images).numpy().argmax(1)))], tolerance=1e-3)
    example = Net((1, 1, 1), [[-1, 1]], np.eye(2, 4))  # the loss of label 0 grows with the value
    pixels, begin = (tf.constant(values, tf.float32, [2, 1, 1, 1]) for values in ([0.5, 0.5], [-0.1, 0.1]))
    got, _, _ = step(function, example, pixels, tf.constant([0, 0]), begin, epsilon, size)
    equal("The attacked values of the example", np.ravel(got), [0.65, 0.7], tolerance=1e-4)


def _passed(function: Callable, defence: Callable, x: np.ndarray, upstream: np.ndarray) -> tuple[tf.Tensor, Callable]:
    """straight_through(defence) at x, and the function for the gradient that it passes back when `upstream` arrives."""
    passed = call(function, defence)
    require(callable(passed),
            f"straight_through gives a {type(passed).__name__}, expected a function: define one inside, and return it.")
    under_decorator(passed, *(tf.constant(values, tf.float32) for values in (x, upstream)))
    value, gradient = passed_back(passed, x, upstream, "what the function returns must depend on x through operations that the "
                                  "tape can follow, besides the defence.")
    require(tf.is_tensor(value), f"The function returned gives a {type(value).__name__}, expected a tensor: use TensorFlow.")
    return value, gradient


@check
def bpda(function: Callable) -> None:
    """Task 5: a quantiser, alone and compiled; thresholds in NumPy, which no tape can follow; a curve; the example."""
    rng, shape = seeded(5), (3, 4, 4, 1)
    x, c = rng.uniform(0, 1, shape).astype(np.float32), rng.normal(size=shape).astype(np.float32)
    levels = int(rng.integers(3, 7))

    def rounded(images: tf.Tensor) -> tf.Tensor:
        return tf.round(levels * images) / levels

    def halves(images: tf.Tensor) -> tf.Tensor:
        return tf.constant(0.3 * (np.asarray(images) > 0.4) + 0.1, tf.float32)

    def bent(images: tf.Tensor) -> tf.Tensor:
        return 0.5 * images**2 + 0.2

    for name, defence, own in (("a quantiser", rounded, 0), ("a defence without gradient", halves, 0), ("a curve", bent, x)):
        (value, slope), q = _passed(function, defence, x, c), defence(tf.constant(x)).numpy()
        equal(f"The value for {name}", value, q, [
            ("Forwards this is x, as if there were no defence: the value must be that of defence(x), the gradient that of x.", x),
            ("Forwards this is x + defence(x): the value must be that of defence(x) alone.", x + q),
            ("Forwards this is 2 x - defence(x): x and defence(x) are swapped.", 2 * x - q)])
        equal(f"The gradient through {name}", slope(), c, [
            ("The gradient is 0: this is the defence as it is. Backwards it must be replaced by the identity.", 0 * c),
            ("The gradient is twice that of the identity: is x in it twice?", 2 * c),
            ("The gradient of the defence is added to that of the identity: stop it.", c * (1 + own)),
            ("The gradient that comes from behind is lost: the identity passes on the one that arrives, times 1.", 1 + 0 * c),
            ("The gradient has the wrong sign: backwards the function is x, not -x.", -c)], tolerance=1e-4)
    equal("The value in a compiled function", run(tf.function(run(function, rounded)), tf.constant(x)), rounded(tf.constant(x)))
    value, slope = _passed(function, lambda images: tf.round(images), [[[[0.8]]]], [[[[2]]]])  # the square of 1 passes back 2
    equal("The value and the derivative of its square of the example", np.ravel([value, slope()]), [1, 2])


def _part_of(mistakes: list[tuple], part: int) -> list[tuple]:
    """The mistakes in one of the values that belong together."""
    return [(sentence, *(wrong[part] for wrong in several)) for sentence, *several in mistakes]


def _radii(first: np.ndarray, second: np.ndarray, sigma: float, alpha: float) -> tuple[np.ndarray, list[tuple]]:
    """Classes and radii, [2, N], and the mistakes, for counts [N, classes] whose rows have the same sum; task 6."""
    rows, place, winner = np.arange(len(first)), first.argmax(1), second.argmax(1)
    k, n, few, z = second[rows, place], second[0].sum(), first[0].sum(), norm.ppf(1 - alpha)

    def end(k: np.ndarray, n: int, q: float = alpha, extra: int = 0) -> np.ndarray:
        """An end of the interval of Clopper and Pearson: the lower one, with `extra` 1 the upper."""
        k = k + extra
        return np.where(k > 0, np.where(k <= n, beta.ppf(q, np.maximum(k, 1), np.maximum(n - k + 1, 1)), 1), 0)

    def certified(k: np.ndarray = k, n: int = n, bound: Callable = end, far: Callable = lambda p: sigma * norm.ppf(p),
                  chosen: np.ndarray = place) -> np.ndarray:
        low = bound(k, n)
        return np.stack([np.where(low > 0.5, chosen, -1), np.where(low > 0.5, far(np.clip(low, 0.5, 1 - 1e-12)), 0)])

    right, reach, by_share = certified(), sigma * norm.ppf(np.clip(end(k, n), 1e-12, 1)), np.where(k / n > 0.5, place, -1)
    return right, [
        ("sigma is left out: the radius is sigma times the quantile.", certified(far=norm.ppf)),
        ("sigma is squared: the radius is sigma times the quantile.", certified(far=lambda p: sigma**2 * norm.ppf(p))),
        ("The bound is that of a two-sided interval, with alpha / 2 at each end. Only the lower end counts: it has all of alpha.",
         certified(bound=partial(end, q=alpha / 2))),
        ("It abstains by k / n, not by the lower bound: at 1/2 the bound decides.",
         [by_share, right[1]], [by_share, np.where(by_share >= 0, reach, 0)]),
        ("This is the upper bound: the probability may be lower, and then the certificate does not hold. Take the other end.",
         *(certified(bound=partial(end, q=1 - alpha, extra=extra)) for extra in (0, 1))),
        ("The share k / n of the sample is taken for the probability: use its lower bound at confidence 1 - alpha.",
         certified(bound=np.divide)),
        ("This is the normal approximation of the bound (Wald's), which is too high near 1: use Clopper and Pearson's.",
         certified(bound=lambda k, n: k / n - z * np.sqrt(k / n * (1 - k / n) / n))),
        ("This is Phi, expected its inverse: norm.ppf, not norm.cdf.", certified(far=lambda p: sigma * norm.cdf(p))),
        ("A bound of 1/2 or less gives no class and no radius: class -1, radius 0.", [place, reach]),
        ("The class is that of the second sample. Chosen and counted in the same draws, it looks too good: choose it by `first`.",
         certified(second.max(1), chosen=winner)),
        ("The beta distribution has k + 1 and n - k, the parameters of the upper bound: those of the lower are k and n - k + 1.",
         certified(bound=lambda k, n: np.where(k < n, end(k, n, extra=1), 0))),
        ("Both samples are counted: choose by `first`, count in `second`.", certified((first + second)[rows, place], n + few)),
        ("The counts are those of the first sample, expected those of the second.", certified(first[rows, place], few))]


@check
def radius(function: Callable) -> None:
    """Task 6: counts from none to all, one with another winner in `second`, one between the bound and a half; the example."""
    rng, n, sigma, alpha = seeded(6), 200, 0.4, 0.01
    own = np.array([n, n - 1, 170, 130, 118, 112, 60, 0, int(rng.integers(125, 195))])
    place, N = rng.integers(0, 4, len(own)), len(own)
    shares = np.stack([rng.multinomial(n - k, [0.8, 0.15, 0.05]) for k in own])
    first, second = (np.stack([np.insert(rest, at, k) for rest, at, k in zip(rests, place, counts)])
                     for rests, counts in ((np.full([N, 3], 5), np.full(N, 35)), (shares, own)))
    classes, found = results(function, call(function, first, second, sigma, alpha), "classes", "radii")
    require(np.shape(classes) == np.shape(found) == (N,), f"classes and radii have shapes {list(np.shape(classes))} and "
            f"{list(np.shape(found))}, expected one of each for every image: [{N}].")
    odd = ~np.isfinite(np.asarray(found, float))
    require(not (np.isnan(found) & (own == n)).any(), "A radius is NaN where all copies agree: the second parameter of the "
            "beta distribution is n - k + 1, not n - k.")
    require(not (odd & (own == n)).any(), "A radius is infinite where all copies agree: a share of 1 in the sample is no "
            "probability of 1. Take the lower bound of Clopper and Pearson.")
    require(not odd.any(), "A radius is NaN or infinite: for k = 0 the lower bound is 0, and where the smoothed network "
            "abstains the radius is 0.")
    right, mistakes = _radii(first, second, sigma, alpha)
    swapped = [("The two results are swapped: return classes, radii.", right[0])]
    equal("The array of radii", found, right[1], swapped + _part_of(mistakes, 1))
    equal("The array of classes", classes, right[0], _part_of(mistakes, 0))
    example = results(function, call(function, *[np.array([[0, 100], [0, 1000]])] * 2, 0.25, 0.001), "classes", "radii")
    equal("The array of radii for 100 of 100 and 1000 of 1000 copies", example[1], [0.3751, 0.6158], [
        ("n is taken from one row for all: each row of `second` has a sum of its own, second.sum(axis=1).",
         [0.3751, 0], [0, 0.6158])], tolerance=1e-3)


def _bounds(x: np.ndarray, epsilon: float, layers: list[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, list[tuple]]:
    """Low and high of the logits, [2, N, classes], for images x [N, D], and the mistakes; task 7."""
    def through(centre: Callable = lambda m, r, w: m @ w, radius: Callable = lambda m, r, w: r @ np.abs(w), bias: tuple = (1, 0),
                relu: Callable = partial(np.maximum, 0), box: tuple = (0, 1), least: float = -np.inf,
                size: float = epsilon) -> np.ndarray:
        low, high = np.clip(x - size, *box), np.clip(x + size, *box)
        for number, (w, b) in enumerate(layers):
            low, high = (relu(low), relu(high)) if number else (low, high)
            given = (low + high) / 2, (high - low) / 2, w
            middle, reach = centre(*given) + bias[0] * b, radius(*given) + bias[1] * b
            low, high = middle - reach, middle + reach
        return np.maximum([low, high], least)

    return through(), [(sentence, through(**changed)) for sentence, changed in (
        ("The bounds are multiplied by W as they are: a negative weight swaps low and high. The radius goes with |W|.",
         {"radius": lambda m, r, w: r @ w}),
        ("Centre and radius are swapped: the centre (low + high) / 2 goes with W and b, the radius (high - low) / 2 with |W|.",
         {"centre": lambda m, r, w: r @ w, "radius": lambda m, r, w: m @ np.abs(w)}),
        ("The centre is multiplied by |W|: it goes with W, the radius with |W|.", {"centre": lambda m, r, w: m @ np.abs(w)}),
        ("The radius is high - low, expected half of it.", {"radius": lambda m, r, w: 2 * r @ np.abs(w)}),
        ("The bias is in the radius: it moves the centre only.", {"bias": (0, 1)}), ("The bias is missing.", {"bias": (0, 0)}),
        ("There is no ReLU between the layers.", {"relu": np.positive}),
        ("A ReLU stands behind the last layer too: the logits have none.", {"least": 0}),
        ("The first bounds leave the box: pixels stay in [0, 1], so clip x - epsilon and x + epsilon.", {"box": (-9, 9)}),
        ("The images move by epsilon / 2, expected epsilon to each side.", {"size": epsilon / 2}))]


def _proofs(low: np.ndarray, high: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, list[tuple]]:
    """Which of N images are proven, for bounds [N, classes], and the mistakes; task 7."""
    classes = np.arange(low.shape[1])
    own, first = labels[:, None] == classes, low.argmax(1)[:, None] == classes
    lowest, others = low[own], np.where(own, -np.inf, high).max(1)
    return lowest > others, [
        ("proven has the label's upper bound: the worst case for the label is its lower bound.", high[own] > others),
        ("The label's lower bound is compared with the others' lower bounds: in the worst case they are at their upper bounds.",
         lowest > np.where(own, -np.inf, low).max(1)),
        ("The label's own upper bound is left out as 0 or -1, which can be above the others' bounds: use minus infinity.",
         lowest > np.where(own, -1, high).max(1)),
        ("The label's lower bound is compared with all upper bounds, its own among them: leave it out.", lowest > high.max(1)),
        ("proven is about the class with the highest lower bound, expected about the label.",
         low.max(1) > np.where(first, -np.inf, high).max(1)),
        ("One class that cannot win is not enough: the label must beat all others.", lowest > np.where(own, np.inf, high).min(1)),
        ("The middles are compared, expected low of the label with high of the others.", (low + high).argmax(1) == labels)]


@check
def intervals(function: Callable) -> None:
    """Task 7: three and two layers with weights of both signs, biases, and images at the edge of the box; and the example."""
    rng, n, epsilon = seeded(7), 40, 0.05
    x = np.clip(rng.uniform(-0.15, 1.15, [n, 9]), 0, 1)
    for sizes, shift in (((9, 8, 7, 4), 0), ((9, 8, 4), 9)):  # with 9 all logits are negative
        layers = [(rng.normal(size=[i, o]) / np.sqrt(i), rng.normal(scale=0.3, size=o)) for i, o in zip(sizes, sizes[1:])]
        labels = _bounds(x, 0, layers)[0][0].argmax(1)
        labels[:8] = (labels[:8] + 1) % 4
        layers[-1] = layers[-1][0], layers[-1][1] - shift
        low, high, proven = results(function, call(function, x, labels, epsilon, layers), "low", "high", "proven")
        right, mistakes = _bounds(x, epsilon, layers)
        swapped = [("low and high are swapped: return low, high, proven.", right[1])]
        equal("low", low, right[0], swapped + _part_of(mistakes, 0), tolerance=1e-4)
        equal("high", high, right[1], _part_of(mistakes, 1), tolerance=1e-4)
        equal("proven", proven, *_proofs(*right, labels))
    given = np.array([[0.3, 0.1]]), np.array([0]), 0.1, [(np.array([[3.0, 0], [-1, 0]]), np.array([0.5, 0]))]
    example = results(function, call(function, *given), "low", "high", "proven")
    equal("low and high of the example", [np.asarray(one, float)[0, 0] for one in example[:2]], [0.9, 1.7], tolerance=1e-4)
    tie = call(function, np.array([[0.5, 0.25]]), np.array([0]), 0.0, [(np.ones([2, 2]), np.zeros(2))])
    require(not np.any(results(function, tie, "low", "high", "proven")[2]),
            "Two equal logits count as proven: the label's lower bound must be above the others' upper bounds, >, not >=.")
