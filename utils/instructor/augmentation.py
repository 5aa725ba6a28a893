"""What augmentation is worth: the same networks trained with and without it,
tested on images changed in one way at a time (unit 03).

python3 course.py bench augmentation [WORD ...]     (each row whose name has one of the words; all by default)

On the built-in digits and the rendered signs. Each row is stored in data/results/augmentation.json as soon as it is measured, and
not measured again while it is there: take it out of the file to have it once more.
"""
import sys
from collections.abc import Callable

from utils import augment, networks, pretrained, session, training
from utils.data import Dataset
from utils.instructor import results
from utils.instructor.results import Measurement, Row
from utils.quiet import tf

RESULTS = results.FOLDER / "augmentation.json"
SEEDS, STEPS = 5, 1000
ON_SIGNS = augment.COLOUR_CHANGES | {name: augment.CHANGES[name] for name in ("Brightness", "Noise")}


def as_they_are(images: tf.Tensor, generator: tf.random.Generator) -> tf.Tensor:
    """No augmentation."""
    return images


def changed(images: tf.Tensor, generator: tf.random.Generator) -> tf.Tensor:
    """That of the lecture: shift, rotation, scale, skew, brightness and contrast."""
    return augment.light(augment.digits(images, generator, skew=15.0), generator)


def digits_net(digits: Dataset, change: Callable, seed: int) -> tf.keras.Model:
    """A LeNet, trained as in the lecture. The seed gives it the same start and the same order of images whatever `change` is."""
    session.start(seed)
    network = networks.lenet(padding="valid")
    training.train_lenet(network, digits, STEPS, seed, change)
    return network


def signs_net(signs: Dataset, change: Callable, seed: int) -> tf.Module:
    """Three convolutions, trained as the stored network is."""
    session.start(seed)
    network = pretrained.signs_three_convolutions()
    training.fit(network, signs, epochs=8, batch_size=32, learning_rate=2e-3, seed=seed, augment=change)
    return network


def row(trained: Callable, change: Callable, changes: dict, dataset: Dataset) -> Row:
    """For each kind of change its strengths [K] and the accuracies on the changed test images, [SEEDS, K]."""
    found = {kind: {"strengths": list(strengths), "accuracy": []} for kind, (_, strengths, _) in changes.items()}
    x = tf.constant(dataset.x_test)
    for seed in range(SEEDS):
        network = trained(dataset, change, seed)
        for kind, (_, strengths, changed_by) in changes.items():
            read = [training.evaluate(network, changed_by(x, s).numpy(), dataset.y_test) for s in strengths]
            found[kind]["accuracy"].append(read)
    return {"changes": found, "test images": len(x)}


ROWS = {
    "digits, as they are": Measurement(lambda digits: row(digits_net, as_they_are, augment.CHANGES, digits), False),
    "digits, changed at random": Measurement(lambda digits: row(digits_net, changed, augment.CHANGES, digits), False),
    "signs, as they are": Measurement(lambda signs: row(signs_net, as_they_are, ON_SIGNS, signs), False, "signs"),
    "signs, in light of random colours": Measurement(lambda signs: row(signs_net, augment.colour, ON_SIGNS, signs),
                                                     False, "signs"),
}


def main(words: list[str]) -> int:
    """Measure the rows whose names have one of the words, and are not stored yet; 2 if there is none of such a name."""
    return results.store(RESULTS, "bench augmentation", ROWS, words)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
