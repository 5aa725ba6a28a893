"""Grade the labs of a class with nbgrader: its commands with the course's folders, its kernels in the sandbox.

Called by course.py:

python -m utils.instructor.autograde autograde DIR [UNIT ...] | feedback DIR [UNIT ...]

DIR holds STUDENT/UNIT/UNIT.ipynb, as nbgrader's own submitted/, or is what Moodle delivers. Nothing in it is changed. In
DIR-graded, beside it, are clean copies (submitted/), what nbgrader makes of them (autograded/, feedback/, gradebook.db,
grades.csv), and report.csv with a sentence on what was odd. Many processes run kernels (`examine_lab`, `workers`), this one alone
writes the gradebook (`gradebook`).
"""
import argparse
import json
import logging
import shutil
import sys
import warnings
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import joblib
import nbformat
from sqlalchemy.exc import OperationalError
from tqdm import tqdm

from utils.instructor.grading import clean_copy, gradebook, lab_pages, sandbox, stamp, students, variant, workers
from utils.instructor.grading.class_folder import CannotGrade, alone, need_room
from utils.instructor.grading.examine_lab import Examined, Handed, Lab, examine, stopped
from utils.instructor.grading.kernels import remove_kernel
from utils.instructor.grading.students import Student
from utils.instructor.files import MachineFault, machine_faults, of_machine, write_whole

CELL_SECONDS = 120  # for one cell; the slowest one of a right answer takes 20 s on two cores
EXPECTED = "expected DIR/STUDENT/UNIT/UNIT.ipynb, for example DIR/ada/01_convolution_filters/01_convolution_filters.ipynb"


# autograde ------------------------------------------------------------------------------------------------------------

def autograde(folder: Path, units: Sequence[str] = (), *, seconds: int = CELL_SECONDS, isolated: bool = True, jobs: int = 1,
              scheduler: str | None = None) -> Path:
    """Grade what a class handed in, without what is graded already and has not changed; gives the folder of the results.

    units      names of units, or parts of them; all by default
    seconds    for each cell
    jobs       how many submissions at once, each in a process of its own
    scheduler  the address of a Dask scheduler, whose workers run the kernels then

    Raises CannotGrade and sandbox.SandboxMissing before anything is run.
    """
    sources = _handed_in(folder, units)
    out = results_folder(folder)
    if signs := set(str(out)) & set("[]*?"):
        raise CannotGrade(f"The path {out} has the sign {min(signs)}, which nbgrader takes for part of a pattern: rename that "
                          "folder.")
    _name_the_others(folder, sources)
    with machine_faults(f"The results cannot be written to {out}"):
        out.mkdir(exist_ok=True)
        need_room(out)
    with machine_faults("Grading stopped"), alone(out):
        if isolated and scheduler is None:
            sandbox.check()
        for left in (*out.glob(".kernel-*"), *out.glob(f"{gradebook.DRAFT}*")):
            remove_kernel(left)
        labs = {unit: gradebook.generate(out, unit) for unit in sorted({unit for _, unit in sources})}
        labs = {unit: lab._replace(variant=variant.of_class(out, lab, seconds)) for unit, lab in labs.items()}
        waiting = _waiting(out, sources, labs, str(seconds), str(isolated))
        calls = [joblib.delayed(_one)(one, labs[unit], out, seconds, isolated) for unit, one in waiting]
        done = len(sources) - len(waiting)
        running = workers.results(calls, jobs, scheduler, out, isolated=isolated)
        for one, unit, found in tqdm(running, total=len(sources), initial=done, unit="notebook", desc="graded", file=sys.stderr):
            student = sources[one.code, unit][0]
            notes = _record(out, one, unit, student, found)
            tqdm.write(f"{unit}  {student.shown}  {gradebook.score(out, one.code, unit)[0]:g}  {notes}".rstrip(), file=sys.stdout)
            gradebook.write_tables(out)
        gradebook.write_tables(out)
    return out


