"""Two-stage linearisation: exact moments at one chosen ReLU, the rest of the network replaced by its tangent.

Bibi, Alfadly and Ghanem 2018, section 3.3. Works for everything that TensorFlow differentiates; max pooling and all other ReLUs
are linearised. The network after the ReLU may also use the image itself and other layers before it (a residual connection).
"""
from collections.abc import Callable, Iterator

from utils.moments import relu as formulas
from utils.moments.gaussian import Gaussian, checked_noise
from utils.moments.graph import operations, outputs_on, traced, variables
from utils.moments.state import flat
from utils.quiet import tf

CHUNK = 128  # columns or rows of a Jacobian at once


def count_relus(model: Callable, shape: tuple[int, ...]) -> int:
    """How many ReLUs a model of inputs [N, *shape] has: the places where `cut` can cut it."""
    return len([operation for operation in operations(traced(model, shape)) if operation.type == "Relu"])


def cut(model: Callable, shape: tuple[int, ...], relu: int) -> tuple[Callable, Callable]:
    """(before, after) of a ReLU of the model, in the order of evaluation, 0 the first and -1 the last.

    before(x)         the input of that ReLU
    after(x, output)  the logits, when the ReLU gives `output` and all that does not pass through it comes from x;
                      after(x, tf.nn.relu(before(x))) is model(x)

    Raises ValueError for a ReLU that is not there.
    """
    concrete = traced(model, shape)
    found = [operation for operation in operations(concrete) if operation.type == "Relu"]
    if not -len(found) <= relu < len(found):
        raise ValueError(f"The model has {len(found)} ReLUs, so there is no ReLU {relu}: choose one of 0 to {len(found) - 1}.")
    start, stop = found[relu].inputs[0].name, found[relu].outputs[0].name

    def run(x: tf.Tensor, output: tf.Tensor | None, wanted: str) -> tf.Tensor:
        known = {concrete.inputs[0].name: x} | variables(concrete) | ({} if output is None else {stop: output})
        for operation in operations(concrete):
            if wanted in known:
                break
            if operation.type != "Placeholder" and operation.outputs[0].name not in known:
                results = outputs_on(operation, [known[tensor.name] for tensor in operation.inputs])
                known |= dict(zip([tensor.name for tensor in operation.outputs], results))
        return known[wanted]

    return lambda x: run(x, None, start), lambda x, output: run(x, output, concrete.outputs[0].name)


def two_stage(model: Callable, mean: tf.Tensor, std: tf.Tensor | float | None = None, covariance: tf.Tensor | None = None,
              relu: int = -1, centre: tf.Tensor | None = None, diagonal: bool = False) -> Gaussian:
    """Mean and covariance of the logits when the images are Gaussian: [N, classes] and [N, classes, classes].

    mean, std, covariance  of the images, as in `gaussian.checked_noise`
    relu      at which the moments are exact, counted as by `cut`
    centre    images [N, ...] around which the network is linearised; the mean itself where it is None
    diagonal  what the ReLU adds to the linear response is taken for uncorrelated from unit to unit: for d units it needs d
              covariances less, and no matrix of d x d

    Exact for affine networks and for one hidden layer (of any mean) without `diagonal`. In a loop over images wrap it in a
    `tf.function`. Raises ValueError as `cut` and `checked_noise` do.
    """
    mean, noise = checked_noise(mean, std, covariance)
    centre = mean if centre is None else tf.cast(centre, tf.float32)
    before, after = cut(model, tuple(mean.shape[1:]), relu)
    rows = [_one_image(before, after, *one, diagonal) for one in zip(tf.unstack(mean), tf.unstack(noise), tf.unstack(centre))]
    return Gaussian(*(tf.stack(column) for column in zip(*rows)))


def _one_image(before: Callable, after: Callable, mean: tf.Tensor, noise: tf.Tensor, centre: tf.Tensor,
               diagonal: bool) -> tuple[tf.Tensor, tf.Tensor]:
    """Mean [classes] and covariance [classes, classes] for an image [...] with variances [D] or covariances [D, D]."""
    x, shift = centre[None], (mean - centre)[None]
    start, moved = _along(before, x, shift)
    unit_mean = flat(start + moved, 1)[0]
    units = _variances(before, x, noise) if diagonal else _covariances(before, x, noise)
    std = formulas.standard_deviation(units if diagonal else tf.linalg.diag_part(units))
    gate = formulas.Phi(formulas.standardised(unit_mean, std))
    output = tf.reshape(formulas.relu_mean(unit_mean, std), tf.shape(start))
    logits, by_x, by_output = _pulled_back(after, x, output)
    response = flat(by_x, 1) + flat(_rows(before, x, tf.reshape(by_output * gate, tf.concat([[-1], tf.shape(start)[1:]], 0))), 1)
    covariance = _product(response, noise)
    if diagonal:
        added = formulas.relu_variance(unit_mean, std) - gate**2 * units
        covariance += tf.matmul(by_output * added, by_output, transpose_b=True)
    else:
        added = formulas.relu_covariance(unit_mean, units) - gate[:, None] * gate * units
        covariance += _product(by_output, added)
    return logits[0] + tf.linalg.matvec(flat(by_x, 1), flat(shift, 1)[0]), covariance


