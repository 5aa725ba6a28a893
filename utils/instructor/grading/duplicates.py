"""Submissions of one class that share a picture, a perturbation or weights: reported for a person to judge, never punished.

A fingerprint is taken of each submission when it is graded and is enough to compare it later, also when its pictures are deleted.
Teams that start from the lab's own rendered face share that picture without having done anything wrong.
"""
import hashlib
from collections.abc import Mapping
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

import imagehash
import numpy as np
from PIL import Image

from utils.instructor.grading.clean_copy import plain

HASH = dict(hash_size=16, highfreq_factor=3)  # 256 bits of the 48x48 lowest frequencies
# different faces differ in 48 bits or more (a million pairs, real and rendered), a face saved as jpeg in at most 20
SAME_BITS = 30
SAME_DX = 0.9  # correlation
NUMBERS = 128  # of the fingerprint of DX
WEIGHTS_BYTES = 4096  # smaller files are no weights
NO_WEIGHTS = {".py", ".ipynb", ".pb", ".json", ".txt", ".md", ".html", ".toml", ".png", ".raw", ".index", ".pdf", ".jpg"}


class Duplicate(NamedTuple):
    """Two submissions, what they share ("picture", "perturbation", "weights"), and how it was seen."""

    first: str
    second: str
    what: str
    how: str


def fingerprint(folder: Path, pictures: Mapping[str, np.ndarray]) -> dict:
    """What later comparisons need of a submission, to be stored as JSON.

    {"picture": hex, "dx": [NUMBERS], "weights": {hash: name}}.
    """
    found = {"weights": {}}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix.lower() not in NO_WEIGHTS and path.stat().st_size >= WEIGHTS_BYTES:
            with open(path, "rb") as file:
                found["weights"][hashlib.file_digest(file, "sha256").hexdigest()] = plain(path.name)
    if "ori" in pictures:
        found["picture"] = str(imagehash.phash(Image.fromarray(pictures["ori"]), **HASH))
    if {"ori", "mod"} <= pictures.keys():
        found["dx"] = _projected(pictures["mod"].astype(float) - pictures["ori"])
    return found


def compare(fingerprints: Mapping[str, dict]) -> list[Duplicate]:
    """All pairs of submissions {name: fingerprint} that share something."""
    found = []
    for first, second in combinations(sorted(fingerprints), 2):
        a, b = fingerprints[first], fingerprints[second]
        if "picture" in a and "picture" in b:
            bits = int(imagehash.hex_to_hash(a["picture"]) - imagehash.hex_to_hash(b["picture"]))
            if bits <= SAME_BITS:
                found.append(Duplicate(first, second, "picture", f"perceptual hashes differ in {bits} of 256 bits"))
        if a.get("dx") and b.get("dx"):
            correlation = float(np.dot(a["dx"], b["dx"]))
            if abs(correlation) >= SAME_DX:
                found.append(Duplicate(first, second, "perturbation", f"correlation about {correlation:.2f}"))
        for same in sorted(a["weights"].keys() & b["weights"].keys()):
            found.append(Duplicate(first, second, "weights", f"{a['weights'][same]} and {b['weights'][same]} are the same bytes"))
    return found


def _projected(dx: np.ndarray) -> list[float]:
    """DX [48, 48] on NUMBERS fixed random directions, of length 1: their inner product estimates the correlation of two DX to
    about 0.1 (Johnson and Lindenstrauss 1984), and no picture can be made from them. Empty where DX is constant."""
    dx = (dx - dx.mean()).ravel()
    if not dx.any():
        return []
    found = np.random.default_rng(0).standard_normal((NUMBERS, dx.size)) @ dx
    return [round(float(value), 4) for value in found / np.linalg.norm(found)]
