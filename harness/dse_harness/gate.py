"""Between two queries of a run: while the processor is slower than usual, the next query is kept back.

A neighbour on the same physical core comes and goes within milliseconds: a processor that was at its usual pace before
a run and is so after it may have been slower for a tenth of the run, and a p90 is of the slowest tenth. Where LoadGen
asks again only once it has its answer, what happens between the answer and the next query is in no latency. So each
query is issued on a processor that is at its usual pace, or no later than patience allows.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from dse_harness.pace import Pacer
from dse_harness.scenarios import Issue

_EVERY_NS = 5 * 10**5
"""A look every so often: it takes 9 us, and the query after it some 1.2 us more than others, as its data left the
caches. Looked at five times as often, that was in the p90 of a model of 30 us, and p90s were no less noisy."""


class Gate:
    """Looks at the processor between queries, and keeps the next one back while it is slow.

    ``warm`` is called after each wait: what has been waiting, or came from another processor, begins with cold caches.
    """

    def __init__(
        self,
        pacer: Pacer,
        warm: Callable[[], object],
        clock: Callable[[], int] = time.perf_counter_ns,
    ) -> None:
        self.looks = 0
        """At the processor, one each `_EVERY_NS` or one for each query, whatever is longer."""
        self.slow = 0
        """At which it was slower than usual."""
        self.waited_ns = 0
        self._pacer, self._warm, self._clock = pacer, warm, clock
        self._patience_ns = pacer.patience_between_ns
        self._next_ns = 0

    @property
    def slow_share(self) -> float | None:
        """The share of looks that found it slow, about that of slow queries; None where nobody looked."""
        return self.slow / self.looks if self.looks else None

    def pass_through(self) -> None:
        """Called between two queries."""
        began_ns = self._clock()
        if began_ns < self._next_ns:
            return
        self.looks += 1
        if not self._pacer.is_at_pace():
            self.slow += 1
            left_ns = self._patience_ns - self.waited_ns
            if left_ns > 0:
                self._pacer.wait_between(began_ns + left_ns)
                self._warm()
                self.waited_ns += self._clock() - began_ns
        self._next_ns = self._clock() + _EVERY_NS


def gated(issue: Issue, gate: Gate, failed: list[BaseException]) -> Issue:
    """``issue``, and then the gate; what it raises is kept in ``failed``, as LoadGen cannot be unwound."""

    def issue_and_wait(ids: Sequence[int], indices: Sequence[int]) -> None:
        issue(ids, indices)
        if not failed:
            try:
                gate.pass_through()
            except BaseException as error:  # noqa: BLE001 - raised again after the run
                failed.append(error)

    return issue_and_wait
