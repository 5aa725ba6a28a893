"""The checks of lab 01, and its picture, `own_picture`.

Each check raises `checks.CheckFailed` with one sentence, or gives nothing.
"""
from collections.abc import Callable
from copy import deepcopy

import numpy as np

from utils import checks, filters
from utils.data import pictures

SMALLEST = 200  # pixels: the lab looks at every third one, and for lines that are 61 pixels long
LIBRARY = {"convolve", "correlate", "convolved", "scipy"}
HINTS = {  # words in an exception: what they mean, in any task
    "as a data type": "The shape goes into brackets of its own: np.zeros([rows, columns]).",
    "for zeros() given by name": "The shape goes into brackets of its own: np.zeros([rows, columns], dtype=...)."}


def own_picture(file: str) -> np.ndarray:
    """The picture of a student, [H,W,3] in [0,1]; the built-in one for "", and, with a sentence, in place of a bad file."""
    try:
        picture = pictures.picture(str(file).strip() or "china")
        if min(picture.shape[:2]) < SMALLEST:
            raise ValueError(f"{str(file)!r} has {picture.shape[0]} rows and {picture.shape[1]} columns (the longer "
                             f"side is reduced to 640): at least {SMALLEST} rows and columns are needed.")
        if np.ptp(picture) < 0.1:
            raise ValueError(f"{str(file)!r} has only one brightness: a filter finds nothing in it.")
        return picture
    except ValueError as reason:
        print(f"{reason} Until then the built-in picture is used.")
        return pictures.picture("china")


# convolution ----------------------------------------------------------------------------------------------------------

@checks.check
def convolve_1d(function: Callable) -> None:
    """Task 1: against `filters.convolve`."""
    checks.written_out(function, LIBRARY | {"sliding_window_view"}, "the loops")
    rng = checks.generator(1)
    x, w = rng.normal(size=11), np.array([0.5, -1.25, 2.0, 0.75])
    y = filters.convolve(x, w)
    got = _explained(function, {
        "IndexError": "convolve_1d reads beyond the end of x: i goes from 0 to d-k, and range(d - k + 1) does that.",
        "name 'd' is not defined": "d is not a name yet: write d = len(x) before you use it.",
        "name 'k' is not defined": "k is not a name yet: write k = len(w) before you use it.",
        "broadcast": "A window has another length than w: it is x[i:i + k], and i goes from 0 to d-k."}, x, w)
    early = "return stands inside a loop, and ends the function there: it belongs after both loops."
    checks.require(np.shape(got) != (1,), early)
    _shape("convolve_1d(x, w)", got, x, w)
    _not_cut_off(got)
    checks.same("convolve_1d(x, w)", got, y, _mistakes(x, w) | {
        early: y * (np.arange(8) == 0),
        early.replace("a loop", "the inner loop"): w[0] * x[:8] * (np.arange(8) == 0),
        "Each value still holds the ones before it: start the sum again at 0 for each i.": np.cumsum(y),
        "Each value is only the last product: add the products up.": w[-1] * x[3:],
        "Each value is only the first product: return after the loops, and add the products up.":
            w[0] * x[:8],
        "The last weight is never used: j goes from 0 to k-1, and range(k) does that.":
            filters.convolve(x[:-1], w[:-1]),
        "The first weight is never used: j starts at 0.": filters.convolve(x[1:], w[1:])})
    whole = np.array([3, 1, 4, 1, 5, 9])
    half = filters.convolve(whole, [0.5, 0.25])
    checks.same("convolve_1d of whole numbers", _untouched(function, whole, np.array([0.5, 0.25])), half, {
        "The decimals are cut off: y has the type of x, whole numbers here. np.zeros(n) holds floats.":
            np.trunc(half)})
    checks.same("convolve_1d with k = d", _untouched(function, whole, whole * 1.0), [133.0])


