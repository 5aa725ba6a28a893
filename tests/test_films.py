"""utils.data.films and utils.generative.dynamics: films whose motion is known, and a network that goes on with them."""
import numpy as np
import pytest

from utils import data, pretrained, session
from utils.data import films
from utils.generative import dynamics
from utils.quiet import tf


@pytest.fixture(scope="module")
def digits() -> data.Dataset:
    return data.load("digits")


def test_a_walk_between_two_walls_is_that_of_a_ball():
    """A ball in small steps, whose velocity is turned round at a wall."""
    place, velocity, seen = 0.7, 0.001, []
    for _ in range(20_000):
        seen.append(place)
        if abs(place + velocity) > films.RANGE:
            velocity = -velocity
        place += velocity
    straight = 0.7 + 0.001 * np.arange(20_000)
    np.testing.assert_allclose(films.bounced(straight), seen, atol=3e-3)
    assert films.bounced(np.array([-3.0, 0.0, 3.0, 4.0, -5.0])) == pytest.approx([-3, 0, 3, 2, -1])


def test_the_centre_of_a_point_and_how_far_it_moves():
    film = np.zeros((1, 3, 16, 16), np.float32)
    for frame, (row, column) in enumerate(((7, 8), (7, 8), (4, 12))):
        film[0, frame, row, column] = 0.5
    np.testing.assert_allclose(films.centres_of_mass(film)[0], [[0.5, -0.5], [0.5, -0.5], [4.5, -3.5]], atol=1e-6)
    np.testing.assert_allclose(films.speeds(film)[0], [0, 5], atol=1e-6)
    assert (films.centres_of_mass(0 * film) == 0).all()


def test_digits_keep_their_ink_and_their_speed(digits):
    film = films.films(digits.x_test, seed=1)
    assert film.shape == (500, 8, 16, 16) and film.dtype == np.float32 and 0 <= film.min() <= film.max() <= 1
    ratio = film.sum(axis=(2, 3)) * 4 / digits.x_test.sum(axis=(1, 2, 3))[:, None]
    assert 0.85 < ratio.min() and ratio.max() < 1.0001  # a few digits are wider than 10 pixels: the border cuts some ink off
    centres, speeds = films.centres_of_mass(film), films.speeds(film)
    assert np.abs(centres).max() < films.RANGE + 0.8 and speeds.max() < films.SPEEDS[1] + 0.1
    # Where three centres lie at least 1.5 pixels and a margin from any wall, none was between them: the velocity is the same.
    inside = np.abs(np.stack([centres[:, :-2], centres[:, 1:-1], centres[:, 2:]])).max(axis=(0, 3)) < 1
    turned = np.abs(np.diff(centres, 2, axis=1)).max(axis=2)
    assert inside.sum() > 15 and turned[inside].max() < 0.02 and turned.max() > 1
    assert films.SPEEDS[0] - 0.02 < speeds[:, :-1][inside].min()
    assert (film == films.films(digits.x_test, seed=1)).all() and (film != films.films(digits.x_test, seed=2)).any()


def test_a_filter_with_a_single_one_shifts_and_each_frame_has_its_own():
    frames = np.random.default_rng(0).random((3, 16, 16)).astype(np.float32)
    filters = np.zeros((3, 5, 5), np.float32)
    filters[0, 2, 2] = filters[1, 2, 4] = filters[2, 0, 1] = 1  # reads in place; two to the right; two above, one to the left
    moved = dynamics.filtered_frames(tf.constant(frames), tf.constant(filters.reshape(3, 25))).numpy()
    np.testing.assert_allclose(moved[0], frames[0], atol=1e-6)
    np.testing.assert_allclose(moved[1, :, :-2], frames[1, :, 2:], atol=1e-6)
    np.testing.assert_allclose(moved[2, 2:, 1:], frames[2, :-2, :-1], atol=1e-6)
    assert (moved[1, :, -2:] == 0).all() and (moved[2, :2] == 0).all()  # black comes in from outside
    assert dynamics.filtered_frames(tf.constant(frames), tf.fill([3, 25], 1.0)).numpy().max() == 1


def test_a_network_that_says_no_change_repeats_the_second_frame(digits):
    film = films.films(digits.x_test[:5])
    still = dynamics.continued(dynamics.motion(), tf.constant(film[:, :2]), 6).numpy()  # its last layer begins at 0
    np.testing.assert_array_equal(still[:, :2], film[:, :2])
    np.testing.assert_array_equal(still[:, 2:], np.repeat(film[:, 1:2], 4, axis=1))


def test_training_lowers_the_error(digits):
    session.start(0)
    network = dynamics.motion((8, 8))
    errors = dynamics.train(network, films.films(digits.x_train[:500]), steps=200, batch_size=8)
    assert len(errors) == 2 and errors[1] < 0.9 * errors[0]


@pytest.mark.parametrize("seed", [1, 2])
def test_the_stored_network_moves_unseen_digits_as_the_films_do(digits, seed):
    film = films.films(digits.x_test, seed=seed)
    drawn = dynamics.continued(pretrained.load("digits_films"), tf.constant(film[:, :2]), 8).numpy()
    far = np.linalg.norm(films.centres_of_mass(drawn)[:, -1] - films.centres_of_mass(film)[:, -1], axis=-1).mean()
    still = np.linalg.norm(films.centres_of_mass(film)[:, 1] - films.centres_of_mass(film)[:, -1], axis=-1).mean()
    assert far < 0.5 * still
    assert np.corrcoef(films.speeds(drawn)[:, 1:].ravel(), films.speeds(film)[:, 1:].ravel())[0, 1] > 0.35
