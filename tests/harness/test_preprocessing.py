from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.data_set import open_images, read_labels
from harness.errors import HarnessError
from harness.preprocessing import recipe
from harness.protocol import DataSetSpec, Preprocessing


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
    assert f"labels.txt:2: found {line!r}, allowed: a file name, a space and a class" in str(caught.value)


def test_lists_that_hold_nothing_or_are_absent_are_named(tmp_path: Path) -> None:
    spec = DataSetSpec("list", "images", "", labels="labels.txt")
    with pytest.raises(HarnessError, match=r"labels\.txt: cannot be read"):
        read_labels(spec, tmp_path)
    (tmp_path / "labels.txt").write_text("")
    with pytest.raises(HarnessError, match=r"labels\.txt: found no line"):
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
