"""Studies on disk: continued after any end, edited without losing history, written by one process only."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import optuna
import pytest
import yaml

from dse.errors import StudyError
from dse.reports.front import study_front
from dse.study import Study, StudyWriter, find_study
from harness import protocol
from harness.protocol import Response
from tests.recording import RecordedHarness, fails, make_space, run_study


@pytest.fixture(autouse=True)
def _cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSE_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))


@pytest.fixture(scope="module")
def _empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Optuna's tables without a study: making them takes half a second each time."""
    path = tmp_path_factory.mktemp("database") / "study.db"
    optuna.storages.RDBStorage(f"sqlite:///{path}").engine.dispose()
    return path


@pytest.fixture
def folder(tmp_path: Path, _empty_database: Path) -> Path:
    """Where a study may begin."""
    folder = tmp_path / "studies" / "s"
    folder.mkdir(parents=True)
    shutil.copy(_empty_database, folder)
    return folder


@pytest.fixture(scope="module")
def _template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.mktemp("template")
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("DSE_CACHE", str(base.parent / "cache"))
        run_study(base / "s", make_space(base))
    return base / "s"


@pytest.fixture
def measured(folder: Path, _template: Path) -> None:
    """The study in ``folder`` has measured all of its space."""
    shutil.copytree(_template, folder, dirs_exist_ok=True)


def _stored(folder: Path) -> list[optuna.trial.FrozenTrial]:
    return optuna.load_study(study_name=folder.name, storage=f"sqlite:///{folder / 'study.db'}").trials


def _check(folder: Path) -> Study:
    """A study is consistent: finished trials only, each once in Optuna, a sound database, nothing left over."""
    study = Study.read(folder)
    numbers = [measured.trial for measured in study.measurements]
    assert [path.name for path in folder.rglob("*.tmp")] == []
    assert sorted(int(path.name) for path in (folder / "trials").iterdir()) == numbers
    with closing(sqlite3.connect(folder / "study.db")) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        told = database.execute(
            "SELECT state, value_json FROM trials JOIN trial_user_attributes USING (trial_id) "
            "WHERE key = 'trial' ORDER BY number"
        ).fetchall()
        assert database.execute("SELECT COUNT(*) FROM trials").fetchone() == (len(told),)
    assert [int(number) for _, number in told] == numbers
    assert {state for state, _ in told} <= {"COMPLETE", "FAIL"}
    return study


def test_a_study_measures_every_configuration_once(folder: Path, tmp_path: Path) -> None:
    space, harness = make_space(tmp_path), RecordedHarness()
    run_study(folder, space, harness)
    study = _check(folder)
    first = [m for m in study.measurements if m.phase == "search"]
    assert {m.configuration for m in first} == set(space.tree.configurations())
    assert len(first) == space.tree.size
    assert study.settings["space"]["data_set"]["sha256"] == space.data_set.sha256
    assert study.settings["versions"]["optuna"] == optuna.__version__


def test_accuracy_is_measured_once_for_each_model(folder: Path, tmp_path: Path) -> None:
    harness = RecordedHarness()
    run_study(folder, make_space(tmp_path), harness)
    asked = [request.model_sha256 for request in harness.asked if request.accuracy]
    assert len(asked) == len(set(asked)) == 2
    assert all("accuracy" in m.values for m in Study.read(folder).measurements)


@pytest.mark.usefixtures("measured")
def test_a_finished_study_measures_nothing_again(folder: Path, tmp_path: Path) -> None:
    harness = RecordedHarness()
    run_study(folder, make_space(tmp_path), harness)
    assert [m.phase for m in _check(folder).measurements[6:]] == ["anchor"] * len(harness.asked)


def test_a_trial_without_response_is_made_again_under_its_number(folder: Path, tmp_path: Path) -> None:
    run_study(folder, make_space(tmp_path), trials=2)
    with StudyWriter(folder, make_space(tmp_path), None, {}) as writer:
        number = len(writer.study.measurements)
        _, unfinished = writer.begin(next(make_space(tmp_path).tree.configurations()))
        (unfinished / "performance").mkdir()
        (unfinished / "performance" / "mlperf_log_detail.txt").write_text("half a l")
    assert len(Study.read(folder).measurements) == number
    with StudyWriter(folder, make_space(tmp_path), None, {}) as writer:
        assert not unfinished.exists()
        record, _ = writer.begin(next(make_space(tmp_path).tree.configurations()))
        assert record.number == number
    with StudyWriter(folder, make_space(tmp_path), None, {}):
        pass
    _check(folder)


