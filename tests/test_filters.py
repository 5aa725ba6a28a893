"""The filters of unit 01 against SciPy, scikit-image, TensorFlow, a worked example and closed forms."""
import numpy as np
import pytest
from scipy import signal

from utils import filters
from utils.data import scenes, views
from utils.data.images import to_grey
from utils.data.pictures import picture

RANDOM = np.random.default_rng(0)
SHAPES = [((30,), (5,)), ((12, 9), (3, 4)), ((7, 8, 6), (2, 3, 6)), ((4, 4), (4, 4)), ((5, 5), (1, 1))]


@pytest.mark.parametrize("d, k", SHAPES)
def test_convolve_is_scipy_correlate(d, k):
    x, w = RANDOM.standard_normal(d), RANDOM.standard_normal(k)
    y = filters.convolve(x, w)
    assert y.shape == tuple(a - b + 1 for a, b in zip(d, k)) and y.dtype == np.float64
    np.testing.assert_allclose(y, signal.correlate(x, w, mode="valid", method="direct"), atol=1e-12)


def test_convolve_does_not_flip_and_scipy_convolve_does():
    x, w = RANDOM.standard_normal((9, 8)), RANDOM.standard_normal((3, 2))
    turned = signal.convolve(x, w[::-1, ::-1], mode="valid")
    np.testing.assert_allclose(filters.convolve(x, w), turned, atol=1e-12)
    assert not np.allclose(filters.convolve(x, w), signal.convolve(x, w, mode="valid"))


def test_worked_example_of_dumoulin_and_visin():
    x = [[3, 3, 2, 1, 0], [0, 0, 1, 3, 1], [3, 1, 2, 2, 3], [2, 0, 0, 2, 2], [2, 0, 0, 0, 1]]
    w = [[0, 1, 2], [2, 2, 0], [0, 1, 2]]
    assert filters.convolve(x, w).tolist() == [[12, 12, 17], [10, 17, 19], [9, 6, 14]]


def test_convolve_is_tensorflows():
    from utils.quiet import tf

    for dims, run in ((1, tf.nn.conv1d), (2, tf.nn.conv2d), (3, tf.nn.conv3d)):
        x, w = RANDOM.standard_normal([8] * dims), RANDOM.standard_normal([3] * dims)
        for padding, own in (("VALID", filters.convolve), ("SAME", filters.same_padded)):
            strides = 1 if dims == 1 else [1] * (dims + 2)
            theirs = run(x[None, ..., None], w[..., None, None], strides, padding)[0, ..., 0]
            np.testing.assert_allclose(own(x, w), theirs, atol=1e-12)


@pytest.mark.parametrize("size, k, stride", [(11, 3, 1), (12, 3, 2), (13, 4, 3), (9, 9, 2)])
def test_many_channels_and_strides_are_tensorflows(size, k, stride):
    from utils.quiet import tf

    x, w = RANDOM.standard_normal([size, size + 3, 3]), RANDOM.standard_normal([k, k - 1, 3, 5])
    y = filters.convolve_channels(x, w, stride)
    np.testing.assert_allclose(y, tf.nn.conv2d(x[None], w, stride, "VALID")[0], atol=1e-12)
    assert y.shape == (filters.output_size(size, k, stride=stride), filters.output_size(size + 3, k - 1, stride=stride), 5)


@pytest.mark.parametrize("d, k, padding, stride, size",
                         [(5, 3, 0, 1, 3), (224, 7, 3, 2, 112), (227, 11, 0, 4, 55), (28, 5, 2, 1, 28)])
def test_sizes_of_known_networks(d, k, padding, stride, size):
    """The first layers of ResNet (112), AlexNet (55) and LeNet (28)."""
    assert filters.output_size(d, k, padding, stride) == size


def test_receptive_field_is_what_a_changed_input_reaches():
    sizes, strides = [3, 5, 2, 3], [1, 2, 3, 1]
    for layers, field in enumerate(filters.receptive_field(sizes, strides), 1):
        reached = np.eye(80)  # each input by itself: which of them does the first result depend on?
        for k, s in list(zip(sizes, strides))[:layers]:
            reached = np.stack([reached[i:i + k].sum(0) for i in range(0, len(reached) - k + 1, s)])
        assert np.count_nonzero(reached[0]) == field


@pytest.mark.parametrize("d, k", [((30,), (5,)), ((12, 9), (3, 7)), ((5, 6, 7), (1, 3, 5)), ((4,), (9,))])
def test_same_keeps_the_size_and_pads_with_zeros(d, k):
    x, w = RANDOM.standard_normal(d), RANDOM.standard_normal(k)
    from scipy.ndimage import correlate
    np.testing.assert_allclose(filters.same_padded(x, w), correlate(x, w, mode="constant"), atol=1e-12)


def test_arguments_are_not_changed():
    x, w = RANDOM.standard_normal((9, 9)), RANDOM.standard_normal((3, 3))
    kept = x.copy(), w.copy()
    filters.convolve(x, w), filters.same_padded(x, w), filters.match(x, w), filters.normalised_match(x, w)
    assert (x == kept[0]).all() and (w == kept[1]).all()


