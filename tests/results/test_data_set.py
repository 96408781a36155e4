"""Accuracies on other images, or on another number of them, never compete, wherever results are compared."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dse.errors import ResultsError
from dse.results.convert.replay_table import replay_rows
from dse.results.convert.studies import write_studies
from dse.results.convert.warm_start import published_designs
from dse.results.data_set import apart, images_of, show_images
from dse.results.database import open_database
from dse.results.explain import explain
from dse.results.front import cut, select
from dse.results.importing.importer import import_results
from dse.results.objectives import parse_objectives
from dse.results.own import apart as own_apart
from dse.results.own import competing, load_own_front, rivals, stand
from tests.results.test_own import write_front

AXES = parse_objectives("accuracy,latency_p90")
Rows = list[dict[str, Any]]


@pytest.fixture
def database(tmp_path: Path, sample: Path, write_result: Callable[..., Path]) -> Path:
    """Published results of ImageNet, and a tree as dse writes one: Fashion-MNIST, 10,000 images, better in all."""
    write_result(
        tmp_path / "v1.0",
        system="rpi4coral-fan.on-tflite-v2.4.1-ruy",
        model="mobilenet-v3-small-minimalistic_224_0.5",
        p90=1000,
        good=9300,
        total=10_000,
    )
    path = tmp_path / "r.duckdb"
    import_results([sample / "v1.0", sample / "v1.1", tmp_path / "v1.0"], path)
    return path


@pytest.fixture
def rows(database: Path) -> Rows:
    with open_database(database, read_only=True) as opened:
        return select(opened, scenario="SingleStream")


def _toy(rows: Rows) -> dict[str, Any]:
    (toy,) = (row for row in rows if row["total"] == 10_000)
    return toy


@pytest.mark.parametrize("by", [(), ("device",), ("device", "round")])
def test_a_toy_beats_nothing_of_imagenet(rows: Rows, by: tuple[str, ...]) -> None:
    toy = _toy(rows)
    groups = cut(rows, AXES, by)
    for group in groups:
        images = {images_of(point.row) for point in (*group.points, *group.dominated)}
        assert len(images) == 1
    (own,) = (group for group in groups if any(point.row is toy for point in group.points))
    assert own.submitted == 1
    assert groups != cut([row for row in rows if row is not toy], AXES, by)
    before = cut([row for row in rows if row is not toy], AXES, by)
    fronts = [[[point.row["id"] for point in group.points] for group in cutting] for cutting in (groups, before)]
    assert [front for front in fronts[0] if toy["id"] not in front] == fronts[1]


def test_the_sentence_counts_both(rows: Rows) -> None:
    groups = cut(rows, AXES, ())
    said = apart([group.group for group in groups], [group.submitted for group in groups])
    assert said == (
        "accuracies on different images do not compare; each has a front of its own: "
        f"{len(rows) - 1} on 50000 images (ImageNet), 1 on 10000 images"
    )
    assert apart([{"task": "x"}], [3]) is None


def test_explain_says_who_stands_apart(rows: Rows) -> None:
    toy = _toy(rows)
    published = next(row for row in rows if row["total"] == 50_000)
    for row in (toy, published):
        found = explain(row, rows, AXES, ())
        assert all(images_of(d.point.row) == images_of(row) for d in found.dominators)
        assert [other.group["images"] for other in found.elsewhere] == [60_000 - row["total"]]
    assert explain(toy, rows, AXES, ()).verdict == "front"


def test_without_accuracy_images_do_not_matter(rows: Rows) -> None:
    (group,) = cut(rows, parse_objectives("latency_p90"), ())
    assert [point.row for point in group.points] == [_toy(rows)]


def test_a_result_that_does_not_say_its_images_competes_with_none(rows: Rows) -> None:
    unknown = {**rows[0], "id": 999, "good": None, "total": None, "accuracy_sample_count": None, "accuracy": 0.99}
    groups = cut([*rows, unknown], AXES, ())
    assert [group.group["images"] for group in groups] == [50_000, 10_000, None]
    assert show_images(None) == "an unknown number of images"
    assert images_of({**unknown, "accuracy_sample_count": 50_000}) == 50_000


def test_a_study_on_other_images_stands_beside_nothing(tmp_path: Path, rows: Rows) -> None:
    groups = cut([row for row in rows if row["total"] == 50_000], AXES, ("device", "round"))
    toy = load_own_front(write_front(tmp_path / "toy", (0.93, 10), images=10_000), AXES)
    assert not any(rivals(toy, group) for group in groups)
    assert competing(toy, groups).points == ()
    assert own_apart(toy, groups) == (
        "1 of 1 points of study toy compare with nothing published: "
        "their accuracies are 1 on 10000 images, the published ones on 50000 images (ImageNet)"
    )
    real = load_own_front(write_front(tmp_path / "real", (0.93, 10)), AXES)
    assert own_apart(real, groups) is None
    assert stand(real, groups[0]).beaten_published == len(groups[0].points)


def test_a_replay_table_and_optuna_studies_keep_them_apart(tmp_path: Path, rows: Rows) -> None:
    device = [row for row in rows if row["device"] == _toy(rows)["device"] and row["round"] == "v1.0"]
    assert len({row["total"] for row in device}) == 2, "the sample has no such device in v1.0"
    with pytest.raises(ResultsError, match="10000 and 50000 images, and their accuracies do not compare"):
        replay_rows(device)
    names = {study.name for study in write_studies(device, tmp_path / "o.db", AXES)}
    assert any(name.endswith(" 10000 images") for name in names)


def test_a_toy_takes_no_network_off_the_fronts_that_a_search_begins_with(database: Path, sample: Path) -> None:
    with_toy = published_designs(database)
    without = database.with_name("without.duckdb")
    import_results([sample / "v1.0", sample / "v1.1"], without)
    assert set(published_designs(without)) <= set(with_toy)
