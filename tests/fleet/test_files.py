"""What a request needs on a device, by content, and the request as the device sees it."""

from __future__ import annotations

import hashlib
import io
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest
from dse_harness.protocol import AccuracySpec, DataSetSpec, PerformanceSpec, Request

from dse.data_sets import from_images
from dse.errors import DataSetError
from dse.files import sha256_file
from dse.fleet.files import sent
from dse.fleet.stored import Stored


def _request(folder: Path) -> Request:
    (folder / "model.tflite").write_bytes(b"model")
    (folder / "images.npz").write_bytes(b"images")
    spec = DataSetSpec("x", "images.npz", "c" * 64, classes=10)
    return Request("model.tflite", hashlib.sha256(b"model").hexdigest(), spec, str(folder / "cache"))


def test_files_are_named_by_their_content(tmp_path: Path) -> None:
    request = _request(tmp_path)
    found = sent(request, tmp_path)
    model, images = f"{request.model_sha256}.tflite", f"{hashlib.sha256(b'images').hexdigest()}.npz"
    assert [each.name for each in found.files] == [model, images]
    assert [each.path for each in found.files] == [tmp_path / "model.tflite", tmp_path / "images.npz"]
    assert found.request == replace(
        request,
        model_path=f"../../store/{model}",
        data_set=replace(request.data_set, path=f"../../store/{images}"),
        cache_dir="../../cache",
    )


def test_an_official_run_brings_its_configuration(tmp_path: Path) -> None:
    (tmp_path / "user.conf").write_text("*.SingleStream.min_duration = 1")
    request = replace(
        _request(tmp_path),
        performance=PerformanceSpec(user_conf="user.conf"),
        accuracy=AccuracySpec(user_conf=str(tmp_path / "user.conf")),
    )
    found = sent(request, tmp_path)
    name = f"{sha256_file(tmp_path / 'user.conf')}.conf"
    assert [each.name for each in found.files][2:] == [name]
    assert found.request.performance is not None
    assert found.request.accuracy is not None
    assert {found.request.performance.user_conf, found.request.accuracy.user_conf} == {f"../../store/{name}"}


def test_of_a_folder_of_images_those_of_the_list_are_sent(tmp_path: Path) -> None:
    folder = tmp_path / "images"
    (folder / "deep").mkdir(parents=True)
    names = ["a.png", f"deep/{'long' * 40}.png", "ü.png"]
    for name in [*names, "not listed.png"]:
        (folder / name).write_bytes(name.encode() * 100)
    labels = tmp_path / "labels.txt"
    labels.write_text("".join(f"{name} {number}\n" for number, name in enumerate(names)))
    spec = from_images("own", folder, labels, tmp_path / "cache", 10).spec
    found = sent(replace(_request(tmp_path), data_set=spec), tmp_path)
    _, listed, images = found.files
    assert (listed.kind, images.kind) == ("file", "tar")
    assert listed.name == f"{sha256_file(labels)}.txt"
    assert len(images.name) == 64
    assert (found.request.data_set.path, found.request.data_set.labels) == (
        f"../../store/{images.name}",
        f"../../store/{listed.name}",
    )
    data = b"".join(images.parts())
    assert (len(data), hashlib.sha256(data).hexdigest()) == (images.byte_count, images.sha256)
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        assert archive.getnames() == names
        for member in archive:
            file = archive.extractfile(member)
            assert file is not None
            assert file.read() == member.name.encode() * 100
    (folder / "a.png").write_bytes(b"another")
    other = from_images("own", folder, labels, tmp_path / "cache", 10).spec
    assert sent(replace(_request(tmp_path), data_set=other), tmp_path).files[2].name != images.name


def test_a_file_is_read_again_where_it_has_changed(tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    path.write_bytes(b"1")
    first = Stored.file(path)
    assert (first.byte_count, b"".join(first.parts()), first.sha256) == (1, b"1", hashlib.sha256(b"1").hexdigest())
    path.write_bytes(b"22")
    assert Stored.file(path).name == f"{hashlib.sha256(b'22').hexdigest()}.npz"


def test_what_is_not_there_is_an_error(tmp_path: Path) -> None:
    request = _request(tmp_path)
    with pytest.raises(FileNotFoundError):
        sent(replace(request, data_set=replace(request.data_set, path="none.npz")), tmp_path)
    with pytest.raises(DataSetError):
        sent(replace(request, data_set=replace(request.data_set, path=".", labels="images.npz")), tmp_path)
