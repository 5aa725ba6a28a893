"""The checks of lab 10: codes for digits. `trained` and `denoising` give the models; below,
what the notebook measures with too.
"""
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from scipy import linalg, ndimage
from skimage.metrics import peak_signal_noise_ratio

from utils import other_versions_names
from utils.checks import (LIBRARIES, CheckFailed, attempt, call, check, equal, inputs, own, require, results, run, seeded, shaped,
                          whole, written_out)
from utils.checks.trained import without_test_set
from utils.data import Dataset
from utils.generative import autoencoders
from utils.generative import variational as reference
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
    """Noisy images after a Gaussian filter, sigma .5 to 2 pixels, and a straight line a v + b for their grey levels v, clipped to
    [0, 1]: those that make them most like clean ones. Clipped noise makes black grey, and a filter alone leaves it so.
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
    for seen in sorted({"x_test", "centred_test"} & set(train.__code__.co_names)):
        raise CheckFailed(f"{train.__name__} looks at {seen}. The test set is for the check alone: train with digits.x_train.")
    return without_test_set(train, digits, *arguments)


def _drawn(name: str, model: Callable, x: np.ndarray, shape: tuple[int, ...], why: str) -> np.ndarray:
    images = attempt(lambda: images_of(model, x), f"{name} stops for an input of shape {list(x.shape[1:])} with {{}}")
    require(images.shape[1:] == shape, f"{name} gives {list(images.shape[1:])}, expected {list(shape)}: {why}")
    return images


def _in_range(name: str, images: np.ndarray) -> None:
    require(images.min() >= 0 and images.max() <= 1,
            f"{name} draws pixels from {images.min():.2f} to {images.max():.2f}, expected from 0 to 1: end with a sigmoid.")


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
            ("The mean goes over the pixels of one image: each pixel has its own (axis 0).", x.mean(axis=1))], given={"x": x})
        got, centred = np.asarray(got), x - right
        u, singular, square = linalg.svd(centred)
        every, by_eigh = square[:len(singular)], square[::-1].T
        smallest = (every[::-1][:k], every[-k:]) if len(x) > x.shape[1] else ()

        def signed(rows: np.ndarray) -> np.ndarray:
            """Rows (or columns, where these are the vectors) with the signs that are nearest to `got`."""
            if np.shape(rows) != got.shape:
                return rows
            products = (np.sum(rows * got, axis=axis, keepdims=True) for axis in (0, 1))
            return min((rows * np.where(product < 0, -1, 1) for product in products), key=lambda one: np.abs(one - got).max())

        def of(x: np.ndarray) -> np.ndarray:
            return linalg.svd(x)[2][:k]

        mistakes = [
            ("x is not centred: subtract the mean from each row before the decomposition.", of(x)),
            ("Each image is centred by its own mean: subtract the mean image.", of(x - x.mean(axis=1, keepdims=True))),
            ("One number was subtracted from everything: each pixel has its own mean.", of(x - x.mean())),
            ("These are the first numbers of each row of V^T: its first rows are the components.", square[:, :k]),
            ("These are rows of V: the components are its columns (svd gives V^T, np.linalg.eigh gives V).", square[:, :k].T),
            ("These are columns of U, one number for each image, expected one a pixel.", u[:, :k].T, u[:, :k]),
            ("The components have the length of their singular values, expected 1: leave S out.", singular[:k, None] * rows),
            ("These are components 2 to k + 1: begin with the first one.", every[1:k + 1]),
            ("The pixels were divided by their standard deviation: PCA here only subtracts the mean.",
             of(centred / np.maximum(centred.std(axis=0), 1e-9))),
            ("The eigenvectors of np.linalg.eigh are columns, the largest last: transpose first, then take rows, from the last "
             "one.", by_eigh[:k], by_eigh[-k:], by_eigh[::-1][:k], rows[::-1].T),
            ("All components are there, expected the first k.", every, square),
            ("The order is reversed: the direction of the largest variance comes first.", rows[::-1]),
            ("These are the directions of the smallest variance: the first rows of V^T are required (np.linalg.eigh has the "
             "largest last).", *smallest)]
        equal("The array of components", got, signed(rows), [(sentence, *map(signed, wrong)) for sentence, *wrong in mistakes])


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
        images = mean + codes @ rows
        equal("encode(x, mean, components)", call(encode, x, mean, rows), codes, [
            ("The mean is not subtracted: a code says how an image differs from the mean.", x @ rows.T),
            ("The mean is added: it has to be subtracted before the product.", (x + mean) @ rows.T),
            ("These are the images again, projected: the code has one number for each component.", codes @ rows),
            ("This subtracts the mean of x: use the mean that is given.", (x - x.mean(axis=0)) @ rows.T)], given={"x": x} | given)
        equal("decode(codes, mean, components)", call(decode, codes, mean, rows), images, [
            ("The mean is not added: a code of 0 stands for the mean image.", codes @ rows),
            ("The mean is subtracted: it has to be added after the product.", codes @ rows - mean),
            ("The result is clipped to [0, 1]: leave it as it is.", np.clip(images, 0, 1))], given={"codes": codes} | given)
    drawn = [rng.random((2, *shape)) for shape in ((4, 6), (3, 4, 5, 1))]
    for x, y in (*drawn, (np.array([[5.0, 3]]), np.array([[5.0, 1]]))):
        squares, n = (x - y)**2, len(x)
        each = squares.reshape(n, -1).sum(axis=1)
        equal(f"error(x, y) for arrays of shape {list(x.shape)}", call(error, x, y), each.mean(), [
            ("Only axis 1 is added up: add up all pixels of an image, the mean goes over the images.", squares.sum(1).mean()),
            ("The mean is taken 784 times: images may have any size, add up squares, divide by len(x).", 784 * squares.mean()),
            ("This is the mean over pixels: add up the pixels of an image, the mean goes over the images.", squares.mean()),
            ("This is the sum over all images: take their mean.", each.sum()),
            ("The differences are not squared: add up their squares.", (x - y).sum() / n),
            ("These are absolute differences: add up their squares.", np.abs(x - y).sum() / n),
            ("There is a root: the squared error has none.", np.sqrt(each).mean(), np.sqrt(each.mean())),
            ("You divide by the number of pixels: divide by the number of images.", each.sum() / squares[0].size)],
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
        radians, k, m = linalg.subspace_angles(a, b)[::-1], a.shape[1], b.shape[1]
        right, cosines, (qa, ra), (qb, rb) = np.rad2deg(radians), np.cos(radians), np.linalg.qr(a), np.linalg.qr(b)

        def degrees(product: np.ndarray) -> np.ndarray:
            return np.rad2deg(np.arccos(np.clip(linalg.svdvals(product), -1, 1)))

        equal(f"principal_angles of bases {list(a.shape)} and {list(b.shape)}", call(function, a, b), right, [
            ("All angles are 0: were rows taken for columns? The vectors are columns.", 0 * right),
            ("The angles are in radians, expected degrees.", radians),
            ("The angles are in radians, and the largest comes first: smallest first, in degrees.", radians[::-1]),
            ("These are the cosines: np.arccos makes angles of them.", cosines),
            ("You took np.arcsin: the singular values are cosines, take np.arccos.", 90 - right),
            ("The singular values are squared: they are the cosines themselves.", np.rad2deg(np.arccos(cosines**2))),
            ("The bases are not orthonormal yet: take Q of np.linalg.qr of each first.", degrees(a.T @ b)),
            ("The bases have columns of length 1 that are not orthogonal: take Q of np.linalg.qr.",
             degrees((a / linalg.norm(a, axis=0)).T @ (b / linalg.norm(b, axis=0)))),
            ("Only a was made orthonormal: b needs its own Q.", degrees(qa.T @ b)),
            ("Only b was made orthonormal: a needs its own Q.", degrees(a.T @ qb)),
            ("This is R of the QR decomposition: take Q, the first that np.linalg.qr gives.", degrees(ra.T[:, :m] @ rb)),
            ("The product is that of rows: Qa^T Qb [k, m] is required, not Qa Qb^T [d, d].", rows := degrees(qa[:, :m] @ qb.T),
             rows[:min(k, m)]),
            ("These are angles between single columns: the singular values of Qa^T Qb are the cosines.",
             np.rad2deg(np.arccos(qa.T @ qb))),
            ("These are the angles between columns in pairs: the subspaces have other, smaller angles.",
             np.rad2deg(np.arccos(np.sum(qa[:, :m] * qb, axis=0))))], given={"a": a, "b": b},
              nan="cosines above 1: take Q of np.linalg.qr of both.")
    tries = [call(function, others[0], others[0] @ rng.normal(size=(4, 4))) for _ in range(20)]
    require(np.isfinite(tries).all(),
            "Two bases of the same subspace give NaN: a cosine is rounded to more than 1, clip to [-1, 1] before np.arccos.")
    require(np.abs(tries).max() < 1e-3, f"Two bases of one subspace are {np.abs(tries).max():.3g} degrees apart, expected 0.")


# task 4: a deep autoencoder -------------------------------------------------------------------------------------------

@check(seconds=5)
def trained(train: Callable, digits: Dataset, code: int, share: float) -> tuple[tf.keras.Model, tf.keras.Model]:
    """Task 4: the encoder and the decoder of codes [N, code]; their error on test digits is at most `share` (0..1) of PCA's."""
    encoder, decoder = got = results(train, _blind(train, digits, code), "encoder", "decoder")
    require(all(isinstance(model, tf.keras.Model) for model in got), "train gives two Keras models: return encoder, decoder.")
    x = digits.x_test
    require(_gives(encoder, x, code) or not _gives(decoder, x, code), "The order is encoder, decoder.")
    codes = _drawn("The encoder", encoder, x, (code,), "the code is the narrowest layer, and all that the decoder gets.")
    images = _drawn("The decoder", decoder, codes, (28, 28, 1), "end with Reshape.")
    affine = np.allclose(images_of(encoder, (x + x[::-1]) / 2), (codes + codes[::-1]) / 2, atol=1e-3 * np.abs(codes).max())
    error, best, low, high = squared_error(images, x), pca_error(digits, code, x), images.min(), images.max()
    said = f"The error is {error:.2f}, that of PCA is {best:.2f}; at most {share:g} times that, {share * best:.2f}, is required"
    for found, why in (  # what can be seen in codes and images
            (np.allclose(codes.sum(1), 1, atol=1e-3), "the entries of each code sum to 1. Leave the softmax at the code out."),
            (codes.min() >= 0 and np.mean(codes == 0) > 0.1, "no code is negative, many are 0. Leave the ReLU at the code out."),
            (codes.min() >= 0 and codes.max() <= 1, "all codes are in [0, 1]. Leave the sigmoid at the code out."),
            (np.abs(codes).max() <= 1, "all codes are in [-1, 1]. Leave the tanh at the code out."),
            (images.std(0).max() < 0.02, "it draws the same picture for every digit. Were the encoder and the decoder that you "
             "return parts of the model that was fitted, with the images as targets, at a learning rate of a few thousandths?"),
            (affine, "the encoder is one affine map. Without a hidden layer with an activation it finds no more than PCA does."),
            (low < 0 or high > 1, f"it draws pixels from {low:.2f} to {high:.2f}. End with a sigmoid."),
            (True, "train for more epochs, with a larger learning rate that falls, or widen the hidden layers.")):
        require(error <= share * best or not found, f"{said}: {why}")
    require(not affine, "The encoder is one affine map: give it a hidden layer with an activation.")
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


