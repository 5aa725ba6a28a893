"""What the check cells of the labs call. A check that fails says in one sentence what is wrong, in the student's terms.

A check is a function with the decorator `check`. It calls the student's function with `call`, compares what that gives with
`equal`, and raises CheckFailed by `require`. Well-known mistakes are pairs (sentence, wrong value or what gives it): they are
looked at only when an answer is wrong. What is wrong in any task (a factor, a sign, an axis, an argument changed in place,
None, an exception) is told by the engine itself: see `slips`.
"""
import dis
import linecache
import operator
import re
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from inspect import signature
from types import CodeType, FunctionType, ModuleType
from typing import Any, TypeVar

import numpy as np

from utils import other_versions_names
from utils.checks import plain, slips

__getattr__ = other_versions_names(__name__)

OTHER = "With other inputs:"  # how the sentence of a check that failed within `other_inputs` begins
HIDDEN = 7  # the variant of the inputs that the hidden tests draw; a grader draws one of its own for its class, and puts it here
LIBRARIES = {"tensorflow", "keras", "scipy", "sklearn"}  # have ready what the tasks in NumPy ask for

Mistakes = Iterable[tuple]  # (sentence, a wrong value or a function that gives it, more of them for the same sentence)
T = TypeVar("T")
VARIANT: ContextVar[int | None] = ContextVar("variant", default=None)  # None outside `other_inputs`


class CheckFailed(AssertionError):
    """A check of a lab failed. Jupyter shows its sentence alone, without a traceback."""

    def _render_traceback_(self) -> list[str]:
        return [f"Not yet: {self}"]


def require(condition: bool, sentence: str) -> None:
    """Raise CheckFailed with `sentence` unless the condition holds."""
    if not condition:
        raise CheckFailed(sentence)


def check(function: Callable | None = None, *, seconds: int = 0) -> Callable:
    """Make a function the check of a task: `lab05.penalty(penalty)`, and with other inputs `lab05.penalty.hidden(penalty)`.

    seconds  how long it takes on two cores, which it says before it starts; for a check of more than 3 seconds
    """
    def decorate(function: Callable) -> Callable:
        @wraps(function)
        def checked(*answers):
            if seconds:
                print(f"This check takes about {seconds} seconds.", flush=True)
            return function(*answers)

        def hidden(*answers) -> None:
            with other_inputs(HIDDEN):
                function(*answers)

        checked.hidden = hidden
        return checked
    return decorate(function) if function else decorate


# inputs ---------------------------------------------------------------------------------------------------------------

@contextmanager
def other_inputs(variant: int) -> Iterator[None]:
    """Within it the checks draw other inputs, so that an answer that knows only the outputs for the visible ones fails.

    Whatever is raised within becomes a CheckFailed whose sentence begins with OTHER: no line of a hidden test is shown.
    """
    token = VARIANT.set(variant)
    try:
        yield
    except CheckFailed as failure:
        raise CheckFailed(f"{OTHER} {failure}") from None
    except Exception as error:
        raise CheckFailed(f"{OTHER} {message_of(error)}") from None
    finally:
        VARIANT.reset(token)


def seeded(seed: int) -> np.random.Generator:
    """The random generator for the inputs of a check: that of `seed`, within `other_inputs` one that depends on the variant
    too.
    """
    variant = VARIANT.get()
    return np.random.default_rng(seed if variant is None else [variant, seed])


def inputs(given: T, other: Callable[[np.random.Generator], T]) -> T:
    """The inputs `given`, within `other_inputs` what `other(generator)` draws in their place."""
    return given if VARIANT.get() is None else other(seeded(0))


# calling what the student wrote ---------------------------------------------------------------------------------------

def call(function: Callable, *arguments, hints: Iterable[tuple[str, str]] = (), **named):
    """What the student's function gives, for arguments of which it gets copies.

    hints  pairs (words, sentence): what an exception with these words means in this task, before what it means in any;
           with the words "gives None", what that means

    Raises CheckFailed if the function is not their own, is not written yet, raises itself, gives None or changes an argument.
    """
    own(function)
    return run(function, *arguments, hints=hints, **named)


def run(function: Callable, *arguments, hints: Iterable[tuple[str, str]] = (), **named):
    """As `call`, for a task in which `utils` may be used."""
    given, name = [_copy(argument) for argument in arguments], _name(function)
    try:
        with np.errstate(all="ignore"):  # what overflows is told by the check
            value = function(*given, **named)
    except CheckFailed:
        raise
    except Exception as error:
        line = _line(error, function)
        if isinstance(error, NotImplementedError) and "numpy" not in str(error) and (not line or "NotImplementedError" in line):
            raise CheckFailed(f"{name} is not written yet: replace the line that raises NotImplementedError, and run that "
                              f"cell.") from None
        said = message_of(error)
        meant = next((sentence for words, sentence in [*hints, *slips.EXCEPTIONS] if words in said), "")
        raise CheckFailed(f"{name} stops {line}with {said.rstrip('.')}. {meant}" if meant
                          else f"{name} stops {line}with {said}") from None
    require(value is not None, f"{name} gives None: {dict(hints).get('gives None', 'does it end with return?')}")
    require(not (kind := plain.in_disguise(value)), f"{name} gives an object of the class {kind}, expected numbers.")
    for number, (before, after) in enumerate(zip(arguments, given)):
        require(_unchanged(before, after),
                f"{name} changes its argument {_parameter(function, number)} in place: work on a copy. "
                "x = x + 1 makes a new array, x += 1 and x[...] = 1 write into the one that was given.")
    return value


