"""Documents as dse writes them, whose every value a test may replace."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from dse_harness.protocol import (
    DataSetSpec,
    Evidence,
    ModelInfo,
    Request,
    SpotCheck,
)

from tests.recording import answer

_SHA256 = "ab" * 32
_REQUEST = Request("model.tflite", _SHA256, DataSetSpec("few", "images.npz", _SHA256), "cache")
_RESPONSE = dataclasses.replace(
    answer(dataclasses.replace(_REQUEST)),
    spot_check=SpotCheck(64, _SHA256),
    model=ModelInfo((1, 8, 8, 3), "float32", "NHWC", (1, 10), "float32", False, 300),
    evidence=Evidence(_SHA256, _SHA256, _SHA256, "litert", "2.3.0", "xnnpack", "6.0.17 @ d6147c7eb7"),
    versions={"numpy": "2.4.6", "python": "3.11.7"},
)
REQUEST: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(_REQUEST)))
RESPONSE: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(_RESPONSE)))
CONFIGURATION = {
    "family": "small",
    "form": "minimalistic",
    "width": 0.35,
    "side": 64,
    "precision": "float32",
    "threads": 3,
}
RECORD: dict[str, Any] = {
    "schema": 1,
    "number": 1,
    "configuration": CONFIGURATION,
    "key": "cd" * 32,
    "accuracy_key": "ef" * 32,
    "accuracy_from": 1,
    "phase": "search",
    "timeout_s": 120.0,
}
SETTINGS: dict[str, Any] = {
    "schema": 1,
    "id": "9a406bfea1a24e9684a82a60e17d968f",
    "created": "2026-11-29T16:34:41+00:00",
    "storage": None,
    "options": {"seed": 0},
    "versions": {"dse": "0.1.0", "numpy": "2.4.6"},
    "space": {
        "schema": 1,
        "name": "small_study",
        "description": "",
        "replay": None,
        "data_set": {
            "embedded": "fashion_mnist",
            "classes": 10,
            "preprocessing": {"crop_percent": 87.5, "interpolation": "bilinear", "mean": 127.5, "scale": 127.5},
            "path": "images.npz",
            "size": 10_000,
            "sha256": _SHA256,
        },
        "models": {"zoo": {"zoo": "mobilenet_v3", "path": None, "glob": None, "url": None, "sha256": None}},
        "runtimes": {"litert": {"engine": "litert", "python": None}},
        "parameters": {**{name: [value] for name, value in CONFIGURATION.items()}, "threads": [1, 2, 3]},
        "objectives": {"accuracy": "maximize", "latency_p90_ns": "minimize", "peak_memory_bytes": "minimize"},
        "constraints": ["accuracy >= 0.1"],
        "fidelity": {"explore": {"min_duration": 0.5, "min_query_count": 100, "accuracy_images": 100}},
        "budget": {"time": None, "trials": None},
        "sampler": "auto",
        "seed": 0,
    },
    "placed": {1: CONFIGURATION, 2: None},
}
VALIDATION: dict[str, Any] = {
    "schema": 1,
    "trial": 7,
    "name": "tiny-int8-t1",
    "configuration": {"width": 0.5, "threads": 1},
    "origin": {
        "starting_weights_filename": "https://example.org/weights.tgz",
        "retraining": "no",
        "weight_transformations": "TFLite",
    },
    "round": "v6.1",
    "rehearsal": False,
    "sha256": {"user.conf": _SHA256, "performance/request.json": _SHA256},
}
SUBMISSION: dict[str, Any] = {
    "schema": 1,
    "dse": "0.1.0",
    "round": "v6.1",
    "submitter": "Example",
    "system": "board",
    "scenarios": ["SingleStream"],
    "points": {"tiny-int8-t1": 7},
    "submittable": False,
    "allowed": ["data-set-size"],
}
MEASUREMENTS: dict[str, Any] = {
    "input_data_types": "int8",
    "weight_data_types": "int8",
    "retraining": "no",
    "starting_weights_filename": "https://example.org/weights.tgz",
    "weight_transformations": "TFLite",
}