@check
def validated(encoder: tf.keras.Model, decoder: tf.keras.Model, digits: Dataset, code: int, share: float) -> None:
    """The hidden part of task 4: the error on the validation digits, against that of PCA."""
    x = digits.x_val
    error, best = squared_error(images_of(decoder, images_of(encoder, x)), x), pca_error(digits, code, x)
    require(error <= share * best,
            f"The error on the validation digits is {error:.2f}, that of PCA {best:.2f}: {share:g} times that is required.")


def pca_error(digits: Dataset, code: int, images: np.ndarray) -> float:
    """The squared error per image [N, 28, 28, 1] of PCA with `code` components of the training digits."""
    known, x = (part.reshape(len(part), -1).astype(np.float64) for part in (digits.x_train, images))
    largest = linalg.eigh(np.cov(known, rowvar=False), subset_by_index=[784 - code, 783])[1]  # faster than the SVD of `known`
    return squared_error(autoencoders.project(x, known.mean(axis=0), largest.T), x)


# tasks 5 and 6: sparse and variational ---------------------------------------------------------------------------------

@check
def sparse(function: Callable) -> None:
    """Task 5: negative numbers, equal ones, among them the example; the gradient, and a batch of unknown size."""
    rng = seeded(3)
    h = rng.normal(size=(6, 8)).astype(np.float32)
    h[1] = -np.abs(h[1])
    kth, expected = -np.sort(-h, axis=1)[:, 2:3], _kept(h, 3)
    mask = "The mask is [N, units]: the depth of tf.one_hot is h.shape[1], and the sum goes over axis 1, the k largest."

    def of(h: np.ndarray, k: int) -> tf.Tensor:
        return call(function, tf.constant(h), k, hints=(("Incompatible shapes", mask), ("must be the same", mask)))

    require(not np.array_equal(of(h, 1), of(h, 4)), "keep_largest gives the same for k = 1 and for k = 4: use the argument k.")
    got = of(h, 3)
    require(not isinstance(got, tuple | list) or len(got) == 6, "keep_largest gives several things: return one tensor.")
    equal("keep_largest(h, 3)", got, expected, [
        ("Absolute values are compared: the largest numbers are required, -5 is smaller than 1.", h * (_kept(np.abs(h), 3) != 0)),
        ("Negative numbers are lost: the k largest stay as they are, also where they are negative.", np.maximum(expected, 0)),
        ("The smallest are kept, expected the largest.", -_kept(-h, 3)),
        ("This is the mask of 0 and 1: multiply h with it.", expected != 0),
        ("These are the k largest alone, sorted: they stay in their places, all others become 0.", -np.sort(-h, axis=1)[:, :3]),
        ("The k largest of each column are kept (axis 0): each row, one image, keeps its own.", _kept(h, 3, axis=0)),
        ("k numbers of the whole batch are kept: each row, one image, keeps its own.", _kept(h.ravel(), 3).reshape(h.shape)),
        ("The k-th largest value is subtracted: leave the numbers that are kept as they are.", np.maximum(h - kth, 0)),
        ("The k largest became 0: keep them, and set the others to 0.", h - expected),
        ("The k-th largest number is lost: keep k numbers, not k - 1. Go by the indices of tf.math.top_k (>= would keep too many "
         "equal ones).", h * (h > kth)),
        ("One number too many is kept: k of each row.", _kept(h, 4))], tolerance=1e-6)
    for ties in ([[1, 2, 2, 2, 0], [0, 0, 0, 0, 0], [3, 1, 1, 1, 4], [-1, -1, 5, -1, -1]], [[1, -5, 3, 3, 3]]):
        ties = np.array(ties, np.float32)
        least = -np.sort(-ties, axis=1)[:, 1:2]
        equal("keep_largest(h, 2) with equal numbers", of(ties, 2), _kept(ties, 2), [
            ("Where several numbers equal the k-th largest, all are kept: keep exactly k in each row, and of equal ones those "
             "further left.", ties * (ties >= least)),
            ("Of numbers equal to the k-th largest, those further right are kept: keep those further left.",
             _kept(ties[:, ::-1], 2)[:, ::-1]),
            ("Of numbers equal to the k-th largest, none is kept: keep those further left.", ties * (ties > least))],
              given={"h": ties})
    weights = rng.normal(size=h.shape).astype(np.float32)
    _slopes("keep_largest", lambda h: weights * tf.convert_to_tensor(call(function, h, 3)), {"h": tf.constant(h)},
            [weights * (expected != 0)])
    attempt(lambda: tf.function(function, autograph=False).get_concrete_function(tf.TensorSpec([None, 8]), 3),
            "It does not run inside a model, where the number of rows is not known in advance: use no NumPy, no .numpy(), no "
            "loop over rows, and take the number of units from h.shape[1].")


