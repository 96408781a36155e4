"""Dask distributed underneath a fleet: a cluster of dse's own on this machine, or one that is there.

Dask's own traps are avoided, not mended: a task is submitted for an idle device only, once it is known that a worker
has its resource; each has a key of its own, and none is cancelled. What workers return is bytes.
"""

from __future__ import annotations

import logging
import math
import os
import pickle
import queue
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from dse.errors import MachineError, Remedy, UsageError
from dse.fleet.certificates import settings_of
from dse.fleet.own_cluster import MOMENT_S, OwnCluster
from dse.fleet.process import SILENT, TAG
from dse.fleet.task import run_packed

if TYPE_CHECKING:
    from distributed import Client, Future

CERTIFICATES = "DSE_CERTIFICATES"
"""The environment variable that names the folder of `make_certificates`; else Dask's own configuration counts."""
_AUTHORITY = "distributed.comm.tls.ca-file"
_LOG = logging.getLogger("distributed")
_CONFIGURED = threading.Lock()
"""Dask's configuration is one for all threads, and each cluster has settings and certificates of its own."""
START_S = 60.0
"""How long a scheduler or a worker may take to start: it imports Dask."""
_LOOK_EVERY_S = 2.0
"""How often it is asked which workers there are."""


@dataclass(frozen=True, slots=True)
class Done:
    """A task that ended: with bytes, or with the reason why there are none."""

    key: str
    answer: bytes | None
    reason: str = ""


class _Silence:
    """Dask's log, which says nothing as long as a cluster is there: what goes away is said by whoever waits for it."""

    def __init__(self) -> None:
        self._lock, self._clusters, self._level = threading.Lock(), set[object](), logging.NOTSET

    def add(self, cluster: object) -> None:
        with self._lock:
            if not self._clusters:
                self._level = _LOG.level
                _LOG.setLevel(logging.CRITICAL)
            self._clusters.add(cluster)

    def remove(self, cluster: object) -> None:
        with self._lock:
            if cluster in self._clusters:
                self._clusters.remove(cluster)
                if not self._clusters:
                    _LOG.setLevel(self._level)


_SILENT = _Silence()


