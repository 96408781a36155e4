"""Integers for real numbers, by LiteRT's quantization specification."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dse.zoo.flatbuffer import Quantization

# 1/128 rather than 1/127.5: with zero point 0 the latter puts every 8-bit pixel halfway between two steps.
INPUT_QUANTIZATION = Quantization(np.array([1 / 128], np.float32), np.zeros(1, np.int64))
_SMALLEST_SCALE = 1e-8  # of a tensor that is constantly zero


def activation_quantization(low: float, high: float) -> Quantization:
    """int8 for values in ``low..high``, widened to contain zero, which is represented exactly."""
    low, high = min(low, 0.0), max(high, 0.0)
    scale = max((high - low) / 255, _SMALLEST_SCALE)
    zero_point = int(np.clip(round(-128 - low / scale), -128, 127))
    return Quantization(np.array([scale], np.float32), np.array([zero_point], np.int64))


def quantized_weights(
    weights: NDArray[np.float32], axis: int | None, bits: int = 8
) -> tuple[NDArray[np.int8], Quantization]:
    """Symmetric integers of ``bits``, with a scale per index along ``axis``, or one scale for all (``axis`` None).

    The largest value sets the scale, and no value moves by more than half of it.
    """
    steps = 2 ** (bits - 1) - 1
    others = tuple(dimension for dimension in range(weights.ndim) if dimension != axis)
    largest = np.maximum(np.abs(weights).max(axis=others, keepdims=True), steps * _SMALLEST_SCALE)
    scale = (largest / steps).astype(np.float32)
    stored = np.clip(np.rint(weights / scale), -steps, steps).astype(np.int8)
    return stored, Quantization(scale.ravel(), np.zeros(scale.size, np.int64), axis or 0)


def quantized_bias(
    bias: NDArray[np.float32], source: Quantization, weights: Quantization
) -> tuple[NDArray[np.int32], Quantization]:
    """int32 in units of input scale times weight scale, as the kernels accumulate."""
    scale = source.scale * weights.scale
    limits = np.iinfo(np.int32)
    stored = np.clip(np.rint(bias.astype(np.float64) / scale), limits.min, limits.max).astype(np.int32)
    return stored, Quantization(scale, np.zeros(scale.size, np.int64))
