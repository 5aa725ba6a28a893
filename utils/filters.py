"""Convolution filters of unit 01, in NumPy, written out to be read.

A filter w slides over x without being flipped (other books call this correlation), and is used only where it
fits as a whole: y[i] = sum over j of w[j] x[i + j], d - k + 1 values for d of x and k of w. A picture is
[H, W], or [H, W, 3] in colour: its rows grow downwards. Everything is computed and returned as float64.

Source: Dumoulin and Visin, A guide to convolution arithmetic for deep learning (2016), sections 1.1 and 2; the size
of a result is their relationship 6.
"""
from collections.abc import Sequence

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from utils import other_versions_names

__getattr__ = other_versions_names(__name__)

SOBEL_X = np.array([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]])  # positive where it gets brighter to the right
SOBEL_Y = SOBEL_X.T  # positive where it gets brighter downwards


def convolve(x: np.ndarray, w: np.ndarray) -> np.ndarray:
    """The valid convolution of x [d, ...] with w [k, ...], of the same number of dimensions: d - k + 1 values on each axis.

    Raises ValueError if the dimensions differ or w is larger than x.
    """
    x, w = np.asarray(x, np.float64), np.asarray(w, np.float64)
    if x.ndim != w.ndim:
        raise ValueError(f"x has {x.ndim} dimensions and w has {w.ndim}: give both the same number.")
    if any(k > d for d, k in zip(x.shape, w.shape)):
        raise ValueError(f"w, {list(w.shape)}, is larger than x, {list(x.shape)}: take a smaller filter.")
    windows = sliding_window_view(x, w.shape)  # [d - k + 1 ..., k ...], a view: no value is copied
    return np.einsum(windows, range(2 * x.ndim), w, range(x.ndim, 2 * x.ndim))


