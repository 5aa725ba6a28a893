"""The mini-project end to end: `course.py miniproject`, the folder that it leaves, and the script in it."""
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import nbformat
import numpy as np
import pytest
from PIL import Image

from conftest import need
from utils import checks, data, networks, training
from utils.checks.trained import without_test_set
from utils.instructor.grading import class_folder, grade, rubric
from utils.instructor.grading.__main__ import main as grading
from utils.instructor.execute import ROOT

RUN = ("import sys; from pathlib import Path; from utils.instructor.miniproject import miniproject; "
       "sys.exit(miniproject(Path(sys.argv[1])))")


def run_miniproject(folder: Path, **variables: str) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, "-c", RUN, str(folder)], cwd=ROOT, capture_output=True, encoding="utf-8",
                          env=os.environ | variables)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """(what the command printed, the folder that it left)."""
    folder = tmp_path_factory.mktemp("build") / "miniproject"
    done = run_miniproject(folder)
    assert done.returncode == 0, done.stderr
    return done.stdout, folder


def infer(folder: Path, *files, cwd=None, **variables: str) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, str(folder / "infer.py"), *map(str, files)], capture_output=True, encoding="utf-8",
                          cwd=cwd or folder, env=os.environ | variables)


def test_folder_could_be_handed_in(finished):
    printed, folder = finished
    adversarial = {f"adv_ada_grace_{kind}.{ending}" for kind in ("ori", "mod", "amp") for ending in ("png", "raw")}
    assert adversarial | {"infer.py", "attack.py", "model", "team.toml", "reflection.md", "round_two", "summary.json",
                          "06_mini_project.html"} <= {
        entry.name for entry in folder.iterdir()}
    for script in ("infer.py", "attack.py", "round_two/infer.py", "round_two/attack.py"):
        assert "utils" not in (folder / script).read_text(encoding="utf-8")
    text = (folder / "reflection.md").read_text(encoding="utf-8")
    assert all(question in text for question in rubric.load().questions()) and "Our numbers: accuracy 0.9" in text
    assert "cell  1/" in printed and "Task 1: the script answers" in printed


def test_summary(finished):
    printed, folder = finished
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    assert summary.keys() == {"accuracy", "train_seconds", "dx_success", "dx_median_l2", "dx_smallest"}
    assert summary["accuracy"] > 0.9 and summary["dx_success"] >= 0.96 and summary["dx_median_l2"] < 0.6
    assert summary["dx_smallest"] < summary["dx_median_l2"]
    assert all(name in printed for name in summary)


def test_amplified_image_is_fifty_times_the_difference(finished):
    _, folder = finished
    levels = {kind: np.asarray(Image.open(folder / f"adv_ada_grace_{kind}.png")).astype(int) for kind in ("ori", "mod", "amp")}
    np.testing.assert_array_equal(levels["amp"], np.clip(50 * np.abs(levels["mod"] - levels["ori"]), 0, 255))
    for kind, picture in levels.items():
        raw = np.frombuffer((folder / f"adv_ada_grace_{kind}.raw").read_bytes(), np.uint8)
        np.testing.assert_array_equal(raw.reshape(48, 48), picture)


def test_script_is_fooled_from_any_directory(finished, tmp_path):
    _, folder = finished
    files = [folder / f"adv_ada_grace_{kind}.{ending}" for kind in ("ori", "mod") for ending in ("png", "raw")]
    done = infer(folder, *files, cwd=tmp_path)
    assert done.returncode == 0 and done.stderr == ""
    lines = [line.split("\t") for line in done.stdout.splitlines()]
    assert [line[0] for line in lines] == list(map(str, files))
    assert lines[0][1:] == lines[1][1:] and lines[2][1:] == lines[3][1:], "png and raw hold the same face"
    assert {lines[0][1], lines[2][1]} == {"man", "woman"}
    assert all(0.5 <= float(line[2]) <= 1 for line in lines)


