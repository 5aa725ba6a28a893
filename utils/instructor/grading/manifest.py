"""manifest.json: the files that a team hands in, with their digests.

The students' check writes it, the grader looks at nothing else.
"""
import hashlib
import json
import unicodedata
from pathlib import Path

from utils.instructor.files import write_whole
from utils.instructor.grading.clean_copy import IGNORED, MOST_FILES, plain

NAME = "manifest.json"
MOST_BYTES = 1 << 20  # of the manifest itself
SHOWN = 5  # names in a sentence
NOTEBOOK = ".ipynb"  # no grader looks at it


def write(folder: Path) -> int:
    """List all files in `folder` but notebooks, hidden files and those that no grader looks at; gives how many.

    Raises ValueError with a sentence where there are more than a submission may hold.
    """
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink() and path != folder / NAME
             and path.suffix != NOTEBOOK
             and not any(part in IGNORED or part.startswith(".") for part in path.relative_to(folder).parts)]
    if len(paths) > MOST_FILES:
        raise ValueError(f"{folder.name} holds {len(paths):,} files, and at most {MOST_FILES:,} can be handed in: "
                         f"put only what infer.py needs and the images into a folder of their own.")
    files = {path.relative_to(folder).as_posix(): _digest(path) for path in paths}
    write_whole(folder / NAME, json.dumps({"files": files}, indent=1, ensure_ascii=False) + "\n")
    return len(files)


def keep_listed(folder: Path) -> list[str]:
    """Delete from a clean copy what its manifest does not list; gives faults as sentences. Without a manifest all files stay."""
    found = min((path for path in folder.rglob(NAME) if path.is_file()), key=lambda path: (len(path.parts), str(path)),
                default=None)
    if found is None:
        return []
    listed = _read(found)
    if listed is None:
        return [f"{NAME} cannot be read, so all files were looked at: run the check again, it writes a new one."]
    there = {}
    for path in [path for path in folder.rglob("*") if path.is_file()]:
        name = path.relative_to(found.parent).as_posix() if path.is_relative_to(found.parent) else None
        there[_same(name or "")] = path
        if name is None or _same(name) not in listed:
            path.unlink()
    missing = [name for name in listed if name not in there]
    changed = [name for name, digest in listed.items() if name in there and _digest(there[name]) != digest]
    return ([f"Listed in {NAME}, but not handed in: {_some(missing)}."] if missing else []) + (
        [f"Changed since the check wrote {NAME}, and taken as handed in: {_some(changed)}."] if changed else [])


def _some(names: list[str]) -> str:
    return ", ".join(map(plain, names[:SHOWN])) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")


def _read(path: Path) -> dict[str, str] | None:
    """{name: digest}, or None for what the check did not write."""
    try:
        if path.stat().st_size > MOST_BYTES:
            return None
        files = json.loads(path.read_text(encoding="utf-8"))["files"]
        return {_same(name): digest for name, digest in files.items() if isinstance(digest, str)}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _same(name: str) -> str:
    """A name as it compares: Macs take letters with their accents apart when they write a file or a zip."""
    return unicodedata.normalize("NFC", name)


def _digest(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
