"""How LoadGen asks, and what its log then tells: one class for each scenario, behind one protocol."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from dse_harness.errors import HarnessError
from dse_harness.protocol import MetricValue, Performance, PerformanceSpec
from dse_harness.registry import Registry, RegistryError, UnknownEntryError

if TYPE_CHECKING:
    import mlperf_loadgen as lg

Answer = Callable[[int, int], None]
"""A sample's id in its query and its index in the sample library: runs the model on it and tells LoadGen."""
Issue = Callable[[Sequence[int], Sequence[int]], None]
"""A query, as LoadGen gives it: the ids and indices of its samples."""


class Scenario(Protocol):
    """A scenario of LoadGen."""

    scenario: lg.TestScenario

    def settings(self, settings: lg.TestSettings, spec: PerformanceSpec, invoke_ns: int) -> None:
        """Set what a run without `user_conf` needs beside durations and counts.

        ``invoke_ns`` is the shortest time that an invocation was seen to take.
        """
        ...

    def issuer(self, answer: Answer) -> Issue:
        """How a query's samples are answered; this is timed."""
        ...

    def performance(self, values: Mapping[str, Any], warnings: tuple[str, ...]) -> Performance | None:
        """The latencies in the log of a PerformanceOnly run, by its keys. Raises KeyError for what it lacks."""
        ...

    def metrics(self, values: Mapping[str, Any]) -> Mapping[str, MetricValue]:
        """Every other figure in that log. Raises KeyError."""
        ...


SCENARIOS: Registry[type[Scenario]] = Registry(
    "dse.scenarios",
    {"SingleStream": "dse_harness.scenarios.single_stream:SingleStream"},
    needs=("scenario", "settings", "issuer", "performance", "metrics"),
)


def scenario_of(name: str) -> Scenario:
    """The scenario of this name. Raises HarnessError (``bad_request``)."""
    try:
        return SCENARIOS.get(name)()
    except UnknownEntryError as error:
        raise HarnessError("bad_request", f"scenario: found {name!r}, allowed: {', '.join(error.allowed)}") from error
    except RegistryError as error:
        raise HarnessError("runtime_missing", str(error)) from error
