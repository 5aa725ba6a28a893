"""Lab 11: the references of its checks against finite differences, the paper's formulas and even angles."""
import numpy as np
import pytest

from utils import checks
from utils.checks import lab11
from utils.quiet import tf


@pytest.fixture
def players():
    """The networks of G and D, real points and z."""
    layers, rng = tf.keras.layers, np.random.default_rng(0)
    networks = lab11._network(4, 3, 4, layers.ReLU(), layers.Dense(2)), lab11._network(11, 2, 5, layers.LeakyReLU(0.2), layers.Dense(1))
    return networks, *(tf.constant(rng.normal(size=[8, side]), tf.float32) for side in (2, 3))


@pytest.mark.parametrize("player", [0, 1])
def test_the_reference_gradients_are_the_slopes_of_the_losses(players, player):
    networks, x, z = players
    loss, variables, rng = lab11.LOSSES[player], networks[player].trainable_variables, np.random.default_rng(1)
    slopes = lab11.slopes(networks, x, z, loss, player)[1]
    direction = [rng.normal(size=variable.shape) for variable in variables]
    ends = []
    for step in (-1e-3, 2e-3):
        for variable, way in zip(variables, direction):
            variable.assign_add(step * way)
        ends.append(lab11.slopes(networks, x, z, loss, player)[0])
    expected = sum(np.sum(way * slope) for way, slope in zip(direction, slopes))
    assert (ends[1] - ends[0]) / 2e-3 == pytest.approx(expected, rel=0.02, abs=2e-3)


def test_the_reference_losses_are_those_of_the_paper(players):
    (generator, discriminator), x, z = players
    g, d = (lab11.slopes((generator, discriminator), x, z, loss, 0)[0] for loss in lab11.LOSSES)
    p_real, p_made = (1 / (1 + np.exp(-discriminator(points, training=True).numpy().astype(float))) for points in (x, generator(z, training=True)))
    assert d == pytest.approx(-np.mean(np.log(p_real)) - np.mean(np.log(1 - p_made)), rel=1e-4)
    assert g == pytest.approx(-np.mean(np.log(p_made)), rel=1e-4)


def test_slerp_of_the_checks_turns_by_even_angles():
    angles = np.linspace(0, 2.5, 6)
    a, b = np.array([[2.0, 0]]), 2 * np.array([[np.cos(2.5), np.sin(2.5)]])
    for t, angle in zip(np.linspace(0, 1, 6), angles):
        assert np.allclose(lab11._slerp(a, b, t), [[2 * np.cos(angle), 2 * np.sin(angle)]])


def test_a_number_that_is_not_whole_is_no_cause():
    with pytest.raises(checks.CheckFailed, match="Panel P: 3.5 is not the number of a cause"):
        lab11.diagnosis(lambda: dict.fromkeys("PQRST", 3.5))
