"""Limits on all processes of a kernel together: one that only counts each process lets fifty of them take fifty times as much.

They are looked at from outside, a few times a second, so for a moment they may go over; the limits of the sandbox
(`supervise.Limits`) on each process, on their number and on its own /tmp hold without looking.
"""
import math
import os
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Event
from typing import NamedTuple

import psutil

TICK = 0.25  # seconds between two looks
MOST_FILES = 5000  # in the folders that are shared with a kernel


class Bounds(NamedTuple):
    """What all processes of a kernel may use together; sizes are in MiB."""

    memory: int = 4096
    disk: int = 256  # in the folders outside of the sandbox that it may write to
    seconds: float = math.inf


def until_over(pid: int, folders: Sequence[Path], bounds: Bounds, ended: Event) -> str:
    """Look at a process and what it started until `ended` is set, it is gone, or over a limit: over which, as a sentence, or "".

    folders  what they may write to outside of the sandbox
    """
    deadline = time.monotonic() + bounds.seconds
    while not ended.wait(TICK) and psutil.pid_exists(pid):
        if memory(pid, bounds.memory << 20) > bounds.memory << 20:
            return f"Its processes used more than {bounds.memory / 1024:g} GiB of memory together."
        if disk(folders) > bounds.disk << 20:
            return f"It wrote more than {bounds.disk} MiB to the disk, or more than {MOST_FILES} files."
        if time.monotonic() > deadline:
            return f"It ran longer than {bounds.seconds:g} seconds."
    return ""


def memory(pid: int, enough: int) -> int:
    """Bytes of memory of a process and all that it started; up to `enough` of them, pages that several share count for each."""
    total = _sum(pid, lambda process: process.memory_info().rss)
    return total if total <= enough else _sum(pid, lambda process: process.memory_full_info().pss)  # exact, and slow


def _sum(pid: int, of_one: Callable[[psutil.Process], int]) -> int:
    total = 0
    try:
        family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    except psutil.Error:
        return 0
    for process in family:
        try:
            try:
                total += of_one(process)
            except psutil.AccessDenied:
                total += process.memory_info().rss
        except (psutil.Error, AttributeError):
            pass
    return total


def disk(folders: Sequence[Path]) -> int:
    """Bytes of disk that the files in folders take, links not followed; infinite with more than MOST_FILES,
    or where it cannot look.
    """
    total, files, waiting = 0, 0, list(map(os.fspath, folders))
    while waiting:  # not os.walk: it recurses, and passes over what it may not open
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    files += 1
                    if files > MOST_FILES:
                        return 1 << 62
                    with suppress(FileNotFoundError):  # gone since
                        total += entry.stat(follow_symlinks=False).st_blocks * 512
                        if entry.is_dir(follow_symlinks=False):
                            waiting.append(entry.path)
        except FileNotFoundError:
            pass
        except OSError:  # closed, or deeper than a path can name: nobody can say what lies there
            return 1 << 62
    return total
