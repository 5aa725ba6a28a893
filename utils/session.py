"""What every notebook does first: seeds, and the sizes of the chosen profile."""
import os
from pathlib import Path
from types import SimpleNamespace


def start(seed: int = 0) -> None:
    """Seed Python, NumPy and TensorFlow, so that the notebook gives the same results each time it is run from the top."""
    from utils.quiet import tf

    tf.keras.utils.set_random_seed(seed)


def profile(quick: dict, full: dict) -> SimpleNamespace:
    """The sizes of this run: `quick` for a laptop and a lesson, `full` when the environment says COURSE_PROFILE=full.

    Both dictionaries have the same keys; the result has them as attributes. Raises ValueError for another profile.
    """
    chosen = os.environ.get("COURSE_PROFILE", "quick")
    if chosen not in ("quick", "full"):
        raise ValueError(f"COURSE_PROFILE is {chosen!r}, expected 'quick' or 'full': set it again or remove it.")
    if quick.keys() != full.keys():
        raise ValueError(f"The profiles differ in {sorted(quick.keys() ^ full.keys())}: give both the same names.")
    return SimpleNamespace(**(quick if chosen == "quick" else full))


def output_folder(name: str) -> Path:
    """The folder for what a notebook writes, made if it is not there: `name` beside the notebook, or below COURSE_OUT."""
    folder = Path(os.environ.get("COURSE_OUT", ".")) / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder
