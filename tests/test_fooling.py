"""Fooling images: the optimum of linear models, the stored LeNet, and what each encoding promises."""
import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import expit
from scipy.stats import kstest

from utils import attacks, pretrained
from utils.attacks.encodings import ENCODINGS, INDEX, paint, polynomial_mutation
from utils.quiet import tf

SHAPE = (6, 6, 1)
SETTINGS = {"direct": {"generations": 300, "population": 50}, "cppn": {"generations": 60, "population": 50}}


def linear(shape=SHAPE, scale: float = 0.3, seed: int = 0):
    """A model with logits (0, w . (x - .5)), and w."""
    w = np.random.default_rng(seed).normal(0, scale, np.prod(shape)).astype(np.float32)
    kernel = tf.constant(w[:, None])

    def model(x):
        f = tf.reshape(x - 0.5, [tf.shape(x)[0], w.size]) @ kernel
        return tf.concat([tf.zeros_like(f), f], 1)
    return model, w


MODEL, W = linear()


@pytest.fixture(scope="module")
def lenet():
    return pretrained.load("digits_lenet")


@pytest.fixture(scope="module", params=ENCODINGS)
def evolved(request, lenet):
    """An encoding, and what it evolves for all digits in a few generations."""
    return request.param, attacks.fooling_evolution(lenet, (28, 28, 1), np.arange(10), encoding=request.param,
                                                    generations=40, population=50)


def confidence_of(model, found, labels) -> np.ndarray:
    return tf.nn.softmax(model(tf.constant(found.images))).numpy()[np.arange(len(labels)), labels]


# gradient -------------------------------------------------------------------------------------------------------------

def test_gradient_ascent_ends_at_the_optimum_of_a_linear_model():
    """Convex: SciPy's L-BFGS-B finds the same image."""
    penalty = 4.0
    found = attacks.fooling_gradient(MODEL, SHAPE, np.array([0, 1]), steps=300, penalty=penalty)
    for image, sign in zip(found.images.reshape(2, -1), (-1, 1)):
        slope = sign * W.astype(float)

        def objective(x):
            f = slope @ (x - 0.5)
            return np.logaddexp(0, -f) + penalty * np.mean((x - 0.5) ** 2), -expit(-f) * slope + 2 * penalty * (x - 0.5) / x.size
        exact = minimize(objective, np.full(36, 0.5), jac=True, bounds=[(0, 1)] * 36, tol=1e-12).x
        np.testing.assert_allclose(image, exact, atol=5e-3)


def test_gradient_reaches_99_percent_for_all_digits(lenet):
    labels = np.arange(10)
    found = attacks.fooling_gradient(lenet, (28, 28, 1), labels)
    assert found.confidence.min() > 0.99
    assert found.images.min() >= 0 and found.images.max() <= 1 and found.images.shape == (10, 28, 28, 1)
    np.testing.assert_allclose(found.confidence, confidence_of(lenet, found, labels), atol=1e-4)
    assert found.history["confidence"].shape == (100, 10)
    np.testing.assert_array_equal(found.history["confidence"][-1], found.confidence)
    some = attacks.fooling_gradient(lenet, (28, 28, 1), labels[3:5])
    np.testing.assert_allclose(some.images, found.images[3:5], atol=2e-3)


def test_a_penalty_keeps_the_image_near_grey():
    free, held = (attacks.fooling_gradient(MODEL, SHAPE, np.array([1]), penalty=penalty) for penalty in (0.0, 20.0))
    assert np.std(held.images) < 0.7 * np.std(free.images) and held.confidence[0] < free.confidence[0]


# evolution ------------------------------------------------------------------------------------------------------------

def test_evolution_of_pixels_comes_near_the_optimum_of_a_linear_model():
    """The highest logit in the box is sum |w| / 2, for both classes."""
    found = attacks.fooling_evolution(MODEL, SHAPE, np.array([0, 1]), **SETTINGS["direct"])
    reached = np.array([-1, 1]) * ((found.images.reshape(2, -1) - 0.5) @ W)
    highest = np.abs(W).sum() / 2
    assert np.all(reached <= highest + 1e-4) and np.all(reached > 0.9 * highest), reached / highest


def test_evolution_rises_and_is_what_the_model_says(evolved, lenet):
    name, found = evolved
    labels = np.arange(10)
    assert found.history["confidence"].shape == (40, 10)
    assert np.all(np.diff(found.history["confidence"], axis=0) >= 0)
    assert np.median(found.confidence) > {"direct": 0.3, "cppn": 0.95}[name]
    assert found.images.min() >= 0 and found.images.max() <= 1 and found.images.dtype == np.float32
    np.testing.assert_allclose(found.confidence, confidence_of(lenet, found, labels), atol=1e-4)


