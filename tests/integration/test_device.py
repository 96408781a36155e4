"""The real harness on a device: launched under its lease by the command, with files from the store."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest
from dse_harness import protocol
from dse_harness.boot import command
from dse_harness.decode import decode
from dse_harness.protocol import Response

from tests.harness.devices import is_alive, soon
from tests.harness.running import write_colours
from tests.harness.tiny_models import write_tiny_model


def ask(root: Path, data: bytes, name: str = "store") -> dict[str, Any]:
    done = subprocess.run([*command(sys.executable), name, str(root)], input=data, capture_output=True, check=True)
    return json.loads(done.stdout)


def store(root: Path, path: Path) -> str:
    """Put a file there; its path as a request has it."""
    data = path.read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    line = {"op": "put", "name": digest + path.suffix, "bytes": len(data), "sha256": digest, "kind": "file"}
    assert ask(root, json.dumps(line).encode() + b"\n" + data) == {"stored": digest + path.suffix}
    return f"../../store/{digest}{path.suffix}"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "device"


@pytest.fixture
def job(root: Path, tmp_path: Path) -> dict[str, Any]:
    model = store(root, write_tiny_model(tmp_path / "tiny.tflite"))
    request = {
        "schema": 1,
        "model_path": model,
        "model_sha256": Path(model).stem,
        "data_set": {
            "name": "colours",
            "path": store(root, write_colours(tmp_path / "colours.npz")),
            "sha256": "c" * 64,
            "classes": 10,
        },
        "cache_dir": "../../cache",
        "performance": {"buffer_size": 8, "min_duration_ms": 50, "min_query_count": 10},
        "accuracy": {"samples": None},
        "warmup_s": 0,
    }
    boot_id = ask(root, b"", "facts")["boot_id"]
    return {
        "schema": 1,
        "run_id": "study-1-abc",
        "owner": "a test",
        "request": request,
        "timeout_s": 60,
        "lease_s": 60,
        "boot_id": boot_id,
    }


def launcher(root: Path, job: dict[str, Any]) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        [*command(sys.executable), "launch", str(root)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdin
    process.stdin.write(json.dumps(job).encode() + b"\n")
    process.stdin.flush()
    return process


def answer(process: subprocess.Popen[bytes]) -> dict[str, bytes]:
    assert process.stdout
    event = json.loads(process.stdout.readline())
    if event["event"] == "began":
        event = json.loads(process.stdout.readline())
    assert event["event"] == "answer", event
    data = process.stdout.read(event["bytes"])
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        return {member.name: archive.extractfile(member).read() for member in archive}


def test_a_measurement_comes_back_with_its_logs(root: Path, job: dict[str, Any]) -> None:
    with launcher(root, job) as process:
        files = answer(process)
    logs = [f"{run}/mlperf_log_{name}" for run in ("performance", "accuracy") for name in ("detail.txt", "summary.txt")]
    assert {"answer.json", "response.json", "stderr.log", *logs} <= files.keys()
    told = json.loads(files["answer.json"])
    assert (told["outcome"], told["status"]) == ("ended", 0)
    response: Response = decode(Response, json.loads(files["response.json"]))
    assert response.failure is None
    assert response.performance is not None
    assert response.performance.valid
    assert response.accuracy is not None
    assert response.accuracy.total == 40
    assert protocol.read(Response, root / "runs/study-1-abc/response.json") == response
    with launcher(root, job) as process:
        again = answer(process)
    assert json.loads(again["answer.json"])["recorded"] is True
    assert again["response.json"] == files["response.json"]


def test_who_hangs_up_ends_the_harness(root: Path, job: dict[str, Any]) -> None:
    job["request"]["performance"] |= {"min_duration_ms": 60_000}
    with launcher(root, job) as process:
        assert process.stdout
        assert process.stdin
        pid = json.loads(process.stdout.readline())["pid"]
        assert soon(lambda: (root / "runs/study-1-abc/performance").exists())
        process.stdin.close()
        assert json.loads(answer(process)["answer.json"])["outcome"] == "lease_expired"
    assert not is_alive(pid)


def test_the_harness_of_a_killed_launcher_ends_with_it(root: Path, job: dict[str, Any]) -> None:
    job["request"]["performance"] |= {"min_duration_ms": 60_000}
    with launcher(root, job) as process:
        assert process.stdout
        pid = json.loads(process.stdout.readline())["pid"]
        assert soon(lambda: (root / "runs/study-1-abc/performance").exists())
        process.kill()
    assert soon(lambda: not is_alive(pid))
