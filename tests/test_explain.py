"""Explanations against closed forms and independent rewrites; the measures against maps and models whose answer is known."""
import numpy as np
import pytest

from utils import explain, networks, plot, pretrained, session
from utils.data.rendered import rendered_faces
from utils.explain import relu, scores
from utils.explain.occlusion import filling
from utils.plot import explain_explorer
from utils.quiet import tf

RANDOM = np.random.default_rng(0)
W = RANDOM.normal(size=(6, 6, 1, 3)).astype(np.float32)
X = RANDOM.uniform(0.2, 0.8, (4, 6, 6, 1)).astype(np.float32)
Y = np.array([0, 2, 1, 2])
A, B = (RANDOM.normal(size=shape).astype(np.float32) for shape in ((36, 8), (8, 3)))


@pytest.fixture(autouse=True)
def seeds():
    session.start(0)


def linear(x):
    return tf.tensordot(tf.convert_to_tensor(x), W, [[1, 2, 3], [0, 1, 2]])


def two_layers(x):
    return tf.nn.relu(tf.reshape(x, [-1, 36]) @ A) @ B


@pytest.fixture(scope="module")
def detector():
    return pretrained.load("faces_three_convolutions")


@pytest.fixture(scope="module")
def faces():
    return rendered_faces(6, seed=3)


def test_scores_are_those_of_their_definitions():
    logits = RANDOM.normal(size=(5, 4)).astype(np.float32)
    labels = np.array([0, 1, 2, 3, 0])
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    own = p[np.arange(5), labels]
    np.testing.assert_allclose(explain.logit(logits, labels), logits[np.arange(5), labels])
    np.testing.assert_allclose(explain.probability(logits, labels), own, rtol=1e-5)
    np.testing.assert_allclose(explain.log_odds(logits, labels), np.log(own / (1 - own)), rtol=1e-4)


# Occlusion

