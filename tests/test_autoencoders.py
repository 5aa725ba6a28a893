"""Unit 10's mathematics against scikit-learn, SciPy, finite differences and closed forms."""
import numpy as np
import pytest
from scipy import linalg, optimize
from sklearn.decomposition import PCA

from utils import data, session
from utils.generative import autoencoders
from utils.quiet import tf


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(1)


@pytest.fixture(scope="module")
def rows() -> np.ndarray:
    """200 points in 12 dimensions whose variances differ, far from the origin."""
    random = np.random.default_rng(0)
    turn = linalg.qr(random.standard_normal((12, 12)))[0]
    return random.standard_normal((200, 12)) * np.arange(12, 0, -1) @ turn + 30


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return data.load("digits").x_train[:20]


@pytest.mark.parametrize("k", [1, 4, 12])
def test_pca_is_scikit_learns(rows, k):
    mean, components, singular = autoencoders.pca(rows, k)
    theirs = PCA(k, svd_solver="full").fit(rows)
    np.testing.assert_allclose(mean, theirs.mean_)
    np.testing.assert_allclose(np.abs(np.sum(components * theirs.components_, axis=1)), 1)  # up to the sign
    np.testing.assert_allclose(components @ components.T, np.eye(k), atol=1e-12)
    np.testing.assert_allclose(singular[:k], theirs.singular_values_)
    np.testing.assert_allclose(linalg.subspace_angles(components.T, theirs.components_.T), 0, atol=1e-7)


def test_variances_are_eigenvalues_of_the_covariance(rows):
    _, components, singular = autoencoders.pca(rows, 12)
    covariance = np.cov(rows.T, bias=True)
    np.testing.assert_allclose(singular**2 / len(rows), linalg.eigvalsh(covariance)[::-1])
    np.testing.assert_allclose(covariance @ components.T, components.T * singular**2 / len(rows), atol=1e-8)


@pytest.mark.parametrize("k", [1, 5, 11])
def test_error_is_the_left_out_part_and_no_other_subspace_has_less(rows, random, k):
    mean, components, singular = autoencoders.pca(rows, k)
    errors = autoencoders.squared_error(rows, autoencoders.project(rows, mean, components)).numpy()
    assert errors.shape == (200,)
    np.testing.assert_allclose(errors.mean(), np.sum(singular[k:]**2) / len(rows))
    for _ in range(20):
        other = linalg.qr(components.T + 0.1 * random.standard_normal((12, k)), mode="economic")[0].T
        worse = autoencoders.squared_error(rows, autoencoders.project(rows, mean, other)).numpy()
        assert worse.mean() > errors.mean()


def test_pca_of_fewer_points_than_dimensions(random):
    x = random.standard_normal((5, 40))
    mean, components, singular = autoencoders.pca(x, 4)
    np.testing.assert_allclose(autoencoders.project(x, mean, components), x)  # 5 points span 4 dimensions
    assert singular.shape == (5,) and singular[4] < 1e-12


@pytest.mark.parametrize("shape, k", [((20, 5), 0), ((20, 5), 6), ((3, 5), 4), ((20, 28, 28, 1), 2),
                                      ((20, 5), 2.5), ((20, 5), np.nan)])
def test_pca_refuses(shape, k):
    with pytest.raises(ValueError, match=r"expected \[N, d\], all finite, and k from 1"):
        autoencoders.pca(np.zeros(shape), k)


def test_pca_refuses_nan(rows):
    with pytest.raises(ValueError, match="all finite"):
        autoencoders.pca(np.where(rows > 40, np.nan, rows), 2)


