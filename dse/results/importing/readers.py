"""Reading on every core: processes that come once, and end with the one that asked for them."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from types import TracebackType
from typing import Self, TypeVar

from dse.errors import MachineError

_In = TypeVar("_In")
_Out = TypeVar("_Out")
_PAY = 1000
"""With fewer results the processes would start for longer than they read (benchmarks/import_results.py)."""


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Readers:
    """``workers`` processes that read; by default one for each core where there are ``results`` enough, else this one.

    They come from a server process: DuckDB's threads are here, and a process with threads must not be copied.
    """

    def __init__(self, results: int, workers: int | None = None) -> None:
        workers = workers or (cores() if results >= _PAY else 1)
        self._pool: ProcessPoolExecutor | None = None
        if workers > 1:
            context = multiprocessing.get_context("forkserver")
            context.set_forkserver_preload(["dse.results.importing.parts"])
            self._pool = ProcessPoolExecutor(workers, context, _begin)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def map(self, work: Callable[[_In], _Out], items: Iterable[_In]) -> Iterator[_Out]:
        """What ``work`` makes of each item, in order. Raises what it raises, and MachineError where a process died."""
        try:
            yield from map(work, items) if self._pool is None else self._pool.map(work, items)
        except BrokenProcessPool as error:
            raise MachineError(
                "a process that read results was ended, perhaps for want of memory",
                hint="run the same command again; fewer trees at once need less",
            ) from error


def _begin() -> None:
    """Leave Ctrl-C to the first process, and end when that one is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
