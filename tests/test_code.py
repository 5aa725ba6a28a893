"""How the code of the course is written: lines that fit on a screen, one meaning of a name, docstrings that say shapes."""
import ast
import re
from collections import defaultdict
from collections.abc import Iterator

from utils.instructor.execute import ROOT

LONGEST = 130
FILES = [ROOT / "course.py", ROOT / "conftest.py", ROOT / "nbgrader_config.py", *sorted(ROOT.glob("utils/**/*.py")),
         *sorted(ROOT.glob("tests/**/*.py"))]
READ = [path for path in FILES if path.is_relative_to(ROOT / "utils") and not {"checks", "instructor"} & set(path.parts)]
# The size of one axis is a whole number above 0 or a name, or made of these: N, 48, 2 N, 2 * H, N / 2, *shape, at most M.
SIZE = r"(?:at most |[1-9]\d* |\*)?(?:[1-9]\d*|[A-Za-z]\w*)(?: ?[-+*/]+ ?\w+)*"
# A shape is no interval, [0, 1] or [0.5, 1], no index as in w[i], and no list of arrays. An ellipsis stands for axes on one side.
SHAPE = re.compile(rf"(?<![\w\]])\[(?:\.\.\.|)\]|(?<![\w\]])\[(?:\.\.\., ?)?{SIZE}(?:, ?{SIZE})*(?:, ?\.\.\.)?\]"
                   r"|any (?:\w+ )?shape|of the shape of|a scalar")


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
                  "any other shape", "[n, *shape]", "[N, at most MOST]", "[..., d]", "[d, ...]", "N / 2 of [N / 2, 1]",
                  "[N, H // 2, W // 2]"):
        assert without_shape(code.format(words)) == ["A.g"], words
    for words in ("", "x in [0, 1]", "in [-1, 1]", "done in [0, 1)", "[loss of D, loss of G]", "`play`, compiled", "in [0, u]",
                  "in [1e-12, 1 - 1e-12]", "in [0.5, 2]", "sum of w[j] x[i + j]", "rates[i, j]", "[x, a_1, ..., logits]", "[0]"):
        assert without_shape(code.format(words)) == ["f", "A.g"], words


def test_lines_fit_on_a_screen():
    assert [f"{path.relative_to(ROOT)}:{number}" for path in FILES
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1) if len(line) > LONGEST] == []


# Names that are defined in more than one file that a student reads, and what they mean in each.
SHARED_NAMES = {
    "Explorer": "the box of widgets of an explorer, one for each unit",
    "Function": "the same type",
    "Layer": "weights and bias of a dense layer, in both",
    "Settings": "what is the same for all images of an attack, in both",
    "digits": "digits: augmented, and the small ones of the toy data",
    "disc": "the same shape, as a mask and as a polygon",
    "explorer": "makes the Explorer of its unit",
    "fit": "trains a model on data, that of Keras or a tf.Module",
    "flat": "the axes of an image, or all after the first ones, as one",
    "games": "what one computes, the other draws",
    "generator": "the G of a GAN, in both",
    "glasses": "the same thing, as a mask and painted on a face",
    "light": "images in other light, in both",
    "load": "what has this name and is stored: data, documents, a network",
    "log_odds": "log p / (1 - p) of a class, from factors and from logits",
    "noise": "random values, and images with them",
    "paint": "draws a picture from its description",
    "sample": "new images, from a GAN and from a diffusion model",
    "scores": "what one computes, the other draws",
    "tradeoff": "what one computes, the other draws",
    "train": "takes training steps, as its kind of network needs",
    "variables": "the variables of a model by name",
}


def test_a_name_has_one_meaning():
    files = defaultdict(set)
    for path in READ:
        for part in ast.parse(path.read_text(encoding="utf-8")).body:
            names = [part.name] if isinstance(part, ast.FunctionDef | ast.ClassDef) else []
            if isinstance(part, ast.Assign):  # of a type
                names = [name.id for name in part.targets if isinstance(name, ast.Name) and re.match("[A-Z].*[a-z]", name.id)]
            for name in names:
                files[name].add(path.relative_to(ROOT).as_posix())
    shared = {name: sorted(found) for name, found in files.items() if not name.startswith("_") and len(found) > 1}
    assert {name: found for name, found in shared.items() if name not in SHARED_NAMES} == {}, "rename one of them"
    assert shared.keys() == SHARED_NAMES.keys(), "take those out of SHARED_NAMES that are defined once"
