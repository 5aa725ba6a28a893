"""What a team handed in, taken in without trusting it: files are copied one by one, pictures are read, nothing is run.

    folder or zip -> `take_in` -> a clean copy -> `find` -> Submission

Faults come back as sentences for the team; only a submission from which nothing at all can be taken raises BadSubmission.
"""
import ast
import io
import os
import stat
import struct
import tomllib
import unicodedata
import zipfile
from pathlib import Path, PurePosixPath
from typing import BinaryIO, NamedTuple

import numpy as np
from PIL import Image

from utils.data.images import FACE_CLASSES, FACE_SIZE
from utils.instructor.files import MachineFault, of_machine

KINDS = ("ori", "mod", "amp")
MOST_FILES = 2000
MOST_ENTRIES = 2 * MOST_FILES  # of a zip file, counting what is ignored
MOST_FAULTS = 20  # sentences about single files
MOST_BYTES = 400 << 20  # of all files together
DEEPEST = 20  # folders inside each other
PIECE = 1 << 20
LESS = "hand in only the files that are asked for, without environments and data."
PICTURE_BYTES = 1 << 20  # of one file
MOST_PICTURES = 4  # files for one of the three images: a png, a raw file, and what was forgotten
PNG = b"\x89PNG\r\n\x1a\n"
PICTURE_CHUNKS = {b"IHDR", b"PLTE", b"tRNS", b"acTL", b"IDAT", b"IEND"}  # what the picture is; texts and profiles are not read
REFLECTION_BYTES = 20_000
NORMS = ("L1", "L2", "Linf")  # a team may choose one in team.toml
METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}  # Python unpacks all others without a bound
CODE = (".py", ".ipynb")  # what a submission is about
OTHER_PACKERS = {".gz", ".tgz", ".tar", ".bz2", ".xz", ".7z", ".rar"}
IGNORED = {"__MACOSX", ".DS_Store", ".git", ".ipynb_checkpoints", ".venv", "__pycache__", "Thumbs.db"}


class BadSubmission(ValueError):
    """Nothing can be graded; the message is a sentence for the team."""


