"""The training loop: it learns, stops, resumes exactly after a kill, says what is wrong, exports."""
import io
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from skimage.data import astronaut
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from utils import augment, layers, networks, session, training
from utils.data import Dataset
from utils.layers import FullyConnected, flat
from utils.networks import Chain
from utils.quiet import tf


def stripes(train: int = 192) -> Dataset:
    """12x12 images with a vertical (0) or a horizontal (1) stripe in noise."""
    rng = np.random.default_rng(0)
    n = train + 128
    labels, places = rng.integers(0, 2, n), rng.integers(0, 12, n)
    images = rng.random([n, 12, 12, 1]) * 0.5
    for i in range(n):
        if labels[i]:
            images[i, places[i]] += 0.4
        else:
            images[i, :, places[i]] += 0.4
    x, y = (np.split(a, [train, train + 64]) for a in (images.astype(np.float32), labels.astype(np.int64)))
    return Dataset("stripes", x[0], y[0], x[1], y[1], x[2], y[2], ("vertical", "horizontal"), "made here", {})


def small_net(dropout: float = 0.0, classes: int = 2) -> Chain:
    parts = [layers.Normalised(1, 4), layers.maxpool, flat, layers.Dropout(dropout),
             FullyConnected(6 * 6 * 4, classes, relu=False)]
    return Chain(parts, input_shape=(12, 12, 1))


def weights(model: tf.Module) -> list[np.ndarray]:
    return [variable.numpy() for variable in model.variables]


@pytest.fixture(autouse=True)
def seeded():
    session.start(0)


def test_it_learns():
    model, data = small_net(), stripes(train=768)
    history = training.fit(model, data, epochs=12, learning_rate=0.02)
    assert set(history) == {"loss", "accuracy", "val_loss", "val_accuracy", "seconds"}
    assert all(len(values) == 12 and type(values[0]) is float for values in history.values())
    assert history["loss"][-1] < 0.5 * history["loss"][0]
    assert training.evaluate(model, data.x_test, data.y_test) > 0.9


def test_one_step_is_adams_and_the_padding_does_not_count():
    """After one step of Adam each weight has moved by the learning rate against the sign of its gradient."""
    data = stripes(train=48)
    model = Chain([flat, FullyConnected(144, 2, relu=False)], input_shape=(12, 12, 1))
    before = weights(model)
    logits = data.x_train.reshape(48, 144).astype(float) @ before[-1]
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    loss = -np.log(p[np.arange(48), data.y_train]).mean()
    gradient = data.x_train.reshape(48, 144).T @ (p - np.eye(2)[data.y_train])
    history = training.fit(model, data, epochs=1, batch_size=64, learning_rate=0.01)
    np.testing.assert_allclose(history["loss"], [loss], rtol=1e-5)
    np.testing.assert_allclose(weights(model)[-1], before[-1] - 0.01 * np.sign(gradient), atol=1e-4)


def test_the_order_is_a_permutation_that_depends_on_seed_and_epoch_only():
    batches, counts = training.epoch_batches(100, 32, seed=1, epoch=2)
    assert batches.shape == counts.shape == (4, 32)
    np.testing.assert_array_equal(np.sort(batches.numpy()[counts.numpy() == 1]), np.arange(100))
    again = training.epoch_batches(100, 32, seed=1, epoch=2)[0]
    np.testing.assert_array_equal(batches, again)
    for seed, epoch in ((1, 3), (2, 2)):
        assert (training.epoch_batches(100, 32, seed, epoch)[0].numpy() != batches.numpy()).any()
    few = training.epoch_batches(3, 8, 0, 0)[0].numpy()
    assert few.shape == (1, 8) and set(few.ravel()) == {0, 1, 2}


