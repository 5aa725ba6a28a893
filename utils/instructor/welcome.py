"""The page on which `course.py lab` opens JupyterLab: units, minutes, points, and the student's own progress."""
import json
import re
from pathlib import Path

HEAD = """# Welcome

{news}Click a lecture or a lab. These are your own copies, in `work/`: change them as you like, nothing overwrites them.

| unit | lecture | lab | minutes of the lab | points | checks passed |
|---|---|---|---|---|---|
"""
FOOT = """
A check counts as passed when its last run, as it is saved in your notebook, ended without "Not yet" and without an error. This
page is made again by each `python3 course.py lab`, from the notebooks in `work/` on this machine; nothing is sent anywhere. Your
grade comes from your instructor, who runs the checks with other inputs too.
"""


def welcome(root: Path, news: list[str]) -> str:
    """The page in Markdown, with links from work/. `news` are sentences on versions, shown first."""
    labs = {path.stem: path for path in sorted(root.glob("labs/*/*.ipynb"))}
    lectures = sorted(root.glob("lectures/*.ipynb"))
    units = sorted({*labs, *(path.stem.removesuffix("_2") for path in lectures)})
    rows, reached, possible, tasks, done = [], 0, 0, 0, 0
    for unit in units:
        links = ", ".join(f"[{'part 2' if path.stem != unit else 'lecture'}](lectures/{path.name}) ({minutes(path)} minutes)"
                          for path in lectures if path.stem.removesuffix("_2") == unit)
        row = [unit.replace("_", " "), links]
        if unit in labs:
            points = points_of(labs[unit])
            passed = passed_checks(root / "work" / unit / f"{unit}.ipynb") & points.keys()
            numbers = [number for number, check in enumerate(points, start=1) if check in passed]
            mine = sum(points[check] for check in passed)
            row += [f"[{title(labs[unit])}]({unit}/{unit}.ipynb)", minutes(labs[unit]), f"{mine} of {sum(points.values())}",
                    f"{len(passed)} of {len(points)}" + (f": {', '.join(map(str, numbers))}" if numbers else "")]
            reached, possible = reached + mine, possible + sum(points.values())
            done, tasks = done + len(passed), tasks + len(points)
        rows.append(f"| {' | '.join([*row, *[''] * (6 - len(row))])} |\n")
    rows.append(f"| all | | | | {reached} of {possible} | {done} of {tasks} |\n")
    return HEAD.format(news="".join(f"- {line}\n" for line in news) + "\n" * bool(news)) + "".join(rows) + FOOT


def title(path: Path) -> str:
    """The first heading of a notebook, without characters that would end a link or a column."""
    return re.sub(r"[\[\]|]", "", cells(path)[0]["source"].splitlines()[0].strip("# "))


def minutes(path: Path) -> str:
    """The first number of minutes that the head of a notebook gives, "?" if it gives none."""
    found = re.search(r"(\d+) minutes", "\n".join(cell["source"] for cell in cells(path)[:3]))
    return found[1] if found else "?"


def points_of(lab: Path) -> dict[str, int]:
    """{check: its points}, in the order of the lab."""
    return {mark["grade_id"]: mark["points"] for mark in map(mark_of, cells(lab)) if mark.get("grade")}


def passed_checks(copy: Path) -> set[str]:
    """The check cells that were run and raised nothing when the student's notebook was saved; none if it cannot be read."""
    return {mark_of(cell).get("grade_id") for cell in cells(copy)
            if mark_of(cell).get("grade") and cell.get("execution_count")
            and not any(output.get("output_type") == "error" for output in cell.get("outputs") or [])}


def mark_of(cell: dict) -> dict:
    """What nbgrader notes about a cell."""
    mark = cell["metadata"].get("nbgrader")
    return mark if isinstance(mark, dict) else {}


def cells(path: Path) -> list[dict]:
    """The cells of a notebook, each with "source" as one text and "metadata"; none if the file cannot be read as a notebook.

    Without nbformat, which takes seconds to validate all labs and lectures each time JupyterLab is opened.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))["cells"]
        return [cell | {"source": "".join(cell["source"]), "metadata": dict(cell.get("metadata", {}))} for cell in found]
    except (OSError, ValueError, KeyError, TypeError):
        return []
