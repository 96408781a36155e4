"""Configurations that come to one experiment: measured once, known all, one of them on the front."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from dse_harness.protocol import Accuracy, Request, Response

from dse.core.budget import Budget
from dse.reports.front import front_report
from dse.search.edits import edits
from dse.search.plan import make_plan
from dse.spaces.space import Space
from dse.study import Study
from tests.recording import SPACE, RecordedHarness, answer, make_space, run_study
from tests.thorough import most_thorough

LISTED = 60
"""How large a space may be to be listed, in tests of larger ones."""


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSE_CACHE", str(tmp_path / "cache"))


def _twice(folder: Path, **changes: Any) -> Space:
    """The zoo under two names: 12 configurations that are 6 experiments."""
    return make_space(folder, models={name: {"zoo": "mobilenet_v3"} for name in ("a", "b")}, **changes)


@pytest.fixture
def few_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("search.costs", "spaces.placement", "samplers.unseen", "samplers.screen", "samplers.encoding"):
        monkeypatch.setattr(f"dse.{module}.LISTED", LISTED)


@pytest.mark.parametrize(
    "sampler",
    most_thorough(
        ["auto", "surrogate", "tpe", "grid", "random"],
        lambda sampler: sampler in ("auto", "random"),
        "what is known is passed over for every sampler by the same code",
    ),
)
def test_each_experiment_is_measured_once(tmp_path: Path, sampler: str) -> None:
    space = _twice(tmp_path, sampler=sampler)
    progress = run_study(tmp_path / "s", space)
    assert (progress.done, progress.ended) == (6, "every configuration is known")
    study = Study.read(tmp_path / "s")
    assert len({m.key for m in study.measurements}) == len(study.measurements) == 6
    assert {m.configuration["model"] for m in study.measurements} == {"a"}
    points = study.analysis.front
    assert len({tuple((k, v) for k, v in p.configuration.items() if k != "model") for p in points}) == len(points)
    assert f"{len(points)} of 6 measured configurations" in front_report(study).title
    plan = make_plan(space, study.measurements, Budget())
    assert (plan.configurations, plan.duplicates, plan.known, plan.unknown) == (12, 6, 6, 0)
    harness = RecordedHarness()
    run_study(tmp_path / "s", space, harness)
    assert len(harness.asked) == 1, "the reference configuration alone"


@pytest.mark.usefixtures("few_listed")
def test_twins_of_a_space_that_is_too_large_to_list_are_found_as_they_come(tmp_path: Path) -> None:
    levels = {"threads": list(range(1, 2 + LISTED // 4)), "model": ["a", "b"]}
    space = _twice(tmp_path, sampler="grid", parameters=levels)
    assert space.tree.size > LISTED
    for more, done in ((5, 5), (3, 8)):
        run_study(tmp_path / "s", space, trials=more)
        measured = [m.key for m in Study.read(tmp_path / "s").measurements if m.phase == "search"]
        assert len(measured) == len(set(measured)) == done


@pytest.mark.usefixtures("few_listed")
def test_what_a_search_says_at_its_end_is_what_the_study_says(tmp_path: Path) -> None:
    """In a space that is too large to list, an edit parts trials from the configuration that they belong to now."""
    levels = {"side": [48, 64, 96], "threads": list(range(1, 2 + LISTED // 3))}
    space = make_space(tmp_path, sampler="grid", parameters=levels)
    assert space.tree.size > LISTED
    run_study(tmp_path / "s", space, trials=1)
    edited = make_space(tmp_path, sampler="grid", parameters={**levels, "buffer_size": [1024]})
    progress = run_study(tmp_path / "s", edited, trials=2)
    found = Study.read(tmp_path / "s").analysis.front
    assert [(p.trial, p.trials) for p in progress.front] == [(p.trial, p.trials) for p in found]


def test_two_addresses_of_one_file_are_one_experiment(tmp_path: Path, server: Any) -> None:
    server.contents = b"\0\0\0\0TFL3" + bytes(100)
    models = {name: {"url": f"{server.url}?{name}"} for name in ("a", "b", "c")}
    for _ in range(2):  # the second time, the checksums are known before the first download
        space = make_space(tmp_path, models=models, parameters=dict.fromkeys(SPACE["parameters"]) | {"threads": [1, 2]})
        for source in space.downloads:
            source.download()
        progress = run_study(tmp_path / "s", space)
    assert progress.ended == "every configuration is known"
    assert len({m.key for m in Study.read(tmp_path / "s").measurements}) == 2
    assert [m.phase for m in Study.read(tmp_path / "s").measurements] == ["search", "search", "reference"]


def _without_model_memory(request: Request) -> Response:
    """As versions before the metric answered."""
    return replace(answer(request), model_memory_bytes=None)


def test_a_study_of_before_the_metric_goes_on_with_its_own_objectives(tmp_path: Path) -> None:
    space = make_space(tmp_path, objectives=["accuracy", "latency_p90_ns", "peak_memory_bytes"])
    run_study(tmp_path / "s", space, RecordedHarness(_without_model_memory))
    assert Study.read(tmp_path / "s").analysis.front
    progress = run_study(tmp_path / "s", space)
    assert progress.done == 0


def test_where_the_models_memory_is_asked_for_trials_of_before_it_are_measured_again(tmp_path: Path) -> None:
    before = make_space(tmp_path, objectives=["accuracy", "latency_p90_ns", "peak_memory_bytes"])
    run_study(tmp_path / "s", before, RecordedHarness(_without_model_memory))
    space = make_space(tmp_path)
    for done in (6, 0):
        progress = run_study(tmp_path / "s", space)
        assert (progress.done, progress.ended) == (done, "every configuration is known")
    assert all("model_memory_bytes" in point.values for point in Study.read(tmp_path / "s").analysis.front)


def _on_the_first_of_the_list(request: Request) -> Response:
    """As versions before the random order answered."""
    response = answer(request)
    if response.accuracy is None:
        return response
    accuracy = Accuracy(response.accuracy.good // 2, response.accuracy.total, response.accuracy.predictions_sha256)
    return replace(response, accuracy=accuracy)


def test_accuracies_on_the_first_images_of_the_list_are_counted_again_and_never_mixed_in(tmp_path: Path) -> None:
    space = make_space(tmp_path)
    run_study(tmp_path / "s", space, RecordedHarness(_on_the_first_of_the_list))
    before = Study.read(tmp_path / "s").analysis.front
    assert {point.accuracy.image_order for point in before if point.accuracy} == {"list"}
    (said,) = edits(Study.read(tmp_path / "s"), space).changing
    assert "of an earlier version of dse and measured again: accuracies were counted on the first" in said
    progress = run_study(tmp_path / "s", space, trials=2)
    assert progress.done == 2
    for _ in range(2):
        run_study(tmp_path / "s", space)
        study = Study.read(tmp_path / "s")
        points = study.analysis.front
        assert {point.accuracy.image_order for point in points if point.accuracy} == {"random"}
        assert len([m for m in study.measurements if m.phase == "search"]) == 12


def test_complete_accuracies_count_on_whatever_the_order(tmp_path: Path) -> None:
    space = make_space(tmp_path, fidelity={"explore": {"accuracy_images": None}})

    def complete(request: Request) -> Response:
        response = answer(request)
        found = Accuracy(7000, 10_000, request.model_sha256) if request.accuracy else None
        return replace(response, accuracy=found)

    run_study(tmp_path / "s", space, RecordedHarness(complete))
    assert run_study(tmp_path / "s", space).done == 0
