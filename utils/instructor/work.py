"""The student's copies of labs and lectures in work/: made once, renewed while they are untouched, never overwritten.

Called by course.py lab.

python -m utils.instructor.work FOLDER [--update UNIT]
"""
import json
import sys
from hashlib import sha256
from pathlib import Path

from utils.instructor.files import free, write_whole
from utils.instructor.welcome import cells, mark_of, welcome

RECORD = ".copied.json"  # in work/: {copy: {"copied": digest of what was copied, "tasks": {task: digest of its stub and check}}}


def main(words: list[str]) -> int:
    """Bring work/ below the folder words[0] up to date, with `--update UNIT` take over new versions, and write welcome.md."""
    root, chosen = Path(words[0]), words[2:3]
    if words[1:] and (words[1] != "--update" or not chosen):
        print("usage: course.py lab --update UNIT, for instance: course.py lab --update 05", file=sys.stderr)
        return 2
    record, said = read_record(root / "work" / RECORD), []
    pairs = copies(root)
    if chosen and not any(chosen[0] in copy.stem for _, copy in pairs):
        print(f"lab: no lab or lecture has {chosen[0]} in its name.", file=sys.stderr)
        return 2
    for source, copy in pairs:
        try:
            said += renew(source, copy, record)
            if chosen and chosen[0] in copy.stem:
                said += take_over(source, copy, record)
        except OSError as error:
            said.append(f"{named(copy)} stays as it is: the new version could not be written ({error.strerror}).")
        write_whole(root / "work" / RECORD, json.dumps(record, indent=1))
    write_whole(root / "work" / "welcome.md", welcome(root, said))
    print("\n".join([*said, "Your labs and lectures are in work/. Without a browser here, open the address printed below; "
                     "Ctrl+C ends JupyterLab."]))
    return 0


def copies(root: Path) -> list[tuple[Path, Path]]:
    """(lab or lecture, where its copy is) of all that this version of the course has."""
    return [*((path, root / "work" / path.stem / path.name) for path in sorted(root.glob("labs/*/*.ipynb"))),
            *((path, root / "work" / "lectures" / path.name) for path in sorted(root.glob("lectures/*.ipynb")))]


def renew(source: Path, copy: Path, record: dict) -> list[str]:
    """Make a copy, or renew one that nobody has touched; beside one that was, put the new version. What is to be said of it."""
    standing = state(source, copy, record)
    if standing in ("missing", "untouched"):
        place(source.read_bytes(), copy)
    if standing in ("missing", "untouched", "current"):
        record[key(copy)] = entry(source)
    if standing == "untouched":
        return [f"{named(copy)} is renewed: this version of the course has another one, and you had not changed yours."]
    if standing != "behind":
        return []
    beside = copy.with_name(f"{copy.stem}_new.ipynb")
    renewable = state(source, beside, record) in ("missing", "untouched", "current")
    if renewable:
        place(source.read_bytes(), beside)
        record[key(beside)] = entry(source)
    where = f"beside it, {beside.name}" if renewable else f"{source.parent.parent.name}/{source.parent.name}/{source.name}"
    return [f"{named(copy)} is yours and of an earlier version, so it stays as it is; the new one is {where}"
            f"{changes(source, copy, record)}. To take it over with your answers: python3 course.py lab --update {copy.stem}"]


def state(source: Path, copy: Path, record: dict) -> str:
    """How a copy stands to its source.

    "missing"; "current", the same; "untouched", as it was copied from an earlier version; "changed" by the student, of this
    version; "behind", changed by the student and of an earlier version, or of an unknown one.
    """
    if not copy.exists():
        return "missing"
    mine, new, copied = digest(copy), digest(source), record.get(key(copy), {}).get("copied")
    if mine == new:
        return "current"
    if mine == copied:
        return "untouched"
    same = copied == new or (copied is None and release_of(copy) == release_of(source) is not None)
    return "changed" if same else "behind"


