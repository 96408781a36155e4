"""4-bit weights, by ``ai-edge-quantizer`` from the float32 file. It takes half a second to import, hence only here."""

from __future__ import annotations

from typing import Literal


def int4(model: bytes, precision: Literal["int4_dynamic", "int4_weight_only"]) -> bytes:
    """``model`` (float32 .tflite) with weights in 4 bits, a scale per channel."""
    from ai_edge_quantizer import quantizer, recipe

    recipes = {"int4_dynamic": recipe.dynamic_wi4_afp32, "int4_weight_only": recipe.weight_only_wi4_afp32}
    return bytes(quantizer.Quantizer(model, recipes[precision]()).quantize().quantized_model)
