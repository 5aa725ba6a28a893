"""Explanations, their speed and their scores: `python3 course.py bench explain [WORD ...]`.

Each row is stored in data/results/explain.json as soon as it is there; one that is there already, with the same settings, is not
run again. With WORDs only rows whose name holds one run.

occlusion  all positions of a 7x7 window on a 48x48 face, stride 1: processor seconds beside one batched forward pass of the same
           images, and beside a loop that calls the network once for each window, as PAIR's library saliency does (rebuilt here)
complete   the relative error of integrated gradients on rendered faces that the network gets right, for each baseline
anchors    the largest difference from the maps of xplique and tf-keras-vis, where both can be imported: install them with their
           requirements but TensorFlow's into a folder (pip install --no-deps --target DIR ...) and name it in PYTHONPATH
scores     deletion, insertion and pointing at the part of the face that matters, for each method, on the same
           faces, with 95 % intervals by the bootstrap
"""
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from datetime import date
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from utils import data, explain, pretrained, session, training
from utils.data.rendered import rendered_faces
from utils.explain.occlusion import filling
from utils.instructor.files import write_whole
from utils.quiet import tf

ROOT = Path(__file__).resolve().parents[1]
STORED = ROOT / "data" / "results" / "explain.json"
NETWORKS = ("faces_three_convolutions", "faces_densenet")
BASELINES = ("grey", "black", "blur")
RUNS = 3
FACES, SEED = 100, 12  # the first that the network gets right
SIZE, STRIDE = 7, 3
METHODS = ("random", "edges", "gradient", "guided backprop", "deconvnet", "Grad-CAM", "gradient x input", "SmoothGrad",
           "integrated gradients, grey", "integrated gradients, blur", "occlusion, grey", "occlusion, mean", "occlusion, blur")


class Row(NamedTuple):
    """What is run: it is stored under `key`, with `settings`."""

    key: str
    settings: dict[str, Any]


def signed(values: np.ndarray) -> np.ndarray:
    """Attributions [N, H, W, C] as a map of what speaks for the label: their sum over the channels, smoothed by a pixel."""
    return explain.smoothed(values.sum(-1))


def methods(network: str) -> dict[str, Callable[[], np.ndarray]]:
    """A map [N, H, W] for each method, on the faces of the row."""
    model, x, y, _ = faces(network)
    given = model, x, y, explain.log_odds
    return {
        "random": lambda: explain.random_maps(x.shape[:3]),
        "edges": lambda: explain.edges(x),
        "gradient": lambda: explain.per_pixel(explain.saliency(*given)),
        "guided backprop": lambda: explain.per_pixel(explain.guided_backprop(*given)),
        "deconvnet": lambda: explain.per_pixel(explain.deconvnet(*given)),
        "Grad-CAM": lambda: explain.grad_cam(*given, layer=-4 if network == "faces_densenet" else -1),
        "gradient x input": lambda: signed(explain.gradient_times_input(*given)),
        "SmoothGrad": lambda: explain.per_pixel(explain.smooth_grad(*given)),
        "integrated gradients, grey": lambda: signed(explain.integrated_gradients(*given, baseline=0.5, most=64)),
        "integrated gradients, blur": lambda: signed(
            explain.integrated_gradients(*given, baseline=filling(x, "blur", 8), most=64)),
        "occlusion, grey": lambda: explain.drop(model, x, y, size=SIZE, stride=STRIDE, score=explain.log_odds),
        "occlusion, mean": lambda: explain.drop(model, x, y, size=SIZE, stride=STRIDE, fill="mean", score=explain.log_odds),
        "occlusion, blur": lambda: explain.drop(model, x, y, size=SIZE, stride=STRIDE, fill="blur", score=explain.log_odds),
    }


