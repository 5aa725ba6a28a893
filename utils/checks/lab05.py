"""The checks of lab 05. Each raises `checks.CheckFailed` with one sentence, or gives nothing."""
from collections.abc import Callable

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit

from utils import attacks, checks
from utils.quiet import tf


@checks.check
def penalty(function: Callable) -> None:
    """Task 1: against `attacks.NORMS`."""
    dx = checks.generator(1).uniform(-0.6, 0.4, [3, 5, 4, 2]).astype(np.float32)
    one = (1, 2, 3)
    powers = {"L1": np.abs(dx), "L2": dx * dx, "Linf": np.abs(dx)}
    for norm, values in powers.items():
        mistakes = {f"{norm} is the sum, expected the mean: divide by the number of pixels.": values.sum(one),
                    f"{norm} is one number for the batch, expected one for each image.": values.mean(),
                    f"{norm} is one number for the batch: keep axis 0.": values.max(),
                    f"{norm} lacks the absolute value: the signs cancel.": dx.mean(one),
                    f"{norm} lacks the absolute value: the largest may be negative.": dx.max(one),
                    f"{norm} has a square root: no root here.": np.sqrt(values.mean(one)),
                    f"{norm} keeps the channels apart: reduce over axes 1, 2 and 3.": values.mean((1, 2))}
        if norm == "Linf":
            mistakes["Linf is the mean, expected the largest absolute value."] = values.mean(one)
        checks.same(f"penalty(dx, {norm!r})", _with_gradient(function, tf.constant(dx), norm),
                    attacks.NORMS[norm].penalty(dx), mistakes)


def _with_gradient(function: Callable, x: tf.Tensor, *others) -> tf.Tensor:
    """What the student's function gives for x and others. Raises CheckFailed unless it has a gradient with respect to x."""
    with tf.GradientTape() as tape:
        tape.watch(x)
        value = checks.call(function, x, *others)
    checks.require(not isinstance(value, (np.ndarray, np.number)) and (
        not tf.is_tensor(value) or tape.gradient(value, x) is not None),
        f"{function.__name__} has no gradient, and an attack needs one: use TensorFlow's functions, not NumPy's.")
    return value


@checks.check
def loss(function: Callable) -> None:
    """Task 2: against `attacks.attack_loss`."""
    random = checks.generator(2)
    logits = tf.constant(random.uniform(-3, 3, [6, 5]), tf.float32)
    wanted = random.integers(0, 5, 6)
    p = tf.nn.softmax(logits).numpy()[np.arange(6), wanted]
    for targeted, kind in ((True, "targeted"), (False, "untargeted")):
        right = attacks.attack_loss(logits, wanted, targeted)
        swapped = attacks.attack_loss(logits, wanted, not targeted)
        checks.same(f"attacker_loss(logits, labels, targeted={targeted})",
                    _with_gradient(function, logits, wanted, targeted), right, {
            f"The {kind} loss is the one of the other kind: exchange them.": swapped,
            f"The {kind} loss has the wrong sign: it is minimised, so minus the log.": -right,
            f"The {kind} loss is a probability: take minus its logarithm.": p if targeted else 1 - p,
            f"The {kind} loss is a probability, expected minus the logarithm of one.": 1 - p if targeted else p,
            f"The {kind} loss is one number for the batch, expected one for each image.": np.mean(right),
            f"The {kind} loss is log p, which has no bottom: use -log(1 - p).": np.log(p),
            f"The {kind} loss is the logit: apply softmax first.": -logits.numpy()[np.arange(6), wanted]}, tolerance=1e-4)