def test_script_answers_the_good_files_among_bad_ones(finished, tmp_path):
    _, folder = finished
    face = Image.open(folder / "adv_ada_grace_ori.png")
    face.convert("RGB").resize((300, 300)).save(tmp_path / "large colour.jpg")
    face.convert("RGBA").save(tmp_path / "alpha.png")
    face.convert("P").save(tmp_path / "палитра.png")
    face.resize((480, 480)).convert("CMYK").save(tmp_path / "cmyk.jpg")
    (tmp_path / "cut.png").write_bytes((folder / "adv_ada_grace_ori.png").read_bytes()[:500])
    (tmp_path / "text.txt").write_text("not an image", encoding="utf-8")
    (tmp_path / "empty.raw").write_bytes(b"")
    good = ["large colour.jpg", "alpha.png", "палитра.png", "cmyk.jpg"]
    bad = ["cut.png", "text.txt", "empty.raw", "missing.png"]
    done = infer(folder, *[name for pair in zip(bad, good) for name in pair], cwd=tmp_path)
    assert done.returncode == 1
    lines = [line.split("\t") for line in done.stdout.splitlines()]
    assert [line[0] for line in lines] == good
    assert len({line[1] for line in lines}) == 1, "the same face gets the same label in any format"
    refused = done.stderr.splitlines()
    assert [line.split(":")[0] for line in refused] == bad and "Traceback" not in done.stderr


def test_training_sees_no_test_faces():
    """Not in its argument, not in a variable of the notebook; a data set of the student's own can be made of what it sees."""
    grey, labels = np.full((4, 48, 48, 1), 0.5, np.float32), np.array([0, 1, 0, 1])
    factors = {split: {} for split in ("train", "val", "test")}
    faces = data.Dataset("faces", *[grey, labels] * 3, ("man", "woman"), "grey", factors)

    def right(given):
        network = networks.three_convolutions()
        training.fit(network, replace(given, x_train=given.x_train[:2], y_train=given.y_train[:2]), epochs=1)
        return network

    assert callable(without_test_set(right, faces))
    for source in ("given.x_test", "given.y_test", "faces.x_test", "helper()"):
        notebook = {"faces": faces}
        exec(f"def helper():\n    return faces.y_test\n\n\ndef train(given):\n    return {source}", notebook)
        with pytest.raises(checks.CheckFailed, match="The training looks at [xy]_test"):
            without_test_set(notebook["train"], faces)
        assert notebook["faces"] is faces


VIEWER = """#!{python}
import os, shutil, sys
shutil.copy(sys.argv[-1], "{seen}.part")
os.rename("{seen}.part", "{seen}")
"""


def viewer(folder: Path, program: str) -> tuple[str, Path]:
    """(a PATH on which `program` is the only viewer, the file into which that program copies the picture it is to show)."""
    (folder / "bin").mkdir()
    path, seen = folder / "bin" / program, folder / "seen.png"
    path.write_text(VIEWER.format(python=sys.executable, seen=seen), encoding="utf-8")
    path.chmod(0o755)
    return str(folder / "bin"), seen


