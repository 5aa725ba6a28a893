"""The checks of lab 01: convolution filters, and what they are good for."""
from collections.abc import Callable

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from utils import filters, other_versions_names
from utils.checks import LIBRARIES, attempt, call, check, equal, inputs, require, results, seeded, shaped, written_out

__getattr__ = other_versions_names(__name__)

LIBRARY = LIBRARIES | {"convolve", "correlate", "convolved"}
BRACKETS = "The shape goes into brackets of its own: np.zeros([rows, columns])."
ZEROS = [("as a data type", BRACKETS), ("for zeros() given by name", BRACKETS)]
FLIPPED = ("The rows of the filter are flipped: w[0] is its upper row.",
           "The columns of the filter are flipped: w[:, 0] is its left column.")
CUT_OFF = "The decimals are cut off: the result holds whole numbers. np.zeros without dtype holds floats."
NEVER = np.array(np.nan)  # equals no answer
RAMP = 0.1 * np.tile(np.arange(7.0), [6, 1])  # brighter by 0.1 from each column to the next


def _mistakes(got, x: np.ndarray, w: np.ndarray) -> list[tuple]:
    """What well-known mistakes make of the convolution of x with w, whatever the number of dimensions."""
    shape = attempt(lambda: np.shape(got), "The result is a list whose parts do not make one array, expected numbers.")
    y, other = filters.convolve(x, w), (x.shape, tuple(d + k - 1 for d, k in zip(x.shape, w.shape)))
    return [
        (f"The result has shape {list(shape)}, expected {list(y.shape)}: only positions where the filter fits as a whole, "
         "without padding.", got if shape in other else NEVER),
        (CUT_OFF, lambda: got if np.asarray(got).dtype.kind in "iu" else NEVER),
        ("The filter is flipped: the first weight belongs to the first value of the window.", filters.convolve(x, np.flip(w))),
        *((sentence, filters.convolve(x, np.flip(w, axis))) for axis, sentence in enumerate(FLIPPED) if w.ndim == 2),
        ("Each value is the sum of the window, without the weights.", filters.convolve(x, np.ones_like(w))),
        ("The window does not move: at position i it begins with x[i].", y.flat[0] + 0 * y),
        ("The sum runs on from one position to the next: start the sum again at 0 for each position.",
         np.cumsum(y).reshape(y.shape)),
        ("Each value is only the last product: add the products up.", w.flat[-1] * x[tuple(slice(k - 1, None) for k in w.shape)])]


@check
def convolve_1d(function: Callable) -> None:
    """Task 1: against `filters.convolve`, the example of the statement, whole numbers, and k = d."""
    written_out(function, LIBRARY | {"sliding_window_view"}, "the loops")
    random, w = seeded(1).normal(size=11), np.array([0.5, -1.25, 2.0, 0.75])
    for x, w in ((random, w), (np.array([1, 2, 4, 8]), np.array([1, -1])), (np.array([3, 1, 4, 1, 5, 9]), np.array([0.5, 0.25])),
                 (random[:4], w)):
        y = filters.convolve(x, w)
        first, product = np.arange(len(y)) == 0, w[0] * x[:len(y)]
        got = call(function, x, w, hints=[
            ("IndexError", "convolve_1d reads beyond the end of x: i goes from 0 to d-k, and range(d - k + 1) does that."),
            ("name 'd' is", "d is not defined: write d = len(x) first."),
            ("name 'k' is", "k is not defined: write k = len(w) first."),
            ("broadcast", "A window has another length than w: it is x[i:i + k], and i goes from 0 to d-k.")])
        equal("convolve_1d(x, w)", got, y, [
            ("return stands inside a loop, and ends the function there: it belongs after both loops.",
             lambda: got if np.shape(got) == (1,) else NEVER, y * first, product * first),
            ("Each value is only the first product: return after the loops, and add the products up.", product),
            ("The last weight is never used: j goes from 0 to k-1, and range(k) does that.", filters.convolve(x[:-1], w[:-1])),
            ("The first weight is never used: j starts at 0.", filters.convolve(x[1:], w[1:])),
            ("All weights multiply the same value: w[j] belongs to x[i + j], not to x[i].", w.sum() * x[:len(y)]),
            *_mistakes(got, x, w)], given={"x": x, "w": w})


