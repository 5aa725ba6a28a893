"""utils.generative.diffusion against closed forms: the forward process, its posterior, and sampling of Gaussians."""
import functools

import numpy as np
import pytest

from utils import data, pretrained, session, training
from utils.generative import diffusion, quality
from utils.quiet import tf

MEAN, DEVIATION = 0.2, 0.15  # of Gaussian data, in [-1, 1]; no image of it is ever clipped
TIMES = np.linspace(0, 1, 21)


def optimal(inputs: tuple[tf.Tensor, tf.Tensor]) -> tf.Tensor:
    """The noise that is to be expected in x_t if the data are N(MEAN, DEVIATION^2): the regression of one Gaussian on another."""
    x_t, t = inputs
    a = diffusion.signal(t)[:, None]
    return tf.sqrt(1 - a) * (x_t - tf.sqrt(a) * MEAN) / (a * DEVIATION**2 + 1 - a)


def test_the_signal_falls_from_one_to_almost_nothing():
    a = diffusion.signal(TIMES).numpy()
    assert a[0] == 1 and a[-1] == pytest.approx(4e-4, rel=1e-3) and (np.diff(a) < 0).all()


def test_many_small_steps_of_noise_are_one_large_step():
    """Coefficients of x_0 and of the noise, exactly, from x = 1 and no noise, and from the variance of what is added."""
    a = diffusion.signal(TIMES).numpy().astype(np.float64)
    scale, variance = 1.0, 0.0
    for before, after in zip(a, a[1:]):
        kept = after / before
        scale = float(diffusion.noised(scale, kept, 0.0))
        variance = float(diffusion.noised(0.0, kept, 1.0)) ** 2 + float(diffusion.noised(1.0, kept, 0.0)) ** 2 * variance
        assert scale == pytest.approx(np.sqrt(after), rel=1e-5)
        assert variance == pytest.approx(1 - after, abs=1e-5)


def test_moments_of_noisy_data():
    rng = np.random.default_rng(0)
    x, noise = rng.normal(MEAN, DEVIATION, 10**6), rng.normal(size=10**6)
    for a in (0.9, 0.5, 0.01):
        x_t = diffusion.noised(tf.constant(x), tf.constant(a, tf.float64), tf.constant(noise)).numpy()
        assert x_t.mean() == pytest.approx(np.sqrt(a) * MEAN, abs=5e-3)
        assert x_t.var() == pytest.approx(a * DEVIATION**2 + 1 - a, rel=5e-3)


def test_the_posterior_is_that_of_bayes_on_a_grid():
    """q(x_s | x_t, x_0) is proportional to q(x_t | x_s) q(x_s | x_0)."""
    grid = np.linspace(-8, 8, 20001)
    for before, a, x_0, x_t in ((0.9, 0.6, 0.3, -0.8), (0.3, 0.05, -1.0, 2.0), (0.999, 0.99, 0.5, 0.6)):
        kept = a / before
        log = -(grid - np.sqrt(before) * x_0) ** 2 / (2 * (1 - before)) - (x_t - np.sqrt(kept) * grid) ** 2 / (2 * (1 - kept))
        weights = np.exp(log - log.max())
        weights /= weights.sum()
        mean, variance = diffusion.posterior(*map(np.float64, (x_0, x_t, a, before)))
        assert float(mean) == pytest.approx(weights @ grid, abs=1e-6)
        assert float(variance) == pytest.approx(weights @ (grid - weights @ grid) ** 2, rel=1e-4)


def test_the_image_without_its_noise_is_the_image():
    rng = np.random.default_rng(1)
    x, noise = rng.uniform(-1, 1, (4, 5)), rng.normal(size=(4, 5))
    for a in (0.9, 0.1, 0.01):
        found = diffusion.denoised(diffusion.noised(x, a, noise), a, noise)
        np.testing.assert_allclose(found, x, atol=1e-5)
        for step in (diffusion.ddim_step, diffusion.ancestral_step):  # the last step, to a signal of 1, ends at the image
            np.testing.assert_allclose(step(diffusion.noised(x, a, noise), noise, a, 1.0, noise), x, atol=1e-5)
        np.testing.assert_allclose(diffusion.ddim_step(diffusion.noised(x, a, noise), noise, a, 0.95, 0 * x),
                                   diffusion.noised(x, 0.95, noise), atol=1e-5)
    assert np.abs(diffusion.denoised(np.full(3, 9.0), 0.5, np.zeros(3))).max() == 1


def test_ddim_with_eta_1_is_the_ancestral_step():
    x_t, noise, fresh = np.random.default_rng(2).normal(size=(3, 6, 7, 7, 1))
    for before, a in ((0.99, 0.97), (0.5, 0.3), (0.01, 0.0004)):
        one = diffusion.ddim_step(x_t, noise, a, before, fresh, eta=1.0)
        np.testing.assert_allclose(one, diffusion.ancestral_step(x_t, noise, a, before, fresh), atol=1e-5)
        assert np.abs(one - diffusion.ddim_step(x_t, noise, a, before, fresh)).max() > 0.05


