"""``dse front`` of several studies."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def pair(small_study: Path, tmp_path: Path) -> tuple[Path, Path]:
    for name in ("rpi4", "rpi5"):
        shutil.copytree(small_study, tmp_path / name)
    return tmp_path / "rpi4", tmp_path / "rpi5"


def test_a_front_for_each_study_and_one_over_all(pair: tuple[Path, Path], dse: Any) -> None:
    done = dse("front", *pair)
    assert done.code == 0
    assert "of 2 fronts are on the front over all" in done.out
    assert "rpi5: " in done.out
    assert "on every front: " in done.out
    assert "dse compare" in done.err


def test_json_has_a_schema_and_each_point_once(pair: tuple[Path, Path], dse: Any) -> None:
    done = dse("front", *pair, "--json")
    assert (done.code, done.err) == (0, "")
    document = json.loads(done.out)
    assert document["schema"] == 1
    assert [each["study"] for each in document["studies"]] == ["rpi4", "rpi5"]
    assert {each["beaten_by"] for each in document["points"] if each["study"] == "rpi5"} == {None}  # equal
    alone = json.loads(dse("front", pair[0], "--json").out)["points"]
    assert len(document["points"]) == 2 * len(alone)
    assert len(document["on_every_front"]) >= len(alone)


def test_what_is_of_one_study_alone_is_refused_of_several(pair: tuple[Path, Path], dse: Any) -> None:
    assert dse("front", *pair, "--csv").code == 2
    assert dse("front", pair[0], pair[0]).code == 2