class Cluster:
    """A connection to a scheduler, as a context: to ``scheduler``, or to one of dse's own with workers for ``devices``.

    A worker of its own is for ``devices_per_worker`` of them, and has the modules ``imports`` before it is there: while
    a worker imports, the scheduler hears nothing of it. ``settings`` are Dask's, on top of `SILENT`. Each process may
    say nothing for ``start_s`` (default: `START_S`) after its start. Raises MachineError where Dask is not installed
    or the cluster does not answer, UsageError for an open address.
    """

    def __init__(
        self,
        devices: Sequence[str],
        scheduler: str | None = None,
        *,
        devices_per_worker: int = 1,
        imports: Sequence[str] = ("dse.fleet.contact",),
        settings: Mapping[str, Any] | None = None,
        start_s: float | None = None,
    ) -> None:
        self._start_s = START_S if start_s is None else start_s
        if scheduler is not None:
            require_closed(scheduler)
        self._given, self._settings, self._imports = scheduler, {**SILENT, **(settings or {})}, list(imports)
        if scheduler is not None and (certificates := os.environ.get(CERTIFICATES)):
            self._settings |= settings_of(Path(certificates))
        self._groups = [
            list(devices[place : place + devices_per_worker])
            for place in range(0, 0 if scheduler else len(devices), devices_per_worker)
        ]
        self._done: queue.SimpleQueue[tuple[str, Future[bytes]]] = queue.SimpleQueue()
        self._futures: dict[str, Future[bytes]] = {}
        self._tags: frozenset[str] = frozenset()
        self._looked_s = -math.inf
        self._own: OwnCluster | None = None
        self._client: Client | None = None

    def __enter__(self) -> Cluster:
        distributed = _distributed()
        import dask

        _SILENT.add(self)
        address = self._given
        if address is None:
            self._own = OwnCluster(self._settings, self._imports, self._groups, self._start_s)
        try:
            if self._own is not None:
                address = self._own.start()
            with _CONFIGURED, dask.config.set({**(self._own.settings if self._own else self._settings)}):
                if address is not None and address.startswith("tls:") and not dask.config.get(_AUTHORITY, None):
                    raise MachineError(f"no certificates are named for {address}", remedy=Remedy.MAKE_CERTIFICATES)
                self._client = distributed.Client(
                    address, set_as_default=False, direct_to_workers=False, timeout=self._start_s, name="dse"
                )
        except OSError as error:
            self.close()
            raise MachineError(
                f"no scheduler answers at {address}: {error}", hint="is it running, and is it reached from here?"
            ) from None
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def has(self, device: str) -> bool:
        """Whether a worker has the device's resource, as far as was heard in the last seconds."""
        patience_s = _LOOK_EVERY_S if device in self._tags else _LOOK_EVERY_S / 10
        if time.monotonic() - self._looked_s > patience_s:
            self._look()
        return device in self._tags

    def submit(self, device: str, task: Callable[..., bytes], *arguments: object) -> str:
        """Begin ``task`` at the worker of ``device``; its key, which `done` names."""
        assert self._client is not None
        key = f"dse-{device}-{uuid.uuid4().hex}"
        packed = pickle.dumps((task, arguments))  # of bytes, Dask's client and its scheduler have the least work
        future = self._client.submit(
            run_packed, packed, key=key, resources={f"{TAG}{device}": 1}, pure=False, retries=0, actor=False
        )
        self._futures[key] = future
        future.add_done_callback(lambda found: self._done.put((key, found)))
        return key

    def done(self, timeout_s: float | None) -> list[Done]:
        """Wait until a task ends, or ``timeout_s`` is over; then all that have ended, but for forgotten ones."""
        found: list[tuple[str, Future[bytes]]] = []
        with suppress(queue.Empty):
            while True:
                found.append(self._done.get(block=not found, timeout=timeout_s))
        known = [(key, future) for key, future in found if self._futures.pop(key, None) is not None]
        finished = [(key, future) for key, future in known if future.status == "finished"]
        failed = [Done(key, None, _reason(future)) for key, future in known if (key, future) not in finished]
        answers = self._gathered([future for _, future in finished])
        ended = [
            Done(key, answer, "" if answer is not None else "its answer is gone with its worker")
            for (key, _), answer in zip(finished, answers, strict=True)
        ]
        if failed or None in answers:
            self._looked_s = -math.inf  # whoever had the task may be gone
            if self._own is not None:
                self._own.renew(MOMENT_S)
        return ended + failed

    def forget(self, key: str) -> None:
        """Nothing is done with the answer of a task, should it come; its worker is left alone."""
        self._futures.pop(key, None)

    def revive(self, device: str) -> str:
        """Start the device's worker again where it is dse's own and has ended, and wait for it; why there is none."""
        try:
            if self._own is not None and self._own.revive(device):
                self._look()
        except MachineError as error:
            return error.message
        return "" if self.has(device) else f"no Dask worker has {device}"

    def close(self) -> None:
        """End the connection, and the cluster where it is dse's own: then also what runs there."""
        self._futures.clear()
        if self._client is not None:
            with suppress(Exception):  # a scheduler that is gone
                self._client.close(timeout=5)  # it waits for no task that runs
        if self._own is not None:
            self._own.end()
        self._client = self._own = None
        _SILENT.remove(self)

    def _gathered(self, futures: Sequence[Future[bytes]]) -> list[bytes | None]:
        if not futures:
            return []
        assert self._client is not None
        try:
            return [_bytes(found) for found in self._client.gather(list(futures), errors="raise", direct=False)]
        except Exception:  # noqa: BLE001  # one of them went with its worker
            return [self._one(future) for future in futures]

    def _one(self, future: Future[bytes]) -> bytes | None:
        try:
            return _bytes(future.result(timeout=START_S))
        except Exception:  # noqa: BLE001  # as above
            return None

    def _look(self) -> None:
        """Which devices have a worker."""
        assert self._client is not None
        try:
            workers: Mapping[str, Any] = self._client.scheduler_info(n_workers=-1)["workers"]
        except Exception:  # noqa: BLE001  # no scheduler, no device
            workers = {}
        self._tags = frozenset(
            tag.removeprefix(TAG)
            for worker in workers.values()
            for tag in worker.get("resources") or ()
            if tag.startswith(TAG)
        )
        self._looked_s = time.monotonic()


def require_closed(address: str) -> None:
    """Raise UsageError for an address of a scheduler that anybody on the network may use, or that is none."""
    parts = urlsplit(address)
    if parts.scheme not in ("tcp", "tls") or not parts.hostname:
        raise UsageError(f"found the scheduler {address!r}, allowed: tls://HOST:PORT, or tcp://127.0.0.1:PORT here")
    if parts.scheme == "tcp" and not _is_loopback(parts.hostname):
        raise UsageError(
            f"{address} is not encrypted, and whoever reaches it can run programs on all of its workers",
            hint="start the scheduler with certificates and name it tls://..., or reach it through a tunnel: "
            "ssh -L 8786:127.0.0.1:8786 HOST, then tcp://127.0.0.1:8786",
        )


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _bytes(found: object) -> bytes:
    if not isinstance(found, bytes):
        raise TypeError(f"found {type(found).__name__}, expected bytes")
    return found


def _reason(future: Future[bytes]) -> str:
    """Why a task has no answer; what Dask makes of an exception is not looked at."""
    return {"cancelled": "the scheduler has gone", "lost": "its worker has gone"}.get(
        future.status, "its worker has ended"
    )


def _distributed() -> Any:
    try:
        import distributed
    except ImportError:
        raise MachineError("devices need Dask, which is not installed", hint="pip install 'dse[fleet]'") from None
    return distributed
