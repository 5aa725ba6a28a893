"""What a team handed in, read without trusting it; nothing is run.

    folder or zip -> `clean_copy.take_in` -> a clean copy -> `find` -> Submission

Faults come back as sentences for the team.
"""
import tomllib
from pathlib import Path
from typing import NamedTuple

import numpy as np

from utils.checks.alone import of_course
from utils.data.images import FACE_CLASSES
from utils.instructor.grading.clean_copy import plain
from utils.instructor.grading.face_files import find_picture

KINDS = ("ori", "mod", "amp")
REFLECTION_BYTES = 20_000
NORMS = ("L1", "L2", "Linf")  # a team may choose one in team.toml


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
        picture, name, problem = find_picture(root if any(root.glob("adv_*")) else folder, kind)
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
    return Submission(scripts[0].parent if scripts else None, pictures, plain(min(names, default="")), label, consent,
                      norm, reflection, faults + problems + ([problem] if problem else []))


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


def not_alone(folder: Path, script: str) -> str:
    """A sentence if the script in `folder` imports the course's package, which it does not have there, or ""."""
    if any(folder.rglob("utils.py")) or any(path.is_dir() for path in folder.rglob("utils")):
        return ""
    line = of_course((folder / script).read_bytes().decode("utf-8", "replace"))
    return (f"{script} imports utils in line {line}. It must be stand-alone: the grader has your folder and not the course's "
            f"package, so write what you need into the script.") if line else ""


def _shown(path: Path, folder: Path) -> str:
    return plain(path.relative_to(folder).as_posix())
