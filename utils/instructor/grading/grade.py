"""Grade the mini-projects of a class: a folder of submissions, each with `examine`.

What is found out about a submission is written to results/ as soon as it is known, so a run that was killed goes on where it was. Pages and
tables are made from these results at the end of each run.
"""
import hashlib
import json
import os
import secrets
import shutil
import sys
import tempfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue

import joblib
from tqdm import tqdm

from utils.data.images import to_png
from utils.instructor.files import MachineFault, machine_faults, of_machine, write_whole
from utils.instructor.grading import (clean_copy, duplicates, hidden, pages, reflections, rubric, sandbox, stamp, submission,
                                        supervise)
from utils.instructor.grading.examine_project import examine, judge, nothing
from utils.instructor.grading.rubric import Rubric


NEEDED_BYTES = 2 << 30  # the clean copies of as many submissions as there are processors, and all results
RESULT_KEYS = {"name", "code", "page", "stamp", "faults", "measured", "judged", "score", "maximum", "fingerprint", "consent", "names", "said",
               "groups", "norm", "reflection"}


class CannotGrade(ValueError):
    """Nothing was graded; the message says why and what to do."""


def grade(folder: Path, out: Path | None = None, *, hidden_file: Path | None = None, seed: int | None = None,
          rubric_file: Path = rubric.DEFAULT, isolated: bool = True) -> Path:
    """Grade each folder and zip file in `folder`; gives the folder of the results, `folder`-graded beside it by default.

    hidden_file  NPZ with the hidden test faces, see `hidden.from_file`; without it faces are rendered
    seed         decides which faces are rendered, and names and order of the files a script sees; drawn and kept if it is not given
    isolated     run scripts in the sandbox; without it they may do whatever the caller may do

    Raises CannotGrade, ValueError (hidden set, rubric) and sandbox.SandboxMissing before anything is run, and MachineFault where this
    machine has no disk or memory left: what was being graded then is graded again in the next run.
    """
    if not folder.is_dir():
        raise CannotGrade(f"There is no folder {folder}: name the folder that holds the submissions.")
    sources = clean_copy.entries(folder)
    if not sources:
        raise CannotGrade(f"{folder} holds no folder and no zip file: each submission is one of the two.")
    out = out or folder.with_name(folder.name + "-graded")
    if out.resolve().is_relative_to(folder.resolve()):
        raise CannotGrade(f"The results would lie among the submissions: name another folder than {out}.")
    rules = rubric.load(rubric_file)
    with machine_faults(f"The results cannot be written to {out}"):
        for name in ("results", "pictures", "feedback"):
            (out / name).mkdir(parents=True, exist_ok=True)
    if (free := shutil.disk_usage(out).free) < NEEDED_BYTES:
        raise CannotGrade(f"The disk of {out} has {free >> 20} MiB free, and grading needs {NEEDED_BYTES >> 20}: make room, or name a folder "
                          f"on another disk with --out.")
    with machine_faults("Grading stopped"), alone(out):
        seed = kept_seed(out, seed)
        faces = hidden.from_file(hidden_file) if hidden_file else hidden.rendered(seed)
        if isolated:
            sandbox.check()
        detectors = load_references(rules.references)
        references = [stamp.of_tree(Path(name)) for name in rules.references if Path(name).is_dir()]
        setting = _digest(stamp.of_course(), *map(str, (rules.limits, rules.attack_seconds, rules.norms, rules.references)), *references,
                          faces.digest(), str(seed), str(isolated))
        names = names_of(sources)
        write_whole(out / "settings.json", json.dumps({"seed": seed, "codes": [code_of(name, seed) for name in names.values()]}))
        waiting = [source for source in sources if not _done(out, names[source], seed, stamp.of_submission(source, setting))]
        _grade_all(waiting, names, out, faces, rules, seed, detectors, setting, isolated, done=len(sources) - len(waiting))
        _judge_again(out, rules, reflections.read(out / "reflections.csv", rules.by_person()))
        write_reports(out)
    return out


