"""Labelled images: what is read, what identifies them, and what is refused with file and line."""

from __future__ import annotations

import os
import tracemalloc
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dse.data_sets import DataSet, from_arrays, from_images, require_unchanged
from dse.errors import DataSetError, MachineError, Remedy


def _archive(path: Path, **arrays: Any) -> Path:
    np.savez(path, **arrays)
    return path


def _folder(root: Path, labels: str = "a.png 0\nb c.png 7\n") -> tuple[Path, Path]:
    folder = root / "images"
    folder.mkdir(exist_ok=True)
    for name in ("a.png", "b c.png"):
        (folder / name).write_bytes(name.encode())
    (root / "labels.txt").write_text(labels, encoding="utf-8")
    return folder, root / "labels.txt"


def _read(root: Path, labels: str = "a.png 0\nb c.png 7\n", classes: int | None = None) -> DataSet:
    return from_images("two", *_folder(root, labels), root / "cache", classes)


def test_an_archive_is_counted_and_identified_by_its_bytes(tmp_path: Path) -> None:
    images = np.zeros((3, 4, 4), np.uint8)
    first = from_arrays("x", _archive(tmp_path / "a.npz", images=images, labels=[0, 2, 1]))
    other = from_arrays("x", _archive(tmp_path / "b.npz", images=images, labels=[0, 1, 1]))
    assert (first.size, first.classes, first.labels) == (3, None, None)
    assert first.sha256 != other.sha256
    assert first.spec.path == str(tmp_path / "a.npz")


def test_a_request_learns_how_many_classes_there_are_only_from_who_knows(tmp_path: Path) -> None:
    assert _read(tmp_path).spec.classes is None
    assert _read(tmp_path, classes=1000).spec.classes == 1000


_IMAGES = np.zeros((2, 4, 4), np.uint8)


