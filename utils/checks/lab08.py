"""The checks of lab 08: a black box attacked through its labels, adversarial training, a masked defence, and two answers."""
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.special import softmax

from utils import other_versions_names
from utils.checks import lab08_answers as answers
from utils.checks import call, check, equal, require, results, run, seeded, shaped, slips
from utils.checks.lab08_models import Net, Trained, label, linear
from utils.checks.tapes import TENSORS, under_decorator
from utils.quiet import tf

__getattr__ = other_versions_names(__name__)

TAPE = (*TENSORS, *slips.tape("the tape cannot follow the computation. Call tape.watch on a tensor (tf.constant(x) makes one), "
                             "and compute everything inside `with`, using TensorFlow's functions."))
EPSILON = 0.12  # of task 1: how far each value moves


class Two(NamedTuple):
    """Two linear networks, source w and victim v [24, 4]; images x and signs of the noise [N, 4, 3, 2], labels [N]."""

    w: np.ndarray
    v: np.ndarray
    x: np.ndarray
    signs: np.ndarray
    labels: np.ndarray

    def right(self, images: np.ndarray, net: np.ndarray | None = None) -> np.ndarray:
        """Which images a network, the victim by default, classifies correctly: bool [N]."""
        return (np.asarray(images).reshape(-1, 24) @ (self.v if net is None else net)).argmax(1) == self.labels

    def gradient(self, net: np.ndarray | None = None, kind: str = "logits") -> np.ndarray:
        """That of the loss for x, of a network, the source by default.

        kind  as for `answers.pull`, or "bare": that of minus the label's logit
        """
        net = self.w if net is None else net
        pull = -np.eye(4)[self.labels] if kind == "bare" else answers.pull(self.x.reshape(-1, 24) @ net, self.labels, kind)
        return (pull @ net.T).reshape(self.x.shape)

    def moved(self, g: np.ndarray, size: float = EPSILON) -> np.ndarray:
        return np.clip(self.x + size * g, 0, 1)

    def fooled(self, images: np.ndarray) -> float:
        """The share of the images that the victim got right and gets wrong now."""
        return float(np.mean(~self.right(images)[self.right(self.x)]))


def _drawn(rng: np.random.Generator, x: np.ndarray, signs: np.ndarray) -> Two:
    """Two networks that have much in common; of the labels each gets some wrong; two values have no influence on the source."""
    w = rng.normal(size=[24, 4])
    w[[3, 20]] = 0
    v = w + rng.normal(scale=0.8, size=[24, 4])
    places = x.reshape(-1, 24) @ np.stack([w, v])
    labels = np.where(rng.uniform(size=len(x)) < 0.2, places[0].argmax(1), places[1].argmax(1))
    return Two(w, v, x, signs, np.where(rng.uniform(size=len(x)) < 0.15, rng.integers(0, 4, len(x)), labels))


def _counted(two: Two, images: np.ndarray) -> list[tuple[str, float]]:
    """What a mistake in the counting gives for the right images."""
    before, after = two.right(two.x), two.right(images)
    return [
        ("All images are counted. Count those that the victim classifies correctly before: the others are not fooled by you.",
         np.mean(~after)),
        ("The number of fooled images is divided by the number of all images: divide by those that the victim got right.",
         np.mean(before & ~after)),
        ("This is how far the accuracy falls. Images that become right by chance do not undo one that is fooled.",
         before.mean() - after.mean()),
        ("The images counted are those that the source gets right, expected those that the victim gets right.",
         np.mean(~after[two.right(two.x, two.w)])),
        ("The images counted are those that both networks get right, expected those that the victim gets right.",
         np.mean(~after[two.right(two.x, two.w) & before])),
        ("The images are shown to the source. The rate is that of the victim.",
         np.mean(~two.right(images, two.w)[two.right(two.x, two.w)])),
        ("This is the share that is still right, expected the share that is fooled.", 1 - two.fooled(images)),
        ("The rate is in percent, expected 0 to 1.", 100 * two.fooled(images)),
        ("This is a number of images, expected a share.", np.sum(before & ~after))]


