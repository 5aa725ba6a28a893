"""The attacks against what is known exactly: linear models, closed forms, finite differences, SciPy."""
import warnings

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import log_softmax

from utils import attacks, networks, session
from utils.attacks.eight_bit import SAFETY, SCALES
from utils.attacks.inputs import CHUNK
from utils.quiet import tf

SHAPE = (6, 6, 1)
DUAL = {"L1": np.inf, "L2": 2, "Linf": 1}
RATE = {"L1": 0.005, "L2": 0.005, "Linf": 0.002}
TOLERANCE = 0.01  # how much longer than the exact answer the median DX may be


def linear(seed: int = 0, bias: float = 0.0, shape=SHAPE):
    """A model with logits (0, w . x + b) on images of a shape, and w as an array."""
    w = np.random.default_rng(seed).normal(size=np.prod(shape)).astype(np.float32)
    kernel = tf.constant(w[:, None])

    def model(x):
        f = tf.reshape(x, [tf.shape(x)[0], w.size]) @ kernel + bias
        return tf.concat([tf.zeros_like(f), f], axis=1)
    return model, w


def random_images(n: int, low: float = 0.0, high: float = 1.0, shape=SHAPE) -> np.ndarray:
    return np.random.default_rng(7).uniform(low, high, [n, *shape]).astype(np.float32)


def logits_of(model, x) -> np.ndarray:
    return np.asarray(model(tf.constant(x)))


@pytest.fixture(scope="module")
def small_net():
    """An untrained network of three classes, and images with the labels it gives."""
    session.start(3)
    net = tf.keras.Sequential([tf.keras.Input(SHAPE), tf.keras.layers.Conv2D(4, 3, activation="tanh"),
                               tf.keras.layers.Flatten(), tf.keras.layers.Dense(3)])
    net.layers[-1].kernel.assign(10 * net.layers[-1].kernel)  # as steep as a trained one
    x = attacks.round_to_8bit(random_images(12))
    return net, x, logits_of(net, x).argmax(axis=1)


# the goal --------------------------------------------------------------------------------------------------------------

