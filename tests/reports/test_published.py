"""The page of published results without a browser: what it embeds, and what it does not tell."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from benchmarks.results_page import make_rows
from dse.reports.published import results_report
from dse.reports.published.document import results_document
from dse.results.objectives import OBJECTIVES
from dse.results.own import OwnFront, OwnPoint


@pytest.fixture(scope="module")
def rows() -> list[dict[str, Any]]:
    return make_rows(300, submitters=3, devices=3)


def test_every_row_is_there_with_its_exact_figures(rows: list[dict[str, Any]]) -> None:
    document = results_document(rows)
    assert document["id"] == [row["id"] for row in rows]
    assert document["directory"] == [row["directory"] for row in rows]
    for name, column in document["labels"].items():
        levels = [*column["levels"], None]
        assert [levels[-1 if code is None else code] for code in column["codes"]] == [row[name] for row in rows]
    for name, values in document["values"].items():
        exact = [OBJECTIVES[name].value(row) for row in rows]
        assert values == [None if value is None else float(value) for value in exact]
        fractions = {value for value in exact if isinstance(value, Fraction)}
        assert len({float(value) for value in fractions}) == len(fractions)  # what differs is told apart on the page
    assert {metric["name"] for metric in document["metrics"]} == set(document["values"])


def test_figures_that_no_row_has_are_no_axis_but_those_of_a_scenario(rows: list[dict[str, Any]]) -> None:
    bare = [row | {"accuracy": None, "good": None, "total": None} for row in rows if row["scenario"] == "Offline"]
    document = results_document(bare)
    assert document["axes"] == {"Offline": ["accuracy", "throughput"]}
    assert set(document["values"]["accuracy"]) == {None}
    assert "energy" not in document["values"]


@pytest.mark.parametrize(
    ("images", "classes", "rival"), [(10_000, 10, 10_000), (50_000, 1000, 50_000), (50_000, 10, None), (None, 10, None)]
)
def test_a_study_names_the_images_that_it_may_stand_beside(
    rows: list[dict[str, Any]], images: int | None, classes: int, rival: int | None
) -> None:
    own = OwnFront("mine", (OwnPoint(4, {"threads": 2}, (Fraction(1, 2), 7), images),), "images", classes=classes)
    (study,) = results_document(rows, [own])["studies"]
    assert study["rival_images"] == [rival]
    assert study["values"] == {"accuracy": [0.5], "latency_p90": [7]}
    assert (study["trial"], study["configuration"]) == ([4], ["threads=2"])


def test_the_page_has_its_data_asks_nobody_and_names_no_folder(rows: list[dict[str, Any]], tmp_path: Path) -> None:
    hostile = "</script><script>alert(1)</script>"
    told = [row | {"path": f"/home/somebody/{row['directory']}", "system": hostile} for row in rows]
    page = results_report(told, tmp_path / "new" / "results.html").read_text(encoding="utf-8")
    assert "/home/somebody" not in page
    assert hostile not in page
    embedded = page.partition('id="dse-data">')[2].partition("</script>")[0]
    document = json.loads(embedded)
    assert document["labels"]["system"]["levels"] == [hostile]
    assert document["schema"] == 1
    assert "<link" not in page
    assert "<script src" not in page
    assert "<noscript>" in page
