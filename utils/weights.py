"""Weights that the course trained itself, for what is too long for a lesson: `course.py weights` makes them.

`load(name)` gives a network that is ready to use, or a GAN that is ready to be trained on. The weights are in
data/weights/NAME.npz, as 16-bit numbers. All are trained on the built-in digits or on rendered faces, whatever COURSE_DATA
says.
"""
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from utils import augment, data, generative, networks, session, training
from utils.generative import GAN
from utils.quiet import tf

FOLDER = Path(__file__).parents[1] / "data" / "weights"


def digits_lenet() -> tf.keras.Model:
    """LeNet for 28x28 digits, images -> logits [N, 10]."""
    return networks.lenet(padding="valid")


def digits_gan(seed: int = 0) -> GAN:
    """An unconditional DCGAN, 32 latent numbers."""
    return GAN(generative.generator(32, 32), generative.discriminator(1, 32), seed=seed)


def digits_conditional_gan(seed: int = 0) -> GAN:
    """A DCGAN that draws the digit it is asked for, 32 latent numbers and ten classes."""
    return GAN(generative.generator(32 + 10, 32), generative.discriminator(1 + 10, 32), seed=seed)


BUILD: dict[str, Callable] = {"digits_lenet": digits_lenet, "digits_gan": digits_gan,
                              "digits_conditional_gan": digits_conditional_gan,
                              "faces_three_convolutions": networks.three_convolutions, "faces_densenet": networks.DenseNet}
STEPS = {"digits_lenet": 2000, "digits_gan": 6000, "digits_conditional_gan": 5000}


def train_lenet(model: tf.keras.Model, digits: data.Dataset, steps: int = 1000, seed: int = 0) -> None:
    """Train a `networks.lenet` as unit 03 does: changed images, Adam from 2e-3 to 0 along half a cosine."""
    generator = tf.random.Generator.from_seed(seed)
    batches = tf.data.Dataset.from_tensor_slices((digits.x_train, digits.y_train))
    batches = batches.shuffle(len(digits.y_train), seed=seed).repeat().batch(64)
    batches = batches.map(lambda x, y: (augment.digits(x, generator), y)).prefetch(2)
    optimizer = tf.keras.optimizers.Adam(tf.keras.optimizers.schedules.CosineDecay(2e-3, steps))
    loss = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer, loss, steps_per_execution=10)
    model.fit(batches, epochs=1, steps_per_epoch=steps, shuffle=False, verbose=0)


def train(name: str, dataset: data.Dataset) -> tf.Module | GAN:
    """The network `name`, trained on the digits or faces of `dataset`: a LeNet in seconds, the others in minutes."""
    session.start(0)
    network = BUILD[name]()
    if name == "digits_lenet":
        train_lenet(network, dataset, STEPS[name])
    elif isinstance(network, GAN):
        labels = dataset.y_train if network.classes else None
        generative.train(network, dataset.x_train, labels, steps=STEPS[name], batch_size=64)
    else:
        training.fit(network, dataset, epochs=8, batch_size=32, learning_rate=2e-3)
    return network


def save(name: str, network: tf.Module | GAN) -> Path:
    """Write the weights of `network` as data/weights/NAME.npz, whole or not at all; the path of the file.

    Raises ValueError for an unknown name, another network than that of the name, and weights that are not
    finite.
    """
    with np.errstate(over="ignore"):  # too large a number becomes infinite, which is refused below
        arrays = {key: variable.numpy().astype(np.float16) for key, variable in _variables(network).items()}
    if {key: array.shape for key, array in arrays.items()} != _shapes(_build(name)):
        raise ValueError(f"This network is not {name!r}: it was not saved.")
    if not all(np.isfinite(array).all() for array in arrays.values()):
        raise ValueError(f"The weights of {name!r} are not all finite 16-bit numbers: they were not saved.")
    FOLDER.mkdir(parents=True, exist_ok=True)
    path, new = FOLDER / f"{name}.npz", FOLDER / f".{name}.new.npz"
    try:
        np.savez_compressed(new, **arrays)
        os.replace(new, path)
    finally:
        new.unlink(missing_ok=True)
    return path


def load(name: str, **options) -> tf.Module | GAN:
    """The network `name`, one of BUILD, with its stored weights.

    `options` are those of the function of that name: a GAN has the `seed` of what it draws when it is trained
    on (Adam's memories begin at 0). Raises ValueError for an unknown name and for a file that is missing or
    does not fit.
    """
    network = _build(name, **options)
    path, again = FOLDER / f"{name}.npz", "get it again, or train it with `python3 course.py weights`."
    if not path.is_file():
        raise ValueError(f"data/weights has no file {path.name}: {again}")
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = dict(archive)
    except Exception as error:  # truncated, not an archive, pickled: each raises its own
        raise ValueError(f"{path.name} cannot be read, it is cut off or not an NPZ file: {again}") from error
    if {key: array.shape for key, array in arrays.items()} != _shapes(network):
        raise ValueError(f"{path.name} has weights of another network than utils/weights.py builds: {again}")
    if not all(array.dtype.kind == "f" and np.isfinite(array).all() for array in arrays.values()):
        raise ValueError(f"{path.name} holds values that are not finite numbers: {again}")
    for key, variable in _variables(network).items():
        variable.assign(arrays[key].astype(np.float32))
    return network


def _build(name: str, **options) -> tf.Module | GAN:
    if name not in BUILD:
        raise ValueError(f"There are no weights {name!r}: choose one of {', '.join(map(repr, BUILD))}.")
    return BUILD[name](**options)


def _shapes(network: tf.Module | GAN) -> dict[str, tuple[int, ...]]:
    return {key: tuple(variable.shape) for key, variable in _variables(network).items()}


def _variables(network: tf.Module | GAN) -> dict[str, tf.Variable]:
    """All variables that inference needs, by the name under which they are stored."""
    parts = {"network": network}
    if isinstance(network, GAN):
        parts = {"generator": network.generator, "discriminator": network.discriminator}
    return {f"{part}_{i:02d}": variable for part, model in parts.items()
            for i, variable in enumerate(model.weights if isinstance(model, tf.keras.Model) else model.variables)}


def main(names: list[str]) -> None:
    """Train and store the networks of these names, all by default."""
    os.environ.pop("COURSE_DATA", None)  # nothing that is stored may come from real data
    datasets = {kind: data.load(kind) for kind in ("digits", "faces")}
    for name in names or BUILD:
        start = time.perf_counter()
        path = save(name, train(name, datasets[name.split("_")[0]]))
        seconds, megabytes = time.perf_counter() - start, path.stat().st_size / 1e6
        print(f"{path.name}: {seconds:.0f} s, {megabytes:.2f} MB", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
