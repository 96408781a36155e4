"""The real harness from outside: whatever the process does, there is a response, and it is on disk."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from statistics import median

import numpy as np
import pytest
from dse_harness import protocol
from dse_harness.accuracy import read_answers
from dse_harness.protocol import AccuracySpec, DataSetSpec, PerformanceSpec, Request, Response

from dse.backends import LocalBackend
from dse.data_sets import from_arrays
from dse.models import ZooSource
from tests.thorough import most_thorough

_REQUEST = Request("none.tflite", "0" * 64, DataSetSpec("x", "none.npz", "0" * 64), "cache")


@pytest.fixture(params=["forked", "fresh"])
def backend(request: pytest.FixtureRequest) -> Iterator[LocalBackend]:
    made = LocalBackend(fresh=request.param == "fresh")
    yield made
    made.close()


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
def test_whatever_a_process_does_becomes_a_response(
    tmp_path: Path, backend: LocalBackend, script: str, error: str, message: str
) -> None:
    folder = tmp_path / "trial"
    folder.mkdir()
    response = backend.run(_REQUEST, folder, 0.5 if "sleep" in script else 30, python=_interpreter(tmp_path, script))
    assert response.failure is not None
    assert response.failure.error == error
    assert message in response.failure.message
    assert protocol.read(Response, folder / "response.json") == response
    assert protocol.read(Request, folder / "request.json") == _REQUEST


def test_an_interpreter_that_does_not_start_is_a_missing_runtime(tmp_path: Path, backend: LocalBackend) -> None:
    response = backend.run(_REQUEST, tmp_path, 30, python="/no/such/python")
    assert response.failure is not None
    assert response.failure.error == "runtime_missing"
    assert "/no/such/python" in response.failure.message
    assert protocol.read(Response, tmp_path / "response.json") == response


def test_a_real_process_answers_what_cannot_be_measured(tmp_path: Path, backend: LocalBackend) -> None:
    response = backend.run(_REQUEST, tmp_path, 60)
    assert response.failure is not None
    assert response.failure.error == "model_missing"
    assert response.versions


@pytest.mark.parametrize(
    ("request_", "starts"),
    [
        (_REQUEST, "resident"),
        (replace(_REQUEST, performance=PerformanceSpec(user_conf="user.conf")), "run"),
        (replace(_REQUEST, performance=None, accuracy=AccuracySpec(user_conf="user.conf")), "run"),
    ],
)
def test_an_official_run_is_a_fresh_process(tmp_path: Path, request_: Request, starts: str) -> None:
    python = _interpreter(tmp_path, "echo $4; exit 7")
    response = LocalBackend().run(request_, tmp_path, 30, python=python)
    assert response.failure is not None
    assert response.failure.message == f"exit status 7: {starts}"


def test_the_accuracy_that_is_answered_before_loadgen_ends_its_log_is_that_of_the_log(tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (64, 28, 28), np.uint8)
    np.savez(tmp_path / "x.npz", images=images, labels=np.arange(64) % 10)
    zoo = {"family": "small", "form": "minimalistic", "width": 0.35, "precision": "float32", "side": 48}
    model = ZooSource(tmp_path / "models").make(zoo)
    request = replace(
        _REQUEST,
        model_path=str(model.path),
        model_sha256=model.sha256,
        data_set=from_arrays("noise", tmp_path / "x.npz", 10).spec,
        cache_dir=str(tmp_path / "cache"),
        performance=PerformanceSpec(64, min_duration_ms=10, min_query_count=64),
        accuracy=AccuracySpec(samples=40),
        image_order="random",
        spot_check_images=20,
    )
    with closing(LocalBackend()) as forking:
        response = forking.run(request, tmp_path, 60)
    assert protocol.read(Response, tmp_path / "response.json") == response
    assert response.accuracy is not None
    assert response.spot_check is not None
    logged = read_answers(tmp_path / "accuracy" / "mlperf_log_accuracy.json", 40)
    classes = np.frombuffer(b"".join(logged), "<f4").astype("<i4")
    for found, count in ((response.accuracy, 40), (response.spot_check, 20)):
        assert found.predictions_sha256 == hashlib.sha256(classes[:count].tobytes()).hexdigest()


@pytest.mark.parametrize("side", most_thorough([48, 96], lambda side: side == 48, "another size of the same model"))
def test_a_fork_has_the_memory_of_a_fresh_process(tmp_path: Path, side: int) -> None:
    np.savez(tmp_path / "x.npz", images=np.zeros((64, 28, 28), np.uint8), labels=np.arange(64) % 10)
    zoo = {"family": "small", "form": "minimalistic", "width": 0.35, "precision": "float32"}
    with closing(LocalBackend()) as forking:
        model = ZooSource(tmp_path / "models").make({**zoo, "side": side})
        request = replace(
            _REQUEST,
            model_path=str(model.path),
            model_sha256=model.sha256,
            data_set=from_arrays("noise", tmp_path / "x.npz", 10).spec,
            cache_dir=str(tmp_path / "cache"),
            performance=PerformanceSpec(64, min_duration_ms=10, min_query_count=64),
        )
        found: dict[bool, list[Response]] = {False: [], True: []}
        for number in range(6):  # the first two, which make pixels and start what is forked, are as the others
            folder, fresh = tmp_path / f"{side}-{number}", number % 2 == 0
            folder.mkdir()
            found[fresh].append((LocalBackend(fresh=True) if fresh else forking).run(request, folder, 60))
        for name in ("model_memory_bytes", "peak_memory_bytes"):
            forked, fresh_ = (median(getattr(response, name) for response in found[way]) for way in (False, True))
            assert forked == pytest.approx(fresh_, rel=0.02), name  # 1 % by benchmarks/fork.py, alone
