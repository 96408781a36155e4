"""What a launcher waits for, all at once: heartbeats, the end of its run, what the run says, who takes the answer."""

from __future__ import annotations

import os
import selectors
import signal
from collections.abc import Callable
from types import FrameType

from dse_harness.clock import now_s
from dse_harness.lease import Lease

_READ_BYTES = 2**16


class Watch:
    """Renews the lease with each byte that comes, until it is `over`: it has expired, or the other side has gone.

    SIGHUP, SIGINT and SIGTERM are the other side's end too. One for a process.
    """

    def __init__(self, heartbeats: int, lease: Lease) -> None:
        self._heartbeats, self._lease = heartbeats, lease
        self._selector = selectors.PollSelector()  # takes regular files too
        self.over = False
        woken, wake = os.pipe()
        for descriptor in (woken, wake):
            os.set_blocking(descriptor, False)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, _nothing)
        for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._told)
        self.add(woken, selectors.EVENT_READ, lambda: os.read(woken, _READ_BYTES))
        self.add(heartbeats, selectors.EVENT_READ, self._beat)

    def add(self, descriptor: int, events: int, act: Callable[[], object]) -> None:
        """Call ``act`` from `wait` whenever the descriptor is ready."""
        self._selector.register(descriptor, events, act)

    def remove(self, descriptor: int) -> None:
        """Have no more to do with it."""
        self._selector.unregister(descriptor)

    def wait(self, until_s: float | None = None) -> None:
        """Wait for one thing to happen, or until then (seconds since boot), and act on it."""
        ends = [end for end in (until_s, None if self.over else self._lease.deadline_s) if end is not None]
        ready = self._selector.select(max(0.0, min(ends) - now_s()) if ends else None)
        for key, _ in ready:
            key.data()
        if now_s() >= self._lease.deadline_s:
            self._end()

    def _beat(self) -> None:
        if not os.read(self._heartbeats, _READ_BYTES) or not self._lease.renew():
            self._end()

    def _end(self) -> None:
        if not self.over:
            self.over = True
            self.remove(self._heartbeats)

    def _told(self, number: int, frame: FrameType | None) -> None:
        self._end()


def _nothing(number: int, frame: FrameType | None) -> None:
    """A signal with a handler wakes; one without does not."""
