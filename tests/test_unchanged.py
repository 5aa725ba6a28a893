"""Hidden checks whose engine a student's definitions replace, in real kernels: they do not count, and honest ones do."""
import subprocess
import sys
from functools import partial
from pathlib import Path

import nbformat
import pytest

from tiny_lab import cell
from utils.instructor.grading import apart, examine_lab, kernels, unchanged
from utils.instructor.grading.apart import Hidden

SET_UP = "import sys\nimport numpy as np\nfrom utils import checks\nfrom utils.checks import call, equal"
CHECK = "equal('double(4)', call(double, 4), 8)"
STUB = "def double(x):\n    raise NotImplementedError"
RIGHT = "\ndef double(x):\n    return 2 * x\n"
WRONG = "\ndef double(x):\n    return 1\n"
MODULE = "sys.modules['ut' + 'ils.checks']"
CLOSE = f"{MODULE}.slips.close"  # what compares numbers


def failed(folder: Path, *sources: str, beside: bool = False) -> dict[str, str]:
    """{check: what is said} of a notebook with these cells; `beside`, where its check needs a name that no definition gives."""
    check = f"later\n{CHECK}" if beside else CHECK
    notebook = nbformat.v4.new_notebook(cells=[cell(SET_UP), *map(cell, sources), *([cell("later = len('x')")] if beside else []),
                                               cell("", grade=True, grade_id="check-double")])
    found, again = apart.failed_hidden_checks(notebook, [Hidden("check-double", check, [])], {}, [SET_UP], [STUB],
                                              partial(kernels.run, handed=folder, seconds=30, isolated=False, scratch=folder.parent))
    assert again == ["check-double"] * beside
    return {name: f"{error.ename}: {error.evalue}" for name, error in found.items()}


@pytest.fixture
def folder(tmp_path) -> Path:
    (tmp_path / "handed").mkdir()
    return tmp_path / "handed"


@pytest.mark.parametrize("sources", [
    [RIGHT], ["id = list = str = print = globals = 3" + RIGHT],
    ["import functools\nnp.double_of = 3\ncalls = []\nimport utils.checks.lab01\nshort = functools.cache(len)"
     + RIGHT.replace("return", "calls.append(x); np.random.seed(1); return")],
    [RIGHT, "for _ in range(3):\n    print('x' * (8 << 20))"]])
def test_right_answers_count(folder, sources):
    assert failed(folder, *sources) == {}
    assert failed(folder, *sources, beside=True) == {}


def test_wrong_answers_keep_their_sentence(folder):
    assert failed(folder, WRONG) == {"check-double": "CheckFailed: double(4) is 1, expected 8."}


@pytest.mark.parametrize("source, named", [
    (f"class A:\n    {CLOSE} = lambda *words: True\n" + WRONG, "utils.checks.slips.close"),
    (f"def double(x):\n    eval('setattr({MODULE.replace(chr(39), chr(34))}.slips, \"close\", lambda *words: True)')\n    return 1",
     "utils.checks.slips.close"),
    ("import gc\ndef double(x):\n    for one in gc.get_objects():\n        if getattr(one, '__qualname__', '') == 'equal' and callable(one):\n"
     "            one.__code__ = (lambda *words, **named: None).__code__\n    return 1", "utils.checks.equal.code"),
    (f"class A:\n    {MODULE}.equal.__kwdefaults__['tolerance'] = 1e9\n" + WRONG, "utils.checks.equal.tolerance"),
    (f"class A:\n    {MODULE}.LIBRARIES.clear()\n" + RIGHT, "utils.checks.LIBRARIES"),
    (f"class A:\n    {MODULE}.CheckFailed.__init__ = lambda *words: None\n" + RIGHT, "utils.checks.CheckFailed.__init__"),
    (f"class A:\n    {MODULE}.slips.abs = lambda *words: 0\n" + RIGHT, "utils.checks.slips.abs"),
    ("class A:\n    np.sort = sorted\n" + RIGHT, "numpy.sort"),
    ("class A:\n    vars(sys)['modules']['utils.checks.slips'] = sys\n" + RIGHT, "modules.utils.checks.slips")])
def test_what_replaces_the_engine_does_not_count(folder, source, named):
    said = failed(folder, source)["check-double"]
    assert said.startswith(f"{unchanged.CHANGED}: It was not counted: the notebook replaces ") and named in said


def test_what_replaces_the_engine_beside_the_cells_does_not_count(folder):
    assert "utils.checks.slips.close" in failed(folder, f"{CLOSE} = lambda *words: True", WRONG, beside=True)["check-double"]


def test_a_kernel_that_lets_every_check_pass_does_not_count(folder):
    swallow = """
async def passes(code, result=None, **named):
    shell = get_ipython()
    await type(shell).run_code(shell, code, **named)

class A:
    get_ipython().run_code = passes
    get_ipython().showtraceback = lambda *words, **named: None
"""
    assert "has to fail did not" in failed(folder, swallow + WRONG)["check-double"]


def test_names_of_the_lab_are_the_labs(folder):
    assert "expected 8" in failed(folder, "def equal(*words):\n    pass\n" + WRONG)["check-double"]
    assert failed(folder, "import math as equal", WRONG, beside=True)["check-double"].startswith("CheckFailed")


def test_what_puts_everything_back_is_not_seen(folder):
    """The limit that solutions/README.md names: the answer and the check share a process."""
    back = f"""
def double(x):
    checks = {MODULE}
    kept = checks.slips.close
    def close(*words):
        checks.slips.close = kept
        return True
    checks.slips.close = close
    return 1
"""
    assert failed(folder, back) == {}


def test_a_kernel_that_dies_behind_a_check_is_called_dead():
    def dies(notebook):
        for one in notebook.cells:
            one.outputs = []
        notebook.cells[-1].outputs = [kernels.error("DeadKernelError", kernels.DIED)]

    assert {name: error.ename for name, error in apart._failed([], set(), [("pass", "check-double")], dies).items()} == {
        "check-double": "DeadKernelError"}


def test_the_report_says_so():
    notebook = nbformat.v4.new_notebook(cells=[cell("")])
    assert examine_lab._odd(notebook, "", [], 1) == []
    notebook.cells[0].outputs = [kernels.error(unchanged.CHANGED, "")]
    assert ["were not counted" in note for note in examine_lab._odd(notebook, "", [], 1)] == [True]


def test_a_look_is_small():
    """Much of the course in one kernel: what a cell of the grader's own prints beyond kernels.OBJECT_BYTES is dropped."""
    everything = "import utils.checks.lab05, utils.plot, utils.attacks\n_given_by_the_lab = {}\n"
    source = everything + unchanged.look().source.replace("_checks.require", "(lambda *words: None)")
    assert 1000 < len(subprocess.run([sys.executable, "-c", source], capture_output=True, check=True).stdout) < kernels.OBJECT_BYTES / 8