@pytest.mark.parametrize(
    "arrays",
    [
        {"labels": [0, 1]},
        {"images": _IMAGES},
        {"images": _IMAGES, "labels": [0.5, 1.0]},
        {"images": _IMAGES, "labels": [[0, 1]]},
        {"images": _IMAGES, "labels": [0, -1]},
        {"images": _IMAGES, "labels": [0, 1, 1]},
        {"images": _IMAGES.astype(np.float32), "labels": [0, 1]},
        {"images": _IMAGES[0], "labels": [0, 1, 2, 3]},
        {"images": _IMAGES[:0], "labels": np.zeros(0, int)},
        {"images": np.array(["a", "b"], object), "labels": [0, 1]},
    ],
)
def test_an_archive_of_another_form_is_refused(tmp_path: Path, arrays: dict[str, Any]) -> None:
    with pytest.raises(DataSetError, match="images uint8") as caught:
        from_arrays("x", _archive(tmp_path / "a.npz", **arrays))
    assert caught.value.path == tmp_path / "a.npz"


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut off", b"\x93NUMPY\x01\x00", b"text", None])
def test_a_file_that_is_no_archive_is_refused(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(DataSetError, match=r"a\.npz: "):
        from_arrays("x", tmp_path / "a.npz")


def test_a_plain_array_is_no_archive(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", _IMAGES)
    (tmp_path / "a.npy").rename(tmp_path / "a.npz")
    with pytest.raises(DataSetError, match=r"\.npz"):
        from_arrays("x", tmp_path / "a.npz")


def test_a_folder_with_a_label_list_is_read(tmp_path: Path) -> None:
    data_set = _read(tmp_path, "a.png 0\n\n  b c.png\t7  \n")
    assert (data_set.name, data_set.size) == ("two", 2)
    assert data_set.spec.labels == str(tmp_path / "labels.txt")


def test_the_fingerprint_of_a_folder_covers_names_classes_order_and_bytes(tmp_path: Path) -> None:
    found = [
        _read(tmp_path).sha256,
        _read(tmp_path, "a.png 1\nb c.png 7\n").sha256,
        _read(tmp_path, "b c.png 7\na.png 0\n").sha256,
        _read(tmp_path, "a.png 0\n").sha256,
    ]
    (tmp_path / "images" / "a.png").write_bytes(b"other")
    found.append(_read_again(tmp_path).sha256)
    assert len(set(found)) == 5


def test_the_fingerprint_of_a_folder_does_not_depend_on_where_it_lies(tmp_path: Path) -> None:
    found = set()
    for place in ("here", "there"):
        (tmp_path / place).mkdir()
        found.add(_read(tmp_path / place).sha256)
    assert len(found) == 1


def test_a_changed_image_of_the_same_size_is_noticed(tmp_path: Path) -> None:
    before = _read(tmp_path).sha256
    image = tmp_path / "images" / "a.png"
    image.write_bytes(b"A.PNG")
    os.utime(image, ns=(1, 1))
    assert _read_again(tmp_path).sha256 != before


def test_a_cache_that_cannot_be_written_is_a_matter_of_the_machine(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file, not a folder")
    with pytest.raises(MachineError) as caught:
        _read(tmp_path)
    assert caught.value.path == tmp_path / "cache"
    assert "DSE_CACHE" in (caught.value.hint or "")


def _read_again(root: Path) -> DataSet:
    return from_images("two", root / "images", root / "labels.txt", root / "cache")


@pytest.mark.parametrize(
    ("labels", "line", "found"),
    [
        ("a.png 0\nb c.png\n", 2, "'b c.png'"),
        ("a.png x\n", 1, "'a.png x'"),
        ("a.png -1\n", 1, "'a.png -1'"),
        ("a.png ²\n", 1, "'a.png ²'"),
        ("a.png 4294967296\n", 1, "'a.png 4294967296'"),
        ("a.png 0\n\n7\n", 3, "'7'"),
        ("", None, "empty"),
        ("../labels.txt 1\n", 1, "outside"),
        ("/etc/passwd 1\n", 1, "outside"),
        ("a.png 0\na.png 1\n", 2, "duplicate image a.png"),
    ],
)
def test_a_label_list_that_is_none_is_refused_with_its_line(
    tmp_path: Path, labels: str, line: int | None, found: str
) -> None:
    with pytest.raises(DataSetError) as caught:
        _read(tmp_path, labels)
    assert (caught.value.path, caught.value.line) == (tmp_path / "labels.txt", line)
    assert found in caught.value.message


def test_a_mark_of_the_byte_order_and_blank_lines_are_no_names(tmp_path: Path) -> None:
    assert _read(tmp_path, "\ufeff\r\na.png 0\r\n\r\nb c.png 7\r\n\r\n").sha256 == _read(tmp_path).sha256


def test_missing_images_are_counted_and_the_first_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataSetError, match=r"2 of 3 images .* the first: x\.png") as caught:
        _read(tmp_path, "a.png 0\nx.png 1\ny.png 1\n")
    assert caught.value.remedy is Remedy.NAME_IMAGES


def test_a_class_beyond_the_declared_ones_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataSetError, match="found class 7, allowed: 0 to 4"):
        _read(tmp_path, classes=5)
    with pytest.raises(DataSetError, match="found class 9, allowed: 0 to 4"):
        from_arrays("x", _archive(tmp_path / "a.npz", images=_IMAGES, labels=[0, 9]), 5)


def test_a_missing_folder_and_a_missing_list_say_which_option_names_them(tmp_path: Path) -> None:
    folder, labels = _folder(tmp_path)
    with pytest.raises(DataSetError) as no_folder:
        from_images("x", tmp_path / "none", labels, tmp_path)
    with pytest.raises(DataSetError) as no_labels:
        from_images("x", folder, tmp_path / "none", tmp_path)
    assert no_folder.value.remedy is Remedy.NAME_IMAGES
    assert no_labels.value.remedy is Remedy.NAME_LABELS


def test_contents_that_are_not_those_of_a_request_are_refused(tmp_path: Path) -> None:
    arrays = {"images": np.zeros((3, 2, 2), np.uint8), "labels": np.array([0, 1, 2])}
    archive = from_arrays("some", _archive(tmp_path / "some.npz", **arrays))
    folder = _read(tmp_path)
    for found in (archive, folder):
        require_unchanged(found.spec, tmp_path / "cache")
    _archive(tmp_path / "some.npz", **{**arrays, "labels": np.array([1, 2, 0])})
    _folder(tmp_path, "a.png 1\nb c.png 7\n")
    for found in (archive, folder):
        with pytest.raises(DataSetError, match="not those that were measured"):
            require_unchanged(found.spec, tmp_path / "cache")


@given(st.data())
def test_a_damaged_archive_is_an_error_or_read(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    path = tmp_path_factory.mktemp("damaged") / "a.npz"
    np.savez_compressed(path, images=np.arange(320, dtype=np.uint8).reshape(20, 4, 4), labels=np.arange(20) % 10)
    contents = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        contents[data.draw(st.integers(0, len(contents) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(contents)
    with suppress(DataSetError):
        from_arrays("x", path)


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"schema": 1}', "null", "", "\0"])
def test_a_damaged_memory_of_a_data_set_is_passed_over(tmp_path: Path, content: str) -> None:
    before = _read(tmp_path)
    (remembered,) = (tmp_path / "cache" / "data_sets").iterdir()
    remembered.write_text(content)
    assert _read_again(tmp_path) == before


@pytest.mark.parametrize("shape", [b"(3, 4, 4, ", b"(03, 4, 4)", b"(3, 4; 4)", b"(3, 4, x)"])
def test_a_header_that_is_none_is_an_error(tmp_path: Path, shape: bytes) -> None:
    plain = _archive(tmp_path / "a.npz", images=np.zeros((3, 4, 4), np.uint8), labels=np.arange(3))
    with zipfile.ZipFile(plain) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["images.npy"] = members["images.npy"].replace(b"(3, 4, 4)", shape)
    with zipfile.ZipFile(tmp_path / "b.npz", "w") as archive:
        for name, contents in members.items():
            archive.writestr(name, contents)
    with pytest.raises(DataSetError, match=r"found no \.npz"):
        from_arrays("x", tmp_path / "b.npz")


def test_a_label_list_of_many_lines_is_read(tmp_path: Path) -> None:
    folder, labels = _folder(tmp_path)
    labels.write_text("a.png 0\n" + "".join(f"image_{i:07}.JPEG {i % 1000}\n" for i in range(100_000)))
    with pytest.raises(DataSetError, match=r"100000 of 100001 images .* the first: image_0000000\.JPEG") as caught:
        from_images("x", folder, labels, tmp_path)
    assert caught.value.line == 2


@pytest.mark.parametrize("kind", ["pipe", "device", "folder", "link to a device"])
def test_what_is_no_regular_file_is_no_image_and_named_with_its_line(tmp_path: Path, kind: str) -> None:
    folder, labels = _folder(tmp_path)
    labels.write_text("a.png 0\nodd 1\n")
    odd = folder / "odd"
    if kind == "pipe":
        os.mkfifo(odd)
    elif kind == "folder":
        odd.mkdir()
    else:
        odd.symlink_to("/dev/zero")
    with pytest.raises(DataSetError, match="odd is no regular file") as caught:
        _read_again(tmp_path)
    assert (caught.value.path, caught.value.line) == (labels, 2)


def test_a_name_with_a_nul_is_refused_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(DataSetError, match="found a NUL character in 'a") as caught:
        _read(tmp_path, "a.png 0\na\0b.png 1\n")
    assert caught.value.line == 2


@pytest.mark.parametrize("name", ["labels.txt", "a.npz"])
def test_a_pipe_in_place_of_a_list_or_an_archive_is_refused(tmp_path: Path, name: str) -> None:
    folder, labels = _folder(tmp_path)
    (tmp_path / name).unlink(missing_ok=True)
    os.mkfifo(tmp_path / name)
    with pytest.raises(DataSetError, match=r"cannot be read: .*(regular|pipe)"):
        from_arrays("x", tmp_path / name) if name == "a.npz" else from_images("x", folder, labels, tmp_path)


@pytest.mark.parametrize("shape", ["(1000000000000,)", "(1" + "0" * 30 + ",)", "(-1,)", "(----1,)", "([],)", "(1.5,)"])
@pytest.mark.parametrize("odd", ["labels", "images"])
def test_an_archive_with_an_odd_header_is_none(tmp_path: Path, shape: str, odd: str) -> None:
    path = tmp_path / "a.npz"
    with zipfile.ZipFile(path, "w") as archive:
        for name, descr, usual in (("labels", "<i8", "(1,)"), ("images", "|u1", "(1, 2, 2)")):
            header = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape if name == odd else usual}, }}"
            length = len(header).to_bytes(2, "little")
            archive.writestr(f"{name}.npy", b"\x93NUMPY\x01\x00" + length + header.encode() + bytes(8))
    with pytest.raises(DataSetError, match="found ") as caught:
        from_arrays("x", path)
    assert caught.value.path == path


@pytest.mark.parametrize(("odd", "beginning"), [("labels", b"\x93NUMPY\x01\x00"), ("images", b"\x93NUMPY\x02\x00")])
def test_an_archive_that_becomes_far_larger_is_refused_unread(tmp_path: Path, odd: str, beginning: bytes) -> None:
    path, size = tmp_path / "a.npz", 2**27
    words = f"{{'descr': '|S{size}', 'fortran_order': False, 'shape': (1,), }}".encode()
    said = len(words).to_bytes(2, "little") + words if odd == "labels" else size.to_bytes(4, "little")
    np.savez_compressed(path, **{"images" if odd == "labels" else "labels": np.zeros((1, 2, 2), np.uint8)})
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive, archive.open(f"{odd}.npy", "w") as file:
        file.write(beginning + said)
        for _ in range(size // 2**24):
            file.write(bytes(2**24))
    tracemalloc.start()
    try:
        with pytest.raises(DataSetError, match="found "):
            from_arrays("x", path)
        assert tracemalloc.get_traced_memory()[1] < 2**24
    finally:
        tracemalloc.stop()
