"""nbgrader's gradebook of a class, in the results folder: labs and their points go in, and what kernels found; tables come out.

One process alone writes to it, as it is a SQLite file.
"""
import csv
import json
import re
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.apps import NbGraderAPI
from nbgrader.converters import Autograde
from nbgrader.plugins import CsvExportPlugin
from nbgrader.preprocessors import Execute, NbGraderPreprocessor
from nbgrader.utils import is_grade, is_locked, is_solution, is_task
from traitlets import List
from traitlets.config import Config, PyFileConfigLoader

from utils.instructor.execute import ROOT
from utils.instructor.files import write_table
from utils.instructor.grading import clean_copy, students
from utils.instructor.grading.examine_lab import Lab
from utils.instructor.grading.class_folder import CannotGrade

DRAFT = ".draft-"  # begins the names of folders that a killed run leaves in the results
SOLUTIONS = ROOT / "solutions"
COLUMNS = ("unit", "student", "score", "max_score", "note")


class Recorded(NbGraderPreprocessor):
    """In the place of nbgrader's Execute: takes the outputs of a kernel that ran the notebook before."""

    outputs = List(help="of each cell, None for a cell without").tag(config=True)

    def preprocess(self, nb: NotebookNode, resources: dict) -> tuple[NotebookNode, dict]:
        for cell, outputs in zip(nb.cells, self.outputs, strict=True):
            if cell.cell_type == "code":
                cell.outputs = outputs or []
        return nb, resources


def configuration(out: Path, **extra: Any) -> Config:
    """nbgrader_config.py, with the folders of the results `out`."""
    config = PyFileConfigLoader("nbgrader_config.py", path=str(ROOT)).load_config()
    config.CourseDirectory.root = str(out)
    config.CourseDirectory.source_directory = str(SOLUTIONS)
    config.CourseDirectory.release_directory = "release"
    config.CourseDirectory.db_url = address(out)
    config.Autograde.autograde_preprocessors = [Recorded if part is Execute else part
                                                for part in Autograde.autograde_preprocessors.default_args[0]]
    config.merge(Config(extra))
    return config


def address(out: Path) -> str:
    return f"sqlite:///{out / 'gradebook.db'}"


def generate(out: Path, unit: str) -> Lab:
    """Put the solution of a unit, with its points and hidden tests, into the gradebook; gives its lab, as students get it.

    nbgrader refuses to add or take away cells of a lab that has been graded. Where that has happened, or somebody has deleted the
    gradebook, what is graded of the unit, or of all, is forgotten, as it has to be graded again.
    """
    if not (out / "gradebook.db").is_file():
        for state in (out / "state").glob("*.json"):
            state.unlink()
    if _other_cells(out, unit):
        with Gradebook(address(out)) as book, suppress(MissingEntry):
            book.remove_assignment(unit)
        for state in (out / "state").glob(f"*--{unit}.json"):
            state.unlink()
    with tempfile.TemporaryDirectory(prefix=DRAFT, dir=out) as draft:
        config = configuration(out)
        config.CourseDirectory.release_directory = draft
        done = NbGraderAPI(config=config).generate_assignment(unit, force=True, create=True)
        if not done["success"]:
            raise CannotGrade(f"nbgrader cannot generate {unit}: {_last_line(done)}")
        notebook = nbformat.read(Path(draft) / unit / f"{unit}.ipynb", as_version=4)
    with Gradebook(address(out)) as book:
        return Lab(unit, notebook, {cell.name: cell.source for cell in book.find_notebook(unit, unit).source_cells})


def _other_cells(out: Path, unit: str) -> bool:
    """Whether the gradebook knows other cells of a unit than its solution has, or does not know the unit."""
    cells = nbformat.read(SOLUTIONS / unit / f"{unit}.ipynb", as_version=4).cells
    with Gradebook(address(out)) as book:
        try:
            known = book.find_notebook(unit, unit)
        except MissingEntry:
            return True
        kinds = {is_grade: known.grade_cells, is_solution: known.solution_cells, is_task: known.task_cells,
                 lambda cell: is_grade(cell) or is_solution(cell) or is_locked(cell) or is_task(cell): known.source_cells}
        return any({cell.metadata.nbgrader["grade_id"] for cell in cells if of_kind(cell)} != {cell.name for cell in there}
                   for of_kind, there in kinds.items())


