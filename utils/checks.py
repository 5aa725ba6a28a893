"""What the check cells of the labs call. A check that fails says in one sentence what is wrong, in the student's terms."""
from collections.abc import Callable
from types import FunctionType, ModuleType

import numpy as np


class CheckFailed(AssertionError):
    """A check of a lab failed. Jupyter shows its sentence alone, without a traceback."""

    def _render_traceback_(self) -> list[str]:
        return [f"Not yet: {self}"]


def require(condition: bool, sentence: str) -> None:
    """Raise CheckFailed with `sentence` unless the condition holds."""
    if not condition:
        raise CheckFailed(sentence)


def own(function: Callable) -> None:
    """Raise CheckFailed unless `function` was written in this notebook, and leaves the work to nothing in `utils`."""
    require(isinstance(function, FunctionType), f"{_name(function)} is not a function: define it with def.")
    require(not function.__module__.startswith("utils"),
            f"{function.__name__} is the one of utils: write your own, that is the task.")
    for name in function.__code__.co_names:
        require(not _origin(function.__globals__.get(name)).startswith("utils"),
                f"{function.__name__} uses {name}, which is part of utils: write it out, that is the task.")


def call(function: Callable, *arguments, **named):
    """What the student's function gives. Raises CheckFailed if it is not their own, not written yet, or raises itself."""
    own(function)
    return run(function, *arguments, **named)


def run(function: Callable, *arguments, **named):
    """As `call`, for a task in which `utils` may be used."""
    try:
        value = function(*arguments, **named)
    except NotImplementedError:
        raise CheckFailed(f"{function.__name__} is not written yet: replace the line that raises "
                          f"NotImplementedError, and run that cell.") from None
    except Exception as error:
        raise CheckFailed(f"{function.__name__} stops with {type(error).__name__}: {error}") from None
    require(value is not None, f"{function.__name__} gives None: does it end with return?")
    return value


def same(name: str, got, expected, mistakes: dict[str, np.ndarray] | None = None, *, tolerance: float = 1e-5) -> None:
    """Raise CheckFailed unless `got` equals `expected`, in shape and within `tolerance` of the largest expected value.

    mistakes  what well-known mistakes give: {sentence: value}. The sentence of the first that equals `got` is shown.
    """
    try:
        values = np.asarray(got, dtype=np.float64)
    except (TypeError, ValueError):
        raise CheckFailed(f"{name} is a {type(got).__name__}, expected numbers.") from None
    expected = np.asarray(expected, dtype=np.float64)
    if _close(values, expected, tolerance):
        return
    for sentence, wrong in (mistakes or {}).items():
        if _close(values, np.asarray(wrong, dtype=np.float64), tolerance):
            raise CheckFailed(sentence)
    require(values.shape == expected.shape,
            f"{name} has shape {list(values.shape)}, expected {list(expected.shape)}.")
    require(bool(np.isfinite(values).all()), f"{name} holds NaN or infinity.")
    worst = np.unravel_index(np.argmax(np.abs(values - expected)), expected.shape)
    place = f" at {[int(index) for index in worst]}" if expected.ndim else ""
    raise CheckFailed(f"{name} is {values[worst]:.5g}{place}, expected {expected[worst]:.5g}.")


def _close(values: np.ndarray, expected: np.ndarray, tolerance: float) -> bool:
    if values.shape != expected.shape or not np.isfinite(values).all():
        return False
    return bool(np.all(np.abs(values - expected) <= tolerance * max(1e-12, np.abs(expected).max(initial=0))))


def _origin(value) -> str:
    """The module that a value is or comes from."""
    return value.__name__ if isinstance(value, ModuleType) else getattr(value, "__module__", None) or ""


def _name(value) -> str:
    return getattr(value, "__name__", repr(value))
