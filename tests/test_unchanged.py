"""Hidden checks whose engine a student's definitions replace, in real kernels: they do not count, and honest ones do."""
import subprocess
import sys
from functools import partial
from pathlib import Path

import nbformat
import pytest

from nbgrader.utils import determine_grade
from tiny_lab import cell
from utils.checks import HIDDEN, other_inputs, seeded
from utils.instructor.grading import apart, examine_lab, kernels, unchanged
from utils.instructor.grading.apart import Hidden

SET_UP = "import sys\nimport numpy as np\nfrom utils import checks\nfrom utils.checks import call, equal"
CHECK = "equal('double(4)', call(double, 4), 8)"
STUB = "def double(x):\n    raise NotImplementedError"
RIGHT = "\ndef double(x):\n    return 2 * x\n"
WRONG = "\ndef double(x):\n    return 1\n"
MODULE = "sys.modules['ut' + 'ils.checks']"
CLOSE = f"{MODULE}.slips.close"  # what compares numbers


def failed(folder: Path, *sources: str, beside: bool = False, set_up: str = SET_UP, check: str = CHECK,
           variant: int = HIDDEN) -> dict[str, str]:
    """{check: what is said} of a notebook with these cells; `beside`, where its check needs a name that no definition gives."""
    check = f"later\n{check}" if beside else check
    notebook = nbformat.v4.new_notebook(cells=[cell(set_up), *map(cell, sources), *([cell("later = len('x')")] if beside else []),
                                               cell("", grade=True, grade_id="check-double")])
    found, again = apart.failed_hidden_checks(notebook, [Hidden("check-double", check, [])], {}, [set_up], [STUB],
                                              partial(kernels.run, handed=folder, seconds=30, isolated=False,
                                                      scratch=folder.parent), variant)
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
    ((f"def double(x):\n    eval('setattr({MODULE.replace(chr(39), chr(34))}.slips, \"close\", lambda *words: True)')\n    "
      "return 1"),
     "utils.checks.slips.close"),
    ("import gc\ndef double(x):\n    for one in gc.get_objects():\n        if getattr(one, '__qualname__', '') == 'equal' and "
     "callable(one):\n"
     "            one.__code__ = (lambda *words, **named: None).__code__\n    return 1", "utils.checks.equal.code"),
    (f"class A:\n    {MODULE}.equal.__kwdefaults__['tolerance'] = 1e9\n" + WRONG, "utils.checks.equal.tolerance"),
    (f"class A:\n    {MODULE}.LIBRARIES.clear()\n" + RIGHT, "utils.checks.LIBRARIES"),
    (f"class A:\n    {MODULE}.CheckFailed.__init__ = lambda *words: None\n" + RIGHT, "utils.checks.CheckFailed.__init__"),
    (f"class A:\n    {MODULE}.slips.abs = lambda *words: 0\n" + RIGHT, "utils.checks.slips.abs"),
    ("class A:\n    np.sort = sorted\n" + RIGHT, "numpy.sort"),
    ("class A:\n    np.all.__wrapped__.__code__ = (lambda a, axis=None, out=None, keepdims=0, *, where=0: True).__code__\n"
     + WRONG, "numpy._core.fromnumeric.all"),
    ("class A:\n    sys.modules['numpy._core.fromnumeric']._wrapreduction_any_all = lambda *words, **named: True\n" + WRONG,
     "numpy._core.fromnumeric._wrapreduction_any_all"),
    ("class A:\n    sys.modules['numpy._core.fromnumeric'].isinstance = lambda *words: True\n" + RIGHT,
     "numpy._core.fromnumeric.isinstance"),
    ("class A:\n    _checks.HIDDEN = 3\n" + RIGHT, "utils.checks.HIDDEN"),
    ("class A:\n    vars(sys)['modules']['utils.checks.slips'] = sys\n" + RIGHT, "modules.utils.checks.slips")])
def test_what_replaces_the_engine_does_not_count(folder, source, named):
    said = failed(folder, source)["check-double"]
    assert said.startswith(f"{unchanged.CHANGED}: It was not counted: the notebook replaces ") and named in said


