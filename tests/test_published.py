"""What measures the published facts: exact on networks whose answer is known; and what is stored."""
from dataclasses import replace

import numpy as np
import pytest

from utils import data
from utils.data import Dataset
from utils.instructor import published, published_comparisons as compared, published_measures as measures, results
from utils.layers import FullyConnected, flat
from utils.networks import Chain
from utils.quiet import tf


@pytest.fixture(scope="module")
def few() -> Dataset:
    """Digits of 7x7: 300 to train, 40 to test."""
    digits = compared.first(data.load("digits"), 300)
    return compared.resized(replace(digits, x_test=digits.x_test[:40], y_test=digits.y_test[:40]), 7)


@pytest.fixture
def stripes() -> tuple[Chain, np.ndarray, np.ndarray]:
    """A linear network on images of 2x2 with logits (0, w . x + b), six images of two classes, and their labels."""
    network = Chain([flat, FullyConnected(4, 2, relu=False)], (2, 2, 1))
    w = np.array([1.0, -2.0, 3.0, 0.5])
    network.layers[1].weights.assign(np.stack([0 * w, w], axis=1))
    network.layers[1].bias.assign([0.0, -1.3])
    x = np.random.default_rng(0).uniform(0.4, 0.6, [6, 2, 2, 1]).astype(np.float32)
    return network, x, (x.reshape(6, 4) @ w > 1.3).astype(int)


def test_the_gradient_sign_of_a_linear_network(stripes):
    network, x, labels = stripes
    sign = measures.gradient_sign(network, x, labels).reshape(6, 4)
    np.testing.assert_array_equal(sign, np.where(labels == 1, -1, 1)[:, None] * [1, -1, 1, 1])


def test_unclipped_fgsm_goes_on_where_the_box_ends(stripes):
    """Its shift of w . x is epsilon * 6.5; clipped, a white or black pixel stays."""
    network, x, labels = stripes
    margin = np.abs(x.reshape(6, 4) @ [1, -2, 3, 0.5] - 1.3)
    for epsilon in (0.99 * margin.min() / 6.5, 1.01 * margin.max() / 6.5):
        measured = measures.fgsm_both(network, x, labels, epsilon)
        assert measured["error, not clipped"] == np.mean(margin < epsilon * 6.5)
    assert measured["error, no attack"] == 0 and measured["confidence, no attack"] == 0
    assert 0.5 < measured["confidence, not clipped"] < 1
    white = np.ones_like(x)  # w . 1 = 2.5; only the second pixel has room to fall, and it must rise
    measured = measures.fgsm_both(network, white, np.ones(6, int), 0.2)
    assert measured["error, not clipped"] == 1 and measured["error, clipped"] == 0


def test_the_epsilon_of_fgsm_and_the_relative_size(stripes):
    network, x, labels = stripes
    needed = np.sort(np.abs(x.reshape(6, 4) @ [1, -2, 3, 0.5] - 1.3) / 6.5)
    for share, last in ((0.66, 3), (0.9, 5)):
        assert needed[last] <= measures.fgsm_epsilon(network, x, labels, share=share) <= max(0.02, 1.021 * needed[last])
    assert needed[5] > 0.04  # so that the smallest epsilon of all is not the answer
    assert measures.relative(np.array([1.0, 6.0]), np.stack([np.full([2, 2, 1], 0.5), np.full([2, 2, 1], 1.0)]), "L2") == 2.0


