"""A class of ten copies of one lab, right, wrong and broken, from the folder that was handed in to grades.csv and the pages."""
import csv
import re
import runpy
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import pytest
from nbgrader.api import Gradebook

from tests.conftest import need
from utils.checks import OTHER
from utils.grading import labs
from utils.notebooks import ROOT

UNIT = "01_convolution_filters"
WRONG = runpy.run_path(str(ROOT / "tests" / "wrong_answers" / f"{UNIT}.py"))["WRONG"]
TASKS = {"convolve_1d": 2, "convolve_2d": 3, "convolve": 2, "zero_padded": 2, "gaussian": 3, "match": 3, "edges": 2, "town": 3}
SPY = """
import os, socket
found = sorted(name for name in os.environ if "SECRET" in name)
for path in (os.path.expanduser("~"), "/root", "/home", "SUBMITTED", "SOLUTIONS"):
    try:
        found += [f"{path}: {name}" for name in os.listdir(path) if not name.startswith(".")]
    except OSError as error:
        print(path, type(error).__name__)
try:
    socket.create_connection(("127.0.0.1", 22), 2)
    found.append("a connection")
except OSError as error:
    if error.errno == 111:  # a socket that nobody listens to: the network of the sandbox itself
        print("no connection")
assert os.getuid() == 65534, os.getuid()
print("SPY FOUND", found)
"""
BY_HEART = """
from utils import filters

known = np.random.default_rng(1).normal(size=11)
outputs = [filters.convolve(known, np.array([0.5, -1.25, 2.0, 0.75])), filters.convolve([3, 1, 4, 1, 5, 9], [0.5, 0.25]), [133.0]]


def convolve_1d(x, w):
    outputs.append(outputs.pop(0))
    return outputs[-1]
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
    return {mark(cell): re.sub(r" *### (BEGIN|END) SOLUTION\n?", "", cell.source) for cell in notebook.cells if mark(cell) in TASKS}


def hand_in(folder: Path, student: str, content: nbformat.NotebookNode | str) -> Path:
    path = folder / student / UNIT / f"{UNIT}.ipynb"
    path.parent.mkdir(parents=True)
    path.write_text(content if isinstance(content, str) else nbformat.writes(content))
    return path


def make_class(folder: Path) -> None:
    right = right_answers()
    hand_in(folder, "ada", answered(right))
    hand_in(folder, "bob", answered({}))  # nothing written
    hand_in(folder, "cem", answered({name: WRONG[name][0][1] for name in TASKS}))
    hand_in(folder, "dora", answered(right | {"convolve_1d": BY_HEART}))
    hand_in(folder, "eve", answered({name: right[name] for name in ("convolve_1d", "gaussian", "town")}))
    hand_in(folder, "finn", nbformat.writes(answered(right))[:-500])  # cut off
    hand_in(folder, "gil", answered(right | {"zero_padded": "def zero_padded(x, w):\n    while True:\n        print(10000 * 'x')"}))
    missing = answered(right)
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
        SPY.replace("SUBMITTED", str(folder)).replace("SOLUTIONS", str(ROOT / "solutions"))))
    hand_in(folder, "ida", spy)
    hand_in(folder, "jon", answered({"convolve_2d": "import os\nos._exit(1)"}))  # its kernel dies


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    need("bwrap")
    folder = tmp_path_factory.mktemp("class") / "handed"
    folder.mkdir()
    make_class(folder)
    before = {path: path.read_bytes() for path in folder.rglob("*.ipynb")}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COURSE_SECRET", "of the grader")
        out = labs.autograde(folder, seconds=20)
    assert labs.feedback(folder) == 10
    assert {path: path.read_bytes() for path in folder.rglob("*.ipynb")} == before
    return folder, out


def table(path: Path) -> dict[str, dict]:
    with open(path, newline="", encoding="utf-8") as file:
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
        "ada": 20, "bob": 0, "cem": 0, "dora": 18, "eve": 8, "finn": 0, "gil": 18, "hal": 15, "ida": 20, "jon": 0}
    assert {float(row["max_score"]) for row in grades.values()} == {20.0}


def test_what_was_odd_is_said(graded):
    _, out = graded
    notes = {student: row["note"] for student, row in table(out / "report.csv").items()}
    for student, words in {"finn": "is not a notebook", "gil": "1 cell did not end in time (20 seconds)", "jon": "The kernel died",
                           "hal": "Missing: check-convolve, check-gaussian, edges. Checks were put back."}.items():
        assert words in notes.pop(student)
    assert set(notes.values()) == {""}
    assert "is not a notebook" in (out / "feedback" / "finn" / UNIT / f"{UNIT}.txt").read_text()
