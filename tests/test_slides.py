"""Lectures as slides: one file that needs nothing else, presented in a real browser with the network cut."""
import re
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import pytest
from browser import chromium_without_network

from utils.instructor import slides
from utils.instructor.execute import ROOT
from utils.instructor.mathml import mathml

LECTURES = sorted((ROOT / "lectures").glob("*.ipynb"), key=lambda path: path.name)
MEASURE = (Path(__file__).parent / "measure_slides.js").read_text(encoding="utf-8")
CONTRAST = (Path(__file__).parent / "measure_contrast.js").read_text(encoding="utf-8")
SIZE = "parseFloat(getComputedStyle(document.querySelector('.text')).fontSize)"


@cache
def built(path: Path) -> str:
    """The page of a lecture."""
    return slides.page(nbformat.read(path, as_version=4))


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with chromium_without_network(tmp_path_factory.mktemp("browser")) as running:
        yield running


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
    """A notebook of cells, given as (kind, text): of code where the text begins with >."""
    notebook = nbformat.v4.new_notebook()
    for role, text in cells:
        new = nbformat.v4.new_code_cell if text.startswith(">") else nbformat.v4.new_markdown_cell
        notebook.cells.append(new(text.removeprefix(">"), metadata={"slideshow": {"slide_type": role}}))
    return notebook


def code(source: str, *tags: str) -> nbformat.NotebookNode:
    return nbformat.v4.new_code_cell(source, metadata={"tags": list(tags)})


def printed(lines: int) -> nbformat.NotebookNode:
    return nbformat.v4.new_output("stream", text="x\n" * lines)


def shown(notebook: nbformat.NotebookNode) -> list[tuple]:
    """Of each slide its heading and, by steps, its texts and code."""
    return [(slide.heading, [[part.text or part.code for part in step] for step in slide.steps])
            for slide in slides.slides(notebook)]


@pytest.mark.parametrize("path", LECTURES, ids=lambda path: path.stem)
def test_a_lecture_is_one_file_that_loads_nothing(path):
    loaded = Loaded(built(path))
    assert all(address.startswith("data:") for address in loaded.addresses)
    assert not re.search(r"@import|url\(|fetch\(|XMLHttpRequest|mathjax", built(path), re.IGNORECASE)
    cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code" and slides.kind(cell) != "skip"]
    figures = [output for cell in cells for output in cell.outputs if "image/png" in output.get("data", {})]
    assert len(loaded.alts) >= len(figures) and all(loaded.alts)
    assert not re.search(r"\balt=", re.sub("<[^>]*>", "", built(path))), "the alt texts are in the pictures, not in the code"
    levels = [int(level) for level in re.findall(r"<h(\d)", re.sub(r"<aside.*?</aside>", "", built(path), flags=re.DOTALL))]
    assert levels.count(1) == 1 and all(after <= before + 1 for before, after in zip([0, *levels], levels)), "a level is left out"


def test_formulas_are_mathml():
    text = slides.page(lecture(("slide", "# Title"), ("slide", r"Inline $\lambda^2$ and" "\n\n$$\\frac{a}{b} \\le c$$\n")))
    assert re.search(r"<math[^>]*>.*?<msup><mi>λ</mi><mn>2</mn></msup>", text)
    assert re.search(r'<math[^>]*display="block"[^>]*>.*?<mfrac>.*<mi>a</mi>.*<mi>b</mi>.*</mfrac>', text)
    assert "$" not in re.sub(r"<script>.*</script>", "", text, flags=re.DOTALL)


@pytest.mark.parametrize("latex, written", [
    (r"\log 2", "log 2"), (r"2 \log x", "2 log x"), (r"\log_2 x", "log2 x"), (r"\max(a, b)", "max(a,b)"),
    (r"z^* = \arg\min_z f", "z*=arg minz f"), (r"\operatorname{diag}(x)", "diag(x)"), (r"x \sim p", "x∼p")])
def test_functions_are_set_with_a_space_where_tex_has_one(latex, written):
    text = re.sub(r"<mspace[^>]*>", " ", mathml(latex))
    assert re.sub(r"<[^>]*>", "", text) == written