def test_evolution_returns_the_classes_asked_for_and_depends_on_the_seed(evolved, lenet):
    name, found = evolved
    numbers = {"encoding": name, "generations": 40, "population": 50}
    some = attacks.fooling_evolution(lenet, (28, 28, 1), np.array([7, 2, 7]), **numbers)
    np.testing.assert_array_equal(some.images, found.images[[7, 2, 7]])
    np.testing.assert_array_equal(some.history["confidence"], found.history["confidence"][:, [7, 2, 7]])
    other = attacks.fooling_evolution(lenet, (28, 28, 1), np.arange(10), **numbers, seed=1)
    assert not np.array_equal(other.images, found.images)


def test_a_champion_is_the_best_of_all_that_was_tried():
    """One generation of one child: the better of the two images for each class."""
    found = attacks.fooling_evolution(MODEL, SHAPE, np.array([0, 1]), generations=1, population=1, seed=5)
    first, mutate, _ = ENCODINGS["direct"]
    parent = first(1, SHAPE, tf.constant([5, 0])).numpy()
    child = mutate(tf.constant(parent), tf.constant(0), tf.constant([5, 2])).numpy()
    both = np.concatenate([parent, child])
    expected = both[[((both - 0.5) @ W).argmin(), ((both - 0.5) @ W).argmax()]]
    np.testing.assert_allclose(found.images.reshape(2, -1), expected, atol=1e-6)
    assert not np.array_equal(parent, child)


# encodings ------------------------------------------------------------------------------------------------------------

def test_polynomial_mutation_has_its_density_and_its_rate():
    """The size of a change, 1 - u^(1 / 16) for u uniform, has the distribution 1 - (1 - size)^16."""
    genes = tf.fill([200, 500], 0.5)
    for generation, rate in ((0, 0.1), (999, 0.1), (1000, 0.05), (2500, 0.025)):
        change = polynomial_mutation(genes, tf.constant(generation), tf.constant([1, generation])).numpy() - 0.5
        assert np.mean(change != 0) == pytest.approx(rate, abs=0.005)
    change = polynomial_mutation(genes, tf.constant(0), tf.constant([3, 4])).numpy() - 0.5
    size = np.abs(change[change != 0])
    assert np.mean(change[change != 0] > 0) == pytest.approx(0.5, abs=0.02)
    assert kstest(size[size < 0.49], lambda s: (1 - (1 - s) ** (INDEX + 1)) / (1 - 0.51 ** (INDEX + 1))).pvalue > 0.01


@pytest.mark.parametrize("shape", [(9, 7, 1), (6, 8, 3)], ids=str)
def test_a_cppn_against_a_loop(shape):
    first, mutate, _ = ENCODINGS["cppn"]
    genes = mutate(first(5, shape, tf.constant([0, 1])), tf.constant(0), tf.constant([0, 2])).numpy()
    functions = [np.sin, lambda z: np.exp(-z**2), expit, lambda z: z]
    images = paint(tf.constant(genes), shape).numpy()
    assert images.shape == (5, *shape)
    for g, image in zip(genes.astype(float), images):
        kernels = np.split(g, np.cumsum([4 * 8, 9 * 8, 9 * shape[2]]))
        chosen = kernels.pop().reshape(16, 4).argmax(1)
        for i, y in enumerate(np.linspace(-1, 1, shape[0])):
            for j, x in enumerate(np.linspace(-1, 1, shape[1])):
                values = np.array([x, y, np.hypot(x, y)])
                for layer, after in enumerate((8, 8, shape[2])):
                    values = np.append(values, 1) @ kernels[layer].reshape(after, -1).T
                    if layer < 2:
                        values = np.array([functions[f](z) for f, z in zip(chosen[8 * layer:], values)])
                np.testing.assert_allclose(image[i, j], expit(values), atol=1e-4)


def test_images_of_a_cppn_are_smoother_than_pixels():
    shape = (28, 28, 1)
    noise, painted = (decode(first(200, shape, tf.constant([0, 0])), shape) for first, _, decode in ENCODINGS.values())
    variation = [attacks.total_variation(images).numpy() / np.std(images, axis=(1, 2, 3)) for images in (noise, painted)]
    assert np.median(variation[1]) < 0.25 * np.median(variation[0])


# refusals -------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("search", [attacks.fooling_gradient, attacks.fooling_evolution])
def test_refuses_what_cannot_be_meant(search):
    with pytest.raises(ValueError, match="networks.without_softmax"):
        search(lambda images: tf.nn.softmax(MODEL(images)), SHAPE, np.array([0]))
    with pytest.raises(ValueError, match="the classes 0 to 1"):
        search(MODEL, SHAPE, np.array([2]))
    with pytest.raises(ValueError, match="whole numbers"):
        search(MODEL, SHAPE, np.array([0.5]))


def test_refuses_other_encodings_and_empty_searches():
    with pytest.raises(ValueError, match="'direct', 'cppn'"):
        attacks.fooling_evolution(MODEL, SHAPE, np.array([0]), encoding="pixels")
    with pytest.raises(ValueError, match="at least one of each"):
        attacks.fooling_evolution(MODEL, SHAPE, np.array([0]), generations=0)
    with pytest.raises(ValueError, match="penalty holds NaN"):
        attacks.fooling_gradient(MODEL, SHAPE, np.array([0]), penalty=np.nan)
