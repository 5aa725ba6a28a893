"""GANs: a training step, inversion and the measures of quality, against NumPy, SciPy and closed forms."""
import numpy as np
import pytest
from scipy import linalg, stats

from utils import networks, session
from utils.generative import autoencoders, gans, latent, quality
from utils.generative.gans import GAN
from utils.quiet import tf

keras = tf.keras.layers


@pytest.fixture(autouse=True)
def seeded():
    session.start(0)


def linear_gan(classes: int = 0, rate: float = 0.0, latent: int = 3, seed: int = 0) -> GAN:
    """A linear generator of 2x2 images and a linear discriminator, with gradient descent at `rate`."""
    generator = tf.keras.Sequential([tf.keras.Input([latent + classes]), keras.Dense(4), keras.Reshape([2, 2, 1])])
    discriminator = tf.keras.Sequential([tf.keras.Input([2, 2, 1 + classes]), keras.Flatten(), keras.Dense(1)])
    gan = GAN(generator, discriminator, seed=seed)
    gan.optimizers = [tf.keras.optimizers.SGD(rate) for _ in range(2)]
    for optimizer, network in zip(gan.optimizers, (generator, discriminator)):
        optimizer.build(network.trainable_variables)
    return gan


def put(network: tf.keras.Model, kernel, bias) -> None:
    network.set_weights([np.array(kernel, np.float32), np.array(bias, np.float32)])


