"""Text is UTF-8 wherever it is read, written or piped: the default of Windows would be another encoding."""
import ast
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest

from utils.instructor.execute import ROOT, code_cells, sources

FILES = [ROOT / "course.py", ROOT / "conftest.py", *sorted(ROOT.glob("utils/**/*.py")),
         *sorted(ROOT.glob("tests/**/*.py")), *sources()]
NOT_TEXT = {"os", "Image", "webbrowser", "archive", "zipfile", "tarfile", "wave", "request"}  # their `open` is another one


def codes(path: Path) -> Iterator[str]:
    """The Python code of a file, or of each code cell of a notebook, without its magics."""
    if path.suffix == ".py":
        yield path.read_text(encoding="utf-8")
        return
    for cell in code_cells(nbformat.read(path, as_version=4)):
        yield "\n".join("" if line.startswith(("%", "!")) else line for line in cell.source.splitlines())


def without_encoding(code: str) -> list[str]:
    """The calls in `code` that read, write or pipe text and leave the encoding to the machine: "line: call"."""
    calls = (node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call))
    return [f"{call.lineno}: {ast.unparse(call)[:80]}" for call in calls if _is_text(call) and not _names_encoding(call)]


def _is_text(call: ast.Call) -> bool:
    function, named = call.func, {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
    name = function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")
    if "True" in (named.get("text"), named.get("universal_newlines")):
        return True
    if name in ("read_text", "write_text"):
        return True
    method = isinstance(function, ast.Attribute)
    if name not in ("open", "fdopen") or (method and name == "open" and ast.unparse(function.value).split(".")[0] in NOT_TEXT):
        return False
    place = 0 if method and name == "open" else 1  # Path.open(mode), open(path, mode), os.fdopen(number, mode)
    modes = [ast.unparse(mode) for mode in call.args[place:place + 1]]
    return "b" not in named.get("mode", modes[0] if modes else "r")


def _names_encoding(call: ast.Call) -> bool:
    return any(keyword.arg in ("encoding", None) for keyword in call.keywords)  # None is **options


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_text_has_an_encoding(path):
    assert [call for code in codes(path) for call in without_encoding(code)] == []


def test_calls_without_an_encoding_are_found():
    bad = ["open(p)", "open(p, 'w')", "p.open()", "p.open('a')", "p.read_text()", "p.write_text(t)",
           "subprocess.run(w, text=True)", "subprocess.Popen(w, universal_newlines=True)", "os.fdopen(3, 'w')"]
    good = ["open(p, 'rb')", "open(p, encoding='utf-8')", "p.open('xb')", "p.read_bytes()", "Image.open(p)", "os.open(p, 0)",
            "p.write_text(t, encoding='utf-8')", "subprocess.run(w, encoding='utf-8')", "os.fdopen(3, 'wb')",
            "open(p, mode='rb')"]
    assert [bool(without_encoding(code)) for code in bad + good] == [True] * len(bad) + [False] * len(good)
