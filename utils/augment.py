"""Random changes of training images that keep their label: pose, crop, light, sharpness. Batched, for compiled loops."""
import math

from utils.quiet import tf


def mirror(images: tf.Tensor, generator: tf.random.Generator) -> tf.Tensor:
    """Each image, or with probability one half its mirror image: [N, H, W, C] -> the same shape."""
    chosen = generator.uniform([tf.shape(images)[0], 1, 1, 1]) < 0.5
    return tf.where(chosen, tf.reverse(images, axis=[2]), images)


def pose(images: tf.Tensor, generator: tf.random.Generator) -> tf.Tensor:
    """Random mirror, zoom (0.8 to 1.5), aspect, rotation and shift of each image, in one bilinear sampling.

    Zoom 1.5 is a crop that is 8 pixels of 48 tighter on each side. Outside of the image, its edge pixels are repeated.
    """
    n, size = tf.shape(images)[0], images.shape[1]

    def uniform(low: float, high: float) -> tf.Tensor:
        return generator.uniform([n], low, high)

    zoom = tf.exp(uniform(math.log(0.8), math.log(1.5)))
    aspect = tf.exp(uniform(-0.12, 0.12))
    angle = generator.normal([n], 0.0, math.radians(9))
    flip = tf.sign(uniform(-1.0, 1.0))
    shift_x, shift_y = uniform(-0.08, 0.08) * size, uniform(-0.08, 0.08) * size
    # output pixel (x, y) is read at A (x - c - shift) + c, with c the centre and A = mirror, rotation, 1 / zoom
    a, b = flip * tf.cos(angle) / (zoom * aspect), -flip * tf.sin(angle) / zoom * aspect
    d, e = tf.sin(angle) / (zoom * aspect), tf.cos(angle) / zoom * aspect
    centre = (size - 1) / 2
    x, y = centre + shift_x, centre + shift_y
    transforms = tf.stack([a, b, centre - a * x - b * y, d, e, centre - d * x - e * y,
                           tf.zeros([n]), tf.zeros([n])], axis=1)
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=images, transforms=transforms, output_shape=tf.shape(images)[1:3],
        fill_value=0.0, interpolation="BILINEAR", fill_mode="NEAREST")


def light(images: tf.Tensor, generator: tf.random.Generator) -> tf.Tensor:
    """Random gamma, contrast, brightness and a light gradient across each image; the result stays in [0, 1]."""
    n, height, width = tf.shape(images)[0], images.shape[1], images.shape[2]

    def uniform(low: float, high: float) -> tf.Tensor:
        return generator.uniform([n, 1, 1, 1], low, high)

    across = tf.reshape(tf.linspace(-1.0, 1.0, width), [1, 1, width, 1])
    down = tf.reshape(tf.linspace(-1.0, 1.0, height), [1, height, 1, 1])
    mean = tf.reduce_mean(images, axis=[1, 2], keepdims=True)
    images = tf.pow(tf.maximum(images, 1e-3), tf.exp(uniform(-0.4, 0.4)))
    images = mean + (images - mean) * tf.exp(uniform(-0.5, 0.4)) + uniform(-0.12, 0.12)
    return tf.clip_by_value(images + uniform(-0.12, 0.12) * across + uniform(-0.12, 0.12) * down, 0.0, 1.0)


def sharpness(images: tf.Tensor, generator: tf.random.Generator) -> tf.Tensor:
    """Between sharpened and blurred, sometimes of half the resolution, with a little noise; in [0, 1]."""
    n, height, width = tf.shape(images)[0], images.shape[1], images.shape[2]
    blurred = tf.nn.avg_pool2d(tf.nn.avg_pool2d(images, 3, 1, "SAME"), 3, 1, "SAME")
    images += generator.uniform([n, 1, 1, 1], -0.4, 1.0) * (blurred - images)
    coarse = tf.image.resize(tf.nn.avg_pool2d(images, 2, 2, "VALID"), [height, width])
    images = tf.where(generator.uniform([n, 1, 1, 1]) < 0.2, coarse, images)
    noise = generator.normal(tf.shape(images)) * generator.uniform([n, 1, 1, 1], 0.0, 0.03)
    return tf.clip_by_value(images + noise, 0.0, 1.0)


def cut_out(images: tf.Tensor, generator: tf.random.Generator) -> tf.Tensor:
    """A quarter of the images get a grey rectangle of up to a third of the side (DeVries and Taylor 2017)."""
    n, height, width = tf.shape(images)[0], images.shape[1], images.shape[2]

    def uniform(low: float, high: float) -> tf.Tensor:
        return generator.uniform([n, 1, 1, 1], low, high)

    rows = tf.reshape(tf.range(height, dtype=tf.float32), [1, height, 1, 1])
    columns = tf.reshape(tf.range(width, dtype=tf.float32), [1, 1, width, 1])
    inside = ((tf.abs(rows - uniform(0.0, height)) < uniform(0.05, 0.17) * height)
              & (tf.abs(columns - uniform(0.0, width)) < uniform(0.05, 0.17) * width)
              & (uniform(0.0, 1.0) < 0.25))
    return tf.where(inside, uniform(0.0, 1.0), images)


def faces(images: tf.Tensor, generator: tf.random.Generator) -> tf.Tensor:
    """What changes between pictures of the same face: pose, crop, light, sharpness, something in front."""
    return cut_out(sharpness(light(pose(images, generator), generator), generator), generator)
