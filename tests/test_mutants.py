"""The changed answers that measure what the checks miss: which changes are made, and what is stored of those that pass."""
import ast
import json
import sys

import nbformat
import pytest

from utils.instructor import execute, labs, mutants

ANSWER = """def f(x):
    y = np.sqrt(x.sum(axis=1)) + 2
    if y.max() > 0:
        y -= 1
    return -y[1:]
"""


def code(source: str) -> set[str]:
    return {line.strip() for _, whole in mutants.mutants(source) for line in whole.splitlines()}


def test_every_kind_of_change_is_made():
    lines = code(ANSWER)
    for line in ("y = np.sqrt(x.sum(axis=1)) - 2", "y = np.sqrt(x.sum(axis=1))", "y = 2", "y = np.sqrt(x.sum(axis=1)) + 3",
                 "y = np.sqrt(x.sum()) + 2",
                 "y = np.sqrt(x.sum(axis=0)) + 2", "y = x.sum(axis=1) + 2", "if y.max() >= 0:", "if not y.max() > 0:", "pass",
                 "return y[1:]", "return -y[1 + 1:]"):
        assert line in lines, line
    assert ("a = f(y, x)" in code("a = f(x, y)") and "return (b, a)" in code("def f(a, b):\n    return a, b")
            and "w = a" in code("w = a.T"))
    assert code("np.hypot(a, b)") == code("max(a, b)") == code("min(a, b)") == {"pass"}, "the same with its arguments exchanged"
    assert "for i in range(n - 1):" in code("for i in range(n):\n    g(i)") and "x = b if c else a" in code("x = a if c else b")


def test_what_has_no_effect_stays():
    plain, marked = "def f(x, n=2):\n    return x", ("@tf.function(reduce_retracing=True, jit_compile=not ON)\n"
                                                   "def f(x: np.ndarray | None, n: tuple[int, 2]=2) -> tuple[float, str]:\n    "
                                                   "return x")
    assert len(mutants.mutants(marked)) == len(mutants.mutants(plain)) == 2, "n=3 and n=4"
    assert "x: int | None = 2" in code("x: int | None = 1"), "what stands beside an annotation is changed all the same"
    assert "@tf.function(input_signature=[b, a])" not in code("@tf.function(input_signature=[a, b])\ndef f(x):\n    return x")
    assert "y = x" not in code("y = float(x)") and "y = x" in code("y = abs(x)")
    assert "@tf.function(autograph=False)" in code("@tf.function(autograph=True)\ndef f(x):\n    return x")


def test_each_mutant_differs_in_one_place_and_none_is_the_answer():
    right = ast.unparse(ast.parse(ANSWER)).splitlines()
    for _, mutant in mutants.mutants(ANSWER):
        lines = mutant.splitlines()
        assert sum(a != b for a, b in zip(right, lines, strict=True)) == 1
    assert len(mutants.mutants(ANSWER)) == len({mutant for _, mutant in mutants.mutants(ANSWER)})


def test_the_chosen_ones_are_always_the_same_and_of_every_kind():
    assert mutants.chosen(ANSWER, 8) == mutants.chosen(ANSWER, 8)
    assert len({kind for kind, _ in mutants.chosen(ANSWER, 8)}) >= 6 and len(mutants.chosen(ANSWER, 8)) == 8


def test_a_script_keeps_its_first_line():
    script = "%%writefile a.py\nx = 1 + 2\n"
    assert all(mutant.startswith("%%writefile a.py\n") for _, mutant in mutants.mutants(script))
    assert "x = 1 - 2" in [mutants.changed_line(script, mutant) for _, mutant in mutants.mutants(script)]


def test_no_two_mutants_are_called_by_the_same_line():
    # g(h(x)) without h is a line that is there already
    twice = "def f(x):\n    x += 1\n    y = g(x)\n    x += 2\n    y = g(h(x))\n    return y\n"
    named = [mutants.changed_line(twice, mutant) for _, mutant in mutants.mutants(twice)]
    assert {"pass, without x += 1", "pass, without x += 2", "y = g(x)"} < set(named) and len(set(named)) >= len(named) - 1


