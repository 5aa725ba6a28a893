"""The checks of lab 11: the game of two networks, its losses and its step, and a trained generator at work."""
import warnings
from collections.abc import Callable
from functools import partial

import numpy as np
from scipy import linalg
from scipy.special import expit, xlog1py, xlogy

from utils import other_versions_names
from utils.checks import LIBRARIES, attempt, call, check, equal, inputs, require, results, seeded, shaped, whole, written_out
from utils.checks import lab11_networks as dcgan
from utils.generative import minimax, quality
from utils.quiet import tf

__getattr__ = other_versions_names(__name__)

layers = tf.keras.layers


def _array(function: Callable, *arguments, hints=()):
    """What `call` gives, without warnings; raises CheckFailed for a list."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        got, name = call(function, *arguments, hints=hints), function.__name__
    require(not isinstance(got, list | tuple),
            f"{name} gives a {type(got).__name__}: return one array (np.array makes one of a list).")
    return got


def _compiled(function: Callable, compiled: Callable, expected: np.ndarray) -> None:
    """Raise CheckFailed unless the student's function can be compiled, which `compiled` does, and then gives the same."""
    name = function.__name__
    got = attempt(compiled, f"{name} cannot be compiled: tf.function allows no .numpy(), float() or NumPy function on tensors, "
                            "and no new variables or optimizers. It stops with {}")
    require(np.allclose(got, expected, atol=1e-4), f"Compiled, {name} gives something other than when it is called directly: "
            "does it use NumPy's random numbers, or change Python variables?")


@check
def game(optimal_discriminator: Callable, value: Callable) -> None:
    """Task 1: two densities on a line that are 0 at different positions; equal ones; any D; a D that is sure and wrong;
    the example.
    """
    for function in (optimal_discriminator, value):
        written_out(function, names=LIBRARIES | {"xlogy", "xlog1py", "rel_entr"})
    shift, dx = inputs(1.0, lambda rng: rng.uniform(0.5, 1.5)), 0.02
    x = np.arange(-6, 6, dx)
    p = np.where(np.abs(x + shift) < 2, 1 + np.cos(np.pi * (x + shift) / 2), 0)
    q = np.where(np.abs(x - shift) < 2, 0.5 + 0.1 * np.sin(x), 0)
    p, q = p / (p.sum() * dx), q / (q.sum() * dx)
    d, anywhere = _optimal(optimal_discriminator, p, q), 0.1 / (len(x) * dx)
    small = _array(optimal_discriminator, p * 1e-13, q * 1e-13)
    require(np.shape(small) == d.shape and np.allclose(small, d, atol=1e-5),
            "D* is wrong for densities of 1e-13: add no small number to p and q; D* is 1/2 only where both are exactly 0.")
    # first densities without a 0, so that nothing else that is wrong is taken for 0 log 0
    _value(value, 0.9 * p + anywhere, 0.9 * q + anywhere, 0.05 + 0.9 / (1 + np.exp(x)), dx)
    _value(value, p, q, d, dx)
    _value(value, p, p, np.full_like(p, 0.5), dx)
    _value(value, p, q, 0.05 + 0.9 / (1 + np.exp(x)), dx)
    sure = _array(value, p, q, np.full_like(p, 1e-12), dx)
    require(sure < -27.6, (f"With D = 1e-12 V is {sure:.4g}, expected -27.63: a small number in the logarithm, or a clipped D, "
                           "hides how wrong D is."))
    p, q = np.array([1.0, 0, 0]), np.array([0.5, 0.5, 0])
    _value(value, p, q, _optimal(optimal_discriminator, p, q), 1.0)


def _optimal(optimal_discriminator: Callable, p: np.ndarray, q: np.ndarray) -> np.ndarray:
    got, none, d = _array(optimal_discriminator, p, q), p + q == 0, minimax.optimal_discriminator(p, q)
    shaped("D*", got, p.shape)
    equal("D*", got, d, [
        ("D* is swapped: it is the probability of 'real', and p is the density of the real points.", 1 - d),
        ("This is p itself: divide by the sum of both densities.", p),
        ("D* is 0 or 1, expected a probability, p / (p + q).", np.where(p == q, 0.5, p > q)),
        ("D* is 0 where p is 0 and q is not: it is 1/2 only where both are 0.", np.where(p > 0, d, 0.5)),
        ("D* is 1 where q is 0 and p is not: it is 1/2 only where both are 0.", np.where(q > 0, d, 0.5)),
        ("Where one of p and q is 0, D* is 0 or 1: it is 1/2 only where both are 0.", np.where(p * q > 0, d, 0.5)),
        (f"Where p and q are both 0 your D* is {got[none][0]:.3g}, expected 1/2.", np.where(none, got, d))],
          given={"p": p, "q": q}, nan="where p and q are both 0, that is 0/0, D* is 1/2.")
    return d


