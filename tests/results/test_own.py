from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dse.errors import Remedy, StudyError, UsageError
from dse.reports.front import front_document, front_report
from dse.results.front import cut
from dse.results.objectives import parse_objectives
from dse.results.own import apart, load_own_front, own_front, rivals, stand
from dse.results.plot import plot_fronts
from dse.study.study import open_study
from tests.thorough import thorough

SAME_AXIS = thorough("draws what another case draws, asked for in other words")
AXES = parse_objectives("accuracy,latency_p90")


def write_front(folder: Path, *points: tuple[float, int], schema: int = 1, images: int = 50_000) -> Path:
    document = {
        "schema": schema,
        "study": folder.name,
        "objectives": [
            {"name": "accuracy", "direction": "maximize", "unit": ""},
            {"name": "latency_p90_ns", "direction": "minimize", "unit": "ns"},
        ],
        "points": [
            {
                "trial": n,
                "config": {"threads": n},
                "values": {"accuracy": accuracy, "latency_p90_ns": latency},
                "accuracy": {"good": round(images * accuracy), "total": images},
                "logs": "x",
            }
            for n, (accuracy, latency) in enumerate(points)
        ],
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "front.json").write_text(json.dumps(document))
    return folder / "front.json"


def test_a_study_by_name_or_folder_is_read_itself_and_a_saved_front_by_its_file(
    tmp_path: Path, small_study: Path
) -> None:
    study = open_study(small_study)
    saved = tmp_path / "saved.json"
    saved.write_text(json.dumps(front_document(front_report(study))))
    write_front(small_study, (0.999, 1))  # what lies in the folder is not asked
    found = own_front("small_study", tmp_path, AXES)
    assert [point.trial for point in found.points] == [row.trial for row in study.front()]
    assert [float(point.values[0]) for point in found.points] == [row.values["accuracy"] for row in study.front()]
    for path in (small_study, saved):
        assert own_front(str(path), Path("elsewhere"), AXES) == found
    with pytest.raises(UsageError, match="study small_study did not measure"):
        own_front("small_study", tmp_path, parse_objectives("accuracy,energy"))
    with pytest.raises(StudyError, match="no study"):
        own_front("yours", tmp_path, AXES)


def test_a_study_without_a_front_says_so(small_study: Path) -> None:
    shutil.rmtree(small_study / "trials")
    with pytest.raises(StudyError, match="the study has no front"):
        own_front(str(small_study), Path(), AXES)


def test_queries_of_another_scenario_do_not_stand_beside_published_ones(tmp_path: Path) -> None:
    path = write_front(tmp_path, (0.9, 1_000_000))
    document = json.loads(path.read_text())
    document["points"][0]["config"]["scenario"] = "MultiStream"
    path.write_text(json.dumps(document))
    with pytest.raises(UsageError, match="measures MultiStream; only SingleStream is set beside published results"):
        load_own_front(path, parse_objectives("accuracy,latency_p90"))


def test_where_it_stands(tmp_path: Path, sample_rows: list[dict[str, Any]]) -> None:
    rows = [r for r in sample_rows if r["round"] == "v1.0" and r["scenario"] == "SingleStream"]
    (group,) = cut(rows, AXES, ("device", "round"))
    best = group.points[0]
    tie = (float(best.values[0]), best.values[1])
    own = load_own_front(write_front(tmp_path, tie, (0.999, 1), (0.01, 10**12)), AXES)
    standing = stand(own, group)
    assert rivals(own, group)
    assert (standing.own, standing.non_dominated, standing.beaten_published) == (3, 2, len(group.points))
    own = load_own_front(write_front(tmp_path, tie), AXES)
    assert stand(own, group).to_json() == {"own": 1, "unbeaten": 1, "beaten_published": 0}


def test_as_many_images_of_other_classes_are_another_data_set(
    tmp_path: Path, sample_rows: list[dict[str, Any]]
) -> None:
    (group,) = cut(
        [r for r in sample_rows if r["round"] == "v1.0" and r["scenario"] == "SingleStream"], AXES, ("round",)
    )
    own = load_own_front(write_front(tmp_path, (0.999, 1)), AXES)
    assert rivals(own, group)
    assert rivals(replace(own, classes=1000), group)
    saved = json.loads((tmp_path / "front.json").read_text())
    (tmp_path / "front.json").write_text(json.dumps({**saved, "classes": 10}))
    others = load_own_front(tmp_path / "front.json", AXES)
    assert others.classes == 10
    assert not rivals(others, group)
    assert "on 50000 images, with 10 classes, the published ones on 50000 images (ImageNet)" in str(
        apart(others, [group])
    )


@given(st.integers(1, 50_000).flatmap(lambda total: st.tuples(st.integers(0, total), st.just(total))))
def test_the_counts_of_an_accuracy_are_its_figure(counts: tuple[int, int]) -> None:
    good, total = counts
    assert float(Fraction(good, total)) == good / total


