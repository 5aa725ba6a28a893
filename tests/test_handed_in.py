"""Notebooks as browsers, editors, Colab and other versions of Jupyter leave them: taken in, they are the lab's again."""
import json
from collections.abc import Callable
from pathlib import Path
from zipfile import ZipFile

import nbformat
import pytest
from tiny_lab import ANSWERS, UNIT, hand_in, solution

from utils.instructor import autograde
from utils.instructor.execute import ROOT
from utils.instructor.grading import clean_copy, handed_in, lab_pages, students
from utils.instructor.labs import hidden_part, mark


def given() -> nbformat.NotebookNode:
    """The lab as students get it; the answers in it do not matter here."""
    lab = solution(list(ANSWERS))
    for cell in lab.cells:
        cell.source = cell.source.replace(hidden_part(cell.source),
                                          "").replace("\n### BEGIN HIDDEN TESTS\n### END HIDDEN TESTS\n", "")
    return lab


def change(of: Callable[[dict], None]) -> Callable[[Path], None]:
    """Changes the JSON of the notebook in a folder."""
    def change(folder: Path) -> None:
        path = folder / f"{UNIT}.ipynb"
        content = json.loads(path.read_text(encoding="utf-8"))
        of(content)
        path.write_text(json.dumps(content), encoding="utf-8")
    return change


def no_marks(content: dict) -> None:
    for cell in content["cells"]:
        cell["metadata"] = {}


def ids_of_old_format(content: dict) -> None:
    content["nbformat_minor"] = 4
    content["cells"][0]["id"] = "first"


def half_a_smiley(content: dict) -> None:
    content["cells"][0]["source"] = "# \ud83d"


def colab(content: dict) -> None:
    content["metadata"]["widgets"] = {"application/vnd.jupyter.widget-state+json": {"a": {"model_name": "LayoutModel"}}}


def with_environment(folder: Path) -> None:
    for number in range(clean_copy.MOST_FILES + 100):
        path = folder / ".venv" / f"{number % 7}" / f"{number}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def packed_with_a_report(folder: Path) -> None:
    with ZipFile(folder / "work.zip", "w") as archive:
        archive.write(folder / f"{UNIT}.ipynb", f"{UNIT}.ipynb")
    (folder / f"{UNIT}.ipynb").unlink()
    (folder / "report.pdf").write_bytes(b"%PDF")


CASES = {
    "as Jupyter saves it": (lambda folder: None, ""),
    "renamed by a browser": (lambda folder: (folder / f"{UNIT}.ipynb").rename(folder / f"{UNIT} (1).ipynb"), ""),
    "beside a copy": (lambda folder: (folder / f"{UNIT}-Copy1.ipynb").write_text("{", encoding="utf-8"), ""),
    "without marks": (change(no_marks), "lost the marks of all its cells"),
    "ids under format 4.4": (change(ids_of_old_format), ""),
    "half a pair of surrogates": (change(half_a_smiley), ""),
    "widgets of Colab": (change(colab), ""),
    "renamed, beside another lab": (lambda folder: (folder / f"{UNIT}.ipynb").rename(folder / f"{UNIT} (1).ipynb")
                                    .with_name("02_other.ipynb").touch(), ""),
    "renamed, beside a lecture": (lambda folder: (folder / f"{UNIT}.ipynb").rename(folder / f"{UNIT} (1).ipynb")
                                  .with_name(f"{UNIT}_2.ipynb").touch(), ""),
    "a folder for a time": (lambda folder: (folder / "timestamp.txt" / "deep").mkdir(parents=True), ""),
    "damaged time": (lambda folder: (folder / "timestamp.txt").write_text("yesterday, about noon", encoding="utf-8"), ""),
    "beside an environment": (with_environment, ""),
    "packed with a report": (packed_with_a_report, "")}


@pytest.mark.parametrize("make, note", CASES.values(), ids=CASES)
def test_it_is_the_lab_again(make, note, tmp_path):
    folder = hand_in(tmp_path / "class", "ada").parent
    make(folder)
    notes = handed_in.take_in(folder, tmp_path / "copy", UNIT, given())
    assert note in " ".join(notes) and len(notes) == bool(note), notes
    notebook = nbformat.read(tmp_path / "copy" / f"{UNIT}.ipynb", as_version=4)
    assert {mark(cell)["grade_id"]: cell.source for cell in notebook.cells if mark(cell).get("solution")} == ANSWERS
    assert [cell.source for cell in notebook.cells if mark(cell)
            .get("grade")] == [cell.source for cell in given().cells if mark(cell).get("grade")]
    assert not (tmp_path / "copy" / "timestamp.txt").exists()
    assert "<h1>" in lab_pages.page(notebook, {}, "ada", given())


