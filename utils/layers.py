"""The building blocks of the slides as `tf.Module`, written to be read.

Each layer is built with its sizes and called as `layer(x, training=False)`. Images are float32 [N, H, W, C],
vectors float32 [N, D]. Initial weights follow the seed given to `utils.session.start`.
"""
from utils.quiet import tf

TRUNCATED_STD = 0.87962566  # standard deviation of a standard normal that is cut at -2 and 2


def he_normal(shape: list[int], inputs: int) -> tf.Variable:
    """Weights of variance 2 / inputs, which keep the second moment through ReLU (He et al. 2015)."""
    deviation = (2 / inputs) ** 0.5 / TRUNCATED_STD
    return tf.Variable(tf.random.truncated_normal(shape, stddev=deviation), name="weights")


def check_maps(x: tf.Tensor, channels: int | None = None) -> None:
    """Raise ValueError unless x is [N, H, W, channels]: with another number of axes TensorFlow ends the process."""
    shape = x.shape  # of a tensor in a tf.function some of it may not be known
    if shape.rank not in (None, 4) or (channels and shape.rank and shape[-1] not in (None, channels)):
        hint = ": use x[None] for one image, x[..., None] for grey images without channels." if shape.rank == 3 else "."
        raise ValueError(f"The layer gets shape {shape.as_list()}, expected [N, H, W, {channels or 'C'}]{hint}")


def maxpool(x: tf.Tensor, size: int = 2) -> tf.Tensor:
    """The largest value of each `size` x `size` window: [N, H, W, C] -> [N, H // size, W // size, C]."""
    x = tf.convert_to_tensor(x)
    check_maps(x)
    return tf.nn.max_pool2d(x, size, size, "VALID")


def mean_over_positions(x: tf.Tensor) -> tf.Tensor:
    """The mean of each channel: [N, H, W, C] -> [N, C]."""
    return tf.reduce_mean(x, axis=[1, 2])


def flat(x: tf.Tensor) -> tf.Tensor:
    """Each image as one vector: [N, H, W, C] -> [N, H * W * C]."""
    x = tf.convert_to_tensor(x)
    check_maps(x)
    return tf.reshape(x, [-1, x.shape[1] * x.shape[2] * x.shape[3]])


class Conv(tf.Module):
    """SAME convolution plus bias, then ReLU: [N, H, W, inputs] -> [N, H, W, filters].

    A stride keeps every `stride`-th row and column: [N, ceil(H / stride), ceil(W / stride), filters].
    """

    def __init__(self, inputs: int, filters: int, size: int = 3, stride: int = 1, relu: bool = True):
        super().__init__()
        self.weights = he_normal([size, size, inputs, filters], inputs=size * size * inputs)
        self.bias = tf.Variable(tf.zeros([filters]), name="bias")
        self.stride, self.relu = stride, relu

    def __call__(self, x: tf.Tensor, training: bool = False) -> tf.Tensor:
        """The maps of the layer. Raises ValueError unless x is [N, H, W, inputs]."""
        x = tf.convert_to_tensor(x)
        check_maps(x, self.weights.shape[2])
        x = tf.nn.bias_add(tf.nn.conv2d(x, self.weights, self.stride, "SAME"), self.bias)
        return tf.nn.relu(x) if self.relu else x


class FullyConnected(tf.Module):
    """Each output is an affine map of all inputs, then ReLU: [N, inputs] -> [N, outputs]."""

    def __init__(self, inputs: int, outputs: int, relu: bool = True):
        super().__init__()
        self.weights = he_normal([inputs, outputs], inputs=inputs)
        self.bias = tf.Variable(tf.zeros([outputs]), name="bias")
        self.relu = relu

    def __call__(self, x: tf.Tensor, training: bool = False) -> tf.Tensor:
        """The outputs of the layer. Raises ValueError unless x is [N, inputs]."""
        x = tf.convert_to_tensor(x)
        if x.shape.rank is not None and x.shape[-1] not in (None, self.weights.shape[0]):
            raise ValueError(f"The layer gets shape {x.shape.as_list()}, expected [N, {self.weights.shape[0]}]: "
                             "do the images have the size that the network is built for?")
        x = tf.matmul(x, self.weights) + self.bias
        return tf.nn.relu(x) if self.relu else x


class BatchNorm(tf.Module):
    """scale * (x - mean) / sqrt(variance + epsilon) + shift for each channel (Ioffe and Szegedy 2015, algorithm 1).

    [N, H, W, channels], or [N, channels] after a dense layer -> the same shape.

    Two modes. Training: mean and variance are those of the batch (over N, H and W), and the moving averages
    follow them. Inference: they are the moving averages, so that the answer for one image does not depend on
    the others in its batch.
    """

    def __init__(self, channels: int, momentum: float = 0.9, epsilon: float = 1e-3):
        super().__init__()
        self.scale = tf.Variable(tf.ones([channels]), name="scale")
        self.shift = tf.Variable(tf.zeros([channels]), name="shift")
        self.mean = tf.Variable(tf.zeros([channels]), trainable=False, name="moving_mean")
        self.variance = tf.Variable(tf.ones([channels]), trainable=False, name="moving_variance")
        self.momentum, self.epsilon = momentum, epsilon

    def __call__(self, x: tf.Tensor, training: bool = False) -> tf.Tensor:
        """x [..., channels] in the mode that `training` says."""
        if training:
            return self.normalise_by_batch(x)
        gain = self.scale * tf.math.rsqrt(self.variance + self.epsilon)
        return x * gain + (self.shift - self.mean * gain)

    def normalise_by_batch(self, x: tf.Tensor) -> tf.Tensor:
        """The training mode for x [..., channels], by TensorFlow's fused operation: 1.2 times faster than the formula.

        The variance that comes back for the moving average is the unbiased one, divided by n - 1 (algorithm 2
        of the paper).
        """
        rows = tf.reshape(x, [-1, 1, 1, x.shape[-1]])
        normalise = tf.compat.v1.nn.fused_batch_norm
        y, mean, variance = normalise(rows, self.scale, self.shift, epsilon=self.epsilon)
        self.mean.assign(self.momentum * self.mean + (1 - self.momentum) * mean)
        self.variance.assign(self.momentum * self.variance + (1 - self.momentum) * variance)
        return tf.reshape(y, tf.shape(x))


