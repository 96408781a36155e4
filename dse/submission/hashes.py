"""The hash of a file that may be anything: what is too large to be what it is called is not read."""

from __future__ import annotations

from pathlib import Path

from dse.files import sha256_file
from dse.reading import MIB

MODEL_SUFFIXES = (".tflite", ".onnx")
_MOST_MODEL_BYTES = 2**31
"""What a FlatBuffers or Protocol Buffers file can have."""
_MOST_BYTES = 256 * MIB
"""Of any other file; an accuracy log of 50,000 images has 3 MB."""


def content_hash(path: Path) -> str:
    """The SHA-256 of the regular file ``path``, or why it has none, which no hash equals. Raises OSError."""
    most = _MOST_MODEL_BYTES if path.suffix in MODEL_SUFFIXES else _MOST_BYTES
    if (size := path.stat().st_size) > most:
        return f"none ({size} bytes, more than {most})"
    return sha256_file(path)
