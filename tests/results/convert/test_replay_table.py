from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from dse.errors import Remedy, ResultsError
from dse.results.convert.export import export
from dse.results.convert.replay_table import write_replay_table
from dse.tabular import columns

Rows = list[dict[str, Any]]


def test_the_replay_table_equals_the_published_one(sample_rows: Rows, replay_tables: Path, tmp_path: Path) -> None:
    rows = [r for r in sample_rows if r["device"] == "rpi4" and r["round"] == "v0.5"]
    assert write_replay_table(rows, tmp_path / "t.csv") == 54
    with (replay_tables / "replay_rpi4_v0.5.csv").open() as file:
        expected = {line["config_id"]: line for line in csv.DictReader(file)}
    with (tmp_path / "t.csv").open() as file:
        lines = list(csv.DictReader(file))
    for line in lines:
        published = expected[line["config_id"]]
        assert tuple(line) == columns.ALL
        assert tuple(published) == columns.ALL[: len(published)]
        published["queries"] = str(int(float(published["queries"])))
        # That table's front is over another engine's results too, which the sample does not have.
        assert {**published, "on_front": ""} == {name: line[name] for name in published} | {"on_front": ""}
        shown = [int(line[f"{name}_latency_ns"]) for name in ("min", "p50", "p90", "p95", "p99", "p999", "max")]
        assert shown == sorted(shown)


def test_a_table_is_of_one_device_and_round(sample_rows: Rows, tmp_path: Path) -> None:
    rows = [r for r in sample_rows if r["engine"] == "tflite" and r["engine_version"] == "2.2.0"]
    twice = [*rows, {**rows[0], "id": -1, "scenario": "SingleStream"}]
    with pytest.raises(ResultsError, match="two results are one configuration"):
        write_replay_table([*twice, {**rows[1], "id": -2}], tmp_path / "t.csv")
    assert not (tmp_path / "t.csv").exists()


@pytest.mark.parametrize(
    ("column", "values", "where"),
    [
        ("round", ("v0.7", "v0.8", "v0.8"), "device = 'it''s' AND round = 'v0.8'"),
        ("device", ("b", "c", "c"), "round = 'v0.7' AND device = 'c'"),
        (
            "system",
            ("b-fan.on-tflite-v2.2.0-ruy", "b-fan.off-tflite-v2.2.0-ruy", "b-fan.off-tflite-v2.1.0-ruy"),
            "device = 'it''s' AND round = 'v0.7' AND starts_with(system, 'b-fan.off-')",
        ),
        ("system", ("b-1", "b-12", "b-12"), "device = 'it''s' AND round = 'v0.7' AND system = 'b-12'"),
        ("division", ("open", "closed", "closed"), "device = 'it''s' AND round = 'v0.7' AND division = 'closed'"),
    ],
)
def test_the_hint_leaves_one_of_two_equal_configurations(
    sample_rows: Rows, tmp_path: Path, column: str, values: tuple[str, ...], where: str
) -> None:
    first, second = [r for r in sample_rows if r["round"] == "v0.7" and r["scenario"] == "SingleStream"][:2]
    rows = [{**row, "device": "it's", column: value} for row, value in zip((first, first, second), values, strict=True)]
    with pytest.raises(ResultsError, match="two results are one configuration") as caught:
        write_replay_table(rows, tmp_path / "t.csv")
    assert caught.value.remedy is Remedy.SELECT_ROWS
    assert caught.value.details == {"where": where}


def test_nothing_to_replay(sample_rows: Rows, tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match="nothing to replay"):
        write_replay_table([r for r in sample_rows if r["submitter"] == "Intel"], tmp_path / "t.csv")


def test_csv_and_json_hold_every_row(sample_rows: Rows, tmp_path: Path) -> None:
    assert export(sample_rows, tmp_path / "a.csv", "csv") == export(sample_rows, tmp_path / "a.json", "json") == 197
    with (tmp_path / "a.csv").open() as file:
        lines = list(csv.DictReader(file))
    document = json.loads((tmp_path / "a.json").read_text())
    assert document["results"] == sample_rows
    assert [int(line["good"] or 0) for line in lines] == [row["good"] or 0 for row in sample_rows]
