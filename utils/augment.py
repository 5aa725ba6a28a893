"""Random changes of training images that keep their label, in batches: of faces and of digits.

Images are float32 [N, H, W, C] in [0, 1]; so are the results, of the same shape. `generator` is a `tf.random.Generator`,
whose state moves on with each call.
"""
import math
from collections.abc import Callable, Sequence

import numpy as np
from scipy.fft import dct

from utils.quiet import tf

Augment = Callable[[tf.Tensor, tf.random.Generator], tf.Tensor]  # images, generator -> images of the same shape

# How coarsely JPEG stores the 8x8 frequencies of a block of grey pixels at quality 50 (ITU-T T.81, Annex K, table K.1): the
# constant part first, higher vertical frequencies below, higher horizontal ones to the right.
LUMINANCE_STEPS = ((16, 11, 10, 16, 24, 40, 51, 61), (12, 12, 14, 19, 26, 58, 60, 55), (14, 13, 16, 24, 40, 57, 69, 56),
                   (14, 17, 22, 29, 51, 87, 80, 62), (18, 22, 37, 56, 68, 109, 103, 77), (24, 35, 55, 64, 81, 104, 113, 92),
                   (49, 64, 78, 87, 103, 121, 120, 101), (72, 92, 95, 98, 112, 100, 103, 99))


def mirror(images: tf.Tensor, generator: tf.random.Generator) -> tf.Tensor:
    """Each image, or with probability one half its mirror image: [N, H, W, C] -> the same shape."""
    chosen = generator.uniform([tf.shape(images)[0], 1, 1, 1]) < 0.5
    return tf.where(chosen, tf.reverse(images, axis=[2]), images)


def pose(images: tf.Tensor, generator: tf.random.Generator) -> tf.Tensor:
    """Random mirror, zoom (mostly 0.8 to 1.5), aspect, rotation and shift, in one bilinear sampling.

    Square images [N, H, H, C] -> the same shape; ValueError for others. Zoom 1.5 is a crop that is 8 pixels of 48 tighter on
    each side. Outside, the edge is repeated.
    """
    if images.shape[1] != images.shape[2]:
        raise ValueError(f"The images are {images.shape[1]} pixels high and {images.shape[2]} wide, expected square ones.")
    n, size = tf.shape(images)[0], images.shape[1]

    def normal(mean: float, deviation: float) -> tf.Tensor:
        return generator.truncated_normal([n], mean, deviation)  # never more than two deviations away

    zoom, aspect = tf.exp(normal(0.09, 0.18)), tf.exp(normal(0.0, 0.06))
    angle = normal(0.0, math.radians(9))
    flip = tf.sign(generator.uniform([n], -1.0, 1.0))
    # output pixel x is read at A (x - c - shift) + c, with c the centre and A = mirror, rotation, 1 / zoom
    a, b = flip * tf.cos(angle) / (zoom * aspect), -flip * tf.sin(angle) / zoom * aspect
    d, e = tf.sin(angle) / (zoom * aspect), tf.cos(angle) / zoom * aspect
    centre = (size - 1) / 2
    x, y = centre + normal(0.0, 0.04 * size), centre + normal(0.0, 0.04 * size)
    transforms = tf.stack([a, b, centre - a * x - b * y, d, e, centre - d * x - e * y,
                           tf.zeros([n]), tf.zeros([n])], axis=1)
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=images, transforms=transforms, output_shape=tf.shape(images)[1:3],
        fill_value=0.0, interpolation="BILINEAR", fill_mode="NEAREST")


def light(images: tf.Tensor, generator: tf.random.Generator) -> tf.Tensor:
    """Images [N, H, W, C] with random gamma, contrast, brightness and light from a side; the result stays in [0, 1]."""
    n, height, width = tf.shape(images)[0], images.shape[1], images.shape[2]

    def normal(deviation: float) -> tf.Tensor:
        return generator.truncated_normal([n, 1, 1, 1], 0.0, deviation)

    across = tf.reshape(tf.linspace(-1.0, 1.0, width), [1, 1, width, 1])
    down = tf.reshape(tf.linspace(-1.0, 1.0, height), [1, height, 1, 1])
    images = tf.pow(tf.maximum(images, 1e-3), tf.exp(normal(0.2)))
    mean = tf.reduce_mean(images, axis=[1, 2], keepdims=True)
    images = mean + (images - mean) * tf.exp(normal(0.2)) + normal(0.07)
    return tf.clip_by_value(images + normal(0.06) * across + normal(0.06) * down, 0.0, 1.0)


