"""Every attack on one table: grey and colour, true labels and wanted ones, 1, 2 and 7 images, against the exact optimum.

What is slow is to compile an attack. So one model takes images of both shapes, and the first two calls differ in all that a shape
can differ in: TensorFlow then compiles for any shape, and no third time.
"""
from collections.abc import Iterator
from functools import cache, partial
from importlib import import_module
from itertools import product
from typing import NamedTuple

import numpy as np
import pytest

import test_attack_gradient
import test_attack_place
import test_attack_sparse
from optimum import optimum
from utils import attacks
from utils.attacks import inputs
from utils.attacks.descent import CLEAR
from utils.attacks.losses import margin
from utils.quiet import tf

ROWS = {
    f"dx {norm}": lambda model, x, labels, targeted, norm=norm, rate=rate: attacks.dx_attack(
        model, x, labels, targeted=targeted, norm=norm, steps=60, learning_rate=rate)
    for norm, rate in {"L1": 0.02, "L2": 0.02, "Linf": 0.01}.items()
} | {
    f"minimal {norm}": lambda model, x, labels, targeted, norm=norm: attacks.minimal(
        model, x, labels, targeted=targeted, norm=norm)
    for norm in ("L0", "L1", "L2", "Linf")
} | {
    "8 bit": lambda model, x, labels, targeted: attacks.smallest_8bit(model, x, labels, attacks.fgsm(
        model, x, labels, epsilon=0.02, targeted=targeted).dx, targeted=targeted),
} | test_attack_gradient.ROWS | test_attack_sparse.ROWS | test_attack_place.ROWS
SHAPES = {"grey": (6, 6, 1), "colour": (5, 7, 3)}
SIZES = (1, 2, 7)
CLASSES = 3
# The penalty of Linf pulls at the largest value only: rounding decides at which of two equal ones, in another batch otherwise.
BY_ROUNDING = "dx Linf"
KERNEL = tf.constant(np.random.default_rng(3).normal(size=[5 * 7 * 3, CLASSES]), tf.float32)


def linear(x: tf.Tensor) -> tf.Tensor:
    """Logits [N, 3] for images of any of SHAPES, linear, and balanced for grey images."""
    values = tf.reshape(x, [tf.shape(x)[0], tf.size(x[0])])
    return (values - 0.5) @ KERNEL[:tf.size(x[0])]


class Case(NamedTuple):
    """Seven images, the first black and white so that half of all directions are closed, and their exact optima by norm."""

    x: np.ndarray
    labels: np.ndarray
    exact: dict[str, np.ndarray]


@cache
def case(shape: tuple[int, int, int], targeted: bool) -> Case:
    kernel = KERNEL.numpy()[:np.prod(shape)]
    x = np.random.default_rng(7).uniform(0.35, 0.65, [SIZES[-1], *shape]).astype(np.float32)
    x[0] = np.round(x[0])
    x = attacks.round_to_8bit(x)
    said = linear(x).numpy().argmax(1)
    labels = (said + 1) % CLASSES if targeted else said
    exact = {norm: np.array([optimum(kernel, -0.5 * kernel.sum(0), image, label, norm, targeted)
                             for image, label in zip(x, labels)]) for norm in ("L0", "L1", "L2", "Linf")}
    return Case(x, labels, exact)


@pytest.fixture
def small_chunks(monkeypatch):
    """Batches of at most four images, so that seven are two of them."""
    monkeypatch.setattr(inputs, "CHUNK", 4)


