"""Optuna's view is late, locked, elsewhere or wrong: the trials' folders are the study."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from dse_harness.protocol import Request, Response
from sqlalchemy import Engine, event

from dse.core.budget import Budget
from dse.core.measurement import Measurement
from dse.errors import StudyError
from dse.search.explore import explore
from dse.search.plan import make_plan
from dse.study import Study
from dse.study.database import without_password, without_user
from dse.study.storage import OptunaView
from dse.study.view import LateView
from dse.study.writer import StudyWriter
from tests.recording import RecordedHarness, answer, begin, check_study, make_space, run_study, stored_runs


@pytest.fixture
def _impatient() -> Iterator[None]:
    """SQLite waits for a lock for a moment only, not for seconds."""

    def hurry(connection: sqlite3.Connection, _: object) -> None:
        connection.execute("PRAGMA busy_timeout = 20")

    event.listen(Engine, "connect", hurry)
    yield
    event.remove(Engine, "connect", hurry)


def _explore(folder: Path, tmp_path: Path, harness: RecordedHarness, said: list[str]) -> None:
    space = make_space(tmp_path)
    with StudyWriter(folder, space, None, {}, say=said.append) as writer:
        plan = make_plan(space, writer.study.measurements, Budget())
        explore(writer, space, harness, plan, 0, lambda _: None, lambda: False)


@pytest.mark.usefixtures("_impatient")
def test_a_locked_database_does_not_end_the_search_and_catches_up(folder: Path, tmp_path: Path) -> None:
    run_study(folder, make_space(tmp_path), trials=1)
    said: list[str] = []
    with closing(sqlite3.connect(folder / "study.db", isolation_level=None)) as other:

        def respond(request: Request) -> Response:
            number = len(list((folder / "trials").iterdir()))
            if number == 2:
                other.execute("BEGIN EXCLUSIVE")
            elif number == 5:
                other.execute("ROLLBACK")
            return answer(request)

        _explore(folder, tmp_path, RecordedHarness(respond), said)
    assert len({m.key for m in check_study(folder).measurements}) == 6
    (sentence,) = said
    assert "database is locked" in sentence
    assert "every trial is in its folder, the search goes on" in sentence
    assert "remove" not in sentence


@pytest.mark.usefixtures("measured", "_impatient")
def test_a_database_that_stays_locked_is_told_and_the_next_search_catches_up(folder: Path, tmp_path: Path) -> None:
    stored = len(stored_runs(folder))
    said: list[str] = []
    with closing(sqlite3.connect(folder / "study.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with StudyWriter(folder, make_space(tmp_path), None, {}, say=said.append) as writer:
            record, trial = begin(writer, next(make_space(tmp_path).tree.configurations()))
            response = writer.study.measurements[0].response
            (trial / "response.json").write_bytes((folder / "trials" / "0" / "response.json").read_bytes())
            writer.finish(record, response)
    assert "later" in said[0]
    assert "the next search" in said[-1]
    assert len(stored_runs(folder)) == stored
    with StudyWriter(folder, make_space(tmp_path), None, {}):
        pass
    assert len(check_study(folder).measurements) == len(stored_runs(folder)) == stored + 1


def test_a_storage_that_does_not_open_leaves_no_study(tmp_path: Path) -> None:
    folder, space, said = tmp_path / "s", make_space(tmp_path), list[str]()
    writer = StudyWriter(folder, space, f"sqlite:///{tmp_path}/none/x.db", {}, say=said.append)
    with pytest.raises(StudyError, match="cannot be used"), writer:
        pass
    assert said == []
    assert not (folder / "study.yaml").exists()
    run_study(folder, make_space(tmp_path), trials=1)
    assert Study.read(folder).settings.storage is None


def test_no_message_and_no_file_has_a_password(folder: Path, tmp_path: Path) -> None:
    url = f"sqlite://me:s3/cr@et@/{tmp_path / 'x.db'}"
    with pytest.raises(StudyError) as caught:
        run_study(folder, make_space(tmp_path), storage=url)
    assert "cr@et" not in str(caught.value) + str(caught.value.hint)
    run_study(folder, make_space(tmp_path), trials=1)
    with pytest.raises(StudyError, match="asked for") as caught:
        run_study(folder, make_space(tmp_path), storage=url)
    assert "cr@et" not in str(caught.value) + str(caught.value.hint)
    (folder / "study.yaml").write_text((folder / "study.yaml").read_text().replace("storage: null", f"storage: {url}"))
    with pytest.raises(StudyError, match="found storage") as caught:
        run_study(folder, make_space(tmp_path), storage="sqlite:///other.db")
    assert "cr@et" not in str(caught.value) + str(caught.value.hint)


@pytest.mark.parametrize(
    ("url", "shown", "recorded"),
    [
        ("postgresql://u:s3cret@host:1/db", "postgresql://***@host:1/db", "postgresql://u@host:1/db"),
        ("postgresql://u:s/3@cr:et@host/db", "postgresql://***@host/db", "postgresql://u@host/db"),
        ("postgresql://u@host/db", "postgresql://***@host/db", "postgresql://u@host/db"),
        ("postgresql://host/db?password=s3cret", "postgresql://host/db?***", "postgresql://host/db"),
        ("mysql://host/db?charset=utf8", "mysql://host/db?***", "mysql://host/db?charset=utf8"),
        ("sqlite:////home/a@b/c:d@e.db", "sqlite:////home/a@b/c:d@e.db", "sqlite:////home/a@b/c:d@e.db"),
    ],
)
def test_an_address_is_shown_and_recorded_without_its_secrets(url: str, shown: str, recorded: str) -> None:
    assert (without_user(url), without_password(url)) == (shown, recorded)


def test_a_study_that_is_moved_while_it_runs_is_told_so(folder: Path, tmp_path: Path) -> None:
    moved = folder.with_name("moved")

    def respond(request: Request) -> Response:
        if (folder / "trials" / "1").exists():
            folder.rename(moved)
        return answer(request)

    with pytest.raises(StudyError, match=f"was moved to {moved} while the search ran") as caught:
        run_study(folder, make_space(tmp_path), RecordedHarness(respond))
    assert caught.value.path == folder
    assert not folder.exists()


def test_a_study_that_is_moved_as_its_view_is_written_is_told_so(folder: Path, tmp_path: Path) -> None:
    moved, space = folder.with_name("moved"), make_space(tmp_path)
    with StudyWriter(folder, space, None, {}) as writer:
        record, _ = begin(writer, next(space.tree.configurations()))
        folder.rename(moved)
        with pytest.raises(StudyError, match="was moved to"):
            writer.finish(record, Response())


def test_a_password_that_an_earlier_version_recorded_goes_once_the_storage_is_given(
    folder: Path, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path / 'elsewhere.db'}"
    run_study(folder, make_space(tmp_path), trials=1, storage=f"{url}?password=s3cret")
    assert "s3cret" not in (folder / "study.yaml").read_text()
    (folder / "study.yaml").write_text((folder / "study.yaml").read_text().replace(url, f"{url}?password=s3cret"))
    run_study(folder, make_space(tmp_path), trials=1)
    assert "s3cret" in (folder / "study.yaml").read_text()
    run_study(folder, make_space(tmp_path), trials=1, storage=f"{url}?password=other")
    assert "s3cret" not in (folder / "study.yaml").read_text()
    assert Study.read(folder).settings.storage == url


def test_a_run_that_did_not_get_its_processor_is_marked_as_excluded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DSE_CACHE", str(tmp_path / "cache"))
    harness = RecordedHarness(lambda request: replace(answer(request), cores_used=0.4 * request.runtime.threads))
    run_study(tmp_path / "s", make_space(tmp_path, parameters={"side": [48]}), harness)
    marks = {trial.params["threads"]: trial.user_attrs.get("reason") for trial in stored_runs(tmp_path / "s")}
    assert marks[1] == "starved: the run got 0.40 of a processor, 0.90 at least is wanted"
    assert marks[3] is None


@pytest.mark.usefixtures("measured")
def test_configurations_follow_after_ten_seconds_and_take_half_a_per_cent_of_the_time(
    folder: Path, tmp_path: Path
) -> None:
    study, space, now = Study.read(folder), make_space(tmp_path), [100.0]
    refreshed: list[float] = []

    class View(OptunaView):
        def add(self, measured: Sequence[Measurement]) -> None:
            """The clock alone."""

        def refresh(self) -> None:
            refreshed.append(now[0])
            now[0] += 1.0  # what it takes

    def opened() -> OptunaView:
        return View(f"sqlite:///{folder / 'study.db'}", study, space.tree)

    with LateView(opened, lambda _: None, lambda: now[0]) as view:
        view.open(may_wait=False)
        for seconds in (1, 198, 1, 1, 1, 198, 1):
            now[0] += seconds
            view.add(study.measurements[0])
    assert refreshed == [100.0, 301.0, 502.0, 504.0]
