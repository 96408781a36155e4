"""The shared sample of published results, and small trees in the layouts that it does not have."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dse.results.database import open_database
from dse.results.front import select
from dse.results.importing.importer import import_results
from tests.shared import SHARED


@pytest.fixture(scope="session")
def sample() -> Path:
    """Real parts of the four public results repositories."""
    root = SHARED / "results_sample"
    if not root.is_dir():
        pytest.skip(f"no sample of published results at {root}")
    return root


@pytest.fixture(scope="session")
def replay_tables() -> Path:
    root = SHARED / "replay"
    if not root.is_dir():
        pytest.skip(f"no replay tables at {root}")
    return root


SUMMARY = """\
================================================
MLPerf Results Summary
================================================
SUT name : PySUT
Scenario : {scenario}
Mode     : PerformanceOnly
{headline}
Result is : {validity}
  Min duration satisfied : Yes
  Min queries satisfied : Yes
  Early stopping satisfied: Yes
Early Stopping Result:
 * Processed at least 64 queries (4001).
 * Would discard 355 highest latency queries.
 * Early stopping 90.0th percentile estimate: {es_p90}
 * Early stopping 99.0th percentile estimate: {es_p99}

================================================
Additional Stats
================================================
QPS w/ loadgen overhead         : 100.25
QPS w/o loadgen overhead        : 101.50

Min latency (ns)                : 1041
Max latency (ns)                : 4101607
Mean latency (ns)               : 2258
50.00 percentile latency (ns)   : 1121
90.00 percentile latency (ns)   : {p90}
95.00 percentile latency (ns)   : 1382
97.00 percentile latency (ns)   : 1482
99.00 percentile latency (ns)   : 2103
99.90 percentile latency (ns)   : 34401

================================================
Test Parameters Used
================================================
samples_per_query : 1
target_qps : 10000
target_latency (ns): 0
qsl_rng_seed : 18209322760996052031
print_timestamps : 0
performance_sample_count : 1024

No warnings encountered during test.

No errors encountered during test.
"""


def _summary(*, p90: int = 1272, scenario: str = "SingleStream", validity: str = "VALID") -> str:
    """A summary as LoadGen 6 prints it (copied from one of version 6.0.17)."""
    return SUMMARY.format(
        scenario=scenario,
        headline=f"90.0th percentile latency (ns) : {p90}",
        validity=validity,
        p90=p90,
        es_p90=p90 + 30,
        es_p99=2954,
    )


def _write_result(
    root: Path,
    *,
    submitter: str = "open/me",
    system: str = "board-litert-2.1.0-xnnpack",
    model: str = "mobilenet-v1-0.5-128-quantized",
    scenario: str = "SingleStream",
    p90: int = 1272,
    good: int = 483,
    total: int = 1000,
    layout: str = "v6",
    validity: str = "VALID",
) -> Path:
    """A result directory in the layout of v5.x or v6.x, as the submission rules of those rounds have it."""
    home = root / submitter
    result = home / "results" / system / model / scenario
    run = result / "performance" / "run_1"
    run.mkdir(parents=True)
    (run / "mlperf_log_summary.txt").write_text(_summary(p90=p90, validity=validity))
    (result / "accuracy").mkdir()
    (result / "accuracy" / "accuracy.txt").write_text(
        f"accuracy={100 * good / total:.3f}%, good={good}, total={total}\nhash={'ab' * 32}\n"
    )
    (home / "systems").mkdir(exist_ok=True)
    (home / "systems" / f"{system}.json").write_text(
        json.dumps({"division": "open", "submitter": home.name, "system_name": "Board", "system_type": "edge"})
    )
    measurements = {
        "input_data_types": "int8",
        "weight_data_types": "int8",
        "retraining": "no",
        "starting_weights_filename": "w.tgz",
        "weight_transformations": "TFLite",
    }
    if layout == "v6":
        (home / "src").mkdir(exist_ok=True)
        (result / "measurements.json").write_text(json.dumps(measurements))
    else:
        (home / "code" / model).mkdir(parents=True, exist_ok=True)
        folder = home / "measurements" / system / model / scenario
        folder.mkdir(parents=True)
        (folder / f"{system}_{scenario}.json").write_text(json.dumps(measurements))
    return result


@pytest.fixture
def summary() -> Callable[..., str]:
    return _summary


@pytest.fixture(scope="session")
def write_result() -> Callable[..., Path]:
    return _write_result


@pytest.fixture(scope="session")
def sample_database(sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample with details, imported once; tests only read it."""
    database = tmp_path_factory.mktemp("results") / "sample.duckdb"
    import_results([sample], database, details=True)
    return database


@pytest.fixture(scope="session")
def sample_rows(sample_database: Path) -> list[dict[str, Any]]:
    with open_database(sample_database, read_only=True) as database:
        return select(database)
