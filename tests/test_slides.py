"""Lectures as slides: one file that needs nothing else, presented in a real browser with the network cut."""
import re
import subprocess
import sys
from html.parser import HTMLParser

import nbformat
import pytest
from browser import chromium_without_network

from utils.instructor import slides
from utils.instructor.execute import ROOT

LECTURES = sorted((ROOT / "lectures").glob("*.ipynb"), key=lambda path: path.name)


class Loaded(HTMLParser):
    """Collects what a browser would fetch for a page, and the alt texts of its pictures."""

    def __init__(self, text: str):
        super().__init__()
        self.addresses, self.alts = [], []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list) -> None:
        values = dict(attributes)
        self.addresses += [values[name] for name in ("src", "srcset", "poster", "data") if values.get(name)]
        if tag in ("link", "base", "iframe", "object", "embed"):
            self.addresses.append(f"{tag} {values}")
        if tag == "img":
            self.alts.append(values.get("alt", ""))


def lecture(*cells: tuple[str, str]) -> nbformat.NotebookNode:
    """A notebook of Markdown cells, given as (kind, text)."""
    notebook = nbformat.v4.new_notebook()
    for role, text in cells:
        notebook.cells.append(nbformat.v4.new_markdown_cell(text, metadata={"slideshow": {"slide_type": role}}))
    return notebook


@pytest.mark.parametrize("path", LECTURES, ids=lambda path: path.stem)
def test_a_lecture_is_one_file_that_loads_nothing(path):
    notebook = nbformat.read(path, as_version=4)
    text = slides.page(notebook)
    loaded = Loaded(text)
    assert all(address.startswith("data:") for address in loaded.addresses)
    assert not re.search(r"@import|url\(|fetch\(|XMLHttpRequest|mathjax", text, re.IGNORECASE)
    figures = [output for steps in slides.slides(notebook) for cells in steps for cell in cells
               if cell.cell_type == "code" for output in cell.outputs if "image/png" in output.get("data", {})]
    assert len(loaded.alts) >= len(figures) and all(loaded.alts)


def test_formulas_are_mathml():
    text = slides.page(lecture(("slide", "# Title"), ("slide", r"Inline $\lambda^2$ and" "\n\n$$\\frac{a}{b} \\le c$$\n")))
    assert re.search(r"<math[^>]*>.*?<msup><mi>λ</mi><mn>2</mn></msup>", text)
    assert re.search(r'<math[^>]*display="block"[^>]*>.*?<mfrac>.*<mi>a</mi>.*<mi>b</mi>.*</mfrac>', text)
    assert "$" not in re.sub(r"<script>.*</script>", "", text, flags=re.DOTALL)


def test_each_kind_of_cell_has_its_place():
    notebook = lecture(("slide", "# One"), ("-", "more"), ("skip", "secret"), ("fragment", "later"),
                       ("-", "and this"), ("subslide", "two"),
                       ("notes", "aside"), ("slide", "three"))
    assert [[[cell.source for cell in cells] for cells in steps] for steps in slides.slides(notebook)] == [
        [["# One", "more"], ["later", "and this"]], [["two", "aside"]], [["three"]]]
    text = slides.page(notebook)
    assert "secret" not in text and text.count("<section") == 3
    assert text.count('class="step waiting"') == 1 and text.count('class="text notes"') == 1


def test_command_writes_a_file_for_each_lecture():
    done = subprocess.run([sys.executable, "-m", "utils.instructor.slides", LECTURES[0].stem], cwd=ROOT, capture_output=True, encoding="utf-8")
    assert done.returncode == 0 and f"{LECTURES[0].stem}.html" in done.stdout, done.stderr
    assert (ROOT / "build" / "slides" / f"{LECTURES[0].stem}.html").stat().st_size > 10_000
    wrong = subprocess.run([sys.executable, "-m", "utils.instructor.slides", "99"], cwd=ROOT, capture_output=True, encoding="utf-8")
    assert wrong.returncode == 2 and wrong.stderr == "No lecture has 99 in its name.\n"


