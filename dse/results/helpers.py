"""Work that this process shares with copies of itself, so that every core reads."""

from __future__ import annotations

import contextlib
import gc
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection, wait
from pathlib import Path
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

_In = TypeVar("_In")
_Out = TypeVar("_Out")
_Counter = Any  # a synchronized integer, for which typeshed has no public name

_TASKS = Path("/proc/self/task")


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def may_fork() -> bool:
    """Whether this process has one thread, so that a copy of it can hold no lock of another one."""
    return _TASKS.is_dir() and sum(1 for _ in _TASKS.iterdir()) == 1


class Helpers:
    """``count`` processes beside this one, for the context; they take items of what `begin` is given.

    Where this process has one thread they are copies of it, which takes milliseconds, else each starts Python anew.
    What a helper was doing when it died or failed is done here again: no result is lost, and no exception.
    """

    def __init__(self, count: int) -> None:
        forked = count > 0 and may_fork()
        context: Any = multiprocessing.get_context("fork" if forked else "spawn")  # typeshed has no name for either
        self._next: _Counter = context.Value("q", 0) if count else None
        self._helpers: dict[Connection[Any, Any], Any] = {}
        for _ in range(count):
            here, there = context.Pipe()
            inherited = [*self._helpers, here] if forked else []
            helper = context.Process(target=_help, args=(self._next, there, inherited), daemon=True)
            helper.start()
            there.close()
            self._helpers[here] = helper

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.dismiss()
        for helper in self._helpers.values():
            if kind is not None:
                helper.terminate()  # after an error nobody waits for the end of its item
            helper.join()

    def dismiss(self) -> None:
        """Let the helpers go: there is nothing more to share."""
        for connection in self._helpers:
            connection.close()

    def begin(
        self, work: Callable[[_In], _Out], items: Sequence[_In], size: Callable[[_In], float] = lambda _: 1
    ) -> Shared[_In, _Out]:
        """Have the helpers begin with ``items``; one list of items at a time. `Shared.finish` has the results.

        Items of the largest ``size`` are taken first: one that comes last is done while the other processes wait.
        """
        order = sorted(range(len(items)), key=lambda index: -size(items[index]))
        items = [items[index] for index in order]
        if self._next is None or len(items) < 2:
            return Shared(work, items, order, None, [])
        self._next.value = 0
        busy = []
        for connection in self._helpers:
            with contextlib.suppress(OSError):  # one that died; its share is done by the others
                connection.send((work, items))
                busy.append(connection)
        return Shared(work, items, order, self._next, busy)


class Shared(Generic[_In, _Out]):
    """Items that helpers are working on; see `Helpers.begin`."""

    def __init__(
        self,
        work: Callable[[_In], _Out],
        items: Sequence[_In],
        order: Sequence[int],
        counter: _Counter,
        busy: list[Connection[Any, Any]],
    ) -> None:
        self._work = work
        self._items = items
        self._order = order
        self._counter = counter
        self._busy = busy
        self._results: dict[int, _Out] = {}

    def finish(self, report: Callable[[_Out], None] = lambda _: None) -> list[_Out]:
        """Work on what is left beside the helpers; the results in the order in which `Helpers.begin` got the items.

        ``report`` gets every result as it comes. Raises what ``work`` raises.
        """
        for index in _indices(self._counter, len(self._items)) if self._busy else ():
            self._keep(index, self._work(self._items[index]), report)
            self._receive(0, report)
        while self._busy:
            self._receive(None, report)
        for index in range(len(self._items)):  # without helpers, all of them
            if index not in self._results:
                self._keep(index, self._work(self._items[index]), report)
        given = {self._order[index]: result for index, result in self._results.items()}
        return [given[index] for index in range(len(given))]

    def _receive(self, timeout_s: float | None, report: Callable[[_Out], None]) -> None:
        """Take what helpers have sent; one that has nothing more to say, or died, is not asked again."""
        ready = wait(self._busy, timeout_s)
        for connection in [busy for busy in self._busy if busy in ready]:
            try:
                message: tuple[int, _Out] | None = connection.recv()
            except (EOFError, OSError):
                message = None
            if message is None:
                self._busy.remove(connection)
            else:
                self._keep(*message, report)

    def _keep(self, index: int, result: _Out, report: Callable[[_Out], None]) -> None:
        self._results[index] = result
        report(result)


def _help(counter: _Counter, connection: Connection[Any, Any], inherited: Sequence[Connection[Any, Any]]) -> None:
    """A helper's life: lists of items until the other end is closed, here too."""
    for other in inherited:
        other.close()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # an interrupt is the first process's matter, which then ends this one
    gc.disable()  # short-lived, and a collection would copy every page that is shared so far
    # Sent beside the work: a pipe holds little, and the other end may be busy.
    with contextlib.suppress(EOFError, OSError), ThreadPoolExecutor(1) as beside:
        while True:
            work, items = connection.recv()
            for index in _indices(counter, len(items)):
                try:
                    result = work(items[index])
                except Exception:  # noqa: BLE001  # it is met again, and raised, where the item is done again
                    continue
                beside.submit(connection.send, (index, result))
            beside.submit(connection.send, None)


def _indices(counter: _Counter, end: int) -> Iterator[int]:
    """The numbers below ``end`` that no other process has taken."""
    while True:
        with counter.get_lock():
            index = counter.value
            counter.value = index + 1
        if index >= end:
            return
        yield index
