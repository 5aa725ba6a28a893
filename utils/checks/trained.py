"""A network that a student trained: it must not have seen the test set, it gives logits,
and is judged on images that it has not seen.
"""
from collections.abc import Callable
from dataclasses import dataclass, fields

import numpy as np

from utils import data, pretrained
from utils.checks import CheckFailed, message_of, names_used, require, run
from utils.data import Dataset
from utils.quiet import tf
from utils.training import predict


@dataclass(frozen=True)
class WithoutTest:
    """What a training may see of a `Dataset`, so that `dataclasses.replace` works on it too. Images float32 [N, H, W, 1] in
    [0, 1], labels int64 [N]. Asked for its test images or their labels it raises CheckFailed."""

    name: str
    x_train: np.ndarray
    y_train: np.ndarray
    x_val: np.ndarray
    y_val: np.ndarray
    class_names: tuple[str, ...]
    source: str
    factors: dict[str, dict[str, np.ndarray]]

    def __getattr__(self, name: str) -> None:  # asked only for what is not there
        if name in ("x_test", "y_test"):
            raise CheckFailed(f"The training looks at {name}. The test set is for the check alone: train with x_train, and "
                              "choose with x_val.")
        raise AttributeError(f"The data set has no {name}: it has {', '.join(field.name for field in fields(self))}.")


def without_test(dataset: Dataset) -> WithoutTest:
    """The training and validation part of a data set. Writing into its arrays raises ValueError, so that the notebook's stay."""
    kept = {field.name: getattr(dataset, field.name) for field in fields(WithoutTest)}
    kept |= {name: _read_only(value) for name, value in kept.items() if isinstance(value, np.ndarray)}
    return WithoutTest(**kept | {"factors": {split: dataset.factors[split] for split in ("train", "val")}})


def _read_only(array: np.ndarray) -> np.ndarray:
    view = array.view()
    view.flags.writeable = False
    return view


def own_training(train: Callable) -> None:
    """Raise CheckFailed if `train` uses a network of another cell, stored weights, or data that it loads itself."""
    for name, value in names_used(train):
        require(value is not pretrained, f"{train.__name__} uses {name}: build and train a network inside the function.")
        require(value is not data,
                f"{train.__name__} uses {name}, which loads the test set too: train with the data that the function gets.")
        require(not isinstance(value, tf.Module | tf.keras.Model),
                f"{train.__name__} uses the network {name} of another cell: build and train one inside the function.")


def without_test_set(train: Callable, dataset: Dataset, *arguments):
    """What `train(dataset, ...)` gives. It sees no test images, in its argument or in the notebook's variables."""
    notebook = getattr(getattr(train, "python_function", train), "__globals__", {})
    complete = {name: value for name, value in notebook.items() if isinstance(value, Dataset)}
    notebook.update({name: without_test(value) for name, value in complete.items()})
    try:
        return run(train, without_test(dataset), *arguments)
    finally:
        notebook.update(complete)


def logits_of(model: Callable, x: np.ndarray, classes: int) -> np.ndarray:
    """The logits [N, classes] of images x [N, H, W, C]. Raises CheckFailed unless `model` is a network that gives these."""
    require(callable(model), f"train gives a {type(model).__name__}: return the network, not what fit returns.")
    try:
        logits = predict(model, x)
    except Exception as error:
        raise CheckFailed(f"The network stops on images {list(x.shape)} with {message_of(error)}") from None
    require(bool(np.isfinite(logits).all()),
            "The network gives NaN, so its training has diverged: take a smaller learning rate, and images in [0, 1].")
    require(logits.shape == (len(x), classes),
            f"The network gives shape {list(logits.shape)} for {len(x)} images, expected {classes} logits for each.")
    require(not np.allclose(logits.sum(axis=1), 1, atol=1e-4),
            "The network gives probabilities: remove the softmax, and train with from_logits=True.")
    return logits
