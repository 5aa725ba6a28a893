"""Numbers that take long to measure, row by row: each is stored in data/results as soon as it is there, and is not measured again
while it stands in the file. Numbers only, no image is stored. Used by `course.py acceptance` and those of `course.py bench`.
"""
import json
import math
import os
import platform
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import NamedTuple

from utils import data
from utils.data import Dataset
from utils.instructor.files import ROOT, write_whole
from utils.quiet import tf

FOLDER = ROOT / "data" / "results"
Row = dict[str, object]


class Measurement(NamedTuple):
    """What gives a row, of which data set: the real one (True), the built-in one (False), or whichever is at hand (None)."""
    measure: Callable[[Dataset | None], Row]
    real: bool | None = None
    kind: str | None = "digits"  # None: it is given no data set
    settings: Row | None = None  # stored with the row: one that was stored with others is measured again


def read(path: Path) -> dict[str, Row]:
    """The rows that are stored, by their names."""
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def store(path: Path, command: str, measurements: Mapping[str, Measurement], words: Sequence[str]) -> int:
    """Measure and store what has one of `words` in its name (all by default), unless it is stored: what `course.py COMMAND` does.

    Each row also says its data, seconds of elapsed and of processor time, date, command and versions. The status: 0, or 2 if
    nothing has such a name. A row that raises leaves those before it stored.
    """
    chosen = {name: one for name, one in measurements.items() if not words or any(word in name for word in words)}
    if not chosen:
        print(f"{command}: nothing has {' or '.join(words)} in its name: {', '.join(measurements)}", file=sys.stderr)
        return 2
    folder = os.environ.get("COURSE_DATA")
    for name, (measure, real, kind, settings) in chosen.items():
        if name in read(path) and read(path)[name].get("settings") == settings:
            print(f"{name}: stored already")
            continue
        if real and not folder:
            print(f"{name}: needs COURSE_DATA")
            continue
        os.environ.update(COURSE_DATA=folder) if folder and real is not False else os.environ.pop("COURSE_DATA", None)
        dataset, started, processor_started = data.load(kind) if kind else None, time.perf_counter(), _processor_seconds()
        row = measure(dataset) | ({"settings": settings} if settings else {}) | ({"data": dataset.source} if dataset else {})
        row |= {"seconds": round(time.perf_counter() - started),
                "processor seconds": round(_processor_seconds() - processor_started), "date": date.today().isoformat(),
                "command": f"course.py {command} '{name}'",
                "versions": {"python": platform.python_version(), "tensorflow": tf.__version__}}
        write_whole(path, json.dumps(read(path) | {name: rounded(row)}, indent=1, ensure_ascii=False) + "\n")
        print(f"{name}: {row['seconds']} s, {rounded(row)}", flush=True)
    return 0


def _processor_seconds() -> float:
    """Of this process and, but on Windows, of those that it has waited for."""
    return sum(os.times()[:4])


def rounded(value: object) -> object:
    """`value` with each float in it at 4 significant digits, None for one that is not finite."""
    if isinstance(value, dict):
        return {key: rounded(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [rounded(one) for one in value]
    if isinstance(value, float):
        return float(f"{value:.4g}") if math.isfinite(value) else None
    return value
