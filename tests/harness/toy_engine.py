"""An engine of another distribution. A model is ten lines of three numbers, which weigh an image's mean colour."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from dse_harness.errors import HarnessError
from dse_harness.tensors import Tensor

if TYPE_CHECKING:
    import numpy as np
    from dse_harness.protocol import RuntimeSpec

_HEAD = "toy model\n"


class Toy:
    title: ClassVar[str] = "Toy Engine"
    packages: ClassVar[tuple[str, ...]] = ("toy-engine",)
    suffixes: ClassVar[tuple[str, ...]] = (".toy",)
    delegates: ClassVar[tuple[str, ...]] = ("abacus", "fingers")

    def __init__(self, spec: RuntimeSpec) -> None:
        self.version = "1.0"

    @classmethod
    def check_file(cls, path: Path) -> None:
        try:
            head = path.read_bytes()[: len(_HEAD)]
        except OSError as error:
            raise HarnessError("model_missing", f"{path}: {error}") from error
        if head != _HEAD.encode():
            raise HarnessError("model_broken", f"{path}: found {head!r}, allowed: {_HEAD!r}")

    def load(self, path: Path) -> ToySession:
        import numpy as np

        self.check_file(path)
        try:
            lines = path.read_text().splitlines()[1:]
            return ToySession(np.array([line.split() for line in lines], np.float32).reshape(10, 3))
        except ValueError as error:
            raise HarnessError("model_broken", f"{path}: {error}") from error


class ToySession:
    def __init__(self, weights: np.ndarray) -> None:
        self.inputs: tuple[Tensor, ...] = (Tensor((1, 8, 8, 3), "float32"),)
        self.outputs: tuple[Tensor, ...] = (Tensor((1, 10), "float32"),)
        self._weights = weights

    def bind(self, outputs=(0,)):
        def invoke(sample):
            answer = sample.mean(axis=(1, 2)) @ self._weights.T
            return [answer.copy() for _ in outputs]

        return invoke


def write_toy_model(folder: Path) -> Path:
    path = folder / "model.toy"
    path.write_text(_HEAD + "\n".join(f"{number} {number % 3} {-number}" for number in range(10)) + "\n")
    return path
