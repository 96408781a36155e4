"""Models by URL: fetched once, checked, and taken out of their archive and nothing else."""

from __future__ import annotations

import hashlib
import io
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from dse.errors import ModelError
from dse.sources import UrlSource

from .serving import serve

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


class Web:
    def __init__(self, cache: Path) -> None:
        self.content: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.address = ""
        self._cache = cache

    def source(self, data: bytes, member: str | None = None, sha256: str | None = None) -> UrlSource:
        self.content["file"] = data
        return UrlSource(f"{self.address}/file", sha256 or hashlib.sha256(data).hexdigest(), self._cache, member)


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Web]:
    found = Web(tmp_path / "cache" / "models")
    with serve(found.content, found.asked) as found.address:
        yield found


def test_a_model_is_fetched_once(web: Web) -> None:
    for _ in range(2):
        made = web.source(_MODEL).make({})
        assert made.path.read_bytes() == _MODEL
        assert made.sha256 == hashlib.sha256(_MODEL).hexdigest()
    assert web.asked == ["/file"]


def test_nothing_is_fetched_to_know_what_it_is(web: Web) -> None:
    source = web.source(_MODEL)
    source.check({})
    assert source.parameters == {}
    assert source.identity({}) != web.source(_OTHER).identity({})
    assert source.identity({}) != web.source(_MODEL, member="x").identity({})
    assert web.asked == []


def test_another_content_is_refused_and_not_kept(web: Web, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="does not match the known hash") as caught:
        web.source(_MODEL, sha256="0" * 64).make({})
    assert caught.value.path == f"{web.address}/file"
    assert list((tmp_path / "cache").rglob("*.tflite")) == []


def test_a_damaged_file_in_the_cache_is_fetched_again(web: Web) -> None:
    web.source(_MODEL).make({}).path.write_bytes(b"damaged")
    assert web.source(_MODEL).make({}).path.read_bytes() == _MODEL


def test_a_missing_file_and_a_dead_server_are_refused(web: Web, tmp_path: Path) -> None:
    for url in (f"{web.address}/none", "http://127.0.0.1:9/x", "nonsense://x", "no address"):
        with pytest.raises(ModelError, match="cannot be fetched"):
            UrlSource(url, "0" * 64, tmp_path).make({})


@pytest.mark.parametrize("pack", _PACKS)
def test_the_one_model_of_an_archive_is_taken_out(web: Web, pack: object) -> None:
    data = pack(("README", b"x"), ("net/model.tflite", _MODEL))  # type: ignore[operator]
    made = web.source(data).make({})
    assert made.path.read_bytes() == _MODEL
    assert made.sha256 == hashlib.sha256(_MODEL).hexdigest()
    assert made.path.suffix == ".tflite"


@pytest.mark.parametrize("pack", _PACKS)
def test_an_archive_without_a_model_is_refused(web: Web, pack: object) -> None:
    with pytest.raises(ModelError, match=r"found no \.tflite inside, expected exactly one \.tflite"):
        web.source(pack(("README", b"x"))).make({})  # type: ignore[operator]


@pytest.mark.parametrize("pack", _PACKS)
def test_of_two_models_the_space_has_to_name_one(web: Web, pack: object) -> None:
    data = pack(("a/x.tflite", _MODEL), ("a_x.tflite", _OTHER))  # type: ignore[operator]
    with pytest.raises(ModelError, match=r"found a/x\.tflite, a_x\.tflite inside") as caught:
        web.source(data).make({})
    assert "member:" in (caught.value.hint or "")
    first, second = web.source(data, "a/x.tflite").make({}), web.source(data, "a_x.tflite").make({})
    assert (first.path.read_bytes(), second.path.read_bytes()) == (_MODEL, _OTHER)
    with pytest.raises(ModelError, match=r"expected b\.tflite"):
        web.source(data, "b.tflite").make({})


@pytest.mark.parametrize("pack", _PACKS)
def test_a_name_that_leaves_the_archive_writes_only_into_the_cache(web: Web, pack: object, tmp_path: Path) -> None:
    data = pack(*_TRAVERSAL)  # type: ignore[operator]
    made = web.source(data, "../../evil.tflite").make({})
    assert made.path.read_bytes() == _MODEL
    assert made.path.parent == tmp_path / "cache" / "models"
    assert list(tmp_path.parent.rglob("evil.tflite")) == []
    assert not Path("/tmp/evil.tflite").exists()


def test_a_link_in_an_archive_is_no_file(web: Web) -> None:
    with pytest.raises(ModelError, match="expected exactly one"):
        web.source(_tar(link="model.tflite")).make({})


def test_a_model_with_files_packed_at_its_end_is_a_model(web: Web) -> None:
    data = _MODEL + _zip(("labels.txt", b"cat\ndog\n"))  # as TFLite metadata has it
    assert web.source(data).make({}).path.read_bytes() == data


@pytest.mark.parametrize(
    "damage", [lambda data: data[: len(data) // 2], lambda data: data[:60] + b"\xff" * 40 + data[100:]]
)
@pytest.mark.parametrize("pack", _PACKS)
def test_a_damaged_archive_is_refused(web: Web, pack: object, damage: object) -> None:
    noise = bytes(range(256)) * 40
    data = damage(pack(("model.tflite", _MODEL + noise)))  # type: ignore[operator]
    with pytest.raises(ModelError) as caught:
        web.source(data).make({})
    assert caught.value.path == f"{web.address}/file"


def test_what_is_neither_model_nor_archive_is_refused(web: Web) -> None:
    with pytest.raises(ModelError, match=r"neither a \.tflite file nor a zip or tar archive"):
        web.source(b"<html>Please log in</html>").make({})
