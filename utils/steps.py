"""Steps down any loss, compiled whole: how diffusion models, films (unit 11) and the defences (unit 08) are trained."""
from collections.abc import Callable
from typing import Any

from utils.quiet import tf

STEPS_PER_CALL = 100  # of the compiled function


def descend(network: tf.Module, loss: Callable[[tf.Tensor], tf.Tensor], *, steps: int, learning_rate: float,
            **options: Any) -> list[float]:
    """Train the variables of `network` with Adam, whose step size falls to 0 on a cosine: the mean loss of each 100 steps.

    loss     the number of a step, int [], from 0 -> a scalar []; it takes its batch itself
    options  of Adam. With `use_ema` the network has in the end the moving average of its weights
    """
    variables = network.trainable_variables
    optimizer = tf.keras.optimizers.Adam(tf.keras.optimizers.schedules.CosineDecay(learning_rate, steps), **options)
    optimizer.build(variables)

    @tf.function
    def some(first: tf.Tensor, end: tf.Tensor) -> tf.Tensor:
        """The mean loss of the steps from `first` until before `end`."""
        total = 0.0
        for step in tf.range(first, end):
            with tf.GradientTape() as tape:
                value = loss(step)
            optimizer.apply(tape.gradient(value, variables), variables)
            total += value
        return total / tf.cast(end - first, tf.float32)

    losses = [float(some(tf.constant(first), tf.constant(min(first + STEPS_PER_CALL, steps))))
              for first in range(0, steps, STEPS_PER_CALL)]
    optimizer.finalize_variable_values(variables)
    return losses
