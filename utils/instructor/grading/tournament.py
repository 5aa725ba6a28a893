"""The tournament: everybody's modified image against everybody's detector. Called by course.py.

python -m utils.instructor.grading.tournament DIR [--out DIR] [--first DIR] ...

Each script is started twice, in the sandbox: with the originals of all teams and half of the hidden faces, then with the modified
images and the other half. So it never sees an image beside the one that it was made from, which would tell an attack from a face.
In the second call each image, faces too, comes with NEAR that differ from it in one pixel by one grey level, and the majority
counts: an image learnt by heart does not. What a script said is stored, so a run that was killed goes on where it was. The
course's own detectors play too, so that a class of one has somebody to play against.
"""
import argparse
import json
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import joblib
import numpy as np
from tqdm import tqdm

from utils.data.images import FACE_SIZE, to_float
from utils.instructor.files import MachineFault, machine_faults, of_machine, write_whole
from utils.instructor.grading import (answers, class_folder, clean_copy, hidden, manifest, rubric, sandbox, stamp,
                                      submission, supervise, tournament_results)
from utils.instructor.grading.class_folder import CannotGrade
from utils.instructor.grading.grade import load_references
from utils.instructor.grading.hidden import Hidden
from utils.instructor.grading.ranking import Team, images_of, majority
from utils.instructor.grading.rubric import Rubric
from utils.instructor.grading.tournament_results import EARLIER

FACES = 200  # hidden faces beside the images: who says "man" to everything is never fooled
NEAR = 2  # images near each one of the second call


def tournament(folder: Path, out: Path | None = None, *, hidden_file: Path | None = None, seed: int | None = None,
               first: Path | None = None, rubric_file: Path = rubric.DEFAULT, isolated: bool = True) -> Path:
    """Play all submissions in `folder`; gives the folder of the results, `folder`-tournament by default.

    first   the results of a first round: its images are played too, and the page shows what has changed since
    others  as for `grade.grade`

    Raises CannotGrade, ValueError (hidden set, rubric), MachineFault and sandbox.SandboxMissing.
    """
    sources = clean_copy.entries(folder) if folder.is_dir() else []
    if not sources:
        raise CannotGrade(f"{folder} holds no folder and no zip file: name the folder that holds the submissions.")
    out = out or folder.with_name(folder.name + "-tournament")
    rules, before = rubric.load(rubric_file), tournament_results.read(first) if first else None
    if isolated:
        sandbox.check()
    with machine_faults("The tournament stopped"):
        (out / "results").mkdir(parents=True, exist_ok=True)
        class_folder.need_room(out)
        with class_folder.alone(out):
            seed = before["seed"] if before else class_folder.kept_seed(out, seed)
            class_folder.write_settings(out, seed, [])
            faces = hidden.from_file(hidden_file) if hidden_file else hidden.rendered(seed, FACES)
            faces = Hidden(faces.levels[:FACES], faces.labels[:FACES], {}, faces.source)
            with tempfile.TemporaryDirectory(dir=out, prefix=".scratch-") as scratch:
                teams, absent = _teams(sources, Path(scratch), seed)
                images = images_of(teams) | ({EARLIER.format(code): pair for code, pair in before["images"].items()}
                                             if before else {})
                played = _play(teams, images, faces, out, seed, rules, isolated)
            references = dict(zip((f"the course's {name}" for name in rules.references), load_references(rules.references)))
            told = {code: said for code, (said, _) in played.items()} | _of_course(references, images, faces)
            why = {code: _without_quotes(faults) for code, (_, faults) in played.items()}
            tournament_results.write(out, teams, images, told, why, absent, list(references), faces, before, seed)
    return out


def _teams(sources: Sequence[Path], scratch: Path, seed: int) -> tuple[list[Team], list[tuple[str, str, str]]]:
    """(the submissions with a script, as clean copies, in the order of their codes, as that of the names would tell who is who;
    of the others code, what they may be called, and why they do not play)."""
    found, absent = [], []
    for source, name in class_folder.names_of(sources).items():
        code, place = class_folder.code_of(name, seed), scratch / class_folder.code_of(name, seed)
        try:
            faults = clean_copy.take_in(source, place)
            handed = submission.find(place, faults + manifest.keep_listed(place))
        except (clean_copy.BadSubmission, MachineFault) as problem:
            print(f"{clean_copy.plain(name)} (team {code}) does not play: {problem}", file=sys.stderr)
            absent.append((code, f"team {code}", "The submission could not be read."))
            continue
        shown = handed.names or clean_copy.plain(name) if handed.consent else f"team {code}"
        if handed.folder is None:
            print(f"{clean_copy.plain(name)} (team {code}) does not play: there is no infer.py.", file=sys.stderr)
            absent.append((code, shown, "There is no infer.py."))
            continue
        found.append(Team(code, shown, handed.folder, handed.pictures, handed.label, handed.consent))
    twice = Counter(team.shown for team in found)
    found = [team._replace(shown=f"{team.shown} ({team.code})") if twice[team.shown] > 1 else team for team in found]
    return sorted(found, key=lambda team: team.code), sorted(absent)


