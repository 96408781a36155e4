"""What the harness asks Linux about its own process: memory, age, processors, and to die with its parent."""

from __future__ import annotations

import os
import signal
import sys
from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from dse_harness.clock import now_s

_PR_SET_PDEATHSIG = 1
_MADV_POPULATE_READ = 22
"""Has the kernel map pages at once that would fault one by one."""
_PAGE_ENTRY_BYTES = 8
"""For each page in /proc/self/pagemap."""
_FILE_PAGE = 1 << 63 | 1 << 61
"""In such an entry: in memory, and a page of a file, not a private copy of one."""


def die_with_parent() -> None:
    """Have the kernel kill this process when the one named in ``DSE_PARENT`` ends; without that variable, nothing.

    Linux ties the signal to the thread that started this process, so a driver must start it from a thread that lives.
    """
    parent = os.environ.get("DSE_PARENT")
    if parent is not None and sys.platform == "linux":
        die_with(int(parent))


def die_with(parent: int) -> None:
    """Have the kernel kill this process when ``parent``, which started it, ends."""
    import ctypes

    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before the call above
        os.kill(os.getpid(), signal.SIGKILL)


def threads() -> int:
    """How many threads this process has. Raises OSError where /proc is absent."""
    return len(os.listdir("/proc/self/task"))  # noqa: PTH208 - before pathlib is worth importing


def file_pages() -> list[range]:
    """The addresses of the pages of files that this process has in memory, which a fork of it does not get.

    A fork maps the files anew: its resident set would be smaller by all the libraries that it has yet to touch.
    """
    found: list[range] = []
    size = os.sysconf("SC_PAGE_SIZE")
    with open("/proc/self/maps", "rb") as maps, open("/proc/self/pagemap", "rb", 0) as pages:  # noqa: PTH123
        for line in maps:
            where, access, _, device, *_ = line.split(maxsplit=5)
            if access[:1] != b"r" or device == b"00:00":
                continue
            begin, end = (int(each, 16) for each in where.split(b"-"))
            pages.seek(begin // size * _PAGE_ENTRY_BYTES)
            entries = array("Q", pages.read((end - begin) // size * _PAGE_ENTRY_BYTES))
            for page, entry in zip(range(begin, end, size), entries, strict=False):  # the pagemap may end before
                if entry & _FILE_PAGE != _FILE_PAGE:
                    continue
                if found and found[-1].stop == page:
                    found[-1] = range(found[-1].start, page + size, size)
                else:
                    found.append(range(page, page + size, size))
    return found


def touch(pages: Sequence[range]) -> None:
    """Have these pages in memory; they must be mapped, and readable."""
    import ctypes

    libc, read = ctypes.CDLL(None), ctypes.c_ubyte.from_address
    advise = libc.madvise
    advise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    for run in pages:
        if advise(run.start, run.stop - run.start, _MADV_POPULATE_READ) != 0:  # before Linux 5.14
            for page in run:
                read(page).value  # noqa: B018 - to read it is the point


def signal_stack() -> tuple[int, int, int]:
    """Address, flags and size of this thread's alternate signal stack."""
    found = _signal_stack()
    return found.address or 0, found.flags, found.size


@contextmanager
def signal_stack_kept() -> Iterator[None]:
    """Have this thread's alternate signal stack afterwards as it is now.

    A library that leaves one of its own behind and frees it ends the process at the next signal.
    """
    import ctypes

    before = _signal_stack()
    try:
        yield
    finally:
        ctypes.CDLL(None).sigaltstack(ctypes.byref(before), None)


def _signal_stack() -> Any:
    import ctypes

    class SignalStack(ctypes.Structure):
        _fields_ = (("address", ctypes.c_void_p), ("flags", ctypes.c_int), ("size", ctypes.c_size_t))

    found = SignalStack()
    ctypes.CDLL(None).sigaltstack(None, ctypes.byref(found))
    return found


_began_s: float | None = None


def begin() -> None:
    """Have `age_s` count from now on: what was started before it was wanted is as old as the wish."""
    global _began_s
    _began_s = now_s()


def age_s() -> float:
    """Seconds since this process was started, in steps of a clock tick (10 ms), or since `begin`; 0 where /proc is
    absent.
    """
    if _began_s is not None:
        return now_s() - _began_s
    try:
        with open("/proc/self/stat", encoding="ascii") as file:  # noqa: PTH123 - before pathlib is worth importing
            start_ticks = int(file.read().rpartition(")")[2].split()[19])
    except OSError:
        return 0.0
    return now_s() - start_ticks / os.sysconf("SC_CLK_TCK")


def resident_bytes() -> int | None:
    """The resident set of this process now; None where /proc is absent."""
    return _status_bytes("VmRSS:")


def peak_resident_bytes() -> int | None:
    """The largest resident set that this process ever had; None where /proc is absent."""
    return _status_bytes("VmHWM:")


def forget_peak() -> bool:
    """Have `peak_resident_bytes` begin anew with the resident set as it is; whether that can be done."""
    try:
        with open("/proc/self/clear_refs", "wb", 0) as file:  # noqa: PTH123
            file.write(b"5")
    except OSError:
        return False
    return True


def pin(cpus: tuple[int, ...]) -> None:
    """Run on these processors only. Raises HarnessError."""
    try:
        os.sched_setaffinity(0, cpus)
    except (OSError, ValueError, AttributeError) as error:
        from dse_harness.errors import HarnessError  # a device's commands need none

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
