"""The tournament: everybody's modified image against everybody's detector. Called by course.py.

python -m utils.instructor.grading.tournament DIR [--out DIR] [--first DIR] ...

Each script is started once, in the sandbox, with the images of all teams and some hidden faces. What it said is stored, so a run that was
killed goes on where it was. The course's own detectors play too, so that a class of one has somebody to play against.
"""
import argparse
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import joblib
import numpy as np
from scipy.stats import rankdata
from tqdm import tqdm

from utils.data.images import FACE_CLASSES, WHITE, to_float
from utils.instructor.files import MachineFault, machine_faults, of_machine, write_table, write_whole
from utils.instructor.grading import answers, grade, hidden, manifest, pages, rubric, sandbox, stamp, submission
from utils.instructor.grading.grade import CannotGrade
from utils.instructor.grading.hidden import Hidden
from utils.instructor.grading.rubric import Rubric

FACES = 200  # hidden faces beside the images: who says "man" to everything is never fooled
ACCURACY = 0.85  # on them, to be ranked as a detector
LARGEST = 2.0  # L2 of DX, to be ranked as an attack


class Team(NamedTuple):
    """A submission that plays: its code on the page, its name (a code unless it agreed to be shown), grey levels and label."""

    code: str
    shown: str
    source: Path
    pictures: dict[str, np.ndarray]
    label: str
    consent: bool = False


class Row(NamedTuple):
    """What a team or a course's detector did: shares and how many they are of, NaN where nothing counts; ranks, 0 for none."""

    team: str
    accuracy: float
    fooled_by: float
    of_images: int
    robust_rank: int
    fools: float
    of_detectors: int
    transfer_rank: int
    L2: float
    L2_rank: int


def fooled(labels: np.ndarray, said: np.ndarray) -> np.ndarray:
    """Who fools whom, [images, detectors]: 1 fooled, 0 not, NaN where the detector is wrong for the original or gives no answer.

    labels  of the originals, [images]: 0 or 1, -1 where it is not known
    said    of the originals and the modified images, [2, images, detectors]: 0, 1, or -1 for no answer
    """
    original, modified = said
    counts = (original == labels[:, None]) & (labels[:, None] >= 0) & (modified >= 0)
    return np.where(counts, (modified != original).astype(float), np.nan)


def shares(who_fools: np.ndarray, own: Sequence[int | None], axis: int) -> tuple[np.ndarray, np.ndarray]:
    """The mean over the images (axis 0) or the detectors (axis 1) of what counts, without a team's own, and how many those are.

    own  for each image the place of its team's detector among the columns, or None
    """
    counted = who_fools.copy()
    for image, detector in enumerate(own):
        if detector is not None:
            counted[image, detector] = np.nan
    number = np.isfinite(counted).sum(axis)
    return np.where(number > 0, np.nansum(counted, axis) / np.maximum(number, 1), np.nan), number


def ranks(values: Sequence[float]) -> list[int]:
    """1 for the smallest; equal values share a rank and the next one is left out; 0 for NaN."""
    values = np.asarray(values, float)
    found = np.zeros(len(values), int)
    found[np.isfinite(values)] = rankdata(values[np.isfinite(values)], method="min")
    return found.tolist()


def table(teams: Sequence[Team], others: Sequence[str], who_fools: np.ndarray, accuracy: np.ndarray) -> list[Row]:
    """A row for each detector: those of the teams that have a script, in the order of the columns, then the course's `others`."""
    own = list(range(len(teams)))
    fooled_by, of_images = shares(who_fools, own, 0)
    fools, of_detectors = shares(who_fools, own, 1)
    sizes = np.array([_l2(team) if who_fools[place, place] == 1 else np.nan for place, team in enumerate(teams)] + [np.nan] * len(others))
    padded = np.concatenate([fools, np.full(len(others), np.nan)])
    small = np.array([_l2(team) <= LARGEST for team in teams] + [False] * len(others))
    robust = ranks(np.where(accuracy > ACCURACY, fooled_by, np.nan))
    transfer = ranks(np.where(small, -padded, np.nan))
    smallest = ranks(sizes)
    counts = [*of_detectors.tolist(), *[0] * len(others)]
    names = [*(team.shown for team in teams), *others]
    return [Row(*row) for row in zip(names, accuracy.tolist(), fooled_by.tolist(), of_images.tolist(), robust, padded.tolist(), counts,
                                     transfer, sizes.tolist(), smallest)]


