"""The meta-parameter study of the slides, measured: `COURSE_DATA=DIR python3 course.py study [WORD ...]`.

The runs are listed in `study_runs`, the most important first. Each is stored in data/results/meta_parameters.json as soon as it
is done, and not repeated while it is there. `utils.plot.study` makes the slides' tables from that file.
"""
import argparse
import contextlib
import functools
import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import joblib
from tqdm import tqdm

from utils.instructor.execute import ROOT
from utils.instructor import cluster
from utils.instructor.files import MachineFault, write_whole
from utils.instructor.study_runs import Run, name, runs, work

RESULTS = ROOT / "data" / "results" / "meta_parameters.json"
LEARNING_RATE = 2e-3
CHOOSING = 200  # validation faces that choose the epoch
JUDGING = 500   # training faces that the training accuracy is measured on
CONDITIONS = (f"Adam, learning rate {LEARNING_RATE:g} to 0 along half a cosine, the same for all runs; no augmentation; 'epochs' "
              "passes over 'faces' training faces. The weights are those of the epoch with the best accuracy on the first "
              f"{CHOOSING} validation faces. Accuracies are of the first {JUDGING} training faces, and of all validation and "
              "'tested' test faces. One thread for each run; 'seconds' passed while others used the machine, 'processor_seconds' "
              "do not count the others.")
PROCESS = {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1", "TQDM_DISABLE": "1"}
Row = dict[str, object]


# One run --------------------------------------------------------------------------------------------------------------

def measure(run: Run, folder: str | None, commit: str) -> Row:
    """Train with these settings in this process: a row for the file. A run that fails is a row too, with outcome "KO".

    folder  that of the real faces; commit  of the course
    """
    os.environ.update(PROCESS)  # read when TensorFlow starts, which is why it is not imported above
    from utils import networks, session, training

    row = run._asdict() | {"outcome": "KO", "commit": commit, "date": date.today().isoformat()}
    faces = _faces(run.data, run.faces, folder)
    started, processor = time.perf_counter(), time.process_time()
    try:
        session.start(run.seed)
        build = networks.DenseNet if run.net == "dense" else networks.PlainNet
        network = build(run.blocks, run.filters, run.convolutions, run.dropout, run.batch_norm)
        row["parameters"] = networks.count_parameters(network)
        chosen = replace(faces, x_val=faces.x_val[:CHOOSING], y_val=faces.y_val[:CHOOSING])
        training.fit(network, chosen, epochs=run.epochs, batch_size=run.batch, learning_rate=LEARNING_RATE, seed=run.seed)
        for split, count in (("train", JUDGING), ("val", None), ("test", None)):
            x, y = (getattr(faces, f"{array}_{split}")[:count] for array in "xy")
            row[f"{split}_accuracy"] = round(training.evaluate(network, x, y), 4)
        row |= {"outcome": "trained", "tested": len(faces.y_test)}
    except Exception as error:  # whatever stops a training is a result of the study: memory, a loss that is not finite
        row["why"] = f"{type(error).__name__}: {error}".splitlines()[0][:200]
    return row | {"seconds": round(time.perf_counter() - started, 1),
                  "processor_seconds": round(time.process_time() - processor, 1)}


@functools.lru_cache(maxsize=4)
def _faces(kind: str, count: int, folder: str | None):
    """The faces of a run, loaded once in each process."""
    from utils import data

    before = os.environ.pop("COURSE_DATA", None)
    if kind == "real":
        os.environ["COURSE_DATA"] = folder
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # the line that says what was loaded
            return data.load("faces", count)
    finally:
        os.environ.pop("COURSE_DATA", None)
        if before is not None:
            os.environ["COURSE_DATA"] = before


# The command ----------------------------------------------------------------------------------------------------------

def read(path: Path = RESULTS) -> list[Row]:
    """The rows that are stored."""
    return json.loads(path.read_text(encoding="utf-8"))["rows"] if path.exists() else []


def missing(chosen: list[Run], rows: list[Row]) -> list[Run]:
    """Those of the runs that have no row yet."""
    done = {tuple(row[field] for field in Run._fields) for row in rows}
    return [run for run in chosen if tuple(run) not in done]


def store(path: Path, rows: list[Row]) -> None:
    """Write the file, one row a line."""
    lines = ",\n".join(json.dumps(row) for row in rows)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, f'{{"conditions": {json.dumps(CONDITIONS)},\n"rows": [\n{lines}\n]}}\n')


