"""A tiny lab that attacks the limits of all processes together, is graded by several, and changes between two gradings."""
import csv
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import uuid
from collections import Counter
from pathlib import Path

import joblib
import nbformat
import psutil
import pytest

from conftest import all_end, need
from tiny_lab import ANSWERS, UNIT, cell, hand_in, make_class, make_course
from utils.instructor import autograde
from utils.instructor.files import MachineFault
from utils.instructor.grading import apart, gradebook, kernels, sandbox, stamp, watch, workers

SECONDS = 15  # for a cell


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """(folder of the class, of the results, number of kernels by student)."""
    need("bwrap")
    place, count, run = tmp_path_factory.mktemp("class"), [], kernels.run
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gradebook, "SOLUTIONS", place / "solutions")
        make_course(place / "solutions", *ANSWERS)
        make_class(place / "handed")
        with pytest.MonkeyPatch.context() as small:
            small.setattr(kernels, "TOGETHER", watch.Bounds(memory=1024, disk=16))
            small.setattr(kernels, "LIMITS", kernels.LIMITS._replace(disk=16))
            small.setattr(kernels, "run", lambda book, **named: count.append(named["handed"].parent.name) or run(book, **named))
            before = psutil.Process().memory_info().rss
            out = autograde.autograde(place / "handed", seconds=SECONDS)
            assert psutil.Process().memory_info().rss - before < 400 << 20
        yield place / "handed", out, Counter(count)


@pytest.fixture
def again(graded, tmp_path):
    """Call it with students: (a class of these alone, its results). A new gradebook would take longer than a copy of this one."""
    def again(*names: str) -> tuple[Path, Path]:
        for student in names:
            shutil.copytree(graded[0] / student, tmp_path / "handed" / student)
        shutil.copytree(graded[1], tmp_path / "handed-graded")
        for state in (tmp_path / "handed-graded" / "state").iterdir():
            state.unlink()
        return tmp_path / "handed", tmp_path / "handed-graded"
    return again


def report(out: Path) -> dict[str, dict]:
    with open(out / "report.csv", encoding="utf-8-sig", newline="") as file:
        return {row["student"]: row for row in csv.DictReader(file)}


def scores(out: Path) -> dict[str, float]:
    return {student: float(row["score"]) for student, row in report(out).items()}


def executed(out: Path, student: str) -> str:
    """What the cells of a student printed and raised."""
    cells = nbformat.read(out / "autograded" / student / UNIT / f"{UNIT}.ipynb", as_version=4).cells
    return "\n".join(output.get("text", output.get("evalue", "")) for one in cells for output in one.get("outputs", []))


# one class -----------------------------------------------------------------------------------------------------------

def test_points(graded):
    assert scores(graded[1]) == {"ada": 3, "bob": 1, "cem": 2, "dora": 0, "evil": 1, "files": 3, "forks": 1, "gil": 2, "lock": 3,
                                 "ned": 3, "shares": 3, "sockets": 1}


def test_limits_on_all_processes_of_a_kernel_together(graded):
    _, out, _ = graded
    notes = {student: row["note"] for student, row in report(out).items()}
    assert notes["forks"].startswith("Its processes used more than 1 GiB of memory together. The kernel died on the way")
    assert notes["sockets"].startswith("It wrote more than 16 MiB to the disk")
    assert notes["shares"] == notes["lock"] == ("Hidden checks that could not run apart, as a name was missing, ran beside the "
                                                "notebook's own cells: check-trained.") and notes["ada"] == ""
    assert notes["files"] == "Its cells use get_ipython: if it has many points, look at what for."
    assert "1 GiB" in executed(out, "forks") and "No space left on device 1" in executed(out, "files")
    assert notes["gil"].startswith(f"1 cell did not end in time ({SECONDS} seconds)")
    assert notes["cem"].startswith("The kernel died on the way")
    assert len(executed(out, "ned")) < 3 * kernels.CELL_BYTES
    assert not list(out.glob(".kernel-*")), "what it wrote is gone"


def test_what_a_hidden_check_needs_comes_from_the_first_kernel(graded):
    """It is trained once; what cannot be pickled, or is too large, is trained again with the whole notebook."""
    assert ([graded[2][student]
             for student in ("ada", "files", "ned", "lock", "shares")] == [2, 2, 2, 3, 3]), "whatever else ned printed"


# again, in other ways -------------------------------------------------------------------------------------------------

def test_results_are_the_same_however_many_run_at_once(graded, again):
    folder, out = again("ada", "cem", "dora")
    autograde.autograde(folder, seconds=SECONDS, jobs=2)
    first = report(graded[1])
    assert report(out) == {student: first[student] for student in ("ada", "cem", "dora")}
    assert not list(out.glob(".kernel-*"))


