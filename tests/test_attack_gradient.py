"""The attacks along the gradient against closed forms on linear models, SciPy, and curved boundaries with a known distance."""
import numpy as np
import pytest
from scipy.optimize import linprog, minimize
from scipy.stats import kstest

from utils import attacks, data, pretrained
from utils.attacks.ball import onto_ball, random_in_ball, steepest
from utils.quiet import tf

ROWS = {
    "fgsm Linf": lambda *given: attacks.fgsm(*given[:3], targeted=given[3], epsilon=0.02),
    "fgsm L2": lambda *given: attacks.fgsm(*given[:3], targeted=given[3], epsilon=0.12, norm="L2"),
    "fgsm L1": lambda *given: attacks.fgsm(*given[:3], targeted=given[3], epsilon=0.5, norm="L1"),
    "pgd Linf": lambda *given: attacks.pgd(*given[:3], targeted=given[3], epsilon=0.02, steps=10),
    "pgd L2": lambda *given: attacks.pgd(*given[:3], targeted=given[3], epsilon=0.12, norm="L2", steps=10),
    "pgd L1": lambda *given: attacks.pgd(*given[:3], targeted=given[3], epsilon=0.5, norm="L1", steps=10),
    "deepfool L2": lambda *given: attacks.deepfool(*given[:3], targeted=given[3], steps=15),
    "deepfool Linf": lambda *given: attacks.deepfool(*given[:3], targeted=given[3], steps=15, norm="Linf"),
    "superdeepfool": lambda *given: attacks.superdeepfool(*given[:3], targeted=given[3], steps=15),
}
SHAPE = (5, 6, 1)
ORDER = {"L1": 1, "L2": 2, "Linf": np.inf}
DUAL = {"L1": np.inf, "L2": 2, "Linf": 1}
RADIUS = {"L1": 2.0, "L2": 0.5, "Linf": 0.12}


def random_images(n: int, low: float = 0.0, high: float = 1.0, shape=SHAPE, seed: int = 7) -> np.ndarray:
    return np.random.default_rng(seed).uniform(low, high, [n, *shape]).astype(np.float32)


def logits_of(model, x) -> np.ndarray:
    return np.asarray(model(tf.constant(x)))


def linear(classes: int = 2, seed: int = 0, shape=SHAPE):
    """A model whose logits are x @ w + b, balanced on grey images, and w [D, classes]. With two classes the first logit is 0."""
    w = (np.random.default_rng(seed).normal(size=[np.prod(shape), classes]) * np.geomspace(0.3, 1, classes)).astype(np.float32)
    if classes == 2:
        w[:, 0] = 0
    bias = -0.5 * w.sum(0)
    return lambda x: tf.reshape(x, [tf.shape(x)[0], len(w)]) @ tf.constant(w) + bias, w


def lowest(w: np.ndarray, x: np.ndarray, epsilon: float, norm: str) -> np.ndarray:
    """The d that minimises w . d with ||d|| <= epsilon and 0 <= x + d <= 1, by SciPy. All [D]."""
    w, x = w.astype(float), x.astype(float)
    if norm == "Linf":
        return linprog(w, bounds=list(zip(np.maximum(-x, -epsilon), np.minimum(1 - x, epsilon)))).x
    if norm == "L1":
        both = linprog(np.r_[w, -w], A_ub=np.ones([1, 2 * len(w)]), b_ub=[epsilon], bounds=[(0, u) for u in np.r_[1 - x, x]]).x
        return both[:len(w)] - both[len(w):]
    solution = minimize(lambda d: w @ d, -1e-3 * w, jac=lambda d: w, method="SLSQP", tol=1e-10, bounds=list(zip(-x, 1 - x)),
                        constraints={"type": "ineq", "fun": lambda d: epsilon**2 - d @ d, "jac": lambda d: -2 * d})
    assert solution.success
    return solution.x


@pytest.fixture(scope="module")
def digits():
    """The stored LeNet, and 50 digits that it knows."""
    net, given = pretrained.load("digits_lenet"), data.load("digits")
    right = logits_of(net, given.x_test[:80]).argmax(1) == given.y_test[:80]
    return net, given.x_test[:80][right][:50], given.y_test[:80][right][:50]