def test_fit_finds_the_least_error_and_ends_with_the_rate_0(random):
    x, wanted = random.standard_normal((70, 3)), random.standard_normal((3, 2))
    model = tf.keras.Sequential([tf.keras.Input([3]), tf.keras.layers.Dense(2, use_bias=False)])
    assert autoencoders.fit(model, x, x @ wanted, epochs=60, rate=0.05) is model
    np.testing.assert_allclose(model.get_weights()[0], wanted, atol=0.01)
    assert int(model.optimizer.iterations) == 60 * 3 and float(model.optimizer.learning_rate) == pytest.approx(0, abs=1e-8)


def test_squared_error_is_summed_over_pixels():
    x = np.zeros((2, 28, 28, 1), np.float32)
    y = np.stack([np.full((28, 28, 1), 0.5, np.float32), np.zeros((28, 28, 1), np.float32)])
    np.testing.assert_allclose(autoencoders.squared_error(x, y), [784 / 4, 0])


def test_squared_error_of_whole_numbers_does_not_wrap():
    x = np.array([[0, 3], [200, 0]], np.uint8)
    np.testing.assert_allclose(autoencoders.squared_error(x, np.array([[0.5, 3], [0, 1]])), [0.25, 40001])
    np.testing.assert_allclose(autoencoders.squared_error(x, x[::-1]), [40009, 40009])


@pytest.mark.parametrize("other", [(3, 784), (784,), (2, 784)])
def test_squared_error_refuses_images_of_another_shape(other):
    with pytest.raises(ValueError, match="expected the same shape"):
        autoencoders.squared_error(np.zeros((2, 28, 28, 1)), np.zeros(other))


def test_jacobian_is_finite_differences(images):
    session.start(seed=1)
    encoder = smooth_encoder([16, 3])
    x = images[:4].astype(np.float64)
    jacobian = autoencoders.jacobian(encoder, x).numpy()
    assert jacobian.shape == (4, 3, 784)
    steps = 1e-5 * np.eye(784).reshape(784, 1, 28, 28, 1)
    differences = [(encoder(x + step) - encoder(x - step)) / 2e-5 for step in steps[::49]]
    np.testing.assert_allclose(jacobian[:, :, ::49], np.moveaxis(differences, 0, 2), atol=1e-8)
    total = np.mean(np.sum(jacobian**2, axis=(1, 2)))
    np.testing.assert_allclose(autoencoders.contraction(encoder, x), total)


def test_jacobian_refuses_codes_that_are_no_rows(images):
    with pytest.raises(ValueError, match=r"expected \[N, code\]"):
        autoencoders.jacobian(lambda x: 2 * x, images)


def smooth_encoder(units: list[int]) -> tf.keras.Model:
    """Dense tanh layers in float64, for which finite differences are exact to many digits."""
    layers = [tf.keras.layers.Dense(n, "tanh", dtype="float64") for n in units]
    return tf.keras.Sequential([tf.keras.Input([28, 28, 1], dtype="float64"),
                                tf.keras.layers.Flatten(dtype="float64"), *layers])


def test_contraction_of_a_linear_encoder_is_the_squared_norm_of_its_matrix(images):
    encoder = autoencoders.encoder(5, hidden=())
    squared_norm = np.sum(encoder.get_weights()[0]**2)
    np.testing.assert_allclose(autoencoders.contraction(encoder, images), squared_norm, rtol=1e-5)


def test_contraction_of_a_sigmoid_layer_is_the_closed_form_of_rifai(images):
    """Section 3: the sum over units of (h (1 - h))^2 times the squared norm of the unit's weights."""
    encoder = tf.keras.Sequential([tf.keras.Input([28, 28, 1]), tf.keras.layers.Flatten(),
                                   tf.keras.layers.Dense(7, "sigmoid")])
    weights, h = encoder.get_weights()[0], encoder(images).numpy()
    closed = np.mean(np.sum((h * (1 - h))**2 * np.sum(weights**2, axis=0), axis=1))
    np.testing.assert_allclose(autoencoders.contraction(encoder, images), closed, rtol=1e-5)


