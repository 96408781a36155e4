"""Parquet with the bytes of images: unpacked once, the same rows the same data set, and refused with what was found."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from dse_harness.data_set import open_images
from dse_harness.data_set import read_labels as harness_labels
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dse.data_sets import DataSet, require_unchanged
from dse.data_sets import parquet as parquet_module
from dse.data_sets.parquet import Columns, from_parquet
from dse.errors import DataSetError, MachineError
from tests.data_sets.parquet_files import AS_STRUCT, png, struct, write_parquet

_ROWS = [(struct(10), 3), (struct(20), 0), (struct(30), 3)]


_NAMES = Columns()


def _read(folder: Path, *files: Path, columns: Columns = _NAMES, classes: int | None = None) -> DataSet:
    return from_parquet("set", files, columns, folder / "cache", classes)


def test_rows_become_images_that_the_harness_reads(tmp_path: Path) -> None:
    found = _read(tmp_path, write_parquet(tmp_path / "a.parquet", _ROWS), classes=10)
    assert (found.name, found.size, found.classes) == ("set", 3, 10)
    assert harness_labels(found.spec, Path()).tolist() == [3, 0, 3]
    image = open_images(found.spec, Path())
    assert [image(number).read_bytes() for number in range(3)] == [png(level) for level in (10, 20, 30)]
    require_unchanged(found.spec, tmp_path / "cache")


def test_files_follow_one_another_and_how_a_column_is_stored_does_not_matter(tmp_path: Path) -> None:
    whole = _read(tmp_path, write_parquet(tmp_path / "a.parquet", _ROWS))
    first = write_parquet(tmp_path / "b-0.parquet", [(png(10), 3)], "BLOB", "UTINYINT")
    second = write_parquet(tmp_path / "b-1.parquet", [(png(20), 0), (png(30), 3)], "BLOB", "UTINYINT")
    assert _read(tmp_path, first, second).sha256 == whole.sha256
    assert _read(tmp_path, second, first).sha256 != whole.sha256


def test_columns_may_have_any_name(tmp_path: Path) -> None:
    path = write_parquet(tmp_path / "a.parquet", _ROWS, image="the 'img'", label="fine label")
    assert _read(tmp_path, path, columns=Columns("the 'img'", "fine label")).size == 3
    with pytest.raises(
        DataSetError, match=r"found the columns the 'img' STRUCT.* BIGINT, id VARCHAR; expected image w"
    ):
        _read(tmp_path, path)


@pytest.fixture
def unpacking(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Where something was unpacked."""
    places: list[Path] = []
    unpack = parquet_module._unpack

    def counted(files: Any, columns: Columns, folder: Path) -> None:
        places.append(folder)
        unpack(files, columns, folder)

    monkeypatch.setattr(parquet_module, "_unpack", counted)
    return places


def test_images_are_unpacked_once_for_their_content(tmp_path: Path, unpacking: list[Path]) -> None:
    path = write_parquet(tmp_path / "a.parquet", _ROWS)
    first = _read(tmp_path, path)
    assert _read(tmp_path, path) == first
    shutil.copy(path, tmp_path / "copy.parquet")
    assert _read(tmp_path, tmp_path / "copy.parquet") == first
    assert len(unpacking) == 1
    assert not list(first.path.parent.parent.glob(".*"))


@pytest.mark.parametrize("damage", ["an image", "the list", "all images", "what is written down"])
def test_what_was_changed_in_the_cache_is_unpacked_again(tmp_path: Path, unpacking: list[Path], damage: str) -> None:
    path = write_parquet(tmp_path / "a.parquet", _ROWS)
    first = _read(tmp_path, path)
    match damage:
        case "an image":
            (first.path / "00000001").write_bytes(b"other")
        case "the list":
            assert first.labels
            first.labels.write_text("00000000 3\n")
        case "all images":
            shutil.rmtree(first.path)
        case _:
            (first.path.parent / "content.json").write_text("{}")
    assert _read(tmp_path, path) == first
    assert len(unpacking) == 2


@pytest.mark.parametrize(
    ("rows", "image_type", "label_type", "message"),
    [
        (_ROWS, AS_STRUCT, "DOUBLE", "label with whole numbers"),
        ([("a.png", 1)], "VARCHAR", "BIGINT", "found the columns image VARCHAR"),
        ([({"path": "a"}, 1)], "STRUCT(path VARCHAR)", "BIGINT", "in a struct with bytes"),
        ([(struct(1), 1), (struct(2), -1)], AS_STRUCT, "BIGINT", "row 1 has the label -1"),
        ([(struct(1), None)], AS_STRUCT, "BIGINT", "row 0 has the label None"),
        ([(struct(1), 10**9)], AS_STRUCT, "BIGINT", "row 0 has the label 1000000000"),
        ([({"bytes": None, "path": "a"}, 1)], AS_STRUCT, "BIGINT", "row 0 has no bytes of an image"),
        ([(None, 1)], AS_STRUCT, "BIGINT", "row 0 has no bytes of an image"),
        ([], AS_STRUCT, "BIGINT", "found no row"),
    ],
)
def test_another_form_is_refused(
    tmp_path: Path, rows: list[Any], image_type: str, label_type: str, message: str
) -> None:
    path = write_parquet(tmp_path / "a.parquet", rows, image_type, label_type)
    with pytest.raises(DataSetError) as caught:
        _read(tmp_path, path)
    assert message in str(caught.value)
    assert caught.value.path == path
    assert not [found for found in (tmp_path / "cache").rglob("*") if found.name.startswith(("parquet", "."))]


def test_a_class_too_many_is_refused(tmp_path: Path) -> None:
    path = write_parquet(tmp_path / "a.parquet", _ROWS)
    for _ in range(2):  # unpacked now, and before
        with pytest.raises(DataSetError, match="found class 3, allowed: 0 to 2"):
            _read(tmp_path, path, classes=3)
    assert _read(tmp_path, path, classes=4).size == 3


def test_images_that_become_more_than_files_hold_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet_module, "_SMALL_BYTES", 1000)
    path = write_parquet(tmp_path / "a.parquet", [(bytes(200_000), 0)] * 10, "BLOB")
    with pytest.raises(DataSetError, match="become more than their files can hold"):
        _read(tmp_path, path)


def test_a_file_reads_no_other_file(tmp_path: Path) -> None:
    """Not even one whose name is a pattern that fits others."""
    write_parquet(tmp_path / "ab.parquet", _ROWS)
    path = write_parquet(tmp_path / "a*.parquet", [(struct(1), 1)])
    assert _read(tmp_path, path).size == 1


def test_a_cache_that_cannot_be_written_is_an_error_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file")
    with pytest.raises(MachineError, match="cache cannot be used"):
        _read(tmp_path, write_parquet(tmp_path / "a.parquet", _ROWS))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damage_is_an_error_or_images(tmp_path: Path, data: st.DataObject) -> None:
    path = tmp_path / "a.parquet"
    if not path.exists():
        write_parquet(path, _ROWS)
    whole = path.read_bytes()
    place = data.draw(st.integers(0, len(whole) - 1))
    damaged = tmp_path / "damaged.parquet"
    other = data.draw(st.binary(max_size=8))
    damaged.write_bytes(whole[:place] + (other + whole[place + 8 :] if other else b""))
    with suppress(DataSetError):
        found = _read(tmp_path, damaged)
        assert found.size == len(harness_labels(found.spec, Path())) > 0