class Dropout(tf.Module):
    """In training, each value is zero with probability `rate`, else divided by 1 - rate: the mean stays.

    The random numbers come from a `tf.random.Generator`, whose state is a variable, so that a checkpoint resumes them
    exactly.
    """

    def __init__(self, rate: float):
        super().__init__()
        self.rate = rate
        seed = int(tf.random.uniform([], maxval=2**31 - 1, dtype=tf.int32))
        self.random = tf.random.Generator.from_seed(seed)

    def __call__(self, x: tf.Tensor, training: bool = False) -> tf.Tensor:
        """x of any shape; in training some of its values are dropped."""
        if not training or self.rate == 0:
            return x
        kept = self.random.uniform(tf.shape(x)) >= self.rate
        return tf.where(kept, x / (1 - self.rate), 0.0)


class DenseBlock(tf.Module):
    """Convolutions with their output concatenated to their input, pooling, reduction (Huang et al. 2017).

    [N, H, W, inputs] -> [N, H // 2, W // 2, outputs]. With c inputs and f filters the channels go c, c + f, c
    + 2 f, ... `batch_norm` normalises the output of each convolution; `dropout` is applied after each
    convolution and after the reduction, as in the code of the slides.
    """

    def __init__(self, inputs: int, filters: int = 16, convolutions: int = 2, outputs: int = 32,
                 batch_norm: bool = False, dropout: float = 0.0):
        super().__init__()
        self.convolutions = [Conv(inputs + i * filters, filters) for i in range(convolutions)]
        self.norms = [BatchNorm(filters) for _ in range(convolutions)] if batch_norm else []
        self.reduction = Conv(inputs + convolutions * filters, outputs, size=1)
        self.dropout = Dropout(dropout)

    def __call__(self, x: tf.Tensor, training: bool = False) -> tf.Tensor:
        """The output of the block; batch norm and dropout need to know whether it is in training."""
        for i, convolution in enumerate(self.convolutions):
            features = convolution(x)
            if self.norms:
                features = self.norms[i](features, training)
            x = tf.concat([x, self.dropout(features, training)], axis=-1)
        return self.dropout(self.reduction(maxpool(x)), training)


class PlainBlock(tf.Module):
    """`DenseBlock` without the concatenation: each convolution sees the output of the one before, and nothing else.

    [N, H, W, inputs] -> [N, H // 2, W // 2, outputs]. The channels go `inputs`, `filters`, `filters`, ...
    """

    def __init__(self, inputs: int, filters: int = 16, convolutions: int = 2, outputs: int = 32,
                 batch_norm: bool = False, dropout: float = 0.0):
        super().__init__()
        self.convolutions = [Conv(filters if i else inputs, filters) for i in range(convolutions)]
        self.norms = [BatchNorm(filters) for _ in range(convolutions)] if batch_norm else []
        self.reduction = Conv(filters, outputs, size=1)
        self.dropout = Dropout(dropout)

    def __call__(self, x: tf.Tensor, training: bool = False) -> tf.Tensor:
        """The output of the block; batch norm and dropout need to know whether it is in training."""
        for i, convolution in enumerate(self.convolutions):
            x = convolution(x)
            if self.norms:
                x = self.norms[i](x, training)
            x = self.dropout(x, training)
        return self.dropout(self.reduction(maxpool(x)), training)


class Normalised(tf.Module):
    """Convolution, batch norm, ReLU: [N, H, W, inputs] -> [N, H / stride, W / stride, filters], rounded up."""

    def __init__(self, inputs: int, filters: int, size: int = 3, stride: int = 1, relu: bool = True):
        super().__init__()
        self.convolution = Conv(inputs, filters, size, stride, relu=False)
        self.norm = BatchNorm(filters)
        self.relu = relu

    def __call__(self, x: tf.Tensor, training: bool = False) -> tf.Tensor:
        """The output of the layer; batch norm needs to know whether it is in training."""
        x = self.norm(self.convolution(x), training)
        return tf.nn.relu(x) if self.relu else x


class Residual(tf.Module):
    """ReLU(x + F(x)), where F is two convolutions with batch norm (He et al. 2016, figure 2).

    [N, H, W, channels] -> the same shape.
    """

    def __init__(self, channels: int):
        super().__init__()
        self.first = Normalised(channels, channels)
        self.second = Normalised(channels, channels, relu=False)

    def __call__(self, x: tf.Tensor, training: bool = False) -> tf.Tensor:
        return tf.nn.relu(x + self.second(self.first(x, training), training))


class Concatenated(tf.Module):
    """Convolutions with batch norm, each concatenated to its input, then 1x1 reduction: [N, H, W, channels] -> the same shape."""

    def __init__(self, channels: int, filters: int, convolutions: int):
        super().__init__()
        self.convolutions = [Normalised(channels + i * filters, filters) for i in range(convolutions)]
        self.reduction = Normalised(channels + convolutions * filters, channels, size=1)

    def __call__(self, x: tf.Tensor, training: bool = False) -> tf.Tensor:
        """The output of the block; batch norm needs to know whether it is in training."""
        for convolution in self.convolutions:
            x = tf.concat([x, convolution(x, training)], axis=-1)
        return self.reduction(x, training)
