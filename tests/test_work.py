"""The student's copies in work/: made once, renewed while untouched, taken over with answers, never overwritten;
and the welcome page.
"""
import json
import random
from pathlib import Path

import pytest

from utils.instructor import welcome, work

UNIT = "05_small"
STUB = "raise NotImplementedError"


def notebook(tasks: dict[str, str], head: str = "# Lab 5: small\n\n**9 points**, about 30 minutes",
             answers: dict[str, str] | None = None) -> dict:
    """A lab with a task for each name, whose stub is the value."""
    cells = [{"cell_type": "markdown", "id": "title", "metadata": {}, "source": head.splitlines(keepends=True)}]
    for task, stub in tasks.items():
        for name, source, mark in ((task, (answers or {}).get(task, stub), {"solution": True}),
                                   (f"check-{task}", f"lab05.{task}({task})", {"grade": True, "points": 3})):
            cells.append({"cell_type": "code", "id": name, "metadata": {"nbgrader": mark | {"grade_id": name}}, "outputs": [],
                          "execution_count": None, "source": source.splitlines(keepends=True)})
    return {"cells": cells, "metadata": {"course": {"release": head}}, "nbformat": 4, "nbformat_minor": 5}


TASKS = {name: f"def {name}(x):\n    {STUB}" for name in ("one", "two", "three")}


@pytest.fixture
def course(tmp_path) -> Path:
    (tmp_path / "labs" / UNIT).mkdir(parents=True)
    (tmp_path / "lectures").mkdir()
    give(tmp_path, TASKS)
    (tmp_path / "lectures" / f"{UNIT}.ipynb").write_text(json.dumps(notebook({}, "# Small\n\nTime: 40 minutes")),
                                                         encoding="utf-8")
    return tmp_path


def give(course: Path, tasks: dict[str, str], **more) -> None:
    """A version of the lab."""
    (course / "labs" / UNIT / f"{UNIT}.ipynb").write_text(json.dumps(notebook(tasks, **more), indent=1) + "\n", encoding="utf-8")


def mine(course: Path, ending: str = "") -> Path:
    return course / "work" / UNIT / f"{UNIT}{ending}.ipynb"


def sources(path: Path) -> list[str]:
    return [cell["source"] for cell in welcome.cells(path)]


def answer(path: Path, task: str, code: str) -> None:
    """Write an answer as JupyterLab saves it: text, order of keys and spaces are others."""
    found = json.loads(path.read_text(encoding="utf-8"))
    for cell in found["cells"]:
        if cell["id"] == task:
            cell["source"] = code
    path.write_text(json.dumps(found, sort_keys=True), encoding="utf-8")


def lab(course: Path, *words: str) -> None:
    assert work.main([str(course), *words]) == 0


NEWER = TASKS | {"two": "def two(x, y):\n    " + STUB, "four": "def four(x):\n    " + STUB}


def test_copies_are_made_once_and_nothing_is_said(course, capsys):
    lab(course)
    lab(course)
    assert mine(course).read_bytes() == (course / "labs" / UNIT / f"{UNIT}.ipynb").read_bytes()
    assert (course / "work" / "lectures" / f"{UNIT}.ipynb").exists() and capsys.readouterr().out.count("\n") == 2
    answer(mine(course), "one", "def one(x):\n    return x")
    before = mine(course).read_bytes()
    lab(course)
    assert mine(course).read_bytes() == before and capsys.readouterr().out.count("\n") == 1


def test_an_untouched_copy_is_renewed_and_a_touched_one_gets_the_new_one_beside_it(course, capsys):
    lab(course)
    give(course, NEWER, head="# Lab 5: newer")
    lab(course)
    assert sources(mine(course))[0] == "# Lab 5: newer" and f"work/{UNIT}/{UNIT}.ipynb is renewed" in capsys.readouterr().out
    answer(mine(course), "one", "mine")
    before = mine(course).read_bytes()
    give(course, TASKS, head="# Lab 5: newest")
    for _ in range(2):
        lab(course)
        said = capsys.readouterr().out
        assert mine(course).read_bytes() == before and sources(mine(course, "_new"))[0] == "# Lab 5: newest"
        assert (said.count("\n") == 2 and f"beside it, {UNIT}_new.ipynb (new or changed tasks: two)" in said
                and f"lab --update {UNIT}" in said)
    assert said.splitlines()[0] in (course / "work" / "welcome.md").read_text(encoding="utf-8")


def test_update_carries_answers_into_the_tasks_that_are_the_same(course, capsys):
    lab(course)
    for task in ("one", "two"):
        answer(mine(course), task, f"def {task}(x):\n    return 'my {task}'")
    before = mine(course).read_bytes()
    give(course, NEWER, head="# Lab 5: newer")
    lab(course)
    capsys.readouterr()
    lab(course, "--update", "05")
    said = capsys.readouterr().out
    assert sources(mine(course)) == ["# Lab 5: newer", "def one(x):\n    return 'my one'", "lab05.one(one)", NEWER["two"],
                                     "lab05.two(two)", TASKS["three"], "lab05.three(three)", NEWER["four"], "lab05.four(four)"]
    assert mine(course, "_old").read_bytes() == before and not mine(course, "_new").exists()
    assert ("with your answers to one: run it" in said and "the task is another one now: two." in said
            and f"{UNIT}_old.ipynb beside it" in said)
    lab(course)
    assert capsys.readouterr().out.count("\n") == 1, "now it is of this version"
    lab(course, "--update", UNIT)
    assert "is of this version already" in capsys.readouterr().out and not mine(course, "_old_2").exists()