def _l2(team: Team) -> float:
    """The L2 norm of a team's DX, NaN without both images."""
    if not {"ori", "mod"} <= team.pictures.keys():
        return float("nan")
    return float(np.linalg.norm((team.pictures["mod"].astype(float) - team.pictures["ori"]) / WHITE))


# playing --------------------------------------------------------------------------------------------------------------

def tournament(folder: Path, out: Path | None = None, *, hidden_file: Path | None = None, seed: int | None = None,
               first: Path | None = None, rubric_file: Path = rubric.DEFAULT, isolated: bool = True) -> Path:
    """Play all submissions in `folder`; gives the folder of the results, `folder`-tournament by default.

    first   the results of a first round: its images are played too, and the page shows what has changed since
    others  as for `grade.grade`

    Raises CannotGrade, ValueError (hidden set, rubric), MachineFault and sandbox.SandboxMissing.
    """
    sources = submission.entries(folder) if folder.is_dir() else []
    if not sources:
        raise CannotGrade(f"{folder} holds no folder and no zip file: name the folder that holds the submissions.")
    out = out or folder.with_name(folder.name + "-tournament")
    rules, before = rubric.load(rubric_file), _round(first) if first else None
    if isolated:
        sandbox.check()
    with machine_faults("The tournament stopped"):
        (out / "results").mkdir(parents=True, exist_ok=True)
        with grade.alone(out):
            seed = before["seed"] if before else grade.kept_seed(out, seed)
            write_whole(out / "settings.json", json.dumps({"seed": seed, "codes": []}))
            faces = hidden.from_file(hidden_file) if hidden_file else hidden.rendered(seed, FACES)
            faces = Hidden(faces.levels[:FACES], faces.labels[:FACES], {}, faces.source)
            with tempfile.TemporaryDirectory(dir=out, prefix=".scratch-") as scratch:
                teams = _teams(sources, Path(scratch), seed)
                images = _images(teams) | (before["images"] if before else {})
                told = _play(teams, images, faces, out, seed, rules, isolated)
            references = dict(zip((f"the course's {name}" for name in rules.references), grade.load_references(rules.references)))
            _report(out, teams, images, told | _of_course(references, images, faces), list(references), faces, before, seed)
    return out


def _teams(sources: Sequence[Path], scratch: Path, seed: int) -> list[Team]:
    """The submissions with a script, as clean copies, in the order of their codes: that of the names would tell who is who."""
    found = []
    for source, name in grade.names_of(sources).items():
        code, place = grade.code_of(name, seed), scratch / grade.code_of(name, seed)
        try:
            faults = submission.take_in(source, place)
            handed = submission.find(place, faults + manifest.keep_listed(place))
        except (submission.BadSubmission, MachineFault) as problem:
            print(f"{submission.plain(name)} does not play: {problem}", file=sys.stderr)
            continue
        if handed.folder is None:
            print(f"{submission.plain(name)} does not play: there is no infer.py.", file=sys.stderr)
            continue
        shown = handed.names or submission.plain(name) if handed.consent else f"team {code}"
        found.append(Team(code, shown, handed.folder, handed.pictures, handed.label, handed.consent))
    twice = Counter(team.shown for team in found)
    found = [team._replace(shown=f"{team.shown} ({team.code})") if twice[team.shown] > 1 else team for team in found]
    return sorted(found, key=lambda team: team.code)


def _images(teams: Sequence[Team]) -> dict[str, np.ndarray]:
    """{code: original and modified image, uint8 [2, 48, 48]} of the teams that have both."""
    return {team.code: np.stack([team.pictures["ori"], team.pictures["mod"]]) for team in teams if {"ori", "mod"} <= team.pictures.keys()}


