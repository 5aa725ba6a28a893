"""A class of eleven copies of one lab, right, wrong and broken, from the folder that was handed in to grades.csv and the
pages.
"""
import csv
import os
import re
import runpy
import socket
import tempfile
from collections import Counter
from contextlib import contextmanager
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import pytest
from nbgrader.api import Gradebook

from conftest import need
from utils.checks import HIDDEN, OTHER
from utils.instructor import autograde
from utils.instructor.execute import ROOT
from utils.instructor.grading import kernels, lab_pages, variant
from utils.instructor.grading.class_folder import CannotGrade
from utils.instructor.grading.examine_lab import Examined, Handed, Lab, examine, stopped

UNIT = "01_convolution_filters"
WRONG = runpy.run_path(str(ROOT / "tests" / "wrong_answers" / f"{UNIT}.py"))["WRONG"]
SECONDS = 30  # for a cell: TensorFlow is imported in 5 to 20
TASKS = {"convolve_1d": 2, "convolve_2d": 3, "convolve": 2, "zero_padded": 2, "gaussian": 3, "match": 3, "edges": 2, "town": 3}
SPY = """
import os, socket, sys
found = []
for path in (os.path.expanduser("~"), "/root", "/home", "HANDED", "SOLUTIONS"):
    try:
        found += [f"{path}: {name}" for name in os.listdir(path)
                  if not (path == os.path.expanduser("~") and name.startswith(".")) and not any(
                      f"{own}/".startswith(f"{path}/{name}/") for own in (sys.prefix, sys.base_prefix, os.getcwd()))]
    except OSError as error:
        print(path, type(error).__name__)
try:
    socket.create_connection(("127.0.0.1", PORT), 2)
    found.append("a connection")
except OSError:
    pass
print("SPY FOUND", found, "AS", os.getuid(), dict(os.environ))
seen = []
get_ipython().events.register("pre_run_cell", lambda info: seen.append(info.raw_cell))
from pathlib import Path
seen += [path.read_text(encoding="utf-8") for path in Path().rglob("*.ipynb")]
"""
BY_HEART = """
from utils import filters

known = np.random.default_rng(1).normal(size=11)
outputs = [filters.convolve(x, w) for x, w in (
    (known, [0.5, -1.25, 2.0, 0.75]), ([1, 2, 4, 8], [1, -1]), ([3, 1, 4, 1, 5, 9], [0.5, 0.25]),
    (known[:4], [0.5, -1.25, 2.0, 0.75]))]


def convolve_1d(x, w):
    outputs.append(outputs.pop(0))
    return outputs[-1]
"""

PATCH = """
from utils.checks import lab01
for name in list(vars(lab01)):
    if not name.startswith("_"):
        setattr(lab01, name, lambda *words, **named: None)
"""


def mark(cell) -> str:
    return cell.metadata.get("nbgrader", {}).get("grade_id", "")


