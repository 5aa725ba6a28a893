"""The one training loop for `tf.Module` networks: `fit`, then `evaluate`, `predict` and `export`.

Keras models (`networks.lenet`) have their own `fit`. `predict` and `evaluate` take any model.
"""
import math
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from tqdm import tqdm

from utils.data import Dataset
from utils.networks import check_shape
from utils.quiet import tf

tf.get_logger().setLevel("ERROR")  # no advice on retracing (each network is traced once) and no paths

STEPS_PER_CALL = 16  # training steps between two movements of the progress bar
MEASURES = ("loss", "accuracy", "val_loss", "val_accuracy", "seconds")


class TrainingDiverged(FloatingPointError):
    """The training loss is no longer a number."""


def fit(model: tf.Module, dataset: Dataset, *, epochs: int, batch_size: int = 64, learning_rate: float = 1e-3,
        seed: int = 0, augment: Callable | None = None, patience: int | None = None,
        checkpoint: str | os.PathLike | None = None,
        log: str | os.PathLike | None = None) -> dict[str, list[float]]:
    """Train `model` with Adam on the cross-entropy; at the end it has the weights of its best epoch.

    The best epoch has the highest `val_accuracy` and, among equals, the lowest `val_loss`.

    The learning rate falls from `learning_rate` to 0 along half a cosine over all `epochs`. `augment(images,
    generator)` changes the training images of each batch (see `utils.augment`). `patience` stops when that
    many epochs in a row were no better than the best. `checkpoint` is a folder: the state is saved there
    after each epoch, and a run that was interrupted goes on from it when it is called again with the same
    arguments, to the same weights as without the interruption. `log` is a folder for TensorBoard: the curves,
    and histograms of the weights.

    Returns one list for each of `loss`, `accuracy`, `val_loss`, `val_accuracy`, `seconds`, with one number
    per epoch. Loss and accuracy on training images are those of the (augmented) batches while the weights
    change. Raises TypeError for a Keras model, ValueError for images, labels or settings that cannot be meant,
    for a network with NaN in its weights and for a checkpoint of another network, TrainingDiverged when the loss
    is no longer a number.
    """
    _check(model, dataset, epochs, batch_size, learning_rate)
    images, labels = tf.constant(dataset.x_train, tf.float32), tf.constant(dataset.y_train, tf.int64)
    steps = math.ceil(len(labels) / batch_size)
    schedule = tf.keras.optimizers.schedules.CosineDecay(learning_rate, epochs * steps)
    optimizer = tf.keras.optimizers.Adam(schedule)
    optimizer.build(model.trainable_variables)
    generator = tf.random.Generator.from_seed(seed)
    best = [tf.Variable(variable, trainable=False) for variable in model.variables]
    columns = len(MEASURES)
    measured = tf.Variable(tf.zeros([0, columns], tf.float64), shape=[None, columns], trainable=False)
    manager = resume(checkpoint, model=model, optimizer=optimizer, generator=generator, best=best,
                      measured=measured)
    writer = tf.summary.create_file_writer(str(log)) if log else None

    rows_of = [tf.TensorSpec([None, batch_size], kind) for kind in (tf.int32, tf.float32)]  # compiled once for any S

    @tf.function(input_signature=rows_of)
    def train(batches: tf.Tensor, counts: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """One Adam step for each row of image numbers [S, B]; `counts` [S, B], 0 or 1, says which count."""
        total_loss, total_correct = 0.0, 0.0
        for step in tf.range(tf.shape(batches)[0]):
            x, y, count = tf.gather(images, batches[step]), tf.gather(labels, batches[step]), counts[step]
            if augment is not None:
                x = augment(x, generator)
            with tf.GradientTape() as tape:
                logits = model(x, training=True)
                losses = count * tf.nn.sparse_softmax_cross_entropy_with_logits(y, logits)
                loss = tf.reduce_sum(losses) / batch_size
            optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
            total_loss += tf.reduce_sum(losses)
            total_correct += tf.reduce_sum(count * tf.cast(tf.argmax(logits, axis=1) == y, tf.float32))
        return total_loss, total_correct

    rows = measured.numpy().tolist()  # one per epoch, as in MEASURES
    done = len(rows)
    with tqdm(total=epochs * steps, initial=done * steps, unit="step", leave=False) as bar:
        for epoch in range(done, epochs):
            if patience is not None and _epochs_since_best(rows) >= patience:
                break
            started = time.perf_counter()
            batches, counts = epoch_batches(len(labels), batch_size, seed, epoch)
            totals = np.zeros(2)
            for first in range(0, steps, STEPS_PER_CALL):
                part = slice(first, first + STEPS_PER_CALL)
                totals += [float(total) for total in train(batches[part], counts[part])]
                if not np.isfinite(totals[0]):
                    raise TrainingDiverged(
                        f"The loss became {totals[0]} in epoch {epoch + 1}. Usual causes: the learning rate "
                        f"({learning_rate:g}) is too large, the images are not in [0, 1] or hold NaN, or "
                        "something takes the logarithm of zero or divides by zero.")
                bar.update(len(batches[part]))
            val_loss, val_accuracy = _validate(model, dataset)
            seconds = time.perf_counter() - started
            rows.append([*(totals / len(labels)).tolist(), val_loss, val_accuracy, seconds])
            if _epochs_since_best(rows) == 0:
                for kept, variable in zip(best, model.variables):
                    kept.assign(variable)
            measured.assign(rows)
            bar.set_postfix_str(f"val_accuracy {val_accuracy:.3f}")
            if manager:
                manager.save()
            if writer:
                _write_log(writer, epoch + 1, rows[-1], model)
    for kept, variable in zip(best, model.variables):
        variable.assign(kept)
    return {name: [row[i] for row in rows] for i, name in enumerate(MEASURES)}


def epoch_batches(images: int, batch_size: int, seed: int, epoch: int) -> tuple[tf.Tensor, tf.Tensor]:
    """The order of one epoch, a function of `seed` and `epoch`: image numbers and counts [steps, batch_size].

    Each image counts once. All batches have the same size: the last one is filled up with images from the
    start of the order, which have count 0 in the loss (they still take part in the moments of batch norm).
    """
    order = np.random.default_rng([seed, epoch]).permutation(images)
    steps = math.ceil(images / batch_size)
    places = np.arange(steps * batch_size)
    batches = order[places % images].reshape(steps, batch_size)
    counts = (places < images).reshape(steps, batch_size)
    return tf.constant(batches, tf.int32), tf.constant(counts, tf.float32)


def predict(model: Callable, x: np.ndarray, batch_size: int = 256) -> np.ndarray:
    """The logits [N, classes] of images [N, H, W, C], computed `batch_size` images at a time.

    Raises ValueError for no images, and for images of another shape than `model.input_shape`.
    """
    if len(x) == 0:
        raise ValueError("There are no images to predict: x has length 0.")
    check_shape(model, x)
    batches = (tf.constant(x[i:i + batch_size], tf.float32) for i in range(0, len(x), batch_size))
    return np.concatenate([_logits(model, batch).numpy() for batch in batches])


def evaluate(model: Callable, x: np.ndarray, y: np.ndarray) -> float:
    """The fraction of images [N, H, W, C] whose largest logit is that of their label [N].

    Raises ValueError as `predict`, and for labels that are not one whole number for each image.
    """
    _check_labels("y", y, len(x))
    return float(np.mean(predict(model, x).argmax(axis=1) == y))


def export(model: tf.Module, folder: str | os.PathLike, input_shape: tuple[int, ...] | None = None) -> None:
    """Save `model` as a SavedModel in `folder`: float32 [N, *input_shape] in [0, 1] -> logits.

    `tf.saved_model.load(folder)` gives an object to call with images, and the signature `serving_default` for
    servers. An existing folder is replaced once the new one is complete. `input_shape` (H, W, C) is by
    default the model's own.
    """
    folder, shape = Path(folder), tuple(input_shape or model.input_shape)
    spec = tf.TensorSpec([None, *shape], tf.float32, name="images")
    exported = tf.Module()
    exported.model = model
    exported.__call__ = tf.function(lambda images: model(images), input_signature=[spec])
    served = tf.function(lambda images: {"logits": model(images)}, input_signature=[spec])
    new, old = (folder.with_name(f".{folder.name}.{name}") for name in ("new", "old"))
    for leftover in (new, old):
        shutil.rmtree(leftover, ignore_errors=True)
    tf.saved_model.save(exported, str(new), signatures={"serving_default": served})
    if folder.exists():
        folder.rename(old)
    new.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def resume(folder: str | os.PathLike | None, **state) -> tf.train.CheckpointManager | None:
    """A manager that saves `state`, whatever has variables, in `folder`, after restoring what is there; None without a folder.

    Raises ValueError for a checkpoint of another network.
    """
    if folder is None:
        return None
    manager = tf.train.CheckpointManager(tf.train.Checkpoint(**state), str(folder), max_to_keep=1)
    if manager.latest_checkpoint:
        try:
            manager.checkpoint.restore(manager.latest_checkpoint).assert_consumed()
        except (AssertionError, ValueError) as error:
            raise ValueError(f"The checkpoint in {folder} is of another network: remove it or choose another "
                             "folder.") from error
    return manager


@tf.function(reduce_retracing=True)
def _logits(model: Callable, x: tf.Tensor) -> tf.Tensor:
    return model(x)


def _validate(model: tf.Module, dataset: Dataset) -> tuple[float, float]:
    logits = predict(model, dataset.x_val)
    loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(dataset.y_val, logits))
    return float(loss), float(np.mean(logits.argmax(axis=1) == dataset.y_val))


