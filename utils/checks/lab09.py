"""The checks of lab 09: what Gaussian noise does to a ReLU, to two of them, to a small net and to LeNet."""
from collections.abc import Callable
from functools import partial
from types import FunctionType

import numpy as np
from scipy.special import ndtr, softmax

from utils import other_versions_names
from utils.checks import call, check, equal, inputs, names_used, own, python_function, require, results, seeded, shaped, slips
from utils.quiet import tf

__getattr__ = other_versions_names(__name__)

TAPE = slips.tape("the tape cannot follow the computation. Call tape.watch on the inputs, and compute everything inside "
                  "`with`, using TensorFlow's functions.")
MOVED = slips.tape("the tape cannot follow the computation. Are the images x + m, and the standard deviations s? Call "
                   "tape.watch on m and s, and compute the margin inside `with`, using TensorFlow's functions.")
RATE, BETA, LOW, HIGH, STEPS = 0.07, 0.12, 0.1, 0.25, 5  # of task 7: size of a step, limit of m, limits of s, number of steps
TASKS = ("relu_mean", "relu_variance", "relu_covariance", "through_net", "linear_moments", "heat_map", "noise_attack")
NODES, WEIGHTS = np.polynomial.legendre.leggauss(64)
# mean x, y, standard deviation x, y, correlation, covariance after the ReLUs (integrated in two dimensions to 15 digits)
KNOWN = (
    (0, 0, 1, 1, -0.5, -0.104656052569781), (1, -0.5, 1, 2, 0.3, 0.210779087314613), (0.5, 0.25, 1, 1, 0.9, 0.434177619989977),
    (-1, 2, 1.5, 0.5, -0.7, -0.132546336809646), (0.3, -0.2, 0.5, 0.7, 0.999, 0.119433414409934),
    (0, 0, 1, 1, 0.5, 0.145343947430219))


def asked(function: Callable, *arguments, **named):
    """As `call`; what the function calls of the notebook leaves nothing to `utils` either, and is no answer to another task."""
    waiting, seen = [python_function(function)], []
    while waiting:
        part = waiting.pop()
        seen.append(part)
        for name, value in names_used(part):
            if isinstance(value, FunctionType) and value not in seen and value.__module__ == part.__module__:
                require(name not in TASKS, f"{part.__name__} calls {name}, your answer to another task: what you need of it is "
                        "an argument. Write the rest here.")
                own(value)
                waiting.append(value)
    return call(function, *arguments, **named)


def phi(h: np.ndarray) -> np.ndarray:
    return np.exp(-h**2 / 2) / np.sqrt(2 * np.pi)


def _sampled(got, right: np.ndarray,
             why: str = "Is it sampled, or a sum over few points? Use the formula, or more points.") -> tuple[str, Callable]:
    """The mistake of an answer that is within 5 % of the right one, but not equal to it."""
    values = np.asarray(got, np.float64)
    return (f"This is close, but not accurate enough. {why}",
            lambda: values if slips.close(values, right, 0.05) else np.nan)


@check
def mean(function: Callable) -> None:
    """Task 1: eight units of different means and standard deviations."""
    rng = seeded(1)
    m, s = rng.normal(scale=1.5, size=8), rng.uniform(0.4, 2.5, 8)
    h = m / s
    P, p = ndtr(h), phi(h)
    right = m * P + s * p
    got = asked(function, m, s)
    equal("relu_mean(mean, std)", got, right, [
        ("Phi and phi are swapped: Phi is the probability, phi the density.", lambda: m * p + s * P),
        ("The second term has the variance: it is the standard deviation times phi(h).", lambda: m * P + s**2 * p),
        ("phi and Phi take h = mean / std, not the mean.", lambda: m * ndtr(m) + s * phi(m)),
        ("The mean is divided by the variance: h = mean / std.", lambda: m * ndtr(m / s**2) + s * phi(m / s**2)),
        ("The factor std of the second term is missing: x = mean + std z, and z phi(z) is integrated too.", lambda: m * P + p),
        ("The second term is missing: this is the mean times the probability that X > 0.", lambda: m * P),
        ("The first term is missing: x = mean + std z, and the mean has an integral too.", lambda: s * p),
        ("This is the ReLU of the mean, as if there were no noise.", lambda: np.maximum(m, 0)),
        ("The first term lacks the factor Phi(h), the probability that X > 0.", lambda: m + s * p,
         lambda: np.maximum(m, 0) + s * p),
        ("This is the mean of the values above 0 only. Those that the ReLU sets to 0 count too: do not divide by Phi(h).",
         lambda: m + s * p / P),
        ("Phi has the wrong sign inside: the integral runs from -h to infinity, which has the probability Phi(h).",
         lambda: m * (1 - P) + s * p),
        ("The second term has the wrong sign: the integral of z phi(z) from -h to infinity is +phi(h).", lambda: m * P - s * p),
        ("This is the mean of |X|: a ReLU sets what is below 0 to 0.", lambda: m * (2 * P - 1) + 2 * s * p),
        ("The density lacks its factor 1 / sqrt(2 pi).", lambda: m * P + s * np.sqrt(2 * np.pi) * p), _sampled(got, right)],
        given={"mean": m, "std": s})
    equal("relu_mean of mean 0 and std 1, the example", asked(function, np.zeros(1), np.ones(1)), [0.3989423])


