"""The references of lab 04: the block of Keras layers, and the small training that the check interrupts."""
import numpy as np

from utils import layers, networks
from utils.checks.interrupted import practice
from utils.checks.lab04 import keras_block
from utils.quiet import tf


def test_the_block_of_keras_layers_is_that_of_the_course():
    theirs, ours = keras_block(3, 5, 3, 7), layers.DenseBlock(inputs=3, filters=5, convolutions=3, outputs=7)
    rng = np.random.default_rng(4)
    values = [rng.normal(scale=0.4, size=weights.shape) for weights in theirs.weights]
    theirs.set_weights(values)
    parts = [variable for layer in (*ours.convolutions, ours.reduction) for variable in (layer.weights, layer.bias)]
    for variable, value in zip(parts, values, strict=True):
        variable.assign(value)
    x = tf.constant(rng.normal(size=[2, 7, 6, 3]), tf.float32)
    np.testing.assert_allclose(theirs(x), ours(x), rtol=1e-4, atol=1e-5)


def test_its_parameters_are_those_of_the_first_block():
    assert keras_block(1, 16, 2,
                       32).count_params() == 160 + 2464 + 1088 == networks.count_parameters(networks.DenseNet().blocks[0])


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
