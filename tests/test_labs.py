"""The proofs for labs: each is what its solution generates, leaks nothing, and its checks tell right from wrong.

For each graded task, tests/wrong_answers/UNIT.py holds at least three wrong answers and the words that the check must
answer each with: WRONG = {"name of the task": [("words of the sentence", "code"), ...]}. tests/right_answers/UNIT.py holds right
answers of other forms than the solution (loops, einsum, float64, tensors for arrays, Keras models of every kind):
RIGHT = {"name of the task": [("how it is written", "code"), ...]}. Where an answer is more than what
its functions give (files, a trained network), MEMORISED = {"name of the task": "code"} holds one that knows only the visible
check.
"""
import ast
import re
import runpy

import pytest

from utils.checks import OTHER
from utils.instructor import labs
from utils.instructor.execute import ROOT
from utils.instructor.labs import HIDDEN, Kernel, answered, hidden_part, mark, names, read, tasks, walk
from utils.instructor.release import generate_labs
from utils.instructor.rules import lab_faults

UNITS = labs.units()


TRAINED = "what is trained is judged on examples that it has not seen, from several starts"
WITHOUT_HIDDEN = {  # tasks whose check has no hidden tests, and why
    ("02_neural_networks", "descent"): TRAINED, ("02_neural_networks", "shape"): TRAINED,
    ("06_mini_project", "harden"): TRAINED,
    ("07_attacks", "reading"): "a quiz: its right answers follow from the table that the notebook measures",
}
# those whose hidden tests are the visible ones, once more in a kernel where the notebook's cells have not run, and why
ONCE_MORE = {
    ("02_neural_networks", "diagnosis"): "a quiz: its right answers are what is asked",
    ("03_cnn_mnist", "build"): "its answer has no input, and the check looks at the network with weights of its own",
}
NO_CASE = {  # tasks whose statement has an example that is no case for a check, and why
    ("04_densenet_gender", "## Task 6"): "it says what a constant answer reaches",
    ("06_mini_project", "## Task 5"): "it says how large a training set becomes, with a number that the student chooses",
}
REPLAY = """
def recording(function, kept):
    import tensorflow as tf

    def recorded(*arguments, **named):
        try:
            value = function(*arguments, **named)
        except ValueError as error:
            value = error
        if tf.executing_eagerly():
            kept.append((value, [v.numpy() for one in arguments for v in getattr(one, "variables", [])]))
        if isinstance(value, ValueError):
            raise value
        return value
    return recorded


def replaying(function, kept):
    # The recorded outputs one after the other, whatever the inputs. For a check that asks for more, also what the function
    # did to variables, the right gradient, and the right answer while TensorFlow compiles.
    import itertools
    import tensorflow as tf
    from utils import checks
    outputs, before = itertools.cycle(kept), None

    def replayed(*arguments, **named):
        nonlocal outputs, before
        if checks.VARIANT.get() != before:  # from the start again with the hidden tests
            outputs, before = itertools.cycle(kept), checks.VARIANT.get()
        if not tf.executing_eagerly():
            return function(*arguments, **named)
        value, states = next(outputs)
        if isinstance(value, ValueError):
            raise value
        if isinstance(value, tf.Tensor) and value.dtype.is_floating:
            right = function(*arguments, **named)
            value = right + tf.stop_gradient(value - right)
        for variable, state in zip([v for one in arguments for v in getattr(one, "variables", [])], states):
            variable.assign(state)
        return value
    return replayed


def looked():
    # What the grader's look sees of the checks, which counts none that something has changed.
    import contextlib, io, json
    from utils.instructor.grading import unchanged
    with contextlib.redirect_stdout(io.StringIO()) as said:
        unchanged._look({})
    return json.loads(said.getvalue())


def must_be_unchanged(before):
    from utils.instructor.grading import unchanged
    if why := unchanged.changed(before, looked()):
        raise AssertionError(why)
"""


