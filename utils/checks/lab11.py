"""The checks of lab 11, and the five games of its fifth task.

Each check raises `checks.CheckFailed` with one sentence.
"""
import functools
import operator
import warnings
from collections.abc import Callable, Collection

import numpy as np
from scipy import linalg
from scipy.special import rel_entr, xlog1py, xlogy

from utils import checks, session
from utils.generative import minimax, quality
from utils.checks import LIBRARIES, CheckFailed, call, inputs, require, same, written_out
from utils.quiet import tf

layers = tf.keras.layers
QUIET = dict(all="ignore")  # NumPy's warnings of 0/0 and log 0: the check says it in a sentence


def untouched(function: Callable, *arguments):
    """What `call` gives, for copies of the arrays; raises CheckFailed if the function writes into them."""
    copies = [np.array(argument) if isinstance(argument, np.ndarray) else argument for argument in arguments]
    with np.errstate(**QUIET):
        value = call(function, *copies)
    require(all(np.array_equal(copy, argument) for copy, argument in zip(copies, arguments)),
            "Your function changes its arguments: work on copies (a = a - 1 makes a new array, a -= 1 does "
            "not).")
    return value


def array(name: str, got) -> np.ndarray:
    """`got` as floats; CheckFailed for a list, with which the cells below could not go on."""
    require(not isinstance(got, list | tuple),
            f"{name} gives a {type(got).__name__}: return one NumPy array (np.array makes one of a list).")
    try:
        return np.asarray(got, np.float64)
    except (TypeError, ValueError):
        raise CheckFailed(f"{name} gives a {type(got).__name__}, expected numbers.") from None


def is_pair(got) -> bool:
    return isinstance(got, list | tuple) and len(got) == 2 or tuple(getattr(got, "shape", ())) == (2,)


def not_compiled(function: Callable) -> None:
    """CheckFailed if @tf.function stands above def."""
    require(not hasattr(function, "python_function"), "Leave out @tf.function: the lab compiles your step.")


@checks.check
def game(best_discriminator: Callable, value: Callable) -> None:
    """Task 1: two densities on a line that are 0 at different places; -log 4 where they are equal."""
    for name, function in (("best_discriminator", best_discriminator), ("value", value)):
        require(callable(function), f"{name} is not a function: define it with def.")
        written_out(function, names=LIBRARIES | {"xlogy", "xlog1py", "rel_entr"})
    shift = inputs(1.0, lambda rng: rng.uniform(0.5, 1.5))
    for dx in (0.01, 0.02):
        x = np.arange(-6, 6, dx)
        p = np.where(np.abs(x + shift) < 2, 1 + np.cos(np.pi * (x + shift) / 2), 0)
        q = np.where(np.abs(x - shift) < 2, 0.5 + 0.1 * np.sin(x), 0)
        p, q = p / (p.sum() * dx), q / (q.sum() * dx)
        both = np.where(p + q > 0, p + q, 1)
        d = np.where(p + q > 0, p / both, 0.5)
        got = array("best_discriminator", untouched(best_discriminator, p, q))
        require(got.shape == p.shape,
                f"best_discriminator gives shape {list(got.shape)}, expected {list(p.shape)}: one "
                "probability for each place of the grid.")
        empty = p + q == 0
        require(np.isfinite(got).all(),
                "D* is not a number where p and q are both 0: 0/0 came out, 1/2 is asked there.")
        require(np.allclose(got[empty], 0.5) or not np.allclose(got[~empty], d[~empty], atol=1e-6),
                f"Where p and q are both 0, your D* is {got[empty][0]:.3g}: 1/2 is asked there.")
        same("D*", got, d, {
            "D* is turned round: it is the probability of 'real', and p is the density of the real ones.":
                1 - d,
            "This is p itself: divide by the sum of both densities.": p,
            "This is 0 or 1: D* is a probability, p / (p + q).": np.where(p == q, 0.5, p > q)})
        middle = (p + q) / 2
        right = dx * (rel_entr(p, middle) + rel_entr(q, middle)).sum() - np.log(4)
        _value(value, p, q, d, dx, right)
        _value(value, p, p, np.full_like(p, 0.5), dx, -np.log(4))
        other = 0.05 + 0.9 / (1 + np.exp(x))
        _value(value, p, q, other, dx, dx * (xlogy(p, other) + xlog1py(q, -other)).sum())
        sure = np.full_like(p, 1e-12)
        same("value for D = 1e-12", call(value, p, q, sure, dx), -12 * np.log(10), {
            f"A small number in the logarithm, or a clipped D, hides how wrong D is: V is not that for D = {wrong:g}.":
                dx * (xlogy(p, wrong) + xlog1py(q, -wrong)).sum() for wrong in 10.0**np.arange(-11, -3)}, tolerance=1e-3)


def _value(value: Callable, p: np.ndarray, q: np.ndarray, d: np.ndarray, dx: float, right: float) -> None:
    got = array("value", untouched(value, p, q, d, dx))
    middle, real, made = (p + q) / 2, dx * xlogy(p, d).sum(), dx * xlog1py(q, -d).sum()
    require(np.ndim(got) == 0,
            f"value gives shape {list(np.shape(got))}: add up over the grid, one number was asked.")
    require(not np.isnan(got),
            "The value is not a number: 0 log 0 counts as 0 (where p is 0, D may be 0; where q is 0, D may "
            "be 1).")
    turned = dx * (xlogy(np.where(d > 0, q, 0), d).sum() + xlog1py(np.where(d < 1, p, 0), -d).sum())
    same("value(p, q, d, dx)", got, right, {
        "This is with the logarithm of base 2: the natural one, np.log, was asked.": right / np.log(2),
        "This is with the logarithm of base 10: the natural one, np.log, was asked.": right / np.log(10),
        "The sign is turned round: logarithms of probabilities are negative, so is V.": -right,
        "dx is missing: an integral is a sum times the width of the cells.": right / dx,
        "This is a mean over the grid: an integral is the sum times dx.": right / dx / len(p),
        "This is a mean times dx: an integral is the sum times dx.": right / len(p),
        "d is not used: V is asked for any d, not only for the best one.":
            dx * (rel_entr(p, middle) + rel_entr(q, middle)).sum() - np.log(4),
        "p and q are swapped: the real ones, p, count with log D.": turned,
        "The part of the made ones is missing, the integral of q log(1 - D).": real,
        "The part of the real ones is missing, the integral of p log D.": made,
        "The two parts are subtracted: add them.": real - made,
        "The made ones count with log(1 - D), not with log D.":
            real + dx * xlogy(np.where(d > 0, q, 0), d).sum(),
        "The second part is weighted with p: log(1 - D) counts where q is.":
            real + dx * xlog1py(np.where(d < 1, p, 0), -d).sum()})


