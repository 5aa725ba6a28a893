"""The rules that a notebook and the tasks of a lab keep, each broken one as a sentence that names notebook, cell and rule.

solutions/README.md lists them for whoever changes a lab; `release`, `execute` and the tests call `faults` and `lab_faults`.
"""
import ast
import json
import re
import runpy
from collections.abc import Iterator
from pathlib import Path

KEYS = {"grade", "grade_id", "locked", "schema_version", "solution", "task"}  # of "nbgrader" in a cell's metadata
SOLUTION, HIDDEN = ("### BEGIN SOLUTION", "### END SOLUTION"), ("### BEGIN HIDDEN TESTS", "### END HIDDEN TESTS")
TASKS, HINTS, WRONG = 5, 3, 3  # a lab has at least so many tasks, a task exactly so many hints and at least so many wrong answers

Fault = tuple[str, str]  # where, and what is wrong there


def faults(path: Path, root: Path) -> list[str]:
    """What keeps a file from being a notebook that can be run: a cell without metadata, without or with another's id."""
    name = path.relative_to(root)
    try:
        found = json.loads(path.read_text(encoding="utf-8"))["cells"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        return [f"{name}: cannot be read as a notebook ({type(error).__name__}: {error})."]
    return [f"{name}, cell {where}: {what}" for where, what in _cell_faults(found)]


def _cell_faults(found: list[dict]) -> Iterator[Fault]:
    ids = [cell.get("id") for cell in found]
    for number, cell in enumerate(found):
        code = cell.get("cell_type") == "code"
        where = cell.get("id") or f"number {number} (counted from 0)"
        for key in ("cell_type", "metadata", "source", *(("outputs", "execution_count") if code else ())):
            if key not in cell:
                value = {"metadata": "{}", "outputs": "[]", "execution_count": "null"}.get(key, "...")
                yield where, f'it has no "{key}"; expected "{key}": {value} in the file (JupyterLab writes it by itself).'
        if not re.fullmatch(r"[\w-]{1,64}", cell.get("id") or ""):
            yield where, 'it needs an "id" of letters, digits, - and _.'
        elif ids.count(cell["id"]) > 1:
            yield where, "another cell has the same id."


def lab_faults(unit: str, root: Path) -> list[str]:
    """What is against the rules in the solution of a unit, its checks and its wrong answers, in the course's folder `root`."""
    path = root / "solutions" / unit / f"{unit}.ipynb"
    if found := faults(path, root):
        return found
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    cells = [cell | {"source": "".join(cell["source"]), "mark": cell["metadata"].get("nbgrader", {})} for cell in cells]
    checks = root / "utils" / "checks" / f"lab{unit[:2]}.py"
    name = path.relative_to(root)
    if broken := [*_metadata(cells)]:  # the rules below read it
        return [f"{name}, cell {where}: {what}" for where, what in broken]
    tasks = [index for index, cell in enumerate(cells) if cell["mark"].get("solution")]
    found = [fault for number, index in enumerate(tasks, start=1)
             for fault in _task(cells, max([0, *(before + 2 for before in tasks if before < index)]), index, number)]
    found += _checks([cell for cell in cells if cell["mark"].get("grade")], checks)
    found += _whole(cells, tasks)
    return [*(f"{name}, cell {where}: {what}" for where, what in found), *_wrong_answers(cells, tasks, root, unit)]


def _metadata(cells: list[dict]) -> Iterator[Fault]:
    """nbgrader's metadata: there where a cell is to be answered or graded, complete, and no name twice."""
    names = [cell["mark"].get("grade_id") for cell in cells if cell["mark"]]
    for cell in cells:
        for (begin, end), kind in ((SOLUTION, "solution"), (HIDDEN, "grade")):
            if cell["source"].count(begin) != cell["source"].count(end):
                yield cell["id"], f"each {begin} needs an {end}."
            if begin in cell["source"] and not cell["mark"].get(kind):
                yield cell["id"], (f'{begin} stands in a cell whose metadata does not say "{kind}": true in "nbgrader"; '
                                   f"copy the metadata of a cell of another task and change its grade_id.")
        if cell["mark"] and (missing := (KEYS | ({"points"} if cell["mark"].get("grade") else set())) - cell["mark"].keys()):
            yield cell["id"], f'its metadata "nbgrader" lacks {", ".join(sorted(missing))}; copy it from a cell of another task.'
        if cell["mark"] and names.count(cell["mark"].get("grade_id")) > 1:
            yield cell["id"], f"grade_id {cell['mark'].get('grade_id')} is there twice; each task has a name of its own."


def _task(cells: list[dict], start: int, index: int, number: int) -> Iterator[Fault]:
    """The parts of a task: the statement and hints in cells[start:index], the answer, and the check right below it."""
    answer, above = cells[index], [cell for cell in cells[start:index] if cell["cell_type"] == "markdown"]
    name, check = answer["mark"]["grade_id"], cells[index + 1] if index + 1 < len(cells) else None
    if SOLUTION[0] not in answer["source"]:
        yield answer["id"], f"no {SOLUTION[0]} and {SOLUTION[1]}, so that the lab would show the whole answer."
    if not check or not check["mark"].get("grade"):
        yield answer["id"], "the cell right below an answer must be its check, a graded cell."
        return
    if check["mark"]["grade_id"] != f"check-{name}":
        yield check["id"], f"its grade_id is {check['mark']['grade_id']}, expected check-{name}, after the answer above it."
    points = check["mark"]["points"]
    if not isinstance(points, int) or points <= 0:
        yield check["id"], f'"points" in its metadata is {points!r}, expected a whole number above 0.'
    text = "\n".join(cell["source"] for cell in above)
    if not re.search(rf"^## Task {number}: .*\({points} points?[,)]", text, re.MULTILINE):
        found = "; ".join(f'"{line}"' for line in re.findall("^## .*", text, re.MULTILINE)) or "none"
        yield answer["id"], (f'no statement above it begins with the heading "## Task {number}: TITLE ({points} points)", '
                             f"with the points of its check; found: {found}.")
    found = [int(hint) for hint in re.findall(r"<summary>Hint (\d+)</summary>", text)]
    if found != list(range(1, HINTS + 1)):
        where = next((cell["id"] for cell in above if "<summary>" in cell["source"]), answer["id"])
        yield where, (f"task {name} has the hints {found or 'none'}, expected exactly {HINTS}: "
                      f"<summary>Hint 1</summary> to {HINTS}.")


def _checks(cells: list[dict], checks: Path) -> Iterator[Fault]:
    """The code of the check cells: each calls functions of utils/checks/labNN.py that raise CheckFailed, and ends in no value."""
    text = checks.read_text(encoding="utf-8")
    try:
        tree = ast.parse(text)
    except SyntaxError as error:
        yield "of every check", f"utils/checks/{checks.name}, line {error.lineno}, is no Python ({error.msg})."
        return
    decorated = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)
                 and any(ast.unparse(one).startswith("check") for one in node.decorator_list)}
    for cell in cells:
        try:
            code = ast.parse(cell["source"])
        except SyntaxError as error:
            yield cell["id"], f"it is no Python ({error})."
            continue
        if any(isinstance(node, ast.Assert | ast.Raise) for node in ast.walk(code)):
            yield cell["id"], ("a check raises CheckFailed only: instead of assert or raise call a function of "
                              f"utils/checks/{checks.name}.")
        last = code.body[-1] if code.body else None
        if isinstance(last, ast.Expr) and not ast.unparse(last).startswith("print("):
            yield cell["id"], 'it ends in a value, which nbgrader would take for points: end it with print("Right: ...").'
        called = sorted(set(re.findall(rf"\b{checks.stem}\.(\w+)", cell["source"])))
        for name in called:
            if not re.search(rf"^(def |class |from .*\b)?{name}\b", text, re.MULTILINE):
                yield cell["id"], f"utils/checks/{checks.name} has no {name}."
            elif name in decorated and any(isinstance(node, ast.Assert) for node in ast.walk(decorated[name])):
                yield cell["id"], (f"{name} in utils/checks/{checks.name} uses assert; a check raises CheckFailed, by equal or "
                                  "require.")
            elif name in decorated and "TODO" in ast.unparse(decorated[name]):
                yield cell["id"], f"TODO is still in {name} in utils/checks/{checks.name}."
        if not decorated.keys() & set(called):
            yield cell["id"], (f"it calls no function of utils/checks/{checks.name} with the decorator @check; only these raise "
                              "CheckFailed.")


