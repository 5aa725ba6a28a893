"""Unit 03: the parts that it adds to utils, and its numbers."""
import json
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import ndimage

from utils import augment, filters, networks, orientation, plot, session, training
from utils.groups import wilson_interval
from utils.instructor import augmentation, figures
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


@pytest.mark.parametrize("last_rate", [0.0, 1.0])
def test_the_learning_rate_falls_to_the_share_that_is_wanted(last_rate):
    digits = SimpleNamespace(x_train=images(30), y_train=np.arange(30) % 10)
    model = networks.lenet((1, 1), "valid")
    training.train_lenet(model, digits, steps=10, last_rate=last_rate)
    assert (int(model.optimizer.iterations) == 10
            and float(model.optimizer.learning_rate) == pytest.approx(2e-3 * last_rate, abs=1e-9))


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


def test_a_skew_leans_upright_strokes_to_the_right():
    x = np.zeros([1, 29, 29, 1], np.float32)
    x[0, :, 14] = 1
    skewed = augment.moved(x, skew=np.degrees(np.arctan(0.5))).numpy()[0, ..., 0]
    for row in (4, 10, 14, 18, 24):  # half a pixel for each row above the centre
        assert ndimage.center_of_mass(skewed[row])[0] == pytest.approx(14 + 0.5 * (14 - row), abs=1e-4)
    assert skewed[4:25].sum() == pytest.approx(21, abs=1e-3)  # a skew keeps areas


def test_a_skew_with_a_rotation_and_a_zoom_against_scipy():
    smooth = ndimage.gaussian_filter(np.pad(images(1, 16, 16)[0, ..., 0], 6), 1.5).astype(np.float32)
    turn, zoom, lean = np.radians(-15), 0.9, np.tan(np.radians(25))
    forward = (np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
               @ np.array([[1, -lean], [0, 1]]) * zoom)  # on (x, y), y downwards: skew first, then turn
    back = np.linalg.inv(forward)[::-1, ::-1]  # in rows and columns
    centre = np.array([13.5, 13.5])
    expected = ndimage.affine_transform(smooth, back, centre - back @ (centre + [-1.2, 0.8]), order=1)
    got = augment.moved(smooth[None, ..., None], right=0.8, down=-1.2, angle=-15.0, zoom=zoom, skew=25.0).numpy()[0, ..., 0]
    np.testing.assert_allclose(got[2:-2, 2:-2], expected[2:-2, 2:-2], atol=1e-4)


@pytest.mark.parametrize("size", [(28, 28), (14, 21)])
def test_digits_draw_each_change_and_a_skew_only_where_it_is_wanted(size):
    x, draws = images(40, *size), tf.random.Generator.from_seed(4)
    ranges = dict(right=2.0, down=2.0, angle=12.0, zoom=0.12, skew=20.0)
    drawn = {name: draws.uniform([40], -largest, largest) for name, largest in ranges.items()}
    drawn["zoom"] = tf.exp(drawn["zoom"])
    leaning = augment.digits(x, tf.random.Generator.from_seed(4), skew=20.0)
    np.testing.assert_allclose(leaning, augment.moved(x, **drawn), atol=1e-6)
    del drawn["skew"]
    np.testing.assert_allclose(augment.digits(x, tf.random.Generator.from_seed(4)), augment.moved(x, **drawn), atol=1e-6)


def test_digits_name_what_they_cannot_take():
    generator = tf.random.Generator.from_seed(0)
    with pytest.raises(ValueError, match=r"images of shape \[28, 28, 1\], expected \[N, H, W, C\]: batch before map, or add"):
        augment.digits(images(2)[0], generator)
    with pytest.raises(TypeError, match="a Generator, expected a tf.random.Generator"):
        augment.digits(images(2), np.random.default_rng(0))


def test_colour_multiplies_each_channel_of_each_image():
    x = np.random.default_rng(0).uniform(0.1, 0.6, [50, 6, 5, 3]).astype(np.float32)
    changed = augment.colour(x, tf.random.Generator.from_seed(0)).numpy()
    factors = changed / x
    np.testing.assert_allclose(factors, np.broadcast_to(factors[:, :1, :1], x.shape), rtol=1e-5)  # 0.6 * 1.65 is not cut
    assert factors.min() >= np.exp(-0.5) - 1e-6 and factors.max() <= np.exp(0.5) + 1e-6 and factors.std() > 0.2
    assert augment.colour(np.ones_like(x), tf.random.Generator.from_seed(0)).numpy().max() == 1
    with pytest.raises(ValueError, match="1 channels, expected 3"):
        augment.colour(images(2), tf.random.Generator.from_seed(0))


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


