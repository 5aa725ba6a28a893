"""Train again what data/weights/ holds and `utils.pretrained` loads: on built-in data, whatever COURSE_DATA says. Called by course.py.

python -m utils.instructor.weights [NAME ...]
"""
import os
import sys
import time
from pathlib import Path

import numpy as np

from utils import augment, data, pretrained, session, training
from utils.data.images import halved
from utils.generative import gans
from utils.generative.gans import GAN
from utils.pretrained import BUILD
from utils.quiet import tf

STEPS = {"digits_lenet": 2000, "digits_adversarial": 3000, "digits_gan": 6000, "digits_conditional_gan": 5000}
ATTACK_STEPS = 3  # of each adversarial image in training


def train(name: str, dataset: data.Dataset) -> tf.Module | GAN:
    """The network `name`, trained on `dataset`: LeNet, dense net and signs in seconds, the others in minutes."""
    session.start(0)
    network = BUILD[name]()
    if name == "digits_lenet":
        training.train_lenet(network, dataset, STEPS[name])
    elif name == "digits_adversarial":
        adversarial_lenet(network, dataset, STEPS[name])
    elif name == "digits_dense":
        loss = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        network.compile(tf.keras.optimizers.Adam(3e-3), loss, steps_per_execution=10)
        network.fit(halved(dataset.x_train), dataset.y_train, epochs=30, batch_size=64, verbose=0)
    elif isinstance(network, GAN):
        labels = dataset.y_train if network.classes else None
        gans.train(network, dataset.x_train, labels, steps=STEPS[name], batch_size=64)
    else:
        training.fit(network, dataset, epochs=8, batch_size=32, learning_rate=2e-3)
    return network


def adversarial_lenet(network: tf.keras.Model, digits: data.Dataset, steps: int, epsilon: float = 0.2, seed: int = 0) -> None:
    """Train a LeNet on adversarial images, made from augmented ones (`training.train_lenet` takes those themselves).

    network  images [N, 28, 28, 1] in [0, 1] -> logits [N, 10]
    steps    of 64 images each; Adam from 2e-3 to 0 along half a cosine
    epsilon  the Linf size of the perturbation, in pixel values; it grows from 0 during the first half, as a small network that
             meets the full size at once gives one class to all images
    seed     of the order, the augmentation and the random starts

    Each image is attacked with ATTACK_STEPS steps of projected gradient descent from a random start (Madry et al. 2018, section
    2.1).
    """
    generator = tf.random.Generator.from_seed(seed)
    optimizer = tf.keras.optimizers.Adam(tf.keras.optimizers.schedules.CosineDecay(2e-3, steps))
    optimizer.build(network.trainable_variables)
    images, labels = tf.constant(digits.x_train), tf.constant(digits.y_train)

    @tf.function(reduce_retracing=True)
    def train(batches: tf.Tensor, first: tf.Tensor) -> None:
        """A step for each row of image indices [S, 64]; `first` is the number of the first step."""
        for step in tf.range(tf.shape(batches)[0]):
            x, y = augment.digits(tf.gather(images, batches[step]), generator), tf.gather(labels, batches[step])
            radius = epsilon * tf.minimum(2 * tf.cast(first + step, tf.float32) / steps, 1)
            attacked = _attacked(network, x, y, radius, generator)
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(y, network(attacked, training=True)))
            optimizer.apply(tape.gradient(loss, network.trainable_variables))

    done = epoch = 0
    while done < steps:
        batches = training.epoch_batches(len(digits.y_train), 64, seed, epoch)[0][:steps - done]
        train(batches, tf.constant(done))
        done, epoch = done + len(batches), epoch + 1


def _attacked(network: tf.keras.Model, x: tf.Tensor, y: tf.Tensor, radius: tf.Tensor,
              generator: tf.random.Generator) -> tf.Tensor:
    """Images x [N, H, W, C], each value moved by at most `radius` inside [0, 1], to raise the cross-entropy of labels y [N].

    `attacks.pgd` in short, since it runs inside a compiled training step; its step size is the same.
    """
    attacked = tf.clip_by_value(x + radius * generator.uniform(tf.shape(x), -1.0, 1.0), 0.0, 1.0)
    for _ in range(ATTACK_STEPS):
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(attacked)
            loss = tf.nn.sparse_softmax_cross_entropy_with_logits(y, network(attacked))
        step = 2.5 * radius / ATTACK_STEPS * tf.sign(tape.gradient(loss, attacked))
        attacked = tf.clip_by_value(tf.clip_by_value(attacked + step, x - radius, x + radius), 0.0, 1.0)
    return attacked


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
    datasets = {kind: data.load(kind) for kind in {name.split("_")[0] for name in names or BUILD}}
    for name in names or BUILD:
        start = time.perf_counter()
        path = save(name, train(name, datasets[name.split("_")[0]]))
        seconds, megabytes = time.perf_counter() - start, path.stat().st_size / 1e6
        print(f"{path.name}: {seconds:.0f} s, {megabytes:.2f} MB", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
