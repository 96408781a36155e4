"""From the zoo's weights to a .tflite file."""

from __future__ import annotations

from functools import lru_cache
from typing import assert_never

from search_spaces.zoo.catalogue import find, weights_file
from search_spaces.zoo.graph import decompose_hard_swish, fold
from search_spaces.zoo.low_bit import int4
from search_spaces.zoo.weights import Weights, load
from search_spaces.zoo.writer import write


def assemble(family: str, form: str, width: float, side: int, precision: str, hard_swish: str | None) -> bytes:
    """See ``search_spaces.zoo.build``, the public name."""
    entry, precision = find(family, form, width, side, precision, hard_swish)
    weights = _weights(entry.name)
    ops = fold(weights, side)
    if hard_swish == "decomposed":
        ops = decompose_hard_swish(ops)
    description = f"{entry.name} {side} {precision} {hard_swish or ''}".rstrip()
    match precision:
        case "int4_dynamic" | "int4_weight_only":
            return int4(write(ops, side, "float32", {}, description), precision)
        case "float32" | "float16" | "int8" | "int8_dynamic" | "int8_weight_only":
            return write(ops, side, precision, weights.ranges[side], description)
        case _:
            assert_never(precision)


@lru_cache(maxsize=2)
def _weights(name: str) -> Weights:
    with weights_file(name).open("rb") as file:
        return load(file)
