"""The checks of tasks 1 to 3 of lab 09: the formulas for one and for two units."""
from collections.abc import Callable

import numpy as np
from scipy.special import ndtr

from utils.checks import call, check, equal, inputs, seeded, shaped, slips

NODES, WEIGHTS = np.polynomial.legendre.leggauss(64)
KNOWN = (  # mean x, y, standard deviation x, y, correlation, covariance after the ReLUs (integrated in two dimensions to 15 digits)
    (0, 0, 1, 1, -0.5, -0.104656052569781), (1, -0.5, 1, 2, 0.3, 0.210779087314613), (0.5, 0.25, 1, 1, 0.9, 0.434177619989977),
    (-1, 2, 1.5, 0.5, -0.7, -0.132546336809646), (0.3, -0.2, 0.5, 0.7, 0.999, 0.119433414409934))


def phi(h: np.ndarray) -> np.ndarray:
    return np.exp(-h**2 / 2) / np.sqrt(2 * np.pi)


def _sampled(got, right: np.ndarray) -> tuple[str, Callable]:
    """The mistake of an answer that is within 5 % of the right one, but not equal to it."""
    values = np.asarray(got, np.float64)
    return ("This is close, but not exact. Is it sampled, or a sum over few points? A formula is required.",
            lambda: values if slips.close(values, right, 0.05) else np.nan)