def test_a_trial_that_was_finished_and_not_told_counts(folder: Path, tmp_path: Path) -> None:
    space = make_space(tmp_path)
    with StudyWriter(folder, space, None, {}) as writer:
        _, trial = writer.begin(next(space.tree.configurations()))
        protocol.write(Response(peak_memory_bytes=5), trial / "response.json")
    with StudyWriter(folder, space, None, {}) as writer:
        assert [m.trial for m in writer.study.measurements] == [0]
    _check(folder)


def test_leftovers_of_a_killed_writer_are_removed(folder: Path, tmp_path: Path) -> None:
    run_study(folder, make_space(tmp_path), trials=1)
    (folder / ".study.yaml.4711.tmp").write_text("half")
    (folder / "trials" / "9").mkdir()
    with StudyWriter(folder, make_space(tmp_path), None, {}):
        pass
    _check(folder)


@pytest.mark.usefixtures("measured")
def test_a_lost_database_is_made_again(folder: Path, tmp_path: Path) -> None:
    before = [(t.params, t.values, t.state) for t in _stored(folder)]
    (folder / "study.db").unlink()
    with StudyWriter(folder, make_space(tmp_path), None, {}):
        pass
    assert [(t.params, t.values, t.state) for t in _stored(folder)] == before


def test_a_damaged_database_says_what_to_do(folder: Path, tmp_path: Path) -> None:
    run_study(folder, make_space(tmp_path), trials=1)
    (folder / "study.db").write_bytes(b"not a database" * 100)
    with (
        pytest.raises(StudyError, match="cannot be used") as caught,
        StudyWriter(folder, make_space(tmp_path), None, {}),
    ):
        pass
    assert f"remove {folder / 'study.db'}" in (caught.value.hint or "")


def test_an_added_word_among_levels_keeps_every_trial(folder: Path, tmp_path: Path) -> None:
    run_study(folder, make_space(tmp_path), trials=3)
    harness = RecordedHarness()
    wider = make_space(tmp_path, parameters={"precision": ["float32", "int8"], "threads": [1, 2, 3, 8]})
    run_study(folder, wider, harness)
    study = _check(folder)
    assert len({m.key for m in study.measurements}) == wider.tree.size == 16


@pytest.mark.usefixtures("measured")
def test_a_removed_level_leaves_its_trials_in_the_study_and_out_of_the_front(folder: Path, tmp_path: Path) -> None:
    run_study(folder, make_space(tmp_path, parameters={"threads": [2, 3]}))
    study = _check(folder)
    assert {m.configuration["threads"] for m in study.measurements} == {1, 2, 3}
    assert {point.configuration["threads"] for point in study_front(study)} <= {2, 3}


@pytest.mark.usefixtures("measured")
def test_an_added_parameter_at_its_default_measures_nothing_again(folder: Path, tmp_path: Path) -> None:
    harness = RecordedHarness()
    run_study(folder, make_space(tmp_path, parameters={"delegate": ["xnnpack"], "buffer_size": [1024]}), harness)
    study = _check(folder)
    assert {m.phase for m in study.measurements[6:]} <= {"anchor"}
    assert all(point.configuration["delegate"] == "xnnpack" for point in study_front(study))


@pytest.mark.usefixtures("measured")
def test_another_fidelity_measures_again_and_old_trials_leave_the_front(folder: Path, tmp_path: Path) -> None:
    before = len(Study.read(folder).measurements)
    run_study(folder, make_space(tmp_path, fidelity={"explore": {"min_duration": "100ms", "accuracy_images": 100}}))
    study = _check(folder)
    assert {m.phase for m in study.measurements[before:]} == {"search", "anchor"} or len(study.measurements) >= 12
    assert all(trial >= before for point in study_front(study) for trial in point.trials)


@pytest.mark.usefixtures("measured")
def test_fewer_images_for_accuracy_measure_nothing_again(folder: Path, tmp_path: Path) -> None:
    before = len(Study.read(folder).measurements)
    run_study(folder, make_space(tmp_path, fidelity={"explore": {"accuracy_images": 50}}))
    assert {m.phase for m in _check(folder).measurements[before:]} <= {"anchor"}


def test_more_images_for_accuracy_are_taken_for_the_front_alone(folder: Path, tmp_path: Path) -> None:
    run_study(folder, make_space(tmp_path, fidelity={"explore": {"accuracy_images": 50}}))
    before = len(Study.read(folder).measurements)
    harness = RecordedHarness()
    run_study(folder, make_space(tmp_path, fidelity={"explore": {"accuracy_images": 10_000}}), harness)
    study = _check(folder)
    assert {m.phase for m in study.measurements[before:]} == {"anchor", "confirm"}
    models = {request.model_sha256 for request in harness.asked if request.accuracy}
    assert len(models) == len([request for request in harness.asked if request.accuracy]) <= 2
    assert {p.accuracy.total for p in study_front(study) if p.accuracy} == {10_000}


