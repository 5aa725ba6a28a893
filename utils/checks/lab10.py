"""The checks of lab 10: codes for digits. `trained` and `denoising` give the models; below,
what the notebook measures with too.
"""
import functools
import operator
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from scipy import linalg, ndimage
from skimage.metrics import peak_signal_noise_ratio

from utils import other_versions_names
from utils.checks import (LIBRARIES, CheckFailed, call, check, equal, inputs, message_of, own, require, results, run, seeded,
                          shaped, written_out)
from utils.checks.trained import without_test_set
from utils.data import Dataset
from utils.generative import autoencoders
from utils.quiet import tf

__getattr__ = other_versions_names(__name__)

GAIN = 1.0  # dB above the Gaussian filter and its line that the trained net of task 7 has to reach
MISSING = {"A": 6, "B": 1, "C": 0}  # what the nets of task 8 have not seen; B draws other digits worse than a 1
QUANTILE = 0.95


def images_of(model: Callable, x: np.ndarray) -> np.ndarray:
    """What a model gives for x [N, ...], 500 rows at a time."""
    return np.concatenate([np.asarray(model(tf.constant(x[n:n + 500], tf.float32))) for n in range(0, len(x), 500)])


def squared_error(x: np.ndarray, y: np.ndarray) -> float:
    """The squared difference, summed over the pixels of an image, mean over the images [N, ...]."""
    return float(np.mean(np.sum((np.asarray(x, np.float64) - y)**2, axis=tuple(range(1, np.ndim(x))))))


def ratio(x: np.ndarray, y: np.ndarray) -> float:
    """The peak signal-to-noise ratio in dB, mean over the images [N, 28, 28, 1] in [0, 1]."""
    return float(np.mean(-10 * np.log10(np.mean((np.asarray(x, np.float64) - y)**2, axis=(1, 2, 3)))))


def smoothed(noisy: np.ndarray, clean: np.ndarray) -> np.ndarray:
    """Noisy images after a Gaussian filter, sigma .5 to 2 pixels, and a straight line a v + b for their grey levels v,
    clipped to [0, 1].

    Sigma and line are those that make the images most like clean ones: clipped noise makes black grey,
    and a filter alone leaves it so.
    """
    def lined(images: np.ndarray) -> np.ndarray:
        line = np.polyfit(images.ravel().astype(np.float64), clean.ravel(), 1)
        return np.clip(np.polyval(line, images), 0, 1)

    tries = (lined(ndimage.gaussian_filter(noisy, (0, sigma, sigma, 0), mode="constant")) for sigma in np.arange(0.5, 2.01, 0.25))
    return max(tries, key=lambda images: ratio(images, clean))


def nine_digits(digits: Dataset) -> dict[str, np.ndarray]:
    """The training images of nets A, B and C, without labels: in each, one of the ten digits is missing."""
    return {letter: digits.x_train[digits.y_train != missing] for letter, missing in MISSING.items()}


def _blind(train: Callable, digits: Dataset, *arguments):
    """What the student's training gives, which may use neither `utils` nor the notebook's arrays of test digits."""
    own(train)
    seen = {"x_test", "centred_test"} & set(train.__code__.co_names)
    require(not seen, (f"{train.__name__} looks at {min(seen, default='')}. The test set is for the check alone: train with "
                       "digits.x_train."))
    return without_test_set(train, digits, *arguments)


def _drawn(name: str, model: Callable, x: np.ndarray, shape: tuple[int, ...], why: str) -> np.ndarray:
    try:
        images = images_of(model, x)
    except Exception as error:
        raise CheckFailed(f"{name} stops for an input of shape {list(x.shape[1:])} with {message_of(error)}") from None
    require(images.shape[1:] == shape, f"{name} gives {list(images.shape[1:])}, expected {list(shape)}: {why}")
    return images


def _in_range(name: str, images: np.ndarray) -> None:
    require(images.min() >= 0 and images.max() <= 1,
            f"{name} draws pixels from {images.min():.2f} to {images.max():.2f}, expected from 0 to 1: "
            "end with a sigmoid.")


# tasks 1 to 3: principal components -----------------------------------------------------------------------------------

