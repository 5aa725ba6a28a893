"""The references of lab 04: the dense block, and the small training that the check interrupts."""
import numpy as np

from utils import layers, networks
from utils.checks.interrupted import practice
from utils.checks.lab04 import block_features
from utils.quiet import tf


def test_the_block_is_that_of_keras_and_of_the_course():
    rng, keras = np.random.default_rng(4), tf.keras.layers
    ours = layers.DenseBlock(inputs=3, filters=5, convolutions=3, outputs=7)
    image = y = tf.keras.Input([None, None, 3])
    for _ in range(3):
        y = keras.Concatenate()([y, keras.Conv2D(5, 3, padding="same", activation="relu")(y)])
    theirs = tf.keras.Model(image, keras.Conv2D(7, 1, activation="relu")(keras.MaxPooling2D()(y)))
    values = [rng.normal(scale=0.4, size=weights.shape).astype(np.float32) for weights in theirs.weights]
    theirs.set_weights(values)
    parts = [variable for layer in (*ours.convolutions, ours.reduction) for variable in (layer.weights, layer.bias)]
    for variable, value in zip(parts, values, strict=True):
        variable.assign(value)
    x = tf.constant(rng.normal(size=[2, 7, 6, 3]), tf.float32)
    *convolutions, reduction = zip(values[::2], values[1::2])
    for features in (ours(x), block_features(x, convolutions, reduction)[0]):
        np.testing.assert_allclose(features, theirs(x), rtol=1e-4, atol=1e-5)


def test_the_parameters_of_the_first_block_are_those_of_the_example():
    assert networks.count_parameters(networks.DenseNet().blocks[0]) == 160 + 2464 + 1088 == 3712


def test_the_small_training_depends_on_all_that_a_checkpoint_must_hold():
    """After a new Adam, other weights or another first step it ends elsewhere: the check can see each of them."""
    def end(seed=1, new_adam=False, again=False) -> np.ndarray:
        model, _, take_step, _ = practice(seed)
        for number in range(3):
            take_step(number)
        if new_adam:
            other, _, take_other, _ = practice(seed)
            other.weights.assign(model.weights)
            model, take_step = other, take_other
        for number in range(0 if again else 3, 6):
            take_step(number)
        return model.weights.numpy()

    np.testing.assert_array_equal(end(), end())
    for other in (end(seed=2), end(new_adam=True), end(again=True)):
        assert np.abs(other - end()).max() > 1e-2
