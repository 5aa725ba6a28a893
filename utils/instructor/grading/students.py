"""Who handed in what: folders as a learning platform delivers them, and tables and pages as it takes them back.

Moodle's "Download all submissions" makes a folder NAME_NUMBER_assignsubmission_file for each student, whose files are those that
were uploaded; its offline grading worksheet and its feedback zip go by the same name and number.
"""
import hashlib
import os
import re
import unicodedata
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from utils.instructor.files import write_table
from utils.instructor.grading import clean_copy
from utils.instructor.grading.handed_in import patterns

MOODLE = re.compile(r"(?P<name>.+)_(?P<number>\d+)_assignsubmission_(?:file|onlinetext)_?")
TAKEN = re.compile(r"[\w@][\w@.-]*")  # what nbgrader can take: it uses the name in a pattern
MOST_CLASS = 8 << 30  # bytes of a class in one zip file
WORKSHEET = ["Identifier", "Full name", "Grade", "Maximum Grade", "Feedback comments"]


class Student(NamedTuple):
    """A student: `folder` as it was delivered, the name `shown` on pages, `code` for nbgrader and file names,
    Moodle's `number` or "".
    """

    folder: str
    shown: str
    code: str
    number: str


def student(folder: str, taken: Iterable[str] = ()) -> Student:
    """The student of a folder or zip file; the code is the name where nbgrader can take it and nobody of `taken` has it."""
    name = unicodedata.normalize("NFC", folder.removesuffix(".zip"))
    found = MOODLE.fullmatch(name)
    shown = clean_copy.plain(found["name"] if found else name, 120)
    code = shown if TAKEN.fullmatch(shown) and shown not in taken else "s-" + hashlib.sha256(os.fsencode(folder)).hexdigest()[:10]
    return Student(folder, shown, code, found["number"] if found else "")


def page_names(everybody: Iterable[Student]) -> dict[str, str]:
    """{code: the name of the student's folder of pages}: that of what was delivered,
    without .zip unless two would have the same.
    """
    short = {one.code: one.folder.removesuffix(".zip") for one in everybody}
    return {code: name if list(short.values()).count(name) == 1 else code for code, name in short.items()}


def handed_in(folder: Path, units: Sequence[str]) -> dict[tuple[str, str], tuple[Student, Path]]:
    """{(code of the student, unit): (student, folder or zip file with that lab)}, sorted by unit."""
    found, codes = {}, set()
    for entry in clean_copy.entries(folder):
        one = student(entry.name, codes)
        places = {unit: place for unit in units if (place := _place(entry, unit, alone=len(units) == 1))}
        if places:
            codes.add(one.code)
            found |= {(one.code, unit): (one, place) for unit, place in places.items()}
    return dict(sorted(found.items(), key=lambda item: item[0][::-1]))


def _place(entry: Path, unit: str, *, alone: bool) -> Path | None:
    """Where the notebook of a unit lies in what one student handed in: UNIT/UNIT.ipynb, UNIT.ipynb, one folder deeper,
    or in a zip.

    "UNIT (1).ipynb" and the like will do: see `handed_in.patterns`.
    """
    name = patterns(unit)[1]
    if entry.is_file():
        return entry if _holds(entry, name, alone) else None
    if (entry / unit).is_dir() and not (entry / unit).is_symlink():
        return entry / unit
    packed = [path for path in sorted(entry.glob("*.zip"))[:20] if path.is_file()]
    if any(name.fullmatch(path.name) for path in entry.glob("*.ipynb")) or any(_holds(path, name, alone) for path in packed):
        return entry
    return next((path.parent for path in sorted(entry.glob("*/*.ipynb")) if name.fullmatch(path.name)), None)


def _holds(path: Path, name: re.Pattern, alone: bool) -> bool:
    """Whether a zip file holds a file with such a name.

    A damaged one counts where only one unit is graded: its student gets a sentence.
    """
    try:
        with clean_copy.opened_zip(path) as archive:
            return any(name.fullmatch(PurePosixPath(entry).name) for entry in archive.namelist())
    except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError):
        return alone


def unpacked(folder: Path) -> Path:
    """The folder of a class that was delivered as one zip file, unpacked beside it once; a folder as it is.

    Raises ValueError with a sentence for what is no zip file, or is larger than MOST_CLASS.
    """
    if folder.is_dir() or folder.suffix.lower() != ".zip":
        return folder
    target, draft = folder.with_suffix(""), folder.with_suffix(".part")
    if target.is_dir():
        return target
    try:
        with zipfile.ZipFile(folder) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > MOST_CLASS:
                raise ValueError(f"{folder.name} holds more than {MOST_CLASS >> 30} GiB: unpack it yourself and name the folder.")
            archive.extractall(draft)  # names that lead out of it are made harmless, and links become files
    except (zipfile.BadZipFile, NotImplementedError, EOFError):
        raise ValueError(f"{folder.name} is damaged or is no zip file: download it again, or unpack it and name the "
                         "folder.") from None
    draft.rename(target)
    return target


def write_worksheet(out: Path, unit: str, rows: Sequence[tuple[Student, float, float, str]]) -> None:
    """moodle/UNIT.csv, Moodle's offline grading worksheet, from (student, points, maximum, comment)."""
    (out / "moodle").mkdir(exist_ok=True)
    write_table(out / "moodle" / f"{unit}.csv", WORKSHEET, [
        dict(zip(WORKSHEET, (f"Participant {one.number}" if one.number else one.shown, one.shown, points, maximum, comment)))
        for one, points, maximum, comment in rows])


def write_pages(out: Path, unit: str, pages: Iterable[Path]) -> None:
    """moodle/UNIT.zip, the pages feedback/NAME/UNIT/FILE as Moodle's "Upload multiple feedback files in a zip" takes them."""
    (out / "moodle").mkdir(exist_ok=True)
    draft = out / "moodle" / f"{unit}.zip.part"
    with zipfile.ZipFile(draft, "w", zipfile.ZIP_DEFLATED) as archive:
        for page in pages:
            archive.write(page, f"{page.parents[1].name}/{page.name}")
    draft.replace(out / "moodle" / f"{unit}.zip")
