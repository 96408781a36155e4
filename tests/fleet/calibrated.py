"""Boards that were shown to be the same, for tests that are about something else."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from dse.core.calibration import LOOKS
from dse.fleet.calibration import BoardFacts, Calibration, KeptRun, calibration_path, keep_calibration

VALUES = {"latency_p90_ns": 1e6, "latency_p50_ns": 9e5, "model_memory_bytes": 2**20, "peak_memory_bytes": 2**25}


def keep_calibrated(devices: Path, system: str, boards: Sequence[str], slower: float = 1.0) -> None:
    """Keep a calibration by which the last of ``boards``, which ``devices`` names, is so many times slower."""
    runs = [
        KeptRun(board, number, 0, {n: v * (slower if n.endswith("_ns") and place else 1.0) for n, v in VALUES.items()})
        for number in range(LOOKS[0])
        for place, board in enumerate(boards)
    ]
    facts = {board: BoardFacts() for board in boards}
    now = datetime.now(UTC).isoformat(timespec="seconds")
    calibration = Calibration(system, now, "space", {}, facts, ({"threads": 1},), tuple(runs))
    keep_calibration(calibration_path(devices), calibration)