@checks.check
def transposed(transposed_convolution: Callable) -> None:
    """Task 2: against tf.nn.conv2d_transpose; strides below, at and above the size of the kernel."""
    written_out(transposed_convolution)
    rng = checks.generator(2)
    for shape, k, stride in (((5, 4), 3, 2), ((2, 4), 4, 2), ((3, 3), 2, 1), ((2, 3), 2, 3)):
        x, kernel = rng.normal(size=shape), rng.normal(size=(k, k))
        right = _conv2d_transpose(x, kernel, stride)
        name = f"transposed_convolution of a {shape[0]}x{shape[1]} image, kernel {k}x{k}, stride {stride},"
        try:
            got = array("transposed_convolution", untouched(transposed_convolution, x, kernel, stride))
        except CheckFailed as failure:
            require("broadcast" not in str(failure),
                    f"Two shapes do not fit ({str(failure).split(': ')[-1]}): each pixel adds a window of "
                    f"{k}x{k} to a result of {right.shape[0]}x{right.shape[1]} (is it h, w = x.shape?).")
            require("IndexError" not in str(failure),
                    f"An index is too large for an image of {shape[0]}x{shape[1]}: x.shape gives the rows "
                    "first, h, w = x.shape.")
            require("Cannot cast" not in str(failure),
                    "The result holds whole numbers and takes no fractions: begin with np.zeros, which has "
                    "floats.")
            raise
        require(np.shape(got) != shape or shape == right.shape,
                f"{name} has the size of its input: the result has "
                "(h - 1) stride + k rows.")
        written = np.zeros_like(right)
        counts = _conv2d_transpose(np.ones(shape), np.ones((k, k)), stride)
        for i, j in np.ndindex(*shape):
            written[stride * i:stride * i + k, stride * j:stride * j + k] = x[i, j] * kernel
        border = tuple(slice(0, stride * side) for side in shape)
        mistakes = {
            "The kernel is flipped: put it down as it is.": _conv2d_transpose(x, kernel[::-1, ::-1], stride),
            "The kernel is transposed: its rows run down, as those of the image do.":
                _conv2d_transpose(x, kernel.T, stride),
            "Where windows overlap, the later one replaces the earlier one: add them.": written,
            "Where windows overlap you take the mean: add them.": right / np.maximum(counts, 1),
            "The stride is missing: pixel (i, j) puts its window at (stride i, stride j).":
                _conv2d_transpose(x, kernel, 1),
            "The result is cut off: without padding it has (h - 1) stride + k rows.": right[border],
            "The result has rows and columns of zeros at its end: it has (h - 1) stride + k rows.":
                np.pad(right, [(0, max(stride - 1, 0))] * 2),
            "This is the convolution, which makes images smaller: here each pixel is spread out.":
                _convolution(x, kernel, stride),
            "Rows and columns of the image are swapped.": _conv2d_transpose(x.T, kernel, stride)}
        same(name, got, right, mistakes)
    x, kernel = np.array([[1, 2]]), np.array([[1.5, 0], [0, 0.5]])
    same("transposed_convolution of whole numbers", call(transposed_convolution, x, kernel, 1),
         _conv2d_transpose(x, kernel, 1), {
         "The result holds whole numbers, as the image does: begin with np.zeros, which has floats.":
             np.trunc([[1.5, 3, 0], [0, 0.5, 1]]), "The fractions are lost.": [[1, 3, 0], [0, 0, 1]]})


def _conv2d_transpose(x: np.ndarray, kernel: np.ndarray, stride: int) -> np.ndarray:
    height, width = (stride * (side - 1) + len(kernel) for side in x.shape)
    return tf.nn.conv2d_transpose(np.float64(x)[None, ..., None], np.float64(kernel)[..., None, None],
                                  [1, height, width, 1], stride, "VALID").numpy()[0, ..., 0]


def _convolution(x: np.ndarray, kernel: np.ndarray, stride: int) -> np.ndarray:
    if min(x.shape) < len(kernel):
        return np.zeros(0)
    return tf.nn.conv2d(x[None, ..., None], kernel[..., None, None], stride, "VALID").numpy()[0, ..., 0]


@checks.check
def losses(discriminator_loss: Callable, generator_loss: Callable) -> None:
    """Task 3: against TensorFlow, for hard, soft and noisy labels and for logits of a thousand."""
    for function in (discriminator_loss, generator_loss):
        written_out(function, names=LIBRARIES | {"log_expit", "softplus"})
    rng = checks.generator(3)
    on_real, on_made = rng.normal(1, 2, (6, 1)), rng.normal(-1, 2, (6, 1))
    hard = np.ones([6, 1]), np.zeros([6, 1])
    for real, made in (hard, (rng.uniform(0.7, 1.2, (6, 1)), rng.uniform(0, 0.3, (6, 1)))):
        got = untouched(discriminator_loss, on_real, on_made, real, made)
        first, second = _cross_entropy(on_real, real), _cross_entropy(on_made, made)
        right = np.mean(first + second)
        require(np.ndim(got) == 0,
                f"discriminator_loss gives shape {list(np.shape(got))}: one number was asked, the mean.")
        kind = "labels 1 and 0" if real is hard[0] else "soft labels"
        same(f"discriminator_loss with {kind}", got, right, {
            "This is the sum over the images: their mean was asked.": 6 * right,
            "This is half of it: the loss is the mean over the real images plus the mean over the made ones.":
                right / 2,
            "The part of the made images is missing: with label 0, -log(1 - D) counts for them.":
                first.mean(),
            "The part of the real images is missing.": second.mean(),
            "The labels are swapped: `real` belongs to `on_real`, `made` to `on_made`.":
                np.mean(_cross_entropy(on_real, made) + _cross_entropy(on_made, real)),
            "The sign is turned round: a cross-entropy is minimised, its terms have a minus.": -right,
            "This is with the logarithm of base 2: the natural one was asked.": right / np.log(2),
            "Logits [N, 1] and labels [N] give N x N numbers: leave the labels in the shape [N, 1].":
                right + np.sum([np.mean(u * y) - np.mean(u) * np.mean(y)
                                for u, y in ((on_real, real), (on_made, made))]),
            "The |u| in log(1 + e^-|u|) is missing: with u alone this is another number for u < 0.":
                right + np.mean(np.logaddexp(0, -on_real) - np.logaddexp(0, -abs(on_real))
                                + np.logaddexp(0, -on_made) - np.logaddexp(0, -abs(on_made))),
            "The term u y is added: it is subtracted.": right + 2 * np.mean(on_real * real + on_made * made),
            "These are squared differences of logits and labels: the cross-entropy was asked.":
                np.mean((on_real - real)**2 + (on_made - made)**2),
            "The labels are not used: they may be other numbers than 1 and 0.":
                np.mean(_cross_entropy(on_real, hard[0]) + _cross_entropy(on_made, hard[1])),
            "A second sigmoid: D = sigmoid(logit), and the cross-entropy takes D.":
                np.mean(_cross_entropy(_sigmoid(on_real), real) + _cross_entropy(_sigmoid(on_made), made)),
            "The term with 1 - y is missing: -(y log D + (1 - y) log(1 - D)).":
                np.mean(real * _cross_entropy(on_real, hard[0]) + made * _cross_entropy(on_made, hard[0])),
            "The label of a made image is 0 here, that is log(1 - D): you take log D.":
                np.mean(first + _cross_entropy(on_made, 1 - made))})
    got = untouched(generator_loss, on_made)
    right = _cross_entropy(on_made, 1).mean()
    require(np.ndim(got) == 0,
            f"generator_loss gives shape {list(np.shape(got))}: one number was asked, the mean.")
    same("generator_loss", got, right, {
        "This is the saturating loss, log(1 - D): the one that was asked is -log D.":
            -_cross_entropy(on_made, 0).mean(),
        "This is -log(1 - D): it is the discriminator's loss, with which G would learn to be caught.":
            _cross_entropy(on_made, 0).mean(),
        "The sign is turned round: with log D, minimised, G would learn to be caught.": -right,
        "This is the sum over the images: their mean was asked.": 6 * right,
        "This is with the logarithm of base 2: the natural one was asked.": right / np.log(2),
        "This is the mean of the logits: the cross-entropy with label 1 was asked.": -on_made.mean(),
        "This is 1 - D: the logarithm is missing.": np.mean(1 - _sigmoid(on_made)),
        "This is -D: the logarithm is missing.": -np.mean(_sigmoid(on_made))})
    large = np.array([[-1000.0], [1000.0]])
    got = [untouched(discriminator_loss, large, large[::-1], 1.0, 0.0), untouched(generator_loss, large)]
    for name, number, right in (("discriminator_loss", got[0], 1000), ("generator_loss", got[1], 500)):
        require(bool(np.isfinite(number)),
                f"{name} is not finite for logits of -1000 and 1000: e^1000 is infinite and "
                "log 0 too; use the stable form.")
        require(abs(number - right) < 1,
                f"{name} is {number:.5g} for logits of -1000 and 1000, expected {right}: a clipped "
                "probability, or a small number in the logarithm, hides how wrong D is, and the gradient is "
                "lost.")


