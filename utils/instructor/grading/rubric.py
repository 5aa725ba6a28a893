"""The rubric: criteria with a measure, thresholds and points, read from a TOML file that an instructor edits.

Lab 06 prints it.
"""
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from utils.instructor.grading.measures import MEASURES
from utils.instructor.grading.supervise import Limits
from utils.instructor.grading.submission import NORMS

DEFAULT = Path(__file__).with_name("rubric.toml")
TESTS = {"more_than": lambda value, bound: value > bound, "at_least": lambda value, bound: value >= bound,
         "at_most": lambda value, bound: value <= bound}
WORDS = {"more_than": "more than", "at_least": "at least", "at_most": "at most"}
PERSON = "person"  # the measure of a line that no program judges
KEYS = {"title", "measure", "points", "needs", "taught", "advice", "questions", *TESTS}
TABLES = {"line", "limits", "attack", "norms", "transfer"}


class Line(NamedTuple):
    """A criterion: `measure` `test` `bounds[i]` gives `points[i]`, where the measure `needs` (or "") is above 0;
    the best that holds counts.

    A line of the measure PERSON has no test and no bounds, and `questions` for the team.
    """

    title: str
    measure: str
    test: str
    bounds: list[float]
    points: list[float]
    needs: str
    taught: str
    advice: str
    questions: list[str]

    def asked(self) -> str:
        """What is asked, in words: "at most 1.5 (1 point), 1 (2 points)"."""
        if self.measure == PERSON:
            return "graded by a person"
        if (self.test, self.bounds) == ("at_least", [1]):  # of a measure that is 0 or 1
            return "yes"
        if len(self.bounds) == 1:
            return f"{WORDS[self.test]} {self.bounds[0]:g}"
        return f"{WORDS[self.test]} " + ", ".join(f"{bound:g} ({_points(points)})"
                                                  for bound, points in zip(self.bounds, self.points))


class Rubric(NamedTuple):
    """The criteria; what scripts may use; seconds of processor time for attack.py; {norm: the unit of "size"};
    names of reference detectors.
    """

    lines: list[Line]
    limits: Limits
    attack_seconds: float
    norms: dict[str, float]
    references: list[str]

    def maximum(self) -> float:
        """The points of all lines."""
        return float(sum(max(line.points) for line in self.lines))

    def by_person(self) -> float:
        """The points that only a person can give."""
        return sum(max(line.points) for line in self.lines if line.measure == PERSON)

    def questions(self) -> list[str]:
        """The questions of the reflection."""
        return [question for line in self.lines for question in line.questions]


class Judged(NamedTuple):
    """What a line came to: the value of its measure (None where it could not be measured) and the points
    (None: a person's turn).
    """

    line: Line
    value: float | None
    points: float | None


def load(path: Path = DEFAULT) -> Rubric:
    """The rubric in a TOML file. Raises ValueError with a sentence that names the line that is wrong."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"The rubric {path.name} cannot be read: {error}.") from None
    unknown = content.keys() - TABLES
    if unknown or not content.get("line"):
        raise ValueError(f"The rubric {path.name} has {', '.join(sorted(unknown)) or 'no [[line]]'}: it holds [[line]], "
                         "[limits], [attack], [norms], [transfer].")
    limits, attack, norms = (content.get(name, {}) for name in ("limits", "attack", "norms"))
    for name, table, keys in (("limits", limits, Limits._fields), ("attack", attack, ("seconds",)), ("norms", norms, NORMS)):
        if table.keys() - set(keys) or not all(_number(value) and value > 0 for value in table.values()):
            raise ValueError(f"The rubric {path.name}: [{name}] holds positive numbers named {', '.join(keys)}.")
    return Rubric([_line(path, number, entry) for number, entry in enumerate(content["line"], 1)], Limits(**limits),
                  attack.get("seconds", 60), dict.fromkeys(NORMS, 1.0) | norms, content.get("transfer", {}).get("references", []))


def judge(rubric: Rubric, measured: Mapping[str, float], person: float | None = None) -> list[Judged]:
    """Each line of the rubric, judged by what was measured; what was not measured gives no points. `person` gave that many
    points.
    """
    judged = []
    for line in rubric.lines:
        if line.measure == PERSON:
            judged.append(Judged(line, None, person))
            continue
        value = measured.get(line.measure)
        counts = value is not None and (not line.needs or measured.get(line.needs, 0) > 0)
        given = [points for bound, points in zip(line.bounds, line.points) if counts and TESTS[line.test](value, bound)]
        judged.append(Judged(line, value, max(given, default=0)))
    return judged


def total(judged: list[Judged]) -> float:
    """The points of a submission so far."""
    return float(sum(entry.points or 0 for entry in judged))


def as_markdown(rubric: Rubric) -> str:
    """The rubric as the lab prints it: a table of the criteria, and the questions of the reflection."""
    rows = [f"| {line.title.replace('|', chr(92) + '|')} | {line.asked()} | {max(line.points):g} | {line.taught} |"
            for line in rubric.lines]
    questions = [f"{number}. {question}" for number, question in enumerate(rubric.questions(), 1)]
    return "\n".join(["| what counts | required | points | taught in |", "|---|---|---|---|", *rows,
                      f"| all | | {rubric.maximum():g} | |", "", "The page of reflection answers:", "", *questions])


def _line(path: Path, number: int, entry: dict) -> Line:
    where, tests = f"The rubric {path.name}, line {number}", [test for test in TESTS if test in entry]
    if unknown := entry.keys() - KEYS:
        raise ValueError(f"{where}, has {', '.join(sorted(unknown))}, which means nothing here.")
    person = entry.get("measure") == PERSON
    bounds = _list(entry[tests[0]]) if len(tests) == 1 else []
    if not person and not (bounds and all(map(_number, bounds))) or person and tests:
        raise ValueError(f"{where}, needs a number, or numbers in brackets, for one of {', '.join(TESTS)}; without one for "
                         "a person.")
    points = _list(entry.get("points"))
    if not all(_number(value) and value >= 0 for value in points) or len(points) != (1 if person else len(bounds)):
        raise ValueError(f"{where}, needs points, 0 or more, as many as there are bounds.")
    for key, known in (("measure", [*MEASURES, PERSON]), ("needs", [*MEASURES, ""])):
        if entry.get(key, "" if key == "needs" else None) not in known:
            raise ValueError(f"{where}: {key} is {entry.get(key)!r}, expected one of {', '.join(filter(None, known))}.")
    texts = [entry.get("title"), *_list(entry.get("questions", []))]
    if not all(isinstance(text, str) for text in texts):
        raise ValueError(f"{where}, needs a title in quotes, and questions in quotes or none.")
    return Line(entry["title"], entry["measure"], "" if person else tests[0], bounds, points, entry.get("needs", ""),
                str(entry.get("taught", "")), str(entry.get("advice", "")), texts[1:])


def _points(points: float) -> str:
    return f"{points:g} point{'' if points == 1 else 's'}"


def _list(value) -> list:
    return value if isinstance(value, list) else [value]


def _number(value) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
