"""From the zoo's weights to a .tflite or .onnx file."""

from __future__ import annotations

from functools import lru_cache

from dse.zoo.catalogue import find, weights_file
from dse.zoo.graph import decompose_hard_swish, fold
from dse.zoo.weights import Weights, load
from dse.zoo.writer import write


def assemble(
    family: str, form: str, width: float, side: int, precision: str, hard_swish: str | None, file_format: str
) -> bytes:
    """See ``dse.zoo.build``, the public name."""
    entry, precision = find(family, form, width, side, precision, hard_swish, file_format)
    weights = _weights(entry.name)
    ops = fold(weights, side)
    if hard_swish == "decomposed":
        ops = decompose_hard_swish(ops)
    description = f"{entry.name} {side} {precision} {hard_swish or ''}".rstrip()
    if file_format == "onnx":
        from dse.zoo.onnx import write_onnx

        return write_onnx(ops, side, precision, weights.ranges[side], description)
    return write(ops, side, precision, weights.ranges[side], description)


@lru_cache(maxsize=2)
def _weights(name: str) -> Weights:
    with weights_file(name).open("rb") as file:
        return load(file)