def test_files_that_are_no_front(tmp_path: Path) -> None:
    (tmp_path / "front.json").write_text("{")
    with pytest.raises(StudyError, match="not a front"):
        load_own_front(tmp_path / "front.json", AXES)
    with pytest.raises(StudyError, match="schema 9"):
        load_own_front(write_front(tmp_path, schema=9), AXES)
    with pytest.raises(UsageError, match="did not measure energy"):
        load_own_front(write_front(tmp_path), parse_objectives("accuracy,energy"))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"schema": 1', '"schema": "1"', "found '1', allowed: a whole number"),
        ('"schema": 1, ', "", "'schema' is missing"),
        ('"points": [', '"points": [7, ', "not subscriptable"),
        ('"accuracy": 0.5', '"accuracy": NaN', "not JSON that dse reads: found NaN"),
        ('"accuracy": 0.5', '"accuracy": 50.0', "accuracy: found 50.0, allowed: a number from 0 to 1"),
        ('"accuracy": 0.5', '"accuracy": "0.5"', "accuracy: found '0.5', allowed"),
        ('"latency_p90_ns": 1}', '"latency_p90_ns": Infinity}', "not JSON that dse reads: found Infinity"),
        ('"latency_p90_ns": 1}', '"latency_p90_ns": null}', "latency_p90: found None"),
        ('"latency_p90_ns": 1}', "}", "Illegal trailing comma|Expecting property name"),
        ('"config": {"threads": 0}', '"config": 3', "not iterable"),
        ('"trial": 0', '"trial": "x"', "found 'x', allowed: a whole number"),
    ],
)
def test_what_is_damaged_in_a_front_is_said(tmp_path: Path, old: str, new: str, message: str) -> None:
    path = write_front(tmp_path, (0.5, 1))
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    with pytest.raises(StudyError, match=message) as caught:
        load_own_front(path, AXES)
    assert caught.value.path == path
    assert caught.value.remedy is Remedy.SAVE_FRONT_AGAIN


def test_a_picture_with_a_studys_front(tmp_path: Path, sample_rows: list[dict[str, Any]]) -> None:
    own = load_own_front(write_front(tmp_path, (0.7, 20_000_000)), AXES)
    groups = cut([r for r in sample_rows if r["scenario"] == "SingleStream"], AXES, ("system",))
    for suffix in ("png", "svg"):
        plot_fronts(groups, tmp_path / f"p.{suffix}", grouping="system", own=own)
    assert (tmp_path / "p.png").read_bytes().startswith(b"\x89PNG")
    svg = (tmp_path / "p.svg").read_text()
    assert ("in grey" in svg) == (len(groups) > 9)
    plot_fronts([], tmp_path / "empty.png", grouping="device")
    plot_fronts([], tmp_path / "empty_too.png", grouping="device", own=own)


_DRAWING = """
import sys
from dataclasses import replace
from typer.testing import CliRunner
from dse.cli import make_app
for path in sys.argv[2:]:
    words = ["results", "front", "--scenario", "SingleStream", "--plot", path, "--db", sys.argv[1]]
    CliRunner().invoke(make_app(), words, catch_exceptions=False)
"""


@thorough("starts Python twice and draws every published result four times")
def test_the_same_data_are_the_same_bytes(tmp_path: Path, sample_database: Path) -> None:
    for seed in range(2):
        paths = [tmp_path / f"{seed}.{suffix}" for suffix in ("svg", "pdf")]
        subprocess.run(
            [sys.executable, "-c", _DRAWING, sample_database, *paths],
            env={**os.environ, "PYTHONHASHSEED": str(seed), "SOURCE_DATE_EPOCH": str(seed)},
            check=True,
            capture_output=True,
        )
    for suffix in ("svg", "pdf"):
        assert (tmp_path / f"0.{suffix}").read_bytes() == (tmp_path / f"1.{suffix}").read_bytes()


@pytest.mark.parametrize(
    ("metric", "objectives", "label"),
    [
        pytest.param("top1", "accuracy,latency_p90", "accuracy [%], higher", marks=SAME_AXIS),
        pytest.param("top1", "accuracy:max,latency_p90", "accuracy [%], higher", marks=SAME_AXIS),
        ("top1", "accuracy:min,latency_p90", "accuracy [%], lower"),
        pytest.param("BLEU", "accuracy,latency_p90", "accuracy [BLEU of 100], higher", marks=SAME_AXIS),
        ("BLEU", "accuracy:max,latency_p90", "accuracy [BLEU of 100], higher"),
        ("top1", "width:max,latency_p90_ns:min", "width, higher"),
    ],
)
def test_an_axis_names_the_unit_that_its_numbers_have(
    tmp_path: Path, sample_rows: list[dict[str, Any]], metric: str, objectives: str, label: str
) -> None:
    rows = [{**r, "accuracy_metric": metric} for r in sample_rows if r["scenario"] == "SingleStream"]
    plot_fronts(cut(rows, parse_objectives(objectives), ("round",)), tmp_path / "p.svg", grouping="round")
    assert f"<!-- {label} is better -->" in (tmp_path / "p.svg").read_text()


@pytest.mark.parametrize(
    ("more", "title"),
    [
        ({}, "study mine"),
        ({"data_set": "fashion_mnist"}, "study mine on fashion_mnist"),
        ({"recorded_in": "/x/rpi4.csv"}, "study mine recorded in rpi4.csv"),
    ],
)
def test_a_heading_says_what_the_accuracy_is_of(tmp_path: Path, more: dict[str, str], title: str) -> None:
    path = write_front(tmp_path / "mine", (0.5, 1))
    path.write_text(json.dumps({**json.loads(path.read_text()), **more}))
    assert load_own_front(path, AXES).title == title


def test_a_picture_tells_the_classes_of_systems_apart(tmp_path: Path, sample_rows: list[dict[str, Any]]) -> None:
    rows = [{**r, "category": ("edge", "datacenter")[r["id"] % 2]} for r in sample_rows]
    pictures = []
    for chosen in (rows, [{**row, "category": "edge"} for row in rows]):
        groups = cut([r for r in chosen if r["scenario"] == "SingleStream"], AXES, ("round",))
        plot_fronts(groups, tmp_path / "p.svg", grouping="round")
        pictures.append((tmp_path / "p.svg").read_text())
    assert "<!-- datacenter systems -->" in pictures[0]
    assert "systems -->" not in pictures[1]