@check
def components(function: Callable) -> None:
    """Task 1: many rows of few numbers, then few rows of many, and the example; the signs are free."""
    written_out(function)
    rng = seeded(0)
    drawn = [rng.normal(size=(n, d)) * np.linspace(0.5, 3, d) @ linalg.qr(rng.normal(size=(d, d)))[0] + rng.normal(3, 2, d)
             for n, d in ((60, 6), (6, 9))]
    for x, k in ((drawn[0], 2), (drawn[1], 3), (np.array([[0.0, 1], [2, 1], [4, 1]]), 1)):
        mean, got = results(function, call(function, x, k), "mean", "components")
        right, rows, _ = autoencoders.pca(x, k)
        equal("The mean", mean, right, [
            ("The mean goes over the pixels of one image: each pixel has its own (axis 0).", lambda: x.mean(axis=1))],
              given={"x": x})
        got, centred = np.asarray(got), x - right
        u, singular, all_rows = linalg.svd(centred, full_matrices=False)
        square = linalg.svd(centred)[2]

        def signed(rows: np.ndarray) -> np.ndarray:
            """Rows (or columns, where these are the vectors) with the signs that are nearest to `got`."""
            if np.shape(rows) != got.shape:
                return rows
            products = (np.sum(rows * got, axis=axis, keepdims=True) for axis in (0, 1))
            return min((rows * np.where(product < 0, -1, 1) for product in products), key=lambda one: np.abs(one - got).max())

        def of(x: np.ndarray) -> np.ndarray:
            return linalg.svd(x)[2][:k]

        eigh = ("The eigenvectors of np.linalg.eigh are columns, the largest last: transpose first, then take rows, from the "
                "last one.")
        few = ("These are the directions of the smallest variance: the first rows of V^T are required (np.linalg.eigh has the "
               "largest last).")
        mistakes = [
            ("x is not centred: subtract the mean from each row before the decomposition.", lambda: of(x)),
            ("Each image is centred by its own mean: subtract the mean image.", lambda: of(x - x.mean(axis=1, keepdims=True))),
            ("One number was subtracted from everything: each pixel has its own mean.", lambda: of(x - x.mean())),
            ("These are the first numbers of each row of V^T: its first rows are the components.", lambda: square[:, :k]),
            ("These are rows of V: the components are its columns (svd gives V^T, np.linalg.eigh gives V).",
             lambda: square[:, :k].T),
            *(("These are columns of U, one number for each image, expected one a pixel.", lambda one=one: one)
              for one in (u[:, :k].T, u[:, :k])),
            ("The components have the length of their singular values: leave S out, they must be unit vectors.",
             lambda: singular[:k, None] * rows),
            ("These are components 2 to k + 1: begin with the first one.", lambda: all_rows[1:k + 1]),
            ("The pixels were divided by their standard deviation: PCA here only subtracts the mean.",
             lambda: of(centred / centred.std(axis=0))),
            *((eigh, lambda one=one: one)
              for one in (square[::-1].T[:k], square[::-1].T[-k:], square[::-1].T[::-1][:k], rows[::-1].T)),
            *(("All components are there, expected the first k.", lambda one=one: one) for one in (all_rows, square)),
            ("The order is reversed: the direction of the largest variance comes first.", lambda: rows[::-1]),
            *((few, lambda one=one: one) for one in (all_rows[::-1][:k], all_rows[-k:]) if len(x) > x.shape[1])]
        equal("The array of components", got, signed(rows),
              [(sentence, lambda wrong=wrong: signed(wrong())) for sentence, wrong in mistakes])


@check
def coding(encode: Callable, decode: Callable, error: Callable) -> None:
    """Task 2: each function by itself, on components that are given, and the example."""
    for function in (encode, decode, error):
        written_out(function)
    rng = seeded(1)
    basis = linalg.qr(rng.normal(size=(5, 3)))[0][:, :3].T
    for x, mean, rows in ((rng.random([7, 5]), rng.random(5), basis),
                          (np.array([[5.0, 3]]), np.array([2.0, 1]), np.array([[1.0, 0]]))):
        codes, given = (x - mean) @ rows.T, {"mean": mean, "components": rows}
        equal("encode(x, mean, components)", call(encode, x, mean, rows), codes, [
            ("The mean is not subtracted: a code says how an image differs from the mean.", lambda: x @ rows.T),
            ("The mean is added: it has to be subtracted before the product.", lambda: (x + mean) @ rows.T),
            ("The codes stand in columns: one row for each image is expected.", lambda: codes.T),
            ("These are the images again, projected: the code has one number for each component.", lambda: codes @ rows),
            ("This subtracts the mean of x: use the mean that is given.", lambda: (x - x.mean(axis=0)) @ rows.T)],
              given={"x": x} | given)
        images = mean + codes @ rows
        equal("decode(codes, mean, components)", call(decode, codes, mean, rows), images, [
            ("The mean is not added: a code of 0 stands for the mean image.", lambda: codes @ rows),
            ("The mean is subtracted: it has to be added after the product.", lambda: codes @ rows - mean),
            ("The result is clipped to [0, 1]: leave it as it is.", lambda: np.clip(images, 0, 1))],
              given={"codes": codes} | given)
    drawn = [rng.random((2, *shape)) for shape in ((4, 6), (3, 4, 5, 1))]
    for x, y in (*drawn, (np.array([[5.0, 3]]), np.array([[5.0, 1]]))):
        squares, n = (x - y)**2, len(x)
        each = squares.reshape(n, -1).sum(axis=1)
        equal(f"error(x, y) for arrays of shape {list(x.shape)}", call(error, x, y), each.mean(), [
            ("Only axis 1 is added up: add up all pixels of an image, the mean goes over the images.",
             lambda: squares.sum(axis=1).mean()),
            ("The mean is taken 784 times: images may have any size, add up all squares and divide by len(x).",
             lambda: 784 * squares.mean()),
            ("This is the mean over pixels: add up the pixels of an image, the mean goes over the images.", squares.mean),
            ("This is the sum over all images: take their mean.", each.sum),
            ("There is one number for each image: take their mean.", lambda: each),
            ("The differences are not squared: add up their squares.", lambda: (x - y).sum() / n),
            ("These are absolute differences: add up their squares.", lambda: np.abs(x - y).sum() / n),
            ("There is a root: the squared error has none.", lambda: np.sqrt(each).mean()),
            ("There is a root: the squared error has none.", lambda: np.sqrt(each.mean())),
            ("You divide by the number of pixels: divide by the number of images.", lambda: each.sum() / squares[0].size)],
              given={"x": x, "y": y})


