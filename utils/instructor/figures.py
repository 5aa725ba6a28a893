"""Draw again what data/figures/ holds: figures whose network or time a lesson does not have. Called by course.py.

python -m utils.instructor.figures [NAME ...]

Each NAME.png comes with NAME.json, which says when, with which command and from what it was made, and what the network said.
Only rendered faces, generated digits and scikit-image's own free photographs are shown, whatever COURSE_DATA holds.
"""
import io
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from PIL import Image, ImageOps

from utils import attacks, data, explain, filters, plot, pretrained, session, training
from utils.attacks.inputs import Model
from utils.generative import progressive
from utils.instructor.execute import ROOT
from utils.instructor.files import write_whole
from utils.orientation import curves, selectivity
from utils.quiet import tf

FOLDER = ROOT / "data" / "figures"
WANTED = {"chelsea": "broccoli", "coffee": "goldfish", "rocket": "daisy"}  # for each photograph a class that is far from it
LAYERS = {"first layer": "Conv1_relu", "third block": "block_2_expand_relu"}  # of MobileNetV2, for their orientation tuning
ANGLES, WAVELENGTHS = np.arange(0, 180, 10), (5, 7, 10, 14)  # of the gratings, degrees and pixels; no multiples of the stride, 4
WISHED = ("goldfish", "daisy", "broccoli", "school bus")  # classes that are asked what they prefer
STEPS, PREFERRED_STEPS, PHASE = 150, 120, 300
NETWORK = "MobileNetV2 1.0/224, Apache-2.0"
DOTS = 75  # per inch: one dot for each of the 150 pixels that a photograph of 2 inches is reduced to


def imagenet() -> tuple[Figure, dict[str, Any]] | None:
    """DX on MobileNetV2 for scikit-image's photographs: any other class, and the class of WANTED. None without its weights.

    The modified images are those that a file would hold, rounded to 8 bits.
    """
    known = pretrained.imagenet()
    if known is None:
        return None
    network, names = known
    photos, start = pretrained.free_photographs(), time.perf_counter()
    x = np.stack([photos[name] for name in WANTED])
    seen, wanted = np.argmax(network(x), axis=1), np.array([names.index(name) for name in WANTED.values()])
    away, towards = (_saved(network, x, labels, targeted) for labels, targeted in ((seen, False), (wanted, True)))
    before, columns, measured = _says(network, names, x), [], []
    for found, goals in ((away, [None] * len(x)), (towards, WANTED.values())):
        after, twice = _says(network, names, found.modified), _says(network, names, attacks.round_to_8bit(x + 2 * found.dx))
        columns.append(after)
        measured += [{"photograph": name, "wanted": goal, "before": before[i], "after": after[i], "after twice DX": twice[i],
                      "L2": round(float(found.norms["L2"][i]), 4), "root mean square": round(_rms(found.dx[i]), 3),
                      "largest": round(255 * float(found.norms["Linf"][i])), "fooled": bool(found.success[i])}
                     for i, (name, goal) in enumerate(zip(WANTED, goals))]
    about = {"network": NETWORK, "photographs": "scikit-image: CC0 (chelsea, coffee), public domain (rocket)",
             "steps": STEPS, "seconds": round(time.perf_counter() - start), "attacks": measured}
    return _rows(x, (away.modified, towards.modified), (before, *columns)), about


