"""Published facts about attacks, measured again: what the papers report beside what the course's attacks find.

COURSE_DATA=DIR python3 course.py bench published [WORD ...]

Each fact is stored in data/results as soon as it is measured, and not measured again while it is there: take it out of the
file to have it once more. Numbers only, no image is stored.
"""
import sys
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from utils import attacks, pretrained, training
from utils.attacks.inputs import Model
from utils.data import Dataset
from utils.instructor import published_measures as measures
from utils.instructor import published_comparisons as compared
from utils.instructor import results
from utils.instructor.results import Measurement
from utils.quiet import tf

RESULTS = results.FOLDER / "published_attacks.json"
SEEDS = range(3)
Fact = dict[str, object]  # "ours", "paper", "source", "conditions", "seeds"


def softmax_regression(digits: Dataset, epochs: int = 10) -> Fact:
    """FGSM of 0.25 on softmax regression."""
    rows = [measures.fgsm_both(measures.trained(measures.softmax_regression, digits, seed, epochs=epochs), digits.x_test,
                               digits.y_test, 0.25) for seed in SEEDS]
    return {"ours": measures.over_seeds(rows), "paper": {"error, not clipped": 0.999, "confidence, not clipped": 0.793},
            "source": "Goodfellow, Shlens and Szegedy 2015, section 4",
            "conditions": f"Theirs: a shallow softmax classifier, its training is not described. Ours: Adam, {epochs} epochs, no "
                          "weight decay. Confidence is the mean probability of the wrong class.", "seeds": list(SEEDS)}


def three_or_seven(digits: Dataset, epochs: int = 20) -> Fact:
    """FGSM of 0.25 on a logistic regression that tells 3 from 7."""
    rows, chosen = [], only(digits, 3, 7)
    for seed in SEEDS:
        network = measures.trained(lambda: measures.softmax_regression(classes=2), chosen, seed, epochs=epochs)
        rows.append(measures.fgsm_both(network, chosen.x_test, chosen.y_test, 0.25))
    return {"ours": measures.over_seeds(rows), "paper": {"error, no attack": 0.016, "error, not clipped": 0.99},
            "source": "Goodfellow, Shlens and Szegedy 2015, section 5, figure 2",
            "conditions": f"Ours: two logits instead of one, which is the same function; Adam, {epochs} epochs, no weight decay.",
            "seeds": list(SEEDS)}


def undefended(digits: Dataset, build: Callable = measures.madry, epochs: int = 1, count: int = 1000, fewer: int = 200) -> Fact:
    """FGSM and PGD of 0.3 on a network that was trained without attacks."""
    network = measures.trained(build, digits, 0, epochs=epochs)
    x, labels = digits.x_test[:count], digits.y_test[:count]
    fgsm = attacks.fgsm(network, x, labels, epsilon=0.3)
    pgd = attacks.pgd(network, x[:fewer], labels[:fewer], epsilon=0.3, steps=40, step_size=0.01)
    return {"ours": {"accuracy, no attack": training.evaluate(network, digits.x_test, digits.y_test),
                     "accuracy, FGSM": float(1 - fgsm.success.mean()),
                     "accuracy, PGD of 40 steps": float(1 - pgd.success.mean())},
            "paper": {"accuracy, no attack": 0.992, "accuracy, FGSM": 0.064},
            "source": "Madry, Makelov, Schmidt, Tsipras and Vladu 2018",
            "conditions": f"The same architecture and epsilon. Ours: {epochs} epoch of Adam on {len(digits.y_train)} images; "
                          f"FGSM on the first {count} test images, PGD on the first {fewer}, theirs on all 10,000.",
            "seeds": [0]}


