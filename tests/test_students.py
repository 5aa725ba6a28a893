"""Classes as Moodle delivers them: names in any script, files without folders, zips; and what goes back."""
import csv
import unicodedata
import zipfile
from pathlib import Path

import pytest

from utils.instructor import autograde
from utils.instructor.grading import students

UNIT = "01_convolution_filters"
ZOE, ZHANG = "Zoë Müller_12_assignsubmission_file", "张伟_7_assignsubmission_file_"


@pytest.mark.parametrize("folder, shown, number", [(ZOE, "Zoë Müller", "12"), (unicodedata.normalize("NFD", ZOE), "Zoë Müller", "12"), (ZHANG, "张伟", "7"),
                                                   ("ada", "ada", ""), ("O'Neil, a*b.zip", "O'Neil, a*b", ""), ("x\u202ey", "x?y", "")])
def test_names(folder, shown, number):
    found = students.student(folder)
    assert (found.shown, found.number, found.folder) == (shown, number, folder)
    assert students.TAKEN.fullmatch(found.code) and (found.code == shown or found.code.startswith("s-"))


def test_two_of_one_name_are_two():
    first = students.student("ada")
    assert students.student("ada.zip", {first.code}).code != first.code


def make_class(folder: Path) -> None:
    """Four notebooks that are none, so that no kernel is started: plain, as Moodle has it, zipped, and zipped in a folder."""
    for path in (folder / "ada" / UNIT, folder / ZOE, folder / "bob" / "my work"):
        path.mkdir(parents=True)
        (path / f"{UNIT}.ipynb").write_text("{}", encoding="utf-8")
    (folder / ZHANG).mkdir()
    with zipfile.ZipFile(folder / ZHANG / "work.zip", "w") as archive:
        archive.writestr(f"lab/{UNIT}.ipynb", "{}")
    (folder / "empty").mkdir()


@pytest.fixture(scope="module")
def graded(tmp_path_factory) -> Path:
    place = tmp_path_factory.mktemp("moodle")
    make_class(place / "raw")
    with zipfile.ZipFile(place / "class.zip", "w") as archive:
        for path in sorted((place / "raw").rglob("*")):
            archive.write(path, path.relative_to(place / "raw"))
    words = [str(place / "class.zip"), UNIT, "--unsafe-no-sandbox"]
    assert autograde.main(["autograde", *words]) == 0 and autograde.main(["feedback", *words[:2]]) == 0
    return place / "class-graded"


def read(path: Path) -> list[dict]:
    with open(path, encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_every_student_is_in_the_tables_by_name(graded):
    names = {"ada", "bob", "Zoë Müller", "张伟"}
    assert {row["student_id"] for row in read(graded / "grades.csv")} == names
    assert {row["student"]: row["score"] for row in read(graded / "report.csv")} == dict.fromkeys(names, "0.0")
    assert all("is not a notebook" in row["note"] for row in read(graded / "report.csv")), "it was found, whatever it lay in"


def test_moodle_takes_the_worksheet_and_the_pages(graded):
    rows = {row["Full name"]: row for row in read(graded / "moodle" / f"{UNIT}.csv")}
    assert rows["Zoë Müller"]["Identifier"] == "Participant 12" and rows["张伟"]["Identifier"] == "Participant 7"
    assert rows["ada"]["Identifier"] == "ada" and rows["ada"]["Maximum Grade"] == "20.0" and rows["ada"]["Grade"] == "0.0"
    with zipfile.ZipFile(graded / "moodle" / f"{UNIT}.zip") as archive:
        assert {f"{folder}/{UNIT}.txt" for folder in ("ada", "bob", ZOE, ZHANG)} == set(archive.namelist())


def test_a_damaged_zip_is_a_sentence(tmp_path, capsys):
    (tmp_path / "class.zip").write_text("<html>", encoding="utf-8")
    assert autograde.main(["autograde", str(tmp_path / "class.zip")]) == 1
    assert "is damaged or is no zip file" in capsys.readouterr().err and not (tmp_path / "class").exists()
