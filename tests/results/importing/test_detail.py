from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dse.errors import ResultsError
from dse.results.importing.detail import parse_detail, with_power
from dse.results.importing.row import Details

SAMPLES = b"""\
Time,03-06-2021 16:59:59.900,Watts,100.0,Volts,247.37,Amps,0.03,PF,0.43,Mark,x
Time,03-06-2021 17:00:00.000,Watts,50.0,Volts,247.37,Amps,0.03,PF,0.43,Mark,x
Time,03-06-2021 17:00:01.000,Watts,4.0,Volts,247.37,Amps,0.03,PF,0.43,Mark,x
Time,03-06-2021 17:00:02.000,Watts,6.0,Volts,247.37,Amps,0.03,PF,0.43,Mark,x
Time,03-06-2021 17:00:03.000,Watts,70.0,Volts,247.37,Amps,0.03,PF,0.43,Mark,x
"""
TIMES = Details(power_begin="03-06-2021 16:00:00.000", power_end="03-06-2021 16:00:03.000")


def zone(seconds: int) -> bytes:
    return json.dumps({"timezone": seconds}).encode()


def test_text_logs_give_settings_and_queries(sample_rows: list[dict[str, Any]]) -> None:
    (row,) = (r for r in sample_rows if r["directory"].endswith("rpi4-tflite-v1.15/mobilenet-v1-0.25-128/singlestream"))
    assert row["generated_query_count"] == 12001
    assert row["loadgen_version"] == ".5a1 @ 413dbabcb3"
    assert row["test_datetime"] == "2019-10-12T17:45:08Z"
    assert (row["power_begin"], row["result_validity"]) == ("10-12-2019 17:45:09.148", None)


def test_json_logs_agree_with_summaries(sample_rows: list[dict[str, Any]]) -> None:
    rows = [row for row in sample_rows if row["result_validity"] is not None]
    assert len(rows) == 34
    for row in rows:
        assert row["result_validity"] == row["validity"]
        assert row["result_p90_latency_ns"] == row["latency_p90_ns"]


def test_errors_are_quoted(sample_rows: list[dict[str, Any]]) -> None:
    row = next(r for r in sample_rows if r["submitter"] == "Tencent" and r["model"] == "resnet50" and r["errors"] == 1)
    assert row["error_messages"] == "Loadgen built with uncommitted changes!"
    assert {len(r["error_messages"].splitlines()) for r in sample_rows if r["errors"] == 2} == {2}


def test_power_of_the_sample(sample_rows: list[dict[str, Any]]) -> None:
    measured = [row for row in sample_rows if row["avg_power_w"] is not None]
    assert len(measured) == 24
    row = next(
        r for r in measured if r["model"] == "mobilenet-v1-0.25-224-quantized" and r["scenario"] == "SingleStream"
    )
    # 600 samples of one second between power_begin and power_end of a run of 600 s
    assert row["power_samples"] == 600
    assert row["energy_per_query_j"] == pytest.approx(row["avg_power_w"] / 181.104)


@pytest.mark.parametrize(("client", "server"), [(0, -3600), (3600, 0), (7200, 3600)])
def test_each_side_is_shifted_by_its_own_time_zone(client: int, server: int) -> None:
    details = with_power(TIMES, SAMPLES, zone(client), zone(server), single_stream=False)
    # Samples at begin and end themselves do not count.
    assert (details.avg_power_w, details.power_samples, details.energy_per_query_j) == (5.0, 2, None)


@pytest.mark.parametrize("server", [0, -32400, 25200])
def test_both_sides_may_write_one_time_whatever_their_zones(server: int) -> None:
    times = Details(power_begin="03-06-2021 17:00:00.000", power_end="03-06-2021 17:00:03.000")
    assert with_power(times, SAMPLES, zone(0), zone(server), single_stream=False).avg_power_w == 5.0


def test_power_that_cannot_be_averaged() -> None:
    with pytest.raises(ResultsError, match="no power samples between"):
        with_power(TIMES, SAMPLES, zone(0), zone(0), single_stream=True)
    with pytest.raises(ResultsError, match="without power_begin"):
        with_power(Details(), SAMPLES, zone(0), zone(0), single_stream=True)
    with pytest.raises(ResultsError, match="time zone"):
        with_power(TIMES, SAMPLES, b'{"timezone": "west"}', zone(0), single_stream=True)


def test_a_multistream_log_gives_the_per_query_figure() -> None:
    # After v1.0; the sample has no MultiStream result.
    lines = [
        ("loadgen_version", ".5a1 @ x"),
        ("result_90.00_percentile_per_query_latency_ns", 900),
        ("result_90.00_percentile_latency_ns", 91),
    ]
    text = "".join(f":::MLLOG {json.dumps({'key': key, 'value': value})}\n" for key, value in lines)
    assert parse_detail(text.encode()).result_p90_latency_ns == 900


@pytest.mark.parametrize("data", [b"", b"nothing", b':::MLLOG {"key": "loadgen_version", broken}\n'])
def test_what_is_no_detail_log(data: bytes, tmp_path: Path) -> None:
    with pytest.raises(ResultsError):
        parse_detail(data)


@pytest.mark.parametrize(("count", "found"), [("17", 17), ('"17"', 17), ("null", None), ('"many"', None)])
def test_a_count_may_be_in_quotes(count: str, found: int | None) -> None:
    log = (
        b':::MLLOG {"key": "loadgen_version", "value": "2.0", "metadata": {"is_error": false}}\n'
        b':::MLLOG {"key": "result_query_count", "value": %b, "metadata": {"is_error": false}}\n'
    ) % count.encode()
    if found is None:
        with pytest.raises(ResultsError):
            parse_detail(log)
    else:
        assert parse_detail(log).query_count == found


def test_power_that_is_no_number_is_a_problem() -> None:
    details = Details(power_begin="07-28-2021 10:00:00.000", power_end="07-28-2021 10:00:02.000")
    samples = b"Time,07-28-2021 10:00:01.000,Watts,1.2.3,Volts,1\n"
    with pytest.raises(ResultsError, match=r"power of '1\.2\.3', not a number of watts"):
        with_power(details, samples, b"{}", b"{}", single_stream=True)
