"""What lies in a study's folder and is not dse's: never removed, never written through."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dse.errors import StudyError
from dse.reports.front import front_report, write_front
from dse.study import Study
from dse.study.lock import locked
from dse.study.writer import StudyWriter, study_so_far
from tests.recording import RecordedHarness, begin, check_study, make_space, run_study


def test_a_folder_with_files_and_no_study_is_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "studies" / "s"
    (folder / "trials" / "1").mkdir(parents=True)
    (folder / "trials" / "1" / "results.txt").write_text("precious")
    (folder / "front.csv").write_text("mine")
    for use in (
        lambda: run_study(folder, make_space(tmp_path)),
        lambda: study_so_far(folder, make_space(tmp_path), None),
    ):
        with pytest.raises(StudyError, match=r"holds front\.csv and no study\.yaml") as caught:
            use()
        assert caught.value.path == folder
        assert (folder / "trials" / "1" / "results.txt").read_text() == "precious"
        assert sorted(path.name for path in folder.iterdir()) == ["front.csv", "trials"]


@pytest.mark.usefixtures("measured")
def test_a_study_that_lost_its_settings_keeps_its_trials(folder: Path, tmp_path: Path) -> None:
    (folder / "study.yaml").unlink()
    with pytest.raises(StudyError, match=r"and no study\.yaml"):
        run_study(folder, make_space(tmp_path))
    assert len(list((folder / "trials").iterdir())) == 6


@pytest.mark.usefixtures("measured")
def test_what_dse_did_not_write_stays_and_its_number_is_not_used(folder: Path, tmp_path: Path) -> None:
    mine = folder / "trials" / "9"
    mine.mkdir()
    (mine / "results.txt").write_text("precious")
    for _ in range(2):
        with StudyWriter(folder, make_space(tmp_path), None, {}) as writer:
            (error,) = writer.study.damaged
            record, _ = begin(writer, next(make_space(tmp_path).tree.configurations()))
        assert error.path == mine / "trial.json"
        assert record.number == 10
        assert (mine / "results.txt").read_text() == "precious"


@pytest.mark.usefixtures("measured")
def test_a_damaged_trial_does_not_end_the_search_and_is_not_removed(folder: Path, tmp_path: Path) -> None:
    response = folder / "trials" / "1" / "response.json"
    response.write_text("{")
    harness = RecordedHarness()
    run_study(folder, make_space(tmp_path), harness)
    study = Study.read(folder)
    assert response.read_text() == "{"
    assert [error.path for error in study.damaged] == [response]
    assert [m.trial for m in study.measurements][:5] == [0, 2, 3, 4, 5]
    assert len({m.key for m in study.measurements}) == 6
    response.parent.rename(tmp_path / "away")
    check_study(folder)


@pytest.mark.usefixtures("measured")
def test_a_trial_that_is_not_mounted_now_is_not_measured_again(folder: Path, tmp_path: Path) -> None:
    response = folder / "trials" / "1" / "response.json"
    response.rename(tmp_path / "annexed")
    response.symlink_to("/mnt/elsewhere/response.json")
    for use in (
        lambda: run_study(folder, make_space(tmp_path)),
        lambda: study_so_far(folder, make_space(tmp_path), None),
    ):
        with pytest.raises(
            StudyError, match=r"a link to /mnt/elsewhere/response\.json, which is not there now"
        ) as caught:
            use()
        assert caught.value.path == response
    assert (folder / "trials" / "1" / "trial.json").exists()
    assert len(Study.read(folder).measurements) == 5
    response.unlink()
    response.symlink_to(tmp_path / "annexed")
    run_study(folder, make_space(tmp_path))
    assert len(Study.read(folder).measurements) >= 6


@pytest.mark.usefixtures("measured")
def test_a_study_of_another_space_loses_nothing_unfinished(folder: Path, tmp_path: Path) -> None:
    with StudyWriter(folder, make_space(tmp_path), None, {}) as writer:
        _, unfinished = begin(writer, next(make_space(tmp_path).tree.configurations()))
    with pytest.raises(StudyError, match="not of other"):
        run_study(folder, make_space(tmp_path, name="other"))
    assert unfinished.exists()


@pytest.mark.usefixtures("measured")
def test_trials_are_not_written_outside_of_the_study(folder: Path, tmp_path: Path) -> None:
    (folder / "trials").rename(tmp_path / "elsewhere")
    (folder / "trials").symlink_to(tmp_path / "elsewhere")
    assert len(Study.read(folder).measurements) == 6
    with pytest.raises(StudyError, match="a link; dse writes into folders of the study's own"):
        run_study(folder, make_space(tmp_path))


@pytest.mark.usefixtures("measured")
def test_a_link_in_a_study_is_replaced_and_not_written_through(folder: Path, tmp_path: Path) -> None:
    names, precious = ("study.yaml", "front.csv", "front.json", "front.png", "study.db"), tmp_path / "precious"
    precious.mkdir()
    for name in names:
        if name == "study.yaml":
            shutil.copy(folder / name, precious)
        else:
            (precious / name).write_text("mine")
        (folder / name).unlink(missing_ok=True)
        (folder / name).symlink_to(precious / name)
    before = {name: (precious / name).read_bytes() for name in names}
    run_study(folder, make_space(tmp_path))
    study = check_study(folder)
    write_front(front_report(study))
    for name in names:
        assert (precious / name).read_bytes() == before[name], name
        assert not (folder / name).is_symlink(), name
        assert (folder / name).is_file(), name


@pytest.mark.usefixtures("measured")
@pytest.mark.parametrize("suffix", ["-journal", "-wal", "-shm"])
def test_a_link_beside_the_database_is_not_written_through(folder: Path, tmp_path: Path, suffix: str) -> None:
    (tmp_path / "precious").write_text("mine")
    (folder / f"study.db{suffix}").symlink_to(tmp_path / "precious")
    run_study(folder, make_space(tmp_path, parameters={"threads": [1, 2, 3, 4]}))
    check_study(folder)
    assert (tmp_path / "precious").read_text() == "mine"


@pytest.mark.parametrize(
    "put",
    [
        lambda lock, precious: lock.symlink_to(precious),
        lambda lock, _: lock.symlink_to("nowhere"),
        lambda lock, _: lock.symlink_to("/dev/zero"),
        lambda lock, precious: lock.hardlink_to(precious),
        lambda lock, _: os.mkfifo(lock),
        lambda lock, _: lock.mkdir(),
    ],
    ids=["link", "dangling", "device", "hard link", "pipe", "folder"],
)
def test_what_has_the_locks_name_is_refused_and_stays(tmp_path: Path, put: Callable[[Path, Path], Any]) -> None:
    folder, precious = tmp_path / "s", tmp_path / "precious"
    folder.mkdir()
    precious.write_text("mine")
    put(folder / ".lock", precious)
    before = (folder / ".lock").lstat()
    with pytest.raises(StudyError, match="not the lock file that dse writes") as caught:
        locked(folder)
    assert caught.value.path == folder / ".lock"
    assert precious.read_text() == "mine"
    assert (folder / ".lock").lstat() == before
    assert not (folder / "nowhere").exists()


def test_a_killed_beginning_is_no_obstacle(folder: Path, tmp_path: Path) -> None:
    locked(folder).close()
    (folder / ".study.yaml.4711.tmp").write_text("half")
    assert (folder / "study.db").exists()
    run_study(folder, make_space(tmp_path), trials=1)
    check_study(folder)


@pytest.mark.usefixtures("measured")
def test_settings_that_are_not_mounted_now_are_named(folder: Path, tmp_path: Path) -> None:
    (folder / "study.yaml").unlink()
    (folder / "study.yaml").symlink_to("/mnt/elsewhere")
    for use in (lambda: Study.read(folder), lambda: run_study(folder, make_space(tmp_path))):
        with pytest.raises(StudyError, match="a link to /mnt/elsewhere, which is not there now"):
            use()
    assert (folder / "study.yaml").is_symlink()
