"""A training that a student interrupts and resumes: it must come to the weights of one that was not interrupted."""
import os
from collections.abc import Callable

import numpy as np

from utils.checks import call, equal, require, seeded
from utils.quiet import tf

NUMBER = [("trackable object", "A Python number cannot be in a checkpoint: make it a tf.Variable.")]


class Interruption(KeyboardInterrupt):
    """What ends a training in the check: like the stop button of a notebook, `except Exception` does not catch it."""


def practice(seed: int, stop: int | None = None) -> tuple:
    """A small training with first weights of its own: (model, optimizer, take_step, notes).

    take_step(number) adds (number, weights, mean) to the notes, as they are before the step; it is interrupted in the middle of
    step `stop`.
    """
    model, optimizer, notes = tf.Module(), tf.keras.optimizers.Adam(0.1), []
    model.weights = tf.Variable(seeded(seed).normal(size=[3, 2]), dtype=tf.float32)
    model.mean = tf.Variable(tf.zeros([3]), trainable=False)  # as batch norm keeps one

    def take_step(number: int) -> None:
        notes.append((int(number), model.weights.numpy(), model.mean.numpy()))
        x = tf.constant(seeded(100 + int(number)).normal(size=[4, 3]), tf.float32)
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((x @ model.weights - x[:, 1:]) ** 2)
        optimizer.apply([tape.gradient(loss, model.weights)], [model.weights])
        if number == stop:
            raise Interruption
        model.mean.assign(0.9 * model.mean + 0.1 * tf.reduce_mean(x, 0))

    return model, optimizer, take_step, notes


def saved_in(folder: str) -> list[tuple]:
    """Names and times of all files in a folder."""
    return sorted((entry.name, entry.stat().st_mtime_ns) for entry in os.scandir(folder))


def process(train_to: Callable, folder: str, steps: int, every: int, start: int, right: list[tuple],
            stop: int | None = None) -> None:
    """Call train_to as a new process would, with other first weights where there are checkpoints.

    Raises CheckFailed unless it goes on from step `start`, and has the weights and means of `right` [steps] before each step.
    """
    model, optimizer, take_step, notes = practice(start + 1, stop)
    state, saved = f"the first {start} steps saved in" if start else "an empty", None
    when = f"With {state} folder, every = {every} and steps = {steps}, train_to"

    def watched(number: int) -> None:
        nonlocal saved
        try:
            take_step(number)
        except Interruption:
            saved = saved_in(folder)
            raise

    def same(note: tuple, other: tuple) -> list[bool]:
        return [np.allclose(one, another, atol=1e-5) for one, another in zip(note[1:], other[1:])]

    before = saved_in(folder)
    try:
        got = call(train_to, steps, folder, every, model, optimizer, watched, hints=NUMBER)
        require(saved is None, "The interruption is caught: let it pass, so that whoever started the training notices it.")
    except Interruption:
        got = start
        require(saved == saved_in(folder), "Something is saved during the interruption. A killed process runs no `finally` and "
                "no `except`, and the step is half done: save after whole steps only.")
    numbers = [note[0] for note in notes]
    begin = numbers[0] if numbers else start
    require(bool(numbers) or start == steps, f"{when} takes no step: make the variable that counts inside the function, and use "
            "`folder` and `steps`.")
    fits, loaded = (any(same(note, state)[0] for note in notes[:1] for state in states)
                    for states in (right[begin:begin + 1], right[1:]))
    for holds, sentence in (
            (begin == 0 and loaded, "has saved weights, but begins again with step 0: the number of the steps that are done "
             "belongs in the checkpoint too, as a tf.Variable."),
            (begin == 0, "starts again from scratch: save in `folder`, and restore the newest checkpoint before the first step."),
            (start == steps, f"goes on from step {begin}: save after the last step too."),
            (begin < start and fits, f"goes on from step {begin}: restore the newest checkpoint, manager.latest_checkpoint."),
            (begin < start, "repeats a step that was already done: count the step, then save."),
            (fits, f"goes on from step {begin}: save when the number of steps done is a multiple of {every}, not more often."),
            (True, "skips a step: the first step has the number 0, and the counter says how many are done.")):
        require(begin == start or not holds, f"{when} {sentence}")
    require(start < steps or saved_in(folder) == before,
            f"{when} takes no step but saves: a new optimizer has no moving averages before "
            "its first step, so they are lost from this checkpoint. Save after a step only.")
    last = steps if stop is None else stop + 1
    require(numbers == list(range(start, last)), f"{when} takes the steps {numbers}, expected {start} to {last - 1}, each once.")
    weights, mean = same(notes[0] if notes else (0, model.weights, model.mean), right[start])
    require(weights, (f"{when} starts with new weights: the model belongs in the checkpoint, and it is saved after the step, not "
                      "before."))
    require(mean, f"{when} restores the trainable variables alone: put the model into the checkpoint, with all its variables.")
    ends = [] if stop else [(steps, model.weights, model.mean)]
    require(all(all(same(note, right[note[0]])) for note in [*notes, *ends]), f"{when} comes to other weights than a training "
            "without interruption: the optimizer, with its moving averages, belongs in the checkpoint, and restore before "
            "the loop.")
    require(not isinstance(got, tf.Variable),
            f"{when} returns the variable that counts, which the loop changes: take int(...) of it "
            "before the loop.")
    equal(f"{when} went on from step {start}. What it returns", got, start)
