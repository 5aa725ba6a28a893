"""Labs and their solutions as notebooks: the tasks, and a kernel that goes through a lab as a student would."""
import ast
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import nbformat
from jupyter_client.manager import start_new_kernel
from nbformat import NotebookNode

from utils.instructor.execute import CELL_SECONDS, ROOT, environment

HIDDEN = re.compile(r"### BEGIN HIDDEN TESTS\n(.*?)### END HIDDEN TESTS\n", re.DOTALL)
DEAD = "DeadKernelError"
KEEP = """
_given, _all, _section = {}, {}, {"task": False, "answers": False}

def begin_section(task):
    # Forget what a student who begins here does not have.
    import IPython
    mine = {name: value for name, value in globals().items() if name not in _machinery}
    _all.update(mine)
    if not (_section["task"] or _section["answers"]):
        _given.update(mine)
    for name in mine:
        del globals()[name]
    globals().update(_given if task else _all)
    _section.update(task=task, answers=False)

def uses_answers():
    _section["answers"] = True

_machinery = {*globals(), "In", "Out", "_machinery", *(f"_i{n}" for n in range(10000)), *(f"_{n}" for n in range(10000))}
"""


def units() -> list[str]:
    """The names of all labs, in the order of the course."""
    return sorted(folder.name for folder in (ROOT / "solutions").iterdir() if folder.is_dir())


def read(kind: str, unit: str) -> NotebookNode:
    """The notebook of a unit; `kind` is "labs" or "solutions"."""
    return nbformat.read(ROOT / kind / unit / f"{unit}.ipynb", as_version=4)


def mark(cell: NotebookNode) -> dict:
    """What nbgrader notes about a cell."""
    return cell.metadata.get("nbgrader", {})


def tasks(notebook: NotebookNode) -> list[tuple[NotebookNode, NotebookNode]]:
    """(cell with the answer, cell with the check) of each graded task."""
    cells = notebook.cells
    answers = [index for index, cell in enumerate(cells) if mark(cell).get("solution")]
    return [(cells[index], cells[index + 1]) for index in answers]


def answers(unit: str) -> dict[str, str]:
    """{task: the solution's code}."""
    return {mark(answer)["grade_id"]: answer.source for answer, _ in tasks(read("solutions", unit))}


def checks(unit: str, kind: str = "solutions") -> dict[str, str]:
    """{task: the code of its check}, in the solutions with hidden tests."""
    return {mark(answer)["grade_id"]: check.source for answer, check in tasks(read(kind, unit))}


def hidden_part(check: str) -> str:
    """The hidden tests of a check cell, "" if it has none."""
    return "".join(HIDDEN.findall(check))


def names(source: str, context: type[ast.expr_context]) -> set[str]:
    """The names that a cell loads (ast.Load), or binds outside of functions and classes (ast.Store)."""
    source = "" if source.startswith("%%") else re.sub(r"^(\s*)[%!].*$", r"\1pass", source, flags=re.MULTILINE)
    found, nodes = set(), [ast.parse(source)]
    while nodes:
        node = nodes.pop()
        if isinstance(node, ast.Name) and isinstance(node.ctx, context):
            found.add(node.id)
        if context is ast.Store and isinstance(node, ast.alias):
            found.add((node.asname or node.name).split(".")[0])
        if context is ast.Store and isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif not (context is ast.Store
                  and isinstance(node, ast.Lambda | ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp)):
            nodes += ast.iter_child_nodes(node)
    return found


def answered(unit: str) -> set[str]:
    """The names of the functions that a student of this lab writes."""
    return {name for source in answers(unit).values() if not source.startswith("%%") for name in names(source, ast.Store)}


class Kernel:
    """A Jupyter kernel in `folder`, on built-in data with the quick profile; what it writes goes below `out`."""

    def __init__(self, folder: Path, out: Path):
        self.manager, self.client = start_new_kernel(cwd=str(folder), env=environment(out),
                                                     extra_arguments=["--IPKernelApp.log_level=50"])

    def run(self, code: str, seconds: float = CELL_SECONDS) -> tuple[str, str]:
        """Run code: the exception it raised ("" for none) as "name: text", and what it wrote on standard error or gave as a
        value.

        Code that takes more than `seconds` is interrupted, and counts as a TimeoutError. After a DeadKernelError only `restart`
        helps.
        """
        errors = []

        def listen(message: dict) -> None:
            if message["msg_type"] == "stream" and message["content"]["name"] == "stderr":
                errors.append(message["content"]["text"])
            if message["msg_type"] == "execute_result":
                errors.append(f"value {message['content']['data']}")
        try:
            reply = self.client.execute_interactive(code, output_hook=listen, timeout=seconds)["content"]
        except TimeoutError:
            with suppress(TimeoutError):  # of a kernel that does not listen any more
                if self.manager.is_alive():
                    self.manager.interrupt_kernel()
                    self.client.execute_interactive("", timeout=60)
                    return f"TimeoutError: this cell runs for more than {seconds:g} s:\n{code}", ""
            return f"{DEAD}: this cell ends the kernel:\n{code}", ""
        return (f"{reply['ename']}: {reply['evalue']}" if reply["status"] == "error" else ""), "".join(errors)

    def restart(self) -> None:
        """A new kernel in the place of one that has ended; nothing is defined in it."""
        self.manager.restart_kernel(now=True)
        self.client.wait_for_ready(timeout=60)

    def close(self) -> None:
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)


def walk(kernel: Kernel, unit: str) -> Iterator[tuple[str, str]]:
    """Go through the lab of a unit: (task, its stub) where an answer is to be written, with what is given before it run.

    Whoever takes the task leaves the right answer in the kernel. A section begins with a heading "## ...". Before a task, all
    names go that come neither from that task nor from what is given outside of tasks: so each task runs after a restart of
    the kernel. Other sections may use every answer; those after the last task are left out. Raises RuntimeError for a given cell
    that raises.
    """
    functions, cells = answered(unit), read("labs", unit).cells
    kernel.run(KEEP)
    last = max(index for index, cell in enumerate(cells) if mark(cell).get("grade"))
    end = next((index for index in range(last, len(cells)) if cells[index].source.startswith("## ")), len(cells))
    for cell in cells[:end]:
        if heading := cell.cell_type == "markdown" and re.match("## (Task)?", cell.source):
            kernel.run(f"begin_section(task={bool(heading[1])})")
        if cell.cell_type != "code" or mark(cell).get("grade"):
            continue
        if mark(cell).get("grade_id"):
            yield mark(cell)["grade_id"], cell.source
            continue
        raised, _ = kernel.run(cell.source)
        if raised:
            raise RuntimeError(f"{cell.source}\n{raised}")
        if functions & names(cell.source, ast.Load):
            kernel.run("uses_answers()")
