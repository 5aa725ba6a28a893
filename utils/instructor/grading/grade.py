"""Grade the mini-projects of a class: a folder of submissions, each with `examine`.

What is found out about a submission is kept (`class_folder`) as soon as it is known, so a run that was killed goes on where it
was. Pages and tables are made from these results at the end of each run.
"""
import os
import shutil
import sys
import tempfile
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from queue import SimpleQueue

import joblib
from tqdm import tqdm

from utils.instructor.files import MachineFault, machine_faults, of_machine, write_whole
from utils.instructor.grading import (class_folder, clean_copy, duplicates, hidden, pages, reflections, rubric, sandbox, stamp,
                                      supervise)
from utils.instructor.grading.class_folder import CannotGrade
from utils.instructor.grading.examine_project import examine, judge, nothing
from utils.instructor.grading.rubric import Rubric


def grade(folder: Path, out: Path | None = None, *, hidden_file: Path | None = None, seed: int | None = None,
          rubric_file: Path = rubric.DEFAULT, isolated: bool = True) -> Path:
    """Grade each folder and zip file in `folder`; gives the folder of the results, `folder`-graded beside it by default.

    hidden_file  NPZ with the hidden test faces, see `hidden.from_file`; without it faces are rendered
    seed         decides which faces are rendered, and names and order of the files a script sees;
                 drawn and kept if it is not given
    isolated     run scripts in the sandbox; without it they may do whatever the caller may do

    Raises CannotGrade, ValueError (hidden set, rubric) and sandbox.SandboxMissing before anything is run, and MachineFault where
    this machine has no disk or memory left: what was being graded then is graded again in the next run.
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
    class_folder.need_room(out)
    with machine_faults("Grading stopped"), class_folder.alone(out):
        seed = class_folder.kept_seed(out, seed)
        faces = hidden.from_file(hidden_file) if hidden_file else hidden.rendered(seed)
        if isolated:
            sandbox.check()
        detectors = load_references(rules.references)
        references = [stamp.of_tree(Path(name)) for name in rules.references if Path(name).is_dir()]
        decides = rules.limits, rules.attack_seconds, rules.norms, rules.references
        setting = stamp.of_texts(stamp.of_course(), *map(str, decides), *references, faces.digest(), str(seed), str(isolated))
        names = class_folder.names_of(sources)
        class_folder.write_settings(out, seed, [class_folder.code_of(name, seed) for name in names.values()])
        waiting = [source for source in sources
                   if not class_folder.done(out, names[source], seed, stamp.of_submission(source, setting))]
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
    """Make all tables and pages from the results (grades.csv, reflections.csv, duplicates.csv, feedback/, class.html);
    delete those of former runs.
    """
    results = class_folder.read_results(out)
    for page in set((out / "feedback").glob("*.html")) - {out / "feedback" / f"{found['page']}.html" for found in results}:
        page.unlink()
    pages.write_grades(out / "grades.csv", results)
    reflections.write(out / "reflections.csv", results)
    pages.write_duplicates(out / "duplicates.csv", duplicates.compare({found["name"]: found["fingerprint"] for found in results}))
    for found in results:
        write_whole(out / "feedback" / f"{found['page']}.html", pages.feedback(found, class_folder.pictures_of(out, found)))
    agreed = {found["code"]: class_folder.pictures_of(out, found) for found in results if found["consent"]}
    write_whole(out / "class.html", pages.of_class(results, agreed))


def delete_pictures(out: Path) -> int:
    """Delete the teams' pictures from the results and make the pages again without them; gives how many. Grades stay."""
    if not (out / "results").is_dir():
        raise CannotGrade(f"There are no results in {out}: nothing was deleted.")
    with class_folder.alone(out):
        class_folder.sweep(out)
        pictures = sorted((out / "pictures").glob("*.png"))
        for path in pictures:
            path.unlink()
        write_reports(out)
    return len(pictures)


# one class ------------------------------------------------------------------------------------------------------------

def _grade_all(waiting: Sequence[Path], names: dict[Path, str], out: Path, faces: hidden.Hidden, rules: Rubric, seed: int,
               detectors: Sequence[Callable], setting: str, isolated: bool, done: int) -> None:
    """Grade the submissions that wait, as many at a time as there are processors, each script on one of its own.

    setting  what a result depends on besides the submission, for its stamp
    done     how many are graded already, for the bar
    """
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
                said = clean_copy.plain(clean_copy.without_paths(str(error)), 200)
                said = said if isinstance(error, MachineFault) else f"The grader stopped with {type(error).__name__}: {said}."
                fault = f"{said} Please look at this one yourself."
                found, pictures = (nothing() | {"faults": [fault], "measured": {}, "judged": [], "score": 0.0,
                                                "maximum": rules.maximum()}, {})
                mark = ""  # tried again in the next run
            class_folder.store(out, name, seed, found | {"stamp": mark}, pictures)
        finally:
            free.put(core)

    class_folder.sweep(out)
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
    for found in class_folder.read_results(out):
        judged = found | judge(found, rules, given.get(found["code"]))
        if found["judged"] and judged != found:  # without lines the grader itself had stopped
            class_folder.write_result(out, judged)