def attempt(function: Callable[[], T], sentence: str) -> T:
    """What a function that runs the student's network or compiles their function gives. Raises CheckFailed if that stops.

    sentence  with {} where the error and its message belong
    """
    try:
        return function()
    except Exception as error:
        raise CheckFailed(sentence.replace("{}", message_of(error))) from None


def results(function: Callable, value, *names: str) -> tuple:
    """`value` as the tuple of `names` that the student's function was asked for. Raises CheckFailed if it is not one."""
    require(isinstance(value, tuple | list) and len(value) == len(names),
            f"{_name(function)} gives {'one value' if not isinstance(value, tuple | list) else f'{len(value)} values'}, expected "
            f"{len(names)}: return {', '.join(names)}.")
    return tuple(value)


def whole(value) -> int | None:
    """A whole number, of Python's or NumPy's, as one of Python's; None for anything else."""
    try:
        return operator.index(value)
    except TypeError:
        return None


def own(function: Callable) -> None:
    """Raise CheckFailed unless `function`, or a class, was written in this notebook,
    and leaves the work to nothing in `utils`.
    """
    function = python_function(function)
    require(bool(_written(function)), f"{_name(function)} is not a function: define it with def.")
    require(not function.__module__.startswith("utils"),
            f"{function.__name__} comes from utils: write your own, that is the task.")
    for name, value in names_used(function):
        require(_package(value) != "utils",
                f"{function.__name__} uses {name}, which is part of utils: write the code yourself, that is the task.")


def written_out(function: Callable, names: set[str] = LIBRARIES, what: str = "it") -> None:
    """As `own`; raise CheckFailed also if the function, or one of the notebook that it calls, uses what is in `names`.

    names  of functions, modules and packages; a function of the notebook may have one of these names
    """
    own(function)
    function = python_function(function)
    for part in (function, *(value for _, value in names_used(function) if _of_notebook(value, function))):
        own(part)
        for name, value in names_used(part):
            ready = names & {name.split(".")[0], getattr(value, "__name__", ""), _package(value)}
            where = "" if part is function else f" (in {part.__name__})"
            require(not ready or _of_notebook(value, function),
                    f"{function.__name__} leaves the work to {name}{where}: write {what} yourself, that is the task.")


def shaped(name: str, value, shape: Iterable[int]) -> None:
    """Raise CheckFailed unless `value` has the shape [..]."""
    require(np.shape(value) == tuple(shape), f"{name} has shape {list(np.shape(value))}, expected {list(shape)}.")


# comparing ------------------------------------------------------------------------------------------------------------

def equal(name: str, got, expected, mistakes: Mistakes = (), *, tolerance: float = 1e-5,
          given: dict[str, Any] | None = None, nan: str = "") -> None:
    """Raise CheckFailed unless `got` equals `expected`, in shape and within `tolerance` of the largest expected value.

    mistakes  (sentence, value or function that gives it, ...): the sentence of the first that has `got` is shown
    given     the inputs by name, which are shown when they are small
    nan       what NaN and infinity mean in this task
    """
    try:
        require(not (kind := plain.strange(got)), f"{name} is {slips.kind(got)}, expected numbers.")
        values = np.asarray(got, dtype=np.float64)
    except (TypeError, ValueError):
        raise CheckFailed(f"{name} is {slips.kind(got)}, expected numbers.") from None
    expected = np.asarray(expected, dtype=np.float64)
    if slips.close(values, expected, tolerance):
        return
    with np.errstate(all="ignore"):
        for sentence, *several in mistakes:
            for wrong in several:
                if slips.close(values, np.asarray(wrong() if callable(wrong) else wrong, dtype=np.float64), tolerance):
                    raise CheckFailed(sentence)
        if slip := slips.named(got, values, expected, tolerance, given):
            raise CheckFailed(f"{name} {re.sub(r'(?=: |[.]$)', lambda _: _shown(given), slip, count=1)}")  # before what it means
    require(values.shape == expected.shape,
            f"{name} has shape {list(values.shape)}, expected {list(expected.shape) or 'one number'}.")
    require(bool(np.isfinite(values).all()), f"{name} holds NaN or infinity{f': {nan}' if nan else f'{_shown(given)}.'}")
    worst = np.unravel_index(np.argmax(np.abs(values - expected)), expected.shape)
    place = f" at {[int(index) for index in worst]}" if expected.ndim else ""
    raise CheckFailed(f"{name} is {_number(values[worst])}{place}, expected {_number(expected[worst])}{_shown(given)}.")


