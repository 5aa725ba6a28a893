"""The stored proven minima are those of the stored network, and no attack that is stored beside them is below."""
import json

import numpy as np
import pytest

from utils import attacks, data, pretrained
from utils.attacks.exact import exact_minimum
from utils.data.images import halved
from utils.instructor import proven
from utils.quiet import tf


@pytest.fixture(scope="module")
def stored() -> dict:
    return json.loads(proven.RESULTS.read_text(encoding="utf-8"))["networks"]


def test_halved_is_the_mean_of_four_pixels():
    images = np.arange(2 * 4 * 6 * 2, dtype=np.float32).reshape(2, 4, 6, 2)
    assert halved(images).shape == (2, 2, 3, 2)
    assert halved(images)[1, 1, 2, 1] == np.mean([images[1, i, j, 1] for i in (2, 3) for j in (4, 5)])


@pytest.mark.parametrize("norm", ["L1", "Linf"])
@pytest.mark.parametrize("name", proven.COUNTS)
def test_stored_minima(stored, name, norm):
    digits, network = data.load("digits"), pretrained.load(name)
    images = stored[name][norm]["images"]
    assert len(images) == proven.COUNTS[name] and all(one["proven"] for one in images)
    for one in images:
        assert digits.y_test[one["index"]] == one["label"] and one["attacks"].keys() == proven.ATTACKS[norm].keys()
        assert all(size is None or size >= one["norm"] * (1 - 1e-4) - 1e-6 for size in one["attacks"].values())
    quick = sorted(images, key=lambda one: one["seconds"])[1]
    image = halved(digits.x_test[quick["index"]][None])[0]
    again = exact_minimum(network, image, quick["label"], norm=norm)
    assert again.proven and again.norm == pytest.approx(quick["norm"], rel=1e-4, abs=2e-6)
    assert stored[name][norm]["summary"] == proven.summary(stored[name][norm])


@pytest.mark.parametrize("norm", ["L1", "Linf"])
@pytest.mark.parametrize("name", proven.COUNTS)
def test_minimal_finds_the_proven_minimum(stored, name, norm):
    """Median within 5 % of the proof, every image fooled, none below it."""
    digits, images = data.load("digits"), stored[name][norm]["images"]
    chosen = [one["index"] for one in images]
    found = attacks.minimal(pretrained.load(name), halved(digits.x_test[chosen]), digits.y_test[chosen], norm=norm)
    ratio = found.norms[norm] / [one["norm"] for one in images]
    assert found.success.all() and np.median(ratio) < 1.05
    assert ratio.max() < {"digits_dense": 1.3, "digits_two_layers": 1.5}[name]  # measured: 1.11 and 1.21
    assert ratio.min() > 1 - 1e-4 - 1e-6 / min(one["norm"] for one in images), "below the proof"


def test_measure_takes_any_attacks_and_writes_none_where_one_failed():
    def weak(model, x, labels, norm):
        return attacks.fgsm(model, x, labels, epsilon=0.0)
    tried = {"weak": weak, "fgsm": lambda model, x, labels, norm: attacks.fgsm(model, x, labels, epsilon=0.3)}
    measured = proven.measure(tried, "Linf", count=3, time_limit=0.01)
    for one in measured["images"]:
        assert one["attacks"]["weak"] is None and one["lower"] <= one["attacks"]["fgsm"]
    assert proven.summary(measured).keys() == tried.keys()
    images = [{"norm": 0.1, "proven": True, "attacks": {"a": 0.2, "b": None}},
              {"norm": 0.1, "proven": False, "attacks": {"a": 9.0, "b": 9.0}},
              {"norm": 0.2, "proven": True, "attacks": {"a": 0.2, "b": None}}]
    assert proven.summary({"images": images, "seconds": {"a": 1.0, "b": 2.0}}) == {
        "a": {"proven": 2, "fooled": 2, "seconds": 1.0, "median ratio": 1.5, "largest ratio": 2.0},
        "b": {"proven": 2, "fooled": 0, "seconds": 2.0}}


def test_the_shortest_fgsm_is_the_first_epsilon_that_fools(monkeypatch):
    monkeypatch.setattr(proven, "EPSILONS", np.geomspace(0.005, 0.3, 40))
    network, digits = pretrained.load("digits_dense"), data.load("digits")
    x = halved(digits.x_test[:8])
    labels = np.argmax(network(x), 1)
    found = proven.shortest_fgsm(network, x, labels, "Linf")
    step = proven.EPSILONS[1] / proven.EPSILONS[0]
    for i, size in enumerate(found.norms["Linf"]):
        if found.success[i] and size > 0.006:
            assert not attacks.fgsm(network, x[i:i + 1], labels[i:i + 1], epsilon=size / step).success[0]
    assert found.success.sum() > 5


def test_pgd_ends_within_a_step_of_the_shortest_radius_of_a_linear_network(monkeypatch):
    """|f| / ||g||_q without the box's edges near, and the next larger radius of the grid at most."""
    monkeypatch.setattr(proven, "EPSILONS", np.geomspace(0.005, 0.5, 90))
    w, x = np.array([[1.0], [-2.0], [3.0], [0.5]], np.float32), np.full([1, 2, 2, 1], 0.5, np.float32)

    def model(images):
        f = tf.reshape(images, [-1, 4]) @ w - 1.1  # .15 at the image
        return tf.concat([0 * f, f], 1)
    for norm, least in (("Linf", 0.15 / 6.5), ("L1", 0.15 / 3)):
        monkeypatch.setitem(proven.LARGEST, norm, 0.5)
        found = proven.shortest_pgd(model, x, np.array([1]), norm)
        assert found.success[0] and 0.999 * least <= found.norms[norm][0] <= 1.06 * least
