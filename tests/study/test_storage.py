"""Optuna's view of a study is true: its best trials are the front, in every value, whatever was measured since."""

from __future__ import annotations

import dataclasses
import json
import shutil
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import optuna
import pytest
from dse_harness.protocol import Request, Response
from optuna.trial import TrialState

from dse.quiet import new_study
from dse.reports.front import front_document, front_report
from dse.study import Study
from dse.study.storage import is_behind, runs_name
from dse.study.writer import StudyWriter
from tests.recording import (
    RecordedHarness,
    answer,
    begin,
    check_study,
    fails,
    make_space,
    run_study,
    stored_configurations,
    stored_runs,
)

_EARLIER = Path(__file__).parents[1] / "earlier"


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of dse 0.1.0 with repeats, failures, excluded runs, a constraint and official figures."""
    folder = tmp_path_factory.mktemp("earlier")
    with tarfile.open(_EARLIER / "searched.tar.xz") as archive:
        archive.extractall(folder, filter="data")
    return folder / "studies" / "searched"


def _by_trial(study: optuna.Study) -> dict[int, optuna.trial.FrozenTrial]:
    return {trial.user_attrs["trial"]: trial for trial in study.trials}


def test_best_trials_front_and_table_say_the_same(searched: Path) -> None:
    study = Study.read(searched)
    stored, table = study.optuna_study(), study.front().to_pandas()
    points = front_document(front_report(study))["points"]
    best = {trial.user_attrs["trial"]: trial for trial in stored.best_trials}
    assert len(points) > 1
    assert sorted(best) == sorted(table.index) == sorted(point["trial"] for point in points)
    for point in points:
        trial, row = best[point["trial"]], table.loc[point["trial"]]
        assert trial.params == point["config"] == {name: row[name] for name in point["config"]}
        assert dict(zip(stored.metric_names or [], trial.values, strict=True)) == point["values"]
        for name, value in point["values"].items():
            assert trial.user_attrs[name] == row[name] == value
            assert trial.user_attrs[f"{name}_standard_error"] == row[f"{name}_standard_error"]
        for name, (low, high) in point["intervals"].items():
            assert (trial.user_attrs[f"{name}_low"], trial.user_attrs[f"{name}_high"]) == (low, high)
            assert (row[f"{name}_low"], row[f"{name}_high"]) == (low, high)
        assert trial.user_attrs["p_front"] == row["p_front"] == point["p_front"]
        assert trial.user_attrs["trials"] == point["trials"]
        assert trial.user_attrs["repeats"] == row["repeats"] == len(point["trials"])
        assert trial.user_attrs["accuracy_good"] == row["accuracy_good"] == point["accuracy"]["good"]
        assert trial.user_attrs["accuracy_images"] == row["accuracy_images"] == point["accuracy"]["total"]


def test_each_configuration_and_each_run_is_one_trial(searched: Path) -> None:
    study = Study.read(searched)
    stored = study.optuna_study()
    assert [t.user_attrs["trial"] for t in stored.trials] == [row.trial for row in study.configurations()]
    for trial, row in zip(stored.trials, study.configurations(), strict=True):
        is_measured = row.verdict in ("front", "dominated", "constraint")
        assert trial.state == (TrialState.COMPLETE if is_measured else TrialState.FAIL)
        assert trial.user_attrs["verdict"] == row.verdict
        assert ("reason" in trial.user_attrs) == (row.verdict not in ("front", "dominated"))
    runs = optuna.load_study(study_name=runs_name(study.name), storage=stored._storage).trials
    assert [t.user_attrs["trial"] for t in runs] == [row.trial for row in study.trials()]
    for trial, run in zip(runs, study.trials(), strict=True):
        assert trial.state == (TrialState.COMPLETE if run.state == "counts" else TrialState.FAIL)
        assert trial.user_attrs.get("reason") == run.reason
        assert {name: trial.user_attrs[name] for name in run.values} == dict(run.values)
    assert {run.state for run in study.trials()} == {"counts", "excluded", "failed"}


def test_attributes_are_numbers_but_for_what_is_text(searched: Path) -> None:
    texts = {"fingerprint", "verdict", "reason", "phase", "failure", "trials"}
    for name in ("searched", "searched runs"):
        stored = optuna.load_study(study_name=name, storage=Study.read(searched).optuna_study()._storage)
        for trial in stored.trials:
            assert all(key.isidentifier() for key in trial.user_attrs)
            numbers = {key: value for key, value in trial.user_attrs.items() if key not in texts}
            assert all(type(value) in (int, float) for value in numbers.values())


def test_official_figures_of_an_earlier_version_stay(searched: Path) -> None:
    stored = _by_trial(Study.read(searched).optuna_study())
    (official,) = [trial for trial in stored.values() if "official_accuracy" in trial.user_attrs]
    assert 36 in official.user_attrs["trials"]
    assert official.user_attrs["official_latency_p90_ns"] > 0


def test_a_sampler_that_goes_on_with_the_study_suggests_levels_of_the_space(searched: Path) -> None:
    study = Study.read(searched)
    stored = study.optuna_study()
    mine = new_study(stored.directions, sampler=optuna.samplers.TPESampler(seed=1, n_startup_trials=1))
    mine.add_trials(stored.trials)
    tree = study.space.tree
    distributions = {name: optuna.distributions.CategoricalDistribution(tree.levels_of(name)) for name in tree.names}
    for _ in range(20):
        trial = mine.ask(distributions)
        assert all(value in tree.levels_of(name) for name, value in trial.params.items())
        mine.tell(trial, state=TrialState.FAIL)
    assert {n: d for t in stored.trials for n, d in t.distributions.items()}.items() <= distributions.items()


def test_equal_configurations_are_all_on_the_front(folder: Path, tmp_path: Path) -> None:
    def same(request: Request) -> Response:
        response = answer(dataclasses.replace(request, runtime=dataclasses.replace(request.runtime, threads=1)))
        return dataclasses.replace(response, accuracy=None)

    run_study(folder, make_space(tmp_path, objectives=["latency_p90_ns", "model_memory_bytes"]), RecordedHarness(same))
    study = check_study(folder)
    assert len(study.front()) == len(study.optuna_study().best_trials) == 6


def test_what_lacks_a_figure_of_a_constraint_is_not_best(folder: Path, tmp_path: Path) -> None:
    def without(request: Request) -> Response:
        response = answer(request)
        return dataclasses.replace(response, peak_memory_bytes=None) if request.runtime.threads == 1 else response

    run_study(folder, make_space(tmp_path, constraints=["peak_memory_bytes <= 1 GiB"]), RecordedHarness(without))
    study = check_study(folder)
    assert 0 < len(study.front()) < 6
    lacking = [t for t in stored_configurations(folder) if t.params["threads"] == 1]
    assert {(t.state.name, t.user_attrs["reason"]) for t in lacking} == {
        ("FAIL", "peak_memory_bytes <= 1073741824 does not hold: unknown")
    }


def _add(writer: StudyWriter, study: Path, trial: int, **changes: Any) -> None:
    """One more run of the configuration of ``trial``, with the same response but for ``changes``."""
    measured = next(m for m in writer.study.measurements if m.trial == trial)
    record, folder = begin(writer, measured.configuration, "confirm")
    response = dataclasses.replace(measured.response, **changes)
    text: Mapping[str, Any] = json.loads((study / "trials" / str(trial) / "response.json").read_text())
    changed = {name: None if value is None else dataclasses.asdict(value) for name, value in changes.items()}
    (folder / "response.json").write_text(json.dumps({**text, **changed}))
    writer.finish(record, response)


@pytest.mark.usefixtures("measured")
def test_an_accuracy_that_was_counted_again_is_everywhere(folder: Path, tmp_path: Path) -> None:
    first = Study.read(folder).measurements[0]
    assert first.accuracy is not None
    better = dataclasses.replace(first.accuracy, good=5 * first.accuracy.good + 1, total=5 * first.accuracy.total)
    with StudyWriter(folder, make_space(tmp_path), None, {}) as writer:
        _add(writer, folder, first.trial, accuracy=better)
    runs = [t for t in stored_runs(folder) if t.params["side"] == first.configuration["side"]]
    assert len(runs) == 4
    assert {t.user_attrs["accuracy"] for t in runs} == {better.good / better.total}
    configurations = [t for t in stored_configurations(folder) if t.params["side"] == first.configuration["side"]]
    assert {(t.values[0], t.user_attrs["accuracy_images"]) for t in configurations} == {
        (better.good / better.total, better.total)
    }
    check_study(folder)


@pytest.mark.usefixtures("measured")
def test_a_killed_search_leaves_runs_and_whoever_comes_next_makes_the_rest_true(folder: Path, tmp_path: Path) -> None:
    with StudyWriter(folder, make_space(tmp_path), None, {}) as writer:
        _add(writer, folder, 0)
        killed = tmp_path / "killed" / "s"
        killed.parent.mkdir()
        shutil.copytree(folder, killed)
    assert len(stored_runs(killed)) == 7
    assert [t.user_attrs["repeats"] for t in stored_configurations(killed)] == [1] * 6
    found = Study.read(killed)
    stored = found.optuna_study()
    assert sorted(t.user_attrs["repeats"] for t in stored.trials) == [1] * 5 + [2]
    assert not is_behind(found, stored._storage)
    check_study(killed)


@pytest.mark.usefixtures("measured")
def test_what_is_noted_in_the_dashboard_stays(folder: Path, tmp_path: Path) -> None:
    url = f"sqlite:///{folder / 'study.db'}"
    before = optuna.load_study(study_name="s", storage=url)
    ids = [trial._trial_id for trial in before.trials]
    before._storage.set_study_system_attr(before._study_id, f"dashboard:{ids[0]}:note_ver", 1)
    with StudyWriter(folder, make_space(tmp_path), None, {}) as writer:
        _add(writer, folder, 0)
    after = optuna.load_study(study_name="s", storage=url)
    assert [trial._trial_id for trial in after.trials] == ids
    assert after._storage.get_study_system_attrs(after._study_id)[f"dashboard:{ids[0]}:note_ver"] == 1


@pytest.mark.usefixtures("measured")
def test_what_others_did_to_the_view_is_undone(folder: Path, tmp_path: Path) -> None:
    study = optuna.load_study(study_name="s", storage=f"sqlite:///{folder / 'study.db'}")
    study.ask({"threads": optuna.distributions.CategoricalDistribution((1, 2, 3))})
    study.add_trial(optuna.trial.create_trial(values=[1.0, 1.0, 1.0]))
    with StudyWriter(folder, make_space(tmp_path), None, {}):
        pass
    check_study(folder)


def test_a_configuration_that_failed_says_why(folder: Path, tmp_path: Path) -> None:
    run_study(folder, make_space(tmp_path), RecordedHarness(fails("model_unsupported")), trials=1)
    (trial,) = stored_configurations(folder)
    assert (trial.state, trial.user_attrs["verdict"]) == (TrialState.FAIL, "infeasible")
    assert trial.user_attrs["reason"] == "model_unsupported: model_unsupported, as recorded"
    assert trial.datetime_start is not None
