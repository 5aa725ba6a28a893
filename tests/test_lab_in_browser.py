"""The first lab as a student meets it: `course.py lab`, a real browser, real kernels, the filter editor's sliders."""
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat
import psutil
import pytest
from browser import chromium
from conftest import all_end
from playwright.sync_api import Page, TimeoutError

from utils.instructor.execute import ROOT

LAB = "01_convolution_filters"
COMMAND = ("import sys, course; from pathlib import Path; course.ROOT, course.set_up = Path(sys.argv[1]), lambda: None;"
           "sys.exit(course.main(['lab', '--no-browser']))")
IDLE = ".jp-Notebook-ExecutionIndicator[data-status=idle]"


@pytest.fixture
def course_folder(tmp_path) -> Path:
    """A folder with the labs and, in work/, the first lab as a student leaves it who has solved it."""
    shutil.copytree(ROOT / "labs", tmp_path / "labs")
    solved = tmp_path / "work" / "solved" / "solved.ipynb"
    solved.parent.mkdir(parents=True)
    notebook = nbformat.read(ROOT / "solutions" / LAB / f"{LAB}.ipynb", as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    nbformat.write(notebook, solved)
    return tmp_path


@contextmanager
def running_lab(folder: Path, kernels: int) -> Iterator[str]:
    """The address that `course.py lab` prints for a course in `folder`, while it runs.

    When it is ended, JupyterLab and all kernels end.
    """
    variables = {name: value for name, value in os.environ.items() if name not in ("TQDM_DISABLE", "COURSE_OUT")}
    variables["JUPYTERLAB_WORKSPACES_DIR"] = str(folder / "workspaces")  # tabs of earlier times stay away
    with subprocess.Popen([sys.executable, "-c", COMMAND, str(folder)], cwd=ROOT, stdout=subprocess.PIPE, encoding="utf-8",
                          env=variables, stderr=subprocess.STDOUT, start_new_session=True) as server:
        try:
            yield next(found[0] for line in server.stdout if (found := re.search(r"http://127\.0\.0\.1:\S+", line)))
            started = psutil.Process(server.pid).children(recursive=True)
            server.terminate()
            server.communicate(timeout=60)
            assert len(started) > kernels and all_end(started, 30), f"JupyterLab and {kernels} kernels"
        finally:
            server.kill()


@pytest.fixture
def address(course_folder) -> Iterator[str]:
    with running_lab(course_folder, kernels=2) as found:
        yield found


def run_all(page: Page) -> None:
    """Run all cells. JupyterLab drops this without a word while the kernel is not connected yet, then it is asked again."""
    page.locator(".jp-Notebook-cell").first.wait_for()
    started = page.locator(".jp-InputPrompt", has_text=re.compile(r"\[(\*|\d+)\]"))  # waits, runs or has run
    for _ in range(6):
        page.locator(IDLE).wait_for()
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
        try:
            return started.first.wait_for(state="attached", timeout=10_000)
        except TimeoutError:
            pass
    raise AssertionError("JupyterLab runs no cell.")


def test_a_student_opens_the_first_lab_and_solves_it(course_folder, address):
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 1400, "height": 1000})
        page.set_default_timeout(120_000)

        page.goto(address)
        assert address.split("?")[0].endswith("/lab/tree/work/welcome.md")
        title = nbformat.read(ROOT / "labs" / LAB / f"{LAB}.ipynb", as_version=4).cells[0].source.splitlines()[0].strip("# ")
        page.get_by_role("heading", name="Welcome").wait_for()  # shown, not opened in the editor
        page.locator(".jp-RenderedMarkdown").get_by_role("link", name=title).click()
        page.get_by_role("heading", name=title).wait_for()
        run_all(page)
        page.get_by_text(re.compile("^Not yet: .* is not written yet")).first.wait_for()
        text = page.inner_text("body")
        assert not re.search("Traceback|Formgrader|Jupyter news", text)

        page.goto(re.sub(r"/lab/tree/[^?]+", "/lab/tree/work/solved/solved.ipynb", address) + "&reset")  # closes the first
        run_all(page)
        page.locator("img.widget-image").nth(1).wait_for()
        shown = page.locator("img.widget-image").nth(1).get_attribute("src")
        page.locator(".noUi-handle").first.focus()  # the weight at the top left
        page.keyboard.press("ArrowRight")
        page.wait_for_function("old => document.querySelectorAll('img.widget-image')[1].src != old", arg=shown)
        assert page.locator(".widget-dropdown select").input_value() == "your own"

        page.locator(IDLE).wait_for()
        page.keyboard.press("Control+s")
        page.wait_for_function("document.title.includes('solved') && !document.querySelector('.jp-mod-dirty')")
    solved = nbformat.read(course_folder / "work" / "solved" / "solved.ipynb", as_version=4)
    for cell in solved.cells:
        if cell.cell_type == "code":
            assert cell.execution_count, cell.source
            assert not [output for output in cell.outputs if output.output_type == "error"], cell.source
        if cell.metadata.get("nbgrader", {}).get("grade"):
            assert cell.outputs[0].text.strip(), cell.source