@check
def angles(function: Callable) -> None:
    """Task 3: against SciPy; the example; then a subspace with itself, where rounding gives cosines above 1."""
    written_out(function)
    rng = seeded(2)
    a = rng.normal(size=(12, 4)) * [0.1, 0.2, 0.2, 0.3] + [0.05, 0, 0, 0.1]
    others = [rng.normal(size=(12, columns)) + 0.5 * a[:, :columns] for columns in (4, 3)]
    for b in others:
        b[:, 0] = a[:, 0] + a[:, 1] + 0.02 * rng.normal(size=12)
    for a, b in (*((a, b) for b in others), (np.array([[3.0], [0]]), np.array([[5.0], [5]]))):
        right, k, m = np.rad2deg(linalg.subspace_angles(a, b))[::-1], a.shape[1], b.shape[1]
        (qa, ra), (qb, rb) = np.linalg.qr(a), np.linalg.qr(b)

        def degrees(product: np.ndarray) -> np.ndarray:
            return np.rad2deg(np.arccos(np.clip(linalg.svdvals(product), -1, 1)))

        with np.errstate(all="ignore"):
            got = call(function, a, b)
        require(np.shape(got) != right.shape or bool(np.isfinite(got).all()),
                "Some angles are NaN, cosines above 1: take Q of np.linalg.qr of both.")
        require(np.shape(got) != right.shape or np.max(got) > 1e-3,
                "All angles are 0: were rows taken for columns? The vectors are columns.")
        equal(f"principal_angles of bases {list(a.shape)} and {list(b.shape)}", got, right, [
            ("The angles are in radians, expected degrees.", lambda: np.deg2rad(right)),
            ("The angles are in radians, and the largest comes first: smallest first, in degrees.",
             lambda: np.deg2rad(right)[::-1]),
            ("These are the cosines: np.arccos makes angles of them.", lambda: np.cos(np.deg2rad(right))),
            ("You took np.arcsin: the singular values are cosines, take np.arccos.", lambda: 90 - right),
            ("The singular values are squared: they are the cosines themselves.",
             lambda: np.rad2deg(np.arccos(np.cos(np.deg2rad(right))**2))),
            ("The bases are not orthonormal yet: take Q of np.linalg.qr of each first.", lambda: degrees(a.T @ b)),
            ("The bases have columns of length 1 that are not orthogonal: take Q of np.linalg.qr.",
             lambda: degrees((a / linalg.norm(a, axis=0)).T @ (b / linalg.norm(b, axis=0)))),
            ("Only a was made orthonormal: b needs its own Q.", lambda: degrees(qa.T @ b)),
            ("Only b was made orthonormal: a needs its own Q.", lambda: degrees(a.T @ qb)),
            ("This is R of the QR decomposition: take Q, the first of the two that np.linalg.qr gives.",
             lambda: degrees(ra.T[:, :m] @ rb)),
            ("The product is that of rows: Qa^T Qb [k, m] is required, not Qa Qb^T [d, d].", lambda: degrees(qa[:, :m] @ qb.T)),
            ("The product is that of rows: Qa^T Qb [k, m] is required, not Qa Qb^T [d, d].",
             lambda: degrees(qa[:, :m] @ qb.T)[:min(k, m)]),
            ("These are angles between single columns: the singular values of Qa^T Qb are the cosines.",
             lambda: np.rad2deg(np.arccos(qa.T @ qb))),
            ("These are the angles between columns in pairs: the subspaces have other, smaller angles.",
             lambda: np.rad2deg(np.arccos(np.sum(qa[:, :m] * qb, axis=0))))], given={"a": a, "b": b})
    with np.errstate(invalid="ignore"):
        tries = [call(function, others[0], others[0] @ rng.normal(size=(4, 4))) for _ in range(20)]
    require(np.isfinite(tries).all(),
            "Two bases of the same subspace give NaN: a cosine is rounded to more than 1, clip to [-1, 1] before np.arccos.")
    require(np.abs(tries).max() < 1e-3,
            f"Two bases of the same subspace are {np.abs(tries).max():.3g} degrees apart, expected 0.")


# task 4: a deep autoencoder -------------------------------------------------------------------------------------------

@check(seconds=5)
def trained(train: Callable, digits: Dataset, code: int, share: float) -> tuple[tf.keras.Model, tf.keras.Model]:
    """Task 4: the encoder and the decoder of codes [N, code]; their error on test digits is at most `share` (0..1) of PCA's."""
    encoder, decoder = got = results(train, _blind(train, digits, code), "encoder", "decoder")
    require(all(isinstance(model, tf.keras.Model) for model in got), "train gives two Keras models: return encoder, decoder.")
    x = digits.x_test
    require(_gives(encoder, x, code) or not _gives(decoder, x, code), "The order is encoder, decoder.")
    codes = _drawn("The encoder", encoder, x, (code,),
                   "the code is the narrowest layer, and the decoder gets nothing but the code.")
    images = _drawn("The decoder", decoder, codes, (28, 28, 1), "end with Reshape.")
    error, best = squared_error(images, x), pca_error(digits, code, x)
    if error > share * best:
        said = (f"The error is {error:.2f}, that of PCA is {best:.2f}, and at most {share:g} times that, {share * best:.2f}, is "
                "required")
        raise CheckFailed(f"{said}: {_why_poor(encoder, codes, images, x)}")
    require(not _affine(encoder, codes, x), "The encoder is one affine map: give it a hidden layer with an activation.")
    _in_range("The decoder", images)
    few = replace(digits, x_train=digits.x_train[:64], y_train=digits.y_train[:64])
    other, _ = results(train, _blind(train, few, code - 3), "encoder", "decoder")
    require(_gives(other, x, code - 3),
            f"The codes of train(digits, {code - 3}) do not have {code - 3} numbers: use the argument `code`.")
    return encoder, decoder


def _gives(model: Callable, x: np.ndarray, code: int) -> bool:
    """Whether a model makes codes [N, code] of images."""
    try:
        return images_of(model, x[:2]).shape == (2, code)
    except Exception:
        return False


def _affine(encoder: Callable, codes: np.ndarray, x: np.ndarray) -> bool:
    """Whether the code of the mean of two images is always the mean of their codes."""
    return np.allclose(images_of(encoder, (x + x[::-1]) / 2), (codes + codes[::-1]) / 2, atol=1e-3 * np.abs(codes).max())


@check
def validated(encoder: tf.keras.Model, decoder: tf.keras.Model, digits: Dataset, code: int, share: float) -> None:
    """The hidden part of task 4: the error on the validation digits, against that of PCA."""
    x = digits.x_val
    error, best = squared_error(images_of(decoder, images_of(encoder, x)), x), pca_error(digits, code, x)
    require(error <= share * best,
            f"The error on the validation digits is {error:.2f}, that of PCA {best:.2f}: {share:g} times that is required.")