# the ball -------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("norm", ORDER)
def test_onto_ball_is_the_nearest_point_of_ball_and_box(norm):
    shape = (2, 3, 2)
    x = random_images(6, shape=shape)
    x[0], x[1] = np.round(x[0]), 0.5  # black and white: the box is in the way. Grey: it is not
    dx = np.random.default_rng(1).normal(0, 0.4, x.shape).astype(np.float32)
    epsilon = {"L1": 1.2, "L2": 0.5, "Linf": 0.3}[norm]
    dx[2] *= 0.01  # inside the ball
    found = onto_ball(tf.constant(dx), tf.constant(x), tf.constant(epsilon), norm).numpy()
    for one, z, image in zip(found.reshape(6, -1), dx.reshape(6, -1).astype(float), x.reshape(6, -1).astype(float)):
        assert np.linalg.norm(one, ORDER[norm]) <= epsilon * (1 + 1e-6)
        assert (image + one).min() >= -1e-6 and (image + one).max() <= 1 + 1e-6
        plus_minus = np.r_[np.eye(len(z)), -np.eye(len(z))]  # d = both @ plus_minus, so that the L1 norm is a sum
        bounds = [(0, u) for u in np.r_[1 - image, image]]
        size = {"L1": lambda d: epsilon - d.sum(), "L2": lambda d: epsilon**2 - np.sum((d @ plus_minus) ** 2),
                "Linf": lambda d: epsilon - d}[norm]
        nearest = minimize(lambda d: np.sum((d @ plus_minus - z) ** 2), np.full(2 * len(z), 1e-3), method="SLSQP", bounds=bounds,
                           jac=lambda d: 2 * plus_minus @ (d @ plus_minus - z), constraints={"type": "ineq", "fun": size},
                           tol=1e-12, options={"maxiter": 500})
        assert nearest.success
        np.testing.assert_allclose(one, nearest.x @ plus_minus, atol=2e-4)


@pytest.mark.parametrize("norm", ORDER)
def test_onto_ball_far_away_and_of_radius_zero(norm):
    x, dx = tf.fill([1, 30, 30, 1], 0.5), tf.constant(10 * np.random.default_rng(2).normal(size=[1, 30, 30, 1]), tf.float32)
    for epsilon in (0.0, 1e-2):
        found = onto_ball(dx, x, tf.constant(epsilon), norm).numpy()
        assert 0.99 * epsilon <= np.linalg.norm(found.ravel(), ORDER[norm]) <= epsilon * (1 + 1e-5)


@pytest.mark.parametrize("norm", ORDER)
def test_random_points_are_uniform_in_the_ball(norm):
    """Of a ball in three dimensions, the part inside the radius r is r^3; and each half of it has half of the points."""
    draw = tf.function(lambda seeds: tf.map_fn(lambda seed: random_in_ball([3, 1, 1], 2.0, norm, seed), seeds,
                                               fn_output_signature=tf.float32))
    points = draw(tf.stack([tf.zeros(600, tf.int32), tf.range(600)], 1)).numpy().reshape(600, 3)
    assert kstest((np.linalg.norm(points, ORDER[norm], axis=1) / 2) ** 3, "uniform").pvalue > 1e-3
    assert np.all(np.abs((points > 0).mean(0) - 0.5) < 0.08)


@pytest.mark.parametrize("norm", ORDER)
def test_steepest_has_its_size_and_no_other_direction_is_steeper(norm):
    gradient = np.random.default_rng(3).normal(size=[2, 3, 4, 1]).astype(np.float32)
    for scale in (1, 1e-25):  # the square of the second is 0
        found = steepest(tf.constant(scale * gradient), tf.ones_like(gradient), 0.7, norm).numpy().reshape(2, -1)
        np.testing.assert_allclose(np.linalg.norm(found, ORDER[norm], axis=1), 0.7, rtol=1e-5)
        flat = gradient.reshape(2, -1)
        np.testing.assert_allclose(np.sum(found * flat, 1), 0.7 * np.linalg.norm(flat, DUAL[norm], axis=1), rtol=1e-5)
    assert not steepest(tf.zeros([1, 3, 4, 1]), tf.ones([1, 3, 4, 1]), 0.7, norm).numpy().any()
    assert not steepest(tf.constant(gradient), tf.zeros_like(gradient), 0.7, norm).numpy().any()


# one step -------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("norm", ORDER)
def test_fgsm_is_the_best_of_its_size_on_a_linear_model(norm):
    model, w = linear()
    x = random_images(4, 0.0 if norm != "L2" else 0.4, 1.0 if norm != "L2" else 0.6)  # L2 is clipped: without the box
    epsilon = {"L1": 3.0, "L2": 0.3, "Linf": 0.3}[norm]
    for targeted in (False, True):
        dx = attacks.gradient_step(model, x, np.ones(4, int), epsilon=epsilon, norm=norm, targeted=targeted)
        found = attacks.fgsm(model, x, np.ones(4, int), epsilon=epsilon, norm=norm, targeted=targeted)
        fools = (logits_of(model, x).argmax(1) == 1) == targeted
        np.testing.assert_array_equal(found.dx, np.where(fools[:, None, None, None], 0, dx))
        sign = -1 if targeted else 1
        for d, image in zip(dx.reshape(4, -1), x.reshape(4, -1)):
            best = lowest(sign * w[:, 1], image, epsilon, norm)
            assert sign * w[:, 1] @ d == pytest.approx(sign * w[:, 1] @ best, rel=1e-4)
            assert np.linalg.norm(d, ORDER[norm]) <= epsilon * (1 + 1e-5)


