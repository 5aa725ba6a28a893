"""What the check cells of the labs call. A check that fails says in one sentence what is wrong, in the student's terms."""
import dis
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from types import CodeType, FunctionType, ModuleType
from typing import TypeVar

import numpy as np

OTHER = "With other inputs:"  # how the sentence of a check that failed within `hidden` begins
LIBRARIES = {"tensorflow", "keras", "scipy", "sklearn"}  # have ready what the tasks in NumPy ask for


T = TypeVar("T")
_variant: ContextVar[int | None] = ContextVar("variant", default=None)  # None outside `hidden`


class CheckFailed(AssertionError):
    """A check of a lab failed. Jupyter shows its sentence alone, without a traceback."""

    def _render_traceback_(self) -> list[str]:
        return [f"Not yet: {self}"]


def require(condition: bool, sentence: str) -> None:
    """Raise CheckFailed with `sentence` unless the condition holds."""
    if not condition:
        raise CheckFailed(sentence)


@contextmanager
def hidden(variant: int) -> Iterator[None]:
    """Within it the checks draw other inputs, so that an answer that knows only the outputs for the visible ones fails.

    Whatever is raised within becomes a CheckFailed whose sentence begins with OTHER: no line of a hidden test is shown.
    """
    token = _variant.set(variant)
    try:
        yield
    except CheckFailed as failure:
        raise CheckFailed(f"{OTHER} {failure}") from None
    except Exception as error:
        raise CheckFailed(f"{OTHER} {_said(error)}") from None
    finally:
        _variant.reset(token)


def generator(seed: int) -> np.random.Generator:
    """The generator for the inputs of a check: that of `seed`, within `hidden` one that depends on the variant too."""
    variant = _variant.get()
    return np.random.default_rng(seed if variant is None else [variant, seed])


def inputs(given: T, other: Callable[[np.random.Generator], T]) -> T:
    """The inputs `given`, within `hidden` what `other(generator)` draws in their place."""
    return given if _variant.get() is None else other(generator(0))


def own(function: Callable) -> None:
    """Raise CheckFailed unless `function` was written in this notebook, and leaves the work to nothing in `utils`."""
    function = _python(function)
    require(isinstance(function, FunctionType), f"{_name(function)} is not a function: define it with def.")
    require(not function.__module__.startswith("utils"),
            f"{function.__name__} is the one of utils: write your own, that is the task.")
    for name, value in _used(function):
        require(_package(value) != "utils",
                f"{function.__name__} uses {name}, which is part of utils: write it out, that is the task.")


def written_out(function: Callable, names: set[str] = LIBRARIES, what: str = "it") -> None:
    """As `own`; raise CheckFailed also if the function, or one of the notebook that it calls, uses what is in `names`.

    names  of functions, modules and packages; a function of the notebook may have one of these names
    """
    own(function)
    function = _python(function)
    for part in (function, *(value for _, value in _used(function) if _of_notebook(value, function))):
        own(part)
        for name, value in _used(part):
            ready = names & {name.split(".")[0], getattr(value, "__name__", ""), _package(value)}
            where = "" if part is function else f" (in {part.__name__})"
            require(not ready or _of_notebook(value, function),
                    f"{function.__name__} leaves the work to {name}{where}: write {what} yourself, that is the task.")


def call(function: Callable, *arguments, **named):
    """What the student's function gives. Raises CheckFailed if it is not their own, not written yet, or raises itself."""
    own(function)
    return run(function, *arguments, **named)


def run(function: Callable, *arguments, **named):
    """As `call`, for a task in which `utils` may be used."""
    try:
        value = function(*arguments, **named)
    except CheckFailed:
        raise
    except NotImplementedError:
        raise CheckFailed(f"{_name(function)} is not written yet: replace the line that raises "
                          f"NotImplementedError, and run that cell.") from None
    except Exception as error:
        raise CheckFailed(f"{_name(function)} stops with {_said(error)}") from None
    require(value is not None, f"{_name(function)} gives None: does it end with return?")
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
            f"{name} has shape {list(values.shape)}, expected {list(expected.shape) or 'one number'}.")
    require(bool(np.isfinite(values).all()), f"{name} holds NaN or infinity.")
    worst = np.unravel_index(np.argmax(np.abs(values - expected)), expected.shape)
    place = f" at {[int(index) for index in worst]}" if expected.ndim else ""
    raise CheckFailed(f"{name} is {values[worst]:.5g}{place}, expected {expected[worst]:.5g}.")


def _said(error: Exception) -> str:
    """An error and its message; of a long one, as TensorFlow and Keras write them, the line that says what happened."""
    text = re.sub(r"\x1b\[\d+m", "", str(error)).split("Arguments received by")[0]
    text = re.sub(r"^\{\{.*?\}\} *|\s*(; NodeDef: |\[Op:\w+\]).*", "", text, flags=re.DOTALL)  # which kernel, on which device
    lines = text.splitlines()
    lines = [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("[[{{")]
    name, long = type(error).__name__, len(str(error).splitlines()) > 3 and lines
    if long and re.match(r"\w+Error: ", lines[-1]):  # what happened inside tf.data
        return lines[-1]
    return f"{name}: {lines[-1] if long else text}"


def _close(values: np.ndarray, expected: np.ndarray, tolerance: float) -> bool:
    if values.shape != expected.shape or not np.isfinite(values).all():
        return False
    return bool(np.all(np.abs(values - expected) <= tolerance * max(1e-12, np.abs(expected).max(initial=0))))


def _used(function: Callable) -> list[tuple[str, object]]:
    """The names in a function and in those inside it, with the value of a global one and of an import, else None."""
    codes, found = [function.__code__], []
    for code in codes:
        codes += [constant for constant in code.co_consts if isinstance(constant, CodeType)]
        for step in dis.get_instructions(code):
            if step.opcode in dis.hasname:
                value = _python(function.__globals__.get(step.argval)) if step.opname == "LOAD_GLOBAL" else None
                found.append((step.argval, ModuleType(step.argval) if step.opname == "IMPORT_NAME" else value))
    return found


def _python(value):
    """The Python function under a decorator @tf.function; anything else as it is."""
    return getattr(value, "python_function", value)


def _of_notebook(value, function: Callable) -> bool:
    return isinstance(value, FunctionType) and value.__module__ == function.__module__


def _package(value) -> str:
    """The package that a value is or comes from."""
    name = value.__name__ if isinstance(value, ModuleType) else getattr(value, "__module__", None) or ""
    return name.split(".")[0]


def _name(value) -> str:
    return getattr(_python(value), "__name__", repr(value))
