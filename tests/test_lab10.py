"""Lab 10: right answers that are written another way than the solution pass; what the checks measure."""
import numpy as np
import pytest
from sklearn.decomposition import PCA

from utils import checks, filters
from utils.checks import lab10
from utils.generative import autoencoders
from utils.data import load
from utils.quiet import tf


DIGITS = load("digits")


def pca_by_covariance(x, k):
    mean = np.mean(x, axis=0)
    variances, directions = np.linalg.eigh(np.cov(x.T))
    return [mean, directions[:, np.argsort(-variances)[:k]].T]


def pca_of_columns(x, k):
    mean = x.mean(0, keepdims=True)
    return mean[0], -np.linalg.svd((x - mean).T)[0][:, :k].T


def pca_in_float32(x, k):
    x = x.astype(np.float32)
    mean = x.mean(axis=0)
    return mean, np.linalg.svd(x - mean)[2][:k]


def encode(x, mean, components):
    return np.einsum("nd,kd->nk", x - mean, components)


def decode(codes, mean, components):
    return [mean + sum(number * row for number, row in zip(code, components)) for code in codes]


def error(x, y):
    return np.mean(np.linalg.norm((x - y).reshape(len(x), -1), axis=1)**2)


def angles_by_projection(a, b):
    q_a, s, _ = np.linalg.svd(a, full_matrices=False)
    q_b, _ = np.linalg.qr(-b)
    squares = np.linalg.eigvalsh(q_b.T @ q_a @ q_a.T @ q_b)[::-1]
    return [float(np.degrees(np.arccos(np.sqrt(np.clip(square, 0, 1))))) for square in squares]


def keep_by_rank(h, k):
    ranks = tf.argsort(tf.argsort(h, direction="DESCENDING", stable=True), stable=True)
    return tf.where(ranks < k, h, tf.zeros_like(h))


def keep_by_scatter(h, k):
    values, indices = tf.math.top_k(h, k)
    return tf.einsum("nk,nku->nu", values, tf.one_hot(indices, tf.shape(h)[1]))


def contraction_by_rows(w, b, x):
    h = 1 / (1 + tf.exp(-(tf.matmul(x, w) + b)))
    squares = tf.reduce_sum(tf.square(tf.transpose(w)), 1)
    return tf.reduce_mean(tf.linalg.matvec(tf.square(h - h * h), squares))


def contraction_as_jacobian(w, b, x):
    h = tf.nn.sigmoid(tf.matmul(x, w) + b)
    rows = (h * (1 - h))[:, :, None] * tf.transpose(w)  # [N, units, d]
    return tf.reduce_sum(rows**2) / tf.cast(tf.shape(x)[0], tf.float32)


def between(encoder, decoder, a, b, steps):
    code_a, code_b = encoder.predict(np.stack([a, b]), verbose=0)
    return [decoder((code_a + n / (steps - 1) * (code_b - code_a))[None])[0] for n in range(steps)]


def novel(net, x, x_val):
    def root(images):
        return np.sqrt(np.mean((net(images).numpy() - images)**2, axis=(1, 2, 3)))
    limit = np.percentile(root(x_val), 95)
    return [score > limit for score in root(x)]


def never_seen():
    return dict(zip("ABC", np.array([6, 7, 0])))


def measured_never_seen():
    """As a student would compute it, with the nearest digit of the training set in place of nets."""
    x = DIGITS.x_val.reshape(len(DIGITS.x_val), -1)
    table = []
    for images in lab10.nine_digits(DIGITS).values():
        known = images.reshape(len(images), -1)
        distances = (x**2).sum(axis=1) + np.min((known**2).sum(axis=1)[:, None] - 2 * known @ x.T, axis=0)
        table.append([distances[DIGITS.y_val == label].mean() for label in range(10)])
    return dict(zip("ABC", np.argmax(table / np.min(table, axis=0), axis=1)))


def test_right_answers_written_another_way_pass():
    lab10.components(pca_by_covariance)
    lab10.components(pca_of_columns)
    lab10.components(pca_in_float32)
    lab10.coding(encode, decode, error)
    lab10.angles(angles_by_projection)
    lab10.sparse(keep_by_rank)
    lab10.sparse(keep_by_scatter)
    lab10.contractive(contraction_by_rows)
    lab10.contractive(contraction_as_jacobian)
    lab10.unseen(between, novel, never_seen, {}, DIGITS)
    lab10.unseen(between, novel, measured_never_seen, {}, DIGITS)