def load_references(names: Sequence[str]) -> list[Callable]:
    """The reference detectors of the rubric: names of data/weights, or folders with a SavedModel. Raises CannotGrade."""
    if not names:
        return []  # without starting TensorFlow
    from utils import pretrained
    from utils.quiet import tf

    detectors = []
    for name in names:
        try:
            detectors.append(pretrained.load(name) if name in pretrained.BUILD else tf.saved_model.load(name))
        except (OSError, ValueError) as error:
            raise CannotGrade(f"The reference detector {name!r} of the rubric cannot be loaded ({error}): it is one of "
                              f"{', '.join(pretrained.BUILD)} or a folder with a SavedModel.") from None
    return detectors


def write_reports(out: Path) -> None:
    """Make all tables and pages from the results (grades.csv, reflections.csv, duplicates.csv, feedback/, class.html); delete those of former runs."""
    results = read_results(out)
    for page in set((out / "feedback").glob("*.html")) - {out / "feedback" / f"{found['page']}.html" for found in results}:
        page.unlink()
    pages.write_grades(out / "grades.csv", results)
    reflections.write(out / "reflections.csv", results)
    pages.write_duplicates(out / "duplicates.csv", duplicates.compare({found["name"]: found["fingerprint"] for found in results}))
    for found in results:
        write_whole(out / "feedback" / f"{found['page']}.html", pages.feedback(found, _pictures(out, found)))
    agreed = {found["code"]: _pictures(out, found) for found in results if found["consent"]}
    write_whole(out / "class.html", pages.of_class(results, agreed))


def read_results(out: Path) -> list[dict]:
    """What was found out about each submission of the last run, sorted by name."""
    results = [found for code in _settings(out)["codes"] if (found := _result(out, code))]
    return sorted(results, key=lambda found: found["name"])


def _settings(out: Path) -> dict:
    """The seed of the class and the codes of its submissions. Raises CannotGrade for a file that a run did not leave as it is."""
    path = out / "settings.json"
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return {"seed": int(found["seed"]), "codes": list(found["codes"])}
    except (OSError, ValueError, KeyError, TypeError):
        raise CannotGrade(f"{path} is missing or damaged, and it keeps the seed of this class: name the seed with --seed if you know it, put "
                          f"the file back from a backup, or name another folder with --out.") from None


def _result(out: Path, code: str) -> dict:
    """What is stored of a submission, {} where nothing can be read: it is then graded again."""
    try:
        found = json.loads((out / "results" / f"{code}.json").read_text(encoding="utf-8"))
        return found if RESULT_KEYS <= found.keys() else {}
    except (OSError, ValueError, AttributeError):
        return {}


def delete_pictures(out: Path) -> int:
    """Delete the teams' pictures from the results and make the pages again without them; gives how many. Grades stay."""
    if not (out / "results").is_dir():
        raise CannotGrade(f"There are no results in {out}: nothing was deleted.")
    with alone(out):
        _sweep(out)
        pictures = sorted((out / "pictures").glob("*.png"))
        for path in pictures:
            path.unlink()
        write_reports(out)
    return len(pictures)


# one class ------------------------------------------------------------------------------------------------------------

def _grade_all(waiting, names, out, faces, rules, seed, detectors, setting, isolated, done) -> None:
    """Grade the submissions that wait, as many at a time as there are processors, each script on one of its own."""
    processors = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else list(range(os.cpu_count() or 1))
    free: SimpleQueue = SimpleQueue()
    for processor in processors:
        free.put(processor)

    def one(source: Path) -> None:
        core, name = free.get(), names[source]
        try:
            mark = stamp.of_submission(source, setting)
            try:
                found, pictures = examine(source, faces, rules, [seed, zlib.crc32(os.fsencode(source.name))], detectors,
                                          isolated=isolated, core=core, scratch=scratch)
                if supervise.waited(found["faults"]):
                    mark = ""  # tried again in the next run
            except Exception as error:  # a fault of the grader: it must not cost the others their grades
                if of_machine(error):
                    raise  # the disk is full, say: so it will be for all others
                said = clean_copy.plain(str(error), 200) if isinstance(error, MachineFault) else (
                    f"The grader stopped with {type(error).__name__}: {clean_copy.plain(str(error), 200)}.")
                fault = f"{said} Please look at this one yourself."
                found, pictures = nothing() | {"faults": [fault], "measured": {}, "judged": [], "score": 0.0, "maximum": rules.maximum()}, {}
                mark = ""  # tried again in the next run
            _store(out, name, seed, found | {"stamp": mark}, pictures)
        finally:
            free.put(core)

    _sweep(out)
    scratch = Path(tempfile.mkdtemp(prefix=".scratch-", dir=out))
    scratch.chmod(0o755)
    try:
        running = joblib.Parallel(len(processors), backend="threading", return_as="generator_unordered")(
            joblib.delayed(one)(source) for source in waiting)
        for _ in tqdm(running, total=done + len(waiting), initial=done, unit="submission", desc="graded", file=sys.stderr):
            pass
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _judge_again(out: Path, rules: Rubric, given: dict[str, float]) -> None:
    """Judge what was measured by the rubric as it is now, and add the points that a person has given; no script is run for it."""
    for found in read_results(out):
        judged = found | judge(found, rules, given.get(found["code"]))
        if found["judged"] and judged != found:  # without lines the grader itself had stopped
            _write(out, judged)


