"""A recorded table in place of the device: what was published once answers a request, figure by figure."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from pathlib import Path

from dse_harness import protocol
from dse_harness.protocol import Accuracy, ErrorClass, Failure, Performance, Request, Response

from dse.tabular.columns import GOOD, LATENCIES, QUERIES, TOTAL
from dse.tabular.table import TabularBenchmark, is_complete, is_number
from dse.tabular.tree import Row

_INSTEAD = {
    "min": ("min", "p50", "p90"),
    "mean": ("mean", "p50", "p90"),
    "p50": ("p50", "p90"),
    "p90": ("p90",),
    "p95": ("p95", "p90"),
    "p99": ("p99", "p95", "p90"),
    "p999": ("p999", "p99", "p95", "p90"),
    "max": ("max", "p999", "p99", "p95", "p90"),
}
"""A latency that a row lacks is given as the first one of these that it has, and a warning says so."""


class TabularBackend:
    """Answers a request by the row that its ``model_sha256`` (`TabularBenchmark.identity`) is of; nothing is timed.

    Recorded figures are passed on as they are: counts of images, integer nanoseconds. A row without figures, and a
    configuration without a row, fail with a reason.
    """

    is_deterministic = True

    def __init__(self, table: TabularBenchmark) -> None:
        self.provenance = f"recorded in {table.path}"
        self._table = table

    @cached_property
    def _rows(self) -> dict[str, Row]:
        return {self._table.identity(configuration): row for configuration, row in self._table.rows.items()}

    def run(self, request: Request, folder: Path, timeout_s: float, *, python: str | None = None) -> Response:
        """See `dse.backends.Backend`."""
        protocol.write(request, folder / "request.json")
        response = self._answer(request)
        protocol.write(response, folder / "response.json")
        return response

    def _answer(self, request: Request) -> Response:
        found = response_of(self._table, self._rows.get(request.model_sha256))
        return replace(
            found,
            performance=found.performance if request.performance else None,
            accuracy=found.accuracy if request.accuracy else None,
        )


def response_of(table: TabularBenchmark, row: Row | None) -> Response:
    """What ``row`` of ``table`` says, in the form of a measurement; a failure where it says nothing."""
    name = table.path.name
    if row is None:
        return _failed("model_unsupported", f"{name} has no such configuration")
    if not is_complete(row):
        return _failed("invoke_failed", f"{name} has no figures for this configuration")
    if not (is_number(row.get(GOOD)) and is_number(row.get(TOTAL))):
        return _failed("invoke_failed", f"{name} has no {GOOD} and {TOTAL} for this configuration")
    return Response(
        performance=_performance(row),
        accuracy=Accuracy(int(row[GOOD]), int(row[TOTAL]), ""),
        versions={"recorded in": f"{name}, SHA-256 {table.sha256}"},
    )


def _performance(row: Row) -> Performance:
    """The row's latencies, in whole nanoseconds; how long the run took is recorded nowhere."""
    latency_ns: dict[str, int] = {}
    warnings = []
    for figure, candidates in _INSTEAD.items():
        found = next(name for name in candidates if is_number(row.get(LATENCIES[name])))
        latency_ns[f"latency_{figure}_ns"] = int(row[LATENCIES[found]])
        if found != figure:
            warnings.append(f"{figure} latency is not recorded; {found} stands in its place")
    queries = int(row[QUERIES]) if is_number(row.get(QUERIES)) else 0
    return Performance.constant(
        latency_ns["latency_p90_ns"], **latency_ns, query_count=queries, warnings=tuple(warnings)
    )


def _failed(error: ErrorClass, message: str) -> Response:
    return Response(failure=Failure(error, message))
