"""URL models from a local HTTP server, as sources and in a search space."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import json
import random
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dse.cli import make_app
from dse.errors import MachineError, ModelError
from dse.models import ChecksumRecord, UrlSource
from dse.spaces.load import load_space
from tests.limits import small_files

SPACE = """\
schema: 1
name: by_url
data_set: {{embedded: fashion_mnist}}
models:
  one: {{url: {url}}}
parameters:
  threads: [1, 2]
fidelity: {{explore: {{min_duration: 50ms, accuracy_images: 10}}}}
"""


_MODEL = b"\x1c\x00\x00\x00TFL3" + b"a" * 100
_OTHER = b"\x1c\x00\x00\x00TFL3" + b"b" * 100


def _zip(*members: tuple[str, bytes]) -> bytes:
    output = io.BytesIO()
    with zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return output.getvalue()


def _tar(*members: tuple[str, bytes], link: str | None = None) -> bytes:
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w:gz") as archive:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
        if link:
            info = tarfile.TarInfo(link)
            info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
            archive.addfile(info)
    return output.getvalue()


_PACKS = [pytest.param(_zip, id="zip"), pytest.param(_tar, id="tar")]
_TRAVERSAL = (("../../evil.tflite", _MODEL), ("/tmp/evil.tflite", _OTHER))


@pytest.fixture
def source(server, tmp_path):
    server.contents = _MODEL
    return UrlSource(server.url, tmp_path / "cache", ChecksumRecord((tmp_path,)))


def test_a_known_checksum_needs_no_network(server, source, tmp_path):
    explicit = UrlSource(server.url, tmp_path, ChecksumRecord((tmp_path,)), "a" * 64)
    assert explicit.identity({}) == {"download": "a" * 64, "member": ""}
    source.record.add(server.url, "b" * 64)
    assert source.identity({}) == {"download": "b" * 64, "member": ""}
    assert server.requests == []


def test_an_unknown_checksum_downloads_first(server, source):
    assert (source.known_sha256, source.is_local) == (None, False)
    found = hashlib.sha256(server.contents).hexdigest()
    assert source.identity({}) == {"download": found, "member": ""}
    assert (source.known_sha256, source.is_local) == (found, True)


@pytest.mark.parametrize("pack", _PACKS)
def test_the_one_model_of_an_archive_is_taken_out(server, source, pack):
    server.contents = pack(("README", b"x"), ("net/model.tflite", _MODEL))
    made = source.make({})
    assert made.path.read_bytes() == _MODEL
    assert made.sha256 == hashlib.sha256(_MODEL).hexdigest()
    assert made.path.suffix == ".tflite"
    assert source.make({}) == made
    assert len(server.requests) == 1


@pytest.mark.parametrize("damage", [lambda data: data[:50], lambda data: data[:-1] + b"x"])
def test_a_model_that_was_changed_in_the_cache_is_taken_out_again(server, source, damage: Callable[[bytes], bytes]):
    server.contents = _tar(("model.tflite", _MODEL))
    made = source.make({})
    made.path.write_bytes(damage(_MODEL))
    assert UrlSource(server.url, source.cache, source.record).make({}) == made
    assert made.path.read_bytes() == _MODEL
    assert len(server.requests) == 1


@pytest.mark.parametrize("pack", _PACKS)
def test_of_two_models_the_space_has_to_name_one(server, source, tmp_path, pack):
    server.contents = pack(("a/x.tflite", _MODEL), ("a_x.tflite", _OTHER))
    with pytest.raises(ModelError, match=r"found a/x\.tflite, a_x\.tflite inside") as caught:
        source.make({})
    assert "member:" in (caught.value.hint or "")
    named = [UrlSource(server.url, tmp_path, source.record, member=name) for name in ("a/x.tflite", "a_x.tflite")]
    assert [item.make({}).path.read_bytes() for item in named] == [_MODEL, _OTHER]
    with pytest.raises(ModelError, match=r"expected b\.tflite"):
        UrlSource(server.url, tmp_path, source.record, member="b.tflite").make({})


@pytest.mark.parametrize("pack", _PACKS)
def test_a_name_that_leaves_the_archive_is_refused(server, source, tmp_path, pack):
    server.contents = pack(*_TRAVERSAL)
    with pytest.raises(ModelError, match=r"it wants to write to \.\./\.\./evil\.tflite"):
        source.make({})
    assert list(tmp_path.parent.rglob("evil.tflite")) == []


def test_a_link_in_an_archive_is_refused(server, source):
    server.contents = _tar(link="model.tflite")
    with pytest.raises(ModelError, match="a link"):
        source.make({})


def test_a_model_with_files_packed_at_its_end_is_a_model(server, source):
    server.contents = _MODEL + _zip(("labels.txt", b"cat\ndog\n"))  # as TFLite metadata has it
    assert source.make({}).path.read_bytes() == server.contents


@pytest.mark.parametrize(
    "damage", [lambda data: data[: len(data) // 2], lambda data: data[:60] + b"\xff" * 40 + data[100:]]
)
@pytest.mark.parametrize("pack", _PACKS)
def test_a_damaged_archive_is_refused(server, source, pack, damage: Callable[[bytes], bytes]):
    server.contents = damage(pack(("model.tflite", _MODEL + bytes(range(256)) * 40)))
    with pytest.raises(ModelError):
        source.make({})


def test_what_is_neither_model_nor_archive_is_refused_and_not_recorded(server, source, tmp_path):
    server.contents = b"<html>Please log in</html>"
    with pytest.raises(ModelError, match=r"neither a \.tflite file nor a zip or tar archive") as caught:
        source.make({})
    assert caught.value.path == server.url
    assert source.known_sha256 is None
    assert list((tmp_path / "cache").glob("*.tgz*")) == []


@pytest.fixture
def space(server, tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("DSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    server.contents = _MODEL
    path = tmp_path / "by_url.yaml"
    path.write_text(SPACE.format(url=server.url))
    return path


def test_checking_a_space_and_a_dry_run_download_nothing(server, space):
    assert CliRunner().invoke(make_app(), ["space", "check", str(space)], catch_exceptions=False).exit_code == 0
    done = CliRunner().invoke(make_app(), ["explore", "--space", str(space), "--dry-run"], catch_exceptions=False)
    assert "1 model would be downloaded first" in done.stderr
    assert "2 configurations, 0 of them known" in done.stdout
    assert server.requests == []


def test_exploring_downloads_first_and_records_the_checksum_beside_the_space(server, space, tmp_path):
    done = CliRunner().invoke(make_app(), ["explore", "--space", str(space), "--trials", "1"])
    assert f"downloading 1 of 1: {server.url}" in done.stderr
    found = hashlib.sha256(server.contents).hexdigest()
    assert json.loads((tmp_path / "checksums.json").read_text())["sha256"] == {server.url: found}
    assert load_space(space).resolved().models["one"]["sha256"] == found
    assert found in (tmp_path / "studies/by_url/study.yaml").read_text()


def test_a_secret_in_an_address_is_in_no_file_and_no_line(server, space, tmp_path):
    """Resumed too, and where the study was made by a version that wrote it down."""
    url = server.url.replace("//", "//me:s3cret@") + "?token=t0ken"
    space.write_text(space.read_text().replace(server.url, f"'{url}'"))
    said = ""
    study = tmp_path / "studies/by_url/study.yaml"
    for command in (["explore", "--space", str(space), "--trials", "1"], ["explore", "--space", str(space)]):
        done = CliRunner().invoke(make_app(), command)
        said += f"{done.output} {done.exception}"
        assert f"url: {server.url}\n" in study.read_text()
        study.write_text(study.read_text().replace(server.url, url))
    said += CliRunner().invoke(make_app(), ["space", "show", str(space), "--json"]).stdout
    CliRunner().invoke(make_app(), ["explore", "--space", str(space)])
    space.unlink()
    written = "".join(str(f) + f.read_text("latin-1") for f in tmp_path.rglob("*") if f.is_file())
    for secret in ("s3cret", "t0ken"):
        assert secret not in written
        assert secret not in said
    assert server.asked == [("/model.tgz?token=t0ken", "Basic bWU6czNjcmV0")]


def test_a_failed_download_makes_no_study(server, space, tmp_path):
    server.breaks_after = 10
    done = CliRunner().invoke(make_app(), ["explore", "--space", str(space)])
    assert isinstance(done.exception, ModelError)
    assert not (tmp_path / "studies").exists()


def test_a_spoilt_archive_is_refused_before_the_search_and_not_recorded(server, space, tmp_path):
    whole = bz2.compress(gzip.decompress(_tar(("model.tflite", _MODEL + random.Random(0).randbytes(2**21)))))
    server.contents = whole[: 2**20] + b"\0" * 100 + whole[2**20 + 100 :]  # an OSError for Python
    done = CliRunner().invoke(make_app(), ["explore", "--space", str(space)])
    assert isinstance(done.exception, ModelError)
    assert "not a whole archive" in str(done.exception)
    assert not (tmp_path / "studies").exists()
    assert not (tmp_path / "checksums.json").exists()


def test_a_full_disk_is_told_with_its_place_and_what_was_begun_is_removed(server, source):
    server.contents = _zip(("model.tflite", _MODEL + bytes(20_000)))
    with small_files(), pytest.raises(MachineError, match="cache cannot be used: File too large") as caught:
        source.make({})
    assert caught.value.path == source.cache
    assert [path.suffix for path in source.cache.iterdir()] == [".tgz"]  # the download itself, which is whole
    assert source.make({}).path.read_bytes() == _MODEL + bytes(20_000)


def test_an_archive_of_two_models_is_kept_until_the_space_names_one(server, source):
    server.contents = _tar(("a.tflite", _MODEL), ("b.tflite", _OTHER))
    with pytest.raises(ModelError, match="expected exactly one"):
        source.make({})
    assert source.known_sha256 is None
    named = UrlSource(server.url, source.cache, source.record, member="b.tflite")
    assert named.make({}).path.read_bytes() == _OTHER
    assert named.known_sha256 is not None
    assert len(server.requests) == 1


def test_only_web_addresses_are_urls(space):
    space.write_text(space.read_text().replace("http://", "file://"))
    done = CliRunner().invoke(make_app(), ["space", "check", str(space)])
    assert done.exception.line == 5
