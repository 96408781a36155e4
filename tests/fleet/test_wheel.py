"""The harness's wheel is the harness's distribution, made without its tools."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import tomllib
import zipfile
from pathlib import Path

import pytest

from dse.fleet.wheel import EXTRAS, LEAST_PYTHON, REQUIRES, REQUIRES_PYTHON, harness_wheel, is_wheel_name

_HARNESS = Path(__file__).parents[2] / "harness"


def test_it_needs_what_the_harness_needs() -> None:
    project = tomllib.loads((_HARNESS / "pyproject.toml").read_text())["project"]
    assert set(REQUIRES) == {need for need in project["dependencies"] if not need.startswith("ai-edge-litert")}
    assert {name: list(needs) for name, needs in EXTRAS.items()} == project["optional-dependencies"]
    assert REQUIRES_PYTHON == project["requires-python"] == f">={'.'.join(map(str, LEAST_PYTHON))}"


def test_it_has_the_sources_and_says_so() -> None:
    wheel = harness_wheel()
    assert wheel == harness_wheel()
    assert is_wheel_name(wheel.file)
    with zipfile.ZipFile(io.BytesIO(wheel.data)) as archive:
        names = set(archive.namelist())
        for path in _HARNESS.glob("dse_harness/**/*.py"):
            assert archive.read(str(path.relative_to(_HARNESS))) == path.read_bytes()
        assert not [name for name in names if "__pycache__" in name]
        info = f"dse_harness-{wheel.version}.dist-info"
        rows = list(csv.reader(io.StringIO(archive.read(f"{info}/RECORD").decode())))
        assert {row[0] for row in rows} == names
        for name, digest, size in rows:
            if digest:
                found = base64.urlsafe_b64encode(hashlib.sha256(archive.read(name)).digest()).rstrip(b"=").decode()
                assert (digest, int(size)) == (f"sha256={found}", archive.getinfo(name).file_size)


@pytest.mark.parametrize(
    "name", ["", "x.whl", "../a-1-py3-none-any.whl", "a-1-py3-none-any.whl/x", "-a-1-py3-none-any.whl", "a-1-py3.zip"]
)
def test_what_is_no_name_of_a_wheel(name: str) -> None:
    assert not is_wheel_name(name)
