"""Backprop in NumPy against numbers worked by hand, tf.GradientTape, SciPy, finite differences and Keras."""
import subprocess
import sys

import numpy as np
import pytest
from scipy.special import expit, log_softmax
from scipy.special import softmax as scipy_softmax

from utils import backprop, diagnosis
from utils.backprop import LINEAR, RELU, SIGMOID, TANH
from utils.data import toy

HAND = [(np.array([[1.0, 2.0], [-1.0, 1.0]]), np.zeros(2)), (np.array([[3.0], [0.5]]), np.ones(1))]


def random_net(sizes: list[int], seed: int = 0) -> list:
    """A network whose biases are not 0 either."""
    rng = np.random.default_rng(seed)
    return [(w, rng.normal(size=b.shape)) for w, b in backprop.initialise(sizes, seed)]


def test_needs_no_tensorflow():
    code = "import sys, utils.backprop; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_the_net_worked_by_hand():
    """x = (1, 2): z = (-1, 4), a = (0, 4), out = 3, target 2, loss 1; deltas 2, and (6, 1) times (0, 1)."""
    outputs = backprop.forward(HAND, np.array([[1.0, 2.0]]))
    np.testing.assert_array_equal(outputs[1], [[0, 4]])
    np.testing.assert_array_equal(outputs[2], [[3]])
    loss, delta = backprop.mean_square_error(outputs[-1], np.array([[2.0]]))
    assert (loss, delta) == (1, 2)
    (w1, b1), (w2, b2) = backprop.backward(HAND, outputs, delta)
    np.testing.assert_array_equal(w2, [[0], [8]])
    np.testing.assert_array_equal(b2, [2])
    np.testing.assert_array_equal(w1, [[0, 1], [0, 2]])
    np.testing.assert_array_equal(b1, [0, 1])


@pytest.mark.parametrize("name", ["relu", "sigmoid", "tanh", "linear"])
def test_gradients_are_those_of_tensorflow(name):
    from utils.quiet import tf

    activation = {"relu": RELU, "sigmoid": SIGMOID, "tanh": TANH, "linear": LINEAR}[name]
    net, rng = random_net([7, 6, 5, 8, 3]), np.random.default_rng(1)
    x, labels = rng.normal(size=(9, 7)), rng.integers(0, 3, 9)
    variables = [tf.Variable(array) for layer in net for array in layer]
    with tf.GradientTape() as tape:
        a = tf.constant(x)
        for number in range(len(net)):
            a = a @ variables[2 * number] + variables[2 * number + 1]
            a = tf.keras.activations.get(name)(a) if number < len(net) - 1 else a
        expected = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, a))
    outputs = backprop.forward(net, x, activation)
    np.testing.assert_allclose(outputs[-1], a, rtol=1e-12)
    loss, delta = backprop.cross_entropy(outputs[-1], labels)
    assert loss == pytest.approx(float(expected), rel=1e-12)
    gradients = [array for layer in backprop.backward(net, outputs, delta, activation) for array in layer]
    for ours, theirs in zip(gradients, tape.gradient(expected, variables), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-12)


def test_gradients_of_mean_square_are_finite_differences():
    net, rng = random_net([4, 5, 2]), np.random.default_rng(2)
    x, targets = rng.normal(size=(6, 4)), rng.normal(size=(6, 2))

    def loss() -> float:
        return backprop.mean_square_error(backprop.forward(net, x, TANH)[-1], targets)[0]

    outputs = backprop.forward(net, x, TANH)
    gradients = backprop.backward(net, outputs, backprop.mean_square_error(outputs[-1], targets)[1], TANH)
    for layer, found in zip(net, gradients):
        for array, gradient in zip(layer, found):
            np.testing.assert_allclose(gradient, backprop.finite_differences(loss, array), atol=1e-8)