def assert_shows(script: Path, face: Path, path: str, seen: Path) -> None:
    """`infer.py --show FACE`, with the viewer on `path`, answers, and the viewer gets the face, enlarged."""
    done = infer(script, "--show", face, PATH=path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == infer(script, face).stdout and done.stdout.startswith(f"{face}\t")
    deadline = time.monotonic() + 60
    while not seen.exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    with Image.open(seen) as shown, Image.open(face) as original:
        assert shown.size == (480, 480)
        small = np.asarray(shown.convert("L").resize((48, 48), Image.Resampling.BOX)).astype(float)
        assert np.abs(small - np.asarray(original)).mean() < 3


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the system's own viewer would open")
@pytest.mark.parametrize("program", ["xdg-open", "display"])
def test_script_shows_the_picture(finished, tmp_path, program):
    _, folder = finished
    assert_shows(folder, folder / "adv_ada_grace_ori.png", *viewer(tmp_path, program))


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there always is a viewer")
def test_script_without_a_viewer_says_so_and_answers(finished, tmp_path):
    _, folder = finished
    (tmp_path / "none").mkdir()
    (tmp_path / "text.txt").write_text("not an image", encoding="utf-8")
    files = [folder / "adv_ada_grace_ori.png", tmp_path / "text.txt", folder / "adv_ada_grace_mod.raw"]
    done = infer(folder, "--show", *files, PATH=str(tmp_path / "none"))
    assert done.returncode == 1
    assert done.stdout == infer(folder, *files).stdout
    assert done.stderr.splitlines() == [
        *(f"{file}: no program was found that shows pictures" for file in (files[0], files[2])),
        f"{files[1]}: neither a png or jpg image nor 2,304 raw bytes"]


STUDENT = {
    "infer-3-answer.py": """def answer(paths, model):
    status = 0
    for path in paths:
        try:
            first, second = np.asarray(model(read_face(path)[None]))[0]
        except (ValueError, OSError) as error:
            print(path, error, sep=": ", file=sys.stderr)
            status = 1
            continue
        p = 1 / (1 + np.exp(-abs(first - second)))
        print(path, LABELS[int(second > first)], f"{p:.4f}", sep="\\t")
    return status
"""}


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the system's own viewer would open")
def test_script_of_a_student_shows_the_picture(finished, tmp_path, monkeypatch):
    """The parts that the lab gives bring what they use; the one that is asked for, written with nothing else."""
    _, folder = finished
    monkeypatch.chdir(tmp_path)
    for cell in nbformat.read(ROOT / "labs" / "06_mini_project" / "06_mini_project.ipynb", as_version=4).cells:
        if cell.source.startswith("%%writefile "):
            line, code = cell.source.split("\n", 1)
            Path(line.split()[1]).write_text(STUDENT.get(line.split()[1], code), encoding="utf-8")
        elif 'glob("infer-*.py")' in cell.source:  # joins the scripts
            exec(cell.source, {"Path": Path})
    shutil.copytree(folder / "model", "model")
    assert_shows(tmp_path, folder / "adv_ada_grace_ori.png", *viewer(tmp_path, "xdg-open"))


def test_given_parts_read_every_kind_of_picture(tmp_path):
    """`read_face`, given in the lab: a turned jpg, a png of 16 bits, a wide picture, raw bytes; and what is none."""
    names = {"__file__": "infer.py"}
    for cell in nbformat.read(ROOT / "labs" / "06_mini_project" / "06_mini_project.ipynb", as_version=4).cells:
        if cell.id in ("script-start", "script-read"):
            exec(cell.source.split("\n", 1)[1], names)
    levels, turn = np.random.default_rng(0).integers(0, 256, (48, 48), np.uint8), Image.Exif()
    turn[0x0112] = 6  # the camera was held on its side
    (tmp_path / "face.raw").write_bytes(levels.tobytes())
    Image.fromarray(levels.astype(np.uint16) * 257).save(tmp_path / "deep.png")
    halves = np.repeat(np.repeat(np.uint8([[0, 255]]), 240, axis=1), 480, axis=0)
    Image.fromarray(np.rot90(halves)).save(tmp_path / "turned.jpg", exif=turn, quality=95)
    for name, expected in (("face.raw", levels), ("deep.png", levels)):
        face = names["read_face"](str(tmp_path / name))
        assert face.dtype == np.float32
        np.testing.assert_allclose(face, expected[..., None] / 255, atol=1e-6)
    np.testing.assert_allclose(names["read_face"](str(tmp_path / "turned.jpg"))[..., 0], halves[:48, ::10] / 255, atol=0.2)
    (tmp_path / "short.raw").write_bytes(bytes(2303))
    (tmp_path / "cut.png").write_bytes((tmp_path / "deep.png").read_bytes()[:600])
    for name in ("short.raw", "cut.png", "none.png"):
        with pytest.raises(ValueError):
            names["read_face"](str(tmp_path / name))


def test_grader_gives_full_points(finished, tmp_path, capsys):
    """What the lab's solution leaves is a submission: in the sandbox, and checked at home.

    A person's points are still to be given.
    """
    need("bwrap")
    shutil.copytree(finished[1], tmp_path / "class" / "team")
    out = grade.grade(tmp_path / "class", seed=77)
    found = class_folder.read_results(out)[0]
    measured = found["measured"]
    assert (found["faults"] == [] and measured["accuracy"] > 0.9 and measured["attack_success"] >= 0.96
            and measured["attack_size"] < 1.2)
    lost = [(line["title"], line["value"]) for line in found["judged"] if line["given"] is not None
            and line["given"] < line["most"]]
    assert [title for title, _ in lost if "with a small DX" not in title] == [], "the median of 50 faces varies by a tenth"
    assert 17 <= found["score"] <= 18 and found["maximum"] == 20 and found["reflection"].startswith("# Reflection")
    assert set(found["groups"]) == {"age", "skin reflectance (0.1 dark, 0.65 light)"} and "transfer" in found["measured"]
    grading(["check", str(finished[1])])
    said = capsys.readouterr().out
    assert "of 18 points that a program gives, on practice faces" in said and "to be graded by a person, of 2" in said
    assert [line for line in said.splitlines() if line.startswith("!")] == [
        "!   reflection.md still has ... in place of an answer to question 1, 2, 3, 4: a person grades what you write there."]


def test_script_agrees_with_the_exported_model_on_2000_files_in_bounded_memory(finished, tmp_path):
    _, folder = finished
    from utils.quiet import tf

    images = data.load("faces", train=500).x_train
    images = np.concatenate([images] * 4)
    levels = np.round(255 * images).astype(np.uint8)
    for number, picture in enumerate(levels):
        (tmp_path / f"{number}.raw").write_bytes(picture.tobytes())
    done = infer(folder, *[f"{number}.raw" for number in range(2000)], cwd=tmp_path)
    assert done.returncode == 0
    lines = [line.split("\t") for line in done.stdout.splitlines()]
    logits = tf.saved_model.load(str(folder / "model"))(tf.constant(images[:500])).numpy()
    expected = [("man", "woman")[label] for label in logits.argmax(1)]
    assert [line[1] for line in lines] == expected * 4
    shares = np.exp(logits.max(1)) / np.exp(logits).sum(1)
    np.testing.assert_allclose([float(line[2]) for line in lines], np.tile(shares, 4), atol=2e-4)
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss < 3 * 2**20, "kB; TensorFlow alone takes about 0.6 GB"


def test_killed_run_replaces_nothing(finished):
    _, folder = finished
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    with subprocess.Popen([sys.executable, "-c", RUN, str(folder)], cwd=ROOT, stdout=subprocess.PIPE, encoding="utf-8",
                          start_new_session=True) as run:
        for line in run.stdout:
            if "Your detector" in line:
                break
        os.killpg(run.pid, signal.SIGKILL)
    time.sleep(1)
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


def test_real_faces(real_data, tmp_path):
    """The quick profile on real faces, and its grading with real faces hidden.

    What the full one reaches: course.py acceptance.
    """
    done = run_miniproject(tmp_path / "miniproject", COURSE_PROFILE="quick")
    assert done.returncode == 0, done.stderr
    summary = json.loads((tmp_path / "miniproject" / "summary.json").read_text(encoding="utf-8"))
    assert summary["accuracy"] > 0.87 and summary["dx_success"] == 1 and summary["dx_median_l2"] < 1.0
    need("bwrap")
    shutil.copytree(tmp_path / "miniproject", tmp_path / "class" / "team")
    found = class_folder.read_results(grade.grade(tmp_path / "class", hidden_file=Path(real_data) / "faces.npz"))[0]
    assert found["measured"]["accuracy"] == pytest.approx(summary["accuracy"], abs=0.005) and found["measured"]["contract"] == 1
    assert set(found["groups"]) == {"age", "race, as annotated"}
