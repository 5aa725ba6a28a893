"""Grade the labs of a class with nbgrader: its commands with the course's folders, its kernels in the sandbox.

Called by course.py:

python -m utils.instructor.autograde autograde DIR [UNIT ...] | feedback DIR [UNIT ...]

DIR holds STUDENT/UNIT/UNIT.ipynb, as nbgrader's own submitted/, or is what Moodle delivers. Nothing in it is changed. In DIR-graded, beside it, are clean
copies (submitted/), what nbgrader makes of them (autograded/, feedback/, gradebook.db, grades.csv), and report.csv with a
sentence on what was odd.
"""
import argparse
import csv
import json
import re
import shutil
import sys
import tempfile
import warnings
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbgrader.api import Gradebook
from nbgrader.apps import NbGraderAPI
from nbgrader.converters import Autograde
from nbgrader.plugins import CsvExportPlugin
from nbgrader.preprocessors import Execute
from traitlets.config import Config, PyFileConfigLoader

from utils.instructor.grading import apart, lab_pages, sandbox, stamp, students, submission
from utils.instructor.grading.grade import CannotGrade, alone
from utils.instructor.grading.kernels import SandboxedExecute, remove_kernel
from utils.instructor.grading.students import Student
from utils.instructor.execute import ROOT
from utils.instructor.labs import mark
from utils.instructor.files import MachineFault, machine_faults, of_machine, write_table, write_whole

CELL_SECONDS = 120  # for one cell; the slowest one of a right answer takes 20 s on two cores
EXPECTED = "expected DIR/STUDENT/UNIT/UNIT.ipynb, for example DIR/ada/01_convolution_filters/01_convolution_filters.ipynb"
COLUMNS = ("unit", "student", "score", "max_score", "note")


def configuration(out: Path, **extra: Any) -> Config:
    """nbgrader_config.py, with the folders of the results `out`."""
    config = PyFileConfigLoader("nbgrader_config.py", path=str(ROOT)).load_config()
    config.CourseDirectory.root = str(out)
    config.CourseDirectory.source_directory = str(ROOT / "solutions")
    config.CourseDirectory.release_directory = "release"
    config.CourseDirectory.db_url = _database(out)
    config.OverwriteCells.add_missing_cells = True
    config.Autograde.autograde_preprocessors = [SandboxedExecute if part is Execute else part
                                                for part in Autograde.autograde_preprocessors.default_args[0]]
    config.merge(Config(extra))
    return config


# autograde ------------------------------------------------------------------------------------------------------------

def autograde(folder: Path, units: Sequence[str] = (), *, seconds: int = CELL_SECONDS, isolated: bool = True) -> Path:
    """Grade what a class handed in, without what is graded already and has not changed; gives the folder of the results.

    units    names of units, or parts of them; all by default
    seconds  for each cell

    Raises CannotGrade and sandbox.SandboxMissing before anything is run.
    """
    sources = _handed_in(folder, units)
    out = results_folder(folder)
    with machine_faults(f"The results cannot be written to {out}"):
        out.mkdir(exist_ok=True)
    with machine_faults("Grading stopped"), alone(out):
        if isolated:
            sandbox.check()
        labs = {unit: _generate(out, unit) for unit in sorted({unit for _, unit in sources})}
        course = stamp.of_course()
        for left in out.glob(".kernel-*"):
            remove_kernel(left)
        for (code, unit), (student, source) in sources.items():
            state = out / "state" / f"{code}--{unit}.json"
            mark = stamp.of_submission(source, course, stamp.of_tree(ROOT / "solutions" / unit), str(seconds), str(isolated))
            if state.is_file() and _state(state)["stamp"] == mark != "":
                continue
            try:
                notes, settled = _grade_one(out, code, unit, source, labs[unit], seconds, isolated)
            except Exception as error:  # a fault of the grader: it must not cost the others their grades
                if of_machine(error):
                    raise
                _no_points(out, code, unit)
                notes, settled = [f"The grader stopped with {type(error).__name__}: {submission.plain(str(error), 200)}. "
                                  f"Please look at this one yourself."], False
            state.parent.mkdir(exist_ok=True)
            write_whole(state, json.dumps({"stamp": mark if settled else "", "note": " ".join(notes), "folder": student.folder},
                                          ensure_ascii=False))
            print(f"{unit}  {student.shown}  {_score(out, code, unit):g}  {' '.join(notes)}".rstrip(), flush=True)
            write_tables(out)
        write_tables(out)
    return out


