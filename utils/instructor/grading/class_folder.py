"""The folder of a graded class: what `grade` keeps there of each submission, under which name and code, for one writer at a time.

settings.json has the seed and the codes of the last run; in results/ and pictures/ the code of a submission names its files.
"""
import json
import secrets
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from utils.data.images import to_png
from utils.instructor.files import write_whole
from utils.instructor.grading import clean_copy, stamp, submission

NEEDED_BYTES = 2 << 30  # the clean copies of as many submissions as there are processors, and all results
RESULT_KEYS = {"name", "code", "page", "stamp", "faults", "measured", "judged", "score", "maximum", "fingerprint",
               "consent", "names", "said", "groups", "norm", "reflection"}


class CannotGrade(ValueError):
    """Nothing was graded; the message says why and what to do."""


def read_results(out: Path) -> list[dict]:
    """What was found out about each submission of the last run, sorted by name."""
    results = [found for code in settings(out)["codes"] if (found := result(out, code))]
    return sorted(results, key=lambda found: found["name"])


def settings(out: Path) -> dict:
    """The seed of the class and the codes of its submissions. Raises CannotGrade for a file that a run did not leave as it is."""
    path = out / "settings.json"
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return {"seed": int(found["seed"]), "codes": list(found["codes"])}
    except (OSError, ValueError, KeyError, TypeError):
        raise CannotGrade(f"{path} is missing or damaged, and it keeps the seed of this class: name the seed with --seed if you "
                          f"know it, put the file back from a backup, or name another folder with --out.") from None


def result(out: Path, code: str) -> dict:
    """What is stored of a submission, {} where nothing can be read: it is then graded again."""
    try:
        found = json.loads((out / "results" / f"{code}.json").read_text(encoding="utf-8"))
        return found if RESULT_KEYS <= found.keys() else {}
    except (OSError, ValueError, AttributeError):
        return {}


def write_settings(out: Path, seed: int, codes: Sequence[str]) -> None:
    """Keep the seed of the class and the codes of the submissions of this run."""
    write_whole(out / "settings.json", json.dumps({"seed": seed, "codes": list(codes)}))


def write_result(out: Path, found: dict) -> None:
    """Keep what was found out about a submission; its "code" names the file."""
    write_whole(out / "results" / f"{found['code']}.json", json.dumps(found, ensure_ascii=False, indent=1))


def store(out: Path, name: str, seed: int, found: dict, pictures: dict) -> None:
    """Keep the result of a submission, under a name that can be shown, and its pictures (images by kind) instead of former
    ones.
    """
    code = code_of(name, seed)
    for kind in submission.KINDS:
        path = out / "pictures" / f"{code}_{kind}.png"
        path.unlink(missing_ok=True)
        if kind in pictures:
            path.write_bytes(to_png(pictures[kind]))
    plain = name if name.isascii() and name.replace("-", "").replace("_", "").isalnum() and len(name) <= 60 else code
    shown = clean_copy.plain(name, 200)
    write_result(out, {"name": shown if shown == name else f"{shown} ({code})", "code": code, "page": plain} | found)


def done(out: Path, name: str, seed: int, mark: str) -> bool:
    """Whether a submission is graded already, with the same stamp `mark`; "" is never the same."""
    return result(out, code_of(name, seed)).get("stamp") == mark != ""


def pictures_of(out: Path, found: dict) -> dict[str, bytes]:
    """{kind: PNG file} of the kept pictures of a submission."""
    paths = {kind: out / "pictures" / f"{found['code']}_{kind}.png" for kind in submission.KINDS}
    return {kind: path.read_bytes() for kind, path in paths.items() if path.is_file()}


def sweep(out: Path) -> None:
    """Remove what a run that was killed had begun to write."""
    for leftover in out.glob(".scratch-*"):
        shutil.rmtree(leftover, ignore_errors=True)
    for leftover in (*out.glob("results/*.part"), *out.glob("feedback/*.part")):
        leftover.unlink()


def names_of(sources: Sequence[Path]) -> dict[Path, str]:
    """The name of each submission: that of its folder or zip file, without .zip unless two would have the same."""
    short = [source.name if source.is_dir() else source.stem for source in sources]
    every = Counter(name for source, name in zip(sources, short) for name in {name, source.name})
    return {source: name if every[name] == 1 else source.name for source, name in zip(sources, short)}


def code_of(name: str, seed: int) -> str:
    """What a submission is called where its name must not appear; without the seed nobody can compute it."""
    return "t" + stamp.of_texts(str(seed), "code", name)[:9]  # a letter first: a spreadsheet takes 12e3456789 for a number


def kept_seed(out: Path, seed: int | None) -> int:
    """The seed of this class: the given one, the one of the last run that settings.json keeps, or a new one.

    Raises CannotGrade where another seed was used before: codes and faces would no longer be those of the results that are there.
    """
    try:
        before = settings(out)["seed"] if (out / "settings.json").is_file() else None
    except CannotGrade:
        if seed is None:
            raise
        before = seed
    if before is not None and seed is not None and seed != before:
        raise CannotGrade(f"{out} was graded with the seed {before}: leave --seed out, or name another folder with --out.")
    return next(value for value in (seed, before, secrets.randbelow(2**63)) if value is not None)


def need_room(out: Path) -> None:
    """Raise CannotGrade unless the disk of the folder of results has NEEDED_BYTES free."""
    if (free := shutil.disk_usage(out).free) < NEEDED_BYTES:
        raise CannotGrade(f"The disk of {out} has {free >> 20} MiB free, and grading needs {NEEDED_BYTES >> 20}: make room "
                          f"there, or grade on another disk.")


@contextmanager
def alone(out: Path) -> Iterator[None]:
    """While it is entered, no other grading writes to the same folder. Raises CannotGrade if one does."""
    with open(out / ".lock", "w", encoding="utf-8") as file:
        try:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except ImportError:  # Windows, where scripts can be graded only without a sandbox
            pass
        except OSError:
            raise CannotGrade(f"{out} is being written by another grading: wait for it to end.") from None
        yield
