"""What the harness asks Linux about its own process: memory, age, processors, and to die with its parent."""

from __future__ import annotations

import os
import signal
import sys
import time

from dse_harness.errors import HarnessError

_PR_SET_PDEATHSIG = 1


def die_with_parent() -> None:
    """Have the kernel kill this process when the one named in ``DSE_PARENT`` ends; without that variable, nothing.

    Linux ties the signal to the thread that started this process, so a driver must start it from a thread that lives.
    """
    parent = os.environ.get("DSE_PARENT")
    if parent is None or sys.platform != "linux":
        return
    import ctypes

    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != int(parent):  # it died before the call above
        os.kill(os.getpid(), signal.SIGKILL)


def age_s() -> float:
    """Seconds since this process was started, in steps of a clock tick (10 ms); 0 where /proc is absent."""
    try:
        with open("/proc/self/stat", encoding="ascii") as file:  # noqa: PTH123 - before pathlib is worth importing
            start_ticks = int(file.read().rpartition(")")[2].split()[19])
    except OSError:
        return 0.0
    return time.clock_gettime(time.CLOCK_BOOTTIME) - start_ticks / os.sysconf("SC_CLK_TCK")


def resident_bytes() -> int | None:
    """The resident set of this process now; None where /proc is absent."""
    return _status_bytes("VmRSS:")


def peak_resident_bytes() -> int | None:
    """The largest resident set that this process ever had; None where /proc is absent."""
    return _status_bytes("VmHWM:")


def pin(cpus: tuple[int, ...]) -> None:
    """Run on these processors only. Raises HarnessError."""
    try:
        os.sched_setaffinity(0, cpus)
    except (OSError, ValueError, AttributeError) as error:
        allowed = ", ".join(map(str, range(os.cpu_count() or 1)))
        raise HarnessError(
            "bad_request", f"runtime.cpu_affinity: found {list(cpus)}, allowed: processors out of {allowed} ({error})"
        ) from error


def _status_bytes(key: str) -> int | None:
    try:
        with open("/proc/self/status", encoding="ascii") as file:  # noqa: PTH123
            for line in file:
                if line.startswith(key):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return None
