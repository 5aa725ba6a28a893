"""Notebooks: which there are, how one is run, and the command that runs them and stores their outputs. Called by course.py.

python -m utils.instructor.execute [UNIT ...]: names of units or parts of them, or of paths (solutions/01)
"""
import hashlib
import json
import os
import re
import sys
import tempfile
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

from utils.instructor.files import ROOT, write_whole
from utils.instructor.rules import faults

CELL_SECONDS = 600  # a cell that takes longer hangs: ten times what a quick notebook may take as a whole
IGNORED = "nbval-ignore-output"  # the tag of cells that show what was measured on a trained model


def sources() -> list[Path]:
    """The notebooks that are written by hand, lectures and solutions, in the order of the course."""
    return sorted([*ROOT.glob("lectures/*.ipynb"), *ROOT.glob("solutions/*/*.ipynb")], key=lambda path: path.name)


def environment(out: Path) -> dict[str, str]:
    """The environment in which outputs are made and compared: built-in data, quick profile, no progress bars."""
    kept = {name: value for name, value in os.environ.items() if name != "COURSE_DATA"}
    return kept | {"COURSE_PROFILE": "quick", "COURSE_OUT": str(out), "TQDM_DISABLE": "1"}


def code_cells(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def run(path: Path, variables: dict[str, str], on_cell=None) -> nbformat.NotebookNode:
    """The notebook, executed from the top in its own folder. `on_cell(number, cell)` is called before each code cell.

    Raises CellExecutionError for a cell that raises, and in the quick profile CellTimeoutError for one that takes more than
    CELL_SECONDS; both show the cell.
    """
    notebook = nbformat.read(path, as_version=4)
    seconds = CELL_SECONDS if variables.get("COURSE_PROFILE", "quick") == "quick" else None
    client = NotebookClient(notebook, timeout=seconds, kernel_name="python3", record_timing=False,
                            extra_arguments=["--IPKernelApp.log_level=50"],  # it warns of what a laptop need not fear
                            resources={"metadata": {"path": str(path.parent)}})
    if on_cell:
        client.on_cell_execute = lambda cell, cell_index: on_cell(cell_index, cell)
    client.execute(env=variables)
    return notebook


def execute(units: list[str]) -> int:
    """Run and store the lectures and solutions whose name, or path for a word with a slash, contains one of `units`, or all."""
    chosen = [path for path in sources() if not units
              or any(unit in (path.relative_to(ROOT).as_posix() if "/" in unit else path.stem) for unit in units)]
    if not chosen:
        print(f"No notebook has {' or '.join(units)} in its name.", file=sys.stderr)
        return 2
    failed = 0
    for path in chosen:
        if broken := faults(path, ROOT):
            print("\n".join(broken), file=sys.stderr)
            failed += 1
            continue
        before, start = nbformat.read(path, as_version=4), time.monotonic()
        cell = {}
        with tempfile.TemporaryDirectory() as out:
            try:
                after = run(path, environment(Path(out)), on_cell=lambda number, now: cell.update(id=now.id, source=now.source))
            except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
                print(f"{path.relative_to(ROOT)}, cell {cell['id']}: {said(error)}\n\n{cell['source']}", file=sys.stderr)
                failed += 1
                continue
        normalise(after)
        write_whole(path, nbformat.writes(after) + "\n")
        same = compared(before) == compared(after)
        print(f"{path.relative_to(ROOT)}  {time.monotonic() - start:.0f} s  stored, what is compared is "
              f"{'as before' if same else 'new'}", flush=True)
    return 1 if failed else 0


def said(error: Exception) -> str:
    """What stopped a cell, in a sentence: the exception and where it was raised, too much time, or the end of the kernel."""
    if isinstance(error, CellTimeoutError):
        return f"it runs for more than {CELL_SECONDS} seconds, expected less than a minute for the whole notebook."
    if isinstance(error, DeadKernelError):
        return "the kernel died, often because the memory was full."
    places = re.findall(r"^(?:File |Cell )(.+)$", re.sub(r"\x1b\[[\d;]*m", "", error.traceback), re.MULTILINE)
    return f"it raises {error.ename}: {error.evalue}" + (f" (at {places[-1]})." if places else ".")


def normalise(notebook: nbformat.NotebookNode) -> None:
    """Join printed text, and keep in the metadata only what is the same on every machine and the hash of the source."""
    for cell in code_cells(notebook):  # what a cell prints arrives in pieces that differ from run to run
        whole = []
        for output in cell.outputs:
            if whole and output.output_type == whole[-1].output_type == "stream" and output.name == whole[-1].name:
                whole[-1].text += output.text
            else:
                whole.append(output)
        cell.outputs = whole
    notebook.metadata = nbformat.from_dict({
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
        "course": {"source": source_hash(notebook)}})


def source_hash(notebook: nbformat.NotebookNode) -> str:
    """SHA-256 of everything but outputs: when it is not the stored one, the outputs are of another notebook."""
    text = json.dumps([[cell.cell_type, cell.source, cell.metadata] for cell in notebook.cells], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def compared(notebook: nbformat.NotebookNode) -> list:
    """What nbval compares of the outputs: not pictures, and nothing of the cells tagged IGNORED."""
    kept = []
    for cell in code_cells(notebook):
        outputs = [] if IGNORED in cell.metadata.get("tags", []) else [
            [output.output_type, output.get("text"),
             {kind: data for kind, data in output.get("data", {}).items() if not kind.startswith("image/")}]
            for output in cell.outputs]
        kept.append([cell.execution_count, outputs])
    return kept


if __name__ == "__main__":
    sys.exit(execute(sys.argv[1:]))
