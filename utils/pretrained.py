"""Networks that are trained already: those that the course trained and stored, and one that knows the 1,000 classes of ImageNet.

`load(name)` gives a stored network, ready to use; of a GAN only the generator is stored. The weights are in
data/weights/NAME.npz, as 16-bit numbers; `course.py weights` trains them again, on built-in data only.

`imagenet()` gives MobileNetV2 (Sandler et al. 2018), where its weights are at hand: `imagenet/mobilenet_v2_224_int8.npz` in the
folder that COURSE_DATA names (batch norm folded into 8-bit kernels `k00`.. with scales `s00`.. and biases `b00`.., and `labels`),
or those that Keras keeps in its cache, or downloads.
"""
import contextlib
import io
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from utils import networks
from utils.data import folder_of_real_data, signs
from utils.data.images import open_picture, to_float
from utils.defences.denoiser import denoising_network
from utils.generative import stored
from utils.generative.gans import GAN
from utils.quiet import tf

keras = tf.keras
SIDE = 224
IN_CACHE = ("mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224.h5", "imagenet_class_index.json")  # Keras' names
REAL = {"daisy": "sunflower.png", "chickadee": "bird.png", "Egyptian cat": "cat_720p.jpg", "dragonfly": "dragonfly.png",
        "macaw": "parrot.jpg", "hotdog": "hot_dog.jpg"}  # the class that the network finds in each, and its file
BUILT_IN = ("chelsea", "coffee", "rocket")  # in scikit-image's own wheel: a cat, a cup, a rocket
SIGMA, WINNERS, TEMPERATURE = 0.25, 0.15, 100.0  # of the noise, the share of winners, and of the softmax in training: unit 08
# The small network without a defence and with eight: utils/instructor/defended.py has the loss of each.
DEFENDED = ("digits_small", "digits_fgsm", "digits_trades", "digits_ensemble", "digits_gradient_penalty", "digits_distilled",
            "digits_k_winners", "digits_smooth", "digits_interval")
FOLDER = Path(__file__).parents[1] / "data" / "weights"


def digits_lenet() -> tf.keras.Model:
    """LeNet for 28x28 digits, images -> logits [N, 10]."""
    return networks.lenet(padding="valid")


def digits_adversarial() -> tf.keras.Model:
    """The network of `digits_lenet`, trained on adversarial images: PGD, Linf 0.2 (`defences.pgd_loss`)."""
    return digits_lenet()


def digits_dense() -> tf.keras.Model:
    """16 hidden units on digits of 14x14 (`images.halved`), images -> logits [N, 10]: small enough for exact minima."""
    return keras.Sequential([keras.Input([14, 14, 1]), keras.layers.Flatten(), keras.layers.Dense(16, activation="relu"),
                             keras.layers.Dense(10)])


def digits_two_layers() -> tf.keras.Model:
    """Two hidden layers of 8 units on digits of 14x14 (`images.halved`), images -> logits [N, 10]: for exact minima too."""
    return keras.Sequential([keras.Input([14, 14, 1]), keras.layers.Flatten(), keras.layers.Dense(8, activation="relu"),
                             keras.layers.Dense(8, activation="relu"), keras.layers.Dense(10)])


def signs_three_convolutions() -> networks.Chain:
    """Three convolutions and one dense layer for traffic signs of 32x32 in colour, images -> logits [N, 6]: 17,414 parameters."""
    return networks.Chain([
        networks.Conv(3, 16), networks.maxpool,   # [N, 16, 16, 16]
        networks.Conv(16, 32), networks.maxpool,  # [N, 8, 8, 32]
        networks.Conv(32, 32), networks.maxpool,  # [N, 4, 4, 32]
        networks.flat, networks.FullyConnected(4 * 4 * 32, len(signs.CLASS_NAMES), relu=False),
    ], (signs.SIDE, signs.SIDE, 3))


