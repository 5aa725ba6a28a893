"""Convolutional sparse coding against dense matrices, scikit-learn's Lasso and finite differences."""
import numpy as np
import pytest
from sklearn.linear_model import Lasso

from utils.generative import sparse_coding
from utils.quiet import tf

PENALTY = 0.05


@pytest.fixture(scope="module")
def problem() -> tuple[tf.Tensor, tf.Tensor, np.ndarray]:
    """Two images of 6x5 that two filters of 3x3 can nearly make, the filters, and `synthesis` as a matrix [30, 60]."""
    random = np.random.default_rng(0)
    filters = sparse_coding.in_unit_ball(tf.constant(random.standard_normal((3, 3, 1, 2)), tf.float32))
    maps = random.standard_normal((2, 6, 5, 2)) * (random.random((2, 6, 5, 2)) < 0.1)
    images = sparse_coding.synthesis(tf.constant(maps, tf.float32), filters) + 0.05 * random.standard_normal((2, 6, 5, 1))
    units = tf.reshape(tf.eye(60), [60, 6, 5, 2])
    return images, filters, sparse_coding.synthesis(units, filters).numpy().reshape(60, 30).T


def test_synthesis_adds_a_filter_around_its_pixel():
    filters = np.arange(9, dtype=np.float32).reshape(3, 3, 1, 1)
    maps = np.zeros((1, 5, 6, 1), np.float32)
    maps[0, 2, 3, 0] = 2
    expected = np.zeros((5, 6))
    expected[1:4, 2:5] = 2 * filters[..., 0, 0]
    np.testing.assert_allclose(sparse_coding.synthesis(tf.constant(maps), tf.constant(filters))[0, ..., 0], expected)


def test_analysis_is_the_transpose_of_synthesis(problem):
    images, filters, matrix = problem
    expected = images.numpy().reshape(2, 30) @ matrix
    np.testing.assert_allclose(sparse_coding.analysis(images, filters).numpy().reshape(2, 60), expected, atol=1e-5)


def test_search_finds_the_minimum_that_lasso_finds(problem):
    images, filters, matrix = problem
    maps = sparse_coding.search(images, filters, tf.constant(PENALTY), tf.zeros([2, 6, 5, 2]), tf.constant(2000))
    values = sparse_coding.objective(images, filters, maps, PENALTY).numpy()
    for image, value in zip(images.numpy().reshape(2, 30), values):
        lasso = Lasso(PENALTY / 30, fit_intercept=False, tol=1e-10, max_iter=100_000)
        found = lasso.fit(matrix.astype(float), image.astype(float))
        least = np.sum((image - matrix @ found.coef_)**2) / 2 + PENALTY * np.abs(found.coef_).sum()
        assert value == pytest.approx(least, rel=1e-4)


def test_search_never_raises_the_objective_of_an_image(problem):
    images, filters, _ = problem
    maps = tf.constant(np.random.default_rng(1).standard_normal((2, 6, 5, 2)), tf.float32)
    values = [sparse_coding.objective(images, filters, maps, PENALTY).numpy()]
    for steps in range(1, 30):
        found = sparse_coding.search(images, filters, tf.constant(PENALTY), maps, tf.constant(steps))
        values.append(sparse_coding.objective(images, filters, found, PENALTY).numpy())
    assert np.all(np.diff(values, axis=0) <= 1e-5) and np.all(values[-1] < 0.5 * values[0])


def test_the_gradient_for_the_filters_is_finite_differences(problem):
    images, filters, _ = problem
    maps = tf.constant(np.random.default_rng(2).standard_normal((2, 6, 5, 2)), tf.float32)

    def error(filters: tf.Tensor) -> float:
        return float(tf.reduce_sum(tf.square(images - sparse_coding.synthesis(maps, filters)))) / 2

    direction = np.random.default_rng(3).standard_normal(filters.shape).astype(np.float32)
    gradient = sparse_coding._towards_filters(sparse_coding.synthesis(maps, filters) - images, maps, filters)
    difference = (error(filters + 0.01 * direction) - error(filters - 0.01 * direction)) / 0.02
    assert np.sum(gradient * direction) == pytest.approx(difference, rel=1e-3)  # exact for a quadratic function, but for rounding


def test_learn_never_raises_the_objective_and_keeps_the_filters_short(problem):
    images, _, _ = problem
    start = np.random.default_rng(4).standard_normal((3, 3, 1, 2))
    filters, maps, history = sparse_coding.learn(images.numpy(), start, PENALTY, rounds=15, steps=5)
    assert len(history) == 31 and np.all(np.diff(history) <= 1e-5 * history[0]) and history[-1] < 0.5 * history[0]
    assert np.sum(filters.numpy()**2, axis=(0, 1, 2)).max() <= 1 + 1e-5
    assert history[-1] == pytest.approx(np.mean(sparse_coding.objective(images, filters, maps, PENALTY)), rel=1e-4)


@pytest.mark.parametrize("penalty", [0, -1, float("nan")])
def test_learn_refuses_a_penalty_that_is_none(penalty):
    with pytest.raises(ValueError, match="expected a number above 0"):
        sparse_coding.learn(np.zeros((1, 4, 4, 1)), np.ones((3, 3, 1, 1)), penalty, rounds=1)


def test_soft_threshold_is_the_least_of_its_problem():
    """It minimises (u - z)^2 / 2 + t |u|: compared with a fine grid of u."""
    grid = np.linspace(-3, 3, 60_001)
    for z in (-2.0, -0.3, 0.0, 0.7, 2.5):
        expected = grid[np.argmin((grid - z)**2 / 2 + 0.5 * np.abs(grid))]
        assert float(sparse_coding.soft_threshold(tf.constant(z), tf.constant(0.5))) == pytest.approx(expected, abs=1e-4)