@check
def variance(function: Callable) -> None:
    """Task 2: as task 1; E[X+] is given."""
    rng = seeded(2)
    m, s = rng.normal(scale=1.5, size=8), rng.uniform(0.4, 2.5, 8)
    h = m / s
    P, p = ndtr(h), phi(h)
    e = m * P + s * p
    second = (m**2 + s**2) * P + m * s * p
    right = second - e**2
    got = asked(function, m, s, e, hints=[
        ("name 'relu_mean' is not", "Do not call your answer to another task: the mean is the argument first.")])
    equal("relu_variance(mean, std, first)", got, right, [
        ("This is the second moment E[X+^2]: the variance is that minus the square of the mean.", lambda: second),
        ("first is subtracted, expected its square.", lambda: second - e),
        ("The square of the mean before the ReLU is subtracted, expected that of first, the mean after it.",
         lambda: second - m**2),
        ("Phi and phi are swapped: Phi is the probability, phi the density.", lambda: (m**2 + s**2) * p + m * s * P - e**2),
        ("The second moment lacks the term with phi(h).", lambda: second - m * s * p - e**2),
        ("The second moment's term with phi has the wrong sign: in (mean + std z)^2 the part 2 mean std z gives 2 mean std "
         "phi(h), and std^2 z^2 takes half of it back.", lambda: second - 2 * m * s * p - e**2),
        ("The term 2 mean std phi(h) is there, but the integral of z^2 phi(z) from -h on is Phi(h) - h phi(h), not Phi(h).",
         lambda: second + m * s * p - e**2),
        ("The three integrals give -h std^2 phi(h) too, which takes half of 2 mean std phi(h) back: here it is added.",
         lambda: second + 2 * m * s * p - e**2),
        ("Phi has the wrong sign inside: the integral runs from -h to infinity, which has the probability Phi(h).",
         lambda: (m**2 + s**2) * (1 - P) + m * s * p - e**2),
        ("The factor mean is missing in the term with phi(h).", lambda: (m**2 + s**2) * P + s * p - e**2),
        ("The factor std is missing in the term with phi(h).", lambda: (m**2 + s**2) * P + m * p - e**2),
        ("The second moment has std where the variance belongs: mean^2 + std^2.", lambda: (m**2 + s) * P + m * s * p - e**2),
        ("std^2 is missing: in (mean + std z)^2 the z^2 has an integral too.", lambda: m**2 * P + m * s * p - e**2),
        ("phi and Phi take h = mean / std, not the mean.", lambda: (m**2 + s**2) * ndtr(m) + m * s * phi(m) - e**2),
        ("This is the variance times the probability that X > 0. The jump between on and off varies too.", lambda: s**2 * P),
        ("This is the variance of the linear part alone: the ReLU is not linear.", lambda: s**2 * P**2),
        ("This is the variance before the ReLU.", lambda: s**2),
        ("This is the standard deviation, expected the variance.", lambda: np.sqrt(right)), _sampled(got, right)],
        given={"mean": m, "std": s})
    equal("relu_variance of mean 0 and std 1, the example", asked(function, np.zeros(1), np.ones(1), np.array([0.3989423])),
          [0.3408451])