def test_fgsm_linf_is_the_sign_to_the_last_bit():
    model, w = linear()
    x = random_images(4)
    moved = np.clip(x - np.float32(0.1) * np.sign(w[:, 1]).reshape(SHAPE), 0, 1)
    np.testing.assert_array_equal(attacks.gradient_step(model, x, np.ones(4, int), epsilon=0.1), moved - x)


def test_fgsm_l2_of_a_tiny_gradient_has_its_size():
    model = linear()[0]
    dx = attacks.gradient_step(lambda x: 1e-25 * model(x), random_images(2, 0.4, 0.6), np.ones(2, int), epsilon=0.1, norm="L2")
    np.testing.assert_allclose(attacks.NORMS["L2"].size(dx), 0.1, rtol=1e-4)


def test_step_ll_goes_to_the_least_likely_class():
    model, w = linear(4)
    x = random_images(5, 0.3, 0.7)
    logits = logits_of(model, x)
    found = attacks.step_ll(model, x, epsilon=0.05)
    expected = attacks.gradient_step(model, x, logits.argmin(1), epsilon=0.05, targeted=True)
    np.testing.assert_array_equal(found.dx, expected)
    gained = (logits_of(model, found.modified) - logits)[range(5), logits.argmin(1)]
    assert gained.min() > 0.1
    np.testing.assert_array_equal(found.success, logits_of(model, found.modified).argmax(1) != logits.argmax(1))


# many steps -----------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("norm", ORDER)
def test_pgd_on_a_linear_model_reaches_the_lowest_logit_of_ball_and_box(norm):
    model, w = linear()
    x = random_images(6)
    labels = logits_of(model, x).argmax(1)
    found = attacks.pgd(model, x, labels, epsilon=RADIUS[norm], norm=norm, steps=60,
                        step_size={"L1": 0.05, "L2": 0.3, "Linf": 0.3}[norm] * RADIUS[norm])
    assert np.all(found.norms[norm] <= RADIUS[norm] * (1 + 1e-5))
    before, after = ((logits @ [-1, 1]) * (2 * labels - 1) for logits in (logits_of(model, x), logits_of(model, found.modified)))
    for image, label, fell in zip(x.reshape(6, -1), labels, before - after):
        direction = w[:, 1] * (2 * label - 1)
        most = -direction @ lowest(direction, image, RADIUS[norm], norm)
        assert 0.98 * most < fell < most * (1 + 1e-4) + 1e-5


def two_valleys(x):
    """Logits (0, f): f < 0 only in a narrow valley left of .5; right of it, a dead end. Only the mean of an image matters."""
    m = tf.reduce_mean(x, [1, 2, 3], keepdims=True)[:, 0, 0]
    f = 40 * tf.minimum(tf.abs(m - 0.45) - 0.01, tf.abs(m - 0.56) + 0.01)
    return tf.concat([tf.zeros_like(f), f], 1)


def test_pgd_restarts_keep_what_is_fooled_and_find_more():
    x = np.concatenate([np.full([12, 1, 1, 1], m, np.float32) for m in (0.5, 0.51)])
    labels, given = np.ones(24, int), {"epsilon": 0.1, "steps": 15}
    few = [attacks.pgd(two_valleys, x, labels, seed=seed, **given).success for seed in range(6)]
    many = [attacks.pgd(two_valleys, x, labels, seed=seed, restarts=8, **given) for seed in range(6)]
    assert np.mean(few) < 0.9 < np.mean([one.success for one in many])
    assert all(np.all(after.success[before]) for before, after in zip(few, many))
    for one in many:
        assert one.history["success"][-1] == pytest.approx(one.success.mean()) and len(one.history["loss"]) == 8 * 16
        assert np.all(np.diff(one.history["success"]) >= 0)


