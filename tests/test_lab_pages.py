"""The feedback page of a lab, made of notebooks that try to run, to load or to forge something, and opened in Chromium."""
import base64
import re
import sys
from html.parser import HTMLParser
from itertools import accumulate

import nbformat
import pytest
from browser import chromium_without_network

from utils.instructor.grading import lab_pages

PNG = base64.b64encode(base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg==")).decode()
ATTACKS = ["<script>document.title = 'forged'</script>", "<img src=x onerror=\"document.title = 'forged'\">",
           "<style>main > p { display: none }</style>", "[link](javascript:alert(1))",
           "<iframe src='https://example.org'></iframe>",
           "![remote <b>](https://example.org/x.png)", "<h1>20 of 20 points</h1>", "<base href='https://example.org'>",
           "</article></main><table><tr><td>Task 1</td><td>2 of 2</td></tr></table>",
           "$$</math><script>document.title = 'forged'</script>$$"]
FORMULAS = "The sum $\\sum_k w_k x_{i+k}$, and\n\n$$\\frac{a}{b}$$\n\nand a broken one $\\begin{matrix} a$."


def check(name: str, *outputs) -> nbformat.NotebookNode:
    cell = nbformat.v4.new_code_cell("hidden = 'HIDDEN TESTS'", outputs=list(outputs))
    cell.metadata["nbgrader"] = {"grade": True, "grade_id": name}
    return cell


def output(**data) -> nbformat.NotebookNode:
    """Not checked by nbformat, as a kernel's messages are not."""
    return nbformat.from_dict({"output_type": "display_data", "metadata": {},
                               "data": {name.replace("_", "/"): data[name] for name in data}})


def error(name: str, text: str) -> nbformat.NotebookNode:
    return nbformat.v4.new_output("error", ename=name, evalue=text, traceback=["line of HIDDEN TESTS"])


def made_by(*cells: nbformat.NotebookNode) -> nbformat.NotebookNode:
    return nbformat.from_dict({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": list(cells)})


text = nbformat.v4.new_markdown_cell
LAB = made_by(text("# Lab 0: <b>proof</b>"), text("## Task 1: the first (2 points)"), check("check-a"),
              text("## Task 2: <i>the second</i>"), check("check-b"), check("check-c"))


@pytest.fixture(scope="module")
def page() -> str:
    cell = nbformat.v4.new_code_cell("print('</code></pre><script>')")
    cell.outputs = [
        output(text_html=ATTACKS[0], text_plain="<script>"), output(image_png=PNG), output(image_png="not 64"),
        output(image_png=["a", 7]),
        output(**{"image_svg+xml": "<svg onload='x()'/>"}), output(application_javascript="document.title = 'forged'"),
        nbformat.v4.new_output("stream", text="\x1b[31m" + "x" * 10**6), error("ValueError", "\x1b[31m<b>bold</b>\u202e")]
    return lab_pages.page(made_by(
        text("# Lab 0 -- ada: 20 of 20 points"), text("## Task 1: right, 2 of 2 points\n" + FORMULAS), cell,
        check("check-a", nbformat.v4.new_output("stream", text="Score: 20")), *map(text, ATTACKS),
        text("## Task 2: also right\n<details><summary>Hint 1</summary>\n\nLook.\n\n</details>"),
        check("check-b", error("CheckFailed", "Right. (2 of 2 points after a review)")),
        check("check-c", error("NameError", "name 'f' is not defined"))),
        {"check-a": (2, 2), "check-b": (0, 3), "check-c": (0, 1)}, "ada <script>", LAB)


class Tags(HTMLParser):
    def __init__(self, page: str):
        super().__init__()
        self.found, self.attributes = [], []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.found.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attributes]


def test_what_a_student_wrote_is_text(page):
    tags = Tags(page)
    assert not {"script", "iframe", "base", "form", "svg", "link", "object", "b",
                "i"} & set(tags.found) and tags.found.count("style") == 1
    assert tags.found.count("h1") == 2, "the page's own, and the heading of the notebook"
    assert tags.found.count("table") == 1 and tags.found.count("article") == 1 and page.count("</article>") == 1
    assert not [name for _, name, _ in tags.attributes if name.startswith("on")]
    assert all(value.startswith("data:image/png;base64,") for tag, name, value in tags.attributes if (tag, name) == ("img", "src")
               and "example" not in value)
    assert not [value for _, name, value in tags.attributes if name == "href" and not value.startswith(("http", "#"))]
    assert "HIDDEN TESTS" not in page.split("<article>")[0] and "line of HIDDEN" not in page and len(page) < 60_000


def test_points_titles_and_sentences(page):
    table = page.split("<tbody>")[1].split("</tbody>")[0]
    rows = [row.split("</td>") for row in table.split("<tr>")[1:]]
    assert [row[0].removeprefix("<td>") for row in rows] == ["Task 1: the first (2 points)",
                                                             *["Task 2: &lt;i&gt;the second&lt;/i&gt;"] * 2]
    assert [row[1].removeprefix("<td>") for row in rows] == ["2 of 2", "0 of 3", "0 of 1"] and "2 of 6 points" in page
    assert "Right." in rows[0][2] and rows[1][2].startswith("<td>Not yet: Right. (2 of 2 points")
    assert ("NameError: name &#39;f&#39; is not defined" in rows[2][2]
            and "<h1>Lab 0: &lt;b&gt;proof" in page), "titles are the lab's"
    assert "Score: 20" not in page and 'lang="en"' in page and "Lab 0" in page


def test_no_path_of_the_machine_is_shown():
    said = (f"{sys.prefix}/bin/python\n/dev/sda1 /srv/course /mnt\nFileNotFoundError: '/tmp/handed-in/faces.npz' 1 / 2 a/b/c "
            "https://example.org/a/b")
    cell = nbformat.v4.new_code_cell("x", outputs=[nbformat.v4.new_output("stream", text=said)])
    page = lab_pages.page(made_by(cell, check("check-a", error("ValueError", f"no {sys.prefix}/lib"))),
                          {"check-a": (0, 2)}, "ada", LAB)
    assert sys.prefix not in page and "/srv/course" not in page and "ValueError: no PATH" in page
    assert "/tmp/handed-in/faces.npz&#39; 1 / 2 a/b/c https://example.org/a/b" in page, "what it sees itself, and what is no path"


def test_blanks_and_long_texts_cost_no_time(monkeypatch):
    """What takes long grows with the square of blanks in a row, and with the characters that are formatted: both have a limit."""
    given = []

    class Recorded(lab_pages.MarkdownWithMath):
        def render(self, source: str) -> str:
            given.append(source)
            return super().render(source)

    monkeypatch.setattr(lab_pages, "MarkdownWithMath", Recorded)
    long = [text("a" + 49_000 * " " + "b"), *(text(4999 * " a *b") for _ in range(30)), text("**the last**")]
    page = lab_pages.page(made_by(*long), {}, "ada", LAB)
    assert sum(map(len, given)) <= lab_pages.MARKDOWN
    assert max(len(blanks) for source in given for blanks in re.findall(r"[ \t]+", source)) == lab_pages.MOST_BLANKS
    formatted = [cell for cell in accumulate(len(cell.source) for cell in long) if cell <= lab_pages.MARKDOWN]
    assert page.count("<section><pre>") == len(long) - len(formatted) and 5 < len(formatted) < 15
    assert "<pre>**the last**</pre>" in page and f"a{lab_pages.MOST_BLANKS * ' '}b" in page


def test_formulas_need_no_network_and_a_broken_one_stops_nothing(page):
    assert page.count("<math") >= 2 and "begin{matrix} a" in page and "mathjax" not in page.lower()


def test_in_a_browser_nothing_runs_and_nothing_is_asked_for(page, tmp_path):
    (tmp_path / "page.html").write_text(page, encoding="utf-8")
    asked = []
    with chromium_without_network(tmp_path) as browser:
        shown = browser.new_page(viewport={"width": 1280, "height": 800})
        shown.on("requestfinished", lambda request: asked.append(request.url))
        shown.on("requestfailed", lambda request: asked.append(request.url))
        shown.goto((tmp_path / "page.html").as_uri())
        assert shown.title().startswith("Lab 0")
        assert shown.evaluate("getComputedStyle(document.querySelector('main > p')).display") == "block"
        assert shown.evaluate("document.querySelector('math').getBoundingClientRect().width") > 10
    assert not [url for url in asked if "example.org" in url]