def relu_pair(m: np.ndarray, s: np.ndarray, rho: float, h: Callable = np.divide, end: Callable = np.arcsin, cross: float = 2,
              two: float = 2, weight: Callable = lambda rho, sin, cos: rho - sin, half: float = 0.5, one: float = 1,
              square: float = 2, start: Callable = lambda rho, x, y: rho * x * y, factor: float = 1 / (2 * np.pi)) -> float:
    """cov(X+, Y+) by Price's theorem twice, with s = sin t; each option changes one thing into a mistake."""
    (hx, hy), t = h(m, s), end(rho) * (NODES + one) * 0.5
    sin, cos = np.sin(t), np.cos(t)
    power = np.exp(-(hx**2 - cross * hx * hy * sin + hy**2) / (two * cos**square))
    integral = factor * np.sum(WEIGHTS * half * end(rho) * weight(rho, sin, cos) * power)
    return s[0] * s[1] * (start(rho, ndtr(hx), ndtr(hy)) + integral)


@check
def covariance(function: Callable) -> None:
    """Task 3: known values, the last of them the example; other cases with the integral of `relu_pair`."""
    cases = inputs([(np.array(case[:2], float), np.array(case[2:4], float), case[4]) for case in KNOWN], lambda rng: [
        (rng.normal(size=2), rng.uniform(0.5, 2, 2), rho) for rho in (*rng.uniform(-0.95, 0.95, 5), 0.995)])
    right = np.array(inputs([case[5] for case in KNOWN], lambda rng: [relu_pair(*case) for case in cases]))
    got = [asked(function, *case) for case in cases]
    require(np.shape(got[0]) == (), f"relu_covariance(mean, std, rho) has shape {list(np.shape(got[0]))}, expected one number.")
    require(np.asarray(got).dtype.kind in "fiu", f"relu_covariance(mean, std, rho) is {slips.kind(got[0])}, expected a number.")

    def of(**changed) -> Callable:
        return lambda: [relu_pair(*case, **changed) for case in cases]

    def without(formula: Callable) -> Callable:
        return lambda: [formula(m, s, rho, m / s) for m, s, rho in cases]

    def after(m: np.ndarray, s: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        first = m * ndtr(m / s) + s * phi(m / s)
        return first, np.sqrt((m**2 + s**2) * ndtr(m / s) + m * s * phi(m / s) - first**2)

    single = of(weight=lambda rho, sin, cos: cos)  # the integral of the density from 0 to rho alone
    equal(f"relu_covariance, called {len(cases)} times,", got, right, [
        ("This is E[X+ Y+]: the integral from correlation 0 gives the covariance already, so add no product of means.",
         without(lambda m, s, rho, h: relu_pair(m, s, rho) + np.prod(after(m, s)[0]))),
        ("The product std_x std_y is missing: the derivative is by the covariance, rho std_x std_y.",
         without(lambda m, s, rho, h: relu_pair(m, s, rho) / np.prod(s))),
        ("This is the correlation of X+ and Y+, expected their covariance.",
         without(lambda m, s, rho, h: relu_pair(m, s, rho) / np.prod(after(m, s)[1]))),
        ("This is the formula for mean 0. For any mean hx and hy are in it.",
         without(lambda m, s, rho, h: relu_pair(0 * m, s, rho))),
        ("The integral is missing: P starts at Phi(hx) Phi(hy) and grows with the correlation.", of(factor=0)),
        ("The term rho Phi(hx) Phi(hy) is missing: P is that product at correlation 0, not 0.", of(start=lambda rho, x, y: 0)),
        ("The product Phi(hx) Phi(hy) lacks its factor rho: it is integrated from 0 to rho too.",
         of(start=lambda rho, x, y: x * y)),
        ("P is 1/4 at correlation 0 only where both means are 0: it is Phi(hx) Phi(hy).", of(start=lambda rho, x, y: rho / 4)),
        ("The first term has Phi(-hx) Phi(-hy), the probability that both are negative.",
         of(start=lambda rho, x, y: rho * (1 - x) * (1 - y))),
        ("This is the covariance before the ReLUs.", without(lambda m, s, rho, h: rho * np.prod(s))),
        ("The factor 1 / (2 pi) of the density is missing.", of(factor=1)),
        ("The factor (rho - s) is missing in the integral: P is itself integrated.", single, of(weight=lambda rho, sin, cos: 1)),
        ("A negative rho is taken for a positive one: the formula holds with its sign, without an extra case.",
         without(lambda m, s, rho, h: relu_pair(m, s, abs(rho)))),
        ("The first term has the densities phi(hx) phi(hy), expected the probabilities Phi(hx) Phi(hy).",
         without(lambda m, s, rho, h: relu_pair(m, s, rho, start=lambda rho, x, y: rho * np.prod(phi(h))))),
        ("P is not integrated: this is std_x std_y times the probability at the last correlation.",
         without(lambda m, s, rho, h: relu_pair(m, s, rho, start=lambda rho, x, y: x * y, weight=lambda rho, sin, cos: 1))),
        ("The factor in the integral is rho alone, expected rho - s: r goes from s to rho.",
         of(weight=lambda rho, sin, cos: rho)),
        ("The factor in the integral is s, expected rho - s: r goes from s to rho.", of(weight=lambda rho, sin, cos: sin)),
        ("The factor is s - rho, expected rho - s.", of(weight=lambda rho, sin, cos: sin - rho)),
        ("The nodes are for [-1, 1], and t is still in it: map them to the interval from 0 to asin(rho).", of(one=0)),
        ("The weights belong to an interval of length 2: multiply them by half the length of yours.",
         without(lambda m, s, rho, h: relu_pair(m, s, rho, half=1 / np.arcsin(rho)))),
        ("The weights are multiplied by the length of the interval, expected half of it: they belong to [-1, 1].", of(half=1)),
        ("t goes up to asin(rho), not rho: s = sin t.", of(end=float)),
        ("ds = cos t dt cancels the root in the density: here 1 / cos t is left over.",
         of(weight=lambda rho, sin, cos: (rho - sin) / cos)),
        ("ds = cos t dt cancels the root in the density: here 1 / cos^2 t is left over.",
         of(weight=lambda rho, sin, cos: (rho - sin) / cos**2)),
        ("ds = cos t dt cancels the root in the density: here cos t is left over.",
         of(weight=lambda rho, sin, cos: (rho - sin) * cos)),
        ("In the exponent hx hy has the wrong sign: hx^2 - 2 hx hy sin t + hy^2.", of(cross=-2)),
        ("In the exponent the factor 2 of 2 hx hy sin t is missing.", of(cross=1)),
        ("In the exponent the 2 of 2 cos^2 t is missing.", of(two=1)),
        ("In the exponent cos^2 t stands below, as 1 - s^2 = cos^2 t: here it is cos t.", of(square=1)),
        ("hx and hy are mean / std, not the means.", of(h=lambda m, s: m)),
        _sampled(got, right, "Is it sampled, a sum over few points, or is one factor under the integral wrong?")],
        given=dict(zip(("mean", "std", "rho"), cases[int(np.argmax(np.abs(np.subtract(got, right))))])))


def _relu_moments(mean: np.ndarray, covariance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What the student's function of task 4 is given: mean [d] and covariance [d, d] after ReLUs."""
    require(np.shape(covariance) == (*np.shape(mean), *np.shape(mean)) and np.ndim(mean) == 1,
            f"relu_moments gets a mean of shape {list(np.shape(mean))} and a "
            f"covariance of shape {list(np.shape(covariance))}, expected [d] and [d, d].")
    m, cov = np.asarray(mean, float), np.asarray(covariance, float)
    s = np.sqrt(np.maximum(np.diag(cov), 1e-12))
    pairs = [[relu_pair(m[[i, j]], s[[i, j]], np.clip(cov[i, j] / s[i] / s[j], -1, 1)) for j in range(len(m))]
             for i in range(len(m))]
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

        got = results(function, asked(function, m, cov, w1, b1, w2, b2, _relu_moments), "mean", "covariance")
        for part, name in enumerate(("mean", "covariance")):
            equal(f"The {name} of the logits", got[part], through()[part],
                  [(sentence, lambda wrong=wrong: wrong()[part]) for sentence, wrong in (
                ("The bias b1 is missing in front of the ReLU.", partial(through, b1=0)),
                ("The bias b2 is missing.", partial(through, b2=0)),
                ("Both biases are missing, b1 and b2.", partial(through, b1=0, b2=0)),
                ("There is a ReLU at the output too: the logits are not cut off at 0.", lambda: _relu_moments(*through())),
                ("* multiplies number by number, the covariance needs the product of matrices, @: W.T @ C @ W.",
                 partial(through, spread=lambda w, cov: w.T * cov * w)),
                ("The ReLU is applied to the mean. Use relu_moments: noise moves the mean too.",
                 partial(through, relu=lambda m, cov: (np.maximum(m, 0), _relu_moments(m, cov)[1]))),
                ("The ReLU of the first layer leaves the covariance as it was: use both that relu_moments returns.",
                 partial(through, relu=lambda m, cov: (_relu_moments(m, cov)[0], cov))),
                ("There is no ReLU between the two layers.", partial(through, relu=lambda m, cov: (m, cov))),
                ("W is on the wrong side: the layer is x @ W + b, so the mean is m @ W.",
                 partial(through, mean=lambda m, w: w @ m)),
                ("W is on the wrong side: the layer is x @ W + b, so the covariance is W.T @ C @ W.",
                 partial(through, spread=lambda w, cov: w @ cov @ w.T)),
                ("W stands twice in the covariance, but once it must be transposed: W.T @ C @ W.",
                 partial(through, spread=lambda w, cov: w @ cov @ w)),
                ("W is in the covariance once: it stands on both sides, W.T @ C @ W.",
                 partial(through, spread=lambda w, cov: cov @ w)),
                ("The covariances between the hidden units are left out.", partial(through, relu=dropped)),
                ("The covariances between the inputs are left out.", partial(through, cov=np.diag(np.diag(cov)))),
                ("The product of the means is added to the covariance: that makes it a second moment.",
                 partial(through, relu=second)),
                ("A bias moves the mean only: the covariance does not change when a constant is added.",
                 lambda: (through()[0], through()[1] + b2)),
                ("A bias moves the mean only: the covariance does not change when a constant is added.",
                 partial(through, relu=lambda m, cov: _relu_moments(m, cov + b1))),
                ("A bias moves the mean only: the covariance does not change when a constant is added.",
                 lambda: (through()[0], through(relu=lambda m, cov: _relu_moments(m, cov + b1))[1] + b2)),
                ("These are variances, expected the whole covariance matrix.", lambda: (through()[0], np.diag(through()[1]))))])
    given = np.array([1.0]), np.array([[4.0]]), np.array([[2.0, -1]]), np.array([1.0, 0]), np.eye(2), np.zeros(2), _relu_moments
    got = results(function, asked(function, *given), "mean", "covariance")
    for name, value, expected in zip(("mean", "covariance"), got,
                                     _relu_moments(np.array([3, -1]), np.array([[16, -8], [-8, 4]]))):
        equal(f"The {name} of the example behind the ReLUs, with w2 = np.eye(2) and b2 = 0,", value, expected)


@check
def linear(function: Callable) -> None:
    """Task 5: two layers with tanh, whose Jacobian follows from the chain rule."""
    rng = seeded(5)
    x, s = rng.uniform(0.1, 0.9, [3, 4, 2]).astype(np.float32), rng.uniform(0.1, 0.6, [3, 4, 2]).astype(np.float32)
    w, v = rng.normal(scale=0.5, size=[24, 6]).astype(np.float32), rng.normal(size=[6, 3]).astype(np.float32)

    def model(images: tf.Tensor, training: bool = False) -> tf.Tensor:
        require(np.ndim(images) == 4 and np.shape(images)[1:] == x.shape,
                f"The model gets shape {list(np.shape(images))}, expected "
                f"{[1, *x.shape]}: x[None] makes a batch of one image.")
        require(not training, "The model is called with training=True, where layers such as dropout and batch normalisation do "
                "something else: leave it out, or write training=False.")
        return tf.tanh(tf.reshape(tf.cast(images, tf.float32), [-1, 24]) @ w) @ v

    def logits(at: np.ndarray) -> np.ndarray:
        return np.tanh(at.reshape(24) @ w) @ v

    J = (v.T * (1 - np.tanh(x.reshape(24) @ w)**2)) @ w.T
    by, var = J * s.reshape(24), (J * s.reshape(24)) @ (J * s.reshape(24)).T
    got = results(function, asked(function, model, tf.constant(x), tf.constant(s), hints=TAPE), "mean", "covariance")
    equal("The mean of the logits", got[0], logits(x), [
        ("The noise has mean 0, so for a linear function the mean stays at model(x): add no std.", lambda: logits(x + s)),
        ("These are probabilities, expected the logits.", lambda: np.exp(logits(x)) / np.exp(logits(x)).sum())], tolerance=1e-4)
    equal("The covariance of the logits", got[1], var, [
        ("std is not squared: the variances of the pixels stand between J and J^T.", lambda: (J * s.reshape(24)) @ J.T),
        ("std is missing: this is J J^T.", lambda: J @ J.T),
        ("std is squared twice.", lambda: (by * s.reshape(24)) @ (by * s.reshape(24)).T),
        ("One std is used for all pixels, expected each pixel's own.", lambda: np.mean(s)**2 * J @ J.T),
        ("One std is used for all pixels, expected each pixel's own.", lambda: np.mean(s**2) * J @ J.T),
        ("These are the variances alone, expected the matrix: the logits see the same noise, so they vary together.",
         lambda: np.diag(var)),
        ("The covariances are missing: the logits see the same noise, so they vary together.", lambda: np.diag(np.diag(var))),
        ("This is J^T J, a matrix of pixels: J is [classes, D], so J stands on the left.", lambda: by.T @ by),
        ("This is one number, the variance of the sum of the logits: tape.gradient adds them up, tape.jacobian does not.",
         lambda: var.sum(), lambda: [[var.sum()]], lambda: [var.sum()]),
        ("This is the Jacobian with std, without its product with the transpose.", lambda: by),
        (("Each logit's derivatives are added up before they are squared: noise of different pixels is independent, so squares "
          "add up."),
         lambda: np.outer(by.sum(1), by.sum(1)))], tolerance=1e-4)
    pixels, spread = (tf.constant(values, tf.float32, [1, 2, 1]) for values in ([0.5, 0.5], [0.1, 0.2]))
    example = asked(function,
                    lambda images, training=False: tf.reshape(tf.cast(images, tf.float32), [-1, 2]) @ [[3.0, 1], [0, 2]],
                    pixels, spread, hints=TAPE)
    equal("The covariance of the example", results(function, example, "mean", "covariance")[1], [[0.09, 0.03], [0.03, 0.17]],
          tolerance=1e-4)


@check
def heat(function: Callable) -> None:
    """Task 6: 5 x 6 pixels with radius 1, the example among them, and expected logits that depend on image and noise in a known
    way.
    """
    rng = seeded(6)
    x, a, b = rng.uniform(0.1, 0.9, [5, 6, 1]).astype(np.float32), rng.normal(size=[30, 3]), rng.normal(size=[30, 3])
    std, radius, label = 0.3 + 0.2 * rng.uniform(), 1, int(rng.integers(0, 3))

    def logits(images: np.ndarray, stds: np.ndarray) -> tf.Tensor:
        for name, values in (("The images", images), ("The standard deviations", stds)):
            require(np.ndim(values) == 4 and np.shape(values)[1:] == x.shape,
                    f"{name} have shape {list(np.shape(values))}, expected "
                    f"[N, {', '.join(map(str, x.shape))}].")
        require(len(images) == len(stds),
                f"expected_logits gets {len(images)} images and {len(stds)} maps of std, expected as many.")
        flat, v = (np.asarray(values, float).reshape(len(images), 30) for values in (images, stds))
        return tf.constant(flat @ a + v**2 @ b + (v @ b)**2, tf.float32)

    def maps(near: Callable = lambda i, j, k, l: max(abs(i - k), abs(j - l)) <= radius, std=std, base: bool = True,
             label=label) -> np.ndarray:
        """The change of the logit for the pixels (k, l) that are near (i, j)."""
        windows = np.array([[near(i, j, k, l) for k in range(5) for l in range(6)] for i in range(5) for j in range(6)])
        images = np.repeat(x[None], 30, 0)
        found = logits(images, (std * windows).reshape(30, 5, 6, 1)) - base * logits(images, np.zeros([30, 5, 6, 1]))
        return found.numpy()[:, label].reshape(5, 6)

    got = asked(function, logits, x, label, std, radius, hints=[
        ("numpy_behavior", "expected_logits gives a tensor, which has no methods of an array: .numpy() makes an array of it.")])
    require(isinstance(got, np.ndarray), "heat_map gives a tensor or a list, expected an array of NumPy: np.asarray makes one.")
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
        *[(f"This is the logit of class {other}, expected that of class {label}.", lambda other=other: maps(label=other))
          for other in range(3)],
        ("The pixels are in the wrong order: row after row, as reshape takes them.", lambda: maps().T.reshape(5, 6)),
        ("The noise of the pixels before is left in: each pixel starts with standard deviations that are all 0.",
         lambda: maps(lambda i, j, k, l: any(max(abs(a - k), abs(b - l)) <= radius for a in range(5) for b in range(6)
                                             if (a, b) <= (i, j)))),
        ("The map has a list of values, expected [H, W].", lambda: maps().ravel())])