def readme() -> tuple[Figure, dict[str, Any]]:
    """A rendered face, the modified one as a file holds it, and 50 |DX|, with the two answers of the stored DenseNet.

    Of the first 50 test faces that it gets right, the one whose DX has the median length.
    """
    faces, network = _built_in("faces", train=64), pretrained.load("faces_densenet")
    right = np.flatnonzero(training.predict(network, faces.x_test).argmax(1) == faces.y_test)[:50]
    x, labels = faces.x_test[right], faces.y_test[right]
    found = _saved(network, x, labels, False)
    middle = np.argsort(found.norms["L2"])[len(x) // 2]
    one = slice(middle, middle + 1)
    said = [_says(network, faces.class_names, images[one])[0] for images in (x, found.modified)]
    fig = plot.attack(x[one], found.modified[one], [tuple(map(_caption, said))], width=2.4, title="One face, two answers")
    return fig, {"network": "data/weights/faces_densenet.npz", "face": int(right[middle]), "before": said[0], "after": said[1],
                 "L2": round(float(found.norms["L2"][middle]), 4), "root mean square": round(_rms(found.dx[middle]), 3),
                 "largest": round(255 * float(found.norms["Linf"][middle]))}


def seeing() -> tuple[Figure, dict[str, Any]] | None:
    """What six methods say of MobileNetV2's answers for scikit-image's photographs. None without its weights."""
    known = pretrained.imagenet()
    if known is None:
        return None
    network, names = known
    photos = pretrained.free_photographs()
    x = np.stack(list(photos.values()))
    seen = np.argmax(network(x), axis=1)
    given, said = (network, x, seen), _says(network, names, x)
    small = {name: explain.smoothed(explain.per_pixel(one), 2) for name, one in (
        ("gradient", explain.saliency(*given)), ("SmoothGrad", explain.smooth_grad(*given, samples=16)),
        ("guided backprop", explain.guided_backprop(*given)),
        ("integrated gradients", explain.integrated_gradients(*given, baseline=0.5, most=64)))}
    maps = {"occlusion": explain.drop(*given, size=48, stride=16, fill="blur", score=explain.log_odds), **small,
            "Grad-CAM": explain.grad_cam(*given)}
    fig = plot.heat(x, maps, rows=[_caption(answer) for answer in said], width=1.5,
                    title="MobileNetV2: what its answers depend on")
    return fig, {"network": NETWORK, "photographs": "scikit-image: CC0 (chelsea, coffee), public domain (rocket)",
                 "answers": dict(zip(photos, said))}


def preferred() -> tuple[Figure, dict[str, Any]] | None:
    """Images that four classes of MobileNetV2 prefer, over pixels and over Fourier coefficients. None without its weights."""
    known = pretrained.imagenet()
    if known is None:
        return None
    network, names = known
    labels = np.array([names.index(name) for name in WISHED])
    objective = explain.of_class(network, labels)
    start = np.clip(np.random.default_rng(0).normal(0.5, 0.02, (len(labels), 224, 224, 3)), 0, 1).astype(np.float32)
    ways = {"pixels": {"learning_rate": 0.01}, "Fourier, jitter": {"fourier": True, "jitter": 12, "learning_rate": 0.15}}
    found = {name: explain.visualise(objective, start, steps=PREFERRED_STEPS, **way) for name, way in ways.items()}
    says = {name: _says(network, names, images) for name, images in found.items()}
    fig = plot.images([image for images in found.values() for image in images],
                      [_caption(answer) for answers in says.values() for answer in answers], columns=len(labels), width=2,
                      title="MobileNetV2's preferred images: over pixels (above), Fourier (below)")
    return fig, {"network": NETWORK, "steps": PREFERRED_STEPS, "wanted": list(WISHED), "answers": says}


def orientation() -> tuple[Figure, dict[str, Any]] | None:
    """Orientation tuning of two early layers of MobileNetV2, and of a Gabor filter. None without its weights.

    Of each layer the six most selective channels, among the half that responds most.
    """
    known = pretrained.imagenet()
    if known is None:
        return None
    network, shown, measured = known[0], {}, {}
    inner = next(layer for layer in network.layers if isinstance(layer, tf.keras.Model))  # takes [-1, 1]
    for name, layer in LAYERS.items():
        part = tf.keras.Model(inner.inputs[0], inner.get_layer(layer).output)
        responses = curves(lambda images, part=part: part(2 * images - 1), pretrained.SIDE, ANGLES, WAVELENGTHS, channels=3)
        chosen, strongest = selectivity(responses, ANGLES), responses.max(axis=1)
        best = np.argsort(-np.where(strongest >= np.median(strongest), chosen, 0))[:6]  # a weak channel is selective by chance
        shown[f"MobileNetV2, {name}"] = responses[best]
        measured[name] = {"layer": layer, "channels": len(responses),
                          "selectivity of the six": [round(float(one), 2) for one in chosen[best]],
                          "median": round(float(np.median(chosen)), 2)}
    gabor = filters.gabor(11, wavelength=6, angle=0, sigma=2.5).astype(np.float32)[:, :, None, None]
    shown["a Gabor filter, 11x11"] = curves(lambda images: tf.nn.conv2d(images - 0.5, gabor, 1, "VALID"), 48, ANGLES, WAVELENGTHS)
    fig = plot.tuning(shown, ANGLES, title="Which direction of stripes a channel prefers")
    return fig, {"network": NETWORK, "angles": len(ANGLES), "wavelengths": list(WAVELENGTHS), "layers": measured}


def growing() -> tuple[Figure, dict[str, Any]]:
    """What a GAN that grows draws for ten z after each phase of its training."""
    session.start(0)
    digits, z = _built_in("digits"), np.random.default_rng(2).standard_normal((10, 32)).astype(np.float32)
    rows = {name: network(z).numpy() for name, network in progressive.grow(digits.x_train, steps=PHASE)}
    return plot.strips(rows, title="The same ten z after each phase"), {
        "network": "utils/generative/progressive.py", "data": digits.source, "steps of a phase": PHASE}


FIGURES: dict[str, Callable[[], tuple[Figure, dict[str, Any]] | None]] = {
    "imagenet": imagenet, "readme": readme, "seeing": seeing, "preferred": preferred,
    "orientation": orientation, "growing": growing}


def _built_in(name: str, train: int | None = None) -> data.Dataset:
    """`data.load` without COURSE_DATA: what is stored in data/figures may not come from real data."""
    folder = os.environ.pop("COURSE_DATA", None)
    try:
        return data.load(name, train=train)
    finally:
        if folder is not None:
            os.environ["COURSE_DATA"] = folder


def _saved(network: Model, x: np.ndarray, labels: np.ndarray, targeted: bool) -> attacks.Result:
    """The smallest DX that was found, lengthened so that it survives rounding to 8 bits."""
    found = attacks.dx_attack(network, x, labels, targeted=targeted, steps=STEPS)
    return attacks.smallest_8bit(network, x, labels, found.dx, targeted=targeted)


def _says(network: Model, names: Sequence[str], images: np.ndarray) -> list[tuple[str, float]]:
    """The most likely class of each image and its probability."""
    p = tf.nn.softmax(network(images)).numpy()
    return [(names[int(one.argmax())], round(float(one.max()), 2)) for one in p]


def _caption(answer: tuple[str, float]) -> str:
    return f"{answer[0]} ({100 * answer[1]:.0f} %)"


def _rms(dx: np.ndarray) -> float:
    """The root mean square of a DX [H, W, C], in grey levels of 255."""
    return float(255 * np.sqrt(np.mean(dx**2)))


def _rows(x: np.ndarray, modified: Sequence[np.ndarray], said: Sequence[list]) -> Figure:
    """A row for each of x: the original, and for each entry of `modified` the image and 50 |DX|. All [N, H, W, C]."""
    pictures, titles = [], []
    for i, original in enumerate(x):
        pictures, titles = [*pictures, original], [*titles, _caption(said[0][i])]
        for images, answers in zip(modified, said[1:]):
            pictures += [images[i], np.clip(50 * np.abs(images[i] - original), 0, 1)]
            titles += [_caption(answers[i]), "50 |DX|"]
    return plot.images(pictures, titles, columns=1 + 2 * len(modified), width=2,
                       title="MobileNetV2: original, any other class, a wanted class")


def png(fig: Figure) -> bytes:
    """The figure as a small PNG file, without the white around it but for a few dots."""
    file, small = io.BytesIO(), io.BytesIO()
    fig.savefig(file, dpi=DOTS)
    plt.close(fig)
    picture = Image.open(file).convert("RGB")
    box = ImageOps.invert(picture).getbbox()
    ImageOps.expand(picture.crop(box), 5, "white").save(small, format="png", optimize=True)
    return small.getvalue()


def main(names: list[str]) -> int:
    """Draw and store the figures of these names, all by default."""
    if unknown := [name for name in names if name not in FIGURES]:
        print(f"There is no figure {unknown[0]!r}: choose one of {', '.join(FIGURES)}.", file=sys.stderr)
        return 2
    FOLDER.mkdir(parents=True, exist_ok=True)
    missing = 0
    for name in names or FIGURES:
        made = FIGURES[name]()
        if made is None:
            print(f"{name}: the network's weights are not here; what is stored stays.", file=sys.stderr)
            missing += 1
            continue
        fig, about = made
        picture = png(fig)
        (FOLDER / f".{name}.png").write_bytes(picture)
        os.replace(FOLDER / f".{name}.png", FOLDER / f"{name}.png")
        origin = {"date": time.strftime("%Y-%m-%d"), "command": f"course.py figures {name}"}
        write_whole(FOLDER / f"{name}.json", json.dumps(origin | about, indent=1) + "\n")
        print(f"data/figures/{name}.png: {len(picture) / 1e3:.0f} kB", flush=True)
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
