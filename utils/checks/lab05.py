"""The checks of lab 05: the DX attack, step by step."""
from collections.abc import Callable

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit

from utils import attacks, other_versions_names
from utils.checks import call, check, equal, inputs, require, results, seeded, shaped, slips
from utils.quiet import tf

__getattr__ = other_versions_names(__name__)

# The hints of tasks 3 and 4, whose batches are of three images: where a [3] does not fit, it is the loss and the penalty that do
# not. Two other shapes get the general sentence.
TAPE = (("attribute 'predict'", "Call the model itself, model(images): predict gives an array, which has no gradient."),
        *slips.tape("the tape has no way from dx to the objective: compute all of it inside `with`, with TensorFlow's "
                    "functions."),
        *((words, "The loss is [N], so the penalty must be [N] too: its mean goes over axes 1, 2 and 3.")
          for words in ("Incompatible shapes: [3] vs.", "vs. [3]")))


def _with_gradient(function: Callable, x: tf.Tensor, *others) -> tf.Tensor:
    """What the student's function gives for x and others. Raises CheckFailed unless it has a gradient with respect to x."""
    with tf.GradientTape() as tape:
        tape.watch(x)
        value = call(function, x, *others)
    require(not isinstance(value, (np.ndarray, np.number)) and (not tf.is_tensor(value) or tape.gradient(value, x) is not None),
            f"{function.__name__} has no gradient, and an attack needs one: use TensorFlow's functions, not NumPy's.")
    return value


@check
def penalty(function: Callable) -> None:
    """Task 1: the example of the statement, and random dx of two channels."""
    random = seeded(1).uniform(-0.6, 0.4, [3, 5, 4, 2]).astype(np.float32)
    for dx in (random, np.array([0, -0.4, 0.1, 0.1], np.float32).reshape(1, 2, 2, 1)):
        given = {"dx": dx.ravel()} if len(dx) == 1 else None
        for norm, values in {"L1": np.abs(dx), "L2": dx * dx, "Linf": np.abs(dx)}.items():
            equal(f"penalty(dx, {norm!r})", _with_gradient(function, tf.constant(dx), norm), attacks.NORMS[norm].penalty(dx), [
                (f"{norm} is the sum, expected the mean: divide by the number of values of an image.",
                 lambda: values.sum((1, 2, 3))),
                (f"{norm} is one number for the batch, expected one for each image: keep axis 0.", values.mean),
                (f"{norm} is one number for the batch, expected one for each image: keep axis 0.", values.max),
                (f"{norm} is taken over the wrong axes: axis 0 counts the images, reduce over axes 1, 2 and 3.",
                 lambda: values.mean((0, 1, 2)), lambda: values.max((0, 1, 2))),
                (f"{norm} is divided by the number of all values of the batch: divide by those of one image.",
                 lambda: values.mean((1, 2, 3)) / len(dx)),
                (f"{norm} lacks the absolute value: positive and negative values cancel.", lambda: dx.mean((1, 2, 3))),
                (f"{norm} is the absolute value of the mean: take it of each value, before the mean.",
                 lambda: np.abs(dx.mean((1, 2, 3)))),
                (f"{norm} lacks the absolute value: the value farthest from 0 may be negative.", lambda: dx.max((1, 2, 3))),
                (f"{norm} has a square root: no root here.", lambda: np.sqrt(values.mean((1, 2, 3)))),
                (f"{norm} keeps the channels apart: reduce over axes 1, 2 and 3.", lambda: values.mean((1, 2))),
                (f"{norm} is the mean, expected the largest absolute value.", lambda: values.mean((1, 2, 3)))], given=given)