def _top(z: np.ndarray) -> np.ndarray:
    """Where the highest logit of each image is: 1 there and 0 else, [N, 4]."""
    return np.eye(4)[np.argmax(z, 1)]


def _wrong_noise(run: Callable, x: np.ndarray, place: np.ndarray) -> tuple:
    """Tuples (what is wrong, functions that give such m and s) for `run` of `attack`; place [N, 4] is 1 at the targets."""
    return (
        ("This is the image with the mean of the noise, expected the mean m alone.", lambda: run() + np.stack([x, 0 * x])),
        ("The steps go downwards: the margin of the target has to rise.", partial(run, way=lambda g: -np.sign(g))),
        ("The steps go along the gradient, expected along its sign.", partial(run, way=np.positive)),
        *(("Where a gradient is 0 its sign is 0, and nothing moves there: tf.sign does this.",
           partial(run, way=lambda g, at_zero=at_zero: np.where(g == 0, at_zero, np.sign(g)))) for at_zero in (-1, 1)),
        ("m is not kept between -beta and beta.", partial(run, limit=(np.inf, LOW, HIGH))),
        ("s is not kept between low and high.", partial(run, limit=(BETA, -np.inf, np.inf))),
        ("The limits are applied at the end only: clip after each step.",
         partial(run, limit=(np.inf, -np.inf, np.inf), end=True)),
        ("m is not kept between -beta and beta, nor s between low and high.", partial(run, limit=(np.inf, -np.inf, np.inf))),
        ("m does not move: it gets a step too.", partial(run, rates=(0, RATE))),
        ("s does not move: it gets a step too.", partial(run, rates=(RATE, 0))),
        ("s starts at high, expected at low.", partial(run, start=HIGH)),
        ("The expected logit of the target rises, but the margin is required: the highest other logit is to be subtracted.",
         partial(run, pull=lambda z: place)),
        (("The highest of all logits is subtracted, the target's among them: once it leads, the margin is 0 and nothing moves. "
          "Leave it out."),
         partial(run, pull=lambda z: place - _top(z))),
        ("The mean of the other logits is subtracted, expected the highest of them.",
         partial(run, pull=lambda z: place - (1 - place) / 3)),
        ("The other logits are multiplied by 0, not left out: where all are negative, that 0 is the highest.",
         partial(run, pull=lambda z: place - _top(z * (1 - place)) * (1 - place))),
        ("The target's logit is made smaller, but not small enough: where it leads by far, it still is the highest.",
         *(partial(run, pull=lambda z, less=less: place - _top(z - less * place)) for less in (5, 10, 20, 30))),
        ("The cross-entropy falls, but the margin is required: subtract the highest other logit from the target's.",
         partial(run, pull=lambda z: place - softmax(z.astype(np.float32), axis=1))),  # rounds to 0 where TensorFlow does
        ("One maximum is taken over the whole batch: each image has its own margin, with the maximum over axis 1.",
         *(partial(run, pull=lambda z, n=n: place - n * (z == np.max(z[place == 0]))) for n in (1, len(place)))),
        ("s is kept between 0 and high, expected between low and high.", partial(run, limit=(BETA, 0, HIGH))),
        ("The gradient for s is taken at the new m: both at the same point, then both steps.", partial(run, renewed=True)),
        *(("There is one step too few or too many: steps of them are required.", partial(run, STEPS + n)) for n in (-1, 1)),
        ("s starts at 0, expected at low.", partial(run, start=0.0)),
        ("The step of s goes along its gradient, expected along the sign of it.", partial(run, way_s=np.positive)),
        ("The step of s goes downwards: the margin of the target has to rise.", partial(run, way_s=lambda g: -np.sign(g))),
        ("x + m is clipped to [0, 1]: the image with noise may leave it, and m loses its gradient there.",
         partial(run, box=True)),
        ("m and s are in the wrong order: return m, s.", lambda: run()[::-1]))


