"""How the code of the course is written: lines that fit on a screen, and docstrings that say the shapes of arrays."""
import ast
import re
from collections.abc import Iterator

from utils.instructor.execute import ROOT

LONGEST = 130
FILES = [ROOT / "course.py", ROOT / "conftest.py", ROOT / "nbgrader_config.py", *sorted(ROOT.glob("utils/**/*.py")),
         *sorted(ROOT.glob("tests/**/*.py"))]
READ = [path for path in FILES if path.is_relative_to(ROOT / "utils") and not {"checks", "instructor"} & set(path.parts)]
SIZE = r"(?:at most |\d+ |\*)?[\w.]+(?: ?[-+*/]+ ?[\w.]+)*"  # of one axis: N, 48, 2 N, 2 * H, *shape, at most M, ...
# [0, 1] and [-1, 1] are intervals, no shapes.
SHAPE = re.compile(rf"\[(?!(?:0|-1), ?1\])(?:{SIZE}(?:, ?{SIZE})*)?\]|any (?:\w+ )?shape|of the shape of")


def public_functions(tree: ast.Module) -> Iterator[tuple[str, ast.FunctionDef]]:
    """The public functions of a module and the public methods of its public classes, with their names."""
    for part in tree.body:
        if isinstance(part, ast.FunctionDef) and not part.name.startswith("_"):
            yield part.name, part
        if isinstance(part, ast.ClassDef) and not part.name.startswith("_"):
            yield from ((f"{part.name}.{name}", method) for name, method in public_functions(ast.Module(part.body, [])))


def without_shape(code: str) -> list[str]:
    """The public functions that take or give arrays and name neither a shape in brackets, nor "any shape", nor whose it is."""
    return [name for name, function in public_functions(ast.parse(code))
            if re.search("ndarray|Tensor", f"{ast.unparse(function.args)} {ast.unparse(function.returns or ast.Pass())}")
            and not SHAPE.search(" ".join((ast.get_docstring(function) or "").split()))]


def test_functions_of_arrays_name_their_shapes():
    found = {str(path.relative_to(ROOT)): without_shape(path.read_text(encoding="utf-8")) for path in READ}
    assert {path: names for path, names in found.items() if names} == {}


def test_what_names_a_shape():
    code = ('def f(x: np.ndarray) -> float:\n    """{}"""\n'
            "class A:\n    def g(self, x: tf.Tensor) -> None: ...\n    def _h(x: tf.Tensor): ...")
    for words in ("x [N, H, W, C]", "of the shape of x", "[48,48]", "[2 N, 2 * H, H // 2]", "a scalar []",
                  "[...] in [0, 1]", "of any shape",
                  "any other shape", "[n, *shape]", "[N, at most MOST]"):
        assert without_shape(code.format(words)) == ["A.g"], words
    for words in ("", "x in [0, 1]", "in [-1, 1]", "done in [0, 1)", "[loss of D, loss of G]", "`play`, compiled"):
        assert without_shape(code.format(words)) == ["f", "A.g"], words


def test_lines_fit_on_a_screen():
    assert [f"{path.relative_to(ROOT)}:{number}" for path in FILES
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1) if len(line) > LONGEST] == []
