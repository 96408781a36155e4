import dataclasses
import json
import os
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from dse_harness.decode import ProtocolError, decode
from dse_harness.protocol import (
    Accuracy,
    DataSetSpec,
    DeviceState,
    Failure,
    MetricValue,
    Performance,
    PerformanceSpec,
    Request,
    Response,
    SpotCheck,
    read,
    write,
)
from hypothesis import given
from hypothesis import strategies as st

st.register_type_strategy(float, st.floats(0, 1e18))
st.register_type_strategy(int, st.integers(1, 2**63 - 1))
st.register_type_strategy(str, st.text(st.characters(exclude_categories=["Cs"])))
st.register_type_strategy(
    DeviceState,
    st.builds(DeviceState, st.datetimes(datetime(1970, 1, 2), datetime(8999, 1, 1), timezones=st.timezones()).map(str)),
)
st.register_type_strategy(
    Accuracy,
    st.tuples(st.integers(0, 2**62), st.integers(1, 2**62)).map(lambda n: Accuracy(min(n), max(n), "0" * 64)),
)


@given(st.from_type(Request))
def test_a_request_survives_json(request: Request) -> None:
    document = {**dataclasses.asdict(request), "schema": 1}
    assert decode(Request, json.loads(json.dumps(document))) == dataclasses.replace(request, schema=1)


@given(st.from_type(Response))
def test_a_response_survives_json(response: Response) -> None:
    document = {**dataclasses.asdict(response), "schema": 2}
    assert decode(Response, json.loads(json.dumps(document))) == dataclasses.replace(response, schema=2)


def test_a_response_of_before_has_the_metrics_of_its_blocks() -> None:
    document = json.loads(json.dumps(_response()))
    written = decode(Response, document)
    document["schema"] = 1
    del document["metrics"]

    response = decode(Response, document)

    assert response == written
    assert response.schema == 2
    assert response.metrics["accuracy"] == MetricValue(0.75, "1")
    assert response.metrics["latency_p90_ns"] == MetricValue(4, "ns")
    assert response.metrics["peak_memory_bytes"] == MetricValue(10, "B")
    assert "model_bytes" not in response.metrics
    assert {name: response.figure(name) for name in [*response.metrics, "model_bytes", "no"]} == {
        **{name: (metric.value, metric.unit) for name, metric in response.metrics.items()},
        **dict.fromkeys(("model_bytes", "no")),
    }


def test_a_metric_that_no_block_has_is_kept_and_a_block_is_never_contradicted() -> None:
    energy = MetricValue(0.2, "J")
    response = Response(metrics={"energy_per_query_j": energy, "accuracy": MetricValue(1, "1")})

    assert response.metrics == {"energy_per_query_j": energy}
    counted = dataclasses.replace(response, accuracy=Accuracy(3, 4, "0"))
    assert counted.metrics == {"accuracy": MetricValue(0.75, "1"), "energy_per_query_j": energy}
    assert dataclasses.replace(counted, accuracy=None) == response


def test_a_constant_performance_has_one_latency_but_where_another_is_given() -> None:
    performance = Performance.constant(5, latency_max_ns=7, query_count=100)

    assert (performance.latency_min_ns, performance.latency_p999_ns, performance.latency_max_ns) == (5, 5, 7)
    assert performance.valid
    assert (performance.query_count, performance.early_stopping_p90_ns) == (100, None)


def test_write_replaces_in_one_step(tmp_path: Path) -> None:
    path = tmp_path / "response.json"
    for failure in (Failure("internal", "first"), Failure("loadgen", "second")):
        write(Response(failure), path)
        assert read(Response, path).failure == failure
    assert [file.name for file in tmp_path.iterdir()] == ["response.json"]


