"""Models of scikit-learn as an attack needs them: with logits and a gradient where they have one, else as labels only."""
from collections.abc import Callable

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.svm import LinearSVC

from utils import training
from utils.attacks.inputs import Model
from utils.quiet import tf

Labels = Callable[[np.ndarray], np.ndarray]  # images [N, H, W, C] in [0, 1] -> labels, int [N]


def rows(images: np.ndarray) -> np.ndarray:
    """Images [N, H, W, C] as scikit-learn takes them, [N, H * W * C]."""
    return np.asarray(images).reshape(len(images), -1)


def linear(fitted: LogisticRegression | LinearSVC) -> Model:
    """A fitted linear classifier of three classes or more as images [N, H, W, C] -> logits [N, classes], exact.

    The labels it was fitted on are 0, .., classes - 1.
    """
    kernel, bias = tf.constant(fitted.coef_.T, tf.float32), tf.constant(fitted.intercept_, tf.float32)
    return lambda x: tf.reshape(x, [tf.shape(x)[0], kernel.shape[0]]) @ kernel + bias


def radial(fitted: OneVsRestClassifier) -> Model:
    """One support vector machine with a radial kernel for each class, as images [N, H, W, C] -> logits [N, classes], exact.

    fitted  OneVsRestClassifier(SVC(kernel="rbf", gamma=NUMBER))

    The decision of each is a kernel expansion, sum_i a_i exp(-gamma ||x - s_i||^2) + b over its support vectors s_i, which has a
    gradient. (SVC alone lets pairs of classes vote: votes have none.)
    """
    machines = [(tf.constant(one.support_vectors_, tf.float32), tf.constant(one.dual_coef_.T, tf.float32),
                 float(one.intercept_[0]), float(one.gamma)) for one in fitted.estimators_]

    def model(x: tf.Tensor) -> tf.Tensor:
        x = tf.reshape(tf.cast(x, tf.float32), [tf.shape(x)[0], machines[0][0].shape[1]])
        logits = []
        for vectors, weights, bias, gamma in machines:
            distance = tf.reduce_sum(x**2, 1)[:, None] - 2 * x @ tf.transpose(vectors) + tf.reduce_sum(vectors**2, 1)
            logits.append(tf.exp(-gamma * distance) @ weights + bias)
        return tf.concat(logits, 1)

    return model


def labels_only(model: Model | BaseEstimator) -> Labels:
    """What somebody sees who may only ask `model`, of TensorFlow or scikit-learn: images [N, H, W, C] -> labels [N]."""
    if isinstance(model, BaseEstimator):
        return lambda images: model.predict(rows(images))
    return lambda images: training.predict(model, images).argmax(1)


def votes(fitted: BaseEstimator) -> Model:
    """A classifier without logits as images [N, H, W, C] -> [N, classes]: 1 for its answer and -1 for the others. No gradient.

    For `transfer_matrix`, which only looks at which is the largest. The labels it was fitted on are 0, .., classes - 1. Not for
    use inside a `tf.function`.
    """
    return lambda x: 2 * tf.one_hot(fitted.predict(rows(x)), len(fitted.classes_)) - 1