def _others(two: Two) -> dict[str, list[tuple[str, np.ndarray]]]:
    """Images with a mistake."""
    x, signs, moved, g, bare = two.x, two.signs, two.moved, two.gradient(), two.gradient(kind="bare")
    lower = "The steps lower the loss: the attacker raises the loss of the true label."
    stays = "A value whose gradient is 0 moves: its sign is 0, so it stays."
    return {"noise": [
        ("The noise is not scaled: it moves each value by epsilon, as the attack does.", moved(signs, 1)),
        ("The images with noise leave the box: clip them to [0, 1] as those of the attack.", x + EPSILON * signs),
        ("The noise is added to the images of the attack: add it to x.", np.clip(moved(np.sign(g)) + EPSILON * signs, 0, 1))],
            "attack": [
        ("The images are made on the victim. You do not have its gradient: make them on the source.",
         moved(np.sign(two.gradient(two.v)))),
        (lower, moved(-np.sign(g))), (lower, moved(-np.sign(bare))),
        ("The sign is missing: each value moves by epsilon, so the step is epsilon times the sign of the gradient.", moved(g)),
        (stays, moved(np.where(g < 0, -1, 1))), (stays, moved(np.where(g > 0, 1, -1))),
        ("The gradient is that of the label's logit, expected that of the cross-entropy.", moved(np.sign(bare))),
        *[(said, moved(np.sign(two.gradient(kind=kind)))) for kind, said in answers.LOSSES.items()],
        ("The images leave the box: clip them to [0, 1].", x + EPSILON * np.sign(g)),
        ("This is DX without the image: show the victim x + DX.", np.clip(EPSILON * np.sign(g), 0, 1))]}


