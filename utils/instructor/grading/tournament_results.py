"""What comes out of a tournament: tables, the page of the class, and what the teams and the next round need."""
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from utils.data.images import FACE_CLASSES
from utils.instructor.files import write_table, write_whole
from utils.instructor.grading import pages
from utils.instructor.grading.class_folder import CannotGrade
from utils.instructor.grading.hidden import Hidden
from utils.instructor.grading.ranking import ACCURACY, LARGEST, Row, Team, fooled, images_of, table

EARLIER = "{}, first round"  # what a team's image of the first round is called in the second, beside its new one


def write(out: Path, teams: Sequence[Team], images: Mapping[str, np.ndarray], told: Mapping[str, np.ndarray],
          why: Mapping[str, str], absent: Sequence[tuple[str, str, str]], references: Sequence[str], faces: Hidden,
          before: dict | None, seed: int) -> None:
    """tournament.csv, matrix.csv, tournament.html, first_round.npz for the teams,
    and round.json with images.npz for a second round.

    why     {code: faults of its script}
    absent  (code of a team that does not play, what it may be called, why)
    """
    players = [*(team.code for team in teams), *references]
    said = np.stack([told[player] for player in players], axis=1)  # [2 * images + faces, detectors]
    accuracy = (said[2 * len(images):] == faces.labels[:, None]).mean(axis=0)
    pairs = said[:2 * len(images)].reshape(2, len(images), len(players))
    labels, place = _labels(teams, images, pairs[0], before), {code: number for number, code in enumerate(images)}
    everything = fooled(labels, pairs)
    matrix = np.full((len(teams), len(players)), np.nan)
    for number, team in enumerate(teams):
        if team.code in place:
            matrix[number] = everything[place[team.code]]
            if pairs[1, place[team.code], number] < 0:  # a DX is ranked only if the team's own script gives the other answer
                matrix[number, number] = np.nan
    rows = [row._replace(without_answer=int((told[player] < 0).sum()), why=why.get(player, ""))
            for player, row in zip(players, table(teams, references, matrix, accuracy))]
    silent = [*((f"team {team.code}", row.why) for team, row in zip(teams, rows) if row.why),
              *((f"team {code}", reason) for code, _, reason in absent)]
    write_table(out / "tournament.csv", Row._fields, [
        *({name: "" if value != value else value for name, value in row._asdict().items()} for row in rows),
        *({"team": team, "why": reason} for _, team, reason in absent)])
    names = [row.team for row in rows]
    write_table(out / "matrix.csv", ["image of", *names], [
        {"image of": team.shown} | {name: "" if value != value else int(value) for name, value in zip(names, matrix[number])}
        for number, team in enumerate(teams)])
    kept = {"seed": seed, "labels": {code: int(label) for code, label in zip(images, labels)},
            "accuracy": dict(zip(players, accuracy.tolist())),
            "fooled": {player: {code: None if value != value else int(value)
                                for code, value in zip(images, everything[:, column])}
                       for column, player in enumerate(players)}}
    np.savez_compressed(out / "images.npz", **images_of(teams))
    _for_teams(out / "first_round.npz", teams, images, dict(zip(images, labels)))
    write_whole(out / "round.json", json.dumps(kept))
    write_whole(out / "tournament.html", pages.fill(
        "tournament.html.j2", rows=rows, names=names, silent=silent,
        matrix=[(team.shown, _signs(matrix[number])) for number, team in enumerate(teams)],
        changes=_changes(before, kept, teams, references) if before else [], accuracy=ACCURACY, largest=LARGEST,
        faces=len(faces.labels)))


def _labels(teams: Sequence[Team], images: Mapping[str, np.ndarray], said: np.ndarray, before: dict | None) -> np.ndarray:
    """The labels of the originals, [images]: what the team declares, else what its script says; of images of the first round what
    they were there; -1 where none is known.

    said  of the originals, [images, detectors]
    """
    found = {EARLIER.format(code): label for code, label in (before["labels"] if before else {}).items()}
    place = {code: number for number, code in enumerate(images)}
    for number, team in enumerate(teams):
        if team.code in place:
            found[team.code] = FACE_CLASSES.index(team.label) if team.label else said[place[team.code], number]
    return np.array([found.get(code, -1) for code in images], int)


def _for_teams(path: Path, teams: Sequence[Team], images: Mapping[str, np.ndarray], labels: Mapping[str, int]) -> None:
    """What teams train on before the second round: `images` uint8 [N, 48, 48], the modified ones of who agreed,
    with their right `labels` [N].
    """
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
            both = [(before["fooled"][player][code], now["fooled"][player].get(EARLIER.format(code)))
                    for code in before["images"] if code != player]
            both = [pair for pair in both if None not in pair]
            share = np.mean(both, axis=0) if both else (float("nan"),) * 2
            rows.append((name, before["accuracy"][player], now["accuracy"][player], *map(float, share), len(both)))
    return rows


def read(out: Path) -> dict:
    """What a first round left: seed, labels, images, who was fooled. Raises CannotGrade."""
    try:
        found = json.loads((out / "round.json").read_text(encoding="utf-8"))
        with np.load(out / "images.npz") as images:
            return found | {"images": {code: images[code] for code in images.files}}
    except (OSError, ValueError, KeyError):
        raise CannotGrade(f"{out} holds no first round: name the folder of its results, DIR-tournament.") from None
