"""Servers that stall, lead elsewhere, never end or talk nonsense: each ends in an error, soon."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from dse.errors import ModelError, UsageError
from dse.models import ChecksumRecord, UrlSource
from dse.models import download as downloads
from tests.hostile_server import GOOD, MODEL, WAYS, HostileServer, hostile_server

_LIMIT = 2**22


@pytest.fixture(scope="module")
def hostile() -> Iterator[HostileServer]:
    with hostile_server() as server:
        yield server


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSE_DOWNLOAD_TIMEOUT", "1s")
    monkeypatch.setattr(downloads, "_MOST_BYTES", _LIMIT)


def _source(url: str, folder: Path) -> UrlSource:
    return UrlSource(url, folder / "cache", ChecksumRecord((folder,)))


@pytest.mark.parametrize("way", GOOD)
def test_a_server_that_behaves_somehow_is_understood(hostile: HostileServer, tmp_path: Path, way: str) -> None:
    assert _source(hostile.url(way), tmp_path).make({}).path.read_bytes() == MODEL


@pytest.mark.parametrize("way", [way for way in WAYS if way not in GOOD])
def test_any_other_ends_in_an_error_and_records_nothing(hostile: HostileServer, tmp_path: Path, way: str) -> None:
    began = time.monotonic()
    with pytest.raises(ModelError) as caught:
        _source(hostile.url(way), tmp_path).make({})
    assert time.monotonic() - began < 60  # not for ever: the clock of a busy machine is no find_exclusions of more
    assert caught.value.path == hostile.url(way)
    assert len(str(caught.value)) < 500
    assert not (tmp_path / "checksums.json").exists()
    kept = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in kept) <= _LIMIT
    assert all(".part" in path.name for path in kept), kept


@pytest.mark.parametrize(("way", "scheme"), [("ftp", "ftp"), ("file", "file"), ("data", "data")])
def test_a_redirect_is_followed_to_the_web_only(hostile: HostileServer, tmp_path: Path, way: str, scheme: str) -> None:
    with pytest.raises(ModelError, match=f"the server leads to a {scheme}: address, allowed: http, https"):
        _source(hostile.url(way), tmp_path).make({})


def test_a_redirect_takes_no_password_with_it(hostile: HostileServer, tmp_path: Path) -> None:
    before = len(hostile.asked)
    _source(hostile.url("other_host").replace("//", "//me:s3cret@"), tmp_path).make({})
    first, second = hostile.asked[before:]
    assert b"Authorization: Basic" in first
    assert b"Authorization" not in second


def test_what_never_ends_leaves_no_part(hostile: HostileServer, tmp_path: Path) -> None:
    for way in ("endless_body", "huge_length"):
        with pytest.raises(ModelError, match=f"more than {_LIMIT} bytes"):
            _source(hostile.url(way), tmp_path).make({})
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_slow_server_is_told_apart_and_gets_longer_on_request(
    hostile: HostileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for way, said in (
        ("slow_body", r"\d+ bytes in 1 s, expected at least 1024"),
        ("silent_body", r"(nothing came for|\d+ bytes in) 1 s"),  # on a busy machine the deadline is first
    ):
        with pytest.raises(ModelError, match=f"broken off: {said}") as caught:
            _source(hostile.url(way), tmp_path).make({})
        assert "DSE_DOWNLOAD_TIMEOUT=60s" in (caught.value.hint or "")
    for wrong in ("soon", "0s", "2h"):
        monkeypatch.setenv("DSE_DOWNLOAD_TIMEOUT", wrong)
        with pytest.raises(UsageError, match="DSE_DOWNLOAD_TIMEOUT: found"):
            _source(hostile.url("model"), tmp_path).make({})
