"""The hidden test set: faces that no team has seen, from an NPZ file of the instructor, or rendered from a secret seed."""
import hashlib
from pathlib import Path
from typing import NamedTuple

import numpy as np

from utils import groups
from utils.data import real
from utils.data.images import to_levels
from utils.data.rendered import rendered_faces

RENDERED = 1000  # faces
RACES = ("White", "Black", "Asian", "Indian", "other")
AGES = [18, 30, 45, 60, 75, 90]


class Hidden(NamedTuple):
    """Grey levels uint8 [N, 48, 48], labels [N] (0 man, 1 woman), {kind of group: names [N]}, and what the set is in words."""

    levels: np.ndarray
    labels: np.ndarray
    groups: dict[str, np.ndarray]
    source: str

    def split(self, most: int) -> tuple["Hidden", "Hidden"]:
        """(the others, the last `most` faces): of a small set at most a quarter."""
        cut = len(self.labels) - min(most, len(self.labels) // 4)
        return tuple(Hidden(self.levels[part], self.labels[part], {kind: names[part] for kind, names in self.groups.items()},
                            self.source)
                     for part in (slice(cut), slice(cut, None)))

    def digest(self) -> str:
        """SHA-256 of pictures, labels and groups."""
        groups = str({kind: names.tolist() for kind, names in self.groups.items()}).encode()
        return hashlib.sha256(self.levels.tobytes() + self.labels.astype("<i8").tobytes() + groups).hexdigest()


def rendered(seed: int, faces: int = RENDERED) -> Hidden:
    """Rendered faces of a seed that only the instructor knows; the label is the rule of `utils.data.rendered`."""
    images, labels, factors = rendered_faces(faces, seed)
    known = {"age": groups.bands(factors["age"], AGES),
             "skin reflectance (0.1 dark, 0.65 light)": groups.bands(factors["skin"], [0.1, 0.2, 0.3, 0.4, 0.5, 0.65])}
    return Hidden(to_levels(images[..., 0]), labels, known, f"{faces} rendered faces")


def from_file(path: Path) -> Hidden:
    """The test faces of an NPZ file: `x_test`, `y_test` and, if they are there, `age_test` and `race_test`, as `data.real` has
    them; other arrays may be there. Raises ValueError with a sentence for a file that cannot be used."""
    arrays = real.read_test_faces(path)
    found = {}
    if "age" in arrays:
        found["age"] = groups.bands(arrays["age"], AGES)
    if "race" in arrays:
        found["race, as annotated"] = np.array(RACES)[arrays["race"]]
    return Hidden(arrays["x"], arrays["y"].astype(np.int64), found, f"{len(arrays['y'])} faces from {path.name}")
