"""How much the checks of the labs miss: right answers, each changed in one place,
and those that pass all the same. Called by course.py.

python -m utils.instructor.mutants [LAB ...]

What passes is either a hole in a check or the same function written differently. data/results/mutants.json keeps the counts
and each survivor; there a reason is written beside it ("why"), which stays when the same change passes again. Each task is stored
as soon as it is measured. A mutation library such as cosmic-ray would do for operators and constants, but knows no terms, axes
and bounds, and works on files, not on cells.
"""
import ast
import copy
import json
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from utils.instructor import labs
from utils.instructor.execute import ROOT
from utils.instructor.files import write_whole
from utils.instructor.grading.kernels import LIMITS

RESULTS = ROOT / "data" / "results" / "mutants.json"
MOST = 20  # mutants of a task
MOST_SLOW = 6  # of one whose check takes more than SLOW seconds: they train
SLOW = 15
PATIENCE = 20  # seconds that each check may take, besides ten times those of the right answer
MEMORY = LIMITS.memory << 20  # bytes of address space, as the grader's kernels have: a mutant may ask for a million images
LIMITED = f"""
try:
    import resource as _resource
    _resource.setrlimit(_resource.RLIMIT_AS, ({MEMORY}, {MEMORY}))
except (ImportError, ValueError):  # Windows has no limits, and macOS not this one
    pass
"""
OPERATORS = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Div, ast.Pow: ast.Mult,
             ast.Mod: ast.FloorDiv, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd}
COMPARISONS = {ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq}
SYMMETRIC = {"hypot", "max", "min", "maximum", "minimum", "allclose", "isclose", "array_equal", "logaddexp", "union1d",
             "amplified"}  # the last one, of labs 05 and 06, is 50 |DX|
SAME_VALUE = {"float"}  # calls that give their one argument, in another type
NO_EFFECT = {"annotation", "returns", "reduce_retracing", "jit_compile"}  # on a value: fields of nodes, keywords of calls
TERMS = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.BitAnd, ast.BitOr)


def changes(node: ast.AST, parent: ast.AST | None) -> Iterator[tuple[str, ast.AST]]:
    """(kind of change, what stands in the place of `node`) for each change of one place in a right answer."""
    if isinstance(node, ast.BinOp):
        if type(node.op) in OPERATORS:
            yield "operator", ast.BinOp(node.left, OPERATORS[type(node.op)](), node.right)
        if isinstance(node.op, TERMS):
            yield "term", node.left
            yield "term", node.right
    elif isinstance(node, ast.Compare) and type(node.ops[0]) in COMPARISONS:
        yield "comparison", ast.Compare(node.left, [COMPARISONS[type(node.ops[0])](), *node.ops[1:]], node.comparators)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.Not | ast.Invert):
        yield "sign", node.operand
    elif isinstance(node, ast.Constant) and type(node.value) is bool:
        yield "constant", ast.Constant(not node.value)
    elif isinstance(node, ast.Constant) and type(node.value) in (int, float):
        yield "constant", ast.Constant(node.value + 1)
        yield "constant", ast.Constant(2 * node.value if node.value not in (0, 1) else node.value - 1)
    elif isinstance(node, ast.Slice):
        for end in ("lower", "upper"):
            if bound := getattr(node, end):
                yield "bound", ast.Slice(**{**_parts(node), end: ast.BinOp(bound, ast.Add(), ast.Constant(1))})
        if node.step:
            yield "bound", ast.Slice(node.lower, node.upper, None)
    elif isinstance(node, ast.Call):
        for keyword in node.keywords:
            if keyword.arg in ("axis", "keepdims", "training", "from_logits", "axes", "stride", "mode"):
                yield "axis", ast.Call(node.func, node.args, [other for other in node.keywords if other is not keyword])
            if keyword.arg == "axis" and isinstance(keyword.value, ast.Constant | ast.UnaryOp):
                axis = ast.Constant(0 if ast.unparse(keyword.value) != "0" else 1)
                yield "axis", ast.Call(node.func, node.args,
                                       [*(o for o in node.keywords if o is not keyword), ast.keyword("axis", axis)])
        if len(node.args) == 1 and not isinstance(parent, ast.Expr) and ast.unparse(node.func) not in SAME_VALUE:
            yield "call", node.args[0]
        if ast.unparse(node.func) == "range":
            yield "bound", ast.Call(node.func, [*node.args[:-1], ast.BinOp(node.args[-1], ast.Sub(), ast.Constant(1))], [])
        if len(node.args) == 2 and ast.unparse(node.func).split(".")[-1] not in SYMMETRIC:
            yield "order", ast.Call(node.func, node.args[::-1], node.keywords)
    elif isinstance(node, ast.Attribute) and node.attr == "T":
        yield "order", node.value
    elif isinstance(node, ast.Tuple) and len(node.elts) == 2 and isinstance(node.ctx, ast.Load):
        yield "order", ast.Tuple(node.elts[::-1], node.ctx)
    elif isinstance(node, ast.IfExp):
        yield "branch", ast.IfExp(node.test, node.orelse, node.body)
    elif isinstance(node, ast.If):
        yield "branch", ast.If(ast.UnaryOp(ast.Not(), node.test), node.body, node.orelse)
    elif isinstance(node, ast.AugAssign) or isinstance(node, ast.Expr) and not isinstance(node.value, ast.Constant):
        yield "statement", ast.Pass()