def _kept(h: np.ndarray, k: int, axis: int = -1) -> np.ndarray:
    """h with the k largest along an axis, of equal ones the first, and 0 in place of the others."""
    return h * ((-h).argsort(axis=axis, kind="stable").argsort(axis=axis) < k)


@check
def variational(kl: Callable, draw: Callable, loss: Callable) -> None:
    """Task 6: each function by itself, against the closed forms; the examples; the gradients, a batch of unknown size."""
    rng = seeded(4)
    for mean, log, noise in (rng.normal(size=(3, 5, 3)).astype(np.float32), np.array([1, 0, 0.5], np.float32).reshape(3, 1, 1)):
        pair, given = (tf.constant(mean), tf.constant(log)), {"mean": mean, "log_variance": log}
        right, deviation = reference.kl(*pair).numpy(), np.exp(log / 2)

        def of(square=mean**2, variance=np.exp(log), log=log) -> np.ndarray:
            return (square + variance - log - 1) / 2

        equal("kl(mean, log_variance)", call(kl, *pair), right, [
            ("The sign is flipped: a divergence is never negative.", -right),
            ("The factor 1/2 is missing.", 2 * right),
            ("log_variance is taken for the variance: the variance is exp(log_variance).",
             lambda: of(variance=log, log=np.log(np.abs(log)))),
            ("exp is missing: the variance is exp(log_variance).", of(variance=log)),
            ("log_variance is taken for the logarithm of the standard deviation: the variance is exp(log_variance).",
             of(variance=np.exp(2 * log), log=2 * log)),
            ("The standard deviation stands in the place of the variance, which is exp(log_variance).", of(variance=deviation)),
            ("The mean is not squared.", of(square=mean)),
            ("The 1 is missing: for mean 0 and variance 1 the divergence is 0.", right + 0.5),
            ("There is one number for each image: leave one for each latent dimension.", right.sum(axis=1)),
            ("This is one number for all: leave one for each image and each latent dimension.", right.sum(), right.mean())],
              given=given)
        equal("draw(mean, log_variance, noise)", call(draw, *pair, tf.constant(noise)), mean + deviation * noise, [
            *((f"The noise is multiplied with the {what}: the standard deviation is exp(log_variance / 2).", mean + wrong * noise)
              for what, wrong in (("variance", deviation**2), ("logarithm", log))),
            ("The noise is divided by the standard deviation: multiply.", mean + noise / deviation),
            ("The noise has the standard deviation 1: multiply it with exp(log_variance / 2).", mean + noise),
            ("The mean is missing.", deviation * noise),
            ("The noise is missing: this gives the mean each time.", mean)], given=given | {"noise": noise})
    for x, y, mean, log_variance, beta in (
            (*rng.random((2, 5, 28, 28, 1)), *rng.normal(size=(2, 5, 3)), 0.3),
            (np.zeros([1, 28, 28, 1]), np.full([1, 28, 28, 1], 0.5), np.ones([1, 2]), np.zeros([1, 2]), 2.0)):
        got = call(loss, *(tf.constant(part, tf.float32) for part in (x, y, mean, log_variance, beta)))
        divergences = reference.kl(mean, log_variance).numpy()
        error, divergence = squared_error(x, y), divergences.sum(axis=1).mean()
        equal("loss(x, y, mean, log_variance, beta)", got, right := error + beta * divergence, [
            ("This is the sum over the images: take their mean.", len(x) * right),
            ("The squared error is a mean over the pixels: add up the pixels of an image.", error / 784 + beta * divergence),
            ("The divergences are averaged over the latent dimensions: add them up.", error + beta * divergences.mean()),
            ("The divergences are added up over the images too: take the mean there.", error + beta * divergences.sum()),
            ("beta is missing.", error + divergence),
            ("beta multiplies the squared error: it belongs to the divergence.", beta * error + divergence),
            ("beta multiplies both terms: it belongs to the divergence.", beta * (error + divergence)),
            ("The divergence is subtracted: the loss is to make it small, so add it.", error - beta * divergence),
            ("The divergence is missing.", error),
            ("The squared error is missing.", beta * divergence)], tolerance=1e-4)
    mean, log, noise = map(tf.constant, rng.normal(size=(3, 4, 2)).astype(np.float32))
    given, by_log, spread = {"mean": mean, "log_variance": log}, (tf.exp(log) - 1) / 2, tf.exp(log / 2) * noise
    _slopes("kl", lambda *pair: call(kl, *pair), given, [mean, by_log])
    _slopes("draw", lambda *pair: tf.convert_to_tensor(call(draw, *pair, noise))**2, given,
            [2 * (mean + spread), (mean + spread) * spread])
    x, y = (tf.constant(array, tf.float32) for array in rng.random((2, 4, 28, 28, 1)))
    _slopes("loss", lambda *three: call(loss, x, *three, tf.constant(0.3)), {"y": y} | given,
            [(y - x) / 2, 0.3 * mean / 4, 0.3 * by_log / 4])
    for function, shapes in ((kl, [[None, 3]] * 2), (draw, [[None, 3]] * 3),
                             (loss, [[None, 28, 28, 1]] * 2 + [[None, 3]] * 2 + [[]])):
        attempt(lambda: tf.function(function, autograph=False).get_concrete_function(*map(tf.TensorSpec, shapes)),
                f"{function.__name__} does not run in a training, which is compiled, for any number of images: use no NumPy, no "
                ".numpy(), no float(), no loop over the rows, and tf.reduce_mean in place of a division by len(x) or x.shape[0].")


