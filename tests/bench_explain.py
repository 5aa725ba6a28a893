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
import statistics
import sys
import time
from collections.abc import Callable
from functools import cache, partial
from importlib.util import find_spec

import numpy as np

from utils import data, explain, pretrained, session, training
from utils.data.rendered import rendered_faces
from utils.explain.occlusion import filling
from utils.instructor import results
from utils.instructor.results import Measurement, Row
from utils.quiet import tf

NETWORKS = ("faces_three_convolutions", "faces_densenet")
BASELINES = ("grey", "black", "blur")
RUNS = 3
FACES, SEED = 100, 12  # the first that the network gets right
SIZE, STRIDE = 7, 3
METHODS = ("random", "edges", "gradient", "guided backprop", "deconvnet", "Grad-CAM", "gradient x input", "SmoothGrad",
           "integrated gradients, grey", "integrated gradients, blur", "occlusion, grey", "occlusion, mean", "occlusion, blur")


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


def rows() -> dict[str, Row]:
    """The settings of each row."""
    found: dict[str, Row] = {}
    if find_spec("xplique") and find_spec("tf_keras_vis"):
        found["anchors/digits_lenet"] = {"images": 50, "steps": 256}
    for network in NETWORKS:
        found[f"occlusion/{network}"] = {"size": 7, "stride": 1, "runs": RUNS}
        found |= {f"complete/{network}/{baseline}": {"faces": FACES, "steps": 64, "most": 4096} for baseline in BASELINES}
    return found | {f"scores/{network}/{method}": {"faces": FACES, "size": SIZE, "stride": STRIDE}
                    for network in NETWORKS for method in METHODS}


def run_row(name: str, _: None) -> Row:
    session.start(0)
    kind, network, *last = name.split("/")
    return {"occlusion": speed, "complete": complete, "scores": scored, "anchors": anchors}[kind](network, *last)


@cache
def faces(network: str) -> tuple[tf.Module, np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """The network, and FACES rendered faces that it gets right, with their labels and factors."""
    model = pretrained.load(network)
    x, y, factors = rendered_faces(2 * FACES, seed=SEED)
    right = np.flatnonzero(training.predict(model, x).argmax(1) == y)[:FACES]
    return model, x[right], y[right], {name: values[right] for name, values in factors.items()}


def speed(network: str) -> Row:
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
    return middle | {
        "over forward": middle["occlusion"] / middle["forward"],
        "faster than the loop": middle["loop"] / middle["occlusion"],
        "largest difference": float(max(np.abs(answers[0] - other).max() for other in answers[1:]))}


def anchors(network: str) -> Row:
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
    return {name: float(np.abs(np.reshape(theirs, ours.shape) - ours).max() / np.abs(ours).max())
            for name, (ours, theirs) in pairs.items()}


def complete(network: str, baseline: str) -> Row:
    model, x, y, _ = faces(network)
    start = filling(x, "blur", 8) if baseline == "blur" else {"grey": 0.5, "black": 0.0}[baseline]
    found = {most: explain.integrated_gradients(model, x, y, explain.log_odds, baseline=start, most=most) for most in (64, 4096)}
    errors = {most: explain.completeness(model, x, y, one, explain.log_odds, baseline=start) for most, one in found.items()}
    return {f"most {most}": {"median": float(np.median(error)), "largest": float(error.max()),
                             "within 1 %": float(np.mean(error <= 0.01))}
            for most, error in errors.items()}


def scored(network: str, method: str) -> Row:
    """Areas, each with its interval, and how much better than the two maps that know nothing of the network."""
    maps, leans, mask = methods(network)[method](), *parts(network)
    areas = {name: knows_nothing(network, name) for name in ("random", "edges")}
    areas[method] = both_areas(network, maps)
    hits = explain.pointing(maps[leans], mask)
    row = {"deletion": explain.bootstrap(areas[method][0]), "insertion": explain.bootstrap(areas[method][1]),
           "pointing at the part that matters": [int(hits.sum()), len(hits)], "share of its pixels": float(mask.mean())}
    for other in ("random", "edges"):
        if other != method:
            row[f"deletion, {other} minus this"] = explain.bootstrap(areas[other][0] - areas[method][0])
            row[f"insertion, this minus {other}"] = explain.bootstrap(areas[method][1] - areas[other][1])
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


def main(words: list[str]) -> int:
    measurements = {name: Measurement(partial(run_row, name), False, None, settings) for name, settings in rows().items()}
    return results.store(results.FOLDER / "explain.json", "bench explain", measurements, words)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
