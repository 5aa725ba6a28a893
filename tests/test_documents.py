"""Documents with topics: those that are built in, and a tiny folder of newsgroups."""
import subprocess
import sys

import numpy as np
import pytest

from utils.data import documents


@pytest.fixture
def newsgroups(tmp_path, monkeypatch):
    """A function that writes {topic: {file: text}} into COURSE_DATA/newsgroups."""
    def write(groups: dict[str, dict[str, str]]) -> None:
        for topic, files in groups.items():
            folder = tmp_path / "newsgroups" / topic
            folder.mkdir(parents=True)
            for name, text in files.items():
                (folder / name).write_text(text, encoding="utf-8")
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    return write


def test_docstrings_are_the_same_each_time_and_long_enough(monkeypatch):
    monkeypatch.delenv("COURSE_DATA", raising=False)
    first, second = documents.load(), documents.load()
    assert first.texts == second.texts and np.array_equal(first.topics, second.topics)
    assert first.names == list(documents.PACKAGES) and len(first.texts) == len(set(first.texts)) > 1000
    assert np.bincount(first.topics).min() >= 100 and np.bincount(first.topics).max() <= documents.EACH
    assert not any(">>>" in text for text in first.texts)


def test_packages_are_read_without_importing_them():
    code = ("import sys; from utils.data import documents; print(sum(1 for _ in documents.docstrings('skimage')) > 100, "
            "'skimage' in sys.modules)")
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True).stdout
    assert said.split() == ["True", "False"]


def test_a_package_that_is_not_there_is_named():
    with pytest.raises(ValueError, match="no_such_package is not installed"):
        list(documents.docstrings("no_such_package"))


def test_counts_are_those_of_a_hand_count():
    texts = ["Red red NumPy blue, the sea is of sea", "blue x1 green-green"]
    found, words = documents.counts(texts)
    assert words == ["blue", "green", "red", "sea"]
    np.testing.assert_array_equal(found, [[1, 0, 2, 2], [1, 2, 0, 0]])
    most, words = documents.counts(texts, words=1)
    assert len(words) == 1 and most.shape == (2, 1)


def test_newsgroups_are_read_without_their_headers(newsgroups):
    newsgroups({"sci.space": {"1": "From: a\nSubject: b\n\nthe moon", "2": "only one line"},
                "rec.autos": {"x.txt": "From: c\n\ncars\n\nand roads"}})
    found = documents.load()
    assert found.source == "20 newsgroups" and found.names == ["rec.autos", "sci.space"]
    assert sorted(zip(found.texts, found.topics)) == [("cars\n\nand roads", 0), ("only one line", 1), ("the moon", 1)]


@pytest.mark.parametrize("groups, words", [({"one": {"1": "x\n\ny"}}, "has 1 folders"),
                                           ({"a": {"1": "x\n\ny"}, "b": {}}, "newsgroups/b holds no file")])
def test_newsgroups_that_are_not_as_described_are_refused(newsgroups, groups, words):
    newsgroups(groups)
    with pytest.raises(ValueError, match=words):
        documents.load()
