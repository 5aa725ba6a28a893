"""The tournament: everybody's modified image against everybody's detector. Called by course.py.

python -m utils.instructor.grading.tournament DIR [--out DIR] [--first DIR] ...

Each script is started once, in the sandbox, with the images of all teams and some hidden faces. What it said is stored, so a run that was
killed goes on where it was. The course's own detectors play too, so that a class of one has somebody to play against.
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

from utils.data.images import FACE_CLASSES, to_float
from utils.instructor.files import MachineFault, machine_faults, of_machine, write_table, write_whole
from utils.instructor.grading import (answers, class_folder, clean_copy, hidden, manifest, pages, rubric, sandbox, stamp,
                                      submission, supervise)
from utils.instructor.grading.class_folder import CannotGrade
from utils.instructor.grading.grade import load_references
from utils.instructor.grading.hidden import Hidden
from utils.instructor.grading.ranking import ACCURACY, LARGEST, Row, Team, fooled, table
from utils.instructor.grading.rubric import Rubric

FACES = 200  # hidden faces beside the images: who says "man" to everything is never fooled


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
    rules, before = rubric.load(rubric_file), _round(first) if first else None
    if isolated:
        sandbox.check()
    with machine_faults("The tournament stopped"):
        (out / "results").mkdir(parents=True, exist_ok=True)
        with class_folder.alone(out):
            seed = before["seed"] if before else class_folder.kept_seed(out, seed)
            class_folder.write_settings(out, seed, [])
            faces = hidden.from_file(hidden_file) if hidden_file else hidden.rendered(seed, FACES)
            faces = Hidden(faces.levels[:FACES], faces.labels[:FACES], {}, faces.source)
            with tempfile.TemporaryDirectory(dir=out, prefix=".scratch-") as scratch:
                teams, absent = _teams(sources, Path(scratch), seed)
                images = _images(teams) | (before["images"] if before else {})
                played = _play(teams, images, faces, out, seed, rules, isolated)
            references = dict(zip((f"the course's {name}" for name in rules.references), load_references(rules.references)))
            told = {code: said for code, (said, _) in played.items()} | _of_course(references, images, faces)
            why = {code: _without_quotes(faults) for code, (_, faults) in played.items()}
            _report(out, teams, images, told, why, absent, list(references), faces, before, seed)
    return out


def _teams(sources: Sequence[Path], scratch: Path, seed: int) -> tuple[list[Team], list[tuple[str, str]]]:
    """(the submissions with a script, as clean copies, in the order of their codes, as that of the names would tell who is who; of the
    others what they may be called, and why they do not play)."""
    found, absent = [], []
    for source, name in class_folder.names_of(sources).items():
        code, place = class_folder.code_of(name, seed), scratch / class_folder.code_of(name, seed)
        try:
            faults = clean_copy.take_in(source, place)
            handed = submission.find(place, faults + manifest.keep_listed(place))
        except (clean_copy.BadSubmission, MachineFault) as problem:
            print(f"{clean_copy.plain(name)} (team {code}) does not play: {problem}", file=sys.stderr)
            absent.append((f"team {code}", "The submission could not be read."))
            continue
        shown = handed.names or clean_copy.plain(name) if handed.consent else f"team {code}"
        if handed.folder is None:
            print(f"{clean_copy.plain(name)} (team {code}) does not play: there is no infer.py.", file=sys.stderr)
            absent.append((shown, "There is no infer.py."))
            continue
        found.append(Team(code, shown, handed.folder, handed.pictures, handed.label, handed.consent))
    twice = Counter(team.shown for team in found)
    found = [team._replace(shown=f"{team.shown} ({team.code})") if twice[team.shown] > 1 else team for team in found]
    return sorted(found, key=lambda team: team.code), sorted(absent)


def _images(teams: Sequence[Team]) -> dict[str, np.ndarray]:
    """{code: original and modified image, uint8 [2, 48, 48]} of the teams that have both."""
    return {team.code: np.stack([team.pictures["ori"], team.pictures["mod"]]) for team in teams if {"ori", "mod"} <= team.pictures.keys()}


def _play(teams: Sequence[Team], images: Mapping[str, np.ndarray], faces: Hidden, out: Path, seed: int, rules: Rubric,
          isolated: bool) -> dict[str, tuple[np.ndarray, list[str]]]:
    """{code: (what its script says of all images and faces, [2 * images + faces], -1 for no answer; its faults)}; stored as soon as known."""
    levels = np.concatenate([*images.values(), faces.levels])
    setting = stamp.of_course() + str(rules.limits) + str(levels.shape) + Hidden(levels, np.arange(len(levels)), {}, "").digest()

    def one(number: int, team: Team) -> tuple[str, tuple[np.ndarray, list[str]]]:
        path, mark = out / "results" / f"{team.code}.json", stamp.of_submission(team.source, setting)
        try:
            kept = json.loads(path.read_text(encoding="utf-8"))
            if kept["stamp"] == mark != "" and len(kept["said"]) == len(levels):
                return team.code, (np.array(kept["said"]), list(map(str, kept["faults"])))
        except (OSError, ValueError, KeyError, TypeError):
            pass
        try:
            said, _, faults = answers.ask_about(levels, team.source, np.random.default_rng([seed, number]), rules.limits,
                                                isolated=isolated, scratch=team.source.parent)
            if supervise.waited(faults):
                mark = ""  # the machine may have been busy: it plays again in the next run
        except Exception as error:  # one team never stops the others
            if of_machine(error):
                raise
            said, faults, mark = np.full(len(levels), -1), [f"The tournament could not start it ({type(error).__name__})."], ""
        write_whole(path, json.dumps({"stamp": mark, "said": said.tolist(), "faults": faults}))
        return team.code, (said, faults)

    running = joblib.Parallel(joblib.cpu_count(), backend="threading", return_as="generator_unordered")(
        joblib.delayed(one)(number, team) for number, team in enumerate(teams))
    return dict(tqdm(running, total=len(teams), unit="team", desc="played", file=sys.stderr))


def _without_quotes(faults: Sequence[str]) -> str:
    """Faults for the page of the class, without what a script printed."""
    return " ".join(re.sub(r" (Its last words|The first): .*", "", fault) for fault in faults)


def _of_course(references: Mapping[str, Callable], images: Mapping[str, np.ndarray], faces: Hidden) -> dict[str, np.ndarray]:
    levels = to_float(np.concatenate([*images.values(), faces.levels])[..., None])
    return {name: np.argmax(np.asarray(detector(levels)), axis=1) for name, detector in references.items()}


# what comes out -------------------------------------------------------------------------------------------------------

def _report(out: Path, teams: Sequence[Team], images: Mapping[str, np.ndarray], told: Mapping[str, np.ndarray], why: Mapping[str, str],
            absent: Sequence[tuple[str, str]], references: Sequence[str], faces: Hidden, before: dict | None, seed: int) -> None:
    """tournament.csv, matrix.csv, tournament.html, first_round.npz for the teams, and round.json with images.npz for a second round.

    why     {code: faults of its script}
    absent  (team that does not play, why)
    """
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
            if pairs[1, place[team.code], number] < 0:  # a DX is ranked only if the team's own script gives the other answer
                matrix[number, number] = np.nan
    rows = [row._replace(without_answer=int((told[player] < 0).sum()), why=why.get(player, ""))
            for player, row in zip(players, table(teams, references, matrix, accuracy))]
    silent = [*((row.team, row.why) for row in rows if row.why), *absent]
    write_table(out / "tournament.csv", Row._fields, [
        *({name: "" if value != value else value for name, value in row._asdict().items()} for row in rows),
        *({"team": team, "why": reason} for team, reason in absent)])
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
        "tournament.html.j2", rows=rows, names=names, silent=silent, matrix=[(team.shown, _signs(matrix[number])) for number, team in enumerate(teams)],
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