@check
def convolve_2d(function: Callable) -> None:
    """Task 2: against `filters.convolve`, the example of Dumoulin and Visin, whole numbers and fractions."""
    written_out(function, LIBRARY | {"sliding_window_view"}, "the loops")
    rng = seeded(2)
    for x, w in ((rng.normal(size=[7, 10]), rng.normal(size=[2, 4])), example(), (example()[0], example()[1] / 8)):
        y = filters.convolve(x, w)
        got = call(function, x, w, hints=[
            ("IndexError", "convolve_2d reads or writes beyond the end: i goes from 0 to H-kh, j from 0 to W-kw."),
            ("broadcast", "A window has another shape than w: it is x[i:i + kh, j:j + kw], rows first, with i from 0 to H-kh "
             "and j from 0 to W-kw."),
            ("size 2 is different from 4", "`@` is the matrix product: write `*`, it multiplies value by value."),
            ("not aligned", "np.dot is the matrix product: write `*`, it multiplies value by value."),
            ("name 'H' is", "H and W are not defined: H, W = x.shape."),
            ("name 'kh' is", "kh and kw are not defined: kh, kw = w.shape."),
            ("with a sequence", "The sum is missing: each value of the result is one number."), *ZEROS])
        equal("convolve_2d(x, w)", got, y, [
            ("The last column of w is never used: look at the bound of that loop.", filters.convolve(x[:, :-1], w[:, :-1])),
            ("The last row of w is never used: look at the bound of that loop.", filters.convolve(x[:-1], w[:-1])),
            ("The filter is transposed: w[a, b] belongs to x[i + a, j + b], the row comes first.", filters.convolve(x, w.T)),
            *_mistakes(got, x, w)])


def example() -> tuple[np.ndarray, np.ndarray]:
    """x [5,5] and w [3,3] of Dumoulin and Visin, A guide to convolution arithmetic (2016), figure 1.1."""
    x = [[3, 3, 2, 1, 0], [0, 0, 1, 3, 1], [3, 1, 2, 2, 3], [2, 0, 0, 2, 2], [2, 0, 0, 0, 1]]
    return np.array(x), np.array([[0, 1, 2], [2, 2, 0], [0, 1, 2]])


@check
def convolve(function: Callable) -> None:
    """Task 3: against `filters.convolve` in three, two and one dimension, and the example of the statement."""
    written_out(function, LIBRARY)
    rng = seeded(3)
    drawn = [(rng.normal(size=d), rng.normal(size=k)) for d, k in (([6, 5, 7], [2, 4, 3]), ([7, 10], [2, 4]), ([9], [4]))]
    for x, w in (*drawn, (np.array([1, 2, 4, 8]), np.array([1, -1]))):
        n, name, products = x.ndim, f"convolve in {x.ndim}D", sliding_window_view(x, w.shape) * w
        got = call(function, x, w, hints=[("'range' object cannot be", "axis must be a tuple: put tuple(...) around range(...)."),
                                          ("'list' object cannot be", "axis must be a tuple, in round brackets.")])
        equal(name, got, filters.convolve(x, w), [
            (f"{name} sums over everything: sum over the axes of a window only, the last {n}.", products.sum),
            (f"{name} sums over the positions: sum over the axes of a window, the last {n}.", products.sum(axis=tuple(range(n)))),
            *((f"{name} sums over {m} of the {n} axes of a window: take all of them, w.ndim.",
               products.sum(axis=tuple(range(-m, 0)))) for m in range(1, n)),
            (f"{name} does not sum up: sum over the last {n} axes.", products),
            (f"{name} takes the largest product: take the sum.", products.max(axis=tuple(range(n, 2 * n)))),
            *_mistakes(got, x, w)])