def test_a_new_one_in_which_the_student_works_is_kept(course, capsys):
    lab(course)
    answer(mine(course), "one", "mine")
    give(course, NEWER)
    lab(course)
    answer(mine(course, "_new"), "one", "mine too")
    kept = mine(course, "_new").read_bytes()
    give(course, TASKS, head="# Lab 5: newest")
    lab(course)
    assert f"the new one is labs/{UNIT}/{UNIT}.ipynb" in capsys.readouterr().out
    lab(course, "--update", "05")
    assert mine(course, "_new").read_bytes() == kept and sources(mine(course))[0] == "# Lab 5: newest"


def test_what_is_damaged_or_cannot_be_written_stays(course, capsys):
    lab(course)
    mine(course).write_text("not a notebook any more", encoding="utf-8")
    give(course, NEWER)
    lab(course, "--update", "05")
    assert (mine(course).read_text(encoding="utf-8") == "not a notebook any more"
            and "cannot be read as a notebook" in capsys.readouterr().out)
    answered = json.dumps(notebook(TASKS, answers={"one": "mine"}))
    mine(course).write_text(answered, encoding="utf-8")
    mine(course, "_old").with_suffix(".ipynb.part").mkdir()  # so that the backup cannot be written
    lab(course, "--update", "05")
    assert (mine(course).read_text(encoding="utf-8") == answered
            and "could not be written (Is a directory)" in capsys.readouterr().out)


def test_without_its_record_no_copy_counts_as_untouched(course):
    lab(course)
    before = mine(course).read_bytes()
    (course / "work" / work.RECORD).write_text("{", encoding="utf-8")
    give(course, NEWER, head="# Lab 5: newer")
    lab(course)
    assert mine(course).read_bytes() == before and mine(course, "_new").exists()


def test_an_answer_that_is_there_twice_is_left_in_the_old_notebook(course, capsys):
    lab(course)
    found = json.loads(mine(course).read_text(encoding="utf-8"))
    found["cells"].append(found["cells"][1] | {"source": "a second try"})
    mine(course).write_text(json.dumps(found), encoding="utf-8")
    give(course, NEWER)
    lab(course, "--update", "05")
    assert sources(mine(course))[1] == TASKS["one"] and "a second try" in sources(mine(course, "_old"))


@pytest.mark.parametrize("seed", range(8))
def test_nothing_that_a_student_wrote_is_ever_lost(course, seed):
    """Edits, new versions, updates and damage in any order: each text is still in some file."""
    draw, written = random.Random(seed), []
    for step in range(25):
        files = sorted(course.glob("work/**/*.ipynb"))
        match draw.choice(["edit", "edit", "give", "lab", "update", "forget", "rename"]):
            case "edit" if files:
                path, text = draw.choice(files), f"text {step}"
                found = json.loads(path.read_text(encoding="utf-8"))
                found["cells"].append({"cell_type": "markdown", "metadata": {}, "source": [text]})
                path.write_text(json.dumps(found), encoding="utf-8")
                written.append(text)
            case "give":
                give(course, draw.choice([TASKS, NEWER]), head=f"# Version {draw.randrange(4)}")
            case "lab":
                lab(course)
            case "update":
                lab(course, "--update", "05")
            case "forget":
                (course / "work" / work.RECORD).unlink(missing_ok=True)
            case "rename" if files:
                path = draw.choice(files)
                path.rename(path.with_name(f"renamed_{step}.ipynb"))
        kept = "".join(path.read_text(encoding="utf-8") for path in course.glob("work/**/*.ipynb"))
        assert [text for text in written if f'"{text}"' not in kept] == []


@pytest.mark.parametrize("words", [["--update"], ["--renew", "05"], ["--update", "99"]])
def test_wrong_words_are_a_sentence(course, capsys, words):
    assert work.main([str(course), *words]) == 2 and capsys.readouterr().err.count("\n") == 1


def test_the_welcome_page_counts_what_has_passed(course):
    lab(course)
    failed = [{"output_type": "error", "ename": "CheckFailed", "evalue": "", "traceback": []}]
    found = json.loads(mine(course).read_text(encoding="utf-8"))
    for cell, (count, outputs) in zip(found["cells"][2::2],
                                      [(3, []), (4, failed),
                                       (5, [{"output_type": "stream", "name": "stdout", "text": "Right."}])]):
        cell.update(execution_count=count, outputs=outputs)
    mine(course).write_text(json.dumps(found), encoding="utf-8")
    lab(course)
    rows = [line.split(" | ") for line in (course / "work" / "welcome.md").read_text(encoding="utf-8")
            .splitlines() if line.startswith("| 05")]
    assert (rows == [["| 05 small", f"[lecture](lectures/{UNIT}.ipynb) (40 minutes)", f"[Lab 5: small]({UNIT}/{UNIT}.ipynb)",
                      "30", "6 of 9", "2 of 3: 1, 3 |"]])
    assert "| all | | | | 6 of 9 | 2 of 3 |" in (course / "work" / "welcome.md").read_text(encoding="utf-8")
    mine(course).write_text("{", encoding="utf-8")
    lab(course)
    assert "| 0 of 9 | 0 of 3 |" in (course / "work" / "welcome.md").read_text(encoding="utf-8")
