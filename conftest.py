"""The surroundings of all tests, and of the notebooks that nbval runs: built-in data, quick profile,
nothing written to the project.

Tests on real data ask for the fixture `real_data`; they are skipped unless COURSE_DATA names a folder.
"""
import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from xdist.scheduler import LoadScopeScheduling

from utils.instructor.execute import CELL_SECONDS

sys.path.append(str(Path(__file__).parent / "tests"))  # what several tests share, also where only a notebook is named
REAL_DATA = os.environ.pop("COURSE_DATA", None) or os.environ.get("COURSE_REAL_DATA")
if REAL_DATA:
    os.environ["COURSE_REAL_DATA"] = REAL_DATA  # for the processes that share the work
os.environ["COURSE_PROFILE"] = "quick"
os.environ["TQDM_DISABLE"] = "1"
# nbgrader calls a program of the environment by its bare name.
os.environ["PATH"] = os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]])
OUT = tempfile.mkdtemp(prefix="course-tests-")
os.environ["COURSE_OUT"] = OUT
# Settings of one's own (figures as SVG, another kernel, Keras' channels first) and a home that cannot be written change no test.
for variable in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "MPLCONFIGDIR", "KERAS_HOME"):
    os.environ[variable] = os.path.join(OUT, ".home", variable.lower())
    os.makedirs(os.environ[variable])
if "PYTEST_XDIST_WORKER" in os.environ:  # one thread for each process that runs beside others: two would wait for each other
    for threads in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(threads, "1")
# What takes longest is started first, so that no process is left with it at the end.
FIRST = ("test_miniproject", "test_checks_tell_right_from_wrong", "test_autograde", r"\.ipynb", "test_hostile", "test_sandbox")
ALONE = ("test_checks_tell_right_from_wrong", "test_real_faces")  # minutes each, and they share nothing with their file


def pytest_configure(config: pytest.Config) -> None:
    config.option.nbval_cell_timeout = CELL_SECONDS


def pytest_unconfigure() -> None:
    shutil.rmtree(OUT, ignore_errors=True)


class ByFile(LoadScopeScheduling):
    """What shares a kernel or a fixture runs in one process: the tests of a file but those ALONE, the cells of a notebook."""

    def _split_scope(self, nodeid: str) -> str:
        return nodeid if any(name in nodeid for name in ALONE) else nodeid.split("::")[0]


def pytest_xdist_make_scheduler(config: pytest.Config, log) -> ByFile:
    config.option.loadscopereorder = False  # keep the order below
    return ByFile(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: next((place for place, name in enumerate(FIRST) if re.search(name, item.nodeid)), len(FIRST)))


@pytest.fixture(autouse=True)
def built_in_data_again() -> Iterator[None]:
    """What a test leaves in COURSE_DATA is not the data of the next one."""
    yield
    os.environ.pop("COURSE_DATA", None)


@pytest.fixture
def real_data(monkeypatch: pytest.MonkeyPatch) -> str:
    """COURSE_DATA is set for this test; its value."""
    if not REAL_DATA:
        pytest.skip("COURSE_DATA is not set")
    monkeypatch.setenv("COURSE_DATA", os.path.abspath(REAL_DATA))
    return os.path.abspath(REAL_DATA)


def need(tool: str) -> str:
    """The path of a program that a test runs. Without it the test is skipped on a laptop and fails in CI."""
    path = shutil.which(tool)
    if path is None:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(f"{tool} is not installed")
    return path


def all_end(processes: list[psutil.Process], seconds: float) -> bool:
    """Whether all end within this time. A zombie has ended: in a container nobody may ask for an orphan's status."""
    deadline = time.monotonic() + seconds
    while not all(map(_has_ended, processes)):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def _has_ended(process: psutil.Process) -> bool:
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