@pytest.mark.parametrize("make", [make for make, _ in CASES.values()], ids=CASES)
def test_it_is_found_in_a_folder_of_moodle(make, tmp_path):
    source = hand_in(tmp_path / "made", "ada").parent
    make(source)
    source.rename(tmp_path / "made" / "Ada_7_assignsubmission_file_")
    (tmp_path / "made" / "ada").rmdir()
    assert [unit for _, unit in students.handed_in(tmp_path / "made", ["00_other", UNIT])] == [UNIT]


def test_the_second_part_of_a_lecture_is_no_lab(tmp_path):
    for student, name in (("ada", f"{UNIT}_2.ipynb"), ("bob", f"{UNIT}_2 (1).ipynb"), ("cem", f"{UNIT}_2nd try.ipynb")):
        (tmp_path / "class" / student / "lectures").mkdir(parents=True)
        (tmp_path / "class" / student / "lectures" / name).write_text("{}", encoding="utf-8")
    (tmp_path / "class" / "dora" / UNIT).mkdir(parents=True)
    (tmp_path / "class" / "dora" / UNIT / f"{UNIT}_2.ipynb").write_text("{}", encoding="utf-8")
    assert [code for code, _ in students.handed_in(tmp_path / "class", [UNIT])] == ["cem", "dora"]
    with pytest.raises(clean_copy.BadSubmission, match=f"There is no {UNIT}.ipynb"):
        handed_in.read(tmp_path / "class" / "dora" / UNIT, UNIT)


@pytest.mark.parametrize("name", ["work.tar.gz", "work.rar", "Work.7Z"])
def test_another_packer_is_named(name, tmp_path):
    (tmp_path / "ada").mkdir()
    (tmp_path / "ada" / name).write_bytes(b"packed")
    with pytest.raises(clean_copy.BadSubmission, match=f"{name} was not unpacked: make a zip file"):
        clean_copy.take_in(tmp_path / "ada", tmp_path / "copy")


def test_a_time_that_nbgrader_can_read_stays(tmp_path):
    folder = hand_in(tmp_path, "ada").parent
    (folder / "timestamp.txt").write_text("2026-02-02 15:58:23.948203 UTC\n", encoding="utf-8")
    handed_in.take_in(folder, tmp_path / "copy", UNIT, given())
    assert (tmp_path / "copy" / "timestamp.txt").is_file()


@pytest.mark.parametrize("unit", sorted(path.name for path in (ROOT / "labs").iterdir() if path.is_dir()))
def test_every_lab_can_be_marked_again(unit, tmp_path):
    """Its answers differ in what they define, and its checks in their source."""
    lab = nbformat.read(ROOT / "labs" / unit / f"{unit}.ipynb", as_version=4)
    bare = nbformat.from_dict(lab)
    for cell in bare.cells:
        cell.metadata = nbformat.from_dict({})
    (tmp_path / "ada").mkdir()
    nbformat.write(bare, tmp_path / "ada" / f"{unit}.ipynb")
    assert len(handed_in.take_in(tmp_path / "ada", tmp_path / "copy", unit, lab)) == 1
    marked = nbformat.read(tmp_path / "copy" / f"{unit}.ipynb", as_version=4)
    assert [mark(cell) for cell in marked.cells] == [mark(cell) for cell in lab.cells]


def test_a_path_that_nbgrader_takes_for_a_pattern_is_refused(tmp_path, capsys):
    hand_in(tmp_path / "[SoSe 26] CNN" / "handed", "ada")
    (tmp_path / "[SoSe 26] CNN" / "handed" / "ada" / UNIT).rename(tmp_path / "[SoSe 26] CNN" / "handed" / "ada"
                                                                  / "01_convolution_filters")
    assert autograde.main(["autograde", str(tmp_path / "[SoSe 26] CNN" / "handed"), "--unsafe-no-sandbox"]) == 1
    assert "has the sign [" in capsys.readouterr().err
