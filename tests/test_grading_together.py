"""A tiny lab without TensorFlow, changed between two gradings, graded by several processes, and attacked by all processes of a kernel together."""
import csv
import shutil
import uuid
from pathlib import Path

import nbformat
import psutil
import pytest

from conftest import need
from utils.instructor import autograde
from utils.instructor.grading import apart, gradebook, kernels, sandbox, watch, workers

UNIT = "01_tiny"
ANSWERS = {"double": "def double(x):\n    return 2 * x", "square": "def square(x):\n    return x ** 2",
           "trained": "class Net:\n    weights = [0]\n\ndef train():\n    net = Net()\n    net.weights = [3]\n    return net\n\nnet = train()"}
CHECKS = {"double": ("assert double(2) == 4", "assert double(5) == 10"), "square": ("assert square(3) == 9", "assert square(-1) == 1"),
          "trained": ("assert net.weights == [3]", "assert type(net) is Net and net.weights == [3], net.weights")}
SECONDS = 20


def cell(source: str, **mark) -> nbformat.NotebookNode:
    made = nbformat.v4.new_code_cell(source)
    if mark:
        made.metadata["nbgrader"] = {"schema_version": 3, "task": False, "grade": False, "locked": False, "solution": False} | mark
    return made


def solution(names: list[str]) -> nbformat.NotebookNode:
    notebook = nbformat.v4.new_notebook(metadata={"kernelspec": {"name": "python3", "display_name": "Python", "language": "python"}})
    notebook.cells = [cell("import os")]
    for name in names:
        answer = f"### BEGIN SOLUTION\n{ANSWERS[name]}\n### END SOLUTION"
        check = "{}\n### BEGIN HIDDEN TESTS\n{}\n### END HIDDEN TESTS\n".format(*CHECKS[name])
        notebook.cells += [cell(answer, grade_id=name, solution=True), cell(check, grade_id=f"check-{name}", grade=True, locked=True, points=1)]
    return notebook


@pytest.fixture
def course(tmp_path, monkeypatch):
    """Call it to make a lab with these tasks the only one of the course."""
    need("bwrap")
    monkeypatch.setattr(gradebook, "SOLUTIONS", tmp_path / "solutions")

    def make(*names: str) -> None:
        (tmp_path / "solutions" / UNIT).mkdir(parents=True, exist_ok=True)
        nbformat.write(solution(list(names)), tmp_path / "solutions" / UNIT / f"{UNIT}.ipynb")
    make(*ANSWERS)
    return make


@pytest.fixture
def hand_in(tmp_path):
    """Call it to hand in these answers, with these cells before them and without the tasks that are named."""
    def hand_in(student: str, before: str = "", without: tuple[str, ...] = (), **answers: str) -> Path:
        notebook = solution([name for name in ANSWERS if name not in without])
        for one in notebook.cells[1:]:
            name = one.metadata.nbgrader.grade_id
            one.source = {**ANSWERS, **answers}.get(name, CHECKS.get(name.removeprefix("check-"), [""])[0])
        notebook.cells.insert(1, cell(before))
        path = tmp_path / "handed" / student / UNIT / f"{UNIT}.ipynb"
        path.parent.mkdir(parents=True)
        nbformat.write(notebook, path)
        return tmp_path / "handed"
    return hand_in


def report(out: Path) -> dict[str, dict]:
    with open(out / "report.csv", encoding="utf-8-sig", newline="") as file:
        return {row["student"]: row for row in csv.DictReader(file)}


def scores(out: Path) -> dict[str, float]:
    return {student: float(row["score"]) for student, row in report(out).items()}


def executed(out: Path, student: str) -> str:
    """What the cells of a student printed and raised."""
    cells = nbformat.read(out / "autograded" / student / UNIT / f"{UNIT}.ipynb", as_version=4).cells
    return "\n".join(output.get("text", output.get("evalue", "")) for one in cells for output in one.get("outputs", []))


# a lab that changes ---------------------------------------------------------------------------------------------------

