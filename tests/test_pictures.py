"""Pictures, scenes and sounds of unit 01: where they come from, that they are what they claim, that they are
repeatable."""
import importlib.metadata

import numpy as np
import pytest
from PIL import Image
from scipy import signal

from utils import filters
from utils.data import photo, scenes, sounds, views
from utils.data.images import to_grey
from utils.data.pictures import PICTURES, houses, natural_noise, picture
from utils.instructor.execute import ROOT

DISTRIBUTION = {"skimage": "scikit-image", "sklearn": "scikit-learn"}


@pytest.mark.parametrize("name", PICTURES)
def test_picture_is_in_the_wheel_and_its_licence_in_the_text(name):
    """scikit-image downloads what its wheel does not hold: the file must be one that pip installed."""
    source = PICTURES[name]
    installed = [str(path) for path in importlib.metadata.files(DISTRIBUTION[source.package])]
    assert f"{source.package}/{source.file}" in installed
    text = (ROOT / "data" / "README.md").read_text(encoding="utf-8")
    row = next(line for line in text.splitlines() if line.startswith(f"| `{name}`"))
    assert source.author in row and source.licence in row
    colour, grey = picture(name), picture(name, grey=True)
    assert colour.dtype == grey.dtype == np.float32 and colour.shape == (*grey.shape, 3)
    assert colour.min() >= 0 and 0.5 < colour.max() <= 1


def test_picture_is_the_one_that_the_package_gives():
    from sklearn.datasets import load_sample_image
    from skimage import data
    np.testing.assert_array_equal(picture("china"), load_sample_image("china.jpg") / np.float32(255))
    np.testing.assert_array_equal(picture("coffee"), data.coffee() / np.float32(255))


def test_own_picture_is_upright_and_small(tmp_path):
    file = tmp_path / "mine.jpg"
    photo = Image.new("RGB", (1600, 800), (200, 30, 40))
    exif = photo.getexif()
    exif[0x0112] = 6  # turned by a quarter
    photo.save(file, exif=exif)
    assert picture(str(file)).shape == (640, 320, 3)
    assert picture(file, grey=True, width=100).shape == (200, 100)
    np.testing.assert_allclose(picture(file)[0, 0], np.array([200, 30, 40]) / 255, atol=0.02)


def test_own_picture_in_16_bits_is_as_bright_as_in_8(tmp_path):
    ramp = np.linspace(0, 65535, 300 * 400).reshape(300, 400).astype(np.uint16)
    Image.fromarray(ramp).save(tmp_path / "grey.png")
    np.testing.assert_allclose(picture(tmp_path / "grey.png", grey=True), ramp / 65535, atol=0.003)


@pytest.mark.parametrize("content, words", [
    (None, "There is no file"), (b"not a picture", "cannot be read as a picture"),
    (b"\x89PNG\r\n\x1a\n1234", "cannot be read as a picture")])
def test_own_picture_that_is_none_gets_a_sentence(tmp_path, content, words):
    file = tmp_path / "mine.png"
    if content:
        file.write_bytes(content)
    with pytest.raises(ValueError, match=words):
        picture(str(file))


def test_grey_weighs_the_colours():
    red_green_blue = np.eye(3, dtype=np.float32)[None]
    np.testing.assert_allclose(to_grey(red_green_blue)[0], [0.299, 0.587, 0.114], rtol=1e-6)
    assert to_grey(np.ones((2, 2, 3), np.float32)) == pytest.approx(1)