def _epochs_since_best(rows: list[list[float]]) -> int:
    """0 when the last epoch is the best: the highest val_accuracy and, among equals, the lowest val_loss."""
    ranks = [(-val_accuracy, val_loss) for _, _, val_loss, val_accuracy, _ in rows]
    return len(rows) - 1 - ranks.index(min(ranks)) if rows else 0


def _check(model: tf.Module, dataset: Dataset, epochs: int, batch_size: int, learning_rate: float) -> None:
    """Raise TypeError or ValueError for what `fit` cannot train, before TensorFlow sees it."""
    _check_settings(epochs, batch_size, learning_rate)
    _check_network(model)
    for split in ("train", "val"):
        images = getattr(dataset, f"x_{split}")
        _check_images(f"x_{split}", images, model)
        _check_labels(f"y_{split}", getattr(dataset, f"y_{split}"), len(images))
    _check_outputs(model, dataset)


def _check_settings(epochs: int, batch_size: int, learning_rate: float) -> None:
    for name, value in (("epochs", epochs), ("batch_size", batch_size)):
        if not isinstance(value, (int, np.integer)) or value < 1:
            raise ValueError(f"{name} is {value!r}, expected a whole number of at least 1.")
    if not (np.isfinite(learning_rate) and learning_rate > 0):
        raise ValueError(f"learning_rate is {learning_rate}, expected a number above 0, such as 1e-3.")


