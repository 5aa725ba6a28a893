"""The one call of a team's script: the hidden faces and the team's own images go in together, lines come back.

Starting TensorFlow takes most of the time, so everything that will be measured travels in a single call. The files have random
names and come in random order, so that a script cannot know which is which. Beside the original and the modified image go

- 16 images on the way from one to the other, `ori + t DX` for t = 1/16, 2/16, ... 1, and
- NEAR images that differ from each of the two in one pixel by one grey level. A network says nearly the same of them; a
  script that has learnt the answers to certain files by heart does not.

With what the team's attack.py made come the faces that it was given, and NEAR_ATTACK such neighbours of each modified one. As
many hidden faces come with a decoy, the same change with its pixels in random places, and with neighbours of that, so that a
script cannot tell from what is near what in the call which image was attacked. The hidden faces are changed by one grey level
too, in case a team knows them.
"""
import re
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from utils.data.images import FACE_CLASSES, WHITE, to_png
from utils.instructor.grading import clean_copy, sandbox, supervise
from utils.instructor.grading.hidden import Hidden
from utils.instructor.grading.supervise import Ended, Limits

STEPS = 16
NEAR = 8
NEAR_ATTACK = 3  # of each image that attack.py made
LARGEST_DECOY = 1.0  # L2: a larger change may, without any aim, be one that an honest network does not stand
NUMBER = re.compile(r"[0-9]{1,20}(\.[0-9]{1,40})?([eE][-+]?[0-9]{1,3})?")


class Answers(NamedTuple):
    """What a script said of each image that it was asked about; [N] of the hidden faces, then {role: [K]} of the team's own.

    labels    0, 1, or -1 where there is no valid answer
    woman     probability of "woman", NaN where there is no valid answer
    faults    sentences for the team
    kept      whether the script kept the contract: one valid line for each image, no other, exit status 0
    """

    labels: np.ndarray
    woman: np.ndarray
    own_labels: dict[str, np.ndarray]
    own_woman: dict[str, np.ndarray]
    faults: list[str]
    kept: bool


def on_the_way(original: np.ndarray, modified: np.ndarray) -> np.ndarray:
    """Grey levels [STEPS, 48, 48] of `original + t (modified - original)`, t = 1/STEPS ... 1, rounded."""
    t = np.arange(1, STEPS + 1)[:, None, None] / STEPS
    return np.round(original + t * (modified.astype(float) - original)).astype(np.uint8)


def near(levels: np.ndarray, rng: np.random.Generator, copies: int = NEAR) -> np.ndarray:
    """Copies [copies, 48, 48], each with one pixel one grey level away."""
    copies = np.repeat(levels[None], copies, axis=0)
    for copy in copies:
        row, column = rng.integers(0, levels.shape)
        level = int(copy[row, column])
        copy[row, column] = level + 1 if level < 128 else level - 1
    return copies


def own_images(pictures: Mapping[str, np.ndarray], seed: list[int],
               attacked: tuple[np.ndarray, np.ndarray] | None = None) -> dict[str, np.ndarray]:
    """The images of a team that its script is asked about, by role: {"ori": [1, 48, 48], ...}; `pictures` may lack some.

    attacked  what attack.py was given and what it made, each [N, 48, 48]
    """
    rng, images = np.random.default_rng(seed), {}
    for kind in ("ori", "mod"):
        if kind in pictures:
            images[kind] = pictures[kind][None]
            images[f"near {kind}"] = near(pictures[kind], rng)
    if "ori" in pictures and "mod" in pictures:
        images["way"] = on_the_way(pictures["ori"], pictures["mod"])
    if attacked:
        neighbours = np.concatenate([near(image, rng, NEAR_ATTACK) for image in attacked[1]])
        images |= {"attack before": attacked[0], "attack after": attacked[1], "near attack": neighbours}
    return images