def _number(value: float) -> str:
    """Whole numbers with all their digits, others with five."""
    return f"{value:.0f}" if value == round(value) and abs(value) < 1e15 else f"{value:.5g}"


def _shown(given: dict[str, Any] | None) -> str:
    """" for x = [1, 2]", the inputs that have at most SMALL numbers; "" where one has more."""
    arrays = {name: np.asarray(value) for name, value in (given or {}).items()}
    if not arrays or any(array.size > slips.SMALL for array in arrays.values()):
        return ""
    return " for " + ", ".join(f"{name} = {np.array2string(array, precision=4, separator=', ')}"
                               for name, array in arrays.items())


# what a failure says --------------------------------------------------------------------------------------------------

def message_of(error: Exception) -> str:
    """An error and its message; of a long one, as TensorFlow and Keras write them, the line that says what happened."""
    text = re.sub(r"\x1b\[\d+m", "", str(error))
    # all values of an array
    text = re.sub(r"^Passed in object .*? of type", "Passed in an object of type", text, flags=re.DOTALL)
    text = re.split(r"Arguments received by|[:,(]* *<tf\.|\. Received args", text)[0] or text  # the values that follow fill pages
    text = re.sub(r"^\{\{.*?\}\} *|\s*(; NodeDef: |\[Op:\w+\]).*", "", text, flags=re.DOTALL)  # which kernel, on which device
    lines = text.splitlines()
    lines = [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("[[{{")]
    name, long = type(error).__name__, len(str(error).splitlines()) > 3 and lines
    if long and re.match(r"\w+Error: ", lines[-1]):  # what happened inside tf.data
        return lines[-1]
    said = lines[-1] if long else text
    return f"{name}: {said}" if said else f"{name}"


def _line(error: Exception, function: Callable) -> str:
    """"in line 3, `y = x @ w`, " of the notebook, the last one that the error went through; "" if there is none."""
    notebook = next((part.__globals__ for part in _written(python_function(function))), None)
    frames = [(frame.f_code.co_filename, number) for frame, number in traceback.walk_tb(error.__traceback__)
              if frame.f_globals is notebook and notebook is not None and "__autograph" not in frame.f_code.co_filename]
    if not frames:
        return ""
    text = linecache.getline(*frames[-1]).strip()
    return f"in line {frames[-1][1]}, `{text}`, " if text else f"in line {frames[-1][1]} "


def _copy(value):
    """A copy of an array, or of lists and dictionaries of arrays; anything else (tensors, variables, models) as it is."""
    if isinstance(value, np.ndarray):
        return value.copy()
    if type(value) in (list, tuple):
        return type(value)(_copy(one) for one in value)
    return {key: _copy(one) for key, one in value.items()} if type(value) is dict else value


def _unchanged(before, after) -> bool:
    if isinstance(before, np.ndarray):
        return (before.shape == after.shape and before.dtype == after.dtype
                and np.array_equal(before, after, equal_nan=before.dtype.kind == "f"))
    if type(before) in (list, tuple):
        return len(before) == len(after) and all(map(_unchanged, before, after))
    return all(_unchanged(before[key], after.get(key)) for key in before) if type(before) is dict else before is after


def _parameter(function: Callable, number: int) -> str:
    """The name of an argument of the student's function, by its place."""
    names = list(signature(python_function(function)).parameters)
    return names[number] if number < len(names) else str(number + 1)


def names_used(function: Callable) -> list[tuple[str, object]]:
    """The names in a function or class and in those inside it, with the value of a global one and of an import, else None."""
    parts, found = [(part.__code__, part.__globals__) for part in _written(function)], []
    for code, notebook in parts:
        parts += [(constant, notebook) for constant in code.co_consts if isinstance(constant, CodeType)]
        for step in dis.get_instructions(code):
            if step.opcode in dis.hasname:
                value = python_function(notebook.get(step.argval)) if step.opname == "LOAD_GLOBAL" else None
                found.append((step.argval, ModuleType(step.argval) if step.opname == "IMPORT_NAME" else value))
    return found


def _written(value) -> list[FunctionType]:
    """A function of Python as a list, or the methods of a class; [] for anything else."""
    parts = map(python_function, vars(value).values()) if isinstance(value, type) else [value]
    return [part for part in parts if isinstance(part, FunctionType)]


def python_function(value):
    """The Python function under a decorator @tf.function, or several; anything else as it is."""
    while hasattr(value, "python_function"):
        value = value.python_function
    return value


def _of_notebook(value, function: Callable) -> bool:
    return isinstance(value, FunctionType) and value.__module__ == function.__module__


def _package(value) -> str:
    """The package that a value is or comes from."""
    name = value.__name__ if isinstance(value, ModuleType) else getattr(value, "__module__", None) or ""
    return name.split(".")[0]


def _name(value) -> str:
    return getattr(python_function(value), "__name__", repr(value))