@check
def transfer(function: Callable) -> None:
    """Task 1: two linear networks and images, drawn until the rates tell each mistake from the right answer and the other
    mistakes.
    """
    rng, n, shape, differ = seeded(1), 400, (4, 3, 2), False
    x, signs = rng.uniform(0, 1, [n, *shape]).astype(np.float32), rng.choice([-1.0, 1], [n, *shape]).astype(np.float32)
    while not differ:
        two = _drawn(rng, x, signs)
        images = {"noise": two.moved(signs), "attack": two.moved(np.sign(two.gradient()))}
        wrong = {name: _counted(two, images[name]) + [(sentence, two.fooled(one)) for sentence, one in several]
                 for name, several in _others(two).items()}
        told = [{("", two.fooled(images[name])), *wrong[name]} for name in images]
        differ = all(len({round(rate, 4) for _, rate in one}) == len(one) for one in told)
    noise, attack = two.fooled(images["noise"]), two.fooled(images["attack"])
    got = results(function, call(function, linear(two.w, shape), linear(two.v, shape), x, two.labels, EPSILON, signs, hints=TAPE),
                  "attack", "noise")
    require(not np.allclose(got, [noise, attack], atol=1e-5), "The two rates are swapped: return attack, noise.")
    for name, value, expected in (("noise", got[1], noise), ("attack", got[0], attack)):
        shaped(f"The rate of the {name}", value, [])
        equal(f"The rate of the {name}", value, expected, [(sentence, lambda rate=rate: rate) for sentence, rate in wrong[name]])
    ten = np.float32([0.45] * 6 + [0.2] * 2 + [0.85, 0.7]).reshape(10, 1, 1, 1)

    def victim(images: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Class 1 between 0.5 and 0.9."""
        value = tf.reshape(tf.cast(images, tf.float32), [-1])
        return tf.stack([0 * value, (value - 0.5) * (0.9 - value)], 1)

    got = call(function, linear(np.array([[-1, 1]]), (1, 1, 1)), victim, ten, np.zeros(10, int), 0.1,
               -np.ones_like(ten), hints=TAPE)
    equal("attack and noise of the example, where the noise fools nobody,", got, [0.75, 0])


@check
def augmentation(function: Callable) -> None:
    """Task 2: two layers with tanh, whose Jacobian is known; labels that are not the network's own; a value without influence;
    the example.
    """
    rng, n, shape, lam = seeded(2), 6, (3, 4, 2), 0.15
    x = rng.uniform(0, 1, [n, *shape]).astype(np.float32)
    w, v = rng.normal(scale=0.4, size=[24, 7]), rng.normal(size=[7, 5])
    w[[3, 20]] = 0
    hidden = np.tanh(x.reshape(n, 24) @ w)
    labels = (hidden @ v).argmax(1)
    labels[:3] = (labels[:3] + 1) % 5  # the black box says something else than the substitute
    p, own, top = softmax(hidden @ v, 1), np.eye(5)[labels], np.eye(5)[(hidden @ v).argmax(1)]

    def model(images: tf.Tensor, training: bool = False) -> tf.Tensor:
        flat = tf.tanh(linear(w, shape)(images))
        return flat @ tf.constant(v, tf.float32)

    def along(pull: np.ndarray) -> np.ndarray:
        return ((np.broadcast_to(pull, [n, 5]) @ v.T * (1 - hidden**2)) @ w.T).reshape(x.shape)

    def new(direction: np.ndarray, size: float = lam) -> np.ndarray:
        return np.clip(x + size * direction, 0, 1)

    g = along(own)
    mixed = ("Softmax mixes the other logits in. Take the gradient of the label's logit itself, not of a loss or a probability",)
    equal("The array of new images", call(function, model, x, labels, lam, hints=TAPE), new(np.sign(g)), [
        ("The new images leave the box: clip them to [0, 1].", lambda: x + lam * np.sign(g)),
        ("The sign is missing: this follows the gradient itself, expected its sign.", lambda: new(g)),
        ("The gradient is divided by its length, expected its sign.",
         lambda: new(g / np.sqrt(np.sum(g**2, axis=(1, 2, 3), keepdims=True)))),
        (f"This is the gradient of the cross-entropy, along which the label's logit falls. {mixed[0]}.",
         lambda: new(np.sign(along(p - own)))),
        (f"This is the gradient of a probability, or of minus the cross-entropy. {mixed[0]}.",
         lambda: new(np.sign(along(own - p)))),
        ("The step lowers the label's logit: the sign of lam is flipped.", lambda: new(-np.sign(g))),
        ("The logit is that of the class that the substitute predicts, expected that of `labels`, which the black box gave.",
         lambda: new(np.sign(along(top)))),
        ("All logits are added up: pick the one of the label for each image.", lambda: new(np.sign(along(np.ones(5))))),
        ("Each image gets the logits of all labels of the batch: pick its own (gather with batch_dims=1, or tf.one_hot).",
         lambda: new(np.sign(along(own.sum(0))))),
        ("A value without influence moves: its gradient is 0, and so is the sign.", lambda: new(np.where(g > 0, 1, -1))),
        ("A value without influence moves: its gradient is 0, and so is the sign.", lambda: new(np.where(g >= 0, 1, -1))),
        ("The step is 1 long, expected lam.", lambda: new(np.sign(g), 1)),
        ("This is the change alone, expected x with it.", lambda: lam * np.sign(g)),
        ("The change is clipped, expected the image: x + lam sign(...).", lambda: x + np.clip(lam * np.sign(g), 0, 1)),
        ("The old images are there too: return the new ones only.", lambda: np.concatenate([x, new(np.sign(g))])),
        ("The old images are there too: return the new ones only.", lambda: np.concatenate([new(np.sign(g)), x]))],
        tolerance=1e-4)
    given = linear(np.array([[3, 0], [-1, 1]]), (1, 2, 1)), np.float32([0.5, 0.05]).reshape(1, 1, 2, 1), np.array([0]), 0.1
    equal("The new image of the example", np.ravel(call(function, *given, hints=TAPE)), [0.6, 0], tolerance=1e-4)


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
        require(count != sum(right) or not rounds,
                f"The black box is asked {count} times {said}, expected {right[-1]}: it is asked "
                "again about images whose labels you have. Ask about the new ones only, and keep the others' labels.")
        require(count != n or not rounds,
                f"The black box is asked about the first {n} images only: ask it about the new ones too. A "
                "step may change the label, and the substitute's own answers teach it nothing.")
        require(len(sizes) > rounds or sizes != right[:-1],
                f"train is called {len(sizes)} times {said}, expected {rounds + 1}: it is "
                "trained once before the first round, and once in each round, after the new images are added.")
        require(sizes != [n * (k + 1) for k in range(rounds + 1)] or rounds < 2,
                f"The training sets have sizes {sizes}, expected "
                f"{right}: augment takes all images that are there, not the first or the newest only.")
        require(not rounds or sizes[-1] != count - sum(sizes[:-1]) or sizes == right,
                f"The training sets have sizes {sizes}, expected {right}: the new images are added to the old ones, which stay.")
        require(sizes == right, f"The training sets have sizes {sizes} {said}, expected {right}: each round doubles the images.")
        require(count == right[-1], f"The black box is asked about {count} images {said}, expected {right[-1]}.")
        for one in trained:
            require(np.array_equal(one.labels, label(one.images)),
                    "A training set has labels that the black box did not give for "
                    "these images: are the labels in the same order, and does it label the new images too?")
        require(not odd, next(iter(odd), ""))
        require(len(np.unique(np.concatenate(asked).reshape(count, -1), axis=0)) == count,
                "The black box is asked twice about one image.")
        require(model is trained[-1], "The model returned is an earlier one, expected the one that was trained last.")
        equal(f"The number of queries {said}", queries, count, [
            ("queries is the number of calls of ask. A query is one image: count the images.", lambda: len(asked)),
            ("The first images are not counted: their labels come from the black box too.", lambda: count - n),
            ("All training sets are added up, but no image is asked about twice.", lambda: sum(sizes))])


@check
def training(function: Callable) -> None:
    """Task 4: two kernels and gradient descent, so that images and new weights are known; a start that leaves the box; a value
    without influence."""
    rng, n, shape, epsilon, size, rate = seeded(4), 6, (3, 4, 1), 0.2, 0.25, 0.5
    x, start = rng.uniform(0, 1, [n, *shape]).astype(np.float32), rng.uniform(-epsilon, epsilon, [n, *shape]).astype(np.float32)
    a, b = rng.normal(scale=0.7, size=[12, 5]).astype(np.float32), rng.normal(size=[5, 4]).astype(np.float32)
    labels, a[7] = rng.integers(0, 4, n), 0

    (images, wrong_images), (weights, wrong_weights) = answers.step(x, labels, start, epsilon, size, a, b, rate / n)
    net, optimizer = Net(a, b), tf.keras.optimizers.SGD(rate)
    same = net.values()
    optimizer.build(net.trainable_variables)
    got = call(function, net, optimizer, tf.constant(x), tf.constant(labels), tf.constant(start), epsilon, size, hints=TAPE)
    equal("The array of attacked images", got, images, wrong_images, tolerance=1e-4)
    again = Net(a, b), tf.keras.optimizers.SGD(rate)
    again[1].build(again[0].trainable_variables)
    compiled = call(tf.function(function), *again, *map(tf.constant, (x, labels, start, epsilon, size)), hints=TAPE)
    equal("What the compiled function gives", compiled, images, tolerance=1e-4)
    require(int(optimizer.iterations) > 0 or np.array_equal(net.values(), same),
            "The weights change, but the optimizer is not used: optimizer.apply(gradients, variables) changes them.")
    equal("The change of the weights", net.values() - same, weights - same,
          [(sentence, lambda wrong=wrong: wrong() - same) for sentence, wrong in wrong_weights], tolerance=1e-3)
    # the loss of label 0 grows with the value
    example, optimizer = Net(np.array([[-1, 1]]), np.eye(2, 4)), tf.keras.optimizers.SGD(rate)
    optimizer.build(example.trainable_variables)
    x, start = (tf.constant(values, tf.float32, [2, 1, 1, 1]) for values in ([0.5, 0.5], [-0.1, 0.1]))
    got = call(function, example, optimizer, x, tf.constant([0, 0]), start, epsilon, size, hints=TAPE)
    equal("The attacked values of the example", np.ravel(got), [0.65, 0.7], tolerance=1e-4)


@check
def bpda(function: Callable) -> None:
    """Task 5: a quantiser, alone and within a compiled function; thresholds in NumPy, which no tape can follow; a curve;
    the example.
    """
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
        passed = call(function, defence)
        require(callable(passed),
                f"straight_through gives a {type(passed).__name__}, expected a function: define one inside, and return it.")
        images = tf.constant(x)
        under_decorator(passed, images, tf.constant(c))
        with tf.GradientTape() as tape:
            tape.watch(images)
            value = run(passed, images)
            require(tf.is_tensor(value),
                    f"The function returned gives a {type(value).__name__}, expected a tensor: use TensorFlow.")
            total = tf.reduce_sum(c * tf.cast(value, tf.float32)**2)
        q = np.asarray(defence(images))
        equal(f"The value for {name}", value, q, [
            ("Forwards this is x, as if there were no defence: the value must be that of defence(x), the gradient that of x.",
             lambda: x),
            ("Forwards this is x + defence(x): the value must be that of defence(x) alone.", lambda: x + q),
            ("Forwards this is 2 x - defence(x): x and defence(x) are swapped.", lambda: 2 * x - q)])

        def gradient() -> tf.Tensor:
            slope = tape.gradient(total, images)
            require(slope is not None, f"For {name} the gradient is None: what the function returns must depend on x through "
                    "operations that the tape can follow, besides the defence.")
            return slope

        slope = run(gradient)
        equal(f"The gradient through {name}", slope, 2 * c * q, [
            ("The gradient is 0: this is the defence as it is. Backwards it must be replaced by the identity.", lambda: 0 * x),
            ("The gradient is twice that of the identity: is x in it twice?", lambda: 4 * c * q),
            ("The gradient of the defence is added to that of the identity: stop it.", lambda: 2 * c * q * (1 + own)),
            ("The gradient is that of x where the defence is left out forwards: the value has to be defence(x).",
             lambda: 2 * c * x),
            ("The gradient that comes from behind is lost: the identity passes on the one that arrives, times 1.",
             lambda: 1 + 0 * x),
            ("The gradient has the wrong sign: backwards the function is x, not -x.", lambda: -2 * c * q)], tolerance=1e-4)
    equal("The value in a compiled function", run(tf.function(run(function, rounded)), tf.constant(x)), rounded(tf.constant(x)))
    images = tf.constant(0.8, shape=[1, 1, 1, 1])
    with tf.GradientTape() as tape:
        tape.watch(images)
        value = run(call(function, tf.round), images)
        total = tf.reduce_sum(value**2)
    equal("The value and the derivative of its square of the example", np.ravel([value, tape.gradient(total, images)]), [1, 2])


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
    right, mistakes = answers.radii(first, second, sigma, alpha)
    swapped = [("The two results are swapped: return classes, radii.", lambda: right[0])]
    equal("The array of radii", found, right[1], swapped + answers.part_of(mistakes, 1))
    equal("The array of classes", classes, right[0], answers.part_of(mistakes, 0))
    example = results(function, call(function, *[np.array([[0, 100], [0, 1000]])] * 2, 0.25, 0.001), "classes", "radii")
    own_sum = "n is taken from one row for all: each row of `second` has a sum of its own, second.sum(axis=1)."
    equal("The array of radii for 100 of 100 and 1000 of 1000 copies", example[1], [0.3751, 0.6158], [
        (own_sum, lambda: [0.3751, 0]), (own_sum, lambda: [0, 0.6158])], tolerance=1e-3)


@check
def intervals(function: Callable) -> None:
    """Task 7: three and two layers with weights of both signs, biases, and images at the edge of the box; and the example."""
    rng, n, epsilon = seeded(7), 40, 0.05
    x = np.clip(rng.uniform(-0.15, 1.15, [n, 9]), 0, 1)
    for sizes, shift in (((9, 8, 7, 4), 0), ((9, 8, 4), 9)):  # with 9 all logits are negative
        layers = [(rng.normal(size=[i, o]) / np.sqrt(i), rng.normal(scale=0.3, size=o)) for i, o in zip(sizes, sizes[1:])]
        labels = answers.bounds(x, 0, layers)[0][0].argmax(1)
        labels[:8] = (labels[:8] + 1) % 4
        layers[-1] = layers[-1][0], layers[-1][1] - shift
        low, high, proven = results(function, call(function, x, labels, epsilon, layers), "low", "high", "proven")
        right, mistakes = answers.bounds(x, epsilon, layers)
        swapped = [("low and high are swapped: return low, high, proven.", lambda: right[1])]
        equal("low", low, right[0], swapped + answers.part_of(mistakes, 0), tolerance=1e-4)
        equal("high", high, right[1], answers.part_of(mistakes, 1), tolerance=1e-4)
        equal("proven", proven, *answers.proofs(*right, labels))
    given = np.array([[0.3, 0.1]]), np.array([0]), 0.1, [(np.array([[3.0, 0], [-1, 0]]), np.array([0.5, 0]))]
    example = results(function, call(function, *given), "low", "high", "proven")
    equal("low and high of the example", [np.asarray(one, float)[0, 0] for one in example[:2]], [0.9, 1.7], tolerance=1e-4)
    tie = call(function, np.array([[0.5, 0.25]]), np.array([0]), 0.0, [(np.ones([2, 2]), np.zeros(2))])
    require(not np.any(results(function, tie, "low", "high", "proven")[2]),
            "Two equal logits count as proven: the label's lower bound must be above the others' upper bounds, >, not >=.")
