"""A device's commands as somebody at the other end of a connection has them: real processes, and what they say.

They are forks of this one, which has Python and the harness loaded: a test takes milliseconds.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import subprocess
import tarfile
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dse_harness import facts, launch, store  # noqa: F401 - so that the forks have them
from dse_harness.__main__ import main

REQUEST = {"schema": 1, "model_path": "../../store/model"}
_MOST_S = 30
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


class Process:
    """`dse-harness` with these words in a fork, with pipes for its standard input and output."""

    def __init__(self, *words: object) -> None:
        read_input, self._input = os.pipe()
        self.output, write_output = os.pipe()
        self.returncode: int | None = None
        self.pid = os.fork()
        if not self.pid:
            code = 70
            try:
                os.dup2(read_input, 0)
                os.dup2(write_output, 1)
                os.closerange(3, 1024)
                for number in (signal.SIGINT, signal.SIGTERM):
                    signal.signal(number, signal.SIG_DFL)
                signal.alarm(_MOST_S)  # what hangs ends the test
                code = main(list(map(str, words)))
            except BaseException:  # noqa: BLE001 - nothing of the tests goes on in here
                traceback.print_exc()
            finally:
                os._exit(code)
        os.close(read_input)
        os.close(write_output)

    def write(self, data: bytes) -> None:
        with contextlib.suppress(BrokenPipeError):
            while data:
                data = data[os.write(self._input, data) :]

    def hang_up(self) -> None:
        if self._input >= 0:
            os.close(self._input)
            self._input = -1

    def kill(self, number: int = signal.SIGKILL) -> None:
        os.kill(self.pid, number)

    def wait(self) -> int:
        if self.returncode is None:
            in_time = soon(lambda: not is_alive(self.pid))
            if not in_time:
                self.kill()
            self.returncode = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
            assert in_time, "it does not end"
        return self.returncode

    def has_ended(self) -> bool:
        return self.returncode is not None or not is_alive(self.pid)


class Launcher(Process):
    """`dse-harness launch`, started with this job, its standard input open: it ends with the context."""

    def __init__(self, root: Path, job: dict[str, Any], machine: Path = Path("/")) -> None:
        super().__init__("launch", root, machine)
        self._reader = os.fdopen(self.output, "rb")
        self.write(json.dumps(job).encode() + b"\n")

    def __enter__(self) -> Launcher:
        return self

    def __exit__(self, *_: object) -> None:
        self.hang_up()
        self._reader.close()
        if self.returncode is None:
            self.kill(signal.SIGCONT)
        self.wait()

    def event(self) -> dict[str, Any]:
        line = self._reader.readline()
        assert line, "the launcher ended without a word"
        return json.loads(line)

    def began(self) -> dict[str, Any]:
        event = self.event()
        assert event["event"] == "began", event
        return event

    def beat_until(self, condition: Callable[[], bool]) -> None:
        """Send heartbeats until it is true, which it must become."""
        assert soon(lambda: self.write(b".") or condition())  # type: ignore[func-returns-value]

    def answer(self) -> Answer:
        """What comes last. The exit status and the end of the output are checked."""
        while (event := self.event())["event"] not in ("answer", "error"):
            pass
        files = {}
        if event["event"] == "answer":
            data = self._reader.read(event["bytes"])
            with tarfile.open(fileobj=io.BytesIO(data)) as archive:
                for member in archive:
                    assert member.isreg()
                    files[member.name] = archive.extractfile(member).read()
            assert next(iter(files)) == "answer.json"
        assert self._reader.read() == b""
        assert self.wait() == (0 if files else 3)
        return Answer(event, files)


def answer_to(root: Path, job: dict[str, Any], machine: Path = Path("/")) -> Answer:
    with Launcher(root, job, machine) as launcher:
        return launcher.answer()


def runs(root: Path) -> int:
    """How often a fake was run."""
    path = root / "count"
    return len(path.read_text().splitlines()) if path.exists() else 0


def ask(name: str, root: Path, data: bytes = b"", *more: object) -> tuple[dict[str, Any], int]:
    """What `dse-harness NAME ROOT` says to ``data``, and its exit code."""
    process = Process(name, root, *more)
    process.write(data)
    process.hang_up()
    with os.fdopen(process.output, "rb") as said:
        return json.loads(said.read()), process.wait()


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
    """Whether it comes true; who waits for what does not waits some ten seconds."""
    for _ in range(2000):
        if condition():
            return True
        time.sleep(0.005)
    return False


@contextlib.contextmanager
def sleeping(**more: Any) -> Iterator[subprocess.Popen[bytes]]:
    """A process of nobody's in a session of its own."""
    with subprocess.Popen(["sleep", "60"], start_new_session=True, **more) as process:
        try:
            yield process
        finally:
            process.kill()


def number_in(path: Path) -> int:
    """The process that has written its number there."""
    assert soon(lambda: path.exists() and path.read_text().endswith("\n"))
    return int(path.read_text())
