"""The processes of a Dask cluster of dse's own: a scheduler, and workers that are started again."""

from __future__ import annotations

import json
import os
import selectors
import shutil
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dse.errors import MachineError
from dse.fleet.certificates import make_certificates, settings_of

MOMENT_S = 0.5
"""So long a process may take to end once its connections have."""


@dataclass
class OwnCluster:
    """The processes of a cluster of dse's own. Each ends when its standard input does: with this process."""

    settings: Mapping[str, Any]
    imports: Sequence[str]
    groups: Sequence[Sequence[str]]
    start_s: float
    _folder: str = field(default_factory=lambda: tempfile.mkdtemp(prefix="dse-fleet-"))
    _scheduler: subprocess.Popen[str] | None = None
    _address: str = ""
    _protocol: str = "tcp"
    _workers: dict[int, subprocess.Popen[str]] = field(default_factory=dict)
    _starting: set[int] = field(default_factory=set)
    """The workers that were started again and have not been heard."""

    def __post_init__(self) -> None:
        """Others on this machine reach its ports, too: they have no certificate."""
        certificates = Path(self._folder) / "certificates"
        with suppress(MachineError):  # without OpenSSL
            make_certificates(certificates, days=365)
            self.settings = {**self.settings, **settings_of(certificates)}
            self._protocol = "tls"

    def start(self) -> str:
        """Scheduler and workers; the scheduler's address."""
        self._scheduler = self._begin({"role": "scheduler"})
        self._address = self._heard(self._scheduler, "Dask's scheduler")
        for number in range(len(self.groups)):
            self._workers[number] = self._worker(number)
        for number, worker in self._workers.items():
            self._heard(worker, f"the Dask worker for {', '.join(self.groups[number])}")
        return self._address

    def renew(self, patience_s: float = 0.0) -> None:
        """Start the workers again that have ended, or do so within ``patience_s`` where none has yet.

        Nobody waits until they are there: the other devices need to be asked.
        """
        if self._scheduler is None or self._scheduler.poll() is not None:
            return
        end_s = time.monotonic() + patience_s
        while not (ended := [n for n, w in self._workers.items() if w.poll() is not None]):
            if time.monotonic() >= end_s:
                return
            time.sleep(MOMENT_S / 100)
        for number in ended:
            _close(self._workers[number])
            with suppress(OSError):  # of a machine without processes left: it is tried again
                self._workers[number] = self._worker(number)
                self._starting.add(number)

    def revive(self, device: str) -> bool:
        """Start the device's worker again where it has ended, and wait for it; whether it had."""
        self.renew()
        number = next(number for number, group in enumerate(self.groups) if device in group)
        if number not in self._starting:
            return False
        self._starting.remove(number)
        self._heard(self._workers[number], f"the Dask worker for {device}")
        return True

    def end(self) -> None:
        """End all of them."""
        ending = [*self._workers.values(), *([self._scheduler] if self._scheduler else [])]
        for process in ending:
            if process.stdin is not None:
                with suppress(OSError):
                    process.stdin.close()
        for process in ending:
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            _close(process)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _worker(self, number: int) -> subprocess.Popen[str]:
        wanted = {"role": "worker", "scheduler": self._address, "name": f"dse-{number}-{uuid.uuid4().hex[:8]}"}
        return self._begin({**wanted, "devices": list(self.groups[number]), "imports": list(self.imports)})

    def _begin(self, wanted: Mapping[str, Any]) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "dse.fleet.process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            start_new_session=True,  # Ctrl-C is the search's to hear
        )
        assert process.stdin is not None
        common = {"folder": self._folder, "settings": dict(self.settings), "protocol": self._protocol}
        with suppress(BrokenPipeError):  # one that has ended already: whoever waits for it says so
            process.stdin.write(json.dumps({**wanted, **common}) + "\n")
            process.stdin.flush()
        return process

    def _heard(self, process: subprocess.Popen[str], name: str) -> str:
        assert process.stdout is not None
        with selectors.DefaultSelector() as selector:  # select takes no file above the 1024th, and each device has two
            selector.register(process.stdout, selectors.EVENT_READ)
            is_heard = bool(selector.select(self.start_s))
        if not is_heard:
            process.kill()  # one that is needed again is started anew
            process.wait()
            raise MachineError(f"{name} does not start: it said nothing for {self.start_s:g} s")
        line = process.stdout.readline()
        if not line:
            raise MachineError(f"{name} does not start: exit status {process.wait()}")
        return str(json.loads(line)["address"])


def _close(process: subprocess.Popen[str]) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with suppress(OSError):
                pipe.close()
