"""Published results as a layer of a study's page: those that compare, and how many others for which reason."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

import dse
from benchmarks.results_page import fill_database, make_rows
from dse.errors import UsageError
from dse.reports.front import front_report
from dse.reports.page.beside import published_beside
from dse.reports.page.page import page_text
from dse.results.data_set import images_of
from dse.study import Study
from tests.recording import make_space, run_study
from tests.reports.pages import make_study

_METRICS = ("accuracy", "latency_p90_ns", "latency_p50_ns", "peak_memory_bytes")


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """Its accuracies are on 10,000 images of ten classes."""
    return make_study(tmp_path_factory.mktemp("beside"))


@pytest.fixture(scope="module")
def rows() -> list[dict[str, Any]]:
    made = make_rows(600, seed=2, submitters=3, devices=3)
    return [row | {"accuracy_metric": row["accuracy_metric"] and "top1"} for row in made]


def _compares(row: dict[str, Any]) -> bool:
    kind = row["task"], row["scenario"], row["validity"]
    return kind == ("image-classification", "SingleStream", "VALID") and images_of(row) == 10_000


def test_what_is_of_the_same_kind_and_on_as_many_images_is_drawn(study: Study, rows: list[dict[str, Any]]) -> None:
    layer = published_beside(study, rows, _METRICS)
    kept = [row for row in rows if _compares(row)]
    assert layer["id"] == [row["id"] for row in kept] != []
    assert set(layer["values"]) == {"accuracy", "latency_p90_ns", "latency_p50_ns"}
    assert layer["values"]["accuracy"] == [row["good"] / row["total"] for row in kept]
    assert layer["values"]["latency_p90_ns"] == [row["latency_p90_ns"] for row in kept]
    figures = list(zip(layer["values"]["accuracy"], layer["values"]["latency_p90_ns"], strict=True))
    beaten = [any(a >= x and b <= y and (a, b) != (x, y) for a, b in figures) for x, y in figures]
    assert [verdict == "dominated" for verdict in layer["verdict"]] == beaten


def test_every_other_is_counted_with_its_reason(study: Study, rows: list[dict[str, Any]]) -> None:
    layer = published_beside(study, rows, _METRICS)
    left = {each["why"]: each["results"] for each in layer["left_out"]}
    assert sum(left.values()) + len(layer["id"]) == len(rows)
    classified = [row for row in rows if row["task"] == "image-classification"]
    assert left["not of image-classification"] == len(rows) - len(classified)
    assert left["not in SingleStream"] == sum(row["scenario"] != "SingleStream" for row in classified)
    assert left["judged on 50000 images (ImageNet)"] > 0
    assert left["LoadGen calls the result INVALID"] > 0
    assert layer["said"][0] == f"{len(layer['id'])} of 600 published results compare and are drawn"


def test_where_the_front_stands_is_what_dominance_says(study: Study, rows: list[dict[str, Any]]) -> None:
    figures = [(row.values["accuracy"], row.values["latency_p90_ns"]) for row in study.front()]
    layer = published_beside(study, rows, _METRICS)
    theirs = list(zip(layer["values"]["accuracy"], layer["values"]["latency_p90_ns"], strict=True))

    def beats(a: tuple[float, float], b: tuple[float, float]) -> bool:
        return a[0] >= b[0] and a[1] <= b[1] and a != b

    unbeaten = sum(not any(beats(other, own) for other in theirs) for own in figures)
    front = [figure for figure, verdict in zip(theirs, layer["verdict"], strict=True) if verdict == "front"]
    beaten = sum(any(beats(own, other) for own in figures) for other in front)
    said = f"of {len(figures)} points of this front {unbeaten} are dominated by no published result; "
    assert f"{said}they dominate {beaten} of the {len(front)} on the published front" in layer["said"]


def test_measures_of_accuracy_do_not_compete(study: Study, rows: list[dict[str, Any]]) -> None:
    kept = [row for row in rows if _compares(row)]
    layer = published_beside(study, [kept[0], kept[1] | {"accuracy_metric": "top5"}], _METRICS)
    assert layer["verdict"] == ["front", "front"]
    assert [sentence.partition(":")[0] for sentence in layer["said"][1:]] == ["accuracy top1", "accuracy top5"]


def test_ten_classes_on_as_many_images_as_imagenet_compare_with_nothing(
    study: Study, rows: list[dict[str, Any]]
) -> None:
    only = [row for row in rows if row["total"] == 50_000]
    layer = published_beside(study, only, _METRICS)
    assert layer["id"] == []
    assert layer["said"][0] == f"0 of {len(only)} published results compare and are drawn"


def test_the_page_says_it_all_and_a_page_without_says_nothing(
    study: Study, rows: list[dict[str, Any]], tmp_path: Path
) -> None:
    fill_database(tmp_path / "r.duckdb", rows)
    html = dse.report(study, tmp_path / "page.html", results=tmp_path / "r.duckdb").read_text(encoding="utf-8")
    layer = json.loads(html.partition('id="dse-data">')[2].partition("</script>")[0])["published"]
    assert layer["id"]
    for sentence in layer["said"]:
        assert sentence[1:] in html
    for each in layer["left_out"]:
        assert f"{each['results']} {each['why']}" in html
    assert "Published results beside it" not in page_text(front_report(study))
    assert '"published":null' in page_text(front_report(study))


def test_a_study_of_other_objectives_is_refused(tmp_path: Path, rows: list[dict[str, Any]]) -> None:
    run_study(tmp_path / "s", make_space(tmp_path, objectives=["latency_p90_ns"]), trials=1)
    with pytest.raises(UsageError, match="did not measure accuracy"):
        published_beside(Study.read(tmp_path / "s"), rows, _METRICS)


def test_a_study_without_a_database_is_told_where_to_get_one(study: Study, tmp_path: Path) -> None:
    with pytest.raises(dse.DseError, match="no results database"):
        dse.report(dataclasses.replace(study), tmp_path / "page.html", results=tmp_path / "none")
    assert not (tmp_path / "page.html").exists()