def _cross_entropy(logits: np.ndarray, labels: np.ndarray | float) -> np.ndarray:
    """TensorFlow's, in float64."""
    return tf.nn.sigmoid_cross_entropy_with_logits(labels + 0 * logits, np.float64(logits)).numpy()


def _sigmoid(logits: np.ndarray) -> np.ndarray:
    return tf.sigmoid(logits).numpy()


# task 4: a step ---------------------------------------------------------------------------------------------

RATES = 0.1, 0.3  # of G and of D, in the check


def small_gan() -> tuple[tf.keras.Model, tf.keras.Model]:
    """G: [N, 3] -> [N, 2] and D: [N, 2] -> [N, 1], small, with batch norm, and weights unlike a start."""
    generator = tf.keras.Sequential([tf.keras.Input([3]), layers.Dense(4), layers.BatchNormalization(),
                                     layers.ReLU(), layers.Dense(2)])
    discriminator = tf.keras.Sequential([tf.keras.Input([2]), layers.Dense(5), layers.BatchNormalization(),
                                         layers.LeakyReLU(0.2), layers.Dense(1)])
    rng = checks.generator(4)
    for network in (generator, discriminator):
        network.set_weights([rng.normal(0.3, 0.8, weight.shape) if "variance" not in weight.name
                             else rng.uniform(0.5, 2, weight.shape) for weight in network.weights])
    return generator, discriminator


def points() -> tuple[tf.Tensor, tf.Tensor]:
    """Real points x [6, 2] and latent vectors z [6, 3] of the check."""
    rng = checks.generator(5)
    return tuple(tf.constant(rng.normal(size=[6, side]), tf.float32) for side in (2, 3))


def gradients(generator: tf.keras.Model, discriminator: tf.keras.Model, x: tf.Tensor, z: tf.Tensor, *,
              names: Collection[str] = ("d", "g"), training: tuple[bool, bool, bool] = (True, True, True),
              together: bool = False) -> tuple[dict, dict]:
    """The losses "d", "g" (and mistaken ones), and for those in `names` their gradients, flat, for G's and for D's weights.

    training  of G, of D on real points and of D on made ones
    together  D judges real and made points in one batch
    """
    with tf.GradientTape(persistent=True) as tape:
        made = generator(z, training=training[0])
        if together:
            on_real, on_made = tf.split(discriminator(tf.concat([x, made], 0), training=training[1]), 2)
        else:
            on_real = discriminator(x, training=training[1])
            on_made = discriminator(made, training=training[2])
        real, taken_for_made, caught, missed = (
            tf.reduce_mean(tf.nn.softplus(logits)) for logits in (-on_real, on_real, on_made, -on_made))
        found = {"d": real + caught, "g": missed, "caught": caught, "real": real, "saturating": -caught,
                 "swapped": taken_for_made + missed,  # the last two: logits and labels changed places
                 "all real": real + missed, "bare": _keras(on_real, on_made, lambda u: u),
                 "twice": _keras(on_real, on_made, lambda u: tf.sigmoid(tf.sigmoid(u))),
                 "d turned": -tf.reduce_mean(on_real), "g turned": -tf.reduce_mean(on_made)}
    both = generator.trainable_variables, discriminator.trainable_variables
    return found, {name: tuple(_slope(tape, loss, weights) for weights in both)
                   for name, loss in found.items() if name in names}


MISTAKEN = "caught", "real", "saturating", "swapped", "all real", "bare", "twice", "d turned", "g turned"


@functools.cache
def _mistaken_slopes(variant: int) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """The gradients of mistaken losses and mistaken passes for the networks and points of the check, for G and for D.

    Computed when a step is wrong for the first time: no step of the student's changes them. `variant` is that of the
    hidden tests, which draw other numbers.
    """
    networks, examples = small_gan(), points()
    start = [network.get_weights() for network in networks]

    def slopes(**options) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        for network, weights in zip(networks, start):
            network.set_weights(weights)  # a pass with training=True changes the running statistics
        return gradients(*networks, *examples, **options)[1]

    found = slopes(names=MISTAKEN)
    for name, training in {"no training": (False, False, False), "G not": (False, True, True), "D not": (True, False, False),
                           "not real": (True, False, True), "not made": (True, True, False)}.items():
        right = slopes(training=training)
        found[name] = right["g"][0], right["d"][1]
    found["together"] = slopes(names=["d"], together=True)["d"]
    one = slopes()["d"][1]
    for variable, part in zip(networks[1].trainable_variables, _apart(one, networks[1].trainable_variables)):
        variable.assign_sub(RATES[1] * part)
    found["later"] = gradients(*networks, *examples, names=["g"])[1]["g"]  # by D after its update
    return found


def _variant() -> int:
    """0, within the hidden tests a number that differs with their variant."""
    return inputs(0, lambda rng: int(rng.integers(1, 2**31)))


def _apart(flat: np.ndarray, variables: list) -> list[np.ndarray]:
    """A flat gradient as one array for each variable."""
    ends = np.cumsum([np.prod(variable.shape) for variable in variables])[:-1].astype(int)
    return [part.reshape(variable.shape) for part, variable in zip(np.split(flat, ends), variables)]


def _keras(on_real: tf.Tensor, on_made: tf.Tensor, probability: Callable) -> tf.Tensor:
    """The loss of D by Keras' cross-entropy, which takes probabilities."""
    loss = tf.keras.losses.BinaryCrossentropy()
    real, made = probability(on_real), probability(on_made)
    return loss(tf.ones_like(real), real) + loss(tf.zeros_like(made), made)


def _slope(tape: tf.GradientTape, loss: tf.Tensor, weights: list) -> np.ndarray:
    """The gradient, flat; 0 for weights that do not enter the loss."""
    parts = tape.gradient(loss, weights)
    return _flat([tf.zeros_like(weight) if part is None else part for part, weight in zip(parts, weights)])


def _flat(arrays: list) -> np.ndarray:
    return np.concatenate([np.ravel(array) for array in arrays])


