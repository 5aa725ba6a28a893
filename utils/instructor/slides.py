"""For instructors: each lecture as one HTML file that is presented in a browser, without a network. Called by course.py.

python -m utils.instructor.slides [UNIT ...]

The template is `slides.html.j2`. Formulas become MathML (`mathml.py`), which browsers draw themselves; figures and sounds are
inside the file. The kind of each cell (slide, subslide, fragment, notes, skip) is the one that JupyterLab's property inspector
sets; `lesson` says which part of a code cell is on the slide, and its tags hide-code and show-code change that.
"""
import ast
import re
import sys
from pathlib import Path
from typing import NamedTuple

import nbformat
from jinja2 import Environment, FileSystemLoader
from nbconvert.filters import Highlight2HTML, ansi2html
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

from utils.instructor.files import write_whole
from utils.instructor.execute import ROOT
from utils.instructor.mathml import mathml

DRAWS = {"plot", "plt", "fig"}  # the names in statements that draw
LINES = 30  # of code and printed text on a slide: the outputs of a cell with more come on the next one
FIGURE = 24  # the lines that a figure takes the place of


class WithMathML(IPythonRenderer):
    """Markdown to HTML, with formulas as MathML."""

    def inline_math(self, body: str) -> str:
        return mathml(body)

    def block_math(self, body: str) -> str:
        return mathml(body, display="block")

    def latex_environment(self, name: str, body: str) -> str:
        return mathml(f"\\begin{{{name}}}{body}\\end{{{name}}}", display="block")


class Part(NamedTuple):
    """What a slide shows of a cell: text (Markdown), or the code for the room and the whole code, or an output."""
    text: str = ""
    code: str = ""
    whole_code: str = ""
    output: dict = {}


class Slide(NamedTuple):
    """Its heading (Markdown), its steps, each a list of parts that one key press shows, and the speaker's notes (Markdown)."""
    heading: str
    steps: list[list[Part]]
    notes: list[str]


def as_html(markdown: str) -> str:
    """HTML of Markdown. Raises ValueError for a formula that cannot be drawn."""
    return MarkdownWithMath(renderer=WithMathML(escape=False, exclude_anchor_links=True)).render(markdown)


def highlighted(code: str) -> str:
    """HTML of Python code, coloured, without anything around it."""
    return re.sub(r"^.*?<pre>(<span></span>)?|\s*</pre>.*$", "", Highlight2HTML(pygments_lexer="python")(code), flags=re.DOTALL)


def kind(cell: nbformat.NotebookNode) -> str:
    """What the cell is in a presentation: slide, subslide, fragment, notes, skip, or "-" for more of the same."""
    return cell.metadata.get("slideshow", {}).get("slide_type", "-")


def without_alt(source: str) -> str:
    """The code without its arguments `alt=...`: the page has them as the descriptions of its pictures."""
    lines, code = [0], source.encode()  # columns of ast are bytes
    for line in code.splitlines(keepends=True):
        lines.append(lines[-1] + len(line))
    cuts = []
    for call in ast.walk(ast.parse(source)):
        for argument in call.keywords if isinstance(call, ast.Call) else []:
            if argument.arg == "alt":
                cuts.append((lines[argument.lineno - 1] + argument.col_offset,
                             lines[argument.value.end_lineno - 1] + argument.value.end_col_offset))
    for start, end in sorted(cuts, reverse=True):
        before, after = code[:start].rstrip(), code[end:]
        code = before[:-1] + after if before.endswith(b",") else before + after.lstrip(b", \n")
    return code.decode()


def lesson(cell: nbformat.NotebookNode) -> str:
    """The code of a cell that a room should read: without what imports, asserts or draws, and the comments before it.

    A cell that draws shows code only where it defines a function or class; otherwise its figure is what counts. A set-up cell
    shows none. The tag show-code shows all but the drawing, hide-code hides all.
    """
    source, tags, tree = cell.source, cell.metadata.get("tags", []), ast.parse(cell.source)
    if "hide-code" in tags or "session.start(" in source:
        return ""
    lines, kept, draws, defines = source.splitlines(), [], False, False
    for before, node in zip([None, *tree.body], tree.body):
        if any(isinstance(name, ast.Name) and name.id in DRAWS for name in ast.walk(node)):
            draws = True
        elif not isinstance(node, (ast.Import, ast.ImportFrom)) and not _only_asserts(node):
            defines = defines or isinstance(node, (ast.FunctionDef, ast.ClassDef))
            asserts = {number for part in ast.walk(node) if _only_asserts(part)
                       for number in range(part.lineno, part.end_lineno + 1)}
            kept += [lines[number - 1] for number in range(before.end_lineno + 1 if before else 1, node.end_lineno + 1)
                     if number not in asserts]
    if draws and not defines and "show-code" not in tags:
        return ""
    return re.sub(r"\n{3,}", "\n\n", "\n".join(kept)).strip("\n")


