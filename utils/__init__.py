"""The course's package, in three shelves.

`utils/*.py`, `data/`, `attacks/`, `defences/`, `moments/`, `explain/`, `generative/` and `plot/` are to be read, `checks/` judges
the labs, `instructor/` serves course.py.
"""
from collections.abc import Callable
from importlib.util import find_spec

OTHER_VERSION = ("This version of the course has no {}. If your notebook is a copy of an earlier version: run "
                 "python3 course.py lab --update UNIT (for instance 05), which carries your answers into the new lab.")


class OtherVersion(ImportError):
    """A notebook asks for a part of the package that this version of the course does not have.

    Jupyter shows its sentence alone.
    """

    def _render_traceback_(self) -> list[str]:
        """What Jupyter shows in the place of a traceback."""
        return [str(self)]


def __getattr__(name: str) -> None:
    if name.startswith("_") or not name.isidentifier() or find_spec(f"utils.{name}"):  # what Python asks for, or imports now
        raise AttributeError(f"module 'utils' has no attribute {name!r}")
    raise OtherVersion(OTHER_VERSION.format(f"utils.{name}"))


class OtherVersionsName(AttributeError):
    """A notebook asks a module for a name that it has not, in this version of the course. Jupyter shows its sentence alone."""

    def _render_traceback_(self) -> list[str]:
        """What Jupyter shows in the place of a traceback."""
        return [str(self)]


def other_versions_names(module: str) -> Callable[[str], None]:
    """The `__getattr__` of a module of the course in which names were changed or removed.

    `from module import name` has Python's own words.
    """
    def __getattr__(name: str) -> None:
        if name.startswith("_"):
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        raise OtherVersionsName(OTHER_VERSION.format(f"{module}.{name}"))
    return __getattr__
