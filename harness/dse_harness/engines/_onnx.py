"""What engines that read .onnx files know of them."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from dse_harness.engines._file import first_bytes
from dse_harness.errors import HarnessError

_FIRST_BYTES = bytes((0x08, 0x12, 0x1A, 0x22, 0x28, 0x32, 0x3A, 0x42))
"""Protocol Buffers have no mark at their beginning: these are the fields 1 to 8 of ONNX's ModelProto."""
ONLY_BATCH_IS_OPEN = "allowed: whole numbers after the first; fix height and width when the model is exported"


class OnnxFile:
    """Files that hold a ModelProto."""

    suffixes: ClassVar[tuple[str, ...]] = (".onnx",)

    @classmethod
    def check_file(cls, path: Path) -> None:
        """A file begins with a field of a model. Raises HarnessError."""
        head = first_bytes(path)
        if not head or head[0] not in _FIRST_BYTES:
            raise HarnessError("model_broken", f"{path}: found {head!r} at its beginning, which no .onnx file has")
