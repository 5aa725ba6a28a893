"""The game on a line and in the plane against closed forms, integration, and gradients by differences."""
import numpy as np
import pytest
from scipy import integrate, optimize, stats
from scipy.spatial.distance import jensenshannon

from utils.generative import minimax
from utils.quiet import tf

X = np.linspace(-12, 12, 4801)
CELL = X[1] - X[0]
P = stats.norm.pdf(X)


def test_optimal_discriminator_is_one_half_without_any_density():
    p, q = np.array([1.0, 3.0, 0.0, 0.0]), np.array([1.0, 1.0, 2.0, 0.0])
    np.testing.assert_allclose(minimax.optimal_discriminator(p, q), [0.5, 0.75, 0.0, 0.5])


@pytest.mark.parametrize("mean, deviation", [(0.0, 1.0), (1.5, 1.0), (-1.0, 0.4)])
def test_value_at_the_optimum(mean, deviation):
    """Goodfellow et al. 2014, theorem 1; integral and maximum by SciPy's quadrature and optimiser."""
    q = stats.norm.pdf(X, mean, deviation)

    def integrand(x: float) -> float:
        p, made = stats.norm.pdf(x), stats.norm.pdf(x, mean, deviation)
        best = optimize.minimize_scalar(lambda d: -p * np.log(d) - made * np.log(1 - d), method="bounded",
                                        bounds=(1e-9, 1 - 1e-9), options={"xatol": 1e-10})
        return -best.fun

    best = minimax.optimal_discriminator(P, q)
    expected, _ = integrate.quad(integrand, -6, 6, points=[mean], limit=200)
    highest = minimax.value(P, q, best, CELL)
    assert highest == pytest.approx(expected, abs=1e-4)
    assert highest == pytest.approx(-np.log(4) + 2 * minimax.jensen_shannon(P, q, CELL))
    for change in (-0.02, 0.02):
        assert minimax.value(P, q, np.clip(best + change, 1e-6, 1 - 1e-6), CELL) < highest


def test_value_of_a_sure_and_wrong_discriminator_is_finite():
    one = np.ones(1)
    assert minimax.value(one, 0 * one, 0 * one, 1.0) == pytest.approx(np.log(1e-12))
    assert minimax.value(one, 0 * one, one, 1.0) == pytest.approx(0, abs=1e-11)


def test_jensen_shannon_against_scipy_and_at_its_ends():
    q = stats.norm.pdf(X, 1.3, 0.7)
    expected = jensenshannon(P * CELL, q * CELL) ** 2
    assert minimax.jensen_shannon(P, q, CELL) == pytest.approx(expected, rel=1e-6)
    assert minimax.jensen_shannon(P, P, CELL) == 0
    apart = (X < 0) / 12.0, (X > 0) / 12.0
    assert minimax.jensen_shannon(*apart, CELL) == pytest.approx(np.log(2), rel=1e-3)


def test_ring_has_its_moments():
    points = minimax.ring(40_000, seed=1)
    nearest = np.linalg.norm(points[:, None] - minimax.centres(), axis=2)
    assert np.bincount(nearest.argmin(axis=1)) / len(points) == pytest.approx(np.full(8, 1 / 8), abs=0.01)
    assert np.mean(nearest.min(axis=1) ** 2) == pytest.approx(2 * 0.1**2, rel=0.03)
    np.testing.assert_array_equal(points, minimax.ring(40_000, seed=1))


def test_covered_counts_what_was_put_there():
    places = minimax.centres()
    assert minimax.modes_covered(minimax.ring(2000)) == (8, pytest.approx(1, abs=2e-3))
    assert minimax.modes_covered(np.repeat(places[:3], 100, axis=0)) == (3, 1.0)
    assert minimax.modes_covered(np.zeros((50, 2))) == (0, 0.0)
    few = np.concatenate([np.repeat(places[:1], 98, axis=0), places[1:2], np.zeros((1, 2))])
    assert minimax.modes_covered(few) == (1, 0.99)  # one point in a hundred is not a mode covered
    with pytest.raises(ValueError, match="no points"):
        minimax.modes_covered(np.zeros((0, 2)))


def game(**options) -> minimax.Game:
    tf.keras.utils.set_random_seed(0)
    together = options.get("together", 1)
    return minimax.Game(minimax.dense(1, 1), minimax.dense(together, 1, (4,)), **options)


@pytest.mark.parametrize("saturating", [False, True])
def test_both_players_follow_their_own_loss(saturating):
    """One step of Adam moves each weight by its rate, against the sign of its gradient by differences."""
    one, start = game(rates=(1e-3, 1e-4), seed=5), game(rates=(1e-3, 1e-4), seed=5)
    points = np.full((200, 1), 2.0, np.float32)
    one.play(points, 1, saturating=saturating)

    start.random.uniform([minimax.BATCH], 0, 200, tf.int32)  # the same numbers as in `loop`
    z = [start.random.normal([minimax.BATCH, 1]) for _ in range(2)]

    def d_loss() -> float:
        on_real = start.discriminator(points[:minimax.BATCH]).numpy()
        on_made = start.discriminator(start.generator(z[0])).numpy()
        return np.mean(np.logaddexp(0, -on_real) + np.logaddexp(0, on_made))

    def g_loss() -> float:
        made = start.discriminator(start.generator(z[1])).numpy()
        return np.mean(-np.logaddexp(0, made)) if saturating else np.mean(np.logaddexp(0, -made))

    for network, after, loss, rate in ((start.discriminator, one.discriminator, d_loss, 1e-4),
                                       (start.generator, one.generator, g_loss, 1e-3)):
        for before, moved in zip(network.trainable_variables, after.trainable_variables):
            slope, kept = np.zeros(before.shape), before.numpy()
            for place in np.ndindex(*before.shape):
                sides = []
                for change in (1e-3, -1e-3):
                    shifted = kept.copy()
                    shifted[place] += change
                    before.assign(shifted)
                    sides.append(loss())
                slope[place] = sides[0] - sides[1]
            before.assign(kept)
            clear = np.abs(slope) > 2e-5
            change = moved.numpy() - kept
            np.testing.assert_allclose(change[clear], -rate * np.sign(slope)[clear], rtol=0.02)
            assert clear.any()
        for before, moved in zip(network.variables, after.variables):
            before.assign(moved)  # G is updated against the new D


