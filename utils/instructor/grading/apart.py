"""Hidden checks, run apart from what a student's notebook does: in kernels whose outputs nobody sees.

The notebook itself runs with the visible checks alone, so it never holds the hidden ones. They run in a second, fresh kernel that gets the
lab's own set-up cells and of the student's cells the definitions only. Where a check needs more (a trained network, say), the whole
notebook runs once more with the hidden check in it.
"""
import ast
import re
from collections.abc import Mapping, Sequence

import nbformat
from nbformat import NotebookNode
from traitlets.config import Config

from utils.instructor.grading.kernels import SandboxedExecute
from utils.instructor.labs import HIDDEN, hidden_part, mark

LIBRARIES = {"np", "numpy", "tf", "tensorflow", "math", "keras"}  # a constant may be made by a call of theirs
# What a check or its sentence says where an answer needs more than definitions.
MISSING = re.compile(r"\b(NameError|AttributeError|UnboundLocalError): ")
Verdicts = dict[str, NotebookNode | None]  # {grade_id of a check: the error of its hidden part, None where it passed}


def definitions(source: str) -> str:
    """The imports, functions, classes and constants of a cell, as they are written; "" for a cell that is not Python."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ""
    lines, kept = source.splitlines(), []
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        named = targets and all(isinstance(part, ast.Name | ast.Tuple | ast.Store) for target in targets for part in ast.walk(target))
        if (named and node.value is not None and _constant(node.value)) or isinstance(node, ast.Import | ast.ImportFrom | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            first = min([node.lineno, *(decorator.lineno for decorator in getattr(node, "decorator_list", []))])
            kept += lines[first - 1:node.end_lineno]
    return "\n".join(kept)


def _constant(value: ast.expr) -> bool:
    """Whether an expression calls nothing but libraries: literals, names, arithmetic, `np.array([...])`."""
    for node in ast.walk(value):
        if isinstance(node, ast.Call):
            called = node.func
            while isinstance(called, ast.Attribute):
                called = called.value
            if not (isinstance(node.func, ast.Attribute) and isinstance(called, ast.Name) and called.id in LIBRARIES):
                return False
        elif isinstance(node, ast.Await | ast.Yield | ast.YieldFrom | ast.NamedExpr):
            return False
    return True


def hidden_checks(notebook: NotebookNode, checks: Mapping[str, str], set_up: Sequence[str], passed: Sequence[str], config: Config,
                  resources: dict) -> tuple[Verdicts, list[str]]:
    """What the hidden checks say of an executed notebook, and the checks for which the whole notebook had to run again.

    checks  {grade_id of a check cell: its source with hidden tests}
    set_up  sources of the lab's cells before its first task
    passed  the checks whose visible part passed; the others are not asked
    """
    waiting = {name: hidden_part(checks[name]) for name in passed if hidden_part(checks[name])}
    if not waiting:
        return {}, []
    own = [definitions(cell.source) for cell in notebook.cells if cell.cell_type == "code" and not mark(cell).get("grade")]
    verdicts = _run([*set_up, *filter(None, own)], waiting, config, resources)
    again = [name for name, error in verdicts.items() if error is not None and MISSING.search(f"{error.ename}: {error.evalue}")]
    if again:
        cells = [(cell.source, mark(cell).get("grade_id")) for cell in notebook.cells if cell.cell_type == "code"]
        verdicts |= _run_whole(cells, {name: waiting[name] for name in again}, config, resources)
    return verdicts, again


def _run(sources: Sequence[str], waiting: Mapping[str, str], config: Config, resources: dict) -> Verdicts:
    """Run cells, then each of the hidden checks `waiting`, in a kernel of its own."""
    return _verdicts([*((source, None) for source in sources), *((source, name) for name, source in waiting.items())], config, resources)


def _run_whole(cells: Sequence[tuple[str, str | None]], waiting: Mapping[str, str], config: Config, resources: dict) -> Verdicts:
    """Run all cells of the notebook, and behind each check of `waiting` its hidden part."""
    placed = []
    for source, name in cells:
        placed.append((HIDDEN.sub("", source), None))
        if name in waiting:
            placed.append((waiting[name], name))
    return _verdicts(placed, config, resources)


def _verdicts(cells: Sequence[tuple[str, str | None]], config: Config, resources: dict) -> Verdicts:
    notebook = nbformat.v4.new_notebook()
    for source, name in cells:
        cell = nbformat.v4.new_code_cell(source)
        if name:
            cell.metadata["nbgrader"] = {"grade": True, "grade_id": name}
        notebook.cells.append(cell)
    SandboxedExecute(config=config).preprocess(notebook, resources)
    return {mark(cell)["grade_id"]: next((output for output in cell.outputs if output.output_type == "error"), None)
            for cell in notebook.cells if mark(cell)}
