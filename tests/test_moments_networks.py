"""Moments through whole networks: exact where they must be, elsewhere against sampling with four standard errors."""
import numpy as np
import pytest

from utils import moments, networks, session
from utils.layers import BatchNorm, Conv, FullyConnected, Residual, flat, mean_over_positions
from utils.quiet import tf

METHODS = ("full", "first_order", "diagonal")
SHAPE = (4, 4, 2)


@pytest.fixture(autouse=True)
def seeds():
    session.start(0)


def images(count: int = 2, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, *SHAPE)).astype(np.float32)


def covariances(seed: int = 1) -> np.ndarray:
    factor = np.random.default_rng(seed).normal(size=(32, 32)) / 6
    return (factor @ factor.T).astype(np.float32)


def assert_sampled(found: moments.Gaussian, model, mean, std, samples: int = 30_000) -> None:
    """Mean and variance lie within four standard errors of sampled ones."""
    sampled = moments.sample_moments(model, mean, std, samples, seed=3)
    assert np.all(np.abs(found.mean - sampled.mean) < 4 * sampled.mean_error + 1e-5)
    assert np.all(np.abs(found.variance - sampled.variance) < 4 * sampled.variance_error + 1e-5)


def norm(channels: int) -> BatchNorm:
    """Batch norm that changes mean and scale."""
    layer = BatchNorm(channels)
    for variable in (layer.scale, layer.shift, layer.mean, layer.variance):
        variable.assign(tf.random.uniform([channels], .5, 2))
    return layer


def test_affine_network_is_exact():
    """Convolutions, batch norm, both poolings, an addition and a concatenation, without ReLU: J S J^T."""
    first, bn, second = Conv(2, 3, relu=False), norm(3), Conv(3, 3, relu=False)
    last = FullyConnected(2 * 2 * 6 + 3, 3, relu=False)

    def model(x):
        y = bn(first(x))
        y = tf.concat([y, 2.0 * y - second(y)], -1)
        pooled = tf.nn.avg_pool2d(tf.pad(y, [[0, 0], [1, 1], [1, 1], [0, 0]])[:, 1:-1, 1:-1], 2, 2, "VALID")
        return last(tf.concat([flat(pooled), mean_over_positions(y[..., :3])], 1))

    jacobian = (model(tf.reshape(tf.eye(32), [32, *SHAPE])) - model(tf.zeros([1, *SHAPE]))).numpy()
    for noise, expected in [({"std": .5}, .25 * jacobian.T @ jacobian),
                            ({"covariance": covariances()}, jacobian.T @ covariances() @ jacobian)]:
        for method in METHODS[:2]:
            found = moments.propagate(model, images(), **noise, method=method)
            assert np.allclose(found.mean, model(images()), atol=1e-5)
            assert np.allclose(found.covariance, [expected] * 2, atol=1e-5)


def test_one_hidden_layer_of_any_mean():
    """Both methods give the exact moments, also of a convolution: the ratio sampled over analytic is 1 within 3 %."""
    model = networks.Chain([Conv(2, 5), flat, FullyConnected(80, 4, relu=False)], SHAPE)
    mean, std = images() * 2, np.random.default_rng(5).uniform(.2, 1.5, SHAPE).astype(np.float32)
    full = moments.propagate(model, mean, std)
    sampled = moments.sample_moments(model, mean, std, 60_000, seed=3)
    assert np.all(np.abs(sampled.variance / full.variance - 1) < .03)
    assert np.all(np.abs(sampled.mean - full.mean) < 4 * sampled.mean_error)
    two = moments.two_stage(model, mean, std)
    assert np.allclose(two.mean, full.mean, atol=1e-4) and np.allclose(two.covariance, full.covariance, atol=1e-3)
    away = moments.two_stage(model, mean, std, centre=mean + 1)  # all before the ReLU is affine
    assert np.allclose(away.mean, full.mean, atol=1e-3) and np.allclose(away.covariance, full.covariance, atol=1e-3)
    correlated = [function(model, mean, covariance=covariances()) for function in (moments.propagate, moments.two_stage)]
    assert np.allclose(correlated[0].covariance, correlated[1].covariance, atol=1e-3)
    zero = moments.propagate(model, mean, 0.0)
    assert np.allclose(zero.mean, model(mean), atol=1e-5) and np.allclose(zero.covariance, 0, atol=1e-5)