def test_a_game_that_is_restarted_is_a_new_one():
    """The same seed gives the same game, whatever was played before, another seed another one; nothing is compiled again."""
    points, ends = np.full((200, 1), 2.0, np.float32), []
    one = game(rates=(1e-2, 1e-2))
    for seed, rates in ((3, (1e-3, 1e-4)), (3, (1e-3, 1e-4)), (4, (1e-3, 1e-4)), (3, (0.0, 1e-4))):
        one.restart(seed, rates)
        first = one.generator.get_weights()
        one.play(points, 5)
        ends.append([first[0], one.generator.get_weights()[0], one.discriminator.get_weights()[0]])
    np.testing.assert_equal(ends[0], ends[1])
    assert np.abs(ends[0][0] - ends[2][0]).max() > 1e-3 and np.abs(ends[0][2] - ends[2][2]).max() > 1e-3
    np.testing.assert_allclose(np.abs(ends[0][1] - ends[0][0]), 5e-3, rtol=0.05)  # five steps of Adam, one direction
    np.testing.assert_array_equal(ends[3][1], ends[0][0])  # the rate 0
    one.play(points, 1, saturating=True)
    assert one.loop.experimental_get_tracing_count() == 1


def test_the_generator_is_updated_as_often_as_asked():
    """Adam's first steps are as long as its rate, whatever the gradient; what D said, it said before its update."""
    points, one = np.full((200, 1), 2.0, np.float32), game(rates=(1e-3, 1e-4), seed=5)
    one.random.uniform([minimax.BATCH], 0, 200, tf.int32)  # the same numbers as in `loop`
    on_made = one.judge(one.made(minimax.BATCH))
    expected = [float(tf.reduce_mean(tf.sigmoid(logits))) for logits in (one.judge(tf.constant(points)), on_made)]
    one.random.reset_from_seed(5)
    before = one.generator.get_weights()[0]
    np.testing.assert_allclose(one.play(points, 1, g_steps=0), [expected], rtol=1e-5)
    np.testing.assert_array_equal(one.generator.get_weights()[0], before)
    assert one.play(points, 2, g_steps=3).shape == (2, 2)
    np.testing.assert_allclose(np.abs(one.generator.get_weights()[0] - before), 6e-3, rtol=0.1)
    assert [int(optimizer.iterations) for optimizer in one.optimizers] == [6, 3]


def test_points_are_judged_together():
    one = game(rates=(1e-3, 1e-3), together=2)
    judged = one.judge(tf.constant([[1.0], [2.0], [3.0], [4.0]]))
    np.testing.assert_array_equal(judged, one.discriminator(tf.constant([[1.0, 2.0], [3.0, 4.0]])))
    assert abs(judged[0, 0] - judged[1, 0]) > 1e-3
    one.play(np.ones((50, 1), np.float32), 2)


def test_the_generator_finds_the_data():
    tf.keras.utils.set_random_seed(0)
    one = minimax.Game(minimax.dense(1, 1), minimax.dense(1, 1, (32, 32)), rates=(1e-2, 1e-2), seed=1)
    one.play(np.random.default_rng(0).normal(3, 0.5, (2000, 1)).astype(np.float32), 1500)
    made = one.made(2000).numpy()
    assert made.mean() == pytest.approx(3, abs=0.3) and made.std() == pytest.approx(0.5, abs=0.2)


def test_each_of_the_five_games_shows_its_fault():
    games = minimax.games()
    covered = {letter: minimax.modes_covered(game["made"]) for letter, game in games.items()}
    assert covered["Q"][0] == 8 and covered["Q"][1] > 0.6  # nothing is wrong
    assert covered["T"][0] < 4 and covered["T"][1] > 0.6  # good samples on few modes
    assert max(covered[letter][0] for letter in "PRST") < 7
    end = {letter: [game[name][-20:].mean() for name in ("d_real", "d_made")] for letter, game in games.items()}
    assert end["P"][0] > 0.95 and end["P"][1] < 0.05  # D too strong
    assert end["R"][1] > 0.9 and end["R"][0] < 0.75  # D too weak
    assert np.linalg.norm(games["R"]["made"], axis=1).mean() > 5
    assert all(abs(p - 0.5) < 0.15 for letter in "QT" for p in end[letter])
    spread = {letter: np.linalg.norm(games[letter]["made"].std(axis=0)) for letter in "ST"}
    assert spread["T"] < 0.6 < spread["S"]  # collapsed, stopped too early
    assert len(games["S"]["d_real"]) < 100