@pytest.mark.usefixtures("measured")
@pytest.mark.parametrize(
    "change",
    [
        {"objectives": ["accuracy", "latency_p99_ns", "peak_memory_bytes"]},
        {"objectives": ["latency_p50_ns"]},
        {"objectives": ["accuracy", "latency_p90_ns"]},
        {"constraints": ["latency_p90_ns <= 2 ms"]},
    ],
)
def test_other_objectives_and_constraints_need_no_measurement(
    folder: Path, tmp_path: Path, change: dict[str, Any]
) -> None:
    space = make_space(tmp_path, **change)
    with StudyWriter(folder, space, None, {}) as writer:
        values = [[m.values[o.name] for o in space.objectives] for m in writer.study.measurements]
    _check(folder)
    assert [trial.values for trial in _stored(folder)] == values
    study = optuna.load_study(study_name="s", storage=f"sqlite:///{folder / 'study.db'}")
    assert study.metric_names == [objective.name for objective in space.objectives]


def test_the_dashboards_spelling_of_constraints_is_there_and_agrees(folder: Path, tmp_path: Path) -> None:
    run_study(folder, make_space(tmp_path, constraints=["latency_p90_ns <= 2 ms", "accuracy >= 10%"]))
    for stored, measured in zip(_stored(folder), Study.read(folder).measurements, strict=True):
        excess = measured.values["latency_p90_ns"] - 2e6
        assert stored.system_attrs["constraints"][0] == excess
        assert stored.system_attrs["constraints:latency_p90_ns <= 2000000"] == excess
        assert stored.constraints["latency_p90_ns <= 2000000"] == excess
    study = optuna.load_study(study_name="s", storage=f"sqlite:///{folder / 'study.db'}")
    assert all(trial.values[1] <= 2e6 for trial in study.best_trials)


def test_trials_have_readable_units_and_real_values(folder: Path, tmp_path: Path) -> None:
    run_study(folder, make_space(tmp_path), trials=1)
    trial = _stored(folder)[0]
    assert trial.params["side"] in (48, 64)
    assert trial.params["precision"] == "float32"
    assert trial.user_attrs["p90 latency"].endswith(" ms")
    assert trial.user_attrs["peak memory"].endswith(" MiB")
    assert trial.datetime_complete is not None


def test_a_failed_trial_is_told_with_its_reason(folder: Path, tmp_path: Path) -> None:
    run_study(folder, make_space(tmp_path), RecordedHarness(fails("delegate_refused")), trials=1)
    trial = _stored(folder)[0]
    assert trial.state.name == "FAIL"
    assert (trial.user_attrs["failure"], trial.user_attrs["reason"]) == (
        "delegate_refused",
        "delegate_refused, as recorded",
    )


@pytest.mark.parametrize(
    ("error", "runs"), [("delegate_refused", 1), ("model_missing", 3), ("data_set", 3), ("timeout", 2), ("crashed", 2)]
)
def test_only_what_may_have_passed_is_tried_again(folder: Path, tmp_path: Path, error: Any, runs: int) -> None:
    space = make_space(tmp_path, parameters={"threads": [1], "side": [48]})
    for _ in range(3):
        run_study(folder, space, RecordedHarness(fails(error)))
    assert len(_check(folder).measurements) == runs


def test_what_was_repaired_is_measured(folder: Path, tmp_path: Path) -> None:
    run_study(folder, make_space(tmp_path), RecordedHarness(fails("runtime_missing")))
    run_study(folder, make_space(tmp_path))
    assert len(study_front(_check(folder))) > 0