def _play(teams: Sequence[Team], images: Mapping[str, np.ndarray], faces: Hidden, out: Path, seed: int, rules: Rubric,
          isolated: bool) -> dict[str, tuple[np.ndarray, list[str]]]:
    """{code: (what its script says of originals, modified images and faces, [2 * images + faces], -1 for no answer; its faults)};
    stored as soon as known."""
    (originals, modified), half = _pairs(images), len(faces.levels) // 2
    rng = np.random.default_rng([seed, 0, 1])
    calls = (np.concatenate([originals, faces.levels[:half]]),
             np.concatenate([np.concatenate([level[None], answers.near(level, rng, NEAR)])
                             for level in (*modified, *faces.levels[half:])]
                            or [np.empty([0, *faces.levels.shape[1:]], np.uint8)]))
    everything = np.concatenate(calls)
    setting = (stamp.of_course() + str(rules.limits) + str([len(call) for call in calls])
               + Hidden(everything, np.arange(len(everything)), {}, "").digest())

    def one(number: int, team: Team) -> tuple[str, tuple[np.ndarray, list[str]]]:
        path, mark = out / "results" / f"{team.code}.json", stamp.of_submission(team.source, setting)
        try:
            kept = json.loads(path.read_text(encoding="utf-8"))
            if kept["stamp"] == mark != "" and len(kept["said"]) == 2 * len(images) + len(faces.levels):
                return team.code, (np.array(kept["said"]), list(map(str, kept["faults"])))
        except (OSError, ValueError, KeyError, TypeError):
            pass
        try:
            (first, _, faults), (second, _, more) = (
                answers.ask_about(call, team.source, np.random.default_rng([seed, number, turn]), rules.limits, isolated=isolated,
                                  scratch=team.source.parent) for turn, call in enumerate(calls))
            second = majority(second.reshape(-1, 1 + NEAR))
            said = np.concatenate([first[:len(images)], second[:len(images)], first[len(images):], second[len(images):]])
            faults = list(dict.fromkeys([*faults, *more]))
            if supervise.waited(faults):
                mark = ""  # the machine may have been busy: it plays again in the next run
        except Exception as error:  # one team never stops the others
            if of_machine(error):
                raise
            said, faults, mark = (np.full(2 * len(images) + len(faces.levels), -1),
                                  [f"The tournament could not start it ({type(error).__name__})."], "")
        write_whole(path, json.dumps({"stamp": mark, "said": said.tolist(), "faults": faults}))
        return team.code, (said, faults)

    running = joblib.Parallel(joblib.cpu_count(), backend="threading", return_as="generator_unordered")(
        joblib.delayed(one)(number, team) for number, team in enumerate(teams))
    return dict(tqdm(running, total=len(teams), unit="team", desc="played", file=sys.stderr))


def _pairs(images: Mapping[str, np.ndarray]) -> np.ndarray:
    """The originals and the modified images, uint8 [2, images, 48, 48]."""
    return np.array(list(images.values()), np.uint8).reshape(-1, 2, FACE_SIZE, FACE_SIZE).swapaxes(0, 1)


def _without_quotes(faults: Sequence[str]) -> str:
    """Faults for the page of the class, without what a script printed."""
    return " ".join(re.sub(r" (Its last words|The first): .*", "", fault) for fault in faults)


def _of_course(references: Mapping[str, Callable], images: Mapping[str, np.ndarray], faces: Hidden) -> dict[str, np.ndarray]:
    levels = to_float(np.concatenate([*_pairs(images), faces.levels])[..., None])
    return {name: np.argmax(np.asarray(detector(levels)), axis=1) for name, detector in references.items()}


def main(words: list[str]) -> int:
    """Run the command line; the exit status is 0, or 1 where something is missing or wrong."""
    parser = argparse.ArgumentParser(prog="course.py tournament",
                                     description="Play everybody's image against everybody's detector.")
    parser.add_argument("folder", type=Path, metavar="DIR", help="the submissions, as for grade")
    parser.add_argument("--out", type=Path, metavar="DIR", help="where the results go (DIR-tournament)")
    parser.add_argument("--first", type=Path, metavar="DIR", help="the results of a first round: its images are played too")
    parser.add_argument("--hidden", type=Path, metavar="FILE.npz", help="hidden faces, as for grade")
    parser.add_argument("--seed", type=int, metavar="N", help="of the rendered hidden faces; drawn and kept if you name none")
    parser.add_argument("--rubric", type=Path, metavar="FILE.toml", default=rubric.DEFAULT,
                        help="for its limits and reference detectors")
    parser.add_argument("--unsafe-no-sandbox", action="store_true", help="run strangers' scripts as yourself, unprotected")
    asked = parser.parse_args(words)
    try:
        out = tournament(asked.folder.resolve(), asked.out and asked.out.resolve(), hidden_file=asked.hidden, seed=asked.seed,
                         first=asked.first, rubric_file=asked.rubric, isolated=not asked.unsafe_no_sandbox)
    except (CannotGrade, MachineFault, sandbox.SandboxMissing, ValueError) as problem:
        print(f"tournament: {problem}", file=sys.stderr)
        return 1
    print(f"{out.name}/ holds tournament.html, tournament.csv, matrix.csv, and first_round.npz to hand out before a "
          "second round.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
