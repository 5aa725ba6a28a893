"""What each ingredient of a GAN's recipe is worth in a short training: the numbers that lecture 11, part 2, shows.

python3 course.py bench gans [WORD ...]     (each row whose name has one of the words; all by default)

On the built-in digits. Every row is one training with one seed, judged on 500 samples against the 500 test digits; it is stored
in data/results/gan_recipes.json as soon as it is measured, and not measured again while it is there:
take it out to have it once more.
"""
import sys
from functools import partial

import numpy as np

from utils import pretrained, session, training
from utils.data import Dataset
from utils.generative import gans, quality
from utils.instructor import results
from utils.instructor.results import Measurement, Row
from utils.quiet import tf

RESULTS = results.FOLDER / "gan_recipes.json"
SEEDS, STEPS, WIDTH, BATCH, RATE = range(3), 800, 16, 32, 1e-3
PENALTY = dict(penalty=1.0)
RECIPES = {"DCGAN": {}, "R1": PENALTY, "R1, shifts": PENALTY | dict(augment=gans.shifted),
           "R1, shifts, class": PENALTY | dict(augment=gans.shifted)}  # each also with the moving average


def recipe(name: str, seed: int, digits: Dataset) -> dict[str, dict[str, float]]:
    """One of RECIPES: what the generator is worth, and what the one with averaged weights is."""
    classes = 10 if name.endswith("class") else 0
    networks = (gans.generator(32 + classes, WIDTH), gans.discriminator(1 + classes, WIDTH, batch_norm=name == "DCGAN"))
    gan = gans.GAN(*networks, RATE, seed, decay=0.998, beta_2=0.99, **RECIPES[name])
    gans.train(gan, digits.x_train, digits.y_train if classes else None, steps=STEPS, batch_size=BATCH)
    labels = np.arange(len(digits.x_test)) % 10 if classes else None
    averaged = gans.sample(gan, len(digits.x_test), seed=1, label=labels)
    gan.averaged = gan.generator
    return {"last weights": judged(gans.sample(gan, len(digits.x_test), seed=1, label=labels), digits.x_test),
            "moving average": judged(averaged, digits.x_test)}


def judged(samples: np.ndarray, real: np.ndarray) -> dict[str, float]:
    """What `quality.scores` says of samples [M, 28, 28, 1] beside real digits [N, 28, 28, 1], with the stored LeNet."""
    lenet = pretrained.load("digits_lenet")
    look = quality.features(lenet)
    p = tf.nn.softmax(training.predict(lenet, samples)).numpy()
    values = quality.scores(look(real), look(samples), p)
    return dict(zip(("confidence", "rarest class", "Fréchet", "precision", "recall"), values))


def row(name: str, seed: int, digits: Dataset) -> Row:
    """One of RECIPES, trained from `seed`."""
    session.start(seed)
    return recipe(name, seed, digits)


ROWS = {f"{name}, seed {seed}": Measurement(partial(row, name, seed), False)
        for seed in SEEDS for name in RECIPES}


def main(words: list[str]) -> int:
    """Measure the rows whose names have one of the words, and are not stored yet; 2 if there is none of such a name."""
    return results.store(RESULTS, "bench gans", ROWS, words)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