@check
def loss(function: Callable) -> None:
    """Task 2: five classes, and the example of the statement, two classes with logits (0, 0)."""
    random = seeded(2)
    logits, labels = random.uniform(-3, 3, [6, 5]), random.integers(0, 5, 6)
    logits[0, (labels[0] + np.arange(5)) % 5] = -1.4, 8, -3, -3, -3  # p = 8e-5, which a limit of 1e-4 for p would change
    logits = tf.constant(logits, tf.float32)
    p = tf.nn.softmax(logits).numpy()[np.arange(6), labels]
    other = np.max(tf.nn.softmax(logits) * (1 - np.eye(5)[labels]), axis=1)
    over_images = tf.nn.softmax(logits, axis=0).numpy()[np.arange(6), labels]
    got = {targeted: _with_gradient(function, logits, labels, targeted) for targeted in (True, False)}
    ignored = np.array_equal(got[True], got[False])
    # what Keras' cross-entropy makes of logits that it takes for probabilities
    as_p = tf.keras.losses.sparse_categorical_crossentropy(labels, logits).numpy()
    for targeted, kind in ((True, "targeted"), (False, "untargeted")):
        right, wanted = attacks.attack_loss(logits, labels, targeted).numpy(), p if targeted else 1 - p
        require(not tf.is_tensor(got[targeted]) or np.all(np.isfinite(got[targeted])),
                f"The {kind} loss is NaN or infinite: is its logarithm that of a probability? Apply softmax first.")
        equal(f"attacker_loss(logits, labels, targeted={targeted})", got[targeted], right, [
            ("The loss is the same for targeted=True and targeted=False: use the argument targeted." if ignored else
             "The targeted and the untargeted loss are exchanged.", lambda: attacks.attack_loss(logits, labels, not targeted)),
            (f"The {kind} loss has the wrong sign: it is minimised, so minus the log.", lambda: -right),
            (f"The {kind} loss is a probability: take minus its logarithm.", lambda: wanted),
            (f"The {kind} loss is a probability, expected minus the logarithm of one.", lambda: 1 - wanted),
            (f"The {kind} loss is one number for the batch, expected one for each image.", right.mean),
            (f"The {kind} loss is log p, which has no lower bound: use -log(1 - p).", lambda: np.log(p)),
            *((f"The probability of the {kind} loss is clipped: where it is smaller the loss has no gradient.",
               lambda low=low: -np.log(np.clip(wanted, low, 1 - low))) for low in (1e-4, 1e-3, 1e-2)),
            (f"The {kind} loss looks at the most likely other class alone: 1 - p is that of all others together.",
             lambda: -np.log(other)),
            (f"The {kind} loss is the logit: apply softmax first.", lambda: -logits.numpy()[np.arange(6), labels]),
            (f"The {kind} loss takes softmax over the images: take it over the classes, axis -1.",
             lambda: -np.log(over_images if targeted else 1 - over_images)),
            (f"The {kind} loss treats the logits as probabilities: set from_logits=True.", lambda: as_p)], tolerance=2e-4)
    for targeted in (True, False):
        equal("The loss of the example, logits (0, 0) and label 0,",
              call(function, tf.zeros([1, 2]), np.array([0]), targeted), [np.log(2)], tolerance=1e-4)