def test_a_task_that_is_added_or_removed_costs_its_own_points_only(course, hand_in):
    course("double", "square")
    folder = hand_in("ada", without=("trained",))
    hand_in("bob", without=("double", "trained"))
    assert scores(autograde.autograde(folder, seconds=SECONDS)) == {"ada": 2, "bob": 1}
    course("double", "trained", "square")  # after grading began, and between the others
    out = autograde.autograde(folder, seconds=SECONDS)
    assert scores(out) == {"ada": 2, "bob": 1} and {row["max_score"] for row in report(out).values()} == {"3.0"}
    assert "Missing: trained, check-trained." in report(out)["ada"]["note"]
    course("square")
    assert scores(out := autograde.autograde(folder, seconds=SECONDS)) == {"ada": 1, "bob": 1}
    assert "unknown mark double" in report(out)["ada"]["note"]


def test_a_check_is_the_labs_whatever_stands_in_it(course, hand_in, tmp_path):
    folder = hand_in("ada", double="def double(x):\n    return 3 * x")
    path = folder / "ada" / UNIT / f"{UNIT}.ipynb"
    path.write_text(path.read_text(encoding="utf-8").replace("assert double(2) == 4", "pass"), encoding="utf-8")
    assert scores(autograde.autograde(folder, seconds=SECONDS)) == {"ada": 2}


# many at once ---------------------------------------------------------------------------------------------------------

def test_results_are_the_same_however_many_run_at_once(course, hand_in, tmp_path):
    folder = hand_in("ada")
    hand_in("bob", square="def square(x):\n    return 9")
    hand_in("cem", trained="import os\nos._exit(1)")
    (hand_in("dora") / "dora" / UNIT / f"{UNIT}.ipynb").write_text("{", encoding="utf-8")
    shutil.copytree(folder, tmp_path / "again")
    one, two = autograde.autograde(folder, seconds=SECONDS), autograde.autograde(tmp_path / "again", seconds=SECONDS, jobs=2)
    assert scores(one) == {"ada": 3, "bob": 2, "cem": 2, "dora": 0}
    assert (one / "report.csv").read_bytes() == (two / "report.csv").read_bytes()
    assert (one / "grades.csv").read_text(encoding="utf-8").splitlines()[0] == (two / "grades.csv").read_text(encoding="utf-8").splitlines()[0]
    assert not list(two.glob(".kernel-*"))


def test_on_a_cluster_that_can_and_on_one_that_cannot(course, hand_in, monkeypatch, capsys):
    from distributed import LocalCluster

    folder = hand_in("ada")
    with LocalCluster(n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None) as cluster:
        words = ["autograde", str(folder), "--timeout", str(SECONDS), "--scheduler", cluster.scheduler_address]
        with monkeypatch.context() as patch:
            patch.setattr(sandbox, "TOOLS", {"no-such-program": "bubblewrap"})
            assert autograde.main(words) == 1
            said = capsys.readouterr().err
            assert "cannot grade: no-such-program is not installed" in said and "Traceback" not in said
        assert autograde.main(words) == 0
    assert scores(autograde.results_folder(folder)) == {"ada": 3}


def test_a_worker_that_sees_no_folder_or_has_another_course_says_so(tmp_path):
    from utils.instructor.grading import stamp

    assert "does not see the folder" in workers.unfit(str(tmp_path / "none" / ".seen"), stamp.of_course(), True)
    assert "another version" in workers.unfit(str(tmp_path), "", True)


# trained objects ------------------------------------------------------------------------------------------------------

def test_what_a_hidden_check_needs_comes_from_the_first_kernel(course, hand_in, monkeypatch):
    """It is trained once; what cannot be pickled, or is too large, is trained again with the whole notebook."""
    count, run = [], kernels.run
    monkeypatch.setattr(kernels, "run", lambda *words, **named: count.append(named["handed"].parent.name) or run(*words, **named))
    folder = hand_in("ada")
    hand_in("bob", trained=ANSWERS["trained"] + "\nnet.lock = lambda: 1")
    hand_in("cem", trained=ANSWERS["trained"] + f"\nnet.large = bytes({kernels.OBJECT_BYTES})")
    assert scores(autograde.autograde(folder, seconds=SECONDS)) == {"ada": 3, "bob": 3, "cem": 3}
    assert {student: count.count(student) for student in ("ada", "bob", "cem")} == {"ada": 2, "bob": 3, "cem": 3}


