"""Programs that do not learn as they should, and what one plots to see why: tasks 6 to 9 of lab 02."""
from collections.abc import Callable

import numpy as np

from utils import backprop, other_versions_names
from utils.data import toy
from utils.quiet import tf

__getattr__ = other_versions_names(__name__)

CAUSES = {1: "not normalised", 2: "results not checked", 3: "not preprocessed", 4: "no regularisation",
          5: "batch too large", 6: "learning rate", 7: "last activation", 8: "bad gradients",
          9: "initialisation", 10: "too deep", 11: "number of hidden units"}


def standardised_digits() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """`toy.digits()`, each pixel with the mean 0 and the standard deviation 1 on the training images.

    (x [2000, 196], labels [2000], x for the test [1000, 196], their labels [1000]).
    One that varies by less than 10 grey levels is divided by 10: where it is 0 in nearly all training images, it would
    reach 50 in the others.
    """
    x, y, x_test, y_test = toy.digits()
    mean, deviation = x.mean(axis=0), np.maximum(x.std(axis=0), 10)
    return (x - mean) / deviation, y, (x_test - mean) / deviation, y_test


def program_a(prepare: Callable, seed: int) -> float:
    """Program A of task 6 with `prepare(x_train, x)` between data and net: its accuracy on test digits."""
    x, y, x_test, y_test = toy.digits()
    net, _ = backprop.train(backprop.initialise([196, 32, 10], seed), np.asarray(prepare(x, x)), y, rate=0.3, epochs=8, seed=seed)
    return backprop.accuracy(net, np.asarray(prepare(x, x_test)), y_test)


def program_b(prepare: Callable, seed: int) -> float:
    """Program B of task 6 with `prepare(hours)` between data and net: its accuracy at 1,000 other hours."""
    (hours, y), (other, y_other) = toy.lamps(2000, seed=0), toy.lamps(1000, seed=1)
    x = np.asarray(prepare(hours))
    net, _ = backprop.train(backprop.initialise([x.shape[1], 16, 2], seed), x, y, rate=0.3, epochs=10, seed=seed)
    return backprop.accuracy(net, np.asarray(prepare(other)), y_other)


def fitted(build: Callable[[], "tf.keras.Model"], task: str, seed: int = 0) -> tuple["tf.keras.Model", float]:
    """The Keras model that `build()` gives, after training on `task`, and how good it is on other examples.

    task  "waves": mean square error, the smaller the better; "rings": accuracy. Raises KeyError for another
    """
    keras, make = tf.keras, {"waves": toy.waves, "rings": toy.rings}[task]
    (x, y), (other, y_other) = make(600, seed=0), make(600, seed=1)
    keras.utils.set_random_seed(seed)
    model = build()
    loss = "mse" if task == "waves" else keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.02), loss)
    model.fit(x, y, epochs=12, batch_size=32, verbose=0)
    answers = model(other).numpy()
    if task == "waves":
        return model, float(np.mean((answers - y_other)**2))
    return model, float(np.mean(answers.argmax(axis=1) == y_other))


def faulty_networks(widen: float = 1) -> dict[str, dict]:
    """Six networks that do not do what they should: for each letter what `plot.panels` draws.

    widen  what the number of hidden units is multiplied by: the panels look alike for 1/2, 1 and 2
    """
    x, y, _, _ = standardised_digits()
    hidden = round(32 * widen)
    sizes = [196, hidden, 10]
    _, few = backprop.train(backprop.initialise(sizes, 0), x, y, rate=0.1, epochs=12, batch_size=len(x))
    starts = {"usual start": backprop.initialise(sizes, 0)}
    starts["start 10 times smaller"] = [(weights / 10, bias) for weights, bias in starts["usual start"]]
    wild = {name: backprop.train(start, x, y, rate=5, epochs=1)[1] for name, start in starts.items()}
    same = [(np.full((196, hidden), 0.1), np.zeros(hidden)), (np.full((hidden, 10), 0.1), np.zeros(10))]
    image = x[np.argmax(x.sum(axis=1))][None]  # one on which the units are not 0
    units = {"before training": backprop.forward(same, image)[1][0]}
    same, _ = backprop.train(same, x, y, rate=0.1, epochs=2)  # in many more, rounding would tell them apart
    units["after training"] = backprop.forward(same, image)[1][0]
    gradients = {f"{depth} hidden layers": _gradients(depth, hidden, x, y) for depth in (3, 20)}
    return {
        "P": dict(title="P: loss in 12 epochs", xlabel="update", ylabel="loss", curves={"training": few}),
        "Q": dict(title="Q: accuracy", xlabel="epoch", ylabel="accuracy (%)", curves=_rare(round(8 * widen))),
        "R": dict(title=f"R: {hidden} hidden units, one image", xlabel="unit", ylabel="output", curves=units, ylim=(0, 12)),
        "S": dict(title="S: loss", xlabel="epoch", ylabel="loss", curves=_memorised(round(64 * widen))),
        "T": dict(title="T: gradient at the start", xlabel="layer", ylabel="norm", curves=gradients, logy=True),
        "U": dict(title="U: loss", xlabel="update", ylabel="loss", curves=wild, logy=True)}


def _gradients(depth: int, hidden: int, x: np.ndarray, y: np.ndarray) -> list[float]:
    net = backprop.initialise([196] + [hidden] * depth + [10], 0, backprop.xavier)
    outputs = backprop.forward(net, x, backprop.SIGMOID)
    gradients = backprop.backward(net, outputs, backprop.cross_entropy(outputs[-1], y)[1], backprop.SIGMOID)
    return [float(np.linalg.norm(weights)) for weights, _ in gradients]


def _rare(hidden: int) -> dict[str, list[float]]:
    """Label 1 is rare and hard to tell: always answering 0 is right for 95 %."""
    rng = np.random.default_rng(0)
    y = (rng.random(1000) < 0.05).astype(np.int64)
    x = rng.normal(size=(1000, 5)) + 0.3 * y[:, None]
    net, curves = backprop.initialise([5, hidden, 2], 0), {"all": [], "label 0": [], "label 1 (1 in 20)": []}
    for epoch in range(8):
        net, _ = backprop.train(net, x, y, rate=0.05, epochs=1, seed=epoch)
        for name, chosen in zip(curves, (y >= 0, y == 0, y == 1)):
            curves[name].append(100 * backprop.accuracy(net, x[chosen], y[chosen]))
    return curves


def _memorised(hidden: int) -> dict[str, list[float]]:
    """Sixty noisy examples of 20 numbers, of which one counts, and a net that can memorise them."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(1060, 20))
    y = (x[:, 0] + 0.5 * rng.normal(size=1060) > 0).astype(np.int64)
    net, curves = backprop.initialise([20, hidden, 2], 0), {"60 for training": [], "1,000 others": []}
    for epoch in range(60):
        net, _ = backprop.train(net, x[:60], y[:60], rate=0.1, epochs=1, seed=epoch)
        for name, part in zip(curves, (slice(60), slice(60, None))):
            curves[name].append(backprop.cross_entropy(backprop.forward(net, x[part])[-1], y[part])[0])
    return curves
