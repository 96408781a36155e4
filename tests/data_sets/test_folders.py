"""A folder for each class: counted in the order of the names, and refused where it is something else."""

from __future__ import annotations

from pathlib import Path

import pytest
from dse_harness.data_set import open_images
from dse_harness.data_set import read_labels as harness_labels

from dse.data_sets import DataSet, from_folders, require_unchanged
from dse.errors import DataSetError


def _make(root: Path, *names: str) -> Path:
    for name in names:
        (root / "set" / name).parent.mkdir(parents=True, exist_ok=True)
        (root / "set" / name).write_bytes(name.encode())
    return root / "set"


def _read(root: Path, *names: str, classes: int | None = None) -> DataSet:
    return from_folders("set", _make(root, *names), root / "cache", classes)


def test_classes_are_folders_in_order(tmp_path: Path) -> None:
    found = _read(
        tmp_path, "dog/b.JPEG", "cat/2 a.png", "dog/a.jpg", "cat/1.png", "cat/notes.txt", ".git/x.png", "list.png"
    )
    assert (found.size, found.classes) == (4, 2)
    assert harness_labels(found.spec, Path()).tolist() == [0, 0, 1, 1]
    image = open_images(found.spec, Path())
    assert [image(number).read_text() for number in range(4)] == ["cat/1.png", "cat/2 a.png", "dog/a.jpg", "dog/b.JPEG"]
    require_unchanged(found.spec, tmp_path / "cache")


def test_another_image_is_another_data_set(tmp_path: Path) -> None:
    first = _read(tmp_path, "a/1.png", "b/1.png")
    assert _read(tmp_path, "a/1.png") == first
    assert _read(tmp_path, "b/2.png").sha256 != first.sha256


@pytest.mark.parametrize(
    ("names", "classes", "message"),
    [
        (["a/1.png"], None, "found 1 folders of classes, expected 2 at least"),
        (["a/1.png", "b/1.png"], 3, "found 2 folders of classes, expected 3"),
        (["a/1.png", "b/1.txt"], None, "found no image in it"),
        (["a/1.png", "b/1\n.png"], None, "found the name '1\\n.png', which no label list can have"),
        (["a/1.png", " b/1.png"], None, "found the name ' b'"),
    ],
)
def test_another_form_is_refused(tmp_path: Path, names: list[str], classes: int | None, message: str) -> None:
    with pytest.raises(DataSetError) as caught:
        _read(tmp_path, *names, classes=classes)
    assert message in str(caught.value)


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataSetError, match="cannot be read"):
        from_folders("set", tmp_path / "none", tmp_path / "cache")
