"""Transfer between models, and substitutes trained through labels only: the numbers that lecture 08 shows.

python3 course.py bench transfer [WORD ...]     (each row whose name has one of the words; all by default)

On the built-in digits, or on those of COURSE_DATA. Each row is stored in data/results/transfer.json as soon as it is measured,
and not measured again while it is there: take it out of the file to have it once more.
"""
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC, LinearSVC

from utils import attacks, networks, pretrained, training
from utils.attacks.classical import labels_only, linear, radial, rows, votes
from utils.attacks.inputs import Model
from utils.data import Dataset
from utils.instructor import results
from utils.instructor.results import Measurement
from utils.layers import Conv, DenseBlock, FullyConnected, flat
from utils.quiet import tf

RESULTS = results.FOLDER / "transfer.json"
SEEDS = range(3)
HALF, ATTACKED = 2000, 200  # training images of each half, test images that are attacked
EPSILONS = (0.1, 0.2, 0.3)
keras = tf.keras.layers


def dense_net() -> tf.keras.Model:
    """784-100-10."""
    return tf.keras.Sequential([tf.keras.Input([28, 28, 1]), keras.Flatten(), keras.Dense(100, "relu"), keras.Dense(10)])


def small_net() -> tf.keras.Model:
    """Two convolutions with stride 2 and two dense layers: the attacker's network, which is not the victim's."""
    return tf.keras.Sequential([tf.keras.Input([28, 28, 1]), keras.Conv2D(8, 5, strides=2, activation="relu"),
                                keras.Conv2D(16, 5, strides=2, activation="relu"), keras.Flatten(), keras.Dense(64, "relu"),
                                keras.Dense(10)])


def dense_block_net(digits: Dataset) -> networks.Chain:
    """A small DenseNet: two dense blocks of 14x14 and 7x7 pixels."""
    net = networks.Chain([Conv(1, 8, stride=2), DenseBlock(8, 8, 2, 16), DenseBlock(16, 8, 2, 16), flat,
                          FullyConnected(3 * 3 * 16, 10, relu=False)], (28, 28, 1))
    training.fit(net, digits, epochs=10, learning_rate=3e-3)
    return net


def fitted(build: Callable[[], tf.keras.Model], x: np.ndarray, y: np.ndarray, epochs: int) -> tf.keras.Model:
    """A Keras network, trained with Adam."""
    net = build()
    net.compile(tf.keras.optimizers.Adam(3e-3), tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True),
                steps_per_execution=8)
    net.fit(x, y, epochs=epochs, batch_size=64, verbose=0)
    return net


def models(digits: Dataset, own: np.ndarray, seed: int) -> dict[str, tuple[Model, Model]]:
    """{name: (what is attacked in its place, the model itself)}, trained on `digits`; `own` are the attacker's images.

    Forest and neighbours have no gradient: a dense net that is trained on their answers for `own` stands for them.
    """
    tf.keras.utils.set_random_seed(seed)
    x, y = digits.x_train, digits.y_train
    support = OneVsRestClassifier(SVC(kernel="rbf", gamma=0.02, C=5)).fit(rows(x), y)
    found = {"LeNet": fitted(partial(networks.lenet, padding="valid"), x, y, 10), "DenseNet": dense_block_net(digits),
             "dense": fitted(dense_net, x, y, 12), "logistic": linear(LogisticRegression(C=0.1, max_iter=500).fit(rows(x), y)),
             "linear SVM": linear(LinearSVC(C=0.01, random_state=seed).fit(rows(x), y)), "RBF SVM": radial(support)}
    both = {name: (model, model) for name, model in found.items()}
    others = {"3 neighbours": KNeighborsClassifier(3), "forest": RandomForestClassifier(100, random_state=seed)}
    for name, model in others.items():
        model.fit(rows(x), y)
        both[name] = fitted(dense_net, own, labels_only(model)(own), 12), votes(model)
    return both


def matrix(digits: Dataset, seed: int) -> dict:
    """[victim][source]: fooling rates of FGSM for each epsilon, the last column noise of the same size; and the accuracies."""
    first = replace(digits, x_train=digits.x_train[:HALF], y_train=digits.y_train[:HALF])
    trained = models(first, digits.x_train[HALF:2 * HALF], seed)
    x, y = digits.x_test[:ATTACKED], digits.y_test[:ATTACKED]
    signs = np.sign(np.random.default_rng(seed).normal(size=x.shape))
    victims, rates = [victim for _, victim in trained.values()], {}
    for epsilon in EPSILONS:
        dxs = [attacks.gradient_step(source, x, y, epsilon=epsilon) for source, _ in trained.values()] + [epsilon * signs]
        rates[str(epsilon)] = attacks.transfer_matrix(victims, x, y, dxs).round(3).tolist()
    right = [float(np.mean(np.asarray(model(tf.constant(digits.x_test))).argmax(1) == digits.y_test)) for model in victims]
    return {"models": list(trained), "accuracy": right, "rates": rates}