def _write(out: Path, found: dict) -> None:
    write_whole(out / "results" / f"{found['code']}.json", json.dumps(found, ensure_ascii=False, indent=1))


def _sweep(out: Path) -> None:
    """Remove what a run that was killed had begun to write."""
    for leftover in out.glob(".scratch-*"):
        shutil.rmtree(leftover, ignore_errors=True)
    for leftover in (*out.glob("results/*.part"), *out.glob("feedback/*.part")):
        leftover.unlink()


def _store(out: Path, name: str, seed: int, found: dict, pictures: dict) -> None:
    code = code_of(name, seed)
    for kind in submission.KINDS:
        path = out / "pictures" / f"{code}_{kind}.png"
        path.unlink(missing_ok=True)
        if kind in pictures:
            path.write_bytes(to_png(pictures[kind]))
    plain = name if name.isascii() and name.replace("-", "").replace("_", "").isalnum() and len(name) <= 60 else code
    shown = clean_copy.plain(name, 200)
    _write(out, {"name": shown if shown == name else f"{shown} ({code})", "code": code, "page": plain} | found)


def _done(out: Path, name: str, seed: int, mark: str) -> bool:
    return _result(out, code_of(name, seed)).get("stamp") == mark != ""


def _pictures(out: Path, found: dict) -> dict[str, bytes]:
    paths = {kind: out / "pictures" / f"{found['code']}_{kind}.png" for kind in submission.KINDS}
    return {kind: path.read_bytes() for kind, path in paths.items() if path.is_file()}


def names_of(sources: Sequence[Path]) -> dict[Path, str]:
    """The name of each submission: that of its folder or zip file, without .zip unless two would have the same."""
    short = [source.name if source.is_dir() else source.stem for source in sources]
    every = Counter(name for source, name in zip(sources, short) for name in {name, source.name})
    return {source: name if every[name] == 1 else source.name for source, name in zip(sources, short)}


def code_of(name: str, seed: int) -> str:
    """What a submission is called where its name must not appear; without the seed nobody can compute it."""
    return _digest(str(seed), "code", name)[:10]


def kept_seed(out: Path, seed: int | None) -> int:
    """The seed of this class: the given one, the one of the last run that settings.json keeps, or a new one.

    Raises CannotGrade where another seed was used before: codes and faces would no longer be those of the results that are there.
    """
    try:
        before = _settings(out)["seed"] if (out / "settings.json").is_file() else None
    except CannotGrade:
        if seed is None:
            raise
        before = seed
    if before is not None and seed is not None and seed != before:
        raise CannotGrade(f"{out} was graded with the seed {before}: leave --seed out, or name another folder with --out.")
    return next(value for value in (seed, before, secrets.randbelow(2**63)) if value is not None)


@contextmanager
def alone(out: Path) -> Iterator[None]:
    """While it is entered, no other grading writes to the same folder. Raises CannotGrade if one does."""
    with open(out / ".lock", "w", encoding="utf-8") as file:
        try:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except ImportError:  # Windows, where scripts can be graded only without a sandbox
            pass
        except OSError:
            raise CannotGrade(f"{out} is being written by another grading: wait for it to end.") from None
        yield


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()
