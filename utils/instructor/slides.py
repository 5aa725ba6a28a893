"""For instructors: each lecture as one HTML file that is presented in a browser, without a network. Called by course.py.

python -m utils.instructor.slides [UNIT ...]

The template is `slides.html.j2`. Formulas become MathML, which browsers draw themselves; figures and sounds are inside
the file. The kind of each cell (slide, subslide, fragment, notes, skip) is the one that JupyterLab's property inspector sets.
"""
import sys
from pathlib import Path

import nbformat
from latex2mathml.converter import convert
from nbconvert import HTMLExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

from utils.instructor.files import write_whole
from utils.instructor.execute import ROOT


class WithMathML(IPythonRenderer):
    """Markdown to HTML, with formulas as MathML."""

    def inline_math(self, body: str) -> str:
        return convert(body)

    def block_math(self, body: str) -> str:
        return convert(body, display="block")

    def latex_environment(self, name: str, body: str) -> str:
        return convert(f"\\begin{{{name}}}{body}\\end{{{name}}}", display="block")


def as_html(markdown: str) -> str:
    """HTML of a Markdown cell."""
    return MarkdownWithMath(renderer=WithMathML(escape=False, exclude_anchor_links=True)).render(markdown)


def kind(cell: nbformat.NotebookNode) -> str:
    """What the cell is in a presentation: slide, subslide, fragment, notes, skip, or "-" for more of the same."""
    return cell.metadata.get("slideshow", {}).get("slide_type", "-")


def slides(notebook: nbformat.NotebookNode) -> list[list[list[nbformat.NotebookNode]]]:
    """The steps of each slide, each a list of cells: a fragment opens a step, which waits for a key.

    A subslide is a slide of its own; cells to skip are left out.
    """
    shown = []
    for cell in notebook.cells:
        if kind(cell) == "skip":
            continue
        if kind(cell) in ("slide", "subslide") or not shown:
            shown.append([[]])
        elif kind(cell) == "fragment":
            shown[-1].append([])
        shown[-1][-1].append(cell)
    return shown


def page(notebook: nbformat.NotebookNode) -> str:
    """The presentation of a lecture: one HTML file that loads nothing else.

    Source: CSS Scroll Snap Module Level 1 and MathML Core (W3C).
    """
    exporter = HTMLExporter(template_file="slides.html.j2", extra_template_paths=[str(Path(__file__).parent)])
    exporter.register_filter("as_html", as_html)
    exporter.register_filter("kind", kind)
    title = notebook.cells[0].source.splitlines()[0].lstrip("# ")
    text, _ = exporter.from_notebook_node(notebook, {"slides": slides(notebook), "title": title})
    return text


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
        write_whole(folder / f"{path.stem}.html", page(nbformat.read(path, as_version=4)))
        print((folder / f"{path.stem}.html").relative_to(ROOT))
    print("Open one in a browser: arrow keys, space or the buttons move on, N shows notes, F fills the screen.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
