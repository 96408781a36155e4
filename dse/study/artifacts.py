"""Files of a trial that Optuna Dashboard offers: their ids, and the paths that these stand for."""

from __future__ import annotations

import json
from pathlib import Path

ARTIFACTS = {
    1: "performance/mlperf_log_summary.txt",
    2: "performance/mlperf_log_detail.txt",
    3: "response.json",
    4: "stderr.log",
}
"""The files by the number that ends their artifact id."""


def artifact_id(trial: int, kind: int) -> str:
    """The id of a trial's file ``kind`` (a key of ARTIFACTS): eight hexadecimal digits, a dash, one more."""
    return f"{trial:08x}-{kind:x}"


def artifact_path(identifier: str) -> str:
    """The path below ``trials/`` of an artifact id. Raises ValueError for another's id."""
    trial, _, kind = identifier.partition("-")
    number, path = int(trial, 16), ARTIFACTS.get(int(kind, 16))
    if path is None or artifact_id(number, int(kind, 16)) != identifier:
        raise ValueError(f"found {identifier!r}, which is no artifact of a trial")
    return f"{number}/{path}"


def artifact_attributes(trials: Path, trial: int) -> dict[str, str]:
    """The files that the folder of ``trial`` below ``trials`` has, as a trial's system attributes."""
    folder = trials / str(trial)
    return {
        f"artifacts:{artifact_id(trial, kind)}": _document(trial, kind, path)
        for kind, path in ARTIFACTS.items()
        if (folder / path).is_file()
    }


def _document(trial: int, kind: int, path: str) -> str:
    document = {
        "artifact_id": artifact_id(trial, kind),
        "filename": path.rpartition("/")[2],
        "mimetype": "application/json" if path.endswith(".json") else "text/plain",
        "encoding": None,
    }
    return json.dumps(document)
