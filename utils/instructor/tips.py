"""Tips for the training of GANs, each with and without: the numbers of the table in lecture 11.

python3 course.py bench tips [WORD ...]     (each row whose name has one of the words; all by default)

On the built-in digits, or on those of COURSE_DATA. Each row is stored in data/results/gan_tips.json as soon as it is measured,
and not measured again while it is there: take it out of the file to have it once more.
"""
import sys
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from utils import session
from utils.data import Dataset
from utils.generative import gans
from utils.instructor import results
from utils.instructor.gan_recipes import judged
from utils.instructor.results import Measurement, Row
from utils.quiet import tf

RESULTS = results.FOLDER / "gan_tips.json"
SEEDS, STEPS, SAMPLES = 5, 500, 1000
LATENT, WIDTH, BATCH, RATE = 32, 16, 16, 2e-3
keras = tf.keras.layers


@dataclass(frozen=True)
class Setting:
    """A training: what differs from the plain one. The weights that a seed gives to equal networks are the same for all rows."""
    d_width: int = WIDTH
    leaky: bool = True  # else ReLU, in D
    pooled: bool = False  # D halves the image by the largest of 2x2 pixels, not by a stride
    dropout: float = 0.0  # in D, before its last layer
    d_rate: float = RATE
    uniform: bool = False  # z is uniform, with the same mean 0 and deviation 1
    steps: int = STEPS
    options: dict = field(default_factory=dict)  # of gans.train


SETTINGS = {
    "plain": Setting(),
    "labels of real images .9": Setting(options=dict(real=(0.9, 0.9))),
    "labels .7 to 1.2 and 0 to .3": Setting(options=dict(real=(0.7, 1.2), fake=(0.0, 0.3))),
    "noise of .1 on all images": Setting(options=dict(noise=0.1)),
    "two updates of D for one of G": Setting(options=dict(d_steps=2)),
    "plain, twice as long": Setting(steps=2 * STEPS),
    "D twice as wide": Setting(d_width=2 * WIDTH),
    "D half as wide": Setting(d_width=WIDTH // 2),
    "D limited: a quarter of the rate": Setting(d_rate=RATE / 4),
    "D limited: dropout .5": Setting(dropout=0.5),
    "uniform z": Setting(uniform=True),
    "ReLU in D": Setting(leaky=False),
    "max pooling in D": Setting(pooled=True),
    "ReLU and max pooling in D": Setting(leaky=False, pooled=True),
}


def discriminator(setting: Setting) -> tf.keras.Model:
    """That of `gans.discriminator`, [N, 28, 28, 1] -> logits [N, 1], with what the setting changes."""
    def block(maps: int, batch_norm: bool) -> list[tf.keras.Layer]:
        """Half the height and width, `maps` channels."""
        convolution = keras.Conv2D(maps, 4, 1 if setting.pooled else 2, "same", use_bias=not batch_norm,
                                   kernel_initializer=gans.small())
        return [convolution, *([keras.BatchNormalization(momentum=gans.MOMENTUM)] if batch_norm else []),
                keras.LeakyReLU(0.2) if setting.leaky else keras.ReLU(), *([keras.MaxPooling2D()] if setting.pooled else [])]

    return tf.keras.Sequential([
        tf.keras.Input([28, 28, 1]), keras.Rescaling(2.0, -1.0), *block(setting.d_width, False),
        *block(2 * setting.d_width, True), keras.Flatten(), *([keras.Dropout(setting.dropout)] if setting.dropout else []),
        keras.Dense(1, kernel_initializer=gans.small())])


def from_uniform(generator: tf.keras.Model) -> tf.keras.Model:
    """`generator` behind the map that makes of a standard normal z a uniform one, of deviation 1: [N, latent] -> images."""
    z = tf.keras.Input([generator.input_shape[1]])
    return tf.keras.Model(z, generator(3**0.5 * tf.keras.ops.erf(z / 2**0.5)))  # 2 F(z) - 1 is erf(z / sqrt 2)


def new_gan(setting: Setting, seed: int) -> gans.GAN:
    """The untrained GAN of a setting."""
    session.start(seed)
    generator = gans.generator(LATENT, WIDTH)
    networks = from_uniform(generator) if setting.uniform else generator, discriminator(setting)
    gan = gans.GAN(*networks, learning_rate=RATE, seed=seed)
    gan.optimizers[1].learning_rate = setting.d_rate
    return gan


def restart(gan: gans.GAN, setting: Setting, seed: int) -> None:
    """Give `gan` the state of a new one of this seed; what is compiled, stays."""
    def state(one: gans.GAN) -> list[tf.Variable]:
        return [variable for part in (one.generator, one.discriminator, *one.optimizers) for variable in part.variables]

    for variable, new in zip(state(gan), state(new_gan(setting, seed))):
        variable.assign(new)
    gan.random.reset_from_seed(seed)


def row(setting: Setting, digits: Dataset) -> Row:
    """What is measured after the training of each seed, [SEEDS] numbers each, and the steps of one training."""
    gan, found = new_gan(setting, 0), []
    real = np.concatenate([digits.x_val, digits.x_test])[:SAMPLES]  # neither GAN nor LeNet were trained on them
    for seed in range(SEEDS):
        restart(gan, setting, seed)
        gans.train(gan, digits.x_train, steps=setting.steps, batch_size=BATCH, **setting.options)
        found.append(judged(gans.sample(gan, SAMPLES, seed=1), real))
    return {name: [one[name] for one in found] for name in found[0]} | {"steps": setting.steps}


def main(words: list[str]) -> int:
    """Measure the rows whose names have one of the words, and are not stored yet; 2 if there is none of such a name."""
    rows = {name: Measurement(partial(row, setting)) for name, setting in SETTINGS.items()}
    return results.store(RESULTS, "bench tips", rows, words)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
