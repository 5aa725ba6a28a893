"""What `data.load` returns."""
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Dataset:
    """A data set, split. Images are float32 [N, H, W, 1] (signs: [N, H, W, 3]) in [0, 1], multiples of 1/255; labels int64 [N].

    class_names  the name of each label, in order
    source       where it comes from, in words
    factors      what else is known of the images: `factors["test"]["age"]` is an array [N]; for rendered faces every factor, for
                 real faces the annotators' age and race, for digits and signs nothing
    """

    name: str
    x_train: np.ndarray
    y_train: np.ndarray
    x_val: np.ndarray
    y_val: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    class_names: tuple[str, ...]
    source: str
    factors: dict[str, dict[str, np.ndarray]]