@check
def mean(function: Callable) -> None:
    """Task 1: eight units of different means and standard deviations."""
    rng = seeded(1)
    m, s = rng.normal(scale=1.5, size=8), rng.uniform(0.4, 2.5, 8)
    h = m / s
    P, p = ndtr(h), phi(h)
    right = m * P + s * p
    got = call(function, m, s)
    equal("relu_mean(mean, std)", got, right, [
        ("Phi and phi are swapped: Phi is the probability, phi the density.", lambda: m * p + s * P),
        ("The second term has the variance: it is the standard deviation times phi(h).", lambda: m * P + s**2 * p),
        ("phi and Phi take h = mean / std, not the mean.", lambda: m * ndtr(m) + s * phi(m)),
        ("The mean is divided by the variance: h = mean / std.", lambda: m * ndtr(m / s**2) + s * phi(m / s**2)),
        ("The factor std of the second term is missing: x = mean + std z, and z phi(z) is integrated too.", lambda: m * P + p),
        ("The second term is missing: this is the mean times the probability that X > 0.", lambda: m * P),
        ("The first term is missing: x = mean + std z, and the mean has an integral too.", lambda: s * p),
        ("This is the ReLU of the mean, as if there were no noise.", lambda: np.maximum(m, 0)),
        ("This is the mean of the values above 0 only. Those that the ReLU sets to 0 count too: do not divide by Phi(h).", lambda: m + s * p / P),
        ("Phi has the wrong sign inside: the integral runs from -h to infinity, which has the probability Phi(h).", lambda: m * (1 - P) + s * p),
        ("The second term has the wrong sign: the integral of z phi(z) from -h to infinity is +phi(h).", lambda: m * P - s * p),
        ("This is the mean of |X|: a ReLU sets what is below 0 to 0.", lambda: m * (2 * P - 1) + 2 * s * p),
        ("The density lacks its factor 1 / sqrt(2 pi).", lambda: m * P + s * np.sqrt(2 * np.pi) * p), _sampled(got, right)],
        given={"mean": m, "std": s})
    equal("relu_mean of mean 0 and std 1, the example", call(function, np.zeros(1), np.ones(1)), [0.3989423])


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
    got = call(function, m, s, e)
    equal("relu_variance(mean, std, first)", got, right, [
        ("This is the second moment E[X+^2]: the variance is that minus the square of the mean.", lambda: second),
        ("first is subtracted, expected its square.", lambda: second - e),
        ("The square of the mean before the ReLU is subtracted, expected that of first, the mean after it.", lambda: second - m**2),
        ("Phi and phi are swapped: Phi is the probability, phi the density.", lambda: (m**2 + s**2) * p + m * s * P - e**2),
        ("The second moment lacks the term with phi(h).", lambda: second - m * s * p - e**2),
        ("The second moment's term with phi has the wrong sign: in (mean + std z)^2 the part 2 mean std z gives 2 mean std phi(h), and "
         "std^2 z^2 takes half of it back.", lambda: second - 2 * m * s * p - e**2),
        ("The term 2 mean std phi(h) is there, but the integral of z^2 phi(z) from -h on is Phi(h) - h phi(h), not Phi(h).",
         lambda: second + m * s * p - e**2),
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


def relu_pair(m: np.ndarray, s: np.ndarray, rho: float, h: Callable = np.divide, end: Callable = np.arcsin, cross: float = 2, two: float = 2,
                weight: Callable = lambda rho, sin, cos: rho - sin, half: float = 0.5, one: float = 1, gate: float = 1,
                factor: float = 1 / (2 * np.pi)) -> float:
    """cov(X+, Y+) by Price's theorem twice, with s = sin t; each option changes one thing into a mistake."""
    (hx, hy), t = h(m, s), end(rho) * (NODES + one) * 0.5
    sin, cos = np.sin(t), np.cos(t)
    power = np.exp(-(hx**2 - cross * hx * hy * sin + hy**2) / (two * cos**2))
    integral = factor * np.sum(WEIGHTS * half * end(rho) * weight(rho, sin, cos) * power)
    return s[0] * s[1] * (gate * rho * ndtr(hx) * ndtr(hy) + integral)


@check
def covariance(function: Callable) -> None:
    """Task 3: five of ten known values, other cases with the integral of `relu_pair`."""
    cases = inputs([(np.array(case[:2], float), np.array(case[2:4], float), case[4]) for case in KNOWN], lambda rng: [
        (rng.normal(size=2), rng.uniform(0.5, 2, 2), rho) for rho in (*rng.uniform(-0.95, 0.95, 5), 0.995)])
    right = np.array(inputs([case[5] for case in KNOWN], lambda rng: [relu_pair(*case) for case in cases]))
    got = [call(function, *case) for case in cases]
    shaped("relurelu_pair(mean, std, rho)", got[0], [])

    def of(**changed) -> Callable:
        return lambda: [relu_pair(*case, **changed) for case in cases]

    def without(formula: Callable) -> Callable:
        return lambda: [formula(m, s, rho, m / s) for m, s, rho in cases]

    def after(m: np.ndarray, s: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        first = m * ndtr(m / s) + s * phi(m / s)
        return first, np.sqrt((m**2 + s**2) * ndtr(m / s) + m * s * phi(m / s) - first**2)

    single = of(weight=lambda rho, sin, cos: cos)  # the integral of the density from 0 to rho alone
    equal(f"The covariance for mean, std, rho of {len(cases)} pairs", got, right, [
        ("This is E[X+ Y+]: the integral from correlation 0 gives the covariance already, so add no product of means.",
         without(lambda m, s, rho, h: relu_pair(m, s, rho) + np.prod(after(m, s)[0]))),
        ("The product std_x std_y is missing: the derivative is by the covariance, rho std_x std_y.",
         without(lambda m, s, rho, h: relu_pair(m, s, rho) / np.prod(s))),
        ("This is the correlation of X+ and Y+, expected their covariance.",
         without(lambda m, s, rho, h: relu_pair(m, s, rho) / np.prod(after(m, s)[1]))),
        ("This is the formula for mean 0. For any mean hx and hy are in it.", without(lambda m, s, rho, h: relu_pair(0 * m, s, rho))),
        ("The integral is missing: P starts at Phi(hx) Phi(hy) and grows with the correlation.", of(factor=0)),
        ("The term rho Phi(hx) Phi(hy) is missing: P is that product at correlation 0, not 0.", of(gate=0)),
        ("This is the covariance before the ReLUs.", without(lambda m, s, rho, h: rho * np.prod(s))),
        ("The factor 1 / (2 pi) of the density is missing.", of(factor=1)),
        ("The factor (rho - s) is missing in the integral: P is itself integrated.", single),
        ("P is not integrated: this is std_x std_y times the probability at the last correlation.",
         without(lambda m, s, rho, h: relu_pair(m, s, rho, gate=1 / rho, weight=lambda rho, sin, cos: 1))),
        ("The factor is s - rho, expected rho - s.", of(weight=lambda rho, sin, cos: sin - rho)),
        ("The nodes are for [-1, 1], and t is still in it: map them to the interval from 0 to asin(rho).", of(one=0)),
        ("The weights belong to an interval of length 2: multiply them by half the length of yours.",
         without(lambda m, s, rho, h: relu_pair(m, s, rho, half=1 / np.arcsin(rho)))),
        ("The weights are multiplied by the length of the interval, expected half of it: they belong to [-1, 1].", of(half=1)),
        ("t goes up to asin(rho), not rho: s = sin t.", of(end=float)),
        ("ds = cos t dt cancels the root in the density: here 1 / cos t is left over.", of(weight=lambda rho, sin, cos: (rho - sin) / cos)),
        ("ds = cos t dt cancels the root in the density: here cos t is left over.", of(weight=lambda rho, sin, cos: (rho - sin) * cos)),
        ("In the exponent hx hy has the wrong sign: hx^2 - 2 hx hy sin t + hy^2.", of(cross=-2)),
        ("In the exponent the factor 2 of 2 hx hy sin t is missing.", of(cross=1)),
        ("In the exponent the 2 of 2 cos^2 t is missing.", of(two=1)),
        ("hx and hy are mean / std, not the means.", of(h=lambda m, s: m)), _sampled(got, right)])