def test_attack_loss_is_the_cross_entropy():
    random = np.random.default_rng(1)
    logits = random.normal(0, 4, [20, 5])
    labels = random.integers(0, 5, 20)
    log_p = log_softmax(logits, axis=1)[np.arange(20), labels]
    given = tf.constant(logits, tf.float32), tf.constant(labels)
    np.testing.assert_allclose(attacks.attack_loss(*given, True), -log_p, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(attacks.attack_loss(*given, False), -np.log(-np.expm1(log_p)), rtol=1e-4, atol=1e-5)


def test_attack_loss_is_finite_where_a_probability_is_zero():
    logits = tf.constant([[200.0, -200.0]])
    assert attacks.attack_loss(logits, [0], False).numpy()[0] == pytest.approx(400)
    assert attacks.attack_loss(logits, [1], True).numpy()[0] == pytest.approx(400)


@pytest.mark.parametrize("targeted", [False, True])
def test_margin_is_negative_exactly_where_the_model_is_fooled(targeted):
    random = np.random.default_rng(2)
    logits, labels = random.normal(size=[50, 4]).astype(np.float32), random.integers(0, 4, 50)
    says_label = logits.argmax(axis=1) == labels
    fooled = attacks.margin(tf.constant(logits), labels, targeted).numpy() < 0
    np.testing.assert_array_equal(fooled, says_label if targeted else ~says_label)


@pytest.mark.parametrize("targeted", [False, True])
def test_gradient_of_the_objective_against_finite_differences(small_net, targeted):
    net, x, labels = small_net
    x, labels = x[:1], (labels[:1] + targeted) % 3

    def objective(dx):
        dx = tf.reshape(tf.cast(dx, tf.float32), x.shape)
        return (attacks.attack_loss(net(x + dx), labels, targeted) + 5 * attacks.NORMS["L2"].penalty(dx)
                + 0.3 * attacks.total_variation(dx))[0]
    dx = tf.constant(np.random.default_rng(3).normal(0, 0.1, x.size), tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(dx)
        value = objective(dx)
    gradient = tape.gradient(value, dx).numpy()
    step = 1e-3
    moves = step * np.eye(x.size, dtype=np.float32)
    differences = [(float(objective(dx + move)) - float(objective(dx - move))) / (2 * step) for move in moves]
    np.testing.assert_allclose(gradient, differences, atol=2e-3 * np.abs(gradient).max() + 2e-3)


def test_norms_and_penalties_against_numpy():
    dx = np.random.default_rng(4).normal(size=[3, 4, 5, 2]).astype(np.float32)
    flat = dx.reshape(3, -1)
    for name, order in {"L1": 1, "L2": 2, "Linf": np.inf}.items():
        np.testing.assert_allclose(attacks.NORMS[name].size(dx), np.linalg.norm(flat, order, axis=1), rtol=1e-5)
    penalties = {"L1": np.abs(flat).mean(1), "L2": (flat**2).mean(1), "Linf": np.abs(flat).max(1)}
    for name, expected in penalties.items():
        np.testing.assert_allclose(attacks.NORMS[name].penalty(dx), expected, rtol=1e-5)


def test_total_variation_against_a_loop():
    dx = np.random.default_rng(5).normal(size=[2, 3, 4, 2]).astype(np.float32)
    expected = []
    for image in dx:
        total = 0.0
        for i in range(3):
            for j in range(4):
                for c in range(2):
                    total += abs(image[i + 1, j, c] - image[i, j, c]) if i < 2 else 0
                    total += abs(image[i, j + 1, c] - image[i, j, c]) if j < 3 else 0
        expected.append(total / 24)
    np.testing.assert_allclose(attacks.total_variation(dx), expected, rtol=1e-5)


@pytest.mark.parametrize("norm", ["L1", "Linf"])
def test_proximal_step_minimises_what_it_should(norm):
    """Independent solver: Powell's method, from three starts; the objective is convex."""
    random = np.random.default_rng(2)
    dx, weight, lam = random.normal(size=[3, 2, 3, 1]), random.uniform(0.2, 3, [3, 2, 3, 1]), np.array([0.0, 0.7, 50.0])
    found = attacks.NORMS[norm].proximal(*(tf.constant(one, tf.float32) for one in (dx, weight, lam))).numpy()

    def objective(y, i):
        size = np.abs(y).mean() if norm == "L1" else np.abs(y).max()
        return np.sum(weight[i].ravel() * (y - dx[i].ravel()) ** 2) / 2 + lam[i] * size

    for i in range(3):
        best = min(minimize(objective, start, args=(i,), method="Powell", options={"xtol": 1e-9, "ftol": 1e-14}).fun
                   for start in (np.zeros(6), dx[i].ravel(), found[i].ravel()))
        assert objective(found[i].ravel(), i) <= best + 1e-6


# dx_attack on linear models -------------------------------------------------------------------------------------------

@pytest.mark.parametrize("targeted", [False, True])
@pytest.mark.parametrize("norm", ["L1", "L2", "Linf"])
def test_linear_model_the_smallest_dx_is_the_distance_to_the_boundary(norm, targeted):
    w = linear()[1]
    x = random_images(16, 0.4, 0.6)
    model, _ = linear(bias=float(-0.5 * w.sum()))
    f = logits_of(model, x)[:, 1]
    labels = (f > 0).astype(int)
    found = attacks.dx_attack(model, x, 1 - labels if targeted else labels, targeted=targeted, norm=norm, steps=400,
                              learning_rate=RATE[norm])
    exact = np.abs(f) / np.linalg.norm(w, DUAL[norm])
    assert found.success.all() and found.modified.min() > 0 and found.modified.max() < 1
    ratio = found.norms[norm] / exact
    assert ratio.min() > 1 - 1e-3, "shorter than the exact distance: the size or the success is wrong"
    assert np.median(ratio) < 1 + TOLERANCE, ratio


def test_linear_model_with_the_box_in_the_way():
    """Independent solver: min ||dx||_2 with w.dx = c and the box, by SLSQP."""
    model, w = linear(1, bias=4.0)
    x = random_images(4)
    x[:, :2] = np.where(w.reshape(SHAPE)[:2] > 0, 0.0, 1.0)  # these pixels can't move in the direction that helps
    f = logits_of(model, x)[:, 1]
    labels = (f > 0).astype(int)
    found = attacks.dx_attack(model, x, labels, steps=400, learning_rate=0.02)
    assert found.success.all()
    for image, value, length in zip(x.reshape(4, -1).astype(float), f, found.norms["L2"]):
        solution = minimize(lambda d: d @ d, np.zeros_like(image), jac=lambda d: 2 * d, method="SLSQP", tol=1e-12,
                            bounds=list(zip(-image, 1 - image)),
                            constraints={"type": "eq", "fun": lambda d: value + w @ d, "jac": lambda d: w.astype(float)})
        assert solution.success
        exact = np.sqrt(solution.fun)
        assert exact > abs(value) / np.linalg.norm(w) * 1.02, "the box should be in the way"
        assert exact * (1 - 1e-3) < length < exact * 1.02


def test_fixed_lambda_ends_at_the_minimum():
    model, w = linear(2, bias=2.0)
    x = random_images(1)
    lam = 30.0

    def objective(d):
        f = float(w.astype(float) @ (x.ravel() + d)) + 2.0
        return np.logaddexp(0, f) + lam * np.mean(d**2), (1 / (1 + np.exp(-f))) * w + 2 * lam * d / d.size
    solution = minimize(objective, np.zeros(x.size), jac=True, bounds=list(zip(-x.ravel(), 1 - x.ravel())), tol=1e-12)
    label = np.array([1])  # the attacker of label 1 wants f below 0: softplus(f)
    found = attacks.dx_attack(model, x, label, lam=lam, steps=400, last=True)
    np.testing.assert_allclose(found.dx.ravel(), solution.x, atol=0.01 * np.abs(solution.x).max())


def test_tradeoff_falls_on_a_linear_model_and_counts_every_image():
    """Where lambda is so large that some images are not fooled, their short DX counts too: the size goes on falling."""
    model, _ = linear(3)
    x = random_images(24)
    labels = logits_of(model, x).argmax(axis=1)
    curve = attacks.tradeoff(model, x, labels, [1.0, 10.0, 50.0, 100.0, 1e3, 1e6], steps=150)
    assert curve["success"][0] == 1 and curve["success"][-1] == 0 and np.any((0 < curve["success"]) & (curve["success"] < 1))
    assert np.all(np.diff(curve["success"]) <= 0) and np.all(np.diff(curve["size"]) < 0)
    some = attacks.dx_attack(model, x, labels, lam=100.0, steps=150, last=True)
    assert curve["size"][3] == np.median(some.norms["L2"])


def test_with_any_lambda_the_smallest_dx_on_the_way_is_kept():
    model, _ = linear(3)
    x = random_images(24)
    labels = logits_of(model, x).argmax(axis=1)
    kept, last = (attacks.dx_attack(model, x, labels, lam=10.0, steps=100, last=last) for last in (False, True))
    assert last.success.all() and kept.success.all() and np.all(kept.norms["L2"] <= last.norms["L2"])
    assert np.mean(kept.norms["L2"] < 0.95 * last.norms["L2"]) > 0.5
    kept, last = (attacks.dx_attack(model, x, labels, steps=100, last=last) for last in (False, True))
    assert kept.success.all() and not last.success.all(), "a learnt lambda ends on either side of the boundary"


# fgsm -----------------------------------------------------------------------------------------------------------------

def test_fgsm_is_the_best_of_its_size_on_a_linear_model():
    model, w = linear(4)
    x = random_images(5, 0.4, 0.6)
    labels = np.ones(5, int)
    dx = attacks.gradient_step(model, x, labels, epsilon=0.05)
    np.testing.assert_allclose(dx, np.broadcast_to(-0.05 * np.sign(w).reshape(SHAPE), x.shape), atol=1e-6)
    others = np.random.default_rng(6).choice([-0.05, 0.05], [1000, w.size])
    assert logits_of(model, x + dx)[0, 1] < ((x[0].ravel() + others) @ w).min()


def test_fgsm_with_a_numpy_epsilon_and_targeted():
    model, w = linear(4)
    x = random_images(3, 0.4, 0.6)
    dx = attacks.gradient_step(model, x, np.ones(3, int), epsilon=np.float64(0.05), targeted=True)
    assert dx.dtype == np.float32
    np.testing.assert_allclose(dx[0].ravel(), 0.05 * np.sign(w), atol=1e-6)


# more images than a batch holds, grey and colour; what holds for every attack is in test_every_attack.py -------------

ATTACKS = {
    "dx L1": lambda *given: attacks.dx_attack(*given, norm="L1", steps=60, learning_rate=0.02),
    "dx L2": lambda *given: attacks.dx_attack(*given, norm="L2", steps=60, learning_rate=0.02),
    "dx Linf": lambda *given: attacks.dx_attack(*given, norm="Linf", steps=60, learning_rate=0.01),
    "fgsm": lambda *given: attacks.fgsm(*given, epsilon=0.02),
    "8 bit": lambda model, x, labels: attacks.smallest_8bit(model, x, labels, attacks.fgsm(model, x, labels, epsilon=0.02).dx),
}


@pytest.fixture(scope="module", params=[(6, 6, 1), (5, 7, 3)], ids=str)
def linear_case(request):
    """A linear model on images of a shape, its w, images, what the model says of them and its logit.

    The first image is black and white, so that half of all directions are closed; the others are in the middle of the box.
    """
    model, w = linear(7, shape=request.param)
    x = attacks.round_to_8bit(random_images(CHUNK + 1, 0.35, 0.65, request.param))
    x[0] = np.round(x[0])
    model, _ = linear(7, bias=0.05 - float(np.median(logits_of(model, x)[:, 1])), shape=request.param)
    f = logits_of(model, x)[:, 1]
    return model, w, x, (f > 0).astype(int), f


@pytest.mark.parametrize("attack", ATTACKS)
def test_against_the_exact_answer_of_a_linear_model(linear_case, attack):
    """The smallest dx has the length |f| / ||w||_q, q the dual norm; nothing that fools is shorter."""
    model, w, x, labels, f = linear_case
    found = ATTACKS[attack](model, x, labels)
    for name, q in DUAL.items():
        exact = np.abs(f) / np.linalg.norm(w, q)
        assert np.all(found.norms[name][found.success] >= exact[found.success] * (1 - 1e-3) - 1e-6), name
    if attack == "fgsm":
        np.testing.assert_array_equal(found.success[1:], np.abs(f[1:]) < 0.02 * np.abs(w).sum())
        np.testing.assert_allclose(np.abs(found.dx[1:]), 0.02, atol=1e-6)
    elif attack == "dx L2":
        exact = np.abs(f) / np.linalg.norm(w)
        inside = (exact / np.linalg.norm(w) * np.abs(w).max() < 0.3) & (exact > 0.01)  # the closed form is in the box
        assert inside.sum() > len(x) / 2 and found.success[1:].all()
        assert np.median(found.norms["L2"][inside] / exact[inside]) < 1.1
    elif attack == "8 bit":
        levels = 255 * found.modified
        assert np.abs(levels - np.round(levels)).max() < 1e-4


# what every attack promises -------------------------------------------------------------------------------------------

@pytest.mark.parametrize("norm", ["L1", "L2", "Linf"])
def test_box_mask_and_success_of_a_network(small_net, norm):
    net, x, labels = small_net
    x = x.copy()
    x[:6] = np.round(x[:6])  # black and white: half of all directions are closed
    labels = logits_of(net, x).argmax(axis=1)
    mask = np.zeros(SHAPE, np.float32)
    mask[:, 2:] = 1
    found = attacks.dx_attack(net, x, labels, norm=norm, mask=mask, learning_rate=0.05)
    assert found.modified.min() >= 0 and found.modified.max() <= 1
    np.testing.assert_array_equal(found.modified, np.float32(x + found.dx))
    assert not np.any(found.dx[:, :, :2]) and np.any(found.dx[:, :, 2:])
    np.testing.assert_array_equal(found.success, logits_of(net, found.modified).argmax(axis=1) != labels)
    assert found.success.mean() > 0.8
    assert all(len(values) == 100 for values in found.history.values())


def test_targeted_reaches_the_target(small_net):
    net, x, labels = small_net
    wanted = (labels + 1) % 3
    found = attacks.dx_attack(net, x, wanted, targeted=True, learning_rate=0.02)
    assert found.success.all()
    np.testing.assert_array_equal(logits_of(net, found.modified).argmax(axis=1), wanted)


def test_smoothness_lowers_the_total_variation(small_net):
    net, x, labels = small_net
    plain = attacks.dx_attack(net, x, labels, lam=10.0)
    smooth = attacks.dx_attack(net, x, labels, lam=10.0, smoothness=3.0)
    assert np.median(attacks.total_variation(smooth.dx)) < 0.8 * np.median(attacks.total_variation(plain.dx))


def test_history_is_the_mean_over_the_images_of_all_chunks():
    model, _ = linear(5)
    x = random_images(CHUNK + 9, 0.3, 0.7)
    labels = logits_of(model, x).argmax(axis=1)
    every, first, last = (attacks.dx_attack(model, x[part], labels[part], steps=20).history["loss"]
                          for part in (slice(None), slice(CHUNK), slice(CHUNK, None)))
    np.testing.assert_allclose(every, (CHUNK * first + 9 * last) / (CHUNK + 9), rtol=1e-4)


@pytest.mark.parametrize("make", [networks.three_convolutions, lambda: tf.keras.Sequential(
    [tf.keras.Input([48, 48, 1]), tf.keras.layers.Conv2D(4, 3, 2), tf.keras.layers.Flatten(), tf.keras.layers.Dense(2)])])
def test_keras_and_tf_module_both(make):
    session.start(0)
    model, x = make(), random_images(4, shape=(48, 48, 1))
    labels = logits_of(model, x).argmax(axis=1)
    before = [variable.numpy() for variable in model.trainable_variables]
    found = attacks.dx_attack(model, x, labels, learning_rate=0.02)
    assert found.success.all()
    assert all(np.array_equal(one, variable) for one, variable in zip(before, model.trainable_variables))


# 8 bits ---------------------------------------------------------------------------------------------------------------

def test_round_to_8bit():
    np.testing.assert_allclose(255 * attacks.round_to_8bit(np.array([-0.1, 0.41, 0.5, 1.3])), [0, 105, 128, 255], atol=1e-4)


def test_smallest_8bit_is_saved_fools_and_is_the_smallest_of_its_scales():
    x = attacks.round_to_8bit(random_images(400))
    f = logits_of(linear(6)[0], x)[:, 1]
    model, _ = linear(6, bias=-float(np.median(f)))
    f = f - np.median(f)
    x, f = x[(0.05 < np.abs(f)) & (np.abs(f) < 0.4)], f[(0.05 < np.abs(f)) & (np.abs(f) < 0.4)]  # DX about one grey level
    labels = (f > 0).astype(int)
    found = attacks.dx_attack(model, x, labels)
    rounded = logits_of(model, attacks.round_to_8bit(found.modified)).argmax(axis=1) != labels
    assert len(x) > 5 and found.success.all() and not rounded.all(), "rounding should undo some"
    saved = attacks.smallest_8bit(model, x, labels, found.dx)
    levels = 255 * saved.modified
    assert np.abs(levels - np.round(levels)).max() < 1e-4
    assert saved.success.all() and np.all(logits_of(model, saved.modified).argmax(axis=1) != labels)
    for t in SCALES:
        tried = attacks.round_to_8bit(x + t * found.dx)
        fools = attacks.margin(model(tried), labels, False).numpy() < -2 * SAFETY
        length = np.sqrt(np.sum((tried - x) ** 2, axis=(1, 2, 3)))
        assert np.all(saved.norms["L2"][fools] <= length[fools] + 1e-4)


# refusals -------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("x, labels, words", [
    (random_images(2)[0], [0, 0], "use x[None] for one image"),
    (random_images(2)[:0], [], "expected [N, H, W, C]"),
    (255 * random_images(2), [0, 0], "divide by 255"),
    (np.full([2, *SHAPE], np.nan), [0, 0], "2 of 2 images hold NaN"),
    (random_images(2), [0], "one for each image"),
    (random_images(2), [0.0, 1.0], "whole numbers"),
    (random_images(2), [[1, 0], [0, 1]], "whole numbers"),
    (random_images(2), [0, 2], "the classes 0 to 1"),
    (random_images(2), [-1, 0], "the classes 0 to 1"),
])
@pytest.mark.parametrize("attack", [attacks.dx_attack, lambda *given: attacks.fgsm(*given, epsilon=0.1)])
def test_refuses_wrong_inputs(attack, x, labels, words):
    with pytest.raises(ValueError) as caught:
        attack(linear()[0], x, np.array(labels))
    assert words in str(caught.value)