@check
def attack(function: Callable) -> None:
    """Task 7: waves in each pixel's mean and std, so that steps go back and limits are left again; the gradient is known."""
    rng, shape = seeded(7), (3, 4, 5, 1)
    x, target = rng.uniform(0, 1, shape).astype(np.float32), rng.integers(0, 4, 3)
    x[:, 0], x[:, 1] = 0, 1  # from there, noise leaves [0, 1]
    a, b = (rng.normal(size=[20, 4]).astype(np.float32) for _ in range(2))
    a[13] = b[13] = 0  # a pixel that changes no logit
    place = np.eye(4)[target]
    # the logits of one image are all negative, and another's target leads by far: the margin still has a gradient there
    lift = (np.array([[-60], [0], [0]]) + 50 * place * [[0], [1], [0]]).astype(np.float32)

    def logits(images: tf.Tensor, stds: tf.Tensor) -> tf.Tensor:
        for name, values in (("The images", images), ("The standard deviations", stds)):
            require(np.shape(values) == shape, f"{name} have shape {list(np.shape(values))}, expected {list(shape)}: pass the "
                    "whole batch in one call.")
        flat, v = (tf.reshape(tf.cast(values, tf.float32), [3, 20]) for values in (images, stds))
        return tf.sin(12 * flat) @ a + tf.cos(20 * v) @ b + lift

    def run(steps=STEPS, pull=lambda z: place - _top(z - 1e9 * place), way=np.sign, rates=(RATE, RATE),
            limit=(BETA, LOW, HIGH), start=LOW, end=False, way_s=None, box=False, renewed=False) -> np.ndarray:
        """m and s in one array; pull gives the derivative of what is raised by the logits."""
        m, s = np.zeros([3, 20]), np.full([3, 20], start)
        for _ in range(steps):
            at = x.reshape(3, 20) + m
            inside = (not box) | ((at >= 0) & (at <= 1))
            at = np.clip(at, 0, 1) if box else at
            c = pull(np.sin(12 * at) @ a + np.cos(20 * s) @ b + lift)
            m = np.clip(m + rates[0] * way(inside * 12 * np.cos(12 * at) * (c @ a.T)), -limit[0], limit[0])
            c = pull(np.sin(12 * (x.reshape(3, 20) + m)) @ a + np.cos(20 * s) @ b + lift) if renewed else c
            s = np.clip(s + rates[1] * (way_s or way)(-20 * np.sin(20 * s) * (c @ b.T)), *limit[1:])
        m, s = (np.clip(m, -BETA, BETA), np.clip(s, LOW, HIGH)) if end else (m, s)
        return np.stack([m, s]).reshape(2, *shape)

    got = results(function, asked(function, logits, tf.constant(x), target, BETA, LOW, HIGH, RATE, STEPS, hints=MOVED), "m", "s")
    mistakes = _wrong_noise(run, x, place)
    if all(np.shape(part) == shape for part in got):  # what explains both at once, before what happens to explain one
        both = np.stack([np.asarray(part, float) for part in got])
        for sentence, *several in () if slips.close(both, run(), 1e-5) else mistakes:
            require(not any(slips.close(both, wrong(), 1e-5) for wrong in several), sentence)
    for part, name in enumerate(("The mean m of the noise", "The standard deviation s of the noise")):
        equal(name, got[part], run()[part], [(sentence, *(lambda wrong=wrong: wrong()[part] for wrong in several))
                                               for sentence, *several in mistakes])

    def margin(images: tf.Tensor, stds: tf.Tensor) -> tf.Tensor:
        """Two logits of one pixel, 0 and one whose derivatives are 2 and -3."""
        return tf.reshape(2 * tf.cast(images, tf.float32) - 3 * tf.cast(stds, tf.float32), [1, 1]) * [[0.0, 1]]

    example = asked(function, margin, tf.constant(0.5, shape=[1, 1, 1, 1]), np.array([1]), 0.1, 0.05, 0.2, 0.08, 2, hints=MOVED)
    equal("m and s of the example", np.ravel(results(function, example, "m", "s")), [0.1, 0.05])
