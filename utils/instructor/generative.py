"""Units 10 and 11 on complete MNIST, growing against not growing, and the stored generators from a second seed.

COURSE_DATA=DIR python3 course.py bench generative [WORD ...]     (each row whose name has one of the words; all by default)

Every row is one training from one seed, or one set of trainings; it is stored in data/results/generative.json as soon as it is
measured, and not measured again while it is there. Rows of MNIST need COURSE_DATA.
"""
import sys
from collections.abc import Callable, Iterable
from functools import partial

import numpy as np
from scipy import stats

from utils import pretrained, session, training
from utils.data import Dataset
from utils.generative import autoencoders, diffusion, gans, ivi, progressive, quality, variational
from utils.instructor import generators, results
from utils.instructor.gan_recipes import judged
from utils.instructor.results import Measurement, Row
from utils.quiet import tf

RESULTS = results.FOLDER / "generative.json"
HIDDEN, CODES, EPOCHS, BATCH = (128, 64), (2, 5, 10, 30), 6, 64  # of the autoencoders on MNIST
BETAS = (0.1, 0.5, 2.0)
GAN_STEPS = 5600  # on MNIST: as many as on the built-in digits
PHASE = 400  # steps of 32 digits for each of the five phases of a GAN that grows
AS_MANY = 5000  # digits in each set that a Fréchet distance compares on MNIST


def error(model: tf.keras.Model, x: np.ndarray) -> float:
    """The mean squared error of a digit, summed over its pixels, for what `model` makes of images x."""
    return float(np.mean(autoencoders.squared_error(x, model.predict(x, verbose=0, batch_size=500))))


def copied(model: tf.keras.Model, digits: Dataset, rate: float) -> tf.keras.Model:
    """`model` after EPOCHS epochs of copying the training digits."""
    return autoencoders.fit(model, digits.x_train, digits.x_train, epochs=EPOCHS, rate=rate, batch_size=BATCH)


def code_sizes(seed: int, digits: Dataset) -> Row:
    """The test error of lecture 10's three kinds of codes, a number for each of CODES."""
    session.start(seed)
    train, test = (x.reshape(len(x), -1) for x in (digits.x_train, digits.x_test))
    mean, components, _ = autoencoders.pca(train, max(CODES))
    shorter = [autoencoders.project(test, mean, components[:k]) for k in CODES]
    dense = [(autoencoders.encoder(k, HIDDEN), autoencoders.decoder(k, HIDDEN[::-1])) for k in CODES]
    convolutional = [(autoencoders.conv_encoder(k), autoencoders.conv_decoder(k)) for k in CODES]
    return {"codes": CODES, "epochs": EPOCHS, "test digits": len(test),
            "PCA": [float(np.mean(autoencoders.squared_error(test, answer))) for answer in shorter],
            "dense": [error(copied(tf.keras.Sequential(pair), digits, 1e-3), digits.x_test) for pair in dense],
            "convolutional": [error(copied(tf.keras.Sequential(pair), digits, 2e-3), digits.x_test) for pair in convolutional]}


def vae(seed: int, digits: Dataset) -> Row:
    """For each of BETAS: test error, KL (nats), dimensions in use, Fréchet distance of samples; and that of real digits."""
    session.start(seed)
    z = np.random.default_rng(seed).standard_normal((AS_MANY, 10), np.float32)
    real, reference = reference_distance(digits, seed)
    found = {}
    for beta in BETAS:
        model = copied(variational.Variational(10, HIDDEN, beta), digits, 1e-3)
        each = variational.kl(*model.encode(digits.x_test)).numpy().mean(axis=0)
        distance = quality.frechet_distance(real, looked(model.decoder.predict(z, verbose=0)))
        found[f"beta {beta:g}"] = {"squared error": error(model, digits.x_test), "KL": float(each.sum()),
                                   "dimensions": int(np.sum(each > 0.1)), "Fréchet": distance}
    return {"epochs": EPOCHS, "Fréchet of real digits": reference} | found


def looked(images: np.ndarray) -> np.ndarray:
    """What the last layer of the stored LeNet sees."""
    return quality.features(pretrained.load("digits_lenet"))(images)


def reference_distance(digits: Dataset, seed: int) -> tuple[np.ndarray, float]:
    """The features of AS_MANY test digits, and their Fréchet distance from as many others."""
    one, other = np.split(looked(np.random.default_rng(seed).permutation(digits.x_test)[:2 * AS_MANY]), 2)
    return one, quality.frechet_distance(one, other)