START = """
import pathlib, sys
from utils.instructor import autograde
from utils.instructor.grading import gradebook
gradebook.SOLUTIONS = pathlib.Path(sys.argv[1])
sys.exit(autograde.main(sys.argv[2:]))
"""


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_killed_run_leaves_tables_of_those_who_are_graded_and_the_next_one_nothing_else(graded, again, tmp_path, jobs):
    folder, out = again()
    hand_in(folder, "anna")
    hand_in(folder, "moth", before="import time\ntime.sleep(100)")  # moths come last
    (temporary := Path(tempfile.mkdtemp(prefix="t-", dir="/tmp"))).chmod(0o755)
    words = [sys.executable, "-c", START, str(gradebook.SOLUTIONS), "autograde", str(folder), "--jobs", jobs]
    environment = os.environ | {"TMPDIR": str(temporary)}
    for table in (out / "report.csv", out / "grades.csv", out / "moodle" / f"{UNIT}.csv"):
        table.unlink(missing_ok=True)
    try:
        running = subprocess.Popen(words, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 90
        while not (scores_of(out) and list(out.glob(".kernel-*")) and
                   (family := psutil.Process(running.pid).children(recursive=True))):
            assert time.monotonic() < deadline and running.poll() is None
            time.sleep(0.1)
        running.kill()
        running.wait()
        assert all_end(family, 10), "kernels, and the processes that run them, die with it"
        assert scores(out) == {"anna": 3}
        grades, moodle = (table.read_text(encoding="utf-8-sig") for table in (out / "grades.csv", out / "moodle" / f"{UNIT}.csv"))
        assert re.search(rf'"{UNIT}",.*"anna",.*"3.0"$', grades,
                         re.MULTILINE) and '"anna","anna",3.0,3.0,""' in moodle and "moth" not in moodle
        finished = (out / "state" / f"anna--{UNIT}.json").stat().st_mtime_ns
        shutil.rmtree(folder / "moth")
        hand_in(folder, "moth")
        subprocess.run(words, env=environment, check=True, capture_output=True)
        assert scores(out) == {"anna": 3, "moth": 3} and (out / "state" / f"anna--{UNIT}.json").stat().st_mtime_ns == finished
        assert not list(out.rglob("*.part")) and [path.name
                                                  for path in out.glob(".*")] == [".lock"] and not list(temporary.iterdir())
    finally:
        shutil.rmtree(temporary)


def scores_of(out: Path) -> dict[str, float]:
    """`scores`, none before the first table is written."""
    return scores(out) if (out / "report.csv").is_file() else {}


def test_a_long_name_of_the_folder_for_temporary_files_stops_no_kernel(again, tmp_path, monkeypatch):
    folder, out = again("ada")
    (long := tmp_path / ("x" * 80)).mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(long))
    autograde.autograde(folder, seconds=SECONDS)
    assert scores(out) == {"ada": 3}


def test_a_task_that_is_added_or_removed_costs_its_own_points_only(graded, again):
    folder, out = again()
    hand_in(folder, "ada", without=("trained",))
    hand_in(folder, "bob", without=("double", "trained"))
    make_course(gradebook.SOLUTIONS, "double", "square")  # after grading began, as the gradebook knows three tasks
    try:
        assert scores(autograde.autograde(folder, seconds=SECONDS)) == {"ada": 2, "bob": 1}
        assert {row["max_score"] for row in report(out).values()} == {"2.0"}
        shutil.rmtree(folder / "bob")
        make_course(gradebook.SOLUTIONS, "double", "trained", "square")  # between the others
        assert scores(autograde.autograde(folder, seconds=SECONDS)) == {"ada": 2}
        assert "Missing: trained, check-trained." in report(out)["ada"]["note"] and report(out)["ada"]["max_score"] == "3.0"
        make_course(gradebook.SOLUTIONS, "square")
        assert scores(autograde.autograde(folder, seconds=SECONDS)) == {"ada": 1}
        assert "unknown mark double" in report(out)["ada"]["note"]
    finally:
        make_course(gradebook.SOLUTIONS, *ANSWERS)


def test_on_a_cluster_that_can_and_on_one_that_cannot(again, monkeypatch, capsys):
    from distributed import LocalCluster

    folder, out = again("dora", "ada")
    with LocalCluster(n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None) as cluster:
        words = ["autograde", str(folder), "--timeout", str(SECONDS), "--scheduler", cluster.scheduler_address]
        with monkeypatch.context() as patch:
            patch.setattr(sandbox, "TOOLS", {"no-such-program": "bubblewrap"})
            assert autograde.main(words) == 1
            said = capsys.readouterr().err
            assert "cannot grade: no-such-program is not installed" in said and "Traceback" not in said
        assert autograde.main(words) == 0
    assert scores(out) == {"ada": 3, "dora": 0}


