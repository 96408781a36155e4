"""``dse-harness launch ROOT``: one run on this device, under its lease, for who is at the other end of a connection.

Standard input. First a line of JSON, then heartbeats:

    {"schema": 1, "run_id", "owner", "request": {...}, "timeout_s", "lease_s", "command": [argv] | null, "boot_id": ...}

- The request's paths are relative to the run's folder, ROOT/runs/RUN_ID: ``../../store/NAME``, ``../../cache``.
- ``command`` runs in the harness's place, with the path of request.json appended.
- ``boot_id`` is what the other side saw when it began with this device, or null.
- Any byte is a heartbeat. After ``lease_s`` without one, and at the end of file, the run is ended: it is interrupted,
  given two seconds, and killed with all that it started.

Standard output. Lines of JSON, each with an ``event``:

    began    run_id, boot_id, pid, boottime_s, time_utc: the run has begun, and its ``timeout_s`` with it
    answer   bytes: so many bytes follow, an uncompressed tar: answer.json, and whatever there is of response.json,
             stderr.log, performance/* and accuracy/*
    error    error, message, and holder, who has the device, where that is known

The error is ``held``; ``rebooted``: not as ``boot_id`` says; ``missing``: files that the request names; ``no_space``;
``bad_job``: another request under this run_id, or what is no job; ``internal``. Nothing was run then, but for
``no_space``, which is also said of a run in which the disk became full: its figures would be nobody's.

answer.json: ``{"schema": 1, "run_id", "request_sha256", "boot_id", "began_s", "ended_s", "began_utc", "outcome",
"status", "recorded", "orphans_ended"}``. Times are in seconds since boot (CLOCK_BOOTTIME), ``request_sha256`` is of the
request with its keys in order, without spaces, in ASCII; ``outcome`` is ``ended``, ``timeout`` or ``lease_expired``;
``status`` negative for a signal; ``orphans_ended`` the ids of the runs of which something was still there.

A run that came to its end (``ended``, ``timeout``) is not run again: the same run_id with the same request, since the
same boot, is answered from its folder, with ``recorded`` true and without ``began``. The device stays leased until the
answer is sent, or the lease has expired: nobody measures meanwhile.

Exit code: 0 answered, 3 an error was said, 1 nobody was there to answer, 2 a wrong call.
"""

from __future__ import annotations

import contextlib
import os
import re
import selectors
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from dse_harness import device, family
from dse_harness.boot import command
from dse_harness.clock import now_s, time_utc
from dse_harness.decode import ProtocolError, Range, decode
from dse_harness.device import Boot, RefusedError
from dse_harness.lease import HeldError, Lease, StuckError
from dse_harness.run_folder import Archive, RunFolder
from dse_harness.running import Running
from dse_harness.watch import Watch

_RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")
_MOST_OWNER = 200
_PART_BYTES = 4096
"""A pipe that has room has room for so much."""
_Seconds = Annotated[float, Range(0.01, 10**7)]


@dataclass(frozen=True)
class Job:
    """The first line that a launcher reads."""

    run_id: str
    owner: str
    request: dict[str, Any]
    timeout_s: _Seconds
    lease_s: _Seconds
    command: tuple[str, ...] | None = None
    boot_id: str | None = None
    schema: int = 1

    def problem(self) -> str | None:
        """What is wrong among the fields; None where nothing is."""
        if not _RUN_ID.fullmatch(self.run_id):
            return f"run_id: found {self.run_id[:_MOST_OWNER]!r}, allowed: {_RUN_ID.pattern}"
        if not self.owner.isprintable() or not 0 < len(self.owner) <= _MOST_OWNER:
            return f"owner: found {self.owner[:_MOST_OWNER]!r}, allowed: 1 to {_MOST_OWNER} characters to read"
        if self.command is not None and (not self.command or any("\0" in word for word in self.command)):
            return "command: allowed: the words of a command, or null"
        return None


def launch(root: Path, machine: Path = Path("/")) -> int:
    """Serve one job from standard input; the exit code. ``machine`` stands for ``/`` where `Boot` is read."""
    try:
        return _serve(device.open_folder(root), machine)
    except BrokenPipeError:  # nobody listens: whatever came out is in the run's folder
        return device.UNHEARD
    except RefusedError as error:
        return device.refuse(error)
    except OSError as error:
        return device.refuse(device.refusal_of(error, root))