def halves(digits: Dataset, seed: int) -> dict:
    """For three kinds of model, trained on two disjoint halves: rates [victim][source] of FGSM, the last column noise."""
    parts = [slice(0, HALF), slice(HALF, 2 * HALF)]
    x, y = digits.x_test[:ATTACKED], digits.y_test[:ATTACKED]
    kinds = {"logistic": lambda x, y: linear(LogisticRegression(C=0.1, max_iter=500).fit(rows(x), y)),
             "dense": lambda x, y: fitted(dense_net, x, y, 12),
             "LeNet": lambda x, y: fitted(partial(networks.lenet, padding="valid"), x, y, 10)}
    found, signs = {}, np.sign(np.random.default_rng(seed).normal(size=x.shape))
    tf.keras.utils.set_random_seed(seed)
    for name, train in kinds.items():
        pair = [train(digits.x_train[part], digits.y_train[part]) for part in parts]
        dxs = [attacks.gradient_step(model, x, y, epsilon=0.2) for model in pair] + [0.2 * signs]
        found[name] = attacks.transfer_matrix(pair, x, y, dxs).round(3).tolist()
    return {"epsilon": 0.2, "rates": found}


def black_box(name: str, digits: Dataset, seed: int) -> Callable[[np.ndarray], np.ndarray]:
    """One of the three models that are asked: the stored LeNet, or one trained on the first half."""
    if name == "LeNet":
        return labels_only(pretrained.load("digits_lenet"))
    x, y = rows(digits.x_train[:HALF]), digits.y_train[:HALF]
    model = OneVsRestClassifier(SVC(kernel="rbf", gamma=0.02, C=5)) if name == "RBF SVM" else RandomForestClassifier(
        100, random_state=seed)
    return labels_only(model.fit(x, y))


def substitutes(digits: Dataset, seed: int, name: str, reservoir: int | None = None) -> dict:
    """Agreement and fooling rate against queries, and what the last substitute's perturbations reach at several lengths."""
    box, start = black_box(name, digits, seed), digits.x_val[np.random.default_rng(seed).permutation(len(digits.x_val))[:100]]
    answers = box(digits.x_test)
    known = np.flatnonzero(answers == digits.y_test)[:ATTACKED]
    x, y = digits.x_test[known], digits.y_test[known]
    tf.keras.utils.set_random_seed(seed)
    net, curve, rounds = small_net(), [], 6 if reservoir is None else 9
    for queries in attacks.substitute(box, start, net, rounds=rounds, step=0.2, reservoir=reservoir, seed=seed):
        agreement = np.mean(training.predict(net, digits.x_test).argmax(1) == answers)
        fooled = np.mean(box(x + attacks.gradient_step(net, x, y, epsilon=0.3)) != y)
        curve.append([queries, round(float(agreement), 3), round(float(fooled), 3)])
    noise = np.sign(np.random.default_rng(seed).normal(size=x.shape))
    made = {f"FGSM {epsilon}": attacks.gradient_step(net, x, y, epsilon=epsilon) for epsilon in EPSILONS}
    made |= {f"noise {epsilon}": epsilon * noise for epsilon in EPSILONS}
    shortest = attacks.minimal(net, x, y, norm="L2").dx
    made |= {f"minimal times {times}": times * shortest for times in (1, 2, 3, 5)}
    reached = {}
    for what, dx in made.items():
        modified = np.clip(x + dx, 0, 1).astype(np.float32)
        size = np.median(np.linalg.norm((modified - x).reshape(len(x), -1), axis=1))
        reached[what] = [round(float(np.mean(box(modified) != y)), 3), round(float(size), 3)]
    return {"black box": name, "curve": curve, "fooled and median L2": reached, "images": len(x)}


ROWS = {f"substitute of {name}, seed {seed}": partial(substitutes, seed=seed, name=name)
        for seed in SEEDS for name in ("LeNet", "RBF SVM", "forest")}
ROWS |= {f"substitute of LeNet, reservoir 400, seed {seed}": partial(substitutes, seed=seed, name="LeNet", reservoir=400)
         for seed in SEEDS}
ROWS |= {f"matrix, seed {seed}": partial(matrix, seed=seed) for seed in SEEDS}
ROWS |= {f"halves, seed {seed}": partial(halves, seed=seed) for seed in SEEDS}


def main(words: list[str]) -> int:
    """Measure the rows whose names have one of the words, and are not stored yet; 2 if there is none of such a name."""
    return results.store(RESULTS, "bench transfer", {name: Measurement(measure) for name, measure in ROWS.items()}, words)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
