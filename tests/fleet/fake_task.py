"""A device that is made up, behind a real Dask worker: it takes its time, takes down when it ran, and answers in bytes.

What it does is in its options: ``log`` is a file with a line for each run, ``seconds`` how long one takes, ``does`` a
word for what goes wrong, ``once`` a file that says that it has gone wrong already.
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dse_harness.protocol import Request

from dse.fleet import task
from dse.fleet.device_file import Device
from dse.fleet.job import Job
from dse.fleet.stored import Stored
from tests.fleet.answers import files, tar
from tests.search.bench import device as fake_device


def run(device: Device, job: Job, wanted: Sequence[Stored], look: bool, contents: Mapping[str, bytes]) -> bytes:
    options: dict[str, Any] = dict(device.options)
    began_s = time.clock_gettime(time.CLOCK_BOOTTIME)
    does = str(options.get("does", ""))
    if does and "once" in options:
        try:
            Path(options["once"]).touch(exist_ok=False)
        except FileExistsError:
            does = ""
    if does in ("lost", "unreachable", "held", "rebooted"):
        return task.head(does, message=f"it is {does}")
    if does == "files" and not contents:
        return task.head("files", *[each.name for each in wanted])
    if does == "raise":
        raise ZeroDivisionError("a bug of the task")
    if does == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if does == "nonsense":
        return b"what?"
    if did := str(options.get("began", "")):
        Path(did).touch()
    time.sleep(float(options.get("seconds", 0.0)))
    ended_s = time.clock_gettime(time.CLOCK_BOOTTIME)
    response = fake_device(noise=0.0).answer(_request(job))
    asked = job if does != "another" else Job("another-run", job.owner, job.request, job.timeout_s)
    contents = files(asked, response, began_s=began_s, ended_s=ended_s)
    if does == "large":
        contents["performance/mlperf_log_trace.json"] = bytes(2**25)
    note(options, {"device": device.name, "run_id": job.run_id, "began_s": began_s, "ended_s": ended_s})
    return task.head("answered", boot_id=json.loads(contents["answer.json"])["boot_id"]) + tar(contents)


def _request(job: Job) -> Request:
    return job.request


def note(options: dict[str, Any], line: dict[str, Any]) -> None:
    if "log" in options:
        with Path(options["log"]).open("a") as log:
            log.write(json.dumps(line) + "\n")