def pca_error(digits: Dataset, code: int, images: np.ndarray) -> float:
    """The squared error per image [N, 28, 28, 1] of PCA with `code` components of the training digits."""
    x, (mean, rows) = images.reshape(len(images), -1), _principal_components(digits)
    return squared_error(autoencoders.project(x, mean, rows[:code]), x)


def _principal_components(digits: Dataset) -> tuple[np.ndarray, np.ndarray]:
    """The mean [d] and all components of the training images; those of the last data set are kept,
    since a check is run many times.
    """
    kept = _last_components()
    if kept.get("images") is not digits.x_train:
        x = digits.x_train.reshape(len(digits.x_train), -1)
        kept.update(images=digits.x_train, found=autoencoders.pca(x, min(x.shape))[:2])
    return kept["found"]


@functools.cache
def _last_components() -> dict:
    """Not a default of the function above: the grader would take a check that changes its own defaults for a replaced one."""
    return {}


def _why_poor(encoder: Callable, codes: np.ndarray, images: np.ndarray, x: np.ndarray) -> str:
    """What can be seen in the codes and images of an autoencoder that is not good enough."""
    return next(why for found, why in (
        (np.allclose(codes.sum(axis=1), 1, atol=1e-3), "the entries of each code sum to 1. Leave the softmax at the code out."),
        (codes.min() >= 0 and np.mean(codes == 0) > 0.1, "no code is negative, many are 0. Leave the ReLU at the code out."),
        (codes.min() >= 0 and codes.max() <= 1, "all codes are in [0, 1]. Leave the sigmoid at the code out."),
        (np.abs(codes).max() <= 1, "all codes are in [-1, 1]. Leave the tanh at the code out."),
        (images.std(axis=0).max() < 0.02,
         "it draws the same picture for every digit. Were the encoder and the decoder that you return parts of the "
         "model that was fitted, with the images as targets, at a learning rate of a few thousandths?"),
        (_affine(encoder, codes, x), "the encoder is one affine map. Without a hidden "
         "layer with an activation an autoencoder finds no more than PCA does."),
        (images.min() < 0 or images.max() > 1,
         f"it draws pixels from {images.min():.2f} to {images.max():.2f}. End with a sigmoid."),
        (True, "train for more epochs, with a larger learning rate that falls, or widen the hidden layers.")) if found)


# tasks 5 and 6: sparse and variational ---------------------------------------------------------------------------------

@check
def sparse(function: Callable) -> None:
    """Task 5: negative numbers, equal ones, among them the example; the gradient, and a batch of unknown size."""
    own(function)
    rng = seeded(3)
    h = rng.normal(size=(6, 8)).astype(np.float32)
    h[1] = -np.abs(h[1])
    kth, ranks, expected = -np.sort(-h, axis=1)[:, 2:3], (-h).argsort(axis=0).argsort(axis=0), _kept(h, 3)
    mask = "The mask is [N, units]: the depth of tf.one_hot is h.shape[1], and the sum goes over axis 1, the k largest."
    hints = ("Incompatible shapes", mask), ("must be the same", mask)
    one, four = (np.asarray(call(function, tf.constant(h), k, hints=hints)) for k in (1, 4))
    require(not np.array_equal(one, four), "keep_largest gives the same for k = 1 and for k = 4: use the argument k.")
    got = call(function, tf.constant(h), 3, hints=hints)
    require(not isinstance(got, tuple | list) or len(got) == 6, "keep_largest gives several things: return one tensor.")
    equal("keep_largest(h, 3)", got, expected, [
        ("Absolute values are compared: the largest numbers are required, -5 is smaller than 1.",
         lambda: np.where(_kept(np.abs(h), 3) != 0, h, 0)),
        ("Negative numbers are lost: the k largest stay as they are, also where they are negative.",
         lambda: np.maximum(expected, 0)),
        ("The smallest are kept, expected the largest.", lambda: -_kept(-h, 3)),
        ("This is the mask of 0 and 1: multiply h with it.", lambda: expected != 0),
        ("These are the k largest alone, sorted: they stay in their places, all others become 0.",
         lambda: -np.sort(-h, axis=1)[:, :3]),
        ("The k largest of each column are kept (axis 0): each row, one image, keeps its own.",
         lambda: np.where(ranks < 3, h, 0)),
        ("k numbers of the whole batch are kept: each row, one image, keeps its own.",
         lambda: _kept(h.reshape(1, -1), 3).reshape(h.shape)),
        ("The k-th largest value is subtracted: leave the numbers that are kept as they are.", lambda: np.maximum(h - kth, 0)),
        ("The k largest became 0: keep them, and set the others to 0.", lambda: h - expected),
        (("The k-th largest number is lost: keep k numbers, not k - 1. Go by the indices of tf.math.top_k (>= would keep too "
          "many equal ones)."), lambda: np.where(h > kth, h, 0)),
        ("One number too many is kept: k of each row.", lambda: _kept(h, 4))], tolerance=1e-6)
    for ties in ([[1, 2, 2, 2, 0], [0, 0, 0, 0, 0], [3, 1, 1, 1, 4], [-1, -1, 5, -1, -1]], [[1, -5, 3, 3, 3]]):
        ties = np.array(ties, np.float32)
        least = -np.sort(-ties, axis=1)[:, 1:2]
        equal("keep_largest(h, 2) with equal numbers", call(function, tf.constant(ties), 2, hints=hints), _kept(ties, 2), [
            (("Where several numbers equal the k-th largest, all are kept: keep exactly k in each row, and of equal ones those "
              "further left."), lambda: np.where(ties >= least, ties, 0)),
            ("Of numbers equal to the k-th largest, those further right are kept: keep those further left.",
             lambda: _kept(ties[:, ::-1], 2)[:, ::-1]),
            ("Of numbers equal to the k-th largest, none is kept: keep those further left.",
             lambda: np.where(ties > least, ties, 0))], given={"h": ties})
    given, weights = tf.constant(h), rng.normal(size=h.shape).astype(np.float32)
    with tf.GradientTape() as tape:
        tape.watch(given)
        total = tf.reduce_sum(weights * tf.convert_to_tensor(call(function, given, 3)))
    gradient = tape.gradient(total, given)
    require(gradient is not None,
            "No gradient comes back, so that nothing before it would learn: use TensorFlow's functions, not NumPy's.")
    equal("The gradient of keep_largest", tf.convert_to_tensor(gradient), np.where(expected != 0, weights, 0))
    _compiles(function, [[None, 8], 3],
              "It does not run inside a model, where the number of rows is not known in advance: use no NumPy, no .numpy(), "
              "no loop over rows, and take the number of units from h.shape[1].")


