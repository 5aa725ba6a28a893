"""What the instructor's pages say of minutes, points, packages and versions is what the course has."""
import re
import tomllib

import nbformat
import pytest

from utils.instructor.execute import ROOT


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


ROWS = re.findall(r"^\| (\d\d_\w+) \|([\d +]*)\| (\d+) \| (\d+) \|", text("SYLLABUS.md"), re.M)


def minutes(notebook: str) -> int:
    first = nbformat.read(ROOT / notebook, as_version=4).cells[0].source
    return int(re.search(r"(\d+) minutes", first)[1])


def test_every_unit_is_in_the_syllabus():
    assert [unit for unit, *_ in ROWS] == sorted(folder.name for folder in (ROOT / "solutions").iterdir() if folder.is_dir())


@pytest.mark.parametrize("unit, lectures, lab, points", ROWS, ids=[row[0] for row in ROWS])
def test_the_syllabus_has_the_minutes_and_points_of_the_notebooks(unit, lectures, lab, points):
    parts = sorted((ROOT / "lectures").glob(f"{unit}*.ipynb"), key=lambda path: path.stem)
    assert [minutes(f"lectures/{part.name}") for part in parts] == [int(part) for part in lectures.split("+") if part.strip()]
    assert minutes(f"labs/{unit}/{unit}.ipynb") == int(lab)
    assert re.search(rf"^\| \[{unit}\].* (\d+) \|$", text("labs/README.md"), re.M)[1] == points


def test_the_changelog_ends_with_the_version_of_the_course():
    version, date = re.findall(r"^## \[([\d.]+)\] - ([\d-]+)$", text("CHANGELOG.md"), re.M)[0]
    assert version == tomllib.loads(text("pyproject.toml"))["project"]["version"]
    assert f"version: {version}\ndate-released: {date}\n" in text("CITATION.cff")


def test_the_container_has_the_packages_of_ci_and_what_it_copies():
    container = text("Containerfile")
    needed = re.search(r"--no-install-recommends ([\w ]+)", text(".ci/run"))[1].split()
    installed = re.search(r"--no-install-recommends \\\n\s*(.*?) >/dev/null", container, re.S)[1].split()
    assert set(needed) < set(installed)
    left_out = text(".dockerignore").split()
    assert ".venv" in left_out and not {"course.py", "requirements.lock", "utils", "data", "labs", "solutions"} & set(left_out)
    assert "course.set_up()" in container and "USER instructor" in container


@pytest.mark.parametrize("name", ["SYLLABUS.md", "ACCESSIBILITY.md", "CHANGELOG.md"])
def test_links_of_the_instructors_pages_lead_to_files(name):
    for link in re.findall(r"\]\((?!https?://)([^)#]+)", text(name)):
        assert (ROOT / link).exists(), link
    assert f"({name})" in text("README.md")
