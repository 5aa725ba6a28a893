"""JSMA against a loop over all pairs, the one-pixel attack against all pixels of a linear model."""
from functools import cache
from itertools import combinations

import numpy as np
import pytest

from optimum import optimum
from utils import attacks, data, pretrained, session
from utils.attacks.jsma import _best_pair, _second_largest_before
from utils.attacks.minimal_l0 import with_exchanges
from utils.quiet import tf

# Of each attack, with numbers for images of 6x6: (model, x, labels, targeted) -> Result.
ROWS = {
    "jsma": lambda model, x, labels, targeted: attacks.jsma(model, x, labels, targeted=targeted, fraction=0.5),
    "jsma darker": lambda model, x, labels, targeted: attacks.jsma(model, x, labels, targeted=targeted, theta=-0.5, fraction=0.5),
    "one pixel": lambda model, x, labels, targeted: attacks.one_pixel(model, x, labels, targeted=targeted, population=60,
                                                                      generations=15),
    "three pixels": lambda model, x, labels, targeted: attacks.one_pixel(model, x, labels, targeted=targeted, pixels=3,
                                                                         population=60, generations=15),
}
CASES = {"jsma": (6, 6, 1), "jsma darker": (5, 7, 3), "one pixel": (5, 7, 3), "three pixels": (6, 6, 1)}


@cache  # so that an attack is compiled once for a model
def linear(shape, classes: int = 3, seed: int = 1, bias=0.0):
    """A model with logits x W + bias, and W [values, classes]."""
    w = np.random.default_rng(seed).normal(size=[np.prod(shape), classes]).astype(np.float32)
    kernel = tf.constant(w)
    return lambda x: tf.reshape(x, [tf.shape(x)[0], w.shape[0]]) @ kernel + tf.constant(bias, tf.float32), w


def random_images(n: int, shape, low: float = 0.2, high: float = 0.8) -> np.ndarray:
    return np.random.default_rng(7).uniform(low, high, [n, *shape]).astype(np.float32)


@cache
def net(shape):
    """An untrained network of three classes."""
    session.start(3)
    network = tf.keras.Sequential([tf.keras.Input(shape), tf.keras.layers.Conv2D(4, 3, activation="tanh"),
                                   tf.keras.layers.Flatten(), tf.keras.layers.Dense(3)])
    network.layers[-1].kernel.assign(5 * network.layers[-1].kernel)
    return network


def said(model, x) -> np.ndarray:
    return np.asarray(model(tf.constant(x))).argmax(1)


@pytest.fixture(scope="module", params=CASES)
def case(request):
    """The name of an attack, a network, ten images, and what it says of them."""
    network, x = net(CASES[request.param]), random_images(10, CASES[request.param])
    return request.param, network, x, said(network, x)


# what every attack promises -------------------------------------------------------------------------------------------

@pytest.mark.parametrize("targeted", [False, True])
def test_box_success_and_the_number_of_values(case, targeted):
    name, model, x, labels = case
    goal = (labels + 1) % 3 if targeted else labels.copy()
    goal[0] = labels[0] if targeted else (labels[0] + 1) % 3  # fools the model from the start
    found = ROWS[name](model, x, goal, targeted)
    assert found.modified.min() >= 0 and found.modified.max() <= 1 and found.dx.dtype == np.float32
    np.testing.assert_array_equal(found.modified, np.float32(x + found.dx))
    np.testing.assert_array_equal(found.success, (said(model, found.modified) == goal) == targeted)
    assert found.success[0] and not found.dx[0].any()
    assert found.dx[1:].any(axis=(1, 2, 3)).all()
    if "jsma" in name:
        assert found.norms["L0"].max() <= x[0].size / 2
        assert found.dx.min() >= 0 if name == "jsma" else found.dx.max() <= 0
        assert targeted or found.success.mean() > 0.6
    else:
        assert found.dx.any(axis=3).sum(axis=(1, 2)).max() <= {"one pixel": 1, "three pixels": 3}[name]
        assert np.all(np.diff(found.history["margin"]) <= 1e-6) and len(found.history["margin"]) == 15
        assert targeted or found.success[1:].any()
        assert found.history["success"][-1] == pytest.approx(found.success.mean())


