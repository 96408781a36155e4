"""A precision that cannot be had of a model is one infeasible configuration, and the search goes on."""

from __future__ import annotations

from pathlib import Path

import pytest

import dse
from tests.harness.running import write_colours
from tests.harness.tiny_models import write_sum_model


def test_a_refused_precision_is_infeasible_and_nothing_else_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DSE_CACHE", str(tmp_path / "cache"))
    model = write_sum_model(tmp_path / "sum.tflite")
    space = {
        "schema": 1,
        "name": "mine",
        "data_set": {"file": str(write_colours(tmp_path / "images.npz", classes=3)), "classes": 3},
        "models": {"mine": {"path": str(model), "precision": ["float32", "int4_weight_only"]}},
        "parameters": {"threads": [1, 2]},
    }
    device = dse.FakeDevice(latency_ns=lambda r: 1e6 / r.runtime.threads, accuracy=lambda _: 0.9, noise=0.0)
    study = dse.explore(space, tmp_path / "study", backend=device)
    told = {(m.configuration["precision"], m.configuration["threads"]): m for m in study.measurements}
    assert len(told) == len(study.measurements) == 4
    for threads in (1, 2):
        assert told["float32", threads].response.failure is None
        refused = told["int4_weight_only", threads]
        assert refused.infeasible
        assert refused.response.failure
        assert refused.response.failure.message.endswith(
            "sum.tflite: cannot be had in int4_weight_only: the quantizer found no operator in it whose weights it "
            "takes"
        )
    again = dse.explore(space, tmp_path / "study", backend=device)
    assert [m.trial for m in again.measurements if m.infeasible] == [
        m.trial for m in study.measurements if m.infeasible
    ]
