"""The game of a generator and a discriminator on a line and in the plane, where one can see both (unit 11).

Densities are given on a grid, [N] or [H, W]; points are float32 [N, dimensions]. The value of the game is
V(D, G) = E log D(x) + E log(1 - D(G(z))), in nats (Goodfellow et al. 2014, equation 1).
"""
import numpy as np
from scipy.special import rel_entr, xlogy

from utils import other_versions_names, session
from utils.quiet import tf

__getattr__ = other_versions_names(__name__)

BATCH = 128  # points that the discriminator sees in one step
DEVIATION = 0.1  # of each Gaussian of the ring, in both directions
EQUAL = 2e-3, 2e-3  # learning rates of G and of D at which neither runs away on the ring


# densities -------------------------------------------------------------------------------------------------

def optimal_discriminator(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """D* = p / (p + q), and 1/2 where both are 0, for densities of any shape (Goodfellow et al. 2014, proposition 1)."""
    return np.divide(p, p + q, out=np.full(np.shape(p), 0.5), where=p + q > 0)


def value(p: np.ndarray, q: np.ndarray, d: np.ndarray, cell: float) -> float:
    """V(D, G) for densities p of the data and q of the samples and a discriminator d in [0, 1].

    All on one grid of any shape, whose cells have the length or area `cell`. d is clipped to [1e-12, 1 - 1e-12]: a d that is
    rounded to 0 or 1 in the tails would make the value -infinity.
    """
    d = np.clip(np.asarray(d, np.float64), 1e-12, 1 - 1e-12)
    return float(np.sum(xlogy(p, d) + xlogy(q, 1 - d)) * cell)


def jensen_shannon(p: np.ndarray, q: np.ndarray, cell: float) -> float:
    """The Jensen-Shannon divergence, in nats, of densities on a grid of any shape, whose cells have the length or area `cell`.

    0 where p = q, log 2 where they do not overlap.
    """
    middle = (p + q) / 2
    return float(np.sum(rel_entr(p, middle) + rel_entr(q, middle)) / 2 * cell)


# the ring --------------------------------------------------------------------------------------------------

def centres() -> np.ndarray:
    """Eight points at equal distances on a circle of radius 2, [8, 2]."""
    angles = 2 * np.pi * np.arange(8) / 8
    return 2 * np.stack([np.cos(angles), np.sin(angles)], axis=1)


def ring(n: int, seed: int = 0) -> np.ndarray:
    """n points [n, 2] of eight Gaussians around the centres, all equally probable."""
    rng = np.random.default_rng(seed)
    return (centres()[rng.integers(8, size=n)] + rng.normal(scale=DEVIATION, size=(n, 2))).astype(np.float32)


def modes_covered(points: np.ndarray) -> tuple[int, float]:
    """How many Gaussians of the ring the points [N, 2] cover, and the share of points that lie in any.

    A point lies in a Gaussian when its centre is less than four deviations away; a Gaussian is covered when
    more than a quarter of its fair share of the points lies in it. Raises ValueError for no points.
    """
    if not len(points):
        raise ValueError("There are no points: give at least one, [N, 2].")
    inside = np.linalg.norm(points[:, None] - centres(), axis=2) < 4 * DEVIATION  # [N, 8]
    return int(np.sum(inside.mean(axis=0) > 0.25 / 8)), float(inside.any(axis=1).mean())


# training --------------------------------------------------------------------------------------------------

def dense(inputs: int, outputs: int, hidden: tuple[int, ...] = ()) -> tf.keras.Model:
    """A fully connected network with ReLU between its layers, [N, inputs] -> [N, outputs]."""
    layers = [tf.keras.layers.Dense(units, "relu") for units in hidden]
    return tf.keras.Sequential([tf.keras.Input([inputs]), *layers, tf.keras.layers.Dense(outputs)])


class Game(tf.Module):
    """A generator z -> points, a discriminator points -> logit, and what their training changes.

    generator      [N, latent] -> [N, dimensions], for z standard normal
    discriminator  [N, together * dimensions] -> logits [N, 1]: it judges `together` points at once, all real
                   or all generated (Lin et al. 2018, PacGAN, section 2)
    rates          learning rates of generator and discriminator; Adam with beta_1 = .5
    """

    def __init__(self, generator: tf.keras.Model, discriminator: tf.keras.Model, *,
                 rates: tuple[float, float], together: int = 1, seed: int = 0):
        super().__init__()
        self.generator, self.discriminator, self.together = generator, discriminator, together
        self.optimizers = [tf.keras.optimizers.Adam(rate, beta_1=0.5) for rate in rates]
        for optimizer, network in zip(self.optimizers, (generator, discriminator)):
            optimizer.build(network.trainable_variables)
        self.random = tf.random.Generator.from_seed(seed)

    def restart(self, seed: int, rates: tuple[float, float]) -> None:
        """Begin a new game with networks of the same shape: first weights and points of `seed`, Adam without memories.

        What `loop` has compiled stays, which takes longer than many a game.
        """
        session.start(seed)
        self.random.reset_from_seed(seed)
        for network, optimizer, rate in zip((self.generator, self.discriminator), self.optimizers, rates):
            network.set_weights(tf.keras.models.clone_model(network).get_weights())
            for variable in optimizer.variables:
                variable.assign(tf.zeros_like(variable))
            optimizer.learning_rate = rate

    def judge(self, points: tf.Tensor) -> tf.Tensor:
        """The discriminator's logits [N / together, 1] on points [N, dimensions]."""
        return self.discriminator(tf.reshape(points, [-1, self.together * points.shape[1]]))

    def made(self, n: int) -> tf.Tensor:
        """n points [n, dimensions] of the generator, from new z."""
        return self.generator(self.random.normal([n, self.generator.input_shape[1]]))

    def update(self, player: int, loss: tf.Tensor, tape: tf.GradientTape) -> None:
        """One step down the loss [] of player 0, the generator, or 1, the discriminator; the other one's weights stay."""
        weights = (self.generator, self.discriminator)[player].trainable_variables
        self.optimizers[player].apply(tape.gradient(loss, weights), weights)

    def play(self, points: np.ndarray, steps: int, saturating: bool = False, g_steps: int = 1) -> np.ndarray:
        """`steps` times an update of D and `g_steps` of G, on data points [N, dimensions] in batches of 128.

        G lowers E log(1 - D(G(z))) if `saturating`, else -E log D(G(z)) (Goodfellow et al. 2014, algorithm 1
        and the end of section 3). Returns [steps, 2], what D says on average before its update: of real points and of generated
        ones.
        """
        return self.loop(tf.constant(points), tf.constant(steps), tf.constant(saturating), tf.constant(g_steps)).numpy()

    @tf.function
    def loop(self, points: tf.Tensor, steps: tf.Tensor, saturating: tf.Tensor, g_steps: tf.Tensor) -> tf.Tensor:
        """`play`, compiled whole: points [N, dimensions] -> [steps, 2]."""
        history = tf.TensorArray(tf.float32, steps)
        for step in tf.range(steps):
            chosen = self.random.uniform([BATCH], 0, tf.shape(points)[0], tf.int32)
            with tf.GradientTape() as tape:
                on_real, on_made = self.judge(tf.gather(points, chosen)), self.judge(self.made(BATCH))
                loss = -tf.reduce_mean(tf.math.log_sigmoid(on_real) + tf.math.log_sigmoid(-on_made))
            self.update(1, loss, tape)
            history = history.write(step, [tf.reduce_mean(tf.sigmoid(logits)) for logits in (on_real, on_made)])
            for _ in tf.range(g_steps):
                with tf.GradientTape() as tape:
                    on_made = self.judge(self.made(BATCH))
                    logs = tf.where(saturating, tf.math.log_sigmoid(-on_made), -tf.math.log_sigmoid(on_made))
                    loss = tf.reduce_mean(logs)
                self.update(0, loss, tape)
        return history.stack()


# five games that differ -----------------------------------------------------------------------------------

def games(seed: int = 5) -> dict[str, dict]:
    """Five games on the ring, P to T, for lab 11: for each the points "made" [500, 2], and "d_real", "d_made" by step.

    They differ in the learning rates of G and of D, in how often each is updated, and in how long they last. T, the collapsed
    one, ends after 200 steps or more, at a moment when its samples sit on the data: in between they move on together.
    """
    game, data = Game(dense(4, 2, (64, 64)), dense(2, 1, (64, 64)), rates=EQUAL), ring(2000)

    def play(steps: int, rates: tuple[float, float] = EQUAL, d_first: int = 0) -> dict:
        game.restart(seed, rates)
        game.play(data, d_first, g_steps=0)
        return shown(game.play(data, steps))

    def collapsed() -> dict:
        game.restart(seed, EQUAL)
        history = game.play(data, 200, g_steps=10)
        while modes_covered(game.made(500).numpy())[1] < 0.9 and len(history) < 1000:
            history = np.concatenate([history, game.play(data, 10, g_steps=10)])
        return shown(history)

    def shown(history: np.ndarray) -> dict:
        return dict(made=game.made(500).numpy(), d_real=history[:, 0], d_made=history[:, 1])

    return {"P": play(300, rates=(2e-5, 5e-3), d_first=200), "Q": play(1500), "R": play(60, rates=(2e-3, 1e-6)), "S": play(80),
            "T": collapsed()}