@pytest.mark.parametrize("step", [diffusion.ddim_step, diffusion.ancestral_step, functools.partial(diffusion.ddim_step, eta=0.5)])
def test_the_optimal_denoiser_leads_back_to_the_data(step):
    """Gaussian data; in [0, 1] the mean is (1 + MEAN) / 2."""
    samples = diffusion.sample(optimal, 100, steps=400, step=step, shape=(500,), seed=3)
    assert samples.mean() == pytest.approx((1 + MEAN) / 2, abs=2e-3)
    assert samples.std() == pytest.approx(DEVIATION / 2, rel=0.03)
    assert np.abs(np.corrcoef(samples[:, :50].T) - np.eye(50)).max() < 0.5  # pixels are independent
    few = diffusion.sample(optimal, 100, steps=4, step=step, shape=(500,), seed=3)
    assert abs(few.std() - DEVIATION / 2) > 2 * abs(samples.std() - DEVIATION / 2)  # what long steps cost


def test_ddim_follows_from_its_noise_and_ancestral_sampling_does_not():
    shape = dict(steps=5, shape=(30,))
    one, again, other = (diffusion.sample(optimal, 200, **shape, seed=seed) for seed in (0, 0, 1))
    assert (one == again).all() and np.abs(one - other).mean() > 0.01
    start = np.random.default_rng(0).standard_normal((200, 30), np.float32)
    assert np.corrcoef(one.ravel(), start.ravel())[0, 1] > 0.9999  # for Gaussian data the way back is linear
    ancestral = diffusion.sample(optimal, 200, **shape, step=diffusion.ancestral_step, seed=0)
    assert np.corrcoef(ancestral.ravel(), start.ravel())[0, 1] < 0.2  # the noise at t = 1 is forgotten


def test_no_noise_comes_twice(monkeypatch):
    """Six images in parts of two, three steps: nine times other noise."""
    monkeypatch.setattr(diffusion, "IMAGES_PER_CALL", 2)
    seen = []

    def step(x_t, noise, a, before, fresh):
        tf.numpy_function(lambda value: seen.append(float(value)), [fresh[0, 0]], [])
        return diffusion.ancestral_step(x_t, noise, a, before, fresh)

    diffusion.sample(optimal, 6, steps=3, step=step, shape=(5,))
    assert len(seen) == len(set(seen)) == 9


def test_the_loss_of_the_optimal_denoiser_is_the_variance_that_is_left():
    """E |noise - E(noise | x_t)|^2 / a = DEVIATION^2 / (a DEVIATION^2 + 1 - a), averaged over t."""
    random = tf.random.Generator.from_seed(0)
    x = tf.constant(np.random.default_rng(0).normal(MEAN, DEVIATION, (2000, 20, 20, 1)), tf.float32)
    a = diffusion.signal(np.linspace(0, 1, 10001)).numpy()
    expected = np.mean(DEVIATION**2 / (a * DEVIATION**2 + 1 - a))
    found = diffusion.simple_loss(lambda inputs: optimal((inputs[0], inputs[1][:, None, None])), x, random)
    assert float(found) == pytest.approx(expected, rel=0.15)
    def motionless(inputs: tuple[tf.Tensor, tf.Tensor]) -> tf.Tensor:  # velocity 0
        return tf.sqrt(1 - diffusion.signal(inputs[1][:, None, None, None])) * inputs[0]

    expected = np.mean(a + (1 - a) * (MEAN**2 + DEVIATION**2))  # of the square of the velocity
    assert float(diffusion.simple_loss(motionless, x, random)) == pytest.approx(expected, rel=0.05)


def test_the_network_learns_an_image_and_ends_with_the_average_of_its_weights(monkeypatch):
    session.start(0)
    network = diffusion.unet((8, 8))
    assert network.output_shape == (None, 28, 28, 1)
    first = network.get_weights()
    image = np.zeros((1, 28, 28, 1), np.float32)
    image[:, 8:20, 8:20] = 1
    monkeypatch.setattr(diffusion, "AVERAGED", 1.0)  # an average that stays where it begins, at the weights after the first step
    losses = diffusion.train(network, image, steps=200, batch_size=8, learning_rate=5e-3)
    assert len(losses) == 2 and losses[1] < 0.8 * losses[0]
    for weights, now in zip(first, network.get_weights(), strict=True):
        assert np.abs(weights - now).max() <= 5.01e-3  # one step of Adam is no longer than its rate


@pytest.mark.parametrize("seed", [1, 2])
def test_the_stored_network_draws_digits_of_all_classes(seed):
    digits, lenet = data.load("digits"), pretrained.load("digits_lenet")
    samples = diffusion.sample(pretrained.load("digits_diffusion"), 300, steps=10, seed=seed)
    found = tf.nn.softmax(training.predict(lenet, samples)).numpy()
    assert found.max(axis=1).mean() > 0.7 and np.bincount(found.argmax(axis=1), minlength=10).min() > 0
    seen = quality.features(lenet)
    assert quality.frechet_distance(seen(digits.x_test[:300]), seen(samples)) < 110  # noise has more than 300


def test_no_images_and_no_steps_are_refused():
    for n, steps in ((0, 5), (5, 0)):
        with pytest.raises(ValueError, match="both must be 1 or more"):
            diffusion.sample(optimal, n, steps=steps, shape=(3,))
