"""The layers against SciPy, Keras and their formulas."""
import numpy as np
import pytest
from scipy.signal import correlate

from utils import session
from utils.layers import BatchNorm, Conv, DenseBlock, Dropout, FullyConnected, maxpool
from utils.quiet import tf


@pytest.fixture(autouse=True)
def seeded():
    session.start(3)


def images(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def test_conv_is_correlation_plus_bias_then_relu():
    x, conv = images(2, 7, 9, 3), Conv(3, 4)
    conv.bias.assign([0.5, -1.0, 0.0, 2.0])
    w = conv.weights.numpy()
    expected = np.zeros([2, 7, 9, 4])
    for n in range(2):
        for f in range(4):
            expected[n, :, :, f] = conv.bias.numpy()[f] + sum(
                correlate(x[n, :, :, c].astype(float), w[:, :, c, f].astype(float), "same") for c in range(3))
    np.testing.assert_allclose(conv(x), np.maximum(expected, 0), atol=1e-5)
    conv.relu = False
    np.testing.assert_allclose(conv(x), expected, atol=1e-5)


def test_conv_with_stride_keeps_every_second_pixel_of_an_odd_image():
    x, conv = images(1, 7, 7, 2), Conv(2, 5)
    whole = conv(x)
    conv.stride = 2
    np.testing.assert_allclose(conv(x), whole[:, ::2, ::2], atol=1e-5)


def test_he_initialisation_keeps_the_second_moment_through_thirty_layers():
    x = tf.constant(images(256, 400))
    for _ in range(30):
        x = FullyConnected(400, 400)(x)
    assert 0.1 < float(tf.reduce_mean(x**2)) < 10  # a factor 2 in the variance would give 2**30


def test_weights_follow_the_seed():
    session.start(5)
    first = Conv(3, 4).weights.numpy()
    session.start(5)
    np.testing.assert_array_equal(first, Conv(3, 4).weights)
    session.start(6)
    assert np.abs(first - Conv(3, 4).weights).max() > 0.01


def test_fully_connected_is_an_affine_map_then_relu():
    x, layer = images(5, 6), FullyConnected(6, 3)
    layer.bias.assign([0.1, -0.2, 0.3])
    affine = x @ layer.weights.numpy() + layer.bias.numpy()
    np.testing.assert_allclose(layer(x), np.maximum(affine, 0), atol=1e-6)
    assert (affine < 0).any()
    layer.relu = False
    np.testing.assert_allclose(layer(x), affine, atol=1e-6)


def test_maxpool_takes_the_largest_of_each_window_and_drops_an_odd_edge():
    x = images(2, 6, 7, 3)
    np.testing.assert_array_equal(maxpool(x), x[:, :, :6].reshape(2, 3, 2, 3, 2, 3).max(axis=(2, 4)))


@pytest.mark.parametrize("shape", [(8, 5, 6, 3), (32, 3)])
def test_batch_norm_by_formula_in_both_modes(shape):
    x, norm = 2 * images(*shape) + 5, BatchNorm(3, momentum=0.8)
    norm.scale.assign([1.0, 2.0, -1.0])
    norm.shift.assign([0.0, 3.0, 0.5])
    rows = x.reshape(-1, 3).astype(float)
    mean, variance, unbiased = rows.mean(0), rows.var(0), rows.var(0, ddof=1)

    def formula(mean, variance):
        return norm.scale.numpy() * (x - mean) / np.sqrt(variance + norm.epsilon) + norm.shift.numpy()

    np.testing.assert_allclose(norm(x), formula(0, 1), rtol=1e-4, atol=1e-4)  # inference before any training
    np.testing.assert_allclose(norm(x, training=True), formula(mean, variance), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(norm.mean, 0.2 * mean, rtol=1e-5)
    np.testing.assert_allclose(norm.variance, 0.8 + 0.2 * unbiased, rtol=1e-5)
    np.testing.assert_allclose(norm(x), formula(0.2 * mean, 0.8 + 0.2 * unbiased), rtol=1e-4, atol=1e-4)


def test_batch_norm_against_keras_with_its_gradient():
    x, norm = tf.constant(3 * images(16, 4, 4, 2) - 1), BatchNorm(2)
    keras = tf.keras.layers.BatchNormalization(momentum=0.9, epsilon=norm.epsilon)
    keras.build(x.shape)
    for training in (True, True, False):
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(x)
            ours, theirs = norm(x, training), keras(x, training=training)
            our_loss, their_loss = tf.reduce_sum(tf.sin(ours)), tf.reduce_sum(tf.sin(theirs))
        tolerance = 1e-5 if training else 0.01  # Keras averages the variance divided by n, not by n - 1
        np.testing.assert_allclose(ours, theirs, rtol=tolerance, atol=tolerance)
        if training:
            np.testing.assert_allclose(tape.gradient(our_loss, x), tape.gradient(their_loss, x), atol=1e-4)
            for mine, other in ((norm.scale, keras.gamma), (norm.shift, keras.beta)):
                gradients = tape.gradient(our_loss, mine), tape.gradient(their_loss, other.value)
                np.testing.assert_allclose(*gradients, rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(norm.mean, keras.moving_mean, rtol=1e-5)


def test_batch_norm_in_inference_does_not_mix_images():
    x, norm = images(4, 3, 3, 2), BatchNorm(2)
    norm(x, training=True)
    np.testing.assert_allclose(norm(x)[:1], norm(x[:1]), atol=1e-6)
    before = norm.mean.numpy()
    norm(x)
    np.testing.assert_array_equal(before, norm.mean)


def test_dropout_keeps_the_mean_and_drops_the_stated_fraction():
    dropout, x = Dropout(0.3), tf.ones([400, 500])
    y = dropout(x, training=True).numpy()
    assert abs(y.mean() - 1) < 4 * np.sqrt(0.3 / 0.7 / y.size)
    assert abs((y == 0).mean() - 0.3) < 4 * np.sqrt(0.3 * 0.7 / y.size)
    np.testing.assert_allclose(y[y > 0], 1 / 0.7, rtol=1e-6)
    assert (dropout(x, training=True).numpy() != y).any()
    np.testing.assert_array_equal(dropout(x), x)


def test_dropout_goes_on_from_a_checkpoint(tmp_path):
    dropout, x = Dropout(0.5), tf.ones([20, 20])
    path = tf.train.Checkpoint(dropout=dropout).write(str(tmp_path / "state"))
    expected = dropout(x, training=True)
    other = Dropout(0.5)
    tf.train.Checkpoint(dropout=other).read(path).assert_consumed()
    np.testing.assert_array_equal(expected, other(x, training=True))


def test_dense_block_concatenates_pools_and_reduces():
    x, block = images(2, 8, 8, 5), DenseBlock(5, filters=4, convolutions=2, outputs=3)
    first, second = block.convolutions
    one = np.concatenate([x, first(x)], axis=-1)
    two = np.concatenate([one, second(one)], axis=-1)
    assert two.shape == (2, 8, 8, 13)
    pooled = two.reshape(2, 4, 2, 4, 2, 13).max(axis=(2, 4))
    reduced = pooled @ block.reduction.weights.numpy()[0, 0] + block.reduction.bias.numpy()
    np.testing.assert_allclose(block(x), np.maximum(reduced, 0), atol=1e-5)