def _waiting(out: Path, sources: dict[tuple[str, str], tuple[Student, Path]], labs: dict[str, Lab],
             *setting: str) -> list[tuple[str, Handed]]:
    """(unit, what was handed in) of all that is not graded yet, or has changed since."""
    course, waiting = stamp.of_course(), []
    for (code, unit), (_, source) in sources.items():
        now = stamp.of_submission(source, course, stamp.of_tree(gradebook.SOLUTIONS / unit), str(labs[unit].variant), *setting)
        if gradebook.read_state(_state(out, code, unit))["stamp"] != now or not now:
            waiting.append((unit, Handed(code, source, now)))
    return waiting


def _one(one: Handed, lab: Lab, out: Path, seconds: int, isolated: bool) -> tuple[Handed, str, Examined]:
    """`examine`, in whatever process, and what it was about."""
    return one, lab.unit, examine(one, lab, out, seconds, isolated)


def _record(out: Path, one: Handed, unit: str, student: Student, found: Examined) -> str:
    """Store what was found of one submission in the gradebook and for the next run; gives what was odd, as sentences."""
    shutil.rmtree(out / "autograded" / one.code / unit, ignore_errors=True)
    notes, settled = found.notes, found.settled
    if found.outputs is None:
        gradebook.no_points(out, one.code, unit)
    else:
        try:
            problem = gradebook.record(out, one.code, unit, found.outputs)
        except Exception as error:  # a fault of the grader: it must not cost the others their grades
            if of_machine(error):
                raise
            problem = " ".join(stopped(error).notes)
        if problem:
            shutil.rmtree(out / "autograded" / one.code / unit, ignore_errors=True)
            gradebook.no_points(out, one.code, unit)
            notes, settled = [*notes, problem], False
    state = {"stamp": one.stamp if settled else "", "note": " ".join(notes), "folder": student.folder}
    path = _state(out, one.code, unit)
    path.parent.mkdir(exist_ok=True)
    write_whole(path, json.dumps(state, ensure_ascii=False))
    return state["note"]


def _handed_in(folder: Path, units: Sequence[str]) -> dict[tuple[str, str], tuple[Student, Path]]:
    """The submissions in `folder`, as `students.handed_in` gives them. Raises CannotGrade."""
    if not folder.is_dir():
        raise CannotGrade(f"There is no folder {folder}: {EXPECTED}.")
    known = sorted(path.name for path in gradebook.SOLUTIONS.iterdir() if path.is_dir())
    chosen = [unit for unit in known if not units or any(part in unit for part in units)]
    if not chosen:
        raise CannotGrade(f"No unit has {' or '.join(units)} in its name: they are {', '.join(known)}.")
    found = students.handed_in(folder, chosen)
    if not found:
        raise CannotGrade(f"{folder} holds no lab{' of these units' if units else ''}: {EXPECTED}.")
    return found


def _name_the_others(folder: Path, sources: dict[tuple[str, str], tuple[Student, Path]]) -> None:
    """Say in what of the folder of a class none of these labs is: a notebook under another name would be passed over in
    silence.
    """
    there = {clean_copy.plain(entry.name) for entry in clean_copy.entries(folder)} | set(clean_copy.left_out(folder))
    if none := there - {clean_copy.plain(student.folder) for student, _ in sources.values()}:
        print(f"No lab of {', '.join(sorted({unit for _, unit in sources}))} is in: {', '.join(sorted(none))}", file=sys.stderr)


def results_folder(folder: Path) -> Path:
    return folder.with_name(folder.name + "-graded")


def _state(out: Path, code: str, unit: str) -> Path:
    """Where the next run finds what it has to know of a graded submission."""
    return out / "state" / f"{code}--{unit}.json"


# feedback -------------------------------------------------------------------------------------------------------------

