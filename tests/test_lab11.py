"""Lab 11: the reference step against finite differences; the games; right answers written another way."""
import numpy as np
import pytest
from scipy.linalg import sqrtm

from utils import checks
from utils.checks import lab11
from utils.generative import minimax
from utils.quiet import tf


# task 4: the reference -------------------------------------------------------------------------------------

@pytest.mark.parametrize("name", ["d", "g", "saturating", "caught", "swapped"])
def test_the_reference_gradients_are_the_slopes_of_the_losses(name):
    networks = lab11.small_gan()
    rng = np.random.default_rng(0)
    x, z = (tf.constant(rng.normal(size=[8, side]), tf.float32) for side in (2, 3))
    _, slopes = lab11.gradients(*networks, x, z, names=[name])
    for network, slope in zip(networks, slopes[name]):
        variables = network.trainable_variables
        direction = [rng.normal(size=variable.shape) for variable in variables]
        ends = []
        for step in (-1e-3, 1e-3):
            for variable, way in zip(variables, direction):
                variable.assign_add(step * way)
            ends.append(float(lab11.gradients(*networks, x, z)[0][name]))
            for variable, way in zip(variables, direction):
                variable.assign_sub(step * way)
        expected = np.concatenate([way.ravel() for way in direction]) @ slope
        assert (ends[1] - ends[0]) / 2e-3 == pytest.approx(expected, rel=0.02, abs=2e-3)


def test_the_reference_losses_are_those_of_the_paper():
    generator, discriminator = lab11.small_gan()
    rng = np.random.default_rng(0)
    x, z = (tf.constant(rng.normal(size=[8, side]), tf.float32) for side in (2, 3))
    losses, _ = lab11.gradients(generator, discriminator, x, z)
    p_real, p_made = (1 / (1 + np.exp(-discriminator(points, training=True).numpy().astype(float)))
                      for points in (x, generator(z, training=True)))
    expected = -np.mean(np.log(p_real)) - np.mean(np.log(1 - p_made))
    assert float(losses["d"]) == pytest.approx(expected, rel=1e-4)
    assert float(losses["g"]) == pytest.approx(-np.mean(np.log(p_made)), rel=1e-4)


# task 5: the games show what they are said to show ---------------------------------------------------------

def test_each_game_shows_its_fault():
    games = lab11.games()
    covered = {letter: minimax.covered(game["made"]) for letter, game in games.items()}
    assert covered["Q"][0] == 8 and covered["Q"][1] > 0.6  # nothing is wrong
    assert max(covered[letter][0] for letter in "PRST") < 7
    end = {letter: [game[name][-20:].mean() for name in ("d_real", "d_made")]
           for letter, game in games.items()}
    assert end["P"][0] > 0.95 and end["P"][1] < 0.05  # D too strong
    assert end["R"][1] > 0.9 and end["R"][0] < 0.75  # D too weak
    assert np.linalg.norm(games["R"]["made"], axis=1).mean() > 5
    assert all(abs(p - 0.5) < 0.15 for letter in "QT" for p in end[letter])
    spread = {letter: np.linalg.norm(games[letter]["made"].std(axis=0)) for letter in "ST"}
    assert spread["T"] < 0.6 < spread["S"]  # collapsed, stopped too early
    assert len(games["S"]["d_real"]) < 100


def test_slerp_of_the_checks_turns_by_even_angles():
    angles = np.linspace(0, 2.5, 6)
    a, b = np.array([[2.0, 0]]), 2 * np.array([[np.cos(2.5), np.sin(2.5)]])
    for t, angle in zip(np.linspace(0, 1, 6), angles):
        assert np.allclose(lab11._slerp(a, b, t), [[2 * np.cos(angle), 2 * np.sin(angle)]])


# right answers written another way -------------------------------------------------------------------------

def best_discriminator(p, q):
    return np.divide(p, p + q, out=np.full(p.shape, 0.5), where=(p + q) != 0)


def value(p, q, d, dx):
    total = 0.0
    for one, other, probability in zip(p, q, d):
        total += one * np.log(probability) if one else 0
        total += other * np.log1p(-probability) if other else 0
    return total * dx