def test_it_stops_early_and_ends_with_the_weights_of_the_best_epoch():
    data = stripes(train=32)
    data = replace(data, y_train=np.random.default_rng(1).integers(0, 2, 32))  # nothing to learn
    model = small_net()
    history = training.fit(model, data, epochs=60, learning_rate=0.02, patience=4)
    accuracies, losses = history["val_accuracy"], history["val_loss"]
    best = min(range(len(losses)), key=lambda epoch: (-accuracies[epoch], losses[epoch]))
    assert len(losses) == best + 1 + 4 < 60
    logits = training.predict(model, data.x_val)
    loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(data.y_val, logits))
    assert abs(float(loss) - losses[best]) < 1e-5
    assert abs(losses[-1] - losses[best]) > 1e-3
    assert training.evaluate(model, data.x_val, data.y_val) == accuracies[best]


def run(folder) -> list[np.ndarray]:
    """Train with every source of randomness and every kind of state."""
    session.start(4)
    model = small_net(dropout=0.3)
    training.fit(model, stripes(), epochs=6, learning_rate=0.01, seed=4, augment=augment.light,
                 checkpoint=folder)
    return weights(model)


def run_until_killed(folder) -> None:
    """The same, but it stands still in the middle of epoch 4."""
    move, moves = training.tqdm.update, []

    def update(bar, n):
        moves.append(n)
        while len(moves) > 3:  # one move an epoch
            time.sleep(1)
        return move(bar, n)

    training.tqdm.update = update
    run(folder)


def test_a_killed_run_resumes_to_exactly_the_same_weights(tmp_path):
    program = f"import sys; sys.path.insert(0, {os.path.dirname(__file__)!r}); import test_training as t; "
    program += f"t.run_until_killed({str(tmp_path / 'state')!r})"
    killed = subprocess.Popen([sys.executable, "-c", program], env={**os.environ, "TQDM_DISABLE": "1"})
    try:
        for _ in range(1200):
            if (tmp_path / "state" / "ckpt-3.index").exists() or killed.poll() is not None:
                break
            time.sleep(0.1)
        assert killed.poll() is None
    finally:
        os.kill(killed.pid, signal.SIGKILL)
        killed.wait()
    assert not (tmp_path / "state" / "ckpt-4.index").exists()
    whole, resumed = run(tmp_path / "other"), run(tmp_path / "state")
    assert len(whole) == 8
    for a, b in zip(whole, resumed):
        np.testing.assert_array_equal(a, b)


def test_a_finished_run_is_not_trained_again(tmp_path):
    model = small_net()
    history = training.fit(model, stripes(), epochs=2, checkpoint=tmp_path)
    other = small_net()
    assert training.fit(other, stripes(), epochs=2, checkpoint=tmp_path) == history
    for a, b in zip(weights(model), weights(other)):
        np.testing.assert_array_equal(a, b)


def test_the_checkpoint_of_another_network_is_refused(tmp_path):
    training.fit(small_net(), stripes(), epochs=1, checkpoint=tmp_path)
    with pytest.raises(ValueError, match="is of another network"):
        training.fit(small_net(classes=3), stripes(), epochs=1, checkpoint=tmp_path)


def test_a_loss_that_is_not_a_number_stops_with_the_usual_causes():
    data = stripes()
    data.x_train[100] = np.nan
    message = "nan in epoch 1.*learning rate.*not in .0, 1.*logarithm"
    with pytest.raises(training.TrainingDiverged, match=message):
        training.fit(small_net(), data, epochs=3)


def test_it_refuses_what_it_cannot_train():
    data = stripes()
    with pytest.raises(TypeError, match="Keras model.*model.fit"):
        training.fit(networks.lenet(), data, epochs=1)
    with pytest.raises(TypeError, match="no trainable variables"):
        training.fit(lambda x: x, data, epochs=1)
    with pytest.raises(ValueError, match="labels run from 1 to 2, but the model has 2 outputs"):
        training.fit(small_net(), replace(data, y_train=data.y_train + 1, y_val=data.y_val + 1), epochs=1)