def gan(seed: int, digits: Dataset) -> Row:
    """The recipe of `digits_gan` on these digits: confidence, rarest class and Fréchet distance, beside that of real digits."""
    session.start(seed)
    network = generators.trained("digits_gan", digits.x_train, steps=GAN_STEPS, seed=seed)
    samples = gans.sample(network, AS_MANY, seed=1)
    p = tf.nn.softmax(training.predict(pretrained.load("digits_lenet"), samples)).numpy()
    real, reference = reference_distance(digits, seed)
    return {"steps": GAN_STEPS, "confidence": float(p.max(axis=1).mean()),
            "rarest class": float(np.bincount(p.argmax(axis=1), minlength=10).min() / len(p)),
            "Fréchet": quality.frechet_distance(real, looked(samples)), "Fréchet of real digits": reference}


def grown(grows: bool, seed: int, digits: Dataset) -> Row:
    """The last generator of `progressive.grow`, or the same networks at 28x28 pixels from the start, for as many images."""
    session.start(seed)
    if grows:
        *_, (_, generator) = progressive.grow(digits.x_train, steps=PHASE, seed=seed)
    else:
        last = progressive.stages(width=16)[-1]
        plain = gans.GAN(last.generator, last.discriminator, 1e-3, seed)
        gans.train(plain, digits.x_train, steps=5 * PHASE, batch_size=32)
        generator = last.generator
    return {"images seen": 5 * PHASE * 32} | judged(gans.sample(generator, len(digits.x_test), seed=1), digits.x_test)


def stored(name: str, seed: int, digits: Dataset) -> Row:
    """What lecture 11 measures of the generator `name`: the stored one for seed 0, one trained alike for another."""
    session.start(seed)
    network = generators.TRAINED[name](digits, seed) if seed else pretrained.load(name)
    return MEASURED[name](network, digits)


def diffused(network: tf.keras.Model, digits: Dataset) -> Row:
    """`judged` for each way to sample, 500 images each."""
    ways = {"DDIM, 5 steps": (5, diffusion.ddim_step), "DDIM, 20 steps": (20, diffusion.ddim_step),
            "ancestral, 20 steps": (20, diffusion.ancestral_step)}
    return {name: judged(diffusion.sample(network, 500, steps=steps, step=step, seed=1), digits.x_test)
            for name, (steps, step) in ways.items()}


def asked(network: gans.GAN, digits: Dataset) -> Row:
    """`judged`, and how often the LeNet reads the digit that was asked for: in all, and of the worst digit."""
    labels = np.arange(500) % 10
    samples = gans.sample(network, 500, seed=1, label=labels)
    right = training.predict(pretrained.load("digits_lenet"), samples).argmax(axis=1) == labels
    worst = min(right[labels == label].mean() for label in range(10))
    return judged(samples, digits.x_test) | {"right": float(right.mean()), "worst": float(worst)}


def isolated(network: gans.GAN, digits: Dataset) -> Row:
    """Rank correlations of the slant with the last entry of z and with the others; the deviation of the slant in both classes."""
    z = np.random.default_rng(5).standard_normal((2000, 16)).astype(np.float32)
    classes = np.eye(2, dtype=np.float32).repeat(len(z), axis=0).reshape(2, len(z), 2)
    upright, varied = (ivi.slant(training.predict(network.averaged, np.concatenate([z, one], axis=1))) for one in classes)
    *others, last = (abs(stats.spearmanr(entry, varied)[0]) for entry in z.T)
    return {"v": float(last), "largest other": float(max(others)), "mean other": float(np.mean(others)),
            "deviation, upright": float(upright.std()), "deviation, varied": float(varied.std())}


MEASURED: dict[str, Callable[[tf.Module | gans.GAN, Dataset], Row]] = {
    "digits_diffusion": diffused, "digits_conditional_gan": asked, "digits_ivi": isolated,
    "digits_gan": lambda network, digits: judged(gans.sample(network, 500, seed=1), digits.x_test)}


def from_seeds(name: str, measure: Callable[[int, Dataset], Row], seeds: Iterable[int],
               real: bool) -> dict[str, Measurement]:
    """A row for each seed."""
    return {f"{name}, seed {seed}": Measurement(partial(measure, seed), real) for seed in seeds}


ROWS = (from_seeds("growing", partial(grown, True), range(3), False)
        | from_seeds("not growing", partial(grown, False), range(3), False)
        | from_seeds("MNIST: code sizes", code_sizes, range(2), True) | from_seeds("MNIST: VAE", vae, range(2), True)
        | from_seeds("MNIST: GAN", gan, range(1), True))
for known in MEASURED:
    ROWS |= from_seeds(known, partial(stored, known), range(2), False)


def main(words: list[str]) -> int:
    """Measure the rows whose names have one of the words, and are not stored yet; 2 if there is none of such a name."""
    return results.store(RESULTS, "bench generative", ROWS, words)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
