"""A space as a study has it: what is written is read back, and what versions of before wrote is read as well."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from dse_harness.decode import ProtocolError, decode

from dse.core.metrics import METRICS, Objective
from dse.spaces.resolved import ResolvedSpace

_FIRST: dict[str, Any] = {
    "schema": 1,
    "name": "s",
    "description": "",
    "data_set": {
        "embedded": None,
        "file": None,
        "images": "images",
        "labels": "labels.txt",
        "name": "sleep",
        "classes": None,
        "preprocessing": {"crop_percent": 87.5, "interpolation": "bilinear", "mean": 127.5, "scale": 127.5},
        "path": "/data/images",
        "size": 9,
        "sha256": "d" * 64,
    },
    "models": {"m": {"zoo": None, "path": None, "glob": None, "url": "http://me:secret@a/b?token=x", "sha256": None}},
    "runtimes": {"litert": {"engine": "litert", "python": None}},
    "parameters": {"threads": [1, 2], "delegate": {"xnnpack": None, "builtin": {"width": [1, 0.5]}}},
    "objectives": {"accuracy": "maximize", "latency_p90_ns": "minimize"},
    "constraints": ["accuracy >= 50%"],
    "fidelity": {
        "explore": {"min_duration": 0.5, "min_query_count": 100, "accuracy_images": 5, "trial_timeout": 120.0}
    },
    "budget": {"time": None, "trials": 3},
    "sampler": "tpe",
    "seed": 0,
}
"""As the first versions wrote it: no replay, no preprocessing of a model, an address as the space has it."""


def _read(document: dict[str, Any]) -> ResolvedSpace:
    space: ResolvedSpace = decode(ResolvedSpace, document)
    return space


def test_what_the_first_versions_wrote_is_read() -> None:
    space = _read(_FIRST)
    assert (space.replay, space.data_set.called, space.accuracy_images) == (None, "sleep", 5)
    assert space.tree.levels_of("width") == (1, 0.5)
    assert space.optimized[0] == Objective(METRICS.get("accuracy"), "maximize")
    assert [constraint.metric.name for constraint in space.bounds] == ["accuracy"]
    assert _read(space.document()) == space


def test_an_address_loses_its_secrets() -> None:
    assert _read(_FIRST).models["m"]["url"] == "http://a/b"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"colour": 1, 3: 4}, "document: unknown 3, colour; allowed: schema, name"),
        ({"parameters": {"a": {1: {"b": 3}}}}, "parameters.a.1.b: found 3, expected a list of levels, or levels with"),
        ({"constraints": ["x"]}, "constraints: found 'x'"),
        ({"objectives": {"speed": "minimize"}}, "objectives: found the metric 'speed', allowed: accuracy"),
        ({"models": {"m": 3}}, "document.models.m: found 3, expected an object"),
        ({"seed": "x"}, "document.seed: found 'x', expected int"),
    ],
)
def test_what_is_no_space_is_refused_with_its_place(change: dict[Any, Any], message: str) -> None:
    with pytest.raises(ProtocolError) as caught:
        _read(_FIRST | change)
    assert message in str(caught.value)


def test_reading_a_study_imports_neither_pydantic_nor_optuna() -> None:
    program = "import sys, dse.study, dse.submission.official_figures; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert not {"pydantic", "optuna"} & set(loaded)
