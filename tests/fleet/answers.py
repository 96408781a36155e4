"""Answers of devices as bytes: what a harness sends, and what a liar may."""

from __future__ import annotations

import io
import json
import tarfile
from dataclasses import asdict
from typing import Any

from dse_harness.protocol import DataSetSpec, Request, Response

from dse.fleet.job import Job

BOOT = "3f0a7c9e-boot"
REQUEST = Request("../../store/m.tflite", "0" * 64, DataSetSpec("x", "../../store/x.npz", "0" * 64), "../../cache")


def job(**changes: Any) -> Job:
    return Job(**{"run_id": "study-3-abc", "owner": "lab", "request": REQUEST, "timeout_s": 30.0, **changes})


def tar(files: dict[str, bytes], **changes: Any) -> bytes:
    """A tar file of these; ``changes`` are to each header."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            for key, value in changes.items():
                setattr(info, key, value)
            archive.addfile(info, io.BytesIO(data))
    return made.getvalue()


def document(asked: Job, **changes: Any) -> dict[str, Any]:
    return {
        "schema": 1,
        "run_id": asked.run_id,
        "request_sha256": asked.request_sha256,
        "boot_id": BOOT,
        "began_s": 100.5,
        "ended_s": 101,
        "began_utc": "2026-11-30T09:00:00.000000Z",
        "outcome": "ended",
        "status": 0,
        "recorded": False,
        "orphans_ended": [],
        **changes,
    }


def files(asked: Job, response: Response | None = None, **changes: Any) -> dict[str, bytes]:
    return {
        "answer.json": json.dumps(document(asked, **changes)).encode(),
        "response.json": json.dumps(asdict(response or Response())).encode(),
        "stderr.log": b"a word\n",
        "performance/mlperf_log_summary.txt": b"summary",
        "accuracy/mlperf_log_accuracy.json": b"[]",
    }


def answered(asked: Job, response: Response | None = None, **changes: Any) -> bytes:
    return tar(files(asked, response, **changes))
