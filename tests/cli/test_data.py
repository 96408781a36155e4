"""`dse data imagenet` on a folder with all 50,000 names."""

from __future__ import annotations

import json

from typer.testing import CliRunner

from dse.cli import make_app
from dse.errors import DataSetError


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