@pytest.fixture
def not_compiled() -> Iterator[None]:
    """For what runs a few steps only, which takes less time than to compile them."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


def in_order() -> list[tuple[tuple[int, int, int], int]]:
    """Each shape with each number of images, so that only the first two are compiled: two of one shape, seven of the other."""
    first = [(SHAPES["colour"], 2), (SHAPES["grey"], 7)]
    return first + [one for one in product(SHAPES.values(), SIZES) if one not in first]


@pytest.mark.parametrize("targeted", [False, True], ids=["true labels", "wanted labels"])
@pytest.mark.parametrize("attack", ROWS)
def test_every_attack(attack, targeted, small_chunks):
    results = {(shape, n): checked(attack, shape, n, targeted) for shape, n in in_order()}
    for shape in SHAPES.values():
        compare_batches(attack, {n: results[shape, n] for n in SIZES})
        name, _, norm = attack.partition(" ")
        every, exact = results[shape, SIZES[-1]], case(shape, targeted).exact
        if name == "minimal":
            assert every.success.all()
            np.testing.assert_array_less(every.norms[norm], 1.01 * exact[norm] + 1e-6)
        if attack == "dx L2":
            assert every.success.all() and np.median(every.norms["L2"] / exact["L2"]) < 1.2


def checked(attack: str, shape: tuple[int, int, int], n: int, targeted: bool) -> attacks.Result:
    """What the attack gives for n images, after all that holds for each attack."""
    x, labels, exact = (part[:n] if isinstance(part, np.ndarray) else part for part in case(shape, targeted))
    given = x.copy(), labels.copy()
    for array in given:
        array.flags.writeable = False  # a write raises an error
    found = ROWS[attack](linear, *given, targeted)
    assert found.dx.shape == found.modified.shape == (n, *shape) and found.success.shape == (n,)
    assert found.dx.dtype == found.modified.dtype == np.float32 and found.success.dtype == bool
    assert found.modified.min() >= 0 and found.modified.max() <= 1
    np.testing.assert_array_equal(found.modified, np.float32(x + found.dx))
    says_label = linear(found.modified).numpy().argmax(1) == labels
    np.testing.assert_array_equal(found.success, says_label if targeted else ~says_label)
    for norm, order in {"L0": 0, "L1": 1, "L2": 2, "Linf": np.inf}.items():
        length = np.linalg.norm(found.dx.reshape(n, -1), order, axis=1)
        np.testing.assert_allclose(found.norms[norm], length, rtol=1e-5, err_msg=norm)
        shorter = found.norms[norm][found.success] / exact[norm][:n][found.success]
        assert np.all(shorter >= 1 - 1e-3), f"{norm}: shorter than the exact optimum, {shorter}"
    before, after = (attacks.margin(linear(images), labels, targeted) for images in (x, found.modified))
    assert np.all(after <= before), "further from what the attacker wants"
    return found


def compare_batches(attack: str, results: dict[int, attacks.Result]) -> None:
    """The batch an image is in changes nothing."""
    every = results[SIZES[-1]]
    for n in SIZES[:-1]:
        if attack == BY_ROUNDING:  # but at the edges of the box, where all values are equal
            np.testing.assert_array_equal(results[n].success[1:], every.success[1:n])
            np.testing.assert_allclose(results[n].norms["Linf"][1:], every.norms["Linf"][1:n], rtol=0.1)
            continue
        np.testing.assert_array_equal(results[n].success, every.success[:n])
        np.testing.assert_allclose(results[n].dx, every.dx[:n], atol=1e-3)
        for norm in ("L1", "L2", "Linf"):
            np.testing.assert_allclose(results[n].norms[norm], every.norms[norm][:n], rtol=0.02, atol=1e-4)


@pytest.mark.parametrize("targeted", [False, True], ids=["true labels", "wanted labels"])
@pytest.mark.parametrize("attack", ROWS)
def test_an_image_that_fools_the_model_already_stays_as_it_is(attack, targeted, small_chunks):
    """The second of three: the model says another class than the true one, or the wanted one."""
    x, labels, _ = (part[1:4] if isinstance(part, np.ndarray) else part for part in case(SHAPES["grey"], targeted))
    labels = labels.copy()
    labels[1] = (labels[1] + (2 if targeted else 1)) % CLASSES
    found = ROWS[attack](linear, x, labels, targeted)
    assert found.success[1] and not found.dx[1].any() and found.dx[[0, 2]].any()


# What gives one answer for a set of images, or needs no image or no label ------------------------------------------------

W = tf.constant(np.random.default_rng(5).normal(0, 0.1, 5 * 7 * 3), tf.float32)


def weights(shape: tuple[int, int, int]) -> np.ndarray:
    return W.numpy()[:np.prod(shape)].reshape(shape)


def two_classes(x: tf.Tensor) -> tf.Tensor:
    """Logits (0, w . (x - .5)) for images of any of SHAPES."""
    f = tf.linalg.matvec(tf.reshape(x, [tf.shape(x)[0], tf.size(x[0])]) - 0.5, W[:tf.size(x[0])])
    return tf.stack([tf.zeros_like(f), f], 1)


def whole_patch(model, x, labels, targeted, steps=60):
    """What `patch` makes of images that it covers whole: each becomes the patch."""
    made = attacks.patch(model, x, labels, targeted=targeted, mask=np.ones([*x.shape[1:3], 1]), angle=0.0, zoom=1.0, steps=steps)
    return np.broadcast_to(made.image, x.shape)


# attack: (model, x, labels, targeted) -> images [N, H, W, C]; and what they are in closed form, of x, w and `up`, which is 1
# where a value shall go up and -1 where it shall go down
SETS = {
    "universal Linf": (lambda *given: attacks.universal(*given[:3], epsilon=0.1, targeted=given[3]).modified,
                       lambda x, w, up: x + 0.1 * up),
    "universal L2": (lambda *given: attacks.universal(*given[:3], epsilon=0.5, norm="L2", targeted=given[3]).modified,
                     lambda x, w, up: x + 0.5 * up * np.abs(w) / np.linalg.norm(w)),
    "patch": (whole_patch, lambda x, w, up: np.broadcast_to((up + 1) / 2, x.shape)),
    "fooling_gradient": (lambda model, x, labels, targeted: attacks.fooling_gradient(
        model, x.shape[1:], labels if targeted else 1 - labels, penalty=0.0, steps=60).images,
        lambda x, w, up: np.broadcast_to((up + 1) / 2, x.shape)),
    "step_ll": (lambda model, x, labels, targeted: attacks.step_ll(model, x, epsilon=0.02).modified,
                lambda x, w, up: x - 0.02 * np.sign(w) * np.sign(((x - 0.5) * w).sum((1, 2, 3), keepdims=True))),
}


@pytest.mark.parametrize("targeted", [False, True], ids=["true labels", "wanted labels"])
@pytest.mark.parametrize("attack", SETS)
def test_every_attack_of_a_set(attack, targeted, small_chunks):
    """On a linear model each value goes by the sign of its weight, to the edge of the box where nothing else holds it."""
    run, exact = SETS[attack]
    for shape, n in in_order():
        x, w = np.random.default_rng(7).uniform(0.35, 0.65, [n, *shape]).astype(np.float32), weights(shape)
        above = 2 * np.sum(two_classes(x)[:, 1] > 0) > n  # most images are of class 1: a label of the other is wanted
        label = int(above != targeted)
        found = run(two_classes, x, np.full(n, label), targeted)
        assert found.shape == (n, *shape) and found.dtype == np.float32 and found.min() >= 0 and found.max() <= 1
        np.testing.assert_allclose(found, exact(x, w, np.sign(w) * (1 if label == targeted else -1)), atol=2e-3)


@pytest.mark.parametrize("encoding", ["direct", "cppn"])
def test_no_evolved_image_is_beyond_the_optimum(encoding):
    """On a linear model no image of the box has a higher logit than sum |w| / 2; the first one, grey, has 0."""
    for shape in SHAPES.values():
        labels = np.arange(7) % 2
        found = attacks.fooling_evolution(two_classes, shape, labels, encoding=encoding, generations=20, population=40)
        assert found.images.shape == (7, *shape) and found.images.min() >= 0 and found.images.max() <= 1
        p = tf.nn.softmax(two_classes(found.images)).numpy()[range(7), labels]
        np.testing.assert_allclose(found.confidence, p, atol=1e-5)
        assert np.all(p <= 1 / (1 + np.exp(-np.abs(weights(shape)).sum() / 2)) + 1e-5) and p.min() > 0.6


# What holds for several --------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("run", [*(partial(attacks.minimal, norm=norm, steps=2) for norm in ("L0", "L1", "L2", "Linf")),
                                 partial(whole_patch, targeted=False, steps=2),
                                 lambda model, x, labels: attacks.fooling_gradient(model, x.shape[1:], 1 - labels, steps=2)],
                         ids=["L0", "L1", "L2", "Linf", "patch", "fooling_gradient"])
def test_no_gradient_is_reported(run, not_compiled):
    """Three bright images, and a model that says "bright" or "dark" and has no slope in between."""
    def flat(x):
        f = 3 * tf.sign(tf.reduce_mean(x, [1, 2, 3]) - 0.3)
        return tf.stack([tf.zeros_like(f), f], 1)
    x = np.random.default_rng(8).uniform(0.7, 1, [3, *SHAPES["grey"]]).astype(np.float32)
    with pytest.warns(UserWarning, match="failed on 3 of 3 images where the gradient"):
        run(flat, x, np.ones(3, int))


def test_of_large_images_few_are_in_a_batch(monkeypatch, not_compiled):
    """By CHUNK_VALUES. The evolution gives the model its children in several parts, and ends at the same images."""
    shape, seen, sizes, evolved = SHAPES["grey"], [], {}, {}

    def watched(x):
        seen.append(len(x))
        return two_classes(x)
    x = np.random.default_rng(7).uniform(0.35, 0.65, [7, *shape]).astype(np.float32)
    for most in (7, 3):
        monkeypatch.setattr(inputs, "CHUNK_VALUES", most * x[0].size)
        seen.clear()
        attacks.universal(watched, x, np.zeros(7, int), epsilon=0.1, steps=2)
        whole_patch(watched, x, np.zeros(7, int), False, steps=2)
        evolved[most] = attacks.fooling_evolution(watched, shape, np.array([0, 1]), generations=3, population=7).images
        sizes[most] = max(seen)
    assert sizes == {7: 7, 3: 3}
    np.testing.assert_allclose(evolved[3], evolved[7], atol=1e-6)


def test_a_bar_over_the_parts_of_many_images(small_chunks, monkeypatch, capsys, not_compiled):
    monkeypatch.setattr(inputs, "tqdm", partial(inputs.tqdm, disable=False))
    x = case(SHAPES["grey"], False).x
    attacks.fgsm(linear, x[:4], np.zeros(4, int), epsilon=0.1)
    assert "images" not in capsys.readouterr().err
    attacks.fgsm(linear, x, np.zeros(7, int), epsilon=0.1)
    assert "images" in (shown := capsys.readouterr().err) and "/2" in shown


@pytest.mark.parametrize("options, words", [({"norm": "L3"}, "'L0', 'L1', 'L2', 'Linf'"), ({"steps": 0}, "steps is 0"),
                                            ({"classes": 0}, "classes 0")])
def test_minimal_refuses_what_cannot_be_meant(options, words):
    with pytest.raises(ValueError, match=words):
        attacks.minimal(linear, np.full([1, 6, 6, 1], 0.5, np.float32), np.array([0]), **options)


@pytest.mark.parametrize("norm", ["L1", "L2", "Linf"])
def test_minimal_finds_a_boundary_that_no_gradient_shows_on_the_way_from_the_image(norm, monkeypatch):
    """One boundary, x1 = .9, lies in the direction of the gradient at (.5, .5); a nearer one, x2 = .6,
    is steep behind it only.
    """
    def model(x):
        first, second = tf.unstack(tf.reshape(x, [-1, 2]), axis=1)
        return tf.stack([tf.zeros_like(first), tf.maximum(first - 0.9, 20 * (second - 0.6))], 1)
    x, labels = np.full([1, 1, 2, 1], 0.5, np.float32), np.array([0])
    assert attacks.minimal(model, x, labels, norm=norm).norms[norm] == pytest.approx([0.1], rel=0.01)
    monkeypatch.setattr(import_module("utils.attacks.minimal"), "SEARCHES", 1)  # from the image only
    assert attacks.minimal(model, x, labels, norm=norm).norms[norm] == pytest.approx([0.4], rel=0.01)


@pytest.mark.parametrize("norm", ["L0", "L1", "L2", "Linf"])
def test_one_step_is_no_error(norm):
    w = np.random.default_rng(0).normal(size=[16, 3]).astype(np.float32)
    x = np.random.default_rng(1).uniform(0.3, 0.7, [4, 4, 4, 1]).astype(np.float32)
    found = attacks.minimal(lambda images: tf.reshape(images - 0.5, [-1, 16]) @ w, x, np.zeros(4, np.int64), norm=norm, steps=1)
    assert found.dx.shape == x.shape and np.isfinite(found.dx).all()


@pytest.mark.parametrize("norm", ["L1", "L2", "Linf"])
def test_minimal_fools_by_more_than_rounding(norm):
    """By CLEAR times the margin without an attack; and by little more, so that dx is no longer than that takes."""
    random = np.random.default_rng(0)
    v, w = (random.normal(size=size).astype(np.float32) for size in ([16, 12], [12, 3]))
    x = random.uniform(0.2, 0.8, [20, 4, 4, 1]).astype(np.float32)

    def model(images):
        return tf.nn.relu(tf.reshape(images - 0.5, [-1, 16]) @ v) @ w
    labels = np.argmax(model(x), axis=1)
    found = attacks.minimal(model, x, labels, norm=norm)
    before, after = (margin(model(images), labels, False).numpy() for images in (x, found.modified))
    assert (after < -0.9 * CLEAR * before).all() and (after > -0.02 * before).all()