def _state(path: Path) -> dict[str, str]:
    """Stamp and note of a graded submission, and the folder that its student handed in; a damaged file is as none."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return {name: str(found[name]) for name in ("stamp", "note", "folder")}
    except (OSError, ValueError, KeyError, TypeError):
        return {"stamp": "", "note": "", "folder": path.stem.rsplit("--", 1)[0]}


def _handed_in(folder: Path, units: Sequence[str]) -> dict[tuple[str, str], tuple[Student, Path]]:
    """The submissions in `folder`, as `students.handed_in` gives them. Raises CannotGrade."""
    if not folder.is_dir():
        raise CannotGrade(f"There is no folder {folder}: {EXPECTED}.")
    known = sorted(path.name for path in (ROOT / "solutions").iterdir() if path.is_dir())
    chosen = [unit for unit in known if not units or any(part in unit for part in units)]
    if not chosen:
        raise CannotGrade(f"No unit has {' or '.join(units)} in its name: they are {', '.join(known)}.")
    found = students.handed_in(folder, chosen)
    if not found:
        raise CannotGrade(f"{folder} holds no lab{' of these units' if units else ''}: {EXPECTED}.")
    return found


def results_folder(folder: Path) -> Path:
    return folder.with_name(folder.name + "-graded")


def _generate(out: Path, unit: str) -> NotebookNode:
    """Put the solution of a unit, with its hidden tests, into the gradebook; gives its lab, as students get it."""
    with tempfile.TemporaryDirectory() as draft:
        config = configuration(out)
        config.CourseDirectory.release_directory = draft
        done = NbGraderAPI(config=config).generate_assignment(unit, force=True, create=True)
        if not done["success"]:
            raise CannotGrade(f"nbgrader cannot generate {unit}: {_last_line(done)}")
        return nbformat.read(Path(draft) / unit / f"{unit}.ipynb", as_version=4)


def _grade_one(out: Path, student: str, unit: str, source: Path, lab: NotebookNode, seconds: int,
               isolated: bool) -> tuple[list[str], bool]:
    """Take one submission in and let nbgrader grade it; a broken one gets no points.

    Gives what was odd, as sentences, and whether that is settled; if not, the next run tries again.
    """
    copy, made = (out / kind / student / unit for kind in ("submitted", "autograded"))
    for old in (copy, made):
        shutil.rmtree(old, ignore_errors=True)
    try:
        notes = take_in(source, copy, unit, {mark(cell)["grade_id"]: cell for cell in lab.cells if mark(cell)})
    except submission.BadSubmission as problem:
        _no_points(out, student, unit)
        return [str(problem)], True
    config = configuration(out, SandboxedExecute={"timeout": seconds},
                           SandboxedKernel={"handed": str(copy), "isolated": isolated, "scratch": str(out)})
    done = NbGraderAPI(config=config).autograde(unit, student, force=True, create=True)
    if "KeyboardInterrupt" in done.get("error", ""):  # nbgrader catches it
        raise KeyboardInterrupt
    if not done["success"]:
        shutil.rmtree(made, ignore_errors=True)
        _no_points(out, student, unit)
        return [*notes, f"nbgrader could not grade it ({_last_line(done)}): look at it yourself."], False
    _ask_hidden_checks(out, student, unit, lab, made / f"{unit}.ipynb", config)
    cells = nbformat.read(made / f"{unit}.ipynb", as_version=4).cells
    errors = [output.get("ename") for cell in cells for output in cell.get("outputs", [])]
    if late := errors.count("CellTimeoutError"):
        notes.append(f"{late} cell{'s' * (late > 1)} did not end in time ({seconds} seconds) and got no points.")
    if "DeadKernelError" in errors:
        notes.append("The kernel died on the way: what comes after that got no points.")
    return notes, True


def _ask_hidden_checks(out: Path, student: str, unit: str, lab: NotebookNode, path: Path, config: Config) -> None:
    """Take the points of the tasks whose hidden checks fail, in the gradebook and in the graded notebook."""
    notebook, points = nbformat.read(path, as_version=4), _points(out, student, unit)
    with Gradebook(_database(out)) as book:
        checks = {cell.name: cell.source for cell in book.find_notebook(unit, unit).source_cells}
    first = next(number for number, cell in enumerate(lab.cells) if mark(cell))
    set_up = [cell.source for cell in lab.cells[:first] if cell.cell_type == "code"]
    passed = [name for name, (score, _) in points.items() if score]
    failed = apart.failed_hidden_checks(notebook, checks, set_up, passed, config, {"metadata": {"path": str(path.parent)}})
    for cell in notebook.cells:
        if (name := mark(cell).get("grade_id")) in failed:
            cell.outputs.append(failed[name])
    write_whole(path, nbformat.writes(notebook) + "\n")
    with Gradebook(_database(out)) as book:
        for grade in book.find_submission_notebook(unit, unit, student).grades:
            if grade.name in failed:
                grade.auto_score = 0
        book.db.commit()


def take_in(source: Path, target: Path, unit: str, given: dict[str, NotebookNode]) -> list[str]:
    """Copy a submission to the new folder `target`, with the marks by which nbgrader knows its cells as they were `given` out.

    What is missing is put back as it was given out, so that it costs the points of its task and no others.

    Gives what was odd, as sentences. Raises submission.BadSubmission if there is no notebook that can be read.
    """
    notes = submission.take_in(source, target)
    path = target / f"{unit}.ipynb"
    if not path.is_file() and len(deeper := sorted(target.rglob(path.name))) == 1:  # in a folder, as it was packed
        for entry in deeper[0].parent.iterdir():
            if not (target / entry.name).exists():
                entry.rename(target / entry.name)
    if not path.is_file():
        raise submission.BadSubmission(f"There is no {unit}.ipynb in it: hand in the notebook under its own name.")
    try:
        notebook = nbformat.reads(path.read_text(encoding="utf-8-sig"), as_version=4)  # some editors put a mark before it
        nbformat.validate(notebook)
    except MemoryError:
        raise
    except Exception as error:  # a stranger's file: nbformat raises whatever comes
        raise submission.BadSubmission(f"{unit}.ipynb is not a notebook ({type(error).__name__}): hand in the file as Jupyter "
                                       f"saves it.") from None
    seen: list[str] = []
    for cell in reversed(notebook.cells):  # of two cells with the same mark nbgrader keeps the last
        mark = cell.metadata.get("nbgrader")
        name = mark.get("grade_id") if isinstance(mark, dict) else None
        name = name if isinstance(name, str) else repr(name)
        if name in given and name not in seen:
            cell.metadata = nbformat.from_dict(given[name].metadata)
            seen.append(name)
        elif mark is not None:
            notes.append(f"The cell {submission.plain(str(name))} is there twice: the last one counts." if name in seen else
                         f"A cell has the unknown mark {submission.plain(str(name))}.")
            cell.metadata = nbformat.from_dict({})
        else:
            cell.metadata.pop("tags", None)  # a tag can keep a cell from being run
    if lost := [name for name in given if name not in seen]:
        notes.append(f"Missing: {', '.join(lost)}. They were put back as they were given out.")
        _put_back(notebook, given, lost)
    write_whole(path, nbformat.writes(notebook) + "\n")
    return notes


def _put_back(notebook: NotebookNode, given: dict[str, NotebookNode], lost: list[str]) -> None:
    """Insert the `given` cells that are `lost`, each behind the one before it in the lab, the first ones at the end of the notebook."""
    names = list(given)
    for name in lost:
        there = {cell.metadata.get("nbgrader", {}).get("grade_id"): place for place, cell in enumerate(notebook.cells)}
        place = there.get(names[names.index(name) - 1]) if names.index(name) else None
        notebook.cells.insert(len(notebook.cells) if place is None else place + 1, nbformat.from_dict(given[name]))


def _no_points(out: Path, student: str, unit: str) -> None:
    with Gradebook(_database(out)) as book:
        book.update_or_create_student(student)
        book.update_or_create_submission(unit, student)
        for grade in book.find_submission_notebook(unit, unit, student).grades:
            grade.auto_score, grade.needs_manual_grade = 0, False
        book.db.commit()


def _score(out: Path, student: str, unit: str) -> float:
    with Gradebook(_database(out)) as book:
        return book.find_submission(unit, student).score


def _points(out: Path, student: str, unit: str) -> dict[str, tuple[float, float]]:
    """{grade_id of a check cell: (points, maximum)} of a graded submission."""
    with Gradebook(_database(out)) as book:
        return {grade.name: (grade.score, grade.max_score) for grade in book.find_submission_notebook(unit, unit, student).grades}


def write_tables(out: Path) -> None:
    """grades.csv by nbgrader's exporter, and report.csv: what was odd about each submission."""
    rows, shown = [], {}
    with Gradebook(_database(out)) as book:
        draft = out / "grades.csv.part"
        CsvExportPlugin(to=str(draft)).export(book)
        with open(draft, encoding="utf-8", newline="") as exported:
            table = csv.DictReader(exported)
            grades, columns = list(table), table.fieldnames or []
        draft.unlink(missing_ok=True)
        for path in sorted((out / "state").glob("*.json")):
            code, unit = path.stem.rsplit("--", 1)
            found, state = book.find_submission(unit, code), _state(path)
            shown[code] = students.student(state["folder"]).shown
            rows.append((unit, shown[code], found.score, found.max_score, state["note"]))
    write_table(out / "grades.csv", columns, [row | {"student_id": shown.get(row["student_id"], row["student_id"])} for row in grades])
    write_table(out / "report.csv", COLUMNS, [dict(zip(COLUMNS, row)) for row in sorted(rows)])