@pytest.mark.parametrize("latex, together", [
    (r"\lVert d \rVert_p = 1", "‖d‖"), (r"a \big(b (c - d)\big)^2", "(b(c−d))"), (r"|x|_1 + |y|^2 + |z|", "|x| |y|"),
    (r"P(A | B)_1", "(A|B)"), (r"[a, b) + c_1", "")])
def test_an_index_hangs_on_both_fences_and_what_they_hold(latex, together):
    rows = re.findall(r"<msu\w+><mrow>(.*?)</mrow><m[in]>\w</m[in]></msu\w+>", mathml(latex))
    assert " ".join(re.sub(r"<[^>]*>", "", row) for row in rows) == together


def test_bars_that_belong_together_have_no_space_beside_them():
    closed = re.findall(r"<mo ([^>]*)>[|‖]</mo>", mathml(r"|a| \lVert b \rVert (A | B)"))
    assert [re.findall(r'form="(\w+)"', bar) for bar in closed] == [["prefix"], ["postfix"], ["prefix"], ["postfix"], []]
    assert all('lspace="0" rspace="0"' in bar for bar in closed[:4])


def test_a_prime_is_an_operator():
    assert '<mo lspace="0" rspace="0">′</mo>' in mathml("f'(x)")


def test_a_command_that_the_converter_does_not_know_is_named():
    with pytest.raises(ValueError, match=r"cell 2 \(\S+\): the slides cannot draw \\sideways in the formula \$a \\sideways b\$"):
        slides.page(lecture(("slide", "# Title"), ("slide", r"Here: $a \sideways b$.")))


def test_a_distance_after_a_line_break_is_refused():
    with pytest.raises(ValueError, match="line break with a distance"):
        mathml(r"\begin{cases} a \\[1mm] b \end{cases}")
    mathml(r"\begin{cases} a \\ b \end{cases}")


def test_a_formula_that_does_not_end_is_named():
    with pytest.raises(ValueError, match=r"the formula \$\\begin\{matrix\} 1\$"):
        mathml(r"\begin{matrix} 1")


def test_each_kind_of_cell_has_its_place():
    notebook = lecture(("slide", "# One"), ("notes", "aside"), ("-", "more"), ("skip", "secret"), ("fragment", "later"),
                       ("-", "and this"), ("subslide", "two"), ("slide", "## Three\nthree"), ("subslide", ">x = 3"))
    assert shown(notebook) == [("# One", [["", "more"], ["later", "and this"]]), ("# One", [["two"]]),
                               ("## Three", [["three"]]), ("## Three", [["x = 3"]])]
    assert slides.slides(notebook)[0].notes == ["aside"]
    text = slides.page(notebook)
    assert "secret" not in text and text.count("<section") == 4
    assert text.count('class="step waiting"') == 1 and text.count('<aside class="notes"') == 1
    assert 'aria-label="4 of 4: Three"' in text and '<html lang="en">' in text and text.count("<main") == 1


@pytest.mark.parametrize("cell, expected", [
    (code("import numpy\nx = 1\n\n# is it?\nassert x == 1\n# on\nprint(x)"), "x = 1\n# on\nprint(x)"),
    (code("for x in (1, 2):\n    print(x)\n    assert x"), "for x in (1, 2):\n    print(x)"),
    (code("for x in (1, 2):\n    assert x"), ""),
    (code("import numpy\nfrom utils import plot"), ""),
    (code("x = 1\nfig = plot.lines(x)\nplot.show(fig, alt='a')"), ""),
    (code("x = 1\nfig = plot.lines(x)\nplot.show(fig, alt='a')", "show-code"), "x = 1"),
    (code("def f(x):\n    return x\n\n\nfig = plot.lines(f(1))\nplot.show(fig, alt='a')"), "def f(x):\n    return x"),
    (code("x = 1", "hide-code"), ""),
    (code("import utils\nsession.start(seed=1)\nx = 1"), "")])
def test_a_slide_shows_the_code_that_is_the_lesson(cell, expected):
    assert slides.lesson(cell) == expected


def test_alt_texts_are_not_in_the_code():
    source = "plot.show(é, alt='é (1, 2)'\n     ' and more')\nplot.stored(alt=f'{x}', name='y')"
    assert slides.without_alt(source) == "plot.show(é)\nplot.stored(name='y')"


