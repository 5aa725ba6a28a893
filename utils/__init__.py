"""The course's package, in three shelves.

`utils/*.py`, `data/`, `attacks/`, `defences/`, `moments/`, `explain/`, `generative/` and `plot/` are to be read, `checks/` judges the labs,
`instructor/` serves course.py.
"""
from importlib.util import find_spec


class OtherVersion(ImportError):
    """A notebook asks for a part of the package that this version of the course does not have. Jupyter shows its sentence alone."""

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


def __getattr__(name: str) -> None:
    if name.startswith("_") or find_spec(f"utils.{name}"):  # a part that is imported now, or what Python itself asks for
        raise AttributeError(f"module 'utils' has no attribute {name!r}")
    raise OtherVersion(f"This version of the course has no utils.{name}. If your notebook is a copy of an earlier version: rename its folder in "
                       "work/, run python3 course.py lab, and copy your answers into the new lab.")