def relu6_unit(x):
    return flat(tf.nn.relu6(4.0 * x + 3.0))


def with_skip(x):
    return flat(tf.concat([x + tf.nn.relu(x), tf.nn.relu(x) - x], -1))


def pairs(x):
    return flat(tf.nn.max_pool2d(x, [1, 2], [1, 2], "VALID"))


@pytest.mark.parametrize("layer", [relu6_unit, with_skip, pairs])
def test_relu6_branches_and_pooling_of_pairs_are_exact(layer):
    """Behind one linear map, so with correlated values: means, variances and, through a second linear map, covariances."""
    mix = tf.random.normal([32, 32], stddev=.3)
    width = layer(tf.zeros([1, *SHAPE])).shape[1]
    mixed = tf.random.normal([width, 3])

    def model(x):
        return tf.matmul(layer(tf.reshape(tf.matmul(flat(x), mix), [-1, *SHAPE])), mixed)
    assert_sampled(moments.propagate(model, images(1), .5), model, images(1), .5)

    def alone(x):
        return layer(tf.reshape(tf.matmul(flat(x), mix), [-1, *SHAPE]))
    full, first = (moments.propagate(alone, images(1), .5, method=method) for method in METHODS[:2])
    assert np.allclose(full.mean, first.mean, atol=1e-5)
    assert np.allclose(full.variance, first.variance, atol=1e-4) or layer is with_skip  # its rests are correlated


def test_diagonal_is_exact_for_independent_values():
    kernel = tf.random.normal([8, 1, 1, 1])

    def model(x):  # each output depends on its own inputs
        y = tf.nn.relu(tf.reshape(x, [-1, 32]) * 1.5 - .2)
        y = tf.nn.conv2d(tf.reshape(y, [-1, 32, 1, 1]), kernel, [1, 8, 1, 1], "VALID")
        return flat(tf.nn.max_pool2d(y, [2, 1], [2, 1], "VALID"))
    found = [moments.propagate(model, images(1), .7, method=method) for method in METHODS]
    for other in found[1:]:
        assert np.allclose(other.mean, found[0].mean, atol=1e-5) and np.allclose(other.variance, found[0].variance, rtol=1e-4)
    narrow = moments.propagate(lambda x: tf.matmul(tf.nn.relu(flat(x)), tf.ones([32, 2])), images(1), .7, method="diagonal")
    assert_sampled(narrow, lambda x: tf.matmul(tf.nn.relu(flat(x)), tf.ones([32, 2])), images(1), .7)


def test_residual_network_goes_through_and_can_be_differentiated():
    """Convolutions, batch norm, an addition, max pooling, full; the gradient by a weight is the finite difference."""
    layers = [Conv(2, 3), Residual(3), networks.maxpool, mean_over_positions, FullyConnected(3, 2, relu=False)]
    model = networks.Chain(layers, SHAPE)
    mean = images(1)
    found, sampled = moments.propagate(model, mean, .3), moments.sample_moments(model, mean, .3, 10_000)
    assert np.all(np.abs(found.mean - sampled.mean) < .1 * np.sqrt(sampled.variance))
    assert np.all(np.abs(found.variance / sampled.variance - 1) < .15)
    model = networks.Chain([Conv(2, 2), Conv(2, 2, size=1), flat], SHAPE)
    bias = model.layers[0].bias

    def loss():
        found = moments.propagate(model, mean, .3, method="first_order")
        return tf.reduce_sum(found.covariance) + tf.reduce_sum(found.mean)

    with tf.GradientTape() as tape:
        value = loss()
    gradient, before, values = tape.gradient(value, bias).numpy(), bias.numpy(), []
    for step in (.01, -.01):
        bias.assign(before + [step, 0])
        values.append(float(loss()))
    assert (values[0] - values[1]) / .02 == pytest.approx(gradient[0], rel=.02, abs=1e-3) and gradient[0] != 0


