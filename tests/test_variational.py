"""The variational autoencoder against SciPy, sampling and finite differences."""
import numpy as np
import pytest
from scipy import integrate, stats

from utils import data, session
from utils.generative import autoencoders, variational
from utils.quiet import tf


@pytest.mark.parametrize("mean, variance", [(0.0, 1.0), (1.5, 1.0), (-0.5, 0.2), (2.0, 3.0)])
def test_kl_is_the_integral_that_defines_it(mean, variance):
    own, prior = stats.norm(mean, variance**0.5), stats.norm()
    expected, _ = integrate.quad(lambda z: own.pdf(z) * (own.logpdf(z) - prior.logpdf(z)), -20, 20, points=[mean])
    assert float(variational.kl(tf.constant(mean), tf.math.log(variance))) == pytest.approx(expected, abs=1e-5)


def test_kl_is_the_mean_of_samples():
    random = np.random.default_rng(0)
    mean, log_variance = random.standard_normal((2, 5))
    own = stats.norm(mean, np.exp(log_variance / 2))
    z = own.rvs((200_000, 5), random_state=1)
    ratios = own.logpdf(z) - stats.norm.logpdf(z)
    error = ratios.std(axis=0) / len(z)**0.5
    assert np.all(np.abs(variational.kl(tf.constant(mean), tf.constant(log_variance)) - ratios.mean(axis=0)) < 5 * error)


def test_kl_is_never_negative():
    mean, log_variance = np.random.default_rng(2).normal(0, 3, (2, 1000))
    assert np.min(variational.kl(tf.constant(mean), tf.constant(log_variance))) >= 0


def test_draw_has_the_mean_and_the_variance():
    noise = np.random.default_rng(3).standard_normal((100_000, 2))
    mean, log_variance = np.array([1.0, -2.0]), np.log([0.25, 4.0])
    z = variational.draw(mean, log_variance, noise).numpy()
    np.testing.assert_allclose(z.mean(axis=0), mean, atol=0.05)
    np.testing.assert_allclose(z.var(axis=0), [0.25, 4.0], rtol=0.03)


def test_gradients_reach_mean_and_variance():
    mean, log_variance, noise = (tf.Variable(x) for x in np.random.default_rng(4).standard_normal((3, 6)))
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(variational.draw(mean, log_variance, noise)**3)
    for variable, gradient in zip((mean, log_variance), tape.gradient(total, [mean, log_variance])):
        start, ends = variable.numpy(), []
        for step in (1e-6, -1e-6):
            variable.assign(start + step * np.eye(6)[2])
            ends.append(np.sum(variational.draw(mean, log_variance, noise)**3))
        variable.assign(start)
        assert float(gradient[2]) == pytest.approx((ends[0] - ends[1]) / 2e-6, rel=1e-5)


@pytest.fixture
def images() -> np.ndarray:
    return data.load("digits").x_train[:64]


def test_the_loss_of_fit_is_the_bound(images):
    """Squared error, on average over the noise, plus beta times the sum of the KL: without either less by about .5."""
    session.start(seed=5)
    model = variational.Variational(3, (16,), beta=0.7)
    model.compile(tf.keras.optimizers.SGD(0.0), autoencoders.squared_error)
    mean, log_variance = model.encode(images)
    divergence = float(tf.reduce_mean(tf.reduce_sum(variational.kl(mean, log_variance), 1)))
    noise = tf.random.stateless_normal([400, *mean.shape], [0, 0])
    drawn = model.decoder(tf.reshape(variational.draw(mean, log_variance, noise), [-1, 3]))
    error = float(tf.reduce_mean(autoencoders.squared_error(tf.tile(images, [400, 1, 1, 1]), drawn)))
    losses = [model.train_on_batch(images, images) for _ in range(40)]
    assert divergence > 0.5 and np.mean(losses) == pytest.approx(error + 0.7 * divergence, abs=0.1)


def test_with_a_large_beta_the_code_says_nothing(images):
    session.start(seed=6)
    model = variational.Variational(3, (16,), beta=1e4)
    model.compile(tf.keras.optimizers.Adam(1e-2), autoencoders.squared_error)
    model.fit(images, images, epochs=150, verbose=0)
    assert float(tf.reduce_max(variational.kl(*model.encode(images)))) < 0.02
