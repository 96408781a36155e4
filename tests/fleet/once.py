"""What must hold of a fleet, checked from recorded times: no two runs at once on a device."""

from __future__ import annotations

import itertools
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager


class Spans:
    """When runs began and ended, by device."""

    def __init__(self) -> None:
        self.found: defaultdict[str, list[tuple[float, float]]] = defaultdict(list)
        self._running, self._lock = 0, threading.Lock()
        self.most_at_once = 0

    @contextmanager
    def of(self, device: str) -> Iterator[None]:
        with self._lock:
            self._running += 1
            self.most_at_once = max(self.most_at_once, self._running)
        began_s = time.monotonic()
        try:
            yield
        finally:
            with self._lock:
                self._running -= 1
                self.found[device].append((began_s, time.monotonic()))

    def require_one_at_a_time(self) -> None:
        require_one_at_a_time(self.found)


def require_one_at_a_time(spans: Mapping[str, Sequence[tuple[float, float]]]) -> None:
    for device, found in spans.items():
        for (began_s, ended_s), (next_s, _) in itertools.pairwise(sorted(found)):
            assert began_s <= ended_s <= next_s, f"{device}: a run began at {next_s}, the one before ended at {ended_s}"
