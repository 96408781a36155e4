"""The noise that was kept is that of this machine and this engine; whatever else lies there is none."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dse.machine import (
    Machine,
    MachineNoise,
    Spread,
    keep_noise,
    machine_indifference,
    machine_noise,
    noise_path,
    this_machine,
)
from dse.packages import known_version

NOISE = MachineNoise(
    machine=Machine("0" * 16, "A processor", 2),
    engine="litert",
    engine_version=known_version("litert", None) or "",
    measured_utc="2026-11-29T12:00:00.000000Z",
    space="mobilenet_v3",
    config={"threads": 1, "family": "small"},
    runs=20,
    metrics={"latency_p90_ns": Spread(0.0087, 0.024, 1e6, 0.98e6, 1.03e6, 1)},
)


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSE_CACHE", str(tmp_path / "cache"))


def machine(root: Path, machine_id: str = "abc", processor: str = "model name\t: Example 3000") -> Machine:
    for name, text in {"etc/machine-id": machine_id, "proc/cpuinfo": f"processor\t: 0\n{processor}\n"}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return this_machine(root)


def test_what_is_kept_is_used_here(tmp_path: Path) -> None:
    here = replace(NOISE, machine=machine(tmp_path))
    assert machine_indifference(tmp_path) is None
    assert keep_noise(here) == noise_path()
    assert machine_noise(tmp_path) == here
    assert machine_indifference(tmp_path) == {"latency_p90_ns": 0.024}


def test_another_machine_or_engine_does_not_use_it(tmp_path: Path) -> None:
    keep_noise(replace(NOISE, machine=machine(tmp_path)))
    machine(tmp_path, machine_id="def")
    assert machine_noise(tmp_path) is None
    machine(tmp_path, processor="CPU part\t: 0xd08")
    assert machine_noise(tmp_path) is None
    keep_noise(replace(NOISE, machine=machine(tmp_path), engine_version="0.0.1"))
    assert machine_noise(tmp_path) is None


@pytest.mark.parametrize(
    "change",
    [
        lambda document: document | {"schema": 2},
        lambda document: document | {"metrics": {"latency_p90_ns": {"sd": -1}}},
        lambda document: document | {"engine": "none such"},
        lambda document: [document],
    ],
)
def test_what_is_no_such_file_is_as_none(tmp_path: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    keep_noise(replace(NOISE, machine=machine(tmp_path)))
    assert machine_noise(tmp_path) is not None
    noise_path().write_text(json.dumps(change(json.loads(noise_path().read_text()))))
    assert machine_noise(tmp_path) is None
    noise_path().write_text("{")
    assert machine_noise(tmp_path) is None


def test_a_machine_without_an_id_is_known_until_it_starts_again(tmp_path: Path) -> None:
    boot = tmp_path / "proc/sys/kernel/random/boot_id"
    boot.parent.mkdir(parents=True)
    boot.write_text("one")
    before = this_machine(tmp_path)
    assert before == this_machine(tmp_path)
    boot.write_text("two")
    assert this_machine(tmp_path) != before