@pytest.mark.parametrize("norm, dual", [("L2", 2), ("Linf", 1)])
def test_the_papers_deepfool_leaves_the_box_and_goes_two_per_cent_too_far_at_the_end(stripes, norm, dual):
    network, x, labels = stripes
    network.layers[1].bias.assign([0.0, -9.0])  # far away: no image of the box is of the other class
    w, labels = np.array([1.0, -2.0, 3.0, 0.5]), np.zeros(len(x), np.int64)
    dx = measures.deepfool_of_the_paper(network, tf.constant(x), tf.constant(labels), norm).numpy().reshape(6, 4)
    margin = 9 - x.reshape(6, 4) @ w
    size = np.linalg.norm(dx, np.inf if norm == "Linf" else 2, axis=1)
    np.testing.assert_allclose(size, 1.02 * margin / np.linalg.norm(w, dual), rtol=1e-4)
    assert (dx @ w > margin).all() and (x.reshape(6, 4) + dx).max() > 1


def test_the_smallest_perturbation_with_each_set_of_weights(stripes):
    """|f| / ||w||, for a network and for the same one with three times the bias."""
    network, x, _ = stripes
    other = Chain([flat, FullyConnected(4, 2, relu=False)], (2, 2, 1))
    for variable, value in zip(other.variables, network.variables):
        variable.assign(3 * value if variable.shape.rank == 1 else value)
    before, networks = [variable.numpy() for variable in network.variables], [network, other]
    labels = iter([np.argmax(one(x), 1) for one in networks])
    rows = measures.of_each(networks, lambda one: measures.smallest(one, x, next(labels)))
    w = np.array([1.0, -2.0, 3.0, 0.5])
    margins = [np.abs(x.reshape(6, 4) @ w - b) for b in (1.3, 3.9)]
    assert rows[0]["L2"] == pytest.approx(np.median(margins[0]) / np.linalg.norm(w), rel=0.01)
    assert rows[1]["Linf"] == pytest.approx(np.median(margins[1]) / 6.5, rel=0.01)
    for kept, variable in zip(before, network.variables):
        np.testing.assert_array_equal(kept, variable)


def test_what_all_read_and_pairs_beyond_the_spread():
    labels = np.array([0, 1, 2, 3])
    np.testing.assert_array_equal(measures.read_by_all([labels, np.array([0, 0, 2, 3])], labels, 2), [0, 2])
    with pytest.raises(ValueError, match="3 images are read"):
        measures.read_by_all([labels, np.array([0, 0, 2, 3])], labels, 4)
    assert measures.over_seeds([{"a": 1.0}, {"a": 4.0}]) == {"a": [2.5, 1.0, 4.0]}
    ours = {"better": {"accuracy": [0.9, 0.89, 0.91], "L2": [1.0, 0.9, 1.1]},
            "worse": {"accuracy": [0.8, 0.79, 0.81], "L2": [1.3, 1.2, 1.4]},
            "overlaps": {"accuracy": [0.8, 0.79, 0.81], "L2": [1.2, 1.0, 1.4]}}
    assert compared.inversions(ours, "L2") == [["better", "worse"]]


def test_resized_digits_hold_the_same_picture(few):
    digits = compared.first(data.load("digits"), 5)
    blocks = digits.x_train.reshape(5, 7, 4, 7, 4, 1).mean((2, 4))
    np.testing.assert_allclose(compared.resized(digits, 7).x_train, blocks, atol=1e-6)
    assert compared.resized(digits, 28).x_train is digits.x_train
    large = compared.resized(digits, 56).x_train
    assert large.shape == (5, 56, 56, 1) and np.abs(compared.resized(replace(digits, x_train=large), 28).x_train
                                                    - digits.x_train).mean() < 0.03


def test_three_and_seven_become_classes_0_and_1(few):
    chosen = published.only(few, 3, 7)
    kept = few.y_test[np.isin(few.y_test, [3, 7])]
    np.testing.assert_array_equal(np.array([3, 7])[chosen.y_test], kept)
    assert len(chosen.x_test) == len(kept) > 0


