import os
import re
import struct
import zipfile
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from dse_harness.data_set import open_images, read_labels
from dse_harness.errors import HarnessError
from dse_harness.preprocessing import build, recipe
from dse_harness.protocol import DataSetSpec, Preprocessing, Request, write
from dse_harness.samples import PixelCache
from hypothesis import given, settings
from hypothesis import strategies as st


def of_2021(path: Path, side: int) -> np.ndarray:
    """The using-opencv program of 2021, line by line."""
    image = cv2.imread(str(path))
    image = cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
    height, width, _ = image.shape
    new_height, new_width = int(100.0 * side / 87.5), int(100.0 * side / 87.5)
    if height > width:
        w, h = new_width, int(new_height * height / width)
    else:
        h, w = new_height, int(new_width * width / height)
    image = cv2.resize(image, (w, h), interpolation=cv2.INTER_LINEAR)
    left, right, top, bottom = (
        int((w - side) / 2),
        int((w + side) / 2),
        int((h - side) / 2),
        int((h + side) / 2),
    )
    return image[top:bottom, left:right]


@settings(max_examples=30, deadline=None)
@given(height=st.integers(20, 300), width=st.integers(20, 300), side=st.sampled_from([32, 96, 128, 224]))
def test_the_default_is_the_recipe_of_2021(
    tmp_path_factory: pytest.TempPathFactory, height: int, width: int, side: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "image.png"
    cv2.imwrite(str(path), np.random.default_rng(height).integers(0, 256, (height, width, 3), np.uint8))
    pixels = recipe(Preprocessing(), side)(path)
    assert pixels.shape == (side, side, 3)
    assert (pixels == of_2021(path, side)).all()


def test_grey_images_get_three_equal_channels(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "grey.png"), np.arange(64, dtype=np.uint8).reshape(8, 8))
    np.savez(tmp_path / "grey.npz", images=np.arange(64, dtype=np.uint8).reshape(1, 8, 8), labels=[0])
    archived = open_images(DataSetSpec("grey", "grey.npz", ""), tmp_path)(0)
    to_pixels = recipe(Preprocessing(100), 8)
    assert (to_pixels(archived) == to_pixels(tmp_path / "grey.png")).all()
    assert (to_pixels(archived)[:, :, 2].ravel() == range(64)).all()


@pytest.mark.parametrize(("content", "found"), [(None, "is missing"), (b"GIF", "is not an image")])
def test_an_unusable_image_is_named(tmp_path: Path, content: bytes | None, found: str) -> None:
    if content is not None:
        (tmp_path / "one.jpg").write_bytes(content)
    with pytest.raises(HarnessError, match=rf"one\.jpg: {found}"):
        recipe(Preprocessing(), 8)(tmp_path / "one.jpg")


@pytest.mark.parametrize(
    "written", ["b.jpg 7\na name.jpg 0\nc.jpg\t65\n", "\ufeffb.jpg 7\r\n\r\na name.jpg 0\r\nc.jpg 65\r\n \r\n"]
)
def test_a_label_list_keeps_its_order(tmp_path: Path, written: str) -> None:
    (tmp_path / "labels.txt").write_text(written, encoding="utf-8")
    spec = DataSetSpec("list", "images", "", labels="labels.txt")
    assert read_labels(spec, tmp_path).tolist() == [7, 0, 65]
    assert open_images(spec, tmp_path)(1) == tmp_path / "images" / "a name.jpg"


@pytest.mark.parametrize("line", ["b.jpg", "b.jpg seven", "b.jpg -1", "b.jpg 1.5", "7"])
def test_a_malformed_line_is_shown_with_its_place(tmp_path: Path, line: str) -> None:
    (tmp_path / "labels.txt").write_text(f"a.jpg 1\n{line}\nc.jpg 2\n")
    with pytest.raises(HarnessError) as caught:
        read_labels(DataSetSpec("list", "images", "", labels="labels.txt"), tmp_path)
    assert f"labels.txt:2: found {line!r}, expected 'NAME CLASS' with a class" in str(caught.value)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("a.jpg 2", "duplicate image a.jpg"),
        ("../b.jpg 2", "../b.jpg lies outside the folder of the images"),
        ("/b.jpg 2", "/b.jpg lies outside the folder of the images"),
    ],
)
def test_an_image_that_is_listed_twice_or_lies_elsewhere_is_refused(tmp_path: Path, line: str, message: str) -> None:
    (tmp_path / "labels.txt").write_text(f"a.jpg 1\n{line}\n")
    with pytest.raises(HarnessError, match=re.escape(f"labels.txt:2: {message}")):
        read_labels(DataSetSpec("list", "images", "", labels="labels.txt"), tmp_path)


