"""Unit 08's table: each defence against the attack that it was published with, and against attackers who know it.

python3 course.py bench defences [WORD ...]

Each row is stored in data/results/defences.json as soon as it is measured, and not measured again while it is there: take it out
of the file to have it once more. With COURSE_DATA=DIR also the rows of real MNIST, which are trained first (an hour or more).
"""
import sys
from collections.abc import Callable

from utils import session
from utils.data import Dataset
from utils.instructor import results
from utils.instructor.defence_rows import MNIST, ROWS
from utils.instructor.results import Measurement, Row

RESULTS = results.FOLDER / "defences.json"


def main(words: list[str]) -> int:
    """Measure and store the rows with one of `words` in their names, all by default, that are not stored yet."""
    def seeded(measure: Callable[[Dataset], Row], training_s: int | None) -> Callable[[Dataset], Row]:
        def row(dataset: Dataset) -> Row:
            session.start(0)
            return measure(dataset) | {"training_s": training_s}
        return row

    rows = {name: Measurement(seeded(measure, training_s), False, kind) for name, (kind, measure, training_s) in ROWS.items()}
    rows |= {name: Measurement(seeded(measure, None), True) for name, measure in MNIST.items()}
    return results.store(RESULTS, "bench defences", rows, words)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