@checks.check
def step(train_step: Callable) -> None:
    """Task 4: losses, and the weights after one step of gradient descent, against those of `gradients`."""
    not_compiled(train_step)
    written_out(train_step, names=set())
    generator, discriminator = small_gan()
    networks = generator, discriminator
    start = [network.get_weights() for network in networks]
    x, z = points()
    optimizers = _descents(networks)
    before = [_flat(network.trainable_variables) for network in networks]

    def reset() -> None:
        for network, weights in zip(networks, start):
            network.set_weights(weights)

    got = _step(train_step, *networks, *optimizers, x, z)
    after = [_flat(network.trainable_variables) for network in networks]
    statistics = _flat(generator.non_trainable_variables)
    reset()
    losses, flat = gradients(*networks, x, z)
    _judge_d(before[1], after[1], flat)
    _judge_g(before[0], after[0], flat)
    for name, optimizer in zip(("g_optimizer", "d_optimizer"), optimizers):
        require(int(optimizer.iterations) == 1,
                f"{name} makes {int(optimizer.iterations)} steps, expected 1: let the optimizer move the "
                "weights, with one call of apply. (Adam does more than subtract rate times gradient.)")
    reset()
    generator(z, training=True)
    require(np.allclose(statistics, _flat(generator.non_trainable_variables), atol=1e-5),
            "The generator runs more than once: make the points once, both losses take them.")
    pair = {"d": float(losses["d"]), "g": float(losses["g"])}
    same("The first loss, that of D,", got[0], pair["d"], {
        "The two losses are swapped: return d_loss, g_loss.": pair["g"],
        "The loss of D is half of what was asked: the mean over the real points plus the mean over the made "
        "ones.": pair["d"] / 2}, tolerance=1e-4)
    same("The second loss, that of G,", got[1], pair["g"], {
        "The loss of G that you return is the saturating one.": -float(losses["caught"])}, tolerance=1e-4)
    reset()
    optimizers = _descents(networks)
    compiled = tf.function(lambda: train_step(*networks, *optimizers, x, z), autograph=False)
    try:
        compiled()
    except Exception as error:
        raise CheckFailed(f"train_step cannot be compiled ({type(error).__name__}): tf.function allows no "
                          f".numpy(), float() "
                          "or np function on tensors, and no new variables.") from None
    require(np.allclose(_flat(generator.trainable_variables), after[0], atol=1e-4),
            "Compiled, train_step does something else than when it is called: does it use NumPy's random "
            "numbers, or change variables of Python?")


def _descents(networks: tuple) -> list[tf.keras.Optimizer]:
    """Plain gradient descent for G and for D: the weights after a step show the gradient itself."""
    optimizers = [tf.keras.optimizers.SGD(rate) for rate in RATES]
    for optimizer, network in zip(optimizers, networks):
        optimizer.build(network.trainable_variables)
    return optimizers


def _step(train_step: Callable, *arguments) -> tuple[float, float]:
    try:
        got = call(train_step, *arguments)
    except CheckFailed as failure:
        require(not any(words in str(failure) for words in ("No gradients", "NoneType", "None values")),
                "A gradient is None: the tape has to see the whole way from the weights to the loss. Make "
                "the images inside `with`, from z, and turn nothing into NumPy arrays on the way.")
        require("only be used" not in str(failure) and "non-persistent" not in str(failure),
                "One tape gives its gradients once: take two tapes, one for each loss (or persistent=True).")
        require("moving_" not in str(failure),
                "Take trainable_variables: the running statistics of batch norm have no gradient.")
        require("Unknown variable" not in str(failure) and "cannot be called on variable" not in str(failure)
                and "optimizer was created" not in str(failure).lower(),
                "An optimizer gets weights that are not its own: g_optimizer has the memories for the "
                "weights of G, d_optimizer those for the weights of D.")
        raise
    require(is_pair(got),
            "train_step gives two numbers: return d_loss, g_loss.")
    for loss in got:
        require(np.ndim(loss) == 0,
                f"A loss has shape {list(np.shape(loss))}: it is a mean over the batch, one number.")
    return got


def _judge_d(before: np.ndarray, after: np.ndarray, flat: dict) -> None:
    """The weights of D after the step; `flat` has the right gradients of both losses."""
    rate, right = RATES[1], flat["d"][1]

    def moved(direction: np.ndarray, rate: float = rate) -> np.ndarray:
        return before - rate * direction

    if np.allclose(after, moved(right), atol=1e-4):
        return
    require(not np.allclose(after, before),
            "The weights of D do not move: apply its gradients with d_optimizer.")
    flat = flat | _mistaken_slopes(_variant())
    same("A weight of D after the step", after, moved(right), {
        "G's update moves the weights of D too, and D learns to be fooled: g_optimizer gets the weights of "
        "G only.": before - rate * right - RATES[0] * flat["g"][1],
        "D gets the gradient of G's loss on top of its own: each network has its own loss.":
            moved(right + flat["g"][1]),
        "D climbs its loss: it is minimised, as that of G is.": moved(-right),
        "D's labels are swapped: 1 is real, 0 is made.": moved(flat["swapped"][1]),
        "The label of the made points is 0 for D: both have label 1 here.": moved(flat["all real"][1]),
        "The cross-entropy takes the logits for probabilities: say from_logits=True, or use "
        "tf.nn.sigmoid_cross_entropy_with_logits.": moved(flat["bare"][1]),
        "A second sigmoid: the cross-entropy takes the logits of D as they are.": moved(flat["twice"][1]),
        "D gets the gradient of G's loss.": moved(flat["g"][1]),
        "D learns from the real points only: the made ones, with label 0, belong to its loss.":
            moved(flat["real"][1]),
        "D learns from the made points only: the real ones, with label 1, belong to its loss.":
            moved(flat["caught"][1]),
        "D's loss is the sum over the batch: the mean was asked.": moved(6 * right),
        "D's loss is half of what was asked: the mean over the real points plus the mean over the made ones.":
            moved(right / 2),
        "The optimizers are swapped: g_optimizer is that of G.": moved(right, RATES[0]),
        "G runs without training=True: its batch norm has to take the statistics of the batch.":
            moved(flat["G not"][1]),
        "D runs without training=True: its batch norm has to take the statistics of the batch.":
            moved(flat["D not"][1]),
        "D judges the made points without training=True: all three calls take it.":
            moved(flat["not made"][1]),
        "D judges the real points without training=True: all three calls take it.":
            moved(flat["not real"][1]),
        "Labels and logits are swapped in the cross-entropy of D: labels come first, or write labels=, "
        "logits=.": moved(flat["d turned"][1]),
        "G and D run without training=True: batch norm then takes its running statistics, not those of the "
        "batch.": moved(flat["no training"][1]),
        "D judges real and made points in one batch, and its batch norm mixes them: call D twice.":
            moved(flat["together"][1])}, tolerance=1e-4)


def _judge_g(before: np.ndarray, after: np.ndarray, flat: dict) -> None:
    """The weights of G after the step; `flat` has the right gradients of both losses."""
    rate, right = RATES[0], flat["g"][0]

    def moved(direction: np.ndarray, rate: float = rate) -> np.ndarray:
        return before - rate * direction

    if np.allclose(after, moved(right), atol=1e-4):
        return
    require(not np.allclose(after, before),
            "The weights of G do not move: apply its gradients with g_optimizer.")
    flat = flat | _mistaken_slopes(_variant())
    same("A weight of G after the step", after, moved(right), {
        "D's update moves the weights of G too, so that G learns to be caught: d_optimizer gets the weights "
        "of D only.": before - rate * right - RATES[1] * flat["d"][0],
        "G gets the gradient of D's loss on top of its own: each network has its own loss.":
            moved(right + flat["d"][0]),
        "This is the saturating loss of G, log(1 - D): -log D was asked, the cross-entropy with label 1.":
            moved(flat["saturating"][0]),
        "G learns to be caught: its loss is not that of D, it has the label 1 for the points that it made.":
            moved(flat["caught"][0]),
        "G climbs its loss: it is minimised, as that of D is.": moved(-right),
        "G's loss is the sum over the batch: the mean was asked.": moved(6 * right),
        "G is judged by D after D's update: take both losses and both gradients first, then move both "
        "networks.": moved(flat["later"][0]),
        "D runs without training=True when it judges for G.": moved(flat["not made"][0]),
        "Labels and logits are swapped in the cross-entropy of G: labels come first, or write labels=, "
        "logits=.": moved(flat["g turned"][0]),
        "The optimizers are swapped: g_optimizer is that of G.": moved(right, RATES[1])}, tolerance=1e-4)


