"""Unit 08's table: each defence against the attack that it was published with, and against attackers who know it.

python3 course.py bench defences [WORD ...]

Each row is stored in data/results/defences.json as soon as it is measured, and not measured again while it is there: take it out
of the file to have it once more. With COURSE_DATA=DIR also the rows of real MNIST, which are trained first (an hour or more).
"""
import json
import os
import platform
import sys
import time
from datetime import date

from utils import data, session
from utils.instructor.defence_rows import MNIST, ROWS
from utils.instructor.execute import ROOT
from utils.instructor.files import write_whole
from utils.instructor.published import read, rounded
from utils.quiet import tf

RESULTS = ROOT / "data" / "results" / "defences.json"


def main(words: list[str]) -> int:
    """Measure and store the rows with one of `words` in their names, all by default, that are not stored yet."""
    folder = os.environ.pop("COURSE_DATA", None)
    rows = ROWS | {name: ("digits", measure, None) for name, measure in MNIST.items()}
    chosen = [name for name in rows if not words or any(word in name for word in words)]
    if not chosen:
        print(f"defences: nothing has {' or '.join(words)} in its name: {', '.join(rows)}", file=sys.stderr)
        return 2
    for name in chosen:
        (kind, measure, training_s), real = rows[name], name in MNIST
        if name in read(RESULTS):
            print(f"{name}: stored already")
        elif real and not folder:
            print(f"{name}: needs COURSE_DATA")
        else:
            os.environ.update(COURSE_DATA=folder) if real else os.environ.pop("COURSE_DATA", None)
            session.start(0)
            dataset, started = data.load(kind), time.process_time()
            found = measure(dataset)
            found |= {"training_s": training_s, "data": dataset.source, "seconds": round(time.process_time() - started),
                      "date": date.today().isoformat(), "command": f"course.py bench defences '{name}'",
                      "versions": {"python": platform.python_version(), "tensorflow": tf.__version__}}
            write_whole(RESULTS, json.dumps(rounded(read(RESULTS) | {name: found}), indent=1, ensure_ascii=False) + "\n")
            print(f"{name}: {found['seconds']} s, {rounded(found)}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
