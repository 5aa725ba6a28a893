"""The tournament: who fools whom against a table made by hand, and two rounds of scripts whose answers are known."""
import csv
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from conftest import need
from test_grading import DARK, SCRIPT, team
from utils.instructor import files
from utils.instructor.grading import class_folder, clean_copy, ranking, rubric, tournament
from utils.instructor.grading.ranking import Team

nan = np.nan


def test_who_fools_whom():
    original = np.array([[0, 0, 1], [1, 1, -1], [1, 0, 1]])  # [images, detectors]
    modified = np.array([[1, 0, 0], [0, -1, 1], [0, 1, 1]])
    found = ranking.fooled(np.array([0, 1, -1]), np.stack([original, modified]))
    np.testing.assert_array_equal(found, [[1, 0, nan], [1, 1, nan], [nan, nan, nan]])


def test_shares_leave_a_teams_own_out():
    who_fools = np.array([[1, 0, 1, nan], [1, 1, nan, 1], [nan, 0, 1, 0.0]])  # three images, four detectors
    share, number = ranking.shares(who_fools, [0, 1, 2], 0)
    np.testing.assert_allclose(share, [1, 0, 1, 0.5])
    np.testing.assert_array_equal(number, [1, 2, 1, 2])
    share, number = ranking.shares(who_fools, [0, 1, 2], 1)
    np.testing.assert_allclose(share, [0.5, 1, 0])
    assert np.isnan(ranking.shares(np.array([[1.0]]), [0], 0)[0]) and ranking.shares(np.array([[1.0]]), [0], 0)[1] == 0


@pytest.mark.parametrize("values, expected",
                         [([0.5, 0.1, 0.5, nan], [2, 1, 2, 0]), ([nan], [0]), ([], []), ([3, 3, 3, 1], [2, 2, 2, 1])])
def test_ranks_with_ties(values, expected):
    assert ranking.ranks(values) == expected


def test_more_than_half_of_what_is_near_decides():
    said = np.array([[0, 0, 1], [1, -1, 1], [0, 1, -1], [-1, -1, 1]])
    np.testing.assert_array_equal(ranking.majority(said), [0, 1, -1, -1])
    assert ranking.majority(np.empty([0, 3], int)).shape == (0,)


def images(dx: int) -> dict[str, np.ndarray]:
    return {"ori": np.full((48, 48), 98, np.uint8), "mod": np.full((48, 48), 98 + dx, np.uint8)}


def test_who_is_ranked():
    teams = [Team("a", "a", Path(), images(4), "man"), Team("b", "b", Path(), images(20), "man"),
             Team("c", "c", Path(), images(8), "man")]
    who_fools = np.array([[1, 1, 0, 1], [1, 1, 1, 1], [0, 1, 1, 0.0]])
    rows = ranking.table(teams, ["the course's x"], who_fools, np.array([0.9, 0.5, 0.86, 0.99]))
    assert [row.robust_rank for row in rows] == [1, 0, 1, 3], "b is no detector of faces; a and c are fooled by one of two"
    assert [row.transfer_rank for row in rows] == [1, 0, 2, 0], "DX of b is too large: 20 / 255 * 48 is 3.8"
    assert [row.L2_rank for row in rows] == [1, 3, 2, 0]
    assert rows[0].fools == pytest.approx(2 / 3) and rows[0].L2 == pytest.approx(48 * 4 / 255) and rows[3].of_images == 3


# two rounds -----------------------------------------------------------------------------------------------------------

def darker(threshold: float) -> str:
    return SCRIPT.replace("- 100)", f"- {threshold})")


@pytest.fixture
def rules(tmp_path) -> Path:
    path = tmp_path / "rubric.toml"
    path.write_text(rubric.DEFAULT.read_text(encoding="utf-8").replace('["faces_three_convolutions", "faces_densenet"]', "[]"),
                    encoding="utf-8")
    return path


