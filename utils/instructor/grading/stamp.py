"""What a result depends on, by content: while its stamp stays the same, the graders use a result again.

Times of files say nothing: `git checkout` and copying change them, and two contents can have the same.
"""
import hashlib
import os
import stat
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from utils.instructor.grading.clean_copy import IGNORED, MOST_BYTES

ROOT = Path(__file__).resolve().parents[3]


def of_course() -> str:
    """SHA-256 of the code of `utils`, the stored weights and the versions of the packages.

    Pages are made again in every run, so their templates are not in it; neither is rubric.toml, whose lines judge again what was
    measured.
    """
    return of_files(ROOT, [*ROOT.glob("utils/**/*.py"), *ROOT.glob("data/weights/*.npz"), ROOT / "requirements.lock"])


def of_submission(source: Path, *setting: str) -> str:
    """SHA-256 of a submission, a folder or a file, and of the texts of `setting`; "" where it cannot be read,
    which is never again equal.
    """
    try:
        return of_texts(of_tree(source), *setting)
    except (OSError, RecursionError):
        return ""


def of_texts(*texts: str) -> str:
    """SHA-256 of several texts, in this order; names of files may be among them."""
    return hashlib.sha256("\0".join(texts).encode("utf-8", "surrogateescape")).hexdigest()


def of_tree(source: Path) -> str:
    """SHA-256 of a file, or of the names and contents in a folder, without what Python and Jupyter leave there."""
    if not source.is_dir():
        return of_files(source.parent, [source])
    return of_files(source, (path for path in source.rglob("*") if not IGNORED & set(path.relative_to(source).parts)))


def of_files(below: Path, paths: Iterable[Path]) -> str:
    """SHA-256 of the names, relative to `below`, and contents of files, in the order of their names.

    Of what is no ordinary file, what cannot be read, and what comes after MOST_BYTES, where no grader looks,
    only name and size count.
    """
    total, room = hashlib.sha256(), MOST_BYTES
    for path in sorted(paths):
        state, content = path.lstat(), b""
        size = 0 if stat.S_ISDIR(state.st_mode) else state.st_size
        if stat.S_ISREG(state.st_mode):
            room -= size
            with suppress(PermissionError):
                content = _content(path) if room >= 0 else b""
        total.update(os.fsencode(path.relative_to(below)) + f"\0{stat.S_IFMT(state.st_mode)} {size}\0".encode() + content)
    return total.hexdigest()


def _content(path: Path) -> bytes:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").digest()
