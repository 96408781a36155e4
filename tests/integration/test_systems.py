"""Two systems behind a real sshd, searched at the same time with real LoadGen: each has a Dask cluster of its own."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from dse.fleet.device_file import Device
from dse.fleet.fleet import Fleet
from dse.fleet.pool import FleetPool
from dse.fleet.shared import told_by
from dse.trust import trust
from tests.fleet.sshd import HOST, running
from tests.integration.test_fleet import SPACE

pytest.importorskip("distributed")
pytestmark = pytest.mark.integration


def test_two_systems_are_searched_at_the_same_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import dse

    at_once = threading.Barrier(2, timeout=120)
    pool = Fleet.pool

    @contextmanager
    def both(fleet: Fleet, study: str) -> Iterator[FleetPool]:
        with pool(fleet, study) as found:
            at_once.wait()
            yield found

    def told(devices: Sequence[Device]) -> dict[str, dict[str, Any]]:
        """Each is a machine of its own, as far as it says."""
        return {name: {**facts, "boot_id": name} for name, facts in told_by(devices).items()}

    monkeypatch.setattr(Fleet, "pool", both)
    monkeypatch.setattr("dse.fleet.fleet.told_by", told)
    monkeypatch.setenv("DSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "user"))
    (tmp_path / "space.yaml").write_text(SPACE)
    (tmp_path / "sshd").mkdir()
    with running(tmp_path / "sshd") as sshd:
        board = {"transport": "ssh", "host": HOST, "config": str(sshd.config), "python": sys.executable}
        systems = {name: {"devices": {f"{name}-1": {**board, "root": f"~/{name}"}}} for name in ("a", "b")}
        (tmp_path / "lab.yaml").write_text(json.dumps({"systems": systems}))
        trust([str(sshd.config)])
        found = dse.explore_systems(tmp_path / "space.yaml", tmp_path / "study", devices=tmp_path / "lab.yaml")
    assert found.failed == {}
    for system, study in found.studies.items():
        assert len(study.configurations()) == 4
        assert not [m.response.failure for m in study.measurements if m.failed]
        assert study.settings.boards[f"{system}-1"]["loadgen"] == metadata.version("mlcommons-loadgen")
        assert set(study.settings.key_versions.values()) == {metadata.version("ai-edge-litert")}
        assert {m.response.evidence.runtime_version for m in study.measurements if m.response.evidence} == set(
            study.settings.key_versions.values()
        )
