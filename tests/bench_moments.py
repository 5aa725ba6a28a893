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
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from scipy.stats import kendalltau

from utils import moments, pretrained, session
from utils.data import Dataset
from utils.instructor import results
from utils.instructor.results import Measurement, Row
from utils.quiet import tf

sys.path.insert(0, str(Path(__file__).parent))  # course.py runs Python so that the folder of a script is not on the path
from bench_moments_peers import linearised, paper  # noqa: E402

RUNS, LONG, TIMED = 5, 5.0, 1000  # alternating runs, no more after so many seconds; samples of each, for the time of one
SIGMAS = (0.05, 0.1, 0.2)
NETS = {"1 hidden": (784, 500, 10), "2 hidden": (784, 500, 300, 10), "4 hidden": (784, 500, 500, 300, 100, 10),
        "8 hidden": (784, *[300] * 8, 10)}  # that of 4 is the paper's
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
FEW = {"full": 10}  # images, where each takes long


def rows(quick: bool) -> dict[str, Measurement]:
    """All rows, the quickest method of each kind first; after "quick/" if so.

    The names are "imagenet/sigma/order", "deep/network/sigma", and "faces/sigma/method" or "lenet/sigma/method".
    """
    images, samples = (10, 4000) if quick else (100, 1000)
    found = {f"imagenet/{sigma}/order": row(imagenet, sigma, images=1 if quick else 6, samples=50 if quick else 1000)
             for sigma in SIGMAS}
    found |= {f"deep/{net}/{sigma}": row(deep, net, sigma, networks=1 if quick else 5, samples=8000 if quick else 20_000)
              for net in NETS for sigma in (*SIGMAS, 0.5, 1.0)}
    found |= {f"faces/{sigma}/{method}": row(classifier, "faces_three_convolutions", sigma, method, kind="faces",
                                             images=min(images, 20), samples=samples)
              for method in ("diagonal", "mixed") for sigma in SIGMAS}
    found |= {f"lenet/{sigma}/{method}": row(classifier, "digits_lenet", sigma, method, kind="digits", real=False,
                                             images=min(images, FEW.get(method, images)), samples=samples)
              for method in METHODS for sigma in SIGMAS}  # this LeNet was trained on the built-in digits
    return {f"{'quick/' * quick}{name}": one for name, one in found.items()}


def row(measure: Callable, *given: object, real: bool | None = None, kind: str | None = None, **settings: int) -> Measurement:
    return Measurement(partial(measure, *given, **settings), real, kind, settings)


# Trained networks ---------------------------------------------------------------------------------------------------------

def classifier(network: str, sigma: float, method: str, dataset: Dataset, images: int, samples: int) -> Row:
    """Errors of a formula, and the processor time of the Monte Carlo with the same error over that of the formula.

    Both work on batches of the same images, compiled and warm, in turns; all seconds are those of one image.
    """
    session.start(0)
    x = dataset.x_test[:images]
    model = pretrained.load(network)
    sampled = moments.sample_moments(model, x, sigma, samples)
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
    row: Row = {"formula_s": float(one_formula), "sample_s": float(one_sample), "images_at_once": size,
                           "variance_ratio": float(np.median(sampled.variance / variance)),
                           "logits": [int(size) for size in sampled.mean.shape]}
    for name, error, standard in zip(("mean", "variance"), errors, own):
        # In units of the error of one sample: n samples have 1 / n. What sampling the reference added is taken off.
        squared = float(np.mean((error / standard)**2) - 1) / samples
        relative = np.sqrt(np.mean(error**2)) / np.sqrt(np.mean(sampled.variance)) if name == "mean" else np.median(
            np.abs(error) / sampled.variance)
        wanted = 1 / max(squared, 1 / samples)
        row[name] = {"error": float(relative), "samples_of_the_same_error": round(wanted), "at_least": squared < 1 / samples,
                     "time_ratio": float(wanted * one_sample / one_formula)}
    # The same error of the mean, over the size of the logits in the place of their standard deviation.
    row["mean"]["error_over_logit_size"] = float(np.sqrt(np.mean(errors[0]**2) / np.mean(sampled.mean**2)))
    return row


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

def deep(net: str, sigma: float, _: None, networks: int, samples: int) -> Row:
    """Ratios of variances over networks with other weights and images: of the network, of the linearised one, of the formulas.

    Two-stage at the last ReLU, as it is by default; its Monte Carlo has noise of its own.
    """
    rows = [_one_network(net, sigma, seed, samples) for seed in range(networks)]
    row: Row = {name: spread(np.stack([one[name] for one in rows])) for name in rows[0] if " over " in name}
    row |= {name: float(np.max([one[name] for one in rows])) for name in rows[0] if " over " not in name}
    session.start(0)
    model, x = dense(NETS[net]), tf.random.uniform([1, NETS[net][0]])
    exact = tf.function(lambda: moments.two_stage(model, x, sigma))
    peer = tf.function(lambda: paper(model, x, sigma, -1))
    row["formula_s"], row["zero_mean_s"] = alternating(exact, peer)
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

def imagenet(sigma: float, _: None, images: int, samples: int) -> Row:
    """Kendall's tau between the sampled mean logits and those of the formula, for the classes that are highest in the samples.

    Beside it the same for the clean logits, which is what is predicted without a formula, for as many other noisy copies as take
    the time of the formula ("same time"), and for two halves of the samples (each of `samples`), which is how well they are
    known. Raises ValueError without the weights.
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
    formula_s, sample_s = seconds[0], seconds[1] / 6
    copies = max(2, round(formula_s / sample_s))
    row: Row = {"photographs": names, "formula_s": formula_s, "sample_s": sample_s, "same time, copies": copies}
    predictions = {"formula": mean, "clean": np.asarray(model(x)),
                   "same time": moments.sample_moments(model, x, sigma, copies, seed=2).mean}
    for highest in (5, 10):
        for name, logits in predictions.items():
            row[f"tau {name}, top {highest}"] = orders(sampled, logits, highest)
        row[f"tau samples, top {highest}"] = orders(halves[0].mean, halves[1].mean, highest)
    for name, logits in predictions.items():
        row[f"same class first, {name}"] = int(np.sum(logits.argmax(1) == sampled.argmax(1)))
        row[f"mean error, {name}"] = np.sqrt(np.mean((logits - sampled)**2 / halves[0].variance, 1)).tolist()
    return row


def orders(reference: np.ndarray, logits: np.ndarray, highest: int) -> list[float]:
    """Kendall's tau of each image, for the highest classes of the reference: 1 for the same order, -1 for the reverse."""
    chosen = np.argsort(reference)[:, :-highest - 1:-1]
    return [float(kendalltau(one[c], other[c]).statistic) for one, other, c in zip(reference, logits, chosen)]


# What is stored -----------------------------------------------------------------------------------------------------------

def spread(ratios: np.ndarray) -> dict[str, float]:
    """Mean of [networks, logits], its standard error from network to network (the logits of one are correlated), and extremes."""
    error = ratios.mean(1).std(ddof=1) / np.sqrt(len(ratios)) if len(ratios) > 1 else np.nan
    return {"mean": float(ratios.mean()), "standard_error": float(error), "smallest": float(ratios.min()),
            "largest": float(ratios.max())}


def main(words: list[str]) -> int:
    quick = "quick" in words
    return results.store(results.FOLDER / "moments.json", f"bench moments{' quick' * quick}", rows(quick),
                         [word for word in words if word != "quick"])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