def test_a_question_names_no_cell():
    """The room sees slides, and the answer may be on the same one."""
    notebook = lecture(("slide", "# One"), ("slide", "**Before you run the next cells:** which?"),
                       ("notes", "**Before you run the next cell:**"))
    assert shown(notebook)[1][1] == [["**Before we go on:** which?"]]


def test_long_code_and_its_outputs_take_two_slides():
    short, long, silent = code("x = 1\n" * 5), code("x = 1\n" * 20), code("import numpy")
    short.outputs, long.outputs = [printed(20)], [printed(20)]
    assert [len(slides.parts(cell)) for cell in (short, long, silent)] == [1, 2, 0]


def test_command_writes_a_file_for_each_lecture(capsys):
    assert slides.main([LECTURES[1].stem]) == 0
    assert f"{LECTURES[1].stem}.html" in capsys.readouterr().out
    assert (ROOT / "build" / "slides" / f"{LECTURES[1].stem}.html").stat().st_size > 10_000
    assert slides.main(["99"]) == 2
    assert capsys.readouterr().err == "No lecture has 99 in its name.\n"


def opened(browser, tmp_path, text: str, width: int = 1280, height: int = 800):
    """The page in a tab of the browser, with `faults`, what went wrong in it."""
    (tmp_path / "page.html").write_text(text, encoding="utf-8")
    tab = browser.new_page(viewport={"width": width, "height": height}, reduced_motion="reduce")
    tab.faults = []
    tab.on("request", lambda request: request.url.startswith(("file:", "data:", "blob:")) or tab.faults.append(request.url))
    tab.on("pageerror", lambda error: tab.faults.append(str(error)))
    tab.on("console", lambda message: message.type == "error" and tab.faults.append(message.text))
    tab.goto((tmp_path / "page.html").as_uri())
    return tab


def test_keys_mouse_and_fragments_in_a_browser_without_network(browser, tmp_path):
    notebook = lecture(("slide", "# One"), ("slide", "question"), ("fragment", "answer"), ("notes", "aside"),
                       ("slide", ">x = 1\nassert x == 1"))
    page = opened(browser, tmp_path, slides.page(notebook))

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
    box = page.get_by_text("aside").bounding_box()
    assert box["y"] > page.get_by_text("answer").bounding_box()["y"] and box["y"] + box["height"] < 800
    page.get_by_role("button", name="notes").click()
    assert not page.get_by_text("aside").is_visible()
    page.keyboard.press("PageDown")
    at(3)
    assert page.locator(".lesson").is_visible() and not page.get_by_text("assert").is_visible()
    page.keyboard.press("c")
    assert page.get_by_text("assert").is_visible() and page.get_by_role("button", name="code", pressed=True).is_visible()
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
    page.mouse.wheel(0, 800)
    at(2)
    page.reload()
    at(2)
    page.close()


def test_a_slide_higher_than_the_screen_is_read_to_its_end_with_keys(browser, tmp_path):
    notebook = lecture(("slide", "# One"), ("slide", "two " * 6000 + "end"), ("fragment", "answer"), ("slide", "three"))
    page = opened(browser, tmp_path, slides.page(notebook))
    page.goto((tmp_path / "page.html").as_uri() + "#2")
    page.reload()
    page.wait_for_function("current == 1 && slides[1].getBoundingClientRect().bottom > 2 * innerHeight && "
                           "Math.abs(slides[1].getBoundingClientRect().top) < 2")
    presses = 0
    while page.evaluate("current == 1 && !!slides[1].querySelector('.waiting')"):
        assert page.evaluate("slides[1].getBoundingClientRect().top <= 2")
        page.keyboard.press("PageDown")
        page.wait_for_timeout(300)
        presses += 1
    assert presses > 2 and page.evaluate("current == 1") and page.get_by_text("answer").is_visible()
    page.keyboard.press("PageDown")
    page.wait_for_function("current == 2")
    page.close()


