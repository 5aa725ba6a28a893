"""The networks of the course. All map float32 images [N, H, W, C] in [0, 1] to logits [N, classes].

`model(x)` is inference and `model(x, training=True)` is training. All are `tf.Module` from `utils.layers` and
are trained by `utils.training.fit`, except `lenet`, which is a Keras model and is trained by its own `fit`.
"""
from collections.abc import Callable

from utils import other_versions_names
from utils.layers import (Concatenated, Conv, DenseBlock, Dropout, FullyConnected, Normalised, PlainBlock, Residual,
                          check_maps, flat, maxpool, mean_over_positions)
from utils.quiet import tf

__getattr__ = other_versions_names(__name__)


class Chain(tf.Module):
    """Layers and functions one after the other, on images of `input_shape` (H, W, C)."""

    def __init__(self, layers: list, input_shape: tuple[int, int, int] = (48, 48, 1)):
        super().__init__()
        self.layers = layers
        self.input_shape = input_shape

    def __call__(self, x: tf.Tensor, training: bool = False) -> tf.Tensor:
        for layer in self.layers:
            x = layer(x, training=training) if isinstance(layer, tf.Module) else layer(x)
        return x


def three_convolutions() -> Chain:
    """The smallest detector of the slides: three convolutions and one dense layer, 1,724 parameters."""
    return Chain([
        Conv(1, 3), maxpool,   # [N, 24, 24, 3]
        Conv(3, 6), maxpool,   # [N, 12, 12, 6]
        Conv(6, 12), maxpool,  # [N, 6, 6, 12]
        flat, FullyConnected(6 * 6 * 12, 2, relu=False),
    ])


