"""A device is set up, looked at, and measures: a real sshd with a home of its own, pip, LoadGen."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from dse_harness.protocol import DataSetSpec, PerformanceSpec, Request

from dse.errors import DeviceError, UsageError
from dse.files import sha256_file
from dse.fleet.check import examine_device
from dse.fleet.contact import Contact
from dse.fleet.device_file import Device
from dse.fleet.files import sent
from dse.fleet.job import Job
from dse.fleet.probe import Probe, probe
from dse.fleet.setup import Options, fits, lacks, plan
from tests.fleet.sshd import HOST, Sshd
from tests.fleet.wheels import LOADGEN, stand_ins, write_sources
from tests.harness.running import write_colours
from tests.harness.tiny_models import write_tiny_model
from tests.thorough import thorough

_PROBE = Probe("aarch64", "glibc2.36", (3, 11, 2), "/usr/bin/python3", True, True, "/usr/bin/c++", 2**34)


@pytest.fixture
def board(sshd: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Device:
    """A device with a folder of its own in the home of the real sshd."""
    monkeypatch.setenv("DSE_CACHE", str(tmp_path / "cache"))
    return Device("board", "rpi4", "ssh", {"host": HOST, "config": str(sshd.config)}, f"~/{tmp_path.name}/dse")


def _missing(device: Device) -> dict[str, str | None]:
    return {finding.name: finding.fix for finding in examine_device(device) if finding.verdict == "missing"}


@thorough("pip installs into an environment on a real sshd")
def test_a_device_is_set_up_and_measures(board: Device, tmp_path: Path) -> None:
    assert _missing(board) == {"harness": "dse device setup board"}
    options = Options(wheels=stand_ins(tmp_path / "wheels"))
    steps = plan(board, options)
    assert [step.says.split()[0] for step in steps] == ["make", "send", "install"]
    assert probe(board).installed is None
    for step in steps:
        step.act()
    assert plan(board, options) == []
    assert _missing(board) == {}
    model, images = write_tiny_model(tmp_path / "m.tflite"), write_colours(tmp_path / "images.npz")
    spec = DataSetSpec("colours", str(images), sha256_file(images), classes=10)
    request = Request(
        *(str(model), sha256_file(model), spec, "cache"),
        performance=PerformanceSpec(8, min_duration_ms=50, min_query_count=64),
    )
    contact, there = Contact(board), sent(request)
    contact.ensure(there.files)
    answer = contact.run(Job("study-0-x", "a test", there.request, 60.0))
    assert answer.response.failure is None
    assert answer.response.performance is not None
    assert answer.response.performance.query_count >= 64
    assert "performance/mlperf_log_detail.txt" in answer.files


@thorough("pip builds and installs on a real sshd")
def test_loadgen_is_built_once_for_devices_of_a_kind(board: Device, tmp_path: Path) -> None:
    options = Options(wheels=stand_ins(tmp_path / "wheels", loadgen=False), build=True)
    write_sources(tmp_path / "wheels", "mlcommons-loadgen", LOADGEN)
    steps = plan(board, options)
    assert [step.says.split()[0] for step in steps] == ["make", "send", "build", "install"]
    for step in steps:
        step.act()
    (kept,) = (tmp_path / "cache/wheels").glob("*/*.whl")
    assert kept.name == f"mlcommons_loadgen-{LOADGEN}-py3-none-any.whl"
    (tmp_path / "wheels" / f"mlcommons_loadgen-{LOADGEN}.tar.gz").unlink()
    other = replace(board, name="other", root=f"{board.root}-other")
    steps = plan(other, options)
    assert [step.says.split()[0] for step in steps] == ["make", "send", "install"]
    for step in steps:
        step.act()
    assert _missing(other) == {}


@thorough("a connection to a real sshd takes up to a second")
def test_what_fails_on_the_device_is_said(board: Device, tmp_path: Path) -> None:
    (tmp_path / "wheels").mkdir()
    make, send, install = plan(board, Options(wheels=tmp_path / "wheels"))
    make.act()
    send.act()
    with pytest.raises(DeviceError, match=r"installing failed: exit status 1: ERROR: No matching distribution found"):
        install.act()
    with pytest.raises(DeviceError, match="its no-such-python cannot be used: exit status 127"):
        plan(board, Options(python="no-such-python"))


def test_what_is_not_set_up_by_dse() -> None:
    with pytest.raises(UsageError, match="here: its harness is run by this dse's own interpreter"):
        plan(Device("here", "this"), Options())
    with pytest.raises(UsageError, match="pi1: its harness is run by the interpreter of its Dask worker"):
        plan(Device("pi1", "rpi4", "dask"), Options())
    with pytest.raises(UsageError, match="pi1: its harness is run by /usr/bin/python3, which is yours to set up"):
        plan(Device("pi1", "rpi4", "ssh", {"host": "pi1"}, python="/usr/bin/python3"), Options())
    with pytest.raises(UsageError, match="found the engine 'tvm', allowed: litert, onnxruntime"):
        plan(Device("pi1", "rpi4", "ssh", {"host": "pi1"}), Options(engines=("tvm",)))


def test_what_a_device_lacks() -> None:
    all_of_it = {"dse-harness": "1+a", "numpy": "2", "opencv-python-headless": "4", "mlcommons-loadgen": "6"}
    assert lacks(_PROBE, "1+a", "6", ("litert",)) == [*all_of_it, "ai-edge-litert"]
    installed = replace(_PROBE, installed={**all_of_it, "onnxruntime": "1"})
    assert lacks(installed, "1+a", "6", ("onnxruntime",)) == []
    assert lacks(installed, "1+b", "7", ("onnxruntime",)) == ["dse-harness", "mlcommons-loadgen"]
    assert lacks(installed, "1+a", "6", ("onnxruntime", "tflite-runtime")) == ["tflite-runtime"]


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        ("a-1-py3-none-any.whl", True),
        ("a-1-py2.py3-none-any.whl", True),
        ("a-1-cp311-cp311-linux_aarch64.whl", True),
        ("a-1-cp311-cp311-manylinux_2_17_aarch64.manylinux2014_aarch64.whl", True),
        ("a-1-cp37-abi3-manylinux2014_aarch64.whl", True),
        ("a-1-cp312-cp312-linux_aarch64.whl", False),
        ("a-1-cp311-cp311-manylinux2014_x86_64.whl", False),
        ("a-1-py2-none-any.whl", False),
    ],
)
def test_which_wheels_are_sent(name: str, is_one: bool) -> None:
    assert fits(name, _PROBE) is is_one
