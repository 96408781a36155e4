"""A process with all of dse imported, which runs each command in a fork of itself: tens of milliseconds a command.

A program of its own, so that no library of the test process has threads in it. It reads a JSON object per line
(``words``, ``folder``, ``environment``, ``out``, ``err``, ``limit_s``) and answers each with another
(``code``; ``hung`` and ``left`` where a command did not end, or left processes).
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import json
import os
import pkgutil
import resource
import select
import signal
import sys
import time
from pathlib import Path
from typing import Any

import dse
from dse.cli import main, make_app

_MEMORY_BYTES = 4 << 30
"""Of address space. A read without bound meets it long before the machine's own end."""
_FILE_BYTES = 1 << 30
_PATIENCE = 4
"""Times the limit that a command may take where the machine gave its processors to others."""
_LIBRARIES = (
    "alembic.command",
    "alembic.config",
    "alembic.migration",
    "alembic.script",
    "sqlalchemy.orm",
    "cv2",
    "duckdb",
    "matplotlib.backends.backend_agg",
    "matplotlib.figure",
    "moocore",
    "optuna.storages",
)
_CAPABILITY_VERSION_3 = 0x20080522
_OVERRIDES = 0b110
"""CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH: with which root reads what nobody may read."""


def prepare() -> None:
    """Load what any command loads; what the forks share is never collected, so never copied."""
    make_app()
    for module in pkgutil.walk_packages(dse.__path__, "dse."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    for name in _LIBRARIES:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()


def serve() -> None:
    """Answer line by line until stdin ends."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    prepare()
    for line in sys.stdin:
        answers.write(json.dumps(_run(json.loads(line))) + "\n")
        answers.flush()


def _run(asked: dict[str, Any]) -> dict[str, Any]:
    started = time.monotonic()
    pid = os.fork()
    if pid == 0:
        _become(asked)
    handle = os.pidfd_open(pid)
    try:
        hung = not _ended(handle, pid, started, asked["limit_s"])
    finally:
        os.close(handle)
    if hung:
        os.killpg(pid, signal.SIGKILL)
    _, status, used = os.wait4(pid, 0)
    left = False
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
        left = not hung
    cpu_s = used.ru_utime + used.ru_stime
    return {"code": os.waitstatus_to_exitcode(status), "hung": hung, "left": left, "cpu_s": cpu_s}


def _ended(handle: int, pid: int, started: float, limit_s: float) -> bool:
    """Whether the process ends in time. Time that it waited for a processor is not its own."""
    while True:
        if select.select([handle], [], [], 0.5)[0]:
            return True
        spent_s = time.monotonic() - started
        if spent_s - _waited_s(pid) > limit_s or spent_s > _PATIENCE * limit_s:
            return False


def _waited_s(pid: int) -> float:
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[1]) / 1e9
    except (OSError, IndexError, ValueError):
        return 0.0


def _become(asked: dict[str, Any]) -> None:
    """Be the command: in its folder, with its environment, streams and limits. Does not return."""
    os.setsid()
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_FSIZE, (_FILE_BYTES, _FILE_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _obey_permissions()
    os.environ.clear()
    os.environ.update(asked["environment"])
    os.chdir(asked["folder"])
    for number, name in ((1, "out"), (2, "err")):
        file = os.open(asked[name], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(file, number)
        os.close(file)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    sys.argv = ["dse", *asked["words"]]
    code = 1
    try:
        main()
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 0 if ended.code is None else 1
    except BaseException:  # noqa: BLE001 - what Python itself would print, without its way out of a fork
        sys.excepthook(*sys.exc_info())
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _obey_permissions() -> None:
    """Root, too, is refused what a file's mode refuses."""
    if os.geteuid():
        return
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    sets = (ctypes.c_uint32 * 6)()
    libc = ctypes.CDLL(None)
    if libc.capget(header, sets) == 0:
        sets[0] &= ~_OVERRIDES
        libc.capset(header, sets)


if __name__ == "__main__":
    serve()
