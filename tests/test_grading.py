"""The mini-project grader: what it measures against closed forms and other libraries,
and a whole class with a script whose answers are known.
"""
import csv
import json
import os
import shutil
import subprocess
import sys
import zlib
from pathlib import Path

import nbformat
import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter

from conftest import need
from utils.checks.alone import of_course
from utils.data.images import to_levels
from utils.data.rendered import rendered_faces
from utils.instructor.files import OF_MACHINE
from utils.instructor.grading import (answers, attack, class_folder, clean_copy, duplicates, grade, hidden, measures, pages,
                                      rubric, stamp,
                                        submission, tournament)
from utils.instructor.grading.__main__ import main
from utils.instructor.grading.examine_project import examine
from utils.instructor.grading.supervise import Ended

# Says "woman" for bright images: the logit is the mean grey level less 100, times 0.5.
SCRIPT = '''
import sys, math
import numpy as np
from PIL import Image
for path in sys.argv[1:]:
    woman = 1 / (1 + math.exp(-0.5 * (np.asarray(Image.open(path)).astype(float).mean() - 100)))
    print(f"{path}\\t{'woman' if woman > 0.5 else 'man'}\\t{max(woman, 1 - woman):.6f}")
'''
DARK = np.full((48, 48), 98, np.uint8)


# Makes a square of the other kind: 45 grey levels are more than half of the 80 between the two.
ATTACK = '''
import sys
import numpy as np
given = np.load(sys.argv[1])
step = np.where(given["labels"] == 1, -45, 45)[:, None, None]
np.savez(sys.argv[2], images=(given["images"] + step).astype(np.uint8))
'''


def team(folder: Path, *, script: str = SCRIPT, original: np.ndarray = DARK, modified: np.ndarray = DARK + 4, amplified=None,
         about: str = "") -> Path:
    """A submission in `folder`."""
    folder.mkdir(parents=True)
    (folder / "infer.py").write_text(script, encoding="utf-8")
    if amplified is None:
        amplified = np.clip(50 * np.abs(modified.astype(int) - original), 0, 255).astype(np.uint8)
    for kind, levels in (("ori", original), ("mod", modified), ("amp", amplified)):
        Image.fromarray(levels).save(folder / f"adv_ada_grace_{kind}.png")
    if about:
        (folder / "team.toml").write_text(about, encoding="utf-8")
    return folder


@pytest.fixture
def faces(tmp_path) -> Path:
    """A hidden set of 50 grey squares, 40 of which the script gets right."""
    rng = np.random.default_rng(0)
    labels = np.arange(50) % 2
    levels = np.where(labels ^ (np.arange(50) < 10), 140, 60).astype(np.uint8)
    x = np.clip(levels[:, None, None] + rng.integers(-20, 20, (50, 48, 48)), 0, 255).astype(np.uint8)
    path = tmp_path / "hidden.npz"
    np.savez(path, x_test=x, y_test=labels.astype(np.uint8))
    return path


# measures -------------------------------------------------------------------------------------------------------------

def test_sizes_of_a_known_dx():
    modified = DARK.copy()
    modified[0, 0], modified[5, 7], modified[47, 47] = 98 + 51, 98 - 51, 98 + 102
    found = measures.of_pictures({"ori": DARK, "mod": modified})
    assert found["L0"] == 3
    assert [found["L1"], found["L2"], found["Linf"]] == pytest.approx([0.8, np.sqrt(0.04 + 0.04 + 0.16), 0.4])
    assert found["psnr"] == pytest.approx(10 * np.log10(2304 / 0.24))


def test_structural_similarity_is_the_formula_of_the_paper():
    rng = np.random.default_rng(1)
    x = rng.integers(0, 256, (48, 48)).astype(np.uint8)
    y = np.clip(x + rng.normal(0, 20, x.shape), 0, 255).astype(np.uint8)
    a, b = x.astype(float), y.astype(float)

    def mean(image):
        return gaussian_filter(image, 1.5, truncate=3.5)
    va, vb, cov = mean(a * a) - mean(a)**2, mean(b * b) - mean(b)**2, mean(a * b) - mean(a) * mean(b)
    c1, c2 = (0.01 * 255)**2, (0.03 * 255)**2
    ssim = (2 * mean(a) * mean(b) + c1) * (2 * cov + c2) / ((mean(a)**2 + mean(b)**2 + c1) * (va + vb + c2))
    assert measures.of_pictures({"ori": x, "mod": y})["ssim"] == pytest.approx(ssim[5:-5, 5:-5].mean(), abs=1e-6)


def test_an_image_that_did_not_change_has_no_similarity():
    assert measures.of_pictures({"ori": DARK, "mod": DARK, "amp": DARK * 0}) == {"L0": 0, "L1": 0, "L2": 0, "Linf": 0}
    assert measures.of_pictures({"ori": DARK}) == {}


@pytest.mark.parametrize("made, passes", [
    (lambda dx: 50 * np.abs(dx), True),                                  # from the 8-bit images
    (lambda dx: 50 * np.abs(dx + 0.3), True),                            # from a DX before it was rounded
    (lambda dx: np.abs(dx), False), (lambda dx: 10 * np.abs(dx), False),  # not amplified enough
    (lambda dx: 50 * dx, False), (lambda dx: 127 + 50 * dx, False), (lambda dx: 0 * dx, False), (lambda dx: 255 + 0 * dx, False)])