def transposed_convolution(x, kernel, stride):
    (h, w), k = x.shape, len(kernel)
    wide = np.zeros([stride * (h - 1) + 2 * k - 1, stride * (w - 1) + 2 * k - 1])
    wide[k - 1:k - 1 + stride * h:stride, k - 1:k - 1 + stride * w:stride][:h, :w] = x
    windows = np.lib.stride_tricks.sliding_window_view(wide, (k, k))
    return (windows * np.rot90(kernel, 2)).sum(axis=(2, 3))


def discriminator_loss(on_real, on_made, real=1.0, made=0.0):
    each = np.logaddexp(0, on_real) - real * on_real + np.logaddexp(0, on_made) - made * on_made
    return each.mean()


def generator_loss(on_made):
    return -np.mean(np.minimum(on_made, 0) - np.log1p(np.exp(-abs(on_made))))


def train_step(generator, discriminator, g_optimizer, d_optimizer, x, z):
    loss = tf.keras.losses.BinaryCrossentropy(from_logits=True)
    with tf.GradientTape(persistent=True) as tape:
        on_made = discriminator(generator(z, training=True), training=True)
        on_real = discriminator(x, training=True)
        d_loss = loss(tf.ones_like(on_real), on_real) + loss(tf.zeros_like(on_made), on_made)
        g_loss = loss(tf.ones_like(on_made), on_made)
    pairs = [list(zip(tape.gradient(loss, network.trainable_variables), network.trainable_variables))
             for loss, network in ((g_loss, generator), (d_loss, discriminator))]
    for optimizer, pair in zip((g_optimizer, d_optimizer), pairs):
        optimizer.apply_gradients(pair)
    return [d_loss, g_loss]


def covered(points, centres, radius):
    near = np.array([[np.hypot(*(point - centre)) < radius for centre in centres] for point in points])
    full = near.sum(axis=0) >= len(points) / 100
    return np.array([np.count_nonzero(full), near.any(axis=1).sum() / len(points)])


def slerp(a, b, t):
    rows = []
    for one, other in zip(a, b):
        cosine = one @ other / (np.linalg.norm(one) * np.linalg.norm(other))
        omega = np.arccos(min(1.0, cosine))
        rows.append(one + t * (other - one) if np.sin(omega) < 1e-6 else
                    (np.sin(omega - t * omega) * one + np.sin(t * omega) * other) / np.sin(omega))
    return np.array(rows)


def frechet_distance(a, b):
    a, b = a - b.mean(axis=0), b - b.mean(axis=0)
    centred = a - a.mean(axis=0)
    covariances = centred.T @ centred / (len(a) - 1), b.T @ b / (len(b) - 1)
    root = sqrtm(covariances[0] @ covariances[1]).real
    return np.trace(covariances[0] + covariances[1] - 2 * root) + a.mean(axis=0) @ a.mean(axis=0)


def invert_step(generator, z, images, rate):
    n, restarts, latent = z.shape
    rows, wanted = tf.reshape(z, [n * restarts, latent]), tf.repeat(images, restarts, axis=0)
    with tf.GradientTape() as tape:
        tape.watch(rows)
        errors = tf.reduce_sum(tf.square(wanted - generator(rows, training=False)), axis=(1, 2, 3))
    rows -= rate * tape.gradient(errors, rows)
    return [tf.reshape(rows, z.shape), tf.reshape(errors, [n, restarts])]


def best_restart(z, errors):
    return np.array([row[int(place)] for row, place in zip(z.numpy(), np.argmin(errors, axis=1))])


def test_right_answers_written_another_way_pass():
    lab11.game(best_discriminator, value)
    lab11.transposed(transposed_convolution)
    lab11.losses(discriminator_loss, generator_loss)
    lab11.step(train_step)
    lab11.modes(covered)
    lab11.diagnosis(lambda: dict(zip("PQRST", np.array([3, 1, 4, 5, 2]))))
    lab11.spherical(slerp)
    lab11.frechet(frechet_distance)
    lab11.inversion(invert_step, best_restart)


def test_a_number_that_is_not_whole_is_no_cause():
    with pytest.raises(checks.CheckFailed, match="Panel P: 3.5 is not the number of a cause"):
        lab11.diagnosis(lambda: dict.fromkeys("PQRST", 3.5))