def digits_small() -> tf.keras.Model:
    """Two convolutions with stride 2 and two dense layers for 28x28 digits, images -> logits [N, 10]: 28,874 parameters.

    The network of unit 08's defences (digits_smooth, digits_interval and so on): trained in half the time of LeNet, and without
    pooling, which loosens interval bounds.
    """
    convolutions = [keras.layers.Conv2D(filters, 5, strides=2, padding="same", activation="relu") for filters in (8, 16)]
    return keras.Sequential([keras.Input([28, 28, 1]), *convolutions, keras.layers.Flatten(),
                             keras.layers.Dense(32, activation="relu"), keras.layers.Dense(10)])


def digits_denoiser_pixels() -> tf.keras.Model:
    """A denoiser in front of `digits_small`, images -> images (`defences.denoising_network`)."""
    return denoising_network()


BUILD: dict[str, Callable] = {"digits_lenet": digits_lenet, "digits_adversarial": digits_adversarial,
                              "digits_dense": digits_dense, "digits_two_layers": digits_two_layers, **stored.BUILD,
                              **dict.fromkeys(DEFENDED, digits_small),
                              **dict.fromkeys(("digits_denoiser_pixels", "digits_denoiser_logits"), digits_denoiser_pixels),
                              "faces_three_convolutions": networks.three_convolutions, "faces_densenet": networks.DenseNet,
                              "faces_adversarial": networks.three_convolutions, "faces_smooth": networks.three_convolutions,
                              "signs_three_convolutions": signs_three_convolutions}


def load(name: str, **options: Any) -> tf.Module | GAN:
    """The network `name`, one of BUILD, with its stored weights.

    `options` are those of the function of that name. The discriminator of a GAN is a new one. Raises ValueError for an unknown
    name and for a file that is missing or does not fit.
    """
    network = build(name, **options)
    path, again = FOLDER / f"{name}.npz", "get it again, or train it with `python3 course.py weights`."
    if not path.is_file():
        raise ValueError(f"data/weights has no file {path.name}: {again}")
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = dict(archive)
    except Exception as error:  # truncated, not an archive, pickled: each raises its own
        raise ValueError(f"{path.name} cannot be read, it is cut off or not an NPZ file: {again}") from error
    if {key: array.shape for key, array in arrays.items()} != shapes(network):
        raise ValueError(f"{path.name} has weights of another network than utils/pretrained.py builds: {again}")
    if not all(array.dtype.kind == "f" and np.isfinite(array).all() for array in arrays.values()):
        raise ValueError(f"{path.name} holds values that are not finite numbers: {again}")
    for key, variable in variables(network).items():
        variable.assign(arrays[key].astype(np.float32))
    if isinstance(network, GAN):
        network.averaged.set_weights(network.generator.get_weights())
    return network


def build(name: str, **options: Any) -> tf.Module | GAN:
    """The network `name`, one of BUILD, with its first weights. Raises ValueError for an unknown name."""
    if name not in BUILD:
        raise ValueError(f"There are no weights {name!r}: choose one of {', '.join(map(repr, BUILD))}.")
    return BUILD[name](**options)


def shapes(network: tf.Module | GAN) -> dict[str, tuple[int, ...]]:
    """The shape of each variable that inference needs, by the name under which it is stored."""
    return {key: tuple(variable.shape) for key, variable in variables(network).items()}


def variables(network: tf.Module | GAN) -> dict[str, tf.Variable]:
    """All variables that inference needs, by the name under which they are stored."""
    parts = {"generator": network.generator} if isinstance(network, GAN) else {"network": network}
    return {f"{part}_{i:02d}": variable for part, model in parts.items()
            for i, variable in enumerate(model.weights if isinstance(model, tf.keras.Model) else model.variables)}


def imagenet(download: bool = False) -> tuple[tf.keras.Model, list[str]] | None:
    """(model, class_names), or None where the weights are not at hand.

    model        images [N, 224, 224, 3] in [0, 1] -> logits [N, 1000]
    class_names  the 1,000 names, in the order of the logits

    Looks in COURSE_DATA, then in Keras' cache. With `download` Keras may fetch what is not there (14 MB); without a network
    that gives None too, and prints nothing. Raises ValueError for a file in COURSE_DATA that is not as described above.
    """
    path = _folder() / "mobilenet_v2_224_int8.npz"
    if path.exists():
        try:
            with np.load(path) as arrays:
                return _from_arrays(dict(arrays))
        except Exception as error:  # a truncated file, a missing array, a wrong shape: each raises its own
            raise ValueError(f"{path.name} in COURSE_DATA is damaged, or is not the file that utils/pretrained.py "
                             f"describes: copy it again.") from error
    return _from_keras(download)