def test_a_notebook_that_ends_its_workers_is_the_machines_fault(tmp_path):
    import dask
    from distributed import LocalCluster

    done = []
    with dask.config.set({"distributed.scheduler.allowed-failures": 0}), \
            LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        with pytest.raises(MachineFault, match="1 of 2 calls ended the workers.*run the same command again"):
            for result in workers.results([joblib.delayed(os._exit)(1), joblib.delayed(abs)(-1)], 1,
                                          cluster.scheduler_address, tmp_path, isolated=False):
                done.append(result)
    assert done == [1]


def test_a_worker_that_sees_no_folder_or_has_another_course_says_so(tmp_path):
    assert "does not see the folder" in workers.unfit(str(tmp_path / "none" / ".seen"), stamp.of_course(), True)
    assert "another version" in workers.unfit(str(tmp_path), "", True)


def test_cells_after_the_time_of_the_notebook_are_not_run(again):
    folder, out = again("ada")
    path = folder / "ada" / UNIT / f"{UNIT}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[1:1] = [cell("while True: pass") for _ in range(40)]
    nbformat.write(notebook, path)
    autograde.autograde(folder, seconds=1)
    assert executed(out, "ada").count(kernels.LATE) > 30 and not list(out.glob(".kernel-*"))


def test_messages_wait_in_the_kernel(tmp_path, monkeypatch):
    """A signed flood of large messages: the grader holds a few of them at a time."""
    flood = """
kernel = get_ipython().kernel
body = kernel.session.pack({"name": "stdout", "text": "x" * (8 << 20)})
for _ in range(60):
    message = kernel.session.msg("stream", {}, parent=kernel.get_parent())
    parts = [kernel.session.pack(message["header"]), kernel.session.pack(message["parent_header"]), kernel.session.pack({}), body]
    kernel.iopub_socket.send_multipart([b"stream", b"<IDS|MSG>", kernel.session.sign(parts), *parts])
"""
    (tmp_path / "handed").mkdir()
    notebook, most, before = (nbformat.v4.new_notebook(cells=[cell(flood), cell("print(1)")]), [0],
                              psutil.Process().memory_info().rss)
    process = kernels.SandboxedExecute.process_message
    monkeypatch.setattr(kernels.SandboxedExecute, "process_message", lambda *words: (
        most.append(psutil.Process().memory_info().rss - before), time.sleep(0.02), process(*words))[-1])
    kernels.run(notebook, tmp_path / "handed", 4 * SECONDS, isolated=False, scratch=tmp_path)
    assert len(most) > 20 and max(most) < 200 << 20, "of 480 MiB"


def test_refuses_without_sandbox_unless_told(again, monkeypatch, capsys):
    folder, out = again("ada")
    monkeypatch.setattr(sandbox, "TOOLS", {"no-such-program": "bubblewrap"})
    assert autograde.main(["autograde", str(folder)]) == 1
    assert "no-such-program is not installed" in capsys.readouterr().err and not list((out / "state").iterdir())
    assert autograde.main(["autograde", str(folder), "--unsafe-no-sandbox", "--jobs", "1"]) == 0
    assert scores(out) == {"ada": 3}


# parts ----------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("source, needs", [("check(f, given)", ["given"]), ("x = 1\nassert f(x) and K and np.all(len([1]))", []),
                                           ("check(f(2), Path('a'))", ["Path"])])
def test_names_that_definitions_do_not_give(source, needs):
    sources = ["def f(x):\n    return x", "given = train()", "%%writefile a.py\nx =", "x = ("]
    notebook = nbformat.v4.new_notebook(cells=[cell(source) for source in sources])
    check = f"### BEGIN HIDDEN TESTS\n{source}\n### END HIDDEN TESTS\n"
    set_up = ["import numpy as np\nfrom a import check\nK = 2"]
    assert [found.needs for found in apart.hidden_checks({"check-f": check}, set_up, notebook)] == [needs]


def test_cells_that_no_check_uses_are_left_out():
    cells = ["import numpy as np", "faces = load()", "def attack(x):\n    return later(x) + np.pi", "figure = faces",
             "def later(x):\n    return SIZE * x", "SIZE = 3", "", "%%writefile a.py\nx ="]
    assert apart._needed(cells, ["check(attack)"]) == [cells[number] for number in (0, 2, 4, 5, 7)]


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


def test_a_chain_of_folders_ends_neither_the_watcher_nor_the_cleaning(tmp_path):
    here = os.open(".", os.O_RDONLY)
    (chain := tmp_path / "chain").mkdir()
    try:
        os.chdir(chain)
        for _ in range(1500):
            os.mkdir("aaaa")
            os.chdir("aaaa")
    finally:
        os.fchdir(here)
        os.close(here)
    assert watch.disk([chain]) == 1 << 62
    kernels.remove_kernel(chain)
    assert not chain.exists()
