"""`dse data imagenet` on a folder with all 50,000 names."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from dse.cli import make_app
from dse.errors import DataSetError


@pytest.fixture(scope="module")
def imagenet(tmp_path_factory):
    folder = tmp_path_factory.mktemp("image net")
    (folder / "val").mkdir()
    names = [f"ILSVRC2012_val_{number:08}.JPEG" for number in range(1, 50_001)]
    for name in names:
        (folder / "val" / name).touch()
    (folder / "val.txt").write_text("".join(f"{name} {number % 1000}\n" for number, name in enumerate(names)))
    return folder


def test_images_and_labels_are_named_for_the_next_command(imagenet):
    done = CliRunner().invoke(make_app(), ["data", "imagenet", str(imagenet)], catch_exceptions=False)
    assert done.stdout.splitlines() == [f"images  {imagenet}/val", f"labels  {imagenet}/val.txt"]
    assert f"--images '{imagenet}/val' --labels '{imagenet}/val.txt'" in done.stderr


def test_the_reduced_list_is_written_and_named(imagenet, tmp_path):
    out = tmp_path / "val_500.txt"
    done = CliRunner().invoke(
        make_app(), ["data", "imagenet", str(imagenet), "--reduced", str(out), "--json"], catch_exceptions=False
    )
    assert json.loads(done.stdout) == {"schema": 1, "images": f"{imagenet}/val", "labels": str(out), "size": 500}
    assert len(out.read_text().splitlines()) == 500


def test_what_is_missing_is_said(tmp_path):
    done = CliRunner().invoke(make_app(), ["data", "imagenet", str(tmp_path)])
    assert isinstance(done.exception, DataSetError)
    assert "0 of 50000" in str(done.exception)
