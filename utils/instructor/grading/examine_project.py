"""One submission: taken in, its scripts called once, measured, judged by the rubric."""
import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from utils.instructor.grading import answers, attack, clean_copy, duplicates, manifest, measures, rubric, submission
from utils.instructor.grading.hidden import Hidden
from utils.instructor.grading.rubric import Rubric


def examine(source: Path, faces: Hidden, rules: Rubric, seed: list[int], detectors: Sequence[Callable], *, isolated: bool = True,
            core: int | None = None, scratch: Path | None = None) -> tuple[dict, dict]:
    """Take one submission in, call its scripts once, measure and judge: (what was found, as JSON can hold it; pictures by
    kind).
    """
    pictures, found, measured = {}, nothing(), {}
    with tempfile.TemporaryDirectory(dir=scratch) as place:
        os.chmod(place, 0o755)
        try:
            faults = clean_copy.take_in(source, Path(place) / "submission")
            faults += manifest.keep_listed(Path(place) / "submission")
            handed = submission.find(Path(place) / "submission", faults)
        except clean_copy.BadSubmission as problem:
            found["faults"] = [str(problem)]
        else:
            pictures = handed.pictures
            found |= {"faults": handed.faults, "consent": handed.consent, "names": handed.names, "norm": handed.norm,
                      "reflection": handed.reflection,
                      "fingerprint": duplicates.fingerprint(Path(place) / "submission", pictures)}
            measured = measures.of_pictures(pictures)
            if "ori" in pictures:
                measured["own_face"] = measures.own_face(pictures["ori"], handed.names)
            if handed.norm in measured:
                measured["size"] = measured[handed.norm] / rules.norms[handed.norm]
            found["lacks"] = submission.lacks(handed.folder or Path(place) / "submission")
            if handed.folder and not isolated and (fault := submission.not_alone(handed.folder, "infer.py")):
                found["faults"].append(fault)
            elif handed.folder:
                told, more = _of_scripts(handed, faces, rules, seed, detectors, isolated, core, Path(place))
                measured |= told
                found["faults"] += more.pop("faults")
                found |= more
    return found | {"measured": measured} | judge(found | {"measured": measured}, rules), pictures


def _of_scripts(handed: submission.Submission, faces: Hidden, rules: Rubric, seed: list[int], detectors: Sequence[Callable],
                isolated: bool, core: int | None, place: Path) -> tuple[dict[str, float], dict]:
    """(what is measured with attack.py, if there is one, and infer.py; faults, groups and said).

    The faces that attack.py gets with their labels are not among those of the accuracy:
    its images could carry the labels to infer.py.
    """
    attacked, faults, where = None, [], {"isolated": isolated, "core": core, "scratch": place}
    present = (handed.folder / "attack.py").is_file()
    if present and not isolated and (fault := submission.not_alone(handed.folder, "attack.py")):
        faults = [fault]
    elif present:
        faces, targets = faces.split(attack.FACES)
        rng = np.random.default_rng([*seed, 2])
        before = np.concatenate([answers.near(face, rng, 1) for face in targets.levels])
        after, faults = attack.run(handed.folder, before, targets.labels, rules.attack_seconds, rules.limits, **where)
        attacked = None if after is None else (before, after)
    said = answers.ask(handed.folder, faces, handed.pictures, seed, rules.limits, attacked=attacked, **where)
    measured, more = measures.of_answers(said, faces, handed.label)
    measured |= measures.transfer(handed.pictures, handed.label, said, detectors)
    if attacked:
        told, others = measures.of_attack(said, targets.labels, *attacked, handed.norm, rules.norms[handed.norm])
        measured, more = measured | told, more + others
    groups = {kind: [[None if value != value else value for value in row] for row in rows]
              for kind, rows in measures.by_group(said, faces).items()}
    shown = {role: [None if value != value else round(float(value), 4) for value in values]
             for role, values in said.own_woman.items() if not {"attack", "decoy"} & set(role.split())}
    return measured, {"faults": faults + said.faults + more, "groups": groups, "said": shown}


def nothing() -> dict:
    """What is found of a submission of which nothing is known yet."""
    return {"faults": [], "lacks": [], "consent": False, "names": "", "norm": "", "reflection": "", "groups": {}, "said": {},
            "fingerprint": {"weights": {}}}


def judge(found: dict, rules: Rubric, person: float | None = None) -> dict:
    """Lines of the rubric, score so far and maximum, as JSON can hold them. `person` has given the reflection that many
    points.
    """
    judged = rubric.judge(rules, found["measured"], person if found["reflection"] else 0)
    return {"judged": [entry.line._asdict() | {"asked": entry.line.asked(), "most": max(entry.line.points), "value": entry.value,
                                               "given": entry.points} for entry in judged],
            "score": rubric.total(judged), "maximum": rules.maximum()}
