"""An accuracy counts for whoever has its key and answers alike on the first images: for no other engine, no other way
to prepare the images, and no board that answers otherwise."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import dse
from dse.core.budget import Budget
from dse.errors import StudyError
from dse.fleet.fleet import fleet_of
from dse.search.explore import explore
from dse.search.plan import make_plan
from dse.spaces.load import load_space
from dse.study import Study
from dse.study.writer import StudyWriter
from dse.trust import trust
from tests.fleet.board import write_board
from tests.fleet.test_pool import PROCESSES, bench
from tests.search.bench import Bench
from tests.thorough import thorough

pytest.importorskip("distributed")
__all__ = ["bench"]
ALL = 500
"""Images that an accuracy is counted on."""
SIDES = "[48]\n  precision: [float32]"
IMAGES = "data_set: {embedded: fashion_mnist}"


@pytest.fixture
def lab(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """Two configurations of a model."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(bench.folder / "user"))
    bench.write("[1]", SIDES, ALL)
    return bench


def boards(lab: Bench, **settings: Mapping[str, Any]) -> Path:
    """A file of systems with a board each, which is as the settings say; they are searched in this order."""
    pythons = {name: str(write_board(lab.folder / name, **of)) for name, of in settings.items()}
    trust(pythons.values())
    systems = {
        name: {"devices": {f"{name}-1": {"transport": "local", "root": f"{name}/root", "python": python}}}
        for name, python in pythons.items()
    }
    path = lab.folder / "lab.yaml"
    path.write_text(json.dumps({"systems": systems}))
    return path


def has(litert: str, **others: str) -> dict[str, Any]:
    return {"versions": {"ai-edge-litert": litert, **others}}


def searched(lab: Bench, devices: Path) -> Mapping[str, Study]:
    found = dse.explore_systems(lab.folder / "space.yaml", lab.folder / "study", devices=devices)
    assert found.failed == {}
    return found.studies


def on_all_images(study: Study) -> int:
    """How often this study counted an accuracy on all images."""
    return sum((m.response.accuracy.total if m.response.accuracy else 0) == ALL for m in study.measurements)


def taken(study: Study) -> int:
    """How many trials have the accuracy that another system counted."""
    return sum(m.accuracy is not None and m.accuracy_from < 0 for m in study.measurements)


def accuracies(study: Study) -> set[float]:
    return {estimate.values["accuracy"] for estimate in study.analysis.estimates}


@thorough(PROCESSES)
def test_only_the_same_engine_that_answers_alike_takes_an_accuracy(lab: Bench) -> None:
    devices = boards(
        lab,
        first=has("2.1.0"),
        alike=has("2.1.0", **{"mlcommons-loadgen": "5.1.2"}),  # which asks, and does not calculate
        newer=has("2.2.0"),
        otherwise={**has("2.1.0"), "answers": "of a library of its own"},
    )
    found = searched(lab, devices)
    first, alike, newer, otherwise = (found[name] for name in ("first", "alike", "newer", "otherwise"))
    assert [len(study.configurations()) for study in found.values()] == [2, 2, 2, 2]
    assert len({m.accuracy_key for study in found.values() for m in study.measurements}) == 4  # each system has its own
    assert (on_all_images(first), taken(first)) == (1, 0)
    assert (on_all_images(alike), taken(alike)) == (0, len(alike.records))
    assert all(m.response.spot_check for m in alike.measurements if m.phase == "search")
    assert accuracies(alike) == accuracies(first)
    assert (on_all_images(newer), taken(newer)) == (1, 0)
    assert (on_all_images(otherwise), taken(otherwise)) == (1, 0)


@thorough(PROCESSES)
def test_another_way_to_prepare_the_images_takes_no_accuracy(lab: Bench) -> None:
    """Neither on another board nor, where the study would go on with it, on the same one."""
    devices, space = boards(lab, first=has("2.1.0")), lab.folder / "space.yaml"
    assert on_all_images(searched(lab, devices)["first"]) == 1
    space.write_text(space.read_text().replace(IMAGES, IMAGES.replace("}", ", preprocessing: {mean: 1.0}}")))
    found = dse.explore_systems(
        space, lab.folder / "study", devices=boards(lab, other=has("2.1.0"), first=has("2.1.0"))
    )
    assert (on_all_images(found.studies["other"]), taken(found.studies["other"])) == (1, 0)
    assert isinstance(found.failed["first"], StudyError)
    assert re.search(r"changes what this study answers: .*preprocessing\.mean", str(found.failed["first"]))
    assert len(found.studies["first"].records) == 2


@thorough(PROCESSES)
def test_a_board_with_another_engine_than_before_counts_again(lab: Bench) -> None:
    """A study whose front would be lost is refused; where it goes on, trials of one engine share, and no others."""
    study = gone_on(lab, "2.1.0")
    assert on_all_images(study) == 1
    devices = boards(lab, first=has("2.2.0"))
    with pytest.raises(StudyError, match="points on the front are not in the space any more"):
        dse.explore(lab.folder / "space.yaml", study.folder, devices=devices)
    gone_on(lab, "2.2.0")
    lab.write("[1, 2]", SIDES, ALL)
    study = gone_on(lab, "2.1.0")
    first, newer, second = (
        [m for m in study.measurements if m.session == n and m.phase == "search"] for n in (1, 2, 3)
    )
    assert [len(each) for each in (first, newer, second)] == [2, 2, 2]
    assert on_all_images(study) == 2
    assert {m.accuracy_from for m in first} == {m.accuracy_from for m in second} == {first[0].trial}
    assert {m.accuracy_from for m in newer} == {newer[0].trial}


def gone_on(lab: Bench, litert: str) -> Study:
    """The study of `first`, searched until all of the space is known with the engine that its board has now."""
    fleet, folder = fleet_of(boards(lab, first=has(litert))), lab.folder / "study-first"
    space = fleet.asked(
        fleet.of(load_space(lab.folder / "space.yaml")), Study.read(folder) if folder.exists() else None
    )
    with (
        StudyWriter(folder, space, None, {"system": fleet.system}, boards=fleet.versions) as writer,
        fleet.pool("s" * 8) as pool,
    ):
        plan = make_plan(space, writer.study.measurements, Budget())
        explore(writer, space, pool, plan, 0, lambda _: None, lambda: False, confirm=False)
    return Study.read(folder)