def test_what_replaces_the_library_of_the_right_value_does_not_count(folder):
    set_up, check = "import numpy as np\nfrom scipy import ndimage\nfrom utils.checks import call, equal", (
        "equal('blur', call(blur, np.eye(4)), ndimage.uniform_filter(np.eye(4), 3))")
    for source, named in (("ndimage.uniform_filter = lambda *words, **named: 0 * words[0]", "scipy.ndimage.uniform_filter"),
                          ("ndimage._filters.uniform_filter1d = lambda *words, **named: None",
                           "scipy.ndimage._filters.uniform_filter1d")):
        said = failed(folder, f"class A:\n    {source}\ndef blur(x):\n    return 0 * x", set_up=set_up, check=check)
        assert named in said["check-double"]


ABORTS = """
class A:
    _kernel = get_ipython().kernel
    def _reply(*words, _kernel=_kernel, _reply=_kernel._send_abort_reply, **named):
        _kernel._aborting = False
        return _reply(*words, **named)
    _kernel._send_abort_reply, _kernel._aborting = _reply, True
"""


def test_a_check_that_the_kernel_aborts_does_not_count(folder):
    assert failed(folder, WRONG + ABORTS) == {"check-double": f"Aborted: {kernels.ABORTED}"}
    notebook = nbformat.v4.new_notebook(cells=[cell("get_ipython().kernel._aborting = True"),
                                               cell("1 / 0", grade=True, grade_id="check-x", points=1)])
    kernels.run(notebook, folder, 30, isolated=False, scratch=folder.parent)
    assert determine_grade(notebook.cells[1]) == (0, 1), "a visible one neither"


def test_inputs_are_those_of_the_class(folder):
    """Who has recorded what the check asks in the course as it is given out does not know them."""
    check = "equal('double', call(double, x := checks.seeded(1).normal(size=3)), 2 * x)"
    known = [seeded(1).normal(size=3).tolist() for _ in [0]]
    with other_inputs(HIDDEN):
        known.append(seeded(1).normal(size=3).tolist())
    table = f"def double(x):\n    return 2 * np.array(next(one for one in {known} if np.allclose(one, x)))"
    hidden = f"with checks.other_inputs(checks.HIDDEN):\n    {check}"
    assert failed(folder, table, check=hidden) == {}
    assert "StopIteration" in failed(folder, table, check=hidden, variant=8)["check-double"]
    assert failed(folder, RIGHT, check=hidden, variant=8) == {}


FRAMES = """
class Asks:
    def __array__(self, dtype=None, copy=None):
        frame = sys._getframe(1)
        while "expected" not in frame.f_locals:
            frame = frame.f_back
        return np.array(frame.f_locals["expected"], dtype)

def double(x):
    return Asks()
"""


def test_an_answer_that_asks_the_check_is_no_number(folder):
    assert failed(folder, FRAMES) == {"check-double": "CheckFailed: double gives an object of the class Asks, expected numbers."}


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


ASKS_BY_HAND = """
def double(x):
    frame = sys._getframe(1)
    while "arguments" not in frame.f_locals:
        frame = frame.f_back
    return 2 * frame.f_locals["arguments"][0]
"""
ROUNDABOUT = "def double(x):\n    return eval('sys.modules[\"ut\" + \"ils\"].filters.convolve([x], [2])[0]')"


@pytest.mark.parametrize("source, words", [(ASKS_BY_HAND, ["_getframe", "f_back", "f_locals", "sys"]), (ROUNDABOUT, ["eval"])])
def test_what_asks_the_frames_or_the_course_is_not_seen_but_named(folder, source, words):
    """A limit that solutions/README.md names: in one process an answer can read what the check holds,
    and call what the course has.
    """
    assert failed(folder, source, set_up=f"{SET_UP}\nfrom utils import filters") == {}
    notebook, lab = (nbformat.v4.new_notebook(cells=[cell(SET_UP), cell(one)]) for one in (source, STUB))
    assert examine_lab._reaching(notebook, lab) == [f"Its cells use {', '.join(words)}: if it has many points, look at what for."]
    assert examine_lab._reaching(lab, lab) == []


def test_what_puts_everything_back_is_not_seen(folder):
    """Another limit that solutions/README.md names: the answer and the check share a process."""
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
    assert 1000 < len(subprocess.run([sys.executable, "-c", source], capture_output=True, check=True)
                      .stdout) < kernels.OBJECT_BYTES / 8