def test_tensorboard_reads_the_curves_and_the_histograms(tmp_path):
    history = training.fit(small_net(), stripes(), epochs=2, log=tmp_path)
    events = EventAccumulator(str(tmp_path), size_guidance={"tensors": 0})
    events.Reload()
    tags = events.Tags()["tensors"]
    assert {"loss", "accuracy", "val_loss", "val_accuracy", "seconds"} < set(tags)
    assert [tag for tag in tags if tag.endswith("weights")]
    read = [(event.step, float(tf.make_ndarray(event.tensor_proto))) for event in events.Tensors("val_loss")]
    np.testing.assert_allclose(read, [(1, history["val_loss"][0]), (2, history["val_loss"][1])], rtol=1e-5)


def test_predict_in_batches_is_the_model_and_evaluate_counts():
    model, data = small_net(dropout=0.5), stripes()
    logits = training.predict(model, data.x_test, batch_size=25)
    np.testing.assert_allclose(logits, model(tf.constant(data.x_test)), atol=1e-5)
    right = sum(int(np.argmax(row)) == label for row, label in zip(logits, data.y_test))
    assert training.evaluate(model, data.x_test, data.y_test) == right / 64
    keras = networks.lenet()
    assert training.predict(keras, np.zeros([3, 28, 28, 1])).shape == (3, 10)
    with pytest.raises(ValueError, match="no images"):
        training.predict(model, data.x_test[:0])


def test_predict_follows_weights_that_change():
    model, data = small_net(), stripes()
    before = training.predict(model, data.x_test)
    model.layers[-1].bias.assign([1.0, 0.0])
    np.testing.assert_allclose(training.predict(model, data.x_test), before + [1, 0], atol=1e-6)


def test_an_exported_model_gives_the_same_logits(tmp_path, capfd):
    model, data = small_net(dropout=0.5), stripes()
    model.layers[-1].bias.assign([0.3, -0.1])
    folder = tmp_path / "models" / "net"
    training.export(small_net(), folder)
    training.export(model, folder)  # replaces the first one
    loaded = tf.saved_model.load(str(folder))
    for count in (1, 40):
        np.testing.assert_allclose(loaded(data.x_test[:count]), model(data.x_test[:count]), atol=1e-6)
    served = loaded.signatures["serving_default"](images=tf.constant(data.x_test))
    np.testing.assert_allclose(served["logits"], model(data.x_test), atol=1e-6)
    assert [path.name for path in folder.parent.iterdir()] == ["net"]
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("name", ["mirror", "pose", "light", "sharpness", "jpeg", "faces"])
def test_augmentation_keeps_shape_and_range_and_follows_its_generator(name):
    change = getattr(augment, name)
    x = tf.constant(np.random.default_rng(0).random([8, 48, 48, 1]), tf.float32)
    y, again = (change(x, tf.random.Generator.from_seed(2)) for _ in range(2))
    assert y.shape == x.shape and 0 <= float(tf.reduce_min(y)) and float(tf.reduce_max(y)) <= 1 + 1e-6
    np.testing.assert_array_equal(y, again)
    assert (change(x, tf.random.Generator.from_seed(3)).numpy() != y.numpy()).any()


def test_pose_zooms_about_the_centre_and_repeats_the_edge():
    """A blob in the centre moves by the shift only, and its area is multiplied by the square of the zoom."""
    x = np.zeros([256, 49, 49, 1], np.float32)
    x[:, 22:27, 22:27] = 1
    y = augment.pose(tf.constant(x), tf.random.Generator.from_seed(0)).numpy()[..., 0]
    area = y.sum(axis=(1, 2))
    rows, columns = (np.tensordot(y, grid, 2) / area - 24 for grid in np.mgrid[:49, :49].astype(float))
    for places in (rows, columns):
        assert abs(places.mean()) < 0.5 and 2.5 < np.abs(places).max() < 4.1
    zoom = np.sqrt(area / 25)
    assert 0.74 < zoom.min() < 0.85 and 1.4 < zoom.max() < 1.6
    same = augment.pose(tf.fill([8, 48, 48, 1], 0.25), tf.random.Generator.from_seed(0))
    np.testing.assert_allclose(same, 0.25, atol=1e-6)