@checks.check
def convolve_2d(function: Callable) -> None:
    """Task 2: the example of Dumoulin and Visin, then against `filters.convolve`."""
    checks.written_out(function, LIBRARY | {"sliding_window_view"}, "the loops")
    rng = checks.generator(2)
    x, w = rng.normal(size=[7, 10]), rng.normal(size=[2, 4])
    y = filters.convolve(x, w)
    got = _explained(function, {
        "IndexError": "convolve_2d reads or writes beyond the end: i goes from 0 to H-kh, j from 0 to W-kw.",
        "broadcast": "A window has another shape than w: it is x[i:i + kh, j:j + kw], rows first, with i from 0 to "
                     "H-kh and j from 0 to W-kw.",
        "size 2 is different from 4": "`@` is the matrix product: write `*`, it multiplies value by value.",
        "not aligned": "np.dot is the matrix product: write `*`, it multiplies value by value.",
        "name 'H' is not defined": "H and W are not names yet: write H, W = x.shape before you use them.",
        "name 'kh' is not defined": "kh and kw are not names yet: write kh, kw = w.shape before you use them.",
        "with a sequence": "The sum is missing: each value of the result is one number."}, x, w)
    _shape("convolve_2d(x, w)", got, x, w)
    _not_cut_off(got)
    mistakes = _mistakes(x, w) | {
        "Each value still holds the ones before it: start the sum again at 0 for each position.":
            np.cumsum(y).reshape(y.shape),
        "Each value is only the last product: add the products up.": w[-1, -1] * x[1:, 3:],
        "The last column of w is never used: look at the bound of that loop.":
            filters.convolve(x[:, :-1], w[:, :-1]),
        "The last row of w is never used: look at the bound of that loop.": filters.convolve(x[:-1], w[:-1])}
    checks.same("convolve_2d(x, w)", got, y, mistakes)
    x, w = example()
    y = filters.convolve(x, w)
    checks.same("convolve_2d on the example", _untouched(function, x, w), y, {
        "The filter is transposed: w[a, b] belongs to x[i + a, j + b], the row comes first.":
            filters.convolve(x, w.T)})
    checks.same("convolve_2d of whole numbers and halves", _untouched(function, x, w / 8), y / 8, {
        "The decimals are cut off: y has the type of x, whole numbers here. np.zeros holds floats.":
            np.trunc(y / 8)})


@checks.check
def example() -> tuple[np.ndarray, np.ndarray]:
    """x [5,5] and w [3,3] of Dumoulin and Visin, A guide to convolution arithmetic (2016), figure 1.1."""
    x = [[3, 3, 2, 1, 0], [0, 0, 1, 3, 1], [3, 1, 2, 2, 3], [2, 0, 0, 2, 2], [2, 0, 0, 0, 1]]
    return np.array(x), np.array([[0, 1, 2], [2, 2, 0], [0, 1, 2]])


@checks.check
def convolve(function: Callable) -> None:
    """Task 3: against `filters.convolve` in one, two and three dimensions."""
    checks.written_out(function, LIBRARY, "it")
    rng = checks.generator(3)
    for d, k in (([6, 5, 7], [2, 4, 3]), ([7, 10], [2, 4]), ([9], [4])):
        x, w = rng.normal(size=d), rng.normal(size=k)
        n, windows = len(d), np.lib.stride_tricks.sliding_window_view(x, k)
        got, name = _explained(function, {
            "'range' object cannot be": "axis is to be a tuple: put tuple(...) around range(...).",
            "'list' object cannot be": "axis is to be a tuple, in round brackets."}, x, w), f"convolve in {len(d)}D"
        sums = {f"{name} sums over everything: sum over the axes of a window only, the last {n}.": tuple(range(2 * n)),
                f"{name} sums over the positions: sum over the axes of a window, the last {n}.":
                    tuple(range(n))}
        for axes in ((-2, -1), (-1,)):
            if len(axes) < n:
                sums[f"{name} sums over {len(axes)} of the {n} axes of a window: take as many as w has, "
                     f"w.ndim."] = axes
        mistakes = {sentence: np.sum(windows * w, axis=axes) for sentence, axes in sums.items()}
        mistakes[f"{name} does not sum up: sum over the last {n} axes."] = windows * w
        mistakes[f"{name} gives the sum of each window without the weights."] = filters.convolve(x, np.ones(k))
        for sentence, wrong in mistakes.items():
            checks.require(not _equal(got, wrong), sentence)
        _shape(name, got, x, w)
        checks.same(name, got, filters.convolve(x, w), _mistakes(x, w))


