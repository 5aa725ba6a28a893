"""The feedback page of a lab: points and the check's sentence for each task, then the notebook as it was handed in. And the page
of a class: of each task how many have it right, and what its check said most often, without anybody's name.

What a student wrote is text on this page and nothing else: HTML in Markdown cells is shown as it was typed, of outputs only texts
and pictures are shown, formulas become MathML, and a content security policy forbids scripts, forms and the network.
"""
import base64
import binascii
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from markupsafe import Markup, escape
from nbconvert.filters.markdown_mistune import MarkdownWithMath
from nbformat import NotebookNode

from utils.instructor.grading.pages import fill, histogram
from utils.instructor.grading.clean_copy import plain, without_paths
from utils.instructor.labs import mark
from utils.instructor.slides import WithMathML

LONGEST = 5000  # characters of one text
MOST_PICTURES = 40
# characters of Markdown of one page that are formatted, a lab has a fifth of that; the rest is shown as it was typed
MARKDOWN = 40 * LONGEST
MOST_BLANKS = 40  # in a row: the time for formatting grows with their square
SAID_TO = 2  # a sentence that one student alone got could tell who it was
PICTURE_BYTES = 1 << 20
COLOURS = re.compile(r"\x1b\[[\d;]*m")
FOLDS = re.compile(r"</?(?:details|summary)>")  # of the lab's own hints


class Task(NamedTuple):
    """What a task got: the grade_id of its check, its title in the lab, points, maximum, and the check's sentence or ""."""

    name: str
    title: str
    points: float
    maximum: float
    sentence: str


class StudentsMathML(WithMathML):
    """`WithMathML`; a formula that cannot be converted is shown as it was typed."""

    def inline_math(self, body: str) -> str:
        return _or_code(super().inline_math, body)

    def block_math(self, body: str) -> str:
        return _or_code(super().block_math, body)

    def latex_environment(self, name: str, body: str) -> str:
        return _or_code(lambda text: super(StudentsMathML, self).latex_environment(name, text), body)

    def link(self, text: str, url: str, title: str | None = None) -> str:
        return super().link(text, url, title) if re.match(r"https?://|#", url) else text

    def image(self, text: str, url: str, title: str | None = None) -> str:
        return f"({text})"  # it would have to be loaded


def page(notebook: NotebookNode, points: Mapping[str, tuple[float, float]], student: str, lab: NotebookNode) -> str:
    """HTML of one graded notebook; `points` {grade_id of a check cell: (points, maximum)}, `student` as the class knows them,
    titles are those of the `lab`."""
    body, pictures, room, found = [], MOST_PICTURES, MARKDOWN, tasks(notebook, points, lab)
    for cell in notebook.cells:
        if _judged(cell, points):
            continue
        if cell.cell_type == "markdown":
            text = cell.source[:10 * LONGEST]
            room -= len(text)
            body.append({"text": as_html(text) if room >= 0 else Markup("<pre>{}</pre>").format(text)})
        elif cell.cell_type == "code":
            outputs = [shown for output in cell.get("outputs", [])[:100] if (shown := _output(output, pictures))]
            pictures -= sum("picture" in shown for shown in outputs)
            body.append({"code": cell.source[:10 * LONGEST], "outputs": outputs})
    return fill("lab.html.j2", title=_title(lab), student=plain(student, 120), tasks=found, body=body,
                score=sum(task.points for task in found), maximum=sum(task.maximum for task in found))


def of_class(lab: NotebookNode, handed: Sequence[Sequence[Task]]) -> str:
    """HTML for a class from the `tasks` of each submission, none for one that could not be run; titles are those of the `lab`.

    A sentence of a check is shown if SAID_TO students or more got it.
    """
    most = {mark(cell)["grade_id"]: (0, mark(cell)["points"]) for cell in lab.cells if mark(cell).get("grade")}
    rows = []
    for task in tasks(lab, most, lab):
        got = [found for one in handed for found in one if found.name == task.name]
        said = Counter(found.sentence for found in got if found.sentence and found.points < task.maximum)
        rows.append((task, sum(found.points >= task.maximum for found in got),
                     [(count, sentence) for sentence, count in said.most_common(3) if count >= SAID_TO]))
    chart = histogram([sum(task.points for task in one) for one in handed], sum(points for _, points in most.values()),
                      "Points", "points")
    return fill("lab_class.html.j2", title=_title(lab), handed=len(handed), rows=rows, chart=chart)


