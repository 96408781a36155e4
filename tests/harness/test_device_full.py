"""A device whose disk is full says so, measures nothing then, and goes on once there is room."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from dse_harness.clock import now_s

from tests.harness.devices import Launcher, answer_to, ask, device, job, runs
from tests.harness.test_store import archive, put_folder

FILL = "head -c 9000000 /dev/zero > filler 2> /dev/null; "


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    """A device's folder on a disk of 4 MiB."""
    if os.geteuid():
        pytest.skip("only root makes a small disk")
    folder = tmp_path / "device"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("this machine lets nobody make a small disk")
    yield device(folder)
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(root: Path) -> Path:
    path = root / "filler"
    subprocess.run(["sh", "-c", f"head -c 9000000 /dev/zero > {path}"], check=False, stderr=subprocess.DEVNULL)
    return path


def test_on_a_full_disk_nothing_is_run(root: Path) -> None:
    filler = fill(root)
    refused = answer_to(root, job())
    assert refused.event["error"] == "no_space"
    assert str(root) in refused.event["message"]
    assert runs(root) == 0
    filler.unlink()
    assert answer_to(root, job())["outcome"] == "ended"


def test_a_run_that_fills_the_disk_is_no_measurement_and_in_nobodys_way(root: Path) -> None:
    program = FILL + "echo '{}' > response.json; yes | head -c 100000; exit 0"
    refused = answer_to(root, job(command=("sh", "-c", program, "fake")))
    assert refused.event["error"] == "no_space"
    assert "after the run" in refused.event["message"]
    assert answer_to(root, job("next"))["outcome"] == "ended"
    assert answer_to(root, job())["recorded"] is False


def test_a_full_disk_keeps_no_lease_from_being_renewed(root: Path) -> None:
    program = FILL + "touch full; while ! [ -e end ]; do sleep 0.01; done; rm filler"
    folder = root / "runs/study-1-abc"
    with Launcher(root, job(lease_s=0.4, command=("sh", "-c", program, "fake"))) as launcher:
        began = launcher.began()
        launcher.beat_until(lambda: (folder / "full").exists() and now_s() > began["boottime_s"] + 0.9)
        assert json.loads((root / "lease.json").read_text())["deadline_s"] > began["boottime_s"] + 0.9
        (folder / "end").touch()
        launcher.beat_until((folder / "answer.json").exists)
        assert launcher.answer()["outcome"] == "ended"


def test_a_folder_that_does_not_fit_leaves_nothing(root: Path) -> None:
    data = archive(*((f"{number}.jpg", b"x") for number in range(1500)))  # a page each, once unpacked
    event, code = ask("store", root, put_folder(data))
    assert (code, event["error"]) == (3, "no_space")
    assert [path.name for path in (root / "store").iterdir()] == ["model"]
    data = archive(*((f"{number}.jpg", b"x") for number in range(100)))
    assert ask("store", root, put_folder(data))[1] == 0


def test_a_full_disk_still_tells_its_facts(root: Path) -> None:
    fill(root)
    facts, code = ask("facts", root)
    assert (code, facts["free_bytes"]) == (0, 0)
    digest = hashlib.sha256(b"").hexdigest()
    line = {"op": "put", "name": digest, "bytes": 0, "sha256": digest, "kind": "file"}
    assert ask("store", root, json.dumps(line).encode() + b"\n")[0]["error"] == "no_space"