def _parts(node: ast.AST) -> dict:
    return {name: getattr(node, name) for name in node._fields}


def mutants(source: str) -> list[tuple[str, str]]:
    """(kind of change, code) of all answers that differ from the cell `source` in one place; a first line %%... stays."""
    first, rest = ("", source) if not source.startswith("%%") else (source.partition("\n")[0] + "\n", source.partition("\n")[2])
    whole, seen, found = ast.parse(rest), {ast.unparse(ast.parse(rest))}, []
    for parent, name, index in _places(whole):
        node = getattr(parent, name) if index is None else getattr(parent, name)[index]
        for kind, change in changes(node, parent) if isinstance(node, ast.AST) else ():
            held = list(getattr(parent, name)) if index is not None else node
            if index is None:
                setattr(parent, name, change)
            else:
                getattr(parent, name)[index] = change
            code = ast.unparse(ast.fix_missing_locations(copy.deepcopy(whole)))
            setattr(parent, name, held)
            if code not in seen:
                seen.add(code)
                found.append((kind, first + code))
    return found


def _places(whole: ast.AST) -> list[tuple[ast.AST, str, int | None]]:
    """(parent, field, index in the field if it is a list) of all nodes below `whole` that may have an effect, level by level."""
    places, nodes = [], [whole]
    for parent in nodes:  # grows while it is walked
        for name, value in ast.iter_fields(parent):
            for index, node in enumerate(value) if isinstance(value, list) else [(None, value)]:
                if isinstance(node, ast.AST) and not NO_EFFECT & {name, getattr(node, "arg", None)}:
                    places.append((parent, name, index))
                    nodes.append(node)
    return places


def chosen(source: str, most: int) -> list[tuple[str, str]]:
    """At most `most` of the mutants, always the same, of every kind about equally many."""
    by_kind: dict[str, list] = {}
    for mutant in mutants(source):
        by_kind.setdefault(mutant[0], []).append(mutant)
    for kind, several in by_kind.items():
        random.Random(kind).shuffle(several)
    taken = [several[turn] for turn in range(most) for several in by_kind.values() if turn < len(several)]
    return taken[:most]


def changed_line(right: str, mutant: str) -> str:
    """The line of the mutant in which it differs from the right answer, as Python writes it; for a statement left out,
    which one.
    """
    first, rest = right.partition("\n")[::2] if right.startswith("%%") else ("", right)
    lines = ast.unparse(ast.parse(rest)).splitlines()
    return " / ".join(f"pass, without {old.strip()}" if new.strip() == "pass" else new.strip()
                      for old, new in zip(lines, mutant.removeprefix(first).strip().splitlines(), strict=True) if old != new)


