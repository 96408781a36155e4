"""The dashboard lets this machine's own pages look, and nobody else."""

from __future__ import annotations

import http.client
import json
import shutil
import socket
import tarfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from dse.errors import StudyError
from dse.reports.dashboard import make_dashboard
from dse.study import Study
from tests.recording import RecordedHarness, fails, make_space, run_study

Ask = Callable[..., tuple[int, Mapping[str, str], bytes]]
DELETE = json.dumps({"remove_associated_artifacts": True})


@contextmanager
def _served(study: Path, **options: Any) -> Iterator[Ask]:
    with make_dashboard(Study.read(study), "127.0.0.1", 0, how_to_edit="pass edit=True", **options) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()

        def ask(
            method: str, path: str, body: str | None = None, **headers: str
        ) -> tuple[int, Mapping[str, str], bytes]:
            port = server.server_port
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            given = {name.replace("_", "-"): value.replace("PORT", str(port)) for name, value in headers.items()}
            connection.request(method, path, body, {"Content-Type": "application/json", **given})
            answer = connection.getresponse()
            found = answer.status, dict(answer.getheaders()), answer.read()
            connection.close()
            return found

        ask.port = server.server_port  # type: ignore[attr-defined]
        try:
            yield ask
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def study(finished_study: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six trials, which no test here changes."""
    return shutil.copytree(finished_study, tmp_path_factory.mktemp("dashboard") / "small_study")


@pytest.fixture(scope="module")
def ask(study: Path) -> Iterator[Ask]:
    with _served(study) as ask:
        yield ask


def _trials(ask: Ask) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(ask("GET", "/api/studies/1")[2])["trials"]
    return found


@pytest.mark.parametrize("host", ["127.0.0.1:PORT", "localhost:PORT", "LOCALHOST:PORT", "[::1]:PORT"])
def test_this_machine_is_answered(ask: Ask, host: str) -> None:
    assert ask("GET", "/api/studies", Host=host)[0] == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:PORT", "127.0.0.1", "127.0.0.1:1", "127.0.0.1.evil:PORT", ""]
)
def test_another_name_for_this_machine_is_refused(ask: Ask, host: str) -> None:
    for method, path in (("GET", "/api/studies"), ("DELETE", "/api/studies/1"), ("GET", "/dashboard/")):
        status, _, body = ask(method, path, DELETE, Host=host)
        assert (status, "reason" in json.loads(body)) == (403, True)


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "https://127.0.0.1:PORT"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"},
    ],
)
def test_a_page_from_elsewhere_is_refused(ask: Ask, headers: dict[str, str]) -> None:
    trial = _trials(ask)[0]
    file = f"/artifacts/1/{trial['trial_id']}/{trial['artifacts'][0]['artifact_id']}"
    for path in (file, "/api/studies"):
        status, sent, _ = ask("GET", path, **headers)
        assert status == 403
        assert not [name for name in sent if name.lower().startswith("access-control-")]


def test_the_dashboards_own_pages_and_links_to_them_are_answered(ask: Ask) -> None:
    own = {"Origin": "http://127.0.0.1:PORT", "Sec-Fetch-Site": "same-origin"}
    assert ask("GET", "/api/studies", **own)[0] == 200
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    assert ask("GET", "/dashboard/", **link)[0] == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("DELETE", "/api/studies/1"),
        ("POST", "/api/studies"),
        ("PUT", "/api/studies/1/note"),
        ("POST", "/api/trials/1/user-attrs"),
        ("POST", "/api/artifacts/1/1"),
        ("OPTIONS", "/api/studies/1"),
    ],
)
def test_nothing_can_be_changed(ask: Ask, method: str, path: str, capfd: pytest.CaptureFixture[str]) -> None:
    before = _trials(ask)
    status, sent, body = ask(method, path, DELETE)
    assert (status, sent["Allow"]) == (405, "GET, HEAD")
    assert "pass edit=True" in json.loads(body)["reason"]
    assert _trials(ask) == before
    assert "Traceback" not in capfd.readouterr().err


def test_notes_can_be_written_where_that_is_asked_for_and_the_study_stays(study: Path, tmp_path: Path) -> None:
    copy = tmp_path / "small_study"
    shutil.copytree(study, copy)
    with _served(copy, edit=True) as ask:
        assert ask("PUT", "/api/studies/1/note", json.dumps({"body": "mine", "version": 1}))[0] == 204
        assert json.loads(ask("GET", "/api/studies/1")[2])["note"]["body"] == "mine"
        for method, path in (
            ("DELETE", "/api/studies/1"),
            ("POST", "/api/studies"),
            ("POST", "/api/studies/1/rename"),
            ("POST", "/api/artifacts/1/1"),
            ("DELETE", "/api/artifacts/1/1/00000000-3"),
        ):
            status, _, body = ask(method, path, DELETE)
            assert status == 403
            assert "a study is its folder" in json.loads(body)["reason"]
        assert len(_trials(ask)) == 6
        assert ask("PUT", "/api/studies/1/note", "{}", Origin="http://evil.example")[0] == 403


def test_a_file_is_for_the_dashboards_own_pages(ask: Ask) -> None:
    trial = _trials(ask)[0]
    (file,) = [a["artifact_id"] for a in trial["artifacts"] if a["filename"] == "response.json"]
    status, sent, body = ask("GET", f"/artifacts/1/{trial['trial_id']}/{file}")
    assert (status, json.loads(body)["schema"]) == (200, 2)
    assert "Access-Control-Allow-Origin" not in sent
    assert sent["Cross-Origin-Resource-Policy"] == "same-origin"
    assert sent["X-Content-Type-Options"] == "nosniff"
    assert sent["Content-Security-Policy"].startswith("sandbox")


def test_a_failed_trial_offers_what_it_has_and_the_rest_is_not_found(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DSE_CACHE", str(tmp_path / "cache"))

    class Crashing(RecordedHarness):
        def run(self, request: Any, folder: Path, timeout_s: float, *, python: str | None = None) -> Any:
            (folder / "stderr.log").write_text("<script>alert(1)</script> crashed")
            return super().run(request, folder, timeout_s)

    run_study(tmp_path / "s", make_space(tmp_path), Crashing(fails("crashed")), trials=1)
    with _served(tmp_path / "s") as ask:
        trial = _trials(ask)[0]
        assert {a["filename"] for a in trial["artifacts"]} == {"response.json", "stderr.log"}
        status, sent, body = ask("GET", f"/artifacts/1/{trial['trial_id']}/00000000-4")
        assert (status, sent["Content-Type"]) == (200, "text/plain")
        assert body.endswith(b"crashed")
        for kind in ("1", "2", "9"):
            assert ask("GET", f"/artifacts/1/{trial['trial_id']}/00000000-{kind}")[0] == 404
        (tmp_path / "s" / "trials" / "0" / "stderr.log").unlink()
        assert ask("GET", f"/artifacts/1/{trial['trial_id']}/00000000-4")[0] == 404
    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.parametrize("put", [lambda db, other: db.symlink_to(other), lambda *_: None], ids=["link", "missing"])
def test_a_database_that_is_not_the_studys_is_not_opened(study: Path, tmp_path: Path, put: Any) -> None:
    copy, other = tmp_path / "small_study", tmp_path / "other.db"
    shutil.copytree(study, copy)
    other.write_bytes(b"")
    (copy / "study.db").unlink()
    put(copy / "study.db", other)
    with pytest.raises(StudyError, match="a database of the study's own belongs there"):
        make_dashboard(Study.read(copy), "127.0.0.1", 0)
    assert other.read_bytes() == b""
    assert not (copy / "study.db").is_file() or (copy / "study.db").is_symlink()


def test_a_storage_that_is_not_the_studys_is_refused(study: Path) -> None:
    with pytest.raises(StudyError, match=r"is not in the storage postgresql://\*\*\*@host/db"):
        make_dashboard(Study.read(study), "127.0.0.1", 0, storage="postgresql://me:secret@host/db")


@pytest.mark.parametrize(
    ("path", "status"), [("/static/../../../../etc/passwd", 403), ("/static/bundle.js", 200), ("/static/a%00b", 404)]
)
def test_a_client_that_takes_no_compression_is_answered(ask: Ask, path: str, status: int) -> None:
    with socket.create_connection(("127.0.0.1", ask.port), timeout=10) as connection:  # type: ignore[attr-defined]
        asked = f"GET {path} HTTP/1.0\r\nHost: 127.0.0.1:{ask.port}\r\n\r\n"  # type: ignore[attr-defined]
        connection.sendall(asked.encode())
        assert connection.recv(1000).split()[1] == str(status).encode()


def test_what_cannot_be_answered_is_said_in_a_line(ask: Ask, caplog: pytest.LogCaptureFixture) -> None:
    assert ask("GET", "/api/studies/1?after=x")[0] == 500
    said = [record.getMessage() for record in caplog.records]
    assert "the dashboard could not answer GET '/api/studies/1': 500 Internal Server Error" in said
    assert not any("Traceback" in line or "\n" in line for line in said)


def test_a_study_of_an_earlier_version_is_shown_as_the_others_are(tmp_path: Path) -> None:
    with tarfile.open(Path(__file__).parents[1] / "earlier" / "tabular.tar.xz") as archive:
        archive.extractall(tmp_path, filter="data")
    with _served(tmp_path / "studies" / "tabular") as ask:
        studies = json.loads(ask("GET", "/api/studies")[2])["study_summaries"]
        assert [study["study_name"] for study in studies] == ["tabular", "tabular runs"]
        assert all(trial["user_attrs"] for trial in _trials(ask))
