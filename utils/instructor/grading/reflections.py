"""What a person grades: reflections.csv has the pages of reflection, and a column of points that the instructor fills in."""
import csv
import math
from collections.abc import Sequence
from pathlib import Path

from utils.instructor.files import write_table
from utils.instructor.grading.rubric import PERSON

COLUMNS = ["student_id", "code", "points", "of", "reflection"]


def write(path: Path, results: Sequence[dict]) -> None:
    """One line for each submission with a reflection; points that stand in the file already stay,
    also of one that is missing this time.

    Raises ValueError as `read` does.
    """
    known, rows = read(path, math.inf), []
    for found in results:
        lines = [line for line in found["judged"] if line["measure"] == PERSON]
        if lines and found["reflection"]:
            points = known.pop(found["code"], lines[0]["given"])
            rows.append({"student_id": found["name"], "code": found["code"], "points": "" if points is None else points,
                         "of": lines[0]["most"], "reflection": found["reflection"]})
    rows += [{"student_id": "", "code": code, "points": points, "of": "", "reflection": ""} for code, points in known.items()]
    write_table(path, COLUMNS, rows)


def read(path: Path, most: float) -> dict[str, float]:
    """{code: points} of the lines that are filled in.

    Raises ValueError with a sentence for what is no number from 0 to `most`.
    """
    if not path.is_file():
        return {}
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            head = file.readline()
            file.seek(0)  # a spreadsheet may have saved it with semicolons
            rows = list(csv.DictReader(file.read().lstrip("\ufeff").splitlines(keepends=True),
                                       delimiter=";" if head.count(";") > head.count(",") else ","))
        written = {row["code"]: row["points"].strip().replace(",", ".") for row in rows}
    except (OSError, UnicodeDecodeError, KeyError, AttributeError, csv.Error):
        raise ValueError(f"{path} cannot be read: it is a csv file in UTF-8 with the columns {', '.join(COLUMNS)}. Delete it, "
                         "and the next run writes it again.") from None
    given = {}
    for code, text in written.items():
        try:
            given[code] = float(text) if text else None
        except ValueError:
            given[code] = -1
        if given[code] is not None and not 0 <= given[code] <= most:
            raise ValueError(f"{path}: the points of {code} are {text!r}, expected a number from 0 to {most:g}, or nothing.")
    return {code: points for code, points in given.items() if points is not None}
