"""The attack explorer, on its real widgets: what it shows is the image with the smallest DX of a model whose DX is known."""
import io

import numpy as np
import pytest
from PIL import Image

from utils.plot.attack_explorer import INSTEAD, explorer
from utils.quiet import tf

RANDOM = np.random.default_rng(0)
X = RANDOM.uniform(0.4, 0.6, (3, 6, 6, 1)).astype(np.float32)
WEIGHTS = RANDOM.normal(size=(36, 3)).astype(np.float32)
NAMES = ["a", "b", "c"]


def linear(images: tf.Tensor) -> tf.Tensor:
    return tf.reshape(images - 0.5, [-1, 36]) @ WEIGHTS


LABELS = linear(X).numpy().argmax(1)


@pytest.fixture(scope="module")
def box():
    return explorer(linear, X, LABELS, NAMES)


def shown(box) -> np.ndarray:
    """The three pictures on the screen, [3, 6, 6] in 0..255: each pixel is enlarged to the same square."""
    row = np.asarray(Image.open(io.BytesIO(box.pictures.value)), float)
    larger = row.shape[0] // 6
    return row[larger // 2::larger, larger // 2::larger].reshape(6, 3, 6).swapaxes(0, 1)


@pytest.mark.parametrize("norm, dual", [("L2", 2), ("Linf", 1)])
def test_epsilon_starts_at_the_boundary_of_the_wanted_class(box, norm, dual):
    wanted = (LABELS[1] + 1) % 3
    box.image.value, box.wanted.value, box.norm.value = 1, NAMES[wanted], norm
    logits = linear(X[1:2]).numpy()[0]
    others = [k for k in range(3) if k != wanted]
    least = max((logits[k] - logits[wanted]) / np.linalg.norm(WEIGHTS[:, k] - WEIGHTS[:, wanted], dual) for k in others)
    assert box.dx()[1] >= 0.999 * least  # the nearest point of each boundary is at least so far away
    assert box.epsilon.value == pytest.approx(box.dx()[1]) and box.epsilon.max == pytest.approx(2 * box.dx()[1])
    for share, answer in ((0, LABELS[1]), (0.9, LABELS[1]), (1.02, wanted)):
        box.epsilon.value = share * box.dx()[1]
        assert f"Read as {NAMES[answer]}." in box.note.value
        assert np.argmax([bar.value for bar in box.bars]) == answer
        assert sum(bar.value for bar in box.bars) == pytest.approx(1, abs=1e-5)


def test_the_three_pictures_are_original_modified_and_amplified(box):
    box.image.value, box.wanted.value, box.norm.value = 0, "any other", "L2"
    box.epsilon.value = 1.5 * box.dx()[1]
    dx = 1.5 * box.dx()[0][:, :, 0]
    original = X[0, :, :, 0]
    for picture, expected in zip(shown(box), (original, original + dx, np.clip(50 * np.abs(dx), 0, 1))):
        np.testing.assert_allclose(picture, 255 * expected, atol=0.51)


def test_epsilon_is_the_size_of_the_change_on_the_screen(box):
    box.image.value, box.wanted.value = 0, "any other"
    for norm, size in (("L1", lambda dx: np.abs(dx).sum()), ("L2", np.linalg.norm), ("Linf", lambda dx: np.abs(dx).max())):
        box.norm.value = norm
        box.epsilon.value = 0.4 * box.dx()[1]
        assert size((box.modified() - X[0]).ravel()) == pytest.approx(box.epsilon.value, rel=1e-4)
        assert f"{norm} of DX: {box.epsilon.value:.3g} " in box.note.value


def test_in_l0_epsilon_counts_the_largest_changes():
    slopes, grey = np.linspace(1, 1.2, 36, dtype=np.float32)[:, None], np.full([1, 6, 6, 1], 0.5, np.float32)

    def model(images):  # the margin is .9, and a pixel can lower it by .6 at most
        f = tf.reshape(images - 0.5, [-1, 36]) @ slopes + 0.9
        return tf.concat([f, 0 * f], 1)
    box = explorer(model, grey, np.array([0]), ["a", "b"])
    box.norm.value = "L0"
    dx, size, _ = box.dx()
    assert size == 2 and box.epsilon.value == box.epsilon.max == size
    np.testing.assert_allclose(box.modified(), grey[0] + dx, atol=1e-6)
    box.epsilon.value = 1
    left = box.modified() - grey[0]
    assert np.count_nonzero(left) == 1 and np.abs(left).max() == pytest.approx(np.abs(dx).max())
    assert "L0 of DX: 1 " in box.note.value and "Read as a." in box.note.value


def test_the_own_class_needs_no_dx(box):
    box.image.value, box.wanted.value = 2, NAMES[LABELS[2]]
    assert box.dx()[1] == 0 and not box.dx()[0].any() and not (box.modified() - X[2]).any()


def test_where_outputs_are_stored_only_a_sentence_is_put_out(box, monkeypatch):
    monkeypatch.setenv("TQDM_DISABLE", "1")
    assert box._repr_mimebundle_() == {"text/plain": INSTEAD}
    monkeypatch.delenv("TQDM_DISABLE")
    assert "application/vnd.jupyter.widget-view+json" in box._repr_mimebundle_()


def test_images_out_of_range_are_refused():
    with pytest.raises(ValueError, match="expected 0 to 1"):
        explorer(linear, 255 * X, LABELS, NAMES)
