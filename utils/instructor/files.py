"""Files that are there as a whole or not at all."""
from pathlib import Path


def write_whole(path: Path, text: str) -> None:
    """Write a text file, UTF-8, so that whoever stops half-way leaves the former one as it was."""
    draft = path.with_name(path.name + ".part")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)
