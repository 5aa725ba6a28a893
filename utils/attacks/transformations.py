"""What happens to a picture between the attacker and the network: random transformations, written out and differentiable.

Each one maps images [N, H, W, C] in [0, 1], a seed (int32 [2]) and its strength to images of the same shape, in [0, 1]. Two
calls with the same seed give the same. The numbers that a seed draws are the same for all images of a call, so that an image's
result does not depend on the others. With strength 0 an image stays as it is. An attack takes a `Transform`: fix the strength
with `functools.partial(affine, angle=20.0)`, and put several one after the other with `chain`.
"""
import math
from collections.abc import Callable

from utils.quiet import tf

Transform = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]  # images [N, H, W, C], seed int32 [2] -> images [N, H, W, C]
TRUNCATE = 3  # standard deviations at which the Gaussian of a blur ends: .3 % of it lies outside
DARKEST = 0.01  # what is added before a power: the slope of x^gamma at 0 is infinite for gamma < 1
# The largest strengths of `camera` with strength 1, for faces of 48x48.
CAMERA = {"gamma": 0.3, "perspective": 0.08, "side_light": 0.2, "blur": 0.8, "noise": 0.02}


def affine(images: tf.Tensor, seed: tf.Tensor, *, shift: float = 0.0, angle: float = 0.0, zoom: float = 1.0) -> tf.Tensor:
    """Images [N, H, W, C] shifted, turned and scaled about the centre, each by a random amount.

    shift  the largest shift in pixels, each way, across and down
    angle  the largest rotation in degrees, each way
    zoom   the largest factor, 1 or more; the smallest is 1 / zoom (uniform in its logarithm)

    What comes in from outside repeats the edge.
    """
    right, down, turn, size = _uniform(seed, 4)
    return warp(images, similarity(shift * right, shift * down, angle * turn, zoom**size))


def perspective(images: tf.Tensor, seed: tf.Tensor, strength: float) -> tf.Tensor:
    """Images [N, H, W, C] seen from the side and from above or below.

    Opposite edges are nearer and farther, each by up to the share `strength`.
    """
    across, down = _uniform(seed, 2)
    height, width = tf.unstack(tf.cast(tf.shape(images)[1:3], tf.float32))
    tilt = tf.stack([2 * strength * across / width, 2 * strength * down / height, 0.0])
    return warp(images, tf.eye(3)[None] + tf.stack([tf.zeros(3), tf.zeros(3), tilt])[None])


def light(images: tf.Tensor, seed: tf.Tensor, *, brightness: float = 0.0, contrast: float = 1.0) -> tf.Tensor:
    """Images [N, H, W, C] made brighter or darker by up to `brightness`, in pixel values, and of more or less contrast.

    The distances from the image's mean are multiplied by 1 / contrast to contrast.
    """
    brighter, stronger = _uniform(seed, 2)
    mean = tf.reduce_mean(images, [1, 2, 3], keepdims=True)
    return _into_box(mean + (images - mean) * contrast**stronger + brightness * brighter)


def gamma(images: tf.Tensor, seed: tf.Tensor, strength: float) -> tf.Tensor:
    """The tones of a printer or a screen: images [N, H, W, C] to a power from exp(-strength) to exp(strength); 0 and 1 stay."""
    power = tf.exp(strength * _uniform(seed, 1)[0])
    black, white = DARKEST**power, (1 + DARKEST) ** power
    return _into_box(((images + DARKEST) ** power - black) / (white - black))


def side_light(images: tf.Tensor, seed: tf.Tensor, strength: float) -> tf.Tensor:
    """Light from a side: images [N, H, W, C] times 1 in the centre, times 1 - strength to 1 + strength at opposite edges."""
    across, down = _uniform(seed, 2)
    x, y = tf.linspace(-1.0, 1.0, tf.shape(images)[2]), tf.linspace(-1.0, 1.0, tf.shape(images)[1])
    factor = 1 + strength * (across * x[None, :] + down * y[:, None])
    return _into_box(images * factor[None, :, :, None])


def noise(images: tf.Tensor, seed: tf.Tensor, strength: float) -> tf.Tensor:
    """Images [N, H, W, C] plus Gaussian noise of standard deviation `strength`, in pixel values; the same noise for all."""
    return _into_box(images + strength * tf.random.stateless_normal(tf.shape(images)[1:], seed))


def blur(images: tf.Tensor, seed: tf.Tensor, strength: float) -> tf.Tensor:
    """Images [N, H, W, C] convolved with a Gaussian of a standard deviation of 0 to `strength` pixels."""
    return gaussian_blur(images, strength * (0.5 + 0.5 * _uniform(seed, 1)[0]), math.ceil(TRUNCATE * strength))


def camera(images: tf.Tensor, seed: tf.Tensor, strength: float = 1.0) -> tf.Tensor:
    """Images [N, H, W, C] printed and photographed: gamma, perspective, light from a side, blur, noise, rounding to 8 bits.

    With strength 1, each by up to its value in CAMERA. Kurakin, Goodfellow and Bengio 2017 ("Adversarial examples in the
    physical world") print and photograph in earnest; this is a model of it.
    """
    for change, own in zip((gamma, perspective, side_light, blur, noise), tf.unstack(tf.random.split(seed, 5))):
        images = change(images, own, strength * CAMERA[change.__name__])
    return eight_bit(images)