def spectrum_slope(x: np.ndarray) -> float:
    """Slope of the amplitude spectrum against the frequency, both in logarithms, from the middle of a grey
    picture."""
    n = min(x.shape)
    x = x[-n:, :n] - x[-n:, :n].mean()
    amplitude = np.abs(np.fft.fft2(x * np.hanning(n)[:, None] * np.hanning(n)))
    ring = np.hypot(*np.meshgrid(np.fft.fftfreq(n, 1 / n), np.fft.fftfreq(n, 1 / n))).astype(int).ravel()
    mean = np.bincount(ring, amplitude.ravel()) / np.bincount(ring)
    k = np.arange(4, n // 3)
    return np.polyfit(np.log(k), np.log(mean[k]), 1)[0]


@pytest.mark.parametrize("slope", [0.0, 1.0, 1.7])
def test_natural_noise_has_the_slope_asked_for(slope):
    noise = natural_noise(3, 256, 256, slope)
    assert spectrum_slope(noise) == pytest.approx(-slope, abs=0.1)
    assert noise.mean() == pytest.approx(0, abs=1e-9) and noise.std() == pytest.approx(1)


@pytest.mark.parametrize("seed", range(4))
def test_views_have_the_spectrum_of_natural_images(seed):
    """Field (1987) measured 1/f; the photographs at hand have -0.8 to -1.2."""
    assert -1.3 < spectrum_slope(views.country(seed, grey=True)) < -0.65
    assert -1.4 < spectrum_slope(views.town(seed, grey=True)) < -0.8


@pytest.mark.parametrize("draw", [houses, views.town, views.country])
def test_rendered_pictures(draw):
    x = draw(5, 120, 180)
    assert x.shape == (120, 180, 3) and x.dtype == np.float32 and 0 <= x.min() < 0.35 and 0.8 < x.max() <= 1
    np.testing.assert_array_equal(x, draw(5, 120, 180))
    np.testing.assert_array_equal(to_grey(x), draw(5, 120, 180, grey=True))
    assert np.abs(x - draw(6, 120, 180)).mean() > 0.02


def test_lines_of_a_street_meet_in_one_point_and_upright_ones_stay_upright():
    """The camera of the views: what lies ahead at the height of the eye is on the horizon, whatever its distance."""
    canvas = views.Canvas(np.random.default_rng(0), np.ones((60, 90, 3)), horizon=40)
    columns, rows = np.transpose([canvas.seen(3, y, z) for z in (5, 50, 5e6) for y in (0, 4)]).reshape(2, 3, 2)
    assert (columns[:, 0] == columns[:, 1]).all()
    np.testing.assert_allclose([columns[2], rows[2]], [[90, 90], [80, 80]], atol=0.01)  # drawn twice as large
    assert canvas.seen(0, views.EYE, 7)[1] == 80


def test_a_wood_has_more_long_verticals_than_a_bare_meadow():
    wood, bare = ([np.abs(filters.long_verticals(views.country(seed, grey=True, trees=trees))).mean() for seed in range(6)]
                  for trees in (30, 0))
    assert np.mean(wood) > 1.2 * np.mean(bare)


def test_letters_are_found_on_their_page_and_not_on_the_bricks():
    found = {c: np.argwhere(filters.normalised_match(scenes.page(), scenes.letter(c)) > 0.85) for c in "ea"}
    assert {c: len(places) for c, places in found.items()} == {c: scenes.TEXT.count(c) for c in "ea"}
    assert max(places[:, 1].max() for places in found.values()) < 215
    assert filters.normalised_match(scenes.page(18), scenes.letter("e")).max() < 0.7


def test_stop_sign_is_where_the_street_says():
    scene, stop, other = scenes.street()
    pattern = scenes.stop_sign()
    y = filters.normalised_match(scene, pattern)[..., 0]
    assert np.unravel_index(y.argmax(), y.shape) == stop and y.max() > 0.9 and y[other] < 0.3
    grey = filters.normalised_match(to_grey(scene), to_grey(pattern))
    assert grey[stop] > 0.9 and grey[other] > 0.9


def test_ladybird_is_where_the_frames_say():
    frames, places = scenes.ladybird()
    assert frames.shape == (24, 120, 240, 3) and places.shape == (24, 2)
    height, width = scenes.BUG
    for frame, (row, column) in zip(frames, places):
        red = frame[..., 0] - frame[..., 1] > 0.2 * frame.max()
        middle = np.argwhere(red).mean(axis=0)
        np.testing.assert_allclose(middle, [row + height / 2 - 0.5, column + width / 2 - 1], atol=1.5)


def test_call_is_where_the_forest_says():
    sound, starts = sounds.forest()
    assert sound.shape == (4 * sounds.RATE,) and np.abs(sound).max() <= 1
    y = signal.correlate(sound, sounds.call(), mode="valid")
    for start in starts:
        nearby = np.arange(start - 200, start + 200)
        assert nearby[np.abs(y[nearby]).argmax()] == start
    np.testing.assert_array_equal(sound, sounds.forest()[0])


def test_whistle_glides_between_its_frequencies():
    sound = sounds.whistle(500, 1500, 1.0)
    frequency = np.diff(np.unwrap(np.angle(signal.hilbert(sound)))) * sounds.RATE / (2 * np.pi)
    time = (np.arange(len(frequency)) + 0.5) / sounds.RATE
    np.testing.assert_allclose(frequency[800:-800], (500 + 1000 * time)[800:-800], rtol=0.02)


def test_melody_stays_below_440_hertz():
    sound = sounds.melody()
    power = np.abs(np.fft.rfft(sound)) ** 2
    frequency = np.fft.rfftfreq(len(sound), 1 / sounds.RATE)
    assert power[frequency < 500].sum() > 0.99 * power.sum() and 0.3 < np.abs(sound).max() <= 0.5


def test_every_function_that_takes_a_path_opens_it_in_the_same_way(tmp_path, monkeypatch):
    """`~` is the home folder, and 16-bit grey keeps its levels, in a picture for filters and in a photograph of a face."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    levels = np.linspace(0, 65535, 64 * 48).reshape(48, 64).astype(np.uint16)
    Image.fromarray(levels).save(tmp_path / "mine.png")
    grey = picture("~/mine.png", grey=True)
    np.testing.assert_allclose(grey, levels / 65535, atol=1 / 255)
    np.testing.assert_allclose(photo.read_photo("~/mine.png"), grey, atol=1e-6)
    assert photo.crop_face("~/mine.png", ((20, 20), (40, 20))).shape == (48, 48, 1)
    for opened in (picture, photo.read_photo):
        with pytest.raises((ValueError, FileNotFoundError), match="There is no file '~/none.png'"):
            opened("~/none.png")
