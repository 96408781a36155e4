"""How many joules the device took, by its own sensors: RAPL through powercap, INA monitors through hwmon.

RAPL counts joules of the processor (packages, and their memory where that is told apart); some INA monitors count too.
Others tell the power of the moment: a small process of its own takes the mean, so that the measured one is not
disturbed.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from dse_harness.errors import HarnessError
from dse_harness.protocol import MetricValue

METRIC = "energy_per_query_j"
_WHOLE_BOARD = ("VDD_IN", "POM_5V_IN")
"""Labels of a channel that has all the others behind it."""
_SAMPLER = """
import select, sys, time

def number(path):
    with open(path) as file:
        return int(file.read())

def watts():
    found = 0
    for source in sys.argv[1:]:
        first, comma, second = source.partition(",")
        found += number(first) * number(second) if comma else number(first)
    return found / 1e6

power, at = watts(), time.monotonic()
joules, began = 0.0, at
print("on", flush=True)
over = False
while not over:
    over = bool(select.select([sys.stdin], [], [], 0.02)[0])
    later, now = watts(), time.monotonic()
    joules += (power + later) / 2 * (now - at)
    power, at = later, now
print(joules / (at - began))
"""
"""The mean of microwatts, or of millivolts times milliamperes, until its input ends; in watts."""


class EnergySensors:
    """The sensors of the machine whose /sys lies below ``root``."""

    def __init__(self, root: Path = Path("/")) -> None:
        self._counters: list[tuple[Path, int]] = []
        """Files that count microjoules, and where each begins again at 0 (0: never)."""
        self._powers: list[str] = []
        self.problem: str | None = None
        """Why there is nothing to read, where there is nothing."""
        self._began: list[int] = []
        self._sampler: subprocess.Popen[str] | None = None
        hwmon = [folder for folder in sorted((root / "sys/class/hwmon").glob("hwmon*")) if _is_ina(folder)]
        found = [*_rapl(root)] or [(path, 0) for folder in hwmon for path in sorted(folder.glob("energy*_input"))]
        powers = [source for folder in hwmon for source in _power_sources(folder)]
        unreadable = next((path for path, _ in found if _number(path) is None), None)
        if found and unreadable is None:
            self._counters = found
        elif powers:
            self._powers = powers
        elif unreadable is not None:
            self.problem = f"{unreadable} cannot be read: as root, chmod a+r {unreadable}"
        else:
            self.problem = "this device has no sensor of energy: neither RAPL (powercap) nor an INA monitor (hwmon)"

    def start(self) -> None:
        """Begin to count. Raises HarnessError without sensors."""
        if self.problem is not None:
            raise HarnessError("bad_request", f"energy: {self.problem}")
        if self._powers:
            command = [sys.executable, "-I", "-S", "-c", _SAMPLER, *self._powers]
            self._sampler = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            assert self._sampler.stdout is not None
            self._sampler.stdout.readline()
        self._began = [_number(path) or 0 for path, _ in self._counters]

    def stop(self, seconds: float) -> float:
        """Joules since `start`, which was so long ago. Raises HarnessError where a sensor went away."""
        ended = [_number(path) or 0 for path, _ in self._counters]
        if self._sampler is not None:
            said, _ = self._sampler.communicate()
            self._sampler = None
            try:
                return float(said) * seconds  # it starts and ends a little later
            except ValueError as error:
                raise HarnessError("internal", "energy: a sensor cannot be read any more") from error
        counted = 0
        for began, now, (_, most) in zip(self._began, ended, self._counters, strict=True):
            counted += now - began + (most if now < began else 0)
        return counted / 1e6

    def idle_watts(self, duration_s: float = 0.25) -> float:
        """What the device takes while this process waits. Raises HarnessError."""
        self.start()
        began = time.perf_counter()
        time.sleep(duration_s)
        seconds = time.perf_counter() - began
        return self.stop(seconds) / seconds


def energy_metrics(joules: float, seconds: float, samples: int, idle_watts: float) -> dict[str, MetricValue]:
    """Joules for each sample that was asked for, as measured, and without what an idle device would have taken."""
    above = max(0.0, joules - idle_watts * seconds)
    return {
        METRIC: MetricValue(joules / samples, "J"),
        "energy_above_idle_per_query_j": MetricValue(above / samples, "J"),
        "idle_power_w": MetricValue(idle_watts, "W"),
    }


def _rapl(root: Path) -> Iterator[tuple[Path, int]]:
    """Packages, and memory that is no part of them. ``psys`` has the packages in it: only one of them counts."""
    zones = [zone for zone in sorted((root / "sys/class/powercap").glob("*-rapl:*")) if (zone / "energy_uj").exists()]
    for zone in zones:
        if _text(zone / "name").startswith(("package", "dram")):
            yield zone / "energy_uj", _number(zone / "max_energy_range_uj") or 0


def _is_ina(folder: Path) -> bool:
    return _text(folder / "name").startswith("ina")


def _power_sources(folder: Path) -> list[str]:
    """Files with microwatts, or pairs of files with millivolts and milliamperes; of the whole board where that is told.

    A channel's voltage and current have one number.
    """
    found = [str(path) for path in sorted(folder.glob("power*_input"))]
    if found:
        return found
    channels = {
        _text(folder / f"in{number}_label") or number: f"{folder / f'in{number}_input'},{path}"
        for path in sorted(folder.glob("curr*_input"))
        if (folder / f"in{(number := path.name.removeprefix('curr').removesuffix('_input'))}_input").exists()
    }
    whole = [source for label, source in channels.items() if label in _WHOLE_BOARD]
    return whole[:1] or list(channels.values())


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return ""


def _number(path: Path) -> int | None:
    try:
        return int(_text(path))
    except ValueError:
        return None