def test_keys_mouse_and_fragments_in_a_browser_without_network(tmp_path):
    notebook = lecture(("slide", "# One"), ("slide", "question"), ("fragment", "answer"), ("notes", "aside"),
                       ("slide", "three"))
    (tmp_path / "page.html").write_text(slides.page(notebook), encoding="utf-8")
    with chromium_without_network(tmp_path) as browser:
        page = browser.new_page(viewport={"width": 1280, "height": 720}, reduced_motion="reduce")
        page.goto((tmp_path / "page.html").as_uri())

        def at(number: int) -> None:
            page.wait_for_function("number => document.getElementById('place').textContent.startsWith(number + ' /') && "
                                   "Math.abs(slides[number - 1].getBoundingClientRect().top) < 2", arg=number, timeout=5000)
        at(1)
        page.keyboard.press("ArrowRight")
        at(2)
        assert not page.get_by_text("answer").is_visible() and not page.get_by_text("aside").is_visible()
        page.keyboard.press(" ")
        at(2)
        assert page.get_by_text("answer").is_visible()
        page.keyboard.press("n")
        assert page.get_by_text("aside").is_visible()
        page.keyboard.press("PageDown")
        at(3)
        page.keyboard.press("ArrowLeft")
        at(2)
        page.keyboard.press("Home")
        at(1)
        page.get_by_label("Next slide").click()
        at(2)
        page.get_by_label("Previous slide").click()
        at(1)
        page.keyboard.press(" ")  # not the button, although it was clicked last
        at(2)
        page.keyboard.press("Shift+ ")
        at(1)
        page.mouse.wheel(0, 720)
        at(2)
        page.reload()
        at(2)


def test_a_slide_higher_than_the_screen_is_read_to_its_end_with_keys(tmp_path):
    notebook = lecture(("slide", "# One"), ("slide", "two " * 6000 + "end"), ("fragment", "answer"), ("slide", "three"))
    (tmp_path / "page.html").write_text(slides.page(notebook), encoding="utf-8")
    with chromium_without_network(tmp_path) as browser:
        page = browser.new_page(viewport={"width": 1280, "height": 720}, reduced_motion="reduce")
        page.goto((tmp_path / "page.html").as_uri() + "#2")
        page.wait_for_function("current == 1 && slides[1].getBoundingClientRect().bottom > 2 * innerHeight")
        presses = 0
        while page.evaluate("current == 1 && !!slides[1].querySelector('.waiting')"):
            assert page.evaluate("slides[1].getBoundingClientRect().top <= 2")
            page.keyboard.press("PageDown")
            page.wait_for_timeout(300)
            presses += 1
        assert presses > 2 and page.evaluate("current == 1") and page.get_by_text("answer").is_visible()
        page.keyboard.press("PageDown")
        page.wait_for_function("current == 2")


@pytest.mark.parametrize("path", LECTURES, ids=lambda path: path.stem)
def test_every_slide_is_drawn_in_a_browser_without_network(path, tmp_path):
    (tmp_path / "page.html").write_text(slides.page(nbformat.read(path, as_version=4)), encoding="utf-8")
    with chromium_without_network(tmp_path) as browser:
        page = browser.new_page(viewport={"width": 1280, "height": 720}, reduced_motion="reduce")
        requests, faults = [], []
        page.on("request", lambda request: requests.append(request.url))
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
        page.goto((tmp_path / "page.html").as_uri())
        assert [url for url in requests if not url.startswith(("file:", "data:", "blob:"))] == [] == faults
        assert page.evaluate("[...document.images].every(image => image.complete && image.naturalWidth > 0)")
        assert page.evaluate("[...document.querySelectorAll('math')].every(formula => formula.getBoundingClientRect().width > 3)")
        high = page.evaluate("slides.filter(slide => slide.scrollHeight > innerHeight + 1).map(slide => slide.id)")
        wide = page.evaluate("document.documentElement.scrollWidth > innerWidth")
        assert not wide and high == [], f"slides {high} do not fit on the screen: split them"
        for _ in range(200):  # more presses than there are slides and fragments
            page.keyboard.press("ArrowRight")
        assert page.evaluate("current == slides.length - 1 && !document.querySelector('.waiting')")