@pytest.mark.parametrize("call, words", [
    (lambda: filters.convolve(np.ones(5), np.ones((2, 2))), "1 dimensions and w has 2"),
    (lambda: filters.convolve(np.ones((5, 5)), np.ones((6, 2))), "larger than x"),
    (lambda: filters.same_padded(np.ones(5), np.ones(2)), "odd"),
    (lambda: filters.output_size(5, 6), "take k up to"), (lambda: filters.output_size(5, 3, stride=0), "stride of 1 or more"),
    (lambda: filters.convolve_channels(np.ones([5, 5, 3]), np.ones([3, 3, 2, 4])), "with the same C"),
    (lambda: filters.normalised_match(np.ones((5, 5)), np.ones((2, 2))), "constant")])
def test_errors_say_what_was_wrong(call, words):
    with pytest.raises(ValueError, match=words):
        call()


@pytest.mark.parametrize("dims", [1, 2, 3])
def test_smoothing_filters(dims):
    np.testing.assert_allclose(filters.uniform(5, dims), np.full([5] * dims, 5.0**-dims))
    w = filters.gaussian(15, 1.3, dims)
    impulse = np.zeros([15] * dims)
    impulse[(7,) * dims] = 1
    from scipy.ndimage import gaussian_filter
    np.testing.assert_allclose(w, gaussian_filter(impulse, 1.3, radius=7, mode="constant"), atol=1e-12)
    assert w.sum() == pytest.approx(1)


def test_two_gaussians_are_one_with_the_variances_added():
    twice = signal.convolve(filters.gaussian(61, 3), filters.gaussian(61, 4))
    np.testing.assert_allclose(twice, filters.gaussian(121, 5), atol=1e-6)


def test_white_noise_shrinks_by_the_length_of_the_filter():
    """The variance of filtered white noise is the sum of the squared weights."""
    noise = np.random.default_rng(1).standard_normal(200_000)
    for w in (filters.uniform(9), filters.gaussian(25, 3)):
        assert filters.convolve(noise, w).var() == pytest.approx(np.sum(w**2), rel=0.03)


@pytest.mark.parametrize("shape, k", [((60,), (7,)), ((20, 25), (5, 4)), ((14, 15, 3), (4, 5, 3))])
def test_normalised_match_is_the_correlation_coefficient(shape, k):
    x, pattern = RANDOM.standard_normal(shape), RANDOM.standard_normal(k)
    y = filters.normalised_match(x, pattern)
    for place in np.ndindex(y.shape):
        window = x[tuple(slice(i, i + size) for i, size in zip(place, k))]
        assert y[place] == pytest.approx(np.corrcoef(window.ravel(), pattern.ravel())[0, 1], abs=1e-9)


def test_normalised_match_is_scikit_images():
    from skimage.feature import match_template
    x = picture("coffee", grey=True)[::4, ::4].astype(float)
    pattern = x[20:31, 40:55]
    np.testing.assert_allclose(filters.normalised_match(x, pattern), match_template(x, pattern), atol=1e-6)


def test_normalised_match_ignores_brightness_and_contrast():
    x = RANDOM.uniform(size=(30, 40))
    pattern = x[10:18, 20:29]
    for copy in (x, 0.2 * x + 3, 50 * x - 7):
        y = filters.normalised_match(copy, pattern)
        assert np.unravel_index(y.argmax(), y.shape) == (10, 20) and y.max() == pytest.approx(1)
    assert filters.normalised_match(-x, pattern).min() == pytest.approx(-1)


def test_normalised_match_is_zero_where_nothing_varies():
    x = np.full((20, 20), 0.7)
    x[12:, 12:] = RANDOM.uniform(size=(8, 8))
    y = filters.normalised_match(x, x[14:18, 14:18])
    assert np.isfinite(y).all() and not y[:8].any() and y[14, 14] == pytest.approx(1)


@pytest.mark.parametrize("angle", np.linspace(-np.pi, np.pi, 13))
def test_gradient_of_a_slope_is_exact(angle):
    rows, columns = np.mgrid[:8, :9]
    x = 0.03 * (np.cos(angle) * columns + np.sin(angle) * rows) + 0.4
    magnitude, direction = filters.gradient(x)
    assert magnitude.shape == direction.shape == (6, 7)
    np.testing.assert_allclose(magnitude, 0.03)
    np.testing.assert_allclose(np.exp(1j * direction), np.exp(1j * angle))
    np.testing.assert_allclose(filters.convolve(x, filters.oriented_edge(angle)), 0.03 * 8)
    np.testing.assert_allclose(filters.convolve(x, filters.oriented_edge(angle + np.pi / 2)), 0, atol=1e-12)


def test_vertical_edges_are_scikit_images_sobel():
    from skimage.filters import sobel_v
    x = picture("coffee", grey=True).astype(float)
    np.testing.assert_allclose(filters.vertical_edges(x), sobel_v(x)[1:-1, 1:-1] / 2, atol=1e-12)  # it divides by 4