def _product(rows: tf.Tensor, noise: tf.Tensor) -> tf.Tensor:
    """J S J^T of a Jacobian [P, D] and variances [D] or covariances [D, D]."""
    return tf.matmul(rows * noise if noise.shape.rank == 1 else tf.matmul(rows, noise), rows, transpose_b=True)


def _along(function: Callable, x: tf.Tensor, directions: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """function(x) and its derivatives along directions [C, ...] at x [1, ...] (Jacobian-vector products, forward mode)."""
    count = tf.shape(directions)[0]
    points = tf.repeat(x, count, 0)
    with tf.autodiff.ForwardAccumulator(points, directions) as accumulator:
        values = function(points)
    derivatives = accumulator.jvp(values)
    return values[:1], tf.zeros_like(values) if derivatives is None else derivatives


def _rows(function: Callable, x: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    """The derivatives of the weighted sums of function(x), weights [C, ...], by x [1, ...]: [C, ...] (reverse mode)."""
    points = tf.repeat(x, tf.shape(weights)[0], 0)
    with tf.GradientTape() as tape:
        tape.watch(points)
        values = function(points)
    return tape.gradient(values, points, output_gradients=weights, unconnected_gradients="zero")


def _pulled_back(after: Callable, x: tf.Tensor, output: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """The logits [1, classes] and their derivatives by x and by the units [classes, P], from one backward pass."""
    classes = after(x, output).shape[-1]
    points, units = tf.repeat(x, classes, 0), tf.repeat(output, classes, 0)
    with tf.GradientTape() as tape:
        tape.watch([points, units])
        logits = after(points, units)
    found = tape.gradient(logits, [points, units], output_gradients=tf.eye(classes), unconnected_gradients="zero")
    return logits[:1], found[0], flat(found[1], 1)


def _variances(before: Callable, x: tf.Tensor, noise: tf.Tensor) -> tf.Tensor:
    """The variance of each unit [P]: the diagonal of J S J^T, of which J is never there as a whole."""
    total = tf.zeros([tf.size(before(x))])
    for directions in _directions(noise, x.shape):
        total += tf.reduce_sum(flat(_along(before, x, directions)[1], 1)**2, 0)
    return total


def _covariances(before: Callable, x: tf.Tensor, noise: tf.Tensor) -> tf.Tensor:
    """The covariances of all units [P, P]: J S J^T, from as many passes as there are units or pixels, whichever is fewer."""
    shape = before(x).shape[1:]
    units = shape.num_elements()
    if units <= noise.shape[-1]:
        weights = tf.reshape(tf.eye(units), [units, *shape])
        rows = [flat(_rows(before, x, weights[i:i + CHUNK]), 1) for i in range(0, units, CHUNK)]
        return _product(tf.concat(rows, 0), noise)
    total = tf.zeros([units, units])
    for directions in _directions(noise, x.shape):
        derivatives = flat(_along(before, x, directions)[1], 1)
        total += tf.matmul(derivatives, derivatives, transpose_a=True)
    return total


def _directions(noise: tf.Tensor, shape: tf.TensorShape) -> Iterator[tf.Tensor]:
    """The columns of a square root of S as images, CHUNK at a time: sums of squares of J along them are J S J^T."""
    if noise.shape.rank == 1:
        def columns(i: int, j: int) -> tf.Tensor:
            return tf.one_hot(tf.range(i, j), noise.shape[0]) * tf.sqrt(noise)
    else:
        values, vectors = tf.linalg.eigh(noise)
        root = tf.transpose(vectors * tf.sqrt(tf.maximum(values, 0)))

        def columns(i: int, j: int) -> tf.Tensor:
            return root[i:j]
    ends = [*range(0, noise.shape[0], CHUNK), noise.shape[0]]
    return (tf.reshape(columns(i, j), [j - i, *shape[1:]]) for i, j in zip(ends, ends[1:]))
