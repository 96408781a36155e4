"""Where the steps of a search are carried out: on one device, or on several at once, each with one run at a time."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

from dse_harness.protocol import Request, Response

from dse.backends import Backend
from dse.backends._base import Closable
from dse.errors import DeviceLostError


@dataclass(frozen=True, slots=True)
class Run:
    """What ``device`` is asked to measure for trial ``number``, whose files go into ``folder``."""

    device: str
    number: int
    request: Request
    folder: Path
    timeout_s: float
    python: str | None = None


@dataclass(frozen=True, slots=True)
class Ended:
    """What became of a run: a ``response`` that lies in its folder, or the reason why there is none.

    ``lost``: the device went away, and nobody knows how the run ended. ``unreachable``: it could not be begun, which
    says nothing of the configuration. ``held``: somebody else has the device. ``rebooted``: it was started anew, and
    the run has not begun.
    """

    run: Run
    response: Response | None = None
    why: Literal["", "lost", "unreachable", "held", "rebooted"] = ""
    message: str = ""
    took_s: float | None = None
    """How long the device took for it, where it says so; else what passed here counts."""

    @property
    def device(self) -> str:
        """The device of the run."""
        return self.run.device


@runtime_checkable
class Pool(Protocol):
    """Devices of one system, each with one run at a time. A run that is started ends once, whatever happens: `ended`
    says how."""

    @property
    def devices(self) -> Sequence[str]:
        """Their names, in an order."""

    @property
    def is_deterministic(self) -> bool:
        """See `dse.backends.Backend`."""

    def start(self, run: Run) -> None:
        """Begin ``run`` on its device, after those that it was given before."""

    def ended(self, timeout_s: float | None = None) -> Sequence[Ended]:
        """Wait until something ends, or ``timeout_s`` is over; then all that has ended. Raises what a backend raises.

        A response is only returned once response.json lies in the run's folder. Nothing is written into the folder of a
        run that was said to have ended.
        """

    def retire(self, device: str) -> None:
        """Nothing more is started on ``device``."""

    def close(self) -> None:
        """End what runs."""


class BackendPool:
    """One backend, this machine mostly: a run is carried out while somebody waits for it, by whoever waits."""

    devices: Sequence[str] = ("",)

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._waiting: Run | None = None

    @property
    def is_deterministic(self) -> bool:
        """See `dse.backends.Backend`."""
        return self._backend.is_deterministic

    def start(self, run: Run) -> None:
        """See `Pool`."""
        self._waiting = run

    def ended(self, timeout_s: float | None = None) -> Sequence[Ended]:
        """See `Pool`; the run decides how long it takes."""
        run, self._waiting = self._waiting, None
        if run is None:
            time.sleep(timeout_s or 0.0)
            return ()
        return (_carried_out(self._backend, run),)

    def retire(self, device: str) -> None:
        """See `Pool`."""

    def close(self) -> None:
        """See `Pool`; whoever made the backend closes it."""


class ThreadPool:
    """Several backends in this process, each with a thread of its own; a backend that raises `DeviceLostError` is lost.

    For backends that wait for something elsewhere, and for tests of searches on several devices.
    """

    def __init__(self, backends: Mapping[str, Backend]) -> None:
        if not backends:
            raise ValueError("found no backend, expected one at least")
        self._backends = dict(backends)
        self._ended: queue.SimpleQueue[Ended | BaseException] = queue.SimpleQueue()
        self._wanted: dict[str, queue.SimpleQueue[Run | None]] = {}
        self._threads: list[threading.Thread] = []

    @property
    def devices(self) -> Sequence[str]:
        """See `Pool`."""
        return tuple(self._backends)

    @property
    def is_deterministic(self) -> bool:
        """See `dse.backends.Backend`."""
        return all(backend.is_deterministic for backend in self._backends.values())

    def start(self, run: Run) -> None:
        """See `Pool`."""
        if run.device not in self._wanted:
            wanted = self._wanted[run.device] = queue.SimpleQueue()
            thread = threading.Thread(target=self._work, args=(run.device, wanted), daemon=True)
            self._threads.append(thread)
            thread.start()
        self._wanted[run.device].put(run)

    def ended(self, timeout_s: float | None = None) -> Sequence[Ended]:
        """See `Pool`."""
        found: list[Ended] = []
        try:
            while True:
                each = self._ended.get(block=not found, timeout=timeout_s)
                if isinstance(each, BaseException):
                    raise each
                found.append(each)
        except queue.Empty:
            return found

    def retire(self, device: str) -> None:
        """See `Pool`."""
        if device in self._wanted:
            self._wanted[device].put(None)

    def close(self) -> None:
        """See `Pool`: what runs is waited for, and the backends are closed."""
        for device in self._wanted:
            self.retire(device)
        for thread in self._threads:
            thread.join()
        self._threads.clear()
        self._wanted.clear()

    def _work(self, device: str, wanted: queue.SimpleQueue[Run | None]) -> None:
        backend = self._backends[device]
        try:
            while (run := wanted.get()) is not None:
                self._ended.put(_carried_out(backend, run))
        except BaseException as error:  # noqa: BLE001  # whoever waits for the run gets it
            self._ended.put(error)
        finally:
            if isinstance(backend, Closable):
                backend.close()


def _carried_out(backend: Backend, run: Run) -> Ended:
    try:
        response = backend.run(run.request, run.folder, run.timeout_s, python=run.python)
    except DeviceLostError as error:
        return Ended(run, None, "lost", error.message)
    return Ended(run, response)