@check
def gradient(function: Callable) -> None:
    """Task 3: on tanh(images . w), whose gradient is known, and which in training drops half of its input. One value of x + dx
    is outside of the box."""
    random = seeded(3)
    x, dx = random.uniform(0.2, 0.8, [2, 3, 4, 2, 2]).astype(np.float32)
    dx = 0.4 * (dx - 0.5)
    dx[0, 0, 0, 0] = 1.1 - x[0, 0, 0, 0]
    w = random.normal(size=[16, 2]).astype(np.float32)

    def network(images: tf.Tensor, training: bool = False) -> tf.Tensor:
        return tf.tanh(tf.reshape(images, [-1, 16]) * (0.5 if training else 1.0) @ w)

    def slope(at: np.ndarray, keep: float = 1.0) -> np.ndarray:
        """The gradient of logit 1 - logit 0 at the images `at`."""
        slopes = 1 - np.tanh(keep * at.reshape(3, 16) @ w) ** 2
        return keep * (slopes[:, 1:] * w[:, 1] - slopes[:, :1] * w[:, 0]).reshape(x.shape)

    loss, pull, variable = slope(x + dx), 20 * 2 * dx / 16, tf.Variable(dx)
    given = network, lambda logits: logits[:, 1] - logits[:, 0], tf.constant(x), variable, 20.0
    got = call(function, *given, hints=TAPE)
    require(not (isinstance(got, list | tuple) and len(got) == 1),
            "gradient gives a list: tape.gradient(value, [dx]) answers with one. Ask for dx, not for [dx].")
    require(np.array_equal(variable, dx), "gradient changes dx: it only gives the gradient, and the loop of task 4 moves dx.")
    equal("gradient(...)", got, loss + pull, [
        ("The penalty does not reach the gradient: add lam times the mean square of dx inside the tape, with TensorFlow's "
         "functions, and ask for the gradient for dx, not for x.", lambda: loss),
        ("This is the gradient of the penalty alone: add the loss, and let the network see x + dx, computed "
         "inside the tape from the variable dx (not dx.numpy()).", lambda: pull),
        ("The image is clipped, so its gradient is 0 outside of the box: give the network x + dx as it is.",
         lambda: slope(np.clip(x + dx, 0, 1)) * (np.abs(x + dx - 0.5) <= 0.5) + pull),
        ("The network sees dx alone: give it x + dx.", lambda: slope(dx) + pull),
        ("The network sees x alone, or x - dx: give it x + dx.", lambda: pull - slope(x - dx)),
        ("The penalty has the wrong sign: add it to the loss, so that a large dx makes the objective larger.",
         lambda: loss - pull),
        ("The model is called with training=True: leave it in inference.", lambda: slope(x + dx, 0.5) + pull),
        ("The objective is averaged over the batch: each image has its own.", lambda: (loss + pull) / 3),
        ("The penalty is the sum of the squares: take the mean.", lambda: loss + 16 * pull),
        ("The penalty is too large by the number of channels: n is that of all values of an image, H W C.",
         lambda: loss + 2 * pull),
        ("The gradient of the penalty is half of what is expected: dx^2 has the derivative 2 dx.", lambda: loss + pull / 2),
        ("The penalty has a root: no root here.", lambda: loss + pull / (2 * np.sqrt(np.mean(dx**2, (1, 2, 3), keepdims=True)))),
        ("The penalty is the mean of |DX|, expected that of DX^2.", lambda: loss + 20 * np.sign(dx) / 16),
        ("The penalty is averaged over the batch too: give each image its own.", lambda: loss + pull / 3),
        ("The loss is averaged over the batch: each image has its own loss.", lambda: loss / 3 + pull),
        ("lam multiplies the loss: it must multiply the penalty.", lambda: 20 * loss + pull / 20),
        ("The gradient has the wrong sign.", lambda: -loss - pull)], tolerance=1e-4)
    small = tf.Variable(np.array([0.1, -0.2, 0, 0.3], np.float32).reshape(1, 2, 2, 1))
    equal("The gradient of the example, a constant loss with n = 4 and lambda = 8,",
          call(function, lambda images, training=False: tf.reshape(images, [1, 4]) * 0, lambda logits: logits[:, 0],
               tf.zeros([1, 2, 2, 1]), small, 8.0, hints=TAPE), 4 * small.numpy(), tolerance=1e-4)


