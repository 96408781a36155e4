"""LoadGen's detail log, text (v0.5, v0.7) or JSON lines (from v1.0), and the power samples beside it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from dse_harness.detail_log import MARKER, entries

from dse.errors import ResultsError
from dse.reading import parse_json
from dse.results.columns import count, fitting
from dse.results.importing.describe import parse_object
from dse.results.importing.row import DETAIL_COLUMNS, Details

_GENERATED = re.compile(r'GeneratedQueries: "queries" : (\d+)')
_POWER = re.compile(r'POWER_(BEGIN|END):.*"time" : (.+)')
_SAMPLE = re.compile(r"^Time,(\d\d-\d\d-\d{4} \d\d:\d\d:\d\d\.\d+),Watts,(-?[\d.]+),", re.MULTILINE)
_SORTABLE_LENGTH = len("YYYY-MM-DD HH:MM:SS.ffffff")
_POWER_TIME = "%m-%d-%Y %H:%M:%S.%f"

_JSON_KEYS = {
    "loadgen_version": "loadgen_version",
    "test_datetime": "test_datetime",
    "qsl_name": "qsl_name",
    "qsl_reported_total_count": "qsl_total_count",
    "result_query_count": "query_count",
    "generated_query_count": "generated_query_count",
    "effective_target_latency_percentile": "target_latency_percentile",
    "result_qps_with_loadgen_overhead": "result_qps_with_loadgen_overhead",
    "result_90.00_percentile_latency_ns": "result_p90_latency_ns",
    "result_90.00_percentile_per_query_latency_ns": "result_p90_latency_ns",
    "result_validity": "result_validity",
    "power_begin": "power_begin",
    "power_end": "power_end",
}
_TEXT_KEYS: dict[str, tuple[str, Callable[[str], str | int | float]]] = {
    "version": ("loadgen_version", str),
    "Date + time of test": ("test_datetime", str),
    "Query Sample Library (QSL) name": ("qsl_name", str),
    "QSL total size": ("qsl_total_count", int),
    "target_latency_percentile": ("target_latency_percentile", float),
}


def parse_detail(data: bytes) -> Details:
    """What the detail log says. v0.5 and v0.7 logs hold settings only, no results.

    Raises `ResultsError` (without path) when the log is of neither kind or a line of interest is damaged.
    """
    values: dict[str, str | int | float] = {}
    errors: list[str] = []
    digest = hashlib.sha256(data).hexdigest()
    data = data.replace(b"\0", b"")  # some loggers append a C string's NUL to names
    if MARKER.encode() in data[:65536]:
        _parse_json_lines(data, values, errors)
    else:
        _parse_text(data, values, errors)
    if "loadgen_version" not in values:
        raise ResultsError("no detail log of LoadGen: it does not say `loadgen_version`")
    for name, value in values.items():
        try:
            fitting(value, DETAIL_COLUMNS[name])
        except ValueError as error:
            raise ResultsError(f"{name}: {error}") from None
    return Details(
        **values,  # type: ignore[arg-type]  # names and kinds were just checked
        error_messages="\n".join(errors) or None,
        detail_sha256=digest,
    )


def _parse_json_lines(data: bytes, values: dict[str, str | int | float], errors: list[str]) -> None:
    per_query = False
    try:
        for key, value, _, is_error, _ in entries(data, _JSON_KEYS, parse_json):
            if is_error:
                errors.append(f"{key}: {value}")
            name = _JSON_KEYS.get(key)
            # MultiStream of v1.0 prints both; the per-query figure is the one of the summary.
            if name is None or (name == "result_p90_latency_ns" and per_query):
                continue
            if DETAIL_COLUMNS[name] == "BIGINT" and isinstance(value, str):
                value = int(value)  # some logs have counts in quotes
            values[name] = value
            per_query = per_query or "per_query" in key
    except ValueError as error:
        raise ResultsError(f"damaged: {error}") from None


def _parse_text(data: bytes, values: dict[str, str | int | float], errors: list[str]) -> None:
    for line in data.split(b"\n"):
        if not line.startswith(b'"pid"'):
            continue  # the git log and file hashes have no prefix
        text = line.partition(b"ns : ")[2].decode("utf-8", "replace").strip()
        key, _, value = text.partition(":")
        known = _TEXT_KEYS.get(key.strip())
        if known is not None:
            name, read = known
            try:
                values.setdefault(name, read(value.strip()))
            except ValueError:
                raise ResultsError(f"{key.strip()!r} is {value.strip()!r}, not a number") from None
        elif generated := _GENERATED.match(text):
            values["generated_query_count"] = count(generated[1])
        elif power := _POWER.match(text):
            values[f"power_{power[1].lower()}"] = power[2].strip()
        elif key.strip() == "ERROR":
            errors.append(value.strip())


def with_power(
    details: Details, samples: bytes, client_json: bytes, server_json: bytes, *, single_stream: bool
) -> Details:
    """``details`` with the power averaged between power_begin and power_end, as MLPerf's submission checker does.

    Each side's times are shifted by its own time zone or, as from v2.0 on, by none: whichever has samples, which count
    strictly inside the interval. A SingleStream log also gets joules per query. Raises `ResultsError` (without path)
    when times are missing or no sample lies between.
    """
    if details.power_begin is None or details.power_end is None:
        raise ResultsError("power samples without power_begin and power_end in the detail log")
    zones = _timezone(client_json) - _timezone(server_json)
    # Times compare as text once the year comes first: strptime on every sample would take longer than all the rest.
    times = [(_sortable(m[1]), m[2]) for m in _SAMPLE.finditer(samples.decode("utf-8", "replace"))]
    watts: list[float] = []
    for offset in (zones, timedelta(0)):
        begin, end = _shifted(details.power_begin, offset), _shifted(details.power_end, offset)
        watts = watts or [_watts(value) for time, value in times if begin < time < end]
    if not watts:
        raise ResultsError(f"no power samples between {details.power_begin} and {details.power_end}")
    average = sum(watts) / len(watts)
    qps = details.result_qps_with_loadgen_overhead
    return replace(
        details,
        power_samples=len(watts),
        avg_power_w=average,
        energy_per_query_j=average / qps if single_stream and qps else None,
    )


def _watts(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ResultsError(f"power of {text[:40]!r}, not a number of watts") from None


def _shifted(time: str, offset: timedelta) -> str:
    try:
        return _sortable((datetime.strptime(time, _POWER_TIME) + offset).strftime(_POWER_TIME))
    except ValueError as error:
        raise ResultsError(f"power_begin or power_end: {error}") from None


def _sortable(time: str) -> str:
    """``MM-DD-YYYY HH:MM:SS.fff`` with the year first and microseconds filled up."""
    return f"{time[6:10]}-{time[:5]}{time[10:]}".ljust(_SORTABLE_LENGTH, "0")


def _timezone(data: bytes) -> timedelta:
    seconds = parse_object(data).get("timezone", 0)
    if not isinstance(seconds, int | float):
        raise ResultsError(f"time zone {seconds!r} is no number of seconds")
    try:
        return timedelta(seconds=seconds)
    except (ValueError, OverflowError):
        raise ResultsError(f"time zone {seconds!r} is no number of seconds") from None