def test_the_batch_an_image_is_in_changes_nothing(case):
    name, model, x, labels = case
    every, again, some = (ROWS[name](model, x[part], labels[part], False) for part in (slice(None), slice(None), slice(2, 5)))
    np.testing.assert_array_equal(every.dx, again.dx)
    np.testing.assert_allclose(every.dx[2:5], some.dx, atol=1e-4)


def test_chunks_give_the_same(case, monkeypatch):
    name, model, x, labels = case
    whole = ROWS[name](model, x, labels, False)
    monkeypatch.setattr("utils.attacks.inputs.CHUNK", 4)
    monkeypatch.setattr("utils.attacks.inputs.CHUNK_VALUES", 7 * x[0].size)
    parts = ROWS[name](model, x, labels, False)
    np.testing.assert_allclose(whole.dx, parts.dx, atol=1e-4)
    for followed, values in whole.history.items():
        np.testing.assert_allclose(values, parts.history[followed], atol=1e-4)


# jsma -----------------------------------------------------------------------------------------------------------------

def all_pairs(alpha, beta, usable):
    """Algorithm 3 of the paper as it stands there: a loop over all pairs. None where no pair has both signs."""
    best, chosen = 0.0, None
    for p, q in combinations(np.flatnonzero(usable), 2):
        a, b = alpha[p] + alpha[q], beta[p] + beta[q]
        if a > 0 and b < 0 and -a * b > best:
            best, chosen = -a * b, {int(p), int(q)}
    return chosen


@pytest.mark.parametrize("theta", [1.0, -1.0, 0.3])
def test_the_pair_is_that_of_a_loop_over_all_pairs(theta):
    shape = (4, 4, 1)
    model, w = linear(shape, classes=4, seed=5)
    x = random_images(30, shape)
    x[:, 0] = theta > 0  # these four have no room
    wanted = np.arange(30) % 4
    keep = np.flatnonzero(said(model, x) != wanted)[:15]
    x, wanted = x[keep], wanted[keep]
    found = attacks.jsma(model, x, wanted, targeted=True, theta=theta, fraction=2 / 16)  # one pair
    usable = np.arange(16) >= 4
    for dx, image, label in zip(found.dx.reshape(-1, 16), x.reshape(-1, 16), wanted):
        alpha = np.sign(theta) * w[:, label]
        expected = all_pairs(alpha, np.sign(theta) * np.delete(w, label, 1).sum(1), usable)
        assert set(np.flatnonzero(dx)) == expected
        image, dx = image[dx != 0], dx[dx != 0]
        assert any(np.allclose(dx, np.clip(image + k * theta, 0, 1) - image, atol=1e-6) for k in (1, 2, 3, 4))
    assert len(x) == 15


def test_best_pair_against_a_loop_for_all_kinds_of_values():
    """Correlated, opposite and equal values, and values that may not be chosen."""
    random = np.random.default_rng(0)
    a, noise = random.normal(size=[2, 120, 19]).astype(np.float32)
    mix = np.linspace(-1, 1, 120, dtype=np.float32)[:, None]
    b = mix * a + (1 - np.abs(mix)) * noise - random.uniform(-1, 2, [120, 1]).astype(np.float32)
    a[60:] -= 1
    a[::3], b[::3] = np.round(2 * a[::3]) / 2, np.round(2 * b[::3]) / 2  # many are equal
    usable = random.random([120, 19]) < random.uniform(0, 1, [120, 1])
    a, b = np.where(usable, a, -np.inf), np.where(usable, b, -np.inf)
    pairs, found = (array.numpy() for array in _best_pair(tf.constant(a), tf.constant(b)))
    for one_a, one_b, pair, there, mask in zip(a, b, pairs, found, usable):
        expected = all_pairs(one_a, -one_b, mask)
        assert there == (expected is not None)
        if there:
            def score(indices):
                return one_a[list(indices)].sum() * one_b[list(indices)].sum()
            assert mask[pair].all() and pair[0] != pair[1] and score(pair) == pytest.approx(score(expected), rel=1e-5)
    assert 20 < found.sum() < 110


