"""Moments by formula beside Monte Carlo: `python3 course.py bench moments [quick] [WORD ...]`.

Each row is stored in data/results/moments.json as soon as it is there; one that is there already, with the same settings, is not
run again. `quick` takes fewer images and samples, under names of their own; with WORDs only rows whose name holds one run.

lenet, faces  mean and variance of the logits of LeNet, and of a small network for faces: how many samples have the same error,
       and how long they take beside the formula, both for a batch of the same images
deep   dense networks with random weights, more and more layers: sampled variance over the formula's, with exact covariances and
       with those of mean 0 (theorem 2, as in Bibi, Alfadly and Ghanem 2018, rebuilt here from the paper), and over that of the
       linearised network
imagenet  MobileNetV2, where its weights are at hand: does the mean by formula predict the order of the highest noisy logits?

With COURSE_DATA=DIR faces are real ones; LeNet's digits are the built-in ones in any case.
"""
import json
import os
import shlex
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy.stats import kendalltau

from utils import data, moments, pretrained, session
from utils.instructor.files import write_whole
from utils.quiet import tf

sys.path.insert(0, str(Path(__file__).parent))  # course.py runs Python so that the folder of a script is not on the path
from bench_moments_peers import linearised, paper  # noqa: E402

ROOT = Path(__file__).resolve().parents[1]
STORED = ROOT / "data" / "results" / "moments.json"
RUNS, LONG, TIMED = 5, 5.0, 1000  # alternating runs, no more after so many seconds; samples of each, for the time of one
SIGMAS = (0.05, 0.1, 0.2)
NETS = {"1 hidden": (784, 500, 10), "2 hidden": (784, 500, 300, 10), "4 hidden": (784, 500, 500, 300, 100, 10),
        "8 hidden": (784, *[300] * 8, 10)}  # that of 4 is the paper's
CLASSIFIERS = {"lenet": ("digits_lenet", "digits"), "faces": ("faces_three_convolutions", "faces")}
METHODS: dict[str, Callable] = {  # model, images [N, ...], std -> Gaussian
    "diagonal": lambda model, x, std: moments.propagate(model, x, std, method="diagonal"),
    "mixed": lambda model, x, std: moments.mixed_moments(model, x, tf.fill(x.shape, std)),
    "paper": lambda model, x, std: paper(model, x, std, -1),
    "two_stage 0 diagonal": lambda model, x, std: moments.two_stage(model, x, std, relu=0, diagonal=True),
    "two_stage 2": lambda model, x, std: moments.two_stage(model, x, std, relu=2),
    "two_stage 3": lambda model, x, std: moments.two_stage(model, x, std, relu=3),
    "first_order": lambda model, x, std: moments.propagate(model, x, std, method="first_order"),
    "full": lambda model, x, std: moments.propagate(model, x, std),
}
AT_ONCE = {"diagonal": 100, "mixed": 100, "first_order": 5}  # images in a call; else 1, of which all pixels or units are a batch
# Images, where each takes long
FEW = {"full": 1, "first_order": 20, "two_stage 0 diagonal": 20, "two_stage 2": 20, "two_stage 3": 20, "faces": 20}


class Row(NamedTuple):
    """What is run: it is stored under `key`, with `settings`."""

    key: str  # "lenet/sigma/method" (or faces), "deep/network/sigma" or "imagenet/sigma/order", after "quick/" if so
    settings: dict[str, Any]


def rows(quick: bool) -> Iterator[Row]:
    """All rows, the quickest method of each kind first."""
    images, samples = (10, 4000) if quick else (100, 1000)
    name = "quick/" if quick else ""
    for sigma in SIGMAS:
        yield Row(f"{name}imagenet/{sigma}/order", {"images": 1 if quick else 6, "samples": 50 if quick else 75})
    for net in NETS:
        for sigma in (*SIGMAS, 0.5, 1.0):
            yield Row(f"{name}deep/{net}/{sigma}", {"networks": 1 if quick else 5, "samples": 8000 if quick else 20_000})
    for kind in ("faces", "lenet"):  # the digits leave COURSE_DATA, so they come last
        for method in METHODS if kind == "lenet" else ("diagonal", "mixed"):
            for sigma in SIGMAS:
                count = min(images, FEW.get(method, images), FEW.get(kind, images))
                yield Row(f"{name}{kind}/{sigma}/{method}", {"images": count, "samples": samples})


def run_row(row: Row) -> dict[str, Any]:
    *_, kind, what, last = row.key.split("/")
    if kind == "imagenet":
        return imagenet(float(what), **row.settings)
    return deep(what, float(last), **row.settings) if kind == "deep" else classifier(kind, float(what), last, **row.settings)


# Trained networks ---------------------------------------------------------------------------------------------------------

