"""Rendered faces: 8-bit pictures that follow from their factors, and a label whose overlap is known."""
import re

import numpy as np
import pytest
from scipy import stats
from sklearn.linear_model import LogisticRegression

from utils.data import face_geometry
from utils.data.images import EYES
from utils.data.rendered import (
    CHOSEN, FREE, MEASURED, best_possible, log_odds, render, rendered_faces, sample_factors)

PLAIN = {  # a face from the front, in even light
    "label": 0, "hair_length": 10, "jaw_width": 0.3, "brow_thickness": 2, "brow_distance": 5,
    "lip_fullness": 1, "lashes": 0.5, "face_length": 1, "nose_width": 1, "hair_style": 2, "beard": 0,
    "moustache": 0, "skin": 0.4, "age": 50, "yaw": 0, "pitch": 0, "roll": 0, "scale": 1, "shift_x": 0,
    "shift_y": 0, "head_width": 1, "nose_length": 1, "eye_size": 1, "eye_open": 1, "gaze": 0,
    "smile": 0, "mouth_open": 0, "hair_tone": 0.03, "hair_volume": 2.5, "hairline": 11, "parting": 1,
    "glasses": 0, "light_azimuth": 0, "light_elevation": 20, "light_strength": 0.6, "exposure": 1,
    "background": 1, "background_tone": 0.4, "clothes_tone": 0.2, "blur": 0.3, "noise": 0.0,
    "texture": 5,
}
CHANGED = {  # another value of each factor
    "hair_length": 25, "jaw_width": 0.6, "brow_thickness": 3, "brow_distance": 6, "lip_fullness": 1.4,
    "lashes": 0.9, "face_length": 0.95, "nose_width": 1.2, "hair_style": 4, "beard": 2, "moustache": 1,
    "skin": 0.2, "age": 80, "yaw": 15, "pitch": 8, "roll": 6, "scale": 0.9, "shift_x": 1.5,
    "shift_y": 1.5, "head_width": 1.06, "nose_length": 1.15, "eye_size": 1.2, "eye_open": 0.5,
    "gaze": 1.2, "smile": 0.8, "mouth_open": 0.7, "hair_tone": 0.25, "hair_volume": 4.5, "hairline": 13,
    "parting": -1, "glasses": 1, "light_azimuth": 50, "light_elevation": 60, "light_strength": 0.9,
    "exposure": 1.3, "background": 2, "background_tone": 0.8, "clothes_tone": 0.6, "blur": 0.9,
    "noise": 0.02, "texture": 6,
}


def face(**changes):
    """One picture [48,48] of the plain face with these factors changed."""
    return render({name: np.array([value]) for name, value in (PLAIN | changes).items()})[0, :, :, 0]


@pytest.fixture(scope="module")
def faces():
    return rendered_faces(4000, seed=11)


@pytest.fixture(scope="module")
def many():
    return sample_factors(20000, seed=3)


def test_shape_type_and_8_bit_values(faces):
    images, labels, factors = faces
    assert images.shape == (4000, 48, 48, 1) and images.dtype == np.float32
    assert labels.shape == (4000,) and labels.dtype == np.int64 and labels.mean() == 0.5
    assert images.min() >= 0 and images.max() <= 1
    np.testing.assert_allclose(images * 255, np.round(images * 255), atol=1e-4)
    assert images.std(axis=(1, 2, 3)).min() > 0.03  # no picture is empty
    assert set(factors) == {"label", *MEASURED, *CHOSEN, *FREE}
    assert all(len(values) == 4000 for values in factors.values())


def test_the_same_seed_gives_the_same_faces_and_the_first_ones_do_not_depend_on_how_many(faces):
    images, labels, factors = rendered_faces(101, seed=11)
    np.testing.assert_allclose(images, faces[0][:101], atol=1.01 / 255)
    np.testing.assert_array_equal(labels, faces[1][:101])
    for name in factors:
        np.testing.assert_allclose(factors[name], faces[2][name][:101])
    assert np.abs(rendered_faces(101, seed=12)[0] - images).mean() > 0.05


