"""A process that has imported what every run needs, and forks a child for each: imports are paid for once.

Its standard input is a socket that keeps packets apart, to who started it (`dse.backends.resident`):

    ready           it has imported everything
    PATH            from the other side: run this request.json
    began PID       from the child, which leads a session of its own by now
    answered        from the child: its response is there, and it is about to end. One that fails may not say so
    ended STATUS    how the child ended, negative for a signal. It stays a zombie until the next packet comes, so that
                    its number is nobody else's while the rest of its session is killed

While the other side decides what to measure, one child ends and the next is forked, to wait for its request. The
socket's end is the process's end. Children are what a fresh process would be: in the request's folder, with the same
pages in memory, and killed by the kernel when this process ends, which is killed when its own parent ends.
"""

from __future__ import annotations

import dataclasses
import gc
import json
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from dse_harness import process
from dse_harness.decode import decode
from dse_harness.device_state import DeviceReader
from dse_harness.errors import HarnessError
from dse_harness.protocol import DataSetSpec, Request, RuntimeSpec

_MOST_PATH_BYTES = 2**16


Answered = Callable[[], object]


def serve(engine: str, run: Callable[[Path, int, Answered], int]) -> int:
    """Import ``engine``, then have a child run each request that comes, until nobody can send one any more.

    A child calls ``run`` with the request's path, the bytes that importing the engine added to the resident set, and
    what to call once the response is there; it exits with its result.
    """
    driver = os.dup(0)
    _redirect(os.open(os.devnull, os.O_RDONLY), (0,))
    engine_bytes = _import(engine)
    pages = process.file_pages()
    os.write(driver, b"ready")
    child = 0

    def fork() -> _Waiting:
        return _fork(driver, pages, lambda path, answered: run(path, engine_bytes, answered))

    while True:
        if (threads := process.threads()) != 1:
            print(f"the process to fork from has {threads} threads, allowed: 1", file=sys.stderr)
            return 1
        waiting = fork()
        packet = os.read(driver, _MOST_PATH_BYTES)
        if child:
            os.waitpid(child, 0)
        if not packet:
            os._exit(0)  # without the teardown of the engine's libraries, as a run ends; it takes the child with it
        took, status = waiting.run(packet)
        if not took:  # it was killed while it waited
            os.waitpid(waiting.pid, 0)
            waiting = fork()
            _, status = waiting.run(packet)
        child = waiting.pid
        os.write(driver, f"ended {status}".encode())


class _Waiting(NamedTuple):
    """A child that waits for its request: the path comes through a pipe, of which ``read`` and ``write`` are here."""

    pid: int
    read: int
    write: int

    def run(self, request: bytes) -> tuple[bool, int]:
        """Whether it took the request, and how it ended; it stays a zombie."""
        os.write(self.write, request)
        ended = os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)
        assert ended is not None
        os.close(self.write)
        took = not os.read(self.read, _MOST_PATH_BYTES)
        os.close(self.read)
        return took, ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status


def _fork(driver: int, pages: Sequence[range], run: Callable[[Path, Answered], int]) -> _Waiting:
    own, (read, write) = os.getpid(), os.pipe()
    child = os.fork()
    if not child:
        os.close(write)
        _be_child(own, driver, read, pages, run)
    return _Waiting(child, read, write)


def _be_child(
    parent: int, driver: int, requests: int, pages: Sequence[range], run: Callable[[Path, Answered], int]
) -> None:
    """Do not return: what the parent does next is not the child's to do."""
    status = 1
    try:
        os.setsid()
        process.die_with(parent)
        process.touch(pages)
        _rehearse()  # what is written to in a fork is copied then, page by page
        if not (packet := os.read(requests, _MOST_PATH_BYTES)):  # nobody wants it any more
            os._exit(0)
        process.begin()
        os.write(driver, f"began {os.getpid()}".encode())
        os.close(requests)
        request = Path(os.fsdecode(packet))
        os.chdir(request.parent)
        status = run(request, lambda: os.write(driver, b"answered"))
    except BaseException:  # noqa: BLE001 - an interruption too ends this process, not the loop of its parent
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _import(engine: str) -> int:
    """Import what a run imports, in its order; the bytes that importing the engine added to the resident set.

    An engine that is not installed, or starts threads when it is imported, is left to the children: a fork would lack
    the threads. A child tries it, since it may as well crash.
    """
    try:
        from dse_harness import measure  # noqa: F401 - a fork has it
        from dse_harness.engines import engine_named
        from dse_harness.pace import PACER
        from dse_harness.samples import opencv_version
        from dse_harness.scenarios import scenario_of
        from dse_harness.tasks import task_of

        task_of(Request.task)
        scenario_of(Request.scenario)
        opencv_version()
        PACER.learn()
        engine_class = engine_named(engine)
    except (ImportError, HarnessError):  # the child says what is missing
        return 0
    _rehearse()
    before = process.resident_bytes()
    if not _ends_well(lambda: _try(engine_class, engine)) or before is None:
        return 0
    engine_class(RuntimeSpec(engine))
    gc.freeze()  # what a child collects, it need not look at what was here before
    return (process.resident_bytes() or before) - before


def _rehearse() -> None:
    """Do what a run does before it imports the engine, and what is learned on the way is there for every child."""
    request = Request("", "", DataSetSpec("", "", ""), "")
    decode(Request, json.loads(json.dumps(dataclasses.asdict(request))))
    DeviceReader().read()


def _try(engine_class: Callable[[RuntimeSpec], object], engine: str) -> int:
    engine_class(RuntimeSpec(engine))
    return process.threads() - 1


def _ends_well(work: Callable[[], int]) -> bool:
    """Whether ``work`` returns 0 in a child, which says nothing."""
    own = os.getpid()
    child = os.fork()
    if not child:
        status = 1
        try:
            process.die_with(own)
            _redirect(os.open(os.devnull, os.O_WRONLY), (1, 2))
            status = work()
        finally:
            os._exit(min(status, 1))
    return os.waitpid(child, 0)[1] == 0


def _redirect(descriptor: int, to: Sequence[int]) -> None:
    for number in to:
        os.dup2(descriptor, number)
    os.close(descriptor)