def test_pgd_follows_its_seed():
    model, _ = linear()
    x = random_images(2)
    labels = logits_of(model, x).argmax(1)
    first, again, other = (attacks.pgd(model, x, labels, epsilon=0.1, norm="L2", steps=2, seed=seed).dx for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("norm", ORDER)
def test_pgd_of_digits_fools_more_than_one_step_and_stays_in_its_ball(digits, norm):
    net, x, labels = digits
    epsilon = {"L1": 12.0, "L2": 1.5, "Linf": 0.1}[norm]
    one = attacks.fgsm(net, x, labels, epsilon=epsilon, norm=norm)
    found = attacks.pgd(net, x, labels, epsilon=epsilon, norm=norm, steps=20)
    assert found.success.mean() > one.success.mean() + 0.1
    assert found.norms[norm].max() <= epsilon * (1 + 1e-5)


# DeepFool -------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("norm", ["L2", "Linf"])
def test_deepfool_of_a_linear_model_is_the_exact_distance_and_the_overshoot(norm):
    model, w = linear(5)
    x = random_images(8, 0.45, 0.55)
    logits = logits_of(model, x)
    labels = logits.argmax(1)
    found = attacks.deepfool(model, x, labels, norm=norm)
    for image, label, size in zip(logits, labels, found.norms[norm]):
        to = [k for k in range(5) if k != label]
        exact = min((image[label] - image[k]) / np.linalg.norm(w[:, label] - w[:, k], DUAL[norm]) for k in to)
        assert size == pytest.approx(1.02 * exact, rel=1e-3)
    assert found.success.all() and found.modified.min() > 0 and found.modified.max() < 1
    likeliest = attacks.deepfool(model, x, labels, norm=norm, classes=2)
    assert np.all(likeliest.norms[norm] > found.norms[norm] * (1 - 1e-3)) and likeliest.success.all()
    assert np.any(likeliest.norms[norm] > found.norms[norm] * 1.05), "the nearest boundary is not always to the likeliest class"
    wanted = logits.argmin(1)
    reached = attacks.deepfool(model, x, wanted, norm=norm, targeted=True)
    np.testing.assert_array_equal(logits_of(model, reached.modified).argmax(1), wanted)
    assert np.all(reached.norms[norm] > found.norms[norm] * 0.99)


def test_deepfool_takes_as_many_steps_as_it_may():
    # One value and f = (x - .1)^3, which is far from linear: each of Newton's steps leads a third of the way to .1, and 2 % more.
    model = lambda images: tf.concat([tf.reshape(images - 0.1, [-1, 1]) ** 3, tf.zeros([tf.shape(images)[0], 1])], 1)
    x = np.full([1, 1, 1, 1], 0.9, np.float32)
    for steps in (1, 2, 3):
        found = attacks.deepfool(model, x, np.zeros(1, int), steps=steps)
        assert not found.success and found.modified.item() == pytest.approx(0.1 + 0.8 * (1 - 1.02 / 3) ** steps, rel=1e-3)


def test_deepfool_goes_round_the_box():
    model, w = linear()
    x = np.where(w[:, 1].reshape(SHAPE) > 0, 0.0, 0.6)[None].astype(np.float32)  # f > 0 is only left through the other values
    x = np.concatenate([x, 1 - x])
    labels = logits_of(model, x).argmax(1)
    for attack in (attacks.deepfool, attacks.superdeepfool):
        found = attack(model, x, labels)
        assert found.success.all() and found.modified.min() >= 0 and found.modified.max() <= 1


AXES = np.geomspace(0.2, 4, 30).astype(np.float32)


def ellipsoid(x):
    """Logits (q - .09, 0) with q = sum of a_i (x_i - .5)^2: class 0 outside an ellipsoid around grey."""
    flat = tf.reshape(x - 0.5, [tf.shape(x)[0], 30])
    q = tf.reduce_sum(tf.constant(AXES) * flat**2, 1, keepdims=True) - 0.09
    return tf.concat([20 * q, tf.zeros_like(q)], 1)


def test_superdeepfool_ends_at_the_nearest_point_of_an_ellipsoid():
    """Where the radius of curvature is longer than the way: the projection is onto the tangent plane."""
    x = random_images(40, 0.38, 0.62)
    x = x[logits_of(ellipsoid, x)[:, 0] > 0.2][:10]
    long, short = (attack(ellipsoid, x, np.zeros(len(x), int)) for attack in (attacks.deepfool, attacks.superdeepfool))
    assert len(x) > 4 and long.success.all() and short.success.all()
    exact = []
    for image in x.reshape(len(x), 30).astype(float) - 0.5:
        nearest = minimize(lambda z: np.sum((z - image) ** 2), 0.8 * image, jac=lambda z: 2 * (z - image), method="SLSQP",
                           tol=1e-12,
                           constraints={"type": "eq", "fun": lambda z: AXES @ z**2 - 0.09, "jac": lambda z: 2 * AXES * z})
        exact.append(np.sqrt(nearest.fun))
    ratio = short.norms["L2"] / exact
    assert ratio.min() > 0.999 and np.median(ratio) < 1.001 and ratio.max() < 1.02, ratio
    assert np.median(long.norms["L2"] / exact) > 1.005, long.norms["L2"] / exact


def test_superdeepfool_of_digits_is_shorter(digits):
    net, x, labels = digits
    long, short = (attack(net, x[:20], labels[:20]) for attack in (attacks.deepfool, attacks.superdeepfool))
    assert long.success.all() and short.success.all()
    assert np.all(short.norms["L2"] < long.norms["L2"] * 1.001) and np.median(short.norms["L2"] / long.norms["L2"]) < 0.95


# what every attack promises -------------------------------------------------------------------------------------------

@pytest.mark.parametrize("attack", ROWS)
def test_without_a_gradient_it_says_so_and_refuses_softmax(attack):
    def flat(x):
        f = 3 * tf.sign(tf.reduce_mean(x, [1, 2, 3]) - 0.5)
        f += tf.sqrt(x[:, 0, 0, 0] - tf.stop_gradient(x[:, 0, 0, 0]))  # infinite
        return tf.stack([tf.zeros_like(f), f], 1)
    x, labels = random_images(3, 0.7, 1.0), np.ones(3, int)
    for model in (flat, lambda x: tf.stop_gradient(flat(x))):
        with pytest.warns(UserWarning, match="failed on 3 of 3 images where the gradient"):
            found = ROWS[attack](model, x, labels, False)
        assert np.isfinite(found.dx).all() and not found.success.any()
    with pytest.raises(ValueError, match="without_softmax"):
        ROWS[attack](lambda x: tf.nn.softmax(flat(x)), x, labels, False)


def test_refusals():
    model, x, labels = linear()[0], random_images(2), np.ones(2, int)
    for call, words in [(lambda: attacks.pgd(model, x, labels, epsilon=-1.0), "expected a radius of 0 or more"),
                        (lambda: attacks.pgd(model, x, labels, epsilon=0.1, steps=0), "one step and one restart or more"),
                        (lambda: attacks.pgd(model, x, labels, epsilon=np.nan), "epsilon holds NaN"),
                        (lambda: attacks.pgd(model, x, labels, epsilon=0.1, norm="L3"), "no norm 'L3'"),
                        (lambda: attacks.fgsm(model, x, labels, epsilon=0.1, norm="L3"), "no norm 'L3'"),
                        (lambda: attacks.step_ll(model, x, epsilon=np.inf), "epsilon holds infinity"),
                        (lambda: attacks.deepfool(model, x, labels, norm="L1"), "choose 'L2' or 'Linf'"),
                        (lambda: attacks.deepfool(model, x, labels, classes=1), "2 classes or more"),
                        (lambda: attacks.superdeepfool(model, x[0], labels), "use x.None. for one image"),
                        (lambda: attacks.masking(model, x, 1 - logits_of(model, x).argmax(1), epsilon=0.1), "wrong about all")]:
        with pytest.raises(ValueError, match=words):
            call()


# gradient masking -----------------------------------------------------------------------------------------------------

def test_masking_passes_an_honest_network(digits):
    net, x, labels = digits
    checks = attacks.masking(net, x, labels, epsilon=0.1)
    assert len(checks) == 8 and all(one.passed for one in checks), [one for one in checks if not one.passed]


def _noisy(net):
    return lambda x: net(x) + tf.random.normal([10], stddev=5.0, seed=7)


@pytest.mark.parametrize("make, fails", [
    (lambda net: lambda x: tf.nn.softmax(net(x)), "the model gives logits"),
    (lambda net: lambda x: tf.nn.softmax(100 * net(x)), "the model gives logits"),
    (lambda net: lambda x: 100 * net(x), "the loss has a gradient"),
    (lambda net: lambda x: net(tf.round(4 * x) / 4), "white box is as strong as transfer"),
    (_noisy, "the same image twice gives the same logits"),
], ids=["softmax", "saturated softmax", "scaled logits", "rounded", "noise"])
def test_masking_catches(digits, make, fails):
    net, x, labels = digits
    tf.random.set_seed(0)
    checks = {one.name: one for one in attacks.masking(make(net), x[:8], labels[:8], epsilon=0.2, substitute=net)}
    assert len(checks) == 9 and not checks[fails].passed, [one for one in checks.values() if not one.passed]
    assert all(np.isfinite(one.figure) and "if above" in one.meaning for one in checks.values())
