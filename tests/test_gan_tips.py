"""The settings of `course.py bench tips`: each changes what it says and nothing else; what is stored is complete."""
import json

import numpy as np
import pytest
from scipy import stats

from utils.generative import gans
from utils.instructor import tips
from utils.quiet import tf

PLAIN = tips.SETTINGS["plain"]
X = np.random.default_rng(0).random((3, 28, 28, 1), np.float32)


def test_the_plain_discriminator_is_that_of_the_course():
    ours, theirs = tips.discriminator(PLAIN), gans.discriminator(1, tips.WIDTH)
    ours.set_weights(theirs.get_weights())
    np.testing.assert_allclose(ours(X, training=True), theirs(X, training=True), atol=1e-6)


@pytest.mark.parametrize("name", tips.SETTINGS)
def test_each_discriminator_gives_one_logit(name):
    setting = tips.SETTINGS[name]
    network = tips.discriminator(setting)
    assert network(X).shape == (3, 1) and network.layers[-1].activation is tf.keras.activations.linear
    assert [layer.filters for layer in network.layers if hasattr(layer, "filters")] == [setting.d_width, 2 * setting.d_width]
    assert network.layers[-2].output.shape[-1] == 7 * 7 * 2 * setting.d_width


def test_each_setting_of_d_changes_what_its_name_says():
    def kinds(name: str) -> list[str]:
        return [type(layer).__name__ for layer in tips.discriminator(tips.SETTINGS[name]).layers]

    plain = kinds("plain")
    relu = ["ReLU" if kind == "LeakyReLU" else kind for kind in plain]
    assert kinds("ReLU in D") == relu != plain
    pooled = [kind for one in plain for kind in ([one, "MaxPooling2D"] if one == "LeakyReLU" else [one])]
    assert kinds("max pooling in D") == pooled
    assert kinds("ReLU and max pooling in D") == ["ReLU" if kind == "LeakyReLU" else kind for kind in pooled]
    assert kinds("D limited: dropout .5") == [*plain[:-1], "Dropout", plain[-1]]
    rates = [float(one.learning_rate) for one in tips.new_gan(tips.SETTINGS["D limited: a quarter of the rate"], 0).optimizers]
    assert rates == pytest.approx([tips.RATE, tips.RATE / 4])


def test_a_uniform_z_has_deviation_1():
    through = tips.from_uniform(tf.keras.Sequential([tf.keras.Input([4]), tf.keras.layers.Activation("linear")]))
    z = np.ravel(through(np.random.default_rng(1).normal(size=[5000, 4]).astype(np.float32)))
    assert stats.kstest(z, stats.uniform(-np.sqrt(3), 2 * np.sqrt(3)).cdf).pvalue > 0.01
    assert z.mean() == pytest.approx(0, abs=0.03) and z.std() == pytest.approx(1, abs=0.02)


def test_a_restart_is_a_new_gan_with_the_same_weights_for_all_settings():
    gan = tips.new_gan(PLAIN, 3)
    gan.optimizers[0].apply([tf.ones_like(v) for v in gan.generator.trainable_variables])
    tips.restart(gan, PLAIN, 4)
    new, uniform = tips.new_gan(PLAIN, 4), tips.new_gan(tips.SETTINGS["uniform z"], 4)
    for one in (gan, uniform):
        np.testing.assert_equal([w.numpy() for w in one.generator.weights], [w.numpy() for w in new.generator.weights])
        np.testing.assert_equal(one.discriminator.get_weights(), new.discriminator.get_weights())
    assert int(gan.optimizers[0].iterations) == 0
    np.testing.assert_array_equal(gan.random.normal([3]), new.random.normal([3]))


def test_what_is_stored_is_complete():
    stored = json.loads(tips.RESULTS.read_text(encoding="utf-8"))
    assert list(stored) == list(tips.SETTINGS)
    for name, row in stored.items():
        assert all(len(row[key]) == tips.SEEDS and min(row[key]) >= 0
                   for key in ("Fréchet", "precision", "recall", "confidence", "rarest class"))
        assert row["steps"] == tips.SETTINGS[name].steps
