"""Facts of `published.py` that compare: networks by dimension of the images and by architecture, attacks on photographs."""
import functools
from collections.abc import Callable
from dataclasses import replace
from itertools import permutations

import numpy as np

from utils import attacks, augment, pretrained, session, training
from utils.attacks.inputs import Model
from utils.attacks.result import Result
from utils.data import Dataset
from utils.data.images import halved
from utils.instructor import published_measures as measures
from utils.instructor.proven import shortest
from utils.networks import Chain
from utils.quiet import tf

SEEDS = range(3)
TESTED = 5000  # test images, the first, on which accuracy is measured
RECIPE = {"epochs": 5}  # of `training.fit`, the same for all
RADII = np.geomspace(0.0625, 4, 13) / 255  # of PGD on photographs: 41 % from one to the next
JSMA_FRACTION = 0.002  # 301 of 150,528 values
ARCHITECTURES: dict[str, tuple[Callable[[], Chain], Callable | None]] = {  # name: (network, augmentation)
    "softmax regression": (measures.softmax_regression, None),
    "dense 100": (lambda: measures.dense(100), None),
    "dense 100-100": (lambda: measures.dense(100, 100), None),
    "three convolutions": (measures.three_convolutions, None),
    "LeNet": (measures.lenet, None),
    "LeNet, augmented": (measures.lenet, augment.digits),
    "LeNet, wide": (lambda: measures.lenet(16, 32), None),
    "small DenseNet": (measures.small_densenet, None),
}


def accuracy_and_vulnerability(digits: Dataset, architectures: dict = ARCHITECTURES, train: int = 4000,
                               count: int = 50) -> dict:
    """Test accuracy and median smallest perturbation of each architecture, on `count` images that all classify correctly."""
    given = first(digits, train)
    x_test, y_test = digits.x_test[:TESTED], digits.y_test[:TESTED]
    found, predictions = {}, {}
    for name, (build, change) in architectures.items():
        found[name] = [measures.trained(build, given, seed, augment=change, **RECIPE) for seed in SEEDS]
        predictions[name] = [training.predict(network, x_test).argmax(1) for network in found[name]]
    chosen = measures.read_by_all(sum(predictions.values(), []), y_test, count)
    x, labels = x_test[chosen], y_test[chosen]
    rows = {name: measures.of_each(same, lambda network: measures.smallest(network, x, labels)) for name, same in found.items()}
    for name, of_seeds in rows.items():
        for row, predicted in zip(of_seeds, predictions[name]):
            row["accuracy"] = float(np.mean(predicted == y_test))
    ours = {name: measures.over_seeds(of_seeds) for name, of_seeds in rows.items()}
    return {"ours": ours | {f"more accurate and more vulnerable, {norm}": inversions(ours, norm) for norm in ("L2", "Linf")},
            "paper": {},
            "source": "Su, Zhang, Chen, Yi, Chen and Gao 2018 (ImageNet: accuracy against robustness of 18 networks)",
            "conditions": f"Theirs: ImageNet. Ours: {digits.source}, {train} training images, {RECIPE['epochs']} epochs of Adam "
                          f"for each; [mean, lowest, highest] over seeds of the accuracy on the first {TESTED} test images, and "
                          f"of the median over {count} of them that every network classifies correctly. A pair [a, b] is "
                          "listed if a is more accurate than b with each seed of both, and its median is smaller with each.",
            "seeds": list(SEEDS)}


def inversions(ours: dict[str, dict[str, list[float]]], norm: str) -> list[list[str]]:
    """Pairs [a, b]: the lowest accuracy of a is above the highest of b, its highest median perturbation below the lowest of b."""
    return [[a, b] for a, b in permutations(ours, 2)
            if ours[a]["accuracy"][1] > ours[b]["accuracy"][2] and ours[a][norm][2] < ours[b][norm][1]]


