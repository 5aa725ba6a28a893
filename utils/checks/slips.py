"""Slips that can happen in any task, told from a wrong value alone: a factor, a sign, an axis, a root,
a whole number for a fraction.
"""
from collections.abc import Iterator
from typing import Any

import numpy as np

SMALL = 12  # inputs with at most as many numbers are shown
EXCEPTIONS = (  # (words of an exception, what it means), the first that fits
    ("_unique_id", "An optimizer takes two lists, apply([gradient], [variable]), and changes only a tf.Variable: x = ... makes a "
                   "tensor of that name, x.assign(...) keeps the variable."),
    ("has no attribute 'assign'", "Only a tf.Variable has assign: x = ... makes a tensor of that name."),
    ("has no attribute '_id'", "The tape needs tensors: use TensorFlow's functions, not NumPy's, on the way to the loss."),
    ("a Tensor` to a NumPy", "Inside a compiled function there are no values yet: use TensorFlow's functions, not NumPy's."),
    ("SymbolicTensor' object", "Inside a compiled function there are no values yet: use TensorFlow's functions, not NumPy's."),
    ("eager execution is enabled",
     "Inside a compiled function there are no values yet: use TensorFlow's functions, not NumPy's."),
    ("symbolic tf.Tensor", "Inside a compiled function there are no values yet: use TensorFlow's functions, not NumPy's."),
    ("expected to be a double",
     "One of the two is float64, as NumPy makes arrays, the other float32: convert it with tf.cast or astype."),
    ("to be a float", "One of the two operands has another dtype: convert it with tf.cast or astype(np.float32)."),
    ("Matrix size-incompatible",
     "Two shapes do not fit: in A @ B the number of columns of A must equal the number of rows of B."),
    ("mismatch in its core dimension",
     "Two shapes do not fit: in A @ B the number of columns of A must equal the number of rows of B."),
    ("not aligned", "Two shapes do not fit: in A @ B the number of columns of A must equal the number of rows of B."),
    ("could not be broadcast",
     "Two shapes do not fit: print them. Compared from the last axis on, two lengths must be equal, or one of them 1."),
    ("Incompatible shapes",
     "Two shapes do not fit: print them. Compared from the last axis on, two lengths must be equal, or one of them 1."),
    ("cannot reshape", "The number of values must stay the same when an array is reshaped."),
    ("truth value of an array",
     "A condition needs one True or False, and this is an array of them: use np.where, np.all or np.any."),
    ("used as indices must be of integer", "Indices must be integers: use // instead of /, or int()."),
    ("cannot be interpreted as an integer", "An integer is needed there: use // instead of /, or int()."),
    ("only be used to compute one set",
     "A tape gives its gradients once: use one tape for each loss, or tf.GradientTape(persistent=True)."),
    ("positional argument", "A function is called with the wrong number of arguments: compare the call with its definition."),
    ("unexpected keyword argument",
     "A function is called with an argument that it does not have: compare the call with its definition."),
    ("read-only", "What was given to you must not be changed in place: work on a copy. x = x + 1 makes a new array, x += 1 and "
                  "x[...] = 1 write into the one that was given."),
    ("Cannot cast ufunc", "The array has an integer dtype, and a fraction does not fit into it: make a float array first."),
)
LOGARITHMS = ((np.log(2), "the base 2"), (np.log(10), "the base 10"))


def tape(sentence: str) -> tuple[tuple[str, str], ...]:
    """The hints of `call` for a task with a tape, of whose gradient None `sentence` tells the cause."""
    return ("NoneType", "The gradient is None: " + sentence), ("gives None", "does it end with return? If so, " + sentence)


def close(values: np.ndarray, expected: np.ndarray, tolerance: float) -> bool:
    """Whether two float arrays have the same shape and are equal within `tolerance` of the largest expected value."""
    if values.shape != expected.shape or not (np.isfinite(values).all() and np.isfinite(expected).all()):
        return False
    return bool(np.all(np.abs(values - expected) <= tolerance * max(1e-12, np.abs(expected).max(initial=0))))


def kind(value) -> str:
    """What a thing is that is not made of numbers."""
    if isinstance(value, list | tuple):
        return f"a {type(value).__name__} whose parts do not make one array"
    return f"a {type(value).__name__}"


def named(got, values: np.ndarray, expected: np.ndarray, tolerance: float, given: dict[str, Any] | None = None) -> str:
    """The slip that makes `values` of `expected`, as the end of a sentence that begins with a name; "" if none is found.

    given  the inputs by name
    """
    tolerance = min(tolerance, 1e-4)  # with a loose one, numbers of any kind would look like a root or a logarithm
    if axis := _axis(values, expected, tolerance, given or {}):
        return axis
    for slip in (_type, _order, _shape, _factor, _power):
        for wrong, sentence in slip(got, values, expected):
            if close(values, np.asarray(wrong, np.float64), tolerance):
                return sentence
    return ""


