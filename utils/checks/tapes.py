"""What the labs with tapes have in common: errors of networks and tapes, and functions under @tf.custom_gradient."""
import inspect
from collections.abc import Callable

import numpy as np

from utils.checks import call, python_function, require, run, slips
from utils.quiet import tf

TENSORS = (  # hints of `call`
    ("of type 'ndarray', not tf.Tensor", "watch needs a tensor: tf.constant(x) makes one."),
    ("'numpy.ndarray' object has no attribute '_id'",
     "A tape needs tensors: tf.constant(x) makes one, and TensorFlow's functions, not "
                                                     "NumPy's, lead from there to the loss."),
    ("are valid indices", "A tensor takes no array as an index: tf.gather or tf.one_hot picks one entry of each row."),
    ("has no attribute 'predict'", "Call the network as a function: model(images)."),
)
LOST = ("the tape cannot follow the computation. Call tape.watch on a tensor (tf.constant(x) makes one), and compute everything "
        "from it to the value inside `with`, using TensorFlow's functions.")
TAPE = (*TENSORS, *slips.tape(LOST), ("out of bounds for array of dimension 0", "The gradient is None: " + LOST))
BACK = (
    ("truth value of an array", "`and` needs one True or False, and here are arrays of them: write & between the "
                                "comparisons, with brackets around each."),
    ("not in the list of allowed values", "& binds more tightly than > and <: write brackets around each comparison."),
    ("integer scalar arrays", "A tensor cannot be changed in place: tf.where makes a new one."),
    ("item assignment", "A tensor cannot be changed in place: tf.where makes a new one."),
    ("positional argument", "TensorFlow calls it with one argument, the gradient that arrives."),
)


def under_decorator(function: Callable, x: tf.Tensor, upstream: tf.Tensor) -> bool:
    """Whether `function` is one of the student's under @tf.custom_gradient.

    What is under it is called, and the second function that it gives, so that a mistake in them is told with its line.
    """
    written = function if inspect.isfunction(python_function(function)) else inspect.unwrap(function)
    # tf.grad_pass_through wraps what it is given
    if written is function or getattr(written, "__module__", "utils").startswith("utils"):
        return False
    pair = call(written, x, hints=[("gives None", "return the value and the function that computes the gradient.")])
    require(isinstance(pair, tuple) and len(pair) == 2 and callable(pair[1]),
            f"{written.__name__} must return two things: the value, "
            "and the function that computes the gradient, not called.")
    run(pair[1], upstream, hints=BACK)
    return True


def passed_back(function: Callable, x: np.ndarray, upstream: np.ndarray, lost: str) -> tuple[tf.Tensor, Callable]:
    """What a function gives for x, and the function that computes the gradient which it passes back when `upstream` arrives.

    lost  the cause, if the gradient is None
    """
    given = tf.constant(x, tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(given)
        value = run(function, given)

    def gradient() -> tf.Tensor:
        slope = tape.gradient(value, given, tf.constant(upstream, value.dtype))
        require(slope is not None, "The gradient is None: " + lost)
        return slope

    return value, lambda: run(gradient, hints=BACK)
