"""Every backend satisfies what the search relies on; others subclass the same tests."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from dse_harness.protocol import AccuracySpec, DataSetSpec, Failure, PerformanceSpec, Request

from dse.backends import BACKENDS, Backend, FakeDevice, LocalBackend, RecordingBackend, TabularBackend, closed_after
from dse.data_sets import from_arrays
from dse.models import ZooSource
from dse.tabular.table import read_table
from dse.testing.backends import BackendConformance

_ZOO = {"family": "small", "form": "minimalistic", "width": 0.35, "side": 48, "precision": "float32"}
_TABLE = "precision,accuracy_pct,acc_good,acc_total,p90_latency_ns\nfloat,50,50,100,1000\nuint8,60,60,100,2000\n"
_REQUEST = Request("m.tflite", "a" * 64, DataSetSpec("x", "x.npz", "b" * 64), "cache", accuracy=AccuracySpec(64))


class TestLocal(BackendConformance):
    @pytest.fixture(params=["forked", "fresh"])
    def backend(self, request: pytest.FixtureRequest) -> Iterator[Backend]:
        made = LocalBackend(fresh=request.param == "fresh")
        with closed_after(made):
            yield made

    @pytest.fixture
    def possible(self, tmp_path: Path) -> Request:
        chance = np.random.default_rng(0)
        pixels = chance.integers(0, 256, (64, 28, 28), np.uint8)
        np.savez(tmp_path / "images.npz", images=pixels, labels=np.arange(64) % 10)
        model = ZooSource(tmp_path / "models").make(_ZOO)
        return replace(
            _REQUEST,
            model_path=str(model.path),
            model_sha256=model.sha256,
            data_set=from_arrays("noise", tmp_path / "images.npz", 10).spec,
            cache_dir=str(tmp_path / "cache"),
            performance=PerformanceSpec(64, min_duration_ms=10, min_query_count=64),
        )

    @pytest.fixture
    def impossible(self, possible: Request) -> Request:
        return replace(possible, model_path="/none.tflite")


class TestTabular(BackendConformance):
    @pytest.fixture
    def backend(self, tmp_path: Path) -> Backend:
        (tmp_path / "t.csv").write_text(_TABLE)
        return TabularBackend(read_table(tmp_path / "t.csv"))

    @pytest.fixture
    def possible(self, backend: Backend, tmp_path: Path) -> Request:
        return replace(_REQUEST, model_sha256=read_table(tmp_path / "t.csv").identity({"precision": "uint8"}))

    @pytest.fixture
    def impossible(self) -> Request:
        return _REQUEST


class TestFake(BackendConformance):
    @pytest.fixture
    def backend(self) -> Backend:
        broken = Failure("model_broken", "it is made up")
        return FakeDevice(lambda _: 1e6, lambda _: 0.5, lambda r: broken if r.model_sha256[0] == "f" else None)

    @pytest.fixture
    def possible(self) -> Request:
        return _REQUEST

    @pytest.fixture
    def impossible(self) -> Request:
        return replace(_REQUEST, model_sha256="f" * 64)


class TestRecording(TestFake):
    @pytest.fixture
    def backend(self, possible: Request, tmp_path: Path) -> Backend:
        (tmp_path / "trials" / "0").mkdir(parents=True)
        FakeDevice(lambda _: 1e6, lambda _: 0.5).run(possible, tmp_path / "trials" / "0", 1.0)
        return RecordingBackend(tmp_path / "trials")


def test_the_registry_has_them_all() -> None:
    found = [BACKENDS.get(name) for name in ("local", "tabular", "recording", "fake")]
    assert found == [LocalBackend, TabularBackend, RecordingBackend, FakeDevice]
