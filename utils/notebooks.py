"""For instructors: run notebooks, generate labs from solutions, run the mini-project. Called by course.py.

python -m utils.notebooks execute [UNIT ...] | release [--out DIR] | miniproject
"""
import hashlib
import json
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError

from utils.files import write_whole

ROOT = Path(__file__).resolve().parents[1]
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


# execute --------------------------------------------------------------------------------------------------------------

def execute(units: list[str]) -> int:
    """Run the lectures and solutions whose name contains one of `units` (all by default) and store them."""
    chosen = [path for path in sources() if not units or any(unit in path.stem for unit in units)]
    if not chosen:
        print(f"No notebook has {' or '.join(units)} in its name.", file=sys.stderr)
        return 2
    failed = 0
    for path in chosen:
        before, start = nbformat.read(path, as_version=4), time.monotonic()
        with tempfile.TemporaryDirectory() as out:
            try:
                after = run(path, environment(Path(out)))
            except (CellExecutionError, CellTimeoutError) as error:
                print(f"{path.relative_to(ROOT)}: {error}", file=sys.stderr)
                failed += 1
                continue
        normalise(after)
        write_whole(path, nbformat.writes(after) + "\n")
        same = compared(before) == compared(after)
        print(f"{path.relative_to(ROOT)}  {time.monotonic() - start:.0f} s  stored, what is compared is "
              f"{'as before' if same else 'new'}", flush=True)
    return 1 if failed else 0


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


# release --------------------------------------------------------------------------------------------------------------

def release(words: list[str]) -> int:
    """Generate labs/ from solutions/; with `--out DIR` make a tree for students there, without solutions and tests."""
    if words and (words[0] != "--out" or len(words) != 2):
        print("usage: course.py release [--out DIR]", file=sys.stderr)
        return 2
    generate_labs(ROOT / "labs")
    print(f"labs/ is generated: {', '.join(path.parent.name for path in sorted((ROOT / 'labs').glob('*/*.ipynb')))}")
    if words:
        return make_student_tree(Path(words[1]).resolve())
    return 0


def generate_labs(folder: Path) -> None:
    """Generate the lab of each solution into `folder`, with nbgrader, and README.md with the points of each.

    Raises RuntimeError with nbgrader's log if it fails.
    """
    from nbgrader.apps import NbGraderAPI
    from traitlets.config import PyFileConfigLoader

    config = PyFileConfigLoader("nbgrader_config.py", path=str(ROOT)).load_config()
    config.CourseDirectory.root = str(ROOT)
    with tempfile.TemporaryDirectory() as draft:
        config.CourseDirectory.release_directory = draft
        config.CourseDirectory.db_url = f"sqlite:///{draft}/gradebook.db"  # grades are not this command's business
        api = NbGraderAPI(config=config)
        for source in sorted((ROOT / "solutions").glob("*/*.ipynb")):
            done = api.generate_assignment(source.stem, force=True, create=True)
            if not done["success"]:
                raise RuntimeError(f"{source.stem}: {done['log']}")
            lab = folder / source.stem / source.name
            lab.parent.mkdir(parents=True, exist_ok=True)
            notebook = nbformat.read(Path(draft) / source.stem / source.name, as_version=4)
            # course.py tells by this mark whether a student's copy is of this version
            notebook.metadata["course"] = {"release": source_hash(notebook)[:12]}
            write_whole(lab, nbformat.writes(notebook) + "\n")
    write_whole(folder / "README.md", points_table(sorted(folder.glob("*/*.ipynb"))))


def points_table(labs: list[Path]) -> str:
    """A page with the tasks and points of each lab, and their sum, from what nbgrader counts."""
    lines = ["# Labs", "", "To work on them: `python3 course.py lab`. This page is made by `python3 course.py release`.", "",
             "| lab | title | tasks | points of each | points |", "|---|---|---|---|---|"]
    counted = []
    for path in labs:
        notebook = nbformat.read(path, as_version=4)
        marks = [cell.metadata.get("nbgrader", {}) for cell in notebook.cells]
        points = [mark["points"] for mark in marks if mark.get("grade")]
        title = notebook.cells[0].source.splitlines()[0].strip("# ")
        cells = [f"[{path.stem}]({path.stem}/{path.name})", title, len(points), " + ".join(map(str, points)), sum(points)]
        lines.append(f"| {' | '.join(map(str, cells))} |")
        counted += points
    return "\n".join([*lines, f"| all | | {len(counted)} | | {sum(counted)} |", ""])


def make_student_tree(out: Path) -> int:
    """Copy what students need to `out`, which must not be there yet."""
    if out.exists():
        print(f"release: {out.name} is there already: name a new folder.", file=sys.stderr)
        return 1
    draft = out.with_name(out.name + ".part")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    for name in ("lectures", "labs", "data", "utils"):
        shutil.copytree(ROOT / name, draft / name, ignore=shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints"))
    for name in ("README.md", "course.py", "pyproject.toml", "requirements.lock", "environment.yml", "LICENSE",
                 "CITATION.cff"):
        shutil.copy(ROOT / name, draft / name)
    draft.rename(out)
    print(f"{out.name}/ can be given to students.")
    return 0


# miniproject ----------------------------------------------------------------------------------------------------------

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
    command, words = sys.argv[1], sys.argv[2:]
    sys.exit({"execute": lambda: execute(words), "release": lambda: release(words), "miniproject": miniproject}[command]())
