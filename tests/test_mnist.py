"""Short trainings on MNIST, each with a floor of its own. What full ones reach: course.py acceptance.

Skipped without COURSE_DATA.
"""
import os

import numpy as np
import pytest
from conftest import REAL_DATA

from utils import data, networks, session, training
from utils.generative import autoencoders, gans
from utils.quiet import tf


@pytest.fixture(scope="module")
def mnist() -> data.Dataset:
    if not REAL_DATA:
        pytest.skip("COURSE_DATA is not set")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COURSE_DATA", os.path.abspath(REAL_DATA))
        return data.load("digits")


@pytest.fixture(scope="module")
def lenet(mnist) -> tf.keras.Model:
    """Unit 03's recipe, 400 steps of its 6,000."""
    session.start(3)
    model = networks.lenet((32, 64), "valid", 0.3)
    training.train_lenet(model, mnist, steps=400)
    return model


def test_lenet(mnist, lenet):
    assert training.evaluate(lenet, mnist.x_test, mnist.y_test) > 0.97


def test_codes_of_dimension_30_beside_the_published_errors(mnist):
    """Hinton and Salakhutdinov (2006), squared error per digit: PCA 13.87.

    A deep autoencoder is past it after one epoch of 45.
    """
    rows, test = mnist.x_train.reshape(len(mnist.x_train), -1), mnist.x_test.reshape(len(mnist.x_test), -1)
    mean, components, _ = autoencoders.pca(rows, 30)
    answer = mean + (test - mean) @ components.T @ components
    assert np.mean(autoencoders.squared_error(test, answer)) == pytest.approx(13.87, abs=0.05)

    session.start(10)
    deep = tf.keras.Sequential([autoencoders.encoder(30, (500,)), autoencoders.decoder(30, (500,))])
    deep.compile(tf.keras.optimizers.Adam(1e-3), autoencoders.squared_error, steps_per_execution=20)
    deep.fit(mnist.x_train, mnist.x_train, batch_size=128, epochs=1, verbose=0)
    assert np.mean(autoencoders.squared_error(mnist.x_test, deep.predict(mnist.x_test, verbose=0))) < 13


def test_a_conditional_gan_draws_digits_that_a_lenet_reads(mnist, lenet):
    """After 400 steps of 4,000 most samples are read as the digit that was ordered."""
    session.start(11)
    gan = gans.GAN(gans.generator(32 + 10), gans.discriminator(1 + 10), learning_rate=6e-4)
    gans.train(gan, mnist.x_train, mnist.y_train, steps=400, real=(0.7, 1.2), fake=(0.0, 0.3), noise=0.05)
    ordered = np.arange(1000) % 10
    confidence = tf.nn.softmax(training.predict(lenet, gans.sample(gan, 1000, label=ordered))).numpy()
    assert np.mean(confidence.argmax(axis=1) == ordered) > 0.4  # .67 with one seed; chance is .1