def images(n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random((n, 2, 2, 1), np.float32)


def state(gan: GAN) -> list[np.ndarray]:
    parts = (gan.generator.weights, gan.discriminator.weights, *(one.variables for one in gan.optimizers),
             [gan.random.state, gan.step])
    return [variable.numpy() for part in parts for variable in part]


# the networks ----------------------------------------------------------------------------------------------

def test_the_networks_have_the_shapes_and_the_settings_of_the_publication():
    generator, discriminator = gans.generator(latent=12, width=8), gans.discriminator(3, width=8)
    z = np.random.default_rng(0).standard_normal((5, 12)).astype(np.float32)
    made = generator(z).numpy()
    assert made.shape == (5, 28, 28, 1) and 0 <= made.min() < made.max() <= 1
    assert discriminator(np.zeros((5, 28, 28, 3), np.float32)).shape == (5, 1)
    kernels = [weight for weight in generator.weights + discriminator.weights if len(weight.shape) > 1]
    assert len(kernels) == 6
    for kernel in kernels:
        assert abs(np.std(kernel) - 0.02) < 0.004
    slopes = [layer.negative_slope for layer in discriminator.layers if isinstance(layer, keras.LeakyReLU)]
    assert slopes == pytest.approx([0.2, 0.2])
    for optimizer in GAN(generator, gans.discriminator(1, 8)).optimizers:
        assert (float(optimizer.learning_rate), optimizer.beta_1) == pytest.approx((2e-4, 0.5))


def test_each_layer_has_first_weights_of_its_own():
    """Normal with the deviation .02, and no two layers alike: one initializer object for all would draw the same numbers."""
    for network in (gans.generator(), gans.discriminator()):
        kernels = [weight.numpy().ravel() for weight in network.weights if weight.path.endswith("kernel")]
        assert len(kernels) == 3
        for kernel in kernels:
            assert kernel.std() == pytest.approx(0.02, rel=0.15) and abs(kernel.mean()) < 0.003
        for i, j in ((0, 1), (0, 2), (1, 2)):
            n = min(len(kernels[i]), len(kernels[j]))
            assert abs(np.corrcoef(kernels[i][:n], kernels[j][:n])[0, 1]) < 0.3


def test_encoder_and_decoder():
    x = np.random.default_rng(0).random((5, 28, 28, 1)).astype(np.float32)
    code = autoencoders.encoder(7)(x)
    made = autoencoders.decoder(7)(code).numpy()
    assert code.shape == (5, 7) and made.shape == x.shape and 0 < made.min() < made.max() < 1
    assert np.min(code) < 0 < np.max(code)  # linear: a ReLU would lose half of each code


def test_encoder_and_decoder_without_hidden_layers_are_closed_forms():
    x = np.random.default_rng(0).random((5, 28, 28, 1)).astype(np.float32)
    encoder, decoder = autoencoders.encoder(3, hidden=()), autoencoders.decoder(3, hidden=())
    (w, b), (v, c) = ([weight.numpy() for weight in network.weights] for network in (encoder, decoder))
    code = x.reshape(5, 784) @ w + b
    np.testing.assert_allclose(encoder(x), code, atol=1e-5)
    np.testing.assert_allclose(decoder(code), 1 / (1 + np.exp(-(code @ v + c))).reshape(x.shape), atol=1e-5)


# one step --------------------------------------------------------------------------------------------------

def log_loss(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    d = 1 / (1 + np.exp(-logits))
    return -(labels * np.log(d) + (1 - labels) * np.log(1 - d))


def test_cross_entropy_for_hard_and_soft_labels():
    logits = np.linspace(-6, 6, 25)
    for label in (0.0, 0.3, 1.0, 1.2):
        got = gans.binary_cross_entropy(tf.constant(logits), tf.fill([25], tf.constant(label, tf.float64)))
        np.testing.assert_allclose(got, log_loss(logits, label), rtol=1e-9)
    far = gans.binary_cross_entropy(tf.constant([1000.0, -1000.0, 1000.0]), tf.constant([0.0, 1.0, 1.0]))
    np.testing.assert_allclose(far, [1000.0, 1000.0, 0.0])


def losses(weights: list[np.ndarray], x, z, y_real, y_fake, noise) -> np.ndarray:
    """The losses of D and G, written out again: weights are kernel and bias of G, then of D."""
    made = z @ weights[0] + weights[1]
    on_real, on_made = ((rows + added) @ weights[2] + weights[3] for rows, added in zip((x, made), noise))
    d_loss = np.mean(log_loss(on_real, y_real)) + np.mean(log_loss(on_made, y_fake))
    return np.array([d_loss, np.mean(log_loss(on_made, 1.0))])


def test_one_step_moves_each_network_down_its_own_loss():
    """Gradient descent at rate 1 moves the weights by minus the gradient: compared with finite differences."""
    batch, x, real, fake, noise = 6, images(9), (0.7, 1.2), (0.0, 0.3), 0.2
    gan = linear_gan(rate=1.0, seed=5)
    weights = gan.generator.weights + gan.discriminator.weights
    before = [np.float64(weight.numpy()) for weight in weights]
    history = gans.train(gan, x, steps=1, batch_size=batch, real=real, fake=fake, noise=noise)
    after = [np.float64(weight.numpy()) for weight in weights]

    draw = tf.random.Generator.from_seed(5)  # the same numbers in the same order
    chosen = draw.uniform([batch], 0, len(x), tf.int32).numpy()
    y_real, y_fake = draw.uniform([batch, 1], *real).numpy(), draw.uniform([batch, 1], *fake).numpy()
    z = draw.normal([batch, 3]).numpy().astype(float)
    added = [noise * draw.normal([batch, 2, 2, 1]).numpy().reshape(batch, 4) for _ in range(2)]
    inputs = x[chosen].reshape(batch, 4).astype(float), z, y_real, y_fake, added
    np.testing.assert_allclose([history["d_loss"][0], history["g_loss"][0]], losses(before, *inputs), rtol=1e-5)
    for number, weight in enumerate(before):
        whose = 1 if number < 2 else 0  # G's weights go down G's loss, D's down D's
        for place in np.ndindex(weight.shape):
            sides = []
            for step in (1e-5, -1e-5):
                moved = [one.copy() for one in before]
                moved[number][place] += step
                sides.append(losses(moved, *inputs)[whose])
            assert after[number][place] - weight[place] == pytest.approx(-(sides[0] - sides[1]) / 2e-5, abs=1e-5)


def test_mean_probabilities_are_reported():
    gan = linear_gan()
    put(gan.generator, np.zeros((3, 4)), np.full(4, 0.5))
    put(gan.discriminator, np.ones((4, 1)), [-1.0])
    history = gans.train(gan, np.ones((3, 2, 2, 1), np.float32), steps=250, batch_size=4)
    assert list(history) == ["d_loss", "g_loss", "d_real", "d_fake"]
    assert [len(values) for values in history.values()] == [3, 3, 3, 3]
    np.testing.assert_allclose(history["d_real"], 1 / (1 + np.exp(-3)), rtol=1e-5)
    np.testing.assert_allclose(history["d_fake"], 1 / (1 + np.exp(-1)), rtol=1e-5)


@pytest.mark.parametrize("side", ["real", "fake"])
def test_soft_labels_are_drawn_from_their_range(side):
    """With the logit 1 everywhere, a loss is softplus(1) - label."""
    gan = linear_gan()
    put(gan.discriminator, np.zeros((4, 1)), [1.0])
    hard = {"real": 1.0, "fake": 0.0}
    others = 2 * np.log1p(np.e) - hard["fake" if side == "real" else "real"]
    labels = [others - gans.train(gan, images(5), steps=1, batch_size=1, **{side: (0.7, 1.2)})["d_loss"][0]
              for _ in range(200)]
    assert 0.7 - 1e-5 <= min(labels) < 0.73 and 1.17 < max(labels) <= 1.2 + 1e-5
    assert abs(np.mean(labels) - 0.95) < 0.04


def test_noise_has_its_standard_deviation_and_no_noise_is_none():
    """A discriminator that adds up four pixels sees noise of twice the deviation."""
    gan = linear_gan()
    put(gan.discriminator, np.ones((4, 1)), [-2.0])
    x = np.full((1, 2, 2, 1), 0.5, np.float32)
    for noise in (0.0, 0.3):
        d = np.array([gans.train(gan, x, steps=1, batch_size=1, noise=noise)["d_real"][0] for _ in range(300)])
        logits = np.log(d / (1 - d))
        assert abs(np.mean(logits)) < 0.15
        np.testing.assert_allclose(np.std(logits), 2 * noise, rtol=0.15, atol=1e-6)


def test_d_steps_counts_updates_and_everything_is_compiled_once():
    gan = linear_gan(rate=0.01)
    gans.train(gan, images(9), steps=7, batch_size=4, d_steps=3, real=(0.7, 1.2), noise=0.1)
    assert [int(optimizer.iterations) for optimizer in gan.optimizers] == [7, 21] and int(gan.step) == 7
    gans.train(gan, images(5), steps=120, batch_size=2, fake=(0.0, 0.3))
    assert [int(optimizer.iterations) for optimizer in gan.optimizers] == [127, 141] and int(gan.step) == 127
    assert gan.steps.experimental_get_tracing_count() == 1


def test_a_conditional_gan_sees_each_image_with_its_own_label():
    """D adds up 8 (label - pixel), and G draws its label: D = 1/2 if and only if they belong together."""
    gan = linear_gan(classes=2)
    put(gan.generator, np.concatenate([np.zeros((3, 4)), [[0] * 4], [[1] * 4]]), np.zeros(4))
    put(gan.discriminator, np.tile([[-8.0], [0.0], [8.0]], (4, 1)), [0.0])
    y = np.array([0, 1, 1, 0, 1, 0, 0])
    x = np.broadcast_to(y[:, None, None, None], (7, 2, 2, 1)).astype(np.float32)
    right = gans.train(gan, x, y, steps=20, batch_size=5)
    assert right["d_real"] == right["d_fake"] == [0.5]
    np.testing.assert_allclose(right["d_loss"], 2 * np.log(2), rtol=1e-5)  # a wrong pair would cost 32
    wrong = gans.train(gan, x, 1 - y, steps=20, batch_size=5)
    assert wrong["d_real"] != [0.5] and wrong["d_fake"] == [0.5]
    for label in (0, 1, y):
        expected = np.broadcast_to(np.reshape(label, (-1, 1, 1, 1)), (7, 2, 2, 1))
        np.testing.assert_array_equal(gans.sample(gan, 7, label=label), expected)


# a run -----------------------------------------------------------------------------------------------------

def small_gan(seed: int = 4) -> GAN:
    session.start(seed)
    return GAN(gans.generator(latent=4, width=2), gans.discriminator(width=2), seed=seed)


OPTIONS = dict(batch_size=8, d_steps=2, real=(0.7, 1.2), fake=(0.0, 0.3), noise=0.1)


def test_an_interrupted_run_goes_on_to_exactly_the_same_weights(tmp_path, monkeypatch):
    x = np.random.default_rng(0).random((20, 28, 28, 1), np.float32)
    monkeypatch.setattr(gans, "STEPS_PER_CALL", 10)
    whole = small_gan()
    expected = gans.train(whole, x, steps=33, **OPTIONS)

    def interrupt(bar, n, moves=[]):
        moves.append(n)
        if len(moves) == 3:  # the third ten are done and not saved
            raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(gans.tqdm, "update", interrupt)
        gans.train(small_gan(), x, steps=33, checkpoint=tmp_path, **OPTIONS)
    resumed = small_gan(seed=9)  # everything comes from the checkpoint
    assert gans.train(resumed, x, steps=33, checkpoint=tmp_path, **OPTIONS) == expected
    for a, b in zip(state(whole), state(resumed), strict=True):
        np.testing.assert_array_equal(a, b)
    again = state(resumed)
    assert gans.train(resumed, x, steps=33, checkpoint=tmp_path, **OPTIONS) == expected  # nothing left to do
    for a, b in zip(again, state(resumed), strict=True):
        np.testing.assert_array_equal(a, b)


def test_training_on_and_on_is_training_once():
    session.start(0)
    once = linear_gan(rate=0.1)
    session.start(0)
    pieces = linear_gan(rate=0.1)
    gans.train(once, images(9), steps=130, **OPTIONS)
    for steps in (110, 1, 19):
        gans.train(pieces, images(9), steps=steps, **OPTIONS)
    for a, b in zip(state(once), state(pieces), strict=True):
        np.testing.assert_array_equal(a, b)


def test_what_does_not_fit_is_named(tmp_path):
    gan, conditional = linear_gan(), linear_gan(classes=2)
    x, y = images(4), np.array([0, 1, 1, 0])
    cases = [(gan, np.zeros((4, 3, 3, 1)), None, "3, 3, 1.*2, 2, 1"), (gan, x * 2, None, "expected 0 to 1"),
             (gan, x, y, "without classes"), (conditional, x, None, "give the labels"),
             (conditional, x, y + 1, "from 1 to 2.*from 0 to 1"), (conditional, x, y[:3], r"\[3\].*\[4\]")]
    for network, inputs, labels, words in cases:
        with pytest.raises(ValueError, match=words):
            gans.train(network, inputs, labels, steps=1)
    gans.train(gan, x, steps=1, checkpoint=tmp_path)
    with pytest.raises(ValueError, match="another network"):
        gans.train(linear_gan(latent=5), x, steps=2, checkpoint=tmp_path)
    with pytest.raises(ValueError, match="give the labels"):
        gans.sample(conditional, 3)
    with pytest.raises(ValueError, match="float64, expected whole"):
        gans.sample(conditional, 3, label=0.5)
    with pytest.raises(ValueError, match="without classes"):
        gans.sample(gan.generator, 3, label=1)
    for options, words in (({"d_steps": 0}, "1 or more"), ({"batch_size": 0}, "1 or more"), ({"real": 0.9}, "range"),
                           ({"fake": (0.3, 0.0)}, "range")):
        with pytest.raises(ValueError, match=words):
            gans.train(gan, x, steps=1, **options)
    for inputs, options in ((x[0], {}), (x[:0], {}), (x, {"restarts": 0}), (x, {"steps": 0}), (np.zeros((4, 3, 3, 1)), {})):
        with pytest.raises(ValueError, match=r"expected \[N, 2, 2, 1\]"):
            latent.invert(gan.generator, inputs, **options)
    softmax = tf.keras.Sequential([tf.keras.Input([2, 2, 1]), keras.Flatten(), keras.Dense(3, "softmax")])
    with pytest.raises(ValueError, match="ends in softmax"):
        latent.preferred(gan.generator, softmax, 1)
    with pytest.raises(ValueError, match="classes 0 to 2"):
        latent.preferred(gan.generator, softmax, 3)


# at work ---------------------------------------------------------------------------------------------------

def linear_generator(kernel: np.ndarray, bias: np.ndarray) -> tf.keras.Model:
    network = tf.keras.Sequential([tf.keras.Input([len(kernel)]), keras.Dense(len(bias)), keras.Reshape([2, 2, 1])])
    put(network, kernel, bias)
    return network


def test_samples_come_from_standard_normal_numbers_and_their_seed():
    generator = linear_generator(np.eye(4), np.zeros(4))
    made = gans.sample(generator, 1000, seed=1)
    assert stats.kstest(made.ravel(), "norm").pvalue > 0.01
    assert np.abs(np.corrcoef(made.reshape(1000, 4), rowvar=False) - np.eye(4)).max() < 0.12
    np.testing.assert_array_equal(made, gans.sample(generator, 1000, seed=1))
    assert (made != gans.sample(generator, 1000, seed=2)).any()
    gan = linear_gan()
    np.testing.assert_allclose(gans.sample(gan, 3), gans.sample(gan.generator, 3))


def test_inverting_a_linear_generator_is_least_squares():
    rng = np.random.default_rng(0)
    kernel, bias, x = rng.normal(size=(2, 4)), rng.normal(size=4), images(5)
    expected = np.linalg.lstsq(kernel.T, (x.reshape(5, 4) - bias).T, rcond=None)[0].T
    z, made = latent.invert(linear_generator(kernel, bias), x, restarts=2, steps=400, learning_rate=0.2)
    np.testing.assert_allclose(z, expected, atol=1e-3)
    np.testing.assert_allclose(made.reshape(5, 4), expected @ kernel + bias, atol=1e-3)


def test_inversion_finds_an_image_of_the_generator_and_restarts_never_make_it_worse(monkeypatch):
    generator = tf.keras.Sequential([tf.keras.Input([3]), keras.Dense(16, "tanh"), keras.Dense(16, "tanh"),
                                     keras.Dense(64, "sigmoid"), keras.Reshape([8, 8, 1])])
    generator.set_weights([2 * weight for weight in generator.get_weights()])  # wavy enough to have wrong minima
    wanted = gans.sample(generator, 30, seed=3)
    found = {restarts: latent.invert(generator, wanted, restarts=restarts) for restarts in (1, 3, 8)}
    error = {restarts: ((made - wanted) ** 2).mean(axis=(1, 2, 3)) for restarts, (_, made) in found.items()}
    assert (error[3] <= error[1] + 1e-6).all() and (error[8] <= error[3] + 1e-6).all()
    assert error[1].max() > 1e-3 > 1e-4 > error[8].max()  # one start is not always enough, eight are
    np.testing.assert_allclose(generator(found[8][0]), found[8][1], atol=1e-5)
    monkeypatch.setattr(latent, "IMAGES_PER_CALL", 40)  # five images at a time: the same result
    z, made = latent.invert(generator, wanted)
    np.testing.assert_allclose(made, found[8][1], atol=1e-4)
    assert z.shape == (30, 3) and made.shape == wanted.shape


@pytest.mark.parametrize("penalty", [1.0, 2.5])
def test_preferred_images_of_linear_networks(penalty):
    """a.z - penalty |z|^2 / 2 is largest at z = a / penalty."""
    rng = np.random.default_rng(0)
    kernel, weights = rng.normal(size=(3, 4)), rng.normal(size=(4, 10)).astype(np.float32)

    def model(x):
        return tf.reshape(x, [-1, 4]) @ weights

    made = latent.preferred(linear_generator(kernel, np.zeros(4)), model, 6, n=5, steps=400, penalty=penalty)
    best = kernel @ weights[:, 6] / penalty
    np.testing.assert_allclose(made, np.tile((best @ kernel).reshape(2, 2, 1), (5, 1, 1, 1)), atol=2e-3)
    labels = np.array([6, 0, 9])  # a class for each image
    made = latent.preferred(linear_generator(kernel, np.zeros(4)), model, labels, n=3, steps=400, penalty=penalty)
    best = (kernel @ weights[:, labels] / penalty).T
    np.testing.assert_allclose(made.reshape(3, 4), best @ kernel, atol=2e-3)


# quality ---------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_features_are_what_the_last_layer_sees(dropout):
    lenet = networks.lenet(padding="valid", dropout=dropout)
    x = np.random.default_rng(0).random((5, 28, 28, 1)).astype(np.float32)
    seen = quality.features(lenet)(x)
    assert seen.shape == (5, 84) and seen.dtype == np.float32
    kernel, bias = lenet.layers[-1].get_weights()
    np.testing.assert_allclose(seen @ kernel + bias, lenet(x), atol=1e-5)


def with_moments(mean: np.ndarray, covariance: np.ndarray, n: int, seed: int) -> np.ndarray:
    """n points [n, d] that have this mean and this covariance exactly."""
    x = np.random.default_rng(seed).normal(size=(n, len(mean)))
    x = (x - x.mean(axis=0)) @ np.linalg.inv(np.linalg.cholesky(np.cov(x, rowvar=False))).T
    return mean + x @ np.linalg.cholesky(covariance).T


def test_frechet_distance_of_gaussians_in_closed_form():
    a = np.diag([4.0, 1.0, 0.25])
    b = np.diag([1.0, 9.0, 0.25])
    mean, other = np.array([1.0, 2.0, 3.0]), np.array([1.0, 0.0, 2.5])
    for n, m, means, covariances, expected in (
            (50, 70, (mean, mean), (a, a), 0.0), (50, 70, (mean, other), (a, a), 4.25),
            (40, 60, (mean, mean), (a, b), 1.0 + 4.0), (40, 60, (mean, other), (a, b), 9.25)):
        points = [with_moments(*moments) for moments in zip(means, covariances, (n, m), (1, 2))]
        got = quality.frechet_distance(*points)
        assert type(got) is float and got == pytest.approx(expected, abs=1e-9)


def test_frechet_distance_with_scipys_matrix_root():
    rng = np.random.default_rng(0)
    for d in (1, 4, 20):
        a, b = (rng.normal(size=(n, d)) @ rng.normal(size=(d, d)) + shift for n, shift in ((60, 0), (80, 1)))
        covariances = [np.cov(x, rowvar=False).reshape(d, d) for x in (a, b)]
        root = linalg.sqrtm(covariances[0] @ covariances[1]).real
        expected = np.sum((a.mean(0) - b.mean(0)) ** 2) + np.trace(covariances[0] + covariances[1] - 2 * root)
        assert quality.frechet_distance(a, b) == pytest.approx(expected, rel=1e-8)
        assert quality.frechet_distance(b, a) == pytest.approx(expected, rel=1e-8)
    few = rng.normal(size=(5, 30)).astype(np.float32)  # fewer points than dimensions: covariances without full rank
    assert 0 <= quality.frechet_distance(few, few) < 1e-6
    assert quality.frechet_distance(few, few + 1) == pytest.approx(30, abs=1e-4)


def test_precision_and_recall_of_clouds_where_they_are_known():
    rng = np.random.default_rng(0)
    left, right = rng.normal(size=(200, 5)), rng.normal(size=(200, 5)) + 100
    both = np.concatenate([left, right])
    copies = np.repeat(left[:1], 50, axis=0)
    for real, made, expected in ((left, left, (1, 1)), (left, right, (0, 0)), (both, left, (1, 0.5)),
                                 (left, both, (0.5, 1)), (left, copies, (1, 1 / 200))):
        assert quality.precision_recall(real, made) == pytest.approx(expected)


def test_balls_reach_to_the_kth_neighbour():
    """Points 0, 1, 3, 7 on a line: the radii for k = 1 are 1, 1, 2, 4, for k = 2 3, 2, 3, 6."""
    cloud = np.array([[0.0], [1.0], [3.0], [7.0]])
    points = np.array([[-2.5], [-1.5], [-0.5], [2.5], [10.9], [12.9], [13.1]])
    made = np.concatenate([points, points])
    assert quality.precision_recall(cloud, made, k=1)[0] == pytest.approx(3 / 7)
    assert quality.precision_recall(cloud, made, k=2)[0] == pytest.approx(6 / 7)


def test_precision_and_recall_of_many_points_fit_into_memory():
    """Computed in pieces of 64 megabytes: the same as by hand."""
    rng = np.random.default_rng(0)
    real, made = rng.normal(size=(5000, 2)), rng.normal(size=(1500, 2)) + 1.5
    distances = np.linalg.norm(made[:, None] - made, axis=2)
    radii = np.sort(distances, axis=1)[:, 3]
    recall = np.mean([(np.linalg.norm(point - made, axis=1) <= radii).any() for point in real])
    assert quality.precision_recall(real, made)[1] == pytest.approx(recall)


def test_scores_are_the_five_measures():
    """Four images with the confidences .6, .5, .9 and .8, of classes 0, 0, 2 and 0; class 3 has none."""
    p = np.array([[0.6, 0.2, 0.1, 0.1], [0.5, 0.3, 0.1, 0.1], [0, 0.1, 0.9, 0], [0.8, 0.1, 0.1, 0]])
    real, made = np.random.default_rng(0).normal(size=(2, 20, 3))
    confidence, rarest, *others = quality.scores(real, made, np.tile(p, (5, 1)))
    assert (confidence, rarest) == (pytest.approx(0.7), 0)
    assert others == [quality.frechet_distance(real, made), *quality.precision_recall(real, made)]


def test_features_that_cannot_be_compared_are_refused():
    a = np.zeros((5, 3))
    for b in (np.zeros((5, 4)), np.zeros((1, 3)), np.zeros((5, 3, 1))):
        with pytest.raises(ValueError, match="expected"):
            quality.frechet_distance(a, b)
        with pytest.raises(ValueError, match="expected"):
            quality.precision_recall(a, b)
    with pytest.raises(ValueError, match="k is 0"):
        quality.precision_recall(a, a, k=0)
    with pytest.raises(ValueError, match="NaN"):
        quality.frechet_distance(a, np.full((5, 3), np.nan))
