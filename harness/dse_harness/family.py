"""Which processes belong to a run, from /proc: they are found by a mark in their environment, and ended.

A run's processes have ``DSE_RUN_ID`` and ``DSE_RUN_ROOT`` in their environment, which a child inherits wherever it
goes: into a session of its own, or to another parent. So they are found when their launcher is no more. While it lives,
what it started is below it, whatever became of the environment (`adopt`).
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from dse_harness.clock import now_s

RUN_ID, ROOT = "DSE_RUN_ID", "DSE_RUN_ROOT"
GRACE_S = 2.0
"""How long a process that was told to end has for that before it is killed, and a killed one to be gone."""
_PR_SET_CHILD_SUBREAPER = 36
_STEP_S = 0.005


class Process(NamedTuple):
    """A line of /proc/PID/stat. ``start_ticks`` since boot tell two processes of one number apart."""

    pid: int
    parent: int
    group: int
    start_ticks: int


def process(pid: int) -> Process | None:
    """The process of this number; None where there is none, or only what its parent has yet to ask for."""
    try:
        text = _read(pid, "stat")
    except OSError:
        return None
    state, parent, group, *rest = text.rpartition(b")")[2].split()
    return None if state in b"ZXx" else Process(pid, int(parent), int(group), int(rest[16]))


def is_alive(pid: int, start_ticks: int) -> bool:
    """Whether the process of this number is still the one that was started then."""
    found = process(pid)
    return found is not None and found.start_ticks == start_ticks


def marks(root: Path, run_id: str) -> dict[str, str]:
    """What a run's environment has besides the launcher's."""
    return {RUN_ID: run_id, ROOT: str(root.resolve())}


def marked(root: Path) -> dict[int, str]:
    """The processes of all runs of this folder, by number, and the run's id."""
    wanted, name = os.fsencode(f"{ROOT}={root.resolve()}"), os.fsencode(f"{RUN_ID}=")
    found = {}
    for pid in _numbers():
        with contextlib.suppress(OSError):  # another user's, or gone by now; what only waits for its parent has none
            variables = _read(pid, "environ").split(b"\0")
            if wanted in variables:
                found[pid] = next((os.fsdecode(v[len(name) :]) for v in variables if v.startswith(name)), "")
    return found


def group(number: int, leader_start_ticks: int) -> set[int]:
    """The processes of a group, unless its number is another group's by now."""
    leader = process(number)
    if leader is not None and leader.start_ticks != leader_start_ticks:
        return set()
    return {found.pid for found in _all() if found.group == number and found.start_ticks >= leader_start_ticks}


def below(pid: int) -> set[int]:
    """The children of a process, theirs, and so on."""
    children: dict[int, list[int]] = {}
    for found in _all():
        children.setdefault(found.parent, []).append(found.pid)
    waiting, family = [pid], set[int]()
    while waiting:
        waiting += (new := set(children.get(waiting.pop(), ())) - family)
        family |= new
    return family


def adopt() -> None:
    """Have Linux give this process what its children leave behind, so that `below` finds it."""
    import ctypes

    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def kill(find: Callable[[], Mapping[int, object] | set[int]]) -> tuple[set[int], set[int]]:
    """Kill what ``find`` finds until it finds nothing more: all that were killed, and those that would not go."""
    killed, deadline_s = set[int](), now_s() + GRACE_S
    while left := set(find()) - {os.getpid()}:
        killed |= left
        for pid in left:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        if now_s() >= deadline_s:
            break
        time.sleep(_STEP_S)
    return killed, left


def _all() -> Iterator[Process]:
    for pid in _numbers():
        if (found := process(pid)) is not None:
            yield found


def _read(pid: int, name: str) -> bytes:
    with open(f"/proc/{pid}/{name}", "rb", buffering=0) as file:  # noqa: PTH123 - hundreds of them
        return file.readall()


def _numbers() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]  # noqa: PTH208 - names alone
