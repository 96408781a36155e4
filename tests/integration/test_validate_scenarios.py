"""Offline and MultiStream, measured by the rules with the real LoadGen for a moment: recorded, written, checked."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

import dse
from dse.backends import LocalBackend
from dse.errors import SubmissionError
from dse.files import sha256_file
from dse.submission.candidates import official_candidates
from dse.submission.check_figures import check_figures
from dse.submission.figures import check_performance_figures
from dse.submission.manifest import read_manifest
from dse.submission.official_figures import figures_of
from dse.submission.point import ValidatedPoint
from dse.submission.rounds import ROUNDS, SCENARIOS, Scenario
from dse.submission.tree import Submission, write_tree
from dse.submission.validate import plan, run
from tests.harness.running import write_colours
from tests.harness.tiny_models import write_tiny_model
from tests.submission.good import system_description

ROUND = ROUNDS.get("v6.1")
BATCH = {"SingleStream": 1, "Offline": 16, "MultiStream": 4}
EXPECTED_NS = {"SingleStream": 3_000, "Offline": 20_000, "MultiStream": 24_000}
"""Faster than any machine answers, so that LoadGen's queries last."""
MakePoint = Callable[[Scenario], ValidatedPoint]


@pytest.fixture(scope="module")
def make_point(tmp_path_factory: pytest.TempPathFactory) -> MakePoint:
    """A function that searches on a device that is made up, and validates the only point on this machine."""
    folder = tmp_path_factory.mktemp("validated")
    model, images = write_tiny_model(folder / "tiny.tflite"), write_colours(folder / "colours.npz", count=60)
    made: dict[str, ValidatedPoint] = {}

    def make(scenario: Scenario) -> ValidatedPoint:
        if scenario not in made:
            space = dse.load_space(
                {
                    "schema": 1,
                    "name": "tiny",
                    "data_set": {"file": str(images), "classes": 10},
                    "models": {"mine": {"path": str(model)}},
                    "parameters": {"scenario": {scenario: {"batch_size": [BATCH[scenario]]}}, "buffer_size": [32]},
                    "objectives": ["accuracy", "samples_per_second"],
                }
            )
            device = dse.FakeDevice(lambda _: EXPECTED_NS[scenario], lambda _: 0.1, noise=0.0, images=60)
            study = dse.explore(space, folder / scenario, dse.Budget(trials=1), backend=device)
            found = official_candidates(study, (), None)
            todo = plan(found.candidates, study.folder, ROUND, available_bytes=2**33, duration_ms=100)
            (outcome,) = run(todo, LocalBackend(fresh=True))
            assert outcome.point is not None, outcome.reason
            made[scenario] = outcome.point
        return made[scenario]

    return make


def submission(points: list[ValidatedPoint], scenarios: tuple[Scenario, ...] = ()) -> Submission:
    return Submission("Example", "board", system_description(), ROUND, points, scenarios, rehearsal=True)


def written(points: list[ValidatedPoint], folder: Path, scenarios: tuple[Scenario, ...] = ()) -> dict[str, str]:
    """The results in a tree by the scenario of the folder, each with the one that its log has."""
    write_tree(submission(points, scenarios), folder, ["data-set-size", "buffer-size"])
    figures = check_figures(folder / "tree", ROUND, read_manifest(folder / "submission.json"), base=folder)
    assert [str(item) for item in figures.findings if item.rule != "rehearsal"] == []
    assert figures.notes == []
    logs = (folder / "tree").glob("open/Example/results/board/*/*/performance/run_1/mlperf_log_detail.txt")
    return {
        f"{log.parents[3].name.rpartition('-')[2]} {log.parents[2].name}": re.search(
            r'"effective_scenario", "value": "(\w+)"', log.read_text()
        )[1]  # type: ignore[index]
        for log in logs
    }