def answered(answers: dict[str, str]) -> nbformat.NotebookNode:
    """The lab with these answers by task, without what is not needed for its checks."""
    notebook = nbformat.read(ROOT / "labs" / UNIT / f"{UNIT}.ipynb", as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    notebook.cells = [cell for cell in code if mark(cell) or cell is code[0] or cell.source.startswith("SOBEL")]
    for cell in notebook.cells:
        cell.source = answers.get(mark(cell), cell.source)
    return notebook


def right_answers() -> dict[str, str]:
    notebook = nbformat.read(ROOT / "solutions" / UNIT / f"{UNIT}.ipynb", as_version=4)
    return {mark(cell): re.sub(r" *### (BEGIN|END) SOLUTION\n?", "", cell.source)
            for cell in notebook.cells if mark(cell) in TASKS}


def hand_in(folder: Path, student: str, content: nbformat.NotebookNode | str) -> Path:
    path = folder / student / UNIT / f"{UNIT}.ipynb"
    path.parent.mkdir(parents=True)
    path.write_text(content if isinstance(content, str) else nbformat.writes(content), encoding="utf-8")
    return path


def make_class(folder: Path, port: int) -> None:
    right = right_answers()
    hand_in(folder, "ada", answered(right))
    patched = answered({})  # nothing written, and checks that find all right
    patched.cells.insert(1, nbformat.v4.new_code_cell(PATCH))
    hand_in(folder, "bob", patched)
    hand_in(folder, "cem", answered({name: WRONG[name][0][1] for name in TASKS}))
    hand_in(folder, "dora", answered(right | {"convolve_1d": BY_HEART}))
    hand_in(folder, "eve", answered({name: right[name] for name in ("convolve_1d", "gaussian", "town")}))
    hand_in(folder, "finn", nbformat.writes(answered(right))[:-500])  # cut off
    missing = answered(right | {"match": WRONG["match"][0][1]})
    missing.cells = [cell for cell in missing.cells if mark(cell) not in ("check-convolve", "edges")]
    for cell in missing.cells:  # tags that keep a cell from being run, a mark twice, and one that is made up
        if mark(cell) == "check-match":
            cell.metadata["tags"] = ["skip-execution"]
        if mark(cell) == "town":
            cell.source += "\ndef line(features, labels):\n    return [0, 0, 0]"
        if mark(cell) == "check-gaussian":
            cell.metadata.nbgrader["grade_id"] = "check-everything"
    missing.cells.append(nbformat.from_dict(missing.cells[1]))
    hand_in(folder, "hal", missing)
    spy = answered(right)
    spy.cells.insert(1, nbformat.v4.new_code_cell(
        SPY.replace("HANDED", str(folder)).replace("SOLUTIONS", str(ROOT / "solutions")).replace("PORT", str(port))))
    spy.cells.append(nbformat.v4.new_code_cell("print('SPY SAW', [source for source in seen if len(source) < 2000])"))
    spy.cells = [cell for cell in spy.cells if mark(cell) != "check-edges"]  # what is put back must not tell either
    spy.cells.insert(2, nbformat.v4.new_code_cell(
        "import re\nprint('SPY SAW HIDDEN', re.findall('BEGIN ' + 'HIDDEN|[.]hidden[(]', str(seen)))"))
    hand_in(folder, "ida", spy)
    odd = answered(right)
    odd.cells = [cell for cell in odd.cells if mark(cell) not in ("match", "check-match")]
    odd.cells.append(nbformat.v4.new_code_cell("1 + 1", metadata={"nbgrader": {"grade_id": ["check-match"]}}))
    hand_in(folder, "kim", "\ufeff" + nbformat.writes(odd))
    shows = 'import sys\ndef NAME(*words):\n    sys.displayhook(float("nan"))\n    sys.displayhook(20)\n    raise ValueError'
    hand_in(folder, "lee", answered({name: shows.replace("NAME", name) for name in TASKS}))
    warns = 'import sys, warnings\nwarnings.warn("careful")\nprint("on standard error", file=sys.stderr)\n'
    path = hand_in(folder, "mia", answered({name: warns + code.replace("return", f"warnings.warn('{name}'); return", 1)
                                            if "\n    return" in code else code for name, code in right.items()}))
    for name in ("ipykernel_launcher.py", "utils.py", "numpy.py", "sitecustomize.py"):
        path.with_name(name).write_text("raise SystemExit('taken for another')", encoding="utf-8")


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    need("bwrap")
    folder = tmp_path_factory.mktemp("class") / "handed"
    folder.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as server, pytest.MonkeyPatch.context() as patch:
        make_class(folder, server.getsockname()[1])
        before = {path: path.read_bytes() for path in folder.rglob("*.ipynb")}
        patch.setenv("COURSE_SECRET", "of the grader")
        out = autograde.autograde(folder, seconds=SECONDS)
    assert autograde.feedback(folder) == 11
    assert {path: path.read_bytes() for path in folder.rglob("*.ipynb")} == before
    return folder, out


def table(path: Path) -> dict[str, dict]:
    with open(path, newline="", encoding="utf-8-sig") as file:
        return {row.get("student_id") or row["student"]: row for row in csv.DictReader(file)}


class Text(HTMLParser):
    def __init__(self):
        super().__init__()
        self.text = ""

    def handle_data(self, data):
        self.text += data


def page(out: Path, student: str) -> str:
    """The text of a feedback page."""
    parser = Text()
    parser.feed((out / "feedback" / student / UNIT / f"{UNIT}.html").read_text(encoding="utf-8"))
    return re.sub(r"\x1b\[[\d;]*m", "", parser.text)


def test_points(graded):
    _, out = graded
    grades = table(out / "grades.csv")
    assert {student: float(row["score"]) for student, row in grades.items()} == {
        "ada": 20, "bob": 0, "cem": 0, "dora": 18, "eve": 8, "finn": 0, "hal": 12, "ida": 20, "kim": 17, "lee": 0, "mia": 20}
    assert {float(row["max_score"]) for row in grades.values()} == {20.0}


def test_what_was_odd_is_said(graded):
    _, out = graded
    notes = {student: row["note"] for student, row in table(out / "report.csv").items()}
    for student, words in {"finn": "is not a notebook",
                           "hal": "unknown mark check-everything. The cell convolve_1d is there twice: the last one counts. "
                                  "Missing: check-convolve, check-gaussian, edges. They were put back as they were given out.",
                           "ida": ("Missing: check-edges. They were put back as they were given out. Its cells use get_ipython, "
                                   "sys: if it has"),
                           "kim": ("A cell has the unknown mark ['check-match']. Missing: match, check-match. They were put "
                                   "back")}.items():
        assert words in notes.pop(student)
    beside = "ran beside the notebook's own cells: check-convolve_1d."
    assert beside in notes.pop("dora"), "what she knows by heart is computed in a cell"
    assert {student: note.split(":")[0] for student, note in notes.items() if note} == {
        "bob": "Its cells use setattr, vars", "lee": "Its cells use sys", "mia": "Its cells use sys"}
    assert "is not a notebook" in (out / "feedback" / "finn" / UNIT / f"{UNIT}.txt").read_text(encoding="utf-8")


def test_pages_say_what_failed_and_show_no_hidden_code(graded):
    _, out = graded
    assert f"{OTHER} convolve_1d(x, w) " in page(out, "dora")
    assert WRONG["edges"][0][0] in page(out, "cem")
    assert "NotImplementedError" in page(out, "hal") and "NotImplementedError" in page(out, "kim")
    assert ("SPY SAW HIDDEN []" in page(out, "ida")
            and "lab01.convolve_1d(convolve_1d)" in page(out, "ida")), "the visible checks, which it may know"
    for student in set("ada bob cem dora eve hal ida kim lee mia".split()):
        assert not re.search(r"HIDDEN TESTS|\.hidden\(", page(out, student))
        assert (out / "feedback" / student / UNIT / f"{UNIT}.html").stat().st_size < 5e6


def test_page_of_the_class_counts_and_names_nobody(graded):
    _, out = graded
    parser = Text()
    parser.feed((out / "class" / f"{UNIT}.html").read_text(encoding="utf-8"))
    with Gradebook(f"sqlite:///{out / 'gradebook.db'}") as book:
        right = Counter(grade.name for student in book.students
                        for grade in book.find_submission_notebook(UNIT, UNIT, student.id).grades
                        if grade.score == grade.max_score)
    assert re.findall(r"^(\d+) of 11", re.sub(r"(?<=\D)(?=\d+ of 11)", "\n", parser.text),
                      re.MULTILINE) == [str(right[f"check-{name}"]) for name in TASKS]
    assert ("is not written yet" in parser.text
            and WRONG["edges"][0][0] not in parser.text), "what one student alone was told is not there"
    assert not re.search(r"\b(ada|bob|cem|dora|eve|finn|hal|ida|kim|lee|mia)\b", parser.text)


def test_a_notebook_sees_nothing_of_the_machine(graded):
    _, out = graded
    text = page(out, "ida")
    assert "SPY FOUND [] AS 65534" in text
    assert "COURSE_PROFILE" in text and "of the grader" not in text


def test_gradebook_has_the_points_of_the_readme(graded):
    _, out = graded
    row = re.search(rf"^\| \[{UNIT}\].* \| ([\d +]+) \| (\d+) \|$", (ROOT / "labs" / "README.md").read_text(encoding="utf-8"),
                    re.MULTILINE)
    with Gradebook(f"sqlite:///{out / 'gradebook.db'}") as book:
        notebook = book.find_notebook(UNIT, UNIT)
        points = [int(cell.max_score) for cell in notebook.grade_cells]
        assert points == list(map(int, row[1].split(" + "))) == list(TASKS.values())
        assert book.find_assignment(UNIT).max_score == int(row[2])


def test_next_run_grades_what_changed_or_was_not_finished(graded, capsys):
    folder, out = graded
    (out / "state" / f"cem--{UNIT}.json").unlink()  # as if killed while it graded cem
    (out / "autograded" / "cem" / UNIT / f"{UNIT}.ipynb").unlink()
    (folder / "ada" / UNIT / f"{UNIT}.ipynb").write_text("{", encoding="utf-8")
    autograde.autograde(folder, seconds=SECONDS)
    assert [line.split()[1] for line in capsys.readouterr().out.splitlines()] == ["ada", "cem"]
    grades = table(out / "grades.csv")
    assert (float(grades["ada"]["score"]), float(grades["cem"]["score"]), float(grades["dora"]["score"])) == (0, 0, 18)


def keep_inputs(out: Path) -> None:
    """As if inputs for the hidden checks had been drawn: no kernel is started for that."""
    (out / "inputs").mkdir(parents=True, exist_ok=True)
    (out / "inputs" / f"{UNIT}.txt").write_text("7", encoding="utf-8")


def test_inputs_are_drawn_once_and_stay(graded):
    folder, out = graded
    number = int((out / "inputs" / f"{UNIT}.txt").read_text(encoding="utf-8"))
    assert number != HIDDEN and variant.of_class(out, Lab(UNIT, None, {}), SECONDS) == number
    assert not (out / "submitted" / variant.SOLUTION).exists()


def test_inputs_with_which_the_solution_fails_are_not_used(tmp_path, monkeypatch):
    asked = []

    def tried(one, lab, *words, **named):
        asked.append(lab.variant)
        (tmp_path / "submitted" / one.code).mkdir(parents=True)
        return Examined([[], [kernels.error("CheckFailed", "by bad luck")] if len(asked) < 3 else None], [], True)
    monkeypatch.setattr(variant, "examine", tried)
    assert variant.of_class(tmp_path, Lab(UNIT, None, {}), SECONDS) == asked[2] and len(set(asked)) == 3
    monkeypatch.setattr(variant, "TRIES", 2)
    asked.clear()
    with pytest.raises(CannotGrade, match="fails its own checks on this machine: by bad luck"):
        variant.of_class(tmp_path, Lab("02_other", None, {}), SECONDS)


def test_folders_of_a_killed_kernel_are_removed(tmp_path):
    sockets, place = tmp_path / "sockets", tmp_path / "handed-graded" / ".kernel-x"
    for folder in (sockets, place / "work"):
        folder.mkdir(parents=True)
    (place / "sockets").symlink_to(sockets)
    keep_inputs(tmp_path / "handed-graded")
    hand_in(tmp_path / "handed", "ada", "{}")
    autograde.autograde(tmp_path / "handed", isolated=False)
    assert not sockets.exists() and not place.exists()


def test_a_page_that_cannot_be_made_stops_no_other(graded, monkeypatch):
    folder, out = graded
    made = lab_pages.page
    monkeypatch.setattr(lab_pages, "page", lambda notebook, points, student, lab: made(notebook, points, student, lab)
                        if student != "dora" else {}["state"])
    assert autograde.feedback(folder) == 11
    assert ("18 points. No page could be made of it (KeyError)" in (out / "feedback" / "dora" / UNIT / f"{UNIT}.txt")
            .read_text(encoding="utf-8"))
    assert (out / "feedback" / "eve" / UNIT / f"{UNIT}.html").is_file()


@contextmanager
def nobody():
    """Without root's right to read everything."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    yield
    os.seteuid(user)


def test_what_may_not_be_read_stops_nobody_else():
    lab = Lab(UNIT, nbformat.read(ROOT / "labs" / UNIT / f"{UNIT}.ipynb", as_version=4), {})
    with tempfile.TemporaryDirectory() as place:
        source = Path(place) / "ada"
        source.mkdir()
        (source / f"{UNIT}.ipynb").write_text("{}", encoding="utf-8")
        (source / f"{UNIT}.ipynb").chmod(0)
        for folder in (place, source):
            os.chmod(folder, 0o777)
        with nobody():
            found = examine(Handed("ada", source, "x"), lab, Path(place), SECONDS, False)
    assert (found.outputs, found.settled) == (None, False)
    assert found.notes == [f"The grader may not read {UNIT}.ipynb of ada. Please look at this one yourself."]


def test_a_fault_of_the_grader_names_no_path():
    assert (stopped(ValueError(f"{ROOT}/labs is full"))
            .notes == ["The grader stopped with ValueError: PATH is full. Please look at this one yourself."])


@pytest.mark.parametrize("make, words", [
    (lambda folder: None, "There is no folder"),
    (lambda folder: folder.mkdir(), "expected DIR/STUDENT/UNIT/UNIT.ipynb"),
    (lambda folder: (folder / "ada").mkdir(parents=True), "expected DIR/STUDENT/UNIT/UNIT.ipynb")])
def test_says_what_it_expects(make, words, tmp_path, capsys):
    make(tmp_path / "handed")
    assert autograde.main(["autograde", str(tmp_path / "handed")]) == 1
    said = capsys.readouterr().err
    assert words in said and "Traceback" not in said


def test_unknown_unit_and_feedback_before_grading(tmp_path, capsys):
    hand_in(tmp_path / "handed", "ada", "{}")
    assert autograde.main(["autograde", str(tmp_path / "handed"), "99"]) == 1 and "No unit has 99" in capsys.readouterr().err
    assert autograde.main(["feedback", str(tmp_path / "handed")]) == 1 and "autograde" in capsys.readouterr().err
