"""The networks: sizes, shapes, the slides' DenseNet against Keras, and softmax taken off."""
import numpy as np
import pytest

from utils import networks, session
from utils.quiet import tf

keras = tf.keras


@pytest.fixture(autouse=True)
def seeded():
    session.start(1)


def images(n: int, side: int = 48) -> np.ndarray:
    return np.random.default_rng(0).random([n, side, side, 1]).astype(np.float32)


def test_parameters_of_the_slides_networks():
    assert networks.count_parameters(networks.three_convolutions()) == 1_724
    assert networks.count_parameters(networks.DenseNet()) == 59_160


@pytest.mark.parametrize("make", [
    networks.three_convolutions, networks.DenseNet, networks.Detector,
    lambda: networks.DenseNet(blocks=3, filters=8, dropout=0.2, batch_norm=True),
    lambda: networks.plain_stages(6), lambda: networks.residual_stages(12), lambda: networks.dense_stages(12),
])
def test_without_softmax_of_two_classes_and_every_weight_gets_a_gradient(make):
    model, x = make(), images(3)
    assert model(x).shape == (3, 2) and model.input_shape == (48, 48, 1)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(model(x, training=True) ** 2)
    gradients = tape.gradient(loss, model.trainable_variables)
    assert all(gradient is not None for gradient in gradients)


def test_dense_net_of_the_slides_against_the_same_net_in_keras():
    ours = networks.DenseNet()
    for variable in ours.trainable_variables:  # biases too, which start at zero
        variable.assign(tf.random.normal(variable.shape, stddev=0.1))
    layers = keras.layers
    x = start = keras.Input([48, 48, 1])
    for _ in range(4):
        for _ in range(2):
            x = layers.Concatenate()([x, layers.Conv2D(16, 3, padding="same", activation="relu")(x)])
        x = layers.Conv2D(32, 1, activation="relu")(layers.MaxPooling2D()(x))
    assert x.shape == (None, 3, 3, 32)
    end = layers.Dense(2)(layers.Dense(50, activation="relu")(layers.Flatten()(x)))
    theirs = keras.Model(start, end)
    parts = [part for block in ours.blocks for part in (*block.convolutions, block.reduction)]
    parts += [ours.hidden, ours.output]
    theirs.set_weights([w.numpy() for part in parts for w in (part.weights, part.bias)])
    x = images(16)
    assert np.abs(theirs(x)).max() > 0.1
    np.testing.assert_allclose(ours(x), theirs(x), atol=1e-5)


def test_dense_net_refuses_more_blocks_than_the_image_has_halves():
    with pytest.raises(ValueError, match="blocks is 6, expected 1 to 5"):
        networks.DenseNet(blocks=6)


def test_detector_does_not_mind_brightness_and_contrast_and_sees_three_views():
    model, x = networks.Detector(), images(4)
    np.testing.assert_allclose(model(0.7 * x + 0.2), model(x), rtol=0.02, atol=0.02)
    standard = (x - x.mean(axis=(1, 2, 3), keepdims=True)) / x.std(axis=(1, 2, 3), keepdims=True)

    def enlarge(pictures):  # bilinear, by two matrices: output pixel i is read at (i + .5) * side / 48 - .5
        side = pictures.shape[1]
        places = np.clip((np.arange(48) + 0.5) * side / 48 - 0.5, 0, side - 1)
        matrix = np.maximum(0, 1 - np.abs(places[:, None] - np.arange(side)))
        return np.einsum("ai,nij,bj->nab", matrix, pictures, matrix)[..., None].astype(np.float32)

    views = [standard, enlarge(standard[:, 2:-2, 2:-2, 0])[:, :, ::-1], enlarge(standard[:, 4:-4, 4:-4, 0])]
    expected = sum(model.body(tf.constant(view)).numpy() for view in views) / 3
    np.testing.assert_allclose(model(x), expected, rtol=0.02, atol=0.02)
    assert np.ptp(model(x).numpy(), axis=0).max() > 0.05  # it does look at the image


@pytest.mark.parametrize("depth", [6, 18])
def test_nets_of_chosen_depth_have_that_many_convolutions_and_comparable_parameters(depth):
    plain, residual = networks.plain_stages(depth), networks.residual_stages(depth)
    dense = networks.dense_stages(depth)
    counts = [networks.count_parameters(model) for model in (plain, residual, dense)]
    assert counts[0] == counts[1] and abs(counts[2] / counts[0] - 1) < 0.15
    for model in (plain, residual, dense):
        kernels = [v for v in model.trainable_variables if v.shape.rank == 4 and v.shape[0] == 3]
        assert len(kernels) == depth + 1  # and the first one


def test_depth_must_fill_three_stages():
    with pytest.raises(ValueError, match="depth is 8, expected a multiple of 6"):
        networks.plain_stages(8)


def softmax_models():
    layers, first = keras.layers, [keras.Input([6, 6, 1]), keras.layers.Flatten()]
    yield keras.Sequential([*first, layers.Dense(3, activation="softmax")])
    yield keras.Sequential([*first, layers.Dense(3), layers.Softmax()])
    yield keras.Sequential([layers.Flatten(), layers.Dense(3), layers.Activation("softmax")])
    start = keras.Input([6, 6, 1])
    hidden = layers.Dense(4, activation="relu")(layers.Flatten()(start))
    yield keras.Model(start, layers.Dense(3, activation="softmax", use_bias=False)(hidden))
    yield keras.Model(start, layers.Softmax()(layers.Dense(3)(hidden)))


@pytest.mark.parametrize("number", range(5))
def test_without_softmax_takes_the_softmax_off_and_shares_the_weights(number, recwarn):
    model, x = list(softmax_models())[number], images(5, 6)
    probabilities = model(x).numpy()
    without = networks.without_softmax(model)
    np.testing.assert_allclose(tf.nn.softmax(without(x)), probabilities, atol=1e-6)
    assert np.abs(np.sum(without(x), axis=1) - 1).max() > 1e-3
    assert {id(v) for v in without.trainable_variables} == {id(v) for v in model.trainable_variables}
    model.trainable_variables[0].assign_add(tf.ones(model.trainable_variables[0].shape) * images(1, 6).mean())
    np.testing.assert_allclose(tf.nn.softmax(without(x)), model(x), atol=1e-6)
    assert not [str(w.message) for w in recwarn if "structure" in str(w.message)]


def test_without_softmax_returns_models_without_softmax_as_they_are():
    for model in (networks.lenet(), networks.three_convolutions()):
        assert networks.without_softmax(model) is model


def test_without_softmax_refuses_what_it_cannot_take_apart():
    shapeless = keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(3, activation="softmax")])
    with pytest.raises(ValueError, match="call it once"):
        networks.without_softmax(shapeless)
    start = keras.Input([6, 6, 1])
    with pytest.raises(ValueError, match="Conv2D with softmax"):
        networks.without_softmax(keras.Model(start, keras.layers.Conv2D(3, 6, activation="softmax")(start)))


def test_lenet_on_digits():
    assert networks.lenet()(images(2, 28)).shape == (2, 10)
    assert networks.count_parameters(networks.lenet()) == 61_706