def deepfool(digits: Dataset, epochs: int = 3, count: int = 1000) -> Fact:
    """The relative size of DeepFool's perturbations on LeNet and on a dense net, and FGSM's where it fools 90 %."""
    ours = {}
    for name, build in (("LeNet", measures.lenet), ("dense 500-150", lambda: measures.dense(500, 150))):
        network = measures.trained(build, digits, 0, epochs=epochs)
        x, labels = correct(network, digits, count)
        ours[f"{name}, error"] = 1 - training.evaluate(network, digits.x_test, digits.y_test)
        for norm in ("L2", "Linf"):
            found = attacks.deepfool(network, x, labels, norm=norm)
            ours[f"{name}, {norm}"] = measures.relative(found.norms[norm][found.success], x[found.success], norm)
            ours[f"{name}, {norm}, success"] = float(found.success.mean())
        of_fgsm = measures.fgsm_epsilon(network, x, labels)
        ours[f"{name}, FGSM, L2"] = measures.relative(of_fgsm * np.sqrt(x[0].size), x, "L2")
        ours[f"{name}, FGSM, Linf"] = of_fgsm
    return {"ours": ours, "paper": {"LeNet, error": 0.01, "LeNet, L2": 0.20, "LeNet, Linf": 0.10, "LeNet, FGSM, L2": 1.0,
                                    "dense 500-150, error": 0.017, "dense 500-150, L2": 0.11, "dense 500-150, Linf": 0.04},
            "source": "Moosavi-Dezfooli, Fawzi and Frossard 2016, tables 1 and 2",
            "conditions": f"Mean of ||dx|| / ||x||. Ours: {count} correctly classified test images; dx stays in the box and each "
                          "step goes 2 % beyond the boundary, theirs does so at the end and knows no box; "
                          f"{epochs} epochs of Adam. FGSM: the smallest epsilon that fools 90 %, not clipped; its "
                          "L2 is taken as epsilon times 28, although some signs are 0 (3 % on the stored LeNet).", "seeds": [0]}


def deepfool_of_the_paper(digits: Dataset, epochs: int = 3, count: int = 300, part: int = 100) -> Fact:
    """DeepFool without the box and with the overshoot at the end, beside the course's, on the same LeNets."""
    rows = []
    for seed in SEEDS:
        network = measures.trained(measures.lenet, digits, seed, epochs=epochs)
        x, labels = correct(network, digits, count)
        row = {"LeNet, error": 1 - training.evaluate(network, digits.x_test, digits.y_test)}
        for norm in ("L2", "Linf"):
            parts = [(tf.constant(x[i:i + part]), tf.constant(labels[i:i + part])) for i in range(0, len(x), part)]
            dx = np.concatenate([measures.deepfool_of_the_paper(network, *one, norm) for one in parts])
            fooled = training.predict(network, x + dx).argmax(1) != labels
            boxed = attacks.deepfool(network, x, labels, norm=norm)
            for name, size, success in (("", attacks.NORMS[norm].size(tf.constant(dx)).numpy(), fooled),
                                        (", in the box", boxed.norms[norm], boxed.success)):
                row[f"LeNet, {norm}{name}"] = measures.relative(size[success], x[success], norm)
                row[f"LeNet, {norm}{name}, success"] = float(success.mean())
        rows.append(row)
    return {"ours": measures.over_seeds(rows), "paper": {"LeNet, error": 0.01, "LeNet, L2": 0.20, "LeNet, Linf": 0.10},
            "source": "Moosavi-Dezfooli, Fawzi and Frossard 2016, tables 1 and 2",
            "conditions": "Mean of ||dx|| / ||x||. The attack as in algorithm 2: no box, 2 % beyond the boundary at the end; "
                          "\"in the box\" is the course's DeepFool on the same networks and images. Ours: LeNet with ReLU and "
                          f"max pooling, {epochs} epochs of Adam; {count} correctly classified test images.",
            "seeds": list(SEEDS)}