def _slopes(name: str, function: Callable, given: dict[str, tf.Tensor], expected: list) -> None:
    """Raise CheckFailed unless the sum of what a function gives, whose values are right, has these gradients."""
    with tf.GradientTape() as tape:
        tape.watch(list(given.values()))
        total = tf.reduce_sum(function(*given.values()))
    why = "use TensorFlow's functions, no NumPy, no .numpy(), no float() and no tf.stop_gradient."
    for argument, gradient, exact in zip(given, tape.gradient(total, list(given.values())), expected):
        require(gradient is not None, f"No gradient of {name} comes back to {argument}: {why}")
        require(np.allclose(tf.convert_to_tensor(gradient), exact, atol=1e-4),
                f"The values of {name} are right, but not its gradient for {argument}: {why}")


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
    reached, before, filtered, of_clean = (ratio(some, clean) for some in (
        images, noisy, smoothed(noisy, clean), images_of(model, clean)))
    background, required = float(np.mean(images[clean == 0])), filtered + GAIN
    poor, low, high = not reached >= required, images.min(), images.max()
    said = (f"The denoised test digits have {reached:.1f} dB; the noisy ones {before:.1f}, after the best Gaussian filter and "
            f"line {filtered:.1f}, and {required:.1f} is required")
    for found, why in (
            (poor and not reached > before, ": worse than doing nothing. Was fit called?"),
            (poor and (low < 0 or high > 1), f": the model draws pixels from {low:.2f} to {high:.2f}. End with a sigmoid."),
            (poor and background >= 0.25 * sigma, f": black comes out as grey ({background:.2f}), as in noisy images. The target "
             "of the training has to be the clean image."),
            (of_clean >= reached + 3,
             f". It reproduces clean digits with {of_clean:.1f} dB: it has learned to copy, the inputs have to be noisy."),
            (poor, ": train for more epochs, or draw new noise in some of them.")):
        require(not found, said + why)
    _in_range("The model", images)