def photographs() -> dict[str, np.ndarray]:
    """{what is to be seen: float32 [224, 224, 3] in [0, 1], 8-bit}: from COURSE_DATA/imagenet/images, or `free_photographs`."""
    folder = _folder() / "images"
    if folder.is_dir():
        return {name: photograph(folder / file) for name, file in REAL.items()}
    return free_photographs()


def free_photographs() -> dict[str, np.ndarray]:
    """{name: float32 [224, 224, 3] in [0, 1], 8-bit}: photographs of scikit-image's own wheel.

    They may be shown (data/README.md).
    """
    import skimage.data

    return {name: _square(Image.fromarray(getattr(skimage.data, name)())) for name in BUILT_IN}


def photograph(path: str | Path) -> np.ndarray:
    """A picture file as `imagenet` expects it: the largest square in the middle, float32 [224, 224, 3] in [0, 1], 8-bit.

    Raises FileNotFoundError, or ValueError for a file that is not a picture (`images.open_picture`).
    """
    return _square(open_picture(path))


def _folder() -> Path:
    return (folder_of_real_data() or Path(os.devnull)) / "imagenet"


def _square(photo: Image.Image) -> np.ndarray:
    """The largest square in the middle, float32 [224, 224, 3] in [0, 1]."""
    width, height = photo.size
    side = min(width, height)
    left, top = (width - side) // 2, (height - side) // 2
    photo = photo.convert("RGB").crop((left, top, left + side, top + side)).resize((SIDE, SIDE), 2)  # 2 is bilinear
    return to_float(np.asarray(photo))


def _complete(network: keras.Model) -> keras.Model:
    """`network` expects [-1, 1]: the model that takes [0, 1]."""
    images = keras.Input([SIDE, SIDE, 3])
    return keras.Model(images, network(keras.layers.Rescaling(2.0, offset=-1.0)(images)))


def _from_arrays(arrays: dict[str, np.ndarray]) -> tuple[keras.Model, list[str]]:
    network = keras.applications.MobileNetV2(weights=None, classifier_activation=None)
    number = 0
    for layer in network.layers:
        if isinstance(layer, (keras.layers.Conv2D, keras.layers.DepthwiseConv2D, keras.layers.Dense)):
            kernel, scale, bias = (arrays[f"{letter}{number:02d}"] for letter in "ksb")
            depthwise = isinstance(layer, keras.layers.DepthwiseConv2D)  # its output channels are on axis 2
            kernel = kernel * (scale[:, None] if depthwise else scale)
            layer.set_weights([kernel, bias] if isinstance(layer, keras.layers.Dense) else [kernel])
            number += 1
        elif isinstance(layer, keras.layers.BatchNormalization):  # is folded into the kernel: only adds the bias
            one, zero = np.ones_like(bias), np.zeros_like(bias)
            layer.set_weights([one, bias, zero, one - layer.epsilon])
    return _complete(network), [_short(name.decode()) for name in arrays["labels"]]


def _from_keras(download: bool) -> tuple[keras.Model, list[str]] | None:
    cache = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras") / "models"
    if not download and not all((cache / file).exists() for file in IN_CACHE):
        return None
    patience = socket.getdefaulttimeout()
    try:
        socket.setdefaulttimeout(5)  # seconds without an answer: Keras itself would wait for ever
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            network = keras.applications.MobileNetV2(weights="imagenet", classifier_activation=None)
            decoded = keras.applications.mobilenet_v2.decode_predictions(np.eye(1000), top=1)
    except Exception:  # Keras raises a plain Exception where there is no network, and others for half a file
        return None
    finally:
        socket.setdefaulttimeout(patience)
    return _complete(network), [_short(name) for [(_, name, _)] in decoded]


def _short(name: str) -> str:
    """The first of the names of a class, with spaces: the two sources write them differently."""
    return name.split(",")[0].replace("_", " ")
