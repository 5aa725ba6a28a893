"""What is measured on a submission: of the three images alone, and of what the script said. Numbers only; the rubric judges."""
import zlib
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from utils.data.images import FACE_CLASSES, WHITE, to_float, to_levels
from utils.data.rendered import rendered_faces
from utils.groups import Group, accuracy_by_group
from utils.instructor.grading.answers import NEAR_ATTACK, STEPS, Answers
from utils.instructor.grading.hidden import Hidden

AMPLIFICATION = 50
AMPLIFIED_WORST, AMPLIFIED_MEAN = 50, 20  # grey levels: a DX of half a grey level less or more, from before rounding, is 25
MOST_UNSTEADY = 0.1  # of the faces, before it is said: an image just behind the boundary may be, with an honest network too
# of the faces that attack.py is given: of a script that is wrong about most, success with the others says little
LEAST_RIGHT = 0.75
MOST_FLIPPED = 0.2  # of the decoys: an honest network gives nearly all of them the label of their face
JUMP = 0.25  # of a probability when one pixel changes by one grey level; a network's stays far below

MEASURES = {  # name: what it is, for the pages and for who edits the rubric
    "accuracy": "share of the hidden faces that the script labels right",
    "contract": "1 if the script printed one valid line for each image and nothing else",
    "original_right": "1 if the script says the declared label (or any, if none is declared) for the original",
    "fooled": "1 if it says that for the original and the other label for the modified image, and is steady",
    "steady": "1 if its answers for the two stay the same where one pixel changes by one grey level",
    "own_face": ("1 if the original is one of the rendered faces that the lab gives to these names; 0 for a photograph, and for "
                 "a face that was changed"),
    "shortest_t": f"smallest t of 1/{STEPS} ... 1 for which original + t DX fools the script",
    "amplified": f"1 if the next two are at most {AMPLIFIED_WORST} and {AMPLIFIED_MEAN}",
    "amplified_worst": f"largest difference of the amplified image to {AMPLIFICATION} |DX|, in grey levels",
    "amplified_mean": "the same, mean over the pixels where either is not black",
    "L0": "number of pixels that changed",
    "L1": "sum of |DX|, DX in [0, 1]",
    "L2": "Euclidean norm of DX, DX in [0, 1]",
    "Linf": "largest |DX|, in [0, 1]",
    "size": "DX in the norm that the team chose, in units of the rubric's [norms]",
    "attack_success": ("share of the hidden faces given to attack.py that the script gets right before, and wrong and steady "
                       "afterwards"),
    "attack_size": ("median over these faces of DX in the team's norm, in the same units; a face that the script still gets "
                    "right counts as infinite"),
    "psnr": "peak signal to noise ratio, dB",
    "ssim": "structural similarity, 1 for equal images",
    "transfer": "share of the reference detectors that are right for the original and wrong for the modified image",
}


def of_pictures(pictures: Mapping[str, np.ndarray]) -> dict[str, float]:
    """Size of DX and fit of the amplified image, from grey levels uint8 [48, 48]; what cannot be measured is left out.

    PSNR and SSIM (Wang et al. 2004, Gaussian window of 1.5 pixels) are not measured where nothing changed.
    """
    if not {"ori", "mod"} <= pictures.keys():
        return {}
    original, modified = pictures["ori"].astype(float), pictures["mod"].astype(float)
    dx = (modified - original) / WHITE
    found = {"L0": float((dx != 0).sum()), "L1": float(np.abs(dx).sum()), "L2": float(np.sqrt((dx**2).sum())),
             "Linf": float(np.abs(dx).max())}
    if found["L0"] == 0:
        return found
    found["psnr"] = float(peak_signal_noise_ratio(original, modified, data_range=WHITE))
    found["ssim"] = float(structural_similarity(original, modified, data_range=WHITE, gaussian_weights=True, sigma=1.5,
                                                use_sample_covariance=False))
    if "amp" in pictures:
        expected, amplified = np.clip(AMPLIFICATION * WHITE * np.abs(dx), 0, WHITE), pictures["amp"].astype(float)
        off, shown = np.abs(amplified - expected), (expected > 0) | (amplified > 0)
        worst, mean = float(off.max()), float(off[shown].mean())
        found |= {"amplified_worst": worst, "amplified_mean": mean,
                  "amplified": float(worst <= AMPLIFIED_WORST and mean <= AMPLIFIED_MEAN)}
    return found


def own_face(original: np.ndarray, names: str) -> float:
    """1.0 if grey levels [48, 48] are, within one, those of a face that lab 06 renders for the team `names` ("ada_grace"),
    else 0.0.

    Any underscore may be the one between the two names, as each may hold others.
    """
    for place in (place for place, sign in enumerate(names) if sign == "_"):
        given, _, _ = rendered_faces(8, seed=zlib.crc32(f"{names[:place]} {names[place + 1:]}".encode("utf-8")))
        if np.abs(to_levels(given[..., 0]).astype(int) - original).max(axis=(1, 2)).min() <= 1:
            return 1.0
    return 0.0


def sizes(original: np.ndarray, modified: np.ndarray, norm: str) -> np.ndarray:
    """The `norm` of DX, [N], from grey levels uint8 [N, 48, 48]; DX is in [0, 1]."""
    dx = (modified.astype(float) - original).reshape(len(original), -1) / WHITE
    return np.linalg.norm(dx, ord={"L1": 1, "L2": 2, "Linf": np.inf}[norm], axis=1)