def same_padded(x: np.ndarray, w: np.ndarray) -> np.ndarray:
    """The SAME convolution of x with w: x is padded with (k - 1) / 2 zeros on each side, the result is as large as x.

    x [d, ...] and w [k, ...] have the same number of dimensions. Raises ValueError unless all k are odd, and as `convolve`.
    """
    if any(k % 2 == 0 for k in np.shape(w)):
        raise ValueError(f"w has shape {list(np.shape(w))}: take odd sizes, so that (k - 1) / 2 is whole.")
    return convolve(np.pad(x, [((k - 1) // 2, (k - 1) // 2) for k in np.shape(w)]), w)


def output_size(d: int, k: int, padding: int = 0, stride: int = 1) -> int:
    """How many results a filter of k weights has on d values: floor((d + 2 padding - k) / stride) + 1.

    padding  zeros on each side
    Raises ValueError if the filter is larger than the padded values, or the stride is below 1.
    """
    if k > d + 2 * padding or stride < 1:
        raise ValueError(f"k = {k}, stride = {stride}: take k up to d + 2 padding = {d + 2 * padding}, "
                         "and a stride of 1 or more.")
    return (d + 2 * padding - k) // stride + 1


def convolve_channels(x: np.ndarray, w: np.ndarray, stride: int = 1) -> np.ndarray:
    """The layer of a network, without bias: x [H, W, C] with N filters w [kh, kw, C, N] -> [H', W', N].

    Each filter reads all C channels and gives one map; sizes as `output_size`, without padding. Raises ValueError if the
    channels differ.
    """
    x, w = np.asarray(x, np.float64), np.asarray(w, np.float64)
    if x.ndim != 3 or w.ndim != 4 or x.shape[2] != w.shape[2]:
        raise ValueError(f"x is {list(x.shape)} and w is {list(w.shape)}: expected [H, W, C] and [kh, kw, C, N] with the same C.")
    windows = sliding_window_view(x, w.shape[:2], axis=(0, 1))[::stride, ::stride]  # [H', W', C, kh, kw]
    return np.einsum("ijcab,abcn->ijn", windows, w)


def receptive_field(sizes: Sequence[int], strides: Sequence[int]) -> list[int]:
    """How many values of the input one result of each layer depends on, along one axis, for filters on filters.

    sizes, strides  k and s of each layer, from the input on
    Source: Araujo, Norris and Sim, Computing receptive fields of convolutional neural networks (2019), equation 2.
    """
    fields, jump = [1], 1  # jump: the distance of two neighbours of this layer, in values of the input
    for k, s in zip(sizes, strides, strict=True):
        fields.append(fields[-1] + (k - 1) * jump)
        jump *= s
    return fields[1:]


# smoothing --------------------------------------------------------------------------------------------------

def uniform(k: int, dims: int = 1) -> np.ndarray:
    """The filter that takes the mean of k values: [k], [k, k] in two dimensions, and so on."""
    return np.full([k] * dims, 1 / k**dims)


def gaussian(k: int, sigma: float, dims: int = 1) -> np.ndarray:
    """A bell of k weights around its centre, with standard deviation `sigma` (in samples) and sum 1: [k], with dims=2 [k, k]."""
    distance = np.arange(k) - (k - 1) / 2
    w = np.exp(-distance**2 / (2 * sigma**2))
    w /= w.sum()
    return w if dims == 1 else np.multiply.outer(w, gaussian(k, sigma, dims - 1))


# pattern matching -------------------------------------------------------------------------------------------

def match(x: np.ndarray, pattern: np.ndarray) -> np.ndarray:
    """The plain match: the sum of the products of each window of x with the pattern, d - k + 1 values on each axis.

    x [d, ...] and the pattern [k, ...] have the same number of dimensions; errors as in `convolve`. Brighter (louder) positions
    match better, whatever they look like.
    """
    return convolve(x, pattern)


def normalised_match(x: np.ndarray, pattern: np.ndarray) -> np.ndarray:
    """The correlation coefficient of the pattern [k, ...] with each window of x [d, ...], in [-1, 1]; 0 for a constant window.

    Neither a brightness added to x nor a contrast multiplied to it changes anything. Raises ValueError for a
    constant pattern, and as `convolve`. Source: Lewis, Fast normalized cross-correlation (1995), equation 2.
    """
    x, pattern = np.asarray(x, np.float64), np.asarray(pattern, np.float64)
    x, pattern = x - x.mean(), pattern - pattern.mean()
    length = np.sqrt(np.sum(pattern**2))
    if length < 1e-9:
        raise ValueError("The pattern is constant: it has no contrast that could match.")
    sums, squares = _window_sums(x, pattern.shape), _window_sums(x**2, pattern.shape)
    spread = np.maximum(squares - sums**2 / pattern.size, 0)
    flat = spread < 1e-9 * pattern.size * max(np.mean(x**2), 1e-12)
    y = match(x, pattern) / (length * np.sqrt(np.where(flat, 1, spread)))
    return np.where(flat, 0, np.clip(y, -1, 1))


def _window_sums(x: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """The sum of each window of x, one axis after the other: k + k values to add in place of k x k."""
    for axis, k in enumerate(shape):
        x = convolve(x, np.ones([k if a == axis else 1 for a in range(x.ndim)]))
    return x


# edges ------------------------------------------------------------------------------------------------------

def oriented_edge(angle: float) -> np.ndarray:
    """The edge filter [3, 3] that responds most where it gets brighter in the direction `angle`.

    angle  radians; 0 to the right, pi/2 downwards
    Source: Freeman and Adelson, The design and use of steerable filters (1991), section II.
    """
    return np.cos(angle) * SOBEL_X + np.sin(angle) * SOBEL_Y


def gradient(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Magnitude and direction of the gradient of a grey picture [H, W], by Sobel: [H - 2, W - 2] each.

    The magnitude is in brightness per pixel; the direction, in radians in [-pi, pi], is where it gets
    brighter: 0 to the right, pi/2 downwards.
    """
    gx, gy = convolve(x, SOBEL_X) / 8, convolve(x, SOBEL_Y) / 8
    return np.hypot(gx, gy), np.arctan2(gy, gx)


def gabor(k: int, wavelength: float, angle: float, sigma: float, phase: float = 0.0) -> np.ndarray:
    """A grating [k, k] under a Gaussian window, with sum 0 and sum of squares 1.

    wavelength, sigma  pixels
    angle              radians, the direction in which the grating changes: 0 to the right, pi/2 downwards
    phase              radians; 0 is bright in the centre, pi/2 is an edge
    Source: Daugman, Uncertainty relation ... optimized by two-dimensional visual cortical filters (1985).
    """
    y, x = np.mgrid[:k, :k] - (k - 1) / 2
    window = np.exp(-(x**2 + y**2) / (2 * sigma**2))
    wave = np.cos(2 * np.pi * (x * np.cos(angle) + y * np.sin(angle)) / wavelength - phase)
    w = window * (wave - np.sum(window * wave) / np.sum(window))
    return w / np.sqrt(np.sum(w**2))


# town or landscape ------------------------------------------------------------------------------------------

def vertical_edges(x: np.ndarray) -> np.ndarray:
    """Sobel's response to the vertical edges of a grey picture [H, W]: SOBEL_X / 8, [H - 2, W - 2].

    In brightness per pixel, as in `gradient`: in [-0.5, 0.5], positive where it gets brighter to the right.
    """
    return convolve(x, SOBEL_X / 8)


def long_verticals(x: np.ndarray, length: int = 61) -> np.ndarray:
    """Vertical edges, then the mean of `length` of them below one another: [H - 1 - length, W - 2].

    An edge counts with its sign, so that only a long straight one adds up; leaves and stones cancel.
    """
    return convolve(vertical_edges(x), uniform(length)[:, None])
