"""Short texts with topics, and their word counts: docstrings of the installed packages, or the 20 newsgroups.

Built in are the docstrings of public functions and classes of scientific packages, read from their source without importing
it; the topic is the package. Examples are cut out, and names of packages are no words, so that a text does not say its own
topic. With COURSE_DATA naming a folder in which there is a folder `newsgroups`, `load` reads that instead: one folder for each
topic, in it one text file (UTF-8, any name) for each document, as the archive `20news-bydate` has them once its training part
is unpacked.
"""
import ast
import gc
import re
from collections.abc import Iterator
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np

from utils.data import folder_of_real_data

PACKAGES = ("dask", "keras", "matplotlib", "numpy", "scipy", "skimage", "sklearn")
NAMES = {*PACKAGES, "scikit", "learn", "image", "np", "plt", "tf", "tensorflow", "mpl", "pyplot", "pandas", "distributed"}
SKIPPED = {"tests", "test", "testing", "_vendor", "vendored", "externals", "conftest", "setup"}
EACH = 220  # documents of a package, so that none outweighs the others
LEAST = 60  # words of a document


class Documents(NamedTuple):
    """Texts, the topic of each as an integer [N], the names of the topics, and where they come from."""
    texts: list[str]
    topics: np.ndarray
    names: list[str]
    source: str


def load(seed: int = 0) -> Documents:
    """The documents in a random order that `seed` fixes; of packages at most EACH a topic, of newsgroups all.

    Prints one line that says what was loaded.

    Raises ValueError with one sentence for a folder `newsgroups` that is not as described above.
    """
    folder = folder_of_real_data()
    newsgroups = folder / "newsgroups" if folder else None
    if newsgroups and newsgroups.is_dir():
        groups, source = read_newsgroups(newsgroups), "20 newsgroups"
    else:
        gc.disable()  # parsed source holds no cycles, and looking for some among a notebook's objects doubles the time
        try:
            groups, source = {name: list(islice(docstrings(name), EACH)) for name in PACKAGES}, "docstrings of installed packages"
        finally:
            gc.enable()
    pairs = [(text, topic) for topic, texts in enumerate(groups.values()) for text in texts]
    order = np.random.default_rng(seed).permutation(len(pairs))
    texts, topics = zip(*(pairs[n] for n in order))
    print(f"documents: {source}, {len(texts):,} texts on {len(groups)} topics")
    return Documents(list(texts), np.array(topics), list(groups), source)


def docstrings(package: str) -> Iterator[str]:
    """The docstrings with at least LEAST words of the public functions and classes of an installed package, each once.

    File by file in an order that is random but always the same. The package is found but not imported. Raises ValueError if it
    is not installed.
    """
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ValueError(f"The package {package} is not installed: run python3 course.py lab once.")
    root, seen = Path(next(iter(spec.submodule_search_locations))), set()
    files = sorted(root.rglob("*.py"), key=lambda path: path.relative_to(root).as_posix())
    public = [path for path in files if not SKIPPED & {*path.relative_to(root).with_suffix("").parts}]
    for path in np.random.default_rng(0).permutation(np.array(public, object)):
        for text in _documented(path):
            if text not in seen and len(re.findall(r"[a-zA-Z]{3,}", text)) >= LEAST:
                seen.add(text)
                yield text


def _documented(path: Path) -> Iterator[str]:
    """The docstrings of the public functions and classes of a file, without examples."""
    source = path.read_text(encoding="utf-8", errors="replace")
    if '"""' not in source:
        return
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            text = ast.get_docstring(node) or ""
            text = re.split(r"\n(?:Examples?|References|See Also)\n-+\n|\nExamples?:", text)[0]
            yield "\n".join(line for line in text.splitlines() if not line.lstrip().startswith((">>>", "...", ".. ")))


def read_newsgroups(folder: Path) -> dict[str, list[str]]:
    """The texts of a folder of topics, {topic: texts} in the order of their names, without headers (up to the first empty line).

    Raises ValueError for a folder with fewer than two topics, and for a topic without a file.
    """
    topics = sorted(path for path in folder.iterdir() if path.is_dir())
    if len(topics) < 2:
        raise ValueError(f"The folder newsgroups has {len(topics)} folders, expected one for each topic and two at least.")
    groups = {topic.name: [_without_header(path.read_text(encoding="utf-8", errors="replace"))
                           for path in sorted(topic.iterdir()) if path.is_file()] for topic in topics}
    empty = [name for name, texts in groups.items() if not texts]
    if empty:
        raise ValueError(f"The folder newsgroups/{empty[0]} holds no file, expected one for each document.")
    return groups


def _without_header(mail: str) -> str:
    return mail.partition("\n\n")[2] or mail


def counts(texts: list[str], words: int = 2000) -> tuple[np.ndarray, list[str]]:
    """How often each of the `words` most frequent words occurs in each text, float32 [N, words], and these words.

    A word has three letters or more; English stop words and NAMES are left out.
    """
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS, CountVectorizer

    counter = CountVectorizer(max_features=words, stop_words=list(ENGLISH_STOP_WORDS | NAMES), token_pattern="[a-z]{3,}")
    found = counter.fit_transform(texts).toarray().astype(np.float32)
    return found, list(counter.get_feature_names_out())