@check(seconds=5)
def attack(function: Callable) -> None:
    """Task 4: on f(X) = w . X + 3, which the attacker wants below 0 with the loss log(1 + exp(f)): the best DX is known.

    Three images of two channels: losses [N] and a penalty in which an axis of the images is left do not broadcast.
    """
    pictures = seeded(4).uniform(0, 1, [3, 4, 2, 2]).astype(np.float32)
    w = seeded(5).normal(size=16).astype(np.float32)

    def linear(images: tf.Tensor, training: bool = False) -> tf.Tensor:
        require(not training, "The model is called with training=True: leave it in inference.")
        return tf.reshape(images, [-1, 16]) @ w[:, None] + 3.0

    def run(lam: float, steps: int, learning_rate: float) -> np.ndarray:
        got = call(function, linear, lambda logits: tf.nn.softplus(logits[:, 0]), tf.constant(pictures), lam, steps,
                   learning_rate, hints=TAPE)
        shaped("DX", got, pictures.shape)
        return got

    def exact(lam: float, box: bool = True) -> np.ndarray:
        return np.stack([_exact(image.ravel(), w, lam, box) for image in pictures]).reshape(pictures.shape)

    def boxed(dx: np.ndarray) -> np.ndarray:
        return np.clip(pictures + dx.reshape(pictures.shape), 0, 1) - pictures

    def without_memory() -> np.ndarray:
        """An Adam that is made anew for each step moves by the whole rate, along the sign."""
        dx = np.zeros_like(pictures)
        for _ in range(250):
            pull = expit(3 + (pictures + dx).reshape(3, 16) @ w)[:, None] * w + 6 * dx.reshape(3, 16) / 16
            dx = boxed(dx.reshape(3, 16) - 0.02 * np.sign(pull))
        return dx

    bright, dimmed = (call(function, lambda images, training=False: tf.reshape(images, [1, 1]), loss,
                           tf.fill([1, 1, 1, 1], 0.9), 0.0, steps, 0.3, hints=TAPE) for loss, steps in (
        (lambda logits: -logits[:, 0], 1), (lambda logits: tf.abs(logits[:, 0] - 0.92), 4)))
    slope = expit(3 + pictures.reshape(3, 16) @ w)[:, None] * w  # at DX = 0, where the penalty has none
    forgets = "A new Adam in each step forgets its running means: make the optimizer once, before the loop."
    answer, first = run(3.0, 250, 0.02), np.asarray(run(3.0, 1, 0.02))
    got = np.asarray(answer)
    best, free = exact(3.0), exact(3.0, box=False)
    require(not np.allclose(got, pictures + best, atol=0.03), "attack gives the modified image, expected DX.")
    require(np.abs(got).max() > 0, "DX is still 0: does the optimizer change dx, and does the loop run?")
    require(not np.allclose(got, first, atol=1e-4), "With 250 steps DX is that after one: does the return stand inside the loop?")
    require(np.sum(got * best) > 0,
            "DX goes the wrong way: the optimizer subtracts the gradient itself, so do not change the sign of the gradient.")
    require(not np.allclose(got, free, atol=0.03), "X + DX leaves the box: clip it to [0, 1] after each step.")
    require(not np.allclose(got, boxed(free), atol=0.01),
            "DX is clipped only at the end: clip after each step, so that the other pixels can compensate.")
    require(got.min() < -1e-6, "DX has no negative values: clip the image x + dx to [0, 1], not dx.")
    require(np.abs(boxed(got) - got).max() < 1e-5, "X + DX leaves the box: clip it to [0, 1] after each step.")
    equal("DX after one step of 0.02, in which Adam moves each pixel by 0.02 from DX = 0,", first,
          boxed(-0.02 * np.sign(slope)), [
        ("With steps = 1, DX is still 0: the loop makes one step too few.", lambda: np.zeros_like(pictures)),
        ("The first step is 0.001 long, Adam's default: give it learning_rate.", lambda: boxed(-0.001 * np.sign(slope))),
        ("With steps = 1, DX has moved two steps: the loop makes one step too many.", lambda: boxed(-0.04 * np.sign(slope))),
        ("This is plain gradient descent: use tf.keras.optimizers.Adam.", lambda: boxed(-0.02 * slope))], tolerance=2e-3)
    equal("DX of the example, a pixel of 0.9 that Adam moves up by 0.3,", bright, [[[[0.1]]]], tolerance=1e-4)
    require(np.allclose(got, best, atol=0.02) or not np.allclose(got, exact(1.0), atol=0.04),  # which is further away
            "The penalty is averaged over the batch too: give each image its own.")
    require(np.abs(got).sum() < 1.3 * np.abs(best).sum(),
            "DX is far larger than it needs to be: is lam times the penalty in the objective, and is the gradient computed again "
            "in each step?")
    back = 0.1 - 0.3 * (0.01 / 0.19 + 0.109 / 0.271)  # from the edge, by Adam's mean of the gradients -1, 1, 1 and then -1
    equal("DX of a pixel of 0.9 that the first step moves to 1, the edge, and the others back,", dimmed,
          [[[[back + 0.3 * 0.0019 / 0.3439]]]], [
        ("A step has no effect after the first has reached the edge of the box: clip dx itself after each step, not the image of "
         "the objective.", [[[[0.1]]]]),
        ("The loop stops before the last step, where the objective rises: it may fall again, so make all steps.",
         [[[[0.1 - 0.3 / 19]]]]), (forgets, [[[[-0.2]]]])], tolerance=1e-2)
    equal("DX on the linear model", got, best, [
        ("The penalty is the sum of the squares: take the mean.", lambda: exact(48.0)),
        (forgets, without_memory)],
          tolerance=0.02)
    require(isinstance(answer, np.ndarray), f"DX is of the type {type(answer).__name__}, expected a NumPy array: dx.numpy() "
            "makes one.")


