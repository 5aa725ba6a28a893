"""A clean copy of what a stranger handed in, made without trusting it: files are copied one by one, nothing is read or run.

Faults come back as sentences for the team; only a submission from which nothing at all can be taken raises BadSubmission.
"""
import os
import re
import stat
import unicodedata
import zipfile
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from utils.instructor.files import MachineFault, of_machine

MOST_FILES = 2000
MOST_ENTRIES = 2 * MOST_FILES  # of a zip file, counting what is ignored
MOST_FAULTS = 20  # sentences about single files
MOST_BYTES = 400 << 20  # of all files together
DEEPEST = 20  # folders inside each other
PIECE = 1 << 20
LESS = "hand in only the files that are asked for, without environments and data."
METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}  # Python unpacks all others without a bound
CODE = (".py", ".ipynb")  # what a submission is about
OTHER_PACKERS = {".gz", ".tgz", ".tar", ".bz2", ".xz", ".7z", ".rar"}
# A path of the host, as in /proc/self/mountinfo; the folders that a script or a notebook is told of stay.
HOST_PATH = re.compile(r"(?<![\w.])(?<!:/)/(?!(?:submission|images|(?:tmp/)?handed-in)(?:/|\b))"
                       r"[^\s/\"':;,<>|()]+(?:/[^\s\"':;,<>|()]*)+")
IGNORED = {"__MACOSX", ".DS_Store", ".git", ".ipynb_checkpoints", ".venv", "__pycache__", "Thumbs.db"}


class BadSubmission(ValueError):
    """Nothing can be graded; the message is a sentence for the team."""


def entries(folder: Path) -> list[Path]:
    """The submissions in the folder of a class, sorted by name: each a folder or a zip file; links are not followed."""
    found = [entry for entry in folder.iterdir() if entry.name not in IGNORED and not entry.name.startswith(".")]
    kept = [entry for entry in found if not entry.is_symlink() and (entry.is_dir() or entry.suffix.lower() == ".zip")]
    return sorted(kept, key=lambda entry: os.fsencode(entry.name))


def left_out(folder: Path) -> list[str]:
    """What else lies there and is not graded: names of files and links, without hidden ones."""
    names = {entry.name for entry in folder.iterdir()} - IGNORED - {entry.name for entry in entries(folder)}
    return sorted(plain(name) for name in names if not name.startswith("."))


