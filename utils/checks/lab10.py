"""The checks of lab 10, and the digits of its last task. Each raises `checks.CheckFailed` with a sentence."""
import functools
import operator
from collections.abc import Callable

import numpy as np
from scipy import linalg, ndimage

from utils import checks
from utils.generative import autoencoders
from utils.data import Dataset
from utils.checks.lab03 import WithoutTest
from utils.quiet import tf

# names of what differentiates by itself
TAPES = {"GradientTape", "ForwardAccumulator", "jacobian", "batch_jacobian", "gradients"}


def no_test_digits(train: Callable) -> None:
    """Raises CheckFailed if a function that trains uses the lab's arrays of test digits."""
    checks.own(train)
    seen = {"x_test", "centred_test"} & set(train.__code__.co_names)
    checks.require(not seen, f"{train.__name__} looks at {min(seen, default='')}. Test digits are for the end: train "
                             "with digits.x_train, and choose with digits.x_val.")


def images_of(model: Callable, x: np.ndarray) -> np.ndarray:
    """What a model gives for x [N, ...], 500 rows at a time."""
    batches = (tf.constant(x[n:n + 500], tf.float32) for n in range(0, len(x), 500))
    return np.concatenate([np.asarray(model(batch)) for batch in batches])


def squared_error(x: np.ndarray, y: np.ndarray) -> float:
    """The squared difference, summed over the pixels of an image, mean over the images [N, ...]."""
    return float(np.mean(np.sum((np.asarray(x, np.float64) - y)**2, axis=tuple(range(1, np.ndim(x))))))


def unchanged(function: Callable, *arguments):
    """What the student's function gives; raises CheckFailed if it changes an array that it is given."""
    kept = [np.copy(value) for value in arguments]
    got = checks.call(function, *arguments)
    for name, before, after in zip(function.__code__.co_varnames, kept, arguments):
        checks.require(np.array_equal(before, after), f"{function.__name__} changes the array {name} that it "
                       f"is given: {name} = {name} + ... makes a new array, {name} += ... and {name}[...] = "
                       "... write into the old one.")
    return got


# tasks 1 to 3: principal components -------------------------------------------------------------------------

@checks.check
def components(pca: Callable) -> None:
    """Task 1: many rows of few numbers, then few rows of many; the signs are free."""
    checks.written_out(pca)
    rng = checks.generator(0)
    for n, d, k in ((60, 6, 2), (6, 9, 3)):
        turn = linalg.qr(rng.normal(size=(d, d)))[0]
        x = rng.normal(size=(n, d)) * np.linspace(0.5, 3, d) @ turn + rng.normal(3, 2, d)
        got = unchanged(pca, x, k)
        checks.require(isinstance(got, tuple | list) and len(got) == 2, "pca gives two things: return mean, "
                                                                        "components.")
        mean, rows, _ = autoencoders.pca(x, k)
        checks.same("The mean", got[0], mean, {
            "The mean goes over the pixels of one image (axis 1): each pixel has its mean over the images "
            "(axis 0).":
                x.mean(axis=1),
            "The mean is one number for everything: each pixel has its own mean over the images (axis 0).":
                x.mean(),
            "The mean is 0: it has to be that of the images as they came.": 0 * mean})
        _same_up_to_signs("The array of components", got[1], rows, _mistaken_components(x, k))


def _mistaken_components(x: np.ndarray, k: int) -> dict[str, np.ndarray]:
    centred = x - x.mean(axis=0)
    u, singular, all_rows = linalg.svd(centred, full_matrices=False)
    rows = all_rows[:k]
    square = linalg.svd(centred)[2]
    wrong = {
        "x is not centred: subtract the mean from each row before the decomposition.": linalg.svd(x)[2][:k],
        "Each image is centred by its own mean: subtract the mean image, the one that you return.":
            linalg.svd(x - x.mean(axis=1, keepdims=True))[2][:k],
        "One number was subtracted from everything: each pixel has its own mean.":
            linalg.svd(x - x.mean())[2][:k],
        "The components are columns: one row for each was asked, as V^T has them.": rows.T,
        "These are the first numbers of each row of V^T: its first rows are the components.": square[:, :k],
        "These are rows of V: the components are its columns (np.linalg.svd gives V^T, np.linalg.eigh gives "
        "V).":
            square[:, :k].T,
        "These are columns of U, one number for each image: a component has one for each pixel.": u[:, :k].T,
        "These are columns of U, one number for each image: a component has one for each of the pixels.":
            u[:, :k],
        "The components have the length of their singular values: they are unit vectors.":
            singular[:k, None] * rows,
        "These are components 2 to k + 1: the first one belongs to them.": all_rows[1:k + 1],
        "The pixels were divided by their standard deviation: PCA as asked only subtracts the mean.":
            linalg.svd(centred / centred.std(axis=0))[2][:k],
        "The eigenvectors of np.linalg.eigh are columns, the largest last: transpose, turn the order round.":
            square[::-1].T[:k],
        "The eigenvectors of np.linalg.eigh are columns: transpose them, then take rows.":
            square[::-1].T[-k:],
        "The eigenvectors of np.linalg.eigh are columns: transpose first, then take rows.":
            square[::-1].T[::-1][:k],
        "The components are columns, the largest last: one row for each, the largest first.": rows[::-1].T,
        "All components are there: only the first k were asked.": all_rows,
        "All the components are there: only the first k were asked.": square,
        "The order is turned round: the direction of the largest variance comes first.": rows[::-1]}
    if len(x) > x.shape[1]:
        wrong |= {"These are the directions of the smallest variance: np.linalg.eigh has the largest last.":
                  all_rows[::-1][:k],
                  "These are the directions of the smallest variance: the first rows of V^T were asked.":
                      all_rows[-k:]}
    return wrong


