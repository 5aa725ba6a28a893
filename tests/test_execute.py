"""`course.py execute`: what it stores, and what it says of a cell that raises or hangs."""
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


@pytest.mark.parametrize("cell, words", [("import time\ntime.sleep(60)", "3 seconds"), ("1 / 0", "ZeroDivisionError")])
def test_a_cell_that_hangs_or_raises_is_shown_with_its_notebook(stored, capsys, cell, words):
    path = stored("1 + 1", cell)
    before = path.read_bytes()
    assert execute.execute(["77"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("lectures/77_trial.ipynb") and cell in said and words in said
    assert path.read_bytes() == before