def test_what_keyboards_screen_readers_and_magnifiers_need(browser, tmp_path):
    notebook = lecture(("slide", "# One"), ("slide", "See [there](https://example.org) and `x`"), ("fragment", "answer"),
                       ("notes", "aside"), ("slide", "## Two"), ("-", ">def f(x):  # a comment\n    return x + 1, 'a', None"))
    page = opened(browser, tmp_path, slides.page(notebook))
    tree = page.locator("body").aria_snapshot()
    for role in ('main "One"', 'navigation "Slides"', 'heading "One" [level=1]', 'heading "Two" [level=2]', 'link "there"',
                 'button "code"', 'button "notes"', 'button "Previous slide"', 'button "Next slide"'):
        assert f"- {role}" in tree, tree
    assert "answer" not in tree and "aside" not in tree and tree.index("One") < tree.index("there") < tree.index("Two")
    assert page.evaluate("getComputedStyle(document.documentElement).scrollBehavior") == "auto", "motion is reduced"
    page.keyboard.press("n")
    page.get_by_role("button", name="code").click()
    assert page.evaluate(CONTRAST) == []
    for name in ("there", "code", "notes", "Previous slide", "Next slide"):
        page.keyboard.press("Tab")
        assert page.evaluate("[document.activeElement.ariaLabel || document.activeElement.textContent, "
                             "getComputedStyle(document.activeElement).outlineStyle != 'none']") == [name, True]
    page.keyboard.press("n")
    before = page.evaluate(SIZE)
    page.set_viewport_size({"width": 427, "height": 267})  # a zoom of 300 % in a window of 1280x800
    page.evaluate("fit()")
    assert 3 * page.evaluate(SIZE) > 2 * before and page.evaluate("document.documentElement.scrollWidth") <= 427
    page.close()


def test_a_printed_page_is_a_slide_and_notes_follow_it(browser, tmp_path):
    notebook = lecture(("slide", "# One"), ("slide", "two " * 400), ("fragment", "answer"), ("notes", "aside"),
                       ("slide", "three"))
    page = opened(browser, tmp_path, slides.page(notebook), 800, 900)
    without = page.pdf(prefer_css_page_size=True)
    page.keyboard.press("n")
    for pdf, pages in ((without, 3), (page.pdf(prefer_css_page_size=True), 4)):
        assert len(re.findall(rb"/Type /Page\b", pdf)) == pages
        assert set(re.findall(rb"/MediaBox \[([^]]*)\]", pdf)) == {b"0 0 960 600"}
    page.close()


def test_what_is_wrong_with_a_slide_is_noticed(browser, tmp_path):
    notebook = lecture(("slide", "no heading"), ("slide", "## High\n" + "word " * 3000),
                       ("slide", "## Wide"), ("-", ">x = '" + 150 * "x" + "'"),
                       ("slide", "## Small\n<span style='font-size: 12px'>small</span>"),
                       ("slide", "## Good"), ("-", ">x = 1"), ("-", "Text."))
    page = opened(browser, tmp_path, slides.page(notebook))
    faults = page.evaluate(MEASURE)
    for number, fault in enumerate(("no heading", "px too high", "wider than its place", "letters of 12px"), 1):
        assert any(text.startswith(f"slide {number} of 5") and fault in text for text in faults), faults
    assert not any(text.startswith("slide 5 ") for text in faults)
    page.close()


@pytest.mark.parametrize("path", LECTURES, ids=lambda path: path.stem)
def test_every_slide_fits_and_can_be_read(path, browser, tmp_path):
    page = opened(browser, tmp_path, built(path))
    assert page.evaluate("[...document.images].every(image => image.complete && image.naturalWidth > 0)")
    assert page.evaluate("[...document.querySelectorAll('.box math')].every(formula => formula.getBoundingClientRect().width "
                         "> 3)")
    faults = [f"1280x800: {fault}" for fault in page.evaluate(MEASURE)]
    page.set_viewport_size({"width": 1920, "height": 1080})
    page.evaluate("fit()")
    faults += [f"1920x1080: {fault}" for fault in page.evaluate(MEASURE)]
    assert faults == [], f"{path.stem}:\n" + "\n".join(faults)
    assert page.evaluate("() => { for (let press = 0; press < 300; press++) on(); "
                         "return current == slides.length - 1 && !document.querySelector('.waiting'); }")
    assert page.faults == []
    page.close()