# orientation tuning ---------------------------------------------------------------------------------------------------

ANGLES = np.arange(0, 180, 10)


@pytest.mark.parametrize("angle", [0, 30, 90, 140])
def test_a_gabor_filter_prefers_its_own_direction_and_wavelength(angle):
    w = filters.gabor(11, wavelength=6, angle=np.deg2rad(angle), sigma=2.5).astype(np.float32)[..., None, None]

    def maps(x):
        return tf.nn.conv2d(x, w, 1, "VALID")
    curve = orientation.curves(maps, 40, ANGLES, (4, 6, 12))[0]
    assert ANGLES[curve.argmax()] == angle
    np.testing.assert_array_equal(curve, orientation.curves(maps, 40, ANGLES, (6,))[0])
    assert 0.6 < orientation.selectivity(curve[None], ANGLES)[0] < 0.85


def test_gratings_change_in_their_direction_and_do_not_across():
    stripes = orientation.gratings(24, 8, (0, 90))
    assert stripes.shape == (2, 4, 24, 24) and stripes.min() >= 0 and stripes.max() <= 1
    np.testing.assert_allclose(stripes[0], np.broadcast_to(stripes[0, :, :1], stripes[0].shape), atol=1e-6)  # rows alike
    np.testing.assert_allclose(stripes[1], stripes[0].swapaxes(1, 2), atol=1e-6)
    np.testing.assert_allclose(stripes[0, :, :, 8:], stripes[0, :, :, :-8], atol=1e-5)  # the wavelength


def test_selectivity_of_one_direction_all_directions_and_a_cosine():
    cosine = 1 + 0.5 * np.cos(2 * np.deg2rad(ANGLES - 40))  # its mean of exp(2 i angle) has length 0.5 / 2
    curves = np.stack([np.ones(18), np.eye(18)[3], cosine, np.zeros(18)])
    np.testing.assert_allclose(orientation.selectivity(curves, ANGLES), [0, 1, 0.25, 0], atol=1e-12)


# figures --------------------------------------------------------------------------------------------------------------

def test_the_accuracies_are_drawn_with_their_wilson_intervals():
    charts = [dict(title="a", xlabel="x", x=[0, 1], correct={"one": [90, 50], "two": [100, 0]}),
              dict(title="b", xlabel="x", x=[0, 2], correct={"one": [5, 5]})]
    fig = plot.accuracies(charts, 100, title="t", columns=2)
    axis = fig.axes[0]
    np.testing.assert_allclose([line.get_ydata() for line in axis.lines], [[90, 50], [100, 0]])
    band = axis.collections[0].get_paths()[0].vertices
    for x, correct in ((0, 90), (1, 50)):
        edges = band[band[:, 0] == x, 1]
        np.testing.assert_allclose([edges.min(), edges.max()], 100 * np.array(wilson_interval(correct, 100)))
    plot.show(fig, alt="two panels")


def test_the_tuning_figure_closes_the_circle():
    fig = plot.tuning({"a": np.array([[1.0, 2.0, 4.0]])}, np.array([0, 60, 120]), title="t")
    np.testing.assert_allclose(fig.axes[0].lines[0].get_xydata(), [[0, 0.25], [60, 0.5], [120, 1], [180, 0.25]])
    plot.show(fig, alt="one panel")