def test_threads_and_neighbours_do_not_matter(faces):
    factors = {name: values[:100] for name, values in faces[2].items()}
    np.testing.assert_allclose(render(factors, threads=1), render(factors, threads=3), atol=1.01 / 255)
    turned = render({name: values[::-1] for name, values in factors.items()})
    np.testing.assert_allclose(turned[::-1], faces[0][:100], atol=1.01 / 255)


@pytest.mark.parametrize("name", CHANGED)
def test_each_factor_changes_the_picture(name):
    assert (np.abs(face(**{name: CHANGED[name]}) - face()) > 2.5 / 255).sum() >= 8


def test_all_factors_are_tried_and_the_label_is_not_drawn():
    assert set(CHANGED) == set(PLAIN) - {"label"} == {*MEASURED, *CHOSEN, *FREE}
    np.testing.assert_array_equal(face(label=1), face(label=0))


@pytest.mark.parametrize("name", ["hair_style", "beard", "glasses", "background"])
def test_each_choice_looks_different(name):
    count = {"hair_style": 7, "beard": 5, "glasses": 4, "background": 5}[name]
    pictures = [face(**{name: value}) for value in range(count)]
    for i in range(count):
        for j in range(i):
            assert np.abs(pictures[i] - pictures[j]).max() > 0.05, (i, j)


def test_light_from_a_side_brightens_that_side():
    right, left = face(light_azimuth=60, light_strength=0.9), face(light_azimuth=-60, light_strength=0.9)
    cheek_right, cheek_left = np.s_[20:26, 30:37], np.s_[20:26, 10:17]
    assert right[cheek_right].mean() > right[cheek_left].mean() + 0.1
    assert left[cheek_left].mean() > left[cheek_right].mean() + 0.1


def test_turning_the_other_way_is_the_mirror_image():
    turned = dict(background=0, hair_style=1, light_elevation=30)
    a = face(yaw=20, light_azimuth=30, **turned)
    b = face(yaw=-20, light_azimuth=-30, **turned)
    middle = 23.25 - 23.5  # the eyes are a quarter of a pixel left of the middle of the picture
    columns = np.arange(48) + 2 * middle
    mirrored = np.stack([np.interp(columns, np.arange(48), row) for row in b[:, ::-1]])
    straight = np.stack([np.interp(columns, np.arange(48), row) for row in b])
    assert np.abs(a - mirrored)[:, 2:-2].mean() < 0.5 * np.abs(a - straight)[:, 2:-2].mean()


def test_light_skin_is_lighter_and_darker_hair_darker():
    assert face(skin=0.6)[20:26, 10:17].mean() > face(skin=0.15)[20:26, 10:17].mean() + 0.1
    fair, black = (face(hair_tone=tone, hair_style=3, age=20)[:3, 16:30].mean() for tone in (0.3, 0.02))
    assert fair > black + 0.1


def test_the_eyes_are_where_the_data_set_has_them(faces):
    factors = {name: values[:500] for name, values in faces[2].items()}
    straight = dict.fromkeys(["shift_x", "shift_y", "yaw", "pitch", "roll", "glasses", "gaze"], np.zeros(500))
    dark = 1 - render(factors | straight | {"scale": np.ones(500)}).mean(axis=0)[:, :, 0]
    for x, y in EYES:
        rows, columns = np.mgrid[int(y) - 3 : int(y) + 5, int(x) - 4 : int(x) + 6]
        weight = np.clip(dark[rows, columns] - np.quantile(dark[rows, columns], 0.75), 0, None)  # the lid
        np.testing.assert_allclose((weight * columns).sum() / weight.sum(), x, atol=0.5)
        np.testing.assert_allclose((weight * rows).sum() / weight.sum(), y, atol=1.0)
    for name in ("shift_x", "shift_y"):
        assert abs(faces[2][name].mean()) < 0.15


@pytest.mark.parametrize("name", FREE)
def test_other_factors_skin_and_age_among_them_do_not_depend_on_the_label(many, name):
    a, b = many[name][many["label"] == 0], many[name][many["label"] == 1]
    assert stats.ks_2samp(a, b).pvalue > 1e-4


