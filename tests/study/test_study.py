"""Studies on disk: continued after any end, written by one process only."""

from __future__ import annotations

import itertools
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import optuna
import pytest
import yaml
from dse_harness import protocol
from dse_harness.protocol import Request, Response

from dse.errors import InputError, MachineError, StudyError
from dse.study import Study, find_study
from dse.study.writer import StudyWriter
from tests.limits import small_files
from tests.recording import RecordedHarness, answer, begin, check_study, fails, make_space, run_study, stored_runs


def test_a_study_measures_every_configuration_once(folder: Path, tmp_path: Path) -> None:
    space, harness = make_space(tmp_path), RecordedHarness()
    run_study(folder, space, harness)
    study = check_study(folder)
    first = [m for m in study.measurements if m.phase == "search"]
    assert {m.configuration for m in first} == set(space.tree.configurations())
    assert len(first) == space.tree.size
    assert study.space.data_set.sha256 == space.data_set.sha256
    assert study.settings.versions["optuna"] == optuna.__version__


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
    assert [m.phase for m in check_study(folder).measurements[6:]] == ["reference"] * len(harness.asked)


def test_a_trial_without_response_is_made_again_under_its_number(folder: Path, tmp_path: Path) -> None:
    run_study(folder, make_space(tmp_path), trials=2)
    with StudyWriter(folder, make_space(tmp_path), None, {}) as writer:
        number = len(writer.study.measurements)
        _, unfinished = begin(writer, next(make_space(tmp_path).tree.configurations()))
        (unfinished / "performance").mkdir()
        (unfinished / "performance" / "mlperf_log_detail.txt").write_text("half a l")
    assert len(Study.read(folder).measurements) == number
    with StudyWriter(folder, make_space(tmp_path), None, {}) as writer:
        assert not unfinished.exists()
        record, _ = begin(writer, next(make_space(tmp_path).tree.configurations()))
        assert record.number == number
    with StudyWriter(folder, make_space(tmp_path), None, {}):
        pass
    check_study(folder)


def test_a_trial_that_was_finished_and_not_told_counts(folder: Path, tmp_path: Path) -> None:
    space = make_space(tmp_path)
    with StudyWriter(folder, space, None, {}) as writer:
        _, trial = begin(writer, next(space.tree.configurations()))
        protocol.write(Response(peak_memory_bytes=5), trial / "response.json")
    with StudyWriter(folder, space, None, {}) as writer:
        assert [m.trial for m in writer.study.measurements] == [0]
    check_study(folder)


def test_leftovers_of_a_killed_writer_are_removed(folder: Path, tmp_path: Path) -> None:
    run_study(folder, make_space(tmp_path), trials=1)
    (folder / ".study.yaml.4711.tmp").write_text("half")
    (folder / "earlier" / "1").mkdir(parents=True)
    (folder / "earlier" / "1" / ".front.csv.4711.tmp").write_text("half")
    (folder / "trials" / "9").mkdir()
    with StudyWriter(folder, make_space(tmp_path), None, {}):
        pass
    check_study(folder)


@pytest.mark.usefixtures("measured")
def test_a_lost_database_is_made_again(folder: Path, tmp_path: Path) -> None:
    before = [(t.params, t.values, t.state) for t in stored_runs(folder)]
    (folder / "study.db").unlink()
    with StudyWriter(folder, make_space(tmp_path), None, {}):
        pass
    assert [(t.params, t.values, t.state) for t in stored_runs(folder)] == before


def test_a_damaged_database_says_what_to_do(folder: Path, tmp_path: Path) -> None:
    run_study(folder, make_space(tmp_path), trials=1)
    (folder / "study.db").write_bytes(b"not a database" * 100)
    with (
        pytest.raises(StudyError, match="cannot be used") as caught,
        StudyWriter(folder, make_space(tmp_path), None, {}),
    ):
        pass
    assert f"remove {folder / 'study.db'}" in (caught.value.hint or "")


def test_a_full_disk_is_the_machines_matter_and_loses_no_trial(folder: Path, tmp_path: Path) -> None:
    run_study(folder, make_space(tmp_path), trials=1)
    (folder / "study.db").unlink()
    writer = StudyWriter(folder, make_space(tmp_path), None, {})
    with pytest.raises(MachineError, match=r"study\.db: cannot be written: ") as caught, small_files(), writer:
        pass
    assert "make room there" in (caught.value.hint or "")
    with StudyWriter(folder, make_space(tmp_path), None, {}):
        pass
    assert len(stored_runs(folder)) == len(check_study(folder).measurements) > 0