# feedback -------------------------------------------------------------------------------------------------------------

def feedback(folder: Path, units: Sequence[str] = ()) -> int:
    """Make an HTML page for each graded submission (`lab_pages`), without hidden code; gives how many. Raises CannotGrade.

    A submission that could not be run, or of which no page can be made, gets a text with a sentence that says why.
    """
    out, sources = results_folder(folder), _handed_in(folder, units)
    if not (out / "state").is_dir():
        raise CannotGrade(f"Nothing of {folder} is graded: run python3 course.py autograde {folder} first.")
    made: dict[str, list[tuple[Student, str, Path]]] = defaultdict(list)
    with alone(out):
        for (code, unit), (student, _) in sources.items():
            state = out / "state" / f"{code}--{unit}.json"
            if not state.is_file():
                continue
            page = out / "feedback" / student.folder.removesuffix(".zip") / unit
            page.mkdir(parents=True, exist_ok=True)
            for old in page.iterdir():
                old.unlink()
            notebook, problem = out / "autograded" / code / unit / f"{unit}.ipynb", ""
            if notebook.is_file():
                try:
                    write_whole(page / f"{unit}.html", lab_pages.page(
                        nbformat.read(notebook, as_version=4), _points(out, code, unit), student.shown))
                except Exception as error:  # whatever a student's outputs hold: the others get their pages
                    if of_machine(error):
                        raise
                    problem = f"No page could be made of it ({type(error).__name__}): ask your instructor. "
            if problem or not notebook.is_file():
                write_whole(page / f"{unit}.txt", f"{unit}: {_score(out, code, unit):g} points. {problem}{_state(state)['note']}\n")
            made[unit].append((student, code, next(page.iterdir())))
        for unit, done in made.items():
            with Gradebook(_database(out)) as book:
                rows = [(student, found.score, found.max_score, _state(out / "state" / f"{code}--{unit}.json")["note"])
                        for student, code, _ in done if (found := book.find_submission(unit, code))]
            students.write_moodle(out, unit, rows, {student: page for student, _, page in done})
    return sum(map(len, made.values()))