def _axis(values: np.ndarray, expected: np.ndarray, tolerance: float, given: dict[str, Any]) -> str:
    """The sentence for a sum, mean, maximum or minimum of an input over the wrong axis; "" if `values` is none."""
    for name, array in ((name, np.asarray(value)) for name, value in given.items()):
        if array.dtype.kind not in "iuf" or array.ndim < 2:
            continue
        for reduce, word in ((np.sum, "sum"), (np.mean, "mean"), (np.max, "maximum"), (np.min, "minimum")):
            over = {axis: reduce(array.astype(np.float64), axis) for axis in (*range(array.ndim), None)}
            right = next((axis for axis, one in over.items() if close(one, expected, tolerance)), -1)
            wrong = next((axis for axis, one in over.items() if close(one, values, tolerance)), right)
            if wrong != right != -1:
                axes = ["all axes" if axis is None else f"axis {axis}" for axis in (wrong, right)]
                return f"is the {word} of {name} over {axes[0]}, expected over {axes[1]}."
    return ""


def _type(got, values: np.ndarray, expected: np.ndarray) -> Iterator[tuple]:
    if getattr(np.asarray(got), "dtype", values.dtype).kind in "iu":
        yield np.trunc(expected), ("holds whole numbers, the decimals are cut off: make the array of floats (np.zeros without "
                                   "dtype does).")
        yield np.round(expected), "is rounded to whole numbers, expected the decimals too."


def _shape(got, values: np.ndarray, expected: np.ndarray) -> Iterator[tuple]:
    v, e = list(values.shape), list(expected.shape)
    if v == e:
        return
    said = f"has shape {v}, expected {e or 'one number'}: "
    if [n for n in v if n != 1] == [n for n in e if n != 1]:
        yield values, said + ("remove the axis of length 1 (keepdims=True leaves one)." if len(v) > len(e) else
                              "an axis of length 1 is missing (keepdims or [..., None] makes one)." if len(v) < len(e) else
                              "an axis of length 1 is in the wrong place.")
    for axis in range(len(v) if len(v) == len(e) + 1 else 0):
        for reduce, word in ((np.sum, "sum"), (np.mean, "mean"), (np.max, "maximum")):
            if close(reduce(values, axis), expected, 1e-4):
                yield values, said + f"the {word} over axis {axis} is missing."
    if not v:
        yield values, said + "one number for all, expected one for each."
    if v == e[::-1]:
        yield values, said + "rows and columns are exchanged."
    differ = {a - b for a, b in zip(v, e) if a != b}
    if len(v) == len(e) and differ in ({1}, {-1}):
        yield values, said + f"one too {'many' if differ == {1} else 'few'}. Is a bound off by one, or an axis the wrong one?"


def _order(got, values: np.ndarray, expected: np.ndarray) -> Iterator[tuple]:
    if expected.ndim >= 2:
        yield expected.T, "is transposed: rows and columns are exchanged."
        yield np.swapaxes(expected, -1, -2), "is transposed in its last two axes."
    for axis in range(expected.ndim):
        yield np.flip(expected, axis), f"is reversed along axis {axis}."
        for step in (1, -1):
            yield np.roll(expected, step, axis), f"is shifted by one position along axis {axis}."
    if expected.ndim == 1 and len(expected) > 2:
        yield np.sort(expected), "has the right values in another order."


def _factor(got, values: np.ndarray, expected: np.ndarray) -> Iterator[tuple]:
    yield -expected, "has the wrong sign."
    yield np.abs(expected), "lacks its negative sign: is there an extra absolute value?"
    for base, words in LOGARITHMS:
        yield expected / base, f"looks like a logarithm to {words}, expected the natural logarithm, np.log."
        yield expected * base, f"looks like a natural logarithm, expected one to {words}."
    if expected.size < 2 or values.shape != expected.shape or not np.any(expected):
        yield 2 * expected, "is 2 times what is expected: is there an extra factor, or is one missing?"
        yield expected / 2, "is half of what is expected: is there an extra factor, or is one missing?"
        yield 100 * expected, "is 100 times what is expected: is it in percent?"
        return
    yield 0 * expected, "is 0 everywhere."
    factor = float(np.vdot(values, expected) / np.vdot(expected, expected))
    whole = next((f"{n} times" for n in range(2, 10001) if np.isclose(factor, n, rtol=1e-4)),
                 next((f"1/{n} of" for n in range(2, 10001) if np.isclose(factor, 1 / n, rtol=1e-4)), f"{factor:.4g} times"))
    why = (("a sum where a mean is expected?" if factor > 1 else "a mean where a sum is expected?") if "." not in whole
           and factor > 0 else \
         "is there an extra factor, or is one missing?")
    yield factor * expected, f"is {whole} what is expected: {why}"
    offset = float(np.mean(values - expected))
    (yield expected + offset, (f"is {abs(offset):.4g} {'larger' if offset > 0 else 'smaller'} than expected everywhere: is there "
                               "an extra constant, or is one missing?"))


def _power(got, values: np.ndarray, expected: np.ndarray) -> Iterator[tuple]:
    if np.any((np.abs(expected) > 1e-6) & (np.abs(expected - 1) > 1e-3)):
        yield np.square(expected), "is the square of what is expected: is a root missing?"
        yield np.sqrt(np.abs(expected)), "is the root of what is expected: is there an extra root?"
        yield np.exp(expected), "is the exponential of what is expected: is a logarithm missing?"
        yield np.log(np.abs(expected) + (expected == 0)), "is the logarithm of what is expected."
        yield 1 / np.where(expected == 0, np.inf, expected), "is the reciprocal of what is expected."
        yield 1 - expected, "is 1 minus what is expected."