def test_refuses_models_and_norms_and_images_that_are_not_8bit():
    model, x, labels = linear()[0], random_images(2), np.array([0, 1])
    with pytest.raises(ValueError, match="networks.without_softmax"):
        attacks.dx_attack(lambda images: tf.nn.softmax(model(images)), x, labels)
    with pytest.raises(ValueError, match="expected logits"):
        attacks.dx_attack(lambda images: images, x, labels)
    with pytest.raises(ValueError, match="'L1', 'L2', 'Linf'"):
        attacks.dx_attack(model, x, labels, norm="L3")
    with pytest.raises(ValueError, match="round_to_8bit"):
        attacks.smallest_8bit(model, x, labels, np.zeros_like(x))


@pytest.mark.parametrize("attack", [attacks.dx_attack, lambda *given, **named: attacks.fgsm(*given, epsilon=0.1, **named)])
def test_refuses_one_output_and_broken_weights(attack):
    model, x, labels = linear()[0], random_images(2), np.array([0, 1])
    with pytest.raises(ValueError, match="one output.*a logit for each class"):
        attack(lambda images: model(images)[:, :1], x, 0 * labels)
    with pytest.raises(ValueError, match="NaN or infinity for these images"):
        attack(lambda images: model(images) * np.nan, x, labels)