def _only_asserts(node: ast.AST) -> bool:
    """Whether it is an assert or a loop or block of nothing else."""
    body = getattr(node, "body", None)
    return isinstance(node, ast.Assert) or isinstance(body, list) and bool(body) and all(map(_only_asserts, body))


def lines(output: nbformat.NotebookNode) -> int:
    """The lines of printed text that an output takes the place of."""
    if "image/png" in output.get("data", {}):
        return FIGURE
    return len((output.get("text") or output.get("data", {}).get("text/plain", "")).splitlines())


def parts(cell: nbformat.NotebookNode) -> list[list[Part]]:
    """What each slide shows of a cell: nothing of one that only imports or asserts, one slide of most, several of long ones.

    A question before a cell names no cell: the room sees slides.
    """
    if cell.cell_type == "markdown":
        return [[Part(text=re.sub(r"\*\*Before you run the next cells?:\*\*", "**Before we go on:**", cell.source))]]
    code, whole, pages = lesson(cell), without_alt(cell.source), [[]]
    outputs = [output for output in cell.outputs if "application/vnd.jupyter.widget-view+json" not in output.get("data", {})]
    if code or outputs:
        pages[0].append(Part(code=code, whole_code=whole))
    used = len(code.splitlines())
    if used and used + sum(map(lines, outputs)) > LINES:
        used = LINES  # the code has a slide of its own
    for output in outputs:
        if used and used + lines(output) > LINES:
            pages.append([])
            used = 0
        used += lines(output)
        pages[-1].append(Part(output=output))
    return [page for page in pages if page]


def slides(notebook: nbformat.NotebookNode) -> list[Slide]:
    """The slides of a lecture. A slide without a heading repeats the last one; cells to skip are left out."""
    shown, heading = [], ""
    for cell in notebook.cells:
        if kind(cell) == "skip":
            continue
        if kind(cell) == "notes":
            shown[-1].notes.append(cell.source)
            continue
        opens = kind(cell) in ("slide", "subslide") or not shown
        if opens and (found := re.match(r"#{1,3} .+", cell.source)) and cell.cell_type == "markdown":
            heading, cell = found[0], nbformat.from_dict(cell | {"source": cell.source[found.end():].strip()})
        for number, page_of_cell in enumerate(parts(cell)):
            if opens or number:
                shown.append(Slide(heading, [[]], []))
            elif kind(cell) == "fragment":
                shown[-1].steps.append([])
            shown[-1].steps[-1].extend(page_of_cell)
    return shown


def page(notebook: nbformat.NotebookNode) -> str:
    """The presentation of a lecture: one HTML file that loads nothing else.

    Raises ValueError, with the cell, for a formula that cannot be drawn. Source: CSS Scroll Snap Module Level 1 and MathML
    Core (W3C); WAI-ARIA 1.2, aria-roledescription.
    """
    for number, cell in enumerate(notebook.cells, 1):
        if cell.cell_type == "markdown":
            try:
                as_html(cell.source)
            except ValueError as error:
                raise ValueError(f"cell {number} ({cell.id}): {error}") from None
    templates = Environment(loader=FileSystemLoader(Path(__file__).parent), keep_trailing_newline=True)
    templates.filters |= {"as_html": as_html, "highlighted": highlighted, "ansi2html": ansi2html}
    title = notebook.cells[0].source.splitlines()[0].lstrip("# ")
    return templates.get_template("slides.html.j2").render(slides=slides(notebook), title=title)


def main(units: list[str]) -> int:
    """Write build/slides/UNIT.html for the lectures whose name contains one of `units` (all by default)."""
    lectures = [path for path in sorted((ROOT / "lectures").glob("*.ipynb"))
                if not units or any(unit in path.stem for unit in units)]
    if not lectures:
        print(f"No lecture has {' or '.join(units)} in its name.", file=sys.stderr)
        return 2
    folder = ROOT / "build" / "slides"
    folder.mkdir(parents=True, exist_ok=True)
    for path in lectures:
        try:
            write_whole(folder / f"{path.stem}.html", page(nbformat.read(path, as_version=4)))
        except ValueError as error:
            print(f"{path.relative_to(ROOT)}, {error}", file=sys.stderr)
            return 1
        print((folder / f"{path.stem}.html").relative_to(ROOT))
    print("Open one in a browser: arrow keys, space or the buttons move on, C shows the code behind figures, N shows notes, "
          "F fills the screen. Print to PDF gives a page for each slide, with the notes if they are shown.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
