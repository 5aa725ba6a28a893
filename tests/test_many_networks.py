"""Networks trained side by side against the same networks one by one, in NumPy, and against Keras."""
import numpy as np
import pytest

from utils import backprop, many_networks
from utils.data import toy
from utils.many_networks import Networks
from utils.quiet import tf

X, Y = toy.rings(40, seed=0)
SIZES = [2, 5, 4, 2]


def test_each_network_starts_as_backprop_starts_it_and_narrow_ones_have_no_more_units():
    networks = Networks(SIZES, [3, 7], widths=[5, 2])
    for ours, theirs in zip(networks.alone(0), backprop.initialise(SIZES, 3)):
        np.testing.assert_allclose(ours[0], theirs[0], rtol=1e-6)
    narrow = backprop.initialise([2, 2, 2, 2], 7)
    np.testing.assert_allclose(networks(X)[1], backprop.forward(narrow, X)[-1], rtol=1e-4, atol=1e-5)
    assert [weights.shape for weights, _ in networks.alone(1)] == [weights.shape for weights, _ in narrow]
    np.testing.assert_allclose(networks.alone(1)[1][0], narrow[1][0], rtol=1e-6)


@pytest.mark.parametrize("sigmoid", [False, True])
def test_a_narrow_network_in_the_stack_learns_as_it_does_alone(sigmoid):
    """All examples in one batch, plain descent: the same steps in NumPy, of networks of their own width."""
    networks = Networks(SIZES, [1, 2], widths=[5, 3], sigmoid=sigmoid, rule=many_networks.sgd_step, rate=[0.1, 0.3])
    losses = networks.fit(X, Y, epochs=30, batch_size=len(X))
    activation = backprop.SIGMOID if sigmoid else backprop.RELU
    for number, (sizes, seed, rate) in enumerate((([2, 5, 4, 2], 1, 0.1), ([2, 3, 3, 2], 2, 0.3))):
        net, each = backprop.train(backprop.initialise(sizes, seed), X, Y, rate=rate, epochs=30, batch_size=len(X),
                                   activation=activation)
        np.testing.assert_allclose(losses[:, number], each, rtol=1e-3)
        logits = backprop.forward(net, X, activation)[-1]
        np.testing.assert_allclose(networks(X)[number], logits, rtol=1e-3, atol=1e-3)
        assert networks.loss(X, Y)[number] == pytest.approx(backprop.cross_entropy(logits, Y)[0], rel=1e-3)
        assert networks.accuracy(X, Y)[number] == pytest.approx(backprop.accuracy(net, X, Y, activation))


def test_the_gradient_with_batch_norm_and_decay_is_that_of_finite_differences():
    networks = Networks([2, 4, 2], [5], rule=many_networks.sgd_step, rate=1.0, decay=0.1, normalised=True, sigmoid=True)
    before = [v.numpy() for v in networks.parameters]

    def objective(place: tuple, h: float) -> float:
        networks.weights[0].assign(before[0] + h * np.eye(8)[place].reshape(1, 2, 4))
        return float(networks.loss(X, Y)[0]) + 0.05 * sum(float(tf.reduce_sum(w**2)) for w in networks.weights)

    numeric = [(objective(place, 1e-2) - objective(place, -1e-2)) / 2e-2 for place in range(8)]
    networks.weights[0].assign(before[0])
    networks.fit(X, Y, epochs=1, batch_size=len(X))
    np.testing.assert_allclose((before[0] - networks.weights[0].numpy()).ravel(), numeric, atol=2e-3)


@pytest.mark.parametrize("rule, keras", [(many_networks.sgd_step, "SGD"), (many_networks.adam_step, "Adam"),
                                         (many_networks.lion_step, "Lion")])
def test_rules_are_those_of_keras(rule, keras):
    rate = 0.01
    optimiser = {"SGD": lambda: tf.keras.optimizers.SGD(rate),
                 "Adam": lambda: tf.keras.optimizers.Adam(rate, epsilon=1e-8),
                 "Lion": lambda: tf.keras.optimizers.Lion(rate)}[keras]()
    w, variable = tf.constant([1.0, -2.0, 3.0]), tf.Variable([1.0, -2.0, 3.0])
    m = s = tf.zeros(3)
    for t in range(1, 15):
        gradient = tf.cos(w * [1.0, 2, 3]) + 0.1
        optimiser.apply_gradients([(gradient, variable)])
        step, m, s = rule(gradient, m, s, tf.constant(float(t)))
        w = w - rate * step
        np.testing.assert_allclose(w, variable, rtol=1e-4, atol=1e-5)


def test_dropout_keeps_the_mean_in_training_and_does_nothing_in_inference():
    networks = Networks([2, 400, 2], [0, 0], dropout=[0.0, 0.5])
    np.testing.assert_array_equal(*networks(X).numpy())
    kept, dropped = networks.outputs(X, training=True)[1].numpy()
    assert 0.4 < np.mean(dropped[kept > 0] == 0) < 0.6
    np.testing.assert_allclose(dropped[dropped > 0], 2 * kept[dropped > 0], rtol=1e-6)


def test_equal_seeds_see_equal_batches_and_own_data_stay_apart():
    twins = Networks([2, 8, 2], [4, 4, 5])
    losses = twins.fit(X, Y, epochs=3, batch_size=8)
    np.testing.assert_allclose(losses[:, 0], losses[:, 1], rtol=1e-5)
    assert not np.allclose(losses[:, 0], losses[:, 2])
    own = Networks([2, 8, 2], [4, 4])
    found = own.fit(np.stack([X, -X]), np.stack([Y, 1 - Y]), epochs=3, batch_size=8)
    np.testing.assert_allclose(found[:, 0], losses[:, 0], rtol=1e-5)
    assert not np.allclose(found[:, 0], found[:, 1])


def test_importance_is_a_factor_of_the_loss():
    plain, halved = (Networks([2, 4, 2], [1], rule=many_networks.sgd_step, rate=rate) for rate in (0.1, 0.2))
    a = plain.fit(X, Y, epochs=4, batch_size=len(X))
    b = halved.fit(X, Y, epochs=4, batch_size=len(X), importance=np.full(len(X), 0.5))
    np.testing.assert_allclose(a, 2 * b, rtol=1e-4)