def _value(value: Callable, p: np.ndarray, q: np.ndarray, d: np.ndarray, dx: float) -> None:
    def weighted(p: np.ndarray, q: np.ndarray) -> float:
        """log D times p and log(1 - D) times q, with no logarithm of 0."""
        return dx * (xlogy(np.where(d > 0, p, 0), d) + xlog1py(np.where(d < 1, q, 0), -d)).sum()

    right, real, fake = weighted(p, q), weighted(p, 0), weighted(0, q)
    equal("value(p, q, d, dx)", _array(value, p, q, d, dx), right, [
        ("dx is missing: an integral is a sum times the width of the cells.", right / dx),
        ("This is a mean over the grid, expected the sum times dx.", right / dx / len(p)),
        ("This is a mean times dx, expected the sum times dx.", right / len(p)),
        ("np.trapezoid counts both ends half, expected the sum times dx.", np.trapezoid(xlogy(p, d) + xlog1py(q, -d), dx=dx)),
        ("d is not used: V is for any d, not only for D*.", 2 * minimax.jensen_shannon(p, q, dx) - np.log(4)),
        ("p and q are swapped: weight log D with p, the density of the real points.", weighted(q, p)),
        ("The part of the generated points is missing, the integral of q log(1 - D).", real),
        ("The part of the real points is missing, the integral of p log D.", fake),
        ("The two parts are subtracted: add them.", real - fake),
        ("q is multiplied by log D: multiply it by log(1 - D).", weighted(p + q, 0)),
        ("The second part is weighted with p: weight log(1 - D) with q.", weighted(p, p)),
        ("You sum only where both are above 0: mask each of the two parts by itself.", weighted(p * (q > 0), q * (p > 0)))],
          given={"p": p, "q": q, "d": d}, nan="0 log 0 counts as 0 (where p is 0, D may be 0; where q is 0, D may be 1).")


@check
def losses(discriminator_loss: Callable, generator_loss: Callable) -> None:
    """Task 2: against TensorFlow, for hard, soft and noisy labels and for logits of a thousand; the example."""
    for function in (discriminator_loss, generator_loss):
        written_out(function, names=LIBRARIES | {"log_expit", "softplus"})
    random, nan = seeded(3), "a logit may be negative and has no logarithm: take that of D = sigmoid(logit), or the stable form."
    u, v = random.normal(1, 2, (6, 1)), random.normal(-1, 2, (6, 1))  # on real and on generated images

    def cross(u, y) -> np.ndarray:
        return tf.nn.sigmoid_cross_entropy_with_logits(y + 0 * u, u + 0 * y).numpy()

    for y, w, kind in ((np.ones([6, 1]), np.zeros([6, 1]), "labels 1 and 0"),
                       (random.uniform(0.7, 1.2, (6, 1)), random.uniform(0, 0.3, (6, 1)), "soft labels")):
        def of(each: Callable) -> float:
            return np.mean(each(u, y) + each(v, w))

        real, fake = cross(u, y).mean(), cross(v, w).mean()
        equal(f"discriminator_loss with {kind}", _array(discriminator_loss, u, v, y, w), real + fake, [
            ("This is the sum over the images, expected the mean.", 6 * (real + fake)),
            ("The part of the generated images is missing: with label 0, -log(1 - D) counts, the term with 1 - y.", real),
            ("The part of the real images is missing.", fake),
            ("The labels are swapped: `real` belongs to `on_real`, `fake` to `on_fake`.", np.mean(cross(u, w) + cross(v, y))),
            ("Logits [N, 1] and labels [N] give N x N numbers: leave the labels in the shape [N, 1].",
             of(lambda u, y: cross(u, y.T).mean())),
            ("The |u| in log(1 + e^-|u|) is missing.", of(lambda u, y: np.maximum(u, 0) - u * y + np.logaddexp(0, -u))),
            ("max(u, 0) is missing.", of(lambda u, y: np.logaddexp(0, -abs(u)) - u * y)),
            ("The 1 in log(1 + e^-|u|) is missing.", of(lambda u, y: np.maximum(u, 0) - u * y - abs(u))),
            ("The term u y is added: subtract it.", of(lambda u, y: np.logaddexp(0, u) + u * y)),
            ("These are squared differences of logits and labels, expected the cross-entropy.", of(lambda u, y: (u - y)**2)),
            ("The labels are not used: they may be other numbers than 1 and 0.", np.mean(cross(u, 1) + cross(v, 0))),
            ("A second sigmoid: the stable form contains the sigmoid already, so give it the logit u, not D.",
             of(lambda u, y: cross(expit(u), y))),
            ("The label of a generated image is 0 here, that is log(1 - D), not log D.", np.mean(cross(u, y) + cross(v, 1 - w)))],
              nan=nan)
    d, large, zeros = expit(v), np.array([[-1000.0], [1000.0]]), np.zeros([2, 1])
    equal("generator_loss", _array(generator_loss, v), cross(v, 1).mean(), [
        ("This is the saturating loss, log(1 - D), expected -log D.", -cross(v, 0).mean()),
        ("This is -log(1 - D), the loss of D: minimising it, G would make images that D recognises.", cross(v, 0).mean()),
        ("The sign is wrong: minimising log D, G would make images that D recognises.", -cross(v, 1).mean()),
        ("This is the sum over the images, expected the mean.", cross(v, 1).sum()),
        ("This is the mean of the logits, expected the cross-entropy with label 1.", -v.mean()),
        ("This is the logarithm of the mean of D, expected the mean of the logarithms.", -np.log(d.mean())),
        ("This is 1 - D or -D: the logarithm is missing.", 1 - d.mean(), -d.mean())], nan=nan)
    for function, logits, right in ((discriminator_loss, (large, large[::-1], 1.0, 0.0), 1000), (generator_loss, (large,), 500)):
        got, name = float(_array(function, *logits)), function.__name__
        require(np.isfinite(got), f"For logits of 1000 {name} gives NaN or infinity: e^1000 is infinite, and log 0 too; use the "
                "stable form.")
        require(abs(got - right) < 1, f"{name} is {got:.5g} for logits of -1000 and 1000, expected {right}: a clipped "
                "probability, or a small number in the logarithm, hides how wrong D is, and the gradient is lost.")
    equal("discriminator_loss of the example, logits 0,", _array(discriminator_loss, zeros, zeros, 1.0, 0.0), 2 * np.log(2))
    equal("generator_loss of the example, logits 0,", _array(generator_loss, zeros), np.log(2))
    keep = "Without labels, `real` is 1 and `fake` is 0: keep real=1.0, fake=0.0 in the first line."
    without = _array(discriminator_loss, u, v, hints=[("missing", keep)])
    equal("discriminator_loss(on_real, on_fake), without labels,", without, np.mean(cross(u, 1) + cross(v, 0)), [
        (keep, *(np.mean(cross(u, y) + cross(v, w)) for y in (1, 0.9, 0) for w in (0, 0.1, 1)))])


