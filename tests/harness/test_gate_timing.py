"""What LoadGen says of a run whose queries are kept back: a real run beside a processor that the test makes up."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import dse_harness
import pytest
from dse_harness.protocol import Response, read

from tests.harness.running import request_for, write_colours
from tests.harness.tiny_models import write_tiny_model

_HELD_NS = 3_000_000
_RUN = f"""
import os, sys, time
from pathlib import Path
sys.path.insert(0, {str(Path(dse_harness.__file__).parents[1])!r})
from dse_harness import protocol
from dse_harness.measure import measure
from dse_harness.pace import Pacer

class Slow(Pacer):
    looks_between, patience_between_ns = True, 10**12

    def is_at_pace(self):
        return False

    def wait_between(self, end_ns):
        time.sleep({_HELD_NS / 1e9})

path = Path(sys.argv[1])
response = measure(protocol.read(protocol.Request, path), path, pacer=Slow())
protocol.write(response, path.parent / "response.json")
os._exit(0)
"""


def _run(folder: Path, **changes: Any) -> Response:
    model = write_tiny_model(folder / "tiny.tflite")
    request = request_for(model, write_colours(folder / "colours.npz"), accuracy=None, **changes)
    (folder / "request.json").write_text(json.dumps(request))
    command = [sys.executable, "-c", _RUN, str(folder / "request.json")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    response = read(Response, folder / "response.json")
    assert response.failure is None
    return response


@pytest.mark.parametrize("scenario", ["SingleStream", "MultiStream"])
def test_loadgen_times_no_wait_between_queries(tmp_path: Path, scenario: str) -> None:
    response = _run(tmp_path, scenario=scenario)
    assert response.performance is not None
    assert response.slow_share == 1
    assert response.timing_s["settle"] > 10 * _HELD_NS / 1e9
    assert response.performance.latency_p50_ns < _HELD_NS / 2


def test_an_offline_run_is_not_kept_back(tmp_path: Path) -> None:
    response = _run(tmp_path, scenario="Offline")
    assert response.slow_share is None
