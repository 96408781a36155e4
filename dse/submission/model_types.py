"""The number types of a model file's input and weights, in MLPerf's names."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dse.errors import ModelError
from dse.models.contents import read_contents

_NAMES = {"float32": "fp32", "float16": "fp16", "bfloat16": "bf16"}
"""Where they are not NumPy's."""


@dataclass(frozen=True)
class ModelTypes:
    """What measurements.json asks for: ``int8``, or several with the commonest first: ``int8, fp32``."""

    input: str
    weights: str


def model_types(path: Path) -> ModelTypes:
    """The types of the first input and of the constants with two dimensions or more. Raises ModelError."""
    contents = read_contents(path)
    if not contents.inputs:
        raise ModelError("found no input in it", path=path)
    return ModelTypes(
        _NAMES.get(contents.inputs[0].type, contents.inputs[0].type),
        ", ".join(_NAMES.get(name, name) for name in contents.weights),
    )