def rows() -> Iterator[Row]:
    if find_spec("xplique") and find_spec("tf_keras_vis"):
        yield Row("anchors/digits_lenet", {"images": 50, "steps": 256})
    for network in NETWORKS:
        yield Row(f"occlusion/{network}", {"size": 7, "stride": 1, "runs": RUNS})
        for baseline in BASELINES:
            yield Row(f"complete/{network}/{baseline}", {"faces": FACES, "steps": 64, "most": 4096})
    for network in NETWORKS:
        for method in METHODS:
            yield Row(f"scores/{network}/{method}", {"faces": FACES, "size": SIZE, "stride": STRIDE})


def run_row(row: Row) -> dict[str, Any]:
    session.start(0)
    kind, network, *last = row.key.split("/")
    return {"occlusion": speed, "complete": complete, "scores": scored, "anchors": anchors}[kind](network, *last)


@cache
def faces(network: str) -> tuple[tf.Module, np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """The network, and FACES rendered faces that it gets right, with their labels and factors."""
    model = pretrained.load(network)
    x, y, factors = rendered_faces(2 * FACES, seed=SEED)
    right = np.flatnonzero(training.predict(model, x).argmax(1) == y)[:FACES]
    return model, x[right], y[right], {name: values[right] for name, values in factors.items()}


def speed(network: str) -> dict[str, Any]:
    """Processor seconds of occlusion, of the forward pass alone, and of the loop, run in turns."""
    model, x, y, _ = faces(network)
    x, y = x[:1], y[:1]
    compiled = tf.function(model)
    covered = [x[0].copy() for _ in range(42 * 42)]
    for place, image in enumerate(covered):
        image[place // 42:place // 42 + 7, place % 42:place % 42 + 7] = 0.5
    covered = np.stack(covered)

    def loop() -> list[float]:
        found = []
        for top in range(42):
            for left in range(42):
                image = x[0].copy()
                image[top:top + 7, left:left + 7] = 0.5
                found.append(float(tf.nn.softmax(model(image[None]))[0, y[0]]))
        return found

    def forward() -> np.ndarray:
        batches = [tf.constant(covered[i:i + 128]) for i in range(0, len(covered), 128)]
        return np.concatenate([tf.nn.softmax(compiled(batch)) for batch in batches])[:, y[0]]

    run = {"occlusion": lambda: explain.occlusion(model, x, y).ravel(), "forward": forward, "loop": loop}
    answers = [np.array(function()) for function in run.values()]  # not timed: compiles
    seconds: dict[str, list[float]] = {name: [] for name in run}
    for _ in range(RUNS):
        for name, function in run.items():
            start = time.process_time()
            function()
            seconds[name].append(time.process_time() - start)
    middle = {name: statistics.median(values) for name, values in seconds.items()}
    return {name: short(value) for name, value in middle.items()} | {
        "over forward": short(middle["occlusion"] / middle["forward"]),
        "faster than the loop": short(middle["loop"] / middle["occlusion"]),
        "largest difference": short(max(np.abs(answers[0] - other).max() for other in answers[1:]))}


def anchors(network: str) -> dict[str, Any]:
    """The largest difference from the other libraries' maps, as a share of the largest value of ours.

    tf-keras-vis gives Grad-CAM before it is enlarged (with splines, ours bilinear); xplique's integral uses the trapezoidal rule.
    """
    from tf_keras_vis.gradcam import Gradcam
    from tf_keras_vis.saliency import Saliency
    from tf_keras_vis.utils.scores import CategoricalScore
    from xplique import attributions

    model, digits = pretrained.load(network), data.load("digits")
    x, y = digits.x_test[:50], digits.y_test[:50]
    score, targets = CategoricalScore(y.tolist()), np.eye(10, dtype=np.float32)[y]
    gradient = explain.per_pixel(explain.saliency(model, x, y))
    integrated = explain.integrated_gradients(model, x, y, baseline=0.5, most=256)
    cam = Gradcam(model, clone=False)(score, x, penultimate_layer=-1, normalize_cam=False, expand_cam=False)
    pairs = {"gradient, tf-keras-vis": (gradient, Saliency(model, clone=False)(score, x, normalize_map=False)),
             "gradient, xplique": (gradient, attributions.Saliency(model)(x, targets)),
             "integrated gradients, xplique": (integrated, attributions.IntegratedGradients(
                 model, steps=256, baseline_value=0.5)(x, targets)),
             "Grad-CAM, tf-keras-vis": (explain.grad_cam(model, x, y, layer=-1), tf.image.resize(cam[..., None], x.shape[1:3]))}
    return {name: short(np.abs(np.reshape(theirs, ours.shape) - ours).max() / np.abs(ours).max()) for name, (ours, theirs) in pairs.items()}


def complete(network: str, baseline: str) -> dict[str, Any]:
    model, x, y, _ = faces(network)
    start = filling(x, "blur", 8) if baseline == "blur" else {"grey": 0.5, "black": 0.0}[baseline]
    found = {most: explain.integrated_gradients(model, x, y, explain.log_odds, baseline=start, most=most) for most in (64, 4096)}
    errors = {most: explain.completeness(model, x, y, one, explain.log_odds, baseline=start) for most, one in found.items()}
    return {f"most {most}": {"median": short(np.median(error)), "largest": short(error.max()),
                             "within 1 %": float(np.mean(error <= 0.01))}
            for most, error in errors.items()}


def scored(network: str, method: str) -> dict[str, Any]:
    """Areas, each with its interval, and how much better than the two maps that know nothing of the network."""
    maps, leans, mask = methods(network)[method](), *parts(network)
    areas = {name: knows_nothing(network, name) for name in ("random", "edges")}
    areas[method] = both_areas(network, maps)
    hits = explain.pointing(maps[leans], mask)
    row = {"deletion": interval(areas[method][0]), "insertion": interval(areas[method][1]),
           "pointing at the part that matters": [int(hits.sum()), len(hits)], "share of its pixels": short(mask.mean())}
    for other in ("random", "edges"):
        if other != method:
            row[f"deletion, {other} minus this"] = interval(areas[other][0] - areas[method][0])
            row[f"insertion, this minus {other}"] = interval(areas[method][1] - areas[other][1])
    return row


def both_areas(network: str, maps: np.ndarray) -> list[np.ndarray]:
    """The areas of deletion and of insertion, [N] each."""
    model, x, y, _ = faces(network)
    return [explain.area(explain.deletion(model, x, y, maps, insertion=insertion)) for insertion in (False, True)]


@cache
def knows_nothing(network: str, name: str) -> list[np.ndarray]:
    return both_areas(network, methods(network)[name]())


@cache
def parts(network: str) -> tuple[np.ndarray, np.ndarray]:
    """The faces, bool [N], whose log-odds fall by 1 or more when a part is exchanged, and the masks of that part."""
    model, x, _, factors = faces(network)
    falls, masks = explain.exchanged(model, factors)
    leans = falls.max(0) >= 1
    return leans, masks[falls.argmax(0), np.arange(len(x))][leans]


def interval(values: np.ndarray) -> list[float]:
    """Mean, low and high."""
    return [short(value) for value in explain.bootstrap(values)]


def short(number: float) -> float:
    return float(f"{float(number):.4g}")


def load() -> dict[str, dict]:
    return json.loads(STORED.read_text(encoding="utf-8")) if STORED.exists() else {}


def main(words: list[str]) -> int:
    for row in rows():
        if (words and not any(word in row.key for word in words)) or load().get(row.key, {}).get("settings") == row.settings:
            continue
        done = run_row(row) | {"settings": row.settings, "date": date.today().isoformat(),
                              "command": f"course.py bench explain {row.key}"}
        lines = [f"{json.dumps(key)}: {json.dumps(one)}" for key, one in sorted((load() | {row.key: done}).items())]
        write_whole(STORED, "{\n" + ",\n".join(lines) + "\n}\n")
        print(f"{row.key}: {json.dumps(done)}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
