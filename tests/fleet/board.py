"""A board with the real launcher, lease and store, and a made-up harness: it takes its time, and notes when it ran.

`write_board` makes the board's interpreter, which is this program: it is started as Python is, to be the harness.
BOARD/board.json says how it is: ``seconds`` a run takes, and ``clocks``, by how many seconds the time of day is off,
each time that it is asked, the last for ever. ``versions`` are what it says that it has of a distribution, and boards
with other ``answers`` predict differently. BOARD/log has a line for each run that began and for each that ended.
"""

from __future__ import annotations

import itertools
import json
import os
import shlex
import sys
import time
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path
from typing import Any

_DEVICE = ("launch", "store", "facts")


def write_board(board: Path, **settings: Any) -> Path:
    """The interpreter of a board whose folder is ``board``."""
    board.mkdir(parents=True, exist_ok=True)
    (board / "board.json").write_text(json.dumps({"seconds": 0.05, **settings}))
    python = board / "python"
    path = os.pathsep.join([str(Path(__file__).parents[2]), *filter(None, sys.path)])
    environment = f"PYTHONPATH={shlex.quote(path)} BOARD={shlex.quote(str(board))}"
    python.write_text(f'#!/bin/sh\n{environment} exec {shlex.quote(sys.executable)} -m tests.fleet.board "$@"\n')
    python.chmod(0o755)
    return python


def lines(board: Path, what: str) -> list[dict[str, Any]]:
    """Of the board's runs that ``began``, or ``ended``."""
    log = board / "log"
    found = log.read_text().splitlines() if log.exists() else []
    return [line for line in map(json.loads, found) if line["what"] == what]


def answers(board: Path) -> list[dict[str, Any]]:
    """What the launcher kept of each run that it ended: the last 20."""
    return [json.loads(path.read_text()) for path in (board / "root/runs").glob("*/answer.json")]


def set_clocks(offsets_s: Iterable[float]) -> None:
    """Have the time of day be off by so many seconds, each time that it is asked."""
    offsets, real_ns = iter(offsets_s), time.time_ns
    time.time_ns = lambda: real_ns() + int(next(offsets) * 1e9)


def _main(words: list[str], board: Path) -> int:
    settings = json.loads((board / "board.json").read_text())
    if clocks := settings.get("clocks"):
        set_clocks(itertools.chain(clocks, itertools.repeat(clocks[-1])))
    if versions := settings.get("versions"):
        real = metadata.version
        setattr(metadata, "version", lambda name: versions.get(name) or real(name))  # noqa: B010  # a board's own
    if words[:1] == ["run"]:
        _run(Path(words[1]), board, settings)
        return 0
    place = next((number for number, word in enumerate(words) if word in _DEVICE), None)
    if place is None:
        os.execv(sys.executable, [sys.executable, *words])
    from dse_harness import launch
    from dse_harness.__main__ import main

    setattr(launch, "command", lambda _: [str(board / "python")])  # noqa: B010  # what it has from boot
    return main(words[place:])


def _run(request: Path, board: Path, settings: dict[str, Any]) -> None:
    from dse_harness import protocol
    from dse_harness.clock import now_s
    from dse_harness.protocol import Request

    from dse.backends.fake import FakeDevice

    def note(what: str) -> None:
        with (board / "log").open("a") as log:
            log.write(json.dumps({"what": what, "run_id": os.environ["DSE_RUN_ID"], "at_s": now_s()}) + "\n")

    note("began")
    asked = protocol.read(Request, request)
    fake = FakeDevice(
        _latency_ns,
        lambda asked: 0.5 + int(asked.model_sha256[:2], 16) / 640,
        answers=lambda _: settings.get("answers"),
        noise=0.0,
    )
    time.sleep(float(settings["seconds"]))
    note("ended")
    protocol.write(fake.answer(asked), request.with_name("response.json"))


def _latency_ns(asked: Any) -> float:
    buffer = asked.performance.buffer_size if asked.performance else 0
    return 1e6 * (1 + int(asked.model_sha256[:2], 16) / 64) / asked.runtime.threads**0.7 + 100 * buffer


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1:], Path(os.environ["BOARD"])))
