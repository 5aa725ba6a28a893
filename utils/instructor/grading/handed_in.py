"""A lab's notebook as a student handed it in, taken in with the marks, checks and kernel that the lab has now."""
import json
import re
import shutil
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbgrader.utils import parse_utc

from utils.instructor.files import write_whole
from utils.instructor.grading import clean_copy
from utils.instructor.labs import mark

NOTEBOOK_BYTES = 50 << 20  # it is read in the grader's own process
DEFINES = re.compile(r"^(?:def|class) \w+|^%%writefile \S+", re.MULTILINE)


def take_in(source: Path, target: Path, unit: str, lab: NotebookNode) -> list[str]:
    """Copy a submission to the new folder `target`; its cells get the marks by which nbgrader knows them as the `lab` has them.

    What is missing, because it was deleted or because the lab has it only since, is put back as the lab has it, so that it costs
    the points of its task and no others. Checks are the lab's. A cell that the lab no longer has stays as a cell without a mark.

    Gives what was odd, as sentences. Raises clean_copy.BadSubmission if there is no notebook that can be read.
    """
    notes = clean_copy.take_in(source, target)
    given = {mark(cell)["grade_id"]: cell for cell in lab.cells if mark(cell)}
    notebook, seen = read(target, unit), []
    _drop_damaged_time(target / "timestamp.txt")
    if not any("nbgrader" in cell.metadata for cell in notebook.cells):
        _mark_again(notebook, given)
        notes.append("The notebook has lost the marks of all its cells: they were found again by what is in them.")
    for cell in reversed(notebook.cells):  # of two cells with the same mark nbgrader keeps the last
        noted = cell.metadata.get("nbgrader")
        name = noted.get("grade_id") if isinstance(noted, dict) else None
        name = name if isinstance(name, str) else repr(name)
        if name in given and name not in seen:
            _as_given(cell, given[name])
            seen.append(name)
        elif noted is not None:
            notes.append(f"The cell {clean_copy.plain(str(name))} is there twice: the last one counts." if name in seen else
                         f"A cell has the unknown mark {clean_copy.plain(str(name))}.")
            cell.metadata = nbformat.from_dict({})
        else:
            cell.metadata.pop("tags", None)  # a tag can keep a cell from being run
    if lost := [name for name in given if name not in seen]:
        notes.append(f"Missing: {', '.join(lost)}. They were put back as they were given out.")
        _put_back(notebook, given, lost)
    notebook.metadata["kernelspec"] = lab.metadata["kernelspec"]
    write_whole(target / f"{unit}.ipynb", nbformat.writes(notebook) + "\n")
    return notes


def patterns(unit: str) -> list[re.Pattern]:
    """What a lab's notebook may be called, from the best: UNIT.ipynb; UNIT (1).ipynb and the like, as browsers and JupyterLab
    call copies; anything. UNIT_2.ipynb is the second part of a lecture, and no lab."""
    one = re.escape(unit)
    return [re.compile(pattern) for pattern in (rf"{one}\.ipynb", rf"{one}(?!_2\b).*\.ipynb", rf"(?!{one}_2\b).*\.ipynb")]


def read(folder: Path, unit: str) -> NotebookNode:
    """The notebook of a unit in a clean copy of what was handed in, or the only one that is there: "UNIT (1).ipynb",
    or in a folder.

    Raises clean_copy.BadSubmission with a sentence for the student.
    """
    path = folder / f"{unit}.ipynb"
    there = sorted(folder.rglob("*.ipynb"))
    others = next(filter(None, ([other for other in there if name.fullmatch(other.name)] for name in patterns(unit))), [])
    if not path.is_file() and len(others) == 1:
        others[0] = others[0].rename(others[0].with_name(path.name))
        for entry in others[0].parent.iterdir():
            if not (folder / entry.name).exists():
                entry.rename(folder / entry.name)
    if not path.is_file():
        raise clean_copy.BadSubmission(f"There is no {unit}.ipynb in it: hand in the notebook under its own name.")
    if path.stat().st_size > NOTEBOOK_BYTES:
        raise clean_copy.BadSubmission(f"{unit}.ipynb has more than {NOTEBOOK_BYTES >> 20} MiB: clear its outputs and save it.")
    try:
        # some editors put a mark before it
        notebook = nbformat.reads(_as_saved_now(path.read_text(encoding="utf-8-sig")), as_version=4)
        nbformat.validate(notebook)
    except MemoryError:
        raise
    except Exception as error:  # a stranger's file: nbformat raises whatever comes
        raise clean_copy.BadSubmission(f"{unit}.ipynb is not a notebook ({type(error).__name__}): hand in the file as Jupyter "
                                       f"saves it.") from None
    return notebook


def _as_saved_now(text: str) -> str:
    """The JSON of a notebook with what today's Jupyter would have made of it: half a pair of surrogates, which no file can hold,
    is "?", and cells have ids in format 4.5 alone."""
    content = json.loads(text)
    if content["nbformat"] == 4 and any("id" in cell for cell in content["cells"]):
        content["nbformat_minor"] = max(5, content["nbformat_minor"])
    return json.dumps(content, ensure_ascii=False).encode("utf-8", "replace").decode("utf-8")


def _drop_damaged_time(path: Path) -> None:
    """Remove the file in which nbgrader looks for the time of a submission, unless it can read it."""
    try:
        with open(path, encoding="utf-8") as file:
            parse_utc(file.read(100).strip())
    except FileNotFoundError:
        pass
    except Exception:  # whatever the parser of dates makes of a stranger's text
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def _mark_again(notebook: NotebookNode, given: dict[str, NotebookNode]) -> None:
    """Mark the cells of a notebook without any marks: checks by their source, answers by the function,
    class or file they define.
    """
    for name, cell in given.items():
        for own in notebook.cells:
            same = own.source.strip() == cell.source.strip() if mark(cell).get("locked") else (
                DEFINES.findall(cell.source)[:1] and DEFINES.findall(cell.source)[0] in DEFINES.findall(own.source))
            if same and own.cell_type == cell.cell_type:
                own.metadata["nbgrader"] = {"grade_id": name}


def _as_given(cell: NotebookNode, given: NotebookNode) -> None:
    """Give a student's cell the mark of the lab's; a cell that nobody may change becomes the lab's."""
    cell.metadata = nbformat.from_dict(given.metadata)
    if mark(given).get("locked"):
        cell.update({name: given[name] for name in ("cell_type", "source")})
    if cell.cell_type == "code":
        cell.update(outputs=[], execution_count=None)


def _put_back(notebook: NotebookNode, given: dict[str, NotebookNode], lost: list[str]) -> None:
    """Insert the `given` cells that are `lost`, each behind the one before it in the lab, the first ones at its end."""
    names = list(given)
    for name in lost:
        there = {mark(cell).get("grade_id"): place for place, cell in enumerate(notebook.cells)}
        place = there.get(names[names.index(name) - 1]) if names.index(name) else None
        notebook.cells.insert(len(notebook.cells) if place is None else place + 1, nbformat.from_dict(given[name]))
