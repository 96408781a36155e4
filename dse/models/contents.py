"""What a model file takes, gives and is made of, read from the file itself: no engine is imported for it."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

from dse.errors import ModelError, why
from dse.models.onnx_file import read_onnx
from dse.models.tflite_file import read_tflite
from dse.reading import read_bytes

MOST_BYTES = 2**31
"""What a FlatBuffer or a protocol buffer may have; a sparse file may claim any size."""


@dataclass(frozen=True, slots=True)
class TensorContents:
    """An input or output; ``type`` is NumPy's name of its type, and an open dimension is -1."""

    name: str
    shape: tuple[int, ...]
    type: str

    def __str__(self) -> str:
        shape = ", ".join("open" if size < 0 else str(size) for size in self.shape)
        return f"{self.name} {self.type} [{shape}]"


@dataclass(frozen=True, slots=True)
class ModelContents:
    """``weights`` are the types of the constants with two dimensions or more, the commonest first."""

    inputs: tuple[TensorContents, ...]
    outputs: tuple[TensorContents, ...]
    weights: tuple[str, ...]


def read_contents(path: Path) -> ModelContents:
    """What the .tflite or .onnx file at ``path`` says of itself. Raises ModelError."""
    try:
        contents = read_bytes(path, MOST_BYTES)
    except (OSError, ValueError) as error:
        raise ModelError(f"cannot be read: {why(error)}", path=path) from error
    is_onnx = path.suffix == ".onnx"
    if not is_onnx and contents[4:8] != b"TFL3":
        raise ModelError("not a .tflite file", path=path)
    try:
        inputs, outputs, weights = read_onnx(contents) if is_onnx else read_tflite(contents)
    except (IndexError, ValueError, KeyError, TypeError, struct.error) as error:
        raise ModelError(f"a damaged {path.suffix} file: {error!r}", path=path) from error
    return ModelContents(
        tuple(TensorContents(*each) for each in inputs), tuple(TensorContents(*each) for each in outputs), weights
    )
