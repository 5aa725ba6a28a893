"""Calls on the workers of a Dask cluster."""
from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from utils.instructor.files import MachineFault

if TYPE_CHECKING:
    from distributed import Client


def results(client: Client, calls: Sequence[Any]) -> Iterator[Any]:
    """The results of joblib's delayed `calls`, in the order in which they come; a worker that dies costs nothing but its time.

    These are Dask's own futures, as joblib's Dask backend (1.6) waits for ever for a call at which all its workers died.

    Raises MachineFault for such calls when all others are done, and what a call raised.
    """
    from distributed import KilledWorker, as_completed

    futures, killed = [client.submit(function, *given, pure=False, **named) for function, given, named in calls], 0
    for future in as_completed(futures):
        try:
            yield future.result()
        except KilledWorker:
            killed += 1
    if killed:
        raise MachineFault(f"{killed} of {len(futures)} calls ended the workers that tried them, probably as there was not "
                           "enough memory. All others are done: give the workers more (dask worker --memory-limit), and run "
                           "the same command again; it goes on from here.")
