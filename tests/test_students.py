"""Classes as Moodle delivers them: names in any script, files without folders, zips; and what goes back."""
import csv
import io
import shutil
import subprocess
import sys
import unicodedata
import zipfile
from contextlib import redirect_stderr
from pathlib import Path

import pytest

from conftest import need
from utils.instructor import autograde
from utils.instructor.execute import ROOT
from utils.instructor.grading import clean_copy, students

UNIT = "01_convolution_filters"
ZOE, ZHANG = "Zoë Müller_12_assignsubmission_file", "张伟_7_assignsubmission_file_"


@pytest.mark.parametrize("folder, shown, number",
                         [(ZOE, "Zoë Müller", "12"), (unicodedata.normalize("NFD", ZOE), "Zoë Müller", "12"), (ZHANG, "张伟", "7"),
                          ("ada", "ada", ""), ("O'Neil, a*b.zip", "O'Neil, a*b", ""), ("x\u202ey", "x?y", "")])
def test_names(folder, shown, number):
    found = students.student(folder)
    assert (found.shown, found.number, found.folder) == (shown, number, folder)
    assert students.TAKEN.fullmatch(found.code) and (found.code == shown or found.code.startswith("s-"))


def test_two_of_one_name_are_two():
    first = students.student("ada")
    assert students.student("ada.zip", {first.code}).code != first.code


def test_their_pages_are_two():
    everybody = [students.student(name, taken) for name, taken in (("ada", ()), ("ada.zip", {"ada"}), ("bob.zip", ()), (ZOE, ()))]
    names = students.page_names(everybody)
    assert (len(set(names.values())) == 4 and {"ada", "bob", ZOE} < set(names.values())
            and list(names) == [one.code for one in everybody])


def test_a_zip_with_too_many_entries_is_not_opened(tmp_path, monkeypatch):
    (tmp_path / "ada").mkdir()
    with zipfile.ZipFile(tmp_path / "ada" / "work.zip", "w") as archive:
        for number in range(clean_copy.MOST_ENTRIES + 1):
            archive.writestr(f"{number}", "")
    monkeypatch.setattr(zipfile, "ZipFile", lambda *words: pytest.fail("it was opened"))
    assert students.handed_in(tmp_path, [UNIT, "02_other"]) == {}
    assert len(students.handed_in(tmp_path, [UNIT])) == 1, "where one unit is graded its student gets a sentence"
    with pytest.raises(clean_copy.BadSubmission, match="more than 4000 entries"):
        clean_copy.take_in(tmp_path / "ada", tmp_path / "copy")


def keep_inputs(out: Path) -> None:
    """As if inputs for the hidden checks had been drawn: no kernel is started for that."""
    (out / "inputs").mkdir(parents=True)
    (out / "inputs" / f"{UNIT}.txt").write_text("7", encoding="utf-8")


def make_class(folder: Path) -> None:
    """Four notebooks that are none, so that no kernel is started: plain, as Moodle has it, zipped, and zipped in a folder."""
    for path in (folder / "ada" / UNIT, folder / ZOE, folder / "bob" / "my work"):
        path.mkdir(parents=True)
        (path / f"{UNIT}.ipynb").write_text("{}", encoding="utf-8")
    (folder / ZHANG).mkdir()
    with zipfile.ZipFile(folder / ZHANG / "work.zip", "w") as archive:
        archive.writestr(f"lab/{UNIT}.ipynb", "{}")
    (folder / "=HYPERLINK(1);@SUM(1)" / UNIT).mkdir(parents=True)
    (folder / "=HYPERLINK(1);@SUM(1)" / UNIT / f"{UNIT}.ipynb").write_text("{}", encoding="utf-8")
    (folder / "empty").mkdir()
    (folder / "lab.tar.gz").touch()


@pytest.fixture(scope="module")
def graded_and_said(tmp_path_factory) -> tuple[Path, str]:
    place = tmp_path_factory.mktemp("moodle")
    make_class(place / "raw")
    with zipfile.ZipFile(place / "class.zip", "w") as archive:
        for path in sorted((place / "raw").rglob("*")):
            archive.write(path, path.relative_to(place / "raw"))
    keep_inputs(place / "class-graded")
    words = [str(place / "class.zip"), UNIT, "--unsafe-no-sandbox"]
    with redirect_stderr(io.StringIO()) as said:
        assert autograde.main(["autograde", *words]) == 0 and autograde.main(["feedback", *words[:2]]) == 0
    return place / "class-graded", said.getvalue()