class Submission(NamedTuple):
    """What was found in the clean copy.

    folder    where infer.py is, or None
    pictures  {"ori", "mod", "amp": grey levels uint8 [48, 48]}, without those that are missing or cannot be read
    names     what stands between adv_ and _ori: the names of the team as it wrote them, or ""
    label     of the original, as the team declares it in team.toml, or ""
    consent   whether team.toml says that names and pictures may be shown to the class
    norm      in which DX is to be small, as the team declares it in team.toml; L2 without
    reflection  the text of reflection.md, or "": for a person
    faults    sentences for the team
    """

    folder: Path | None
    pictures: dict[str, np.ndarray]
    names: str
    label: str
    consent: bool
    norm: str
    reflection: str
    faults: list[str]


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
    if not any(path.suffix in CODE for path in inner):
        packed = [path for path in inner if path.suffix.lower() == ".zip"]
        if len(packed) == 1:  # as Moodle delivers it, perhaps with a report
            faults += _unzip(packed[0], target)
            packed[0].unlink()
            inner = [path for path in target.rglob("*") if path.is_file()]
        faults += [f"{plain(path.name)} was not unpacked: make a zip file." for path in inner if path.suffix.lower() in OTHER_PACKERS]
        inner = [path for path in inner if path.suffix.lower() not in OTHER_PACKERS]
    if len(faults) > MOST_FAULTS:
        faults[MOST_FAULTS:] = [f"{len(faults) - MOST_FAULTS} more files were left out."]
    if not inner:
        raise BadSubmission(" ".join(["The submission holds no file that can be used.", *faults[:3]]))
    for path in (target, *target.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return faults


def find(folder: Path, faults: list[str] = []) -> Submission:
    """Look through a clean copy: infer.py, the three pictures and team.toml, in `folder` or in the one folder inside it."""
    faults = list(faults)
    scripts = sorted((path for path in folder.rglob("infer.py") if path.is_file()), key=lambda path: (len(path.parts), str(path)))
    if not scripts:
        faults.append("There is no infer.py: hand in your script under this name.")
    elif len(scripts) > 1 and len(scripts[0].parts) == len(scripts[1].parts):
        faults.append(f"There are {len(scripts)} files infer.py: {_shown(scripts[0], folder)} was used, leave only one.")
    root = scripts[0].parent if scripts else folder
    pictures, names = {}, set()
    for kind in KINDS:
        picture, name, problem = _picture(root if any(root.glob("adv_*")) else folder, kind)
        if problem:
            faults.append(problem)
        else:
            pictures[kind] = picture
            names.add(name)
    if len(names) > 1:
        shown = ", ".join(plain(name) for name in sorted(names))
        faults.append(f"The three images have different names between adv_ and their ending ({shown}): use one.")
    label, consent, norm, problems = _team(root)
    reflection, problem = _reflection(root)
    return Submission(scripts[0].parent if scripts else None, pictures, plain(min(names, default="")), label, consent, norm, reflection,
                      faults + problems + ([problem] if problem else []))


# copying --------------------------------------------------------------------------------------------------------------

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
                try:  # not following a link that has just taken the place of the file
                    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as opened:
                        room.copy(opened, target / path.relative_to(source))
                except PermissionError:
                    raise MachineFault(f"The grader may not read {plain(name)} of {plain(source.name)}.") from None
                except (OSError, ValueError) as error:
                    if isinstance(error, BadSubmission | MachineFault) or of_machine(error):
                        raise
                    faults.append(f"{plain(name)} could not be read and was left out.")
    return faults


def _unzip(source: Path, target: Path) -> list[str]:
    room, faults, seen = _Room(), [], set()
    if source.stat().st_size > MOST_BYTES:
        raise BadSubmission(f"The zip file is larger than {MOST_BYTES >> 20} MiB: {LESS}")
    try:
        with open(source, "rb") as file:  # entries cost memory as soon as the zip file is opened: count them before, by their mark
            if sum(piece.count(b"PK\1\2") for piece in iter(lambda: file.read(PIECE), b"")) > MOST_ENTRIES:
                raise BadSubmission(f"The zip file has more than {MOST_ENTRIES} entries: {LESS}")
        with zipfile.ZipFile(source) as archive:
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
                    faults.append(f"{plain(entry.filename)} is packed by a method that the grader does not unpack and was left out: make an "
                                  f"ordinary zip file.")
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
        raise BadSubmission("The zip file is damaged or is none: pack it again and try to open it before you hand it in.") from None
    return faults


# reading --------------------------------------------------------------------------------------------------------------

def _picture(folder: Path, kind: str) -> tuple[np.ndarray | None, str, str]:
    """(grey levels, names, "") of adv_NAMES_KIND, or (None, "", what is wrong). A png and a raw file must hold the same."""
    found = sorted(path for path in folder.glob(f"adv_*_{kind}*") if path.is_file()
                   and path.name.lower().removesuffix(".png").removesuffix(".raw").endswith(f"_{kind}"))
    name = f"adv_NAME1_NAME2_{kind}"
    if not found:
        return None, "", f"There is no image {name}: save it as png or as 2,304 raw bytes."
    if len(found) > MOST_PICTURES:
        return None, "", f"There are {len(found)} files for the image {name}: keep one."
    levels = []
    for path in found:
        try:
            levels.append(read_levels(path))
        except ValueError as error:
            return None, "", f"{plain(path.name)} {error}"
    stems = {unicodedata.normalize("NFC", path.name.removesuffix(path.suffix) if path.suffix.lower() in (".png", ".raw") else path.name)
             for path in found}
    if len(stems) > 1 or any(not np.array_equal(levels[0], other) for other in levels[1:]):
        shown = ", ".join(plain(path.name) for path in found[:3])
        return None, "", f"There are {len(found)} different images {name} ({shown}): keep one."
    return levels[0], stems.pop()[len("adv_"):-len(kind) - 1], ""


def read_levels(path: Path) -> np.ndarray:
    """The grey levels uint8 [48, 48] of a png of 48x48 pixels or of 2,304 raw bytes. Raises ValueError with half a sentence.

    The size is read before any pixel is, so a huge picture costs nothing, and texts and colour profiles in a png are not unpacked.
    """
    length = path.stat().st_size
    if length > PICTURE_BYTES:
        raise ValueError(f"has {length:,} bytes, expected a png of {FACE_SIZE}x{FACE_SIZE} grey pixels: save the small image.")
    content = path.read_bytes()
    if length == FACE_SIZE * FACE_SIZE and not content.startswith(PNG[:4]):  # a png may be as long
        return np.frombuffer(content, np.uint8).reshape(FACE_SIZE, FACE_SIZE)
    try:
        with Image.open(io.BytesIO(picture_alone(content)), formats=["PNG"]) as image:
            if image.size != (FACE_SIZE, FACE_SIZE):
                width, height = image.size
                raise ValueError(f"is {width}x{height}, expected {FACE_SIZE}x{FACE_SIZE}: do not resize it when you save it.")
            if getattr(image, "n_frames", 1) != 1:
                raise ValueError("is an animation, expected one picture.")
            if image.mode not in ("L", "RGB", "RGBA", "LA", "P", "1"):
                raise ValueError(f"has the mode {image.mode}, expected 8 bits of grey (mode L).")
            return np.asarray(image.convert("L"))
    except Image.DecompressionBombError:
        raise ValueError(f"is far larger than {FACE_SIZE}x{FACE_SIZE}: do not resize it when you save it.") from None
    except Image.UnidentifiedImageError:
        raise ValueError(f"is neither a png nor {FACE_SIZE * FACE_SIZE:,} raw bytes: it has {length:,} bytes.") from None
    except MemoryError:
        raise
    except Exception as error:  # each kind of damage has an exception of its own
        if isinstance(error, ValueError) and str(error).startswith(("is ", "has ")):
            raise
        raise ValueError("is a damaged png: save it again and open it before you hand it in.") from None


def picture_alone(content: bytes) -> bytes:
    """A png without the chunks that are not the picture (W3C, PNG specification, section 5); what is no png, as it is."""
    if not content.startswith(PNG):
        return content
    kept, place = [PNG], len(PNG)
    while place < len(content):
        length, kind = struct.unpack(">I4s", content[place:place + 8].ljust(8, b"\0"))
        end = place + 12 + length
        if kind in PICTURE_CHUNKS:
            kept.append(content[place:end])
        place = end
    return b"".join(kept)


def _team(folder: Path) -> tuple[str, bool, str, list[str]]:
    """(label of the original, consent, norm, what is wrong) from team.toml, which need not be there."""
    path = folder / "team.toml"
    if not path.is_file():
        return "", False, NORMS[1], []
    try:
        if path.stat().st_size > 10_000:
            raise ValueError
        said = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError):
        return "", False, NORMS[1], ['team.toml cannot be read: it has lines like consent = true and label = "man".']
    label, consent, norm, problems = said.get("label", ""), said.get("consent", False), said.get("norm", NORMS[1]), []
    if label not in ("", *FACE_CLASSES):
        label = ""
        problems.append('team.toml: label is to be "man" or "woman", what the original is labelled as; it was left out.')
    if not isinstance(consent, bool):
        problems.append("team.toml: consent is to be true or false, without quotes; it was taken as false.")
    if norm not in NORMS:
        norm = NORMS[1]
        problems.append(f"team.toml: norm is to be one of {', '.join(NORMS)}, in quotes; {norm} was taken.")
    return label, consent is True, norm, problems


