"""What time it is: for durations, and for people."""

from __future__ import annotations

import time


def now_s() -> float:
    """Seconds since boot, those in which the machine slept among them; no clock that is set changes them."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def time_utc() -> str:
    """Now, with microseconds, since a trial may take less than a second."""
    seconds, microseconds = divmod(time.time_ns() // 1000, 10**6)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{microseconds:06d}Z"
