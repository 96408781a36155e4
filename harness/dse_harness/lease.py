"""One run at a time on a device: a lease in ``ROOT/lease.json``, looked at and written under a lock (``lease.lock``).

    {"owner", "run_id", "boot_id", "pid", "start_ticks", "deadline_s", "pgid", "pgid_start_ticks"}

``pid`` is the launcher, ``pgid`` the process group of its run (null until that begins), each with its start in clock
ticks since boot, since a number comes back. ``deadline_s`` is in seconds since boot (CLOCK_BOOTTIME).

A lease holds until it is released. It is broken only where the device has been booted since, the launcher is gone, or
the deadline has passed. Who takes it then ends the launcher, should it still be there (it was stopped: it must not
start anything once it goes on), and every process of every run of this folder, before anything else is run. A file that
cannot be read holds nobody off: what a run left behind is found by its environment (`dse_harness.family`).

The file is written in place, always as long: a full disk does not keep a lease from being renewed.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from dse_harness import family
from dse_harness.decode import ProtocolError, decode

_FILE_BYTES = 4096
_LOCK_PATIENCE_S = 3 * family.GRACE_S
"""Longer than anybody who breaks a lease takes to end what there is to end."""
_STEP_S = 0.01


@dataclass(frozen=True)
class Holder:
    """What lease.json says."""

    owner: str
    run_id: str
    boot_id: str
    pid: int
    start_ticks: int
    deadline_s: float
    pgid: int | None = None
    pgid_start_ticks: int | None = None

    def holds(self, boot_id: str) -> bool:
        """Whether nobody may break this lease now."""
        here = self.boot_id == boot_id and family.is_alive(self.pid, self.start_ticks)
        return here and family.now_s() < self.deadline_s

    def public(self) -> dict[str, Any]:
        """What others are told: who, which run, and for how long at most unless it is renewed."""
        return {"owner": self.owner, "run_id": self.run_id, "left_s": round(self.deadline_s - family.now_s(), 3)}


class HeldError(Exception):
    """Somebody else has the device. ``holder`` is None where the lock itself is held, by who was stopped there."""

    def __init__(self, message: str, holder: Holder | None) -> None:
        super().__init__(message)
        self.holder = holder


class StuckError(Exception):
    """Processes of an earlier run cannot be ended."""


def held_by(root: Path, boot_id: str) -> Holder | None:
    """Who has the device now. Takes no lock and changes nothing."""
    holder = _read(root / "lease.json")
    return holder if holder is not None and holder.holds(boot_id) else None


class Lease:
    """A lease that this process has taken, for ``lease_s`` from now and from each `renew`.

    Raises HeldError, StuckError, and OSError where the file cannot be written. ``orphans_ended`` are the ids of the
    runs of which processes were left, and are no more.
    """

    def __init__(self, root: Path, boot_id: str, owner: str, run_id: str, lease_s: float) -> None:
        self._root, self._path, self._lease_s = root, root / "lease.json", lease_s
        me = family.process(os.getpid())
        assert me is not None
        with _locked(root):
            found = _read(self._path)
            if found is not None and found.holds(boot_id):
                left_s = found.deadline_s - family.now_s()
                raise HeldError(f"held by {found.owner}, run {found.run_id}, for {left_s:.0f} s more at most", found)
            self.orphans_ended = _end_orphans(root, found if found and found.boot_id == boot_id else None)
            deadline_s = family.now_s() + lease_s
            self._holder = Holder(owner, run_id, boot_id, me.pid, me.start_ticks, deadline_s)
            self._write()

    @property
    def deadline_s(self) -> float:
        """When it ends unless it is renewed, in seconds since boot."""
        return self._holder.deadline_s

    def began(self, pgid: int) -> None:
        """Say which process group the run is."""
        leader = family.process(pgid)
        self._holder = replace(self._holder, pgid=pgid, pgid_start_ticks=leader.start_ticks if leader else None)
        self.renew()

    def renew(self) -> bool:
        """Move the deadline; False, and nothing is done, where it has passed or the lease is another's by now."""
        if family.now_s() >= self.deadline_s:
            return False
        with contextlib.suppress(HeldError), _locked(self._root):
            if self._is_mine():
                self._holder = replace(self._holder, deadline_s=family.now_s() + self._lease_s)
                self._write()
                return True
        return False

    def release(self) -> None:
        """Let the next one have the device, at once; where the lock is stuck, as soon as this process ends."""
        with contextlib.suppress(HeldError), _locked(self._root):
            if self._is_mine():
                self._path.unlink(missing_ok=True)

    def _is_mine(self) -> bool:
        """A file that somebody removed or spoiled makes the lease nobody else's."""
        found = _read(self._path)
        return found is None or (found.pid, found.start_ticks) == (self._holder.pid, self._holder.start_ticks)

    def _write(self) -> None:
        text = json.dumps(asdict(self._holder)).encode().ljust(_FILE_BYTES - 1) + b"\n"
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.pwrite(descriptor, text, 0)
            os.ftruncate(descriptor, len(text))
        finally:
            os.close(descriptor)


def _end_orphans(root: Path, found: Holder | None) -> list[str]:
    """End what runs here without a lease; the ids of those runs. Raises StuckError."""
    ended, runs = dict[int, str](), dict[int, str]()

    def find() -> dict[int, str]:
        runs.update(left := family.marked(root))
        if found is not None:
            if family.is_alive(found.pid, found.start_ticks):
                left[found.pid] = found.run_id
            if found.pgid is not None and found.pgid_start_ticks is not None:
                left |= dict.fromkeys(family.group(found.pgid, found.pgid_start_ticks), found.run_id)
        ended.update(left)
        return left

    _, left = family.kill(find)
    if left:
        raise StuckError(f"processes of an earlier run cannot be ended: {', '.join(map(str, sorted(left)))}")
    return list(dict.fromkeys(ended.values()))


def _read(path: Path) -> Holder | None:
    try:
        with path.open("rb") as file:
            document: Any = json.loads(file.read(_FILE_BYTES))
        holder: Holder = decode(Holder, document)
    except (OSError, ValueError, RecursionError, ProtocolError):
        return None
    return holder


@contextlib.contextmanager
def _locked(root: Path) -> Iterator[None]:
    """Hold the lock for the moment that a lease is looked at and changed. Raises HeldError."""
    descriptor = os.open(root / "lease.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        deadline_s = family.now_s() + _LOCK_PATIENCE_S
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if family.now_s() >= deadline_s:
                    raise HeldError(f"{root / 'lease.lock'}: locked for {_LOCK_PATIENCE_S:g} s", None) from None
                time.sleep(_STEP_S)
        yield
    finally:
        os.close(descriptor)