@pytest.mark.parametrize("settings", [{"steps": 0}, {"learning_rate": 0.0}, {"learning_rate": -1.0}], ids=str)
def test_dx_attack_refuses_no_steps_and_no_rate(settings):
    with pytest.raises(ValueError, match="expected 1 or more steps and a rate above 0"):
        attacks.dx_attack(linear()[0], random_images(2), np.array([0, 1]), **settings)


@pytest.mark.parametrize("name", ["learning_rate", "mask", "lam", "smoothness"])
def test_refuses_numbers_that_are_none(name):
    model, x, labels = linear()[0], random_images(2), np.array([0, 1])
    with pytest.raises(ValueError, match=f"{name} holds NaN"):
        attacks.dx_attack(model, x, labels, **{name: np.nan})
    with pytest.raises(ValueError, match="epsilon holds infinity"):
        attacks.fgsm(model, x, labels, epsilon=np.inf)
    with pytest.raises(ValueError, match="dx holds NaN"):
        attacks.smallest_8bit(model, attacks.round_to_8bit(x), labels, np.full_like(x, np.nan))


def test_refuses_images_that_the_network_does_not_take():
    for shape, words in (((2, 20, 20, 1), "the network takes .N, 48, 48, 1."), ((2, 48, 48, 3), "the network takes"),
                         ((2, 48, 48), "expected .N, H, W, C.")):
        with pytest.raises(ValueError, match=words):
            attacks.fgsm(networks.three_convolutions(), np.zeros(shape), np.zeros(2, int), epsilon=0.1)


