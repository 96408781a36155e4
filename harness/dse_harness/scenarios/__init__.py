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


LATENCIES = tuple(f"latency_{figure}_ns" for figure in ("p50", "p90", "p99", "mean"))
"""The metrics that are a query's latency; they compare between runs of one scenario only."""


class Scenario(Protocol):
    """A scenario of LoadGen. What else its class may say: `samples_per_query`, `yields`, `waits_for_answers`."""

    scenario: lg.TestScenario

    def settings(self, settings: lg.TestSettings, spec: PerformanceSpec, invoke_ns: int, batch_size: int = 1) -> None:
        """Set what a run without `user_conf` needs beside durations and counts.

        ``invoke_ns`` is the shortest time that an invocation was seen to take for a sample, of ``batch_size`` at once.
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
    {
        "SingleStream": "dse_harness.scenarios.single_stream:SingleStream",
        "Offline": "dse_harness.scenarios.offline:Offline",
        "MultiStream": "dse_harness.scenarios.multi_stream:MultiStream",
    },
    needs=("scenario", "settings", "issuer", "performance", "metrics"),
)


def samples_per_query(scenario: type[Scenario]) -> int | None:
    """How many samples a query has (None: all of them): a class attribute of this name, 1 where there is none."""
    return getattr(scenario, "samples_per_query", 1)


def yields(scenario: type[Scenario]) -> tuple[str, ...] | None:
    """The metrics that a run of it has beside those of any run: a class attribute of this name. None: nobody said."""
    return getattr(scenario, "yields", None)


def waits_for_answers(scenario: type[Scenario]) -> bool:
    """Whether LoadGen asks again only when it has its answer, so that no latency has what is done between two queries:
    a class attribute of this name, False where there is none."""
    return getattr(scenario, "waits_for_answers", False)


def too_large(name: str, scenario: type[Scenario], batch_size: int) -> str | None:
    """Why the scenario of this name has no batches of that size; None where it has."""
    most = samples_per_query(scenario)
    if most is None or batch_size <= most:
        return None
    return f"batch_size: found {batch_size}, allowed in {name}: up to {most}, the samples of a query"


def one_by_one(answer: Answer) -> Issue:
    """Answers a query's samples one after the other."""

    def issue(ids: Sequence[int], indices: Sequence[int]) -> None:
        for sample_id, index in zip(ids, indices, strict=True):
            answer(sample_id, index)

    return issue


def in_batches(answer: Issue, batch_size: int) -> Issue:
    """Answers a query's samples so many at a time; ``answer`` takes that many, or fewer at the end."""

    def issue(ids: Sequence[int], indices: Sequence[int]) -> None:
        for start in range(0, len(ids), batch_size):
            answer(ids[start : start + batch_size], indices[start : start + batch_size])

    return issue


def scenario_of(name: str) -> Scenario:
    """The scenario of this name. Raises HarnessError (``bad_request``)."""
    try:
        return SCENARIOS.get(name)()
    except UnknownEntryError as error:
        raise HarnessError("bad_request", f"scenario: found {name!r}, allowed: {', '.join(error.allowed)}") from error
    except RegistryError as error:
        raise HarnessError("runtime_missing", str(error)) from error