def test_a_file_that_cannot_be_written_is_named_and_leaves_nothing(tmp_path: Path) -> None:
    code = """\
import resource, sys
from pathlib import Path
from dse_harness.protocol import Failure, Response, write
resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
try:
    write(Response(Failure("internal", "x")), Path(sys.argv[1]))
except OSError as error:
    print(error.filename)
"""
    path = tmp_path / "response.json"
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"schema": 2}, "document.schema: found 2, this version reads 1"),
        ({"colour": "red"}, "document: unknown colour; allowed: model_path"),
        ({"image_order": "new"}, "document.image_order: found 'new', allowed: 'list', 'random'"),
        ({"runtime": {"threads": True}}, "document.runtime.threads: found True"),
        ({"data_set": {"name": "x"}}, "document.data_set: missing path, sha256"),
        ({"performance": []}, "document.performance: found list, expected an object"),
    ],
)
def test_what_does_not_fit_is_named_with_its_place(change: dict[str, object], message: str) -> None:
    request = Request("m", "0", DataSetSpec("d", "p", "s"), "cache")
    with pytest.raises(ProtocolError) as caught:
        decode(Request, {**dataclasses.asdict(request), **change})
    assert message in str(caught.value)


def test_what_is_not_json_is_named(tmp_path: Path) -> None:
    (tmp_path / "request.json").write_text("{")
    with pytest.raises(ProtocolError, match=r"request\.json: not JSON"):
        read(Request, tmp_path / "request.json")


def _response() -> dict[str, Any]:
    state = DeviceState("2026-01-01T00:00:00.000000Z", 0.0)
    performance = Performance(*range(1, 9), 9, 500, 10**9, True, True, True, True)
    return dataclasses.asdict(
        Response(None, performance, Accuracy(3, 4, "0"), SpotCheck(2, "0"), 10, device_before=state, device_after=state)
    )


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        ("accuracy.good", 5, "document.accuracy: found 5 right answers out of 4 images"),
        ("accuracy.good", -1, "document.accuracy.good: found -1, allowed: 0 or more"),
        ("accuracy.total", 0, "document.accuracy.total: found 0, allowed: 1 or more"),
        ("accuracy.total", 4.0, "document.accuracy.total: found 4.0, expected int"),
        ("accuracy.predictions_sha256", "\ud800", "allowed: text that UTF-8 can write"),
        ("spot_check.images", 0, "document.spot_check.images: found 0, allowed: 1 or more"),
        ("performance.latency_p90_ns", -5, "document.performance.latency_p90_ns: found -5, allowed: 1 or more"),
        ("performance.latency_p90_ns", 10**400, "latency_p90_ns: found a whole number of more than 19 digits"),
        ("performance.query_count", 10**19, "query_count: found a whole number of more than 19 digits"),
        ("performance.valid", 1, "document.performance.valid: found 1, expected bool"),
        ("performance.warnings", "none", "document.performance.warnings: found 'none', expected a list"),
        ("performance.warnings", [[]], "document.performance.warnings[0]: found [], expected str"),
        ("peak_memory_bytes", 10**300, "document.peak_memory_bytes: found a whole number"),
        ("peak_memory_bytes", "x" * 1000, "document.peak_memory_bytes: found 'xxx"),
        ("cores_used", 10**400, "document.cores_used: found a whole number of more than 19 digits"),
        ("cores_used", -0.5, "document.cores_used: found -0.5, allowed: 0 or more"),
        ("cores_used", float("inf"), "document.cores_used: found inf, allowed: a number of up to 19 digits"),
        ("timing_s", {"total": float("nan")}, "document.timing_s.total: found nan, allowed: a number"),
        ("timing_s", [1], "document.timing_s: found [1], expected an object"),
        ("timing_s", {"a\x1b": "x"}, "document.timing_s.'a\\x1b': found 'x', expected float"),
        ("device_before.foreign_cpu_s", 1e300, "foreign_cpu_s: found 1e+300, allowed: a number of up to 19 digits"),
        ("device_before.time_utc", "yesterday", "time_utc: found 'yesterday', allowed: a time with its zone"),
        ("device_before.time_utc", "2026-01-01T00:00:00", "allowed: a time with its zone"),
        ("device_before.time_utc", "0001-01-01T00:00:00+14:00", "allowed: a time with its zone"),
        ("failure", {"error": [], "message": ""}, "document.failure.error: found [], allowed: 'bad_request'"),
        ("schema", True, "document.schema: found True, this version reads 1 and 2"),
        ("schema", 3, "document.schema: found 3, this version reads 1 and 2"),
        ("metrics", {"energy": 1}, "document.metrics.energy: found int, expected an object"),
        (
            "metrics",
            {"energy": {"value": "1", "unit": "J"}},
            "document.metrics.energy.value: found '1', expected float",
        ),
        ("versions", {"a": None}, "document.versions.a: found None, expected str"),
    ],
)
def test_a_figure_that_cannot_be_is_refused_with_its_place_and_what_is_allowed(
    place: str, value: object, message: str
) -> None:
    document = json.loads(json.dumps(_response()))
    assert decode(Response, document).peak_memory_bytes == 10
    *folders, name = place.split(".")
    section = document
    for folder in folders:
        section = section[folder]
    section[name] = value
    with pytest.raises(ProtocolError) as caught:
        decode(Response, json.loads(json.dumps(document)))
    assert message in str(caught.value)
    assert len(str(caught.value)) < 600