@check
def zero_padded(function: Callable) -> None:
    """Task 4: against `numpy.pad`; the last case is the example of the statement."""
    drawn = seeded(4).uniform(0.1, 1, [4, 6])
    for x, k in ((drawn, (3, 7)), (drawn, (5, 1)), (drawn, (1, 1)), (np.array([[1, 2], [3, 4]]), (3, 1))):
        high, wide = (k[0] - 1) // 2, (k[1] - 1) // 2
        got = call(function, x, np.ones(k), hints=[
            ("integ", "(k-1)/2 must be a whole number: divide with //."),
            ("into shape (4,0)", "y[p:-p] is empty for p = 0 (a filter of one column): end at p + W instead."),
            ("into shape (0,6)", "y[p:-p] is empty for p = 0 (a filter of one row): end at p + H instead."), *ZEROS])
        pads = [
            ("All zeros are below and on the right: half of them belong above and on the left.", [(0, 2 * high), (0, 2 * wide)]),
            ("All zeros are above and on the left: half of them belong below and on the right.", [(2 * high, 0), (2 * wide, 0)]),
            ("Only above and on the left are zeros: pad below and on the right as well.", [(high, 0), (wide, 0)]),
            ("Only below and on the right are zeros: pad above and on the left as well.", [(0, high), (0, wide)]),
            ("There are k-1 zeros on each side, expected (k-1)/2.", [(2 * high,) * 2, (2 * wide,) * 2]),
            ("There are k zeros on each side, expected (k-1)/2.", [(k[0],) * 2, (k[1],) * 2]),
            ("There is one zero too many on each side: (k-1)/2, not (k+1)/2.", [(high + 1,) * 2, (wide + 1,) * 2]),
            ("There is one zero too few on each side: (k-1)/2, not (k-3)/2.", [(max(high - 1, 0),) * 2, (max(wide - 1, 0),) * 2]),
            ("Height and width of the filter are exchanged: w.shape[0] is for above and below.", [(wide, wide), (high, high)]),
            ("The same number of zeros is on all sides: w.shape[1] counts for left and right.", high),
            ("The same number of zeros is on all sides: w.shape[0] counts for above and below.", wide),
            ("np.pad(x, (a, b)) puts a before and b after on both axes: give one pair for each axis, [(above, below), (left, "
             "right)].", (high, wide))]
        name, right = f"zero_padded with a filter of {k[0]}x{k[1]}", [(high, high), (wide, wide)]
        equal(name, got, np.pad(x, right), [
            *((sentence, np.pad(x, pad)) for sentence, pad in pads),
            (CUT_OFF, lambda: got if np.asarray(got).dtype.kind in "iu" else NEVER),
            ("The picture is not padded: return the larger array.", x),
            ("The border is repeated, expected zeros.", np.pad(x, right, mode="edge")),
            ("The picture is mirrored at the border, expected zeros.", np.pad(x, right, mode="reflect"))])


@check
def gaussian(function: Callable) -> None:
    """Task 5, first part: against `filters.gaussian`; the last case is the example of the statement."""
    drawn = inputs(((5, 0.8), (9, 2.0)), lambda rng: ((7, rng.uniform(0.6, 0.9)), (11, rng.uniform(1.7, 2.6))))
    for k, sigma in (*drawn, (3, 1.0)):
        got, name = call(function, k, sigma), f"gaussian({k}, {sigma:.3g})"
        y, x = np.mgrid[:k, :k] - (k - 1) / 2
        square, two = x**2 + y**2, 2 * sigma**2
        bell = np.exp(-square / two)
        exponents = [
            ("has its centre between two pixels: count from -(k-1)/2 to (k-1)/2.", ((x - 0.5)**2 + (y - 0.5)**2) / two),
            ("has its centre in the corner: count from -(k-1)/2 to (k-1)/2.",
             ((x + (k - 1) / 2)**2 + (y + (k - 1) / 2)**2) / two),
            ("is not round: square the distances before you add them.", (x + y)**2 / two),
            ("has the wrong width: the 2 belongs in the denominator, 2 sigma^2.", square / sigma**2),
            ("has the wrong width: sigma must be squared, 2 sigma^2.", square / (2 * sigma)),
            ("has the wrong width: / 2 * sigma**2 divides by 2 and multiplies by sigma**2, write / (2 * sigma**2).",
             square / 2 * sigma**2),
            ("has the wrong width: (2 * sigma)**2 squares the 2 too.", square / (2 * sigma)**2),
            ("has r in the exponent, expected r^2: r is not squared.", np.sqrt(square) / two),
            ("adds the distances of row and column: r is not squared, r^2 is the sum of their squares.", (x + y) / two),
            ("grows outwards: the minus sign in the exponent is missing.", -square / two)]
        equal(name, got, filters.gaussian(k, sigma, dims=2), [
            (f"{name} sums to {bell.sum():.3g}, expected 1: divide by its sum.", bell),
            (f"{name} sums to {bell.sum() / (np.pi * two):.5g}, expected 1: the factor 1/(2 pi sigma^2) normalises the "
             "continuous Gaussian on the whole plane. Divide by the sum.", bell / (np.pi * two)),
            (f"{name} is divided by the number of its values, expected by its sum.", bell / bell.size),
            (f"{name} is divided by the sum of each row, expected by its sum.", bell / bell.sum(axis=1, keepdims=True)),
            (f"{name} has one dimension, expected k rows and k columns.", filters.gaussian(k, sigma)),
            *((f"{name} {sentence}", np.exp(-e) / np.exp(-e).sum()) for sentence, e in exponents)])


