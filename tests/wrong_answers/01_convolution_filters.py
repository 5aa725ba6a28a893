"""Wrong answers of lab 01, and words of the sentence that each must get."""


def _conv_1d(term: str = "w[j] * x[i + j]", places: str = "d - k + 1", weights: str = "range(k)", start: str = "np.zeros({n})",
             how: str = "+=", end: str = "y") -> str:
    return (f"def convolve_1d(x, w):\n    d, k = len(x), len(w)\n    y = {start.format(n=places)}\n"
            f"    for i in range({places}):\n        for j in {weights}:\n            y[i] {how} {term}\n    return {end}")


def _conv_2d(window: str = "x[i:i + kh, j:j + kw]", w: str = "w", rows: str = "H - kh + 1", columns: str = "W - kw + 1",
             value: str = "np.sum({w} * {window})", dtype: str = "float") -> str:
    value = value.format(w=w, window=window)
    return (f"def convolve_2d(x, w):\n    (H, W), (kh, kw) = x.shape, w.shape\n    y = np.zeros([{rows}, {columns}], {dtype})\n"
            f"    for i in range({rows}):\n        for j in range({columns}):\n            y[i, j] = {value}\n    return y")


def _windows(expression: str) -> str:
    return f"def convolve(x, w):\n    windows = sliding_window_view(x, w.shape)\n    return {expression}"


AXES = "axis=tuple(range(-w.ndim, 0))"


def _padded(pairs: str, mode: str = "") -> str:
    return (f"def zero_padded(x, w):\n    kh, kw = w.shape\n    top, left = (kh - 1) // 2, (kw - 1) // 2\n"
            f"    return np.pad(x, {pairs}{mode})")


def _into_zeros(end: str = "left + W", dtype: str = "float") -> str:
    return (f"def zero_padded(x, w):\n    (H, W), (kh, kw) = x.shape, w.shape\n    top, left = kh // 2, kw // 2\n"
            f"    y = np.zeros([H + 2 * top, W + 2 * left], dtype={dtype})\n    y[top:top + H, left:{end}] = x\n    return y")


def _gaussian(exponent: str = "-(a**2 + b**2) / (2 * sigma**2)", divisor: str = "w.sum()", centre: str = "(k - 1) / 2") -> str:
    return (f"def gaussian(k, sigma):\n    a, b = np.mgrid[:k, :k] - {centre}\n    w = np.exp({exponent})\n"
            f"    return w / ({divisor})\n\n\n" + _best())


def _best(psnr: str = "10 * np.log10(1 / np.mean((p - clean)**2))", choice: str = "np.argmax(values)",
          end: str = "sigmas[best], values[best]") -> str:
    return (f"def best_sigma(clean, blurred, sigmas):\n    values = [{psnr} for p in blurred]\n"
            f"    best = {choice}\n    return {end}")


def _sigma(**mistake: str) -> str:
    """The right Gaussian, and a mistake in the choice of sigma."""
    return _gaussian().rsplit("def best_sigma", 1)[0] + _best(**mistake)


def _match(a: str = "window - window.mean()", p: str = "pattern - pattern.mean()", flat: str = "np.sum(a**2) < 1e-9",
           value: str = "np.sum(a * p) / np.sqrt(np.sum(a**2) * np.sum(p**2))", rows: str = "x.shape[0] - h + 1") -> str:
    return (f"def normalised_match(x, pattern):\n    h, w = pattern.shape\n    p = {p}\n"
            f"    r = np.zeros([{rows}, x.shape[1] - w + 1])\n    for i, j in np.ndindex(*r.shape):\n"
            f"        window = x[i:i + h, j:j + w]\n        a = {a}\n        if not ({flat}):\n            r[i, j] = {value}\n"
            f"    return r")


def _edges(end: str, gx: str = "convolved(x, SOBEL)", gy: str = "convolved(x, SOBEL.T)") -> str:
    return f"def edges(x):\n    gx, gy = {gx}, {gy}\n    return {end}"


def _verticals(end: str = "np.abs(v).mean()", column: str = "np.full([length, 1], 1 / length)", e: str = "convolved(x, SOBEL)",
               v: str = "convolved(e, {column})") -> str:
    return (f"def long_verticals(x, length):\n    e = {e}\n    v = {v.format(column=column)}\n    return {end}\n\n\n"
            + _line())