def sharpness(images: tf.Tensor, generator: tf.random.Generator) -> tf.Tensor:
    """Half of the images [N, H, W, C] become sharper, softer or coarser, with a little noise; in [0, 1]."""
    n, height, width = tf.shape(images)[0], images.shape[1], images.shape[2]
    blurred = tf.nn.avg_pool2d(tf.nn.avg_pool2d(images, 3, 1, "SAME"), 3, 1, "SAME")
    changed = images + generator.uniform([n, 1, 1, 1], -0.4, 1.0) * (blurred - images)
    coarse = tf.image.resize(tf.nn.avg_pool2d(images, 2, 2, "VALID"), [height, width])
    changed = tf.where(generator.uniform([n, 1, 1, 1]) < 0.3, coarse, changed)
    changed += generator.normal(tf.shape(images)) * generator.uniform([n, 1, 1, 1], 0.0, 0.04)
    chosen = generator.uniform([n, 1, 1, 1]) < 0.5
    return tf.where(chosen, tf.clip_by_value(changed, 0.0, 1.0), images)


def saved_as_jpeg(images: tf.Tensor, quality: tf.Tensor | float) -> tf.Tensor:
    """Grey images as they come back from a JPEG file of `quality` 1 to 100: one number, or [N], one for each image.

    [N, H, W, 1] -> the same shape, in [0, 1]; H and W are multiples of 8, ValueError for others and for colours.
    The two-dimensional cosine transform of each 8x8 block (ITU-T T.81, A.3.3), rounded to multiples of the steps of table K.1
    times a percentage, and back. The percentage for a quality is that of the Independent JPEG Group's library.
    """
    height, width, channels = images.shape[1:]
    if height % 8 or width % 8 or channels != 1:
        raise ValueError(f"images of shape {list(images.shape)}, expected [N, H, W, 1] with H and W multiples of 8.")
    quality = tf.reshape(tf.cast(quality, tf.float32), [-1, 1, 1])
    percent = tf.where(quality < 50, tf.floor(5000 / quality), 200 - 2 * quality)
    steps = tf.clip_by_value(tf.floor((percent * tf.constant(LUMINANCE_STEPS, tf.float32) + 50) / 100), 1, 255)
    steps = tf.tile(steps, [1, height // 8, width // 8])
    # The transform of one block is D block D^T. With D repeated along the diagonal of a matrix it is that of all blocks at once.
    cosines = dct(np.eye(8), axis=0, norm="ortho")
    rows, columns = (tf.constant(np.kron(np.eye(size // 8), cosines), tf.float32) for size in (height, width))
    frequencies = rows @ (tf.round(255 * images[..., 0]) - 128) @ tf.transpose(columns)
    levels = tf.transpose(rows) @ (steps * tf.round(frequencies / steps)) @ columns + 128
    return tf.clip_by_value(tf.round(levels), 0, 255)[..., None] / 255


def jpeg(images: tf.Tensor, generator: tf.random.Generator) -> tf.Tensor:
    """A quarter of the images as after a JPEG file of quality 15 to 90: [N, H, W, 1] -> the same shape.

    Errors as in `saved_as_jpeg`.
    """
    n = tf.shape(images)[0]
    chosen = generator.uniform([n, 1, 1, 1]) < 0.25
    return tf.where(chosen, saved_as_jpeg(images, generator.uniform([n], 15.0, 90.0)), images)


def faces(images: tf.Tensor, generator: tf.random.Generator) -> tf.Tensor:
    """What changes between pictures of the same grey face: pose and crop, light, sharpness, and the loss of a JPEG file.

    Images [N, H, H, 1] in [0, 1], H a multiple of 8 -> the same shape; ValueError for others.
    """
    return jpeg(sharpness(light(pose(images, generator), generator), generator), generator)


def moved(images: tf.Tensor, *, right: tf.Tensor | float = 0.0, down: tf.Tensor | float = 0.0,
          angle: tf.Tensor | float = 0.0, zoom: tf.Tensor | float = 1.0, skew: tf.Tensor | float = 0.0) -> tf.Tensor:
    """Images [N, H, W, C] enlarged and skewed around their centre, turned clockwise, and shifted, in this order.

    right, down  pixels
    angle, skew  degrees; a skew leans upright strokes to the right, as in italics
    zoom         a factor

    Each change is one number for all images or [N], one for each. What comes in from outside is black.
    One bilinear sampling: a shift by whole pixels is exact.
    """
    n = tf.shape(images)[0]
    changes = (right, down, angle, zoom, skew)
    right, down, angle, zoom, skew = (tf.broadcast_to(tf.cast(change, tf.float32), [n]) for change in changes)
    turn, lean = angle * (math.pi / 180), tf.tan(skew * (math.pi / 180))
    # output pixel (x, y) is read at S R (x - cx - right, y - cy - down) / zoom + c: R turns back, S leans back
    cosine, sine = tf.cos(turn) / zoom, tf.sin(turn) / zoom
    a, b = cosine - lean * sine, sine + lean * cosine
    cx, cy = (images.shape[2] - 1) / 2, (images.shape[1] - 1) / 2
    x, y, zero = cx + right, cy + down, tf.zeros([n])
    transforms = tf.stack([a, b, cx - a * x - b * y,
                           -sine, cosine, cy + sine * x - cosine * y, zero, zero], axis=1)
    result = tf.raw_ops.ImageProjectiveTransformV3(
        images=images, transforms=transforms, output_shape=tf.shape(images)[1:3],
        fill_value=0.0, interpolation="BILINEAR", fill_mode="CONSTANT")
    return tf.ensure_shape(result, images.shape)  # which a pipeline of tf.data would lose


def digits(images: tf.Tensor, generator: tf.random.Generator, *, skew: float = 0.0) -> tf.Tensor:
    """Digits [N, H, W, C] in [0, 1], randomly shifted (2 pixels each way), rotated (12 degrees) and zoomed (0.89 to 1.13).

    The 2 pixels suit MNIST, 28x28 pixels of which the digit has about 20x20; images of another size are shifted by as many.
    With `skew`, digits also lean to one side, by up to that many degrees. No mirror: the mirror image of a 2 is not a digit.
    Raises ValueError for images that are no batch, TypeError for a generator that is not TensorFlow's.
    """
    if len(images.shape) != 4:
        raise ValueError(f"images of shape {list(images.shape)}, expected [N, H, W, C]: batch before map, or add the channel "
                         "with images[..., None].")
    if not isinstance(generator, tf.random.Generator):
        raise TypeError(f"generator is a {type(generator).__name__}, expected a tf.random.Generator.")

    def uniform(largest: float) -> tf.Tensor:
        return generator.uniform([tf.shape(images)[0]], -largest, largest)

    return moved(images, right=uniform(2.0), down=uniform(2.0), angle=uniform(12.0),
                 zoom=tf.exp(uniform(0.12)), skew=uniform(skew) if skew else 0.0)


def colour(images: tf.Tensor, generator: tf.random.Generator) -> tf.Tensor:
    """Light of another colour: red, green and blue of each image times a random factor each (0.61 to 1.65), then cut to [0, 1].

    Images [N, H, W, 3] -> the same shape; ValueError for others: a grey image has no colour to change.
    """
    if images.shape[3] != 3:
        raise ValueError(f"The images have {images.shape[3]} channels, expected 3: red, green and blue.")
    factors = tf.exp(generator.uniform([tf.shape(images)[0], 1, 1, 3], -0.5, 0.5))
    return tf.clip_by_value(images * factors, 0.0, 1.0)


def clipped(images: tf.Tensor) -> tf.Tensor:
    """Values of any shape, of which those outside of [0, 1] become 0 or 1, as in a camera."""
    return tf.clip_by_value(images, 0.0, 1.0)


# One change at a time, of any strength: how robust is a network? (what the strength is, strengths, images [N, H, W, C] and one of
# them -> changed images). Of the strengths one changes nothing, and the last ones go far beyond what a training usually has.
CHANGES: dict[str, tuple[str, Sequence[float], Callable[[tf.Tensor, float], tf.Tensor]]] = {
    "Shift": ("to the right (pixels)", range(8), lambda x, s: moved(x, right=s)),
    "Rotation": ("clockwise (degrees)", range(0, 71, 10), lambda x, s: moved(x, angle=s)),
    "Scale": ("factor", (0.5, 0.6, 0.75, 0.9, 1, 1.15, 1.3, 1.5), lambda x, s: moved(x, zoom=s)),
    "Skew": ("to the right (degrees)", range(0, 57, 8), lambda x, s: moved(x, skew=s)),
    "Brightness": ("added to each pixel", (0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7), lambda x, s: clipped(x + s)),
    "Noise": ("standard deviation", (0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7),
              lambda x, s: clipped(x + s * tf.random.stateless_normal(tf.shape(x), seed=[1, 0]))),
}
# ... and two that need colours, images [N, H, W, 3]: reddish light, and all hues moved around the colour circle.
COLOUR_CHANGES: dict[str, tuple[str, Sequence[float], Callable[[tf.Tensor, float], tf.Tensor]]] = {
    "Red light": ("red times, blue divided by", (1, 1.25, 1.5, 2, 2.5, 3, 4, 5), lambda x, s: clipped(x * [s, 1.0, 1 / s])),
    "Hue": ("moved by (degrees)", range(0, 181, 20), lambda x, s: clipped(tf.image.adjust_hue(x, s / 360))),
}