@pytest.fixture
def faces(tmp_path) -> Path:
    """40 grey squares, dark (man) or bright (woman)."""
    labels = np.arange(40) % 2
    x = np.where(labels, 200, 40)[:, None, None] + np.random.default_rng(0).integers(-20, 20, (40, 48, 48))
    np.savez(tmp_path / "hidden.npz", x_test=x.astype(np.uint8), y_test=labels.astype(np.uint8))
    return tmp_path / "hidden.npz"


def read(path: Path) -> list[dict]:
    with open(path, encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_two_rounds_of_a_class(tmp_path, rules, faces, capsys, monkeypatch):
    need("bwrap")
    first, second = tmp_path / "first", tmp_path / "second"
    dark = np.full((48, 48), 98, np.uint8)
    team(first / "ada", modified=dark + 4, about="consent = true\n")  # says woman above 100
    team(first / "bob", modified=dark + 4, script=darker(100), about='label = "man"\n')
    team(first / "cem", modified=dark + 12, script=darker(105))  # hidden behind its code
    team(first / "always_man", script=re.sub(r"print\(.*", 'print(f"{path}\\\\tman\\\\t0.9")', SCRIPT))
    (first / "nothing").mkdir()
    out = tournament.tournament(first, hidden_file=faces, seed=7, rubric_file=rules)
    assert re.search(r"nothing \(team \w+\) does not play", capsys.readouterr().err)
    rows = {row["team"]: row for row in read(out / "tournament.csv")}
    matrix = {row["image of"]: row for row in read(out / "matrix.csv")}
    hidden_name = next(name for name in rows if name != "ada_grace" and float(rows[name]["accuracy"]) > 0.9
                       and float(rows[name]["L2"] or 0) > 2)
    assert hidden_name.startswith("team ") and "cem" not in (out / "tournament.html").read_text(encoding="utf-8")
    assert matrix[hidden_name]["ada_grace"] == "1" and matrix["ada_grace"][hidden_name] == "0"
    assert (rows[hidden_name]["robust_rank"] == "1"
            and rows[hidden_name]["transfer_rank"] == "0"), "its DX is too large to be ranked"
    with np.load(out / "first_round.npz") as handed_out:
        np.testing.assert_array_equal(handed_out["images"], dark[None] + 4, "ada's alone: nobody else agreed")
        assert handed_out["labels"].tolist() == [0]
    always = next(row for row in rows.values() if float(row["accuracy"]) == 0.5)
    assert always["robust_rank"] == "0" and float(always["fooled_by"]) == 0
    stored = {path.name: path.read_bytes() for path in (out / "results").iterdir()}

    monkeypatch.setattr(tournament.answers, "ask_about", None)  # whatever is asked again raises
    again = tournament.tournament(first, hidden_file=faces, seed=7, rubric_file=rules)
    assert {path.name: path.read_bytes() for path in (again / "results").iterdir()} == stored
    monkeypatch.undo()

    shutil.copytree(first, second)
    (second / "ada" / "infer.py").write_text(darker(104), encoding="utf-8")  # hardened: 102 is a man now
    out = tournament.tournament(second, hidden_file=faces, first=out, rubric_file=rules)
    page = (out / "tournament.html").read_text(encoding="utf-8")
    changed = re.search(r"<td>ada_grace</td>((?:<td[^>]*>[^<]*</td>)+)</tr>", page.split("What has changed")[1])
    numbers = re.findall(r">([\d.]+)", changed[1])
    assert numbers[:2] == ["100.0", "100.0"] and numbers[2:] == ["100", "33", "3"], "cem's image only"


def test_a_class_of_one_plays_against_the_courses_detectors(tmp_path, faces, capsys):
    team(tmp_path / "class" / "ada", about="consent = true\n")
    assert tournament.main([str(tmp_path / "class"), "--hidden", str(faces), "--unsafe-no-sandbox"]) == 0
    rows = read(tmp_path / "class-tournament" / "tournament.csv")
    assert [row["team"] for row in rows] == ["ada_grace", "the course's faces_three_convolutions", "the course's faces_densenet"]
    assert rows[0]["L2_rank"] == "1" and json.loads((tmp_path / "class-tournament" / "round.json")
                                                    .read_text(encoding="utf-8"))["seed"] >= 0


def test_who_did_not_answer_is_told_so(tmp_path, rules, faces, capsys):
    """On the page of the class and in the table, without what a script printed,
    and by the code of who has not agreed to be shown.
    """
    agrees = "consent = true\n"
    for name, script, about in (("ada", SCRIPT, agrees),
                                ("stops", SCRIPT.replace("sys.argv[1:]", "sys.argv[2:]") + "sys.exit('our secret')\n", ""),
                                ("silent", "import os\nos.kill(os.getpid(), 9)\n", "")):
        team(tmp_path / "class" / name, script=script, about=about)
    (team(tmp_path / "class" / "late", about=agrees) / "infer.py").unlink()
    (tmp_path / "class" / "nothing").mkdir()
    assert tournament.main([str(tmp_path / "class"), "--hidden", str(faces), "--rubric", str(rules), "--unsafe-no-sandbox"]) == 0
    rows = {row["why"]: row for row in read(tmp_path / "class-tournament" / "tournament.csv")}
    page = (tmp_path / "class-tournament" / "tournament.html").read_text(encoding="utf-8")
    assert rows[""]["team"] == "ada_grace" and rows[""]["without_answer"] == "0"
    assert rows["There is no infer.py."]["team"] == "ada_grace"
    whys = {why: row["team"] for why, row in rows.items() if row["team"].startswith("team ")}
    for words, number in (("exit status 1. infer.py gave no answer for 1 of 23 images", "1"),
                          ("It was killed: it did not stop", "46"), ("could not be read", "")):
        why = next(why for why in whys if words in why)
        assert rows[why]["without_answer"] == number and f"<tr><td>{whys[why]}</td><td>{why}" in page
    assert re.search(r"<tr><td>team \w+</td><td>There is no infer.py.", page), "nobody's failure by name"
    assert "secret" not in page and not re.search("silent|stops|nothing", page)
    assert "nothing (team " in capsys.readouterr().err


def test_silence_about_modified_images_wins_nothing(tmp_path, rules, faces):
    """Neither as a defence nor for a team's own DX."""
    mute = SCRIPT.replace("    print(", "    if not 100 < np.asarray(Image.open(path)).mean() < 103: print(")
    for name, script in (("ada", SCRIPT), ("mute", mute)):
        team(tmp_path / "class" / name, script=script, about=f'names = "{name}"\nconsent = true\n')
    assert tournament.main([str(tmp_path / "class"), "--hidden", str(faces), "--rubric", str(rules), "--unsafe-no-sandbox"]) == 0
    ada, mute = sorted(read(tmp_path / "class-tournament" / "tournament.csv"), key=lambda row: row["without_answer"])
    assert (ada["without_answer"], ada["L2_rank"], ada["fools"]) == ("0", "1", "1.0")
    assert (mute["without_answer"], mute["L2_rank"], mute["fooled_by"]) == ("2", "0", "1.0") and float(mute["accuracy"]) == 1


# Gives all images of the call that are nearly the same the answer for the one whose answer is least certain, or most.
TWINS = '''
import sys, math
import numpy as np
from PIL import Image
levels = np.stack([np.asarray(Image.open(name)).astype(float).ravel() for name in sys.argv[1:]])
woman = 1 / (1 + np.exp(-0.5 * (levels.mean(1) - 100)))
for path, one in zip(sys.argv[1:], levels):
    twins = np.flatnonzero(np.linalg.norm(levels - one, axis=1) / 255 < 3)
    sure = woman[twins[0]]
    print(f"{path}\\t{'woman' if sure > 0.5 else 'man'}\\t{max(sure, 1 - sure):.6f}")
'''


def test_what_a_script_knows_of_the_images_of_the_call_wins_nothing(tmp_path, rules, faces):
    """An answer learnt by heart for one's own modified image, and the same answer for all images that are nearly the same."""
    rng = np.random.default_rng(3)
    squares = []
    for _ in range(3):
        square = np.clip(98 + rng.integers(-40, 41, (48, 48)), 0, 255)
        squares.append((square + round(97 - square.mean())).astype(np.uint8))  # 97 is a man, 103 a woman
    modified = squares[0].copy()
    modified[0, 0] = 7
    by_heart = SCRIPT.replace("    woman =",
                              f"    if np.asarray(Image.open(path)).astype(int).sum() == {modified.astype(int).sum()}:\n"
                              "        print(path + '\\twoman\\t0.9')\n        continue\n    woman =")
    team(tmp_path / "class" / "heart", original=squares[0], modified=modified, script=by_heart, about="consent = true\n")
    team(tmp_path / "class" / "twins", original=squares[1], modified=squares[1] + 6, script=TWINS, about="consent = true\n")
    team(tmp_path / "class" / "honest", original=squares[2], modified=squares[2] + 6, about="consent = true\n")
    for name in ("heart", "twins", "honest"):
        for path in (tmp_path / "class" / name).glob("adv_*"):
            path.rename(path.with_name(path.name.replace("ada_grace", name)))
    assert tournament.main([str(tmp_path / "class"), "--hidden", str(faces), "--rubric", str(rules), "--unsafe-no-sandbox"]) == 0
    rows = {row["team"]: row for row in read(tmp_path / "class-tournament" / "tournament.csv")}
    assert (rows["heart"]["L2_rank"], rows["heart"]["L2"]) == ("0", ""), "images near its own are what its network says"
    assert rows["honest"]["L2_rank"] == "1"
    assert rows["twins"]["fooled_by"] == rows["honest"]["fooled_by"], "it cannot see who is whose original"


def test_a_new_image_and_that_of_the_first_round_are_both_played(tmp_path, rules, faces):
    agrees = "consent = true\n"
    team(tmp_path / "one" / "ada", about=agrees)
    first = tournament.tournament(tmp_path / "one", hidden_file=faces, seed=7, rubric_file=rules, isolated=False)
    team(tmp_path / "two" / "ada", script=darker(104), modified=DARK + 9, about=agrees)
    second = tournament.tournament(tmp_path / "two", hidden_file=faces, first=first, rubric_file=rules, isolated=False)
    code = class_folder.code_of("ada", 7)
    said = json.loads((second / "round.json").read_text(encoding="utf-8"))["fooled"][code]
    assert said == {code: 1, f"{code}, first round": 0}, "107 is a woman for the new script, 102 is not"
    assert float(read(second / "tournament.csv")[0]["L2"]) == pytest.approx(48 * 9 / 255)


def test_no_name_is_computed_in_a_table(tmp_path):
    files.write_table(tmp_path / "t.csv", ["team", "=HYPERLINK(1)"], [{"team": "=1", "=HYPERLINK(1)": 1}])
    assert (tmp_path / "t.csv").read_text(encoding="utf-8-sig").splitlines() == ['"team","\'=HYPERLINK(1)"', '"\'=1",1']


def test_teams_of_the_same_names_are_told_apart(tmp_path):
    sources = [team(tmp_path / name, about="consent = true\n") for name in ("a", "b")]
    found, _ = tournament._teams(sources, tmp_path / "scratch", 1)
    assert len({one.shown for one in found}) == 2 and all(one.shown.startswith("ada_grace (") for one in found)


def test_what_cannot_be_played_is_a_sentence(tmp_path, capsys):
    assert tournament.main([str(tmp_path / "class")]) == 1 and "name the folder" in capsys.readouterr().err
    team(tmp_path / "class" / "ada")
    assert tournament.main([str(tmp_path / "class"), "--first", str(tmp_path), "--unsafe-no-sandbox"]) == 1
    assert "holds no first round" in capsys.readouterr().err
    assert clean_copy.entries(tmp_path / "class")