def _check_labels(name: str, labels: np.ndarray, count: int) -> None:
    """Raise ValueError for labels of another form than [count], a whole number for each image."""
    labels = np.asarray(labels)
    whole = np.issubdtype(labels.dtype, np.integer)
    if labels.shape == (count,) and whole:
        return
    hint = "each image needs its label."
    if labels.ndim == 2:
        hint = "they are one-hot, take their argmax(axis=1)." if labels.shape[1] > 1 else "take their first column, [:, 0]."
    elif labels.shape == (count,):
        hint = "convert them with astype(int)."
    raise ValueError(f"{name} is {labels.dtype} of shape {list(labels.shape)}, expected {count} whole numbers, "
                     f"one for each image: {hint}")


def _check_images(name: str, images: np.ndarray, model: tf.Module) -> None:
    if not len(images):
        raise ValueError(f"{name} holds no images: fit needs some to train and some to validate.")
    check_shape(model, images)
    if np.ndim(images) != 4:
        raise ValueError(f"{name} has shape {list(np.shape(images))}, expected [N, H, W, C]: "
                         "add the channel of grey images with x[..., None].")
    if np.issubdtype(np.asarray(images).dtype, np.integer):
        raise ValueError(f"{name} holds {images.dtype}, expected float32 from 0 to 1: divide by 255.")


def _check_network(model: tf.Module) -> None:
    if isinstance(model, tf.keras.Model):
        raise TypeError("This is a Keras model, and training.fit trains a tf.Module: use model.fit.")
    if not isinstance(model, tf.Module) or not model.trainable_variables:
        raise TypeError(f"A {type(model).__name__} has no trainable variables, expected a tf.Module such "
                        "as those of utils.networks.")
    if not all(np.isfinite(variable.numpy()).all() for variable in model.variables if variable.dtype.is_floating):
        raise ValueError("The weights of the network hold NaN or infinity: build it again, "
                         "training cannot go on from there.")


def _check_outputs(model: tf.Module, dataset: Dataset) -> None:
    classes = model(tf.constant(dataset.x_train[:1], tf.float32)).shape[-1]
    if classes == 1:
        raise ValueError("The model has one output, but the cross-entropy needs a logit for each class: "
                         "give the last layer 2 outputs for 2 classes.")
    labels = np.concatenate([dataset.y_train, dataset.y_val])
    if labels.min() < 0 or labels.max() >= classes:
        raise ValueError(f"The labels run from {labels.min()} to {labels.max()}, but the model has {classes} "
                         f"outputs: use labels 0 to {classes - 1} or more outputs.")


def _write_log(writer: tf.summary.SummaryWriter, epoch: int, row: list[float], model: tf.Module) -> None:
    with writer.as_default(step=epoch):
        for name, value in zip(MEASURES, row):
            tf.summary.scalar(name, value)
        for i, variable in enumerate(model.trainable_variables):
            tf.summary.histogram(f"{i:02d}_{variable.name.split(':')[0]}", variable)
    writer.flush()