def _exact(image: np.ndarray, w: np.ndarray, lam: float, box: bool) -> np.ndarray:
    """The DX [n] that minimises softplus(f) + lam * mean square: -t w, clipped to the box."""
    def change(t: float) -> np.ndarray:
        return np.clip(image - t * w, 0, 1) - image if box else -t * w

    # 2 lam t / n must be the derivative of softplus
    return change(brentq(lambda t: 2 * lam * t / len(image) - expit(w @ (image + change(t)) + 3), 0, 100))


@check
def tradeoff(function: Callable) -> None:
    """Task 5: four lambdas and six images; with the last two lambdas half of the images or more are not fooled."""
    fooled = np.array([[1, 1, 1, 1, 1, 1], [1, 1, 0, 1, 0, 1], [0, 1, 0, 1, 0, 1], [0, 0, 0, 0, 0, 0]], bool)
    sizes = np.array([[2, 9, 4, 8, 3, 7], [1.5, 7, 5.5, 5, 6.5, 6], [.3, 3, .2, 2, .1, 1], [.1, .1, .1, .1, .1, .1]])
    fooled, sizes = inputs((fooled, sizes), lambda rng: (
        rng.permuted(np.arange(8) < [[8], [6], [4], [0]], axis=1), rng.exponential(3, (4, 8))))
    counted = np.sort(np.where(fooled, sizes, np.inf)[:2], axis=1)
    picked = [np.sort(row[mask]) for row, mask in zip(sizes[:2], fooled)]
    middle = sizes.shape[1] // 2
    success, size = results(function, call(function, fooled, sizes), "success", "size")
    require(np.all(np.isfinite(success)), "The first result is not finite: return success first, then size.")
    equal("success", success, fooled.mean(axis=1), [
        ("success has one number for each image: take the mean over the images, axis 1.", lambda: fooled.mean(axis=0)),
        ("success is one number: keep one for each lambda.", fooled.mean),
        ("success is a number of images, expected a share: divide by their number.", lambda: fooled.sum(axis=1)),
        ("success is in percent, expected 0 to 1.", lambda: 100 * fooled.mean(axis=1))])
    size = np.asarray(size, float)
    shaped("size", size, [4])
    require(not np.isnan(size).any(), "size holds NaN: an image that is not fooled counts as np.inf. Infinity times 0 is NaN, "
            "and so is what np.quantile makes of two infinite values: use np.where and np.median.")
    require(np.isfinite(size[0]), "Where all images are fooled the median size is infinite: those that are not fooled count as "
            "infinite.")
    require(np.isfinite(size[1]), "Where a few images are not fooled the size is infinite: take the median, which is finite, not "
            "the mean.")
    equal("the median size", size[:2], counted[:, middle - 1:middle + 1].mean(axis=1), [
        ("The median is over the fooled images only (survivorship bias): over all images, failures as infinite.",
         lambda: [np.median(values) for values in picked]),
        ("Images that are not fooled enter with the size of their DX, which did not fool the network: count them as infinite.",
         lambda: np.median(sizes[:2], axis=1)),
        ("Images that are not fooled count as 0: they must count as infinite.", lambda: np.median(sizes * fooled, axis=1)[:2]),
        ("The size is the mean, expected the median.", lambda: [np.mean(values) for values in picked]),
        ("With an even number of images the median is the mean of the two in the middle, not the upper one.",
         lambda: counted[:, middle]),
        ("With an even number of images the median is the mean of the two in the middle, not the lower one.",
         lambda: counted[:, middle - 1])])
    example = results(function, call(function, np.array([[True, True, True, False]]), np.array([[0.2, 0.4, 0.6, 0.1]])),
                      "success", "size")
    equal("Success and size of the example", np.ravel(example), [0.75, 0.5])
    require(np.isinf(size[2:]).all(), "Where half of the images or more are not fooled, the median size is infinite.")


