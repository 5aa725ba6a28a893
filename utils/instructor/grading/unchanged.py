"""Whether the checks in a kernel are still the course's own: looked at before a student's definitions, and after each check.

The kernel reads the checks from a read-only place, so their files cannot change; but the student's functions run in the same
process and can reach their modules (`sys.modules`, `eval`, `gc`). A look prints which objects stand in them, and then fails a
check, so that a kernel that lets every check pass is noticed too. The looks are compared outside. Who puts everything back
before the look is not seen.
"""
import builtins
import inspect
import json
import secrets
from collections.abc import Iterable, Mapping

import nbformat
from nbformat import NotebookNode

from utils.instructor.grading.kernels import SENDS

TOKEN = "token"  # in the metadata of a cell that looks: what its check fails with
CHANGED = "ChecksChanged"  # the name of the error of a check that was not counted
STOPPED = {"CellTimeoutError", "DeadKernelError"}  # the errors of a cell that was not run to its end
MOST_NAMED, LONGEST = 3, 200
GIVEN = "_given_by_the_lab"


def _look(given: dict) -> None:
    """In a kernel: print {name: number} of the objects that the checks are made of; one that was replaced has another number.

    Of the course's functions that is also the code, the defaults and what they enclose, of its classes the attributes, and of the
    checks what is in their lists. Of Python itself it is the built-in functions, of other libraries see `_of_libraries`.

    given  the lab's own names
    """
    import json
    import sys
    from types import CellType, FunctionType

    found = {}
    watched = {name: module for name, module in list(sys.modules.items())
               if name.split(".")[0] in ("utils", "builtins")}
    for root, values in {"modules": watched, "given": given, **{name: vars(module) for name, module in watched.items()}}.items():
        waiting, done = [(root, values)], set()  # anew for each, as a name must not depend on what else is loaded
        while waiting:
            place, values = waiting.pop()
            for name, value in list(values.items()):
                if name in ("input", "__warningregistry__", "__annotations__"):
                    continue  # IPython sets the first anew for each cell, Python makes the others when they are needed
                found[f"{place}.{name}"] = id(value)
                of_course = str(getattr(value, "__module__", None) or "").startswith("utils")
                if id(value) in done or not root.startswith("utils") or name == "__builtins__":
                    continue
                done.add(id(value))
                if type(value) is FunctionType and of_course:
                    closed = [cell.cell_contents for cell in value.__closure__ or () if cell != CellType()]
                    inside = {"code": value.__code__, "defaults": value.__defaults__, **dict(enumerate(closed))}
                    waiting.append((f"{place}.{name}", inside | (value.__kwdefaults__ or {}) | vars(value)))
                elif isinstance(value, type) and of_course:
                    waiting.append((f"{place}.{name}", vars(value)))
                elif root.startswith("utils.checks") and type(value) in (dict, list, tuple, set):
                    waiting.append((f"{place}.{name}", value if type(value) is dict else dict(enumerate(value))))
    print(json.dumps(found | _of_libraries([given, *map(vars, watched.values())])))


def _of_libraries(users: Iterable[Mapping[str, object]]) -> dict:
    """In a kernel: {name: number} of the functions, classes and modules in NumPy, and in those packages of SciPy, scikit-image
    and scikit-learn from which `users` have something. In the number is what they are made of: code, defaults, wrapped functions,
    methods.
    """
    import sys
    from functools import cache
    from types import FunctionType, MappingProxyType, ModuleType

    @cache
    def of(number: int, depth: int) -> int:
        value, parts = objects[number], [number]
        if type(value) is FunctionType:
            parts += [id(value.__code__), id(value.__defaults__), *map(id, (value.__kwdefaults__ or {}).values())]
        inside = vars(value) if isinstance(getattr(value, "__dict__", None), dict | MappingProxyType) else {}
        for name, one in list(inside.items()) if depth else ():  # what else a function has may be a cache
            if name == "__wrapped__" or isinstance(value, type) and isinstance(one, FunctionType):
                objects[id(one)] = one
                parts.append(of(id(one), depth - 1))
        return hash(tuple(parts))

    packages, objects = {"numpy"}, {}
    for value in [value for user in users for value in list(user.values())]:
        home = (value.__name__ if isinstance(value, ModuleType) else str(getattr(value, "__module__", None))).split(".")[:2]
        if home[0] in ("scipy", "skimage", "sklearn"):
            packages.add(".".join(home))
    found = {}
    for place, module in list(sys.modules.items()):
        if place in packages or any(place.startswith(f"{package}.") for package in packages):
            for name, value in list(vars(module).items()):
                if isinstance(value, ModuleType):
                    found[f"{place}.{name}"] = id(value)
                elif callable(value):
                    objects[id(value)] = value
                    found[f"{place}.{name}"] = of(id(value), 2)
    return found


