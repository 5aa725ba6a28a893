"""Changing a lab: `course.py task`, then release and the rules, and what is said of each rule that is broken."""
import importlib.util
import json
import re
import runpy
import shutil
from collections.abc import Callable
from pathlib import Path

import nbformat
import numpy as np
import pytest

from utils.checks import CheckFailed
from utils.instructor import release, task
from utils.instructor.files import ROOT
from utils.instructor.labs import mark
from utils.instructor.rules import faults, lab_faults

UNIT = "01_convolution_filters"
NOTEBOOK, CHECKS, WRONG = (Path(f"solutions/{UNIT}/{UNIT}.ipynb"), Path("utils/checks/lab01.py"),
                           Path(f"tests/wrong_answers/{UNIT}.py"))


@pytest.fixture
def course(tmp_path, monkeypatch) -> Path:
    """A course with one lab."""
    for path in (NOTEBOOK, CHECKS, WRONG, Path("nbgrader_config.py")):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / path, tmp_path / path)
    for module in (release, task):
        monkeypatch.setattr(module, "ROOT", tmp_path)
    return tmp_path


def outcome(checks, answer: str, name: str, hidden: bool = False) -> str:
    """The sentence of the check `name` for an answer, "" if it passes."""
    notebook = {"np": np, "__name__": "__main__"}
    exec(answer, notebook)
    check = getattr(checks, name)
    try:
        (check.hidden if hidden else check)(notebook[name])
    except CheckFailed as failure:
        return str(failure)
    return ""


def test_a_task_is_added_filled_in_and_released(course, capsys):
    before = json.loads((course / NOTEBOOK).read_text(encoding="utf-8"))
    marks = [cell["metadata"].get("nbgrader", {}) for cell in before["cells"]]
    points = [one["points"] for one in marks if one.get("grade")] + [task.POINTS]
    number, total = len(points), sum(points)  # with the new task
    assert task.main(["01", "trial_task"]) == 0 and "Replace what is marked TODO" in capsys.readouterr().out
    assert release.release([]) == 1 and not (course / "labs").exists()
    said = capsys.readouterr().err
    assert f"{NOTEBOOK}, cell trial_task-hints: TODO marks what is still to be written." in said and f"{WRONG}: TODO" in said

    for path in (NOTEBOOK, CHECKS, WRONG):  # an author writes more than this
        (course / path).write_text((course / path).read_text(encoding="utf-8").replace("TODO", "Now"), encoding="utf-8")
    assert lab_faults(UNIT, course) == [] and release.release([]) == 0

    after = nbformat.read(course / NOTEBOOK, as_version=4)
    nbformat.validate(after)
    assert (len(after.cells) == len(before["cells"]) + 4
            and after.cells[-1].id == before["cells"][-1]["id"]), "the sources stay last"
    assert [cell.source for cell in after.cells if not cell.id.endswith(("title", "trial_task"))
            and not cell.id.startswith("trial_task")] == [
        "".join(cell["source"]) for cell in before["cells"] if cell["id"] != "title"], "nothing else has changed"
    assert f"**{total} points** in {task.NUMBERS[number]} tasks" in after.cells[0].source
    assert f"## Task {number}: " in after.cells[-5].source
    lab = nbformat.read(course / "labs" / UNIT / f"{UNIT}.ipynb", as_version=4)
    answer, check = [cell for cell in lab.cells if mark(cell)][-2:]
    assert (answer.source.endswith('raise NotImplementedError("Write this task, then run the check below it.")')
            and "hidden" not in check.source)
    row = f"| {number} | {' + '.join(map(str, points))} | {total} |"
    assert f"| {UNIT}]" not in said and row in (course / "labs" / "README.md").read_text(encoding="utf-8")

    spec = importlib.util.spec_from_file_location("lab01_with_a_task", course / CHECKS)
    checks = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(checks)
    wrong = runpy.run_path(str(course / WRONG))["WRONG"]["trial_task"]
    assert len(wrong) == 3 and [words for words, code in wrong if words not in outcome(checks, code, "trial_task")] == []
    right = next(cell.source for cell in after.cells if cell.id == "trial_task")
    assert outcome(checks, right, "trial_task") == outcome(checks, right, "trial_task", hidden=True) == ""
    known = outcome(checks, "def trial_task(x):\n    return 1 + 0 * x[0]", "trial_task", hidden=True)
    assert known.startswith("With other inputs: ")


@pytest.mark.parametrize("words, said", [(["01"], "usage: course.py task UNIT NAME"), (["99", "median"], "no labs have 99"),
                                         (["01", "2d"], "'2d' is no name"),
                                         (["01", "lambda"], "'lambda' is no name"), (["01", "convolve"], f"in use in {NOTEBOOK}"),
                                         (["01", "seeded"], f"in use in {CHECKS}"), (["01", "Median"], "small letters")])
def test_a_name_that_cannot_be_is_a_sentence_and_nothing_changes(course, capsys, words, said):
    before = [(course / path).read_bytes() for path in (NOTEBOOK, CHECKS, WRONG)]
    assert task.main(words) in (1, 2)
    assert said in (shown := capsys.readouterr().err) and shown.count("\n") == 1
    assert [(course / path).read_bytes() for path in (NOTEBOOK, CHECKS, WRONG)] == before


def test_entries_are_added_however_the_file_ends():
    for text in ("WRONG = {}\n", 'WRONG = {"a": [1]}\nMORE = 1\n', 'WRONG = {\n    "a": [\n        1],\n}\n',
                 'WRONG = {\n    "a": [1]}\n'):
        found = {}
        exec(task.with_entry(text, '    "new": [2],\n'), found)
        assert found["WRONG"]["new"] == [2] and list(found["WRONG"])[-1] == "new" and found.get("MORE", 1) == 1
    assert task.with_imports("import numpy as np\n").splitlines()[:2] == [
        "from collections.abc import Callable", "from utils.checks import call, check, equal, seeded"]