def of_the_image(network: Chain, x: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """In the place of `smallest`: L2 of a white image, and the share of labels that the network gives in place of Linf."""
    return {"L2": float(np.sqrt(x[0].size)), "Linf": float(np.mean(np.argmax(network(x), 1) == labels))}


def test_the_comparison_of_architectures_on_a_few_digits(few, monkeypatch):
    monkeypatch.setattr(compared, "RECIPE", {"epochs": 30, "learning_rate": 3e-2})
    monkeypatch.setattr(measures, "smallest", of_the_image)
    tried = {name: (lambda: measures.softmax_regression(shape=(7, 7, 1)), None) for name in ("a", "b")}
    fact = compared.accuracy_and_vulnerability(few, tried, train=300, count=10)
    assert fact["ours"]["a"] == fact["ours"]["b"], "the same network, the same seeds"
    assert fact["ours"]["a"]["Linf"] == [1, 1, 1], "each network classifies the chosen images correctly"
    assert fact["ours"]["a"]["accuracy"][1] > 0.5 and fact["ours"]["more accurate and more vulnerable, L2"] == []


def test_the_comparison_of_dimensions_attacks_what_each_network_says(monkeypatch):
    monkeypatch.setattr(compared, "RECIPE", {"epochs": 15, "learning_rate": 1e-2})
    monkeypatch.setattr(measures, "smallest", of_the_image)
    digits = data.load("digits")
    digits = replace(digits, x_test=digits.x_test[:60], y_test=digits.y_test[:60])
    ours = compared.distance_and_dimension(digits, sides=(7, 14), train=300, count=8, hidden=20)["ours"]
    assert set(ours) == {f"{name}, {size}" for name in ("trained", "untrained") for size in ("7x7", "14x14")}
    assert all(one["Linf"] == [1, 1, 1] and one["L2 / side"] == [1, 1, 1] for one in ours.values())
    assert ours["trained, 14x14"]["accuracy"][1] > 0.5 > ours["untrained, 14x14"]["accuracy"][2]


def test_photographs_are_attacked_by_all_and_minimal_is_the_smallest(monkeypatch):
    w = np.random.default_rng(0).normal(size=[108, 3]).astype(np.float32)
    pictures = {name: np.random.default_rng(i).uniform(0.3, 0.7, [6, 6, 3]).astype(np.float32) for i, name in enumerate("ab")}
    monkeypatch.setattr(compared.pretrained, "imagenet", lambda: (lambda x: tf.reshape(x - 0.5, [-1, 108]) @ w, ["p", "q", "r"]))
    monkeypatch.setattr(compared.pretrained, "free_photographs", lambda: pictures)
    monkeypatch.setattr(compared, "RADII", np.geomspace(0.001, 0.5, 40))
    monkeypatch.setattr(compared, "JSMA_FRACTION", 0.9)
    rows = {key: compared.photographs(attack, key[1]) for key, attack in compared.ON_PHOTOGRAPHS.items()}
    ours = {key: row["ours"] for key, row in rows.items()}
    for row in rows.values():
        assert row["classes"].keys() == pictures.keys() and set(row["classes"].values()) <= {"p", "q", "r"}
    for other in (("DeepFool", "L2"), ("DeepFool", "Linf"), ("PGD", "Linf"), ("JSMA", "L0")):
        assert all(0 < ours["minimal", other[1]][name] <= 1.001 * ours[other][name] < np.inf for name in pictures)
    assert all(ours["PGD", "Linf"][name] <= 1.25 * ours["minimal", "Linf"][name] for name in pictures)  # the next radius
    monkeypatch.setattr(compared.pretrained, "imagenet", lambda: None)
    with pytest.raises(ValueError, match="MobileNetV2"):
        compared.photographs(compared.jsma_on_photographs, "L0")


def test_what_is_stored_is_complete():
    stored = results.read(published.RESULTS)
    assert stored.keys() == published.FACTS.keys()
    for name, fact in stored.items():
        assert {"ours", "paper", "source", "conditions", "seeds", "seconds", "date", "versions", "command"} <= fact.keys()
        assert fact["paper"].keys() <= fact["ours"].keys(), name