@pytest.fixture
def graded(graded_and_said) -> Path:
    return graded_and_said[0]


def read(path: Path) -> list[dict]:
    with open(path, encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_every_student_is_in_the_tables_by_name(graded):
    names = {"ada", "bob", "Zoë Müller", "张伟", "'=HYPERLINK(1);'@SUM(1)"}
    assert {row["student_id"] for row in read(graded / "grades.csv")} == names
    assert {row["student"]: row["score"] for row in read(graded / "report.csv")} == dict.fromkeys(names, "0.0")
    assert all("is not a notebook" in row["note"] for row in read(graded / "report.csv")), "it was found, whatever it lay in"


def test_moodle_takes_the_worksheet_and_the_pages(graded):
    rows = {row["Full name"]: row for row in read(graded / "moodle" / f"{UNIT}.csv")}
    assert rows["Zoë Müller"]["Identifier"] == "Participant 12" and rows["张伟"]["Identifier"] == "Participant 7"
    assert rows["ada"]["Identifier"] == "ada" and rows["ada"]["Maximum Grade"] == "20.0" and rows["ada"]["Grade"] == "0.0"
    with zipfile.ZipFile(graded / "moodle" / f"{UNIT}.zip") as archive:
        assert ({f"{folder}/{UNIT}.txt"
                 for folder in ("ada", "bob", ZOE, ZHANG, "=HYPERLINK(1);@SUM(1)")} == set(archive.namelist()))


def test_who_handed_in_nothing_of_it_is_named(graded_and_said):
    assert f"No lab of {UNIT} is in: empty, lab.tar.gz" in graded_and_said[1]


def test_after_the_gradebook_was_deleted_all_are_graded_again(graded):
    before = read(graded / "report.csv")
    (graded / "gradebook.db").unlink()
    shutil.copy(graded / "state" / f"ada--{UNIT}.json", graded / "state" / "ada--02_neural_networks.json")  # of a run before
    assert autograde.main(["autograde", str(graded).removesuffix("-graded"), UNIT, "--unsafe-no-sandbox"]) == 0
    assert read(graded / "report.csv") == before


FULL = """
import os, sys
from utils.instructor import autograde
from utils.instructor.grading import class_folder, gradebook
class_folder.NEEDED_BYTES = 0
no_points = gradebook.no_points
def when_the_disk_is_full(out, *words):
    file = os.open(out / "filler", os.O_WRONLY | os.O_CREAT)
    try:
        while os.write(file, bytes(512)):
            pass
    except OSError:
        no_points(out, *words)
gradebook.no_points = when_the_disk_is_full
sys.exit(autograde.main(sys.argv[1:]))
"""


def test_a_full_disk_of_the_gradebook_is_a_sentence(graded, tmp_path):
    need("bwrap")
    shutil.copytree(graded.with_name("class") / "ada", tmp_path / "class" / "ada")
    (out := tmp_path / "class-graded").mkdir()
    done = subprocess.run(["bwrap", "--bind", "/", "/", "--dev-bind", "/dev", "/dev", "--size", str(4 << 20), "--tmpfs",
                           str(out), "--",
                           sys.executable, "-c", FULL, "autograde", str(tmp_path / "class"), UNIT, "--unsafe-no-sandbox",
                           "--jobs", "1"],
                          capture_output=True, encoding="utf-8", cwd=ROOT)
    assert done.returncode == 1 and "costs nobody a point" in done.stderr and "Traceback" not in done.stderr, done.stderr


def test_a_damaged_zip_is_a_sentence(tmp_path, capsys):
    (tmp_path / "class.zip").write_text("<html>", encoding="utf-8")
    assert autograde.main(["autograde", str(tmp_path / "class.zip")]) == 1
    assert "is damaged or is no zip file" in capsys.readouterr().err and not (tmp_path / "class").exists()
