"""Unit 03: the parts that it adds to utils, and its numbers."""
import numpy as np
import pytest
from scipy import ndimage

from utils import augment, networks, session
from utils.quiet import tf

keras = tf.keras


@pytest.fixture(autouse=True)
def seeded():
    session.start(1)


def images(n: int, height: int = 28, width: int = 28) -> np.ndarray:
    return np.random.default_rng(0).random([n, height, width, 1]).astype(np.float32)


# the network ----------------------------------------------------------------------------------------------------------

def test_weights_of_the_slides():
    def weights(shape, layer):
        return keras.Sequential([keras.Input(shape), layer]).count_params()

    for n in (1, 6):
        assert weights([28 * 28], keras.layers.Dense(24 * 24 * n, use_bias=False)) == 451_584 * n
        assert weights([28, 28, 1], keras.layers.Conv2D(n, 5, use_bias=False)) == 25 * n


@pytest.mark.parametrize("make, shapes, parameters", [
    (lambda: networks.lenet(), [(28, 28, 6), (10, 10, 16)], 61_706),
    (lambda: networks.lenet(padding="valid"), [(24, 24, 6), (8, 8, 16)], 44_426),
    (lambda: networks.lenet((32, 64), "valid", 0.3), [(24, 24, 32), (8, 8, 64)],
     26 * 32 + (25 * 32 + 1) * 64 + (16 * 64 + 1) * 120 + 121 * 84 + 850),
])
def test_lenet(make, shapes, parameters):
    model = make()
    maps = [layer.output.shape[1:] for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    assert maps == shapes and model.count_params() == parameters
    x = images(4)
    assert model(x).shape == (4, 10) and np.asarray(model(x)).min() < 0  # logits
    np.testing.assert_array_equal(model(x), model(x))  # no dropout in inference
    has_dropout = any(isinstance(layer, keras.layers.Dropout) for layer in model.layers)
    assert has_dropout == (np.abs(model(x, training=True) - model(x)).max() > 1e-3)


@pytest.mark.parametrize("filters, dropout", [((6, 16), 0.0), ((3, 5), 0.5)])
def test_dense_layers_as_convolutions_give_the_network_on_every_window(filters, dropout):
    model = networks.lenet(filters, "valid", dropout)
    model.set_weights([np.random.default_rng(2).normal(0, 0.2, w.shape) for w in model.get_weights()])
    canvas = images(2, 40, 52)
    everywhere = networks.fully_convolutional(model)(canvas).numpy()
    assert everywhere.shape == (2, 4, 7, 10)
    for i, j in np.ndindex(4, 7):
        window = canvas[:, 4 * i:4 * i + 28, 4 * j:4 * j + 28]
        np.testing.assert_allclose(everywhere[:, i, j], model(window), rtol=1e-4, atol=1e-4)


def test_a_layer_that_cannot_slide_is_refused():
    model = keras.Sequential([keras.Input([8, 8, 1]), keras.layers.LayerNormalization(), keras.layers.Flatten()])
    with pytest.raises(ValueError, match="a layer LayerNormalization: only Conv2D"):
        networks.fully_convolutional(model)(images(1, 8, 8))


# augmentation ---------------------------------------------------------------------------------------------------------

def test_moved_by_whole_pixels_is_exact_and_black_comes_in():
    x = images(3)
    expected = np.zeros_like(x)
    expected[0, 3:, :-2], expected[1], expected[2, :-1, 5:] = x[0, :-3, 2:], x[1], x[2, 1:, :-5]
    got = augment.moved(x, right=np.array([-2, 0, 5]), down=np.array([3, 0, -1]))
    np.testing.assert_array_equal(got, expected)


def test_moved_turns_clockwise_around_the_centre():
    x = images(2)
    np.testing.assert_allclose(augment.moved(x, angle=90.0), np.rot90(x, -1, axes=(1, 2)), atol=1e-4)


def test_moved_against_scipy():
    smooth = ndimage.gaussian_filter(np.pad(images(1, 16, 16)[0, ..., 0], 6), 1.5).astype(np.float32)
    angle, zoom, right, down = np.radians(20), 1.2, 1.5, -0.7
    # scipy reads output place p at M p + offset, in rows and columns
    matrix = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) / zoom
    centre = np.array([13.5, 13.5])
    expected = ndimage.affine_transform(smooth, matrix, centre - matrix @ (centre + [down, right]), order=1)
    got = augment.moved(smooth[None, ..., None], right=right, down=down, angle=20.0, zoom=zoom).numpy()[0, ..., 0]
    assert np.abs(got - smooth).max() > 0.05
    np.testing.assert_allclose(got[2:-2, 2:-2], expected[2:-2, 2:-2], atol=1e-4)


def test_augmented_digits_differ_from_each_other_stay_in_range_and_near():
    x = np.zeros([500, 28, 28, 1], np.float32)
    x[:, 10:18, 12:16] = 1
    changed = augment.digits(tf.constant(x), tf.random.Generator.from_seed(0)).numpy()[..., 0]
    assert changed.min() >= 0 and changed.max() <= 1 + 1e-6
    assert len(np.unique(changed.reshape(500, -1), axis=0)) == 500
    mass = changed.sum(axis=(1, 2))
    centres = np.array([ndimage.center_of_mass(picture) for picture in changed]) - 13.5
    assert np.abs(centres).max() <= 2.01 and np.abs(centres).max(axis=0).min() > 1.8  # shifts of up to 2 pixels
    assert np.abs(centres.mean(axis=0)).max() < 0.2  # as often one way as the other
    assert np.abs(np.log(mass / 32)).max() < 0.27 and np.log(mass / 32).std() > 0.1  # the area is zoom squared, +-0.24
