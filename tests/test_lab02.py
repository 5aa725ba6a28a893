"""Lab 02: what the checks see of a Keras model, and that each panel has its cause."""
import pytest

from utils import checks, diagnosis
from utils.checks import lab02
from utils.quiet import tf

Dense, Input, Sequential = tf.keras.layers.Dense, tf.keras.Input, tf.keras.Sequential


def test_a_number_that_is_not_whole_is_no_cause():
    with pytest.raises(checks.CheckFailed, match="Panel P: 5.0 is not the number of a cause"):
        lab02.diagnosis(lambda: dict.fromkeys("PQRSTU", 5.0))


def test_each_panel_has_a_cause():
    assert diagnosis.faulty_networks().keys() == lab02.FAULTS.keys() == lab02.SEEN.keys()
    assert set(lab02.FAULTS.values()) < diagnosis.CAUSES.keys()


@pytest.mark.parametrize("last, name", [
    (Dense(2), ""), (Dense(2, "softmax"), "softmax"), (tf.keras.layers.Softmax(), "softmax"),
    (tf.keras.layers.Activation("sigmoid"), "sigmoid"), (Sequential([Dense(2, "relu")]), "relu")])
def test_the_last_activation_is_seen_however_it_is_written(last, name):
    def build():
        return Sequential([Input([2]), Dense(2), last])
    build.__module__ = "notebook"
    assert lab02._built(build, "The model", 2)[0] == name


def test_a_stub_is_replaced_by_the_given_function():
    def stub(x):
        raise NotImplementedError

    def own(x):
        return x
    assert lab02.written(stub, abs) is lab02.written(None, abs) is abs
    assert lab02.written(own, abs) is own
