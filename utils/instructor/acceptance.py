"""The full trainings, measured and stored: `course.py acceptance [WORD ...]`. Too long for every test run: an hour on two cores.

Each measurement is stored in data/results/acceptance.json as soon as it is there, with the commit, and the README's table is made
from that file. A run that was stopped goes on where it was: what is stored for this commit is not measured again. Those on real
data need COURSE_DATA.
"""
import itertools
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from utils import augment, networks, pretrained, session, training
from utils.data import Dataset
from utils.generative import autoencoders, gans, quality
from utils.instructor import results
from utils.instructor.files import write_whole
from utils.instructor.grading import class_folder, grade
from utils.instructor.execute import ROOT, code_cells, environment, run, sources
from utils.instructor.miniproject import miniproject
from utils.instructor.results import Measurement
from utils.quiet import tf

RESULTS = results.FOLDER / "acceptance.json"
BEGIN, END = "<!-- made by course.py acceptance -->\n", "<!-- end -->\n"
Figures = dict[str, float | str | list[float]]


def main(words: list[str]) -> int:
    """Measure what has one of `words` in its name (all by default), unless it is stored for this commit."""
    commit = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True,
                            encoding="utf-8").stdout.strip()
    rows = {name: one._replace(settings={"commit": commit}) for name, one in MEASUREMENTS.items()}
    status = results.store(RESULTS, "acceptance", rows, words)
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    write_whole(ROOT / "README.md", with_table(readme, results.read(RESULTS)))
    return status


def with_table(readme: str, stored: dict[str, dict]) -> str:
    """The text of README.md with the table of what is stored, rows with "figures", between its two marks."""
    rows = ["| what | figure | seconds | measured |", "|---|---|---|---|"]
    rows += [f"| {name} | {in_words(stored[name]['figures'])} | {stored[name]['seconds']} | {stored[name]['date']}, "
             f"{stored[name]['settings']['commit']} |" for name in MEASUREMENTS if name in stored]
    before, _, rest = readme.partition(BEGIN)
    return before + BEGIN + "\n".join(rows) + "\n" + END + rest.partition(END)[2]


def in_words(figures: Figures) -> str:
    def text(value: float | str | list[float]) -> str:
        if isinstance(value, list):
            return ", ".join(map(text, value))
        return value if isinstance(value, str) else f"{value:.4g}"
    return "; ".join(f"{name} {text(value)}" for name, value in figures.items())


# What is measured -----------------------------------------------------------------------------------------------------

def mini_project(profile: str, _: None) -> Figures:
    """The whole of unit 06, with its own judgement, and the grader's of the folder that it leaves."""
    os.environ["COURSE_PROFILE"] = profile
    with tempfile.TemporaryDirectory() as draft:
        team = Path(draft) / "class" / "team"
        team.parent.mkdir()
        if miniproject(team):
            raise RuntimeError("the mini-project failed: its message is above")
        summary = json.loads((team / "summary.json").read_text(encoding="utf-8"))
        folder = os.environ.get("COURSE_DATA")
        judged = class_folder.read_results(grade.grade(Path(draft) / "class", **(
            {"hidden_file": Path(folder) / "faces.npz"} if folder else {"seed": 77})))[0]
    os.environ.pop("COURSE_PROFILE")
    return {"accuracy": summary["accuracy"], "fooled by the saved images": summary["dx_success"],
            "median L2 of DX": summary["dx_median_l2"], "seconds of training": summary["train_seconds"],
            "accuracy that the grader measures": judged["measured"]["accuracy"]}


def detector(faces: Dataset) -> Figures:
    """The recipe of the mini-project on all training faces, one training a seed; the validation faces chose the epoch."""
    x, y = np.concatenate([faces.x_val, faces.x_test]), np.concatenate([faces.y_val, faces.y_test])
    both, test, seconds = [], [], []
    for seed in range(3):
        session.start(seed)
        network, started = networks.Detector(), time.perf_counter()
        training.fit(network, faces, augment=augment.faces, seed=seed, **networks.DETECTOR_RECIPE)
        seconds.append(time.perf_counter() - started)
        both.append(training.evaluate(network, x, y))
        test.append(training.evaluate(network, faces.x_test, faces.y_test))
    return {"accuracy on validation and test, seeds 0 to 2": both, "mean": float(np.mean(both)), "test alone": test,
            "seconds of training": seconds}


def lenet_built_in(digits: Dataset) -> Figures:
    """Unit 03's recipe on the built-in digits; and the same with a learning rate that does not fall."""
    accuracy, seconds = {0.0: [], 1.0: []}, []
    for last_rate, seed in itertools.product(accuracy, range(5)):
        session.start(seed)
        model, started = pretrained.digits_lenet(), time.perf_counter()
        training.train_lenet(model, digits, seed=seed, last_rate=last_rate)
        seconds.append(time.perf_counter() - started)
        accuracy[last_rate].append(training.evaluate(model, digits.x_test, digits.y_test))
    falling, fixed = accuracy.values()
    return {"accuracy, seeds 0 to 4": falling, "mean": float(np.mean(falling)), "the same with a rate that does not fall": fixed,
            "their mean": float(np.mean(fixed)), "seconds of training": seconds[:5]}


