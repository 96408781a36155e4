"""A process of a cluster of dse's own: Dask's scheduler, or a worker that is next to silent.

    python -m dse.fleet.process

Its standard input says in a line of JSON what it is to be, and ends when it is to end: so nothing is left behind by a
search that was killed. It says in a line of JSON where it listens. A worker has a thread and a resource for each
device; no nanny, no dashboard, no profiler, and no look at its memory: nothing of it wakes up while a device measures
but a heartbeat.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import shutil
import sys
import threading
from pathlib import Path
from typing import Any

TAG = "dse-device-"
"""Of the resource that a worker has for a device, before the device's name."""

SILENT: dict[str, Any] = {
    "distributed.scheduler.allowed-failures": 0,  # a device is lost as soon as its worker is
    "distributed.scheduler.work-stealing": False,
    "distributed.scheduler.active-memory-manager.start": False,
    "distributed.scheduler.worker-saturation": "inf",
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
    "distributed.worker.profile.enabled": False,
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,
    "distributed.worker.memory.terminate": False,
    "distributed.admin.tick.interval": "10s",
    "distributed.admin.tick.limit": "1h",
    "distributed.admin.tick.cycle": "1h",
    "distributed.admin.system-monitor.interval": "1h",
    "distributed.admin.system-monitor.disk": False,
    "distributed.admin.system-monitor.gil.enabled": False,
    "distributed.client.scheduler-info-interval": "1h",
    "distributed.diagnostics.nvml": False,
    "distributed.diagnostics.computations.max-history": 0,
}
"""Dask's settings for all processes of the cluster, the search's own among them."""


def main() -> None:
    """Be what standard input says, until it ends."""
    wanted = json.loads(sys.stdin.readline())
    folder = Path(wanted["folder"])
    threading.Thread(target=_end_with_stdin, args=(folder,), daemon=True).start()

    import dask

    dask.config.set({**SILENT, **wanted.get("settings", {})})
    asyncio.run(_scheduler(wanted) if wanted["role"] == "scheduler" else _worker(wanted))


async def _scheduler(wanted: dict[str, Any]) -> None:
    from distributed import Scheduler

    async with Scheduler(protocol=wanted["protocol"], host="127.0.0.1", port=0, dashboard=False) as scheduler:
        _say(scheduler.address)
        await scheduler.finished()


async def _worker(wanted: dict[str, Any]) -> None:
    from distributed import Worker

    devices = wanted["devices"]
    for module in wanted["imports"]:
        importlib.import_module(module)
    async with Worker(
        wanted["scheduler"],
        name=wanted["name"],
        protocol=wanted["protocol"],
        host="127.0.0.1",
        nthreads=len(devices),
        resources={f"{TAG}{device}": 1 for device in devices},
        dashboard=False,
        memory_limit=0,
        local_directory=wanted["folder"],
    ) as worker:
        _say(worker.address)
        await worker.finished()


def _say(address: str) -> None:
    print(json.dumps({"address": address}), flush=True)  # noqa: T201  # the process's answer


def _end_with_stdin(folder: Path) -> None:
    while sys.stdin.read(1):
        pass
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(0)


if __name__ == "__main__":
    main()
