"""Add a task to a lab: a small one that works, to be replaced piece by piece. Called by course.py.

python -m utils.instructor.task UNIT NAME
"""
import ast
import json
import keyword
import re
import sys

from utils.instructor.files import ROOT, write_whole
from utils.instructor.rules import lab_faults

POINTS = 2
NUMBERS = "zero one two three four five six seven eight nine ten eleven twelve".split()
STATEMENT = """## Task {number}: TODO a title ({points} points)

TODO What is to be computed, with its formula, and why it is of use here.

Write `{name}(x)`: the mean of the array `x` [n], one number. TODO

Example: TODO (1, 2, 6) gives 3.
"""
HINTS = "\n".join(f"<details><summary>Hint {number}</summary>\n\nTODO {text}\n\n</details>" for number, text in (
    (1, "Where to begin."), (2, "Which function or formula helps."), (3, "The last step, but not the line itself.")))
ANSWER = '''def {name}(x):
    """The mean of x [n], one number. TODO"""
    ### BEGIN SOLUTION
    return x.sum() / len(x)
    ### END SOLUTION'''
CHECK = '''{lab}.{name}({name})
### BEGIN HIDDEN TESTS
{lab}.{name}.hidden({name})
### END HIDDEN TESTS
print("Right: TODO what has been shown.")'''
FUNCTION = '''

@check
def {name}(function: Callable) -> None:
    """Task {number}: TODO against what."""
    x = seeded({number}).normal(size=5)  # drawn anew for the hidden tests
    equal("{name}(x)", call(function, x), x.mean(), [
        ("TODO This is the largest value, expected the mean.", lambda: x.max())], given={{"x": x}})
'''
WRONG = '''    "{name}": [  # (words of the sentence that the check must say, the wrong answer): TODO three or more
        ("This is the largest value", "def {name}(x):\\n    return x.max()  # TODO"),
        ("has the wrong sign", "def {name}(x):\\n    return -x.mean()  # TODO"),
        ("gives None", "def {name}(x):\\n    x.mean()  # TODO"),
    ],
'''


def main(words: list[str]) -> int:
    """Add the task words[1] to the lab that words[0] names, and say what is to be done next."""
    if len(words) != 2:
        print("usage: course.py task UNIT NAME, for instance: course.py task 01 median_filter", file=sys.stderr)
        return 2
    units = [path.parent.name for path in sorted((ROOT / "solutions").glob("*/*.ipynb")) if words[0] in path.stem]
    name = words[1]
    if len(units) != 1:
        problem = f"{len(units) or 'no'} labs have {words[0]} in their name: give the whole name of one."
    else:
        problem = name_problem(name, units[0]) or next(iter(lab_faults(units[0], ROOT)), "")
    if problem:
        print(f"task: {problem}", file=sys.stderr)
        return 1
    unit, lab = units[0], f"lab{units[0][:2]}"
    add(unit, name)
    print(f"Task {name} is added to {unit}; it works, and computes a mean. Replace what is marked TODO:\n"
          f"  solutions/{unit}/{unit}.ipynb  statement, hints, answer, check,\n"
          "    and points in the heading, in the metadata of the check and in the first cell\n"
          "  SYLLABUS.md  minutes and points in the lab's row\n"
          f"  utils/checks/{lab}.py  the check {name}, at the end\n"
          f"  tests/wrong_answers/{unit}.py  its wrong answers, at the end\n"
          f"Then: python3 course.py execute solutions/{unit}; python3 course.py release; "
          f"python3 course.py test tests/test_labs.py tests/test_notebooks.py tests/test_syllabus.py "
          f"-k {unit}. The rules are in solutions/README.md.")
    return 0


def name_problem(name: str, unit: str) -> str:
    """Why a new task of this lab can't have this name, "" if it can."""
    if not re.fullmatch("[a-z][a-z0-9_]{0,39}", name) or keyword.iskeyword(name):
        return f"{name!r} is no name for a function: use small letters, digits and _, at most 40, beginning with a letter."
    notebook = ROOT / "solutions" / unit / f"{unit}.ipynb"
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    code = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    names = {name for cell in cells for name in (cell["id"], cell["metadata"].get("nbgrader", {}).get("grade_id"))}
    if name in names or re.search(rf"\b{name}\b", code):
        return f"the name {name} is in use in solutions/{unit}/{unit}.ipynb: choose another one."
    checks = ROOT / "utils" / "checks" / f"lab{unit[:2]}.py"
    if re.search(rf"\b{name}\b", checks.read_text(encoding="utf-8")):
        return f"the name {name} is in use in utils/checks/{checks.name}: choose another one."
    return ""


