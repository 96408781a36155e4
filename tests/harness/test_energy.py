"""Sensors of energy in a folder that stands for /sys: counters, counters that begin again, powers, none at all."""

from __future__ import annotations

from pathlib import Path

import pytest
from dse_harness.energy import EnergySensors, energy_metrics
from dse_harness.errors import HarnessError
from hypothesis import given
from hypothesis import strategies as st


def write(folder: Path, **files: object) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_text(f"{content}\n")
    return folder


def rapl(root: Path, zone: str, name: str, energy_uj: int, most: int = 10**9) -> Path:
    return write(
        root / "sys/class/powercap" / zone, name=name, energy_uj=energy_uj, max_energy_range_uj=most
    )  # fmt: skip


def test_without_sensors_it_says_so_and_refuses_to_begin(tmp_path: Path) -> None:
    write(tmp_path / "sys/class/hwmon/hwmon0", name="coretemp", power1_input=3)
    sensors = EnergySensors(tmp_path)
    assert sensors.problem == "this device has no sensor of energy: neither RAPL (powercap) nor an INA monitor (hwmon)"
    with pytest.raises(HarnessError, match="energy: this device has no sensor"):
        sensors.start()


def test_packages_and_their_memory_are_counted_and_what_holds_them_is_not(tmp_path: Path) -> None:
    zones = [
        rapl(tmp_path, zone, name, 1_000_000)
        for zone, name in (
            ("intel-rapl:0", "package-0"),
            ("intel-rapl:1", "package-1"),
            ("intel-rapl:0:0", "core"),
            ("intel-rapl:0:1", "dram"),
            ("intel-rapl:2", "psys"),
        )
    ]
    sensors = EnergySensors(tmp_path)
    assert sensors.problem is None
    sensors.start()
    for number, zone in enumerate(zones):
        (zone / "energy_uj").write_text(str(1_000_000 + 10**number))
    assert sensors.stop(1.0) == pytest.approx((1 + 10 + 1000) / 1e6)


@given(st.integers(0, 999), st.integers(0, 999))
def test_a_counter_that_begins_again_has_counted_on(
    tmp_path_factory: pytest.TempPathFactory, at: int, more: int
) -> None:
    root = tmp_path_factory.mktemp("wrap")
    zone = rapl(root, "intel-rapl:0", "package-0", at, most=1000)
    sensors = EnergySensors(root)
    sensors.start()
    (zone / "energy_uj").write_text(str((at + more) % 1000))
    assert sensors.stop(1.0) == pytest.approx(more / 1e6)


def test_a_counter_that_only_root_may_read_is_named_with_what_helps(tmp_path: Path) -> None:
    zone = rapl(tmp_path, "intel-rapl:0", "package-0", 1)
    (zone / "energy_uj").write_text("")  # as good as closed, for root too
    assert EnergySensors(tmp_path).problem == f"{zone}/energy_uj cannot be read: as root, chmod a+r {zone}/energy_uj"


def test_a_monitor_that_counts_is_taken_at_its_word(tmp_path: Path) -> None:
    folder = write(tmp_path / "sys/class/hwmon/hwmon3", name="ina228", energy1_input=5_000_000, power1_input=1)
    sensors = EnergySensors(tmp_path)
    sensors.start()
    (folder / "energy1_input").write_text("7500000")
    assert sensors.stop(1.0) == 2.5


@pytest.mark.parametrize(
    ("files", "watts"),
    [
        ({"name": "ina226", "power1_input": 2_500_000}, 2.5),
        ({"name": "ina3221", "in1_input": 5000, "curr1_input": 400, "in2_input": 3300, "curr2_input": 100}, 2.33),
        (
            {
                "name": "ina3221",
                "in1_label": "VDD_IN",
                "in1_input": 5000,
                "curr1_input": 400,
                "in2_label": "VDD_CPU",
                "in2_input": 5000,
                "curr2_input": 300,
            },
            2.0,
        ),
    ],
)
def test_power_is_looked_at_by_another_process(tmp_path: Path, files: dict[str, object], watts: float) -> None:
    write(tmp_path / "sys/class/hwmon/hwmon1", **files)
    sensors = EnergySensors(tmp_path)
    assert sensors.problem is None
    assert sensors.idle_watts(0.06) == pytest.approx(watts)
    sensors.start()
    assert sensors.stop(3.0) == pytest.approx(3 * watts)


@given(st.floats(0, 1e4), st.floats(1e-3, 1e3), st.integers(1, 10**7), st.floats(0, 100))
def test_what_the_idle_device_takes_is_told_apart(joules: float, seconds: float, samples: int, idle: float) -> None:
    found = {name: metric.value for name, metric in energy_metrics(joules, seconds, samples, idle).items()}
    assert found["energy_per_query_j"] * samples == pytest.approx(joules)
    assert 0 <= found["energy_above_idle_per_query_j"] <= found["energy_per_query_j"]
    if joules >= idle * seconds:
        above = found["energy_above_idle_per_query_j"] * samples
        assert above + idle * seconds == pytest.approx(joules, abs=1e-6)
