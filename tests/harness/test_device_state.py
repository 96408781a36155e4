import os
from pathlib import Path

import pytest
from dse_harness.device_state import DeviceReader


def fake(root: Path, files: dict[str, str]) -> DeviceReader:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")
    return DeviceReader(root)


def test_a_raspberry_pi_tells_everything(tmp_path: Path) -> None:
    state = fake(
        tmp_path,
        {
            "proc/loadavg": "0.52 0.58 0.59 1/467 12345",
            "proc/meminfo": "MemTotal: 8000000 kB\nMemAvailable:    7654321 kB",
            "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "ondemand",
            "sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq": "600000",
            "sys/devices/system/cpu/cpu10/cpufreq/scaling_governor": "ondemand",
            "sys/devices/system/cpu/cpu10/cpufreq/scaling_cur_freq": "1500000",
            "sys/devices/system/cpu/cpu2/cpufreq/scaling_governor": "performance",
            "sys/devices/system/cpu/cpu2/cpufreq/scaling_cur_freq": "1400000",
            "sys/class/thermal/thermal_zone0/type": "cpu-thermal",
            "sys/class/thermal/thermal_zone0/temp": "48686",
            "sys/devices/platform/soc/soc:firmware/get_throttled": "50005",
        },
    ).read()
    assert state.load_1min == 0.52
    assert state.memory_available_bytes == 7654321 * 1024
    assert state.cpu_governors == ("ondemand", "performance")
    assert state.cpu_frequency_khz == (600000, 1400000, 1500000)
    assert state.temperatures_celsius == {"0 cpu-thermal": 48.686}
    assert state.throttled == (
        "under-voltage",
        "throttled",
        "under-voltage has occurred",
        "throttling has occurred",
    )
    assert state.throttle_count is None


def test_x86_throttling_is_counted(tmp_path: Path) -> None:
    cpus = "sys/devices/system/cpu/cpu{}/thermal_throttle/core_throttle_count"
    assert fake(tmp_path, {cpus.format(0): "3", cpus.format(1): "4"}).read().throttle_count == 7


def test_foreign_load_is_all_but_idle_and_our_own(tmp_path: Path) -> None:
    tick = os.sysconf("SC_CLK_TCK")
    own = sum(os.times()[:4])
    busy = [100, 20, 30, 999999, 999, 4, 5, 6, 0, 0]
    state = fake(tmp_path, {"proc/stat": f"cpu  {' '.join(str(n * tick) for n in busy)}\ncpu0 1 2"}).read()
    assert state.foreign_cpu_s == pytest.approx(165 - own, abs=1)


def test_a_machine_that_tells_nothing_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "sys/class/thermal/thermal_zone0/temp").mkdir(parents=True)
    state = DeviceReader(tmp_path).read()
    assert (state.cpu_governors, state.temperatures_celsius, state.throttled) == ((), {}, ())
    assert (state.throttle_count, state.memory_available_bytes, state.foreign_cpu_s) == (None, None, None)


def test_this_machine_can_be_read() -> None:
    state = DeviceReader().read()
    assert state.time_utc.endswith("Z")
    assert state.load_1min >= 0
