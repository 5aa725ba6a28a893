"""How close attacks come to the smallest perturbation there is: proven minima of two small networks, stored in data/results.

python3 course.py bench proven

The networks have one and two hidden layers, on test digits of 14x14. What the attacks find bounds the programs from above.
"""
import json
import os
import platform
import sys
import time
from collections.abc import Callable, Iterable
from datetime import date
from importlib.metadata import version

import numpy as np

from utils import attacks, data, pretrained, training
from utils.attacks.exact import exact_minimum
from utils.attacks.inputs import Model
from utils.attacks.result import Result, judged
from utils.data.images import halved
from utils.instructor.execute import ROOT
from utils.instructor.files import write_whole

RESULTS = ROOT / "data" / "results" / "proven_minima.json"
COUNTS = {"digits_dense": 20, "digits_two_layers": 10}  # test digits, the first that the network reads correctly
EPSILONS = np.geomspace(1e-4, 0.5, 400)  # 2 % from one to the next
LARGEST = {"Linf": 0.5, "L1": 50.0}  # radius of PGD's balls; below that, those of EPSILONS in proportion
Attack = Callable[[Model, np.ndarray, np.ndarray, str], Result]  # model, images [N, H, W, C], labels [N], norm


def shortest(model: Model, x: np.ndarray, labels: np.ndarray, norm: str, tried: Iterable[Result]) -> Result:
    """For each image the shortest by `norm` of the results that fool the model, or 0 where none does.

    They come in growing size: once all images are fooled, no more are asked for.
    """
    best, size = np.zeros_like(x), np.full(len(x), np.inf)
    for found in tried:
        better = found.success & (found.norms[norm] < size)
        best[better], size[better] = found.dx[better], found.norms[norm][better]
        if np.isfinite(size).all():
            break
    return judged(model, x, best, labels, False, {})


def shortest_fgsm(model: Model, x: np.ndarray, labels: np.ndarray, norm: str) -> Result:
    """FGSM with each of EPSILONS."""
    signs = np.sign(attacks.fgsm(model, x, labels, epsilon=1.0).dx)  # the direction is the same for every epsilon
    return shortest(model, x, labels, norm, (judged(model, x, epsilon * signs, labels, False, {}) for epsilon in EPSILONS))


def shortest_pgd(model: Model, x: np.ndarray, labels: np.ndarray, norm: str) -> Result:
    """PGD of 40 steps in balls of that norm."""
    radii = LARGEST[norm] / EPSILONS[-1] * EPSILONS
    return shortest(model, x, labels, norm, (attacks.pgd(model, x, labels, epsilon=radius, norm=norm) for radius in radii))


def deepfool(model: Model, x: np.ndarray, labels: np.ndarray, norm: str) -> Result:
    """As it comes, with all classes."""
    return attacks.deepfool(model, x, labels, norm=norm)


def jsma(model: Model, x: np.ndarray, labels: np.ndarray, norm: str) -> Result:
    """As it comes. It counts values, but each of them turns white, so that its L1 is small too."""
    return attacks.jsma(model, x, labels)


def dx_attack(model: Model, x: np.ndarray, labels: np.ndarray, norm: str) -> Result:
    """The attack of unit 05, with more steps than there."""
    return attacks.dx_attack(model, x, labels, norm=norm, steps=500)


def minimal(model: Model, x: np.ndarray, labels: np.ndarray, norm: str) -> Result:
    """As it comes."""
    return attacks.minimal(model, x, labels, norm=norm)


OF_BALLS: dict[str, Attack] = {"fgsm, best epsilon": shortest_fgsm, "pgd, best epsilon": shortest_pgd}
OF_EACH: dict[str, Attack] = {"dx_attack, 500 steps": dx_attack, "minimal": minimal}
ATTACKS: dict[str, dict[str, Attack]] = {  # by norm, for there is no DeepFool for L1, and no JSMA for Linf
    "Linf": OF_BALLS | {"deepfool": deepfool} | OF_EACH, "L1": OF_BALLS | {"jsma": jsma} | OF_EACH}