@check
def best_sigma(function: Callable) -> None:
    """Task 5, second part: four blurred pictures with known mean square errors, and the example of the statement."""
    rng = seeded(5)
    clean, signs = rng.random([6, 8]), rng.choice([-1.0, 1.0], [4, 6, 8])
    # the first is never the best
    size = inputs(np.array([0.2, 0.05, 0.1, 0.4]), lambda rng: np.append(0.25, rng.permutation([0.08, 0.15, 0.35])))
    errors = signs * size[:, None, None]
    errors[:, ::2] = 0
    sigmas, best, worst = [0.5, 1.0, 2.0, 4.0], size.argmin(), size.argmax()
    sigma, psnr = results(function, call(function, clean, clean + errors, sigmas), "sigma", "psnr")
    mse = size[best]**2 / 2
    equal("The sigma", sigma, sigmas[best], [
        ("This is the worst sigma: a large PSNR (a small error) is good.", sigmas[worst]),
        ("This is the PSNR: return sigma first.", -10 * np.log10(mse)),
        ("This is the first sigma: compare all of them.", sigmas[0])])
    equal("The PSNR", psnr, -10 * np.log10(mse), [
        ("The PSNR is the mean squared error: take 10 log10 of 1 / MSE.", mse),
        ("The PSNR is that of the worst picture, expected that of the best.", -10 * np.log10(size[worst]**2 / 2)),
        ("The PSNR is the mean of all pictures, expected that of the best.", np.mean(-10 * np.log10(size**2 / 2))),
        ("The error is not squared: MSE is the mean of the squares.", -10 * np.log10(size[best] / 2)),
        ("The errors are summed, expected their mean.", -10 * np.log10(mse * clean.size)),
        ("The factor 10 is missing.", -np.log10(mse))])
    sigma, psnr = results(function, call(function, np.zeros([1, 2]), np.array([[[0.3, 0.3]], [[0.1, 0.1]]]), [0.0, 3.0]),
                          "sigma", "psnr")
    equal("The sigma of two pictures", sigma, 3.0, [("This is the index, expected the sigma itself.", 1)])
    equal("The PSNR of the example, an error of 0.1 in each pixel,", psnr, 20)