@check
def save(function: Callable) -> None:
    """Task 6: a model that the second of five t fools, not the third, and the fourth again, by the grey level of one pixel."""
    scales, rng = [0.6, 1.5, 2.4, 3.5, 5.0], seeded(6)
    image = (rng.integers(40, 200, [3, 3, 1]) + rng.uniform(-0.4, 0.4, [3, 3, 1])).astype(np.float32) / 255
    step = (rng.uniform(2, 5, [3, 3, 1]) * rng.choice([-1, 1], [3, 3, 1])).astype(np.float32) / 255
    level = inputs(102, lambda rng: int(rng.integers(40, 100)))
    image[0, 0], step[0, 0] = (level + 0.3) / 255, 1.25 / 255  # the five are saved as level + 1, 2, 3, 5, 7
    image[1, :, 0], step[1, :, 0] = (0.88, 0, 0.45), (50 / 255, -3 / 255, 12 / 255)  # the first two leave the box

    hints = (("attribute 'predict'", "Call the model itself: model(images)."),
             ("attribute 'argmax'", "The model gives a tensor: take np.argmax of it."))

    def model(images: np.ndarray, training: bool = False,
              borders: tuple[float, ...] = (level + 1.5, level + 2.5, level + 3.5)) -> tf.Tensor:
        """Logits [1, 3]: label 2, with p = 0.45, up to the first border, label 0 up to the second, 2 up to the third, then 0."""
        grey = 255 * np.asarray(images, float)
        shaped("What the model gets", images, [1, 3, 3, 1])
        require(np.abs(grey - np.round(grey)).max() < 0.01,
                "The model gets values that are not multiples of 1/255: show it the saved "
                "image, rounded, and divided by 255.")
        require(grey.max() <= 256, f"The model gets values up to {grey.max() / 255:g}: divide the saved image by 255.")
        require(np.any((grey > 0.5) & (grey < 254.5)), "The model gets only the values 0 and 1, the decimals are cut off: "
                "multiply by 255 before you round, and divide the saved image by 255 with /.")
        return tf.constant([[2.0 * (sum(grey[0, 0, 0, 0] > border for border in borders) % 2), 0.0, 0.5]])

    def saved(t: float, whole: Callable = np.round) -> np.ndarray:
        return whole(255 * np.clip(image + t * step, 0, 1))

    def first(picture: Callable, ts: list[float] = scales) -> np.ndarray:
        """The first picture(t) that fools the model, else the last."""
        tried = [picture(t) for t in ts]
        return next((one for one in tried if np.argmax(model(np.clip(one, 0, 255)[None] / 255)) != 2), tried[-1])

    one = call(function, lambda images, training=False: tf.constant([[0.0, 1.0]]), np.full((1, 1, 1), 0.41, np.float32),
               np.zeros((1, 1, 1), np.float32), 0, [1.0], hints=hints)
    got = call(function, model, image, step, 2, scales, hints=hints)
    equal("The saved image", got, saved(1.5), [
        ("The image is not rounded: astype(np.uint8) cuts the decimals off.", lambda: first(lambda t: saved(t, np.trunc))),
        ("Each t multiplies the DX of the t before: it multiplies the dx that is given.",
         lambda: first(saved, np.cumprod(scales).tolist())),
        ("This is x + (1 + t) dx, expected x + t dx.", lambda: first(lambda t: saved(1 + t))),
        ("x and t dx are rounded one by one: round their sum.",
         lambda: first(lambda t: np.clip(np.round(255 * image) + np.round(255 * t * step), 0, 255))),
        ("This is the first image: go on while the largest logit is that of label.", lambda: saved(0.6)),
        ("This is the last image: stop at the first that fools the model.", lambda: saved(5.0)),
        ("The image is multiplied by 256: the largest grey level is 255.",
         lambda: first(lambda t: saved(t, lambda grey: np.round(grey * 256 / 255) % 256))),
        ("The image is rounded up: round to the nearest level.", lambda: first(lambda t: saved(t, np.ceil))),
        ("This is the image for t = 3.5, but t = 1.5 fools the model: try all t in order, a larger one may not fool it.",
         lambda: saved(3.5)),
        ("The image wraps around: clip to [0, 1] before astype(np.uint8).", lambda: np.round(255 * (image + 1.5 * step)) % 256),
        ("The image is in [0, 1], expected the grey levels 0 to 255.", lambda: saved(1.5) / 255)], tolerance=1e-9)
    equal("The saved image of the example, the grey value 0.41,", np.ravel(one), [105])
    require(np.asarray(got).dtype == np.uint8, f"The image is {np.asarray(got).dtype}, expected uint8.")
    equal("The image when no t is enough", call(
        function, lambda images, training=False: model(images, borders=()), image, step, 2, scales[:2]),
          saved(1.5), [
        ("When no t is enough the image is the original, expected that of the last t.", lambda: np.round(255 * image)),
        ("When no t is enough the image is that of the first t, expected that of the last.", lambda: saved(0.6))], tolerance=1e-9)


