"""The mini-project without a browser: unit 06, run from the top. Called by course.py.

python -m utils.instructor.miniproject
"""
import json
import os
import shutil
import sys
import time
from pathlib import Path

import nbformat
from nbclient.exceptions import CellExecutionError, CellTimeoutError

from utils.instructor.execute import ROOT, run


def miniproject(final: Path = ROOT / "build" / "miniproject") -> int:
    """Run unit 06 and leave in `final` what a student would hand in, the notebook as HTML and summary.json."""
    from nbconvert import HTMLExporter

    path = ROOT / "solutions" / "06_mini_project" / "06_mini_project.ipynb"
    if not path.exists():
        print("miniproject: this copy of the course has no solutions; do the lab 06_mini_project with: "
              "python3 course.py lab", file=sys.stderr)
        return 1
    draft = final.with_name(final.name + ".part")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    variables = os.environ | {"COURSE_OUT": str(draft), "TQDM_DISABLE": "1"}
    try:
        notebook = run(path, variables, on_cell=progress(path))
    except (CellExecutionError, CellTimeoutError) as error:
        said = f"{error.ename}: {error.evalue}" if isinstance(error, CellExecutionError) else str(error)
        print(f"miniproject: {said}. Nothing of an earlier run was replaced.", file=sys.stderr)
        return 1
    page, _ = HTMLExporter().from_notebook_node(notebook)
    (draft / "06_mini_project.html").write_text(page, encoding="utf-8")
    for entry in (draft / "06_mini_project").iterdir():
        entry.rename(draft / entry.name)
    (draft / "06_mini_project").rmdir()
    replace_folder(draft, final)
    summary = json.loads((final / "summary.json").read_text(encoding="utf-8"))
    print(f"\n{final.name}/ holds {', '.join(sorted(entry.name for entry in final.iterdir()))}\n")
    print("\n".join(f"{name:16} {value:.4g}" for name, value in summary.items()))
    return 0


def progress(path: Path):
    """A function that prints a line for each code cell: its number, the seconds so far, the last heading before it."""
    notebook, start = nbformat.read(path, as_version=4), time.monotonic()
    headings, last = [], ""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            last = next((line.strip("# ") for line in cell.source.splitlines() if line.startswith("#")), last)
        headings.append(last)
    numbers = [index for index, cell in enumerate(notebook.cells) if cell.cell_type == "code"]

    def on_cell(index: int, cell) -> None:
        if cell.cell_type == "code":
            print(f"cell {numbers.index(index) + 1:2}/{len(numbers)} {time.monotonic() - start:5.0f} s  {headings[index]}",
                  flush=True)
    return on_cell


def replace_folder(draft: Path, final: Path) -> None:
    """Put `draft` in the place of `final`, so that at no time a half-written folder has that name."""
    old = final.with_name(final.name + ".old")
    shutil.rmtree(old, ignore_errors=True)
    if final.exists():
        final.rename(old)
    draft.rename(final)
    shutil.rmtree(old, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(miniproject())