@checks.check
def zero_padded(function: Callable) -> None:
    """Task 4: against `numpy.pad`."""
    x = checks.generator(4).uniform(0.1, 1, [4, 6])
    for k in ((3, 7), (5, 1), (1, 1)):
        high, wide = (k[0] - 1) // 2, (k[1] - 1) // 2
        got = _explained(function, {
            "integ": "(k-1)/2 must be a whole number: divide with //.",
            "into shape (4,0)": "y[p:-p] is empty for p = 0 (a filter of one column): end at p + W instead.",
            "into shape (0,6)": "y[p:-p] is empty for p = 0 (a filter of one row): end at p + H instead."},
            x, np.ones(k))
        _not_cut_off(got)
        name = f"zero_padded with a filter of {k[0]}x{k[1]}"
        mistakes = {
            "All zeros are below and on the right: half of them belong above and on the left.":
                np.pad(x, [(0, 2 * high), (0, 2 * wide)]),
            "All zeros are above and on the left: half of them belong below and on the right.":
                np.pad(x, [(2 * high, 0), (2 * wide, 0)]),
            "Only above and on the left are zeros: pad below and on the right as well.":
                np.pad(x, [(high, 0), (wide, 0)]),
            "Only below and on the right are zeros: pad above and on the left as well.":
                np.pad(x, [(0, high), (0, wide)]),
            "There are k-1 zeros on each side, expected (k-1)/2.":
                np.pad(x, [(2 * high,) * 2, (2 * wide,) * 2]),
            "There are k zeros on each side, expected (k-1)/2.": np.pad(x, [(k[0],) * 2, (k[1],) * 2]),
            "There is one zero too many on each side: (k-1)/2, not (k+1)/2.":
                np.pad(x, [(high + 1,) * 2, (wide + 1,) * 2]),
            "Height and width of the filter are exchanged: w.shape[0] is for above and below.":
                np.pad(x, [(wide, wide), (high, high)]),
            "The same number of zeros is on all sides: w.shape[1] counts for left and right.":
                np.pad(x, high),
            "The same number of zeros stands on all sides: w.shape[0] counts for above and below.":
                np.pad(x, wide),
            "np.pad(x, (a, b)) puts a before and b after on both axes: give one pair for each axis, "
            "[(above, below), (left, right)].": np.pad(x, (high, wide)),
            "The border is repeated, expected zeros.": np.pad(x, [(high, high), (wide, wide)], mode="edge"),
            "The picture is mirrored at the border, expected zeros.":
                np.pad(x, [(high, high), (wide, wide)], mode="reflect")}
        checks.same(name, got, np.pad(x, [(high, high), (wide, wide)]), mistakes)
    whole = np.array([[7]])
    around = [[0, 0, 0], [0, 7, 0], [0, 0, 0]]
    checks.same("zero_padded of one pixel", _untouched(function, whole, np.ones([3, 3])), around)


# denoising, matching, edges -------------------------------------------------------------------------------------------

