"""Files that are there as a whole or not at all, tables that no spreadsheet computes, and faults of the machine they lie on."""
import csv
import errno
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]  # the folder of the course
# Signs that make a cell a formula, in the wide and small letters of East Asia too: at its beginning, and behind what some
# spreadsheet takes for the end of a cell (those of half of Europe split at semicolons).
FORMULA = re.compile(r"(^|[;,\t\r\n])(\s*)(?=[=+\-@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b\t\r])")
OF_MACHINE = {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.EROFS, errno.EAGAIN}


class MachineFault(RuntimeError):
    """The grader's own machine failed (disk, memory, permission), and nothing follows for the student;
    the message says what to do.
    """


def of_machine(error: BaseException) -> bool:
    """Whether an error says that this machine has no disk, memory or open files left, whatever was being read."""
    return isinstance(error, MemoryError) or isinstance(error, OSError) and error.errno in OF_MACHINE


@contextmanager
def machine_faults(what: str) -> Iterator[None]:
    """Turn every such error, and a folder that may not be written, into a MachineFault with one sentence that begins with
    `what`.
    """
    try:
        yield
    except (OSError, MemoryError) as error:
        if not (of_machine(error) or isinstance(error, PermissionError)):
            raise
        reason = getattr(error, "strerror", None) or "not enough memory"
        where = f" ({error.filename})" if getattr(error, "filename", None) else ""
        raise MachineFault(f"{what}: {reason}{where}. This is the machine's fault and costs nobody a point: make room or give "
                           f"yourself the right, and run the same command again; it goes on from here.") from None


def write_whole(path: Path, text: str) -> None:
    """Write a text file, UTF-8, so that whoever stops half-way leaves the former one as it was."""
    draft = path.with_name(path.name + ".part")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)


def free(path: Path) -> Path:
    """`path`, or with _2, _3, ... before its ending the first that is not there."""
    names = (path, *(path.with_stem(f"{path.stem}_{number}") for number in range(2, 1000)))
    return next(name for name in names if not name.exists())


def write_table(path: Path, columns: Sequence[str], rows: Sequence[Mapping[str, object]]) -> None:
    """Write a csv file with the mark of UTF-8 that spreadsheets look for; texts are quoted, and none begins like a formula."""
    out = io.StringIO()
    table = csv.DictWriter(out, columns, quoting=csv.QUOTE_NONNUMERIC)
    table.writerow({name: without_formula(name) for name in columns})
    table.writerows([{name: without_formula(value) for name, value in row.items()} for row in rows])
    write_whole(path, "\ufeff" + out.getvalue())


def without_formula(value: object) -> object:
    """A text with ' before each sign that would make a spreadsheet compute it; any other value as it is."""
    return FORMULA.sub(r"\1\2'", value) if isinstance(value, str) else value