def _play(teams: Sequence[Team], images: Mapping[str, np.ndarray], faces: Hidden, out: Path, seed: int, rules: Rubric,
          isolated: bool) -> dict[str, np.ndarray]:
    """{code: what its script says of all images and faces, -1 for no answer}, [2 * images + faces]; stored as soon as it is known."""
    levels = np.concatenate([*images.values(), faces.levels])
    setting = stamp.of_course() + str(rules.limits) + str(levels.shape) + Hidden(levels, np.arange(len(levels)), {}, "").digest()

    def one(number: int, team: Team) -> tuple[str, np.ndarray]:
        path, mark = out / "results" / f"{team.code}.json", stamp.of_submission(team.source, setting)
        try:
            kept = json.loads(path.read_text(encoding="utf-8"))
            if kept["stamp"] == mark != "" and len(kept["said"]) == len(levels):
                return team.code, np.array(kept["said"])
        except (OSError, ValueError, KeyError, TypeError):
            pass
        try:
            said, _, faults = answers.ask_about(levels, team.source, np.random.default_rng([seed, number]), rules.limits,
                                                isolated=isolated, scratch=team.source.parent)
            if sandbox.waited(faults):
                mark = ""  # the machine may have been busy: it plays again in the next run
        except Exception as error:  # one team never stops the others
            if of_machine(error):
                raise
            said, faults, mark = np.full(len(levels), -1), [f"The tournament could not start it ({type(error).__name__})."], ""
        write_whole(path, json.dumps({"stamp": mark, "said": said.tolist(), "faults": faults}))
        return team.code, said

    running = joblib.Parallel(joblib.cpu_count(), backend="threading", return_as="generator_unordered")(
        joblib.delayed(one)(number, team) for number, team in enumerate(teams))
    return dict(tqdm(running, total=len(teams), unit="team", desc="played", file=sys.stderr))


def _of_course(references: Mapping[str, Callable], images: Mapping[str, np.ndarray], faces: Hidden) -> dict[str, np.ndarray]:
    levels = to_float(np.concatenate([*images.values(), faces.levels])[..., None])
    return {name: np.argmax(np.asarray(detector(levels)), axis=1) for name, detector in references.items()}


# what comes out -------------------------------------------------------------------------------------------------------

def _report(out: Path, teams: Sequence[Team], images: Mapping[str, np.ndarray], told: Mapping[str, np.ndarray], references: Sequence[str],
            faces: Hidden, before: dict | None, seed: int) -> None:
    """tournament.csv, matrix.csv, tournament.html, first_round.npz for the teams, and round.json with images.npz for a second round."""
    players = [*(team.code for team in teams), *references]
    said = np.stack([told[player] for player in players], axis=1)  # [2 * images + faces, detectors]
    accuracy = (said[2 * len(images):] == faces.labels[:, None]).mean(axis=0)
    pairs = said[:2 * len(images)].reshape(len(images), 2, len(players)).transpose(1, 0, 2)
    place = {code: number for number, code in enumerate(images)}
    labels = np.full(len(images), -1)
    for number, team in enumerate(teams):
        if team.code in place:
            labels[place[team.code]] = FACE_CLASSES.index(team.label) if team.label else pairs[0, place[team.code], number]
    if before:
        labels = np.array([before["labels"].get(code, label) for code, label in zip(images, labels)])
    everything = fooled(labels, pairs)
    matrix = np.full((len(teams), len(players)), np.nan)
    for number, team in enumerate(teams):
        if team.code in place:
            matrix[number] = everything[place[team.code]]
    rows = table(teams, references, matrix, accuracy)
    write_table(out / "tournament.csv", Row._fields, [{name: "" if value != value else value for name, value in row._asdict().items()} for row in rows])
    names = [row.team for row in rows]
    write_table(out / "matrix.csv", ["image of", *names], [
        {"image of": team.shown} | {name: "" if value != value else int(value) for name, value in zip(names, matrix[number])}
        for number, team in enumerate(teams)])
    kept = {"seed": seed, "labels": {code: int(label) for code, label in zip(images, labels)},
            "accuracy": dict(zip(players, accuracy.tolist())),
            "fooled": {player: {code: None if value != value else int(value) for code, value in zip(images, everything[:, column])}
                       for column, player in enumerate(players)}}
    np.savez_compressed(out / "images.npz", **_images(teams))
    _for_teams(out / "first_round.npz", teams, images, dict(zip(images, labels)))
    write_whole(out / "round.json", json.dumps(kept))
    write_whole(out / "tournament.html", pages.fill(
        "tournament.html.j2", rows=rows, names=names, matrix=[(team.shown, _signs(matrix[number])) for number, team in enumerate(teams)],
        changes=_changes(before, kept, teams, references) if before else [], accuracy=ACCURACY, largest=LARGEST, faces=len(faces.labels)))