def test_pairs_drawn_another_way_pass():
    def noisy_pairs(x, sigma, seed):
        rng = np.random.default_rng(seed)
        return [np.stack([np.minimum(1, np.maximum(0, image + sigma * rng.standard_normal(image.shape)))
                          for image in x]), x.copy()]

    def psnr(x, y):
        return sum(20 * np.log10(1 / np.sqrt(((a - b)**2).mean())) for a, b in zip(x, y)) / len(x)

    lab10.pairs(noisy_pairs)
    lab10.decibels(psnr)


@pytest.mark.parametrize("noise", ["rng.normal(0, sigma, x.shape)", "rng.normal(0, sigma**0.5, x.shape)",
                                   "rng.normal(0.02 * sigma, sigma, x.shape)", "rng.uniform(-sigma, sigma, x.shape)"])
def test_of_noise_without_the_seed_it_is_always_said_that_the_seed_is_missing(noise):
    """Whatever else is wrong with it: what is measured on such noise is luck, and would choose the sentence."""
    for start in range(5):
        known = {"np": np, "rng": np.random.default_rng(start), "__name__": "notebook"}
        exec(f"def noisy_pairs(x, sigma, seed):\n    return np.clip(x + {noise}, 0, 1), x", known)
        with pytest.raises(checks.CheckFailed, match="The same seed gives other noise"):
            lab10.pairs(known["noisy_pairs"])


def test_gaussian_noise_of_any_generator_passes():
    for start in range(50):
        def noisy_pairs(x, sigma, seed):
            return np.clip(x + np.random.default_rng([start, seed]).normal(0, sigma, x.shape), 0, 1), x

        lab10.pairs(noisy_pairs)


def test_contraction_of_the_check_is_that_of_the_exact_jacobian():
    rng = np.random.default_rng(0)
    w, b = (tf.Variable(rng.normal(size=shape)) for shape in ([4, 3], [3]))
    x = tf.constant(rng.normal(size=[5, 4]))
    with tf.GradientTape() as tape:
        expected = autoencoders.contraction(lambda x: tf.sigmoid(x @ w + b), x)
    value, gradients = lab10._exact_contraction(w, b, x)
    assert value == pytest.approx(float(expected))
    for gradient, right in zip(gradients, tape.gradient(expected, [w, b])):
        np.testing.assert_allclose(gradient, right)


def test_error_of_pca_is_that_of_scikit_learn():
    digits = load("digits")
    x, x_test = (images.reshape(len(images), -1).astype(np.float64)
                 for images in (digits.x_train, digits.x_test))
    fitted = PCA(10, svd_solver="full").fit(x)
    images = fitted.inverse_transform(fitted.transform(x_test))
    error = ((images - x_test)**2).sum(axis=1).mean()
    assert lab10.pca_error(digits, 10, digits.x_test) == pytest.approx(error, rel=1e-4)


def test_smoothed_is_the_best_gaussian_filter_of_unit_01():
    clean = load("digits").x_test[:20]
    noisy = lab10.noise(clean, 0.5)
    tries = [[filters.same_padded(image[..., 0], filters.gaussian(17, sigma, dims=2)) for image in noisy]
             for sigma in np.arange(0.5, 2.01, 0.25)]
    best = max(lab10.ratio(np.stack(images)[..., None], clean) for images in tries)
    smoothed = lab10.smoothed(noisy, clean)
    assert lab10.ratio(smoothed, clean) == pytest.approx(best, abs=0.01)


def test_one_digit_is_missing_from_each_of_the_three_sets():
    digits = load("digits")
    for letter, images in lab10.nine_digits(digits).items():
        seen = {image.tobytes() for image in images}
        found = {label for image, label in zip(digits.x_train, digits.y_train) if image.tobytes() in seen}
        assert found == set(range(10)) - {lab10.MISSING[letter]}


def test_a_task_half_done_is_said_to_be_unwritten():
    def psnr(x, y):
        raise NotImplementedError

    with pytest.raises(checks.CheckFailed, match="psnr is not written yet"):
        lab10.decibels(psnr)
