"""`ai-edge-litert`, TensorFlow Lite's maintained successor."""

from __future__ import annotations

from typing import ClassVar

from dse_harness.engines._tflite import TfliteEngine


class LiteRT(TfliteEngine):
    """The engine of a request that names none."""

    title: ClassVar[str] = "LiteRT"
    packages: ClassVar[tuple[str, ...]] = ("ai-edge-litert",)
    module = "ai_edge_litert"
    install = "pip install ai-edge-litert"
