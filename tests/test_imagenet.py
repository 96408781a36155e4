from __future__ import annotations

from pathlib import Path

import pytest

from dse.errors import DataSetError
from dse.imagenet import ImageNet, find_imagenet, reduced


def test_images_and_labels_are_found_below_the_folder(imagenet):
    assert find_imagenet(imagenet) == ImageNet(imagenet / "val", imagenet / "val.txt")
    assert find_imagenet(imagenet / "val") == ImageNet(imagenet / "val", imagenet / "val.txt")


def test_a_missing_image_is_named(imagenet):
    missing = imagenet / "val" / "ILSVRC2012_val_00031415.JPEG"
    missing.unlink()
    with pytest.raises(DataSetError, match=r"49999 of 50000 .*ILSVRC2012_val_00031415\.JPEG"):
        find_imagenet(imagenet)
    missing.touch()


def test_the_reduced_set_is_the_first_500(imagenet, tmp_path):
    small = reduced(find_imagenet(imagenet), tmp_path / "labels.txt")
    lines = small.labels.read_text().splitlines()
    assert small.images == imagenet / "val"
    assert len(lines) == 500
    assert lines[-1] == "ILSVRC2012_val_00000500.JPEG 500"
    with pytest.raises(DataSetError, match="allowed: 1 to 50000"):
        reduced(find_imagenet(imagenet), tmp_path / "labels.txt", size=0)


def test_the_reduced_list_is_written_over_nothing_else(imagenet, tmp_path):
    found = find_imagenet(imagenet)
    link = tmp_path / "link.txt"
    link.symlink_to(found.labels)
    (tmp_path / "notes.txt").write_text("mine")
    for taken in (found.labels, link, tmp_path / "notes.txt", tmp_path):
        with pytest.raises(DataSetError, match="exists, and is not the list of the first 500"):
            reduced(found, taken)
    assert len(found.labels.read_text().splitlines()) == 50_000
    assert reduced(found, tmp_path / "new.txt") == reduced(found, tmp_path / "new.txt")


def test_a_list_as_windows_writes_it_is_read(imagenet, tmp_path):
    lines = (imagenet / "val.txt").read_text().replace("\n", "\r\n").replace(" ", "\t")
    (tmp_path / "labels.txt").write_bytes(b"\xef\xbb\xbf\r\n" + lines.encode())
    small = reduced(find_imagenet(imagenet, tmp_path / "labels.txt"), tmp_path / "small.txt")
    assert small.labels.read_text() == "".join(
        f"{line}\n" for line in (imagenet / "val.txt").read_text().split("\n")[:500]
    )


@pytest.mark.parametrize(
    ("contents", "found"),
    [
        (b"", "is empty"),
        (b"\n \r\n", "is empty"),
        (b"\x1f\x8b\x08\xff", "cannot be read"),
        (b"\0" * 4000, "expected 'NAME CLASS'"),
    ],
)
def test_a_file_that_is_no_list_is_refused(imagenet, tmp_path, contents, found):
    (tmp_path / "labels.txt").write_bytes(contents)
    with pytest.raises(DataSetError, match=found) as caught:
        find_imagenet(imagenet, tmp_path / "labels.txt")
    assert caught.value.path == tmp_path / "labels.txt"
    assert len(caught.value.message) < 1000


def test_a_list_that_is_no_file_is_refused(imagenet, tmp_path):
    for path in (tmp_path, tmp_path / "absent", Path("/dev/zero")):
        with pytest.raises(DataSetError, match="cannot be read"):
            find_imagenet(imagenet, path)


@pytest.mark.parametrize(
    "line",
    [
        "ILSVRC2012_val_00000001.JPEG",
        "cat.jpg 3",
        "ILSVRC2012_val_00000001.JPEG 1000",
        "ILSVRC2012_val_00000001.JPEG -1",
        "ILSVRC2012_val_00000001.JPEG \u00b2",
        "ILSVRC2012_val_00000001.JPEG " + "9" * 5000,
        "ILSVRC2012_val_00050001.JPEG 1",
        "ILSVRC2012_val_00000000.JPEG 1",
        "ILSVRC2012_val_00000002.JPEG 1",
    ],
)
def test_a_wrong_label_is_shown_with_its_line(imagenet, tmp_path, line):
    (tmp_path / "labels.txt").write_text(f"ILSVRC2012_val_00000002.JPEG 1\n{line}\n")
    with pytest.raises(DataSetError) as caught:
        find_imagenet(imagenet, tmp_path / "labels.txt")
    assert caught.value.line == 2


def test_a_short_label_list_is_refused(imagenet, tmp_path):
    (tmp_path / "labels.txt").write_text("ILSVRC2012_val_00000002.JPEG 1\n")
    with pytest.raises(DataSetError, match="labels of 1 images"):
        find_imagenet(imagenet, tmp_path / "labels.txt")


def test_no_folder_no_images_no_labels(imagenet, tmp_path):
    with pytest.raises(DataSetError, match="no such folder"):
        find_imagenet(tmp_path / "nowhere")
    with pytest.raises(DataSetError, match="0 of 50000"):
        find_imagenet(tmp_path)
    (imagenet / "val.txt").rename(imagenet / "hidden")
    with pytest.raises(DataSetError, match="no label list"):
        find_imagenet(imagenet)
    (imagenet / "hidden").rename(imagenet / "val.txt")