@pytest.mark.parametrize("size", [1, 3])
def test_amplified_image_is_told_from_others(made, passes, size):
    dx = np.random.default_rng(2).integers(-size, size + 1, (48, 48))
    amplified = np.clip(made(dx), 0, 255).astype(np.uint8)
    found = measures.of_pictures({"ori": DARK, "mod": (DARK + dx).astype(np.uint8), "amp": amplified})
    assert found["amplified"] == passes, found


def test_way_from_original_to_modified():
    way = answers.on_the_way(DARK, DARK + 32)
    np.testing.assert_array_equal(way[:, 0, 0], 98 + 2 * np.arange(1, 17))
    np.testing.assert_array_equal(answers.on_the_way(DARK, DARK - 32)[:, 3, 4], 98 - 2 * np.arange(1, 17))


def test_near_images_differ_by_one_level_in_one_pixel():
    for level in (0, 98, 128, 255):
        near = answers.near(np.full((48, 48), level, np.uint8), np.random.default_rng(3)).astype(int) - level
        assert near.shape == (answers.NEAR, 48, 48) and (np.abs(near).sum((1, 2)) == 1).all()


# the script's answers -------------------------------------------------------------------------------------------------

def said(out: str, status: int = 0, err: str = "", killed: str = ""):
    labels, woman, faults = answers.read(Ended(status, out.encode(), err, killed), ["a.png", "b.png"])
    return labels.tolist(), [None if np.isnan(value) else round(value, 4) for value in woman], faults


def test_lines_of_the_contract_are_read():
    assert said("b.png\tman\t0.75\na.png\twoman\t1\n") == ([1, 0], [1, 0.25], [])
    assert said("a.png\twoman\t9e-1\r\nb.png\tman\t0.5") == ([1, 0], [0.9, 0.5], [])


@pytest.mark.parametrize("line",
                         ["a.png\tWoman\t0.9", "a.png woman 0.9", "a.png\twoman\t1.01", "a.png\twoman\tnan", "a.png\twoman\tinf",
                          "a.png\twoman\t-0.1", "a.png\twoman\t0.9\t", "c.png\twoman\t0.9", "a.png\twoman\t", "",
                          "a.png\twoman\t0,9",
                          "a.png\twoman\t١", "a.png\twoman\t0x1", " a.png\twoman\t0.9", "a.png\twoman\t1e9999999999"])
def test_any_other_line_is_named_and_does_not_count(line):
    labels, woman, faults = said(f"{line}\nb.png\tman\t0.75\n")
    assert labels == [-1, 0] and woman == [None, 0.25]
    assert "1 lines of infer.py are not FILE<TAB>LABEL<TAB>PROBABILITY" in faults[0] and "no answer for 1 of 2" in faults[1]


def test_two_lines_for_a_file_are_no_answer():
    for lines in ("a.png\tman\t0.9\na.png\twoman\t0.9\n", "a.png\tman\t0.9\n" * 2, "a.png\tman\t0.9\n" * 3):
        labels, _, faults = said(lines + "b.png\tman\t0.75\n")
        assert labels == [-1, 0] and faults == ["infer.py printed more than one line for 1 images: these have no answer."]


def test_nothing_counts_of_a_script_that_was_stopped():
    labels, _, faults = said("a.png\tman\t0.9\n", killed="It used more than 5 seconds of processor time and was stopped.")
    assert (labels == [-1, -1] and faults
            == ["infer.py was called with 2 images. It used more than 5 seconds of processor time and was stopped."])


def test_last_words_of_a_script_are_short():
    _, _, faults = said("a.png\tman\t1\nb.png\tman\t1\n", status=3, err="Traceback\nValueError: \x1b[31m" + 500 * "x" + "\n")
    assert (faults[0].startswith('infer.py ended with the exit status 3. Its last words: "ValueError: ?[31mxxx')
            and len(faults[0]) < 250)


# rubric ---------------------------------------------------------------------------------------------------------------

def test_the_rubric_is_that_of_the_lab():
    rules = rubric.load()
    assert rules.maximum() == 20 and rules.by_person() == 2 and len(rules.questions()) == 4
    assert all(line.advice and line.title and line.taught for line in rules.lines)
    assert len({line.measure for line in rules.lines}) == len(rules.lines), "each criterion once"
    lab = nbformat.read(stamp.ROOT / "solutions" / "06_mini_project" / "06_mini_project.ipynb", as_version=4)
    printed = next(cell for cell in lab.cells if cell.id == "rubric").outputs[0].data["text/markdown"]
    assert printed == rubric.as_markdown(rules), "run: python3 course.py execute 06_mini_project"


