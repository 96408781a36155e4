"""A data set of plain colours, a request for it, and the harness run on it in a process of its own."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
from dse_harness.boot import command
from dse_harness.protocol import Response, read


def write_colours(path: Path, count: int = 40, side: int = 12, classes: int = 10) -> Path:
    """Images of one colour each, and labels that no model here predicts on purpose."""
    rng = np.random.default_rng(7)
    colours = rng.integers(0, 256, (count, 1, 1, 3), np.uint8)
    np.savez(path, images=np.tile(colours, (1, side, side, 1)), labels=np.arange(count) % classes)
    return path


def request_for(model: Path, archive: Path, **changes: Any) -> dict[str, Any]:
    return {
        "schema": 1,
        "model_path": str(model),
        "model_sha256": hashlib.sha256(model.read_bytes()).hexdigest(),
        "data_set": {"name": "colours", "path": str(archive), "sha256": "c" * 64, "classes": 10},
        "cache_dir": str(archive.parent / "cache"),
        "performance": {"buffer_size": 8, "min_duration_ms": 50, "min_query_count": 10},
        "accuracy": {"samples": None},
        "warmup_s": 0,
        **changes,
    }


def run_harness(folder: Path, request: dict[str, Any] | str, python: str = sys.executable) -> Response:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "request.json"
    path.write_text(request if isinstance(request, str) else json.dumps(request))
    done = subprocess.run(
        [*command(python), "run", str(path)], capture_output=True, text=True, cwd=folder, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return read(Response, folder / "response.json")
