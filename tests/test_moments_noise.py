"""How often noise fools a classifier, and noise as an attack: against linear models, whose answers are known, and by sampling."""
import numpy as np
import pytest
from scipy.stats import norm

from utils import attacks, moments, session
from utils.quiet import tf

SHAPE = (5, 6, 1)
SLOPE = np.random.default_rng(0).normal(size=SHAPE).astype(np.float32)
X = np.random.default_rng(1).uniform(0.2, 0.8, (3, *SHAPE)).astype(np.float32)
ZERO, ONE = np.zeros(3, int), np.ones(3, int)


@pytest.fixture(autouse=True)
def seeds():
    session.start(0)


def linear(x):
    """Logits (q, 0): the margin of class 0 is q = SLOPE x + 1, with standard deviation |std * SLOPE|."""
    return tf.matmul(tf.reshape(x, [-1, SLOPE.size]), np.stack([SLOPE.ravel(), 0 * SLOPE.ravel()], 1)) + [1.0, 0.0]


def rectified(x):
    """The logit of class 0 rises with the noise: E[ReLU(x - .5)]."""
    return tf.matmul(tf.reshape(tf.nn.relu(x - 0.5), [-1, SLOPE.size]), tf.constant([[1.0, 0.0]] * SLOPE.size))


def loses(std):
    """The probability that class 0 loses for each of X."""
    return norm.cdf(-linear(X).numpy()[:, 0] / np.sqrt(np.sum((std * SLOPE)**2)))


def test_rival_probabilities_are_those_of_gaussian_logits():
    random = np.random.default_rng(2)
    factor = random.normal(size=(2, 4, 4))
    logits = moments.Gaussian(random.normal(size=(2, 4)), factor @ factor.transpose(0, 2, 1))
    found, labels = moments.rival_probabilities(logits, np.array([1, 3])), (1, 3)
    for i, label in enumerate(labels):
        drawn = random.multivariate_normal(logits.mean[i], logits.covariance[i], 20_000)
        wins = drawn > drawn[:, label:label + 1]
        assert np.all(np.abs(found[i] - wins.mean(0)) < 4 * np.sqrt(0.25 / 20_000)) and found[i, label] == 0
        assert found[i].max() - 0.02 < wins.any(1).mean() < found[i].sum() + 0.02


def test_rates_of_a_linear_model_are_known():
    exact, samples = loses(0.3), 20_000
    sampled = moments.sampled_fooling_rate(linear, X, 0.3, ZERO, samples)
    assert np.all(np.abs(sampled - exact) < 4 * np.sqrt(exact * (1 - exact) / samples) + 1e-9) and 0.01 < exact.min()
    assert np.allclose(sampled, moments.sampled_fooling_rate(linear, X, 0.3, ONE, samples, targeted=True))
    assert np.array_equal(sampled, moments.sampled_fooling_rate(linear, X, 0.3, ZERO, samples))
    with pytest.raises(ValueError, match="samples is 0"):
        moments.sampled_fooling_rate(linear, X, 0.3, ZERO, 0)


def test_windows_hold_the_pixels_near_their_centre():
    windows = moments.window_stds(SHAPE, 0.7, radius=1, stride=2)
    assert windows.shape == (2, 3, *SHAPE)
    for (a, b, i, j, _), value in np.ndenumerate(windows):
        inside = abs(i - (1 + 2 * a)) <= 1 and abs(j - (1 + 2 * b)) <= 1
        assert value == np.float32(0.7 if inside else 0)


def test_maps_of_a_linear_model_are_exact_and_sampled_ones_agree():
    window = dict(std=2.0, radius=1, stride=2)
    found = moments.fooling_map(linear, X, ZERO, **window)
    exact = [[loses(one) for one in row] for row in moments.window_stds(SHAPE, **window)]
    assert np.allclose(found, np.moveaxis(exact, 2, 0), atol=1e-4) and found.std() > 0.01
    sampled = moments.sampled_fooling_map(linear, X, ZERO, samples=2000, **window)
    assert np.all(np.abs(sampled - found) < 4.5 * np.sqrt(0.25 / 2000))


