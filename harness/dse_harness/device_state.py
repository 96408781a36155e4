"""What the machine says about itself, read from /proc and /sys in a millisecond or two, without rights or tools."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from dse_harness.clock import now_s, time_utc
from dse_harness.protocol import SINCE_BOOT, DeviceState

_PI_FLAGS = {
    0: "under-voltage",
    1: "frequency capped",
    2: "throttled",
    3: "soft temperature limit",
    16: f"under-voltage{SINCE_BOOT}",
    17: f"frequency cap{SINCE_BOOT}",
    18: f"throttling{SINCE_BOOT}",
    19: f"soft temperature limit{SINCE_BOOT}",
}
"""Bits of the Raspberry Pi firmware's get_throttled."""


class DeviceReader:
    """Reads the state of the machine whose /proc and /sys lie below ``root``. What a machine lacks stays empty."""

    def __init__(self, root: Path = Path("/")) -> None:
        self._proc = root / "proc"
        self._sys = root / "sys"

    def read(self) -> DeviceState:
        """The state now."""
        return DeviceState(
            time_utc=time_utc(),
            load_1min=float((_text(self._proc / "loadavg") or "0").split()[0]),
            cpu_governors=tuple(dict.fromkeys(self._cpus("cpufreq/scaling_governor"))),
            cpu_frequency_khz=tuple(map(int, self._cpus("cpufreq/scaling_cur_freq"))),
            temperatures_celsius=self._temperatures(),
            throttled=self._throttled(),
            throttle_count=self._throttle_count(),
            memory_available_bytes=self._memory_available(),
            foreign_cpu_s=self._foreign_cpu(),
            boottime_s=now_s(),
        )

    def says_throttling(self) -> bool:
        """Whether this machine says whether it was throttled, as the firmware of a Raspberry Pi or an x86 core does."""
        return self._throttled_flags() is not None or self._throttle_count() is not None

    def governor_writable(self) -> bool | None:
        """Whether this user may set the governor; None where there is none."""
        paths = list((self._sys / "devices/system/cpu").glob("cpu[0-9]*/cpufreq/scaling_governor"))
        return all(os.access(path, os.W_OK) for path in paths) if paths else None

    def _cpus(self, name: str) -> Iterator[str]:
        folder = self._sys / "devices/system/cpu"
        for path in sorted(folder.glob("cpu[0-9]*"), key=lambda cpu: int(cpu.name[3:])):
            text = _text(path / name)
            if text is not None:
                yield text

    def _temperatures(self) -> dict[str, float]:
        """By zone: two zones may have the same type (seen: x86_pkg_temp once per socket)."""
        found = {}
        for zone in sorted((self._sys / "class/thermal").glob("thermal_zone*")):
            temperature = _text(zone / "temp")
            if temperature is not None:
                found[f"{zone.name.removeprefix('thermal_zone')} {_text(zone / 'type') or ''}".strip()] = (
                    int(temperature) / 1000
                )
        return found

    def _throttled(self) -> tuple[str, ...]:
        flags = self._throttled_flags() or 0
        return tuple(name for bit, name in _PI_FLAGS.items() if flags >> bit & 1)

    def _throttled_flags(self) -> int | None:
        """What a Raspberry Pi's firmware reports, as ``vcgencmd get_throttled`` prints it, without that process."""
        for path in (self._sys / "devices/platform").glob("soc*/*firmware/get_throttled"):
            text = _text(path)
            if text is not None:
                return int(text, 16)
        return None

    def _throttle_count(self) -> int | None:
        counts = list(map(int, self._cpus("thermal_throttle/core_throttle_count")))
        return sum(counts) if counts else None

    def _memory_available(self) -> int | None:
        for line in (_text(self._proc / "meminfo") or "").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
        return None

    def _foreign_cpu(self) -> float | None:
        text = _text(self._proc / "stat")
        if text is None:
            return None
        user, nice, system, _idle, _iowait, irq, softirq, steal, *_ = map(int, text.split("\n", 1)[0].split()[1:])
        ticks = user + nice + system + irq + softirq + steal  # stolen by other virtual machines: foreign as well
        own = os.times()
        return ticks / os.sysconf("SC_CLK_TCK") - (own.user + own.system + own.children_user + own.children_system)


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="ascii", errors="replace").strip() or None
    except OSError:  # absent here, or (a thermal zone asleep) not readable just now
        return None