@check
def pairs(function: Callable) -> None:
    """Task 7, first part. The seed comes before what is measured: of noise without a seed luck would choose the sentence."""
    sigma, rng = 0.1, seeded(5)
    x = rng.uniform(0.45, 0.55, (40, 28, 28, 1)).astype(np.float32)
    x[:10] = rng.integers(0, 2, (10, 28, 28, 1))

    def drawn(sigma: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
        noisy, clean = map(np.asarray, results(function, call(function, x, sigma, seed), "noisy", "clean"))
        shaped("noisy", noisy, x.shape)
        shaped("clean", clean, x.shape)
        return noisy, clean

    noisy, clean = drawn(sigma, 0)
    added, same = not np.allclose(noisy, x), np.allclose(clean, x)
    require(added or same, "The order is noisy, clean: the first are the inputs of the training.")
    require(added, "There is no noise on the inputs.")
    require(same, "The target is noisy: add noise to the input only, and return x itself as the target.")
    inside = (noisy - x)[10:]
    for what, one in (("images have", inside[:1]), ("pixels of an image have", inside[:, :1, :1])):
        require(np.abs(inside - one).max() > 1e-3, f"All {what} the same noise: each needs its own.")
    require(np.array_equal(noisy, drawn(sigma, 0)[0]), "The same seed gives other noise: use np.random.default_rng(seed).")
    require(not np.allclose(noisy, drawn(sigma, 1)[0]), "Another seed gives the same noise: pass `seed` to the generator.")
    deviation, close = inside.std(), 0.035 * sigma  # five standard errors and more of both, from 23,520 numbers
    require(abs(deviation - sigma) > close or inside.max() > 3 * sigma, "The noise is not Gaussian: it never exceeds 3 sigma.")
    require((drawn(sigma / 2, 0)[0] - x)[10:].std() < 0.9 * deviation,
            "Half of sigma gives the same noise: use the argument `sigma`, not a number.")
    require(abs(deviation - sigma**0.5) > 0.05, "The deviation of the noise is the root of sigma, expected sigma itself.")
    require(abs(deviation - sigma) < close and abs(inside.mean()) < close, f"With sigma = {sigma:g} the noise has mean "
            f"{inside.mean():.3f} and standard deviation {deviation:.3f}, expected 0 and {sigma:g}.")
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
        right = np.mean([peak_signal_noise_ratio(*pair, data_range=1) for pair in zip(x, y)])
        rows, others = x.reshape(len(x), -1), y.reshape(len(y), -1)
        errors = ((rows - others)**2).mean(1)

        def of(errors: np.ndarray) -> float:
            return np.mean(-10 * np.log10(errors))

        equal("psnr(x, y)", call(function, x, y), right, [
            ("The mean square error goes over all images together: each image has its own logarithm.", of(errors.mean())),
            ("The squares are added up over the pixels: take their mean.", of(784 * errors)),
            ("The logarithm is that of base 2: take np.log10.", right * np.log2(10)),
            ("The factor 10 is missing.", right / 10),
            ("The factor is 20: that goes with the root of the mean square error, 10 with the error itself.", 2 * right),
            ("There is a root, which goes with a factor of 20.", right / 2),
            ("The differences are not squared.", of(np.abs(rows - others).mean(1))),
            ("The numerator is the mean square of x: the peak is 1.", of(errors / (rows**2).mean(1))),
            ("The peak is the largest pixel here: the peak of images in [0, 1] is 1.", of(errors / rows.max(1)**2)),
            ("The peak is the largest pixel of all: the peak of images in [0, 1] is 1.", of(errors / x.max()**2)),
            ("The peak is 255: that of images in [0, 1] is 1.", of(errors / 255**2))])


# task 8: what a net has never seen ------------------------------------------------------------------------------------

@check
def unseen(between: Callable, anomalous: Callable, never_seen: Callable, nets: dict[str, Callable], digits: Dataset) -> None:
    """Task 8: `between` and `anomalous` on a small net with random weights, `never_seen` against `MISSING`."""
    paths(between, digits)
    anomaly(anomalous)
    got = run(never_seen)  # may use `digits` and what utils has
    require(isinstance(got, dict) and got.keys() == MISSING.keys(), "never_seen gives a dictionary with the keys 'A', 'B', 'C'.")
    for letter, missing in MISSING.items():
        named = whole(got[letter])
        require(named in range(10), f"Net {letter}: {got[letter]!r} is not one of the digits 0 to 9.")
        part = digits.x_val[digits.y_val == named][:200]
        error = squared_error(images_of(nets[letter], part), part)
        require(named == missing, f"Net {letter} has seen the digit {named}: its squared error there, {error:.1f}, is about that "
                "of the other nets. Compare the three nets with one another, digit by digit.")


@check
def paths(function: Callable, digits: Dataset) -> None:
    """Task 8, first part."""
    tf.keras.utils.set_random_seed(inputs(7, lambda rng: int(rng.integers(8, 1000))))
    encoder, decoder = autoencoders.encoder(3, (8,)), autoencoders.decoder(3, (8,))
    a, b = pair = 5 * digits.x_val[inputs(slice(2), lambda rng: slice(2, 4))]  # so bright that nothing is nearly linear
    codes, steps = encoder(pair).numpy(), 5

    def mixed(pair: np.ndarray, start: float = 0, stop: float = 1, number: int = steps) -> np.ndarray:
        share = np.linspace(start, stop, number, dtype=np.float32).reshape(-1, *[1] * pair[0].ndim)
        return (1 - share) * pair[0] + share * pair[1]

    def path(*ends: float) -> tf.Tensor:
        return decoder(mixed(codes, *ends))

    got = call(function, encoder, decoder, a, b, steps,
               hints=[("incompatible", "The networks take batches: a[None] is a batch of one image.")])
    equal(f"between(encoder, decoder, a, b, {steps})", got, path(), [
        ("These are codes: decode them.", mixed(codes)),
        ("These are mixtures of the pixels of a and b: mix their codes.", mixed(pair)),
        ("These are mixtures of the pixels of two decoded images: mix the codes, then decode.", mixed(decoder(codes).numpy())),
        ("The mixtures of the pixels go through the net: mix the codes.", lambda: decoder(encoder(mixed(pair)))),
        ("The path runs from b to a.", lambda: path(1, 0)),
        ("The path stops before b: the last image is b, decoded from its code.", lambda: path(0, 1 - 1 / steps)),
        ("The path begins after a: the first image is a, decoded from its code.", lambda: path(1 / steps, 1)),
        ("The ends are missing: the first image is a and the last b, each decoded from its code.",
         lambda: path(1 / (steps + 1), steps / (steps + 1))),
        ("There is one image more than `steps`: both ends count.", lambda: path(0, 1, steps + 1)),
        ("The codes are added, not mixed: (1 - t) times the one and t times the other.",
         lambda: decoder(codes[0] + mixed([0 * codes[0], codes[1]])))], tolerance=1e-4)


@check
def anomaly(function: Callable) -> None:
    """Task 8, second part: noise of many shares and levels, where every known mistake gives another answer; the example."""
    net = tf.keras.Sequential([tf.keras.Input([28, 28, 1]), tf.keras.layers.Rescaling(0.5, 0.1)])
    rng = seeded(10)
    share, level = rng.random((2, 200, 1, 1, 1))
    images = ((rng.random((200, 28, 28, 1)) < share) * level).astype(np.float32)

    def roots(errors: list[float]) -> np.ndarray:
        """Images with these squared errors, if the net draws black."""
        return np.sqrt(np.array(errors) / 784)[:, None, None, None] * np.ones([28, 28, 1], np.float32)

    for net, x, x_val in ((net, images[100:], images[:100]), (tf.zeros_like, roots([90, 99]), roots(range(101)))):
        def scores(images: np.ndarray, score: Callable = np.square) -> np.ndarray:
            return score(np.asarray(net(images)) - images).sum(axis=(1, 2, 3))

        def by(score: Callable) -> np.ndarray:
            return scores(x, score) > np.quantile(scores(x_val, score), QUANTILE)

        right, errors, known = by(np.square), scores(x), scores(x_val)
        got = np.asarray(call(function, net, x, x_val))
        require(got.shape == right.shape,
                f"anomalous gives shape {list(got.shape)}, expected [{len(x)}]: one answer for each of the images x.")
        require(got.dtype == bool, f"anomalous gives {got.dtype}, expected True or False for each image.")
        equal("anomalous(net, x, x_val), True counted as 1,", got, right, [
            ("True and False are exchanged: an image with a large error is anomalous.", ~right),
            ("The threshold comes from x: take it from the validation digits.", errors > np.quantile(errors, QUANTILE)),
            ("np.percentile counts in percent, 95, and np.quantile in fractions, 0.95.", errors > np.percentile(known, QUANTILE)),
            *((f"The threshold is {what}: 95 % of the validation digits lie below the threshold.", errors > limit)
              for what, limit in (("the largest error of the validation digits", known.max()), ("the median", np.median(known)),
                                  ("the mean error of the validation digits", known.mean()),
                                  ("the 5 % quantile", np.quantile(known, 0.05)),
                                  ("95 % of the largest error", QUANTILE * known.max()))),
            ("The differences are not squared.", by(np.asarray)),
            ("These are absolute differences: add up their squares.", by(np.abs))])