def test_what_is_no_document_of_a_sane_size_is_refused_without_being_read(tmp_path: Path) -> None:
    path = tmp_path / "response.json"
    path.write_text("[" * 100_000)
    with pytest.raises(ProtocolError, match="not JSON"):
        read(Response, path)
    path.write_text('{"schema": 1, "peak_memory_bytes": ' + "9" * 5000 + "}")
    with pytest.raises(ProtocolError, match="not JSON"):
        read(Response, path)
    os.truncate(path, 2**33)
    with pytest.raises(ProtocolError, match="more than 8388608 bytes"):
        read(Response, path)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(OSError, match="is no regular file"):
        read(Response, path)
    path.unlink()
    path.symlink_to("/dev/zero")
    with pytest.raises(OSError, match="is no regular file"):
        read(Response, path)


@pytest.mark.parametrize(
    ("latency_ms", "queries", "seconds"),
    [
        (0.01, 100, 0.1),  # fast: the least duration, which LoadGen fills with queries
        (1.0, 100, 0.1),
        (2.0, 100, 0.2),
        (5.0, 100, 0.5),
        (6.25, 80, 0.5),  # slow: as many as fit
        (20.0, 64, 1.28),  # very slow: never fewer than tell a p90
    ],
)
def test_a_run_lasts_as_long_as_its_precision_asks_for(latency_ms: float, queries: int, seconds: float) -> None:
    spec = PerformanceSpec(min_duration_ms=500, min_query_count=100, least_duration_ms=100)
    assert spec.duration_ms == 100
    assert spec.queries(latency_ms * 1e6) == queries
    assert spec.seconds(latency_ms * 1e6) == pytest.approx(seconds)


@given(st.integers(0, 10_000), st.integers(1, 1000), st.floats(1.0, 1e12), st.one_of(st.none(), st.integers(0, 20_000)))
def test_a_run_is_never_longer_than_it_was_before_it_could_be_shorter(
    duration_ms: int, queries: int, latency_ns: float, least_ms: int | None
) -> None:
    before = PerformanceSpec(min_duration_ms=duration_ms, min_query_count=queries)
    now = PerformanceSpec(min_duration_ms=duration_ms, min_query_count=queries, least_duration_ms=least_ms)
    assert (before.duration_ms, before.queries(latency_ns)) == (duration_ms, queries)
    assert now.seconds(latency_ns) <= before.seconds(latency_ns)
    assert now.queries(latency_ns) >= min(64, queries)


def test_a_request_of_before_lasts_as_long_as_it_says() -> None:
    document = json.loads(json.dumps(dataclasses.asdict(PerformanceSpec(min_duration_ms=700))))
    del document["least_duration_ms"]
    assert decode(PerformanceSpec, document) == PerformanceSpec(min_duration_ms=700)
    assert decode(PerformanceSpec, document).duration_ms == 700