def wrong_answers(unit: str, kind: str = "WRONG") -> dict:
    return runpy.run_path(str(ROOT / "tests" / "wrong_answers" / f"{unit}.py")).get(kind, {})


def right_answers(unit: str) -> dict:
    path = ROOT / "tests" / "right_answers" / f"{unit}.py"
    return runpy.run_path(str(path))["RIGHT"] if path.exists() else {}


@pytest.fixture(scope="module")
def generated(tmp_path_factory):
    folder = tmp_path_factory.mktemp("labs")
    generate_labs(folder)
    return folder


@pytest.mark.parametrize("unit", UNITS)
def test_lab_is_what_its_solution_generates(unit, generated):
    name = f"{unit}/{unit}.ipynb"
    assert (ROOT / "labs" / name).read_bytes() == (generated / name).read_bytes(), "run: python3 course.py release"
    assert sorted(path.name for path in (ROOT / "labs" / unit).iterdir()
                  if path.name != ".ipynb_checkpoints") == [f"{unit}.ipynb"]


def test_readme_has_the_points_of_every_lab(generated):
    text = (ROOT / "labs" / "README.md").read_text(encoding="utf-8")
    assert text == (generated / "README.md").read_text(encoding="utf-8"), "run: python3 course.py release"
    rows = dict(re.findall(r"^\| \[(\w+)\].* \| (\d+) \|$", text, re.MULTILINE))
    assert rows == {unit: re.search(r"(\d+) points", read("labs", unit).cells[0].source)[1] for unit in UNITS}
    assert text.endswith(f" | {sum(map(int, rows.values()))} |\n")


@pytest.mark.parametrize("unit", UNITS)
def test_no_line_of_an_answer_is_left_in_the_lab(unit):
    answers = [line.strip() for cell, _ in tasks(read("solutions", unit))
               for region in re.findall(r"### BEGIN SOLUTION\n(.*?)### END SOLUTION", cell.source, re.DOTALL)
               for line in region.splitlines() if len(line.strip()) >= 12]
    lab = "\n".join(cell.source for cell in read("labs", unit).cells)
    assert answers
    assert [line for line in answers if line in lab] == []


@pytest.mark.parametrize("unit", UNITS)
def test_tasks_are_complete(unit):
    assert lab_faults(unit, ROOT) == []
    for answer, check in tasks(read("labs", unit)):
        assert "NotImplementedError" in answer.source, (f"labs/{unit}/{unit}.ipynb, cell {answer.id}: a stub raises "
                                                        "NotImplementedError.")


@pytest.mark.parametrize("unit", UNITS)
def test_hidden_tests_stay_in_the_solution(unit):
    lab = read("labs", unit)
    assert not re.search(r"HIDDEN TESTS|\.hidden\(", "\n".join(cell.source for cell in lab.cells))
    for (answer, check), (_, in_lab) in zip(tasks(read("solutions", unit)), tasks(lab)):
        assert HIDDEN.sub("", check.source) == in_lab.source, (f"cell {check.id}: what fails the visible check must fail with "
                                                               "hidden tests too")
        assert bool(hidden_part(check.source)) != ((unit, mark(answer)["grade_id"]) in WITHOUT_HIDDEN), (
            f"cell {check.id}: a check has hidden tests, or a reason in WITHOUT_HIDDEN why it has none")
        again = hidden_part(check.source).replace(".hidden(", "(") == in_lab.source.split("print(")[0]
        assert ((unit, mark(answer)["grade_id"]) not in ONCE_MORE
                or again), (f"cell {check.id}: its hidden tests are the visible ones")


def test_the_instructor_is_told_what_has_no_hidden_tests():
    text = (ROOT / "solutions" / "README.md").read_text(encoding="utf-8")
    told = next(line for line in text.split("\n\n") if "have no hidden check" in line)
    assert all(f"`{task}`" in told and f"lab {unit[:2]}" in told for unit, task in WITHOUT_HIDDEN)
    points = sum(mark(check)["points"] for unit in UNITS for answer, check in tasks(read("labs", unit))
                 if (unit, mark(answer)["grade_id"]) in WITHOUT_HIDDEN)
    assert told.startswith(f"Four tasks, of {points} points in all") and len(WITHOUT_HIDDEN) == 4