def test_the_dashboards_spelling_of_constraints_is_there_and_agrees(folder: Path, tmp_path: Path) -> None:
    run_study(folder, make_space(tmp_path, constraints=["latency_p90_ns <= 2 ms", "accuracy >= 10%"]))
    for stored, measured in zip(stored_runs(folder), Study.read(folder).measurements, strict=True):
        excess = measured.values["latency_p90_ns"] - 2e6
        assert stored.system_attrs["constraints"][0] == excess
        assert stored.system_attrs["constraints:latency_p90_ns <= 2000000"] == excess
        assert stored.constraints["latency_p90_ns <= 2000000"] == excess
    study = optuna.load_study(study_name="s", storage=f"sqlite:///{folder / 'study.db'}")
    assert all(trial.values[1] <= 2e6 for trial in study.best_trials)


def test_trials_have_readable_units_and_real_values(folder: Path, tmp_path: Path) -> None:
    run_study(folder, make_space(tmp_path), trials=1)
    trial = stored_runs(folder)[0]
    assert trial.params["side"] in (48, 64)
    assert trial.params["precision"] == "float32"
    assert trial.user_attrs["latency_p90_ns"] == 10**6 * trial.params["threads"]
    assert trial.user_attrs["peak_memory_bytes"] == 2**26 // trial.params["threads"]
    assert trial.datetime_complete is not None


def test_a_failed_trial_is_told_with_its_reason(folder: Path, tmp_path: Path) -> None:
    run_study(folder, make_space(tmp_path), RecordedHarness(fails("delegate_refused")), trials=1)
    trial = stored_runs(folder)[0]
    assert trial.state.name == "FAIL"
    assert (trial.user_attrs["failure"], trial.user_attrs["reason"]) == (
        "delegate_refused",
        "delegate_refused: delegate_refused, as recorded",
    )


def test_a_timeout_is_tried_again_once_there_is_more_time(folder: Path, tmp_path: Path) -> None:
    def asked(timeout: str) -> int:
        harness = RecordedHarness(fails("timeout"))
        fidelity = {"explore": {"accuracy_images": 100, "trial_timeout": timeout}}
        run_study(folder, make_space(tmp_path, parameters={"side": [48], "threads": [1]}, fidelity=fidelity), harness)
        return len(harness.asked)

    assert [asked(timeout) for timeout in ("2s", "2s", "2s", "5s", "5s", "5s", "1s")] == [1, 1, 0, 1, 1, 0, 0]


@pytest.mark.parametrize(
    ("error", "runs"), [("delegate_refused", 1), ("model_missing", 3), ("data_set", 3), ("timeout", 2), ("crashed", 2)]
)
def test_only_what_may_have_passed_is_tried_again(folder: Path, tmp_path: Path, error: Any, runs: int) -> None:
    space = make_space(tmp_path, parameters={"threads": [1], "side": [48]})
    for _ in range(3):
        run_study(folder, space, RecordedHarness(fails(error)))
    assert len(check_study(folder).measurements) == runs


def test_what_was_repaired_is_measured(folder: Path, tmp_path: Path) -> None:
    run_study(folder, make_space(tmp_path), RecordedHarness(fails("runtime_missing")))
    run_study(folder, make_space(tmp_path))
    assert len(check_study(folder).analysis.front) > 0


def test_a_study_in_use_is_refused_with_its_owner(folder: Path, tmp_path: Path) -> None:
    program = (
        "import sys\nfrom pathlib import Path\nfrom dse.study.lock import locked\n"
        "lock = locked(Path(sys.argv[1]))\nprint('locked', flush=True)\nsys.stdin.read()\n"
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
    (folder / "study.yaml").write_text("{")
    for _ in range(2):
        with pytest.raises(StudyError, match=r"study\.yaml"):
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
    assert all(m.phase == "reference" for m in check_study(copy).measurements[6:])


@pytest.mark.usefixtures("measured")
def test_a_renamed_study_has_its_new_name_in_optuna_too(folder: Path, tmp_path: Path) -> None:
    renamed = folder.rename(folder.with_name("renamed"))
    run_study(renamed, make_space(tmp_path))
    check_study(renamed)
    assert optuna.get_all_study_names(f"sqlite:///{renamed / 'study.db'}") == ["renamed", "renamed runs"]


@pytest.mark.parametrize("gone", ["", "study.yaml", "trials/1"])
def test_what_is_removed_during_the_search_is_named(folder: Path, tmp_path: Path, gone: str) -> None:
    space = make_space(tmp_path)

    def respond(request: Request) -> Response:
        if (folder / "trials" / "1").exists():
            shutil.rmtree(folder / gone) if (folder / gone).is_dir() else (folder / gone).unlink()
        return answer(request)

    with pytest.raises(StudyError, match="is gone since the search began") as caught:
        run_study(folder, space, RecordedHarness(respond))
    assert caught.value.path == folder


@pytest.mark.parametrize("name", ["no name", ".hidden", "-x", "a\nb", "größe"])
def test_a_name_that_is_trouble_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(StudyError, match="allowed: letters, digits, dots, dashes"):
        run_study(tmp_path / name, make_space(tmp_path))


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "studies").write_text("a file")
    with pytest.raises(StudyError, match="cannot be written"):
        run_study(tmp_path / "studies" / "s", make_space(tmp_path))