def grey_photograph() -> np.ndarray:
    """The astronaut in six pieces, float32 [6, 96, 48, 1]: smooth places, edges, and fine texture."""
    grey = np.asarray(Image.fromarray(astronaut()).convert("L").resize([144, 192]), np.float32) / 255
    return grey.reshape(2, 96, 3, 48).transpose(0, 2, 1, 3).reshape(6, 96, 48, 1)


@pytest.mark.parametrize("quality", [5, 20, 49, 50, 75, 100])
def test_a_jpeg_is_pillows(quality):
    """But for the rounding in Pillow's integer transform: now and then a frequency is rounded to the next step."""
    x, theirs = grey_photograph(), []
    for levels in np.round(255 * x[..., 0]).astype(np.uint8):
        file = io.BytesIO()
        Image.fromarray(levels).save(file, "JPEG", quality=quality)
        theirs.append(np.asarray(Image.open(file), float))
    ours = 255 * augment.saved_as_jpeg(tf.constant(x), quality).numpy()[..., 0]
    difference = np.abs(ours - theirs)
    assert difference.mean() < 0.4 and (difference <= 2).mean() > 0.95
    assert quality == 100 or difference.mean() < 0.1 * np.abs(255 * x[..., 0] - theirs).mean()
    np.testing.assert_allclose(ours, np.round(ours), atol=1e-3)  # grey levels


def test_a_jpeg_has_its_own_quality_for_each_image_and_loses_more_with_a_lower_one():
    x = tf.constant(np.repeat(grey_photograph()[1:2], 4, axis=0))
    saved = augment.saved_as_jpeg(x, tf.constant([10.0, 30.0, 60.0, 90.0]))
    error = np.square(saved - x).mean(axis=(1, 2, 3))
    assert (np.diff(error) < 0).all()
    np.testing.assert_array_equal(saved[2:3], augment.saved_as_jpeg(x[:1], 60))
    flat_grey = tf.fill([1, 16, 8, 1], 128 / 255)
    np.testing.assert_allclose(augment.saved_as_jpeg(flat_grey, 1), flat_grey, atol=1e-6)
    for wrong in ([1, 28, 28, 1], [1, 48, 48, 3]):
        with pytest.raises(ValueError, match="expected .N, H, W, 1. with H and W multiples of 8"):
            augment.saved_as_jpeg(tf.zeros(wrong), 50)


def test_a_quarter_of_the_images_are_saved_as_jpeg():
    x = tf.constant(np.tile(grey_photograph()[1:2, :48], [1000, 1, 1, 1]))
    changed = np.abs(augment.jpeg(x, tf.random.Generator.from_seed(0)) - x).max(axis=(1, 2, 3)) > 1 / 255
    assert 0.2 < changed.mean() < 0.3  # 3.6 standard deviations


@pytest.mark.parametrize("changes, words", [
    ({"y_train": np.eye(2, dtype=int)[stripes().y_train]}, "y_train is int64 of shape .192, 2.*one-hot, take their argmax"),
    ({"y_val": stripes().y_val[:, None]}, r"y_val is int64 of shape .64, 1.*take their first column, \[:, 0\]"),
    ({"y_train": stripes().y_train.astype(float)}, "y_train is float64.*astype"),
    ({"y_train": stripes().y_train[:-1]}, "expected 192 whole numbers"),
    ({"x_train": (255 * stripes().x_train).astype(np.uint8)}, "x_train holds uint8.*divide by 255"),
    ({"x_train": stripes().x_train[..., 0]}, r"x_train\[..., None\]|add the channel with x\[..., None\]"),
    ({"x_train": stripes().x_train[0]}, r"use x\[None\] for one image"),
    ({"x_val": stripes().x_val[:, :10]}, r"shape \[64, 10, 12, 1\], but the network takes \[N, 12, 12, 1\]"),
    ({"x_val": stripes().x_val[:0], "y_val": stripes().y_val[:0]}, "x_val holds no images"),
])
def test_it_refuses_data_that_cannot_be_meant(changes, words):
    with pytest.raises(ValueError, match=words):
        training.fit(small_net(), replace(stripes(), **changes), epochs=1)


