"""A search on two devices with the real harness under their leases, over real Dask: both are this machine."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dse.core.budget import Budget
from dse.errors import DevicesGoneError, MachineError, UsageError
from tests import smallest
from tests.fleet.calibrated import keep_calibrated

pytest.importorskip("distributed")
pytestmark = pytest.mark.integration

SPACE = json.dumps(
    {
        **smallest.SPACE,
        "parameters": {**smallest.NETWORK, "precision": ["float32", "int8"], "threads": [1], "buffer_size": [64, 128]},
        "objectives": ["accuracy", "latency_p90_ns"],
        "fidelity": {"explore": {"accuracy_images": 500, "min_duration": "0.1s"}},
    }
)
DEVICES = """
systems:
  here:
    devices:
      one: {transport: local, root: one}
      two: {transport: local, root: two%s}
"""


def test_two_devices_measure_a_space_once_and_keep_what_they_need(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import dse

    monkeypatch.setenv("DSE_CACHE", str(tmp_path / "cache"))
    (tmp_path / "space.yaml").write_text(SPACE)
    (tmp_path / "devices.yaml").write_text(DEVICES % "")
    with pytest.raises(MachineError, match="one, two of here share one study only after they were shown"):
        dse.explore(tmp_path / "space.yaml", tmp_path / "study", Budget(trials=4), devices=tmp_path / "devices.yaml")
    keep_calibrated(tmp_path / "devices.yaml", "here", ("one", "two"))
    study = dse.explore(
        tmp_path / "space.yaml", tmp_path / "study", Budget(trials=4), devices=tmp_path / "devices.yaml"
    )
    assert len(study.configurations()) == 4
    assert {m.device for m in study.measurements} == {"one", "two"}
    assert not [m.response.failure for m in study.measurements if m.failed]
    trial = study.folder / "trials" / "0"
    assert json.loads((trial / "device.json").read_text())["recorded"] is False
    assert (trial / "performance" / "mlperf_log_summary.txt").is_file()
    assert all(list((tmp_path / root / "store").iterdir()) for root in ("one", "two"))
    assert {m.key for m in study.measurements if m.device == "one"} | {m.key for m in study.measurements} == {
        record.key for record in study.records
    }


def test_devices_that_do_not_answer_are_told_in_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import dse

    monkeypatch.setenv("DSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("dse.search.explore.RESTS_S", (0.1,))
    (tmp_path / "space.yaml").write_text(SPACE)
    (tmp_path / "devices.yaml").write_text(DEVICES.replace("root: one", "root: one, python: none") % ", python: none")
    keep_calibrated(tmp_path / "devices.yaml", "here", ("one", "two"))
    with pytest.raises(DevicesGoneError, match="2 of 2 devices went away for good: one: lost 3 times in a row"):
        dse.explore(tmp_path / "space.yaml", tmp_path / "study", devices=tmp_path / "devices.yaml")


def test_a_backend_or_devices(tmp_path: Path) -> None:
    import dse

    device = dse.FakeDevice(latency_ns=lambda _: 1e6, accuracy=lambda _: 0.9)
    with pytest.raises(UsageError, match="found devices and a backend"):
        dse.explore("mobilenet_v3", tmp_path / "study", backend=device, devices=tmp_path / "devices.yaml")
    with pytest.raises(UsageError, match="without devices"):
        dse.explore("mobilenet_v3", tmp_path / "study", scheduler="tcp://127.0.0.1:8786")