def _kept(h: np.ndarray, k: int) -> np.ndarray:
    mask = np.zeros_like(h)
    np.put_along_axis(mask, np.argsort(-h, axis=1, kind="stable")[:, :k], 1, axis=1)
    return h * mask


def _compiles(function: Callable, arguments: list, sentence: str) -> None:
    """Raise CheckFailed unless the student's function can be compiled for arguments of these shapes (or these whole numbers)."""
    try:
        tf.function(function, autograph=False).get_concrete_function(*(one if isinstance(one, int) else tf.TensorSpec(one)
                                                                       for one in arguments))
    except Exception:
        raise CheckFailed(sentence) from None


@check
def variational(kl: Callable, draw: Callable, loss: Callable) -> None:
    """Task 6: each function by itself, against the closed forms in NumPy; the examples; the gradients,
    a batch of unknown size.
    """
    for function in (kl, draw, loss):
        own(function)
    rng = seeded(4)
    for shape in ((5, 3), (1, 1)):
        mean, log_variance, noise = rng.normal(size=(3, *shape)).astype(np.float32)
        if shape == (1, 1):  # the examples of the statement
            mean, log_variance, noise = (np.full(shape, value, np.float32) for value in (1, 0, 0.5))
        given = {"mean": mean, "log_variance": log_variance}
        pair = tf.constant(mean), tf.constant(log_variance)
        right = _divergence(mean, log_variance)
        equal("kl(mean, log_variance)", call(kl, *pair), right, _mistaken_divergences(mean, log_variance), given=given)
        root = np.exp(log_variance / 2)
        equal("draw(mean, log_variance, noise)", call(draw, *pair, tf.constant(noise)), mean + root * noise, [
            ("The noise is multiplied with the variance: take the standard deviation, exp(log_variance / 2).",
             lambda: mean + root**2 * noise),
            ("The noise is multiplied with the logarithm: take the standard deviation, exp(log_variance / 2).",
             lambda: mean + log_variance * noise),
            ("The noise is divided by the standard deviation: multiply.", lambda: mean + noise / root),
            ("The noise has the standard deviation 1: multiply it with exp(log_variance / 2).", lambda: mean + noise),
            ("The mean is missing.", lambda: root * noise),
            ("The noise is missing: this gives the mean each time.", lambda: mean)], given=given | {"noise": noise})
    _losses(loss, rng)
    mean, log_variance, noise = (tf.constant(array) for array in rng.normal(size=(3, 4, 2)).astype(np.float32))
    drawn = mean + (right := tf.exp(log_variance / 2) * noise)
    given, by_log = {"mean": mean, "log_variance": log_variance}, (tf.exp(log_variance) - 1) / 2
    _slopes("kl", lambda *pair: call(kl, *pair), given, (mean, by_log))
    _slopes("draw", lambda *pair: tf.convert_to_tensor(call(draw, *pair, noise))**2, given, (2 * drawn, drawn * right))
    x, y = (tf.constant(array, tf.float32) for array in rng.random((2, 4, 28, 28, 1)))
    _slopes("loss", lambda *three: call(loss, x, *three, tf.constant(0.3)), {"y": y} | given,
            ((y - x) / 2, 0.3 * mean / 4, 0.3 * by_log / 4))
    for function, ranks in ((kl, [[None, 3]] * 2), (draw, [[None, 3]] * 3),
                            (loss, [[None, 28, 28, 1]] * 2 + [[None, 3]] * 2 + [[]])):
        _compiles(function, ranks, f"{function.__name__} does not run in a training, which is compiled, for any number of "
                  "images: use no NumPy, no .numpy(), no float(), no loop over the rows, and tf.reduce_mean in place of a "
                  "division by len(x) or x.shape[0].")


def _slopes(name: str, function: Callable, given: dict[str, tf.Tensor], expected: tuple) -> None:
    """Raise CheckFailed unless the sum of what a function gives, whose values are right,
    has these gradients for what is given.
    """
    with tf.GradientTape() as tape:
        tape.watch(list(given.values()))
        total = tf.reduce_sum(function(*given.values()))
    why = "use TensorFlow's functions, no NumPy, no .numpy(), no float() and no tf.stop_gradient."
    for argument, gradient, exact in zip(given, tape.gradient(total, list(given.values())), expected):
        require(gradient is not None, f"No gradient of {name} comes back to {argument}: {why}")
        require(np.allclose(gradient, exact, atol=1e-4),
                f"The values of {name} are right, but not its gradient for {argument}: {why}")


def _divergence(mean: np.ndarray, log_variance: np.ndarray) -> np.ndarray:
    """KL of N(mean, exp(log_variance)) from N(0, 1), for each number."""
    return (mean**2 + np.exp(log_variance) - log_variance - 1) / 2