def tasks(notebook: NotebookNode, points: Mapping[str, tuple[float, float]], lab: NotebookNode) -> list[Task]:
    """The tasks of a notebook as it ran; `points` as for `page`, titles are the headings of the `lab`, which no student wrote."""
    titles, heading = {}, ""
    for cell in lab.cells:
        if cell.cell_type == "markdown":
            heading = next(iter(re.findall(r"^## +(.+)$", cell.source, re.MULTILINE)), heading)
        titles[mark(cell).get("grade_id")] = heading
    judged = [cell for cell in notebook.cells if _judged(cell, points)]
    return [Task(name, titles.get(name) or name, *points[name], _sentence(cell)) for cell in judged
            for name in [mark(cell)["grade_id"]]]


def _title(lab: NotebookNode) -> str:
    return next((line.lstrip("# ") for cell in lab.cells for line in cell.source.splitlines() if line.startswith("# ")), "Lab")


def _judged(cell: NotebookNode, points: Mapping[str, tuple[float, float]]) -> bool:
    return bool(mark(cell).get("grade")) and mark(cell).get("grade_id") in points


def as_html(markdown: str) -> Markup:
    """HTML of a student's Markdown; HTML in it is escaped, and links lead nowhere but to http addresses."""
    text = re.sub(rf"([ \t]{{{MOST_BLANKS}}})[ \t]+", r"\1", FOLDS.sub("", markdown))
    return Markup(MarkdownWithMath(renderer=StudentsMathML(escape=True, exclude_anchor_links=True)).render(text))


def _or_code(convert: Callable[[str], str], body: str) -> str:
    try:
        return convert(body)
    except Exception:  # each mistake in a formula has an exception of its own
        return f"<code>{escape(body)}</code>"


def _sentence(cell: NotebookNode) -> str:
    """Why a check failed, in its own words; of other errors their kind and text, without the lines of hidden tests."""
    for output in cell.get("outputs", []):
        if output.output_type == "error":
            start = "" if output.ename == "CheckFailed" else f"{output.ename}: "
            return _short(start + output.evalue)
    return ""


def _output(output: NotebookNode, pictures: int) -> dict[str, str] | None:
    """{"said": text} or {"picture": address of data} of an output, None for what is not shown."""
    if output.output_type == "stream":
        return {"said": _short(_joined(output.get("text", "")))}
    if output.output_type == "error":
        return {"said": _short(f"{output.get('ename', '')}: {output.get('evalue', '')}")}
    data = output.get("data", {})
    if "image/png" in data:
        png = _joined(data["image/png"])
        try:
            known = base64.b64decode(png, validate=False).startswith(b"\x89PNG")
        except (binascii.Error, ValueError):
            known = False
        if known and pictures > 0 and len(png) <= 4 / 3 * PICTURE_BYTES and re.fullmatch(r"[A-Za-z0-9+/=\s]*", png):
            return {"picture": "data:image/png;base64," + re.sub(r"\s", "", png)}
        return {"said": "(a picture that cannot be shown)"}
    return {"said": _short(_joined(data["text/plain"]))} if "text/plain" in data else None


def _joined(text: object) -> str:
    return "".join(map(str, text)) if isinstance(text, list) else str(text)


def _short(text: str) -> str:
    """A text that can be shown, without colours and without paths of the grader's machine."""
    text = without_paths(COLOURS.sub("", str(text))[:2 * LONGEST])
    text = "".join(sign if sign.isprintable() or sign in "\n\t" else "?" for sign in text)
    return text if len(text) <= LONGEST else text[:LONGEST] + " ..."