def jsma(digits: Dataset, epochs: int = 2, count: int = 100) -> Fact:
    """JSMA towards each of the nine other classes: success, and the share of values that it changes."""
    network = measures.trained(measures.lenet, digits, 0, epochs=epochs)
    x, labels = correct(network, digits, count)
    x, wanted = np.repeat(x, 9, axis=0), np.concatenate([np.delete(np.arange(10), label) for label in labels])
    found = attacks.jsma(network, x, wanted, targeted=True, theta=1.0, fraction=0.145)
    changed = found.norms["L0"] / x[0].size
    return {"ours": {"success": float(found.success.mean()), "changed, of successes": float(changed[found.success].mean()),
                     "changed, of all": float(changed.mean())},
            "paper": {"success": 0.97, "changed, of successes": 0.0402},
            "source": "Papernot, McDaniel, Jha, Fredrikson, Celik and Swami 2016, section V",
            "conditions": "The same: increasing only, theta 1, at most 14.5 % of the values, nine targets an image. Theirs: a "
                          f"LeNet, 10,000 images. Ours: LeNet with ReLU and max pooling, {epochs} epochs of Adam, {count} "
                          "correctly classified test images.", "seeds": [0]}


def adversarial_training(digits: Dataset, count: int = 200) -> Fact:
    """The two stored LeNets of built-in digits, one of them trained on adversarial images."""
    ours, x, y = {}, digits.x_test[:count], digits.y_test[:count]
    for name, stored in (("undefended", "digits_lenet"), ("adversarially trained", "digits_adversarial")):
        network = pretrained.load(stored)
        ours[f"{name}, accuracy, no attack"] = training.evaluate(network, digits.x_test, digits.y_test)
        for epsilon in (0.1, 0.2, 0.3):
            found = attacks.pgd(network, x, y, epsilon=epsilon, steps=40)
            ours[f"{name}, accuracy, PGD {epsilon}"] = float(1 - found.success.mean())
        ours |= {f"{name}, median {norm}": size for norm, size in measures.smallest(network, x, y).items()}
    return {"ours": ours, "paper": {"adversarially trained, accuracy, no attack": 0.988,
                                    "adversarially trained, accuracy, PGD 0.3": 0.932},
            "source": "Madry, Makelov, Schmidt, Tsipras and Vladu 2018, table 1",
            "conditions": "Theirs: trained with epsilon 0.3 on all of MNIST, a wider network. Ours: a LeNet trained with epsilon "
                          f"0.2 on 4,000 digits; PGD of 40 steps and medians on the first {count} of 500 test images, where the "
                          "smallest perturbation is 0 if the image is misclassified already.", "seeds": [0]}


FACTS = {name: Measurement(measure, real) for name, measure, real in (
    ("adversarial training", adversarial_training, False),
    ("FGSM on softmax regression", softmax_regression, True),
    ("3 against 7", three_or_seven, True),
    ("undefended network", undefended, True),
    ("DeepFool", deepfool, True),
    ("DeepFool as in the paper", deepfool_of_the_paper, True),
    ("JSMA", jsma, True),
    ("accuracy against vulnerability", compared.accuracy_and_vulnerability, True),
    ("distance against dimension", compared.distance_and_dimension, True),
)}
FACTS |= {f"photographs, {name} {norm}": Measurement(lambda _, tried=tried, norm=norm: compared.photographs(tried, norm),
                                                     kind=None) for (name, norm), tried in compared.ON_PHOTOGRAPHS.items()}


def correct(network: Model, digits: Dataset, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The first `count` of twice as many test images that the network classifies correctly, and their labels.

    Raises ValueError if there are fewer.
    """
    predicted = training.predict(network, digits.x_test[:2 * count]).argmax(1)
    chosen = measures.read_by_all([predicted], digits.y_test[:2 * count], count)
    return digits.x_test[chosen], digits.y_test[chosen]


def only(digits: Dataset, *classes: int) -> Dataset:
    """The images of these classes, with the labels 0, 1, ... in their order."""
    parts = {}
    for split in ("train", "val", "test"):
        x, y = getattr(digits, f"x_{split}"), getattr(digits, f"y_{split}")
        kept = np.isin(y, classes)
        parts |= {f"x_{split}": x[kept], f"y_{split}": np.argmax(y[kept, None] == np.array(classes), axis=1)}
    return replace(digits, class_names=tuple(map(str, classes)), **parts)


def main(words: list[str]) -> int:
    """Measure and store the facts with one of `words` in their names, all by default, that are not stored yet."""
    return results.store(RESULTS, "bench published", FACTS, words)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
