from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol, runtime_checkable

from dse_harness.protocol import Request, Response


class Backend(Protocol):
    """Where an experiment runs. What goes wrong comes back as a response with a failure, never as an exception.

    A class of your own needs these three members; nothing has to be inherited:

    >>> import dse
    >>> device = dse.FakeDevice(latency_ns=lambda request: 1e6, accuracy=lambda request: 0.9)
    >>> class Counted:
    ...     is_deterministic, provenance, runs = False, None, 0
    ...     def run(self, request, folder, timeout_s, *, python=None):
    ...         self.runs += 1
    ...         return device.run(request, folder, timeout_s)
    >>> backend = Counted()
    >>> study = dse.explore("mobilenet_v3", "studies/counted", dse.Budget(trials=2), backend=backend)
    >>> backend.runs == len(study.trials())
    True
    """

    @property
    def is_deterministic(self) -> bool:
        """Whether a repeat says the same: nothing is to be confirmed, and nothing drifts."""

    @property
    def provenance(self) -> str | None:
        """Where the figures come from, for people, such as "recorded in table.csv"; None where they are measured."""

    def run(self, request: Request, folder: Path, timeout_s: float, *, python: str | None = None) -> Response:
        """Measure, leaving request.json and response.json in ``folder``; whoever takes longer than this has failed.

        ``python`` is the interpreter that has the engine (None: this one), where that matters.
        """


@runtime_checkable
class Closable(Protocol):
    """A backend that keeps something between two runs, such as a process or a connection."""

    def close(self) -> None:
        """End it; a later run starts it again."""


@contextmanager
def closed_after(backend: Backend) -> Iterator[None]:
    """When this ends, however it does, ``backend`` keeps nothing running."""
    try:
        yield
    finally:
        if isinstance(backend, Closable):
            backend.close()