def lenet_mnist(_: None) -> Figures:
    """The solution of lab 03 in the full profile."""
    path = ROOT / "solutions" / "03_cnn_mnist" / "03_cnn_mnist.ipynb"
    with tempfile.TemporaryDirectory() as out:
        done = run(path, os.environ | {"COURSE_PROFILE": "full", "COURSE_OUT": out, "TQDM_DISABLE": "1"})
    printed = "".join(output.get("text", "") for cell in code_cells(done) for output in cell.outputs)
    return {"accuracy, seed 3": float(re.search(r"^test accuracy: (\d+\.\d\d) %$", printed, re.MULTILINE)[1]) / 100}


def code_of_dimension_30(digits: Dataset) -> Figures:
    """Squared error per test digit with a code of dimension 30; published: PCA 13.87,
    autoencoder 3.00 (Hinton and Salakhutdinov 2006).
    """
    rows, test = digits.x_train.reshape(len(digits.x_train), -1), digits.x_test.reshape(len(digits.x_test), -1)
    mean, components, _ = autoencoders.pca(rows, 30)
    by_pca = np.mean(autoencoders.squared_error(test, mean + (test - mean) @ components.T @ components))
    session.start(10)
    hidden = (1000, 500, 250)
    deep = tf.keras.Sequential([autoencoders.encoder(30, hidden), autoencoders.decoder(30, hidden[::-1])])
    epochs, batch = 45, 128
    rate = tf.keras.optimizers.schedules.CosineDecay(1e-3, epochs * -(-len(rows) // batch))
    deep.compile(tf.keras.optimizers.Adam(rate), autoencoders.squared_error, steps_per_execution=20)
    deep.fit(digits.x_train, digits.x_train, batch_size=batch, epochs=epochs, verbose=0)
    by_deep = np.mean(autoencoders.squared_error(digits.x_test, deep.predict(digits.x_test, verbose=0)))
    return {"PCA": float(by_pca), "deep autoencoder, one seed": float(by_deep)}


def conditional_gan(digits: Dataset) -> Figures:
    """Unit 11's full recipe; 2,000 samples judged by a LeNet."""
    session.start(11)
    lenet = networks.lenet((32, 64), "valid", 0.3)
    training.train_lenet(lenet, digits, steps=600)
    steps = 4000
    gan = gans.GAN(gans.generator(32 + 10), gans.discriminator(1 + 10),
                         learning_rate=tf.keras.optimizers.schedules.CosineDecay(6e-4, steps))
    gans.train(gan, digits.x_train, digits.y_train, steps=steps, real=(0.7, 1.2), fake=(0.0, 0.3), noise=0.05)
    samples = gans.sample(gan, 2000, label=np.arange(2000) % 10)
    confidence = tf.nn.softmax(training.predict(lenet, samples)).numpy()
    classes = np.bincount(confidence.argmax(axis=1), minlength=10) / 2000
    look = quality.features(lenet)
    return {"mean confidence, one seed": float(confidence.max(axis=1).mean()),
            "classes, rarest and commonest": [float(classes.min()), float(classes.max())],
            "Fréchet distance": float(quality.frechet_distance(look(digits.x_test[:2000]), look(samples)))}


def notebooks(_: None) -> Figures:
    """Seconds of each lecture and solution in the quick profile, and the largest memory of a kernel (not on Windows)."""
    figures = {}
    for path in sources():
        started = time.perf_counter()
        with tempfile.TemporaryDirectory() as out:
            run(path, environment(Path(out)))
        kind = "lecture" if path.parent.name == "lectures" else "solution"
        figures[f"{kind} {path.stem[:2]}{'_2' * path.stem.endswith('_2')}"] = round(time.perf_counter() - started)
    try:
        import resource
    except ImportError:  # Windows
        return figures
    largest = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss  # kilobytes; on macOS bytes
    return figures | {"GB of memory of the largest kernel": largest / (2**30 if sys.platform == "darwin" else 2**20)}


def with_figures(measure: Callable[[Dataset | None], Figures], real: bool, kind: str | None = None) -> Measurement:
    """A row with what `measure` gives as "figures"."""
    return Measurement(lambda dataset: {"figures": measure(dataset)}, real, kind)


MEASUREMENTS = {
    "mini-project, built-in, quick": with_figures(partial(mini_project, "quick"), False),
    "notebooks, quick, seconds": with_figures(notebooks, False),
    "LeNet, built-in digits, quick recipe": with_figures(lenet_built_in, False, "digits"),
    "mini-project, real faces, full": with_figures(partial(mini_project, "full"), True),
    "detector, real faces, full recipe": with_figures(detector, True, "faces"),
    "LeNet, MNIST, full": with_figures(lenet_mnist, True),
    "conditional GAN, MNIST, full": with_figures(conditional_gan, True, "digits"),
    "code of dimension 30, MNIST, full": with_figures(code_of_dimension_30, True, "digits"),
}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
