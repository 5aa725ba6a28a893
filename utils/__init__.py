"""The course's package, in three shelves.

`utils/*.py`, `data/`, `attacks/`, `defences/`, `moments/`, `explain/`, `generative/` and `plot/` are to be read, `checks/` judges
the labs, `instructor/` serves course.py.
"""
import dis
import sys
from collections.abc import Callable
from importlib.machinery import PathFinder

OTHER_VERSION = ("This version of the course has no {}. If your notebook is a copy of an earlier version: run "
                 "python3 course.py lab --update UNIT (for instance 05), which carries your answers into the new lab.")


class _SentenceAlone(Exception):
    """An error of which Jupyter shows its sentence alone, without a traceback."""

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


class OtherVersion(_SentenceAlone, AttributeError):
    """A notebook asks for `module.name`, which this version of the course does not have."""


class OtherVersionImport(_SentenceAlone, ImportError):
    """A notebook asks `from module import name`, and this version of the course does not have it."""


def other_versions_names(module: str) -> Callable[[str], None]:
    """The `__getattr__` of a module of the course in which names were changed or removed: it says what to do.

    Raises AttributeError, as `hasattr` and `getattr` expect. For `from module import name` Python would put words of its own in
    the place of that; so there it raises ImportError itself.
    """
    def __getattr__(name: str) -> None:
        if name.startswith("_") or PathFinder.find_spec(name, getattr(sys.modules[module], "__path__", [])):
            raise AttributeError(f"module {module!r} has no attribute {name!r}")  # what Python asks for, or imports now
        asks = sys._getframe(1)
        imports = dis.opname[asks.f_code.co_code[asks.f_lasti]] == "IMPORT_FROM"
        raise (OtherVersionImport if imports else OtherVersion)(OTHER_VERSION.format(f"{module}.{name}"))
    return __getattr__


__getattr__ = other_versions_names(__name__)
