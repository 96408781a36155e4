"""Downloads from a local HTTP server that can break off, ignore ranges, or serve something else."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest

from dse.errors import MachineError, ModelError
from dse.models.checksums import ChecksumRecord
from dse.models.download import cached, fetch
from dse.shipped import shipped
from tests.limits import small_files


@pytest.fixture
def record(tmp_path):
    return ChecksumRecord((tmp_path,))


def sha256(contents: bytes) -> str:
    return hashlib.sha256(contents).hexdigest()


def test_the_first_download_records_the_checksum(server, record, tmp_path):
    seen = []
    path, found = fetch(
        server.url, tmp_path / "cache", record, on_progress=lambda done, total: seen.append((done, total))
    )
    assert path.read_bytes() == server.contents
    assert found == sha256(server.contents)
    assert seen[-1] == (len(server.contents), len(server.contents))
    recorded = json.loads((tmp_path / "checksums.json").read_text())
    assert recorded == {"schema": 1, "sha256": {server.url: found}}
    assert [item.name for item in (tmp_path / "cache").iterdir()] == [path.name]


def test_a_second_call_asks_nobody(server, record, tmp_path):
    first = fetch(server.url, tmp_path / "cache", record)
    assert fetch(server.url, tmp_path / "cache", record) == first
    assert len(server.requests) == 1


def test_what_is_cached_is_recorded_for_another_space_too(server, record, tmp_path):
    _, found = fetch(server.url, tmp_path / "cache", record)
    other = ChecksumRecord((tmp_path / "other", tmp_path / "cache"))
    fetch(server.url, tmp_path / "cache", other)
    assert other.find(server.url) == (found, tmp_path / "cache" / "checksums.json")


def test_a_broken_download_goes_on_where_it_was(server, record, tmp_path):
    server.breaks_after = 1000
    with pytest.raises(ModelError, match=r"1000 of 10240 bytes") as caught:
        fetch(server.url, tmp_path, record)
    assert "again" in (caught.value.hint or "")
    assert not (tmp_path / "checksums.json").exists()
    server.breaks_after = None
    assert fetch(server.url, tmp_path, record)[0].read_bytes() == server.contents
    assert server.requests == [None, "bytes=1000-"]


@pytest.mark.parametrize("lacks", ["ranges", "versions"])
def test_a_server_without_ranges_or_versions_starts_over(server, record, tmp_path, lacks):
    server.breaks_after = 1000
    setattr(server, lacks, False)
    with pytest.raises(ModelError):
        fetch(server.url, tmp_path, record)
    server.breaks_after = None
    assert fetch(server.url, tmp_path, record)[0].read_bytes() == server.contents


def test_two_versions_of_a_file_are_never_mixed(server, record, tmp_path):
    server.breaks_after = 1000
    with pytest.raises(ModelError):
        fetch(server.url, tmp_path, record)
    server.breaks_after, server.contents = None, server.contents[::-1]
    assert fetch(server.url, tmp_path, record)[0].read_bytes() == server.contents


def test_a_complete_part_is_taken(server, record, tmp_path):
    path, found = fetch(server.url, tmp_path, record)
    path.rename(path.with_name(f"{path.name}.part"))
    path.with_name(f"{path.name}.part.version").write_text(f'"{found}"')
    assert fetch(server.url, tmp_path, record) == (path, found)
    assert server.requests == [None, f"bytes={len(server.contents)}-"]


def test_another_file_behind_the_address_is_refused(server, record, tmp_path):
    fetch(server.url, tmp_path / "one", record)
    server.contents = server.contents[::-1]
    with pytest.raises(ModelError, match=r"expected .*checksums\.json"):
        fetch(server.url, tmp_path / "two", record)
    assert list((tmp_path / "two").iterdir()) == []


def test_a_checksum_that_is_given_wins_over_the_record(server, record, tmp_path):
    record.add(server.url, "0" * 64)
    right = sha256(server.contents)
    assert fetch(server.url, tmp_path / "cache", record, right)[1] == right
    assert record.find(server.url) == ("0" * 64, tmp_path / "checksums.json")
    with pytest.raises(ModelError, match=r"expected 1111.*the search space"):
        fetch(server.url, tmp_path / "cache", record, "1" * 64)


def test_a_cached_file_that_was_changed_is_fetched_again(server, record, tmp_path):
    path, _ = fetch(server.url, tmp_path / "cache", record)
    path.write_bytes(b"something else")
    assert fetch(server.url, tmp_path / "cache", record)[0].read_bytes() == server.contents


def test_an_absent_file_and_an_absent_server_are_errors(server, record, tmp_path):
    with pytest.raises(ModelError, match="404"):
        fetch(server.url.replace("model", "absent"), tmp_path, record)
    with pytest.raises(ModelError, match="cannot be reached: Connection refused"):
        fetch("http://127.0.0.1:9/model.tgz", tmp_path, record)


@pytest.mark.parametrize(
    "name", ["m\u00f6del 1.tgz", "\u6a21" * 100 + ".tgz", "a" * 300, "m%20odel.tgz?a=\u00e4&b=c d#e"]
)
def test_an_address_with_any_letters_is_fetched(server, record, tmp_path, name):
    url = server.url.replace("model.tgz", name)
    assert fetch(url, tmp_path / "cache", record)[0].read_bytes() == server.contents
    assert record.find(url) is not None


@pytest.mark.parametrize(
    "url", ["http://[::1", "http://", "http:///x", "http://a:port/x", "http://a:99999/", "http://a..b/", "http://a/\0"]
)
def test_what_is_no_address_is_refused(record, tmp_path, url):
    with pytest.raises(ModelError, match="expected an address"):
        fetch(url, tmp_path / "cache", record)


def test_a_secret_goes_to_its_server_and_nowhere_else(server, record, tmp_path):
    url = server.url.replace("//", "//me:s3cret@") + "?token=t0ken"
    seen = []
    path, found = fetch(url, tmp_path / "cache", record, on_progress=lambda *_: seen.append(1))
    assert server.asked == [("/model.tgz?token=t0ken", "Basic bWU6czNjcmV0")]
    assert record.find(url) == (found, tmp_path / "checksums.json")
    assert record.find(url + "2") is None
    assert fetch(url, tmp_path / "cache", record)[0] == path
    assert fetch(url + "2", tmp_path / "cache", record)[0] != path
    written = "".join(str(f) + f.read_text("latin-1") for f in tmp_path.rglob("*") if f.is_file())
    assert "s3cret" not in written
    assert "t0ken" not in written


@pytest.mark.parametrize("change", [{"breaks_after": 10}, {"contents": b""}])
def test_no_message_names_a_secret(server, record, tmp_path, change):
    vars(server).update(change)
    url = server.url.replace("//", "//me:s3cret@") + "?token=t0ken"
    for address in (url, url.replace("model", "absent"), url.replace("127.0.0.1", "127.0.0.1:9@[")):
        with pytest.raises(ModelError) as caught:
            fetch(address, tmp_path / "cache", record, "0" * 64)
        for secret in ("s3cret", "t0ken"):
            assert secret not in f"{caught.value} {caught.value.hint}"


def test_a_record_of_an_older_version_that_has_a_secret_is_read_and_loses_it(server, record, tmp_path):
    url = server.url + "?token=t0ken"
    old = {"schema": 1, "sha256": {url: sha256(server.contents), "http://me:s3cret@a/x": "0" * 64}}
    (tmp_path / "checksums.json").write_text(json.dumps(old))
    assert record.find(url) == (sha256(server.contents), tmp_path / "checksums.json")
    assert record.find("http://me:other@a/x") == ("0" * 64, tmp_path / "checksums.json")
    fetch(server.url, tmp_path / "cache", record)
    written = (tmp_path / "checksums.json").read_text()
    assert "t0ken" not in written
    assert "s3cret" not in written
    assert record.find(url) is not None


@pytest.mark.parametrize("part", ["", ".part"])
@pytest.mark.parametrize("kind", ["pipe", "device", "folder", "sparse"])
def test_what_is_no_file_in_the_cache_is_refused_and_stays(server, record, tmp_path, part, kind):
    url = server.url
    place = cached(url, tmp_path / "cache")
    place = place.with_name(place.name + part)
    place.parent.mkdir()
    if kind == "pipe":
        os.mkfifo(place)
    elif kind == "device":
        place.symlink_to("/dev/zero")
    elif kind == "folder":
        place.mkdir()
    else:
        place.touch()
        os.truncate(place, 2**40)
    with pytest.raises(ModelError, match=r"is no regular file|allowed: 1073741824") as caught:
        fetch(url, tmp_path / "cache", record)
    assert caught.value.path == place
    assert "remove it" in caught.value.hint
    assert os.path.lexists(place)


@pytest.mark.parametrize("word", [b"\xff", b"a\r\nX: y", b"", b"a" * 5000])
def test_a_spoilt_word_for_the_version_begins_anew(server, record, tmp_path, word):
    path = cached(server.url, tmp_path / "cache")
    path.parent.mkdir()
    path.with_name(f"{path.name}.part").write_bytes(b"y" * 10)
    path.with_name(f"{path.name}.part.version").write_bytes(word)
    found, sha = fetch(server.url, tmp_path / "cache", record)
    assert (found.read_bytes(), sha) == (server.contents, sha256(server.contents))


def test_a_full_disk_is_not_taken_for_a_network(server, record, tmp_path):
    with small_files(), pytest.raises(MachineError, match="cache cannot be used: File too large") as caught:
        fetch(server.url, tmp_path / "cache", record)
    assert str(tmp_path / "cache") in str(caught.value)
    assert fetch(server.url, tmp_path / "cache", record)[0].read_bytes() == server.contents


@pytest.mark.parametrize(
    "content",
    [
        *('{"schema": 1}', "[]", "{", '{"schema": 2, "sha256": {}}', '{"schema": true, "sha256": {}}', "[" * 100_000),
        *('{"schema": 1, "sha256": []}', '{"schema": 1, "sha256": {"a": 1}}', '{"schema": 1, "sha256": {"a": "AB"}}'),
        *('{"schema": 1, "sha256": {"a": null}}', '{"schema": ' + "9" * 6000 + "}", "\xff"),
    ],
)
def test_a_damaged_record_is_an_error(server, record, tmp_path, content):
    (tmp_path / "checksums.json").write_text(content, encoding="latin-1")
    with pytest.raises(ModelError, match=r"damaged|schema 2|schema True"):
        fetch(server.url, tmp_path, record)


def test_a_record_that_is_a_link_a_pipe_or_sparse_is_neither_read_nor_written(server, record, tmp_path):
    path = tmp_path / "checksums.json"
    path.symlink_to(tmp_path / "elsewhere.json")
    with pytest.raises(ModelError, match="is a link"):
        fetch(server.url, tmp_path / "cache", record)
    assert not (tmp_path / "elsewhere.json").exists()
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(ModelError, match="is a pipe"):
        record.find(server.url)
    path.unlink()
    with path.open("wb") as file:
        file.truncate(2**43)
    with pytest.raises(ModelError, match="at most"):
        record.find(server.url)


def test_the_record_lies_beside_the_space_or_in_the_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("DSE_CACHE", str(tmp_path / "cache"))
    assert ChecksumRecord.beside(tmp_path / "space.yaml").folders == (tmp_path, tmp_path / "cache")
    assert ChecksumRecord.beside(shipped("mobilenet_v3.yaml")).folders == (tmp_path / "cache",)


def test_a_folder_that_cannot_be_written_is_read_all_the_same(tmp_path):
    nowhere, cache = tmp_path / "nowhere", tmp_path / "cache"
    cache.mkdir()
    record = ChecksumRecord((nowhere, cache))
    record.add("http://a", "1" * 64)
    assert record.find("http://a") == ("1" * 64, cache / "checksums.json")
    nowhere.mkdir()
    (nowhere / "checksums.json").write_text('{"schema": 1, "sha256": {"http://a": "' + "2" * 64 + '"}}')
    assert record.find("http://a") == ("2" * 64, Path(nowhere / "checksums.json"))
