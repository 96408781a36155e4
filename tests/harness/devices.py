"""A device's commands as somebody at the other end of a connection has them: real processes, and what they say."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from dse_harness.boot import command

REQUEST = {"schema": 1, "model_path": "../../store/model"}
QUICK = ("sh", "-c", "echo run >> ../../count; echo '{}' > response.json", "fake")
"""A run that takes milliseconds and is counted; the path of its request follows."""
LONG = ("sh", "-c", "echo run >> ../../count; exec sleep 60", "fake")


def device(root: Path) -> Path:
    """A device's folder with the one file that `REQUEST` names."""
    (root / "store").mkdir(parents=True)
    (root / "store/model").touch()
    return root


def job(run_id: str = "study-1-abc", **changes: Any) -> dict[str, Any]:
    return {
        "schema": 1,
        "run_id": run_id,
        "owner": "a test",
        "request": REQUEST,
        "timeout_s": 20,
        "lease_s": 20,
        "command": QUICK,
        "boot_id": None,
        **changes,
    }


@dataclass(frozen=True)
class Answer:
    """What comes last: ``event`` is an error's, or an answer's, whose files are then there."""

    event: dict[str, Any]
    files: dict[str, bytes]

    def __getitem__(self, name: str) -> Any:
        return json.loads(self.files["answer.json"])[name]


class Launcher:
    """`dse-harness launch`, started with this job, its standard input open: it ends with the context."""

    def __init__(self, root: Path, job: dict[str, Any], machine: Path | None = None) -> None:
        words = [*command(sys.executable), "launch", str(root), *([str(machine)] if machine else [])]
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        self._output: IO[bytes] = io.BufferedReader(self.process.stdout)
        self.write(json.dumps(job).encode() + b"\n")

    def __enter__(self) -> Launcher:
        return self

    def __exit__(self, *_: object) -> None:
        self.hang_up()
        self.process.wait(30)
        self._output.close()

    def write(self, data: bytes) -> None:
        assert self.process.stdin
        self.process.stdin.write(data)

    def hang_up(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()

    def event(self) -> dict[str, Any]:
        line = self._output.readline()
        assert line, "the launcher ended without a word"
        return json.loads(line)

    def began(self) -> dict[str, Any]:
        event = self.event()
        assert event["event"] == "began", event
        return event

    def answer(self) -> Answer:
        """What comes last. The exit status and the end of the output are checked."""
        while (event := self.event())["event"] not in ("answer", "error"):
            pass
        files = {}
        if event["event"] == "answer":
            data = self._output.read(event["bytes"])
            with tarfile.open(fileobj=io.BytesIO(data)) as archive:
                for member in archive:
                    assert member.isreg()
                    files[member.name] = archive.extractfile(member).read()
            assert next(iter(files)) == "answer.json"
        assert self._output.read() == b""
        assert self.process.wait(30) == (0 if files else 3)
        return Answer(event, files)


def launch(root: Path, job: dict[str, Any], machine: Path | None = None) -> Answer:
    with Launcher(root, job, machine) as launcher:
        return launcher.answer()


def runs(root: Path) -> int:
    """How often a fake was run."""
    path = root / "count"
    return len(path.read_text().splitlines()) if path.exists() else 0


def ask(name: str, root: Path, data: bytes = b"", *more: str) -> tuple[dict[str, Any], int]:
    """What `dse-harness NAME ROOT` says to ``data``, and its exit code."""
    done = subprocess.run(
        [*command(sys.executable), name, str(root), *more], input=data, capture_output=True, check=False, timeout=60
    )
    assert done.stderr == b""
    return json.loads(done.stdout), done.returncode


def machine(folder: Path, boot_id: str = "another-boot") -> Path:
    """A folder in place of / that has been booted."""
    path = folder / "proc/sys/kernel/random/boot_id"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(boot_id + "\n")
    return folder


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def soon(condition: Callable[[], bool]) -> bool:
    """Whether it comes true; who waits for what does not waits long."""
    for _ in range(2000):
        if condition():
            return True
        time.sleep(0.005)
    return False


def number_in(path: Path) -> int:
    """The process that has written its number there."""
    assert soon(lambda: path.exists() and path.read_text().endswith("\n"))
    return int(path.read_text())


def kill(pid: int, number: int) -> None:
    os.kill(pid, number)
