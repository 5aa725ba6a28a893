"""The exact minimum against linear programs, one for each pattern of active units, and against every attack."""
from collections.abc import Iterator
from itertools import product

import numpy as np
import pytest
from scipy.optimize import linprog, minimize

from optimum import SOLVE, optimum
from utils import attacks, session
from utils.attacks import exact, intervals
from utils.attacks.exact import exact_minimum
from utils.quiet import tf

keras = tf.keras
NORMS = ("L1", "Linf")
ORDER = {"L1": 1, "Linf": np.inf}


def network(*units: int, shape=(2, 2, 1), seed: int = 0, steepness: float = 3.0) -> keras.Sequential:
    """An untrained dense network with these units in each layer and biases that are not 0, as steep as a trained one."""
    session.start(seed)
    activations = ["relu"] * (len(units) - 1) + [None]
    layers = [keras.layers.Dense(n, activation, bias_initializer="random_normal") for n, activation in zip(units, activations)]
    net = keras.Sequential([keras.Input(shape), keras.layers.Flatten(), *layers])
    for layer in net.layers[1:]:
        layer.kernel.assign(steepness * layer.kernel)
    return net


def linear_layer(n: int, classes: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Kernel [n, classes] and bias [classes] of a linear model, and an image [n] as its last value."""
    random = np.random.default_rng(seed)
    return random.normal(size=[n, classes]), random.normal(size=classes)


def image_of(net: keras.Sequential, seed: int = 1) -> tuple[np.ndarray, int]:
    """A random image, with black and white values, and what the network says of it."""
    x = np.random.default_rng(seed).uniform(-0.2, 1.2, net.input_shape[1:]).clip(0, 1).astype(np.float32)
    return x, int(np.argmax(net(x[None])))


def logits_of(net: keras.Sequential, x: np.ndarray) -> np.ndarray:
    """The logits [N, classes] of images [N, ...], in float64 and not by the code that is tested."""
    values = x.reshape(len(x), -1).astype(float)
    for layer in net.layers[1:]:
        values = values @ layer.kernel.numpy().astype(float) + layer.bias.numpy()
        values = values if layer is net.layers[-1] else values * (values > 0)
    return values


def by_patterns(net: keras.Sequential, image: np.ndarray, label: int, norm: str, targeted: bool = False) -> float:
    """The exact minimum by one linear program for every class and every pattern of active and inactive units.

    With a fixed pattern the network is linear where the pre-activations have the signs of the pattern. The variables are
    the modified image x', then the change of each value, then the norm.
    """
    x, n = image.ravel().astype(float), image.size
    dense = [(layer.kernel.numpy().astype(float), layer.bias.numpy().astype(float)) for layer in net.layers[1:]]
    counts = [bias.size for _, bias in dense[:-1]]
    others = [other for other in range(dense[-1][1].size) if other != label]
    wanted = [others] if targeted else [[other] for other in others]
    best, one, column = np.inf, np.eye(n), np.ones([n, 1])
    for pattern in product((-1, 1), repeat=sum(counts)):
        kernel, constant, rows, most = np.eye(n), np.zeros(n), [], []
        for (w, b), signs in zip(dense, np.split(np.array(pattern), np.cumsum(counts)[:-1])):
            kernel, constant = kernel @ w, constant @ w + b
            rows.append(-(kernel * signs).T)  # sign * (pre-activation) >= 0
            most.append(constant * signs)
            kernel, constant = kernel * (signs > 0), constant * (signs > 0)
        kernel, constant = kernel @ dense[-1][0], constant @ dense[-1][0] + dense[-1][1]
        for group in wanted:
            sign = -1 if targeted else 1
            goal = sign * (kernel[:, [label]] - kernel[:, group]).T
            limit = -sign * (constant[label] - constant[group])
            above = np.vstack([*rows, goal])
            matrix = np.block([[above, np.zeros([len(above), n + 1])], [one, -one, 0 * column], [-one, -one, 0 * column],
                               [0 * one, one, -column] if norm == "Linf" else [0 * one, np.ones([n, n]), -column]])
            found = linprog(np.r_[np.zeros(2 * n), 1], A_ub=matrix, b_ub=np.r_[np.concatenate(most), limit, x, -x, np.zeros(n)],
                            bounds=[*[(0, 1)] * n, *[(0, None)] * (n + 1)])
            best = min(best, found.fun) if found.success else best
    return best


# the truth on linear models -------------------------------------------------------------------------------------------

@pytest.mark.parametrize("seed", range(3))
def test_optimum_of_two_classes_against_closed_forms_and_bisection(seed):
    (kernel, bias), x = linear_layer(30, 2, seed), np.random.default_rng(seed).uniform(0, 1, 30).round(1)
    logits = x @ kernel + bias
    label = int(logits.argmax())
    w, gap = kernel[:, 1 - label] - kernel[:, label], logits[label] - logits[1 - label]
    room, gain = np.where(w > 0, 1 - x, x), np.abs(w)
    found = {norm: optimum(kernel, bias, x, label, norm) for norm in SOLVE}

    assert found["L0"] == 1 + np.sum(np.cumsum(np.sort(gain * room)[::-1]) < gap)  # the values that gain most
    size, left = 0.0, gap  # L1: those with the largest weight, as far as they go
    for i in np.argsort(-gain):
        step = min(room[i], left / gain[i])
        size, left = size + step, left - step * gain[i]
    assert found["L1"] == pytest.approx(size)
    for norm, change in {"Linf": lambda t: np.minimum(t, room), "L2": lambda t: np.minimum(t * gain, room)}.items():
        low, high = 0.0, 1e3
        for _ in range(100):
            middle = (low + high) / 2
            low, high = (middle, high) if gain @ change(middle) < gap else (low, middle)
        assert found[norm] == pytest.approx(np.linalg.norm(change(high), np.inf if norm == "Linf" else 2), rel=1e-6)


@pytest.mark.parametrize("targeted", [False, True])
def test_optimum_of_several_classes_l2_against_slsqp(targeted):
    (kernel, bias), x = linear_layer(12, 4, 5), np.random.default_rng(2).uniform(0, 1, 12)
    label = int((x @ kernel + bias).argmax()) if not targeted else int((x @ kernel + bias).argmin())
    sizes = []
    for group in ([[k for k in range(4) if k != label]] if targeted else [[k] for k in range(4) if k != label]):
        gains = (kernel[:, group] - kernel[:, [label]]) * (-1 if targeted else 1)
        offset = (bias[group] - bias[label]) * (-1 if targeted else 1)
        solution = minimize(lambda d: d @ d, np.full(12, 0.01), jac=lambda d: 2 * d, method="SLSQP", tol=1e-14,
                            bounds=list(zip(-x, 1 - x)),
                            constraints={"type": "ineq", "fun": lambda d: (x + d) @ gains + offset, "jac": lambda d: gains.T})
        sizes.append(np.sqrt(solution.fun) if solution.success else np.inf)
    assert optimum(kernel, bias, x, label, "L2", targeted) == pytest.approx(min(sizes), rel=1e-5)


def test_optimum_is_infinite_where_nothing_fools():
    assert [optimum(np.ones([3, 2]), np.array([0.0, 1.0]), np.full(3, 0.5), 1, norm) for norm in SOLVE] == [np.inf] * 4


# the exact minimum ----------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("norm, targeted", list(product(NORMS, [False, True])))
@pytest.mark.parametrize("units", [(4,), (5, 4)], ids=str)
def test_linear_networks(units, norm, targeted):
    """Without a hidden layer, and with one whose units are active in the whole box."""
    net = network(*units, shape=(3, 2, 2))
    if len(units) > 1:
        net.layers[1].bias.assign(tf.reduce_sum(tf.abs(net.layers[1].kernel), 0))
    kernel, bias = np.eye(12), np.zeros(12)
    for layer in net.layers[1:]:
        kernel, bias = kernel @ layer.kernel.numpy().astype(float), bias @ layer.kernel.numpy() + layer.bias.numpy()
    image, label = image_of(net)
    label = int(np.argsort(net(image[None])[0])[-2]) if targeted else label
    found = exact_minimum(net, image, label, norm=norm, targeted=targeted)
    assert found.proven and found.norm == pytest.approx(optimum(kernel, bias, image, label, norm, targeted), rel=1e-4, abs=1e-6)
    assert 0.01 < found.norm < np.inf


@pytest.mark.parametrize("norm, targeted", list(product(NORMS, [False, True])))
@pytest.mark.parametrize("units, seed", [((4, 3), 0), ((4, 3), 1), ((4, 3), 7), ((3, 2, 3), 3), ((3, 2, 3), 4)], ids=str)
def test_small_networks_against_all_patterns(units, seed, norm, targeted):
    """Targeted at the least likely class; with seeds 0 and 7 all logits count then, with seed 1 nothing fools."""
    net = network(*units, seed=seed)
    image, label = image_of(net)
    label = int(np.argmin(net(image[None]))) if targeted else label
    truth = by_patterns(net, image, label, norm, targeted)
    found = exact_minimum(net, image, label, norm=norm, targeted=targeted)
    assert found.proven and found.norm == pytest.approx(truth, rel=1e-4, abs=1e-6)
    again = exact_minimum(net, image, label, norm=norm, targeted=targeted, upper=1.2 * truth)
    assert again.proven and again.norm == pytest.approx(found.norm, rel=1e-4, abs=1e-6)


@pytest.fixture(scope="module")
def small() -> tuple[keras.Sequential, np.ndarray, np.ndarray]:
    """A network of eight units on images of 6x6, images, and what it says of them."""
    net = network(8, 4, shape=(6, 6, 1), seed=5)
    x = np.random.default_rng(6).uniform(0, 1, [3, 6, 6, 1]).astype(np.float32)
    return net, x, logits_of(net, x).argmax(1)


@pytest.mark.parametrize("norm", NORMS)
def test_no_attack_is_shorter_and_dx_does_what_it_says(small, norm):
    net, x, labels = small
    found = [exact_minimum(net, image, label, norm=norm) for image, label in zip(x, labels)]
    least = np.array([one.norm for one in found])
    assert all(one.proven and one.norm * (1 - 1e-4) <= one.lower <= one.norm for one in found)
    changed = x + np.stack([one.dx for one in found])
    assert changed.min() > -1e-6 and changed.max() < 1 + 1e-6
    np.testing.assert_allclose([np.linalg.norm(one.dx.ravel(), ORDER[norm]) for one in found], least, rtol=1e-5)
    logits = np.sort(logits_of(net, changed))
    np.testing.assert_allclose(logits[:, -1], logits[:, -2], atol=1e-4)
    assert np.all(logits_of(net, changed)[np.arange(3), labels] > logits[:, -1] - 1e-4), "the boundary is not the label's"

    tried = [attacks.fgsm(net, x, labels, epsilon=epsilon) for epsilon in np.geomspace(0.02, 1, 12)]
    tried.append(attacks.dx_attack(net, x, labels, norm=norm, steps=200))
    shortest = np.min([np.where(one.success, one.norms[norm], np.inf) for one in tried], axis=0)
    assert np.all(shortest >= least * (1 - 1e-4)), (shortest, least)
    assert np.all(shortest < 3 * least), "this far from the attacks, the exact minimum is none"


@pytest.mark.parametrize("norm", NORMS)
def test_upper_only_bounds_the_search(small, norm):
    net, x, labels = small
    free = exact_minimum(net, x[0], labels[0], norm=norm)
    near = exact_minimum(net, x[0], labels[0], norm=norm, upper=free.norm)
    assert near.proven and near.norm == pytest.approx(free.norm, rel=1e-4)
    none = exact_minimum(net, x[0], labels[0], norm=norm, upper=0.9 * free.norm)
    assert none.proven and none.norm == np.inf and 0.9 * free.norm <= none.lower <= free.norm
    assert np.isnan(none.dx).all()


def test_what_fools_already_is_left_alone(small):
    net, x, labels = small
    found = exact_minimum(net, x[0], (labels[0] + 1) % 4)
    assert found.proven and found.norm == 0 and not found.dx.any()
    with pytest.raises(ValueError, match="wanted labels without an attack"):
        exact_minimum(net, x[0], labels[0], targeted=True)


@pytest.mark.parametrize("limit", [1e-4, 0.1, 0.5])
def test_time_limit_gives_bounds(limit):
    """Before the first program, within one, after some: whatever was done until then is valid."""
    net = network(30, 30, 4, shape=(6, 6, 1), seed=2)
    image, label = image_of(net)
    fooled = attacks.dx_attack(net, image[None], np.array([label]), norm="L1", steps=200)
    found = exact_minimum(net, image, label, norm="L1", time_limit=limit)
    assert found.proven or 0 <= found.lower < found.norm
    assert not (found.proven and limit == 1e-4)
    assert found.lower <= fooled.norms["L1"][0]
    if found.norm < np.inf:
        changed = logits_of(net, (image + found.dx)[None])[0]
        assert changed[label] - np.delete(changed, label).max() < 1e-3, "it does not reach another class"


@pytest.mark.parametrize("programs, expected", [
    ([(0.5, 0.5, True), (np.inf, 0.5, True), (np.inf, 0.5, True)], (0.5, 0.5, True)),
    ([(0.5, 0.2, False), (0.4, 0.4, True), (np.inf, 0.4, True)], (0.4, 0.2, False)),
    ([(0.5, 0.5, True), (np.inf, 0.3, False), (np.inf, 0.0, False)], (0.5, 0.0, False)),
    ([(np.inf, np.inf, True), (0.6, 0.6, True), (0.2, 0.2, True)], (0.2, 0.2, True)),
])
def test_the_classes_together(small, monkeypatch, programs, expected):
    """The norm is the smallest of all classes, and so is the bound; each program has the best before it as its radius."""
    radii, given = [], iter(programs)

    def solved(x, layers, norm, radius, seconds):
        radii.append(radius)
        found, lower, whether = next(given)
        return found, np.full(36, found), lower, whether
    monkeypatch.setattr(exact, "smallest_in_ball", solved)
    found = exact_minimum(small[0], small[1][0], small[2][0])
    assert (found.norm, found.lower, found.proven) == expected and np.all(found.dx == expected[0])
    assert radii == [np.inf, *np.minimum.accumulate([one[0] for one in programs])[:-1]]


# intervals ------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("norm, radius", [("Linf", 0.1), ("Linf", 2.0), ("L1", 0.7), ("L1", 100.0)])
def test_bounds_hold_what_units_say_of_random_images(norm, radius):
    net = network(8, 7, 5, shape=(4, 4, 1), seed=1)
    layers, x = intervals.dense_layers(net), image_of(net)[0].ravel().astype(float)
    bounds = intervals.further(intervals.first_layer(x, layers[0], norm, radius), layers[1:])
    images = np.concatenate(list(_inside(x, norm, radius)))
    values = images
    for (kernel, bias), (lower, upper) in zip(layers, bounds, strict=True):
        values = values @ kernel + bias
        assert np.all(values >= lower - 1e-9) and np.all(values <= upper + 1e-9)
        assert np.all(lower <= upper)
        values = values * (values > 0)


def _inside(x: np.ndarray, norm: str, radius: float) -> Iterator[np.ndarray]:
    """Random images in the box and the ball around x: dense changes, changes of few values, and those that reach the border."""
    random = np.random.default_rng(0)
    for density in (0.1, 0.3, 1.0):
        dx = random.normal(size=[2000, x.size]) * (random.uniform(size=[2000, x.size]) < density)
        dx = np.sign(dx) if norm == "Linf" else dx
        size = np.linalg.norm(dx, ORDER[norm], axis=1, keepdims=True)
        yield np.clip(x + dx * radius / np.maximum(size, 1e-9), 0, 1)


@pytest.mark.parametrize("norm, radius", [("Linf", 0.2), ("L1", 1.3)])
def test_bounds_of_the_first_layer_are_reached(norm, radius):
    net = network(6, 3, shape=(3, 3, 1), seed=4)
    (kernel, bias), x = intervals.dense_layers(net)[0], image_of(net)[0].ravel().astype(float)
    lower, upper = intervals.first_layer(x, (kernel, bias), norm, radius)
    room = np.r_[1 - x, x]
    for unit in range(6):
        for sign, bound in ((1, upper), (-1, lower)):
            w = sign * np.r_[kernel[:, unit], -kernel[:, unit]]  # of rises and falls
            solution = linprog(-w, A_ub=None if norm == "Linf" else np.ones([1, 18]), b_ub=None if norm == "Linf" else [radius],
                               bounds=[(0, most) for most in (np.minimum(room, radius) if norm == "Linf" else room)])
            assert bound[unit] == pytest.approx(x @ kernel[:, unit] + bias[unit] - sign * solution.fun)


# refusals -------------------------------------------------------------------------------------------------------------

def test_refuses_other_models(small):
    x, labels = small[1], small[2]
    layers = keras.layers
    for model, words in [
        (lambda images: images, "a function, expected a Keras Sequential"),
        (keras.Sequential([layers.Dense(3)]), "starts with dense.*, expected"),
        (keras.Sequential([layers.Flatten()]), "starts with flatten.*, expected"),
        (keras.Sequential([layers.Flatten(), layers.Dense(3, "tanh"), layers.Dense(3)]), "activation 'relu', expected"),
        (keras.Sequential([layers.Flatten(), layers.Dense(3), layers.Dense(3)]), "activation 'relu', expected"),
        (keras.Sequential([layers.Flatten(), layers.Dense(3, activation="softmax")]), "activation 'linear', expected"),
        (keras.Sequential([layers.Flatten(), layers.Dropout(0.5), layers.Dense(3)]), "layer dropout.* is no Dense"),
    ]:
        with pytest.raises(ValueError, match=words):
            exact_minimum(model, x[0], labels[0])


@pytest.mark.parametrize("changed, words", [
    ({"norm": "L2"}, "'L1' or 'Linf': others are not linear"), ({"upper": -1.0}, "upper is -1"),
    ({"upper": np.nan}, "upper holds NaN"), ({"time_limit": 0.0}, "seconds above 0"),
    ({"time_limit": np.inf}, "time_limit holds infinity"),
    ({"image": np.zeros([1, 6, 6, 1])}, "give one image"), ({"image": np.full([6, 6, 1], 255)}, "divide by 255"),
    ({"label": 4}, "the classes 0 to 3"), ({"label": 1.0}, "whole numbers"),
    ({"image": np.zeros([5, 5, 1])}, "25 values.*the network takes 36"),
])
def test_refuses_wrong_inputs(small, changed, words):
    given = {"image": small[1][0], "label": int(small[2][0])} | changed
    with pytest.raises(ValueError, match=words):
        exact_minimum(small[0], **given)
