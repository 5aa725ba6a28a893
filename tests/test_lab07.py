"""The reference of lab 07's task 3, which SciPy's brentq solves, against a least-distance problem and the projection of the
attacks.
"""
import numpy as np
import pytest
from optimum import SOLVE

from utils.attacks.projection import onto_boundary
from utils.checks.lab07 import least_step
from utils.quiet import tf

RANDOM = np.random.default_rng(11)
X, G = RANDOM.uniform(size=(4, 12)), RANDOM.normal(size=(4, 12))
G[:, 5] = 0
ROOM = [np.abs(g) @ np.where(way * g > 0, 1 - x, x * (g != 0)) for x, g, way in zip(X, G, (1, -1, 1, -1))]
C = np.array([0.2, -0.6, 0.9, -1.4]) * ROOM  # no value is stopped, some are, many, and all: the box is too small


@pytest.mark.parametrize("norm", ["L2", "Linf"])
def test_the_least_step_is_that_of_the_attacks(norm):
    images, gradients = (tf.constant(array.reshape(4, 3, 4, 1), tf.float32) for array in (X, G))
    expected = onto_boundary(images, gradients, tf.constant(C, tf.float32), norm).numpy().reshape(4, 12)
    weight = None if norm == "L2" else np.ones(12)
    np.testing.assert_allclose([least_step(x, g, c, weight) for x, g, c in zip(X, G, C)], expected, atol=1e-5)


def test_the_least_step_is_as_short_as_the_optimum():
    for x, g, c in zip(X[:3], G, C):
        d = least_step(x, g, c)
        assert g @ d == pytest.approx(c) and (x + d).min() >= -1e-12 and (x + d).max() <= 1 + 1e-12
        assert np.linalg.norm(d) == pytest.approx(SOLVE["L2"](np.sign(c) * g[None], np.array([abs(c)]), x), rel=1e-6)
