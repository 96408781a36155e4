"""Work that this process shares with copies of itself, so that every core reads."""

from __future__ import annotations

import contextlib
import fcntl
import gc
import os
import signal
from array import array
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection, Pipe, wait
from pathlib import Path
from types import TracebackType
from typing import Any, Generic, NoReturn, Self, TypeVar

_In = TypeVar("_In")
_Out = TypeVar("_Out")

_TASKS = Path("/proc/self/task")
_INDEX_BYTES = array("Q").itemsize
_PIPE_BYTES = 2**20  # the most that Linux lets everybody have: what a helper may have done before it is asked


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def may_fork() -> bool:
    """Whether this process has one thread, so that a copy of it can hold no lock of another one."""
    return _TASKS.is_dir() and sum(1 for _ in _TASKS.iterdir()) == 1


class Shared(Generic[_In, _Out]):
    """``items`` that ``helpers`` copies of this process work on from now on, until the context ends.

    Items of the largest ``size`` are taken first: one that comes last is done while the other processes wait. Where
    this process must not be copied (`may_fork`) there are no helpers. What a helper was doing when it died or failed
    is done here again: no result is lost, and no exception.
    """

    def __init__(
        self,
        work: Callable[[_In], _Out],
        items: Sequence[_In],
        helpers: int,
        size: Callable[[_In], float] = lambda _: 1,
    ) -> None:
        self._work = work
        self._items = items
        self.count = len(items)
        self._results: dict[int, _Out] = {}
        self._processes: list[int] = []
        self._busy: list[Connection[Any, Any]] = []
        if helpers and len(items) > 1 and may_fork():
            order = sorted(range(len(items)), key=lambda index: -size(items[index]))
            self._queue: int | None = _queue(order)
            with contextlib.suppress(OSError):  # no more processes or files to be had: then with those that there are
                for _ in range(min(helpers, len(items) - 1)):
                    self._fork(self._queue)
        else:
            self._queue = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for connection in self._busy:
            connection.close()
        for process in self._processes:
            with contextlib.suppress(ProcessLookupError, ChildProcessError):  # where SIGCHLD is ignored, nobody waits
                if kind is not None:  # after an error nobody waits for the end of its item
                    os.kill(process, signal.SIGKILL)
                os.waitpid(process, 0)
        if self._queue is not None:
            os.close(self._queue)

    def finish(self, report: Callable[[_Out], None] = lambda _: None) -> list[_Out]:
        """Work on what is left beside the helpers; the results in the order of the items.

        ``report`` gets every result as it comes. Raises what ``work`` raises.
        """
        for index in () if self._queue is None else _taken(self._queue):
            self._keep(index, self._work(self._items[index]), report)
            self._receive(0, report)
        while self._busy:
            self._receive(None, report)
        for index in range(len(self._items)):  # without helpers, all of them
            if index not in self._results:
                self._keep(index, self._work(self._items[index]), report)
        return [self._results[index] for index in range(len(self._items))]

    def _fork(self, queue: int) -> None:
        here, there = Pipe(duplex=False)
        with contextlib.suppress(OSError):  # then a full pipe stops the helper sooner
            fcntl.fcntl(there.fileno(), fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
        process = os.fork()
        if process == 0:
            for other in (here, *self._busy):
                other.close()
            self._help(queue, there)
        there.close()
        self._processes.append(process)
        self._busy.append(here)

    def _help(self, queue: int, connection: Connection[Any, Any]) -> NoReturn:
        """A helper's life."""
        try:
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # the first process's matter, which then ends this one
            gc.disable()  # short-lived, and a collection would copy every page that is shared so far
            for index in _taken(queue):
                try:
                    result = self._work(self._items[index])
                except Exception:  # noqa: BLE001  # it is met again, and raised, where the item is done again
                    continue
                connection.send((index, result))
        finally:
            os._exit(0)  # nothing of the first process is to be ended here

    def _receive(self, timeout_s: float | None, report: Callable[[_Out], None]) -> None:
        """Take what helpers have sent; one that has nothing more to say, or died, is not asked again."""
        ready = wait(self._busy, timeout_s)
        for connection in [busy for busy in self._busy if busy in ready]:
            try:
                index, result = connection.recv()
            except (EOFError, OSError):
                self._busy.remove(connection)
                connection.close()
            else:
                self._keep(index, result, report)

    def _keep(self, index: int, result: _Out, report: Callable[[_Out], None]) -> None:
        self._results[index] = result
        report(result)


def _queue(indices: Sequence[int]) -> int:
    """A file in memory that the processes read on from where the last one stopped, so that each index is taken once."""
    queue = os.memfd_create("dse-queue")
    os.write(queue, array("Q", indices).tobytes())
    os.lseek(queue, 0, os.SEEK_SET)
    return queue


def _taken(queue: int) -> Iterator[int]:
    """The indices that no other process has taken."""
    while taken := os.read(queue, _INDEX_BYTES):
        yield array("Q", taken)[0]