def _in_space(settings: Any, section: str, **changes: Any) -> str:
    space = settings["space"]
    return yaml.safe_dump(settings | {"space": space | {section: space[section] | changes}})


def _aliases(levels: int) -> str:
    names = "abcdefghijklm"
    return "".join(
        f"{name}: &{name} [{', '.join([f'*{before}'] * 10)}]\n"
        for before, name in itertools.pairwise(names[: levels + 1])
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda _: "{", "cannot be read"),
        (lambda _: "", "found schema nothing, this version reads 1"),
        (lambda _: "schema: 1\n", "is not a study's"),
        (lambda s: yaml.safe_dump(s | {"schema": 99}), "found schema 99, this version reads 1"),
        (lambda s: yaml.safe_dump(s | {"space": s["space"] | {"objectives": {"speed": "up"}}}), "speed"),
        (lambda s: yaml.safe_dump(s | {"space": s["space"] | {"constraints": ["x"]}}), "is not a study's"),
        (lambda s: yaml.safe_dump(s | {"space": None}), "is not a study's: space: found NoneType, expected an object"),
        (
            lambda s: yaml.safe_dump(s | {"placed": {0: "x"}}),
            "placed.0: found 'x', expected an object",
        ),
        (lambda s: yaml.safe_dump(s | {"space": s["space"] | {"data_set": {}}}), "space.data_set: missing size"),
        (lambda s: yaml.safe_dump(s | {"space": s["space"] | {"data_set": {"size": 9}}}), "data_set: found no name"),
        (lambda s: yaml.safe_dump(s | {"schema": True}), "found schema True, this version reads 1"),
        (
            lambda s: yaml.safe_dump(s | {"placed": {0: {"a": [1]}}}),
            "placed.0.a: found [1], expected str or int or float or bool",
        ),
        (lambda s: yaml.safe_dump(s | {"placed": {"x": None}}), "placed.x: found 'x', expected int"),
        (lambda s: _in_space(s, "data_set", size=0), "space.data_set.size: found 0, allowed: 1 or more"),
        (lambda s: _in_space(s, "data_set", size=1.5), "space.data_set.size: found 1.5, expected int"),
        (lambda s: _in_space(s, "runtimes", litert={}), "space.runtimes.litert: missing engine"),
        (
            lambda s: _in_space(s, "runtimes", litert={"engine": "x"}),
            "engine: found 'x', allowed: litert, ",
        ),
        (
            lambda s: _in_space(s, "objectives", accuracy=["maximize"]),
            "accuracy: found ['maximize'], allowed: 'maximize', 'minim",
        ),
        (lambda s: _in_space(s, "parameters", width=[float("nan")]), "parameters.width: found nan, expected words"),
        (lambda s: _in_space(s, "parameters", width=[[1]]), "parameters.width: found a list, expected words"),
        (lambda s: yaml.safe_dump(s).replace("schema: 1", 'schema: !!int ""'), "which is no int that dse reads"),
        (lambda s: "a: &a [x, x]\n" + _aliases(9) + yaml.safe_dump(s), "more than 100000 values"),
        (lambda _: "[" * 100_000, "nesting depth"),
        (lambda s: yaml.safe_dump(s | {"space": s["space"] | {"objectives": {}}}), "space: objectives: found none"),
        (lambda s: yaml.safe_dump(s | {"space": s["space"] | {"models": {}}}), "space: models: found none"),
        (
            lambda s: yaml.safe_dump(s | {"space": s["space"] | {"parameters": {"a": 3}}}),
            "space: parameters.a: found 3, expected a list of levels",
        ),
    ],
)
@pytest.mark.usefixtures("measured")
def test_a_damaged_study_is_named(folder: Path, tmp_path: Path, change: Any, message: str) -> None:
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


def test_a_folder_whose_name_is_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="its name is not UTF-8"):
        StudyWriter(tmp_path / "\udcff" / "study", make_space(tmp_path), None, {}).__enter__()
    assert not (tmp_path / "\udcff").exists()


def test_a_trial_says_how_long_the_study_had_been_searched(folder: Path, tmp_path: Path) -> None:
    space = make_space(tmp_path)
    with StudyWriter(folder, space, None, {}) as writer:
        for elapsed_s in (None, 12.3456):
            record, trial = begin(writer, next(space.tree.configurations()), elapsed_s=elapsed_s)
            writer.finish(record, Response(peak_memory_bytes=5))
            protocol.write(Response(peak_memory_bytes=5), trial / "response.json")
    assert [record.elapsed_s for record in Study.read(folder).records] == [None, 12.346]