@pytest.fixture
def small_lab(tmp_path, monkeypatch):
    """A course with one lab of one task, whose check looks at one value only."""
    check = "assert double(2) == 4\n### BEGIN HIDDEN TESTS\nassert double(0) == 0\n### END HIDDEN TESTS\nprint('right')"
    for kind, body in (("solutions", "    ### BEGIN SOLUTION\n    return 2 * x + abs(0)\n    ### END SOLUTION"),
                       ("labs", "    raise NotImplementedError")):
        cells = [nbformat.v4.new_markdown_cell("## Task 1"),
                 nbformat.v4.new_code_cell("def double(x):\n" + body,
                                           metadata={"nbgrader": {"solution": True, "grade_id": "double"}}),
                 nbformat.v4.new_code_cell(labs.HIDDEN.sub("", check) if kind == "labs" else check,
                                           metadata={"nbgrader": {"grade": True, "grade_id": "check-double", "points": 1}})]
        folder = tmp_path / kind / "01_small"
        folder.mkdir(parents=True)
        nbformat.write(nbformat.v4.new_notebook(cells=cells), folder / "01_small.ipynb")
    for module in (execute, labs, mutants):
        monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(mutants, "RESULTS", tmp_path / "mutants.json")
    return tmp_path


def test_survivors_are_stored_and_keep_their_reason(small_lab, capsys):
    assert mutants.main([]) == 0
    stored = json.loads((small_lab / "mutants.json").read_text(encoding="utf-8"))["01_small"]["double"]
    survivors = {"return 2 * x - abs(0)", "return 2 * x", "return 2 * x + 0"}
    assert set(stored["survivors"]) == survivors and stored["survived"] == 3 < stored["mutants"]
    assert "3 without a reason" in capsys.readouterr().out
    stored["survivors"] = dict.fromkeys(survivors, "adding 0 changes nothing")
    (small_lab / "mutants.json").write_text(json.dumps({"01_small": {"double": stored}}), encoding="utf-8")
    assert mutants.main(["small"]) == 0 and "0 without a reason" in capsys.readouterr().out
    assert json.loads((small_lab / "mutants.json").read_text(encoding="utf-8"))["01_small"]["double"] == stored


def fake(found: dict):
    """In the place of `of_lab`: gives the tasks in `found`, and what was found of each; a function is called for it."""
    def of_lab(unit, known):
        for task, one in found.items():
            yield task, one() if callable(one) else one
    return of_lab


ONE = {"mutants": 3, "survived": 0, "survivors": {}}


def test_each_task_is_stored_as_soon_as_it_is_measured(small_lab, monkeypatch):
    def stopped():
        raise KeyboardInterrupt
    monkeypatch.setattr(mutants, "of_lab", fake({"double": ONE, "halve": stopped}))
    with pytest.raises(KeyboardInterrupt):
        mutants.main([])
    assert mutants.read() == {"01_small": {"double": ONE}}


def test_another_run_and_a_task_that_is_gone(small_lab, monkeypatch):
    mutants.write_whole(mutants.RESULTS, json.dumps({"01_small": {"former": ONE}}))

    def meanwhile():
        mutants.store("02_other", "task", ONE)
        return ONE
    monkeypatch.setattr(labs, "answers", lambda unit: {"01_small": {"double": ""}, "02_other": {"task": ""}}[unit])
    monkeypatch.setattr(mutants, "of_lab", fake({"double": meanwhile}))
    assert mutants.main(["small"]) == 0
    assert mutants.read() == {"01_small": {"double": ONE}, "02_other": {"task": ONE}}


def with_answer(folder, answer: str, check: str) -> None:
    path = folder / "solutions" / "01_small" / "01_small.ipynb"
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[1].source, notebook.cells[2].source = answer, check
    nbformat.write(notebook, path)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such limit")
def test_a_mutant_may_not_take_all_memory(small_lab):
    with_answer(small_lab, "def double(x):\n    return 2 * x",
                f"import resource\nassert resource.getrlimit(resource.RLIMIT_AS)[1] == {mutants.MEMORY}\nassert double(2) == 4")
    assert mutants.main([]) == 0, "the check accepts the right answer"


def test_a_mutant_that_ends_the_kernel_counts_as_refused(small_lab, monkeypatch):
    monkeypatch.setattr(mutants, "PATIENCE", 5)
    with_answer(small_lab, "def double(x):\n    import os\n    if x < -9:\n        os._exit(1)\n    return abs(2) * x",
                "assert double(3) == 6 and double(-3) == -6\nassert double is not None")
    assert mutants.main([]) == 0
    found = mutants.read()["01_small"]["double"]
    assert "return 2 * x" in found["survivors"] and "if not x < -9:" not in found["survivors"]
    assert "return abs(2)" not in found["survivors"], "the kernel works again"


def test_an_unknown_lab_is_named(small_lab, capsys):
    assert mutants.main(["nothing"]) == 2 and "No lab has nothing in its name." in capsys.readouterr().err


def test_every_stored_survivor_has_a_reason():
    stored = json.loads(mutants.RESULTS.read_text(encoding="utf-8"))
    assert [(unit, task, line) for unit, tasks in stored.items() for task, found in tasks.items()
            for line, why in found["survivors"].items() if not why] == []