RATES = 0.1, 0.3  # of G and of D, in the check of task 3
STEP = (*((words, "A gradient is None: the tape has to see the whole way from the weights to the loss. Generate the points "
           "inside `with`, from z, and turn nothing into NumPy arrays on the way.")
          for words in ("No gradients", "NoneType", "None values")),
        ("moving_", "Take trainable_variables: the running statistics of batch norm have no gradient."),
        ("Unknown variable", "An optimizer gets weights that are not its own: g_optimizer is for those of G, d_optimizer for "
         "those of D."))


def _mean(logits: tf.Tensor) -> tf.Tensor:
    """The mean cross-entropy of logits with label 0; for -logits, of logits with label 1."""
    return tf.reduce_mean(tf.nn.softplus(logits))


LOSSES = (lambda real, made: _mean(-made)), (lambda real, made: _mean(-real) + _mean(made))  # of G and of D, for the logits of D


def _network(seed: int, inputs: int, first: int, *others: tf.keras.Layer) -> tf.keras.Model:
    """A small network with batch norm, and weights unlike a start."""
    network = tf.keras.Sequential([tf.keras.Input([inputs]), layers.Dense(first), layers.BatchNormalization(), *others])
    network.set_weights(dcgan.drawn_weights(network, seeded(seed), 0.3, 0.8))
    return network


def slopes(networks: tuple, x: tf.Tensor, z: tf.Tensor, loss: Callable, player: int, training=(True, True, True),
           together=False) -> tuple:
    """loss(logits on x, logits on G(z)), and its gradient for the weights of player 0, G, or 1, D.

    training  of G, of D on real points and of D on generated ones; together  D judges both in one batch
    """
    with tf.GradientTape() as tape:
        made = networks[0](z, training=training[0])
        value = loss(*(tf.split(networks[1](tf.concat([x, made], 0), training=True), 2) if together else
                       (networks[1](x, training=training[1]), networks[1](made, training=training[2]))))
    return float(value), tape.gradient(value, networks[player].trainable_variables)


def _is(value, expected: float) -> bool:
    """Whether a student's value is this number."""
    try:
        return bool(np.shape(value) == () and np.isclose(float(value), expected, rtol=1e-4))
    except (TypeError, ValueError):
        return False


def _flat(arrays: list) -> np.ndarray:
    return np.concatenate([np.ravel(array) for array in arrays])


@check
def step(train_step: Callable) -> None:
    """Task 3: the weights after one step of gradient descent, which show the gradient itself, the losses, and a compiled step."""
    written_out(train_step, names=set())
    of_g, of_d = inputs((4, 11), lambda rng: (16, 13))  # seeds with which both networks have a clear gradient
    networks = _network(of_g, 3, 4, layers.ReLU(), layers.Dense(2)), _network(of_d, 2, 5, layers.LeakyReLU(0.2), layers.Dense(1))
    random = seeded(5)
    x, z = (tf.constant(random.normal(size=[6, side]), tf.float32) for side in (2, 3))
    start, before = [network.get_weights() for network in networks], [_flat(network.trainable_variables) for network in networks]

    def reset() -> list[tf.keras.Optimizer]:
        optimizers = [tf.keras.optimizers.SGD(rate) for rate in RATES]
        for network, weights, optimizer in zip(networks, start, optimizers):
            network.set_weights(weights)
            optimizer.build(network.trainable_variables)
        return optimizers

    def moved(player: int, loss: Callable, rate: float = 0, later: bool = False, **options) -> np.ndarray:
        """The weights of a player after a step down `loss`; `later`, after the other one's step."""
        optimizers, other = reset(), 1 - player
        if later:
            optimizers[other].apply(slopes(networks, x, z, LOSSES[other], other)[1], networks[other].trainable_variables)
        return before[player] - (rate or RATES[player]) * _flat(slopes(networks, x, z, loss, player, **options)[1])

    optimizers = reset()
    got = results(train_step, call(train_step, *networks, *optimizers, x, z, hints=STEP), "d_loss", "g_loss")
    after, statistics = [_flat(network.trainable_variables) for network in networks], _flat(networks[0].non_trainable_variables)
    reset()
    g, d, saturating = (slopes(networks, x, z, loss, 0)[0] for loss in (*LOSSES, lambda real, made: -_mean(made)))
    for player, name in ((1, "D"), (0, "G")):
        equal(f"A weight of {name} after the step", after[player], moved(player, LOSSES[player]),
              _wrong_steps(moved, player, before[player], _is(got[0], d) and _is(got[1], g)), tolerance=1e-4)
        steps = int(optimizers[player].iterations)
        require(steps == 1, f"{name.lower()}_optimizer makes {steps} steps, expected 1: let the optimizer move the weights, with "
                "one call of apply. (Adam does more than subtract rate times gradient.)")
    reset()
    networks[0](z, training=True)
    require(np.allclose(statistics, _flat(networks[0].non_trainable_variables), atol=1e-5),
            "The generator runs more than once: generate the points once, both losses take them.")
    equal("The first result, the loss of D,", got[0], d, [("The two losses are swapped: return d_loss, g_loss.", g)],
          tolerance=1e-4)
    equal("The second result, the loss of G,", got[1], g, [("The loss of G that you return is saturating.", saturating)],
          tolerance=1e-4)
    for logit, right in ((200.0, (200, 0)), (-200.0, (200, 200)), (0.0, (2 * np.log(2), np.log(2)))):
        optimizers = reset()
        networks[1].layers[-1].set_weights([np.zeros([5, 1]), np.array([logit])])
        got = results(train_step, call(train_step, *networks, *optimizers, x, z, hints=STEP), "d_loss", "g_loss")
        why = ": a sigmoid is rounded to 0 or 1 there. Take the cross-entropy of the logits." if logit else ", as in the example."
        require(np.allclose(got, right, atol=1e-3), f"Where D gives the logit {logit:g} everywhere, the losses of D and G are "
                f"{float(got[0]):.4g} and {float(got[1]):.4g}, expected {right[0]:.4g} and {right[1]:.4g}{why}")
    optimizers = reset()

    def compiled() -> np.ndarray:
        tf.function(lambda: train_step(*networks, *optimizers, x, z), autograph=False)()
        return _flat(networks[0].trainable_variables)

    _compiled(train_step, compiled, after[0])