@checks.check
def gradient(function: Callable) -> None:
    """Task 3: on tanh(images . w), whose gradient is known, and which in training drops half of its input."""
    random = checks.generator(3)
    x, moved = random.uniform(0.2, 0.8, [2, 3, 4, 4, 1]).astype(np.float32)
    moved = 0.4 * (moved - 0.5)
    w = random.normal(size=[16, 2]).astype(np.float32)

    def network(images: tf.Tensor, training: bool = False) -> tf.Tensor:
        return tf.tanh(tf.reshape(images, [-1, 16]) * (0.5 if training else 1.0) @ w)

    def known(at: np.ndarray, keep: float = 1.0) -> np.ndarray:
        """The gradient of logit 1 - logit 0 at the images `at`."""
        slope = 1 - np.tanh(keep * at.reshape(3, 16) @ w) ** 2
        return keep * (slope[:, 1:] * w[:, 1] - slope[:, :1] * w[:, 0]).reshape(x.shape)

    pull = 20 * 2 * moved / 16
    given = network, lambda logits: logits[:, 1] - logits[:, 0], tf.constant(x), tf.Variable(moved), 20.0
    checks.same("gradient(...)", checks.call(function, *given), known(x + moved) + pull, {
        "The penalty is missing: add lam * mean square of dx to the loss.": known(x + moved),
        "This is the gradient of the penalty alone: add the loss, and let the network see x + dx.": pull,
        "The model is called with training=True: leave it in inference.": known(x + moved, 0.5) + pull,
        "The objective is averaged over the batch: each image has its own.": (known(x + moved) + pull) / 3,
        "The penalty is the sum of the squares: take the mean.": known(x + moved) + 16 * pull,
        "The penalty is averaged over the batch too: give each image its own.": known(x + moved) + pull / 3,
        "The loss is averaged over the batch: each image has its own loss.": known(x + moved) / 3 + pull,
        "lam multiplies the loss, expected the penalty.": 20 * known(x + moved) + pull / 20,
        "The gradient has the wrong sign.": -known(x + moved) - pull}, tolerance=1e-4)


@checks.check
def attack(function: Callable) -> None:
    """Task 4: on f(X) = w . X + 3, which the attacker wants below 0 with the loss log(1 + exp(f)): the best DX is known."""
    pictures = checks.generator(4).uniform(0, 1, [3, 4, 4, 1]).astype(np.float32)
    weights = checks.generator(5).normal(size=16).astype(np.float32)

    def linear(images: tf.Tensor, training: bool = False) -> tf.Tensor:
        return tf.reshape(images, [-1, 16]) @ weights[:, None] + 3.0

    def softplus(f: tf.Tensor) -> tf.Tensor:
        return tf.nn.softplus(f[:, 0])

    def exact(lam: float, box: bool = True) -> np.ndarray:
        return np.stack([_exact(image.ravel(), weights, lam, box) for image in pictures]).reshape(pictures.shape)

    best, free = exact(3.0), exact(3.0, box=False)
    got = checks.call(function, linear, softplus, tf.constant(pictures), 3.0, 250, 0.02)
    checks.same("the shape of DX", np.shape(got), pictures.shape)
    got = np.asarray(got)
    checks.require(not np.allclose(got, np.clip(pictures + best, 0, 1), atol=0.03),
                   "attack gives the modified image, expected DX.")
    checks.require(np.abs(got).max() > 0, "DX is still 0: does the optimizer change dx, and does the loop run?")
    checks.require(np.sum(got * best) > 0, "DX goes the wrong way: Adam goes down by itself, keep the sign.")
    checks.require(not np.allclose(got, free, atol=0.03), "X + DX leaves the box: clip it to [0, 1] after each step.")
    checks.require(not np.allclose(got, np.clip(pictures + free, 0, 1) - pictures, atol=0.01),
                   "DX is clipped only at the end: clip after each step, the other pixels make up for it.")
    checks.require(got.min() < -1e-6, "DX has no negative values: clip the image x + dx to [0, 1], not dx.")
    checks.require((pictures + got).min() > -1e-5 and (pictures + got).max() < 1 + 1e-5,
                   "X + DX leaves the box: clip it to [0, 1] after each step.")
    checks.require(np.abs(got).sum() < 1.3 * np.abs(best).sum(),
                   "DX is far larger than it needs to be: is lam times the penalty in the objective?")
    checks.same("DX on the linear model", got, best, {
        "The penalty is the sum of the squares: take the mean.": exact(48.0)}, tolerance=0.02)

    slope = expit(3 + pictures.reshape(3, 16) @ weights)[:, None] * weights  # at DX = 0, where the penalty has none

    def stepped(change: np.ndarray) -> np.ndarray:
        return np.clip(pictures + change.reshape(pictures.shape), 0, 1) - pictures

    checks.same("DX after one step of 0.02, in which Adam moves each pixel by 0.02 from DX = 0,",
                checks.call(function, linear, softplus, tf.constant(pictures), 3.0, 1, 0.02), stepped(-0.02 * np.sign(slope)), {
        "With steps = 1, DX is still 0: the loop makes one step too few.": np.zeros_like(pictures),
        "This is plain gradient descent: use tf.keras.optimizers.Adam.": stepped(-0.02 * slope)}, tolerance=2e-3)