def take_in(source: Path, target: Path) -> list[str]:
    """Copy the regular files of a folder or zip to the new folder `target`, which anybody may read. Gives faults as sentences.

    A link, a device, a path that leads out of the folder and what comes after the limits is left out and named. Raises
    BadSubmission when there is nothing to take.
    """
    if source.is_symlink() or not (source.is_dir() or source.is_file()):
        raise BadSubmission("The submission is neither a folder nor a zip file: hand in one of the two.")
    target.mkdir(parents=True)
    faults = _copy_folder(source, target) if source.is_dir() else _unzip(source, target)
    inner = [path for path in target.rglob("*") if path.is_file()]
    packed, alone = [path for path in inner if path.suffix.lower() == ".zip"], not any(path.suffix in CODE for path in inner)
    if alone and len(packed) == 1:  # as Moodle delivers it, perhaps with a report
        faults += _unzip(packed[0], target)
        packed[0].unlink()
        inner = [path for path in target.rglob("*") if path.is_file()]
    else:
        faults += [f"{plain(path.name)} was not unpacked: hand in one zip file alone, or the files themselves."
                   for path in packed]
    if alone:
        faults += [f"{plain(path.name)} was not unpacked: make a zip file."
                   for path in inner if path.suffix.lower() in OTHER_PACKERS]
        inner = [path for path in inner if path.suffix.lower() not in OTHER_PACKERS]
    if len(faults) > MOST_FAULTS:
        faults[MOST_FAULTS:] = [f"{len(faults) - MOST_FAULTS} more files were left out."]
    if not inner:
        raise BadSubmission(" ".join(["The submission holds no file that can be used.", *faults[:3]]))
    for path in (target, *target.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return faults


class _Room:
    """How much may still be copied; raises BadSubmission at the limit, so that a bomb stops where it stands."""

    def __init__(self):
        self.files, self.bytes = MOST_FILES, MOST_BYTES

    def copy(self, source: BinaryIO, target: Path) -> None:
        self.files -= 1
        if self.files < 0:
            raise BadSubmission(f"The submission has more than {MOST_FILES} files: {LESS}")
        target.parent.mkdir(parents=True, exist_ok=True)
        with open(target, "xb") as out:
            try:
                while piece := source.read(PIECE):
                    self.bytes -= len(piece)
                    if self.bytes < 0:
                        raise BadSubmission(f"The submission is larger than {MOST_BYTES >> 20} MiB when unpacked: {LESS}")
                    out.write(piece)
            except Exception:
                target.unlink()  # no half of a file
                raise


def _copy_folder(source: Path, target: Path) -> list[str]:
    room, faults = _Room(), []
    # Neither follows a link that has just taken the place of a file, nor waits for a pipe. Windows has no such flags, but one
    # for bytes.
    flags = os.O_RDONLY | sum(getattr(os, flag, 0) for flag in ("O_NOFOLLOW", "O_NONBLOCK", "O_BINARY"))

    def closed(error: OSError) -> None:
        raise MachineFault(f"The grader may not open the folder {plain(Path(error.filename).name)} of {plain(source.name)}.")

    for place, folders, files in os.walk(source, onerror=closed):
        folders[:] = sorted(name for name in folders if name not in IGNORED)
        if folders and len(Path(place).relative_to(source).parts) >= DEEPEST:
            faults.append(f"{plain(Path(place).name)} lies {DEEPEST} folders deep: what is in its folders was left out.")
            folders[:] = []
        for name in [*folders, *sorted(files)]:
            path = Path(place) / name
            mode = path.lstat().st_mode
            if stat.S_ISLNK(mode):
                faults.append(f"{plain(name)} is a link and was left out: hand in the file itself.")
            elif not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
                faults.append(f"{plain(name)} is not an ordinary file and was left out.")
            elif stat.S_ISREG(mode) and name not in IGNORED:
                try:
                    with os.fdopen(os.open(path, flags), "rb") as opened:
                        room.copy(opened, target / path.relative_to(source))
                except PermissionError:
                    raise MachineFault(f"The grader may not read {plain(name)} of {plain(source.name)}.") from None
                except (OSError, ValueError) as error:
                    if isinstance(error, BadSubmission | MachineFault) or of_machine(error):
                        raise
                    faults.append(f"{plain(name)} could not be read and was left out.")
    return faults


def opened_zip(source: Path) -> zipfile.ZipFile:
    """A zip file, opened.

    Raises BadSubmission before it costs memory if it is too large or has too many entries, and what `zipfile` raises.
    """
    if source.stat().st_size > MOST_BYTES:
        raise BadSubmission(f"The zip file is larger than {MOST_BYTES >> 20} MiB: {LESS}")
    with open(source, "rb") as file:  # entries cost memory as soon as the zip file is opened: count them before, by their mark
        if sum(piece.count(b"PK\1\2") for piece in iter(lambda: file.read(PIECE), b"")) > MOST_ENTRIES:
            raise BadSubmission(f"The zip file has more than {MOST_ENTRIES} entries: {LESS}")
    return zipfile.ZipFile(source)


def _unzip(source: Path, target: Path) -> list[str]:
    room, faults, seen = _Room(), [], set()
    try:
        with opened_zip(source) as archive:
            for entry in archive.infolist():
                path, mode = PurePosixPath(entry.filename.replace("\\", "/")), entry.external_attr >> 16
                if entry.is_dir() or IGNORED & set(path.parts):
                    continue
                if entry.flag_bits & 1:
                    raise BadSubmission("The zip file has a password: hand in one without.")
                if path.is_absolute() or ".." in path.parts or any(":" in part or "\0" in part for part in path.parts):
                    faults.append(f"{plain(entry.filename)} leads out of the zip file and was left out.")
                elif stat.S_IFMT(mode) not in (0, stat.S_IFREG):
                    faults.append(f"{plain(entry.filename)} is a link or a device and was left out: hand in the file itself.")
                elif len(path.parts) > DEEPEST:
                    faults.append(f"{plain(path.name)} lies more than {DEEPEST} folders deep and was left out.")
                elif entry.compress_type not in METHODS:
                    faults.append(f"{plain(entry.filename)} is packed by a method that the grader does not unpack and was left "
                                  "out: make an ordinary zip file.")
                elif path in seen:
                    faults.append(f"{plain(entry.filename)} is in the zip file twice: the first one was used.")
                else:
                    seen.add(path)
                    try:
                        with archive.open(entry) as opened:
                            room.copy(opened, target / path)
                    except Exception as error:  # damaged data, a file where a folder is, a name too long
                        if isinstance(error, BadSubmission | MachineFault) or of_machine(error):
                            raise
                        faults.append(f"{plain(entry.filename)} cannot be unpacked and was left out.")
    except PermissionError:
        raise MachineFault(f"The grader may not read {plain(source.name)}.") from None
    except Exception as error:
        if isinstance(error, BadSubmission | MachineFault) or of_machine(error):
            raise
        raise BadSubmission("The zip file is damaged or is none: pack it again and try to open it before you hand "
                            "it in.") from None
    return faults


def without_paths(text: str) -> str:
    """A text in which no path tells where this machine keeps what."""
    return HOST_PATH.sub("PATH", text)


def plain(name: str, longest: int = 60) -> str:
    """A name that can be printed: at most `longest` characters, none invisible or changing the direction of the text."""
    text = "".join("?" if unicodedata.category(sign) in ("Cc", "Cf", "Cs", "Zl", "Zp") else sign for sign in name)
    return text if len(text) <= longest else text[:longest - 3] + "..."
