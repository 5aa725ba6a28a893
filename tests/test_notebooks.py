"""The rules that every lecture and solution keeps. That their outputs are right is nbval's part."""
import ast
import re

import nbformat
import pytest

from utils.instructor.execute import IGNORED, ROOT, code_cells, source_hash, sources

PATHS = sources()
LECTURES = [path for path in PATHS if path.parent.name == "lectures"]


def named(path):
    return str(path.relative_to(ROOT))


@pytest.fixture(params=PATHS, ids=named, scope="module")
def notebook(request):
    return nbformat.read(request.param, as_version=4)


@pytest.fixture(params=LECTURES, ids=named, scope="module")
def lecture(request):
    return nbformat.read(request.param, as_version=4)


def prose(notebook) -> str:
    return "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")


def test_there_are_notebooks():
    assert PATHS and LECTURES


def test_is_valid(notebook):
    nbformat.validate(notebook)


def test_was_executed_from_the_top_as_it_is(notebook):
    counts = [cell.execution_count for cell in code_cells(notebook)]
    assert counts == list(range(1, len(counts) + 1))
    assert notebook.metadata["course"]["source"] == source_hash(notebook), "run: python3 course.py execute"


def test_code_cells_are_short(notebook):
    for cell in code_cells(notebook):
        assert 0 < len(cell.source.splitlines()) < 25, f"cell {cell.id}: a code cell has 1 to 24 lines"
        assert max(map(len, cell.source.splitlines())) <= 110, f"cell {cell.id}: a line of code has at most 110 characters"


def test_outputs_are_clean(notebook):
    for cell in code_cells(notebook):
        for output in cell.outputs:
            assert (output.output_type != "error" and output.get("name") != "stderr"), (f"cell {cell.id}: no error and no line "
                                                                                        "on standard error")
            text = "".join(output.get("text", "")) + "".join(output.get("data", {}).get("text/plain", ""))
            assert not re.search(r"(^|[\s'\"(])(/\w+/|[A-Z]:\\)|it/s|Warning",
                                 text), f"cell {cell.id}: a path, a progress bar or a warning in {text}"


def test_figures_have_alt_text(notebook):
    for cell in code_cells(notebook):
        for output in cell.outputs:
            if "image/png" in output.get("data", {}):
                assert len(output.metadata.get("image/png", {}).get("alt", "")) > 20, f"cell {cell.id}: a figure has alt text"


def test_only_cells_with_a_floor_are_not_compared(notebook):
    for cell in code_cells(notebook):
        if IGNORED in cell.metadata.get("tags", []):
            assert any(isinstance(node, ast.Assert) for node in ast.walk(ast.parse(cell.source))), (
                f"cell {cell.id}: what is tagged {IGNORED} asserts a floor")


def test_sizes_come_from_the_profile_in_the_first_code_cell(notebook):
    first, *others = code_cells(notebook)
    assert "session.start(" in first.source
    for cell in others:
        assert ("session.profile" not in cell.source
                and "session.start" not in cell.source), (f"cell {cell.id}: only the first one has these")
    for cell in code_cells(notebook):
        assert "sys.path" not in cell.source and "COURSE_PROFILE" not in cell.source, f"cell {cell.id}: neither of these"


def test_lecture_tells_what_it_is(lecture):
    text = prose(lecture)
    assert lecture.cells[0].source.startswith("# ")
    for part in ("You will be able to", "minutes", "## Key points", "## Sources"):
        assert part in text, part
    assert len(re.findall(r"\*\*Before you run", text)) >= 2, "ask two or three questions before a cell is run"


def is_note(cell) -> bool:
    """A speaker note: whoever presents sees it, the room does not."""
    return cell.metadata.get("slideshow", {}).get("slide_type") == "notes"


def test_each_section_has_a_note_for_the_speaker(lecture):
    """The minutes of the notes add up to those of the lecture."""
    for heading, note in zip(lecture.cells, lecture.cells[1:]):
        if re.match(r"##? (?!Exercises|Sources)", heading.source) and heading.cell_type == "markdown":
            assert is_note(note), f"{heading.source.splitlines()[0]}: a note of slide type notes comes next"
    notes = [cell.source for cell in lecture.cells if is_note(cell)]
    minutes = [int(found[1]) for note in notes if (found := re.match(r"\*\*(\d+) minute", note))]
    assert sum(minutes) == int(re.search(r"(\d+) minutes", lecture.cells[0].source)[1]), minutes


def test_lecture_can_be_presented(lecture):
    for cell in lecture.cells:
        assert cell.metadata.get("slideshow", {}).get("slide_type") in ("slide", "subslide", "fragment", "notes", "skip",
                                                                        "-"), cell.source


def test_answers_wait_for_the_question(lecture):
    """In a presentation, what comes after "Before you run the next cell" is not on the screen with it."""
    shown = [cell for cell in lecture.cells if not is_note(cell)]
    for question, answer in zip(shown, shown[1:]):
        if "**Before you run" in question.source:
            assert answer.metadata["slideshow"]["slide_type"] in ("fragment", "slide", "subslide"), answer.source


def test_solution_folders_hold_only_their_notebook():
    for folder in (ROOT / "solutions").iterdir():
        if folder.is_dir():
            names = [entry.name for entry in folder.iterdir() if entry.name != ".ipynb_checkpoints"]
            assert names == [f"{folder.name}.ipynb"]


def test_units_are_complete():
    solutions = {path.stem for path in PATHS if path not in LECTURES}
    lectures = {path.stem for path in LECTURES}
    assert {stem.removesuffix("_2") for stem in lectures if stem.endswith("_2")} <= lectures, "a second part needs a first one"
    assert {stem.removesuffix("_2") for stem in lectures} == solutions - {"06_mini_project"}
    assert {folder.name for folder in (ROOT / "labs").iterdir() if folder.is_dir()} == solutions