@checks.check
def gaussian(function: Callable) -> None:
    """Task 5, first part: against `filters.gaussian`."""
    for k, sigma in checks.inputs(((5, 0.8), (9, 2.0)), lambda rng: ((7, rng.uniform(0.6, 0.9)), (11, rng.uniform(1.7, 2.6)))):
        got, name = _untouched(function, k, sigma), f"gaussian({k}, {sigma:.3g})"
        y, x = np.mgrid[:k, :k] - (k - 1) / 2
        bell = np.exp(-(x**2 + y**2) / (2 * sigma**2))
        checks.same(name, got, filters.gaussian(k, sigma, dims=2), {
            f"{name} sums to {bell.sum():.3g}, expected 1: divide by its sum.": bell,
            f"{name} sums to {bell.sum() / (2 * np.pi * sigma**2):.5g}, expected 1: the factor 1/(2 pi sigma^2) is for "
            f"an endless grid, divide by the sum instead.": bell / (2 * np.pi * sigma**2),
            f"{name} is divided by the number of its values, expected by its sum.": bell / bell.size,
            f"{name} has one dimension, expected k rows and k columns.": filters.gaussian(k, sigma),
            f"{name} has its centre between two pixels: count from -(k-1)/2 to (k-1)/2.":
                _bell(k, sigma, centre=k / 2),
            f"{name} has its centre in the corner: count from -(k-1)/2 to (k-1)/2.":
                _bell(k, sigma, centre=0),
            f"{name} is not round: square the distances before you add them.":
                _bell(k, sigma, circular=False),
            f"{name} has the wrong width: the 2 belongs below the fraction bar, 2 sigma^2.":
                _bell(k, sigma / np.sqrt(2)),
            f"{name} has the wrong width: sigma is squared.": _bell(k, np.sqrt(sigma)),
            f"{name} has the wrong width: / 2 * sigma**2 divides by 2 and multiplies with sigma**2, write "
            f"/ (2 * sigma**2).": _bell(k, 1 / sigma),
            f"{name} has r in the exponent, expected r^2: r is not squared.":
                _summing_to_1(np.hypot(x, y) / (2 * sigma**2)),
            f"{name} adds the distances of row and column: r is not squared, r^2 is the sum of their squares.":
                _summing_to_1((x + y) / (2 * sigma**2)),
            f"{name} grows outwards: the exponent is negative.": _bell(k, 1j * sigma)})


def _bell(k: int, sigma: complex, centre: float | None = None, circular: bool = True) -> np.ndarray:
    """A Gaussian filter with a mistake in it."""
    y, x = np.mgrid[:k, :k] - ((k - 1) / 2 if centre is None else centre)
    return _summing_to_1(((x**2 + y**2 if circular else (x + y)**2) / (2 * sigma**2)).real)


def _summing_to_1(exponent: np.ndarray) -> np.ndarray:
    w = np.exp(-exponent)
    return w / w.sum()


@checks.check
def best_sigma(function: Callable) -> None:
    """Task 5, second part: four blurred pictures with known mean square errors."""
    rng = checks.generator(5)
    clean, signs = rng.random([6, 8]), rng.choice([-1.0, 1.0], [4, 6, 8])
    size = checks.inputs(np.array([0.2, 0.05, 0.1, 0.4]),  # the first one is never the best
                         lambda rng: np.append(0.25, rng.permutation([0.08, 0.15, 0.35])))
    errors = signs * size[:, None, None]
    errors[:, ::2] = 0
    sigmas, blurred, best, worst = [0.5, 1.0, 2.0, 4.0], clean + errors, size.argmin(), size.argmax()
    got = _untouched(function, clean, blurred, sigmas)
    checks.require(isinstance(got, (tuple, list, np.ndarray)) and np.shape(got) == (2,),
                   "best_sigma gives one thing, expected two: return sigma, psnr.")
    sigma, psnr = (float(value) for value in got)
    mse = size[best]**2 / 2
    checks.same("The sigma", sigma, sigmas[best], {
        "This is the worst sigma: a large PSNR (a small error) is good.": sigmas[worst],
        "This is the PSNR: return sigma first.": -10 * np.log10(mse),
        "This is the first sigma: compare all of them.": sigmas[0]})
    checks.same("The PSNR", psnr, -10 * np.log10(mse), {
        "The PSNR is the mean square error: take 10 log10 of 1 / MSE.": mse,
        "The PSNR has the wrong sign: 1 / MSE, or a minus before the logarithm.": 10 * np.log10(mse),
        "The PSNR has the natural logarithm, expected the one to base 10, np.log10.": -10 * np.log(mse),
        "The PSNR is twice too large: 10 times the logarithm of 1 / MSE.": -20 * np.log10(mse),
        "The error is not squared: MSE is the mean of the squares.": -10 * np.log10(size[best] / 2),
        "The errors are summed, expected their mean.": -10 * np.log10(mse * clean.size),
        "The factor 10 is missing.": -np.log10(mse)})
    first = checks.call(function, clean, clean + errors[[best, worst]], [0.7, 3.0])
    checks.same("The sigma of two pictures", float(first[0]), 0.7, {
        "This is the index, expected the sigma itself.": 0.0})