# task 5: what went wrong ------------------------------------------------------------------------------------

CAUSES = {1: "nothing is wrong", 2: "mode collapse", 3: "D too strong", 4: "D too weak",
          5: "stopped too early"}
FAULTS = {"P": 3, "Q": 1, "R": 4, "S": 5, "T": 2}
SEEN = {"P": "its two curves lie at 1 and 0 all the time; what does the slope of a sure D tell G",
        "Q": "where are its points, compared with the data, and what do both curves end at",
        "R":
            "look at the numbers on its axes, and at how often D takes the made points for real, and the "
            "real ones",
        "S": "how many steps does it have, and have its points stopped moving",
        "T": "the curves look balanced; how many different points does it make"}


@checks.check
def modes(covered: Callable) -> None:
    """Task 5, first half: on points at given distances from given centres."""
    written_out(covered)
    rng = checks.generator(6)
    centres, radius = minimax.centres().astype(np.float64), 0.4
    for counts in inputs(([100, 0, 30, 1, 10, 0, 60, 0], [0, 0, 500, 0, 0, 0, 0, 0]),
                         lambda rng: rng.permuted([[90, 2, 25, 12, 1, 70, 0, 40], [0, 300, 0, 0, 15, 0, 0, 0]], axis=1)):
        angles = rng.uniform(0, 2 * np.pi, sum(counts))
        lengths = radius * rng.choice([0.1, 0.5, 0.95], sum(counts))
        angles[:2], lengths[:2] = np.pi / 4, 0.95 * radius  # outside for those who add up both coordinates
        inside = np.repeat(centres, counts, axis=0) + (lengths * [np.cos(angles), np.sin(angles)]).T
        corners = centres[rng.integers(0, 8, 149)] + 0.35 * rng.choice([-1, 1], (149, 2))  # not in the circle
        beside = centres[rng.integers(0, 8, 50)] + [0.55, 0]  # 0.55**2 is less than the radius, 0.55 is not
        points = rng.permutation(np.concatenate([inside, corners, beside, rng.normal(0, 0.3, (100, 2))]))
        distances = np.linalg.norm(points[:, None] - centres, axis=2)
        near = distances < radius

        def answer(near: np.ndarray, least: float = 0.01) -> list[float]:
            return [np.sum(near.mean(axis=0) >= least), near.any(axis=1).mean()]

        try:
            got = _two_numbers(untouched(covered, points, centres, radius))
        except CheckFailed as failure:
            require("broadcast" not in str(failure),
                    "Two shapes do not fit: points[:, None] - centres is [N, M, 2], each point with each centre.")
            raise
        right = answer(near)
        steps = np.abs(points[:, None] - centres)
        others = {
            "The distance is not squared on both sides: its root is missing.": answer(distances**2 < radius),
            "These are the points in a square: the distance is the root of the sum of squares.":
                answer(steps.max(axis=2) < radius),
            "These are the points in a diamond: the distance is the root of the sum of squares.":
                answer(steps.sum(axis=2) < radius)}
        require(got[0] != right[1] or got[1] != right[0], "The order is modes, share.")
        same("share", got[1], right[1], {
            "share is that of the points that lie near no centre.": 1 - right[1],
            "This is the share of the centres that have a point: share is that of the points, any over the centres.":
                near.any(axis=0).mean(),
            "This is a mean over points and centres: a point counts once, where it lies near any centre.":
                near.mean(),
            "share is a number of points: divide by how many there are.": near.any(axis=1).sum(),
            "share is a percentage: a fraction, 0 to 1, was asked.": 100 * right[1]}
            | {sentence: wrong[1] for sentence, wrong in others.items()}, tolerance=1e-6)
        same("modes", got[0], right[0], {
            "A centre counts when at least one point of a hundred lies near it: here one point is enough.":
                answer(near, 1e-9)[0],
            "1 % of the points is the fraction 0.01: here 0.1 was taken.": answer(near, 0.1)[0],
            "1 % of the points is the fraction 0.01: here 1 was taken, all of them.": answer(near, 1)[0],
            "This is how many points lie near a centre: count the centres.": near.any(axis=1).sum(),
            "This is the share of the centres: their number was asked.": right[0] / 8,
            "This is how many centres are not covered.": 8 - right[0]}
            | {sentence: wrong[0] for sentence, wrong in others.items()}, tolerance=1e-6)
    _borderline(covered)


def _two_numbers(got) -> tuple[float, float]:
    require(is_pair(got), "covered gives two numbers: return modes, share.")
    for name, number in zip(("modes", "share"), got):
        require(np.ndim(number) == 0, f"{name} has shape {list(np.shape(number))}, one number was asked.")
    return got


def _borderline(covered: Callable) -> None:
    """Six centres: three have points in common, one has points on its circle, one has exactly 1 %."""
    centres = np.array([[0, 0], [0.5, 0], [0, 0.5], [10, 0], [0, 10], [10, 10]], float)
    places = [[0.25, 0.25], [11, 0], [0, 10], [10, 10], [5, 5]]
    points = np.repeat(np.array(places, float), [20, 50, 2, 1, 127], axis=0)
    try:
        got = _two_numbers(untouched(covered, points, centres, 1.0))
    except CheckFailed as failure:
        raise CheckFailed("With 6 centres it does not work: take their number from `centres`, it is not "
                          f"always 8. ({failure})") from None
    same("share, where circles overlap,", got[1], 23 / 200, {
        "A point near several centres counts several times: it counts once in share (any, not sum).":
            63 / 200,
        "A point at exactly the distance `radius` is not near: less than (<) was asked.": 73 / 200},
        tolerance=1e-6)
    same("modes, for 6 centres,", got[0], 4, {
        "A centre with exactly 1 % of the points counts too: at least (>=) was asked.": 3,
        "A point may lie near several centres: it counts for each of them, not only for the nearest.": 2,
        "This is 1 % of the points that are near: 1 % of all points was asked.": 5,
        "The number of centres is not always 8: take it from `centres`.": 8}, tolerance=1e-6)


def games() -> dict[str, dict]:
    """Five games on the ring: for each letter the points "made" [500, 2], and "d_real", "d_made" by step."""
    play = _ring_game()
    return {"P": play(300, rates=(2e-5, 5e-3), d_first=200), "Q": play(1500),
            "R": play(60, rates=(2e-3, 1e-6)), "S": play(80), "T": play(250, g_steps=10)}


