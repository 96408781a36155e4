"""What a trial does while the processor is slow: a real run beside a pace that the test makes up."""

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

_RUN = f"""
import os, sys
from pathlib import Path
sys.path.insert(0, {str(Path(dse_harness.__file__).parents[1])!r})
from dse_harness import protocol
from dse_harness.measure import measure
from dse_harness.pace import Pacer

path = Path(sys.argv[1])
now_ns = 0

def loop():
    global now_ns
    is_slow = {{}}
    now_ns += (took := 200_000 if now_ns and is_slow else 100_000)
    return took

pacer = Pacer(loop, lambda: now_ns, lambda _: None)
pacer.now()
waiting_ns = now_ns
protocol.write(measure(protocol.read(protocol.Request, path), path, pacer=pacer), path.parent / "response.json")
print(now_ns - waiting_ns)
sys.stdout.flush()
os._exit(0)
"""
"""Prints for how long the pace was looked at, in ns, by a clock that only these looks move on."""
_SLOW_FOR_ALL_TIME = "True"
_SLOW_UNTIL_COUNTED = "not (path.parent / 'accuracy').exists()"
_NEVER_SLOW = "False"
_PATIENCE_NS = 1_000_000_000


def _run(folder: Path, is_slow: str, **changes: Any) -> tuple[Response, int]:
    """What came out, and for how many ns it was looked at the pace."""
    folder.mkdir()
    model = write_tiny_model(folder / "tiny.tflite")
    request = request_for(model, write_colours(folder / "colours.npz"), spot_check_images=8, **changes)
    (folder / "request.json").write_text(json.dumps(request))
    command = [sys.executable, "-c", _RUN.format(is_slow), str(folder / "request.json")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    response = read(Response, folder / "response.json")
    assert response.failure is None
    return response, int(done.stdout.split()[-1])


def _order(folder: Path) -> list[str]:
    """The two runs, the first one first."""
    return sorted(
        ("performance", "accuracy"), key=lambda run: (folder / run / "mlperf_log_detail.txt").stat().st_mtime_ns
    )


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> tuple[Response, int]:
    """A trial without an accuracy, beside a pace that would become usual once one is counted."""
    return _run(tmp_path_factory.mktemp("alone") / "slow", _SLOW_UNTIL_COUNTED, accuracy=None)


def test_accuracy_is_counted_while_the_processor_is_slow(tmp_path: Path, alone: tuple[Response, int]) -> None:
    usual, _ = _run(tmp_path / "usual", _NEVER_SLOW)
    slow, looked_ns = _run(tmp_path / "slow", _SLOW_UNTIL_COUNTED)
    assert _order(tmp_path / "usual") == ["performance", "accuracy"]
    assert _order(tmp_path / "slow") == ["accuracy", "performance"]
    assert looked_ns < _PATIENCE_NS / 10
    assert slow.pace_before_ns == slow.pace_after_ns == 100_000
    assert slow.accuracy == usual.accuracy
    assert slow.spot_check == usual.spot_check
    assert slow.evidence == usual.evidence
    assert slow.timing_s.keys() == usual.timing_s.keys()
    for name in ("peak_memory_bytes", "model_memory_bytes", "sample_memory_bytes"):
        assert getattr(slow, name) == pytest.approx(getattr(alone[0], name), rel=0.01)


def test_a_processor_that_stays_slow_is_waited_for_no_longer_than_before(tmp_path: Path) -> None:
    response, looked_ns = _run(tmp_path / "slow", _SLOW_FOR_ALL_TIME)
    assert _PATIENCE_NS <= looked_ns < 1.1 * _PATIENCE_NS
    assert response.pace_before_ns == 200_000
    assert response.accuracy is not None
    assert response.timing_s["settle"] > 0


def test_a_trial_without_an_accuracy_waits(alone: tuple[Response, int]) -> None:
    response, looked_ns = alone
    assert looked_ns >= _PATIENCE_NS
    assert response.accuracy is None