@checks.check
def normalised_match(function: Callable) -> None:
    """Task 6: against `filters.normalised_match`, on a picture with a flat corner."""
    checks.written_out(function, {"match_template", "matchTemplate"}, "the formula")
    rng = checks.generator(6)
    x, pattern = rng.random([9, 11]), rng.random([3, 4])
    windows = np.lib.stride_tricks.sliding_window_view(x, pattern.shape)
    means, spread = windows.mean((-2, -1)), np.sqrt(windows.var((-2, -1)) * pattern.size)
    p, one = pattern - pattern.mean(), np.sqrt(pattern.var() * pattern.size)
    products, lengths = filters.convolve(x, pattern), np.sqrt(filters.convolve(x**2, np.ones_like(pattern)))
    right = filters.convolve(x, p) / (spread * one)
    mistakes = {
        "The means are not subtracted: take the mean off the window and off the pattern.":
            products / (lengths * np.linalg.norm(pattern)),
        "The mean of the pattern is not subtracted.":
            filters.convolve(x, p) / (spread * np.linalg.norm(pattern)),
        "The mean of the window is not subtracted.": filters.convolve(x, p) / (lengths * one),
        "The mean of the whole picture is subtracted: each window has its own mean.":
            filters.convolve(x - x.mean(), p) / (np.sqrt(filters.convolve((x - x.mean())**2, np.ones_like(p))) * one),
        "This is the plain match: subtract the means, and divide by the root of the two sums of squares.":
            products,
        "The sum is not divided: divide by the root of the two sums of squares.": filters.convolve(x, p),
        "The root is missing: divide by the square root of the product of the two sums of squares.":
            right / (spread * one),
        "The values are too large: np.std divides by the number of pixels, so the sum above must be a mean too.":
            right * pattern.size,
        "The sum is only divided by the length of the pattern: the window has one too.":
            filters.convolve(x, p) / one,
        "The sum is only divided by the length of the window: the pattern has one too.":
            filters.convolve(x, p) / spread,
        "The filter is flipped: compare the pattern as it is.":
            filters.normalised_match(x, pattern[::-1, ::-1]),
        "r may be negative: do not take its absolute value.": np.abs(right)}
    got = _untouched(function, x, pattern)
    _shape("normalised_match(x, pattern)", got, x, pattern)
    checks.same("normalised_match(x, pattern)", got, filters.normalised_match(x, pattern), mistakes)
    x = np.pad(x, [(0, 0), (0, 6)], constant_values=0.25)
    with np.errstate(all="ignore"):
        got = _untouched(function, x, pattern)
    checks.require(bool(np.isfinite(np.asarray(got, float)).all()),
                   "Where the window is flat 0 is divided by 0: give 0 there.")
    checks.same("normalised_match on a picture with a flat part", got, filters.normalised_match(x, pattern))
    got = checks.call(function, 0.5 * x + 0.3, 2 * pattern - 0.1)
    checks.same("normalised_match after a change of brightness", got, filters.normalised_match(x, pattern))
    x = rng.random([6, 8])
    got = checks.call(function, 0.25 + 1e-3 * x, 0.01 * pattern)  # sums of squares of the windows about 1e-6
    right = filters.normalised_match(x, pattern)
    checks.same("normalised_match where the contrast is low", got, right, {
        "A window with a sum of squares of 1e-6 gets 0: only below 1e-9 it counts as flat.": np.zeros_like(right)})
    got = checks.call(function, 0.25 + 3e-6 * x, pattern)  # about 1e-11
    checks.same("normalised_match where the sum of squares is 1e-11", got, np.zeros_like(right), {
        "A window with a sum of squares of 1e-11 gets an r: below 1e-9 it counts as flat, and r is 0.": right})


