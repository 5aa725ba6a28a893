"""The rubric: lines with a measure, a threshold and points, read from a TOML file that an instructor edits."""
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from utils.instructor.grading.measures import MEASURES
from utils.instructor.grading.sandbox import Limits

DEFAULT = Path(__file__).with_name("rubric.toml")
TESTS = {"more_than": lambda value, bound: value > bound, "at_least": lambda value, bound: value >= bound,
         "at_most": lambda value, bound: value <= bound}


class Line(NamedTuple):
    """One line of the rubric: `measure` `test` `bound` gives `points`, where the measure `needs` (or "") is above 0."""

    title: str
    measure: str
    test: str
    bound: float
    points: float
    needs: str
    bonus: bool
    advice: str


class Rubric(NamedTuple):
    lines: list[Line]
    limits: Limits
    references: list[str]

    def maximum(self) -> float:
        """The points of all lines but the bonus."""
        return sum(line.points for line in self.lines if not line.bonus)


class Judged(NamedTuple):
    """What a line of the rubric came to: the value of its measure (None where it could not be measured) and the points."""

    line: Line
    value: float | None
    points: float


def load(path: Path = DEFAULT) -> Rubric:
    """The rubric in a TOML file. Raises ValueError with a sentence that names the line that is wrong."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"The rubric {path.name} cannot be read: {error}.") from None
    unknown = content.keys() - {"line", "limits", "transfer"}
    if unknown or not content.get("line"):
        raise ValueError(f"The rubric {path.name} has {', '.join(sorted(unknown)) or 'no [[line]]'}: it holds [[line]], [limits], [transfer].")
    wrong = content.get("limits", {}).keys() - set(Limits._fields)
    if wrong or not all(_number(value) and value > 0 for value in content.get("limits", {}).values()):
        raise ValueError(f"The rubric {path.name}: [limits] holds positive numbers named {', '.join(Limits._fields)}.")
    return Rubric([_line(path, number, entry) for number, entry in enumerate(content["line"], 1)], Limits(**content.get("limits", {})),
                  content.get("transfer", {}).get("references", []))


def judge(rubric: Rubric, measured: Mapping[str, float]) -> list[Judged]:
    """Each line of the rubric, judged by what was measured; what was not measured gives no points."""
    judged = []
    for line in rubric.lines:
        value = measured.get(line.measure)
        given = value is not None and TESTS[line.test](value, line.bound) and (not line.needs or measured.get(line.needs, 0) > 0)
        judged.append(Judged(line, value, line.points if given else 0))
    return judged


def total(judged: list[Judged]) -> float:
    """The points of a submission, bonus included."""
    return float(sum(entry.points for entry in judged))


def _line(path: Path, number: int, entry: dict) -> Line:
    where, tests = f"The rubric {path.name}, line {number}", [test for test in TESTS if test in entry]
    unknown = entry.keys() - {"title", "measure", "points", "needs", "bonus", "advice", *TESTS}
    if unknown:
        raise ValueError(f"{where}, has {', '.join(sorted(unknown))}, which means nothing here.")
    if len(tests) != 1 or not _number(entry[tests[0]]):
        raise ValueError(f"{where}, is to have a number for one of {', '.join(TESTS)}.")
    if not _number(entry.get("points")) or entry["points"] < 0:
        raise ValueError(f"{where}, is to have points, 0 or more.")
    for key in ("measure", "needs"):
        if entry.get(key, "" if key == "needs" else None) not in (*MEASURES, *([""] if key == "needs" else [])):
            raise ValueError(f"{where}: {key} is {entry.get(key)!r}, expected one of {', '.join(MEASURES)}.")
    if not isinstance(entry.get("title"), str) or not isinstance(entry.get("bonus", False), bool):
        raise ValueError(f"{where}, is to have a title in quotes, and bonus = true or none.")
    return Line(entry["title"], entry["measure"], tests[0], entry[tests[0]], entry["points"], entry.get("needs", ""),
                entry.get("bonus", False), str(entry.get("advice", "")))


def _number(value) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
