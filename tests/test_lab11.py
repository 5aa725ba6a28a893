"""Lab 11: the references of its checks against finite differences, the paper's formulas, and networks layer by layer."""
import numpy as np
import pytest

from utils import checks
from utils.checks import lab11, lab11_networks
from utils.quiet import tf


@pytest.fixture
def players():
    """The networks of G and D, real points and z."""
    layers, rng = tf.keras.layers, np.random.default_rng(0)
    networks = (lab11._network(4, 3, 4, layers.ReLU(), layers.Dense(2)),
                lab11._network(11, 2, 5, layers.LeakyReLU(0.2), layers.Dense(1)))
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
    p_real, p_made = (1 / (1 + np.exp(-discriminator(points, training=True).numpy().astype(float)))
                      for points in (x, generator(z, training=True)))
    assert d == pytest.approx(-np.mean(np.log(p_real)) - np.mean(np.log(1 - p_made)), rel=1e-4)
    assert g == pytest.approx(-np.mean(np.log(p_made)), rel=1e-4)


def test_the_reference_networks_are_those_of_the_tables():
    """Layer by layer by matrices and TensorFlow's convolutions, with the weights in the order of the tables."""
    rng, relu = np.random.default_rng(2), lambda x: np.maximum(x, 0)

    def normalised(x: np.ndarray, scale, shift, mean, variance) -> np.ndarray:
        return scale * (x - mean) / np.sqrt(variance + 1e-3) + shift

    def with_weights(network: tf.keras.Model) -> list[np.ndarray]:
        weights = [rng.uniform(0.5, 2, weight.shape).astype(np.float32) - (weight.ndim > 1) for weight in network.get_weights()]
        network.set_weights(weights)
        return weights

    generator, discriminator = lab11_networks.generator(5, 3), lab11_networks.discriminator(3)
    z, x = rng.normal(size=[4, 5]).astype(np.float32), rng.uniform(-1, 1, [4, 28, 28, 1]).astype(np.float32)
    dense, *first, larger, a, b, c, d, last, bias = with_weights(generator)
    y = relu(normalised((z @ dense).reshape(4, 7, 7, 6), *first))
    y = relu(normalised(tf.nn.conv2d_transpose(y, larger, [4, 14, 14, 3], 2, "SAME").numpy(), a, b, c, d))
    expected = np.tanh(tf.nn.conv2d_transpose(y, last, [4, 28, 28, 1], 2, "SAME").numpy() + bias)
    np.testing.assert_allclose(generator(z), expected, atol=1e-5)
    first, bias, second, a, b, c, d, dense, last = with_weights(discriminator)
    y = tf.nn.leaky_relu(tf.nn.conv2d(x, first, 2, "SAME") + bias, 0.2)
    y = tf.nn.leaky_relu(normalised(tf.nn.conv2d(y, second, 2, "SAME").numpy(), a, b, c, d), 0.2)
    np.testing.assert_allclose(discriminator(x), tf.reshape(y, [4, -1]) @ dense + last, rtol=1e-3, atol=1e-3)
    assert lab11_networks.generator(32, 16).count_params() == 58_817 and lab11_networks.discriminator(16).count_params() == 10_161


def test_a_number_that_is_not_whole_is_no_cause():
    with pytest.raises(checks.CheckFailed, match="Panel P: 3.5 is not the number of a cause"):
        lab11.diagnosis(lambda: dict.fromkeys("PQRST", 3.5))