def measure(tried: dict[str, Attack], norm: str, name: str = "digits_dense", count: int | None = None,
            time_limit: float = 120.0) -> dict:
    """{"images": a dictionary for each, "seconds": of each attack for all images} of `count` test digits, or COUNTS[name].

    Of an image: its index in `data.load("digits").x_test`, its label, `norm` (the minimum), `lower`, `proven` and `seconds` of
    its `Minimum`, and the norm that each attack found, None where it failed.
    """
    digits, network = data.load("digits"), pretrained.load(name)
    x = halved(digits.x_test)
    chosen = np.flatnonzero(np.argmax(training.predict(network, x), 1) == digits.y_test)[:count or COUNTS[name]]
    x, labels = x[chosen], digits.y_test[chosen]
    sizes, seconds = {}, {}
    for attack, function in tried.items():
        started = time.perf_counter()
        found = function(network, x, labels, norm)
        seconds[attack] = round(time.perf_counter() - started, 2)
        sizes[attack] = np.where(found.success, found.norms[norm], np.inf)
    images = []
    for i, (index, label) in enumerate(zip(chosen, labels)):
        upper = min((size[i] for size in sizes.values()), default=np.inf)
        proof = exact_minimum(network, x[i], label, norm=norm, upper=upper, time_limit=time_limit)
        images.append({"index": int(index), "label": int(label), "norm": _number(proof.norm), "lower": _number(proof.lower),
                       "proven": proof.proven, "seconds": round(proof.seconds, 2),
                       "attacks": {attack: _number(size[i]) for attack, size in sizes.items()}})
        said = "proven" if proof.proven else f"or more than {proof.lower:.4f}"
        print(f"{name}  {norm}  image {index:3}  {proof.norm:.4f} {said}, {proof.seconds:.1f} s", flush=True)
    return {"images": images, "seconds": seconds}


def summary(measured: dict) -> dict[str, dict[str, float]]:
    """For each attack: how many images it fools, of those with a proven minimum, and its norms as multiples of the minima."""
    rows = {}
    for name in measured["seconds"]:
        pairs = [(one["attacks"][name], one["norm"]) for one in measured["images"] if one["proven"]]
        ratios = np.array([found / least for found, least in pairs if found is not None])
        rows[name] = {"proven": len(pairs), "fooled": len(ratios), "seconds": measured["seconds"][name]}
        if len(ratios):
            rows[name] |= {"median ratio": round(float(np.median(ratios)), 4), "largest ratio": round(float(ratios.max()), 4)}
    return rows


def main(tried: dict[str, dict[str, Attack]] = ATTACKS) -> int:
    """Measure both norms of both networks and store them."""
    os.environ.pop("COURSE_DATA", None)  # the indices are those of the built-in digits
    measured = {name: {norm: measure(of_norm, norm, name) for norm, of_norm in tried.items()} for name in COUNTS}
    stored = {"date": date.today().isoformat(), "command": "course.py bench proven",
              "versions": {"python": platform.python_version()} | {name: version(name) for name in ("numpy", "scipy", "keras")},
              "networks": {name: {norm: one | {"summary": summary(one)} for norm, one in norms.items()}
                           for name, norms in measured.items()}}
    write_whole(RESULTS, json.dumps(stored, indent=1) + "\n")
    for name, norms in stored["networks"].items():
        for norm, one in norms.items():
            for attack, row in one["summary"].items():
                print(f"{name:17}  {norm:4}  {attack:22}", ", ".join(f"{what} {value:.3g}" for what, value in row.items()))
    return 0


def _number(value: float) -> float | None:
    return float(f"{value:.7g}") if np.isfinite(value) else None


if __name__ == "__main__":
    sys.exit(main())