def test_gradient_of_the_contraction_is_finite_differences(images, random):
    session.start(seed=2)
    encoder, x = smooth_encoder([6, 2]), images[:3].astype(np.float64)
    with tf.GradientTape() as tape:
        penalty = autoencoders.contraction(encoder, x)
    gradients = tape.gradient(penalty, encoder.trainable_variables)
    for weights, gradient in zip(encoder.trainable_variables, gradients):
        start, direction = weights.numpy(), random.standard_normal(weights.shape)
        ends = []
        for step in (1e-5, -1e-5):
            weights.assign(start + step * direction)
            ends.append(autoencoders.contraction(encoder, x).numpy())
        weights.assign(start)
        np.testing.assert_allclose((ends[0] - ends[1]) / 2e-5, np.sum(gradient * direction), rtol=1e-6)


def test_fit_adds_the_penalty_to_the_loss_and_makes_it_smaller(images):
    penalties = {}
    for weight in (0.0, 10.0):
        session.start(seed=3)
        model = autoencoders.Contractive(4, weight, activation=None)
        model.compile(tf.keras.optimizers.Adam(1e-2), autoencoders.squared_error)
        expected = (np.mean(autoencoders.squared_error(images, model(images)))
                    + weight * autoencoders.contraction(model.encoder, images[:8]))
        np.testing.assert_allclose(model.evaluate(images, images, verbose=0), expected, rtol=1e-5)
        model.fit(images, images, epochs=30, verbose=0)
        penalties[weight] = float(autoencoders.contraction(model.encoder, images))
    assert penalties[10.0] < 0.3 * penalties[0.0]


def test_without_weight_no_jacobian_is_computed(images, monkeypatch):
    def refused(*_):
        raise AssertionError("the Jacobian costs time")

    monkeypatch.setattr(autoencoders, "jacobian", refused)
    model = autoencoders.Contractive(2, 0.0)
    model.compile("adam", autoencoders.squared_error)
    expected = np.mean(autoencoders.squared_error(images, model(images)))
    np.testing.assert_allclose(model.evaluate(images, images, verbose=0), expected, rtol=1e-5)


def tied_loss(x: np.ndarray, w: np.ndarray, weight: float) -> float:
    """Of the linear tied autoencoder with the weights w [d, k], for centred rows x [N, d]."""
    return np.mean(np.sum((x - x @ w @ w.T)**2, axis=1)) + weight * np.sum(w**2)


@pytest.mark.parametrize("weight", [0.5, 30.0, 120.0])
def test_the_least_loss_of_a_linear_contractive_code_is_what_an_optimizer_finds(rows, random, weight):
    x = rows - rows.mean(axis=0)
    squares, least = autoencoders.contracted(autoencoders.pca(rows, 3)[2]**2 / len(rows), 3, weight)
    found = min((optimize.minimize(lambda w: tied_loss(x, w.reshape(12, 3), weight), random.standard_normal(36), method="BFGS")
                 for _ in range(3)), key=lambda result: result.fun)
    assert found.fun == pytest.approx(least, rel=1e-4)
    np.testing.assert_allclose(linalg.svdvals(found.x.reshape(12, 3))**2, squares, atol=0.01)


def test_the_linear_contractive_model_has_the_loss_of_the_formula(images):
    model = autoencoders.Contractive(3, 0.7, activation=None)
    model.compile("sgd", autoencoders.squared_error)
    x, w = images.reshape(20, 784), model.layer.kernel.numpy()
    np.testing.assert_allclose(model.evaluate(images, images, verbose=0), tied_loss(x, w, 0.7), rtol=1e-5)


def test_convolutional_networks_have_the_shapes_of_the_dense_ones(images):
    codes = autoencoders.conv_encoder(5)(images)
    drawn = autoencoders.conv_decoder(5)(codes).numpy()
    assert codes.shape == (20, 5) and drawn.shape == images.shape and 0 <= drawn.min() < drawn.max() <= 1
    assert np.min(codes) < 0 < np.max(codes)
