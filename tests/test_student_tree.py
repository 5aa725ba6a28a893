"""What `course.py release --out DIR` gives to students, and what a new release does to a tree that is in use."""
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from utils.instructor import student_tree
from utils.instructor.student_tree import make_student_tree
from utils.instructor.work import main as bring_work_up_to_date


@pytest.fixture(scope="module")
def tree(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("release") / "students"
    assert make_student_tree(out) == 0
    return out


def test_it_has_no_answers(tree):
    names = {entry.name for entry in tree.iterdir()}
    assert {"labs", "lectures", "utils", "course.py",
            "README.md"} <= names and not names & {"solutions", "tests", ".venv", "work"}
    assert not [path for path in tree.rglob("*.ipynb") if "BEGIN SOLUTION" in path.read_text(encoding="utf-8")]
    assert not list(tree.rglob("mutants.json")), "it shows right answers that are written differently"
    assert not [path for path in tree.rglob("lectures/*.ipynb") if '"slide_type": "notes"' in path.read_text(encoding="utf-8")]
    assert len(list(tree.rglob("lectures/*.ipynb"))) > 10


def test_what_students_read_needs_nothing_of_the_instructors(tree):
    shelves = [path for path in (tree / "utils").rglob("*.py") if "instructor" not in path.parts]
    assert tree / "utils" / "checks" / "alone.py" in shelves
    assert ([path for path in shelves
             if re.search(r"^\s*(from|import) utils\.instructor", path.read_text(encoding="utf-8"), re.MULTILINE)] == [])


def test_no_link_is_dead(tree):
    pages = [path for path in tree.rglob("*.md")]
    assert tree / "README.md" in pages and tree / "labs" / "README.md" in pages
    for page in [*pages, *tree.rglob("*.ipynb")]:
        text = page.read_text(encoding="utf-8")
        if page.suffix == ".ipynb":
            text = "\n".join("".join(cell["source"]) for cell in json.loads(text)["cells"] if cell["cell_type"] == "markdown")
        links = re.findall(r"\]\(([^)\s#]+)[^)\s]*\)", re.sub(r"(?s)```.*?```|`[^`\n]*`|\$[^$]*\$", "", text))
        assert [link for link in links if "://" not in link and not (page.parent / link).exists()] == [], page


def test_its_readme_is_for_students(tree):
    text = (tree / "README.md").read_text(encoding="utf-8")
    assert set(re.findall(r"course\.py (\w+)", text)) == {"lab"} and "{" not in text and "solutions" not in text
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == ["Start", "Work on a lab", "Hand in", "Get help",
                                                            "A new version of the course", "Elsewhere", "Licence"]
    assert "[05_adversarial_dx](lectures/05_adversarial_dx.ipynb)" in text


@pytest.fixture
def small_course(tmp_path, monkeypatch) -> Path:
    """A course of one file in each folder."""
    root = tmp_path / "course"
    for name in (*(f"{folder}/a.txt" for folder in student_tree.FOLDERS), *student_tree.FILES, "utils/gone.py"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("first", encoding="utf-8")
    monkeypatch.setattr(student_tree, "ROOT", root)
    monkeypatch.setattr(student_tree, "readme", lambda: "for students")
    return root


def test_a_used_tree_is_renewed_and_what_is_somebodys_is_kept(small_course, tmp_path, capsys):
    out = tmp_path / "out"
    assert make_student_tree(out) == 0
    (out / "work").mkdir()
    for name in ("work/mine.ipynb", "notes.txt", "lectures/a.txt", "utils/mine.py"):
        (out / name).write_text("by a student", encoding="utf-8")
    (small_course / "utils" / "gone.py").unlink()
    for name in ("lectures/a.txt", "labs/a.txt"):
        (small_course / name).write_text("second", encoding="utf-8")
    for _ in range(2):
        assert make_student_tree(out) == 0
        texts = {path.relative_to(out).as_posix(): path.read_text(encoding="utf-8") for path in out.rglob("*") if path.is_file()}
        assert {name for name, text in texts.items()
                if text == "by a student"} == {"work/mine.ipynb", "notes.txt", "kept/lectures/a.txt", "utils/mine.py"}
        assert (texts["lectures/a.txt"] == texts["labs/a.txt"] == "second" and "utils/gone.py" not in texts
                and not out.with_name("out.part").exists())
    assert capsys.readouterr().out.count("lectures/a.txt was changed in this tree: what it was is now kept/lectures/a.txt.") == 1


def test_what_git_does_not_know_stays_with_the_instructor(small_course, tmp_path, capsys):
    for words in (["init", "-q"], ["add", "."]):
        subprocess.run(["git", *words], cwd=small_course, check=True)
    (small_course / "data" / "faces.npz").write_text("an instructor's", encoding="utf-8")
    assert make_student_tree(tmp_path / "out") == 0
    assert not (tmp_path / "out" / "data" / "faces.npz").exists() and (tmp_path / "out" / "data" / "a.txt").exists()
    assert "left out, as git does not know them: data/faces.npz" in capsys.readouterr().err


def test_a_folder_that_no_release_made_is_left_alone(small_course, tmp_path, capsys):
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "course.py").write_text("mine", encoding="utf-8")
    assert make_student_tree(tmp_path / "home") == 1 and "no release made it" in capsys.readouterr().err
    assert [path.read_text(encoding="utf-8") for path in (tmp_path / "home").iterdir()] == ["mine"]


def test_unpacked_over_a_used_tree_it_renews_work(tree, tmp_path):
    """As students do it, with a zip file: all files are overwritten, work/ is not in it."""
    used, name = tmp_path / "used", "01_convolution_filters"
    for folder in ("labs", "lectures"):
        shutil.copytree(tree / folder, used / folder, ignore=lambda at, names: [one for one in names if one[:2] > "02"])
    assert bring_work_up_to_date([str(used)]) == 0
    mine = used / "work" / name / f"{name}.ipynb"
    mine.write_text(mine.read_text(encoding="utf-8").replace("raise NotImplementedError", "return 7 #", 1), encoding="utf-8")
    other = used / "work" / "02_neural_networks" / "02_neural_networks.ipynb"
    before = mine.read_bytes()
    for path in used.glob("labs/*/*.ipynb"):
        path.write_text(path.read_text(encoding="utf-8").replace("minutes", "Minutes", 1), encoding="utf-8")
    assert bring_work_up_to_date([str(used)]) == 0
    assert (mine.read_bytes() == before and b"Minutes" in other.read_bytes()
            and b"Minutes" in mine.with_name(f"{name}_new.ipynb").read_bytes())
    assert bring_work_up_to_date([str(used), "--update", "01_conv"]) == 0
    assert (b"return 7 #" in mine.read_bytes() and b"Minutes" in mine.read_bytes()
            and mine.with_name(f"{name}_old.ipynb").read_bytes() == before)
