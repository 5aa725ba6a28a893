"""The ImageNet network: the checked answers on real photographs, and nothing at all where there are no weights."""
import os
import subprocess
import sys

import numpy as np
import pytest

from utils import attacks, pretrained
from utils.quiet import tf

CHECKED = {"chickadee": 0.98, "Egyptian cat": 0.69, "daisy": 0.95, "dragonfly": 0.96, "macaw": 0.94, "hotdog": 0.70}

OFFLINE = dict.fromkeys(("http_proxy", "https_proxy"), "http://127.0.0.1:9")  # nothing answers there


def in_a_fresh_home(home, code: str, **variables) -> subprocess.CompletedProcess:
    kept = {name: value for name, value in os.environ.items() if name not in ("COURSE_DATA", "KERAS_HOME")}
    return subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", timeout=300,
                          env=kept | {"HOME": str(home), "USERPROFILE": str(home)} | variables)


def test_checked_probabilities_and_a_targeted_dx(real_data):
    network, names = pretrained.imagenet()
    photographs = pretrained.photographs()
    assert len(names) == 1000 and photographs.keys() == CHECKED.keys()
    logits = network(np.stack(list(photographs.values())))
    for name, p in zip(photographs, tf.nn.softmax(logits).numpy()):
        assert names[p.argmax()] == name and p.max() == pytest.approx(CHECKED[name], abs=0.03)

    daisy, goldfish = photographs["daisy"][None], names.index("goldfish")
    found = attacks.dx_attack(network, daisy, np.array([goldfish]), targeted=True, steps=60)
    assert found.success.all() and int(np.argmax(network(found.modified))) == goldfish
    assert found.norms["Linf"][0] < 0.1
    assert 255 * np.sqrt(np.mean(found.dx**2)) < 2  # grey levels


def test_a_damaged_file_is_named(tmp_path, monkeypatch):
    (tmp_path / "imagenet").mkdir()
    (tmp_path / "imagenet" / "mobilenet_v2_224_int8.npz").write_bytes(b"PK\x03\x04 half a file")
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    with pytest.raises(ValueError, match="mobilenet_v2_224_int8.npz in COURSE_DATA is damaged"):
        pretrained.imagenet()


def test_photographs_without_real_data():
    for photo in pretrained.photographs().values():
        assert photo.shape == (224, 224, 3) and photo.dtype == np.float32
        assert np.abs(photo - attacks.round_to_8bit(photo)).max() < 1e-6 and photo.min() >= 0 and photo.max() > 0.8


def test_none_and_silent_without_weights_and_network(tmp_path):
    code = "from utils import pretrained\nassert pretrained.imagenet() is None\nassert pretrained.imagenet(download=True) is None"
    run = in_a_fresh_home(tmp_path, code, **OFFLINE)
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")


def test_a_damaged_cache_gives_none(tmp_path):
    cache = tmp_path / ".keras" / "models"
    cache.mkdir(parents=True)
    for file in pretrained.IN_CACHE:
        (cache / file).write_bytes(b"half a file")
    run = in_a_fresh_home(tmp_path, "from utils import pretrained\nassert pretrained.imagenet() is None", **OFFLINE)
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")


def test_the_complete_model_takes_images_from_0_to_1():
    network = tf.keras.applications.MobileNetV2(weights=None, classifier_activation=None)
    images = np.random.default_rng(0).random([2, 224, 224, 3]).astype(np.float32)
    np.testing.assert_allclose(pretrained._complete(network)(images), network(2 * images - 1), atol=1e-4)
