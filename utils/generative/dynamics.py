"""A generator of films: it draws the next frame from the two frames before, then goes on from what it drew (unit 11).

Films are float32 [N, T, 16, 16] in [0, 1] (`utils.data.films`). A single frame says where things are, two say where they go: for
films in which all moves by a rule, two frames are the complete state.
"""
import numpy as np

from utils.data.films import FRAMES, SIDE
from utils.quiet import tf

keras = tf.keras.layers
GIVEN = 2  # frames at the start of a film that are not generated


def next_frame(widths: tuple[int, int] = (16, 32)) -> tf.keras.Model:
    """A small U-Net, two frames [N, 16, 16, 2] -> what changes from the second to the third [N, 16, 16, 1].

    The receptive field is 23 pixels wide, so that every pixel of a digit knows of the wall that it comes to.
    """
    frames = tf.keras.Input([SIDE, SIDE, GIVEN])
    fine = keras.Conv2D(widths[0], 5, padding="same", activation="relu")(frames)
    x = keras.Conv2D(widths[1], 5, 2, padding="same", activation="relu")(fine)  # [N, 8, 8, .]
    x = keras.Conv2D(widths[1], 5, padding="same", activation="relu")(x)
    x = keras.Concatenate()([keras.UpSampling2D()(x), fine])
    x = keras.Conv2D(widths[0], 3, padding="same", activation="relu")(x)
    return tf.keras.Model(frames, keras.Conv2D(1, 5, padding="same", kernel_initializer="zeros")(x))


def continued(network: tf.keras.Model, start: tf.Tensor, frames: int) -> tf.Tensor:
    """Films of `frames` frames that begin with `start` [N, 2, 16, 16]: each further one is drawn from the two before it."""
    film = list(tf.unstack(start, num=GIVEN, axis=1))
    while len(film) < frames:
        change = network(tf.stack(film[-GIVEN:], axis=-1))[..., 0]
        film.append(tf.clip_by_value(film[-1] + change, 0.0, 1.0))
    return tf.stack(film, axis=1)


def train(network: tf.keras.Model, films: np.ndarray, *, steps: int, batch_size: int = 32, learning_rate: float = 2e-3,
          seed: int = 0) -> list[float]:
    """Train `network` on films [N, 8, 16, 16] to go on as they do from their first two frames: the mean square error of the other six.

    The gradient goes through all six, so the network learns to live with its own errors. Adam, whose step size falls to 0 on a
    cosine. Returns the mean error for each 100 steps.
    """
    optimizer = tf.keras.optimizers.Adam(tf.keras.optimizers.schedules.CosineDecay(learning_rate, steps))
    optimizer.build(network.trainable_variables)
    data, random = tf.constant(films, tf.float32), tf.random.Generator.from_seed(seed)

    @tf.function
    def some(count: tf.Tensor) -> tf.Tensor:
        """The mean error of `count` steps."""
        total = 0.0
        for _ in tf.range(count):
            film = tf.gather(data, random.uniform([batch_size], 0, tf.shape(data)[0], tf.int32))
            with tf.GradientTape() as tape:
                error = tf.reduce_mean((continued(network, film[:, :GIVEN], FRAMES) - film)[:, GIVEN:] ** 2)
            optimizer.apply(tape.gradient(error, network.trainable_variables), network.trainable_variables)
            total += error
        return total / tf.cast(count, tf.float32)

    return [float(some(tf.constant(min(100, steps - done)))) for done in range(0, steps, 100)]
