"""A generator of films: it moves the last frame on, as the two frames before tell it, then goes on from what it drew (unit 11).

Films are float32 [N, T, 16, 16] in [0, 1] (`utils.data.films`). A single frame says where things are, two say where they go: for
films in which all moves by a rule, two frames are the complete state.
"""
import numpy as np

from utils.data.films import FRAMES, SIDE
from utils.quiet import tf
from utils.steps import descend

keras = tf.keras.layers
GIVEN = 2  # frames at the start of a film that are not generated
REACH = 5  # width of the filter that moves a frame: up to two pixels each way


def motion(filters: tuple[int, int] = (16, 32)) -> tf.keras.Model:
    """Two frames [N, 16, 16, 2] -> the filter that makes the third one out of the second, [N, 25], a row of 5x5 numbers.

    As in Finn et al. 2016, whose networks give several filters for a frame. A filter with a single 1 moves the frame by whole
    pixels, one with several numbers by parts of them. The last layer begins with the filter that changes nothing.
    """
    nothing = np.eye(REACH**2)[REACH**2 // 2]  # a 1 in the middle
    return tf.keras.Sequential([
        tf.keras.Input([SIDE, SIDE, GIVEN]),
        keras.Conv2D(filters[0], 5, 2, padding="same", activation="relu"),  # [N, 8, 8, .]
        keras.Conv2D(filters[1], 5, 2, padding="same", activation="relu"),  # [N, 4, 4, .]
        keras.Flatten(), keras.Dense(64, activation="relu"),
        keras.Dense(REACH**2, kernel_initializer="zeros", bias_initializer=tf.keras.initializers.Constant(nothing)),
    ])


def filtered_frames(frames: tf.Tensor, filters: tf.Tensor) -> tf.Tensor:
    """Frames [N, H, W], each filtered (correlation, SAME) by its own 5x5 numbers [N, 25], clipped to [0, 1]."""
    patches = tf.image.extract_patches(frames[..., None], [1, REACH, REACH, 1], [1, 1, 1, 1], [1, 1, 1, 1], "SAME")
    return tf.clip_by_value(tf.einsum("nhwk,nk->nhw", patches, filters), 0.0, 1.0)


def continued(network: tf.keras.Model, start: tf.Tensor, frames: int) -> tf.Tensor:
    """Films of `frames` frames that begin with `start` [N, 2, 16, 16]: each further one is made from the two before it."""
    film = list(tf.unstack(start, num=GIVEN, axis=1))
    while len(film) < frames:
        film.append(filtered_frames(film[-1], network(tf.stack(film[-GIVEN:], axis=-1))))
    return tf.stack(film, axis=1)


def train(network: tf.keras.Model, films: np.ndarray, *, steps: int, batch_size: int = 32, learning_rate: float = 2e-3,
          seed: int = 0) -> list[float]:
    """Train `network` on films [N, 8, 16, 16]: to go on from the first two frames as they do.

    The loss is the mean square error of the other six frames. The gradient goes through all six, so the network learns to live
    with its own errors. Adam, whose step size falls to 0 on a cosine. Returns the mean error for each 100 steps.
    """
    data, random = tf.constant(films, tf.float32), tf.random.Generator.from_seed(seed)

    def loss(step: tf.Tensor) -> tf.Tensor:
        film = tf.gather(data, random.uniform([batch_size], 0, len(films), tf.int32))
        return tf.reduce_mean((continued(network, film[:, :GIVEN], FRAMES) - film)[:, GIVEN:] ** 2)

    return descend(network, loss, steps=steps, learning_rate=learning_rate)
