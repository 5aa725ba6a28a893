"""Rendered traffic signs: photographs of cards, whose pose is that of a pinhole camera and whose randomness ignores the card."""
import numpy as np
import pytest

from utils import data
from utils.data import signs
from utils.data.images import halved

STILL = {"yaw": 0, "pitch": 0, "roll": 0, "radius": 1, "right": 0, "down": 0}
EVEN = {"exposure": 1, "warmth": 0, "side": 0, "blur": 0, "noise": 0}
CARDS = np.stack([signs.card(name) for name in signs.CLASS_NAMES])


@pytest.fixture
def in_pose(monkeypatch):
    """photograph() with a pose and a light that are known: those of STILL and EVEN with the changes that are given."""
    def show(cards, seed=0, **changes):
        for name, plain in (("POSE", STILL), ("LIGHT", EVEN)):
            known = {key: changes.get(key, value) for key, value in plain.items()}
            monkeypatch.setattr(signs, name, {key: (value, value) for key, value in known.items()})
        return signs.by_the_roadside(cards, seed)
    return show


def square(colour: float = 1.0, side: int = 32) -> np.ndarray:
    """A card that covers its middle square with one grey."""
    low, high = signs.CARD // 2 - side // 2, signs.CARD // 2 + side // 2
    card = np.zeros([1, signs.CARD, signs.CARD, 4], np.float32)
    card[:, low:high, low:high] = [colour, colour, colour, 1]
    return card


def covered(in_pose, card: np.ndarray, **pose) -> np.ndarray:
    """How far the card covers each pixel, [32, 32]: a white card minus a black one."""
    black = card * [0, 0, 0, 1]
    return (in_pose(card, **pose) - in_pose(black, **pose))[0].mean(2)


def test_from_the_front_a_photograph_is_the_card(in_pose):
    opaque = CARDS.copy()
    opaque[..., 3] = 1
    np.testing.assert_allclose(in_pose(opaque), halved(opaque[..., :3]), atol=1.5 / 255)


@pytest.mark.parametrize("turn", ["yaw", "pitch"])
def test_a_turned_card_is_foreshortened_and_its_near_side_is_larger(in_pose, turn):
    """By the pinhole camera: an edge at -u or u, turned by t, is u sin t nearer or farther, and lengths there change with it."""
    angle, u = np.radians(40), 0.5
    near, far = (1 / (1 - sign * u * np.sin(angle) / signs.DISTANCE) for sign in (1, -1))
    cover = covered(in_pose, square(), **{turn: 40})
    cover = cover if turn == "yaw" else cover.T
    assert cover[16].sum() == pytest.approx(16 * u * np.cos(angle) * (near + far), abs=0.2)  # foreshortened
    heights = cover.sum(0)
    assert heights.max() == pytest.approx(32 * u * near, abs=0.5)
    assert heights[heights > 13].min() == pytest.approx(32 * u * far, abs=0.5)


def test_radius_shift_and_roll_do_what_they_say(in_pose):
    y, x = np.mgrid[:32, :32] - 15.5
    cover = covered(in_pose, square(), radius=0.75, right=0.125, down=-0.25)
    assert cover.sum() == pytest.approx((0.75 * 16) ** 2, rel=0.02)
    centre = [np.average(axis, weights=cover) for axis in (x, y)]
    assert centre == pytest.approx([2, -4], abs=0.05)
    turned = covered(in_pose, square(), roll=45)
    assert turned[16].sum() == pytest.approx(16 * np.sqrt(2), abs=1.2) and turned.sum() == pytest.approx(256, rel=0.02)
    bar = square()
    bar[:, :, :30] = 0  # what is left lies to the right of the middle
    quarter = covered(in_pose, bar, roll=90)
    assert np.average(y, weights=quarter) > 3 and abs(np.average(x, weights=quarter)) < 0.3  # clockwise: it is below now


def test_light_multiplies(in_pose):
    grey = square(0.5, 64)
    assert in_pose(grey, exposure=0.6).mean() == pytest.approx(0.3, abs=2 / 255)
    red, green, blue = in_pose(grey, warmth=0.1).mean((0, 1, 2))
    assert red > green > blue and red / blue == pytest.approx(1.1 / 0.9, abs=0.02)
    left, right = np.split(in_pose(grey, side=0.4), 2, axis=2)
    assert right.mean() / left.mean() == pytest.approx(1.2 / 0.8, abs=0.05)
    assert in_pose(grey, noise=0.05).std() == pytest.approx(0.05, rel=0.1)


def test_what_is_random_does_not_depend_on_the_card():
    """Two signs with one seed: the same background around both, and another one with another seed."""
    nothing = np.zeros([4, signs.CARD, signs.CARD, 4], np.float32)
    small = np.repeat(square(side=16), 4, 0)
    corner = (slice(None), slice(0, 5), slice(0, 5))
    np.testing.assert_array_equal(signs.by_the_roadside(nothing, 3)[corner], signs.by_the_roadside(small, 3)[corner])
    backgrounds = np.concatenate([signs.by_the_roadside(nothing, 3), signs.by_the_roadside(nothing, 4)])
    assert len(np.unique(backgrounds.mean((1, 2)).round(3), axis=0)) == 8


def test_signs_are_balanced_repeatable_and_of_8_bits():
    images, labels = signs.signs(40, seed=5)
    assert images.shape == (40, 32, 32, 3) and images.dtype == np.float32 and labels.dtype == np.int64
    assert sorted(np.bincount(labels)) == [6, 6, 7, 7, 7, 7]
    np.testing.assert_allclose(images * 255, np.round(images * 255), atol=1e-4)
    np.testing.assert_array_equal(signs.signs(40, seed=5)[0], images)
    assert not np.array_equal(signs.signs(40, seed=6)[0], images)


def test_the_data_set(monkeypatch, tmp_path, capsys):
    few = signs.signs(5, seed=0)
    monkeypatch.setattr(signs, "signs", lambda count, seed: tuple(np.resize(part, (count, *part.shape[1:])) for part in few))
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))  # there are no real signs: it is rendered all the same
    found = data.load("signs", train=30)
    assert found.x_train.shape == (30, 32, 32, 3) and len(found.y_val) == 500 and len(found.y_test) == 1000
    assert found.class_names == signs.CLASS_NAMES and "rendered signs, 30 + 500 + 1000" in capsys.readouterr().out


def test_refusals():
    with pytest.raises(ValueError, match="no sign 'parking': choose one of 'stop'"):
        signs.card("parking")
    with pytest.raises(ValueError, match=r"shape \[64, 64, 4\], expected \[N, 64, 64, 4\]"):
        signs.by_the_roadside(CARDS[0], 0)