def _ring_game() -> Callable[..., dict]:
    """A function that plays a GAN on the ring, each time from the same first weights; compiled once for all games."""
    session.start(seed=5)
    data = tf.constant(minimax.ring(2000))
    networks = minimax.dense(4, 2, (64, 64)), minimax.dense(2, 1, (64, 64))
    optimizers = [tf.keras.optimizers.Adam(beta_1=0.5) for _ in networks]
    for optimizer, network in zip(optimizers, networks):
        optimizer.build(network.trainable_variables)
    random = tf.random.Generator.from_seed(5)
    state = [variable for part in (*networks, *optimizers) for variable in part.variables]
    start = [variable.numpy() for variable in state]

    def update(player: int) -> tuple[tf.Tensor, tf.Tensor]:
        x = tf.gather(data, random.uniform([128], 0, len(data), tf.int32))
        with tf.GradientTape() as tape:
            on_real, on_made = networks[1](x), networks[1](networks[0](random.normal([128, 4])))
            loss = tf.reduce_mean(tf.nn.softplus(-on_made) if player == 0 else
                                  tf.nn.softplus(-on_real) + tf.nn.softplus(on_made))
        weights = networks[player].trainable_variables
        optimizers[player].apply(tape.gradient(loss, weights), weights)
        return tf.reduce_mean(tf.sigmoid(on_real)), tf.reduce_mean(tf.sigmoid(on_made))

    @tf.function
    def loop(steps: tf.Tensor, g_steps: tf.Tensor) -> tf.Tensor:
        history = tf.TensorArray(tf.float32, steps)
        for step in tf.range(steps):
            history = history.write(step, tf.stack(update(1)))
            for _ in tf.range(g_steps):
                update(0)
        return history.stack()

    def play(steps: int, rates: tuple[float, float] = (2e-3, 2e-3), g_steps: int = 1, d_first: int = 0) -> dict:
        """`g_steps` updates of G for one of D, after `d_first` updates of D alone; learning rates of G and of D."""
        for variable, value in zip(state, start):
            variable.assign(value)
        for optimizer, rate in zip(optimizers, rates):
            optimizer.learning_rate = rate
        random.reset_from_seed(5)
        loop(tf.constant(d_first), tf.constant(0))
        history = loop(tf.constant(steps), tf.constant(g_steps)).numpy()
        return dict(made=networks[0](random.normal([500, 4])).numpy(), d_real=history[:, 0], d_made=history[:, 1])

    return play


@checks.check
def diagnosis(named: Callable) -> None:
    """Task 5, second half: the cause of each panel, by its number."""
    got = call(named)
    require(isinstance(got, dict) and got.keys() == FAULTS.keys(),
            'diagnosis gives a dictionary with the keys "P", "Q", "R", "S" and "T".')
    for letter, cause in FAULTS.items():
        try:
            number = operator.index(got[letter])
        except TypeError:
            number = 0
        require(number in CAUSES, f"Panel {letter}: {got[letter]!r} is not the number of a cause, 1 to 5.")
        require(number == cause,
                f"Panel {letter} does not show cause {number}, {CAUSES[number]}: {SEEN[letter]}.")


# tasks 6 to 8: the generator at work ------------------------------------------------------------------------

@checks.check
def spherical(slerp: Callable) -> None:
    """Task 6: on vectors of unequal length, right angles, parallel and equal ones; the norm, and the ends."""
    written_out(slerp)
    rng = checks.generator(7)
    a, b = rng.normal(size=(6, 5)), 2 * rng.normal(size=(6, 5))
    a[3:5] = np.eye(5)[:2]
    b[3], b[4] = a[3], 3 * a[4]  # equal, and parallel, with a cosine of exactly 1
    for t in (0.3, 0.75, 0.0, 1.0):
        try:
            got = array("slerp", untouched(slerp, a, b, t))
        except CheckFailed as failure:
            require("broadcast" not in str(failure) and "not aligned" not in str(failure),
                    "Two shapes do not fit: the sums go over axis 1 with keepdims=True, so that [N, 1] "
                    f"multiplies [N, d]. ({str(failure).split(': ', 1)[-1]})")
            raise
        with np.errstate(**QUIET):
            right = _slerp(a, b, t)
            require(got.shape == a.shape, f"slerp gives shape {list(got.shape)}, expected {list(a.shape)}.")
            require(np.isfinite(got[[0, 1, 2, 5]]).all() or np.isfinite(got).all(),
                    "slerp is not a number for vectors that are not of length 1: the cosine of the angle is "
                    "that of a / |a| and b / |b|.")
            require(np.isfinite(got).all(),
                    "slerp is not a number where a and b are parallel: sin of the angle is 0 there (or the "
                    "cosine comes out above 1, clip it); take the straight line for those rows.")
            name, mistakes = f"slerp(a, b, {t})", _mistaken_slerps(a, b, t)
        apart = [0, 1, 2, 5]
        require(not np.allclose(got[apart], right[apart]) or np.allclose(got[3:5], right[3:5], atol=1e-6),
                "Where a and b are parallel, sin of the angle below 1e-6, the straight line was asked: "
                "(1 - t) a + t b.")
        same(name, got, right, mistakes, tolerance=1e-6)
    a, b = rng.normal(size=(2, 50, 5))
    b[25:] = 2 * a[25:]
    a, b = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True) for vectors in (a, b))
    got = array("slerp", untouched(slerp, a, b, 0.5))
    require(np.isfinite(got).all(),
            "slerp is not a number for some vectors of length 1: rounding brings a cosine above 1, clip it.")
    same("The norm of slerp between unit vectors", np.linalg.norm(got, axis=1), np.ones(50))


def _slerp(a: np.ndarray, b: np.ndarray, t: float) -> np.ndarray:
    """Row by row, with the angle from the arc tangent, which has no trouble near 0."""
    result = []
    for one, other in zip(a, b):
        u, v = one / np.linalg.norm(one), other / np.linalg.norm(other)
        angle = 2 * np.arctan2(np.linalg.norm(u - v), np.linalg.norm(u + v))
        result.append((1 - t) * one + t * other if angle < 1e-6 else
                      (np.sin((1 - t) * angle) * one + np.sin(t * angle) * other) / np.sin(angle))
    return np.array(result)


def _mistaken_slerps(a: np.ndarray, b: np.ndarray, t: float) -> dict[str, np.ndarray]:
    lengths = [np.linalg.norm(vectors, axis=1, keepdims=True) for vectors in (a, b)]
    units = [vectors / length for vectors, length in zip((a, b), lengths)]
    right, straight, on_sphere = _slerp(a, b, t), (1 - t) * a + t * b, _slerp(*units, t)
    angle = np.arccos(np.clip((units[0] * units[1]).sum(axis=1, keepdims=True), -1, 1))
    raw = np.arccos(np.clip((a * b).sum(axis=1, keepdims=True), -1, 1))
    columns = (a * b).sum(axis=0) / np.linalg.norm(a, axis=0) / np.linalg.norm(b, axis=0)
    one = np.arccos(np.clip((a * b).sum() / np.linalg.norm(a) / np.linalg.norm(b), -1, 1))

    def by(angle: np.ndarray) -> np.ndarray:
        curved = (np.sin((1 - t) * angle) * a + np.sin(t * angle) * b) / np.sin(angle)
        return np.where(np.abs(np.sin(angle)) < 1e-6, straight, curved)

    return {
        "This is the straight line: near its middle vectors are too short.": straight,
        "The ends are turned round: t = 0 gives a, t = 1 gives b.": _slerp(b, a, t),
        "The result has length 1: the weights multiply a and b themselves, not a / |a| and b / |b|.":
            on_sphere,
        "The result has length 1: nothing was asked to be divided by its length.":
            right / np.linalg.norm(right, axis=1, keepdims=True),
        "The cosine was clipped, but not of unit vectors: divide a and b by their lengths for it.": by(raw),
        "There is one angle for the whole batch: each row has its own (axis=1, keepdims=True).": by(one),
        "The sums go over axis 0, the rows: each row has its own angle (axis=1, keepdims=True).":
            by(np.arccos(np.clip(columns, -1, 1))),
        "The angle is in degrees: np.sin takes radians.": by(np.degrees(angle)),
        "The division by sin of the angle is missing.":
            np.where(np.sin(angle) < 1e-6, straight, by(angle) * np.sin(angle)),
        "This is the cosine, not the angle: np.arccos is missing.": by(np.cos(angle))}


