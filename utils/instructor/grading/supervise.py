"""A program that is watched while it runs: its limits on time, memory and output, and how it ended.

The limits of the sandbox itself (`sandbox.command`) hold without looking; those here also count what all processes use together.
"""
import os
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from threading import Thread
from typing import BinaryIO, NamedTuple

import psutil

TICK = 0.1  # seconds between two looks at memory and clock
IDLE = 60  # seconds: what used no processor time for so long waits for something that does not come
ERRORS = 4096  # bytes that are kept of standard error: the last ones
SIGXCPU, SIGKILL = 24, 9  # Python has no such names on Windows
WAITED = "it waits for something, or the machine was busy. It was tried twice."  # said of what the clock stopped
# For each kernel of a lab, and for a script without a sandbox, which gives it one processor: more threads would use more
# processor time for the same.
ONE_THREAD = {f"{name}_THREADS": "1" for name in ("TF_NUM_INTEROP", "TF_NUM_INTRAOP", "OMP_NUM", "OPENBLAS_NUM")}


class Limits(NamedTuple):
    """What a program may use. Sizes are in MiB, times in seconds."""

    wall: float = 600  # only stops what hangs: on a busy machine it is many times the processor time
    cpu: int = 120  # of all processes together, those that have ended too
    memory: int = 4096  # address space of each process, and resident memory of all together
    processes: int = 128  # threads count
    file: int = 64  # largest file
    disk: int = 256  # /tmp; /dev/shm has as much
    output: int = 1  # standard output


class Ended(NamedTuple):
    """How a program ended. `killed` is a sentence about the limit that it went over, or ""; `status` is then of no meaning.

    `waited` says that it was the clock that stopped it, before its processor time was used up.
    """

    status: int
    out: bytes
    err: str
    killed: str
    waited: bool = False


def unprotected(words: Sequence[str], limits: Limits, folder: Path) -> Ended:
    """Run `words` in `folder` without a sandbox, as the caller, but with the same limits on time, memory and output."""
    mine = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}  # no way to the course
    return supervise(words, limits, cwd=folder, env=mine | ONE_THREAD)


def supervise(words: Sequence[str], limits: Limits, **popen) -> Ended:
    """Run a command line as it is, reading its output, and kill it and what it started once it is over a limit.

    What the clock stopped is tried once more: a busy machine must cost nobody a point.
    """
    ended = _once(words, limits, **popen)
    return _once(words, limits, **popen) if ended.waited else ended


def waited(faults: Sequence[str]) -> bool:
    """Whether the clock stopped a script with these faults: the machine may be the reason, not the team.

    What a script printed stands in quotes at the end of a fault, so that its own words do not count.
    """
    return any(fault.endswith(WAITED) for fault in faults)


def _once(words: Sequence[str], limits: Limits, **popen) -> Ended:
    out, err, killed, waited, began = bytearray(), bytearray(), "", False, time.monotonic()
    most, used, busy, moved = limits.output << 20, {}, 0.0, began  # seconds of processor time, and when there were last more
    with subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **popen) as process:
        readers = [Thread(target=_read, args=arguments, daemon=True)
                   for arguments in ((process.stdout, out, most), (process.stderr, err, None))]
        for reader in readers:
            reader.start()
        while process.poll() is None and not killed:
            readers[0].join(TICK)  # ends early when the program closes its output
            if not readers[0].is_alive():
                time.sleep(TICK / 10)
            resident, seconds = _use(process.pid, used)
            now = time.monotonic()
            busy, moved = (seconds, now) if seconds > busy + 0.05 else (busy, moved)
            if len(out) > most:
                killed = f"It printed more than {limits.output} MiB and was stopped."
            elif seconds > limits.cpu:
                killed = f"It used more than {limits.cpu} seconds of processor time and was stopped."
            elif now > min(began + limits.wall, moved + IDLE):
                waited = True
                when = (f"after {limits.wall:g} seconds" if now > began + limits.wall
                        else f"when it had been idle for {IDLE} seconds")
                killed = f"It was stopped {when}, with {seconds:.0f} of its {limits.cpu} seconds of processor time used: {WAITED}"
            elif resident > limits.memory << 20:
                killed = f"It used more than {limits.memory / 1024:g} GiB of memory and was stopped."
        if killed:
            kill(process)
        status = process.wait()
        for reader in readers:
            reader.join(5)  # outside of a sandbox, what it left running may hold the pipe
    if not killed and len(out) > most:
        killed = f"It printed more than {limits.output} MiB."
    if not killed and status in (128 + SIGXCPU, -SIGXCPU):
        killed = f"It used more than {limits.cpu} seconds of processor time and was stopped."
    # five seconds later, if it did not listen; or the kernel had no memory
    if not killed and status in (128 + SIGKILL, -SIGKILL):
        killed = (f"It was killed: it did not stop after {limits.cpu} seconds of processor time, took too much memory or ended "
                  "itself.")
    return Ended(status, bytes(out), err.decode("utf-8", "replace"), killed, waited)


def _read(pipe: BinaryIO, kept: bytearray, most: int | None) -> None:
    """Read a pipe to its end; keep the first `most` bytes and one more, or without `most` the last ERRORS bytes."""
    while piece := pipe.read1(1 << 16):
        if most is None:
            kept.extend(piece)
            del kept[:-ERRORS]
        else:
            kept.extend(piece[:most + 1 - len(kept)])


def _use(pid: int, used: dict[psutil.Process, float]) -> tuple[int, float]:
    """(bytes of memory, seconds of processor time so far) of a process and all that it started.

    used  {process: seconds} of all that were seen so far, changed here. A process that has ended counts by what it had used when
          it was last seen, or by what its parent is told when it waits for it, whichever is more: neither knows of all.
    """
    memory, told = 0, 0.0
    try:
        family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    except psutil.Error:
        family = []
    for member in family:
        try:
            memory += member.memory_info().rss
            times = member.cpu_times()
        except psutil.Error:
            continue
        used[member] = times.user + times.system
        told += used[member] + times.children_user + times.children_system
    return memory, max(told, sum(used.values()))


def kill(process: subprocess.Popen) -> None:
    """Kill a process and what it started; in the sandbox everything dies with bubblewrap."""
    try:
        family = psutil.Process(process.pid).children(recursive=True)
    except psutil.Error:
        family = []
    process.kill()
    for member in family:
        try:
            member.kill()
        except psutil.Error:
            pass
