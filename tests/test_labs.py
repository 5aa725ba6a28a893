"""The proofs for labs: each is what its solution generates, leaks nothing, and its checks tell right from wrong.

For each graded task, tests/wrong_answers/UNIT.py holds at least three wrong answers and the words that the check must
answer each with: WRONG = {"name of the task": [("words of the sentence", "code"), ...]}.
"""
import ast
import re
import runpy

import nbformat
import pytest
from jupyter_client.manager import start_new_kernel

from utils.notebooks import ROOT, environment, generate_labs

UNITS = sorted(folder.name for folder in (ROOT / "solutions").iterdir() if folder.is_dir())


def read(kind: str, unit: str):
    return nbformat.read(ROOT / kind / unit / f"{unit}.ipynb", as_version=4)


def mark(cell) -> dict:
    return cell.metadata.get("nbgrader", {})


def tasks(notebook) -> list[tuple]:
    """(cell with the answer, cell with the check) of each graded task."""
    cells = notebook.cells
    answers = [index for index, cell in enumerate(cells) if mark(cell).get("solution")]
    return [(cells[index], cells[index + 1]) for index in answers]


def wrong_answers(unit: str) -> dict[str, list[tuple[str, str]]]:
    return runpy.run_path(str(ROOT / "tests" / "wrong_answers" / f"{unit}.py"))["WRONG"]


@pytest.fixture(scope="module")
def generated(tmp_path_factory):
    folder = tmp_path_factory.mktemp("labs")
    generate_labs(folder)
    return folder


@pytest.mark.parametrize("unit", UNITS)
def test_lab_is_what_its_solution_generates(unit, generated):
    name = f"{unit}/{unit}.ipynb"
    assert (ROOT / "labs" / name).read_bytes() == (generated / name).read_bytes(), "run: python3 course.py release"
    assert sorted(path.name for path in (ROOT / "labs" / unit).iterdir()
                  if path.name != ".ipynb_checkpoints") == [f"{unit}.ipynb"]


@pytest.mark.parametrize("unit", UNITS)
def test_no_line_of_an_answer_is_left_in_the_lab(unit):
    answers = [line.strip() for cell, _ in tasks(read("solutions", unit))
               for region in re.findall(r"### BEGIN SOLUTION\n(.*?)### END SOLUTION", cell.source, re.DOTALL)
               for line in region.splitlines() if len(line.strip()) >= 12]
    lab = "\n".join(cell.source for cell in read("labs", unit).cells)
    assert answers
    assert [line for line in answers if line in lab] == []


@pytest.mark.parametrize("unit", UNITS)
def test_tasks_are_complete(unit):
    notebook = read("labs", unit)
    found = tasks(notebook)
    assert len(found) >= 5
    for answer, check in found:
        assert mark(check).get("grade") and mark(check)["points"] > 0
        assert mark(check)["grade_id"] == f"check-{mark(answer)['grade_id']}"
        assert "NotImplementedError" in answer.source
        last = ast.parse(check.source).body[-1]
        assert not isinstance(last, ast.Expr) or ast.unparse(last).startswith("print("), "nbgrader would score its value"
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    for number in (1, 2, 3):
        assert text.count(f"<summary>Hint {number}</summary>") == len(found)
    points = sum(mark(check)["points"] for _, check in found)
    assert f"{points} points" in notebook.cells[0].source and "minutes" in notebook.cells[0].source
    assert wrong_answers(unit).keys() == {mark(answer)["grade_id"] for answer, _ in found}


class Kernel:
    def __init__(self, folder, out):
        variables = environment(out)
        self.manager, self.client = start_new_kernel(cwd=str(folder), env=variables)

    def run(self, code: str) -> tuple[str, str]:
        """Run code: the exception it raised ("" for none) as "name: text", and what it wrote on standard error."""
        errors = []

        def listen(message):
            if message["msg_type"] == "stream" and message["content"]["name"] == "stderr":
                errors.append(message["content"]["text"])
            if message["msg_type"] == "execute_result":
                errors.append(f"value {message['content']['data']}")
        reply = self.client.execute_interactive(code, output_hook=listen, timeout=300)["content"]
        raised = f"{reply['ename']}: {reply['evalue']}" if reply["status"] == "error" else ""
        return raised, "".join(errors)

    def close(self):
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)


@pytest.fixture
def kernel(tmp_path):
    (tmp_path / "work").mkdir()
    kernel = Kernel(tmp_path / "work", tmp_path)
    yield kernel
    kernel.close()


@pytest.mark.parametrize("unit", UNITS)
def test_checks_tell_right_from_wrong(unit, kernel):
    """One kernel goes through the lab; at each task it tries the stub, every wrong answer, and last the right one."""
    right = {mark(answer)["grade_id"]: answer.source for answer, _ in tasks(read("solutions", unit))}
    wrong, cells, faults = wrong_answers(unit), read("labs", unit).cells, []
    checks = {mark(answer)["grade_id"]: check.source for answer, check in tasks(read("labs", unit))}
    for cell in cells:
        name = mark(cell).get("grade_id")
        if cell.cell_type != "code" or mark(cell).get("grade"):
            continue
        if name is None:
            raised, _ = kernel.run(cell.source)
            assert not raised, f"{cell.source}\n{raised}"
            continue
        assert len(wrong[name]) >= 3, name
        attempts = [("not written yet", cell.source), *wrong[name], (None, right[name])]
        for words, code in attempts:
            kernel.run(code)
            raised, noise = kernel.run(checks[name])
            if words is None:
                if raised or noise:
                    faults.append(f"{name}: the right answer gets {raised}{noise}")
            elif not raised.startswith("CheckFailed") or words not in raised or noise:
                faults.append(f"{name}: expected {words!r}, got {raised or 'a pass'} {noise} for\n{code}")
    assert not faults, "\n\n".join(faults)
