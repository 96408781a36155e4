"""Each engine that is built in, and one of another distribution, holds what the protocol says."""

from importlib.util import find_spec
from pathlib import Path

import pytest
from dse_harness.engines import ENGINES
from dse_harness.testing import EngineConformance

from tests.harness.tiny_models import write_tiny_model
from tests.harness.toy_engine import Toy, write_toy_model


class TestLiteRT(EngineConformance):
    engine = ENGINES.get("litert")

    def write_model(self, folder: Path) -> Path:
        return write_tiny_model(folder / "tiny.tflite")


class TestLiteRTWithIntegers(TestLiteRT):
    def write_model(self, folder: Path) -> Path:
        return write_tiny_model(folder / "tiny.tflite", type_="int8")


@pytest.mark.skipif(find_spec("tflite_runtime") is None, reason="tflite-runtime needs NumPy 1 and Python 3.11 or older")
class TestTfliteRuntime(TestLiteRT):
    engine = ENGINES.get("tflite-runtime")


class TestToy(EngineConformance):
    engine = Toy

    def write_model(self, folder: Path) -> Path:
        return write_toy_model(folder)