def test_finite_differences_are_exact_for_a_square_and_leave_the_array_alone():
    w = np.random.default_rng(7).normal(size=(3, 2))
    kept, scale = w.copy(), np.arange(1.0, 7).reshape(3, 2)
    found = backprop.finite_differences(lambda: float(np.sum(scale * w**2)), w, h=0.5)  # no error from the curve, whatever h
    np.testing.assert_allclose(found, 2 * scale * kept)
    np.testing.assert_array_equal(w, kept)
    for h in (0.1, 0.01):  # the third derivative of w^3 is 6: the error is h^2
        np.testing.assert_allclose(backprop.finite_differences(lambda: float(np.sum(w**3)), w, h) - 3 * kept**2, h**2, rtol=1e-6)


def test_losses_are_those_of_scipy_and_stay_finite():
    rng = np.random.default_rng(3)
    logits, labels = rng.normal(scale=3, size=(8, 4)), rng.integers(0, 4, 8)
    kept = logits.copy()
    np.testing.assert_allclose(backprop.softmax(logits), scipy_softmax(logits, axis=1), rtol=1e-12)
    for scale in (1, 1000):
        loss, delta = backprop.cross_entropy(scale * logits, labels)
        assert loss == pytest.approx(-log_softmax(scale * logits, axis=1)[np.arange(8), labels].mean())
        expected = (scipy_softmax(scale * logits, axis=1) - np.eye(4)[labels]) / 8
        np.testing.assert_allclose(delta, expected, atol=1e-12)
    np.testing.assert_array_equal(logits, kept)
    assert backprop.mean_square_error(np.array([[1.0, 2], [3, 5]]), np.zeros((2, 2)))[0] == pytest.approx(39 / 4)


def test_activations_and_their_slopes():
    z, h = np.array([-700.0, -30, -2, -0.3, 0.4, 3, 700]), 1e-6
    with np.errstate(all="raise", under="ignore"):
        np.testing.assert_allclose(SIGMOID.value(z), expit(z), rtol=1e-12)
    for activation in (RELU, SIGMOID, TANH, LINEAR):
        numeric = (activation.value(z + h) - activation.value(z - h)) / (2 * h)
        np.testing.assert_allclose(activation.slope(activation.value(z)), numeric, atol=1e-6)


def test_he_keeps_the_second_moment_behind_relu_and_xavier_behind_an_affine_map():
    x = np.random.default_rng(4).normal(size=(200, 300))
    for variance, activation in ((backprop.he, RELU), (backprop.xavier, LINEAR)):
        net = backprop.initialise([300] * 32, 5, variance)
        moments = [np.mean(a**2) for a in backprop.forward(net, x, activation)]
        assert 0.2 < moments[30] < 5  # a factor of 2 in the variance would give 2**30 or 2**-30
    outputs = backprop.forward(backprop.initialise([300] * 32, 5, backprop.xavier), x)
    assert np.mean(outputs[30]**2) < 1e-7


@pytest.mark.parametrize("name", ["sgd", "momentum", "adam"])
def test_rules_are_those_of_keras(name):
    from utils.quiet import tf

    keras = {"sgd": tf.keras.optimizers.SGD(0.1), "momentum": tf.keras.optimizers.SGD(0.1, momentum=0.9),
             "adam": tf.keras.optimizers.Adam(0.1, epsilon=1e-8)}[name]
    w, memory = np.array([1.0, -2.0, 3.0]), None
    variable = tf.Variable(w)
    for step in range(20):
        gradient = np.cos(w * np.arange(1, 4)) + 0.1 * step
        keras.apply_gradients([(tf.constant(gradient), variable)])
        w, memory = getattr(backprop, name)(w, gradient, memory, 0.1)
        np.testing.assert_allclose(w, variable, rtol=1e-4, atol=1e-5)  # Keras keeps its factors in float32