def _serve(root: Path, machine: Path) -> int:
    job = _read_job()
    boot = Boot.read(machine)
    boot_id = boot.id
    if job.boot_id is not None and job.boot_id != boot_id:
        raise RefusedError("rebooted", f"the boot id is {boot_id}, no longer {job.boot_id[:_MOST_OWNER]}")
    folder = RunFolder(root, job.run_id, job.request)
    lease = _take_lease(root, boot, job)
    try:
        watch = Watch(0, lease)
        answer = folder.recorded(boot_id)
        if answer is not None:
            answer |= {"recorded": True, "orphans_ended": lease.orphans_ended}
        else:
            answer = _run(root, folder, lease, watch, job, boot_id)
        archive = folder.archive(answer)
        try:
            _send(archive, watch, lease)
        finally:
            archive.close()
    finally:
        lease.release()
    return device.ANSWERED


def _read_job() -> Job:
    document, _ = device.read_line(0)
    try:
        job: Job = decode(Job, document, "job")
    except ProtocolError as error:
        raise RefusedError("bad_job", str(error)) from error
    return job


def _take_lease(root: Path, boot: Boot, job: Job) -> Lease:
    try:
        return Lease(root, boot, job.owner, job.run_id, job.lease_s)
    except HeldError as error:
        holder = error.holder
        named = {} if holder is None else {"holder": holder.public()}
        raise RefusedError("held", str(error), **named) from error
    except StuckError as error:
        raise RefusedError("internal", str(error)) from error


def _run(root: Path, folder: RunFolder, lease: Lease, watch: Watch, job: Job, boot_id: str) -> dict[str, Any]:
    """Run the job; what answer.json says. Raises RefusedError."""
    if missing := folder.missing():
        raise RefusedError("missing", f"the request names what is not here: {', '.join(missing)}")
    folder.tidy()
    _require_room(root, "before the run")
    (root / "cache").mkdir(mode=0o700, exist_ok=True)
    folder.make({"owner": job.owner, "boot_id": boot_id, "timeout_s": job.timeout_s, "command": job.command})
    words = [*(job.command or (*command(sys.executable), "run")), str(folder.path / "request.json")]
    try:
        running = Running(words, folder.path, folder.path / "stderr.log", family.marks(root, job.run_id), watch)
    except OSError as error:
        raise RefusedError("bad_job", f"{words[0]} does not start: {error}") from error
    with running:
        began_s, began_utc = now_s(), time_utc()
        lease.began(running.pid)
        began = {"event": "began", "run_id": job.run_id, "boot_id": boot_id, "pid": running.pid}
        with contextlib.suppress(BrokenPipeError):  # standard input ends as well then, and the run with it
            device.say({**began, "boottime_s": began_s, "time_utc": began_utc})
        outcome, status = running.wait(began_s + job.timeout_s)
        ended_s = now_s()
    if not lease.renew():  # somebody else has the device by now, and may have ended the run
        outcome = "lease_expired"
    answer = {
        "schema": 1,
        "run_id": job.run_id,
        "request_sha256": folder.sha256,
        "boot_id": boot_id,
        "began_s": began_s,
        "ended_s": ended_s,
        "began_utc": began_utc,
        "outcome": outcome,
        "status": status,
        "recorded": False,
        "orphans_ended": lease.orphans_ended,
    }
    try:
        _require_room(root, "after the run")
        folder.keep(answer)
    except (RefusedError, OSError):  # what filled the disk is not in the way of the next run
        folder.tidy()
        raise
    return answer


def _require_room(root: Path, when: str) -> None:
    if (free := device.free_bytes(root)) < device.LEAST_FREE_BYTES:
        raise RefusedError("no_space", f"{root}: {free} bytes are free {when}, needed: {device.LEAST_FREE_BYTES}")


def _send(archive: Archive, watch: Watch, lease: Lease) -> None:
    """Send the answer; the lease ends with the heartbeats, the sending does not. Raises OSError: nobody listens."""
    device.say({"event": "answer", "bytes": archive.bytes})
    ready: list[bool] = []
    watch.add(1, selectors.EVENT_WRITE, lambda: ready.append(True))
    for part in archive.parts(_PART_BYTES):
        while not ready:
            if watch.over:
                lease.release()
            watch.wait()
        ready.clear()
        while part:
            part = part[os.write(1, part) :]
