"""The course's attacks beside other libraries': `python3 course.py bench attacks [WORD ...]`, about an hour on a quiet core.

Each row (an attack in one norm on one network) runs in a process of its own, with one thread, and is stored in
data/results/attacks.json as soon as it is there; a row that is there already, with the same settings, is not run again. With
WORDs only rows whose name (digits/L2/Foolbox DDN) holds one of them are run. Then come the tables, of everything that is stored.

All peers run on the digits network, the two best for each norm on the others. What is compared is `utils.attacks.minimal`.
The course's attacks draw the same random numbers in each run; what stands for three seeds are three sets of 100 digits for one
network: digits, digits_1 and digits_2.
A row depends on weights, images and settings, those of the course also on their source; on nothing that a processor rounds.
"""
import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))  # course.py runs Python so that the folder of a script is not on the path
import bench_peers  # noqa: E402
from bench_measure import made_with, measured  # noqa: E402

ROOT = Path(__file__).resolve().parents[1]
STORED = ROOT / "data" / "results" / "attacks.json"
DRAFTS = ROOT / "build" / "bench"
NORMS = ("L0", "L1", "L2", "Linf")
IMAGES, CLASSES = 100, {"faces": 2}
FEWER = {"faces": 20}  # 1,000 gradients of this network for 100 images take 9 minutes of a core
LIMIT = 1800  # seconds for a row: one that needs more is left out
# {network: (weights, images, whether they are read from COURSE_DATA, how many of those images come before the first)}; one
# whose weights or images are missing is left out
NETWORKS = {"digits": ("digits_lenet", "digits", False, 0), "faces": ("faces_densenet", "faces", False, 0),
            "digits_adversarial": ("digits_adversarial", "digits", False, 0), "mnist": ("digits_lenet", "digits", True, 0),
            "digits_1": ("digits_lenet", "digits", False, 100), "digits_2": ("digits_lenet", "digits", False, 200)}