# small helpers --------------------------------------------------------------------------------------------------------

def _database(out: Path) -> str:
    return f"sqlite:///{out / 'gradebook.db'}"


def _last_line(done: dict) -> str:
    lines = [line.strip() for line in f"{done.get('error', '')}\n{done.get('log', '')}".splitlines()]
    lines = [line for line in lines if re.match(r"[\w.]*(Error|Exception): ", line)]
    return submission.plain(lines[-1] if lines else "no reason given", 200)


def main(words: list[str]) -> int:
    """Run the command line; the exit status is 0, or 1 where something is missing or wrong."""
    parser = argparse.ArgumentParser(prog="course.py", description="Grade labs with nbgrader.")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text in (("autograde", "grade labs"), ("feedback", "make the pages for the students")):
        command = commands.add_parser(name, help=text)
        command.add_argument("folder", type=Path, metavar="DIR", help="with STUDENT/UNIT/UNIT.ipynb")
        command.add_argument("units", nargs="*", metavar="UNIT", help="names of units, or parts of them (all)")
        if name == "autograde":
            command.add_argument("--timeout", type=int, default=CELL_SECONDS, metavar="SECONDS",
                                 help=f"for each cell ({CELL_SECONDS})")
            command.add_argument("--unsafe-no-sandbox", action="store_true",
                                 help="run strangers' notebooks as yourself, unprotected")
    arguments = parser.parse_args(words)
    warnings.simplefilter("ignore")  # of SQLAlchemy on nbgrader's way with it, and of nbformat on a stranger's notebook
    try:
        folder = students.unpacked(arguments.folder.resolve())
        if arguments.command == "feedback":
            made = feedback(folder, arguments.units)
            print(f"{made} pages are in {results_folder(folder).name}/feedback/, and for Moodle in moodle/ beside it.")
            return 0
        if arguments.unsafe_no_sandbox:
            print("Without a sandbox: the notebooks run as you and may read, change and send whatever you may.", file=sys.stderr)
        out = autograde(folder, arguments.units, seconds=arguments.timeout,
                        isolated=not arguments.unsafe_no_sandbox)
        print(f"{out.name}/ holds grades.csv and report.csv; next: python3 course.py feedback {arguments.folder}")
        return 0
    except (CannotGrade, MachineFault, sandbox.SandboxMissing, ValueError) as problem:
        print(f"{arguments.command}: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130  # course.py says what to do


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