def _wrong_steps(moved: Callable, player: int, before: np.ndarray, losses: bool) -> list[tuple]:
    """Mistakes, and the weights of a player after them.

    losses  whether both losses have the right value: then the tape does not see them
    """
    own, others, other_rate, me, other = LOSSES[player], LOSSES[1 - player], RATES[1 - player], "GD"[player], "DG"[player]
    keras = tf.keras.losses.BinaryCrossentropy()  # takes probabilities

    def bare(real: tf.Tensor, made: tf.Tensor) -> tf.Tensor:
        return keras(tf.ones_like(real), real) + keras(tf.zeros_like(made), made) if player else keras(tf.ones_like(made), made)

    def twice(loss: Callable) -> Callable:
        return lambda r, m: loss(tf.sigmoid(r), tf.sigmoid(m))

    wrong_losses = [
        (f"{other}'s update moves the weights of {me} too, against the loss of {me}: give {other.lower()}_optimizer the weights "
         f"of {other} only.", lambda r, m: own(r, m) + other_rate / RATES[player] * others(r, m)),
        (f"{me} gets the gradient of {other}'s loss on top of its own: each network has its own loss.",
         lambda r, m: own(r, m) + others(r, m)),
        (f"{me} gets the gradient of {other}'s loss, and not of its own: each network minimises its own loss.", others),
        (f"{me} climbs its loss: minimise both losses.", lambda r, m: -own(r, m)),
        (f"{me}'s loss is the sum over the batch, expected the mean.", lambda r, m: 6 * own(r, m)),
        (f"{me}'s loss is half of what is required: do not divide the mean by 2.", lambda r, m: own(r, m) / 2),
        ("A second sigmoid: the cross-entropy takes the logits of D as they are.", twice(own), twice(twice(bare))),
        ("The cross-entropy takes the logits for probabilities: say from_logits=True, or use "
         "tf.nn.sigmoid_cross_entropy_with_logits.", bare),
        ("The tape sees only a part of the loss: use TensorFlow's functions, not NumPy's, on the way to it." if losses else
         f"Labels and logits are swapped in the cross-entropy of {me}: labels come first.",
         lambda r, m: -tf.reduce_mean(r if player else m))]
    wrong_losses += [
        ("D's labels are swapped: 1 is real, 0 is generated.", lambda r, m: _mean(r) + _mean(-m)),
        ("The label of the generated points is 0 for D: both have label 1 here.", lambda r, m: _mean(-r) + _mean(-m)),
        ("D learns from the real points only: the generated ones, with label 0, belong to its loss.", lambda r, m: _mean(-r)),
        ("D learns from the generated points only: the real ones, with label 1, belong to its loss.", lambda r, m: _mean(m))
    ] if player else [
        ("This is the saturating loss of G, log(1 - D), expected -log D, cross-entropy with label 1.", lambda r, m: -_mean(m))]
    return [
        (f"The weights of {me} do not move: apply its gradients with {me.lower()}_optimizer.", before),
        *((sentence, *(lambda loss=loss: moved(player, loss) for loss in several)) for sentence, *several in wrong_losses),
        ("The optimizers are swapped: g_optimizer is that of G.", lambda: moved(player, own, other_rate)),
        (f"{me} moves after {other}'s update: take both losses and both gradients, then move both.",
         lambda: moved(player, own, later=True)),
        *((f"{who} without training=True: batch norm then takes its running statistics, not those of the batch.",
           lambda modes=modes: moved(player, own, training=modes)) for who, modes in (
            ("G runs", (False, True, True)), ("D runs", (True, False, False)), ("G and D run", (False, False, False)),
            ("D judges the real points", (True, False, True)), ("D judges the generated points", (True, True, False)))),
        ("D judges both in one batch, and its batch norm mixes them: call D twice.", lambda: moved(player, own, together=True))]


CAUSES = {1: "nothing is wrong", 2: "mode collapse", 3: "D too strong", 4: "D too weak", 5: "stopped too early"}
FAULTS = {"P": (3, "its two curves stay at 1 and 0; what gradient does G get from a D that is certain"),
          "Q": (1, "where are its points, compared with the data, and what do both curves end at"),
          "R": (4, "look at the numbers on its axes, and compare the mean of D over the generated points and over the real ones"),
          "S": (5, "how many steps does it have, and have its points stopped moving"),
          "T": (2, "the curves look balanced; how many different points does it generate")}