@pytest.mark.parametrize("scenario", ["Offline", "MultiStream"])
def test_a_point_is_measured_recorded_and_written(make_point: MakePoint, tmp_path: Path, scenario: Scenario) -> None:
    point = make_point(scenario)
    assert point.scenario == scenario
    assert point.name.endswith(f"-batch{BATCH[scenario]}-{scenario.lower()}")
    assert f"resnet50.{scenario}.target_" in point.user_conf.read_text()
    found = figures_of(point)
    assert found.headline in found.values
    assert found.duration_ns > 50_000_000  # of the queries alone: between them the clock of the run goes on
    assert written([point], tmp_path / "tree") == {f"{scenario.lower()} {scenario}": scenario}
    if scenario == "Offline":
        assert found.latency_p90_ns is None
        assert point.performance.response.metrics["samples"].value >= 24_576
    else:
        assert found.query_count >= 662


def test_what_was_measured_is_written_and_what_is_asked_for_is_derived(make_point: MakePoint, tmp_path: Path) -> None:
    single, multi, offline = (make_point(name) for name in ("SingleStream", "MultiStream", "Offline"))
    assert written([single], tmp_path / "1", SCENARIOS) == {
        "b60 SingleStream": "SingleStream",
        "b60 MultiStream": "SingleStream",
        "b60 Offline": "SingleStream",
    }
    assert written([single, multi, offline], tmp_path / "2", SCENARIOS) == {
        "b60 SingleStream": "SingleStream",
        "multistream MultiStream": "MultiStream",
        "offline Offline": "Offline",
    }, "what another point measured is not derived"
    assert written([multi], tmp_path / "3", ("Offline",)) == {"multistream Offline": "MultiStream"}
    with pytest.raises(SubmissionError, match="no result of SingleStream: neither measured nor to be derived from Off"):
        write_tree(submission([offline], ("SingleStream",)), tmp_path / "4", ["data-set-size", "buffer-size"])


@pytest.mark.parametrize("scenario", ["Offline", "MultiStream"])
@pytest.mark.parametrize("key", ["samples_per_second", "result_max", "result_50.00", "early_stopping_latency_ms"])
def test_a_figure_that_was_edited_contradicts_another(
    make_point: MakePoint, tmp_path: Path, scenario: Scenario, key: str
) -> None:
    logs = tmp_path / "run_1"
    logs.mkdir()
    changed = 0
    for source in make_point(scenario).performance.logs.iterdir():
        if source.name in ("mlperf_log_detail.txt", "mlperf_log_summary.txt"):
            lines = source.read_text().splitlines()
            for number, line in enumerate(lines):
                if re.search(rf'"key": "[^"]*{key}[^"]*", "value": [1-9]', line):
                    lines[number] = re.sub(r'"value": [1-9]\d*', lambda found: f"{found[0]}7", line)
                    changed += 1
            (logs / source.name).write_text("\n".join(lines) + "\n")
    if changed:
        assert list(check_performance_figures(tmp_path, logs))
    else:
        assert (scenario, key) in {("MultiStream", "samples_per_second"), ("Offline", "early_stopping_latency_ms")}


@pytest.mark.parametrize("scenario", ["Offline", "MultiStream"])
def test_a_response_that_was_edited_is_found_though_its_hash_was_too(
    make_point: MakePoint, tmp_path: Path, scenario: Scenario
) -> None:
    import shutil

    from dse.submission.point import read_point

    folder = tmp_path / "study" / "validation" / "0"
    shutil.copytree(make_point(scenario).folder, folder)
    path = folder / "performance" / "response.json"
    response, record = json.loads(path.read_text()), json.loads((folder / "validation.json").read_text())
    response["metrics"]["samples_per_second"]["value"] *= 2
    path.write_text(json.dumps(response))
    record["sha256"]["performance/response.json"] = sha256_file(path)
    (folder / "validation.json").write_text(json.dumps(record))
    with pytest.raises(SubmissionError, match=r"response: found metrics\.samples_per_second"):
        figures_of(read_point(folder))