def _same_up_to_signs(name: str, got, expected: np.ndarray, mistakes: dict[str, np.ndarray]) -> None:
    got = np.asarray(got)

    def turned(rows: np.ndarray) -> np.ndarray:
        """Rows (or columns, where these are the vectors) with the signs that are nearest to `got`."""
        if rows.shape != got.shape:
            return rows
        products = (np.sum(rows * got, axis=axis, keepdims=True) for axis in (0, 1))
        return min((rows * np.where(product < 0, -1, 1) for product in products),
                   key=lambda signed: np.abs(signed - got).max())

    mistakes = {sentence: turned(wrong) for sentence, wrong in mistakes.items()}
    checks.same(name, got, turned(expected), mistakes)


@checks.check
def coding(encode: Callable, decode: Callable, error: Callable) -> None:
    """Task 2: each function by itself, on components that are given."""
    for function in (encode, decode, error):
        checks.written_out(function)
    rng = checks.generator(1)
    x, mean = rng.random([7, 5]), rng.random(5)
    rows = linalg.qr(rng.normal(size=(5, 3)))[0][:, :3].T
    codes = (x - mean) @ rows.T
    checks.same("encode(x, mean, components)", unchanged(encode, x, mean, rows), codes, {
        "The mean is not subtracted: a code says how an image differs from the mean.": x @ rows.T,
        "The mean is added: it has to be subtracted before the product.": (x + mean) @ rows.T,
        "The codes stand in columns: one row for each image was asked.": codes.T,
        "These are the images again, projected: the code has one number for each component.": codes @ rows,
        "This subtracts the mean of x: use the mean that is given.":
            (x - x.mean(axis=0)) @ rows.T}, tolerance=1e-6)
    images = mean + codes @ rows
    checks.same("decode(codes, mean, components)", unchanged(decode, codes, mean, rows), images, {
        "The mean is not added: a code of 0 stands for the mean image.": codes @ rows,
        "The mean is subtracted: it has to be added after the product.": codes @ rows - mean,
        "The result is clipped to [0, 1]: that was not asked.": np.clip(images, 0, 1)}, tolerance=1e-6)
    for shape in ((4, 6), (3, 4, 5, 1)):
        x, y = rng.random(shape), rng.random(shape)
        each = np.sum(((x - y)**2).reshape(shape[0], -1), axis=1)
        got = unchanged(error, x, y)
        checks.same(f"error(x, y) for arrays of shape {list(shape)}", got, each.mean(), {
            "Only axis 1 is added up: add up all pixels of an image, the mean goes over the images.":
                np.mean(np.sum((x - y)**2, axis=1)),
            "The mean is taken 784 times: images may have any size, add up all squares and divide by len(x).":
                784 * np.mean((x - y)**2),
            "This is the mean over pixels: add up the pixels of an image, the mean goes over the images.":
                np.mean((x - y)**2),
            "This is the sum over all images: take their mean.": each.sum(),
            "There is one number for each image: take their mean.": each,
            "The differences are not squared: add up their squares.":
                np.mean(np.sum((x - y).reshape(shape[0], -1), 1)),
            "These are absolute differences: add up their squares.": np.abs(x - y).sum() / shape[0],
            "There is a root: the squared error has none.": np.mean(np.sqrt(each)),
            "There is a root: the squared error needs none.": np.sqrt(each.mean()),
            "This is half of it: there is no factor 1/2 here.": each.mean() / 2,
            "You divide by the number of pixels: divide by the number of images.":
                each.sum() / np.prod(shape[1:])})