@check
def modes(covered: Callable) -> None:
    """Task 4, first half: points at given distances from the eight centres, then six of which some overlap, and the example."""
    written_out(covered)
    random, centres, radius = seeded(6), minimax.centres().astype(np.float64), 0.4
    for counts in inputs(([100, 0, 30, 1, 10, 0, 60, 0], [0, 0, 500, 0, 0, 0, 0, 0]),
                         lambda rng: rng.permuted([[90, 2, 25, 12, 1, 70, 0, 40], [0, 300, 0, 0, 15, 0, 0, 0]], axis=1)):
        angles, lengths = random.uniform(0, 2 * np.pi, sum(counts)), radius * random.choice([0.1, 0.5, 0.95], sum(counts))
        angles[:2], lengths[:2] = np.pi / 4, 0.95 * radius  # outside for those who add up both coordinates
        inside = np.repeat(centres, counts, axis=0) + (lengths * [np.cos(angles), np.sin(angles)]).T
        corners = centres[random.integers(0, 8, 149)] + 0.35 * random.choice([-1, 1], (149, 2))  # not in the circle
        beside = centres[random.integers(0, 8, 50)] + [0.55, 0]  # 0.55**2 is less than the radius, 0.55 is not
        _count(covered, random.permutation(np.concatenate([inside, corners, beside, random.normal(0, 0.3, (100, 2))])),
               centres, radius)
    centres = np.array([[0, 0], [0.5, 0], [0, 0.5], [10, 0], [0, 10], [10, 10]], float)
    places = np.array([[0.25, 0.25], [11, 0], [0, 10], [10, 10], [9.3, 0], [5, 5]])
    # near three; on a circle; exactly 1 %; below 1 %; near one, at 0.7; near none
    _count(covered, np.repeat(places, [20, 50, 2, 1, 7, 120], axis=0), centres, 1.0)
    _count(covered, np.zeros([5, 2]), centres[:2], 1.0)
    _count(covered, np.array([[0, 0], [0, 0.5], [3, 0]]), np.array([[0.0, 0], [5, 0]]), 1.0)


