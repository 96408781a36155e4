"""A replay table: each published configuration with its measured values, for a harness that looks results up."""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dse.core.pareto import nondominated
from dse.errors import Remedy, ResultsError
from dse.files import write_text
from dse.results.objectives import costs, parse_objectives, why_not_comparable
from dse.tabular import columns

_NOT_IN_DOUBLE_QUOTES = frozenset('"$`\\!')
_OBJECTIVES = parse_objectives("accuracy,latency_p90")


def replay_rows(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One line per decoded configuration of ``rows``, in order of ``config_id``.

    Rows without a decoded design, accuracy or p90, and Offline copies of a SingleStream log, are left out. Raises
    `ResultsError` when two results are the same configuration (of several devices or rounds) or when none is left.
    """
    usable = [
        row
        for row in rows
        if row["family"] is not None
        and row["good"] is not None
        and row["scenario"] == row["scenario_log"]
        and why_not_comparable(row, _OBJECTIVES) is None
    ]
    if not usable:
        raise ResultsError(
            "nothing to replay: no row has a decoded design, an accuracy and a p90",
            hint="select TFLite image classification in SingleStream",
        )
    images = sorted({row["total"] for row in usable})
    if len(images) > 1:
        raise ResultsError(
            f"these results are on {' and '.join(map(str, images))} images, and their accuracies do not compare",
            remedy=Remedy.SELECT_ROWS,
            details={"where": f"total = {images[-1]}"},
        )
    values = [tuple(value for o in _OBJECTIVES if (value := o.value(row)) is not None) for row in usable]
    on_front = nondominated([costs(point, _OBJECTIVES) for point in values])
    lines = [(_line(row, front), row) for row, front in zip(usable, on_front, strict=True)]
    lines.sort(key=lambda pair: str(pair[0]["config_id"]))
    for (line, one), (other_line, other) in itertools.pairwise(lines):
        if line["config_id"] == other_line["config_id"]:
            raise ResultsError(
                f"two results are one configuration, {line['config_id']}: {line['path']} and {other_line['path']}",
                hint="a replay table is of one device, as it was set up, and round",
                remedy=Remedy.SELECT_ROWS,
                details={"where": _only_like(one, other, usable)},
            )
    return [line for line, _ in lines]


def replay_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """`replay_rows` as CSV. Raises `ResultsError` as they do."""
    return to_csv(replay_rows(rows), columns.ALL)


def write_replay_table(rows: Sequence[Mapping[str, Any]], path: Path) -> int:
    """Write `replay_table`; how many configurations there are. Raises `ResultsError` as it does, and OSError."""
    lines = replay_rows(rows)
    write_text(path, to_csv(lines, columns.ALL))
    return len(lines)


def to_csv(rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> str:
    """``rows`` as CSV with a header; an unknown value is an empty field."""
    text = io.StringIO()
    writer = csv.DictWriter(text, names, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _only_like(one: Mapping[str, Any], other: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> str:
    """The expression with one of two rows and without the other: by what most ``rows`` have of what tells them apart.

    Systems' names say how a device was set up, after the device: ``rpi4coral-fan.off-tflite-v2.4.1-ruy``.
    """
    names = ("device", "round", "system", "division", "submitter")
    name = next((name for name in names if one[name] != other[name]), "directory")
    values, is_start = [str(one[name]), str(other[name])], False
    if name == "system":
        words = [value.split("-") for value in values]
        same = sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], zip(*words, strict=False)))
        if same + 1 < min(map(len, words)):
            values, is_start = ["-".join(parts[: same + 1]) for parts in words], True
    value = max(values, key=lambda value: sum(f"{row[name]}-".startswith(f"{value}-") for row in rows))
    where = f"starts_with({name}, {_sql(f'{value}-')})" if is_start else f"{name} = {_sql(value)}"
    for always in ("round", "device"):
        if always != name:
            where = f"{always} = {_sql((one, other)[values.index(value)][always])} AND {where}"
    return where


def _sql(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _line(row: Mapping[str, Any], on_front: bool) -> dict[str, Any]:
    software = "-".join(str(row[part]) for part in ("engine", "backend", "engine_version") if row[part] is not None)
    return {
        "config_id": f"{software}/{row['model']}",
        "family": row["family"],
        "variant": row["variant"],
        "width": row["width"],
        "resolution": row["resolution"],
        "minimalistic": int(row["minimalistic"]),
        "precision": row["precision"],
        "engine": row["engine"],
        "backend": row["backend"],
        "processor": _processor(row["backend"]),
        "engine_version": row["engine_version"],
        "accuracy_pct": f"{100 * row['good'] / row['total']:.3f}",
        "acc_good": row["good"],
        "acc_total": row["total"],
        "p90_latency_ns": row["latency_p90_ns"],
        "p90_latency_ms": row["latency_p90_ns"] / 1e6,
        "p50_latency_ns": row["latency_p50_ns"],
        "p99_latency_ns": row["latency_p99_ns"],
        "mean_latency_ns": row["latency_mean_ns"],
        "queries": row["query_count"] or row["generated_query_count"],
        "min_duration_ms": row["min_duration_ms"],
        "energy_per_query_J": row["energy_per_query_j"],
        "avg_power_W": row["avg_power_w"],
        "weight_data_types": row["weight_data_types"],
        "input_data_types": row["input_data_types"],
        "model_url": row["starting_weights_filename"],
        "system": row["system"],
        "model_dir": row["model"],
        "host_cpu": row["host_processor_model_name"],
        "cores": row["host_processor_core_count"],
        "cpu_freq": row["host_processor_frequency"],
        "cooling": row["cooling"],
        "hw_notes": row["hw_notes"],
        "path": row["directory"],
        "on_front": int(on_front),
        "min_latency_ns": row["latency_min_ns"],
        "p95_latency_ns": row["latency_p95_ns"],
        "p999_latency_ns": row["latency_p99_9_ns"],
        "max_latency_ns": row["latency_max_ns"],
    }


def _processor(backend: str | None) -> str:
    words = (backend or "").lower()
    if "opencl" in words or "gpu" in words:
        return "GPU"
    return "TPU" if "tpu" in words else "CPU"