@checks.check
def angles(principal_angles: Callable) -> None:
    """Task 3: against SciPy; then a subspace with itself, where rounding gives cosines above 1."""
    checks.written_out(principal_angles)
    rng = checks.generator(2)
    a = rng.normal(size=(12, 4)) * [0.1, 0.2, 0.2, 0.3] + [0.05, 0, 0, 0.1]
    for columns in (4, 3):
        b = rng.normal(size=(12, columns)) + 0.5 * a[:, :columns]
        b[:, 0] = a[:, 0] + a[:, 1] + 0.02 * rng.normal(size=12)
        right = np.rad2deg(linalg.subspace_angles(a, b))[::-1]
        (qa, _), (qb, _) = np.linalg.qr(a), np.linalg.qr(b)
        cosines = np.cos(np.deg2rad(right))

        def degrees(cosine: np.ndarray) -> np.ndarray:
            return np.rad2deg(np.arccos(np.clip(cosine, -1, 1)))

        with np.errstate(all="ignore"):
            got = unchanged(principal_angles, a, b)
        bare = linalg.svdvals(a.T @ b)
        normed = linalg.svdvals((a / linalg.norm(a, axis=0)).T @ (b / linalg.norm(b, axis=0)))
        mixed = linalg.svdvals(qa.T @ b)
        ra, rb = linalg.qr(a, mode="r")[0][:4], linalg.qr(b, mode="r")[0][:columns]
        with np.errstate(invalid="ignore"):
            mistakes = {
                "The angles are in radians: degrees were asked.": np.deg2rad(right),
                "The angles are in radians, and the largest comes first: smallest first, in degrees.":
                    np.deg2rad(right)[::-1],
                "The largest angle comes first: the smallest was asked first.": right[::-1],
                "These are the cosines: np.arccos makes angles of them.": cosines,
                "The sine was turned back, not the cosine: the singular values are cosines.": 90 - right,
                "The singular values are squared: they are the cosines themselves.": degrees(cosines**2),
                "The bases are not orthonormal yet: take Q of np.linalg.qr of each first.": degrees(bare),
                "The bases have columns of length 1 that are not at right angles: take Q of np.linalg.qr.":
                    degrees(normed),
                "Only a was made orthonormal: b needs its own Q.": degrees(mixed),
                "Only b was made orthonormal: a needs its own Q.": degrees(linalg.svdvals(a.T @ qb)),
                "This is R of the QR decomposition: take Q, the first of the two that np.linalg.qr gives.":
                    degrees(linalg.svdvals(ra.T[:, :columns] @ rb)),
                "The product is that of rows: Qa^T Qb [k, m] was asked, not Qa Qb^T [d, d].":
                    degrees(linalg.svdvals(qa[:, :columns] @ qb.T)),
                "These are angles between single columns: the singular values of Qa^T Qb are the cosines.":
                    degrees(qa.T @ qb),
                "These are the angles between columns in pairs: the subspaces have other, smaller angles.":
                    degrees(np.sum(qa[:, :columns] * qb, axis=0))}
        checks.require(np.shape(got) != right.shape or bool(np.isfinite(got).all()), "Some angles are NaN, "
                       "since cosines above 1 came out: take Q of np.linalg.qr of both bases.")
        checks.require(np.shape(got) != right.shape or np.max(got) > 1e-3, "All angles are 0: were rows "
                       "taken for columns? The vectors of a basis are the columns of a [d, k].")
        checks.same(f"principal_angles of bases {list(a.shape)} and {list(b.shape)}", got, right, mistakes)
    with np.errstate(invalid="ignore"):
        tries = [checks.call(principal_angles, a, a @ rng.normal(size=(4, 4))) for _ in range(20)]
    checks.require(np.isfinite(tries).all(), "Two bases of the same subspace give NaN: rounding makes a "
                   "cosine slightly larger than 1, clip to [-1, 1] before np.arccos.")
    checks.require(np.abs(tries).max() < 1e-3,
                   f"Two bases of the same subspace are {np.abs(tries).max():.3g} degrees apart, expected 0.")


# task 4: a deep autoencoder ---------------------------------------------------------------------------------

@checks.check
def trained(train: Callable, digits: Dataset, code: int,
            share: float) -> tuple[tf.keras.Model, tf.keras.Model]:
    """Task 4: the encoder and the decoder; their error on test digits is at most `share` of that of PCA."""
    no_test_digits(train)
    got = checks.call(train, WithoutTest(digits), code)
    checks.require(isinstance(got, tuple | list) and len(got) == 2
                   and all(isinstance(model, tf.keras.Model) for model in got),
                   "train gives two Keras models: return encoder, decoder.")
    encoder, decoder = got
    x = digits.x_test
    for name, model in (("encoder", encoder), ("decoder", decoder)):
        checks.require(model.built, f"The {name} does not know the shape of its input yet: begin with "
                                    "tf.keras.Input.")
    shapes = [tuple(shape[1:]) for shape in (encoder.input_shape, encoder.output_shape, decoder.input_shape,
                                             decoder.output_shape)]
    checks.require(shapes[0] == (28, 28, 1), f"The encoder takes {list(shapes[0])}, expected images [28, 28, "
                                             "1].")
    checks.require(shapes[1] == (code,), f"The encoder gives {list(shapes[1])}, expected a code of [{code}]: "
                   "that is the narrowest layer, nothing may go round it.")
    checks.require(shapes[2] == (code,), f"The decoder takes {list(shapes[2])}, expected the code alone, "
                                         f"[{code}].")
    checks.require(shapes[3] == (28, 28, 1), f"The decoder gives {list(shapes[3])}, expected images [28, 28, "
                   "1]: end with Reshape.")
    codes = images_of(encoder, x)
    error, best = squared_error(images_of(decoder, codes), x), pca_error(digits, code, x)
    if error > share * best:
        raise checks.CheckFailed(_why_poor(encoder, decoder, codes, digits, f"The error is {error:.2f}, that "
                                           f"of PCA is {best:.2f}, and at most {share:g} times that, "
                                           f"{share * best:.2f}, is asked"))
    _in_range("The decoder", images_of(decoder, codes))
    return encoder, decoder


@checks.check
def validated(encoder: tf.keras.Model, decoder: tf.keras.Model, digits: Dataset, code: int, share: float) -> None:
    """The hidden part of task 4: the error on the validation digits, against that of PCA."""
    x = digits.x_val
    error, best = squared_error(images_of(decoder, images_of(encoder, x)), x), pca_error(digits, code, x)
    checks.require(error <= share * best, f"The error on the validation digits is {error:.2f}, that of PCA is {best:.2f}, and at "
                   f"most {share:g} times that is asked.")


def _in_range(name: str, images: np.ndarray) -> None:
    checks.require(images.min() >= 0 and images.max() <= 1, f"{name} draws pixels from {images.min():.2f} to "
                   f"{images.max():.2f}, expected from 0 to 1: end with a sigmoid.")


def pca_error(digits: Dataset, code: int, images: np.ndarray) -> float:
    """The squared error per image [N, 28, 28, 1] of PCA with `code` components of the training digits."""
    x = images.reshape(len(images), -1)
    mean, rows = _principal_components(digits.x_train)
    return squared_error(mean + (x - mean) @ rows[:code].T @ rows[:code], x)


