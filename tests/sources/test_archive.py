"""Archives, good, hostile and cut off: one model comes out, or an error."""

from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dse.errors import ModelError
from dse.sources.archive import is_archive, read_model

CONTENTS = bytes(range(256)) * 40


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
    assert is_archive(good)
    assert read_model(good) == b"model"
    assert read_model(good, "v3/model.pb") == b"pb"


def test_a_zip_is_an_archive_too(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as zipped:
        zipped.writestr("v3/", b"")
        zipped.writestr("v3/model.tflite", b"model")
    assert is_archive(tmp_path / "a.zip")
    assert read_model(tmp_path / "a.zip") == b"model"
    with zipfile.ZipFile(tmp_path / "a.zip", "a") as zipped:
        zipped.writestr("../out.tflite", b"model")
    with pytest.raises(ModelError, match="wants to write"):
        read_model(tmp_path / "a.zip")


def test_a_tar_whose_model_ends_in_a_zip_archive_is_a_tar(tmp_path):
    metadata = io.BytesIO()
    with zipfile.ZipFile(metadata, "w") as zipped:
        zipped.writestr("labels.txt", "cat")
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        info = member("model.tflite", size=len(metadata.getvalue()))
        tar.addfile(info, io.BytesIO(metadata.getvalue()))
    assert zipfile.is_zipfile(tmp_path / "a.tar")
    assert read_model(tmp_path / "a.tar") == metadata.getvalue()


def test_a_link_in_a_zip_is_refused(tmp_path):
    link = zipfile.ZipInfo("model.tflite")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as zipped:
        zipped.writestr(link, "/etc/passwd")
    with pytest.raises(ModelError, match="link"):
        read_model(tmp_path / "a.zip")


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
        read_model(bad)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.tgz"]


def test_a_bomb_is_refused_by_what_it_declares(tmp_path):
    with tarfile.open(tmp_path / "bomb.tar", "w") as tar:
        info = member("model.tflite", size=2**40)
        tar.fileobj.write(info.tobuf())
    with pytest.raises(ModelError, match="declares"):
        read_model(tmp_path / "bomb.tar")


@pytest.mark.parametrize("names", [[], ["a.tflite", "b.tflite"]])
def test_an_archive_has_exactly_one_model(tmp_path, names):
    bad = archive(tmp_path / "a.tgz", *((member(name), b"model") for name in [*names, "readme"]))
    with pytest.raises(ModelError, match="expected exactly one"):
        read_model(bad)


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_a_cut_archive_never_becomes_a_model(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("cut")
    whole = archive(folder / "a.tgz", (member("model.tflite"), CONTENTS)).read_bytes()
    (folder / "cut.tgz").write_bytes(whole[: data.draw(st.integers(0, len(whole) // 2))])
    with pytest.raises(ModelError):
        read_model(folder / "cut.tgz")
