from __future__ import annotations

import csv
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from dse.core.metrics import Exact
from dse.errors import UsageError
from dse.results.database import open_database
from dse.results.explain import explain
from dse.results.front import check_grouping, cut, select
from dse.results.objectives import OBJECTIVES, parse_objectives, show

Rows = list[dict[str, Any]]


def brute_force(rows: Rows) -> set[int]:
    """Ids of rows that no other strictly dominates in accuracy and p90, by the integers of the files alone."""
    ids = set()
    for a in rows:
        beaten = any(
            b["good"] * a["total"] >= a["good"] * b["total"]
            and b["latency_p90_ns"] <= a["latency_p90_ns"]
            and (b["good"] * a["total"] > a["good"] * b["total"] or b["latency_p90_ns"] < a["latency_p90_ns"])
            for b in rows
        )
        if not beaten:
            ids.add(a["id"])
    return ids


@pytest.mark.parametrize("by", [("device", "round"), ("device",), ("system",), ("round", "submitter"), ()])
def test_the_samples_fronts_equal_a_brute_force_check(sample_rows: Rows, by: tuple[str, ...]) -> None:
    rows = [r for r in sample_rows if r["good"] is not None and r["latency_p90_ns"] is not None]
    groups = cut(rows, parse_objectives("accuracy,latency_p90"), by)
    assert sum(group.submitted for group in groups) == len(rows)
    for group in groups:
        members = [row for row in rows if all(row[key] == value for key, value in group.group.items())]
        assert {point.row["id"] for point in group.points} == brute_force(members)
        assert group.submitted == len(members) == len(group.points) + len(group.dominated)


def test_ties_in_the_sample_both_stay(sample_rows: Rows) -> None:
    # An Offline directory with the SingleStream log is the same point again.
    rows = [r for r in sample_rows if r["system"] == "rpi4coral-fan.on-tflite-v2.4.1-ruy"]
    copies = [{**row, "scenario": "SingleStream"} for row in rows]
    (group,) = cut(copies, parse_objectives("accuracy,latency_p90"), ("device", "round"))
    assert len(group.points) == 2 * 8
    assert group.group == {
        "device": "rpi4coral",
        "round": "v1.0",
        "task": "image-classification",
        "scenario": "SingleStream",
    }


def test_fronts_equal_the_published_replay_tables_marks(sample_rows: Rows, replay_tables: Path) -> None:
    # That table's front is over both engines, so its marks hold at least for its own dominators.
    with (replay_tables / "replay_rpi4_v0.5.csv").open() as file:
        marked = {line["path"] for line in csv.DictReader(file) if line["on_front"] == "1"}
    rows = [r for r in sample_rows if r["round"] == "v0.5" and r["device"] == "rpi4"]
    (group,) = cut(rows, parse_objectives("accuracy,latency_p90"), ("device", "round"))
    tflite = {path for path in marked if "rpi4-tflite-v1.15" in path}
    assert tflite <= {point.row["directory"] for point in group.points}


def test_invalid_and_incomplete_results_are_counted_not_compared(sample_rows: Rows) -> None:
    good, slow, invalid, blind = (
        dict(row)
        for row in sample_rows
        if row["system"] == "rpi4-tflite-v1.15"
        and row["model"]
        in ("mobilenet-v1-0.25-128", "mobilenet-v1-0.25-160", "mobilenet-v1-0.5-128", "mobilenet-v1-0.25-192")
    )
    invalid["validity"] = "INVALID"
    blind.update(accuracy=None, good=None, total=None)
    (group,) = cut([good, slow, invalid, blind], parse_objectives("accuracy,latency_p90"), ("device",))
    assert (group.submitted, len(group.not_comparable)) == (4, 2)
    assert group.to_json()["not_comparable"] == {"LoadGen calls the result INVALID": 1, "it has no accuracy": 1}


def test_json_of_a_group(sample_rows: Rows) -> None:
    rows = [r for r in sample_rows if r["round"] == "v1.0" and r["scenario"] == "SingleStream"]
    (group,) = cut(rows, parse_objectives("accuracy,latency_p90,energy"), ("device", "round"))
    document = group.to_json()
    assert (document["submitted"], document["front"] + document["dominated"]) == (12, 12)
    assert [o["direction"] for o in document["objectives"]] == ["maximize", "minimize", "minimize"]
    first = document["points"][0]
    assert first["values"]["accuracy"] == first["good"] / first["total"]
    assert isinstance(first["values"]["latency_p90"], int)
    assert first["path"].endswith(first["directory"])


def test_selecting(sample_database: Path) -> None:
    with open_database(sample_database, read_only=True) as db:
        assert len(select(db, name="image-classification-edge-*")) == 174
        assert len(select(db, name="image-classification-edge-*", scenario="OFFLINE")) == 51
        assert len(select(db, where="device = 'rpi4coral' -- and a comment")) == 28
        assert len(select(db, where="round = 'v0.5' or round = 'v1.1'", scenario="Server")) == 6


@pytest.mark.parametrize(
    "text", ["", "nothing", "accuracy,accuracy", "model:max", "latency_p90_ns:up", "latency_p90_ns"]
)
def test_objectives_that_do_not_exist(text: str) -> None:
    with pytest.raises(UsageError) as error:
        parse_objectives(text)
    assert "latency_p90" in str(error.value.hint)