def test_the_stored_figure_shows_the_most_selective_of_the_channels_that_respond(monkeypatch):
    """A network whose layers are Gabor filters of eight directions, most of them so weak that they are not looked at."""
    kernel = np.stack([filters.gabor(9, 6, np.pi * n / 8, 2.5) for n in range(8)], axis=-1).astype(np.float32)
    kernel = np.repeat(kernel[:, :, None] * np.array([1, 0.01, 1, 0.01, 1, 0.01, 1, 0.01]), 3, axis=2) / 3
    inputs = keras.Input([40, 40, 3])
    first = keras.layers.Conv2D(8, 9, use_bias=False, name="Conv1_relu")
    inner = keras.Model(inputs, keras.layers.Conv2D(8, 1, use_bias=False, name="block_2_expand_relu")(first(inputs)))
    inner.set_weights([kernel, np.eye(8)[None, None]])
    outer = keras.Input([40, 40, 3])
    monkeypatch.setattr(figures.pretrained, "imagenet", lambda: (keras.Model(outer, inner(2 * outer - 1)), []))
    monkeypatch.setattr(figures.pretrained, "SIDE", 40)
    fig, about = figures.orientation()
    assert {one["channels"] for one in about["layers"].values()} == {8} and "Apache-2.0" in about["network"]
    for axis in fig.axes[:2]:
        peaks = sorted(line.get_xdata()[np.argmax(line.get_ydata())] for line in list(axis.lines)[:4])
        np.testing.assert_allclose(peaks, [0, 45, 90, 135], atol=5)  # gratings are 10 degrees apart
    monkeypatch.setattr(figures.pretrained, "imagenet", lambda: None)
    assert figures.orientation() is None


# what augmentation is worth -------------------------------------------------------------------------------------------

@pytest.mark.parametrize("kind", augment.CHANGES | augment.COLOUR_CHANGES)
def test_each_change_has_one_strength_that_changes_nothing(kind):
    _, strengths, change = (augment.CHANGES | augment.COLOUR_CHANGES)[kind]
    x = np.full([1, 28, 28, 3], [0.0, 0.3, 0.1], np.float32)
    x[..., 0] = np.linspace(0.4, 1, 28)  # red grows to the right
    sizes = [float(tf.norm(change(tf.constant(x), s) - x)) for s in strengths]
    none = list(strengths).index(0 if 0 in strengths else 1)
    assert sizes[none] < 1e-3 < min(size for place, size in enumerate(sizes) if place != none)
    for s in strengths:
        assert 0 <= np.min(change(tf.constant(x), s)) and np.max(change(tf.constant(x), s)) <= 1 + 1e-6


def test_the_hue_moves_from_red_over_green_to_blue():
    red = np.zeros([1, 2, 2, 3], np.float32)
    red[..., 0] = 1
    change = augment.COLOUR_CHANGES["Hue"][2]
    np.testing.assert_allclose(change(red, 120)[0, 0, 0], [0, 1, 0], atol=1e-5)
    np.testing.assert_allclose(change(change(red, 120), 120)[0, 0, 0], [0, 0, 1], atol=1e-5)


@pytest.mark.parametrize("make, dataset, training_of",
                         [(augmentation.digits_net, "digits", "train_lenet"), (augmentation.signs_net, "signs", "fit")])
def test_the_two_networks_of_a_seed_differ_in_the_augmentation_alone(monkeypatch, make, dataset, training_of):
    trained = []
    monkeypatch.setattr(augmentation.training, training_of, lambda network, *rest, **options: trained.append(
        ([v.numpy() for v in network.trainable_variables], {*rest[1:], *options.values()})))
    for change in (augmentation.as_they_are, augment.colour):
        make(dataset, change, 3)
    make(dataset, augment.colour, 4)
    (start, how), (same_start, other_how), (other_start, _) = trained
    np.testing.assert_equal(start, same_start)
    assert how ^ other_how == {augmentation.as_they_are, augment.colour}
    assert any(not np.allclose(one, other) for one, other in zip(start, other_start))


def test_what_is_stored_about_augmentation_is_complete():
    stored = json.loads(augmentation.RESULTS.read_text(encoding="utf-8"))
    assert list(stored) == list(augmentation.ROWS)
    for name, row in stored.items():
        changes = augment.CHANGES if name.startswith("digits") else augmentation.ON_SIGNS
        assert list(row["changes"]) == list(changes)
        unchanged = []
        for kind, (_, strengths, _) in changes.items():
            found, none = row["changes"][kind], 0 if 0 in strengths else 1
            assert found["strengths"] == list(strengths) and np.shape(found["accuracy"]) == (augmentation.SEEDS, len(strengths))
            unchanged.append(np.array(found["accuracy"])[:, found["strengths"].index(none)])
        # The same images, but for rounding, read by the same networks.
        np.testing.assert_allclose(unchanged, unchanged[:1] * len(changes), atol=2 / row["test images"])