@pytest.fixture
def kernel(tmp_path):
    (tmp_path / "work").mkdir()
    kernel = Kernel(tmp_path / "work", tmp_path)
    yield kernel
    kernel.close()


@pytest.mark.parametrize("unit", UNITS)
def test_checks_tell_right_from_wrong(unit, kernel):
    """One kernel goes through the lab; at each task it tries the stub, every wrong answer, answers that know the outputs for the
    visible inputs by heart, right ones of other forms, and last the solution; all but the first two with the hidden tests."""
    right, wrong, others, faults = labs.answers(unit), wrong_answers(unit), right_answers(unit), []
    checks, full = labs.checks(unit, "labs"), labs.checks(unit)
    by_heart = wrong_answers(unit, "MEMORISED") | {name: None for part, name in ONCE_MORE if part == unit}
    kernel.run(REPLAY)
    for name, stub in walk(kernel, unit):
        for words, code in [("not written yet", stub), *wrong[name]]:
            kernel.run(code)
            raised, noise = kernel.run(checks[name])
            if not raised.startswith("CheckFailed") or words not in raised or noise:
                faults.append(f"{cell_of(unit, name)}: expected CheckFailed with {words!r}, got {raised or 'a pass'} {noise} "
                              f"for\n{code}")
        for what, code in by_heart_answers(kernel, name, right[name], checks[name], full[name], by_heart):
            kernel.run(code)
            raised, noise = kernel.run(full[name])
            if not raised.startswith(f"CheckFailed: {OTHER} ") or noise:
                faults.append(f"{cell_of(unit, name)}: {what} by heart must fail the hidden tests with CheckFailed, and gets "
                              f"{raised or 'a pass'} {noise}")
        for form, code in [*others.get(name, []), ("the solution", right[name])]:
            stopped, _ = kernel.run(code)
            kernel.run("before_the_check = looked()")
            raised, noise = kernel.run(f"{full[name]}\nmust_be_unchanged(before_the_check)")
            if stopped or raised or noise:
                faults.append(f"{cell_of(unit, name)}: the right answer ({form}) must pass, and gets {stopped}{raised}{noise}")
    assert not faults, "\n\n".join(faults)


@pytest.mark.parametrize("unit", UNITS)
def test_the_example_of_a_statement_is_part_of_its_check(unit):
    """The check, or what it calls in its file, says which of its cases is the example."""
    file = (ROOT / "utils" / "checks" / f"lab{unit[:2]}.py").read_text(encoding="utf-8")
    parts = {part.name: ast.get_source_segment(file, part) for part in ast.parse(file).body if isinstance(part, ast.FunctionDef)}
    statement, checks = "", {}
    for cell in read("solutions", unit).cells:
        statement = cell.source if cell.source.startswith("## Task") else statement
        if mark(cell).get("points"):
            checks.setdefault(statement, set()).update(parts.keys() & re.findall(r"\blab\d\d\.(\w+)", cell.source))
    helpers = parts.keys() - set().union(*checks.values())
    without = []
    for statement, waiting in checks.items():
        said = ""
        while waiting:
            said += "".join(parts[name] for name in waiting)
            waiting = {name for name in helpers if re.search(rf"\b{name}\(", said) and parts[name] not in said}
        if re.search("Examples?:", statement) and "example" not in said:
            without.append(statement.split(":")[0])
    assert without == [task for lab, task in NO_CASE if lab == unit]


def cell_of(unit: str, task: str) -> str:
    """Where the check of a task stands."""
    return f"solutions/{unit}/{unit}.ipynb, cell check-{task}"


@pytest.mark.parametrize("unit", UNITS)
def test_no_given_cell_binds_the_name_of_an_answer(unit):
    given = [cell for cell in read("labs", unit).cells if cell.cell_type == "code" and not mark(cell).get("solution")]
    assert [f"cell {cell.id} defines {name}, which the student is to define" for cell in given
            for name in answered(unit) & names(cell.source, ast.Store)] == []


