"""A study on two boards that OpenSSH reaches, from nothing to a checked submission; one board goes away and comes back.

    sudo python benchmarks/two_boards.py FOLDER [--minutes 2] [--calibrations 8] [--indifference 50%]

Both boards are this machine: two users of their own with homes of their own, each with an sshd of its own on loopback
and one processor to itself. ``dse device setup`` installs the harness there, from the package index. Beside each other
they disturb each other: the figures are worth nothing, and how things go is what is shown. So they are the same where
latencies differ by less than ``--indifference``, far more than of real boards. Asserts that no board ran two trials at
once, and that nothing was measured twice.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import pwd
import shutil
import subprocess
import sys
import threading
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import yaml

sys.path.insert(0, str(Path(__file__).parents[1]))

BOARDS = ("dse-board-1", "dse-board-2")
SPACE: dict[str, Any] = {
    "schema": 1,
    "name": "boards",
    "data_set": {"embedded": "fashion_mnist", "classes": 10},
    "models": {"zoo": {"zoo": "mobilenet_v3"}},
    "runtimes": {"litert": {"engine": "litert"}},
    "parameters": {
        "family": ["small"],
        "form": ["minimalistic"],
        "width": [0.35, 0.5, 1.0],
        "side": [48, 64, 96],
        "precision": ["float32", "int8"],
        "threads": [1],
        "buffer_size": [64],
    },
    "objectives": ["accuracy", "latency_p90_ns", "model_memory_bytes"],
    "indifference": {"model_memory_bytes": "5%", "accuracy": "0.2%"},
}


class Board:
    """A user of this machine behind an sshd, which `stop` and `start` take off the network and back."""

    def __init__(self, name: str, processor: int, folder: Path) -> None:
        self.name, self._processor, self._folder = name, processor, folder / name
        self._folder.mkdir()
        self._process: subprocess.Popen[bytes] | None = None
        if name not in {user.pw_name for user in pwd.getpwall()}:
            subprocess.run(["useradd", "--create-home", "--shell", "/bin/sh", "--password", "*", name], check=True)
        self.home = Path(pwd.getpwnam(name).pw_dir)
        for key in ("host", "user"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self._folder / key)], check=True)
        keys = self.home / ".ssh"
        keys.mkdir(mode=0o700, exist_ok=True)
        (keys / "authorized_keys").write_bytes((self._folder / "user.pub").read_bytes())
        for path in (keys, keys / "authorized_keys"):
            shutil.chown(path, name, name)
        self.port = 22_022 + processor
        (self._folder / "known_hosts").write_text(f"[127.0.0.1]:{self.port} {(self._folder / 'host.pub').read_text()}")
        self.config = self._folder / "config"
        self.config.write_text(
            f"Host {name}\n HostName 127.0.0.1\n Port {self.port}\n User {name}\n"
            f" IdentityFile {self._folder}/user\n IdentitiesOnly yes\n"
            f" UserKnownHostsFile {self._folder}/known_hosts\n StrictHostKeyChecking yes\n"
        )

    def start(self) -> None:
        """Start its sshd, on its processor."""
        Path("/run/sshd").mkdir(0o755, parents=True, exist_ok=True)
        options = f"ListenAddress=127.0.0.1 Port={self.port} HostKey={self._folder}/host PidFile=none UsePAM=no"
        words = [word for option in options.split() for word in ("-o", option)]
        sshd = shutil.which("sshd", path="/usr/sbin:/sbin:/usr/bin") or sys.exit("needs sshd")
        self._process = subprocess.Popen(
            ["taskset", "-c", str(self._processor), sshd, "-D", "-f", "/dev/null", *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
        time.sleep(0.5)

    def stop(self) -> None:
        """As if its plug were pulled: sshd and all that its user runs are killed at once."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
        subprocess.run(["pkill", "-KILL", "-u", self.name], check=False)


def dse(folder: Path, *words: str, fails: bool = False) -> int:
    """Run a command, shown; its exit status."""
    print(f"\n$ dse {' '.join(words)}", flush=True)
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "dse", *words], cwd=folder, stdout=subprocess.PIPE, text=True, check=False
    )
    print(done.stdout.strip()[-3000:])
    print(f"({time.monotonic() - began:.0f} s, exit status {done.returncode})", flush=True)
    if done.returncode and not fails:
        sys.exit(f"dse {words[0]} failed")
    return done.returncode


def check_trials(study: Path) -> None:
    """No board ran two at once, nothing was measured twice, and each board did some of them."""
    spans: defaultdict[str, list[tuple[str, str, int]]] = defaultdict(list)
    searched: set[str] = set()
    for folder in sorted((study / "trials").iterdir(), key=lambda path: int(path.name)):
        trial, response = (json.loads((folder / f"{name}.json").read_text()) for name in ("trial", "response"))
        before, after = response.get("device_before"), response.get("device_after")
        if before and after:
            spans[trial["device"]].append((before["time_utc"], after["time_utc"], int(folder.name)))
        if trial["phase"] == "search":
            assert trial["key"] not in searched, f"trial {folder.name} measures what was measured"
            searched.add(trial["key"])
    for device, runs in sorted(spans.items()):
        runs.sort()
        for (_, ended, one), (began, _, other) in itertools.pairwise(runs):
            assert ended <= began, f"{device}: trials {one} and {other} ran at once"
        print(f"{device}: {len(runs)} runs, one at a time")
    assert len(spans) == len(BOARDS), f"found runs on {', '.join(spans)}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--minutes", type=float, default=2.0)
    parser.add_argument("--calibrations", type=int, default=8, help="how often it is tried at most")
    parser.add_argument("--indifference", default="50%", help="by how much latencies may differ")
    arguments = parser.parse_args()
    if os.geteuid():
        sys.exit("needs root, to make users and to end what they run")
    folder = arguments.folder.absolute()
    folder.mkdir(parents=True)
    boards = [Board(name, processor, folder) for processor, name in enumerate(BOARDS)]
    devices = {b.name: {"transport": "ssh", "host": b.name, "config": str(b.config)} for b in boards}
    (folder / "devices.yaml").write_text(yaml.safe_dump({"systems": {"twins": {"devices": devices}}}))
    space = SPACE | {"indifference": {**SPACE["indifference"], "latency_p90_ns": arguments.indifference}}
    (folder / "boards.yaml").write_text(yaml.safe_dump(space, sort_keys=False))
    try:
        for board in boards:
            board.start()
        dse(folder, "device", "check", "--trust", fails=True)
        dse(folder, "device", "setup", "--all", "--yes")
        dse(folder, "device", "check")
        calibrate = ("device", "calibrate", *BOARDS, "--space", "boards.yaml", "--one-at-a-time")
        for _ in range(arguments.calibrations - 1):  # refused while something else slows this machine
            if not dse(folder, *calibrate, fails=True):
                break
        else:
            dse(folder, *calibrate)
        away = threading.Timer(20.0, boards[1].stop)
        back = threading.Timer(35.0, boards[1].start)
        away.start()
        back.start()
        budget = f"{arguments.minutes * 60:.0f}s"
        dse(
            folder, "explore", "--space", "boards.yaml", "--devices", "devices.yaml", "--timeout", budget, "--seed", "1"
        )
        back.join()
        check_trials(folder / "studies" / "boards")
        dse(folder, "front", "boards")
        dse(folder, "system", "init", "twins")
        dse(folder, "validate", "boards", "--devices", "devices.yaml", "--duration", "2s")
        dse(folder, "submit", "boards", "--submitter", "Twins", "--rehearsal", fails=True)
    finally:
        for board in boards:
            board.stop()


if __name__ == "__main__":
    main()
