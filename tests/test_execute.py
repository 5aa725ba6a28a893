"""`course.py execute`: what it stores, and what it says of a cell that raises or hangs."""
import json

import nbformat
import pytest

from utils.instructor import execute


@pytest.fixture
def stored(monkeypatch, tmp_path):
    """A function that writes a lecture with these cells, and gives its path."""
    monkeypatch.setattr(execute, "ROOT", tmp_path)
    monkeypatch.setattr(execute, "CELL_SECONDS", 3)
    (tmp_path / "lectures").mkdir()

    def store(*cells: str):
        path = tmp_path / "lectures" / "77_trial.ipynb"
        nbformat.write(nbformat.v4.new_notebook(cells=list(map(nbformat.v4.new_code_cell, cells))), path)
        return path
    return store


def test_outputs_are_stored_where_nothing_that_is_compared_changed(stored, capsys):
    path = stored("import itertools", "print('left', end=''); print('right')")
    assert execute.execute(["77"]) == 0
    assert nbformat.read(path, as_version=4).cells[1].outputs[0].text == "leftright\n"
    assert "new" in capsys.readouterr().out
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[1].outputs.append(nbformat.v4.new_output("display_data", {"image/png": "stale"}))
    notebook.metadata["course"]["source"] = execute.source_hash(notebook)
    nbformat.write(notebook, path)
    assert execute.execute(["77"]) == 0
    assert len(nbformat.read(path, as_version=4).cells[1].outputs) == 1


def test_a_path_chooses_the_lecture_or_the_solution(stored, capsys):
    stored("1 + 1")
    assert execute.execute(["solutions/77"]) == 2 and execute.execute(["lectures/77"]) == 0
    assert capsys.readouterr().out.startswith("lectures/77_trial.ipynb")


@pytest.mark.parametrize("cell, words", [
    ("import time\ntime.sleep(60)", "it runs for more than 3 seconds"),
    ("1 / 0", "it raises ZeroDivisionError: division by zero (at In[2], line 1)"),
    ("import os\nos._exit(1)", "the kernel died")])
def test_a_cell_that_hangs_or_raises_is_shown_with_its_notebook(stored, capsys, cell, words):
    path = stored("1 + 1", cell)
    before = path.read_bytes()
    assert execute.execute(["77"]) == 1
    said = capsys.readouterr().err
    name = nbformat.read(path, as_version=4).cells[1].id
    assert (said.startswith(f"lectures/77_trial.ipynb, cell {name}: {words}") and said.endswith(f"\n\n{cell}\n")
            and "Traceback" not in said)
    assert path.read_bytes() == before


@pytest.mark.parametrize("change, words", [
    (lambda cell: cell.pop("metadata"), 'cell trial: it has no "metadata"; expected "metadata": {}'),
    (lambda cell: cell.pop("outputs"), 'cell trial: it has no "outputs"'),
    (lambda cell: cell.pop("id"), 'cell number 0 (counted from 0): it needs an "id"')])
def test_a_damaged_cell_is_a_sentence(stored, capsys, change, words):
    path = stored("1 + 1")
    notebook = json.loads(path.read_text(encoding="utf-8"))
    notebook["cells"][0]["id"] = "trial"
    change(notebook["cells"][0])
    path.write_text(json.dumps(notebook), encoding="utf-8")
    before = path.read_bytes()
    assert execute.execute(["77"]) == 1
    assert capsys.readouterr().err.startswith(f"lectures/77_trial.ipynb, {words}") and path.read_bytes() == before