@pytest.mark.parametrize("fill, size, stride", [("grey", 2, 1), ("mean", 3, 2), ("blur", 2, 3), ("grey", 6, 1)])
def test_occlusion_is_what_a_loop_over_the_windows_gives(fill, size, stride, monkeypatch):
    monkeypatch.setattr(scores, "CHUNK", 7)  # several batches, the last one smaller
    found = explain.occlusion(two_layers, X, Y, size=size, stride=stride, fill=fill)
    shown = filling(X, fill, size)
    for n, image in enumerate(X):
        for i, top in enumerate(range(0, 6 - size + 1, stride)):
            for j, left in enumerate(range(0, 6 - size + 1, stride)):
                covered = image.copy()
                covered[top:top + size, left:left + size] = shown[n, top:top + size, left:left + size]
                expected = tf.nn.softmax(two_layers(covered[None]))[0, Y[n]]
                assert found[n, i, j] == pytest.approx(float(expected), abs=1e-5)
    assert found.shape[1:] == ((6 - size) // stride + 1,) * 2


def test_the_fills_are_grey_the_mean_and_a_blurred_image():
    assert np.all(filling(X, "grey", 3) == 0.5)
    np.testing.assert_allclose(filling(X, "mean", 3)[:, 0, 0, 0], X.mean((1, 2, 3)), rtol=1e-5)
    blurred = filling(X, "blur", 3)
    assert blurred.std() < 0.7 * X.std() and np.allclose(blurred.mean((1, 2)), X.mean((1, 2)), atol=0.05)


@pytest.mark.parametrize("size, stride", [(1, 1), (3, 1), (2, 2)])
def test_drop_of_a_linear_model_is_weight_times_change(size, stride):
    found = explain.drop(linear, X, Y, size=size, stride=stride, score=explain.logit)
    each = W[..., 0, :][:, :, Y].transpose(2, 0, 1) * (X[..., 0] - 0.5)  # what a pixel adds
    expected, count = np.zeros_like(each), np.zeros((6, 6))
    for top in range(0, 6 - size + 1, stride):
        for left in range(0, 6 - size + 1, stride):
            part = slice(top, top + size), slice(left, left + size)
            expected[:, *part] += each[:, *part].sum((1, 2), keepdims=True)
            count[part] += 1
    np.testing.assert_allclose(found, expected / count, atol=1e-4)


@pytest.mark.parametrize("options, sentence", [
    ({"size": 7}, "size 7"), ({"size": 2, "stride": 0}, "stride 0"), ({"fill": "pink", "size": 2}, "pink")])
def test_occlusion_refuses_what_cannot_be(options, sentence):
    with pytest.raises(ValueError, match=sentence):
        explain.occlusion(linear, X, Y, **options)


# Gradients

def test_gradients_of_a_linear_model_are_its_weights():
    expected = W[..., Y].transpose(3, 0, 1, 2)
    np.testing.assert_allclose(explain.saliency(linear, X, Y), expected, rtol=1e-5)
    np.testing.assert_allclose(explain.gradient_times_input(linear, X, Y), X * expected, rtol=1e-5)
    np.testing.assert_allclose(explain.smooth_grad(linear, X, Y, samples=5), expected, rtol=1e-4)
    np.testing.assert_allclose(explain.integrated_gradients(linear, X, Y, baseline=0.5), (X - 0.5) * expected, atol=1e-5)


def test_saliency_is_the_slope_of_the_score(detector, faces):
    x, y, _ = faces
    slope, step = explain.saliency(detector, x[:1], y[:1])[0], 1e-3
    for place in ((20, 15), (30, 24), (10, 30)):
        ends = [x[0].copy(), x[0].copy()]
        ends[0][place], ends[1][place] = x[0][place] - step, x[0][place] + step
        low, high = np.asarray(detector(np.stack(ends)))[:, y[0]]
        assert slope[place].item() == pytest.approx(float(high - low) / (2 * step), abs=0.01, rel=0.02)


def test_integrated_gradients_of_squares_are_the_squares():
    def squares(x):
        return tf.stack([tf.reduce_sum(W[..., k] * tf.square(x), [1, 2, 3]) for k in range(3)], 1)

    found = explain.integrated_gradients(squares, X, Y, baseline=0.0, steps=16)
    np.testing.assert_allclose(found, W[..., Y].transpose(3, 0, 1, 2) * X**2, rtol=1e-4, atol=1e-5)
    start = np.full_like(X, 0.25)
    found = explain.integrated_gradients(squares, X, Y, baseline=start, steps=16)
    np.testing.assert_allclose(found, W[..., Y].transpose(3, 0, 1, 2) * (X**2 - 0.25**2), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("baseline", [0.3, 0.5])
def test_integrated_gradients_are_complete(detector, faces, baseline):
    x, y, _ = faces
    found = explain.integrated_gradients(detector, x, y, explain.log_odds, baseline=baseline, most=1024)
    before, after = (scores.class_scores(detector, images, y, explain.log_odds) for images in (np.full_like(x, baseline), x))
    far = np.abs(after - before) > 0.1  # else a relative error says nothing
    np.testing.assert_allclose(found.sum((1, 2, 3))[far], (after - before)[far], rtol=0.0101)
    error = explain.completeness(detector, x, y, found, explain.log_odds, baseline=baseline)
    wrong = explain.completeness(detector, x, y, 1.1 * found, explain.log_odds, baseline=baseline)
    assert far.sum() >= 4 and error[far].max() <= 0.01 and wrong[far].min() > 0.08


def rewritten(x, label, rule):
    """The backward pass through ReLU of `two_layers`, by hand."""
    hidden, gradient = x.reshape(1, 36) @ A, B[:, label][None]
    passed = {"guided": (hidden > 0) & (gradient > 0), "deconvolution": gradient > 0}[rule]
    return (A @ np.where(passed, gradient, 0)[0]).reshape(6, 6, 1)


@pytest.mark.parametrize("rule, method", [("guided", explain.guided_backprop), ("deconvolution", explain.deconvnet)])
def test_changed_relus_are_those_of_the_papers(rule, method):
    keras = tf.keras.Sequential([tf.keras.Input([6, 6, 1]), tf.keras.layers.Flatten(),
                                 tf.keras.layers.Dense(8, "relu", use_bias=False), tf.keras.layers.Dense(3, use_bias=False)])
    keras.set_weights([A, B])
    for model in (two_layers, keras):
        for image, label, found in zip(X, Y, method(model, X, Y)):
            np.testing.assert_allclose(found, rewritten(image, label, rule), atol=1e-4)
    assert tf.nn.relu is relu.RELU  # as it was


def test_the_relu_comes_back_after_an_error():
    with pytest.raises(KeyError), relu.replaced(relu.guided):
        raise KeyError
    assert tf.nn.relu is relu.RELU and tf.nn.relu6 is relu.RELU6


def test_relu6_is_guided_as_well():
    x = tf.constant([-1.0, 2.0, 7.0, 3.0])
    with relu.replaced(relu.guided), tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.nn.relu6(x)
    np.testing.assert_allclose(y, [0, 2, 6, 3])
    np.testing.assert_allclose(tape.gradient(y, x, output_gradients=tf.constant([1.0, 1, 1, -1])), [0, 1, 0, 0])


def test_activations_are_those_of_the_layers():
    model = networks.lenet()
    x = RANDOM.uniform(size=(2, 28, 28, 1)).astype(np.float32)
    layers = [layer for layer in model.layers if getattr(layer, "activation", None) is tf.keras.activations.relu]
    expected = tf.keras.Model(model.inputs[0], [layer.output for layer in layers])(x)
    for one, values in zip(explain.activations(model, x), expected, strict=True):
        np.testing.assert_allclose(one.after, values, atol=1e-5)
        np.testing.assert_allclose(np.maximum(one.before, 0), values, atol=1e-5)
    with pytest.raises(ValueError, match="no ReLU"):
        explain.activations(linear, X)


@pytest.mark.parametrize("layer, name", [(0, 0), (-1, 2)])
def test_grad_cam_is_that_of_its_formula(layer, name):
    model = networks.lenet()
    x, y = RANDOM.uniform(size=(2, 28, 28, 1)).astype(np.float32), np.array([3, 7])
    parts = tf.keras.Model(model.inputs[0], [model.layers[name].output, model.outputs[0]])
    with tf.GradientTape() as tape:
        maps, logits = parts(x)
        total = logits[0, 3] + logits[1, 7]
    weights = tape.gradient(total, maps).numpy().mean((1, 2))
    expected = np.maximum(np.einsum("nhwk,nk->nhw", maps, weights), 0)
    found = explain.grad_cam(model, x, y, layer=layer)
    np.testing.assert_allclose(found, tf.image.resize(expected[..., None], [28, 28])[..., 0], atol=1e-5)
    with pytest.raises(ValueError, match="no layer 2"):
        explain.grad_cam(model, x, y, layer=2)


# Units

def test_the_receptive_field_grows_with_depth_and_ends_at_the_border(detector):
    assert explain.receptive_region(detector, (48, 48, 1), 0, (20, 30)) == (slice(19, 22), slice(29, 32))
    assert explain.receptive_region(detector, (48, 48, 1), 0, (0, 47)) == (slice(0, 2), slice(46, 48))
    assert explain.receptive_region(detector, (48, 48, 1), 1, (10, 10)) == (slice(17, 25), slice(17, 25))  # 3 + 1 + 2 * 2 pixels


def test_the_strongest_images_and_crops_hold_what_was_planted():
    filters = tf.constant(np.ones((3, 3, 1, 1), np.float32))
    model = lambda x: tf.reduce_sum(tf.nn.relu(tf.nn.conv2d(x, filters, 1, "SAME") - 5), [1, 2])  # noqa: E731
    x = np.zeros((5, 9, 9, 1), np.float32)
    x[3, 4:7, 1:4], x[1, 2:5, 5:8] = 1.0, 0.8
    best, places = explain.strongest(model, x, 0, 0, count=2)
    assert best.tolist() == [3, 1] and places.tolist() == [[5, 2], [3, 6]]
    for crop, value in zip(explain.crops(model, x, 0, 0, count=2), (1.0, 0.8)):
        assert crop.shape == (3, 3, 1) and np.allclose(crop, value)
    found = explain.unit_gradient(model, x[3:4], 0, 0, relu.guided)[0, ..., 0]
    assert found.sum() == 9 and np.all(found[4:7, 1:4] == 1)


def test_a_shift_by_whole_pixels_moves_the_features_by_as_many():
    filters = tf.constant(RANDOM.uniform(0.5, 1, (1, 1, 1, 2)).astype(np.float32))
    model = lambda x: tf.reduce_max(tf.nn.relu(tf.nn.conv2d(x, filters, 1, "SAME")), [1, 2])  # noqa: E731
    x = np.zeros((2, 9, 9, 1), np.float32)
    x[:, 3:6, 3:6] = RANDOM.uniform(0.5, 1, (2, 3, 3, 1))
    p, distances = explain.response(model, x, np.array([0, 1]), "shift", [0, 2], layers=[0])
    before = explain.activations(model, x)[0].after.numpy()
    apart = np.linalg.norm((before[0] - before[1]).ravel())
    moved = [np.linalg.norm((one - np.roll(one, 2, axis=1)).ravel()) / apart for one in before]
    np.testing.assert_allclose(distances[0], [[0, 0], moved], rtol=1e-4)
    np.testing.assert_allclose(p[0], p[1], atol=1e-6)
    with pytest.raises(ValueError, match="shear"):
        explain.response(model, x, np.array([0, 1]), "shear", [0])


# Preferred images

def test_the_preferred_image_of_a_linear_class_is_white_where_its_weight_is_positive():
    grey = np.full((2, 6, 6, 1), 0.5, np.float32)
    found = explain.visualise(explain.of_class(linear, np.array([0, 2])), grey, steps=60)
    np.testing.assert_array_equal(found, (W[..., [0, 2]].transpose(3, 0, 1, 2) > 0).astype(np.float32))


def test_decay_and_variation_hold_the_image_back():
    grey = np.full((1, 6, 6, 1), 0.5, np.float32)
    objective = explain.of_class(linear, np.array([0]))
    decayed = explain.visualise(objective, grey, steps=150, learning_rate=0.02, decay=200.0)
    np.testing.assert_allclose(decayed[0], np.clip(0.5 + W[..., 0] * 36 / 400, 0, 1), atol=0.02)  # w = 2 decay (x - .5) / 36
    free, smooth = (explain.visualise(objective, grey, steps=100, variation=weight) for weight in (0.0, 60.0))
    assert np.abs(np.diff(smooth, axis=1)).mean() < 0.5 * np.abs(np.diff(free, axis=1)).mean()


def test_clipping_sets_the_share_nearest_to_grey_to_grey():
    found = explain.visualise(explain.of_class(linear, np.array([0])), X[:1], steps=1, clip=0.5)
    assert np.sum(found == 0.5) == 18


def test_fourier_starts_at_the_start_and_raises_the_objective():
    objective = explain.of_class(two_layers, Y)
    np.testing.assert_allclose(explain.visualise(objective, X, steps=0, fourier=True), X, atol=1e-4)
    found = explain.visualise(objective, X, steps=30, fourier=True, learning_rate=0.2)
    assert np.all(objective(found).numpy() > objective(X).numpy()) and found.min() >= 0 and found.max() <= 1


def test_a_unit_that_is_silent_has_an_objective_with_a_gradient(detector):
    silent = np.zeros((1, 48, 48, 1), np.float32)
    objective = explain.of_unit(detector, 2, np.array([5]))
    assert objective(explain.visualise(objective, silent + 0.5, steps=10, jitter=1)).numpy() > objective(silent + 0.5).numpy()
    with pytest.raises(ValueError, match="0 to 1"):
        explain.visualise(objective, silent - 1)


# Measures

def corner(x):
    """Label 1 as far as the upper left quarter has contrast."""
    part = tf.convert_to_tensor(x)[:, :12, :12, 0]
    return 20 * tf.stack([tf.zeros(len(x)), tf.math.reduce_std(part, [1, 2]) - 0.1], 1)


def test_the_map_of_the_cause_wins_at_deletion_and_insertion():
    x = RANDOM.uniform(size=(5, 24, 24, 1)).astype(np.float32)
    y = np.ones(5, int)
    right, wrong = np.zeros((2, 5, 24, 24))
    right[:, :12, :12], wrong[:, 12:, 12:] = 1, 1
    for insertion, better in ((False, -1), (True, 1)):
        curves = [explain.deletion(corner, x, y, maps, insertion=insertion)
                  for maps in (right, wrong, explain.random_maps((5, 24, 24)))]
        best, worst, random = (explain.area(one) for one in curves)
        assert np.all(better * (best - worst) > 0.2) and np.all(better * (best - random) > 0)
        ends = [scores.class_scores(corner, images, y, explain.probability) for images in (x, filling(x, "blur", 8))]
        for one in curves:
            np.testing.assert_allclose(one[:, [-1, 0] if insertion else [0, -1]].T, ends, atol=1e-5)
    with pytest.raises(ValueError, match="one number for each pixel"):
        explain.deletion(corner, x, y, x)


def test_area_bootstrap_and_pointing():
    np.testing.assert_allclose(explain.area(np.array([[1.0, 1, 1], [0, 0.5, 1], [1, 0, 0]])), [1, 0.5, 0.25])
    values = RANDOM.normal(3, 2, 400)
    mean, low, high = explain.bootstrap(values)
    assert mean == pytest.approx(values.mean()) and low < mean < high
    assert high - low == pytest.approx(2 * 1.96 * values.std() / 20, rel=0.1)
    maps, masks = np.zeros((2, 4, 4)), np.zeros((2, 4, 4), bool)
    maps[:, 1, 2], masks[0, 1, 2], masks[1, 2, 1] = 1, True, True
    assert explain.pointing(maps, masks).tolist() == [True, False]


def test_edges_are_the_gradient_of_each_image_alone():
    found = explain.edges(X)
    padded = np.pad(X[..., 0], ((0, 0), (1, 1), (1, 1)), "symmetric")
    down = padded[:, 2:] - padded[:, :-2]
    across = padded[:, :, 2:] - padded[:, :, :-2]
    down, across = down[:, :, :-2] + 2 * down[:, :, 1:-1] + down[:, :, 2:], across[:, :-2] + 2 * across[:, 1:-1] + across[:, 2:]
    np.testing.assert_allclose(found, np.hypot(down, across), atol=1e-5)
    np.testing.assert_allclose(explain.edges(X[:1]), found[:1], atol=1e-6)


def test_a_model_with_new_weights_has_other_maps_and_gets_its_own_back(detector, faces):
    x, y, _ = faces
    before = [variable.numpy() for variable in detector.variables]
    ssim, ranks = explain.cascade(detector, lambda: explain.per_pixel(explain.saliency(detector, x[:2], y[:2])))
    still, _ = explain.cascade(detector, lambda: explain.edges(x[:2]))
    assert ssim.shape == ranks.shape == (5, 2)
    assert np.allclose(ssim[0], 1) and np.allclose(ranks[0], 1) and np.allclose(still, 1)
    assert np.all(ssim[-1] < 0.9) and np.all(ranks[-1] < 0.9)
    assert all(np.array_equal(old, variable) for old, variable in zip(before, detector.variables))
    with explain.randomised(detector, 1):
        changed = [not np.array_equal(old, variable) for old, variable in zip(before, detector.variables)]
    kernels = [len(variable.shape) > 1 for variable in detector.variables]
    assert sum(changed) == 1 and changed.index(True) == [k for k, kernel in enumerate(kernels) if kernel][-1]
    with pytest.raises(ValueError, match="4 layers"), explain.randomised(detector, 5):
        pass


def test_a_manipulated_image_keeps_its_answer_and_changes_its_map(detector, faces):
    x, y, _ = faces
    maps = explain.per_pixel(explain.saliency(detector, x[:2], y[:2]))
    found = explain.manipulate(detector, x[:1], y[:1], maps[1:], steps=30)
    assert np.abs(found - x[:1]).max() <= 8 / 255 + 1e-6 and found.min() >= 0 and found.max() <= 1
    np.testing.assert_allclose(detector(found), detector(x[:1]), atol=1)
    after = explain.per_pixel(explain.saliency(detector, found, y[:1]))[0]
    alike = [np.corrcoef(one.ravel(), maps[1].ravel())[0, 1] for one in (maps[0], after)]
    assert alike[1] > alike[0] + 0.05
    with pytest.raises(ValueError, match="one number for each pixel"):
        explain.manipulate(detector, x[:1], y[:1], maps)


def test_what_a_factor_drew_is_where_the_renderer_changed_the_picture(detector):
    x, y, factors = rendered_faces(40, seed=5)
    mask, without = explain.drawn_by(factors, beard=0, moustache=0)
    bearded = factors["beard"] >= 2
    assert mask[bearded].any((1, 2)).all() and not mask[(factors["beard"] == 0) & (factors["moustache"] == 0)].any()
    np.testing.assert_array_equal(mask, (np.abs(x - without) >= 0.05)[..., 0])
    falls, masks = explain.exchanged(detector, factors)
    assert falls.shape == (5, 40) and masks.shape == (5, 40, 48, 48)
    assert falls.mean() > 0  # faces drawn a little more like the other label
    assert np.all(falls[~masks.any((2, 3))] < 1)
    with pytest.raises(ValueError, match="'wig'"):
        explain.drawn_by(factors, wig=1)


# Figures

def test_the_explorer_covers_what_its_sliders_say_and_says_the_probability(detector, faces):
    x, y, _ = faces
    box = explain_explorer.explorer(detector, x, y, ("man", "woman"))
    box.image.value, box.row.value, box.column.value, box.side.value, box.fill.value = 2, 20, 30, 5, "grey"
    expected = x[2].copy()
    expected[18:23, 28:33] = 0.5
    np.testing.assert_array_equal(box.covered(), expected)
    p = tf.nn.softmax(detector(expected[None])).numpy()[0, y[2]]
    assert f"{('man', 'woman')[y[2]]}: {100 * p:.1f} %" in box.note.value
    for method in explain_explorer.METHODS:
        box.method.value = method
        assert box.map().shape == (48, 48) and box.map().max() == pytest.approx(1) and box.map().min() >= 0
    assert bytes(box.pictures.value).startswith(b"\x89PNG") and "JupyterLab" in box._repr_mimebundle_()["text/plain"]


def test_heat_can_be_shown(faces):
    x, _, _ = faces
    fig = plot.heat(x[:2], {"a": x[:2, ..., 0] - 0.5, "b": x[:2, ..., 0]}, title="t", rows=["1", "2"], masks=x[:2, ..., 0] > 0.8)
    assert fig.axes[1].images[0].get_clim() == pytest.approx((-np.abs(x[0] - 0.5).max(), np.abs(x[0] - 0.5).max()))
    fig.draw_without_rendering()
    plot.show(fig, alt="A figure.")