def test_refuses_the_true_labels_as_wanted_ones():
    model, x = linear()[0], random_images(8)
    said = np.asarray(model(x)).argmax(1)
    with pytest.raises(ValueError, match="their wanted labels without an attack"):
        attacks.fgsm(model, x, said, epsilon=0.1, targeted=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        attacks.fgsm(model, x, np.r_[1 - said[:1], said[1:]], epsilon=0.1, targeted=True)
        attacks.fgsm(model, x, said, epsilon=0.1)


# no gradient ----------------------------------------------------------------------------------------------------------

def sum_logits(function):
    """A model with logits (0, 40 * function(mean - .5)): class 1 for bright images."""
    def model(x):
        f = 40 * function(tf.reduce_mean(x, [1, 2, 3], keepdims=True)[..., 0, 0] - 0.5)
        return tf.concat([tf.zeros_like(f), f], axis=1)
    return model


NO_GRADIENT = {
    "flat": sum_logits(tf.sign),
    "saturated": sum_logits(lambda f: tf.tanh(1e4 * f)),
    "does not look": sum_logits(lambda f: tf.sign(tf.stop_gradient(f))),
    "not finite": sum_logits(lambda f: tf.sign(f) + tf.sqrt(f - tf.stop_gradient(f))),  # at 0: infinite
}


@pytest.mark.parametrize("kind, norm, lam", [("flat", "L1", None), ("saturated", "L2", None), ("does not look", "Linf", None),
                                             ("not finite", "L2", None), ("saturated", "L1", 10.0)])
def test_dx_without_a_gradient_stays_finite_and_in_the_box_and_says_so(kind, norm, lam):
    x = random_images(3, 0.7, 1.0)
    with pytest.warns(UserWarning, match="failed on 3 of 3 images where the gradient"):
        found = attacks.dx_attack(NO_GRADIENT[kind], x, np.ones(3, int), norm=norm, steps=20, lam=lam)
    assert np.isfinite(found.dx).all() and found.modified.min() >= 0 and found.modified.max() <= 1
    assert not found.success.any() and found.norms["Linf"].min() > 0.005, "it should have searched at random"
    assert all(np.isfinite(values).all() for values in found.history.values())


def test_dx_gets_off_a_plateau_and_leaves_an_image_that_fools_as_it_is():
    near = np.full([2, *SHAPE], 0.5004, np.float32)  # the plateau of tanh ends a random step away
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert attacks.dx_attack(NO_GRADIENT["saturated"], near, np.ones(2, int)).success.all()
        found = attacks.dx_attack(NO_GRADIENT["flat"], near, np.zeros(2, int), lam=10.0)
    assert found.success.all() and not found.dx.any()


@pytest.mark.parametrize("kind", NO_GRADIENT)
def test_fgsm_without_a_gradient_changes_nothing_and_says_so(kind):
    x = random_images(2, 0.7, 1.0)
    with pytest.warns(UserWarning, match="failed on 2 of 2 images where the gradient"):
        found = attacks.fgsm(NO_GRADIENT[kind], x, np.ones(2, int), epsilon=0.1)
    assert not found.dx.any() and not found.success.any()
