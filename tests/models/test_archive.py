"""Archives, good, hostile and cut off: one model comes out, or an error."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dse.errors import ModelError
from dse.models.archive import MemberError, is_archive
from dse.models.archive import read_model as read_parts

MODEL = b"\x1c\0\0\0TFL3model"
CONTENTS = MODEL + bytes(range(256)) * 40


def read_model(path: Path, name: str | None = None) -> bytes:
    return b"".join(read_parts(path, name))


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
    good = archive(tmp_path / "a.tgz", (member("v3/model.pb"), b"pb"), (member("v3/model.tflite"), MODEL))
    assert is_archive(good)
    assert read_model(good) == MODEL
    assert read_model(good, "v3/model.tflite") == MODEL
    with pytest.raises(ModelError, match=r"model\.pb in it is no \.tflite file"):
        read_model(good, "v3/model.pb")


def test_a_zip_is_an_archive_too(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as zipped:
        zipped.writestr("v3/", b"")
        zipped.writestr("v3/model.tflite", MODEL)
    assert is_archive(tmp_path / "a.zip")
    assert read_model(tmp_path / "a.zip") == MODEL
    with zipfile.ZipFile(tmp_path / "a.zip", "a") as zipped:
        zipped.writestr("../out.tflite", MODEL)
    with pytest.raises(ModelError, match="wants to write"):
        read_model(tmp_path / "a.zip")


def test_a_tar_whose_model_ends_in_a_zip_archive_is_a_tar(tmp_path):
    metadata = io.BytesIO(MODEL)
    metadata.seek(0, io.SEEK_END)
    with zipfile.ZipFile(metadata, "a") as zipped:
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
    bad = archive(tmp_path / "a.tgz", (member("model.tflite"), MODEL), (hostile, b""))
    with pytest.raises(ModelError, match=reason):
        read_model(bad)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.tgz"]


def test_a_bomb_is_refused_by_what_it_declares(tmp_path):
    with tarfile.open(tmp_path / "bomb.tar", "w") as tar:
        info = member("model.tflite", size=2**40)
        tar.fileobj.write(info.tobuf())
    with pytest.raises(ModelError, match="declares"):
        read_model(tmp_path / "bomb.tar")


def header(kind: bytes, size: int) -> bytes:
    info = tarfile.TarInfo("x")
    info.type, info.size = kind, size
    return info.tobuf(tarfile.GNU_FORMAT)


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK])
def test_a_header_is_not_read_before_its_size_is_known(tmp_path, kind):
    """8 GB of zeros are an archive of 8 MB; here the zeros are not even there."""
    with gzip.open(tmp_path / "a.tgz", "wb") as file:
        file.write(header(kind, 8 * 2**30) + bytes(2**20))
    assert is_archive(tmp_path / "a.tgz")
    with pytest.raises(ModelError, match=r"declares a header of \d+ bytes, allowed: 65536"):
        read_model(tmp_path / "a.tgz")


def test_headers_without_end_are_refused(tmp_path):
    with gzip.open(tmp_path / "a.tgz", "wb") as file:
        file.write(header(tarfile.GNUTYPE_LONGNAME, 0) * 5000)
    with pytest.raises(ModelError, match=r"not a whole archive|headers of more than 1000"):
        read_model(tmp_path / "a.tgz")


def test_an_offset_that_goes_back_ends(tmp_path):
    info = tarfile.TarInfo("model.tflite")
    block = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    block[124:136] = b"\xff" * 4 + (2**64 - 1024).to_bytes(8, "big")  # a size of -1024
    block[148:156] = b" " * 8
    block[148:156] = f"{sum(block):06o}\0 ".encode()
    (tmp_path / "a.tar").write_bytes(bytes(block) * 3)
    with pytest.raises(ModelError):
        read_model(tmp_path / "a.tar")


@pytest.mark.parametrize("form", ["zip", "tgz"])
def test_an_archive_that_expands_a_hundredfold_is_refused(tmp_path, form):
    zeros = b"\0\0\0\0TFL3" + bytes(2**27)
    if form == "zip":
        with zipfile.ZipFile(tmp_path / "a", "w", zipfile.ZIP_DEFLATED) as zipped:
            zipped.writestr("model.tflite", zeros)
    else:
        archive(tmp_path / "a", (member("model.tflite"), zeros))
    with pytest.raises(ModelError, match=r"declares 134217736 bytes in 1 members, allowed for its size: 67108864"):
        read_model(tmp_path / "a")


def test_a_list_of_members_that_is_too_long_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as zipped:
        for number in range(1200):
            zipped.writestr(f"{number}".rjust(4000, "x"), b"")
    with pytest.raises(ModelError, match="declares a header of"):
        read_model(tmp_path / "a.zip")


@pytest.mark.parametrize("names", [[], ["a.tflite", "b.tflite"]])
def test_an_archive_has_exactly_one_model(tmp_path, names):
    bad = archive(tmp_path / "a.tgz", *((member(name), MODEL) for name in [*names, "readme"]))
    with pytest.raises(MemberError, match="expected exactly one"):
        read_model(bad)


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_a_cut_archive_never_becomes_a_model(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("cut")
    whole = archive(folder / "a.tgz", (member("model.tflite"), CONTENTS)).read_bytes()
    (folder / "cut.tgz").write_bytes(whole[: data.draw(st.integers(0, len(whole) // 2))])
    with pytest.raises(ModelError):
        read_model(folder / "cut.tgz")