def study(waiting: list[Run], path: Path, processes: int, scheduler: str | None, commit: str, measured: Callable) -> None:
    """Measure the runs in `processes` processes, or on the cluster of a Dask scheduler, and store each as soon as it is done."""
    folder = os.environ.get("COURSE_DATA")
    rows = read(path)
    with tqdm(total=sum(map(work, waiting)),
              bar_format="{percentage:3.0f} % |{bar}| {elapsed}, {remaining} left {postfix}") as bar:
        for row in _in_parallel([joblib.delayed(measured)(run, folder, commit) for run in waiting], processes, scheduler):
            rows.append(row)
            store(path, rows)
            bar.update(work(Run(**{field: row[field] for field in Run._fields})))
            bar.set_postfix_str(f"{len(rows)} stored")


def _in_parallel(tasks: list, processes: int, scheduler: str | None) -> Iterator[Row]:
    """The results of the tasks in the order in which they come; what a worker that died had begun, another begins again."""
    if scheduler is None:
        yield from joblib.Parallel(processes, batch_size=1, return_as="generator_unordered")(tasks)
        return
    from distributed import Client

    with Client(scheduler) as client:
        yield from cluster.results(client, tasks)


def main(words: list[str], path: Path = RESULTS, measured: Callable = measure) -> int:
    """Measure the runs with all of the words in their names that are not stored yet."""
    parser = argparse.ArgumentParser(prog="course.py study", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("words", metavar="WORD", nargs="*",
                        help="only runs with each of these in their name, such as: real plain 'seed 0'")
    parser.add_argument("--processes", type=int, default=os.cpu_count(),
                        help="how many at once, one thread each (default: all processors)")
    parser.add_argument("--scheduler", metavar="ADDRESS",
                        help="run on the cluster of this Dask scheduler, such as tcp://host:8786; its "
                        "workers need this environment, one thread each (dask worker ADDRESS --nthreads 1) and the folder "
                        "COURSE_DATA")
    parser.add_argument("--list", action="store_true",
                        help="name the runs, those that are stored marked with x, and measure nothing")
    given = parser.parse_args(words)
    chosen = [run for run in runs() if all(word in name(run) for word in given.words)]
    waiting = missing(chosen, read(path))
    if given.list:
        print("\n".join(f"{' ' if run in waiting else 'x'} {name(run)}" for run in chosen))
        return 0
    if not os.environ.get("COURSE_DATA") and any(run.data == "real" for run in waiting):
        print("study: runs on real faces are left out, they need COURSE_DATA", file=sys.stderr)
        waiting = [run for run in waiting if run.data == "rendered"]
    if not chosen:
        print(f"study: no run has {' and '.join(given.words)} in its name; --list names them", file=sys.stderr)
        return 2
    commit = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True,
                            encoding="utf-8").stdout.strip()
    os.environ.update(PROCESS)
    try:
        study(waiting, path, given.processes, given.scheduler, commit, measured)
    except MachineFault as problem:
        print(f"study: {problem}", file=sys.stderr)
        return 1
    failed = [row for row in read(path) if row["outcome"] == "KO"]
    print(f"{len(read(path))} runs are stored in {path.name}, {len(failed)} of them KO; {len(missing(chosen, read(path)))} "
          f"of the {len(chosen)} chosen are not measured.")
    return 0


if __name__ == "__main__":
    from utils.instructor import study as by_its_name  # so that other processes find `measure` where this one has it

    sys.exit(by_its_name.main(sys.argv[1:]))