def test_a_study_in_use_is_refused_with_its_owner(folder: Path, tmp_path: Path) -> None:
    program = (
        "import sys\nfrom pathlib import Path\nfrom dse.study.study import _locked\n"
        "lock = _locked(Path(sys.argv[1]))\nprint('locked', flush=True)\nsys.stdin.read()\n"
    )
    command = [sys.executable, "-c", program, str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout
        assert other.stdout.readline() == "locked\n"
        with pytest.raises(StudyError, match=f"in use by process {other.pid} on"):
            run_study(folder, make_space(tmp_path))
        other.communicate("")
    run_study(folder, make_space(tmp_path), trials=1)


def test_reading_needs_no_lock(folder: Path, tmp_path: Path) -> None:
    with StudyWriter(folder, make_space(tmp_path), None, {}):
        assert Study.read(folder).measurements == []


def test_the_lock_is_free_after_a_failed_start(folder: Path, tmp_path: Path) -> None:
    run_study(folder, make_space(tmp_path), trials=1)
    (folder / "trials" / "0" / "trial.json").write_text("{")
    for _ in range(2):
        with pytest.raises(StudyError, match=r"trial\.json"):
            run_study(folder, make_space(tmp_path))


def test_a_study_of_another_space_is_refused(folder: Path, tmp_path: Path) -> None:
    run_study(folder, make_space(tmp_path), trials=1)
    with pytest.raises(StudyError, match="of the space small_study, not of other"):
        run_study(folder, make_space(tmp_path, name="other"))


def test_a_study_keeps_its_storage(folder: Path, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'elsewhere.db'}"
    (folder / "study.db").unlink()
    run_study(folder, make_space(tmp_path), trials=1, storage=url)
    run_study(folder, make_space(tmp_path), trials=1)
    assert not (folder / "study.db").exists()
    assert len(optuna.load_study(study_name="s", storage=url).trials) >= 2
    with pytest.raises(StudyError, match="found storage sqlite"):
        run_study(folder, make_space(tmp_path), storage="sqlite:///other.db")


def test_somebody_elses_study_in_a_storage_is_left_alone(folder: Path, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'shared.db'}"
    theirs = optuna.create_study(storage=url, study_name="s")
    theirs.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=1)
    with pytest.raises(StudyError, match="has another study called s"):
        run_study(folder, make_space(tmp_path), storage=url)
    assert len(optuna.load_study(study_name="s", storage=url).trials) == 1


def test_a_storage_that_does_not_answer_is_refused_without_its_password(folder: Path, tmp_path: Path) -> None:
    url = "postgresql://me:secret@127.0.0.1:9/db"
    with pytest.raises(StudyError, match="cannot be used") as caught:
        run_study(folder, make_space(tmp_path), storage=url)
    assert "secret" not in str(caught.value)


@pytest.mark.usefixtures("measured")
def test_a_copied_folder_is_the_same_study(folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "elsewhere" / "s"
    shutil.copytree(folder, copy)
    harness = RecordedHarness()
    run_study(copy, make_space(tmp_path), harness)
    assert all(m.phase == "anchor" for m in _check(copy).measurements[6:])


@pytest.mark.parametrize("name", ["no name", ".hidden", "-x", "a\nb", "größe"])
def test_a_name_that_is_trouble_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(StudyError, match="allowed: letters, digits, dots, dashes"):
        run_study(tmp_path / name, make_space(tmp_path))


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "studies").write_text("a file")
    with pytest.raises(StudyError, match="cannot be written"):
        run_study(tmp_path / "studies" / "s", make_space(tmp_path))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda _: "{", "cannot be read"),
        (lambda _: "", "found schema None, this version reads 1"),
        (lambda _: "schema: 1\n", "is not a study's"),
        (lambda s: yaml.safe_dump(s | {"schema": 99}), "found schema 99, this version reads 1"),
        (lambda s: yaml.safe_dump(s | {"space": s["space"] | {"objectives": {"speed": "up"}}}), "speed"),
        (lambda s: yaml.safe_dump(s | {"space": s["space"] | {"constraints": ["x"]}}), "is not a study's"),
        (lambda s: yaml.safe_dump(s | {"space": None}), "is not a study's"),
    ],
)
def test_a_damaged_study_is_named(folder: Path, tmp_path: Path, change: Any, message: str) -> None:
    run_study(folder, make_space(tmp_path), trials=1)
    path = folder / "study.yaml"
    path.write_text(change(yaml.safe_load(path.read_text())))
    for use in (lambda: Study.read(folder), lambda: run_study(folder, make_space(tmp_path))):
        with pytest.raises(StudyError) as caught:
            use()
        assert caught.value.path == path
        assert message in caught.value.message


def test_a_study_is_found_by_name_and_by_path(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_study(folder, make_space(tmp_path), trials=1)
    monkeypatch.chdir(folder)
    for name, studies in (("s", folder.parent), (str(folder), Path("none")), (".", Path("none")), ("../s", Path("x"))):
        assert find_study(name, studies).folder == folder
        assert find_study(name, studies).name == "s"
    with pytest.raises(StudyError, match="no study is here"):
        find_study("none", folder.parent)
