"""The step onto a linearised boundary, inside the box, against SciPy's exact optimum of the same problem."""
import numpy as np
import pytest
from optimum import SOLVE

from utils.attacks.projection import onto_boundary, places
from utils.quiet import tf

RANDOM = np.random.default_rng(5)
X = RANDOM.uniform(size=(4, 3, 3, 1)).astype(np.float32)
X[0, 0] = np.round(X[0, 0])  # values at the edge of the box
GRADIENT = RANDOM.normal(size=X.shape).astype(np.float32)
GRADIENT[1, 1] = 0
CHANGE = np.array([0.8, -0.5, 1.5, -2.0], np.float32)
SIZE = {"L0": lambda d: np.sum(d != 0), "L1": lambda d: np.abs(d).sum(), "L2": np.linalg.norm, "Linf": lambda d: np.abs(d).max()}


def step(x: np.ndarray, gradient: np.ndarray, change: np.ndarray, norm: str) -> np.ndarray:
    return onto_boundary(tf.constant(x), tf.constant(gradient), tf.constant(change), norm).numpy()


@pytest.mark.parametrize("norm", SIZE)
def test_it_is_the_smallest_step_that_reaches_the_plane(norm):
    for x, g, change, d in zip(X, GRADIENT, CHANGE, step(X, GRADIENT, CHANGE, norm)):
        assert np.sum(g * d) == pytest.approx(change, rel=1e-4)
        assert x.min() >= 0 and (x + d).min() >= -1e-6 and (x + d).max() <= 1 + 1e-6
        exact = SOLVE[norm](np.sign(change) * g.reshape(1, -1), np.array([abs(change)]), x.ravel())
        assert SIZE[norm](d.ravel()) == pytest.approx(exact, rel=1e-3)


@pytest.mark.parametrize("norm", SIZE)
def test_in_a_box_that_is_too_small_everything_that_helps_goes_to_the_edge(norm):
    d = step(X, GRADIENT, 100 * np.sign(CHANGE), norm)
    way = np.sign(GRADIENT) * np.sign(CHANGE)[:, None, None, None]
    np.testing.assert_allclose(X + d, np.where(way > 0, 1, np.where(way < 0, 0, X)), atol=1e-6)


@pytest.mark.parametrize("norm", SIZE)
@pytest.mark.parametrize("scale", [1e-25, 1e20])
def test_the_scale_of_the_linear_function_does_not_matter(norm, scale):
    tiny = step(X, np.float32(scale) * GRADIENT, np.float32(scale) * CHANGE, norm)
    np.testing.assert_allclose(tiny, step(X, GRADIENT, CHANGE, norm), atol=1e-5)


@pytest.mark.parametrize("norm", SIZE)
def test_without_a_gradient_nothing_moves(norm):
    assert not step(X, 0 * GRADIENT, CHANGE, norm).any()


def test_the_place_of_each_value_in_an_order():
    orders = np.array([RANDOM.permutation(9) for _ in range(5)], np.int32)
    np.testing.assert_array_equal(places(tf.constant(orders)), np.argsort(orders, axis=1))
