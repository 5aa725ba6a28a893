"""Training steps on any loss: those of Adam, as NumPy takes them."""
import numpy as np
import pytest

from utils import steps
from utils.quiet import tf


@pytest.mark.parametrize("count", [60, 250])
def test_descend_takes_the_steps_of_adam_and_gives_the_mean_loss_of_each_hundred(count):
    module = tf.Module()
    module.w = tf.Variable([1.0, -2.0])
    wanted = np.float32([3.0, 0.5])
    means = steps.descend(module, lambda step: tf.reduce_sum((module.w - wanted * tf.cast(step % 2, tf.float32))**2), steps=count,
                          learning_rate=0.05)
    w, m, s, losses = np.array([1.0, -2.0]), 0.0, 0.0, []
    for step in range(count):
        away = w - wanted * (step % 2)
        losses.append(np.sum(away**2))
        m, s = 0.9 * m + 0.1 * 2 * away, 0.999 * s + 0.001 * (2 * away)**2
        rate = 0.05 * (1 + np.cos(np.pi * step / count)) / 2
        w = w - rate * (m / (1 - 0.9**(step + 1))) / (np.sqrt(s / (1 - 0.999**(step + 1))) + 1e-7)
    np.testing.assert_allclose(module.w, w, atol=1e-4)
    np.testing.assert_allclose(means, [np.mean(losses[i:i + 100]) for i in range(0, count, 100)], rtol=1e-4)


def test_with_an_average_the_network_ends_with_it():
    module = tf.Module()
    module.w = tf.Variable(0.0)
    steps.descend(module, lambda step: -module.w, steps=3, learning_rate=1.0, use_ema=True, ema_momentum=1.0)
    assert float(module.w) == pytest.approx(1, abs=1e-5)  # it stays where it begins, at the weight after the first step