def keep(names: Iterable[str]) -> str:
    """A cell's source that keeps what these names stand for, for `as_given`."""
    return f"{GIVEN} = {{name: globals()[name] for name in {sorted(names)!r} if name in globals()}}"


def as_given(source: str) -> str:
    """The source of a check, with the names of the lab as they were kept: a student may have a class called lab01."""
    return f"from builtins import globals as _globals\n_globals().update({GIVEN})\n{source}"


def look() -> NotebookNode:
    """A new cell that looks."""
    token = secrets.token_hex(8)
    # With names of its own: a student may have a variable called id or list.
    apart = f"from __future__ import annotations\n{inspect.getsource(_of_libraries)}\n{inspect.getsource(_look)}\n_look(given)"
    source = (f"import builtins as _builtins\n_builtins.exec({apart!r}, {{'given': {GIVEN}}})\n"
              f"import utils.checks as _checks\n_checks.require(False, '{token}')")
    return nbformat.v4.new_code_cell(source, metadata={TOKEN: token, SENDS: TOKEN})


def seen(cell: NotebookNode) -> dict[str, int]:
    """What an executed cell that looks has seen; nothing if its check did not fail as it has to."""
    errors = [output for output in cell.outputs if output.output_type == "error"]
    if [(error.ename, error.evalue) for error in errors] != [("CheckFailed", cell.metadata[TOKEN])]:
        return {}
    try:
        found = json.loads("".join(output.text for output in cell.outputs if output.get("name") == "stdout"))
        return found if isinstance(found, dict) else {}
    except ValueError:
        return {}


def stopped(cell: NotebookNode) -> NotebookNode | None:
    """The error of a look that could not run, as the kernel had died or the time was up: nobody has replaced anything."""
    return next((output for output in cell.outputs if output.output_type == "error" and output.ename in STOPPED), None)


def changed(before: Mapping[str, int], after: Mapping[str, int]) -> str:
    """A sentence if a look does not see what an earlier one saw, or ""; what is new counts where it can hide something."""
    if not before or not after:
        return "It was not counted: after the hidden check a check that has to fail did not, or printed something else."
    names = [name for name, number in before.items() if after.get(name) != number]
    names += [name for name in after.keys() - before if _hides(name, before, after)]
    shown = ", ".join(names[:MOST_NAMED])[:LONGEST]
    return f"It was not counted: the notebook replaces {shown}, which the checks use." if names else ""


def _hides(name: str, before: Mapping[str, int], after: Mapping[str, int]) -> bool:
    """Whether a new name stands in a module of the course or, called like a function of Python, in one of a library, or in
    something of the checks.

    A module that is loaded becomes a name of its package, which is no harm.
    """
    place, _, short = name.rpartition(".")
    watched = place.startswith("utils") and f"modules.{place}" in before or place.startswith("utils.checks") and place in before
    # np.float = float is an old habit, and no harm
    if "." in place and not place.startswith("utils") and hasattr(builtins, short):
        watched = any(one.startswith(f"{place}.") for one in before)
    return watched and f"modules.{name}" not in after