def test_batches_give_each_example_once_an_epoch():
    parts = list(backprop.batches(10, 4, epochs=2, seed=1))
    assert [len(part) for part in parts] == [4, 4, 2, 4, 4, 2]
    first, second = np.concatenate(parts[:3]), np.concatenate(parts[3:])
    assert sorted(first) == sorted(second) == list(range(10)) and not np.array_equal(first, second)


@pytest.mark.parametrize("rule, rate", [(backprop.sgd, 0.3), (backprop.momentum, 0.05),
                                        (backprop.adam, 0.01)])
def test_training_learns_what_no_affine_map_can(rule, rate):
    """A disc in a ring: the classes have the same mean, a straight line gets about half of them."""
    x, y = toy.rings(400, seed=6, noise=0.1)
    start = backprop.initialise([2, 16, 2], 0)
    kept = [array.copy() for layer in start for array in layer]
    net, losses = backprop.train(start, x, y, rate=rate, epochs=20, rule=rule)
    assert backprop.accuracy(net, x, y) > 0.99 and len(losses) == 20 * 13 and losses[-1] < losses[0]
    assert all(np.array_equal(a, b) for a, b in zip(kept, (array for layer in start for array in layer)))
    affine, _ = backprop.train(backprop.initialise([2, 2], 0), x, y, rate=rate, epochs=20, rule=rule)
    assert backprop.accuracy(affine, x, y) < 0.7


def test_small_data_are_what_they_say():
    x, y = toy.rings(500, seed=0)
    radius = np.hypot(*x.T)
    assert x.shape == (500, 2)
    assert abs(radius[y == 0].mean() - 0.8) < 0.1 and abs(radius[y == 1].mean() - 2) < 0.1
    hours, on = toy.lamps(5000, seed=0)
    assert abs(on.mean() - 10 / 24) < 0.02 and set(on[(hours % 24 > 6.01) & (hours % 24 < 19.99)]) == {0}
    assert set(on[(hours % 24 < 5.99) | (hours % 24 > 20.01)]) == {1}
    x, targets = toy.waves(100, seed=0)
    np.testing.assert_allclose(targets, 2 * np.sin(x))
    x, y, x_test, y_test = toy.digits()
    assert x.shape == (2000, 196) and x_test.shape == (1000, 196) and (x.min(), x.max()) == (0, 255)
    assert not {row.tobytes() for row in x} & {row.tobytes() for row in x_test}
    constant = x.std(axis=0) == 0  # the lab divides these by 1: some of them are not 0 in test images
    assert constant.any() and 0 < x_test[:, constant].max() < 256
    assert set(y) == set(y_test) == set(range(10))


@pytest.mark.parametrize("widen", [0.5, 1, 2])
def test_the_faults_of_the_lab_are_what_they_are_called(widen):
    """Each panel shows its fault, and the same network without it does not; with half or twice the hidden units too."""
    curves = {letter: chart["curves"] for letter, chart in diagnosis.faulty_networks(widen).items()}
    assert len(curves["P"]["training"]) == 12 and np.all(np.diff(curves["P"]["training"]) < 0)
    assert curves["P"]["training"][-1] > 1
    assert curves["Q"]["all"][-1] > 94 and curves["Q"]["label 1 (1 in 20)"][-1] == 0
    before, after = curves["R"].values()
    assert np.ptp(before) < 1e-9 and np.ptp(after) < 1e-9
    assert before[0] > after[0] + 1 > 2  # the lines lie apart, and the units have not died
    training, validation = curves["S"]["60 for training"], curves["S"]["1,000 others"]
    assert training[-1] < 0.1 and validation[-1] > min(validation) + 0.05 and np.argmin(validation) < 30
    deep, shallow = curves["T"]["20 hidden layers"], curves["T"]["3 hidden layers"]
    assert deep[0] < 1e-9 * deep[-1] and shallow[0] > 1e-3 * shallow[-1]
    for losses in curves["U"].values():  # whatever the start, and from a loss that is not large
        assert losses[0] < 5 and losses[-1] > 1e3
