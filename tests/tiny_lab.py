"""A tiny lab without TensorFlow, so that its kernels start in a second, and a class, some of which attack limits."""
from pathlib import Path

import nbformat

from utils.instructor.grading import kernels

UNIT = "01_tiny"
ANSWERS = {"double": "def double(x):\n    return 2 * x", "square": "def square(x):\n    return x ** 2",
           "trained": "class Net:\n    weights = [0]\n\n"
                      "def train():\n    net = Net()\n    net.weights = [3]\n    return net\n\nnet = train()"}
CHECKS = {"double": ("assert double(2) == 4", "assert double(5) == 10"),
          "square": ("assert square(3) == 9", "assert square(-1) == 1"),
          "trained": ("assert net.weights == [3]", "assert type(net) is Net and net.weights == [3], net.weights")}


def cell(source: str, **mark) -> nbformat.NotebookNode:
    made = nbformat.v4.new_code_cell(source)
    if mark:
        made.metadata["nbgrader"] = dict.fromkeys(("task", "grade", "locked", "solution"), False) | {"schema_version": 3} | mark
    return made


def solution(names: list[str]) -> nbformat.NotebookNode:
    python = {"name": "python3", "display_name": "Python", "language": "python"}
    notebook = nbformat.v4.new_notebook(metadata={"kernelspec": python})
    notebook.cells = [cell("import os")]
    for name in names:
        answer = f"### BEGIN SOLUTION\n{ANSWERS[name]}\n### END SOLUTION"
        check = "{}\n### BEGIN HIDDEN TESTS\n{}\n### END HIDDEN TESTS\n".format(*CHECKS[name])
        notebook.cells += [cell(answer, grade_id=name, solution=True),
                           cell(check, grade_id=f"check-{name}", grade=True, locked=True, points=1)]
    return notebook


def hand_in(folder: Path, student: str, before: str = "", without: tuple[str, ...] = (), **answers: str) -> Path:
    """Hand in these answers, right ones for other tasks, after one more cell; tasks of `without` are left out. Gives the file."""
    notebook = solution([name for name in ANSWERS if name not in without])
    for one in notebook.cells[1:]:
        name = one.metadata.nbgrader.grade_id
        one.source = {**ANSWERS, **answers}.get(name, CHECKS.get(name.removeprefix("check-"), [""])[0])
    notebook.cells.insert(1, cell(before))
    path = folder / student / UNIT / f"{UNIT}.ipynb"
    path.parent.mkdir(parents=True)
    nbformat.write(notebook, path)
    return path


FORK = """
import os, time
def fork(count, what, seconds):
    for _ in range(count):
        if os.fork() == 0:
            held = what()
            time.sleep(seconds)
            os._exit(0)
    for _ in range(count):
        os.wait()
"""
FILES = """
import os
def fill(folder, files):
    for number in range(files):
        with open(f"{folder}/{number}", "wb") as file:
            file.write(bytes(1 << 20))
"""
AGAIN = """
from IPython.display import display
def again(result):
    display({'application/octet-stream': 'AAAA'}, metadata={'name': 'double'}, raw=True)
get_ipython().events.register('post_run_cell', again)
"""
EVIL = """
class Evil:
    def __reduce__(self):
        return exec, ('def square(x):\\n    return x * x', get_ipython().user_ns)

net = Evil()
net.weights = [3]
"""
FLOODS = ("print('x' * (100 << 20))", "raise ValueError('x' * (20 << 20))",
          "from IPython.display import HTML\nHTML('x' * (5 << 20))")


def make_class(folder: Path) -> None:
    hand_in(folder, "ada")
    path = hand_in(folder, "bob", double="def double(x):\n    return 3 * x", square="def square(x):\n    return 9")
    path.write_text(path.read_text(encoding="utf-8").replace("assert double(2) == 4", "pass"), encoding="utf-8")
    hand_in(folder, "cem", trained="import os\nos._exit(1)")
    hand_in(folder, "dora").write_text("{", encoding="utf-8")
    hand_in(folder, "evil", square="def square(x):\n    return 9", trained=EVIL)
    full = "try:\n    fill('.', 40)\nexcept OSError as error:\n    print(error.strerror, len(os.listdir('.')))"
    hand_in(folder, "files", before=f"{AGAIN}{FILES}\n{full}")
    hand_in(folder, "forks", square=f"{FORK}\nfork(6, lambda: b'x' * (200 << 20), 30)\n{ANSWERS['square']}")
    hand_in(folder, "gil", square="import time\ndef square(x):\n    while True:\n        time.sleep(1e-3), print(10000 * 'x')")
    hand_in(folder, "lock", trained=ANSWERS["trained"] + "\nnet.lock = lambda: 1")
    path = hand_in(folder, "ned")
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[1:1] = map(cell, FLOODS)
    nbformat.write(notebook, path)
    hand_in(folder, "shares", before=f"{FORK}\nlarge = b'x' * (200 << 20)\nfork(6, lambda: 0, 2)",  # one memory, seven RSS
            trained=ANSWERS["trained"] + f"\nnet.large = bytes({kernels.OBJECT_BYTES})")
    fills = f"import time\nfill('{kernels.INSIDE}/kernel', 40)\ntime.sleep(30)"
    hand_in(folder, "sockets", square=f"{FILES}\n{fills}\n{ANSWERS['square']}")


def make_course(folder: Path, *names: str) -> None:
    """Make a lab with these tasks the only one of the course."""
    (folder / UNIT).mkdir(parents=True, exist_ok=True)
    nbformat.write(solution(list(names)), folder / UNIT / f"{UNIT}.ipynb")
