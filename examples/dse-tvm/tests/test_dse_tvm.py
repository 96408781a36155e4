"""TVM holds what an engine has to, answers as LiteRT does, and refuses what nobody has tried."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from dse_harness.engines import open_engine
from dse_harness.errors import HarnessError
from dse_harness.protocol import RuntimeSpec
from dse_harness.testing import EngineConformance
from dse_tvm import TVM

from dse import zoo
from dse.zoo.graph import INPUT, OUTPUT, Dense, Mean, Softmax
from dse.zoo.writer import write

_SIDE = 48


def _write(folder: Path, precision: str) -> Path:
    path = folder / f"{precision}.tflite"
    path.write_bytes(zoo.build("small", "minimalistic", 0.35, _SIDE, precision))
    return path


class TestTVM(EngineConformance):
    engine = TVM

    def write_model(self, folder: Path) -> Path:
        """The mean colour into ten classes: compiled in no time."""
        weights = np.random.default_rng(0).normal(size=(10, 3)).astype(np.float32)
        ops = [
            Mean("pooled", INPUT, keep_dimensions=False),
            Dense("classifier", "pooled", weights, np.zeros(10, np.float32), "none"),
            Softmax(OUTPUT, "classifier"),
        ]
        path = folder / "tiny.tflite"
        path.write_bytes(write(ops, 8, "float32", {}, "tiny"))
        return path


@pytest.mark.parametrize("precision", ["float32", "float16"])
def test_it_answers_as_litert_does(precision: str, tmp_path: Path) -> None:
    model = _write(tmp_path, precision)
    images = np.random.default_rng(0).uniform(-1, 1, (3, 1, _SIDE, _SIDE, 3)).astype(np.float32)
    ours, theirs = TVM(RuntimeSpec("tvm", 1, "llvm")).load(model).bind(), _litert(model)
    for image in images:
        np.testing.assert_allclose(ours(image)[0], theirs(image)[0], atol=1e-3 if precision == "float16" else 1e-5)


@pytest.mark.parametrize("precision", ["int8", "int8_dynamic", "int8_weight_only", "int4_weight_only"])
def test_what_nobody_has_tried_is_refused(precision: str, tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match="is untried") as caught:
        TVM(RuntimeSpec("tvm", 1, "llvm")).load(_write(tmp_path, precision))
    assert caught.value.failure.error == "delegate_refused"


def _litert(model: Path):
    return open_engine(RuntimeSpec("litert", 1, "xnnpack")).load(model).bind()