def test_thresholds_are_kept_to_the_letter():
    rules = rubric.load()

    def points(**measured: float) -> float:
        return rubric.total(rubric.judge(rules, measured))
    assert points(accuracy=0.85) == 0, "more than 85 %"
    assert points(accuracy=0.8501) == 4
    assert points(size=0.1, fooled=0.0) == 0, "a small DX that fools nobody is worth nothing"
    assert [points(size=size, fooled=1.0, steady=1.0) for size in (1.01, 1.0, 0.71, 0.7)] == [3, 4, 4, 5]
    assert points(fooled=1.0, steady=0.0) == 0
    assert [points(attack_success=share) for share in (0.49, 0.5, 0.9, 0.96)] == [0, 1, 2, 3]
    assert [points(attack_success=0.5, attack_size=size) for size in (1.6, 1.5, 1.2, 1.01, 1.0)] == [1, 2, 3, 3, 4]
    assert points(attack_size=0.1) == 0
    assert rubric.judge(rules, {})[-1].points is None and rubric.judge(rules, {}, 1.5)[-1].points == 1.5


def test_sizes_and_success_of_an_attack():
    """Five faces: one that the script had wrong, two that are fooled, one that is not steady, one that it still gets right."""
    labels, before = np.array([0, 0, 0, 1, 1]), np.full((5, 48, 48), 100, np.uint8)
    after = before.copy()
    after[:, 0, 0], after[:, 0, 1] = 100 - 51, 100 + 68
    own = {"attack before": np.array([1, 0, 0, 1, 1]), "attack after": np.array([1, 1, 1, 0, 1]),
           "decoy": np.array([1, 0, 1, 1, 1]), "near attack": np.array([1, 1, 1, 1, 1, 0, 1, 1, 1, 0, 1, 1, 1, 1, 1])}
    said = answers.Answers(np.array([1, 0, 1, 1, 0, 0]), np.zeros(0), own, {}, [], True)
    found, faults = measures.of_attack(said, labels, before, after, "L2", 0.5)
    assert found == {"attack_success": 2 / 4}, "the median is infinite"
    assert "Of 1 images of attack.py the script says something else" in faults[0]
    own["near attack"][9:12] = 0
    found, faults = measures.of_attack(said, labels, before, after, "L2", 0.5)
    assert found == {"attack_success": 3 / 4, "attack_size": pytest.approx(np.hypot(51, 68) / 255 / 0.5)} and not faults
    for norm, size in (("L1", 119 / 255), ("L2", 85 / 255), ("Linf", 68 / 255)):
        np.testing.assert_allclose(measures.sizes(before, after, norm), size)
    own["decoy"][:2] = [0, 1]  # two more than the one in five that may
    found, faults = measures.of_attack(said, labels, before, after, "L2", 0.5)
    assert found == {} and "3 of these another label" in faults[0]
    found, faults = measures.of_attack(said, np.array([0, 1, 0, 1, 1]), before, after, "L2", 0.5)
    assert found == {} and "right about 3 of the 5 faces" in faults[0]


def test_a_face_that_the_lab_gave_is_known():
    given, _, _ = rendered_faces(8, seed=zlib.crc32("ada grace".encode("utf-8")))
    face = to_levels(given[5, ..., 0])
    assert measures.own_face(face, "ada_grace") == 1 and measures.own_face(face, "bob_carol") == 0
    given, _, _ = rendered_faces(8, seed=zlib.crc32("ada_l grace".encode("utf-8")))
    assert measures.own_face(to_levels(given[0, ..., 0]), "ada_l_grace") == 1
    moved = face.copy()
    moved[10, 10] += 2
    assert measures.own_face(moved, "ada_grace") == 0


def test_decoys_have_the_norms_of_the_attack_and_no_aim():
    rng = np.random.default_rng(0)
    faces, before = rng.integers(60, 200, (2, 3, 48, 48)).astype(np.uint8)
    after = before + rng.integers(-2, 3, before.shape)
    after[2] = before[2] - 40
    made = answers.decoys(faces, before, after.astype(np.uint8), rng)
    dx, given = made.astype(int) - faces, after.astype(int) - before
    for one, aimed in zip(dx[:2], given):
        np.testing.assert_array_equal(np.sort(one, axis=None), np.sort(aimed, axis=None))
        assert abs(np.corrcoef(one.ravel(), aimed.ravel())[0, 1]) < 0.1
    assert np.linalg.norm(dx[2] / 255) == pytest.approx(1, abs=0.06), "40 grey levels everywhere are 7.5"


@pytest.mark.parametrize("out, words", [
    (b"nothing\n", "wrote no file"), (b"unnamed\n", "without an array named images"),
    (b"unreadable\n", "no npz file of plain numbers"),
    (b"float32 2,48,48\n", "wrote float32 [2, 48, 48], expected uint8 [2, 48, 48]"), (b"uint8 \n", "wrote uint8 []"),
    (b"", "wrote no array"),
    (b"uint8 2,48,48\n" + bytes(4607), "left a process"), (b"\xff" * 999, "wrote no array"),
    (b"uint8 2,48,48\n" + bytes(4609), "left a process")])
def test_what_attack_py_wrote_is_said(out, words):
    images, faults = attack.read(Ended(0, out, "", ""), 2)
    assert images is None and words in faults[0] and len(faults) == 1 and len(faults[0]) < 200


