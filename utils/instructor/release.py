"""The labs, generated from the solutions, and the tree that students get. Called by course.py.

python -m utils.instructor.release [--out DIR]
"""
import sys
import tempfile
from pathlib import Path

import nbformat

from utils.instructor.execute import source_hash
from utils.instructor.files import ROOT, write_whole
from utils.instructor.rules import lab_faults
from utils.instructor.student_tree import make_student_tree


def release(words: list[str]) -> int:
    """Generate labs/ from solutions/; with `--out DIR` make or renew a tree for students there, without solutions and tests."""
    if words and (words[0] != "--out" or len(words) != 2):
        print("usage: course.py release [--out DIR]", file=sys.stderr)
        return 2
    units = [path.stem for path in sorted((ROOT / "solutions").glob("*/*.ipynb"))]
    if broken := [fault for unit in units for fault in lab_faults(unit, ROOT)]:
        print("\n".join([*broken, "release: nothing was generated; the rules are in solutions/README.md."]), file=sys.stderr)
        return 1
    try:
        generate_labs(ROOT / "labs")
    except RuntimeError as error:
        print(f"release: {error}", file=sys.stderr)
        return 1
    print(f"labs/ is generated: {', '.join(path.parent.name for path in sorted((ROOT / 'labs').glob('*/*.ipynb')))}")
    if words:
        return make_student_tree(Path(words[1]).resolve())
    return 0


def generate_labs(folder: Path, units: str = "*") -> None:
    """Generate the labs of the solutions that fit the pattern `units` into `folder`, with nbgrader, and README.md with points.

    Raises RuntimeError with a sentence, before anything is written, if nbgrader refuses a notebook.
    """
    from nbgrader.apps import NbGraderAPI
    from traitlets.config import PyFileConfigLoader

    config = PyFileConfigLoader("nbgrader_config.py", path=str(ROOT)).load_config()
    config.CourseDirectory.root = str(ROOT)
    with tempfile.TemporaryDirectory() as draft:
        config.CourseDirectory.release_directory = draft
        config.CourseDirectory.db_url = f"sqlite:///{draft}/gradebook.db"  # grades are not this command's business
        api = NbGraderAPI(config=config)
        sources = sorted((ROOT / "solutions").glob(f"{units}/*.ipynb"))
        for source in sources:
            done = api.generate_assignment(source.stem, force=True, create=True)
            if not done["success"]:
                said = [line for line in (done["error"] or done["log"] or "").splitlines() if line.strip()]
                reason = said[-1] if said else "it gives no reason"
                raise RuntimeError(f"{source.relative_to(ROOT)}: nbgrader refuses it: {reason}.")
        for source in sources:
            lab = folder / source.stem / source.name
            lab.parent.mkdir(parents=True, exist_ok=True)
            notebook = nbformat.read(Path(draft) / source.stem / source.name, as_version=4)
            # course.py tells by this mark whether a student's copy is of this version
            notebook.metadata["course"] = {"release": source_hash(notebook)[:12]}
            write_whole(lab, nbformat.writes(notebook) + "\n")
    write_whole(folder / "README.md", points_table(sorted(folder.glob("*/*.ipynb"))))


def points_table(labs: list[Path]) -> str:
    """A page with the tasks and points of each lab, and their sum, from what nbgrader counts."""
    project = ("The 10 points of 06_mini_project are for its five tasks; the project that is handed in has 20 points of its own, "
               "by the rubric in that lab.")
    lines = ["# Labs", "", "<!-- made by course.py release -->", "To work on them: `python3 course.py lab`.", "", project, "",
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


if __name__ == "__main__":
    sys.exit(release(sys.argv[1:]))
