"""The devices of a system as a search sees them: runs that go out as Dask tasks and come back as bytes."""

from __future__ import annotations

import json
import platform
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from dse_harness import protocol

from dse.errors import DeviceAnswerError
from dse.files import write_json
from dse.fleet import task
from dse.fleet.cluster import Cluster, Done
from dse.fleet.device_file import Device
from dse.fleet.files import sent
from dse.fleet.job import Answer, Job, read_answer
from dse.fleet.stored import Stored
from dse.fleet.task import Task
from dse.search.pool import Ended, Run

SCHEMA = 1
LEASE_S = 30.0
MOST_SENT_BYTES = 2**28
"""Of a file that goes to a worker through the scheduler."""
_MARGIN_S = 300.0
"""So much longer than its run a task may take, with the files that it sends, before its device counts as lost."""
_AT_ONCE = 8
"""So many answers are written to the disk at the same time."""
_GONE_S = 10.0
"""How long a device's worker may be away while it has a task, as far as the scheduler knows."""


@dataclass(slots=True)
class _Running:
    run: Run
    job: Job
    files: Sequence[Stored]
    names: set[str]
    deadline_s: float = 0.0
    was_sent: bool = False
    """Whether its worker has been sent files that it asked for."""
    gone_since_s: float | None = None


class FleetPool:
    """See `dse.search.pool.Pool`. ``study`` is what runs are called after; ``task`` is what the workers do.

    The pool has the ``cluster``, and closes it.
    """

    is_deterministic = False

    def __init__(
        self,
        devices: Sequence[Device],
        cluster: Cluster,
        study: str,
        *,
        lease_s: float = LEASE_S,
        margin_s: float = _MARGIN_S,
        task: Task = task.run,
    ) -> None:
        self._devices = {device.name: device for device in devices}
        self._cluster, self._study, self._task = cluster, study, task
        self._lease_s, self._margin_s = lease_s, margin_s
        self._running: dict[str, _Running] = {}
        """By the keys of their tasks, in the order in which they were submitted."""
        self._boot_ids: dict[str, str] = {}
        self._there: defaultdict[str, set[str]] = defaultdict(set)
        """What each device had in its store when it answered."""
        self._at_once: list[Ended] = []
        self._threads = ThreadPoolExecutor(_AT_ONCE, "dse-answers")

    @property
    def devices(self) -> Sequence[str]:
        """See `dse.search.pool.Pool`."""
        return tuple(self._devices)

    def start(self, run: Run) -> None:
        """See `dse.search.pool.Pool`. Raises OSError for a file that is not there."""
        protocol.write(run.request, run.folder / "request.json", durable=False)
        if not self._cluster.has(run.device) and (why := self._cluster.revive(run.device)):
            self._at_once.append(Ended(run, None, "unreachable", why))
            return
        there = sent(run.request, run.folder)
        job = Job(
            "unnamed",
            f"dse on {platform.node()}, study {self._study}",
            there.request,
            run.timeout_s,
            self._lease_s,
            boot_id=self._boot_ids.get(run.device),
        )
        job = job.named(f"{self._study}-{run.number}-{job.request_sha256[:12]}")
        names = {each.name for each in there.files}
        look = not names <= self._there[run.device]
        self._submit(_Running(run, job, there.files, names), look=look)

    def ended(self, timeout_s: float | None = None) -> Sequence[Ended]:
        """See `dse.search.pool.Pool`. Raises OSError where a trial's folder cannot be written."""
        found, self._at_once = self._at_once, []
        if not found and not self._running:
            time.sleep(timeout_s or 0.0)
            return ()
        heard = [self._heard(done) for done in self._cluster.done(0.0 if found else timeout_s)]
        answered = [each for each in heard if isinstance(each, tuple)]
        if len(answered) == 1:
            found.append(_kept(*answered[0]))
        elif answered:  # each waits for the disk, which has several at once in the time of one
            found += self._threads.map(_kept, *zip(*answered, strict=True))
        return [*found, *(each for each in heard if isinstance(each, Ended)), *self._overdue()]

    def retire(self, device: str) -> None:
        """See `dse.search.pool.Pool`."""

    def close(self) -> None:
        """See `dse.search.pool.Pool`."""
        self._threads.shutdown()
        self._cluster.close()

    def _submit(self, running: _Running, contents: Mapping[str, bytes] | None = None, *, look: bool) -> None:
        run = running.run
        device = self._devices[run.device]
        before_s = max((each.deadline_s for each in self._running.values() if each.run.device == run.device), default=0)
        running.deadline_s = max(time.monotonic(), before_s) + run.timeout_s + self._margin_s
        key = self._cluster.submit(run.device, self._task, device, running.job, running.files, look, contents or {})
        self._running[key] = running

    def _heard(self, done: Done) -> Ended | tuple[Run, Answer] | None:
        """How a run ended, or its answer; None where it goes on, with files that its worker does not have."""
        running = self._running.pop(done.key)
        if done.answer is None:
            return Ended(running.run, None, "lost", done.reason)
        try:
            return self._answered(running, done.answer)
        except DeviceAnswerError as error:
            return Ended(running.run, None, "unreachable", error.message)

    def _answered(self, running: _Running, answer: bytes) -> Ended | tuple[Run, Answer] | None:
        device = running.run.device
        line, _, rest = answer.partition(b"\n")
        try:
            said = json.loads(line)
            word = said["outcome"]
            if word not in ("answered", "lost", "unreachable", "held", "rebooted", "files"):
                raise ValueError(f"found {word!r}")
            if word == "files":
                return self._with_files(running, set(map(str, said["files"])))
            if word != "answered":
                if word == "rebooted":
                    self._boot_ids.pop(device, None)
                return Ended(running.run, None, word, str(said["message"]))
            boot_id = said.get("boot_id")
            if not isinstance(boot_id, str | None):
                raise ValueError(f"boot_id: found {boot_id!r}")
        except (ValueError, KeyError, TypeError) as error:
            raise DeviceAnswerError(f"what its worker said is no answer: {error}", device=device) from None
        found = read_answer(rest, running.job, boot_id, device)
        self._boot_ids[device] = found.boot_id
        self._there[device] |= running.names
        return running.run, found

    def _with_files(self, running: _Running, names: set[str]) -> Ended | None:
        """Send files to a worker on another machine, once, and no folder: that may have a hundred thousand images."""
        wanted = [each for each in running.files if each.name in names]
        known = all(each.files is None and each.byte_count <= MOST_SENT_BYTES for each in wanted)
        if not wanted or not known or running.was_sent:
            named = ", ".join(str(each.path) for each in wanted) or "nothing"
            return Ended(
                running.run, None, "unreachable", f"its worker, on another machine, lacks {named}: copy it there"
            )
        running.was_sent = True
        self._submit(running, {each.name: each.path.read_bytes() for each in wanted}, look=True)
        return None

    def _overdue(self) -> list[Ended]:
        """Tasks whose worker has gone without a word, or that take too long: an answer that comes late is dropped."""
        now_s, found = time.monotonic(), []
        for key, running in list(self._running.items()):
            if self._cluster.has(running.run.device):
                running.gone_since_s = None
            elif running.gone_since_s is None:
                running.gone_since_s = now_s
                self._cluster.revive(running.run.device)  # the task waits for it
            gone = running.gone_since_s is not None and now_s - running.gone_since_s > _GONE_S
            if gone or now_s > running.deadline_s:
                del self._running[key]
                self._cluster.forget(key)
                reason = "its worker has gone" if gone else f"no answer in {running.run.timeout_s:g} s and some minutes"
                found.append(Ended(running.run, None, "lost", reason))
        return found


def _kept(run: Run, answer: Answer) -> Ended:
    """Leave the answer in the trial's folder, with device.json: where and when it ran, by the device's clock."""
    document = {
        "schema": SCHEMA,
        "device": answer.device,
        "run_id": answer.run_id,
        "boot_id": answer.boot_id,
        "began_s": answer.began_s,
        "ended_s": answer.ended_s,
        "began_utc": answer.began_utc,
        "recorded": answer.recorded,
        "orphans_ended": list(answer.orphans_ended),
    }
    write_json(run.folder / "device.json", document, durable=False, follow=False)
    answer.write(run.folder)
    return Ended(run, answer.response, took_s=answer.ended_s - answer.began_s)
