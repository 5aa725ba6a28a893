"""Of a student's cells the hidden checks get definitions only."""
import pytest

from utils.instructor.grading.apart import definitions


@pytest.mark.parametrize("source", ["import numpy as np", "def f(x):\n    return x", "@cache\ndef f(x): return x",
                                    "class A(tf.Module):\n    n = 3", "K = 3",
                                    "K: int = 2 * np.pi", "SOBEL = np.array([[1, 0, -1]] * 3)", "rng = np.random.default_rng(4)",
                                    "from math import sqrt as root", "names = [n for n in ('a', 'b')]", "a, b = 1, 2",
                                    "%%writefile infer.py\nK ="])
def test_definitions_stay_as_they_are_written(source):
    assert definitions(source) == source


@pytest.mark.parametrize("source", ["print('x')", "patch()", "utils.checks.compare = None", "sys.modules['utils.filters'] = 1",
                                    "for i in range(3): f(i)",
                                    "trained = train(faces)", "x = eval('1')", "exec('y = 1')", "if True:\n    K = 3",
                                    "%%timeit\nK = 3", "def f(:", "with open('x') as f: pass", "del np", "K = (lambda: 3)()",
                                    "%%writefile {patch()}\nx = 1", "%%writefile $name\nx = 1"])
def test_whatever_else_runs_does_not(source):
    assert definitions(source) == ""


def test_what_is_between_is_left_out():
    assert definitions("import numpy as np\nprint(1)\n@cache\ndef f(x):\n    # why\n    return x\nf(2)\nK = 3") == (
        "import numpy as np\n@cache\ndef f(x):\n    # why\n    return x\nK = 3")
