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


def failed_hidden_checks(notebook: NotebookNode, checks: Mapping[str, str], set_up: Sequence[str], passed: Sequence[str],
                         config: Config, resources: dict) -> dict[str, NotebookNode]:
    """{grade_id of a check: the error of its hidden part} of an executed notebook, for the hidden checks that fail.

    checks  {grade_id of a check cell: its source with hidden tests}
    set_up  sources of the lab's cells before its first task
    passed  the checks whose visible part passed; the others are not asked
    """
    waiting = {name: hidden for name in passed if (hidden := hidden_part(checks[name]))}
    if not waiting:
        return {}
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    own = [definitions(cell.source) for cell in cells if not mark(cell).get("grade")]
    failed = _failed([*((source, "") for source in [*set_up, *own]), *((source, name) for name, source in waiting.items())], config, resources)
    again = {name: waiting[name] for name, error in failed.items() if MISSING.search(f"{error.ename}: {error.evalue}")}
    if not again:
        return failed
    whole = []
    for cell in cells:
        whole.append((HIDDEN.sub("", cell.source), ""))
        if (name := mark(cell).get("grade_id")) in again:
            whole.append((again[name], name))
    return {name: error for name, error in failed.items() if name not in again} | _failed(whole, config, resources)


def _failed(cells: Sequence[tuple[str, str]], config: Config, resources: dict) -> dict[str, NotebookNode]:
    """Run (source, grade_id of a hidden check or "") in a kernel of their own: the first error of each hidden check that fails."""
    notebook = nbformat.v4.new_notebook()
    for source, name in cells:
        metadata = {"nbgrader": {"grade": True, "grade_id": name}} if name else {}
        notebook.cells.append(nbformat.v4.new_code_cell(source, metadata=metadata))
    SandboxedExecute(config=config).preprocess(notebook, resources)
    return {mark(cell)["grade_id"]: error for cell in notebook.cells if mark(cell)
            for error in [output for output in cell.outputs if output.output_type == "error"][:1]}