def test_lists_that_hold_nothing_or_are_absent_are_named(tmp_path: Path) -> None:
    spec = DataSetSpec("list", "images", "", labels="labels.txt")
    with pytest.raises(HarnessError, match=r"labels\.txt: cannot be read"):
        read_labels(spec, tmp_path)
    (tmp_path / "labels.txt").write_text("")
    with pytest.raises(HarnessError, match=r"labels\.txt: the label list is empty"):
        read_labels(spec, tmp_path)
    with pytest.raises(HarnessError, match=r"data_set\.labels: found none"):
        read_labels(DataSetSpec("list", "images", ""), tmp_path)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"images": np.zeros((2, 4, 4), np.uint8), "labels": np.zeros(3, int)}, "found 2 images and 3 labels"),
        ({"images": np.zeros((2, 4, 4), np.float32), "labels": np.zeros(2, int)}, "found float32 [2, 4, 4]"),
        ({"images": np.zeros((2, 4, 4, 4), np.uint8), "labels": np.zeros(2, int)}, "found uint8 [2, 4, 4, 4]"),
        ({"images": np.zeros((2, 4, 4), np.uint8), "labels": np.zeros(2)}, "labels: found float64 [2]"),
        ({"images": np.zeros((2, 4, 4), np.uint8)}, "labels"),
    ],
)
def test_a_malformed_archive_says_what_was_found(tmp_path: Path, arrays: dict[str, np.ndarray], message: str) -> None:
    np.savez(tmp_path / "data.npz", **arrays)
    with pytest.raises(HarnessError) as caught:
        open_images(DataSetSpec("archive", "data.npz", ""), tmp_path)
    assert message in str(caught.value)


def _png(width: int, height: int) -> bytes:
    """A PNG that declares a size and has no pixels."""
    parts = [(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)), (b"IDAT", b""), (b"IEND", b"")]
    chunks = (
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in parts
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def _build(folder: Path, contents: bytes | None) -> str:
    """What is said of a data set whose second image has these contents."""
    cv2.imwrite(str(folder / "a.png"), np.zeros((9, 9, 3), np.uint8))
    if contents is not None:
        (folder / "b.png").write_bytes(contents)
    (folder / "labels.txt").write_text("a.png 0\nb.png 1\n")
    data_set = DataSetSpec("list", ".", "0", labels="labels.txt")
    with pytest.raises(HarnessError) as caught:
        build(data_set, folder, Preprocessing(), 8, folder / "cache", [0])
    return f"{caught.value.failure.error}: {caught.value.failure.message}"


def test_an_image_that_is_too_large_is_named_with_what_is_allowed(tmp_path: Path) -> None:
    """In a process of its own, as OpenCV reads its limit when it is imported."""
    (tmp_path / "b.png").write_bytes(_png(20_000, 20_000))
    (tmp_path / "labels.txt").write_text("b.png 0\n")
    request = Request("model", "0", DataSetSpec("list", ".", "0", labels="labels.txt"), "cache")
    write(request, tmp_path / "request.json")
    with pytest.raises(HarnessError) as caught:
        PixelCache(request, tmp_path / "request.json", 8).labels()
    assert caught.value.failure.error == "data_set"
    assert f"{tmp_path / 'b.png'}: found a larger image, allowed: up to 268435456 pixels" in str(caught.value)


def test_an_image_that_declares_more_than_it_has_is_named(tmp_path: Path) -> None:
    for size in ((40_000, 30_000), (2**21, 2), (20, 20)):
        assert _build(tmp_path, _png(*size)).startswith(f"data_set: {tmp_path / 'b.png'}: ")


def test_a_pipe_behind_the_list_is_named_and_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "b.png")
    assert _build(tmp_path, None) == f"data_set: {tmp_path / 'b.png'}: is no regular file"


def test_files_that_never_end_are_neither_lists_nor_archives(tmp_path: Path) -> None:
    for name in ("labels.txt", "data.npz"):
        os.mkfifo(tmp_path / name)
    for spec in (DataSetSpec("x", ".", "0", labels="labels.txt"), DataSetSpec("x", "data.npz", "0")):
        with pytest.raises(HarnessError, match="it is no regular file"):
            read_labels(spec, tmp_path)


@pytest.mark.parametrize("shape", ["(1000000000000,)", "(1" + "0" * 30 + ",)", "(-1,)", "(----1,)", "([],)", "(1.5,)"])
def test_an_archive_with_an_odd_shape_is_none(tmp_path: Path, shape: str) -> None:
    header = f"{{'descr': '<i8', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    with zipfile.ZipFile(tmp_path / "data.npz", "w") as archive:
        archive.writestr("labels.npy", b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode())
    with pytest.raises(HarnessError, match=r"data\.npz: "):
        read_labels(DataSetSpec("x", "data.npz", "0"), tmp_path)
