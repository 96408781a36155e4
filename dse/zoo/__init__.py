"""Networks of the MobileNetV3 family, trained on Fashion-MNIST, written as .tflite or .onnx on demand."""

from __future__ import annotations

from dse.zoo.catalogue import (
    Entry,
    ZooError,
    calibration_path,
    entries,
    networks,
    parameters,
    validation_path,
    version,
)

__all__ = [
    "Entry",
    "ZooError",
    "build",
    "calibration_path",
    "entries",
    "networks",
    "parameters",
    "validation_path",
    "version",
]


def build(
    family: str,
    form: str,
    width: float,
    side: int,
    precision: str,
    hard_swish: str | None = None,
    file_format: str = "tflite",
) -> bytes:
    """The file of a variant; same arguments, same bytes. Raises ZooError for one that the zoo does not have.

    Input ``image`` ``[1, side, side, 3]``: ``pixel / 127.5 - 1``, quantized for precision ``int8``. Output
    ``probabilities`` ``[1, 10]``. ``hard_swish`` (form ``full`` only, required there) says whether hard-swish is one
    ``operator`` or ``decomposed`` into three.

    As ``file_format`` ``onnx`` the image is ``[1, 3, side, side]``, and both ends are float32 in every precision.
    """
    from dse.zoo.assemble import assemble  # NumPy and FlatBuffers only when a file is wanted

    return assemble(family, form, width, side, precision, hard_swish, file_format)