def _mistaken_divergences(mean: np.ndarray, log_variance: np.ndarray) -> list[tuple[str, Callable]]:
    right = _divergence(mean, log_variance)
    return [
        ("The sign is flipped: a divergence is never negative.", lambda: -right),
        ("The factor 1/2 is missing.", lambda: 2 * right),
        ("log_variance is taken for the variance: the variance is exp(log_variance).",
         lambda: (mean**2 + log_variance - np.log(np.abs(log_variance)) - 1) / 2),
        ("exp is missing: the variance is exp(log_variance).", lambda: (mean**2 + log_variance - log_variance - 1) / 2),
        ("log_variance is taken for the logarithm of the standard deviation: the variance is exp(log_variance).",
         lambda: (mean**2 + np.exp(2 * log_variance) - 2 * log_variance - 1) / 2),
        ("The standard deviation stands in the place of the variance, which is exp(log_variance).",
         lambda: (mean**2 + np.exp(log_variance / 2) - log_variance - 1) / 2),
        ("The mean is not squared.", lambda: (mean + np.exp(log_variance) - log_variance - 1) / 2),
        ("The 1 is missing: for mean 0 and variance 1 the divergence is 0.", lambda: right + 0.5),
        ("There is one number for each image: leave one for each latent dimension.", lambda: right.sum(axis=1)),
        ("This is one number for all: leave one for each image and each latent dimension.", right.sum),
        ("This is one number for all: leave one for each image and each latent dimension.", right.mean)]


def _losses(loss: Callable, rng: np.random.Generator) -> None:
    """The third part of task 6: digits of random pixels, then the example."""
    for x, y, mean, log_variance, beta in (
            [*rng.random((2, 5, 28, 28, 1)), *rng.normal(size=(2, 5, 3)), 0.3],
            [np.zeros([1, 28, 28, 1]), np.full([1, 28, 28, 1], 0.5), np.ones([1, 2]), np.zeros([1, 2]), 2.0]):
        arrays = [array.astype(np.float32) for array in (x, y, mean, log_variance)]
        got = call(loss, *map(tf.constant, arrays), tf.constant(beta))
        errors, divergences = np.sum((x - y)**2, axis=(1, 2, 3)), _divergence(mean, log_variance)
        each = errors + beta * divergences.sum(axis=1)
        equal("loss(x, y, mean, log_variance, beta)", got, each.mean(), [
            ("There is one number for each image: take their mean.", lambda: each),
            ("This is the sum over the images: take their mean.", each.sum),
            ("The squared error is a mean over the pixels: add up the pixels of an image.",
             lambda: each.mean() - errors.mean() * (1 - 1 / 784)),
            ("The divergences are averaged over the latent dimensions: add them up.",
             lambda: errors.mean() + beta * divergences.mean()),
            ("The divergences are added up over the images too: take the mean over the images.",
             lambda: errors.mean() + beta * divergences.sum()),
            ("beta is missing.", lambda: errors.mean() + divergences.sum(axis=1).mean()),
            ("beta multiplies the squared error: it belongs to the divergence.",
             lambda: beta * errors.mean() + divergences.sum(axis=1).mean()),
            ("beta multiplies both terms: it belongs to the divergence.",
             lambda: beta * (errors + divergences.sum(axis=1)).mean()),
            ("The divergence is subtracted: the loss is to make it small, so add it.",
             lambda: errors.mean() - beta * divergences.sum(axis=1).mean()),
            ("The divergence is missing.", errors.mean),
            ("The squared error is missing.", lambda: beta * divergences.sum(axis=1).mean())], tolerance=1e-4)


# task 7: denoising ----------------------------------------------------------------------------------------------------

def noise(x: np.ndarray, sigma: float) -> np.ndarray:
    """Images with Gaussian noise, clipped to [0, 1]: those on which a denoiser is measured."""
    return np.clip(x + seeded(99).normal(0, sigma, x.shape), 0, 1).astype(np.float32)


@check(seconds=8)
def denoising(noisy_pairs: Callable, psnr: Callable, train_denoiser: Callable, digits: Dataset, sigma: float) -> tf.keras.Model:
    """Task 7: the pairs by their statistics, `psnr` by its formula, the trained net on noisy test digits."""
    pairs(noisy_pairs)
    decibels(psnr)
    model = _blind(train_denoiser, digits, sigma)
    require(callable(model), f"train_denoiser gives a {type(model).__name__}: return the model.")
    denoised(model, digits, sigma)
    return model


@check
def denoised(model: Callable, digits: Dataset, sigma: float) -> None:
    """The third part of task 7: test digits with noise that the model has not seen."""
    clean = digits.x_test[:2000]
    noisy = noise(clean, sigma)
    images = _drawn("The model", model, noisy, (28, 28, 1), "end with Reshape.")
    reached, filtered, of_clean = (ratio(images, clean), ratio(smoothed(noisy, clean), clean),
                                   ratio(images_of(model, clean), clean))
    background, required = float(np.mean(images[clean == 0])), filtered + GAIN
    said = (f"The denoised test digits have {reached:.1f} dB; the noisy ones {ratio(noisy, clean):.1f}, after the best Gaussian "
            f"filter and line {filtered:.1f}, and {required:.1f} is required")
    require(reached >= required or reached > ratio(noisy, clean), f"{said}: worse than doing nothing. Was fit called?")
    if reached < required and (images.min() < 0 or images.max() > 1):
        raise CheckFailed(f"{said}: the model draws pixels from {images.min():.2f} to {images.max():.2f}. End with a sigmoid.")
    require(reached >= required or background < 0.25 * sigma,
            f"{said}: black comes out as grey ({background:.2f}), as in noisy images. The target "
            "of the training has to be the clean image.")
    require(of_clean < reached + 3, f"{said}. It reproduces clean digits with {of_clean:.1f} dB, too well: it has learned to "
            "copy; the inputs have to be noisy.")
    require(reached >= required, f"{said}: train for more epochs, or draw new noise in some of them.")
    _in_range("The model", images)


