"""Hidden checks, run apart from what a student's notebook does: in kernels whose outputs nobody sees.

The notebook itself runs with the visible checks alone, so it never holds the hidden ones. They run in a second, fresh kernel that
gets the lab's own set-up cells and the definitions in the student's cells, both without what no check uses. What a check needs
besides (a trained network, say) the first kernel sends behind that check, pickled; only the second kernel unpickles it, after the
checks that do not need it. What cannot be pickled or is too large is missing there: then the whole notebook runs once more with
the hidden check in it. In both a check counts only if what it is made of is `unchanged` after it.
"""
import ast
import base64
import builtins
import re
import symtable
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import nbformat
from nbformat import NotebookNode

from utils import checks
from utils.instructor.grading import unchanged
from utils.instructor.grading.kernels import SENDS, error
from utils.instructor.labs import hidden_part, mark, names

DEFINITIONS = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
LIBRARIES = {"np", "numpy", "tf", "tensorflow", "math", "keras"}  # a constant may be made by a call of theirs
# What a check or its sentence says where an answer needs more than definitions.
MISSING = re.compile(r"\b(NameError|AttributeError|UnboundLocalError): ")
PICKLE = "application/octet-stream"
SEND = """
def _send(names):
    import base64, pickle
    from IPython.display import display
    for name in names:
        try:
            display({KIND: base64.b64encode(pickle.dumps(globals()[name])).decode()}, metadata={"name": name}, raw=True)
        except Exception:
            pass  # what cannot be pickled does not come
_send(NAMES)
del _send
"""


class Hidden(NamedTuple):
    """The hidden part of a check: the grade_id of its cell, its source, and the names that it needs besides definitions."""

    name: str
    source: str
    needs: list[str]


def definitions(source: str) -> str:
    """The imports, functions, classes and constants of a cell, as they are written; "" for a cell that is not Python.

    A cell that becomes a file by %%writefile defines it, and stays as it is, unless IPython would compute something in its first
    line. Class bodies, decorators and default values are part of a definition, and run.
    """
    if source.startswith("%%writefile "):
        return "" if re.search("[{$]", source.splitlines()[0]) else source
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ""
    lines, kept = source.splitlines(), []
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        parts = [part for target in targets for part in ast.walk(target)]
        named = parts and all(isinstance(part, ast.Name | ast.Tuple | ast.Store) for part in parts)
        if (named and node.value is not None and _constant(node.value)) or isinstance(node, DEFINITIONS):
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


def hidden_checks(checks: Mapping[str, str], set_up: Sequence[str], notebook: NotebookNode) -> list[Hidden]:
    """The hidden parts of `checks`, {grade_id of a check cell: its source with hidden tests}, for a student's notebook.

    set_up  sources of the lab's cells before its first task
    """
    bound = set(dir(builtins)).union(*(_bound(source) for source in (*set_up, *_definitions(notebook))))
    parts = {name: part for name, source in checks.items() if (part := hidden_part(source))}
    return [Hidden(name, part, sorted(_used(part) - names(part, ast.Store) - bound)) for name, part in parts.items()]


def with_senders(cells: Sequence[NotebookNode], hidden: Sequence[Hidden]) -> list[NotebookNode]:
    """The cells of a notebook, and behind each check whose hidden part needs objects a cell that sends them."""
    needs = {check.name: check.needs for check in hidden if check.needs}
    made = []
    for cell in cells:
        cell.metadata.pop(SENDS, None)  # a student's own
        made.append(cell)
        if (name := mark(cell).get("grade_id")) in needs:
            source = SEND.replace("NAMES", repr(needs[name])).replace("KIND", repr(PICKLE))
            made.append(nbformat.v4.new_code_cell(source, metadata={SENDS: name}))
    return made


def sent(cells: Sequence[NotebookNode]) -> dict[str, dict[str, str]]:
    """{grade_id of a check: {name: pickle in base64}} of what the cells of an executed notebook sent."""
    found: dict[str, dict[str, str]] = {}
    for cell in cells:
        if SENDS in cell.metadata:
            pickles = {str(output.metadata.get("name")): output.data[PICKLE] for output in cell.outputs
                       if output.output_type == "display_data" and isinstance(output.data.get(PICKLE), str)}
            found[cell.metadata[SENDS]] = {name: text for name, text in pickles.items() if _is_base64(text)}
    return found