def test_any_numeric_column_is_an_objective() -> None:
    (objective,) = parse_objectives("target_qps:max")
    assert (objective.columns, objective.direction) == (("target_qps",), "maximize")
    assert OBJECTIVES["energy"].direction == "minimize"


def test_without_objectives_a_scenario_has_its_own(sample_rows: Rows) -> None:
    groups = cut(sample_rows, None, ("device",))
    metrics = {"SingleStream": "latency_p90", "MultiStream": "samples_per_query"}
    for group in groups:
        metric = metrics.get(group.group["scenario"], "throughput")
        assert [o.name for o in group.objectives] == ["accuracy", metric]
    assert {"SingleStream", "Offline"} <= {group.group["scenario"] for group in groups}
    row = next(point.row for g in groups if g.group["scenario"] == "Offline" for point in g.points)
    assert [o.name for o in explain(row, sample_rows, None, ("device",)).group.objectives] == ["accuracy", "throughput"]


def test_a_multistream_result_of_a_singlestream_log_competes_by_eight_samples() -> None:
    def row(number: int, log: str, performance: int | None) -> dict[str, Any]:
        return {
            "id": number,
            "task": "image-classification",
            "scenario": "MultiStream",
            "scenario_log": log,
            "validity": "VALID",
            "accuracy_metric": "top1",
            "good": 1,
            "total": 2,
            "latency_p99_ns": 10,
            "performance": performance,
            "performance_unit": "ns" if performance else None,
        }

    (group,) = cut([row(1, "SingleStream", 80), row(2, "MultiStream", 60), row(3, "SingleStream", None)], None, ())
    assert [o.name for o in group.objectives] == ["accuracy", "multistream_latency"]
    assert [[p.row["id"] for p in points] for points in (group.points, group.dominated)] == [[2], [1]]
    assert [reason for _, reason in group.not_comparable] == ["it has no multistream_latency"]


def test_figures_of_different_metrics_do_not_compete(sample_rows: Rows) -> None:
    one, other, none = (
        {**sample_rows[0], "id": number, "task": "text-generation", "accuracy_metric": metric}
        for number, metric in enumerate(("ROUGE1", "exact_match", None))
    )
    one |= {"accuracy": 0.4, "good": None, "total": None}
    other |= {"accuracy": 0.8, "good": None, "total": None}
    none |= {"accuracy": None, "good": None, "total": None}
    groups = cut([one, other, none], None, ("device",))
    assert [group.group["accuracy_metric"] for group in groups] == ["ROUGE1", "exact_match", None]
    assert [len(group.points) for group in groups] == [1, 1, 0]
    assert groups[2].not_comparable[0][1] == "it has no accuracy"
    assert "accuracy_metric" not in cut([one, none], None, ("device",))[0].group
    assert explain(one, [one, other, none], None, ("device",)).verdict == "front"
    assert explain(none, [one, other, none], None, ("device",)).verdict == "not comparable"


def test_grouping() -> None:
    assert check_grouping("device, round") == ("device", "round")
    assert check_grouping("") == ()
    with pytest.raises(UsageError, match="shoe_size"):
        check_grouping("device,shoe_size")


def test_explanations(sample_rows: Rows) -> None:
    objectives, by = parse_objectives("accuracy,latency_p90"), ("device", "round")
    rows = [r for r in sample_rows if r["round"] == "v1.0"]
    verdicts = {row["id"]: explain(row, rows, objectives, by) for row in rows if row["scenario"] == "SingleStream"}
    (group,) = cut([r for r in rows if r["scenario"] == "SingleStream"], objectives, by)
    assert {i for i, e in verdicts.items() if e.verdict == "front"} == {point.row["id"] for point in group.points}
    for explanation in verdicts.values():
        for dominator in explanation.dominators:
            accuracy, latency = dominator.better_by
            assert accuracy >= 0
            assert latency >= 0
            assert accuracy + latency > 0
            row = dominator.point.row
            assert row["latency_p90_ns"] == explanation.row["latency_p90_ns"] - latency
        if explanation.verdict == "dominated":
            assert explanation.dominators[0].point in group.points
    row = {**rows[0], "validity": "INVALID"}
    explanation = explain(row, [row, *rows[1:]], objectives, by)
    assert (explanation.verdict, explanation.reason) == ("not comparable", "LoadGen calls the result INVALID")
    assert explanation.to_json()["dominated_by"] == []


def test_equal_results_are_named(sample_rows: Rows) -> None:
    row = next(r for r in sample_rows if r["round"] == "v1.0")
    duplicate = {**row, "id": -1}
    explanation = explain(row, [row, duplicate], parse_objectives("accuracy,latency_p90"), ("device",))
    assert explanation.verdict == "front"
    assert explanation.to_json()["equal_to"] == [-1]


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("accuracy", Fraction(33192, 50000), "66.384"),
        ("accuracy", Fraction(1, 10**6), "0.0001"),
        ("accuracy", Fraction(0), "0.000"),
        ("latency_p90", 9_164_598, "9.165"),
        ("latency_p90", 251, "0.000251"),
        ("throughput", 2_608_408.99, "2608408.99"),
        ("throughput", 185_034.18, "185034.18"),
        ("throughput", 47.35, "47.35"),
        ("throughput", 2_607_910.0, "2607910"),
        ("energy", 0.2809386832813849, "0.280939"),
        ("power", None, "-"),
    ],
)
def test_a_figure_is_shown_with_the_digits_it_was_published_with(name: str, value: Exact | None, shown: str) -> None:
    assert show(OBJECTIVES[name], value) == shown