def record(out: Path, student: str, unit: str, outputs: Sequence[list[NotebookNode] | None]) -> str:
    """Let nbgrader grade the clean copy of a submission by the outputs of its cells: "", or why it could not.

    The points are then in the gradebook, the notebook with its outputs in autograded/.
    """
    config = configuration(out, Recorded={"outputs": list(outputs)})
    done = NbGraderAPI(config=config).autograde(unit, student, force=True, create=True)
    if "KeyboardInterrupt" in done.get("error", ""):  # nbgrader catches it
        raise KeyboardInterrupt
    return "" if done["success"] else f"nbgrader could not grade it ({_last_line(done)}): look at it yourself."


def no_points(out: Path, student: str, unit: str) -> None:
    with Gradebook(address(out)) as book:
        book.update_or_create_student(student)
        book.update_or_create_submission(unit, student)
        for grade in book.find_submission_notebook(unit, unit, student).grades:
            grade.auto_score, grade.needs_manual_grade = 0, False
        book.db.commit()


def score(out: Path, student: str, unit: str) -> tuple[float, float]:
    """Points of a graded submission, and their maximum."""
    with Gradebook(address(out)) as book:
        found = book.find_submission(unit, student)
        return found.score, found.max_score


def points(out: Path, student: str, unit: str) -> dict[str, tuple[float, float]]:
    """{grade_id of a check cell: (points, maximum)} of a graded submission."""
    with Gradebook(address(out)) as book:
        return {grade.name: (grade.score, grade.max_score) for grade in book.find_submission_notebook(unit, unit, student).grades}


def read_state(path: Path) -> dict[str, str]:
    """Stamp and note of a graded submission, and the folder that its student handed in; a damaged file is as none."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return {name: str(found[name]) for name in ("stamp", "note", "folder")}
    except (OSError, ValueError, KeyError, TypeError):
        return {"stamp": "", "note": "", "folder": path.stem.rsplit("--", 1)[0]}


def write_tables(out: Path) -> None:
    """grades.csv by nbgrader's exporter, Moodle's worksheets, and report.csv: what was odd about each submission. Rows are sorted
    by lab and name."""
    rows, shown, sheets = [], {}, defaultdict(list)
    with Gradebook(address(out)) as book:
        draft = out / "grades.csv.part"
        CsvExportPlugin(to=str(draft)).export(book)
        with open(draft, encoding="utf-8", newline="") as exported:
            table = csv.DictReader(exported)
            grades, columns = list(table), table.fieldnames or []
        draft.unlink(missing_ok=True)
        for path in sorted((out / "state").glob("*.json")):
            code, unit = path.stem.rsplit("--", 1)
            found, state = book.find_submission(unit, code), read_state(path)
            student, points = students.student(state["folder"]), (found.score, found.max_score, state["note"])
            shown[code] = student.shown
            rows.append((unit, student.shown, *points))
            sheets[unit].append((student, *points))
    grades = [row | {"student_id": shown.get(row["student_id"], row["student_id"])} for row in grades]
    write_table(out / "grades.csv", columns, sorted(grades, key=lambda row: (row["assignment"], row["student_id"])))
    for unit, sheet in sheets.items():
        students.write_worksheet(out, unit, sorted(sheet))
    write_table(out / "report.csv", COLUMNS, [dict(zip(COLUMNS, row)) for row in sorted(rows)])


def _last_line(done: dict) -> str:
    lines = [line.strip() for line in f"{done.get('error', '')}\n{done.get('log', '')}".splitlines()]
    lines = [line for line in lines if re.match(r"[\w.]*(Error|Exception): ", line)]
    return clean_copy.plain(lines[-1] if lines else "no reason given", 200)
