"""The checks of the labs: what passes, what fails, and in which words."""
import subprocess
import sys

import numpy as np
import pytest
import scipy.special

from utils import checks
from utils.attacks import total_variation
from utils.quiet import tf


def mean(x):
    return np.mean(x)


def fails(words: str, function, *arguments, **named):
    with pytest.raises(checks.CheckFailed, match=words):
        function(*arguments, **named)


def test_same_accepts_equal_numbers_however_they_come():
    checks.same("x", [1, 2, 3], np.array([1.0, 2.0, 3.0]))
    checks.same("x", 1.0, np.float32(1))
    checks.same("x", np.array([1e6 + 1]), np.array([1e6]), tolerance=1e-5)
    checks.same("x", np.zeros(3), np.zeros(3))


def test_same_names_what_is_wrong():
    fails(r"x has shape \[2\], expected \[3\]", checks.same, "x", [1, 2], [1, 2, 3])
    fails(r"x is 5 at \[1\], expected 2", checks.same, "x", [1, 5, 3], [1, 2, 3])
    fails("x holds NaN", checks.same, "x", [np.nan, 1], [1, 1])
    fails("x is a str, expected numbers", checks.same, "x", "three", 3)
    fails("x is 2, expected 3", checks.same, "x", 2, 3)
    fails("x is 1e-05, expected 0", checks.same, "x", 1e-5, 0)


def test_same_knows_mistakes():
    mistakes = {"You forgot the half.": 2.0, "You added.": [1.0, 1.0]}
    fails("You forgot the half", checks.same, "x", 2.0, 1.0, mistakes)
    fails("You added", checks.same, "x", [1, 1], 1.0, mistakes)
    fails("x is 3, expected 1", checks.same, "x", 3.0, 1.0, mistakes)


def test_call_gives_the_value():
    assert checks.call(mean, [1, 2, 3]) == 2


def test_call_refuses_what_is_not_ones_own():
    def borrowed(dx):
        return total_variation(dx)
    borrowed.__globals__["total_variation"] = total_variation
    fails("the one of utils", checks.call, total_variation, np.zeros((1, 2, 2, 1)))
    fails("uses total_variation, which is part of utils", checks.call, borrowed, np.zeros((1, 2, 2, 1)))
    fails("is not a function", checks.call, 3)


def test_call_turns_exceptions_into_sentences():
    def stub():
        raise NotImplementedError("Write this task")

    def broken():
        return 1 / 0

    def forgetful():
        pass
    fails("stub is not written yet", checks.call, stub)
    fails("broken stops with ZeroDivisionError: division by zero", checks.call, broken)
    fails("forgetful gives None", checks.call, forgetful)


def test_of_a_long_message_only_the_line_that_matters_is_shown():
    def graph():
        raise ValueError('Graph execution error:\n\n  File "a.py", line\n\nIncompatible shapes: 2 vs. 3\n\t [[{{node sub}}]]\n')

    def layer():
        raise ValueError("Exception when calling.\n\n\x1b[1mExpected shape 4\x1b[0m\n\nArguments received by call():\n  • x=1")

    def inside():
        raise ValueError("in user code:\n\n    File a.py\n\n    NameError: no x\n")

    def short():
        raise ValueError("one\ntwo")
    fails("^graph stops with ValueError: Incompatible shapes: 2 vs. 3$", checks.call, graph)
    fails("^layer stops with ValueError: Expected shape 4$", checks.call, layer)
    fails("^inside stops with NameError: no x$", checks.call, inside)
    fails("^short stops with ValueError: one\ntwo$", checks.call, short)


def test_a_check_that_fails_inside_is_not_wrapped():
    def stopped():
        checks.require(False, "Add the bias.")
    fails("^Add the bias.$", checks.run, stopped)


def test_a_failed_check_is_one_sentence_in_jupyter():
    done = subprocess.run([sys.executable, "-m", "IPython", "--no-banner", "--colors=NoColor", "-c",
                           "from utils import checks; checks.require(False, 'Add the bias.')"], capture_output=True, encoding="utf-8")
    assert done.stdout.strip() == "Not yet: Add the bias." and "Traceback" not in done.stdout + done.stderr