@pytest.mark.parametrize("text, words", [
    ("", "no [[line]]"), ("[[line]", "cannot be read"),
    ('[[line]]\ntitle="a"\nmeasure="beauty"\nat_least=1\npoints=1', "expected one of accuracy"),
    ('[[line]]\ntitle="a"\nmeasure="L2"\npoints=1', "a number, or numbers"),
    ('[[line]]\ntitle="a"\nmeasure="L2"\nat_most="x"\npoints=1', "a number"),
    ('[[line]]\ntitle="a"\nmeasure="L2"\nat_most=1\npoints=-1', "points, 0 or more"),
    ('[[line]]\ntitle="a"\nmeasure="L2"\nat_most=1\npoints=1\nbonus=true', "bonus, which means nothing"),
    ('[[line]]\ntitle="a"\nmeasure="L2"\nat_most=[2, 1]\npoints=1', "as many as there are bounds"),
    ('[[line]]\ntitle="a"\nmeasure="person"\nat_most=1\npoints=1', "without one for a person"),
    ('[norms]\nL0=3\n[[line]]\ntitle="a"\nmeasure="L2"\nat_most=1\npoints=1', "positive numbers named L1, L2, Linf"),
    ('[limits]\nwal=3\n[[line]]\ntitle="a"\nmeasure="L2"\nat_most=1\npoints=1', "positive numbers named wall"),
    ('[grades]\na=1', "grades")])