@pytest.mark.parametrize("size", [1, 2, 3, 8, 13])
def test_second_largest_before(size):
    values = np.random.default_rng(size).integers(0, 6, [20, size]).astype(np.float32)
    expected = [[sorted(row[:i])[-2] if i > 1 else -np.inf for i in range(size)] for row in values]
    np.testing.assert_array_equal(_second_largest_before(tf.constant(values)), np.reshape(expected, values.shape))


def test_jsma_where_one_logit_is_constant():
    """Logits (0, f): no pair has both signs, and the two values that raise f most are moved first."""
    model, w = linear((4, 4, 1), classes=1, seed=2, bias=-6.0)
    x = random_images(3, (4, 4, 1), 0.4, 0.6)
    two = lambda images: tf.concat([tf.zeros_like(model(images)), model(images)], 1)  # noqa: E731
    found = attacks.jsma(two, x, np.ones(3, int), targeted=True, fraction=2 / 16)
    for dx in found.dx.reshape(3, -1):
        np.testing.assert_array_equal(np.sort(np.flatnonzero(dx)), np.sort(np.argsort(w[:, 0])[-2:]))


def test_jsma_untargeted_goes_to_the_likeliest_wrong_class():
    model, x = net(CASES["jsma"]), random_images(10, CASES["jsma"])
    labels = said(model, x)
    logits = np.array(model(x))
    logits[np.arange(len(x)), labels] = -np.inf
    untargeted = attacks.jsma(model, x, labels, targeted=False, fraction=2 / x[0].size)
    targeted = attacks.jsma(model, x, logits.argmax(1), targeted=True, fraction=2 / x[0].size)
    np.testing.assert_array_equal(untargeted.dx, targeted.dx)


def test_jsma_on_digits():
    digits, model = data.load("digits"), pretrained.load("digits_lenet")
    x, labels = digits.x_test[:12], digits.y_test[:12]
    found = attacks.jsma(model, x, (labels + 1) % 10, targeted=True)
    assert found.norms["L0"].max() <= 0.145 * 784 and found.success.mean() >= 0.5


@pytest.mark.parametrize("options, words", [({"theta": 0.0}, "theta is 0"), ({"theta": -1.5}, "theta is -1.5"),
                                            ({"theta": np.nan}, "theta holds NaN"), ({"fraction": 0.02}, "fraction is 0.02"),
                                            ({"fraction": 1.1}, "fraction is 1.1")])
def test_jsma_refuses_numbers_out_of_range(options, words):
    model, _ = linear((6, 6, 1))
    x = random_images(2, (6, 6, 1))
    with pytest.raises(ValueError, match=words):
        attacks.jsma(model, x, (said(model, x) + 1) % 3, targeted=True, **options)


@pytest.mark.parametrize("attack", [attacks.jsma, attacks.one_pixel])
def test_refuses_what_every_attack_refuses(attack):
    model, _ = linear((6, 6, 1))
    x = random_images(2, (6, 6, 1))
    with pytest.raises(ValueError, match="divide by 255"):
        attack(model, 255 * x, np.zeros(2, int))
    with pytest.raises(ValueError, match="networks.without_softmax"):
        attack(lambda images: tf.nn.softmax(model(images)), x, np.zeros(2, int))


def test_jsma_without_a_gradient_warns_and_leaves_the_images():
    def model(x):
        f = tf.reduce_mean(x, [1, 2, 3]) - 0.9
        f = tf.sign(f) + tf.sqrt(f - tf.stop_gradient(f))  # the gradient is infinite
        return tf.stack([-f, f], 1)
    x = random_images(3, (6, 6, 1))
    with pytest.warns(UserWarning, match="failed on 3 of 3"):
        found = attacks.jsma(model, x, np.ones(3, int), targeted=True)
    assert not found.dx.any()


