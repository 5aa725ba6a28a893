"""No lecture prints the answer of a lab: not in its code, its prose or its outputs, with whatever names or in another form."""
import ast
import contextlib
import copy
import re
import textwrap
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import nbformat
import numpy as np
import pytest

from utils.checks import CheckFailed
from utils.instructor import labs
from utils.instructor.execute import ROOT, code_cells

LEAST = 14  # nodes of a syntax tree: a smaller part, such as np.mean(x, axis=1), is nobody's answer
SHARE = 0.25  # of the parts of an answer that may occur in one lecture: definitions and library calls look alike
HARMLESS = {("04_densenet_gender", "train"): "one call of training.fit, which the lectures of other units make too"}
LIBRARIES = {"np", "tf", "keras", "training", "plot", "range", "len", "zip", "enumerate", "sum", "max", "min", "abs",
             "int", "float"}


class Numbered(ast.NodeTransformer):
    """Names of one's own become v0, v1, ... in the order in which they come; docstrings and annotations go."""

    def __init__(self):
        self.names = {}

    def visit_Name(self, node: ast.Name) -> ast.Name:
        return node if node.id in LIBRARIES else ast.Name(self.names.setdefault(node.id, f"v{len(self.names)}"), node.ctx)

    def visit_arg(self, node: ast.arg) -> ast.arg:
        return ast.arg(self.names.setdefault(node.arg, f"v{len(self.names)}"), None)


def parts(code: str) -> dict[str, str]:
    """{statement or expression with numbered names: as it stands} of a piece of code, {} of what is no Python."""
    code = "" if code.startswith("%%") else re.sub(r"^(\s*)[%!].*$", r"\1pass", code, flags=re.MULTILINE)
    try:
        nodes = [node for node in ast.walk(ast.parse(textwrap.dedent(code))) if isinstance(node, ast.stmt | ast.expr)]
    except SyntaxError:
        return {}
    large = [node for node in nodes
             if not isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Expr | ast.FormattedValue | ast.JoinedStr | ast.Slice)
             and sum(1 for _ in ast.walk(node)) >= LEAST]
    return {ast.dump(Numbered().visit(copy.deepcopy(node))): ast.unparse(node) for node in large}


def of_lecture(notebook) -> dict[str, str]:
    pieces = [cell.source for cell in code_cells(notebook)]
    pieces += [fence for cell in notebook.cells if cell.cell_type == "markdown"
               for fence in re.findall(r"```(?:python)?\n(.*?)```", cell.source, re.DOTALL)]
    pieces += ["".join(output.get("text", "")) for cell in code_cells(notebook) for output in cell.outputs]
    return {key: text for piece in pieces for key, text in parts(piece).items()}


def of_answer(source: str) -> dict[str, str]:
    return {key: text for region in re.findall(r"### BEGIN SOLUTION\n(.*?)### END SOLUTION", source, re.DOTALL)
            for key, text in parts("def f():\n" + textwrap.indent(textwrap.dedent(region), "    ")).items()}


@pytest.mark.parametrize("path", sorted(ROOT.glob("lectures/*.ipynb")), ids=lambda path: path.stem)
def test_no_answer_is_in_a_lecture(path):
    lecture = of_lecture(nbformat.read(path, as_version=4))
    shown = {(unit, task): printed(lecture, source) for unit in labs.units() for task, source in labs.answers(unit).items()}
    assert not [(where, said) for where, said in shown.items() if said and where not in HARMLESS]


def printed(lecture: dict[str, str], source: str) -> str:
    """How many parts of an answer are in the lecture, and the longest of them; "" if they are few."""
    answer = of_answer(source)
    same = [text for key, text in answer.items() if key in lecture]
    return f"{len(same)} of {len(answer)} parts, among them\n{max(same, key=len)}" if len(same) > SHARE * len(answer) else ""


def test_one_part_of_a_short_answer_is_found():
    short = [source for unit in labs.units() for source in labs.answers(unit).values() if 0 < len(of_answer(source)) < 4]
    assert len(short) > 9 and all(printed(dict([part]), source) for source in short for part in of_answer(source).items())


def test_an_answer_is_found_under_other_names():
    answer = of_answer("def g(x):\n    ### BEGIN SOLUTION\n    y = np.sqrt(np.sum(x**2, axis=1, keepdims=True))\n    return x / "
                       "np.maximum(y, 1)\n    ### END SOLUTION\n")
    given = parts("length = np.sqrt(np.sum(rows**2, axis=1, keepdims=True))\nprint(rows / np.maximum(length, 1))")
    assert answer and {key for key, text in answer.items() if not text.startswith("return")} <= given.keys()
    assert not answer.keys() & parts("np.sqrt(np.sum(x**3, axis=1, keepdims=True))").keys()


# run as answers, in whatever form ------------------------------------------------------------------------------------

# labs with answers in NumPy
NUMPY = [path for unit in ("01", "02", "03", "09", "10", "11") for path in sorted(ROOT.glob(f"lectures/{unit}_*.ipynb"))]


def defined_in(lecture: Path) -> list[Callable]:
    """The functions that a lecture defines, each by itself: with what the notebook imports, and without its variables."""
    names, found = {"__name__": lecture.stem}, []
    for node in (node for cell in code_cells(nbformat.read(lecture, as_version=4)) for node in ast.parse(cell.source).body
                 if isinstance(node, ast.Import | ast.ImportFrom | ast.FunctionDef)):
        with contextlib.suppress(NameError):  # of a variable among the defaults
            exec(compile(ast.Module([node], []), lecture.stem, "exec"), names)
            found += [names[node.name]] if isinstance(node, ast.FunctionDef) else []
    return found


def passed(unit: str, functions: list[Callable]) -> list[str]:
    """The answers of a lab in whose place one of the functions passes the check; each check of one answer is tried."""
    checks, found = import_module(f"utils.checks.lab{unit[:2]}"), []
    for check, answer in re.findall(r"^lab\d\d\.(\w+)\((\w+)\)$", "\n".join(labs.checks(unit, "labs").values()), re.MULTILINE):
        for function in functions:
            with contextlib.suppress(CheckFailed):
                getattr(checks, check)(function)
                found.append(answer)
    return found


@pytest.mark.parametrize("lecture", NUMPY, ids=lambda path: path.stem)
def test_no_function_of_the_lecture_is_an_answer(lecture):
    assert not passed(re.sub(r"_2$", "", lecture.stem), defined_in(lecture))


def test_an_answer_in_another_form_is_found():
    def in_one_sum(x, w):
        windows = np.lib.stride_tricks.sliding_window_view(x, w.shape)
        return np.einsum(windows, range(2 * x.ndim), w, range(x.ndim, 2 * x.ndim))

    assert "convolve" in passed("01_convolution_filters", [in_one_sum])