@check
def normalised_match(function: Callable) -> None:
    """Task 6: against `filters.normalised_match`, also on flat, nearly flat and changed pictures, and the example."""
    written_out(function, {"match_template", "matchTemplate"}, "the formula")
    rng = seeded(6)
    x, pattern = rng.random([9, 11]), rng.random([3, 4])
    windows = sliding_window_view(x, pattern.shape)
    spread, lengths = np.sqrt(windows.var((-2, -1)) * 12), np.sqrt(filters.convolve(x**2, np.ones_like(pattern)))
    p, one, long = pattern - pattern.mean(), np.sqrt(pattern.var() * 12), np.linalg.norm(pattern)
    around = np.sqrt(filters.convolve((x - x.mean())**2, np.ones_like(p)))
    plain, products = filters.convolve(x, pattern), filters.convolve(x, p)
    right = products / (spread * one)
    equal("normalised_match(x, pattern)", call(function, x, pattern, hints=ZEROS), right, [
        ("The means are not subtracted: take the mean off the window and off the pattern.", plain / (lengths * long)),
        ("The mean of the pattern is not subtracted.", products / (spread * long)),
        ("The mean of the window is not subtracted.", products / (lengths * one)),
        ("The mean of the whole picture is subtracted: each window has its own mean.", products / (around * one)),
        ("The means are not subtracted under the root: square a - mean and p - mean.", products / (lengths * long)),
        ("This is the plain match: subtract the means, and divide by the root of the two sums of squares.", plain),
        ("The sum is not divided: divide by the root of the two sums of squares.", products),
        ("The root is missing: divide by the square root of the product of the two sums of squares.", right / (spread * one)),
        ("The values are too large: np.std divides by the number of pixels, so the sum in the numerator must be a mean too.",
         right * 12),
        ("The sum is divided by the norm of the pattern only: divide by the norm of the window too.", products / one),
        ("The sum is divided by the norm of the window only: divide by the norm of the pattern too.", products / spread),
        ("The two sums of squares are added: multiply them.", products / np.sqrt(spread**2 + one**2)),
        ("The filter is flipped: compare the pattern as it is.", filters.normalised_match(x, pattern[::-1, ::-1])),
        ("r may be negative: do not take its absolute value.", np.abs(right))])
    x = np.pad(x, [(0, 0), (0, 6)], constant_values=0.25)
    right, got = filters.normalised_match(x, pattern), call(function, x, pattern)
    require(bool(np.isfinite(np.asarray(got, float)).all()), "Where the window is flat 0 is divided by 0: give 0 there.")
    equal("normalised_match on a picture with a flat part", got, right)
    equal("normalised_match after a change of brightness", call(function, 0.5 * x + 0.3, 2 * pattern - 0.1), right)
    x = rng.random([6, 8])
    right = filters.normalised_match(x, pattern)
    equal("normalised_match where the sums of squares are about 1e-6", call(function, 0.25 + 1e-3 * x, 0.01 * pattern), right, [
        ("A window with a sum of squares of 1e-6 gets 0: only below 1e-9 it counts as flat.", 0 * right)])
    equal("normalised_match where the sums of squares are about 1e-11", call(function, 0.25 + 3e-6 * x, pattern), 0 * right, [
        ("A window with a sum of squares of 1e-11 gets an r: below 1e-9 it counts as flat, and r is 0.", right)])
    x, pattern = np.array([[0.5, 0.7, 0.5]]), np.array([[0.0, 1.0]])
    equal("normalised_match(x, pattern)", call(function, x, pattern), [[1, -1]], given={"x": x, "pattern": pattern})


@check
def edges(function: Callable) -> None:
    """Task 7: against `filters.gradient`, the direction on the circle, and the example of the statement."""
    x = seeded(7).random([8, 10])
    magnitude, direction = filters.gradient(x)
    gx, gy = magnitude * np.cos(direction), magnitude * np.sin(direction)
    got = results(function, call(function, x), "magnitude", "direction")
    equal("The magnitude", got[0], magnitude, [
        ("The two results are exchanged: return magnitude first, then direction.", direction),
        ("The magnitude is |gx| + |gy|, expected sqrt(gx^2 + gy^2).", np.abs(gx) + np.abs(gy)),
        ("The magnitude is the root of |gx + gy|: square gx and gy, then add, then take the root.", np.sqrt(np.abs(gx + gy))),
        ("The magnitude is only |gx|: both directions count.", np.abs(gx)),
        ("The magnitude is only |gy|: both directions count.", np.abs(gy)),
        ("SOBEL is divided by 8 already: take it as it is.", magnitude / 8)])
    shaped("The direction", got[1], direction.shape)

    def near(angle: np.ndarray) -> np.ndarray:
        """The same angle, between 1 below `direction` and a turn above that."""
        return direction + (np.asarray(angle, float) - direction + 1) % (2 * np.pi) - 1

    equal("The direction", near(got[1]), direction, [
        ("The direction is in degrees, expected radians.", near(np.degrees(direction))),
        ("The direction covers only half of the circle: arctan cannot tell bright-to-dark from dark-to-bright, np.arctan2(gy, "
         "gx) can.", near(np.arctan(gy / gx))),
        ("gx and gy are swapped: np.arctan2 wants gy first; gx comes from SOBEL as it is, gy from its transpose.",
         near(np.arctan2(gx, gy))),
        ("The direction points from bright to dark: it must point to where the picture gets brighter.",
         near(np.arctan2(-gy, -gx))),
        ("The horizontal direction is reversed: 0 is to the right, where it gets brighter.", near(np.arctan2(gy, -gx))),
        ("The vertical direction is reversed: rows grow downwards, pi/2 is down.", near(np.arctan2(-gy, gx)))])
    magnitude, direction = results(function, call(function, RAMP), "magnitude", "direction")
    equal("The magnitude of the example", magnitude, np.full([4, 5], 0.1))
    equal("The cosine of the direction of the example", np.cos(direction), np.ones([4, 5]))