@checks.check
def frechet(frechet_distance: Callable) -> None:
    """Task 7: against closed forms, and against another way to the root on correlated features."""
    written_out(frechet_distance, names={"utils", "generative", "frechet_distance"})
    rng = checks.generator(8)
    mixing = rng.normal(size=(4, 4))
    a, b = rng.normal(size=(30, 4)) @ mixing + 1, rng.normal(size=(21, 4)) @ mixing.T

    def got(a: np.ndarray, b: np.ndarray) -> float:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # sqrtm warns of singular matrices
            try:
                value = untouched(frechet_distance, a, b)
            except CheckFailed as failure:
                require("matmul" not in str(failure) and "broadcast" not in str(failure)
                        and "not aligned" not in str(failure),
                        "Two shapes do not fit: A and B are both [d, d]; np.cov takes the rows as features "
                        f"unless you say rowvar=False. ({str(failure).split(': ', 1)[-1]})")
                raise
        require(np.ndim(value) == 0,
                f"frechet_distance gives shape {list(np.shape(value))}, expected one number: the trace "
                "of a matrix is the sum of its diagonal.")
        require(not np.iscomplexobj(value),
                "frechet_distance is a complex number: rounding leaves a tiny imaginary part in the root, "
                "take the real part (.real).")
        return float(array("frechet_distance", value))

    first = got(a, b)
    require(not np.isnan(first),
            "frechet_distance is not a number: a root of something negative. (A B is not symmetric: eigvalsh "
            "and eigh do not hold for it.)")
    same("frechet_distance", first, quality.frechet_distance(a, b), _mistaken_distances(a, b))
    shift = np.array([3.0, 0, -4, 0])
    same("The distance of features and the same features moved by (3, 0, -4, 0)", got(a, a + shift), 25.0)
    same("The distance of features and twice those features about their mean", got(a, 2 * a - a.mean(axis=0)),
         np.trace(np.cov(a.T)))
    few = rng.normal(size=(7, 12)), rng.normal(size=(9, 12))  # singular covariances
    value = got(*few)
    require(bool(np.isfinite(value)),
            "With fewer images than features it is not finite: rounding makes an eigenvalue negative, and "
            "its root is not a number. Take the real part, and 0 for what is below 0.")
    right = quality.frechet_distance(*few)
    same("The distance with fewer images than features", value, right, tolerance=1e-3)


def _mistaken_distances(a: np.ndarray, b: np.ndarray) -> dict[str, float]:
    means = np.sum((a.mean(axis=0) - b.mean(axis=0))**2)
    covariances = [np.cov(x, rowvar=False) for x in (a, b)]
    right, traces = quality.frechet_distance(a, b), sum(map(np.trace, covariances))
    root, product = (means + traces - right) / 2, np.trace(covariances[0] @ covariances[1])
    deviations = [x.std(axis=0, ddof=1) for x in (a, b)]
    biased = [np.cov(x, rowvar=False, ddof=0) for x in (a, b)]
    shares = [np.trace(biased[n]) / np.trace(covariances[n]) for n in (0, 1)]
    products = covariances[0] @ covariances[1], covariances[0] * covariances[1]
    half = [np.sqrt(np.maximum(np.linalg.eigvalsh(product), 0)).sum() for product in products]
    entries = np.sqrt(np.maximum(covariances[0] @ covariances[1], 0))
    roots = [linalg.sqrtm(covariance).real for covariance in covariances]
    bare, correlated = (np.trace(one) + np.trace(other) - 2 * np.sqrt(np.abs(np.linalg.eigvals(one @ other))).sum()
                        for one, other in ([x.T @ x / (len(x) - 1) for x in (a, b)],
                                           [np.corrcoef(x, rowvar=False) for x in (a, b)]))
    return {
        "The covariances are divided by N: np.cov divides by N - 1, as asked.":
            means + shares[0] * np.trace(covariances[0]) + shares[1] * np.trace(covariances[1])
            - 2 * np.sqrt(shares[0] * shares[1]) * root,
        "The root of A B is missing: its trace is not that of the product.": means + traces - 2 * product,
        "You take the root of the trace of A B: the trace of its root was asked.":
            means + traces - 2 * np.sqrt(product),
        "np.sqrt takes the root of each entry: the root of a matrix is another thing (its eigenvalues have "
        "the roots).": means + traces - 2 * np.trace(entries),
        "eigvalsh and eigh are for symmetric matrices, A B is none: take np.linalg.eigvals.":
            means + traces - 2 * half[0],
        "A * B multiplies entry by entry: the product of matrices is A @ B.": means + traces - 2 * half[1],
        "The 2 before the root is missing.": means + traces - root,
        "The root is added: it is subtracted, twice.": means + traces + 2 * root,
        "The distance of the means is missing.": right - means,
        "The squares of the means are averaged: add them up.": right - means + means / a.shape[1],
        "One mean was taken over everything: each feature has its own (axis 0).":
            right - means + (a.mean() - b.mean())**2,
        "The means are not subtracted before the covariance: take np.cov.": means + bare,
        "These are correlations: the covariances were asked (np.cov).": means + correlated,
        "This is the root of A times the root of B: the root of the product A B was asked.":
            means + traces - 2 * np.trace(roots[0] @ roots[1]),
        "The distance of the means is not squared.": right - means + np.sqrt(means),
        "This is the distance of the means alone: the covariances belong to it.": means,
        "This is the root of what was asked: the distance is a squared one, as it is reported everywhere.":
            np.sqrt(right),
        "This takes standard deviations only: features that vary together count too, with the covariances.":
            means + np.sum((deviations[0] - deviations[1])**2)}


