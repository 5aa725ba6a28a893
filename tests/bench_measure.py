"""What `course.py bench attacks` measures every attack by, the course's and the others'. NumPy is enough."""
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

LONG = 30.0  # seconds: an attack that took longer is not run again, its first time counts as the warm one too
WARM = 5.0  # seconds in which an attack is run again for the warm time, three times at most
SAME_VALUE = 1e-6  # a pixel value that differs by less is set back: rounding in x + dx - x would count in L0


def distance(dx: np.ndarray, norm: str) -> np.ndarray:
    """The size of each dx [N, H, W, C] in "L0", "L1", "L2" or "Linf": float64 [N]."""
    size = np.abs(dx.reshape(len(dx), -1)).astype(np.float64)
    return {"L0": lambda: np.count_nonzero(size, 1).astype(np.float64), "L1": lambda: size.sum(1),
            "L2": lambda: np.sqrt((size**2).sum(1)), "Linf": lambda: size.max(1)}[norm]()


def largest_distance(norm: str, shape: tuple[int, ...]) -> float:
    """The largest distance of that norm in the box [0, 1] of images [H, W, C]: what a failure counts as."""
    values = float(np.prod(shape))
    return {"L0": values, "L1": values, "L2": values**0.5, "Linf": 1.0}[norm]


def timed(attack: Callable[[], np.ndarray]) -> tuple[np.ndarray, float, float]:
    """What the attack gives, its processor seconds, and its elapsed seconds.

    All run with one thread: on a quiet machine the two times are the same, on a busy one the first is that of a quiet one.
    """
    start, busy = time.perf_counter(), time.process_time()
    modified = attack()
    return modified, time.process_time() - busy, time.perf_counter() - start


def peak_memory() -> float:
    """The most memory that this process has held so far, in MB; NaN on Windows, where it cannot be asked this way."""
    try:
        import resource
    except ImportError:
        return float("nan")
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


def measured(attack: Callable[[], np.ndarray], classes: Callable[[np.ndarray], np.ndarray], x: np.ndarray, labels: np.ndarray,
             norm: str) -> dict[str, Any]:
    """Run attack() -> modified images [N, H, W, C] once cold and then warm: a row of the table without its names.

    classes maps images [N, H, W, C] to the network's answers [N]. An image that is not fooled counts as `largest_distance`.
    """
    before = peak_memory()
    modified, cold, elapsed = timed(attack)
    memory, runs = peak_memory(), []
    while cold < LONG and len(runs) < 3 and sum(runs) < WARM:
        runs.append(timed(attack)[1])
    modified = np.clip(np.nan_to_num(modified, nan=0.5), 0, 1).astype(np.float32)
    modified = np.where(np.abs(modified - x) < SAME_VALUE, x, modified)
    success = classes(modified) != labels
    sizes = np.where(success, distance(modified - x, norm), largest_distance(norm, x.shape[1:]))
    return {"images": len(x), "success": float(success.mean()), "median": short(np.median(sizes)), "mean": short(sizes.mean()),
            "cold_s": short(cold), "warm_s": short(statistics.median(runs or [cold])), "elapsed_s": short(elapsed),
            "memory_mb": round(memory), "memory_before_mb": round(before), "distances": [short(size) for size in sizes]}


def made_with(*packages: str) -> dict[str, Any]:
    """What a row was measured with: the versions of Python and of installed packages, and the machine."""
    return {"versions": {"python": platform.python_version()} | {name: _version(name) for name in packages}, "machine": machine()}


def _version(package: str) -> str:
    """Of an installed package, or of the module of that name: TensorFlow is there as tensorflow or tensorflow_cpu."""
    try:
        return version(package)
    except PackageNotFoundError:
        return import_module(package).__version__


def machine() -> str:
    """The kind of processor and how many there are, and the system: "AMD EPYC, 2 processors, Linux". No name of a computer."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    model = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())
    return f"{model}, {os.cpu_count()} processors, {platform.system()}"


def short(number: float) -> float:
    """Five digits, which keeps the stored file small."""
    return float(f"{number:.5g}")
