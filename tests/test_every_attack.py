"""Every attack on one table: grey and colour, true labels and wanted ones, 1, 2 and 7 images, against the exact optimum.

Grey images with true labels and colour images with wanted ones: compiling an attack for the other two pairs too takes twice as
long, and no attack looks at both at once.
"""
from importlib import import_module

import numpy as np
import pytest

import test_attack_gradient
import test_attack_place
import test_attack_sparse
from optimum import optimum
from utils import attacks
from utils.attacks import inputs
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
SIZES = (1, 2, 7)
CLASSES = 3
# The penalty of Linf pulls at the largest value only: rounding decides at which of two equal ones, in another batch otherwise.
BY_ROUNDING = "dx Linf"


def model_of(shape: tuple[int, int, int]):
    """A linear model of three classes on images of a shape, with its kernel and bias, balanced for grey images."""
    kernel = np.random.default_rng(3).normal(size=[np.prod(shape), CLASSES]).astype(np.float32)
    bias = (-0.5 * kernel.sum(0)).astype(np.float32)
    return lambda x: tf.reshape(x, [tf.shape(x)[0], len(kernel)]) @ tf.constant(kernel) + bias, kernel, bias


@pytest.fixture(scope="module", params=[((6, 6, 1), False), ((5, 7, 3), True)], ids=["grey", "colour targeted"])
def case(request):
    """Seven images, the first black and white so that half of all directions are closed, and their exact optima by norm."""
    shape, targeted = request.param
    model, kernel, bias = model_of(shape)
    x = np.random.default_rng(7).uniform(0.35, 0.65, [SIZES[-1], *shape]).astype(np.float32)
    x[0] = np.round(x[0])
    x = attacks.round_to_8bit(x)
    said = np.asarray(model(tf.constant(x))).argmax(1)
    labels = (said + 1) % CLASSES if targeted else said
    exact = {norm: np.array([optimum(kernel, bias, image, label, norm, targeted) for image, label in zip(x, labels)])
             for norm in ("L0", "L1", "L2", "Linf")}
    return model, x, labels, targeted, exact


@pytest.fixture
def small_chunks(monkeypatch):
    """Batches of at most four images, so that seven are two of them."""
    monkeypatch.setattr(inputs, "CHUNK", 4)


@pytest.mark.parametrize("attack", ROWS)
def test_every_attack(case, attack, small_chunks):
    model, x, labels, targeted, exact = case
    results = {}
    for n in SIZES:
        given = x[:n].copy(), labels[:n].copy()
        for array in given:
            array.flags.writeable = False  # a write raises an error
        results[n] = found = ROWS[attack](model, *given, targeted)
        assert found.dx.shape == found.modified.shape == (n, *x.shape[1:]) and found.success.shape == (n,)
        assert found.dx.dtype == found.modified.dtype == np.float32 and found.success.dtype == bool
        assert found.modified.min() >= 0 and found.modified.max() <= 1
        np.testing.assert_array_equal(found.modified, np.float32(x[:n] + found.dx))
        says_label = np.asarray(model(tf.constant(found.modified))).argmax(1) == labels[:n]
        np.testing.assert_array_equal(found.success, says_label if targeted else ~says_label)
        flat = found.dx.reshape(n, -1)
        for norm, order in {"L0": 0, "L1": 1, "L2": 2, "Linf": np.inf}.items():
            np.testing.assert_allclose(found.norms[norm], np.linalg.norm(flat, order, axis=1), rtol=1e-5, err_msg=norm)
            shorter = found.norms[norm][found.success] / exact[norm][:n][found.success]
            assert np.all(shorter >= 1 - 1e-3), f"{norm}: shorter than the exact optimum, {shorter}"
    before, after = (attacks.margin(model(tf.constant(images)), labels, targeted) for images in (x, found.modified))
    assert np.all(after <= before), "further from what the attacker wants"
    every = results[SIZES[-1]]
    for n in SIZES[:-1]:  # the batch an image is in changes nothing
        if attack == BY_ROUNDING:  # but at the edges of the box, where all values are equal
            np.testing.assert_array_equal(results[n].success[1:], every.success[1:n])
            np.testing.assert_allclose(results[n].norms["Linf"][1:], every.norms["Linf"][1:n], rtol=0.1)
            continue
        np.testing.assert_array_equal(results[n].success, every.success[:n])
        np.testing.assert_allclose(results[n].dx, every.dx[:n], atol=1e-3)
        for norm in ("L1", "L2", "Linf"):
            np.testing.assert_allclose(results[n].norms[norm], every.norms[norm][:n], rtol=0.02, atol=1e-4)
    name, _, norm = attack.partition(" ")
    if name == "minimal":
        assert every.success.all()
        np.testing.assert_array_less(every.norms[norm], 1.01 * exact[norm] + 1e-6)
    if attack == "dx L2":
        assert every.success.all() and np.median(every.norms["L2"] / exact["L2"]) < 1.2


@pytest.mark.parametrize("attack", [row for row in ROWS if not row.startswith(("fgsm", "8 bit"))])
def test_an_image_that_fools_the_model_already_stays_as_it_is(attack):
    model, *_ = model_of((6, 6, 1))
    x = np.random.default_rng(8).uniform(0.35, 0.65, [3, 6, 6, 1]).astype(np.float32)
    labels = np.asarray(model(tf.constant(x))).argmax(1)
    labels[1] = (labels[1] + 1) % CLASSES  # the model says something else
    found = ROWS[attack](model, x, labels, False)
    assert found.success[1] and not found.dx[1].any()


@pytest.mark.parametrize("options, words", [({"norm": "L3"}, "'L0', 'L1', 'L2', 'Linf'"), ({"steps": 0}, "steps is 0"),
                                            ({"classes": 0}, "classes 0")])
def test_minimal_refuses_what_cannot_be_meant(options, words):
    model, *_ = model_of((6, 6, 1))
    with pytest.raises(ValueError, match=words):
        attacks.minimal(model, np.full([1, 6, 6, 1], 0.5, np.float32), np.array([0]), **options)


@pytest.mark.parametrize("norm", ["L1", "L2", "Linf"])
def test_minimal_finds_a_boundary_that_no_gradient_shows_on_the_way_from_the_image(norm, monkeypatch):
    """One boundary, x1 = .9, lies in the direction of the gradient at (.5, .5); a nearer one, x2 = .6, is steep behind it only."""
    def model(x):
        first, second = tf.unstack(tf.reshape(x, [-1, 2]), axis=1)
        return tf.stack([tf.zeros_like(first), tf.maximum(first - 0.9, 20 * (second - 0.6))], 1)
    x, labels = np.full([1, 1, 2, 1], 0.5, np.float32), np.array([0])
    assert attacks.minimal(model, x, labels, norm=norm).norms[norm] == pytest.approx([0.1], rel=0.01)
    monkeypatch.setattr(import_module("utils.attacks.minimal"), "SEARCHES", 1)  # from the image only
    assert attacks.minimal(model, x, labels, norm=norm).norms[norm] == pytest.approx([0.4], rel=0.01)