@checks.check
def inversion(invert_step: Callable, best_restart: Callable) -> None:
    """Task 8: one step against the reference, with batch norm, and the choice on given errors."""
    for function in (invert_step, best_restart):
        not_compiled(function)
        written_out(function, names=set())
    generator = tf.keras.Sequential([
        tf.keras.Input([3]), layers.Dense(8), layers.BatchNormalization(), layers.ReLU(), layers.Dense(4 * 4),
        layers.Reshape([4, 4, 1])])
    rng = checks.generator(9)
    generator.set_weights([rng.normal(0.2, 0.8, weight.shape) if "variance" not in weight.name
                           else rng.uniform(0.5, 2, weight.shape) for weight in generator.weights])
    kept = generator.get_weights()
    z, images, rate = rng.normal(size=(5, 2, 3)), rng.random((5, 4, 4, 1)), 0.05
    z, images = tf.constant(z, tf.float32), tf.constant(images, tf.float32)
    try:
        got = call(invert_step, generator, z, images, rate)
    except CheckFailed as failure:
        require("eshape" not in str(failure) or "values" not in str(failure),
                "A reshape does not fit: take the sizes from images and z; the check uses other ones than "
                "28, 28, 1 and 32.")
        require("ncompatible shape" not in str(failure) and "broadcast" not in str(failure).lower(),
                "Two shapes do not fit: G takes [N * R, latent], one row for each restart of each image; "
                "bring what it gives to [N, R, height, width, 1] and compare with images[:, None].")
        require("NoneType" not in str(failure),
                "The gradient is None: z is a tensor, no variable; tell the tape with tape.watch(z), and "
                "compute the errors inside `with`.")
        raise
    require(isinstance(got, list | tuple) and len(got) == 2,
            "invert_step gives two things: return z, errors.")
    require(all(np.allclose(one, other) for one, other in zip(kept, generator.get_weights())),
            "Your step changes the generator: only z moves here, and training=True is left out.")
    right = _descent(generator, z, images)
    moved = z - rate * right[1]
    shape = [5, 2, 4, 4, 1]
    made = tf.reshape(generator(tf.reshape(z, [10, 3])), shape)
    tiled = tf.reduce_sum((made - tf.reshape(tf.tile(images, [2, 1, 1, 1]), shape))**2, axis=[2, 3, 4])
    _judge_inversion(got, right, np.asarray(z), rate, _descent(generator, moved, images)[0], tiled.numpy())

    @tf.function
    def search(z: tf.Tensor, images: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        errors = tf.zeros(z.shape[:2])
        for _ in tf.range(2):
            z, errors = invert_step(generator, z, images, rate)
        return z, errors

    try:
        twice, _ = search(z, images)
    except Exception as error:
        raise CheckFailed(f"invert_step cannot be compiled ({type(error).__name__}): tf.function allows no "
                          "NumPy, no .numpy(), no new variables and no optimizer; the new z is a tensor, "
                          "z - rate * gradient.") from None
    require(np.allclose(twice, moved - rate * _descent(generator, moved, images)[1], atol=1e-4),
            "Compiled, invert_step does something else than when it is called: does it change variables of "
            "Python?")
    _choice(best_restart)


def _descent(generator: tf.keras.Model, z: tf.Tensor, images: tf.Tensor) -> tuple[np.ndarray, np.ndarray]:
    """The errors [N, R] and their gradient for z [N, R, latent], one restart after the other."""
    errors, slopes = [], []
    for restart in tf.unstack(z, axis=1):
        with tf.GradientTape() as tape:
            tape.watch(restart)
            error = tf.reduce_sum((generator(restart) - images)**2, axis=[1, 2, 3])
        errors.append(error)
        slopes.append(tape.gradient(error, restart))
    return tf.stack(errors, 1).numpy(), tf.stack(slopes, 1).numpy()


def _judge_inversion(got: tuple, right: tuple, z: np.ndarray, rate: float,
                     later: np.ndarray, tiled: np.ndarray) -> None:
    (new, error), (errors, slope) = got, right
    pixels, images, best = 16, len(z), errors == errors.min(axis=1, keepdims=True)
    require(np.shape(error) != np.shape(z) or np.shape(new) != errors.shape, "The order is z, errors.")
    require(np.ndim(error) > 0, "errors is one number: each restart of each image has its own, [N, R].")
    if np.shape(error) != errors.shape or not np.allclose(error, errors, rtol=1e-4):
        same("errors", error, errors, {
            "errors is a mean over the pixels: the sum was asked.": errors / pixels,
            "errors holds distances: their squares were asked, the sum of the squared differences.":
                np.sqrt(errors),
            "errors is half of it: there is no factor 1/2 here.": errors / 2,
            "The restarts are compared with images of others: tf.repeat(images, R, axis=0) gives each image R times "
            "in a row, tf.tile the whole batch R times.": tiled,
            "errors belongs to the new z: that of the z given was asked.": later,
            "errors is the smallest of each image: each restart has its own, [N, R].": errors.min(axis=1)},
            tolerance=1e-4)
    same("The new z", new, z - rate * slope, {
        "z did not move.": z,
        "z goes up the slope, away from the image: subtract rate times the gradient.": z + rate * slope,
        "The gradient alone came back: the new z is z - rate * gradient.": slope,
        "The gradient came without the rate.": z - slope,
        "This is the gradient of the mean over all restarts and images: each goes down its own error, take "
        "the sum.": z - rate * slope / errors.size,
        "This is the gradient of the mean over the images: each goes down its own error, take the sum.":
            z - rate * slope / images,
        "This is the gradient of the mean over the restarts: each goes down its own error, take the sum.":
            z - rate * slope / errors.shape[1],
        "Only the best restart of each image moves: each goes down its own error, take the sum.":
            z - rate * slope * best[..., None],
        "This is the gradient of a mean over the pixels: the error is the sum over them.":
            z - rate * slope / pixels,
        "This is the gradient of the mean over all pixels of all images: the error is the sum over the "
        "pixels, and each restart goes down its own.": z - rate * slope / errors.size / pixels,
        "This is the gradient of the distance: its square was asked.":
            z - rate * slope / (2 * np.sqrt(errors)[..., None]),
        "This is a step of the sign of the gradient: the gradient itself was asked.":
            z - rate * np.sign(slope)},
        tolerance=1e-4)


def _choice(best_restart: Callable) -> None:
    z = checks.generator(10).normal(size=(5, 3, 4)).astype(np.float32)
    errors = np.array([[7, 5, 3], [8, 9, 10], [6, 0.1, 30], [4, 2, 3.5], [11, 40, 4.5]], np.float32)
    best = errors.argmin(axis=1)
    try:
        got = call(best_restart, tf.constant(z), tf.constant(errors))
    except CheckFailed as failure:
        require("indices.shape[0]" not in str(failure),
                "The smallest over the images was taken (axis 0, as argmin does by itself): the restarts are axis 1.")
        raise
    require(not isinstance(got, list | tuple),
            "best_restart gives a list: return one tensor or array, [N, latent].")
    whole = np.unravel_index(errors.argmin(), errors.shape)
    each, column = np.arange(5), errors.mean(axis=0).argmin()
    sorted_places = [np.unravel_index(place, errors.shape) for place in np.argsort(errors, axis=None)[:5]]
    same("best_restart(z, errors)", got, z[each, best], {
        "These are the worst restarts: the smallest error is the best.": z[each, errors.argmax(axis=1)],
        "This is the best restart of the whole batch, for all images: each image has its own best.":
            np.repeat(z[whole][None], 5, axis=0),
        "This is one row, the best of the whole batch: each image has its own best restart.": z[whole],
        "All images get the same restart, number by number: each image has its own best.": z[:, column],
        "All images get the restart of the best one in the batch: each image has its own best.":
            z[:, whole[1]],
        "These are the five best of the whole batch: one for each image was asked.":
            np.array([z[place] for place in sorted_places]),
        "These are the smallest errors: their z were asked.": errors.min(axis=1),
        "These are the numbers of the restarts: their z were asked.": best,
        "The smallest over the images was taken (axis 0): the restarts are axis 1.":
            z[errors.argmin(axis=0), [0, 1, 2]],
        "z[:, numbers] takes each of these restarts for every image: pair the images with their numbers.":
            z[:, best]},
        tolerance=1e-6)