def test_mixed_moments_take_the_mean_of_the_layers_and_the_covariance_of_the_tangent():
    stds = np.stack([np.full(SHAPE, 0.1), np.full(SHAPE, 0.5)])
    found = moments.mixed_moments(rectified, X[0], stds)
    layers = moments.propagate(rectified, np.repeat(X[:1], 2, 0), stds, method="diagonal")
    assert np.allclose(found.mean, layers.mean) and found.mean[1, 0] > found.mean[0, 0] + 1
    assert np.allclose(found.variance[:, 0], np.sum(stds**2 * (X[0] > 0.5), axis=(1, 2, 3)), rtol=1e-5)


def test_mixed_moments_of_several_images_are_those_of_each():
    stds = np.stack([np.full(SHAPE, std) for std in (0.1, 0.3, 0.5)])
    found = moments.mixed_moments(rectified, X, stds)
    for k in range(3):
        one = moments.mixed_moments(rectified, X[k], stds[k:k + 1])
        assert np.allclose(found.mean[k], one.mean[0], rtol=1e-5)
        assert np.allclose(found.covariance[k], one.covariance[0], rtol=1e-5)


def test_noise_attack_on_a_linear_model_is_at_its_limits():
    support = moments.random_support(X.shape, 0.5, seed=3)
    for labels, targeted, sign in ((ZERO, False, -1), (ONE, True, -1), (ONE, False, 1)):
        found = moments.adversarial_noise(linear, X, labels, beta=0.2, targeted=targeted, support=support, steps=60)
        assert np.allclose(found.mean, sign * 0.2 * np.sign(SLOPE) * support, atol=1e-6)
        assert np.array_equal(found.std > 0, support > 0)
        expected = linear(X + found.mean).numpy()[:, 0]
        assert np.allclose(found.margin, expected if sign < 0 else -expected, atol=1e-5)


def test_sparse_noise_on_a_linear_model_is_where_the_slope_is_steep():
    """min slope mu + (sparse / D) |mu| in the box: -beta sign(slope) where |slope| > sparse / D, 0 elsewhere."""
    found = moments.adversarial_noise(linear, X, ZERO, beta=0.2, sparse=0.8 * SLOPE.size, steps=100)
    assert np.allclose(found.mean, -0.2 * np.sign(SLOPE) * (np.abs(SLOPE) > 0.8), atol=1e-3)
    assert np.all((found.mean == 0) == (np.abs(SLOPE) <= 0.8))


def test_contiguous_noise_has_less_total_variation():
    free, smooth = (moments.adversarial_noise(linear, X, ZERO, beta=0.2, smooth=weight) for weight in (0, 20))
    assert attacks.total_variation(smooth.mean).numpy().max() < 0.5 * attacks.total_variation(free.mean).numpy().min()


def test_sigma_goes_where_the_expected_margin_is_lower():
    low = moments.adversarial_noise(rectified, X, ZERO, beta=0.0, highest=0.5)
    high = moments.adversarial_noise(rectified, X, ONE, beta=0.0, highest=0.5)
    assert np.allclose(low.std, 0.01) and np.allclose(high.std, 0.5) and not low.mean.any()


def test_support_has_its_size_and_bad_input_is_a_sentence():
    support = moments.random_support((4, 10, 10, 3), 0.07)
    assert support.shape == (4, 10, 10, 1) and np.all(support.sum((1, 2, 3)) == 7) and not np.array_equal(*support[:2])
    with pytest.raises(ValueError, match="alpha is 0"):
        moments.random_support(X.shape, 0)
    with pytest.raises(ValueError, match="expected beta >= 0"):
        moments.adversarial_noise(linear, X, ZERO, beta=-1.0)