@checks.check
def edges(function: Callable) -> None:
    """Task 7: against `filters.gradient`; the direction is compared on the circle."""
    x = checks.generator(7).random([8, 10])
    magnitude, direction = filters.gradient(x)
    gx, gy = magnitude * np.cos(direction), magnitude * np.sin(direction)
    got = _untouched(function, x)
    checks.require(isinstance(got, tuple) and len(got) == 2,
                   "edges gives one thing, expected two: return two arrays, separated by a comma, the magnitude first.")
    checks.require(not (_equal(got[0], direction) and _equal(got[1], magnitude)),
                   "The two results are exchanged: return magnitude first, then direction.")
    checks.same("The magnitude", got[0], magnitude, {
        "The root is missing: sqrt(gx^2 + gy^2).": magnitude**2,
        "The magnitude is |gx| + |gy|, expected sqrt(gx^2 + gy^2).": np.abs(gx) + np.abs(gy),
        "The magnitude is only |gx|: both directions count.": np.abs(gx),
        "The magnitude is only |gy|: both directions count.": np.abs(gy),
        "The magnitude is 8 times too large: SOBEL is divided by 8 already, do not multiply.": 8 * magnitude,
        "The magnitude is 8 times too small: SOBEL is divided by 8 already.": magnitude / 8})
    turned = np.asarray(got[1], float)
    checks.require(turned.shape == direction.shape, f"The direction has shape {list(turned.shape)}, "
                                                    f"expected {list(direction.shape)}.")
    for sentence, wrong in {
            "The direction is in degrees, expected radians.": np.degrees(direction),
            "The direction knows only half of the circle: arctan cannot tell bright-to-dark from dark-to-bright, "
            "np.arctan2(gy, gx) can.": np.arctan(gy / gx),
            "The direction is exchanged: np.arctan2 wants gy first, and gx is SOBEL as it is, gy its transpose.":
                np.arctan2(gx, gy),
            "The direction points from bright to dark, expected to where it gets brighter.":
                np.arctan2(-gy, -gx),
            "The vertical direction is reversed: rows grow downwards, pi/2 is down.":
                np.arctan2(-gy, gx)}.items():
        checks.require(not _equal(turned, wrong), sentence)
    checks.same("The direction (its cosine)", np.cos(turned), np.cos(direction))
    checks.same("The direction (its sine)", np.sin(turned), np.sin(direction))


# the town and the landscape -------------------------------------------------------------------------------------------

@checks.check
def long_verticals(function: Callable) -> None:
    """Task 8, first part: against its definition, with `filters.convolve`."""
    x, length = checks.generator(8).random([14, 10]), 5
    sobel, column = filters.SOBEL_X / 8, filters.uniform(length)[:, None]
    e, down = filters.convolve(x, sobel), filters.convolve(x, sobel.T)
    long = filters.convolve(e, column)
    got = _explained(function, {
        "same dimensionality": "A convolution wants arrays with as many dimensions: the column has shape [length, 1]."},
        x, length)
    checks.require(np.ndim(got) == 0,
                   f"long_verticals has shape {list(np.shape(got))}, expected one number: take the mean.")
    checks.same("long_verticals(x, 5)", got, np.abs(long).mean(), {
        "The absolute value is taken too early: the edges must keep their signs until the second filter.":
            filters.convolve(np.abs(e), column).mean(),
        "The absolute value is missing: positive and negative responses cancel in the mean.": long.mean(),
        "The absolute value is taken after the mean: take it before.": abs(long.mean()),
        "The column sums: its weights are 1 / length.": length * np.abs(long).mean(),
        "The responses are summed, expected their mean.": np.abs(long).sum(),
        "These are the plain edges: the long column is missing.": np.abs(e).mean(),
        "The pattern lies: it is a column, `length` rows and 1 column.":
            np.abs(filters.convolve(e, column.T)).mean(),
        "The edges are horizontal: use SOBEL as it is, not its transpose.":
            np.abs(filters.convolve(down, column)).mean(),
        "The edges and the pattern both lie: exchange rows and columns.":
            np.abs(filters.convolve(down, column.T)).mean(),
        "The edges are missing: this is the blurred picture.": np.abs(filters.convolve(x, column)).mean(),
        "The responses are squared, expected their absolute value.": (long**2).mean()}, tolerance=1e-6)
    longer = filters.convolve(e, filters.uniform(9)[:, None])
    checks.same("long_verticals(x, 9)", checks.call(function, x, 9), np.abs(longer).mean(), {
        "The length is always 5: use the argument.": np.abs(long).mean()})