@pytest.mark.parametrize("name", MEASURED)
def test_measured_factors_have_the_densities_that_are_stated(many, name):
    for label in (0, 1):
        assert stats.kstest(many[name][many["label"] == label], "norm",
                            args=(MEASURED[name][label], MEASURED[name][2])).pvalue > 1e-4


@pytest.mark.parametrize("name", CHOSEN)
def test_choices_have_the_probabilities_that_are_stated(many, name):
    for label, probabilities in enumerate(CHOSEN[name]):
        np.testing.assert_allclose(sum(probabilities), 1)
        counts = np.bincount(many[name][many["label"] == label], minlength=len(probabilities))
        possible = np.array(probabilities) > 0
        assert counts[~possible].sum() == 0
        if possible.sum() > 1:
            expected = counts.sum() * np.array(probabilities)[possible]
            assert stats.chisquare(counts[possible], expected).pvalue > 1e-4


def test_the_best_possible_accuracy_is_the_stated_one():
    factors = sample_factors(200000, seed=5)
    right = np.mean((log_odds(factors) > 0) == factors["label"])
    error = np.sqrt(right * (1 - right) / 200000)
    assert abs(best_possible() - right) < 4 * error
    assert f"knows every factor: {best_possible():.3f}." in best_possible.__doc__


def test_no_single_factor_tells_the_label(many):
    for name, (mean_0, mean_1, sd) in MEASURED.items():
        one = (many[name] > (mean_0 + mean_1) / 2) == ((many["label"] == 1) == (mean_1 > mean_0))
        assert one.mean() < 0.9, name


@pytest.mark.filterwarnings("ignore:lbfgs failed to converge")  # 60 steps are enough to tell
def test_pixels_alone_are_not_enough_for_a_linear_rule(faces):
    x, y = faces[0].reshape(4000, -1), faces[1]
    score = LogisticRegression(C=0.01, max_iter=60).fit(x[:3000], y[:3000]).score(x[3000:], y[3000:])
    assert 0.7 < score < 0.9


def test_geometry_holds_what_it_says_in_the_shapes_it_says():
    f = {name: np.asarray(values, np.float32)[:, None, None] for name, values in sample_factors(3, seed=0).items()}
    head = face_geometry.head(f)
    for function, arrays in ((face_geometry.head, head), (face_geometry.facial_features, face_geometry.facial_features(f, head))):
        stated = {name: shape
                  for names, shape in re.findall(r"^    (\w+(?:, \w+)*) +\[b, (48, 48|1, 1)\] ", function.__doc__, re.M)
                  for name in names.split(", ")}
        assert {name: ", ".join(map(str, array.shape[1:])) for name, array in arrays.items()} == stated
        assert all(len(array) == 3 and array.dtype == np.float32 for array in arrays.values())


def test_the_head_is_where_its_geometry_says():
    """The parts of a face that belong together lie together: eyes at EYES, the mouth between nose and chin."""
    f = {name: np.float32(value).reshape(1, 1, 1) for name, value in PLAIN.items()}
    g = face_geometry.head(f)
    g = g | face_geometry.facial_features(f, g)
    inner = g["on_head"] > 0.99
    for x, y in EYES:
        pixel = (0, round(y), round(x))  # the centre of the eye is at most half a pixel from it
        assert inner[pixel] and abs(g["eye"][pixel]) <= 0.5 and abs(g["v"][pixel]) <= 0.5
    assert 0 < g["nose_tip"] < g["v"][(np.abs(g["mouth_v"]) < 1) & inner].mean() < g["chin"]
    assert (np.abs(g["x_head"][inner]) <= g["half"][inner]).all() and g["half"].max() <= g["width"] + 1e-4
    across = g["z"][0, 14, np.argsort(g["A"][0, 14])]  # in the row of the eyes, from the middle outwards
    assert (np.diff(across[:30]) <= 0).all() and across[0] > across[29] + 3