def test_a_pickle_acts_only_on_the_checks_behind_it(course, hand_in):
    """A student's object that puts other answers in place when it is unpickled, and what is sent without being asked for."""
    evil = "class Evil:\n    def __reduce__(self):\n        return exec, ('def square(x):\\n    return x * x', get_ipython().user_ns)\n\nnet = Evil()\nnet.weights = [3]"
    folder = hand_in("ada", square="def square(x):\n    return 9", trained=evil)
    sends = "from IPython.display import display\nimport atexit\ndef again(result):\n    display({'application/octet-stream': 'AAAA'}, metadata={'name': 'double'}, raw=True)\n"
    hand_in("bob", before=sends + "get_ipython().events.register('post_run_cell', again)")
    assert scores(autograde.autograde(folder, seconds=SECONDS)) == {"ada": 1, "bob": 3}


@pytest.mark.parametrize("source, needs", [("check(f, given)", ["given"]), ("x = 1\nassert f(x) and K and np.all(len([1]))", []),
                                           ("check(f(2), Path('a'))", ["Path"])])
def test_names_that_definitions_do_not_give(source, needs):
    notebook = nbformat.v4.new_notebook(cells=[cell("def f(x):\n    return x"), cell("given = train()"), cell("%%writefile a.py\nx ="), cell("x = (")])
    check = f"### BEGIN HIDDEN TESTS\n{source}\n### END HIDDEN TESTS\n"
    assert [found.needs for found in apart.hidden_checks({"check-f": check}, ["import numpy as np\nfrom a import check\nK = 2"], notebook)] == [needs]


# all processes of a kernel together -----------------------------------------------------------------------------------

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


def test_limits_on_all_processes_together(course, hand_in, monkeypatch):
    monkeypatch.setattr(kernels, "TOGETHER", watch.Bounds(memory=512, disk=16))
    monkeypatch.setattr(kernels, "LIMITS", kernels.LIMITS._replace(disk=16))
    answer = {"square": ANSWERS["square"] + "\nbefore = 1"}
    folder = hand_in("forks", square=f"{FORK}\nfork(6, lambda: b'x' * (100 << 20), 30)\n{ANSWERS['square']}")
    hand_in("shares", before=f"{FORK}\nlarge = b'x' * (100 << 20)\nfork(6, lambda: 0, 2)", **answer)  # the same pages, in RSS seven times
    hand_in("sockets", square=f"{FILES}\nimport time\nfill('{kernels.INSIDE}/kernel', 40)\ntime.sleep(30)\n{ANSWERS['square']}")
    hand_in("files", before=f"{FILES}\ntry:\n    fill('.', 40)\nexcept OSError as error:\n    print(error.strerror, len(os.listdir('.')))")
    out = autograde.autograde(folder, seconds=SECONDS)
    notes = {student: row["note"] for student, row in report(out).items()}
    assert scores(out) == {"forks": 1, "shares": 3, "sockets": 1, "files": 3}
    assert notes["forks"].startswith("Its processes used more than 0.5 GiB of memory together. The kernel died on the way")
    assert notes["sockets"].startswith("It wrote more than 16 MiB to the disk") and notes["shares"] == notes["files"] == ""
    assert "0.5 GiB" in executed(out, "forks") and "No space left on device 1" in executed(out, "files")
    assert not list(out.glob(".kernel-*")), "what it wrote is gone"


def test_a_process_that_does_not_end_is_found_with_what_it_started(tmp_path):
    """Of all limits: none, time, files without content."""
    from threading import Event

    token = uuid.uuid4().hex
    started = psutil.Popen(["sh", "-c", f"sleep 60; : {token}"])
    try:
        assert watch.until_over(started.pid, [tmp_path], watch.Bounds(seconds=0.3), Event()) == "It ran longer than 0.3 seconds."
        ended = Event()
        ended.set()
        assert watch.until_over(started.pid, [tmp_path], watch.Bounds(memory=0), ended) == ""
        for number in range(watch.MOST_FILES + 1):
            (tmp_path / str(number)).touch()
        assert "files" in watch.until_over(started.pid, [tmp_path], watch.Bounds(), Event())
    finally:
        for process in (*started.children(), started):
            process.kill()
        started.wait()
    assert watch.until_over(started.pid, [tmp_path], watch.Bounds(memory=0), Event()) == ""