@check
def pairs(function: Callable) -> None:
    """Task 7, first part. The seed comes before what is measured: of noise without a seed luck would choose the sentence."""
    own(function)
    sigma, rng = 0.1, seeded(5)
    x = rng.uniform(0.45, 0.55, (40, 28, 28, 1)).astype(np.float32)
    x[:10] = rng.integers(0, 2, (10, 28, 28, 1))

    def drawn(sigma: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
        noisy, clean = map(np.asarray, results(function, call(function, x, sigma, seed), "noisy", "clean"))
        shaped("noisy", noisy, x.shape)
        shaped("clean", clean, x.shape)
        return noisy, clean

    noisy, clean = drawn(sigma, 0)
    require(not np.allclose(noisy, x) or np.allclose(clean, x),
            "The order is noisy, clean: the first are the inputs of the training.")
    require(not np.allclose(noisy, x), "There is no noise on the inputs.")
    require(np.allclose(clean, x), "The target is noisy: add noise to the input only, and return x itself as the target.")
    inside = (noisy - x)[10:]
    require(np.abs(inside[:1] - inside).max() > 1e-3, "All images have the same noise: each needs its own.")
    require(np.abs(inside - inside[:, :1, :1]).max() > 1e-3, "All pixels of an image have the same noise: each needs its own.")
    require(np.array_equal(noisy, drawn(sigma, 0)[0]), "The same seed gives other noise: use np.random.default_rng(seed).")
    require(not np.allclose(noisy, drawn(sigma, 1)[0]), "Another seed gives the same noise: pass `seed` to the generator.")
    deviation, close = inside.std(), 0.035 * sigma  # five standard errors and more of both, from 23,520 numbers
    require(abs(deviation - sigma) > close or inside.max() > 3 * sigma, "The noise is not Gaussian: it never exceeds 3 sigma.")
    require((drawn(sigma / 2, 0)[0] - x)[10:].std() < 0.9 * deviation,
            "Half of sigma gives the same noise: use the argument `sigma`, not a number.")
    require(abs(deviation - sigma**0.5) > 0.05,
            "The deviation of the noise is the root of sigma: sigma itself is the standard deviation.")
    require(abs(deviation - sigma) < close and abs(inside.mean()) < close,
            f"With sigma = {sigma:g} the noise has mean {inside.mean():.3f} and "
            f"standard deviation {deviation:.3f}, expected 0 and {sigma:g}.")
    require(noisy.min() >= 0 and noisy.max() <= 1,
            f"The noisy images go from {noisy.min():.2f} to {noisy.max():.2f}: clip them to [0, 1].")


@check
def decibels(function: Callable) -> None:
    """Task 7, second part: against scikit-image, and the example."""
    written_out(function, LIBRARIES | {"skimage"})
    rng = seeded(6)
    x = rng.uniform(0, 0.7, (5, 28, 28, 1))
    y = x + rng.normal(size=x.shape) * np.array([0.02, 0.05, 0.1, 0.2, 0.4])[:, None, None, None]
    for x, y in ((x, y), (np.full([1, 28, 28, 1], 0.5), np.full([1, 28, 28, 1], 0.6))):
        each, errors = (np.array([peak_signal_noise_ratio(a, b, data_range=1) for a, b in zip(x, y)]),
                        np.mean((x - y)**2, axis=(1, 2, 3)))
        equal("psnr(x, y)", call(function, x, y), right := each.mean(), [
            ("There is one number for each image: take their mean.", lambda: each),
            ("The mean square error goes over all images together: each image has its own logarithm.",
             lambda: -10 * np.log10(errors.mean())),
            ("The squares are added up over the pixels: take their mean.", lambda: np.mean(-10 * np.log10(784 * errors))),
            ("The logarithm is the natural one: take np.log10.", lambda: right * np.log(10)),
            ("The logarithm is that of base 2: take np.log10.", lambda: right * np.log2(10)),
            ("The factor 10 is missing.", lambda: right / 10),
            ("The factor is 20: that goes with the root of the mean square error, 10 with the error itself.", lambda: 2 * right),
            ("There is a root, which goes with a factor of 20.", lambda: right / 2),
            ("The differences are not squared.", lambda: np.mean(-10 * np.log10(np.mean(np.abs(x - y), axis=(1, 2, 3))))),
            ("The numerator is the mean square of x: the peak is 1.",
             lambda: right + np.mean(10 * np.log10(np.mean(x**2, axis=(1, 2, 3))))),
            ("The peak is the largest pixel here: the peak of images in [0, 1] is 1.",
             lambda: right + np.mean(20 * np.log10(x.max(axis=(1, 2, 3))))),
            ("The peak is the largest pixel of all: the peak of images in [0, 1] is 1.", lambda: right + 20 * np.log10(x.max())),
            ("The peak is 255: that of images in [0, 1] is 1.", lambda: right + 20 * np.log10(255))])


# task 8: what a net has never seen ------------------------------------------------------------------------------------

@check
def unseen(between: Callable, anomalous: Callable, never_seen: Callable, nets: dict[str, Callable], digits: Dataset) -> None:
    """Task 8: `between` and `anomalous` on a small net with random weights, `never_seen` against `MISSING`."""
    paths(between, digits)
    anomaly(anomalous)
    got = run(never_seen)  # may use `digits` and what utils has
    require(isinstance(got, dict) and got.keys() == MISSING.keys(),
            'never_seen gives a dictionary with the keys "A", "B" and "C".')
    for letter, missing in MISSING.items():
        try:
            named = operator.index(got[letter])
        except TypeError:
            named = -1
        require(named in range(10), f"Net {letter}: {got[letter]!r} is not one of the digits 0 to 9.")
        if named != missing:
            part = digits.x_val[digits.y_val == named][:200]
            error = squared_error(images_of(nets[letter], part), part)
            raise CheckFailed(f"Net {letter} has seen the digit {named}: its squared error there, {error:.1f}, is about that of "
                              "the other nets. Compare the three nets with one another, digit by digit.")


@check
def paths(function: Callable, digits: Dataset) -> None:
    """Task 8, first part."""
    own(function)
    encoder, decoder = _small_nets(inputs(7, lambda rng: int(rng.integers(8, 1000))))
    pair, steps = digits.x_val[inputs(slice(2), lambda rng: slice(2, 4))], 5
    (a, b), ends, (code_a, code_b) = pair, decoder(encoder(pair)).numpy(), encoder(pair).numpy()

    def path(start: float = 0, stop: float = 1, number: int = steps) -> np.ndarray:
        share = np.linspace(start, stop, number, dtype=np.float32)[:, None]
        return (1 - share) * code_a + share * code_b

    share = np.linspace(0, 1, steps, dtype=np.float32)[:, None, None, None]
    got = call(function, encoder, decoder, a, b, steps,
               hints=[("incompatible", "The networks take batches: a[None] is a batch of one image.")])
    equal(f"between(encoder, decoder, a, b, {steps})", got, decoder(path()), [
        ("These are codes: decode them.", path),
        ("These are mixtures of the pixels of a and b: mix their codes.", lambda: (1 - share) * a + share * b),
        ("These are mixtures of the pixels of two decoded images: mix the codes, then decode.",
         lambda: (1 - share) * ends[0] + share * ends[1]),
        ("The mixtures of the pixels go through the net: mix the codes.", lambda: decoder(encoder((1 - share) * a + share * b))),
        ("The path runs from b to a.", lambda: decoder(path(1, 0))),
        ("The path stops before b: the last image is b, decoded from its code.", lambda: decoder(path(0, 1 - 1 / steps))),
        ("The path begins after a: the first image is a, decoded from its code.", lambda: decoder(path(1 / steps, 1))),
        ("The ends are missing: the first image is a and the last b, each decoded from its code.",
         lambda: decoder(path(0, 1, steps + 2)[1:-1])),
        ("There is one image more than `steps`: both ends count.", lambda: decoder(path(0, 1, steps + 1))),
        ("The codes are added, not mixed: (1 - t) times the one and t times the other.",
         lambda: decoder(code_a + share[:, :, 0, 0] * code_b))],
        tolerance=1e-4)


@functools.cache
def _small_nets(seed: int) -> tuple[tf.keras.Model, tf.keras.Model]:
    """An encoder to 3 numbers and a decoder with random weights; kept, since a check is run many times."""
    tf.keras.utils.set_random_seed(seed)
    layers = tf.keras.layers
    return (tf.keras.Sequential([tf.keras.Input([28, 28, 1]), layers.Flatten(), layers.Dense(8, "tanh"), layers.Dense(3)]),
            tf.keras.Sequential([tf.keras.Input([3]), layers.Dense(8, "tanh"), layers.Dense(784, "sigmoid"),
                                 layers.Reshape([28, 28, 1])]))


@check
def anomaly(function: Callable) -> None:
    """Task 8, second part: on noise of many shares and levels, where every known mistake gives another answer,
    and the example.
    """
    own(function)
    net = tf.keras.Sequential([tf.keras.Input([28, 28, 1]), tf.keras.layers.Rescaling(0.5, 0.1)])
    rng = seeded(10)
    share, level = rng.random((2, 200, 1, 1, 1))
    images = ((rng.random((200, 28, 28, 1)) < share) * level).astype(np.float32)

    def roots(errors: list[float]) -> np.ndarray:
        """Images with these squared errors, if the net draws black."""
        return np.sqrt(np.array(errors) / 784)[:, None, None, None] * np.ones([28, 28, 1], np.float32)

    for net, x, x_val in ((net, images[100:], images[:100]), (tf.zeros_like, roots([90, 99]), roots(range(101)))):
        of_x, of_val = (np.asarray(net(part)) - part for part in (x, x_val))

        def above(limit: Callable, score: Callable = np.square) -> np.ndarray:
            scores, known = (score(part).sum(axis=(1, 2, 3)) for part in (of_x, of_val))
            return scores > limit(known)

        right = above(lambda known: np.quantile(known, QUANTILE))
        got = np.asarray(call(function, net, x, x_val))
        require(got.shape == right.shape,
                f"anomalous gives shape {list(got.shape)}, expected [{len(x)}]: one answer for each of the images x.")
        require(got.dtype == bool, f"anomalous gives {got.dtype}, expected True or False for each image.")
        errors, lie = np.square(of_x).sum(axis=(1, 2, 3)), "95 % of the validation digits lie below the threshold."
        equal("anomalous(net, x, x_val), True counted as 1,", got, right, [
            ("True and False are exchanged: an image with a large error is anomalous.", lambda: ~right),
            ("The threshold comes from x: take it from the validation digits.", lambda: errors > np.quantile(errors, QUANTILE)),
            (f"The threshold is the largest error of the validation digits: {lie}", lambda: above(np.max)),
            (f"The threshold is the mean error of the validation digits: {lie}", lambda: above(np.mean)),
            (f"The threshold is the median: {lie}", lambda: above(np.median)),
            (f"The threshold is the 5 % quantile: {lie}", lambda: above(lambda known: np.quantile(known, 0.05))),
            ("np.percentile counts in percent, 95, and np.quantile in fractions, 0.95.",
             lambda: above(lambda known: np.percentile(known, QUANTILE))),
            (f"The threshold is 95 % of the largest error: {lie}", lambda: above(lambda known: QUANTILE * known.max())),
            ("The differences are not squared.", lambda: above(lambda known: np.quantile(known, QUANTILE), lambda part: part)),
            ("These are absolute differences: add up their squares.",
             lambda: above(lambda known: np.quantile(known, QUANTILE), np.abs))])