def with_scipy(x):
    return scipy.special.logsumexp(x)


def by_a_helper(x):
    return with_scipy(x) - 1


def helper_imports(x):
    return leave(x) + 1


def leave(x):
    from sklearn.utils.extmath import softmax

    return softmax(x)


def softmax(x):
    return np.exp(x) / np.exp(x).sum()


def by_ones_own_softmax(x):
    return [softmax(row) for row in x]


def utils_in_a_comprehension(x):
    return [total_variation(row) for row in x]


def utils_inside(x):
    from utils.attacks import total_variation

    return total_variation(x)


def utils_of_keras(x):
    return np.keras.utils(x)


def test_written_out_refuses_libraries_also_in_helpers():
    fails("with_scipy leaves the work to scipy: write it", checks.written_out, with_scipy)
    fails(r"by_a_helper leaves the work to scipy \(in with_scipy\)", checks.written_out, by_a_helper)
    fails(r"leaves the work to sklearn.utils.extmath \(in leave\)", checks.written_out, helper_imports)
    fails("uses total_variation, which is part of utils", checks.written_out, utils_in_a_comprehension)
    fails("uses utils.attacks, which is part of utils", checks.own, utils_inside)
    checks.own(utils_of_keras)
    checks.written_out(by_ones_own_softmax, checks.LIBRARIES | {"softmax"})
    checks.written_out(mean)


def test_a_thing_that_is_no_function_gets_a_sentence():
    class Model:
        def __call__(self):
            return 1 / 0
    fails("stops with ZeroDivisionError", checks.run, Model())


def test_other_inputs_within_hidden_only():
    visible = np.random.default_rng(3).normal(size=4)
    np.testing.assert_array_equal(checks.generator(3).normal(size=4), visible)
    with checks.other_inputs(7):
        np.testing.assert_array_equal(checks.generator(3).normal(size=4), np.random.default_rng([7, 3]).normal(size=4))
        assert checks.inputs((5, 9), lambda rng: (7, 11)) == (7, 11)
    np.testing.assert_array_equal(checks.generator(3).normal(size=4), visible)
    assert checks.inputs((5, 9), lambda rng: (7, 11)) == (5, 9)


def fail_within_hidden(fault):
    with checks.other_inputs(7):
        fault()


def test_hidden_says_that_the_inputs_are_others_and_shows_no_code():
    fails("^With other inputs: x is 2, expected 3.$", fail_within_hidden, lambda: checks.same("x", 2, 3))
    fails("^With other inputs: NameError: name 'not_there' is not defined$", fail_within_hidden, lambda: not_there)  # noqa: F821
    assert checks.inputs(1, lambda rng: 2) == 1, "after a failure too the visible inputs come back"


@tf.function
def compiled_mean(x):
    return tf.reduce_mean(x)


@tf.function(reduce_retracing=True)
def compiled_with_a_helper(x):
    return compiled_mean(x) + 0


@tf.function
def compiled_with_utils(x):
    return total_variation(x)


def with_a_compiled_borrower(x):
    return compiled_with_utils(x)


def test_tf_function_is_only_a_wrapper():
    x = np.ones((1, 2, 2, 1), np.float32)
    assert checks.call(compiled_mean, x) == 1 and checks.call(compiled_with_a_helper, x) == 1
    checks.written_out(compiled_with_a_helper, {"sklearn"})
    fails("compiled_mean leaves the work to reduce_mean: write", checks.written_out, compiled_mean, {"reduce_mean"})
    fails(r"compiled_with_a_helper leaves the work to reduce_mean \(in compiled_mean\)", checks.written_out, compiled_with_a_helper, {"reduce_mean"})
    fails("compiled_with_utils uses total_variation, which is part of utils", checks.call, compiled_with_utils, x)
    fails("with_a_compiled_borrower leaves|compiled_with_utils uses total_variation", checks.written_out, with_a_compiled_borrower)
    fails("total_variation is the one of utils", checks.call, tf.function(total_variation), x)
    fails("compiled_mean is not written yet", checks.call, tf.function(not_written), x)


def not_written(x):
    raise NotImplementedError


not_written.__name__ = "compiled_mean"
