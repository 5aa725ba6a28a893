"""One student's notebook of a lab: taken in, run in kernels, its hidden checks asked.

Nothing here writes to the gradebook, so that many processes, also on other machines that see the folders, can do it at once.
"""
import ast
import re
import shutil
import warnings
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

import nbformat
from nbformat import NotebookNode

from utils.checks import HIDDEN
from utils.instructor.files import MachineFault, of_machine
from utils.instructor.grading import apart, clean_copy, handed_in, kernels, unchanged
from utils.instructor.labs import mark


# With these an answer can reach the check that calls it, or the kernel; right answers hardly ever use one.
REACHES = {"sys", "inspect", "gc", "ctypes", "eval", "exec", "get_ipython", "globals", "vars", "setattr", "_getframe",
           "f_locals", "f_back", "__dict__", "__code__", "__globals__", "__array__", "__float__", "__eq__", "__import__",
           "import_module"}


class Lab(NamedTuple):
    """A lab as students get it, {grade_id of a check cell: its source with hidden tests},
    and the variant of the inputs in these.
    """

    unit: str
    notebook: NotebookNode
    checks: Mapping[str, str]
    variant: int = HIDDEN


class Handed(NamedTuple):
    """What one student handed in of one lab: the student's code, the folder or zip file, and the stamp of its grading."""

    code: str
    source: Path
    stamp: str


class Examined(NamedTuple):
    """What was found.

    outputs  of each cell of the clean copy as it ran, None for a cell without; of a check whose hidden part failed, with that
             error; None for a submission that has no points
    notes    what was odd, as sentences
    settled  whether the next run may use this again
    """

    outputs: list[list[NotebookNode] | None] | None
    notes: list[str]
    settled: bool


def examine(one: Handed, lab: Lab, out: Path, seconds: int, isolated: bool) -> Examined:
    """Run a submission, from a clean copy in `out`/submitted; `seconds` for each cell, `isolated` in the sandbox.

    Whatever is wrong with it is a note, also that it may not be read; only faults of the machine that others will meet are
    raised.
    """
    warnings.simplefilter("ignore")  # of nbformat on a stranger's notebook
    copy = out / "submitted" / one.code / lab.unit
    try:
        shutil.rmtree(copy, ignore_errors=True)
        notes = handed_in.take_in(one.source, copy, lab.unit, lab.notebook)
        notebook = nbformat.read(copy / f"{lab.unit}.ipynb", as_version=4)
        died, beside = _run(notebook, lab, copy, out, seconds, isolated)
    except clean_copy.BadSubmission as problem:
        return Examined(None, [str(problem)], True)
    except Exception as error:  # a fault of the grader: it must not cost the others their grades
        if of_machine(error):
            raise  # the disk is full, say: so it will be for all others
        return stopped(error)
    odd = [*_odd(notebook, died, beside, seconds), *_reaching(notebook, lab.notebook)]
    return Examined([cell.get("outputs") for cell in notebook.cells], [*notes, *odd], True)


def stopped(error: Exception) -> Examined:
    """What is said where the grader itself failed at one submission, or may not read it."""
    said = clean_copy.plain(clean_copy.without_paths(str(error)), 200)
    said = said if isinstance(error, MachineFault) else f"The grader stopped with {type(error).__name__}: {said}."
    return Examined(None, [f"{said} Please look at this one yourself."], False)


def _run(notebook: NotebookNode, lab: Lab, copy: Path, out: Path, seconds: int, isolated: bool) -> tuple[str, list[str]]:
    """Run a notebook in place and add the errors of hidden checks: a sentence if its kernel died, or "", and what `apart` says of
    checks that ran beside its cells."""
    run = partial(kernels.run, handed=copy, seconds=seconds, isolated=isolated, scratch=out)
    first = next(number for number, cell in enumerate(lab.notebook.cells) if mark(cell))
    set_up = [cell.source for cell in lab.notebook.cells[:first] if cell.cell_type == "code"]
    hidden = apart.hidden_checks(lab.checks, set_up, notebook)
    own, notebook.cells = notebook.cells, apart.with_senders(notebook.cells, hidden)
    died = run(notebook)
    objects, notebook.cells = apart.sent(notebook.cells), own
    passed = {mark(cell)["grade_id"] for cell in own if mark(cell).get("grade") and not _errors([cell])}
    tasks = [cell.source for cell in lab.notebook.cells if mark(cell) and not mark(cell).get("grade")]
    asked = [check for check in hidden if check.name in passed]
    failed, beside = apart.failed_hidden_checks(notebook, asked, objects, set_up, tasks, run, lab.variant)
    for cell in own:
        if (name := mark(cell).get("grade_id")) in failed:
            cell.outputs.append(failed[name])
    return died, beside


def _errors(cells: list[NotebookNode]) -> list[str]:
    """The names of the exceptions that cells raised."""
    return [str(output.get("ename")) for cell in cells for output in cell.get("outputs", []) if output.output_type == "error"]


def _reaching(notebook: NotebookNode, lab: NotebookNode) -> list[str]:
    """What to tell of the words of REACHES in a student's cells."""
    given = {cell.source for cell in lab.cells}
    used = set().union(*(_words(cell.source) for cell in notebook.cells if cell.cell_type == "code" and cell.source not in given))
    found = sorted(used & REACHES)
    return [f"Its cells use {', '.join(found)}: if it has many points, look at what for."] if found else []


def _words(source: str) -> set[str]:
    """The names, attributes and parts of imported modules in a source, without magic lines; none where it is not Python,
    or a file.
    """
    if source.startswith("%%writefile"):
        return set()
    try:
        nodes = list(ast.walk(ast.parse(re.sub(r"^(\s*)[%!].*$", r"\1pass", source, flags=re.MULTILINE))))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set()
    texts = [getattr(node, field, None) for node in nodes for field in ("id", "attr", "name", "module")]
    return {word for text in texts if isinstance(text, str) for word in text.split(".")}


def _odd(notebook: NotebookNode, died: str, beside: list[str], seconds: int) -> list[str]:
    """What to tell of how a notebook ran."""
    notes, late = [], _errors(notebook.cells).count("CellTimeoutError")
    if late:
        notes.append(f"{late} cell{'s' * (late > 1)} did not end in time ({seconds} seconds) and got no points.")
    if beside:
        notes.append(f"Hidden checks that could not run apart, as a name was missing, ran beside the notebook's own cells: "
                     f"{', '.join(beside)}.")
    if unchanged.CHANGED in _errors(notebook.cells):
        notes.append("Hidden checks were not counted, as the notebook seems to replace what they use: see the student's page.")
    if died:
        why = "" if died == kernels.DIED else f"{died} "
        notes.append(f"{why}The kernel died on the way: what comes after that got no points.")
    return notes
