"""What goes into a model and comes out of it, and which inputs an image fits into."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from dse_harness.errors import HarnessError

_INPUT_TYPES = ("float32", "float16", "uint8", "int8", "int16")


@dataclass(frozen=True)
class Tensor:
    """An input or output: shape, NumPy's name of its type, quantization (``scale`` None: a float type has none).

    ``layout`` and ``side`` are those of an image: ``[1, side, side, 3]`` or ``[1, 3, side, side]``.
    """

    shape: tuple[int, ...]
    type: str
    scale: float | None = None
    zero_point: int = 0

    @property
    def layout(self) -> Literal["NHWC", "NCHW"]:
        """Where the three channels are."""
        return "NHWC" if self.shape[3] == 3 else "NCHW"

    @property
    def side(self) -> int:
        """Height and width in pixels."""
        return self.shape[2]


def one_of(batch_size: int, tensor: Tensor, path: Path) -> Tensor:
    """What one image of a batch has of ``tensor``. Raises HarnessError (``model_unsupported``) for no batch."""
    if batch_size == 1:
        return tensor
    if not tensor.shape or tensor.shape[0] != batch_size:
        raise HarnessError(
            "model_unsupported", f"{path}: no batch of {batch_size}: found a tensor {list(tensor.shape)}"
        )
    return replace(tensor, shape=(1, *tensor.shape[1:]))


def batch_of(batch_size: int, tensor: Tensor) -> tuple[int, ...]:
    """The shape that ``tensor``, which is of one image, has for so many of them."""
    return tensor.shape if batch_size == 1 else (batch_size, *tensor.shape[1:])


def image_input(inputs: tuple[Tensor, ...], path: Path) -> Tensor:
    """The one input of the model at ``path``, which takes one square image. Raises HarnessError.

    The classes are ``model_unsupported`` and ``input_layout``.
    """
    if len(inputs) != 1:
        raise HarnessError("model_unsupported", f"{path}: found {len(inputs)} inputs, allowed: 1 input")
    tensor = inputs[0]
    shape = tensor.shape
    if len(shape) != 4 or 3 not in (shape[1], shape[3]):
        raise HarnessError(
            "input_layout",
            f"{path}: found input shape {list(shape)}, allowed: [1, side, side, 3] or [1, 3, side, side]",
        )
    quantized = tensor.type in ("int8", "int16")  # a uint8 input gets the pixel itself, whatever it means
    if tensor.type not in _INPUT_TYPES or (quantized and not (tensor.scale is not None and tensor.scale > 0)):
        raise HarnessError(
            "model_unsupported",
            f"{path}: found input type {tensor.type} with scale {tensor.scale}, allowed: {', '.join(_INPUT_TYPES)}; "
            "int8 and int16 with a scale, which a .onnx file does not say",
        )
    if shape not in ((1, tensor.side, tensor.side, 3), (1, 3, tensor.side, tensor.side)):
        raise HarnessError(
            "input_layout", f"{path}: found input shape {list(shape)}, allowed: one image with equal sides"
        )
    return tensor
