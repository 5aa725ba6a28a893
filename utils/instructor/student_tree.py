"""The tree that students get, without solutions and tests, made or renewed. Called by course.py release --out DIR."""
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from utils.instructor.files import ROOT, free, write_whole
from utils.instructor.work import digest

FOLDERS = ("lectures", "labs", "data", "utils")
FILES = ("course.py", "pyproject.toml", "requirements.lock", "environment.yml", "LICENSE", "CITATION.cff")
LEFT_OUT = ("__pycache__", ".ipynb_checkpoints", "students.md", "mutants.json")  # the last one shows answers
RECORD = "release.json"  # what a tree was given: {file: digest}


def make_student_tree(out: Path) -> int:
    """Make `out`, or renew a tree that an earlier release made; what students have in it (work/, .venv, their files) stays."""
    if out.exists() and not (out / RECORD).is_file():
        print(f"release: {out.name} is there already, and no release made it: name a new folder, or one that a release made.",
              file=sys.stderr)
        return 1
    draft = out.with_name(out.name + ".part")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    known, left = known_files()
    for name in known:
        (draft / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, draft / name)
    if left:
        print(f"release: left out, as git does not know them: {', '.join(left)}. If students are to get them: git add.",
              file=sys.stderr)
    for lecture in (draft / "lectures").glob("*.ipynb"):
        remove_notes(lecture)
    for name in FILES:
        shutil.copy(ROOT / name, draft / name)
    write_whole(draft / "README.md", readme())
    given = {path.relative_to(draft).as_posix(): digest(path) for path in sorted(draft.rglob("*")) if path.is_file()}
    write_whole(draft / RECORD, json.dumps(given, indent=1))
    if not out.exists():
        draft.rename(out)
        print(f"{out.name}/ can be given to students.")
        return 0
    kept = renew(draft, out, given)
    shutil.rmtree(draft)
    print("\n".join([*kept, f"{out.name}/ is renewed; copies in work/ follow at the next `python3 course.py lab` there."]))
    return 0


def known_files() -> tuple[list[str], list[str]]:
    """The files in FOLDERS that git knows, and those that it does not, an instructor's data say; without git all and none."""
    there = [path.relative_to(ROOT).as_posix() for name in FOLDERS for path in sorted((ROOT / name).rglob("*"))
             if path.is_file() and not set(path.relative_to(ROOT).parts) & set(LEFT_OUT)]
    try:
        done = subprocess.run(["git", "ls-files", "-z", "--", *FOLDERS], cwd=ROOT, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):  # a copy of the course that is no repository
        return there, []
    known = set(os.fsdecode(done.stdout).split("\0"))
    if known.isdisjoint(there):  # a copy inside of some other repository
        return there, []
    return [name for name in there if name in known], [name for name in there if name not in known]


def renew(draft: Path, out: Path, given: dict[str, str]) -> list[str]:
    """Move a new release into the tree of an earlier one. A sentence on each file that was changed there, which goes to kept/."""
    before, said = json.loads((out / RECORD).read_text(encoding="utf-8")), []
    for name in [*given, RECORD]:  # the record last: whatever stops this, the next run goes on
        new, old = draft / name, out / name
        if old.is_file() and name != RECORD and digest(old) not in (before.get(name), given[name]):
            kept = free(out / "kept" / name)
            kept.parent.mkdir(parents=True, exist_ok=True)
            old.rename(kept)
            said.append(f"{name} was changed in this tree: what it was is now {kept.relative_to(out).as_posix()}.")
        old.parent.mkdir(parents=True, exist_ok=True)
        new.replace(old)
    for name in before.keys() - given.keys():  # what is no longer part of the course, unless somebody changed it
        if (out / name).is_file() and digest(out / name) == before[name]:
            (out / name).unlink()
    return said


def remove_notes(lecture: Path) -> None:
    """Take the speaker notes out of a lecture: they tell the answers to its questions."""
    notebook = json.loads(lecture.read_text(encoding="utf-8"))
    notebook["cells"] = [cell for cell in notebook["cells"] if cell["metadata"].get("slideshow", {}).get("slide_type") != "notes"]
    write_whole(lecture, json.dumps(notebook, indent=1, ensure_ascii=False) + "\n")


def readme() -> str:
    """The students' README: students.md, with the map, the other systems and the licence from the course's own."""
    course = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = re.search(r"^\| unit \| lecture \| lab \|\n(?:\|.*\n)+", course, re.MULTILINE)[0]
    elsewhere, licence = (re.search(rf"(?ms)^## {name}\n\n(.*?)(?=^## |\Z)", course)[1].strip()
                          for name in ("Elsewhere", "Licence"))
    text = (ROOT / "utils" / "instructor" / "students.md").read_text(encoding="utf-8")
    return text.replace("{map}", rows.strip()).replace("{elsewhere}", elsewhere).replace("{licence}", licence)