def test_a_rubric_with_a_mistake_is_refused_in_a_sentence(tmp_path, text, words):
    (tmp_path / "mine.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match="mine.toml") as refused:
        rubric.load(tmp_path / "mine.toml")
    assert words in str(refused.value)


# duplicates -----------------------------------------------------------------------------------------------------------

def fingerprints(tmp_path, **pictures) -> dict:
    found = {}
    for name, (original, modified) in pictures.items():
        (tmp_path / name).mkdir()
        found[name] = duplicates.fingerprint(tmp_path / name, {"ori": original, "mod": modified})
    return found


def test_pictures_and_perturbations_are_compared(tmp_path):
    rng = np.random.default_rng(4)
    first, second = (np.round(255 * image[..., 0]).astype(np.uint8) for image in hidden.rendered_faces(2, seed=8)[0])
    dx, other = rng.integers(-4, 5, (2, 48, 48))

    def plus(image, change):
        return np.clip(image.astype(int) + change, 0, 255).astype(np.uint8)
    noisy = plus(first, np.round(rng.normal(0, 3, first.shape)).astype(int))
    noisy_dx = dx + (rng.random(dx.shape) < 0.05)
    found = duplicates.compare(fingerprints(tmp_path, a=(first, plus(first, dx)), b=(noisy, plus(noisy, other)),
                                            c=(second, plus(second, noisy_dx)),
                                            d=(second[:, ::-1], plus(second[:, ::-1], -other))))
    assert {(pair.first, pair.second, pair.what) for pair in found} == {("a", "b", "picture"), ("a", "c", "perturbation"),
                                                                       ("b", "d", "perturbation")}


def test_fingerprint_estimates_the_correlation():
    rng = np.random.default_rng(5)
    for share in (0.0, 0.5, 0.95):
        a, b = rng.normal(size=(2, 48, 48))
        b = share * a + np.sqrt(1 - share**2) * b
        estimate = np.dot(duplicates._projected(a), duplicates._projected(b))
        assert estimate == pytest.approx(np.corrcoef(a.ravel(), b.ravel())[0, 1], abs=0.25)


def test_weights_with_the_same_bytes_are_found(tmp_path):
    rng = np.random.default_rng(6)
    shared, own = rng.bytes(5000), rng.bytes(5000)
    for name, content in (("a", shared), ("b", shared), ("c", own)):
        (tmp_path / name / "model").mkdir(parents=True)
        (tmp_path / name / "model" / f"weights-{name}.npz").write_bytes(content)
        (tmp_path / name / "model" / "saved_model.pb").write_bytes(shared)  # a network that two teams built alike
        (tmp_path / name / "small.bin").write_bytes(b"x" * 10)
    found = duplicates.compare({name: duplicates.fingerprint(tmp_path / name, {}) for name in "abc"})
    assert found == [("a", "b", "weights", "weights-a.npz and weights-b.npz are the same bytes")]


def test_different_faces_are_not_the_same_picture():
    levels = hidden.rendered(seed=9, faces=200).levels
    found = duplicates.compare({f"{i:03}": duplicates.fingerprint(Path("no-folder"), {"ori": image})
                                for i, image in enumerate(levels)})
    assert found == []


# the hidden set -------------------------------------------------------------------------------------------------------

def test_hidden_faces_from_a_file(tmp_path, faces):
    found = hidden.from_file(faces)
    assert found.levels.shape == (50, 48, 48) and found.groups == {} and found.source == "50 faces from hidden.npz"
    with_groups = tmp_path / "groups.npz"
    np.savez(with_groups, x_test=found.levels, y_test=found.labels, age_test=np.full(50, 33), race_test=np.arange(50) % 5)
    assert set(hidden.from_file(with_groups).groups) == {"age", "race, as annotated"}
    with pytest.raises(ValueError, match="no file nothing.npz"):
        hidden.from_file(tmp_path / "nothing.npz")
    np.savez(tmp_path / "bad.npz", x_test=found.levels, y_test=found.labels + 5)
    with pytest.raises(ValueError, match="bad.npz: y_test goes from 5"):
        hidden.from_file(tmp_path / "bad.npz")


def test_hidden_faces_of_a_seed_are_no_faces_of_the_course():
    mine, again, other = hidden.rendered(7, 40), hidden.rendered(7, 40), hidden.rendered(8, 40)
    assert mine.digest() == again.digest() != other.digest()
    assert set(mine.groups) == {"age", "skin reflectance (0.1 dark, 0.65 light)"}


def test_real_faces_can_be_hidden(real_data):
    found = hidden.from_file(Path(real_data) / "faces.npz")
    assert len(found.labels) == 1500 and set(found.groups) == {"age", "race, as annotated"}


# a class --------------------------------------------------------------------------------------------------------------

@pytest.fixture
def rules(tmp_path) -> Path:
    """The course's rubric without reference detectors, which would need TensorFlow,
    and with an accuracy that the script reaches.
    """
    path = tmp_path / "rubric.toml"
    path.write_text(rubric.DEFAULT.read_text(encoding="utf-8").replace('["faces_three_convolutions", "faces_densenet"]', "[]")
                    .replace("more_than = 0.85", "more_than = 0.7").replace("L2 = 0.4", "L2 = 2.0"), encoding="utf-8")
    return path


def results(out: Path) -> dict:
    return {found["name"]: found for found in class_folder.read_results(out)}


def test_a_class_whose_grades_can_be_computed_by_hand(tmp_path, faces, rules):
    need("bwrap")
    wasteful = DARK.copy() + 40
    (tmp_path / "class").mkdir()
    right = team(tmp_path / "class" / "right", about='label = "man"\nconsent = true\nnorm = "L2"\n')
    (right / "attack.py").write_text(ATTACK, encoding="utf-8")
    (right / "reflection.md").write_text("Labels <b>say</b> little.\n\n=1+1", encoding="utf-8")
    team(tmp_path / "class" / "wasteful", modified=wasteful, about='label = "woman"\n')
    team(tmp_path / "class" / "not_fooled", modified=DARK + 1)
    out = grade.grade(tmp_path / "class", hidden_file=faces, seed=1, rubric_file=rules)
    found = results(out)
    right = found["right"]["measured"]
    assert right["accuracy"] == 28 / 38, "the last twelve faces went to attack.py with their labels"
    assert (found["wasteful"]["measured"]["accuracy"] == 0.8
            and right["contract"] == right["original_right"] == right["fooled"] == right["steady"] == 1)
    assert right["shortest_t"] == 11 / 16, "98 + 4 t is above 100 from t = 10/16 on, where rounding gives 100 or 101"
    assert right["L2"] == pytest.approx(48 * 4 / 255) and found["right"]["score"] == 15
    assert (right["size"] == right["L2"] / 2 and right["attack_success"] == 1
            and right["attack_size"] == pytest.approx(48 * 45 / 255 / 2))
    assert found["right"]["said"]["ori"] == [pytest.approx(1 / (1 + np.exp(1)), abs=1e-4)]
    assert found["wasteful"]["measured"]["original_right"] == 0 and "the script says man" in found["wasteful"]["faults"][0]
    assert (found["not_fooled"]["measured"]["fooled"] == 0
            and "for the original and for the modified image" in found["not_fooled"]["faults"][0])
    with open(out / "grades.csv", encoding="utf-8-sig") as table:
        rows = {row["student_id"]: row for row in csv.DictReader(table)}
    assert (rows["right"]["score"] == "15.0" and rows["right"]["to_be_graded"] == "2" and rows["right"]["norm"] == "L2"
            and rows["right"]["max_score"] == "20.0" and float(rows["wasteful"]["score"]) < 20)
    page = (out / "class.html").read_text(encoding="utf-8")
    assert "ada_grace" in page and "wasteful" not in page and "not_fooled" not in page
    for name in found:
        page = (out / "feedback" / f"{name}.html").read_text(encoding="utf-8")
        assert f"Mini-project: {name}" in page and page.count("data:image/png") == 3
    page, other = ((out / "feedback" / f"{name}.html").read_text(encoding="utf-8") for name in ("right", "not_fooled"))
    assert ("to be graded by a person, of 2" in page and "Labels &lt;b&gt;say&lt;/b&gt; little." in page
            and "Hand in attack.py" not in page)
    assert "There is no reflection.md." in other and "0 of 2" in other and "Hand in attack.py beside infer.py" in other


def test_points_of_a_person_are_read_from_the_table(tmp_path, faces, rules, monkeypatch):
    need("bwrap")
    for name in ("a", "b"):
        (team(tmp_path / "class" / name) / "reflection.md").write_text("=1+1; we think.", encoding="utf-8")
    out = grade.grade(tmp_path / "class", hidden_file=faces, seed=1, rubric_file=rules)
    monkeypatch.setattr(answers, "ask", pytest.fail)
    table = (out / "reflections.csv").read_text(encoding="utf-8-sig")
    assert results(out)["a"]["score"] == 12 and "'=1+1; we think." in table
    code = results(out)["a"]["code"]
    for written in (table.replace(f'"{code}",""', f'"{code}","1.5"'), f"code;points\n{code};1,5\n"):
        (out / "reflections.csv").write_text(written, encoding="utf-8")
        grade.grade(tmp_path / "class", hidden_file=faces, rubric_file=rules)
        assert results(out)["a"]["score"] == 13.5 and results(out)["b"]["score"] == 12
        assert f'"{code}",1.5' in (out / "reflections.csv").read_text(encoding="utf-8-sig")
    grade.delete_pictures(out)
    assert f'"{code}",1.5' in (out / "reflections.csv").read_text(encoding="utf-8-sig"), "what was typed since the last run stays"
    (out / "reflections.csv").write_text(f"code,points\n{code},3\n", encoding="utf-8")
    with pytest.raises(ValueError, match="expected a number from 0 to 2"):
        grade.grade(tmp_path / "class", hidden_file=faces, rubric_file=rules)


def test_grades_have_the_columns_of_nbgrader(tmp_path):
    from nbgrader.api import Gradebook
    from nbgrader.plugins import CsvExportPlugin

    with Gradebook(f"sqlite:///{tmp_path}/gradebook.db") as gradebook:
        gradebook.add_assignment("ps1")
        gradebook.add_student("ada")
        exporter = CsvExportPlugin()
        exporter.to = str(tmp_path / "nbgrader.csv")
        exporter.export(gradebook)
    with open(tmp_path / "nbgrader.csv", encoding="utf-8") as table:
        columns = next(csv.reader(table))
    assert pages.COLUMNS[:len(columns)] == columns


def test_another_rubric_judges_again_without_running_scripts(tmp_path, faces, rules, monkeypatch):
    need("bwrap")
    team(tmp_path / "class" / "a")
    out = grade.grade(tmp_path / "class", hidden_file=faces, seed=1, rubric_file=rules)
    assert results(out)["a"]["score"] == 12
    monkeypatch.setattr(answers, "ask", pytest.fail)
    rules.write_text(rules.read_text(encoding="utf-8").replace("more_than = 0.7\npoints = 4", "more_than = 0.85\npoints = 7"),
                     encoding="utf-8")
    grade.grade(tmp_path / "class", hidden_file=faces, rubric_file=rules)
    assert results(out)["a"]["score"] == 8 and results(out)["a"]["maximum"] == 23
    assert "8 of 23 points" in (out / "feedback" / "a.html").read_text(encoding="utf-8")
    assert ",8.0,23," in (out / "grades.csv").read_text(encoding="utf-8").replace("23.0", "23")


def change(path: Path) -> None:
    """Other bytes, as many as before, at the same time."""
    before, times = path.read_bytes(), (path.stat().st_atime_ns, path.stat().st_mtime_ns)
    path.write_bytes(before[:-1] + bytes([before[-1] ^ 1]))
    os.utime(path, ns=times)


def test_what_decides_a_result_is_measured_again_and_nothing_else_is(tmp_path, faces, rules, monkeypatch):
    """By content: times decide nothing."""
    course, script, calls = tmp_path / "course", team(tmp_path / "class" / "a") / "infer.py", []
    shutil.copytree(stamp.ROOT / "utils", course / "utils", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(stamp.ROOT / "data" / "weights", course / "data" / "weights")
    shutil.copy(stamp.ROOT / "requirements.lock", course)
    monkeypatch.setattr(stamp, "ROOT", course)
    nothing = answers.Answers(np.full(50, -1), np.full(50, np.nan), {}, {}, [], True)
    monkeypatch.setattr(answers, "ask", lambda *words, **named: calls.append(1) or nothing)

    def measured() -> int:
        """How many scripts a run calls."""
        calls.clear()
        grade.grade(tmp_path / "class", hidden_file=faces, seed=1, rubric_file=rules, isolated=False)
        return len(calls)

    assert measured() == 1 and measured() == 0
    for name in ("utils/groups.py", "utils/data/rendered.py", "utils/instructor/grading/measures.py",
                 "data/weights/faces_densenet.npz", "requirements.lock"):
        change(course / name)
        assert (name, measured(), measured()) == (name, 1, 0)
    for name in ("utils/instructor/grading/feedback.html.j2", "utils/instructor/grading/rubric.toml"):
        change(course / name)
        assert (name, measured()) == (name, 0)
    for path in (script, course / "utils" / "groups.py", course / "data" / "weights" / "faces_densenet.npz"):
        path.touch()
    assert measured() == 0, "only the times are new"
    change(script)
    assert measured() == 1


def test_hidden_faces_of_other_groups_are_another_set(faces):
    found = hidden.from_file(faces)
    assert found.digest() != found._replace(groups={"age": found.labels}).digest()


def test_another_network_in_the_folder_of_a_reference_is_another_stamp(tmp_path):
    (tmp_path / "model" / "variables").mkdir(parents=True)
    path = tmp_path / "model" / "variables" / "variables.data"
    path.write_bytes(b"weights")
    before = stamp.of_tree(tmp_path / "model")
    assert stamp.of_tree(tmp_path / "model") == before
    change(path)
    assert stamp.of_tree(tmp_path / "model") != before


def test_what_is_no_submission_is_named(tmp_path, faces, rules, capsys):
    need("bwrap")
    team(tmp_path / "class" / "a")
    (tmp_path / "class" / "b.rar").write_bytes(b"Rar!")
    (tmp_path / "class" / "c").symlink_to("a")
    assert main(["grade", str(tmp_path / "class"), "--hidden", str(faces), "--rubric", str(rules)]) == 0
    said = capsys.readouterr()
    assert "so not graded: b.rar, c." in said.err and "1 submissions are graded" in said.out


def test_another_seed_for_the_same_results_is_refused(tmp_path, faces, rules):
    need("bwrap")
    team(tmp_path / "class" / "a")
    grade.grade(tmp_path / "class", hidden_file=faces, seed=1, rubric_file=rules)
    grade.grade(tmp_path / "class", hidden_file=faces, rubric_file=rules)  # the seed is kept
    with pytest.raises(class_folder.CannotGrade, match="was graded with the seed 1"):
        grade.grade(tmp_path / "class", hidden_file=faces, seed=2, rubric_file=rules)


def test_what_cannot_be_graded_is_a_sentence(tmp_path, capsys):
    for words, sentence in ((["grade", str(tmp_path / "none")], "There is no folder"),
                            (["grade", str(tmp_path)], "no folder and no zip file"),
                            (["grade", str(tmp_path), "--delete-pictures"], "There are no results")):
        assert main(words) == 1
        assert sentence in capsys.readouterr().err


def test_a_team_can_check_at_home(tmp_path):
    """The same checks, without a sandbox, on validation faces: this script is right for half of them at best."""
    folder = team(tmp_path / "mine", modified=DARK + 1)
    done = subprocess.run([sys.executable, "-m", "utils.instructor.grading", "check", str(folder)], cwd=tmp_path,
                          capture_output=True, encoding="utf-8", env=os.environ | {"COURSE_PROFILE": "quick"})
    assert done.returncode == 1 and done.stderr == ""
    assert "ok  2 of 2  The script keeps its contract" in done.stdout
    assert "--  0 of 3  Your image survives 8 bits" in done.stdout and "try Start from a face" in done.stdout
    assert "! " not in done.stdout.replace("!   There is no ", "").replace("!   The script says man for the original", "")
    assert all(f"!   There is no {name}" in done.stdout for name in ("attack.py: hand it in", "team.toml: then", "reflection.md"))
    assert "Hand in attack.py" not in done.stdout and "A DX that goes" not in done.stdout, "advice is about what was measured"
    assert ("8 bits" in done.stdout and ": no (yes)" in done.stdout
            and "of 18 points that a program gives, on practice faces" in done.stdout
            and "manifest.json lists the 4 files of this folder" in done.stdout)
    assert set(json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["files"]) == {
        "infer.py", *(f"adv_ada_grace_{kind}.png" for kind in submission.KINDS)}


def test_what_is_missing_beside_the_script_is_said(tmp_path):
    folder = team(tmp_path / "team", about='norm = "L2"')
    assert [words.split(":")[0] for words in submission.lacks(folder)] == ["There is no attack.py",
                                                                           "There is no reflection.md, or nothing in it"]
    (folder / "attack.py").write_text(ATTACK, encoding="utf-8")
    for text, said in (("# Reflection\n\n1. Why?\n\n...\n\n2. Who?\n\nWe.\n\n3. How?\n\n...\n", ["question 1, 3:"]),
                       ("1. Why?\n\nThree dots ...\n", [])):
        (folder / "reflection.md").write_text(text, encoding="utf-8")
        found = submission.lacks(folder)
        assert len(found) == len(said) and all(words in line for words, line in zip(said, found))


@pytest.mark.parametrize("source, line", [
    ("import numpy\nfrom utils import attacks", 2), ("def f():\n    import os, utils.session", 2),
    ("if True:\n    from utils.quiet import tf", 2),
    ("try:\n    import utils\nexcept ImportError:\n    pass", 0), ("from .utils import a\nimport utilities\nutils = 3", 0),
    ("this is (", 0)])
def test_a_script_that_needs_the_course_is_refused_at_home_too(tmp_path, faces, source, line):
    """There the course's package can be imported, so that the team would learn it only from its grade."""
    assert of_course(source) == line
    folder = team(tmp_path / "team", script=f"{source}\n{SCRIPT}")
    said = submission.not_alone(folder, "infer.py")
    assert said.startswith(f"infer.py imports utils in line {line}. It must be stand-alone") if line else not said
    (folder / "utils.py").write_text("attacks = quiet = None", encoding="utf-8")
    assert submission.not_alone(folder, "infer.py") == "", "a module of their own"


def test_at_home_a_script_that_needs_the_course_measures_nothing(tmp_path, faces, rules):
    folder = team(tmp_path / "team")
    (folder / "attack.py").write_text("import utils.groups\n" + ATTACK, encoding="utf-8")
    found, _ = examine(folder, hidden.from_file(faces), rubric.load(rules), [0], [], isolated=False)
    assert found["faults"][0].startswith("attack.py imports utils in line 1") and "attack_success" not in found["measured"]
    assert found["measured"]["accuracy"] == 0.8


def test_results_survive_as_json(tmp_path, faces, rules):
    need("bwrap")
    team(tmp_path / "class" / "a")
    out = grade.grade(tmp_path / "class", hidden_file=faces, seed=1, rubric_file=rules)
    path = next((out / "results").glob("*.json"))
    json.loads(path.read_text(encoding="utf-8"), parse_constant=pytest.fail)  # no NaN


# the grader's own machine ----------------------------------------------------------------------------------------------

def in_a_room(out: Path, words: list[str], *, before: str = "") -> subprocess.CompletedProcess:
    """`grading grade` in a process of its own that sees `out` as bubblewrap's `words` lay it."""
    code = (f"import sys; from utils.instructor.grading import class_folder, grade, __main__ as command\n{before}\n"
            "sys.exit(command.main(sys.argv[1:]))")
    return subprocess.run(["bwrap", "--bind", "/", "/", "--dev-bind", "/dev", "/dev", *words, "--", sys.executable, "-c",
                           code, "grade",
                           str(out.with_name("class")), "--out", str(out), "--unsafe-no-sandbox", "--hidden",
                           str(out.with_name("hidden.npz")),
                           "--rubric", str(out.with_name("rubric.toml"))], capture_output=True, encoding="utf-8", cwd=out.parent)


@pytest.fixture
def two_teams(tmp_path, faces, rules) -> Path:
    """A class of two, one with 8 MB of weights; gives the empty folder of the results."""
    need("bwrap")
    team(tmp_path / "class" / "ada")
    (team(tmp_path / "class" / "bob") / "weights.bin").write_bytes(np.random.default_rng(0).bytes(8 << 20))
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


def test_a_full_disk_stops_the_grader_and_costs_nobody_a_point(two_teams):
    full = in_a_room(two_teams, ["--size", str(4 << 20), "--tmpfs", str(two_teams)])
    assert full.returncode == 1 and "needs 2048: make room" in full.stderr, "before anything is run"
    full = in_a_room(two_teams, ["--size", str(4 << 20), "--tmpfs", str(two_teams)],
                     before="class_folder.NEEDED_BYTES = 0; import atexit, glob, sys; "
                     "atexit.register(lambda: print(*(open(path).read() for path in "
                     f"glob.glob({str(two_teams / 'results/*.json')!r}))))")
    assert full.returncode == 1 and "No space left on device" in full.stderr and "costs nobody a point" in full.stderr
    assert "Traceback" not in full.stderr and "weights.bin" not in full.stdout and "could not be read" not in full.stdout


@pytest.mark.parametrize("fault", [MemoryError("of the machine"),
                                   *(OSError(number, "of the machine") for number in sorted(OF_MACHINE))], ids=repr)
@pytest.mark.parametrize("packed", [False, True])
def test_no_fault_of_the_machine_is_taken_for_the_teams(tmp_path, monkeypatch, fault, packed):
    source = team(tmp_path / "ada")
    if packed:
        source = Path(shutil.make_archive(str(tmp_path / "packed"), "zip", source))

    def copy(*words):
        raise fault
    monkeypatch.setattr(clean_copy._Room, "copy", copy)
    with pytest.raises(type(fault), match="of the machine"):
        clean_copy.take_in(source, tmp_path / "copy")


def test_files_are_copied_where_the_system_has_no_flags_against_links_and_pipes(tmp_path, monkeypatch):
    for flag in ("O_NOFOLLOW", "O_NONBLOCK"):  # as on Windows
        monkeypatch.delattr(os, flag, raising=False)
    source = team(tmp_path / "ada")
    (source / "notes.bin").write_bytes(b"two\r\nlines\x1a")
    assert clean_copy.take_in(source, tmp_path / "copy") == []
    assert all((tmp_path / "copy" / path.name).read_bytes() == path.read_bytes() for path in source.iterdir() if path.is_file())


def test_a_folder_that_cannot_be_written_is_a_sentence(two_teams):
    closed = in_a_room(two_teams, ["--ro-bind", str(two_teams), str(two_teams)])
    assert closed.returncode == 1 and "Read-only file system" in closed.stderr and "Traceback" not in closed.stderr


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"seed": 3'])
def test_damaged_settings_are_a_sentence_and_damaged_results_are_made_again(two_teams, capsys, text):
    words = ["grade", str(two_teams.with_name("class")), "--out", str(two_teams), "--unsafe-no-sandbox", "--rubric",
             str(two_teams.with_name("rubric.toml")), "--hidden", str(two_teams.with_name("hidden.npz"))]
    (two_teams / "settings.json").write_text(text, encoding="utf-8")
    assert main(words) == 1 and "keeps the seed of this class" in capsys.readouterr().err
    assert main([*words, "--seed", "3"]) == 0
    before = {path: path.read_bytes() for path in (two_teams / "results").iterdir()}
    next(iter(before)).write_text(text, encoding="utf-8")
    assert main(words) == 0
    assert {path: path.read_bytes() for path in (two_teams / "results").iterdir()} == before


def test_a_disk_without_room_is_said_before_anything_is_run(tmp_path, faces, rules, monkeypatch, capsys):
    team(tmp_path / "class" / "ada")
    monkeypatch.setattr(class_folder, "NEEDED_BYTES", 1 << 60)
    monkeypatch.setattr(answers, "ask_about", pytest.fail)
    for command in ("grade", "tournament"):
        words = [str(tmp_path / "class"), "--hidden", str(faces), "--rubric", str(rules), "--unsafe-no-sandbox"]
        assert (main(["grade", *words]) if command == "grade" else tournament.main(words)) == 1
        assert "MiB free, and grading needs" in capsys.readouterr().err
