"""Commands of dse in forks of a process that has it loaded: what is tested is the command, not the start of Python."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).parents[1]
_LIMIT_S = 60.0


@dataclass(frozen=True)
class Ended:
    """What a command left: of what it wrote, at most 4 MiB each."""

    returncode: int
    stdout: bytes
    stderr: bytes
    hung: bool
    """It did not end within its limit."""
    left: bool
    """It left a process."""

    @property
    def out(self) -> str:
        return self.stdout.decode("utf-8", "replace")

    @property
    def err(self) -> str:
        return self.stderr.decode("utf-8", "replace")


class Forks:
    """Runs commands one after another; `tests.forkserver`, which starts with the first, runs each in a fork of itself.

    ``streams`` is a folder for what they write.
    """

    def __init__(self, streams: Path) -> None:
        self.streams = streams
        self._process: subprocess.Popen[str] | None = None

    def run(
        self,
        words: Iterable[object],
        folder: Path,
        environment: Mapping[str, str] | None = None,
        *,
        out: Path | None = None,
        limit_s: float = _LIMIT_S,
    ) -> Ended:
        """Run ``dse`` with ``words`` in ``folder``; by default its environment is this process' own.

        ``out`` is a file for stdout, where that is not to be read. Terminals, closed streams and what Python itself
        takes from the environment as it starts are not here: they need a process of their own.
        """
        files = [out or self.streams / "out", self.streams / "err"]
        asked = {
            "words": list(map(str, words)),
            "folder": str(folder),
            "environment": dict(os.environ if environment is None else environment),
            "out": str(files[0]),
            "err": str(files[1]),
            "limit_s": limit_s,
        }
        answer = self._ask(asked)
        written = [b"" if path == out else path.read_bytes()[: 1 << 22] for path in files]
        return Ended(answer["code"], *written, hung=answer["hung"], left=answer["left"])

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.communicate(timeout=60)

    def _ask(self, asked: dict[str, Any]) -> dict[str, Any]:
        if self._process is None:
            command = [sys.executable, "-m", "tests.forkserver"]
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=_ROOT
            )
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer
