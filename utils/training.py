"""The one training loop for `tf.Module` networks: `fit`, then `evaluate`, `predict` and `export`.

Keras models (`networks.lenet`) have their own `fit`. `predict` and `evaluate` take any model.
"""
import math
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from utils import augment as augmentations
from utils.data import Dataset
from utils.quiet import tf
from utils.training_inputs import check, check_labels, check_shape

STEPS_PER_CALL = 16  # training steps between two movements of the progress bar
MEASURES = ("loss", "accuracy", "val_loss", "val_accuracy", "seconds")
DIVERGED = ("The loss became {loss} in epoch {epoch}. Usual causes: the learning rate ({learning_rate:g}) is too large, the "
            "images are not in [0, 1] or hold NaN, or something takes the logarithm of zero or divides by zero.")


class TrainingDiverged(FloatingPointError):
    """The training loss is no longer a number."""


def fit(model: tf.Module, dataset: Dataset, *, epochs: int, batch_size: int = 64, learning_rate: float = 1e-3, seed: int = 0,
        augment: Callable | None = None, patience: int | None = None, checkpoint: str | os.PathLike | None = None,
        log: str | os.PathLike | None = None) -> dict[str, list[float]]:
    """Train `model` with Adam on the cross-entropy; at the end it has the weights of its best epoch.

    The best epoch has the highest `val_accuracy` and, among equals, the lowest `val_loss`.

    learning_rate  at the start; it falls to 0 along half a cosine over all `epochs`
    augment        augment(images, generator) changes the training images of each batch (see `utils.augment`)
    patience       stop when that many epochs in a row were no better than the best
    checkpoint     a folder: the state is saved there after each epoch, and a run that was interrupted goes on from it when it
                   is called again with the same arguments, to the same weights as without the interruption
    log            a folder for TensorBoard: the curves, and histograms of the weights

    Returns MEASURES: a list of numbers, one per epoch, for each of `loss`, `accuracy` (of the augmented batches, while the
    weights change), `val_loss`, `val_accuracy`, `seconds`. Raises TypeError for a Keras model, ValueError for images, labels,
    settings, weights or a checkpoint that cannot be meant, TrainingDiverged when the loss is no longer a number.
    """
    check(model, dataset, epochs, batch_size, learning_rate)
    steps = math.ceil(len(dataset.y_train) / batch_size)
    optimizer = tf.keras.optimizers.Adam(tf.keras.optimizers.schedules.CosineDecay(learning_rate, epochs * steps))
    optimizer.build(model.trainable_variables)
    generator = tf.random.Generator.from_seed(seed)
    train = _compiled(model, dataset, optimizer, batch_size, augment, generator)
    best = [tf.Variable(variable, trainable=False) for variable in model.variables]
    measured = tf.Variable(tf.zeros([0, len(MEASURES)], tf.float64), shape=[None, len(MEASURES)], trainable=False)
    manager = resume(checkpoint, model=model, optimizer=optimizer, generator=generator, best=best, measured=measured)
    writer = tf.summary.create_file_writer(str(log)) if log else None
    rows = measured.numpy().tolist()  # one per epoch, as in MEASURES
    with tqdm(total=epochs * steps, initial=len(rows) * steps, unit="step", leave=False) as bar:
        while len(rows) < epochs and (patience is None or _epochs_since_best(rows) < patience):
            started = time.perf_counter()
            loss, accuracy = _epoch(train, *epoch_batches(len(dataset.y_train), batch_size, seed, len(rows)), bar)
            if not np.isfinite(loss):
                raise TrainingDiverged(DIVERGED.format(loss=loss, epoch=len(rows) + 1, learning_rate=learning_rate))
            rows.append([loss, accuracy, *_validate(model, dataset), time.perf_counter() - started])
            if _epochs_since_best(rows) == 0:
                _copy(model.variables, best)
            _store(rows, measured, manager, writer, model, bar)
    _copy(best, model.variables)
    return {name: [row[i] for row in rows] for i, name in enumerate(MEASURES)}


def _compiled(model: tf.Module, dataset: Dataset, optimizer: tf.keras.optimizers.Optimizer, batch_size: int,
              augment: Callable | None, generator: tf.random.Generator) -> Callable:
    """The function that takes training steps, compiled once for any number of them."""
    images, labels = tf.constant(dataset.x_train, tf.float32), tf.constant(dataset.y_train, tf.int64)

    @tf.function(input_signature=[tf.TensorSpec([None, batch_size], kind) for kind in (tf.int32, tf.float32)])
    def train(batches: tf.Tensor, counts: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """One Adam step for each row of image indices [S, B]; `counts` [S, B], 0 or 1, says which count."""
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

    return train


def _epoch(train: Callable, batches: tf.Tensor, counts: tf.Tensor, bar: tqdm) -> tuple[float, float]:
    """The mean loss and accuracy of an epoch of steps; ends early with a loss that is not a number."""
    totals = np.zeros(2)
    for first in range(0, len(batches), STEPS_PER_CALL):
        part = slice(first, first + STEPS_PER_CALL)
        totals += [float(total) for total in train(batches[part], counts[part])]
        if not np.isfinite(totals[0]):
            break
        bar.update(len(batches[part]))
    return tuple((totals / float(tf.reduce_sum(counts))).tolist())


def _store(rows: list[list[float]], measured: tf.Variable, manager: tf.train.CheckpointManager | None,
           writer: tf.summary.SummaryWriter | None, model: tf.Module, bar: tqdm) -> None:
    """Show the last row of what was measured, and save it for a run that goes on from here and for TensorBoard."""
    measured.assign(rows)
    bar.set_postfix_str(f"val_accuracy {rows[-1][MEASURES.index('val_accuracy')]:.3f}")
    if manager:
        manager.save()
    if writer:
        _write_log(writer, len(rows), rows[-1], model)


def _copy(variables: list[tf.Variable], to: list[tf.Variable]) -> None:
    for source, target in zip(variables, to):
        target.assign(source)


def epoch_batches(images: int, batch_size: int, seed: int, epoch: int) -> tuple[tf.Tensor, tf.Tensor]:
    """The order of one epoch, a function of `seed` and `epoch`: image indices and counts [steps, batch_size].

    Each image counts once. All batches have the same size: the last one is filled up with images from the
    start of the order, which have count 0 in the loss (they still take part in the moments of batch norm).
    """
    order = np.random.default_rng([seed, epoch]).permutation(images)
    steps = math.ceil(images / batch_size)
    positions = np.arange(steps * batch_size)
    batches = order[positions % images].reshape(steps, batch_size)
    counts = (positions < images).reshape(steps, batch_size)
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
    check_labels("y", y, len(x))
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


def resume(folder: str | os.PathLike | None, **state: Any) -> tf.train.CheckpointManager | None:
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


def _write_log(writer: tf.summary.SummaryWriter, epoch: int, row: list[float], model: tf.Module) -> None:
    with writer.as_default(step=epoch):
        for name, value in zip(MEASURES, row):
            tf.summary.scalar(name, value)
        for i, variable in enumerate(model.trainable_variables):
            tf.summary.histogram(f"{i:02d}_{variable.name.split(':')[0]}", variable)
    writer.flush()


def train_lenet(model: tf.keras.Model, digits: Dataset, steps: int = 1000, seed: int = 0,
                augment: Callable = augmentations.digits, last_rate: float = 0.0) -> None:
    """Train a `networks.lenet` as unit 03 does: augmented images, Adam from 2e-3 to 0 along half a cosine.

    digits     its training images, float32 [N, 28, 28, 1] in [0, 1], and their labels [N]
    steps      of 64 images each; `seed` is that of their order and of `augment`
    augment    augment(images, generator) changes the images of each batch
    last_rate  what is left of the learning rate in the end, as a share of 2e-3; with 1 it does not fall
    """
    generator = tf.random.Generator.from_seed(seed)
    batches = tf.data.Dataset.from_tensor_slices((digits.x_train, digits.y_train))
    batches = batches.shuffle(len(digits.y_train), seed=seed).repeat().batch(64)
    batches = batches.map(lambda x, y: (augment(x, generator), y)).prefetch(2)
    optimizer = tf.keras.optimizers.Adam(tf.keras.optimizers.schedules.CosineDecay(2e-3, steps, last_rate))
    loss = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer, loss, steps_per_execution=10)
    model.fit(batches, epochs=1, steps_per_epoch=steps, shuffle=False, verbose=0)