class DenseNet(tf.Module):
    """The DenseNet of the slides: blocks of two 16-filter convolutions, two dense layers; 59,160 parameters.

    [N, 48, 48, 1] -> four blocks -> [N, 3, 3, 32] -> [N, 288] -> [N, 50] -> [N, 2]. The options are those of the course's
    meta-parameter study: `blocks` and `convolutions_per_block` (depth), `filters` of each convolution, `dropout` (rate, after
    each convolution and after the hidden dense layer) and `batch_norm` (after each 3x3 convolution).
    """

    block = DenseBlock

    def __init__(self, blocks: int = 4, filters: int = 16, convolutions_per_block: int = 2, dropout: float = 0.0,
                 batch_norm: bool = False):
        super().__init__()
        if not 1 <= blocks <= 5:
            raise ValueError(f"blocks is {blocks}, expected 1 to 5: each halves the 48x48 image.")
        self.input_shape = (48, 48, 1)
        self.blocks = [self.block(32 if i else 1, filters, convolutions_per_block, batch_norm=batch_norm, dropout=dropout)
                       for i in range(blocks)]
        self.hidden = FullyConnected((48 // 2**blocks)**2 * 32, 50)
        self.dropout = Dropout(dropout)
        self.output = FullyConnected(50, 2, relu=False)

    def __call__(self, x: tf.Tensor, training: bool = False) -> tf.Tensor:
        for block in self.blocks:
            x = block(x, training)
        return self.output(self.dropout(self.hidden(flat(x)), training))


class PlainNet(DenseNet):
    """`DenseNet` without concatenation (a "convnet" in the slides' study): the same options, blocks,
    reductions and dense layers.
    """

    block = PlainBlock


class Detector(tf.Module):
    """A small residual network for faces: 469,362 parameters.

    Each image is first brought to mean 0 and variance 1. In inference the logits are the mean over three views
    of the image: whole, 2 pixels tighter on each side and mirrored, and 4 pixels tighter. So enlarged, by 1.09 on
    average, a face has the size that it has on average in training with `augment.faces`.
    """

    def __init__(self):
        super().__init__()
        self.input_shape = (48, 48, 1)
        self.body = Chain([
            Normalised(1, 24, size=5, stride=2),             # [N, 24, 24, 24]
            Residual(24), maxpool,                           # [N, 12, 12, 24]
            Normalised(24, 64), Residual(64), maxpool,       # [N, 6, 6, 64]
            Normalised(64, 128), Residual(128),              # [N, 6, 6, 128]
            mean_over_positions, Dropout(0.2), FullyConnected(128, 2, relu=False),
        ])

    def __call__(self, x: tf.Tensor, training: bool = False) -> tf.Tensor:
        x = tf.convert_to_tensor(x)
        check_maps(x, channels=1)
        mean, variance = tf.nn.moments(x, axes=[1, 2, 3], keepdims=True)
        x = (x - mean) * tf.math.rsqrt(variance + 1e-3)
        if training:
            return self.body(x, training=True)
        crops = [x, tf.reverse(x[:, 2:-2, 2:-2], [2]), x[:, 4:-4, 4:-4]]
        views = [tf.image.resize(crop, [48, 48]) for crop in crops]
        return tf.reduce_mean(tf.reshape(self.body(tf.concat(views, axis=0)), [3, -1, 2]), axis=0)


# `training.fit(Detector(), faces, augment=augment.faces, **DETECTOR_RECIPE)` trains it on 10,000 real faces.
DETECTOR_RECIPE = {"epochs": 21, "batch_size": 64, "learning_rate": 2e-3}


def lenet(filters: tuple[int, int] = (6, 16), padding: str = "same", dropout: float = 0.0) -> tf.keras.Model:
    """LeNet-5 (LeCun et al. 1998, section II.B) in Keras, with ReLU and max pooling.

    [N, 28, 28, 1] -> logits [N, 10]. `padding` is that of the first convolution: "same" gives maps of 28x28 as in LeNet-5 (61,706
    parameters), "valid" maps of 24x24 as on the slides (44,426). `dropout` is a rate, before each dense layer. Unit 03 trains
    `lenet(padding="valid")` on the built-in digits and the wide `lenet((32, 64), "valid", 0.3)` on MNIST, with `augment.digits`
    and Adam: 2e-3, to 0 along half a cosine.
    """
    keras = tf.keras.layers
    layers = [
        tf.keras.Input([28, 28, 1]),
        keras.Conv2D(filters[0], 5, padding=padding, activation="relu"),
        keras.MaxPooling2D(),  # [N, 14, 14, 6] or [N, 12, 12, 6]
        keras.Conv2D(filters[1], 5, activation="relu"),
        keras.MaxPooling2D(),  # [N, 5, 5, 16] or [N, 4, 4, 16]
        keras.Flatten(),
    ]
    for dense in (keras.Dense(120, activation="relu"), keras.Dense(84, activation="relu"), keras.Dense(10)):
        layers += [keras.Dropout(dropout), dense] if dropout else [dense]
    return tf.keras.Sequential(layers)


def fully_convolutional(model: tf.keras.Model) -> Callable:
    """`model` for images of any size, with the same weights: float [N, H, W, C] -> logits [N, h, w, classes].

    `model` is a Keras Sequential of convolutions, max poolings, Flatten and Dense, such as `lenet`. The first Dense, which sees
    whole maps [a, b, c], becomes a convolution with kernels of a x b, each later one a convolution of 1x1 (Sermanet et al. 2014).
    With VALID convolutions throughout, the result at (i, j) is `model` on the window that starts at (s i, s j), s the product of
    the strides. Raises ValueError for another kind of layer.
    """
    keras = tf.keras.layers

    def logits_everywhere(images: tf.Tensor) -> tf.Tensor:
        x, size = tf.convert_to_tensor(images, tf.float32), (1, 1)
        for layer in model.layers:
            if isinstance(layer, keras.Flatten):
                size = layer.input.shape[1:3]
            elif isinstance(layer, keras.Dense):
                kernel = tf.reshape(layer.kernel, [*size, -1, layer.units])
                x, size = layer.activation(tf.nn.conv2d(x, kernel, 1, "VALID") + layer.bias), (1, 1)
            elif isinstance(layer, (keras.Conv2D, keras.MaxPooling2D)):
                x = layer(x)
            elif not isinstance(layer, keras.Dropout):
                raise ValueError(f"The model has a layer {type(layer).__name__}: only Conv2D, MaxPooling2D, "
                                 "Flatten, Dropout and Dense can be applied to an image of another size.")
        return x

    return logits_everywhere


def plain_stages(depth: int, width: int = 16) -> Chain:
    """`depth` 3x3 convolutions of `width` filters in a row, in stages of 24x24, 12x12 and 6x6 pixels.

    Images [N, 48, 48, 1] in [0, 1] -> logits [N, 2]. Raises ValueError unless `depth` is a multiple of 6, as its two siblings do.
    """
    return _three_stages(depth, width, lambda n: [Normalised(width, width) for _ in range(n)])


def residual_stages(depth: int, width: int = 16) -> Chain:
    """`plain_stages` with the input of every two convolutions added to their output; the same parameters."""
    return _three_stages(depth, width, lambda n: [Residual(width) for _ in range(n // 2)])


def dense_stages(depth: int, width: int = 16) -> Chain:
    """`plain_stages` with the output of each convolution concatenated to its input.

    For the comparison with `plain_stages` and `residual_stages`; the network of the slides is `DenseNet`. A 1x1 reduction to
    `width` channels follows each stage. The convolutions have as many filters as give about the same number of parameters.
    """
    n = depth // 3
    # n convolutions with f filters of w, w + f, ... channels have 9 f (n w + f n (n - 1) / 2) weights, the reduction has
    # w (w + n f), a plain stage 9 n w^2: solve a f^2 + b f + c = 0 for f
    a, b, c = 4.5 * n * (n - 1), 9 * n * width + n * width, width**2 - 9 * n * width**2
    filters = max(1, round(2 * -c / (b + (b * b - 4 * a * c) ** 0.5)))
    return _three_stages(depth, width, lambda n: [Concatenated(width, filters, n)])


def _three_stages(depth: int, width: int, stage: Callable[[int], list]) -> Chain:
    if depth < 6 or depth % 6:
        raise ValueError(f"depth is {depth}, expected a multiple of 6: three stages of equally many pairs.")
    n = depth // 3
    return Chain([
        Normalised(1, width, stride=2),  # [N, 24, 24, width]
        *stage(n), maxpool,              # [N, 12, 12, width]
        *stage(n), maxpool,              # [N, 6, 6, width]
        *stage(n), mean_over_positions,     # [N, width]
        FullyConnected(width, 2, relu=False),
    ])


def without_softmax(model: Callable) -> Callable:
    """A Keras model without its final softmax: [N, H, W, C] -> logits. It shares the weights of `model`.

    Takes off a softmax that is the activation of the last Dense layer, or a Softmax or Activation layer of its own. A model
    without softmax, Keras or not, is returned as it is. Raises ValueError for a Keras model whose input shape is not known yet
    and for a last layer with softmax that is not Dense.
    """
    if not isinstance(model, tf.keras.Model):
        return model
    if not model.built:
        raise ValueError("The model has no input shape yet: call it once, or start it with keras.Input.")
    last = model.layers[-1]
    activated = getattr(last, "activation", None) is tf.keras.activations.softmax
    if isinstance(last, tf.keras.layers.Softmax) or activated and isinstance(last, tf.keras.layers.Activation):
        return tf.keras.Model(model.inputs[0], last.input)
    if not activated:
        return model
    if not isinstance(last, tf.keras.layers.Dense):
        raise ValueError(f"The last layer is a {type(last).__name__} with softmax, not Dense or Softmax: "
                         "build the model without softmax and train it with from_logits=True.")
    return tf.keras.Model(model.inputs[0], WithoutActivation(last)(last.input))


class WithoutActivation(tf.keras.layers.Layer):
    """The affine map of a Keras Dense layer, without its activation."""

    def __init__(self, dense: tf.keras.layers.Dense):
        super().__init__()
        self.dense = dense

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """[N, inputs] -> [N, units]."""
        x = tf.matmul(x, self.dense.kernel)
        return x + self.dense.bias if self.dense.use_bias else x


def count_parameters(model: tf.Module) -> int:
    """How many parameters training changes in a `tf.Module` or Keras model."""
    return sum(int(tf.size(variable)) for variable in model.trainable_variables)