def _whole(cells: list[dict], tasks: list[int]) -> Iterator[Fault]:
    """The lab as a whole: how many tasks, their sum of points in the first cell, nothing left to fill in."""
    first, total = cells[0], sum(cell["mark"].get("points", 0) for cell in cells if cell["mark"].get("grade"))
    if len(tasks) < TASKS:
        yield first["id"], f"the lab has {len(tasks)} tasks, expected {TASKS} or more."
    if not re.search(rf"\b{total} points", first["source"]):
        yield first["id"], f'its checks give {total} points in all, and the first cell must say so: "{total} points".'
    if "minutes" not in first["source"]:
        yield first["id"], "the first cell must say how many minutes the lab takes."
    for cell in cells:
        if "TODO" in cell["source"]:
            yield cell["id"], "TODO marks what is still to be written."
        if cell["mark"].get("grade") and not cells[cells.index(cell) - 1]["mark"].get("solution"):
            yield cell["id"], "a check must stand right below the answer that it checks."


def _wrong_answers(cells: list[dict], tasks: list[int], root: Path, unit: str) -> list[str]:
    """tests/wrong_answers/UNIT.py: an entry for each task, with enough answers."""
    path = root / "tests" / "wrong_answers" / f"{unit}.py"
    try:
        wrong = runpy.run_path(str(path))["WRONG"]
    except Exception as error:  # whatever the file does
        return [f"{path.relative_to(root)}: WRONG cannot be read ({type(error).__name__}: {error})."]
    names, where = [cells[index]["mark"]["grade_id"] for index in tasks], path.relative_to(root)
    return [*(f"{where}: task {name} has {len(wrong.get(name, []))} wrong answers, expected {WRONG} or more."
              for name in names if len(wrong.get(name, [])) < WRONG),
            *(f"{where}: the lab has no task {name}." for name in wrong if name not in names),
            *(f"{where}: TODO is still in the wrong answers to {name}." for name in names if "TODO" in str(wrong.get(name)))]
