"""The checks of the labs: what passes, what fails, and in which words."""
import subprocess
import sys

import numpy as np
import pytest

from utils import checks
from utils.attacks import total_variation


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


def test_a_failed_check_is_one_sentence_in_jupyter():
    done = subprocess.run([sys.executable, "-m", "IPython", "--no-banner", "--colors=NoColor", "-c",
                           "from utils import checks; checks.require(False, 'Add the bias.')"], capture_output=True, text=True)
    assert done.stdout.strip() == "Not yet: Add the bias." and "Traceback" not in done.stdout + done.stderr