@check
def amplified(function: Callable) -> None:
    """Task 7: changes up and down, small and large, the example among them."""
    before = np.array([100, 100, 100, 7, 255, 0, 126, 130, 0, 255], np.uint8).reshape(2, 5, 1)
    after = np.array([98, 103, 120, 7, 250, 6, 129, 127, 255, 0], np.uint8).reshape(2, 5, 1)
    before, after = inputs((before, after), _drawn_pair)
    change = after.astype(float) - before
    got = call(function, before, after)
    equal("amplified(original, modified)", got, np.minimum(50 * np.abs(change), 255), [
        ("Negative changes wrap around: uint8 has no negative numbers, change the type before you subtract.",
         lambda: np.minimum(50 * np.abs((after - before).astype(float)), 255)),
        ("uint8 wraps around at 256: change the type before you subtract.",
         lambda: (50 * np.abs((after - before).astype(float))) % 256),
        ("int8 ends at 127, a grey level at 255: take int or float.",
         lambda: np.minimum(50 * np.abs(after.astype(np.int8).astype(float) - before.astype(np.int8)), 255)),
        ("int8 ends at 127, a grey level at 255: take int or float.",
         lambda: np.abs((50 * change.astype(int)).astype(np.int8).astype(float))),
        ("From 0 to 255 is a change of 255, here it counts as 1: subtract in a type that holds -255 to 255, such as int.",
         lambda: np.minimum(50 * np.abs((change + 128) % 256 - 128), 255)),
        ("Values above 255 wrap around: clip to 0..255 before astype(np.uint8).", lambda: (50 * np.abs(change)) % 256),
        ("Values above 255 must become 255: clip.", lambda: 50 * np.abs(change)),
        ("Negative changes become black: take the absolute value.", lambda: np.clip(50 * change, 0, 255)),
        ("The picture is in [0, 1], expected the grey levels 0 to 255: do not divide by 255.",
         lambda: np.minimum(50 * np.abs(change) / 255, 1)),
        ("The picture is not amplified: multiply by 50.", lambda: np.abs(change))],
          given={"original": before.ravel(), "modified": after.ravel()})
    require(np.asarray(got).dtype == np.uint8, f"The picture is {np.asarray(got).dtype}, expected uint8.")


def _drawn_pair(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    before = rng.integers(20, 230, (4, 5, 1))
    after = before + rng.integers(-9, 10, before.shape)
    before[0, 0], after[0, 0] = 0, 255
    return before.astype(np.uint8), after.astype(np.uint8)