def _reflection(folder: Path) -> tuple[str, str]:
    """(the text of reflection.md, what is wrong). It is shown as plain text; nothing in it is interpreted."""
    path = next((path for path in (folder / "reflection.md", folder / "reflection.txt") if path.is_file()), None)
    if path is None:
        return "", ""
    with open(path, "rb") as file:
        content = file.read(REFLECTION_BYTES + 1)
    text = content[:REFLECTION_BYTES].decode("utf-8-sig", "replace").strip()
    lines = (plain(line.rstrip(), REFLECTION_BYTES) for line in text.splitlines())
    return "\n".join(lines), (f"{path.name} has more than {REFLECTION_BYTES:,} bytes: the rest was left out. A page is enough."
                              if len(content) > REFLECTION_BYTES else "")


def lacks(folder: Path) -> list[str]:
    """What is missing beside infer.py or not filled in, as sentences for a team; for a grade none of it is a fault."""
    said = []
    if not (folder / "attack.py").is_file():
        said.append("There is no attack.py: hand it in beside infer.py, or two lines of the rubric give no points.")
    if not (folder / "team.toml").is_file():
        said.append("There is no team.toml: then whatever infer.py says of your original counts as right, your norm is L2, and "
                    "nothing of yours is shown to the class.")
    text, _ = _reflection(folder)
    if not text:
        said.append("There is no reflection.md, or nothing in it: answer the questions of the rubric there.")
    numbers, question = [], ""
    for line in map(str.strip, text.splitlines()):
        if (number := line.split(".")[0]).isdigit():
            question = number
        elif line == "..." and question:
            numbers.append(question)
    if numbers:
        said.append(f"reflection.md still has ... in place of an answer to question {', '.join(numbers)}: a person grades what "
                    f"you write there.")
    return said


def of_course(source: str) -> int:
    """The first line in which a script imports `utils`, the course's package, outside of a `try`; 0 if none does."""
    try:
        waiting = list(ast.parse(source).body)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return 0
    lines = []
    while waiting:
        node = waiting.pop()
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else (
            [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else [])
        lines += [node.lineno for name in names if name.split(".")[0] == "utils"]
        waiting += [] if isinstance(node, ast.Try) else list(ast.iter_child_nodes(node))
    return min(lines, default=0)


def not_alone(folder: Path, script: str) -> str:
    """A sentence if the script in `folder` imports the course's package, which it does not have there, or ""."""
    if any(folder.rglob("utils.py")) or any(path.is_dir() for path in folder.rglob("utils")):
        return ""
    line = of_course((folder / script).read_bytes().decode("utf-8", "replace"))
    return (f"{script} imports utils in line {line}. It must be stand-alone: the grader has your folder and not the course's "
            f"package, so write what you need into the script.") if line else ""


def plain(name: str, longest: int = 60) -> str:
    """A name that can be printed: at most `longest` characters, none invisible or changing the direction of the text."""
    text = "".join("?" if unicodedata.category(sign) in ("Cc", "Cf", "Cs", "Zl", "Zp") else sign for sign in name)
    return text if len(text) <= longest else text[:longest - 3] + "..."


def _shown(path: Path, folder: Path) -> str:
    return plain(path.relative_to(folder).as_posix())