def _principal_components(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The mean [d] and all components of images [N, ...]; those of the last array are kept: a check is run many times."""
    if _LAST.get("images") is not images:
        x = images.reshape(len(images), -1)
        _LAST.update(images=images, found=autoencoders.pca(x, min(x.shape))[:2])
    return _LAST["found"]


_LAST: dict = {}


def _why_poor(encoder: Callable, decoder: Callable, codes: np.ndarray, digits: Dataset, said: str) -> str:
    """The sentence for an autoencoder that is not good enough: what can be seen in its codes and images."""
    x = digits.x_test[:200]
    images = images_of(decoder, codes[:200])
    middle = images_of(encoder, (x + x[::-1]) / 2)
    straight = np.allclose(middle, (codes[:200] + codes[:200][::-1]) / 2, atol=1e-3 * np.abs(codes).max())
    if np.allclose(codes.sum(axis=1), 1, atol=1e-3):
        return f"{said}: the numbers of each code sum to 1. Leave the softmax at the code out."
    if codes.min() >= 0 and np.mean(codes == 0) > 0.1:
        return f"{said}: no code is negative, many are 0. Leave the ReLU at the code out."
    if codes.min() >= 0 and codes.max() <= 1:
        return f"{said}: all codes are in [0, 1]. Leave the sigmoid at the code out."
    if np.abs(codes).max() <= 1:
        return f"{said}: all codes are in [-1, 1]. Leave the tanh at the code out."
    if images.std(axis=0).max() < 0.02:
        return (f"{said}: it draws the same picture for every digit. Were the encoder and the decoder that "
                "you return parts of the model that was fitted, with the images as targets, at a rate of some "
                "thousandths?")
    if straight:
        return (f"{said}: the encoder is one affine map. Without a hidden layer with an activation an "
                "autoencoder finds no more than PCA does.")
    if images.min() < 0 or images.max() > 1:
        return f"{said}: it draws pixels from {images.min():.2f} to {images.max():.2f}. End with a sigmoid."
    return f"{said}: train for more epochs, with a larger rate that falls, or widen the hidden layers."


# tasks 5 and 6: sparse and contractive ----------------------------------------------------------------------

@checks.check
def sparse(keep_largest: Callable) -> None:
    """Task 5: values with ties and negative numbers, the gradient, and a batch of unknown size."""
    checks.own(keep_largest)
    rng = checks.generator(3)
    h = rng.normal(size=(6, 8)).astype(np.float32)
    h[1] = -np.abs(h[1])
    expected = _kept(h, 3)

    def compare(name: str, h: np.ndarray, k: int, mistakes: dict) -> None:
        got = checks.call(keep_largest, tf.constant(h), k)
        checks.require(not isinstance(got, tuple | list), "keep_largest gives several things: return one "
                                                          "tensor.")
        checks.same(name, got, _kept(h, k), mistakes, tolerance=1e-6)

    kth = -np.sort(-h, axis=1)[:, 2:3]
    ranks = (-h).argsort(axis=0).argsort(axis=0)
    compare("keep_largest(h, 3)", h, 3, {
        "Absolute values are compared: the largest numbers were asked, -5 is smaller than 1.":
            np.where(_kept(np.abs(h), 3) != 0, h, 0),
        "Negative numbers are lost: the k largest stay as they are, also where they are negative.":
            np.maximum(expected, 0),
        "The smallest are kept: the largest were asked.": -_kept(-h, 3),
        "This is the mask of 0 and 1: multiply h with it.": expected != 0,
        "These are the k largest alone, sorted: they stay in their places, all others become 0.":
            -np.sort(-h, axis=1)[:, :3],
        "The k largest of each column are kept (axis 0): each row, one image, keeps its own.":
            np.where(ranks < 3, h, 0),
        "k numbers of the whole batch are kept: each row, one image, keeps its own.":
            _kept(h.reshape(1, -1), 3).reshape(h.shape),
        "The limit is subtracted: the numbers that are kept stay as they are.": np.maximum(h - kth, 0),
        "The k largest became 0: keep them, and set the others to 0.": h - expected,
        "The number at the limit is lost (> in place of >=): k are kept, not k - 1.": np.where(h > kth, h, 0),
        "One number too many is kept: k of each row.": _kept(h, 4)})
    ties = np.array([[1, 2, 2, 2, 0], [0, 0, 0, 0, 0], [3, 1, 1, 1, 4], [-1, -1, 5, -1, -1]], np.float32)
    kth = -np.sort(-ties, axis=1)[:, 1:2]
    compare("keep_largest(h, 2) with equal numbers", ties, 2, {
        "Of equal numbers at the limit all are kept: k of them may stay, the ones further left.":
            np.where(ties >= kth, ties, 0),
        "Of equal numbers at the limit the ones further right are kept: further left was asked.":
            _kept(ties[:, ::-1], 2)[:, ::-1],
        "Of equal numbers at the limit none is kept: the ones further left stay.":
            np.where(ties > kth, ties, 0)})
    given, weights = tf.constant(h), rng.normal(size=h.shape).astype(np.float32)
    with tf.GradientTape() as tape:
        tape.watch(given)
        total = tf.reduce_sum(weights * tf.convert_to_tensor(checks.call(keep_largest, given, 3)))
    gradient = tape.gradient(total, given)
    checks.require(gradient is not None, "No gradient comes back, so that nothing before it would learn: use "
                   "TensorFlow's functions, not NumPy's.")
    checks.same("The gradient of keep_largest", tf.convert_to_tensor(gradient),
                np.where(expected != 0, weights, 0))
    try:
        tf.function(lambda x: keep_largest(x, 3), input_signature=[tf.TensorSpec([None, 8])])(h)
    except Exception:
        raise checks.CheckFailed("It does not run inside a model, where the number of rows is not known in "
                                 "advance: use no NumPy, no .numpy(), no loop over rows, and take the number "
                                 "of units from h.shape[1].") from None


def _kept(h: np.ndarray, k: int) -> np.ndarray:
    order = np.argsort(-h, axis=1, kind="stable")[:, :k]
    result = np.zeros_like(h)
    np.put_along_axis(result, order, np.take_along_axis(h, order, axis=1), axis=1)
    return result


@checks.check
def contractive(contraction: Callable) -> None:
    """Task 6: against the exact Jacobian and its gradient, two shapes of W."""
    checks.written_out(contraction, TAPES, "the formula")
    rng = checks.generator(4)
    for inputs, units in ((5, 5), (6, 3)):
        shapes = (inputs, units), [units], (7, inputs)
        w, b, x = (tf.Variable(rng.normal(size=shape).astype(np.float32)) for shape in shapes)
        x = tf.constant(x)
        expected, right = _exact_contraction(w, b, x)
        with tf.GradientTape() as tape:
            got = checks.call(contraction, w, b, x)
        checks.same(f"contraction for W of shape [{inputs}, {units}]", got, expected,
                    _mistaken_contractions(w, b, x), tolerance=1e-4)
        gradients = tape.gradient(got, [w, b]) if tf.is_tensor(got) else [None]
        checks.require(all(gradient is not None for gradient in gradients), "The value is right, but no "
                       "gradient comes back to W and b, so that it cannot be a penalty: use "
                       "TensorFlow's functions, not NumPy's.")
        for name, gradient, exact in zip("Wb", gradients, right):
            checks.same(f"The gradient of your contraction for {name}", gradient, exact, tolerance=1e-3)
    unknown = [tf.TensorSpec(shape) for shape in ([6, 3], [3], [None, 6])]
    try:
        tf.function(contraction, autograph=False).get_concrete_function(*unknown)
    except Exception:
        raise checks.CheckFailed("It does not run in a training, where the number of images is not known in "
                                 "advance: tf.reduce_mean in place of a division by len(x) or x.shape[0], no "
                                 "loop over the rows.") from None


def _exact_contraction(w: tf.Variable, b: tf.Variable, x: tf.Tensor) -> tuple[float, list[tf.Tensor]]:
    """By the Jacobian, and its gradients for w and b. A tape for each row: `batch_jacobian` first traces for a second."""
    with tf.GradientTape() as outer:
        total = 0.0
        for unit in range(w.shape[1]):
            with tf.GradientTape() as tape:
                tape.watch(x)
                h = tf.sigmoid(x @ w + b)[:, unit]
            total += tf.reduce_sum(tape.gradient(h, x)**2)
        value = total / len(x)
    return float(value), outer.gradient(value, [w, b])


def _mistaken_contractions(w: tf.Variable, b: tf.Variable, x: tf.Tensor) -> dict[str, np.ndarray]:
    w, b, x = (array.numpy().astype(np.float64) for array in (w, b, x))

    def sigmoid(z: np.ndarray) -> np.ndarray:
        return 1 / (1 + np.exp(-z))

    h = sigmoid(x @ w + b)
    slope, squares = h * (1 - h), np.sum(w**2, axis=0)
    bare = sigmoid(x @ w)
    z = x @ w + b
    each = np.sum(slope**2 * squares, axis=1)
    wrong = {
        "The slope h (1 - h) is not squared.": np.mean(np.sum(slope * squares, axis=1)),
        "The weights are not squared.": np.mean(np.sum(slope**2 * np.sum(w, axis=0), axis=1)),
        "The weights are not squared: absolute values are no squares.":
            np.mean(np.sum(slope**2 * np.sum(np.abs(w), axis=0), axis=1)),
        "This is the sum over the images: take their mean.": each.sum(),
        "There is one number for each image: take their mean.": each,
        "There is one number for each unit: add them up.": np.mean(slope**2 * squares, axis=0),
        "This is the mean of the squared entries: add them up.": each.mean() / w.size,
        "There is a mean over the units or over the inputs: add them up, the mean goes over the images only.":
            each.mean() / w.shape[1],
        "There is a root: the squared norm was asked.": np.mean(np.sqrt(each)),
        "There is a root: the squared norm has none.": np.sqrt(each.mean()),
        "This is half of it: there is no factor 1/2 here.": each.mean() / 2,
        "The weights are added up, then squared: square each of them, then add up.":
            np.mean(np.sum(slope**2 * np.sum(w, axis=0)**2, axis=1)),
        "All weights are added up for each unit: unit j has its own, column j (axis 0).":
            np.mean(np.sum(slope**2, axis=1)) * np.sum(w**2),
        "Only 1 - h is squared: the whole slope h (1 - h) is.":
            np.mean(np.sum(h * (1 - h)**2 * squares, axis=1)),
        "The bias is missing in h.": np.mean(np.sum((bare * (1 - bare))**2 * squares, axis=1)),
        "The slope is that of a sigmoid of h: h is the sigmoid already, its slope is h (1 - h).":
            np.mean(np.sum((sigmoid(h) * (1 - sigmoid(h)))**2 * squares, axis=1)),
        "h has no sigmoid: h = sigmoid(x W + b).": np.mean(np.sum((z * (1 - z))**2 * squares, axis=1)),
        "This is the slope of tanh, 1 - h^2: that of a sigmoid is h (1 - h).":
            np.mean(np.sum((1 - h**2)**2 * squares, axis=1)),
        "The slope is missing: this is the sum of the squared weights, weight decay.": squares.sum()}
    if w.shape[0] == w.shape[1]:
        wrong["The squares are added up over the units, axis 1: the weights of unit j are column j."] = (
            np.mean(np.sum(slope**2 * np.sum(w**2, axis=1), axis=1)))
    return wrong


# task 7: denoising ------------------------------------------------------------------------------------------

GAIN = 3.0  # dB above the Gaussian filter that the trained net has to reach


def noise(x: np.ndarray, sigma: float) -> np.ndarray:
    """Images with Gaussian noise, clipped to [0, 1]: those on which a denoiser is measured."""
    return np.clip(x + checks.generator(99).normal(0, sigma, x.shape), 0, 1).astype(np.float32)


def ratio(x: np.ndarray, y: np.ndarray) -> float:
    """The peak signal-to-noise ratio in dB, mean over the images [N, 28, 28, 1] in [0, 1]."""
    return float(np.mean(-10 * np.log10(np.mean((np.asarray(x, np.float64) - y)**2, axis=(1, 2, 3)))))


def smoothed(noisy: np.ndarray, clean: np.ndarray) -> np.ndarray:
    """Noisy images after the Gaussian filter whose sigma, .5 to 2 pixels, makes them most like clean ones."""
    tries = (ndimage.gaussian_filter(noisy, (0, sigma, sigma, 0), mode="constant")
             for sigma in np.arange(0.5, 2.01, 0.25))
    return max(tries, key=lambda images: ratio(images, clean))


@checks.check
def denoising(noisy_pairs: Callable, psnr: Callable, train_denoiser: Callable, digits: Dataset,
              sigma: float) -> tf.keras.Model:
    """Task 7: the pairs by their statistics, `psnr` by its formula, the trained net on noisy test digits."""
    pairs(noisy_pairs)
    decibels(psnr)
    no_test_digits(train_denoiser)
    model = checks.call(train_denoiser, WithoutTest(digits), sigma)
    checks.require(callable(model), f"train_denoiser gives a {type(model).__name__}: return the model.")
    shape = getattr(model, "input_shape", None) or (None, 28, 28, 1)
    checks.require(len(shape) > 2, f"The model takes {list(shape[1:])}, expected images [28, 28, 1].")
    denoised(model, digits, sigma)
    return model


@checks.check
def denoised(model: Callable, digits: Dataset, sigma: float) -> None:
    """The third part of task 7: test digits with noise that the model has not seen."""
    clean = digits.x_test[:2000]
    noisy = noise(clean, sigma)

    def denoiser(images: np.ndarray) -> np.ndarray:
        return images_of(model, images)

    images = checks.run(denoiser, noisy)
    checks.require(images.shape == clean.shape, f"The model gives shape {list(images.shape)}, expected "
                                                f"{list(clean.shape)}.")
    reached, asked = ratio(images, clean), ratio(smoothed(noisy, clean), clean) + GAIN
    said = (f"The denoised test digits have {reached:.1f} dB; the noisy ones {ratio(noisy, clean):.1f}, "
            f"after the best Gaussian filter {asked - GAIN:.1f}, and {asked:.1f} is asked")
    if reached < asked:
        background = float(np.mean(images[clean == 0]))
        checks.require(reached > ratio(noisy, clean), f"{said}: worse than doing nothing. Was fit called?")
        checks.require(background < 0.25 * sigma, f"{said}: black comes out as grey ({background:.2f}), as "
                       "in the noisy images. The target of the training has to be the clean image.")
    of_clean = ratio(images_of(model, clean), clean)
    checks.require(of_clean < reached + 3, f"{said}. Clean digits it gives with {of_clean:.1f} dB, too well: "
                   "it has learned to copy, the inputs of the training have to be noisy.")
    checks.require(reached >= asked, f"{said}: train for more epochs, or draw new noise in some of them.")
    _in_range("The model", images)


@checks.check
def pairs(noisy_pairs: Callable) -> None:
    checks.own(noisy_pairs)
    sigma, rng = 0.1, checks.generator(5)
    x = rng.uniform(0.45, 0.55, (40, 28, 28, 1)).astype(np.float32)
    x[:10] = rng.integers(0, 2, (10, 28, 28, 1))
    got = unchanged(noisy_pairs, x, sigma, 0)
    checks.require(isinstance(got, tuple | list) and len(got) == 2, "noisy_pairs gives two things: return "
                                                                    "noisy, clean.")
    noisy, clean = (np.asarray(part) for part in got)
    for name, part in (("noisy", noisy), ("clean", clean)):
        checks.require(part.shape == x.shape, f"{name} has shape {list(part.shape)}, expected "
                                              f"{list(x.shape)}.")
    checks.require(not np.allclose(noisy, x), "The order is noisy, clean: the first are the inputs of the "
                                              "training."
                   if not np.allclose(clean, x) else "There is no noise on the inputs.")
    checks.require(np.allclose(clean, x), "The target is noisy: noise comes on the input only, the target is "
                                          "x as it was.")
    inside = (noisy - x)[10:]
    checks.require(np.abs(inside[:1] - inside).max() > 1e-3, "All images have the same noise: each needs its "
                                                             "own.")
    checks.require(np.abs(inside - inside[:, :1, :1]).max() > 1e-3, "All pixels of an image have the same noise: "
                                                                    "each needs its own.")
    # The seed comes before what is measured on the noise: of noise without a seed luck would choose the sentence.
    same_seed, other_seed = (np.asarray(checks.call(noisy_pairs, x, sigma, seed)[0]) for seed in (0, 1))
    checks.require(np.array_equal(noisy, same_seed), "The same seed gives other noise: use "
                                                     "np.random.default_rng(seed).")
    checks.require(not np.allclose(noisy, other_seed), "Another seed gives the same noise: pass `seed` to "
                                                       "the generator.")
    deviation, close = inside.std(), 0.035 * sigma  # five standard errors and more of both, from 23,520 numbers
    checks.require(abs(deviation - sigma) > close or inside.max() > 3 * sigma,
                   "The noise is not Gaussian: it never exceeds 3 sigma.")
    weaker = np.asarray(checks.call(noisy_pairs, x, sigma / 2, 0)[0]) - x
    checks.require(weaker[10:].std() < 0.9 * deviation, "Half of sigma gives the same noise: use the "
                                                        "argument `sigma`, not a number.")
    checks.require(abs(deviation - sigma**0.5) > 0.05, "The deviation of the noise is the root of sigma: "
                   "sigma itself is the standard deviation.")
    checks.require(abs(deviation - sigma) < close and abs(inside.mean()) < close,
                   f"With sigma = {sigma:g} the noise has mean {inside.mean():.3f} and standard deviation "
                   f"{deviation:.3f}, expected 0 and {sigma:g}.")
    checks.require(noisy.min() >= 0 and noisy.max() <= 1, f"The noisy images go from {noisy.min():.2f} to "
                   f"{noisy.max():.2f}: clip them to [0, 1].")


@checks.check
def decibels(psnr: Callable) -> None:
    from skimage.metrics import peak_signal_noise_ratio

    checks.written_out(psnr, checks.LIBRARIES | {"skimage"})
    rng = checks.generator(6)
    x = rng.uniform(0, 0.7, (5, 28, 28, 1))
    y = x + rng.normal(size=x.shape) * np.array([0.02, 0.05, 0.1, 0.2, 0.4])[:, None, None, None]
    each = np.array([peak_signal_noise_ratio(a, b, data_range=1) for a, b in zip(x, y)])
    errors = np.mean((x - y)**2, axis=(1, 2, 3))
    got = unchanged(psnr, x, y)
    checks.same("psnr(x, y)", got, each.mean(), {
        "There is one number for each image: take their mean.": each,
        "The mean square error goes over all images together: each image has its own, and its own logarithm.":
            -10 * np.log10(errors.mean()),
        "The squares are added up over the pixels: take their mean.": np.mean(-10 * np.log10(784 * errors)),
        "The sign is wrong: a small error gives many dB.": -each.mean(),
        "The logarithm is the natural one: take np.log10.": np.mean(-10 * np.log(errors)),
        "The logarithm is that of base 2: take np.log10.": np.mean(-10 * np.log2(errors)),
        "The factor 10 is missing.": each.mean() / 10,
        "The factor is 20: that goes with the root of the mean square error, 10 with the error itself.":
            2 * each.mean(),
        "The differences are not squared.": np.mean(-10 * np.log10(np.mean(np.abs(x - y), axis=(1, 2, 3)))),
        "The numerator is the mean square of x: the peak is 1, and so is its square.":
            each.mean() + np.mean(10 * np.log10(np.mean(x**2, axis=(1, 2, 3)))),
        "There is a root, which goes with a factor of 20.": each.mean() / 2,
        "The peak is the largest pixel here: the peak of images in [0, 1] is 1.":
            np.mean([peak_signal_noise_ratio(a, b, data_range=a.max()) for a, b in zip(x, y)]),
        "The peak is the largest pixel of all: the peak of images in [0, 1] is 1.":
            np.mean([peak_signal_noise_ratio(a, b, data_range=x.max()) for a, b in zip(x, y)]),
        "The peak is 255: that of images in [0, 1] is 1.": each.mean() + 20 * np.log10(255)})


# task 8: what a net has never seen --------------------------------------------------------------------------

MISSING = {"A": 6, "B": 7, "C": 0}
QUANTILE = 0.95


def nine_digits(digits: Dataset) -> dict[str, np.ndarray]:
    """The training images of nets A, B and C, without labels: in each, one of the ten digits is missing."""
    return {letter: digits.x_train[digits.y_train != missing] for letter, missing in MISSING.items()}


@checks.check
def unseen(between: Callable, novel: Callable, never_seen: Callable, nets: dict[str, Callable],
           digits: Dataset) -> None:
    """Task 8: `between` and `novel` on a small net with random weights, `never_seen` against `MISSING`."""
    paths(between, digits)
    novelty(novel)
    got = checks.run(never_seen)  # may use `digits` and what utils has
    checks.require(isinstance(got, dict) and got.keys() == MISSING.keys(),
                   'never_seen gives a dictionary with the keys "A", "B" and "C".')
    for letter, missing in MISSING.items():
        try:
            named = operator.index(got[letter])
        except TypeError:
            named = -1
        checks.require(named in range(10), f"Net {letter}: {got[letter]!r} is not one of the digits 0 to 9.")
        if named != missing:
            part = digits.x_val[digits.y_val == named][:200]
            error = squared_error(images_of(nets[letter], part), part)
            raise checks.CheckFailed(f"Net {letter} has seen the digit {named}: its squared error there is "
                                     f"{error:.1f}. On another digit it is far worse than the others.")


@checks.check
def paths(between: Callable, digits: Dataset) -> None:
    """Task 8, first part."""
    encoder, decoder = _small_nets(checks.inputs(7, lambda rng: int(rng.integers(8, 1000))))
    pair = digits.x_val[checks.inputs(slice(2), lambda rng: slice(2, 4))]
    (a, b), steps = pair, 5
    checks.own(between)
    share = np.linspace(0, 1, steps, dtype=np.float32)[:, None]
    code_a, code_b = encoder(pair).numpy()

    def path(share: np.ndarray) -> np.ndarray:
        return (1 - share) * code_a + share * code_b

    ends, pixels = decoder(encoder(pair)).numpy(), share[:, :, None, None]
    got = checks.call(between, encoder, decoder, a, b, steps)
    codes = {  # all decoded at once: a call of a network takes longer than its sums
        "": path(share),
        "The mixtures of the pixels go through the net: mix the codes.": encoder((1 - pixels) * a + pixels * b).numpy(),
        "The path runs from b to a.": path(share[::-1]),
        "The path stops before b: the last image is b, decoded from its code.":
            path(np.linspace(0, 1, steps, endpoint=False, dtype=np.float32)[:, None]),
        "The ends are missing: the first image is a and the last b, each decoded from its code.":
            path(np.linspace(0, 1, steps + 2, dtype=np.float32)[1:-1, None]),
        "There is one image more than `steps`: both ends count.":
            path(np.linspace(0, 1, steps + 1, dtype=np.float32)[:, None]),
        "The codes are added, not mixed: (1 - t) times the one and t times the other.": code_a + share * code_b}
    parts = np.split(decoder(np.concatenate(list(codes.values()))).numpy(), np.cumsum([*map(len, codes.values())])[:-1])
    right, *drawn = parts
    checks.same(f"between(encoder, decoder, a, b, {steps})", got, right, {
        "These are codes: decode them.": path(share),
        "These are mixtures of the pixels of a and b: mix their codes.": (1 - pixels) * a + pixels * b,
        "These are mixtures of the pixels of two decoded images: mix the codes, then decode.":
            (1 - pixels) * ends[0] + pixels * ends[1]} | dict(zip(list(codes)[1:], drawn)), tolerance=1e-4)


@functools.cache
def _small_nets(seed: int) -> tuple[tf.keras.Model, tf.keras.Model]:
    """An encoder to 3 numbers and a decoder with random weights; kept, since a check is run many times."""
    tf.keras.utils.set_random_seed(seed)
    layers = tf.keras.layers
    encoder = tf.keras.Sequential([tf.keras.Input([28, 28, 1]), layers.Flatten(), layers.Dense(8, "tanh"),
                                   layers.Dense(3)])
    decoder = tf.keras.Sequential([tf.keras.Input([3]), layers.Dense(8, "tanh"), layers.Dense(784, "sigmoid"),
                                   layers.Reshape([28, 28, 1])])
    return encoder, decoder


@checks.check
def novelty(novel: Callable) -> None:
    """Task 8, second part: on noise of many shares and levels."""
    checks.own(novel)
    net = tf.keras.Sequential([tf.keras.Input([28, 28, 1]), tf.keras.layers.Rescaling(0.5, 0.1)])
    rng = checks.generator(10)  # every known mistake gives another answer
    share, level = rng.random((2, 200, 1, 1, 1))
    images = ((rng.random((200, 28, 28, 1)) < share) * level).astype(np.float32)
    x_val, x = images[:100], images[100:]
    difference = {"val": net(x_val).numpy() - x_val, "x": net(x).numpy() - x}
    scores, of_val = (np.sum(difference[part]**2, axis=(1, 2, 3)) for part in ("x", "val"))
    right = scores > np.quantile(of_val, QUANTILE)
    got = np.asarray(checks.call(novel, net, x, x_val))
    checks.require(got.shape == right.shape, f"novel gives shape {list(got.shape)}, expected [{len(x)}]: one "
                   "answer for each of the images x.")
    checks.require(got.dtype == bool, f"novel gives {got.dtype}, expected True or False for each image.")
    signed, of_val_signed = (np.sum(difference[part], axis=(1, 2, 3)) for part in ("x", "val"))
    size, of_val_size = (np.sum(np.abs(difference[part]), axis=(1, 2, 3)) for part in ("x", "val"))
    checks.same("novel(net, x, x_val), True counted as 1,", got, right, {
        "True and False are turned round: an image with a large error is novel.": ~right,
        "The threshold comes from x: take it from the validation digits, which the net should know.":
            scores > np.quantile(scores, QUANTILE),
        "The threshold is the largest error of the validation digits: 95 % of them lie below it, not all.":
            scores > of_val.max(),
        "The threshold is the mean error of the validation digits: 95 % of them lie below it.":
            scores > of_val.mean(),
        "The threshold is the median: 95 % of the validation digits lie below it.":
            scores > np.median(of_val),
        "The threshold is the 5 % quantile: 95 % of the validation digits lie below it.":
            scores > np.quantile(of_val, 0.05),
        "np.percentile counts in percent, 95, and np.quantile in fractions, 0.95.":
            scores > np.percentile(of_val, QUANTILE),
        "The threshold is 95 % of the largest error: 95 % of the validation digits lie below the quantile.":
            scores > QUANTILE * of_val.max(),
        "The differences are not squared.": signed > np.quantile(of_val_signed, QUANTILE),
        "These are absolute differences: add up their squares.": size > np.quantile(of_val_size, QUANTILE)})