@pytest.mark.parametrize("angle", [0, 0.5, np.pi / 2, 2.5])
def test_gabor_answers_to_its_own_wave(angle):
    """Among all gratings, the one with its wavelength and angle excites it most; a constant picture does
    nothing."""
    w = filters.gabor(31, 8, angle, 4)
    assert w.shape == (31, 31) and w.sum() == pytest.approx(0, abs=1e-12) and np.sum(w**2) == pytest.approx(1)
    spectrum = np.abs(np.fft.rfft2(w, (256, 256)))
    row, column = np.unravel_index(spectrum.argmax(), spectrum.shape)
    frequency = np.array([np.fft.rfftfreq(256)[column], np.fft.fftfreq(256)[row]])
    assert np.hypot(*frequency) == pytest.approx(1 / 8, abs=0.01)
    assert abs(frequency @ [np.cos(angle), np.sin(angle)]) == pytest.approx(np.hypot(*frequency), rel=0.01)


def test_long_verticals_adds_straight_edges_and_cancels_others():
    wall, zigzag = np.zeros((80, 40)), np.zeros((80, 40))
    wall[:, 20:] = 1
    zigzag[::2, 20:], zigzag[1::2, :20] = 1, 1  # as strong an edge in every row, with alternating signs
    assert filters.long_verticals(wall).shape == (80 - 2 - 61 + 1, 38)
    assert filters.long_verticals(wall).max() == pytest.approx(0.5)
    assert np.abs(filters.long_verticals(zigzag)).max() < 0.01


def mean_answers(x: np.ndarray) -> list[float]:
    return [np.abs(filter_(x)).mean() for filter_ in (filters.vertical_edges, filters.long_verticals)]


def test_neither_feature_alone_tells_a_town_from_a_landscape_and_both_do():
    """The threshold that is best for each feature alone, and a line between the classes found by least squares."""
    towns, lands = ([mean_answers(draw(seed, grey=True)) for seed in range(100, 124)] for draw in (views.town, views.country))
    f, town = np.array(towns + lands), np.repeat([1, -1], 24)
    for one in f.T:
        best = max(np.mean(np.where(one > threshold, sign, -sign) == town) for threshold in one for sign in (-1, 1))
        assert best < 0.95
    ones = np.column_stack([100 * f, np.ones(48)])
    assert np.mean(np.sign(ones @ np.linalg.lstsq(ones, town, rcond=None)[0]) == town) > 0.95


def test_the_exercise_on_a_learnt_filter_can_be_solved():
    """Bolme et al. (2010), equations 10 to 12: the template loses a ladybird that turns, the learnt filter does not."""
    frames, places = scenes.ladybird(turn=360)
    row, column = np.round(places[0]).astype(int)
    bug = to_grey(frames[0])[row:row + scenes.BUG[0], column:column + scenes.BUG[1]]
    fixed = [np.unravel_index(y.argmax(), y.shape) for y in (filters.normalised_match(to_grey(x), bug) for x in frames)]
    assert np.hypot(*(fixed - places).T).max() > 20
    size, centre = np.array([32, 48]), np.array(scenes.BUG) // 2
    grid = np.moveaxis(np.indices(size), 0, -1) - size // 2
    target = np.fft.fft2(np.exp(-np.sum(grid**2, axis=-1) / 8))

    def spectrum(frame: np.ndarray, middle: np.ndarray) -> np.ndarray:
        red = np.pad(frame[..., 0] - frame[..., 1], 48, mode="edge")
        top, left = middle + 48 - size // 2
        patch = red[top:top + size[0], left:left + size[1]]
        return np.fft.fft2((patch - patch.mean()) / patch.std() * np.outer(*(np.hanning(n) for n in size)))

    middle, found = np.round(places[0] + centre).astype(int), []
    a, b = (x * spectrum(frames[0], middle).conj() for x in (target, spectrum(frames[0], middle)))
    for frame in frames[1:]:
        y = np.fft.ifft2(a / (b + 1e-2 * np.abs(b).mean()) * spectrum(frame, middle)).real
        middle = middle + np.unravel_index(y.argmax(), y.shape) - size // 2
        now = spectrum(frame, middle)
        a, b = (0.125 * x * now.conj() + 0.875 * old for x, old in ((target, a), (now, b)))
        found.append(middle - centre)
    assert np.hypot(*(found - places[1:]).T).max() < 6


def test_town_and_landscape_on_real_photographs(real_data):
    """The claim of the unit on two photographs, 256 pixels wide: edges alone are wrong, long ones are
    right."""
    town, hills = (mean_answers(picture(f"{real_data}/photos/{name}", grey=True, width=256))
                   for name in ("city_china_ccby.jpg", "landscape_kodim13.png"))
    assert town[0] < hills[0] and town[1] > hills[1]
    np.testing.assert_allclose([town, hills], [[0.022, 0.011], [0.0285, 0.008]], atol=0.0005)