def decoys(faces: np.ndarray, before: np.ndarray, after: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Faces [N, 48, 48] with the changes that attack.py made to others, [N, 48, 48] each, their pixels in random places; uint8.

    The norms stay, up to what is cut off at black and white, and an L2 norm of at most LARGEST_DECOY.
    """
    dx = rng.permuted((after.astype(float) - before).reshape(len(before), -1), axis=1)
    dx /= np.maximum(np.linalg.norm(dx / WHITE, axis=1, keepdims=True) / LARGEST_DECOY, 1)
    return np.clip(np.round(faces + dx.reshape(before.shape)), 0, WHITE).astype(np.uint8)


def ask(folder: Path, hidden: Hidden, pictures: Mapping[str, np.ndarray], seed: list[int], limits: Limits = Limits(), *,
        attacked: tuple[np.ndarray, np.ndarray] | None = None, isolated: bool = True, core: int | None = None,
        scratch: Path | None = None) -> Answers:
    """Call `folder`/infer.py once. The order and names of the files depend on `seed` alone.

    attacked  as in `own_images`
    isolated  in the sandbox; False runs it as the caller, with all that the caller may do
    scratch   where the folder of images is made, the system's temporary folder by default
    """
    own, rng = own_images(pictures, seed, attacked), np.random.default_rng([*seed, 1])
    faces = np.concatenate([near(face, rng, 1) for face in hidden.levels])
    if attacked:
        count = min(len(faces), len(attacked[0]))
        own["decoy"] = decoys(faces[:count], attacked[0][:count], attacked[1][:count], rng)
        own["near decoy"] = np.concatenate([near(image, rng, NEAR_ATTACK) for image in own["decoy"]])
    levels = np.concatenate([faces, *own.values()])
    labels, woman, faults = ask_about(levels, folder, rng, limits, isolated=isolated, core=core, scratch=scratch)
    cuts = np.cumsum([len(faces), *map(len, own.values())])[:-1]
    (labels, *own_labels), (woman, *own_woman) = np.split(labels, cuts), np.split(woman, cuts)
    return Answers(labels, woman, dict(zip(own, own_labels)), dict(zip(own, own_woman)), faults, not faults)


def ask_about(levels: np.ndarray, folder: Path, rng: np.random.Generator, limits: Limits = Limits(), *, isolated: bool = True,
              core: int | None = None, scratch: Path | None = None) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """What `folder`/infer.py says of images uint8 [N, 48, 48] in one call: labels and probabilities of "woman" [N],
    and faults (see `read`).

    The files have random names and come in random order.
    """
    names = [f"{number:08x}.png" for number in rng.choice(2**32, len(levels), replace=False)]
    order = rng.permutation(len(levels))
    with tempfile.TemporaryDirectory(dir=scratch) as place:
        images = Path(place) / "images"
        images.mkdir()
        for index in order:
            (images / names[index]).write_bytes(to_png(levels[index]))
        asked = [names[index] for index in order]
        if isolated:
            Path(place).chmod(0o755)
            ended = sandbox.run([sys.executable, "/submission/infer.py", *asked], limits, folder="/images", core=core,
                                readable={"/submission": folder, "/images": images})
        else:
            ended = supervise.unprotected([sys.executable, str((folder / "infer.py").resolve()), *asked], limits, images)
    return read(ended, names)


def read(ended: Ended, names: list[str]) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Labels and probabilities of "woman" for the files `names`, [N] each, and faults as sentences.

    A line counts if it is FILE<TAB>LABEL<TAB>PROBABILITY with a file that was asked about and the probability of that label, so
    at least 0.5; a file with two lines has no answer.
    Nothing counts of a script that had to be stopped: how far it came would be chance.
    """
    labels, woman, faults = np.full(len(names), -1), np.full(len(names), np.nan), []
    if ended.killed:
        return labels, woman, [f"infer.py was called with {len(names)} images. {ended.killed}"]
    lines = ended.out.decode("utf-8", "replace").split("\n")
    place, strange, twice = {name: index for index, name in enumerate(names)}, [], set()
    for line in lines[:-1] if lines[-1] == "" else lines:
        parts = line.rstrip("\r").split("\t")
        if len(parts) != 3 or parts[0] not in place or parts[1] not in FACE_CLASSES or not _probability(parts[2]):
            strange.append(line)
            continue
        index, label = place[parts[0]], FACE_CLASSES.index(parts[1])
        if labels[index] >= 0 or index in twice:
            twice.add(index)
        labels[index], woman[index] = label, float(parts[2]) if label else 1 - float(parts[2])
    for index in twice:
        labels[index], woman[index] = -1, np.nan
    if ended.status:
        faults.append(f"infer.py ended with the exit status {ended.status}{last_line(ended.err)}")
    if strange:
        faults.append(f"{len(strange)} lines of infer.py are not FILE<TAB>LABEL<TAB>PROBABILITY for a file it was given, with "
                      f"man or woman and its probability, a number from 0.5 to 1. The first: {_quoted(strange[0])}")
    if twice:
        faults.append(f"infer.py printed more than one line for {len(twice)} images: these have no answer.")
    missing = int((labels < 0).sum()) - len(twice)
    if missing:
        faults.append(f"infer.py gave no answer for {missing} of {len(names)} images; each counts as wrong.")
    return labels, woman, faults


def _probability(text: str) -> bool:
    return NUMBER.fullmatch(text) is not None and 0.5 <= float(text) <= 1


def last_line(err: str) -> str:
    """The last line of standard error as the end of a sentence: ". Its last words: ..." or "."."""
    lines = [line for line in err.splitlines() if line.strip()]
    return f". Its last words: {_quoted(lines[-1])}" if lines else "."


def _quoted(text: str) -> str:
    """A piece of a script's output, short and on one line: it must not carry hidden data out,
    or where this machine keeps what.
    """
    text = re.sub(r"\b[0-9a-f]{8}\.png", "FILE", text)  # names of hidden images
    text = clean_copy.without_paths(text)
    text = "".join(sign if sign.isprintable() else "?" for sign in text)
    return f'"{text}"' if len(text) <= 120 else f'"{text[:117]}..."'