# one pixel ------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("shape, targeted", [((6, 6, 1), False), ((5, 7, 3), True)], ids=str)
def test_one_pixel_finds_the_best_pixel_of_a_linear_model(shape, targeted):
    """By enumeration: for each pixel and class, each channel goes to the edge that helps. No pixel is enough to fool."""
    x = random_images(4, shape)
    model, w = linear(shape, bias=(0, 60, 0))
    labels = np.full(4, 2 if targeted else 1)
    found = attacks.one_pixel(model, x, labels, targeted=targeted, population=400, generations=40)
    assert not found.success.any()
    lowest = []
    for image, label in zip(x, labels):
        logits = image.reshape(-1) @ w + [0, 60, 0]
        sign, rivals = (-1, [1]) if targeted else (1, [0, 2])  # targeted, the rival is class 1 whatever a pixel does
        slopes = [(sign * (w[:, label] - w[:, rival])).reshape(shape) for rival in rivals]
        losses = [np.minimum(slope * (1 - image), -slope * image).sum(axis=2).min() for slope in slopes]
        lowest.append(min(sign * (logits[label] - logits[rival]) + loss for rival, loss in zip(rivals, losses)))
    reached = attacks.margin(model(tf.constant(found.modified)), labels, targeted).numpy()
    clean = attacks.margin(model(tf.constant(x)), labels, targeted).numpy()
    assert np.all(reached >= np.array(lowest) - 1e-3)
    assert np.all(clean - reached >= 0.99 * (clean - lowest)), (clean - reached) / (clean - lowest)
    assert np.all(found.dx.any(axis=3).sum(axis=(1, 2)) == 1)


def test_more_pixels_reach_more():
    shape = (6, 6, 1)
    x = random_images(4, shape)
    model, _ = linear(shape, bias=(0, 60, 0))
    one, three = (attacks.one_pixel(model, x, np.ones(4, int), pixels=pixels, population=200, generations=30)
                  for pixels in (1, 3))
    assert three.history["margin"][-1] < one.history["margin"][-1] - 1


def test_another_seed_draws_others():
    model, _ = linear((6, 6, 1), bias=(0, 60, 0))
    x = random_images(4, (6, 6, 1))
    one, two = (attacks.one_pixel(model, x, np.ones(4, int), population=10, generations=1, seed=seed).dx for seed in (0, 1))
    assert not np.array_equal(one, two)


@pytest.mark.parametrize("options, words", [({"pixels": 0}, "pixels is 0"), ({"pixels": 37}, "expected 1 to 36"),
                                            ({"population": 3}, "3 candidates"), ({"generations": 0}, "for 0 generations")])
def test_one_pixel_refuses_numbers_out_of_range(options, words):
    model, _ = linear((6, 6, 1))
    with pytest.raises(ValueError, match=words):
        attacks.one_pixel(model, random_images(2, (6, 6, 1)), np.zeros(2, int), **options)


# the search of minimal in L0 ------------------------------------------------------------------------------------------

@pytest.mark.parametrize("targeted", [False, True])
def test_exchanges_lead_from_all_values_to_the_fewest(targeted):
    model, w = linear((6, 6, 1))
    x = random_images(5, (6, 6, 1))
    labels = said(model, x) if not targeted else (said(model, x) + 1) % 3
    wanted = (labels + 1) % 3 if not targeted else labels
    toward = (w.T[wanted] - w.mean(1)).reshape(x.shape)  # every value to the edge of the box that helps the wanted class
    start = tf.constant((toward > 0) - x)
    found = with_exchanges(model, tf.constant(x), tf.constant(labels), targeted, start, tf.constant(40)).numpy()
    assert np.count_nonzero(start, (1, 2, 3)).min() == 36 and (0 <= x + found).all() and (x + found <= 1).all()
    assert np.all((said(model, x + found) == labels) == targeted)
    least = [optimum(w, np.zeros(3), one, label, "L0", targeted) for one, label in zip(x, labels)]
    np.testing.assert_array_equal(np.count_nonzero(found, (1, 2, 3)), least)