def distance_and_dimension(digits: Dataset, sides: tuple[int, ...] = (14, 28, 56), train: int = 6000, count: int = 50,
                           hidden: int = 100) -> dict:
    """The smallest perturbation of the same digits at several sizes, for a dense net of each size, trained and untrained."""
    sized = {side: resized(first(digits, train), side) for side in sides}
    found, ours = {}, {}
    for side, given in sized.items():
        build = functools.partial(measures.dense, hidden, shape=(side, side, 1))
        found["trained", side] = [measures.trained(build, given, seed, **RECIPE) for seed in SEEDS]
        found["untrained", side] = [untrained(build, seed) for seed in SEEDS]
    predictions = {(name, side): [training.predict(network, sized[side].x_test).argmax(1) for network in same]
                   for (name, side), same in found.items()}
    chosen = measures.read_by_all(sum([predictions["trained", side] for side in sides], []), digits.y_test, count)
    for (name, side), same in found.items():
        images = sized[side].x_test[chosen]
        labels = iter([one[chosen] for one in predictions[name, side]])  # what the network says, untrained too
        rows = measures.of_each(same, lambda network: measures.smallest(network, images, next(labels)))
        for row, predicted in zip(rows, predictions[name, side]):
            row |= {"L2 / side": row["L2"] / side, "accuracy": float(np.mean(predicted == digits.y_test))}
        ours[f"{name}, {side}x{side}"] = measures.over_seeds(rows)
    return {"ours": ours, "paper": {},
            "source": "Simon-Gabriel, Ollivier, Bottou, Schölkopf and Lopez-Paz 2019; Shafahi, Huang, Studer, Feizi and "
                      "Goldstein 2019; Gilmer et al. 2018",
            "conditions": f"The same {count} test digits, averaged over blocks or enlarged bilinearly; a dense net of {hidden} "
                          f"hidden units for each size, {train} training images, {RECIPE['epochs']} epochs of Adam. [mean, "
                          "lowest, highest] over seeds of the median. L2 / side is the root mean square over the pixels. "
                          "Untrained: the smallest perturbation that changes the class that the network gives with its first "
                          "weights.", "seeds": list(SEEDS)}


def photographs(attack: Callable[..., Result], norm: str) -> dict:
    """The size by `norm` of what an attack, (model, x, labels) -> Result, finds for MobileNetV2 and scikit-image's photographs.

    Raises ValueError where its weights are not at hand.
    """
    known = pretrained.imagenet()
    if known is None:
        raise ValueError("The weights of MobileNetV2 are not here: see `pretrained.imagenet`.")
    network, names = known
    free = pretrained.free_photographs()
    x = np.stack(list(free.values()))
    labels = np.argmax(network(x), axis=1)
    found = attack(network, x, labels)
    sizes = np.where(found.success, found.norms[norm], np.inf)
    return {"ours": dict(zip(free, map(float, sizes))), "paper": {},
            "classes": {photo: names[label] for photo, label in zip(free, labels)},
            "source": "Moosavi-Dezfooli, Fawzi and Frossard 2016 (DeepFool on other networks for ImageNet)",
            "conditions": "MobileNetV2 1.0/224, Apache-2.0, and the photographs of scikit-image's wheel, 224x224 in colour; any "
                          "other class than the network gives without an attack. Sizes with pixel values from 0 to 1, null "
                          f"where the attack failed. PGD: 20 steps, the smallest of {len(RADII)} radii that fools; JSMA: at "
                          f"most {100 * JSMA_FRACTION:g} % of the values.", "seeds": [0]}


def pgd_on_photographs(model: Model, x: np.ndarray, labels: np.ndarray) -> Result:
    """PGD of 20 steps with each of RADII: for each image the shortest by Linf."""
    return shortest(model, x, labels, "Linf", (attacks.pgd(model, x, labels, epsilon=radius, steps=20) for radius in RADII))


def jsma_on_photographs(model: Model, x: np.ndarray, labels: np.ndarray) -> Result:
    """JSMA that may change JSMA_FRACTION of the values."""
    return attacks.jsma(model, x, labels, fraction=JSMA_FRACTION)


ON_PHOTOGRAPHS: dict[tuple[str, str], Callable[..., Result]] = {  # (name, norm)
    **{("DeepFool", norm): functools.partial(attacks.deepfool, norm=norm) for norm in ("L2", "Linf")},
    ("PGD", "Linf"): pgd_on_photographs, ("JSMA", "L0"): jsma_on_photographs,
    **{("minimal", norm): functools.partial(attacks.minimal, norm=norm) for norm in ("L2", "Linf", "L1", "L0")}}


def untrained(build: Callable[[], Chain], seed: int) -> Chain:
    """A network of `build` with the first weights of that seed."""
    session.start(seed)
    return build()


def first(digits: Dataset, train: int) -> Dataset:
    """The digits with their first `train` training images, and at most 1,000 to validate, so that an epoch is short."""
    return replace(digits, x_train=digits.x_train[:train], y_train=digits.y_train[:train],
                   x_val=digits.x_val[:1000], y_val=digits.y_val[:1000])


def resized(digits: Dataset, side: int) -> Dataset:
    """The digits at side x side pixels: the mean of blocks below 28 (14 and 7), bilinear above."""
    def change(images: np.ndarray) -> np.ndarray:
        while side < images.shape[1]:
            images = halved(images)
        return images if side == images.shape[1] else np.clip(tf.image.resize(images, [side, side]).numpy(), 0, 1)
    return replace(digits, **{f"x_{split}": change(getattr(digits, f"x_{split}")) for split in ("train", "val", "test")})