def _line(a: str = "np.column_stack([features, np.ones(len(labels))])", t: str = "labels", end: str = "[0]") -> str:
    return f"def line(features, labels):\n    return np.linalg.lstsq({a}, {t}, rcond=None){end}"


def _fit(**mistake: str) -> str:
    """The right feature, and a mistake in the line."""
    return _verticals().rsplit("def line", 1)[0] + _line(**mistake)


WRONG = {
    "convolve_1d": [
        ("The filter is flipped", _conv_1d("w[k - 1 - j] * x[i + j]")),
        ("one too few. Is a bound off by one", _conv_1d(places="d - k")),
        ("expected [8]: only positions where the filter fits", _conv_1d(start="np.zeros(d)")),
        ("reads beyond the end of x", _conv_1d(places="d - k + 2")),
        ("A window has another length than w", "def convolve_1d(x, w):\n"
         "    return np.array([np.sum(w * x[i:i + len(w)]) for i in range(len(x))])"),
        ("The last weight is never used", _conv_1d(weights="range(k - 1)")),
        ("The first weight is never used", _conv_1d(weights="range(1, k)")),
        ("only the last product", _conv_1d(how="=")),
        ("start the sum again at 0", "def convolve_1d(x, w):\n    y, s = [], 0\n    for i in range(len(x) - len(w) + 1):\n"
         "        for j in range(len(w)):\n            s += w[j] * x[i + j]\n        y.append(s)\n    return y"),
        ("a mean where a sum is expected?", _conv_1d(end="y / k")),
        ("The decimals are cut off", _conv_1d(start="np.zeros({n}, x.dtype)", how="= y[i] +")),
        ("changes its argument x in place", "def convolve_1d(x, w):\n    n = len(x) - len(w) + 1\n    for i in range(n):\n"
         "        x[i] = np.sum(w * x[i:i + len(w)])\n    return x[:n]"),
        ("leaves the work to correlate", "def convolve_1d(x, w):\n    return np.correlate(x, w, 'valid')"),
        ("leaves the work to c:",
         "from numpy import convolve as c\n\n\ndef convolve_1d(x, w):\n    return c(x, w[::-1], 'valid')"),
        ("leaves the work to convolved:", "def convolve_1d(x, w):\n    return convolved(x, w)"),
        ("leaves the work to signal (in helper)", "def helper(x, w):\n    return signal.correlate(x, w, 'valid')\n\n\n"
         "def convolve_1d(x, w):\n    return helper(x, w)"),
        ("uses lab01, which is part of utils", "def helper(x, w):\n    return lab01.filters.convolve(x, w)\n\n\n"
         "def convolve_1d(x, w):\n    return [value for value in helper(x, w)]"),
        ("leaves the work to sliding_window_view", "def convolve_1d(x, w):\n    return sliding_window_view(x, len(w)) @ w"),
        ("return stands inside a loop", _conv_1d(end="y").replace("    return y", "        return y")),
        ("return stands inside a loop", _conv_1d(end="y").replace("    return y", "            return y")),
        ("return stands inside a loop", "def convolve_1d(x, w):\n    y = []\n    for i in range(len(x) - len(w) + 1):\n"
         "        y.append(np.sum(w * x[i:i + len(w)]))\n        return y"),
        ("The decimals are cut off", _conv_1d(start="np.zeros({n}, dtype=int)")),
        ("d is not defined", _conv_1d().replace("d, k", "n, k")),
        ("k is not defined", _conv_1d().replace("d, k", "d, n")),
        ("gives None", _conv_1d(end="None")),
        ("The window does not move", _conv_1d("w[j] * x[j]")),
        ("not to x[i]", _conv_1d("w[j] * x[i]")),
        ("without the weights", _conv_1d("x[i + j]")),
        ("is not defined", "def convolve_1d(x, w):\n    y = np.zeros(d - k + 1)\n    return y"),
        ("uses lab01, which is part of utils",
         "def convolve_1d(x, w):\n    return lab01.filters.convolve(x, w)"),
    ],
    "convolve_2d": [
        ("The filter is flipped", _conv_2d(w="w[::-1, ::-1]")),
        ("The rows of the filter are flipped", _conv_2d(w="w[::-1]")),
        ("The columns of the filter are flipped", _conv_2d(w="w[:, ::-1]")),
        ("one too few. Is a bound off by one", _conv_2d(rows="H - kh", columns="W - kw")),
        ("rows and columns are exchanged", "def convolve_2d(x, w):\n    (H, W), (kh, kw) = x.shape, w.shape\n"
         "    return np.array([[np.sum(w * x[i:i + kh, j:j + kw]) for i in range(H - kh + 1)] for j in range(W - kw + 1)])"),
        ("only positions where the filter fits", "def convolve_2d(x, w):\n    padded = np.pad(x, [(0, 1), (0, 3)])\n"
         "    return np.array([[np.sum(w * padded[i:i + 2, j:j + 4]) for j in range(10)] for i in range(7)])"),
        ("a list whose parts do not make one array", "def convolve_2d(x, w):\n    return [[0.0] * n for n in range(1, 7)]"),
        ("The last column of w is never used", _conv_2d(w="w[:, :-1]", window="x[i:i + kh, j:j + kw - 1]")),
        ("a mean where a sum is expected?", _conv_2d(value="np.mean({w} * {window})")),
        ("The sum is missing", _conv_2d(value="{w} * {window}")),
        ("A window has another shape than w", _conv_2d(window="x[i:i + kw, j:j + kh]")),
        ("The decimals are cut off", _conv_2d(dtype="x.dtype")),
        ("The decimals are cut off", _conv_2d(dtype="int")),
        ("`@` is the matrix product", _conv_2d(value="np.sum({window} @ {w})")),
        ("np.dot is the matrix product", _conv_2d(value="np.sum(np.dot({w}, {window}))")),
        ("The shape goes into brackets", _conv_2d().replace("np.zeros([H - kh + 1, W - kw + 1], float)",
                                                            "np.zeros(H - kh + 1, W - kw + 1)")),
        ("kh and kw are not defined", _conv_2d().replace(", (kh, kw) = x.shape, w.shape", " = x.shape")),
        ("H and W are not defined", _conv_2d().replace("(H, W), (kh, kw) = x.shape, w.shape", "kh, kw = w.shape")),
        ("The last row of w is never used", _conv_2d(w="w[:-1]", window="x[i:i + kh - 1, j:j + kw]")),
        ("The filter is transposed",
         "def convolve_2d(x, w):\n    (H, W), (kh, kw) = x.shape, w.shape\n    w = w.T if kh == kw else w\n"
         "    return np.array([[np.sum(w * x[i:i + kh, j:j + kw]) for j in range(W - kw + 1)] for i in range(H - kh + 1)])"),
        ("The window does not move", _conv_2d(window="x[:kh, :kw]")),
        ("without the weights", _conv_2d(value="np.sum({window})")),
        ("start the sum again at 0",
         "def convolve_2d(x, w):\n    (H, W), (kh, kw) = x.shape, w.shape\n    y, s = np.zeros([H - kh + 1, W - kw + 1]), 0\n"
         "    for i, j in np.ndindex(*y.shape):\n        s += np.sum(w * x[i:i + kh, j:j + kw])\n        y[i, j] = s\n    "
         "return y"),
        ("reads or writes beyond the end", _conv_2d().replace("y[i, j] =", "y[j, i] =")),
        ("leaves the work to signal",
         "def convolve_2d(x, w):\n    return signal.correlate2d(x, w, mode='valid')"),
        ("leaves the work to sliding_window_view",
         "def convolve_2d(x, w):\n    return np.sum(sliding_window_view(x, w.shape) * w, axis=(2, 3))"),
    ],
    "convolve": [
        ("sums over everything", _windows("np.sum(windows * w)")),
        ("sums over the positions", _windows("np.sum(windows * w, axis=tuple(range(w.ndim)))")),
        ("sums over 2 of the 3 axes", _windows("np.sum(windows * w, axis=(-2, -1))")),
        ("sums over 1 of the 3 axes", _windows("np.sum(windows * w, axis=-1)")),
        ("does not sum up", _windows("windows * w")),
        ("the sum of the window, without the weights", _windows(f"np.sum(windows, {AXES})")),
        ("a mean where a sum is expected?", _windows(f"np.mean(windows * w, {AXES})")),
        ("The filter is flipped", _windows(f"np.sum(windows * np.flip(w), {AXES})")),
        ("one too few. Is a bound off by one", _windows(f"np.sum(windows * w, {AXES})[(slice(-1),) * w.ndim]")),
        ("put tuple(...) around range", _windows("np.sum(windows * w, axis=range(-w.ndim, 0))")),
        ("in round brackets", _windows("np.sum(windows * w, axis=list(range(-w.ndim, 0)))")),
        ("takes the largest product", _windows(f"np.max(windows * w, {AXES})")),
        ("remove the axis of length 1", _windows(f"np.sum(windows * w, {AXES}, keepdims=True)")
         .replace("keepdims=True)", "keepdims=True)[..., 0]").replace(
            "[..., 0]", "[(..., *(0,) * (w.ndim - 1))]")),
        ("leaves the work to signal", "def convolve(x, w):\n    return signal.correlate(x, w, mode='valid')"),
        ("leaves the work to scipy",
         "def convolve(x, w):\n    from scipy.signal import correlate as c\n    return c(x, w, 'valid')"),
        ("leaves the work to convolved", "def convolve(x, w):\n    return convolved(x, w)"),
    ],
    "zero_padded": [
        ("All zeros are below and on the right", _padded("[(0, kh - 1), (0, kw - 1)]")),
        ("All zeros are above and on the left", _padded("[(kh - 1, 0), (kw - 1, 0)]")),
        ("Only above and on the left are zeros", _padded("[(top, 0), (left, 0)]")),
        ("Only below and on the right are zeros", _padded("[(0, top), (0, left)]")),
        ("There are k-1 zeros on each side", _padded("[(kh - 1, kh - 1), (kw - 1, kw - 1)]")),
        ("one zero too many", _padded("[(top + 1, top + 1), (left + 1, left + 1)]")),
        ("are exchanged", _padded("[(left, left), (top, top)]")),
        ("The same number of zeros is on all sides", _padded("top")),
        ("The border is repeated", _padded("[(top, top), (left, left)]", ", mode='edge'")),
        ("mirrored", _padded("[(top, top), (left, left)]", ", mode='reflect'")),
        ("one pair for each axis", _padded("(top, left)")),
        ("is empty for p = 0", _into_zeros(end="-left")),
        ("The decimals are cut off", _into_zeros(dtype="int")),
        ("The shape goes into brackets", _into_zeros().replace("[H + 2 * top, W + 2 * left]", "H + 2 * top, W + 2 * left")),
        ("There are k zeros on each side", _padded("[(kh, kh), (kw, kw)]")),
        ("one zero too few", _padded("[(max(top - 1, 0),) * 2, (max(left - 1, 0),) * 2]")),
        ("The picture is not padded", "def zero_padded(x, w):\n    return x"),
        ("w.shape[0] counts for above and below", _padded("left")),
        ("divide with //", "def zero_padded(x, w):\n    kh, kw = w.shape\n"
         "    return np.pad(x, [((kh - 1) / 2,) * 2, ((kw - 1) / 2,) * 2])"),
    ],
    "gaussian": [
        ("expected 1: divide by its sum", _gaussian(divisor="1")),
        ("normalises the continuous Gaussian", _gaussian(divisor="2 * np.pi * sigma**2")),
        ("divided by the number of its values", _gaussian(divisor="w.size")),
        ("between two pixels", _gaussian(centre="k / 2")),
        ("in the corner", _gaussian(centre="0")),
        ("is not round", _gaussian("-(a + b)**2 / (2 * sigma**2)")),
        ("in the denominator", _gaussian("-(a**2 + b**2) / sigma**2")),
        ("sigma must be squared", _gaussian("-(a**2 + b**2) / (2 * sigma)")),
        ("multiplies by sigma**2", _gaussian("-(a**2 + b**2) / 2 * sigma**2")),
        ("r in the exponent", _gaussian("-np.hypot(a, b) / (2 * sigma**2)")),
        ("r^2 is the sum of their squares", _gaussian("-(a + b) / (2 * sigma**2)")),
        ("grows outwards", _gaussian("(a**2 + b**2) / (2 * sigma**2)")),
        ("squares the 2 too", _gaussian("-(a**2 + b**2) / (2 * sigma)**2")),
        ("the sum of each row", _gaussian(divisor="w.sum(axis=1, keepdims=True)")),
        ("the worst picture", _sigma(end="sigmas[best], min(values)")),
        ("the mean of all pictures", _sigma(end="sigmas[best], np.mean(values)")),
        ("The factor 10 is missing", _sigma(psnr="np.log10(1 / np.mean((p - clean)**2))")),
        ("compare all of them", _sigma(choice="0")),
        ("has one dimension", "def gaussian(k, sigma):\n    w = np.exp(-(np.arange(k) - (k - 1) / 2)**2 / (2 * sigma**2))\n"
                              "    return w / w.sum()"),
        ("the worst sigma", _sigma(choice="np.argmin(values)")),
        ("the index", _sigma(end="best, values[best]")),
        ("return sigma first", _sigma(end="values[best], sigmas[best]")),
        ("expected 2: return sigma, psnr", _sigma(end="sigmas[best]")),
        ("is the mean squared error", _sigma(psnr="np.mean((p - clean)**2)", choice="np.argmin(values)")),
        ("expected one to the base 10", _sigma(psnr="10 * np.log(1 / np.mean((p - clean)**2))")),
        ("is 2 times what is expected", _sigma(psnr="20 * np.log10(1 / np.mean((p - clean)**2))")),
        ("The PSNR has the wrong sign", _sigma(psnr="10 * np.log10(np.mean((p - clean)**2))", choice="np.argmin(values)")),
        ("not squared", _sigma(psnr="-10 * np.log10(np.mean(np.abs(p - clean)))")),
        ("summed, expected their mean", _sigma(psnr="-10 * np.log10(np.sum((p - clean)**2))")),
    ],
    "match": [
        ("The means are not subtracted", _match(a="window", p="pattern")),
        ("The mean of the pattern is not subtracted", _match(p="pattern")),
        ("The mean of the window is not subtracted", _match(a="window")),
        ("The mean of the whole picture is subtracted", _match(a="window - x.mean()")),
        ("This is the plain match", _match(a="window", p="pattern", value="np.sum(a * p)")),
        ("The sum is not divided", _match(value="np.sum(a * p)")),
        ("The root is missing", _match(value="np.sum(a * p) / (np.sum(a**2) * np.sum(p**2))")),
        ("np.std divides by the number", _match(value="np.sum(a * p) / (np.std(a) * np.std(p))")),
        ("norm of the window too", _match(value="np.sum(a * p) / np.sqrt(np.sum(p**2))")),
        ("The filter is flipped", _match(p="pattern[::-1, ::-1] - pattern.mean()")),
        ("r may be negative", _match(value="abs(np.sum(a * p)) / np.sqrt(np.sum(a**2) * np.sum(p**2))")),
        ("norm of the pattern too", _match(value="np.sum(a * p) / np.sqrt(np.sum(a**2))")),
        ("multiply them", _match(value="np.sum(a * p) / np.sqrt(np.sum(a**2) + np.sum(p**2))")),
        ("under the root", _match(value="np.sum(a * p) / np.sqrt(np.sum(window**2) * np.sum(pattern**2))")),
        ("1/12 of what is expected", _match(value="np.mean(a * p) / np.sqrt(np.sum(a**2) * np.sum(p**2))")),
        ("1e-6 gets 0", _match(flat="np.sum(a**2) < 1e-4")),
        ("1e-6 gets 0", _match(flat="np.sum(a**2) * np.sum(p**2) < 1e-9")),
        ("1e-11 gets an r", _match(flat="np.sum(a**2) < 1e-15")),
        ("give 0 there", _match(flat="False")),
        ("expected [7, 8]", _match(rows="x.shape[0] - h")),
        ("changes its argument pattern in place", _match().replace("    p = pattern - pattern.mean()",
                                                           "    pattern -= pattern.mean()\n    p = pattern")),
    ],
    "edges": [
        ("in degrees", _edges("np.hypot(gx, gy), np.degrees(np.arctan2(gy, gx))")),
        ("only half of the circle", _edges("np.hypot(gx, gy), np.arctan(gy / gx)")),
        ("np.arctan2 wants gy first", _edges("np.hypot(gx, gy), np.arctan2(gx, gy)")),
        ("np.arctan2 wants gy first", _edges("np.hypot(gx, gy), np.arctan2(gy, gx)", "convolved(x, SOBEL.T)",
                                             "convolved(x, SOBEL)")),
        ("from bright to dark", _edges("np.hypot(gx, gy), np.arctan2(gy, gx)", "convolved(x, SOBEL[::-1, ::-1])",
                                       "convolved(x, SOBEL.T[::-1, ::-1])")),
        ("rows grow downwards", _edges("np.hypot(gx, gy), np.arctan2(-gy, gx)")),
        ("is a root missing?", _edges("gx**2 + gy**2, np.arctan2(gy, gx)")),
        ("|gx| + |gy|", _edges("np.abs(gx) + np.abs(gy), np.arctan2(gy, gx)")),
        ("only |gx|", _edges("np.abs(gx), np.arctan2(gy, gx)")),
        ("are exchanged", _edges("np.arctan2(gy, gx), np.hypot(gx, gy)")),
        ("expected 2: return magnitude, direction", _edges("np.hypot(gx, gy)")),
        ("expected 2: return magnitude, direction", _edges("np.stack([np.hypot(gx, gy), np.arctan2(gy, gx)])")),
        ("only |gy|", _edges("np.abs(gy), np.arctan2(gy, gx)")),
        ("square gx and gy, then add", _edges("np.sqrt(np.abs(gx + gy)), np.arctan2(gy, gx)")),
        ("The horizontal direction is reversed", _edges("np.hypot(gx, gy), np.arctan2(gy, -gx)")),
        ("8 times what is expected", _edges("8 * np.hypot(gx, gy), np.arctan2(gy, gx)")),
        ("The direction has shape []", _edges("np.hypot(gx, gy), np.arctan2(gy, gx).mean()")),
        ("SOBEL is divided by 8 already", _edges("np.hypot(gx, gy) / 8, np.arctan2(gy, gx)")),
    ],
    "town": [
        ("taken too early", _verticals(e="np.abs(convolved(x, SOBEL))")),
        ("The absolute value is missing", _verticals("v.mean()")),
        ("taken after the mean", _verticals("abs(v.mean())")),
        ("its weights must be 1 / length", _verticals(column="np.ones([length, 1])")),
        ("summed, expected their mean", _verticals("np.abs(v).sum()")),
        ("The mean is missing", _verticals("np.abs(v)")),
        ("the long column is missing", _verticals("np.abs(e).mean()")),
        ("second filter is a row", _verticals(column="np.full([1, length], 1 / length)")),
        ("The edges are horizontal", _verticals(e="convolved(x, SOBEL.T)")),
        ("this is the blurred picture", _verticals(e="x")),
        ("the column is [length, 1]", _verticals(column="np.full(length, 1 / length)")),
        ("The length is always 5", _verticals(column="np.full([5, 1], 1 / 5)")),
        ("divided by 8 already", _verticals(e="convolved(x, SOBEL / 8)")),
        ("the largest response", _verticals("np.abs(v).max()")),
        ("responses are squared", _verticals("(v**2).mean()")),
        ("Both filters are transposed", _verticals(e="convolved(x, SOBEL.T)", column="np.full([1, length], 1 / length)")),
        ("b is 0", _verticals().rsplit("def line", 1)[0] + "def line(features, labels):\n"
         "    return np.append(np.linalg.lstsq(features, labels, rcond=None)[0], 0)"),
        ("mean products", _verticals().rsplit("def line", 1)[0] + "def line(features, labels):\n"
         "    return np.column_stack([features, np.ones(len(labels))]).T @ labels / len(labels)"),
        ("The constant is missing", _fit(a="features")),
        ("The constant comes first", _fit(a="np.column_stack([np.ones(len(labels)), features])")),
        ("The labels are made 0 and 1", _fit(t="(labels + 1) / 2")),
        ("lstsq gives four things", _fit(end="")),
        ("has the wrong sign", _fit(t="-labels")),
    ],
}