def failed_hidden_checks(notebook: NotebookNode, hidden: Sequence[Hidden], objects: Mapping[str, Mapping[str, str]],
                         set_up: Sequence[str], tasks: Sequence[str], run: Callable[[NotebookNode], object],
                         variant: int = checks.HIDDEN) -> tuple[dict[str, NotebookNode], list[str]]:
    """{grade_id of a check: the error of its hidden part} of an executed notebook, for the hidden checks that fail, and the
    grade_ids of those that ran beside the notebook's own cells, as a name was missing without them.

    hidden   those to ask: of the tasks whose visible check passed
    objects  what the notebook's kernel `sent`
    set_up   sources of the lab's cells before its first task
    tasks    sources of its cells for answers, as it was given out
    run      runs the cells of a notebook in a kernel of their own
    variant  of the inputs
    """
    if not hidden:
        return {}, []
    sources = [check.source for check in hidden]
    given = set().union(*map(_used, sources)) - set().union(*map(_bound, tasks))
    needed = _needed([*set_up, *_definitions(notebook)], sources)
    own = [source for source in set_up if source in needed]
    cells = [(source, "") for source in needed[len(own):]]
    inputs = f"import utils.checks as _checks\n_checks.HIDDEN = {variant}"  # for the looks a part of the checks
    for check in sorted(hidden, key=lambda check: bool(check.needs)):  # what is unpickled could change the checks after it
        cells += [(_load(name, text), "") for name, text in objects.get(check.name, {}).items() if name in check.needs]
        cells.append((check.source, check.name))
    failed = _failed([*own, inputs], given, cells, run)
    again = {check.name: check.source for check in hidden
             if check.name in failed and MISSING.search(f"{failed[check.name].ename}: {failed[check.name].evalue}")}
    if not again:
        return failed, []
    whole = []
    for cell in notebook.cells:
        if cell.cell_type == "code":
            whole.append((cell.source, ""))
            if (name := mark(cell).get("grade_id")) in again:
                whole.append((again[name], name))
    imports = [_imports(source) for source in set_up]
    beside = _failed([*imports, inputs], given & set().union(*map(_bound, imports)), whole, run)
    return {name: error for name, error in failed.items() if name not in again} | beside, list(again)


def _definitions(notebook: NotebookNode) -> Iterator[str]:
    """The definitions of each of a student's code cells."""
    return (definitions(cell.source) for cell in notebook.cells if cell.cell_type == "code" and not mark(cell).get("grade"))


def _needed(cells: Sequence[str], sources: Sequence[str]) -> list[str]:
    """Those of the cells that bind a name which `sources` use, or a needed cell does, or bind none:
    training for a figure is slow.
    """
    used, kept = set().union(*map(_used, sources)), set()
    while more := {number for number, cell in enumerate(cells) if cell and (used & _bound(cell) or not _bound(cell))} - kept:
        kept |= more
        used = used.union(*(_used(cells[number]) for number in more))
    return [cells[number] for number in sorted(kept)]


def _used(source: str) -> set[str]:
    """The global names that a source uses, also in its functions and classes; none where it is not Python."""
    try:
        tables = [symtable.symtable(source, "cell", "exec")]
    except (SyntaxError, ValueError, RecursionError):
        return set()
    found = {symbol.get_name() for symbol in tables[0].get_symbols() if symbol.is_referenced()}
    while tables:
        table = tables.pop()
        tables += table.get_children()
        found |= {symbol.get_name() for symbol in table.get_symbols() if symbol.is_global() and symbol.is_referenced()}
    return found


def _bound(source: str) -> set[str]:
    try:
        return names(source, ast.Store)
    except (SyntaxError, ValueError):  # a cell that is not Python
        return set()


def _load(name: str, text: str) -> str:
    return f"import base64, pickle\n{name} = pickle.loads(base64.b64decode('{text}'))"


def _is_base64(text: str) -> bool:
    """Whether it may stand between quotes in a cell."""
    try:
        base64.b64decode(text, validate=True)
        return "\n" not in text
    except ValueError:
        return False


def _imports(source: str) -> str:
    """The import statements of a cell."""
    try:
        return "\n".join(ast.unparse(node) for node in ast.parse(source).body if isinstance(node, ast.Import | ast.ImportFrom))
    except (SyntaxError, ValueError):
        return ""


def _failed(first: Sequence[str], given: set[str], cells: Sequence[tuple[str, str]],
            run: Callable[[NotebookNode], object]) -> dict[str, NotebookNode]:
    """Run cells in a kernel of their own: an error for each hidden check that fails,
    or after which the checks are not `unchanged`.

    first  sources of the lab's own cells
    given  names that checks use as these cells leave them
    cells  (source, grade_id of a hidden check or "")
    """
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in (*first, unchanged.keep(given))])
    notebook.cells.append(before := unchanged.look())
    checks, looks = {}, {}
    for source, name in cells:
        notebook.cells.append(nbformat.v4.new_code_cell(unchanged.as_given(source) if name else source))
        if name:
            notebook.cells[-1].metadata["nbgrader"] = {"grade": True, "grade_id": name}
            checks[name], looks[name] = notebook.cells[-1], unchanged.look()
            notebook.cells.append(looks[name])
    run(notebook)
    failed = {name: output for name, cell in checks.items() for output in reversed(cell.outputs) if output.output_type == "error"}
    for name in checks.keys() - failed:
        if why := unchanged.changed(unchanged.seen(before), unchanged.seen(looks[name])):
            failed[name] = unchanged.stopped(looks[name]) or error(unchanged.CHANGED, why)
    return failed