def take_over(source: Path, copy: Path, record: dict) -> list[str]:
    """Replace a copy of an earlier version by the new one with the student's answers in it, and keep the old one beside it."""
    if state(source, copy, record) != "behind":
        return [f"{named(copy)} is of this version already."]
    if not cells(copy):
        return [f"{named(copy)} cannot be read as a notebook, so no answer can be taken over: it stays as it is."]
    known, tasks = record.get(key(copy), {}).get("tasks", {}), entry(source)["tasks"]
    answers, stubs = solutions(copy), solutions(source)
    carried = [task for task in tasks if task in answers and known.get(task) == tasks[task]]
    mine = [task for task in carried if answers[task] != stubs.get(task)]
    left = [task for task, answer in answers.items() if task not in carried and stubs.get(task) != answer]
    backup = free(copy.with_name(f"{copy.stem}_old.ipynb"))
    place(copy.read_bytes(), backup)
    place(with_answers(source, {task: answers[task] for task in carried}), copy)
    record[key(copy)] = entry(source)
    beside = copy.with_name(f"{copy.stem}_new.ipynb")
    if beside.exists() and digest(beside) == record.get(key(beside), {}).get("copied"):
        beside.unlink()
        record.pop(key(beside))
    return [f"{named(copy)} is now the new version, with your answers to {', '.join(mine) or 'no task'}: "
            "run it and its checks again. "
            + (f"Not taken over, because the task is another one now: {', '.join(left)}. " if left else "")
            + f"The old notebook, with cells of your own, is {backup.name} beside it."]


def changes(source: Path, copy: Path, record: dict) -> str:
    """" (new or changed tasks: ...)", or "" where there are none or nothing is known."""
    known, tasks = record.get(key(copy), {}).get("tasks", {}), entry(source)["tasks"]
    other = [task for task in tasks if known.get(task) != tasks[task]] if known else []
    return f" (new or changed tasks: {', '.join(other)})" if other else ""


def with_answers(source: Path, answers: dict[str, str]) -> bytes:
    """A lab as a file, with these answers in place of its stubs."""
    notebook = json.loads(source.read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        if task_of(cell) in answers:
            cell["source"] = answers[task_of(cell)].splitlines(keepends=True)
    return (json.dumps(notebook, indent=1, ensure_ascii=False) + "\n").encode()


def entry(source: Path) -> dict:
    """What is kept of a notebook that was copied: the digest of the file, and of each task that of its stub and its check."""
    found = cells(source)
    tasks = {task_of(cell): sha256(f"{cell['source']}\0{after['source']}".encode()).hexdigest()[:16]
             for cell, after in zip(found, found[1:]) if task_of(cell)}
    return {"copied": digest(source), "tasks": tasks}


def solutions(notebook: Path) -> dict[str, str]:
    """{task: the code of its cell}, without tasks whose cell is there twice: nobody knows which one is the answer."""
    found = [(task_of(cell), cell["source"]) for cell in cells(notebook) if task_of(cell)]
    names = [task for task, _ in found]
    return {task: code for task, code in found if names.count(task) == 1}


def task_of(cell: dict) -> str:
    """The name of the task that is answered in a cell, "" for any other cell."""
    return mark_of(cell).get("grade_id", "") if mark_of(cell).get("solution") else ""


def release_of(path: Path) -> str | None:
    """The mark that `release` leaves in a lab, and `execute` in a lecture, which a copy keeps; None without one."""
    try:
        marks = json.loads(path.read_text(encoding="utf-8"))["metadata"]["course"]
        return marks.get("release") or marks.get("source")
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def digest(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest()


def place(content: bytes, path: Path) -> None:
    """Write a file under a temporary name first, so that it is there as a whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(path.name + ".part")
    draft.write_bytes(content)
    draft.replace(path)


def key(copy: Path) -> str:
    return f"{copy.parent.name}/{copy.name}"


def named(copy: Path) -> str:
    return f"work/{key(copy)}"


def read_record(path: Path) -> dict:
    """What is known of the copies; nothing where the file is missing or damaged: then every copy counts as touched."""
    path.parent.mkdir(exist_ok=True)
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