def _count(covered: Callable, points: np.ndarray, centres: np.ndarray, radius: float) -> None:
    got = call(covered, points, centres, radius, hints=(
        ("broadcast", "Two shapes do not fit: points[:, None] - centres is [N, M, 2], each point with each centre."),
        ("IndexError", "Take the number of centres from `centres`: it is not always 8.")))
    got = results(covered, tuple(got) if isinstance(got, np.ndarray) and got.shape == (2,) else got, "modes", "share")
    steps, given = np.abs(points[:, None] - centres), {"points": points, "centres": centres, "radius": radius}
    distances = np.sqrt((steps**2).sum(axis=2))
    near, nearest = distances < radius, distances.argmin(axis=1)[:, None] == range(len(centres))

    def answer(near: np.ndarray, least: float = 0.01) -> tuple[int, float]:
        return np.sum(near.mean(axis=0) >= least), near.any(axis=1).mean()

    (modes, share), one_percent = answer(near), "1 % of the points is the fraction 0.01: here"
    wrongly_near = [
        ("The squared distance is compared with radius: the square root is missing.", distances**2 < radius),
        ("These are the points in a square: the distance is the root of the sum of squares.", steps.max(axis=2) < radius),
        ("These are the points in a diamond: the distance is the root of the sum of squares.", steps.sum(axis=2) < radius),
        ("A point at exactly the distance `radius` is not near: less than (<) is required.", distances <= radius)]
    equal("share", got[1], share, [
        ("The order is modes, share.", modes),
        ("share is that of the points that lie near no centre.", 1 - share),
        ("This is the share of centres with a point: share is that of the points, any over the centres.", near.any(0).mean()),
        ("This is a mean over points and centres: a point counts once, where it lies near any centre.", near.mean()),
        ("A point near several centres counts several times: it counts once in share (any, not sum).", near.sum() / len(near)),
        ("share is a number of points: divide by how many there are.", near.any(axis=1).sum()),
        ("share is a percentage, expected a fraction, 0 to 1.", 100 * share),
        ("The radius is not always 0.4: use the argument `radius`.", answer(distances < 0.4)[1]),
        *((sentence, answer(wrong)[1]) for sentence, wrong in wrongly_near)], tolerance=1e-6, given=given)
    equal("modes", got[0], modes, [
        ("A point may lie near several centres: it counts for each, not only for the nearest.", answer(near & nearest)[0]),
        ("A centre with exactly 1 % of the points counts too: at least (>=) is required.", np.sum(near.mean(axis=0) > 0.01)),
        ("The threshold is that of the lecture: here 1 % of all points is enough.", answer(near, 0.03)[0],
         answer(near, 0.25 / len(centres))[0]),
        ("len(points) // 100 is rounded down: compare the share of points with 0.01.", np.sum(near.sum(0) >= len(near) // 100)),
        ("This is 1 % of the points that are near, expected 1 % of all points.", answer(near, 0.01 * share)[0]),
        ("A centre counts when at least 1 % of all points lie near it: here one point is enough.", answer(near, 1e-9)[0]),
        ("This is the number of all centres: count those with at least 1 % of the points near them.", len(centres)),
        (f"{one_percent} 0.1 was taken.", answer(near, 0.1)[0]),
        (f"{one_percent} 1 was taken, all of them.", answer(near, 1)[0]),
        ("This is how many points lie near a centre: count the centres.", near.any(axis=1).sum()),
        ("This is the share of the centres, expected their number.", modes / len(centres)),
        ("This is how many centres are not covered.", len(centres) - modes),
        *((sentence, answer(wrong)[0]) for sentence, wrong in wrongly_near)], tolerance=1e-6, given=given)


@check
def diagnosis(named: Callable) -> None:
    """Task 4, second half: the cause of each panel, by its number."""
    got = call(named)
    require(isinstance(got, dict) and got.keys() == FAULTS.keys(),
            'diagnosis gives a dictionary with the keys "P", "Q", "R", "S" and "T".')
    for letter, (cause, look) in FAULTS.items():
        number = whole(got[letter])
        require(number in CAUSES, f"Panel {letter}: {got[letter]!r} is not the number of a cause, 1 to 5.")
        require(number == cause, f"Panel {letter} does not show cause {number}, {CAUSES[number]}: {look}.")


BOTH = (("There are width maps of 7x7: 2 * width are required.", {"maps": (1, 1)}),  # mistakes in either network
        *((f"The kernels are {k}x{k}: 4x4 is required, which the stride 2 divides.", {"kernel": k}) for k in (3, 5, 2)),
        ("Batch norm has another momentum than 0.9: with Keras' .99 its running statistics lag behind.", {"momentum": 0.99}))


@check
def generator(build_generator: Callable) -> None:
    """Task 5: the network with the weights of the check, in training and in inference, and its first weights."""
    for latent, width in inputs(((6, 4), (5, 3)), lambda rng: zip(rng.integers(4, 9, 2).tolist(), (2, 5))):
        model = call(build_generator, latent, width,
                     hints=[("found ndim=", dcgan.ONE_Z),
                            ("otal size of", "Dense gives 7 * 7 * 2 * width numbers, as many as Reshape takes.")])
        dcgan.network_like(f"build_generator({latent}, {width})", model, partial(dcgan.generator, latent, width),
                           seeded(3).normal(size=[5, latent]).astype(np.float32), (
            ("There is no activation at the end: tanh brings the images to the range from -1 to 1.", dict(end=None)),
            ("The images go through a sigmoid, from 0 to 1: tanh, from -1 to 1, is required.", dict(end="sigmoid")),
            ("There is no batch norm: it comes after the dense layer and the first transposed convolution.", dict(norm=False)),
            ("There is no batch norm, and a layer in front of it has a bias.", dict(norm=False, bias=True)),
            ("Batch norm is also at the images: DCGAN leaves it out there.", dict(outer=True)),
            ("A layer in front of a batch norm has a bias, which it subtracts again: use_bias=False.", dict(bias=True)),
            ("Batch norm comes before the reshape, with a mean for each number: after it, one for each map.", dict(flat=True)),
            ("The activation comes before batch norm: first batch norm, then ReLU.", dict(early=True)),
            ("The widths are in the wrong order: 2 * width maps of 7x7, then width maps of 14x14.", dict(maps=(1, 2))),
            ("There are 2 * width maps of 14x14: width are required.", dict(maps=(2, 2))),
            ("The generator has leaky ReLUs, ReLU is required: the leaky one is for D.", dict(slope=0.2), dict(slope=0.3)),
            ("The generator has no ReLU: one comes after each batch norm.", dict(slope=1)), *BOTH))
    _counts("build_generator(32, 16)", call(build_generator, 32, 16), np.zeros([1, 32], np.float32), 58_817, 58_721)


def _counts(name: str, model: tf.keras.Model, x: np.ndarray, everything: int, trainable: int) -> None:
    """Raise CheckFailed unless the network of the example, which takes x, has so many parameters."""
    model(x)  # a class of one's own has its weights after the first call
    counted = [sum(int(np.prod(weight.shape)) for weight in weights) for weights in (model.weights, model.trainable_weights)]
    equal(f"The number of parameters of {name}, in all and trainable,", counted, [everything, trainable])


@check
def discriminator(build_discriminator: Callable) -> None:
    """Task 6: the network with the weights of the check, in training and in inference, and its first weights."""
    for width in inputs((4, 3), lambda rng: (2, 5)):
        model = call(build_discriminator, width, hints=[("found ndim=", dcgan.ONE_Z)])
        dcgan.network_like(f"build_discriminator({width})", model, partial(dcgan.discriminator, width),
                           seeded(4).uniform(-1, 1, [5, 28, 28, 1]).astype(np.float32), (
            ("There is a sigmoid at the end: a logit is required, your losses take the sigmoid themselves.", dict(end="sigmoid")),
            ("There is a tanh at the end: a logit is required, without an activation.", dict(end="tanh")),
            ("There is no batch norm: one comes after the second convolution.", dict(norms=(False, False)),
             dict(norms=(False, False), bias=(True, True))),
            ("Batch norm comes after the first convolution too: DCGAN leaves it out at the images.", dict(norms=(True, True)),
             dict(norms=(True, True), bias=(False, False))),
            ("Batch norm comes after the first convolution, in the place of the second.", dict(norms=(True, False))),
            ("The second convolution has a bias, which batch norm subtracts again: use_bias=False.", dict(bias=(True, True))),
            ("The first convolution has no bias: one is required, no batch norm comes after it.", dict(bias=(False, False))),
            ("The activation is ReLU, leaky ReLU of slope 0.2 is required: where ReLU is 0, G gets no gradient.", dict(slope=0)),
            ("The slope of leaky ReLU is 0.3, as Keras sets it: LeakyReLU(0.2) is required.", dict(slope=0.3)),
            ("The slope of leaky ReLU is 0.01: LeakyReLU(0.2) is required.", dict(slope=0.01)),
            ("There is no activation after the convolutions: leaky ReLU of slope 0.2 is required.", dict(slope=1)),
            ("Max pooling halves the maps: a stride of 2 is required, with which D learns to halve them.", dict(pool=True)),
            ("A mean over all positions comes before the last layer: Flatten is required, which keeps where things are.",
             dict(average=True)),
            ("The widths are in the wrong order: width maps of 14x14, then 2 * width of 7x7.", dict(maps=(2, 1))), *BOTH))
    _counts("build_discriminator(16)", call(build_discriminator, 16), np.zeros([1, 28, 28, 1], np.float32), 10_161, 10_097)


@check
def frechet(frechet_distance: Callable) -> None:
    """Task 7: another way to the root on correlated features, closed forms, fewer images than features, the example."""
    written_out(frechet_distance, names={"frechet_distance"})
    random, fit = (seeded(8), ("A and B are [d, d], each feature has its own mean (axis 0); np.cov takes rows as features unless "
                               "rowvar=False."))
    mixing, shift = random.normal(size=(4, 4)), np.array([3.0, 0, -4, 0])
    a, b = random.normal(size=(30, 4)) @ mixing + 1, random.normal(size=(21, 4)) @ mixing.T
    few = random.normal(size=(7, 12)), random.normal(size=(9, 12))  # singular covariances
    example = np.array([[1.0, 0], [-1, 0], [0, 1], [0, -1]]), np.array([[5.0, 0], [1, 0], [3, 2], [3, -2]])
    for name, pair, right in (("frechet_distance", (a, b), quality.frechet_distance(a, b)),
                              ("The distance of features and the same features moved by (3, 0, -4, 0)", (a, a + shift), 25.0),
                              ("The distance of features and the same, twice as far from their mean", (a, 2 * a - a.mean(0)),
                               np.trace(np.cov(a.T))),
                              ("The distance with fewer images than features", few, quality.frechet_distance(*few)),
                              ("The distance of the example", example, 31 / 3)):
        got = _array(frechet_distance, *pair, hints=[(words, fit) for words in ("matmul", "broadcast", "not aligned")])
        require(not np.iscomplexobj(got),
                "frechet_distance is a complex number: rounding leaves a tiny imaginary part, take the real part (.real).")
        equal(name, got, right, _wrong_distances(*pair, right), tolerance=1e-3 if pair is few else 1e-5, nan=(
            "fewer images than features are given, and rounding makes an eigenvalue negative; take the real part, and 0 for what "
            "is below 0." if pair is few else
            "np.sqrt takes the root of each entry, not of the matrix; and A B is not symmetric, eigvalsh is wrong for it."))


def _wrong_distances(a: np.ndarray, b: np.ndarray, right: float) -> list[tuple]:
    A, B, means = np.cov(a, rowvar=False), np.cov(b, rowvar=False), np.sum((a.mean(axis=0) - b.mean(axis=0))**2)
    product, rest, root = A @ B, means + np.trace(A + B), (means + np.trace(A + B) - right) / 2

    def of(cov: Callable) -> float:
        """With other covariances."""
        return means + np.trace(cov(a) + cov(b)) - 2 * np.sqrt(np.abs(np.linalg.eigvals(cov(a) @ cov(b)))).sum()

    def symmetric(product: np.ndarray) -> float:
        return rest - 2 * np.sqrt(np.maximum(np.linalg.eigvalsh(product), 0)).sum()

    return [
        ("The covariances are divided by N: divide by N - 1, as np.cov does.", of(lambda x: np.cov(x, rowvar=False, ddof=0))),
        ("The root of A B is missing: its trace is not that of the product.", rest - 2 * np.trace(product)),
        ("This is the root of the trace of A B, expected the trace of its root.", rest - 2 * np.sqrt(np.trace(product))),
        ("np.sqrt takes the root of each entry, not of the matrix.", rest - 2 * np.trace(np.sqrt(np.maximum(product, 0)))),
        ("eigvalsh and eigh are for symmetric matrices, and A B is not symmetric: take np.linalg.eigvals.", symmetric(product)),
        ("A * B multiplies entry by entry: the product of matrices is A @ B.", symmetric(A * B)),
        ("This is the root of A times the root of B, expected the root of A B.",
         lambda: rest - 2 * np.trace(linalg.sqrtm(A) @ linalg.sqrtm(B)).real),
        ("The 2 before the root is missing.", right + root),
        ("The root is added: subtract it, with the factor 2.", right + 4 * root),
        ("The distance of the means is missing.", right - means),
        ("The squared differences of the means are averaged: add them up.", right - means + means / a.shape[1]),
        ("One mean was taken over everything: each feature has its own (axis 0).", right - means + (a.mean() - b.mean())**2),
        ("The means are not subtracted before the covariance: take np.cov.", of(lambda x: x.T @ x / (len(x) - 1))),
        ("These are correlations, expected the covariances (np.cov).", of(lambda x: np.corrcoef(x, rowvar=False))),
        ("The distance of the means is not squared.", right - means + np.sqrt(means)),
        ("This is the distance of the means alone: add the terms with the covariances.", means),
        ("Sums over all entries of A and B, expected their traces, the sums of diagonals.", means + A.sum() + B.sum() - 2 * root),
        ("This takes the variances only: the covariances between different features are missing.",
         of(lambda x: np.diag(x.var(axis=0, ddof=1))))]


INVERT = (*((words, "Take the sizes from images and z: they are not always 28, 28, 1 and 32.")
            for words in ("reshape", "Reshape", "values, but")),
          *((words, "G takes [N * R, latent], one row for each restart of each image; bring what it gives to [N, R, height, "
             "width, 1] and compare with images[:, None].") for words in ("ncompatible shape", "roadcast")),
          ("NoneType", ("The gradient is None: z is a tensor, no variable; call the tape's watch with z, and compute the errors "
                        "inside `with`.")))


@check
def inversion(invert_step: Callable, best_restart: Callable) -> None:
    """Task 8: one step against the reference, with batch norm, two compiled steps, and the choice on given errors,
    last the example.
    """
    for function in (invert_step, best_restart):
        written_out(function, names=set())
    random = seeded(10)
    network, rate = _network(9, 3, 8, layers.ReLU(), layers.Dense(16), layers.Reshape([4, 4, 1])), 0.0437
    z, images = (tf.constant(numbers, tf.float32) for numbers in (random.normal(size=(5, 2, 3)), random.random((5, 4, 4, 1))))

    def descent(z: tf.Tensor, wanted: tf.Tensor = images[:, None], size: Callable = tf.square) -> tuple[np.ndarray, np.ndarray]:
        """The errors [N, R] and their gradient for z, one restart after the other."""
        with tf.GradientTape() as tape:
            tape.watch(z)
            errors = tf.reduce_sum(size(tf.stack([network(one) for one in tf.unstack(z, axis=1)], 1) - wanted), [2, 3, 4])
        return errors.numpy(), tape.gradient(errors, z).numpy()

    kept = network.get_weights()
    got = results(invert_step, call(invert_step, network, z, images, rate, hints=INVERT), "z", "errors")
    require(all(map(np.array_equal, kept, network.get_weights())),
            "Your step changes the generator: only z moves here, without training=True.")
    errors, slope = descent(z)
    moved, sums = z - rate * slope, "each restart goes down its own error, take the sum."
    require(np.shape(got[1]) != z.shape or np.shape(got[0]) != errors.shape, "The order is z, errors.")
    equal("errors", got[1], errors, [
        ("errors holds absolute differences, expected the squared ones.", lambda: descent(z, size=tf.abs)[0]),
        (("The restarts are compared with images of others: tf.repeat(images, R, axis=0) gives each image R times in a row, "
          "tf.tile does not."),
         lambda: descent(z, tf.reshape(tf.tile(images, [2, 1, 1, 1]), [5, 2, 4, 4, 1]))[0]),
        ("errors belongs to the new z, expected that of the z given.", lambda: descent(moved)[0]),
        ("errors is the smallest of each image: each restart has its own, [N, R].", errors.min(axis=1))], tolerance=1e-4)
    equal("The new z", got[0], moved, [
        ("z did not move.", z),
        ("z goes up the slope, away from the image: subtract rate times the gradient.", z + rate * slope),
        ("The gradient alone came back: the new z is z - rate * gradient.", slope),
        ("The gradient came without the rate.", z - slope),
        ("The rate is always the same: use the argument `rate`.", *(z - n * slope for n in (.001, .005, .01, .02, .05, .1))),
        *((f"This is the gradient of the mean over {what}: {sums}", z - rate * slope / n) for what, n in (
            ("all restarts and images", 10), ("the images", 5), ("the restarts", 2), ("the pixels", 16),
            ("all pixels of all images", 160))),
        (f"Only the best restart of each image moves: {sums}", z - rate * slope * (errors == errors.min(1)[:, None])[..., None]),
        ("This is the gradient of the distance, expected that of its square.", z - rate * slope / np.sqrt(4 * errors)[..., None]),
        ("This is a step of the sign of the gradient, expected the gradient itself.", z - rate * np.sign(slope))], tolerance=1e-4)

    @tf.function
    def search(z: tf.Tensor) -> tf.Tensor:
        for _ in tf.range(2):
            z = invert_step(network, z, images, rate)[0]
        return z

    _compiled(invert_step, lambda: search(z), moved - rate * descent(moved)[1])
    _chosen(best_restart, random)


def _chosen(best_restart: Callable, random: np.random.Generator) -> None:
    """The best restart of each image, where it is not that of another one or of the whole batch."""
    for errors in (np.array([[7, 5, 3], [8, 9, 10], [6, 0.1, 30], [4, 2, 3.5], [11, 40, 4.5]], np.float32),
                   np.array([[3, 1], [5, 9]], np.float32)):
        z = random.normal(size=(*errors.shape, 4)).astype(np.float32)
        rows, best, first = np.arange(len(z)), errors.argmin(axis=1), np.unravel_index(errors.argmin(), errors.shape)
        got = _array(best_restart, tf.constant(z), tf.constant(errors), hints=[
            ("indices.shape[0]",
             "The smallest over the images was taken (axis 0, as argmin does by itself): the restarts are axis 1.")])
        equal("best_restart(z, errors)", got, z[rows, best], [
            ("These are the worst restarts: the smallest error is the best.", z[rows, errors.argmax(axis=1)]),
            ("This is the best restart of the whole batch, for all images: each image has its own best.", 0 * z[:, 0] + z[first]),
            ("This is one row, the best of the whole batch: each image has its own best restart.", z[first]),
            ("All images get the same restart, number by number: each image has its own best.", z[:, errors.mean(0).argmin()]),
            ("All images get the restart of the best one in the batch: each image has its own best.", z[:, first[1]]),
            ("These are the best of the whole batch, expected one for each image.",
             z.reshape(-1, 4)[np.argsort(errors, axis=None)[:len(z)]]),
            ("These are the smallest errors, expected their z.", errors.min(axis=1)),
            ("These are the numbers of the restarts, expected their z.", best),
            ("The smallest over the images was taken (axis 0): the restarts are axis 1.",
             z[errors.argmin(axis=0), range(errors.shape[1])]),
            ("z[:, numbers] takes each of these restarts for every image: pair the images with their numbers.", z[:, best])],
              tolerance=1e-6)
