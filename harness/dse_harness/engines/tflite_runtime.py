"""`tflite-runtime`, whose last release is 2.14.0; it needs NumPy 1."""

from __future__ import annotations

from typing import ClassVar

from dse_harness.engines._tflite import TfliteEngine


class TfliteRuntime(TfliteEngine):
    """TensorFlow Lite as it was before LiteRT."""

    title: ClassVar[str] = "TensorFlow Lite"
    packages: ClassVar[tuple[str, ...]] = ("tflite-runtime",)
    module = "tflite_runtime"
    install = 'pip install "tflite-runtime==2.14.0" "numpy<2" (Linux, Python up to 3.11)'