def _for_teams(path: Path, teams: Sequence[Team], images: Mapping[str, np.ndarray], labels: Mapping[str, int]) -> None:
    """What teams train on before the second round: `images` uint8 [N, 48, 48], the modified ones of who agreed, with their right `labels` [N]."""
    chosen = [team.code for team in teams if team.consent and labels.get(team.code, -1) >= 0]
    np.savez_compressed(path, images=np.array([images[code][1] for code in chosen], np.uint8).reshape(-1, 48, 48),
                        labels=np.array([labels[code] for code in chosen], np.int64))


def _signs(values: np.ndarray) -> list[str]:
    return ["" if value != value else "fooled" if value else "holds" for value in values]


def _changes(before: dict, now: dict, teams: Sequence[Team], references: Sequence[str]) -> list[tuple]:
    """(team, accuracy before, now, share of the first round's images that fool it before, now) for who played in both rounds."""
    shown = {team.code: team.shown for team in teams} | {name: name for name in references}
    rows = []
    for player, name in shown.items():
        if player in before["fooled"]:
            both = [(before["fooled"][player][code], now["fooled"][player].get(code)) for code in before["images"] if code != player]
            both = [pair for pair in both if None not in pair]
            share = np.mean(both, axis=0) if both else (float("nan"),) * 2
            rows.append((name, before["accuracy"][player], now["accuracy"][player], *map(float, share), len(both)))
    return rows


def _round(out: Path) -> dict:
    """What a first round left: seed, labels, images, who was fooled. Raises CannotGrade."""
    try:
        found = json.loads((out / "round.json").read_text(encoding="utf-8"))
        with np.load(out / "images.npz") as images:
            return found | {"images": {code: images[code] for code in images.files}}
    except (OSError, ValueError, KeyError):
        raise CannotGrade(f"{out} holds no first round: name the folder of its results, DIR-tournament.") from None


def main(words: list[str]) -> int:
    """Run the command line; the exit status is 0, or 1 where something is missing or wrong."""
    parser = argparse.ArgumentParser(prog="course.py tournament", description="Play everybody's image against everybody's detector.")
    parser.add_argument("folder", type=Path, metavar="DIR", help="the submissions, as for grade")
    parser.add_argument("--out", type=Path, metavar="DIR", help="where the results go (DIR-tournament)")
    parser.add_argument("--first", type=Path, metavar="DIR", help="the results of a first round: its images are played too")
    parser.add_argument("--hidden", type=Path, metavar="FILE.npz", help="hidden faces, as for grade")
    parser.add_argument("--seed", type=int, metavar="N", help="of the rendered hidden faces; drawn and kept if you name none")
    parser.add_argument("--rubric", type=Path, metavar="FILE.toml", default=rubric.DEFAULT, help="for its limits and reference detectors")
    parser.add_argument("--unsafe-no-sandbox", action="store_true", help="run strangers' scripts as yourself, unprotected")
    asked = parser.parse_args(words)
    try:
        out = tournament(asked.folder.resolve(), asked.out and asked.out.resolve(), hidden_file=asked.hidden, seed=asked.seed,
                         first=asked.first, rubric_file=asked.rubric, isolated=not asked.unsafe_no_sandbox)
    except (CannotGrade, MachineFault, sandbox.SandboxMissing, ValueError) as problem:
        print(f"tournament: {problem}", file=sys.stderr)
        return 1
    print(f"{out.name}/ holds tournament.html, tournament.csv, matrix.csv, and first_round.npz to hand out before a second round.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