def of_answers(said: Answers, hidden: Hidden, declared: str) -> tuple[dict[str, float], list[str]]:
    """What follows from the answers of the script, and faults as sentences. `declared` is the label of the original, or ""."""
    found = {"accuracy": float((said.labels == hidden.labels).mean()), "contract": float(said.kept)}
    faults = []
    if "ori" not in said.own_labels:
        return found, faults
    original = int(said.own_labels["ori"][0])
    right = original >= 0 and declared in ("", FACE_CLASSES[original])
    found["original_right"] = float(right)
    if original >= 0 and not right:
        faults.append(f"team.toml says that the original is labelled {declared}, the script says {FACE_CLASSES[original]}: start "
                      "from an image that your detector gets right.")
    if "mod" not in said.own_labels:
        return found, faults
    modified = int(said.own_labels["mod"][0])
    steady = _steady(said)
    fools = right and modified >= 0 and modified != original and steady
    found["fooled"], found["steady"] = float(fools), float(steady)
    if right and modified == original:
        faults.append(f"The script says {FACE_CLASSES[original]} for the original and for the modified image, as they were saved "
                      "in 8 bits.")
    if not steady and original >= 0 and modified >= 0:  # without answers another sentence says why
        faults.append("One pixel that changes by one grey level changes the script's answer for your own images. A network does "
                      "not do that, unless DX ends just behind its boundary (then make DX 5 % longer): does the script look for "
                      "certain files?")
    if fools:
        fooled_at = np.flatnonzero((said.own_labels["way"] != original) & (said.own_labels["way"] >= 0))
        if len(fooled_at):
            found["shortest_t"] = float((fooled_at[0] + 1) / STEPS)
    return found, faults


def _steady(said: Answers) -> bool:
    """Whether most of the images one grey level away get nearly the same probability and the same label,
    and the last on the way too.

    Not all: a DX that ends at the boundary may lose one or two of them, also with an honest network.
    """
    for kind in ("ori", "mod"):
        here, there = said.own_woman[kind][0], said.own_woman[f"near {kind}"]
        if not np.median(np.abs(there - here)) <= JUMP:  # so that a missing answer counts as a jump
            return False
        if not np.mean(said.own_labels[f"near {kind}"] == said.own_labels[kind][0]) > 0.5:
            return False
    return "way" not in said.own_labels or bool(said.own_labels["way"][-1] == said.own_labels["mod"][0])


def of_attack(said: Answers, labels: np.ndarray, before: np.ndarray, after: np.ndarray, norm: str,
              unit: float) -> tuple[dict[str, float], list[str]]:
    """What the script says of the faces with `labels` [N] before and after attack.py, grey levels uint8 [N, 48, 48]; and faults.

    A modified face counts as fooled only if most images that differ from it in one pixel by one grey level get that label too.
    Nothing counts of a script that is right about less than LEAST_RIGHT of the faces,
    or gives more than MOST_FLIPPED of the decoys another label.
    """
    right = said.own_labels["attack before"] == labels
    if right.mean() < LEAST_RIGHT:
        return {}, [f"The script is right about {right.sum()} of the {len(right)} faces that attack.py was given. The attack "
                    f"counts from {LEAST_RIGHT:.0%} on: first make the detector better."]
    decoys = said.own_labels["decoy"]
    flipped = int((decoys != said.labels[:len(decoys)]).sum())
    if flipped > MOST_FLIPPED * len(decoys):
        return {}, [f"The changes of attack.py were also made to {len(decoys)} other faces, their pixels in random places, so "
                    f"without an aim, and the script gives {flipped} of these another label than before. A network that is "
                    "fooled by its own DX alone keeps nearly all labels: does the script look for something else than the face? "
                    "The attack does not count."]
    now, near = said.own_labels["attack after"], said.own_labels["near attack"].reshape(-1, NEAR_ATTACK)
    other = right & (now >= 0) & (now != labels)
    fooled = other & (np.mean(near == now[:, None], axis=1) > 0.5)
    faults = []
    if np.array_equal(before, after):
        faults.append("attack.py gives all faces back as they were.")
    if (unsteady := int((other & ~fooled).sum())) > MOST_UNSTEADY * right.sum():
        faults.append(f"Of {unsteady} images of attack.py the script says something else where one pixel changes by one grey "
                      "level; they do not count. Make DX a little longer.")
    found = {"attack_success": float(fooled[right].mean())}
    middle = float(np.median(np.where(fooled, sizes(before, after, norm), np.inf)[right]) / unit)
    return found | ({"attack_size": middle} if np.isfinite(middle) else {}), faults


def by_group(said: Answers, hidden: Hidden) -> dict[str, list[Group]]:
    """Accuracy by group, for each kind of group that is known of the hidden faces."""
    correct = said.labels == hidden.labels
    return {kind: accuracy_by_group(correct, names) for kind, names in hidden.groups.items()}


def transfer(pictures: Mapping[str, np.ndarray], declared: str, said: Answers, detectors: Sequence[Callable]) -> dict[str, float]:
    """The share of `detectors` (float32 [N, 48, 48, 1] -> logits [N, 2]) that the modified image fools too."""
    if not {"ori", "mod"} <= pictures.keys() or not detectors or not {"ori", "mod"} <= said.own_labels.keys():
        return {}
    label = FACE_CLASSES.index(declared) if declared else int(said.own_labels["ori"][0])
    pair = to_float(np.stack([pictures["ori"], pictures["mod"]])[..., None])
    answers = [np.argmax(np.asarray(detector(pair)), axis=1) for detector in detectors]
    return {"transfer": float(np.mean([before == label and after != label for before, after in answers]))}