def feedback(folder: Path, units: Sequence[str] = ()) -> int:
    """Make an HTML page for each graded submission (`lab_pages`), without hidden code, and one for the class; gives how many of
    the first. Raises CannotGrade.

    A submission that could not be run, or of which no page can be made, gets a text with a sentence that says why.
    """
    out, sources = results_folder(folder), _handed_in(folder, units)
    if not (out / "state").is_dir():
        raise CannotGrade(f"Nothing of {folder} is graded: run python3 course.py autograde {folder} first.")
    made: dict[str, list[Path]] = defaultdict(list)
    tasks: dict[str, list[list[lab_pages.Task]]] = defaultdict(list)
    names = students.page_names(student for student, _ in sources.values())
    labs = {unit: nbformat.read(gradebook.SOLUTIONS / unit / f"{unit}.ipynb", as_version=4) for _, unit in sources}
    with alone(out):
        for (code, unit), (student, _) in sources.items():
            state = _state(out, code, unit)
            if not state.is_file():
                continue
            page = out / "feedback" / names[code] / unit
            page.mkdir(parents=True, exist_ok=True)
            for old in page.iterdir():
                old.unlink()
            notebook, problem = out / "autograded" / code / unit / f"{unit}.ipynb", ""
            tasks[unit].append([])
            if notebook.is_file():
                try:
                    ran, points = nbformat.read(notebook, as_version=4), gradebook.points(out, code, unit)
                    tasks[unit][-1] = lab_pages.tasks(ran, points, labs[unit])
                    write_whole(page / f"{unit}.html", lab_pages.page(ran, points, student.shown, labs[unit]))
                except Exception as error:  # whatever a student's outputs hold: the others get their pages
                    if of_machine(error):
                        raise
                    problem = f"No page could be made of it ({type(error).__name__}): ask your instructor. "
            if problem or not notebook.is_file():
                score, note = gradebook.score(out, code, unit)[0], gradebook.read_state(state)["note"]
                write_whole(page / f"{unit}.txt", f"{unit}: {score:g} points. {problem}{note}\n")
            made[unit].append(next(page.iterdir()))
        for unit, pages in made.items():
            students.write_pages(out, unit, pages)
            (out / "class").mkdir(exist_ok=True)
            write_whole(out / "class" / f"{unit}.html", lab_pages.of_class(labs[unit], tasks[unit]))
    return sum(map(len, made.values()))


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
            command.add_argument("--jobs", type=int, metavar="N",
                                 help="how many notebooks at once (one for each core, as far as the memory goes)")
            command.add_argument("--scheduler", metavar="ADDRESS", help="run the kernels on the cluster of this Dask scheduler, "
                                 "such as tcp://host:8786; its workers need this environment, bubblewrap, the same folder DIR, "
                                 "and one thread each (dask worker ADDRESS --nthreads 1)")
            command.add_argument("--unsafe-no-sandbox", action="store_true",
                                 help="run strangers' notebooks as yourself, unprotected")
    arguments = parser.parse_args(words)
    logging.getLogger("tornado.application").setLevel(logging.CRITICAL)  # tracebacks of the gradebook, which are raised too
    warnings.simplefilter("ignore")  # of SQLAlchemy on nbgrader's way with it, and of nbformat on a stranger's notebook
    try:
        folder = students.unpacked(arguments.folder.resolve())
        if arguments.command == "feedback":
            made = feedback(folder, arguments.units)
            print(f"{made} pages are in {results_folder(folder).name}/feedback/, and for Moodle in moodle/ beside it.")
            return 0
        if arguments.unsafe_no_sandbox:
            print("Without a sandbox: the notebooks run as you and may read, change and send whatever you may.", file=sys.stderr)
        out = autograde(folder, arguments.units, seconds=arguments.timeout, isolated=not arguments.unsafe_no_sandbox,
                        jobs=max(1, arguments.jobs or workers.most_jobs()), scheduler=arguments.scheduler)
        print(f"{out.name}/ holds grades.csv and report.csv; next: python3 course.py feedback {arguments.folder}")
        return 0
    except (CannotGrade, MachineFault, sandbox.SandboxMissing, ValueError, OperationalError) as problem:
        said = (str(problem).splitlines() or [type(problem).__name__])[0]
        if "sqlite3.OperationalError" in said:  # also within an InvalidEntry of nbgrader's
            said = (f"The gradebook cannot be written: {said}. This is the machine's fault and costs nobody a point: make room "
                    "or give yourself the right, and run the same command again; it goes on from here.")
        print(f"{arguments.command}: {said}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130  # course.py says what to do


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