COURSE = {"minimal": ("minimal.py", NORMS), "dx_attack": ("dx.py", NORMS[1:])}  # the course's own, in utils/attacks
ONE_THREAD = {name: "1" for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS",
                                     "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "TQDM_DISABLE")}


class Row(NamedTuple):
    """What is run, and what its result depends on: the row is stored under `key`, with `of`."""

    key: str  # "network/norm/attack"
    images: int
    settings: dict[str, Any]
    of: str


# What runs in a process of its own ----------------------------------------------------------------------------------------

def prepare(weights: str, data: str, first: str, path: str) -> None:
    """Write a network's weights and IMAGES test images that it classifies correctly, with their labels and logits.

    first  how many such images are left out before
    """
    from utils import data as sets
    from utils import pretrained

    model, dataset = pretrained.load(weights), sets.load(data, train=1)
    logits = np.asarray(model(dataset.x_test[:1000]))
    right = np.flatnonzero(logits.argmax(1) == dataset.y_test[:1000])[int(first):][:IMAGES]
    arrays = {name: variable.numpy() for name, variable in pretrained.variables(model).items()}
    np.savez(path, x=dataset.x_test[right], labels=dataset.y_test[right].astype(np.int64), logits=logits[right], **arrays)


def run_course(weights: str, path: str, attack: str, norm: str, count: str) -> None:
    """Print the row of one of the course's attacks, as bench_peers.py does for the others."""
    from utils import attacks, pretrained, session
    from utils.quiet import tf

    session.start(0)
    model = pretrained.load(weights)
    with np.load(path) as stored:
        x, labels = stored["x"][:int(count)], stored["labels"][:int(count)]
    function = getattr(attacks, attack)
    row = measured(lambda: function(model, x, labels, norm=norm).modified,
                   lambda images: np.asarray(model(images)).argmax(1), x, labels, norm)
    gradients = tf.Variable(0, dtype=tf.int64)
    function(counted(model, gradients), x, labels, norm=norm)  # apart from the timed runs
    print(json.dumps(row | made_with("tensorflow", "numpy") | {"gradients": round(int(gradients) / len(x), 1)}))


def counted(model: Callable, gradients: Any) -> Callable:
    """`model`, which adds to the variable `gradients` how many images each gradient is of."""
    from utils.quiet import tf

    @tf.custom_gradient
    def count(x):
        def backward(upstream):
            gradients.assign_add(tf.shape(upstream, tf.int64)[0])
            return tf.identity(upstream)
        return tf.identity(x), backward

    return lambda images: model(count(tf.convert_to_tensor(images)))


def ran(command: list[str], real: bool) -> str:
    """The last line that the command prints. Raises RuntimeError with the end of its errors."""
    environment = {name: value for name, value in os.environ.items() if real or name != "COURSE_DATA"}
    try:
        done = subprocess.run(command, env=environment | ONE_THREAD, capture_output=True, encoding="utf-8", timeout=LIMIT)
    except subprocess.TimeoutExpired:
        raise RuntimeError(f"it needs more than {LIMIT} s") from None
    if done.returncode:
        raise RuntimeError((done.stderr.strip().splitlines() or [f"it ended with status {done.returncode}"])[-1])
    return done.stdout.splitlines()[-1] if done.stdout else ""


# What is to be run --------------------------------------------------------------------------------------------------------

def digest(*parts: bytes) -> str:
    return hashlib.sha256(b"".join(parts)).hexdigest()[:12]


def prepared(name: str) -> Path | None:
    """The file of a network, made anew, or None with a line that says why it is left out."""
    weights, data, real, first = NETWORKS[name]
    path = DRAFTS / f"{name}.npz"
    if real and not os.environ.get("COURSE_DATA"):
        print(f"{name}: left out, it needs COURSE_DATA.", flush=True)
        return None
    DRAFTS.mkdir(parents=True, exist_ok=True)
    try:
        ran([sys.executable, __file__, "--prepare", weights, data, str(first), str(path)], real)
    except RuntimeError as error:
        print(f"{name}: left out. {error}", flush=True)
        return None
    return path


def fingerprint(path: Path) -> str:
    """A digest of a network's weights, images and labels. Logits are none of it: each processor rounds them in its own way."""
    with np.load(path) as stored:
        return digest(*(stored[key].tobytes() for key in sorted(stored) if key != "logits"))


def source(file: Path) -> list[Path]:
    """The files of a folder of `utils` that one of them is made of: itself, and those that it and they import."""
    found, new = set(), {file}
    while new:
        found |= new
        lines = [line for path in new for line in path.read_text(encoding="utf-8").splitlines()
                 if line.startswith(f"from utils.{file.parent.name}")]
        new = {path for path in file.parent.glob("*.py") if any(re.search(rf"\b{path.stem}\b", line) for line in lines)} - found
    return sorted(found)


def rows(network: str, of_network: str, stored: dict[str, dict]) -> Iterator[Row]:
    """The rows of a network, those of the course first: all peers on the digits, elsewhere the two best of each norm there."""
    most = FEWER.get(network, IMAGES)
    for attack, (file, norms) in COURSE.items():
        of = digest(*(path.read_bytes() for path in source(ROOT / "utils" / "attacks" / file)))
        yield from (Row(f"{network}/{norm}/course {attack}", most, {}, f"{of_network} {of} {most}") for norm in norms)
    for norm in NORMS:
        chosen = bench_peers.ATTACKS if network == "digits" else best_peers(stored, norm, CLASSES.get(network, 10))[:2]
        for name in chosen:
            attack = bench_peers.ATTACKS[name]
            if norm in attack.by_norm:
                function, settings = attack.by_norm[norm]
                settings = {key: str(value) if value == float("inf") else value for key, value in settings.items()}
                images = min(attack.images, most)
                yield Row(f"{network}/{norm}/{name}", images, settings, digest(of_network.encode(), repr(
                    (function, settings, images)).encode()))


def best_peers(stored: dict[str, dict], norm: str, classes: int) -> list[str]:
    """The peers that are stored for the digits, the best median first, on the images that all of them saw.

    One for each method: two libraries have DDN, and FMN.
    """
    found = {key.split("/")[2]: row["distances"] for key, row in stored.items() if key.startswith(f"digits/{norm}/")}
    found = {name: sizes for name, sizes in found.items()
             if name in bench_peers.ATTACKS and bench_peers.ATTACKS[name].classes <= classes}
    common = min(map(len, found.values()), default=0)
    ordered = sorted(found, key=lambda name: (np.median(found[name][:common]), np.mean(found[name][:common])))
    methods = [name.split(" ", 1)[1] for name in ordered]
    return [name for i, name in enumerate(ordered) if methods[i] not in methods[:i]]


def run_row(row: Row, path: Path) -> dict[str, Any]:
    """The result of a row. Raises RuntimeError."""
    network, norm, attack = row.key.split("/")
    weights, _, real, _ = NETWORKS[network]
    if attack.startswith("course "):
        command = [sys.executable, __file__, "--course", weights, str(path), attack.removeprefix("course "), norm,
                   str(row.images)]
    else:
        command = [os.environ["COURSE_PEERS"], bench_peers.__file__, str(path), attack, norm, str(row.images)]
    return json.loads(ran(command, real)) | {"settings": row.settings, "of": row.of, "date": date.today().isoformat(),
                                             "commit": commit()}


def commit() -> str:
    """The commit that is measured, with "-dirty" if a file was changed since. Stored rows are no such change."""
    def git(*words: str) -> str:
        return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, encoding="utf-8").stdout.strip()

    changed = git("status", "--porcelain", "--untracked-files=no", "--", ".", ":(exclude)data/results")
    return git("describe", "--always") + ("-dirty" if changed else "")


def load() -> dict[str, dict]:
    return json.loads(STORED.read_text(encoding="utf-8")) if STORED.exists() else {}


def fill(some: list[Row], run: Callable[[Row], dict]) -> int:
    """Run what is not stored yet, and store each row at once. Gives the number of rows that failed, with a line for each."""
    from utils.instructor.files import write_whole

    failed = 0
    for row in some:
        if load().get(row.key, {}).get("of") == row.of:
            continue
        try:
            done = run(row)
        except RuntimeError as error:
            failed += 1
            print(f"  {row.key} failed: {error}", flush=True)
            continue
        write_whole(STORED, json.dumps(dict(sorted((load() | {row.key: done}).items())), indent=None, separators=(",", ":"))
                    .replace('},"', '},\n"') + "\n")
        print(f"  {row.key}: median {done['median']:.4g}, success {done['success']:.0%}, {done['warm_s']:.3g} s", flush=True)
    return failed


def main(words: list[str]) -> int:
    import bench_table

    def chosen(network: str, of_network: str) -> list[Row]:
        return [row for row in rows(network, of_network, load()) if not words or any(word in row.key for word in words)]

    failed = 0
    for network in NETWORKS:
        if chosen(network, "") and (path := prepared(network)) is not None:  # nothing is prepared for no row
            some = chosen(network, fingerprint(path))
            print(f"{network}: {len(some)} rows", flush=True)
            failed += fill(some, lambda row: run_row(row, path))
    print("\nSeconds are processor seconds for all images of a row, one thread. "
          "A failure counts as the largest distance in the box.")
    print("\n".join(bench_table.tables(load())))
    return int(failed > 0)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--prepare"]:
        prepare(*sys.argv[2:])
    elif sys.argv[1:2] == ["--course"]:
        run_course(*sys.argv[2:])
    else:
        sys.exit(main(sys.argv[1:]))
