"""The checks of lab 09: what Gaussian noise does to a ReLU, to a small net and to LeNet. Those of tasks 1 to 3 are in `lab09_units`."""
from collections.abc import Callable
from functools import partial

import numpy as np
from scipy.special import ndtr

from utils.checks import call, check, equal, require, results, seeded, slips
from utils.checks.lab09_units import covariance, mean, phi, relu_pair, variance
from utils.quiet import tf

__all__ = ["attack", "covariance", "heat", "linear", "mean", "net", "variance"]

TAPE = slips.tape("the tape cannot follow the computation. Call tape.watch on the inputs, and compute everything inside `with`, using "
                  "TensorFlow's functions.")
RATE = 0.07  # of task 7


def _relu_moments(m: np.ndarray, cov: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What the student's function of task 4 is given: mean [d] and covariance [d, d] after ReLUs."""
    require(np.shape(cov) == (*np.shape(m), *np.shape(m)) and np.ndim(m) == 1, f"relu_moments gets a mean of shape {list(np.shape(m))} and a "
            f"covariance of shape {list(np.shape(cov))}, expected [d] and [d, d].")
    m, cov = np.asarray(m, float), np.asarray(cov, float)
    s = np.sqrt(np.maximum(np.diag(cov), 1e-12))
    pairs = [[relu_pair(m[[i, j]], s[[i, j]], np.clip(cov[i, j] / s[i] / s[j], -1, 1)) for j in range(len(m))] for i in range(len(m))]
    return m * ndtr(m / s) + s * phi(m / s), np.array(pairs)


@check
def net(function: Callable) -> None:
    """Task 4: a net whose weights are all square, so that a wrong side is no error, and one of three lengths."""
    rng = seeded(4)
    for sizes in ((4, 4, 4), (3, 5, 2)):
        w1, w2 = (rng.normal(size=pair) / 2 for pair in (sizes[:2], sizes[1:]))
        m, b1, b2 = (rng.normal(scale=0.5, size=size) for size in sizes)
        root = rng.normal(size=[sizes[0], sizes[0]]) / 2
        cov = root @ root.T + 0.2 * np.eye(sizes[0])

        def through(m=m, cov=cov, b1=b1, b2=b2, relu=_relu_moments, mean=lambda m, w: m @ w, spread=lambda w, cov: w.T @ cov @ w,
                    w1=w1, w2=w2) -> tuple[np.ndarray, np.ndarray]:
            m, cov = relu(mean(m, w1) + b1, spread(w1, cov))
            return mean(m, w2) + b2, spread(w2, cov)

        def dropped(m: np.ndarray, cov: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            m, cov = _relu_moments(m, cov)
            return m, np.diag(np.diag(cov))

        def second(m: np.ndarray, cov: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            m, cov = _relu_moments(m, cov)
            return m, cov + np.outer(m, m)

        got = results(function, call(function, m, cov, w1, b1, w2, b2, _relu_moments), "mean", "covariance")
        for part, name in enumerate(("mean", "covariance")):
            equal(f"The {name} of the logits", got[part], through()[part], [(sentence, lambda wrong=wrong: wrong()[part]) for sentence, wrong in (
                ("The bias b1 is missing in front of the ReLU.", partial(through, b1=0)), ("The bias b2 is missing.", partial(through, b2=0)),
                ("The ReLU is applied to the mean. Use relu_moments: noise moves the mean too.",
                 partial(through, relu=lambda m, cov: (np.maximum(m, 0), _relu_moments(m, cov)[1]))),
                ("The ReLU of the first layer leaves the covariance as it was: use both that relu_moments returns.",
                 partial(through, relu=lambda m, cov: (_relu_moments(m, cov)[0], cov))),
                ("There is no ReLU between the two layers.", partial(through, relu=lambda m, cov: (m, cov))),
                ("W is on the wrong side: the layer is x @ W + b, so the mean is m @ W.", partial(through, mean=lambda m, w: w @ m)),
                ("W is on the wrong side: the layer is x @ W + b, so the covariance is W.T @ C @ W.",
                 partial(through, spread=lambda w, cov: w @ cov @ w.T)),
                ("W stands twice in the covariance, but once it must be transposed: W.T @ C @ W.",
                 partial(through, spread=lambda w, cov: w @ cov @ w)),
                ("W is in the covariance once: it stands on both sides, W.T @ C @ W.", partial(through, spread=lambda w, cov: cov @ w)),
                ("The covariances between the hidden units are left out.", partial(through, relu=dropped)),
                ("The covariances between the inputs are left out.", partial(through, cov=np.diag(np.diag(cov)))),
                ("The product of the means is added to the covariance: that makes it a second moment.", partial(through, relu=second)),
                ("A bias moves the mean only: the covariance does not change when a constant is added.",
                 lambda: (through()[0], through()[1] + b2)),
                ("These are variances, expected the whole covariance matrix.", lambda: (through()[0], np.diag(through()[1]))))])


@check
def linear(function: Callable) -> None:
    """Task 5: two layers with tanh, whose Jacobian follows from the chain rule."""
    rng = seeded(5)
    x, s = rng.uniform(0.1, 0.9, [3, 4, 2]).astype(np.float32), rng.uniform(0.1, 0.6, [3, 4, 2]).astype(np.float32)
    w, v = rng.normal(scale=0.5, size=[24, 6]).astype(np.float32), rng.normal(size=[6, 3]).astype(np.float32)

    def model(images: tf.Tensor, training: bool = False) -> tf.Tensor:
        require(np.ndim(images) == 4 and np.shape(images)[1:] == x.shape, f"The model gets shape {list(np.shape(images))}, expected "
                f"{[1, *x.shape]}: x[None] makes a batch of one image.")
        return tf.tanh(tf.reshape(tf.cast(images, tf.float32), [-1, 24]) @ w) @ v

    def logits(at: np.ndarray) -> np.ndarray:
        return np.tanh(at.reshape(24) @ w) @ v

    J = (v.T * (1 - np.tanh(x.reshape(24) @ w)**2)) @ w.T
    by, var = J * s.reshape(24), (J * s.reshape(24)) @ (J * s.reshape(24)).T
    got = results(function, call(function, model, tf.constant(x), tf.constant(s), hints=TAPE), "mean", "covariance")
    equal("The mean of the logits", got[0], logits(x), [
        ("The noise has mean 0, so for a linear function the mean stays at model(x): add no std.", lambda: logits(x + s)),
        ("These are probabilities, expected the logits.", lambda: np.exp(logits(x)) / np.exp(logits(x)).sum())], tolerance=1e-4)
    equal("The covariance of the logits", got[1], var, [
        ("std is not squared: the variances of the pixels stand between J and J^T.", lambda: (J * s.reshape(24)) @ J.T),
        ("std is missing: this is J J^T.", lambda: J @ J.T),
        ("std is squared twice.", lambda: (by * s.reshape(24)) @ (by * s.reshape(24)).T),
        ("One std is used for all pixels, expected each pixel's own.", lambda: np.mean(s)**2 * J @ J.T),
        ("One std is used for all pixels, expected each pixel's own.", lambda: np.mean(s**2) * J @ J.T),
        ("These are the variances alone, expected the matrix: the logits see the same noise, so they vary together.", lambda: np.diag(var)),
        ("The covariances are missing: the logits see the same noise, so they vary together.", lambda: np.diag(np.diag(var))),
        ("This is J^T J, a matrix of pixels: J is [classes, D], so J stands on the left.", lambda: by.T @ by),
        ("This is one number, the variance of the sum of the logits: tape.gradient adds them up, tape.jacobian does not.", lambda: var.sum()),
        ("This is the Jacobian with std, without its product with the transpose.", lambda: by),
        ("Each logit's derivatives are added up before they are squared: noise of different pixels is independent, so squares add up.",
         lambda: np.outer(by.sum(1), by.sum(1)))], tolerance=1e-4)


@check
def heat(function: Callable) -> None:
    """Task 6: 5 x 6 pixels, and expected logits that depend on image and noise in a known way."""
    rng = seeded(6)
    x, a, b = rng.uniform(0.1, 0.9, [5, 6, 1]).astype(np.float32), rng.normal(size=[30, 3]), rng.normal(size=[30, 3])
    std, radius, label = 0.3 + 0.2 * rng.uniform(), 1, int(rng.integers(0, 3))

    def logits(images: np.ndarray, noise: np.ndarray) -> np.ndarray:
        for name, values in (("The images", images), ("The standard deviations", noise)):
            require(np.ndim(values) == 4 and np.shape(values)[1:] == x.shape, f"{name} have shape {list(np.shape(values))}, expected "
                    f"[N, {', '.join(map(str, x.shape))}].")
        require(len(images) == len(noise), f"expected_logits gets {len(images)} images and {len(noise)} maps of std, expected as many.")
        flat, v = (np.asarray(values, float).reshape(len(images), 30) for values in (images, noise))
        return flat @ a + v**2 @ b + (v @ b)**2

    def maps(near: Callable = lambda i, j, k, l: max(abs(i - k), abs(j - l)) <= radius, std=std, base: bool = True, label=label) -> np.ndarray:
        """The change of the logit for the pixels (k, l) that are near (i, j)."""
        windows = np.array([[near(i, j, k, l) for k in range(5) for l in range(6)] for i in range(5) for j in range(6)])
        images = np.repeat(x[None], 30, 0)
        found = logits(images, (std * windows).reshape(30, 5, 6, 1)) - base * logits(images, np.zeros([30, 5, 6, 1]))
        return found[:, label].reshape(5, 6)

    got = call(function, logits, x, label, std, radius)
    beyond = "At the frame the window goes on at the opposite side: cut it off there. (A negative index counts from the end.)"
    equal("heat_map(...)", got, maps(), [
        ("The clean logit is not subtracted: the change is required.", lambda: maps(base=False)),
        ("The variance is given as std: expected_logits squares it itself.", lambda: maps(std=std**2)),
        ("The root of std is given: expected_logits takes standard deviations.", lambda: maps(std=std**0.5)),
        ("The noise is on the pixel alone: it is on its whole window.", lambda: maps(lambda i, j, k, l: (i, j) == (k, l))),
        ("The noise is everywhere but in the window.", lambda: maps(lambda i, j, k, l: max(abs(i - k), abs(j - l)) > radius)),
        ("The window lacks its last row and column: from i - radius to i + radius, that one included.",
         lambda: maps(lambda i, j, k, l: -radius <= k - i < radius and -radius <= l - j < radius)),
        ("The window is a cross or a circle, expected a square: at most radius rows and at most radius columns away.",
         lambda: maps(lambda i, j, k, l: (i - k)**2 + (j - l)**2 <= radius**2)),
        ("The window begins at the pixel, expected the pixel in its middle.",
         lambda: maps(lambda i, j, k, l: 0 <= k - i <= 2 * radius and 0 <= l - j <= 2 * radius)),
        ("The noise covers whole rows and columns: both the row and the column have to be near.",
         lambda: maps(lambda i, j, k, l: abs(i - k) <= radius or abs(j - l) <= radius)),
        ("The noise is on whole rows: the column has to be near too.", lambda: maps(lambda i, j, k, l: abs(i - k) <= radius)),
        (beyond, lambda: maps(lambda i, j, k, l: (i - k + radius) % 5 <= 2 * radius and (j - l + radius) % 6 <= 2 * radius)),
        (beyond, lambda: maps(lambda i, j, k, l: max(abs(i - k), abs(j - l)) <= radius and i >= radius and j >= radius)),
        *[(f"This is the logit of class {other}, expected that of class {label}.", lambda other=other: maps(label=other)) for other in range(3)],
        ("The map has a list of values, expected [H, W].", lambda: maps().ravel())])


@check
def attack(function: Callable) -> None:
    """Task 7: waves in each pixel's mean and std, so that steps go back and limits are left again; the gradient is known."""
    rng, shape, low, high, beta, steps = seeded(7), (3, 4, 5, 1), 0.1, 0.25, 0.12, 5
    x, target, far = rng.uniform(0, 1, shape).astype(np.float32), rng.integers(0, 4, 3), np.inf
    a, b = (rng.normal(size=[20, 4]).astype(np.float32) for _ in range(2))
    place, lift = np.eye(4)[target], np.array([[-60], [0], [0]], np.float32)  # the logits of one image are all negative

    def logits(images: tf.Tensor, std: tf.Tensor) -> tf.Tensor:
        for name, values in (("The images", images), ("The standard deviations", std)):
            require(np.shape(values) == shape, f"{name} have shape {list(np.shape(values))}, expected {list(shape)}.")
        flat, v = (tf.reshape(tf.cast(values, tf.float32), [3, 20]) for values in (images, std))
        return tf.sin(12 * flat) @ a + tf.cos(20 * v) @ b + lift

    def top(z: np.ndarray) -> np.ndarray:
        return np.eye(4)[np.argmax(z, 1)]

    def run(steps=steps, pull=lambda z: place - top(z - 1e9 * place), way=np.sign, rates=(RATE, RATE), limit=(beta, low, high), start=low,
            end=False) -> np.ndarray:
        """m and s in one array; pull gives the derivative of what is raised by the logits."""
        m, s = np.zeros([3, 20]), np.full([3, 20], start)
        for _ in range(steps):
            at = x.reshape(3, 20) + m
            c = pull(np.sin(12 * at) @ a + np.cos(20 * s) @ b + lift)
            m = np.clip(m + rates[0] * way(12 * np.cos(12 * at) * (c @ a.T)), -limit[0], limit[0])
            s = np.clip(s + rates[1] * way(-20 * np.sin(20 * s) * (c @ b.T)), *limit[1:])
        m, s = (np.clip(m, -beta, beta), np.clip(s, low, high)) if end else (m, s)
        return np.stack([m, s]).reshape(2, *shape)

    got = results(function, call(function, logits, tf.constant(x), target, beta, low, high, RATE, steps, hints=TAPE), "m", "s")
    for part, name in enumerate(("The mean m of the noise", "The standard deviation s of the noise")):
        equal(name, got[part], run()[part], [(sentence, lambda wrong=wrong: wrong()[part]) for sentence, wrong in (
            ("This is the image with the mean of the noise, expected the mean m alone.", lambda: run() + np.stack([x, 0 * x])),
            ("The steps go downwards: the margin of the target has to rise.", partial(run, way=lambda g: -np.sign(g))),
            ("The steps go along the gradient, expected along its sign.", partial(run, way=np.positive)),
            ("m is not kept between -beta and beta.", partial(run, limit=(far, low, high))),
            ("s is not kept between low and high.", partial(run, limit=(beta, -far, far))),
            ("The limits are applied at the end only: clip after each step.", partial(run, limit=(far, -far, far), end=True)),
            ("m is not kept between -beta and beta, nor s between low and high.", partial(run, limit=(far, -far, far))),
            ("m does not move: it gets a step too.", partial(run, rates=(0, RATE))),
            ("s does not move: it gets a step too.", partial(run, rates=(RATE, 0))),
            ("s starts at high, expected at low.", partial(run, start=high)),
            ("The expected logit of the target rises, but the margin is required: the highest other logit is to be subtracted.",
             partial(run, pull=lambda z: place)),
            ("The highest of all logits is subtracted, the target's among them: once it leads, the margin is 0 and nothing moves. Leave it out.",
             partial(run, pull=lambda z: place - top(z))),
            ("The mean of the other logits is subtracted, expected the highest of them.", partial(run, pull=lambda z: place - (1 - place) / 3)),
            ("The other logits are multiplied by 0, not left out: where all are negative, that 0 is the highest.",
             partial(run, pull=lambda z: place - top(z * (1 - place)) * (1 - place))),
            *(("There is one step too few or too many: steps of them are required.", partial(run, steps + n)) for n in (-1, 1)))])
