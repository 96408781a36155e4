"""The real harness from outside: whatever the process does, there is a response, and it is on disk."""

from __future__ import annotations

from pathlib import Path

import pytest
from dse_harness import protocol
from dse_harness.protocol import DataSetSpec, Request, Response

from dse.backends import LocalBackend

_REQUEST = Request("none.tflite", "0" * 64, DataSetSpec("x", "none.npz", "0" * 64), "cache")


def _interpreter(folder: Path, script: str) -> str:
    path = folder / "python"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize(
    ("script", "error", "message"),
    [
        (
            "echo loading >&2; echo 'terminate called' >&2; kill -SEGV $$",
            "crashed",
            "killed by SIGSEGV: terminate called",
        ),
        ("exit 7", "crashed", "exit status 7"),
        ("sleep 60", "timeout", "killed after 0.5 s"),
        ("echo '{' > response.json", "internal", "not JSON"),
        ("echo '{\"schema\": 99}' > response.json", "internal", "found 99"),
        ("mkfifo response.json", "internal", "is no regular file"),
        ("ln -s /dev/zero response.json", "internal", "is no regular file"),
        ("head -c 2000 /dev/zero; exit 1", "crashed", "exit status 1"),
    ],
)
def test_whatever_a_process_does_becomes_a_response(tmp_path: Path, script: str, error: str, message: str) -> None:
    folder = tmp_path / "trial"
    folder.mkdir()
    response = LocalBackend().run(
        _REQUEST, folder, 0.5 if "sleep" in script else 30, python=_interpreter(tmp_path, script)
    )
    assert response.failure is not None
    assert response.failure.error == error
    assert message in response.failure.message
    assert protocol.read(Response, folder / "response.json") == response
    assert protocol.read(Request, folder / "request.json") == _REQUEST


def test_an_interpreter_that_does_not_start_is_a_missing_runtime(tmp_path: Path) -> None:
    response = LocalBackend().run(_REQUEST, tmp_path, 30, python="/no/such/python")
    assert response.failure is not None
    assert response.failure.error == "runtime_missing"
    assert "/no/such/python" in response.failure.message
    assert protocol.read(Response, tmp_path / "response.json") == response


def test_a_real_process_answers_what_cannot_be_measured(tmp_path: Path) -> None:
    response = LocalBackend().run(_REQUEST, tmp_path, 60)
    assert response.failure is not None
    assert response.failure.error == "model_missing"
    assert response.versions
