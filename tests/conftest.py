"""The surroundings of all tests, and of the notebooks that nbval runs: built-in data, quick profile, nothing written to the project.

Tests on real data ask for the fixture `real_data`; they are skipped unless COURSE_DATA names a folder.
"""
import os
import shutil
import sys
import tempfile

import pytest

REAL_DATA = os.environ.pop("COURSE_DATA", None)
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


def pytest_unconfigure() -> None:
    shutil.rmtree(OUT, ignore_errors=True)


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
