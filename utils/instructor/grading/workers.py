"""Work on many submissions at once: in processes of this machine, or of a Dask cluster whose machines can isolate programs."""
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from threading import Thread
from typing import Any
from uuid import uuid4

import joblib
import psutil
from joblib.externals.loky.process_executor import BrokenProcessPool

from utils.instructor import cluster
from utils.instructor.files import MachineFault
from utils.instructor.grading import sandbox, stamp
from utils.instructor.grading.class_folder import CannotGrade

KERNEL_BYTES = 3 << 29  # of memory, for a kernel with TensorFlow and the process that runs it
ANSWER_SECONDS = 20  # for a scheduler to answer


def most_jobs() -> int:
    """How many kernels this machine can run at once: one for each core, as far as there is memory for them, and at least one."""
    return max(1, min(joblib.cpu_count(), psutil.virtual_memory().available // KERNEL_BYTES))


def results(calls: Sequence[Any], jobs: int, scheduler: str | None, folder: Path, *, isolated: bool = True) -> Iterator[Any]:
    """The results of joblib's delayed `calls`, in the order in which they come.

    jobs       processes; one is this process itself
    scheduler  the address of a Dask scheduler whose workers do it in their place, or None
    folder     what every worker has to see

    Raises CannotGrade where a worker of the cluster cannot do it, and MachineFault where a process or the workers were killed.
    """
    try:
        if scheduler is None:
            calls = [joblib.delayed(_beside)(os.getpid(), *call) for call in calls]
            yield from joblib.Parallel(jobs, batch_size=1, return_as="generator_unordered")(calls)
        else:
            yield from _on_cluster(calls, scheduler, folder, isolated)
    except BrokenProcessPool:
        raise MachineFault("A process of the grader was killed, probably as there was not enough memory. Nobody loses a point by "
                           "it: run the same command again with fewer --jobs; it goes on from here.") from None


def _beside(main: int, function: Callable, given: tuple, named: dict) -> Any:
    """A call in a process of `main`, or in itself; the process ends with it, and so does the kernel that it runs."""
    if os.getpid() != main:
        _end_with(main)
    return function(*given, **named)


@cache
def _end_with(parent: int) -> None:
    def wait() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)
    Thread(target=wait, daemon=True).start()


def _on_cluster(calls: Sequence[Any], scheduler: str, folder: Path, isolated: bool) -> Iterator[Any]:
    from distributed import Client

    try:
        client = Client(scheduler, timeout=ANSWER_SECONDS)
    except (OSError, ValueError) as error:
        raise CannotGrade(f"No Dask scheduler answers at {scheduler} ({type(error).__name__}): start one with dask "
                          f"scheduler.") from None
    token = folder / f".seen-{uuid4().hex}"
    with client:
        try:
            token.touch()
            said = client.run(unfit, str(token), stamp.of_course(), isolated)
        finally:
            token.unlink(missing_ok=True)
        if not said:
            raise CannotGrade(f"The scheduler {scheduler} has no workers: start some with dask worker {scheduler} --nthreads 1.")
        for worker, why in sorted(said.items()):
            if why:
                raise CannotGrade(f"The worker {worker} cannot grade: {why}")
        yield from cluster.results(client, calls)


def unfit(token: str, course: str, isolated: bool) -> str:
    """Why this process cannot grade, as a sentence, or "".

    token   a file in the folder of the results, which it has to see
    course  the stamp of the course that the others have
    """
    if stamp.of_course() != course:
        return "it has another version of the course. Give all machines the same."
    if not Path(token).is_file():
        return f"it does not see the folder {Path(token).parent}. Put the class into a folder that all machines share."
    with suppress(OSError):
        Path(token).with_suffix(".written").touch()
        Path(token).with_suffix(".written").unlink()
        try:
            if isolated:
                sandbox.check()
        except sandbox.SandboxMissing as problem:
            return str(problem)
        return ""
    return f"it may not write to the folder {Path(token).parent}. Give its user the right."