def of_lab(unit: str, known: dict) -> Iterator[tuple[str, dict]]:
    """(task, {"mutants", "survived", "survivors": {changed line: why}}) of a lab, each as soon as it is measured.

    `known` has the tasks as they were stored before, with the reasons that were written then. Raises RuntimeError where a check
    refuses the right answer.
    """
    right, check = labs.answers(unit), labs.checks(unit)
    with tempfile.TemporaryDirectory() as folder:
        (work := Path(folder) / "work").mkdir()
        kernel = labs.Kernel(work, Path(folder))
        try:
            kernel.run(LIMITED)
            for task, _ in labs.walk(kernel, unit):
                start = time.monotonic()
                for code in (right[task], check[task]):
                    raised, _ = kernel.run(code)
                    if raised:
                        raise RuntimeError(f"{unit}, {task}: the right answer gets {raised}")
                seconds = time.monotonic() - start
                tried = chosen(right[task], MOST if seconds < SLOW else MOST_SLOW)
                survivors = []
                for _, code in tried:
                    raised = kernel.run(code, 10 * seconds + PATIENCE)[0] or kernel.run(check[task], 10 * seconds + PATIENCE)[0]
                    if raised.startswith(labs.DEAD):
                        kernel.restart()
                        _go_to(kernel, unit, task)
                    survivors += [] if raised else [changed_line(right[task], code)]
                why = known.get(task, {}).get("survivors", {})
                kernel.run(right[task])
                print(f"{unit}  {task:14} {len(survivors)} of {len(tried)} pass, {time.monotonic() - start:.0f} s", flush=True)
                for line in survivors:
                    print(f"    {line}    {why.get(line) or '?'}", flush=True)
                yield task, {"mutants": len(tried), "survived": len(survivors),
                             "survivors": {line: why.get(line, "") for line in survivors}}
        finally:
            kernel.close()


def _go_to(kernel: labs.Kernel, unit: str, task: str) -> None:
    """Run all of a lab that stands before a task, with the right answers and their checks, whose names later cells may use."""
    right, check = labs.answers(unit), labs.checks(unit)
    kernel.run(LIMITED)
    for before, _ in labs.walk(kernel, unit):
        if before == task:
            return
        kernel.run(right[before])
        kernel.run(check[before])


def read() -> dict[str, dict]:
    """{lab: {task: counts and survivors}} as stored, {} at first."""
    return json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}


def store(unit: str, task: str, found: dict) -> None:
    """Store what was found of one task; read again before, as another run may have stored other tasks meanwhile."""
    stored = read()
    tasks = {name: kept for name, kept in stored.get(unit, {}).items() if name in labs.answers(unit)}
    write_whole(RESULTS, json.dumps(stored | {unit: tasks | {task: found}}, indent=1, ensure_ascii=False, sort_keys=True) + "\n")


def main(names: list[str]) -> int:
    """Try the labs whose name contains one of `names`, all by default, and store what passes."""
    units = [unit for unit in labs.units() if not names or any(name in unit for name in names)]
    if not units:
        print(f"No lab has {' or '.join(names)} in its name.", file=sys.stderr)
        return 2
    for unit in units:
        for task, found in of_lab(unit, read().get(unit, {})):
            store(unit, task, found)
    for unit, tasks in read().items():
        if unit in units:
            made, passed = (sum(task[what] for task in tasks.values()) for what in ("mutants", "survived"))
            unexplained = sum(not why for task in tasks.values() for why in task["survivors"].values())
            print(f"{unit}: {passed} of {made} mutants pass ({passed / max(made, 1):.0%}), "
                  f"{unexplained} without a reason in {RESULTS.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