@pytest.mark.parametrize("settings, words", [
    ({"epochs": 0}, "epochs is 0, expected a whole number of at least 1"), ({"epochs": 1.5}, "epochs is 1.5"),
    ({"batch_size": 0}, "batch_size is 0"), ({"learning_rate": float("nan")}, "learning_rate is nan"),
    ({"learning_rate": -1e-3}, "learning_rate is -0.001, expected a number above 0")])
def test_it_refuses_settings_that_cannot_be_meant(settings, words):
    with pytest.raises(ValueError, match=words):
        training.fit(small_net(), stripes(), **{"epochs": 1} | settings)


def test_it_refuses_one_output_and_broken_weights():
    data, model = stripes(), small_net()
    with pytest.raises(ValueError, match="one output.*2 outputs for 2 classes"):
        training.fit(small_net(classes=1), replace(data, y_train=0 * data.y_train, y_val=0 * data.y_val), epochs=1)
    model.layers[-1].bias.assign([0.0, np.nan])
    with pytest.raises(ValueError, match="weights of the network hold NaN"):
        training.fit(model, data, epochs=1)


def test_evaluate_refuses_labels_that_numpy_would_broadcast():
    model, data = small_net(), stripes()
    for labels in (data.y_test[:, None], np.eye(2)[data.y_test], data.y_test[:-1]):
        with pytest.raises(ValueError, match="expected 64 whole numbers, one for each image"):
            training.evaluate(model, data.x_test, labels)


def test_keras_models_that_take_images_in_another_form_are_not_asked():
    keras, x = tf.keras, np.zeros([2, 28, 28, 1], np.float32)

    class Own(keras.Model):
        def __init__(self):
            super().__init__()
            self.input_shape, self.flat = (28, 28, 1), keras.layers.Flatten()

        def call(self, images):
            return self.flat(images)

    without_channel = keras.Sequential([keras.Input([28, 28]), keras.layers.Flatten()])
    for model in (without_channel, Own()):
        model(x)
        assert training.predict(model, x).shape == (2, 784)


WRONG_SHAPES = {"no batch axis": (48, 48, 1), "no channel": (5, 48, 48), "colour": (5, 48, 48, 3), "one number": (),
                "too long": (1, 5, 48, 48, 1)}
NETWORKS = {"three_convolutions": networks.three_convolutions, "densenet": networks.DenseNet, "detector": networks.Detector,
            "plain": lambda: networks.plain_stages(6), "residual": lambda: networks.residual_stages(6),
            "dense": lambda: networks.dense_stages(6), "lenet": networks.lenet}
CALLS = """
import sys, numpy as np
sys.path.insert(0, {tests!r})
import test_training as t
for name, build in t.NETWORKS.items():
    model = build()
    for kind, shape in t.WRONG_SHAPES.items():
        x = np.zeros(shape, np.float32)
        # the words of LeNet are Keras's own
        calls = dict() if name == "lenet" else dict(model=lambda: model(x), training=lambda: model(x, training=True))
        if shape:
            calls |= dict(predict=lambda: t.training.predict(model, x),
                          evaluate=lambda: t.training.evaluate(model, x, np.zeros(len(x), int)))
        for call, function in calls.items():
            try:
                function()
            except ValueError as error:
                assert "shape" in str(error) and len(str(error).splitlines()) == 1, (name, kind, call, error)
            else:
                raise AssertionError((name, kind, call))
print("all refused")
"""


def test_images_of_a_wrong_shape_are_refused_before_tensorflow_ends_the_process():
    """In a process of its own, because TensorFlow aborts it when a convolution gets an array with another number of axes."""
    done = subprocess.run([sys.executable, "-c", CALLS.format(tests=os.path.dirname(__file__))], capture_output=True,
                          encoding="utf-8")
    assert (done.returncode, done.stdout.strip()) == (0, "all refused"), done.stderr[-2000:]
