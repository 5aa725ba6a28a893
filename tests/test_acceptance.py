"""The README's table is made from what `course.py acceptance` stored; what that command does with a measurement."""
import json
import sys
from pathlib import Path

import pytest

from utils.instructor import acceptance, results
from utils.instructor.execute import ROOT


def test_readme_has_what_is_stored():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert acceptance.BEGIN in readme
    assert acceptance.with_table(readme, results.read(acceptance.RESULTS)) == readme, "run: python3 course.py acceptance"


@pytest.fixture
def measured(monkeypatch, tmp_path) -> list[str]:
    """What was measured, by two measurements in the place of the real ones, one of them on real data."""
    done = []

    def measurement(name):
        def measure(_):
            done.append(name)
            return {"accuracy": [0.5, 0.25], "seconds": 3}
        return measure
    (tmp_path / "README.md").write_text(f"before\n{acceptance.BEGIN}old\n{acceptance.END}after\n", encoding="utf-8")
    monkeypatch.setattr(acceptance, "RESULTS", tmp_path / "acceptance.json")
    monkeypatch.setattr(acceptance, "ROOT", tmp_path)
    monkeypatch.setattr(acceptance, "MEASUREMENTS", {"digits, quick": acceptance.with_figures(measurement("digits"), False),
                                                     "faces, full": acceptance.with_figures(measurement("faces"), True)})
    return done


def test_lenet_is_measured_with_and_without_a_falling_rate(monkeypatch):
    class Digits:
        x_test = y_test = None

    trained = []
    monkeypatch.setattr(acceptance.training, "train_lenet",
                        lambda model, digits, seed, last_rate: trained.append((last_rate, seed)))
    monkeypatch.setattr(acceptance.training, "evaluate", lambda model, x, y: 1 - trained[-1][0] / 4)
    figures = acceptance.lenet_built_in(Digits)
    assert trained == [(last_rate, seed) for last_rate in (0, 1) for seed in range(5)]
    assert figures["mean"] == 1 and figures["their mean"] == 0.75 and len(figures["seconds of training"]) == 5


def test_what_is_stored_is_not_measured_again(measured, tmp_path):
    for _ in range(2):
        assert acceptance.main([]) == 0
    assert measured == ["digits"]  # without COURSE_DATA
    stored = results.read(tmp_path / "acceptance.json")
    assert stored["digits, quick"]["figures"] == {"accuracy": [0.5, 0.25], "seconds": 3}
    stored["digits, quick"]["settings"]["commit"] = "another"
    (tmp_path / "acceptance.json").write_text(json.dumps(stored), encoding="utf-8")
    assert acceptance.main(["digits"]) == 0
    assert measured == ["digits", "digits"]
    readme = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert readme.startswith("before\n") and readme.endswith("after\n") and "old" not in readme
    assert "| digits, quick | accuracy 0.5, 0.25; seconds 3 |" in readme and "faces" not in readme


def test_real_data_only_where_it_is_meant(measured, monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    assert acceptance.main(["faces"]) == 0 and measured == ["faces"]


def test_unknown_name(measured, capsys):
    assert acceptance.main(["cats"]) == 2
    assert "nothing has cats in its name: digits, quick, faces, full" in capsys.readouterr().err


@pytest.mark.parametrize("windows", [False, True])
def test_notebooks_are_timed_on_every_system_and_their_memory_is_measured_where_it_can_be(monkeypatch, windows):
    monkeypatch.setattr(acceptance, "sources", lambda: [Path("lectures/01_filters.ipynb"), Path("solutions/01_filters.ipynb")])
    monkeypatch.setattr(acceptance, "run", lambda path, environment: None)
    if windows:
        monkeypatch.setitem(sys.modules, "resource", None)  # importing it raises ImportError, as there
    figures = acceptance.notebooks(None)
    assert {type(figures.pop(f"{kind} 01")) for kind in ("lecture", "solution")} == {int}
    assert list(figures) == ([] if windows or sys.platform == "win32" else ["GB of memory of the largest kernel"])
