"""Moments by formula beside Monte Carlo: `python3 course.py bench moments [quick] [WORD ...]`.

Each row is stored in data/results/moments.json as soon as it is there; one that is there already, with the same settings, is not
run again. `quick` takes fewer images and samples, under names of their own; with WORDs only rows whose name holds one run.

lenet  mean and variance of LeNet's logits: how many samples have the same error, and how long they take beside the formula
deep   dense networks with random weights: sampled variance over the formula's, with exact covariances and with those of mean 0
       (theorem 2, as in Bibi, Alfadly and Ghanem 2018, rebuilt here from the paper), and over that of the linearised network
imagenet  MobileNetV2, where its weights are at hand: does the mean by formula predict the order of the highest noisy logits?
"""
import statistics
import sys
import time
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path

import numpy as np
from scipy.stats import kendalltau

from utils import data, moments, pretrained, session
from utils.instructor import results
from utils.instructor.results import Measurement, Row
from utils.quiet import tf

sys.path.insert(0, str(Path(__file__).parent))  # course.py runs Python so that the folder of a script is not on the path
from bench_moments_peers import linearised, paper  # noqa: E402

RUNS, TIMED = 5, 1000  # alternating runs; samples of each, for the time of one
SIGMAS = (0.05, 0.1, 0.2)
NETS = {"one hidden": (784, 500, 10), "two hidden": (784, 500, 300, 10), "paper": (784, 500, 500, 300, 100, 10)}
LENET: dict[str, Callable] = {  # model, image [1, 28, 28, 1], std -> Gaussian
    "first_order": lambda model, x, std: moments.propagate(model, x, std, method="first_order"),
    "diagonal": lambda model, x, std: moments.propagate(model, x, std, method="diagonal"),
    "full": lambda model, x, std: moments.propagate(model, x, std),
    "two_stage 0 diagonal": lambda model, x, std: moments.two_stage(model, x, std, relu=0, diagonal=True),
    "two_stage 2": lambda model, x, std: moments.two_stage(model, x, std, relu=2),
    "two_stage 3": lambda model, x, std: moments.two_stage(model, x, std, relu=3),
    "mixed": lambda model, x, std: moments.mixed_moments(model, x[0], tf.fill(x.shape, std)),
    "paper": lambda model, x, std: paper(model, x, std, -1),
}
FEW = {"full": 3}  # images, where each takes seconds


def rows(quick: bool) -> dict[str, Row]:
    """The settings of each row, the quickest method of each kind first.

    The names are "lenet/sigma/method", "deep/network/sigma" and "imagenet/sigma/order", after "quick/" if so.
    """
    images, samples = (10, 4000) if quick else (100, 1000)
    found: dict[str, Row] = {f"lenet/{sigma}/{method}": {"images": min(images, FEW.get(method, images)), "samples": samples}
                             for method in LENET for sigma in SIGMAS}
    found |= {f"deep/{net}/{sigma}": {"images": 1 if quick else 2, "samples": 8000 if quick else 20_000}
              for net in NETS for sigma in (*SIGMAS, 0.5, 1.0)}
    found |= {f"imagenet/{sigma}/order": {"images": 1 if quick else 3, "samples": 50 if quick else 300} for sigma in SIGMAS}
    return {f"{'quick/' * quick}{name}": settings for name, settings in found.items()}


def run_row(name: str, settings: dict[str, int], _: None) -> Row:
    *_, kind, what, last = name.split("/")
    if kind == "imagenet":
        return imagenet(float(what), **settings)
    return lenet(float(what), last, **settings) if kind == "lenet" else deep(what, float(last), **settings)


# LeNet --------------------------------------------------------------------------------------------------------------------

def lenet(sigma: float, method: str, images: int, samples: int) -> Row:
    """Errors of a formula, and the processor time of the Monte Carlo with the same error over that of the formula."""
    session.start(0)
    model, x, sampled = lenet_sampled(sigma, images, samples)
    formula = tf.function(lambda image: LENET[method](model, image, sigma))
    drawn = tf.function(lambda: model(x[:1] + sigma * tf.random.normal([TIMED, 28, 28, 1])))
    found = [formula(x[i:i + 1]) for i in range(images)]
    mean, variance = (np.concatenate(part) for part in zip(*((one.mean, one.variance) for one in found)))
    seconds = alternating(lambda: formula(x[:1]), drawn)
    one_sample = seconds[1] / TIMED
    errors = mean - sampled.mean, variance - sampled.variance
    own = sampled.mean_error, sampled.variance_error
    row: Row = {"formula_s": seconds[0], "sample_s": one_sample, "variance_ratio": float(np.median(sampled.variance / variance)),
                "logits": [int(size) for size in sampled.mean.shape]}
    for name, error, standard in zip(("mean", "variance"), errors, own):
        # In units of the error of one sample: n samples have 1 / n. What sampling the reference added is taken off.
        squared = float(np.mean((error / standard)**2) - 1) / samples
        relative = np.sqrt(np.mean(error**2)) / np.sqrt(np.mean(sampled.variance)) if name == "mean" else np.median(
            np.abs(error) / sampled.variance)
        wanted = 1 / max(squared, 1 / samples)
        row[name] = {"error": float(relative), "samples_of_the_same_error": round(wanted), "at_least": squared < 1 / samples,
                     "time_ratio": wanted * one_sample / seconds[0]}
    return row


