"""Train again what data/weights/ holds and `utils.pretrained` loads: on built-in data,
whatever COURSE_DATA says. Called by course.py.

python -m utils.instructor.weights [NAME ...]
"""
import os
import sys
import time
from pathlib import Path

import numpy as np

from utils import augment, data, defences, pretrained, session, training
from utils.data.images import halved
from utils.generative.gans import GAN
from utils.instructor import defended, generators
from utils.pretrained import BUILD
from utils.quiet import tf

STEPS = {"digits_lenet": 2000, "digits_adversarial": 3000}
TRAINED = defended.TRAINED | generators.TRAINED  # a function of the data for each network of units 08 and 11


def train(name: str, dataset: data.Dataset | None) -> tf.Module | GAN:
    """The network `name`, trained on `dataset`, None for what renders its own images: in seconds, the larger ones in minutes."""
    session.start(0)
    if name in generators.TRAINED:
        return generators.TRAINED[name](dataset, 0)
    network = BUILD[name]()
    if name in TRAINED:
        network = TRAINED[name](dataset)
    elif name == "digits_lenet":
        training.train_lenet(network, dataset, STEPS[name])
    elif name == "digits_adversarial":
        defences.train(network, dataset.x_train, dataset.y_train, defences.pgd_loss(network, defended.EPSILON), steps=STEPS[name],
                       augment=augment.digits)
    elif name in ("digits_dense", "digits_two_layers"):
        loss = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        network.compile(tf.keras.optimizers.Adam(3e-3), loss, steps_per_execution=10)
        network.fit(halved(dataset.x_train), dataset.y_train, epochs=30, batch_size=64, verbose=0)
    else:
        training.fit(network, dataset, epochs=8, batch_size=32, learning_rate=2e-3)
    return network


def save(name: str, network: tf.Module | GAN) -> Path:
    """Write the weights of `network` as data/weights/NAME.npz, whole or not at all; the path of the file.

    Raises ValueError for an unknown name, another network than that of the name, and weights that are not
    finite.
    """
    with np.errstate(over="ignore"):  # too large a number becomes infinite, which is refused below
        arrays = {key: variable.numpy().astype(np.float16) for key, variable in pretrained.variables(network).items()}
    if {key: array.shape for key, array in arrays.items()} != pretrained.shapes(pretrained.build(name)):
        raise ValueError(f"This network is not {name!r}: it was not saved.")
    if not all(np.isfinite(array).all() for array in arrays.values()):
        raise ValueError(f"The weights of {name!r} are not all finite 16-bit numbers: they were not saved.")
    pretrained.FOLDER.mkdir(parents=True, exist_ok=True)
    path, new = pretrained.FOLDER / f"{name}.npz", pretrained.FOLDER / f".{name}.new.npz"
    try:
        np.savez_compressed(new, **arrays)
        os.replace(new, path)
    finally:
        new.unlink(missing_ok=True)
    return path


def main(names: list[str]) -> None:
    """Train and store the networks of these names, all by default."""
    os.environ.pop("COURSE_DATA", None)  # nothing that is stored may come from real data
    kinds = {name.split("_")[0] for name in names or BUILD} - {"towns"}
    datasets = {kind: data.load(kind) for kind in sorted(kinds)}
    for name in names or BUILD:
        start = time.perf_counter()
        path = save(name, train(name, datasets.get(name.split("_")[0])))
        seconds, megabytes = time.perf_counter() - start, path.stat().st_size / 1e6
        print(f"{path.name}: {seconds:.0f} s, {megabytes:.2f} MB", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