@check
def long_verticals(function: Callable) -> None:
    """Task 8, first part: against its definition, with `filters.convolve`, and the example of the statement."""
    x = seeded(8).random([14, 10])
    sobel, column, longer = filters.SOBEL_X / 8, filters.uniform(5)[:, None], filters.uniform(9)[:, None]
    e, down = filters.convolve(x, sobel), filters.convolve(x, sobel.T)
    v = filters.convolve(e, column)

    def feature(e: np.ndarray, w: np.ndarray) -> float:
        return np.abs(filters.convolve(e, w)).mean()

    got = call(function, x, 5,
               hints=[("same dimensionality", "A convolution wants arrays with as many dimensions: the column is [length, 1].")])
    equal("long_verticals(x, 5)", got, feature(e, column), [
        ("The absolute value is taken too early: the edges must keep their signs until the second filter.",
         feature(np.abs(e), column)),
        ("The absolute value is missing: positive and negative responses cancel in the mean.", v.mean),
        ("The absolute value is taken after the mean: take it before.", abs(v.mean())),
        ("The column adds up instead of averaging: its weights must be 1 / length.", 5 * np.abs(v).mean()),
        ("The responses are summed, expected their mean.", np.abs(v).sum),
        ("This is the largest response, expected their mean.", np.abs(v).max),
        ("The mean is missing: the feature is one number.", np.abs(v)),
        ("These are the plain edges: the long column is missing.", np.abs(e).mean()),
        ("Your second filter is a row: it must be a column, of shape [length, 1].", feature(e, column.T)),
        ("The edges are horizontal: use SOBEL as it is, not its transpose.", feature(down, column)),
        ("Both filters are transposed: take SOBEL as it is, and a column of shape [length, 1].", feature(down, column.T)),
        ("The edges are missing: this is the blurred picture.", feature(x, column)),
        ("SOBEL is divided by 8 already: take it as it is.", np.abs(v).mean() / 8),
        ("The responses are squared, expected their absolute value.", (v**2).mean())], tolerance=1e-6)
    equal("long_verticals(x, 9)", call(function, x, 9), feature(e, longer),
          [("The length is always 5: use the argument.", np.abs(v).mean)])
    equal("long_verticals of the example", call(function, RAMP, 3), 0.1)


@check
def line(function: Callable) -> None:
    """Task 8, second part: against the pseudoinverse, on points that no line separates, and the example of the statement."""
    labels = np.repeat([-1.0, 1.0], 15)
    points = seeded(9).normal(size=[30, 2]) + labels[:, None] * [1.0, 0.4] + [3.0, -1.0]
    with_one, without_one = np.column_stack([points, np.ones(30)]), np.linalg.pinv(points) @ labels
    got, best = call(function, points, labels), np.linalg.pinv(with_one) @ labels
    require(not (isinstance(got, tuple) and len(got) == 4), "np.linalg.lstsq gives four things: return the first, the weights.")
    equal("line(features, labels)", got, best, [
        ("The constant is missing: a third column of ones gives b.", without_one),
        ("b is 0: a third column of ones gives it.", np.append(without_one, 0)),
        ("The constant comes first: put the column of ones last, the result is (w1, w2, b).", np.roll(best, 1)),
        ("The labels are made 0 and 1: use them as they are, -1 and 1.", np.linalg.pinv(with_one) @ (labels + 1) / 2),
        ("These are the mean products of features and labels: solve the least squares, np.linalg.lstsq.",
         with_one.T @ labels / 30)])
    features, labels = np.array([[0, 0], [1, 0], [0, 1]]), np.array([-1, 1, -1])
    equal("line(features, labels)", call(function, features, labels), [2, 0, -1], given={"features": features, "labels": labels})