@cache
def lenet_sampled(sigma: float, images: int, samples: int) -> tuple[tf.keras.Model, np.ndarray, moments.Sampled]:
    """The network, the first test digits, and the sampled moments that its formulas are compared with."""
    model, x = pretrained.load("digits_lenet"), data.load("digits", train=1).x_test[:images]
    return model, x, moments.sample_moments(model, x, sigma, samples)


def alternating(first: Callable, second: Callable) -> tuple[float, float]:
    """The median processor seconds of both, run in turns after one run that is not counted."""
    first(), second()
    times: tuple[list[float], list[float]] = [], []
    for _ in range(RUNS):
        for function, record in zip((first, second), times):
            start = time.process_time()
            function()
            record.append(time.process_time() - start)
    return statistics.median(times[0]), statistics.median(times[1])


# Deep networks with random weights ----------------------------------------------------------------------------------------

def deep(net: str, sigma: float, images: int, samples: int) -> Row:
    """Sampled variance over that of each method, for each ReLU: median over images and logits, and the extremes."""
    session.start(0)
    model = dense(NETS[net])
    x = tf.random.uniform([images, NETS[net][0]])
    sampled = moments.sample_moments(model, x, sigma, samples)
    row: Row = {"standard_error": float(np.median(sampled.variance_error / sampled.variance))}
    for method in ("full", "first_order"):
        found = moments.propagate(model, x, sigma, method=method)
        row[f"sampled over {method}"] = spread(sampled.variance / found.variance)
        row[f"mean error of {method}"] = float(np.sqrt(np.mean((found.mean - sampled.mean)**2 / sampled.variance)))
    for relu in range(len(NETS[net]) - 2):
        exact = moments.two_stage(model, x, sigma, relu=relu)
        zero = np.concatenate([paper(model, one, sigma, relu).variance for one in x[:, None]])
        linear = [moments.sample_moments(linearised(model, one, relu, sigma), one, sigma, samples, seed=1) for one in x[:, None]]
        variance, error = (np.concatenate(part) for part in zip(*((one.variance, one.variance_error) for one in linear)))
        row[f"ReLU {relu}"] = {"sampled over exact": spread(sampled.variance / exact.variance),
                               "sampled over zero mean": spread(sampled.variance / zero),
                               "sampled over linearised": spread(sampled.variance / variance),
                               "linearised - exact, standard errors": float(np.max(np.abs(variance - exact.variance) / error))}
    x = x[:1]
    exact = tf.function(lambda: moments.two_stage(model, x, sigma))
    peer = tf.function(lambda: paper(model, x, sigma, -1))
    row["seconds"], row["seconds of the zero-mean formula"] = alternating(exact, peer)
    return row


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

def imagenet(sigma: float, images: int, samples: int) -> Row:
    """Kendall's tau between the sampled mean logits and those of the formula, for the classes that are highest in the samples.

    Beside it the same for the clean logits: what is predicted without a formula. Raises ValueError without the weights.
    """
    known = pretrained.imagenet()
    if known is None:
        raise ValueError("MobileNetV2's weights are not at hand (see utils/pretrained.py): name other rows, such as lenet.")
    model, (names, photographs) = known[0], zip(*list(pretrained.photographs().items())[:images])
    x = np.stack(photographs)
    start = time.process_time()
    sampled = moments.sample_moments(model, x, sigma, samples).mean
    middle = time.process_time()
    mean = np.concatenate([moments.propagate(model, one[None], sigma, method="diagonal").mean for one in x])
    row: Row = {"photographs": names, "sampling_s": middle - start, "formula_s": time.process_time() - middle}
    for name, logits in (("formula", mean), ("clean", np.asarray(model(x)))):
        for highest in (5, 10):
            chosen = np.argsort(sampled)[:, :-highest - 1:-1]
            row[f"tau {name}, top {highest}"] = [float(kendalltau(one[c], other[c]).statistic)
                                                 for one, other, c in zip(sampled, logits, chosen)]
        row[f"same class first, {name}"] = int(np.sum(logits.argmax(1) == sampled.argmax(1)))
    return row


# What is stored -----------------------------------------------------------------------------------------------------------

def spread(ratios: np.ndarray) -> list[float]:
    """Smallest, median and largest."""
    return np.quantile(np.asarray(ratios), [0, 0.5, 1]).tolist()


def main(words: list[str]) -> int:
    quick = "quick" in words
    measurements = {name: Measurement(partial(run_row, name, settings), False, None, settings)
                    for name, settings in rows(quick).items()}
    return results.store(results.FOLDER / "moments.json", f"bench moments{' quick' * quick}", measurements,
                         [word for word in words if word != "quick"])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
