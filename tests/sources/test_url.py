"""URL models from a local HTTP server, as sources and in a search space."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dse.cli import app
from dse.errors import ModelError
from dse.sources import ChecksumRecord, UrlSource
from dse.spaces.load import load_space

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


def tgz(contents: bytes) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as tar:
        info = tarfile.TarInfo("v3/model.tflite")
        info.size = len(contents)
        tar.addfile(info, io.BytesIO(contents))
    return file.getvalue()


@pytest.fixture
def source(server, tmp_path):
    return UrlSource(server.url, tmp_path / "cache", ChecksumRecord((tmp_path,)))


def test_a_known_checksum_needs_no_network(server, source, tmp_path):
    explicit = UrlSource(server.url, tmp_path, ChecksumRecord((tmp_path,)), "a" * 64)
    assert explicit.identity({}) == {"download": "a" * 64, "member": ""}
    source.record.add(server.url, "b" * 64)
    assert source.identity({}) == {"download": "b" * 64, "member": ""}
    assert server.requests == []


def test_an_unknown_checksum_downloads_first(server, source):
    assert (source.known_sha256, source.is_here) == (None, False)
    found = hashlib.sha256(server.contents).hexdigest()
    assert source.identity({}) == {"download": found, "member": ""}
    assert (source.known_sha256, source.is_here) == (found, True)


def test_the_model_comes_out_of_its_archive(server, source):
    server.contents = tgz(b"model")
    made = source.make({})
    assert made.path.read_bytes() == b"model"
    assert made.sha256 == hashlib.sha256(b"model").hexdigest()
    assert source.make({}) == made
    assert len(server.requests) == 1


def test_a_file_that_is_no_archive_is_the_model(server, source):
    assert source.make({}).path.read_bytes() == server.contents


def test_an_archive_without_a_model_is_an_error(server, source, tmp_path):
    server.contents = tgz(b"model")
    with pytest.raises(ModelError, match=r"found v3/model.tflite inside, expected other.tflite"):
        UrlSource(server.url, tmp_path, source.record, member="other.tflite").make({})


@pytest.fixture
def space(server, tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("DSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "by_url.yaml"
    path.write_text(SPACE.format(url=server.url))
    return path


def test_checking_a_space_and_a_dry_run_download_nothing(server, space):
    assert CliRunner().invoke(app, ["space", "check", str(space)], catch_exceptions=False).exit_code == 0
    done = CliRunner().invoke(app, ["explore", "--space", str(space), "--dry-run"], catch_exceptions=False)
    assert "1 model would be downloaded first" in done.stderr
    assert "2 configurations, 0 of them known" in done.stdout
    assert server.requests == []


def test_exploring_downloads_first_and_records_the_checksum_beside_the_space(server, space, tmp_path):
    done = CliRunner().invoke(app, ["explore", "--space", str(space), "--trials", "1"])
    assert f"downloading 1 of 1: {server.url}" in done.stderr
    found = hashlib.sha256(server.contents).hexdigest()
    assert json.loads((tmp_path / "checksums.json").read_text())["sha256"] == {server.url: found}
    assert load_space(space).resolved()["models"]["one"]["sha256"] == found
    assert found in (tmp_path / "studies/by_url/study.yaml").read_text()


def test_a_failed_download_makes_no_study(server, space, tmp_path):
    server.breaks_after = 10
    done = CliRunner().invoke(app, ["explore", "--space", str(space)])
    assert isinstance(done.exception, ModelError)
    assert not (tmp_path / "studies").exists()


def test_only_web_addresses_are_urls(space):
    space.write_text(space.read_text().replace("http://", "file://"))
    done = CliRunner().invoke(app, ["space", "check", str(space)])
    assert done.exception.line == 5
