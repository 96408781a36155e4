"""One run at a time on a device: a lease in ``ROOT/lease.json``, looked at and written under a lock (``lease.lock``).

    {"owner", "run_id", "boot_id", "pid", "start_ticks", "deadline_s", "pgid", "pgid_start_ticks", "machine", "space"}

``pid`` is the launcher, ``pgid`` the process group of its run (null until that begins), each with its start in clock
ticks since boot, since a number comes back. ``deadline_s`` is in seconds since boot (CLOCK_BOOTTIME).

A lease holds until it is released. It is broken only where the device has been booted since, the launcher is gone, or
the deadline has passed. Who takes it then ends the launcher, should it still be there (it was stopped: it must not
start anything once it goes on), and every process of every run of this folder, before anything else is run. A file that
cannot be read holds nobody off: what a run left behind is found by its environment (`dse_harness.family`).

A launcher in another container of this machine is none that can be seen: only the deadline ends its lease. A lease of
another machine is refused for good: a folder that several share, as a home on a server, keeps nobody apart.

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
from dse_harness.clock import now_s
from dse_harness.decode import ProtocolError, decode
from dse_harness.device import Boot

_FILE_BYTES = 4096
_PATIENCE_S = 3 * family.GRACE_S
"""For the lock: longer than anybody who breaks a lease takes to end what there is to end."""
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
    machine: str = ""
    space: str = ""

    def holds(self, boot: Boot) -> bool:
        """Whether nobody may break this lease now."""
        if self.boot_id != boot.id or now_s() >= self.deadline_s:
            return False
        return self.space != boot.space or family.is_alive(self.pid, self.start_ticks)

    def is_elsewhere(self, boot: Boot) -> bool:
        """Whether it is another machine's."""
        return bool(self.machine and boot.machine and self.machine != boot.machine)

    def public(self) -> dict[str, Any]:
        """What others are told: who, which run, and for how long at most unless it is renewed."""
        return {"owner": self.owner, "run_id": self.run_id, "left_s": round(self.deadline_s - now_s(), 3)}


class HeldError(Exception):
    """Somebody else has the device. ``holder`` is None where the lock itself is held, by who was stopped there."""

    def __init__(self, message: str, holder: Holder | None) -> None:
        super().__init__(message)
        self.holder = holder


class StuckError(Exception):
    """What is in the way will not go by itself: processes that cannot be ended, another machine's lease."""


def held_by(root: Path, boot: Boot) -> Holder | None:
    """Who has the device now. Takes no lock and changes nothing."""
    holder = _read(root / "lease.json")
    return holder if holder is not None and holder.holds(boot) else None


class Lease:
    """A lease that this process has taken, for ``lease_s`` from now and from each `renew`.

    Raises HeldError, StuckError, and OSError where the file cannot be written. ``orphans_ended`` are the ids of the
    runs of which processes were left, and are no more.
    """

    def __init__(
        self, root: Path, boot: Boot, owner: str, run_id: str, lease_s: float, *, patience_s: float = _PATIENCE_S
    ) -> None:
        self._root, self._path, self._lease_s = root, root / "lease.json", lease_s
        me = family.process(os.getpid())
        assert me is not None
        with _locked(root, patience_s):
            found = _read(self._path)
            if found is not None:
                _require_free(self._path, found, boot)
                if (found.boot_id, found.space) != (boot.id, boot.space):
                    found = None  # its numbers mean nothing here
            self.orphans_ended = _end_orphans(root, found)
            self._holder = Holder(
                owner,
                run_id,
                boot.id,
                me.pid,
                me.start_ticks,
                now_s() + lease_s,
                machine=boot.machine,
                space=boot.space,
            )
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
        """Move the deadline; False, and nothing is done, where the lease is another's by now."""
        with contextlib.suppress(HeldError), _locked(self._root):
            if self._is_mine():
                self._holder = replace(self._holder, deadline_s=now_s() + self._lease_s)
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
        mine = self._holder
        return found is None or (found.pid, found.start_ticks, found.space) == (mine.pid, mine.start_ticks, mine.space)

    def _write(self) -> None:
        text = json.dumps(asdict(self._holder)).encode().ljust(_FILE_BYTES - 1) + b"\n"
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.pwrite(descriptor, text, 0)
            os.ftruncate(descriptor, len(text))
        finally:
            os.close(descriptor)


def _require_free(path: Path, found: Holder, boot: Boot) -> None:
    who = f"{found.owner}, run {found.run_id}"
    if found.is_elsewhere(boot):
        raise StuckError(
            f"{path}: is another machine's ({who}), allowed: this one's; give each device a folder of its own, or "
            "remove the file where that machine is no more"
        )
    if found.holds(boot):
        raise HeldError(f"held by {who}, for {found.deadline_s - now_s():.0f} s more at most", found)


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
def _locked(root: Path, patience_s: float = _PATIENCE_S) -> Iterator[None]:
    """Hold the lock for the moment that a lease is looked at and changed. Raises HeldError."""
    descriptor = os.open(root / "lease.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        deadline_s = now_s() + patience_s
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if now_s() >= deadline_s:
                    raise HeldError(
                        f"{root / 'lease.lock'}: locked for {patience_s:g} s, by who was stopped? fuser -v names it",
                        None,
                    ) from None
                time.sleep(_STEP_S)
        yield
    finally:
        os.close(descriptor)
