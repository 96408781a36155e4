"""Downloads from a local HTTP server that can break off, ignore ranges, or serve something else."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dse.errors import ModelError
from dse.submission.download import extract_model, fetch

CONTENTS = bytes(range(256)) * 40


@dataclass
class Server:
    url: str = ""
    contents: bytes = CONTENTS
    ranges: bool = True
    breaks_after: int | None = None
    requests: list[str | None] = field(default_factory=list)


@pytest.fixture
def server() -> Iterator[Server]:
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = self.headers.get("Range")
            state.requests.append(asked)
            if self.path == "/absent.tgz":
                self.send_error(404)
                return
            start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and state.ranges else 0
            if start >= len(state.contents):
                self.send_error(416)
                return
            body = state.contents[start:]
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body if state.breaks_after is None else body[: state.breaks_after])

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the base class's name
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http_server:
        thread = threading.Thread(target=http_server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        state.url = f"http://127.0.0.1:{http_server.server_port}/model.tgz"
        yield state
        http_server.shutdown()
        thread.join()


def test_the_first_download_records_the_checksum(server, tmp_path):
    seen = []
    path = fetch(
        server.url, tmp_path / "cache", tmp_path / "checksums.json", lambda done, total: seen.append((done, total))
    )
    assert path.read_bytes() == CONTENTS
    assert seen[-1] == (len(CONTENTS), len(CONTENTS))
    recorded = json.loads((tmp_path / "checksums.json").read_text())
    assert recorded == {"schema": 1, "sha256": {server.url: hashlib.sha256(CONTENTS).hexdigest()}}


def test_a_second_call_asks_nobody(server, tmp_path):
    first = fetch(server.url, tmp_path, tmp_path / "checksums.json")
    assert fetch(server.url, tmp_path, tmp_path / "checksums.json") == first
    assert len(server.requests) == 1


def test_a_broken_download_goes_on_where_it_was(server, tmp_path):
    server.breaks_after = 1000
    with pytest.raises(ModelError, match=r"1000 of 10240 bytes") as caught:
        fetch(server.url, tmp_path, tmp_path / "checksums.json")
    assert "again" in (caught.value.hint or "")
    assert not (tmp_path / "checksums.json").exists()
    server.breaks_after = None
    assert fetch(server.url, tmp_path, tmp_path / "checksums.json").read_bytes() == CONTENTS
    assert server.requests == [None, "bytes=1000-"]


def test_a_server_without_ranges_starts_over(server, tmp_path):
    server.breaks_after, server.ranges = 1000, False
    with pytest.raises(ModelError):
        fetch(server.url, tmp_path, tmp_path / "checksums.json")
    server.breaks_after = None
    assert fetch(server.url, tmp_path, tmp_path / "checksums.json").read_bytes() == CONTENTS


def test_another_file_behind_the_address_is_refused(server, tmp_path):
    fetch(server.url, tmp_path / "one", tmp_path / "checksums.json")
    server.contents = CONTENTS[::-1]
    with pytest.raises(ModelError, match="recorded"):
        fetch(server.url, tmp_path / "two", tmp_path / "checksums.json")
    assert list((tmp_path / "two").iterdir()) == []


def test_a_cached_file_that_was_changed_is_refused(server, tmp_path):
    path = fetch(server.url, tmp_path / "cache", tmp_path / "checksums.json")
    path.write_bytes(b"something else")
    with pytest.raises(ModelError, match="recorded"):
        fetch(server.url, tmp_path / "cache", tmp_path / "checksums.json")
    assert fetch(server.url, tmp_path / "cache", tmp_path / "checksums.json").read_bytes() == CONTENTS


def test_an_absent_file_and_an_absent_server_are_errors(server, tmp_path):
    with pytest.raises(ModelError, match="404"):
        fetch(server.url.replace("model", "absent"), tmp_path, tmp_path / "checksums.json")
    with pytest.raises(ModelError, match="broken off"):
        fetch("http://127.0.0.1:9/model.tgz", tmp_path, tmp_path / "checksums.json")


def test_a_damaged_record_is_an_error(server, tmp_path):
    (tmp_path / "checksums.json").write_text('{"schema": 1}')
    with pytest.raises(ModelError, match="damaged"):
        fetch(server.url, tmp_path, tmp_path / "checksums.json")


def archive(path: Path, *members: tuple[tarfile.TarInfo, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as tar:
        for info, contents in members:
            info.size = info.size or len(contents)
            tar.addfile(info, io.BytesIO(contents))
    return path


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "", size: int = 0) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size = kind, link, size
    return info


def test_the_model_comes_out_of_its_archive(tmp_path):
    good = archive(tmp_path / "a.tgz", (member("v3/model.pb"), b"pb"), (member("v3/model.tflite"), b"model"))
    assert extract_model(good, tmp_path / "out.tflite").read_bytes() == b"model"


@pytest.mark.parametrize(
    ("hostile", "reason"),
    [
        (member("../model.tflite"), "wants to write"),
        (member("/tmp/model.tflite"), "wants to write"),
        (member("a/../../model.tflite"), "wants to write"),
        (member("model.tflite", tarfile.SYMTYPE, "/etc/passwd"), "link"),
        (member("model.tflite", tarfile.LNKTYPE, "/etc/passwd"), "link"),
        (member("pipe", tarfile.FIFOTYPE), "special"),
    ],
    ids=["parent", "absolute", "inside-parent", "symbolic-link", "hard-link", "fifo"],
)
def test_a_hostile_archive_is_refused_and_writes_nothing(tmp_path, hostile, reason):
    bad = archive(tmp_path / "a.tgz", (member("model.tflite"), b"model"), (hostile, b""))
    with pytest.raises(ModelError, match=reason):
        extract_model(bad, tmp_path / "out" / "model.tflite")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.tgz"]


def test_a_bomb_is_refused_by_what_it_declares(tmp_path):
    with tarfile.open(tmp_path / "bomb.tar", "w") as tar:
        info = member("model.tflite", size=2**40)
        tar.fileobj.write(info.tobuf())
    with pytest.raises(ModelError, match="declares"):
        extract_model(tmp_path / "bomb.tar", tmp_path / "model.tflite")


@pytest.mark.parametrize("names", [[], ["a.tflite", "b.tflite"]])
def test_an_archive_has_exactly_one_model(tmp_path, names):
    bad = archive(tmp_path / "a.tgz", *((member(name), b"model") for name in [*names, "readme"]))
    with pytest.raises(ModelError, match="expected one"):
        extract_model(bad, tmp_path / "model.tflite")


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_a_cut_archive_never_becomes_a_model(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("cut")
    whole = archive(folder / "a.tgz", (member("model.tflite"), CONTENTS)).read_bytes()
    (folder / "cut.tgz").write_bytes(whole[: data.draw(st.integers(0, len(whole) // 2))])
    with pytest.raises(ModelError):
        extract_model(folder / "cut.tgz", folder / "model.tflite")
    assert not (folder / "model.tflite").exists()