def add(unit: str, name: str) -> None:
    """Write the parts of the task: cells, check function and wrong answers."""
    path, lab = ROOT / "solutions" / unit / f"{unit}.ipynb", f"lab{unit[:2]}"
    notebook = json.loads(path.read_text(encoding="utf-8"))
    cells = notebook["cells"]
    graded = [index for index, cell in enumerate(cells) if cell["metadata"].get("nbgrader", {}).get("grade")]
    words = {"name": name, "lab": lab, "number": len(graded) + 1, "points": POINTS}
    after = range(graded[-1] + 1, len(cells))
    place = next((index for index in after if re.search("^## ", "".join(cells[index]["source"]), re.MULTILINE)), len(cells))
    cells[place:place] = new_cells(words)
    cells[0]["source"] = lines(with_more(cells[0]["source"], POINTS))
    checks, wrong = ROOT / "utils" / "checks" / f"{lab}.py", ROOT / "tests" / "wrong_answers" / f"{unit}.py"
    write_whole(checks, with_imports(checks.read_text(encoding="utf-8")).rstrip("\n") + "\n" + FUNCTION.format(**words))
    write_whole(wrong, with_entry(wrong.read_text(encoding="utf-8"), WRONG.format(**words)))
    write_whole(path, json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True) + "\n")


def new_cells(words: dict) -> list[dict]:
    """Statement, hints, answer and check, with nbgrader's metadata."""
    name = words["name"]
    mark = {"grade": False, "grade_id": name, "locked": False, "schema_version": 3, "solution": True, "task": False}
    grade = mark | {"grade": True, "grade_id": f"check-{name}", "locked": True, "points": words["points"], "solution": False}
    code = {"cell_type": "code", "execution_count": None, "outputs": []}
    text = {"cell_type": "markdown", "metadata": {}}
    return [text | {"id": f"{name}-statement", "source": lines(STATEMENT.format(**words).rstrip())},
            text | {"id": f"{name}-hints", "source": lines(HINTS)},
            code | {"id": name, "metadata": {"nbgrader": mark}, "source": lines(ANSWER.format(**words))},
            code | {"id": f"check-{name}", "metadata": {"nbgrader": grade}, "source": lines(CHECK.format(**words))}]


def lines(text: str) -> list[str]:
    """A text as notebooks store it."""
    return text.splitlines(keepends=True)


def with_more(source: list[str], points: int) -> str:
    """The first cell of a lab with so many points more in its sum, and a task more where it counts them in words."""
    text = re.sub(r"(\d+) points", lambda found: f"{int(found[1]) + points} points", "".join(source), count=1)
    return re.sub(rf"\b({'|'.join(NUMBERS[:-1])}) tasks\b",
                  lambda found: f"{NUMBERS[NUMBERS.index(found[1]) + 1]} tasks", text, count=1)


def with_imports(text: str) -> str:
    """A file of checks that imports what the new check needs."""
    imports = [node for node in ast.parse(text).body if isinstance(node, ast.ImportFrom)]
    bound = {alias.asname or alias.name for node in imports for alias in node.names}
    for module, names in (("utils.checks", {"call", "check", "equal", "seeded"}), ("collections.abc", {"Callable"})):
        if missing := sorted(names - bound):
            line = f"from {module} import {', '.join(missing)}\n"
            text = re.sub("^(?=from |import )", line, text, count=1, flags=re.MULTILINE)
    return text


def with_entry(text: str, entry: str) -> str:
    """A file of wrong answers with one entry more at the end of WRONG."""
    node = next(node for node in ast.parse(text).body if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "WRONG")
    found = text.splitlines(keepends=True)
    end = node.end_lineno - 1  # the line of the closing bracket
    before = found[end][:node.end_col_offset - 1].rstrip()
    head = "".join(found[:end]) + (before + "\n" if before else "")
    head = head.rstrip("\n")
    comma = "" if head.endswith((",", "{")) else ","
    return f"{head}{comma}\n{entry}}}{found[end][node.end_col_offset:]}{''.join(found[end + 1:])}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