def _exact(image: np.ndarray, weights: np.ndarray, lam: float, box: bool) -> np.ndarray:
    """The DX [n] that minimises softplus(f) + lam * mean square: -t w, clipped to the box."""
    def change(t: float) -> np.ndarray:
        return np.clip(image - t * weights, 0, 1) - image if box else -t * weights

    def slope(t: float) -> float:  # 2 lam t / n must be the derivative of softplus
        return 2 * lam * t / len(image) - expit(weights @ (image + change(t)) + 3)
    return change(brentq(slope, 0, 100))


@checks.check
def tradeoff(function: Callable) -> None:
    """Task 5: four lambdas and six images; with the last lambda no image is fooled."""
    fooled = np.array([[1, 1, 1, 1, 1, 1], [1, 1, 0, 1, 0, 0], [0, 1, 0, 0, 0, 1], [0, 0, 0, 0, 0, 0]], bool)
    sizes = np.array([[2, 9, 4, 8, 3, 7], [1.5, 7, .5, 5, .4, 6], [.3, 3, .2, .1, .1, 1], [.1, .1, .1, .1, .1, .1]])
    fooled, sizes = checks.inputs((fooled, sizes), lambda rng: (
        rng.permuted(np.arange(7) < [[6], [5], [2], [0]], axis=1), rng.exponential(3, (4, 7))))
    picked = [np.sort(row[mask]) for row, mask in zip(sizes[:3], fooled)]
    medians, means = ([of(values) for values in picked] for of in (np.median, np.mean))
    share = fooled.mean(axis=1)
    given = fooled.copy(), sizes.copy()
    got = checks.call(function, *given)
    checks.require(np.array_equal(given[0], fooled) and np.array_equal(given[1], sizes),
                   "tradeoff changes the arrays that it is given: work on a copy.")
    checks.require(isinstance(got, tuple) and len(got) == 2, "tradeoff gives one thing, expected two.")
    checks.require(np.all(np.isfinite(got[0])), "The first result holds NaN: return success first, then size.")
    checks.same("success", got[0], share, {
        "success has one number for each image: take the mean over the images, axis 1.": fooled.mean(axis=0),
        "success is one number: keep one for each lambda.": fooled.mean(),
        "success is a number of images, expected a share: divide by their number.": fooled.sum(axis=1),
        "success is in percent, expected 0 to 1.": 100 * share})
    median = np.asarray(got[1], float)
    checks.require(median.shape == (4,), f"The size has shape {list(median.shape)}, expected [4].")
    checks.require(np.isnan(median[3]), "Where no image is fooled the size is NaN: there is none to measure.")
    checks.same("the median size", median[:3], medians, {
        "The median is over all images: take only those that are fooled.": np.median(sizes[:3], axis=1),
        "The size is the mean, expected the median.": means,
        "With an even number of fooled images the median is the mean of the two in the middle, not the upper one.":
            [values[len(values) // 2] for values in picked],
        "With an even number of fooled images the median is the mean of the two in the middle, not the lower one.":
            [values[(len(values) - 1) // 2] for values in picked],
        "Images that are not fooled count as 0: leave them out.": np.median(sizes * fooled, axis=1)[:3]})


@checks.check
def save(function: Callable) -> None:
    """Task 6: a model that the second of five t fools, not the third, and the fourth again, by the grey level of one pixel."""
    scales, rng = [0.6, 1.5, 2.4, 3.5, 5.0], checks.generator(6)
    image = (rng.integers(40, 200, [3, 3, 1]) + rng.uniform(-0.4, 0.4, [3, 3, 1])).astype(np.float32) / 255
    step = (rng.uniform(2, 5, [3, 3, 1]) * rng.choice([-1, 1], [3, 3, 1])).astype(np.float32) / 255
    level = checks.inputs(102, lambda rng: int(rng.integers(40, 100)))
    image[0, 0], step[0, 0] = (level + 0.3) / 255, 1.25 / 255  # the five are saved as level + 1, 2, 3, 5, 7
    image[1, :, 0], step[1, :, 0] = (0.88, 0, 0.45), (50 / 255, -3 / 255, 12 / 255)  # the first two leave the box

    def model(images: np.ndarray, borders: tuple[float, ...] = (level + 1.5, level + 2.5, level + 3.5)) -> np.ndarray:
        """Logits [1, 3]: label 2 up to the first border, label 0 up to the second, 2 up to the third, then 0."""
        shape, grey = list(np.shape(images)), 255 * np.asarray(images, float)
        checks.require(shape == [1, 3, 3, 1], f"The model gets shape {shape}, expected [1, 3, 3, 1].")
        checks.require(np.abs(grey - np.round(grey)).max() < 0.01, "The model gets values that are not multiples of 1/255: "
                       "show it the saved image, rounded, and divided by 255.")
        checks.require(grey.max() <= 256, f"The model gets values up to {grey.max() / 255:g}: divide the saved image by 255.")
        fooled = sum(grey[0, 0, 0, 0] > border for border in borders) % 2
        return np.array([[2.0 * fooled, 0.0, 1.0]])

    def saved(t: float, whole: Callable = np.round) -> np.ndarray:
        return whole(255 * np.clip(image + t * step, 0, 1))

    def found(picture: Callable, ts: list[float] = scales) -> np.ndarray:
        """The first picture(t) that fools the model, else the last."""
        tried = [picture(t) for t in ts]
        return next((one for one in tried if not np.argmax(model(np.clip(one, 0, 255)[None] / 255)) == 2), tried[-1])

    expected, given = saved(1.5), (image.copy(), step.copy())
    got = checks.call(function, model, *given, 2, scales)
    for name, before, after in zip(("x", "dx"), (image, step), given):
        checks.require(np.array_equal(before, after),
                       f"save_8bit changes the {name} that it is given: write t * dx into a new array, without *= and +=.")
    checks.same("The saved image", got, expected, {
        "The image is not rounded: astype(np.uint8) cuts the decimals off.": found(lambda t: saved(t, np.trunc)),
        "Each t multiplies the DX of the t before: it multiplies the dx that is given.":
            found(saved, np.cumprod(scales).tolist()),
        "This is x + (1 + t) dx, expected x + t dx.": found(lambda t: saved(1 + t)),
        "x and t dx are rounded one by one: round their sum.":
            found(lambda t: np.clip(np.round(255 * image) + np.round(255 * t * step), 0, 255)),
        "This is the first image: go on while the model says label.": saved(0.6),
        "This is the last image: stop at the first that fools the model.": saved(5.0),
        "This is the image for t = 3.5, but t = 1.5 fools the model: try all t in order, a larger one may not fool it.":
            saved(3.5),
        "The image wraps around: clip to [0, 1] before astype(np.uint8).": np.round(255 * (image + 1.5 * step)) % 256,
        "The image is in [0, 1], expected the grey levels 0 to 255.": expected / 255}, tolerance=1e-9)
    checks.require(np.asarray(got).dtype == np.uint8, f"The image is {np.asarray(got).dtype}, expected uint8.")
    none = checks.call(function, lambda images: model(images, ()), image, step, 2, scales[:2])
    checks.same("The image when no t is enough", none, expected, {
        "When no t is enough the image is the original, expected that of the last t.": np.round(255 * image),
        "When no t is enough the image is that of the first t, expected that of the last.": saved(0.6)})


@checks.check
def amplified(function: Callable) -> None:
    """Task 7: changes up and down, small and large."""
    before = np.array([100, 100, 100, 7, 255, 0], np.uint8).reshape(2, 3, 1)
    after = np.array([98, 103, 120, 7, 250, 6], np.uint8).reshape(2, 3, 1)
    before, after = checks.inputs((before, after), _drawn_pair)
    change = after.astype(float) - before
    wrapped = np.abs((after - before).astype(float))
    got = checks.call(function, before, after)
    checks.same("amplified(original, modified)", got, np.minimum(50 * np.abs(change), 255), {
        "Negative changes wrap around: uint8 has no negative numbers, change the type before you subtract.":
            np.minimum(50 * wrapped, 255),
        "uint8 wraps around at 256: change the type before you subtract.": (50 * wrapped) % 256,
        "Values above 255 wrap around: clip to 0..255 before astype(np.uint8).": (50 * np.abs(change)) % 256,
        "Values above 255 must become 255: clip.": 50 * np.abs(change),
        "Negative changes become black: take the absolute value.": np.clip(50 * change, 0, 255),
        "The picture is not amplified: multiply by 50.": np.abs(change)})
    checks.require(np.asarray(got).dtype == np.uint8, f"The picture is {np.asarray(got).dtype}, expected uint8.")


def _drawn_pair(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    before = rng.integers(20, 230, (4, 5, 1))
    return before.astype(np.uint8), (before + rng.integers(-9, 10, before.shape)).astype(np.uint8)