@checks.check
def line(function: Callable) -> None:
    """Task 8, second part: against the normal equations, on points that no line separates exactly."""
    rng = checks.generator(9)
    labels = np.repeat([-1.0, 1.0], 15)
    points = rng.normal(size=[30, 2]) + labels[:, None] * [1.0, 0.4] + [3.0, -1.0]
    with_one = np.concatenate([points, np.ones([30, 1])], axis=1)

    def solved(a: np.ndarray, y: np.ndarray) -> np.ndarray:
        return np.linalg.solve(a.T @ a, a.T @ y)

    got = _untouched(function, points, labels)
    checks.require(not (isinstance(got, tuple) and len(got) == 4),
                   "np.linalg.lstsq gives four things: return the first, the weights.")
    best = solved(with_one, labels)
    checks.same("line(features, labels)", got, best, {
        "The constant is missing: a third column of ones gives b.": solved(points, labels),
        "The constant comes first: put the column of ones last, the result is (w1, w2, b).": np.roll(best, 1),
        "The labels are made 0 and 1: use them as they are, -1 and 1.": solved(with_one, (labels + 1) / 2),
        "The sign is wrong: the output is to be 1 where the label is 1.": -best}, tolerance=1e-5)


# how mistakes are recognised ------------------------------------------------------------------------------------------

def _mistakes(x: np.ndarray, w: np.ndarray) -> dict[str, np.ndarray]:
    """What well-known mistakes make of the convolution of x with w, whatever the number of dimensions."""
    flipped = w[(slice(None, None, -1),) * w.ndim]
    found = {"The filter is flipped: the first weight belongs to the first value of the window.":
                 filters.convolve(x, flipped),
             "Each value is divided by the number of weights: take the sum, not the mean.":
                 filters.convolve(x, w) / w.size}
    if w.ndim == 2:
        found["The rows of the filter are flipped: w[0] is its upper row."] = filters.convolve(x, w[::-1])
        found["The columns of the filter are flipped: w[:, 0] is its left column."] = filters.convolve(x, w[:, ::-1])
    return found


def _shape(name: str, got, x: np.ndarray, w: np.ndarray) -> None:
    """Name the mistake in the shape of a convolution, if there is one."""
    try:
        shape = np.shape(got)
    except ValueError:
        raise checks.CheckFailed(f"{name} has rows of different lengths.") from None
    right = tuple(d - k + 1 for d, k in zip(x.shape, w.shape))
    said = f"{name} has shape {list(shape)}, expected {list(right)}: "
    padded = tuple(d + k - 1 for d, k in zip(x.shape, w.shape))
    short, long = tuple(n - 1 for n in right), tuple(n + 1 for n in right)
    for wrong, sentence in ((short, "d-k+1 positions, one more than d-k. The last one is missing."),
                            (long, "there is one position too many, d-k+1 is the number."),
                            (x.shape, "only positions where the filter fits as a whole, without padding."),
                            (padded, "only positions where the filter fits as a whole, without padding.")):
        checks.require(shape != wrong, said + sentence)
    checks.require(shape == right or shape != right[::-1], said + "rows and columns are exchanged.")
    checks.require(shape == right, said + "d-k+1 on each axis.")


def _not_cut_off(got) -> None:
    checks.require(not (isinstance(got, np.ndarray) and got.dtype.kind in "iu"),
                   "The decimals are cut off: the result holds whole numbers. np.zeros without dtype holds floats.")


def _untouched(function: Callable, *arguments):
    """What the function gives. Raises CheckFailed if it changes an argument in place."""
    return _explained(function, {}, *arguments)


def _explained(function: Callable, explanations: dict[str, str], *arguments):
    """As `_untouched`; an exception that holds one of the words gets its explanation."""
    copies = [deepcopy(argument) for argument in arguments]
    try:
        got = checks.call(function, *copies)
    except checks.CheckFailed as failure:
        for words, sentence in (HINTS | explanations).items():
            checks.require(words not in str(failure), sentence)
        raise
    for before, after in zip(arguments, copies):
        checks.require(np.array_equal(before, after),
                       f"{function.__name__} changes its argument in place: work on a new array, or on a copy.")
    return got


def _equal(got, wrong: np.ndarray) -> bool:
    try:
        return np.shape(got) == np.shape(wrong) and np.allclose(np.asarray(got, float), wrong, atol=1e-9)
    except (TypeError, ValueError):
        return False