def test_cut_network_is_the_network():
    model = networks.Chain([Conv(2, 3), Residual(3), networks.maxpool, flat, FullyConnected(12, 2, relu=False)], SHAPE)
    assert moments.count_relus(model, SHAPE) == 3
    for relu in range(3):
        before, after = moments.cut(model, SHAPE, relu)
        assert np.allclose(after(images(), tf.nn.relu(before(images()))), model(images()), atol=1e-5)
        assert not np.allclose(after(images(), before(images())), model(images()), atol=1e-3)
    with pytest.raises(ValueError, match="has 3 ReLUs.*choose one of 0 to 2"):
        moments.cut(model, SHAPE, 3)


def test_two_stage_of_little_noise_is_the_tangent_with_and_without_a_branch():
    model = networks.Chain([Conv(2, 3), Residual(3), networks.maxpool, flat, FullyConnected(12, 2, relu=False)], SHAPE)
    x = tf.constant(images(1))
    with tf.GradientTape() as tape:
        tape.watch(x)
        logits = model(x)
    jacobian = tf.reshape(tape.jacobian(logits, x), [2, 32]).numpy()
    std = np.linspace(.5, 2, 32, dtype=np.float32).reshape(SHAPE) * 1e-4
    for relu in range(3):
        for diagonal in (False, True):
            found = moments.two_stage(model, x, std, relu=relu, diagonal=diagonal)
            assert np.allclose(found.covariance[0] * 1e8, (jacobian * std.ravel()**2) @ jacobian.T * 1e8, rtol=2e-3)


def test_sampling_has_the_errors_that_it_says():
    weights = tf.constant([[1.0, -2.0], [.5, 0.0], [3.0, 1.0]])
    for distribution, kurtosis in (("gaussian", 0), ("uniform", -1.2), ("laplace", 3)):
        found = moments.sample_moments(lambda x: tf.matmul(x, weights), np.ones([2, 3]), .5, 20_000, distribution=distribution)
        variance = .25 * (weights.numpy()**2).sum(0)
        assert np.all(np.abs(found.mean - weights.numpy().sum(0)) < 4 * found.mean_error)
        assert np.all(np.abs(found.variance - variance) < 4 * found.variance_error)
        fourth = kurtosis * .0625 * (weights.numpy()**4).sum(0) + 2 * variance**2
        assert np.allclose(found.variance_error, np.sqrt(fourth / 20_000), rtol=.15)
        assert np.allclose(found.mean_error, np.sqrt(variance / 20_000), rtol=.15)


def test_cauchy_through_an_affine_map_is_cauchy():
    """The scales add up, weighted with |w|; a mean does not exist, so quartiles are compared."""
    weights = np.array([1.0, -2.0, .5], np.float32)
    drawn = moments.noise([200_000, 3], "cauchy", [0, 1]).numpy() @ weights + 1
    assert np.allclose(np.quantile(drawn, [.25, .5, .75]), [1 - 3.5, 1, 1 + 3.5], atol=.08)


def test_bad_input_is_a_sentence():
    model = networks.Chain([Conv(2, 1), flat], SHAPE)
    for arguments, sentence in [({}, "one of the two"), ({"std": 1.0, "covariance": np.eye(32)}, "one of the two"),
                                ({"std": -1.0}, "below 0"), ({"std": np.ones(7)}, "broadcasts to"),
                                ({"covariance": np.eye(3)}, "D = 32"), ({"std": 1.0, "method": "some"}, "expected one of")]:
        with pytest.raises(ValueError, match=sentence):
            moments.propagate(model, images(), **arguments)
    with pytest.raises(ValueError, match="operation Sigmoid"):
        moments.propagate(lambda x: tf.sigmoid(x), images(), 1.0)
    with pytest.raises(ValueError, match="image\\[None\\]"):
        moments.two_stage(model, np.zeros(4), 1.0)
    with pytest.raises(ValueError, match="samples is 1"):
        moments.sample_moments(model, images(), 1.0, 1)
    with pytest.raises(ValueError, match="expected one of 'gaussian'"):
        moments.sample_moments(model, images(), 1.0, 10, distribution="poisson")


def test_an_average_pooling_with_a_border_is_refused():
    """There its means are of fewer values at the edge, and one divisor for all would be wrong."""
    x = np.random.default_rng(0).random((1, 5, 4, 1)).astype(np.float32)
    with pytest.raises(ValueError, match="average pooling with SAME padding"):
        moments.propagate(lambda v: tf.nn.avg_pool2d(tf.nn.relu(v), 2, 2, "SAME"), x, 0.1, method="diagonal")