@pytest.mark.parametrize("unit", UNITS)
def test_no_planted_answer_draws_without_a_seed(unit):
    planted = [wrong_answers(unit, "WRONG"), wrong_answers(unit, "MEMORISED"), right_answers(unit)]
    unseeded = [(name, call) for kind in planted for name, answers in kind.items()
                for code in ([answers] if isinstance(answers, str) else [code for _, code in answers])
                for call in draws(code)]
    assert unseeded == []


@pytest.mark.parametrize("path", sorted(ROOT.glob("tests/test_*.py")), ids=lambda path: path.stem)
def test_no_test_draws_without_a_seed(path):
    """What draws from the generators that all share seeds them itself, or by the file's fixture for all of its tests."""
    parts = [ast.unparse(part) for part in ast.parse(path.read_text(encoding="utf-8")).body]
    seeded = [part for part in parts if re.search(r"session\.start\(|set_random_seed\(", part)]
    assert any("autouse=True" in part for part in seeded) or draws("\n".join(part for part in parts if part not in seeded)) == []


def draws(code: str) -> list[str]:
    """The calls of a piece of code that give other numbers each time, or depend on what ran before."""
    nodes = list(ast.walk(ast.parse("" if code.startswith("%%") else code)))
    own = any(isinstance(node, ast.Name) and node.id == "random" and isinstance(node.ctx, ast.Store)
              # a generator of that name, not Python's module
              or isinstance(node, ast.arg) and node.arg == "random" for node in nodes)
    texts = [(ast.unparse(node.func), node) for node in nodes if isinstance(node, ast.Call)]
    return [ast.unparse(call) for function, call in texts
            if re.fullmatch(r"(np|numpy)\.random\.(?!default_rng|Generator|PCG64|seed)\w+"
                            r"|tf\.random\.(?!Generator|stateless|set_seed)\w+|os\.urandom"
                            + r"|random\.(?!Random)\w+" * (not own), function)
            and not any(word.arg == "seed" for word in call.keywords)
            or function.endswith(("default_rng", "random.Random")) and not call.args and not call.keywords
            or function.endswith("from_non_deterministic_state")]


def test_draws_are_found():
    assert draws("np.random.normal(0, 1, 3)") and draws("np.random.default_rng()") and draws("tf.random.normal([2])")
    assert draws("os.urandom(9)") and draws("random.random()") and draws("random.Random()")
    assert not draws("np.random.default_rng(3).normal()") and not draws("tf.random.normal([2], seed=1)")
    assert not draws("random = np.random.default_rng(3)\nrandom.normal()") and not draws("random.Random(3)")


def by_heart_answers(kernel: Kernel, name: str, right: str, check: str, full: str,
                     given: dict[str, str]) -> list[tuple[str, str]]:
    """(what, code) of answers that know the visible check by heart: the one that is given, or one for each function that the
    hidden tests call, with the other functions right (those that only the visible check calls, by heart too: they may train)."""
    if name in given or not hidden_part(full):
        return [("the answer", given[name])] if given.get(name) else []
    functions = [node.name for node in ast.parse(right).body if isinstance(node, ast.FunctionDef)]
    called, visible = ([function for function in functions if re.search(rf"\b{function}\b", part)]
                       for part in (hidden_part(full), check))
    kernel.run(right)
    kernel.run("".join(f"right_{one}, kept_{one} = {one}, []\n{one} = recording({one}, kept_{one})\n" for one in functions))
    raised, noise = kernel.run(check)
    assert called and not raised and not noise, f"{name}: {raised}{noise}"

    def answer(chosen: str) -> str:
        learnt = {chosen} | set(visible) - set(called)
        return "".join(f"{one} = replaying(right_{one}, kept_{one})\n" if one in learnt else f"{one} = right_{one}\n"
                       for one in functions)
    return [(function, answer(function)) for function in called]