def source(old: str, new: str) -> Callable[[dict], None]:
    """A change of a cell's text."""
    def change(cell: dict) -> None:
        text = "".join(cell["source"])
        assert old in text
        cell["source"] = text.replace(old, new)
    return change


def grader(**values) -> Callable[[dict], None]:
    """A change of nbgrader's metadata; None takes an entry away."""
    def change(cell: dict) -> None:
        cell["metadata"]["nbgrader"] = {name: value for name, value in (cell["metadata"]["nbgrader"] | values)
                                        .items() if value is not None}
    return change


BROKEN = [  # the cell that is changed, how, the cell that is named, and words of the rule
    ("convolve", lambda cell: cell.pop("metadata"), "convolve", 'it has no "metadata"; expected "metadata": {}'),
    ("convolve", lambda cell: cell.pop("id"), "number 24", 'it needs an "id"'),
    ("convolve", lambda cell: cell.update(id="match"), "match", "another cell has the same id"),
    ("convolve", lambda cell: cell.update(metadata={}), "convolve", "### BEGIN SOLUTION stands in a cell whose metadata"),
    ("check-convolve", lambda cell: cell.update(metadata={}), "check-convolve",
     "### BEGIN HIDDEN TESTS stands in a cell whose metadata"),
    ("convolve", source("### END SOLUTION", ""), "convolve", "each ### BEGIN SOLUTION needs an ### END SOLUTION"),
    ("convolve", grader(schema_version=None), "convolve", "lacks schema_version"),
    ("check-convolve", grader(points=None), "check-convolve", "lacks points"),
    ("check-convolve", grader(points=0), "check-convolve", "expected a whole number above 0"),
    ("check-convolve", grader(points=7), "title", "points in all, and the first cell must say so"),
    ("check-convolve", grader(points=7), "convolve",
     '## Task 3: TITLE (7 points)", with the points of its check; found: "## Task 3: '),
    ("check-convolve", grader(grade_id="check-other"), "check-convolve", "expected check-convolve"),
    ("convolve", grader(grade_id="match"), "convolve", "grade_id match is there twice"),
    ("hints-3", source("Hint 3", "Hint 2"), "hints-3", "task convolve has the hints [1, 2, 2], expected exactly 3"),
    ("hints-3", lambda cell: cell.update(source="Think."), "convolve", "task convolve has the hints none"),
    ("check-convolve", source("lab01.convolve(convolve)", "assert convolve"), "check-convolve", "raises CheckFailed only"),
    ("check-convolve", source("lab01.convolve", "lab01.never"), "check-convolve", "has no never"),
    ("check-convolve", source("lab01.convolve", "lab01.seeded"), "check-convolve", "with the decorator @check"),
    ("check-convolve", source('print("', '("'), "check-convolve", "nbgrader would take for points"),
    ("title", source("minutes", "min"), "title", "how many minutes"),
]


@pytest.mark.parametrize("cell, change, named, words", BROKEN, ids=lambda value: value if isinstance(value, str) else "")
def test_a_broken_rule_names_notebook_cell_and_rule(course, cell, change, named, words):
    notebook = json.loads((course / NOTEBOOK).read_text(encoding="utf-8"))
    change(next(one for one in notebook["cells"] if one["id"] == cell))
    (course / NOTEBOOK).write_text(json.dumps(notebook), encoding="utf-8")
    said = [line for line in lab_faults(UNIT, course) if words in line]
    assert said and said[0].startswith(f"{NOTEBOOK}, cell {named}") and "\n" not in said[0]


def test_wrong_answers_that_are_missing_are_named(course):
    text = (course / WRONG).read_text(encoding="utf-8")
    (course / WRONG).write_text(text + '\nWRONG["edges"] = WRONG["edges"][:2]\nWRONG["old"] = WRONG.pop("match")\n',
                                encoding="utf-8")
    assert lab_faults(UNIT, course) == [f"{WRONG}: task match has 0 wrong answers, expected 3 or more.",
                                        f"{WRONG}: task edges has 2 wrong answers, expected 3 or more.",
                                        f"{WRONG}: the lab has no task old."]
    (course / WRONG).write_text("WRONG = {", encoding="utf-8")
    assert re.match(f"{WRONG}: WRONG cannot be read .SyntaxError", lab_faults(UNIT, course)[0])


def test_a_check_that_asserts_is_named(course):
    text = (course / CHECKS).read_text(encoding="utf-8")
    (course / CHECKS).write_text(text.replace('"""Task 1: ', 'assert function\n    """Task 1: '), encoding="utf-8")
    (said,) = lab_faults(UNIT, course)
    assert said.startswith(f"{NOTEBOOK}, cell check-convolve_1d: convolve_1d in {CHECKS} uses assert")


def test_a_file_of_checks_that_is_no_python_is_a_sentence(course):
    text = (course / CHECKS).read_text(encoding="utf-8")
    (course / CHECKS).write_text(text.replace("from collections.abc import Callable", "from", 1), encoding="utf-8")
    assert f"{CHECKS}, line 2, is no Python" in lab_faults(UNIT, course)[0]


def test_a_file_that_is_no_notebook_is_a_sentence(course):
    (course / NOTEBOOK).write_text("{", encoding="utf-8")
    assert len(faults(course / NOTEBOOK, course)) == 1 and "cannot be read as a notebook" in lab_faults(UNIT, course)[0]