def classifier(kind: str, sigma: float, method: str, images: int, samples: int) -> dict[str, Any]:
    """Errors of a formula, and the processor time of the Monte Carlo with the same error over that of the formula.

    Both work on batches of the same images, compiled and warm, in turns; all seconds are those of one image.
    """
    session.start(0)
    model, x, sampled, source = sampled_classifier(kind, sigma, images, samples)
    size = min(images, AT_ONCE.get(method, 1))
    formula = tf.function(lambda some: METHODS[method](model, some, sigma))
    drawn = tf.function(lambda some: model(tf.repeat(some, TIMED // size, 0) + sigma * tf.random.normal([TIMED, *x.shape[1:]])))
    batches = [tf.constant(x[i:i + size]) for i in range(0, images, size)]
    found = [formula(batch) for batch in batches]
    mean, variance = (np.concatenate(part) for part in zip(*((one.mean, one.variance) for one in found)))
    seconds = alternating(lambda: formula(batches[0]), lambda: drawn(batches[0]))
    one_formula, one_sample = seconds[0] / size, seconds[1] / TIMED
    errors = mean - sampled.mean, variance - sampled.variance
    own = sampled.mean_error, sampled.variance_error
    row: dict[str, Any] = {"data": source, "formula_s": short(one_formula), "sample_s": short(one_sample), "images_at_once": size,
                           "variance_ratio": short(np.median(sampled.variance / variance)),
                           "logits": [int(size) for size in sampled.mean.shape]}
    for name, error, standard in zip(("mean", "variance"), errors, own):
        # In units of the error of one sample: n samples have 1 / n. What sampling the reference added is taken off.
        squared = float(np.mean((error / standard)**2) - 1) / samples
        relative = np.sqrt(np.mean(error**2)) / np.sqrt(np.mean(sampled.variance)) if name == "mean" else np.median(
            np.abs(error) / sampled.variance)
        wanted = 1 / max(squared, 1 / samples)
        row[name] = {"error": short(relative), "samples_of_the_same_error": round(wanted), "at_least": squared < 1 / samples,
                     "time_ratio": short(wanted * one_sample / one_formula)}
    # The same error of the mean, over the size of the logits in the place of their standard deviation.
    row["mean"]["error_over_logit_size"] = short(np.sqrt(np.mean(errors[0]**2) / np.mean(sampled.mean**2)))
    return row


@cache
def sampled_classifier(kind: str, sigma: float, images: int, samples: int) -> tuple[Callable, np.ndarray, moments.Sampled, str]:
    """The network, the first test images, the sampled moments that its formulas are compared with, and which data they are."""
    name, which = CLASSIFIERS[kind]
    if kind == "lenet":  # it was trained on the built-in digits
        os.environ.pop("COURSE_DATA", None)
    dataset = data.load(which)
    model, x = pretrained.load(name), dataset.x_test[:images]
    return model, x, moments.sample_moments(model, x, sigma, samples), dataset.source


def alternating(first: Callable, second: Callable) -> tuple[float, float]:
    """The median processor seconds of both, run in turns after one run that is not counted."""
    first(), second()
    times: tuple[list[float], list[float]] = [], []
    while len(times[0]) < RUNS and sum(times[0]) < LONG:
        for function, record in zip((first, second), times):
            start = time.process_time()
            function()
            record.append(time.process_time() - start)
    return statistics.median(times[0]), statistics.median(times[1])


# Deep networks with random weights ----------------------------------------------------------------------------------------

def deep(net: str, sigma: float, networks: int, samples: int) -> dict[str, Any]:
    """Ratios of variances over networks with other weights and images: of the network, of the linearised one, of the formulas.

    Two-stage at the last ReLU, as it is by default; its Monte Carlo has noise of its own.
    """
    rows = [_one_network(net, sigma, seed, samples) for seed in range(networks)]
    row: dict[str, Any] = {name: spread(np.stack([one[name] for one in rows])) for name in rows[0] if " over " in name}
    row |= {name: short(np.max([one[name] for one in rows])) for name in rows[0] if " over " not in name}
    session.start(0)
    model, x = dense(NETS[net]), tf.random.uniform([1, NETS[net][0]])
    exact = tf.function(lambda: moments.two_stage(model, x, sigma))
    peer = tf.function(lambda: paper(model, x, sigma, -1))
    row["seconds"], row["seconds of the zero-mean formula"] = map(short, alternating(exact, peer))
    return row


def _one_network(net: str, sigma: float, seed: int, samples: int) -> dict[str, np.ndarray]:
    """For each logit: the ratios, the errors of the means in standard deviations, and how far formula and samples are apart."""
    session.start(seed)
    model, x = dense(NETS[net]), tf.random.uniform([1, NETS[net][0]])
    sampled = moments.sample_moments(model, x, sigma, samples, seed=2 * seed)
    linear = moments.sample_moments(*linearised(model, x, -1, sigma), sigma, samples, seed=2 * seed + 1)
    formulas = {"two-stage": moments.two_stage(model, x, sigma), "zero mean": paper(model, x, sigma, -1),
                "layer by layer": moments.propagate(model, x, sigma),
                "first order": moments.propagate(model, x, sigma, method="first_order")}
    row = {f"sampled over {name}": sampled.variance / found.variance for name, found in formulas.items()}
    row |= {f"mean error of {name}": np.abs(found.mean - sampled.mean) / np.sqrt(sampled.variance)
            for name, found in formulas.items()}
    exact = formulas["two-stage"].variance
    return row | {"sampled over linearised": sampled.variance / linear.variance,
                  "linearised over two-stage": linear.variance / exact,
                  "linearised - two-stage, standard errors": np.abs(linear.variance - exact) / linear.variance_error}


def dense(sizes: tuple[int, ...]) -> Callable:
    """A network of dense layers with ReLU between them; weights as of He et al. 2015, biases with a standard deviation of .1."""
    layers = [(tf.random.normal([a, b], stddev=(2 / a)**0.5), tf.random.normal([b], stddev=0.1))
              for a, b in zip(sizes, sizes[1:])]

    def model(x: tf.Tensor) -> tf.Tensor:
        for weights, bias in layers[:-1]:
            x = tf.nn.relu(tf.matmul(x, weights) + bias)
        return tf.matmul(x, layers[-1][0]) + layers[-1][1]
    return model


# MobileNetV2 --------------------------------------------------------------------------------------------------------------

def imagenet(sigma: float, images: int, samples: int) -> dict[str, Any]:
    """Kendall's tau between the sampled mean logits and those of the formula, for the classes that are highest in the samples.

    Beside it the same for the clean logits, which is what is predicted without a formula, and for two halves of the samples
    (each of `samples`), which is what sampling predicts. Raises ValueError without the weights.
    """
    known = pretrained.imagenet()
    if known is None:
        raise ValueError("MobileNetV2's weights are not at hand (see utils/pretrained.py): name other rows, such as lenet.")
    model, (names, photographs) = known[0], zip(*list(pretrained.photographs().items())[:images])
    x = np.stack(photographs)
    formula = tf.function(lambda one: moments.propagate(model, one, sigma, method="diagonal").mean)
    drawn = tf.function(lambda one: model(tf.repeat(one, 6, 0) + sigma * tf.random.normal([6, *one.shape[1:]])))
    ones = [tf.constant(one[None]) for one in x]
    mean = np.concatenate([formula(one) for one in ones])
    seconds = alternating(lambda: formula(ones[0]), lambda: drawn(ones[0]))
    halves = [moments.sample_moments(model, x, sigma, samples, seed=seed) for seed in (0, 1)]
    sampled = (halves[0].mean + halves[1].mean) / 2
    row: dict[str, Any] = {"photographs": names, "formula_s": short(seconds[0]), "sample_s": short(seconds[1] / 6)}
    predictions = {"formula": mean, "clean": np.asarray(model(x))}
    for highest in (5, 10):
        for name, logits in predictions.items():
            row[f"tau {name}, top {highest}"] = orders(sampled, logits, highest)
        row[f"tau samples, top {highest}"] = orders(halves[0].mean, halves[1].mean, highest)
    for name, logits in predictions.items():
        row[f"same class first, {name}"] = int(np.sum(logits.argmax(1) == sampled.argmax(1)))
        row[f"mean error, {name}"] = [short(value) for value in np.sqrt(np.mean((logits - sampled)**2 / halves[0].variance, 1))]
    return row


def orders(reference: np.ndarray, logits: np.ndarray, highest: int) -> list[float]:
    """Kendall's tau of each image, for the highest classes of the reference: 1 for the same order, -1 for the reverse."""
    chosen = np.argsort(reference)[:, :-highest - 1:-1]
    return [short(kendalltau(one[c], other[c]).statistic) for one, other, c in zip(reference, logits, chosen)]


# What is stored -----------------------------------------------------------------------------------------------------------

def short(number: float) -> float:
    return float(f"{float(number):.4g}")


def spread(ratios: np.ndarray) -> dict[str, float]:
    """Mean of [networks, logits], its standard error from network to network (the logits of one are correlated), and extremes."""
    error = ratios.mean(1).std(ddof=1) / np.sqrt(len(ratios)) if len(ratios) > 1 else np.nan
    return {"mean": short(ratios.mean()), "standard_error": short(error), "smallest": short(ratios.min()),
            "largest": short(ratios.max())}


def load() -> dict[str, dict]:
    return json.loads(STORED.read_text(encoding="utf-8")) if STORED.exists() else {}


def fill(some: list[Row], run: Callable[[Row], dict] = run_row) -> None:
    """Run what is not stored yet, and store each row at once."""
    for row in some:
        if load().get(row.key, {}).get("settings") == row.settings:
            continue
        commit = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True,
                                encoding="utf-8").stdout.strip()
        quick = "quick " if row.key.startswith("quick") else ""
        done = run(row) | {"settings": row.settings, "date": date.today().isoformat(), "commit": commit,
                           "command": f"course.py bench moments {quick}{shlex.quote(row.key.removeprefix('quick/'))}"}
        lines = [f"{json.dumps(key)}: {json.dumps(one)}" for key, one in sorted((load() | {row.key: done}).items())]
        write_whole(STORED, "{\n" + ",\n".join(lines) + "\n}\n")
        print(f"{row.key}: {json.dumps({key: value for key, value in done.items() if key not in ('command', 'commit', 'date')})}",
              flush=True)


def main(words: list[str]) -> int:
    quick = "quick" in words
    words = [word for word in words if word != "quick"]
    fill([row for row in rows(quick) if not words or any(word in row.key for word in words)])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
