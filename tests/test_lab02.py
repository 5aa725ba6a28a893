"""Lab 02: right answers that are written another way than the solution pass; the checks see what a library would hide."""
import numpy as np
import pytest

from utils import checks
from utils.checks import lab02
from utils.quiet import tf


def adam_step(w, gradient, mean, square, step, rate):
    mean, square = mean + 0.1 * (gradient - mean), square + 0.001 * (gradient * gradient - square)
    change = mean / (1 - 0.9**step) / (1e-8 + (square / (1 - 0.999**step))**0.5)
    return [w - rate * change, mean, square]


def adam_in_one_array(*arguments):
    return np.array(adam_step(*arguments))


def standardise(x_train, x):
    deviation = x_train.std(axis=0)
    deviation[deviation == 0] = 1
    return ((x - x_train.mean(axis=0)) / deviation).tolist()


def lamp_features(hours):
    return [[np.sin(angle), np.cos(angle)] for angle in hours * np.pi / 12]


def diagnosis():
    return dict(zip("PQRSTU", np.array([5, 2, 9, 4, 10, 6])))


def test_right_answers_written_another_way_pass():
    lab02.adam(adam_step)
    lab02.adam(adam_in_one_array)
    lab02.data(standardise, lamp_features)
    lab02.diagnosis(diagnosis)


def test_a_number_that_is_not_whole_is_no_cause():
    with pytest.raises(checks.CheckFailed, match="Panel P: 5.0 is not the number of a cause"):
        lab02.diagnosis(lambda: dict.fromkeys("PQRSTU", 5.0))


@pytest.mark.parametrize("last, name", [
    (tf.keras.layers.Dense(2), "dense"), (tf.keras.layers.Dense(2, "softmax"), "softmax"),
    (tf.keras.layers.Softmax(), "softmax"), (tf.keras.layers.Activation("sigmoid"), "sigmoid")])
def test_the_last_activation_is_seen_however_it_is_written(last, name):
    model = tf.keras.Sequential([tf.keras.Input([2]), tf.keras.layers.Dense(2), last])
    assert lab02._last(model) == name.replace("dense", "linear")