def chain(*transforms: Transform) -> Transform:
    """One transformation that does all the given ones in this order, each with a seed of its own."""
    def all_of_them(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        for transform, own in zip(transforms, tf.unstack(tf.random.split(seed, len(transforms)))):
            images = transform(images, own)
        return images
    return all_of_them


def identity(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """The images [N, H, W, C] as they are."""
    return images


def eight_bit(images: tf.Tensor) -> tf.Tensor:
    """Images of any shape, rounded to multiples of 1/255.

    The gradient is that of the identity (straight-through, Bengio et al. 2013).
    """
    return images + tf.stop_gradient(tf.round(images * 255) / 255 - images)


def gaussian_blur(images: tf.Tensor, sigma: tf.Tensor, radius: int) -> tf.Tensor:
    """Images [N, H, W, C] convolved with a Gaussian of standard deviation `sigma`, float32 [] in pixels, down and then across.

    The kernel ends `radius` pixels from its centre, at most H and W, and its sum is 1. Outside, the image is mirrored.
    """
    distance = tf.range(-radius, radius + 1, dtype=tf.float32)
    kernel = tf.exp(-0.5 * (distance / tf.maximum(sigma, 1e-3)) ** 2)
    kernel = tf.unstack(kernel / tf.reduce_sum(kernel), 2 * radius + 1)
    height, width = tf.unstack(tf.shape(images)[1:3])
    outside = [radius, radius]
    padded = tf.pad(images, [[0, 0], outside, outside, [0, 0]], "SYMMETRIC")
    down = tf.add_n([weight * padded[:, k:k + height] for k, weight in enumerate(kernel)])
    return tf.add_n([weight * down[:, :, k:k + width] for k, weight in enumerate(kernel)])


def similarity(right: tf.Tensor | float, down: tf.Tensor | float, angle: tf.Tensor | float, zoom: tf.Tensor | float) -> tf.Tensor:
    """The matrix with which `warp` shifts by pixels, turns clockwise by degrees and enlarges by a factor: [n, 3, 3].

    Each number is one for all, or [n]. The matrix is that of the way back, from a pixel of the result to where it is read.
    """
    right, down, angle, zoom = (tf.reshape(tf.cast(number, tf.float32), [-1]) for number in (right, down, angle, zoom))
    n = tf.reduce_max([tf.size(right), tf.size(down), tf.size(angle), tf.size(zoom)])
    right, down, angle, zoom = (tf.broadcast_to(number, [n]) for number in (right, down, angle, zoom))
    cos, sin = tf.cos(angle * (math.pi / 180)) / zoom, tf.sin(angle * (math.pi / 180)) / zoom
    zero, one = tf.zeros([n]), tf.ones([n])
    rows = [[cos, sin, -cos * right - sin * down], [-sin, cos, sin * right - cos * down], [zero, zero, one]]
    return tf.stack([tf.stack(row, -1) for row in rows], 1)


def warp(images: tf.Tensor, matrix: tf.Tensor, size: tf.Tensor | None = None) -> tf.Tensor:
    """The pixel (x, y) of the result is read, bilinearly, from `images` at (u, v) / w with (u, v, w) = matrix @ (x, y, 1).

    images  [N, H, W, C]; or [1, H, W, C] for one that is warped in n ways
    matrix  [n, 3, 3], n = 1 or N: a homography between pixels that are counted from the centre of each, to the right and down
    size    int32 [2], height and width of the result; None is H and W

    Returns [N or n, height, width, C]. Outside, the edge is repeated. The gradient with respect to the images is exact: what a
    pixel gives goes back to the four it was read from. That of TensorFlow's own ImageProjectiveTransformV3 is the inverse warp.
    """
    shape = tf.shape(images)
    height, width = tf.unstack(shape[1:3] if size is None else size)
    y, x = tf.meshgrid(_from_centre(height), _from_centre(width), indexing="ij")
    grid = tf.stack([tf.reshape(x, [-1]), tf.reshape(y, [-1]), tf.ones([height * width])])  # [3, pixels]
    u, v, w = tf.unstack(tf.matmul(matrix, grid[None]), axis=1)  # each [n, pixels]
    (left, x_part), (top, y_part) = _cell(u / w, shape[2]), _cell(v / w, shape[1])
    n = tf.maximum(shape[0], tf.shape(matrix)[0])
    flat = tf.reshape(images, [shape[0], -1, shape[3]])
    pixels = tf.broadcast_to(flat, [n, tf.shape(flat)[1], shape[3]])

    def read(row: tf.Tensor, column: tf.Tensor) -> tf.Tensor:
        place = tf.minimum(row, shape[1] - 1) * shape[2] + tf.minimum(column, shape[2] - 1)
        return tf.gather(pixels, tf.broadcast_to(place, [n, height * width]), batch_dims=1)

    above = (1 - x_part) * read(top, left) + x_part * read(top, left + 1)
    below = (1 - x_part) * read(top + 1, left) + x_part * read(top + 1, left + 1)
    return tf.reshape((1 - y_part) * above + y_part * below, [n, height, width, shape[3]])


def _from_centre(size: tf.Tensor) -> tf.Tensor:
    """The pixels of a side, counted from its centre: float32 [size]."""
    return tf.range(tf.cast(size, tf.float32)) - (tf.cast(size, tf.float32) - 1) / 2


def _cell(place: tf.Tensor, size: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Of places counted from the centre, [n, pixels]: the pixel before, int32 [n, pixels], and how far after, [n, pixels, 1]."""
    last = tf.cast(size, tf.float32) - 1
    place = tf.clip_by_value(place + last / 2, 0.0, last)
    before = tf.floor(place)
    return tf.cast(before, tf.int32), (place - before)[..., None]


def _uniform(seed: tf.Tensor, count: int) -> list[tf.Tensor]:
    """`count` numbers from -1 to 1, each float32 []."""
    return tf.unstack(tf.random.stateless_uniform([count], seed, -1.0, 1.0))


def _into_box(images: tf.Tensor) -> tf.Tensor:
    return tf.clip_by_value(images, 0.0, 1.0)
